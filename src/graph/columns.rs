//! Columns by call depth, left to right.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::Direction::{Incoming, Outgoing};
use petgraph::graphmap::DiGraphMap;

use super::plan::{Plan, Role};

/// Deeper graphs are folded; calls within a column are legal.
const MOST_COLUMNS: usize = 8;
/// Columns that places without any wire are spread over.
const LONE_COLUMNS: usize = 4;

/// The column of every place. Column 0 is for outside sources and may be empty; destinations outside stand in the last.
///
/// Places in `known` keep their column.
pub(super) fn assign(plan: &Plan, known: Option<&BTreeMap<String, usize>>) -> Vec<usize> {
    let within: Vec<usize> = (0..plan.places.len())
        .filter(|&p| plan.places[p].role == Role::Within)
        .collect();
    let voters = plan.voters();
    let mut calls: DiGraphMap<usize, ()> = DiGraphMap::new();
    for &place in &within {
        calls.add_node(place);
    }
    let mut fed: BTreeSet<usize> = BTreeSet::new();
    for flow in &voters {
        if plan.places[flow.from].role == Role::From {
            fed.insert(flow.to);
        }
        if calls.contains_node(flow.from) && calls.contains_node(flow.to) && flow.from != flow.to {
            calls.add_edge(flow.from, flow.to, ());
        }
    }
    let order = feedback_order(&calls, &within, &fed, plan);
    let forward = straighten(&calls, &order);
    let mut column: BTreeMap<usize, usize> = BTreeMap::new();
    match known {
        None => {
            for &place in &order {
                let depth = forward
                    .neighbors_directed(place, Incoming)
                    .filter_map(|p| column.get(&p))
                    .max()
                    .map_or(0, |c| c + 1);
                column.insert(place, depth);
            }
            slide(&forward, &order, &fed, &mut column);
            fold(&mut column);
        }
        Some(known) => extend(&calls, &order, known, plan, &mut column),
    }
    settle_lone(plan, &within, known, &mut column);
    let last = within.iter().map(|p| column[p] + 1).max().unwrap_or(0);
    let old = known.and_then(|k| k.values().max()).map_or(0, |c| c + 1);
    let at = |p: usize| match plan.places[p].role {
        Role::From => 0,
        Role::Within => column[&p] + 1,
        Role::To => last.max(old) + 1,
    };
    (0..plan.places.len()).map(at).collect()
}

/// Orders places so that few calls run backwards (Eades, Lin, Smyth); ties by the node's key.
fn feedback_order(
    calls: &DiGraphMap<usize, ()>,
    within: &[usize],
    fed: &BTreeSet<usize>,
    plan: &Plan,
) -> Vec<usize> {
    let mut rest = calls.clone();
    let mut left: Vec<usize> = within.to_vec();
    left.sort_by(|&a, &b| plan.places[a].id.cmp(&plan.places[b].id));
    let (mut head, mut tail): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    while !left.is_empty() {
        let lone = |rest: &DiGraphMap<usize, ()>, way| {
            left.iter()
                .copied()
                .filter(|&p| rest.neighbors_directed(p, way).next().is_none())
                .collect::<Vec<_>>()
        };
        let (sinks, sources) = (lone(&rest, Outgoing), lone(&rest, Incoming));
        let taken: Vec<usize> = if sinks.is_empty() && sources.is_empty() {
            let surplus = |p: usize| {
                super::cells(rest.neighbors_directed(p, Outgoing).count())
                    - super::cells(rest.neighbors_directed(p, Incoming).count())
                    + i32::from(fed.contains(&p))
            };
            let best = left.iter().copied().max_by(|&a, &b| {
                surplus(a)
                    .cmp(&surplus(b))
                    .then_with(|| plan.places[b].id.cmp(&plan.places[a].id))
            });
            head.extend(best);
            best.into_iter().collect()
        } else {
            head.extend(sources.iter().filter(|p| !sinks.contains(p)));
            tail.extend(&sinks);
            sinks.into_iter().chain(sources).collect()
        };
        left.retain(|p| !taken.contains(p));
        for place in taken {
            rest.remove_node(place);
        }
    }
    tail.reverse();
    head.extend(tail);
    head
}

