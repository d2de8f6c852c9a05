//! The table pane: a row a workload, or the flows of one.

use ratatui::layout::Rect;

use crate::source::Link;
use crate::text;

use super::app::{App, Hit};
use super::draw::Hits;
use super::header;
use super::layout::Pane;
use super::pen::{Pen, cut_line};
use super::theme::Theme;
use super::trouble;
use super::view::{Flow, Flows, Item, Line, Row, Sign, Span, Tone, span, verdict_words};

pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, app: &App, hits: &mut Hits) {
    hits.add(area, Hit::Pane(Pane::Table));
    match &app.view.flows {
        Some(flows) => draw_flows(pen, area, app, flows, hits),
        None => draw_workloads(pen, area, app, hits),
    }
}

/// From this many cells on, flows show every name in full.
const ROOMY: usize = 90;

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

struct Widths {
    name: usize,
    ingress: usize,
    egress: usize,
}

impl Widths {
    /// Names get what they need up to a third. Where ingress and egress do not both fit, they share so that the fewest lines
    /// result, or the fewest cells are cut where there is no room for more lines.
    fn of(rows: &[Row], inner: Rect, headings: usize) -> Self {
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
    fn lines(&self, row: &Row) -> usize {
        let ingress = pack(&item_widths(&row.ingress), self.ingress);
        ingress.max(pack(&item_widths(&row.egress), self.egress))
    }

    fn ingress_at(&self) -> u16 {
        u16::try_from(self.name + 3).unwrap_or(u16::MAX)
    }

    fn egress_at(&self) -> u16 {
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
fn wrapped(items: &[Item], cells: usize) -> Vec<Line> {
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

/// The items of a cell. When they do not fit, the end says so, and whether drift is among what is hidden.
fn cell(items: &[Item], cells: usize) -> Line {
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
pub(super) fn items_line(items: &[Item]) -> Line {
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

fn draw_flows(pen: &mut Pen<'_>, area: Rect, app: &App, flows: &Flows, hits: &mut Hits) {
    let title = [
        span("Flows of ", Tone::Plain),
        span(flows.name.clone(), Tone::Name),
    ];
    let note = format!(
        "{}{} of {}",
        trouble::mark(app),
        app.shown.len(),
        flows.rows.len()
    );
    let inner = pen.frame(area, &title, &note, app.focus == Pane::Table);
    let width = usize::from(inner.width);
    // Where space is short, what is in the workload's own namespace goes without it.
    let home = flows.name.split_once('/').filter(|_| width < ROOMY);
    let home = home.map_or_else(String::new, |(namespace, _)| format!("{namespace}/"));
    let short = |name: &'_ str| match name.strip_prefix(&home) {
        Some(rest) => rest.to_owned(),
        None => name.to_owned(),
    };
    let widest = |cell: &dyn Fn(&Flow) -> usize, least: usize| {
        flows.rows.iter().map(cell).max().unwrap_or(0).max(least)
    };
    let port = widest(&|flow| text::width(&flow.port), 4).min(width / 4);
    let verdict = widest(
        &|flow| text::width(verdict_words(flow.verdict).1) + 2,
        text::width("VERDICT"),
    );
    let peer = widest(&|flow| text::width(&short(&flow.peer)), 4).min((width / 3).max(12));
    let mut at = 1;
    let mut columns = Vec::new();
    for cells in [3, peer, port, verdict, 1] {
        columns.push(u16::try_from(at).unwrap_or(u16::MAX));
        at += cells + 2;
    }
    // The sign stands close to the verdict.
    columns[4] -= 1;
    columns.push(columns[4] + 2);
    let faint = pen.theme.tone(Tone::Faint);
    for (column, name) in [
        (0, "DIR"),
        (1, "PEER"),
        (2, "PORT"),
        (3, "VERDICT"),
        (5, "DECIDED BY"),
    ] {
        pen.text(inner, columns[column], 0, name, faint);
    }
    if app.shown.is_empty() {
        empty(pen, inner, app);
        return;
    }
    let body = below(inner);
    let cursor = app.cursor().unwrap_or(0);
    let first = first_shown(cursor, app.shown.len(), usize::from(body.height));
    for (offset, index) in app
        .shown
        .iter()
        .skip(first)
        .take(usize::from(body.height))
        .enumerate()
    {
        let y = u16::try_from(offset).unwrap_or(u16::MAX);
        let flow = &flows.rows[*index];
        let selected = first + offset == cursor;
        if selected {
            pen.text(body, 0, y, "›", Theme::key());
        }
        let plain = pen.theme.tone(Tone::Plain);
        pen.text(
            body,
            columns[0],
            y,
            if flow.incoming { "in" } else { "out" },
            plain,
        );
        pen.text(
            body,
            columns[1],
            y,
            &text::cut_middle(&short(&flow.peer), peer),
            plain,
        );
        pen.text(body, columns[2], y, &text::cut(&flow.port, port), plain);
        let (glyph, word) = verdict_words(flow.verdict);
        pen.line(
            body,
            columns[3],
            y,
            &[span(format!("{glyph} {word}"), Tone::of(flow.verdict))],
        );
        if let Some(sign) = flow.sign {
            pen.text(body, columns[4], y, sign.glyph(), pen.theme.sign(sign));
        }
        let by = short(&flow.decided_by);
        let by = if by.is_empty() { "-" } else { &by };
        pen.text(body, columns[5], y, by, plain);
        if selected && app.focus == Pane::Table {
            pen.select(body, y);
        }
        hits.add(
            Rect::new(body.x, body.y + y, body.width, 1),
            Hit::Line(first + offset),
        );
    }
    more(pen, area, first, app.shown.len(), body.height);
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
