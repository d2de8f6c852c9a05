//! The documentation of `NetworkPolicy` read aloud: one pair of ends, one protocol and one port at a time.
//!
//! Slow and plain on purpose. It shares no code with `src/`, not even the types: a policy is kept here as it was written, and
//! every default is applied where the documentation speaks of it.

use std::collections::BTreeMap;
use std::net::IpAddr;

pub(crate) type Labels = BTreeMap<String, String>;

/// The label every namespace has, whether or not a file says so (rule N23).
pub(crate) const NAME_LABEL: &str = "kubernetes.io/metadata.name";

#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    pub(crate) namespaces: Vec<Namespace>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) pods: Vec<Pod>,
    pub(crate) policies: Vec<Policy>,
}

#[derive(Clone, Debug)]
pub(crate) struct Namespace {
    pub(crate) name: String,
    /// `None`: no Namespace object was written down.
    pub(crate) labels: Option<Labels>,
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    /// At most one of each family.
    pub(crate) addresses: Vec<IpAddr>,
}

#[derive(Clone, Debug)]
pub(crate) struct Pod {
    pub(crate) namespace: usize,
    pub(crate) name: String,
    pub(crate) labels: Labels,
    /// Index into [`World::nodes`]. A pod with an address runs somewhere: without a node it may be on any of them.
    pub(crate) node: Option<usize>,
    /// What `status.podIPs` says: at most one of each family; a host-network pod has its node's.
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) host_network: bool,
    pub(crate) phase: Phase,
    pub(crate) ports: Vec<ContainerPort>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Pending,
    Running,
    Succeeded,
    Failed,
}

#[derive(Clone, Debug)]
pub(crate) struct ContainerPort {
    pub(crate) name: String,
    pub(crate) protocol: Protocol,
    pub(crate) number: u16,
    pub(crate) init: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

pub(crate) const PROTOCOLS: [Protocol; 3] = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    Egress,
    Ingress,
}

pub(crate) const DIRECTIONS: [Direction; 2] = [Direction::Egress, Direction::Ingress];

#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) namespace: usize,
    pub(crate) name: String,
    pub(crate) subject: Selector,
    /// As written; empty stands for missing too.
    pub(crate) types: Vec<Direction>,
    pub(crate) ingress: Vec<Rule>,
    pub(crate) egress: Vec<Rule>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Rule {
    /// `from` or `to`.
    pub(crate) peers: Vec<Peer>,
    pub(crate) ports: Vec<Port>,
}

#[derive(Clone, Debug)]
pub(crate) enum Peer {
    /// At least one of the two is written.
    Select {
        namespaces: Option<Selector>,
        pods: Option<Selector>,
    },
    Block {
        cidr: Cidr,
        except: Vec<Cidr>,
    },
}

/// An address and a prefix length as written; host bits may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cidr {
    pub(crate) address: IpAddr,
    pub(crate) bits: u32,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Port {
    pub(crate) protocol: Option<Protocol>,
    /// The field `port`.
    pub(crate) number: Option<NumberOrName>,
    pub(crate) end: Option<u16>,
}

#[derive(Clone, Debug)]
pub(crate) enum NumberOrName {
    Number(u16),
    Name(String),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Selector {
    pub(crate) labels: Labels,
    pub(crate) expressions: Vec<Expression>,
}

#[derive(Clone, Debug)]
pub(crate) struct Expression {
    pub(crate) key: String,
    pub(crate) operator: Operator,
    pub(crate) values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

/// One end of a connection; indices into the world's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Pod(usize),
    Node(usize),
    /// An address that no living pod and no node has.
    Outside(IpAddr),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allow,
    Deny,
    Unknown,
    Unreachable,
}

/// What the documentation leaves to the enforcer, as far as enforcers that fill every cell are concerned (section 8).
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "switches are what it lists")]
pub(crate) struct Switches {
    pub(crate) block_matches_pods: bool,
    pub(crate) block_matches_nodes: bool,
    /// Whether a pod may always open a connection to the node it runs on (rule N51).
    pub(crate) own_node_egress: bool,
    pub(crate) init_container_names: bool,
}

pub(crate) const SPEC: Switches = Switches {
    block_matches_pods: true,
    block_matches_nodes: true,
    own_node_egress: true,
    init_container_names: false,
};

/// The switches of a profile. Where nobody says which way one stands, both are possible: a connection that passes neither with
/// everything open nor with everything shut is denied, and so on.
pub(crate) fn profile(name: &str) -> Vec<Switches> {
    match name {
        "spec" => vec![SPEC],
        "kube-network-policies" => vec![
            SPEC,
            Switches {
                own_node_egress: false,
                ..SPEC
            },
        ],
        "calico" => vec![Switches {
            own_node_egress: false,
            init_container_names: true,
            ..SPEC
        }],
        "cilium" => [false, true]
            .map(|init_container_names| Switches {
                block_matches_pods: false,
                block_matches_nodes: false,
                own_node_egress: false,
                init_container_names,
            })
            .to_vec(),
        _ => panic!("no switches are written down for {name}"),
    }
}

