//! The segmentation graph and its picture: boxes in columns, ports as pins, wires in channels, all in terminal cells.
//!
//! [`layout`] turns a [`Graph`] into a [`Scene`]. It is pure and deterministic: no clock, no floating point, no input order,
//! and its work is bounded by counts, so the same graph gives the same picture on every machine. Every scene has been read
//! back wire by wire ([`truth`]): no path that is not an edge, and no edge without a path.

mod bands;
mod canvas;
mod channels;
mod columns;
mod draw;
pub mod drawn;
mod geometry;
mod grid;
mod ladder;
mod names;
mod plan;
mod rows;
mod scene;
mod sticky;
mod trunks;
pub mod truth;
pub mod view;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

/// The shop of the samples, for tests of what is made from a picture.
#[cfg(test)]
pub(crate) fn sample_shop() -> Graph {
    samples::shop().graph()
}

use std::collections::{BTreeMap, BTreeSet};

pub use grid::grid;
pub use scene::{BoxView, Cell, FrameView, Ink, PortView, Rect, Scene, WireView, to_ascii};
pub use sticky::Sticky;

/// What the picture is drawn from: nodes and edges, each sorted and without duplicates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    nodes: Vec<Node>, // Invariant: sorted by key, keys unique.
    edges: Vec<Edge>, // Invariant: sorted; both ends name a node.
    focus: Focus,
}

/// What a picture is about; nothing in particular by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Focus {
    /// The node drawn with a heavy border.
    centre: Option<String>,
    /// Nodes that stand beside what the picture is about: left of it where they call, right of it where they are called, twice
    /// where both. Nodes outside the namespaces do so anyway, unless they are the centre.
    aside: BTreeSet<String>,
}

/// A box of the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Cluster-unique: `namespace/kind/name` for a workload, `any`, `internet`, `dns`, `k8s-api`, `node/NAME` or a range's text.
    pub key: String,
    /// What the box is titled with; shortened where space is short.
    pub name: String,
    /// The frame it stands in; `None` for nodes outside every namespace.
    pub namespace: Option<String>,
    pub kind: NodeKind,
    /// Pods behind it, 0 when it has none or they cannot be counted.
    pub pods: u32,
    /// Short remarks such as `open in`, drawn in the order given.
    pub badges: Vec<String>,
}

/// What a node stands for. All kinds but `Workload` and `Namespace` stand outside the namespaces and are split by role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    Workload,
    Any,
    Internet,
    Range,
    Dns,
    K8sApi,
    ClusterNode,
    /// A closed namespace, drawn as one box.
    Namespace,
}

/// One arrow, with every port that shares its state and class.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub from: String,
    pub to: String,
    /// `9092`, `53/UDP`, `any`; in the order they are to be shown.
    pub ports: Vec<String>,
    pub state: State,
    pub class: Class,
}

/// What policy allows beside what the environment in force expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Allowed, and expected or no expectations are loaded.
    Plain,
    /// Expected, not allowed.
    Missing,
    /// Allowed, not expected.
    Unexpected,
    Unknown,
    /// One end opens, the named end denies.
    HalfOpen(End),
}

/// An end of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    From,
    To,
}

/// The kind of traffic, chosen for display as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    App,
    Dns,
    Scrape,
    ControlPlane,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::App, Self::Dns, Self::Scrape, Self::ControlPlane];
}

/// How much a box shows; from most to least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Bordered boxes one row apart: name, ports, badges.
    Card,
    /// The same without the empty row.
    CardDense,
    /// The same, narrower, with wires side by side.
    CardTight,
    /// The same with outside destinations next to their callers.
    CardInline,
    /// One row a pin: ports, name, self edges.
    Chip,
    /// The same with wires side by side and outside destinations next to their callers.
    ChipTight,
    /// One row: the name, shortened as needed.
    Mini,
}

impl Step {
    /// Every step, most detailed first.
    pub const ALL: [Self; 7] = [
        Self::Card,
        Self::CardDense,
        Self::CardTight,
        Self::CardInline,
        Self::Chip,
        Self::ChipTight,
        Self::Mini,
    ];
}

