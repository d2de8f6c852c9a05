//! Scans the YAML that people and tools write most: block mappings and sequences, scalars on one line, small flow collections,
//! literal blocks and comments.
//!
//! It either understands every character of a document as the general parser would, or declines the whole. What it declines:
//! anchors, aliases, tags, merge keys, directives, tabs, scalars over several lines, keys that are no plain words (numbers, `?`,
//! keys with blanks in them), keys given twice, unusual characters, and deep nesting.

use std::borrow::Cow;

use super::tape::{self, Kind, Node, Tape};

/// Well below the depth at which the general parser gives up.
const MAX_DEPTH: usize = 40;

/// The general parser takes no longer keys.
const MAX_KEY: usize = 200;

/// Scans one document; `None` is for the general parser.
pub(super) fn scan(text: &str) -> Option<Tape<'_>> {
    if u32::try_from(text.len()).is_err() || !is_ordinary(text.as_bytes()) {
        return None;
    }
    let mut scanner = Scanner {
        text,
        at: 0,
        line: 0,
        // A guess from real manifests; a wrong one costs a reallocation.
        nodes: Vec::with_capacity(text.len() / 12 + 4),
        open: Vec::with_capacity(16),
    };
    while let Some(raw) = scanner.next_line() {
        let indent = spaces(raw);
        let content = raw[indent..].trim_end_matches(' ');
        if !content.is_empty() && !content.starts_with('#') {
            scanner.content(indent, content)?;
        }
    }
    while !scanner.open.is_empty() {
        scanner.null_if_due()?;
        scanner.close()?;
    }
    (!scanner.nodes.is_empty()).then_some(Tape(scanner.nodes))
}

/// Whether a text holds only characters that mean nothing special to a YAML reader as such.
fn is_ordinary(bytes: &[u8]) -> bool {
    let is_printable = |b: &u8| matches!(b, b' '..=b'~' | b'\n');
    if bytes.iter().all(is_printable) {
        return true;
    }
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|b| !is_printable(b)) {
        let is_fine = match &rest[at..] {
            [b'\r', b'\n', ..] | [] => true,
            // Controls, line and paragraph separators, private use, byte order marks and what lies beyond the first plane.
            [0xc2, second, ..] => *second >= 0xa1,
            [0xe2, 0x80, third, ..] => !matches!(third, 0xa8 | 0xa9),
            [first, ..] => matches!(first, 0x80..=0xbf | 0xc3..=0xed),
        };
        if !is_fine {
            return false;
        }
        let width = match rest[at] {
            0xe0..=0xef => 3,
            0xc0..=0xdf => 2,
            _ => 1,
        };
        rest = &rest[(at + width).min(rest.len())..];
    }
    true
}

fn spaces(text: &str) -> usize {
    text.bytes().take_while(|b| *b == b' ').count()
}

/// Whether a line starts an element of a sequence.
fn is_element(content: &str) -> bool {
    content.starts_with("- ") || content == "-"
}

/// Whether nothing but a comment follows.
fn is_tail(rest: &str) -> bool {
    let bare = rest.trim_start_matches(' ');
    bare.is_empty() || (bare.starts_with('#') && rest.starts_with(' '))
}

/// A collection that more lines may belong to.
struct Open {
    /// The column of its keys or dashes.
    indent: usize,
    node: usize,
    is_seq: bool,
    /// A key or a dash stands without what belongs to it.
    is_due: bool,
}

struct Scanner<'a> {
    text: &'a str,
    /// Where the next line starts.
    at: usize,
    /// The line just read, from 1.
    line: u32,
    nodes: Vec<Node<'a>>,
    open: Vec<Open>,
}

