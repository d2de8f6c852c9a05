//! How many callees a row has and how many callers a column, and how many of them are findings.

use super::draw::{Sheet, ink};
use super::fit::{self, Form, Measures};
use super::table::{Table, Total, sign};
use crate::graph::scene::{Cell, Ink, Scene};
use crate::graph::{State, cells, names};

fn finding(state: State) -> Cell {
    Cell {
        state: Some(state),
        bold: state == State::Unexpected,
        ..ink(Ink::Total)
    }
}

type Count = fn(&Total) -> usize;

/// The counts of findings, their sign, what they are called and their state.
const FINDINGS: [(Count, char, &str, State); 2] = [
    (
        |t| t.unexpected,
        sign::UNEXPECTED,
        "not expected ",
        State::Unexpected,
    ),
    (|t| t.missing, sign::MISSING, "missing ", State::Missing),
];

/// Counts at the ends of rows: callees allowed, then findings.
pub(super) fn rows(scene: &mut Scene, table: &Table, measures: &Measures<'_>, sheet: &Sheet) {
    for (total, &y) in table.row_totals.iter().zip(&sheet.rows) {
        let mut x = sheet.right + 2;
        let width = fit::digits(measures.row_max.allowed);
        scene.write(
            x,
            y,
            &format!("{:>width$}", total.allowed),
            &ink(Ink::Total),
        );
        x += cells(width);
        for (count, sign, _, state) in FINDINGS {
            let most = count(&measures.row_max);
            if most == 0 {
                continue;
            }
            let width = fit::digits(most);
            if count(total) > 0 {
                let text = format!("{sign}{:<width$}", count(total));
                scene.write(x + 1, y, &text, &finding(state));
            }
            x += cells(width) + 2;
        }
    }
}

/// Counts below the columns, their digits one below the other.
pub(super) fn columns(
    scene: &mut Scene,
    table: &Table,
    measures: &Measures<'_>,
    sheet: &Sheet,
    form: Form,
) {
    let mut y = sheet.bottom + 1;
    let mut below = |scene: &mut Scene, count: Count, like: &Cell, zeros: bool| -> i32 {
        let height = fit::digits(count(&measures.column_max));
        for (total, &x) in table.column_totals.iter().zip(&sheet.columns) {
            let value = count(total);
            if value == 0 && !zeros {
                continue;
            }
            for (i, glyph) in format!("{value:>height$}").chars().enumerate() {
                if glyph != ' ' {
                    let cell = Cell {
                        glyph,
                        ..like.clone()
                    };
                    scene.put(x, y + cells(i), cell);
                }
            }
        }
        y += cells(height);
        y - 1
    };
    below(scene, |t| t.allowed, &ink(Ink::Total), true);
    if !form.down.findings() {
        return;
    }
    for (count, sign, words, state) in FINDINGS {
        if count(&measures.column_max) == 0 {
            continue;
        }
        let like = finding(state);
        let last = below(scene, count, &like, false);
        let x = sheet.left - 2;
        scene.put(
            x,
            last,
            Cell {
                glyph: sign,
                ..like
            },
        );
        let start = x - names::width(words);
        if start >= 0 {
            scene.write(start, last, words, &ink(Ink::Total));
        }
    }
}