/// Where [`Scene::step`] goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Left,
    Down,
    Up,
    Right,
}

/// The pane and the choices of its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Columns of the pane, in cells.
    pub width: u16,
    /// Rows of the pane, in cells.
    pub height: u16,
    /// The classes drawn as wires; a plain edge of another class becomes a badge, any other state is drawn all the same.
    pub classes: BTreeSet<Class>,
    /// A step pinned by the user; `None` takes the first that fits.
    pub step: Option<Step>,
}

impl Options {
    /// A pane of this size that draws application traffic at the first step that fits.
    pub fn new(width: u16, height: u16) -> Self {
        Self {
            width,
            height,
            classes: BTreeSet::from([Class::App]),
            step: None,
        }
    }
}

impl Options {
    /// Whether an edge becomes a wire, if its ends are two boxes: only what is plain can be switched off.
    fn draws(&self, edge: &Edge) -> bool {
        self.classes.contains(&edge.class) || edge.state != State::Plain
    }
}

/// Lays a graph out for a pane.
///
/// With `sticky` of an earlier scene of the same pane size and pinned step, every node known to it keeps its column and its
/// order, and the step stays as it was. With one of another pane size, columns and order are kept where the step comes out the
/// same. Otherwise the layout starts afresh. When nothing fits, the result is larger than the
/// pane ([`Scene::fits`]) and the caller pans. An empty graph gives an empty scene.
pub fn layout(graph: &Graph, options: &Options, sticky: Option<&Sticky>) -> Scene {
    ladder::layout(graph, options, sticky)
}

/// Lays a graph out so that others can take its place without moving anything: `all` is what they have together.
///
/// Nodes that are only in the others keep their room, workloads are drawn without wires. Where all together do not fit and
/// the graph alone does, it is laid out alone.
pub fn layout_among(
    graph: &Graph,
    all: &Graph,
    options: &Options,
    sticky: Option<&Sticky>,
) -> Scene {
    let mut mine = graph.clone();
    // A closed namespace counts what is in it, and `all` has all of that.
    mine.nodes
        .retain(|node| node.kind != NodeKind::Namespace || all.node(&node.key).is_none());
    let all = Graph::union([all, &mine]);
    let mut frame = layout(&all, options, sticky);
    if !frame.fits() {
        let afresh = layout(&all, options, None);
        if afresh.fits() {
            frame = afresh;
        } else {
            let alone = layout(graph, options, sticky);
            if alone.fits() {
                return alone;
            }
        }
    }
    let missing = all
        .nodes
        .iter()
        .filter(|node| matches!(node.kind, NodeKind::Workload | NodeKind::Namespace))
        .filter(|node| graph.node(&node.key).is_none());
    // Sorted by key, and no edge changes its place.
    let nodes = graph.nodes.iter().chain(missing).cloned().collect();
    let mut drawn = Graph::new(nodes, graph.edges.clone());
    drawn.focus = graph.focus.clone();
    let mut scene = layout(&drawn, options, Some(frame.sticky()));
    scene.pad(frame.width, frame.height);
    scene.fits = frame.fits;
    scene.sticky = frame.sticky;
    scene
}

