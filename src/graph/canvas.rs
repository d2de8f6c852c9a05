//! The cells that wires occupy: arms, joints and who passes, and the glyph that follows from them.

use super::{State, index};

/// Arms of a cell, in this order everywhere.
pub(super) const NORTH: usize = 0;
pub(super) const EAST: usize = 1;
pub(super) const SOUTH: usize = 2;
pub(super) const WEST: usize = 3;

/// Steps by arm.
pub(super) const MOVES: [(i32, i32); 4] = [(0, -1), (1, 0), (0, 1), (-1, 0)];

/// Glyphs by weight of the arms north, east, south, west (0 none, 1 light, 2 heavy), in base 3 with north first.
const GLYPHS: [char; 81] = [
    ' ', '─', '━', '│', '╮', '┑', '┃', '┒', '┓', // 00..
    '─', '─', '╾', '╭', '┬', '┭', '┎', '┰', '┱', // 01..
    '━', '╼', '━', '┍', '┮', '┯', '┏', '┲', '┳', // 02..
    '│', '╯', '┙', '│', '┤', '┥', '╽', '┧', '┪', // 10..
    '╰', '┴', '┵', '├', '┼', '┽', '┟', '╁', '╅', // 11..
    '┕', '┶', '┷', '┝', '┾', '┿', '┢', '╆', '╈', // 12..
    '┃', '┚', '┛', '╿', '┦', '┩', '┃', '┨', '┫', // 20..
    '┖', '┸', '┹', '┞', '╀', '╃', '┠', '╂', '╉', // 21..
    '┗', '┺', '┻', '┡', '╄', '╇', '┣', '╊', '╋', // 22..
];

/// The line glyph of these arms.
pub(super) fn glyph(arms: [u8; 4]) -> char {
    let at = arms
        .iter()
        .fold(0, |sum, &weight| sum * 3 + usize::from(weight.min(2)));
    GLYPHS[at]
}

/// Where lines begin among the characters, and how many there are.
const LINES: usize = 0x2500;
const LINE_COUNT: usize = 0x80;

/// Arms of every line, as bits in the order of arms; straight ones reach to both sides whatever they are made of.
const ARMS: [u8; LINE_COUNT] = {
    let mut table = [0; LINE_COUNT];
    let mut at = GLYPHS.len();
    while at > 1 {
        at -= 1;
        let (north, east) = ((at >= 27) as u8, !(at / 9).is_multiple_of(3) as u8);
        let (south, west) = (
            !(at / 3).is_multiple_of(3) as u8,
            !at.is_multiple_of(3) as u8,
        );
        let bits = north << NORTH | east << EAST | south << SOUTH | west << WEST;
        table[GLYPHS[at] as usize - LINES] = bits;
    }
    let (level, upright) = (['─', '━', '┄', '┈', '╌'], ['│', '┃', '┆', '┊', '╎']);
    let mut i = 0;
    while i < level.len() {
        table[level[i] as usize - LINES] = 1 << EAST | 1 << WEST;
        table[upright[i] as usize - LINES] = 1 << NORTH | 1 << SOUTH;
        i += 1;
    }
    table
};

/// Which arms a line glyph has; `None` for anything that is not a line.
pub(super) fn arms(glyph: char) -> Option<[bool; 4]> {
    let at = (glyph as usize).checked_sub(LINES)?;
    let bits = ARMS.get(at).copied().filter(|&bits| bits > 0)?;
    Some(std::array::from_fn(|arm| bits >> arm & 1 == 1))
}

/// A straight line in the manner of a state that is not drawn solid.
pub(super) fn broken(glyph: char, state: State) -> char {
    match (state, glyph) {
        (State::Missing, '─') => '┄',
        (State::Missing, '│') => '┆',
        (State::Unknown, '─') => '┈',
        (State::Unknown, '│') => '┊',
        (State::HalfOpen(_), '─') => '╌',
        (State::HalfOpen(_), '│') => '╎',
        (_, other) => other,
    }
}

/// What a cell of the canvas knows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spot {
    pub(super) arms: [u8; 4],
    /// Some wire turns here; without a turn a crossing is a bridge.
    pub(super) joint: bool,
    /// A wire comes in level and leaves upright, and the reverse.
    pub(super) on: bool,
    pub(super) off: bool,
    /// The last wire that came by, as a place in [`Canvas::visits`] counted from 1; 0 for none.
    last: u32,
}

/// A wire in a cell.
#[derive(Clone, Copy, Debug)]
struct Visit {
    wire: u32,
    /// The one before it in this cell, as in [`Spot::last`].
    before: u32,
    /// It has an arm up or down, an arm to a side, and comes in level to leave upright.
    upright: bool,
    level: bool,
    on: bool,
}

