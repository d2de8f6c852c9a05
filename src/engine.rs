//! Verdicts: may one end open a connection to another, and which line of policy says so.
//!
//! A question is about the first packet of a connection; replies are never judged (rule E1). Both ends are always worked out,
//! so that a reader sees the second obstacle too (rule E4). What cannot be known is [`Verdict::Unknown`] with its cause, never
//! a guess. There is one evaluator: probes, tables, graphs and findings all ask this one.

pub mod expand;
pub mod explain;
pub mod groups;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::compile::{Compiled, Guard, Match, Place, PlaceKind, Switch, slot};
use crate::model::{
    AddressSet, Cluster, ContainerPort, Direction, Family, Labels, Namespace, Node, Pod, Policy,
    PortSet, Protocol, Resource, Service, Workload,
};

pub use crate::compile::netpol::Cause;
pub use crate::compile::{NodeId, PodId, PolicyId, Profile, ProfileName};
pub use expand::{Expansion, Target};
pub use explain::{Explanation, Fail, Limit, Nearest, PeerMiss, RuleId, Side};
pub use groups::{Group, Groups};

/// One end of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entity {
    Pod(PodId),
    Node(NodeId),
    /// One address of a pod that has several: only its family counts (rule N59).
    PodAt(PodId, IpAddr),
    /// One address of a node that has several: blocks see this one (rule N35).
    NodeAt(NodeId, IpAddr),
    /// An address that is no pod's and no node's; see [`Engine::entity_at`].
    Address(IpAddr),
    /// A pod that does not exist: what would hold if it did.
    Hypothetical(Arc<Hypothetical>),
}

/// A pod as it might be. Its address is not known, so blocks may or may not match it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hypothetical {
    pub namespace: String,
    pub labels: Labels,
    pub ports: Vec<ContainerPort>,
}

/// The four answers. `Deny` and `Allow` are certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    Allow,
    Deny,
    Unknown,
    /// No policy is to blame: no address, no common family, a finished pod.
    Unreachable,
}

impl Entity {
    /// The pod it is, by whichever address.
    pub fn pod(&self) -> Option<PodId> {
        match self {
            Self::Pod(id) | Self::PodAt(id, _) => Some(*id),
            _ => None,
        }
    }

    /// The same without the choice of an address.
    #[must_use]
    pub fn whole(&self) -> Self {
        match self {
            Self::PodAt(id, _) => Self::Pod(*id),
            Self::NodeAt(id, _) => Self::Node(*id),
            other => other.clone(),
        }
    }

    /// The node it is, by whichever address.
    pub fn node(&self) -> Option<NodeId> {
        match self {
            Self::Node(id) | Self::NodeAt(id, _) => Some(*id),
            _ => None,
        }
    }
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Unknown => "unknown",
            Self::Unreachable => "unreachable",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why, in one stable word (rule E15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    NotIsolated,
    RuleAllow,
    SelfTraffic,
    OwnNode,
    HostNetworkSubject,
    NoEnforcementAtExternal,
    IsolatedNoMatch,
    ProfileUndefined,
    AddressUnknown,
    Unreadable,
    NotLoaded,
    PairsDiffer,
    HairpinUndefined,
    FqdnUnknown,
    NoServicePort,
    NoEndpoints,
    NoAddress,
    NoCommonFamily,
    LocalOnly,
    PodFinished,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotIsolated => "not-isolated",
            Self::RuleAllow => "rule-allow",
            Self::SelfTraffic => "self-traffic",
            Self::OwnNode => "own-node",
            Self::HostNetworkSubject => "host-network-subject",
            Self::NoEnforcementAtExternal => "no-enforcement-at-external",
            Self::IsolatedNoMatch => "isolated-no-match",
            Self::ProfileUndefined => "profile-undefined",
            Self::AddressUnknown => "address-unknown",
            Self::Unreadable => "unreadable",
            Self::NotLoaded => "not-loaded",
            Self::PairsDiffer => "pairs-differ",
            Self::HairpinUndefined => "hairpin-undefined",
            Self::FqdnUnknown => "fqdn-unknown",
            Self::NoServicePort => "no-service-port",
            Self::NoEndpoints => "no-endpoints",
            Self::NoAddress => "no-address",
            Self::NoCommonFamily => "no-common-family",
            Self::LocalOnly => "local-only",
            Self::PodFinished => "pod-finished",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The ports that certainly get through, and those that may; the second holds the first.
///
/// A port in both is [`Verdict::Allow`], in neither [`Verdict::Deny`], only possible [`Verdict::Unknown`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Allowed {
    pub sure: PortSet,
    pub possible: PortSet,
}

impl Allowed {
    pub fn everything() -> Self {
        Self {
            sure: PortSet::all(),
            possible: PortSet::all(),
        }
    }