impl<'a> Scanner<'a> {
    fn next_line(&mut self) -> Option<&'a str> {
        let rest = &self.text[self.at..];
        if rest.is_empty() {
            return None;
        }
        let length = rest
            .as_bytes()
            .iter()
            .position(|b| *b == b'\n')
            .unwrap_or(rest.len());
        self.at += (length + 1).min(rest.len());
        self.line += 1;
        let line = &rest[..length];
        Some(line.strip_suffix('\r').unwrap_or(line))
    }

    fn push(&mut self, kind: Kind, text: Cow<'a, str>) -> Option<()> {
        let end = u32::try_from(self.nodes.len() + 1).ok()?;
        self.nodes.push(Node {
            kind,
            text,
            line: self.line,
            end,
        });
        Some(())
    }

    fn begin(&mut self, indent: usize, is_seq: bool) -> Option<()> {
        if self.open.len() >= MAX_DEPTH {
            return None;
        }
        self.open.push(Open {
            indent,
            node: self.nodes.len(),
            is_seq,
            is_due: false,
        });
        let kind = if is_seq { Kind::Seq } else { Kind::Map };
        self.push(kind, Cow::Borrowed(""))
    }

    fn close(&mut self) -> Option<()> {
        let open = self.open.pop()?;
        self.end(open.node)
    }

    /// Ends the collection at `node`; a mapping with a key given twice is declined.
    fn end(&mut self, node: usize) -> Option<()> {
        self.nodes[node].end = u32::try_from(self.nodes.len()).ok()?;
        let is_map = self.nodes[node].kind == Kind::Map;
        (!is_map || self.has_distinct_keys(node)).then_some(())
    }

    fn has_distinct_keys(&self, map: usize) -> bool {
        const FEW: usize = 12;
        let end = self.nodes.len();
        let mut few: [&str; FEW] = [""; FEW];
        let (mut at, mut count) = (map + 1, 0);
        while at < end {
            let key: &str = &self.nodes[at].text;
            if count == FEW {
                let mut all = std::collections::HashSet::with_capacity(4 * FEW);
                let mut at = map + 1;
                while at < end {
                    if !all.insert(&*self.nodes[at].text) {
                        return false;
                    }
                    at = self.nodes[at + 1].end as usize;
                }
                return true;
            }
            if few[..count].contains(&key) {
                return false;
            }
            few[count] = key;
            count += 1;
            at = self.nodes[at + 1].end as usize;
        }
        true
    }

    /// A key without a value has none; a dash without one is left to the general parser, which knows its line.
    fn null_if_due(&mut self) -> Option<()> {
        match self.open.last_mut() {
            Some(top) if top.is_due && top.is_seq => None,
            Some(top) if top.is_due => {
                top.is_due = false;
                self.push(Kind::Plain, Cow::Borrowed(""))
            }
            _ => Some(()),
        }
    }

    /// Takes a line whose content starts at a column.
    fn content(&mut self, column: usize, content: &'a str) -> Option<()> {
        let is_element = is_element(content);
        loop {
            let Some(top) = self.open.last() else {
                if self.nodes.is_empty() {
                    break;
                }
                return None;
            };
            let is_inside = column > top.indent
                || (column == top.indent && is_element && !top.is_seq && top.is_due);
            if top.is_due && is_inside {
                break;
            }
            if column > top.indent {
                return None;
            }
            if column == top.indent && top.is_seq == is_element {
                self.null_if_due()?;
                break;
            }
            if column == top.indent && is_element {
                return None;
            }
            self.null_if_due()?;
            self.close()?;
        }
        let begins = match self.open.last_mut() {
            Some(top) => std::mem::take(&mut top.is_due),
            None => true,
        };
        self.block(column, content, begins)
    }

    /// Takes what stands at a column; `begins` when it is the first of a collection of its own.
    fn block(&mut self, column: usize, content: &'a str, begins: bool) -> Option<()> {
        let (mut column, mut content, mut begins) = (column, content, begins);
        let mut follows_dash = false;
        while is_element(content) {
            if begins {
                self.begin(column, true)?;
            }
            let inner = content[1..].trim_start_matches(' ');
            column += content.len() - inner.len();
            content = inner;
            if content.is_empty() || content.starts_with('#') {
                self.open.last_mut()?.is_due = true;
                return Some(());
            }
            (begins, follows_dash) = (true, true);
        }
        if let Some((key, rest)) = block_key(content) {
            if begins {
                self.begin(column, false)?;
            }
            self.key(key)?;
            let value = rest.trim_start_matches(' ');
            if value.is_empty() || value.starts_with('#') {
                self.open.last_mut()?.is_due = true;
                return Some(());
            }
            return self.value(value);
        }
        if follows_dash {
            return self.value(content);
        }
        None
    }

    fn key(&mut self, key: Key<'a>) -> Option<()> {
        let (kind, text) = match key {
            Key::Plain(text) => {
                // A key that is no string, or has a meaning of its own.
                let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
                if !is_word || tape::is_null(text) || tape::boolean(text).is_some() {
                    return None;
                }
                (Kind::Plain, Cow::Borrowed(text))
            }
            Key::Quoted(text) => (Kind::Quoted, text),
        };
        if text.is_empty() || text.len() > MAX_KEY || text == "<<" {
            return None;
        }
        self.push(kind, text)
    }

    /// Takes a value that starts and, but for a literal block, ends on this line.
    fn value(&mut self, value: &'a str) -> Option<()> {
        let rest = match value.as_bytes().first()? {
            b'"' | b'\'' => {
                let (text, rest) = quoted(value)?;
                self.push(Kind::Quoted, text)?;
                rest
            }
            b'[' | b'{' => self.flow(value, self.open.len())?,
            b'|' => return self.literal(value),
            _ => {
                let text = plain(value)?;
                return self.push(Kind::Plain, Cow::Borrowed(text));
            }
        };
        is_tail(rest).then_some(())
    }

    /// Takes a flow collection that ends on this line, and returns what follows it.
    fn flow(&mut self, text: &'a str, depth: usize) -> Option<&'a str> {
        if depth >= MAX_DEPTH {
            return None;
        }
        let is_seq = text.starts_with('[');
        let closing = if is_seq { ']' } else { '}' };
        let node = self.nodes.len();
        self.push(
            if is_seq { Kind::Seq } else { Kind::Map },
            Cow::Borrowed(""),
        )?;
        let mut rest = text[1..].trim_start_matches(' ');
        if let Some(after) = rest.strip_prefix(closing) {
            self.end(node)?;
            return Some(after);
        }
        loop {
            if !is_seq {
                let (key, after) = flow_key(rest)?;
                self.key(key)?;
                rest = after.strip_prefix(": ")?.trim_start_matches(' ');
            }
            rest = match rest.as_bytes().first()? {
                b'[' | b'{' => self.flow(rest, depth + 1)?,
                b'"' | b'\'' => {
                    let (text, after) = quoted(rest)?;
                    self.push(Kind::Quoted, text)?;
                    after
                }
                first => {
                    let text = &rest[..word(rest)];
                    let is_value = first.is_ascii_alphanumeric() || matches!(first, b'/' | b'_');
                    if !is_value || is_not_finite(text) {
                        return None;
                    }
                    self.push(Kind::Plain, Cow::Borrowed(text))?;
                    &rest[text.len()..]
                }
            };
            rest = rest.trim_start_matches(' ');
            if let Some(after) = rest.strip_prefix(closing) {
                self.end(node)?;
                return Some(after);
            }
            rest = rest.strip_prefix(',')?.trim_start_matches(' ');
        }
    }

    /// Takes a literal block, `|` or `|-`, whose text is on the lines below.
    fn literal(&mut self, header: &str) -> Option<()> {
        let keeps_break = match header {
            "|" => true,
            "|-" => false,
            _ => return None,
        };
        let parent = self.open.last()?;
        if parent.is_seq {
            // Its line is that of the text, or not: fine print again.
            return None;
        }
        let parent = parent.indent;
        let node = self.nodes.len();
        self.push(Kind::Quoted, Cow::Borrowed(""))?;
        let mut text = String::new();
        let mut indent = None;
        let mut blank = 0;
        while self.at < self.text.len() {
            let (at, line) = (self.at, self.line);
            let raw = self.next_line()?;
            let own = spaces(raw);
            if raw.len() == own {
                // Which blank lines count, and how far, is a matter of fine print.
                if indent.is_none() || own > 0 {
                    return None;
                }
                blank += 1;
                continue;
            }
            let indent = *indent.get_or_insert(own);
            if indent <= parent || own < indent {
                if own > parent {
                    return None;
                }
                (self.at, self.line) = (at, line);
                break;
            }
            for _ in 0..std::mem::take(&mut blank) {
                text.push('\n');
            }
            text.push_str(&raw[indent..]);
            text.push('\n');
        }
        if text.is_empty() || self.text.contains('\r') || !self.text.ends_with('\n') {
            return None;
        }
        if !keeps_break {
            text.pop();
        }
        self.nodes[node].text = Cow::Owned(text);
        Some(())
    }
}

