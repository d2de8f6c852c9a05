//! What the keys and the mouse do in normal mode.

use crate::graph::{self, Direction};

use super::arrivals::{read_draft, tell};
use super::{App, Effect, Hit, Mode, Picker, Subject, Tab, beside, lens};
use crate::tui::input::Input;
use crate::tui::keys::Action;
use crate::tui::layout::Pane;
use crate::tui::view::{Question, Tone, plain};

/// Carries out an action.
pub(super) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    match action {
        Action::Left => step(app, graph::Direction::Left),
        Action::Down => step(app, graph::Direction::Down),
        Action::Up => step(app, graph::Direction::Up),
        Action::Right => step(app, graph::Direction::Right),
        Action::First => go(app, |_, _| 0),
        Action::Last => go(app, |_, last| last),
        Action::PageDown => page(app, true),
        Action::PageUp => page(app, false),
        Action::NextPane => turn(app, true),
        Action::PreviousPane => turn(app, false),
        Action::Flows => open(app, Tab::Flows),
        Action::Drift => open(app, Tab::Drift),
        Action::Environments => return beside::open(app),
        Action::Differing => beside::differing(app),
        Action::Enter => return enter(app),
        Action::Back => return back(app),
        Action::Filter => app.mode = Mode::Filter,
        Action::Help => {
            app.scroll = 0;
            app.mode = Mode::Help;
        }
        Action::Namespaces => {
            app.picker = Picker {
                cursor: 0,
                marked: app.settings.namespaces.clone(),
            };
            app.mode = Mode::Pick;
        }
        Action::AllNamespaces => return super::modes::scope(app, Vec::new()),
        Action::Probe => return probe(app),
        Action::Pin => return pin(app),
        Action::Reverse => return reverse(app),
        Action::Earlier => return recall(app, false),
        Action::Later => return recall(app, true),
        Action::Why => return why(app),
        Action::NextEnvironment => return next_environment(app),
        Action::NextView => lens::next_view(app),
        Action::Open => lens::open(app),
        Action::NextWire => lens::walk(app, true),
        Action::PreviousWire => lens::walk(app, false),
        Action::PanLeft => lens::pan(app, Direction::Left),
        Action::PanDown => lens::pan(app, Direction::Down),
        Action::PanUp => lens::pan(app, Direction::Up),
        Action::PanRight => lens::pan(app, Direction::Right),
        Action::MoreDetail => lens::detail(app, false),
        Action::LessDetail => lens::detail(app, true),
        Action::Refit => lens::refit(app),
        Action::Classes => classes(app),
        Action::Zoom => app.zoomed = !app.zoomed,
        Action::Mouse => {
            app.mouse = !app.mouse;
            app.say(
                if app.mouse {
                    "mouse on; hold shift to select text"
                } else {
                    "mouse off"
                },
                Tone::Plain,
            );
            return vec![Effect::Mouse(app.mouse)];
        }
        Action::Reconnect => {
            if !app.reconnects {
                app.say("nothing to reconnect to: this was read once", Tone::Plain);
                return Vec::new();
            }
            app.say("connecting anew …", Tone::Plain);
            return vec![Effect::Reconnect];
        }
        Action::Suspend => return vec![Effect::Suspend],
        Action::Quit | Action::QuitNow => return vec![Effect::Quit(None)],
        Action::QuitAndPrint => return vec![Effect::Quit(last_answer(app))],
    }
    Vec::new()
}

/// The last explanation as plain text, for after the screen.
fn last_answer(app: &App) -> Option<String> {
    let answer = app.answer.as_ref()?;
    let lines: Vec<String> = answer.lines.iter().map(|line| plain(line)).collect();
    Some(lines.join("\n"))
}

fn step(app: &mut App, direction: graph::Direction) {
    if app.focus == Pane::Graph && app.tab == Tab::Flows {
        lens::step(app, direction);
        return;
    }
    if app.focus == Pane::Probe && !app.zoomed {
        app.focus = Pane::Table;
    }
    match direction {
        graph::Direction::Down => go(app, |at, last| (at + 1).min(last)),
        graph::Direction::Up => go(app, |at, _| at.saturating_sub(1)),
        graph::Direction::Left | graph::Direction::Right => {
            if app.tab == Tab::Environments {
                beside::shift(app, direction == graph::Direction::Right);
            }
        }
    }
}

