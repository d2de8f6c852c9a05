//! The flows of one workload.

use ratatui::layout::Rect;

use crate::text;
use crate::tui::app::{App, Hit};
use crate::tui::draw::Hits;
use crate::tui::layout::Pane;
use crate::tui::pen::Pen;
use crate::tui::theme::Theme;
use crate::tui::trouble;
use crate::tui::view::{Flow, Flows, Tone, span, verdict_words};

use super::{below, empty, first_shown, more};

/// From this many cells on, every name is shown in full.
const ROOMY: usize = 90;

/// Where the columns stand: direction, peer, port, verdict, sign, deciding policy.
struct Columns {
    at: [u16; 6],
    peer: usize,
    port: usize,
    /// What is left out in front of names.
    home: String,
}

impl Columns {
    fn of(flows: &Flows, width: usize) -> Self {
        // Where space is short, what is in the workload's own namespace goes without it.
        let home = flows.name.split_once('/').filter(|_| width < ROOMY);
        let home = home.map_or_else(String::new, |(namespace, _)| format!("{namespace}/"));
        let widest = |cell: &dyn Fn(&Flow) -> usize, least: usize| {
            flows.rows.iter().map(cell).max().unwrap_or(0).max(least)
        };
        let port = widest(&|flow| text::width(&flow.port), 4).min(width / 4);
        let verdict = widest(
            &|flow| text::width(verdict_words(flow.verdict).1) + 2,
            text::width("VERDICT"),
        );
        let peer = widest(&|flow| text::width(strip(&flow.peer, &home)), 4);
        let peer = peer.min((width / 3).max(12));
        let mut at = [1; 6];
        for (index, cells) in [3, peer, port, verdict].into_iter().enumerate() {
            let next = usize::from(at[index]) + cells + 2;
            at[index + 1] = u16::try_from(next).unwrap_or(u16::MAX);
        }
        // The sign stands close to the verdict.
        at[4] -= 1;
        at[5] = at[4].saturating_add(2);
        Self {
            at,
            peer,
            port,
            home,
        }
    }
}

fn strip<'a>(name: &'a str, home: &str) -> &'a str {
    name.strip_prefix(home).unwrap_or(name)
}

pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, app: &App, flows: &Flows, hits: &mut Hits) {
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
    let columns = Columns::of(flows, usize::from(inner.width));
    let faint = pen.theme.tone(Tone::Faint);
    let heads = ["DIR", "PEER", "PORT", "VERDICT", "", "DECIDED BY"];
    for (column, name) in columns.at.into_iter().zip(heads) {
        pen.text(inner, column, 0, name, faint);
    }
    if app.shown.is_empty() {
        empty(pen, inner, app);
        return;
    }
    let body = below(inner);
    let cursor = app.cursor().unwrap_or(0);
    let first = first_shown(cursor, app.shown.len(), usize::from(body.height));
    let visible = app.shown.iter().enumerate().skip(first);
    for (y, (line, index)) in (0..body.height).zip(visible) {
        let selected = line == cursor;
        if selected {
            pen.text(body, 0, y, "›", Theme::key());
        }
        row(pen, body, y, &flows.rows[*index], &columns);
        if selected && app.focus == Pane::Table {
            pen.select(body, y);
        }
        hits.add(
            Rect::new(body.x, body.y + y, body.width, 1),
            Hit::Line(line),
        );
    }
    more(pen, area, first, app.shown.len(), body.height);
}

fn row(pen: &mut Pen<'_>, body: Rect, y: u16, flow: &Flow, columns: &Columns) {
    let plain = pen.theme.tone(Tone::Plain);
    let direction = if flow.incoming { "in" } else { "out" };
    let peer = text::cut_middle(strip(&flow.peer, &columns.home), columns.peer);
    let port = text::cut(&flow.port, columns.port);
    let [direction_at, peer_at, port_at, verdict_at, sign_at, by_at] = columns.at;
    pen.text(body, direction_at, y, direction, plain);
    pen.text(body, peer_at, y, &peer, plain);
    pen.text(body, port_at, y, &port, plain);
    let (glyph, word) = verdict_words(flow.verdict);
    let verdict = span(format!("{glyph} {word}"), Tone::of(flow.verdict));
    pen.line(body, verdict_at, y, &[verdict]);
    if let Some(sign) = flow.sign {
        pen.text(body, sign_at, y, sign.glyph(), pen.theme.sign(sign));
    }
    let by = strip(&flow.decided_by, &columns.home);
    let by = if by.is_empty() { "-" } else { by };
    pen.text(body, by_at, y, by, plain);
}