impl Graph {
    /// Everything that is in one of them.
    pub fn union<'a>(graphs: impl IntoIterator<Item = &'a Self>) -> Self {
        let (mut nodes, mut edges, mut focus) = (Vec::new(), Vec::new(), Focus::default());
        for graph in graphs {
            nodes.extend(graph.nodes.iter().cloned());
            edges.extend(graph.edges.iter().cloned());
            focus.aside.extend(graph.focus.aside.iter().cloned());
            focus.centre = focus.centre.or_else(|| graph.focus.centre.clone());
        }
        Self {
            focus,
            ..Self::new(nodes, edges)
        }
    }

    /// Sorts and merges: nodes of one key become one (the first wins, badges are united), edges that differ in ports only
    /// become one, and edges that name an unknown node are dropped.
    pub fn new(nodes: Vec<Node>, edges: Vec<Edge>) -> Self {
        let mut by_key: BTreeMap<String, Node> = BTreeMap::new();
        let mut nodes = nodes;
        // A total order before merging, or "the first" would depend on the input's order.
        nodes.sort_by(|a, b| {
            (&a.key, &a.name, &a.namespace, a.kind, a.pods, &a.badges).cmp(&(
                &b.key,
                &b.name,
                &b.namespace,
                b.kind,
                b.pods,
                &b.badges,
            ))
        });
        for node in nodes {
            match by_key.get_mut(&node.key) {
                None => {
                    by_key.insert(node.key.clone(), node);
                }
                Some(known) => {
                    for badge in node.badges {
                        if !known.badges.contains(&badge) {
                            known.badges.push(badge);
                        }
                    }
                }
            }
        }
        let mut merged: BTreeMap<(String, String, Class, State), Vec<String>> = BTreeMap::new();
        for edge in edges {
            if by_key.contains_key(&edge.from) && by_key.contains_key(&edge.to) {
                let ports = merged
                    .entry((edge.from, edge.to, edge.class, edge.state))
                    .or_default();
                for port in edge.ports {
                    if !ports.contains(&port) {
                        ports.push(port);
                    }
                }
            }
        }
        let edges = merged
            .into_iter()
            .map(|((from, to, class, state), mut ports)| {
                ports.sort_by_cached_key(|port| port_order(port));
                Edge {
                    from,
                    to,
                    ports,
                    state,
                    class,
                }
            })
            .collect();
        Self {
            nodes: by_key.into_values().collect(),
            edges,
            focus: Focus::default(),
        }
    }

    /// Changes what nodes are called and what they carry; their keys stay.
    fn retitle(&mut self, change: impl Fn(&mut Node)) {
        for node in &mut self.nodes {
            let key = node.key.clone();
            change(node);
            node.key = key;
        }
    }

    /// The nodes, by key.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The edges, by ends, class and state. [`Cell::edges`] counts in this order.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// The node of this key.
    pub fn node(&self, key: &str) -> Option<&Node> {
        self.index(key).map(|i| &self.nodes[i])
    }

    /// Whether a node is one box among the others, not one left and one right of them.
    fn is_inside(&self, node: &Node) -> bool {
        if self.focus.centre.as_ref() == Some(&node.key) {
            return true;
        }
        matches!(node.kind, NodeKind::Workload | NodeKind::Namespace)
            && !self.focus.aside.contains(&node.key)
    }

    fn is_centre(&self, node: &Node) -> bool {
        self.focus.centre.as_ref() == Some(&node.key)
    }

    fn index(&self, key: &str) -> Option<usize> {
        self.nodes
            .binary_search_by(|node| node.key.as_str().cmp(key))
            .ok()
    }
}

/// Numbers by value, before words.
fn port_order(port: &str) -> (u32, String) {
    let digits: String = port.chars().take_while(char::is_ascii_digit).collect();
    (digits.parse().unwrap_or(u32::MAX), port.to_owned())
}

impl State {
    /// The mark of what is not routine, where a wire would show it by its line.
    fn sign(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Unexpected => "◆",
            Self::Missing => "○",
            Self::Unknown => "?",
            Self::HalfOpen(_) => "╳",
        }
    }

    /// Which state a cell shows that several edges share; the highest wins. Allowed beats not allowed, news beats routine.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Self::HalfOpen(_) => 0,
            Self::Missing => 1,
            Self::Unknown => 2,
            Self::Plain => 3,
            Self::Unexpected => 4,
        }
    }

    /// Whether the edge may decide where nodes stand. One that nobody planned must not rearrange the picture.
    fn votes(self) -> bool {
        self != Self::Unexpected
    }
}

/// Cells are counted in `i32` so that differences need no care.
fn cells(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Back to an index; a negative coordinate is clamped to the edge.
fn index(cells: i32) -> usize {
    usize::try_from(cells).unwrap_or(0)
}
