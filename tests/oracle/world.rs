//! Small worlds that collide often.

mod edits;
mod wide;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

pub(crate) use edits::{Edit, edits};

use crate::naive::{
    Cidr, ContainerPort, Direction, End, Expression, FOREIGN, Foreign, Hidden, KINDS, Labels,
    NAME_LABEL, Namespace, Node, NumberOrName, Operator, Peer, Phase, Pod, Policy, Port, Protocol,
    Rule, Selector, Service, World,
};

/// The last stands empty until an edit puts something there.
const NAMESPACES: [&str; 4] = ["x", "y", "z", "w"];
const KEYS: [&str; 2] = ["a", "b"];
const VALUES: [&str; 3] = ["x", "y", ""];
const PORT_NAMES: [&str; 2] = ["web", "dns"];
/// Ports that worlds write down.
const PORTS: [u16; 3] = [80, 82, 8080];
/// Ports that are asked: those, and the edges around them.
pub(crate) const ASKED_PORTS: [u16; 8] = [1, 79, 80, 81, 82, 83, 8080, 65535];

/// A world, and the habits of whoever wrote it down.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) world: World,
    pub(crate) habits: Vec<u8>,
}

pub(crate) fn cases() -> impl Strategy<Value = Case> {
    (worlds(), vec(any::<u8>(), 24)).prop_map(|(world, habits)| Case { world, habits })
}

pub(crate) fn worlds() -> impl Strategy<Value = World> {
    (
        vec(option::weighted(0.8, labels()), NAMESPACES.len() - 1),
        vec((families(false), labels(), any::<bool>()), 2),
        vec(pods(), 1..=6),
        vec(policies(), 0..=4),
        vec(wide::wides(), 0..=3),
        prop_oneof![9 => Just(Vec::new()), 1 => vec(foreigners(), 1..=1)],
        vec(services(), 0..=1),
    )
        .prop_map(
            |(namespaces, nodes, pods, policies, wide, foreign, services)| {
                let mut namespaces = namespaces;
                namespaces.push(None);
                let namespaces = NAMESPACES
                    .iter()
                    .zip(namespaces)
                    .map(|(name, labels)| Namespace {
                        name: (*name).to_owned(),
                        labels,
                    })
                    .collect();
                let mut world = World {
                    namespaces,
                    nodes: Vec::new(),
                    services,
                    ..World::default()
                };
                for (i, (families, labels, external)) in (1..).zip(nodes) {
                    world.nodes.push(node(i, families, labels, external));
                }
                for pod in pods {
                    world.add_pod(pod);
                }
                for policy in policies {
                    world.add_policy(policy);
                }
                for policy in wide {
                    world.add_wide(policy);
                }
                for (i, policy) in foreign.into_iter().enumerate() {
                    world.foreign.push(Foreign {
                        name: format!("f{i}"),
                        ..policy
                    });
                }
                world
            },
        )
}

fn node(i: u8, families: Families, labels: Labels, external: bool) -> Node {
    Node {
        name: format!("n{i}"),
        labels,
        addresses: families.addresses(
            Ipv4Addr::new(192, 168, 0, 10 + i),
            Ipv6Addr::new(0xfd00, 1, 0, 0, 0, 0, 0, 0x10 + u16::from(i)),
        ),
        external: external
            .then(|| Ipv4Addr::new(198, 51, 100, i).into())
            .into_iter()
            .collect(),
    }
}

/// A world of which some is out of sight.
pub(crate) fn partly_hidden() -> impl Strategy<Value = Case> {
    (cases(), hidden()).prop_map(|(mut case, hidden)| {
        case.world.hidden = hidden;
        case.world = case.world.visible();
        case
    })
}

