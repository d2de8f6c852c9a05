//! What is drawn at all: boxes, the frames they belong to, and the edges that become wires.

use std::collections::{BTreeMap, BTreeSet};

use super::{Class, Graph, Node, NodeKind, Options, State, names};

/// Which side of the picture a box stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// A source outside the namespaces: the first column.
    From,
    Within,
    /// A destination outside the namespaces: the last column.
    To,
}

/// A box to be placed.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) node: usize,
    pub(super) role: Role,
    pub(super) lane: usize,
    /// Unique in the picture: the node's key, or `to:KEY` where a node from outside is a destination.
    pub(super) id: String,
    pub(super) badges: Vec<Badge>,
    /// How much a closed namespace holds: a row of its own in a card, left out elsewhere.
    pub(super) counts: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Badge {
    pub(super) text: String,
    /// The state of the self edges it stands for.
    pub(super) state: Option<State>,
    /// The edges it stands for, where each has a badge of its own.
    pub(super) edges: Vec<usize>,
    /// Stands for hidden edges of a class that nearly every box has, so narrow steps leave it out.
    pub(super) ubiquitous: bool,
}

/// Boxes that share a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lane {
    pub(super) name: String,
    pub(super) framed: bool,
}

/// An edge that becomes a wire between two places.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    pub(super) edge: usize,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) state: State,
}

#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) places: Vec<Place>,
    /// Lane 0 holds the places outside; it has no frame and spans all bands.
    pub(super) lanes: Vec<Lane>,
    pub(super) flows: Vec<Flow>,
}

/// The boxes of one node: as a source, as a destination.
type Copies = (Option<usize>, Option<usize>);

impl Plan {
    /// Decides what is drawn. `inline` puts outside destinations among the workloads, which saves a column; around a centre
    /// every column is taken anyway.
    pub(super) fn new(graph: &Graph, options: &Options, inline: bool) -> Self {
        let inline = inline && graph.focus.centre.is_none();
        let ends: Vec<(usize, usize)> = graph
            .edges
            .iter()
            .map(|e| {
                (
                    graph.index(&e.from).unwrap_or(0),
                    graph.index(&e.to).unwrap_or(0),
                )
            })
            .collect();
        let wired = |i: usize| ends[i].0 != ends[i].1 && options.draws(&graph.edges[i]);
        let sources: BTreeSet<usize> = (0..ends.len())
            .filter(|&i| wired(i))
            .map(|i| ends[i].0)
            .collect();
        let targets: BTreeSet<usize> = (0..ends.len())
            .filter(|&i| wired(i))
            .map(|i| ends[i].1)
            .collect();

        let mut plan = Self {
            places: Vec::new(),
            lanes: vec![Lane {
                name: String::new(),
                framed: false,
            }],
            flows: Vec::new(),
        };
        let framed = |node: &Node| {
            graph.is_inside(node)
                && node.namespace.is_some()
                && node.kind == NodeKind::Workload
                && !graph.is_centre(node)
        };
        // A closed namespace has the lane that its frame would have, as long as there are frames at all.
        let any_framed = graph.nodes.iter().any(framed);
        let mut copies: Vec<Copies> = Vec::with_capacity(graph.nodes.len());
        for (i, node) in graph.nodes.iter().enumerate() {
            if graph.is_inside(node) {
                let framed = framed(node);
                let name = match (node.kind, &node.namespace) {
                    (_, Some(namespace)) if framed => namespace,
                    (NodeKind::Namespace, _) if any_framed => &node.name,
                    _ => "",
                };
                let lane = plan.lane(name, framed);
                let place = plan.place(i, Role::Within, lane, node.key.clone());
                copies.push((Some(place), Some(place)));
                continue;
            }
            let from = sources
                .contains(&i)
                .then(|| plan.place(i, Role::From, 0, node.key.clone()));
            let to = targets.contains(&i).then(|| {
                let id = format!("to:{}", node.key);
                if inline {
                    let lane = plan.lane(&format!("to:{}", node.key), false);
                    plan.place(i, Role::Within, lane, id)
                } else {
                    plan.place(i, Role::To, 0, id)
                }
            });
            copies.push((from, to));
        }
        for (i, &(a, b)) in ends.iter().enumerate() {
            if let (true, Some(from), Some(to)) = (wired(i), copies[a].0, copies[b].1) {
                plan.flows.push(Flow {
                    edge: i,
                    from,
                    to,
                    state: graph.edges[i].state,
                });
            }
        }
        plan.add_badges(graph, &ends, &copies, &wired);
        plan
    }

    fn lane(&mut self, name: &str, framed: bool) -> usize {
        let wanted = Lane {
            name: name.to_owned(),
            framed,
        };
        self.lanes
            .iter()
            .skip(1)
            .position(|lane| *lane == wanted)
            .map_or_else(
                || {
                    self.lanes.push(wanted.clone());
                    self.lanes.len() - 1
                },
                |i| i + 1,
            )
    }

