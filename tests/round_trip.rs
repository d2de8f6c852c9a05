//! `table -o md` is a document: read back, all of it holds in the cluster it came from.
//!
//! Small worlds made up at random are tried by `tests/oracle`, in its law about the table.

#[allow(dead_code, reason = "shared with benchmarks, which use other parts")]
#[path = "support/generate.rs"]
mod generate;
#[path = "support/round_trip.rs"]
mod round_trip;

use std::sync::Arc;

use generate::{Plan, Size};
use netseg::compile::enforcer;
use netseg::engine::{Engine, Profile};
use netseg::model::Cluster;
use netseg::source::{demo, manifests};

/// The table, of which everything holds, but for findings of one code.
fn check_but(cluster: Cluster, tolerated: &str) -> String {
    let enforcer = enforcer::detect(&cluster, true);
    let engine = Engine::build(&Arc::new(cluster), Profile::named(enforcer.profile));
    let text = round_trip::table(&engine);
    let mut told = round_trip::objections(&engine, &enforcer, &text);
    told.retain(|line| !line.starts_with(tolerated));
    assert!(told.is_empty(), "{}\n{text}", told.join("\n"));
    text
}

fn check(cluster: Cluster) -> String {
    // No line begins so.
    check_but(cluster, "\n")
}

#[test]
fn the_table_of_every_demo_reads_back() {
    for name in demo::names() {
        check(demo::load(name).unwrap().cluster);
    }
}

const SMALL: Size = Size::new("XS", 150, 40, 8, 80);

#[test]
fn tables_of_larger_clusters_read_back() {
    let asked = std::env::var("NETSEG_ROUND_TRIPS").ok();
    let seeds = asked.map_or(1, |text| {
        text.parse().expect("NETSEG_ROUND_TRIPS is a number")
    });
    for seed in 0..seeds {
        // Too many pods stand inside a network to take each of them out of it, and the table says so when it is read.
        check_but(generate::generate(&Plan::new(SMALL, seed)).cluster, "stale");
    }
}

const PODS: &str = "
{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: x, labels: {app: a}}, status: {phase: Running, podIP: 10.0.0.1}}
---
{kind: Pod, apiVersion: v1, metadata: {name: b, namespace: x, labels: {app: b}}, status: {phase: Running, podIP: 10.0.0.2}}
---
{kind: Pod, apiVersion: v1, metadata: {name: c, namespace: y, labels: {app: c}}, status: {phase: Running, podIP: 10.0.0.3}}
---
";

/// Rows as they have to be written, of policies in the namespace `x`: name and spec.
fn rows(policies: &[(&str, &str)]) -> Vec<String> {
    let policies = policies.iter().map(|(name, spec)| {
        format!("{{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {{name: {name}, namespace: x}}, spec: {spec}}}\n---\n")
    });
    let text = format!("{PODS}{}", policies.collect::<String>());
    let (cluster, told) = manifests::parse("t", &text);
    assert!(told.is_empty(), "{told:?}");
    let squeeze = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    check(cluster).lines().skip(2).map(squeeze).collect()
}

#[test]
fn without_policies_everything_is_open() {
    assert_eq!(
        rows(&[]),
        [
            "| x/a | Any | Any |",
            "| x/b | Any | Any |",
            "| y/c | Any | Any |"
        ]
    );
}

#[test]
fn a_side_that_opens_alone_says_so() {
    let found = rows(&[
        ("deny", "{podSelector: {}, policyTypes: [Ingress, Egress]}"),
        (
            "a",
            "{podSelector: {matchLabels: {app: a}}, egress: [{to: [{podSelector: {matchLabels: {app: b}}}], ports: [{port: 80}, {port: 81}]}], policyTypes: [Egress]}",
        ),
        (
            "b",
            "{podSelector: {matchLabels: {app: b}}, ingress: [{from: [{podSelector: {matchLabels: {app: a}}}], ports: [{port: 80}]}]}",
        ),
    ]);
    assert_eq!(
        found,
        [
            "| x/a | Deny All | 80 (b), 81 (b) half-open |",
            "| x/b | 80 (a) | Deny All |",
            "| y/c | Any | Any |"
        ]
    );
}

#[test]
fn everybody_every_pod_and_addresses_are_told_apart() {
    let ingress = |from: &str| {
        let spec = format!(
            "{{podSelector: {{matchLabels: {{app: a}}}}, ingress: [{{{from} ports: [{{port: 53, protocol: UDP}}]}}]}}"
        );
        rows(&[("a", &spec)])[0].clone()
    };
    assert_eq!(ingress(""), "| x/a | 53/udp (Any) | Any |");
    assert_eq!(
        ingress("from: [{namespaceSelector: {}}],"),
        "| x/a | 53/udp (cluster) | Any |"
    );
    assert_eq!(
        ingress("from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}}],"),
        "| x/a | 53/udp (elsewhere) | Any |"
    );
    assert_eq!(
        ingress(
            "from: [{podSelector: {}}, {ipBlock: {cidr: 11.0.0.0/8, except: [11.1.0.0/16, 11.2.0.1/32]}}],"
        ),
        "| x/a | 53/udp (b; 11.0.0.0/8 except 11.1.0.0/16, 11.2.0.1) | Any |"
    );
}

#[test]
fn networks_without_ports_stand_alone() {
    let found = rows(&[(
        "a",
        "{podSelector: {matchLabels: {app: a}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 11.0.0.0/8}}, {ipBlock: {cidr: 12.0.0.0/8, except: [12.1.0.0/16]}}]}, {to: [{podSelector: {matchLabels: {app: b}}}]}]}",
    )]);
    assert_eq!(
        found[0],
        "| x/a | Any | any (b), 11.0.0.0/8; 12.0.0.0/8 except 12.1.0.0/16 |"
    );
}