    pub fn nothing() -> Self {
        Self {
            sure: PortSet::empty(),
            possible: PortSet::empty(),
        }
    }

    /// What passes two gates in a row.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            sure: self.sure.intersection(&other.sure),
            possible: self.possible.intersection(&other.possible),
        }
    }

    /// What can be said of several cases together: certain only where all agree.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        Self {
            sure: self.sure.intersection(&other.sure),
            possible: self.possible.union(&other.possible),
        }
    }

    pub fn verdict(&self, protocol: Protocol, port: u16) -> Verdict {
        if self.sure.contains(protocol, port) {
            Verdict::Allow
        } else if self.possible.contains(protocol, port) {
            Verdict::Unknown
        } else {
            Verdict::Deny
        }
    }

    /// The ports of which it is not known.
    pub fn unknown(&self) -> PortSet {
        self.possible.difference(&self.sure)
    }
}

/// The evaluator for one cluster and one profile. Immutable; building it is the expensive part.
pub struct Engine {
    pub(crate) compiled: Compiled,
}

/// Where an entity stands for policies: one place for each address family.
pub(crate) struct Spot<'a> {
    place: std::borrow::Cow<'a, Place>,
    index: Option<u32>,
}

impl Engine {
    /// Compiles the cluster. Time grows with pods, policies, and distinct peers times distinct pods.
    pub fn build(cluster: &Arc<Cluster>, profile: Profile) -> Self {
        Self {
            compiled: Compiled::new(cluster, profile),
        }
    }

    pub fn cluster(&self) -> &Arc<Cluster> {
        &self.compiled.cluster
    }

    pub fn profile(&self) -> Profile {
        self.compiled.profile
    }

    /// Every pod, by namespace and name.
    pub fn pods(&self) -> impl ExactSizeIterator<Item = PodId> + use<> {
        (0..u32::try_from(self.compiled.pods.len()).expect("fewer than 2^32 pods")).map(PodId)
    }

