//! The objects of a `List` in JSON, decoded in one pass: dumps of large clusters are hundreds of megabytes of it.
//!
//! The reader checks every byte that it passes over, and answers only what it is certain of. What it declines (escapes in
//! strings that are kept, fractions, anything out of order) `serde_json` reads instead, and finds the words for it.

use std::ops::Range;

use serde::de::{self, Deserialize, DeserializeSeed, Visitor};

use crate::yaml::{Declined, decline_the_rest};

#[cfg(test)]
mod tests;

/// What is known of an item before it is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind<'a> {
    pub(super) api_version: &'a str,
    pub(super) kind: &'a str,
}

/// A text and how far it has been read.
#[derive(Clone)]
pub(super) struct Json<'a> {
    text: &'a str,
    at: usize,
    /// How many collections are open around this place.
    depth: u32,
    /// How often the outermost mapping said what it is: once is enough.
    kinds: u32,
    api_versions: u32,
}

/// As deep as `serde_json` goes.
const MAX_DEPTH: u32 = 120;

impl<'a> Json<'a> {
    pub(super) fn new(text: &'a str, at: usize) -> Self {
        Self {
            text,
            at,
            depth: 0,
            kinds: 0,
            api_versions: 0,
        }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// Passes over what somebody else has read, up to a place.
    pub(super) fn go_on(&mut self, at: usize) {
        self.at = at;
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    fn byte(&self) -> Option<u8> {
        self.bytes().get(self.at).copied()
    }

    /// Passes over blanks, and returns what stands behind them.
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.byte() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other,
            }
        }
    }

    /// Takes one byte behind blanks, if it is this one.
    pub(super) fn take(&mut self, wanted: u8) -> Result<(), Declined> {
        if self.peek() == Some(wanted) {
            self.at += 1;
            Ok(())
        } else {
            Err(Declined)
        }
    }

    /// Takes a string without escapes.
    pub(super) fn string(&mut self) -> Result<&'a str, Declined> {
        self.take(b'"')?;
        let start = self.at;
        let end = start + special(&self.bytes()[start..]);
        if self.bytes().get(end) != Some(&b'"') {
            return Err(Declined);
        }
        self.at = end + 1;
        // Quotes stand between characters, never within one.
        self.text.get(start..end).ok_or(Declined)
    }

    fn skip_string(&mut self) -> Result<(), Declined> {
        self.take(b'"')?;
        loop {
            self.at += special(&self.bytes()[self.at..]);
            match self.bytes().get(self.at..).unwrap_or_default() {
                [b'"', ..] => {
                    self.at += 1;
                    return Ok(());
                }
                [b'\\', b'u', hex @ ..] if hex.len() >= 4 => {
                    if !hex[..4].iter().all(u8::is_ascii_hexdigit) {
                        return Err(Declined);
                    }
                    self.at += 6;
                }
                [
                    b'\\',
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                    ..,
                ] => self.at += 2,
                _ => return Err(Declined),
            }
        }
    }

    fn skip_word(&mut self, word: &str) -> Result<(), Declined> {
        if self.bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(Declined)
        }
    }

    fn digits(&mut self) -> Result<(), Declined> {
        let start = self.at;
        while self.byte().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start {
            Err(Declined)
        } else {
            Ok(())
        }
    }

    fn skip_number(&mut self) -> Result<(), Declined> {
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// Passes over one value of any kind.
    pub(super) fn skip(&mut self) -> Result<(), Declined> {
        // Whether each open collection is a mapping, the innermost in the lowest bit.
        let (mut maps, mut open) = (0u128, 0u32);
        loop {
            match self.peek().ok_or(Declined)? {
                b'"' => self.skip_string()?,
                first @ (b'{' | b'[') => {
                    self.at += 1;
                    let (is_map, closing) = (first == b'{', first + 2);
                    if self.peek() == Some(closing) {
                        self.at += 1;
                    } else {
                        if open >= MAX_DEPTH {
                            return Err(Declined);
                        }
                        maps = (maps << 1) | u128::from(is_map);
                        open += 1;
                        if is_map {
                            self.skip_key()?;
                        }
                        continue;
                    }
                }
                b't' => self.skip_word("true")?,
                b'f' => self.skip_word("false")?,
                b'n' => self.skip_word("null")?,
                _ => self.skip_number()?,
            }
            loop {
                if open == 0 {
                    return Ok(());
                }
                let is_map = maps & 1 == 1;
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if is_map {
                            self.skip_key()?;
                        }
                        break;
                    }
                    Some(b'}') if is_map => {}
                    Some(b']') if !is_map => {}
                    _ => return Err(Declined),
                }
                self.at += 1;
                maps >>= 1;
                open -= 1;
            }
        }
    }

    fn skip_key(&mut self) -> Result<(), Declined> {
        self.skip_string()?;
        self.take(b':')
    }

    /// Looks at the first entries of the mapping that stands here: a server's objects begin with what they are.
    pub(super) fn kind(&self) -> Option<Kind<'a>> {
        let mut ahead = self.clone();
        ahead.take(b'{').ok()?;
        let (mut api_version, mut kind) = (None, None);
        loop {
            let known = match ahead.string().ok()? {
                "apiVersion" => &mut api_version,
                "kind" => &mut kind,
                _ => return None,
            };
            ahead.take(b':').ok()?;
            *known = Some(ahead.string().ok()?);
            if let (Some(api_version), Some(kind)) = (api_version, kind) {
                return Some(Kind { api_version, kind });
            }
            ahead.take(b',').ok()?;
        }
    }

    /// Decodes the object that stands here, and passes over it.
    pub(super) fn decode<T: Deserialize<'a>>(&mut self) -> Result<T, Declined> {
        T::deserialize(self)
    }

    fn integer(&mut self) -> Result<i64, Declined> {
        self.peek();
        let start = self.at;
        self.skip_number()?;
        let text = &self.text[start..self.at];
        // Fractions, exponents, minus zero, and what may be too large.
        if text.len() > 18 || text == "-0" {
            return Err(Declined);
        }
        text.parse().or(Err(Declined))
    }

    fn collection<T>(
        &mut self,
        opening: u8,
        read: impl FnOnce(&mut Inside<'_, 'a>) -> Result<T, Declined>,
    ) -> Result<T, Declined> {
        self.take(opening)?;
        if self.depth >= MAX_DEPTH {
            return Err(Declined);
        }
        self.depth += 1;
        let mut inside = Inside {
            json: self,
            closing: opening + 2,
            is_first: true,
            is_done: false,
        };
        let value = read(&mut inside)?;
        if !inside.is_done && inside.more()? {
            return Err(Declined);
        }
        self.depth -= 1;
        Ok(value)
    }
}

