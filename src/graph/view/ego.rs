//! One node, or one namespace, between its callers and its callees.

use std::collections::{BTreeMap, BTreeSet};

use super::fold::{Folded, Folding, Room, plural};
use crate::graph::{Graph, Node, NodeKind, Options};

/// Neighbours of one namespace on one side that are shown one by one when there is little room.
const MOST_PEERS: usize = 7;

/// Groups of neighbours when even a box for each namespace is too much.
const ROOM: Room = Room {
    boxes: 40,
    wires: 80,
};

/// Which neighbours share a box, from none to as many as possible: their namespaces, and whether those are grouped too.
pub(super) type Level = (BTreeSet<String>, bool);

/// The levels worth trying, each with fewer boxes than the one before; none is empty. Namespaces in `opened` stay open.
pub(super) fn levels(graph: &Graph, key: &str, opened: &BTreeSet<String>) -> Vec<Level> {
    let mut peers: BTreeMap<(bool, &str), BTreeSet<&str>> = BTreeMap::new();
    for edge in graph.edges() {
        let (incoming, other) = match (edge.from == key, edge.to == key) {
            (true, false) => (false, &edge.to),
            (false, true) => (true, &edge.from),
            _ => continue,
        };
        let namespace = graph.node(other).and_then(|node| node.namespace.as_deref());
        if let Some(namespace) = namespace.filter(|name| !opened.contains(*name)) {
            peers
                .entry((incoming, namespace))
                .or_default()
                .insert(other);
        }
    }
    let mut levels: Vec<Level> = vec![(BTreeSet::new(), false)];
    for (most, grouped) in [(MOST_PEERS, false), (1, false), (0, true)] {
        let many = peers.iter().filter(|(_, peers)| peers.len() > most);
        let folded: BTreeSet<String> = many.map(|((_, name), _)| (*name).to_owned()).collect();
        let last = levels.last().map(|level| &level.0);
        if grouped || last != Some(&folded) {
            levels.push((folded, grouped));
        }
    }
    levels
}

/// The node of this key, or the namespace of `namespace/NAME`, with its neighbours and its own edges; empty where there is none.
pub(super) fn around(
    graph: &Graph,
    key: &str,
    (folded, grouped): &Level,
    opened: &BTreeSet<String>,
    options: &Options,
) -> Folded {
    let centre = graph.node(key);
    let mut folding = if centre.is_some() {
        let edges = graph.edges().iter();
        let ends = edges.filter(|edge| edge.from == key || edge.to == key);
        let ends: BTreeSet<&str> = ends
            .flat_map(|edge| [edge.from.as_str(), edge.to.as_str()])
            .filter(|end| *end != key)
            .collect();
        Folding::new(graph, |node, name| {
            folded.contains(name) && ends.contains(node.key.as_str())
        })
    } else {
        Folding::new(graph, |_, _| true)
    };
    if !folding.focus_on(key) {
        return Folded {
            untold: graph.edges().len(),
            ..Folded::default()
        };
    }
    if *grouped || centre.is_none() {
        folding.gather(ROOM, options, opened);
    }
    let mut around = folding.graph(|name, count| match centre {
        Some(_) => format!("{name}/* {count}"),
        None => name.to_owned(),
    });
    let home = centre.and_then(|node| node.namespace.as_deref());
    around.graph.retitle(|node| {
        if node.key == key {
            tell(node);
        } else {
            node.badges.clear();
            if let Some(namespace) = node.namespace.as_ref().filter(|n| Some(n.as_str()) != home) {
                node.name = format!("{namespace}/{}", node.name);
            }
        }
    });
    around
}

/// The centre says how many pods it has.
fn tell(node: &mut Node) {
    if node.kind == NodeKind::Workload && node.pods > 0 {
        let pods = usize::try_from(node.pods).unwrap_or(usize::MAX);
        node.badges.insert(0, plural(pods, "pod"));
    }
}
