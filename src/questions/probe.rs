//! May FROM open a connection to TO, on one port or on which ports, and exactly why or why not.

mod arrive;
mod expected;
mod judge;
mod rewrite;
mod service;
mod several;

use std::collections::BTreeSet;

use crate::engine::{Cause, Engine, Entity, Explanation, Front, Limit, Reason, Side, Verdict, Way};
use crate::model::{Direction, PortRange, PortSet, Protocol, Service, SourceRef};

use super::ends::{End, EndKind, PortQuery};

pub use expected::expect;
pub use judge::entity_id;
use several::several_ports;

/// The answer to a probe.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub from: End,
    pub to: End,
    pub protocol: Protocol,
    /// `None` when no single port was asked for; then `ports` says which are open.
    pub port: Option<u16>,
    pub verdict: Verdict,
    pub reason: Reason,
    /// Whether every pair of pods has the same verdict. If not the verdict is unknown and `pairs` says which differ.
    pub all_agree: bool,
    pub egress: Side,
    pub ingress: Side,
    /// The pods and the port the two sides above are about: the first pair that has the answer's verdict.
    pub shown: Option<Explanation>,
    pub conditions: Vec<Cause>,
    pub limits: Vec<Limit>,
    /// Every pair, when they do not agree; ends as they would be typed.
    pub pairs: Vec<Pair>,
    pub via: Option<Via>,
    /// The side whose rule names the other end, when the other end denies.
    pub half_open: Option<Direction>,
    /// What the environment in force expects of this connection, where it says anything.
    pub expected: Option<Expectation>,
    /// Without a single port: ranges that are open or unknown; what is missing is denied.
    pub ports: Vec<(Protocol, PortRange, Verdict)>,
    /// Towards DNS on 53 without a protocol: what TCP would get, UDP being the answer.
    pub over_tcp: Option<Verdict>,
    /// Services in front of TO that do have the port, when TO's pods declare no such port.
    pub ask_service: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    pub from: String,
    pub to: String,
    pub verdict: Verdict,
    pub reason: Reason,
}

/// What was written down about a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// `Allow` or `Deny`.
    pub verdict: Verdict,
    pub environment: String,
    pub sources: Vec<SourceRef>,
}

/// The Service a connection goes through, and the port before and after translation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// `namespace/name`
    pub service: String,
    /// By which of its addresses.
    pub way: Way,
    /// The Service's own port, which a node port stands for too.
    pub port: u16,
    /// The one port at every endpoint; `None` when they differ.
    pub target_port: Option<u16>,
    pub endpoints: usize,
}

/// Why a probe could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    #[error("{end} has no port named `{name}`")]
    UnknownPortName {
        end: String,
        name: String,
        known: Vec<String>,
    },
    #[error("{end} stands for no pod now")]
    NoPods { end: String },
}

impl ProbeError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::UnknownPortName { known, .. } if known.is_empty() => {
                "it declares no port names; use a number".to_owned()
            }
            Self::UnknownPortName { known, .. } => format!("it has: {}", known.join(", ")),
            Self::NoPods { .. } => {
                "it is scaled to nothing, or all its pods have finished; ask by label: ns/?app=name"
                    .to_owned()
            }
        }
    }
}

/// Asks. Both ends are always worked out, for every pair of pods.
pub fn probe(
    engine: &Engine,
    from: &End,
    to: &End,
    port: Option<&PortQuery>,
) -> Result<Answer, ProbeError> {
    for end in [from, to] {
        if matches!(end.kind, EndKind::NotLoaded { .. }) {
            return Ok(not_loaded(from, to, port));
        }
        if end.entities.is_empty() && !matches!(end.kind, EndKind::Service { .. }) {
            return Err(ProbeError::NoPods {
                end: end.name.clone(),
            });
        }
    }
    let sources = match sources(engine, from) {
        Ok(sources) => sources,
        Err(reason) => return Ok(service::nobody_asks(engine, from, to, port, reason)),
    };
    if let Some(service) = service_of(engine, to) {
        let service = engine.aliased(service).unwrap_or(service);
        return service::through_service(engine, from, &sources, to, service, port);
    }
    match port {
        Some(PortQuery::Number { protocol, port }) => {
            let protocol = default_protocol(to, *protocol, *port);
            Ok(arrive::single(engine, from, &sources, to, protocol, *port))
        }
        Some(PortQuery::Named { protocol, name }) => {
            let numbers = named(engine, to, *protocol, name)?;
            match numbers.as_slice() {
                [(protocol, port)] => {
                    Ok(arrive::single(engine, from, &sources, to, *protocol, *port))
                }
                several => {
                    let wanted = several
                        .iter()
                        .map(|(protocol, port)| PortSet::port(*protocol, *port));
                    let wanted = wanted.fold(PortSet::empty(), |all, one| all.union(&one));
                    Ok(several_ports(engine, from, &sources, to, &wanted, true))
                }
            }
        }
        Some(query @ (PortQuery::Range { .. } | PortQuery::Any { .. })) => {
            let wanted = several::wanted_ports(query);
            Ok(several_ports(engine, from, &sources, to, &wanted, true))
        }
        None => Ok(several_ports(
            engine,
            from,
            &sources,
            to,
            &PortSet::all(),
            false,
        )),
    }
}

