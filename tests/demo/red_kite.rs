//! The demo `red-kite` against its two tables. The cluster is production, with three planted faults.

use super::*;

#[test]
fn red_kite_loads_clean_and_is_judged_by_production() {
    let world = load("red-kite");
    assert_eq!(world.enforcer.name, "calico");
    assert_eq!(world.enforcer.enforces, Enforces::Yes);
    assert_eq!(world.enforcer.profile, ProfileName::Calico);
    assert_eq!(world.expectations.name(), "red-kite");
    // What the tables share is a template, and not in the round.
    assert_eq!(world.expectations.environments(), ["prod", "dev"]);
    // Production: 8 ingress ports, 17 egress ports with a peer, 2 times deny, 1 network; and the note about the database.
    assert_eq!(world.expectations.rule_count("prod"), 28 + 1);
    // Development: 8 ingress ports, 15 egress ports with a peer, 2 times deny, 1 network.
    assert_eq!(world.expectations.rule_count("dev"), 26);
}

/// The rows of production's table, and the planted faults.
#[test]
fn red_kite_does_what_production_says_except_for_what_was_planted() {
    use Verdict::{Allow, Deny};
    let world = load("red-kite");
    let dns = "kube-system/coredns";
    for (from, to, protocol, port, expected) in [
        // Nginx: in on 80 and 443, out to DNS and the manager.
        ("8.8.8.8", "stalker/ui", Tcp, 80, Allow),
        ("8.8.8.8", "stalker/ui", Tcp, 443, Allow),
        ("8.8.8.8", "stalker/ui", Tcp, 4200, Deny),
        ("stalker/ui", dns, Udp, 53, Allow),
        ("stalker/ui", dns, Tcp, 53, Allow),
        ("stalker/ui", "stalker/jobs-manager", Tcp, 3000, Allow),
        ("stalker/ui", "stalker/mongo", Tcp, 27017, Deny),
        // Jobs Manager.
        ("stalker/jobs-manager", dns, Udp, 53, Allow),
        ("stalker/jobs-manager", "stalker/kafka", Tcp, 9092, Allow),
        ("stalker/jobs-manager", "stalker/kafka", Tcp, 9093, Deny),
        ("stalker/jobs-manager", "stalker/mongo", Tcp, 27017, Allow),
        // Cron: nobody gets in.
        ("8.8.8.8", "stalker/cron", Tcp, 3000, Deny),
        ("stalker/ui", "stalker/cron", Tcp, 3000, Deny),
        ("stalker/cron", dns, Udp, 53, Allow),
        ("stalker/cron", "stalker/jobs-manager", Tcp, 3000, Allow),
        ("stalker/cron", "stalker/mongo", Tcp, 27017, Allow),
        // Mongo: closed from outside, and out to nobody else.
        ("8.8.8.8", "stalker/mongo", Tcp, 27017, Deny),
        ("stalker/mongo", dns, Udp, 53, Deny),
        ("stalker/mongo", "8.8.8.8", Tcp, 443, Deny),
        // Orchestrator.
        ("stalker/orchestrator", dns, Udp, 53, Allow),
        ("stalker/orchestrator", "stalker/kafka", Tcp, 9092, Allow),
        ("stalker/orchestrator", "stalker/kafka", Tcp, 9094, Deny),
        ("stalker/ui", "stalker/orchestrator", Tcp, 80, Deny),
        // Jobs: out to the orchestrator and the internet.
        ("stalker-jobs/jobs", "stalker/orchestrator", Tcp, 80, Allow),
        ("stalker-jobs/jobs", "8.8.8.8", Tcp, 443, Allow),
        ("stalker-jobs/jobs", "8.8.8.8", Udp, 123, Allow),
        ("stalker-jobs/jobs", "169.254.169.254", Tcp, 80, Deny),
        ("stalker-jobs/jobs", "192.168.40.11", Tcp, 6443, Deny),
        ("stalker-jobs/jobs", dns, Udp, 53, Deny),
        ("stalker/orchestrator", "stalker-jobs/jobs", Tcp, 80, Deny),
        // Planted: one dash makes every pod of the namespace a peer of the jobs, and the UI is open on that port.
        ("stalker-jobs/jobs", "stalker/ui", Tcp, 80, Allow),
        ("stalker-jobs/jobs", "stalker/ui", Tcp, 443, Deny),
        ("stalker-jobs/jobs", "stalker/jobs-manager", Tcp, 80, Deny),
        // Planted: the API server is written as pods of kube-system.
        ("stalker/orchestrator", "192.168.40.11", Tcp, 6443, Deny),
        ("stalker/orchestrator", dns, Tcp, 443, Allow),
    ] {
        assert_eq!(
            world.verdict(from, to, protocol, port),
            expected,
            "{from} -> {to} {port}/{protocol}"
        );
    }
    // Kafka among its three members, on all three ports; mongo, planted: may send, may not receive.
    let verdicts = |workload: &str, port: u16| {
        let pods = world.pods(workload);
        assert_eq!(pods.len(), 3, "{workload}");
        [(0, 1), (1, 2), (2, 0)].map(|(from, to)| world.sides(&pods[from], &pods[to], Tcp, port))
    };
    for port in [9092, 9093, 9094] {
        assert_eq!(verdicts("stalker/kafka", port), [(true, true); 3], "{port}");
    }
    assert_eq!(verdicts("stalker/mongo", 27017), [(true, false); 3]);
    // The jobs' rule opens their own side towards whatever runs beside the orchestrator.
    for beside in ["cron", "jobs-manager", "kafka", "mongo"] {
        let (from, to) = (
            world.end("stalker-jobs/jobs"),
            world.end(&format!("stalker/{beside}")),
        );
        assert_eq!(world.sides(&from, &to, Tcp, 80), (true, false), "{beside}");
    }
}

