//! Ends written as addresses: one, a network, ranges.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::engine::{Engine, Entity};
use crate::model::{AddressSet, IpRange};

use super::{End, EndKind, node_end, pod_end, service_end};

pub(super) fn parse_addresses(typed: &str) -> Option<AddressSet> {
    let mut ranges = Vec::new();
    for part in typed.split(',') {
        let part = part.trim();
        if let Ok(address) = part.parse::<IpAddr>() {
            ranges.push(IpRange::single(address));
        } else if let Ok(net) = part.parse::<IpNet>() {
            ranges.push(IpRange::from(net.trunc()));
        } else {
            let (first, last) = part.split_once('-')?;
            ranges.push(IpRange::new(
                first.trim().parse().ok()?,
                last.trim().parse().ok()?,
            )?);
        }
    }
    Some(ranges.into_iter().collect())
}

/// Digits and dots, or colons, at the start: no object has such a name and no namespace either.
pub(super) fn is_meant_as_address(typed: &str) -> bool {
    let first = typed.split(['/', '-', ',']).next().unwrap_or_default();
    let dotted = first.contains('.') && first.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let with_colons = first.contains("::")
        && first
            .bytes()
            .all(|b| b.is_ascii_hexdigit() || b == b':' || b == b'.');
    dotted || with_colons
}

pub(super) fn address_end(engine: &Engine, typed: &str, set: AddressSet) -> End {
    let single = set
        .iter()
        .next()
        .filter(|range| range.first() == range.last() && set.iter().count() == 1);
    if let Some(range) = single {
        let address = range.first();
        if let Some(service) = engine.service_at(address) {
            let id = format!("{}/service/{}", service.namespace, service.name);
            let mut end = service_end(&id, typed, service);
            if service.cluster_ips.len() > 1 {
                // Of a Service in both families it is this one.
                end.entities = vec![Entity::Address(address)];
            }
            return end;
        }
        return match engine.entity_at(address) {
            Entity::Pod(id) => End {
                name: format!("{typed} ({})", engine.pod(id).name),
                ..pod_end(engine, id)
            },
            Entity::Node(id) => node_end(engine, id),
            entity @ Entity::PodAt(id, _) => End {
                id: typed.to_owned(),
                name: format!("{typed} ({})", engine.pod(id).name),
                entities: vec![entity],
                ..pod_end(engine, id)
            },
            entity @ Entity::NodeAt(id, _) => End {
                id: typed.to_owned(),
                name: format!("{typed} (node/{})", engine.node(id).name),
                entities: vec![entity],
                ..node_end(engine, id)
            },
            entity => End {
                id: typed.to_owned(),
                name: match engine.service_outside(address) {
                    Some(service) => {
                        format!("{typed} ({}/svc/{})", service.namespace, service.name)
                    }
                    None => typed.to_owned(),
                },
                kind: EndKind::Addresses(set),
                entities: vec![entity],
                pods: 0,
            },
        };
    }
    addresses(engine, typed, typed, set)
}

/// An outside range as an end: one address of each piece that policies can tell apart stands for all of it.
pub fn addresses(engine: &Engine, id: &str, name: &str, set: AddressSet) -> End {
    let pieces = engine.outside();
    let entities = pieces
        .iter()
        .filter_map(|piece| piece.intersection(&set).first())
        .map(Entity::Address)
        .collect();
    End {
        id: id.to_owned(),
        name: name.to_owned(),
        kind: EndKind::Addresses(set),
        entities,
        pods: 0,
    }
}
