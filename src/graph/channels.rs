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
    let is_loose: Vec<bool> = (0..field.items.len())
        .map(|i| field.is_loosely_held(i))
        .collect();
    let (loose, held): (Vec<usize>, Vec<usize>) =
        (0..field.items.len()).partition(|&i| is_loose[i]);
    let mut tries = TRIES / wiring.wires.len().max(1);
    loop {
        let mut better = false;
        for &item in loose.iter().chain(&held) {
            let mut wanted = field.straight_rows(rows, item);
            wanted.extend([rows.y[item] - 1, rows.y[item] + 1]);
            let mut group: Option<Vec<usize>> = None;
            for row in wanted {
                // Together with what is straight with it already, and alone.
                for together in [true, false] {
                    let distance = row - rows.y[item];
                    if distance == 0 {
                        continue;
                    }
                    let line = group.get_or_insert_with(|| field.in_line(rows, item));
                    let moved: &[usize] = if together { line } else { &[item] };
                    if !together && line.len() == 1 {
                        continue;
                    }
                    // What planned wires hold keeps its order.
                    let may =
                        |&i: &usize| is_loose[i] || rows.has_room(field, i, rows.y[i] + distance);
                    if !moved.iter().all(may) {
                        continue;
                    }
                    let Some(undo) = rows.shift(field, moved, distance) else {
                        continue;
                    };
                    if tries == 0 {
                        rows.restore(undo);
                        return;
                    }
                    tries -= 1;
                    if reroute(wiring, segments, field, rows, channels, moved) {
                        better = true;
                        group = None;
                    } else {
                        rows.restore(undo);
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
    let mut tried: Vec<(usize, Channel)> = near
        .iter()
        .map(|&c| (c, runs(wiring, &segments[c], field, rows)))
        .collect();
    let before: i64 = near.iter().map(|&c| channels[c].price()).sum();
    // Lengths and bends alone are too much more often than not, and need no order of tracks.
    let mut price: i64 = tried.iter().map(|(_, new)| new.labour()).sum();
    for (_, new) in &mut tried {
        if price >= before {
            return false;
        }
        price -= new.labour();
        new.order();
        price += new.price();
    }
    if price >= before {
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
    let mut channel = runs(wiring, segments, field, rows);
    channel.order();
    channel
}

/// The runs of one channel, still without tracks.
fn runs(wiring: &Wiring, segments: &[Segment], field: &Field, rows: &Rows) -> Channel {
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
    channel
}

impl Channel {
    /// Orders the runs that need a track, then packs them to the left.
    fn order(&mut self) {
        let turning: Vec<usize> = (0..self.runs.len())
            .filter(|&r| self.runs[r].low != self.runs[r].high)
            .collect();
        let n = turning.len();
        // By pair, the first one left of the second: what a reader may confuse, and wires that cross.
        let mut pairs = vec![(0i64, 0i64); n * n];
        let mut cost = vec![0i64; n * n];
        for i in 0..n {
            let a = &self.runs[turning[i]];
            for j in 0..n {
                let b = &self.runs[turning[j]];
                if i != j && a.low <= b.high && b.low <= a.high {
                    let (crossed, bad) = (crossings(a, b), confusion(a, b));
                    pairs[i * n + j] = (bad, crossed);
                    cost[i * n + j] = CROSSING * crossed + CONFUSION * bad;
                }
            }
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_cached_key(|&i| self.runs[turning[i]].leaning());
        sift(&mut order, &cost);
        let mut tracks: Vec<usize> = vec![0; n];
        for (k, &i) in order.iter().enumerate() {
            let a = &self.runs[turning[i]];
            for &j in &order[..k] {
                let b = &self.runs[turning[j]];
                // One free row between runs on one track, or two joints would look like one.
                let together = a.low <= b.high + 1 && b.low <= a.high + 1;
                if together || cost[i * n + j] + cost[j * n + i] > 0 {
                    tracks[i] = tracks[i].max(tracks[j] + 1);
                }
            }
        }
        for (i, &run) in turning.iter().enumerate() {
            self.runs[run].track = Some(tracks[i]);
            self.tracks = self.tracks.max(tracks[i] + 1);
        }
        let mut crossed = 0;
        for (k, &i) in order.iter().enumerate() {
            for &j in &order[k + 1..] {
                let (bad, between) = pairs[i * n + j];
                crossed += between;
                self.count(turning[i], turning[j], bad);
            }
        }
        for straight in 0..self.runs.len() {
            if self.runs[straight].track.is_some() {
                continue;
            }
            for &other in &turning {
                let bad = confusion_with_straight(&self.runs[straight], &self.runs[other]);
                self.count(straight, other, bad);
            }
        }
        self.toil = CROSSING_CELLS * crossed + self.labour();
    }

    fn price(&self) -> i64 {
        CONFUSION * self.confusion + self.toil
    }

    /// Bends and lengths of the runs, and what crosses the straight ones: all that does not depend on the order of the tracks.
    fn labour(&self) -> i64 {
        let (mut crossed, mut bends, mut length) = (0, 0, 0);
        let turning = || self.runs.iter().filter(|r| r.low != r.high);
        for straight in self.runs.iter().filter(|r| r.low == r.high) {
            let over = |r: &&Run| r.low < straight.low && straight.low < r.high;
            // One tie is on one row.
            let meets = |r: &&Run| {
                let shares = |t: &Tap| straight.taps.iter().any(|s| s.tie == t.tie);
                r.on(straight.low).iter().any(shares)
            };
            crossed += turning().filter(over).filter(|r| !meets(r)).count();
        }
        for run in turning() {
            bends += run.taps.chunk_by(|a, b| a.row == b.row).count();
            length += i64::from(run.high - run.low);
        }
        CROSSING_CELLS * i64::from(super::cells(crossed))
            + BEND_CELLS * i64::from(super::cells(bends))
            + length
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
                    // One tie is on one row.
                    && !track.on(t.row).iter().any(|u| u.tie == t.tie)
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
    let mut theirs = b.taps.as_slice();
    // Taps are sorted by row. What the other has nothing on confuses nobody.
    for mine in a.taps.chunk_by(|s, t| s.row == t.row) {
        let row = mine[0].row;
        let above = theirs.iter().take_while(|t| t.row < row).count();
        theirs = &theirs[above..];
        let here = theirs.iter().take_while(|t| t.row == row).count();
        let here = &theirs[..here];
        if here.is_empty() {
            continue;
        }
        let tap = |taps: &[Tap], side: Side| taps.iter().find(|t| t.side == side).copied();
        let (a_right, b_left) = (tap(mine, Side::Right), tap(here, Side::Left));
        let (a_left, b_right) = (tap(mine, Side::Left), tap(here, Side::Right));
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
    // What is on one run's taps as well is not counted twice; ties of one run and direction differ.
    let entering = up_taps[1].is_some();
    let entry = down_taps[0].map(|t| t.tie);
    let entry = entry.filter(|&e| !entering || up.ends(true).all(|tie| tie != e));
    let exit = up_taps[1].map(|t| t.tie);
    let exit = exit.filter(|&e| down.ends(false).all(|tie| tie != e));
    let on_row = up.ends(true).filter(|_| entering).chain(entry);
    let mut bad = walkers(up, down, on_row, down.ends(false).chain(exit));
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
    // A run joins what feeds it with all that it feeds.
    let has = |run: &Run, feeds: bool, tie: Tie| {
        run.taps.iter().any(|t| t.feeds == feeds && t.tie == tie)
    };
    let (mut all, mut of_a, mut of_b, mut of_both) = (0, 0, 0, 0);
    for tie in to {
        let (in_a, in_b) = (has(a, false, tie), has(b, false, tie));
        all += 1;
        of_a += i64::from(in_a);
        of_b += i64::from(in_b);
        of_both += i64::from(in_a && in_b);
    }
    from.map(|tie| match (has(a, true, tie), has(b, true, tie)) {
        (false, false) => all,
        (true, false) => all - of_a,
        (false, true) => all - of_b,
        (true, true) => all - of_a - of_b + of_both,
    })
    .sum()
}

/// The same for a straight run, which lies across the whole channel.
fn confusion_with_straight(straight: &Run, other: &Run) -> i64 {
    let mine = other.on(straight.low);
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
fn sift(order: &mut [usize], cost: &[i64]) {
    let count = order.len();
    let mut costs = Vec::with_capacity(count);
    for _ in 0..20 {
        let mut better = false;
        for element in 0..count {
            let Some(from) = order.iter().position(|&e| e == element) else {
                continue;
            };
            let after = &cost[element * count..(element + 1) * count];
            // Cost of the element at each position, from the left end onwards.
            let mut here: i64 = after.iter().sum();
            costs.clear();
            costs.push(here);
            for &e in order.iter().filter(|&&e| e != element) {
                here += cost[e * count + element] - after[e];
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
                if from < to {
                    order[from..=to].rotate_left(1);
                } else {
                    order[to..=from].rotate_right(1);
                }
                better = true;
            }
        }
        if !better {
            return;
        }
    }
}
