//! Selectors, peers and ports: whether one line of a policy means a connection.

use std::net::IpAddr;

use super::chain::Attempt;
use super::enforcers::Switch;
use super::guess::{Fact, Guesses};
use super::{
    Cidr, Direction, End, Expression, NAME_LABEL, NumberOrName, Operator, Peer, Phase, Policy,
    Port, Protocol, Rule, Scope, Selector, WidePeer, WidePort, WideRule, World,
};

/// What a label that may not be read may be: missing, one of the values that the worlds use, or another.
const CONCEIVABLE: [Option<&str>; 5] = [None, Some("x"), Some("y"), Some(""), Some("another")];

pub(crate) fn switch(value: Switch, fact: Fact, guesses: &mut Guesses) -> bool {
    match value {
        Switch::Yes => true,
        Switch::No => false,
        Switch::Open => guesses.whether(fact),
    }
}

pub(crate) fn finished(world: &World, end: End) -> bool {
    matches!(end, End::Pod(pod) if matches!(world.pods[pod].phase, Phase::Succeeded | Phase::Failed))
}

pub(crate) fn addresses(world: &World, end: End) -> Vec<IpAddr> {
    match end {
        End::Pod(pod) => world.pods[pod].addresses.clone(),
        End::Node(node) => world.nodes[node].addresses.clone(),
        End::NodeAt(_, address) | End::Outside(address) => vec![address],
    }
}

/// Which node an end is, or is a part of: host-network pods speak with their node's address (N52).
pub(crate) fn node_of(world: &World, end: End) -> Option<usize> {
    match end {
        End::Node(node) | End::NodeAt(node, _) => Some(node),
        End::Pod(pod) if world.pods[pod].host_network => world.pods[pod].node,
        _ => None,
    }
}

/// The pod that selectors find here: one with a network of its own (N25, N52, A16).
fn selectable(world: &World, end: End) -> Option<usize> {
    match end {
        End::Pod(pod) if !world.pods[pod].host_network => Some(pod),
        _ => None,
    }
}

// ---- selectors

pub(crate) fn selects<'a>(selector: &Selector, label: impl Fn(&str) -> Option<&'a String>) -> bool {
    let mut labels = selector.labels.iter();
    labels.all(|(key, value)| label(key) == Some(value))
        && selector
            .expressions
            .iter()
            .all(|e| holds(e, label(&e.key).map(String::as_str)))
}

fn holds(expression: &Expression, value: Option<&str>) -> bool {
    let is_listed = |value: &str| expression.values.iter().any(|listed| listed == value);
    match expression.operator {
        Operator::In => value.is_some_and(is_listed),
        Operator::NotIn => !value.is_some_and(is_listed),
        Operator::Exists => value.is_some(),
        Operator::DoesNotExist => value.is_none(),
    }
}

pub(crate) fn selects_pod(world: &World, selector: &Selector, pod: usize) -> bool {
    selects(selector, |key| world.pods[pod].labels.get(key))
}

/// The value a namespace has for a label: what is written, and its name always (N23).
fn label<'w>(
    world: &'w World,
    namespace: usize,
    key: &str,
    guesses: &mut Guesses,
) -> Option<&'w str> {
    let known = &world.namespaces[namespace];
    if key == NAME_LABEL {
        return Some(&known.name);
    }
    if world.hidden.labels {
        let fact = Fact::Label {
            namespace,
            key: key.to_owned(),
        };
        return CONCEIVABLE[guesses.pick(fact, CONCEIVABLE.len())];
    }
    known.labels.as_ref()?.get(key).map(String::as_str)
}

pub(crate) fn selects_namespace(
    world: &World,
    selector: &Selector,
    namespace: usize,
    guesses: &mut Guesses,
) -> bool {
    // What the name rules out, no other label brings back; so it is asked first.
    [true, false].into_iter().all(|by_name| {
        let is_due = |key: &str| (key == NAME_LABEL) == by_name;
        let mut labels = selector.labels.iter().filter(|(key, _)| is_due(key));
        let mut expressions = selector.expressions.iter().filter(|e| is_due(&e.key));
        labels.all(|(key, value)| label(world, namespace, key, guesses) == Some(value))
            && expressions.all(|e| holds(e, label(world, namespace, &e.key, guesses)))
    })
}

