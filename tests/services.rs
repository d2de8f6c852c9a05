//! Services and address rewriting: what a probe says when a Service stands between two ends.
//!
//! Rows of the truth table by number, with what stands beside the verdict: the way, the pairs, the conditions, the limits. Then
//! what else people ask: load balancers, aliases, both address families, DNS on the node.

use std::sync::Arc;

use netseg::engine::{Engine, Profile, Verdict, Way};
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
    let answer = check(
        &[
            SVC_A,
            SLICE_A,
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress, Egress]}",
        ],
        "x/a -> x/svc/svc-a:8080",
        "unknown hairpin-undefined",
    );
    assert_eq!(
        conditions(&answer),
        ["the enforcer lets a pod reach itself through a Service, whatever policies say"]
    );
    // Where like pods may reach each other there is nothing to differ on.
    for policy in [
        "y/unrelated: {podSelector: {}}",
        "x/p: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {pod: a}}}], ports: [{port: 80}]}]}",
    ] {
        let answer = check(
            &[SVC_A, SLICE_A, policy],
            "x/a -> x/svc/svc-a:8080",
            if policy.starts_with('y') {
                "allow not-isolated"
            } else {
                "allow rule-allow"
            },
        );
        assert!(answer.conditions.is_empty());
    }
}

/// Rule A27: cluster-wide policy governs it like any other pair, but not a pod's own address.
#[test]
fn t120_cluster_wide_policy_governs_the_way_back_to_itself() {
    let objects = [
        SVC_A,
        SLICE_A,
        "{kind: ClusterNetworkPolicy, apiVersion: policy.networking.k8s.io/v1alpha2, metadata: {name: closed}, spec: {tier: Admin, priority: 1, subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, egress: [{action: Deny, to: [{namespaces: {}}]}]}}",
    ];
    check(&objects, "x/a -> x/svc/svc-a:8080", "deny tier-deny");
    check(&objects, "x/a -> 10.0.1.1:80", "allow self-traffic");
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

/// `x/svc-a` with a node port, and with whatever else stands in its spec.
fn exposed(kind: &str, more: &str) -> String {
    format!(
        "{{kind: Service, apiVersion: v1, metadata: {{name: svc-a, namespace: x}}, spec: {{type: {kind}, {more}clusterIP: 10.96.0.10, selector: {{pod: a}}, ports: [{{name: http, port: 8080, targetPort: 80, nodePort: 30080}}]}}, status: {{loadBalancer: {{ingress: [{{ip: 198.51.100.1}}]}}}}}}"
    )
}

const SLICE_HTTP: &str = "{kind: EndpointSlice, apiVersion: discovery.k8s.io/v1, metadata: {name: svc-a-1, namespace: x, labels: {kubernetes.io/service-name: svc-a}}, addressType: IPv4, ports: [{name: http, port: 80}], endpoints: [{addresses: [10.0.1.1], nodeName: n1, conditions: {ready: true}, targetRef: {kind: Pod, name: a, namespace: x}}]}";
const FROM_E: &str = "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}";

fn conditions(answer: &Answer) -> Vec<String> {
    answer.conditions.iter().map(words::cause).collect()
}

fn limits(answer: &Answer) -> Vec<String> {
    answer.limits.iter().map(words::limit).collect()
}

#[test]
fn t82_a_node_may_put_its_own_address_in_place_of_the_clients() {
    let service = exposed("NodePort", "");
    let answer = check(
        &[&service, SLICE_HTTP, FROM_E],
        "203.0.113.7 -> node/n2:30080",
        "unknown nat-ambiguous",
    );
    assert_eq!(
        conditions(&answer),
        [
            "the pod sees the client as the source, not node/n2: under externalTrafficPolicy Cluster a node may put in its own address, and kube-proxy does"
        ]
    );
    let via = answer.via.expect("it goes through the Service");
    assert_eq!(
        (via.service.as_str(), via.way, via.port, via.target_port),
        ("x/svc-a", Way::NodePort, 8080, Some(80))
    );
    assert_eq!(answer.ingress.verdict, Verdict::Unknown);
    assert!(
        !answer.ingress.isolated_by.is_empty() && !answer.ingress.decided_by.is_empty(),
        "the rule that would let the client in is named: {:?}",
        answer.ingress
    );
}

#[test]
fn t83_the_pods_own_node_is_always_let_in() {
    let service = exposed("NodePort", "");
    let objects = [service.as_str(), SLICE_HTTP, FROM_E];
    check(&objects, "203.0.113.7 -> node/n1:30080", "allow rule-allow");
    let other = check(
        &objects,
        "198.51.100.7 -> node/n1:30080",
        "unknown nat-ambiguous",
    );
    assert_eq!(
        conditions(&other),
        [
            "the pod sees node/n1 as the source, not the client: under externalTrafficPolicy Cluster a node may put in its own address, and kube-proxy does"
        ]
    );
    // A port by its name, the node by its address.
    check(
        &objects,
        "203.0.113.7 -> 192.168.0.11:http",
        "allow rule-allow",
    );
    // No Service has that port: it is the node itself.
    check(
        &objects,
        "203.0.113.7 -> node/n2:22",
        "allow host-network-subject",
    );
}

#[test]
fn t84_with_a_local_policy_a_node_without_an_endpoint_drops() {
    let service = exposed("NodePort", "externalTrafficPolicy: Local, ");
    let objects = [service.as_str(), SLICE_HTTP, FROM_E];
    let answer = check(
        &objects,
        "203.0.113.7 -> node/n2:30080",
        "unreachable local-only",
    );
    assert!(
        limits(&answer).contains(&"by policy alone it would be ALLOW".to_owned()),
        "{:?}",
        limits(&answer)
    );
    // Rule N72: pods that use a node port are under the same policy.
    check(&objects, "y/b -> node/n2:30080", "unreachable local-only");
    check(&objects, "y/b -> node/n1:30080", "deny isolated-no-match");
}

#[test]
fn t85_says_what_policy_would_say_of_what_is_not_ready() {
    let slice = SLICE_A.replace("{ready: true}", "{ready: false}");
    let answer = check(
        &[
            SVC_A,
            &slice,
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress]}",
        ],
        "y/a -> x/svc/svc-a:8080",
        "unreachable no-endpoints",
    );
    assert!(
        limits(&answer).contains(&"by policy alone it would be DENY".to_owned()),
        "{:?}",
        limits(&answer)
    );
}

