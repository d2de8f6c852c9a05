//! The table as it can be read back: what each end lets through, exactly, in the words of `expect/import/cell.rs`.
//!
//! The table on the screen lists connections. That is less than a document has to say of a cluster: a closed world asks of each end
//! by itself what it opens, whether or not the other end opens too, and to whom who is not there yet. So here each direction of a
//! workload is asked about everybody there is, and its cell says:
//!
//! - `Any`: everything; `Deny All`: nothing; `?`: it is not known what.
//! - `80 (Any)`: everybody on this port, `80 (cluster)` every pod, `80 (elsewhere)` every pod of other namespaces. That asks
//!   nothing of the other ends.
//! - `80 (web)`: this end and that one let it through, between all of their pods.
//! - `80 (web) half-open`: this end does, the other one does not. Read back it is tolerated at this end and demanded of nobody,
//!   and because the other end's cell does not tolerate it, the connection as a whole is not tolerated.
//! - `80 (web)?`: it is not known, or not the same for all pods of the two: tolerated and demanded of nobody.
//! - `443 (10.0.0.0/8 except 10.1.0.0/16; 192.168.0.1)`, and without parentheses where it is every port: addresses outside, and
//!   nodes, which answer and ask as addresses. Addresses of pods and Services are left out, as long as that can be read.
//! - `Any but some`: not isolated, and rules of cluster-wide policies deny a part, so that those who are left are too many to
//!   name. Read back it tolerates everything.
//!
//! Pods on the host network are told as their node's addresses: no policy knows them as pods.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv4Subnets, Ipv6Net, Ipv6Subnets};

use crate::engine::{Allowed, Engine, Entity, Hypothetical, NodeId, PodId};
use crate::expect::stance::{Stance, Stances};
use crate::model::{AddressSet, Direction, IpBlock, IpRange, Labels, PortRange, PortSet, Protocol};

use super::super::connections::told_ranges;
use super::super::ends::{End, workload_end};
use super::super::scope::{Scope, workloads};
use super::{Item, ItemState, PARTLY, Row, Table};

/// Makes the table that reads back, for the workloads in scope. Workloads out of scope that its cells name have rows too, with
/// empty cells: nothing is said of them. O(workloads^2) questions.
pub fn exact(engine: &Engine, scope: &Scope) -> Table {
    let world = World::new(engine);
    let mut named = BTreeSet::new();
    let mut rows = Vec::new();
    for (index, one) in world.workloads.iter().enumerate() {
        if scope.holds(&one.namespace) {
            let [ingress, egress] = [Direction::Ingress, Direction::Egress]
                .map(|direction| world.cell(index, direction, &mut named));
            rows.push(one.row(ingress, egress));
        }
    }
    let beyond = named.into_iter().map(|index| &world.workloads[index]);
    rows.extend(
        beyond
            .filter(|one| !scope.holds(&one.namespace))
            .map(|one| one.row(Vec::new(), Vec::new())),
    );
    rows.sort_by(|a, b| (&a.namespace, &a.name, &a.id).cmp(&(&b.namespace, &b.name, &b.id)));
    Table {
        environment: None,
        rows,
    }
}

/// So many holes more for addresses of the cluster's own, and no more.
const MOST_HOLES: usize = 16;

/// Of an end that is not isolated nobody reads more names than this.
const MOST_NAMES: usize = 24;

struct World<'e> {
    engine: &'e Engine,
    stances: Stances<'e>,
    workloads: Vec<One>,
    /// Each with an address that is no pod, node or Service.
    pieces: Vec<(AddressSet, Entity)>,
    nodes: Vec<NodeId>,
    /// Addresses of pods and Services.
    internal: AddressSet,
    /// A pod without labels in every namespace.
    strangers: Vec<(String, Entity)>,
    /// The workload that answers DNS, and the port of the Service for each of its own.
    dns: Option<(usize, BTreeMap<(Protocol, u16), u16>)>,
    /// Where the API server answers, by the port of its Service.
    api: BTreeMap<(Protocol, u16), Vec<(Entity, u16)>>,
}

