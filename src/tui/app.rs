//! The state of the screen and the one function that changes it. Nothing here reads a clock, a file or a terminal.

mod arrivals;
mod beside;
mod facts;
mod lens;
mod modes;
mod normal;
mod pictures;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod toggle;

use std::sync::Arc;

use crossterm::event::KeyEvent;

use crate::graph::view::Show;
use crate::graph::{self, Graph};

use super::filter::{Facts, Filter};
use super::input::Input;
use super::keys::{self, Action};
use super::layout::{self, Pane, Panes, Wish};
use super::theme::Theme;
use super::trouble;
use super::view::{
    About, Answer, Draft, Picture, Place, Question, Settings, Sides, Tally, Tone, View, stands_for,
};
pub(super) use beside::Beside;
pub(super) use lens::{Kind, Lens, Link, hit};

/// What happened.
#[derive(Clone, Debug)]
pub(super) enum Msg {
    Key(KeyEvent),
    Paste(String),
    Click(Hit),
    /// The wheel over a pane, towards the end when `down`.
    Wheel {
        pane: Pane,
        down: bool,
    },
    /// The wheel that goes sideways.
    Aside {
        pane: Pane,
        right: bool,
    },
    Resize(u16, u16),
    /// There is a newer snapshot.
    Snapshot,
    View {
        generation: u64,
        view: Arc<View>,
    },
    Picture {
        generation: u64,
        picture: Arc<Picture>,
    },
    Draft {
        generation: u64,
        draft: Draft,
    },
    /// The answer to a probe, or why it cannot be asked.
    Answer {
        generation: u64,
        answer: Result<Answer, String>,
    },
    About {
        generation: u64,
        about: Option<About>,
    },
    /// How the cluster stands to every environment.
    Tallies {
        generation: u64,
        tallies: Vec<Tally>,
        /// What the graphs of all of them have together.
        all: Option<Arc<Graph>>,
    },
    Sides {
        generation: u64,
        sides: Arc<Sides>,
    },
}

/// What is to be done about it, outside.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Effect {
    Compute {
        generation: u64,
        settings: Settings,
    },
    Layout {
        generation: u64,
        graph: Arc<Graph>,
        /// What the graphs of all environments have together.
        all: Option<Arc<Graph>>,
        show: Show,
        options: graph::Options,
        /// A picture of the same view, so that what is known stays where it was.
        before: Option<Arc<Picture>>,
    },
    /// Reads a probe that is being typed; the cursor is in bytes.
    Read {
        generation: u64,
        line: String,
        cursor: usize,
    },
    Ask {
        generation: u64,
        question: Question,
    },
    /// Asks what is in the line.
    AskLine {
        generation: u64,
        line: String,
    },
    Tell {
        generation: u64,
        workload: String,
    },
    /// Judges by the environments that are not in force too.
    Judge {
        generation: u64,
    },
    /// Puts the environments side by side.
    Compare {
        generation: u64,
    },
    Mouse(bool),
    Suspend,
    /// Tries to reach the source again at once.
    Reconnect,
    /// Ends the program; the text goes to the terminal afterwards.
    Quit(Option<String>),
}

/// What the keys mean now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Normal,
    Probe,
    Filter,
    Pick,
    Help,
    Explain,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tab {
    #[default]
    Flows,
    Drift,
    /// Side by side.
    Environments,
}

/// What the mouse can hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hit {
    Tab(Tab),
    Pane(Pane),
    /// A line of the table pane, counted among the shown ones.
    Line(usize),
    /// A box of the picture, by id.
    Node(String),
    /// The connections whose wires share a cell.
    Wire(Vec<Link>),
    /// A caller and a callee of a matrix, by key.
    Pair(String, String),
    /// The title of a namespace's frame.
    Frame(String),
}

/// What the explanation is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Probe,
    Workload(About),
}

