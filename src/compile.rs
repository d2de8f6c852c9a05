//! A cluster made ready for questions: pods in classes that policies cannot tell apart, selectors as sets of such classes, and
//! for each class and direction one guard that says what it lets through.
//!
//! Everything that is true of single objects is worked out here once; the engine only combines, and knows no API by name.

mod cause;
mod chunked;
mod cluster_policy;
pub mod enforcer;
mod lowered;
pub(crate) mod matching;
mod netpol;
pub(crate) mod places;
pub(crate) mod ports;
pub mod profile;
mod set;
mod vocabulary;
mod writer;

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::model::{
    Cluster, ContainerPort, Coverage, Direction, Effect, Labels, Namespace, Pod, Policy, PolicyApi,
};

pub use cause::Cause;
pub(crate) use chunked::Chunked;
pub(crate) use cluster_policy::{Case, Step, Steps, anything, is_acted_on, open_api, steps};
pub(crate) use lowered::{EVERYONE, Interned, Lowered, LoweredRule};
pub(crate) use matching::{Facts, Match, Owner};
pub(crate) use places::{Atoms, NONE, Place, PlaceKind};
pub(crate) use ports::{Mask, PortAtoms, RulePorts, bits_of};
pub use profile::{Profile, ProfileName, Switch, TieBreak};
pub(crate) use set::Set;
pub(crate) use writer::{
    Writer, acts as foreign_acts, is_hidden, scope as foreign_scope, touches as foreign_touches,
};

/// A pod of the cluster, by namespace and name order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PodId(pub(crate) u32);

/// A node, by name order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

/// A policy: those of namespaces by namespace and name order, then the cluster-wide ones in the order of their tiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PolicyId(pub(crate) u32);

/// One for each address family a pod has, or one when its address is not known.
pub(crate) type PodPlaces = SmallVec<[u32; 2]>;

/// One namespace, with all that was worked out for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Space {
    pub(crate) namespace: Arc<Namespace>,
    /// As far as selectors read them.
    labels: vocabulary::Projection,
    /// Whether its labels are known beyond its name.
    pub(crate) labels_known: bool,
    /// Whether its NetworkPolicies could be read.
    pub(crate) policies_readable: bool,
    /// By direction: what policies of other projects may do to its pods.
    pub(crate) foreign: [Option<Effect>; 2],
    /// By pod.
    pub(crate) pods: Vec<PodPlaces>,
    /// By pod: its place where that says all there is to say, a pod with a network of its own and one address that has not finished;
    /// else [`NONE`].
    pub(crate) plain: Vec<u32>,
    /// By policy.
    pub(crate) policies: Vec<Lowered>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct NodeEntry {
    /// A place for each address it has in any way.
    pub(crate) at: Vec<(IpAddr, u32)>,
    /// Places its packets may come from: internal and tunnel addresses.
    pub(crate) sources: SmallVec<[u32; 2]>,
    /// Places others reach it at.
    pub(crate) targets: SmallVec<[u32; 2]>,
}

/// The places a list of peers means for sure, and those it may mean; the second holds the first.
#[derive(Clone, Debug, Default)]
pub(crate) struct PeerSet {
    pub(crate) sure: Set,
    /// `None`: the same.
    possible: Option<Set>,
}

impl PeerSet {
    pub(crate) fn possible(&self) -> &Set {
        self.possible.as_ref().unwrap_or(&self.sure)
    }

    /// The certain members, and the possible ones where these are others.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Set> {
        std::iter::once(&self.sure).chain(self.possible.as_ref())
    }

    /// Certainly, and possibly.
    #[inline]
    pub(crate) fn contains(&self, place: u32) -> (bool, bool) {
        let sure = self.sure.contains(place);
        let possible = sure
            || self
                .possible
                .as_ref()
                .is_some_and(|set| set.contains(place));
        (sure, possible)
    }
}

/// What the pods of one place let through in one direction. Places with equal guards share one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Guard {
    /// Not a pod that policies can select: nothing is enforced at this end.
    pub(crate) no_subject: bool,
    /// A NetworkPolicy certainly isolates it.
    pub(crate) is_isolated: bool,
    /// A NetworkPolicy whose effect is not known may isolate it.
    pub(crate) is_doubtful: bool,
    /// The namespace's policies could not be read.
    pub(crate) is_unreadable: bool,
    /// What policies of other projects may do.
    pub(crate) foreign: Option<Effect>,
    /// What the Baseline tier says, where nothing isolates.
    pub(crate) baseline_applies: BaselineApplies,
    /// What certain rules of NetworkPolicies accept: peers and ports by number, in order.
    pub(crate) accepts: Vec<(u32, u32)>,
    /// The same of rules whose effect is not known.
    pub(crate) may_accept: Vec<(u32, u32)>,
    /// The steps of the Admin tier, by number.
    pub(crate) admin: u32,
    pub(crate) baseline: u32,
}

