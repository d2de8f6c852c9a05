//! The selected connection: walked to, told in words, asked about.

use super::{circle, stands_for};
use crate::graph::{Class, Edge, End, State};
use crate::text;
use crate::tui::app::{App, Effect, Tab};
use crate::tui::layout::Pane;
use crate::tui::view::{Flow, Line, Picture, Question, Sign, Span, Tone, span};

/// A connection by its ends, whether the picture has it or not. What is between two closed namespaces names those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tui) struct Link {
    pub(in crate::tui) from: String,
    pub(in crate::tui) to: String,
    /// Which of several edges.
    pub(super) like: Option<(Class, State)>,
}

impl Link {
    pub(super) fn of(edge: &Edge) -> Self {
        Self {
            from: edge.from.clone(),
            to: edge.to.clone(),
            like: Some((edge.class, edge.state)),
        }
    }

    /// Whatever is between two nodes.
    pub(super) fn between(from: &str, to: &str) -> Self {
        Self {
            from: from.to_owned(),
            to: to.to_owned(),
            like: None,
        }
    }

    fn is_like(&self, edge: &Edge) -> bool {
        self.like
            .is_none_or(|like| like == (edge.class, edge.state))
    }
}

impl App {
    /// The edges of the picture that the selected connection is, as indices; those that are alike come first.
    pub(in crate::tui) fn linked(&self) -> Vec<usize> {
        let (Some(link), Some(picture)) = (&self.lens.link, &self.picture) else {
            return Vec::new();
        };
        let key = |end: &str| self.box_of(end).map(|found| found.key.as_str());
        let (Some(from), Some(to)) = (key(&link.from), key(&link.to)) else {
            return Vec::new();
        };
        let edges = picture.drawn.graph.edges();
        let first = edges.partition_point(|e| (e.from.as_str(), e.to.as_str()) < (from, to));
        let same = |(_, e): &(usize, &Edge)| (e.from.as_str(), e.to.as_str()) == (from, to);
        let found = edges.iter().enumerate().skip(first).take_while(same);
        let (mut alike, others): (Vec<usize>, Vec<usize>) = found
            .map(|(index, _)| index)
            .partition(|index| link.is_like(&edges[*index]));
        alike.extend(others);
        alike
    }

    /// The wire of the selected connection, as an index into the edges of the picture; `None` where it has none.
    pub(in crate::tui) fn wire(&self) -> Option<usize> {
        let drawn = self.picture.as_ref()?.drawn.scene.drawn();
        let mut linked = self.linked().into_iter();
        linked.find(|index| drawn.binary_search(index).is_ok())
    }

    /// Makes the selected flow of the table the selected connection.
    pub(in crate::tui::app) fn follow_flow(&mut self) {
        if !self.narrowed() || self.focus != Pane::Table {
            return;
        }
        let Some(flows) = &self.view.flows else {
            return;
        };
        let flow = self.cursor().and_then(|at| self.shown.get(at));
        let link = flow.map(|index| self.link_of(&flows.id, &flows.rows[*index]));
        self.lens.link = link;
    }

    fn link_of(&self, own: &str, flow: &Flow) -> Link {
        let (from, to) = if flow.incoming {
            (flow.peer_id.as_str(), own)
        } else {
            (own, flow.peer_id.as_str())
        };
        let fits = |edge: &&Edge| {
            let state = match (flow.sign, edge.state) {
                (Some(Sign::Unexpected), state) => state == State::Unexpected,
                (Some(Sign::Missing), state) => state == State::Missing,
                (Some(Sign::Unknown), state) => state == State::Unknown,
                (_, State::Plain | State::HalfOpen(_)) => true,
                _ => false,
            };
            let port = edge.ports.first().map_or("", |port| bare_port(port));
            let told = |c: char| !c.is_ascii_alphanumeric() && c != '-';
            state && flow.port.split(told).any(|one| one == port)
        };
        let edges = self.view.graph.edges();
        let first = edges.partition_point(|e| (e.from.as_str(), e.to.as_str()) < (from, to));
        let same = |e: &&Edge| (e.from.as_str(), e.to.as_str()) == (from, to);
        let found = edges[first..].iter().take_while(same).find(fits);
        found.map_or_else(|| Link::between(from, to), Link::of)
    }

