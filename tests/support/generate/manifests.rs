//! A made-up cluster as YAML files: one object a file, workloads as templates, as a repository of manifests holds them.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use netseg::model::{
    Cluster, Labels, Namespace, NamespaceScope, Peer, Peers, Policy, PolicyApi, PortItem, PortTest,
    Ports, Selector, Test, Tier, Workload,
};

/// Labels that a controller adds to pods: no template has them.
pub(crate) const ADDED: [&str; 3] = [
    "pod-template-hash",
    "controller-revision-hash",
    super::POD_NAME,
];

/// Writes a folder for each namespace, and one for what stands in none. Returns how many files there are.
pub(crate) fn write(cluster: &Cluster, folder: &Path) -> io::Result<usize> {
    let mut files = 0;
    let mut file = |folder: &Path, name: &str, text: String| {
        files += 1;
        fs::write(folder.join(format!("{name}.yaml")), text)
    };
    for namespace in cluster.namespaces.values() {
        let own = folder.join(&namespace.name);
        fs::create_dir_all(&own)?;
        file(&own, "namespace", namespace_text(namespace))?;
        for workload in &namespace.workloads {
            let name = format!("workload-{}", workload.name);
            file(&own, &name, workload_text(namespace, workload))?;
        }
        for policy in namespace.policies.iter() {
            file(
                &own,
                &format!("policy-{}", policy.name),
                policy_text(policy),
            )?;
        }
    }
    let wide = folder.join("cluster-wide");
    fs::create_dir_all(&wide)?;
    for policy in cluster.cluster_policies.iter() {
        file(&wide, &policy.name, policy_text(policy))?;
    }
    Ok(files)
}

/// Lines of block YAML; values are quoted where they are not plainly strings.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn head(api_version: &str, kind: &str, name: &str, namespace: &str) -> Self {
        let mut page = Self::default();
        page.line(0, &format!("apiVersion: {api_version}"));
        page.line(0, &format!("kind: {kind}"));
        page.line(0, "metadata:");
        page.line(1, &format!("name: {name}"));
        if !namespace.is_empty() {
            page.line(1, &format!("namespace: {namespace}"));
        }
        page
    }

    fn line(&mut self, depth: usize, text: &str) {
        writeln!(self.text, "{:1$}{text}", "", depth * 2).expect("a String takes everything");
    }

    fn labels(&mut self, depth: usize, key: &str, labels: &Labels) {
        if labels.is_empty() {
            return;
        }
        self.line(depth, &format!("{key}:"));
        for (name, value) in labels.iter() {
            self.line(depth + 1, &format!("{name}: {value}"));
        }
    }

    fn selector(&mut self, depth: usize, key: &str, selector: &Selector) {
        if selector.is_everything() {
            return self.line(depth, &format!("{key}: {{}}"));
        }
        self.line(depth, &format!("{key}:"));
        let (mut equal, mut other) = (Labels::default(), Vec::new());
        for requirement in selector.requirements() {
            match &requirement.test {
                Test::In(values) if values.len() == 1 => {
                    for value in values {
                        equal.insert(requirement.key.as_str(), value.as_str());
                    }
                }
                test => other.push((requirement.key.as_str(), test)),
            }
        }
        self.labels(depth + 1, "matchLabels", &equal);
        if !other.is_empty() {
            self.line(depth + 1, "matchExpressions:");
        }
        for (key, test) in other {
            let (operator, values) = match test {
                Test::In(values) => ("In", Some(values)),
                Test::NotIn(values) => ("NotIn", Some(values)),
                Test::Exists => ("Exists", None),
                Test::DoesNotExist => ("DoesNotExist", None),
            };
            self.line(depth + 1, &format!("- key: {key}"));
            self.line(depth + 2, &format!("operator: {operator}"));
            if let Some(values) = values {
                self.line(depth + 2, "values:");
                for value in values {
                    self.line(depth + 2, &format!("- {value}"));
                }
            }
        }
    }
}

fn namespace_text(namespace: &Namespace) -> String {
    let mut page = Page::head("v1", "Namespace", &namespace.name, "");
    page.labels(1, "labels", &namespace.labels);
    page.text
}

fn workload_text(namespace: &Namespace, workload: &Workload) -> String {
    let pods = &workload.pods;
    let mut page = Page::head("apps/v1", &workload.kind, &workload.name, &namespace.name);
    page.line(0, "spec:");
    page.line(1, &format!("replicas: {}", pods.len()));
    let Some(pod) = pods.first().map(|index| &namespace.pods[*index]) else {
        return page.text;
    };
    let kept = pod.labels.iter().filter(|(key, _)| !ADDED.contains(key));
    let labels: Labels = kept.collect();
    page.line(1, "selector:");
    page.labels(2, "matchLabels", &labels);
    page.line(1, "template:");
    page.line(2, "metadata:");
    page.labels(3, "labels", &labels);
    page.line(2, "spec:");
    if pod.host_network {
        page.line(3, "hostNetwork: true");
    }
    page.line(3, "containers:");
    page.line(3, "- name: main");
    page.line(4, "image: registry.example.com/main:1.0.0");
    page.line(4, "ports:");
    for port in &pod.ports {
        page.line(4, &format!("- name: {}", port.name));
        page.line(5, &format!("containerPort: {}", port.port));
    }
    page.text
}

fn policy_text(policy: &Policy) -> String {
    let api = format!("{}/{}", policy.api.group(), policy.api.version());
    let mut page = Page::head(&api, policy.api.kind(), &policy.name, &policy.namespace);
    page.line(0, "spec:");
    if policy.api == PolicyApi::NetworkPolicy {
        network_policy(&mut page, policy);
    } else {
        cluster_policy(&mut page, policy);
    }
    page.text
}

