//! What a pod lets through where no rule names the other end: everything, nothing, or something in between.
//!
//! To NetworkPolicies that is one question, whether one of them isolates. Rules of cluster-wide policies deny on their own, so
//! where there are any the engine is asked about everybody there is.

use std::collections::BTreeMap;

use crate::engine::{Engine, Entity, Isolation};
use crate::model::{Action, AddressSet, Direction, NamespaceScope, Policy};

/// How an end stands in one direction, whatever the other ends say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stance {
    /// Everything is let through.
    Open,
    /// Not isolated, and cluster-wide rules deny a part.
    Partly,
    /// A NetworkPolicy isolates it, or cluster-wide rules deny everything: what gets through is named by some rule.
    Closed,
    /// Something that could not be read, or is not evaluated, may change it.
    Unknown,
    /// Not a thing policies select.
    NoSubject,
}

/// Answers for one engine.
pub struct Stances<'e> {
    engine: &'e Engine,
    /// Whoever can be at the other end: up to two of those that policies cannot tell apart, so that a pod is not asked about
    /// itself alone. Empty where it is not needed.
    peers: Vec<Entity>,
}

impl<'e> Stances<'e> {
    pub fn new(engine: &'e Engine) -> Self {
        let mut peers = Vec::new();
        if engine
            .cluster()
            .cluster_policies
            .iter()
            .any(|policy| Direction::BOTH.into_iter().any(|d| may_deny(policy, d)))
        {
            let mut seen: BTreeMap<_, usize> = BTreeMap::new();
            for pod in engine.pods().map(Entity::Pod) {
                let count = seen.entry(engine.likeness(&pod)).or_default();
                *count += 1;
                if *count <= 2 {
                    peers.push(pod);
                }
            }
            let outside = engine.outside();
            peers.extend(
                outside
                    .iter()
                    .filter_map(AddressSet::first)
                    .map(Entity::Address),
            );
        }
        Self { engine, peers }
    }

    /// Nodes are left out of the question: nothing denies a pod's own, and ingress rules of cluster-wide kinds cannot name any
    /// (rules N49, A18).
    pub fn of(&self, direction: Direction, entity: &Entity) -> Stance {
        let by_network_policy = self.engine.isolation(direction, entity);
        if by_network_policy == Isolation::NoSubject {
            return Stance::NoSubject;
        }
        if by_network_policy == Isolation::Unknown {
            return Stance::Unknown;
        }
        if by_network_policy == Isolation::Isolated {
            return Stance::Closed;
        }
        let concerned = self
            .engine
            .cluster()
            .cluster_policies
            .iter()
            .any(|policy| may_deny(policy, direction) && selects(self.engine, policy, entity));
        if !concerned {
            return Stance::Open;
        }
        let (mut all, mut some, mut doubt) = (true, false, false);
        for peer in &self.peers {
            let (from, to) = match direction {
                Direction::Egress => (entity, peer),
                Direction::Ingress => (peer, entity),
            };
            if peer == entity || self.engine.unreachable(from, to).is_some() {
                continue;
            }
            let allowed = self.engine.side(direction, entity, peer);
            all &= allowed.sure.is_all();
            some |= !allowed.sure.is_empty();
            doubt |= !allowed.unknown().is_empty();
        }
        match (all, doubt, some) {
            (true, _, _) => Stance::Open,
            (_, true, _) => Stance::Unknown,
            (_, _, true) => Stance::Partly,
            (_, _, false) => Stance::Closed,
        }
    }
}

/// Whether a rule may keep something out: by denying, or by failing closed, which a rule that passes on may do (rule A24).
fn may_deny(policy: &Policy, direction: Direction) -> bool {
    let rules = policy.rules(direction).unwrap_or_default();
    rules.iter().any(|rule| rule.action != Action::Accept)
}

