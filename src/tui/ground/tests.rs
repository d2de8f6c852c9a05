use super::*;
use crate::source::{Link, manifests};
use crate::tui::view::plain;

const WORLD: &str = "
{kind: Pod, apiVersion: v1, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {containers: [{name: c, ports: [{containerPort: 80}]}]}, status: {phase: Running, podIPs: [{ip: 10.0.1.1}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: db, namespace: shop, labels: {app: db}}, spec: {containers: [{name: c, ports: [{containerPort: 5432}]}]}, status: {phase: Running, podIPs: [{ip: 10.0.1.2}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: other, namespace: area, labels: {app: other}}, spec: {containers: [{name: c}]}, status: {phase: Running, podIPs: [{ip: 10.0.2.1}]}}
---
{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: db, namespace: shop}, spec: {podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]}}
";

fn snapshot() -> Snapshot {
    let (cluster, told) = manifests::parse("world.yaml", WORLD);
    assert!(told.is_empty(), "{told:?}");
    Snapshot {
        revision: 1,
        cluster: Arc::new(cluster),
        diagnostics: Arc::default(),
        origin: "test".into(),
        link: Link::Fixed,
    }
}

fn ground() -> Ground {
    Ground::new(Judge {
        offline: true,
        profile: None,
        expectations: None,
        today: jiff::civil::date(2026, 1, 1),
    })
}

#[test]
fn a_view_shows_what_was_chosen() {
    let (ground, snapshot) = (ground(), snapshot());
    let all = ground.view(&snapshot, &Settings::default());
    let names: Vec<&str> = all.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(
        names,
        ["db", "web", "other"],
        "what nobody segmented comes last"
    );
    assert_eq!((all.pods, all.policies, all.environment), (3, 1, None));
    assert!(all.rows[0].ingress.iter().all(|item| item.sign.is_none()));

    let narrow = Settings {
        namespaces: vec!["shop".to_owned()],
        workload: Some("shop/pod/db".to_owned()),
        ..Settings::default()
    };
    let shop = ground.view(&snapshot, &narrow);
    assert_eq!((shop.pods, shop.rows.len()), (2, 2));
    let flows = shop.flows.unwrap();
    let incoming: Vec<String> = flows
        .rows
        .iter()
        .filter(|flow| flow.incoming)
        .map(|flow| {
            format!(
                "{} {} {} {}",
                flow.peer, flow.port, flow.verdict, flow.decided_by
            )
        })
        .collect();
    assert_eq!(incoming, ["shop/web 5432/TCP allow shop/db"]);
}

#[test]
fn an_unchanged_choice_keeps_its_graph_so_that_nothing_is_laid_out_again() {
    let (ground, snapshot) = (ground(), snapshot());
    let first = ground.view(&snapshot, &Settings::default());
    let narrowed = Settings {
        workload: Some("shop/pod/db".to_owned()),
        ..Settings::default()
    };
    let second = ground.view(&snapshot, &narrowed);
    assert!(Arc::ptr_eq(&first.graph, &second.graph));
}

#[test]
fn a_probe_is_read_while_it_is_typed() {
    let (ground, snapshot) = (ground(), snapshot());
    assert_eq!(
        ground.read("shop/web", 8),
        Draft::default(),
        "nothing was read yet"
    );
    ground.view(&snapshot, &Settings::default());
    let texts = |draft: &Draft| -> Vec<String> {
        draft
            .candidates
            .iter()
            .map(|candidate| candidate.text.clone())
            .collect()
    };

    let draft = ground.read("shop/web shop/d", 15);
    assert_eq!(texts(&draft), ["shop/db"]);
    assert_eq!(draft.parts[0].reading, Ok("1 pod".to_owned()));
    assert_eq!(
        draft.parts[1].reading,
        Ok("choose or go on typing".to_owned())
    );

    let draft = ground.read("shop/web shop/db ", 17);
    assert_eq!(texts(&draft), ["5432"]);

    assert_eq!(
        ground.read("shop/web shop/db 5432", 21).verdict,
        Some(Verdict::Allow)
    );
    assert_eq!(
        ground.read("shop/web -> shop/db:80", 22).verdict,
        Some(Verdict::Deny)
    );
    let wrong = ground.read("shop/nobody-here shop/db 99999", 30);
    assert!(wrong.parts[0].reading.is_err() && wrong.parts[2].reading.is_err());
    assert_eq!(wrong.verdict, None);
}

