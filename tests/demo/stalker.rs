//! The demo `stalker` against its table, and what was planted against it.

use super::*;

#[test]
fn stalker_loads_clean_and_calico_enforces_it() {
    let world = load("stalker");
    assert_eq!(world.enforcer.name, "calico");
    assert_eq!(world.enforcer.enforces, Enforces::Yes);
    assert_eq!(world.enforcer.profile, ProfileName::Calico);
    assert_eq!(world.expectations.name(), "stalker");
    assert_eq!(world.expectations.environments(), ["dev", "prod"]);
    // The table of the document: 10 ingress ports, 16 egress ports with a peer, 3 times deny, 1 network.
    assert_eq!(world.expectations.rule_count("dev"), 30);
}

/// The rows of the document's table that hold in the cluster, and the two planted faults.
#[test]
fn stalker_does_what_its_table_says_except_for_what_was_planted() {
    use Verdict::{Allow, Deny};
    let world = load("stalker");
    let dns = "kube-system/coredns";
    for (from, to, protocol, port, expected) in [
        // UI: in on 4200, out nowhere.
        ("8.8.8.8", "stalker/ui", Tcp, 4200, Allow),
        ("stalker/ui", dns, Udp, 53, Deny),
        ("stalker/ui", "stalker/flow-manager", Tcp, 3000, Deny),
        // Flow Manager.
        ("stalker/flow-manager", dns, Udp, 53, Allow),
        ("stalker/flow-manager", "stalker/kafka", Tcp, 9092, Allow),
        ("stalker/flow-manager", "stalker/mongo", Tcp, 27017, Allow),
        ("stalker/flow-manager", "stalker/kafka", Tcp, 9093, Deny),
        // Cron Service.
        ("stalker/cron-service", dns, Udp, 53, Allow),
        ("stalker/cron-service", dns, Tcp, 53, Allow),
        (
            "stalker/cron-service",
            "stalker/flow-manager",
            Tcp,
            3000,
            Allow,
        ),
        ("stalker/cron-service", "stalker/mongo", Tcp, 27017, Allow),
        ("stalker/cron-service", "stalker/kafka", Tcp, 9092, Deny),
        ("8.8.8.8", "stalker/cron-service", Tcp, 3000, Allow),
        // Mongo: open from outside in development, out nowhere.
        ("8.8.8.8", "stalker/mongo", Tcp, 27017, Allow),
        ("8.8.8.8", "stalker/mongo", Tcp, 27018, Deny),
        ("stalker/mongo", "8.8.8.8", Tcp, 443, Deny),
        // Kafka and Zookeeper.
        ("stalker/kafka", dns, Udp, 53, Allow),
        ("stalker/kafka", "stalker/zookeeper", Tcp, 2181, Allow),
        ("stalker/kafka", "stalker/zookeeper", Tcp, 3888, Allow),
        ("stalker/zookeeper", "stalker/kafka", Tcp, 9092, Allow),
        ("stalker/zookeeper", "stalker/kafka", Tcp, 9093, Allow),
        ("stalker/zookeeper", dns, Udp, 53, Allow),
        // Jobs: out to the internet and to nothing inside.
        ("stalker-jobs/jobs", "8.8.8.8", Tcp, 443, Allow),
        ("stalker-jobs/jobs", "8.8.8.8", Udp, 123, Allow),
        ("stalker-jobs/jobs", "169.254.169.254", Tcp, 80, Deny),
        ("stalker-jobs/jobs", "169.254.170.2", Tcp, 80, Allow),
        ("stalker-jobs/jobs", "10.1.2.3", Tcp, 443, Deny),
        ("stalker-jobs/jobs", "stalker/mongo", Tcp, 27017, Deny),
        ("stalker-jobs/jobs", dns, Udp, 53, Deny),
        ("stalker/flow-manager", "stalker-jobs/jobs", Tcp, 80, Deny),
        // Planted: the orchestrator's policy selects kafka, so the orchestrator has nothing and kafka has more.
        ("stalker/orchestrator", "stalker/kafka", Tcp, 9092, Deny),
        ("stalker/orchestrator", dns, Udp, 53, Deny),
        ("8.8.8.8", "stalker/orchestrator", Tcp, 5135, Deny),
        ("8.8.8.8", "stalker/kafka", Tcp, 5135, Allow),
        // Planted: the API server is written as pods of kube-system.
        ("stalker/kafka", dns, Tcp, 443, Allow),
        ("stalker/orchestrator", "192.168.30.11", Tcp, 6443, Deny),
        ("stalker/kafka", "192.168.30.11", Tcp, 6443, Deny),
    ] {
        assert_eq!(
            world.verdict(from, to, protocol, port),
            expected,
            "{from} -> {to} {port}/{protocol}"
        );
    }
    // The half-open fault: kafka lets the orchestrator in, the orchestrator is not let out.
    let (from, to) = (
        world.end("stalker/orchestrator"),
        world.end("stalker/kafka"),
    );
    let egress = world.engine.side(Direction::Egress, &from, &to);
    let ingress = world.engine.side(Direction::Ingress, &to, &from);
    assert!(!egress.possible.contains(Tcp, 9092));
    assert!(ingress.sure.contains(Tcp, 9092));
}

