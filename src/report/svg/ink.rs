//! From the courses of wires to ink: every stretch drawn once, in the manner of the strongest state that takes it.
//!
//! Turns are round, so ink also tells directions: a reader who never makes a sharp turn cannot leave a trunk where others
//! join it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::graph::State;

/// A point of the drawing, in its own units, x first.
pub(super) type Point = (i32, i32);

/// The course of one wire.
#[derive(Clone, Debug)]
pub(super) struct Course {
    /// Where it starts, turns and ends; neighbours share x or y.
    pub(super) corners: Vec<Point>,
    /// Left without ink at its start and its end, for marks.
    pub(super) cut: (i32, i32),
    pub(super) state: State,
    pub(super) trunk: usize,
}

/// How round turns are, and how wide the gap is in a wire that runs on behind another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) radius: i32,
    pub(super) gap: i32,
}

/// The ink of one trunk in one state, as the data of an SVG path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stroke {
    pub(super) state: State,
    pub(super) trunk: usize,
    pub(super) path: String,
}

/// A part of a course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Line(Point, Point),
    /// From, the corner that is rounded off, and to.
    Turn(Point, Point, Point),
}

impl Piece {
    fn ends(self) -> (Point, Point) {
        match self {
            Self::Line(a, b) | Self::Turn(a, _, b) => (a, b),
        }
    }

    fn reversed(self) -> Self {
        match self {
            Self::Line(a, b) => Self::Line(b, a),
            Self::Turn(a, corner, b) => Self::Turn(b, corner, a),
        }
    }

    /// The same piece for whoever takes it, in whichever direction.
    fn canonical(self) -> Self {
        self.min(self.reversed())
    }
}

/// The owner of a stretch: state and trunk.
type Owner = (State, usize);

/// The stronger of two; of equals the one with the smaller trunk.
fn stronger(a: Owner, b: Owner) -> Owner {
    let key = |o: &Owner| (o.0.rank(), o.0, std::cmp::Reverse(o.1));
    if key(&b) > key(&a) { b } else { a }
}

/// A course as one path from end to end, rounded, nothing cut.
pub(super) fn whole(course: &Course, manner: Manner) -> String {
    let uncut = Course {
        cut: (0, 0),
        ..course.clone()
    };
    written(&pieces(&uncut, manner))
}

/// All ink, the weakest state first, so that what matters lies on top.
pub(super) fn strokes(courses: &[Course], manner: Manner) -> Vec<Stroke> {
    let mut turns: BTreeMap<Piece, Owner> = BTreeMap::new();
    // Stretches by whether they are upright, and their x or y.
    let mut lines: BTreeMap<(bool, i32), Vec<(i32, i32, Owner)>> = BTreeMap::new();
    for course in courses {
        let owner = (course.state, course.trunk);
        for piece in pieces(course, manner) {
            match piece.canonical() {
                Piece::Line(a, b) if a.0 == b.0 => {
                    lines
                        .entry((true, a.0))
                        .or_default()
                        .push((a.1, b.1, owner));
                }
                Piece::Line(a, b) => {
                    lines
                        .entry((false, a.1))
                        .or_default()
                        .push((a.0, b.0, owner));
                }
                turn @ Piece::Turn(..) => {
                    let known = turns.entry(turn).or_insert(owner);
                    *known = stronger(*known, owner);
                }
            }
        }
    }
    let bridges = bridges(courses);
    let mut owned: BTreeMap<(u8, State, usize), Vec<Piece>> = BTreeMap::new();
    let mut own = |piece: Piece, (state, trunk): Owner| {
        owned
            .entry((state.rank(), state, trunk))
            .or_default()
            .push(piece);
    };
    for ((upright, at), taken) in lines {
        let no_gaps = BTreeSet::new();
        let gaps = bridges.get(&at).filter(|_| !upright).unwrap_or(&no_gaps);
        for (from, to, owner) in settled(&taken) {
            for (from, to) in without(from, to, gaps, manner.gap) {
                let piece = if upright {
                    Piece::Line((at, from), (at, to))
                } else {
                    Piece::Line((from, at), (to, at))
                };
                own(piece, owner);
            }
        }
    }
    for (turn, owner) in turns {
        own(turn, owner);
    }
    owned
        .into_iter()
        .map(|((_, state, trunk), pieces)| Stroke {
            state,
            trunk,
            path: chains(pieces).iter().map(|chain| written(chain)).collect(),
        })
        .collect()
}

