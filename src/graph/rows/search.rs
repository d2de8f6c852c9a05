//! The search for rows of a fresh layout: sweeps, then small moves that lower a score. Bounded by counts, never by time.

use std::collections::BTreeMap;

use super::place::{Wish, median, place};
use super::{Field, Input, Rows};
use crate::graph::cells;
use crate::graph::trunks::Side;

/// Above this many items only sweeps are made.
const MOST_IMPROVED: usize = 200;
const SWEEPS: usize = 16;
const ROUNDS: usize = 3;
/// What a row costs that makes a band higher; more where boxes stand close to save rows.
const OVERFLOW: i64 = 30;
const OVERFLOW_DENSE: i64 = 40;
/// Items of a crowded region that are tried at every place.
const MOST_CROWDED: usize = 10;

/// The best of four fixed starts.
pub(super) fn best(field: &Field, input: &Input<'_>, start: Rows) -> Rows {
    let mut best: Option<(i64, Rows)> = None;
    for attempt in 0..4 {
        let mut rows = start.clone();
        if attempt >= 2 {
            for region in rows.regions.values_mut() {
                region.reverse();
            }
            rows.pile(field);
        }
        order_ports(field, input, &mut rows);
        sweep(field, &mut rows, SWEEPS, attempt % 2, true);
        order_ports(field, input, &mut rows);
        sweep(field, &mut rows, 6, attempt % 2, true);
        order_ports(field, input, &mut rows);
        sweep(field, &mut rows, 8, attempt % 2, false);
        if field.items.len() < MOST_IMPROVED {
            improve(field, &mut rows);
            order_ports(field, input, &mut rows);
            sweep(field, &mut rows, 8, attempt % 2, false);
        }
        let score = total_score(field, &rows);
        if best.as_ref().is_none_or(|(known, _)| score < *known) {
            best = Some((score, rows));
        }
    }
    best.map_or(start, |(_, rows)| rows)
}

/// Orders the ports of each side by the rows of what they lead to; near equals by trunk, so that two wires between
/// the same boxes stay parallel.
fn order_ports(field: &Field, input: &Input<'_>, rows: &mut Rows) {
    let wiring = input.wiring;
    let pitch = if field.loose { 2 } else { 1 };
    let mut pull = vec![(0i64, 0i64, usize::MAX); wiring.ports.len()];
    let centre = |place: usize| {
        i64::from(2 * rows.y[field.boxes[place]] + field.items[field.boxes[place]].height)
    };
    for wire in &wiring.wires {
        for (port, other) in [(wire.exit, wire.to), (wire.pin, wire.from)] {
            let p = &mut pull[port];
            *p = (p.0 + centre(other), p.1 + 1, p.2.min(wire.trunk));
        }
    }
    let mut sides: BTreeMap<(usize, Side), Vec<usize>> = BTreeMap::new();
    for (i, port) in wiring.ports.iter().enumerate() {
        sides.entry((port.place, port.side)).or_default().push(i);
    }
    for ((place, _), mut ports) in sides {
        ports.sort_by_key(|&p| (pull[p].0.div_euclid(6 * pull[p].1.max(1)), pull[p].2, p));
        let depth = (field.items[field.boxes[place]].height - 2 * field.top + pitch - 1) / pitch;
        let lone_exit = ports.len() == 1 && wiring.ports[ports[0]].exit;
        let first = if lone_exit {
            0
        } else {
            (depth - cells(ports.len())) / 2
        };
        for (i, &p) in ports.iter().enumerate() {
            rows.port[p] = (first + cells(i)) * pitch;
        }
    }
}

/// Places column after column by the medians of its neighbours' rows; `reorder` lets items pass each other.
fn sweep(field: &Field, rows: &mut Rows, count: usize, phase: usize, reorder: bool) {
    for turn in 0..count {
        let backwards = (turn + phase) % 2 == 1;
        for c in 0..field.columns {
            let column = if backwards { field.columns - 1 - c } else { c };
            // The last turns look both ways, or the picture leans to one side.
            let both = !reorder || turn + 3 >= count;
            for band in 0..=field.bands() {
                settle_region(
                    field,
                    rows,
                    (column, band),
                    reorder,
                    &|other: usize| both || (field.items[other].column > column) == backwards,
                    reorder && !both && turn % 4 < 2,
                );
            }
        }
    }
}