    fn place(&mut self, node: usize, role: Role, lane: usize, id: String) -> usize {
        self.places.push(Place {
            node,
            role,
            lane,
            id,
            badges: Vec::new(),
            counts: String::new(),
        });
        self.places.len() - 1
    }

    fn add_badges(
        &mut self,
        graph: &Graph,
        ends: &[(usize, usize)],
        copies: &[Copies],
        wired: &dyn Fn(usize) -> bool,
    ) {
        for place in &mut self.places {
            let node = &graph.nodes[place.node];
            let is_count = |text: &&String| {
                let words = ["workload", "workloads", "pod", "pods"];
                let last = text.rsplit(' ').next().unwrap_or_default();
                node.kind == NodeKind::Namespace && words.contains(&last)
            };
            let (counts, badges): (Vec<&String>, Vec<&String>) =
                node.badges.iter().partition(is_count);
            let counts: Vec<String> = counts.into_iter().map(|text| names::tame(text)).collect();
            place.counts = counts.join("·");
            for text in badges {
                place.badges.push(Badge {
                    // What a namespace's workloads come to is said with our own signs.
                    text: if node.kind == NodeKind::Namespace {
                        text.clone()
                    } else {
                        names::tame(text)
                    },
                    state: None,
                    edges: Vec::new(),
                    // What its workloads carry together waits for a card.
                    ubiquitous: node.kind == NodeKind::Namespace && !text.starts_with('↻'),
                });
            }
        }
        let mut loops: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut hidden: BTreeMap<usize, BTreeSet<(Class, &'static str)>> = BTreeMap::new();
        // Those outside may have no box at all.
        let is_inside = |node: usize| {
            matches!(
                graph.nodes[node].kind,
                NodeKind::Workload | NodeKind::Namespace
            )
        };
        for (i, &(a, b)) in ends.iter().enumerate() {
            if a == b {
                loops.entry(a).or_default().push(i);
            } else if !wired(i) {
                let class = graph.edges[i].class;
                let (usual, other) = match class {
                    Class::App => continue,
                    // Nearly every namespace would say so.
                    _ if [a, b]
                        .iter()
                        .any(|&end| graph.nodes[end].kind == NodeKind::Namespace) =>
                    {
                        continue;
                    }
                    Class::Dns | Class::ControlPlane => (a, b),
                    Class::Scrape => (b, a),
                };
                let (bearer, other) = if is_inside(usual) {
                    (usual, other)
                } else {
                    (other, usual)
                };
                let text = match class {
                    Class::App => continue,
                    Class::Dns => "dns",
                    Class::Scrape => "scrape",
                    Class::ControlPlane if graph.nodes[other].kind == NodeKind::ClusterNode => {
                        "nodes"
                    }
                    Class::ControlPlane => "api",
                };
                hidden.entry(bearer).or_default().insert((class, text));
            }
        }
        for (node, edges) in loops {
            if let Some(place) = copies[node].0.or(copies[node].1) {
                let badges = self_badges(graph, &edges);
                self.places[place].badges.splice(0..0, badges);
            }
        }
        for (node, classes) in hidden {
            for (_, text) in classes {
                if let Some(place) = copies[node].0.or(copies[node].1) {
                    self.places[place].badges.push(Badge {
                        text: text.to_owned(),
                        state: None,
                        edges: Vec::new(),
                        ubiquitous: true,
                    });
                }
            }
        }
    }

    /// The flows that decide where nodes stand: the planned ones, and any other between places that have no planned one.
    pub(super) fn voters(&self) -> Vec<Flow> {
        let calm: BTreeSet<usize> = self
            .flows
            .iter()
            .filter(|f| f.state.votes())
            .flat_map(|f| [f.from, f.to])
            .collect();
        let votes = |f: &&Flow| f.state.votes() || !calm.contains(&f.from) || !calm.contains(&f.to);
        self.flows.iter().filter(votes).copied().collect()
    }
}

/// One badge for each state that a node's edges to itself have: `↻9092`, and `↻443◆` where that is not expected.
fn self_badges(graph: &Graph, edges: &[usize]) -> Vec<Badge> {
    let mut by_state: BTreeMap<State, Vec<usize>> = BTreeMap::new();
    for &edge in edges {
        by_state
            .entry(graph.edges[edge].state)
            .or_default()
            .push(edge);
    }
    by_state
        .into_iter()
        .map(|(state, edges)| {
            let mut ports: Vec<&str> = Vec::new();
            for port in edges.iter().flat_map(|&e| &graph.edges[e].ports) {
                if !ports.contains(&port.as_str()) {
                    ports.push(port);
                }
            }
            let sign = match state {
                State::Plain => "",
                State::Missing => "○",
                State::Unexpected => "◆",
                State::Unknown => "?",
                State::HalfOpen(_) => "╳",
            };
            Badge {
                text: format!("↻{}{sign}", names::ports(ports.iter().copied())),
                state: Some(state),
                edges,
                ubiquitous: false,
            }
        })
        .collect()
}
