//! What stands in the matrix before anybody asks how large it is: rows, columns, and a mark for each connected pair.

use std::collections::BTreeMap;
use std::ops::Range;

use super::order;
use super::view::View;
use crate::graph::{Class, Graph, Node, NodeKind, Options, State, names};

/// The signs of a cell. All are distinct without colour, and their ASCII forms are too.
pub(super) mod sign {
    pub(in crate::graph::grid) const ALLOWED: char = '■';
    pub(in crate::graph::grid) const UNEXPECTED: char = '◆';
    pub(in crate::graph::grid) const MISSING: char = '○';
    /// Some ports are allowed, others expected in vain.
    pub(in crate::graph::grid) const PARTLY: char = '◐';
    pub(in crate::graph::grid) const UNKNOWN: char = '?';
    pub(in crate::graph::grid) const HALF_OPEN: char = '╳';
    /// No rule names the pair, and neither end is isolated.
    pub(in crate::graph::grid) const OPEN: char = '□';
    pub(in crate::graph::grid) const ITSELF: char = '╲';
    pub(in crate::graph::grid) const NOTHING: char = '·';
}

/// Longest heading of a group where it has a column of its own.
pub(super) const GROUP_WIDTH: usize = 12;

/// Where nodes stand together. The order is that of the rows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Home<'a> {
    Outside,
    Namespace(&'a str),
    /// Closed namespaces, a node each.
    Closed,
}

impl Home<'_> {
    fn of(node: &Node) -> Home<'_> {
        match node.kind {
            NodeKind::Workload => Home::Namespace(node.namespace.as_deref().unwrap_or_default()),
            NodeKind::Namespace => Home::Closed,
            _ => Home::Outside,
        }
    }

    fn title(&self) -> String {
        match self {
            Self::Outside => "outside".to_owned(),
            Self::Namespace(name) => names::tame(name),
            Self::Closed => "namespaces".to_owned(),
        }
    }
}

/// Rows or columns that stand together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) title: String,
    /// The namespace it stands for.
    pub(super) namespace: Option<String>,
    /// Keeps the order of keys.
    pub(super) outside: bool,
    pub(super) range: Range<usize>,
}

/// The rows, or the columns.
#[derive(Clone, Debug, Default)]
pub(super) struct Axis {
    /// Indices into the graph's nodes, in the order shown.
    pub(super) nodes: Vec<usize>,
    pub(super) groups: Vec<Group>,
}

impl Axis {
    /// Groups nodes, each group by key; nodes outside come by what they are.
    fn new(graph: &Graph, mut nodes: Vec<usize>, outside_last: bool) -> Self {
        let home = |i: usize| Home::of(&graph.nodes[i]);
        let rank = |i: usize| {
            let outside = home(i) == Home::Outside;
            (
                outside == outside_last,
                home(i),
                outside.then_some(graph.nodes[i].kind),
                i,
            )
        };
        nodes.sort_by(|&a, &b| rank(a).cmp(&rank(b)));
        let mut groups: Vec<Group> = Vec::new();
        let mut last = None;
        for (at, &node) in nodes.iter().enumerate() {
            let here = home(node);
            if last.as_ref() != Some(&here) {
                groups.push(Group {
                    title: here.title(),
                    namespace: match here {
                        Home::Namespace(name) => Some(name.to_owned()),
                        Home::Outside | Home::Closed => None,
                    },
                    outside: here == Home::Outside,
                    range: at..at,
                });
                last = Some(here);
            }
            if let Some(group) = groups.last_mut() {
                group.range.end = at + 1;
            }
        }
        Self { nodes, groups }
    }

    /// Those that `keep` picks, and the new place of each.
    fn only(&self, keep: impl Fn(usize) -> bool) -> (Self, Vec<Option<usize>>) {
        let mut kept = Self::default();
        let mut places = vec![None; self.nodes.len()];
        for group in &self.groups {
            let start = kept.nodes.len();
            for at in group.range.clone().filter(|&at| keep(at)) {
                places[at] = Some(kept.nodes.len());
                kept.nodes.push(self.nodes[at]);
            }
            if kept.nodes.len() > start {
                kept.groups.push(Group {
                    range: start..kept.nodes.len(),
                    ..group.clone()
                });
            }
        }
        (kept, places)
    }

    /// Outside nodes stand at one end, so no search is needed.
    fn is_outside(&self, at: usize) -> bool {
        let ends = [self.groups.first(), self.groups.last()];
        let at_end = |group: &&Group| group.outside && group.range.contains(&at);
        ends.iter().flatten().any(at_end)
    }

