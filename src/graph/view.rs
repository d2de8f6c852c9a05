//! Ways to look at a graph, and the picture of each.

mod ego;
mod fold;
mod keep;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use fold::{Folded, Folding, Room};
use keep::Kept;

use super::{Class, Graph, NodeKind, Options, Scene, Step, Sticky, grid, layout, layout_among};

/// A way to look at a graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// Every workload, except in the namespaces that were closed.
    #[default]
    Map,
    /// Every namespace as one box. Where some were opened: their workloads, between the namespaces that call them and those
    /// that they call.
    Overview,
    /// The node of this key, its callers left of it and its callees right of it, with all classes of traffic. `namespace/NAME`
    /// is a namespace among namespaces.
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
    /// Namespaces that are not as the view has them: closed ones on the map and in the matrix, opened ones in the
    /// overview, and around one node
    /// those whose workloads are not to be put into one box. A group of namespaces is opened by its name, as
    /// [`Picture::turned`] does.
    pub turned: BTreeSet<String>,
}

/// A picture and what it was drawn from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The nodes and edges as drawn; [`Cell::edges`](super::Cell::edges) counts in it. Keys are those of the graph that was
    /// asked for, `namespace/NAME` for a closed namespace, or a key of `groups`. A port of an edge that stands for several
    /// is followed by how many pairs it connects: `8080×13`.
    pub graph: Graph,
    pub scene: Scene,
    /// What is shown, which is less than was asked for where that is too much to read.
    pub show: Show,
    /// Boxes that stand for several namespaces, or ranges of addresses: their members' names, or keys, sorted.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Edges of the graph with no end in what the picture is about, and so not in it: 0 on the map.
    pub untold: usize,
}

/// Beyond these a map helps nobody, and takes longer to lay out than anybody waits.
const MAP: Room = Room {
    boxes: 100,
    wires: 200,
};

/// An overview is for seeing all at once: from here on, namespaces are grouped.
const OVERVIEW: Room = Room {
    boxes: 48,
    wires: 120,
};

/// Draws what somebody wants to see of a graph; `all` is what other graphs may have that shall take its place, as in
/// [`layout_among`].
///
/// What is too large for a map is shown as an overview, and in an overview of too many namespaces those that are alike share a
/// box; [`Picture::show`] says what it came to. The picture is empty only where the graph is, or where a node is asked for
/// that is not there.
///
/// `sticky` may come from any picture of the same cluster. Of the same show it keeps everything where it was. When
/// namespaces of a map were opened or closed, all others keep their columns and their order, unless the picture then
/// no longer fits or could show more detail. Any other change of the show starts afresh.
pub fn picture(
    graph: &Graph,
    all: Option<&Graph>,
    show: &Show,
    options: &Options,
    sticky: Option<&Sticky>,
) -> Picture {
    if show.view == View::Matrix {
        return matrix(graph, all, show, options, None);
    }
    let mut options = options.clone();
    if let View::Ego(_) = show.view {
        options.classes = Class::ALL.into();
    }
    let mut best: Option<Picture> = None;
    for sketch in Sketch::of(graph, show, &options) {
        let picture = sketch.draw(graph, all, &options, sticky);
        let legible = picture.scene.fits() && picture.scene.step_shown() != Step::Mini;
        let fits = |picture: &Picture| picture.scene.fits();
        if legible || best.as_ref().is_none_or(|best| !fits(best)) {
            best = Some(picture);
        }
        if legible {
            break;
        }
    }
    best.unwrap_or_else(|| Picture {
        graph: Graph::default(),
        scene: layout(&Graph::default(), &options, None),
        show: show.clone(),
        groups: BTreeMap::new(),
        untold: graph.edges().len(),
    })
}

/// Like [`picture`], after another picture of the same view, so that what is known stays where it was.
pub fn picture_after(
    graph: &Graph,
    all: Option<&Graph>,
    show: &Show,
    options: &Options,
    before: Option<&Scene>,
) -> Picture {
    if show.view == View::Matrix {
        return matrix(graph, all, show, options, before);
    }
    let sticky = before.filter(|scene| !scene.is_grid()).map(Scene::sticky);
    picture(graph, all, show, options, sticky)
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
    let of = |show: &Show, graph: &Graph| {
        let sketch = Sketch {
            show: show.clone(),
            level: ego::Level::default(),
        };
        sketch.fold(graph, options).graph
    };
    let mut show = show.clone();
    let mut shown = of(&show, graph);
    if shown.nodes().len() > MAX_SIDE {
        let nodes = graph.nodes().iter();
        show.turned = nodes.filter_map(|node| node.namespace.clone()).collect();
        shown = of(&show, graph);
    }
    if shown.nodes().len() > MAX_SIDE {
        shown = Graph::default();
    }
    let all = all.map(|all| of(&show, all));
    let all = all.filter(|all| all.nodes().len() <= MAX_SIDE);
    let others = all.iter().flat_map(Graph::nodes);
    let nodes = shown.nodes().iter().chain(others).cloned().collect();
    let graph = Graph::new(nodes, shown.edges().to_vec());
    let scene = grid(&graph, options, before.filter(|scene| scene.is_grid()));
    Picture {
        graph,
        scene,
        show,
        groups: BTreeMap::new(),
        untold: 0,
    }
}

