//! NetworkPolicy with every default spelled out, and what an API server would refuse told field by field.

use ipnet::IpNet;

use crate::model::{
    Action, Diagnostic, Direction, IpBlock, NamespaceScope, Peer, PeerItem, Peers, Policy,
    PolicyApi, PortItem, PortRange, PortTest, Ports, Problem, Protocol, Requirement, Rule,
    Selector, SourceRef, Test, Tier,
};
use crate::text::tame;
use crate::wire;

use super::{Place, number};

/// A policy we know only by name might select anything in its namespace, in both directions, and might let anything through.
pub(super) fn unreadable_policy(
    o: &wire::Unreadable,
    namespace: &str,
    place: Option<&Place>,
) -> Policy {
    Policy {
        api: PolicyApi::NetworkPolicy,
        tier: Tier::NetworkPolicy,
        namespace: namespace.into(),
        name: o.metadata.name.clone(),
        source: place.map(Place::start),
        created: o.metadata.creation_timestamp.clone(),
        subject_namespaces: NamespaceScope::Own,
        subject: Selector::everything(),
        ingress: Some(vec![anything()]),
        egress: Some(vec![anything()]),
        invalid: vec![Problem {
            path: String::new(),
            message: tame(&o.why).into_owned(),
        }],
    }
}

/// Stands for a rule that could not be read.
pub(super) fn anything() -> Rule {
    Rule {
        action: Action::Accept,
        name: String::new(),
        peers: Peers::Everyone,
        ports: Ports::All,
        line: None,
    }
}

/// What is read of one policy, and what is wrong with it.
pub(super) struct PolicyReader<'a> {
    pub(super) place: Option<&'a Place>,
    pub(super) problems: Vec<Problem>,
}

impl PolicyReader<'_> {
    pub(super) fn refuse(&mut self, path: &str, message: impl Into<String>) {
        self.problems.push(Problem {
            path: path.to_owned(),
            message: message.into(),
        });
    }

    pub(super) fn line(&self, path: &str) -> Option<u32> {
        self.place?.line_of(path)
    }

    /// Where a path stands, or the nearest part around it that has a line.
    pub(super) fn at(&self, path: &str) -> Option<SourceRef> {
        let place = self.place?;
        let start = place.start();
        Some(SourceRef {
            line: nearest_line(place, path).unwrap_or(start.line),
            ..start
        })
    }

    /// Tells each problem of the object.
    pub(super) fn tell(&self, object: &str, out: &mut Vec<Diagnostic>) {
        for problem in &self.problems {
            out.push(
                Diagnostic::error(format!("{}: {}", problem.path, problem.message))
                    .at(self.at(&problem.path))
                    .on(object)
                    .help("an API server refuses this object; what it might change counts as unknown until it is mended"),
            );
        }
    }
}

pub(super) fn policy(
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
        .then(|| rules(&o.spec.ingress, Direction::Ingress, &mut reader));
    let egress = types
        .1
        .then(|| rules(&o.spec.egress, Direction::Egress, &mut reader));
    let object = format!(
        "NetworkPolicy {}/{}",
        tame(namespace),
        tame(&o.metadata.name)
    );
    reader.tell(&object, out);
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
                    .at(reader.at(&path))
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
        api: PolicyApi::NetworkPolicy,
        tier: Tier::NetworkPolicy,
        namespace: namespace.into(),
        name: o.metadata.name.clone(),
        source: place.map(Place::start),
        created: o.metadata.creation_timestamp.clone(),
        subject_namespaces: NamespaceScope::Own,
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
    direction: Direction,
    reader: &mut PolicyReader<'_>,
) -> Vec<Rule> {
    let mut made = Vec::with_capacity(listed.len());
    for (index, rule) in listed.iter().enumerate() {
        let path = format!("spec.{direction}[{index}]");
        let peers = match direction {
            Direction::Ingress => &rule.from,
            Direction::Egress => &rule.to,
        };
        let field = format!("{path}.{}", direction.peer_field());
        made.push(Rule {
            action: Action::Accept,
            name: String::new(),
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
pub(super) fn net(text: &str) -> Option<IpNet> {
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

pub(super) fn read_selector(
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
