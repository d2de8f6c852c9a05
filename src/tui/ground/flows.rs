//! The flows of one workload, from the connections that table and graph are made of.

use crate::engine::{Engine, Verdict};
use crate::model::{Direction, PortSet};
use crate::questions::connections::{
    Connection, Connections, Point, Standing, point_id, point_name, told_ranges,
};
use crate::questions::ends;
use crate::questions::probe::probe;
use crate::report::words;
use crate::text::tame;
use crate::tui::view::{Flow, Flows, Question, Sign};

/// Incoming first, then by verdict, peer and port; `None` when there is no such workload.
pub(super) fn of(engine: &Engine, found: &Connections, id: &str, judged: bool) -> Option<Flows> {
    let own = found
        .workloads
        .iter()
        .position(|drawn| drawn.end.id == id)?;
    let me = Point::Workload(own);
    let mut rows = Vec::new();
    for direction in [Direction::Ingress, Direction::Egress] {
        let mut half: Vec<Flow> = found
            .list
            .iter()
            .filter(|connection| match direction {
                Direction::Ingress => connection.to == me,
                Direction::Egress => connection.from == me,
            })
            .map(|connection| flow(engine, found, connection, direction, judged))
            .collect();
        half.sort_by(|a, b| (a.verdict, &a.peer, &a.port).cmp(&(b.verdict, &b.peer, &b.port)));
        rows.extend(half);
    }
    let drawn = &found.workloads[own];
    Some(Flows {
        id: id.to_owned(),
        name: tame(&drawn.end.name).into_owned(),
        rows,
    })
}

fn flow(
    engine: &Engine,
    found: &Connections,
    connection: &Connection,
    direction: Direction,
    judged: bool,
) -> Flow {
    let peer = match direction {
        Direction::Ingress => &connection.from,
        Direction::Egress => &connection.to,
    };
    let (verdict, sign) = match connection.standing {
        Standing::Open => (Verdict::Allow, Sign::None),
        Standing::AsExpected => (Verdict::Allow, Sign::Expected),
        Standing::Unexpected => (Verdict::Allow, Sign::Unexpected),
        Standing::Missing => (Verdict::Deny, Sign::Missing),
        Standing::HalfOpen(_) => (Verdict::Deny, Sign::None),
        Standing::Unknown => (Verdict::Unknown, Sign::Unknown),
    };
    let question = question(found, connection);
    let name = match peer {
        Point::Workload(index) => found.workloads[*index].end.name.clone(),
        other => point_name(found, other, ""),
    };
    Flow {
        incoming: direction == Direction::Ingress,
        peer: tame(&name).into_owned(),
        peer_id: point_id(found, peer),
        port: ports_text(&connection.ports),
        verdict,
        sign: judged.then_some(sign),
        decided_by: decided_by(engine, &question, verdict).unwrap_or_default(),
        question,
    }
}

/// How the first port of a connection is asked about.
pub(super) fn question(found: &Connections, connection: &Connection) -> Question {
    let typed = |point: &Point| match point {
        Point::Workload(index) => found.workloads[*index].end.name.clone(),
        // Whoever it is open to, the internet is among them.
        Point::Any => "internet".to_owned(),
        Point::Cluster => match (&connection.from, &connection.to) {
            (Point::Workload(index), _) | (_, Point::Workload(index)) => {
                format!("{}/*", found.workloads[*index].namespace)
            }
            _ => "internet".to_owned(),
        },
        // One of them, as an example.
        Point::EveryNode(name) => format!("node/{name}"),
        other => point_id(found, other),
    };
    let port = if connection.ports.is_all() {
        String::new()
    } else {
        let first = told_ranges(&connection.ports).into_iter().next();
        first
            .map(|(protocol, range)| format!("{range}/{}", protocol.as_str().to_lowercase()))
            .unwrap_or_default()
    };
    Question {
        from: typed(&connection.from),
        to: typed(&connection.to),
        port,
    }
}

/// The policy of the last gate: whose rule allows, or that isolates.
pub(super) fn decided_by(engine: &Engine, question: &Question, verdict: Verdict) -> Option<String> {
    let from = ends::resolve(engine, &question.from).ok()?;
    let to = ends::resolve(engine, &question.to).ok()?;
    let port = if question.port.is_empty() {
        None
    } else {
        Some(ends::parse_port(&question.port).ok()?)
    };
    let answer = probe(engine, &from, &to, port.as_ref()).ok()?;
    let id = [&answer.ingress, &answer.egress]
        .into_iter()
        .find_map(|side| match verdict {
            Verdict::Allow => side.decided_by.first().map(|rule| rule.policy),
            _ if side.verdict == Verdict::Allow => None,
            // A rule that decides a denial is one of a cluster-wide policy: it comes before what isolates.
            Verdict::Deny if side.verdict == Verdict::Deny => side
                .decided_by
                .first()
                .map(|rule| rule.policy)
                .or(side.isolated_by.first().copied()),
            _ => side.isolated_by.first().copied(),
        })?;
    Some(words::policy_short(engine.policy(id)))
}

/// `9092,9093/TCP 53/UDP`, or `any`.
pub(super) fn ports_text(ports: &PortSet) -> String {
    if ports.is_all() {
        return "any".to_owned();
    }
    let told = told_ranges(ports);
    let same_protocol = told.chunk_by(|a, b| a.0 == b.0);
    let groups: Vec<String> = same_protocol
        .map(|group| {
            let ranges: Vec<String> = group.iter().map(|(_, range)| range.to_string()).collect();
            format!("{}/{}", ranges.join(","), group[0].0)
        })
        .collect();
    groups.join(" ")
}
