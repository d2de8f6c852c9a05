//! How the graph is looked at: the view, what is open and closed in it, and how one gets back. What is selected in it is
//! in `wires`, where the window stands in `crate::tui::graph::Window`.

mod click;
mod matrix;
mod wires;

use std::collections::BTreeSet;

use super::{App, Effect, Tab};
use crate::graph::view::{Show, View};
use crate::graph::{BoxView, Direction, NodeKind, State, Step};
use crate::tui::graph::Window;
use crate::tui::layout::Pane;
use crate::tui::view::{Tone, stands_for};

pub(in crate::tui) use click::hit;
pub(super) use click::on_hit;
pub(in crate::tui) use wires::Link;
pub(super) use wires::{explain, question, typed};

/// The views, in the order in which the key goes through them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::tui) enum Kind {
    #[default]
    Map,
    Ego,
    Matrix,
    Overview,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Map, Self::Ego, Self::Matrix, Self::Overview];

    pub(in crate::tui) fn word(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Ego => "ego",
            Self::Matrix => "matrix",
            Self::Overview => "overview",
        }
    }

    pub(in crate::tui) fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }
}

/// How somebody looks at the graph.
#[derive(Clone, Debug, Default)]
pub(in crate::tui) struct Lens {
    pub(in crate::tui) kind: Kind,
    /// Whom ego is about, by key.
    centre: Option<String>,
    /// Namespaces closed on the map and in the matrix, and those opened in the overview.
    closed: BTreeSet<String>,
    opened: BTreeSet<String>,
    /// Those whose workloads ego shows one by one, around this centre.
    unfolded: BTreeSet<String>,
    /// Steps pinned by the user, by view.
    steps: [Option<Step>; 4],
    /// The selected connection.
    pub(in crate::tui) link: Option<Link>,
    /// Where the window was moved to; `None` follows the selection.
    pub(in crate::tui) pan: Option<(i32, i32)>,
    /// Where `esc` leads, the last place last.
    trail: Vec<Stop>,
}

/// A place to go back to.
#[derive(Clone, Debug)]
struct Stop {
    kind: Kind,
    centre: Option<String>,
    selected: Option<String>,
    workload: Option<String>,
}

/// Places remembered.
const LONGEST_TRAIL: usize = 32;

impl Lens {
    /// The step pinned in this view.
    pub(in crate::tui) fn step(&self) -> Option<Step> {
        self.steps[self.kind as usize]
    }

    /// Puts a node into the middle of ego.
    fn turn_to(&mut self, centre: String) {
        if self.centre.as_ref() != Some(&centre) {
            self.unfolded.clear();
        }
        self.centre = Some(centre);
    }

    /// Forgets what was about other namespaces.
    pub(super) fn reset(&mut self) {
        self.link = None;
        self.pan = None;
        self.trail.clear();
    }
}

impl App {
    /// What is to be drawn.
    pub(super) fn show(&self) -> Show {
        let lens = &self.lens;
        let is_known = |key: &&String| {
            self.view.graph.node(key).is_some()
                || stands_for(key).is_some() && self.namespace_of(key).is_some()
        };
        let (view, turned) = match (lens.kind, lens.centre.as_ref().filter(is_known)) {
            (Kind::Ego, Some(centre)) => (View::Ego(centre.clone()), lens.unfolded.clone()),
            (Kind::Map | Kind::Ego, _) => (View::Map, lens.closed.clone()),
            (Kind::Matrix, _) => (View::Matrix, lens.closed.clone()),
            (Kind::Overview, _) => (View::Overview, lens.opened.clone()),
        };
        Show { view, turned }
    }

    /// The namespace of a node, or the one that a box stands for.
    pub(super) fn namespace_of(&self, key: &str) -> Option<&str> {
        if let Some(node) = self.view.graph.node(key) {
            return node.namespace.as_deref();
        }
        let row = self.view.rows.iter().find(|row| row.id == key);
        if let Some(row) = row {
            return Some(&row.namespace);
        }
        // Borrowed from the view, so that the caller may keep it.
        let name = stands_for(key)?;
        let drawn = self.view.graph.nodes().iter();
        let drawn = drawn.filter_map(|node| node.namespace.as_deref());
        let rows = self.view.rows.iter().map(|row| row.namespace.as_str());
        drawn.chain(rows).find(|known| *known == name)
    }

