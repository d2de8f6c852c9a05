//! A cluster made ready for questions: pods in classes, selectors as sets of classes, and for each class and direction one
//! guard that says what it lets through.
//!
//! Everything that is true of single objects is worked out here once; the engine only combines.

mod bits;
pub mod enforcer;
pub mod netpol;
pub(crate) mod places;
pub mod profile;

use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;

use crate::model::{Cluster, Direction, Labels, Namespace, Node, PortTest, Ports, Resource};

pub(crate) use bits::Bits;
pub(crate) use netpol::{CompiledPolicy, CompiledRule, Match};
pub(crate) use places::{Atoms, Place, PlaceKind, Places};
pub use profile::{Profile, ProfileName, Switch, TieBreak};

/// A pod of the cluster, by namespace and name order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PodId(pub(crate) u32);

/// A node, by name order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

/// A policy, by namespace and name order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PolicyId(pub(crate) u32);

pub(crate) struct PodEntry {
    pub(crate) namespace: u32,
    /// Index into the namespace's pods.
    pub(crate) index: u32,
    /// One for each address family it has, or one when its address is not known.
    pub(crate) places: SmallVec<[u32; 2]>,
}

pub(crate) struct NodeEntry {
    /// A place for each address it has in any way.
    pub(crate) at: Vec<(IpAddr, u32)>,
    /// Places its packets may come from: internal and tunnel addresses.
    pub(crate) sources: SmallVec<[u32; 2]>,
    /// Places others reach it at.
    pub(crate) targets: SmallVec<[u32; 2]>,
}

/// What the pods of one place let through in one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Guard {
    /// The policies that certainly isolate.
    pub(crate) policies: Vec<PolicyId>,
    /// Policies whose effect is not known: invalid ones.
    pub(crate) doubtful: Vec<PolicyId>,
    /// The namespace's policies could not be read.
    pub(crate) unreadable: bool,
    /// Not a pod that policies can select: nothing is enforced at this end.
    pub(crate) no_subject: bool,
}

pub(crate) struct Compiled {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) profile: Profile,
    pub(crate) namespaces: Vec<Arc<Namespace>>,
    /// Whether a namespace's labels are known beyond its name.
    pub(crate) labels_known: Vec<bool>,
    pub(crate) pods: Vec<PodEntry>,
    pub(crate) nodes: Vec<NodeEntry>,
    pub(crate) places: Vec<Place>,
    pub(crate) atoms: Atoms,
    /// The place of atom 0; the others follow.
    pub(crate) outside: u32,
    pub(crate) policies: Vec<CompiledPolicy>,
    /// Interned; by direction, then place: index into `guards`.
    pub(crate) guards: Vec<Guard>,
    pub(crate) guard_of: [Vec<u32>; 2],
    pub(crate) sets: Vec<netpol::PeerSet>,
    /// Live pods by address; a finished pod owns none (rule N55), a host-network pod none either (rule N56).
    pub(crate) by_address: HashMap<IpAddr, PodId, foldhash::fast::FixedState>,
}

pub(crate) fn slot(direction: Direction) -> usize {
    match direction {
        Direction::Egress => 0,
        Direction::Ingress => 1,
    }
}

impl Compiled {
    pub(crate) fn new(cluster: &Arc<Cluster>, profile: Profile) -> Self {
        let namespaces: Vec<Arc<Namespace>> = cluster.namespaces.values().cloned().collect();
        let labels_known = namespaces
            .iter()
            .map(|ns| {
                ns.declared
                    || cluster
                        .coverage
                        .is_readable(Resource::Namespaces, Some(&ns.name))
            })
            .collect();
        let atoms = Atoms::new(cluster);
        let read = Read::of(cluster);
        let mut places = Places::default();
        let (pods, by_address) = pods(cluster, &namespaces, &atoms, &read, &mut places);
        let nodes = cluster
            .nodes
            .iter()
            .map(|node| node_entry(node, &atoms, &mut places))
            .collect();
        let outside = u32::try_from(places.list.len()).expect("fewer than 2^32 places");
        for (index, range) in atoms.ranges().iter().enumerate() {
            places.add(Place {
                kind: PlaceKind::Outside,
                family: Some(range.family()),
                atom: u32::try_from(index).ok(),
                ports: Vec::new(),
            });
        }
        let mut compiled = Self {
            cluster: Arc::clone(cluster),
            profile,
            namespaces,
            labels_known,
            pods,
            nodes,
            places: places.list,
            atoms,
            outside,
            policies: Vec::new(),
            guards: Vec::new(),
            guard_of: [Vec::new(), Vec::new()],
            sets: Vec::new(),
            by_address,
        };
        netpol::compile(&mut compiled);
        compiled.guard_of = compiled.make_guards();
        compiled
    }