/// How many bytes of a string need no thought: none of them is a quote, a backslash or a control character.
fn special(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut done = 0;
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        let mut eight = [0; 8];
        eight.copy_from_slice(word);
        let word = u64::from_le_bytes(eight);
        // A byte below n turns its high bit on when n is taken from it; one below the first hit may too, none before it.
        let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word & HIGH;
        let hits = below(word ^ (ONES * u64::from(b'"')), 1)
            | below(word ^ (ONES * u64::from(b'\\')), 1)
            | below(word, 0x20);
        if hits != 0 {
            return done + hits.trailing_zeros() as usize / 8;
        }
        done += 8;
    }
    let rest = words.remainder().iter();
    done + rest
        .take_while(|b| !matches!(b, b'"' | b'\\' | 0..=0x1f))
        .count()
}

/// The inside of a mapping or a list.
struct Inside<'j, 'a> {
    json: &'j mut Json<'a>,
    closing: u8,
    is_first: bool,
    is_done: bool,
}

impl Inside<'_, '_> {
    /// Steps to the next element, or over the end.
    fn more(&mut self) -> Result<bool, Declined> {
        if self.is_done {
            return Ok(false);
        }
        if self.json.peek() == Some(self.closing) {
            self.json.at += 1;
            self.is_done = true;
            return Ok(false);
        }
        if !std::mem::take(&mut self.is_first) {
            self.json.take(b',')?;
        }
        Ok(true)
    }
}

impl<'a> de::SeqAccess<'a> for Inside<'_, 'a> {
    type Error = Declined;

    fn next_element_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Declined> {
        if !self.more()? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.json).map(Some)
    }
}

impl<'a> de::MapAccess<'a> for Inside<'_, 'a> {
    type Error = Declined;

    fn next_key_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Declined> {
        if !self.more()? {
            return Ok(None);
        }
        let key = self.json.string()?;
        if self.json.depth == 1 {
            self.json.kinds += u32::from(key == "kind");
            self.json.api_versions += u32::from(key == "apiVersion");
            if self.json.kinds > 1 || self.json.api_versions > 1 {
                return Err(Declined);
            }
        }
        self.json.take(b':')?;
        seed.deserialize(de::value::BorrowedStrDeserializer::new(key))
            .map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, Declined> {
        seed.deserialize(&mut *self.json)
    }
}

macro_rules! numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Declined> {
            let number = self.integer()?;
            match u64::try_from(number) {
                Ok(number) => visitor.visit_u64(number),
                Err(_) => visitor.visit_i64(number),
            }
        }
    )*};
}

