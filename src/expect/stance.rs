//! What a pod lets through where no rule names the other end: everything, nothing, or something in between.
//!
//! To NetworkPolicies that is one question, whether one of them isolates. Rules of cluster-wide policies deny on their own, so
//! where there are any the engine is asked about everybody there is.

use std::collections::BTreeMap;

use crate::engine::{Engine, Entity, Isolation};
use crate::model::{Action, Direction, NamespaceScope, Policy};

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
                    .filter_map(|set| set.first())
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
