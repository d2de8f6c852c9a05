//! Which nodes and edges are drawn: from the connections of a cluster to the graph that is laid out.

use crate::engine::Engine;
use crate::expect::Plan;
use crate::expect::stance::Stance;
use crate::model::Direction;
use crate::questions::connections::{
    Connections, Drawn, Point, Standing, Traffic, connections, in_scope, is_internet, point_id,
    point_name, told_ranges,
};
use crate::questions::scope::Scope;

use super::{Class, Edge, End, Graph, Node, NodeKind, State};

/// Makes the graph for the workloads in scope.
pub fn drawn(engine: &Engine, plan: Option<&Plan>, scope: &Scope) -> Graph {
    from_connections(&connections(engine, plan, scope), scope)
}

/// Makes the graph from connections already collected.
///
/// A workload that policies do not isolate carries a badge instead of an edge to everything. Workloads of the system that nothing
/// isolates and nobody speaks of are left out; [`remarks`] says how many.
pub fn from_connections(found: &Connections, scope: &Scope) -> Graph {
    let mut nodes: Vec<Node> = Vec::new();
    let shown = shown(found, scope);
    for (drawn, _) in found
        .workloads
        .iter()
        .zip(&shown)
        .filter(|(_, is_shown)| **is_shown)
    {
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
            // Those of one key become one.
            nodes.extend(special(found, point));
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

/// Which workloads get a box, in their order.
fn shown(found: &Connections, scope: &Scope) -> Vec<bool> {
    let mut connected = vec![false; found.workloads.len()];
    for connection in &found.list {
        for point in [&connection.from, &connection.to] {
            if let Point::Workload(index) = point {
                connected[*index] = true;
            }
        }
    }
    let is_isolated = |d: &Drawn| d.egress == Stance::Closed || d.ingress == Stance::Closed;
    let any_isolated = found.workloads.iter().any(is_isolated);
    let is_listed = |d: &Drawn| d.egress_tolerated.is_some() || d.ingress_tolerated.is_some();
    let is_system = |d: &Drawn| {
        d.namespace == "kube-system"
            && matches!(d.ingress, Stance::Open | Stance::Partly | Stance::NoSubject)
    };
    let each = found.workloads.iter().zip(connected);
    each.map(|(drawn, is_connected)| {
        let is_left_out = any_isolated && scope.is_all() && is_system(drawn) && !is_listed(drawn);
        is_connected || (in_scope(drawn, scope) && !is_left_out)
    })
    .collect()
}

/// What the picture of these connections does not show by itself, a sentence each: that there is nothing to draw, that nothing is
/// isolated, how many workloads have no box.
pub fn remarks(engine: &Engine, found: &Connections, scope: &Scope) -> Vec<String> {
    let names: Vec<&str> = scope.names().collect();
    let inside: Vec<&Drawn> = found
        .workloads
        .iter()
        .filter(|drawn| in_scope(drawn, scope))
        .collect();
    if inside.is_empty() {
        return vec![match names.as_slice() {
            [] => "no workload is loaded: there is nothing to draw".to_owned(),
            [name] => format!("namespace {name} has no workload: there is nothing to draw"),
            several => format!(
                "namespaces {} have no workload: there is nothing to draw",
                several.join(", ")
            ),
        }];
    }
    let mut said = Vec::new();
    let is_open = |stance| matches!(stance, Stance::Open | Stance::NoSubject);
    if inside
        .iter()
        .all(|d| is_open(d.ingress) && is_open(d.egress))
    {
        said.push(if engine.policies().len() == 0 {
            "no policy is loaded: nothing is isolated, everything is open".to_owned()
        } else if names.is_empty() {
            "no policy isolates a workload: everything is open".to_owned()
        } else {
            format!(
                "no policy isolates a workload of {}: everything is open there",
                names.join(", ")
            )
        });
    }
    let left_out = shown(found, scope).iter().filter(|is| !**is).count();
    match left_out {
        0 => {}
        1 => said.push("1 workload of kube-system that nothing isolates is not drawn".to_owned()),
        many => said.push(format!(
            "{many} workloads of kube-system that nothing isolates are not drawn"
        )),
    }
    said
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
        Point::Range(_) => (point_name(found, point, ""), NodeKind::Range),
        Point::Dns => ("dns".to_owned(), NodeKind::Dns),
        Point::K8sApi => ("k8s-api".to_owned(), NodeKind::K8sApi),
        Point::Node(name) => (name.clone(), NodeKind::ClusterNode),
        Point::EveryNode(_) => ("nodes".to_owned(), NodeKind::ClusterNode),
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
