//! Follows every wire of a scene cell by cell, the way a reader does, and compares with the edges it stands for.
//!
//! The reader goes level only in the direction of the arrow, upright both ways, straight behind a bridge, and never leaves
//! a trunk at a dot: a dot is an on-ramp. Sharing trunks could show connections that no policy allows; this check is the
//! promise that none is shown and none is lost. It looks at the glyphs alone, so a wrong glyph fails it.

use std::collections::{BTreeMap, BTreeSet};

use super::canvas::{EAST, MOVES, NORTH, SOUTH, WEST, arms};
use super::scene::{Cell, Ink, PortView, Scene};

/// What a reader would get wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Paths that can be followed although no drawn edge takes them: box ids and the ports at the pin.
    pub false_paths: Vec<(String, String, String)>,
    /// Drawn edges that cannot be followed to their pin, as indices into [`Graph::edges`](super::Graph::edges).
    pub missing: Vec<usize>,
}

impl Report {
    pub fn is_clean(&self) -> bool {
        self.false_paths.is_empty() && self.missing.is_empty()
    }
}

/// Reads a scene back. Takes time in proportion to the length of all wires.
pub fn check(scene: &Scene) -> Report {
    if let Some(report) = super::grid::check(scene) {
        return report;
    }
    let mut false_paths = BTreeSet::new();
    let mut missing = BTreeSet::new();
    let mut pins: BTreeMap<(i32, i32, bool), usize> = BTreeMap::new();
    for (i, port) in scene.ports.iter().enumerate() {
        if !port.exit {
            pins.insert((port.x, port.y, port.right()), i);
        }
    }
    for exit in scene.ports.iter().filter(|p| p.exit) {
        let reached = follow(scene, &pins, exit);
        let wanted: BTreeSet<usize> = (0..scene.ports.len())
            .filter(|&p| {
                !scene.ports[p].exit && scene.ports[p].edges.iter().any(|e| exit.edges.contains(e))
            })
            .collect();
        for &pin in reached.difference(&wanted) {
            let (from, to) = (&scene.boxes[exit.node], &scene.boxes[scene.ports[pin].node]);
            false_paths.insert((
                from.id.clone(),
                to.id.clone(),
                scene.ports[pin].label.clone(),
            ));
        }
        for &pin in wanted.difference(&reached) {
            missing.extend(
                scene.ports[pin]
                    .edges
                    .iter()
                    .filter(|e| exit.edges.contains(e)),
            );
        }
    }
    let drawn: BTreeSet<usize> = scene
        .ports
        .iter()
        .filter(|p| p.exit)
        .flat_map(|p| p.edges.iter().copied())
        .collect();
    missing.extend(scene.drawn.iter().filter(|e| !drawn.contains(e)));
    Report {
        false_paths: false_paths.into_iter().collect(),
        missing: missing.into_iter().collect(),
    }
}

/// The pins a reader reaches from an exit.
fn follow(
    scene: &Scene,
    pins: &BTreeMap<(i32, i32, bool), usize>,
    exit: &PortView,
) -> BTreeSet<usize> {
    let start = if exit.right() { EAST } else { WEST };
    let mut reached = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut stack = vec![(exit.x, exit.y, start, false)];
    while let Some((x, y, heading, turned)) = stack.pop() {
        if !seen.insert((x, y, heading, turned)) {
            continue;
        }
        // A wire within a column comes out of a left side and goes back into one.
        let level = if exit.around && turned { EAST } else { start };
        let (nx, ny) = (x + MOVES[heading].0, y + MOVES[heading].1);
        if let Some(&pin) = pins
            .get(&(nx, ny, heading == WEST))
            .filter(|_| heading == level)
        {
            if tip_is_right(scene, &scene.ports[pin], (x, y)) {
                reached.insert(pin);
            }
            continue;
        }
        let Some(cell) = scene.cell(nx, ny).filter(|c| c.ink == Ink::Wire) else {
            continue;
        };
        let Some(ahead) = ways(scene, cell, nx, ny, heading) else {
            continue;
        };
        for next in ahead {
            if next == heading {
                stack.push((nx, ny, next, turned));
            } else if next % 2 == 0 {
                stack.push((nx, ny, next, true));
            } else if next == if exit.around { EAST } else { start } {
                stack.push((nx, ny, next, turned));
            }
        }
    }
    reached
}

/// An open pin shows an arrow tip; at a denied one the wire is cut in the cell before.
fn tip_is_right(scene: &Scene, pin: &PortView, before: (i32, i32)) -> bool {
    let glyph = |x, y| scene.cell(x, y).map(|c| c.glyph);
    if pin.denied {
        glyph(before.0, before.1) == Some('╳')
    } else {
        glyph(pin.x, pin.y) == Some(if pin.right() { '◄' } else { '►' })
    }
}

/// Where a reader may go on from a cell, having come in with this heading; `None` when the wire does not lead in here.
fn ways(scene: &Scene, cell: &Cell, x: i32, y: i32, heading: usize) -> Option<Vec<usize>> {
    let back = (heading + 2) % 4;
    let mark = matches!(cell.glyph, '●' | '○' | '◆' | '?' | '╳');
    let open = if mark {
        marked(scene, cell, x, y)
    } else {
        arms(cell.glyph)?
    };
    let upright = open == [true, false, true, false];
    if !mark && upright && heading % 2 == 1 {
        // A bridge: the level wire runs on behind the upright one.
        return Some(vec![heading]);
    }
    if !open[back] {
        return None;
    }
    let leaves = |&next: &usize| {
        next != back && open[next] && !(mark && heading.is_multiple_of(2) && next != heading)
    };
    Some((0..4).filter(leaves).collect())
}

/// The arms behind a mark: always level, and upright where a wire comes to a joint from above or below.
fn marked(scene: &Scene, cell: &Cell, x: i32, y: i32) -> [bool; 4] {
    let points = |side: usize| {
        cell.joint
            && scene
                .cell(x + MOVES[side].0, y + MOVES[side].1)
                .filter(|c| c.ink == Ink::Wire)
                .is_some_and(|c| {
                    matches!(c.glyph, '●' | '○' | '◆' | '?') && c.joint
                        || arms(c.glyph).is_some_and(|a| a[(side + 2) % 4])
                })
    };
    [points(NORTH), true, points(SOUTH), true]
}
