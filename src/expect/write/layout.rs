//! Values laid out as a person would: on one line where they fit, over several where not, comments at the end of lines.

use std::fmt::Write as _;

/// The longest line that is filled; what cannot be divided may be longer.
const WIDTH: usize = 120;

pub(super) enum Node {
    /// As it is written, quotes included.
    Scalar(String),
    List(Vec<Entry>),
    Map(Vec<(String, Entry)>),
}

/// A value where it stands.
pub(super) struct Entry {
    pub(super) node: Node,
    /// Without its `#`; a single line.
    pub(super) comment: Option<String>,
    /// Laid out over several lines even where one would hold it.
    pub(super) open: bool,
}

impl From<Node> for Entry {
    fn from(node: Node) -> Self {
        Self {
            node,
            comment: None,
            open: false,
        }
    }
}

impl Entry {
    pub(super) fn open(node: Node) -> Self {
        Self {
            open: true,
            ..Self::from(node)
        }
    }

    pub(super) fn comment(mut self, comment: Option<String>) -> Self {
        self.comment = comment;
        self
    }

    /// The value on one line, where it may stand on one.
    fn inline(&self) -> Option<String> {
        let bare = |entry: &Self| {
            if entry.comment.is_some() {
                return None;
            }
            entry.inline()
        };
        match &self.node {
            Node::Scalar(text) => Some(text.clone()),
            Node::List(items) if items.is_empty() => Some("[]".to_owned()),
            Node::Map(entries) if entries.is_empty() => Some("{}".to_owned()),
            _ if self.open => None,
            Node::List(items) => {
                let items: Option<Vec<String>> = items.iter().map(bare).collect();
                Some(format!("[{}]", items?.join(", ")))
            }
            Node::Map(entries) => {
                let entries: Option<Vec<String>> = entries
                    .iter()
                    .map(|(key, entry)| Some(format!("{key}: {}", bare(entry)?)))
                    .collect();
                Some(format!("{{{}}}", entries?.join(", ")))
            }
        }
    }

    fn end(&self, out: &mut String) {
        if let Some(comment) = &self.comment {
            let _ = write!(out, "   # {comment}");
        }
        out.push('\n');
    }
}

/// Writes the entries of a mapping, each on lines of its own, `indent` blanks from the left.
pub(super) fn map(entries: &[(String, Entry)], indent: usize, out: &mut String) {
    for (key, entry) in entries {
        let _ = write!(out, "{:indent$}{key}:", "");
        let inline = entry.inline();
        let fits = |text: &String| indent + key.len() + 2 + text.chars().count() <= WIDTH;
        match (inline, &entry.node) {
            (Some(text), Node::Scalar(_)) => {
                let _ = write!(out, " {text}");
                entry.end(out);
            }
            (Some(text), _) if fits(&text) => {
                let _ = write!(out, " {text}");
                entry.end(out);
            }
            (_, node) => {
                entry.end(out);
                match node {
                    Node::Map(entries) => map(entries, indent + 2, out),
                    Node::List(items) => list(items, indent, out),
                    Node::Scalar(_) => {}
                }
            }
        }
    }
}

fn list(items: &[Entry], indent: usize, out: &mut String) {
    for item in items {
        let is_scalar = matches!(item.node, Node::Scalar(_));
        let fits = |text: &String| is_scalar || indent + 2 + text.chars().count() <= WIDTH;
        match (item.inline().filter(fits), &item.node) {
            (Some(text), _) => {
                let _ = write!(out, "{:indent$}- {text}", "");
                item.end(out);
            }
            (None, Node::Map(entries)) => {
                if let Some(comment) = &item.comment {
                    let _ = writeln!(out, "{:indent$}# {comment}", "");
                }
                let mut nested = String::new();
                map(entries, indent + 2, &mut nested);
                let _ = write!(out, "{:indent$}- {}", "", nested.trim_start_matches(' '));
            }
            (None, Node::List(items)) => {
                let _ = write!(out, "{:indent$}-", "");
                item.end(out);
                list(items, indent + 2, out);
            }
            (None, Node::Scalar(_)) => {}
        }
    }
}