impl Guard {
    /// Whether everything certainly gets through.
    pub(crate) fn is_open(&self) -> bool {
        self.no_subject
            || !(self.is_isolated
                || self.is_doubtful
                || self.is_unreadable
                || self.foreign.is_some()
                || self.admin != 0
                || self.baseline != 0)
    }
}

/// Whether the Baseline tier is looked at for a pod that no NetworkPolicy isolates in this direction (rule A13).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum BaselineApplies {
    #[default]
    Yes,
    No,
    Perhaps,
}

/// What the engine reads. Clones share all that has not changed since.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) profile: Profile,
    /// By number; numbers are kept while a namespace exists.
    pub(crate) spaces: Chunked<Arc<Space>>,
    /// The numbers of the namespaces there are, by name.
    pub(crate) order: Arc<Vec<u32>>,
    /// By position in that order: the first pod and the first policy; one more at the end for the total.
    pod_starts: Arc<Vec<u32>>,
    /// For every 64th pod: the position of its namespace.
    pod_marks: Arc<Vec<u32>>,
    policy_starts: Arc<Vec<u32>>,
    pub(crate) nodes: Arc<Vec<NodeEntry>>,
    pub(crate) nodes_readable: bool,
    pub(crate) places: Chunked<Place>,
    /// By atom: the place of addresses that are nobody's.
    pub(crate) outside: Arc<Vec<u32>>,
    /// Named ports, by number; 0 is none.
    pub(crate) tables: Chunked<Arc<[ContainerPort]>>,
    pub(crate) atoms: Arc<Atoms>,
    pub(crate) port_atoms: Arc<PortAtoms>,
    pub(crate) ports: Arc<Vec<RulePorts>>,
    pub(crate) sets: Chunked<PeerSet>,
    pub(crate) guards: Chunked<Guard>,
    /// By direction, then place.
    pub(crate) guard_of: [Chunked<u32>; 2],
    /// Steps of a tier, by number; 0 is none.
    pub(crate) tiers: Chunked<Arc<Steps>>,
    pub(crate) cluster_policies: Arc<Vec<Lowered>>,
    /// By cluster-wide policy: where it stands in its tier.
    pub(crate) ranks: Arc<Vec<u32>>,
    pub(crate) hidden: Hidden,
    by_address: Arc<OnceLock<ByAddress>>,
}

/// So many pods share a mark.
const PODS_A_MARK: usize = 64;

type ByAddress = HashMap<IpAddr, PodId, foldhash::fast::FixedState>;

pub(crate) fn slot(direction: Direction) -> usize {
    match direction {
        Direction::Egress => 0,
        Direction::Ingress => 1,
    }
}

impl Compiled {
    /// The namespaces there are, by name.
    pub(crate) fn namespaces(&self) -> impl Iterator<Item = &Arc<Namespace>> {
        self.order
            .iter()
            .map(|space| &self.spaces[*space].namespace)
    }

    pub(crate) fn space(&self, name: &str) -> Option<u32> {
        Some(self.order[self.position(name)?])
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.order
            .binary_search_by(|space| self.spaces[*space].namespace.name.as_str().cmp(name))
            .ok()
    }

    pub(crate) fn pod_count(&self) -> u32 {
        self.pod_starts.last().copied().unwrap_or(0)
    }

    pub(crate) fn policy_count(&self) -> u32 {
        let cluster_wide = u32::try_from(self.cluster_policies.len()).expect("fewer than 2^32");
        self.policy_starts.last().copied().unwrap_or(0) + cluster_wide
    }

    /// The namespace of a pod, and its index there.
    #[inline]
    pub(crate) fn locate(&self, pod: PodId) -> (&Space, usize) {
        // The namespace of a pod shortly before, and from there on.
        let mut position = self.pod_marks[pod.0 as usize / PODS_A_MARK] as usize;
        while self.pod_starts[position + 1] <= pod.0 {
            position += 1;
        }
        let space = &self.spaces[self.order[position]];
        (space, (pod.0 - self.pod_starts[position]) as usize)
    }

    pub(crate) fn places_of_pod(&self, pod: PodId) -> &PodPlaces {
        let (space, index) = self.locate(pod);
        &space.pods[index]
    }

    /// The first pod of a namespace.
    pub(crate) fn first_pod(&self, name: &str) -> Option<u32> {
        Some(self.pod_starts[self.position(name)?])
    }