#[test]
fn t88_a_host_port_leads_to_the_pod() {
    let pod = "{kind: Pod, apiVersion: v1, metadata: {name: h, namespace: x, labels: {pod: h}}, spec: {nodeName: n1, containers: [{name: c, ports: [{containerPort: 80, hostPort: 8000}]}]}, status: {phase: Running, podIPs: [{ip: 10.0.1.9}]}}";
    let objects = [
        pod,
        "x/p: {podSelector: {matchLabels: {pod: h}}, policyTypes: [Ingress]}",
    ];
    check(&objects, "node/n1 -> 127.0.0.1:8000", "allow own-node");
    let answer = check(
        &objects,
        "203.0.113.7 -> node/n1:8000",
        "deny isolated-no-match",
    );
    assert_eq!(
        limits(&answer),
        ["port 8000 of the node leads to pod x/h: policy sees the pod and its port 80"]
    );
    assert_eq!(answer.via, None, "no Service stands there");
    // A pod elsewhere: policy at its end may see the node, or the pod behind.
    let egress = "y/e: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{podSelector: {}, namespaceSelector: {}}]}]}";
    let open = check(
        &[pod, egress],
        "y/b -> node/n1:8000",
        "unknown nat-ambiguous",
    );
    assert_eq!(
        conditions(&open),
        ["policy at the client sees the pod behind node/n1:8000, not node/n1:8000 itself"]
    );
    // From the same node it is translated before it leaves.
    check(&[pod, egress], "y/a -> node/n1:8000", "allow not-isolated");
}

#[test]
fn t89_a_load_balancers_address_is_short_circuited_inside() {
    let service = exposed("LoadBalancer", "externalTrafficPolicy: Local, ");
    let only_b = "x/p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {pod: b}}}]}]}";
    let objects = [service.as_str(), SLICE_HTTP, only_b];
    let answer = check(&objects, "y/b -> 198.51.100.1:8080", "allow rule-allow");
    let via = answer.via.expect("a Service");
    assert_eq!(via.way, Way::Balancer { is_proxy: false });
    check(
        &objects,
        "y/a -> 198.51.100.1:8080",
        "deny isolated-no-match",
    );
    // Rule N72: in proxy mode the connection leaves the cluster and comes back as somebody else's.
    let proxy = service.replace("ip: 198.51.100.1", "ip: 198.51.100.1, ipMode: Proxy");
    let answer = check(
        &[&proxy, SLICE_HTTP, only_b],
        "y/b -> 198.51.100.1:8080",
        "unknown nat-ambiguous",
    );
    assert_eq!(
        conditions(&answer),
        [
            "the pod sees the client as the source, not an address of the load balancer: the load balancer opens connections of its own"
        ]
    );
}

