//! Namespaces as single boxes.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Class, Edge, Graph, Node, NodeKind, State};

/// Ports told on a wire between two folded namespaces; the rest is `…`.
const FOLDED_PORTS: usize = 3;

/// One box for each closed namespace; connections within one are left out.
pub(super) fn fold(graph: &Graph, is_closed: impl Fn(&str) -> bool) -> Graph {
    let home = |key: &str| {
        let namespace = graph.node(key).and_then(|node| node.namespace.clone());
        let closed = namespace.filter(|name| is_closed(name));
        closed.map_or_else(|| key.to_owned(), |name| format!("namespace/{name}"))
    };
    let mut nodes: BTreeMap<String, Node> = BTreeMap::new();
    for node in graph.nodes() {
        let Some(namespace) = node.namespace.as_ref().filter(|name| is_closed(name)) else {
            nodes.insert(node.key.clone(), node.clone());
            continue;
        };
        let key = home(&node.key);
        let folded = nodes.entry(key.clone()).or_insert_with(|| Node {
            key,
            name: namespace.clone(),
            namespace: None,
            kind: NodeKind::Namespace,
            pods: 0,
            badges: Vec::new(),
        });
        folded.pods += node.pods;
    }
    let mut wires: BTreeMap<(String, String, State, Class), BTreeSet<String>> = BTreeMap::new();
    for edge in graph.edges() {
        let (from, to) = (home(&edge.from), home(&edge.to));
        if from != to {
            let ports = wires.entry((from, to, edge.state, edge.class)).or_default();
            ports.extend(edge.ports.iter().cloned());
        }
    }
    let edges = wires.into_iter().map(|((from, to, state, class), ports)| {
        let mut told: Vec<String> = ports.iter().take(FOLDED_PORTS).cloned().collect();
        if ports.len() > FOLDED_PORTS {
            told.push("…".to_owned());
        }
        Edge {
            from,
            to,
            ports: told,
            state,
            class,
        }
    });
    Graph::new(nodes.into_values().collect(), edges.collect())
}
