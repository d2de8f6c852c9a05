//! The search for rows of a fresh layout: sweeps, then small moves that lower a score. Bounded by counts, never by time.

use std::collections::BTreeMap;

use super::frame::{Frame, Seen};
use super::{Field, Input, Rows, score};
use crate::graph::cells;

/// Up to this many items every start is improved by every move; beyond, moves are tried only where they promise something.
const FEW: usize = 40;
/// Above this many items only sweeps are made.
const MOST_IMPROVED: usize = 200;
const STARTS: usize = 4;
const SWEEPS: usize = 16;
const ROUNDS: usize = 3;
/// Items of a crowded region that are tried at every place.
const MOST_CROWDED: usize = 10;

/// Offers what becomes of four fixed starts, the most promising first, until one is taken.
pub(super) fn run(
    field: &Field,
    input: &Input<'_>,
    start: &Rows,
    take: &mut dyn FnMut(Rows) -> bool,
) {
    let frame = Frame::new(field, input.wiring, start, true);
    let mut swept: Vec<(i64, usize, State)> = Vec::new();
    for attempt in 0..STARTS {
        let mut state = State::new(&frame, start);
        if attempt >= 2 {
            for region in 0..frame.regions.len() {
                state.order[frame.regions[region].items.clone()].reverse();
            }
            state.pile(&frame);
        }
        state.order_ports(&frame);
        state.sweep(&frame, SWEEPS, attempt % 2, true);
        state.order_ports(&frame);
        state.sweep(&frame, 6, attempt % 2, true);
        state.finish(&frame, attempt % 2);
        swept.push((state.total_score(&frame), attempt, state));
    }
    let few = field.items.len() <= FEW;
    if few {
        for (score, attempt, state) in &mut swept {
            state.improve(&frame, ROUNDS);
            state.finish(&frame, *attempt % 2);
            *score = state.total_score(&frame);
        }
    }
    swept.sort_by_key(|(score, attempt, _)| (*score, *attempt));
    if field.items.len() >= MOST_IMPROVED {
        swept.truncate(1);
    }
    for (_, attempt, mut state) in swept {
        if !few && field.items.len() < MOST_IMPROVED {
            state.improve(&frame, ROUNDS);
            state.finish(&frame, attempt % 2);
        }
        let mut rows = start.clone();
        state.write(&frame, &mut rows);
        if take(rows) {
            return;
        }
    }
}

/// Places the boxes outside the namespaces once more.
pub(super) fn align_outside(field: &Field, input: &Input<'_>, rows: &mut Rows) {
    let frame = Frame::new(field, input.wiring, rows, false);
    let mut state = State::new(&frame, rows);
    for (region, outside) in frame.regions.iter().enumerate() {
        if outside.band == field.bands() {
            state.settle(&frame, region, false, Seen::Both, false);
        }
    }
    state.write(&frame, rows);
}

/// Rows while they are sought.
struct State {
    /// First row of each item.
    y: Vec<i32>,
    /// Rows of each port below the top of its box, what stands above the first one included; the last entry is for wires
    /// that pass and is 0.
    port: Vec<i32>,
    /// Items of all regions from top to bottom, one region after the other.
    order: Vec<usize>,
    /// Score of each channel for the rows as they are; `None` when they have changed since.
    known: Vec<Option<i64>>,
    orders: Vec<score::Orders>,
    scratch: Scratch,
}

/// Kept so that nothing is allocated over and over.
#[derive(Default)]
struct Scratch {
    wishes: Vec<Wish>,
    wanted: Vec<(i32, i32)>,
    before: Vec<i32>,
    pools: Vec<Pool>,
    score: score::Scratch,
    saved_y: Vec<i32>,
    saved_order: Vec<usize>,
    saved_scores: Vec<Option<i64>>,
}

/// An item that wants to stand on a row.
#[derive(Clone, Copy, Debug)]
struct Wish {
    item: usize,
    row: i32,
    weight: i32,
}

/// Items that touch: weighted sum of wishes less their own depth, weight, first index.
type Pool = (i64, i64, usize);

/// A change of the order within one region, by positions.
#[derive(Clone, Copy)]
enum Move {
    Swap(usize),
    Take { from: usize, to: usize },
}

