//! Wire objects to the inventory. Wire types end here: above, nobody knows a file from a watch.
//!
//! Nothing is refused for one bad field: the object is kept as far as it can be read, marked, and told about.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use ipnet::IpNet;

use crate::text::tame;
use crate::wire;
use crate::yaml::Lines;

use super::{
    Backend, Cluster, ContainerPort, Coverage, Diagnostic, Endpoint, EndpointPort, IpBlock,
    NAMESPACE_NAME, Namespace, NamespaceScope, Node, Peer, PeerItem, Peers, Phase, Pod, Policy,
    PortItem, PortRange, PortTest, Ports, Problem, Protocol, Requirement, Rule, Selector, Service,
    ServicePort, SourceRef, TargetPort, Test, Workload,
};

/// An object and where it was written; `place` is `None` when it came from a server.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub object: wire::Object,
    pub place: Option<Place>,
}

/// The document an object was read from.
#[derive(Clone, Debug)]
pub struct Place {
    pub file: Arc<str>,
    /// The line on which the document starts.
    pub line: u32,
    /// Lines of the document's parts, counted from 1 within it; only policies keep them.
    pub lines: Option<Arc<Lines>>,
}

impl Place {
    fn start(&self) -> SourceRef {
        SourceRef {
            file: Arc::clone(&self.file),
            line: self.line,
        }
    }

    fn line_of(&self, path: &str) -> Option<u32> {
        self.lines
            .as_ref()?
            .get(path)
            .map(|line| self.line + line - 1)
    }
}

/// Whether objects that own pods stand for pods that were not loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Files: a Deployment without pods stands for its own.
    Files,
    /// A server: what it does not list does not exist.
    Server,
}

/// Makes the whole inventory. Objects may come in any order; of two with the same name the first wins, and that is told.
pub fn cluster(objects: &[Arrived], coverage: Coverage, mode: Mode) -> (Cluster, Vec<Diagnostic>) {
    let mut by_namespace: BTreeMap<String, Vec<&Arrived>> = BTreeMap::new();
    let mut machines = Vec::new();
    for arrived in objects {
        match &arrived.object {
            wire::Object::Node(_) => machines.push(arrived),
            wire::Object::Unreadable(o) if o.kind == "Node" => machines.push(arrived),
            object => by_namespace.entry(home(object)).or_default().push(arrived),
        }
    }
    let (nodes, mut diagnostics) = nodes(&machines);
    let mut namespaces = BTreeMap::new();
    for (name, objects) in by_namespace {
        let (made, problems) = namespace(&name, &objects, mode);
        diagnostics.extend(problems);
        namespaces.insert(name, Arc::new(made));
    }
    (
        Cluster {
            namespaces,
            nodes: Arc::new(nodes),
            coverage,
        },
        diagnostics,
    )
}

/// The namespace an object belongs to; a Namespace belongs to itself. Without one, kubectl would use `default`.
pub fn home(object: &wire::Object) -> String {
    match object {
        wire::Object::Namespace(o) => o.metadata.name.clone(),
        wire::Object::Unreadable(o) if o.kind == "Namespace" => o.metadata.name.clone(),
        other if other.meta().namespace.is_empty() => "default".to_owned(),
        other => other.meta().namespace.clone(),
    }
}

/// Makes the nodes, sorted by name.
pub fn nodes(objects: &[&Arrived]) -> (Vec<Node>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let mut nodes: Vec<Node> = Vec::new();
    for arrived in objects {
        match &arrived.object {
            wire::Object::Node(o) => nodes.push(node(o)),
            wire::Object::Unreadable(o) => diagnostics.push(unreadable(o, arrived.place.as_ref())),
            _ => {}
        }
    }
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    nodes.dedup_by(|b, a| a.name == b.name);
    (nodes, diagnostics)
}