/// The lines and turns of a course. Where there is no room for a full turn it is tighter.
fn pieces(course: &Course, manner: Manner) -> Vec<Piece> {
    let mut corners = course.corners.clone();
    corners.dedup();
    let count = corners.len();
    if count < 2 {
        return Vec::new();
    }
    let length = |i: usize| {
        let (a, b) = (corners[i], corners[i + 1]);
        (a.0 - b.0).abs() + (a.1 - b.1).abs()
    };
    // What a turn may take of the line before it.
    let room = |i: usize| match i {
        0 => length(0) - course.cut.0,
        i if i + 2 == count => length(i) - course.cut.1,
        i => length(i) / 2,
    };
    let mut pieces = Vec::new();
    let mut pen = towards(corners[0], corners[1], course.cut.0);
    for i in 1..count - 1 {
        let radius = manner.radius.min(room(i - 1)).min(room(i)).max(0);
        let (from, to) = (
            towards(corners[i], corners[i - 1], radius),
            towards(corners[i], corners[i + 1], radius),
        );
        if pen != from {
            pieces.push(Piece::Line(pen, from));
        }
        if from != to {
            pieces.push(Piece::Turn(from, corners[i], to));
        }
        pen = to;
    }
    let end = towards(corners[count - 1], corners[count - 2], course.cut.1);
    if pen != end {
        pieces.push(Piece::Line(pen, end));
    }
    pieces
}

/// The point so far from `a` on the way to `b`.
fn towards(a: Point, b: Point, distance: i32) -> Point {
    (
        a.0 + (b.0 - a.0).signum() * distance,
        a.1 + (b.1 - a.1).signum() * distance,
    )
}

/// Where level wires run on behind upright ones: the x of the crossings, by y. Where any wire turns is none.
fn bridges(courses: &[Course]) -> BTreeMap<i32, BTreeSet<i32>> {
    let mut joints: BTreeSet<Point> = BTreeSet::new();
    let (mut level, mut upright) = (BTreeSet::new(), BTreeSet::new());
    for course in courses {
        let corners = &course.corners;
        joints.extend(corners.iter().skip(1).take(corners.len().saturating_sub(2)));
        for pair in corners.windows(2) {
            let (a, b) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
            if a.0 == b.0 {
                upright.insert((a.0, a.1, b.1));
            } else {
                level.insert((a.1, a.0, b.0));
            }
        }
    }
    let mut bridges: BTreeMap<i32, BTreeSet<i32>> = BTreeMap::new();
    for &(y, left, right) in &level {
        for &(x, top, bottom) in &upright {
            let crosses = left < x && x < right && top < y && y < bottom;
            if crosses && !joints.contains(&(x, y)) {
                bridges.entry(y).or_default().insert(x);
            }
        }
    }
    bridges
}

/// Stretches of one line that do not overlap, each with its strongest owner, in order.
fn settled(taken: &[(i32, i32, Owner)]) -> Vec<(i32, i32, Owner)> {
    let ends: BTreeSet<i32> = taken.iter().flat_map(|&(a, b, _)| [a, b]).collect();
    let ends: Vec<i32> = ends.into_iter().collect();
    let mut settled: Vec<(i32, i32, Owner)> = Vec::new();
    for pair in ends.windows(2) {
        let over = taken
            .iter()
            .filter(|(a, b, _)| *a <= pair[0] && pair[1] <= *b);
        let Some(owner) = over.map(|&(_, _, owner)| owner).reduce(stronger) else {
            continue;
        };
        match settled.last_mut() {
            Some((_, end, known)) if *end == pair[0] && *known == owner => *end = pair[1],
            _ => settled.push((pair[0], pair[1], owner)),
        }
    }
    settled
}