/// A workload.
struct One {
    end: End,
    namespace: String,
    /// Without the namespace.
    name: String,
    /// One or two pods of each kind that policies can tell apart; none where no pod can take part in a connection.
    pods: Vec<Entity>,
    on_host: bool,
}

impl One {
    fn row(&self, ingress: Vec<Item>, egress: Vec<Item>) -> Row {
        Row {
            id: self.end.id.clone(),
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            ingress,
            egress,
        }
    }
}

/// What an end opens towards a peer, and what both let through.
#[derive(Clone)]
struct Link {
    own: Allowed,
    both: Allowed,
}

/// How sure an entry is; in the order they are told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Must,
    HalfOpen,
    Unknown,
}

impl Mark {
    fn text(self) -> &'static str {
        match self {
            Self::Must => "",
            Self::HalfOpen => " half-open",
            Self::Unknown => "?",
        }
    }
}

/// Who an entry names; in the order they are told.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Peer {
    Any,
    Cluster,
    Elsewhere,
    Dns,
    K8sApi,
    Workload(String),
    External,
    Node,
    Blocks(AddressSet),
}

/// What a cell says, before it is put into words.
#[derive(Default)]
struct Said {
    entries: BTreeMap<(Mark, Peer), PortSet>,
}

impl Said {
    fn add(&mut self, mark: Mark, peer: Peer, ports: &PortSet) {
        if !ports.is_empty() {
            let own = self
                .entries
                .entry((mark, peer))
                .or_insert_with(PortSet::empty);
            *own = own.union(ports);
        }
    }
}

impl<'e> World<'e> {
    fn new(engine: &'e Engine) -> Self {
        let mut found: Vec<One> = workloads(engine)
            .into_iter()
            .map(|workload| {
                let end = workload_end(engine, workload);
                let name = end.name.split_once('/').map_or("", |(_, name)| name);
                let takes_part = |e: &&Entity| engine.unreachable(e, e).is_none();
                let mut kinds: BTreeMap<_, Vec<Entity>> = BTreeMap::new();
                for entity in end.entities.iter().filter(takes_part) {
                    let alike = kinds.entry(engine.likeness(entity)).or_default();
                    if alike.len() < 2 {
                        alike.push(entity.clone());
                    }
                }
                let on_host = end
                    .entities
                    .iter()
                    .any(|entity| entity.pod().is_some_and(|id| engine.pod(id).host_network));
                One {
                    namespace: workload.namespace.to_string(),
                    name: name.to_owned(),
                    pods: kinds.into_values().flatten().collect(),
                    on_host,
                    end,
                }
            })
            .collect();
        found.sort_by(|a, b| a.end.id.cmp(&b.end.id));
        let strangers = engine.cluster().namespaces.keys().map(|name| {
            let stranger = Hypothetical {
                namespace: name.clone(),
                labels: Labels::default(),
                ports: Vec::new(),
            };
            (name.clone(), Entity::Hypothetical(Arc::new(stranger)))
        });
        let mut world = Self {
            engine,
            stances: Stances::new(engine),
            workloads: found,
            pieces: pieces(engine),
            nodes: engine.nodes().collect(),
            internal: internal(engine),
            strangers: strangers.collect(),
            dns: None,
            api: BTreeMap::new(),
        };
        world.dns = world.find_dns();
        world.api = world.find_api();
        world
    }

