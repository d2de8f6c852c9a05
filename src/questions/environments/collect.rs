//! Which connections are compared: those that a rule opens, and those that a document speaks of.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::{Engine, Entity};
use crate::expect::plan::binding::borders;
use crate::expect::plan::{Claim, End, Kind, PortsAt};
use crate::expect::stance::{Stance, Stances};
use crate::model::{AddressSet, Direction, PortSet, Protocol};
use crate::questions::connections::{Point, Standing, connections, dns_targets};
use crate::questions::ends::workload_end;
use crate::questions::scope::{Scope, workloads};

use super::weigh::ServicePort;
use super::{Party, Plans};

/// A workload as it takes part.
pub(super) struct Member {
    pub(super) party: Party,
    pub(super) namespace: String,
    pub(super) in_scope: bool,
    pub(super) pods: Vec<Entity>,
    /// One pod of each kind that neither policies nor documents can tell apart; at least one.
    pub(super) examples: Vec<Entity>,
}

impl Member {
    /// The pairs of pods to try; a pod is no pair with itself unless it stands for several.
    pub(super) fn pairs_with(&self, other: &Self, same: bool) -> Vec<(Entity, Entity)> {
        let mut pairs = Vec::new();
        for x in &self.examples {
            for y in &other.examples {
                let another = if same && x == y {
                    self.pods.iter().find(|pod| *pod != x).unwrap_or(y)
                } else {
                    y
                };
                pairs.push((x.clone(), another.clone()));
            }
        }
        pairs
    }
}

/// Every workload, by id.
pub(super) fn members(engine: &Engine, plans: Plans<'_>, scope: &Scope) -> Vec<Member> {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    let mut found: Vec<Member> = Vec::new();
    for workload in workloads(engine) {
        let end = workload_end(engine, workload);
        let mut seen = BTreeSet::new();
        let examples: Vec<Entity> = end
            .entities
            .iter()
            .filter(|entity| {
                let rows: Vec<_> = plans.iter().map(|(plan, _)| plan.rows_of(entity)).collect();
                seen.insert((engine.likeness(entity), rows))
            })
            .cloned()
            .collect();
        if examples.is_empty() {
            continue;
        }
        let short = end
            .name
            .split_once('/')
            .map_or(end.name.as_str(), |(_, rest)| rest);
        *count.entry(short.to_owned()).or_default() += 1;
        found.push(Member {
            party: Party {
                rank: 0,
                id: end.id.clone(),
                name: short.to_owned(),
                typed: end.name.clone(),
                namespace: Some(workload.namespace.to_string()),
            },
            namespace: workload.namespace.to_string(),
            in_scope: scope.holds(&workload.namespace),
            pods: end.entities,
            examples,
        });
    }
    for member in &mut found {
        if count[&member.party.name] > 1 {
            member.party.name.clone_from(&member.party.typed);
        }
    }
    found.sort_by(|a, b| a.party.id.cmp(&b.party.id));
    found
}

/// The outside in pieces that neither policies nor documents can tell apart, each with an address that is nobody's.
pub(super) fn pieces(engine: &Engine, plans: Plans<'_>) -> Vec<(AddressSet, Entity)> {
    let borders: Vec<AddressSet> = plans.iter().flat_map(|(plan, _)| borders(plan)).collect();
    let examples = engine.outside_examples(&borders).into_iter();
    examples
        .map(|(set, example)| (set, Entity::Address(example)))
        .collect()
}

/// What is looked at.
#[derive(Default)]
pub(super) struct Considered {
    pub(super) pairs: BTreeMap<(usize, usize), PortSet>,
    /// With everybody: the ports, and whether nothing isolates the workload.
    pub(super) wide: BTreeMap<(usize, Direction), (PortSet, bool)>,
    pub(super) from_api: BTreeMap<usize, PortSet>,
    pub(super) api_entities: Vec<Entity>,
    dns: BTreeMap<usize, PortSet>,
    api: BTreeMap<usize, PortSet>,
    /// DNS pods and ports, by the port of the Service.
    pub(super) dns_targets: BTreeMap<(Entity, Protocol, u16), u16>,
    api_targets: Vec<ServicePort>,
}

