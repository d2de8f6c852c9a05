//! The flows of one workload: what rules name, what is open to everyone, and what only one side opens.

use std::sync::Arc;

use crate::engine::{Engine, Entity, Explanation, Groups, Hypothetical, Isolation, Verdict};
use crate::model::{Direction, Labels, PortSet, Protocol, Workload};
use crate::questions::ends::{self, End};
use crate::questions::flows::half_open_ports;
use crate::questions::scope::workloads;
use crate::text::tame;
use crate::tui::view::{Flow, Flows, Question};

/// Incoming first, then by verdict, peer and port.
pub(super) fn of(engine: &Engine, workload: &Workload) -> Flows {
    let own = ends::workload_end(engine, workload);
    let mut rows = Vec::new();
    for direction in [Direction::Ingress, Direction::Egress] {
        let mut found = Vec::new();
        found.extend(open_to_strangers(engine, &own, direction));
        let mut groups = Groups::new(engine);
        let subject = groups.group(own.entities.iter().cloned());
        for other in workloads(engine) {
            let peer = ends::workload_end(engine, other);
            let group = groups.group(peer.entities.iter().cloned());
            let allowed = match direction {
                Direction::Ingress => groups.allowed(&group, &subject),
                Direction::Egress => groups.allowed(&subject, &group),
            };
            let named = named(engine, &own, &peer, direction);
            for (verdict, ports) in [(Verdict::Allow, allowed.sure.intersection(&named)), (Verdict::Unknown, allowed.unknown().intersection(&named))] {
                if !ports.is_empty() {
                    found.push(flow(engine, &own, &peer, direction, verdict, &ports));
                }
            }
            let (from, to) = ends_of(&own, &peer, direction);
            for (_, ports) in half_open_ports(engine, from, to) {
                found.push(flow(engine, &own, &peer, direction, Verdict::Deny, &ports));
            }
        }
        found.sort_by(|a, b| (a.verdict, &a.peer, &a.port).cmp(&(b.verdict, &b.peer, &b.port)));
        found.dedup();
        rows.extend(found);
    }
    Flows {
        id: own.id,
        name: tame(&own.name).into_owned(),
        rows,
    }
}

fn ends_of<'a>(own: &'a End, peer: &'a End, direction: Direction) -> (&'a End, &'a End) {
    match direction {
        Direction::Ingress => (peer, own),
        Direction::Egress => (own, peer),
    }
}

/// The ports on which a rule at either end names the other.
fn named(engine: &Engine, own: &End, peer: &End, direction: Direction) -> PortSet {
    let back = match direction {
        Direction::Ingress => Direction::Egress,
        Direction::Egress => Direction::Ingress,
    };
    let mut ports = PortSet::empty();
    for a in &own.entities {
        for b in &peer.entities {
            ports = ports.union(&engine.named(direction, a, b)).union(&engine.named(back, b, a));
        }
    }
    ports
}

/// What the workload's own side lets through whoever it is: anyone, any pod, or the internet.
fn open_to_strangers(engine: &Engine, own: &End, direction: Direction) -> Vec<Flow> {
    let Some(subject) = own.entities.first() else {
        return Vec::new();
    };
    let blank = |peer: &str, port: String, decided_by: String| {
        let peer_end = peer.to_owned();
        let question = match direction {
            Direction::Ingress => Question { from: "internet".to_owned(), to: own.id.clone(), port: asked(&port) },
            Direction::Egress => Question { from: own.id.clone(), to: "internet".to_owned(), port: asked(&port) },
        };
        Flow {
            incoming: direction == Direction::Ingress,
            peer: peer_end.clone(),
            peer_id: peer_end,
            port,
            verdict: Verdict::Allow,
            sign: None,
            decided_by,
            question,
        }
    };
    if engine.isolation(direction, subject) == Isolation::Open {
        return vec![blank("any", "any".to_owned(), "no policy isolates it; the other end decides".to_owned())];
    }
    let stranger = Entity::Hypothetical(Arc::new(Hypothetical {
        namespace: String::new(),
        labels: Labels::default(),
        ports: Vec::new(),
    }));
    let pods = engine.side(direction, subject, &stranger).sure;
    let outside = ends::resolve(engine, "internet").ok();
    let outside = outside.and_then(|end| {
        end.entities.iter().map(|entity| engine.side(direction, subject, entity).sure).reduce(|a, b| a.intersection(&b))
    });
    let outside = outside.unwrap_or_else(PortSet::empty);
    let both = pods.intersection(&outside);
    let mut found = Vec::new();
    for (peer, ports) in [("any", both.clone()), ("any pod", pods.difference(&both)), ("internet", outside.difference(&both))] {
        if !ports.is_empty() {
            found.push(blank(peer, ports_text(&ports), String::new()));
        }
    }
    found
}

fn flow(engine: &Engine, own: &End, peer: &End, direction: Direction, verdict: Verdict, ports: &PortSet) -> Flow {
    let (from, to) = ends_of(own, peer, direction);
    let port = ports_text(ports);
    let decided_by = ports
        .iter()
        .next()
        .and_then(|(protocol, range)| decided_by(engine, from, to, protocol, range.first(), verdict))
        .unwrap_or_default();
    Flow {
        incoming: direction == Direction::Ingress,
        peer: tame(&peer.name).into_owned(),
        peer_id: peer.id.clone(),
        verdict,
        sign: None,
        decided_by,
        question: Question {
            from: from.name.clone(),
            to: to.name.clone(),
            port: asked(&port),
        },
        port,
    }
}

/// The policy of the last gate: whose rule allows, or that isolates.
fn decided_by(engine: &Engine, from: &End, to: &End, protocol: Protocol, port: u16, verdict: Verdict) -> Option<String> {
    let explained: Vec<Explanation> = from
        .entities
        .iter()
        .flat_map(|a| to.entities.iter().map(move |b| (a, b)))
        .filter(|(a, b)| a != b)
        .take(64)
        .map(|(a, b)| engine.explain(a, b, protocol, port))
        .collect();
    let shown = explained.iter().find(|one| one.verdict == verdict).or(explained.first())?;
    let sides = [&shown.ingress, &shown.egress];
    let side = sides.iter().find(|side| side.verdict == verdict && !(side.decided_by.is_empty() && side.isolated_by.is_empty()))?;
    let id = match verdict {
        Verdict::Allow => side.decided_by.first().map(|rule| rule.policy),
        _ => side.isolated_by.first().copied(),
    }?;
    let policy = engine.policy(id);
    Some(format!("{}/{}", tame(&policy.namespace), tame(&policy.name)))
}

fn ports_text(ports: &PortSet) -> String {
    if ports.is_all() { "any".to_owned() } else { ports.to_string() }
}

/// The first port of a text, as it would be typed.
fn asked(port: &str) -> String {
    if port == "any" {
        return String::new();
    }
    let first = port.split([',', ' ']).next().unwrap_or_default();
    let (number, protocol) = first.split_once('/').map_or((first, ""), |(number, protocol)| (number, protocol));
    let number = number.split('-').next().unwrap_or_default();
    if protocol.is_empty() { number.to_owned() } else { format!("{number}/{}", protocol.to_lowercase()) }
}
