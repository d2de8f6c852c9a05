//! The generator of large clusters: what benchmarks and comparisons rest on.

#[allow(dead_code, reason = "shared with benchmarks, which use other parts")]
#[path = "support/generate.rs"]
mod generate;

use std::path::PathBuf;

use generate::{Plan, Size};
use netseg::model::{Cluster, Peers, Policy};
use netseg::source::manifests;

fn small(seed: u64) -> Cluster {
    generate::generate(&Plan::new(Size::S, seed)).cluster
}

#[test]
fn a_plan_is_one_cluster() {
    assert_eq!(small(1), small(1));
    assert_ne!(small(1), small(2));
}

#[test]
fn sizes_are_what_they_say() {
    for size in [Size::S, Size::M] {
        let cluster = generate::generate(&Plan::new(size, 1)).cluster;
        let namespaces = || cluster.namespaces.values();
        let counted = [
            namespaces().map(|ns| ns.pods.len()).sum(),
            namespaces().map(|ns| ns.workloads.len()).sum(),
            namespaces().count(),
            namespaces().map(|ns| ns.policies.len()).sum(),
        ];
        let wanted = [size.pods, size.workloads, size.namespaces, size.policies];
        assert_eq!(counted, wanted, "{}", size.name);
        assert_eq!(cluster.cluster_policies.len(), 6);
    }
}

/// What a file cannot tell is where in a file it stands.
fn without_places(mut policy: Policy) -> Policy {
    policy.source = None;
    for rule in policy
        .ingress
        .iter_mut()
        .chain(&mut policy.egress)
        .flatten()
    {
        rule.line = None;
        if let Peers::AnyOf(items) = &mut rule.peers {
            for item in items {
                item.line = None;
            }
        }
    }
    policy
}

#[test]
fn files_hold_the_same_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let made = small(1);
    let files = generate::manifests::write(&made, folder.path()).unwrap();
    // 20 namespaces, 100 workloads, 200 policies and 6 without a namespace.
    assert_eq!(files, 326);
    let (read, diagnostics) = manifests::load(&[PathBuf::from(folder.path())]).unwrap();
    assert_eq!(diagnostics, []);
    for (name, namespace) in &made.namespaces {
        let same = &read.namespaces[name];
        assert_eq!(same.labels, namespace.labels);
        let policies: Vec<Policy> = same.policies.iter().cloned().map(without_places).collect();
        assert_eq!(policies, *namespace.policies);
        let replicas: u32 = same.pods.iter().map(|pod| pod.count).sum();
        assert_eq!(replicas as usize, namespace.pods.len(), "{name}");
    }
}
