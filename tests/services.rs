//! Services and address rewriting: what a probe says when a Service stands between two ends.
//!
//! Row by row, by number. Not here, because no command asks about them yet: T82, T83 and T84 (a client outside through a
//! NodePort), T88 (hostPort), and T89 (a load balancer's address).

use std::sync::Arc;

use netseg::engine::{Engine, Profile};
use netseg::questions::ends;
use netseg::questions::probe::{self, Answer};
use netseg::report::words;
use netseg::source::manifests;

/// Three namespaces, `a` pods on n1, `b` pods on n2, and a control plane outside the pod network.
const FIXTURE: &str = "
{kind: Node, apiVersion: v1, metadata: {name: n1}, status: {addresses: [{type: InternalIP, address: 192.168.0.11}]}}
---
{kind: Node, apiVersion: v1, metadata: {name: n2}, status: {addresses: [{type: InternalIP, address: 192.168.0.12}]}}
---
{kind: Namespace, apiVersion: v1, metadata: {name: x}}
---
{kind: Namespace, apiVersion: v1, metadata: {name: y}}
---
{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: x, labels: {pod: a, app: x}}, spec: {nodeName: n1, containers: [{name: c, ports: [{name: web, containerPort: 80}]}]}, status: {phase: Running, podIPs: [{ip: 10.0.1.1}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: b, namespace: x, labels: {pod: b, app: x}}, spec: {nodeName: n2, containers: [{name: c, ports: [{name: web, containerPort: 8080}]}]}, status: {phase: Running, podIPs: [{ip: 10.0.1.2}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: y, labels: {pod: a}}, spec: {nodeName: n1}, status: {phase: Running, podIPs: [{ip: 10.0.2.1}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: b, namespace: y, labels: {pod: b}}, spec: {nodeName: n2}, status: {phase: Running, podIPs: [{ip: 10.0.2.2}]}}
";

/// `x/svc-a`, 8080 to 80 at x/a, by selector and by slice.
const SVC_A: &str = "{kind: Service, apiVersion: v1, metadata: {name: svc-a, namespace: x}, spec: {clusterIP: 10.96.0.10, selector: {pod: a}, ports: [{port: 8080, targetPort: 80}]}}";
const SLICE_A: &str = "{kind: EndpointSlice, apiVersion: discovery.k8s.io/v1, metadata: {name: svc-a-1, namespace: x, labels: {kubernetes.io/service-name: svc-a}}, addressType: IPv4, ports: [{port: 80}], endpoints: [{addresses: [10.0.1.1], nodeName: n1, conditions: {ready: true}, targetRef: {kind: Pod, name: a, namespace: x}}]}";

/// `ns/name: spec` is a NetworkPolicy; a line that starts with `{` is any other object.
fn object(line: &str) -> String {
    if line.starts_with('{') {
        return line.to_owned();
    }
    let (name, spec) = line.split_once(": ").expect("`ns/name: spec`");
    let (namespace, name) = name.split_once('/').expect("`ns/name`");
    format!(
        "{{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {{name: {name}, namespace: {namespace}}}, spec: {spec}}}"
    )
}

fn ask(objects: &[&str], from: &str, to: &str, port: &str) -> (Engine, Answer) {
    let mut text = FIXTURE.to_owned();
    for line in objects {
        text += &format!("---\n{}\n", object(line));
    }
    let (cluster, told) = manifests::parse("services.yaml", &text);
    assert!(told.is_empty(), "{told:?}");
    let engine = Engine::build(&Arc::new(cluster), Profile::spec());
    let (from, to) = (
        ends::resolve(&engine, from).unwrap_or_else(|e| panic!("{from}: {e}")),
        ends::resolve(&engine, to).unwrap_or_else(|e| panic!("{to}: {e}")),
    );
    let port = ends::parse_port(port).unwrap();
    let answer = probe::probe(&engine, &from, &to, Some(&port)).unwrap();
    (engine, answer)
}

/// Objects beside the fixture, `from -> to:port`, and `verdict reason`.
fn check(objects: &[&str], asked: &str, expected: &str) -> Answer {
    let (from, to) = asked.split_once(" -> ").expect("`from -> to:port`");
    let (to, port) = to.rsplit_once(':').expect("`to:port`");
    let (_, answer) = ask(objects, from, to, port);
    let told = format!("{} {}", answer.verdict, answer.reason);
    assert_eq!(told, expected, "{asked}\n{objects:#?}\n{answer:#?}");
    answer
}

fn pairs(answer: &Answer) -> Vec<String> {
    let listed = answer.pairs.iter();
    listed
        .map(|pair| format!("{} -> {} {}", pair.from, pair.to, pair.verdict))
        .collect()
}

#[test]
fn t76_the_target_port_counts() {
    for backing in [&[SVC_A][..], &[SVC_A, SLICE_A]] {
        let with = |port: u16| {
            let policy = format!(
                "x/p: {{podSelector: {{matchLabels: {{pod: a}}}}, ingress: [{{ports: [{{port: {port}}}]}}]}}"
            );
            let objects: Vec<&str> = backing.iter().copied().chain([policy.as_str()]).collect();
            let expected = if port == 80 {
                "allow rule-allow"
            } else {
                "deny isolated-no-match"
            };
            check(&objects, "y/a -> x/svc/svc-a:8080", expected)
        };
        let answer = with(80);
        let via = answer.via.expect("it goes through the Service");
        assert_eq!(
            (via.service.as_str(), via.port, via.target_port),
            ("x/svc-a", 8080, Some(80))
        );
        with(8080);
    }
}

#[test]
fn t77_each_endpoint_is_judged_by_itself() {
    let answer = check(
        &[
            "{kind: Service, apiVersion: v1, metadata: {name: both, namespace: x}, spec: {clusterIP: 10.96.0.11, selector: {app: x}, ports: [{port: 80, targetPort: 80}]}}",
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress]}",
        ],
        "y/a -> x/svc/both:80",
        "unknown pairs-differ",
    );
    assert!(!answer.all_agree);
    assert_eq!(
        pairs(&answer),
        ["y/pod/a -> x/pod/a deny", "y/pod/a -> x/pod/b allow"]
    );
}