fn node(o: &wire::Node) -> Node {
    let all = |wanted: &dyn Fn(&str) -> bool| -> Vec<IpAddr> {
        let listed = o.status.addresses.iter().filter(|a| wanted(&a.kind));
        listed.filter_map(|a| a.address.parse().ok()).collect()
    };
    let internal = all(&|kind| kind == "InternalIP");
    let mut addresses = internal.clone();
    for address in all(&|kind| kind != "InternalIP") {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Node {
        name: o.metadata.name.clone(),
        labels: o.metadata.labels.clone().into_iter().collect(),
        addresses,
        tunnels: o
            .metadata
            .tunnel_addresses
            .iter()
            .filter_map(|a| address(a))
            .collect(),
        internal,
        kubelet_version: o.status.node_info.kubelet_version.clone(),
        ready: o
            .status
            .conditions
            .iter()
            .find(|c| c.kind == "Ready")
            .map(|c| c.status == "True"),
    }
}

fn address(text: &str) -> Option<IpAddr> {
    text.split('/').next().and_then(|bare| bare.parse().ok())
}

/// Makes one namespace from everything that lives in it, its own Namespace object included.
pub fn namespace(name: &str, objects: &[&Arrived], mode: Mode) -> (Namespace, Vec<Diagnostic>) {
    let mut made = Namespace::undeclared(name);
    let mut diagnostics = Vec::new();
    let mut seen: BTreeMap<(String, String), Option<SourceRef>> = BTreeMap::new();
    let (mut owners, mut pods, mut slices) = (Vec::new(), Vec::new(), Vec::new());
    for arrived in objects {
        let place = arrived.place.as_ref();
        let kind = kind_of(&arrived.object);
        let key = (kind.to_owned(), arrived.object.meta().name.clone());
        if let Some(first) = seen.get(&key) {
            let what = format!("{kind} {}/{}", tame(name), tame(&key.1));
            diagnostics.push(
                Diagnostic::error(match first {
                    Some(first) => {
                        format!("is defined twice, first at {first}; this one is left out")
                    }
                    None => "is defined twice; this one is left out".to_owned(),
                })
                .at(place.map(Place::start))
                .on(what)
                .help("keep one of the two; an apply would let the last one win"),
            );
            continue;
        }
        seen.insert(key, place.map(Place::start));
        match &arrived.object {
            wire::Object::Namespace(o) => {
                made.declared = true;
                made.labels = o.metadata.labels.clone().into_iter().collect();
                // The server sets it and refuses changes, so a file that lacks it or says otherwise means this.
                made.labels.insert(NAMESPACE_NAME, name);
            }
            wire::Object::Workload(o) => owners.push((o.as_ref(), place)),
            wire::Object::Pod(o) => pods.push((o.as_ref(), place)),
            wire::Object::Service(o) => made.services.push(service(o, name, place)),
            wire::Object::EndpointSlice(o) => slices.push(o.as_ref()),
            wire::Object::NetworkPolicy(o) => {
                made.policies.push(policy(o, name, place, &mut diagnostics));
            }
            wire::Object::Unreadable(o) => {
                diagnostics.push(unreadable(o, place));
                if o.kind == "NetworkPolicy" {
                    made.policies.push(unreadable_policy(o, name, place));
                }
            }
            wire::Object::Node(_) => {}
        }
    }
    made.policies.sort_by(|a, b| a.name.cmp(&b.name));
    made.services.sort_by(|a, b| a.name.cmp(&b.name));
    attach_endpoints(&mut made.services, &slices, mode);
    fold(&mut made, &owners, &pods, mode);
    (made, diagnostics)
}

fn kind_of(object: &wire::Object) -> &str {
    match object {
        wire::Object::Namespace(_) => "Namespace",
        wire::Object::Node(_) => "Node",
        wire::Object::Pod(_) => "Pod",
        wire::Object::Workload(o) => &o.kind,
        wire::Object::Service(_) => "Service",
        wire::Object::EndpointSlice(_) => "EndpointSlice",
        wire::Object::NetworkPolicy(_) => "NetworkPolicy",
        wire::Object::Unreadable(o) => &o.kind,
    }
}

fn unreadable(o: &wire::Unreadable, place: Option<&Place>) -> Diagnostic {
    Diagnostic::error(format!("cannot be read: {}", tame(&o.why)))
        .at(place.map(Place::start))
        .on(format!("{} {}", o.kind, qualified(&o.metadata)))
        .help(match o.kind.as_str() {
            "NetworkPolicy" => "until it can be read, every verdict it might change is unknown",
            _ => "it is left out; the other objects are used",
        })
}

fn qualified(meta: &wire::Meta) -> String {
    if meta.namespace.is_empty() {
        return tame(&meta.name).into_owned();
    }
    format!("{}/{}", tame(&meta.namespace), tame(&meta.name))
}

/// A policy we know only by name might select anything in its namespace, in both directions, and might let anything through.
fn unreadable_policy(o: &wire::Unreadable, namespace: &str, place: Option<&Place>) -> Policy {
    let anything = || Rule {
        peers: Peers::Everyone,
        ports: Ports::All,
        line: None,
    };
    Policy {
        namespace: namespace.into(),
        name: o.metadata.name.clone(),
        source: place.map(Place::start),
        created: o.metadata.creation_timestamp.clone(),
        subject: Selector::everything(),
        ingress: Some(vec![anything()]),
        egress: Some(vec![anything()]),
        invalid: vec![Problem {
            path: String::new(),
            message: tame(&o.why).into_owned(),
        }],
    }
}

// ---- policies

struct PolicyReader<'a> {
    place: Option<&'a Place>,
    problems: Vec<Problem>,
}

impl PolicyReader<'_> {
    fn refuse(&mut self, path: &str, message: impl Into<String>) {
        self.problems.push(Problem {
            path: path.to_owned(),
            message: message.into(),
        });
    }

    fn line(&self, path: &str) -> Option<u32> {
        self.place?.line_of(path)
    }
}