fn hidden() -> impl Strategy<Value = Hidden> {
    let some = |weight: f64| prop::bool::weighted(weight);
    (
        some(0.4),
        subsequence((0..NAMESPACES.len() - 1).collect::<Vec<_>>(), 0..=1),
        prop_oneof![3 => Just(vec![]), 2 => subsequence(KINDS.to_vec(), 1)],
        prop_oneof![6 => Just(None), 1 => (0..FOREIGN.len()).prop_map(Some)],
    )
        .prop_map(|(labels, policies, wide, foreign)| Hidden {
            labels,
            policies: policies.into_iter().collect(),
            wide: wide.into_iter().filter(|_| wide::DECODED).collect(),
            foreign: foreign.filter(|_| wide::DECODED).into_iter().collect(),
        })
}

impl World {
    /// What is out of sight is not in the world that is judged and written: it may be anything.
    pub(crate) fn visible(&self) -> Self {
        let mut world = self.clone();
        let hidden = &self.hidden;
        world
            .policies
            .retain(|policy| !hidden.policies.contains(&policy.namespace));
        world
            .wide
            .retain(|policy| !hidden.wide.contains(&policy.kind));
        world
            .foreign
            .retain(|policy| !hidden.foreign.contains(&policy.kind));
        if hidden.labels {
            for namespace in &mut world.namespaces {
                namespace.labels = None;
            }
        }
        world
    }
}

fn foreigners() -> impl Strategy<Value = Foreign> {
    (0..FOREIGN.len(), 0..NAMESPACES.len() - 1).prop_map(|(kind, namespace)| Foreign {
        kind,
        namespace,
        name: String::new(),
    })
}

fn services() -> impl Strategy<Value = Service> {
    (
        0..NAMESPACES.len() - 1,
        labels(),
        select(&PORTS[..]),
        select(&PORTS[..]),
    )
        .prop_map(|(namespace, selector, port, target)| Service {
            namespace,
            name: "svc".to_owned(),
            selector,
            port,
            target,
        })
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Families {
    V4,
    V6,
    Both,
    Neither,
}

impl Families {
    fn addresses(self, v4: Ipv4Addr, v6: Ipv6Addr) -> Vec<IpAddr> {
        match self {
            Self::V4 => vec![v4.into()],
            Self::V6 => vec![v6.into()],
            Self::Both => vec![v4.into(), v6.into()],
            Self::Neither => Vec::new(),
        }
    }
}

fn families(may_lack: bool) -> impl Strategy<Value = Families> {
    prop_oneof![
        5 => Just(Families::V4),
        1 => Just(Families::V6),
        3 => Just(Families::Both),
        u32::from(may_lack) => Just(Families::Neither),
    ]
}

#[derive(Clone, Debug)]
pub(crate) struct PodDraft {
    pod: Pod,
    families: Families,
    /// Whose address a finished pod last held.
    reused: usize,
}

fn pods() -> impl Strategy<Value = PodDraft> {
    let phase = prop_oneof![
        8 => Just(Phase::Running),
        1 => Just(Phase::Pending),
        1 => select(vec![Phase::Succeeded, Phase::Failed]),
    ];
    (
        0..NAMESPACES.len() - 1,
        labels(),
        option::weighted(0.8, 0..2usize),
        families(true),
        prop::bool::weighted(0.2),
        phase,
        vec(container_ports(), 0..=3),
        0..6usize,
    )
        .prop_map(
            |(namespace, labels, node, families, host_network, phase, ports, reused)| PodDraft {
                pod: Pod {
                    namespace,
                    name: String::new(),
                    labels,
                    node,
                    addresses: Vec::new(),
                    host_network,
                    phase,
                    ports,
                },
                families,
                reused,
            },
        )
}

impl World {
    /// Adds a pod under a name and at addresses of its own.
    fn add_pod(&mut self, draft: PodDraft) {
        let index = (0..=self.pods.len())
            .find(|i| !self.pods.iter().any(|pod| pod.name == format!("pod{i}")))
            .expect("one number more than pods");
        let mut pod = draft.pod;
        pod.name = format!("pod{index}");
        self.pods.push(pod);
        self.address_pod(self.pods.len() - 1, draft.families, draft.reused);
    }

    fn address_pod(&mut self, pod: usize, families: Families, reused: usize) {
        let finished = matches!(self.pods[pod].phase, Phase::Succeeded | Phase::Failed);
        let own: usize = self.pods[pod].name["pod".len()..].parse().unwrap();
        let slot = u8::try_from(if finished { reused } else { own }).unwrap() + 1;
        self.pods[pod].addresses = if self.pods[pod].host_network {
            let node = self.pods[pod].node;
            node.map_or_else(Vec::new, |node| self.nodes[node].addresses.clone())
        } else {
            families.addresses(
                Ipv4Addr::new(10, 0, 1, slot),
                Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, slot.into()),
            )
        };
    }

    fn add_policy(&mut self, policy: Policy) {
        let name = free_name("p", |name| self.policies.iter().any(|p| p.name == name));
        self.policies.push(Policy { name, ..policy });
    }
}

