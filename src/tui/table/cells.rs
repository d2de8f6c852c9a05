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
        let ingress = pack(&item_words(&row.ingress), self.ingress);
        ingress.max(pack(&item_words(&row.egress), self.egress))
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

/// The widths of an item's words, the sign among them.
fn words(item: &Item) -> Vec<usize> {
    let sign = item.sign.map(|_| 1);
    item.text.split(' ').map(text::width).chain(sign).collect()
}

/// The words of each item.
fn item_words(items: &[Item]) -> Vec<Vec<usize>> {
    items.iter().map(words).collect()
}

fn cell_width(items: &[Item]) -> usize {
    total(&item_words(items))
}

/// Words are one blank apart.
fn item_width(words: &[usize]) -> usize {
    (words.iter().sum::<usize>() + words.len()).saturating_sub(1)
}

/// Items are two blanks apart.
fn total(items: &[Vec<usize>]) -> usize {
    let widths = items.iter().map(|words| item_width(words));
    (widths.sum::<usize>() + 2 * items.len()).saturating_sub(2)
}

/// The best width of ingress when both columns share `rest`, and the rows have so many lines.
fn weighed(rows: &[Row], rest: usize, room: usize) -> usize {
    let cells: Vec<_> = rows
        .iter()
        .map(|row| (item_words(&row.ingress), item_words(&row.egress)))
        .collect();
    let lines = |ingress: usize| -> usize {
        let egress = rest.saturating_sub(ingress);
        cells
            .iter()
            .map(|cells| pack(&cells.0, ingress).max(pack(&cells.1, egress)))
            .sum()
    };
    // Of the widths that show everything: the fewest words broken, then the fewest lines, then the least wrapping in either
    // column, also where the other one sets the height of a row.
    let cost = |ingress: usize| {
        let egress = rest.saturating_sub(ingress);
        let (mut broken, mut packed) = (0, 0);
        for (items, cells) in cells
            .iter()
            .flat_map(|cells| [(&cells.0, ingress), (&cells.1, egress)])
        {
            broken += items.iter().flatten().filter(|word| **word > cells).count();
            packed += pack(items, cells);
        }
        (broken, lines(ingress), packed)
    };
    let best = (7..=rest.saturating_sub(6))
        .filter(|ingress| lines(*ingress) <= room)
        .min_by_key(|ingress| cost(*ingress));
    if let Some(best) = best {
        return best;
    }
    let widest = cells.iter().map(|cells| total(&cells.0)).max().unwrap_or(0);
    let hidden = |ingress: usize| {
        let egress = rest.saturating_sub(ingress);
        let over = |items: &[Vec<usize>], cells: usize| total(items).saturating_sub(cells);
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

/// How many lines items fill. One that is wider than a line fills several by itself, broken between its words where it can be.
fn pack(items: &[Vec<usize>], cells: usize) -> usize {
    let (mut lines, mut used) = (1, 0);
    for words in items {
        let width = item_width(words);
        if used > 0 && used + 2 + width > cells {
            lines += 1;
            used = 0;
        }
        if width <= cells {
            used += width + if used > 0 { 2 } else { 0 };
            continue;
        }
        for word in words {
            if used > 0 && used + 1 + word <= cells {
                used += 1 + word;
                continue;
            }
            let more = word.saturating_sub(1) / cells.max(1);
            lines += more + usize::from(used > 0);
            used = word - more * cells;
        }
        // Whatever follows starts below it.
        used = used.max(cells);
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

/// Breaks a line into pieces of at most so many cells, between words where it can be.
fn chunks(line: &[Span], cells: usize) -> Vec<Line> {
    let mut words = vec![(Line::new(), 0)];
    for part in line {
        for c in part.text.chars() {
            match words.last_mut() {
                Some((word, width)) if c != ' ' => {
                    word.push(span(c, part.tone));
                    *width += text::width(c.encode_utf8(&mut [0; 4]));
                }
                _ => words.push((Line::new(), 0)),
            }
        }
    }
    let mut lines = vec![Line::new()];
    let mut used = 0;
    for (word, width) in words {
        if used > 0 && used + 1 + width <= cells {
            used += 1;
            if let Some(last) = lines.last_mut() {
                last.push(span(" ", Tone::Plain));
            }
        } else if used > 0 {
            lines.push(Line::new());
            used = 0;
        }
        for c in word {
            let width = text::width(&c.text);
            if used + width > cells && used > 0 {
                lines.push(Line::new());
                used = 0;
            }
            used += width;
            if let Some(last) = lines.last_mut() {
                last.push(c);
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
    fn no_word_is_broken_while_the_other_column_has_room() {
        let cell = |entries: &[&str]| -> Vec<Item> {
            let entries = entries.iter();
            entries.map(|text| item(text, Sign::Expected)).collect()
        };
        let rows = [Row {
            id: String::new(),
            namespace: String::new(),
            name: "web".to_owned(),
            ingress: cell(&["8080 (from-monitoring/prometheus)"]),
            egress: cell(&[
                "53 (DNS)",
                "27017 (mongodb)",
                "9092 (kafka)",
                "6379 (redis)",
            ]),
        }];
        // Of 66 cells the names take 8 and the gaps 5. `(from-monitoring/prometheus)` needs 28 in one piece, and with the number
        // and the sign 35 for one line; what is left for egress makes it three lines of at most 17.
        let widths = Widths::of(&rows, Rect::new(0, 0, 66, 20), 0);
        assert_eq!(widths.ingress + widths.egress, 53);
        assert!(widths.ingress >= 28, "{}", widths.ingress);
        let lines = wrapped(&rows[0].ingress, widths.ingress);
        let lines: Vec<String> = lines.iter().map(|line| plain(line)).collect();
        assert!(
            lines
                .iter()
                .any(|line| line.contains("(from-monitoring/prometheus)")),
            "{lines:?}"
        );
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
                "0.0.0.0/0 except",
                "10.0.0.0/8,172.16.0.0/12",
                "▲",
                "443 ="
            ]
        );
        for cells in 1..60 {
            for count in 0..=items.len() {
                let items = &items[..count];
                let counted = pack(&item_words(items), cells);
                let lines = wrapped(items, cells);
                assert_eq!(lines.len(), counted, "{count} items in {cells} cells");
                assert!(lines.iter().all(|line| text::width(&plain(line)) <= cells));
            }
        }
    }
}
