//! Verdicts: may one end open a connection to another, and which line of policy says so.
//!
//! A question is about the first packet of a connection; replies are never judged (rule E1). Both ends are always worked out,
//! so that a reader sees the second obstacle too (rule E4). What cannot be known is [`Verdict::Unknown`] with its cause, never
//! a guess. There is one evaluator: probes, tables, graphs and findings all ask this one.

mod answer;
pub mod expand;
pub mod explain;
pub mod groups;
mod judge;

use std::net::IpAddr;
use std::sync::Arc;

use crate::compile::{Compiled, slot};
use crate::model::{
    AddressSet, Cluster, Direction, Family, Namespace, Node, Pod, Policy, PortSet, Protocol,
    Resource, Service, Workload,
};

pub use crate::compile::netpol::Cause;
pub use crate::compile::{NodeId, PodId, PolicyId, Profile, ProfileName};
pub use answer::{Allowed, Entity, Hypothetical, Isolation, Reason, Verdict};
pub use expand::{Expansion, Front, Target, Way};
pub use explain::{Explanation, Fail, Limit, Nearest, PeerMiss, RuleId, Side};
pub use groups::{Group, Groups};

/// The evaluator for one cluster and one profile. Immutable; building it is the expensive part.
pub struct Engine {
    pub(crate) compiled: Compiled,
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

    /// Whether something that could not be read, or that an API server would refuse, may change what is let through.
    pub fn in_doubt(&self, direction: Direction, entity: &Entity) -> bool {
        let spots = self.spots(entity, direction == Direction::Egress);
        spots.first().is_some_and(|spot| {
            let guard = self.guard(direction, spot);
            guard.unreadable || !guard.doubtful.is_empty()
        })
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
                        if !judge::families_meet(own.place.family, place.family) {
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

    /// Rule N49 where nodes may not be read: the pod's own status names its node's address.
    #[test]
    fn the_own_node_is_known_from_the_pod_alone() {
        let (cluster, _) = manifests::parse(
            "t",
            "{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: x}, spec: {nodeName: n1}, status: {phase: Running, podIP: 10.0.1.1, hostIP: 192.168.0.11}}
---
{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: deny, namespace: x}, spec: {}}",
        );
        let engine = Engine::build(&Arc::new(cluster), Profile::spec());
        let to = Entity::Pod(engine.find_pod("x", "a").unwrap());
        for (address, expected) in [
            ("192.168.0.11", Verdict::Allow),
            ("192.168.0.12", Verdict::Deny),
        ] {
            let from = engine.entity_at(address.parse().unwrap());
            assert_eq!(
                engine.verdict(&from, &to, Protocol::Tcp, 80),
                expected,
                "{address}"
            );
            assert_eq!(
                engine.explain(&from, &to, Protocol::Tcp, 80).verdict,
                expected,
                "{address}"
            );
        }
    }
}