impl State {
    fn new(frame: &Frame<'_>, rows: &Rows) -> Self {
        let top = frame.field.top;
        let mut port: Vec<i32> = rows.port.iter().map(|p| p + top).collect();
        port.push(0);
        Self {
            y: rows.y.clone(),
            port,
            order: rows.regions.values().flatten().copied().collect(),
            known: vec![None; frame.channels.len()],
            orders: vec![score::Orders::default(); frame.channels.len()],
            scratch: Scratch::default(),
        }
    }

    /// Back into the form that other stages read.
    fn write(&self, frame: &Frame<'_>, rows: &mut Rows) {
        rows.y.clone_from(&self.y);
        for (row, port) in rows.port.iter_mut().zip(&self.port) {
            *row = port - frame.field.top;
        }
        for (region, items) in frame.regions.iter().zip(rows.regions.values_mut()) {
            items.copy_from_slice(&self.order[region.items.clone()]);
        }
    }

    /// Puts the items of every region below each other from the top of their band.
    fn pile(&mut self, frame: &Frame<'_>) {
        for region in &frame.regions {
            let mut y = region.low;
            let mut above = None;
            for &item in &self.order[region.items.clone()] {
                y += match above {
                    Some(above) => frame.gap(above, item),
                    None => frame.items[item].margin,
                };
                self.y[item] = y;
                y += frame.items[item].height;
                above = Some(item);
            }
        }
    }

    /// Orders the ports of each side by the rows of what they lead to; near equals by trunk, so that two wires between
    /// the same boxes stay parallel.
    fn order_ports(&mut self, frame: &Frame<'_>) {
        let pitch = if frame.field.loose { 2 } else { 1 };
        let mut pull = vec![(0i64, 0i64, usize::MAX); frame.wiring.ports.len()];
        let centre = |place: usize| {
            let item = frame.field.boxes[place];
            i64::from(2 * self.y[item] + frame.items[item].height)
        };
        for wire in &frame.wiring.wires {
            for (port, other) in [(wire.exit, wire.to), (wire.pin, wire.from)] {
                let p = &mut pull[port];
                *p = (p.0 + centre(other), p.1 + 1, p.2.min(wire.trunk));
            }
        }
        for (place, ports) in &frame.sides {
            let mut ports = ports.clone();
            ports.sort_by_key(|&p| (pull[p].0.div_euclid(6 * pull[p].1.max(1)), pull[p].2, p));
            let item = frame.field.boxes[*place];
            let depth = (frame.items[item].height - 2 * frame.field.top + pitch - 1) / pitch;
            let lone_exit = ports.len() == 1 && frame.wiring.ports[ports[0]].exit;
            let first = if lone_exit {
                0
            } else {
                (depth - cells(ports.len())) / 2
            };
            for (i, &p) in ports.iter().enumerate() {
                self.port[p] = frame.field.top + (first + cells(i)) * pitch;
            }
        }
        self.known.fill(None);
    }

    /// Places column after column by the medians of its neighbours' rows; `reorder` lets items pass each other.
    fn sweep(&mut self, frame: &Frame<'_>, count: usize, phase: usize, reorder: bool) {
        // Turns that differ in nothing but their rows come back after four, or after two without new orders.
        let cycle = if reorder { 4 } else { 2 };
        let mut calm = 0;
        let mut turn = 0;
        while turn < count {
            let backwards = (turn + phase) % 2 == 1;
            // The last turns look both ways, or the picture leans to one side.
            let last = turn + 3 >= count;
            let seen = match (!reorder || last, backwards) {
                (true, _) => Seen::Both,
                (false, true) => Seen::Right,
                (false, false) => Seen::Left,
            };
            let mean = reorder && !last && turn % 4 < 2;
            let mut moved = false;
            for c in 0..frame.columns.len() {
                let column = if backwards {
                    frame.columns.len() - 1 - c
                } else {
                    c
                };
                for region in frame.columns[column].clone() {
                    moved |= self.settle(frame, region, reorder, seen, mean);
                }
            }
            calm = if moved { 0 } else { calm + 1 };
            turn += 1;
            if calm >= cycle {
                // Nothing moves any more until the rules change.
                if !reorder || last {
                    break;
                }
                let skipped = (count - 3).saturating_sub(turn) / cycle * cycle;
                turn += skipped;
                calm = 0;
            }
        }
        self.known.fill(None);
    }