/// A connection attempt within one address family.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    world: &'a World,
    switches: Switches,
    from: End,
    from_address: IpAddr,
    to: End,
    to_address: IpAddr,
    protocol: Protocol,
    port: u16,
    /// Whether a pod that does not say where it runs happens to run on the node at the other end.
    by_chance: bool,
}

/// May `from` open a connection to `to`, whichever of these switches are the true ones?
pub(crate) fn verdict(
    world: &World,
    switches: &[Switches],
    (from, to): (End, End),
    protocol: Protocol,
    port: u16,
) -> Verdict {
    // A pod that has finished is neither source nor destination (N55).
    if finished(world, from) || finished(world, to) {
        return Verdict::Unreachable;
    }
    let mut answers = switches
        .iter()
        .flat_map(|switches| attempts(world, *switches, (from, to), protocol, port))
        .map(|attempt| {
            // Both ends must agree (N12).
            if DIRECTIONS.iter().all(|d| side_allows(&attempt, *d)) {
                Verdict::Allow
            } else {
                Verdict::Deny
            }
        });
    // No address (N57), or none of a family both ends have (N59).
    let Some(first) = answers.next() else {
        return Verdict::Unreachable;
    };
    // Each family is a question of its own (N59); answers that differ are not averaged (E6).
    if answers.all(|other| other == first) {
        first
    } else {
        Verdict::Unknown
    }
}

/// What one rule makes of a connection in one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RuleTests {
    pub(crate) peer: bool,
    pub(crate) ports: bool,
    /// How many tests have to be repaired before the rule admits: the peer, and protocol and port of its best item.
    pub(crate) misses: usize,
}

/// Asks one rule alone, once a family.
pub(crate) fn ask_rule(
    world: &World,
    switches: Switches,
    ends: (End, End),
    protocol: Protocol,
    port: u16,
    (policy, direction, rule): (usize, Direction, usize),
) -> Vec<RuleTests> {
    let policy = &world.policies[policy];
    let rule = &rules(policy, direction)[rule];
    let ask = |attempt: &Attempt<'_>| {
        let peer = peers_match(attempt, policy, direction, rule);
        let port_misses = |item: &Port| {
            let written = item.protocol.unwrap_or(Protocol::Tcp);
            // The port is judged as if the protocol were the item's own.
            let repaired = Attempt {
                protocol: written,
                ..*attempt
            };
            usize::from(written != protocol) + usize::from(!port_matches(&repaired, item))
        };
        let ports = rule.ports.iter().map(port_misses).min().unwrap_or(0);
        RuleTests {
            peer,
            ports: ports_match(attempt, rule),
            misses: usize::from(!peer) + ports,
        }
    };
    attempts(world, switches, ends, protocol, port)
        .iter()
        .map(ask)
        .collect()
}

pub(crate) fn finished(world: &World, end: End) -> bool {
    matches!(end, End::Pod(pod) if matches!(world.pods[pod].phase, Phase::Succeeded | Phase::Failed))
}

pub(crate) fn addresses(world: &World, end: End) -> Vec<IpAddr> {
    match end {
        End::Pod(pod) => world.pods[pod].addresses.clone(),
        End::Node(node) => world.nodes[node].addresses.clone(),
        End::Outside(address) => vec![address],
    }
}

fn attempts(
    world: &World,
    switches: Switches,
    (from, to): (End, End),
    protocol: Protocol,
    port: u16,
) -> Vec<Attempt<'_>> {
    let mut attempts = Vec::new();
    for from_address in addresses(world, from) {
        for to_address in addresses(world, to) {
            if from_address.is_ipv4() != to_address.is_ipv4() {
                continue;
            }
            for by_chance in [false, true] {
                attempts.push(Attempt {
                    world,
                    switches,
                    from,
                    from_address,
                    to,
                    to_address,
                    protocol,
                    port,
                    by_chance,
                });
            }
        }
    }
    attempts
}

/// Which node an end is, or is a part of: host-network pods speak with their node's address (N52).
fn node_of(world: &World, end: End) -> Option<usize> {
    match end {
        End::Node(node) => Some(node),
        End::Pod(pod) if world.pods[pod].host_network => world.pods[pod].node,
        _ => None,
    }
}

