//! YAML text to typed values, and where in the text each part stands. The only user of `serde-saphyr`.
//!
//! Documents in the plain style of people and tools are scanned by `plain`, an order of magnitude faster than the general
//! parser, which reads everything else. A test holds the two equal. JSON is read by `serde_json`; the line index serves both.

mod declined;
mod json;
mod lines;
mod part;
mod plain;
mod tape;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_saphyr::granit_parser::{Event, Parser};
use serde_saphyr::{MessageFormatter as _, UserMessageFormatter};

pub(crate) use self::declined::{Declined, decline_the_rest};
pub use self::lines::Lines;
pub use self::part::Part;

/// Why a text could not be read. Lines and columns count from 1, in the text as given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct YamlError {
    pub line: u32,
    pub column: u32,
    pub message: String,
}

/// One document of a file: the text between two `---` lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document<'a> {
    pub text: &'a str,
    /// The line of the file on which `text` starts, from 1.
    pub first_line: u32,
}

/// Splits a file at its `---` and `...` lines, as kubectl does, so that a broken document takes no other with it.
///
/// Documents without content (blank, or comments only) are left out. A byte order mark at the start is skipped.
pub fn documents(text: &str) -> Vec<Document<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found = Vec::new();
    let (mut start, mut start_line) = (0, 1);
    let (mut offset, mut line) = (0, 1u32);
    for raw in text.split_inclusive('\n') {
        // Most lines can be told from a marker by their first byte.
        let bare = match raw.as_bytes()[0] {
            b'-' | b'.' => raw.trim_end(),
            _ => "",
        };
        let is_marker = bare == "---" || bare.starts_with("--- ") || bare == "...";
        if is_marker {
            found.push(Document {
                text: &text[start..offset],
                first_line: start_line,
            });
            // Content may stand on the marker's own line: `--- {kind: Pod}`.
            let marker_only =
                bare == "---" || bare == "..." || bare[4..].trim_start().starts_with('#');
            start = if marker_only {
                offset + raw.len()
            } else {
                offset + 4
            };
            start_line = if marker_only { line + 1 } else { line };
        }
        offset += raw.len();
        line += 1;
    }
    found.push(Document {
        text: &text[start..],
        first_line: start_line,
    });
    found.retain(|document| {
        document.text.lines().any(|l| {
            let l = l.trim();
            !l.is_empty() && !l.starts_with('#') && !l.starts_with('%')
        })
    });
    found
}

/// Reads one document.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    Part::document(text).read()
}

/// Reads one document with the general parser. Budgets grow with the size of the text, so that a large dump is read and an
/// alias bomb is not.
fn read_general<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    let size = text.len();
    let mut options = serde_saphyr::options! { strict_booleans: true, emit_comments: false };
    options.budget = serde_saphyr::budget! {
        max_events: 250_000 + size,
        max_nodes: 250_000 + size,
        max_total_scalar_bytes: 1_000_000 + size.saturating_mul(4),
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location();
        let as_u32 = |n: Option<u64>| n.and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
        YamlError {
            line: as_u32(place.map(|p| p.line())),
            column: as_u32(place.map(|p| p.column())),
            message: first_line(&UserMessageFormatter.format_message(error.without_snippet())),
        }
    })
}

/// Writes a value as YAML. Strings that another reader could take for a boolean or a number are quoted.
pub fn write<T: serde::Serialize>(value: &T) -> Result<String, String> {
    serde_saphyr::to_string(value).map_err(|error| error.to_string())
}

fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    // The place is told separately, as file:line.
    match line.find(" at line ") {
        Some(end) => line[..end].to_owned(),
        None => line.to_owned(),
    }
}

/// A document, its own line index, and, for a `List`, the text of each item.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    pub lines: Lines,
    /// Each item's text, padded so that it reads as a document of its own, and the line it starts on.
    pub items: Vec<(String, u32)>,
}

enum Frame {
    Map { path: String, key: Option<String> },
    Seq { path: String, next: usize },
}

/// Indexes a JSON value that `serde_json` has read.
pub fn json_lines(text: &str) -> Lines {
    json::scan(text).map_or_else(|| outline(text).lines, |tape| Lines::of(&tape, 0, false))
}

/// Indexes a document (YAML or JSON) in one pass. What follows a syntax error is missing from the index.
pub fn outline(text: &str) -> Outline {
    let mut items = Vec::new();
    let mut by_path: HashMap<String, (u32, u32)> = HashMap::new();
    let mut stack: Vec<Frame> = Vec::new();
    let mut open_items: Vec<(usize, usize, usize, u32)> = Vec::new();
    for parsed in Parser::new_from_str(text) {
        let Ok((event, span)) = parsed else { break };
        let line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
        let column = u32::try_from(span.start.col()).map_or(u32::MAX, |c| c.saturating_add(1));
        match event {
            Event::MappingStart(..)
            | Event::SequenceStart(..)
            | Event::Scalar(..)
            | Event::Alias(..) => {
                let is_scalar = matches!(event, Event::Scalar(..) | Event::Alias(..));
                // A scalar where a key is due names the next value.
                if let Some(Frame::Map {
                    path,
                    key: key @ None,
                }) = stack.last_mut()
                {
                    let name = match event {
                        Event::Scalar(value, ..) => value.into_owned(),
                        _ => String::from("?"),
                    };
                    by_path.entry(join(path, &name)).or_insert((line, column));
                    *key = Some(name);
                    if !is_scalar {
                        // A collection as a key: not a document this program reads; stop indexing rather than guess.
                        break;
                    }
                    continue;
                }
                let path = match stack.last_mut() {
                    None => String::new(),
                    Some(Frame::Map { path, key }) => join(path, &key.take().unwrap_or_default()),
                    Some(Frame::Seq { path, next }) => {
                        *next += 1;
                        let own = format!("{path}[{}]", *next - 1);
                        by_path.entry(own.clone()).or_insert((line, column));
                        own
                    }
                };
                match event {
                    Event::MappingStart(..) => {
                        if let Some(Frame::Seq { path, .. }) = stack.last()
                            && path == "items"
                            && let Some(offset) = span.start.byte_offset()
                        {
                            open_items.push((stack.len(), offset, span.start.col(), line));
                        }
                        stack.push(Frame::Map { path, key: None });
                    }
                    Event::SequenceStart(..) => stack.push(Frame::Seq { path, next: 0 }),
                    _ => {}
                }
            }
            Event::MappingEnd | Event::SequenceEnd => {
                stack.pop();
                if let Some((depth, start, column, first)) = open_items.last().copied()
                    && depth == stack.len()
                {
                    open_items.pop();
                    if let Some(end) = span.end.byte_offset() {
                        let body = text.get(start..end).unwrap_or_default();
                        items.push((format!("{}{body}", " ".repeat(column)), first));
                    }
                }
            }
            _ => {}
        }
    }
    Outline {
        lines: Lines::by_path(by_path),
        items,
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