    /// Places the items of a region close to their wishes. Returns whether anything changed.
    fn settle(
        &mut self,
        frame: &Frame<'_>,
        region: usize,
        reorder: bool,
        seen: Seen,
        mean: bool,
    ) -> bool {
        let here = &frame.regions[region];
        self.scratch.wishes.clear();
        for at in here.items.clone() {
            let wish = self.wish(frame, self.order[at], seen, mean);
            self.scratch.wishes.push(wish);
        }
        let mut changed = false;
        if reorder {
            self.scratch
                .wishes
                .sort_by_key(|w| 2 * w.row + frame.items[w.item].height);
            for (at, wish) in here.items.clone().zip(&self.scratch.wishes) {
                changed |= self.order[at] != wish.item;
                self.order[at] = wish.item;
            }
        }
        changed | self.place(frame, (here.low, here.high))
    }

    fn wish(&mut self, frame: &Frame<'_>, item: usize, seen: Seen, mean: bool) -> Wish {
        let wanted = &mut self.scratch.wanted;
        wanted.clear();
        let mut weight = 0;
        for pull in frame.pulls(item) {
            if seen.takes(pull.right) {
                let row = self.y[pull.item] + self.port[pull.port] - self.port[pull.mine];
                wanted.push((row, pull.weight));
                weight += pull.weight;
            }
        }
        let row = match wanted.as_mut_slice() {
            [] => self.y[item],
            [(row, _)] => *row,
            many if mean => {
                let sum: i64 = many.iter().map(|w| i64::from(w.0) * i64::from(w.1)).sum();
                i32::try_from(sum.div_euclid(i64::from(weight))).unwrap_or(0)
            }
            many => median(many, weight),
        };
        Wish {
            item,
            row,
            weight: weight.max(1),
        }
    }

    /// Gives the items rows between `low` and `high` in the order of their wishes, with the least weighted distance from
    /// them (isotonic regression by pooling neighbours). Items that cannot fit run over `high`.
    fn place(&mut self, frame: &Frame<'_>, (low, high): (i32, i32)) -> bool {
        let Scratch {
            wishes,
            before,
            pools,
            ..
        } = &mut self.scratch;
        let Some(last) = wishes.last() else {
            return false;
        };
        before.clear();
        pools.clear();
        let mut depth = frame.items[wishes[0].item].margin;
        let mut above: Option<usize> = None;
        for (i, wish) in wishes.iter().enumerate() {
            if let Some(above) = above {
                depth += frame.items[above].height + frame.gap(above, wish.item);
            }
            above = Some(wish.item);
            before.push(depth);
            let weight = i64::from(wish.weight);
            let mut pool = (i64::from(wish.row - depth) * weight, weight, i);
            while let Some(&(sum, total, first)) = pools.last() {
                if sum * pool.1 <= pool.0 * total {
                    break;
                }
                pool = (pool.0 + sum, pool.1 + total, first);
                pools.pop();
            }
            pools.push(pool);
        }
        let end = depth + frame.items[last.item].height + frame.items[last.item].margin;
        let highest = (high - end).max(low);
        let mut changed = false;
        for (p, &(sum, total, first)) in pools.iter().enumerate() {
            let base = i32::try_from((2 * sum + total).div_euclid(2 * total))
                .unwrap_or(low)
                .clamp(low, highest);
            let next = pools.get(p + 1).map_or(wishes.len(), |n| n.2);
            for i in first..next {
                let row = &mut self.y[wishes[i].item];
                changed |= *row != base + before[i];
                *row = base + before[i];
            }
        }
        changed
    }

    /// Ports by the rows of what they lead to, and everything close to its wishes.
    fn finish(&mut self, frame: &Frame<'_>, phase: usize) {
        self.order_ports(frame);
        self.sweep(frame, 8, phase, false);
    }

