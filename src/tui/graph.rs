//! The graph pane: the map, with the selection and its edges brought out.

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::graph::{Cell, Ink, Scene, State, Step};
use crate::source::Link;

use super::app::{App, Hit};
use super::draw::Hits;
use super::layout::Pane;
use super::pen::Pen;
use super::theme::Theme;
use super::view::{Line, Picture, Tone, span};

/// Cells kept between the selection and the border when the picture is larger than the pane.
const MARGIN: i32 = 3;

pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, app: &App, hits: &mut Hits) {
    let picture = app.picture.as_ref();
    let detail = picture.map(|picture| match picture.drawn.scene.step_shown() {
        Step::Card | Step::CardDense | Step::CardTight | Step::CardInline => "cards",
        Step::Chip | Step::ChipTight => "chips",
        Step::Mini => "names only",
    });
    let title = [span("Graph", Tone::Plain), span(" · map", Tone::Plain)];
    let note = match (detail, app.classes) {
        (Some(detail), 0) => format!("{detail} · c: DNS hidden"),
        (Some(detail), 1) => format!("{detail} · with DNS"),
        (Some(detail), _) => format!("{detail} · all traffic"),
        (None, _) => String::new(),
    };
    hits.add(area, Hit::Pane(Pane::Graph));
    let padded = pen.frame(area, &title, &note, app.focus == Pane::Graph);
    // A picture may use the columns that text leaves free beside the frame.
    let inner = if padded.is_empty() {
        padded
    } else {
        Rect {
            x: padded.x - 1,
            width: padded.width + 2,
            ..padded
        }
    };
    let Some(picture) = picture.filter(|picture| !picture.drawn.graph.nodes().is_empty()) else {
        let (what, then) = empty(app);
        let row = inner.height / 2;
        pen.text(
            padded,
            1,
            row.saturating_sub(1),
            what,
            pen.theme.tone(Tone::Name),
        );
        pen.text(padded, 1, row, then, pen.theme.tone(Tone::Plain));
        return;
    };
    let (left, top) = offset(&picture.drawn.scene, inner, app.selected.as_deref());
    for row in 0..inner.height {
        for column in 0..inner.width {
            let Some(cell) = picture
                .drawn
                .scene
                .cell(i32::from(column) + left, i32::from(row) + top)
            else {
                continue;
            };
            if cell.glyph == ' ' {
                continue;
            }
            let style = style(pen, picture, cell, app);
            // Names come from outside: what would not take exactly one cell has no place here.
            let glyph = if crate::text::width(cell.glyph.encode_utf8(&mut [0; 4])) == 1
                && !cell.glyph.is_control()
            {
                cell.glyph
            } else {
                '?'
            };
            pen.buffer[(inner.x + column, inner.y + row)]
                .set_char(glyph)
                .set_style(style);
        }
    }
    mark_cuts(pen, area, inner, &picture.drawn.scene, (left, top));
    for drawn in picture.drawn.scene.boxes() {
        if let Some(visible) = on_screen(drawn.rect, inner, left, top) {
            hits.add(visible, Hit::Node(drawn.id.clone()));
        }
    }
    pen.footnote(area, &legend(&picture.drawn.scene));
}

/// What to say where there is no picture, and what to do about it.
fn empty(app: &App) -> (&'static str, &'static str) {
    match (&app.view.link, app.view.rows.is_empty()) {
        (Link::Loading { .. }, _) => (
            "loading …",
            "the graph is drawn as soon as pods and policies are in",
        ),
        (_, true) => (
            "no workloads in scope",
            "n chooses namespaces, a shows all of them",
        ),
        (_, false) if app.view.graph.nodes().is_empty() => (
            "too many connections for a map",
            "narrow it with n, or read the table",
        ),
        (_, false) => ("drawing …", ""),
    }
}

/// The scene position of the pane's upper left cell: centred when it fits, else so that the selection is in sight.
fn offset(scene: &Scene, inner: Rect, selected: Option<&str>) -> (i32, i32) {
    let found = selected
        .and_then(|id| scene.find(id))
        .map(|found| found.rect);
    let along = |size: i32, space: i32, at: Option<(i32, i32)>| {
        if size <= space {
            return -((space - size) / 2);
        }
        let Some((start, length)) = at else { return 0 };
        (start + length + MARGIN - space)
            .max(0)
            .min(start - MARGIN)
            .clamp(0, size - space)
    };
    (
        along(
            scene.width(),
            i32::from(inner.width),
            found.map(|rect| (rect.x, rect.width)),
        ),
        along(
            scene.height(),
            i32::from(inner.height),
            found.map(|rect| (rect.y, rect.height)),
        ),
    )
}