    fn make_guards(&mut self) -> [Vec<u32>; 2] {
        let mut by_namespace: Vec<Vec<u32>> = vec![Vec::new(); self.namespaces.len()];
        for (index, policy) in self.policies.iter().enumerate() {
            by_namespace[policy.namespace as usize]
                .push(u32::try_from(index).expect("fewer than 2^32 policies"));
        }
        let mut interned: HashMap<Guard, u32, foldhash::fast::FixedState> = HashMap::default();
        let mut guards = Vec::new();
        let of_direction = |direction: Direction,
                            interned: &mut HashMap<Guard, u32, _>,
                            guards: &mut Vec<Guard>| {
            let mut of_place = Vec::with_capacity(self.places.len());
            for place in &self.places {
                let guard = match &place.kind {
                    PlaceKind::Pod { namespace, labels } => self.guard(
                        direction,
                        *namespace,
                        labels,
                        &by_namespace[*namespace as usize],
                    ),
                    _ => Guard {
                        no_subject: true,
                        ..Guard::default()
                    },
                };
                of_place.push(*interned.entry(guard).or_insert_with_key(|guard| {
                    guards.push(guard.clone());
                    u32::try_from(guards.len() - 1).expect("fewer than 2^32 guards")
                }));
            }
            of_place
        };
        let egress = of_direction(Direction::Egress, &mut interned, &mut guards);
        let ingress = of_direction(Direction::Ingress, &mut interned, &mut guards);
        self.guards = guards;
        [egress, ingress]
    }

    /// What stands at one end for a pod with these labels; `candidates` are the policies of its namespace.
    fn guard(
        &self,
        direction: Direction,
        namespace: u32,
        labels: &Labels,
        candidates: &[u32],
    ) -> Guard {
        let mut guard = Guard {
            unreadable: !self.cluster.coverage.is_readable(
                Resource::NetworkPolicies,
                Some(&self.namespaces[namespace as usize].name),
            ),
            ..Guard::default()
        };
        for id in candidates {
            let policy = &self.policies[*id as usize];
            if policy.rules[slot(direction)].is_none() {
                continue;
            }
            if policy.doubtful {
                // Its selector may be what is wrong with it: it could select any pod of the namespace.
                if policy.selector_in_doubt || policy.subject.matches(labels) {
                    guard.doubtful.push(PolicyId(*id));
                }
            } else if policy.subject.matches(labels) {
                guard.policies.push(PolicyId(*id));
            }
        }
        guard
    }

    /// The guard of a pod that does not exist, from its namespace and labels.
    pub(crate) fn guard_for(&self, direction: Direction, namespace: u32, labels: &Labels) -> Guard {
        let candidates: Vec<u32> = (0..self.policies.len())
            .filter(|index| self.policies[*index].namespace == namespace)
            .map(|index| u32::try_from(index).expect("fewer than 2^32 policies"))
            .collect();
        self.guard(direction, namespace, labels, &candidates)
    }

    pub(crate) fn namespace_index(&self, name: &str) -> Option<u32> {
        let found = self
            .namespaces
            .binary_search_by(|ns| ns.name.as_str().cmp(name))
            .ok()?;
        u32::try_from(found).ok()
    }
}

/// The label keys and port names that some policy reads; nothing else can tell two pods apart.
struct Read {
    keys: HashSet<String, foldhash::fast::FixedState>,
    port_names: HashSet<String, foldhash::fast::FixedState>,
}

impl Read {
    fn of(cluster: &Cluster) -> Self {
        let mut read = Self {
            keys: HashSet::default(),
            port_names: HashSet::default(),
        };
        for policy in cluster.policies() {
            read.selector(&policy.subject);
            for rule in policy.ingress.iter().chain(&policy.egress).flatten() {
                if let crate::model::Peers::AnyOf(items) = &rule.peers {
                    for item in items {
                        if let crate::model::Peer::Pods { pods, .. } = &item.peer {
                            read.selector(pods);
                        }
                    }
                }
                if let Ports::AnyOf(items) = &rule.ports {
                    for item in items {
                        if let PortTest::Named(name) = &item.port {
                            read.port_names.insert(name.clone());
                        }
                    }
                }
            }
        }
        read
    }