    /// Every node, by name.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = NodeId> + use<> {
        (0..u32::try_from(self.compiled.nodes.len()).expect("fewer than 2^32 nodes")).map(NodeId)
    }

    pub fn namespace_of(&self, pod: PodId) -> &Arc<Namespace> {
        &self.compiled.namespaces[self.compiled.pods[pod.0 as usize].namespace as usize]
    }

    pub fn pod(&self, pod: PodId) -> &Pod {
        &self.namespace_of(pod).pods[self.compiled.pods[pod.0 as usize].index as usize]
    }

    pub fn workload_of(&self, pod: PodId) -> &Workload {
        &self.namespace_of(pod).workloads[self.pod(pod).workload]
    }

    pub fn node(&self, node: NodeId) -> &Node {
        &self.compiled.cluster.nodes[node.0 as usize]
    }

    pub fn policy(&self, policy: PolicyId) -> &Policy {
        let entry = &self.compiled.policies[policy.0 as usize];
        &self.compiled.namespaces[entry.namespace as usize].policies[entry.index as usize]
    }

    pub fn policies(&self) -> impl ExactSizeIterator<Item = PolicyId> + use<> {
        (0..u32::try_from(self.compiled.policies.len()).expect("fewer than 2^32 policies"))
            .map(PolicyId)
    }

    pub fn find_pod(&self, namespace: &str, name: &str) -> Option<PodId> {
        let wanted = self.compiled.namespace_index(namespace)?;
        self.pods().find(|id| {
            self.compiled.pods[id.0 as usize].namespace == wanted && self.pod(*id).name == name
        })
    }

    pub fn find_node(&self, name: &str) -> Option<NodeId> {
        let found = self
            .compiled
            .cluster
            .nodes
            .binary_search_by(|node| node.name.as_str().cmp(name))
            .ok()?;
        u32::try_from(found).ok().map(NodeId)
    }

    /// The pods of a workload, by name.
    pub fn pods_of(&self, workload: &Workload) -> Vec<PodId> {
        let Some(namespace) = self.compiled.namespace_index(&workload.namespace) else {
            return Vec::new();
        };
        let start = self
            .compiled
            .pods
            .partition_point(|pod| pod.namespace < namespace);
        workload
            .pods
            .iter()
            .filter_map(|index| u32::try_from(start + index).ok())
            .map(PodId)
            .collect()
    }

    /// What an address belongs to: a live pod, a node, else itself. A finished pod's address is nobody's (rule N55).
    ///
    /// Of a pod or node with several addresses it is that one address that is meant.
    pub fn entity_at(&self, address: IpAddr) -> Entity {
        if let Some(pod) = self.compiled.by_address.get(&address) {
            return if self.pod(*pod).addresses.len() > 1 {
                Entity::PodAt(*pod, address)
            } else {
                Entity::Pod(*pod)
            };
        }
        for node in self.nodes() {
            if self.node(node).owns(address) {
                return if self.compiled.nodes[node.0 as usize].at.len() > 1 {
                    Entity::NodeAt(node, address)
                } else {
                    Entity::Node(node)
                };
            }
        }
        Entity::Address(address)
    }

    /// The whole address space in pieces that no policy can tell apart: equal pieces are one set. IPv4 and IPv6 never mix.
    ///
    /// Ordered by first address. Without any block there is one piece a family.
    pub fn outside(&self) -> Vec<AddressSet> {
        let mut groups: std::collections::BTreeMap<
            (Family, Vec<bool>),
            Vec<crate::model::IpRange>,
        > = std::collections::BTreeMap::default();
        for (index, range) in self.compiled.atoms.ranges().iter().enumerate() {
            let place =
                self.compiled.outside + u32::try_from(index).expect("fewer than 2^32 ranges");
            let member: Vec<bool> = self
                .compiled
                .sets
                .iter()
                .map(|set| set.sure.contains(place))
                .collect();
            groups
                .entry((range.family(), member))
                .or_default()
                .push(*range);
        }
        let mut sets: Vec<AddressSet> = groups
            .into_values()
            .map(|ranges| ranges.into_iter().collect())
            .collect();
        sets.sort_by_key(|set: &AddressSet| set.first());
        sets
    }

    /// The verdict for one port. Port 0 does not exist and is denied.
    pub fn verdict(&self, from: &Entity, to: &Entity, protocol: Protocol, port: u16) -> Verdict {
        if self.unreachable(from, to).is_some() {
            return Verdict::Unreachable;
        }
        self.allowed(from, to).verdict(protocol, port)
    }

    /// What both ends together let through, on every port at once. Says nothing about [`Verdict::Unreachable`].
    pub fn allowed(&self, from: &Entity, to: &Entity) -> Allowed {
        if self.is_self(from, to) {
            return Allowed::everything();
        }
        let mut all: Option<Allowed> = None;
        for (a, b) in self.spot_pairs(from, to) {
            let one = self
                .gate(Direction::Egress, from, &a, to, &b)
                .and(&self.gate(Direction::Ingress, to, &b, from, &a));
            all = Some(match all {
                Some(before) => before.merge(&one),
                None => one,
            });
        }
        all.unwrap_or_else(Allowed::nothing)
    }

    /// What one end lets through in one direction, whatever the other end says.
    pub fn side(&self, direction: Direction, subject: &Entity, peer: &Entity) -> Allowed {
        let (from, to) = match direction {
            Direction::Egress => (subject, peer),
            Direction::Ingress => (peer, subject),
        };
        if self.is_self(from, to) {
            return Allowed::everything();
        }
        let mut all: Option<Allowed> = None;
        for (a, b) in self.spot_pairs(from, to) {
            let one = match direction {
                Direction::Egress => self.gate(direction, from, &a, to, &b),
                Direction::Ingress => self.gate(direction, to, &b, from, &a),
            };
            all = Some(match all {
                Some(before) => before.merge(&one),
                None => one,
            });
        }
        all.unwrap_or_else(Allowed::nothing)
    }

    /// Whether policies isolate an entity in a direction: `Deny` certainly, `Allow` certainly not, else `Unknown`.
    pub fn isolation(&self, direction: Direction, entity: &Entity) -> Isolation {
        let spots = self.spots(entity, direction == Direction::Egress);
        let Some(spot) = spots.first() else {
            return Isolation::Open;
        };
        let guard = self.guard(direction, spot);
        if guard.no_subject {
            Isolation::NoSubject
        } else if !guard.policies.is_empty() {
            Isolation::Isolated
        } else if guard.unreadable || !guard.doubtful.is_empty() {
            Isolation::Unknown
        } else {
            Isolation::Open
        }
    }

    /// The policies that certainly isolate an entity in a direction, by name.
    pub fn isolated_by(&self, direction: Direction, entity: &Entity) -> Vec<PolicyId> {
        let spots = self.spots(entity, direction == Direction::Egress);
        spots
            .first()
            .map(|spot| self.guard(direction, spot).policies.clone())
            .unwrap_or_default()
    }

    /// Why no connection can even be tried, if so: a finished pod, no address, no common family.
    pub fn unreachable(&self, from: &Entity, to: &Entity) -> Option<Reason> {
        for end in [from, to] {
            if let Some(id) = end.pod() {
                let pod = self.pod(id);
                if pod.is_finished() {
                    return Some(Reason::PodFinished);
                }
                if !pod.stands_in && pod.addresses.is_empty() && self.addresses_of(id).is_empty() {
                    return Some(Reason::NoAddress);
                }
            }
        }
        if !self.is_self(from, to) && self.spot_pairs(from, to).is_empty() {
            let known = !self.spots(from, true).is_empty() && !self.spots(to, false).is_empty();
            return Some(if known {
                Reason::NoCommonFamily
            } else {
                Reason::NoAddress
            });
        }
        None
    }

    fn addresses_of(&self, pod: PodId) -> Vec<IpAddr> {
        let pod = self.pod(pod);
        let node = pod
            .node
            .as_deref()
            .and_then(|name| self.compiled.cluster.node(name));
        crate::compile::places::addresses_of(pod, node)
    }

    /// A pod always reaches itself (rule N48). A template that stands for several pods is not one pod.
    pub(crate) fn is_self(&self, from: &Entity, to: &Entity) -> bool {
        match (from.pod(), to.pod(), from.node(), to.node()) {
            (Some(a), Some(b), _, _) => a == b && self.pod(a).count <= 1,
            (_, _, Some(a), Some(b)) => a == b,
            _ => matches!((from, to), (Entity::Address(a), Entity::Address(b)) if a == b),
        }
    }

    fn spots(&self, entity: &Entity, is_source: bool) -> SmallVec<[Spot<'_>; 2]> {
        let at = |index: &u32| Spot {
            place: std::borrow::Cow::Borrowed(&self.compiled.places[*index as usize]),
            index: Some(*index),
        };
        match entity {
            Entity::Pod(id) => self.compiled.pods[id.0 as usize]
                .places
                .iter()
                .map(at)
                .collect(),
            Entity::Node(id) => {
                let node = &self.compiled.nodes[id.0 as usize];
                if is_source {
                    node.sources.iter().map(at).collect()
                } else {
                    node.targets.iter().map(at).collect()
                }
            }
            Entity::PodAt(id, address) => self.compiled.pods[id.0 as usize]
                .places
                .iter()
                .filter(|index| {
                    self.compiled.places[**index as usize].family == Some(Family::of(*address))
                })
                .map(at)
                .collect(),
            Entity::NodeAt(id, address) => self.compiled.nodes[id.0 as usize]
                .at
                .iter()
                .filter(|(known, _)| known == address)
                .map(|(_, index)| at(index))
                .collect(),
            Entity::Address(address) => {
                let index = self.compiled.outside + self.compiled.atoms.find(*address);
                std::iter::once(at(&index)).collect()
            }
            Entity::Hypothetical(pod) => {
                let Some(namespace) = self.compiled.namespace_index(&pod.namespace) else {
                    return SmallVec::new();
                };
                std::iter::once(Spot {
                    place: std::borrow::Cow::Owned(Place {
                        kind: PlaceKind::Pod {
                            namespace,
                            labels: pod.labels.clone(),
                        },
                        family: None,
                        atom: None,
                        ports: pod.ports.clone(),
                    }),
                    index: None,
                })
                .collect()
            }
        }
    }

    /// The places an entity has, for groups.
    pub(crate) fn places_of(&self, entity: &Entity) -> Vec<u32> {
        self.spots(entity, true)
            .iter()
            .filter_map(|spot| spot.index)
            .collect()
    }

    /// The pairs of places that share a family (rule N59).
    pub(crate) fn spot_pairs(&self, from: &Entity, to: &Entity) -> Vec<(Spot<'_>, Spot<'_>)> {
        let mut pairs = Vec::new();
        for a in self.spots(from, true) {
            for b in self.spots(to, false) {
                if families_meet(a.place.family, b.place.family) {
                    pairs.push((
                        Spot {
                            place: a.place.clone(),
                            index: a.index,
                        },
                        b,
                    ));
                }
            }
        }
        pairs
    }

    pub(crate) fn guard(
        &self,
        direction: Direction,
        spot: &Spot<'_>,
    ) -> std::borrow::Cow<'_, Guard> {
        match (spot.index, &spot.place.kind) {
            (Some(index), _) => std::borrow::Cow::Borrowed(
                &self.compiled.guards
                    [self.compiled.guard_of[slot(direction)][index as usize] as usize],
            ),
            (None, PlaceKind::Pod { namespace, labels }) => {
                std::borrow::Cow::Owned(self.compiled.guard_for(direction, *namespace, labels))
            }
            (None, _) => std::borrow::Cow::Owned(Guard {
                no_subject: true,
                ..Guard::default()
            }),
        }
    }

    /// One end's opinion, the special cases of nodes included.
    fn gate(
        &self,
        direction: Direction,
        subject: &Entity,
        spot: &Spot<'_>,
        peer: &Entity,
        peer_spot: &Spot<'_>,
    ) -> Allowed {
        let by_policy = self.judge(direction, spot, peer_spot);
        match self.node_rule(direction, subject, peer) {
            NodeRule::Always => Allowed::everything(),
            NodeRule::Perhaps(_) => Allowed {
                sure: by_policy.sure,
                possible: PortSet::all(),
            },
            NodeRule::None => by_policy,
        }
    }

    /// What policies say of one pair of places.
    pub(crate) fn judge(&self, direction: Direction, spot: &Spot<'_>, peer: &Spot<'_>) -> Allowed {
        let guard = self.guard(direction, spot);
        if guard.no_subject {
            return Allowed::everything();
        }
        let open = guard.policies.is_empty();
        if open && guard.doubtful.is_empty() && !guard.unreadable {
            return Allowed::everything();
        }
        let ports = match direction {
            Direction::Egress => &peer.place.ports,
            Direction::Ingress => &spot.place.ports,
        };
        let mut allowed = Allowed::nothing();
        if open || guard.unreadable {
            // Nothing that was read isolates it, something that could not be read may.
            allowed.possible = PortSet::all();
        }
        for (policies, certain) in [(&guard.policies, true), (&guard.doubtful, false)] {
            for id in policies {
                let policy = &self.compiled.policies[id.0 as usize];
                for (index, rule) in policy.rules[slot(direction)].iter().flatten().enumerate() {
                    let (sure, possible) = self.peer_admits(*id, direction, index, rule, peer);
                    if !possible {
                        continue;
                    }
                    let (sure_ports, possible_ports) = rule.ports.at(ports, self.compiled.profile);
                    if sure && certain {
                        allowed.sure = allowed.sure.union(&sure_ports);
                    }
                    allowed.possible = allowed.possible.union(&possible_ports);
                }
            }
        }
        allowed.possible = allowed.possible.union(&allowed.sure);
        allowed
    }

    /// Whether a rule's peers mean a place: certainly, possibly.
    fn peer_admits(
        &self,
        policy: PolicyId,
        direction: Direction,
        index: usize,
        rule: &crate::compile::CompiledRule,
        peer: &Spot<'_>,
    ) -> (bool, bool) {
        let Some(set) = rule.peers else {
            return (true, true);
        };
        if let Some(place) = peer.index {
            let set = &self.compiled.sets[set as usize];
            return (set.sure.contains(place), set.possible.contains(place));
        }
        let (mut sure, mut possible) = (false, false);
        let rules = self.policy(policy).rules(direction).unwrap_or_default();
        if let Some(crate::model::Peers::AnyOf(items)) = rules.get(index).map(|rule| &rule.peers) {
            let own = self.compiled.policies[policy.0 as usize].namespace;
            for item in items {
                match self.compiled.peer_matches(&item.peer, own, &peer.place) {
                    Match::Yes => (sure, possible) = (true, true),
                    Match::Maybe(_) => possible = true,
                    Match::No => {}
                }
            }
        }
        (sure, possible)
    }

    /// Traffic between a pod and its node is no business of policy (rules N49 and N51).
    pub(crate) fn node_rule(
        &self,
        direction: Direction,
        subject: &Entity,
        peer: &Entity,
    ) -> NodeRule {
        let own_node = match (subject, subject.pod()) {
            (_, Some(id)) if self.pod(id).host_network => return NodeRule::None,
            (_, Some(id)) => self.pod(id).node.as_deref(),
            // A pod that does not exist might run anywhere.
            (Entity::Hypothetical(_), _) => None,
            _ => return NodeRule::None,
        };
        let peer_node = match (peer.node(), peer.pod()) {
            (Some(node), _) => Some(self.node(node).name.as_str()),
            (_, Some(pod)) if self.pod(pod).host_network => self.pod(pod).node.as_deref(),
            _ => return NodeRule::None,
        };
        let same = match (own_node, peer_node) {
            (Some(a), Some(b)) => Some(a == b),
            _ => None,
        };
        match (same, direction) {
            (Some(false), _) => NodeRule::None,
            (Some(true), Direction::Ingress) => NodeRule::Always,
            (None, Direction::Ingress) => NodeRule::Perhaps(Cause::NodeUnknown),
            (same, Direction::Egress) => match (self.compiled.profile.own_node_egress, same) {
                (Switch::No, _) => NodeRule::None,
                (Switch::Yes, Some(_)) => NodeRule::Always,
                (Switch::Yes, None) => NodeRule::Perhaps(Cause::NodeUnknown),
                (Switch::Open, _) => NodeRule::Perhaps(Cause::OwnNodeEgress),
            },
        }
    }

    /// The ports on which some rule at the subject names the peer: by selector or single address, not as "everyone", "every
    /// pod" or a range. Only rules that certainly apply.
    pub fn named(&self, direction: Direction, subject: &Entity, peer: &Entity) -> PortSet {
        let (from, to) = match direction {
            Direction::Egress => (subject, peer),
            Direction::Ingress => (peer, subject),
        };
        let mut named = PortSet::empty();
        for (a, b) in self.spot_pairs(from, to) {
            let (own, other) = if direction == Direction::Egress {
                (a, b)
            } else {
                (b, a)
            };
            let Some(place) = other.index else { continue };
            let ports = if direction == Direction::Egress {
                &other.place.ports
            } else {
                &own.place.ports
            };
            for id in &self.guard(direction, &own).policies {
                for rule in self.compiled.policies[id.0 as usize].rules[slot(direction)]
                    .iter()
                    .flatten()
                {
                    if rule
                        .named
                        .is_some_and(|set| self.compiled.sets[set as usize].sure.contains(place))
                    {
                        named = named.union(&rule.ports.at(ports, self.compiled.profile).0);
                    }
                }
            }
        }
        named
    }

    /// The same for all peers at once: every place that a rule at the subject names, with its ports.
    pub(crate) fn named_places(
        &self,
        direction: Direction,
        subject: &Entity,
    ) -> std::collections::BTreeMap<u32, PortSet> {
        let mut named: std::collections::BTreeMap<u32, PortSet> =
            std::collections::BTreeMap::default();
        let profile = self.compiled.profile;
        for own in self.spots(subject, direction == Direction::Egress) {
            for id in &self.guard(direction, &own).policies {
                let rules = self.compiled.policies[id.0 as usize].rules[slot(direction)].iter();
                for (rule, set) in rules.flatten().filter_map(|rule| Some((rule, rule.named?))) {
                    // Names in egress rules are looked up at each peer.
                    let shared = (direction == Direction::Ingress || rule.ports.names.is_empty())
                        .then(|| rule.ports.at(&own.place.ports, profile).0);
                    for index in self.compiled.sets[set as usize].sure.iter() {
                        let place = &self.compiled.places[index as usize];
                        if !families_meet(own.place.family, place.family) {
                            continue;
                        }
                        let ports = match &shared {
                            Some(shared) => shared.clone(),
                            None => rule.ports.at(&place.ports, profile).0,
                        };
                        if ports.is_empty() {
                            continue;
                        }
                        let entry = named.entry(index).or_default();
                        *entry = entry.union(&ports);
                    }
                }
            }
        }
        named
    }

    /// The rules of a policy in a direction, each with the ports it certainly means for an entity it selects: names in ingress
    /// rules are looked up at that entity, names in egress rules belong to destinations and are left out.
    pub fn rules_with_ports(
        &self,
        policy: PolicyId,
        direction: Direction,
        subject: &Entity,
    ) -> Vec<(&crate::model::Rule, PortSet)> {
        let lowered = &self.compiled.policies[policy.0 as usize].rules[slot(direction)];
        let rules = self.policy(policy).rules(direction).unwrap_or_default();
        let spots = self.spots(subject, direction == Direction::Egress);
        let declared = match (direction, spots.first()) {
            (Direction::Ingress, Some(spot)) => spot.place.ports.as_slice(),
            _ => &[],
        };
        rules
            .iter()
            .zip(lowered.iter().flatten())
            .map(|(rule, lowered)| (rule, lowered.ports.at(declared, self.compiled.profile).0))
            .collect()
    }

    /// A key that is equal for entities which policies cannot tell apart.
    pub fn likeness(&self, entity: &Entity) -> (u8, u32, u32) {
        match entity {
            Entity::Pod(id) => {
                let places = &self.compiled.pods[id.0 as usize].places;
                (0, places[0], places.get(1).copied().unwrap_or(u32::MAX))
            }
            Entity::Node(id) => (1, id.0, 0),
            Entity::Address(address) => (2, self.compiled.atoms.find(*address), 0),
            Entity::Hypothetical(_) => (3, 0, 0),
            Entity::PodAt(..) => {
                let spot = self.spots(entity, true).first().and_then(|spot| spot.index);
                (0, spot.unwrap_or(u32::MAX), u32::MAX)
            }
            Entity::NodeAt(id, address) => (4, id.0, self.compiled.atoms.find(*address)),
        }
    }

    /// Whether the pods of a namespace could be read at all.
    pub fn pods_readable(&self, namespace: &str) -> bool {
        self.compiled
            .cluster
            .coverage
            .is_readable(Resource::Pods, Some(namespace))
    }

    /// The Service at a virtual address, if any.
    pub fn service_at(&self, address: IpAddr) -> Option<&Service> {
        let services = self.compiled.namespaces.iter().flat_map(|ns| &ns.services);
        services
            .into_iter()
            .find(|service| service.cluster_ips.contains(&address))
    }
}

