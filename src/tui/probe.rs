//! The probe panel: the last answer, or the selection in words while there is none; and the line a probe is typed in.

use ratatui::layout::Rect;

use crate::text;

use super::app::{App, Hit, Mode};
use super::draw::Hits;
use super::layout::Pane;
use super::pen::{Pen, wrap};
use super::theme::Theme;
use super::trouble;
use super::view::{Item, Line, Part, Row, Sign, Tone, span, stands_for, verdict_words};

/// Draws the panel; folded it is one line without a border.
pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, folded: bool, app: &App, hits: &mut Hits) {
    hits.add(area, Hit::Pane(Pane::Probe));
    let mut lines = content(app);
    if app.answer.is_none() && selected_row(app).is_some() {
        if folded {
            // The ends of what the table cuts.
            lines = vec![lines.concat()];
        } else {
            // The title says it already.
            lines.remove(0);
        }
    }
    if folded {
        if let Some(first) = lines.first() {
            let at = pen.text(
                area,
                0,
                0,
                if app.focus == Pane::Probe { "›" } else { " " },
                Theme::key(),
            );
            pen.line(area, at, 0, first);
        }
        return;
    }
    let (title, note) = match &app.answer {
        Some(_) => (
            vec![
                span("Probe", Tone::Plain),
                span(" · model verdict, not a packet test", Tone::Faint),
            ],
            match app.history.len() {
                0 | 1 => format!("{}enter: why", trouble::mark(app)),
                many => format!("{}[ ] {} of {many} probes", trouble::mark(app), app.at + 1),
            },
        ),
        None => (
            match selected_row(app) {
                Some(row) => vec![
                    span("Selection  ", Tone::Plain),
                    span(row.name.clone(), Tone::Name),
                    span(format!(" in {}", row.namespace), Tone::Plain),
                ],
                None => vec![span("Selection", Tone::Plain)],
            },
            "p: probe from here   w: why".to_owned(),
        ),
    };
    let inner = pen.frame(area, &title, &note, app.focus == Pane::Probe);
    let cells = usize::from(inner.width);
    let wrapped: Vec<Line> = lines
        .iter()
        .flat_map(|line| wrap(line, cells, 10))
        .collect();
    let fits = wrapped.len() <= usize::from(inner.height);
    let source = if fits { &wrapped } else { &lines };
    for (y, line) in (0..inner.height).zip(source) {
        pen.line(inner, 0, y, line);
    }
    let hidden = source.len().saturating_sub(usize::from(inner.height));
    if hidden > 0 {
        pen.footnote(area, &[span(format!("… {hidden} more: w"), Tone::Plain)]);
    }
}

fn selected_row(app: &App) -> Option<&Row> {
    let key = app.selected_key()?;
    app.view.rows.iter().find(|row| row.id == key)
}

fn content(app: &App) -> Vec<Line> {
    if let Some(answer) = &app.answer {
        return answer.lines.clone();
    }
    match (selected_row(app), app.selected_key()) {
        (Some(row), _) => describe(row),
        (None, Some(key)) if stands_for(key).is_some() => vec![vec![
            span(stands_for(key).unwrap_or(key), Tone::Name),
            span(
                "  is one box for a whole namespace; o opens it, p probes from it",
                Tone::Plain,
            ),
        ]],
        (None, Some(key)) => vec![vec![
            span(key.to_owned(), Tone::Name),
            span(
                "  stands outside the namespaces; p probes from it",
                Tone::Plain,
            ),
        ]],
        (None, None) => vec![vec![span(
            "p asks whether one end may reach another, e.g.  shop/web shop/db 5432",
            Tone::Plain,
        )]],
    }
}

/// A workload's cells with every item in full.
pub(super) fn describe(row: &Row) -> Vec<Line> {
    vec![
        vec![
            span(row.name.clone(), Tone::Name),
            span(format!("  in {}", row.namespace), Tone::Plain),
        ],
        direction("ingress ", &row.ingress),
        direction("egress  ", &row.egress),
    ]
}

fn direction(name: &str, items: &[Item]) -> Line {
    let mut line = vec![span(format!("  {name}"), Tone::Plain)];
    if items.is_empty() {
        line.push(span("nothing", Tone::Plain));
    }
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            line.push(span(" · ", Tone::Faint));
        }
        line.push(span(item.text.clone(), Tone::Plain));
        match item.sign {
            Some(sign @ (Sign::Missing | Sign::Unexpected)) => {
                line.push(span(
                    format!(" {} {}", sign.glyph(), sign.word()),
                    Tone::Drift,
                ));
            }
            Some(Sign::Unknown) => line.push(span(" ? unknown", Tone::Unknown)),
            Some(sign) => line.push(span(format!(" {}", sign.glyph()), Tone::Faint)),
            None => {}
        }
    }
    line
}

