//! The renderers that draw what `graph -o dot` and `-o mermaid` write: they must take all of it, and read the names as they are.
//!
//! Graphviz (`dot`) and, under `tests/renderers`, Mermaid from npm. Where one is missing its tests say on standard error that they
//! were skipped; with `NETSEG_REQUIRE_RENDERERS=1` they fail instead.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

use jiff::civil::date;
use netseg::compile::enforcer;
use netseg::engine::{Engine, Profile};
use netseg::expect;
use netseg::graph::{Class, Edge, End, Graph, Node, NodeKind, State, drawn};
use netseg::questions::scope::Scope;
use netseg::report::graph::{dot, mermaid};
use netseg::source::demo;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

const RANDOM_GRAPHS: usize = 40;

/// Names nobody should have, and that a cluster or a file may send.
const HOSTILE: [&str; 24] = [
    "a\"b",
    "a'b",
    "[x]",
    "(x)",
    "{x}",
    "<b>x</b>",
    "end",
    "graph",
    "subgraph",
    "--",
    "-->",
    "a;b",
    "a\nb",
    "a\\",
    "a\\nb",
    "\\N",
    "&lt;",
    "&amp;",
    "#35;",
    "`x`",
    "%% x",
    "|x|",
    "日本語",
    "1. x",
];

/// Whether a renderer is there; where it has to be, its absence fails.
fn is_there(name: &str, found: bool, how: &str) -> bool {
    if found {
        return true;
    }
    assert!(
        std::env::var_os("NETSEG_REQUIRE_RENDERERS").is_none_or(|v| v == "0"),
        "{name} is missing: {how}"
    );
    let told = format!("SKIPPED: {name} is missing, nothing was drawn with it: {how}\n");
    // Not through `eprintln!`, which the test harness keeps to itself.
    let _ = std::io::stderr().write_all(told.as_bytes());
    false
}

fn graphviz() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let version = Command::new("dot").arg("-V").output();
        let found = version.is_ok_and(|output| output.status.success());
        is_there("Graphviz", found, "apt-get install graphviz")
    })
}

fn npm() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/renderers");
        let found = folder.join("node_modules/mermaid").is_dir();
        is_there("Mermaid", found, "npm ci --prefix tests/renderers")
    })
}

/// Runs a program on an input and returns what it says; warnings count as failures.
fn run(command: &mut Command, input: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it was found before");
    let mut stdin = child.stdin.take().expect("piped");
    let text = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}\n{input}");
    assert_eq!(errors, "", "{input}");
    writer
        .join()
        .expect("writing does not panic")
        .expect("it reads its input");
    String::from_utf8(output.stdout).expect("it writes UTF-8")
}

fn demos() -> Vec<(String, Graph)> {
    let names = demo::names();
    names
        .into_iter()
        .map(|name| {
            let found = demo::load(name).expect("it is built in");
            let profile = enforcer::detect(&found.cluster, true).profile;
            let engine = Engine::build(&Arc::new(found.cluster), Profile::named(profile));
            let expectations = expect::read(&found.expectations_name, found.expectations_text)
                .expect("demos carry sound expectations");
            let environment = &expectations.environments()[0];
            let plan = expect::bind(&engine, &expectations, environment, date(2026, 1, 12));
            (
                name.to_owned(),
                drawn::drawn(&engine, Some(&plan), &Scope::all()),
            )
        })
        .collect()
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(HOSTILE.as_slice()).prop_map(str::to_owned),
        "[a-z]{1,6}",
        "\\PC{1,6}",
        (
            proptest::sample::select(HOSTILE.as_slice()),
            proptest::sample::select(HOSTILE.as_slice())
        )
            .prop_map(|(a, b)| format!("{a}{b}")),
    ]
}

fn state() -> impl Strategy<Value = State> {
    proptest::sample::select(vec![
        State::Plain,
        State::Missing,
        State::Unexpected,
        State::Unknown,
        State::HalfOpen(End::From),
        State::HalfOpen(End::To),
    ])
}

