//! The help, made from the key table.

use ratatui::layout::Rect;

use crate::text;

use super::explain::scrolled;
use super::keys::{self, Group};
use super::pen::Pen;
use super::view::{Line, Tone, plain, span};

const SIGNS: [(&str, &str); 12] = [
    ("✓ ALLOW", "every enforcement point accepts"),
    ("✗ DENY", "at least one certainly rejects"),
    ("? UNKNOWN", "depends on something not loaded or left open"),
    ("- UNREACHABLE", "no policy is to blame"),
    ("=", "as the environment in force expects"),
    ("▲", "open, and not expected to be"),
    ("▼", "expected to be open, and is not"),
    ("·", "the environment says nothing about it"),
    ("● live", "changes of the cluster show within a second"),
    ("◑ PARTIAL", "something may not be read; it makes UNKNOWN"),
    ("○ OFFLINE", "the server is away; all is as of then"),
    ("○ static", "files or a demo: nothing will change"),
];

/// The lines of the help at this width.
pub(super) fn lines(cells: usize) -> Vec<Line> {
    let sections: Vec<Vec<Line>> = Group::ALL
        .into_iter()
        .map(section)
        .chain([signs()])
        .collect();
    let column = sections
        .iter()
        .flatten()
        .map(|line| text::width(&plain(line)))
        .max()
        .unwrap_or(0);
    let mut lines = if column * 2 + 3 <= cells {
        let (left, right): (Vec<_>, Vec<_>) = (sections[..3].concat(), sections[3..].concat());
        beside(&left, &right, column + 3)
    } else {
        sections.concat()
    };
    lines.push(vec![span(
        "Filter: words match anywhere; ns: from: to: port: by: is: look at one column; ! negates.",
        Tone::Plain,
    )]);
    lines.push(vec![span("Some terminals hold esc back for a moment; in tmux set escape-time 10. Shift-drag selects text while the mouse is on.", Tone::Plain)]);
    lines.push(vec![span(
        "read only: it never changes a cluster",
        Tone::Name,
    )]);
    lines
        .into_iter()
        .flat_map(|line| super::pen::wrap(&line, cells, 2))
        .collect()
}

fn section(group: Group) -> Vec<Line> {
    let mut lines = vec![vec![span(group.title(), Tone::Name)]];
    for binding in keys::table()
        .iter()
        .filter(|binding| binding.group == group)
    {
        lines.push(vec![
            span(format!("  {:25} ", binding.keys), Tone::Name),
            span(binding.does, Tone::Plain),
        ]);
    }
    lines.push(Line::new());
    lines
}

fn signs() -> Vec<Line> {
    let mut lines = vec![vec![span("SIGNS", Tone::Name)]];
    for (sign, means) in SIGNS {
        lines.push(vec![
            span(format!("  {sign:25} "), Tone::Name),
            span(means, Tone::Plain),
        ]);
    }
    lines.push(Line::new());
    lines
}

fn beside(left: &[Line], right: &[Line], column: usize) -> Vec<Line> {
    let empty = Line::new();
    (0..left.len().max(right.len()))
        .map(|row| {
            let mut line = left.get(row).unwrap_or(&empty).clone();
            let blanks = column.saturating_sub(text::width(&plain(&line)));
            line.push(span(" ".repeat(blanks), Tone::Plain));
            line.extend(right.get(row).unwrap_or(&empty).iter().cloned());
            line
        })
        .collect()
}

pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, scroll: usize) {
    let inner = pen.frame(
        area,
        &[span("Help", Tone::Name)],
        "j k scroll   esc back",
        true,
    );
    scrolled(pen, area, inner, &lines(usize::from(inner.width)), scroll);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_table_is_in_the_help_at_any_width() {
        for cells in [56, 76, 116, 196] {
            let text: String = lines(cells).iter().map(|line| plain(line) + "\n").collect();
            for binding in keys::table() {
                assert!(text.contains(binding.keys), "{} at {cells}", binding.keys);
            }
            assert!(text.contains("it never changes a cluster"));
        }
    }
}
