//! A document, or an item of a list, read any number of times and scanned once.

use std::cell::OnceCell;

use serde::de::DeserializeOwned;

use super::lines::Lines;
use super::tape::{Kind, Tape};
use super::{Outline, YamlError, outline, plain, read_general};

/// A document, or an item of a `List` that reads as a document of its own.
pub struct Part<'p> {
    source: Source<'p>,
    nodes: Option<Nodes<'p>>,
    /// What the general parser sees; made when it is needed.
    outline: OnceCell<Outline>,
}

enum Source<'p> {
    Text(&'p str),
    Item { list: &'p Part<'p>, index: usize },
}

/// Where the part stands in what was scanned.
enum Nodes<'p> {
    Own(Tape<'p>),
    Item { tape: &'p Tape<'p>, at: usize },
}

impl<'p> Part<'p> {
    /// Takes the text of one document.
    pub fn document(text: &'p str) -> Self {
        Self {
            source: Source::Text(text),
            nodes: plain::scan(text).map(Nodes::Own),
            outline: OnceCell::new(),
        }
    }

    fn nodes(&self) -> Option<(&Tape<'p>, usize)> {
        match self.nodes.as_ref()? {
            Nodes::Own(tape) => Some((tape, 0)),
            Nodes::Item { tape, at } => Some((tape, *at)),
        }
    }

    /// The text; that of an item is padded so that it reads as a document.
    pub fn text(&self) -> &str {
        match &self.source {
            Source::Text(text) => text,
            Source::Item { list, index } => list
                .outline()
                .items
                .get(*index)
                .map_or("", |(text, _)| text.as_str()),
        }
    }

    fn outline(&self) -> &Outline {
        self.outline.get_or_init(|| outline(self.text()))
    }

    /// Reads the part. Lines of an error count from 1 in [`Part::text`].
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, YamlError> {
        let scanned = self.nodes().and_then(|(tape, at)| tape.read(at).ok());
        match scanned {
            Some(value) => Ok(value),
            None => read_general(self.text()),
        }
    }

    /// Strings of the outermost mapping, empty where they are missing or null. `None` when it takes a full reading to say.
    pub fn strings<const N: usize>(&self, keys: [&str; N]) -> Option<[&str; N]> {
        let (tape, at) = self.nodes()?;
        let mut found = [""; N];
        if tape.0[at].kind != Kind::Map {
            return None;
        }
        for (key, value) in tape.entries(at) {
            if let Some(wanted) = keys.iter().position(|wanted| *wanted == key) {
                let node = &tape.0[value];
                match node.kind {
                    Kind::Map | Kind::Seq => return None,
                    _ if node.is_null() => {}
                    Kind::Plain | Kind::Quoted => found[wanted] = &node.text,
                }
            }
        }
        Some(found)
    }

    /// On which line each part of this one stands, counted from 1 in [`Part::text`].
    pub fn lines(&self) -> Lines {
        match self.nodes() {
            Some((tape, at)) => Lines::of(tape, at, at > 0),
            None => self.outline().lines.clone(),
        }
    }

    /// The mappings under `items`, each with the line it starts on, counted from 1 in [`Part::text`].
    pub fn items(&self) -> Vec<(Part<'_>, u32)> {
        let Some((tape, at)) = self.nodes() else {
            let items = self.outline().items.iter();
            return items
                .map(|(text, line)| (Part::document(text), *line))
                .collect();
        };
        let skipped = if at > 0 { tape.0[at].line - 1 } else { 0 };
        let list = tape.entries(at).find(|(key, _)| *key == "items");
        let Some((_, list)) = list else {
            return Vec::new();
        };
        tape.elements(list)
            .filter(|item| tape.0[*item].kind == Kind::Map)
            .enumerate()
            .map(|(index, item)| {
                let part = Part {
                    source: Source::Item { list: self, index },
                    nodes: Some(Nodes::Item { tape, at: item }),
                    outline: OnceCell::new(),
                };
                (part, tape.0[item].line - skipped)
            })
            .collect()
    }
}
