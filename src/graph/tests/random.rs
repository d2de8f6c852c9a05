//! Random graphs, panes and edits, each from a number: the same number is the same case everywhere.

use std::collections::BTreeSet;

use crate::graph::{Class, Edge, End, Graph, Node, NodeKind, Options, State, Step};

/// SplitMix64.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xA24B_AED4_963E_E407))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, count: usize) -> usize {
        usize::try_from((u128::from(self.next()) * count.max(1) as u128) >> 64).unwrap()
    }

    pub(super) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}

/// How many cases to try: few where the build checks itself, else what the environment says.
pub(super) fn cases(few: u64) -> u64 {
    let asked = std::env::var("NETSEG_PICTURE_CASES").ok();
    asked.map_or(few, |text| {
        text.parse().expect("NETSEG_PICTURE_CASES is a number")
    })
}

const KINDS: [NodeKind; 6] = [
    NodeKind::Any,
    NodeKind::Internet,
    NodeKind::Range,
    NodeKind::Dns,
    NodeKind::K8sApi,
    NodeKind::ClusterNode,
];

/// What names look like when nobody is careful: empty, endless, wide, joined, right to left, or made of wires.
const NAMES: [&str; 16] = [
    "web",
    "api-gateway",
    "orders",
    "a",
    "",
    "payments-worker-in-the-european-union-west-one-blue",
    "payments-worker-in-the-european-union-west-one-green",
    "漢字のサービス",
    "é\u{301}\u{301}",
    "zero\u{200b}width",
    "👩‍👩‍👧",
    "עברית",
    "│──►●",
    "two words",
    "tab\tand\nline",
    "x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x",
];

const PORTS: [&str; 10] = [
    "80",
    "443",
    "53/UDP",
    "any",
    "9090",
    "1-65535/SCTP",
    "http",
    "漢",
    "30000-32767",
    "",
];

pub(super) const STATES: [State; 10] = [
    State::Plain,
    State::Plain,
    State::Plain,
    State::Plain,
    State::Plain,
    State::Missing,
    State::Unexpected,
    State::Unknown,
    State::HalfOpen(End::From),
    State::HalfOpen(End::To),
];

const CLASSES: [Class; 6] = [
    Class::App,
    Class::App,
    Class::App,
    Class::Dns,
    Class::Scrape,
    Class::ControlPlane,
];

/// A graph that can be edited.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
    /// Never used twice.
    next: usize,
    spaces: usize,
}

impl World {
    /// Up to `most` nodes of every kind, and up to twice as many edges.
    pub(super) fn new(dice: &mut Dice, most: usize) -> Self {
        let mut world = Self {
            nodes: Vec::new(),
            edges: Vec::new(),
            next: 0,
            spaces: 1 + dice.below(6),
        };
        for _ in 0..=dice.below(most) {
            world.add_node(dice);
        }
        let density = 1 + dice.below(4);
        for _ in 0..dice.below(world.nodes.len() * density / 2 + 2) {
            world.add_edge(dice);
        }
        world
    }

    pub(super) fn graph(&self) -> Graph {
        Graph::new(self.nodes.clone(), self.edges.clone())
    }

    pub(super) fn add_node(&mut self, dice: &mut Dice) {
        self.next += 1;
        let number = self.next;
        let kind = match dice.below(12) {
            0 => dice.pick(&KINDS),
            1 if dice.one_in(2) => NodeKind::Namespace,
            _ => NodeKind::Workload,
        };
        let name = dice.pick(&NAMES);
        let space = dice.below(self.spaces);
        let namespace = (kind == NodeKind::Workload).then(|| {
            if space == 5 {
                "名前空間-with-a-name-that-is-rather-long".to_owned()
            } else {
                format!("space-{space}")
            }
        });
        let key = match (&namespace, kind) {
            (Some(space), _) => format!("{space}/deployment/{name}-{number}"),
            (None, NodeKind::Namespace) => format!("namespace/{name}-{number}"),
            (None, _) => format!("{kind:?}-{number}"),
        };
        let badges = ["open in", "open out", "host", "?  in"];
        self.nodes.push(Node {
            key,
            name: if dice.one_in(3) {
                name.to_owned()
            } else {
                format!("{name}-{number}")
            },
            namespace,
            kind,
            pods: 1,
            badges: (0..dice.below(3))
                .map(|_| dice.pick(&badges).to_owned())
                .collect(),
        });
    }

    pub(super) fn add_edge(&mut self, dice: &mut Dice) {
        let state = dice.pick(&STATES);
        self.add_edge_of(dice, state);
    }

    pub(super) fn add_edge_of(&mut self, dice: &mut Dice, state: State) {
        if self.nodes.is_empty() {
            return;
        }
        // A few nodes have most of the wires.
        let far = self.nodes.len();
        let near = far.min(5);
        let from = dice.below(far);
        let to = if dice.one_in(3) {
            dice.below(near)
        } else {
            dice.below(far)
        };
        self.edges.push(Edge {
            from: self.nodes[from].key.clone(),
            to: self.nodes[to].key.clone(),
            ports: (0..=dice.below(3))
                .map(|_| dice.pick(&PORTS).to_owned())
                .collect(),
            state,
            class: dice.pick(&CLASSES),
        });
    }

    /// One small change; returns what it was.
    pub(super) fn edit(&mut self, dice: &mut Dice) -> &'static str {
        let (nodes, edges) = (self.nodes.len(), self.edges.len());
        let edge = dice.below(edges);
        match dice.below(11) {
            0 => {
                self.add_node(dice);
                for _ in 0..dice.below(3) {
                    self.add_edge(dice);
                }
                "a node more"
            }
            1 if nodes > 1 => {
                let gone = self.nodes.remove(dice.below(nodes)).key;
                self.edges.retain(|e| e.from != gone && e.to != gone);
                "a node less"
            }
            2 if edges > 0 => {
                self.edges.remove(edge);
                "an edge less"
            }
            3 if edges > 0 => {
                self.edges[edge].ports.push(dice.pick(&PORTS).to_owned());
                "a port more"
            }
            4 if edges > 0 => {
                self.edges[edge].ports = vec![dice.pick(&PORTS).to_owned()];
                "other ports"
            }
            5 if edges > 0 => {
                self.edges[edge].state = dice.pick(&STATES);
                "another state"
            }
            6 if edges > 0 => {
                let edge = &mut self.edges[edge];
                std::mem::swap(&mut edge.from, &mut edge.to);
                "an edge reversed"
            }
            7 if edges > 0 => {
                self.edges[edge].class = dice.pick(&CLASSES);
                "another class"
            }
            8 => {
                self.add_edge_of(dice, State::Unexpected);
                "an unexpected edge"
            }
            9 => {
                self.edges.retain(|e| e.state != State::Unexpected);
                "no unexpected edges"
            }
            _ => {
                self.add_edge(dice);
                "an edge more"
            }
        }
    }
}

/// Any pane, any step, any classes.
pub(super) fn options(dice: &mut Dice) -> Options {
    let (width, height) = (20 + dice.below(220), 5 + dice.below(80));
    let mut options = Options::new(width.try_into().unwrap(), height.try_into().unwrap());
    options.step = match dice.below(Step::ALL.len() + 2) {
        i if i < Step::ALL.len() => Some(Step::ALL[i]),
        _ => None,
    };
    options.classes = BTreeSet::from([Class::App]);
    for class in [Class::Dns, Class::Scrape, Class::ControlPlane] {
        if dice.one_in(2) {
            options.classes.insert(class);
        }
    }
    options
}