    /// The box that shows a node: its own, or that of its closed namespace.
    pub(in crate::tui) fn box_of(&self, id_or_key: &str) -> Option<&BoxView> {
        let drawn = &self.picture.as_ref()?.drawn;
        let scene = &drawn.scene;
        let key = bare(id_or_key);
        scene
            .find(id_or_key)
            .or_else(|| scene.find(key))
            .or_else(|| {
                let namespace = self.namespace_of(key)?;
                scene.find(&format!("namespace/{namespace}"))
            })
            .or_else(|| {
                // Several namespaces, or ranges of addresses, in one box.
                let namespace = self.namespace_of(key).unwrap_or(key);
                let is_in = |members: &&Vec<String>| {
                    let mut members = members.iter();
                    members.any(|member| member == namespace || member == key)
                };
                let mut groups = drawn.groups.iter();
                let (group, _) = groups.find(|(_, members)| is_in(members))?;
                scene.find(group)
            })
    }

    /// The box that shows what is selected.
    pub(in crate::tui) fn selected_box(&self) -> Option<&BoxView> {
        self.box_of(self.selected.as_deref()?)
    }

    /// Selects a box of the picture; the table goes along.
    pub(super) fn select_box(&mut self, id: String) {
        self.lens.link = None;
        self.lens.pan = None;
        let key = bare(&id).to_owned();
        self.selected = Some(id);
        let Some(flows) = self.view.flows.as_ref().filter(|_| self.narrowed()) else {
            return;
        };
        if key != flows.id {
            let is_of = |index: &usize| flows.rows[*index].peer_id == key;
            if let Some(line) = self.shown.iter().position(is_of) {
                self.flow = line;
            }
        }
    }

    /// Selects a workload of the table; the picture goes along.
    pub(super) fn select_row(&mut self, id: String) {
        self.lens.link = None;
        self.lens.pan = None;
        if self.lens.kind == Kind::Ego && self.view.graph.node(&id).is_some() {
            self.lens.turn_to(id.clone());
        }
        self.selected = Some(id);
    }

    pub(in crate::tui) fn shows_graph(&self) -> bool {
        self.panes().is_some_and(|panes| panes.graph.is_some())
    }

    /// Whether the picture is a matrix.
    fn in_matrix(&self) -> bool {
        let picture = self.picture.as_ref();
        picture.is_some_and(|picture| picture.drawn.scene.is_grid())
    }
}

/// The key in the id of a box: a node from outside that is a destination has a box of its own.
pub(in crate::tui) fn bare(id: &str) -> &str {
    id.strip_prefix("to:").unwrap_or(id)
}

/// Brings the graph on the screen; false when it was there already.
fn reveal(app: &mut App) -> bool {
    if app.shows_graph() {
        return false;
    }
    if app.tab != Tab::Flows {
        super::normal::open(app, Tab::Flows);
    }
    if !app.shows_graph() {
        app.focus = Pane::Graph;
    }
    true
}

/// Goes to the next view; where the graph is not on the screen, shows it as it is.
pub(super) fn next_view(app: &mut App) {
    if reveal(app) {
        return;
    }
    app.lens.pan = None;
    let next = app.lens.kind.next();
    if next == Kind::Ego {
        let Some((key, is_selected)) = centre(app) else {
            app.say("there is nothing to put in the middle", Tone::Plain);
            app.lens.kind = next.next();
            return;
        };
        if !is_selected {
            let name = app.node_words(&key);
            app.say(format!("nothing was selected: this is {name}"), Tone::Plain);
            app.selected = Some(key.clone());
        }
        app.lens.turn_to(key);
    }
    app.lens.kind = next;
}