fn random_graph() -> impl Strategy<Value = Graph> {
    let node = (
        name(),
        proptest::option::of(name()),
        proptest::option::of(name()),
    );
    let edge = (any::<usize>(), any::<usize>(), name(), state());
    (
        proptest::collection::vec(node, 1..8),
        proptest::collection::vec(edge, 0..12),
    )
        .prop_map(|(nodes, edges)| {
            let nodes: Vec<Node> = nodes
                .into_iter()
                .map(|(name, namespace, badge)| Node {
                    key: format!("{}/{name}", namespace.as_deref().unwrap_or_default()),
                    kind: if namespace.is_some() {
                        NodeKind::Workload
                    } else {
                        NodeKind::Range
                    },
                    name,
                    namespace,
                    pods: 1,
                    badges: badge.into_iter().collect(),
                })
                .collect();
            let edges = edges
                .into_iter()
                .map(|(from, to, port, state)| Edge {
                    from: nodes[from % nodes.len()].key.clone(),
                    to: nodes[to % nodes.len()].key.clone(),
                    ports: vec![port],
                    state,
                    class: Class::App,
                })
                .collect();
            Graph::new(nodes, edges)
        })
}

fn random_graphs() -> Vec<(String, Graph)> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..RANDOM_GRAPHS)
        .map(|i| {
            let tree = random_graph()
                .new_tree(&mut runner)
                .expect("nothing is rejected");
            (format!("random graph {i}"), tree.current())
        })
        .collect()
}

/// A name as it is shown: what fools a reader is written out.
fn shown(text: &str) -> String {
    netseg::text::tame(text).into_owned()
}

/// What a box says: the name, and its badges.
fn titles(graph: &Graph) -> Vec<String> {
    let mut titles: Vec<String> = graph
        .nodes()
        .iter()
        .map(|node| match node.badges.as_slice() {
            [] => shown(&node.name),
            badges => shown(&format!("{} [{}]", node.name, badges.join(", "))),
        })
        .collect();
    titles.sort();
    titles
}

/// Samples in the legend: both half-open states share one.
fn samples(graph: &Graph) -> usize {
    let state = |edge: &Edge| match edge.state {
        State::HalfOpen(_) => State::HalfOpen(End::To),
        other => other,
    };
    let states: std::collections::BTreeSet<State> = graph.edges().iter().map(state).collect();
    states.len()
}

#[test]
fn graphviz_draws_every_box_and_every_arrow() {
    if !graphviz() {
        return;
    }
    for (name, graph) in demos().into_iter().chain(random_graphs()) {
        let text = dot(&graph, Some("a \"title\" & <more>\\N"));
        let svg = run(Command::new("dot").arg("-Tsvg"), &text);
        let options = roxmltree::ParsingOptions {
            allow_dtd: true,
            ..Default::default()
        };
        let page =
            roxmltree::Document::parse_with_options(&svg, options).expect("Graphviz writes XML");
        let of = |class: &str| {
            page.descendants()
                .filter(|n| n.attribute("class") == Some(class))
                .collect::<Vec<_>>()
        };
        let texts = |node: &roxmltree::Node<'_, '_>| -> String {
            let texts = node.children().filter(|n| n.has_tag_name("text"));
            texts.filter_map(|n| n.text()).collect()
        };
        let mut boxes: Vec<String> = of("node").iter().map(texts).collect();
        // The points of the legend carry no text.
        let points = boxes.iter().filter(|text| text.is_empty()).count();
        assert_eq!(points, 2 * samples(&graph), "{name}\n{text}");
        boxes.retain(|text| !text.is_empty());
        boxes.sort();
        // Graphviz shows blanks as blanks that do not break.
        let boxes: Vec<String> = boxes
            .iter()
            .map(|text| text.replace('\u{a0}', " "))
            .collect();
        let wanted: Vec<String> = titles(&graph)
            .iter()
            .map(|t| t.replace('\u{a0}', " "))
            .collect();
        assert_eq!(boxes, wanted, "{name}\n{text}");
        assert_eq!(
            of("edge").len(),
            graph.edges().len() + samples(&graph),
            "{name}"
        );
        let namespaces: std::collections::BTreeSet<&str> = graph
            .nodes()
            .iter()
            .filter_map(|n| n.namespace.as_deref())
            .collect();
        let legend = usize::from(!graph.edges().is_empty());
        assert_eq!(of("cluster").len(), namespaces.len() + legend, "{name}");
    }
}

