//! Several nodes as one box: namespaces, and groups of namespaces where there are too many of them.

mod gather;

pub(super) use gather::Room;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::super::Focus;
use crate::graph::{Class, Edge, End, Graph, Node, NodeKind, Options, State};

/// A graph, and the box that each of its nodes goes into.
#[derive(Clone)]
pub(super) struct Folding<'a> {
    graph: &'a Graph,
    /// The ends of each edge, as indices of nodes.
    ends: Vec<(usize, usize)>,
    /// The box of each node.
    home: Vec<usize>,
    bundles: Vec<Bundle<'a>>,
    about: About,
}

/// What is told: connections with an end in this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    All,
    /// Workloads with a box of their own.
    Open,
    One(usize),
}

/// What goes into one box.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Bundle<'a> {
    Node(usize),
    /// Closed namespaces; more than one are a group.
    Namespaces(Vec<&'a str>, Why),
    /// Ranges of addresses that are treated alike, as nodes.
    Ranges(Vec<usize>),
}

/// Why namespaces share a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// There is only one.
    Single,
    /// They have no connection to anything else.
    Unconnected,
    /// They have something in common.
    Alike,
    /// Nothing in particular distinguishes them.
    Others,
}

impl<'a> Folding<'a> {
    /// One box for each namespace that a closed node is in, and one for every other node.
    pub(super) fn new(graph: &'a Graph, is_closed: impl Fn(&Node, &str) -> bool) -> Self {
        let place: HashMap<&str, usize> = graph
            .nodes()
            .iter()
            .enumerate()
            .map(|(i, node)| (node.key.as_str(), i))
            .collect();
        let at = |key: &str| place.get(key).copied().unwrap_or(0);
        let mut folding = Self {
            graph,
            ends: graph
                .edges()
                .iter()
                .map(|edge| (at(&edge.from), at(&edge.to)))
                .collect(),
            home: Vec::with_capacity(graph.nodes().len()),
            bundles: Vec::new(),
            about: About::All,
        };
        let mut closed: BTreeMap<&str, usize> = BTreeMap::new();
        for (i, node) in graph.nodes().iter().enumerate() {
            let namespace = node.namespace.as_deref();
            let namespace = namespace.filter(|name| is_closed(node, name));
            let next = folding.bundles.len();
            let bundle = match namespace {
                None => next,
                Some(name) => *closed.entry(name).or_insert(next),
            };
            if bundle == next {
                folding.bundles.push(match namespace {
                    None => Bundle::Node(i),
                    Some(name) => Bundle::Namespaces(vec![name], Why::Single),
                });
            }
            folding.home.push(bundle);
        }
        folding
    }

    /// Leaves out what has no connection with an open workload.
    pub(super) fn focus_on_open(&mut self) {
        self.about = About::Open;
    }

    /// Leaves out what has no connection with the box of this key; false when there is none.
    pub(super) fn focus_on(&mut self, key: &str) -> bool {
        let found = (0..self.bundles.len()).find(|&b| self.key(b) == key);
        if let Some(bundle) = found {
            self.about = About::One(bundle);
        }
        found.is_some()
    }

    /// Whether the picture is about a bundle, rather than that it stands beside.
    fn is_meant(&self, bundle: usize) -> bool {
        match (self.about, &self.bundles[bundle]) {
            (About::All, _) => true,
            (About::One(centre), _) => centre == bundle,
            (About::Open, Bundle::Node(node)) => {
                self.graph.nodes()[*node].kind == NodeKind::Workload
            }
            (About::Open, _) => false,
        }
    }

    /// The bundles at the ends of an edge; `None` where the edge is not told.
    fn told(&self, edge: usize) -> Option<(usize, usize)> {
        let (from, to) = self.ends[edge];
        let (from, to) = (self.home[from], self.home[to]);
        (self.is_meant(from) || self.is_meant(to)).then_some((from, to))
    }

    /// The nodes behind each bundle, by index.
    fn members(&self) -> Vec<Vec<usize>> {
        let mut members = vec![Vec::new(); self.bundles.len()];
        for (node, &bundle) in self.home.iter().enumerate() {
            members[bundle].push(node);
        }
        members
    }

    /// How many boxes and wires there will be.
    pub(super) fn size(&self, options: &Options) -> (usize, usize) {
        let mut wires: BTreeSet<(usize, usize, State, Class)> = BTreeSet::new();
        let home = self.home.iter().copied();
        let mut boxes: BTreeSet<usize> = home.filter(|&b| self.is_meant(b)).collect();
        for (i, edge) in self.graph.edges().iter().enumerate() {
            let Some((from, to)) = self.told(i) else {
                continue;
            };
            boxes.extend([from, to]);
            if from != to && options.draws(edge) {
                wires.insert((from, to, edge.state, edge.class));
            }
        }
        (boxes.len(), wires.len())
    }