/// Replicas are ends like any others: mongo's members let each other out and not in.
#[test]
fn members_of_one_workload_may_be_half_open() {
    let world = load("red-kite");
    let found = netseg::questions::flows::half_open(&world.engine, &Scope::all());
    let name = |peer: usize| found.peers[peer].end.id.rsplit('/').next().unwrap();
    let mut pairs: Vec<String> = found
        .flows
        .iter()
        .map(|flow| {
            let open = flow.open.map(|open| open.to_string()).unwrap_or_default();
            format!(
                "{} -> {} {} {open}",
                name(flow.from),
                name(flow.to),
                flow.ports
            )
        })
        .collect();
    pairs.sort();
    // And what the jobs' split list opens towards pods of `stalker` that have no such port open.
    assert_eq!(
        pairs,
        [
            "jobs -> cron 80/TCP egress",
            "jobs -> jobs-manager 80/TCP egress",
            "jobs -> kafka 80/TCP egress",
            "jobs -> mongo 80/TCP egress",
            "mongo -> mongo 27017/TCP egress",
        ]
    );
}

/// What the jobs' split list opens towards pods that are closed themselves: their rule means every pod of `stalker`.
const LATENT: [&str; 4] = [
    "warning latent stalker-jobs/job/jobs -> stalker/deployment/cron 80/TCP",
    "warning latent stalker-jobs/job/jobs -> stalker/deployment/jobs-manager 80/TCP",
    "warning latent stalker-jobs/job/jobs -> stalker/statefulset/kafka 80/TCP",
    "warning latent stalker-jobs/job/jobs -> stalker/statefulset/mongo 80/TCP",
];

#[test]
fn in_prod_red_kite_differs_by_what_was_planted_and_nothing_else() {
    let mut expected = vec![
        // The API server answers at 192.168.40.11:6443, which is no pod: the rule for kube-system does not mean it ...
        "error broken stalker/deployment/orchestrator -> k8s-api 6443/TCP",
        // One member sends, the other does not let it in.
        "error broken stalker/statefulset/mongo -> stalker/statefulset/mongo 27017/TCP",
        // Of the pods the split list adds, the UI is the one that is open on 80.
        "error excess stalker-jobs/job/jobs -> stalker/deployment/ui 80/TCP",
        // ... and what it does mean is coredns, the only pod there with an address of its own.
        "error excess stalker/deployment/orchestrator -> kube-system/deployment/coredns 443/TCP",
    ];
    expected.extend(LATENT);
    // The table lists these ports without saying from whom; the cluster admits only those that need them. The UI's are open
    // to everyone, cron has none. Mongo's is stricter too, but there it is no remark: it keeps out one that has to get in.
    expected.extend([
        "info narrower any -> stalker/deployment/jobs-manager 3000/TCP",
        "info narrower any -> stalker/deployment/orchestrator 80/TCP",
        "info narrower any -> stalker/statefulset/kafka 9092-9094/TCP",
    ]);
    assert_eq!(load("red-kite").findings("prod"), expected);
}

