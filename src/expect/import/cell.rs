//! The grammar of one cell of a table, as people write them.
//!
//! ```text
//! cell     = empty | deny | any | item { sep item }
//! deny     = "deny all" | "deny" | "none" | "-" | "—"        (words in any case, here and below)
//! any      = "any" | "all" | "allow all" | "*" | "any but some"
//! sep      = "," | ";" | "<br>" | newline                    (only outside parentheses)
//! item     = any | ( portitem | network ) [ mark ]
//! portitem = port [ "/" protocol ] [ "(" peers ")" ]
//! port     = "any" | "all" | "*" | number [ "-" number ] | port name
//! peers    = peer { ( "," | ";" | " / " | " or " | " and " | newline ) peer }
//! peer     = name | "ns/name" | "ns/kind/name" | network
//! network  = addresses [ "except" addresses { "," addresses } ]
//! addresses = address [ "/" length ] | address "-" address   (no length: that one address)
//! mark     = "?" | "half-open"
//! row name = text [ "(" alias { ( "," | " / " ) alias } ")" ]
//! ```
//!
//! `except` is greedy: networks that follow it behind commas are its holes too, up to the next `;` or the next network that has
//! an `except` of its own. Host bits are masked away, as in the short form of a rule. A network without a port is all ports.
//! Emphasis, backquotes, backslashes and links around words do not count.
//!
//! What the table of a cluster has to say goes beyond what documents say, so the grammar is wider than theirs; what they say
//! keeps its meaning:
//!
//! - Networks stand in parentheses too, several of them, and as ranges where they are none: `443 (10.0.0.0/8 except
//!   10.1.0.0/16; 192.168.0.1-192.168.0.9)`.
//! - `any` takes a protocol and peers: `any/udp (kafka)`.
//! - A mark takes the demand away and leaves the toleration. `9092 (kafka) half-open`: this side lets it through, the other
//!   side does not. `9092 (kafka)?`: whether it gets through is not known.
//! - `any` beside other entries, as in `Any, 9092 (kafka)`, tolerates everything and demands the others. `any but some` is the
//!   same: a part of it is denied, which a document that only tolerates does not mind. So is a lone `?` beside other entries;
//!   alone it says nothing, like an empty cell.

use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};
use std::net::IpAddr;
use std::ops::Range;

use crate::expect::file::Level;
use crate::expect::file::short::{self, PortWord};
use crate::model::IpBlock;

/// What one direction cell says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Nothing is said of this direction.
    Empty,
    Deny,
    Any,
    /// Never empty.
    Items(Vec<Item>),
}

/// One entry of a direction cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// Never empty.
    pub(crate) ports: Vec<PortWord>,
    /// Empty: nobody is named.
    pub(crate) peers: Vec<PeerText>,
    /// `May` for marked entries, and for `any` beside others; else `Must`.
    pub(crate) level: Level,
    /// Characters from the start of the cell.
    pub(crate) column: usize,
}

/// A peer before anybody knows what its name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PeerText {
    /// As written, without emphasis and the like; never empty.
    Name(String),
    Block(IpBlock),
}

/// Something that is not in the grammar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CellError {
    /// Characters from the start of the cell; always inside it.
    pub(crate) column: usize,
    /// The part of the cell it is about.
    pub(crate) found: String,
    pub(crate) message: String,
    /// What is allowed.
    pub(crate) help: String,
}

/// Reads an ingress or egress cell. Each broken entry is an error of its own, and the others still come back; a cell of which
/// nothing could be read comes back empty.
pub(crate) fn direction(text: &str) -> (Cell, Vec<CellError>) {
    let text = Text::clean(text);
    let mut reader = Reader::new(&text);
    let whole = text.trim(text.all());
    let cell = match word(&text.of(&whole)) {
        Some(Word::Deny) => Cell::Deny,
        Some(Word::Any) => Cell::Any,
        Some(Word::Unknown) => Cell::Empty,
        None if whole.is_empty() => Cell::Empty,
        None => {
            let items = reader.items();
            if items.is_empty() {
                Cell::Empty
            } else {
                Cell::Items(items)
            }
        }
    };
    (cell, reader.errors)
}

/// Reads a cell that holds only ports. An empty one holds none.
pub(crate) fn ports(text: &str) -> (Vec<PortWord>, Vec<CellError>) {
    let text = Text::clean(text);
    let mut reader = Reader::new(&text);
    let mut found = Vec::new();
    for (part, _) in text.split(text.all(), true) {
        found.extend(reader.port(part));
    }
    (found, reader.errors)
}

