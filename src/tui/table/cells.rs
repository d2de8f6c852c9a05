//! Cells of the table: how wide their columns are, how they wrap, how they are cut.

use ratatui::layout::Rect;

use crate::text;
use crate::tui::pen::cut_line;
use crate::tui::view::{Item, Line, Row, Sign, Span, Tone, span};

/// The columns of the table, in cells.
pub(super) struct Widths {
    pub(super) name: usize,
    pub(super) ingress: usize,
    pub(super) egress: usize,
}

impl Widths {
    /// Names get what they need up to a third. Where ingress and egress do not both fit, they share so that the fewest lines
    /// result, or the fewest cells are cut where there is no room for more lines.
    pub(super) fn of(rows: &[Row], inner: Rect, headings: usize) -> Self {
        let width = usize::from(inner.width);
        let widest = |cell: fn(&Row) -> usize, least: usize| {
            rows.iter().map(cell).max().unwrap_or(0).max(least)
        };
        let name = widest(|row| text::width(&row.name), 8).min(width / 3);
        let rest = width.saturating_sub(name + 5);
        let (ingress, egress) = (
            widest(|row| cell_width(&row.ingress), 7),
            widest(|row| cell_width(&row.egress), 6),
        );
        let ingress = if ingress + egress <= rest {
            ingress
        } else if rows.len() <= WEIGHED {
            let room = usize::from(inner.height).saturating_sub(headings + 1);
            weighed(rows, rest, room)
        } else {
            ingress.min((rest / 2).max(rest.saturating_sub(egress)))
        };
        Self {
            name,
            ingress,
            egress: rest.saturating_sub(ingress),
        }
    }

    /// Lines a row needs so that nothing is hidden.
    pub(super) fn lines(&self, row: &Row) -> usize {
        let ingress = pack(&item_widths(&row.ingress), self.ingress);
        ingress.max(pack(&item_widths(&row.egress), self.egress))
    }

    pub(super) fn ingress_at(&self) -> u16 {
        u16::try_from(self.name + 3).unwrap_or(u16::MAX)
    }

    pub(super) fn egress_at(&self) -> u16 {
        u16::try_from(self.name + self.ingress + 5).unwrap_or(u16::MAX)
    }
}

/// Tables with more rows than this are too long for weighing each.
const WEIGHED: usize = 200;

fn item_widths(items: &[Item]) -> Vec<usize> {
    items
        .iter()
        .map(|item| text::width(&item.text) + if item.sign.is_some() { 2 } else { 0 })
        .collect()
}

fn cell_width(items: &[Item]) -> usize {
    total(&item_widths(items))
}

/// Items two blanks apart.
fn total(widths: &[usize]) -> usize {
    (widths.iter().sum::<usize>() + 2 * widths.len()).saturating_sub(2)
}

/// The best width of ingress when both columns share `rest`, and the rows have so many lines.
fn weighed(rows: &[Row], rest: usize, room: usize) -> usize {
    let cells: Vec<_> = rows
        .iter()
        .map(|row| (item_widths(&row.ingress), item_widths(&row.egress)))
        .collect();
    let lines = |ingress: usize| -> usize {
        let egress = rest.saturating_sub(ingress);
        cells
            .iter()
            .map(|cells| pack(&cells.0, ingress).max(pack(&cells.1, egress)))
            .sum()
    };
    let best = (7..=rest.saturating_sub(6)).min_by_key(|ingress| lines(*ingress));
    if let Some(best) = best.filter(|best| lines(*best) <= room) {
        return best;
    }
    let widest = cells.iter().map(|cells| total(&cells.0)).max().unwrap_or(0);
    let hidden = |ingress: usize| {
        let egress = rest.saturating_sub(ingress);
        let over = |widths: &[usize], cells: usize| total(widths).saturating_sub(cells);
        let over = cells
            .iter()
            .flat_map(|cells| [over(&cells.0, ingress), over(&cells.1, egress)])
            .filter(|over| *over > 0);
        (over.clone().count(), over.sum::<usize>())
    };
    // Not so narrow that every cell there is cut for the sake of the other column.
    let least = (rest / 3).min(widest).max(7);
    (least..=rest.saturating_sub(6).max(least))
        .min_by_key(|ingress| hidden(*ingress))
        .unwrap_or(least)
}

/// How many lines items fill, two blanks apart; one that is wider than a line fills several.
fn pack(widths: &[usize], cells: usize) -> usize {
    let (mut lines, mut used) = (1, 0);
    for width in widths {
        if used > 0 && used + 2 + width > cells {
            lines += 1;
            used = 0;
        }
        lines += width.saturating_sub(1) / cells.max(1);
        used += width + if used > 0 { 2 } else { 0 };
    }
    lines
}

