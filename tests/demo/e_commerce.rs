//! The demo `e-commerce` against the flows its document names: with the namespace labels its policies presume (L1, the demo),
//! and with none but those that Kubernetes sets (L0).
//!
//! The policies, by the short names used below, all of them in `e-commerce`: P0 deny-all-default, P1 allow-dns,
//! P2 allow-api-gateway-ingress, P3 allow-api-gateway-egress, P4 allow-microservices-database,
//! P5 allow-microservices-rabbitmq, P6 allow-monitoring-scraping.

use netseg::engine::WayTo;
use netseg::questions::flows::half_open;
use netseg::source::manifests;

use super::*;

const TEXT: &str = include_str!("../../assets/demo/e-commerce/cluster.yaml");

/// The demo as if nobody had labelled a namespace.
fn unlabelled() -> World {
    let labels = TEXT.lines().filter(|line| line.starts_with("    name: "));
    assert_eq!(labels.count(), 6, "one label `name` a namespace");
    let kept = TEXT.lines().filter(|line| !line.starts_with("    name: "));
    let text: Vec<&str> = kept.collect();
    let (cluster, told) = manifests::parse("demo/e-commerce/cluster.yaml", &text.join("\n"));
    assert!(told.is_empty(), "{told:?}");
    world(cluster, load("e-commerce").expectations)
}

#[test]
fn e_commerce_loads_clean_and_is_judged_by_its_only_environment() {
    let world = load("e-commerce");
    assert_eq!(world.enforcer.name, "calico");
    assert_eq!(world.enforcer.enforces, Enforces::Yes);
    assert_eq!(world.expectations.name(), "e-commerce");
    // Alone, `base` is no template.
    assert_eq!(world.expectations.environments(), ["base"]);
    // D1 to D22, Z1, and Z2 for four workloads.
    assert_eq!(world.expectations.rule_count("base"), 22 + 1 + 4);
    // 13 workloads and calico-node, 7 policies.
    let mut workloads: Vec<(String, usize)> = Vec::new();
    for id in world.engine.pods() {
        let of = world.engine.workload_of(id).id();
        match workloads.iter_mut().find(|(known, _)| *known == of) {
            Some((_, count)) => *count += 1,
            None => workloads.push((of, 1)),
        }
    }
    workloads.sort();
    let found: Vec<(&str, usize)> = workloads.iter().map(|(id, n)| (id.as_str(), *n)).collect();
    assert_eq!(
        found,
        [
            ("e-commerce-messaging/statefulset/minio", 1),
            ("e-commerce-messaging/statefulset/rabbitmq-cluster", 3),
            ("e-commerce/deployment/api-gateway", 3),
            ("e-commerce/deployment/auth-service", 1),
            ("e-commerce/deployment/orders-service", 1),
            ("e-commerce/deployment/products-service", 1),
            ("e-commerce/deployment/redis", 1),
            ("e-commerce/statefulset/auth-service-mysql", 1),
            ("e-commerce/statefulset/products-service-mysql", 1),
            ("kube-system/daemonset/calico-node", 6),
            ("kube-system/deployment/coredns", 2),
            ("monitoring/deployment/grafana", 1),
            ("monitoring/statefulset/prometheus", 1),
            ("traefik/deployment/traefik", 1),
        ]
    );
    assert_eq!(world.engine.policies().count(), 7);
}

const TRAEFIK: &str = "traefik/traefik";
const GATEWAY: &str = "e-commerce/api-gateway";
const AUTH: &str = "e-commerce/auth-service";
const PRODUCTS: &str = "e-commerce/products-service";
const ORDERS: &str = "e-commerce/orders-service";
const AUTH_DB: &str = "e-commerce/auth-service-mysql";
const PRODUCTS_DB: &str = "e-commerce/products-service-mysql";
const REDIS: &str = "e-commerce/redis";
const RABBIT: &str = "e-commerce-messaging/rabbitmq-cluster";
const MINIO: &str = "e-commerce-messaging/minio";
const PROMETHEUS: &str = "monitoring/prometheus";
const GRAFANA: &str = "monitoring/grafana";
const DNS: &str = "kube-system/coredns";