/// Reads a cell that holds only peers. An empty one holds none.
pub(crate) fn peers(text: &str) -> (Vec<PeerText>, Vec<CellError>) {
    let text = Text::clean(text);
    let mut reader = Reader::new(&text);
    let found = reader.peers(text.all());
    (found, reader.errors)
}

/// The names in the first cell of a row: the text before a closing parenthesis, and what stands in it. Empty for an empty cell.
pub(crate) fn row_names(text: &str) -> Vec<String> {
    let text = Text::clean(text);
    let whole = text.trim(text.all());
    let name = text.of(&whole);
    let split = name
        .strip_suffix(')')
        .and_then(|rest| rest.rsplit_once('('))
        .filter(|(own, alias)| !own.trim().is_empty() && !alias.contains(')'));
    let Some((own, aliases)) = split else {
        return if name.is_empty() {
            Vec::new()
        } else {
            vec![squeeze(&name)]
        };
    };
    let aliases = aliases.split(',').flat_map(|part| part.split(" / "));
    let mut names: Vec<String> = Vec::new();
    for name in std::iter::once(own).chain(aliases).map(squeeze) {
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// A text that stands for a whole direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Deny,
    Any,
    Unknown,
}

fn word(text: &str) -> Option<Word> {
    match squeeze(text).to_lowercase().as_str() {
        "deny all" | "deny" | "none" | "-" | "—" | "–" => Some(Word::Deny),
        "any" | "all" | "allow all" | "*" | "any but some" => Some(Word::Any),
        "?" => Some(Word::Unknown),
        _ => None,
    }
}

/// One blank between words, none around.
fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A cell without its markup, each character with its column.
struct Text {
    chars: Vec<(char, usize)>,
}

/// Where two parts of a list are separated, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Separator {
    Comma,
    /// `/`, `or`, `and`: between peers as good as a comma.
    Word,
    /// `;` and line breaks: nothing goes on behind them.
    Firm,
}

impl Text {
    fn clean(text: &str) -> Self {
        let raw: Vec<char> = text.chars().collect();
        let mut chars: Vec<(char, usize)> = Vec::with_capacity(raw.len());
        // The closing brackets of links, each with the end of its address.
        let mut links: Vec<(usize, usize)> = Vec::new();
        let mut at = 0;
        while let Some(&char) = raw.get(at) {
            let next = raw.get(at + 1).copied();
            match char {
                '\\' if next.is_some_and(|next| next.is_ascii_punctuation()) => {
                    chars.extend(next.map(|next| (next, at + 1)));
                    at += 2;
                    continue;
                }
                '`' => {}
                '*' | '_' if is_emphasis(&raw, at) => {}
                '[' => match link(&raw, at) {
                    Some(found) => links.push(found),
                    None => chars.push((char, at)),
                },
                ']' if links.last().is_some_and(|(close, _)| *close == at) => {
                    at = links.pop().map_or(at, |(_, end)| end);
                }
                '<' => match line_break(&raw, at) {
                    Some(end) => {
                        chars.push(('\n', at));
                        at = end;
                    }
                    None => chars.push((char, at)),
                },
                '\r' => chars.push(('\n', at)),
                _ => chars.push((char, at)),
            }
            at += 1;
        }
        Self { chars }
    }

    fn all(&self) -> Range<usize> {
        0..self.chars.len()
    }

    fn of(&self, range: &Range<usize>) -> String {
        self.chars[range.clone()].iter().map(|(c, _)| c).collect()
    }

    fn trim(&self, range: Range<usize>) -> Range<usize> {
        let is_told = |index: &usize| !self.chars[*index].0.is_whitespace();
        let (first, last) = (range.clone().find(is_told), range.rev().find(is_told));
        first
            .zip(last)
            .map_or(0..0, |(first, last)| first..last + 1)
    }

    /// The column of a part; the parts of an empty text are at 0.
    fn column(&self, range: &Range<usize>) -> usize {
        self.chars.get(range.start).map_or(0, |(_, column)| *column)
    }

