//! Channels: the strips between columns, where trunks run up and down on tracks.
//!
//! The order of the tracks decides both crossings and truth: where two trunks touch the same stretch of a row, a reader may
//! walk from one into the other. Those pairs are counted by [`confusion`] and weigh more than any number of crossings.

use std::collections::BTreeSet;

use super::rows::{Field, Rows, Tie, What};
use super::trunks::{Side, Way, Wiring};

const CONFUSION: i64 = 60;
const CROSSING: i64 = 2;
/// What a crossing and a bend cost beside a cell of wire, where rows are still open.
const CROSSING_CELLS: i64 = 12;
const BEND_CELLS: i64 = 3;
/// Rows tried for what is loosely held, for a graph of one wire; fewer the more wires there are.
const TRIES: usize = 2400;
/// Rows an item may be nudged by to end a confusion.
const REACH: i32 = 6;
const NUDGES: usize = 24;
/// Pairs of runs that may be compared to end confusions; the caller has other means.
const EFFORT: usize = 20_000;
/// Blank rows at most.
const INSERTIONS: usize = 8;

/// One trunk in one channel.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) trunk: usize,
    way: Way,
    taps: Vec<Tap>,
    low: i32,
    high: i32,
    /// Counted from the left; `None` when the run is straight and needs none.
    pub(super) track: Option<usize>,
}

/// Where a run meets a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Tap {
    row: i32,
    side: Side,
    /// The trunk is entered here, not left.
    feeds: bool,
    tie: Tie,
}

/// The runs of one channel.
#[derive(Clone, Debug, Default)]
pub(super) struct Channel {
    pub(super) runs: Vec<Run>,
    pub(super) tracks: usize,
    pub(super) confusion: i64,
    /// Crossings, bends and lengths, in cells of wire.
    toil: i64,
    /// Items whose wires touch, to be moved apart.
    touching: BTreeSet<usize>,
}

/// Gives every trunk a track in every channel it crosses; moves items by a few rows where that removes a confusion.
pub(super) fn route(
    wiring: &Wiring,
    column: &[usize],
    field: &Field,
    rows: &mut Rows,
    count: usize,
) -> Vec<Channel> {
    let segments = segments(wiring, column, field, count);
    let mut channels: Vec<Channel> = segments
        .iter()
        .map(|segments| channel(wiring, segments, field, rows))
        .collect();
    // Loose rows must keep their parity, and need no nudging; what stands in a remembered layout is not moved for this, the
    // caller unties wires instead.
    let afresh = !field.loose && field.items.iter().all(|i| i.known.is_none());
    if afresh {
        straighten(wiring, &segments, field, rows, &mut channels);
    }
    let mut left = EFFORT;
    for _ in 0..if field.loose { 0 } else { NUDGES } {
        if !nudge(wiring, &segments, field, rows, &mut channels, &mut left) {
            break;
        }
    }
    if afresh {
        let inserted = (0..INSERTIONS)
            .take_while(|_| insert(wiring, &segments, field, rows, &mut channels, &mut left))
            .count();
        if inserted > 0 {
            // A blank row parts one column from its neighbours.
            straighten(wiring, &segments, field, rows, &mut channels);
        }
    }
    channels
}

/// Channels as narrow as can be: one track where a wire must turn because others of its trunk leave or enter beside it.
pub(super) fn least(wiring: &Wiring, column: &[usize]) -> Vec<Channel> {
    let count = column.iter().max().map_or(0, |c| c + 1);
    let mut channels = vec![Channel::default(); count];
    for (i, trunk) in wiring.trunks.iter().enumerate() {
        for &w in &trunk.wires {
            let wire = &wiring.wires[w];
            let (a, b) = (column[wire.from], column[wire.to]);
            let crossed = a.min(b) + usize::from(a != b)..=a.max(b);
            for channel in &mut channels[crossed] {
                if channel.runs.last().is_none_or(|run| run.trunk != i) {
                    channel.runs.push(Run {
                        trunk: i,
                        way: trunk.way,
                        taps: Vec::new(),
                        low: 0,
                        high: 0,
                        track: None,
                    });
                }
                if wire.way == Way::Around {
                    channel.tracks = 1;
                }
            }
        }
    }
    channels
}