/// Rules N70 and N71 where nobody says by which node.
#[test]
fn a_client_outside_comes_in_through_the_load_balancer() {
    let cluster = exposed("LoadBalancer", "");
    let local = exposed("LoadBalancer", "externalTrafficPolicy: Local, ");
    for to in ["198.51.100.1:8080", "x/svc/svc-a:8080"] {
        let asked = format!("203.0.113.7 -> {to}");
        let answer = check(
            &[&cluster, SLICE_HTTP, FROM_E],
            &asked,
            "unknown nat-ambiguous",
        );
        assert_eq!(
            conditions(&answer),
            [
                "the pod sees the client or node/n1 as the source, not node/n2: under externalTrafficPolicy Cluster a node may put in its own address, and kube-proxy does"
            ],
            "{to}"
        );
        check(&[&local, SLICE_HTTP, FROM_E], &asked, "allow rule-allow");
    }
    // Nothing else answers at its address.
    check(
        &[&cluster, SLICE_HTTP],
        "203.0.113.7 -> 198.51.100.1:22",
        "unreachable no-service-port",
    );
    check(
        &[&cluster, SLICE_HTTP],
        "203.0.113.7 -> 198.51.100.1:any",
        "allow not-isolated",
    );
    // Without policy it does not matter which address it carries.
    check(
        &[&cluster, SLICE_HTTP],
        "203.0.113.7 -> x/svc/svc-a:8080",
        "allow not-isolated",
    );
}

/// Rule N73: one more filter, before policy.
#[test]
fn a_load_balancer_serves_its_source_ranges_only() {
    let service = exposed(
        "LoadBalancer",
        "externalTrafficPolicy: Local, loadBalancerSourceRanges: [203.0.113.0/25], ",
    );
    let objects = [service.as_str(), SLICE_HTTP];
    check(
        &objects,
        "203.0.113.7 -> 198.51.100.1:8080",
        "allow not-isolated",
    );
    check(
        &objects,
        "203.0.113.200 -> 198.51.100.1:8080",
        "deny explicit-deny",
    );
    check(&objects, "y/a -> 198.51.100.1:8080", "allow not-isolated");
    // Node ports are no business of the load balancer.
    check(
        &objects,
        "203.0.113.200 -> node/n1:30080",
        "allow not-isolated",
    );
    // Of a network that lies partly within, the parts differ.
    let answer = check(
        &objects,
        "203.0.113.0/24 -> 198.51.100.1:8080",
        "unknown pairs-differ",
    );
    assert_eq!(
        pairs(&answer),
        [
            "203.0.113.0 -> x/pod/a allow",
            "203.0.113.128 -> x/pod/a deny"
        ]
    );
}

/// Rule N70 where nodes were not loaded: any address may be a node's, and the pod's own node is always let in.
#[test]
fn without_nodes_any_address_may_be_that_of_a_node() {
    let text = |policy: &str| {
        format!(
            "{}\n---\n{}\n---\n{}",
            "{kind: Deployment, apiVersion: apps/v1, metadata: {name: web, namespace: x}, spec: {template: {metadata: {labels: {app: web}}}}}",
            "{kind: Service, apiVersion: v1, metadata: {name: web, namespace: x}, spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}}",
            object(policy),
        )
    };
    for (rule, expected) in [
        ("ingress: [{}]", "allow rule-allow"),
        (
            "ingress: [{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}]",
            "unknown nat-ambiguous",
        ),
    ] {
        let policy = format!("x/p: {{podSelector: {{}}, policyTypes: [Ingress], {rule}}}");
        let (cluster, _) = manifests::parse("t", &text(&policy));
        let engine = Engine::build(&Arc::new(cluster), Profile::spec());
        let end = |text| ends::resolve(&engine, text).unwrap();
        let port = ends::parse_port("80").unwrap();
        let answer =
            probe::probe(&engine, &end("203.0.113.7"), &end("x/svc/web"), Some(&port)).unwrap();
        assert_eq!(format!("{} {}", answer.verdict, answer.reason), expected);
    }
}

