//! What the cells of a row say.

use crate::expect::file::short::{PeerWord, PortWord};
use crate::expect::file::{self, Content, Flow, Level, Remarks, Rule, Unread};
use crate::expect::lookup::Unclear;
use crate::model::{Diagnostic, Direction, Protocol, SourceRef};
use crate::text::tame;

use super::super::TableRead;
use super::super::cell::{self, CellError, PeerText};
use super::super::heads::{Form, Role};
use super::super::names::{Meaning, listed};
use super::super::scan::{self, Cell};
use super::review::Review;
use super::{Builder, Found};

/// The text of the first column of a role; empty where the row is too short.
pub(super) fn cell_of<'r>(
    row: &'r scan::Row<'r>,
    roles: &[Role],
    role: Role,
) -> Option<&'r Cell<'r>> {
    let column = roles.iter().position(|own| *own == role)?;
    row.cells.get(column)
}

fn column_of(cell: &Cell<'_>, error: &CellError) -> u32 {
    cell.column + u32::try_from(error.column).unwrap_or(u32::MAX - cell.column)
}

impl Builder<'_> {
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
    pub(super) fn cells(
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
    pub(super) fn rule(
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
        let mut why = comment(found, row);
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

    /// The ports of a row, with the protocol of its own column where it has one; `None`, told of, when there are none.
    fn ports(&mut self, found: &Found<'_>, row: &scan::Row<'_>) -> Option<Vec<PortWord>> {
        let cell = cell_of(row, &found.roles, Role::Ports);
        let (ports, errors) = cell.map(|cell| cell::ports(&cell.text)).unwrap_or_default();
        if ports.is_empty() && errors.is_empty() {
            self.tell(
                Diagnostic::error("the row names no port")
                    .help("write a port such as 443 or 53/udp, or `any`; the row is left out"),
                row.line,
                cell.map(|cell| cell.column),
            );
            return None;
        }
        let failed = cell.is_some_and(|cell| self.complain(&errors, cell, row.line));
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
    pub(super) fn flow(&mut self, found: &Found<'_>, row: &scan::Row<'_>, read: &mut TableRead) {
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
            why: comment(found, row),
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
}

/// What stands in the columns that are no part of a rule.
pub(super) fn comment(found: &Found<'_>, row: &scan::Row<'_>) -> Option<String> {
    let texts = found.roles.iter().zip(&row.cells);
    let texts: Vec<&str> = texts
        .filter(|(role, cell)| **role == Role::Comment && !cell.text.is_empty())
        .map(|(_, cell)| cell.text.as_ref())
        .collect();
    (!texts.is_empty()).then(|| texts.join("; "))
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
