//! Probes through a Service: each port at its endpoints and target ports (rule N62).

use std::collections::BTreeSet;
use std::num::NonZeroU16;
use std::sync::Arc;

use crate::engine::{
    Cause, Engine, Entity, Explanation, Hypothetical, Limit, Reason, Verdict,
};
use crate::model::{Backend, PortRange, PortSet, Protocol, Service};
use crate::questions::ends::{End, PortQuery};

use super::arrive::{Arrival, Gathered, settle, split};
use super::judge::Try;
use super::several::{several_ports, wanted_ports};
use super::{Answer, ProbeError, blank, default_protocol, service_of};

pub(super) fn through_service(
    engine: &Engine,
    from: &End,
    sources: &[Entity],
    to: &End,
    service: &Service,
    query: Option<&PortQuery>,
) -> Result<Answer, ProbeError> {
    // A headless Service without ports is a name for its pods: each of their ports can be tried.
    if service.headless
        && service.ports.is_empty()
        && let None | Some(PortQuery::Range { .. } | PortQuery::Any { .. }) = query
        && let Ok(found) = engine.expand_service(service, Protocol::Tcp, 1, None)
    {
        let pods = End {
            entities: found
                .targets
                .into_iter()
                .map(|target| target.entity)
                .collect(),
            ..to.clone()
        };
        let wanted = query.map_or_else(PortSet::all, wanted_ports);
        return Ok(several_ports(
            engine,
            from,
            sources,
            &pods,
            &wanted,
            query.is_some(),
        ));
    }
    let asked = asked_ports(engine, to, service, query)?;
    if let [(protocol, port)] = asked.as_slice() {
        let mut answer = one_service_port(engine, from, sources, to, service, (*protocol, *port));
        if matches!(
            query,
            Some(PortQuery::Number {
                protocol: None,
                port: 53
            })
        ) && to.id == "dns"
        {
            answer.over_tcp = Some(
                one_service_port(engine, from, sources, to, service, (Protocol::Tcp, 53)).verdict,
            );
        }
        if !matches!(
            query,
            Some(PortQuery::Number { .. } | PortQuery::Named { .. })
        ) {
            list_port(&mut answer, *protocol, *port);
        }
        return Ok(answer);
    }
    let answers: Vec<Answer> = asked
        .iter()
        .map(|port| one_service_port(engine, from, sources, to, service, *port))
        .collect();
    let best = if query.is_none() {
        // On which ports: any open one will do.
        answers
            .iter()
            .position(|a| a.verdict == Verdict::Allow)
            .or_else(|| answers.iter().position(|a| a.verdict == Verdict::Unknown))
    } else {
        answers.iter().position(|a| a.verdict != Verdict::Allow)
    };
    let Some(mut answer) = answers.get(best.unwrap_or(0)).cloned() else {
        let mut none = blank(from, to, Protocol::Tcp, None);
        none.reason = Reason::NoServicePort;
        return Ok(none);
    };
    if query.is_some() && answers.iter().any(|other| other.verdict != answer.verdict) {
        answer.verdict = Verdict::Unknown;
        answer.reason = Reason::PairsDiffer;
        answer.all_agree = false;
    }
    answer.port = None;
    answer.ports.clear();
    for (one, (protocol, port)) in answers.iter().zip(&asked) {
        let verdict = one.verdict;
        if matches!(verdict, Verdict::Allow | Verdict::Unknown)
            && let Some(number) = NonZeroU16::new(*port)
        {
            answer
                .ports
                .push((*protocol, PortRange::single(number), verdict));
        }
    }
    answer.ports.sort();
    Ok(answer)
}

/// The ports of a Service that a query means.
fn asked_ports(
    engine: &Engine,
    to: &End,
    service: &Service,
    query: Option<&PortQuery>,
) -> Result<Vec<(Protocol, u16)>, ProbeError> {
    Ok(match query {
        Some(PortQuery::Number { protocol, port }) => {
            vec![(default_protocol(to, *protocol, *port), *port)]
        }
        Some(PortQuery::Named { protocol, name }) => {
            let found: Vec<_> = service
                .ports
                .iter()
                .filter(|p| p.name == *name && protocol.is_none_or(|wanted| wanted == p.protocol))
                .map(|p| (p.protocol, p.port))
                .collect();
            if found.is_empty() {
                let known = service
                    .ports
                    .iter()
                    .filter(|p| !p.name.is_empty())
                    .map(|p| p.name.clone())
                    .collect();
                return Err(ProbeError::UnknownPortName {
                    end: to.name.clone(),
                    name: name.clone(),
                    known,
                });
            }
            found
        }
        Some(PortQuery::Range {
            protocol,
            first,
            last,
        }) => engine
            .service_ports(service)
            .filter(|(p, port)| {
                protocol.unwrap_or_default() == *p && (*first..=*last).contains(port)
            })
            .collect(),
        Some(PortQuery::Any { protocol }) => engine
            .service_ports(service)
            .filter(|(p, _)| protocol.is_none_or(|wanted| wanted == *p))
            .collect(),
        None => engine.service_ports(service).collect(),
    })
}

fn list_port(answer: &mut Answer, protocol: Protocol, port: u16) {
    if let Some(number) = NonZeroU16::new(port)
        && matches!(answer.verdict, Verdict::Allow | Verdict::Unknown)
    {
        answer.ports = vec![(protocol, PortRange::single(number), answer.verdict)];
    }
    answer.port = None;
}

