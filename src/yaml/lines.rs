//! On which line each part of a document stands.

use std::collections::HashMap;
use std::collections::VecDeque;

use super::tape::{Kind, Tape};

/// On which line each part of a document stands, by YAML path: `spec.ingress[0].from[1]`. Of two parts with one path, the first.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    /// Line and column.
    ByPath(HashMap<String, (u32, u32)>),
    Tree(Tree),
}

impl Default for Form {
    fn default() -> Self {
        Self::ByPath(HashMap::new())
    }
}

impl Lines {
    /// Returns the line, counted from 1 in the text that was indexed.
    pub fn get(&self, path: &str) -> Option<u32> {
        match &self.form {
            Form::ByPath(lines) => lines.get(path).map(|(line, _)| *line),
            Form::Tree(tree) => tree.find(0, path, true),
        }
    }

    /// Returns the column, in characters from 1: of a key, or of an element of a list. Only [`super::outline`] knows columns.
    pub fn column(&self, path: &str) -> Option<u32> {
        match &self.form {
            Form::ByPath(lines) => lines.get(path).map(|(_, column)| *column),
            Form::Tree(_) => None,
        }
    }

    pub(super) fn by_path(lines: HashMap<String, (u32, u32)>) -> Self {
        Self {
            form: Form::ByPath(lines),
        }
    }

    /// Indexes the node at `root`, whose first line becomes line 1 when it `stands_alone`.
    pub(super) fn of(tape: &Tape<'_>, root: usize, stands_alone: bool) -> Self {
        let skipped = if stands_alone {
            tape.0[root].line - 1
        } else {
            0
        };
        Self {
            form: Form::Tree(Tree::of(tape, root, skipped)),
        }
    }

    /// Every path with its line.
    #[cfg(test)]
    pub(super) fn all(&self) -> std::collections::BTreeMap<String, u32> {
        match &self.form {
            Form::ByPath(lines) => lines.iter().map(|(p, l)| (p.clone(), l.0)).collect(),
            Form::Tree(tree) => {
                let mut found = std::collections::BTreeMap::new();
                tree.collect(0, "", &mut found);
                found
            }
        }
    }
}

/// The parts of a document, breadth first, so that the children of each stand side by side.
#[derive(Clone, Debug)]
struct Tree {
    /// The keys, one behind the other.
    keys: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
struct Part {
    kind: Kind,
    line: u32,
    /// Where its key stands in `keys`; empty for the root and for elements.
    key: (u32, u32),
    first_child: u32,
    children: u32,
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n)
        .expect("a scanned text is shorter than 4 GiB, and its parts are fewer than its bytes")
}

impl Tree {
    fn of(tape: &Tape<'_>, root: usize, skipped: u32) -> Self {
        let mut tree = Self {
            keys: String::new(),
            parts: Vec::new(),
        };
        let mut queue = VecDeque::new();
        let add = |tree: &mut Self, queue: &mut VecDeque<_>, node: usize, key: &str, line| {
            let start = narrow(tree.keys.len());
            tree.keys.push_str(key);
            let kind = tape.0[node].kind;
            if matches!(kind, Kind::Map | Kind::Seq) {
                queue.push_back((tree.parts.len(), node));
            }
            tree.parts.push(Part {
                kind,
                line,
                key: (start, narrow(tree.keys.len())),
                first_child: 0,
                children: 0,
            });
        };
        add(&mut tree, &mut queue, root, "", 0);
        while let Some((part, node)) = queue.pop_front() {
            let first = tree.parts.len();
            for (key, value) in tape.entries(node) {
                // A key stands right before its value.
                let line = tape.0[value - 1].line - skipped;
                add(&mut tree, &mut queue, value, key, line);
            }
            for element in tape.elements(node) {
                let line = tape.0[element].line - skipped;
                add(&mut tree, &mut queue, element, "", line);
            }
            tree.parts[part].first_child = narrow(first);
            tree.parts[part].children = narrow(tree.parts.len() - first);
        }
        tree
    }

    fn children(&self, part: usize) -> std::ops::Range<usize> {
        let first = self.parts[part].first_child as usize;
        first..first + self.parts[part].children as usize
    }

    fn key(&self, part: usize) -> &str {
        let (start, end) = self.parts[part].key;
        &self.keys[start as usize..end as usize]
    }

    /// The line of what `path` names below a part. Keys may hold dots and brackets, so each that fits is followed.
    fn find(&self, part: usize, path: &str, is_root: bool) -> Option<u32> {
        match self.parts[part].kind {
            Kind::Map => {
                let path = if is_root {
                    path
                } else {
                    path.strip_prefix('.')?
                };
                self.children(part).find_map(|child| {
                    let rest = path.strip_prefix(self.key(child))?;
                    self.at_or_below(child, rest)
                })
            }
            Kind::Seq => {
                let (digits, rest) = path.strip_prefix('[')?.split_once(']')?;
                let is_index = digits.bytes().all(|b| b.is_ascii_digit())
                    && (digits == "0" || !digits.starts_with('0'));
                let index: usize = is_index.then(|| digits.parse().ok()).flatten()?;
                self.at_or_below(self.children(part).nth(index)?, rest)
            }
            Kind::Plain | Kind::Quoted => None,
        }
    }

    fn at_or_below(&self, part: usize, rest: &str) -> Option<u32> {
        if rest.is_empty() {
            Some(self.parts[part].line)
        } else {
            self.find(part, rest, false)
        }
    }

    #[cfg(test)]
    fn collect(
        &self,
        part: usize,
        path: &str,
        found: &mut std::collections::BTreeMap<String, u32>,
    ) {
        let is_seq = self.parts[part].kind == Kind::Seq;
        for (index, child) in self.children(part).enumerate() {
            let own = match (is_seq, path.is_empty()) {
                (true, _) => format!("{path}[{index}]"),
                (false, true) => self.key(child).to_owned(),
                (false, false) => format!("{path}.{}", self.key(child)),
            };
            found.entry(own.clone()).or_insert(self.parts[child].line);
            self.collect(child, &own, found);
        }
    }
}
