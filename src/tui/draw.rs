//! The whole screen from the state: reads only, and tells where the mouse would hit what.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::source::Link;
use crate::text;

use super::app::{self, App, Hit, Mode, Tab};
use super::graph::Window;
use super::layout::{Pane, Panes, SMALLEST};
use super::pen::Pen;
use super::theme::{self, Theme};
use super::view::{Line, Picture, Tone, span};
use super::{
    beside, drift, explain, filter_line, graph, header, help, picker, probe, table, trouble,
};

/// What is where, for the mouse. Later entries lie on top.
#[derive(Debug, Default)]
pub(super) struct Hits {
    list: Vec<(Rect, Hit)>,
    /// The picture on the screen, and which part of it.
    picture: Option<(Window, Arc<Picture>)>,
}

impl Hits {
    pub(super) fn add(&mut self, area: Rect, hit: Hit) {
        self.list.push((area, hit));
    }

    pub(super) fn picture(&mut self, window: Window, picture: Arc<Picture>) {
        self.picture = Some((window, picture));
    }

    /// What lies on top at a cell.
    pub(super) fn at(&self, x: u16, y: u16) -> Option<Hit> {
        let position = Position::new(x, y);
        let mut found = self.list.iter().rev();
        let (_, top) = found.find(|(area, _)| area.contains(position))?;
        let inside = self.picture.as_ref().filter(|(window, _)| {
            *top == Hit::Pane(Pane::Graph) && window.inner.contains(position)
        });
        let of_picture = inside.and_then(|(window, picture)| {
            let at = window.shown(x - window.inner.x, y - window.inner.y);
            app::hit(picture, at)
        });
        of_picture.or_else(|| Some(top.clone()))
    }

    /// The pane a cell belongs to.
    pub(super) fn pane(&self, x: u16, y: u16) -> Option<Pane> {
        let position = Position::new(x, y);
        self.list.iter().rev().find_map(|(area, hit)| match hit {
            Hit::Pane(pane) if area.contains(position) => Some(*pane),
            _ => None,
        })
    }
}

/// Draws the state into an empty buffer of the terminal's size.
pub(super) fn draw(app: &App, buffer: &mut Buffer) -> Hits {
    let mut hits = Hits::default();
    let screen = buffer.area;
    let mut pen = Pen {
        buffer,
        theme: app.theme,
    };
    match app.panes() {
        None => {
            let words = format!(
                "{}x{} needed, {}x{} here",
                SMALLEST.0, SMALLEST.1, app.width, app.height
            );
            pen.text(screen, 0, 0, &words, pen.theme.tone(Tone::Plain));
        }
        Some(panes) => {
            header::draw(&mut pen, panes.header, app);
            header::tabs(&mut pen, panes.tabs, app, &mut hits);
            match app.mode {
                Mode::Help => help::draw(&mut pen, panes.whole(), app.scroll),
                Mode::Explain => explain::draw(&mut pen, panes.whole(), app),
                _ => {
                    if let Some(area) = panes.banner {
                        trouble::draw(&mut pen, area, app);
                    }
                    let panes = if trouble::draw_instead(&mut pen, panes.body, app) {
                        Panes {
                            body: panes.body,
                            ..Panes::default()
                        }
                    } else {
                        panes
                    };
                    if let Some(area) = panes.graph {
                        graph::draw(&mut pen, area, app, &mut hits);
                    }
                    if let Some(area) = panes.table {
                        match app.tab {
                            Tab::Flows => table::draw(&mut pen, area, app, &mut hits),
                            Tab::Drift => drift::draw(&mut pen, area, app, &mut hits),
                            Tab::Environments => beside::draw(&mut pen, area, app, &mut hits),
                        }
                    }
                    if let Some(area) = panes.probe {
                        match app.tab {
                            Tab::Flows => probe::draw(&mut pen, area, panes.folded, app, &mut hits),
                            Tab::Drift => drift::detail(&mut pen, area, panes.folded, app),
                            Tab::Environments => beside::detail(&mut pen, area, panes.folded, app),
                        }
                    }
                    probe::edit(&mut pen, panes.body, app);
                    if app.mode == Mode::Pick {
                        picker::draw(&mut pen, panes.body, app);
                    }
                }
            }
            message(&mut pen, panes.message, app);
            hints(&mut pen, panes.hints, app);
        }
    }
    if app.theme.ascii {
        to_ascii(buffer);
    }
    hits
}

/// The last scroll position of help and explanation at the present size.
pub(super) fn last_scroll(app: &App) -> usize {
    let Some(panes) = app.panes() else { return 0 };
    let cells = usize::from(panes.whole().width.saturating_sub(4));
    let rows = usize::from(panes.whole().height.saturating_sub(2));
    let lines = match app.mode {
        Mode::Help => help::lines(cells).len(),
        Mode::Explain => explain::lines(app, cells).len(),
        _ => 0,
    };
    lines.saturating_sub(rows)
}

