//! What must hold for every graph and every show of it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::super::{Picture, Show, View, picture};
use crate::graph::samples::Sample;
use crate::graph::{End, Graph, NodeKind, Options, State, truth};

const ENDS: [&str; 5] = ["any", "internet", "dns", "k8s-api", "10.0.0.0/8"];
const PORTS: [&str; 4] = ["80", "443 8443", "53/UDP", "any"];
const STATES: [State; 6] = [
    State::Plain,
    State::Plain,
    State::Missing,
    State::Unexpected,
    State::Unknown,
    State::HalfOpen(End::To),
];

fn name(index: usize, spaces: usize) -> String {
    if index < ENDS.len() {
        ENDS[index].to_owned()
    } else {
        format!("space-{}/service-{index}", index % spaces)
    }
}

fn graph() -> impl Strategy<Value = Graph> {
    (1usize..20, 1usize..6).prop_flat_map(|(workloads, spaces)| {
        let node = 0..workloads + ENDS.len();
        let edge = (node.clone(), node, 0..PORTS.len(), 0..STATES.len());
        prop::collection::vec(edge, 0..40).prop_map(move |edges| {
            let mut sample = Sample::default();
            for i in ENDS.len()..ENDS.len() + workloads {
                sample.node(&name(i, spaces));
            }
            for (from, to, ports, state) in edges {
                let (from, to) = (name(from, spaces), name(to, spaces));
                sample.edge(&from, &to, PORTS[ports], STATES[state]);
            }
            sample.graph()
        })
    })
}

/// A show of any kind: `view` and `turned` choose from what the graph has.
fn show(graph: &Graph, view: usize, turned: u8) -> Show {
    let names = (0..5).filter(|i| turned >> i & 1 == 1);
    let view = match view {
        0 => View::Map,
        1 => View::Overview,
        n => match graph.nodes().get((n - 2) % graph.nodes().len().max(1)) {
            Some(node) => View::Ego(node.key.clone()),
            None => View::Map,
        },
    };
    Show {
        view,
        turned: names.map(|i| format!("space-{i}")).collect(),
    }
}

/// How many pairs each port of an edge stands for.
fn weights(ports: &[String]) -> impl Iterator<Item = (&str, usize)> {
    ports.iter().map(|port| match port.split_once('×') {
        Some((port, count)) => (port, count.parse().unwrap()),
        None => (port.as_str(), 1),
    })
}

/// Namespaces behind a box.
fn spaces<'a>(picture: &'a Picture, key: &'a str) -> Option<Vec<&'a str>> {
    let name = key.strip_prefix("namespace/")?;
    Some(match picture.groups.get(key) {
        Some(members) => members.iter().map(String::as_str).collect(),
        None => vec![name],
    })
}

/// The box that a node of the graph went into.
fn home(graph: &Graph, picture: &Picture, key: &str) -> Option<String> {
    if picture.graph.node(key).is_some() {
        return Some(key.to_owned());
    }
    let space = graph.node(key)?.namespace.clone()?;
    let boxes = picture.graph.nodes().iter().map(|node| &node.key);
    boxes
        .filter(|b| spaces(picture, b).is_some_and(|names| names.contains(&space.as_str())))
        .map(ToOwned::to_owned)
        .next()
}

/// Whether a show tells an edge, said apart from how it is drawn.
fn is_told(graph: &Graph, show: &Show, from: &str, to: &str) -> bool {
    let opened = |key: &str| {
        let space = graph.node(key).and_then(|node| node.namespace.as_ref());
        space.is_some_and(|space| show.turned.contains(space))
    };
    let anything = graph.nodes().iter().any(|node| opened(&node.key));
    match &show.view {
        View::Map | View::Matrix => true,
        View::Ego(key) => from == key || to == key,
        View::Overview => !anything || opened(from) || opened(to),
    }
}

fn counts_add_up(graph: &Graph, picture: &Picture) -> Result<(), TestCaseError> {
    let mut expected: BTreeMap<(String, String, String, State), usize> = BTreeMap::new();
    let mut within: BTreeMap<String, usize> = BTreeMap::new();
    let mut untold = 0;
    for edge in graph.edges() {
        if !is_told(graph, &picture.show, &edge.from, &edge.to) {
            untold += 1;
            continue;
        }
        let ends = [&edge.from, &edge.to].map(|end| home(graph, picture, end));
        let [Some(from), Some(to)] = ends else {
            return Err(TestCaseError::fail(format!("{edge:?} is told nowhere")));
        };
        if from == to && from.starts_with("namespace/") {
            *within.entry(from).or_default() += 1;
            continue;
        }
        for port in &edge.ports {
            *expected
                .entry((from.clone(), to.clone(), port.clone(), edge.state))
                .or_default() += 1;
        }
    }
    prop_assert_eq!(picture.untold, untold);
    let mut found: BTreeMap<(String, String, String, State), usize> = BTreeMap::new();
    for edge in picture.graph.edges() {
        for (port, count) in weights(&edge.ports) {
            let key = (
                edge.from.clone(),
                edge.to.clone(),
                port.to_owned(),
                edge.state,
            );
            *found.entry(key).or_default() += count;
        }
    }
    prop_assert_eq!(found, expected);
    for node in picture
        .graph
        .nodes()
        .iter()
        .filter(|n| n.kind == NodeKind::Namespace)
    {
        let badge = node
            .badges
            .iter()
            .find_map(|badge| badge.strip_prefix("↻ "));
        let count = badge.map_or(0, |badge| badge.split(' ').next().unwrap().parse().unwrap());
        prop_assert_eq!(
            count,
            within.get(&node.key).copied().unwrap_or(0),
            "{}",
            &node.key
        );
    }
    Ok(())
}

fn sound(graph: &Graph, picture: &Picture) -> Result<(), TestCaseError> {
    let text = picture.scene.text(false);
    let report = truth::check(&picture.scene);
    prop_assert!(report.is_clean(), "{:?}\n{}", report, text);
    counts_add_up(graph, picture)?;
    let mut ids: Vec<&str> = picture
        .scene
        .boxes()
        .iter()
        .map(|b| b.id.as_str())
        .collect();
    ids.sort_unstable();
    prop_assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{:?}", ids);
    for b in picture.scene.boxes() {
        let known = graph.node(&b.key).is_some() || spaces(picture, &b.key).is_some();
        prop_assert!(known || picture.groups.contains_key(&b.key), "{}", &b.key);
        prop_assert_eq!(&picture.scene.find(&b.key).unwrap().key, &b.key);
    }
    Ok(())
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("seeds"))),
        ..ProptestConfig::with_cases(cases)
    }
}

proptest! {
    #![proptest_config(config(48))]

    #[test]
    fn every_show_tells_every_edge_once(graph in graph(), view in 0usize..12, turned: u8, size in 0usize..3) {
        let (width, height) = [(78, 18), (118, 30), (40, 8)][size];
        let show = show(&graph, view, turned);
        let picture = picture(&graph, None, &show, &Options::new(width, height), None);
        prop_assert_eq!(&picture.show, &show);
        sound(&graph, &picture)?;
    }

    #[test]
    fn one_show_after_another_is_sound(graph in graph(), views in prop::collection::vec((0usize..6, any::<u8>()), 2..5)) {
        let options = Options::new(118, 30);
        let mut before = None;
        for (view, turned) in views {
            let show = show(&graph, view, turned);
            let picture = picture(&graph, None, &show, &options, before.as_ref());
            sound(&graph, &picture)?;
            before = Some(picture.scene);
        }
    }
}