/// By development's measure the same faults, and production's cluster where the two tables differ: the UI in both directions,
/// cron's ingress, mongo's sources. Exposure differs too, by a forwarded port: that no cluster shows.
#[test]
fn in_dev_red_kite_differs_by_what_the_tables_do() {
    let mut expected = vec![
        // Dev: cron is entered on 3000. Here nobody gets in.
        "error broken any -> stalker/deployment/cron 3000/TCP",
        // Dev: the UI is entered on 4200.
        "error broken any -> stalker/deployment/ui 4200/TCP",
        // Dev: the database is accessible from outside.
        "error broken any -> stalker/statefulset/mongo 27017/TCP",
        "error broken stalker/deployment/orchestrator -> k8s-api 6443/TCP",
        "error broken stalker/statefulset/mongo -> stalker/statefulset/mongo 27017/TCP",
        // Dev: the UI is entered on nothing else. That everyone may use 80 tells of the jobs too.
        "error excess any -> stalker/deployment/ui 80/TCP",
        "error excess any -> stalker/deployment/ui 443/TCP",
        "error excess stalker/deployment/orchestrator -> kube-system/deployment/coredns 443/TCP",
        // Dev: the UI goes nowhere, not even to DNS.
        "error excess stalker/deployment/ui -> kube-system/deployment/coredns 53/TCP",
        "error excess stalker/deployment/ui -> kube-system/deployment/coredns 53/UDP",
        "error excess stalker/deployment/ui -> stalker/deployment/jobs-manager 3000/TCP",
    ];
    expected.extend(LATENT);
    // As in production; mongo is not only narrower here but closed to those it has to admit.
    expected.extend([
        "info narrower any -> stalker/deployment/jobs-manager 3000/TCP",
        "info narrower any -> stalker/deployment/orchestrator 80/TCP",
        "info narrower any -> stalker/statefulset/kafka 9092-9094/TCP",
    ]);
    assert_eq!(load("red-kite").findings("dev"), expected);
}

/// What a reader is told, word by word, of the findings that the tour of the README walks through.
#[test]
fn the_findings_of_the_tour_read_well() {
    let world = load("red-kite");
    let plan = world.plan("prod");
    let findings = expect::judge(&world.engine, &plan, &world.enforcer);
    let find = |from: &str, to: &str| between(&findings, from, to);
    let rules = |finding: &expect::Finding| world.rules(finding);
    let split = find("stalker-jobs/job/jobs", "stalker/deployment/ui");
    assert_eq!(
        split.message,
        "stalker-jobs/jobs can reach stalker/ui on 80/TCP, and nobody wrote that down"
    );
    // The first of the two items is the namespace alone; the second, on its own, means pods of the jobs' own namespace.
    assert_eq!(
        rules(split),
        [
            "stalker/ui spec.ingress[0]",
            "stalker-jobs/jobs spec.egress[0].to[0]"
        ]
    );
    let mongo = find("stalker/statefulset/mongo", "stalker/statefulset/mongo");
    assert_eq!(
        mongo.message,
        "stalker/mongo has to reach stalker/mongo on 27017/TCP, and cannot: ingress of stalker/mongo is isolated by default-deny, mongo, and no rule allows it"
    );
    assert_eq!(rules(mongo), ["stalker/mongo spec.ingress[0].from[0]"]);
    let lines: Vec<String> = mongo.sources.iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["demo/red-kite/expectations.yaml:55"]);
}

/// The split list is mended, a member of mongo is replaced, mongo's ingress is completed, the API server gets its address:
/// production is as documented at the end, but for what is stricter.
#[tokio::test(start_paused = true)]
async fn at_the_end_of_the_recording_prod_is_as_documented() {
    let world = played("red-kite").await;
    assert_eq!(
        world.findings("prod"),
        [
            "info narrower any -> stalker/deployment/jobs-manager 3000/TCP",
            "info narrower any -> stalker/deployment/orchestrator 80/TCP",
            "info narrower any -> stalker/statefulset/kafka 9092-9094/TCP",
            "info narrower any -> stalker/statefulset/mongo 27017/TCP",
        ]
    );
    let mongo = world.pods("stalker/mongo");
    assert_eq!(mongo.len(), 3);
    assert_eq!(
        world.end("10.244.30.21"),
        mongo[1],
        "replaced, with a new address"
    );
}

