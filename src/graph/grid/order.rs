//! The order of rows and columns within their groups: hubs first, then so that blocks stand along a diagonal.

use std::collections::BTreeMap;

use super::table::Axis;
use crate::graph::Graph;

/// Rounds of sorting each side by the other. More rarely find anything.
const SWEEPS: usize = 8;

/// Fewer partners than this make no hub.
const HUB: usize = 3;

/// One side of the matrix while it is sorted. Indices are those of the order by key.
struct Side {
    group: Vec<usize>,
    /// Groups that stay as they are.
    fixed: Vec<bool>,
    /// Indices of the other side, each once.
    partners: Vec<Vec<usize>>,
    hub: Vec<bool>,
}

/// Sorts both sides by `pairs`, which are indices of nodes: caller, callee. Only the order within groups changes.
pub(super) fn order(rows: &mut Axis, columns: &mut Axis, pairs: &[(usize, usize)]) {
    let (mut callers, mut callees) = (Side::new(rows), Side::new(columns));
    let places = |axis: &Axis| -> BTreeMap<usize, usize> {
        let numbered = axis.nodes.iter().enumerate();
        numbered.map(|(at, &node)| (node, at)).collect()
    };
    let (row_of, column_of) = (places(rows), places(columns));
    for (from, to) in pairs {
        if let (Some(&row), Some(&column)) = (row_of.get(from), column_of.get(to)) {
            callers.partners[row].push(column);
            callees.partners[column].push(row);
        }
    }
    callers.settle();
    callees.settle();
    (callers.hub, callees.hub) = (callers.hubs(&callees), callees.hubs(&callers));

    let mut row_places: Vec<usize> = (0..rows.nodes.len()).collect();
    let mut best = None;
    for _ in 0..SWEEPS {
        let column_places = callees.sort(&callers, &row_places);
        let sorted = callers.sort(&callees, &column_places);
        let score = score(&callers, &callees, &sorted, &column_places);
        if best.as_ref().is_none_or(|(known, _, _)| score > *known) {
            best = Some((score, sorted.clone(), column_places));
        }
        if sorted == row_places {
            break;
        }
        row_places = sorted;
    }
    if let Some((_, row_places, column_places)) = best {
        arrange(rows, &row_places);
        arrange(columns, &column_places);
    }
}

/// Puts what is at `i` to the place `places[i]`.
fn arrange(axis: &mut Axis, places: &[usize]) {
    let before = axis.nodes.clone();
    for (&node, &place) in before.iter().zip(places) {
        axis.nodes[place] = node;
    }
}

impl Side {
    fn new(axis: &Axis) -> Self {
        let mut group = vec![0; axis.nodes.len()];
        for (at, range) in axis.groups.iter().map(|g| g.range.clone()).enumerate() {
            group[range].fill(at);
        }
        Self {
            group,
            fixed: axis.groups.iter().map(|g| g.outside).collect(),
            partners: vec![Vec::new(); axis.nodes.len()],
            hub: vec![false; axis.nodes.len()],
        }
    }

    fn settle(&mut self) {
        for partners in &mut self.partners {
            partners.sort_unstable();
            partners.dedup();
        }
    }

    /// Which of this side are tied to at least a third of what is tied at all in some group of the other side.
    fn hubs(&self, other: &Self) -> Vec<bool> {
        let mut active = vec![0; other.fixed.len()];
        for (at, partners) in other.partners.iter().enumerate() {
            active[other.group[at]] += usize::from(!partners.is_empty());
        }
        let is_hub = |partners: &Vec<usize>| {
            let groups = partners.chunk_by(|&a, &b| other.group[a] == other.group[b]);
            groups
                .filter_map(|chunk| chunk.first().map(|&at| (other.group[at], chunk.len())))
                .any(|(group, tied)| tied >= HUB && 3 * tied >= active[group])
        };
        self.partners.iter().map(is_hub).collect()
    }

    /// The place of each counted among those that have partners, and the group of each such place. What has none comes and
    /// goes with what is shown, and must not decide about others.
    fn ranks(&self, places: &[usize]) -> (Vec<usize>, Vec<usize>) {
        let mut order = vec![0; places.len()];
        for (at, &place) in places.iter().enumerate() {
            order[place] = at;
        }
        let (mut ranks, mut groups) = (vec![0; places.len()], Vec::new());
        for at in order {
            ranks[at] = groups.len();
            if !self.partners[at].is_empty() {
                groups.push(self.group[at]);
            }
        }
        (ranks, groups)
    }