fn page(app: &mut App, down: bool) {
    let pane = app.panes().and_then(|panes| panes.table);
    let rows = pane.map_or(10, |pane| usize::from(pane.height.saturating_sub(4)).max(1));
    if down {
        go(app, move |at, last| (at + rows).min(last));
    } else {
        go(app, move |at, _| at.saturating_sub(rows));
    }
}

/// Moves the line cursor: `to` gets where it is and where the last line is.
fn go(app: &mut App, to: impl Fn(usize, usize) -> usize) {
    let Some(last) = app.shown.len().checked_sub(1) else {
        return;
    };
    // From a node that is no row, any movement goes to the first.
    let target = app.cursor().map_or(0, |at| to(at, last));
    select_line(app, target);
}

fn select_line(app: &mut App, line: usize) {
    let Some(index) = app.shown.get(line).copied() else {
        return;
    };
    if app.tab == Tab::Drift {
        app.finding = line;
    } else if app.tab == Tab::Environments {
        app.beside.cursor = line;
    } else if let Some(flows) = app.view.flows.as_ref().filter(|_| app.narrowed()) {
        // The subject is the workload again, whoever was looked at in the graph.
        app.selected = Some(flows.id.clone());
        app.lens.pan = None;
        app.flow = line;
    } else {
        app.select_row(app.view.rows[index].id.clone());
    }
}

fn turn(app: &mut App, forward: bool) {
    let mut order = vec![Pane::Table];
    if app.tab == Tab::Flows {
        order.insert(0, Pane::Graph);
    }
    if app.answer.is_some() && app.tab == Tab::Flows {
        order.push(Pane::Probe);
    }
    let here = order
        .iter()
        .position(|pane| *pane == app.focus)
        .unwrap_or(0);
    let next = if forward {
        here + 1
    } else {
        here + order.len() - 1
    };
    app.focus = order[next % order.len()];
}

pub(super) fn open(app: &mut App, tab: Tab) {
    app.tab = tab;
    if app.focus != Pane::Probe || tab != Tab::Flows {
        app.focus = Pane::Table;
    }
    app.prepare();
}

fn enter(app: &mut App) -> Vec<Effect> {
    if app.focus == Pane::Probe && app.answer.is_some() {
        return explain_probe(app);
    }
    if app.tab == Tab::Flows && app.focus == Pane::Graph {
        return lens::enter(app);
    }
    if app.tab != Tab::Flows || app.narrowed() {
        return why(app);
    }
    match selected_row(app) {
        Some(id) => lens::narrow(app, id),
        None => match app.selected_key().map(str::to_owned) {
            Some(key) => lens::narrow(app, key),
            None => Vec::new(),
        },
    }
}

/// The id of the selected workload, whether it was chosen in the graph or in the table.
pub(super) fn selected_row(app: &App) -> Option<String> {
    let key = app.selected_key()?;
    let rows = &app.view.rows;
    let found = rows.iter().find(|row| row.id == key);
    // The table has a cursor where the graph has a whole namespace.
    let at_cursor = || {
        let is_table = app.tab == Tab::Flows && app.focus == Pane::Table && !app.narrowed();
        let index = app.cursor().filter(|_| is_table)?;
        rows.get(*app.shown.get(index)?)
    };
    found.or_else(at_cursor).map(|row| row.id.clone())
}

fn back(app: &mut App) -> Vec<Effect> {
    if app.panes().is_some_and(|panes| panes.banner.is_some()) {
        app.dismissed = crate::tui::trouble::topic(app);
    } else if app.zoomed {
        app.zoomed = false;
    } else if app.pinned.take().is_some() {
        app.message = None;
    } else if app.tab == Tab::Environments {
        open(app, app.beside.back);
    } else if app.tab == Tab::Drift {
        open(app, Tab::Flows);
    } else if app.focus == Pane::Graph && !app.narrowed() && app.lens.link.take().is_some() {
        app.lens.pan = None;
    } else if let Some(effects) = lens::back(app) {
        return effects;
    } else if app.settings.workload.take().is_some() {
        return vec![app.compute()];
    } else if app.focus == Pane::Probe {
        app.focus = Pane::Table;
    } else if !app.filter_input.text().is_empty() {
        app.filter_input = Input::default();
        super::modes::apply_filter(app);
    }
    Vec::new()
}