fn free_name(letter: &str, is_taken: impl Fn(&str) -> bool) -> String {
    (0..=u16::MAX)
        .map(|i| format!("{letter}{i}"))
        .find(|name| !is_taken(name))
        .expect("a world holds a handful")
}

fn container_ports() -> impl Strategy<Value = ContainerPort> {
    (
        select(&["web", "dns", ""][..]),
        protocols(),
        select(&PORTS[..]),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(name, protocol, number, init)| ContainerPort {
            name: name.to_owned(),
            protocol,
            number,
            init,
        })
}

fn protocols() -> impl Strategy<Value = Protocol> {
    prop_oneof![
        3 => Just(Protocol::Tcp),
        2 => Just(Protocol::Udp),
        1 => Just(Protocol::Sctp),
    ]
}

fn labels() -> impl Strategy<Value = Labels> {
    btree_map(select(&KEYS[..]), select(&VALUES[..]), 0..=2).prop_map(|pairs| {
        pairs
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    })
}

fn policies() -> impl Strategy<Value = Policy> {
    let types = prop_oneof![
        Just(vec![]),
        Just(vec![Direction::Ingress]),
        Just(vec![Direction::Egress]),
        Just(vec![Direction::Egress, Direction::Ingress]),
        Just(vec![Direction::Ingress, Direction::Ingress]),
    ];
    (
        0..NAMESPACES.len() - 1,
        pod_selectors(),
        types,
        vec(rules(), 0..=2),
        vec(rules(), 0..=2),
    )
        .prop_map(|(namespace, subject, types, ingress, egress)| Policy {
            namespace,
            name: String::new(),
            subject,
            types,
            ingress,
            egress,
        })
}

pub(crate) fn rules() -> impl Strategy<Value = Rule> {
    (vec(peers(), 0..=3), vec(ports(), 0..=3)).prop_map(|(peers, ports)| Rule { peers, ports })
}

fn peers() -> impl Strategy<Value = Peer> {
    prop_oneof![
        2 => pod_selectors().prop_map(|pods| Peer::Select {
            namespaces: None,
            pods: Some(pods),
        }),
        2 => namespace_selectors().prop_map(|namespaces| Peer::Select {
            namespaces: Some(namespaces),
            pods: None,
        }),
        2 => (namespace_selectors(), pod_selectors()).prop_map(|(namespaces, pods)| Peer::Select {
            namespaces: Some(namespaces),
            pods: Some(pods),
        }),
        3 => blocks(),
    ]
}

fn cidr(text: &str) -> Cidr {
    let (address, bits) = text.split_once('/').unwrap();
    Cidr {
        address: address.parse().unwrap(),
        bits: bits.parse().unwrap(),
    }
}

