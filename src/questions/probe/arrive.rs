//! How connections come to the endpoints behind an address: by the Service's own address, a node port, a load balancer, an
//! external IP or a host port, and what each of these does to the addresses that policy sees.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::engine::{Engine, Entity, Front, Limit, Reason, Target, Verdict, Way};
use crate::model::{AddressSet, Family, Protocol, Service};
use crate::questions::ends::{End, EndKind};

use super::judge::{Try, entity_id, is_aside, judge};
use super::rewrite::{Destination, Rewriting, Sources};
use super::{Answer, Pair, Via, blank, service};

/// One way to one port of a Service.
pub(super) struct Arrival<'a> {
    pub(super) service: &'a Service,
    pub(super) protocol: Protocol,
    /// The Service's own port.
    pub(super) port: u16,
    pub(super) way: Way,
    /// The node or address that was asked for in place of the Service, and its port.
    pub(super) asked: Option<(Entity, u16)>,
}

/// All that was found to try for a question.
#[derive(Default)]
pub(super) struct Gathered<'a> {
    pub(super) tries: Vec<Try>,
    /// Clients that nothing can be tried for.
    pub(super) lost: Vec<Pair>,
    pub(super) limits: BTreeSet<Limit>,
    /// By Service, way and its own port: the endpoints, each with its port.
    pub(super) endpoints: BTreeMap<(String, Way, u16), BTreeSet<(Entity, u16)>>,
    /// The Services asked, by the same name: for what they would be if they had endpoints.
    pub(super) services: Vec<(&'a Service, Protocol, u16)>,
    /// The clients asked.
    pub(super) sources: BTreeSet<Entity>,
}

/// One port, where no Service was named: of pods, of nodes, of addresses.
pub(super) fn single(
    engine: &Engine,
    from: &End,
    sources: &[Entity],
    to: &End,
    protocol: Protocol,
    port: u16,
) -> Answer {
    let mut one = blank(from, to, protocol, Some(port));
    answer(engine, &mut one, sources, protocol, port);
    if to.id == "dns" && port == 53 && protocol == Protocol::Udp {
        let mut other = blank(from, to, Protocol::Tcp, Some(port));
        answer(engine, &mut other, sources, Protocol::Tcp, port);
        one.over_tcp = Some(other.verdict);
    }
    if one.via.is_none() {
        one.ask_service = service::services_with_port(engine, to, protocol, port);
    }
    one
}

/// Fills in an answer about one port.
pub(super) fn answer(
    engine: &Engine,
    answer: &mut Answer,
    sources: &[Entity],
    protocol: Protocol,
    port: u16,
) {
    let gathered = gather(engine, &answer.from, sources, &answer.to, protocol, port);
    settle(engine, answer, gathered);
}