pub(crate) fn in_scope(world: &World, scope: &Scope, pod: usize, guesses: &mut Guesses) -> bool {
    let fits = scope
        .pods
        .as_ref()
        .is_none_or(|selector| selects_pod(world, selector, pod));
    fits && selects_namespace(world, &scope.namespaces, world.pods[pod].namespace, guesses)
}

fn is_empty(selector: Option<&Selector>) -> bool {
    selector.is_none_or(|s| s.labels.is_empty() && s.expressions.is_empty())
}

// ---- addresses

/// Compares the leading bits (N31); families never meet (N28).
pub(crate) fn contains(cidr: &Cidr, address: IpAddr) -> bool {
    fn bits(address: IpAddr) -> (u128, u32) {
        match address {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32),
            IpAddr::V6(v6) => (v6.to_bits(), 128),
        }
    }
    let ((ours, width), (theirs, their_width)) = (bits(cidr.address), bits(address));
    if width != their_width {
        return false;
    }
    (0..cidr.bits).all(|i| (ours >> (width - 1 - i)) & 1 == (theirs >> (width - 1 - i)) & 1)
}

/// Whether a block is compared with this end's address at all (N32, N35, A20).
fn blocks_count(attempt: &Attempt<'_>, other: End, guesses: &mut Guesses) -> bool {
    let switches = &attempt.switches;
    match other {
        End::Outside(_) => true,
        _ if node_of(attempt.world, other).is_some() => {
            switch(switches.blocks_match_nodes, Fact::BlocksMatchNodes, guesses)
        }
        _ => switch(switches.blocks_match_pods, Fact::BlocksMatchPods, guesses),
    }
}

// ---- NetworkPolicy

pub(crate) fn rules(policy: &Policy, direction: Direction) -> &[Rule] {
    match direction {
        Direction::Egress => &policy.egress,
        Direction::Ingress => &policy.ingress,
    }
}

/// Whether a policy selects a pod (N1, N2) and covers the direction (N5, N6).
pub(crate) fn isolates(world: &World, policy: &Policy, pod: usize, direction: Direction) -> bool {
    if world.pods[pod].host_network || world.pods[pod].namespace != policy.namespace {
        return false;
    }
    if !selects_pod(world, &policy.subject, pod) {
        return false;
    }
    if policy.types.is_empty() {
        match direction {
            Direction::Ingress => true,
            Direction::Egress => !policy.egress.is_empty(),
        }
    } else {
        policy.types.contains(&direction)
    }
}

pub(crate) fn rule_matches(
    attempt: &Attempt<'_>,
    policy: &Policy,
    direction: Direction,
    rule: &Rule,
    guesses: &mut Guesses,
) -> bool {
    peers_match(attempt, policy, direction, rule, guesses) && ports_match(attempt, rule, guesses)
}

pub(crate) fn peers_match(
    attempt: &Attempt<'_>,
    policy: &Policy,
    direction: Direction,
    rule: &Rule,
    guesses: &mut Guesses,
) -> bool {
    // No peers: everyone, also outside the cluster (N14).
    rule.peers.is_empty()
        || rule
            .peers
            .iter()
            .any(|peer| peer_matches(attempt, policy, peer, direction, guesses))
}

fn peer_matches(
    attempt: &Attempt<'_>,
    policy: &Policy,
    peer: &Peer,
    direction: Direction,
    guesses: &mut Guesses,
) -> bool {
    let world = attempt.world;
    let (other, address) = attempt.other(direction);
    match peer {
        Peer::Select { namespaces, pods } => {
            let End::Pod(pod) = other else {
                return false;
            };
            let pod_fits = pods.as_ref().is_none_or(|s| selects_pod(world, s, pod));
            let namespace = world.pods[pod].namespace;
            let namespace_fits = match namespaces {
                // Only pods of the policy's own namespace (N16).
                None => namespace == policy.namespace,
                Some(selector) => {
                    pod_fits && selects_namespace(world, selector, namespace, guesses)
                }
            };
            if !(pod_fits && namespace_fits) {
                return false;
            }
            // Host-network pods count as their node (N52), unless an enforcer sees them where all pods are meant.
            !world.pods[pod].host_network
                || (namespaces.is_some()
                    && is_empty(pods.as_ref())
                    && switch(
                        attempt.switches.selectors_match_host_network,
                        Fact::SelectorsMatchHostNetwork,
                        guesses,
                    ))
        }
        Peer::Block { cidr, except } => {
            contains(cidr, address)
                && !except.iter().any(|hole| contains(hole, address))
                && blocks_count(attempt, other, guesses)
        }
    }
}

