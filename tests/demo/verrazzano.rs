//! The demo `verrazzano` against the 29 rows of its table. Three faults were planted: namespace ingress-nginx lost the label that
//! every rule for it asks for, MySQL's rule asks for a label that Keycloak's pod does not have, and one dash too many makes two
//! peers of Keycloak's one.

use super::*;

/// The table, a line for each peer of a row: component, port, from.
const ROWS: [(&str, u16, &str); 30] = [
    ("Verrazzano Application Operator", 9443, "API server"),
    ("Verrazzano Platform Operator", 9443, "API server"),
    ("Verrazzano Console", 8000, "NGINX"),
    ("Verrazzano Console", 15090, "Prometheus"),
    ("Verrazzano Proxy", 8775, "NGINX"),
    ("Verrazzano Proxy", 15090, "Prometheus"),
    ("cert-manager", 9402, "Prometheus"),
    ("Coherence Operator", 9443, "Prometheus"),
    ("Elasticsearch", 8775, "NGINX"),
    ("Elasticsearch", 8775, "Fluentd"),
    ("Elasticsearch", 9200, "Kibana"),
    ("Elasticsearch", 9200, "Elasticsearch"),
    ("Elasticsearch", 9300, "Elasticsearch"),
    ("Elasticsearch", 15090, "Prometheus"),
    ("Istio control plane", 15012, "mesh"),
    ("Istio control plane", 15014, "Prometheus"),
    ("Istio control plane", 15017, "API server"),
    ("Istio ingress gateway", 8443, "outside"),
    ("Istio ingress gateway", 15090, "Prometheus"),
    ("Istio egress gateway", 8443, "mesh"),
    ("Istio egress gateway", 15090, "Prometheus"),
    ("Keycloak", 8080, "NGINX"),
    ("Keycloak", 15090, "Prometheus"),
    ("MySQL", 15090, "Prometheus"),
    ("MySQL", 3306, "Keycloak"),
    ("Node exporter", 9100, "Prometheus"),
    ("Rancher", 80, "NGINX"),
    ("Rancher", 9443, "API server"),
    ("Prometheus", 8775, "NGINX"),
    ("Prometheus", 9090, "Grafana"),
];

/// What the table's words mean in this cluster.
fn meant(word: &str) -> &'static [&'static str] {
    match word {
        "API server" => &["192.168.40.11"],
        "outside" => &["8.8.8.8", "203.0.113.200"],
        "Verrazzano Application Operator" => &["verrazzano-system/verrazzano-application-operator"],
        "Verrazzano Platform Operator" => &["verrazzano-install/verrazzano-platform-operator"],
        "Verrazzano Console" => &["verrazzano-system/verrazzano-console"],
        "Verrazzano Proxy" => &["verrazzano-system/verrazzano-api"],
        "cert-manager" => &["cert-manager/cert-manager"],
        "Coherence Operator" => &["verrazzano-system/coherence-operator"],
        "Elasticsearch" => &[
            "verrazzano-system/system-es-data",
            "verrazzano-system/system-es-ingest",
            "verrazzano-system/system-es-master",
        ],
        "Istio control plane" => &["istio-system/istiod"],
        "Istio ingress gateway" => &["istio-system/istio-ingressgateway"],
        "Istio egress gateway" => &["istio-system/istio-egressgateway"],
        "Keycloak" => &["keycloak/keycloak"],
        "MySQL" => &["keycloak/mysql"],
        "Node exporter" => &["monitoring/node-exporter"],
        "Prometheus" => &["verrazzano-system/system-prometheus"],
        "NGINX" => &["ingress-nginx/ingress-nginx-controller"],
        "Fluentd" => &["verrazzano-system/fluentd"],
        "Kibana" => &["verrazzano-system/system-kibana"],
        "Grafana" => &["verrazzano-system/system-grafana"],
        // Where Envoy runs: wherever 15090 is scraped, and beside the application.
        "mesh" => &[
            "istio-system/istio-egressgateway",
            "istio-system/istio-ingressgateway",
            "keycloak/keycloak",
            "keycloak/mysql",
            "sockshop/catalog",
            "verrazzano-system/system-es-data",
            "verrazzano-system/system-es-ingest",
            "verrazzano-system/system-es-master",
            "verrazzano-system/verrazzano-api",
            "verrazzano-system/verrazzano-console",
        ],
        other => panic!("nothing is called {other}"),
    }
}