/// Moves items to where their wires run straight, as long as the picture gets better.
///
/// Unexpected edges have no say in where boxes stand, so their passages were put anywhere; and the boxes outside have been
/// placed by the planned edges alone.
fn straighten(
    wiring: &Wiring,
    segments: &[Vec<Segment>],
    field: &Field,
    rows: &mut Rows,
    channels: &mut [Channel],
) {
    let (loose, held): (Vec<usize>, Vec<usize>) =
        (0..field.items.len()).partition(|&i| field.is_loosely_held(i));
    let mut tries = TRIES / wiring.wires.len().max(1);
    loop {
        let mut better = false;
        for &item in loose.iter().chain(&held) {
            let mut wanted = field.straight_rows(rows, item);
            wanted.extend([rows.y[item] - 1, rows.y[item] + 1]);
            for row in wanted {
                // Together with what is straight with it already, and alone.
                let group = field.in_line(rows, item);
                let alone = (group.len() > 1).then(|| vec![item]);
                for moved in std::iter::once(group).chain(alone) {
                    let distance = row - rows.y[item];
                    let mut shifted = rows.clone();
                    let place = |&i: &usize| {
                        let row = rows.y[i] + distance;
                        // What planned wires hold keeps its order.
                        (loose.contains(&i) || rows.has_room(field, i, row))
                            && shifted.put(field, i, row)
                    };
                    if distance == 0 || !moved.iter().all(place) {
                        continue;
                    }
                    if tries == 0 {
                        return;
                    }
                    tries -= 1;
                    if reroute(wiring, segments, field, &shifted, channels, &moved) {
                        *rows = shifted;
                        better = true;
                    }
                }
            }
        }
        if !better {
            return;
        }
    }
}

/// Routes the channels beside items that have moved; false, and nothing done, when the picture gets no better by that.
fn reroute(
    wiring: &Wiring,
    segments: &[Vec<Segment>],
    field: &Field,
    rows: &Rows,
    channels: &mut [Channel],
    moved: &[usize],
) -> bool {
    let near: BTreeSet<usize> = moved
        .iter()
        .flat_map(|&i| [field.items[i].column, field.items[i].column + 1])
        .filter(|&c| c < channels.len())
        .collect();
    let tried: Vec<(usize, Channel)> = near
        .iter()
        .map(|&c| (c, channel(wiring, &segments[c], field, rows)))
        .collect();
    let before: i64 = near.iter().map(|&c| channels[c].price()).sum();
    if tried.iter().map(|(_, new)| new.price()).sum::<i64>() >= before {
        return false;
    }
    for (c, new) in tried {
        channels[c] = new;
    }
    true
}

/// A stretch of a wire across one channel.
struct Segment {
    trunk: usize,
    taps: [(Tie, Side, bool); 2],
}

/// What crosses each channel.
fn segments(wiring: &Wiring, column: &[usize], field: &Field, count: usize) -> Vec<Vec<Segment>> {
    let mut segments: Vec<Vec<Segment>> = (0..count).map(|_| Vec::new()).collect();
    for (w, wire) in wiring.wires.iter().enumerate() {
        for pair in field.ties(wiring, column, w).windows(2) {
            let (a, b) = (pair[0], pair[1]);
            let (first, second, here) = match wire.way {
                Way::East => (Side::Left, Side::Right, field.items[b.item].column),
                Way::West => (Side::Right, Side::Left, field.items[a.item].column),
                Way::Around => (Side::Right, Side::Right, field.items[a.item].column),
            };
            if let Some(segments) = segments.get_mut(here) {
                segments.push(Segment {
                    trunk: wire.trunk,
                    taps: [(a, first, true), (b, second, false)],
                });
            }
        }
    }
    segments
}

/// Tries to insert a blank row above a touching item; true when the picture got better.
fn insert(
    wiring: &Wiring,
    segments: &[Vec<Segment>],
    field: &Field,
    rows: &mut Rows,
    channels: &mut Vec<Channel>,
    left: &mut usize,
) -> bool {
    let before: i64 = channels.iter().map(|c| c.confusion).sum();
    let items: BTreeSet<usize> = channels
        .iter()
        .flat_map(|c| c.touching.iter().copied())
        .collect();
    for item in items {
        let mut tried_rows = rows.clone();
        tried_rows.insert_row(field, item);
        if !spend(left, channels.iter()) {
            return false;
        }
        let tried: Vec<Channel> = segments
            .iter()
            .map(|segments| channel(wiring, segments, field, &tried_rows))
            .collect();
        if tried.iter().map(|c| c.confusion).sum::<i64>() < before {
            *rows = tried_rows;
            *channels = tried;
            return true;
        }
    }
    false
}

