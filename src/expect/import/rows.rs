//! Rows to expectations.

mod entries;
mod review;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Diagnostic, Direction, Severity, SourceRef};
use crate::text::{is_near, tame};

use super::super::file::{
    self, DefaultDeny, Environment, Expectations, Named, Source, Unread, Workload,
};
use super::super::lookup::Unclear;
use super::cell::{self, PeerText};
use super::heads::{self, Form, Role};
use super::names::{Names, key, listed};
use super::prose;
use super::scan::{self, Document};
use super::{Imported, TableRead};
use entries::cell_of;

/// The environment of tables above which none is announced.
const BASE: &str = "base";

/// A table that is about connections.
struct Found<'d> {
    index: usize,
    environment: &'static str,
    roles: Vec<Role>,
    form: Form,
    table: &'d scan::Table<'d>,
}

pub(super) fn read(document: &Document<'_>, file: &Arc<str>, others: &Expectations) -> Imported {
    let mut builder = Builder {
        file,
        others,
        names: Names::default(),
        ids: Vec::new(),
        problems: Vec::new(),
        environments: Vec::new(),
        tables: Vec::new(),
        quotes: BTreeMap::new(),
    };
    let mut found = Vec::new();
    for (index, table) in document.tables.iter().enumerate() {
        match heads::read(table) {
            Some((roles, form)) => found.push(Found {
                index,
                environment: prose::announced_above(document, table.line).unwrap_or(BASE),
                roles,
                form,
                table,
            }),
            None => builder.tell(
                Diagnostic::new(
                    Severity::Info,
                    "this table is not read: its header has nothing about connections",
                ),
                table.line,
                None,
            ),
        }
    }
    let subjects: Vec<Vec<Option<usize>>> = found.iter().map(|f| builder.subjects(f)).collect();
    for table in &found {
        builder.peers_without_rows(table);
    }
    builder.ids = builder.names.ids(others);
    for (table, subjects) in found.iter().zip(&subjects) {
        builder.table(table, subjects);
        builder.notes(document, table);
    }
    if !found.is_empty() {
        builder.default_denies(document);
    }
    builder.finish()
}

struct Builder<'b> {
    file: &'b Arc<str>,
    others: &'b Expectations,
    names: Names,
    /// Of each subject.
    ids: Vec<String>,
    problems: Vec<Diagnostic>,
    /// In the order they are announced.
    environments: Vec<Environment>,
    tables: Vec<TableRead>,
    quotes: BTreeMap<SourceRef, String>,
}