fn network_policy(page: &mut Page, policy: &Policy) {
    page.selector(1, "podSelector", &policy.subject);
    page.line(1, "policyTypes:");
    let directions = [
        ("Ingress", "ingress", "from", &policy.ingress),
        ("Egress", "egress", "to", &policy.egress),
    ];
    for (word, ..) in directions.iter().filter(|(.., rules)| rules.is_some()) {
        page.line(1, &format!("- {word}"));
    }
    for (_, field, peers_field, rules) in directions {
        let rules = rules.as_deref().unwrap_or_default();
        if !rules.is_empty() {
            page.line(1, &format!("{field}:"));
        }
        for rule in rules {
            let mut dash = Dash(true);
            if let Peers::AnyOf(peers) = &rule.peers {
                page.line(1, &dash.before(&format!("{peers_field}:")));
                for item in peers {
                    network_policy_peer(page, &item.peer);
                }
            }
            if let Ports::AnyOf(ports) = &rule.ports {
                page.line(1, &dash.before("ports:"));
                for item in ports {
                    network_policy_port(page, item);
                }
            }
            if dash.0 {
                page.line(1, "- {}");
            }
        }
    }
}

/// Puts the dash of a list item before its first field, and its width before the others.
struct Dash(bool);

impl Dash {
    fn before(&mut self, text: &str) -> String {
        let mark = if std::mem::take(&mut self.0) {
            "- "
        } else {
            "  "
        };
        format!("{mark}{text}")
    }
}

fn network_policy_peer(page: &mut Page, peer: &Peer) {
    match peer {
        Peer::Pods { namespaces, pods } => {
            page.line(2, "-");
            if let NamespaceScope::Matching(namespaces) = namespaces {
                page.selector(3, "namespaceSelector", namespaces);
            }
            page.selector(3, "podSelector", pods);
        }
        Peer::IpBlock(block) => {
            page.line(2, "- ipBlock:");
            page.line(4, &format!("cidr: {}", block.cidr));
            if !block.except.is_empty() {
                page.line(4, "except:");
            }
            for hole in &block.except {
                page.line(4, &format!("- {hole}"));
            }
        }
        _ => unreachable!("the generator makes no other peers"),
    }
}

fn network_policy_port(page: &mut Page, item: &PortItem) {
    page.line(2, &format!("- protocol: {}", item.protocol));
    match &item.port {
        PortTest::Any => {}
        PortTest::Named(name) => page.line(3, &format!("port: {name}")),
        PortTest::Range(range) => {
            page.line(3, &format!("port: {}", range.first()));
            if range.first() != range.last() {
                page.line(3, &format!("endPort: {}", range.last()));
            }
        }
        _ => unreachable!("the generator makes no other ports"),
    }
}

fn cluster_policy(page: &mut Page, policy: &Policy) {
    let (tier, priority) = match policy.tier {
        Tier::Admin { priority } => ("Admin", priority),
        Tier::Baseline { priority } => ("Baseline", priority),
        Tier::NetworkPolicy => unreachable!("a cluster-wide policy stands in its own tiers"),
    };
    page.line(1, &format!("tier: {tier}"));
    page.line(1, &format!("priority: {priority}"));
    page.line(1, "subject:");
    if let NamespaceScope::Matching(namespaces) = &policy.subject_namespaces {
        pods_or_namespaces(page, 2, "", namespaces, &policy.subject);
    }
    for (field, peers_field, rules) in [
        ("ingress", "from", &policy.ingress),
        ("egress", "to", &policy.egress),
    ] {
        page.line(1, &format!("{field}:"));
        for rule in rules.iter().flatten() {
            page.line(
                1,
                &format!("- action: {}", policy.api.word_for(rule.action)),
            );
            page.line(2, &format!("{peers_field}:"));
            let Peers::AnyOf(peers) = &rule.peers else {
                unreachable!("a cluster-wide rule lists its peers");
            };
            for item in peers {
                match &item.peer {
                    Peer::Pods {
                        namespaces: NamespaceScope::Matching(namespaces),
                        pods,
                    } => pods_or_namespaces(page, 2, "- ", namespaces, pods),
                    Peer::IpBlock(block) => {
                        page.line(2, "- networks:");
                        page.line(3, &format!("- {}", block.cidr));
                    }
                    _ => unreachable!("the generator makes no other peers"),
                }
            }
            if let Ports::AnyOf(items) = &rule.ports {
                page.line(2, "protocols:");
                for item in items {
                    let PortTest::Range(range) = &item.port else {
                        unreachable!("the generator makes no other ports");
                    };
                    page.line(2, "- tcp:");
                    page.line(4, "destinationPort:");
                    page.line(5, &format!("number: {}", range.first()));
                }
            }
        }
    }
}

fn pods_or_namespaces(
    page: &mut Page,
    depth: usize,
    dash: &str,
    namespaces: &Selector,
    pods: &Selector,
) {
    if pods.is_everything() {
        let inner = depth + dash.len() / 2;
        if dash.is_empty() {
            page.selector(depth, "namespaces", namespaces);
        } else {
            page.line(depth, "-");
            page.selector(inner, "namespaces", namespaces);
        }
    } else {
        page.line(depth, &format!("{dash}pods:"));
        let inner = depth + 1 + dash.len() / 2;
        page.selector(inner, "namespaceSelector", namespaces);
        page.selector(inner, "podSelector", pods);
    }
}
