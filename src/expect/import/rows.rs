//! Rows to expectations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Diagnostic, Direction, Protocol, Severity, SourceRef};
use crate::text::{is_near, tame};

use super::super::file::short::{PeerWord, PortWord};
use super::super::file::{
    self, Content, DefaultDeny, Environment, Expectations, Flow, Level, Named, Remarks, Rule,
    Source, Unread, Workload,
};
use super::cell::{self, CellError, PeerText};
use super::heads::{self, Form, Role};
use super::names::{Meaning, Names, Unclear, key, listed};
use super::prose;
use super::scan::{self, Cell, Document};
use super::{Imported, TableRead};

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
                environment: prose::environment_above(document, index).unwrap_or(BASE),
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

/// The text of the first column of a role; empty where the row is too short.
fn cell_of<'r>(row: &'r scan::Row<'r>, roles: &[Role], role: Role) -> Option<&'r Cell<'r>> {
    let column = roles.iter().position(|own| *own == role)?;
    row.cells.get(column)
}

fn column_of(cell: &Cell<'_>, error: &CellError) -> u32 {
    cell.column + u32::try_from(error.column).unwrap_or(u32::MAX - cell.column)
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
            self.quotes.insert(at.clone(), row.text.to_owned());
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

    /// Tells what is wrong with a cell; whether anything was.
    fn complain(&mut self, errors: &[CellError], cell: &Cell<'_>, line: u32) -> bool {
        for error in errors {
            let quoted = if *error.found == *cell.text {
                String::new()
            } else {
                format!(" (cell `{}`)", tame(&cell.text))
            };
            self.tell(
                Diagnostic::error(format!("{}{quoted}", error.message)).help(error.help.clone()),
                line,
                Some(column_of(cell, error)),
            );
        }
        !errors.is_empty()
    }

    /// What peers mean; `None`, told of, when one of them means nothing certain.
    fn peers(
        &mut self,
        peers: &[PeerText],
        subject: Option<usize>,
        cell: &Cell<'_>,
        line: u32,
        offset: usize,
    ) -> Option<Vec<PeerWord>> {
        let mut words = Vec::new();
        let mut failed = false;
        for peer in peers {
            let name = match peer {
                PeerText::Block(block) => {
                    words.push(PeerWord::Block(block.clone()));
                    continue;
                }
                PeerText::Name(name) => name,
            };
            let unclear = match self.names.meaning(name, subject, self.others) {
                Ok(Meaning::Subject(index)) => {
                    words.push(PeerWord::Name(self.ids[index].clone()));
                    continue;
                }
                Ok(Meaning::Word(word)) => {
                    words.push(PeerWord::Name(word.to_owned()));
                    continue;
                }
                Ok(Meaning::Defined(id)) => {
                    words.push(PeerWord::Name(id));
                    continue;
                }
                Err(unclear) => unclear,
            };
            failed = true;
            let (what, nearest) = match unclear {
                Unclear::Nobody(nearest) => ("nobody is called", nearest),
                Unclear::Several(several) => ("several are called", several),
            };
            let help = format!("nearest: {}", listed(&nearest));
            let error = CellError {
                column: offset_of(&cell.text, name, offset),
                found: name.clone(),
                message: format!("{what} `{}`", tame(name)),
                help,
            };
            self.complain(&[error], cell, line);
        }
        (!failed).then_some(words)
    }

    /// A row a workload: its ingress and egress cells.
    fn cells(
        &mut self,
        found: &Found<'_>,
        row: &scan::Row<'_>,
        subject: usize,
        read: &mut TableRead,
    ) {
        let at = self.at(row.line);
        for (role, direction) in [
            (Role::Ingress, Direction::Ingress),
            (Role::Egress, Direction::Egress),
        ] {
            if !found.roles.contains(&role) {
                continue;
            }
            let Some(cell) = cell_of(row, &found.roles, role) else {
                self.tell(
                    Diagnostic::warning(format!(
                        "the row ends before its {direction} cell: nothing is expected of that direction"
                    ))
                    .help("write `Deny All` for nothing, `Any` for everything"),
                    row.line,
                    None,
                );
                continue;
            };
            let (content, errors) = cell::direction(&cell.text);
            let mut failed = self.complain(&errors, cell, row.line);
            let content = match content {
                cell::Cell::Empty => None,
                cell::Cell::Deny => Some(Content::Deny),
                cell::Cell::Any => Some(Content::Any),
                cell::Cell::Items(items) => {
                    let mut rules = Vec::new();
                    for item in &items {
                        read.items += 1;
                        read.peers += item.peers.len();
                        let peers =
                            self.peers(&item.peers, Some(subject), cell, row.line, item.column);
                        failed |= peers.is_none();
                        rules.push(Rule {
                            at: at.clone(),
                            ports: item.ports.clone(),
                            peers: peers.filter(|peers| !peers.is_empty()),
                            level: item.level,
                            via_service: false,
                            remarks: Remarks::default(),
                        });
                    }
                    Some(Content::Rules {
                        rules,
                        removed: Vec::new(),
                    })
                }
            };
            if matches!(content, Some(Content::Deny | Content::Any)) {
                read.items += 1;
            }
            if failed {
                let why = format!("its cell `{}` cannot be read", tame(&cell.text));
                self.unread(found, subject, direction, row.line, &why);
                continue;
            }
            if let Some(content) = content {
                self.put(found, subject, direction, &at, content);
            }
        }
    }

    /// Puts a cell into its row. A second cell of the same direction contradicts the first, unless both list rules of a table that has
    /// a row a rule.
    fn put(
        &mut self,
        found: &Found<'_>,
        subject: usize,
        direction: Direction,
        at: &SourceRef,
        content: Content,
    ) {
        let id = self.ids[subject].clone();
        let form = found.form;
        let env = self.environment(found.environment, at.line);
        let row = env.row_mut(&id, at);
        let slot = row.cell_mut(direction);
        match (slot, content) {
            (None, content) => {
                *row.cell_mut(direction) = Some(file::Cell {
                    at: at.clone(),
                    src: None,
                    content,
                });
            }
            (
                Some(file::Cell {
                    content: Content::Rules { rules, .. },
                    ..
                }),
                Content::Rules { rules: more, .. },
            ) if form != Form::Cells => rules.extend(more),
            (Some(first), _) => {
                let first = first.at.clone();
                self.tell(
                    Diagnostic::error(format!(
                        "the {direction} of `{}` is already written on line {}",
                        tame(&self.names.subjects[subject].names[0]),
                        first.line
                    ))
                    .help("keep one of the two; the first one is used"),
                    at.line,
                    None,
                );
            }
        }
    }

    /// A row a rule: ports, and who comes from or where it goes.
    fn rule(
        &mut self,
        found: &Found<'_>,
        row: &scan::Row<'_>,
        subject: usize,
        review: Option<&Review>,
        read: &mut TableRead,
    ) {
        let (role, direction) = match found.form {
            Form::Outgoing => (Role::To, Direction::Egress),
            _ => (Role::From, Direction::Ingress),
        };
        let ports = self.ports(found, row);
        let peers = self.peers_of(found, row, role, Some(subject));
        let (Some(ports), Some(mut peers)) = (ports, peers) else {
            self.unread(
                found,
                subject,
                direction,
                row.line,
                "a rule of it cannot be read",
            );
            return;
        };
        read.items += 1;
        read.peers += peers.len();
        let mut why = self.comment(found, row);
        let mut level = Level::Must;
        if let Some(review) = review {
            level = Level::May;
            why = Some(review.why.clone());
            self.tell(
                Diagnostic::warning(format!(
                    "tolerated, not demanded, until somebody looks at it: {}",
                    tame(&review.why)
                ))
                .help("mend the row, or its description"),
                row.line,
                None,
            );
            for meant in &review.usual {
                let word = self.word(meant);
                if !peers.contains(&word) {
                    peers.push(word);
                }
            }
        }
        let at = self.at(row.line);
        let rule = Rule {
            at: at.clone(),
            ports,
            peers: (!peers.is_empty()).then_some(peers),
            level,
            via_service: false,
            remarks: Remarks {
                why,
                ..Remarks::default()
            },
        };
        let content = Content::Rules {
            rules: vec![rule],
            removed: Vec::new(),
        };
        self.put(found, subject, direction, &at, content);
    }

    fn word(&self, meaning: &Meaning) -> PeerWord {
        PeerWord::Name(match meaning {
            Meaning::Subject(index) => self.ids[*index].clone(),
            Meaning::Word(word) => (*word).to_owned(),
            Meaning::Defined(id) => id.clone(),
        })
    }

    fn comment(&self, found: &Found<'_>, row: &scan::Row<'_>) -> Option<String> {
        let texts = found.roles.iter().zip(&row.cells);
        let texts: Vec<&str> = texts
            .filter(|(role, cell)| **role == Role::Comment && !cell.text.is_empty())
            .map(|(_, cell)| cell.text.as_ref())
            .collect();
        (!texts.is_empty()).then(|| texts.join("; "))
    }

    /// The ports of a row, with the protocol of its own column where it has one; `None`, told of, when there are none.
    fn ports(&mut self, found: &Found<'_>, row: &scan::Row<'_>) -> Option<Vec<PortWord>> {
        let cell = cell_of(row, &found.roles, Role::Ports);
        let Some(cell) = cell.filter(|cell| !cell.text.is_empty()) else {
            self.tell(
                Diagnostic::error("the row names no port")
                    .help("write a port such as 443 or 53/udp, or `any`; the row is left out"),
                row.line,
                cell.map(|cell| cell.column),
            );
            return None;
        };
        let (ports, errors) = cell::ports(&cell.text);
        let failed = self.complain(&errors, cell, row.line);
        let protocols = self.protocols(found, row)?;
        (!failed).then(|| {
            ports
                .iter()
                .flat_map(|port| with_protocols(port, &protocols))
                .collect()
        })
    }

    fn protocols(&mut self, found: &Found<'_>, row: &scan::Row<'_>) -> Option<Vec<Protocol>> {
        let Some(cell) = cell_of(row, &found.roles, Role::Protocol) else {
            return Some(Vec::new());
        };
        let mut protocols = Vec::new();
        for word in cell
            .text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty() && !["and", "or"].contains(word))
        {
            let lower = word.to_lowercase();
            match Protocol::parse(&lower) {
                Some(protocol) => protocols.push(protocol),
                None if ["any", "all"].contains(&lower.as_str()) => {
                    protocols.extend(Protocol::ALL);
                }
                None => {
                    self.tell(
                        Diagnostic::error(format!("`{}` is no protocol", tame(word)))
                            .help("allowed are TCP, UDP, SCTP and any; the row is left out"),
                        row.line,
                        Some(cell.column),
                    );
                    return None;
                }
            }
        }
        Some(protocols)
    }

    /// The peers of a column of a row; empty where nobody is named.
    fn peers_of(
        &mut self,
        found: &Found<'_>,
        row: &scan::Row<'_>,
        role: Role,
        subject: Option<usize>,
    ) -> Option<Vec<PeerWord>> {
        let Some(cell) = cell_of(row, &found.roles, role) else {
            return Some(Vec::new());
        };
        let (peers, errors) = cell::peers(&cell.text);
        let failed = self.complain(&errors, cell, row.line);
        let words = self.peers(&peers, subject, cell, row.line, 0);
        words.filter(|_| !failed)
    }

    /// A row a flow. What is denied is a prohibition by name.
    fn flow(&mut self, found: &Found<'_>, row: &scan::Row<'_>, read: &mut TableRead) {
        let ports = self.ports(found, row);
        let from = self.peers_of(found, row, Role::From, None);
        let to = self.peers_of(found, row, Role::To, None);
        let allow = self.allows(found, row);
        let at = self.at(row.line);
        let (Some(ports), Some(from), Some(to), Some(allow)) = (ports, from, to, allow) else {
            let unread = Unread {
                at,
                workload: String::new(),
                direction: Direction::Egress,
                why: "the flow of this row cannot be read".to_owned(),
            };
            self.environment(found.environment, row.line)
                .unread
                .push(unread);
            return;
        };
        if from.is_empty() || to.is_empty() {
            self.tell(
                Diagnostic::error("the flow names only one end")
                    .help("write both ends, `any` for everybody; the row is left out"),
                row.line,
                None,
            );
            return;
        }
        read.items += 1;
        read.peers += from.len() + to.len();
        let name = cell_of(row, &found.roles, Role::Subject)
            .map(|cell| cell.text.to_string())
            .filter(|name| !name.is_empty());
        let remarks = Remarks {
            why: self.comment(found, row),
            ..Remarks::default()
        };
        let env = self.environment(found.environment, row.line);
        let mut name = name.unwrap_or_else(|| format!("line {}", row.line));
        if env.flows.iter().any(|flow| flow.name == name) {
            name = format!("{name}, line {}", row.line);
        }
        env.flows.push(Flow {
            at,
            name,
            from,
            to,
            except: Vec::new(),
            ports,
            allow,
            level: Level::Must,
            via_service: false,
            by: None,
            remarks,
        });
    }

    fn allows(&mut self, found: &Found<'_>, row: &scan::Row<'_>) -> Option<bool> {
        let Some(cell) = cell_of(row, &found.roles, Role::Verdict) else {
            return Some(true);
        };
        match cell
            .text
            .trim_matches(['*', '`', '_'])
            .to_lowercase()
            .as_str()
        {
            "allow" | "allowed" | "yes" | "permit" | "permitted" | "accept" => Some(true),
            "deny" | "denied" | "no" | "block" | "blocked" | "drop" | "reject" => Some(false),
            _ => {
                self.tell(
                    Diagnostic::error(format!(
                        "`{}` says neither allow nor deny",
                        tame(&cell.text)
                    ))
                    .help("write `allow` or `deny`; the row is left out"),
                    row.line,
                    Some(cell.column),
                );
                None
            }
        }
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
            let above = document
                .lines
                .iter()
                .filter(|line| line.number < deny.line)
                .rev()
                .find_map(|line| prose::environment_of(line.text));
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
                        .all(|own| own.namespace != name.name)
                    {
                        env.default_deny.push(DefaultDeny {
                            at: at.clone(),
                            src: None,
                            namespace: name.name.clone(),
                            directions: Direction::BOTH.to_vec(),
                        });
                    }
                }
                if let Some(glued) = &name.glued {
                    self.tell(
                        Diagnostic::warning(format!(
                            "`{}` is read as the namespace `{}`",
                            tame(glued),
                            tame(&name.name)
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

    /// Rows of one description whose peers are the same but for one row: that one contradicts itself or the others, and is tolerated in
    /// both readings until somebody looks at it.
    fn odd_ones_out(
        &self,
        found: &Found<'_>,
        subjects: &[Option<usize>],
    ) -> BTreeMap<usize, Review> {
        let mut odd = BTreeMap::new();
        if found.form != Form::Incoming {
            return odd;
        }
        let mut alike: BTreeMap<String, Vec<(usize, Vec<Meaning>)>> = BTreeMap::new();
        for (index, row) in found.table.rows.iter().enumerate() {
            let (Some(comment), Some(cell)) = (
                self.comment(found, row),
                cell_of(row, &found.roles, Role::From),
            ) else {
                continue;
            };
            let meant: Vec<Meaning> = cell::peers(&cell.text)
                .0
                .iter()
                .filter_map(|peer| match peer {
                    PeerText::Name(name) => {
                        self.names.meaning(name, subjects[index], self.others).ok()
                    }
                    PeerText::Block(_) => None,
                })
                .collect();
            alike.entry(key(&comment)).or_default().push((index, meant));
        }
        for rows in alike.values().filter(|rows| rows.len() >= 4) {
            let mut counts: Vec<(&Vec<Meaning>, Vec<usize>)> = Vec::new();
            for (index, meant) in rows {
                match counts.iter_mut().find(|(known, _)| *known == meant) {
                    Some((_, rows)) => rows.push(*index),
                    None => counts.push((meant, vec![*index])),
                }
            }
            counts.sort_by_key(|(_, rows)| rows.len());
            if let [(_, one), (usual, _)] = counts.as_slice()
                && let [index] = one.as_slice()
            {
                let row = &found.table.rows[*index];
                let comment = self.comment(found, row).unwrap_or_default();
                odd.insert(
                    *index,
                    Review {
                        usual: (*usual).clone(),
                        why: format!(
                            "every other row described as \"{comment}\" names somebody else"
                        ),
                    },
                );
            }
        }
        odd
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

/// Why a row is only tolerated, and who else may be meant.
struct Review {
    usual: Vec<Meaning>,
    why: String,
}

/// A port with each protocol of its row; one that names its own keeps it.
fn with_protocols(port: &PortWord, protocols: &[Protocol]) -> Vec<PortWord> {
    if protocols.is_empty() {
        return vec![port.clone()];
    }
    let each = protocols.iter().copied();
    match port {
        PortWord::Any(None) => each.map(|p| PortWord::Any(Some(p))).collect(),
        PortWord::Range(None, range) => each.map(|p| PortWord::Range(Some(p), *range)).collect(),
        PortWord::Name(None, name) => each
            .map(|p| PortWord::Name(Some(p), name.clone()))
            .collect(),
        own => vec![own.clone()],
    }
}

/// Where a word stands in a cell, in characters from its start, looked for from an offset on.
fn offset_of(text: &str, word: &str, offset: usize) -> usize {
    let start = text
        .char_indices()
        .nth(offset)
        .map_or(text.len(), |(at, _)| at);
    let found = text[start..].find(word).map(|at| start + at);
    let at = found.unwrap_or(start);
    text[..at].chars().count()
}