    /// Names with their namespace, in order.
    pub(super) fn named<'a>(&self, graph: &'a Graph) -> Vec<(&'a str, Option<&'a str>)> {
        let node = |&i: &usize| {
            let node = &graph.nodes[i];
            (node.name.as_str(), node.namespace.as_deref())
        };
        self.nodes.iter().map(node).collect()
    }

    pub(super) fn keys<'a>(&self, graph: &'a Graph) -> Vec<&'a str> {
        let key = |&i: &usize| graph.nodes[i].key.as_str();
        self.nodes.iter().map(key).collect()
    }
}

/// A pair that at least one edge connects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) column: usize,
    pub(super) sign: char,
    /// The state it is coloured by.
    pub(super) state: State,
    /// Indices into the graph's edges, in order.
    pub(super) edges: Vec<usize>,
}

/// Pairs counted along a row or a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Total {
    pub(super) allowed: usize,
    pub(super) unexpected: usize,
    pub(super) missing: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) rows: Axis,
    pub(super) columns: Axis,
    /// By row, each sorted by column.
    pub(super) marks: Vec<Vec<Mark>>,
    /// Rows and columns that are not isolated in that direction.
    pub(super) open_rows: Vec<bool>,
    pub(super) open_columns: Vec<bool>,
    pub(super) row_totals: Vec<Total>,
    pub(super) column_totals: Vec<Total>,
}

/// How much is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listing {
    Everything,
    /// What has a sign or a remark.
    Signed,
    /// What has an edge.
    Connected,
}

impl Table {
    pub(super) fn new(graph: &Graph, options: &Options, before: Option<&View>) -> Self {
        let shown =
            |state: State, class: Class| options.classes.contains(&class) || state != State::Plain;
        // By ends, so that several edges of a pair are one mark.
        let mut pairs: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        let mut votes = Vec::new();
        for (i, edge) in graph.edges.iter().enumerate() {
            let (Some(from), Some(to)) = (graph.index(&edge.from), graph.index(&edge.to)) else {
                continue;
            };
            if shown(edge.state, edge.class) {
                pairs.entry((from, to)).or_default().push(i);
            }
            // What is switched on and off, and what nobody planned, must not move anything.
            if edge.class == Class::App && edge.state.votes() {
                votes.push((from, to));
            }
        }
        let (mut calls, mut called) = (
            vec![false; graph.nodes.len()],
            vec![false; graph.nodes.len()],
        );
        for &(from, to) in pairs.keys() {
            (calls[from], called[to]) = (true, true);
        }
        let inside = |i: usize| {
            matches!(
                graph.nodes[i].kind,
                NodeKind::Workload | NodeKind::Namespace
            )
        };
        let listed = |has: &[bool]| {
            (0..graph.nodes.len())
                .filter(|&i| inside(i) || has[i])
                .collect()
        };
        let mut rows = Axis::new(graph, listed(&calls), false);
        let mut columns = Axis::new(graph, listed(&called), true);
        order::order(&mut rows, &mut columns, &votes);
        if let Some(before) = before {
            order::keep(graph, &mut rows, &before.order[0]);
            order::keep(graph, &mut columns, &before.order[1]);
        }
        Self::fill(graph, rows, columns, pairs)
    }

    fn fill(
        graph: &Graph,
        rows: Axis,
        columns: Axis,
        pairs: BTreeMap<(usize, usize), Vec<usize>>,
    ) -> Self {
        let mut place = vec![(usize::MAX, usize::MAX); graph.nodes.len()];
        for (at, &node) in rows.nodes.iter().enumerate() {
            place[node].0 = at;
        }
        for (at, &node) in columns.nodes.iter().enumerate() {
            place[node].1 = at;
        }
        let mut marks: Vec<Vec<Mark>> = vec![Vec::new(); rows.nodes.len()];
        let mut row_totals = vec![Total::default(); rows.nodes.len()];
        let mut column_totals = vec![Total::default(); columns.nodes.len()];
        for ((from, to), edges) in pairs {
            let (row, column) = (place[from].0, place[to].1);
            let states: Vec<State> = edges.iter().map(|&e| graph.edges[e].state).collect();
            for total in [&mut row_totals[row], &mut column_totals[column]] {
                total.count(&states);
            }
            let (sign, state) = told(&states);
            marks[row].push(Mark {
                column,
                sign,
                state,
                edges,
            });
        }
        for row in &mut marks {
            row.sort_by_key(|mark| mark.column);
        }
        let open = |axis: &Axis, word: &str| {
            let open = |&i: &usize| is_open(&graph.nodes[i], word);
            axis.nodes.iter().map(open).collect()
        };
        Self {
            open_rows: open(&rows, "out"),
            open_columns: open(&columns, "in"),
            rows,
            columns,
            marks,
            row_totals,
            column_totals,
        }
    }

