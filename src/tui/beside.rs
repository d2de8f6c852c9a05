//! Environments side by side: a line a connection, a column an environment, and what the cluster does.

use ratatui::layout::Rect;

use crate::questions::environments::Opinion;
use crate::text;

use super::app::{App, Hit};
use super::draw::Hits;
use super::layout::Pane;
use super::pen::Pen;
use super::table::{first_shown, more};
use super::theme::Theme;
use super::trouble;
use super::view::{Line, SideCell, SideLine, Tone, span, verdict_words};

/// `✗ must not ▲`.
const CELL: usize = 12;
/// An end is cut to this before an environment is left out.
const NAME: usize = 11;
/// An end is cut to this before the deciding policy is left out.
const LONG: usize = 24;
/// The deciding policy is shown from this many cells on.
const BY: usize = 14;

/// Where everything stands, counted from the left; what has no cells is left out.
struct Columns {
    from: (usize, usize),
    to: (usize, usize),
    port: (usize, usize),
    /// Of each environment shown, the first of which is `first`.
    environments: Vec<usize>,
    first: usize,
    cluster: (usize, usize),
    by: (usize, usize),
}

fn columns(app: &App, lines: &[&SideLine], width: usize) -> Columns {
    let widest = |cell: &dyn Fn(&SideLine) -> usize, least: usize| {
        lines
            .iter()
            .map(|line| cell(line))
            .max()
            .unwrap_or(0)
            .max(least)
    };
    let from = widest(&|line| text::width(&line.from), 4);
    let to = widest(&|line| text::width(&line.to), 2);
    let port = widest(&|line| text::width(&line.port), 4).min((width / 8).max(9));
    let cluster = widest(&|line| text::width(verdict_words(line.verdict).1) + 2, 7);
    let known = app.view.environments.len();
    // The cursor, and two cells behind each column.
    let fixed = 1 + port + 2 + cluster;
    let names = from.min(NAME) + to.min(NAME) + 4;
    let room = width.saturating_sub(fixed + names) / (CELL + 2);
    let shown = room.clamp(1, known.max(1));
    let in_force = app
        .view
        .environments
        .iter()
        .position(|name| Some(name) == app.view.environment.as_ref())
        .unwrap_or(0);
    let last = known.saturating_sub(shown);
    let first = app
        .beside
        .first
        .unwrap_or((in_force + 1).saturating_sub(shown))
        .min(last);
    let left = width.saturating_sub(fixed + 4 + shown * (CELL + 2));
    // Long ranges do not keep out who decides.
    let (from, to) = if from + to + 2 + BY <= left {
        (from, to)
    } else {
        let small = from.min(to);
        let most = left.saturating_sub(2 + BY + small);
        if most >= LONG {
            (from.min(most.max(small)), to.min(most.max(small)))
        } else {
            (from, to)
        }
    };
    let half = left / 2;
    let (from, to) = if from + to <= left {
        (from, to)
    } else if from <= half {
        (from, left - from)
    } else if to <= half {
        (left - to, to)
    } else {
        (half, left - half)
    };
    let mut at = 1;
    let mut next = |cells: usize| {
        let column = (at, cells);
        at += cells + 2;
        column
    };
    let (from, to, port) = (next(from), next(to), next(port));
    let environments = (0..shown.min(known)).map(|_| next(CELL).0).collect();
    let cluster = next(cluster);
    let rest = width.saturating_sub(at);
    Columns {
        from,
        to,
        port,
        environments,
        first,
        cluster,
        by: (at, if rest < BY { 0 } else { rest }),
    }
}

/// The first environment shown and how many are; `None` where all of them have room.
pub(super) fn window(app: &App) -> Option<(usize, usize)> {
    let pane = app.panes()?.table?;
    let columns = columns(app, &lines(app), usize::from(pane.width.saturating_sub(4)));
    let shown = columns.environments.len();
    (shown < app.view.environments.len()).then_some((columns.first, shown))
}

fn lines(app: &App) -> Vec<&SideLine> {
    let Some(sides) = &app.beside.sides else {
        return Vec::new();
    };
    let shown = app.shown.iter();
    shown.filter_map(|index| sides.lines.get(*index)).collect()
}

pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, app: &App, hits: &mut Hits) {
    hits.add(area, Hit::Pane(Pane::Table));
    let lines = lines(app);
    let width = usize::from(area.width.saturating_sub(4));
    let columns = columns(app, &lines, width);
    let known = &app.view.environments;
    let mut title: Line = vec![span("Environments", Tone::Plain)];
    let subject = app
        .beside
        .of
        .as_deref()
        .map_or_else(|| "the whole system".to_owned(), |id| name_of(app, id));
    title.push(span(format!(" · {subject}"), Tone::Name));
    let clipped = if columns.environments.len() < known.len() {
        format!(
            "{}-{} of {} (h l) · ",
            columns.first + 1,
            columns.first + columns.environments.len(),
            known.len()
        )
    } else {
        String::new()
    };
    let what = if app.beside.differing {
        "what differs"
    } else {
        "all"
    };
    let note = format!(
        "{}{clipped}{what} · {} of {}",
        trouble::mark(app),
        app.shown.len(),
        app.total()
    );
    let inner = pen.frame(area, &title, &note, app.focus == Pane::Table);
    if let Some((what, then)) = empty(app) {
        pen.text(inner, 1, 1, &what, pen.theme.tone(Tone::Name));
        pen.text(inner, 1, 2, then, pen.theme.tone(Tone::Plain));
        return;
    }
    heads(pen, inner, app, &columns);
    let body = Rect {
        y: inner.y + 1,
        height: inner.height.saturating_sub(1),
        ..inner
    };
    let cursor = app.cursor().unwrap_or(0);
    let first = first_shown(cursor, lines.len(), usize::from(body.height));
    let visible = lines.iter().skip(first).take(usize::from(body.height));
    for (offset, line) in visible.enumerate() {
        let y = u16::try_from(offset).unwrap_or(u16::MAX);
        let selected = first + offset == cursor;
        if selected {
            pen.text(body, 0, y, "›", Theme::key());
        }
        row(pen, body, y, line, &columns);
        if selected && app.focus == Pane::Table {
            pen.select(body, y);
        }
        hits.add(
            Rect::new(body.x, body.y + y, body.width, 1),
            Hit::Line(first + offset),
        );
    }
    more(pen, area, first, lines.len(), body.height);
}

fn heads(pen: &mut Pen<'_>, inner: Rect, app: &App, columns: &Columns) {
    let faint = pen.theme.tone(Tone::Faint);
    for ((column, cells), head) in [
        (columns.from, "FROM"),
        (columns.to, "TO"),
        (columns.port, "PORT"),
        (columns.cluster, "CLUSTER"),
        (columns.by, "DECIDED BY"),
    ] {
        pen.text(clip(inner, column, cells), 0, 0, head, faint);
    }
    let names = app.view.environments.iter().skip(columns.first);
    for (column, name) in columns.environments.iter().zip(names) {
        let in_force = Some(name) == app.view.environment.as_ref();
        let head = if in_force {
            format!("[{}]", text::cut(name, CELL - 2))
        } else {
            text::cut(name, CELL).into_owned()
        };
        let style = if in_force {
            pen.theme.tone(Tone::Name)
        } else {
            pen.theme.tone(Tone::Plain)
        };
        pen.text(clip(inner, *column, CELL), 0, 0, &head, style);
    }
    // There are more to the right.
    if columns.first + columns.environments.len() < app.view.environments.len() {
        let column = columns.cluster.0.saturating_sub(2);
        pen.text(clip(inner, column, 1), 0, 0, "…", faint);
    }
    if columns.first > 0
        && let Some(first) = columns.environments.first()
    {
        pen.text(clip(inner, first.saturating_sub(2), 1), 0, 0, "…", faint);
    }
}

fn row(pen: &mut Pen<'_>, body: Rect, y: u16, line: &SideLine, columns: &Columns) {
    let plain = pen.theme.tone(Tone::Plain);
    for ((column, cells), words) in [
        (columns.from, &line.from),
        (columns.to, &line.to),
        (columns.port, &line.port),
        (columns.by, &line.decided_by),
    ] {
        let words = text::cut_middle(words, cells);
        pen.text(clip(body, column, cells), 0, y, &words, plain);
    }
    let cells = line.cells.iter().skip(columns.first);
    for (column, cell) in columns.environments.iter().zip(cells) {
        let area = clip(body, *column, CELL);
        pen.line(area, 0, y, &opinion(cell));
        let tone = if cell.is_drift() {
            Tone::Drift
        } else {
            Tone::Plain
        };
        let sign = u16::try_from(CELL - 1).unwrap_or(0);
        pen.line(area, sign, y, &[span(cell.sign, tone)]);
    }
    let (column, cells) = columns.cluster;
    pen.line(clip(body, column, cells), 0, y, &verdict(line));
}

fn opinion(cell: &SideCell) -> Line {
    let (glyph, word) = cell.words();
    let tone = match cell.opinion {
        Opinion::Must => Tone::Allow,
        Opinion::MustNot => Tone::Deny,
        Opinion::May => Tone::Plain,
        Opinion::None => Tone::Faint,
    };
    vec![span(format!("{glyph} {word}"), tone)]
}

fn verdict(line: &SideLine) -> Line {
    let (glyph, word) = verdict_words(line.verdict);
    vec![span(format!("{glyph} {word}"), Tone::of(line.verdict))]
}