/// Who has to be entered there. Rancher's row stands for two workloads with a port each.
fn entered(component: &str, port: u16) -> &'static [&'static str] {
    match (component, port) {
        ("Rancher", 80) => &["cattle-system/rancher"],
        ("Rancher", 9443) => &["cattle-system/rancher-webhook"],
        _ => meant(component),
    }
}

/// Keycloak's own rule for NGINX does not ask for the label that is missing.
fn is_planted(component: &str, from: &str) -> bool {
    (from == "NGINX" && component != "Keycloak") || (component, from) == ("MySQL", "Keycloak")
}

#[test]
fn verrazzano_loads_clean_and_calico_enforces_it() {
    let world = load("verrazzano");
    assert_eq!(world.enforcer.name, "calico");
    assert_eq!(world.enforcer.enforces, Enforces::Yes);
    assert_eq!(world.enforcer.profile, ProfileName::Calico);
    assert_eq!(world.expectations.name(), "verrazzano");
    assert_eq!(world.expectations.environments(), ["base"]);
    // The table: 29 rows with 30 peers; 15 components whose egress is open. Beyond it: the API server as a second source of
    // Coherence's webhook, and anybody there and at the ingress gateway, because no policy can say less.
    assert_eq!(world.expectations.rule_count("base"), 30 + 15 + 3);
}

#[test]
fn verrazzano_does_what_its_table_says_except_for_what_was_planted() {
    use Verdict::{Allow, Deny};
    let world = load("verrazzano");
    for (component, port, peer) in ROWS {
        let expected = if is_planted(component, peer) {
            Deny
        } else {
            Allow
        };
        for from in meant(peer) {
            for to in entered(component, port) {
                assert_eq!(
                    world.verdict(from, to, Tcp, port),
                    expected,
                    "{from} -> {to} {port}"
                );
            }
        }
    }
    let system = |name: &str| format!("verrazzano-system/{name}");
    let (console, proxy, ingest) = (
        system("verrazzano-console"),
        system("verrazzano-api"),
        system("system-es-ingest"),
    );
    for (from, to, port, expected) in [
        // Who is not in a row does not get in.
        ("sockshop/catalog", console.as_str(), 8000, Deny),
        ("sockshop/catalog", ingest.as_str(), 9200, Deny),
        ("8.8.8.8", proxy.as_str(), 8775, Deny),
        (
            "verrazzano-system/system-kibana",
            ingest.as_str(),
            8775,
            Deny,
        ),
        ("verrazzano-system/fluentd", ingest.as_str(), 9200, Deny),
        (
            "verrazzano-system/system-grafana",
            "istio-system/istiod",
            15012,
            Deny,
        ),
        (
            "sockshop/catalog",
            "istio-system/istio-egressgateway",
            15090,
            Deny,
        ),
        (
            "sockshop/catalog",
            "istio-system/istio-ingressgateway",
            15090,
            Deny,
        ),
        // A port without a row is closed, whoever asks.
        (
            "verrazzano-system/system-prometheus",
            "keycloak/mysql",
            3306,
            Deny,
        ),
        (
            "verrazzano-system/system-grafana",
            "verrazzano-system/system-prometheus",
            8775,
            Deny,
        ),
        // Of Rancher's two workloads each is open on its own port.
        ("192.168.40.11", "cattle-system/rancher", 9443, Deny),
        // The API server cannot be named, so webhooks are open to every pod and every address.
        (
            "sockshop/catalog",
            "verrazzano-install/verrazzano-platform-operator",
            9443,
            Allow,
        ),
        ("8.8.8.8", "istio-system/istiod", 15017, Allow),
        // Planted: every pod of every namespace may log in at Keycloak; from outside only NGINX may.
        ("sockshop/catalog", "keycloak/keycloak", 8080, Allow),
        ("8.8.8.8", "keycloak/keycloak", 8080, Deny),
        // No policy holds on the host network, though there is one for the node exporter.
        ("8.8.8.8", "monitoring/node-exporter", 9100, Allow),
        ("sockshop/catalog", "monitoring/node-exporter", 22, Allow),
        // Egress is open.
        ("keycloak/mysql", "8.8.8.8", 443, Allow),
        ("verrazzano-system/fluentd", "8.8.8.8", 443, Allow),
    ] {
        assert_eq!(
            world.verdict(from, to, Tcp, port),
            expected,
            "{from} -> {to} {port}"
        );
    }
    // The missing label is NGINX's: its own side is open.
    let (nginx, console) = (
        world.end("ingress-nginx/ingress-nginx-controller"),
        world.end(&console),
    );
    assert_eq!(world.sides(&nginx, &console, Tcp, 8000), (true, false));
}

