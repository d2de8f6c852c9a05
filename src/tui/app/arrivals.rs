//! What comes back from the workers.

use std::sync::Arc;

use super::{App, Effect, Mode, Subject, Tab};
use crate::tui::layout::Pane;
use crate::tui::view::{Answer, Question, Sides, Tone, View, verdict_words};

pub(super) fn on_view(app: &mut App, generation: u64, view: Arc<View>) -> Vec<Effect> {
    if generation < app.shown_generation {
        return Vec::new();
    }
    app.shown_generation = generation;
    let was_narrowed = app.narrowed();
    app.view = view;
    if app.dismissed != crate::tui::trouble::topic(app) {
        // What comes again is told again.
        app.dismissed = None;
    }
    if app.settings.environment.is_none() {
        app.settings.environment.clone_from(&app.view.environment);
    }
    if app.narrowed() != was_narrowed {
        app.flow = 0;
    }
    app.prepare();
    let mut effects = judge_others(app);
    if app.tab == Tab::Environments {
        effects.extend(compare(app));
    }
    if let Some(question) = app.answer.as_ref().map(|answer| answer.question.clone()) {
        // A probe on the screen stays true.
        effects.push(app.ask(question));
        app.again = true;
    }
    if let (Mode::Explain, Subject::Workload(about)) = (app.mode, &app.subject) {
        let workload = about.id.clone();
        effects.push(tell(app, workload));
    }
    if app.mode == Mode::Probe {
        effects.extend(read_draft(app));
    }
    effects
}

/// Asks for the environments that are not in force, now that the one in force is shown.
fn judge_others(app: &mut App) -> Vec<Effect> {
    let known = &app.view.tallies;
    if known.len() >= app.view.environments.len() && (known.len() < 2 || app.view.all.is_some()) {
        app.tallies.clone_from(known);
        if app.view.all.is_some() {
            let all = app.view.all.clone();
            app.make_room(all);
        }
        return Vec::new();
    }
    // The others stay as they were until they are judged anew.
    for tally in known {
        app.tallies
            .retain(|old| old.environment != tally.environment);
        app.tallies.push(tally.clone());
    }
    let generation = app.next();
    app.tallies_wanted = generation;
    vec![Effect::Judge { generation }]
}

/// Asks for the environments side by side, where there is more than one.
pub(super) fn compare(app: &mut App) -> Option<Effect> {
    if app.view.environments.len() < 2 {
        return None;
    }
    let generation = app.next();
    app.beside.wanted = generation;
    Some(Effect::Compare { generation })
}

pub(super) fn on_sides(app: &mut App, sides: Arc<Sides>) {
    app.beside.sides = Some(sides);
    if app.tab != Tab::Environments {
        return;
    }
    app.prepare();
    if let Some((from, to, port)) = app.beside.line.take() {
        let lines = app.beside.sides.iter().flat_map(|sides| &sides.lines);
        let found = lines
            .enumerate()
            .filter(|(_, line)| line.question.from == from && line.question.to == to)
            .max_by_key(|(_, line)| line.port == port);
        let at = found.and_then(|(found, _)| app.shown.iter().position(|index| *index == found));
        app.beside.cursor = at.unwrap_or(0);
    }
}

pub(super) fn tell(app: &mut App, workload: String) -> Effect {
    let generation = app.next();
    app.about_wanted = generation;
    Effect::Tell {
        generation,
        workload,
    }
}

pub(super) fn on_answer(app: &mut App, answer: Result<Answer, String>) {
    // The other tabs have no place for an answer but the explanation.
    let explain = std::mem::take(&mut app.explain_next) || (app.tab != Tab::Flows && !app.again);
    match answer {
        Ok(answer) => {
            if app.again {
                let before = app.answer.as_ref().map(|before| before.verdict);
                if let Some(before) = before.filter(|before| *before != answer.verdict) {
                    let line = format!(
                        "the probe changed: {} -> {}  {} {} -> {}",
                        answer.question.from,
                        answer.question.to,
                        answer.question.port,
                        verdict_words(before).1,
                        verdict_words(answer.verdict).1
                    );
                    app.say(line, Tone::Drift);
                }
            } else {
                remember(app, &answer.question);
                app.scroll = 0;
                // So that enter and w explain what was just asked; the first movement goes back to the table.
                if !explain {
                    app.focus = Pane::Probe;
                }
            }
            app.answer = Some(answer);
            app.probe_error = None;
            if explain {
                app.subject = Subject::Probe;
                app.mode = Mode::Explain;
            }
        }
        Err(why) if app.again => app.say(
            format!("the probe on the screen is of an older state: {why}"),
            Tone::Drift,
        ),
        Err(why) => {
            app.say(why.clone(), Tone::Deny);
            app.probe_error = Some(why);
        }
    }
}

fn remember(app: &mut App, question: &Question) {
    app.at = app
        .history
        .iter()
        .position(|known| known == question)
        .unwrap_or_else(|| {
            app.history.push(question.clone());
            app.history.len() - 1
        });
}

pub(super) fn read_draft(app: &mut App) -> Vec<Effect> {
    let generation = app.next();
    app.draft_wanted = generation;
    vec![Effect::Read {
        generation,
        line: app.probe_input.text().to_owned(),
        cursor: app.probe_input.cursor(),
    }]
}
