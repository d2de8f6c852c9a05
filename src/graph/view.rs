//! Ways to look at a graph, and the picture of each.

mod ego;
mod fold;
mod keep;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use fold::{Folded, Folding, Room};
use keep::Kept;

use super::{
    Class, Graph, Node, NodeKind, Options, Scene, Step, Sticky, grid, layout, layout_among,
};

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
    /// Namespaces that are not as the view has them: closed ones on the map and in the matrix, opened ones in the overview, and
    /// around one node those whose workloads are not to be put into one box. A group of namespaces is opened by its name, as
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

// Wires of all classes count, or a class switched on could turn a map into an overview.

/// Beyond these a map helps nobody, and takes longer to lay out than anybody waits.
const MAP: Room = Room {
    boxes: 100,
    wires: 300,
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
/// `before` may be any picture of the same cluster. Of the same show it keeps everything where it was. When
/// namespaces of a map were opened or closed, all others keep their columns and their order, unless the picture then
/// no longer fits or could show more detail. Any other change of the show starts afresh.
pub fn picture(
    graph: &Graph,
    all: Option<&Graph>,
    show: &Show,
    options: &Options,
    before: Option<&Scene>,
) -> Picture {
    let (before_grid, before) = match before {
        Some(scene) if scene.is_grid() => (Some(scene), None),
        other => (None, other),
    };
    if show.view == View::Matrix {
        return matrix(graph, all, show, options, before_grid);
    }
    let sticky = before.map(Scene::sticky);
    let mut options = options.clone();
    if let View::Ego(_) = show.view {
        options.classes = Class::ALL.into();
    }
    let mut best: Option<Picture> = None;
    for sketch in Sketch::of(graph, show) {
        let picture = sketch.draw(all, &options, sticky);
        let (fits, step) = (picture.scene.fits(), picture.scene.step_shown());
        if fits && step != Step::Mini {
            return picture;
        }
        if best.as_ref().is_none_or(|best| !best.scene.fits()) {
            best = Some(picture);
        }
    }
    best.expect("there is a sketch for every show")
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
    let level = ego::Level::default();
    let is_small = |folded: &Folded| folded.graph.nodes().len() <= MAX_SIDE;
    let mut show = show.clone();
    let mut folded = show.fold(graph, &level);
    if !is_small(&folded) {
        // Rows of an overview, which has few enough of them in the largest cluster.
        folded = Show::overview().fold(graph, &level);
        let namespaces = graph.nodes().iter().filter_map(|n| n.namespace.clone());
        show.turned = namespaces.collect();
    }
    let all = all.map(|all| show.fold(all, &level));
    let all = all.filter(|all| is_small(all) && folded.groups.is_empty());
    let others = all.iter().flat_map(|all| all.graph.nodes());
    let nodes = folded.graph.nodes().iter().chain(others).cloned().collect();
    let drawn = Graph::new(nodes, folded.graph.edges().to_vec());
    let scene = grid(&drawn, options, before);
    Picture {
        graph: drawn,
        scene,
        show,
        groups: folded.groups,
        untold: folded.untold,
    }
}

/// One way to fold a graph for a show.
struct Sketch {
    show: Show,
    level: ego::Level,
    folded: Folded,
}

impl Sketch {
    /// What can be tried for a show, most detailed first; at least one.
    fn of(graph: &Graph, show: &Show) -> Vec<Self> {
        let sketch = |show: &Show, level: ego::Level| Self {
            folded: show.fold(graph, &level),
            show: show.clone(),
            level,
        };
        match &show.view {
            View::Ego(key) => {
                let levels = ego::levels(graph, key, &show.turned).into_iter();
                let mut sketches: Vec<Self> = levels.map(|level| sketch(show, level)).collect();
                let last = sketches.pop();
                sketches.retain(|sketch| MAP.has_room_for(&sketch.folded.graph));
                sketches.extend(last);
                sketches
            }
            View::Map if show.turned.is_empty() && !MAP.has_room_for(graph) => {
                vec![sketch(&Show::overview(), ego::Level::default())]
            }
            View::Map | View::Overview | View::Matrix => {
                let asked = sketch(show, ego::Level::default());
                if MAP.has_room_for(&asked.folded.graph) {
                    vec![asked]
                } else {
                    vec![sketch(&Show::overview(), ego::Level::default())]
                }
            }
        }
    }

    fn draw(self, all: Option<&Graph>, options: &Options, sticky: Option<&Sticky>) -> Picture {
        let Self {
            show,
            level,
            folded,
        } = self;
        // Groups of one graph are not those of another.
        let all = all
            .map(|all| show.fold(all, &level))
            .filter(|all| all.groups.is_empty() && folded.groups.is_empty())
            .filter(|all| MAP.has_room_for(&all.graph));
        let lay = |sticky: Option<&Sticky>| match &all {
            Some(all) => layout_among(&folded.graph, &all.graph, options, sticky),
            None => layout(&folded.graph, options, sticky),
        };
        let mut scene = match keep::kept(sticky, &show) {
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
        scene.sticky.show = Some(Box::new(show.clone()));
        Picture {
            graph: folded.graph,
            scene,
            show,
            groups: folded.groups,
            untold: folded.untold,
        }
    }
}

impl Show {
    /// Every namespace as one box.
    fn overview() -> Self {
        Self {
            view: View::Overview,
            turned: BTreeSet::new(),
        }
    }

    fn fold(&self, graph: &Graph, level: &ego::Level) -> Folded {
        let turned = &self.turned;
        let plain = |name: &str, _| name.to_owned();
        match &self.view {
            View::Ego(key) => ego::around(graph, key, level, turned),
            View::Map | View::Matrix if turned.is_empty() => Folded {
                graph: graph.clone(),
                ..Folded::default()
            },
            View::Map | View::Matrix => {
                Folding::new(graph, |_, name| turned.contains(name)).graph(plain)
            }
            View::Overview => {
                let mut folding = Folding::new(graph, |_, name| !turned.contains(name));
                let is_open =
                    |node: &Node| node.namespace.as_ref().is_some_and(|n| turned.contains(n));
                if graph.nodes().iter().any(is_open) {
                    folding.focus_on_open();
                }
                folding.gather(OVERVIEW, turned);
                folding.graph(plain)
            }
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