/// Draws the editor over the lower part of the body.
pub(super) fn edit(pen: &mut Pen<'_>, body: Rect, app: &App) {
    if app.mode != Mode::Probe {
        return;
    }
    let height = 12.min(body.height);
    let area = Rect {
        y: body.bottom() - height,
        height,
        ..body
    };
    pen.clear(area);
    let inner = pen.frame(
        area,
        &[span("Probe", Tone::Name)],
        "enter ask   tab complete   up/down choose   esc cancel",
        true,
    );
    let (cursor_at, shown, start) = scrolled(
        app.probe_input.text(),
        app.probe_input.cursor(),
        usize::from(inner.width.saturating_sub(3)),
    );
    pen.text(inner, 0, 0, if start > 0 { "…" } else { "›" }, Theme::key());
    pen.text(inner, 2, 0, &shown, pen.theme.tone(Tone::Plain));
    cursor(pen, inner, 2 + cursor_at, 0);
    if let Some(verdict) = app.draft.verdict {
        let (glyph, word) = verdict_words(verdict);
        let words = format!(" {glyph} {word}");
        let column = u16::try_from(text::width(&words)).unwrap_or(0);
        if 4 + text::width(&shown) + usize::from(column) < usize::from(inner.width) {
            pen.text_right(inner, 0, &words, pen.theme.tone(Tone::of(verdict)));
        }
    }
    pen.line(inner, 2, 1, &parts(&app.draft.parts));
    let room = inner.height.saturating_sub(3);
    let marked = app.candidate.unwrap_or(0);
    let first = super::table::first_shown(marked, app.draft.candidates.len(), usize::from(room));
    let list = Rect {
        x: inner.x + 2,
        y: inner.y + 2,
        width: inner.width.saturating_sub(2),
        height: room,
    };
    let names = app
        .draft
        .candidates
        .iter()
        .map(|candidate| text::width(&candidate.text))
        .max()
        .unwrap_or(0)
        .min(usize::from(list.width) * 2 / 3);
    for (y, (index, candidate)) in app
        .draft
        .candidates
        .iter()
        .enumerate()
        .skip(first)
        .take(usize::from(room))
        .enumerate()
    {
        let y = u16::try_from(y).unwrap_or(u16::MAX);
        let chosen = app.candidate == Some(index);
        pen.text(list, 0, y, if chosen { "› " } else { "  " }, Theme::key());
        pen.text(
            list,
            2,
            y,
            &text::cut_middle(&candidate.text, names),
            pen.theme.tone(Tone::Plain),
        );
        let column = u16::try_from(names + 4).unwrap_or(u16::MAX);
        pen.text(
            list,
            column,
            y,
            &candidate.detail,
            pen.theme.tone(Tone::Faint),
        );
        if chosen {
            pen.select(list, y);
        }
    }
    let grammar = "FROM TO [PORT]   ns/name  ns/*  ns/?k=v  10.0.0.0/8  internet  dns  k8s-api   port 5432, 53/udp, any";
    pen.text(
        inner,
        2,
        inner.height.saturating_sub(1),
        grammar,
        pen.theme.tone(Tone::Faint),
    );
}

/// Which stretch of a line to show so that the cursor is inside: its column, the text, and where it starts.
fn scrolled(line: &str, cursor: usize, cells: usize) -> (u16, String, usize) {
    let before = &line[..cursor];
    let mut start = 0;
    while text::width(&before[start..]) > cells.saturating_sub(1) {
        let Some(c) = before[start..].chars().next() else {
            break;
        };
        start += c.len_utf8();
    }
    let column = u16::try_from(text::width(&before[start..])).unwrap_or(u16::MAX);
    (column, text::cut(&line[start..], cells).into_owned(), start)
}

/// Draws a cursor as a reversed cell; the terminal's own stays hidden.
pub(super) fn cursor(pen: &mut Pen<'_>, area: Rect, column: u16, row: u16) {
    if column < area.width && row < area.height {
        let style = Theme::selected();
        if let Some(cell) = pen.buffer.cell_mut((area.x + column, area.y + row)) {
            cell.set_style(style);
        }
    }
}

fn parts(parts: &[Part]) -> Line {
    let mut line = Line::new();
    for part in parts {
        if !line.is_empty() {
            line.push(span("    ", Tone::Plain));
        }
        line.push(span(format!("{} ", part.name), Tone::Name));
        match &part.reading {
            Ok(reading) => line.push(span(reading.clone(), Tone::Plain)),
            Err(why) => line.push(span(format!("✗ {why}"), Tone::Deny)),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_scrolls_with_its_cursor() {
        assert_eq!(scrolled("abcdef", 6, 4), (3, "def".to_owned(), 3));
        assert_eq!(scrolled("abcdef", 0, 4), (0, "abc…".to_owned(), 0));
        assert_eq!(scrolled("日本", 6, 10), (4, "日本".to_owned(), 0));
    }
}