    fn selector(&mut self, selector: &crate::model::Selector) {
        self.keys.extend(
            selector
                .requirements()
                .iter()
                .map(|requirement| requirement.key.clone()),
        );
    }

    fn project(&self, labels: &Labels) -> Labels {
        labels
            .iter()
            .filter(|(key, _)| self.keys.contains(*key))
            .collect()
    }
}

type ByAddress = HashMap<IpAddr, PodId, foldhash::fast::FixedState>;

fn pods(
    cluster: &Cluster,
    namespaces: &[Arc<Namespace>],
    atoms: &Atoms,
    read: &Read,
    places: &mut Places,
) -> (Vec<PodEntry>, ByAddress) {
    let mut entries = Vec::new();
    let mut by_address = ByAddress::default();
    for (namespace, ns) in namespaces.iter().enumerate() {
        let namespace = u32::try_from(namespace).expect("fewer than 2^32 namespaces");
        for (index, pod) in ns.pods.iter().enumerate() {
            let id = PodId(u32::try_from(entries.len()).expect("fewer than 2^32 pods"));
            let node = pod.node.as_deref().and_then(|name| cluster.node(name));
            let labels = read.project(&pod.labels);
            let kind = if pod.host_network {
                PlaceKind::HostPod { namespace, labels }
            } else {
                PlaceKind::Pod { namespace, labels }
            };
            // A host-network pod is its node to policies, and a node has no port names (rules N43, N52).
            let ports: Vec<_> = pod
                .ports
                .iter()
                .filter(|port| !pod.host_network && read.port_names.contains(&port.name))
                .cloned()
                .collect();
            let addresses = places::addresses_of(pod, node);
            let mut own = SmallVec::new();
            if addresses.is_empty() {
                own.push(places.add(Place {
                    kind,
                    family: None,
                    atom: None,
                    ports,
                }));
            } else {
                for address in addresses {
                    let place = places.add(Place {
                        kind: kind.clone(),
                        family: Some(crate::model::Family::of(address)),
                        atom: Some(atoms.find(address)),
                        ports: ports.clone(),
                    });
                    if !own.contains(&place) {
                        own.push(place);
                    }
                }
            }
            if !pod.is_finished() && !pod.host_network {
                for address in &pod.addresses {
                    by_address
                        .entry(*address)
                        .and_modify(|held| {
                            if owns_better(pod, other_pod(namespaces, &entries, *held)) {
                                *held = id;
                            }
                        })
                        .or_insert(id);
                }
            }
            entries.push(PodEntry {
                namespace,
                index: u32::try_from(index).expect("fewer than 2^32 pods"),
                places: own,
            });
        }
    }
    (entries, by_address)
}

fn other_pod<'a>(
    namespaces: &'a [Arc<Namespace>],
    entries: &[PodEntry],
    id: PodId,
) -> &'a crate::model::Pod {
    let entry = &entries[id.0 as usize];
    &namespaces[entry.namespace as usize].pods[entry.index as usize]
}

/// Of several live pods that claim one address the running, not terminating one has it (rule N56).
fn owns_better(pod: &crate::model::Pod, other: &crate::model::Pod) -> bool {
    let rank = |p: &crate::model::Pod| (p.phase == crate::model::Phase::Running, !p.terminating);
    rank(pod) > rank(other)
}

fn node_entry(node: &Node, atoms: &Atoms, places: &mut Places) -> NodeEntry {
    let mut at: Vec<(IpAddr, u32)> = Vec::new();
    for address in node
        .addresses
        .iter()
        .chain(&node.internal)
        .chain(&node.tunnels)
    {
        if !at.iter().any(|(known, _)| known == address) {
            let place = places.add(Place {
                kind: PlaceKind::Node,
                family: Some(crate::model::Family::of(*address)),
                atom: Some(atoms.find(*address)),
                ports: Vec::new(),
            });
            at.push((*address, place));
        }
    }
    let of = |addresses: &[IpAddr]| -> SmallVec<[u32; 2]> {
        let mut found = SmallVec::new();
        for address in addresses {
            let place = at
                .iter()
                .find(|(known, _)| known == address)
                .map(|(_, place)| *place);
            if let Some(place) = place.filter(|place| !found.contains(place)) {
                found.push(place);
            }
        }
        found
    };
    let targets = of(if node.internal.is_empty() {
        &node.addresses
    } else {
        &node.internal
    });
    let mut sources = targets.clone();
    for place in of(&node.tunnels) {
        if !sources.contains(&place) {
            sources.push(place);
        }
    }
    NodeEntry {
        at,
        sources,
        targets,
    }
}