    /// Adjacent swaps, and hubs to an end of their column, as long as the score falls.
    fn improve(&mut self, frame: &Frame<'_>, rounds: usize) {
        // What was tried in vain is tried again only when something near has moved.
        let mut moved = vec![1; frame.columns.len()];
        let mut tried = vec![0; frame.regions.len()];
        let mut clock = 1;
        for _ in 0..rounds {
            let mut better = false;
            for (region, tried) in tried.iter_mut().enumerate() {
                let column = frame.regions[region].column;
                let near = column.saturating_sub(2)..(column + 3).min(moved.len());
                if moved[near.clone()].iter().all(|&at| at <= *tried) {
                    continue;
                }
                clock += 1;
                *tried = clock;
                if self.improve_region(frame, region) {
                    better = true;
                    clock += 1;
                    let touched = column.saturating_sub(1)..(column + 2).min(moved.len());
                    moved[touched].fill(clock);
                }
            }
            if !better {
                return;
            }
            let before = self.total_score(frame);
            let (y, known) = (self.y.clone(), self.known.clone());
            self.sweep(frame, 4, 0, false);
            if self.total_score(frame) > before {
                self.y = y;
                self.known = known;
            } else {
                clock += 1;
                for (item, (now, before)) in self.y.iter().zip(&y).enumerate() {
                    if now != before {
                        moved[frame.field.items[item].column] = clock;
                    }
                }
            }
        }
    }

    /// Whether an item would do worse below another: more of their wires would cross, or as many while it wants to stand
    /// further up. Looks at the rows as they are, so it can be wrong where others would follow.
    fn belongs_above(&mut self, frame: &Frame<'_>, above: usize, below: usize) -> bool {
        let few = frame.items.len() <= FEW;
        if few || frame.items[above].free || frame.items[below].free {
            return false;
        }
        let more = self.spared(frame, above, below);
        if more != 0 {
            return more > 0;
        }
        let (a, b) = (
            self.wish(frame, above, Seen::Both, false).row,
            self.wish(frame, below, Seen::Both, false).row,
        );
        2 * a + frame.items[above].height <= 2 * b + frame.items[below].height
    }

    fn improve_region(&mut self, frame: &Frame<'_>, region: usize) -> bool {
        let items = frame.regions[region].items.clone();
        let mut better = false;
        for i in 1..items.len() {
            let at = items.start + i;
            if !self.belongs_above(frame, self.order[at - 1], self.order[at]) {
                better |= self.attempt(frame, region, Move::Swap(i));
            }
        }
        if items.len() <= MOST_CROWDED && self.overflow(frame, region) > 0 {
            let now: Vec<usize> = self.order[items.clone()].to_vec();
            for item in now {
                for to in 0..items.len() {
                    better |= self.take(frame, region, item, to, true);
                }
            }
        }
        if items.len() < 4 {
            return better;
        }
        let few = frame.items.len() <= FEW;
        let now: Vec<usize> = self.order[items.clone()].to_vec();
        for item in now {
            if frame.items[item].hub {
                better |= self.take(frame, region, item, items.len() - 1, few);
                better |= self.take(frame, region, item, 0, few);
            }
        }
        better
    }

    /// Crossings that one item above another spares, as far as the rows are what they are.
    fn spared(&self, frame: &Frame<'_>, above: usize, below: usize) -> i32 {
        let mut more = 0;
        for a in frame.pulls(above) {
            let row = self.y[a.item] + self.port[a.port];
            for b in frame.pulls(below).iter().filter(|b| b.right == a.right) {
                more += (self.y[b.item] + self.port[b.port] - row).signum();
            }
        }
        more
    }

    /// Moves an item to another place of its region, if no more wires cross on the way or `anyway`.
    fn take(
        &mut self,
        frame: &Frame<'_>,
        region: usize,
        item: usize,
        to: usize,
        anyway: bool,
    ) -> bool {
        let items = &self.order[frame.regions[region].items.clone()];
        let Some(from) = items.iter().position(|&i| i == item) else {
            return false;
        };
        let worse: i32 = if from < to {
            let passed = items[from + 1..=to].iter();
            passed.map(|&other| self.spared(frame, item, other)).sum()
        } else {
            let passed = items[to..from].iter();
            passed.map(|&other| self.spared(frame, other, item)).sum()
        };
        from != to && (anyway || worse <= 0) && self.attempt(frame, region, Move::Take { from, to })
    }

