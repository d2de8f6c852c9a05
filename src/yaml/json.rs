//! Where the parts of a JSON text stand.

use std::borrow::Cow;

use super::tape::{Kind, Node, Tape};

/// Deeper texts are left to the general parser, which refuses them.
const MAX_DEPTH: usize = 100;

/// Scans the mappings and lists of one JSON value, which `serde_json` has read before; `None` when it is not well formed.
///
/// Scalars have no text, for only their lines are asked for.
pub(super) fn scan(text: &str) -> Option<Tape<'_>> {
    u32::try_from(text.len()).ok()?;
    let mut scanner = Scanner {
        text,
        at: 0,
        line: 1,
        nodes: Vec::with_capacity(text.len() / 24 + 4),
    };
    scanner.value(0)?;
    Some(Tape(scanner.nodes))
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    nodes: Vec<Node<'a>>,
}

impl<'a> Scanner<'a> {
    /// Passes over blanks, and returns what stands behind them; `None` also at a carriage return that no line feed follows, which
    /// ends a line for YAML, so that the general parser counts.
    fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = self.text.as_bytes().get(self.at).copied();
            match byte {
                Some(b'\n') => self.line += 1,
                Some(b'\r') if self.text.as_bytes().get(self.at + 1) != Some(&b'\n') => {
                    return None;
                }
                Some(b' ' | b'\r' | b'\t') => {}
                other => return other,
            }
            self.at += 1;
        }
    }

    fn push(&mut self, kind: Kind, text: Cow<'a, str>) -> Option<usize> {
        let node = self.nodes.len();
        self.nodes.push(Node {
            kind,
            text,
            line: self.line,
            end: u32::try_from(node + 1).ok()?,
        });
        Some(node)
    }

    /// A string with its quotes.
    fn string(&mut self) -> Option<&'a str> {
        let start = self.at;
        self.at += 1;
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            self.at += rest.iter().position(|b| matches!(b, b'"' | b'\\'))?;
            if self.text.as_bytes()[self.at] == b'"' {
                self.at += 1;
                return self.text.get(start..self.at);
            }
            self.at += 2;
            if self.at > self.text.len() {
                return None;
            }
        }
    }

    fn key(&mut self) -> Option<()> {
        if self.peek()? != b'"' {
            return None;
        }
        let quoted = self.string()?;
        let key = if quoted.contains('\\') {
            Cow::Owned(serde_json::from_str(quoted).ok()?)
        } else {
            Cow::Borrowed(&quoted[1..quoted.len() - 1])
        };
        // Paths cannot name an empty key.
        if key.is_empty() {
            return None;
        }
        self.push(Kind::Quoted, key)?;
        if self.peek()? != b':' {
            return None;
        }
        self.at += 1;
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        let first = self.peek()?;
        match first {
            b'{' | b'[' => {
                if depth >= MAX_DEPTH {
                    return None;
                }
                let kind = if first == b'{' { Kind::Map } else { Kind::Seq };
                let node = self.push(kind, Cow::Borrowed(""))?;
                self.at += 1;
                let closing = first + 2;
                let mut is_first = true;
                loop {
                    let next = self.peek()?;
                    if next == closing {
                        self.at += 1;
                        break;
                    }
                    if !std::mem::take(&mut is_first) {
                        if next != b',' {
                            return None;
                        }
                        self.at += 1;
                    }
                    if kind == Kind::Map {
                        self.key()?;
                    }
                    self.value(depth + 1)?;
                }
                self.nodes[node].end = u32::try_from(self.nodes.len()).ok()?;
            }
            b'"' => {
                self.push(Kind::Quoted, Cow::Borrowed(""))?;
                self.string()?;
            }
            _ => {
                self.push(Kind::Plain, Cow::Borrowed(""))?;
                let rest = self.text.as_bytes()[self.at..].iter();
                let length = rest
                    .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.'))
                    .count();
                if length == 0 {
                    return None;
                }
                self.at += length;
            }
        }
        Some(())
    }
}
