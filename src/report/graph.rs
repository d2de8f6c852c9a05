//! The segmentation graph in forms other programs draw, and as JSON.

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

fn label(edge: &Edge) -> String {
    let ports = edge.ports.join(", ");
    match word(edge.state) {
        "" => ports,
        word => format!("{ports} ({word})"),
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
    let mut groups: std::collections::BTreeMap<Option<&str>, Vec<&Node>> =
        std::collections::BTreeMap::new();
    for node in graph.nodes() {
        groups
            .entry(node.namespace.as_deref())
            .or_default()
            .push(node);
    }
    groups.into_iter().collect()
}

/// Graphviz. Namespaces are clusters; states differ by line style as well as by colour.
pub fn dot(graph: &Graph) -> String {
    let quote = |text: &str| {
        format!(
            "\"{}\"",
            tame(text).replace('\\', "\\\\").replace('"', "\\\"")
        )
    };
    let mut out = String::from(
        "digraph segmentation {\n  rankdir=LR;\n  node [shape=box, fontname=\"monospace\"];\n  edge [fontname=\"monospace\"];\n",
    );
    for (index, (namespace, nodes)) in by_namespace(graph).into_iter().enumerate() {
        let indent = if namespace.is_some() { "    " } else { "  " };
        if let Some(name) = namespace {
            out += &format!(
                "  subgraph cluster_{index} {{\n    label={};\n",
                quote(name)
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
                quote(&node.key),
                quote(&title(node))
            );
        }
        if namespace.is_some() {
            out += "  }\n";
        }
    }
    for edge in graph.edges() {
        let style = match edge.state {
            State::Plain => "color=\"#0072B2\"",
            State::Missing => "color=\"#B38F00\", style=dashed",
            State::Unexpected => "color=\"#B23A00\", style=bold",
            State::Unknown => "color=\"#5F6368\", style=dotted",
            State::HalfOpen(_) => "color=\"#9AA0A6\", style=dashed, arrowhead=tee",
        };
        out += &format!(
            "  {} -> {} [label={}, {style}];\n",
            quote(&edge.from),
            quote(&edge.to),
            quote(&label(edge))
        );
    }
    out += "}\n";
    out
}

/// Mermaid flowchart, for Markdown pages.
pub fn mermaid(graph: &Graph) -> String {
    // Mermaid reads entities in quoted text; a quote or a bracket would end it.
    let quote = |text: &str| {
        let escaped = tame(text)
            .replace('#', "#35;")
            .replace('"', "#quot;")
            .replace('<', "#lt;")
            .replace('>', "#gt;");
        format!("\"{escaped}\"")
    };
    let number = |key: &str| {
        graph
            .nodes()
            .iter()
            .position(|node| node.key == key)
            .unwrap_or_default()
    };
    let mut out = String::from("flowchart LR\n");
    for (index, (namespace, nodes)) in by_namespace(graph).into_iter().enumerate() {
        let indent = if namespace.is_some() { "    " } else { "  " };
        if let Some(name) = namespace {
            out += &format!("  subgraph ns{index}[{}]\n", quote(name));
        }
        for node in nodes {
            let text = quote(&title(node));
            let shape = if node.kind == NodeKind::Workload {
                format!("[{text}]")
            } else {
                format!("[[{text}]]")
            };
            out += &format!("{indent}n{}{shape}\n", number(&node.key));
        }
        if namespace.is_some() {
            out += "  end\n";
        }
    }
    for edge in graph.edges() {
        let arrow = match edge.state {
            State::Plain => "-->",
            State::Unexpected => "==>",
            State::Missing | State::Unknown => "-.->",
            State::HalfOpen(_) => "-.-x",
        };
        out += &format!(
            "  n{} {arrow}|{}| n{}\n",
            number(&edge.from),
            quote(&label(edge)),
            number(&edge.to)
        );
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
        let dot = dot(&graph());
        assert!(
            dot.contains("    \"s/deployment/a\\\"b\" [label=\"a\\\"b\"];"),
            "{dot}"
        );
        assert!(dot.contains("  \"any\" -> \"s/deployment/c\" [label=\"80 (not expected)\", color=\"#B23A00\", style=bold];"), "{dot}");
    }

    #[test]
    fn mermaid_numbers_nodes_and_escapes_text() {
        let text = mermaid(&graph());
        assert!(text.contains("    n1[\"a#quot;b\"]\n"), "{text}");
        assert!(text.contains("  n1 -->|\"81, 82\"| n2\n"), "{text}");
        assert!(
            text.contains("  n0 ==>|\"80 (not expected)\"| n2\n"),
            "{text}"
        );
    }
}