#[test]
fn mermaid_reads_every_box_and_every_arrow() {
    if !npm() {
        return;
    }
    let graphs: Vec<(String, Graph)> = demos().into_iter().chain(random_graphs()).collect();
    let texts: Vec<String> = graphs
        .iter()
        .map(|(_, graph)| mermaid(graph, Some("a \"title\": & <more> --- #35;")))
        .collect();
    let input = serde_json::to_string(&texts).expect("strings");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/renderers");
    let answers = run(
        Command::new("node").arg("parse.mjs").current_dir(folder),
        &input,
    );
    let answers: Vec<serde_json::Value> = serde_json::from_str(&answers).expect("JSON");
    for (((name, graph), text), answer) in graphs.iter().zip(&texts).zip(&answers) {
        assert_eq!(answer["refused"], serde_json::Value::Null, "{name}\n{text}");
        let list = |of: &str| answer[of].as_array().cloned().unwrap_or_default();
        let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let mut boxes: Vec<String> = list("nodes")
            .iter()
            .filter(|node| word(&node[0]).starts_with('n'))
            .map(|node| word(&node[1]))
            .collect();
        boxes.sort();
        assert_eq!(boxes, titles(graph), "{name}\n{text}");
        let number = |key: &str| {
            graph
                .nodes()
                .iter()
                .position(|n| n.key == key)
                .expect("a node")
        };
        let mut wanted: Vec<(String, String, String, String)> = graph
            .edges()
            .iter()
            .map(|edge| {
                let (word, stroke) = match edge.state {
                    State::Plain => ("", "normal"),
                    State::Missing => (" (missing)", "dotted"),
                    State::Unexpected => (" (not expected)", "thick"),
                    State::Unknown => (" (unknown)", "dotted"),
                    State::HalfOpen(End::To) => {
                        (" (half-open: denied at the destination)", "dotted")
                    }
                    State::HalfOpen(End::From) => (" (half-open: denied at the source)", "dotted"),
                };
                (
                    format!("n{}", number(&edge.from)),
                    format!("n{}", number(&edge.to)),
                    shown(&format!("{}{word}", edge.ports.join(", "))),
                    stroke.to_owned(),
                )
            })
            .collect();
        wanted.sort();
        let mut arrows: Vec<(String, String, String, String)> = list("edges")
            .iter()
            .filter(|edge| word(&edge[0]).starts_with('n'))
            .map(|edge| {
                (
                    word(&edge[0]),
                    word(&edge[1]),
                    word(&edge[2]),
                    word(&edge[3]),
                )
            })
            .collect();
        arrows.sort();
        assert_eq!(arrows, wanted, "{name}\n{text}");
        assert_eq!(list("edges").len(), wanted.len() + samples(graph), "{name}");
        let mut groups: Vec<String> = list("groups").iter().map(|group| word(&group[0])).collect();
        groups.retain(|group| group != "legend");
        groups.sort();
        let mut namespaces: Vec<String> = graph
            .nodes()
            .iter()
            .filter_map(|n| n.namespace.as_deref())
            .map(shown)
            .collect();
        namespaces.sort();
        namespaces.dedup();
        assert_eq!(groups, namespaces, "{name}\n{text}");
    }
}
