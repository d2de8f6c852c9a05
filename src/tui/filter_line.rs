//! The line a filter is typed in.

use ratatui::layout::Rect;

use crate::text;

use super::app::App;
use super::pen::Pen;
use super::probe::cursor;
use super::theme::Theme;
use super::view::{Tone, span};

pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, app: &App) {
    let typed = app.filter_input.text();
    let at = pen.text(area, 1, 0, "/", Theme::key());
    let end = pen.text(area, at, 0, typed, pen.theme.tone(Tone::Plain));
    let before =
        u16::try_from(text::width(&typed[..app.filter_input.cursor()])).unwrap_or(u16::MAX);
    cursor(pen, area, at.saturating_add(before), 0);
    let words = match &app.filter_error {
        Some(why) => span(why.clone(), Tone::Deny),
        None => span(
            format!("{} of {}", app.shown.len(), app.total()),
            Tone::Faint,
        ),
    };
    pen.line(area, end.saturating_add(3), 0, &[words]);
}
