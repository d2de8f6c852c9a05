//! The live source against a real kube-apiserver. Skipped, loudly, where there is none; see `tests/support/apiserver.rs`.

#[path = "../support/apiserver.rs"]
mod apiserver;
#[path = "../terminal/harness.rs"]
#[expect(
    dead_code,
    reason = "the tests of the screen itself use the rest of it"
)]
mod harness;
mod program;

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use apiserver::ApiServer;
use netseg::model::{Namespace, Peers, PolicyKind, Resource, State, Tier};
use netseg::source::live::{self, LiveOptions};
use netseg::source::{Link, Snapshot, manifests};

const LIMIT: Duration = Duration::from_secs(20);

/// One server for all tests: each has its own namespaces.
static SERVER: LazyLock<Option<ApiServer>> = LazyLock::new(ApiServer::start);

fn options(server: &ApiServer, user: &str) -> LiveOptions {
    LiveOptions {
        kubeconfig: Some(server.kubeconfig(user)),
        ..LiveOptions::default()
    }
}

async fn load(options: LiveOptions) -> Snapshot {
    live::load_once(options, LIMIT).await.unwrap()
}

fn state(snapshot: &Snapshot, resource: Resource, namespace: Option<&str>) -> State {
    let coverage = &snapshot.cluster.coverage;
    coverage.state(resource, namespace).unwrap().clone()
}

/// A namespace without what only a file knows (places) and what only a server knows (when it was made).
fn bare(namespace: &Namespace) -> Namespace {
    let mut bare = namespace.clone();
    for pod in Arc::make_mut(&mut bare.pods) {
        pod.source = None;
    }
    bare.workloads
        .iter_mut()
        .for_each(|owner| owner.source = None);
    bare.services
        .iter_mut()
        .for_each(|service| service.source = None);
    bare.ingresses
        .iter_mut()
        .for_each(|ingress| ingress.source = None);
    for policy in Arc::make_mut(&mut bare.policies) {
        (policy.source, policy.created) = (None, None);
        let directions = [&mut policy.ingress, &mut policy.egress];
        for rule in directions.into_iter().flatten().flatten() {
            rule.line = None;
            if let Peers::AnyOf(items) = &mut rule.peers {
                for item in items {
                    item.line = None;
                }
            }
        }
    }
    bare
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_gives_what_its_manifests_say() {
    let Some(server) = &*SERVER else { return };
    let text = include_str!("same.yaml");
    server.apply(text);
    let (offline, diagnostics) = manifests::parse("same.yaml", text);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let snapshot = load(options(server, "admin")).await;
    assert_eq!(snapshot.link, Link::Live);
    for name in ["same-shop", "same-vault"] {
        let (live, read) = (snapshot.cluster.namespace(name), offline.namespace(name));
        let (live, read) = (live.expect(name), read.expect(name));
        assert_eq!(bare(live), bare(read));
    }
    assert_eq!(
        snapshot.cluster.node("same-n1").unwrap().addresses,
        offline.node("same-n1").unwrap().addresses
    );
    for resource in Resource::ALL {
        assert_eq!(
            state(&snapshot, resource, None),
            State::Live,
            "{resource:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_policy_is_shown_within_a_second() {
    let Some(server) = &*SERVER else { return };
    let policy = |name: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
             metadata: {{name: {name}, namespace: quick}}\nspec: {{podSelector: {{}}}}\n"
        )
    };
    server.apply("{apiVersion: v1, kind: Namespace, metadata: {name: quick}}");
    server.apply(&policy("first"));
    let mut handle = live::start(options(server, "admin")).await.unwrap();
    let names = |snapshot: &Snapshot| -> Vec<String> {
        let namespace = snapshot.cluster.namespace("quick");
        let policies = namespace.map_or(&[][..], |namespace| namespace.policies.as_slice());
        policies.iter().map(|policy| policy.name.clone()).collect()
    };
    let mut shows = async |expected: &[&str]| -> Arc<Snapshot> {
        let waited = handle
            .snapshots
            .wait_for(|s| s.link == Link::Live && names(s) == expected);
        let snapshot = tokio::time::timeout(LIMIT, waited).await;
        Arc::clone(&snapshot.expect("it is shown").unwrap())
    };
    shows(&["first"]).await;
    // kubectl returns when the server has stored it.
    server.apply(&policy("second"));
    let stored = Instant::now();
    shows(&["first", "second"]).await;
    assert!(stored.elapsed() < Duration::from_secs(1));
    server.kubectl(&["delete", "networkpolicy", "first", "--namespace=quick"]);
    let stored = Instant::now();
    shows(&["second"]).await;
    assert!(stored.elapsed() < Duration::from_secs(1));
}

/// Larger answers than 128 KiB are compressed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_list_is_read_whole() {
    let Some(server) = &*SERVER else { return };
    server.apply("{apiVersion: v1, kind: Namespace, metadata: {name: bulk}}");
    let note = "x".repeat(4000);
    let pods: Vec<serde_json::Value> = (0..60)
        .map(|index| {
            serde_json::json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": { "name": format!("p{index}"), "namespace": "bulk", "annotations": { "note": note } },
                "spec": { "containers": [{ "name": "c", "image": "none.invalid/c" }] },
            })
        })
        .collect();
    let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": pods });
    server.create(&list.to_string());
    let mut paged = options(server, "admin");
    for page in [500, 25] {
        paged.pace.page = page;
        let snapshot = load(paged.clone()).await;
        assert_eq!(snapshot.cluster.namespace("bulk").unwrap().pods.len(), 60);
    }
}