    /// The parts of a list, trimmed and without empty ones, each with what stands before it. Separators in parentheses do not
    /// count. `words`: also ` / `, ` or ` and ` and `.
    fn split(&self, range: Range<usize>, words: bool) -> Vec<(Range<usize>, Separator)> {
        let (start, end) = (range.start, range.end);
        let mut parts = Vec::new();
        let mut depth = 0_usize;
        let (mut from, mut before) = (start, Separator::Firm);
        let mut at = start;
        while at < end {
            let char = self.chars[at].0;
            let (separator, length) = match char {
                '(' => {
                    depth += 1;
                    (None, 1)
                }
                ')' => {
                    depth = depth.saturating_sub(1);
                    (None, 1)
                }
                _ if depth > 0 => (None, 1),
                ',' => (Some(Separator::Comma), 1),
                ';' | '\n' => (Some(Separator::Firm), 1),
                _ if words && char.is_whitespace() => match self.joining_word(at, end) {
                    Some(length) => (Some(Separator::Word), length),
                    None => (None, 1),
                },
                _ => (None, 1),
            };
            if let Some(separator) = separator {
                parts.push((from..at, before));
                (from, before) = (at + length, separator);
            }
            at += length;
        }
        parts.push((from..end, before));
        let trimmed = parts.into_iter();
        let trimmed = trimmed.map(|(part, before)| (self.trim(part), before));
        trimmed.filter(|(part, _)| !part.is_empty()).collect()
    }

    /// The length of ` or `, less the blank at its end, where it stands at a place.
    fn joining_word(&self, at: usize, end: usize) -> Option<usize> {
        ["/", "or", "and"].into_iter().find_map(|word| {
            let length = word.chars().count() + 1;
            let found = self.chars.get(at + 1..(at + length + 1).min(end))?;
            let (last, letters) = found.split_last()?;
            let same = letters.len() + 1 == length
                && letters
                    .iter()
                    .zip(word.chars())
                    .all(|((a, _), b)| a.eq_ignore_ascii_case(&b));
            (same && last.0.is_whitespace()).then_some(length)
        })
    }
}

/// Whether a `*` or `_` is there for emphasis: a star by itself is a word, and an underscore inside one belongs to it.
fn is_emphasis(raw: &[char], at: usize) -> bool {
    let sign = raw[at];
    let mut around = [None, None];
    let before = raw[..at].iter().rev().find(|c| **c != sign);
    let after = raw[at..].iter().find(|c| **c != sign);
    for (place, char) in around.iter_mut().zip([before, after]) {
        *place = char.copied().filter(|c| !c.is_whitespace());
    }
    match (sign, around) {
        ('_', [Some(a), Some(b)]) => !(a.is_alphanumeric() && b.is_alphanumeric()),
        (_, [before, after]) => {
            let opens = before.is_none_or(|c| matches!(c, '(' | ',' | ';' | '/' | '>'));
            let closes = after.is_none_or(|c| matches!(c, ')' | ',' | ';' | '/' | '<' | '?'));
            !(opens && closes)
        }
    }
}

/// For the opening bracket of `[text](address)`, where its closing one stands and where the address ends.
fn link(raw: &[char], open: usize) -> Option<(usize, usize)> {
    let close = open + raw[open..].iter().position(|c| *c == ']')?;
    if raw.get(close + 1) != Some(&'(') || raw[open + 1..close].contains(&'[') {
        return None;
    }
    let end = close + raw[close..].iter().position(|c| *c == ')')?;
    Some((close, end))
}

/// Where a `<br>` ends that begins at a place.
fn line_break(raw: &[char], at: usize) -> Option<usize> {
    let end = at + raw[at..].iter().take(6).position(|c| *c == '>')?;
    let tag: String = raw[at + 1..end].iter().collect();
    let name = tag.trim_end_matches('/').trim_end();
    name.eq_ignore_ascii_case("br").then_some(end)
}

struct Reader<'t> {
    text: &'t Text,
    errors: Vec<CellError>,
}

const PORTS: &str = "a port is any, 80, 8000-8010, 53/udp or a port name";
const ENTRIES: &str =
    "an entry is a port, a port with peers as in `9092 (kafka)`, or a network such as 10.0.0.0/8";

impl<'t> Reader<'t> {
    fn new(text: &'t Text) -> Self {
        Self {
            text,
            errors: Vec::new(),
        }
    }

    fn fail(&mut self, part: &Range<usize>, message: String, help: &str) {
        self.errors.push(CellError {
            column: self.text.column(part),
            found: self.text.of(part),
            message,
            help: help.to_owned(),
        });
    }

