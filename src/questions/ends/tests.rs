use std::sync::Arc;

use super::*;
use crate::engine::Profile;
use crate::model::Protocol;
use crate::source::manifests;

const WORLD: &str = "
{kind: Deployment, apiVersion: apps/v1, metadata: {name: api, namespace: shop}, spec: {replicas: 2, template: {metadata: {labels: {app: api}}, spec: {containers: [{name: c, ports: [{containerPort: 8080, name: http}]}]}}}}
---
{kind: Deployment, apiVersion: apps/v1, metadata: {name: cache, namespace: shop}, spec: {template: {metadata: {labels: {app: cache}}}}}
---
{kind: Job, apiVersion: batch/v1, metadata: {name: cache, namespace: shop}, spec: {template: {metadata: {labels: {app: warm}}}}}
---
{kind: Pod, apiVersion: v1, metadata: {name: api, namespace: data, labels: {app: db}}, status: {phase: Running, podIP: 10.0.0.9}}
---
{kind: Service, apiVersion: v1, metadata: {name: front, namespace: shop}, spec: {clusterIP: 10.96.0.7, selector: {app: api}, ports: [{port: 80, targetPort: http}]}}
---
{kind: Node, apiVersion: v1, metadata: {name: n1}, status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}}
";

fn engine() -> Engine {
    let (cluster, told) = manifests::parse("t", WORLD);
    assert!(told.is_empty(), "{told:?}");
    Engine::build(&Arc::new(cluster), Profile::spec())
}

#[test]
fn every_spelling_finds_its_end() {
    let engine = engine();
    for (typed, id, pods) in [
        ("shop/api", "shop/deployment/api", 2),
        ("shop/deploy/api", "shop/deployment/api", 2),
        ("shop/job/cache", "shop/job/cache", 1),
        ("data/api", "data/pod/api", 1),
        ("shop/svc/front", "shop/service/front", 0),
        ("shop/*", "shop/*", 4),
        ("shop/?app=api", "shop/?app=api", 2),
        ("shop/?app=new", "shop/?app=new", 0),
        ("10.0.0.9", "data/pod/api", 1),
        ("10.96.0.7", "shop/service/front", 0),
        ("192.168.0.1", "node/n1", 0),
        ("node/n1", "node/n1", 0),
        ("8.8.8.8", "8.8.8.8", 0),
        ("10.0.0.0/8", "10.0.0.0/8", 0),
        ("internet", "internet", 0),
    ] {
        let end = resolve(&engine, typed).unwrap_or_else(|e| panic!("{typed}: {e}"));
        assert_eq!((end.id.as_str(), end.pods), (id, pods), "{typed}");
        if !typed.contains("10.0.0.9") {
            assert_eq!(
                resolve(&engine, &end.id).unwrap().id,
                end.id,
                "{typed}: what is written can be typed back"
            );
        }
    }
}

/// Rule E12: what may not be read may exist.
#[test]
fn what_may_not_be_read_is_not_said_to_be_missing() {
    let (mut cluster, _) = manifests::parse("t", WORLD);
    for resource in [Resource::Services, Resource::Pods] {
        cluster.coverage.set(
            resource,
            None,
            crate::model::State::Forbidden {
                message: "no".into(),
            },
        );
    }
    let engine = Engine::build(&Arc::new(cluster), Profile::spec());
    for typed in [
        "k8s-api",
        "dns",
        "shop/svc/hidden",
        "shop/hidden",
        "vault/x",
    ] {
        let end = resolve(&engine, typed).unwrap_or_else(|error| panic!("{typed}: {error}"));
        assert!(
            matches!(end.kind, EndKind::NotLoaded { .. }),
            "{typed}: {end:?}"
        );
    }
}

#[test]
fn what_is_not_found_or_ambiguous_names_the_nearest() {
    let engine = engine();
    for (typed, message, candidate) in [
        (
            "api",
            "`api` is ambiguous: 2 workloads have that name",
            "data/pod/api",
        ),
        (
            "shop/cache",
            "`shop/cache` is ambiguous: 2 workloads have that name",
            "shop/deployment/cache",
        ),
        (
            "shop/apo",
            "cannot find `shop/apo`: namespace shop has no workload or pod of that name",
            "shop/api",
        ),
        (
            "shopp/api",
            "cannot find `shopp/api`: no namespace `shopp` was loaded",
            "shop/api",
        ),
        (
            "shop/front",
            "`shop/front` is a Service; no workload or pod has that name",
            "shop/svc/front",
        ),
        (
            "10.0.0.0/33",
            "`10.0.0.0/33` is no address, network or range of addresses",
            "",
        ),
        (
            "10.0.0.9-10.0.0.1",
            "`10.0.0.9-10.0.0.1` is no address, network or range of addresses",
            "",
        ),
        ("shop/?=x", "`=x` has no label before the `=`", ""),
        (
            "node/n2",
            "cannot find `node/n2`: no node of that name",
            "node/n1",
        ),
    ] {
        let error = resolve(&engine, typed).unwrap_err();
        assert_eq!(error.message, message);
        assert_eq!(
            error.candidates.first().map_or("", String::as_str),
            candidate,
            "{typed}"
        );
    }
}

#[test]
fn ports_are_read_as_they_are_typed() {
    use PortQuery::{Any, Named, Number, Range};
    for (typed, expected) in [
        (
            "6379",
            Ok(Number {
                protocol: None,
                port: 6379,
            }),
        ),
        (
            "53/udp",
            Ok(Number {
                protocol: Some(Protocol::Udp),
                port: 53,
            }),
        ),
        (
            "8000-8010",
            Ok(Range {
                protocol: None,
                first: 8000,
                last: 8010,
            }),
        ),
        ("any", Ok(Any { protocol: None })),
        (
            "http",
            Ok(Named {
                protocol: None,
                name: "http".into(),
            }),
        ),
        ("0", Err("there is no port 0; ports run from 1 to 65535")),
        (
            "70000",
            Err("there is no port 70000; ports run from 1 to 65535"),
        ),
        ("90-80", Err("the range 90-80 is the wrong way round")),
        ("80/icmp", Err("`icmp` is none of tcp, udp, sctp")),
    ] {
        assert_eq!(
            parse_port(typed),
            expected.map_err(str::to_owned),
            "{typed}"
        );
    }
}

#[test]
fn completion_puts_names_that_begin_with_it_first() {
    let engine = engine();
    let found: Vec<String> = complete(&engine, "ap", 10)
        .into_iter()
        .map(|c| c.text)
        .collect();
    assert_eq!(found, ["data/api", "shop/api", "k8s-api"]);
}
