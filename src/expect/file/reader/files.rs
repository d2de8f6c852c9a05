//! Several files read together.

use std::sync::Arc;

use serde_json::Value;

use crate::model::{Diagnostic, SourceRef};
use crate::text::tame;
use crate::yaml;

use super::super::{Expectations, Settings};
use super::Reader;

/// Files of expectations that may speak of what others define.
///
/// Each is read by [`Files::read`], documents are added as they are, and [`Files::finish`] holds all of them together against the
/// names they use: what builds on what, and who is meant.
#[derive(Default)]
pub struct Files {
    pub(super) readers: Vec<Reader>,
    pub(super) made: Expectations,
    pub(super) problems: Vec<Diagnostic>,
    /// A file of which nothing could be read: what it defines is unknown.
    is_broken: bool,
    /// Those of a file without environments: they are meant for the environments of the others.
    settings: Option<Settings>,
}

impl Files {
    /// Reads a `netseg/v1` file. Its problems are told at the end, with those of the others.
    pub fn read(&mut self, file_name: &str, text: &str) {
        let file: Arc<str> = tame(file_name).into();
        let (document, value) = match parse(&file, text) {
            Ok(parsed) => parsed,
            Err(problem) => {
                self.problems.push(*problem);
                self.is_broken = true;
                return;
            }
        };
        let mut reader = Reader {
            file,
            first_line: document.first_line,
            lines: yaml::outline(document.text).lines,
            problems: Vec::new(),
            workloads: Vec::new(),
            peers: Vec::new(),
            uses: Vec::new(),
            flows: Vec::new(),
            settings: Settings::default(),
        };
        let read = reader.file(&value);
        // What is half read may clash with others where the whole would not.
        if let Some(read) = read.filter(|_| reader.problems.is_empty()) {
            if read.environments.is_empty() && reader.settings != Settings::default() {
                self.settings = Some(reader.settings);
            }
            self.add(read);
        }
        self.readers.push(reader);
    }

    /// Adds what another file or a document says. What contradicts the files before is told at the end.
    pub fn add(&mut self, read: Expectations) {
        if let Err(problems) = self.made.merge(read) {
            self.problems.extend(problems);
        }
    }

    /// What was read so far, for looking up names; not yet held against itself.
    pub fn so_far(&self) -> &Expectations {
        &self.made
    }

    /// All of it as one; else every problem, by file and line.
    ///
    /// The settings of a file without environments hold for every environment that has the usual ones.
    pub fn finish(mut self) -> Result<Expectations, Vec<Diagnostic>> {
        if let Some(settings) = self.settings {
            let usual = Settings::default();
            let envs = self.made.environments.iter_mut();
            for env in envs.filter(|env| env.settings == usual) {
                env.settings = settings;
            }
        }
        if !self.is_broken {
            self.names();
        }
        let is_sound =
            self.problems.is_empty() && self.readers.iter().all(|r| r.problems.is_empty());
        if is_sound {
            self.check();
            self.environments();
        }
        let Self {
            readers,
            made,
            mut problems,
            ..
        } = self;
        problems.extend(readers.into_iter().flat_map(|reader| reader.problems));
        if problems.is_empty() {
            return Ok(made);
        }
        problems.sort_by(|a, b| (&a.source, a.column).cmp(&(&b.source, b.column)));
        problems.dedup();
        Err(problems)
    }

    fn environments(&mut self) {
        if self.made.environments.is_empty()
            && let Some(reader) = self.readers.first_mut()
        {
            reader.fail(
                "environments",
                "holds no environment",
                "at least one is needed, for example `base: {expect: {…}}`",
            );
        }
    }

    /// Names that are used and defined nowhere.
    fn names(&mut self) {
        let own = |ids: fn(&Reader) -> &Vec<String>| -> Vec<String> {
            self.readers.iter().flat_map(ids).cloned().collect()
        };
        let mut workloads = own(|reader| &reader.workloads);
        workloads.extend(self.made.workloads.iter().map(|w| w.id.clone()));
        let mut peers = own(|reader| &reader.peers);
        peers.extend(self.made.peers.iter().map(|p| p.id.clone()));
        for reader in &mut self.readers {
            for used in std::mem::take(&mut reader.uses) {
                reader.known(&used, &workloads, &peers);
            }
        }
    }
}

fn parse<'t>(
    file: &Arc<str>,
    text: &'t str,
) -> Result<(yaml::Document<'t>, Value), Box<Diagnostic>> {
    let problem = |line: u32, message: String| {
        let place = SourceRef {
            file: Arc::clone(file),
            line,
        };
        Diagnostic::error(message).at(Some(place))
    };
    let mut documents = yaml::documents(text).into_iter();
    let Some(document) = documents.next() else {
        return Err(Box::new(problem(1, "holds no expectations".to_owned()).help(
            "a file of expectations begins with `apiVersion: netseg/v1` and `kind: Expectations`",
        )));
    };
    if let Some(second) = documents.next() {
        return Err(Box::new(
            problem(
                second.first_line,
                "holds more than one YAML document".to_owned(),
            )
            .help("put each document into a file of its own, and name them all"),
        ));
    }
    match yaml::read(document.text) {
        Ok(value) => Ok((document, value)),
        Err(error) => {
            let line = document.first_line + error.line - 1;
            let told = format!("is no YAML: {}", tame(&error.message));
            let told = problem(line, told).column(error.column);
            let is_repeated = error.message.starts_with("duplicate mapping key");
            Err(Box::new(if is_repeated {
                told.help("a key stands once in a mapping: put what belongs to it together")
            } else {
                told
            }))
        }
    }
}