/// Tries to move one touching item; true when the picture got better.
fn nudge(
    wiring: &Wiring,
    segments: &[Vec<Segment>],
    field: &Field,
    rows: &mut Rows,
    channels: &mut [Channel],
    left: &mut usize,
) -> bool {
    let items: BTreeSet<usize> = channels
        .iter()
        .flat_map(|c| c.touching.iter().copied())
        .collect();
    for item in items {
        // What was there before stays; the caller has other means.
        if field.items[item].known.is_some() && matches!(field.items[item].what, What::Box(_)) {
            continue;
        }
        let near: Vec<usize> = (field.items[item].column..=field.items[item].column + 1)
            .filter(|&c| c < channels.len())
            .collect();
        let before: i64 = near.iter().map(|&c| channels[c].confusion).sum();
        let home = rows.y[item];
        for distance in (1..=REACH).flat_map(|d| [-d, d]) {
            if !rows.has_room(field, item, home + distance) {
                continue;
            }
            rows.y[item] = home + distance;
            if !spend(left, near.iter().map(|&c| &channels[c])) {
                rows.y[item] = home;
                return false;
            }
            let tried: Vec<Channel> = near
                .iter()
                .map(|&c| channel(wiring, &segments[c], field, rows))
                .collect();
            if tried.iter().map(|c| c.confusion).sum::<i64>() < before {
                for (&c, new) in near.iter().zip(tried) {
                    channels[c] = new;
                }
                return true;
            }
        }
        rows.y[item] = home;
    }
    false
}

/// Takes what routing these channels costs from what is left; false when it is too much.
fn spend<'a>(left: &mut usize, channels: impl IntoIterator<Item = &'a Channel>) -> bool {
    let runs = channels.into_iter().map(|c| c.runs.len());
    let cost: usize = runs.map(|n| 32 + n * n).sum();
    let enough = cost <= *left;
    *left = left.saturating_sub(cost);
    enough
}

/// Routes one channel for the rows as they are.
fn channel(wiring: &Wiring, segments: &[Segment], field: &Field, rows: &Rows) -> Channel {
    let mut all: Vec<(usize, Tap)> = Vec::with_capacity(2 * segments.len());
    for segment in segments {
        for (tie, side, feeds) in segment.taps {
            let row = rows.row(field, tie);
            all.push((
                segment.trunk,
                Tap {
                    row,
                    side,
                    feeds,
                    tie,
                },
            ));
        }
    }
    all.sort_unstable();
    all.dedup();
    let mut channel = Channel::default();
    for taps in all.chunk_by(|a, b| a.0 == b.0) {
        let trunk = taps[0].0;
        let taps: Vec<Tap> = taps.iter().map(|t| t.1).collect();
        let (low, high) = (
            taps.first().map_or(0, |t| t.row),
            taps.last().map_or(0, |t| t.row),
        );
        channel.runs.push(Run {
            trunk,
            way: wiring.trunks[trunk].way,
            taps,
            low,
            high,
            track: None,
        });
    }
    channel.order();
    channel
}

