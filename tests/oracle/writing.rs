//! A world as a person might write it down: the same thing in many spellings.

mod wide;

use serde_json::{Map, Value, json};

use crate::naive::{
    Cidr, Direction, FOREIGN, Foreign, Labels, NAME_LABEL, Namespace, Node, NumberOrName, Operator,
    Peer, Pod, Policy, Port, Protocol, Rule, Selector, Service, World,
};
use crate::world::Case;

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
        match &port.number {
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

    /// A Deployment whose pods nobody wrote down: all that is known of them is its template (N57).
    fn deployment(&mut self, world: &World, pod: &Pod, replicas: u32) -> Value {
        let Value::Object(mut pod) = self.pod(world, pod) else {
            unreachable!("a pod is written as an object")
        };
        let mut metadata = pod["metadata"].take();
        let labels = metadata["labels"].take();
        let mut spec = pod["spec"].take();
        spec.as_object_mut().unwrap().remove("nodeName");
        let name = metadata["name"].take();
        let namespace = metadata["namespace"].take();
        pod.clear();
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "replicas": replicas,
                "template": {"metadata": {"labels": labels}, "spec": spec},
            },
        })
    }

    fn node(&mut self, node: &Node) -> Value {
        let address = |kind: &str, address: &dyn std::fmt::Display| json!({"type": kind, "address": address.to_string()});
        let internal = node.addresses.iter().map(|a| address("InternalIP", a));
        let external = node.external.iter().map(|a| address("ExternalIP", a));
        let addresses: Vec<Value> = internal
            .chain(external)
            .chain([address("Hostname", &node.name)])
            .collect();
        let mut metadata = Map::new();
        metadata.insert("name".into(), json!(node.name));
        self.labels(&mut metadata, "labels", &node.labels);
        json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": metadata,
            "status": {"addresses": addresses},
        })
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

fn foreign(world: &World, policy: &Foreign) -> Value {
    let kind = &FOREIGN[policy.kind];
    let mut metadata = Map::new();
    metadata.insert("name".into(), json!(policy.name));
    if kind.namespaced {
        let namespace = &world.namespaces[policy.namespace].name;
        metadata.insert("namespace".into(), json!(namespace));
    }
    json!({"apiVersion": kind.api, "kind": kind.kind, "metadata": metadata, "spec": {}})
}

/// A Service, and the slice of the pods behind it.
fn service(world: &World, service: &Service) -> [Value; 2] {
    let namespace = &world.namespaces[service.namespace].name;
    let is_behind = |pod: &&Pod| {
        let labels = &pod.labels;
        pod.namespace == service.namespace
            && service
                .selector
                .iter()
                .all(|(k, v)| labels.get(k) == Some(v))
            && pod.addresses.iter().any(std::net::IpAddr::is_ipv4)
            && pod.phase == crate::naive::Phase::Running
    };
    let endpoints = world.pods.iter().filter(is_behind).map(|pod| {
        let address = pod.addresses.iter().find(|a| a.is_ipv4());
        json!({"addresses": [address], "targetRef": {"kind": "Pod", "name": pod.name, "namespace": namespace}})
    });
    let endpoints: Vec<Value> = endpoints.collect();
    [
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": service.name, "namespace": namespace},
            "spec": {
                "clusterIP": "10.96.0.10",
                "selector": service.selector,
                "ports": [{"port": service.port, "targetPort": service.target}],
            },
        }),
        json!({
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": format!("{}-1", service.name),
                "namespace": namespace,
                "labels": {"kubernetes.io/service-name": service.name},
            },
            "addressType": "IPv4",
            "endpoints": endpoints,
            "ports": [{"port": service.target}],
        }),
    ]
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
        self.documents_with_templates(&[], 1)
    }

    /// The same, with Deployments in place of some pods.
    pub(crate) fn documents_with_templates(
        &self,
        templates: &[usize],
        replicas: u32,
    ) -> Vec<Value> {
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
            documents.push(pen.node(node));
        }
        for (index, pod) in world.pods.iter().enumerate() {
            documents.push(if templates.contains(&index) {
                pen.deployment(world, pod, replicas)
            } else {
                pen.pod(world, pod)
            });
        }
        documents.extend(world.policies.iter().map(|p| pen.policy(world, p)));
        documents.extend(world.wide.iter().map(|p| pen.wide(p)));
        documents.extend(world.foreign.iter().map(|f| foreign(world, f)));
        documents.extend(world.services.iter().flat_map(|s| service(world, s)));
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
        1 => joined(documents.iter().map(Value::to_string)),
        _ => joined(documents.iter().map(|document| yaml(document, 0))),
    }
}

fn joined(documents: impl Iterator<Item = String>) -> String {
    documents.collect::<Vec<_>>().join("\n---\n")
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