/// After a restart the server's watches begin at the present: what is older is told 410 and must be listed again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_leaves_the_picture_and_is_followed_again() {
    let Some(mut server) = ApiServer::start() else {
        return;
    };
    let policy = |name: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
             metadata: {{name: {name}, namespace: default}}\nspec: {{podSelector: {{}}}}\n"
        )
    };
    server.apply(&policy("first"));
    let mut handle = live::start(options(&server, "admin")).await.unwrap();
    let names = |snapshot: &Snapshot| -> Vec<String> {
        let policies = snapshot.cluster.policies();
        policies.map(|policy| policy.name.clone()).collect()
    };
    let live = handle.snapshots.wait_for(|s| s.link == Link::Live);
    tokio::time::timeout(LIMIT, live)
        .await
        .expect("live")
        .unwrap();

    server.crash();
    let is_stale = |s: &Snapshot| state(s, Resource::NetworkPolicies, None).word() == "stale";
    let lost = handle.snapshots.wait_for(|s| is_stale(s));
    let lost = tokio::time::timeout(LIMIT, lost)
        .await
        .expect("told")
        .unwrap();
    assert!(matches!(lost.link, Link::Offline { .. }), "{:?}", lost.link);
    assert_eq!(names(&lost), ["first"]);
    drop(lost);

    server.come_back();
    server.apply(&policy("second"));
    server.kubectl(&["delete", "networkpolicy", "first"]);
    let back = handle
        .snapshots
        .wait_for(|s| s.link == Link::Live && names(s) == ["second"]);
    tokio::time::timeout(LIMIT, back)
        .await
        .expect("followed")
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_without_rights_sees_that_he_may_not() {
    let Some(server) = &*SERVER else { return };
    let snapshot = load(options(server, "nobody")).await;
    for resource in Resource::ALL {
        let State::Forbidden { message } = state(&snapshot, resource, Some("default")) else {
            panic!("{resource:?}");
        };
        assert!(message.contains("cannot"), "{message}");
        assert!(message.contains("\"nobody\""), "{message}");
    }
    assert!(snapshot.cluster.policies().next().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_of_one_namespace_reads_that_one() {
    let Some(server) = &*SERVER else { return };
    server.apply(include_str!("onens.yaml"));
    let named = LiveOptions {
        namespaces: vec!["mine".to_owned()],
        ..options(server, "onens")
    };
    let snapshot = load(named).await;
    let mine = snapshot.cluster.namespace("mine").unwrap();
    assert_eq!(mine.policies[0].name, "lock");
    assert_eq!(mine.labels.get("team"), Some("m"));
    assert_eq!(snapshot.cluster.namespaces.len(), 1);
    for (resource, expected) in [
        (Resource::NetworkPolicies, "live"),
        (Resource::Pods, "live"),
        // May be listed, not watched.
        (Resource::Services, "polled"),
        (Resource::Namespaces, "polled"),
        (Resource::EndpointSlices, "forbidden"),
        (Resource::Nodes, "forbidden"),
    ] {
        let state = state(&snapshot, resource, Some("mine"));
        // A watch is tried after the list; until it is refused the kind counts as live.
        let is_early = resource == Resource::Services && state == State::Live;
        assert!(
            state.word() == expected || is_early,
            "{resource:?} {state:?}"
        );
    }
    let elsewhere = state(&snapshot, Resource::NetworkPolicies, Some("quick"));
    assert_eq!(elsewhere.word(), "forbidden");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_credentials_and_a_wrong_authority_are_told() {
    let Some(server) = &*SERVER else { return };
    let text = std::fs::read_to_string(server.kubeconfig("nobody")).unwrap();
    let folder = server.kubeconfig("nobody").parent().unwrap().to_owned();
    let failure = async |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        let options = LiveOptions {
            kubeconfig: Some(path),
            ..LiveOptions::default()
        };
        let error = live::load_once(options, LIMIT).await;
        error.expect_err(name)
    };
    let error = failure(
        "wrong-token",
        text.replace("token: nobody", "token: s3cret"),
    )
    .await;
    assert!(
        matches!(error, live::LiveError::Unauthorized { .. }),
        "{error:?}"
    );
    assert!(!format!("{error:?}").contains("s3cret"));
    let other = text.replace(", certificate-authority: ca.crt", "");
    let error = failure("wrong-authority", other).await;
    assert!(
        matches!(error, live::LiveError::Untrusted { .. }),
        "{error:?}"
    );
}

/// Definitions come while running, and go in mid-watch. With its own server: others would see the policies.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn optional_policy_kinds_are_followed_from_definition_to_removal() {
    let Some(server) = ApiServer::start() else {
        return;
    };
    let wide = Resource::ClusterNetworkPolicies;
    let cilium = PolicyKind::find("cilium.io", "CiliumNetworkPolicy").map(Resource::Other);
    let cilium = cilium.expect("it is a known kind");
    let mut quick = options(&server, "admin");
    quick.pace.discover = Duration::from_secs(1);
    let mut handle = live::start(quick).await.unwrap();
    let mut until = async |what: &str, is_so: &dyn Fn(&Snapshot) -> bool| -> Arc<Snapshot> {
        let waited = handle
            .snapshots
            .wait_for(|s| s.link == Link::Live && is_so(s));
        let snapshot = tokio::time::timeout(LIMIT, waited).await;
        Arc::clone(&snapshot.expect(what).unwrap())
    };
    let tiers = |s: &Snapshot| -> Vec<Tier> {
        let policies = s.cluster.cluster_policies.iter();
        policies.map(|policy| policy.tier).collect()
    };
    let before = until("nothing is defined", &|_| true).await;
    for resource in Resource::optional() {
        assert_eq!(state(&before, resource, None), State::NotServed);
    }

    let definitions = [
        "clusternetworkpolicies.policy.networking.k8s.io",
        "ciliumnetworkpolicies.cilium.io",
    ];
    server.create(include_str!("definitions.yaml"));
    for name in definitions {
        let name = format!("customresourcedefinition/{name}");
        server.kubectl(&[
            "wait",
            "--for=condition=Established",
            "--timeout=20s",
            &name,
        ]);
    }
    server.create(include_str!("policies.yaml"));
    let defined = until("they are followed", &|s| {
        tiers(s) == [Tier::Admin { priority: 40 }] && s.cluster.foreign.len() == 1
    })
    .await;
    let guard = &defined.cluster.cluster_policies[0];
    assert!(guard.invalid.is_empty(), "{:?}", guard.invalid);
    assert_eq!(guard.egress, None);
    assert_eq!(guard.ingress.as_ref().map(Vec::len), Some(1));
    let other = &defined.cluster.foreign[0];
    assert_eq!((&*other.namespace, &*other.name), ("default", "l7"));
    assert_eq!(state(&defined, wide, None), State::Live);
    // The group is there, this kind of it is not.
    let admin = Resource::AdminNetworkPolicies;
    assert_eq!(state(&defined, admin, None), State::NotServed);

    let refused = load(options(&server, "nobody")).await;
    assert_eq!(state(&refused, wide, None).word(), "forbidden");
    assert_eq!(state(&refused, cilium, Some("default")).word(), "forbidden");
    assert_eq!(state(&refused, admin, None), State::NotServed);

    let patch = r#"{"spec": {"priority": 7}}"#;
    server.kubectl(&[
        "patch",
        definitions[0],
        "guard",
        "--type=merge",
        "--patch",
        patch,
    ]);
    until("a change is seen", &|s| {
        tiers(s) == [Tier::Admin { priority: 7 }]
    })
    .await;

    server.kubectl(&["delete", "customresourcedefinition", definitions[0]]);
    let gone = until("its end is seen", &|s| {
        state(s, wide, None) == State::NotServed
    })
    .await;
    assert!(gone.cluster.cluster_policies.is_empty());
    assert_eq!(gone.cluster.foreign.len(), 1);
    server.kubectl(&["delete", "customresourcedefinition", definitions[1]]);
    let gone = until("the other's too", &|s| {
        state(s, cilium, None) == State::NotServed
    })
    .await;
    assert!(gone.cluster.foreign.is_empty());
}