pub(crate) fn ports_match(attempt: &Attempt<'_>, rule: &Rule, guesses: &mut Guesses) -> bool {
    // No ports: every port of every protocol (N15).
    rule.ports.is_empty()
        || rule
            .ports
            .iter()
            .any(|item| port_matches(attempt, item, guesses))
}

pub(crate) fn port_matches(attempt: &Attempt<'_>, item: &Port, guesses: &mut Guesses) -> bool {
    // TCP when nothing is said (N37).
    if item.protocol.unwrap_or(Protocol::Tcp) != attempt.protocol {
        return false;
    }
    match (&item.number, item.end) {
        // Every port of that protocol (N38).
        (None, _) => true,
        (Some(NumberOrName::Number(number)), None) => attempt.port == *number,
        (Some(NumberOrName::Number(first)), Some(last)) => {
            *first <= attempt.port && attempt.port <= last
        }
        (Some(NumberOrName::Name(name)), _) => is_called(attempt, name, guesses),
    }
}

/// Whether the destination calls the port so: by name, and the declared port's protocol has to be the connection's (N42, A26).
/// Whoever has no such name is not meant (N43).
fn is_called(attempt: &Attempt<'_>, name: &str, guesses: &mut Guesses) -> bool {
    let Some(pod) = selectable(attempt.world, attempt.to) else {
        return false;
    };
    attempt.world.pods[pod].ports.iter().any(|declared| {
        declared.name == *name
            && declared.protocol == attempt.protocol
            && declared.number == attempt.port
            && (!declared.init
                || switch(
                    attempt.switches.init_container_names,
                    Fact::InitContainerPorts,
                    guesses,
                ))
    })
}

// ---- cluster-wide policies

pub(crate) fn wide_peer_matches(
    attempt: &Attempt<'_>,
    peer: &WidePeer,
    direction: Direction,
    guesses: &mut Guesses,
) -> bool {
    let world = attempt.world;
    let (other, address) = attempt.other(direction);
    match peer {
        // Pods with a network of their own, and nothing else (A16, A18).
        WidePeer::Pods(scope) => {
            selectable(world, other).is_some_and(|pod| in_scope(world, scope, pod, guesses))
        }
        WidePeer::Tenants { keys, same, pods } => {
            let subject = attempt.subject(direction);
            let (Some(pod), Some(own)) = (selectable(world, other), selectable(world, subject))
            else {
                return false;
            };
            let fits = pods.as_ref().is_none_or(|s| selects_pod(world, s, pod));
            fits && {
                let (own, theirs) = (world.pods[own].namespace, world.pods[pod].namespace);
                let mut differ = false;
                let mut all_there = true;
                for key in keys {
                    let ours = label(world, own, key, guesses);
                    let others = label(world, theirs, key, guesses);
                    all_there &= ours.is_some() && others.is_some();
                    differ |= ours != others;
                }
                all_there && differ != *same
            }
        }
        // The three that egress alone has.
        WidePeer::Nodes(selector) => {
            direction == Direction::Egress
                && world.nodes.iter().any(|node| {
                    (node.addresses.contains(&address) || node.external.contains(&address))
                        && selects(selector, |key| node.labels.get(key))
                })
        }
        WidePeer::Networks(blocks) => {
            direction == Direction::Egress
                && blocks.iter().any(|block| contains(block, address))
                && blocks_count(attempt, other, guesses)
        }
        WidePeer::Domains(names) => {
            direction == Direction::Egress
                && matches!(other, End::Outside(_))
                && names.iter().any(|name| {
                    guesses.whether(Fact::Resolves {
                        name: name.clone(),
                        address,
                    })
                })
        }
        WidePeer::Empty => false,
    }
}

pub(crate) fn wide_ports_match(
    attempt: &Attempt<'_>,
    rule: &WideRule,
    guesses: &mut Guesses,
) -> bool {
    // All traffic (A25).
    let Some(ports) = &rule.ports else {
        return true;
    };
    ports.iter().any(|item| match item {
        WidePort::Number(protocol, number) => {
            *protocol == attempt.protocol && *number == attempt.port
        }
        WidePort::Range(protocol, first, last) => {
            *protocol == attempt.protocol && (*first..=*last).contains(&attempt.port)
        }
        WidePort::Named(name) => is_called(attempt, name, guesses),
    })
}