impl Builder<'_> {
    fn at(&self, line: u32) -> SourceRef {
        SourceRef {
            file: Arc::clone(self.file),
            line,
        }
    }

    fn tell(&mut self, problem: Diagnostic, line: u32, column: Option<u32>) {
        let mut problem = problem.at(Some(self.at(line)));
        problem.column = column;
        self.problems.push(problem);
    }

    fn environment(&mut self, name: &str, line: u32) -> &mut Environment {
        let index = self.environments.iter().position(|env| env.name == name);
        let index = index.unwrap_or_else(|| {
            self.environments
                .push(Environment::empty(name, self.at(line)));
            self.environments.len() - 1
        });
        &mut self.environments[index]
    }

    /// The subject of every row of a table; `None` where there is none, told of.
    fn subjects(&mut self, found: &Found<'_>) -> Vec<Option<usize>> {
        if found.form == Form::Flows {
            return vec![None; found.table.rows.len()];
        }
        let mut known = BTreeSet::new();
        let mut subjects = Vec::new();
        for row in &found.table.rows {
            let cell = cell_of(row, &found.roles, Role::Subject);
            let names = cell.map_or_else(Vec::new, |cell| cell::row_names(&cell.text));
            let column = cell.map(|cell| cell.column);
            if names.is_empty() {
                self.tell(
                    Diagnostic::error("the row names no workload")
                        .help("write who it is about into its first column; the row is left out"),
                    row.line,
                    column,
                );
                subjects.push(None);
                continue;
            }
            let at = self.at(row.line);
            match self.names.row(&names, &at, &known, self.others) {
                Ok(index) => {
                    known.insert(index);
                    subjects.push(Some(index));
                }
                Err(Unclear::Several(several) | Unclear::Nobody(several)) => {
                    self.tell(
                        Diagnostic::error(format!(
                            "`{}` may be any of {}",
                            tame(&names.join(", ")),
                            listed(&several)
                        ))
                        .help("an alias belongs to one row; the row is left out"),
                        row.line,
                        column,
                    );
                    subjects.push(None);
                }
            }
        }
        subjects
    }

    /// Who is named in a From, To, Source or Destination column and has no row is looked up in the cluster by that name, unless the
    /// word is so near another one that it looks mistyped.
    fn peers_without_rows(&mut self, found: &Found<'_>) {
        if found.form == Form::Cells {
            return;
        }
        for row in &found.table.rows {
            for role in [Role::From, Role::To] {
                let Some(cell) = cell_of(row, &found.roles, role) else {
                    continue;
                };
                for peer in cell::peers(&cell.text).0 {
                    let PeerText::Name(word) = peer else {
                        continue;
                    };
                    // What is the subject itself is known without knowing which one it is.
                    let is_known = key(&word) == "internal"
                        || !matches!(
                            self.names.meaning(&word, None, self.others),
                            Err(Unclear::Nobody(_))
                        );
                    let names = || self.names.subjects.iter().flat_map(|s| &s.names);
                    if !is_known && !names().any(|name| is_near(name, &word)) {
                        let at = self.at(row.line);
                        self.names.peer(&word, &at, self.others);
                    }
                }
            }
        }
    }

    fn table(&mut self, found: &Found<'_>, subjects: &[Option<usize>]) {
        let mut read = TableRead {
            line: found.table.line,
            environment: found.environment.to_owned(),
            rows: 0,
            items: 0,
            peers: 0,
        };
        self.environment(found.environment, found.table.line);
        let reviewed = self.odd_ones_out(found, subjects);
        for (index, (row, subject)) in found.table.rows.iter().zip(subjects).enumerate() {
            let surplus = row.cells.iter().skip(found.table.header.len());
            if let Some(cell) = surplus.into_iter().find(|cell| !cell.text.is_empty()) {
                let message = format!(
                    "the row has {} cells, its header {}: `{}` belongs to no column",
                    row.cells.len(),
                    found.table.header.len(),
                    tame(&cell.text)
                );
                self.tell(
                    Diagnostic::error(message).help(
                        "write a pipe that belongs to a cell as \\|, or give the column a header; the row is left out",
                    ),
                    row.line,
                    Some(cell.column),
                );
                self.lose_row(found, *subject, row.line);
                continue;
            }
            let at = self.at(row.line);
            let words: Vec<&str> = row.text.split_whitespace().collect();
            self.quotes.insert(at.clone(), words.join(" "));
            read.rows += 1;
            match (found.form, subject) {
                (Form::Cells, Some(subject)) => self.cells(found, row, *subject, &mut read),
                (Form::Incoming | Form::Outgoing, Some(subject)) => {
                    self.rule(found, row, *subject, reviewed.get(&index), &mut read);
                }
                (Form::Flows, _) => self.flow(found, row, &mut read),
                (_, None) => read.rows -= 1,
            }
        }
        self.tables.push(read);
    }

    /// A row that is left out says nothing certain about the directions it would have been about.
    fn lose_row(&mut self, found: &Found<'_>, subject: Option<usize>, line: u32) {
        let Some(subject) = subject else {
            return;
        };
        let directions: &[Direction] = match found.form {
            Form::Cells => &Direction::BOTH,
            Form::Incoming => &[Direction::Ingress],
            Form::Outgoing => &[Direction::Egress],
            Form::Flows => &[],
        };
        for direction in directions {
            self.unread(found, subject, *direction, line, "its row cannot be read");
        }
    }

    fn unread(
        &mut self,
        found: &Found<'_>,
        subject: usize,
        direction: Direction,
        line: u32,
        why: &str,
    ) {
        let unread = Unread {
            at: self.at(line),
            workload: self.ids[subject].clone(),
            direction,
            why: why.to_owned(),
        };
        self.environment(found.environment, line)
            .unread
            .push(unread);
    }

    fn notes(&mut self, document: &Document<'_>, found: &Found<'_>) {
        for note in prose::notes_under(document, found.index) {
            let at = self.at(note.line);
            let env = self.environment(found.environment, note.line);
            env.notes.push(file::Note {
                at,
                text: note.text,
                src: None,
            });
        }
    }

    fn default_denies(&mut self, document: &Document<'_>) {
        for deny in prose::default_denies(document) {
            if deny.of_all {
                self.tell(
                    Diagnostic::warning("a default deny of all namespaces is not read")
                        .help("name the namespaces, in the document or in a netseg/v1 file"),
                    deny.line,
                    None,
                );
            }
            // Under an announced environment it is about that one.
            let above = prose::announced_above(document, deny.line);
            let about = above.filter(|name| self.environments.iter().any(|env| env.name == **name));
            for name in &deny.names {
                let at = SourceRef {
                    file: Arc::clone(self.file),
                    line: name.line,
                };
                let meant = self.environments.iter_mut();
                for env in meant.filter(|env| about.is_none_or(|name| env.name == name)) {
                    if env
                        .default_deny
                        .iter()
                        .all(|own| own.namespace != name.namespace)
                    {
                        env.default_deny.push(DefaultDeny {
                            at: at.clone(),
                            src: None,
                            namespace: name.namespace.clone(),
                            directions: Direction::BOTH.to_vec(),
                        });
                    }
                }
                if let Some(glued) = &name.glued {
                    self.tell(
                        Diagnostic::warning(format!(
                            "`{}` is read as the namespace `{}`",
                            tame(glued),
                            tame(&name.namespace)
                        ))
                        .help(
                            "a blank seems to be lost in front of it; if there is such a namespace, put names into back quotes",
                        ),
                        name.line,
                        None,
                    );
                }
            }
        }
    }

    fn finish(mut self) -> Imported {
        self.problems.sort_by(|a, b| {
            (&a.source, a.column, &a.message).cmp(&(&b.source, b.column, &b.message))
        });
        self.problems.dedup();
        if self.environments.len() > 1 && self.environments.iter().any(|env| env.name == BASE) {
            // What is written before any environment is announced holds for all of them.
            for env in self.environments.iter_mut().filter(|env| env.name != BASE) {
                env.extends = Some(BASE.to_owned());
            }
        }
        let stem = self.file.rsplit(['/', '\\']).next().unwrap_or_default();
        let stem = stem.split('.').next().unwrap_or_default();
        let workloads = self.names.subjects.into_iter().zip(self.ids);
        let workloads = workloads
            .filter(|(subject, _)| subject.defined.is_none())
            .map(|(subject, id)| Named {
                id,
                at: subject.at,
                src: None,
                value: Workload {
                    names: subject.names,
                    select: Vec::new(),
                    closed_world: None,
                },
            })
            .collect();
        let sources = self.tables.iter().map(|table| Source {
            file: Some(self.file.to_string()),
            line: Some(table.line),
            env: Some(table.environment.clone()),
            inferred: false,
        });
        let expectations = Expectations {
            names: vec![stem.to_owned()],
            sources: sources.collect(),
            peers: Vec::new(),
            workloads,
            environments: self.environments,
        };
        Imported {
            expectations,
            problems: self.problems,
            tables: self.tables,
            quotes: self.quotes,
        }
    }
}
