//! May FROM open a connection to TO, on one port or on which ports, and exactly why or why not.

mod service;

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use crate::engine::{Allowed, Cause, Engine, Entity, Explanation, Limit, Reason, Side, Verdict};
use crate::expect::Plan;
use crate::model::{Backend, Direction, PortRange, PortSet, Protocol, SourceRef};

use super::ends::{End, EndKind, PortQuery, ports_of};

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
    let sources = sources(engine, from);
    if sources.is_empty()
        && let Some((namespace, name)) = service_of(from)
        && let Some(service) = engine
            .cluster()
            .namespace(namespace)
            .and_then(|ns| ns.service(name))
        && matches!(service.backend, Backend::ExternalName(_))
    {
        let mut answer = not_loaded(from, to, port);
        service::alias(&mut answer, service);
        return Ok(answer);
    }
    if let Some((namespace, name)) = service_of(to) {
        let service = engine
            .cluster()
            .namespace(namespace)
            .and_then(|ns| ns.service(name));
        if let Some(service) = service {
            return service::through_service(engine, from, &sources, to, service, port);
        }
    }
    match port {
        Some(PortQuery::Number { protocol, port }) => {
            let protocol = default_protocol(to, *protocol, *port);
            Ok(single(engine, from, &sources, to, protocol, *port))
        }
        Some(PortQuery::Named { protocol, name }) => {
            let numbers = named(engine, to, *protocol, name)?;
            match numbers.as_slice() {
                [(protocol, port)] => Ok(single(engine, from, &sources, to, *protocol, *port)),
                several => {
                    let wanted = several
                        .iter()
                        .map(|(protocol, port)| PortSet::port(*protocol, *port));
                    let wanted = wanted.fold(PortSet::empty(), |all, one| all.union(&one));
                    Ok(several_ports(engine, from, &sources, to, &wanted, true))
                }
            }
        }
        Some(PortQuery::Range {
            protocol,
            first,
            last,
        }) => {
            let range = NonZeroU16::new(*first)
                .zip(NonZeroU16::new(*last))
                .and_then(|(a, b)| PortRange::new(a, b));
            let wanted = range.map_or_else(PortSet::empty, |range| {
                PortSet::range(protocol.unwrap_or_default(), range)
            });
            Ok(several_ports(engine, from, &sources, to, &wanted, true))
        }
        Some(PortQuery::Any { protocol }) => {
            let wanted = protocol.map_or_else(PortSet::all, |protocol| {
                PortSet::range(protocol, PortRange::ALL)
            });
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

fn service_of(end: &End) -> Option<(&str, &str)> {
    match &end.kind {
        EndKind::Service { namespace, name } => Some((namespace, name)),
        _ => None,
    }
}

/// Connections *from* a Service come from the pods behind it.
fn sources(engine: &Engine, from: &End) -> Vec<Entity> {
    let Some((namespace, name)) = service_of(from) else {
        return from.entities.clone();
    };
    let Some(service) = engine
        .cluster()
        .namespace(namespace)
        .and_then(|ns| ns.service(name))
    else {
        return Vec::new();
    };
    let mut all = BTreeSet::new();
    for (protocol, port) in engine.service_ports(service) {
        if let Ok(expansion) = engine.expand_service(service, protocol, port, None) {
            all.extend(expansion.targets.into_iter().map(|target| target.entity));
        }
    }
    all.into_iter().collect()
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

/// One thing to try: an entity at each end and the port at the destination.
struct Try {
    from: Entity,
    to: Entity,
    protocol: Protocol,
    port: u16,
    /// Through a Service back to itself: the specification does not say (rule N48).
    hairpin: bool,
}

fn single(
    engine: &Engine,
    from: &End,
    sources: &[Entity],
    to: &End,
    protocol: Protocol,
    port: u16,
) -> Answer {
    let mut answer = blank(from, to, protocol, Some(port));
    let tries = cross(engine, sources, &to.entities, protocol, port);
    judge(engine, &mut answer, &tries, &[]);
    if to.id == "dns" && port == 53 && protocol == Protocol::Udp {
        let mut other = blank(from, to, Protocol::Tcp, Some(port));
        judge(
            engine,
            &mut other,
            &cross(engine, sources, &to.entities, Protocol::Tcp, port),
            &[],
        );
        answer.over_tcp = Some(other.verdict);
    }
    answer.ask_service = service::services_with_port(engine, to, protocol, port);
    answer
}

/// Whether a pair is a pod with itself, and not what is asked about: an end stands for several, and this is one of both.
fn is_aside(engine: &Engine, from: &[Entity], to: &[Entity], a: &Entity, b: &Entity) -> bool {
    (from.len() > 1 || to.len() > 1) && engine.is_self(a, b)
}

/// Every pair, but for a pod with itself where an end stands for several.
fn cross(
    engine: &Engine,
    from: &[Entity],
    to: &[Entity],
    protocol: Protocol,
    port: u16,
) -> Vec<Try> {
    let mut tries = Vec::new();
    for a in from {
        for b in to {
            if is_aside(engine, from, to, a, b) {
                continue;
            }
            tries.push(Try {
                from: a.clone(),
                to: b.clone(),
                protocol,
                port,
                hairpin: false,
            });
        }
    }
    tries
}

/// Judges every try and merges: alike is that verdict, else unknown (rule E6). `lost` are clients that nothing could be tried
/// for, so that with them pairs always differ.
fn judge(engine: &Engine, answer: &mut Answer, tries: &[Try], lost: &[Pair]) {
    let mut verdicts: Vec<(Verdict, Reason)> = Vec::with_capacity(tries.len());
    let mut first: Option<(Verdict, Explanation)> = None;
    let mut first_obstacle: Option<(Verdict, Explanation)> = None;
    let mut limits = BTreeSet::new();
    let mut causes = BTreeSet::new();
    // An outside range has pieces of both families; only those that can meet are asked about.
    let meets = |one: &Try| engine.unreachable(&one.from, &one.to) != Some(Reason::NoCommonFamily);
    let some_meet = tries.iter().any(meets);
    let tries: Vec<&Try> = tries
        .iter()
        .filter(|one| !some_meet || meets(one))
        .collect();
    for one in &tries {
        let mut why = engine.explain(&one.from, &one.to, one.protocol, one.port);
        if one.hairpin {
            why.verdict = Verdict::Unknown;
            why.reason = Reason::HairpinUndefined;
        }
        verdicts.push((why.verdict, why.reason));
        limits.extend(why.limits.iter().cloned());
        causes.extend(why.conditions.iter().cloned());
        if why.verdict != Verdict::Allow && first_obstacle.is_none() {
            first_obstacle = Some((why.verdict, why.clone()));
        }
        if first.is_none() {
            first = Some((why.verdict, why));
        }
    }
    let Some(verdict) = first.as_ref().map(|(verdict, _)| *verdict) else {
        return;
    };
    let agree = lost.is_empty() && verdicts.iter().all(|(other, _)| *other == verdict);
    // Where pairs differ the obstacle is what a reader is after.
    let (verdict, shown) = match (agree, first, first_obstacle) {
        (true, Some(first), _) => first,
        (false, _, Some((_, obstacle))) => (Verdict::Unknown, obstacle),
        (false, Some((_, first)), None) => (Verdict::Unknown, first),
        (_, None, _) => return,
    };
    answer.verdict = verdict;
    answer.reason = if agree {
        shown.reason
    } else {
        Reason::PairsDiffer
    };
    answer.all_agree = agree;
    answer.half_open = half_open(&shown.egress, &shown.ingress);
    answer.egress = shown.egress.clone();
    answer.ingress = shown.ingress.clone();
    answer.shown = Some(shown);
    answer.limits.extend(limits);
    answer.limits.sort();
    answer.limits.dedup();
    answer.conditions = if verdict == Verdict::Unknown {
        causes.into_iter().collect()
    } else {
        Vec::new()
    };
    if !agree {
        let pairs = tries
            .iter()
            .zip(&verdicts)
            .map(|(one, (verdict, reason))| Pair {
                from: entity_id(engine, &one.from),
                to: entity_id(engine, &one.to),
                verdict: *verdict,
                reason: *reason,
            });
        answer.pairs = pairs.chain(lost.iter().cloned()).collect();
        answer.pairs.sort();
        answer.pairs.dedup();
    }
}

/// One side names the other end in a rule, and the other side denies.
fn half_open(egress: &Side, ingress: &Side) -> Option<Direction> {
    // A rule open to everyone names nobody.
    let opens = |side: &Side| {
        side.verdict == Verdict::Allow && side.decided_by.iter().any(|rule| rule.item.is_some())
    };
    if opens(egress) && ingress.verdict == Verdict::Deny {
        Some(Direction::Egress)
    } else if opens(ingress) && egress.verdict == Verdict::Deny {
        Some(Direction::Ingress)
    } else {
        None
    }
}

/// How an entity would be typed.
pub fn entity_id(engine: &Engine, entity: &Entity) -> String {
    match entity {
        Entity::Pod(id) => format!(
            "{}/pod/{}",
            engine.namespace_of(*id).name,
            engine.pod(*id).name
        ),
        Entity::Node(id) => format!("node/{}", engine.node(*id).name),
        Entity::Address(address) | Entity::PodAt(_, address) | Entity::NodeAt(_, address) => {
            address.to_string()
        }
        Entity::Hypothetical(pod) => format!("{}/?{}", pod.namespace, pod.labels),
    }
}

/// No single port: which are open. With `wanted` spelled out (`any`, a range) all of them have to be.
fn several_ports(
    engine: &Engine,
    from: &End,
    sources: &[Entity],
    to: &End,
    wanted: &PortSet,
    all: bool,
) -> Answer {
    let mut allowed: Option<Allowed> = None;
    let mut unreachable: Option<Reason> = None;
    for a in sources {
        for b in &to.entities {
            if is_aside(engine, sources, &to.entities, a, b) {
                continue;
            }
            if let Some(reason) = engine.unreachable(a, b) {
                unreachable = Some(reason);
                continue;
            }
            let one = engine.allowed(a, b);
            allowed = Some(match allowed {
                None => one,
                Some(before) => before.merge(&one),
            });
        }
    }
    let allowed = allowed.unwrap_or_else(Allowed::nothing);
    let sure = allowed.sure.intersection(wanted);
    let possible = allowed.possible.intersection(wanted);
    // One port carries the explanation: an open one, else one that pods declare, else the first.
    let declared = ports_of(engine, to)
        .into_iter()
        .find_map(|text| match super::ends::parse_port(&text) {
            Ok(PortQuery::Number { protocol, port }) => Some((protocol.unwrap_or_default(), port)),
            _ => None,
        });
    let pick = |set: &PortSet| {
        set.iter()
            .next()
            .map(|(protocol, range)| (protocol, range.first()))
    };
    let example = if all && !wanted.is_subset(&sure) {
        pick(&wanted.difference(&sure))
    } else {
        pick(&sure)
            .or_else(|| pick(&possible))
            .or(declared)
            .or_else(|| pick(wanted))
    };
    let (protocol, port) = example.unwrap_or((Protocol::Tcp, 1));
    let mut answer = blank(from, to, protocol, None);
    judge(
        engine,
        &mut answer,
        &cross(engine, sources, &to.entities, protocol, port),
        &[],
    );
    let open = if all {
        wanted.is_subset(&sure)
    } else {
        !sure.is_empty()
    };
    if unreachable.is_some() && possible.is_empty() {
        // Kept as judged.
    } else if open {
        answer.verdict = Verdict::Allow;
    } else if possible.is_empty() {
        answer.verdict = Verdict::Deny;
    } else {
        if sure.is_empty() || answer.verdict == Verdict::Unknown {
            answer.all_agree = answer.pairs.is_empty();
        } else {
            // Some of the ports asked for are open, others are not.
            answer.reason = Reason::PairsDiffer;
            answer.all_agree = false;
        }
        answer.verdict = Verdict::Unknown;
    }
    answer.ports.extend(
        sure.iter()
            .map(|(protocol, range)| (protocol, range, Verdict::Allow)),
    );
    answer.ports.extend(
        possible
            .difference(&sure)
            .iter()
            .map(|(protocol, range)| (protocol, range, Verdict::Unknown)),
    );
    answer.ports.sort();
    answer
}

/// Says beside an answer what an environment expects of that connection; nothing when it merely tolerates it.
pub fn expect(plan: &Plan, answer: &mut Answer) {
    let (Some(shown), Some(_)) = (&answer.shown, answer.port) else {
        return;
    };
    let expected = plan.expects(&shown.from, &shown.to);
    let verdict = if expected.must.contains(shown.protocol, shown.port) {
        Verdict::Allow
    } else if expected.may.contains(shown.protocol, shown.port) {
        return;
    } else {
        Verdict::Deny
    };
    let mut sources: Vec<SourceRef> = plan
        .musts()
        .iter()
        .filter(|must| {
            must.ports.contains(shown.protocol, shown.port)
                && plan.covers(&must.from, &shown.from, &shown.to)
                && plan.covers(&must.to, &shown.to, &shown.from)
        })
        .flat_map(|must| must.sources.iter().cloned())
        .collect();
    sources.sort();
    sources.dedup();
    answer.expected = Some(Expectation {
        verdict,
        environment: plan.environment().to_owned(),
        sources: if verdict == Verdict::Allow {
            sources
        } else {
            Vec::new()
        },
    });
}