fn clip(area: Rect, column: usize, cells: usize) -> Rect {
    let column = u16::try_from(column).unwrap_or(u16::MAX).min(area.width);
    let cells = u16::try_from(cells).unwrap_or(u16::MAX);
    Rect {
        x: area.x + column,
        width: cells.min(area.width - column),
        ..area
    }
}

/// What to say where there is no line, and what to do about it.
fn empty(app: &App) -> Option<(String, &'static str)> {
    let words = |what: &str, then| Some((what.to_owned(), then));
    match app.view.environments.len() {
        0 => {
            return words(
                "nothing to compare with",
                "start with --expect FILE; an architecture document or a netseg/v1 file",
            );
        }
        1 => {
            return words(
                "only one environment: nothing to compare",
                "2 shows how the cluster stands to it",
            );
        }
        _ => {}
    }
    if app.beside.sides.is_none() {
        return words("comparing …", "every environment is judged once");
    }
    if !app.shown.is_empty() {
        return None;
    }
    if app.total() == 0 {
        return Some(match &app.beside.of {
            Some(id) => (
                format!(
                    "no rule opens anything at {}, and no environment speaks of it",
                    name_of(app, id)
                ),
                "E shows the whole system",
            ),
            None => (
                "no rule opens anything, and no environment speaks of anything here".to_owned(),
                "n chooses namespaces, a shows all of them",
            ),
        });
    }
    if app.filter.is_empty() && app.beside.differing {
        return words("the environments say the same of everything", "! shows it");
    }
    if app.beside.differing {
        return words(
            "the filter matches nothing that differs",
            "! looks at everything, / then esc clears the filter",
        );
    }
    words("the filter matches nothing", "/ then esc clears it")
}

/// A workload's id without its kind.
fn name_of(app: &App, id: &str) -> String {
    let row = app.view.rows.iter().find(|row| row.id == id);
    row.map_or_else(
        || text::tame(id).into_owned(),
        |row| format!("{}/{}", row.namespace, row.name),
    )
}

/// The selected line in words: each environment, where it says so, and what the cluster does.
pub(super) fn detail(pen: &mut Pen<'_>, area: Rect, folded: bool, app: &App) {
    let line = app.side_line();
    let words = line.map(|line| about(app, line)).unwrap_or_default();
    if folded {
        if let Some(line) = line {
            let mut all = ends(line);
            all.push(span("   ", Tone::Plain));
            for words in &words {
                all.extend(words.iter().take(4).cloned());
                all.push(span("   ", Tone::Plain));
            }
            pen.line(area, 1, 0, &all);
        }
        return;
    }
    let title = line.map_or_else(|| vec![span("Connection", Tone::Plain)], ends);
    let inner = pen.frame(area, &title, "w: why", app.focus == Pane::Probe);
    pen.told(area, inner, &words);
}

fn ends(line: &SideLine) -> Line {
    vec![
        span(line.from.clone(), Tone::Name),
        span(" → ", Tone::Plain),
        span(line.to.clone(), Tone::Name),
        span(format!(" {}", line.port), Tone::Plain),
    ]
}

fn about(app: &App, line: &SideLine) -> Vec<Line> {
    let names = &app.view.environments;
    let widest = names
        .iter()
        .map(|name| text::width(name))
        .max()
        .unwrap_or(0);
    let mut lines = vec![{
        let mut words = vec![span("this cluster  ", Tone::Plain)];
        words.extend(verdict(line));
        if !line.decided_by.is_empty() {
            words.push(span(format!("  by {}", line.decided_by), Tone::Faint));
        }
        words
    }];
    for (name, cell) in names.iter().zip(&line.cells) {
        let mut words = vec![span(
            format!("{}  ", text::fit(name, widest.min(20))),
            Tone::Name,
        )];
        if cell.opinion == Opinion::None {
            words.push(span("says nothing of it", Tone::Faint));
        } else {
            words.extend(opinion(cell));
            let found = if cell.code.is_empty() {
                "  as expected".to_owned()
            } else {
                format!("  {} {}", cell.sign, cell.code)
            };
            let tone = if cell.is_drift() {
                Tone::Drift
            } else {
                Tone::Plain
            };
            words.push(span(found, tone));
            words.push(span(format!("  {}", cell.written), Tone::Faint));
        }
        lines.push(words);
    }
    lines
}

/// The keys that work here only.
pub(super) fn hints(app: &App) -> Vec<(&'static str, String)> {
    let mut hints = vec![("esc", "back".to_owned())];
    if app.beside.sides.is_some() {
        let other = if app.beside.differing {
            "all"
        } else {
            "what differs"
        };
        hints.push(("!", other.to_owned()));
        if app.beside.of.is_some() {
            hints.push(("E", "whole system".to_owned()));
        } else if app.beside.has_last() {
            hints.push(("E", "one workload".to_owned()));
        }
    }
    hints
}