fn service_of<'a>(engine: &'a Engine, end: &End) -> Option<&'a Service> {
    match &end.kind {
        EndKind::Service { namespace, name } => engine
            .cluster()
            .namespace(namespace)
            .and_then(|ns| ns.service(name)),
        _ => None,
    }
}

/// Connections *from* a Service come from the pods behind it; the error is why there are none.
fn sources(engine: &Engine, from: &End) -> Result<Vec<Entity>, Reason> {
    match service_of(engine, from) {
        Some(service) => engine.behind_service(engine.aliased(service).unwrap_or(service)),
        None => Ok(from.entities.clone()),
    }
}

fn default_protocol(to: &End, protocol: Option<Protocol>, port: u16) -> Protocol {
    protocol.unwrap_or(if to.id == "dns" && port == 53 {
        Protocol::Udp
    } else {
        Protocol::Tcp
    })
}

fn named(
    engine: &Engine,
    to: &End,
    protocol: Option<Protocol>,
    name: &str,
) -> Result<Vec<(Protocol, u16)>, ProbeError> {
    let mut found = BTreeSet::new();
    let mut known = BTreeSet::new();
    for entity in &to.entities {
        for (by, number, front) in engine.fronts(entity) {
            let Front::Service { port, .. } = front else {
                continue;
            };
            if !port.name.is_empty() {
                known.insert(port.name.clone());
            }
            if port.name == name && protocol.is_none_or(|wanted| wanted == by) {
                found.insert((by, number));
            }
        }
        if let Entity::Pod(id) = entity {
            for port in engine
                .pod(*id)
                .ports
                .iter()
                .filter(|port| !port.name.is_empty())
            {
                known.insert(port.name.clone());
                if port.name == name && protocol.is_none_or(|wanted| wanted == port.protocol) {
                    found.insert((port.protocol, port.port));
                }
            }
        }
    }
    if found.is_empty() {
        return Err(ProbeError::UnknownPortName {
            end: to.name.clone(),
            name: name.to_owned(),
            known: known.into_iter().collect(),
        });
    }
    Ok(found.into_iter().collect())
}

fn blank(from: &End, to: &End, protocol: Protocol, port: Option<u16>) -> Answer {
    Answer {
        from: from.clone(),
        to: to.clone(),
        protocol,
        port,
        verdict: Verdict::Unreachable,
        reason: Reason::NoEndpoints,
        all_agree: true,
        egress: Side::allow(Reason::NotIsolated),
        ingress: Side::allow(Reason::NotIsolated),
        shown: None,
        conditions: Vec::new(),
        limits: Vec::new(),
        pairs: Vec::new(),
        via: None,
        half_open: None,
        expected: None,
        ports: Vec::new(),
        over_tcp: None,
        ask_service: Vec::new(),
    }
}

fn not_loaded(from: &End, to: &End, port: Option<&PortQuery>) -> Answer {
    let (protocol, port) = match port {
        Some(PortQuery::Number { protocol, port }) => {
            (default_protocol(to, *protocol, *port), Some(*port))
        }
        _ => (Protocol::Tcp, None),
    };
    let unknown = Side {
        verdict: Verdict::Unknown,
        ..Side::allow(Reason::NotLoaded)
    };
    let mut answer = blank(from, to, protocol, port);
    answer.verdict = Verdict::Unknown;
    answer.reason = Reason::NotLoaded;
    for end in [from, to] {
        if let EndKind::NotLoaded { namespace } = &end.kind {
            answer.conditions.push(Cause::PoliciesUnreadable {
                namespace: namespace.clone(),
            });
        }
    }
    answer.egress = unknown.clone();
    answer.ingress = unknown;
    answer
}