/// Whether policies act on an entity in a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Isolation {
    /// At least one policy selects it.
    Isolated,
    /// None does: everything is let through.
    Open,
    /// Something that could not be read may isolate it.
    Unknown,
    /// Not a thing policies select: a node, an outside address, a host-network pod.
    NoSubject,
}

pub(crate) enum NodeRule {
    Always,
    Perhaps(Cause),
    None,
}

pub(crate) fn families_meet(a: Option<Family>, b: Option<Family>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::manifests;

    /// One world as text, one connection, and the whole answer in one line.
    fn check(world: &str, from: (&str, &str), to: (&str, &str), port: u16, expected: &str) {
        let (cluster, told) = manifests::parse("t", world);
        assert!(told.is_empty(), "{told:?}");
        let engine = Engine::build(&Arc::new(cluster), Profile::spec());
        let end = |(namespace, name): (&str, &str)| {
            Entity::Pod(
                engine
                    .find_pod(namespace, name)
                    .unwrap_or_else(|| panic!("no pod {namespace}/{name}")),
            )
        };
        let why = engine.explain(&end(from), &end(to), Protocol::Tcp, port);
        let side = |side: &Side| {
            let policies: Vec<_> = side
                .isolated_by
                .iter()
                .map(|id| engine.policy(*id).name.clone())
                .collect();
            let rules: Vec<_> = side
                .decided_by
                .iter()
                .map(|id| format!("{} {}", engine.policy(id.policy).name, id.path()))
                .collect();
            let nearest = side.nearest.as_ref().map(|n| {
                let fails: Vec<_> = n.fails.iter().map(|f| f.as_str()).collect();
                format!(
                    " nearest {} {} fails {}",
                    engine.policy(n.rule.policy).name,
                    n.rule.path(),
                    fails.join("+")
                )
            });
            format!(
                "{} by [{}] rules [{}]{}",
                side.verdict,
                policies.join(","),
                rules.join(","),
                nearest.unwrap_or_default()
            )
        };
        let line = format!(
            "{} {} | egress {} | ingress {}",
            why.verdict,
            why.reason,
            side(&why.egress),
            side(&why.ingress)
        );
        assert_eq!(line, expected);
        assert_eq!(
            engine.verdict(&end(from), &end(to), Protocol::Tcp, port),
            why.verdict,
            "verdict and explanation differ"
        );
    }

    const WORLD: &str = "
{kind: Namespace, apiVersion: v1, metadata: {name: x}}
---
{kind: Namespace, apiVersion: v1, metadata: {name: y, labels: {team: y}}}
---
{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: x, labels: {app: a}}, status: {phase: Running, podIPs: [{ip: 10.0.1.1}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: b, namespace: y, labels: {app: b}}, status: {phase: Running, podIPs: [{ip: 10.0.2.1}]}}
---
{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: deny, namespace: x}, spec: {podSelector: {}}}
---
{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: from-y, namespace: x}, spec: {podSelector: {matchLabels: {app: a}}, ingress: [{from: [{podSelector: {}}, {namespaceSelector: {matchLabels: {team: y}}}], ports: [{port: 80}]}]}}
";

    #[test]
    fn the_rule_that_lets_through_is_named_down_to_its_peer() {
        check(
            WORLD,
            ("y", "b"),
            ("x", "a"),
            80,
            "allow rule-allow | egress allow by [] rules [] | ingress allow by [deny,from-y] rules [from-y spec.ingress[0].from[1]]",
        );
    }

    #[test]
    fn a_denial_names_who_isolates_and_the_rule_that_comes_nearest() {
        check(
            WORLD,
            ("y", "b"),
            ("x", "a"),
            81,
            "deny isolated-no-match | egress allow by [] rules [] | ingress deny by [deny,from-y] rules [] nearest from-y spec.ingress[0].from[1] fails port",
        );
    }

    #[test]
    fn what_nobody_isolates_is_open() {
        check(
            WORLD,
            ("x", "a"),
            ("y", "b"),
            80,
            "allow not-isolated | egress allow by [] rules [] | ingress allow by [] rules []",
        );
    }
}