/// What a document's end is here.
enum Reach {
    Members(Vec<usize>),
    Dns,
    Api,
    Wide,
}

impl Considered {
    pub(super) fn collect(
        engine: &Engine,
        plans: Plans<'_>,
        scope: &Scope,
        members: &[Member],
    ) -> Self {
        let mut considered = Self {
            dns_targets: dns_targets(engine),
            api_targets: api_targets(engine),
            ..Self::default()
        };
        considered.opened(engine, scope, members);
        let mut of_pod: BTreeMap<&Entity, usize> = BTreeMap::new();
        for (index, member) in members.iter().enumerate() {
            of_pod.extend(member.pods.iter().map(|pod| (pod, index)));
        }
        for (plan, _) in plans {
            for claim in plan.claims().filter(|claim| claim.kind != Kind::Removed) {
                considered.claimed(claim, &of_pod, members);
            }
        }
        considered.told(plans, members);
        let stances = Stances::new(engine);
        for (index, member) in members.iter().enumerate().filter(|(_, m)| m.in_scope) {
            for direction in Direction::BOTH {
                if stances.of(direction, &member.examples[0]) == Stance::Open {
                    considered
                        .wide
                        .insert((index, direction), (PortSet::all(), true));
                }
            }
        }
        let is_seen = |index: &usize| members[*index].in_scope;
        considered
            .pairs
            .retain(|(a, b), _| is_seen(a) || is_seen(b));
        considered.wide.retain(|(index, _), _| is_seen(index));
        considered.dns.retain(|index, _| is_seen(index));
        considered.api.retain(|index, _| is_seen(index));
        considered.from_api.retain(|index, _| is_seen(index));
        considered
    }

    /// What rules open, as table and graph tell it.
    fn opened(&mut self, engine: &Engine, scope: &Scope, members: &[Member]) {
        let found = connections(engine, None, scope);
        let index = |point: &Point| match point {
            Point::Workload(index) => {
                let id = &found.workloads[*index].end.id;
                members
                    .binary_search_by(|member| member.party.id.cmp(id))
                    .ok()
            }
            _ => None,
        };
        for connection in &found.list {
            if matches!(connection.standing, Standing::HalfOpen(_)) {
                continue;
            }
            let ports = &connection.ports;
            match (index(&connection.from), index(&connection.to)) {
                (Some(a), Some(b)) => grow(&mut self.pairs, (a, b), ports),
                (Some(a), None) => match connection.to {
                    Point::Dns => grow(&mut self.dns, a, ports),
                    Point::K8sApi => grow(&mut self.api, a, ports),
                    _ => self.widen(a, Direction::Egress, ports),
                },
                (None, Some(b)) => self.widen(b, Direction::Ingress, ports),
                (None, None) => {}
            }
        }
    }

    fn claimed(&mut self, claim: &Claim, of_pod: &BTreeMap<&Entity, usize>, members: &[Member]) {
        let reach = |end: &End| match end {
            End::Workload { pods, .. } => {
                let of: BTreeSet<usize> = pods
                    .iter()
                    .filter_map(|pod| of_pod.get(&Entity::Pod(*pod)).copied())
                    .collect();
                Reach::Members(of.into_iter().collect())
            }
            End::Dns(_) => Reach::Dns,
            End::K8sApi(_) => Reach::Api,
            _ => Reach::Wide,
        };
        let ports_at = |member: usize| match &claim.ports {
            PortsAt::Everywhere(ports) => ports.clone(),
            PortsAt::At(by_entity) => members[member]
                .pods
                .iter()
                .filter_map(|pod| by_entity.get(pod))
                .fold(PortSet::empty(), |all, ports| all.union(ports)),
        };
        match (reach(&claim.from), reach(&claim.to)) {
            (Reach::Members(from), Reach::Members(to)) => {
                for b in to {
                    let ports = ports_at(b);
                    for a in &from {
                        grow(&mut self.pairs, (*a, b), &ports);
                    }
                }
            }
            (Reach::Members(from), to) => {
                for a in from {
                    match to {
                        Reach::Dns => grow(&mut self.dns, a, &PortSet::all()),
                        Reach::Api => grow(&mut self.api, a, &PortSet::all()),
                        _ => self.widen(a, Direction::Egress, &everywhere(&claim.ports)),
                    }
                }
            }
            (from, Reach::Members(to)) => {
                for b in to {
                    let ports = ports_at(b);
                    if let (Reach::Api, End::K8sApi(entities)) = (&from, &claim.from) {
                        for entity in entities {
                            if !self.api_entities.contains(entity) {
                                self.api_entities.push(entity.clone());
                            }
                        }
                        grow(&mut self.from_api, b, &ports);
                    } else {
                        self.widen(b, Direction::Ingress, &ports);
                    }
                }
            }
            // What is said of everybody at once is told where the cluster opens something.
            _ => {}
        }
    }

