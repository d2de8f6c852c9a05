//! What a row of the truth table is, and the cluster that rows start from.

use std::collections::BTreeMap;

/// A row of the table.
pub(crate) struct Row {
    /// The number without its T, or the rule a further row is about.
    pub(crate) id: &'static str,
    pub(crate) because: &'static str,
    /// `ns/name: spec` is a `NetworkPolicy`, `tier priority name: spec` a `ClusterNetworkPolicy`; a line starting with `{` is any
    /// other object.
    pub(crate) objects: &'static [&'static str],
    /// `from -> to:port[/protocol] verdict[, profile verdict]`
    pub(crate) asks: &'static [&'static str],
}

impl Row {
    pub(crate) fn name(&self) -> String {
        let numbered = self.id.starts_with(|c: char| c.is_ascii_digit());
        format!("{}{}", if numbered { "T" } else { "" }, self.id)
    }
}

impl Row {
    /// Whether it holds an object that an API server would refuse.
    pub(crate) fn is_refused(&self) -> bool {
        ["67", "124"].contains(&self.id)
    }
}

/// A question taken apart.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    pub(crate) port: u16,
    /// Lower case.
    pub(crate) protocol: &'a str,
    /// The profiles named, each with the verdict it has to give; the first verdict is `spec`'s.
    pub(crate) answers: Vec<(&'a str, &'a str)>,
}

pub(crate) fn ask(text: &str) -> Ask<'_> {
    let (first, others) = text.split_once(", ").unwrap_or((text, ""));
    let words: Vec<&str> = first.split(' ').collect();
    let [from, "->", to, verdict] = words[..] else {
        panic!("not a question: {text}");
    };
    let (to, port) = to.rsplit_once(':').unwrap();
    let (port, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
    let mut answers = vec![("spec", verdict)];
    let others = others.split(", ").filter(|text| !text.is_empty());
    answers.extend(others.map(|other| other.split_once(' ').unwrap()));
    Ask {
        from,
        to,
        port: port.parse().unwrap(),
        protocol,
        answers,
    }
}

/// Namespaces x, y and z with pods a, b and c each, a DNS pod, two nodes; then a row's own objects, which win.
pub(crate) fn documents(objects: &[&str]) -> Vec<String> {
    let mut by_name: BTreeMap<String, String> = BTreeMap::new();
    for namespace in ["kube-system", "x", "y", "z"] {
        by_name.insert(
            format!("Namespace /{namespace}"),
            format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}, labels: {{kubernetes.io/metadata.name: {namespace}}}}}}}"),
        );
    }
    for (name, address) in [("n1", "192.168.0.11"), ("n2", "192.168.0.12")] {
        by_name.insert(
            format!("Node /{name}"),
            format!("{{apiVersion: v1, kind: Node, metadata: {{name: {name}}}, status: {{addresses: [{{type: InternalIP, address: {address}}}]}}}}"),
        );
    }
    let mut ports = Vec::new();
    for number in [80, 81] {
        for protocol in ["TCP", "UDP", "SCTP"] {
            let name = format!("serve-{number}-{}", protocol.to_lowercase());
            ports.push(format!(
                "{{name: {name}, containerPort: {number}, protocol: {protocol}}}"
            ));
        }
    }
    for (third, namespace) in (1..).zip(["x", "y", "z"]) {
        for (last, pod) in (1..).zip(["a", "b", "c"]) {
            let node = if pod == "a" { "n1" } else { "n2" };
            by_name.insert(
                format!("Pod {namespace}/{pod}"),
                format!(
                    "{{apiVersion: v1, kind: Pod, metadata: {{name: {pod}, namespace: {namespace}, labels: {{pod: {pod}}}}}, spec: {{nodeName: {node}, containers: [{{name: c, ports: [{}]}}]}}, status: {{phase: Running, podIP: 10.0.{third}.{last}}}}}",
                    ports.join(", ")
                ),
            );
        }
    }
    by_name.insert(
        "Pod kube-system/dns".to_owned(),
        "{apiVersion: v1, kind: Pod, metadata: {name: dns, namespace: kube-system, labels: {k8s-app: kube-dns}}, spec: {nodeName: n2}, status: {phase: Running, podIP: 10.0.9.9}}".to_owned(),
    );
    let mut policies = Vec::new();
    for object in objects {
        if object.starts_with('{') {
            let word = |key: &str| {
                let rest = object
                    .split_once(&format!("{key}: "))
                    .map_or("", |(_, rest)| rest);
                rest.split([',', '}']).next().unwrap()
            };
            by_name.insert(
                format!("{} {}/{}", word("kind"), word("namespace"), word("name")),
                (*object).to_owned(),
            );
        } else {
            let (name, spec) = object.split_once(": ").unwrap();
            if let [tier, priority, name] = name.split(' ').collect::<Vec<_>>()[..] {
                let rest = spec.strip_prefix('{').unwrap();
                policies.push(format!("{{apiVersion: policy.networking.k8s.io/v1alpha2, kind: ClusterNetworkPolicy, metadata: {{name: {name}}}, spec: {{tier: {tier}, priority: {priority}, {rest}}}"));
                continue;
            }
            let (namespace, name) = name.split_once('/').unwrap();
            policies.push(format!("{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: {name}, namespace: {namespace}}}, spec: {spec}}}"));
        }
    }
    by_name.into_values().chain(policies).collect()
}