    fn items(&mut self) -> Vec<Item> {
        let text = self.text;
        let mut items: Vec<Item> = Vec::new();
        let mut excepting = Excepting::default();
        for (part, before) in text.split(text.all(), false) {
            let (body, marked) = self.mark(&part);
            if excepting.takes(before) && !marked && self.is_hole(&body) {
                let last = items.last_mut().map(|item| &mut item.peers);
                self.hole(&body, last, &mut excepting);
                continue;
            }
            excepting = Excepting::default();
            let column = text.column(&part);
            let level = if marked { Level::May } else { Level::Must };
            let told = text.of(&body);
            match word(&told) {
                Some(Word::Deny) => {
                    self.fail(
                        &body,
                        format!("`{told}` closes the whole direction, and there are other entries"),
                        "write `Deny All` alone, or leave it out",
                    );
                    continue;
                }
                Some(Word::Any | Word::Unknown) => {
                    items.push(Item {
                        ports: vec![PortWord::Any(None)],
                        peers: Vec::new(),
                        level: Level::May,
                        column,
                    });
                    continue;
                }
                None => {}
            }
            if looks_like_network(&told) {
                let peers = self.network(&body, &mut excepting);
                if !peers.is_empty() {
                    items.push(Item {
                        ports: vec![PortWord::Any(None)],
                        peers,
                        level,
                        column,
                    });
                }
                continue;
            }
            if let Some((port, peers)) = self.port_item(&body) {
                items.push(Item {
                    ports: vec![port],
                    peers,
                    level,
                    column,
                });
            }
        }
        items
    }

    /// Takes a mark off the end of an entry.
    fn mark(&self, part: &Range<usize>) -> (Range<usize>, bool) {
        let told = self.text.of(part).to_lowercase();
        for mark in ["?", "half-open", "half open"] {
            let Some(rest) = told.strip_suffix(mark) else {
                continue;
            };
            let is_apart = mark == "?" || rest.ends_with(|c: char| c.is_whitespace() || c == ')');
            if is_apart && !rest.trim().is_empty() {
                let end = part.end - mark.chars().count();
                return (self.text.trim(part.start..end), true);
            }
        }
        (part.clone(), false)
    }

