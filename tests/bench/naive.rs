//! The yardstick: one pair of pods and one port at a time, over strings, with policies found by namespace and nothing remembered.
//!
//! It shares the model with the product and none of the engine, so that equal answers say something.

use std::sync::Arc;

use netseg::model::{
    Action, Cluster, Direction, Namespace, NamespaceScope, Peer, Peers, Pod, Policy, PortItem,
    PortTest, Ports, Protocol, Rule, Tier,
};

pub(crate) struct Naive<'a> {
    cluster: &'a Cluster,
    /// In the order of namespaces and names, as the engine numbers them.
    pods: Vec<Place<'a>>,
}

#[derive(Clone, Copy)]
struct Place<'a> {
    namespace: &'a Arc<Namespace>,
    pod: &'a Pod,
}

/// One attempt, seen from one end.
struct Attempt<'a> {
    direction: Direction,
    subject: Place<'a>,
    peer: Place<'a>,
    protocol: Protocol,
    port: u16,
}

impl<'a> Naive<'a> {
    pub(crate) fn new(cluster: &'a Cluster) -> Self {
        let namespaces = cluster.namespaces.values();
        let pods = namespaces
            .flat_map(|namespace| {
                let pods = namespace.pods.iter();
                pods.map(move |pod| Place { namespace, pod })
            })
            .collect();
        Self { cluster, pods }
    }

    pub(crate) fn allows(&self, from: usize, to: usize, protocol: Protocol, port: u16) -> bool {
        if from == to {
            return true;
        }
        let (from, to) = (self.pods[from], self.pods[to]);
        Direction::BOTH.into_iter().all(|direction| {
            let (subject, peer) = match direction {
                Direction::Egress => (from, to),
                Direction::Ingress => (to, from),
            };
            self.side(&Attempt {
                direction,
                subject,
                peer,
                protocol,
                port,
            })
        })
    }

    fn side(&self, attempt: &Attempt<'_>) -> bool {
        let (subject, peer) = (attempt.subject.pod, attempt.peer.pod);
        // Nothing selects a pod on the host network, and its own node always reaches a pod, and is reached.
        if subject.host_network || (peer.host_network && subject.node == peer.node) {
            return true;
        }
        match self.tier(attempt, |tier| matches!(tier, Tier::Admin { .. })) {
            Some(Action::Accept) => return true,
            Some(Action::Deny) => return false,
            Some(Action::Pass) | None => {}
        }
        let mut isolated = false;
        for policy in attempt.subject.namespace.policies.iter() {
            let Some(rules) = policy.rules(attempt.direction) else {
                continue;
            };
            if policy.subject.matches(&subject.labels) {
                isolated = true;
                if rules.iter().any(|rule| matches(rule, policy, attempt)) {
                    return true;
                }
            }
        }
        if isolated {
            return false;
        }
        let baseline = self.tier(attempt, |tier| matches!(tier, Tier::Baseline { .. }));
        baseline != Some(Action::Deny)
    }

    /// What the first rule that matches in one cluster-wide tier does.
    fn tier(&self, attempt: &Attempt<'_>, wanted: impl Fn(Tier) -> bool) -> Option<Action> {
        // Lists of policies are sorted by tier and priority.
        let policies = self.cluster.cluster_policies.iter();
        for policy in policies.filter(|policy| wanted(policy.tier)) {
            if !scope_holds(
                &policy.subject_namespaces,
                attempt.subject.namespace,
                policy,
            ) || !policy.subject.matches(&attempt.subject.pod.labels)
            {
                continue;
            }
            let rules = policy.rules(attempt.direction).unwrap_or_default();
            if let Some(rule) = rules.iter().find(|rule| matches(rule, policy, attempt)) {
                return Some(rule.action);
            }
        }
        None
    }
}

fn scope_holds(scope: &NamespaceScope, namespace: &Namespace, policy: &Policy) -> bool {
    match scope {
        NamespaceScope::Own => namespace.name.as_str() == policy.namespace.as_ref(),
        NamespaceScope::Matching(selector) => selector.matches(&namespace.labels),
    }
}

fn matches(rule: &Rule, policy: &Policy, attempt: &Attempt<'_>) -> bool {
    let peers = match &rule.peers {
        Peers::Everyone => true,
        Peers::AnyOf(items) => items
            .iter()
            .any(|item| peer_matches(&item.peer, policy, &attempt.peer)),
    };
    peers
        && match &rule.ports {
            Ports::All => true,
            Ports::AnyOf(items) => items.iter().any(|item| port_matches(item, attempt)),
        }
}

fn peer_matches(peer: &Peer, policy: &Policy, other: &Place<'_>) -> bool {
    match peer {
        Peer::Pods { namespaces, pods } => {
            !other.pod.host_network
                && scope_holds(namespaces, other.namespace, policy)
                && pods.matches(&other.pod.labels)
        }
        Peer::IpBlock(block) => {
            let mut addresses = other.pod.addresses.iter();
            addresses.any(|address| block.contains(*address))
        }
        _ => unreachable!("the generator makes no other peers"),
    }
}

fn port_matches(item: &PortItem, attempt: &Attempt<'_>) -> bool {
    if item.protocol != attempt.protocol {
        return false;
    }
    let destination = match attempt.direction {
        Direction::Egress => attempt.peer.pod,
        Direction::Ingress => attempt.subject.pod,
    };
    match &item.port {
        PortTest::Any => true,
        PortTest::Range(range) => range.contains(attempt.port),
        PortTest::Named(name) => {
            !destination.host_network
                && destination.ports.iter().any(|declared| {
                    declared.name == *name
                        && declared.protocol == attempt.protocol
                        && declared.port == attempt.port
                })
        }
        _ => unreachable!("the generator makes no other ports"),
    }
}