    /// The table with fewer rows and columns; no mark is lost.
    pub(super) fn only(&self, graph: &Graph, listing: Listing) -> Self {
        let mut has_column = vec![listing == Listing::Everything; self.columns.nodes.len()];
        for mark in self.marks.iter().flatten() {
            has_column[mark.column] = true;
        }
        let mut has_row: Vec<bool> = self.marks.iter().map(|row| !row.is_empty()).collect();
        if listing == Listing::Signed {
            let (rows, columns) = (
                self.open_rows.contains(&true),
                self.open_columns.contains(&true),
            );
            for (at, has) in has_column.iter_mut().enumerate() {
                *has |= self.open_columns[at] && rows;
            }
            let any = has_column.contains(&true);
            for (at, has) in has_row.iter_mut().enumerate() {
                let remarkable = is_remarkable(&graph.nodes[self.rows.nodes[at]]);
                *has |= self.open_rows[at] && columns || remarkable && any;
            }
        }
        let everything = listing == Listing::Everything;
        let (rows, _) = self.rows.only(|at| everything || has_row[at]);
        let (columns, places) = self.columns.only(|at| has_column[at]);
        let kept_rows: Vec<usize> = (0..has_row.len())
            .filter(|&at| everything || has_row[at])
            .collect();
        let kept_columns: Vec<usize> = (0..has_column.len()).filter(|&at| has_column[at]).collect();
        let marks = kept_rows.iter().map(|&row| {
            let mark = |mark: &Mark| {
                places[mark.column].map(|column| Mark {
                    column,
                    ..mark.clone()
                })
            };
            self.marks[row].iter().filter_map(mark).collect()
        });
        Self {
            marks: marks.collect(),
            open_rows: kept_rows.iter().map(|&i| self.open_rows[i]).collect(),
            open_columns: kept_columns.iter().map(|&i| self.open_columns[i]).collect(),
            row_totals: kept_rows.iter().map(|&i| self.row_totals[i]).collect(),
            column_totals: kept_columns
                .iter()
                .map(|&i| self.column_totals[i])
                .collect(),
            rows,
            columns,
        }
    }

    /// What a pair without an edge shows.
    pub(super) fn ground(&self, row: usize, column: usize) -> char {
        if self.rows.nodes[row] == self.columns.nodes[column] {
            sign::ITSELF
        } else if self.open_rows[row]
            && self.open_columns[column]
            && !(self.rows.is_outside(row) && self.columns.is_outside(column))
        {
            sign::OPEN
        } else {
            sign::NOTHING
        }
    }
}

impl Total {
    fn count(&mut self, states: &[State]) {
        let has = |wanted: State| usize::from(states.contains(&wanted));
        self.allowed += has(State::Plain).max(has(State::Unexpected));
        self.unexpected += has(State::Unexpected);
        self.missing += has(State::Missing);
    }

    /// The larger of each count.
    pub(super) fn max(self, other: Self) -> Self {
        Self {
            allowed: self.allowed.max(other.allowed),
            unexpected: self.unexpected.max(other.unexpected),
            missing: self.missing.max(other.missing),
        }
    }
}

/// The sign of a pair and the state it is coloured by: the strongest, and neither finding behind what is routine.
fn told(states: &[State]) -> (char, State) {
    let has = |wanted: State| states.contains(&wanted);
    let strongest = states.iter().copied().max_by_key(|s| (s.rank(), *s));
    match strongest.unwrap_or(State::Plain) {
        State::Plain | State::Unknown if has(State::Missing) => (sign::PARTLY, State::Missing),
        State::Plain => (sign::ALLOWED, State::Plain),
        State::Unexpected => (sign::UNEXPECTED, State::Unexpected),
        State::Unknown => (sign::UNKNOWN, State::Unknown),
        State::Missing => (sign::MISSING, State::Missing),
        half @ State::HalfOpen(_) => (sign::HALF_OPEN, half),
    }
}

/// Whether no policy closes a node in a direction, as far as its badges tell. Outside the cluster nothing is isolated; of
/// pods behind the names `dns` and `every pod` nothing is known.
fn is_open(node: &Node, word: &str) -> bool {
    match node.kind {
        NodeKind::Workload | NodeKind::Namespace => {}
        NodeKind::Any => return node.key == "any",
        NodeKind::Dns => return false,
        NodeKind::Internet | NodeKind::Range | NodeKind::K8sApi | NodeKind::ClusterNode => {
            return true;
        }
    }
    let tells = |badge: &String| {
        let badge = badge.trim_end_matches('!');
        badge == "host" || badge.rsplit_once(' ').is_some_and(|(_, end)| end == word)
    };
    node.badges.iter().any(tells)
}

/// Whether a badge is a finding.
pub(super) fn is_remarkable(node: &Node) -> bool {
    node.badges.iter().any(|badge| badge.ends_with('!'))
}