    /// The workload all of whose pods answer DNS, each on the same ports. `None` too where a workload is called so: then the word
    /// would mean that one.
    fn find_dns(&self) -> Option<(usize, BTreeMap<(Protocol, u16), u16>)> {
        let engine = self.engine;
        if self.workloads.iter().any(|one| one.name == "dns") {
            return None;
        }
        let mut at: BTreeMap<PodId, BTreeMap<(Protocol, u16), u16>> = BTreeMap::new();
        if let Some(service) = engine.dns_service() {
            for (protocol, port) in engine
                .service_ports(service)
                .filter(|(_, port)| *port == 53)
            {
                let found = engine.expand_service(service, protocol, port, None).ok()?;
                for target in found.targets {
                    let pod = target.entity.pod()?;
                    at.entry(pod)
                        .or_default()
                        .insert((protocol, target.port), port);
                }
            }
        } else {
            for pod in engine.dns_pods() {
                let both = [Protocol::Tcp, Protocol::Udp].map(|protocol| ((protocol, 53), 53));
                at.insert(pod, both.into());
            }
        }
        let ports = at.values().next()?.clone();
        let same = at.values().all(|own| *own == ports);
        let is_whole = |one: &&One| {
            let pods: BTreeSet<PodId> = one.end.entities.iter().filter_map(Entity::pod).collect();
            !one.on_host && pods.iter().eq(at.keys())
        };
        let index = self.workloads.iter().position(|one| is_whole(&one))?;
        same.then_some((index, ports))
    }

    fn find_api(&self) -> BTreeMap<(Protocol, u16), Vec<(Entity, u16)>> {
        let engine = self.engine;
        let mut found = BTreeMap::new();
        let Some(service) = engine.k8s_api_service() else {
            return found;
        };
        for (protocol, port) in engine.service_ports(service) {
            if let Ok(expansion) = engine.expand_service(service, protocol, port, None) {
                let targets = expansion.targets.into_iter();
                let targets = targets.map(|target| (target.entity.whole(), target.port));
                found.insert((protocol, port), targets.collect());
            }
        }
        found
    }

    /// What the pods of a workload open towards a peer and what gets through, taken over all of them; `None` where there is
    /// nobody to ask.
    fn link(&self, direction: Direction, own: &[Entity], peers: &[Entity]) -> Option<Link> {
        let engine = self.engine;
        let mut open: Option<Allowed> = None;
        let mut both: Option<Allowed> = None;
        let merged = |all: Option<Allowed>, one: Allowed| {
            Some(match all {
                None => one,
                Some(all) => all.merge(&one),
            })
        };
        for subject in own {
            for peer in peers {
                let (from, to) = match direction {
                    Direction::Egress => (subject, peer),
                    Direction::Ingress => (peer, subject),
                };
                if self.is_home(from, to) {
                    continue;
                }
                if engine.unreachable(from, to).is_some() {
                    // No policy is to blame, and nothing gets through all the same.
                    both = merged(both, Allowed::nothing());
                    continue;
                }
                open = merged(open, engine.side(direction, subject, peer));
                both = merged(both, engine.allowed(from, to));
            }
        }
        Some(Link {
            own: open?,
            both: both?,
        })
    }

    /// What policies let through to an address that no pod of a workload could reach or be reached from, all having none of its
    /// family; `None` where one has.
    fn beyond(&self, direction: Direction, own: &One, peer: &Entity) -> Option<PortSet> {
        let engine = self.engine;
        let mut open = PortSet::empty();
        for pod in &own.pods {
            engine.unreachable(pod, peer)?;
            // A pod that is not there has no address, and is asked about every family.
            let alike = Entity::Hypothetical(Arc::new(Hypothetical {
                namespace: own.namespace.clone(),
                labels: engine.pod(pod.pod()?).labels.clone(),
                ports: Vec::new(),
            }));
            open = open.union(&engine.side(direction, &alike, peer).sure);
        }
        Some(open)
    }

    /// What is open to and from each node. One that runs all of the pods is told like one that policies cannot tell from it: what
    /// is said of nodes is said of all that are alike.
    fn nodes_of(&self, ask: &dyn Fn(&Entity) -> Option<Allowed>) -> Vec<(NodeId, Allowed)> {
        let likeness = |node: NodeId| self.engine.node_likeness(node);
        let asked: Vec<(NodeId, Option<Allowed>)> = self
            .nodes
            .iter()
            .map(|node| (*node, ask(&Entity::Node(*node))))
            .collect();
        let like = |wanted: NodeId| {
            let mut known = asked
                .iter()
                .filter(|(node, own)| own.is_some() && likeness(*node) == likeness(wanted));
            known.next().and_then(|(_, own)| own.clone())
        };
        let all = asked.iter();
        all.filter_map(|(node, own)| Some((*node, own.clone().or_else(|| like(*node))?)))
            .collect()
    }

