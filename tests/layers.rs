//! Which module may use which, checked on the paths that sources write down.
//!
//! A module uses the rows below its own and, in its own row, what stands left of it, so the rows written one after the other
//! are one line, and everything points to its start.

use std::fs;
use std::path::{Path, PathBuf};

/// From the ground up; rows of the README's picture, each from left to right.
const ROWS: [&[&str]; 7] = [
    &["text", "yaml", "wire", "model"],
    &["compile", "source"],
    &["engine"],
    &["expect", "questions"],
    &["graph"],
    &["report"],
    &["tui", "cli"],
];

/// Modules that may read files, wait, look at the clock, or print.
const MAY_TOUCH_THE_WORLD: [&str; 3] = ["source", "tui", "cli"];

/// Signs of input, output, waiting and clocks.
const THE_WORLD: [&str; 12] = [
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "std::net::Tcp",
    "std::time::Instant",
    "std::time::SystemTime",
    "Zoned::now",
    "Timestamp::now",
    "tokio::",
    "io::stdout",
    "println!",
];

#[test]
fn modules_point_downwards() {
    let mut wrong = Vec::new();
    for file in sources() {
        let Some(own) = file.height() else { continue };
        for (line, used) in file.uses_of_this_crate() {
            match height(&used) {
                Some(other) if other <= own => {}
                Some(_) => wrong.push(format!(
                    "{}:{line}: `{}` must not use `{used}`, which stands above it",
                    file.name, file.module
                )),
                None => wrong.push(format!(
                    "{}:{line}: `{used}` stands in no row of the layer table",
                    file.name
                )),
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn only_sources_and_faces_touch_the_world() {
    let mut wrong = Vec::new();
    for file in sources() {
        if file.height().is_none() || MAY_TOUCH_THE_WORLD.contains(&file.module.as_str()) {
            continue;
        }
        for (line, text) in file.code() {
            for sign in THE_WORLD.iter().filter(|sign| text.contains(**sign)) {
                wrong.push(format!(
                    "{}:{line}: `{sign}` in `{}`",
                    file.name, file.module
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn yaml_is_read_in_one_place() {
    let users: Vec<String> = sources()
        .iter()
        .filter(|file| file.code().any(|(_, text)| text.contains("serde_saphyr")))
        .map(|file| file.module.clone())
        .collect();
    assert!(users.iter().all(|module| module == "yaml"), "{users:?}");
}

#[test]
fn wire_types_end_below_the_engine() {
    let mut wrong = Vec::new();
    for file in sources() {
        if file.height() <= height("source") {
            continue;
        }
        let users = file.uses_of_this_crate().into_iter();
        wrong.extend(
            users
                .filter(|(_, used)| used == "wire")
                .map(|(line, _)| format!("{}:{line}", file.name)),
        );
    }
    assert!(wrong.is_empty(), "wire types are used in {wrong:?}");
}

#[test]
fn every_module_has_a_row() {
    let homeless: Vec<String> = sources()
        .into_iter()
        .filter(|file| file.height().is_none() && !["lib", "main"].contains(&file.module.as_str()))
        .map(|file| file.name)
        .collect();
    assert!(homeless.is_empty(), "no row for {homeless:?}");
}

/// The reader below is the test's own risk, so it is shown what it has to find.
#[test]
fn the_reader_sees_every_way_to_write_a_path() {
    let file = Source {
        name: "src/model/x.rs".to_owned(),
        module: "model".to_owned(),
        text: "
use crate::text::tame; // crate::comment
use crate::{yaml, graph::{Drawn, Node}, report as r};
pub(crate) use crate::
    engine::Engine;
/// [`crate::tui`] in words is no use.
fn f() { crate::wire::g(\"crate::said\"); let _ = [crate::cli::X]; }
#[cfg(test)]
mod tests { use crate::source; }
"
        .to_owned(),
    };
    let mut found: Vec<String> = file.uses_of_this_crate().into_iter().map(|u| u.1).collect();
    found.sort();
    assert_eq!(
        found,
        ["cli", "engine", "graph", "report", "text", "wire", "yaml"]
    );
}

fn height(module: &str) -> Option<usize> {
    ROWS.iter()
        .flat_map(|row| row.iter())
        .position(|m| *m == module)
}

struct Source {
    /// For messages: `src/model/labels.rs`.
    name: String,
    /// The top module it belongs to: `model`.
    module: String,
    text: String,
}

impl Source {
    fn height(&self) -> Option<usize> {
        height(&self.module)
    }

    /// Numbered lines without comments, up to the unit tests: those may build their input with anything.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self
            .text
            .find("#[cfg(test)]\nmod tests {")
            .unwrap_or(self.text.len());
        self.text[..end]
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, without_comment(line)))
    }

    /// Top modules named after `crate::` or the library's own name, with the line they stand on.
    fn uses_of_this_crate(&self) -> Vec<(usize, String)> {
        let mut code = String::new();
        let mut starts = Vec::new();
        for (number, line) in self.code() {
            starts.push((code.len(), number));
            code.push_str(&without_strings(line));
            code.push('\n');
        }
        let line_at = |at: usize| {
            starts
                .iter()
                .rev()
                .find(|(start, _)| *start <= at)
                .map_or(0, |(_, number)| *number)
        };
        let mut uses = Vec::new();
        for root in ["crate::", "netseg::"] {
            for (at, _) in code.match_indices(root) {
                let before = code[..at].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                    continue;
                }
                let rest = code[at + root.len()..].trim_start();
                let named = match rest.strip_prefix('{') {
                    Some(group) => heads_of_group(group),
                    None => vec![word(rest)],
                };
                uses.extend(named.into_iter().map(|module| (line_at(at), module)));
            }
        }
        uses
    }
}

/// The first words of the items of a `use` group; `group` starts behind its opening brace.
fn heads_of_group(group: &str) -> Vec<String> {
    let mut heads = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' if depth == 0 => {
                heads.push(word(group[start..at].trim_start()));
                start = at + 1;
            }
            '}' => {
                heads.push(word(group[start..at].trim_start()));
                break;
            }
            _ => {}
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

fn word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

fn without_comment(line: &str) -> &str {
    line.find("//")
        .filter(|at| line[..*at].matches('"').count().is_multiple_of(2))
        .map_or(line, |at| &line[..at])
}

fn without_strings(line: &str) -> String {
    line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    walk(&root.join("src"), &mut files);
    assert!(!files.is_empty(), "no sources below {}", root.display());
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let within = path.strip_prefix(root.join("src")).unwrap();
            let top = within.components().next().unwrap().as_os_str();
            Source {
                name: format!("src/{}", within.display()),
                module: top.to_string_lossy().trim_end_matches(".rs").to_owned(),
                text: fs::read_to_string(&path).unwrap(),
            }
        })
        .collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // What tests build their input with is their own affair.
        if path.is_dir() && path.ends_with("tests") {
            continue;
        }
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
}
