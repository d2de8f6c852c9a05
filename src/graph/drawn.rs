//! Which nodes and edges are drawn: from the connections of a cluster to the graph that is laid out.

use crate::engine::Engine;
use crate::expect::Plan;
use crate::expect::stance::Stance;
use crate::model::Direction;
use crate::questions::connections::{
    Connections, Point, Standing, Traffic, connections, in_scope, is_internet, point_id,
    told_ranges,
};
use crate::questions::scope::Scope;

use super::{Class, Edge, End, Graph, Node, NodeKind, State};

/// Makes the graph for the workloads in scope.
pub fn drawn(engine: &Engine, plan: Option<&Plan>, scope: &Scope) -> Graph {
    from_connections(&connections(engine, plan, scope), scope)
}

/// Makes the graph from connections already collected.
///
/// A workload that policies do not isolate carries a badge instead of an edge to everything. Workloads of namespaces that hold
/// no policy and take part in nothing are left out: they are not segmented, and the table lists them.
pub fn from_connections(found: &Connections, scope: &Scope) -> Graph {
    let mut nodes: Vec<Node> = Vec::new();
    let connected = |index: usize| {
        let me = Point::Workload(index);
        found.list.iter().any(|c| c.from == me || c.to == me)
    };
    let any_isolated = found
        .workloads
        .iter()
        .any(|d| d.egress == Stance::Closed || d.ingress == Stance::Closed);
    for (index, drawn) in found.workloads.iter().enumerate() {
        let system = drawn.namespace == "kube-system"
            && matches!(
                drawn.ingress,
                Stance::Open | Stance::Partly | Stance::NoSubject
            );
        if !in_scope(drawn, scope) && !connected(index)
            || (any_isolated && system && !connected(index) && scope.is_all())
        {
            continue;
        }
        let mut badges = Vec::new();
        for (stance, tolerated, word) in [
            (drawn.ingress, drawn.ingress_tolerated, "in"),
            (drawn.egress, drawn.egress_tolerated, "out"),
        ] {
            // Open where the environment says otherwise: the one thing no wire can show.
            let mark = if tolerated == Some(false) { "!" } else { "" };
            match stance {
                Stance::Open => badges.push(format!("open {word}{mark}")),
                // Cluster-wide rules deny some of what no NetworkPolicy closes.
                Stance::Partly => badges.push(format!("part {word}{mark}")),
                Stance::Unknown => badges.push(format!("? {word}")),
                Stance::Closed | Stance::NoSubject => {}
            }
        }
        if drawn.ingress == Stance::NoSubject {
            badges.push("host".to_owned());
        }
        nodes.push(Node {
            key: drawn.end.id.clone(),
            name: drawn.name.clone(),
            namespace: Some(drawn.namespace.clone()),
            kind: NodeKind::Workload,
            pods: u32::try_from(drawn.end.pods).unwrap_or(u32::MAX),
            badges,
        });
    }
    let mut edges = Vec::new();
    for connection in &found.list {
        for point in [&connection.from, &connection.to] {
            if let Some(node) = special(found, point)
                && !nodes.iter().any(|known| known.key == node.key)
            {
                nodes.push(node);
            }
        }
        edges.push(Edge {
            from: point_id(found, &connection.from),
            to: point_id(found, &connection.to),
            ports: port_labels(connection),
            state: match connection.standing {
                Standing::Open | Standing::AsExpected => State::Plain,
                Standing::Missing => State::Missing,
                Standing::Unexpected => State::Unexpected,
                Standing::Unknown => State::Unknown,
                Standing::HalfOpen(Direction::Egress) => State::HalfOpen(End::To),
                Standing::HalfOpen(Direction::Ingress) => State::HalfOpen(End::From),
            },
            class: match connection.traffic {
                Traffic::App => Class::App,
                Traffic::Dns => Class::Dns,
                Traffic::Scrape => Class::Scrape,
                Traffic::ControlPlane => Class::ControlPlane,
            },
        });
    }
    Graph::new(nodes, edges)
}

fn port_labels(connection: &crate::questions::connections::Connection) -> Vec<String> {
    if connection.ports.is_all() {
        return vec!["any".to_owned()];
    }
    let tcp_only = connection
        .ports
        .iter()
        .all(|(protocol, _)| protocol == crate::model::Protocol::Tcp);
    told_ranges(&connection.ports)
        .into_iter()
        .map(|(protocol, range)| {
            if tcp_only {
                range.to_string()
            } else {
                format!("{range}/{protocol}")
            }
        })
        .collect()
}

fn special(found: &Connections, point: &Point) -> Option<Node> {
    let (name, kind) = match point {
        Point::Workload(_) => return None,
        Point::Any => ("any".to_owned(), NodeKind::Any),
        Point::Cluster => ("every pod".to_owned(), NodeKind::Any),
        Point::Range(set) if is_internet(set) => ("internet".to_owned(), NodeKind::Internet),
        Point::Range(_) => (point_id(found, point), NodeKind::Range),
        Point::Dns => ("dns".to_owned(), NodeKind::Dns),
        Point::K8sApi => ("k8s-api".to_owned(), NodeKind::K8sApi),
    };
    Some(Node {
        key: point_id(found, point),
        name,
        namespace: None,
        kind,
        pods: 0,
        badges: Vec::new(),
    })
}
