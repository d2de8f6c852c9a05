//! Small worlds that collide often, and how a person might write them down.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

use crate::naive::{
    Cidr, ContainerPort, Direction, End, Expression, Labels, NAME_LABEL, Namespace, Node,
    NumberOrName, Operator, Peer, Phase, Pod, Policy, Port, Protocol, Rule, Selector, World,
};

const NAMESPACES: [&str; 3] = ["x", "y", "z"];
const KEYS: [&str; 2] = ["a", "b"];
const VALUES: [&str; 3] = ["x", "y", ""];
const PORT_NAMES: [&str; 2] = ["web", "dns"];
/// Ports that worlds write down.
const PORTS: [u16; 3] = [80, 81, 8080];
/// Ports that are asked: those, and the edges around them.
pub(crate) const ASKED_PORTS: [u16; 7] = [1, 79, 80, 81, 82, 8080, 65535];

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
        vec(option::weighted(0.8, labels()), NAMESPACES.len()),
        vec(families(false), 2),
        vec(pods(), 1..=6),
        vec(policies(), 0..=5),
    )
        .prop_map(|(namespaces, nodes, pods, policies)| {
            let namespaces = NAMESPACES
                .iter()
                .zip(namespaces)
                .map(|(name, labels)| Namespace {
                    name: (*name).to_owned(),
                    labels,
                })
                .collect();
            let nodes: Vec<Node> = (1..)
                .zip(nodes)
                .map(|(i, families)| Node {
                    name: format!("n{i}"),
                    addresses: families.addresses(
                        Ipv4Addr::new(192, 168, 0, 10 + i),
                        Ipv6Addr::new(0xfd00, 1, 0, 0, 0, 0, 0, 0x10 + u16::from(i)),
                    ),
                })
                .collect();
            let pods = pods
                .into_iter()
                .enumerate()
                .map(|(i, pod)| finish_pod(i, pod, &nodes))
                .collect();
            let policies = policies
                .into_iter()
                .enumerate()
                .map(|(i, policy)| Policy {
                    name: format!("p{i}"),
                    ..policy
                })
                .collect();
            World {
                namespaces,
                nodes,
                pods,
                policies,
            }
        })
}