    /// Traffic no document is about: of a pod to itself, and between a pod and its node.
    fn is_home(&self, from: &Entity, to: &Entity) -> bool {
        let engine = self.engine;
        if from == to {
            return from.pod().is_none_or(|id| engine.pod(id).count <= 1);
        }
        let home = |entity: &Entity| {
            let pod = engine.pod(entity.pod()?);
            engine.find_node(pod.node.as_deref()?)
        };
        let machine = |entity: &Entity| match entity {
            Entity::Node(node) => Some(*node),
            _ if entity.pod().is_some_and(|id| engine.pod(id).host_network) => home(entity),
            _ => None,
        };
        let meets = |a: Option<NodeId>, b: Option<NodeId>| a.is_some() && a == b;
        meets(machine(from), home(to)) || meets(machine(to), home(from))
    }

    /// Networks mean what is outside, and a document whose networks hold pods says so by accident. Where that takes too many
    /// holes to read, they stay as they are.
    fn without_internal(&self, set: AddressSet) -> AddressSet {
        let outside = set.difference(&self.internal);
        let count = |set: &AddressSet| -> usize {
            blocks_of(set)
                .iter()
                .map(|block| 1 + block.except.len())
                .sum()
        };
        if count(&outside) <= count(&set) + MOST_HOLES {
            outside
        } else {
            set
        }
    }

    fn cell(&self, index: usize, direction: Direction, named: &mut BTreeSet<usize>) -> Vec<Item> {
        let own = &self.workloads[index];
        if own.pods.is_empty() {
            return vec![plain("?", PortSet::empty())];
        }
        let mut of_cell = BTreeSet::new();
        let said = Asked::new(self, index, direction).said(&mut of_cell);
        let is_partly = |pod| self.stances.of(direction, pod) == Stance::Partly;
        if of_cell.len() > MOST_NAMES && own.pods.iter().all(is_partly) {
            return vec![plain(PARTLY, PortSet::all())];
        }
        named.extend(of_cell);
        words(&said, direction)
    }
}

