//! What rules of cluster-wide policies add to the list: an Accept names its peers like any other rule, and a Deny takes some of
//! those away whom a rule for everyone lets in.
//!
//! Only candidates are found here, by labels and addresses; whether they get through is for the engine to say.

use std::collections::BTreeMap;

use crate::engine::{Engine, Entity};
use crate::expect::stance::selects;
use crate::model::{
    Action, ContainerPort, Direction, NamespaceScope, Peer, Peers, PortSet, PortTest, Ports,
    Protocol, Rule,
};

use super::{Drawn, Maker, NamedPorts};

/// The Accept rules that may act on an entity in a direction.
fn accepting<'e>(
    engine: &'e Engine,
    direction: Direction,
    subject: &Entity,
) -> impl Iterator<Item = &'e Rule> {
    let policies = engine.cluster().cluster_policies.iter();
    let acting: Vec<&Rule> = policies
        .filter(|policy| policy.invalid.is_empty() && selects(engine, policy, subject))
        .flat_map(|policy| policy.rules(direction).unwrap_or_default())
        .filter(|rule| rule.action == Action::Accept)
        .collect();
    acting.into_iter()
}

/// The ports on which an Accept rule at the subject names the peer: by label, not as "every pod" or a range of addresses.
pub(crate) fn accepted(
    engine: &Engine,
    direction: Direction,
    subject: &Entity,
    peer: &Entity,
) -> PortSet {
    if engine.cluster().cluster_policies.is_empty() {
        return PortSet::empty();
    }
    let declared = match direction {
        Direction::Egress => declared(engine, peer),
        Direction::Ingress => declared(engine, subject),
    };
    accepting(engine, direction, subject)
        .filter(|rule| match &rule.peers {
            Peers::Everyone => false,
            Peers::AnyOf(items) => items
                .iter()
                .any(|item| names(engine, &item.peer, subject, peer)),
        })
        .fold(PortSet::empty(), |all, rule| {
            all.union(&ports_at(&rule.ports, declared))
        })
}

/// Adds the pairs that Accept rules name.
pub(super) fn accepted_pairs(
    engine: &Engine,
    drawn: &[Drawn],
    pairs: &mut BTreeMap<(usize, usize), NamedPorts>,
) {
    for (index, workload) in drawn.iter().enumerate() {
        for direction in Direction::BOTH {
            for own in &workload.examples {
                if accepting(engine, direction, own).next().is_none() {
                    continue;
                }
                for (other, peer) in drawn
                    .iter()
                    .enumerate()
                    .flat_map(|(other, drawn)| drawn.examples.iter().map(move |e| (other, e)))
                {
                    let ports = accepted(engine, direction, own, peer);
                    if ports.is_empty() {
                        continue;
                    }
                    let pair = match direction {
                        Direction::Egress => (index, other),
                        Direction::Ingress => (other, index),
                    };
                    let named = pairs.entry(pair).or_default().at(direction);
                    *named = named.union(&ports);
                }
            }
        }
    }
}

fn declared<'e>(engine: &'e Engine, entity: &Entity) -> &'e [ContainerPort] {
    entity.pod().map_or(&[], |id| &engine.pod(id).ports)
}

/// Whether a peer names a pod by label (rules A15, A16).
fn names(engine: &Engine, peer: &Peer, subject: &Entity, other: &Entity) -> bool {
    let Some(id) = other.pod().filter(|id| !engine.pod(*id).host_network) else {
        return false;
    };
    let namespace = &engine.namespace_of(id).labels;
    match peer {
        Peer::Pods {
            namespaces: NamespaceScope::Matching(wanted),
            pods,
        } => {
            !(wanted.is_everything() && pods.is_everything())
                && wanted.matches(namespace)
                && pods.matches(&engine.pod(id).labels)
        }
        Peer::TenantPods { keys, same, pods } => {
            let Some(own) = subject.pod().map(|id| &engine.namespace_of(id).labels) else {
                return false;
            };
            let have_all = keys
                .iter()
                .all(|key| own.get(key).is_some() && namespace.get(key).is_some());
            let are_equal = keys.iter().all(|key| own.get(key) == namespace.get(key));
            have_all && are_equal == *same && pods.matches(&engine.pod(id).labels)
        }
        _ => false,
    }
}