/// Places the boxes outside the namespaces once more.
pub(super) fn align_outside(field: &Field, rows: &mut Rows) {
    for column in 0..field.columns {
        settle_region(
            field,
            rows,
            (column, field.bands()),
            false,
            &|_| true,
            false,
        );
    }
}

fn settle_region(
    field: &Field,
    rows: &mut Rows,
    key: (usize, usize),
    reorder: bool,
    sees: &dyn Fn(usize) -> bool,
    mean: bool,
) {
    let Some(region) = rows.regions.get(&key) else {
        return;
    };
    let mut wishes: Vec<Wish> = region
        .iter()
        .map(|&item| wish(field, rows, item, sees, mean))
        .collect();
    if reorder {
        wishes.sort_by_key(|w| 2 * w.row + field.items[w.item].height);
    }
    let limits = rows.limits(field, key.1);
    place(field, &mut rows.y, &wishes, limits);
    if let Some(region) = rows.regions.get_mut(&key) {
        *region = wishes.iter().map(|w| w.item).collect();
    }
}

fn wish(field: &Field, rows: &Rows, item: usize, sees: &dyn Fn(usize) -> bool, mean: bool) -> Wish {
    let pulls = &field.pulls[item];
    let voted = pulls.iter().any(|p| p.votes);
    let mut wanted: Vec<(i32, i64)> = pulls
        .iter()
        .filter(|p| (p.votes || !voted) && sees(p.other.item))
        .map(|p| {
            (
                rows.row(field, p.other) - rows.offset(field, p.mine),
                p.weight,
            )
        })
        .collect();
    let weight: i64 = wanted.iter().map(|w| w.1).sum();
    let row = if wanted.is_empty() {
        rows.y[item]
    } else if mean {
        let sum: i64 = wanted.iter().map(|w| i64::from(w.0) * w.1).sum();
        i32::try_from(sum.div_euclid(weight)).unwrap_or(0)
    } else {
        median(&mut wanted)
    };
    Wish {
        item,
        row,
        weight: weight.max(1),
    }
}

/// Adjacent swaps, and hubs to an end of their column, as long as the score falls.
fn improve(field: &Field, rows: &mut Rows) {
    let keys: Vec<(usize, usize)> = rows.regions.keys().copied().collect();
    for _ in 0..ROUNDS {
        let mut better = false;
        for &key in &keys {
            for i in 1..rows.regions[&key].len() {
                better |= attempt(field, rows, key, |region| region.swap(i - 1, i));
            }
            if field.overflow(rows, key) > 0 && rows.regions[&key].len() <= MOST_CROWDED {
                for item in rows.regions[&key].clone() {
                    for to in 0..rows.regions[&key].len() {
                        better |= attempt(field, rows, key, |region| {
                            region.retain(|&i| i != item);
                            region.insert(to, item);
                        });
                    }
                }
            }
            if rows.regions[&key].len() < 4 {
                continue;
            }
            let hubs: Vec<usize> = rows.regions[&key]
                .iter()
                .copied()
                .filter(|&i| field.pulls[i].len() >= 3 || field.pulls[i].is_empty())
                .collect();
            for hub in hubs {
                better |= attempt(field, rows, key, |region| {
                    region.retain(|&i| i != hub);
                    region.push(hub);
                });
                better |= attempt(field, rows, key, |region| {
                    region.retain(|&i| i != hub);
                    region.insert(0, hub);
                });
            }
        }
        if !better {
            return;
        }
        let before = (total_score(field, rows), rows.clone());
        sweep(field, rows, 4, 0, false);
        if total_score(field, rows) > before.0 {
            *rows = before.1;
        }
    }
}

