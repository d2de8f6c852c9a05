//! The demo `platform`, whose document is prose: a posture, and nothing that can fail. A GlobalNetworkPolicy of Calico may decide
//! any connection of any pod, and what it says is not evaluated.

use netseg::engine::{Cause, Reason};
use netseg::model::PolicyKind;

use super::*;

/// Told of the cluster, the way any input of that kind is.
const NOT_EVALUATED: &str = "GlobalNetworkPolicy of projectcalico.org is not evaluated, and there is 1 object: connections of the pods they may act on are unknown";

fn platform() -> World {
    let demo = demo::load("platform").unwrap();
    let told: Vec<&str> = demo
        .diagnostics
        .iter()
        .map(|d| d.message.as_str())
        .collect();
    assert_eq!(told, [NOT_EVALUATED]);
    let expectations = expect::read(&demo.expectations_name, demo.expectations_text);
    world(demo.cluster, expectations.unwrap())
}

/// The same cluster without the policy, as the recording shows it for a while.
async fn without_it() -> World {
    let mut states = demo::play("platform").unwrap();
    states.borrow_and_update();
    states.changed().await.unwrap();
    let state = states.borrow_and_update().clone();
    assert!(state.diagnostics.is_empty(), "{:?}", state.diagnostics);
    world(Cluster::clone(&state.cluster), platform().expectations)
}

#[test]
fn platform_is_enforced_by_calico_and_expected_of_softly() {
    let world = platform();
    assert_eq!(world.enforcer.name, "calico");
    assert_eq!(world.enforcer.enforces, Enforces::Yes);
    assert_eq!(world.enforcer.profile, ProfileName::Calico);
    assert_eq!(world.expectations.name(), "platform");
    assert_eq!(world.expectations.environments(), ["base"]);
    // 80 and 443 of the controller and its open egress; two times the API server and the internet; two flows of the posture.
    assert_eq!(world.expectations.rule_count("base"), 2 + 1 + 4 + 2);
}

/// What any pod may do is unknown in both directions, for it may open as well as close; what no policy is asked about is not.
#[test]
fn nothing_about_a_pod_is_certain_while_the_policy_is_there() {
    use Verdict::{Allow, Unknown};
    let world = platform();
    let (nginx, dns) = (
        "ingress-nginx/ingress-nginx-controller",
        "kube-system/coredns",
    );
    for (from, to, protocol, port, expected) in [
        ("8.8.8.8", nginx, Tcp, 443, Unknown),
        (nginx, "team-harbor/orders-web", Tcp, 8080, Unknown),
        (
            "team-harbor/orders-web",
            "team-harbor/orders-api",
            Tcp,
            8080,
            Unknown,
        ),
        (
            "team-meadow/wiki",
            "team-harbor/orders-db",
            Tcp,
            5432,
            Unknown,
        ),
        ("team-meadow/wiki", dns, Udp, 53, Unknown),
        ("cert-manager/cert-manager", "8.8.8.8", Tcp, 443, Unknown),
        // A pod and itself, a node and its own pods, and between nodes.
        ("team-meadow/wiki", "team-meadow/wiki", Tcp, 3000, Allow),
        ("10.20.1.12", "team-meadow/wiki", Tcp, 3000, Allow),
        ("10.20.1.11", "10.20.1.12", Tcp, 10250, Allow),
        ("8.8.8.8", "kube-system/calico-node", Tcp, 9091, Allow),
    ] {
        assert_eq!(
            world.verdict(from, to, protocol, port),
            expected,
            "{from} -> {to} {port}/{protocol}"
        );
    }
}

/// What a verdict hangs on is the policy, by its name, and behind it stands what the NetworkPolicies alone would say.
#[test]
fn the_policy_is_named_where_it_makes_a_verdict_unknown() {
    let world = platform();
    let (wiki, db) = (
        world.end("team-meadow/wiki"),
        world.end("team-harbor/orders-db"),
    );
    let why = world.engine.explain(&wiki, &db, Tcp, 5432);
    for side in [&why.egress, &why.ingress] {
        assert_eq!(side.verdict, Verdict::Unknown);
        assert_eq!(side.reason, Reason::OtherPolicyApi);
        let kind = PolicyKind::find("projectcalico.org", "GlobalNetworkPolicy").unwrap();
        let name = Some("default-deny".to_owned());
        let namespace = String::new();
        assert_eq!(
            side.causes,
            [Cause::OtherPolicy {
                kind,
                namespace,
                name
            }]
        );
    }
    let isolating: Vec<&str> = why
        .ingress
        .isolated_by
        .iter()
        .map(|policy| world.engine.policy(*policy).name.as_str())
        .collect();
    assert_eq!(isolating, ["orders-db"]);
}

/// Remarks only: a posture that was inferred fails nothing, and need not be decided either. One line for each workload and protocol that the posture is about, never
/// one for each pair.
#[test]
fn the_posture_cannot_be_judged_while_the_policy_is_there() {
    let world = platform();
    let mut expected = Vec::new();
    for workload in [
        // Entered from outside or from another namespace: every workload but the controller.
        "cert-manager/deployment/cert-manager",
        "external-dns/deployment/external-dns",
        "team-harbor/deployment/orders-api",
        "team-harbor/deployment/orders-web",
        "team-harbor/statefulset/orders-db",
        "team-meadow/deployment/wiki",
        "team-meadow/statefulset/wiki-db",
    ] {
        for protocol in ["TCP", "UDP", "SCTP"] {
            expected.push(format!("info unknown any -> {workload} any/{protocol}"));
        }
    }
    // Of the cluster's DNS only the outside is kept out.
    for protocol in ["TCP", "UDP", "SCTP"] {
        expected.push(format!(
            "info unknown external -> kube-system/deployment/coredns any/{protocol}"
        ));
    }
    assert_eq!(world.findings("base"), expected);
}

