//! One kind of way after the other, on a tiny world, and what policy says of it.

use std::sync::Arc;

use super::*;
use crate::engine::{Profile, Verdict};
use crate::model::State;
use crate::source::manifests;

/// Two nodes, ui and api on the first, an agent on both.
const WORLD: &str = "
{kind: Node, apiVersion: v1, metadata: {name: n1}, status: {addresses: [{type: InternalIP, address: 192.168.0.11}]}}
---
{kind: Node, apiVersion: v1, metadata: {name: n2}, status: {addresses: [{type: InternalIP, address: 192.168.0.12}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: ui, namespace: x, labels: {app: ui}}, spec: {nodeName: n1, containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]}, status: {phase: Running, podIPs: [{ip: 10.0.1.1}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: api, namespace: x, labels: {app: api}}, spec: {nodeName: n1}, status: {phase: Running, podIPs: [{ip: 10.0.1.2}]}}
---
";

fn service(name: &str, spec: &str, status: &str) -> String {
    format!(
        "{{kind: Service, apiVersion: v1, metadata: {{name: {name}, namespace: x}}, spec: {spec}, status: {status}}}\n---\n"
    )
}

fn ingress(name: &str, annotations: &str, spec: &str) -> String {
    format!(
        "{{kind: Ingress, apiVersion: networking.k8s.io/v1, metadata: {{name: {name}, namespace: x, annotations: {{{annotations}}}}}, spec: {spec}}}\n---\n"
    )
}

fn policy(name: &str, spec: &str) -> String {
    format!(
        "{{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {{name: {name}, namespace: x}}, spec: {spec}}}\n---\n"
    )
}

fn engine(text: &str) -> Engine {
    let (cluster, told) = manifests::parse("t", &format!("{WORLD}{text}"));
    assert!(told.is_empty(), "{told:?}");
    Engine::build(&Arc::new(cluster), Profile::spec())
}

/// Kind, where it leads, port and targets, where it is asked for; then the verdict and its reason.
fn line(engine: &Engine, way: &WayIn) -> String {
    let to = match &way.to {
        WayTo::Workload { id, idle, .. } => match idle {
            Some(reason) => format!("{id} ({reason})"),
            None => id.clone(),
        },
        WayTo::Others(entities) => format!("{entities:?}"),
        WayTo::Nothing(reason) => format!("nothing ({reason})"),
    };
    let port = way.port.map_or_else(|| "?".to_owned(), |p| p.to_string());
    let targets: Vec<String> = way.targets.iter().map(ToString::to_string).collect();
    let mut text = format!(
        "{} {to} {port}/{}>{}",
        way.kind,
        way.protocol,
        targets.join(",")
    );
    let addresses = way.addresses.iter().map(ToString::to_string);
    for at in addresses.chain(way.hostnames.iter().cloned()) {
        text += &format!(" @{at}");
    }
    for (word, value) in [("host", &way.host), ("class", &way.class)] {
        if let Some(value) = value {
            text += &format!(" {word}={value}");
        }
    }
    for path in &way.paths {
        text += &format!(" path={path}");
    }
    if let Some(tls) = &way.tls {
        let issuer = tls.issuer.as_ref().map_or("-", |issuer| &issuer.name);
        text += &format!(" tls={}/{issuer}", tls.secret.as_deref().unwrap_or("-"));
    }
    let through = engine.through(way);
    format!("{text} {} {}", through.verdict, through.reason)
}

fn check(text: &str, expected: &[&str]) {
    let engine = engine(text);
    let found: Vec<String> = engine.ways().iter().map(|way| line(&engine, way)).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn a_service_within_the_cluster_is_no_way_in() {
    check(
        &service(
            "ui",
            "{clusterIP: 10.96.0.1, selector: {app: ui}, ports: [{port: 80}]}",
            "{}",
        ),
        &[],
    );
}

#[test]
fn a_load_balancer_is_one_way_a_port_and_its_node_ports_are_none() {
    check(
        &service(
            "ui",
            "{type: LoadBalancer, selector: {app: ui}, ports: [{name: a, port: 80, targetPort: http, nodePort: 30080}, {name: b, port: 443, targetPort: 8443}]}",
            "{loadBalancer: {ingress: [{ip: 203.0.113.5}, {hostname: lb.example.net}]}}",
        ),
        &[
            "loadBalancer x/pod/ui 80/TCP>8080 @203.0.113.5 @lb.example.net allow not-isolated",
            "loadBalancer x/pod/ui 443/TCP>8443 @203.0.113.5 @lb.example.net allow not-isolated",
        ],
    );
}

#[test]
fn external_ips_count_as_a_load_balancer_beside_the_node_port() {
    check(
        &service(
            "ui",
            "{type: NodePort, externalIPs: [203.0.113.6], selector: {app: ui}, ports: [{port: 80, targetPort: 8080, nodePort: 30080}]}",
            "{}",
        ),
        &[
            "loadBalancer x/pod/ui 80/TCP>8080 @203.0.113.6 allow not-isolated",
            "nodePort x/pod/ui 30080/TCP>8080 @192.168.0.11 @192.168.0.12 allow not-isolated",
        ],
    );
}

#[test]
fn a_node_port_without_a_number_is_a_way_all_the_same() {
    check(
        &service(
            "ui",
            "{type: NodePort, selector: {app: ui}, ports: [{port: 80, targetPort: 8080}]}",
            "{}",
        ),
        &["nodePort x/pod/ui ?/TCP>8080 @192.168.0.11 @192.168.0.12 allow not-isolated"],
    );
}

#[test]
fn one_service_may_lead_to_two_workloads_and_to_none() {
    let spec = |selector: &str| {
        format!("{{type: LoadBalancer, selector: {{{selector}}}, ports: [{{port: 80}}]}}")
    };
    let both = WORLD.replace("app: api", "app: ui");
    let text = service("both", &spec("app: ui"), "{}") + &service("none", &spec("app: gone"), "{}");
    let (cluster, _) = manifests::parse("t", &(both + &text));
    let engine = Engine::build(&Arc::new(cluster), Profile::spec());
    let found: Vec<String> = engine.ways().iter().map(|way| line(&engine, way)).collect();
    assert_eq!(
        found,
        [
            "loadBalancer x/pod/api 80/TCP>80 allow not-isolated",
            "loadBalancer x/pod/ui 80/TCP>80 allow not-isolated",
            "loadBalancer nothing (no-endpoints) 80/TCP> unreachable no-endpoints",
        ]
    );
}

/// Rules N70 and N71: a node's address may stand in place of the client's, and the pod's own node is always let in.
#[test]
fn whether_policy_lets_it_through_depends_on_whose_address_it_sees() {
    let closed = policy("lock", "{podSelector: {matchLabels: {app: ui}}}");
    let clients = policy(
        "web",
        "{podSelector: {matchLabels: {app: ui}}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [192.168.0.0/16]}}], ports: [{port: 8080}]}]}",
    );
    let everyone = policy(
        "open",
        "{podSelector: {matchLabels: {app: ui}}, ingress: [{ports: [{port: 8080}]}]}",
    );
    let spec = |more: &str| {
        format!(
            "{{type: LoadBalancer{more}, selector: {{app: ui}}, ports: [{{port: 80, targetPort: 8080}}]}}"
        )
    };
    let way = "loadBalancer x/pod/ui 80/TCP>8080";
    for (more, policies, expected) in [
        // The own node is let in whatever is written.
        ("", &closed, "unknown nat-ambiguous"),
        ("", &clients, "unknown nat-ambiguous"),
        ("", &everyone, "allow rule-allow"),
        (
            ", externalTrafficPolicy: Local",
            &closed,
            "deny isolated-no-match",
        ),
        (
            ", externalTrafficPolicy: Local",
            &clients,
            "allow rule-allow",
        ),
        // Rule N73: nobody public is served.
        (
            ", loadBalancerSourceRanges: [10.0.0.0/8]",
            &everyone,
            "deny explicit-deny",
        ),
    ] {
        let text = service("ui", &spec(more), "{}") + policies;
        let expected = format!("{way} {expected}");
        check(&text, &[&expected]);
    }
}

#[test]
fn ports_of_nodes_that_lead_to_a_pod_are_ways_of_their_pods() {
    let agent = |name: &str, node: &str, spec: &str, address: &str| {
        format!(
            "{{kind: Pod, apiVersion: v1, metadata: {{name: {name}, namespace: x, labels: {{app: agent}}, ownerReferences: [{{kind: DaemonSet, name: agent, controller: true}}]}}, spec: {{nodeName: {node}, {spec}}}, status: {{phase: Running, podIPs: [{{ip: {address}}}]}}}}\n---\n"
        )
    };
    let port = "containers: [{name: c, ports: [{containerPort: 80, hostPort: 8000}]}]";
    check(
        &(agent("agent-1", "n1", port, "10.0.1.8") + &agent("agent-2", "n2", port, "10.0.2.8")),
        &["hostPort x/daemonset/agent 8000/TCP>80 @192.168.0.11 @192.168.0.12 allow not-isolated"],
    );
    let bound = "containers: [{name: c, ports: [{containerPort: 80, hostPort: 8000, hostIP: 192.168.0.11}]}]";
    check(
        &agent("agent-1", "n1", bound, "10.0.1.8"),
        &["hostPort x/daemonset/agent 8000/TCP>80 @192.168.0.11 allow not-isolated"],
    );
    // Without declared ports nothing says that it listens.
    let host = "hostNetwork: true, containers: [{name: c, ports: [{containerPort: 9100}]}]";
    let silent = "hostNetwork: true, containers: [{name: c}]";
    check(
        &(agent("agent-1", "n1", host, "192.168.0.11")
            + &agent("agent-2", "n2", silent, "192.168.0.12")),
        &["hostNetwork x/daemonset/agent 9100/TCP>9100 @192.168.0.11 allow host-network-subject"],
    );
    let closed = policy("lock", "{podSelector: {}}");
    check(
        &(agent("agent-1", "n1", port, "10.0.1.8") + &closed),
        &["hostPort x/daemonset/agent 8000/TCP>80 @192.168.0.11 deny isolated-no-match"],
    );
}

const BEHIND: &str =
    "{clusterIP: 10.96.0.1, selector: {app: ui}, ports: [{name: web, port: 80, targetPort: 8080}]}";

#[test]
fn an_ingress_leads_to_the_pods_behind_its_services() {
    let spec = "{ingressClassName: nginx, tls: [{hosts: [a.org], secretName: cert}], rules: [\
        {host: a.org, http: {paths: [{path: /, backend: {service: {name: ui, port: {number: 80}}}}, {path: /b, backend: {service: {name: ui, port: {name: web}}}}]}},\
        {host: b.org, http: {paths: [{path: /x, backend: {service: {name: ui, port: {number: 80}}}}, {path: /y, backend: {service: {name: ui, port: {number: 80}}}}]}},\
        {host: c.org, http: {paths: [{backend: {service: {name: gone, port: {number: 80}}}}]}},\
        {host: d.org, http: {paths: [{backend: {resource: {kind: Bucket, name: b}}}]}}]}";
    check(
        &(service("ui", BEHIND, "{}")
            + &ingress("web", "cert-manager.io/cluster-issuer: le", spec)),
        &[
            "ingress x/pod/ui 443/TCP>8080 host=a.org class=nginx path=/b tls=cert/le allow not-isolated",
            "ingress x/pod/ui 443/TCP>8080 host=a.org class=nginx path=/ tls=cert/le allow not-isolated",
            "ingress x/pod/ui 80/TCP>8080 host=b.org class=nginx path=/x path=/y allow not-isolated",
            "ingress nothing (no-service-port) 80/TCP> host=c.org class=nginx unreachable no-service-port",
        ],
    );
}

#[test]
fn policy_is_asked_about_the_controller_where_it_is_known() {
    let controller = |labels: &str| {
        format!(
            "{{kind: Pod, apiVersion: v1, metadata: {{name: ctl, namespace: ctl, labels: {{{labels}}}}}, spec: {{nodeName: n2}}, status: {{phase: Running, podIPs: [{{ip: 10.0.2.1}}]}}}}\n---\n"
        )
    };
    let open = policy(
        "web",
        "{podSelector: {matchLabels: {app: ui}}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ctl}}}]}]}",
    );
    let closed = policy("web", "{podSelector: {matchLabels: {app: ui}}}");
    let spec =
        "{ingressClassName: nginx, defaultBackend: {service: {name: ui, port: {number: 80}}}}";
    let way = "ingress x/pod/ui 80/TCP>8080 class=nginx";
    for (labels, policies, expected) in [
        (
            "app.kubernetes.io/name: ingress-nginx",
            &open,
            "allow rule-allow",
        ),
        ("app: nginx", &open, "allow rule-allow"),
        ("app: nginx", &closed, "deny isolated-no-match"),
        // Nobody is labelled with the class.
        ("app: traefik", &open, "unknown address-unknown"),
    ] {
        let text = service("ui", BEHIND, "{}") + &ingress("web", "", spec) + &controller(labels);
        let expected = format!("{way} {expected}");
        check(&(text + policies), &[&expected]);
    }
    // The address in the status says more than a label.
    let front = "{kind: Service, apiVersion: v1, metadata: {name: front, namespace: ctl}, spec: {type: LoadBalancer, selector: {app: odd}, ports: [{port: 80}]}, status: {loadBalancer: {ingress: [{ip: 203.0.113.9}]}}}\n---\n";
    let web = ingress("web", "", spec).replace("\n---\n", "");
    let web = web.strip_suffix('}').unwrap().to_owned()
        + ", status: {loadBalancer: {ingress: [{ip: 203.0.113.9}]}}}\n---\n";
    check(
        &(service("ui", BEHIND, "{}") + &web + &controller("app: odd") + front + &open),
        &[
            "loadBalancer ctl/pod/ctl 80/TCP>80 @203.0.113.9 allow not-isolated",
            "ingress x/pod/ui 80/TCP>8080 @203.0.113.9 class=nginx allow rule-allow",
        ],
    );
}

#[test]
fn what_could_not_be_read_is_told_by_kind() {
    let (mut cluster, _) = manifests::parse("t", WORLD);
    let forbidden = State::Forbidden {
        message: "no".to_owned(),
    };
    cluster
        .coverage
        .set(Resource::Ingresses, None, forbidden.clone());
    cluster
        .coverage
        .set(Resource::Ingresses, Some("x"), State::Live);
    cluster
        .coverage
        .set(Resource::Services, Some("y"), forbidden);
    let engine = Engine::build(&Arc::new(cluster), Profile::spec());
    for (kind, namespace, expected) in [
        (WayKind::Ingress, Some("x"), &[][..]),
        (WayKind::Ingress, Some("y"), &["ingresses", "services"]),
        (WayKind::Ingress, None, &["ingresses", "services"]),
        (WayKind::LoadBalancer, None, &["services"]),
        (WayKind::NodePort, Some("x"), &[]),
        (WayKind::HostNetwork, None, &[]),
    ] {
        assert_eq!(
            engine.unseen_ways(kind, namespace),
            expected,
            "{kind} {namespace:?}"
        );
    }
    // One that cannot be decoded may lead anywhere.
    let bad = ingress("bad", "", "{rules: all}");
    let (cluster, told) = manifests::parse("t", &format!("{WORLD}{bad}"));
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        Verdict::Allow,
        Engine::build(&Arc::new(cluster.clone()), Profile::spec()).verdict(
            &Entity::Address("8.8.8.8".parse().unwrap()),
            &Entity::Pod(PodId(0)),
            Protocol::Tcp,
            80
        )
    );
    let engine = Engine::build(&Arc::new(cluster), Profile::spec());
    assert!(engine.ways().is_empty());
    assert_eq!(
        engine.unseen_ways(WayKind::Ingress, Some("x")),
        ["ingress x/bad"]
    );
    assert!(engine.unseen_ways(WayKind::LoadBalancer, None).is_empty());
}
