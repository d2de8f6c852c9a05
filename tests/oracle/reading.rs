//! The truth table, for the plain reading: its rows as worlds, so that whoever judges the engine is judged first.

use std::net::IpAddr;

use serde_json::Value;

use crate::cluster_policies;
use crate::fixture::{self, Row};
use crate::naive::{
    self, Action, Cidr, ContainerPort, Direction, End, Expression, Kind, Labels, Namespace, Node,
    NumberOrName, Operator, Peer, Phase, Pod, Policy, Port, Protocol, Rule, Scope, Selector, Tier,
    Wide, WidePeer, WidePort, WideRule, World,
};
use crate::network_policies;

/// Rows about objects that a world has no form for: refused ones, and Deployments.
const NOT_READ: [&str; 4] = [
    "67",
    "124",
    "N30, an empty block and an unknown address",
    "N57, a template",
];

#[test]
fn the_plain_reading_gives_the_truth_table() {
    let tables = [
        (network_policies::ROWS, &[][..]),
        (network_policies::FURTHER, &[][..]),
        (network_policies::DIALLED, &[][..]),
        (cluster_policies::ROWS, cluster_policies::HOUSES),
    ];
    let mut wrong = Vec::new();
    for (rows, common) in tables {
        for row in rows.iter().filter(|row| !NOT_READ.contains(&row.id)) {
            check(row, common, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn check(row: &Row, common: &[&str], wrong: &mut Vec<String>) {
    let world = world(&fixture::documents(&[common, row.objects].concat()));
    for text in row.asks {
        let ask = fixture::ask(text);
        // Nobody says what becomes of ICMP, and nothing here can ask it.
        if ask.protocol == "icmp" {
            continue;
        }
        let protocol = protocol(&ask.protocol.to_uppercase());
        let ends = (end(&world, ask.from), end(&world, ask.to));
        // A question about one address is about its family alone.
        let mut world = world.clone();
        for (end, text) in [(ends.0, ask.from), (ends.1, ask.to)] {
            if let (End::Pod(pod), Ok(address)) = (end, text.parse()) {
                world.pods[pod].addresses = vec![address];
            }
        }
        for (profile, expected) in &ask.answers {
            let bounds = naive::bounds(&world, &naive::profile(profile), ends, protocol, ask.port);
            let got = crate::product_word(bounds.sharp).as_str();
            if got != *expected {
                wrong.push(format!("{}, {profile}: {text}: got {got}", row.name()));
            }
        }
    }
}

fn end(world: &World, text: &str) -> End {
    if let Ok(address) = text.parse::<IpAddr>() {
        let pod = world
            .pods
            .iter()
            .position(|pod| is_live(pod) && pod.addresses.contains(&address));
        let node = world
            .nodes
            .iter()
            .position(|node| node.addresses.contains(&address) || node.external.contains(&address));
        return match (pod, node) {
            (Some(pod), _) => End::Pod(pod),
            (None, Some(node)) => End::NodeAt(node, address),
            (None, None) => End::Outside(address),
        };
    }
    let (namespace, name) = text.split_once('/').unwrap();
    if namespace == "node" {
        return End::Node(world.nodes.iter().position(|n| n.name == name).unwrap());
    }
    let is_meant =
        |pod: &Pod| pod.name == name && world.namespaces[pod.namespace].name == namespace;
    End::Pod(world.pods.iter().position(is_meant).expect(text))
}

fn is_live(pod: &Pod) -> bool {
    !pod.host_network && matches!(pod.phase, Phase::Running | Phase::Pending)
}

// ---- documents

fn world(documents: &[String]) -> World {
    let documents: Vec<Value> = documents
        .iter()
        .map(|text| {
            // A namespace may be called y.
            let options = serde_saphyr::options! { strict_booleans: true };
            serde_saphyr::from_str_with_options(text, options).expect(text)
        })
        .collect();
    let mut world = World::default();
    let of = |kind: &'static str| documents.iter().filter(move |d| d["kind"] == kind);
    for document in of("Namespace") {
        world.namespaces.push(Namespace {
            name: text(&document["metadata"]["name"]),
            labels: Some(labels(&document["metadata"]["labels"])),
        });
    }
    for document in of("Node") {
        let listed = list(&document["status"]["addresses"]);
        let of = |kind: &str| -> Vec<IpAddr> {
            let listed = listed.iter().filter(|a| a["type"] == kind);
            listed
                .map(|a| text(&a["address"]).parse().unwrap())
                .collect()
        };
        world.nodes.push(Node {
            name: text(&document["metadata"]["name"]),
            labels: labels(&document["metadata"]["labels"]),
            addresses: of("InternalIP"),
            external: of("ExternalIP"),
        });
    }
    for document in of("Pod") {
        let pod = pod(&world, document);
        world.pods.push(pod);
    }
    for document in of("NetworkPolicy") {
        let namespace = namespace(&world, document);
        world.policies.push(policy(namespace, document));
    }
    for (name, kind) in [
        ("ClusterNetworkPolicy", Kind::Cluster),
        ("AdminNetworkPolicy", Kind::Admin),
        ("BaselineAdminNetworkPolicy", Kind::Baseline),
    ] {
        world
            .wide
            .extend(of(name).map(|document| wide(kind, document)));
    }
    world
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn number(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|number| u16::try_from(number).ok())
}

fn labels(value: &Value) -> Labels {
    let pairs = value.as_object().into_iter().flatten();
    pairs
        .map(|(key, value)| (key.clone(), text(value)))
        .collect()
}

fn namespace(world: &World, document: &Value) -> usize {
    let name = text(&document["metadata"]["namespace"]);
    let found = world.namespaces.iter().position(|ns| ns.name == name);
    found.expect("rows name namespaces of theirs")
}

fn pod(world: &World, document: &Value) -> Pod {
    let (spec, status) = (&document["spec"], &document["status"]);
    let mut addresses: Vec<IpAddr> = list(&status["podIPs"])
        .iter()
        .map(|ip| text(&ip["ip"]).parse().unwrap())
        .collect();
    if addresses.is_empty() {
        addresses.extend(text(&status["podIP"]).parse::<IpAddr>());
    }
    let mut ports = Vec::new();
    for (key, init) in [("containers", false), ("initContainers", true)] {
        for container in list(&spec[key]) {
            ports.extend(list(&container["ports"]).iter().map(|port| ContainerPort {
                name: text(&port["name"]),
                protocol: protocol(port["protocol"].as_str().unwrap_or("TCP")),
                number: number(&port["containerPort"]).unwrap(),
                init,
            }));
        }
    }
    let node = text(&spec["nodeName"]);
    Pod {
        namespace: namespace(world, document),
        name: text(&document["metadata"]["name"]),
        labels: labels(&document["metadata"]["labels"]),
        node: world.nodes.iter().position(|known| known.name == node),
        addresses,
        host_network: spec["hostNetwork"] == true,
        phase: match status["phase"].as_str() {
            Some("Succeeded") => Phase::Succeeded,
            Some("Failed") => Phase::Failed,
            Some("Pending") => Phase::Pending,
            _ => Phase::Running,
        },
        ports,
    }
}

fn protocol(name: &str) -> Protocol {
    match name {
        "TCP" => Protocol::Tcp,
        "UDP" => Protocol::Udp,
        "SCTP" => Protocol::Sctp,
        other => panic!("no protocol: {other}"),
    }
}

fn cidr(value: &Value) -> Cidr {
    let text = text(value);
    let (address, bits) = text.split_once('/').unwrap();
    Cidr {
        address: address.parse().unwrap(),
        bits: bits.parse().unwrap(),
    }
}

fn selector(value: &Value) -> Selector {
    Selector {
        labels: labels(&value["matchLabels"]),
        expressions: list(&value["matchExpressions"])
            .iter()
            .map(|item| Expression {
                key: text(&item["key"]),
                operator: match item["operator"].as_str().unwrap() {
                    "In" => Operator::In,
                    "NotIn" => Operator::NotIn,
                    "Exists" => Operator::Exists,
                    "DoesNotExist" => Operator::DoesNotExist,
                    other => panic!("no operator: {other}"),
                },
                values: list(&item["values"]).iter().map(text).collect(),
            })
            .collect(),
    }
}

fn given(value: &Value) -> Option<&Value> {
    (!value.is_null()).then_some(value)
}

// ---- NetworkPolicy

fn policy(namespace: usize, document: &Value) -> Policy {
    let spec = &document["spec"];
    let rules = |key: &str, peers: &str| -> Vec<Rule> {
        let rules = list(&spec[key]);
        rules
            .iter()
            .map(|rule| Rule {
                peers: list(&rule[peers]).iter().map(peer).collect(),
                ports: list(&rule["ports"]).iter().map(port).collect(),
            })
            .collect()
    };
    Policy {
        namespace,
        name: text(&document["metadata"]["name"]),
        subject: selector(&spec["podSelector"]),
        types: list(&spec["policyTypes"])
            .iter()
            .map(|word| match word.as_str().unwrap() {
                "Ingress" => Direction::Ingress,
                _ => Direction::Egress,
            })
            .collect(),
        ingress: rules("ingress", "from"),
        egress: rules("egress", "to"),
    }
}

fn peer(value: &Value) -> Peer {
    if let Some(block) = given(&value["ipBlock"]) {
        return Peer::Block {
            cidr: cidr(&block["cidr"]),
            except: list(&block["except"]).iter().map(cidr).collect(),
        };
    }
    Peer::Select {
        namespaces: given(&value["namespaceSelector"]).map(selector),
        pods: given(&value["podSelector"]).map(selector),
    }
}

fn port(value: &Value) -> Port {
    let written = &value["port"];
    Port {
        protocol: value["protocol"].as_str().map(protocol),
        number: match (number(written), written.as_str()) {
            (Some(number), _) => Some(NumberOrName::Number(number)),
            (None, Some(name)) => Some(NumberOrName::Name(name.to_owned())),
            (None, None) => None,
        },
        end: number(&value["endPort"]),
    }
}

// ---- cluster-wide policies

fn wide(kind: Kind, document: &Value) -> Wide {
    let spec = &document["spec"];
    let rules = |key: &str, peers: &str| -> Vec<WideRule> {
        let rules = list(&spec[key]);
        rules
            .iter()
            .map(|rule| WideRule {
                action: match rule["action"].as_str().unwrap() {
                    "Accept" if kind == Kind::Cluster => Action::Accept,
                    "Allow" if kind != Kind::Cluster => Action::Accept,
                    "Deny" => Action::Deny,
                    "Pass" => Action::Pass,
                    other => panic!("no action: {other}"),
                },
                peers: list(&rule[peers]).iter().map(wide_peer).collect(),
                ports: match kind {
                    Kind::Cluster => given(&rule["protocols"])
                        .map(|ports| list(ports).iter().map(wide_port).collect()),
                    _ => None,
                },
            })
            .collect()
    };
    Wide {
        kind,
        name: text(&document["metadata"]["name"]),
        tier: match (kind, spec["tier"].as_str()) {
            (Kind::Baseline, _) | (_, Some("Baseline")) => Tier::Baseline,
            _ => Tier::Admin,
        },
        priority: number(&spec["priority"]).unwrap_or(0),
        subject: scope(&spec["subject"]),
        ingress: rules("ingress", "from"),
        egress: rules("egress", "to"),
    }
}

fn scope(value: &Value) -> Scope {
    match given(&value["pods"]) {
        Some(pods) => Scope {
            namespaces: selector(&pods["namespaceSelector"]),
            pods: Some(selector(&pods["podSelector"])),
        },
        None => Scope {
            namespaces: selector(&value["namespaces"]),
            pods: None,
        },
    }
}

fn wide_peer(value: &Value) -> WidePeer {
    for (key, same) in [("sameLabels", true), ("notSameLabels", false)] {
        if let Some(keys) = given(&value["namespaces"][key]) {
            return WidePeer::Tenants {
                keys: list(keys).iter().map(text).collect(),
                same,
                pods: None,
            };
        }
    }
    if !value["namespaces"].is_null() || !value["pods"].is_null() {
        return WidePeer::Pods(scope(value));
    }
    if let Some(nodes) = given(&value["nodes"]) {
        return WidePeer::Nodes(selector(nodes));
    }
    if let Some(blocks) = given(&value["networks"]) {
        return WidePeer::Networks(list(blocks).iter().map(cidr).collect());
    }
    match given(&value["domainNames"]) {
        Some(names) => WidePeer::Domains(list(names).iter().map(text).collect()),
        None => WidePeer::Empty,
    }
}

fn wide_port(value: &Value) -> WidePort {
    if let Some(name) = value["destinationNamedPort"].as_str() {
        return WidePort::Named(name.to_owned());
    }
    let (name, of) = value.as_object().unwrap().iter().next().unwrap();
    let protocol = protocol(&name.to_uppercase());
    let destination = &of["destinationPort"];
    match number(&destination["number"]) {
        Some(number) => WidePort::Number(protocol, number),
        None => WidePort::Range(
            protocol,
            number(&destination["range"]["start"]).unwrap(),
            number(&destination["range"]["end"]).unwrap(),
        ),
    }
}