impl Channel {
    /// Orders the runs that need a track, then packs them to the left.
    fn order(&mut self) {
        let turning: Vec<usize> = (0..self.runs.len())
            .filter(|&r| self.runs[r].low != self.runs[r].high)
            .collect();
        let n = turning.len();
        let mut cost = vec![vec![0i64; n]; n];
        for i in 0..n {
            for j in 0..n {
                let (a, b) = (&self.runs[turning[i]], &self.runs[turning[j]]);
                if i != j && a.low <= b.high && b.low <= a.high {
                    cost[i][j] = CROSSING * crossings(a, b) + CONFUSION * confusion(a, b);
                }
            }
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_cached_key(|&i| self.runs[turning[i]].leaning());
        sift(&mut order, &cost);
        let mut tracks: Vec<usize> = vec![0; n];
        for (k, &i) in order.iter().enumerate() {
            for &j in &order[..k] {
                let (a, b) = (&self.runs[turning[i]], &self.runs[turning[j]]);
                // One free row between runs on one track, or two joints would look like one.
                let together = a.low <= b.high + 1 && b.low <= a.high + 1;
                if together || cost[i][j] + cost[j][i] > 0 {
                    tracks[i] = tracks[i].max(tracks[j] + 1);
                }
            }
        }
        for (i, &run) in turning.iter().enumerate() {
            self.runs[run].track = Some(tracks[i]);
            self.tracks = self.tracks.max(tracks[i] + 1);
        }
        for (k, &i) in order.iter().enumerate() {
            for &j in &order[k + 1..] {
                self.count(
                    turning[i],
                    turning[j],
                    confusion(&self.runs[turning[i]], &self.runs[turning[j]]),
                );
            }
        }
        let order: Vec<usize> = order.iter().map(|&i| turning[i]).collect();
        self.toil = self.labour(&order);
        for straight in 0..self.runs.len() {
            for other in 0..self.runs.len() {
                if self.runs[straight].track.is_none() && self.runs[other].track.is_some() {
                    self.count(
                        straight,
                        other,
                        confusion_with_straight(&self.runs[straight], &self.runs[other]),
                    );
                }
            }
        }
    }

    fn price(&self) -> i64 {
        CONFUSION * self.confusion + self.toil
    }

    /// Crossings, bends and lengths of the runs, `order` being those with a track from left to right.
    fn labour(&self, order: &[usize]) -> i64 {
        let mut crossed = 0;
        for (k, &i) in order.iter().enumerate() {
            for &j in &order[k + 1..] {
                crossed += crossings(&self.runs[i], &self.runs[j]);
            }
        }
        for straight in self.runs.iter().filter(|r| r.track.is_none()) {
            let over = |r: &&Run| r.low < straight.low && straight.low < r.high;
            let meets = |r: &&Run| {
                let shares = |t: &Tap| straight.taps.iter().any(|s| s.tie == t.tie);
                r.taps.iter().any(shares)
            };
            let over = self.runs.iter().filter(over).filter(|r| !meets(r)).count();
            crossed += i64::from(super::cells(over));
        }
        let turning = order.iter().map(|&r| &self.runs[r]);
        let rows = |r: &Run| r.taps.iter().map(|t| t.row).collect::<BTreeSet<_>>().len();
        let bends: usize = turning.clone().map(rows).sum();
        let length: i32 = turning.map(|r| r.high - r.low).sum();
        CROSSING_CELLS * crossed + BEND_CELLS * i64::from(super::cells(bends)) + i64::from(length)
    }

    fn count(&mut self, a: usize, b: usize, confusion: i64) {
        if confusion == 0 {
            return;
        }
        self.confusion += confusion;
        let shared: Vec<usize> = self.runs[a]
            .taps
            .iter()
            .flat_map(|t| {
                self.runs[b]
                    .taps
                    .iter()
                    .filter(move |u| u.row == t.row)
                    .flat_map(move |u| [t.tie.item, u.tie.item])
            })
            .collect();
        self.touching.extend(shared);
    }
}

impl Run {
    /// First guess for the order: runs that climb go left to right from below, runs that fall from above.
    fn leaning(&self) -> i32 {
        let mean = |side: Side| {
            let rows: Vec<i32> = self
                .taps
                .iter()
                .filter(|t| t.side == side)
                .map(|t| t.row * 16)
                .collect();
            if rows.is_empty() {
                16 * self.low
            } else {
                rows.iter().sum::<i32>() / super::cells(rows.len())
            }
        };
        let (left, right) = (mean(Side::Left), mean(Side::Right));
        if right >= left { -left } else { left }
    }

    /// The taps of a row.
    fn on(&self, row: i32) -> &[Tap] {
        let first = self.taps.partition_point(|t| t.row < row);
        let count = self.taps[first..].partition_point(|t| t.row == row);
        &self.taps[first..first + count]
    }

    fn tap(&self, row: i32, side: Side) -> Option<Tap> {
        self.on(row).iter().find(|t| t.side == side).copied()
    }

    fn joins(&self, from: Tie, to: Tie) -> bool {
        self.taps.iter().any(|t| t.feeds && t.tie == from)
            && self.taps.iter().any(|t| !t.feeds && t.tie == to)
    }

    fn ends(&self, feeds: bool) -> impl Iterator<Item = Tie> + '_ {
        self.taps
            .iter()
            .filter(move |t| t.feeds == feeds)
            .map(|t| t.tie)
    }
}

/// Wires that cross the other's track when `a` lies left of `b`.
fn crossings(a: &Run, b: &Run) -> i64 {
    let over = |taps: &[Tap], side: Side, track: &Run| {
        taps.iter()
            .filter(|t| {
                t.side == side
                    && t.row > track.low
                    && t.row < track.high
                    && !track.taps.iter().any(|u| u.tie == t.tie)
            })
            .count()
    };
    i64::from(super::cells(
        over(&b.taps, Side::Left, a) + over(&a.taps, Side::Right, b),
    ))
}

