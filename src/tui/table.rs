//! The table pane: a row a workload, or the flows of one.

mod cells;
mod flows;

use ratatui::layout::Rect;

use crate::source::Link;
use crate::text;

use super::app::{App, Hit};
use super::draw::Hits;
use super::header;
use super::layout::Pane;
use super::pen::Pen;
use super::theme::Theme;
use super::trouble;
use super::view::{Row, Tone, span};

use cells::{Widths, cell, wrapped};

pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, app: &App, hits: &mut Hits) {
    hits.add(area, Hit::Pane(Pane::Table));
    match &app.view.flows {
        Some(flows) => flows::draw(pen, area, app, flows, hits),
        None => draw_workloads(pen, area, app, hits),
    }
}

/// What stands in a line of the table.
enum Entry {
    Namespace(String),
    /// Counted among the shown rows.
    Row(usize),
}

fn draw_workloads(pen: &mut Pen<'_>, area: Rect, app: &App, hits: &mut Hits) {
    let title = [span("Table", Tone::Plain)];
    let note = format!(
        "{}{} · {} of {}",
        trouble::mark(app),
        header::scope(app),
        app.shown.len(),
        app.total()
    );
    let inner = pen.frame(area, &title, &note, app.focus == Pane::Table);
    let rows = &app.view.rows;
    let widths = Widths::of(rows, inner, app.headings());
    let faint = pen.theme.tone(Tone::Faint);
    pen.text(inner, 1, 0, "WORKLOAD", faint);
    pen.text(inner, widths.ingress_at(), 0, "INGRESS", faint);
    pen.text(inner, widths.egress_at(), 0, "EGRESS", faint);
    if app.shown.is_empty() {
        empty(pen, inner, app);
        return;
    }
    let body = below(inner);
    let mut entries = Vec::new();
    let headings = app.headings() > 0;
    let mut namespace = None;
    for (line, index) in app.shown.iter().enumerate() {
        let row = &rows[*index];
        if headings && namespace != Some(&row.namespace) {
            namespace = Some(&row.namespace);
            entries.push(Entry::Namespace(row.namespace.clone()));
        }
        entries.push(Entry::Row(line));
    }
    // Where rows are left, cells are wrapped instead of cut.
    let room = usize::from(body.height);
    let needed: usize = entries
        .iter()
        .map(|entry| match entry {
            Entry::Namespace(_) => 1,
            Entry::Row(line) => widths.lines(&rows[app.shown[*line]]),
        })
        .take(room + 1)
        .sum();
    let wraps = entries.len() <= room && needed <= room;
    let cursor = app.cursor();
    let at = entries
        .iter()
        .position(|entry| matches!(entry, Entry::Row(line) if Some(*line) == cursor))
        .unwrap_or(0);
    let first = first_shown(at, entries.len(), room);
    let mut y = 0;
    for entry in entries.iter().skip(first).take(room) {
        match entry {
            Entry::Namespace(name) => {
                let at = pen.text(body, 0, y, &format!("{name} "), pen.theme.tone(Tone::Faint));
                let rule = "─".repeat(usize::from(body.width.saturating_sub(at)));
                pen.text(body, at, y, &rule, pen.theme.tone(Tone::Faint));
                y += 1;
            }
            Entry::Row(line) => {
                let selected = Some(*line) == cursor;
                let row = &rows[app.shown[*line]];
                let lines = if wraps { widths.lines(row) } else { 1 };
                let lines = u16::try_from(lines).unwrap_or(1);
                workload(pen, body, y, row, &widths, (selected, wraps));
                for y in y..y + lines {
                    if selected && app.focus == Pane::Table {
                        pen.select(body, y);
                    }
                }
                hits.add(
                    Rect::new(body.x, body.y + y, body.width, lines),
                    Hit::Line(*line),
                );
                y += lines;
            }
        }
    }
    more(pen, area, first, entries.len(), body.height);
}

/// Says in the lower border that there is more above or below.
pub(super) fn more(pen: &mut Pen<'_>, area: Rect, first: usize, total: usize, height: u16) {
    let behind = total.saturating_sub(first + usize::from(height));
    let words = match (first, behind) {
        (0, 0) => return,
        (above, 0) => format!("… {above} above"),
        (0, below) => format!("… {below} more"),
        (above, below) => format!("… {above} above, {below} more"),
    };
    pen.footnote(area, &[span(words, Tone::Plain)]);
}

/// Keeps the cursor in sight, a little before the end.
pub(super) fn first_shown(cursor: usize, total: usize, height: usize) -> usize {
    let most = total.saturating_sub(height);
    let slack = 2.min(height / 3);
    (cursor + slack + 1).saturating_sub(height).min(most)
}

fn below(inner: Rect) -> Rect {
    Rect {
        y: inner.y + 1.min(inner.height),
        height: inner.height.saturating_sub(1),
        ..inner
    }
}

fn workload(
    pen: &mut Pen<'_>,
    area: Rect,
    y: u16,
    row: &Row,
    widths: &Widths,
    (selected, wraps): (bool, bool),
) {
    if selected {
        pen.text(area, 0, y, "›", Theme::key());
    }
    let name = text::cut_middle(&row.name, widths.name);
    pen.text(
        area,
        1,
        y,
        &name,
        pen.theme
            .tone(if selected { Tone::Name } else { Tone::Plain }),
    );
    for (items, at, cells) in [
        (&row.ingress, widths.ingress_at(), widths.ingress),
        (&row.egress, widths.egress_at(), widths.egress),
    ] {
        let lines = if wraps {
            wrapped(items, cells)
        } else {
            vec![cell(items, cells)]
        };
        for (y, line) in (y..).zip(lines) {
            pen.line(area, at, y, &line);
        }
    }
}

/// Says why there is nothing, and what to do.
fn empty(pen: &mut Pen<'_>, inner: Rect, app: &App) {
    let (what, then) = if app.total() > 0 {
        ("the filter matches nothing", "esc clears it")
    } else if matches!(app.view.link, Link::Loading { .. }) {
        (
            "loading …",
            "rows appear as soon as pods and policies are in",
        )
    } else if app.narrowed() {
        (
            "no flows: nothing is open to it or from it, and nothing names it",
            "esc goes back to the table",
        )
    } else {
        (
            "no workloads in scope",
            "n chooses namespaces, a shows all of them",
        )
    };
    pen.text(inner, 1, 2, what, pen.theme.tone(Tone::Name));
    pen.text(inner, 1, 3, then, pen.theme.tone(Tone::Plain));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_always_in_sight() {
        for total in 1..40 {
            for height in 1..12 {
                for cursor in 0..total {
                    let first = first_shown(cursor, total, height);
                    assert!(
                        first <= cursor && cursor < first + height,
                        "{cursor} of {total} in {height} from {first}"
                    );
                }
            }
        }
    }
}