    /// The graph of the boxes. `named` makes the name of a closed namespace from its own and the number of nodes in it.
    pub(super) fn graph(&self, named: impl Fn(&str, usize) -> String) -> Folded {
        let mut wires: BTreeMap<(usize, usize, State, Class), BTreeMap<&str, usize>> =
            BTreeMap::new();
        let mut within: BTreeMap<usize, BTreeMap<State, usize>> = BTreeMap::new();
        let mut shown: BTreeSet<usize> = BTreeSet::new();
        let mut untold = 0;
        for (i, edge) in self.graph.edges().iter().enumerate() {
            let Some((from, to)) = self.told(i) else {
                untold += 1;
                continue;
            };
            shown.extend([from, to]);
            if from == to && !matches!(self.bundles[from], Bundle::Node(_)) {
                *within
                    .entry(from)
                    .or_default()
                    .entry(edge.state)
                    .or_default() += 1;
                continue;
            }
            let ports = wires.entry((from, to, edge.state, edge.class)).or_default();
            for port in &edge.ports {
                *ports.entry(port).or_default() += 1;
            }
        }
        let members = self.members();
        let drawn: Vec<usize> = (0..self.bundles.len())
            .filter(|&b| !members[b].is_empty())
            .filter(|&b| self.is_meant(b) || shown.contains(&b))
            .collect();
        let keys: BTreeMap<usize, String> = drawn.iter().map(|&b| (b, self.key(b))).collect();
        let nodes = drawn.iter().map(|&b| {
            let within = within.get(&b).cloned().unwrap_or_default();
            self.node(b, &members[b], &within, &named)
        });
        let edges = wires.into_iter().filter_map(|(ends, ports)| {
            let (from, to, state, class) = ends;
            Some(Edge {
                from: keys.get(&from)?.clone(),
                to: keys.get(&to)?.clone(),
                ports: ports.into_iter().map(counted).collect(),
                state,
                class,
            })
        });
        let mut graph = Graph::new(nodes.collect(), edges.collect());
        let beside = drawn.iter().filter(|&&b| !self.is_meant(b));
        graph.focus = Focus {
            centre: match self.about {
                About::One(centre) => keys.get(&centre).cloned(),
                About::All | About::Open => None,
            },
            aside: beside.map(|b| keys[b].clone()).collect(),
        };
        let groups = drawn.iter().filter_map(|b| {
            let names = self.group(*b)?;
            Some((keys[b].clone(), names))
        });
        Folded {
            graph,
            groups: groups.collect(),
            untold,
        }
    }

    /// The members of a box that stands for more than a namespace, by name.
    fn group(&self, bundle: usize) -> Option<Vec<String>> {
        match &self.bundles[bundle] {
            Bundle::Namespaces(names, why) if *why != Why::Single => {
                Some(names.iter().map(|name| (*name).to_owned()).collect())
            }
            Bundle::Ranges(nodes) => {
                let key = |node: &usize| self.graph.nodes()[*node].key.clone();
                Some(nodes.iter().map(key).collect())
            }
            Bundle::Namespaces(..) | Bundle::Node(_) => None,
        }
    }

    /// The key of a box. No name of the API holds a plus sign, so that of a group is nobody else's.
    fn key(&self, bundle: usize) -> String {
        match &self.bundles[bundle] {
            Bundle::Node(node) => self.graph.nodes()[*node].key.clone(),
            Bundle::Namespaces(names, why) => {
                let first = names.first().copied().unwrap_or_default();
                match why {
                    Why::Single => format!("namespace/{first}"),
                    Why::Alike => format!("namespace/{first}+"),
                    Why::Unconnected => "namespace/+".to_owned(),
                    Why::Others => "namespace/+others".to_owned(),
                }
            }
            Bundle::Ranges(nodes) => {
                let first = nodes.first().map(|&node| &self.graph.nodes()[node].key);
                format!("{}+", first.map_or("", String::as_str))
            }
        }
    }

    fn node(
        &self,
        bundle: usize,
        members: &[usize],
        within: &BTreeMap<State, usize>,
        named: &impl Fn(&str, usize) -> String,
    ) -> Node {
        let nodes: Vec<&Node> = members.iter().map(|&i| &self.graph.nodes()[i]).collect();
        let mut badges = Vec::new();
        let (name, kind) = match &self.bundles[bundle] {
            Bundle::Node(node) => return self.graph.nodes()[*node].clone(),
            Bundle::Ranges(nodes) => (format!("{} ranges", nodes.len()), NodeKind::Range),
            Bundle::Namespaces(names, why) => {
                let name = match (why, names.first()) {
                    (Why::Single, Some(name)) => named(name, nodes.len()),
                    (Why::Alike, _) => format!("{} {}", pattern(names), names.len()),
                    _ => format!("+ {} namespaces", names.len()),
                };
                if *why == Why::Unconnected {
                    badges.push("without connections".to_owned());
                }
                (name, NodeKind::Namespace)
            }
        };
        let pods = nodes
            .iter()
            .fold(0, |sum: u32, n| sum.saturating_add(n.pods));
        if kind == NodeKind::Namespace {
            badges.push(plural(nodes.len(), "workload"));
            if pods > 0 {
                let pods = usize::try_from(pods).unwrap_or(usize::MAX);
                badges.push(plural(pods, "pod"));
            }
        }
        badges.extend(within_badge(within));
        badges.extend(summed(&nodes));
        Node {
            key: self.key(bundle),
            name,
            namespace: None,
            kind,
            pods,
            badges,
        }
    }
}