fn policy(
    o: &wire::NetworkPolicy,
    namespace: &str,
    place: Option<&Place>,
    out: &mut Vec<Diagnostic>,
) -> Policy {
    let mut reader = PolicyReader {
        place,
        problems: Vec::new(),
    };
    // Absent, null and empty all select the whole namespace (rule N2).
    let subject = match &o.spec.pod_selector {
        Some(selector) => read_selector(selector, "spec.podSelector", &mut reader),
        None => Selector::everything(),
    };
    let mut types = (false, false);
    for (index, name) in o.spec.policy_types.iter().enumerate() {
        match name.as_str() {
            "Ingress" => types.0 = true,
            "Egress" => types.1 = true,
            other => reader.refuse(
                &format!("spec.policyTypes[{index}]"),
                format!("`{}` is neither Ingress nor Egress", tame(other)),
            ),
        }
    }
    let known = |name: &String| name == "Ingress" || name == "Egress";
    if o.spec.policy_types.is_empty() {
        // The server's defaults: always Ingress, and Egress when there is an egress rule (rule N6).
        types = (true, !o.spec.egress.is_empty());
    } else if !o.spec.policy_types.iter().all(known) {
        // What was meant is not known: it may touch either direction.
        types = (true, true);
    }
    let ingress = types
        .0
        .then(|| rules(&o.spec.ingress, super::Direction::Ingress, &mut reader));
    let egress = types
        .1
        .then(|| rules(&o.spec.egress, super::Direction::Egress, &mut reader));
    let object = format!(
        "NetworkPolicy {}/{}",
        tame(namespace),
        tame(&o.metadata.name)
    );
    let at = |path: &str| {
        let file = place.map(Place::start)?;
        Some(SourceRef {
            line: place
                .and_then(|p| nearest_line(p, path))
                .unwrap_or(file.line),
            ..file
        })
    };
    for problem in &reader.problems {
        out.push(
            Diagnostic::error(format!("{}: {}", problem.path, problem.message))
                .at(at(&problem.path))
                .on(object.clone())
                .help("an API server refuses this object; what it might change counts as unknown until it is mended"),
        );
    }
    for (field, wrong, listed) in [
        ("ingress", "to", &o.spec.ingress),
        ("egress", "from", &o.spec.egress),
    ] {
        for (index, rule) in listed.iter().enumerate() {
            let misplaced = if wrong == "to" { &rule.to } else { &rule.from };
            if !misplaced.is_empty() {
                let path = format!("spec.{field}[{index}].{wrong}");
                out.push(
                    Diagnostic::warning(format!(
                        "{path}: this field does not exist in {field} rules; a server drops it"
                    ))
                    .at(at(&path))
                    .on(object.clone())
                    .help(format!(
                        "write `{}`; without it the rule is open to everyone",
                        if wrong == "to" { "from" } else { "to" }
                    )),
                );
            }
        }
    }
    Policy {
        namespace: namespace.into(),
        name: o.metadata.name.clone(),
        source: place.map(Place::start),
        created: o.metadata.creation_timestamp.clone(),
        subject,
        ingress,
        egress,
        invalid: reader.problems,
    }
}

/// The line of a path, or of the nearest part around it that has one.
fn nearest_line(place: &Place, path: &str) -> Option<u32> {
    let mut path = path;
    loop {
        if let Some(line) = place.line_of(path) {
            return Some(line);
        }
        path = &path[..path.rfind(['.', '['])?];
    }
}

fn rules(
    listed: &[wire::NetworkPolicyRule],
    direction: super::Direction,
    reader: &mut PolicyReader<'_>,
) -> Vec<Rule> {
    let mut made = Vec::with_capacity(listed.len());
    for (index, rule) in listed.iter().enumerate() {
        let path = format!("spec.{direction}[{index}]");
        let peers = match direction {
            super::Direction::Ingress => &rule.from,
            super::Direction::Egress => &rule.to,
        };
        let field = format!("{path}.{}", direction.peer_field());
        made.push(Rule {
            peers: if peers.is_empty() {
                Peers::Everyone
            } else {
                let items = peers.iter().enumerate().map(|(i, peer)| {
                    let path = format!("{field}[{i}]");
                    PeerItem {
                        line: reader.line(&path),
                        peer: read_peer(peer, &path, reader),
                    }
                });
                Peers::AnyOf(items.collect())
            },
            ports: if rule.ports.is_empty() {
                Ports::All
            } else {
                let items = rule.ports.iter().enumerate();
                Ports::AnyOf(
                    items
                        .map(|(i, port)| read_port(port, &format!("{path}.ports[{i}]"), reader))
                        .collect(),
                )
            },
            line: reader.line(&path),
        });
    }
    made
}

fn read_peer(peer: &wire::NetworkPolicyPeer, path: &str, reader: &mut PolicyReader<'_>) -> Peer {
    match (&peer.ip_block, &peer.namespace_selector, &peer.pod_selector) {
        (None, None, None) => {
            reader.refuse(path, "a peer needs a podSelector, a namespaceSelector or an ipBlock (an empty one is not `everyone`)");
            Peer::Unreadable
        }
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
            reader.refuse(path, "ipBlock cannot stand beside a selector");
            Peer::Unreadable
        }
        (Some(block), None, None) => read_block(block, &format!("{path}.ipBlock"), reader),
        (None, namespaces, pods) => Peer::Pods {
            namespaces: match namespaces {
                Some(s) => NamespaceScope::Matching(read_selector(
                    s,
                    &format!("{path}.namespaceSelector"),
                    reader,
                )),
                None => NamespaceScope::Own,
            },
            pods: match pods {
                Some(s) => read_selector(s, &format!("{path}.podSelector"), reader),
                None => Selector::everything(),
            },
        },
    }
}

