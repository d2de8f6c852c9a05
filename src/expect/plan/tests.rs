//! Who is bound, on tiny worlds.

use std::sync::Arc;

use jiff::civil::date;

use super::*;
use crate::engine::{Hypothetical, Profile};
use crate::expect::read;
use crate::model::Labels;
use crate::source::manifests;

const WORLD: &str = "
{kind: Pod, apiVersion: v1, metadata: {name: inside, namespace: x, labels: {app: a}}, spec: {containers: [{name: app}, {name: istio-proxy}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: sidecar, namespace: y, labels: {app: a}}, spec: {containers: [{name: app}], initContainers: [{name: istio-proxy, restartPolicy: Always}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: once, namespace: y, labels: {app: a}}, spec: {containers: [{name: app}], initContainers: [{name: istio-proxy}]}}
";

fn plan(workloads: &str) -> Plan {
    let (cluster, told) = manifests::parse("t", WORLD);
    assert!(told.is_empty(), "{told:?}");
    let engine = Engine::build(&Arc::new(cluster), Profile::spec());
    let text = format!(
        "apiVersion: netseg/v1\nkind: Expectations\nworkloads: {workloads}\nenvironments: {{dev: {{}}}}\n"
    );
    bind(
        &engine,
        &read("e", &text).unwrap(),
        "dev",
        date(2026, 3, 15),
    )
}

fn bound(plan: &Plan) -> Vec<String> {
    let names = plan
        .cluster
        .namespaces
        .values()
        .flat_map(|ns| ns.pods.iter());
    let names: Vec<&str> = names.map(|pod| pod.name.as_str()).collect();
    let pods = plan.workloads[0].pods.iter();
    pods.map(|pod| names[pod.0 as usize].to_owned()).collect()
}

#[test]
fn a_container_selects_the_pods_it_runs_in() {
    for (select, expected) in [
        ("{container: istio-proxy}", &["inside", "sidecar"][..]),
        ("{container: istio-proxy, namespace: y}", &["sidecar"]),
        (
            "{container: app, labels: {app: a}}",
            &["inside", "once", "sidecar"],
        ),
        ("{container: istio}", &[]),
    ] {
        let plan = plan(&format!("{{m: {{select: {select}}}}}"));
        assert_eq!(bound(&plan), expected, "{select}");
    }
}

#[test]
fn a_pod_that_exists_only_in_thought_has_no_containers() {
    let imagined = Entity::Hypothetical(Arc::new(Hypothetical {
        namespace: "x".to_owned(),
        labels: [("app".to_owned(), "a".to_owned())]
            .into_iter()
            .collect::<Labels>(),
        ports: Vec::new(),
    }));
    let by_container = plan("{m: {select: {container: app, labels: {app: a}}}}");
    assert!(by_container.rows_of(&imagined).is_empty());
    let by_labels = plan("{m: {select: {labels: {app: a}}}}");
    assert_eq!(by_labels.rows_of(&imagined).len(), 1);
}

#[test]
fn what_is_unbound_cites_the_document_first() {
    let plan = plan("{m: {src: 'doc.md:3', select: {labels: {app: zz}}}}");
    let sources: Vec<String> = plan.loose[0]
        .sources
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(sources, ["doc.md:3", "e:3"]);
}
