//! Probes through a Service: each port at its endpoints and target ports (rule N62).

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use crate::engine::{Cause, Engine, Entity, Reason, Verdict};
use crate::model::{Backend, PortRange, Protocol, Service};
use crate::questions::ends::{End, PortQuery};

use super::{Answer, Pair, ProbeError, Try, Via, blank, default_protocol, entity_id, judge};

pub(super) fn through_service(
    engine: &Engine,
    from: &End,
    sources: &[Entity],
    to: &End,
    service: &Service,
    query: Option<&PortQuery>,
) -> Result<Answer, ProbeError> {
    let asked: Vec<(Protocol, u16)> = match query {
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
    };
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
    let mut tries = Vec::new();
    let mut endpoints = BTreeSet::new();
    let mut lost: Vec<(&Entity, Reason)> = Vec::new();
    for source in sources {
        match engine.expand_service(service, protocol, port, Some(source)) {
            Ok(expansion) => {
                answer.limits.extend(expansion.limits);
                for target in expansion.targets {
                    endpoints.insert((target.entity.clone(), target.port));
                    tries.push(Try {
                        hairpin: target.entity == *source && !service.headless,
                        from: source.clone(),
                        to: target.entity,
                        protocol,
                        port: target.port,
                    });
                }
            }
            Err(reason) => lost.push((source, reason)),
        }
    }
    let ports: BTreeSet<u16> = endpoints.iter().map(|(_, port)| *port).collect();
    answer.via = Some(Via {
        service: format!("{}/{}", service.namespace, service.name),
        port,
        target_port: if ports.len() == 1 {
            ports.first().copied()
        } else {
            None
        },
        endpoints: endpoints
            .iter()
            .map(|(entity, _)| match entity {
                // A template stands for all its replicas.
                Entity::Pod(id) => engine.pod(*id).count as usize,
                _ => 1,
            })
            .sum(),
    });
    match lost.first() {
        Some((_, reason)) if tries.is_empty() => {
            answer.reason = *reason;
            match reason {
                Reason::FqdnUnknown => alias(&mut answer, service),
                Reason::Unreadable => {
                    answer.verdict = Verdict::Unknown;
                    answer.conditions = vec![Cause::EndpointsUnreadable {
                        service: format!("{}/{}", service.namespace, service.name),
                    }];
                }
                _ => {}
            }
        }
        _ => {
            // Some clients may have an endpoint and some none.
            let lost: Vec<Pair> = lost
                .into_iter()
                .map(|(source, reason)| Pair {
                    from: entity_id(engine, source),
                    to: format!("{}/service/{}", service.namespace, service.name),
                    verdict: Verdict::Unreachable,
                    reason,
                })
                .collect();
            judge(engine, &mut answer, &tries, &lost);
        }
    }
    answer
}

/// Nothing can be said of a DNS alias before it is resolved (rule N75).
pub(super) fn alias(answer: &mut Answer, service: &Service) {
    answer.verdict = Verdict::Unknown;
    answer.reason = Reason::FqdnUnknown;
    answer.conditions = vec![Cause::AliasUnresolved {
        name: alias_of(service),
    }];
}

fn alias_of(service: &Service) -> String {
    match &service.backend {
        Backend::ExternalName(name) => name.clone(),
        _ => String::new(),
    }
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