enum Key<'a> {
    Plain(&'a str),
    Quoted(Cow<'a, str>),
}

/// How many bytes at the start are those of a plain word: nothing in it can mean anything else.
fn word(text: &str) -> usize {
    text.bytes()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/'))
        .count()
}

/// The key that a line of a block mapping starts with, and what follows its colon.
fn block_key(content: &str) -> Option<(Key<'_>, &str)> {
    let (key, rest) = flow_key(content)?;
    let rest = rest.strip_prefix(':')?;
    (rest.is_empty() || rest.starts_with(' ')).then_some((key, rest))
}

fn flow_key(text: &str) -> Option<(Key<'_>, &str)> {
    if text.starts_with(['"', '\'']) {
        let (key, rest) = quoted(text)?;
        return Some((Key::Quoted(key), rest));
    }
    let length = word(text);
    (length > 0).then(|| (Key::Plain(&text[..length]), &text[length..]))
}

/// A quoted scalar that ends on this line, and what follows it.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let inner = &text[1..];
    if text.starts_with('\'') {
        let mut end = inner.find('\'')?;
        if !inner[end + 1..].starts_with('\'') {
            return Some((Cow::Borrowed(&inner[..end]), &inner[end + 1..]));
        }
        while inner[end + 1..].starts_with('\'') {
            end += 2 + inner[end + 2..].find('\'')?;
        }
        return Some((
            Cow::Owned(inner[..end].replace("''", "'")),
            &inner[end + 1..],
        ));
    }
    let mut at = inner.find(['"', '\\'])?;
    if inner.as_bytes()[at] == b'"' {
        return Some((Cow::Borrowed(&inner[..at]), &inner[at + 1..]));
    }
    let mut made = String::with_capacity(inner.len());
    made.push_str(&inner[..at]);
    loop {
        if inner.as_bytes()[at] == b'"' {
            return Some((Cow::Owned(made), &inner[at + 1..]));
        }
        made.push(match inner.as_bytes().get(at + 1)? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            _ => return None,
        });
        let rest = &inner[at + 2..];
        let next = rest.find(['"', '\\'])?;
        made.push_str(&rest[..next]);
        at += 2 + next;
    }
}