    /// Selects a connection of the picture; a table of flows goes along.
    pub(super) fn select_link(&mut self, link: Link) {
        self.lens.pan = None;
        if let Some(flows) = self.view.flows.as_ref().filter(|_| self.narrowed()) {
            let ends = |link: &Link| (link.from.clone(), link.to.clone());
            let is_it = |index: &usize| {
                let known = self.link_of(&flows.id, &flows.rows[*index]);
                known == link || (link.like.is_none() && ends(&known) == ends(&link))
            };
            if let Some(line) = self.shown.iter().position(is_it) {
                self.flow = line;
            }
        }
        self.lens.link = Some(link);
    }

    /// What people call a node.
    pub(in crate::tui) fn node_words(&self, key: &str) -> String {
        if let Some(row) = self.view.rows.iter().find(|row| row.id == key) {
            return format!("{}/{}", row.namespace, row.name);
        }
        match self.view.graph.node(key) {
            Some(node) => match &node.namespace {
                Some(namespace) => format!("{namespace}/{}", node.name),
                None => node.name.clone(),
            },
            None => typed(self, key, None),
        }
    }

    /// The selected connection in words, its ends and each of its edges with its ports: in full, and ever shorter. Empty when
    /// none is selected.
    pub(in crate::tui) fn link_words(&self) -> Vec<Line> {
        let (Some(link), Some(picture)) = (&self.lens.link, &self.picture) else {
            return Vec::new();
        };
        let full = self.words_of(picture, link, None, false);
        let least = |cells: usize| self.words_of(picture, link, Some(cells), true);
        let mut words = vec![full, self.words_of(picture, link, Some(40), false)];
        words.extend([40, 24, 16, 12, 9].map(least));
        words
    }

    /// With `cells`, names go without their namespace and are no longer than that.
    fn words_of(
        &self,
        picture: &Picture,
        link: &Link,
        cells: Option<usize>,
        is_short: bool,
    ) -> Line {
        let edges = picture.drawn.graph.edges();
        let scene = &picture.drawn.scene;
        let mut linked = self.linked();
        if link.like.is_some() && !scene.is_grid() {
            linked.truncate(1);
        }
        // A wire of a closed namespace is not that of one of its workloads.
        let name = |key: &str| {
            let shown = self.box_of(key).map_or(key, |found| found.key.as_str());
            let words = self.node_words(shown);
            match cells {
                None => words,
                Some(cells) => {
                    let bare = words.rsplit('/').next().filter(|bare| *bare != "*");
                    text::cut_middle(bare.unwrap_or(&words), cells).into_owned()
                }
            }
        };
        let mut line = vec![
            span(name(&link.from), Tone::Name),
            span(" → ", Tone::Plain),
            span(name(&link.to), Tone::Name),
            span(" ", Tone::Plain),
        ];
        for (at, index) in linked.iter().enumerate() {
            let edge = &edges[*index];
            if at > 0 {
                line.push(span(" · ", Tone::Plain));
            }
            let ports = edge.ports.join(" ");
            let ports = match cells {
                Some(cells) => text::cut(&ports, cells).into_owned(),
                None => ports,
            };
            line.push(span(format!("{ports}  "), Tone::Plain));
            line.push(state_words(edge.state, is_short, &name(denying(edge))));
            if scene.drawn().binary_search(index).is_err() {
                line.push(span(" (no wire: c)", Tone::Plain));
            }
        }
        if linked.is_empty() {
            let words = match scene.pair_rect(&link.from, &link.to) {
                Some(_) if link.from == link.to => "itself",
                Some(at) => self.empty_words(at.x, at.y),
                None => "not in this picture",
            };
            line.push(span(format!(" {words}"), Tone::Plain));
        }
        line
    }

    /// What a cell of a matrix says that no edge belongs to.
    fn empty_words(&self, x: i32, y: i32) -> &'static str {
        let picture = self.picture.as_ref();
        match picture.and_then(|picture| picture.drawn.scene.cell(x, y)) {
            Some(cell) if cell.glyph == '□' => "open: no policy isolates either",
            _ => "no connection; enter says why",
        }
    }
}

/// The end that denies a half-open connection.
fn denying(edge: &Edge) -> &str {
    match edge.state {
        State::HalfOpen(End::From) => &edge.from,
        _ => &edge.to,
    }
}