/// A block, and holes that lie inside it; the last of each list is the block itself, as old stored objects have it (N30).
fn blocks() -> impl Strategy<Value = Peer> {
    let known: [(&str, &[&str]); 12] = [
        (
            "0.0.0.0/0",
            &[
                "10.0.0.0/8",
                "203.0.113.0/24",
                "192.168.0.0/16",
                "0.0.0.0/1",
                "0.0.0.0/0",
            ],
        ),
        ("10.0.0.0/8", &["10.0.1.0/30", "10.0.1.4/30", "10.0.1.1/32"]),
        (
            "10.0.1.0/24",
            &["10.0.1.2/31", "10.0.1.1/32", "10.0.1.0/24"],
        ),
        ("10.0.1.9/30", &["10.0.1.8/32"]),
        ("10.0.1.3/29", &["10.0.1.1/32", "10.0.1.6/31"]),
        ("10.0.1.2/32", &["10.0.1.2/32"]),
        ("192.168.0.0/24", &["192.168.0.11/32"]),
        ("192.168.0.12/32", &[]),
        ("203.0.113.0/24", &["203.0.113.0/25", "203.0.113.7/32"]),
        ("::/0", &["fd00::/64", "2001:db8::/32", "8000::/1"]),
        ("fd00::/16", &["fd00::2/127", "fd00:1::/64", "fd00::/16"]),
        ("2001:db8::/126", &["2001:db8::1/128"]),
    ];
    select(known.to_vec()).prop_flat_map(|(block, holes)| {
        subsequence(holes.to_vec(), 0..=holes.len().min(2)).prop_map(move |holes| Peer::Block {
            cidr: cidr(block),
            except: holes.into_iter().map(cidr).collect(),
        })
    })
}

/// Addresses outside the cluster, at and around the edges of the blocks above.
pub(crate) const OUTSIDE: [&str; 10] = [
    "10.0.1.8",
    "10.0.1.11",
    "10.0.1.255",
    "10.0.2.0",
    "127.255.255.255",
    "203.0.113.7",
    "203.0.113.128",
    "203.0.114.0",
    "2001:db8::1",
    "2001:db8::4",
];

/// Addresses that a pod of unknown address might have: one in each piece that the blocks above cut out.
pub(crate) const PERHAPS: [&str; 16] = [
    "9.9.9.9",
    "10.0.0.1",
    "10.0.1.0",
    "10.0.1.1",
    "10.0.1.2",
    "10.0.1.3",
    "10.0.1.4",
    "10.0.1.6",
    "10.0.1.8",
    "10.0.1.9",
    "10.0.1.200",
    "203.0.113.7",
    "203.0.113.200",
    "fd00::1",
    "fd00::2",
    "2001:db8::1",
];

fn ports() -> impl Strategy<Value = Port> {
    let number = || select(&PORTS[..]).prop_map(NumberOrName::Number);
    let protocol = || option::of(protocols());
    prop_oneof![
        2 => protocol().prop_map(|protocol| Port { protocol, ..Port::default() }),
        3 => (protocol(), number()).prop_map(|(protocol, port)| Port {
            protocol,
            number: Some(port),
            end: None,
        }),
        2 => (protocol(), select(&PORTS[..]), select(&[0u16, 1, 100, u16::MAX][..])).prop_map(
            |(protocol, first, more)| Port {
                protocol,
                number: Some(NumberOrName::Number(first)),
                end: Some(first.saturating_add(more)),
            },
        ),
        2 => (protocol(), select(&PORT_NAMES[..])).prop_map(|(protocol, name)| Port {
            protocol,
            number: Some(NumberOrName::Name(name.to_owned())),
            end: None,
        }),
    ]
}

fn pod_selectors() -> impl Strategy<Value = Selector> {
    selectors(&KEYS, &VALUES)
}

fn namespace_selectors() -> impl Strategy<Value = Selector> {
    prop_oneof![
        2 => selectors(&KEYS, &VALUES),
        1 => selectors(&[NAME_LABEL], &NAMESPACES),
    ]
}