const ORCHESTRATOR_AND_KAFKA: [&str; 6] = [
    "error broken any -> stalker/deployment/orchestrator 5135/TCP",
    "error broken stalker/deployment/orchestrator -> dns 53/UDP",
    "error broken stalker/deployment/orchestrator -> k8s-api 6443/TCP",
    "error broken stalker/deployment/orchestrator -> stalker/statefulset/kafka 9092/TCP",
    "error excess any -> stalker/statefulset/kafka 5135/TCP",
    "error excess stalker/statefulset/kafka -> kube-system/deployment/coredns 443/TCP",
];

/// The document lists ports without saying from whom; the cluster admits only those that need them.
const STRICTER: [&str; 4] = [
    "info narrower any -> stalker/statefulset/kafka 9092-9093/TCP",
    "info narrower any -> stalker/statefulset/zookeeper 2181/TCP",
    "info narrower any -> stalker/statefulset/zookeeper 2888/TCP",
    "info narrower any -> stalker/statefulset/zookeeper 3888/TCP",
];

#[test]
fn in_dev_stalker_differs_by_what_was_planted_and_nothing_else() {
    let expected: Vec<&str> = ORCHESTRATOR_AND_KAFKA.into_iter().chain(STRICTER).collect();
    assert_eq!(load("stalker").findings("dev"), expected);
}

/// By production's measure the development cluster leaves the database and the cron service open.
#[test]
fn in_prod_the_development_cluster_is_too_open() {
    let mut expected = ORCHESTRATOR_AND_KAFKA[..4].to_vec();
    expected.extend([
        "error excess any -> stalker/deployment/cron-service 3000/TCP",
        "error excess any -> stalker/statefulset/kafka 5135/TCP",
        "error excess external -> stalker/statefulset/mongo 27017/TCP",
        "error excess stalker/statefulset/kafka -> kube-system/deployment/coredns 443/TCP",
    ]);
    expected.extend(STRICTER);
    assert_eq!(load("stalker").findings("prod"), expected);
}

/// What a reader is told, word by word, of the two findings that the tour of the README walks through.
#[test]
fn the_findings_of_the_tour_read_well() {
    let world = load("stalker");
    let plan = expect::bind(&world.engine, &world.expectations, "dev", date(2026, 1, 12));
    let findings = expect::judge(&world.engine, &plan, &world.enforcer);
    let find = |from: &str, to: &str| between(&findings, from, to);
    let broken = find(
        "stalker/deployment/orchestrator",
        "stalker/statefulset/kafka",
    );
    assert_eq!(
        broken.message,
        "stalker/orchestrator has to reach stalker/kafka on 9092/TCP, and cannot: egress of stalker/orchestrator is isolated by default-deny, and no rule allows it"
    );
    let sources: Vec<String> = broken.sources.iter().map(ToString::to_string).collect();
    assert_eq!(sources, ["demo/stalker/expectations.yaml:69"]);
    let excess = find("any", "stalker/statefulset/kafka");
    assert_eq!(
        excess.message,
        "everyone can reach stalker/kafka on 5135/TCP, and nobody wrote that down"
    );
    let because: Vec<String> = excess
        .because
        .iter()
        .map(|rule| {
            let policy = world.engine.policy(rule.policy);
            format!("{}/{} {}", policy.namespace, policy.name, rule.path())
        })
        .collect();
    assert_eq!(because, ["stalker/orchestrator spec.ingress[0]"]);
}

#[tokio::test]
async fn the_recording_breaks_cron_and_mends_the_orchestrator() {
    let mut states = demo::play("stalker").unwrap();
    let first = states.borrow_and_update().clone();
    assert_eq!(first.origin.as_ref(), "demo stalker");
    let demo = demo::load("stalker").unwrap();
    assert_eq!(*first.cluster, demo.cluster);
}

/// The last state of the recording mends the planted faults: nothing of weight is left to find, and nothing is drawn that
/// the document does not have.
#[tokio::test(start_paused = true)]
async fn at_the_end_of_the_recording_dev_is_as_documented() {
    let mut states = demo::play("stalker").unwrap();
    let last = states
        .wait_for(|s| s.link == netseg::source::Link::Fixed)
        .await
        .unwrap()
        .clone();
    let engine = Engine::build(&last.cluster, Profile::named(ProfileName::Calico));
    let text = demo::load("stalker").unwrap().expectations_text;
    let expectations = netseg::expect::read("expectations.yaml", text).unwrap();
    let today = jiff::civil::date(2026, 1, 12);
    let plan = netseg::expect::bind(&engine, &expectations, "dev", today);
    let enforcer = netseg::compile::enforcer::detect(&last.cluster, true);
    let worst: Vec<String> = netseg::expect::judge(&engine, &plan, &enforcer)
        .into_iter()
        .filter(|finding| finding.severity > netseg::model::Severity::Info)
        .map(|finding| finding.message)
        .collect();
    assert_eq!(worst, [""; 0]);
    // The API server stands on a node that has a tunnel address too: it is drawn as the API server, and as nothing else.
    let found = netseg::questions::connections::connections(
        &engine,
        Some(&plan),
        &netseg::questions::scope::Scope::all(),
    );
    let strange: Vec<_> = found
        .list
        .iter()
        .filter(|c| {
            !matches!(
                c.standing,
                netseg::questions::connections::Standing::AsExpected
                    | netseg::questions::connections::Standing::HalfOpen(_)
            )
        })
        .collect();
    assert!(strange.is_empty(), "{strange:?}");
}

