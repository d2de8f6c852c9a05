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

mod asked;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::{Allowed, Engine, Entity, Hypothetical, NodeId, PodId};
use crate::expect::stance::{Stance, Stances};
use crate::model::{AddressSet, Direction, IpRange, Labels, PortSet, Protocol};

use super::super::ends::{End, workload_end};
use super::super::scope::{Scope, workloads};
use super::{Item, PARTLY, Row, Table};
use asked::Asked;
use words::{blocks_of, plain, words};

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
    dns: Option<(usize, DnsPorts)>,
    /// Where the API server answers, by the port of its Service.
    api: BTreeMap<(Protocol, u16), Vec<(Entity, u16)>>,
}

/// The port of the DNS Service for each port of the pods behind it.
type DnsPorts = BTreeMap<(Protocol, u16), u16>;

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
    fn find_dns(&self) -> Option<(usize, DnsPorts)> {
        let engine = self.engine;
        if self.workloads.iter().any(|one| one.name == "dns") {
            return None;
        }
        let mut at: BTreeMap<PodId, DnsPorts> = BTreeMap::new();
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
    let examples = engine.outside_examples([]).into_iter();
    examples
        .map(|(set, example)| (set, Entity::Address(example)))
        .collect()
}
