//! One direction of one workload, asked about everybody there is.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::engine::{Allowed, Entity, NodeId};
use crate::model::{AddressSet, Direction, IpBlock, IpRange, PortSet};

use super::words::{Mark, Peer, Said, blocks_of};
use super::{Link, One, World};

/// Everybody, as one direction of one workload sees them.
pub(super) struct Asked<'w, 'e> {
    world: &'w World<'e>,
    own: &'w One,
    direction: Direction,
    /// By workload; those on the host network are not asked.
    pods: Vec<(usize, Link)>,
    pieces: Vec<(&'w AddressSet, Allowed)>,
    /// Of families the pods have no address of: what would be open if they had one.
    beyond: Vec<(&'w AddressSet, PortSet)>,
    nodes: Vec<(NodeId, Allowed)>,
    strangers: Vec<(&'w str, Allowed)>,
}

impl<'w, 'e> Asked<'w, 'e> {
    pub(super) fn new(world: &'w World<'e>, index: usize, direction: Direction) -> Self {
        let own = &world.workloads[index];
        let one = |peer: &Entity| {
            let link = world.link(direction, &own.pods, std::slice::from_ref(peer));
            link.map(|link| link.own)
        };
        let others = world.workloads.iter().enumerate();
        Self {
            world,
            own,
            direction,
            pods: others
                .filter(|(_, other)| !other.on_host)
                .filter_map(|(i, other)| Some((i, world.link(direction, &own.pods, &other.pods)?)))
                .collect(),
            pieces: world
                .pieces
                .iter()
                .filter_map(|(set, peer)| Some((set, one(peer)?)))
                .collect(),
            beyond: world
                .pieces
                .iter()
                .filter_map(|(set, peer)| Some((set, world.beyond(direction, own, peer)?)))
                .collect(),
            nodes: world.nodes_of(&one),
            strangers: world
                .strangers
                .iter()
                .filter_map(|(name, peer)| Some((name.as_str(), one(peer)?)))
                .collect(),
        }
    }

    pub(super) fn said(&self, named: &mut BTreeSet<usize>) -> Said {
        let mut said = Said::default();
        let everybody = || {
            let pods = self.pods.iter().map(|(_, link)| &link.own);
            let pieces = self.pieces.iter().map(|(_, own)| own);
            let nodes = self.nodes.iter().map(|(_, own)| own);
            let strangers = self.strangers.iter().map(|(_, own)| own);
            pods.chain(pieces).chain(nodes).chain(strangers)
        };
        let any = common(everybody().map(|own| &own.sure));
        let doubt = common(everybody().map(|own| &own.possible)).difference(&any);
        said.add(Mark::Must, Peer::Any, &any);
        said.add(Mark::Unknown, Peer::Any, &doubt);
        let told = any.union(&doubt);
        let (cluster, elsewhere) = self.every_pod(&told, &mut said);
        let apis = self.api_ports(&told, &mut said);
        let blocks = self.outside(&told, &apis, &mut said);
        self.on_nodes(&told, &blocks, &apis, &mut said);
        for (index, link) in &self.pods {
            let other = &self.world.workloads[*index];
            let mut wide = told.union(&cluster);
            if other.namespace != self.own.namespace {
                wide = wide.union(&elsewhere);
            }
            let open = link.own.possible.difference(&wide);
            if !open.is_empty() {
                named.insert(*index);
            }
            let must = open.intersection(&link.both.sure);
            let half = open.difference(&link.both.possible);
            let rest = open.difference(&must).difference(&half);
            for (mark, ports) in [
                (Mark::Must, must),
                (Mark::HalfOpen, half),
                (Mark::Unknown, rest),
            ] {
                let ports = self.dns_ports(*index, mark, ports, &mut said);
                said.add(mark, Peer::Workload(self.name_of(*index)), &ports);
            }
        }
        said
    }

    /// What pods that are not there yet may do counts for every pod, those with other labels being in doubt.
    fn every_pod(&self, told: &PortSet, said: &mut Said) -> (PortSet, PortSet) {
        let home = self.own.namespace.as_str();
        let lonely = self.strangers.len() == 1;
        let is_own = |name: &str| name == home && !lonely;
        let theirs = self.strangers.iter().filter(|(name, _)| !is_own(name));
        let theirs = common(theirs.map(|(_, own)| &own.sure)).difference(told);
        let ours = self.strangers.iter().filter(|(name, _)| *name == home);
        let cluster = theirs.intersection(&common(ours.map(|(_, own)| &own.sure)));
        let elsewhere = theirs.difference(&cluster);
        for (peer, ports) in [(Peer::Cluster, &cluster), (Peer::Elsewhere, &elsewhere)] {
            let pods = self.pods.iter().filter(|(index, _)| {
                peer == Peer::Cluster || self.world.workloads[*index].namespace != home
            });
            let whole = pods.fold(ports.clone(), |all, (_, link)| {
                all.intersection(&link.own.sure)
            });
            said.add(Mark::Must, peer.clone(), &whole);
            said.add(Mark::Unknown, peer, &ports.difference(&whole));
        }
        (cluster, elsewhere)
    }

    /// The ports at which the API server is told by its name, for each of its addresses: those open at all of them, where nobody
    /// else is meant.
    fn api_ports(&self, told: &PortSet, said: &mut Said) -> Vec<(Entity, PortSet)> {
        let mut ports: Vec<(Entity, PortSet)> = Vec::new();
        if self.direction == Direction::Ingress {
            return ports;
        }
        for ((protocol, port), targets) in &self.world.api {
            let alone = |(entity, target): &(Entity, u16)| {
                let own = match entity {
                    Entity::Node(node) => {
                        let mut own = self.nodes.iter().filter(|(id, _)| id == node);
                        own.next().map(|(_, own)| own)
                    }
                    Entity::Address(address) => {
                        let alone = AddressSet::from(IpRange::single(*address));
                        let mut own = self.pieces.iter().filter(|(set, _)| **set == alone);
                        own.next().map(|(_, own)| own)
                    }
                    _ => None,
                };
                own.is_some_and(|own| own.sure.contains(*protocol, *target))
                    && !told.contains(*protocol, *target)
            };
            if targets.is_empty() || !targets.iter().all(alone) {
                continue;
            }
            said.add(Mark::Must, Peer::K8sApi, &PortSet::port(*protocol, *port));
            for (entity, target) in targets {
                ports.push((entity.clone(), PortSet::port(*protocol, *target)));
            }
        }
        ports
    }

    /// Addresses outside, those with the same ports together. Returns what was told, with its ports.
    fn outside(
        &self,
        told: &PortSet,
        apis: &[(Entity, PortSet)],
        said: &mut Said,
    ) -> Vec<(AddressSet, PortSet)> {
        let api_of = |set: &AddressSet| {
            let own = apis.iter().filter(|(entity, _)| match entity {
                Entity::Address(address) => set.contains(*address),
                _ => false,
            });
            own.fold(told.clone(), |all, (_, ports)| all.union(ports))
        };
        let all_of = |wanted: &dyn Fn(&Allowed) -> PortSet| {
            let each: Vec<PortSet> = self.pieces.iter().map(|(_, own)| wanted(own)).collect();
            common(each.iter()).difference(told)
        };
        // Wherever somebody is, as long as it is outside.
        let sure = all_of(&|own| own.sure.clone());
        let doubt = all_of(&Allowed::unknown);
        said.add(Mark::Must, Peer::External, &sure);
        said.add(Mark::Unknown, Peer::External, &doubt);
        let wide = sure.union(&doubt);
        let mut sets: BTreeMap<(Mark, PortSet), AddressSet> = BTreeMap::new();
        let mut put = |mark, set: &AddressSet, ports: &PortSet| {
            let ports = ports.difference(&api_of(set)).difference(&wide);
            if !ports.is_empty() {
                let all = sets.entry((mark, ports)).or_default();
                *all = all.union(set);
            }
        };
        for (set, own) in &self.pieces {
            put(Mark::Must, set, &own.sure);
            put(Mark::Unknown, set, &own.unknown());
        }
        for (set, open) in &self.beyond {
            put(Mark::HalfOpen, set, open);
        }
        let mut blocks = Vec::new();
        for ((mark, ports), set) in sets {
            let set = self.world.without_internal(set);
            said.add(mark, Peer::Blocks(set.clone()), &ports);
            blocks.push((set, ports));
        }
        blocks
    }

    /// Nodes that are let through and that no network told so far holds.
    fn on_nodes(
        &self,
        told: &PortSet,
        outside: &[(AddressSet, PortSet)],
        apis: &[(Entity, PortSet)],
        said: &mut Said,
    ) {
        // A network means a node when it holds all of its addresses.
        let holds = |block: &IpBlock, addresses: &[IpAddr]| {
            !addresses.is_empty() && addresses.iter().all(|a| block.contains(*a))
        };
        let mut left: Vec<(Vec<IpAddr>, PortSet)> = Vec::new();
        for (id, own) in &self.nodes {
            let node = self.world.engine.node(*id);
            let addresses = if node.internal.is_empty() {
                &node.addresses
            } else {
                &node.internal
            };
            let held = outside
                .iter()
                .filter(|(set, _)| blocks_of(set).iter().any(|b| holds(b, addresses)))
                .fold(told.clone(), |all, (_, ports)| all.union(ports));
            let api = apis
                .iter()
                .filter(|(entity, _)| *entity == Entity::Node(*id));
            let held = api.fold(held, |all, (_, ports)| all.union(ports));
            left.push((addresses.clone(), own.sure.difference(&held)));
        }
        // One that cannot be reached at all would be asked as well.
        let shared = if left.len() > 1 && left.len() == self.world.nodes.len() {
            common(left.iter().map(|(_, ports)| ports))
        } else {
            PortSet::empty()
        };
        said.add(Mark::Must, Peer::Node, &shared);
        for (addresses, ports) in left {
            let ports = ports.difference(&shared);
            match addresses.as_slice() {
                [address] => {
                    let set = AddressSet::from(IpRange::single(*address));
                    said.add(Mark::Must, Peer::Blocks(set), &ports);
                }
                // No one network is a node of several addresses.
                _ => said.add(Mark::Unknown, Peer::Node, &ports),
            }
        }
    }

    /// Takes the ports of cluster DNS out and tells them by its name.
    fn dns_ports(&self, index: usize, mark: Mark, ports: PortSet, said: &mut Said) -> PortSet {
        let Some((_, by_target)) = self.world.dns.as_ref().filter(|(dns, _)| {
            *dns == index
                && self.direction == Direction::Egress
                && self.world.workloads[index].end.id != self.own.end.id
        }) else {
            return ports;
        };
        let (mut names, mut rest) = (PortSet::empty(), ports.clone());
        for ((protocol, target), port) in by_target {
            if ports.contains(*protocol, *target) {
                names = names.union(&PortSet::port(*protocol, *port));
                rest = rest.difference(&PortSet::port(*protocol, *target));
            }
        }
        said.add(mark, Peer::Dns, &names);
        rest
    }

    /// The shortest name that means this workload in a row of that one.
    fn name_of(&self, index: usize) -> String {
        let all = &self.world.workloads;
        let (own, name) = (&all[index], &all[index].name);
        let alike = all
            .iter()
            .enumerate()
            .filter(|(other, one)| *other != index && last_word(&one.name) == last_word(name));
        let alike: Vec<&One> = alike.map(|(_, one)| one).collect();
        let is_only = alike.is_empty()
            || own.namespace == self.own.namespace
                && alike.iter().all(|one| one.namespace != own.namespace);
        if is_only && !name.contains('/') && !is_word(name) {
            name.clone()
        } else {
            format!("{}/{name}", own.namespace)
        }
    }
}

fn last_word(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Words that documents use for something else than a workload, and numbers.
fn is_word(name: &str) -> bool {
    const WORDS: [&str; 24] = [
        "all",
        "any",
        "anyone",
        "anywhere",
        "api-server",
        "apiserver",
        "cluster",
        "cluster-dns",
        "dns",
        "elsewhere",
        "everyone",
        "external",
        "internal",
        "internet",
        "k8s-api",
        "k8s-api-server",
        "kube-apiserver",
        "kube-dns",
        "kubernetes-api",
        "kubernetes-api-server",
        "node",
        "nodes",
        "none",
        "outside",
    ];
    WORDS.contains(&name) || !name.contains(|c: char| c.is_ascii_alphabetic())
}

/// What all sets hold; nothing where there is none.
fn common<'a>(sets: impl Iterator<Item = &'a PortSet>) -> PortSet {
    let sets: Vec<&PortSet> = sets.collect();
    let Some((first, rest)) = sets.split_first() else {
        return PortSet::empty();
    };
    rest.iter()
        .fold((*first).clone(), |all, one| all.intersection(one))
}