#[test]
fn external_ips_lead_to_the_service_too() {
    let service = exposed("ClusterIP", "externalIPs: [198.51.100.9], ");
    let objects = [service.as_str(), SLICE_HTTP, FROM_E];
    let answer = check(
        &objects,
        "203.0.113.7 -> 198.51.100.9:8080",
        "unknown nat-ambiguous",
    );
    assert_eq!(answer.via.map(|via| via.way), Some(Way::ExternalIp));
    check(
        &objects,
        "y/a -> 198.51.100.9:8080",
        "deny isolated-no-match",
    );
}

#[test]
fn without_a_port_a_node_says_which_of_its_ports_lead_where() {
    let service = exposed("NodePort", "externalTrafficPolicy: Local, ");
    let mut text = FIXTURE.to_owned();
    for line in [service.as_str(), SLICE_HTTP, FROM_E] {
        text += &format!("---\n{}\n", object(line));
    }
    let (cluster, _) = manifests::parse("t", &text);
    let engine = Engine::build(&Arc::new(cluster), Profile::spec());
    let end = |text| ends::resolve(&engine, text).unwrap();
    let answer = probe::probe(&engine, &end("198.51.100.7"), &end("node/n1"), None).unwrap();
    let tcp: Vec<String> = answer
        .ports
        .iter()
        .filter(|(protocol, _, _)| protocol.as_str() == "TCP")
        .map(|(_, range, verdict)| format!("{range} {verdict}"))
        .collect();
    assert_eq!(tcp, ["1-30079 allow", "30081-65535 allow"]);
}

/// Rule N75: an alias for a name of the cluster is that Service; one for a name outside has to be resolved.
#[test]
fn an_alias_within_the_cluster_is_the_service_it_names() {
    for name in [
        "svc-a.x.svc",
        "svc-a.x.svc.cluster.local",
        "svc-a.x.svc.cluster.local.",
    ] {
        let alias = format!(
            "{{kind: Service, apiVersion: v1, metadata: {{name: alias, namespace: y}}, spec: {{type: ExternalName, externalName: {name}}}}}"
        );
        let objects = [
            SVC_A,
            SLICE_A,
            alias.as_str(),
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress, Egress]}",
        ];
        let answer = check(
            &objects,
            "y/a -> y/svc/alias:8080",
            "deny isolated-no-match",
        );
        assert_eq!(
            answer.via.map(|via| via.service),
            Some("x/svc-a".to_owned())
        );
        check(&objects, "y/svc/alias -> y/b:80", "deny isolated-no-match");
    }
    let circle = [
        "{kind: Service, apiVersion: v1, metadata: {name: one, namespace: x}, spec: {type: ExternalName, externalName: two.x.svc}}",
        "{kind: Service, apiVersion: v1, metadata: {name: two, namespace: x}, spec: {type: ExternalName, externalName: one.x.svc}}",
    ];
    check(&circle, "y/a -> x/svc/one:80", "unknown fqdn-unknown");
}

#[test]
fn a_headless_service_without_ports_is_its_pods() {
    let objects = [
        "{kind: Service, apiVersion: v1, metadata: {name: peers, namespace: x}, spec: {clusterIP: None, selector: {app: x}}}",
        "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress]}",
        "x/q: {podSelector: {}, policyTypes: [Ingress]}",
    ];
    let answer = check(&objects, "x/svc/peers -> y/a:80", "unknown pairs-differ");
    assert_eq!(
        pairs(&answer),
        ["x/pod/a -> y/pod/a deny", "x/pod/b -> y/pod/a allow"]
    );
    check(
        &objects,
        "y/a -> x/svc/peers:5432",
        "deny isolated-no-match",
    );
    check(&objects, "y/a -> x/svc/peers:any", "deny isolated-no-match");
}