#[test]
fn an_answer_begins_with_its_sign_and_an_unaskable_one_says_why() {
    let (ground, snapshot) = (ground(), snapshot());
    let ask = |line: &str| parse_line(line).and_then(|question| ground.ask(&question));
    assert_eq!(
        ask("shop/web shop/db"),
        Err("nothing was read yet".to_owned())
    );
    ground.view(&snapshot, &Settings::default());
    let answer = ask("area/other shop/db 5432").unwrap();
    assert_eq!(answer.verdict, Verdict::Deny);
    assert!(plain(&answer.lines[0]).starts_with("✗ DENY     area/other → shop/db 5432/TCP"));
    assert_eq!(answer.to_id.as_deref(), Some("shop/pod/db"));
    assert!(ask("shop/web shop/dbb").unwrap_err().contains("shop/db"));
}

#[test]
fn a_workload_is_told_by_what_isolates_it() {
    let (ground, snapshot) = (ground(), snapshot());
    ground.view(&snapshot, &Settings::default());
    let text: Vec<String> = ground
        .about("shop/pod/db")
        .unwrap()
        .lines
        .iter()
        .map(|line| plain(line))
        .collect();
    let text = text.join("\n");
    for words in [
        "INGRESS  isolated: what no rule allows is denied\n  shop/db",
        "EGRESS  not isolated",
        "in  shop/web 5432/TCP  ✓ ALLOW",
    ] {
        assert!(text.contains(words), "no `{words}` in\n{text}");
    }
    assert_eq!(ground.about("shop/pod/nobody"), None);
}

/// "Everything is allowed" is no news of a cluster in which another project may decide.
#[test]
fn where_others_may_decide_nothing_is_called_allowed() {
    let pod = "{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: x}, spec: {containers: [{name: c}]}, status: {phase: Running, podIPs: [{ip: 10.0.0.1}]}}\n";
    let other = "---\n{kind: CiliumNetworkPolicy, apiVersion: cilium.io/v2, metadata: {name: c, namespace: x}}\n";
    let notes = |text: &str| {
        let (cluster, told) = manifests::parse("world.yaml", text);
        let snapshot = Snapshot {
            cluster: Arc::new(cluster),
            diagnostics: Arc::new(told),
            ..snapshot()
        };
        ground().view(&snapshot, &Settings::default()).notes
    };
    let without = notes(pod);
    assert!(without[0].starts_with("no NetworkPolicy was read"));
    let with = notes(&format!("{pod}{other}"));
    assert!(with[0].contains("CiliumNetworkPolicy"), "{with:?}");
    assert!(
        with[0].contains("not evaluated") || with[0].contains("UNKNOWN"),
        "{with:?}"
    );
}

fn foreign(kind: &str, places: &[(&str, &str)]) -> Vec<crate::model::Foreign> {
    let group = match kind {
        "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy" => "cilium.io",
        _ => "security.istio.io",
    };
    let kind = crate::model::PolicyKind::find(group, kind).expect("a known kind");
    places
        .iter()
        .map(|(namespace, name)| crate::model::Foreign {
            kind,
            namespace: (*namespace).to_owned(),
            name: (*name).to_owned(),
            source: None,
        })
        .collect()
}

fn with_foreign(foreign: Vec<crate::model::Foreign>) -> Snapshot {
    let mut snapshot = snapshot();
    Arc::make_mut(&mut snapshot.cluster).foreign = Arc::new(foreign);
    snapshot
}