/// Name, from, to, protocol, port; egress and ingress in L1; egress and ingress in L0.
type Flow = (
    &'static str,
    &'static str,
    &'static str,
    Protocol,
    u16,
    Ends,
    Ends,
);
type Ends = (bool, bool);

const BOTH: Ends = (true, true);
const NO_INGRESS: Ends = (true, false);
const NO_EGRESS: Ends = (false, true);

/// What the document wants. Nothing isolates the pods of `traefik`, `e-commerce-messaging`, `monitoring` and `kube-system`.
const FLOWS: [Flow; 22] = [
    // The Service's 443 is the pod's 8443.
    ("D1", "8.8.8.8", TRAEFIK, Tcp, 8443, BOTH, BOTH),
    // P2[0] wants a namespace with name=traefik.
    ("D2", TRAEFIK, GATEWAY, Tcp, 8100, BOTH, NO_INGRESS),
    // P3[0] lets the gateway out. At the services P6 only lets monitoring in.
    ("D3", GATEWAY, AUTH, Tcp, 8000, NO_INGRESS, NO_INGRESS),
    ("D4", GATEWAY, PRODUCTS, Tcp, 8000, NO_INGRESS, NO_INGRESS),
    ("D5", GATEWAY, ORDERS, Tcp, 8000, NO_INGRESS, NO_INGRESS),
    // P3[1] wants a namespace with name=e-commerce-messaging.
    ("D6", GATEWAY, RABBIT, Tcp, 5672, BOTH, NO_EGRESS),
    // P4[0] lets the services out. No rule lets anybody into a database but P6, on 9090.
    ("D7", AUTH, AUTH_DB, Tcp, 3306, NO_INGRESS, NO_INGRESS),
    (
        "D8",
        PRODUCTS,
        PRODUCTS_DB,
        Tcp,
        3306,
        NO_INGRESS,
        NO_INGRESS,
    ),
    // P4[1], and the same of redis.
    ("D9", AUTH, REDIS, Tcp, 6379, NO_INGRESS, NO_INGRESS),
    ("D10", PRODUCTS, REDIS, Tcp, 6379, NO_INGRESS, NO_INGRESS),
    // P5 wants what P3[1] does.
    ("D11", AUTH, RABBIT, Tcp, 5672, BOTH, NO_EGRESS),
    ("D12", PRODUCTS, RABBIT, Tcp, 5672, BOTH, NO_EGRESS),
    ("D13", ORDERS, RABBIT, Tcp, 5672, BOTH, NO_EGRESS),
    // Minio is open; of what lets the service out (P1, P4, P5) nothing names it.
    ("D14", PRODUCTS, MINIO, Tcp, 9000, NO_EGRESS, NO_EGRESS),
    // P2[1] and P6 want a namespace with name=monitoring.
    ("D15", PROMETHEUS, GATEWAY, Tcp, 9090, BOTH, NO_INGRESS),
    ("D16", PROMETHEUS, AUTH, Tcp, 9090, BOTH, NO_INGRESS),
    // Neither end is isolated.
    ("D17", PROMETHEUS, RABBIT, Tcp, 15692, BOTH, BOTH),
    ("D18", GRAFANA, PROMETHEUS, Tcp, 9090, BOTH, BOTH),
    // P1 is open to everyone on 53: `to: []` is a missing peer.
    ("D19", GATEWAY, DNS, Udp, 53, BOTH, BOTH),
    ("D20", AUTH, DNS, Udp, 53, BOTH, BOTH),
    ("D21", PRODUCTS, DNS, Udp, 53, BOTH, BOTH),
    // No policy selects rabbitmq, whatever the document says.
    ("D22", RABBIT, RABBIT, Tcp, 25672, BOTH, BOTH),
];

#[test]
fn the_flows_of_the_document_work_where_both_ends_say_so() {
    let (labelled, unlabelled) = (load("e-commerce"), unlabelled());
    let mut working = [0, 0];
    for (name, from, to, protocol, port, in_l1, in_l0) in FLOWS {
        for (variant, (world, expected)) in [(&labelled, in_l1), (&unlabelled, in_l0)]
            .into_iter()
            .enumerate()
        {
            let from = world.end(from);
            // Of a workload and itself, two pods.
            let to = world.pods(to).into_iter().find(|pod| *pod != from).unwrap();
            let told = format!("{name}, {}", ["L1", "L0"][variant]);
            assert_eq!(world.sides(&from, &to, protocol, port), expected, "{told}");
            let works = world.engine.verdict(&from, &to, protocol, port) == Verdict::Allow;
            assert_eq!(works, expected == BOTH, "{told}");
            working[variant] += usize::from(works);
        }
    }
    assert_eq!(working, [14, 7]);
}