#[test]
fn t78_a_block_around_the_service_address_has_no_effect() {
    let objects = [
        SVC_A,
        SLICE_A,
        "y/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.96.0.0/12}}]}]}",
    ];
    let answer = check(
        &objects,
        "y/a -> x/svc/svc-a:8080",
        "deny isolated-no-match",
    );
    let limits: Vec<String> = answer.limits.iter().map(words::limit).collect();
    assert_eq!(
        limits,
        ["policy sees the endpoints of Service x/svc-a: rules on its own address have no effect"]
    );
    // The address of the Service is another way to name it.
    check(&objects, "y/a -> 10.96.0.10:8080", "deny isolated-no-match");
}

#[test]
fn t79_an_endpoint_outside_is_an_address() {
    let service = [
        "{kind: Service, apiVersion: v1, metadata: {name: out, namespace: x}, spec: {clusterIP: 10.96.0.12, ports: [{port: 443}]}}",
        "{kind: EndpointSlice, apiVersion: discovery.k8s.io/v1, metadata: {name: out-1, namespace: x, labels: {kubernetes.io/service-name: out}}, addressType: IPv4, ports: [{port: 443}], endpoints: [{addresses: [203.0.113.7]}]}",
    ];
    for (to, expected) in [
        ("namespaceSelector: {}", "deny isolated-no-match"),
        (
            "ipBlock: {cidr: 203.0.113.7/32}",
            "allow no-enforcement-at-external",
        ),
    ] {
        let policy = format!(
            "y/p: {{podSelector: {{matchLabels: {{pod: a}}}}, policyTypes: [Egress], egress: [{{to: [{{{to}}}]}}]}}"
        );
        check(
            &[service[0], service[1], &policy],
            "y/a -> x/svc/out:443",
            expected,
        );
    }
}

#[test]
fn t80_a_headless_name_translates_no_port() {
    let answer = check(
        &[
            "{kind: Service, apiVersion: v1, metadata: {name: bare, namespace: x}, spec: {clusterIP: None, selector: {pod: a}, ports: [{port: 8080, targetPort: 80}]}}",
            "x/p: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: 80}]}]}",
        ],
        "y/a -> x/svc/bare:8080",
        "deny isolated-no-match",
    );
    let limits: Vec<String> = answer.limits.iter().map(words::limit).collect();
    assert!(
        limits.contains(&"Service x/bare is headless: port 8080 is not translated to 80, it is tried at the pod as it is".to_owned()),
        "{limits:?}"
    );
}

#[test]
fn t81_an_alias_has_to_be_resolved_first() {
    let objects = [
        "{kind: Service, apiVersion: v1, metadata: {name: alias, namespace: x}, spec: {type: ExternalName, externalName: api.example.com}}",
        "y/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 443}]}]}",
    ];
    let answer = check(&objects, "y/a -> x/svc/alias:443", "unknown fqdn-unknown");
    let conditions: Vec<String> = answer.conditions.iter().map(words::cause).collect();
    assert_eq!(
        conditions,
        ["api.example.com resolves to an address that policies let through"]
    );
    // Nobody knows who would send from behind an alias either.
    check(&objects, "x/svc/alias -> y/a:443", "unknown fqdn-unknown");
}

#[test]
fn t85_without_a_ready_endpoint_no_policy_is_to_blame() {
    let slice = SLICE_A.replace("{ready: true}", "{ready: false, serving: false}");
    check(
        &[SVC_A, &slice],
        "y/a -> x/svc/svc-a:8080",
        "unreachable no-endpoints",
    );
    check(
        &[SVC_A, SLICE_A],
        "y/a -> x/svc/svc-a:81",
        "unreachable no-service-port",
    );
}