/// Whether a rule means every pod there is.
pub(super) fn is_every_pod(peer: &Peer) -> bool {
    matches!(peer, Peer::Pods { namespaces: NamespaceScope::Matching(n), pods } if n.is_everything() && pods.is_everything())
}

/// The ports a rule lists; names are looked up among those the destination declares.
fn ports_at(ports: &Ports, declared: &[ContainerPort]) -> PortSet {
    let Ports::AnyOf(items) = ports else {
        return PortSet::all();
    };
    let by_name = |name: &str, protocol: Option<Protocol>| {
        declared
            .iter()
            .filter(|port| !port.init && port.name == name)
            .filter(|port| protocol.is_none_or(|wanted| wanted == port.protocol))
            .fold(PortSet::empty(), |all, port| {
                all.union(&PortSet::port(port.protocol, port.port))
            })
    };
    items.iter().fold(PortSet::empty(), |all, item| {
        all.union(&match &item.port {
            PortTest::Any => PortSet::range(item.protocol, crate::model::PortRange::ALL),
            PortTest::Range(range) => PortSet::range(item.protocol, *range),
            PortTest::Named(name) => by_name(name, Some(item.protocol)),
            PortTest::NamedAnyProtocol(name) => by_name(name, None),
            PortTest::Unreadable => PortSet::empty(),
        })
    })
}

impl Maker<'_> {
    /// The peers and ports of the Accept rules that may act on an entity.
    pub(super) fn accepted_rules(
        &self,
        direction: Direction,
        own: &Entity,
    ) -> Vec<(&Rule, PortSet)> {
        let declared = match direction {
            // Names in egress rules belong to destinations.
            Direction::Egress => &[],
            Direction::Ingress => declared(self.engine, own),
        };
        accepting(self.engine, direction, own)
            .map(|rule| (rule, ports_at(&rule.ports, declared)))
            .collect()
    }

    /// Every port that some Accept rule opens to somebody.
    pub(super) fn accepted_ports(&self, direction: Direction, own: &Entity) -> PortSet {
        self.accepted_rules(direction, own)
            .iter()
            .fold(PortSet::empty(), |all, (_, ports)| all.union(ports))
    }

    /// What one end lets through to and from each other workload; `None` where no cluster-wide policy can make a difference
    /// between those whom a rule for everyone means.
    pub(super) fn by_workload(
        &self,
        index: usize,
        direction: Direction,
        own: &Entity,
    ) -> Option<Vec<(usize, PortSet)>> {
        let engine = self.engine;
        let policies = engine.cluster().cluster_policies.iter();
        let mut acting = policies.filter(|policy| {
            policy.rules(direction).is_some_and(|r| !r.is_empty()) && selects(engine, policy, own)
        });
        acting.next()?;
        let others = self.drawn.iter().enumerate();
        let sides = others.filter(|(other, _)| *other != index);
        Some(
            sides
                .filter_map(|(other, drawn)| {
                    let let_through = drawn.examples.iter().map(|peer| {
                        engine.side(direction, own, peer).sure
                    });
                    Some((other, let_through.reduce(|all, one| all.intersection(&one))?))
                })
                .collect(),
        )
    }

    /// Splits ports of a rule for everybody: those that all workloads get, and for the rest who gets which.
    pub(super) fn split(
        ports: &PortSet,
        by_workload: &[(usize, PortSet)],
    ) -> (PortSet, Vec<(usize, PortSet)>) {
        let common = by_workload
            .iter()
            .fold(ports.clone(), |all, (_, one)| all.intersection(one));
        let rest = by_workload
            .iter()
            .map(|(other, one)| (*other, ports.intersection(one).difference(&common)))
            .filter(|(_, ports)| !ports.is_empty())
            .collect();
        (common, rest)
    }

    /// Draws one by one what a rule for everybody lets through to some.
    pub(super) fn some_of_them(
        &mut self,
        index: usize,
        direction: Direction,
        rest: Vec<(usize, PortSet)>,
    ) {
        for (other, ports) in rest {
            let (from, to) = match direction {
                Direction::Egress => (index, other),
                Direction::Ingress => (other, index),
            };
            let mut named = NamedPorts::default();
            *named.at(direction) = ports;
            self.between(from, to, &named);
        }
    }
}
