//! One node between its callers and its callees.

use std::collections::BTreeSet;

use super::super::Focus;
use crate::graph::{Graph, Node, NodeKind};

/// The node of this key with its neighbours and its own edges; empty where no node has it.
pub(super) fn around(graph: &Graph, key: &str) -> Graph {
    let Some(centre) = graph.node(key) else {
        return Graph::default();
    };
    let mut edges = graph.edges().to_vec();
    edges.retain(|edge| edge.from == key || edge.to == key);
    let ends: BTreeSet<&str> = edges
        .iter()
        .flat_map(|edge| [edge.from.as_str(), edge.to.as_str()])
        .filter(|end| *end != key)
        .collect();
    let neighbours = ends.iter().filter_map(|end| graph.node(end));
    let mut nodes: Vec<Node> = neighbours.map(|node| titled(node, centre)).collect();
    nodes.push(told(centre));
    let focus = Focus {
        centre: Some(key.to_owned()),
        aside: ends.into_iter().map(str::to_owned).collect(),
    };
    Graph {
        focus,
        ..Graph::new(nodes, edges)
    }
}

/// A neighbour; one from another namespace says which.
fn titled(node: &Node, centre: &Node) -> Node {
    let name = match &node.namespace {
        Some(namespace) if node.namespace != centre.namespace => {
            format!("{namespace}/{}", node.name)
        }
        _ => node.name.clone(),
    };
    Node {
        name,
        badges: Vec::new(),
        ..node.clone()
    }
}

/// The centre says how many pods it has.
fn told(node: &Node) -> Node {
    let mut node = node.clone();
    if node.kind == NodeKind::Workload && node.pods > 0 {
        let plural = if node.pods == 1 { "" } else { "s" };
        node.badges.insert(0, format!("{} pod{plural}", node.pods));
    }
    node
}