fn read_block(block: &wire::IpBlock, path: &str, reader: &mut PolicyReader<'_>) -> Peer {
    let Some(cidr) = net(&block.cidr) else {
        reader.refuse(
            &format!("{path}.cidr"),
            format!("`{}` is no network such as 10.0.0.0/8", tame(&block.cidr)),
        );
        return Peer::Unreadable;
    };
    let mut except = Vec::with_capacity(block.except.len());
    for (index, text) in block.except.iter().enumerate() {
        let at = format!("{path}.except[{index}]");
        match net(text) {
            // An exception as wide as the block leaves nothing; old stored objects have it, so it is kept (rule N30).
            Some(hole) if cidr.contains(&hole) => except.push(hole),
            Some(hole) => reader.refuse(&at, format!("{hole} does not lie inside {cidr}")),
            None => reader.refuse(
                &at,
                format!("`{}` is no network such as 10.1.0.0/16", tame(text)),
            ),
        }
    }
    if except.len() != block.except.len() {
        return Peer::Unreadable;
    }
    Peer::IpBlock(IpBlock { cidr, except })
}

/// Reads a network; host bits are masked away (rule N31). A bare address is no network to the API, but its meaning is plain.
fn net(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().map(|net| net.trunc())
}

fn read_port(
    port: &wire::NetworkPolicyPort,
    path: &str,
    reader: &mut PolicyReader<'_>,
) -> PortItem {
    let protocol = match port.protocol.as_deref() {
        None | Some("") => Protocol::Tcp, // Never "any" (rule N37).
        // The API spells them in capitals and refuses anything else.
        Some(text) => match Protocol::ALL.into_iter().find(|p| p.as_str() == text) {
            Some(protocol) => protocol,
            None => {
                reader.refuse(
                    &format!("{path}.protocol"),
                    format!("`{}` is none of TCP, UDP, SCTP", tame(text)),
                );
                return PortItem {
                    protocol: Protocol::Tcp,
                    port: PortTest::Unreadable,
                };
            }
        },
    };
    let test = match (&port.port, port.end_port) {
        (None, None) => PortTest::Any,
        (None, Some(_)) => {
            reader.refuse(
                &format!("{path}.endPort"),
                "endPort needs a port to start from",
            );
            PortTest::Unreadable
        }
        (Some(wire::IntOrString::String(_)), Some(_)) => {
            reader.refuse(
                &format!("{path}.endPort"),
                "endPort cannot stand beside a port name",
            );
            PortTest::Unreadable
        }
        (Some(wire::IntOrString::String(name)), None) => {
            if name.is_empty() {
                reader.refuse(&format!("{path}.port"), "a port name cannot be empty");
                PortTest::Unreadable
            } else if !is_port_name(name) {
                reader.refuse(
                    &format!("{path}.port"),
                    format!(
                        "`{}` is no port name: up to 15 of a-z, 0-9 and -, one of them a letter (a number stands without quotes)",
                        tame(name)
                    ),
                );
                PortTest::Unreadable
            } else {
                PortTest::Named(name.clone())
            }
        }
        (Some(wire::IntOrString::Int(first)), end) => {
            let last = end.unwrap_or(*first);
            match (number(*first), number(last)) {
                (Some(a), Some(b)) => match PortRange::new(a, b) {
                    Some(range) => PortTest::Range(range),
                    None => {
                        reader.refuse(
                            &format!("{path}.endPort"),
                            format!("endPort {last} is smaller than port {first}"),
                        );
                        PortTest::Unreadable
                    }
                },
                _ => {
                    reader.refuse(
                        &format!("{path}.port"),
                        "a port number lies between 1 and 65535",
                    );
                    PortTest::Unreadable
                }
            }
        }
    };
    PortItem {
        protocol,
        port: test,
    }
}

