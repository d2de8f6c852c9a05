//! When a map has become hard to follow, and the matrix would be easier.

use crate::graph::canvas::{EAST, WEST, arms};
use crate::graph::scene::{Cell, Ink, Scene};

/// Crossings a box from which on following wires is work.
const TANGLED: usize = 3;

impl Scene {
    /// How often a wire of a map passes behind another. None in a matrix.
    pub fn crossings(&self) -> usize {
        (0..self.height).map(|y| self.crossings_in_row(y)).sum()
    }

    /// Whether the matrix is worth a try: wires of the map cross more than about three times a box.
    pub fn is_tangled(&self) -> bool {
        self.crossings() > TANGLED * self.boxes.len()
    }

    /// Walks along a row as a reader does: a level wire that meets an upright one goes on behind it.
    fn crossings_in_row(&self, y: i32) -> usize {
        let (mut count, mut behind, mut inside) = (0, 0, false);
        for cell in (0..self.width).filter_map(|x| self.cell(x, y)) {
            let (west, east) = level(cell);
            if is_upright(cell) {
                behind += usize::from(inside);
                continue;
            }
            if inside && west {
                count += behind;
            }
            behind = 0;
            inside = east;
        }
        count
    }
}

fn is_upright(cell: &Cell) -> bool {
    cell.ink == Ink::Wire && !cell.joint && arms(cell.glyph) == Some([true, false, true, false])
}

/// Whether a wire goes on to the left and to the right.
fn level(cell: &Cell) -> (bool, bool) {
    match (cell.ink, cell.glyph) {
        // Marks stand on level wires.
        (Ink::Wire, '●' | '○' | '◆' | '?' | '╳') => (true, true),
        (Ink::Wire, glyph) => arms(glyph).map_or((false, false), |a| (a[WEST], a[EAST])),
        // Tips end a wire, and stubs begin one.
        (Ink::Port, '►') | (Ink::Border, '╴' | '┤' | '╢') => (true, false),
        (Ink::Port, '◄') | (Ink::Border, '╶' | '├' | '╟') => (false, true),
        _ => (false, false),
    }
}