    /// The place of each, given the places of the other side: hubs, the largest first; then by the middle of the partners
    /// that are no hubs; then those with hubs for partners only, like beside like; then those without any. Ties by key.
    fn sort(&self, other: &Self, places: &[usize]) -> Vec<usize> {
        let (places, _) = other.ranks(places);
        let mut order: Vec<usize> = (0..self.group.len()).collect();
        order.sort_by_cached_key(|&at| {
            let group = self.group[at];
            if self.fixed[group] {
                return (group, 0, 0, Vec::new(), at);
            }
            let mut pattern: Vec<usize> = self.partners[at].iter().map(|&p| places[p]).collect();
            pattern.sort_unstable();
            let lesser = self.partners[at].iter().filter(|&&p| !other.hub[p]);
            let count = lesser.clone().count();
            // Fractions of a place count, or most middles would be equal.
            let sum: usize = lesser.map(|&p| places[p] << 10).sum();
            let (class, measure) = match sum.checked_div(count) {
                _ if self.hub[at] => (0, usize::MAX - pattern.len()),
                Some(middle) => (1, middle),
                None if pattern.is_empty() => (3, 0),
                None => (2, 0),
            };
            (group, class, measure, pattern, at)
        });
        let mut sorted = vec![0; order.len()];
        for (place, at) in order.into_iter().enumerate() {
            sorted[at] = place;
        }
        sorted
    }
}

/// How many marks stand side by side or one below the other, each within a group.
fn score(callers: &Side, callees: &Side, row_places: &[usize], column_places: &[usize]) -> usize {
    let (rows, row_groups) = callers.ranks(row_places);
    let (columns, column_groups) = callees.ranks(column_places);
    let mut lines: Vec<Vec<usize>> = vec![Vec::new(); row_groups.len()];
    for (at, partners) in callers.partners.iter().enumerate() {
        if !partners.is_empty() {
            lines[rows[at]] = partners.iter().map(|&p| columns[p]).collect();
            lines[rows[at]].sort_unstable();
        }
    }
    let side_by_side =
        |w: &&[usize]| w[0] + 1 == w[1] && column_groups[w[0]] == column_groups[w[1]];
    let level = |line: &Vec<usize>| line.windows(2).filter(side_by_side).count();
    let upright = |(above, pair): (usize, &[Vec<usize>])| {
        let same = |column: &&usize| pair[1].binary_search(column).is_ok();
        if row_groups[above] == row_groups[above + 1] {
            pair[0].iter().filter(same).count()
        } else {
            0
        }
    };
    let uprights: usize = lines.windows(2).enumerate().map(upright).sum();
    lines.iter().map(level).sum::<usize>() + uprights
}

/// Restores the order of what was there before; what is new follows what it would follow in the fresh order.
pub(super) fn keep(graph: &Graph, axis: &mut Axis, known: &[String]) {
    let rank: BTreeMap<&str, usize> = known
        .iter()
        .enumerate()
        .map(|(at, key)| (key.as_str(), at))
        .collect();
    for group in &axis.groups {
        let fresh = axis.nodes[group.range.clone()].to_vec();
        let place = |node: &usize| rank.get(graph.nodes[*node].key.as_str()).copied();
        let mut kept: Vec<usize> = fresh
            .iter()
            .copied()
            .filter(|n| place(n).is_some())
            .collect();
        kept.sort_by_key(place);
        // By the known node each new one comes after; `None` is the head of the group.
        let mut follow: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
        let mut last = None;
        for &node in &fresh {
            if place(&node).is_some() {
                last = Some(node);
            } else {
                follow.entry(last).or_default().push(node);
            }
        }
        let mut merged = follow.remove(&None).unwrap_or_default();
        for node in kept {
            merged.push(node);
            merged.extend(follow.remove(&Some(node)).unwrap_or_default());
        }
        axis.nodes[group.range.clone()].copy_from_slice(&merged);
    }
}