/// What the API takes for a port name: as RFC 6335 has it, in lower case.
fn is_port_name(text: &str) -> bool {
    text.len() <= 15
        && text.bytes().any(|b| b.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
}

fn number(port: i64) -> Option<NonZeroU16> {
    u16::try_from(port).ok().and_then(NonZeroU16::new)
}

fn read_selector(
    selector: &wire::LabelSelector,
    path: &str,
    reader: &mut PolicyReader<'_>,
) -> Selector {
    let mut requirements: Vec<Requirement> = selector
        .match_labels
        .iter()
        .map(|(key, value)| Requirement::equals(key, value))
        .collect();
    for (index, expression) in selector.match_expressions.iter().enumerate() {
        let at = format!("{path}.matchExpressions[{index}]");
        let values = expression
            .values
            .iter()
            .cloned()
            .collect::<std::collections::BTreeSet<_>>();
        let test = match (expression.operator.as_str(), values.is_empty()) {
            ("In", false) => Test::In(values),
            ("NotIn", false) => Test::NotIn(values),
            ("Exists", true) => Test::Exists,
            ("DoesNotExist", true) => Test::DoesNotExist,
            ("In" | "NotIn", true) => {
                reader.refuse(
                    &at,
                    format!("{} needs at least one value", expression.operator),
                );
                continue;
            }
            ("Exists" | "DoesNotExist", false) => {
                reader.refuse(&at, format!("{} takes no values", expression.operator));
                continue;
            }
            (other, _) => {
                reader.refuse(
                    &at,
                    format!(
                        "`{}` is none of In, NotIn, Exists, DoesNotExist",
                        tame(other)
                    ),
                );
                continue;
            }
        };
        if expression.key.is_empty() {
            reader.refuse(&at, "a label key cannot be empty");
            continue;
        }
        requirements.push(Requirement {
            key: expression.key.clone(),
            test,
        });
    }
    Selector::new(requirements)
}

// ---- services

fn service(o: &wire::Service, namespace: &str, place: Option<&Place>) -> Service {
    let spec = &o.spec;
    let ips = || {
        let listed = spec
            .cluster_ips
            .iter()
            .map(String::as_str)
            .chain(spec.cluster_ip.as_deref());
        let mut ips: Vec<IpAddr> = Vec::new();
        for ip in listed.filter_map(|text| text.parse().ok()) {
            if !ips.contains(&ip) {
                ips.push(ip);
            }
        }
        ips
    };
    let headless = spec.cluster_ip.as_deref() == Some("None")
        || spec.cluster_ips.iter().any(|ip| ip == "None");
    Service {
        namespace: namespace.into(),
        name: o.metadata.name.clone(),
        labels: o.metadata.labels.clone().into_iter().collect(),
        backend: match (spec.kind.as_deref(), &spec.external_name) {
            (Some("ExternalName"), name) => Backend::ExternalName(name.clone().unwrap_or_default()),
            _ if spec.selector.is_empty() => Backend::Nothing,
            _ => Backend::Selector(spec.selector.clone().into_iter().collect()),
        },
        cluster_ips: ips(),
        headless,
        ports: spec.ports.iter().filter_map(service_port).collect(),
        local_only: spec.internal_traffic_policy.as_deref() == Some("Local"),
        publish_not_ready: spec.publish_not_ready_addresses,
        source: place.map(Place::start),
    }
}

fn service_port(o: &wire::ServicePort) -> Option<ServicePort> {
    let port = number(o.port)?.get();
    Some(ServicePort {
        name: o.name.clone(),
        protocol: o
            .protocol
            .as_deref()
            .and_then(Protocol::parse)
            .unwrap_or_default(),
        port,
        target: match &o.target_port {
            Some(wire::IntOrString::String(name)) => name
                .parse()
                .map_or_else(|_| TargetPort::Named(name.clone()), TargetPort::Number),
            Some(wire::IntOrString::Int(n)) => {
                TargetPort::Number(number(*n).map_or(port, NonZeroU16::get))
            }
            None => TargetPort::Number(port),
        },
    })
}

const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// Slices decide what stands behind a Service (rule N63); from a server a Service without one has nothing behind it.
fn attach_endpoints(services: &mut [Service], slices: &[&wire::EndpointSlice], mode: Mode) {
    for service in services {
        if matches!(service.backend, Backend::ExternalName(_)) {
            continue;
        }
        let own: Vec<_> = slices
            .iter()
            .filter(|slice| slice.metadata.labels.get(SERVICE_NAME) == Some(&service.name))
            .filter(|slice| slice.address_type != "FQDN")
            .collect();
        if own.is_empty() {
            if mode == Mode::Server {
                service.backend = Backend::Nothing;
            }
            continue;
        }
        let mut endpoints = Vec::new();
        for slice in own {
            let ports: Vec<EndpointPort> = slice
                .ports
                .iter()
                .map(|port| EndpointPort {
                    name: port.name.clone(),
                    protocol: port
                        .protocol
                        .as_deref()
                        .and_then(Protocol::parse)
                        .unwrap_or_default(),
                    port: port.port.and_then(number).map(NonZeroU16::get),
                })
                .collect();
            for endpoint in &slice.endpoints {
                let terminating = endpoint.conditions.terminating.unwrap_or(false);
                endpoints.push(Endpoint {
                    addresses: endpoint
                        .addresses
                        .iter()
                        .filter_map(|a| a.parse().ok())
                        .collect(),
                    ready: endpoint.conditions.ready.unwrap_or(true),
                    serving: endpoint
                        .conditions
                        .serving
                        .unwrap_or(endpoint.conditions.ready.unwrap_or(true)),
                    terminating,
                    node: endpoint.node_name.clone(),
                    pod: endpoint
                        .target_ref
                        .as_ref()
                        .filter(|r| r.kind == "Pod")
                        .map(|r| {
                            let home = if r.namespace.is_empty() {
                                service.namespace.to_string()
                            } else {
                                r.namespace.clone()
                            };
                            (home, r.name.clone())
                        }),
                    ports: ports.clone(),
                });
            }
        }
        endpoints.sort_by(|a, b| {
            a.addresses
                .cmp(&b.addresses)
                .then_with(|| a.pod.cmp(&b.pod))
        });
        service.backend = Backend::Endpoints(endpoints);
    }
}

// ---- pods and the workloads they fold into

fn pod(o: &wire::Pod, place: Option<&Place>) -> Pod {
    let mut addresses: Vec<IpAddr> = Vec::new();
    let listed = o
        .status
        .pod_ips
        .iter()
        .map(|ip| ip.ip.as_str())
        .chain(o.status.pod_ip.as_deref());
    for address in listed.filter_map(|text| text.parse().ok()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Pod {
        name: o.metadata.name.clone(),
        labels: o.metadata.labels.clone().into_iter().collect(),
        workload: 0,
        node: o.spec.node_name.clone().filter(|name| !name.is_empty()),
        addresses,
        host_addresses: o
            .status
            .host_ip
            .as_deref()
            .and_then(|ip| ip.parse().ok())
            .into_iter()
            .collect(),
        host_network: o.spec.host_network,
        phase: match o.status.phase.as_str() {
            "Running" => Phase::Running,
            "Succeeded" => Phase::Succeeded,
            "Failed" => Phase::Failed,
            "Unknown" => Phase::Unknown,
            _ => Phase::Pending,
        },
        ready: o
            .status
            .conditions
            .iter()
            .any(|c| c.kind == "Ready" && c.status == "True"),
        terminating: o.metadata.deletion_timestamp.is_some(),
        ports: container_ports(&o.spec),
        stands_in: false,
        count: 1,
        images: o.spec.containers.iter().map(|c| c.image.clone()).collect(),
        source: place.map(Place::start),
    }
}

fn container_ports(spec: &wire::PodSpec) -> Vec<ContainerPort> {
    let listed = spec
        .containers
        .iter()
        .map(|c| (c, false))
        .chain(spec.init_containers.iter().map(|c| (c, true)));
    let mut ports = Vec::new();
    for (container, init) in listed {
        for port in &container.ports {
            if let Some(number) = number(port.container_port) {
                ports.push(ContainerPort {
                    name: port.name.clone(),
                    protocol: port
                        .protocol
                        .as_deref()
                        .and_then(Protocol::parse)
                        .unwrap_or_default(),
                    port: number.get(),
                    init,
                });
            }
        }
    }
    ports
}

/// A pod written in a file without a status is one that would run: only a server says otherwise.
fn file_pod(o: &wire::Pod, place: Option<&Place>) -> Pod {
    let mut made = pod(o, place);
    if o.status.phase.is_empty() {
        made.phase = Phase::Running;
        made.ready = true;
        made.stands_in = made.addresses.is_empty();
    } else if made.phase == Phase::Running && !o.status.conditions.iter().any(|c| c.kind == "Ready")
    {
        // Written by hand: a server always says whether a pod is ready.
        made.ready = true;
    }
    made
}

fn stand_in(o: &wire::Workload, template: &wire::PodTemplate, place: Option<&Place>) -> Pod {
    Pod {
        name: format!("{}-*", o.metadata.name),
        labels: template.metadata.labels.clone().into_iter().collect(),
        host_network: template.spec.host_network,
        ready: true,
        ports: container_ports(&template.spec),
        stands_in: true,
        count: o
            .spec
            .replicas
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(1),
        images: template
            .spec
            .containers
            .iter()
            .map(|c| c.image.clone())
            .collect(),
        source: place.map(Place::start),
        ..Pod::default()
    }
}

type Owned<'a, T> = (&'a T, Option<&'a Place>);

fn fold(
    made: &mut Namespace,
    owners: &[Owned<'_, wire::Workload>],
    pods: &[Owned<'_, wire::Pod>],
    mode: Mode,
) {
    let namespace: Arc<str> = made.name.as_str().into();
    let known: BTreeMap<(&str, &str), &Owned<'_, wire::Workload>> = owners
        .iter()
        .map(|owned| {
            (
                (owned.0.kind.as_str(), owned.0.metadata.name.as_str()),
                owned,
            )
        })
        .collect();
    let mut workloads: BTreeMap<(String, String), Workload> = BTreeMap::new();
    let mut add = |kind: &str,
                   name: &str,
                   source: Option<SourceRef>,
                   pod: Option<Pod>,
                   made: &mut Namespace| {
        let entry = workloads
            .entry((kind.to_owned(), name.to_owned()))
            .or_insert_with(|| Workload {
                namespace: Arc::clone(&namespace),
                kind: kind.to_owned(),
                name: name.to_owned(),
                pods: Vec::new(),
                source,
            });
        if let Some(pod) = pod {
            entry.pods.push(made.pods.len());
            made.pods.push(pod);
        }
    };
    let mut with_pods = std::collections::BTreeSet::new();
    for (o, place) in pods {
        let (kind, name) = top_owner("Pod", &o.metadata, &known);
        let source = known
            .get(&(kind.as_str(), name.as_str()))
            .and_then(|owned| owned.1)
            .or(*place)
            .map(Place::start);
        let pod = if mode == Mode::Files {
            file_pod(o, *place)
        } else {
            pod(o, *place)
        };
        with_pods.insert((kind.clone(), name.clone()));
        add(&kind, &name, source, Some(pod), made);
    }
    for (o, place) in owners {
        let (kind, name) = top_owner(&o.kind, &o.metadata, &known);
        let is_top = o.metadata.owner_references.iter().all(|r| !r.controller);
        let template = o.spec.template.as_ref().or(o
            .spec
            .job_template
            .as_ref()
            .and_then(|t| t.spec.template.as_ref()));
        if mode == Mode::Files && is_top {
            add(
                &o.kind,
                &o.metadata.name,
                place.map(Place::start),
                None,
                made,
            );
            if let Some(template) = template
                && !with_pods.contains(&(kind.clone(), name.clone()))
                && o.spec.replicas != Some(0)
            {
                add(
                    &kind,
                    &name,
                    None,
                    Some(stand_in(o, template, *place)),
                    made,
                );
            }
        }
    }
    // A finished Job, or a ReplicaSet scaled to nothing, is no workload an operator would look for.
    let mut sorted: Vec<Workload> = workloads.into_values().collect();
    sorted.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
    // Pods are sorted by name; indices follow.
    let mut order: Vec<usize> = (0..made.pods.len()).collect();
    order.sort_by(|a, b| made.pods[*a].name.cmp(&made.pods[*b].name));
    let mut new_index = vec![0; order.len()];
    for (new, old) in order.iter().enumerate() {
        new_index[*old] = new;
    }
    let mut slots: Vec<Option<Pod>> = std::mem::take(&mut made.pods)
        .into_iter()
        .map(Some)
        .collect();
    made.pods = order
        .iter()
        .map(|old| slots[*old].take().expect("each index occurs once"))
        .collect();
    for (index, workload) in sorted.iter_mut().enumerate() {
        for pod in &mut workload.pods {
            *pod = new_index[*pod];
            made.pods[*pod].workload = index;
        }
        workload.pods.sort_unstable();
    }
    made.workloads = sorted;
}

/// Follows controllers upwards: Pod, ReplicaSet, Deployment; Pod, Job, CronJob. An owner that was not loaded is still named by
/// its child. A ReplicaSet that is not loaded is known by its pods' `pod-template-hash`: its name without that is the Deployment.
fn top_owner(
    own_kind: &str,
    meta: &wire::Meta,
    known: &BTreeMap<(&str, &str), &Owned<'_, wire::Workload>>,
) -> (String, String) {
    let mut kind = own_kind.to_owned();
    let mut name = meta.name.clone();
    let mut current = meta;
    // Real chains have two links; a cycle in made-up input must end as well.
    for _ in 0..8 {
        let Some(owner) = current.owner_references.iter().find(|r| r.controller) else {
            break;
        };
        if owner.kind == "Node" {
            break; // A static pod's mirror: the pod itself is what an operator calls it.
        }
        kind.clone_from(&owner.kind);
        name.clone_from(&owner.name);
        match known.get(&(owner.kind.as_str(), owner.name.as_str())) {
            Some(owned) => current = &owned.0.metadata,
            None => {
                let hash = meta.labels.get("pod-template-hash");
                if owner.kind == "ReplicaSet"
                    && let Some(base) =
                        hash.and_then(|hash| owner.name.strip_suffix(&format!("-{hash}")))
                {
                    return ("Deployment".to_owned(), base.to_owned());
                }
                break;
            }
        }
    }
    (kind, name)
}

#[cfg(test)]
mod tests {
    use crate::model::{Direction, Phase};
    use crate::source::manifests;

    fn read(text: &str) -> (crate::model::Cluster, Vec<String>) {
        let (cluster, diagnostics) = manifests::parse("t.yaml", text);
        let told = diagnostics
            .iter()
            .map(|d| {
                let place = d
                    .source
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                format!(
                    "{place} {} {}",
                    d.object.as_deref().unwrap_or("-"),
                    d.message
                )
            })
            .collect();
        (cluster, told)
    }

    fn policy(spec: &str) -> (crate::model::Policy, Vec<String>) {
        let (cluster, told) = read(&format!(
            "kind: NetworkPolicy\napiVersion: networking.k8s.io/v1\nmetadata: {{name: p, namespace: x}}\nspec: {spec}\n"
        ));
        (cluster.namespaces["x"].policies[0].clone(), told)
    }

    /// The table of rule N6, and N5 and N7 beside it: what is isolated, as (ingress, egress).
    #[test]
    fn policy_types_follow_the_servers_defaults() {
        for (spec, expected) in [
            ("{}", (true, false)),
            ("{egress: []}", (true, false)),
            ("{egress: [{}]}", (true, true)),
            ("{policyTypes: [Egress]}", (false, true)),
            ("{policyTypes: []}", (true, false)),
            ("{policyTypes: [Egress], ingress: [{}]}", (false, true)),
            ("{policyTypes: [Ingress, Ingress]}", (true, false)),
        ] {
            let (policy, told) = policy(spec);
            let isolates = (
                policy.rules(Direction::Ingress).is_some(),
                policy.rules(Direction::Egress).is_some(),
            );
            assert_eq!(isolates, expected, "{spec}");
            assert!(told.is_empty(), "{spec}: {told:?}");
        }
    }

    #[test]
    fn a_null_rule_is_an_empty_rule_and_an_empty_peer_is_an_error() {
        let (p, told) = policy("{ingress: [null]}");
        assert_eq!(p.rules(Direction::Ingress).unwrap().len(), 1);
        assert!(told.is_empty());
        let (p, told) = policy("{ingress: [{from: [{}]}]}");
        assert_eq!(p.invalid.len(), 1);
        assert!(
            told[0].starts_with("t.yaml:4 NetworkPolicy x/p spec.ingress[0].from[0]: a peer needs"),
            "{told:?}"
        );
    }

    #[test]
    fn what_a_server_would_refuse_is_told_with_its_field() {
        for (spec, path) in [
            (
                "{podSelector: {matchExpressions: [{key: a, operator: Gt, values: ['1']}]}}",
                "spec.podSelector.matchExpressions[0]",
            ),
            (
                "{ingress: [{ports: [{port: 70000}]}]}",
                "spec.ingress[0].ports[0].port",
            ),
            (
                "{ingress: [{ports: [{port: 90, endPort: 80}]}]}",
                "spec.ingress[0].ports[0].endPort",
            ),
            (
                "{ingress: [{ports: [{port: web, endPort: 80}]}]}",
                "spec.ingress[0].ports[0].endPort",
            ),
            (
                "{ingress: [{ports: [{port: '80'}]}]}",
                "spec.ingress[0].ports[0].port",
            ),
            (
                "{ingress: [{ports: [{port: Web}]}]}",
                "spec.ingress[0].ports[0].port",
            ),
            (
                "{ingress: [{ports: [{protocol: tcp}]}]}",
                "spec.ingress[0].ports[0].protocol",
            ),
            (
                "{ingress: [{from: [{ipBlock: {cidr: ten}}]}]}",
                "spec.ingress[0].from[0].ipBlock.cidr",
            ),
            (
                "{ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/8]}}]}]}",
                "spec.ingress[0].from[0].ipBlock.except[0]",
            ),
            (
                "{ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}]}]}",
                "spec.ingress[0].from[0]",
            ),
            ("{policyTypes: [Both]}", "spec.policyTypes[0]"),
        ] {
            let (p, told) = policy(spec);
            let paths: Vec<_> = p
                .invalid
                .iter()
                .map(|problem| problem.path.as_str())
                .collect();
            assert_eq!(paths, [path], "{spec}");
            assert_eq!(told.len(), 1, "{spec}");
        }
    }

    #[test]
    fn a_field_of_the_other_direction_is_told_of() {
        let (_, told) = policy("{policyTypes: [Egress], egress: [{from: [{podSelector: {}}]}]}");
        assert!(
            told[0].contains("spec.egress[0].from: this field does not exist in egress rules"),
            "{told:?}"
        );
    }

    #[test]
    fn pods_fold_into_their_top_owner_even_when_links_are_missing() {
        let (cluster, _) = read(
            "
{kind: Pod, apiVersion: v1, metadata: {name: web-7c9-x, namespace: x, labels: {pod-template-hash: 7c9}, ownerReferences: [{kind: ReplicaSet, name: web-7c9, controller: true}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: api-1-x, namespace: x, ownerReferences: [{kind: ReplicaSet, name: api-1, controller: true}]}}
---
{kind: ReplicaSet, apiVersion: apps/v1, metadata: {name: api-1, namespace: x, ownerReferences: [{kind: Deployment, name: api, controller: true}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: nightly-1-z, namespace: x, ownerReferences: [{kind: Job, name: nightly-1, controller: true}]}}
---
{kind: Job, apiVersion: batch/v1, metadata: {name: nightly-1, namespace: x, ownerReferences: [{kind: CronJob, name: nightly, controller: true}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: alone, namespace: x}}
---
{kind: StatefulSet, apiVersion: apps/v1, metadata: {name: db, namespace: x}, spec: {replicas: 3, template: {metadata: {labels: {app: db}}}}}
---
{kind: Deployment, apiVersion: apps/v1, metadata: {name: off, namespace: x}, spec: {replicas: 0, template: {metadata: {labels: {app: off}}}}}
",
        );
        let x = &cluster.namespaces["x"];
        let folded: Vec<_> = x
            .workloads
            .iter()
            .map(|w| {
                (
                    w.id(),
                    w.pods
                        .iter()
                        .map(|p| x.pods[*p].name.as_str())
                        .collect::<Vec<_>>()
                        .join(" "),
                )
            })
            .collect();
        let expected = [
            ("x/cronjob/nightly", "nightly-1-z"),
            ("x/deployment/api", "api-1-x"),
            ("x/deployment/off", ""),
            ("x/deployment/web", "web-7c9-x"),
            ("x/pod/alone", "alone"),
            ("x/statefulset/db", "db-*"),
        ];
        assert_eq!(folded, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(x.pod("db-*").unwrap().count, 3);
        assert_eq!(x.pod("alone").unwrap().phase, Phase::Running);
    }

    #[test]
    fn of_two_objects_with_one_name_the_first_stays_and_the_second_is_told_of() {
        let (cluster, told) = read(
            "{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: p, namespace: x}, spec: {ingress: [{}]}}\n---\n{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: p, namespace: x}}\n",
        );
        assert_eq!(
            cluster.namespaces["x"].policies[0]
                .rules(Direction::Ingress)
                .unwrap()
                .len(),
            1
        );
        assert_eq!(
            told,
            [
                "t.yaml:3 NetworkPolicy x/p is defined twice, first at t.yaml:1; this one is left out"
            ]
        );
    }

    #[test]
    fn a_namespace_always_carries_its_name() {
        let (cluster, _) = read(
            "{kind: Namespace, apiVersion: v1, metadata: {name: x, labels: {team: q}}}\n---\n{kind: Pod, apiVersion: v1, metadata: {name: p, namespace: y}}",
        );
        assert_eq!(
            cluster.namespaces["x"].labels.to_string(),
            "kubernetes.io/metadata.name=x,team=q"
        );
        assert!(!cluster.namespaces["y"].declared);
        assert_eq!(
            cluster.namespaces["y"].labels.to_string(),
            "kubernetes.io/metadata.name=y"
        );
    }
}