#[derive(Clone, Copy, Debug)]
enum Families {
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
struct PodDraft {
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
        0..NAMESPACES.len(),
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

fn finish_pod(index: usize, draft: PodDraft, nodes: &[Node]) -> Pod {
    let PodDraft {
        mut pod,
        families,
        reused,
    } = draft;
    pod.name = format!("pod{index}");
    let finished = matches!(pod.phase, Phase::Succeeded | Phase::Failed);
    let slot = if finished { reused } else { index };
    let slot = u8::try_from(slot).unwrap() + 1;
    pod.addresses = if pod.host_network {
        pod.node
            .map_or_else(Vec::new, |node| nodes[node].addresses.clone())
    } else {
        families.addresses(
            Ipv4Addr::new(10, 0, 1, slot),
            Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, slot.into()),
        )
    };
    pod
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
        0..NAMESPACES.len(),
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

fn ports() -> impl Strategy<Value = Port> {
    let number = || select(&PORTS[..]).prop_map(NumberOrName::Number);
    let protocol = || option::of(protocols());
    prop_oneof![
        2 => protocol().prop_map(|protocol| Port { protocol, ..Port::default() }),
        3 => (protocol(), number()).prop_map(|(protocol, port)| Port {
            protocol,
            port: Some(port),
            end: None,
        }),
        2 => (protocol(), select(&PORTS[..]), select(&[0u16, 1, 100, u16::MAX][..])).prop_map(
            |(protocol, first, more)| Port {
                protocol,
                port: Some(NumberOrName::Number(first)),
                end: Some(first.saturating_add(more)),
            },
        ),
        2 => (protocol(), select(&PORT_NAMES[..])).prop_map(|(protocol, name)| Port {
            protocol,
            port: Some(NumberOrName::Name(name.to_owned())),
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
        ends.extend((0..self.nodes.len()).map(End::Node));
        ends.extend(OUTSIDE.map(|text| End::Outside(text.parse().unwrap())));
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
            .any(|node| node.addresses.contains(&address))
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
                let outside = matches!((from, to), (End::Outside(_), End::Outside(_)));
                if !outside {
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

// ---- writing it down

/// Decides, again and again, between ways of writing that mean the same.
struct Pen<'a> {
    habits: &'a [u8],
    next: usize,
}

impl Pen<'_> {
    fn choose(&mut self, ways: usize) -> usize {
        self.next += 1;
        let habit = self.habits[self.next % self.habits.len()];
        // The turn of the wheel keeps one world from writing everything in one way.
        (usize::from(habit) + self.next / self.habits.len()) % ways
    }

    /// Writes a list; an empty one may be missing, null or empty (E8).
    fn list(&mut self, into: &mut Map<String, Value>, key: &str, items: Vec<Value>) {
        if items.is_empty() {
            self.nothing(into, key, json!([]));
        } else {
            into.insert(key.to_owned(), Value::Array(items));
        }
    }

    fn nothing(&mut self, into: &mut Map<String, Value>, key: &str, empty: Value) {
        match self.choose(3) {
            0 => {}
            1 => drop(into.insert(key.to_owned(), Value::Null)),
            _ => drop(into.insert(key.to_owned(), empty)),
        }
    }

    fn labels(&mut self, into: &mut Map<String, Value>, key: &str, labels: &Labels) {
        if labels.is_empty() {
            self.nothing(into, key, json!({}));
        } else {
            into.insert(key.to_owned(), json!(labels));
        }
    }

    fn selector(&mut self, selector: &Selector) -> Value {
        let mut made = Map::new();
        self.labels(&mut made, "matchLabels", &selector.labels);
        let expressions = selector
            .expressions
            .iter()
            .map(|expression| {
                let mut item = Map::new();
                item.insert("key".into(), json!(expression.key));
                let operator = match expression.operator {
                    Operator::In => "In",
                    Operator::NotIn => "NotIn",
                    Operator::Exists => "Exists",
                    Operator::DoesNotExist => "DoesNotExist",
                };
                item.insert("operator".into(), json!(operator));
                let values = expression.values.iter().map(|v| json!(v)).collect();
                self.list(&mut item, "values", values);
                Value::Object(item)
            })
            .collect();
        self.list(&mut made, "matchExpressions", expressions);
        Value::Object(made)
    }

    fn peer(&mut self, peer: &Peer) -> Value {
        let mut made = Map::new();
        match peer {
            Peer::Select { namespaces, pods } => {
                for (key, selector) in [("namespaceSelector", namespaces), ("podSelector", pods)] {
                    match selector {
                        Some(selector) => {
                            let selector = self.selector(selector);
                            made.insert(key.to_owned(), selector);
                        }
                        // Null is not empty here: a null selector says nothing (N4).
                        None if self.choose(3) == 0 => {
                            made.insert(key.to_owned(), Value::Null);
                        }
                        None => {}
                    }
                }
            }
            Peer::Block { cidr, except } => {
                let text = |cidr: &Cidr| json!(format!("{}/{}", cidr.address, cidr.bits));
                let mut block = Map::new();
                block.insert("cidr".into(), text(cidr));
                self.list(&mut block, "except", except.iter().map(text).collect());
                made.insert("ipBlock".into(), Value::Object(block));
            }
        }
        Value::Object(made)
    }

    fn port(&mut self, port: &Port) -> Value {
        let mut made = Map::new();
        match port.protocol {
            Some(protocol) => drop(made.insert("protocol".into(), json!(protocol_name(protocol)))),
            None if self.choose(3) == 0 => drop(made.insert("protocol".into(), Value::Null)),
            None => {}
        }
        match &port.port {
            Some(NumberOrName::Number(number)) => drop(made.insert("port".into(), json!(number))),
            Some(NumberOrName::Name(name)) => drop(made.insert("port".into(), json!(name))),
            None if self.choose(3) == 0 => drop(made.insert("port".into(), Value::Null)),
            None => {}
        }
        if let Some(end) = port.end {
            made.insert("endPort".into(), json!(end));
        }
        self.item(made)
    }

    /// A list item; an empty one may be a bare dash (E8).
    fn item(&mut self, made: Map<String, Value>) -> Value {
        if made.is_empty() && self.choose(2) == 0 {
            Value::Null
        } else {
            Value::Object(made)
        }
    }

    fn rule(&mut self, rule: &Rule, peers_key: &str) -> Value {
        let mut made = Map::new();
        let peers = rule.peers.iter().map(|peer| self.peer(peer)).collect();
        self.list(&mut made, peers_key, peers);
        let ports = rule.ports.iter().map(|port| self.port(port)).collect();
        self.list(&mut made, "ports", ports);
        self.item(made)
    }

    fn policy(&mut self, world: &World, policy: &Policy) -> Value {
        let mut spec = Map::new();
        let subject = self.selector(&policy.subject);
        // An absent subject is an empty one (N2).
        if policy.subject.labels.is_empty() && policy.subject.expressions.is_empty() {
            self.nothing(&mut spec, "podSelector", json!({}));
        } else {
            spec.insert("podSelector".into(), subject);
        }
        let types = policy.types.iter().map(|direction| match direction {
            Direction::Ingress => json!("Ingress"),
            Direction::Egress => json!("Egress"),
        });
        self.list(&mut spec, "policyTypes", types.collect());
        for (key, peers_key, rules) in [
            ("ingress", "from", &policy.ingress),
            ("egress", "to", &policy.egress),
        ] {
            let rules = rules.iter().map(|r| self.rule(r, peers_key)).collect();
            self.list(&mut spec, key, rules);
        }
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {
                "name": policy.name,
                "namespace": world.namespaces[policy.namespace].name,
            },
            "spec": spec,
        })
    }

    fn namespace(&mut self, namespace: &Namespace) -> Option<Value> {
        let mut labels = namespace.labels.clone()?;
        // A file may lack the label that the server sets (N23).
        if self.choose(2) == 0 {
            labels.insert(NAME_LABEL.to_owned(), namespace.name.clone());
        }
        let mut metadata = Map::new();
        metadata.insert("name".into(), json!(namespace.name));
        self.labels(&mut metadata, "labels", &labels);
        Some(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}))
    }

