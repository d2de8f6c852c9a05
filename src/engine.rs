//! Verdicts: may one end open a connection to another, and which line of policy says so.
//!
//! A question is about the first packet of a connection; replies are never judged (rule E1). Both ends are always worked out,
//! so that a reader sees the second obstacle too (rule E4). What cannot be known is [`Verdict::Unknown`] with its cause, never
//! a guess. There is one evaluator: probes, tables, graphs and findings all ask this one.

mod answer;
mod chain;
pub mod expand;
pub mod explain;
pub mod groups;
pub mod incremental;
mod judge;
pub mod matrix;
mod outside;
pub mod ways;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use crate::compile::{Compiled, LoweredRule, Mask, NONE, PlaceKind, Switch, Writer, slot};
use crate::model::{
    Action, Cluster, Direction, Namespace, Node, Pod, PortSet, Protocol, Resource, Service,
    Workload,
};

use chain::{Outcome, combine_one};
use judge::Spot;

pub use crate::compile::{Cause, NodeId, PodId, PolicyId, Profile, ProfileName};
pub use answer::{Allowed, Entity, Hypothetical, Isolation, Reason, Verdict};
pub use expand::{Expansion, Front, Target, Way};
pub use explain::{Explanation, Fail, Limit, Nearest, PeerMiss, RuleId, Side};
pub use groups::{Group, Groups};
pub use incremental::Incremental;
pub use matrix::Matrix;
pub use ways::{SeenAs, Through, WayIn, WayKind, WayObject, WayTls, WayTo};

/// The evaluator for one cluster and one profile. Immutable; building it is the expensive part, clones share what they can.
#[derive(Clone)]
pub struct Engine {
    pub(crate) compiled: Compiled,
    /// For matrices; made when the first is asked for.
    classes: OnceLock<Arc<matrix::Classes>>,
}

impl Engine {
    /// Compiles the cluster: time grows with the number of pods and policies, and with what selectors match. To follow a cluster that
    /// changes, see [`Incremental`].
    pub fn build(cluster: &Arc<Cluster>, profile: Profile) -> Self {
        Self::over(Writer::new(cluster, profile).into_compiled())
    }

    fn over(compiled: Compiled) -> Self {
        Self {
            compiled,
            classes: OnceLock::new(),
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
        (0..self.compiled.pod_count()).map(PodId)
    }

    /// Every node, by name.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = NodeId> + use<> {
        (0..u32::try_from(self.compiled.nodes.len()).expect("fewer than 2^32 nodes")).map(NodeId)
    }

    pub fn namespace_of(&self, pod: PodId) -> &Arc<Namespace> {
        &self.compiled.locate(pod).0.namespace
    }

    pub fn pod(&self, pod: PodId) -> &Pod {
        let (space, index) = self.compiled.locate(pod);
        &space.namespace.pods[index]
    }

    pub fn workload_of(&self, pod: PodId) -> &Workload {
        let (space, index) = self.compiled.locate(pod);
        &space.namespace.workloads[space.namespace.pods[index].workload]
    }

    pub fn node(&self, node: NodeId) -> &Node {
        &self.compiled.cluster.nodes[node.0 as usize]
    }

    /// Every policy that is evaluated: those of namespaces by namespace and name, then the cluster-wide ones by tier, priority and
    /// name.
    pub fn policies(&self) -> impl ExactSizeIterator<Item = PolicyId> + use<> {
        (0..self.compiled.policy_count()).map(PolicyId)
    }

    pub fn find_pod(&self, namespace: &str, name: &str) -> Option<PodId> {
        let first = self.compiled.first_pod(namespace)?;
        let pods = &self.compiled.cluster.namespace(namespace)?.pods;
        let index = pods
            .binary_search_by(|pod| pod.name.as_str().cmp(name))
            .ok()?;
        Some(PodId(first + u32::try_from(index).ok()?))
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
        let Some(first) = self.compiled.first_pod(&workload.namespace) else {
            return Vec::new();
        };
        workload
            .pods
            .iter()
            .filter_map(|index| u32::try_from(*index).ok())
            .map(|index| PodId(first + index))
            .collect()
    }