/// A rule with a peer names the other end, and the other end denies it. The same in both variants: P3[0] and P4 name pods of
/// their own namespace, whatever its labels. What P1 opens to everyone names nobody; what P2 and P6 name is not isolated.
#[test]
fn twelve_named_pairs_are_half_open_with_and_without_the_labels() {
    let expected = [
        // P3[0].
        "api-gateway -> auth-service 8000/TCP",
        "api-gateway -> orders-service 8000/TCP",
        "api-gateway -> products-service 8000/TCP",
        // P4: two databases and redis for each of the three services, the documented one among them.
        "auth-service -> auth-service-mysql 3306/TCP",
        "auth-service -> products-service-mysql 3306/TCP",
        "auth-service -> redis 6379/TCP",
        "orders-service -> auth-service-mysql 3306/TCP",
        "orders-service -> products-service-mysql 3306/TCP",
        "orders-service -> redis 6379/TCP",
        "products-service -> auth-service-mysql 3306/TCP",
        "products-service -> products-service-mysql 3306/TCP",
        "products-service -> redis 6379/TCP",
    ];
    for world in [load("e-commerce"), unlabelled()] {
        let found = half_open(&world.engine, &Scope::all());
        let name = |peer: usize| found.peers[peer].end.id.rsplit('/').next().unwrap();
        let mut pairs: Vec<String> = found
            .flows
            .iter()
            .map(|flow| {
                assert_eq!(flow.open, Some(Direction::Egress));
                format!("{} -> {} {}", name(flow.from), name(flow.to), flow.ports)
            })
            .collect();
        pairs.sort();
        assert_eq!(pairs, expected);
    }
}

/// The flows that fail in both variants: D3 to D5, D7 to D10, D14.
const BROKEN: [&str; 8] = [
    "error broken e-commerce/deployment/api-gateway -> e-commerce/deployment/auth-service 8000/TCP",
    "error broken e-commerce/deployment/api-gateway -> e-commerce/deployment/orders-service 8000/TCP",
    "error broken e-commerce/deployment/api-gateway -> e-commerce/deployment/products-service 8000/TCP",
    "error broken e-commerce/deployment/auth-service -> e-commerce/deployment/redis 6379/TCP",
    "error broken e-commerce/deployment/auth-service -> e-commerce/statefulset/auth-service-mysql 3306/TCP",
    "error broken e-commerce/deployment/products-service -> e-commerce-messaging/statefulset/minio 9000/TCP",
    "error broken e-commerce/deployment/products-service -> e-commerce/deployment/redis 6379/TCP",
    "error broken e-commerce/deployment/products-service -> e-commerce/statefulset/products-service-mysql 3306/TCP",
];

/// And those that only the labels keep alive: D2, D6, D11 to D13, D15, D16.
const BROKEN_WITHOUT_LABELS: [&str; 7] = [
    "error broken e-commerce/deployment/api-gateway -> e-commerce-messaging/statefulset/rabbitmq-cluster 5672/TCP",
    "error broken e-commerce/deployment/auth-service -> e-commerce-messaging/statefulset/rabbitmq-cluster 5672/TCP",
    "error broken e-commerce/deployment/orders-service -> e-commerce-messaging/statefulset/rabbitmq-cluster 5672/TCP",
    "error broken e-commerce/deployment/products-service -> e-commerce-messaging/statefulset/rabbitmq-cluster 5672/TCP",
    "error broken monitoring/statefulset/prometheus -> e-commerce/deployment/api-gateway 9090/TCP",
    "error broken monitoring/statefulset/prometheus -> e-commerce/deployment/auth-service 9090/TCP",
    "error broken traefik/deployment/traefik -> e-commerce/deployment/api-gateway 8100/TCP",
];

