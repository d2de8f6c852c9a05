//! Whatever is read, the program neither stops nor hangs: it says what is wrong and goes on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use netseg::compile::Profile;
use netseg::compile::enforcer;
use netseg::engine::Engine;
use netseg::model::{Cluster, Diagnostic};
use netseg::questions::exposure;
use netseg::questions::flows;
use netseg::questions::scope::Scope;
use netseg::source::manifests;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Far more than any text below takes, and far less than for ever: the machine may be busy.
const LIMIT: Duration = Duration::from_secs(60);

fn answered((cluster, told): (Cluster, Vec<Diagnostic>)) -> usize {
    let enforcer = enforcer::detect(&cluster, true);
    let profile = Profile::named(enforcer.profile);
    let engine = Engine::build(&Arc::new(cluster), profile);
    let found = flows::flows(&engine, &Scope::of(std::iter::empty()));
    for flow in &found.flows {
        assert!(flow.from < found.peers.len() && flow.to < found.peers.len());
    }
    for one in &exposure::exposure(&engine, &Scope::all()).ways {
        assert!(one.way.port != Some(0) && !one.way.targets.contains(&0));
    }
    told.len()
}

fn read(text: &str) -> usize {
    answered(manifests::parse("t", text))
}

/// Words that fields hold, right and wrong ones.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::sample::select(vec![
            "", "a", "b", "x", "web", "http", "TCP", "UDP", "SCTP", "tcp", "ICMP", "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Ingress",
            "Egress", "10.0.0.0/8", "10.0.0.1", "10.0.0.1/33", "0.0.0.0/0", "::/0", "fd00::/8", "1.2.3.4/-1", "kubernetes.io/metadata.name",
            "Running", "Failed", "ReplicaSet", "Deployment", "Pod", "None", "ClusterIP", "ExternalName", "True", "null", "8080", "-1", "%",
            "IPv4", "IPv6", "FQDN", "Local",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "[a-z]{1,4}(-[a-z0-9]{1,3})?",
    ]
}

fn scalars() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        2 => (-2i64..70_000).prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        6 => words().prop_map(Value::String),
    ]
}

const FIELDS: [&str; 77] = [
    "name",
    "namespace",
    "labels",
    "annotations",
    "ownerReferences",
    "controller",
    "kind",
    "uid",
    "deletionTimestamp",
    "podSelector",
    "namespaceSelector",
    "matchLabels",
    "matchExpressions",
    "key",
    "operator",
    "values",
    "policyTypes",
    "ingress",
    "egress",
    "from",
    "to",
    "ports",
    "port",
    "endPort",
    "protocol",
    "ipBlock",
    "cidr",
    "except",
    "containers",
    "initContainers",
    "containerPort",
    "hostNetwork",
    "nodeName",
    "replicas",
    "template",
    "jobTemplate",
    "metadata",
    "spec",
    "status",
    "phase",
    "podIP",
    "podIPs",
    "ip",
    "hostIP",
    "conditions",
    "type",
    "addresses",
    "address",
    "podCIDRs",
    "nodeInfo",
    "kubeletVersion",
    "clusterIP",
    "clusterIPs",
    "externalName",
    "selector",
    "targetPort",
    "internalTrafficPolicy",
    "endpoints",
    "targetRef",
    "ready",
    "serving",
    "addressType",
    "image",
    "app",
    "rules",
    "host",
    "http",
    "paths",
    "path",
    "backend",
    "service",
    "number",
    "tls",
    "hosts",
    "hostPort",
    "nodePort",
    "loadBalancer",
];