/// Whom ego is to be about, and whether that is what is selected: else the source of the first unexpected connection, else
/// the first there is.
fn centre(app: &App) -> Option<(String, bool)> {
    let graph = &app.view.graph;
    let selected = app.selected_key();
    let is_known = |key: &&str| {
        graph.node(key).is_some() || stands_for(key).is_some() && app.namespace_of(key).is_some()
    };
    if let Some(key) = selected.filter(is_known) {
        return Some((key.to_owned(), true));
    }
    let mut edges = graph.edges().iter();
    let unexpected = edges.find(|edge| edge.state == State::Unexpected);
    let first = || graph.nodes().first();
    unexpected
        .map(|edge| edge.from.clone())
        .or_else(|| first().map(|node| node.key.clone()))
        .map(|key| (key, false))
}

/// Opens the selected namespace where it is one box, and closes it where it is open.
pub(super) fn open(app: &mut App) {
    reveal(app);
    let Some(picture) = app.picture.clone() else {
        return;
    };
    let found = app
        .selected_box()
        .map(|found| (found.key.clone(), found.kind));
    let turned = found.and_then(|(key, kind)| Some((picture.drawn.turned(&key)?, key, kind)));
    let Some((show, key, kind)) = turned else {
        app.say(
            match picture.drawn.show.view {
                View::Ego(_) => "ego opens what stands for a whole namespace; this does not",
                _ => "what is selected stands outside the namespaces: nothing to open or close",
            },
            Tone::Plain,
        );
        return;
    };
    let is_group = picture.drawn.groups.contains_key(&key);
    let was_closed = kind == NodeKind::Namespace || is_group;
    match show.view {
        View::Map | View::Matrix => app.lens.closed = show.turned,
        View::Overview => {
            // Also where it is shown because the map would be too large: to open something is to want it.
            app.lens.kind = Kind::Overview;
            app.lens.opened = show.turned;
        }
        View::Ego(_) => app.lens.unfolded = show.turned,
    }
    app.lens.pan = None;
    let selected = app.selected_key().unwrap_or_default();
    let namespace = app.namespace_of(selected).map(str::to_owned);
    let words = match (&namespace, is_group) {
        (Some(namespace), false) => namespace.clone(),
        _ => "it".to_owned(),
    };
    let stood = stands_for(selected).is_some();
    if was_closed && stood && !is_group {
        let mut nodes = app.view.graph.nodes().iter();
        let first = nodes.find(|node| node.namespace == namespace);
        if let Some(key) = first.map(|node| node.key.clone()) {
            app.selected = Some(key);
        }
    }
    app.say(
        match (was_closed, is_group) {
            (true, true) => "each has a box of its own now".to_owned(),
            (true, false) => format!("{words} is open; o closes it"),
            (false, _) => format!("{words} is closed; o opens it"),
        },
        Tone::Plain,
    );
}

/// Moves the selection by geometry.
pub(super) fn step(app: &mut App, direction: Direction) {
    if app.in_matrix() {
        matrix::step(app, direction);
        return;
    }
    let Some(picture) = &app.picture else { return };
    let here = app.selected_box().map_or("", |found| found.id.as_str());
    let next = picture.drawn.scene.step(here, direction);
    match next.map(str::to_owned) {
        Some(id) => app.select_box(id),
        None => app.lens.pan = None,
    }
}

/// Goes to the next or previous wire of what is selected, round and round.
pub(super) fn walk(app: &mut App, forward: bool) {
    reveal(app);
    app.focus = Pane::Graph;
    app.lens.pan = None;
    if app.in_matrix() {
        matrix::walk(app, forward);
    } else {
        wires::walk(app, forward);
    }
}

/// Goes to the next of so many places in a circle, from none to the first or the last.
fn circle(here: Option<usize>, count: usize, forward: bool) -> Option<usize> {
    let last = count.checked_sub(1)?;
    Some(match (here, forward) {
        (None, true) => 0,
        (None, false) => last,
        (Some(at), true) => (at + 1) % count,
        (Some(at), false) => at.checked_sub(1).unwrap_or(last),
    })
}

/// Columns and rows that one press moves the window by.
const PAN: (i32, i32) = (8, 3);