#[test]
fn policies_of_other_projects_are_counted_wherever_a_reader_looks() {
    let snapshot = with_foreign(foreign(
        "CiliumNetworkPolicy",
        &[("area", "a"), ("shop", "a"), ("shop", "b")],
    ));
    let view = ground().view(&snapshot, &Settings::default());
    let sentence = "3 CiliumNetworkPolicies: verdicts of area and shop are UNKNOWN";
    assert_eq!(
        view.not_evaluated,
        Some((
            "3 CiliumNetworkPolicies not evaluated".to_owned(),
            "3 not evaluated".to_owned()
        ))
    );
    let gaps: Vec<String> = view
        .gaps
        .iter()
        .map(|gap| format!("{}|{}|{}", gap.kind, gap.scope, gap.cost))
        .collect();
    assert_eq!(
        gaps,
        [format!(
            "ciliumnetworkpolicies.cilium.io|area shop|{sentence}"
        )]
    );
    assert!(!view.partial, "all of it was read");

    // In a narrower view only what stands there counts.
    let shop = Settings {
        namespaces: vec!["shop".to_owned()],
        ..Settings::default()
    };
    let view = ground().view(&snapshot, &shop);
    assert_eq!(
        view.gaps[0].cost,
        "2 CiliumNetworkPolicies: verdicts of shop are UNKNOWN"
    );
    let area = Settings {
        namespaces: vec!["nowhere".to_owned()],
        ..Settings::default()
    };
    assert_eq!(ground().view(&snapshot, &area).not_evaluated, None);
}

#[test]
fn what_policies_of_other_projects_cost_depends_on_what_they_may_do() {
    let told = |kind: &str, places: &[(&str, &str)]| {
        let snapshot = with_foreign(foreign(kind, places));
        ground().view(&snapshot, &Settings::default()).gaps[0]
            .cost
            .clone()
    };
    assert_eq!(
        told("CiliumClusterwideNetworkPolicy", &[("", "all")]),
        "1 CiliumClusterwideNetworkPolicy: verdicts of every namespace are UNKNOWN"
    );
    // A mesh is a further gate: what is denied stays denied.
    assert_eq!(
        told("AuthorizationPolicy", &[("shop", "a")]),
        "1 AuthorizationPolicy: what shop would ALLOW is UNKNOWN"
    );
    assert_eq!(
        told(
            "CiliumNetworkPolicy",
            &[("a", "p"), ("b", "p"), ("c", "p"), ("d", "p"), ("e", "p")]
        ),
        "5 CiliumNetworkPolicies: verdicts of a, b, c and 2 more are UNKNOWN"
    );
}

#[test]
fn where_several_projects_have_policies_the_header_counts_them_together() {
    let mut both = foreign("CiliumNetworkPolicy", &[("shop", "a"), ("shop", "b")]);
    both.extend(foreign("AuthorizationPolicy", &[("shop", "a")]));
    let view = ground().view(&with_foreign(both), &Settings::default());
    assert_eq!(
        view.not_evaluated,
        Some((
            "3 policies of other APIs not evaluated".to_owned(),
            "3 not evaluated".to_owned()
        ))
    );
    assert_eq!(view.gaps.len(), 2);
}

#[test]
fn cluster_wide_policies_count_in_every_scope() {
    let mut snapshot = snapshot();
    let cluster = Arc::make_mut(&mut snapshot.cluster);
    let mut policy = cluster.namespaces["shop"].policies[0].clone();
    policy.api = crate::model::PolicyApi::ClusterNetworkPolicy;
    policy.tier = crate::model::Tier::Admin { priority: 10 };
    policy.namespace = Arc::from("");
    policy.name = "tenant-wall".to_owned();
    cluster.cluster_policies = Arc::new(vec![policy]);
    let count = |namespaces: &[&str]| {
        let settings = Settings {
            namespaces: namespaces.iter().map(|name| (*name).to_owned()).collect(),
            ..Settings::default()
        };
        ground().view(&snapshot, &settings).policies
    };
    assert_eq!((count(&[]), count(&["shop"]), count(&["area"])), (2, 2, 1));
}
