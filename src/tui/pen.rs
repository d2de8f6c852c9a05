//! Writing into cells: clipped, cut with `…`, never outside the area given.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::text;

use super::theme::Theme;
use super::view::{Line, Span, Tone, span};

/// Where and how to write.
pub(super) struct Pen<'a> {
    pub(super) buffer: &'a mut Buffer,
    pub(super) theme: Theme,
}

impl Pen<'_> {
    /// Writes text in a row of an area, from a column of it; returns the column behind. What does not fit ends in `…`.
    pub(super) fn text(
        &mut self,
        area: Rect,
        column: u16,
        row: u16,
        text: &str,
        style: Style,
    ) -> u16 {
        let area = area.intersection(self.buffer.area);
        if row >= area.height || column >= area.width {
            return column;
        }
        let space = area.width - column;
        let shown = text::cut(text, usize::from(space));
        let (end, _) = self.buffer.set_stringn(
            area.x + column,
            area.y + row,
            shown.as_ref(),
            usize::from(space),
            style,
        );
        end - area.x
    }

    /// Writes text that ends at the right border of an area.
    pub(super) fn text_right(&mut self, area: Rect, row: u16, text: &str, style: Style) {
        let width = u16::try_from(text::width(text)).unwrap_or(u16::MAX);
        self.text(area, area.width.saturating_sub(width), row, text, style);
    }

    /// Writes a line of words; returns the column behind it.
    pub(super) fn line(&mut self, area: Rect, column: u16, row: u16, line: &[Span]) -> u16 {
        let space = usize::from(area.width.saturating_sub(column));
        let mut at = column;
        for part in cut_line(line, space) {
            let style = self.theme.tone(part.tone);
            at = self.text(area, at, row, &part.text, style);
        }
        at
    }

    /// Adds a style to a stretch of a row.
    pub(super) fn restyle(&mut self, area: Rect, row: u16, style: Style) {
        let area = area.intersection(self.buffer.area);
        if row < area.height {
            self.buffer
                .set_style(Rect::new(area.x, area.y + row, area.width, 1), style);
        }
    }

    /// Reverses a row and drops its colours, so that the selection reads the same everywhere.
    pub(super) fn select(&mut self, area: Rect, row: u16) {
        let style = Theme::selected();
        self.restyle(area, row, style);
    }

    /// Blanks an area.
    pub(super) fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                self.buffer[(x, y)].reset();
            }
        }
    }

    /// Draws a frame with a title at its left and a note at its right, and returns what is inside, one blank column at each
    /// side left free. Without colours the focus is a heavy line.
    pub(super) fn frame(&mut self, area: Rect, title: &[Span], note: &str, focused: bool) -> Rect {
        let area = area.intersection(self.buffer.area);
        if area.width < 4 || area.height < 2 {
            return Rect::default();
        }
        let heavy = focused && !self.theme.color;
        let [corner_a, corner_b, corner_c, corner_d, level, upright] = if heavy {
            ["┏", "┓", "┗", "┛", "━", "┃"]
        } else {
            ["┌", "┐", "└", "┘", "─", "│"]
        };
        let style = self.theme.border(focused);
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        for x in area.left() + 1..right {
            self.buffer[(x, area.top())]
                .set_symbol(level)
                .set_style(style);
            self.buffer[(x, bottom)].set_symbol(level).set_style(style);
        }
        for y in area.top() + 1..bottom {
            self.buffer[(area.left(), y)]
                .set_symbol(upright)
                .set_style(style);
            self.buffer[(right, y)].set_symbol(upright).set_style(style);
        }
        for (x, y, corner) in [
            (area.left(), area.top(), corner_a),
            (right, area.top(), corner_b),
            (area.left(), bottom, corner_c),
            (right, bottom, corner_d),
        ] {
            self.buffer[(x, y)].set_symbol(corner).set_style(style);
        }
        let mut words: Line = vec![span(" ", Tone::Plain)];
        words.extend(title.iter().cloned());
        words.push(span(" ", Tone::Plain));
        let top = Rect::new(area.x + 2, area.y, area.width - 4, 1);
        let end = self.line(top, 0, 0, &words);
        if focused {
            let style = Style::default().add_modifier(Modifier::BOLD);
            self.restyle(Rect { width: end, ..top }, 0, style);
        }
        if !note.is_empty() && usize::from(end) + text::width(note) + 4 <= usize::from(top.width) {
            let faint = self.theme.tone(Tone::Plain);
            self.text_right(top, 0, &format!(" {note} "), faint);
        }
        Rect::new(area.x + 2, area.y + 1, area.width - 4, area.height - 2)
    }

    /// Writes a note into the lower border of a frame, at its right.
    pub(super) fn footnote(&mut self, frame: Rect, note: &[Span]) {
        let frame = frame.intersection(self.buffer.area);
        let width: usize = note.iter().map(|part| text::width(&part.text)).sum();
        if frame.height < 2 || width + 6 > usize::from(frame.width) {
            return;
        }
        let row = Rect::new(frame.x + 2, frame.bottom() - 1, frame.width - 4, 1);
        let start = row.width - u16::try_from(width + 2).unwrap_or(row.width);
        let mut words: Line = vec![span(" ", Tone::Plain)];
        words.extend(note.iter().cloned());
        words.push(span(" ", Tone::Plain));
        self.line(row, start, 0, &words);
    }

    /// Writes a note into the lower border of a frame, at its left; what does not fit ends in `…`.
    pub(super) fn footnote_left(&mut self, frame: Rect, note: &[Span]) {
        let frame = frame.intersection(self.buffer.area);
        if frame.height < 2 || frame.width < 8 {
            return;
        }
        let row = Rect::new(frame.x + 2, frame.bottom() - 1, frame.width - 4, 1);
        let inside = Rect {
            width: row.width - 1,
            ..row
        };
        let plain = self.theme.tone(Tone::Plain);
        let start = self.text(inside, 0, 0, " ", plain);
        let end = self.line(inside, start, 0, note);
        self.text(row, end, 0, " ", plain);
    }

    /// Writes lines into the inside of a frame, wrapped; what does not fit is counted in its lower border.
    pub(super) fn told(&mut self, frame: Rect, inner: Rect, words: &[Line]) {
        let lines: Vec<Line> = words
            .iter()
            .flat_map(|line| wrap(line, usize::from(inner.width), 2))
            .collect();
        for (y, line) in (0..inner.height).zip(&lines) {
            self.line(inner, 0, y, line);
        }
        let hidden = lines.len().saturating_sub(usize::from(inner.height));
        if hidden > 0 {
            self.footnote(frame, &[span(format!("… {hidden} more"), Tone::Plain)]);
        }
    }
}