fn one_service_port(
    engine: &Engine,
    from: &End,
    sources: &[Entity],
    to: &End,
    service: &Service,
    (protocol, port): (Protocol, u16),
) -> Answer {
    let mut answer = blank(from, to, protocol, Some(port));
    let mut gathered = Gathered::default();
    for source in sources {
        let mut arrival = Arrival::by_name(engine, service, source, protocol, port);
        // Asked by one address of several, only its family counts.
        arrival.asked = to.entities.first().map(|at| (at.clone(), port));
        for source in split(engine, from, source, &arrival) {
            arrival.arrive(engine, &source, &mut gathered);
        }
    }
    if to.id == "dns"
        && let Some(cache) = engine.node_local_dns()
    {
        gathered.limits.insert(Limit::NodeLocalDns { cache });
    }
    settle(engine, &mut answer, gathered);
    answer
}

/// What a pod gets that reaches itself through a Service.
///
/// Cluster-wide policy governs it like any other pair (rule A27). For NetworkPolicy it is left open (rule N48): enforcers let it
/// through always, or judge it like any other pair, so it is certain only where that allows it too.
pub(super) fn hairpin(engine: &Engine, one: &Try) -> Explanation {
    let itself = engine.explain(&one.from, &one.to, one.protocol, one.port);
    let Some(id) = one.to.pod().filter(|id| !engine.pod(*id).host_network) else {
        return itself;
    };
    if itself.verdict == Verdict::Unreachable {
        return itself;
    }
    // A pod that is like it in all that policy reads, but is not it.
    let twin = Entity::Hypothetical(Arc::new(Hypothetical {
        namespace: engine.namespace_of(id).name.clone(),
        labels: engine.pod(id).labels.clone(),
        ports: engine.pod(id).ports.clone(),
    }));
    let mut why = engine.explain(&twin, &one.to, one.protocol, one.port);
    why.from = one.from.clone();
    let is_wide = [&why.egress, &why.ingress].iter().any(|side| {
        side.verdict == Verdict::Deny
            && matches!(side.reason, Reason::TierDeny | Reason::FailClosedPeer)
    });
    if why.verdict == Verdict::Allow || is_wide {
        return why;
    }
    for side in [&mut why.egress, &mut why.ingress] {
        if side.verdict != Verdict::Allow {
            side.verdict = Verdict::Unknown;
            side.reason = Reason::HairpinUndefined;
        }
    }
    why.verdict = Verdict::Unknown;
    why.reason = Reason::HairpinUndefined;
    why.conditions = vec![Cause::Hairpin];
    why
}

/// The answer where nobody can be found who would ask: FROM is a Service with nothing behind it.
pub(super) fn nobody_asks(
    engine: &Engine,
    from: &End,
    to: &End,
    port: Option<&PortQuery>,
    reason: Reason,
) -> Answer {
    let (protocol, port) = match port {
        Some(PortQuery::Number { protocol, port }) => {
            (default_protocol(to, *protocol, *port), Some(*port))
        }
        _ => (Protocol::Tcp, None),
    };
    let mut answer = blank(from, to, protocol, port);
    answer.reason = reason;
    if let Some(service) = service_of(engine, from)
        && reason != Reason::NoEndpoints
    {
        unknown(&mut answer, service, reason);
    }
    answer
}

/// Nothing can be said of a DNS alias before it is resolved (rule N75), nor of endpoints that could not be read.
pub(super) fn unknown(answer: &mut Answer, service: &Service, reason: Reason) {
    answer.verdict = Verdict::Unknown;
    answer.reason = reason;
    answer.conditions = vec![match &service.backend {
        Backend::ExternalName(name) => Cause::AliasUnresolved { name: name.clone() },
        _ => Cause::EndpointsUnreadable {
            service: service.label(),
        },
    }];
}

/// Services that select pods of an end and offer a port its pods do not declare: likely what was meant.
pub(super) fn services_with_port(
    engine: &Engine,
    to: &End,
    protocol: Protocol,
    port: u16,
) -> Vec<String> {
    let pods: Vec<_> = to
        .entities
        .iter()
        .filter_map(|entity| match entity {
            Entity::Pod(id) => Some(*id),
            _ => None,
        })
        .collect();
    let declared = |id: &crate::engine::PodId| {
        engine
            .pod(*id)
            .ports
            .iter()
            .any(|p| p.protocol == protocol && p.port == port)
    };
    if pods.is_empty()
        || pods.iter().any(declared)
        || pods.iter().all(|id| engine.pod(*id).ports.is_empty())
    {
        return Vec::new();
    }
    let mut found = BTreeSet::new();
    for id in &pods {
        for service in &engine.namespace_of(*id).services {
            if service.headless
                || !service
                    .ports
                    .iter()
                    .any(|p| p.protocol == protocol && p.port == port)
            {
                continue;
            }
            if let Ok(expansion) = engine.expand_service(service, protocol, port, None)
                && expansion
                    .targets
                    .iter()
                    .any(|target| target.entity == Entity::Pod(*id) && target.port != port)
            {
                found.insert(format!("{}/svc/{}", service.namespace, service.name));
            }
        }
    }
    found.into_iter().collect()
}
