//! The Drift tab: every finding in a line, and the selected one in full below.

use ratatui::layout::Rect;

use crate::engine::Verdict;
use crate::text;

use super::app::{App, Hit};
use super::draw::Hits;
use super::layout::Pane;
use super::pen::Pen;
use super::table::{first_shown, more};
use super::theme::Theme;
use super::trouble;
use super::view::{Finding, Line, Tone, span, verdict_words};

pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, app: &App, hits: &mut Hits) {
    hits.add(area, Hit::Pane(Pane::Table));
    let view = &app.view;
    let title: Line = match &view.environment {
        Some(environment) => vec![
            span("Drift against ", Tone::Plain),
            span(environment.clone(), Tone::Name),
        ],
        None => vec![span("Drift", Tone::Plain)],
    };
    let note = format!(
        "{}{} of {} · {} as expected",
        trouble::mark(app),
        app.shown.len(),
        view.findings.len(),
        view.met
    );
    let inner = pen.frame(area, &title, &note, app.focus == Pane::Table);
    if app.shown.is_empty() {
        let (what, then) = match (&view.environment, view.findings.is_empty()) {
            (None, _) => (
                "nothing to compare with",
                "start with --expect FILE; an architecture document or a netseg/v1 file",
            ),
            (_, true) => (
                "everything is as expected",
                "e judges by the next environment",
            ),
            (_, false) => ("the filter matches nothing", "esc clears it"),
        };
        pen.text(inner, 1, 1, what, pen.theme.tone(Tone::Name));
        pen.text(inner, 1, 2, then, pen.theme.tone(Tone::Plain));
        return;
    }
    let widths = widths(&view.findings, usize::from(inner.width));
    let faint = pen.theme.tone(Tone::Faint);
    let heads = [
        "DRIFT",
        "FROM",
        "TO",
        "PORT",
        "EXPECTED",
        "ACTUAL",
        "DECIDED BY",
    ];
    for ((column, cells), head) in widths.iter().zip(heads) {
        pen.text(clip(inner, *column, *cells), 0, 0, head, faint);
    }
    let body = Rect {
        y: inner.y + 1,
        height: inner.height.saturating_sub(1),
        ..inner
    };
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
        let finding = &view.findings[*index];
        let selected = first + offset == cursor;
        if selected {
            pen.text(body, 0, y, "›", Theme::key());
        }
        for ((column, cells), words) in widths.iter().zip(cells(finding, &widths)) {
            pen.line(clip(body, *column, *cells), 0, y, &words);
        }
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

fn clip(area: Rect, column: u16, cells: u16) -> Rect {
    let column = column.min(area.width);
    Rect {
        x: area.x + column,
        width: cells.min(area.width - column),
        ..area
    }
}

fn verdict(verdict: Option<Verdict>) -> Line {
    verdict.map_or_else(
        || vec![span("-", Tone::Faint)],
        |verdict| {
            let (glyph, word) = verdict_words(verdict);
            vec![span(format!("{glyph} {word}"), Tone::of(verdict))]
        },
    )
}

fn cells(finding: &Finding, widths: &[(u16, u16); 7]) -> [Line; 7] {
    let drift = if finding.glyph == "?" {
        Tone::Unknown
    } else {
        Tone::Drift
    };
    let word = |text: &str| vec![span(if text.is_empty() { "-" } else { text }, Tone::Plain)];
    let end = |name: &str, cells: u16| word(&text::cut_middle(name, usize::from(cells)));
    [
        vec![span(
            format!("{} {}", finding.glyph, finding.code),
            if finding.severity == "error" {
                drift
            } else {
                Tone::Plain
            },
        )],
        end(&finding.from, widths[1].1),
        end(&finding.to, widths[2].1),
        word(&finding.port),
        verdict(finding.expected),
        verdict(finding.actual),
        word(&finding.decided_by),
    ]
}

/// The deciding policy is shown from this many cells on.
const BY: usize = 12;

/// Where each column starts and how many cells it has, 0 for one that is left out; the last gets the rest.
fn widths(findings: &[Finding], width: usize) -> [(u16, u16); 7] {
    let widest = |cell: fn(&Finding) -> usize, least: usize| {
        findings.iter().map(cell).max().unwrap_or(0).max(least)
    };
    let code = widest(|finding| text::width(&finding.code) + 2, 5);
    let port = widest(|finding| text::width(&finding.port), 4).min((width / 8).max(13));
    let verdicts = [
        widest(
            |finding| {
                finding
                    .expected
                    .map_or(1, |verdict| text::width(verdict_words(verdict).1) + 2)
            },
            8,
        ),
        widest(
            |finding| {
                finding
                    .actual
                    .map_or(1, |verdict| text::width(verdict_words(verdict).1) + 2)
            },
            6,
        ),
    ];
    let from = widest(|finding| text::width(&finding.from), 4);
    let to = widest(|finding| text::width(&finding.to), 2);
    // Where names would be cut, what the code and the detail below say goes: the verdicts first, then the policy.
    let names = 1 + code + from + to + port + 6;
    let (verdicts, by) = if names + verdicts[0] + verdicts[1] + 4 + 2 + BY <= width {
        let left = width - names - verdicts[0] - verdicts[1] - 6;
        (verdicts, left)
    } else {
        let left = width.saturating_sub(names + 2);
        ([0, 0], if left < BY { 0 } else { left })
    };
    let most = (width.saturating_sub(1 + code + port + 6) / 2).max(8);
    let mut at = 1;
    [
        code,
        from.min(most),
        to.min(most),
        port,
        verdicts[0],
        verdicts[1],
        by,
    ]
    .map(|cells| {
        let column = at;
        at += if cells == 0 { 0 } else { cells + 2 };
        (
            u16::try_from(column).unwrap_or(u16::MAX),
            u16::try_from(cells).unwrap_or(u16::MAX),
        )
    })
}

/// The selected finding in full.
pub(super) fn detail(pen: &mut Pen<'_>, area: Rect, folded: bool, app: &App) {
    let finding = app
        .cursor()
        .and_then(|at| app.shown.get(at))
        .map(|index| &app.view.findings[*index]);
    if folded {
        if let Some(line) = finding.and_then(|finding| finding.about.first()) {
            pen.line(area, 1, 0, line);
        }
        return;
    }
    let title = finding.map_or_else(
        || "Finding".to_owned(),
        |finding| format!("{} · {}", finding.code, finding.severity),
    );
    let inner = pen.frame(
        area,
        &[span(title, Tone::Plain)],
        "w: why",
        app.focus == Pane::Probe,
    );
    let Some(finding) = finding else { return };
    pen.told(area, inner, &finding.about);
}