impl<'a> de::Deserializer<'a> for &mut Json<'a> {
    type Error = Declined;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Declined> {
        match self.peek().ok_or(Declined)? {
            b'"' => self.deserialize_str(visitor),
            b'{' => self.deserialize_map(visitor),
            b'[' => self.deserialize_seq(visitor),
            b't' | b'f' => self.deserialize_bool(visitor),
            b'n' => self.deserialize_unit(visitor),
            _ => self.deserialize_i64(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Declined> {
        let value = self.peek() == Some(b't');
        self.skip_word(if value { "true" } else { "false" })?;
        visitor.visit_bool(value)
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Declined> {
        visitor.visit_borrowed_str(self.string()?)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Declined> {
        if self.peek() == Some(b'n') {
            self.skip_word("null")?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Declined> {
        self.peek();
        self.skip_word("null")?;
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Declined> {
        // A name of this kind has a meaning of its own to serde_json.
        if name.starts_with('$') {
            return Err(Declined);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Declined> {
        self.collection(b'[', |inside| visitor.visit_seq(inside))
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Declined> {
        self.collection(b'{', |inside| visitor.visit_map(inside))
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Declined> {
        self.skip()?;
        visitor.visit_unit()
    }

    decline_the_rest! { 'a }
}

/// A `List` taken apart: the text around its items, and the items.
pub(super) struct List<T> {
    /// The list without its items, for whoever reads its head.
    pub(super) around: String,
    pub(super) items: Vec<T>,
}

/// Takes apart a text that is one mapping with a list under `items`. `item` takes what stands at its place, and says where that
/// ends. Items are taken on several threads, `at_a_time` bytes of them on each.
pub(super) fn list<T: Send>(
    text: &str,
    at_a_time: usize,
    item: impl Fn(&mut Json<'_>) -> Result<T, Declined> + Sync,
) -> Result<List<T>, Declined> {
    let mut json = Json::new(text, 0);
    json.take(b'{')?;
    let mut found: Option<(Range<usize>, Vec<T>)> = None;
    let mut is_first = true;
    loop {
        if json.peek() == Some(b'}') {
            json.at += 1;
            break;
        }
        if !std::mem::take(&mut is_first) {
            json.take(b',')?;
        }
        let key = json.string()?;
        json.take(b':')?;
        if key == "items" && json.peek() == Some(b'[') {
            let start = json.at;
            let items = elements(&mut json, at_a_time, &item)?;
            if found.replace((start..json.at, items)).is_some() {
                return Err(Declined);
            }
        } else {
            json.skip()?;
        }
    }
    let (range, items) = found.ok_or(Declined)?;
    if json.peek().is_some() {
        return Err(Declined);
    }
    Ok(List {
        around: format!("{}[]{}", &text[..range.start], &text[range.end..]),
        items,
    })
}

fn elements<T: Send>(
    json: &mut Json<'_>,
    at_a_time: usize,
    item: &(impl Fn(&mut Json<'_>) -> Result<T, Declined> + Sync),
) -> Result<Vec<T>, Declined> {
    json.take(b'[')?;
    if json.peek() == Some(b']') {
        json.at += 1;
        return Ok(Vec::new());
    }
    let (text, first) = (json.text, json.at);
    let starts = likely_starts(text, first, at_a_time);
    // Each thread reads from its start to the next one. That a guess was right shows when the reader before it gets there.
    let read = super::parallel::in_order(starts.len(), 1, |which| {
        let which = which.start;
        let until = starts.get(which + 1).copied().unwrap_or(text.len());
        run(text, starts[which], until, item)
    });
    let mut all = Vec::new();
    let mut at = first;
    for (start, run_of) in starts.iter().zip(read) {
        if *start != at {
            // A wrong guess: the reader before it went on past it.
            break;
        }
        let (items, end, is_last) = run_of?;
        all.extend(items);
        at = end;
        if is_last {
            json.at = at;
            return Ok(all);
        }
    }
    let (items, end, _) = run(text, at, text.len(), item)?;
    all.extend(items);
    json.at = end;
    Ok(all)
}

/// Items, where the next one starts (or behind the closing bracket), and whether the list ended.
type Run<T> = (Vec<T>, usize, bool);

fn run<T>(
    text: &str,
    start: usize,
    until: usize,
    item: &impl Fn(&mut Json<'_>) -> Result<T, Declined>,
) -> Result<Run<T>, Declined> {
    let mut items = Vec::new();
    let mut at = start;
    loop {
        let mut json = Json::new(text, at);
        items.push(item(&mut json)?);
        match json.peek() {
            Some(b',') => json.at += 1,
            Some(b']') => return Ok((items, json.at + 1, true)),
            _ => return Err(Declined),
        }
        json.peek();
        at = json.at;
        if at >= until && until < text.len() {
            return Ok((items, at, false));
        }
    }
}

/// Where items may start, one for about each `at_a_time` bytes: at text that reads like the start of the first one.
fn likely_starts(text: &str, first: usize, at_a_time: usize) -> Vec<usize> {
    let sample = &text[first..];
    let end = sample.char_indices().nth(24).map_or(0, |(end, _)| end);
    let mut starts = vec![first];
    if end == 0 {
        return starts;
    }
    let sample = &sample[..end];
    let mut at = first + at_a_time;
    while at < text.len() {
        // Any character boundary does.
        while !text.is_char_boundary(at) {
            at += 1;
        }
        let Some(offset) = text[at..].find(sample) else {
            break;
        };
        starts.push(at + offset);
        at += offset + at_a_time;
    }
    starts
}