/// No policy selects what is in `e-commerce-messaging`, so Z2 holds for the gateway and auth only, and the policy that D22 is
/// credited to is nowhere. Z1 holds, by the database alone: P4[0] opens auth's own side.
const UNGUARDED: [&str; 8] = [
    "error excess internet -> e-commerce-messaging/statefulset/minio any/TCP",
    "error excess internet -> e-commerce-messaging/statefulset/minio any/UDP",
    "error excess internet -> e-commerce-messaging/statefulset/minio any/SCTP",
    "error excess internet -> e-commerce-messaging/statefulset/rabbitmq-cluster any/TCP",
    "error excess internet -> e-commerce-messaging/statefulset/rabbitmq-cluster any/UDP",
    "error excess internet -> e-commerce-messaging/statefulset/rabbitmq-cluster any/SCTP",
    "warning latent e-commerce/deployment/auth-service -> e-commerce/statefulset/products-service-mysql 3306/TCP",
    "warning stale allow-rabbitmq-cluster -> ",
];

#[test]
fn the_findings_are_the_eight_flows_the_open_namespace_and_the_policy_there_is_not() {
    let labelled = [&BROKEN[..], &UNGUARDED].concat();
    assert_eq!(load("e-commerce").findings("base"), labelled);
    let mut without = [&BROKEN[..], &BROKEN_WITHOUT_LABELS].concat();
    without.sort_unstable();
    without.extend(UNGUARDED);
    assert_eq!(unlabelled().findings("base"), without);
}

/// Both ways in that the document names are there, with the ports policy sees behind them, and there is no other.
#[test]
fn it_is_entered_by_the_load_balancer_and_the_ingress_only() {
    let world = load("e-commerce");
    let ways: Vec<String> = world
        .engine
        .ways()
        .iter()
        .map(|way| {
            let WayTo::Workload { id, .. } = &way.to else {
                panic!("{way:?}");
            };
            let (port, host) = (way.port.unwrap(), way.host.as_deref().unwrap_or("any"));
            let kind = way.kind.as_str();
            format!("{kind} {host}:{port} to {id} {:?}", way.targets)
        })
        .collect();
    assert_eq!(
        ways,
        [
            "ingress api.shop.example:443 to e-commerce/deployment/api-gateway [8100]",
            "loadBalancer any:80 to traefik/deployment/traefik [8000]",
            "loadBalancer any:443 to traefik/deployment/traefik [8443]",
        ]
    );
    let findings = expect::judge_all(&world.engine, &world.plan("base"), &world.enforcer);
    let met: Vec<&str> = findings
        .iter()
        .filter(|f| f.code == expect::Code::Met && f.message.contains("entered from outside"))
        .map(|f| f.to.as_str())
        .collect();
    assert_eq!(
        met,
        [
            "e-commerce/deployment/api-gateway",
            "traefik/deployment/traefik",
            "traefik/deployment/traefik",
        ]
    );
}

/// Both ends of the two kinds of failure, as the tour of the README shows them: the side that denies, the rule that comes
/// nearest, the line that wants it.
#[test]
fn the_findings_of_the_tour_read_well() {
    let world = load("e-commerce");
    let plan = world.plan("base");
    let findings = expect::judge(&world.engine, &plan, &world.enforcer);
    for (from, to, message, nearest, source) in [
        (
            "e-commerce/deployment/api-gateway",
            "e-commerce/deployment/auth-service",
            "e-commerce/api-gateway has to reach e-commerce/auth-service on 8000/TCP, and cannot: ingress of e-commerce/auth-service is isolated by allow-monitoring-scraping, deny-all-default, and no rule allows it",
            "allow-monitoring-scraping spec.ingress[0].from[0]",
            "demo/e-commerce/expectations.yaml:57",
        ),
        (
            "e-commerce/deployment/products-service",
            "e-commerce-messaging/statefulset/minio",
            "e-commerce/products-service has to reach e-commerce-messaging/minio on 9000/TCP, and cannot: egress of e-commerce/products-service is isolated by allow-dns, allow-microservices-database, allow-microservices-rabbitmq, deny-all-default, and no rule allows it",
            "allow-dns spec.egress[0]",
            "demo/e-commerce/expectations.yaml:63",
        ),
    ] {
        let found = findings.iter().find(|f| f.from == from && f.to == to);
        let found = found.unwrap_or_else(|| panic!("no finding {from} -> {to}"));
        assert_eq!(found.message, message);
        let rules: Vec<String> = found
            .because
            .iter()
            .map(|rule| format!("{} {}", world.engine.policy(rule.policy).name, rule.path()))
            .collect();
        assert_eq!(rules, [nearest]);
        let sources: Vec<String> = found.sources.iter().map(ToString::to_string).collect();
        assert_eq!(sources, [source]);
    }
}

