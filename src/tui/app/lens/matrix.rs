//! Moving in the matrix: callers down the side are what is selected, callees across the top are whom it may reach.

use super::wires::Link;
use super::{bare, circle};
use crate::graph::{BoxView, Direction};
use crate::tui::app::App;
use crate::tui::view::Tone;

/// Headings of rows from the top and of columns from the left, by key.
fn headings(app: &App) -> (Vec<String>, Vec<String>) {
    let boxes = app
        .picture
        .as_ref()
        .map_or(&[][..], |picture| picture.drawn.scene.boxes());
    let keys = |column: usize, place: &dyn Fn(&BoxView) -> i32| {
        let mut found: Vec<&BoxView> = boxes.iter().filter(|b| b.column == column).collect();
        found.sort_by_key(|b| place(b));
        found.into_iter().map(|b| b.key.clone()).collect()
    };
    (keys(0, &|b| b.rect.y), keys(1, &|b| b.rect.x))
}

/// The row and the column in which the cross-hair stands.
fn cross(app: &App, rows: &[String], columns: &[String]) -> (Option<usize>, Option<usize>) {
    let at = |keys: &[String], key: &str| keys.iter().position(|known| known == key);
    let key = app.selected_box().map(|found| found.key.as_str());
    let to = app.lens.link.as_ref().map(|link| link.to.as_str());
    let to = to
        .and_then(|to| app.box_of(to))
        .map(|found| found.key.as_str());
    (
        key.and_then(|key| at(rows, key)),
        to.and_then(|to| at(columns, to)),
    )
}

fn select(app: &mut App, row: &str, column: Option<&str>) {
    if app.selected_key() != Some(row) {
        app.select_box(row.to_owned());
    }
    app.lens.pan = None;
    match column {
        Some(column) => app.select_link(Link::between(row, column)),
        None => app.lens.link = None,
    }
}

/// Up and down go through the callers, left and right through all callees.
pub(super) fn step(app: &mut App, direction: Direction) {
    let (rows, columns) = headings(app);
    let (row, column) = cross(app, &rows, &columns);
    let (Some(last_row), last_column) = (rows.len().checked_sub(1), columns.len().checked_sub(1))
    else {
        return;
    };
    let (next_row, next_column) = match (direction, row, column) {
        (Direction::Up, row, column) => (row.map_or(0, |row| row.saturating_sub(1)), column),
        (Direction::Down, row, column) => (row.map_or(0, |row| (row + 1).min(last_row)), column),
        (Direction::Left, row, column) => (
            row.unwrap_or(0),
            column.and_then(|column| column.checked_sub(1)),
        ),
        (Direction::Right, row, Some(column)) => (
            row.unwrap_or(0),
            last_column.map(|last| (column + 1).min(last)),
        ),
        (Direction::Right, row, None) => (row.unwrap_or(0), last_column.map(|_| 0)),
    };
    let column = next_column.map(|column| columns[column].as_str());
    select(app, &rows[next_row], column);
}

/// Goes to the next or previous callee that the selected caller has a sign for.
pub(super) fn walk(app: &mut App, forward: bool) {
    let (rows, columns) = headings(app);
    let (row, column) = cross(app, &rows, &columns);
    let Some(row) = row.map(|row| rows[row].clone()) else {
        if let Some(first) = rows.first() {
            select(app, first, None);
        }
        return;
    };
    let picture = app.picture.clone();
    let peers = picture
        .as_ref()
        .map(|picture| picture.drawn.scene.peers(&row))
        .unwrap_or_default();
    let column = column.map(|column| columns[column].as_str());
    let here = column.and_then(|column| peers.iter().position(|peer| *peer == column));
    match circle(here, peers.len(), forward) {
        Some(next) => {
            let peer = peers[next].to_owned();
            select(app, &row, Some(&peer));
        }
        None => {
            let name = app.node_words(bare(&row));
            app.say(format!("{name} calls nobody"), Tone::Plain);
        }
    }
}