/// Reorders one region, lets it and its neighbours settle, and keeps the result if the picture is better.
fn attempt(
    field: &Field,
    rows: &mut Rows,
    key: (usize, usize),
    reorder: impl FnOnce(&mut Vec<usize>),
) -> bool {
    let channels = key.0.saturating_sub(1)..=(key.0 + 2).min(field.columns);
    let score = |rows: &Rows| {
        channels
            .clone()
            .map(|c| channel_score(field, rows, c))
            .sum::<i64>()
            + overflow_cost(field) * i64::from(field.overflow(rows, key))
    };
    let before = score(rows);
    let saved = (rows.y.clone(), rows.regions[&key].clone());
    if let Some(region) = rows.regions.get_mut(&key) {
        reorder(region);
    }
    // Wishes of reordered items start from their new order.
    let region = rows.regions[&key].clone();
    let mut y = rows.limits(field, key.1).0;
    for &item in &region {
        if field.pulls[item].is_empty() {
            rows.y[item] = y;
        }
        y += field.items[item].height;
    }
    settle_region(field, rows, key, false, &|_| true, false);
    for column in [key.0.wrapping_sub(1), key.0 + 1] {
        for band in 0..=field.bands() {
            settle_region(field, rows, (column, band), false, &|_| true, false);
        }
    }
    settle_region(field, rows, key, false, &|_| true, false);
    if score(rows) < before {
        return true;
    }
    rows.y = saved.0;
    rows.regions.insert(key, saved.1);
    false
}

fn overflow_cost(field: &Field) -> i64 {
    if field.gap == 0 {
        OVERFLOW_DENSE
    } else {
        OVERFLOW
    }
}

fn total_score(field: &Field, rows: &Rows) -> i64 {
    let over: i32 = rows
        .regions
        .keys()
        .map(|&key| field.overflow(rows, key))
        .sum();
    (0..field.links.len())
        .map(|c| channel_score(field, rows, c))
        .sum::<i64>()
        + overflow_cost(field) * i64::from(over)
}

/// Crossings, bends and lengths in one channel. One trunk counts its length once, however many wires ride it.
fn channel_score(field: &Field, rows: &Rows, channel: usize) -> i64 {
    let links: Vec<_> = field.links[channel].iter().filter(|l| l.votes).collect();
    let ends: Vec<(i32, i32)> = links
        .iter()
        .map(|l| (rows.row(field, l.left), rows.row(field, l.right)))
        .collect();
    let mut score = 0;
    for (i, a) in links.iter().enumerate() {
        score += if ends[i].0 == ends[i].1 { 0 } else { 3 };
        for (j, b) in links.iter().enumerate().take(i) {
            let crossed = (ends[i].0 - ends[j].0).signum() * (ends[i].1 - ends[j].1).signum() < 0;
            // Wires of one item meet, they do not cross; so do wires of one trunk.
            if crossed
                && a.trunk != b.trunk
                && a.left.item != b.left.item
                && a.right.item != b.right.item
            {
                score += if meets(&links, a, b) { 0 } else { 20 };
            }
        }
    }
    let mut extents: BTreeMap<usize, (i32, i32, usize)> = BTreeMap::new();
    for (link, end) in links.iter().zip(&ends) {
        let extent = extents.entry(link.trunk).or_insert((i32::MAX, i32::MIN, 0));
        *extent = (
            extent.0.min(end.0).min(end.1),
            extent.1.max(end.0).max(end.1),
            extent.2 + 1,
        );
    }
    for (low, high, count) in extents.into_values() {
        score += i64::from((high - low).min(40)) + if count == 1 && low != high { 8 } else { 0 };
    }
    score
}

/// Whether one of two links ends at an item that the other's trunk also serves: a joint, not a crossing.
fn meets(links: &[&super::Link], a: &super::Link, b: &super::Link) -> bool {
    links.iter().any(|l| {
        (l.trunk == a.trunk && (l.left == b.left || l.right == b.right))
            || (l.trunk == b.trunk && (l.left == a.left || l.right == a.right))
    })
}
