//! Where environments stand side by side: what is shown of them, and what the keys do.

use std::sync::Arc;

use super::arrivals::compare;
use super::normal::{open as open_tab, selected_row};
use super::{App, Effect, Tab};
use crate::tui::view::{Question, SideLine, Sides, Tone};

/// The environments side by side.
#[derive(Clone, Debug, Default)]
pub(in crate::tui) struct Beside {
    /// `None` until they have come.
    pub(in crate::tui) sides: Option<Arc<Sides>>,
    pub(super) wanted: u64,
    /// The selected line, counted among the shown ones.
    pub(in crate::tui) cursor: usize,
    /// The workload whose connections are listed, by id; `None` for the whole system.
    pub(in crate::tui) of: Option<String>,
    /// The workload that the key goes back to.
    last: Option<String>,
    /// Only what the environments say differently.
    pub(in crate::tui) differing: bool,
    /// The first environment shown; `None` shows the one in force.
    pub(in crate::tui) first: Option<usize>,
    /// Where `esc` leads.
    pub(super) back: Tab,
    /// Ends and port of a line to go to when they have come.
    pub(super) line: Option<(String, String, String)>,
}

impl Beside {
    /// Whether the key goes back to a workload.
    pub(in crate::tui) fn has_last(&self) -> bool {
        self.last.is_some()
    }
}

impl App {
    /// The lines side by side, with their indices; none before they have come.
    pub(in crate::tui) fn side_lines(&self) -> impl Iterator<Item = (usize, &SideLine)> {
        let lines = self.beside.sides.iter().flat_map(|sides| &sides.lines);
        lines.enumerate()
    }

    /// Whether a line is about the workload chosen, or worth showing where none is.
    pub(super) fn is_about(&self, line: &SideLine) -> bool {
        self.beside.of.as_ref().map_or(!line.by_default, |id| {
            line.from_id == *id || line.to_id == *id
        })
    }

    /// The selected line side by side.
    pub(in crate::tui) fn side_line(&self) -> Option<&SideLine> {
        let index = self.cursor().and_then(|at| self.shown.get(at))?;
        self.beside.sides.as_ref()?.lines.get(*index)
    }
}

/// Opens the environments side by side, for the selected workload; there, goes from it to the whole system and back.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    if app.view.environments.is_empty() {
        app.say(
            "no expectations loaded: start with --expect FILE",
            Tone::Plain,
        );
        return Vec::new();
    }
    if app.tab == Tab::Environments {
        if app.beside.of.is_some() {
            show(app, None);
        } else if let Some(id) = app.beside.last.clone() {
            show(app, Some(id));
        } else {
            app.say("this is the whole system already", Tone::Plain);
        }
        return Vec::new();
    }
    app.beside.back = app.tab;
    let of = match app.tab {
        Tab::Drift => {
            let question = finding(app);
            app.beside.line = question
                .as_ref()
                .map(|q| (q.from.clone(), q.to.clone(), String::new()));
            question.and_then(|question| subject(app, &question))
        }
        _ => app
            .view
            .flows
            .as_ref()
            .map(|flows| flows.id.clone())
            .or_else(|| selected_row(app)),
    };
    app.beside.last.clone_from(&of);
    app.zoomed = false;
    open_tab(app, Tab::Environments);
    show(app, of);
    compare(app).into_iter().collect()
}

/// Lists one workload, all of it; or the whole system, of which the differences are news.
fn show(app: &mut App, of: Option<String>) {
    app.beside.differing = of.is_none();
    app.beside.of = of;
    app.beside.cursor = 0;
    app.prepare();
}

/// The question of the selected finding.
fn finding(app: &App) -> Option<Question> {
    let index = app.cursor().and_then(|at| app.shown.get(at))?;
    app.view.findings.get(*index)?.question.clone()
}

/// The workload a question is about: whom it goes to, else from whom.
fn subject(app: &App, question: &Question) -> Option<String> {
    let row = |end: &str| {
        let is_meant = |row: &&crate::tui::view::Row| {
            row.id == end || format!("{}/{}", row.namespace, row.name) == end
        };
        app.view
            .rows
            .iter()
            .find(is_meant)
            .map(|row| row.id.clone())
    };
    row(&question.to).or_else(|| row(&question.from))
}

/// Shows all there is, or only what the environments say differently.
pub(super) fn differing(app: &mut App) {
    if app.tab != Tab::Environments {
        app.say(
            "! works where environments stand side by side: E",
            Tone::Plain,
        );
        return;
    }
    let selected = app.cursor().and_then(|at| app.shown.get(at)).copied();
    app.beside.differing = !app.beside.differing;
    app.refilter();
    let at = selected.and_then(|index| app.shown.iter().position(|known| *known == index));
    app.beside.cursor = at.unwrap_or(0);
}

/// Shows the environments further right or left, where not all of them have room.
pub(super) fn shift(app: &mut App, right: bool) {
    let Some((first, shown)) = crate::tui::beside::window(app) else {
        return;
    };
    let last = app.view.environments.len().saturating_sub(shown);
    app.beside.first = Some(if right {
        (first + 1).min(last)
    } else {
        first.saturating_sub(1)
    });
}

#[cfg(test)]
mod tests;