/// The namespace `monitoring` loses the label that two policies want, Prometheus is started again to no avail, and the label comes
/// back: what fails in between are D15 and D16, and the end is as the beginning but for the new pod.
#[tokio::test(start_paused = true)]
async fn the_recording_relabels_monitoring_and_puts_it_right() {
    let mut states = demo::play("e-commerce").unwrap();
    assert_eq!(
        *states.borrow_and_update().cluster,
        demo::load("e-commerce").unwrap().cluster
    );
    let mut failing = Vec::new();
    loop {
        let state = states.borrow_and_update().clone();
        let world = world(
            Cluster::clone(&state.cluster),
            load("e-commerce").expectations,
        );
        let mut findings = world.findings("base");
        findings.retain(|line| line.contains("prometheus"));
        failing.push(findings);
        if state.link == Link::Fixed {
            break;
        }
        states.changed().await.unwrap();
    }
    let down = &BROKEN_WITHOUT_LABELS[4..6];
    assert_eq!(failing, [&[], down, down, &[]]);
    let end = played("e-commerce").await;
    assert_eq!(end.findings("base"), load("e-commerce").findings("base"));
    assert_eq!(end.end("10.244.5.37"), end.end(PROMETHEUS));
}

/// What the picture draws of the documented flows: those between workloads that work are plain, those that fail are missing, and
/// the half-open pairs nobody asked for are there beside them.
#[test]
fn the_picture_holds_the_documented_flows() {
    let world = load("e-commerce");
    let drawn = world.drawn("base");
    let short = |name: &str| name.rsplit('/').next().unwrap().to_owned();
    for (name, from, to, _, port, ends, _) in FLOWS {
        // DNS is a badge.
        if to == DNS {
            continue;
        }
        let state = if ends == BOTH { "Plain" } else { "Missing" };
        // Nothing isolates traefik, and still the way in from outside is a wire.
        let from = if name == "D1" { "internet" } else { from };
        let wire = format!("{} -> {} {port} {state}", short(from), short(to));
        assert!(drawn.contains(&wire), "{name}: {wire}\n{drawn:#?}");
    }
    let half_open: Vec<&String> = drawn
        .iter()
        .filter(|w| w.ends_with("HalfOpen(To)"))
        .collect();
    assert_eq!(
        half_open,
        [
            "auth-service -> products-service-mysql 3306 HalfOpen(To)",
            "orders-service -> auth-service-mysql 3306 HalfOpen(To)",
            "orders-service -> products-service-mysql 3306 HalfOpen(To)",
            "orders-service -> redis 6379 HalfOpen(To)",
            "products-service -> auth-service-mysql 3306 HalfOpen(To)",
        ]
    );
    // What Z2 forbids by name, and nothing in the messaging namespace denies.
    let unexpected: Vec<&String> = drawn.iter().filter(|w| w.ends_with("Unexpected")).collect();
    assert_eq!(
        unexpected,
        [
            "internet -> minio any Unexpected",
            "internet -> rabbitmq-cluster any Unexpected",
        ]
    );
    // The panes of 120x40 and 200x50; at 80x24 it holds too, with names cut short.
    world.picture("base", 78, 19);
    for (columns, rows) in [(118, 22), (118, 38)] {
        let text = world.picture("base", columns, rows);
        for name in [
            "traefik",
            "api-gateway",
            "auth-service",
            "products-service",
            "orders-service",
            "auth-service-mysql",
            "products-service-mysql",
            "redis",
            "rabbitmq-cluster",
            "minio",
            "prometheus",
            "grafana",
        ] {
            assert!(text.contains(name), "{name} is missing\n{text}");
        }
    }
}