/// Whether a cluster-wide policy may select an entity (rule A15); labels that could not be read are taken to match.
pub fn selects(engine: &Engine, policy: &Policy, entity: &Entity) -> bool {
    let (namespace, labels) = match entity {
        Entity::Hypothetical(pod) => (pod.namespace.as_str(), &pod.labels),
        other => {
            let Some(id) = other.pod().filter(|id| !engine.pod(*id).host_network) else {
                return false;
            };
            (
                engine.namespace_of(id).name.as_str(),
                &engine.pod(id).labels,
            )
        }
    };
    let Some(namespace) = engine.cluster().namespace(namespace) else {
        return true;
    };
    let scope = match &policy.subject_namespaces {
        NamespaceScope::Own => false,
        NamespaceScope::Matching(wanted) => {
            !namespace.declared || wanted.matches(&namespace.labels)
        }
    };
    scope && policy.subject.matches(labels)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::{Hypothetical, Profile};
    use crate::model::Labels;
    use crate::source::manifests;

    /// Two tenants, and policies as they are given.
    fn check(policies: &str, namespace: &str, expected: [Stance; 2]) {
        let world = format!(
            "
{{kind: Namespace, apiVersion: v1, metadata: {{name: shop, labels: {{tenant: a}}}}}}
---
{{kind: Namespace, apiVersion: v1, metadata: {{name: bank, labels: {{tenant: b}}}}}}
---
{{kind: Pod, apiVersion: v1, metadata: {{name: web, namespace: shop}}, status: {{phase: Running, podIPs: [{{ip: 10.0.1.1}}]}}}}
---
{{kind: Pod, apiVersion: v1, metadata: {{name: api, namespace: shop}}, status: {{phase: Running, podIPs: [{{ip: 10.0.1.2}}]}}}}
---
{{kind: Pod, apiVersion: v1, metadata: {{name: vault, namespace: bank}}, status: {{phase: Running, podIPs: [{{ip: 10.0.2.1}}]}}}}
{policies}"
        );
        let (cluster, told) = manifests::parse("t", &world);
        assert!(told.is_empty(), "{told:?}");
        let engine = Engine::build(&Arc::new(cluster), Profile::spec());
        let stances = Stances::new(&engine);
        let is_there = engine
            .pods()
            .find(|id| engine.namespace_of(*id).name == namespace);
        let new_pod = Entity::Hypothetical(Arc::new(Hypothetical {
            namespace: namespace.to_owned(),
            labels: Labels::default(),
            ports: Vec::new(),
        }));
        // A pod that is not there yet stands like those that are.
        for entity in is_there.map(Entity::Pod).into_iter().chain([new_pod]) {
            let found = [Direction::Egress, Direction::Ingress].map(|d| stances.of(d, &entity));
            assert_eq!(found, expected, "{entity:?}");
        }
    }

    fn policy(tier: &str, tenant: &str, rules: &str) -> String {
        format!(
            "---
{{kind: ClusterNetworkPolicy, apiVersion: policy.networking.k8s.io/v1alpha2, metadata: {{name: {}}}, spec: {{tier: {tier}, priority: 1, subject: {{namespaces: {{matchLabels: {{tenant: {tenant}}}}}}}, {rules}}}}}
",
            tier.to_lowercase()
        )
    }

    #[test]
    fn nothing_gets_out_where_the_baseline_denies_every_address() {
        let everywhere = "egress: [{action: Deny, to: [{networks: [0.0.0.0/0, '::/0']}]}]";
        let denied = policy("Baseline", "a", everywhere);
        check(&denied, "shop", [Stance::Closed, Stance::Open]);
        check(&denied, "bank", [Stance::Open, Stance::Open]);
        // A NetworkPolicy is asked before, and an Accept of the Admin tier opens a part.
        let isolated = "---\n{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: p, namespace: shop}, spec: {policyTypes: [Ingress]}}\n";
        check(
            &format!("{denied}{isolated}"),
            "shop",
            [Stance::Closed, Stance::Closed],
        );
        let some = "egress: [{action: Accept, to: [{namespaces: {matchLabels: {tenant: b}}}]}]";
        check(
            &format!("{denied}{}", policy("Admin", "a", some)),
            "shop",
            [Stance::Partly, Stance::Open],
        );
    }

    /// Rule A18: ingress rules name pods only, so whoever comes from outside is let in all the same.
    #[test]
    fn ingress_that_is_denied_to_every_pod_is_not_closed() {
        let nobody = "ingress: [{action: Deny, from: [{namespaces: {}}]}]";
        check(
            &policy("Baseline", "a", nobody),
            "shop",
            [Stance::Open, Stance::Partly],
        );
    }

    #[test]
    fn a_denial_of_some_or_none_is_told_apart_from_an_open_end() {
        let other = "egress: [{action: Deny, to: [{namespaces: {matchLabels: {tenant: b}}}]}]";
        check(
            &policy("Admin", "a", other),
            "shop",
            [Stance::Partly, Stance::Open],
        );
        // Nobody has that label.
        let none = "egress: [{action: Deny, to: [{namespaces: {matchLabels: {tenant: c}}}]}]";
        check(
            &policy("Admin", "a", none),
            "shop",
            [Stance::Open, Stance::Open],
        );
        // A rule that only accepts takes nothing away.
        let accept = "egress: [{action: Accept, to: [{namespaces: {matchLabels: {tenant: b}}}]}]";
        check(
            &policy("Admin", "a", accept),
            "shop",
            [Stance::Open, Stance::Open],
        );
    }
}