    /// A policy, its lowered form, and the number of its namespace ([`NONE`] for cluster-wide kinds).
    pub(crate) fn policy(&self, policy: PolicyId) -> (&Policy, &Lowered, u32) {
        let in_namespaces = self.policy_starts.last().copied().unwrap_or(0);
        if policy.0 >= in_namespaces {
            let index = (policy.0 - in_namespaces) as usize;
            return (
                &self.cluster.cluster_policies[index],
                &self.cluster_policies[index],
                NONE,
            );
        }
        let position = self
            .policy_starts
            .partition_point(|start| *start <= policy.0)
            - 1;
        let number = self.order[position];
        let space = &self.spaces[number];
        let index = (policy.0 - self.policy_starts[position]) as usize;
        (
            &space.namespace.policies[index],
            &space.policies[index],
            number,
        )
    }

    /// The policies of a namespace, by number.
    pub(crate) fn policies_of(&self, space: u32) -> impl Iterator<Item = PolicyId> + use<> {
        let position = self.position(&self.spaces[space].namespace.name);
        let (first, last) = match position {
            Some(position) => (
                self.policy_starts[position],
                self.policy_starts[position + 1],
            ),
            None => (0, 0),
        };
        (first..last).map(PolicyId)
    }

    /// The cluster-wide policies, in the order of their tiers.
    pub(crate) fn cluster_wide(&self) -> impl Iterator<Item = PolicyId> + use<> {
        (self.policy_starts.last().copied().unwrap_or(0)..self.policy_count()).map(PolicyId)
    }

    /// Where a cluster-wide policy stands in its tier.
    pub(crate) fn rank(&self, policy: PolicyId) -> u32 {
        let in_namespaces = self.policy_starts.last().copied().unwrap_or(0);
        self.ranks[(policy.0 - in_namespaces) as usize]
    }

    /// The guard of a pod that does not exist is not here: it has no place.
    #[inline]
    pub(crate) fn guard(&self, direction: Direction, place: u32) -> &Guard {
        &self.guards[self.guard_of[slot(direction)][place]]
    }

    /// Live pods by address; a finished pod owns none (rule N55), a host-network pod none either (rule N56).
    pub(crate) fn pod_at(&self, address: IpAddr) -> Option<PodId> {
        let by_address = self.by_address.get_or_init(|| {
            let mut found = ByAddress::default();
            let pods = self
                .namespaces()
                .flat_map(|namespace| namespace.pods.iter());
            let all: Vec<&Pod> = pods.collect();
            for (index, pod) in all.iter().enumerate() {
                if pod.is_finished() || pod.host_network {
                    continue;
                }
                let id = PodId(u32::try_from(index).expect("fewer than 2^32 pods"));
                for address in &pod.addresses {
                    found
                        .entry(*address)
                        .and_modify(|held| {
                            if owns_better(pod, all[held.0 as usize]) {
                                *held = id;
                            }
                        })
                        .or_insert(id);
                }
            }
            found
        });
        by_address.get(&address).copied()
    }

    /// The labels of the node whose address a host-network pod has.
    pub(crate) fn node_labels(&self, pod: &Pod) -> Option<&Labels> {
        self.cluster.node_of(pod).map(|node| &node.labels)
    }
}

/// Cluster-wide kinds that could not be read, by tier.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hidden {
    pub(crate) admin: bool,
    pub(crate) baseline: bool,
}

impl Hidden {
    fn of(coverage: &Coverage, profile: Profile) -> Self {
        let is = |api: PolicyApi, switch: Switch| {
            switch != Switch::No && is_hidden(coverage, api.resource(), None)
        };
        let either = is(PolicyApi::ClusterNetworkPolicy, profile.cluster_policies);
        let older = |api| is(api, profile.admin_policies);
        Self {
            admin: either || older(PolicyApi::AdminNetworkPolicy),
            baseline: either || older(PolicyApi::BaselineAdminNetworkPolicy),
        }
    }
}

impl Compiled {
    /// Settles whether the Baseline tier is looked at. `other` says whether a NetworkPolicy certainly, and possibly, selects the pod
    /// for the other direction.
    pub(crate) fn baseline_scope(
        &self,
        guard: &mut Guard,
        other: (bool, bool),
        has_no_baseline: bool,
    ) {
        guard.baseline_applies = match self.profile.baseline_ends_for_both {
            // Without a Baseline tier it makes no difference.
            _ if has_no_baseline => BaselineApplies::Yes,
            Switch::Yes if other.0 => BaselineApplies::No,
            Switch::Yes | Switch::Open if other.1 => BaselineApplies::Perhaps,
            _ => BaselineApplies::Yes,
        };
    }
}

/// Of several live pods that claim one address the running, not terminating one has it (rule N56).
fn owns_better(pod: &Pod, other: &Pod) -> bool {
    let rank = |p: &Pod| (p.phase == crate::model::Phase::Running, !p.terminating);
    rank(pod) > rank(other)
}