    /// Reorders one region, lets it and its neighbours settle, and keeps the result if the picture is better.
    fn attempt(&mut self, frame: &Frame<'_>, region: usize, change: Move) -> bool {
        let here = &frame.regions[region];
        let column = here.column;
        let channels = column.saturating_sub(1)..(column + 3).min(frame.channels.len());
        let before = self.score(frame, region, channels.clone());
        let near = frame.near(column);
        let mut saved_y = std::mem::take(&mut self.scratch.saved_y);
        let mut saved_order = std::mem::take(&mut self.scratch.saved_order);
        let mut saved_scores = std::mem::take(&mut self.scratch.saved_scores);
        saved_y.clear();
        saved_y.extend(self.order[near.clone()].iter().map(|&i| self.y[i]));
        saved_order.clear();
        saved_order.extend(&self.order[near.clone()]);
        saved_scores.clear();
        saved_scores.extend(&self.known[channels.clone()]);

        let order = &mut self.order[here.items.clone()];
        match change {
            Move::Swap(i) => order.swap(i - 1, i),
            Move::Take { from, to } if from < to => order[from..=to].rotate_left(1),
            Move::Take { from, to } => order[to..=from].rotate_right(1),
        }
        // Wishes of reordered items start from their new order.
        let mut y = here.low;
        for &item in &self.order[here.items.clone()] {
            if frame.items[item].free {
                self.y[item] = y;
            }
            y += frame.items[item].height;
        }
        self.settle(frame, region, false, Seen::Both, false);
        for other in [column.wrapping_sub(1), column + 1] {
            if let Some(regions) = frame.columns.get(other) {
                for beside in regions.clone() {
                    self.settle(frame, beside, false, Seen::Both, false);
                }
            }
        }
        self.settle(frame, region, false, Seen::Both, false);
        self.known[channels.clone()].fill(None);
        let kept = self.score(frame, region, channels.clone()) < before;
        if !kept {
            for (&item, &y) in saved_order.iter().zip(&saved_y) {
                self.y[item] = y;
            }
            self.order[near].copy_from_slice(&saved_order);
            self.known[channels].copy_from_slice(&saved_scores);
        }
        self.scratch.saved_y = saved_y;
        self.scratch.saved_order = saved_order;
        self.scratch.saved_scores = saved_scores;
        kept
    }

    /// What a move in a region can change of the score.
    fn score(&mut self, frame: &Frame<'_>, region: usize, channels: std::ops::Range<usize>) -> i64 {
        let sum: i64 = channels.map(|c| self.channel_score(frame, c)).sum();
        sum + frame.overflow_cost * i64::from(self.overflow(frame, region))
    }

    fn total_score(&mut self, frame: &Frame<'_>) -> i64 {
        let over: i32 = (0..frame.regions.len())
            .map(|region| self.overflow(frame, region))
            .sum();
        let sum: i64 = (0..frame.channels.len())
            .map(|c| self.channel_score(frame, c))
            .sum();
        sum + frame.overflow_cost * i64::from(over)
    }

    fn channel_score(&mut self, frame: &Frame<'_>, channel: usize) -> i64 {
        if let Some(score) = self.known[channel] {
            return score;
        }
        let score = frame.channels[channel].score(
            &self.y,
            &self.port,
            &mut self.orders[channel],
            &mut self.scratch.score,
        );
        self.known[channel] = Some(score);
        score
    }

    /// Rows by which a region runs over its band.
    fn overflow(&self, frame: &Frame<'_>, region: usize) -> i32 {
        let here = &frame.regions[region];
        let Some(&last) = self.order[here.items.clone()].last() else {
            return 0;
        };
        let item = &frame.items[last];
        (self.y[last] + item.height + item.margin - here.high).max(0)
    }
}

/// The weighted median; between two middle values their mean. Sorts its argument.
fn median(values: &mut [(i32, i32)], total: i32) -> i32 {
    values.sort_unstable();
    let mut sum = 0;
    for (i, &(value, weight)) in values.iter().enumerate() {
        sum += weight;
        if sum * 2 == total {
            let next = values.get(i + 1).map_or(value, |v| v.0);
            return (value + next).div_euclid(2);
        }
        if sum * 2 > total {
            return value;
        }
    }
    0
}

/// Ports of each side of each box, for [`State::order_ports`].
pub(super) fn sides(input: &super::Wiring) -> Vec<(usize, Vec<usize>)> {
    let mut sides: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (i, port) in input.ports.iter().enumerate() {
        sides.entry((port.place, port.side)).or_default().push(i);
    }
    sides
        .into_iter()
        .map(|((place, _), ports)| (place, ports))
        .collect()
}
