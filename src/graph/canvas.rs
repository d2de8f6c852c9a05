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

/// Which arms a line glyph has; `None` for anything that is not a line.
pub(super) fn arms(glyph: char) -> Option<[bool; 4]> {
    let at = match glyph {
        '─' | '━' | '┄' | '┈' | '╌' => return Some([false, true, false, true]),
        '│' | '┃' | '┆' | '┊' | '╎' => return Some([true, false, true, false]),
        ' ' => return None,
        _ => GLYPHS.iter().position(|&g| g == glyph)?,
    };
    Some([at / 27 > 0, at / 9 % 3 > 0, at / 3 % 3 > 0, at % 3 > 0])
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
#[derive(Clone, Debug, Default)]
pub(super) struct Spot {
    pub(super) arms: [u8; 4],
    /// Some wire turns here; without a turn a crossing is a bridge.
    pub(super) joint: bool,
    /// Wires with an arm up or down, and to a side.
    pub(super) upright: Vec<usize>,
    pub(super) level: Vec<usize>,
    /// Wires that come in level and leave upright, and the reverse.
    pub(super) on: Vec<usize>,
    pub(super) off: bool,
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
        self.arms[EAST] > 0 && self.arms[WEST] > 0 && !self.on.is_empty() && !self.off
    }

    /// The wires the reader sees here, each once, in order.
    pub(super) fn seen(&self) -> Vec<usize> {
        let mut wires = self.upright.clone();
        if !self.is_bridge() {
            wires.extend(&self.level);
        }
        wires.sort_unstable();
        wires.dedup();
        wires
    }
}

pub(super) struct Canvas {
    pub(super) width: i32,
    pub(super) height: i32,
    spots: Vec<Spot>,
}

impl Canvas {
    pub(super) fn new(width: i32, height: i32) -> Self {
        Self {
            width,
            height,
            spots: vec![Spot::default(); index(width) * index(height)],
        }
    }

    fn at(&self, x: i32, y: i32) -> Option<usize> {
        (x >= 0 && y >= 0 && x < self.width && y < self.height)
            .then(|| index(y) * index(self.width) + index(x))
    }

    pub(super) fn spot(&self, x: i32, y: i32) -> Option<&Spot> {
        self.at(x, y).map(|i| &self.spots[i])
    }

    /// Draws one wire along its corners.
    pub(super) fn trace(&mut self, wire: usize, corners: &[(i32, i32)], weight: u8) {
        let path = walk(corners);
        for (i, &(x, y)) in path.iter().enumerate() {
            let Some(at) = self.at(x, y) else { continue };
            let towards = |j: Option<usize>| {
                j.and_then(|j| path.get(j))
                    .and_then(|&(a, b)| MOVES.iter().position(|&m| m == (a - x, b - y)))
            };
            let (back, ahead) = (towards(i.checked_sub(1)), towards(Some(i + 1)));
            let spot = &mut self.spots[at];
            for arm in [back, ahead].into_iter().flatten() {
                spot.arms[arm] = spot.arms[arm].max(weight);
                let list = if arm == NORTH || arm == SOUTH {
                    &mut spot.upright
                } else {
                    &mut spot.level
                };
                if list.last() != Some(&wire) {
                    list.push(wire);
                }
            }
            if let (Some(back), Some(ahead)) = (back, ahead) {
                match (back % 2 == 1, ahead % 2 == 1) {
                    (true, false) => {
                        spot.joint = true;
                        spot.on.push(wire);
                    }
                    (false, true) => {
                        spot.joint = true;
                        spot.off = true;
                    }
                    _ => {}
                }
            }
        }
    }
}

/// Every cell from corner to corner.
pub(super) fn walk(corners: &[(i32, i32)]) -> Vec<(i32, i32)> {
    let mut path: Vec<(i32, i32)> = corners.first().copied().into_iter().collect();
    for pair in corners.windows(2) {
        let ((mut x, mut y), end) = (pair[0], pair[1]);
        while (x, y) != end {
            if x == end.0 {
                y += (end.1 - y).signum();
            } else {
                x += (end.0 - x).signum();
            }
            path.push((x, y));
        }
    }
    path
}