impl Spot {
    pub(super) fn is_empty(&self) -> bool {
        self.arms == [0; 4]
    }

    /// The upright wire is drawn whole and the level one runs on behind it.
    pub(super) fn is_bridge(&self) -> bool {
        self.arms.iter().all(|&a| a > 0) && !self.joint
    }

    /// A wire that runs on also feeds the trunk it crosses.
    pub(super) fn is_ramp(&self) -> bool {
        self.arms[EAST] > 0 && self.arms[WEST] > 0 && self.on && !self.off
    }
}

pub(super) struct Canvas {
    pub(super) width: i32,
    pub(super) height: i32,
    spots: Vec<Spot>,
    /// The wires of all cells in one list, for most cells have none or few.
    visits: Vec<Visit>,
}

impl Canvas {
    pub(super) fn new(width: i32, height: i32) -> Self {
        Self {
            width,
            height,
            spots: vec![Spot::default(); index(width) * index(height)],
            visits: Vec::new(),
        }
    }

    fn at(&self, x: i32, y: i32) -> Option<usize> {
        (x >= 0 && y >= 0 && x < self.width && y < self.height)
            .then(|| index(y) * index(self.width) + index(x))
    }

    pub(super) fn spot(&self, x: i32, y: i32) -> Option<&Spot> {
        self.at(x, y).map(|i| &self.spots[i])
    }

    /// Draws one wire along its corners. Wires come in order.
    pub(super) fn trace(&mut self, wire: usize, corners: &[(i32, i32)], weight: u8) {
        let Some(&first) = corners.first() else {
            return;
        };
        let (mut here, mut back) = (first, None);
        for &end in corners {
            while here != end {
                let ahead = match end.0.cmp(&here.0) {
                    std::cmp::Ordering::Greater => EAST,
                    std::cmp::Ordering::Less => WEST,
                    std::cmp::Ordering::Equal if end.1 < here.1 => NORTH,
                    std::cmp::Ordering::Equal => SOUTH,
                };
                self.pass(wire, here, [back, Some(ahead)], weight);
                here = (here.0 + MOVES[ahead].0, here.1 + MOVES[ahead].1);
                back = Some((ahead + 2) % 4);
            }
        }
        self.pass(wire, here, [back, None], weight);
    }

    /// Draws the arms of a wire in one cell: back to where it comes from, and ahead.
    fn pass(&mut self, wire: usize, (x, y): (i32, i32), arms: [Option<usize>; 2], weight: u8) {
        let Some(at) = self.at(x, y) else { return };
        let spot = &mut self.spots[at];
        let (mut upright, mut level, mut on) = (false, false, false);
        for arm in arms.into_iter().flatten() {
            spot.arms[arm] = spot.arms[arm].max(weight);
            upright |= arm % 2 == 0;
            level |= arm % 2 == 1;
        }
        if let [Some(back), Some(ahead)] = arms
            && back % 2 != ahead % 2
        {
            spot.joint = true;
            on = back % 2 == 1;
            spot.on |= on;
            spot.off |= !on;
        }
        let wire = u32::try_from(wire).unwrap_or(u32::MAX);
        let known = spot.last.checked_sub(1).map(index_of);
        if let Some(known) = known.filter(|&known| self.visits[known].wire == wire) {
            let visit = &mut self.visits[known];
            visit.upright |= upright;
            visit.level |= level;
            visit.on |= on;
            return;
        }
        self.visits.push(Visit {
            wire,
            before: spot.last,
            upright,
            level,
            on,
        });
        spot.last = u32::try_from(self.visits.len()).unwrap_or(u32::MAX);
    }

    /// The wires in a cell, the last one first.
    fn visits(&self, spot: &Spot) -> impl Iterator<Item = Visit> + '_ {
        let at = |place: u32| {
            let place = index_of(place.checked_sub(1)?);
            self.visits.get(place).copied()
        };
        std::iter::successors(at(spot.last), move |visit| at(visit.before))
    }

    /// The wires the reader sees in a cell, each once, in order, into an empty list.
    pub(super) fn seen(&self, spot: &Spot, wires: &mut Vec<usize>) {
        let bridge = spot.is_bridge();
        let seen = |visit: &Visit| visit.upright || visit.level && !bridge;
        wires.clear();
        wires.extend(
            self.visits(spot)
                .filter(seen)
                .map(|visit| index_of(visit.wire)),
        );
        wires.reverse();
    }

    /// The wires that come into a cell level and leave it upright.
    pub(super) fn entering(&self, spot: &Spot) -> impl Iterator<Item = usize> + '_ {
        let on = self.visits(spot).filter(|visit| visit.on);
        on.map(|visit| index_of(visit.wire))
    }
}

/// A place in a list, from the half of the size it is kept in.
fn index_of(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}