const NGINX: &str = "ingress-nginx/deployment/ingress-nginx-controller";

/// Seven planted errors and what no policy can close, and not a word about the rest: webhooks open to everyone are as documented, Coherence's row may be read either
/// way, nobody is there that was not written down, and a row of several workloads holds where one that declares the port is open.
#[test]
fn verrazzano_differs_by_what_was_planted_and_nothing_else() {
    assert_eq!(
        load("verrazzano").findings("base"),
        [
            // The label: five of the six rows that NGINX is in. Of Rancher's workloads and of Elasticsearch's those that
            // declare the port.
            format!("error broken {NGINX} -> cattle-system/deployment/rancher 80/TCP"),
            format!(
                "error broken {NGINX} -> verrazzano-system/deployment/system-es-ingest 8775/TCP"
            ),
            format!(
                "error broken {NGINX} -> verrazzano-system/deployment/system-prometheus 8775/TCP"
            ),
            format!("error broken {NGINX} -> verrazzano-system/deployment/verrazzano-api 8775/TCP"),
            format!(
                "error broken {NGINX} -> verrazzano-system/deployment/verrazzano-console 8000/TCP"
            ),
            // app=keycloak, where the pod has app.kubernetes.io/name=keycloak.
            "error broken keycloak/statefulset/keycloak -> keycloak/deployment/mysql 3306/TCP"
                .to_owned(),
            // The host network, where the policy that closes it to all but Prometheus does not hold.
            "error excess any -> monitoring/daemonset/node-exporter 9100/TCP".to_owned(),
            // The dash: once for all pods, not once for each.
            "error excess cluster -> keycloak/statefulset/keycloak 8080/TCP".to_owned(),
        ]
    );
}

/// The table wants the node exporter closed to all but Prometheus. It runs on the host network, where no policy holds: that
/// Prometheus gets there is as expected, and so does everybody else, on the port it declares.
#[test]
fn the_row_of_the_node_exporter_does_not_hold_whatever_its_policy_says() {
    let world = load("verrazzano");
    let plan = world.plan("base");
    let about: Vec<String> = expect::judge_all(&world.engine, &plan, &world.enforcer)
        .iter()
        .filter(|f| f.from.contains("node-exporter") || f.to.contains("node-exporter"))
        .map(|f| format!("{} {} {}", f.code, f.from, f.message))
        .collect();
    assert_eq!(
        about,
        [
            "excess any everyone can reach monitoring/node-exporter on 9100/TCP, and nobody wrote that down; monitoring/node-exporter runs on the host network, where no policy selects it",
            "met verrazzano-system/deployment/system-prometheus verrazzano-system/system-prometheus reaches monitoring/node-exporter on 9100/TCP, as expected"
        ]
    );
    let exporters = world.pods("monitoring/node-exporter");
    assert_eq!(exporters.len(), 4);
    for pod in &exporters {
        assert!(world.engine.pod(pod.pod().unwrap()).host_network);
        let stranger = world.end("8.8.8.8");
        let side = world.engine.side(Direction::Ingress, pod, &stranger);
        assert!(side.sure.is_all());
    }
}