/// Every pair, but for a pod with itself where an end stands for several; what a node or a Service's address answers with at
/// that port is tried in its place.
fn gather<'a>(
    engine: &'a Engine,
    from: &End,
    sources: &[Entity],
    to: &End,
    protocol: Protocol,
    port: u16,
) -> Gathered<'a> {
    let mut gathered = Gathered::default();
    let mut fronts: BTreeMap<Entity, Option<Front<'a>>> = BTreeMap::new();
    for b in &to.entities {
        for a in sources {
            if is_aside(engine, sources, &to.entities, a, b) {
                continue;
            }
            let at = as_seen_from(engine, a, b);
            let front = *fronts.entry(at.clone()).or_insert_with(|| {
                let all = engine.fronts(&at).into_iter();
                all.filter(|(by, number, _)| (*by, *number) == (protocol, port))
                    .map(|(_, _, front)| front)
                    .find(|_| !to.is_range())
            });
            match front {
                // Nothing but its Services answers at an address that no machine has.
                None if !to.is_range() && is_front_only(engine, &at) => gathered.lost.push(Pair {
                    from: entity_id(engine, a),
                    to: entity_id(engine, &at),
                    verdict: Verdict::Unreachable,
                    reason: Reason::NoServicePort,
                }),
                None => {
                    gathered.sources.insert(a.clone());
                    gathered.tries.push(Try::plain(a, &at, protocol, port));
                }
                Some(Front::HostPort { pod, port: host }) => {
                    gathered.sources.insert(a.clone());
                    let behind = Entity::Pod(pod);
                    gathered.limits.insert(Limit::HostPort {
                        pod: format!("{}/{}", engine.namespace_of(pod).name, engine.pod(pod).name),
                        port,
                        target: host.target,
                    });
                    let rewriting = Rewriting {
                        sources: Sources::Client,
                        destination: destination(engine, a, &at, port),
                    };
                    let target = Target {
                        entity: behind,
                        protocol,
                        port: host.target,
                    };
                    for target in in_family(engine, vec![target], &at) {
                        gathered.tries.push(Try {
                            rewriting: Some(rewriting.clone()),
                            ..Try::plain(a, &target.entity, protocol, target.port)
                        });
                    }
                }
                Some(Front::Service {
                    service,
                    port: own,
                    way,
                }) => {
                    let arrival = Arrival {
                        service,
                        protocol,
                        port: own.port,
                        way,
                        asked: Some((at, port)),
                    };
                    for a in split(engine, from, a, &arrival) {
                        arrival.arrive(engine, &a, &mut gathered);
                    }
                }
            }
        }
    }
    gathered
}

/// The sources of a client as the load balancer tells them apart: a range of addresses may lie partly within those it serves.
pub(super) fn split(
    engine: &Engine,
    from: &End,
    source: &Entity,
    arrival: &Arrival<'_>,
) -> Vec<Entity> {
    let (Some(served), EndKind::Addresses(all), Entity::Address(address)) =
        (arrival.served(), &from.kind, source)
    else {
        return vec![source.clone()];
    };
    let own: AddressSet = engine
        .outside()
        .iter()
        .find(|piece| piece.contains(*address))
        .map_or_else(AddressSet::empty, |piece| piece.intersection(all));
    let parts = [own.intersection(served), own.difference(served)];
    let found: Vec<Entity> = parts
        .iter()
        .filter_map(AddressSet::first)
        .map(Entity::Address)
        .collect();
    if found.is_empty() {
        vec![source.clone()]
    } else {
        found
    }
}

/// Loopback and node-local addresses are the client's own, or its node's (rules N53, N54).
pub(super) fn as_seen_from(engine: &Engine, client: &Entity, to: &Entity) -> Entity {
    let Entity::Address(address) = to else {
        return to.clone();
    };
    if address.is_loopback() {
        return client.clone();
    }
    if is_node_local_dns(*address)
        && engine.node_local_dns().is_some()
        && let Some(node) = engine.machine_of(client).and_then(|n| engine.find_node(&n))
    {
        return Entity::Node(node);
    }
    to.clone()
}

/// Whether it is an address of a load balancer or an external IP, and no node's.
pub(super) fn is_front_only(engine: &Engine, at: &Entity) -> bool {
    matches!(at, Entity::Address(_))
        && engine.machine_of(at).is_none()
        && !engine.fronts(at).is_empty()
}

/// The addresses at which DNS caches on nodes are set up to answer.
fn is_node_local_dns(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if [[169, 254, 20, 10], [169, 254, 25, 10]].contains(&v4.octets()))
}

/// A node translates what its own pods send before policy sees it; what pods of other nodes send may be seen as it was asked.
fn destination(engine: &Engine, client: &Entity, asked: &Entity, port: u16) -> Destination {
    let is_pod = matches!(
        client,
        Entity::Pod(_) | Entity::PodAt(..) | Entity::Hypothetical(_)
    );
    let here = engine.machine_of(client);
    if !is_pod || (here.is_some() && here == engine.machine_of(asked)) {
        return Destination::Behind;
    }
    Destination::Either(asked.clone(), port)
}