/// Says with `…` where the picture goes on outside the pane.
fn mark_cuts(pen: &mut Pen<'_>, area: Rect, inner: Rect, scene: &Scene, (left, top): (i32, i32)) {
    let (right, bottom) = (left + i32::from(inner.width), top + i32::from(inner.height));
    let inked = |x: i32, y: i32| scene.cell(x, y).is_some_and(|cell| cell.glyph != ' ');
    let style = pen.theme.tone(Tone::Plain);
    for row in 0..inner.height {
        let y = top + i32::from(row);
        if (0..left).any(|x| inked(x, y)) {
            pen.text(inner, 0, row, "…", style);
        }
        if (right..scene.width()).any(|x| inked(x, y)) {
            pen.text(inner, inner.width - 1, row, "…", style);
        }
    }
    let middle = area.width / 2;
    if top > 0 {
        pen.text(area, middle, 0, "…", style);
    }
    if bottom < scene.height() {
        pen.text(area, middle, area.height - 1, "…", style);
    }
}

fn on_screen(rect: crate::graph::Rect, inner: Rect, left: i32, top: i32) -> Option<Rect> {
    let x0 = (rect.x - left).max(0);
    let y0 = (rect.y - top).max(0);
    let x1 = (rect.x + rect.width - left).min(i32::from(inner.width));
    let y1 = (rect.y + rect.height - top).min(i32::from(inner.height));
    let cells = |value: i32| u16::try_from(value).ok();
    let visible = Rect::new(
        inner.x + cells(x0)?,
        inner.y + cells(y0)?,
        cells(x1 - x0)?,
        cells(y1 - y0)?,
    );
    (!visible.is_empty()).then_some(visible)
}

fn style(pen: &Pen<'_>, picture: &Picture, cell: &Cell, app: &App) -> Style {
    let theme = pen.theme;
    let selected_box = cell
        .node
        .and_then(|index| picture.drawn.scene.boxes().get(index))
        .is_some_and(|drawn| {
            let here = app.selected.as_deref();
            here == Some(drawn.id.as_str()) || here == Some(drawn.key.as_str())
        });
    let key = app.selected_key();
    let touched = cell
        .edges
        .iter()
        .filter_map(|index| picture.drawn.graph.edges().get(*index))
        .any(|edge| Some(edge.from.as_str()) == key || Some(edge.to.as_str()) == key);
    let bold = |style: Style| style.add_modifier(Modifier::BOLD);
    match cell.ink {
        Ink::FrameTitle => theme.tone(Tone::Plain).add_modifier(Modifier::ITALIC),
        Ink::Name if selected_box => bold(Theme::selected()),
        Ink::Name => bold(Style::default()),
        Ink::Border if selected_box => bold(Style::default()),
        Ink::Empty | Ink::Frame | Ink::Border => theme.tone(Tone::Faint),
        Ink::Badge => theme.tone(if selected_box {
            Tone::Plain
        } else {
            Tone::Faint
        }),
        Ink::Note => theme.tone(Tone::Plain),
        Ink::Mark if cell.state.is_none() => theme.tone(Tone::Faint),
        Ink::Total if cell.state.is_none() => theme.tone(Tone::Plain),
        Ink::Port | Ink::Wire | Ink::Mark | Ink::Total => {
            let style = theme.edge(cell.state.unwrap_or(State::Plain));
            if touched || (selected_box && cell.ink == Ink::Port) {
                bold(style)
            } else if cell.faint {
                theme.tone(Tone::Faint)
            } else {
                style
            }
        }
    }
}

fn legend(scene: &Scene) -> Line {
    let mut line = Line::new();
    for (state, sample, meaning) in scene.legend() {
        if !line.is_empty() {
            line.push(span("   ", Tone::Plain));
        }
        let tone = match state {
            State::Plain => Tone::Allow,
            State::Unexpected => Tone::Deny,
            State::Missing => Tone::Drift,
            State::Unknown => Tone::Unknown,
            State::HalfOpen(_) => Tone::Faint,
        };
        line.push(span((*sample).to_owned(), tone));
        line.push(span(format!(" {meaning}"), Tone::Plain));
    }
    line
}