    /// What an address belongs to: a live pod, a node, else itself. A finished pod's address is nobody's (rule N55).
    ///
    /// Of a pod or node with several addresses it is that one address that is meant. The first call on an engine looks at every pod.
    pub fn entity_at(&self, address: IpAddr) -> Entity {
        if let Some(pod) = self.compiled.pod_at(address) {
            return if self.pod(pod).addresses.len() > 1 {
                Entity::PodAt(pod, address)
            } else {
                Entity::Pod(pod)
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

    /// The verdict for one port. Port 0 does not exist and is denied.
    pub fn verdict(&self, from: &Entity, to: &Entity, protocol: Protocol, port: u16) -> Verdict {
        if self.unreachable(from, to).is_some() {
            return Verdict::Unreachable;
        }
        if port == 0 {
            return Verdict::Deny;
        }
        if self.is_self(from, to) {
            return Verdict::Allow;
        }
        let mut all: Option<Outcome<bool>> = None;
        for (a, b) in self.spot_pairs(from, to) {
            let asked = (protocol, port);
            let mut one = self.gate_one(Direction::Egress, (from, &a), (to, &b), asked);
            one.and(&self.gate_one(Direction::Ingress, (to, &b), (from, &a), asked));
            match &mut all {
                Some(before) => before.or(&one),
                None => all = Some(one),
            }
        }
        all.map_or(Verdict::Deny, |outcome| combine_one(&outcome))
    }

    /// The verdict for two pods, as [`Engine::verdict`] has it, in the shortest way: nothing is allocated.
    pub fn verdict_of_pods(
        &self,
        from: PodId,
        to: PodId,
        protocol: Protocol,
        port: u16,
    ) -> Verdict {
        let compiled = &self.compiled;
        let place = |pod: PodId| {
            let (space, index) = compiled.locate(pod);
            space.plain[index]
        };
        let (a, b) = (place(from), place(to));
        // All that is special about pods is elsewhere.
        if a != NONE && b != NONE && from != to && port != 0 {
            let families = [a, b].map(|place| compiled.places[place].family);
            if families[0] == families[1] {
                return self.verdict_of_places(a, b, protocol, port);
            }
        }
        self.verdict(&Entity::Pod(from), &Entity::Pod(to), protocol, port)
    }

    /// What both ends together let through, on every port at once. Says nothing about [`Verdict::Unreachable`].
    pub fn allowed(&self, from: &Entity, to: &Entity) -> Allowed {
        if self.is_self(from, to) {
            return Allowed::everything();
        }
        self.over_pairs(from, to, |a, b| {
            let mut one = self.gate(Direction::Egress, (from, a), (to, b));
            one.and(&self.gate(Direction::Ingress, (to, b), (from, a)));
            one
        })
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
        self.over_pairs(from, to, |a, b| match direction {
            Direction::Egress => self.gate(direction, (from, a), (to, b)),
            Direction::Ingress => self.gate(direction, (to, b), (from, a)),
        })
    }

    fn over_pairs(
        &self,
        from: &Entity,
        to: &Entity,
        ask: impl Fn(&Spot<'_>, &Spot<'_>) -> Outcome<Mask>,
    ) -> Allowed {
        let mut all: Option<Outcome<Mask>> = None;
        for (a, b) in self.spot_pairs(from, to) {
            let one = ask(&a, &b);
            match &mut all {
                Some(before) => before.or(&one),
                None => all = Some(one),
            }
        }
        all.map_or_else(Allowed::nothing, |outcome| self.allowed_of(&outcome))
    }

    fn allowed_of(&self, outcome: &Outcome<Mask>) -> Allowed {
        let atoms = &self.compiled.port_atoms;
        let possible = atoms.set(&outcome.possible);
        let certain: Mask = outcome
            .possible
            .iter()
            .zip(&outcome.deniable)
            .map(|(possible, deniable)| possible & !deniable)
            .collect();
        Allowed {
            sure: if certain == outcome.possible {
                possible.clone()
            } else {
                atoms.set(&certain)
            },
            possible,
        }
    }

    /// Whether policies isolate an entity in a direction.
    pub fn isolation(&self, direction: Direction, entity: &Entity) -> Isolation {
        let spots = self.spots(entity, direction == Direction::Egress);
        let Some(spot) = spots.first() else {
            return Isolation::Open;
        };
        let guard = self.guard(direction, spot);
        if guard.no_subject {
            Isolation::NoSubject
        } else if guard.is_isolated {
            Isolation::Isolated
        } else if guard.is_unreadable || guard.is_doubtful || guard.foreign.is_some() {
            Isolation::Unknown
        } else if guard.admin != 0 || guard.baseline != 0 {
            Isolation::Filtered
        } else {
            Isolation::Open
        }
    }

    /// Whether something that could not be read, that is not evaluated, or that an API server would refuse, may change what is let
    /// through.
    pub fn in_doubt(&self, direction: Direction, entity: &Entity) -> bool {
        let spots = self.spots(entity, direction == Direction::Egress);
        spots.first().is_some_and(|spot| {
            let guard = self.guard(direction, spot);
            guard.is_unreadable || guard.is_doubtful || guard.foreign.is_some()
        })
    }

    /// The NetworkPolicies that certainly isolate an entity in a direction, by name.
    pub fn isolated_by(&self, direction: Direction, entity: &Entity) -> Vec<PolicyId> {
        let spots = self.spots(entity, direction == Direction::Egress);
        spots.first().map_or_else(Vec::new, |spot| {
            self.selecting(spot)
                .filter(|(id, doubtful)| !doubtful && self.policy(*id).rules(direction).is_some())
                .map(|(id, _)| id)
                .collect()
        })
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

    /// The rules that certainly act on an end and let something through, lowered.
    fn accepting<'a>(
        &'a self,
        direction: Direction,
        spot: &Spot<'a>,
    ) -> impl Iterator<Item = &'a LoweredRule> + use<'a> {
        let isolating = self
            .selecting(spot)
            .filter_map(|(id, doubtful)| (!doubtful).then_some(id));
        let wide = self
            .selecting_wide(spot)
            .filter_map(|(id, certain, acted_on)| {
                (certain && acted_on == Switch::Yes).then_some(id)
            });
        isolating
            .chain(wide)
            .flat_map(move |id| self.compiled.policy(id).1.rules[slot(direction)].iter())
            .flatten()
            .filter(|rule| rule.action == Action::Accept)
    }

    /// The places that a rule names one by one.
    fn named_by<'a>(&'a self, rule: &'a LoweredRule) -> impl Iterator<Item = u32> + use<'a> {
        let compiled = &self.compiled;
        rule.named.iter().flat_map(move |(set, is_block)| {
            let mut found = Vec::new();
            compiled.sets[*set]
                .sure
                .each(compiled.places.len(), |place| {
                    // An address of a node names the node, not the pods that share its network.
                    if !*is_block || compiled.places[place].kind != PlaceKind::HostPod {
                        found.push(place);
                    }
                });
            found
        })
    }

    fn rule_ports(&self, rule: &LoweredRule, declared: &[crate::model::ContainerPort]) -> PortSet {
        let compiled = &self.compiled;
        let ports = &compiled.ports[rule.ports as usize];
        let sure = ports.at(&compiled.port_atoms, declared, compiled.profile).0;
        compiled.port_atoms.set(&sure)
    }

    /// The ports on which some rule at the subject names the peer: by selector or single address, not as "everyone", "every
    /// pod" or a range. Only rules that certainly apply and let through.
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
            let declared = if direction == Direction::Egress {
                other.ports
            } else {
                own.ports
            };
            for rule in self.accepting(direction, &own) {
                let is_named = rule.named.iter().any(|(set, is_block)| {
                    self.compiled.sets[*set].sure.contains(place)
                        && !(*is_block && other.place.kind == PlaceKind::HostPod)
                });
                if is_named {
                    named = named.union(&self.rule_ports(rule, declared));
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
    ) -> BTreeMap<u32, PortSet> {
        let mut named: BTreeMap<u32, PortSet> = BTreeMap::default();
        let compiled = &self.compiled;
        for own in self.spots(subject, direction == Direction::Egress) {
            for rule in self.accepting(direction, &own) {
                // Names in egress rules are looked up at each peer.
                let is_shared = direction == Direction::Ingress
                    || compiled.ports[rule.ports as usize].names.is_empty();
                let shared = is_shared.then(|| self.rule_ports(rule, own.ports));
                for index in self.named_by(rule) {
                    let place = compiled.places[index];
                    if !judge::families_meet(own.place.family, place.family) {
                        continue;
                    }
                    let ports = match &shared {
                        Some(shared) => shared.clone(),
                        None => self.rule_ports(rule, &compiled.tables[place.table]),
                    };
                    if ports.is_empty() {
                        continue;
                    }
                    let entry = named.entry(index).or_default();
                    *entry = entry.union(&ports);
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
        let (model, lowered, _) = self.compiled.policy(policy);
        let rules = model.rules(direction).unwrap_or_default();
        let spots = self.spots(subject, direction == Direction::Egress);
        let declared = match (direction, spots.first()) {
            (Direction::Ingress, Some(spot)) => spot.ports,
            _ => &[],
        };
        rules
            .iter()
            .zip(lowered.rules[slot(direction)].iter().flatten())
            .map(|(rule, lowered)| (rule, self.rule_ports(lowered, declared)))
            .collect()
    }

    /// A key that is equal for entities which policies cannot tell apart.
    pub fn likeness(&self, entity: &Entity) -> (u8, u32, u32) {
        match entity {
            Entity::Pod(id) => {
                let places = self.compiled.places_of_pod(*id);
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

    /// A key that is equal for nodes which policies cannot tell apart, by where their packets come from and go to.
    pub(crate) fn node_likeness(&self, node: NodeId) -> (Vec<u32>, Vec<u32>) {
        let entry = &self.compiled.nodes[node.0 as usize];
        (entry.sources.to_vec(), entry.targets.to_vec())
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
        let namespaces = self.compiled.cluster.namespaces.values();
        let mut services = namespaces.flat_map(|namespace| &namespace.services);
        services.find(|service| service.cluster_ips.contains(&address))
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
