//! The explanation: the whole answer to a probe, or one workload in words, over the whole body.

use ratatui::layout::Rect;

use super::app::{App, Subject};
use super::pen::{Pen, wrap};
use super::view::{Line, Tone, span};

/// The lines as they are shown at this width.
pub(super) fn lines(app: &App, cells: usize) -> Vec<Line> {
    let source = match &app.subject {
        Subject::Probe => app
            .answer
            .as_ref()
            .map(|answer| answer.lines.clone())
            .unwrap_or_default(),
        Subject::Workload(about) => about.lines.clone(),
    };
    source
        .iter()
        .flat_map(|line| {
            let blank = line
                .iter()
                .flat_map(|part| part.text.chars())
                .take_while(|c| *c == ' ')
                .count();
            // What goes on below a rule is no further in than the rule's own words.
            wrap(line, cells, (blank + 4).min(21))
        })
        .collect()
}

pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, app: &App) {
    let (title, note) = match &app.subject {
        Subject::Probe => {
            let question = app
                .answer
                .as_ref()
                .map(|answer| answer.question.clone())
                .unwrap_or_default();
            let mut title = format!("Why · {} → {}", question.from, question.to);
            if !question.port.is_empty() {
                title.push(' ');
                title.push_str(&question.port);
            }
            (
                title,
                format!("{} of {} probes", app.at + 1, app.history.len()),
            )
        }
        Subject::Workload(about) => (
            format!("Why · {}", about.title),
            "what isolates it, and what that lets through".to_owned(),
        ),
    };
    let inner = pen.frame(area, &[span(title, Tone::Name)], &note, true);
    scrolled(
        pen,
        area,
        inner,
        &lines(app, usize::from(inner.width)),
        app.scroll,
    );
}

/// Draws lines from the scroll position on, and says how much is above and below.
pub(super) fn scrolled(pen: &mut Pen<'_>, frame: Rect, inner: Rect, lines: &[Line], scroll: usize) {
    let first = scroll.min(lines.len().saturating_sub(1));
    for (y, line) in (0..inner.height).zip(lines.iter().skip(first)) {
        pen.line(inner, 0, y, line);
    }
    if lines.is_empty() {
        pen.text(inner, 0, 0, "working it out …", pen.theme.tone(Tone::Faint));
    }
    super::table::more(pen, frame, first, lines.len(), inner.height);
}