/// Turns the calls that run against `order`.
fn straighten(calls: &DiGraphMap<usize, ()>, order: &[usize]) -> DiGraphMap<usize, ()> {
    let position: BTreeMap<usize, usize> = order.iter().enumerate().map(|(i, &p)| (p, i)).collect();
    let mut forward = DiGraphMap::new();
    for &place in order {
        forward.add_node(place);
    }
    for (a, b, ()) in calls.all_edges() {
        let (a, b) = if position[&a] < position[&b] {
            (a, b)
        } else {
            (b, a)
        };
        forward.add_edge(a, b, ());
    }
    forward
}

/// Moves places towards the side where they have more neighbours.
fn slide(
    forward: &DiGraphMap<usize, ()>,
    order: &[usize],
    fed: &BTreeSet<usize>,
    column: &mut BTreeMap<usize, usize>,
) {
    for _ in 0..6 {
        for &place in order.iter().rev() {
            let before: Vec<usize> = forward
                .neighbors_directed(place, Incoming)
                .map(|p| column[&p])
                .collect();
            let after: Vec<usize> = forward
                .neighbors_directed(place, Outgoing)
                .map(|p| column[&p])
                .collect();
            let Some(&next) = after.iter().min() else {
                continue;
            };
            let low = before.iter().max().map_or(0, |c| c + 1);
            let high = next.saturating_sub(1);
            // A source outside pulls to the left.
            let pull = before.len() + usize::from(fed.contains(&place));
            let here = column[&place];
            if high > here && after.len() > pull {
                column.insert(place, high);
            } else if low < here && pull > after.len() {
                column.insert(place, low);
            }
        }
    }
}

fn fold(column: &mut BTreeMap<usize, usize>) {
    let count = column.values().max().map_or(1, |c| c + 1);
    if count > MOST_COLUMNS {
        for c in column.values_mut() {
            *c = *c * MOST_COLUMNS / count;
        }
    }
}

/// Known places stay; a new one stands right of its callers, or left of what it calls.
fn extend(
    calls: &DiGraphMap<usize, ()>,
    order: &[usize],
    known: &BTreeMap<String, usize>,
    plan: &Plan,
    column: &mut BTreeMap<usize, usize>,
) {
    for &place in order {
        if let Some(&c) = known.get(&plan.places[place].id) {
            column.insert(place, c);
        }
    }
    for &place in order {
        if column.contains_key(&place) {
            continue;
        }
        let placed = |way| {
            calls
                .neighbors_directed(place, way)
                .filter_map(|p| column.get(&p))
                .copied()
                .collect::<Vec<_>>()
        };
        let after_callers = placed(Incoming)
            .into_iter()
            .max()
            .map(|c| (c + 1).min(MOST_COLUMNS - 1));
        let before_callees = placed(Outgoing)
            .into_iter()
            .min()
            .map(|c| c.saturating_sub(1));
        column.insert(place, after_callers.or(before_callees).unwrap_or(0));
    }
}

/// Places that no wire touches fill up the columns of their lane, or stand in a block if there are many of them.
fn settle_lone(
    plan: &Plan,
    within: &[usize],
    known: Option<&BTreeMap<String, usize>>,
    column: &mut BTreeMap<usize, usize>,
) {
    let wired: BTreeSet<usize> = plan.flows.iter().flat_map(|f| [f.from, f.to]).collect();
    let stays = |p: usize| known.is_some_and(|k| k.contains_key(&plan.places[p].id));
    let fixed = within.iter().filter(|&&p| wired.contains(&p) || stays(p));
    let width = fixed.map(|p| column[p] + 1).max().unwrap_or(0);
    let width = width.max(LONE_COLUMNS);
    let mut next = 0;
    for lane in 1..plan.lanes.len() {
        let mine = || {
            within
                .iter()
                .copied()
                .filter(|&p| plan.places[p].lane == lane)
        };
        let (lone, placed): (Vec<usize>, Vec<usize>) =
            mine().partition(|&p| !wired.contains(&p) && !stays(p));
        let side = (1..LONE_COLUMNS)
            .find(|n| n * n >= mine().count())
            .unwrap_or(LONE_COLUMNS);
        // Lanes without any wire stand side by side, so that they can share a band.
        let beside = placed.is_empty() && next + side <= width;
        let first = if beside { next } else { 0 };
        if placed.is_empty() {
            next = first + side;
        }
        let reach = placed.iter().map(|p| column[p] + 1).max().unwrap_or(0);
        let mut count = vec![0; reach.max(first + side)];
        for place in placed {
            count[column[&place]] += 1;
        }
        for place in lone {
            let least = (first..count.len()).min_by_key(|&c| count[c]).unwrap_or(0);
            count[least] += 1;
            column.insert(place, least);
        }
    }
}
