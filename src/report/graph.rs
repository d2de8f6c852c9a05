//! The segmentation graph in forms other programs draw, and as JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::graph::{Edge, End, Graph, Node, NodeKind, State};
use crate::questions::connections::{Connections, Standing, point_id};
use crate::text::tame;

use super::json::{Context, PortJson, envelope, ports_json};

#[derive(Serialize)]
struct GraphJson<'a> {
    nodes: Vec<NodeJson<'a>>,
    edges: Vec<EdgeJson>,
}

#[derive(Serialize)]
struct NodeJson<'a> {
    id: &'a str,
    kind: &'static str,
    pods: u32,
    badges: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EdgeJson {
    from: String,
    to: String,
    ports: Vec<PortJson>,
    state: Option<&'static str>,
    /// The side whose rule names the other end, which denies: nothing gets through.
    #[serde(skip_serializing_if = "Option::is_none")]
    half_open: Option<&'static str>,
}

/// Every class of traffic is in it; a picture may hide some.
pub fn json(graph: &Graph, connections: &Connections, context: Context<'_>) -> String {
    let nodes = graph
        .nodes()
        .iter()
        .map(|node| NodeJson {
            id: &node.key,
            kind: kind(node.kind),
            pods: node.pods,
            badges: &node.badges,
        })
        .collect();
    let edges = connections
        .list
        .iter()
        .map(|connection| EdgeJson {
            from: point_id(connections, &connection.from),
            to: point_id(connections, &connection.to),
            ports: ports_json(&connection.ports),
            state: match connection.standing {
                Standing::Open | Standing::HalfOpen(_) => None,
                Standing::AsExpected => Some("expected"),
                Standing::Missing => Some("missing"),
                Standing::Unexpected => Some("unexpected"),
                Standing::Unknown => Some("unknown"),
            },
            half_open: match connection.standing {
                Standing::HalfOpen(open) => Some(open.as_str()),
                _ => None,
            },
        })
        .collect();
    envelope("Graph", GraphJson { nodes, edges }, context.diagnostics)
}

fn kind(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Workload => "workload",
        NodeKind::Any => "any",
        NodeKind::Internet => "internet",
        NodeKind::Range => "range",
        NodeKind::Dns => "dns",
        NodeKind::K8sApi => "k8s-api",
        NodeKind::ClusterNode => "node",
        NodeKind::Namespace => "namespace",
    }
}

/// What a state is called beside a wire; nothing for what is plain.
fn word(state: State) -> &'static str {
    match state {
        State::Plain => "",
        State::Missing => "missing",
        State::Unexpected => "not expected",
        State::Unknown => "unknown",
        State::HalfOpen(End::To) => "half-open: denied at the destination",
        State::HalfOpen(End::From) => "half-open: denied at the source",
    }
}

/// What a state is called in the legend; both half-open ones are one.
fn meaning(state: State) -> &'static str {
    match state {
        State::Plain => "allowed",
        State::Missing => "missing: not allowed",
        State::Unexpected => "not expected, but allowed",
        State::Unknown => "unknown",
        State::HalfOpen(_) => "half-open: one end denies",
    }
}

/// The states that occur and look unlike each other, routine first.
fn states(graph: &Graph) -> Vec<State> {
    let all = [
        State::Plain,
        State::Unexpected,
        State::Missing,
        State::Unknown,
        State::HalfOpen(End::To),
    ];
    let occurs = |state: &State| {
        let edges = graph.edges().iter();
        edges
            .map(|edge| edge.state)
            .any(|s| meaning(s) == meaning(*state))
    };
    all.into_iter().filter(occurs).collect()
}

fn label(edge: &Edge) -> String {
    let ports = edge.ports.join(", ");
    match (ports.as_str(), word(edge.state)) {
        (_, "") => ports,
        ("", word) => word.to_owned(),
        (_, word) => format!("{ports} ({word})"),
    }
}

fn title(node: &Node) -> String {
    if node.badges.is_empty() {
        node.name.clone()
    } else {
        format!("{} [{}]", node.name, node.badges.join(", "))
    }
}

/// Nodes by namespace, those outside first; each list in key order.
fn by_namespace(graph: &Graph) -> Vec<(Option<&str>, Vec<&Node>)> {
    let mut groups: BTreeMap<Option<&str>, Vec<&Node>> = BTreeMap::new();
    for node in graph.nodes() {
        groups
            .entry(node.namespace.as_deref())
            .or_default()
            .push(node);
    }
    groups.into_iter().collect()
}

/// A string of dot's that names something.
fn dot_name(text: &str) -> String {
    // Before a quote a backslash would be read; anywhere else it stands for itself, so doubling keeps names apart.
    let escaped = tame(text).replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

/// A string of dot's that is shown: entities are read in it, and backslashes.
fn dot_text(text: &str) -> String {
    dot_name(&text.replace('&', "&amp;"))
}

fn dot_style(state: State) -> &'static str {
    match state {
        State::Plain => "color=\"#0072B2\"",
        State::Missing => "color=\"#7B2D8E\", fontcolor=\"#7B2D8E\", style=dashed",
        State::Unexpected => "color=\"#B23A00\", fontcolor=\"#B23A00\", penwidth=2.5",
        State::Unknown => "color=\"#5F6368\", fontcolor=\"#5F6368\", style=dotted",
        State::HalfOpen(End::To) => {
            "color=\"#6E7781\", fontcolor=\"#57606A\", style=dashed, penwidth=0.75, arrowhead=tee"
        }
        State::HalfOpen(End::From) => {
            "color=\"#6E7781\", fontcolor=\"#57606A\", style=dashed, penwidth=0.75, dir=both, arrowtail=tee"
        }
    }
}