/// The states between: each change takes away what it mends, and nothing else.
#[tokio::test(start_paused = true)]
async fn the_recording_mends_one_fault_after_the_other() {
    let mut states = demo::play("red-kite").unwrap();
    assert_eq!(
        *states.borrow_and_update().cluster,
        demo::load("red-kite").unwrap().cluster
    );
    let mut errors = Vec::new();
    loop {
        let state = states.borrow_and_update().clone();
        let expectations = load("red-kite").expectations;
        let world = world(Cluster::clone(&state.cluster), expectations);
        let mut worst = world.findings("prod");
        worst.retain(|line| line.starts_with("error"));
        errors.push(worst.len());
        if state.link == Link::Fixed {
            break;
        }
        states.changed().await.unwrap();
    }
    // The jobs' list, a new pod, mongo, and with the API server its excess and its breakage.
    assert_eq!(errors, [4, 3, 3, 2, 0]);
}

/// Every workload and every connection of production's table is in the picture, whatever the environment.
#[test]
fn the_picture_holds_the_whole_document() {
    let world = load("red-kite");
    let mut prod = vec![
        "any -> ui 80,443 Plain",
        "cron -> jobs-manager 3000 Plain",
        "cron -> mongo 27017 Plain",
        "jobs -> internet any Plain",
        "jobs -> orchestrator 80 Plain",
        "jobs-manager -> kafka 9092 Plain",
        "jobs-manager -> mongo 27017 Plain",
        "kafka -> kafka 9092,9093,9094 Plain",
        "orchestrator -> kafka 9092 Plain",
        "ui -> jobs-manager 3000 Plain",
        // Planted: the API server, and coredns instead of it.
        "orchestrator -> coredns 443 Unexpected",
        "orchestrator -> k8s-api 443 Missing",
        // Planted: mongo's members.
        "mongo -> mongo 27017 Missing",
        // Planted: the jobs' list. All but the UI deny on their own side.
        "jobs -> cron 80 HalfOpen(To)",
        "jobs -> jobs-manager 80 HalfOpen(To)",
        "jobs -> kafka 80 HalfOpen(To)",
        "jobs -> mongo 80 HalfOpen(To)",
        "jobs -> ui 80 Unexpected",
    ];
    prod.sort_unstable();
    assert_eq!(world.drawn("prod"), prod);
    // What changes on the way to development is what the tables tell apart.
    let dev = world.drawn("dev");
    let gained: Vec<&String> = dev.iter().filter(|l| !prod.contains(&l.as_str())).collect();
    assert_eq!(
        gained,
        [
            "any -> cron 3000 Missing",
            "any -> mongo 27017 Missing",
            "any -> ui 4200 Missing",
            "any -> ui 80,443 Unexpected",
            "ui -> jobs-manager 3000 Unexpected",
        ]
    );
    let lost: Vec<&&str> = prod
        .iter()
        .filter(|l| !dev.contains(&(**l).to_owned()))
        .collect();
    assert_eq!(
        lost,
        [&"any -> ui 80,443 Plain", &"ui -> jobs-manager 3000 Plain"]
    );
    // The panes of 80x24, 120x40 and 200x50. Development has more wires, and in the smallest its picture is panned.
    let panes = [
        ("prod", 78, 17),
        ("prod", 118, 22),
        ("dev", 118, 22),
        ("prod", 198, 30),
        ("dev", 198, 30),
    ];
    for (environment, columns, rows) in panes {
        let text = world.picture(environment, columns, rows);
        for name in [
            "ui",
            "jobs-mana",
            "cron",
            "mongo",
            "kafka",
            "orchestra",
            "jobs ",
            "internet",
            "k8s-api",
            "any",
        ] {
            assert!(
                text.contains(name),
                "{environment}: {name} is missing\n{text}"
            );
        }
    }
}