/// Everything the screen depends on.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, not one state"
)]
#[derive(Clone, Debug)]
pub(super) struct App {
    pub(super) theme: Theme,
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) view: Arc<View>,
    pub(super) picture: Option<Arc<Picture>>,
    pub(super) mode: Mode,
    pub(super) tab: Tab,
    pub(super) focus: Pane,
    pub(super) zoomed: bool,
    pub(super) mouse: bool,
    /// The selected node or workload, by key; shared by graph and table.
    pub(super) selected: Option<String>,
    /// The selected flow and finding, counted among the shown ones.
    pub(super) flow: usize,
    pub(super) finding: usize,
    /// How the cluster stands to the environments, as far as known.
    pub(super) tallies: Vec<Tally>,
    pub(super) beside: Beside,
    /// Rows, flows or findings that pass the filter, as indices.
    pub(super) shown: Vec<usize>,
    /// In force.
    pub(super) filter: Filter,
    /// As typed.
    pub(super) filter_input: Input,
    pub(super) filter_error: Option<String>,
    pub(super) probe_input: Input,
    pub(super) draft: Draft,
    /// Of which reading it is.
    draft_shown: u64,
    /// The marked candidate, and whether the user chose it.
    pub(super) candidate: Option<usize>,
    pub(super) answer: Option<Answer>,
    /// Why the last probe could not be asked.
    pub(super) probe_error: Option<String>,
    /// Oldest first.
    pub(super) history: Vec<Question>,
    /// Where in the history the panel stands.
    pub(super) at: usize,
    pub(super) pinned: Option<String>,
    pub(super) subject: Subject,
    /// First line shown of help or explanation.
    pub(super) scroll: usize,
    pub(super) picker: Picker,
    pub(super) message: Option<(String, Tone)>,
    pub(super) place: Place,
    /// Whether there is a source that can be reached again.
    pub(super) reconnects: bool,
    /// What the panel that was put away was about.
    pub(super) dismissed: Option<trouble::Topic>,
    pub(super) lens: Lens,
    /// 0: application traffic; 1: with DNS; 2: all.
    pub(super) classes: u8,
    /// What was last asked for.
    pub(super) settings: Settings,
    generation: u64,
    shown_generation: u64,
    picture_wanted: Option<(Arc<Graph>, Show, graph::Options)>,
    picture_shown: u64,
    /// What the graphs of all environments have together, so that nothing moves from one to the next.
    all: Option<Arc<Graph>>,
    /// Pictures of views and environments, so that going back to one is going back to the same picture.
    pictures: Vec<Arc<Picture>>,
    tallies_wanted: u64,
    draft_wanted: u64,
    /// A completion was asked for before the reading it rests on had come; what is typed since waits.
    completing: Option<Vec<KeyEvent>>,
    answer_wanted: u64,
    about_wanted: u64,
    /// The answer was asked again because the cluster changed.
    again: bool,
    /// Open the explanation when the answer comes.
    explain_next: bool,
    facts: Vec<Facts>,
}

/// The choice of namespaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Picker {
    pub(super) cursor: usize,
    /// By name.
    pub(super) marked: Vec<String>,
}

/// How the screen starts.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub(super) theme: Theme,
    pub(super) size: (u16, u16),
    pub(super) mouse: bool,
    pub(super) title: String,
    pub(super) place: Place,
    pub(super) reconnects: bool,
    pub(super) settings: Settings,
}

impl App {
    pub(super) fn new(start: Start) -> Self {
        Self {
            theme: start.theme,
            width: start.size.0,
            height: start.size.1,
            view: Arc::new(View::empty(&start.title)),
            picture: None,
            mode: Mode::Normal,
            tab: Tab::Flows,
            focus: Pane::Table,
            zoomed: false,
            mouse: start.mouse,
            selected: None,
            flow: 0,
            finding: 0,
            tallies: Vec::new(),
            beside: Beside::default(),
            shown: Vec::new(),
            filter: Filter::default(),
            filter_input: Input::default(),
            filter_error: None,
            probe_input: Input::default(),
            draft: Draft::default(),
            draft_shown: 0,
            candidate: None,
            answer: None,
            probe_error: None,
            history: Vec::new(),
            at: 0,
            pinned: None,
            subject: Subject::Probe,
            scroll: 0,
            picker: Picker::default(),
            message: None,
            place: start.place,
            reconnects: start.reconnects,
            dismissed: None,
            lens: Lens::default(),
            classes: 0,
            settings: start.settings,
            generation: 0,
            shown_generation: 0,
            picture_wanted: None,
            picture_shown: 0,
            all: None,
            pictures: Vec::new(),
            tallies_wanted: 0,
            draft_wanted: 0,
            completing: None,
            answer_wanted: 0,
            about_wanted: 0,
            again: false,
            explain_next: false,
            facts: Vec::new(),
        }
    }