/// What can be typed to name the selection as an end.
fn selected_end(app: &App) -> Option<String> {
    if app.tab == Tab::Environments {
        return app.side_line().map(|line| line.question.from.clone());
    }
    if app.tab == Tab::Drift {
        let finding = app
            .cursor()
            .and_then(|at| app.shown.get(at))
            .map(|at| &app.view.findings[*at])?;
        return finding
            .question
            .as_ref()
            .map(|question| question.from.clone());
    }
    if app.narrowed()
        && app.focus != Pane::Graph
        && let Some(flow) = selected_flow(app)
    {
        return Some(flow.from);
    }
    if app.focus == Pane::Table
        && let Some(id) = selected_row(app)
    {
        return Some(lens::typed(app, &id, None));
    }
    Some(lens::typed(app, app.selected_key()?, None))
}

/// The question of the connection selected in the graph, while the graph has the keys.
fn selected_link(app: &App) -> Option<Question> {
    let in_graph = app.tab == Tab::Flows && app.focus == Pane::Graph;
    lens::question(app)
        .filter(|_| in_graph)
        .map(|(question, _)| question)
}

fn selected_flow(app: &App) -> Option<Question> {
    let flows = app.view.flows.as_ref()?;
    let index = app.cursor().and_then(|at| app.shown.get(at))?;
    flows.rows.get(*index).map(|flow| flow.question.clone())
}

fn probe(app: &mut App) -> Vec<Effect> {
    // A flow has both ends already; what is left is the port.
    let flow = if app.tab == Tab::Environments {
        app.side_line().map(|line| line.question.clone())
    } else if app.narrowed() && app.focus != Pane::Graph {
        selected_flow(app)
    } else {
        selected_link(app)
    };
    let typed = match flow {
        Some(question) => format!("{} {} ", question.from, question.to),
        None => selected_end(app)
            .map(|end| format!("{end} "))
            .unwrap_or_default(),
    };
    app.probe_input = Input::new(&typed);
    app.candidate = None;
    app.probe_error = None;
    app.draft = crate::tui::view::Draft::default();
    app.completing = None;
    app.mode = Mode::Probe;
    read_draft(app)
}

fn pin(app: &mut App) -> Vec<Effect> {
    if let Some(question) = selected_link(app) {
        // A connection has both ends.
        app.pinned = None;
        return vec![app.ask(question)];
    }
    let Some(end) = selected_end(app) else {
        return Vec::new();
    };
    match app.pinned.take() {
        None => {
            app.say(
                format!("FROM is {end}; space on another one asks, esc forgets"),
                Tone::Plain,
            );
            app.pinned = Some(end);
            Vec::new()
        }
        Some(from) => vec![app.ask(Question {
            from,
            to: end,
            port: String::new(),
        })],
    }
}

fn reverse(app: &mut App) -> Vec<Effect> {
    let Some(answer) = &app.answer else {
        app.say("no probe to reverse yet: p asks one", Tone::Plain);
        return Vec::new();
    };
    let question = answer.question.reversed();
    vec![app.ask(question)]
}

fn recall(app: &mut App, later: bool) -> Vec<Effect> {
    let at = if later {
        app.at.checked_add(1)
    } else {
        app.at.checked_sub(1)
    };
    let Some((at, question)) = at.and_then(|at| Some((at, app.history.get(at)?.clone()))) else {
        let which = if later { "later" } else { "earlier" };
        app.say(format!("no {which} probe"), Tone::Plain);
        return Vec::new();
    };
    app.at = at;
    vec![app.ask(question)]
}

fn explain_probe(app: &mut App) -> Vec<Effect> {
    app.subject = Subject::Probe;
    app.scroll = 0;
    app.mode = Mode::Explain;
    Vec::new()
}