/// Rule N59: each family by itself.
#[test]
fn both_address_families_are_told_apart_where_they_differ() {
    let pod = |namespace: &str, name: &str, last: u8| {
        format!(
            "{{kind: Pod, apiVersion: v1, metadata: {{name: {name}, namespace: {namespace}, labels: {{pod: {name}}}}}, spec: {{nodeName: n2}}, status: {{phase: Running, podIPs: [{{ip: 10.0.7.{last}}}, {{ip: 'fd00::{last}'}}]}}}}"
        )
    };
    let (from, to) = (pod("y", "two", 1), pod("x", "dual", 2));
    let slice = |family: &str, address: &str| {
        format!(
            "{{kind: EndpointSlice, apiVersion: discovery.k8s.io/v1, metadata: {{name: dual-{}, namespace: x, labels: {{kubernetes.io/service-name: dual}}}}, addressType: {family}, ports: [{{port: 80}}], endpoints: [{{addresses: ['{address}'], targetRef: {{kind: Pod, name: dual, namespace: x}}}}]}}",
            family.to_lowercase()
        )
    };
    let service = "{kind: Service, apiVersion: v1, metadata: {name: dual, namespace: x}, spec: {clusterIP: 10.96.0.20, clusterIPs: [10.96.0.20, 'fd00:96::20'], ipFamilies: [IPv4, IPv6], selector: {pod: dual}, ports: [{port: 80}]}}";
    let only_v4 = "x/p: {podSelector: {matchLabels: {pod: dual}}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}";
    let (v4, v6) = (slice("IPv4", "10.0.7.2"), slice("IPv6", "fd00::2"));
    let both = [
        from.as_str(),
        to.as_str(),
        service,
        v4.as_str(),
        v6.as_str(),
        only_v4,
    ];
    for to in ["x/svc/dual:80", "x/dual:80"] {
        let answer = check(&both, &format!("y/two -> {to}"), "unknown pairs-differ");
        assert_eq!(
            pairs(&answer),
            ["10.0.7.1 -> 10.0.7.2 allow", "fd00::1 -> fd00::2 deny"],
            "{to}"
        );
    }
    // Asked by one address it is one family.
    check(&both, "y/two -> 10.96.0.20:80", "allow rule-allow");
    check(&both, "y/two -> fd00:96::20:80", "deny isolated-no-match");
    // A Service of one family does not use the other.
    let single = service.replace(
        "clusterIPs: [10.96.0.20, 'fd00:96::20'], ipFamilies: [IPv4, IPv6]",
        "ipFamilies: [IPv4]",
    );
    for slices in [&[v4.as_str()][..], &[]] {
        let objects: Vec<&str> = [from.as_str(), to.as_str(), single.as_str(), only_v4]
            .into_iter()
            .chain(slices.iter().copied())
            .collect();
        check(&objects, "y/two -> x/svc/dual:80", "allow rule-allow");
    }
}

/// Rule N54: a cache on the node answers before the Service does.
#[test]
fn dns_may_be_answered_by_the_own_node() {
    let service = "{kind: Service, apiVersion: v1, metadata: {name: kube-dns, namespace: kube-system}, spec: {clusterIP: 10.96.0.2, selector: {k8s-app: kube-dns}, ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]}}";
    let pod = "{kind: Pod, apiVersion: v1, metadata: {name: dns, namespace: kube-system, labels: {k8s-app: kube-dns}}, spec: {nodeName: n2}, status: {phase: Running, podIPs: [{ip: 10.0.9.9}]}}";
    let cache = "{kind: DaemonSet, apiVersion: apps/v1, metadata: {name: node-local-dns, namespace: kube-system}, spec: {template: {metadata: {labels: {k8s-app: node-local-dns}}, spec: {hostNetwork: true}}}}";
    let closed = "y/p: {podSelector: {}, policyTypes: [Egress]}";
    let told = "kube-system/daemonset/node-local-dns answers DNS on every node: what pods ask it goes to their own node, not to the Service";
    let without = check(
        &[service, pod, closed],
        "y/a -> dns:53",
        "deny isolated-no-match",
    );
    assert!(!limits(&without).contains(&told.to_owned()));
    let with = check(
        &[service, pod, cache, closed],
        "y/a -> dns:53",
        "deny isolated-no-match",
    );
    assert!(
        limits(&with).contains(&told.to_owned()),
        "{:?}",
        limits(&with)
    );
    // Its address is the own node's where there is such a cache, and one like any other where there is none.
    check(
        &[service, pod, cache, closed],
        "y/a -> 169.254.20.10:53/udp",
        "allow host-network-subject",
    );
    check(
        &[service, pod, closed],
        "y/a -> 169.254.20.10:53/udp",
        "deny isolated-no-match",
    );
}

/// A dump without slices: the API server has endpoints all the same.
#[test]
fn the_api_servers_endpoints_are_unknown_rather_than_missing() {
    let api = "{kind: Service, apiVersion: v1, metadata: {name: kubernetes, namespace: default}, spec: {clusterIP: 10.96.0.1, ports: [{name: https, port: 443, targetPort: 6443}]}}";
    check(&[api], "y/a -> k8s-api:443", "unknown unreadable");
}