    /// What a finding is about has a line, such as what one end alone opens.
    fn told(&mut self, plans: Plans<'_>, members: &[Member]) {
        let index = |id: &str| {
            members
                .binary_search_by(|member| member.party.id.as_str().cmp(id))
                .ok()
        };
        for finding in plans.iter().flat_map(|(_, findings)| findings.iter()) {
            let (Some(protocol), Some(ports)) = (finding.protocol, finding.ports) else {
                continue;
            };
            let ports = PortSet::range(protocol, ports);
            match (index(&finding.from), index(&finding.to)) {
                (Some(a), Some(b)) => grow(&mut self.pairs, (a, b), &ports),
                (Some(a), None) if !matches!(finding.to.as_str(), "dns" | "k8s-api") => {
                    self.widen(a, Direction::Egress, &ports);
                }
                (None, Some(b)) if finding.from != "k8s-api" => {
                    self.widen(b, Direction::Ingress, &ports);
                }
                _ => {}
            }
        }
    }

    fn widen(&mut self, own: usize, direction: Direction, ports: &PortSet) {
        let known = self.wide.entry((own, direction)).or_default();
        known.0 = known.0.union(ports);
    }

    /// The workloads that talk to `dns` and to `k8s-api`, and on which ports of those.
    pub(super) fn services(&self) -> Vec<(usize, &'static str, &PortSet)> {
        let dns = self.dns.iter().map(|(index, ports)| (*index, "dns", ports));
        let api = self
            .api
            .iter()
            .map(|(index, ports)| (*index, "k8s-api", ports));
        dns.chain(api).collect()
    }

    /// Where the ports of a Service lead.
    pub(super) fn targets(&self, word: &str) -> Vec<ServicePort> {
        if word == "k8s-api" {
            return self.api_targets.clone();
        }
        let mut by_port: BTreeMap<(Protocol, u16), Vec<(Entity, u16)>> = BTreeMap::new();
        for ((entity, protocol, target), port) in &self.dns_targets {
            let targets = by_port.entry((*protocol, *port)).or_default();
            targets.push((entity.clone(), *target));
        }
        by_port
            .into_iter()
            .map(|((protocol, port), targets)| ServicePort {
                protocol,
                port,
                targets,
            })
            .collect()
    }
}

fn everywhere(ports: &PortsAt) -> PortSet {
    match ports {
        PortsAt::Everywhere(ports) => ports.clone(),
        PortsAt::At(by_entity) => by_entity
            .values()
            .fold(PortSet::empty(), |all, ports| all.union(ports)),
    }
}

fn grow<K: Ord>(map: &mut BTreeMap<K, PortSet>, key: K, ports: &PortSet) {
    let known = map.entry(key).or_default();
    *known = known.union(ports);
}

fn api_targets(engine: &Engine) -> Vec<ServicePort> {
    let Some(service) = engine.k8s_api_service() else {
        return Vec::new();
    };
    engine
        .service_ports(service)
        .filter_map(|(protocol, port)| {
            let expansion = engine.expand_service(service, protocol, port, None).ok()?;
            let targets = expansion.targets.into_iter();
            Some(ServicePort {
                protocol,
                port,
                targets: targets.map(|target| (target.entity, target.port)).collect(),
            })
        })
        .collect()
}