/// The ways in are as inferred: the controller's load balancer, and whatever goes through it by class `nginx` with a certificate of
/// cert-manager. Were they not, it would be told of and still fail nothing.
#[test]
fn what_is_exposed_is_what_was_inferred() {
    let demo = demo::load("platform").unwrap();
    let world = platform();
    let plan = world.plan("base");
    let met = |line: &str| {
        let text = demo.expectations_text.lines();
        let (_, number) = text.zip(1u32..).find(|(t, _)| t.contains(line)).unwrap();
        expect::judge_all(&world.engine, &plan, &world.enforcer)
            .iter()
            .filter(|f| f.code == expect::Code::Met)
            .filter(|f| f.sources.iter().any(|source| source.line == number))
            .count()
    };
    assert_eq!(met("via: loadBalancer"), 2, "80 and 443");
    assert!(met("via: ingress") > 0);
    let text = demo
        .expectations_text
        .replace("class: nginx", "class: traefik");
    let expectations = expect::read(&demo.expectations_name, &text).unwrap();
    let mut gained = World {
        expectations,
        ..platform()
    }
    .findings("base");
    gained.retain(|line| !line.contains(" unknown "));
    // Two ways that nobody wrote, by the port that policy sees, and one that was written and is not there.
    assert_eq!(
        gained,
        [
            "info excess internet -> team-harbor/deployment/orders-web 8080/TCP",
            "info excess internet -> team-meadow/deployment/wiki 3000/TCP",
            "info stale internet -> cluster",
        ]
    );
}

/// Without it the NetworkPolicies decide: tenants are segments, as documented, and what has no NetworkPolicy is open to all.
#[tokio::test(start_paused = true)]
async fn without_the_policy_everything_is_certain() {
    use Verdict::{Allow, Deny};
    let world = without_it().await;
    let nginx = "ingress-nginx/ingress-nginx-controller";
    for (from, to, port, expected) in [
        ("8.8.8.8", nginx, 443, Allow),
        (nginx, "team-harbor/orders-web", 8080, Allow),
        (nginx, "team-meadow/wiki", 3000, Allow),
        ("8.8.8.8", "team-harbor/orders-web", 8080, Deny),
        (nginx, "team-harbor/orders-api", 8080, Deny),
        (
            "team-harbor/orders-web",
            "team-harbor/orders-api",
            8080,
            Allow,
        ),
        (
            "team-harbor/orders-web",
            "team-harbor/orders-db",
            5432,
            Deny,
        ),
        (
            "team-harbor/orders-api",
            "team-harbor/orders-db",
            5432,
            Allow,
        ),
        ("team-meadow/wiki", "team-meadow/wiki-db", 5432, Allow),
        ("team-meadow/wiki", "team-harbor/orders-db", 5432, Deny),
        ("team-meadow/wiki", "team-harbor/orders-web", 8080, Deny),
        ("team-meadow/wiki", "cert-manager/cert-manager", 9402, Allow),
        ("cert-manager/cert-manager", "8.8.8.8", 443, Allow),
        ("external-dns/external-dns", "10.20.0.2", 443, Allow),
    ] {
        assert_eq!(
            world.verdict(from, to, Tcp, port),
            expected,
            "{from} -> {to} {port}"
        );
    }
    // Nothing isolates these, which the posture advises against and no more.
    let mut expected = Vec::new();
    for workload in [
        "cert-manager/deployment/cert-manager",
        "external-dns/deployment/external-dns",
    ] {
        for protocol in ["TCP", "UDP", "SCTP"] {
            expected.push(format!("info excess any -> {workload} any/{protocol}"));
        }
    }
    for protocol in ["TCP", "UDP", "SCTP"] {
        expected.push(format!(
            "info excess external -> kube-system/deployment/coredns any/{protocol}"
        ));
    }
    assert_eq!(world.findings("base"), expected);
}

#[tokio::test(start_paused = true)]
async fn the_recording_takes_the_policy_away_and_brings_it_back() {
    let mut states = demo::play("platform").unwrap();
    let first = states.borrow_and_update().clone();
    let demo = demo::load("platform").unwrap();
    assert_eq!(*first.cluster, demo.cluster);
    let mut unknown = Vec::new();
    loop {
        let state = states.borrow_and_update().clone();
        let world = world(Cluster::clone(&state.cluster), platform().expectations);
        let lines = world.findings("base");
        unknown.push(lines.iter().filter(|line| line.contains("unknown")).count());
        if state.link == Link::Fixed {
            let told: Vec<&str> = state
                .diagnostics
                .iter()
                .map(|d| d.message.as_str())
                .collect();
            assert_eq!(told, [NOT_EVALUATED]);
            break;
        }
        states.changed().await.unwrap();
    }
    assert_eq!(unknown, [24, 0, 24]);
}

/// What rules name is drawn, and is drawn as unknown.
#[test]
fn the_picture_draws_doubt_as_doubt() {
    let world = platform();
    assert_eq!(
        world.drawn("base"),
        [
            "ingress-nginx-controller -> orders-web 8080 Unknown",
            "ingress-nginx-controller -> wiki 3000 Unknown",
            "orders-api -> orders-db 5432 Unknown",
            "orders-web -> orders-api 8080 Unknown",
            "wiki -> wiki-db 5432 Unknown",
        ]
    );
    for (columns, rows) in [(78, 17), (118, 22), (198, 30)] {
        let text = world.picture("base", columns, rows);
        for name in [
            "controller",
            "cert-manager",
            "external-dns",
            "orders-api",
            "wiki-db",
        ] {
            assert!(text.contains(name), "{columns}: {name} is missing\n{text}");
        }
    }
}