    fn pod(&mut self, world: &World, pod: &Pod) -> Value {
        let mut metadata = Map::new();
        metadata.insert("name".into(), json!(pod.name));
        metadata.insert(
            "namespace".into(),
            json!(world.namespaces[pod.namespace].name),
        );
        self.labels(&mut metadata, "labels", &pod.labels);
        let mut spec = Map::new();
        if pod.host_network {
            spec.insert("hostNetwork".into(), json!(true));
        }
        if let Some(node) = pod.node {
            spec.insert("nodeName".into(), json!(world.nodes[node].name));
        }
        for (key, init) in [("containers", false), ("initContainers", true)] {
            // One container a port, so that a name may come twice (N44).
            let containers = pod
                .ports
                .iter()
                .enumerate()
                .filter(|(_, port)| port.init == init)
                .map(|(i, port)| {
                    let mut written = Map::new();
                    if !port.name.is_empty() {
                        written.insert("name".into(), json!(port.name));
                    }
                    written.insert("containerPort".into(), json!(port.number));
                    if port.protocol != Protocol::Tcp || self.choose(2) == 0 {
                        written.insert("protocol".into(), json!(protocol_name(port.protocol)));
                    }
                    json!({"name": format!("c{i}"), "ports": [written]})
                })
                .collect();
            self.list(&mut spec, key, containers);
        }
        let mut status = Map::new();
        status.insert("phase".into(), json!(format!("{:?}", pod.phase)));
        let ips = pod.addresses.iter().map(|ip| json!({"ip": ip})).collect();
        // The older field says enough where there is only one address.
        if pod.addresses.len() == 1 && self.choose(2) == 0 {
            status.insert("podIP".into(), json!(pod.addresses[0]));
        } else {
            self.list(&mut status, "podIPs", ips);
        }
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status})
    }
}

pub(crate) fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
        Protocol::Sctp => "SCTP",
    }
}

impl Case {
    /// The objects of the world, one document each.
    pub(crate) fn documents(&self) -> Vec<Value> {
        let world = &self.world;
        let mut pen = Pen {
            habits: &self.habits,
            next: 0,
        };
        let mut documents: Vec<Value> = world
            .namespaces
            .iter()
            .filter_map(|namespace| pen.namespace(namespace))
            .collect();
        for node in &world.nodes {
            let addresses: Vec<Value> = node
                .addresses
                .iter()
                .map(|address| json!({"type": "InternalIP", "address": address}))
                .chain([json!({"type": "Hostname", "address": node.name})])
                .collect();
            documents.push(json!({
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": node.name},
                "status": {"addresses": addresses},
            }));
        }
        documents.extend(world.pods.iter().map(|pod| pen.pod(world, pod)));
        documents.extend(world.policies.iter().map(|p| pen.policy(world, p)));
        documents
    }

    /// The manifests as one text: YAML documents, a JSON List, or JSON documents one after the other.
    pub(crate) fn text(&self) -> String {
        write(&self.documents(), self.habits[0])
    }
}

pub(crate) fn write(documents: &[Value], habit: u8) -> String {
    match habit % 4 {
        0 => serde_json::to_string_pretty(&json!({
            "apiVersion": "v1", "kind": "List", "items": documents,
        }))
        .unwrap(),
        1 => documents
            .iter()
            .map(|document| format!("---\n{document}\n"))
            .collect(),
        _ => documents
            .iter()
            .map(|document| format!("---\n{}\n", yaml(document, 0)))
            .collect(),
    }
}

/// Block style, as people write it.
fn yaml(value: &Value, indent: usize) -> String {
    let margin = " ".repeat(indent);
    match value {
        Value::Object(map) if !map.is_empty() => {
            let lines = map.iter().map(|(key, value)| match value {
                Value::Null => format!("{margin}{key}:"),
                Value::Object(inner) if !inner.is_empty() => {
                    format!("{margin}{key}:\n{}", yaml(value, indent + 2))
                }
                Value::Array(inner) if !inner.is_empty() => {
                    format!("{margin}{key}:\n{}", yaml(value, indent))
                }
                plain => format!("{margin}{key}: {plain}"),
            });
            lines.collect::<Vec<_>>().join("\n")
        }
        Value::Array(items) if !items.is_empty() => {
            let lines = items.iter().map(|item| match item {
                Value::Null => format!("{margin}-"),
                Value::Object(inner) if !inner.is_empty() => {
                    let block = yaml(item, indent + 2);
                    format!("{margin}- {}", block.trim_start())
                }
                plain => format!("{margin}- {plain}"),
            });
            lines.collect::<Vec<_>>().join("\n")
        }
        plain => format!("{margin}{plain}"),
    }
}