fn state_words(state: State, is_short: bool, denying: &str) -> Span {
    match (state, is_short) {
        (State::Plain, _) => span("allowed", Tone::Allow),
        (State::Unexpected, false) => span("allowed, not expected", Tone::Deny),
        (State::Unexpected, true) => span("not expected", Tone::Deny),
        (State::Missing, false) => span("expected, not allowed", Tone::Drift),
        (State::Missing, true) => span("missing", Tone::Drift),
        (State::Unknown, _) => span("unknown", Tone::Unknown),
        (State::HalfOpen(_), false) => span(format!("half-open: {denying} denies"), Tone::Plain),
        (State::HalfOpen(_), true) => span("half-open", Tone::Plain),
    }
}

/// Goes to the next or previous wire of the selected box, in reading order.
pub(super) fn walk(app: &mut App, forward: bool) {
    let Some(picture) = app.picture.clone() else {
        return;
    };
    let scene = &picture.drawn.scene;
    let Some(found) = app.selected_box() else {
        if let Some(first) = scene.boxes().first() {
            app.select_box(first.id.clone());
        }
        return;
    };
    let wires = scene.wires_of(&found.id);
    let here = app
        .wire()
        .and_then(|wire| wires.iter().position(|known| *known == wire));
    let Some(next) = circle(here, wires.len(), forward) else {
        let name = app.node_words(&found.key);
        app.say(format!("no wire of {name} in this picture"), Tone::Plain);
        return;
    };
    app.select_link(Link::of(&picture.drawn.graph.edges()[wires[next]]));
}

/// Asks about the selected connection and opens the explanation; `None` when none is selected.
pub(in crate::tui::app) fn explain(app: &mut App) -> Option<Vec<Effect>> {
    if app.tab != Tab::Flows || app.focus != Pane::Graph {
        return None;
    }
    let (question, count) = question(app)?;
    if count > 1 {
        app.say(
            format!("the first of {count} connections; o opens a namespace"),
            Tone::Plain,
        );
    }
    app.explain_next = true;
    Some(vec![app.ask(question)])
}

/// What to ask about the selected connection, and how many connections it stands for: on the first of them, on its first
/// port. `None` when none is selected.
pub(in crate::tui::app) fn question(app: &App) -> Option<(Question, usize)> {
    let link = app.lens.link.as_ref()?;
    let graph = &app.view.graph;
    let is_end = |end: &str, key: &str| {
        end == key
            || stands_for(end).is_some_and(|namespace| {
                let node = graph.node(key);
                node.is_some_and(|node| node.namespace.as_deref() == Some(namespace))
            })
    };
    let is_it = |edge: &&Edge| is_end(&link.from, &edge.from) && is_end(&link.to, &edge.to);
    let all: Vec<&Edge> = graph.edges().iter().filter(is_it).collect();
    let alike: Vec<&&Edge> = all.iter().filter(|edge| link.is_like(edge)).collect();
    let Some(edge) = alike.first().copied().or(all.first()) else {
        return Some((asked(app, &link.from, &link.to, ""), 1));
    };
    let port = edge.ports.first().map_or("", String::as_str);
    Some((asked(app, &edge.from, &edge.to, port), alike.len().max(1)))
}

fn asked(app: &App, from: &str, to: &str, port: &str) -> Question {
    let namespace = |key: &str| app.namespace_of(key).map(str::to_owned);
    Question {
        from: typed(app, from, namespace(to).as_deref()),
        to: typed(app, to, namespace(from).as_deref()),
        port: match port {
            "any" | "…" => String::new(),
            port => port.to_lowercase(),
        },
    }
}

/// How a node is typed as an end of a probe; `home` is the namespace of the other end.
pub(in crate::tui::app) fn typed(app: &App, key: &str, home: Option<&str>) -> String {
    if let Some(row) = app.view.rows.iter().find(|row| row.id == key) {
        return format!("{}/{}", row.namespace, row.name);
    }
    match (key, stands_for(key), home) {
        // Whoever it is open to, the internet is among them.
        ("any", ..) | ("cluster", _, None) => "internet".to_owned(),
        ("cluster", _, Some(namespace)) | (_, Some(namespace), _) => format!("{namespace}/*"),
        _ => key.to_owned(),
    }
}

/// A port without its protocol.
fn bare_port(port: &str) -> &str {
    port.split('/').next().unwrap_or(port)
}