fn selectors(
    keys: &'static [&'static str],
    values: &'static [&'static str],
) -> impl Strategy<Value = Selector> {
    let operator = select(vec![
        Operator::In,
        Operator::NotIn,
        Operator::Exists,
        Operator::DoesNotExist,
    ]);
    let expression =
        (select(keys), operator, vec(select(values), 1..=2)).prop_map(|(key, operator, values)| {
            Expression {
                key: key.to_owned(),
                operator,
                values: match operator {
                    Operator::In | Operator::NotIn => {
                        values.into_iter().map(str::to_owned).collect()
                    }
                    Operator::Exists | Operator::DoesNotExist => Vec::new(),
                },
            }
        });
    let labels = btree_map(select(keys), select(values), 0..=1);
    (labels, vec(expression, 0..=2)).prop_map(|(labels, expressions)| Selector {
        labels: labels
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
        expressions,
    })
}

impl World {
    /// Pods, nodes, and addresses outside that nobody in this world has: what a finished pod once held is outside too (N55).
    pub(crate) fn ends(&self) -> Vec<End> {
        let mut ends: Vec<End> = (0..self.pods.len()).map(End::Pod).collect();
        for (index, node) in self.nodes.iter().enumerate() {
            ends.push(End::Node(index));
            ends.extend(node.external.iter().map(|a| End::NodeAt(index, *a)));
        }
        let outside = OUTSIDE.map(|text| text.parse().unwrap()).into_iter();
        ends.extend(outside.filter(|a| !self.is_taken(*a)).map(End::Outside));
        for pod in &self.pods {
            for address in &pod.addresses {
                let end = End::Outside(*address);
                if !pod.host_network && !self.is_taken(*address) && !ends.contains(&end) {
                    ends.push(end);
                }
            }
        }
        ends
    }

    fn is_taken(&self, address: IpAddr) -> bool {
        self.nodes
            .iter()
            .any(|node| node.addresses.contains(&address) || node.external.contains(&address))
            || self.pods.iter().any(|pod| {
                matches!(pod.phase, Phase::Running | Phase::Pending)
                    && pod.addresses.contains(&address)
            })
    }

    /// Every ordered pair with at least one pod; what lies between other ends no policy can touch, so a few of those suffice.
    pub(crate) fn pairs(&self) -> Vec<(End, End)> {
        let ends = self.ends();
        let mut pairs = Vec::new();
        for from in &ends {
            for to in &ends {
                // Nothing of the cluster lies between two addresses outside, or between two of one node.
                let is_idle = match (from, to) {
                    (End::Outside(_), End::Outside(_)) => true,
                    (End::Node(a), End::NodeAt(b, _))
                    | (End::NodeAt(a, _), End::Node(b) | End::NodeAt(b, _)) => a == b,
                    _ => false,
                };
                if !is_idle {
                    pairs.push((*from, *to));
                }
            }
        }
        pairs
    }

    /// The same world with one label key called another name wherever it occurs.
    pub(crate) fn with_key_renamed(&self, old: &str, new: &str) -> Self {
        let rename_labels = |labels: &mut Labels| {
            if let Some(value) = labels.remove(old) {
                labels.insert(new.to_owned(), value);
            }
        };
        let rename_selector = |selector: &mut Selector| {
            rename_labels(&mut selector.labels);
            for expression in &mut selector.expressions {
                if expression.key == old {
                    new.clone_into(&mut expression.key);
                }
            }
        };
        let mut world = self.clone();
        for namespace in &mut world.namespaces {
            namespace.labels.iter_mut().for_each(rename_labels);
        }
        for pod in &mut world.pods {
            rename_labels(&mut pod.labels);
        }
        for node in &mut world.nodes {
            rename_labels(&mut node.labels);
        }
        for policy in &mut world.wide {
            policy.rename(&rename_selector, old, new);
        }
        for policy in &mut world.policies {
            rename_selector(&mut policy.subject);
            for rule in policy.ingress.iter_mut().chain(&mut policy.egress) {
                for peer in &mut rule.peers {
                    if let Peer::Select { namespaces, pods } = peer {
                        namespaces.iter_mut().chain(pods).for_each(rename_selector);
                    }
                }
            }
        }
        world
    }
}