/// Pane of a 120x40 terminal. Every workload of the document, every port it lists and every connection between its rows is in the
/// picture, whatever the environment, and a reader who follows the wires finds those connections and no other.
#[test]
fn the_picture_at_120_columns_holds_the_whole_document() {
    use netseg::graph::{self, Class, Options, State, drawn, truth};
    let world = load("stalker");
    for environment in ["dev", "prod"] {
        let plan = expect::bind(
            &world.engine,
            &world.expectations,
            environment,
            date(2026, 1, 12),
        );
        let graph = drawn::drawn(
            &world.engine,
            Some(&plan),
            &netseg::questions::scope::Scope::all(),
        );
        let scene = graph::layout(&graph, &Options::new(118, 22), None);
        assert!(scene.fits(), "{environment}:\n{}", scene.text(false));
        assert!(truth::check(&scene).is_clean(), "{environment}");
        let text = scene.text(false);
        for name in [
            "ui",
            "flow-manager",
            "cron-service",
            "mongo",
            "kafka",
            "zookeeper",
            "orchestrator",
            "jobs",
            "internet",
            "k8s-api",
            "any",
        ] {
            assert!(
                text.contains(name),
                "{environment}: {name} is missing\n{text}"
            );
        }
        // Ingress of the document's rows, and the targets of its egress cells that are no workload.
        for port in [
            "4200", "3000", "27017", "9092", "9093", "2181", "2888", "3888", "5135", "443",
        ] {
            assert!(
                text.contains(port),
                "{environment}: port {port} is missing\n{text}"
            );
        }
        // From the egress cells, DNS apart: what holds is plain, what the planted fault broke is missing.
        let broken = State::Missing;
        let drawn_edges: Vec<(&str, &str, &str, State)> = [
            ("flow-manager", "kafka", "9092", State::Plain),
            ("flow-manager", "mongo", "27017", State::Plain),
            ("cron-service", "flow-manager", "3000", State::Plain),
            ("cron-service", "mongo", "27017", State::Plain),
            ("kafka", "zookeeper", "2181", State::Plain),
            ("kafka", "zookeeper", "3888", State::Plain),
            ("zookeeper", "kafka", "9093", State::Plain),
            ("orchestrator", "k8s-api", "443", broken),
            ("orchestrator", "kafka", "9092", broken),
            ("jobs", "internet", "any", State::Plain),
        ]
        .into();
        let name = |key: &str| key.rsplit('/').next().unwrap_or(key).to_owned();
        for (from, to, port, state) in drawn_edges {
            let found = graph.edges().iter().any(|edge| {
                name(&edge.from) == from
                    && name(&edge.to) == to
                    && edge.ports.iter().any(|p| p == port)
                    && edge.state == state
            });
            assert!(found, "{environment}: {from} -> {to} {port}");
        }
        // DNS is a badge on whoever has it, and a wire where it is missing.
        let dns = graph.edges().iter().filter(|e| e.class == Class::Dns);
        let missing: Vec<String> = dns
            .filter(|e| e.state == broken)
            .map(|e| name(&e.from))
            .collect();
        assert_eq!(missing, ["orchestrator"], "{environment}");
    }
}

/// Dev and prod differ on the screen in what the document says about production, and in nothing else.
#[test]
fn the_environments_differ_in_the_picture_where_the_document_says() {
    use netseg::graph::drawn;
    let world = load("stalker");
    let edges = |environment: &str| {
        let plan = expect::bind(
            &world.engine,
            &world.expectations,
            environment,
            date(2026, 1, 12),
        );
        drawn::drawn(
            &world.engine,
            Some(&plan),
            &netseg::questions::scope::Scope::all(),
        )
        .edges()
        .to_vec()
    };
    let (dev, prod) = (edges("dev"), edges("prod"));
    let mut told: Vec<String> = prod
        .iter()
        .filter(|edge| !dev.contains(edge))
        .map(|edge| {
            format!(
                "{} -> {} {:?} {:?}",
                edge.from, edge.to, edge.ports, edge.state
            )
        })
        .collect();
    told.sort();
    // "The database is accessible from outside … should not allow … The same goes for the cron service on ingress 3000."
    assert_eq!(
        told,
        [
            "any -> stalker/deployment/cron-service [\"3000\"] Unexpected",
            "any -> stalker/statefulset/mongo [\"27017\"] Unexpected",
        ]
    );
    assert_eq!(dev.len(), prod.len());
}