    fn port_item(&mut self, part: &Range<usize>) -> Option<(PortWord, Vec<PeerText>)> {
        let text = self.text;
        let at = |wanted: char| part.clone().find(|index| text.chars[*index].0 == wanted);
        let (open, close) = (at('('), at(')'));
        let Some(open) = open else {
            if let Some(close) = close {
                let help = "write the peers of a port in parentheses: `9092 (kafka)`";
                let message = "a parenthesis is closed and was not opened".to_owned();
                self.fail(&(close..part.end), message, help);
                return None;
            }
            return Some((self.port(part.clone())?, Vec::new()));
        };
        let mut depth = 0_usize;
        let close = (open..part.end).find(|index| {
            match text.chars[*index].0 {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
        });
        let Some(close) = close else {
            let message = "a parenthesis is opened and not closed".to_owned();
            self.fail(&(open..part.end), message, ENTRIES);
            return None;
        };
        let rest = text.trim(close + 1..part.end);
        if !rest.is_empty() {
            let message = format!("`{}` behind the peers is not understood", text.of(&rest));
            self.fail(&rest, message, "only `?` or `half-open` stands there");
            return None;
        }
        let inner = open + 1..close;
        if text.trim(inner.clone()).is_empty() {
            let message = "nobody is named in the parentheses".to_owned();
            self.fail(&(open..close + 1), message, ENTRIES);
            return None;
        }
        let port = text.trim(part.start..open);
        let port = if port.is_empty() {
            let message = "a port is missing in front of the peers".to_owned();
            self.fail(&(open..close + 1), message, PORTS);
            None
        } else {
            self.port(port)
        };
        let peers = self.peers(inner);
        // Of an entry half read nobody knows what it demands.
        port.filter(|_| !peers.is_empty()).map(|port| (port, peers))
    }

    fn port(&mut self, part: Range<usize>) -> Option<PortWord> {
        let told = squeeze(&self.text.of(&part));
        let (bare, protocol) = match told.split_once('/') {
            Some((bare, protocol)) => (bare.trim(), Some(protocol.trim())),
            None => (told.as_str(), None),
        };
        let mut plain = match bare.to_lowercase().as_str() {
            "any" | "all" | "*" => "any".to_owned(),
            _ => bare.replace(['–', '—'], "-"),
        };
        if let Some((first, last)) = plain.split_once('-') {
            let number = |text: &str| text.trim().bytes().all(|b| b.is_ascii_digit());
            if number(first) && number(last) {
                plain.retain(|c| c != ' ');
            }
        }
        if plain.contains(char::is_whitespace) {
            let message = format!("`{told}` is not understood");
            self.fail(&part, message, ENTRIES);
            return None;
        }
        let plain = match protocol {
            Some(protocol) => format!("{plain}/{protocol}"),
            None => plain,
        };
        match short::ports(&plain) {
            Ok(mut words) if words.len() == 1 => words.pop(),
            Ok(_) => None,
            Err(message) => {
                self.fail(&part, message, PORTS);
                None
            }
        }
    }

    fn peers(&mut self, range: Range<usize>) -> Vec<PeerText> {
        let text = self.text;
        let mut found: Vec<PeerText> = Vec::new();
        let mut excepting = Excepting::default();
        for (part, before) in text.split(range, true) {
            if excepting.takes(before) && self.is_hole(&part) {
                self.hole(&part, Some(&mut found), &mut excepting);
                continue;
            }
            excepting = Excepting::default();
            let told = squeeze(&text.of(&part));
            if looks_like_network(&told) {
                found.extend(self.network(&part, &mut excepting));
            } else if let Some((name, _)) = split_except(&told) {
                self.fail(
                    &part,
                    format!("`{name}` before except is no network"),
                    "only a network takes holes: `10.0.0.0/8 except 10.1.0.0/16`",
                );
            } else {
                found.push(PeerText::Name(told));
            }
        }
        found
    }

    /// Reads a network that begins here; what follows it may be holes of it.
    fn network(&mut self, part: &Range<usize>, excepting: &mut Excepting) -> Vec<PeerText> {
        let text = self.text;
        let told = text.of(part);
        let split = split_except(&told);
        let own = split.map_or(told.as_str(), |(own, _)| own).trim();
        let nets = match addresses(own) {
            Ok(nets) => nets,
            Err(message) => {
                self.fail(part, message, NETWORKS);
                // Its holes are nothing by themselves.
                excepting.state = if split.is_some() {
                    State::Lost
                } else {
                    State::Outside
                };
                return Vec::new();
            }
        };
        let mut peers: Vec<PeerText> = nets
            .into_iter()
            .map(|cidr| {
                PeerText::Block(IpBlock {
                    cidr,
                    except: Vec::new(),
                })
            })
            .collect();
        if let Some((_, hole)) = split {
            excepting.state = State::Holes(peers.len());
            let length = hole.chars().count();
            let hole = text.trim(part.end - length..part.end);
            self.hole(&hole, Some(&mut peers), excepting);
            if excepting.state == State::Lost {
                // Without one of its holes a network says more than was written.
                peers.clear();
            }
        }
        peers
    }

    fn is_hole(&self, part: &Range<usize>) -> bool {
        let told = self.text.of(part);
        looks_like_network(&told) && split_except(&told).is_none()
    }

    /// Takes addresses out of the networks read last. Where that fails the networks go too: without one of their holes they
    /// would say more than was written.
    fn hole(
        &mut self,
        part: &Range<usize>,
        peers: Option<&mut Vec<PeerText>>,
        excepting: &mut Excepting,
    ) {
        let (State::Holes(count), Some(peers)) = (excepting.state, peers) else {
            return;
        };
        let first = peers.len().saturating_sub(count);
        let problem = match addresses(self.text.of(part).trim()) {
            Err(message) => Some(message),
            Ok(holes) => holes
                .into_iter()
                .find_map(|hole| dig(&mut peers[first..], hole).err()),
        };
        if let Some(message) = problem {
            self.fail(part, message, NETWORKS);
            peers.truncate(first);
            excepting.state = State::Lost;
        }
    }
}

const NETWORKS: &str = "a network is 10.0.0.0/8, 192.168.1.7 or 10.0.0.1-10.0.0.9, and what is excepted lies inside it";

/// Whether a list is behind an `except`.
#[derive(Default)]
struct Excepting {
    state: State,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Outside,
    /// Holes belong to the last so many networks.
    Holes(usize),
    /// There is no network they could belong to any more.
    Lost,
}

impl Excepting {
    fn takes(&self, before: Separator) -> bool {
        self.state != State::Outside && before != Separator::Firm
    }
}

fn dig(peers: &mut [PeerText], hole: IpNet) -> Result<(), String> {
    let mut told = Vec::new();
    for peer in peers {
        if let PeerText::Block(block) = peer {
            if block.cidr.contains(&hole) {
                block.except.push(hole);
                return Ok(());
            }
            told.push(block.cidr.to_string());
        }
    }
    Err(format!("{hole} does not lie inside {}", told.join(" or ")))
}

/// The text before and behind a first `except`.
fn split_except(text: &str) -> Option<(&str, &str)> {
    let at = text.to_ascii_lowercase().find(" except ")?;
    Some((&text[..at], &text[at + " except ".len()..]))
}

/// Whether somebody meant addresses, right or wrong: `10.0.0.0/33` is no workload's name.
fn looks_like_network(text: &str) -> bool {
    let own = split_except(text).map_or(text, |(own, _)| own).trim();
    let only = |text: &str, allowed: &dyn Fn(char) -> bool| text.chars().all(allowed);
    let v4 = own.contains('.') && only(own, &|c| c.is_ascii_digit() || ".-/ ".contains(c));
    let v6 = own.matches(':').count() > 1
        && only(own, &|c| c.is_ascii_hexdigit() || ":.-/ ".contains(c));
    let starts = own.starts_with(|c: char| c.is_ascii_hexdigit() || c == ':');
    starts && (v4 || v6)
}

/// Reads a network, an address or a range of addresses; a range as the fewest networks that make it up.
fn addresses(text: &str) -> Result<Vec<IpNet>, String> {
    if let Some(net) = short::network(text) {
        return Ok(vec![net]);
    }
    let Some((first, last)) = text.split_once('-') else {
        return Err(format!("`{text}` is no network"));
    };
    match (first.trim().parse(), last.trim().parse()) {
        (Ok(IpAddr::V4(first)), Ok(IpAddr::V4(last))) if first <= last => {
            Ok(Ipv4Subnets::new(first, last, 0).map(IpNet::V4).collect())
        }
        (Ok(IpAddr::V6(first)), Ok(IpAddr::V6(last))) if first <= last => {
            Ok(Ipv6Subnets::new(first, last, 0).map(IpNet::V6).collect())
        }
        (Ok(_), Ok(_)) => Err(format!("`{text}` runs backwards")),
        _ => Err(format!("`{text}` is no range of addresses")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn port_text(word: &PortWord) -> String {
        let (bare, protocol) = match word {
            PortWord::Any(protocol) => ("any".to_owned(), protocol),
            PortWord::Range(protocol, range) => (range.to_string(), protocol),
            PortWord::Name(protocol, name) => (format!("'{name}'"), protocol),
        };
        let protocol = protocol.map(|p| format!("/{}", p.as_str().to_lowercase()));
        bare + &protocol.unwrap_or_default()
    }

    fn peer_text(peer: &PeerText) -> String {
        match peer {
            PeerText::Name(name) => name.clone(),
            PeerText::Block(block) => format!("[{block}]"),
        }
    }

    fn told(errors: &[CellError]) -> String {
        let each = errors
            .iter()
            .map(|e| format!(" ! {}: `{}`: {}", e.column, e.found, e.message));
        each.collect()
    }

    fn read(text: &str) -> String {
        let (cell, errors) = direction(text);
        let cell = match cell {
            Cell::Empty => "empty".to_owned(),
            Cell::Deny => "deny".to_owned(),
            Cell::Any => "any".to_owned(),
            Cell::Items(items) => {
                let items = items.iter().map(|item| {
                    let ports: Vec<String> = item.ports.iter().map(port_text).collect();
                    let peers: Vec<String> = item.peers.iter().map(peer_text).collect();
                    let level = if item.level == Level::May { "may " } else { "" };
                    format!(
                        "{} {level}{} <{}>",
                        item.column,
                        ports.join(","),
                        peers.join("|")
                    )
                });
                items.collect::<Vec<_>>().join("; ")
            }
        };
        cell + &told(&errors)
    }

    fn check(rows: &[(&str, &str)]) {
        for (text, expected) in rows {
            assert_eq!(read(text), *expected, "{text:?}");
        }
    }

    #[test]
    fn words_for_a_whole_direction_read_in_any_case() {
        check(&[
            ("", "empty"),
            ("  ", "empty"),
            ("?", "empty"),
            ("Deny All", "deny"),
            ("deny", "deny"),
            ("NONE", "deny"),
            ("-", "deny"),
            (" — ", "deny"),
            ("**Deny  All**", "deny"),
            ("`Any`", "any"),
            ("all", "any"),
            ("Allow All", "any"),
            ("*", "any"),
            ("Any but some", "any"),
        ]);
    }

    #[test]
    fn the_cells_of_the_documents_read() {
        check(&[
            ("4200", "0 4200 <>"),
            ("2181, 2888, 3888", "0 2181 <>; 6 2888 <>; 12 3888 <>"),
            ("53 (DNS), 9092 (Kafka)", "0 53 <DNS>; 10 9092 <Kafka>"),
            ("443 (K8s API)", "0 443 <K8s API>"),
            (
                "80 (Orchestrator), 0.0.0.0/0 except 169.254.169.254, 172.16.0.0/12, 192.168.0.0/16, 10.0.0.0/8",
                "0 80 <Orchestrator>; 19 any <[0.0.0.0/0 except 169.254.169.254/32, 172.16.0.0/12, 192.168.0.0/16, 10.0.0.0/8]>",
            ),
        ]);
    }

    #[test]
    fn ports_and_separators_read_in_every_form() {
        check(&[
            ("8000-8010;53/UDP", "0 8000-8010 <>; 10 53/udp <>"),
            (
                "80<br>443<BR/>8443\n90",
                "0 80 <>; 6 443 <>; 14 8443 <>; 19 90 <>",
            ),
            ("metrics (prom), http", "0 'metrics' <prom>; 16 'http' <>"),
            ("8000 – 8010 / tcp (x)", "0 8000-8010/tcp <x>"),
            ("any/udp (kafka)", "0 any/udp <kafka>"),
            ("All (kafka)", "0 any <kafka>"),
            ("80, , 90,", "0 80 <>; 6 90 <>"),
        ]);
    }

    #[test]
    fn peers_read_in_every_form() {
        check(&[
            (
                "80 (FM, Cron or Jobs Manager (JM) and a / ns/name; `x`)",
                "0 80 <FM|Cron|Jobs Manager (JM)|a|ns/name|x>",
            ),
            (
                "80 (shop/deployment/api, shop/*)",
                "0 80 <shop/deployment/api|shop/*>",
            ),
            (
                "80 ([Kafka](#kafka), **Mongo**, my_peer)",
                "0 80 <Kafka|Mongo|my_peer>",
            ),
            ("80 (Sandor and Orlando)", "0 80 <Sandor|Orlando>"),
            (
                "443 (10.1.2.3/8 except 10.1.0.0/16 or 10.2.0.1, kafka, 10.3.0.0/16)",
                "0 443 <[10.0.0.0/8 except 10.1.0.0/16, 10.2.0.1/32]|kafka|[10.3.0.0/16]>",
            ),
            (
                "443 (0.0.0.0/0 except 10.0.0.0/8, ::/0 except fd00::/8; 10.1.0.0/16)",
                "0 443 <[0.0.0.0/0 except 10.0.0.0/8]|[::/0 except fd00::/8]|[10.1.0.0/16]>",
            ),
            (
                "443 (192.168.0.1-192.168.0.4)",
                "0 443 <[192.168.0.1/32]|[192.168.0.2/31]|[192.168.0.4/32]>",
            ),
        ]);
    }

    #[test]
    fn networks_stand_without_a_port() {
        check(&[
            ("169.254.169.254", "0 any <[169.254.169.254/32]>"),
            ("2001:db8::1, 80", "0 any <[2001:db8::1/128]>; 13 80 <>"),
            (
                "10.0.0.0/8 Except 10.1.0.0/16; 10.2.0.0/16",
                "0 any <[10.0.0.0/8 except 10.1.0.0/16]>; 31 any <[10.2.0.0/16]>",
            ),
            (
                "10.0.0.0-11.255.255.255 except 11.0.0.0/16",
                "0 any <[10.0.0.0/7 except 11.0.0.0/16]>",
            ),
        ]);
    }

    #[test]
    fn marks_take_the_demand_away() {
        check(&[
            ("9092 (kafka) half-open", "0 may 9092 <kafka>"),
            (
                "9092 (kafka)half open, 80?",
                "0 may 9092 <kafka>; 24 may 80 <>",
            ),
            ("9092 (kafka)?", "0 may 9092 <kafka>"),
            ("10.0.0.0/8 ?", "0 may any <[10.0.0.0/8]>"),
            (
                "10.0.0.0/8 except 10.1.0.0/16 half-open, 10.2.0.0/16",
                "0 may any <[10.0.0.0/8 except 10.1.0.0/16]>; 41 any <[10.2.0.0/16]>",
            ),
            (
                "Any but some, 9092 (kafka), ?, *",
                "0 may any <>; 14 9092 <kafka>; 28 may any <>; 31 may any <>",
            ),
        ]);
    }

    #[test]
    fn what_is_not_in_the_grammar_is_an_error_and_the_rest_still_reads() {
        check(&[
            (
                "80 via TLS, 90",
                "12 90 <> ! 0: `80 via TLS`: `80 via TLS` is not understood",
            ),
            (
                "**80** (x) TLS",
                "empty ! 11: `TLS`: `TLS` behind the peers is not understood",
            ),
            (
                "0, 90",
                "3 90 <> ! 0: `0`: `0` is no port; ports run from 1 to 65535",
            ),
            ("90-80 (x)", "empty ! 0: `90-80`: `90-80` runs backwards"),
            (
                "53/icmp",
                "empty ! 0: `53/icmp`: `icmp` is no protocol; allowed are tcp, udp and sctp",
            ),
            (
                "HTTP",
                "empty ! 0: `HTTP`: `HTTP` is no port; allowed are any, 80, 8000-8010, 53/udp, or a port name",
            ),
            (
                "80, Deny All",
                "0 80 <> ! 4: `Deny All`: `Deny All` closes the whole direction, and there are other entries",
            ),
            (
                "80 (x",
                "empty ! 3: `(x`: a parenthesis is opened and not closed",
            ),
            (
                "80 x)",
                "empty ! 4: `)`: a parenthesis is closed and was not opened",
            ),
            (
                "80 ()",
                "empty ! 3: `()`: nobody is named in the parentheses",
            ),
            (
                "(x)",
                "empty ! 0: `(x)`: a port is missing in front of the peers",
            ),
            (
                "10.0.0.0/33, 80",
                "13 80 <> ! 0: `10.0.0.0/33`: `10.0.0.0/33` is no network",
            ),
            (
                "80 (x), 443 (10.0.0.0/8 except 11.0.0.0/8)",
                "0 80 <x> ! 31: `11.0.0.0/8`: 11.0.0.0/8 does not lie inside 10.0.0.0/8",
            ),
            (
                "10.0.0.0/8 except 10.1.0.0/16, 12.0.0.1, 10.2.0.0/16, 80",
                "54 80 <> ! 31: `12.0.0.1`: 12.0.0.1/32 does not lie inside 10.0.0.0/8",
            ),
            (
                "80 (everyone except kafka)",
                "empty ! 4: `everyone except kafka`: `everyone` before except is no network",
            ),
            (
                "443 (10.0.0.9-10.0.0.1)",
                "empty ! 5: `10.0.0.9-10.0.0.1`: `10.0.0.9-10.0.0.1` runs backwards",
            ),
        ]);
    }

    #[test]
    fn cells_of_ports_and_of_peers_read_alone() {
        let ports = |text: &str| {
            let (words, errors) = ports(text);
            let words: Vec<String> = words.iter().map(port_text).collect();
            words.join(" ") + &told(&errors)
        };
        assert_eq!(ports(" 9443 "), "9443");
        assert_eq!(ports(""), "");
        assert_eq!(ports("80, 443/tcp and http / 53"), "80 443/tcp 'http' 53");
        assert_eq!(ports("80, x y"), "80 ! 4: `x y`: `x y` is not understood");
        let peers = |text: &str| {
            let (peers, errors) = peers(text);
            let peers: Vec<String> = peers.iter().map(peer_text).collect();
            peers.join("|") + &told(&errors)
        };
        assert_eq!(peers("NGINX Ingress"), "NGINX Ingress");
        assert_eq!(peers("Kibana, Internal"), "Kibana|Internal");
        assert_eq!(peers(""), "");
        assert_eq!(
            peers("10.0.0.0/8 except 10.1.0.0/16, x, 1.2.3"),
            "[10.0.0.0/8 except 10.1.0.0/16]|x ! 34: `1.2.3`: `1.2.3` is no network"
        );
    }

    #[test]
    fn a_row_has_the_name_before_the_parenthesis_and_those_in_it() {
        for (text, expected) in [
            ("Jobs Manager (FM)", vec!["Jobs Manager", "FM"]),
            ("**[Kafka](#kafka)**", vec!["Kafka"]),
            (" `stalker/deployment/ui` ", vec!["stalker/deployment/ui"]),
            ("X (A, B / C, A)", vec!["X", "A", "B", "C"]),
            ("Foo (bar) baz", vec!["Foo (bar) baz"]),
            ("(alone)", vec!["(alone)"]),
            ("", vec![]),
        ] {
            assert_eq!(row_names(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_in_a_cell_panics_and_errors_point_into_it(
            parts in prop::collection::vec(prop::sample::select(vec![
                "80", "any", "deny", "(", ")", ",", ";", " ", "/", "-", "?", "*", "**", "_", "`", "[", "]", "(x)", "<br>", "\n",
                "\\", " except ", " or ", "half-open", "10.0.0.0/8", "10.1.0.0/16", "::1", "10.0.0.1-10.0.0.9", "ns/name", "é", "|",
                "0", "99999", "udp", "—",
            ]), 0..14)
        ) {
            let text = parts.concat();
            let length = text.chars().count();
            let (cell, mut errors) = direction(&text);
            if let Cell::Items(items) = &cell {
                prop_assert!(!items.is_empty());
                for item in items {
                    prop_assert!(item.column < length && !item.ports.is_empty());
                }
            }
            errors.extend(ports(&text).1);
            errors.extend(peers(&text).1);
            for error in &errors {
                prop_assert!(error.column < length && !error.found.is_empty(), "{error:?}");
            }
            row_names(&text);
        }
    }
}