#[test]
fn t86_a_local_service_needs_an_endpoint_on_the_clients_node() {
    let local = SVC_A.replace("spec: {", "spec: {internalTrafficPolicy: Local, ");
    let objects = [local.as_str(), SLICE_A];
    check(
        &objects,
        "y/b -> x/svc/svc-a:8080",
        "unreachable local-only",
    );
    check(&objects, "y/a -> x/svc/svc-a:8080", "allow not-isolated");
    // Clients on both nodes: the answer says which of them has none.
    let answer = check(&objects, "y/* -> x/svc/svc-a:8080", "unknown pairs-differ");
    assert_eq!(
        pairs(&answer),
        [
            "y/pod/a -> x/pod/a allow",
            "y/pod/b -> x/service/svc-a unreachable"
        ]
    );
}

#[test]
fn t87_through_a_service_back_to_itself_is_left_open() {
    check(
        &[
            SVC_A,
            SLICE_A,
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress, Egress]}",
        ],
        "x/a -> x/svc/svc-a:8080",
        "unknown hairpin-undefined",
    );
}

#[test]
fn t90_a_target_port_by_name_is_each_pods_own() {
    let service = "{kind: Service, apiVersion: v1, metadata: {name: named, namespace: x}, spec: {clusterIP: 10.96.0.13, selector: {app: x}, ports: [{port: 80, targetPort: web}]}}";
    let slice = |pod: &str, address: &str, port: u16| {
        format!(
            "{{kind: EndpointSlice, apiVersion: discovery.k8s.io/v1, metadata: {{name: named-{pod}, namespace: x, labels: {{kubernetes.io/service-name: named}}}}, addressType: IPv4, ports: [{{port: {port}}}], endpoints: [{{addresses: [{address}], targetRef: {{kind: Pod, name: {pod}, namespace: x}}}}]}}"
        )
    };
    let (one, two) = (slice("a", "10.0.1.1", 80), slice("b", "10.0.1.2", 8080));
    let policy = "x/p: {podSelector: {}, ingress: [{ports: [{port: 80}]}]}";
    // From slices as a controller writes them, and from the selector where none was loaded.
    for objects in [
        &[service, one.as_str(), two.as_str(), policy][..],
        &[service, policy],
    ] {
        let answer = check(objects, "y/a -> x/svc/named:80", "unknown pairs-differ");
        assert_eq!(
            pairs(&answer),
            ["y/pod/a -> x/pod/a allow", "y/pod/a -> x/pod/b deny"]
        );
        assert_eq!(answer.via.expect("a Service").target_port, None);
    }
}

#[test]
fn t91_an_endpoint_that_does_not_say_is_ready_and_one_that_ends_still_serves() {
    for conditions in [
        "{}",
        "{ready: null}",
        "{ready: false, serving: true, terminating: true}",
    ] {
        let slice = SLICE_A.replace("{ready: true}", conditions);
        check(
            &[SVC_A, &slice],
            "y/a -> x/svc/svc-a:8080",
            "allow not-isolated",
        );
    }
}

#[test]
fn the_api_server_is_no_pod_and_is_asked_at_its_endpoint() {
    let api = [
        "{kind: Service, apiVersion: v1, metadata: {name: kubernetes, namespace: default}, spec: {clusterIP: 10.96.0.1, ports: [{name: https, port: 443, targetPort: 6443}]}}",
        "{kind: EndpointSlice, apiVersion: discovery.k8s.io/v1, metadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}, addressType: IPv4, ports: [{name: https, port: 6443}], endpoints: [{addresses: [192.168.0.1]}]}",
    ];
    for (port, expected) in [
        (443, "deny isolated-no-match"),
        (6443, "allow no-enforcement-at-external"),
    ] {
        let policy = format!(
            "y/p: {{podSelector: {{matchLabels: {{pod: a}}}}, policyTypes: [Egress], egress: [{{to: [{{ipBlock: {{cidr: 192.168.0.1/32}}}}], ports: [{{port: {port}}}]}}]}}"
        );
        check(&[api[0], api[1], &policy], "y/a -> k8s-api:443", expected);
    }
}

#[test]
fn what_is_asked_of_a_whole_namespace_leaves_out_a_pod_with_itself() {
    let policy = ["x/p: {podSelector: {}, policyTypes: [Ingress]}"];
    check(&policy, "x/* -> x/a:80", "deny isolated-no-match");
    check(&policy, "x/b -> x/*:80", "deny isolated-no-match");
    check(&policy, "x/a -> x/a:80", "allow self-traffic");
}

#[test]
fn a_template_counts_as_many_endpoints_as_it_has_replicas() {
    let answer = check(
        &[
            "{kind: Deployment, apiVersion: apps/v1, metadata: {name: d, namespace: x}, spec: {replicas: 3, template: {metadata: {labels: {app: d}}}}}",
            "{kind: Service, apiVersion: v1, metadata: {name: d, namespace: x}, spec: {clusterIP: 10.96.0.14, selector: {app: d}, ports: [{port: 80}]}}",
        ],
        "y/a -> x/svc/d:80",
        "allow not-isolated",
    );
    assert_eq!(answer.via.map(|via| via.endpoints), Some(3));
}