fn anything() -> impl Strategy<Value = Value> {
    scalars().prop_recursive(6, 48, 5, |inner| {
        let field = prop_oneof![
            12 => proptest::sample::select(&FIELDS[..]).prop_map(str::to_owned),
            1 => any::<String>(),
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec((field, inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

const KINDS: [(&str, &str); 13] = [
    ("v1", "Namespace"),
    ("v1", "Pod"),
    ("v1", "Node"),
    ("v1", "Service"),
    ("discovery.k8s.io/v1", "EndpointSlice"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("apps/v1", "Deployment"),
    ("batch/v1", "CronJob"),
    ("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy"),
    ("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy"),
    ("networking.k8s.io/v1", "Ingress"),
    ("v1", "List"),
    ("v1", "PodList"),
];

/// An object that decodes, as a place to put anything into.
fn sound(kind: usize, name: &str) -> Value {
    let (api_version, kind) = KINDS[kind];
    let peers = json!([
        {"podSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["a"]}]}, "namespaceSelector": {}},
        {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}
    ]);
    let ports = json!([{"protocol": "TCP", "port": 80, "endPort": 90}, {"port": "http"}]);
    let pod = json!({"nodeName": "n", "containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 80, "hostPort": 8000, "protocol": "TCP"}]}]});
    let spec = match kind {
        "Pod" => pod,
        "Deployment" => {
            json!({"replicas": 2, "template": {"metadata": {"labels": {"app": "a"}}, "spec": pod}})
        }
        "CronJob" => {
            json!({"jobTemplate": {"spec": {"template": {"metadata": {"labels": {"app": "a"}}, "spec": pod}}}})
        }
        "Service" => {
            json!({"type": "LoadBalancer", "externalIPs": ["203.0.113.1"], "selector": {"app": "a"}, "clusterIP": "10.9.0.1", "ports": [{"port": 80, "targetPort": "http"}]})
        }
        "NetworkPolicy" => json!({
            "podSelector": {"matchLabels": {"app": "a"}}, "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": peers, "ports": ports}], "egress": [{"to": peers, "ports": ports}]
        }),
        "Ingress" => json!({
            "ingressClassName": "a", "tls": [{"hosts": ["a.org"], "secretName": "s"}], "defaultBackend": {"service": {"name": "b", "port": {"name": "http"}}},
            "rules": [{"host": "a.org", "http": {"paths": [{"path": "/", "backend": {"service": {"name": "a", "port": {"number": 80}}}}]}}]
        }),
        _ => json!({"podCIDRs": ["10.0.0.0/24"]}),
    };
    json!({
        "apiVersion": api_version, "kind": kind,
        "metadata": {"name": name, "namespace": "x", "labels": {"app": "a"}, "ownerReferences": [{"kind": "Job", "name": "j", "controller": true}]},
        "spec": spec,
        "status": {"phase": "Running", "podIPs": [{"ip": "10.0.0.1"}], "addresses": [{"type": "InternalIP", "address": "10.1.1.1"}], "loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}},
        "addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}], "ports": [{"port": 80}], "items": [],
    })
}

fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{i}"), found);
            }
        }
        Value::Object(entries) => {
            for (key, item) in entries {
                places(item, &format!("{at}/{key}"), found);
            }
        }
        _ => {}
    }
}

/// Puts anything in the place of some part.
fn spoilt(mut object: Value, changes: Vec<(usize, Value)>) -> Value {
    for (place, value) in changes {
        let mut found = Vec::new();
        places(&object, "", &mut found);
        let at = &found[place % found.len()];
        if let Some(part) = object.pointer_mut(at) {
            *part = value;
        }
    }
    object
}

fn texts(objects: &[Value]) -> [String; 3] {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let yaml: String = objects
        .iter()
        .filter_map(|object| netseg::yaml::write(object).ok())
        .fold(String::new(), |text, one| text + "---\n" + &one);
    [
        list.to_string(),
        yaml,
        netseg::yaml::write(&list).unwrap_or_default(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn objects_with_anything_in_any_field_are_survived(
        spoils in proptest::collection::vec(
            (0..KINDS.len(), "[a-c]", proptest::collection::vec((any::<usize>(), anything()), 0..4)),
            1..5,
        ),
    ) {
        let objects: Vec<Value> = spoils
            .into_iter()
            .map(|(kind, name, changes)| spoilt(sound(kind, &name), changes))
            .collect();
        for text in texts(&objects) {
            read(&text);
        }
    }

    #[test]
    fn damaged_text_is_survived(
        kind in 0..KINDS.len(),
        in_json in any::<bool>(),
        edits in proptest::collection::vec((any::<usize>(), any::<usize>(), any::<String>()), 1..6),
    ) {
        let [json, yaml, _] = texts(&[sound(kind, "a")]);
        let mut chars: Vec<char> = if in_json { json } else { yaml }.chars().collect();
        for (at, length, piece) in edits {
            let at = at % (chars.len() + 1);
            let end = (at + length % 12).min(chars.len());
            chars.splice(at..end, piece.chars());
        }
        read(&chars.into_iter().collect::<String>());
    }

    #[test]
    fn any_text_is_survived(text in any::<String>(), yamlish in "[-a-c:\\[\\]{}#&*!|>'\"%@`,? \n\t\r]{0,80}") {
        read(&text);
        read(&yamlish);
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("t.yaml");
        std::fs::write(&file, &bytes).unwrap();
        answered(manifests::load(&[file]).unwrap());
    }
}

fn in_time(name: &str, text: &str) -> usize {
    let start = Instant::now();
    let told = read(text);
    let took = start.elapsed();
    assert!(took < LIMIT, "{name} took {took:?}");
    told
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(|n| line(n) + "\n").collect()
}

/// Small texts that stand for large ones, and texts that are nothing but nesting.
#[test]
fn bombs_are_refused_in_time() {
    let deep = 20_000;
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for n in 1..30 {
        let one = format!("*a{}, ", n - 1).repeat(9);
        laughs += &format!("a{n}: &a{n} [{}]\n", one.trim_end_matches(", "));
    }
    let stairs = lines(600, |n| format!("{}a:", " ".repeat(n)));
    for (name, text) in [
        ("laughs", laughs),
        ("stairs", stairs),
        ("brackets", "[".repeat(deep)),
        ("brackets, closed", "[".repeat(deep) + &"]".repeat(deep)),
        ("braces", "{\"a\":".repeat(deep)),
        (
            "braces, closed",
            "{\"a\":".repeat(deep) + "1" + &"}".repeat(deep),
        ),
        ("flow", "kind: Pod\nx: ".to_owned() + &"{a: ".repeat(deep)),
        ("dashes", "- ".repeat(deep)),
        ("questions", "? ".repeat(deep)),
        ("colons", ": ".repeat(deep)),
        (
            "a quote",
            "kind: Pod\nx: \"".to_owned() + &"y".repeat(300_000),
        ),
        (
            "lists in lists",
            "{\"kind\":\"List\",\"items\":[".repeat(deep) + &"]}".repeat(deep),
        ),
        (
            "lists in lists, as YAML",
            "{kind: List, items: [".repeat(60) + &"]}".repeat(60),
        ),
    ] {
        assert!(in_time(name, &text) > 0, "{name} is told of");
    }
}

/// Large, or made large by what it refers to; it need not be wrong.
#[test]
fn long_texts_are_read_in_time() {
    let many = 20_000;
    let mut merges = String::from("kind: Pod\nm0: &m0 {k: v}\n");
    for n in 1..60 {
        merges += &format!("m{n}: &m{n} {{<<: [*m{0}, *m{0}], k{n}: v}}\n", n - 1);
    }
    let keys = lines(many, |n| format!("  k{n}: v"));
    let values = lines(many, |n| format!("  - v{n}"));
    for (name, text) in [
        ("merges", merges),
        ("tabs", "\t".repeat(300_000)),
        ("comments", "# x\n".repeat(10 * many)),
        ("markers", "---\n".repeat(10 * many)),
        ("blanks", "\n".repeat(10 * many)),
        (
            "keys",
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n{keys}"),
        ),
        (
            "labels",
            format!("apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  namespace: x\nx:\n{keys}"),
        ),
        (
            "values",
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\nx:\n{values}"),
        ),
        (
            "a long block",
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\nx: |\n{values}"),
        ),
    ] {
        in_time(name, &text);
    }
    let peers = "    - podSelector:\n        matchLabels:\n          app: a\n".repeat(3000);
    let policy = format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: p\n  namespace: x\nspec:\n  podSelector: {{}}\n  ingress:\n  - from:\n{peers}"
    );
    assert_eq!(in_time("peers", &policy), 0);
}