/// The targets that an address asked for can lead to: those of its family.
fn in_family(engine: &Engine, targets: Vec<Target>, asked: &Entity) -> Vec<Target> {
    match asked {
        Entity::Address(address) | Entity::NodeAt(_, address) | Entity::PodAt(_, address) => {
            engine.only_family(targets, Family::of(*address))
        }
        _ => targets,
    }
}

impl<'a> Arrival<'a> {
    /// The way to a Service by its name: from outside by what it has there.
    pub(super) fn by_name(
        engine: &Engine,
        service: &'a Service,
        client: &Entity,
        protocol: Protocol,
        port: u16,
    ) -> Self {
        let outside = &service.outside;
        let way = if is_inside(engine, client) || !service.is_exposed() {
            Way::ClusterIp
        } else if outside.is_balanced {
            Way::Balancer {
                is_proxy: outside.balancers.iter().any(|b| b.is_proxy),
            }
        } else if outside.external_ips.is_empty() {
            Way::NodePort
        } else {
            Way::ExternalIp
        };
        Self {
            service,
            protocol,
            port,
            way,
            asked: None,
        }
    }

    /// The only clients outside that are served, where that is limited (rule N73).
    fn served(&self) -> Option<&AddressSet> {
        match self.way {
            Way::Balancer { .. } => self.service.outside.source_ranges.as_ref(),
            _ => None,
        }
    }

    /// Adds what there is to try for a client.
    pub(super) fn arrive(&self, engine: &'a Engine, client: &Entity, into: &mut Gathered<'a>) {
        into.sources.insert(client.clone());
        let question = (self.service, self.protocol, self.port);
        if !into.services.contains(&question) {
            into.services.push(question);
        }
        let key = (self.service.label(), self.way, self.port);
        let endpoints = into.endpoints.entry(key).or_default();
        let found = self.expand(engine, client);
        let reason = match found {
            Ok((targets, limits)) if !targets.is_empty() => {
                into.limits.extend(limits);
                let rewriting = self.rewriting(engine, client);
                let refused = match (client, self.served()) {
                    (Entity::Address(address), Some(served)) if !served.contains(*address) => {
                        Some(Reason::ExplicitDeny)
                    }
                    _ => None,
                };
                for target in targets {
                    endpoints.insert((target.entity.clone(), target.port));
                    into.tries.push(Try {
                        hairpin: !self.service.headless
                            && target.entity.pod().is_some()
                            && engine.is_self(client, &target.entity),
                        rewriting: rewriting.clone(),
                        refused,
                        ..Try::plain(client, &target.entity, self.protocol, target.port)
                    });
                }
                return;
            }
            Ok(_) => Reason::NoCommonFamily,
            Err(reason) => reason,
        };
        into.lost.push(Pair {
            from: entity_id(engine, client),
            to: format!("{}/service/{}", self.service.namespace, self.service.name),
            verdict: if matches!(reason, Reason::Unreadable | Reason::FqdnUnknown) {
                Verdict::Unknown
            } else {
                Verdict::Unreachable
            },
            reason,
        });
    }

    fn expand(
        &self,
        engine: &Engine,
        client: &Entity,
    ) -> Result<(Vec<Target>, Vec<Limit>), Reason> {
        let (service, protocol, port) = (self.service, self.protocol, self.port);
        let found = if self.is_direct(engine, client) {
            let near = (self.way == Way::ClusterIp).then_some(client);
            engine.expand_service(service, protocol, port, near)
        } else {
            let entry = self
                .asked
                .as_ref()
                .and_then(|(at, _)| engine.machine_of(at));
            engine.expand_from_outside(service, protocol, port, entry.as_deref())
        }?;
        let targets = match &self.asked {
            Some((at, _)) => in_family(engine, found.targets, at),
            None => found.targets,
        };
        Ok((targets, found.limits))
    }

    /// Whether nothing but the destination is rewritten, on the client's own node: a call to the Service's own address, and from
    /// inside the cluster one to an address it has outside (rule N72).
    fn is_direct(&self, engine: &Engine, client: &Entity) -> bool {
        match self.way {
            Way::ClusterIp => true,
            Way::Balancer { is_proxy: false } | Way::ExternalIp => is_inside(engine, client),
            Way::NodePort | Way::Balancer { is_proxy: true } => false,
        }
    }