/// Graphviz. Namespaces are clusters; states differ by line style and by word as well as by colour.
pub fn dot(graph: &Graph, heading: Option<&str>) -> String {
    let mut out = String::from(
        "digraph segmentation {
  rankdir=LR;
  graph [fontname=\"monospace\", fontsize=12, ranksep=0.9, nodesep=0.3];
  node [shape=box, style=\"rounded,filled\", color=\"#6E7781\", fillcolor=\"#FFFFFF\", fontname=\"monospace\", fontsize=12];
  edge [fontname=\"monospace\", fontsize=10];
",
    );
    if let Some(heading) = heading {
        out += &format!("  label={}; labelloc=t;\n", dot_text(heading));
    }
    for (index, (namespace, nodes)) in by_namespace(graph).into_iter().enumerate() {
        let indent = if namespace.is_some() { "    " } else { "  " };
        if let Some(name) = namespace {
            out += &format!(
                "  subgraph cluster_{index} {{\n    label={}; style=\"rounded,filled\"; color=\"#C3CAD2\"; fillcolor=\"#F3F5F8\";\n",
                dot_text(name)
            );
        }
        for node in nodes {
            let shape = if node.kind == NodeKind::Workload {
                ""
            } else {
                ", peripheries=2"
            };
            out += &format!(
                "{indent}{} [label={}{shape}];\n",
                dot_name(&node.key),
                dot_text(&title(node))
            );
        }
        if namespace.is_some() {
            out += "  }\n";
        }
    }
    for edge in graph.edges() {
        out += &format!(
            "  {} -> {} [label={}, {}];\n",
            dot_name(&edge.from),
            dot_name(&edge.to),
            dot_text(&label(edge)),
            dot_style(edge.state)
        );
    }
    let states = states(graph);
    if !states.is_empty() {
        out += "  subgraph cluster_legend {\n    label=\"legend\"; style=rounded; color=\"#C3CAD2\";\n    node [shape=point, width=0.05, label=\"\"];\n";
        for (index, state) in states.into_iter().enumerate() {
            // No key of a node begins with a blank.
            out += &format!(
                "    \" from{index}\" -> \" to{index}\" [label=\"{}\", {}];\n",
                meaning(state),
                dot_style(state)
            );
        }
        out += "  }\n";
    }
    out += "}\n";
    out
}

/// Text that Mermaid shows as it is: whatever could be Mermaid, Markdown or HTML is written as an entity.
fn mermaid_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in tame(text).chars() {
        let stands_for_itself =
            c.is_alphanumeric() || matches!(c, ' ' | '-' | '.' | '/' | ':' | ',' | '(' | ')' | '…');
        if stands_for_itself {
            quoted.push(c);
        } else {
            quoted += &format!("#{};", u32::from(c));
        }
    }
    quoted + "\""
}

fn mermaid_style(state: State) -> Option<&'static str> {
    match state {
        State::Plain => None,
        State::Missing => Some("stroke:#7B2D8E,color:#7B2D8E,stroke-dasharray:7 4"),
        State::Unexpected => Some("stroke:#B23A00,color:#B23A00,stroke-width:4px"),
        State::Unknown => Some("stroke:#5F6368,color:#5F6368,stroke-dasharray:1 4"),
        State::HalfOpen(_) => {
            Some("stroke:#6E7781,color:#57606A,stroke-width:1px,stroke-dasharray:3 3")
        }
    }
}

fn mermaid_arrow(state: State) -> &'static str {
    match state {
        State::Plain => "-->",
        State::Unexpected => "==>",
        State::Missing | State::Unknown => "-.->",
        State::HalfOpen(_) => "-.-x",
    }
}

