//! Bands: the horizontal strips that namespaces occupy.

use std::collections::BTreeMap;

use super::plan::{Plan, Role};

/// Beyond this many lanes the order is by size alone.
const MOST_ORDERED: usize = 12;

/// The lanes of each band from top to bottom, by index. Lanes of one band have no column in common.
///
/// `known` gives the bands of an earlier layout by name; its order is kept, and a lane that has grown into another's columns
/// moves to a band of its own right below.
pub(super) fn assign(
    plan: &Plan,
    column: &[usize],
    known: Option<&[(Vec<String>, i32)]>,
) -> Vec<Band> {
    let spans = spans(plan, column);
    let ties = ties(plan);
    let tie = |a: usize, b: usize| ties.get(&(a.min(b), a.max(b))).copied().unwrap_or(0);
    let mut bands: Vec<Band> = Vec::new();
    let mut left: Vec<usize> = (1..plan.lanes.len())
        .filter(|l| spans.contains_key(l))
        .collect();
    let apart = |band: &Band, lane: usize| {
        band.lanes
            .iter()
            .all(|l| spans[l].1 < spans[&lane].0 || spans[&lane].1 < spans[l].0)
    };
    for (names, height) in known.unwrap_or_default() {
        let first = bands.len();
        for name in names {
            let Some(at) = left.iter().position(|&l| plan.lanes[l].name == *name) else {
                continue;
            };
            let lane = left.remove(at);
            match (first..bands.len()).find(|&b| apart(&bands[b], lane)) {
                Some(b) => bands[b].lanes.push(lane),
                None => bands.push(Band {
                    lanes: vec![lane],
                    height: if bands.len() == first { *height } else { 0 },
                }),
            }
        }
    }
    for lane in order(plan, &left, &tie) {
        let best = (0..bands.len())
            .filter(|&b| apart(&bands[b], lane))
            .max_by_key(|&b| {
                (
                    bands[b].lanes.iter().map(|&l| tie(lane, l)).sum::<usize>(),
                    std::cmp::Reverse(b),
                )
            });
        match best {
            Some(b) => bands[b].lanes.push(lane),
            None => bands.push(Band {
                lanes: vec![lane],
                height: 0,
            }),
        }
    }
    bands
}

#[derive(Clone, Debug)]
pub(super) struct Band {
    pub(super) lanes: Vec<usize>,
    /// Rows it had before; 0 when new.
    pub(super) height: i32,
}

/// First and last column of each lane that has boxes.
pub(super) fn spans(plan: &Plan, column: &[usize]) -> BTreeMap<usize, (usize, usize)> {
    let mut spans: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (place, &c) in plan.places.iter().zip(column) {
        if place.role == Role::Within {
            let span = spans.entry(place.lane).or_insert((c, c));
            *span = (span.0.min(c), span.1.max(c));
        }
    }
    spans
}

/// Edges between two lanes.
fn ties(plan: &Plan) -> BTreeMap<(usize, usize), usize> {
    let mut ties = BTreeMap::new();
    for flow in &plan.flows {
        let (a, b) = (plan.places[flow.from].lane, plan.places[flow.to].lane);
        if a != b && flow.state.votes() {
            *ties.entry((a.min(b), a.max(b))).or_default() += 1;
        }
    }
    ties
}

/// Largest first, each inserted where the edges between lanes stay shortest.
fn order(plan: &Plan, lanes: &[usize], tie: &dyn Fn(usize, usize) -> usize) -> Vec<usize> {
    let size = |lane: usize| plan.places.iter().filter(|p| p.lane == lane).count();
    let mut by_size = lanes.to_vec();
    by_size.sort_by_cached_key(|&l| {
        (
            !plan.lanes[l].framed,
            std::cmp::Reverse(size(l)),
            plan.lanes[l].name.clone(),
        )
    });
    if by_size.len() > MOST_ORDERED {
        return by_size;
    }
    let mut sequence: Vec<usize> = Vec::new();
    for lane in by_size {
        let length = |at: usize| {
            let mut tried = sequence.clone();
            tried.insert(at, lane);
            let mut sum = 0;
            for i in 0..tried.len() {
                for j in i + 1..tried.len() {
                    sum += tie(tried[i], tried[j]) * (j - i);
                }
            }
            sum
        };
        // Among equals the lowest place, so that the largest lane stays on top.
        let best = (0..=sequence.len())
            .min_by_key(|&at| (length(at), sequence.len() - at))
            .unwrap_or(0);
        sequence.insert(best, lane);
    }
    sequence
}