    fn rewriting(&self, engine: &Engine, client: &Entity) -> Option<Rewriting> {
        if self.is_direct(engine, client) {
            return None;
        }
        let node = self
            .asked
            .as_ref()
            .filter(|(at, _)| engine.machine_of(at).is_some());
        let sources = match (self.way, node) {
            (Way::Balancer { is_proxy: true }, _) => Sources::Anywhere,
            _ if self.service.outside.local_only => Sources::Client,
            (_, Some((node, _))) => Sources::ClientOrNode(node.clone()),
            (_, None) => Sources::ClientOrAnyNode,
        };
        let destination = match (&self.asked, self.way) {
            (Some((at, port)), Way::Balancer { is_proxy: true }) => {
                Destination::Asked(at.clone(), *port)
            }
            (Some((at, port)), Way::NodePort) => destination(engine, client, at, *port),
            _ => Destination::Behind,
        };
        Some(Rewriting {
            sources,
            destination,
        })
    }
}

/// Pods and nodes; an address is outside unless it is known to be a node's.
fn is_inside(engine: &Engine, client: &Entity) -> bool {
    !matches!(client, Entity::Address(_)) || engine.machine_of(client).is_some()
}

/// Judges what was gathered. Where nothing can be tried the answer is why, and what policy alone would say.
pub(super) fn settle(engine: &Engine, answer: &mut Answer, gathered: Gathered<'_>) {
    answer.limits.extend(gathered.limits);
    if let [((service, way, port), endpoints)] =
        gathered.endpoints.iter().collect::<Vec<_>>().as_slice()
    {
        answer.via = Some(via(engine, service, *way, *port, endpoints));
    }
    if !gathered.tries.is_empty() || gathered.lost.is_empty() {
        judge(engine, answer, &gathered.tries, &gathered.lost);
        return;
    }
    let first = &gathered.lost[0];
    (answer.verdict, answer.reason) = (first.verdict, first.reason);
    match first.reason {
        Reason::FqdnUnknown | Reason::Unreadable => {
            for (service, _, _) in &gathered.services {
                service::unknown(answer, service, first.reason);
            }
        }
        Reason::NoEndpoints | Reason::LocalOnly => {
            let mut tries = Vec::new();
            for (service, protocol, port) in &gathered.services {
                for target in engine.unready_targets(service, *protocol, *port) {
                    for client in &gathered.sources {
                        let one = Try::plain(client, &target.entity, *protocol, target.port);
                        tries.push(one);
                    }
                }
            }
            let mut shadow = answer.clone();
            judge(engine, &mut shadow, &tries, &[]);
            if shadow.shown.is_some() {
                shadow.limits.push(Limit::Shadow {
                    verdict: shadow.verdict,
                });
                shadow.limits.sort();
                *answer = Answer {
                    verdict: first.verdict,
                    reason: first.reason,
                    all_agree: true,
                    pairs: Vec::new(),
                    conditions: Vec::new(),
                    half_open: None,
                    ..shadow
                };
            }
        }
        _ => {}
    }
}

fn via(
    engine: &Engine,
    service: &str,
    way: Way,
    port: u16,
    endpoints: &BTreeSet<(Entity, u16)>,
) -> Via {
    let ports: BTreeSet<u16> = endpoints.iter().map(|(_, port)| *port).collect();
    let ends: BTreeSet<Entity> = endpoints.iter().map(|(end, _)| end.whole()).collect();
    Via {
        service: service.to_owned(),
        way,
        port,
        target_port: if ports.len() == 1 {
            ports.first().copied()
        } else {
            None
        },
        endpoints: ends
            .iter()
            .map(|entity| match entity {
                // A template stands for all its replicas.
                Entity::Pod(id) => engine.pod(*id).count as usize,
                _ => 1,
            })
            .sum(),
    }
}