/// A folded graph, and what it does not show.
#[derive(Clone, Debug, Default)]
pub(super) struct Folded {
    pub(super) graph: Graph,
    /// The members of each box that stands for several namespaces or ranges, by key.
    pub(super) groups: BTreeMap<String, Vec<String>>,
    /// Edges that nothing in the graph stands for.
    pub(super) untold: usize,
}

fn counted((port, pairs): (&str, usize)) -> String {
    if pairs == 1 {
        port.to_owned()
    } else {
        format!("{port}×{pairs}")
    }
}

pub(super) fn plural(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// The connections that do not leave a box, and how many of them are news.
fn within_badge(within: &BTreeMap<State, usize>) -> Option<String> {
    let total: usize = within.values().sum();
    if total == 0 {
        return None;
    }
    let mut news: BTreeMap<(State, &str), usize> = BTreeMap::new();
    for (state, count) in within.iter().filter(|(state, _)| **state != State::Plain) {
        // Which end denies is told by the edges themselves.
        let state = match state {
            State::HalfOpen(_) => State::HalfOpen(End::From),
            other => *other,
        };
        *news.entry((state, state.sign())).or_default() += count;
    }
    let mut badge = format!("↻ {total} within");
    for ((_, sign), count) in news {
        badge += &format!(" {sign}{count}");
    }
    Some(badge)
}

/// How many of the nodes carry each badge about a direction; both directions as one where they are as many.
fn summed(nodes: &[&Node]) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let badges = nodes.iter().flat_map(|node| &node.badges);
    for badge in badges.filter(|badge| badge.contains(' ')) {
        *counts.entry(badge).or_default() += 1;
    }
    let mut told: Vec<String> = Vec::new();
    for (badge, count) in &counts {
        let words = badge.split_once(' ');
        let other =
            |to: &str| words.and_then(|(word, _)| counts.get(format!("{word} {to}").as_str()));
        match words {
            Some((word, "in")) if other("out") == Some(count) => {
                told.push(format!("{word} in/out {count}"));
            }
            Some((_, "out")) if other("in") == Some(count) => {}
            _ => told.push(format!("{badge} {count}")),
        }
    }
    told
}

/// What names have in common, cut where a word of them ends; the first name where that is nothing.
fn pattern(names: &[&str]) -> String {
    let (Some(first), Some(last)) = (names.first(), names.last()) else {
        return String::new();
    };
    // Names are sorted: what the first and the last share at the start, all share.
    let same = |a: char, b: char| a == b;
    let head = first
        .chars()
        .zip(last.chars())
        .take_while(|&(a, b)| same(a, b));
    let head: String = head.map(|(a, _)| a).collect();
    let head = head.rfind('-').map_or("", |end| &head[..=end]);
    let mut tail: &str = first.get(head.len()..).unwrap_or_default();
    for name in names {
        let rest = name.get(head.len()..).unwrap_or_default();
        let shared = tail
            .char_indices()
            .map(|(at, _)| &tail[at..])
            .find(|end| end.starts_with('-') && rest.ends_with(end));
        tail = shared.unwrap_or_default();
    }
    if head.is_empty() && tail.is_empty() {
        format!("{first} +")
    } else {
        format!("{head}*{tail}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_pattern_in_common() {
        for (names, expected) in [
            (&["shop-apac", "shop-eu", "shop-us"][..], "shop-*"),
            (&["shop-apac-db", "shop-eu-db"], "shop-*-db"),
            (&["shop-eu", "shop-eu-db"], "shop-*"),
            (&["apac-db", "eu-db"], "*-db"),
            (&["billing", "ledger"], "billing +"),
            (&["team1", "team2"], "team1 +"),
        ] {
            assert_eq!(pattern(names), expected);
        }
    }

    #[test]
    fn badges_are_counted() {
        let node = |badges: &[&str]| Node {
            key: String::new(),
            name: String::new(),
            namespace: None,
            kind: NodeKind::Workload,
            pods: 1,
            badges: badges.iter().map(|b| (*b).to_owned()).collect(),
        };
        let nodes = [
            node(&["open in", "open out", "host"]),
            node(&["open in", "open out", "? in"]),
            node(&["part in!"]),
        ];
        let nodes: Vec<&Node> = nodes.iter().collect();
        assert_eq!(summed(&nodes), ["? in 1", "open in/out 2", "part in! 1"]);
    }

    #[test]
    fn connections_within_say_how_many_are_news() {
        let within = BTreeMap::from([
            (State::Plain, 50),
            (State::Unexpected, 1),
            (State::HalfOpen(End::From), 1),
            (State::HalfOpen(End::To), 1),
        ]);
        assert_eq!(within_badge(&within).unwrap(), "↻ 53 within ◆1 ╳2");
        assert_eq!(within_badge(&BTreeMap::new()), None);
    }
}