/// A plain scalar up to the end of the line or a comment.
fn plain(value: &str) -> Option<&str> {
    let bytes = value.as_bytes();
    let starts_plainly = match bytes.first()? {
        b'-' => bytes.get(1).is_some_and(|b| *b != b' '),
        b'/' | b'.' | b'_' | b'+' | b'(' | b'$' | b'~' | b'^' | b';' | b'\\' => true,
        b => b.is_ascii_alphanumeric() || !b.is_ascii(),
    };
    if !starts_plainly {
        return None;
    }
    let mut end = bytes.len();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b':' if matches!(bytes.get(at + 1), None | Some(b' ')) => return None,
            b'#' if bytes[at - 1] == b' ' => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    let text = value[..end].trim_end_matches(' ');
    (!is_not_finite(text)).then_some(text)
}

/// Whether the general parser may take a scalar for an infinite number or for none, which it refuses in places.
fn is_not_finite(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    match unsigned.as_bytes().first() {
        Some(b'.') => matches!(
            unsigned,
            ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF"
        ),
        Some(b) if b.is_ascii_digit() => {
            let is_large = unsigned.len() > 300 || unsigned.contains(['e', 'E']);
            is_large && text.parse::<f64>().is_ok_and(f64::is_infinite)
        }
        _ => false,
    }
}