fn message(pen: &mut Pen<'_>, area: Rect, app: &App) {
    if app.mode == Mode::Filter {
        filter_line::draw(pen, area, app);
        return;
    }
    if let Some((words, tone)) = &app.message {
        pen.line(area, 1, 0, &[span(words.clone(), *tone)]);
        return;
    }
    let line: Line = match &app.view.link {
        Link::Offline { why, since, .. } => vec![
            span("OFFLINE ", Tone::Drift),
            span(
                format!("{why} · every verdict is as of {since}"),
                Tone::Plain,
            ),
        ],
        // The panel says it.
        Link::Loading { .. } if trouble::is_instead(app) => return,
        Link::Loading { progress, .. } => vec![span(progress.join("  ·  "), Tone::Plain)],
        Link::Fixed | Link::Live => match app.view.notes.as_slice() {
            [] => return,
            [only] => vec![span(only.clone(), Tone::Plain)],
            [first, rest @ ..] => vec![
                span(format!("{} notes: ", rest.len() + 1), Tone::Name),
                span(first.clone(), Tone::Plain),
            ],
        },
    };
    pen.line(area, 1, 0, &line);
}

/// Only keys that work now; the last ones go first when space is short, help and quit never.
fn hints(pen: &mut Pen<'_>, area: Rect, app: &App) {
    let (left, right) = hint_words(app);
    let right_width: usize = right
        .iter()
        .map(|(key, does)| text::width(key) + text::width(does) + 3)
        .sum();
    let room = usize::from(area.width).saturating_sub(right_width + 1);
    let mut at = 1;
    for (key, does) in left {
        let needed = text::width(key) + text::width(&does) + 3;
        if usize::from(at) + needed > room {
            break;
        }
        at = pen.text(area, at, 0, key, Theme::key());
        at = pen.text(
            area,
            at,
            0,
            &format!(" {does}  "),
            pen.theme.tone(Tone::Plain),
        );
    }
    let mut at = area
        .width
        .saturating_sub(u16::try_from(right_width).unwrap_or(area.width));
    for (key, does) in right {
        at = pen.text(area, at, 0, key, Theme::key());
        at = pen.text(
            area,
            at,
            0,
            &format!(" {does}  "),
            pen.theme.tone(Tone::Plain),
        );
    }
}

type Hint = (&'static str, String);

fn hint_words(app: &App) -> (Vec<Hint>, Vec<(&'static str, &'static str)>) {
    let hint = |key: &'static str, does: &str| (key, does.to_owned());
    let usual = vec![("?", "help"), ("q", "quit")];
    let environment = || {
        app.next_environment()
            .map(|next| ("e", format!("env: {next}")))
    };
    match app.mode {
        Mode::Probe => (
            vec![
                hint("PROBE", ""),
                hint("enter", "ask"),
                hint("tab", "complete"),
                hint("up/down", "choose"),
            ],
            vec![("esc", "cancel")],
        ),
        Mode::Filter => (
            vec![
                hint("FILTER", ""),
                hint("enter", "keep"),
                hint("ns: from: to: port: by: is:", "columns"),
                hint("!", "not"),
            ],
            vec![("esc", "clear")],
        ),
        Mode::Pick => (
            vec![
                hint("j/k", "move"),
                hint("space", "mark"),
                hint("enter", "show"),
                hint("a", "all"),
            ],
            vec![("esc", "cancel")],
        ),
        Mode::Help => (vec![hint("j/k", "scroll")], vec![("esc", "back")]),
        Mode::Explain => {
            let mut left = vec![hint("j/k", "scroll")];
            if app.subject == super::app::Subject::Probe {
                left.extend([hint("r", "reverse"), hint("[ ]", "history")]);
            }
            left.push(hint("p", "probe"));
            left.extend(environment());
            (left, vec![("?", "help"), ("esc", "back")])
        }
        Mode::Normal => {
            let mut left = Vec::new();
            let panes = app.panes();
            if panes.is_some_and(|panes| panes.banner.is_some()) {
                left.push(hint("esc", "put panel away"));
            }
            if app.reconnects && trouble::is_away(app) {
                left.push(hint("ctrl-r", "retry now"));
            }
            if trouble::is_instead(app) {
                return (left, usual);
            }
            if !app.filter_input.text().is_empty() {
                left.push(hint("esc", "clear filter"));
            }
            if app.pinned.is_some() {
                left.push(hint("space", "pin TO and ask"));
            }
            if app.tab == Tab::Environments {
                left.extend(beside::hints(app));
            }
            left.extend([hint("p", "probe"), hint("w", "why")]);
            left.extend(environment());
            match (app.tab, app.narrowed()) {
                (Tab::Environments, _) => {}
                (Tab::Drift, _) => left.push(hint("1", "flows")),
                (Tab::Flows, true) => left.push(hint("esc", "all workloads")),
                (Tab::Flows, false) => left.push(hint("enter", app.enter_opens())),
            }
            if app.tab == Tab::Flows {
                if app.shows_graph() {
                    left.push(("v", app.lens.kind.next().word().to_owned()));
                } else {
                    left.push(hint("v", "graph"));
                }
            }
            if app.focus == Pane::Graph && app.tab == Tab::Flows {
                left.extend([hint("J K", "wires"), hint("o", "open, close")]);
            }
            left.extend([hint("/", "filter"), hint("n", "ns")]);
            if app.tab != Tab::Environments && app.view.environments.len() > 1 {
                left.push(hint("E", "side by side"));
            }
            left.extend([hint("tab", "pane"), hint("z", "zoom")]);
            if app.answer.is_some() {
                left.push(hint("r", "reverse"));
            }
            left.push(hint("space", "pin"));
            (left, usual)
        }
    }
}

/// Rewrites every cell with plain characters, one for one.
fn to_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let symbol = cell.symbol();
        if symbol.is_ascii() {
            continue;
        }
        let plain: String = symbol.chars().take(1).map(theme::to_ascii).collect();
        cell.set_symbol(&plain);
    }
}