/// One way to fold a graph for a show.
struct Sketch {
    show: Show,
    level: ego::Level,
}

impl Sketch {
    /// What can be tried for a show, most detailed first.
    fn of(graph: &Graph, show: &Show, options: &Options) -> Vec<Self> {
        let sketch = |show: &Show, level: ego::Level| Self {
            show: show.clone(),
            level,
        };
        let readable = |sketch: &Self| {
            let size = sketch.size(graph, options);
            size.0 <= MAP.boxes && size.1 <= MAP.wires
        };
        if let View::Ego(key) = &show.view {
            let levels = ego::levels(graph, key, &show.turned).into_iter();
            let mut sketches: Vec<Self> = levels.map(|level| sketch(show, level)).collect();
            let last = sketches.pop();
            sketches.retain(readable);
            sketches.extend(last);
            return sketches;
        }
        let closed = Show {
            view: View::Overview,
            turned: BTreeSet::new(),
        };
        let asked = sketch(show, ego::Level::default());
        if readable(&asked) {
            vec![asked]
        } else {
            vec![sketch(&closed, ego::Level::default())]
        }
    }

    fn size(&self, graph: &Graph, options: &Options) -> (usize, usize) {
        let folded = self.fold(graph, options).graph;
        let wires = folded.edges().iter().filter(|edge| options.draws(edge));
        (folded.nodes().len(), wires.count())
    }

    fn fold(&self, graph: &Graph, options: &Options) -> Folded {
        let turned = &self.show.turned;
        let plain = |name: &str, _| name.to_owned();
        match &self.show.view {
            View::Ego(key) => ego::around(graph, key, &self.level, turned, options),
            View::Map | View::Matrix if turned.is_empty() => Folded {
                graph: graph.clone(),
                ..Folded::default()
            },
            View::Map | View::Matrix => {
                Folding::new(graph, |_, name| turned.contains(name)).graph(plain)
            }
            View::Overview => {
                let mut folding = Folding::new(graph, |_, name| !turned.contains(name));
                let mut nodes = graph.nodes().iter();
                if nodes.any(|n| {
                    n.namespace
                        .as_ref()
                        .is_some_and(|name| turned.contains(name))
                }) {
                    folding.focus_on_open();
                }
                folding.gather(OVERVIEW, options, turned);
                folding.graph(plain)
            }
        }
    }

    fn draw(
        &self,
        graph: &Graph,
        all: Option<&Graph>,
        options: &Options,
        sticky: Option<&Sticky>,
    ) -> Picture {
        let folded = self.fold(graph, options);
        // Groups of one graph are not those of another.
        let all = all
            .map(|all| self.fold(all, options))
            .filter(|all| all.groups.is_empty() && folded.groups.is_empty())
            .filter(|all| {
                all.graph.nodes().len() <= MAP.boxes && all.graph.edges().len() <= 2 * MAP.wires
            });
        let lay = |sticky: Option<&Sticky>| match &all {
            Some(all) => layout_among(&folded.graph, &all.graph, options, sticky),
            None => layout(&folded.graph, options, sticky),
        };
        let mut scene = match keep::kept(sticky, &self.show) {
            Kept::Nothing => lay(None),
            Kept::Everything(sticky) => lay(Some(sticky)),
            Kept::Order(sticky) => {
                let (kept, afresh) = (lay(Some(&sticky)), lay(None));
                let detail = |scene: &Scene| (!scene.fits(), scene.step_shown());
                if detail(&afresh) < detail(&kept) {
                    afresh
                } else {
                    kept
                }
            }
        };
        scene.sticky.show = Some(self.show.clone());
        Picture {
            graph: folded.graph,
            scene,
            show: self.show.clone(),
            groups: folded.groups,
            untold: folded.untold,
        }
    }
}

impl Picture {
    /// What to show so that the namespace of a box is closed where it is open here, and open where it is closed; for a box of
    /// several namespaces, that each has a box of its own. `None` where a box has nothing to open or close.
    pub fn turned(&self, key: &str) -> Option<Show> {
        let node = self.graph.node(key)?;
        let name = match (node.kind, &node.namespace) {
            (NodeKind::Namespace, _) => key.strip_prefix("namespace/")?,
            (_, Some(namespace)) => namespace,
            (_, None) => self.groups.contains_key(key).then_some(key)?,
        };
        let mut show = self.show.clone();
        if !show.turned.remove(name) {
            let is_closed = node.kind != NodeKind::Workload;
            let about_one = matches!(self.show.view, View::Ego(_));
            if about_one && (!is_closed || self.show.view == View::Ego(key.to_owned())) {
                return None;
            }
            show.turned.insert(name.to_owned());
        }
        Some(show)
    }
}
