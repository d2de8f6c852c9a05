//! What a caller may ask a matrix: which pair a cell stands for, where a pair is, and who is called by whom.

use std::collections::BTreeSet;

use super::fit::Form;
use super::table::{Mark, sign};
use crate::graph::Direction;
use crate::graph::scene::{BoxView, Ink, Rect, Scene};
use crate::graph::truth::Report;

/// What a matrix knows beside its cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::graph) struct View {
    /// Keys with their row of cells, downwards.
    pub(super) rows: Vec<(String, i32)>,
    /// Keys with their column of cells, from the left.
    pub(super) columns: Vec<(String, i32)>,
    /// Cells from one column to the next.
    pub(super) pitch: i32,
    /// By row, each sorted by column.
    pub(super) marks: Vec<Vec<Mark>>,
    pub(super) note: Option<String>,
    /// The cells that headings take, at the left and above.
    pub(super) heads: (i32, i32),
    /// Every row and column there could be, in order, with those left out.
    pub(super) order: [Vec<String>; 2],
    /// The pane and the form chosen for it.
    pub(super) pane: (u16, u16),
    pub(super) form: Form,
}

impl View {
    fn row(&self, key: &str) -> Option<usize> {
        self.rows.iter().position(|(known, _)| known == key)
    }

    fn column(&self, key: &str) -> Option<usize> {
        self.columns.iter().position(|(known, _)| known == key)
    }
}

impl Scene {
    /// Whether this is a matrix rather than a map.
    pub fn is_grid(&self) -> bool {
        self.grid.is_some()
    }

    /// The keys of caller and callee of a cell of a matrix, connected or not. `None` on headings, lines and maps.
    pub fn pair_at(&self, x: i32, y: i32) -> Option<(&str, &str)> {
        let grid = self.grid.as_ref()?;
        let row = grid.rows.binary_search_by_key(&y, |&(_, y)| y).ok()?;
        let after = grid.columns.partition_point(|&(_, start)| start <= x);
        let (to, start) = grid.columns.get(after.checked_sub(1)?)?;
        // The gap behind a sign belongs to it, for a mouse that does not hit exactly.
        (x < start + grid.pitch).then(|| (grid.rows[row].0.as_str(), to.as_str()))
    }

    /// The cell of a caller and a callee in a matrix. `None` when either is not listed, and on maps.
    pub fn pair_rect(&self, from: &str, to: &str) -> Option<Rect> {
        let grid = self.grid.as_ref()?;
        Some(Rect {
            x: grid.columns[grid.column(to)?].1,
            y: grid.rows[grid.row(from)?].1,
            width: 1,
            height: 1,
        })
    }

    /// The keys of those a caller has a sign for in a matrix, whatever its state, from left to right.
    pub fn peers(&self, from: &str) -> Vec<&str> {
        let Some(grid) = &self.grid else {
            return Vec::new();
        };
        let marks = grid.row(from).map(|row| &grid.marks[row]);
        let key = |mark: &Mark| grid.columns[mark.column].0.as_str();
        marks.into_iter().flatten().map(key).collect()
    }

    /// The keys of those that have a sign for a callee in a matrix, whatever its state, downwards.
    pub fn callers(&self, to: &str) -> Vec<&str> {
        let Some(grid) = &self.grid else {
            return Vec::new();
        };
        let Some(column) = grid.column(to) else {
            return Vec::new();
        };
        let ties = |marks: &[Mark]| marks.binary_search_by_key(&column, |m| m.column).is_ok();
        let rows = grid.rows.iter().zip(&grid.marks);
        rows.filter(|(_, marks)| ties(marks))
            .map(|((key, _), _)| key.as_str())
            .collect()
    }

    /// Columns at the left and rows above that hold the headings of a matrix: what should stay in sight while it is panned.
    pub fn heads(&self) -> Option<(i32, i32)> {
        self.grid.as_ref().map(|grid| grid.heads)
    }

    /// What the picture leaves out, in one line, as it stands below it.
    pub fn note(&self) -> Option<&str> {
        self.grid.as_ref()?.note.as_deref()
    }

    pub(in crate::graph) fn step_in_grid(&self, from: &str, direction: Direction) -> Option<&str> {
        let row = |y: i32| self.boxes.iter().find(|b| b.column == 0 && b.rect.y == y);
        let rows = || self.boxes.iter().filter(|b| b.column == 0);
        let columns = || self.boxes.iter().filter(|b| b.column == 1);
        let first_row = || rows().min_by_key(|b| b.rect.y);
        let first_column = || columns().min_by_key(|b| b.rect.x);
        let Some(here) = self.find(from) else {
            return first_row().or_else(first_column).map(|b| b.id.as_str());
        };
        let found: Option<&BoxView> = match (here.column, direction) {
            (0, Direction::Up) => rows()
                .filter(|b| b.rect.y < here.rect.y)
                .max_by_key(|b| b.rect.y),
            (0, Direction::Down) => rows()
                .filter(|b| b.rect.y > here.rect.y)
                .min_by_key(|b| b.rect.y),
            (0, Direction::Left) | (_, Direction::Up) => None,
            (0, Direction::Right) => {
                let peer = self.peers(&here.key).into_iter().next();
                peer.and_then(|key| columns().find(|b| b.key == key))
                    .or_else(first_column)
            }
            (_, Direction::Right) => columns()
                .filter(|b| b.rect.x > here.rect.x)
                .min_by_key(|b| b.rect.x),
            (_, Direction::Left | Direction::Down) => {
                let beside = columns().filter(|b| b.rect.x < here.rect.x);
                let beside = beside
                    .max_by_key(|b| b.rect.x)
                    .filter(|_| direction == Direction::Left);
                let caller = || {
                    let key = self.callers(&here.key).into_iter().next();
                    key.and_then(|key| self.pair_rect(key, &here.key))
                        .and_then(|rect| row(rect.y))
                };
                beside.or_else(caller).or_else(first_row)
            }
        };
        found.map(|b| b.id.as_str())
    }
}

/// Reads a matrix back cell by cell; `None` for a map.
///
/// A false path is a sign in a cell that no drawn edge belongs to; an edge is missing when its cell shows no sign of a
/// state, or names another edge.
pub(in crate::graph) fn check(scene: &Scene) -> Option<Report> {
    let grid = scene.grid.as_ref()?;
    let mut report = Report::default();
    let mut shown = BTreeSet::new();
    for (row, (from, y)) in grid.rows.iter().enumerate() {
        for (column, (to, x)) in grid.columns.iter().enumerate() {
            let mark = &grid.marks[row]
                .binary_search_by_key(&column, |m| m.column)
                .ok()
                .map(|at| &grid.marks[row][at]);
            let cell = scene.cell(*x, *y).filter(|cell| cell.ink == Ink::Mark);
            let signed = cell.is_some_and(|cell| is_sign(cell.glyph));
            match mark {
                Some(mark) if signed && cell.is_some_and(|c| c.edges == mark.edges) => {
                    shown.extend(mark.edges.iter().copied());
                }
                None if signed => {
                    report
                        .false_paths
                        .push((from.clone(), to.clone(), String::new()));
                }
                _ => {}
            }
        }
    }
    report
        .missing
        .extend(scene.drawn.iter().filter(|edge| !shown.contains(*edge)));
    Some(report)
}

/// Whether a sign tells of an edge.
fn is_sign(glyph: char) -> bool {
    !matches!(glyph, ' ' | sign::OPEN | sign::ITSELF | sign::NOTHING)
}