/// Kind, workload and port of every way in: the two load balancers, what NGINX serves, and the node exporter.
#[test]
fn the_ways_in_from_outside_are_listed() {
    let world = load("verrazzano");
    let mut ways: Vec<String> = world
        .engine
        .ways()
        .iter()
        .map(|way| {
            let pod = way.to.pods()[0];
            let name = &world.engine.workload_of(pod).name;
            format!("{} {name} {:?}", way.kind, way.targets)
        })
        .collect();
    ways.sort();
    assert_eq!(
        ways,
        [
            "hostNetwork node-exporter [9100]",
            "ingress keycloak [8080]",
            "ingress rancher [80]",
            "ingress system-grafana [3000]",
            "ingress system-kibana [5601]",
            "ingress verrazzano-console [8000]",
            "loadBalancer ingress-nginx-controller [443]",
            "loadBalancer ingress-nginx-controller [80]",
            "loadBalancer istio-ingressgateway [8443]",
        ]
    );
}

/// Every workload with an `istio-proxy` has its two rows, and nothing without one has.
#[test]
fn sidecars_are_found_by_their_container() {
    let world = load("verrazzano");
    let plan = world.plan("base");
    let mut found: Vec<String> = expect::judge_all(&world.engine, &plan, &world.enforcer)
        .iter()
        .filter(|f| f.to == "istio-system/deployment/istiod" && f.from != "k8s-api")
        .filter(|f| f.ports.is_some_and(|ports| ports.first() == 15012))
        .map(|f| f.from.clone())
        .collect();
    found.sort();
    let short = |id: &String| {
        let parts: Vec<&str> = id.split('/').collect();
        format!("{}/{}", parts[0], parts[2])
    };
    let mut names: Vec<String> = found.iter().map(short).collect();
    names.sort();
    assert_eq!(names, meant("mesh"));
}

/// What a reader is told, word by word, of the findings that the tour of the README walks through.
#[test]
fn the_findings_of_the_tour_read_well() {
    let world = load("verrazzano");
    let plan = world.plan("base");
    let findings = expect::judge(&world.engine, &plan, &world.enforcer);
    let find = |from: &str, to: &str| between(&findings, from, to);
    let rules = |finding: &expect::Finding| world.rules(finding);
    let console = find(NGINX, "verrazzano-system/deployment/verrazzano-console");
    assert_eq!(
        console.message,
        "ingress-nginx/ingress-nginx-controller has to reach verrazzano-system/verrazzano-console on 8000/TCP, and cannot: ingress of verrazzano-system/verrazzano-console is isolated by verrazzano-console, and no rule allows it"
    );
    assert_eq!(
        rules(console),
        ["verrazzano-system/verrazzano-console spec.ingress[0].from[0]"]
    );
    let keycloak = find("cluster", "keycloak/statefulset/keycloak");
    assert_eq!(
        keycloak.message,
        "every pod can reach keycloak/keycloak on 8080/TCP, and nobody wrote that down"
    );
    assert_eq!(
        rules(keycloak),
        ["keycloak/keycloak spec.ingress[0].from[0]"]
    );
    let lines: Vec<String> = console.sources.iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["demo/verrazzano/expectations.yaml:89"]);
}

/// The label is put back and NGINX gets to everything it serves; then MySQL's rule is mended, then Keycloak's. The node exporter
/// stays on the host network.
#[tokio::test(start_paused = true)]
async fn the_recording_mends_one_fault_after_the_other() {
    use Verdict::{Allow, Deny};
    let mut states = demo::play("verrazzano").unwrap();
    let first = states.borrow_and_update().clone();
    assert_eq!(*first.cluster, demo::load("verrazzano").unwrap().cluster);
    let mut errors = Vec::new();
    loop {
        let state = states.borrow_and_update().clone();
        let expectations = load("verrazzano").expectations;
        let world = world(Cluster::clone(&state.cluster), expectations);
        let console = "verrazzano-system/verrazzano-console";
        errors.push((
            world.findings("base").len(),
            world.verdict(meant("NGINX")[0], console, Tcp, 8000),
        ));
        if state.link == Link::Fixed {
            break;
        }
        states.changed().await.unwrap();
    }
    assert_eq!(errors, [(8, Deny), (3, Allow), (2, Allow), (1, Allow)]);
}