/// The lines of a cell of which nothing is cut; as many as [`pack`] says.
pub(super) fn wrapped(items: &[Item], cells: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut rest = items;
    while !rest.is_empty() {
        let fitting = (1..=rest.len())
            .take_while(|count| cell_width(&rest[..*count]) <= cells)
            .last();
        let (now, then) = rest.split_at(fitting.unwrap_or(1));
        match fitting {
            Some(_) => lines.push(items_line(now)),
            None => lines.extend(chunks(&items_line(now), cells)),
        }
        rest = then;
    }
    if lines.is_empty() {
        lines.push(cell(items, cells));
    }
    lines
}

/// Cuts a line into pieces of so many cells.
fn chunks(line: &[Span], cells: usize) -> Vec<Line> {
    let mut lines = vec![Line::new()];
    let mut used = 0;
    for part in line {
        for c in part.text.chars() {
            let width = text::width(c.encode_utf8(&mut [0; 4]));
            if used + width > cells && used > 0 {
                lines.push(Line::new());
                used = 0;
            }
            used += width;
            if let Some(last) = lines.last_mut() {
                last.push(span(c, part.tone));
            }
        }
    }
    lines
}

/// The items of a cell. When they do not fit, the end says so, and whether drift is among what is hidden.
pub(super) fn cell(items: &[Item], cells: usize) -> Line {
    if items.is_empty() {
        return vec![span("-", Tone::Faint)];
    }
    if cell_width(items) <= cells {
        return items_line(items);
    }
    let mut shown = 0;
    while shown < items.len() && cell_width(&items[..=shown]) + 3 <= cells {
        shown += 1;
    }
    let hidden = &items[shown.min(items.len())..];
    let sign = hidden
        .iter()
        .filter_map(|item| item.sign)
        .find(|sign| matches!(sign, Sign::Missing | Sign::Unexpected));
    let (tail, room) = match sign {
        Some(sign) => (
            vec![span(format!(" {}", sign.glyph()), Tone::Drift)],
            cells.saturating_sub(2),
        ),
        None => (Line::new(), cells),
    };
    let mut line = cut_line(&items_line(items), room);
    line.extend(tail);
    line
}

/// Items with their signs, two blanks apart.
fn items_line(items: &[Item]) -> Line {
    let mut line = Line::new();
    for item in items {
        if !line.is_empty() {
            line.push(span("  ", Tone::Plain));
        }
        let tone = match item.sign {
            Some(Sign::Missing | Sign::Unexpected) => Tone::Drift,
            Some(Sign::Unknown) => Tone::Unknown,
            _ => Tone::Plain,
        };
        line.push(span(item.text.clone(), tone));
        if let Some(sign) = item.sign {
            let tone = if tone == Tone::Plain {
                Tone::Faint
            } else {
                tone
            };
            line.push(span(format!(" {}", sign.glyph()), tone));
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::view::plain;

    fn item(text: &str, sign: Sign) -> Item {
        Item {
            text: text.to_owned(),
            sign: Some(sign),
        }
    }

    #[test]
    fn a_cell_that_is_cut_still_tells_of_drift() {
        let items = [
            item("53 (DNS)", Sign::Expected),
            item("9092 (kafka)", Sign::Expected),
            item("27017 (mongo)", Sign::Missing),
        ];
        assert_eq!(
            plain(&cell(&items, 60)),
            "53 (DNS) =  9092 (kafka) =  27017 (mongo) ▼"
        );
        assert_eq!(plain(&cell(&items, 20)), "53 (DNS) =  9092 … ▼");
        assert_eq!(plain(&cell(&items[..2], 20)), "53 (DNS) =  9092 (k…");
        assert_eq!(plain(&cell(&[], 20)), "-");
    }

    #[test]
    fn a_wrapped_cell_shows_everything_in_as_many_lines_as_were_counted() {
        let items = [
            item("53 (DNS)", Sign::Expected),
            item(
                "0.0.0.0/0 except 10.0.0.0/8,172.16.0.0/12",
                Sign::Unexpected,
            ),
            item("443", Sign::Expected),
        ];
        let lines: Vec<String> = wrapped(&items, 24).iter().map(|line| plain(line)).collect();
        assert_eq!(
            lines,
            [
                "53 (DNS) =",
                "0.0.0.0/0 except 10.0.0.",
                "0/8,172.16.0.0/12 ▲",
                "443 ="
            ]
        );
        for cells in 1..60 {
            for count in 0..=items.len() {
                let items = &items[..count];
                let counted = pack(&item_widths(items), cells);
                let lines = wrapped(items, cells);
                assert_eq!(lines.len(), counted, "{count} items in {cells} cells");
                assert!(lines.iter().all(|line| text::width(&plain(line)) <= cells));
            }
        }
    }
}