/// Moves the window over a picture that is larger than it.
pub(super) fn pan(app: &mut App, direction: Direction) {
    let area = app.panes().and_then(|panes| panes.graph);
    let Some(window) = area.and_then(|area| Window::of(app, area)) else {
        return;
    };
    let (dx, dy) = match direction {
        Direction::Left => (-PAN.0, 0),
        Direction::Right => (PAN.0, 0),
        Direction::Up => (0, -PAN.1),
        Direction::Down => (0, PAN.1),
    };
    if window.shows_all() {
        app.say("all of it is in sight", Tone::Plain);
    } else {
        app.lens.pan = Some(window.moved(dx, dy));
    }
}

/// Goes one step along the ladder of detail.
pub(super) fn detail(app: &mut App, less: bool) {
    if app.in_matrix() {
        app.say("a matrix has one detail: + - are for maps", Tone::Plain);
        return;
    }
    let here = app.lens.step().or_else(|| {
        let picture = app.picture.as_ref()?;
        Some(picture.drawn.scene.step_shown())
    });
    let here = here
        .and_then(|step| Step::ALL.iter().position(|known| *known == step))
        .unwrap_or(0);
    let next = if less {
        (here + 1).min(Step::ALL.len() - 1)
    } else {
        here.saturating_sub(1)
    };
    app.lens.steps[app.lens.kind as usize] = Some(Step::ALL[next]);
}

/// Takes the detail that fits, and looks at the selection again.
pub(super) fn refit(app: &mut App) {
    app.lens.steps[app.lens.kind as usize] = None;
    app.lens.pan = None;
}

/// Drills into what is selected in the graph.
pub(super) fn enter(app: &mut App) -> Vec<Effect> {
    if let Some(effects) = explain(app) {
        return effects;
    }
    let Some(found) = app.selected_box() else {
        return Vec::new();
    };
    if found.kind == NodeKind::Namespace {
        open(app);
        return Vec::new();
    }
    let key = found.key.clone();
    narrow(app, key)
}

/// Narrows to one node: the table to its flows, the graph to its neighbours.
pub(super) fn narrow(app: &mut App, key: String) -> Vec<Effect> {
    let is_row = app.view.rows.iter().any(|row| row.id == key);
    let is_drawn = app.view.graph.node(&key).is_some();
    let workload = is_row.then(|| key.clone());
    let centre = app
        .lens
        .centre
        .as_ref()
        .filter(|_| app.lens.kind == Kind::Ego);
    if centre == Some(&key) && app.settings.workload == workload {
        let name = app.node_words(&key);
        app.say(format!("this is all of {name}; esc goes back"), Tone::Plain);
        return Vec::new();
    }
    app.lens.trail.push(Stop {
        kind: app.lens.kind,
        centre: app.lens.centre.clone(),
        selected: app.selected.clone(),
        workload: app.settings.workload.clone(),
    });
    if app.lens.trail.len() > LONGEST_TRAIL {
        app.lens.trail.remove(0);
    }
    app.lens.link = None;
    app.lens.pan = None;
    if is_drawn {
        app.lens.kind = Kind::Ego;
        app.lens.turn_to(key.clone());
    }
    app.selected = Some(key);
    if !is_row {
        app.say(
            "only workloads have flows of their own to list",
            Tone::Plain,
        );
    }
    narrowed_to(app, workload)
}

fn narrowed_to(app: &mut App, workload: Option<String>) -> Vec<Effect> {
    if app.settings.workload == workload {
        return Vec::new();
    }
    app.settings.workload = workload;
    app.flow = 0;
    vec![app.compute()]
}

/// Goes back to where the last narrowing came from; `None` when there was none.
pub(super) fn back(app: &mut App) -> Option<Vec<Effect>> {
    let stop = app.lens.trail.pop()?;
    app.lens.kind = stop.kind;
    app.lens.centre = stop.centre;
    app.lens.link = None;
    app.lens.pan = None;
    app.selected = stop.selected;
    Some(narrowed_to(app, stop.workload))
}

#[cfg(test)]
mod tests;