/// What is left of a stretch when so much is taken out to both sides of every gap.
fn without(from: i32, to: i32, gaps: &BTreeSet<i32>, half: i32) -> Vec<(i32, i32)> {
    let mut left = Vec::new();
    let mut start = from;
    for &gap in gaps.range(from - half..=to + half) {
        if gap - half > start {
            left.push((start, gap - half));
        }
        start = start.max(gap + half);
    }
    if start < to {
        left.push((start, to));
    }
    left
}

/// Joins pieces that meet at their ends.
fn chains(mut left: Vec<Piece>) -> Vec<Vec<Piece>> {
    left.sort_unstable();
    let mut chains = Vec::new();
    while let Some(first) = left.first().copied() {
        left.remove(0);
        let mut chain = vec![first];
        loop {
            let end = chain.last().map_or(first.ends().1, |piece| piece.ends().1);
            if let Some(at) = left
                .iter()
                .position(|p| p.ends().0 == end || p.ends().1 == end)
            {
                let piece = left.remove(at);
                let turned = piece.ends().0 != end;
                chain.push(if turned { piece.reversed() } else { piece });
                continue;
            }
            let start = chain[0].ends().0;
            let Some(at) = left
                .iter()
                .position(|p| p.ends().0 == start || p.ends().1 == start)
            else {
                break;
            };
            let piece = left.remove(at);
            let turned = piece.ends().1 != start;
            chain.insert(0, if turned { piece.reversed() } else { piece });
        }
        chains.push(chain);
    }
    chains
}

fn written(chain: &[Piece]) -> String {
    let mut path = String::new();
    if let Some(first) = chain.first() {
        let (x, y) = first.ends().0;
        let _ = write!(path, "M{x} {y}");
    }
    for piece in chain {
        let _ = match *piece {
            Piece::Line(a, b) if a.0 == b.0 => write!(path, "V{}", b.1),
            Piece::Line(_, b) => write!(path, "H{}", b.0),
            Piece::Turn(_, corner, to) => {
                write!(path, "Q{} {} {} {}", corner.0, corner.1, to.0, to.1)
            }
        };
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANNER: Manner = Manner { radius: 5, gap: 3 };

    fn course(corners: &[Point], state: State, trunk: usize) -> Course {
        Course {
            corners: corners.to_vec(),
            cut: (0, 0),
            state,
            trunk,
        }
    }

    #[test]
    fn a_turn_is_rounded_off_and_the_cut_left_blank() {
        let mut wire = course(&[(0, 0), (20, 0), (20, 40), (50, 40)], State::Plain, 0);
        wire.cut = (2, 8);
        let ink = strokes(std::slice::from_ref(&wire), MANNER);
        assert_eq!(ink.len(), 1);
        assert_eq!(ink[0].path, "M2 0H15Q20 0 20 5V35Q20 40 25 40H42");
        assert_eq!(whole(&wire, MANNER), "M0 0H15Q20 0 20 5V35Q20 40 25 40H50");
    }

    #[test]
    fn what_two_wires_share_is_drawn_once_and_in_the_stronger_state() {
        let ink = strokes(
            &[
                course(&[(0, 0), (100, 0)], State::Plain, 0),
                course(&[(0, 0), (50, 0), (50, 40), (100, 40)], State::Missing, 1),
            ],
            MANNER,
        );
        let told: Vec<(State, &str)> = ink.iter().map(|s| (s.state, s.path.as_str())).collect();
        assert_eq!(
            told,
            [
                (State::Missing, "M45 0Q50 0 50 5V35Q50 40 55 40H100"),
                (State::Plain, "M0 0H100"),
            ]
        );
    }

    #[test]
    fn a_level_wire_runs_on_behind_an_upright_one_but_not_where_one_turns() {
        let across = course(&[(0, 20), (100, 20)], State::Plain, 0);
        let down = course(&[(0, 0), (50, 0), (50, 40), (100, 40)], State::Plain, 1);
        let ink = strokes(&[across.clone(), down.clone()], MANNER);
        assert_eq!(ink[0].path, "M0 20H47M53 20H100");
        let joins = course(&[(0, 20), (50, 20), (50, 40), (100, 40)], State::Plain, 1);
        let ink = strokes(&[across, down, joins], MANNER);
        assert_eq!(ink[0].path, "M0 20H100");
    }
}