    /// Where the panes are; `None` when the terminal is too small.
    pub(super) fn panes(&self) -> Option<Panes> {
        let wish = Wish {
            focus: self.focus,
            zoomed: self.zoomed,
            graph: self.tab == Tab::Flows,
            banner: trouble::rows(self),
            answer: self.answer.is_some() || self.tab != Tab::Flows,
        };
        layout::panes(self.width, self.height, wish)
    }

    /// Namespace headings in the table: none when all rows share one.
    pub(super) fn headings(&self) -> usize {
        let rows = &self.view.rows;
        let changes = rows
            .windows(2)
            .filter(|pair| pair[0].namespace != pair[1].namespace)
            .count();
        if changes == 0 { 0 } else { changes + 1 }
    }

    /// Whether the table shows the flows of one workload.
    pub(super) fn narrowed(&self) -> bool {
        self.tab == Tab::Flows && self.view.flows.is_some()
    }

    /// How many lines the table pane has before filtering.
    pub(super) fn total(&self) -> usize {
        match (self.tab, &self.view.flows) {
            (Tab::Drift, _) => self.view.findings.len(),
            (Tab::Environments, _) => self
                .side_lines()
                .filter(|(_, line)| self.is_about(line))
                .count(),
            (Tab::Flows, Some(flows)) => flows.rows.len(),
            (Tab::Flows, None) => self.view.rows.len(),
        }
    }

    /// The selected line among the shown ones; `None` when nothing shown is selected.
    pub(super) fn cursor(&self) -> Option<usize> {
        let last = self.shown.len().checked_sub(1)?;
        match self.tab {
            Tab::Drift => Some(self.finding.min(last)),
            Tab::Environments => Some(self.beside.cursor.min(last)),
            Tab::Flows if self.narrowed() => Some(self.flow.min(last)),
            Tab::Flows => {
                let selected = self.selected_key()?;
                let rows = &self.view.rows;
                // Of a namespace that is one box, its first workload.
                let is_it = |row: &usize| match stands_for(selected) {
                    Some(namespace) => rows[*row].namespace == namespace,
                    None => rows[*row].id == selected,
                };
                self.shown.iter().position(is_it)
            }
        }
    }

    /// What the environment after the one in force is called.
    pub(super) fn next_environment(&self) -> Option<&str> {
        let known = &self.view.environments;
        let here = known
            .iter()
            .position(|name| Some(name) == self.view.environment.as_ref());
        let next = here.map_or(0, |here| (here + 1) % known.len());
        known
            .get(next)
            .map(String::as_str)
            .filter(|_| known.len() > 1)
    }

    /// The node that is selected. A node from outside may be drawn twice, and the selection is one of its boxes.
    pub(super) fn selected_key(&self) -> Option<&str> {
        self.selected.as_deref().map(lens::bare)
    }

    /// What `enter` does with the selection.
    pub(super) fn enter_opens(&self) -> &'static str {
        let in_graph = self.focus == Pane::Graph;
        let is_closed = || {
            let found = self.selected_box();
            found.is_some_and(|found| found.kind == graph::NodeKind::Namespace)
        };
        if in_graph && self.lens.link.is_some() {
            "why"
        } else if in_graph && is_closed() {
            "open"
        } else {
            "flows"
        }
    }

    fn next(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }

    fn say(&mut self, text: impl Into<String>, tone: Tone) {
        self.message = Some((text.into(), tone));
    }

    fn compute(&mut self) -> Effect {
        Effect::Compute {
            generation: self.next(),
            settings: self.settings.clone(),
        }
    }

    fn ask(&mut self, question: Question) -> Effect {
        let generation = self.next();
        self.answer_wanted = generation;
        self.again = false;
        Effect::Ask {
            generation,
            question,
        }
    }

    /// Prepares the texts the filter looks at; after a change of view, tab or narrowing.
    fn prepare(&mut self) {
        let view = &self.view;
        self.facts = match (self.tab, &view.flows) {
            (Tab::Drift, _) => view.findings.iter().map(facts::finding_facts).collect(),
            (Tab::Environments, _) => {
                let lines = self.beside.sides.iter().flat_map(|sides| &sides.lines);
                lines.map(facts::side_facts).collect()
            }
            (Tab::Flows, Some(flows)) => flows
                .rows
                .iter()
                .map(|flow| facts::flow_facts(flow, &flows.name))
                .collect(),
            (Tab::Flows, None) => view.rows.iter().map(facts::row_facts).collect(),
        };
        self.refilter();
    }

    fn refilter(&mut self) {
        let sides = self.beside.sides.as_ref();
        let in_view = |index: usize| {
            self.tab != Tab::Environments
                || sides
                    .and_then(|sides| sides.lines.get(index))
                    .is_some_and(|line| {
                        self.is_about(line) && (line.differs || !self.beside.differing)
                    })
        };
        let shown = (0..self.facts.len())
            .filter(|index| in_view(*index) && self.filter.matches(&self.facts[*index]));
        self.shown = shown.collect();
        // The selection goes to the first match, so that what is shown and what is selected agree.
        if self.tab == Tab::Flows
            && !self.narrowed()
            && self.cursor().is_none()
            && !self.shown.is_empty()
        {
            let known = self
                .selected_key()
                .is_some_and(|key| self.view.graph.node(key).is_some());
            let hidden_row = self
                .view
                .rows
                .iter()
                .any(|row| Some(&row.id) == self.selected.as_ref());
            if !known || (hidden_row && !self.filter.is_empty()) {
                self.select_row(self.view.rows[self.shown[0]].id.clone());
            }
        }
    }
}