/// Every connection of the table is drawn, as it holds or as it is missing; what was planted is drawn too.
#[test]
fn the_picture_holds_the_whole_table() {
    let world = load("verrazzano");
    let drawn = world.drawn("base");
    let name = |id: &str| id.rsplit('/').next().unwrap_or(id).to_owned();
    let mut missing = Vec::new();
    for (component, port, peer) in ROWS {
        let state = if is_planted(component, peer) {
            "Missing"
        } else {
            "Plain"
        };
        let from: Vec<String> = match peer {
            // Anyone may, so anyone is drawn, beside whom it is meant for.
            "API server" => vec!["any".to_owned(), "k8s-api".to_owned()],
            "outside" => vec!["any".to_owned()],
            _ if component == "Coherence Operator" => vec!["any".to_owned()],
            _ => meant(peer).iter().map(|id| name(id)).collect(),
        };
        for from in &from {
            for to in entered(component, port) {
                let to = name(to);
                let is_drawn = drawn.iter().any(|line| {
                    let parts: Vec<&str> = line.split(' ').collect();
                    parts[0] == from
                        && parts[2] == to
                        && parts[3].split(',').any(|p| p == port.to_string())
                        && parts[4] == state
                });
                // A pod reaches itself without anybody drawing it.
                if !is_drawn && *from != to {
                    missing.push(format!("{from} -> {to} {port} {state}"));
                }
            }
        }
    }
    assert_eq!(missing, [""; 0], "{drawn:#?}");
    // A port that one of several components of one name declares is asked of no other.
    for port in ["80", "9443"] {
        let entered = drawn.iter().filter(|line| {
            let parts: Vec<&str> = line.split(' ').collect();
            parts[2].starts_with("rancher") && parts[3].split(',').any(|p| p == port)
        });
        let at: Vec<&str> = entered.filter_map(|line| line.split(' ').nth(2)).collect();
        let wanted = if port == "80" {
            "rancher"
        } else {
            "rancher-webhook"
        };
        assert!(at.iter().all(|to| *to == wanted), "{port}: {at:?}");
    }
    let unexpected: Vec<&String> = drawn.iter().filter(|l| l.ends_with("Unexpected")).collect();
    assert_eq!(unexpected, ["cluster -> keycloak 8080 Unexpected"]);
}

/// In a terminal of 200x50 everything is in view. In smaller ones it is panned: whoever follows the wires finds what was drawn.
#[test]
fn the_picture_is_whole_in_a_wide_terminal_and_true_in_any() {
    let world = load("verrazzano");
    let text = world.picture("base", 198, 30);
    for name in [
        "ingress-nginx-controller",
        "rancher-webhook",
        "istio-ingressgateway",
        "istio-egressgateway",
        "istiod",
        "keycloak",
        "mysql",
        "node-exporter",
        "cert-manager",
        "system-prometheus",
        "system-es-master",
        "verrazzano-console",
        "catalog",
        "every pod",
        "any",
    ] {
        assert!(text.contains(name), "{name} is missing\n{text}");
    }
    let plan = world.plan("base");
    let graph = graph::drawn::drawn(&world.engine, Some(&plan), &Scope::all());
    for (columns, rows) in [(118, 22), (78, 17)] {
        let scene = graph::layout(&graph, &graph::Options::new(columns, rows), None);
        assert!(!scene.fits(), "{columns}x{rows}: say so in the README");
        let text = scene.text(false);
        assert!(graph::truth::check(&scene).is_clean(), "{columns}:\n{text}");
    }
}
