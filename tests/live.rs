//! The live source against a scripted API server: what it shows, what it says when things fail, and how it comes back.

#[allow(dead_code, reason = "shared with other tests, which use other parts")]
#[path = "support/scripted.rs"]
mod scripted;

use std::sync::Arc;
use std::time::{Duration, Instant};

use netseg::model::{PolicyKind, Resource, Severity, State};
use netseg::source::live::{self, LiveError, LiveHandle, LiveOptions, Pace};
use netseg::source::{Link, Snapshot};
use scripted::{Fault, Match, Server, Verb};

/// Longer than anything here takes; only a test that fails waits for it.
const LIMIT: Duration = Duration::from_secs(10);

const SHOP: &str = "\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: a}}
---
apiVersion: v1
kind: Namespace
metadata: {name: vault}
---
apiVersion: v1
kind: Node
metadata: {name: n1}
status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-1, namespace: shop, ownerReferences: [{kind: Deployment, name: web, controller: true}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web-1-a, namespace: shop, labels: {app: web}, ownerReferences: [{kind: ReplicaSet, name: web-1, controller: true}]}
spec: {nodeName: n1, containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]}
status: {phase: Running, podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}], conditions: [{type: Ready, status: 'True'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: vault, labels: {app: db}}
spec: {nodeName: n1}
status: {phase: Running, podIP: 10.0.0.2, podIPs: [{ip: 10.0.0.2}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.5, selector: {app: web}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-x, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints: [{addresses: [10.0.0.1], conditions: {ready: true}}]
ports: [{name: '', port: 8080, protocol: TCP}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: lock, namespace: shop}
spec: {podSelector: {}}
";

const OPEN: &str = "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: open, namespace: shop}
spec: {podSelector: {}, ingress: [{}]}
";

fn options(server: &Server) -> LiveOptions {
    LiveOptions {
        kubeconfig: Some(server.kubeconfig()),
        pace: Pace {
            floor: Duration::from_millis(20),
            refused: Duration::from_millis(300),
            discover: Duration::from_millis(300),
            healthy: Duration::from_millis(500),
            ..Pace::default()
        },
        ..LiveOptions::default()
    }
}

async fn start(server: &Server) -> LiveHandle {
    live::start(options(server)).await.unwrap()
}

async fn load(options: LiveOptions) -> Result<Snapshot, LiveError> {
    live::load_once(options, LIMIT).await
}

/// Waits for the first snapshot of which this is true.
async fn until(handle: &mut LiveHandle, is_so: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    let waited = handle.snapshots.wait_for(|snapshot| is_so(snapshot));
    if let Ok(snapshot) = tokio::time::timeout(LIMIT, waited).await {
        return Arc::clone(&snapshot.unwrap());
    }
    panic!("not so: {:#?}", handle.snapshots.borrow())
}

async fn until_live(handle: &mut LiveHandle) -> Arc<Snapshot> {
    until(handle, |snapshot| snapshot.link == Link::Live).await
}

fn policies(snapshot: &Snapshot) -> Vec<String> {
    let policies = snapshot.cluster.policies();
    policies
        .map(|policy| format!("{}/{}", policy.namespace, policy.name))
        .collect()
}

fn state(snapshot: &Snapshot, resource: Resource, namespace: Option<&str>) -> State {
    let coverage = &snapshot.cluster.coverage;
    coverage.state(resource, namespace).unwrap().clone()
}

fn forbidden(plural: &str) -> State {
    State::Forbidden {
        message: format!("{plural} is refused by the test"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_shown_as_it_is() {
    let server = Server::with(SHOP);
    let mut handle = start(&server).await;
    let first = Arc::clone(&handle.snapshots.borrow());
    assert!(matches!(first.link, Link::Loading { .. }));
    assert_eq!(state(&first, Resource::Pods, None), State::Loading);
    assert_eq!(handle.label, "scripted");

    let snapshot = until_live(&mut handle).await;
    let shop = snapshot.cluster.namespace("shop").unwrap();
    assert_eq!(shop.labels.get("team"), Some("a"));
    let pod = shop.pod("web-1-a").unwrap();
    assert_eq!(
        pod.addresses,
        ["10.0.0.1".parse::<std::net::IpAddr>().unwrap()]
    );
    // Folded through the ReplicaSet, of which only the metadata was asked for.
    assert_eq!(shop.workloads[pod.workload].id(), "shop/deployment/web");
    assert_eq!(shop.services[0].name, "web");
    assert_eq!(policies(&snapshot), ["shop/lock"]);
    assert_eq!(snapshot.cluster.nodes.len(), 1);
    for resource in Resource::ALL {
        assert_eq!(
            state(&snapshot, resource, None),
            State::Live,
            "{resource:?}"
        );
    }
    for resource in Resource::optional() {
        let state = state(&snapshot, resource, None);
        assert_eq!(state, State::NotServed, "{resource:?}");
    }
    assert_eq!(&*snapshot.origin, "scripted");
    assert!(
        snapshot.diagnostics.is_empty(),
        "{:?}",
        snapshot.diagnostics
    );
    assert!(handle.pulse.borrow().heard.is_some());

    for request in server.log() {
        assert_eq!(request.token.as_deref(), Some("t"));
        assert!(request.headers["user-agent"].starts_with("netseg-tui/"));
        let is_partial = request.headers["accept"].contains("PartialObjectMetadata");
        let is_owner = ["replicasets", "jobs"].contains(&request.plural.as_str());
        assert_eq!(is_partial, is_owner, "{}", request.plural);
        // Compressed watches of servers from 1.37 on cannot be read.
        let is_plain = request.headers["accept-encoding"] == "identity";
        assert_eq!(is_plain, request.verb == Verb::Watch);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_shown_within_a_second_and_the_rest_is_shared() {
    let server = Server::with(SHOP);
    let mut handle = start(&server).await;
    let before = until_live(&mut handle).await;
    server.wait_for_requests(&Match::kind("networkpolicies").verb(Verb::Watch), 1);

    let asked = Instant::now();
    server.apply(OPEN);
    let opened = until(&mut handle, |s| policies(s) == ["shop/lock", "shop/open"]).await;
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "{:?}",
        asked.elapsed()
    );
    assert!(opened.revision > before.revision);
    let vault = |snapshot: &Snapshot| Arc::clone(&snapshot.cluster.namespaces["vault"]);
    assert!(Arc::ptr_eq(&vault(&before), &vault(&opened)));

    let asked = Instant::now();
    server.delete("networkpolicies", "shop", "lock");
    until(&mut handle, |s| policies(s) == ["shop/open"]).await;
    assert!(asked.elapsed() < Duration::from_secs(1));

    // The same object once more changes its version only: nothing to show.
    server.apply(OPEN);
    server.apply(&OPEN.replace("name: open", "name: third"));
    let third = until(&mut handle, |s| policies(s).len() == 2).await;
    assert_eq!(third.revision, opened.revision + 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_that_empties_is_gone() {
    let server = Server::with(SHOP);
    let mut handle = start(&server).await;
    until_live(&mut handle).await;
    server.delete("pods", "vault", "db-0");
    server.delete("namespaces", "", "vault");
    until(&mut handle, |s| s.cluster.namespace("vault").is_none()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_come_in_pages() {
    let server = Server::start();
    for index in 0..1203 {
        server.put(serde_json::json!({ "kind": "Pod", "metadata": { "name": format!("p{index:04}"), "namespace": "shop" } }));
    }
    let snapshot = load(options(&server)).await.unwrap();
    assert_eq!(snapshot.cluster.namespace("shop").unwrap().pods.len(), 1203);
    let requests = server.wait_for_requests(&Match::kind("pods").verb(Verb::Continue), 2);
    let asked: Vec<(&str, &str)> = requests
        .iter()
        .map(|r| (r.query["limit"].as_str(), r.query["continue"].as_str()))
        .collect();
    assert_eq!(asked, [("500", "500"), ("500", "1000")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_expires_goes_on_with_the_token_it_is_given() {
    let server = Server::start();
    for index in 0..1203 {
        server.put(serde_json::json!({ "kind": "Pod", "metadata": { "name": format!("p{index:04}"), "namespace": "shop" } }));
    }
    let which = Match::kind("pods").verb(Verb::Continue);
    server.fail(which.clone().times(1), Fault::Expired);
    let snapshot = load(options(&server)).await.unwrap();
    assert_eq!(snapshot.cluster.namespace("shop").unwrap().pods.len(), 1203);
    let tokens: Vec<String> = server
        .wait_for_requests(&which, 3)
        .iter()
        .map(|request| request.query["continue"].clone())
        .collect();
    assert_eq!(tokens, ["500", "500x", "1000"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_kind_is_forbidden_and_comes_back() {
    let server = Server::with(SHOP);
    server.fail(Match::kind("networkpolicies"), Fault::Status(403));
    let mut handle = start(&server).await;
    let snapshot = until_live(&mut handle).await;
    let refused = forbidden("networkpolicies");
    assert_eq!(state(&snapshot, Resource::NetworkPolicies, None), refused);
    assert_eq!(
        state(&snapshot, Resource::NetworkPolicies, Some("shop")),
        refused
    );
    assert_eq!(state(&snapshot, Resource::Pods, None), State::Live);
    assert!(policies(&snapshot).is_empty());

    server.heal();
    let snapshot = until(&mut handle, |s| policies(s) == ["shop/lock"]).await;
    // Listed by namespace or as a whole, whichever was tried first; in the end as a whole alone.
    assert!(
        snapshot
            .cluster
            .coverage
            .is_readable(Resource::NetworkPolicies, Some("shop"))
    );
    until(&mut handle, |s| {
        let core = s.cluster.coverage.iter();
        core.filter(|(resource, ..)| !resource.is_optional())
            .count()
            == Resource::ALL.len()
            && state(s, Resource::NetworkPolicies, None) == State::Live
            && policies(s) == ["shop/lock"]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_as_a_whole_is_read_by_the_namespaces_named() {
    let server = Server::with(SHOP);
    server.fail(Match::all().whole(), Fault::Status(403));
    let asked = LiveOptions {
        namespaces: vec!["shop".to_owned(), "empty".to_owned()],
        ..options(&server)
    };
    let snapshot = load(asked).await.unwrap();
    let names: Vec<&String> = snapshot.cluster.namespaces.keys().collect();
    assert_eq!(names, ["empty", "shop"]);
    assert_eq!(policies(&snapshot), ["shop/lock"]);
    // Read by name, so that its labels are known.
    let shop = snapshot.cluster.namespace("shop").unwrap();
    assert_eq!(shop.labels.get("team"), Some("a"));
    assert!(!snapshot.cluster.namespace("empty").unwrap().declared);
    for (resource, namespace, expected) in [
        (Resource::Pods, None, forbidden("pods")),
        (Resource::Pods, Some("shop"), State::Live),
        (Resource::Pods, Some("vault"), forbidden("pods")),
        (Resource::NetworkPolicies, Some("empty"), State::Live),
        (Resource::Namespaces, Some("shop"), State::Polled),
        (Resource::Nodes, None, forbidden("nodes")),
        (Resource::Nodes, Some("shop"), forbidden("nodes")),
    ] {
        assert_eq!(
            state(&snapshot, resource, namespace),
            expected,
            "{resource:?} {namespace:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_names_the_listable_namespaces_are_read_else_the_contexts() {
    let server = Server::with(SHOP);
    server.fail(Match::kind("networkpolicies").whole(), Fault::Status(403));
    server.fail(
        Match::kind("networkpolicies").namespace("vault"),
        Fault::Status(403),
    );
    let snapshot = load(options(&server)).await.unwrap();
    let policies_state = |namespace| state(&snapshot, Resource::NetworkPolicies, Some(namespace));
    assert_eq!(policies_state("shop"), State::Live);
    assert_eq!(policies_state("vault"), forbidden("networkpolicies"));

    server.fail(Match::kind("namespaces"), Fault::Status(403));
    server.fail(Match::all().namespace("vault"), Fault::Drop);
    let snapshot = load(options(&server)).await.unwrap();
    // The kubeconfig's context says `shop`.
    assert_eq!(policies(&snapshot), ["shop/lock"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_that_is_refused_becomes_a_poll() {
    let server = Server::with(SHOP);
    server.fail(
        Match::kind("services").verb(Verb::Watch),
        Fault::Status(403),
    );
    let mut quick = options(&server);
    quick.pace.poll = Duration::from_millis(100);
    let mut handle = live::start(quick).await.unwrap();
    until(&mut handle, |s| {
        state(s, Resource::Services, None) == State::Polled
    })
    .await;
    server.delete("services", "shop", "web");
    let gone = |s: &Snapshot| {
        s.cluster
            .namespace("shop")
            .is_some_and(|shop| shop.services.is_empty())
    };
    let snapshot = until(&mut handle, gone).await;
    assert_eq!(snapshot.link, Link::Live);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_that_is_not_served_is_nothing_to_know() {
    let server = Server::with(SHOP);
    server.fail(Match::kind("endpointslices"), Fault::Status(404));
    let snapshot = load(options(&server)).await.unwrap();
    assert_eq!(
        state(&snapshot, Resource::EndpointSlices, None),
        State::NotServed
    );
    assert_eq!(snapshot.link, Link::Live);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_that_is_too_old_lists_again() {
    let server = Server::with(SHOP);
    let mut handle = start(&server).await;
    let before = until_live(&mut handle).await;
    let watches = Match::kind("networkpolicies").verb(Verb::Watch);
    server.wait_for_requests(&watches, 1);
    server.delete_unseen("networkpolicies", "shop", "lock");
    server.apply(OPEN);
    server.compact();
    server.end_watches();
    let snapshot = until(&mut handle, |s| policies(s) == ["shop/open"]).await;
    assert!(snapshot.revision > before.revision);
    // What did not change came again, and is what it was.
    let vault = |snapshot: &Snapshot| Arc::clone(&snapshot.cluster.namespaces["vault"]);
    assert_eq!(vault(&before), vault(&snapshot));
    assert!(
        Arc::ptr_eq(&vault(&before), &vault(&snapshot)),
        "{before:?} {snapshot:?}"
    );
    assert_eq!(
        server
            .wait_for_requests(&Match::kind("pods").verb(Verb::List), 2)
            .len(),
        2
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watches_cut_short_are_opened_less_and_less_often() {
    let server = Server::with(SHOP);
    let watches = Match::kind("pods").verb(Verb::Watch);
    server.fail(watches.clone(), Fault::EndAtOnce);
    let _handle = start(&server).await;
    let requests = server.wait_for_requests(&watches, 7);
    let pauses: Vec<Duration> = requests
        .windows(2)
        .map(|pair| pair[1].at - pair[0].at)
        .collect();
    // 20 ms doubled each time, of which the last quarter is chance.
    for (index, pause) in pauses.iter().enumerate() {
        let least = Duration::from_millis(20).mul_f64(0.75) * (1 << index);
        assert!(*pause >= least, "{pauses:?}");
    }
    assert_eq!(
        server
            .log()
            .iter()
            .filter(|r| r.plural == "pods" && r.verb == Verb::List)
            .count(),
        1
    );
}

const GUARD: &str = "\
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: guard}
spec:
  tier: Admin
  priority: 9
  subject: {namespaces: {}}
  ingress: [{name: no vault, action: Deny, from: [{namespaces: {matchLabels: {team: v}}}]}]
";

const CILIUM: &str = "\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: l7, namespace: shop}
spec: {endpointSelector: {}}
";

const WIDE: Resource = Resource::ClusterNetworkPolicies;

fn define_guard(server: &Server) {
    let group = "policy.networking.k8s.io/v1alpha2";
    server.define(group, WIDE.plural(), WIDE.kind(), "Cluster");
}

fn define_cilium(server: &Server) {
    let kind = cilium();
    server.define("cilium.io/v2", kind.plural(), kind.kind(), "Namespaced");
}

fn cilium() -> Resource {
    Resource::Other(PolicyKind::find("cilium.io", "CiliumNetworkPolicy").unwrap())
}

fn foreign(snapshot: &Snapshot) -> Vec<String> {
    let foreign = snapshot.cluster.foreign.iter();
    foreign
        .map(|one| format!("{} {}/{}", one.kind.kind(), one.namespace, one.name))
        .collect()
}

/// Cluster-wide policies by name and priority.
fn wide(snapshot: &Snapshot) -> Vec<(String, Option<u16>)> {
    let policies = snapshot.cluster.cluster_policies.iter();
    policies
        .map(|policy| (policy.name.clone(), policy.tier.priority()))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_wide_policies_are_followed() {
    let server = Server::with(SHOP);
    define_guard(&server);
    server.apply(GUARD);
    let mut handle = start(&server).await;
    let snapshot = until_live(&mut handle).await;
    assert_eq!(wide(&snapshot), [("guard".to_owned(), Some(9))]);
    assert_eq!(state(&snapshot, WIDE, None), State::Live);
    assert_eq!(state(&snapshot, WIDE, Some("shop")), State::Live);
    assert!(
        snapshot.diagnostics.is_empty(),
        "{:?}",
        snapshot.diagnostics
    );
    let policies = &snapshot.cluster.cluster_policies;
    assert_eq!(policies[0].ingress.as_ref().unwrap()[0].name, "no vault");
    // The other kinds of the group are not there.
    assert_eq!(
        state(&snapshot, Resource::AdminNetworkPolicies, None),
        State::NotServed
    );

    server.wait_for_requests(&Match::kind(WIDE.plural()).verb(Verb::Watch), 1);
    server.apply(&GUARD.replace("priority: 9", "priority: 3"));
    let changed = until(&mut handle, |s| wide(s) == [("guard".to_owned(), Some(3))]).await;
    assert!(changed.revision > snapshot.revision);
    let vault = |snapshot: &Snapshot| Arc::clone(&snapshot.cluster.namespaces["vault"]);
    assert!(Arc::ptr_eq(&vault(&snapshot), &vault(&changed)));
    server.apply(&GUARD.replace("action: Deny", "action: Refuse"));
    let odd = until(&mut handle, |s| !s.diagnostics.is_empty()).await;
    assert_eq!(
        odd.diagnostics[0].object.as_deref(),
        Some("ClusterNetworkPolicy guard")
    );
    server.delete(WIDE.plural(), "", "guard");
    until(&mut handle, |s| {
        wide(s).is_empty() && s.diagnostics.is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ingresses_are_followed_and_refusing_them_costs_no_verdict() {
    const FRONT: &str = "
{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web, namespace: shop}, spec: {ingressClassName: nginx, rules: [{host: a.org, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}}
";
    let fronts = |snapshot: &Snapshot| -> Vec<String> {
        let spaces = snapshot.cluster.namespaces.values();
        let all = spaces.flat_map(|space| &space.ingresses);
        all.map(|ingress| format!("{} {}", ingress.label(), ingress.routes.len()))
            .collect()
    };
    let server = Server::with(SHOP);
    server.apply(FRONT);
    let mut handle = start(&server).await;
    let snapshot = until_live(&mut handle).await;
    assert_eq!(fronts(&snapshot), ["shop/web 1"]);
    server.delete("ingresses", "shop", "web");
    until(&mut handle, |s| fronts(s).is_empty()).await;

    server.apply(FRONT);
    server.fail(Match::kind("ingresses"), Fault::Status(403));
    let snapshot = load(options(&server)).await.unwrap();
    assert_eq!(snapshot.link, Link::Live);
    assert!(fronts(&snapshot).is_empty());
    let ingresses = state(&snapshot, Resource::Ingresses, Some("shop"));
    assert_eq!(ingresses, forbidden("ingresses"));
    assert_eq!(policies(&snapshot), ["shop/lock"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_kind_that_is_not_served_costs_nothing() {
    let server = Server::with(SHOP);
    let snapshot = load(options(&server)).await.unwrap();
    assert_eq!(snapshot.link, Link::Live);
    for resource in Resource::optional() {
        assert_eq!(state(&snapshot, resource, None), State::NotServed);
    }
    let known = Resource::ALL.map(Resource::plural);
    for request in server.log() {
        let is_known = request.plural == "apis" || known.contains(&request.plural.as_str());
        // The heartbeat asks for no kind.
        assert!(is_known || request.plural.is_empty(), "{request:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_policy_kind_is_forbidden_not_absent() {
    let server = Server::with(SHOP);
    define_guard(&server);
    server.apply(GUARD);
    server.fail(Match::kind(WIDE.plural()), Fault::Status(403));
    let snapshot = load(options(&server)).await.unwrap();
    assert_eq!(
        state(&snapshot, WIDE, Some("shop")),
        forbidden(WIDE.plural())
    );
    assert!(wide(&snapshot).is_empty());
    server.heal();
    let mut handle = start(&server).await;
    until(&mut handle, |s| wide(s).len() == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_of_other_projects_are_counted() {
    let server = Server::with(SHOP);
    define_cilium(&server);
    server.apply(CILIUM);
    let mut handle = start(&server).await;
    let snapshot = until_live(&mut handle).await;
    assert_eq!(foreign(&snapshot), ["CiliumNetworkPolicy shop/l7"]);
    assert_eq!(state(&snapshot, cilium(), Some("shop")), State::Live);
    let told: Vec<&str> = snapshot
        .diagnostics
        .iter()
        .map(|told| told.message.as_str())
        .collect();
    assert_eq!(
        told,
        [
            "CiliumNetworkPolicy of cilium.io is not evaluated, and there is 1 object in shop: \
             connections of the pods they may act on are unknown"
        ]
    );
    // Only that they exist is asked for.
    for request in server.wait_for_requests(&Match::kind("ciliumnetworkpolicies"), 2) {
        assert!(request.headers["accept"].contains("PartialObjectMetadata"));
    }
    server.delete("ciliumnetworkpolicies", "shop", "l7");
    let gone = until(&mut handle, |s| foreign(s).is_empty()).await;
    assert!(gone.diagnostics.is_empty());
    assert!(gone.revision > snapshot.revision);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_of_other_projects_are_read_by_namespace_where_the_whole_is_refused() {
    let server = Server::with(SHOP);
    define_cilium(&server);
    server.apply(CILIUM);
    server.apply(&CILIUM.replace("shop", "vault"));
    server.fail(
        Match::kind("ciliumnetworkpolicies").whole(),
        Fault::Status(403),
    );
    let asked = LiveOptions {
        namespaces: vec!["shop".to_owned()],
        ..options(&server)
    };
    let snapshot = load(asked).await.unwrap();
    assert_eq!(foreign(&snapshot), ["CiliumNetworkPolicy shop/l7"]);
    assert_eq!(state(&snapshot, cilium(), Some("shop")), State::Live);
    let refused = forbidden("ciliumnetworkpolicies");
    assert_eq!(state(&snapshot, cilium(), Some("vault")), refused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn definitions_come_and_go_while_running() {
    let server = Server::with(SHOP);
    let mut handle = start(&server).await;
    let before = until_live(&mut handle).await;
    assert_eq!(state(&before, WIDE, None), State::NotServed);

    define_guard(&server);
    define_cilium(&server);
    server.apply(GUARD);
    server.apply(CILIUM);
    until(&mut handle, |s| {
        wide(s).len() == 1 && foreign(s).len() == 1 && s.link == Link::Live
    })
    .await;

    server.undefine(WIDE.plural());
    let gone = until(&mut handle, |s| {
        state(s, WIDE, None) == State::NotServed && s.link == Link::Live
    })
    .await;
    assert!(wide(&gone).is_empty());
    assert_eq!(foreign(&gone).len(), 1);
    define_guard(&server);
    server.apply(GUARD);
    until(&mut handle, |s| wide(s).len() == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_discovered_is_unknown_not_absent() {
    let server = Server::with(SHOP);
    define_cilium(&server);
    server.fail(Match::kind("apis/cilium.io"), Fault::Status(503));
    let snapshot = load(options(&server)).await.unwrap();
    let state_of = |resource| state(&snapshot, resource, None);
    let failed = State::Failed {
        why: "apis/cilium.io is refused by the test (503)".to_owned(),
    };
    assert_eq!(state_of(cilium()), failed);
    assert_eq!(state_of(WIDE), State::NotServed);

    // A group that says nothing of its kinds in a version known here.
    server.heal();
    let group = "policy.networking.k8s.io/v1beta1";
    server.define(group, WIDE.plural(), WIDE.kind(), "Cluster");
    let mut handle = start(&server).await;
    let odd = until(&mut handle, |s| {
        matches!(state(s, WIDE, None), State::Failed { .. })
    })
    .await;
    assert_eq!(
        state(&odd, WIDE, None).message(),
        Some(
            "the server has clusternetworkpolicies in policy.networking.k8s.io/v1beta1, which is not known"
        )
    );

    server.fail(Match::kind("apis"), Fault::Status(403));
    let snapshot = load(options(&server)).await.unwrap();
    for resource in Resource::optional() {
        let state = state(&snapshot, resource, None);
        assert_eq!(state, forbidden("apis"), "{resource:?}");
    }
    assert_eq!(policies(&snapshot), ["shop/lock"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_known_of_policy_kinds_outlives_a_lost_server() {
    let server = Server::with(SHOP);
    define_guard(&server);
    server.apply(GUARD);
    let mut handle = start(&server).await;
    until_live(&mut handle).await;
    server.wait_for_requests(&Match::all().verb(Verb::Watch), 10);
    server.go_away();
    let lost = until(&mut handle, |s| {
        matches!(state(s, WIDE, None), State::Stale { .. })
    })
    .await;
    assert_eq!(wide(&lost).len(), 1);
    assert_eq!(state(&lost, cilium(), None), State::NotServed);
    server.come_back();
    handle.reconnect();
    until_live(&mut handle).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_odd_object_is_told_and_hides_nothing() {
    let server = Server::with(SHOP);
    server.apply(
        "kind: NetworkPolicy\nmetadata: {name: odd, namespace: shop}\nspec: {podSelector: 3}\n",
    );
    let mut handle = start(&server).await;
    let snapshot = until_live(&mut handle).await;
    // It exists, so it is there; what it does is unknown.
    assert_eq!(policies(&snapshot), ["shop/lock", "shop/odd"]);
    let told: Vec<Option<&str>> = snapshot
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity >= Severity::Warning)
        .map(|diagnostic| diagnostic.object.as_deref())
        .collect();
    assert_eq!(told, [Some("NetworkPolicy shop/odd")]);

    server.apply(
        "kind: NetworkPolicy\nmetadata: {name: odd, namespace: shop}\nspec: {podSelector: {}}\n",
    );
    until(&mut handle, |s| s.diagnostics.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_server_leaves_the_old_picture_and_comes_back() {
    let server = Server::with(SHOP);
    let mut handle = start(&server).await;
    until_live(&mut handle).await;
    server.wait_for_requests(&Match::all().verb(Verb::Watch), 9);
    server.go_away();
    let lost = until(&mut handle, |s| {
        matches!(state(s, Resource::Pods, None), State::Stale { .. })
    })
    .await;
    assert!(
        matches!(&lost.link, Link::Offline { since, .. } if since.ends_with('Z')),
        "{:?}",
        lost.link
    );
    assert_eq!(policies(&lost), ["shop/lock"]);
    server.come_back();
    handle.reconnect();
    until_live(&mut handle).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_falls_silent_is_noticed_though_its_watches_stay_open() {
    let server = Server::with(SHOP);
    let mut quick = options(&server);
    quick.pace.heartbeat = Duration::from_millis(100);
    let mut handle = live::start(quick).await.unwrap();
    until_live(&mut handle).await;
    server.wait_for_requests(&Match::all().verb(Verb::Watch), 9);
    server.fail(Match::all(), Fault::Hang);
    let silent = until(&mut handle, |s| s.link != Link::Live).await;
    assert!(
        matches!(&silent.link, Link::Offline { why, .. } if why == "no connection: the server does not answer"),
        "{:?}",
        silent.link
    );
    assert_eq!(policies(&silent), ["shop/lock"]);
    server.heal();
    // Without anybody asking for it.
    until_live(&mut handle).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_is_told() {
    let server = Server::with(SHOP);
    let options = options(&server);
    let url = server.url();
    server.go_away();
    let started = Instant::now();
    let error = load(options.clone()).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(3));
    let said = error.to_string();
    assert!(said.starts_with(&format!("cannot reach {url}: ")), "{said}");
    assert!(said.contains("refused"), "{said}");
    assert!(error.hint().is_some());

    // The screen starts all the same and says why it is empty.
    let mut handle = live::start(options).await.unwrap();
    let snapshot = until(&mut handle, |s| {
        matches!(state(s, Resource::Pods, None), State::Failed { .. })
    })
    .await;
    let Link::Loading { progress, .. } = &snapshot.link else {
        panic!("{:?}", snapshot.link);
    };
    assert!(
        progress.iter().any(|line| line.contains("no connection")),
        "{progress:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_is_told_in_time() {
    let server = Server::with(SHOP);
    server.fail(Match::all(), Fault::Hang);
    let error = live::load_once(options(&server), Duration::from_millis(300)).await;
    assert!(matches!(error, Err(LiveError::TimedOut { .. })));

    // One kind that hangs leaves the others; what it would say stays unknown.
    server.heal();
    server.fail(Match::kind("endpointslices"), Fault::Hang);
    let limit = Duration::from_secs(2);
    let snapshot = live::load_once(options(&server), limit).await.unwrap();
    assert_eq!(
        state(&snapshot, Resource::EndpointSlices, None),
        State::Loading
    );
    assert_eq!(policies(&snapshot), ["shop/lock"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_trouble_is_sat_out() {
    let server = Server::with(SHOP);
    server.fail(Match::kind("pods").times(2), Fault::Status(503));
    server.fail(Match::kind("services").times(1), Fault::Drop);
    server.fail(
        Match::kind("jobs").times(1),
        Fault::Slow(Duration::from_millis(100)),
    );
    let snapshot = load(options(&server)).await.unwrap();
    assert_eq!(snapshot.link, Link::Live);
    assert!(
        snapshot
            .cluster
            .namespace("shop")
            .unwrap()
            .pod("web-1-a")
            .is_some()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_that_keeps_failing_is_failed_not_empty() {
    let server = Server::with(SHOP);
    server.fail(Match::kind("networkpolicies"), Fault::Status(500));
    let snapshot = load(options(&server)).await.unwrap();
    let failed = State::Failed {
        why: "networkpolicies is refused by the test (500)".to_owned(),
    };
    assert_eq!(state(&snapshot, Resource::NetworkPolicies, None), failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_credentials_are_told_without_showing_them() {
    let server = Server::with(SHOP);
    server.fail(Match::all(), Fault::Status(401));
    let mut options = options(&server);
    options.kubeconfig = Some(server.kubeconfig_with_user("{token: s3cret}"));
    let error = load(options).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{} rejects the credentials of context `scripted` (401)",
            server.url()
        )
    );
    assert!(!format!("{error:?}").contains("s3cret"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_is_run_again_when_its_token_is_refused() {
    let server = Server::with(SHOP);
    let folder = tempfile::tempdir().unwrap();
    let count = folder.path().join("count");
    // Gives token1, token2, ...
    let script = format!(
        "echo x >> {0}; printf '{{\"status\": {{\"token\": \"token%d\"}}}}' $(wc -l < {0})",
        count.display()
    );
    let user = serde_json::json!({ "exec": { "command": "sh", "args": ["-c", script] } });
    let mut options = options(&server);
    options.kubeconfig = Some(server.kubeconfig_with_user(&user.to_string()));
    server.fail(Match::all().token("token1"), Fault::Status(401));
    let snapshot = load(options.clone()).await.unwrap();
    assert_eq!(snapshot.link, Link::Live);
    assert_eq!(std::fs::read_to_string(&count).unwrap().lines().count(), 2);

    // Refused again and again: it is not run for each request.
    server.fail(Match::all(), Fault::Status(401));
    std::fs::remove_file(&count).unwrap();
    assert!(matches!(
        load(options).await,
        Err(LiveError::Unauthorized { .. })
    ));
    assert_eq!(std::fs::read_to_string(&count).unwrap().lines().count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_fails_is_named() {
    let server = Server::with(SHOP);
    let user = r#"{"exec": {"command": "sh", "args": ["-c", "echo log in first >&2; exit 7"]}}"#;
    let mut options = options(&server);
    options.kubeconfig = Some(server.kubeconfig_with_user(user));
    let error = load(options).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "credential plugin `sh` failed (exit status: 7): log in first"
    );
    assert!(server.log().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_context_names_the_known_ones() {
    let server = Server::start();
    let wrong = LiveOptions {
        context: Some("prod".to_owned()),
        ..options(&server)
    };
    let Err(error) = live::start(wrong).await else {
        panic!("there is no such context");
    };
    assert_eq!(
        error.to_string(),
        "the kubeconfig has no context named `prod`"
    );
    assert_eq!(error.hint().as_deref(), Some("known: scripted"));
}