/// Pairs of ends that a reader could join although no edge does, when `a` lies left of `b`.
fn confusion(a: &Run, b: &Run) -> i64 {
    let mut bad = 0;
    if a.high < b.low || b.high < a.low {
        return bad;
    }
    let mut last = None;
    for row in a.taps.iter().map(|t| t.row) {
        // Taps are sorted by row. What the other has nothing on confuses nobody.
        if last.replace(row) == Some(row) || b.on(row).is_empty() {
            continue;
        }
        let (a_right, b_left) = (a.tap(row, Side::Right), b.tap(row, Side::Left));
        let (a_left, b_right) = (a.tap(row, Side::Left), b.tap(row, Side::Right));
        // Is the row between the two tracks in use?
        if (a_right.is_none() && b_left.is_none()) || (b_left.is_none() && b_right.is_none()) {
            continue;
        }
        bad += match (a.way, b.way) {
            (Way::East, Way::East) => passing(a, b, [a_left, a_right], [b_left, b_right]),
            (Way::West, Way::West) => passing(b, a, [b_right, b_left], [a_right, a_left]),
            _ => match (a_right, b_right, a_left, b_left) {
                (Some(x), Some(y), _, _) if x.tie == y.tie => {
                    if x.feeds {
                        0
                    } else {
                        walkers(a, b, a.ends(true), b.ends(false))
                    }
                }
                (_, _, Some(x), Some(y)) if x.tie == y.tie => {
                    if x.feeds {
                        0
                    } else {
                        walkers(a, b, b.ends(true), a.ends(false))
                    }
                }
                _ => 4,
            },
        };
    }
    bad
}

/// Two runs of one direction, `up` first, with their taps (entry, exit) on the row they share.
fn passing(up: &Run, down: &Run, up_taps: [Option<Tap>; 2], down_taps: [Option<Tap>; 2]) -> i64 {
    let mut on_row: Vec<Tie> = Vec::new();
    if up_taps[1].is_some() {
        on_row.extend(up.ends(true));
    }
    on_row.extend(down_taps[0].map(|t| t.tie));
    on_row.sort_unstable();
    on_row.dedup();
    let mut reached: Vec<Tie> = down.ends(false).collect();
    reached.extend(up_taps[1].map(|t| t.tie));
    reached.sort_unstable();
    reached.dedup();
    let mut bad = walkers(up, down, on_row.into_iter(), reached.into_iter());
    if let (Some(entry), None) = (down_taps[0], up_taps[0]) {
        // The wire to the second run comes past a joint of the first.
        bad += walkers(up, down, std::iter::once(entry.tie), up.ends(false));
    }
    bad
}

/// Pairs that neither run joins.
fn walkers(
    a: &Run,
    b: &Run,
    from: impl Iterator<Item = Tie>,
    to: impl Iterator<Item = Tie>,
) -> i64 {
    let to: Vec<Tie> = to.collect();
    let bad = from
        .map(|f| {
            to.iter()
                .filter(|&&t| !a.joins(f, t) && !b.joins(f, t))
                .count()
        })
        .sum();
    i64::from(super::cells(bad))
}

/// The same for a straight run, which lies across the whole channel.
fn confusion_with_straight(straight: &Run, other: &Run) -> i64 {
    let row = straight.low;
    let mine: Vec<Tap> = other
        .taps
        .iter()
        .filter(|t| t.row == row)
        .copied()
        .collect();
    if mine.is_empty() {
        return 0;
    }
    if straight.way != other.way && !(straight.way == Way::East && other.way == Way::Around) {
        return 4;
    }
    let shares = |t: &Tap| straight.taps.iter().any(|s| s.tie == t.tie);
    if mine.iter().any(|t| !shares(t)) {
        return 4;
    }
    if mine.iter().any(|t| !t.feeds) {
        walkers(straight, other, straight.ends(true), other.ends(false))
    } else {
        0
    }
}

/// Moves one element at a time to where the sum of pair costs is least.
fn sift(order: &mut Vec<usize>, cost: &[Vec<i64>]) {
    for _ in 0..20 {
        let mut better = false;
        for (element, after) in cost.iter().enumerate() {
            let Some(from) = order.iter().position(|&e| e == element) else {
                continue;
            };
            let mut rest = order.clone();
            rest.remove(from);
            // Cost of the element at each position, from the left end onwards.
            let mut here: i64 = rest.iter().map(|&e| after[e]).sum();
            let mut costs = vec![here];
            for &e in &rest {
                here += cost[e][element] - after[e];
                costs.push(here);
            }
            let Some((to, &least)) = costs
                .iter()
                .enumerate()
                .min_by_key(|(i, c)| (**c, i.abs_diff(from)))
            else {
                continue;
            };
            if least < costs[from] {
                rest.insert(to, element);
                *order = rest;
                better = true;
            }
        }
        if !better {
            return;
        }
    }
}