/// Everybody, as one direction of one workload sees them.
struct Asked<'w, 'e> {
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
    fn new(world: &'w World<'e>, index: usize, direction: Direction) -> Self {
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

    fn said(&self, named: &mut BTreeSet<usize>) -> Said {
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
        let mut apis = self.api_ports(&told, &mut said);
        let blocks = self.outside(&told, &apis, &mut said);
        self.on_nodes(&told, &blocks, &mut apis, &mut said);
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
        apis: &mut Vec<(Entity, PortSet)>,
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

/// Addresses of pods, their nodes' apart, and of Services.
fn internal(engine: &Engine) -> AddressSet {
    let namespaces = || engine.cluster().namespaces.values();
    let pods = namespaces().flat_map(|ns| ns.pods.iter());
    let pods = pods.filter(|pod| !pod.host_network);
    let services = namespaces().flat_map(|ns| ns.services.iter().flat_map(|s| &s.cluster_ips));
    pods.flat_map(|pod| &pod.addresses)
        .chain(services)
        .map(|address| IpRange::single(*address))
        .collect()
}

/// The pieces of the address space that policies can tell apart and that have something outside in them.
fn pieces(engine: &Engine) -> Vec<(AddressSet, Entity)> {
    let nodes = engine.cluster().nodes.iter();
    let nodes = nodes.flat_map(|node| node.addresses.iter().chain(&node.tunnels));
    let nodes: AddressSet = nodes.map(|address| IpRange::single(*address)).collect();
    let inside = internal(engine).union(&nodes);
    let outside = inside.complement();
    let sets = engine.outside().into_iter();
    sets.filter_map(|set| {
        let example = Entity::Address(set.intersection(&outside).first()?);
        Some((set, example))
    })
    .collect()
}

/// A set of addresses as the fewest networks, holes counted too. IPv4 before IPv6, in address order.
fn blocks_of(set: &AddressSet) -> Vec<IpBlock> {
    let whole = [IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())];
    let each = whole.into_iter().flat_map(|net| {
        let own = set.intersection(&IpRange::from(net).into());
        blocks_within(net, &own)
    });
    each.collect()
}

/// The part of a set that lies inside a network: both halves by themselves, or the network with holes.
fn blocks_within(net: IpNet, set: &AddressSet) -> Vec<IpBlock> {
    let whole = AddressSet::from(IpRange::from(net));
    let plain = |except: Vec<IpNet>| vec![IpBlock { cidr: net, except }];
    if set.is_empty() {
        return Vec::new();
    }
    if *set == whole {
        return plain(Vec::new());
    }
    let mut halves = Vec::new();
    for half in net.subnets(net.prefix_len() + 1).into_iter().flatten() {
        let own = set.intersection(&IpRange::from(half).into());
        halves.extend(blocks_within(half, &own));
    }
    let cost: usize = halves.iter().map(|block| 1 + block.except.len()).sum();
    let holes = networks(&whole.difference(set));
    if holes.len() + 1 < cost {
        plain(holes)
    } else {
        halves
    }
}

/// The fewest networks that make up a set.
fn networks(set: &AddressSet) -> Vec<IpNet> {
    let each = set.iter().flat_map(|range| -> Vec<IpNet> {
        match (range.first(), range.last()) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                Ipv4Subnets::new(first, last, 0).map(IpNet::V4).collect()
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                Ipv6Subnets::new(first, last, 0).map(IpNet::V6).collect()
            }
            _ => Vec::new(),
        }
    });
    each.collect()
}

fn block_text(block: &IpBlock) -> String {
    let net = |net: &IpNet| {
        if net.prefix_len() == net.max_prefix_len() {
            net.addr().to_string()
        } else {
            net.to_string()
        }
    };
    let holes: Vec<String> = block.except.iter().map(net).collect();
    if holes.is_empty() {
        net(&block.cidr)
    } else {
        format!("{} except {}", net(&block.cidr), holes.join(", "))
    }
}

/// One port of an entry; `None` is every port and protocol.
type Port = Option<(PortRange, Protocol)>;

fn port_text(port: Port) -> String {
    let Some((range, protocol)) = port else {
        return "any".to_owned();
    };
    let bare = if range == PortRange::ALL {
        "any".to_owned()
    } else {
        range.to_string()
    };
    match protocol {
        Protocol::Tcp if range != PortRange::ALL => bare,
        other => format!("{bare}/{}", other.as_str().to_lowercase()),
    }
}

