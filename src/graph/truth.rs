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
    let mut reader = Reader::new(scene);
    let mut false_paths = BTreeSet::new();
    let mut missing = BTreeSet::new();
    let mut pins_of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (i, port) in scene.ports.iter().enumerate().filter(|(_, p)| !p.exit) {
        for &edge in &port.edges {
            pins_of.entry(edge).or_default().push(i);
        }
    }
    let mut drawn = BTreeSet::new();
    for exit in scene.ports.iter().filter(|p| p.exit) {
        reader.follow(exit);
        let wanted = exit.edges.iter().filter_map(|edge| pins_of.get(edge));
        let wanted: BTreeSet<usize> = wanted.flatten().copied().collect();
        for &pin in reader.reached.difference(&wanted) {
            let (from, to) = (&scene.boxes[exit.node], &scene.boxes[scene.ports[pin].node]);
            false_paths.insert((
                from.id.clone(),
                to.id.clone(),
                scene.ports[pin].label.clone(),
            ));
        }
        for &pin in wanted.difference(&reader.reached) {
            missing.extend(
                scene.ports[pin]
                    .edges
                    .iter()
                    .filter(|e| exit.edges.contains(e)),
            );
        }
        drawn.extend(exit.edges.iter().copied());
    }
    missing.extend(scene.drawn.iter().filter(|e| !drawn.contains(e)));
    Report {
        false_paths: false_paths.into_iter().collect(),
        missing: missing.into_iter().collect(),
    }
}

/// Where a reader's eye is, and which way it goes.
#[derive(Clone, Copy)]
struct Eye {
    x: i32,
    y: i32,
    heading: usize,
    /// It has gone up or down.
    turned: bool,
}

/// Somebody who follows one wire after the other.
struct Reader<'a> {
    scene: &'a Scene,
    /// Pins by where they are: the cell, and whether the wire comes from the right.
    pins: BTreeMap<(i32, i32, bool), usize>,
    /// By cell, as bits by heading and whether it has turned: whether it was there on this wire.
    seen: Vec<u8>,
    /// The cells in which it was on this wire.
    touched: Vec<usize>,
    stack: Vec<Eye>,
    reached: BTreeSet<usize>,
}

impl<'a> Reader<'a> {
    fn new(scene: &'a Scene) -> Self {
        let pins = scene.ports.iter().enumerate().filter(|(_, p)| !p.exit);
        Self {
            scene,
            pins: pins.map(|(i, p)| ((p.x, p.y, p.right()), i)).collect(),
            seen: vec![0; scene.cells.len()],
            touched: Vec::new(),
            stack: Vec::new(),
            reached: BTreeSet::new(),
        }
    }

    /// Collects the pins that are reached from an exit.
    fn follow(&mut self, exit: &PortView) {
        let scene = self.scene;
        let start = if exit.right() { EAST } else { WEST };
        for at in self.touched.drain(..) {
            self.seen[at] = 0;
        }
        self.reached.clear();
        self.stack.clear();
        self.stack.push(Eye {
            x: exit.x,
            y: exit.y,
            heading: start,
            turned: false,
        });
        while let Some(eye) = self.stack.pop() {
            let Eye {
                x,
                y,
                heading,
                turned,
            } = eye;
            if scene.cell(x, y).is_none() {
                continue;
            }
            let at = super::index(y) * super::index(scene.width) + super::index(x);
            let bit = 1u8 << (heading * 2 + usize::from(turned));
            let seen = &mut self.seen[at];
            if *seen & bit > 0 {
                continue;
            }
            *seen |= bit;
            self.touched.push(at);
            // A wire within a column comes out of a left side and goes back into one.
            let level = if exit.around && turned { EAST } else { start };
            let (nx, ny) = (x + MOVES[heading].0, y + MOVES[heading].1);
            let Some(cell) = scene.cell(nx, ny) else {
                continue;
            };
            if cell.ink != Ink::Wire {
                if heading == level
                    && let Some(&pin) = self.pins.get(&(nx, ny, heading == WEST))
                    && tip_is_right(scene, &scene.ports[pin], (x, y))
                {
                    self.reached.insert(pin);
                }
                continue;
            }
            let Some(ahead) = ways(scene, cell, nx, ny, heading) else {
                continue;
            };
            for (next, _) in ahead.into_iter().enumerate().filter(|(_, open)| *open) {
                let upright = next % 2 == 0;
                let level = if exit.around { EAST } else { start };
                if next == heading || upright || next == level {
                    self.stack.push(Eye {
                        x: nx,
                        y: ny,
                        heading: next,
                        turned: turned || (upright && next != heading),
                    });
                }
            }
        }
    }
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
fn ways(scene: &Scene, cell: &Cell, x: i32, y: i32, heading: usize) -> Option<[bool; 4]> {
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
        let mut ahead = [false; 4];
        ahead[heading] = true;
        return Some(ahead);
    }
    if !open[back] {
        return None;
    }
    let leaves = |next: usize| {
        next != back && open[next] && !(mark && heading.is_multiple_of(2) && next != heading)
    };
    Some(std::array::from_fn(leaves))
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