/// Changes the state by what happened, and says what is to be done outside. Pure.
pub(super) fn update(app: &mut App, msg: Msg) -> Vec<Effect> {
    let mut effects = match msg {
        Msg::Key(key) => on_key(app, key),
        Msg::Paste(text) => on_paste(app, &text),
        Msg::Click(hit) => normal::on_click(app, hit),
        Msg::Wheel { pane, down } => normal::on_wheel(app, pane, down),
        Msg::Aside { pane, right } => normal::on_aside(app, pane, right),
        Msg::Resize(width, height) => {
            (app.width, app.height) = (width, height);
            Vec::new()
        }
        Msg::Snapshot => vec![app.compute()],
        Msg::View { generation, view } => arrivals::on_view(app, generation, view),
        Msg::Picture {
            generation,
            picture,
        } => {
            app.on_picture(generation, picture);
            Vec::new()
        }
        Msg::Tallies {
            generation,
            tallies,
            all,
        } => {
            if generation == app.tallies_wanted {
                app.tallies = tallies;
                app.make_room(all);
            }
            Vec::new()
        }
        Msg::Sides { generation, sides } => {
            if generation == app.beside.wanted {
                arrivals::on_sides(app, sides);
            }
            Vec::new()
        }
        Msg::Draft { generation, draft } => {
            if generation == app.draft_wanted && app.mode == Mode::Probe {
                app.candidate = app.candidate.filter(|at| *at < draft.candidates.len());
                app.draft = draft;
                app.draft_shown = generation;
                modes::complete_late(app)
            } else {
                Vec::new()
            }
        }
        Msg::Answer { generation, answer } => {
            if generation == app.answer_wanted {
                arrivals::on_answer(app, answer);
            }
            Vec::new()
        }
        Msg::About { generation, about } => {
            if let (true, Some(about)) = (generation == app.about_wanted, about) {
                app.subject = Subject::Workload(about);
            }
            Vec::new()
        }
    };
    app.follow_flow();
    effects.extend(app.want_picture());
    effects
}

fn on_key(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    // The same in every mode, also inside text.
    if keys::action(key) == Some(Action::QuitNow) {
        return vec![Effect::Quit(None)];
    }
    if keys::action(key) == Some(Action::Suspend) {
        return vec![Effect::Suspend];
    }
    match app.mode {
        Mode::Normal => {
            app.message = None;
            keys::action(key).map_or_else(Vec::new, |action| normal::act(app, action))
        }
        Mode::Probe => modes::probe_key(app, key),
        Mode::Filter => modes::filter_key(app, key),
        Mode::Pick => modes::pick_key(app, key),
        Mode::Help | Mode::Explain => modes::read_key(app, key),
    }
}

fn on_paste(app: &mut App, text: &str) -> Vec<Effect> {
    match app.mode {
        Mode::Probe => {
            app.probe_input.insert(text);
            arrivals::read_draft(app)
        }
        Mode::Filter => {
            app.filter_input.insert(text);
            modes::apply_filter(app);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Whether a key event is a press; terminals may also report releases.
pub(super) fn is_press(key: &KeyEvent) -> bool {
    key.kind != crossterm::event::KeyEventKind::Release
}