/// Puts a cell into words: everybody first, then names by port, networks without a port last.
fn words(said: &Said, direction: Direction) -> Vec<Item> {
    let mut items = Vec::new();
    // Ingress entries are one a port, with all its peers; egress entries one a peer, unless nothing is demanded.
    let mut grouped: BTreeMap<(Mark, u8, Option<Peer>, bool, Port), Vec<&Peer>> = BTreeMap::new();
    let mut bare: BTreeMap<Mark, Vec<&AddressSet>> = BTreeMap::new();
    for ((mark, peer), ports) in &said.entries {
        if ports.is_all() {
            match peer {
                Peer::Any if *mark == Mark::Must => return vec![plain("Any", PortSet::all())],
                Peer::Any => {
                    items.push(plain("?", PortSet::all()));
                    continue;
                }
                Peer::Blocks(set) => {
                    bare.entry(*mark).or_default().push(set);
                    continue;
                }
                _ => {}
            }
        }
        let rank = match peer {
            Peer::Any | Peer::Cluster | Peer::Elsewhere => 0,
            Peer::Dns => 1,
            _ => 2,
        };
        let alone = rank < 2 || direction == Direction::Egress && *mark == Mark::Must;
        let alone = alone.then(|| peer.clone());
        // Documents write just the port of DNS, and mean both protocols.
        let told = if *peer == Peer::Dns && is_dns(ports) {
            told_ranges(&ports.only(Protocol::Tcp))
        } else {
            told_ranges(ports)
        };
        let each: Vec<Port> = if ports.is_all() {
            vec![None]
        } else {
            let each = told.into_iter();
            each.map(|(protocol, range)| Some((range, protocol)))
                .collect()
        };
        for port in each {
            let key = (*mark, rank, alone.clone(), port.is_none(), port);
            grouped.entry(key).or_default().push(peer);
        }
    }
    for ((mark, _, _, _, port), peers) in &grouped {
        items.push(entry(said, *mark, *port, peers));
    }
    if !bare.is_empty() {
        // Behind the holes of a network only `;` begins something new, so they are one entry.
        let mut blocks: Vec<String> = Vec::new();
        let mut ranges = AddressSet::empty();
        for (mark, sets) in bare {
            for set in sets {
                let each = blocks_of(set);
                blocks.extend(each.iter().map(|block| block_text(block) + mark.text()));
                ranges = ranges.union(set);
            }
        }
        items.push(Item {
            ranges,
            ..plain(&blocks.join("; "), PortSet::all())
        });
    }
    if items.is_empty() {
        items.push(plain("Deny All", PortSet::empty()));
    }
    items
}

/// Whether ports are those of DNS as everybody writes them: 53 over both protocols.
fn is_dns(ports: &PortSet) -> bool {
    let both = PortSet::port(Protocol::Udp, 53).union(&PortSet::port(Protocol::Tcp, 53));
    *ports == both
}

fn entry(said: &Said, mark: Mark, port: Port, peers: &[&Peer]) -> Item {
    let mut names: Vec<String> = Vec::new();
    let mut blocks: Vec<String> = Vec::new();
    let mut ranges = AddressSet::empty();
    for peer in peers {
        match peer {
            Peer::Any => names.push("Any".to_owned()),
            Peer::Cluster => names.push("cluster".to_owned()),
            Peer::Elsewhere => names.push("elsewhere".to_owned()),
            Peer::Dns => names.push("DNS".to_owned()),
            Peer::K8sApi => names.push("K8s API".to_owned()),
            Peer::External => names.push("External".to_owned()),
            Peer::Node => names.push("node".to_owned()),
            Peer::Workload(name) => names.push(name.clone()),
            Peer::Blocks(set) => {
                blocks.extend(blocks_of(set).iter().map(block_text));
                ranges = ranges.union(set);
            }
        }
    }
    let ids = names.clone();
    // Behind the holes of a network only `;` begins something new.
    let listed = if names.is_empty() {
        blocks.join("; ")
    } else {
        let first = names.join(", ");
        std::iter::once(first)
            .chain(blocks)
            .collect::<Vec<_>>()
            .join("; ")
    };
    let is_dns_pair = peers == [&Peer::Dns]
        && said
            .entries
            .get(&(mark, Peer::Dns))
            .is_some_and(|ports| is_dns(ports));
    let told = match port {
        // Alone, 53 towards DNS would be both protocols.
        Some((range, Protocol::Tcp)) if peers == [&Peer::Dns] && !is_dns_pair => {
            format!("{range}/tcp")
        }
        other => port_text(other),
    };
    let ports = port.map_or_else(PortSet::all, |(range, protocol)| {
        PortSet::range(protocol, range)
    });
    Item {
        peers: ids,
        ranges,
        ..plain(&format!("{told} ({listed}){}", mark.text()), ports)
    }
}

fn plain(text: &str, ports: PortSet) -> Item {
    Item {
        text: text.to_owned(),
        full: text.to_owned(),
        ports,
        peers: Vec::new(),
        ranges: AddressSet::empty(),
        state: ItemState::NoExpectation,
    }
}