/// Mermaid flowchart, for Markdown pages. Nodes are numbered: their names are no identifiers.
pub fn mermaid(graph: &Graph, heading: Option<&str>) -> String {
    let numbers: BTreeMap<&str, usize> = graph
        .nodes()
        .iter()
        .enumerate()
        .map(|(number, node)| (node.key.as_str(), number))
        .collect();
    let number = |key: &str| numbers.get(key).copied().unwrap_or_default();
    let mut out = String::new();
    if let Some(heading) = heading {
        // JSON's strings are YAML's.
        let quoted = serde_json::Value::from(tame(heading)).to_string();
        out += &format!("---\ntitle: {quoted}\n---\n");
    }
    out += "flowchart LR\n";
    let mut outside: Vec<String> = Vec::new();
    for (index, (namespace, nodes)) in by_namespace(graph).into_iter().enumerate() {
        let indent = if namespace.is_some() { "    " } else { "  " };
        if let Some(name) = namespace {
            out += &format!(
                "  subgraph ns{index}[{}]\n    direction LR\n",
                mermaid_text(name)
            );
        }
        for node in nodes {
            let (id, text) = (number(&node.key), mermaid_text(&title(node)));
            if node.kind == NodeKind::Workload {
                out += &format!("{indent}n{id}[{text}]\n");
            } else {
                out += &format!("{indent}n{id}[[{text}]]\n");
                outside.push(format!("n{id}"));
            }
        }
        if namespace.is_some() {
            out += "  end\n";
        }
    }
    let mut styles: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut drawn = 0;
    let mut link = |from: &str, state: State, text: &str, to: &str| {
        if let Some(style) = mermaid_style(state) {
            styles.entry(style).or_default().push(drawn.to_string());
        }
        drawn += 1;
        let label = if text.is_empty() {
            String::new()
        } else {
            format!("|{}|", mermaid_text(text))
        };
        format!("{from} {}{label} {to}\n", mermaid_arrow(state))
    };
    for edge in graph.edges() {
        let (from, to) = (number(&edge.from), number(&edge.to));
        out += "  ";
        out += &link(
            &format!("n{from}"),
            edge.state,
            &label(edge),
            &format!("n{to}"),
        );
    }
    let states = states(graph);
    if !states.is_empty() {
        // One below the other: a wide legend would lie under the wires.
        out += "  subgraph legend[\"legend\"]\n    direction TB\n";
        for (index, state) in states.into_iter().enumerate() {
            let (from, to) = (
                format!("l{index}((\" \"))"),
                format!("l{}((\" \"))", index + 1),
            );
            out += "    ";
            out += &link(&from, state, meaning(state), &to);
        }
        out += "  end\n";
    }
    for (style, links) in styles {
        out += &format!("  linkStyle {} {style}\n", links.join(","));
    }
    if !outside.is_empty() {
        out += "  classDef outside stroke-width:2px\n";
        out += &format!("  class {} outside\n", outside.join(","));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Class;

    fn graph() -> Graph {
        let node = |key: &str, namespace: Option<&str>, kind| Node {
            key: key.into(),
            name: key.rsplit('/').next().unwrap().into(),
            namespace: namespace.map(Into::into),
            kind,
            pods: 1,
            badges: Vec::new(),
        };
        Graph::new(
            vec![
                node("s/deployment/a\"b", Some("s"), NodeKind::Workload),
                node("s/deployment/c", Some("s"), NodeKind::Workload),
                node("any", None, NodeKind::Any),
            ],
            vec![
                Edge {
                    from: "any".into(),
                    to: "s/deployment/c".into(),
                    ports: vec!["80".into()],
                    state: State::Unexpected,
                    class: Class::App,
                },
                Edge {
                    from: "s/deployment/a\"b".into(),
                    to: "s/deployment/c".into(),
                    ports: vec!["81".into(), "82".into()],
                    state: State::Plain,
                    class: Class::App,
                },
            ],
        )
    }

    #[test]
    fn dot_quotes_what_would_end_a_string() {
        let dot = dot(&graph(), None);
        assert!(
            dot.contains("    \"s/deployment/a\\\"b\" [label=\"a\\\"b\"];"),
            "{dot}"
        );
        assert!(dot.contains("  \"any\" -> \"s/deployment/c\" [label=\"80 (not expected)\", color=\"#B23A00\", fontcolor=\"#B23A00\", penwidth=2.5];"), "{dot}");
    }

    #[test]
    fn mermaid_numbers_nodes_and_escapes_text() {
        let text = mermaid(&graph(), None);
        assert!(text.contains("    n1[\"a#34;b\"]\n"), "{text}");
        assert!(text.contains("  n1 -->|\"81, 82\"| n2\n"), "{text}");
        assert!(
            text.contains("  n0 ==>|\"80 (not expected)\"| n2\n"),
            "{text}"
        );
        // The first edge, and its sample in the legend behind both.
        assert!(text.contains("  linkStyle 0,3 stroke:#B23A00,"), "{text}");
    }

    #[test]
    fn both_have_a_legend_of_the_states_that_occur() {
        for text in [dot(&graph(), None), mermaid(&graph(), None)] {
            assert!(text.contains("not expected, but allowed"), "{text}");
            assert!(!text.contains("unknown"), "{text}");
        }
        let empty = Graph::default();
        assert!(!dot(&empty, None).contains("legend"));
        assert!(!mermaid(&empty, None).contains("legend"));
    }

    #[test]
    fn a_heading_is_quoted_in_the_way_of_each() {
        let heading = "a \"b\" & c: \n<d>";
        assert!(
            dot(&graph(), Some(heading))
                .contains("label=\"a \\\"b\\\" &amp; c: \\\\u{a}<d>\"; labelloc=t;")
        );
        assert!(
            mermaid(&graph(), Some(heading))
                .starts_with("---\ntitle: \"a \\\"b\\\" & c: \\\\u{a}<d>\"\n---\nflowchart LR\n")
        );
    }
}
