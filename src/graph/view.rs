//! Ways to look at a graph, and the picture of each.

mod ego;
mod fold;

use std::collections::BTreeSet;

use super::{Class, Graph, Options, Scene, grid, layout, layout_among};

/// A way to look at a graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// Every workload, except in the namespaces that were closed.
    #[default]
    Map,
    /// Every namespace as one box, except those that were opened.
    Overview,
    /// The node of this key, its callers left of it and its callees right of it, with all classes of traffic.
    Ego(String),
    /// Callers down the side, callees across the top; closed namespaces as on the map.
    Matrix,
}

impl View {
    /// The word for it, as typed.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Overview => "overview",
            Self::Ego(_) => "ego",
            Self::Matrix => "matrix",
        }
    }

    /// The view of this word; `key` is the node that `ego` is about, without which there is no such view.
    pub fn parse(word: &str, key: Option<&str>) -> Option<Self> {
        match word {
            "map" => Some(Self::Map),
            "overview" => Some(Self::Overview),
            "matrix" => Some(Self::Matrix),
            "ego" => key.map(|key| Self::Ego(key.to_owned())),
            _ => None,
        }
    }
}

/// What somebody wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Show {
    pub view: View,
    /// Namespaces that are not as the view has them: closed ones on the map and in the matrix, opened ones in the overview.
    pub turned: BTreeSet<String>,
}

/// A picture and what it was drawn from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The nodes and edges as drawn; [`Cell::edges`](super::Cell::edges) counts in it.
    pub graph: Graph,
    pub scene: Scene,
    /// What is shown, which is less than was asked for where that is too much to read.
    pub show: Show,
}

/// Beyond these a map helps nobody, and takes longer to lay out than anybody waits.
const MAX_NODES: usize = 100;
const MAX_EDGES: usize = 200;

/// Draws what somebody wants to see of a graph; `all` is what other graphs may have that shall take its place, as in
/// [`layout_among`].
///
/// What is too large for a map is shown as an overview. The graph is empty when even that is too much.
pub fn picture(
    graph: &Graph,
    all: Option<&Graph>,
    show: &Show,
    options: &Options,
    before: Option<&Scene>,
) -> Picture {
    if show.view == View::Matrix {
        return matrix(graph, all, show, options, before);
    }
    let sticky = before.map(Scene::sticky);
    let mut show = show.clone();
    let mut options = options.clone();
    if let View::Ego(_) = show.view {
        options.classes = Class::ALL.into();
    }
    let options = &options;
    let mut shown = show.of(graph);
    if !is_readable(&shown) && show.view == View::Map {
        show = Show {
            view: View::Overview,
            turned: BTreeSet::new(),
        };
        shown = show.of(graph);
    }
    if !is_readable(&shown) {
        shown = Graph::default();
    }
    let scene = match all.map(|all| show.of(all)).filter(is_readable) {
        Some(all) => layout_among(&shown, &all, options, sticky),
        None => layout(&shown, options, sticky),
    };
    Picture {
        graph: shown,
        scene,
        show,
    }
}

/// Rows or columns beyond which a matrix is folded by namespace.
const MAX_SIDE: usize = 200;

/// Nodes of the others stand in it without a sign, so that rows stay where they are.
fn matrix(
    graph: &Graph,
    all: Option<&Graph>,
    show: &Show,
    options: &Options,
    before: Option<&Scene>,
) -> Picture {
    let mut show = show.clone();
    let mut shown = show.of(graph);
    if shown.nodes().len() > MAX_SIDE {
        let named = graph
            .nodes()
            .iter()
            .filter_map(|node| node.namespace.clone());
        show.turned = named.collect();
        shown = show.of(graph);
    }
    if shown.nodes().len() > MAX_SIDE {
        shown = Graph::default();
    }
    let all = all.map(|all| show.of(all)).unwrap_or_default();
    let nodes = shown.nodes().iter().chain(all.nodes()).cloned().collect();
    let graph = Graph::new(nodes, shown.edges().to_vec());
    let scene = grid(&graph, options, before.filter(|scene| scene.is_grid()));
    Picture { graph, scene, show }
}

fn is_readable(graph: &Graph) -> bool {
    graph.nodes().len() <= MAX_NODES && graph.edges().len() <= MAX_EDGES
}

impl Show {
    /// The nodes and edges of it.
    fn of(&self, graph: &Graph) -> Graph {
        match &self.view {
            View::Ego(key) => ego::around(graph, key),
            View::Map | View::Matrix if self.turned.is_empty() => graph.clone(),
            View::Map | View::Matrix => {
                fold::fold(graph, |namespace| self.turned.contains(namespace))
            }
            View::Overview => fold::fold(graph, |namespace| !self.turned.contains(namespace)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Class, Edge, Node, NodeKind, State};

    fn large(namespaces: usize, each: usize) -> Graph {
        let key = |ns: usize, w: usize| format!("n{ns}/deployment/w{w}");
        let nodes = (0..namespaces).flat_map(|ns| {
            (0..each).map(move |w| Node {
                key: format!("n{ns}/deployment/w{w}"),
                name: format!("w{w}"),
                namespace: Some(format!("n{ns}")),
                kind: NodeKind::Workload,
                pods: 2,
                badges: Vec::new(),
            })
        });
        let edges = (0..namespaces).flat_map(|ns| {
            (0..each).map(move |w| Edge {
                from: key(ns, w),
                to: key((ns + 1) % namespaces, (w + 1) % each),
                ports: vec![(8000 + w).to_string()],
                state: State::Plain,
                class: Class::App,
            })
        });
        Graph::new(nodes.collect(), edges.collect())
    }

    fn shown(graph: &Graph, view: View, turned: &[&str]) -> Picture {
        let turned = turned.iter().map(|name| (*name).to_owned()).collect();
        let show = Show { view, turned };
        picture(graph, None, &show, &Options::new(120, 36), None)
    }

    #[test]
    fn what_fits_stays_whole_and_what_does_not_is_folded_by_namespace() {
        let small = large(3, 4);
        assert_eq!(shown(&small, View::Map, &[]).graph, small);
        let folded = shown(&large(10, 50), View::Map, &[]);
        assert_eq!(folded.show.view, View::Overview);
        assert_eq!(folded.graph.nodes().len(), 10);
        let first = &folded.graph.nodes()[0];
        assert_eq!((first.key.as_str(), first.pods), ("namespace/n0", 100));
        // Each namespace talks to the next; a few ports stand for all.
        assert_eq!(folded.graph.edges().len(), 10);
        assert_eq!(folded.graph.edges()[0].ports, ["8000", "8001", "8002", "…"]);
    }

    #[test]
    fn namespaces_are_closed_on_the_map_and_opened_in_the_overview() {
        let graph = large(3, 4);
        // Of three namespaces with four workloads each, one becomes a box.
        assert_eq!(shown(&graph, View::Map, &["n1"]).graph.nodes().len(), 9);
        assert_eq!(
            shown(&graph, View::Overview, &["n1"]).graph.nodes().len(),
            6
        );
        assert_eq!(shown(&graph, View::Overview, &[]).graph.nodes().len(), 3);
    }

    #[test]
    fn what_does_not_even_fit_folded_is_no_map() {
        assert!(
            shown(&large(500, 2), View::Map, &[])
                .graph
                .nodes()
                .is_empty()
        );
    }
}
