//! The graph pane: one of the views of the graph, with the selection and its edges brought out.

mod marks;
mod window;
mod words;

use std::sync::Arc;

use ratatui::layout::Rect;

use crate::graph::Scene;
use crate::text;

use super::app::{App, Hit};
use super::draw::Hits;
use super::layout::Pane;
use super::pen::Pen;
use super::view::{Line, Tone, plain};

use marks::Marks;
pub(super) use window::Window;

pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, app: &App, hits: &mut Hits) {
    let title = words::title(app);
    let used = text::width(&plain(&title)) + 10;
    let note = words::note(app, usize::from(area.width).saturating_sub(used));
    hits.add(area, Hit::Pane(Pane::Graph));
    let padded = pen.frame(area, &title, &note, app.focus == Pane::Graph);
    let picture = app.picture.as_ref();
    let Some(picture) = picture.filter(|picture| !picture.drawn.scene.boxes().is_empty()) else {
        let (what, then) = words::empty(app);
        let row = (padded.height / 2).saturating_sub(1);
        pen.text(padded, 1, row, what, pen.theme.tone(Tone::Name));
        pen.text(padded, 1, row + 1, then, pen.theme.tone(Tone::Plain));
        return;
    };
    let (Some(window), Some(marks)) = (Window::of(app, area), Marks::of(app)) else {
        return;
    };
    let scene = &picture.drawn.scene;
    cells(pen, &window, scene, &marks);
    mark_cuts(pen, area, &window, scene);
    hits.picture(window, Arc::clone(picture));
    foot(pen, area, app, scene);
}

/// Copies the cells that are in sight.
fn cells(pen: &mut Pen<'_>, window: &Window, scene: &Scene, marks: &Marks) {
    let inner = window.inner.intersection(pen.buffer.area);
    for row in 0..inner.height {
        for column in 0..inner.width {
            let at = window.shown(column, row);
            let Some(cell) = scene.cell(at.0, at.1).filter(|cell| cell.glyph != ' ') else {
                continue;
            };
            let glyph = if pen.theme.ascii {
                cell.ascii()
            } else {
                safe(cell.glyph)
            };
            pen.buffer[(inner.x + column, inner.y + row)]
                .set_char(glyph)
                .set_style(marks.style(cell, at));
        }
    }
}

/// Names come from outside: what would not take exactly one cell has no place in a picture.
fn safe(glyph: char) -> char {
    let is_usual = glyph.is_ascii_graphic() || ('\u{2500}'..='\u{25ff}').contains(&glyph);
    let is_one = || !glyph.is_control() && text::width(glyph.encode_utf8(&mut [0; 4])) == 1;
    if is_usual || is_one() { glyph } else { '?' }
}

/// Says where the picture goes on outside the pane: `…` in rows, arrows in the border above and below.
fn mark_cuts(pen: &mut Pen<'_>, area: Rect, window: &Window, scene: &Scene) {
    let style = pen.theme.tone(Tone::Plain);
    let inner = window.inner;
    let inked = |x: i32, y: i32| scene.cell(x, y).is_some_and(|cell| cell.glyph != ' ');
    let (left, right) = window.hidden_columns();
    for row in 0..inner.height {
        let (_, y) = window.shown(0, row);
        if left.clone().any(|x| inked(x, y)) {
            pen.text(inner, 0, row, "…", style);
        }
        if right.clone().any(|x| inked(x, y)) {
            pen.text(inner, inner.width - 1, row, "…", style);
        }
    }
    // Beside what titles and notes may use.
    let (above, below) = window.hidden_rows();
    if above > 0 {
        pen.text(area, 1, 0, "↑", style);
    }
    if below > 0 {
        pen.text(area, 1, area.height - 1, "↓", style);
    }
}

/// The lower border: what is selected in words, or what must be known, and the legend where there is room for both.
fn foot(pen: &mut Pen<'_>, area: Rect, app: &App, scene: &Scene) {
    let room = usize::from(area.width).saturating_sub(6);
    let width = |line: &Line| text::width(&plain(line));
    let remarks = words::remarks(app);
    let fitting = remarks.iter().find(|line| width(line) <= room);
    let remark = fitting.or(remarks.last());
    let used = remark.map_or(0, |line| width(line) + 4);
    let legends = words::legends(scene);
    let mut legends = legends.iter();
    if let Some(legend) = legends.find(|legend| used + width(legend) <= room) {
        pen.footnote(area, legend);
    }
    if let Some(remark) = remark {
        pen.footnote_left(area, remark);
    }
}
