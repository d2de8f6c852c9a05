//! What the keys do in every other mode.

use crossterm::event::{KeyCode, KeyEvent};

use super::arrivals::read_draft;
use super::{App, Effect, Mode, normal};
use crate::tui::draw::last_scroll;
use crate::tui::filter::Filter;
use crate::tui::input::Input;
use crate::tui::keys::{self, Action};

pub(super) fn probe_key(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    if let Some(held) = &mut app.completing
        && key.code != KeyCode::Esc
    {
        held.push(key);
        return Vec::new();
    }
    match key.code {
        KeyCode::Esc => {
            app.completing = None;
            app.mode = Mode::Normal;
            app.message = None;
            Vec::new()
        }
        KeyCode::Enter => {
            // A candidate the user walked to is taken first; the next Enter asks.
            if let Some(candidate) = app
                .candidate
                .take()
                .and_then(|at| app.draft.candidates.get(at))
            {
                let text = format!("{} ", candidate.text);
                app.probe_input.replace_word(&text);
                return read_draft(app);
            }
            let generation = app.next();
            app.answer_wanted = generation;
            app.again = false;
            app.mode = Mode::Normal;
            vec![Effect::AskLine {
                generation,
                line: app.probe_input.text().to_owned(),
            }]
        }
        KeyCode::Tab if app.draft_shown != app.draft_wanted => {
            app.completing = Some(Vec::new());
            Vec::new()
        }
        KeyCode::Tab => {
            let at = app.candidate.take().unwrap_or(0);
            if let Some(candidate) = app.draft.candidates.get(at) {
                let text = format!("{} ", candidate.text);
                app.probe_input.replace_word(&text);
                return read_draft(app);
            }
            Vec::new()
        }
        KeyCode::Down | KeyCode::Up => {
            let count = app.draft.candidates.len();
            app.candidate = match (key.code, app.candidate) {
                _ if count == 0 => None,
                (KeyCode::Down, None) => Some(0),
                (KeyCode::Down, Some(at)) => Some((at + 1).min(count - 1)),
                (_, at) => at.and_then(|at| at.checked_sub(1)),
            };
            Vec::new()
        }
        _ => {
            let before = app.probe_input.text().to_owned();
            if app.probe_input.key(key) {
                if app.probe_input.text() != before {
                    app.candidate = None;
                }
                return read_draft(app);
            }
            Vec::new()
        }
    }
}

/// Completes what was waiting for its reading, then types what was typed meanwhile.
pub(super) fn complete_late(app: &mut App) -> Vec<Effect> {
    let Some(held) = app.completing.take() else {
        return Vec::new();
    };
    let mut effects = probe_key(app, KeyEvent::from(KeyCode::Tab));
    for key in held {
        effects.extend(super::on_key(app, key));
    }
    effects
}

pub(super) fn filter_key(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    match key.code {
        KeyCode::Esc => {
            app.filter_input = Input::default();
            apply_filter(app);
            app.mode = Mode::Normal;
        }
        KeyCode::Enter => app.mode = Mode::Normal,
        _ => {
            if app.filter_input.key(key) {
                apply_filter(app);
            }
        }
    }
    Vec::new()
}

/// A filter that cannot be read leaves the last good one in force.
pub(super) fn apply_filter(app: &mut App) {
    match Filter::parse(app.filter_input.text()) {
        Ok(filter) => {
            app.filter = filter;
            app.filter_error = None;
            app.refilter();
        }
        Err(why) => app.filter_error = Some(why),
    }
}

pub(super) fn pick_key(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    let count = app.view.namespaces.len();
    let page = usize::from(app.height / 2).max(1);
    let name = app
        .view
        .namespaces
        .get(app.picker.cursor)
        .map(|item| item.name.clone());
    match keys::action(key) {
        Some(Action::Down) => {
            app.picker.cursor = (app.picker.cursor + 1).min(count.saturating_sub(1));
        }
        Some(Action::Up) => app.picker.cursor = app.picker.cursor.saturating_sub(1),
        Some(Action::PageDown) => {
            app.picker.cursor = (app.picker.cursor + page).min(count.saturating_sub(1));
        }
        Some(Action::PageUp) => app.picker.cursor = app.picker.cursor.saturating_sub(page),
        Some(Action::First) => app.picker.cursor = 0,
        Some(Action::Last) => app.picker.cursor = count.saturating_sub(1),
        Some(Action::Pin) => {
            if let Some(name) = name {
                match app.picker.marked.binary_search(&name) {
                    Ok(at) => {
                        app.picker.marked.remove(at);
                    }
                    Err(at) => app.picker.marked.insert(at, name),
                }
            }
        }
        Some(Action::AllNamespaces) => {
            app.mode = Mode::Normal;
            return scope(app, Vec::new());
        }
        Some(Action::Enter) => {
            app.mode = Mode::Normal;
            let mut chosen = app.picker.marked.clone();
            if chosen.is_empty() {
                chosen.extend(name);
            }
            return scope(app, chosen);
        }
        Some(Action::Back | Action::Quit | Action::Namespaces) => app.mode = Mode::Normal,
        _ => {}
    }
    Vec::new()
}

/// Shows these namespaces; none means all.
pub(super) fn scope(app: &mut App, namespaces: Vec<String>) -> Vec<Effect> {
    app.settings.namespaces = namespaces;
    app.settings.workload = None;
    app.lens.reset();
    app.picture = None;
    app.tallies.clear();
    app.make_room(None);
    app.beside.sides = None;
    vec![app.compute()]
}

pub(super) fn read_key(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    let page = usize::from(app.height.saturating_sub(6)).max(1);
    let most = last_scroll(app);
    match keys::action(key) {
        Some(Action::Down) => app.scroll = (app.scroll + 1).min(most),
        Some(Action::Up) => app.scroll = app.scroll.saturating_sub(1),
        Some(Action::PageDown) => app.scroll = (app.scroll + page).min(most),
        Some(Action::PageUp) => app.scroll = app.scroll.saturating_sub(page),
        Some(Action::First) => app.scroll = 0,
        Some(Action::Last) => app.scroll = most,
        Some(Action::Back | Action::Quit) => app.mode = Mode::Normal,
        Some(Action::QuitAndPrint) => return normal::act(app, Action::QuitAndPrint),
        Some(Action::Help) => {
            app.scroll = 0;
            app.mode = if app.mode == Mode::Help {
                Mode::Normal
            } else {
                Mode::Help
            };
        }
        Some(Action::Why) if app.mode == Mode::Explain => app.mode = Mode::Normal,
        Some(action @ (Action::NextEnvironment | Action::Mouse)) => {
            return normal::act(app, action);
        }
        Some(action @ (Action::Reverse | Action::Earlier | Action::Later | Action::Probe))
            if app.mode == Mode::Explain =>
        {
            return normal::act(app, action);
        }
        _ => {}
    }
    Vec::new()
}