fn side_allows(attempt: &Attempt<'_>, direction: Direction) -> bool {
    let world = attempt.world;
    let (subject, other) = match direction {
        Direction::Egress => (attempt.from, attempt.to),
        Direction::Ingress => (attempt.to, attempt.from),
    };
    // Policies act on pods with a network of their own, and on nothing else (E5, N52).
    let End::Pod(subject) = subject else {
        return true;
    };
    if world.pods[subject].host_network {
        return true;
    }
    // A pod cannot block access to itself (N48).
    if other == End::Pod(subject) {
        return true;
    }
    // Traffic between a pod and the node it runs on: always let in (N49); out, the enforcer decides (N51).
    if let Some(node) = node_of(world, other)
        && world.pods[subject]
            .node
            .map_or(attempt.by_chance, |own| own == node)
        && (direction == Direction::Ingress || attempt.switches.own_node_egress)
    {
        return true;
    }
    let isolating: Vec<&Policy> = world
        .policies
        .iter()
        .filter(|policy| isolates(world, policy, subject, direction))
        .collect();
    // Not isolated: everything may pass (N8).
    if isolating.is_empty() {
        return true;
    }
    // Any rule of any of them will do (N9).
    isolating.iter().any(|policy| {
        rules(policy, direction)
            .iter()
            .any(|rule| peers_match(attempt, policy, direction, rule) && ports_match(attempt, rule))
    })
}

pub(crate) fn rules(policy: &Policy, direction: Direction) -> &[Rule] {
    match direction {
        Direction::Egress => &policy.egress,
        Direction::Ingress => &policy.ingress,
    }
}

/// Whether a policy selects a pod (N1, N2) and covers the direction (N5, N6).
pub(crate) fn isolates(world: &World, policy: &Policy, pod: usize, direction: Direction) -> bool {
    let pod = &world.pods[pod];
    if pod.host_network || pod.namespace != policy.namespace {
        return false;
    }
    if !selects(&policy.subject, &pod.labels) {
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

/// The labels a namespaceSelector sees.
fn namespace_labels(namespace: &Namespace) -> Labels {
    let mut labels = namespace.labels.clone().unwrap_or_default();
    labels.insert(NAME_LABEL.to_owned(), namespace.name.clone());
    labels
}

fn selects(selector: &Selector, labels: &Labels) -> bool {
    for (key, value) in &selector.labels {
        if labels.get(key) != Some(value) {
            return false;
        }
    }
    for expression in &selector.expressions {
        let value = labels.get(&expression.key);
        let holds = match expression.operator {
            Operator::In => match value {
                Some(value) => expression.values.contains(value),
                None => false,
            },
            Operator::NotIn => match value {
                Some(value) => !expression.values.contains(value),
                None => true,
            },
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        };
        if !holds {
            return false;
        }
    }
    true
}

fn peers_match(attempt: &Attempt<'_>, policy: &Policy, direction: Direction, rule: &Rule) -> bool {
    // No peers: everyone, also outside the cluster (N14).
    if rule.peers.is_empty() {
        return true;
    }
    let (other, address) = match direction {
        Direction::Egress => (attempt.to, attempt.to_address),
        Direction::Ingress => (attempt.from, attempt.from_address),
    };
    rule.peers
        .iter()
        .any(|peer| peer_matches(attempt, policy, peer, other, address))
}

fn peer_matches(
    attempt: &Attempt<'_>,
    policy: &Policy,
    peer: &Peer,
    other: End,
    address: IpAddr,
) -> bool {
    let world = attempt.world;
    match peer {
        Peer::Select { namespaces, pods } => {
            // Selectors only ever find pods with a network of their own (N25, N52).
            let End::Pod(pod) = other else {
                return false;
            };
            let pod = &world.pods[pod];
            if pod.host_network {
                return false;
            }
            let namespace_fits = match namespaces {
                // Only pods of the policy's own namespace (N16).
                None => pod.namespace == policy.namespace,
                Some(selector) => selects(
                    selector,
                    &namespace_labels(&world.namespaces[pod.namespace]),
                ),
            };
            let pod_fits = match pods {
                None => true,
                Some(selector) => selects(selector, &pod.labels),
            };
            namespace_fits && pod_fits
        }
        Peer::Block { cidr, except } => {
            let counts = match other {
                End::Outside(_) => true,
                _ if node_of(world, other).is_some() => attempt.switches.block_matches_nodes,
                _ => attempt.switches.block_matches_pods,
            };
            counts && contains(cidr, address) && !except.iter().any(|hole| contains(hole, address))
        }
    }
}

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

fn ports_match(attempt: &Attempt<'_>, rule: &Rule) -> bool {
    // No ports: every port of every protocol (N15).
    rule.ports.is_empty() || rule.ports.iter().any(|item| port_matches(attempt, item))
}

fn port_matches(attempt: &Attempt<'_>, item: &Port) -> bool {
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
        // The name is looked up at the destination, by name and protocol (N42); whoever has none is not meant (N43).
        (Some(NumberOrName::Name(name)), _) => match attempt.to {
            End::Pod(pod) if !attempt.world.pods[pod].host_network => {
                attempt.world.pods[pod].ports.iter().any(|declared| {
                    declared.name == *name
                        && declared.protocol == attempt.protocol
                        && declared.number == attempt.port
                        && (!declared.init || attempt.switches.init_container_names)
                })
            }
            _ => false,
        },
    }
}