fn why(app: &mut App) -> Vec<Effect> {
    if app.focus == Pane::Probe && app.answer.is_some() {
        return explain_probe(app);
    }
    if app.tab == Tab::Environments {
        let question = app.side_line().map(|line| line.question.clone());
        let Some(question) = question else {
            return Vec::new();
        };
        app.explain_next = true;
        return vec![app.ask(question)];
    }
    if app.tab == Tab::Drift {
        let finding = app
            .cursor()
            .and_then(|at| app.shown.get(at))
            .map(|at| &app.view.findings[*at]);
        return match finding.map(|finding| finding.question.clone()) {
            Some(Some(question)) => {
                app.explain_next = true;
                vec![app.ask(question)]
            }
            Some(None) => {
                app.say(
                    "this finding is not about one connection; all there is stands below",
                    Tone::Plain,
                );
                Vec::new()
            }
            None => Vec::new(),
        };
    }
    if app.narrowed()
        && app.focus == Pane::Table
        && let Some(question) = selected_flow(app)
    {
        app.explain_next = true;
        return vec![app.ask(question)];
    }
    if let Some(effects) = lens::explain(app) {
        return effects;
    }
    if let Some(id) = selected_row(app) {
        app.subject = Subject::Workload(crate::tui::view::About {
            id: id.clone(),
            title: id.clone(),
            lines: Vec::new(),
        });
        app.scroll = 0;
        app.mode = Mode::Explain;
        return vec![tell(app, id)];
    }
    if app.answer.is_some() {
        return explain_probe(app);
    }
    Vec::new()
}

fn next_environment(app: &mut App) -> Vec<Effect> {
    // From what was asked last, not from what is shown: two quick presses are two steps.
    let known = &app.view.environments;
    let Some(here) = known
        .iter()
        .position(|name| Some(name) == app.settings.environment.as_ref())
    else {
        if known.is_empty() {
            app.say(
                "no expectations loaded: start with --expect FILE",
                Tone::Plain,
            );
            return Vec::new();
        }
        app.settings.environment = known.first().cloned();
        return vec![app.compute()];
    };
    if known.len() < 2 {
        app.say("there is only one environment", Tone::Plain);
        return Vec::new();
    }
    app.settings.environment = Some(known[(here + 1) % known.len()].clone());
    vec![app.compute()]
}

fn classes(app: &mut App) {
    app.classes = (app.classes + 1) % 3;
    let what = [
        "the graph shows application traffic",
        "the graph shows application traffic and DNS",
        "the graph shows all traffic",
    ];
    app.say(what[usize::from(app.classes)], Tone::Plain);
}

pub(super) fn on_click(app: &mut App, hit: Hit) -> Vec<Effect> {
    if app.mode != Mode::Normal {
        return Vec::new();
    }
    app.message = None;
    match hit {
        Hit::Tab(Tab::Environments) if app.tab != Tab::Environments => return beside::open(app),
        Hit::Tab(tab) => open(app, tab),
        Hit::Pane(pane) => app.focus = pane,
        Hit::Line(line) => {
            app.focus = Pane::Table;
            if app.cursor() == Some(line) {
                return enter(app);
            }
            select_line(app, line);
        }
        Hit::Node(_) | Hit::Wire(_) | Hit::Pair(..) | Hit::Frame(_) => {
            return lens::on_hit(app, hit);
        }
    }
    Vec::new()
}

pub(super) fn on_aside(app: &mut App, pane: Pane, right: bool) -> Vec<Effect> {
    if app.mode == Mode::Normal && pane == Pane::Graph {
        lens::pan(
            app,
            if right {
                Direction::Right
            } else {
                Direction::Left
            },
        );
    }
    Vec::new()
}

pub(super) fn on_wheel(app: &mut App, pane: Pane, down: bool) -> Vec<Effect> {
    let most = crate::tui::draw::last_scroll(app);
    match app.mode {
        Mode::Help | Mode::Explain => {
            app.scroll = if down {
                (app.scroll + 3).min(most)
            } else {
                app.scroll.saturating_sub(3)
            };
        }
        Mode::Normal if pane == Pane::Table => {
            if down {
                go(app, |at, last| (at + 1).min(last));
            } else {
                go(app, |at, _| at.saturating_sub(1));
            }
        }
        Mode::Normal if pane == Pane::Graph => {
            lens::pan(app, if down { Direction::Down } else { Direction::Up });
        }
        _ => {}
    }
    Vec::new()
}