/// Cuts a line of words to so many cells, ending in `…` when something was cut.
pub(super) fn cut_line(line: &[Span], cells: usize) -> Line {
    let total: usize = line.iter().map(|part| text::width(&part.text)).sum();
    if total <= cells {
        return line.to_vec();
    }
    let mut left = cells;
    let mut cut = Line::new();
    for part in line {
        let width = text::width(&part.text);
        // The last cell is kept for the sign that something follows.
        if width < left {
            left -= width;
            cut.push(part.clone());
            continue;
        }
        let text = shorten(&part.text, left);
        cut.push(span(text, part.tone));
        break;
    }
    cut
}

/// Like [`text::cut`], but text that just fits is cut too, because more follows.
fn shorten(text: &str, cells: usize) -> String {
    text::cut(&format!("{text} "), cells).into_owned()
}

/// Breaks a line of words at blanks so that no piece is wider than so many cells; pieces after the first are indented.
pub(super) fn wrap(line: &[Span], cells: usize, indent: usize) -> Vec<Line> {
    let total: usize = line.iter().map(|part| text::width(&part.text)).sum();
    if total <= cells || cells < indent + 8 {
        return vec![line.to_vec()];
    }
    let mut lines: Vec<Line> = vec![Line::new()];
    let mut used = 0;
    for part in line {
        for word in part.text.split_inclusive(' ') {
            let bare = text::width(word.trim_end_matches(' '));
            if used + bare > cells && used > indent {
                trim(&mut lines);
                lines.push(vec![span(" ".repeat(indent), Tone::Plain)]);
                used = indent;
            }
            // A word longer than a line is cut into pieces.
            let mut rest = word;
            while text::width(rest) > cells - used
                && text::width(rest.trim_end_matches(' ')) > cells - used
            {
                let mut at = 0;
                let mut taken = 0;
                for (index, c) in rest.char_indices() {
                    let width = text::width(c.encode_utf8(&mut [0; 4]));
                    if taken + width > cells - used {
                        break;
                    }
                    taken += width;
                    at = index + c.len_utf8();
                }
                if at == 0 {
                    break;
                }
                push(&mut lines, span(&rest[..at], part.tone));
                rest = &rest[at..];
                lines.push(vec![span(" ".repeat(indent), Tone::Plain)]);
                used = indent;
            }
            used += text::width(rest);
            push(&mut lines, span(rest, part.tone));
        }
    }
    lines
}

/// Takes the blanks off the end of the last line: they may have been one too many for it.
fn trim(lines: &mut [Line]) {
    if let Some(last) = lines.last_mut().and_then(|line| line.last_mut()) {
        last.text.truncate(last.text.trim_end_matches(' ').len());
    }
}

fn push(lines: &mut [Line], piece: Span) {
    if let Some(last) = lines.last_mut() {
        match last.last_mut().filter(|before| before.tone == piece.tone) {
            Some(before) => before.text.push_str(&piece.text),
            None => last.push(piece),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::view::plain;

    #[test]
    fn a_cut_line_says_so() {
        let line = vec![span("abc", Tone::Plain), span("def", Tone::Deny)];
        for (cells, expected) in [
            (6, "abcdef"),
            (5, "abcd…"),
            (4, "abc…"),
            (3, "ab…"),
            (1, "…"),
            (0, ""),
        ] {
            assert_eq!(plain(&cut_line(&line, cells)), expected, "{cells}");
        }
    }

    #[test]
    fn wrapped_lines_lose_nothing() {
        let line = vec![
            span("ingress  isolated by ", Tone::Plain),
            span("data/default-deny", Tone::Name),
            span(" and others", Tone::Plain),
        ];
        let wrapped: Vec<String> = wrap(&line, 20, 4).iter().map(|line| plain(line)).collect();
        assert_eq!(
            wrapped,
            [
                "ingress  isolated by",
                "    data/default-den",
                "    y and others"
            ]
            .map(str::to_owned)
            .to_vec(),
            "{wrapped:?}"
        );
    }
}
