//! Sides of answers made by hand, so that the words do not depend on what the engine finds.

use std::sync::Arc;

use super::*;
use crate::engine::explain::{Nearest, PeerMiss};
use crate::engine::{Cause, Engine, Fail, PolicyId, Profile, RuleId, Side};
use crate::model::{
    Action, Direction, NamespaceScope, Peer, PeerItem, Peers, Policy, PolicyApi, PolicyKind, Ports,
    Resource, Rule, Selector, SourceRef, Tier,
};
use crate::source::manifests;

const WORLD: &str = "{kind: Pod, apiVersion: v1, metadata: {name: web, namespace: shop}}
---
{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: default-deny, namespace: shop}, spec: {policyTypes: [Egress]}}
---
{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: to-db, namespace: shop}, spec: {egress: [{to: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 5432}]}]}}
";

fn selector(key: &str, value: &str) -> Selector {
    Selector::new([crate::model::Requirement::equals(key, value)])
}

fn pods_of(key: &str, value: &str) -> Peer {
    Peer::Pods {
        namespaces: NamespaceScope::Matching(selector(key, value)),
        pods: Selector::everything(),
    }
}

fn rule(action: Action, name: &str, peer: Peer, line: u32) -> Rule {
    Rule {
        action,
        name: name.to_owned(),
        peers: Peers::AnyOf(vec![PeerItem { peer, line: None }]),
        ports: Ports::All,
        line: Some(line),
    }
}

fn policy(api: PolicyApi, tier: Tier, name: &str, egress: Vec<Rule>) -> Policy {
    Policy {
        api,
        tier,
        namespace: Arc::from(""),
        name: name.to_owned(),
        source: Some(SourceRef {
            file: Arc::from("tenancy.yaml"),
            line: 3,
        }),
        created: None,
        subject_namespaces: NamespaceScope::Matching(Selector::everything()),
        subject: Selector::everything(),
        ingress: None,
        egress: Some(egress),
        invalid: Vec::new(),
    }
}

fn wall() -> Policy {
    policy(
        PolicyApi::ClusterNetworkPolicy,
        Tier::Admin { priority: 10 },
        "tenant-wall",
        vec![
            rule(Action::Pass, "own-tenant", pods_of("tenant", "a"), 9),
            rule(Action::Deny, "no-cross-tenant", pods_of("tenant", "b"), 14),
            rule(Action::Accept, "", Peer::Nodes(Selector::everything()), 19),
            rule(Action::Pass, "new", Peer::Empty, 24),
        ],
    )
}

fn baseline() -> Policy {
    policy(
        PolicyApi::BaselineAdminNetworkPolicy,
        Tier::Baseline { priority: 0 },
        "default",
        vec![rule(Action::Accept, "", pods_of("tenant", "a"), 6)],
    )
}

/// An engine whose policies can be looked up; what it would answer plays no part here.
pub(in crate::report) fn engine() -> Engine {
    let (mut cluster, told) = manifests::parse("np.yaml", WORLD);
    assert!(told.is_empty(), "{told:?}");
    cluster.cluster_policies = Arc::new(vec![wall(), baseline()]);
    Engine::build(&Arc::new(cluster), Profile::spec())
}

fn id(engine: &Engine, name: &str) -> PolicyId {
    let mut found = engine.policies();
    found
        .find(|id| engine.policy(*id).name == name)
        .unwrap_or_else(|| panic!("no policy {name}"))
}

pub(in crate::report) fn at(engine: &Engine, name: &str, rule: u32) -> RuleId {
    RuleId {
        policy: id(engine, name),
        direction: Direction::Egress,
        rule,
        item: Some(0),
    }
}

fn check(engine: &Engine, side: &Side, expected: &[&str]) {
    let lines = sides::side_lines(engine, Direction::Egress, side);
    let lines: Vec<String> = lines.iter().map(WordLine::plain).collect();
    assert_eq!(lines, expected);
    for line in &lines {
        assert!(crate::text::width(line) <= 80, "{line}");
    }
}

#[test]
fn a_denial_by_a_tier_names_tier_priority_rule_action_and_place() {
    let engine = engine();
    let side = Side {
        verdict: Verdict::Deny,
        decided_by: vec![at(&engine, "tenant-wall", 1)],
        isolated_by: vec![id(&engine, "default-deny"), id(&engine, "to-db")],
        ..Side::allow(Reason::TierDeny)
    };
    check(
        &engine,
        &side,
        &[
            "  egress   DENY    by ClusterNetworkPolicy tenant-wall (Admin, priority 10)",
            "                   egress[1].to[0] \"no-cross-tenant\": Deny   tenancy.yaml:14",
            "                   to every pod of namespaces tenant=b, any port",
            "           not asked, the Admin tier is first: default-deny, to-db",
        ],
    );
}

#[test]
fn an_allowance_after_a_pass_names_both_rules() {
    let engine = engine();
    let passed = Side {
        decided_by: vec![at(&engine, "to-db", 0)],
        isolated_by: vec![id(&engine, "default-deny"), id(&engine, "to-db")],
        passed_by: vec![at(&engine, "tenant-wall", 0)],
        ..Side::allow(Reason::RuleAllow)
    };
    check(
        &engine,
        &passed,
        &[
            "  egress   ALLOW   to-db egress[0].to[0]   to pods app=db, 5432/TCP   np.yaml:5",
            "           passed on by ClusterNetworkPolicy tenant-wall (Admin, priority 10)",
            "                   egress[0].to[0] \"own-tenant\": Pass   tenancy.yaml:9",
            "                   to every pod of namespaces tenant=a, any port",
        ],
    );
    // Behind a denial for want of a rule it is the same.
    let denied = Side {
        verdict: Verdict::Deny,
        reason: Reason::IsolatedNoMatch,
        decided_by: Vec::new(),
        isolated_by: vec![id(&engine, "default-deny")],
        ..passed
    };
    check(
        &engine,
        &denied,
        &[
            "  egress   DENY    isolated by default-deny; no rule matches",
            "           none of them has a rule in this direction",
            "           passed on by ClusterNetworkPolicy tenant-wall (Admin, priority 10)",
            "                   egress[0].to[0] \"own-tenant\": Pass   tenancy.yaml:9",
            "                   to every pod of namespaces tenant=a, any port",
        ],
    );
}

#[test]
fn the_older_generation_spells_accept_as_allow_and_has_no_priority_in_its_baseline() {
    let engine = engine();
    let side = Side {
        decided_by: vec![at(&engine, "default", 0)],
        ..Side::allow(Reason::TierAccept)
    };
    check(
        &engine,
        &side,
        &[
            "  egress   ALLOW   by BaselineAdminNetworkPolicy default (Baseline)",
            "                   egress[0].to[0]: Allow   tenancy.yaml:6",
            "                   to every pod of namespaces tenant=a, any port",
        ],
    );
}

#[test]
fn a_rule_that_fails_closed_says_so_and_not_what_it_would_match() {
    let engine = engine();
    let side = Side {
        verdict: Verdict::Deny,
        decided_by: vec![at(&engine, "tenant-wall", 3)],
        ..Side::allow(Reason::FailClosedPeer)
    };
    check(
        &engine,
        &side,
        &[
            "  egress   DENY    by ClusterNetworkPolicy tenant-wall (Admin, priority 10)",
            "                   egress[3].to[0] \"new\": Pass, fails closed   tenancy.yaml:24",
            "                   a peer of it has no known field, so it denies everything",
        ],
    );
}

#[test]
fn an_unknown_end_says_what_isolates_it_and_what_matched_all_the_same() {
    let engine = engine();
    let side = Side {
        verdict: Verdict::Unknown,
        decided_by: vec![at(&engine, "to-db", 0)],
        isolated_by: vec![id(&engine, "default-deny"), id(&engine, "to-db")],
        ..Side::allow(Reason::OtherPolicyApi)
    };
    check(
        &engine,
        &side,
        &[
            "  egress   UNKNOWN policies of other projects, not evaluated, may decide",
            "           isolated by default-deny, to-db",
            "           matched to-db egress[0].to[0]   to pods app=db, 5432/TCP   np.yaml:5",
        ],
    );
}

#[test]
fn policies_have_a_name_for_sentences_and_one_for_columns() {
    let (wall, baseline) = (wall(), baseline());
    let admin = Policy {
        api: PolicyApi::AdminNetworkPolicy,
        ..wall.clone()
    };
    let plain = Policy {
        api: PolicyApi::NetworkPolicy,
        tier: Tier::NetworkPolicy,
        namespace: Arc::from("shop"),
        ..wall.clone()
    };
    for (policy, name, short) in [
        (
            &wall,
            "ClusterNetworkPolicy tenant-wall (Admin, priority 10)",
            "cnp/tenant-wall (admin 10)",
        ),
        (
            &admin,
            "AdminNetworkPolicy tenant-wall (Admin, priority 10)",
            "anp/tenant-wall (admin 10)",
        ),
        (
            &baseline,
            "BaselineAdminNetworkPolicy default (Baseline)",
            "banp/default (baseline)",
        ),
        (&plain, "tenant-wall", "shop/tenant-wall"),
    ] {
        assert_eq!(
            (policy_name(policy).as_str(), policy_short(policy).as_str()),
            (name, short)
        );
    }
}

#[test]
fn what_a_peer_that_is_no_pod_wants_is_told() {
    let engine = engine();
    for (miss, expected) in [
        (PeerMiss::NotANode, "peer ✗ wants a node   port ✓"),
        (
            PeerMiss::Node {
                labels: vec![(
                    crate::model::Requirement::equals("zone", "a"),
                    Some("b".to_owned()),
                )],
            },
            "peer ✗ wants node zone=a (has zone=b)   port ✓",
        ),
        (
            PeerMiss::Labels {
                own_namespace: None,
                namespace: Vec::new(),
                tenant: Some((vec!["tenant".to_owned(), "stage".to_owned()], true)),
                pod: Vec::new(),
            },
            "peer ✗ wants a namespace with the same tenant, stage   port ✓",
        ),
        (
            PeerMiss::DomainName {
                name: "*.example.org".to_owned(),
            },
            "peer ✗ wants an address outside the cluster that *.example.org resolves to   port ✓",
        ),
    ] {
        let nearest = Nearest {
            rule: at(&engine, "tenant-wall", 1),
            fails: vec![Fail::Peer],
            peer: Some(miss),
            ports: None,
        };
        assert_eq!(nearest_detail(&nearest), expected);
    }
}

/// "if …: ALLOW, else DENY" has to be true of each, whatever else decides.
#[test]
fn a_condition_is_a_statement_that_allows_when_it_holds_and_denies_when_not() {
    let other = |group: &str, kind: &str, namespace: &str, one: Option<&str>| Cause::OtherPolicy {
        kind: PolicyKind::find(group, kind).expect("a known kind"),
        namespace: namespace.to_owned(),
        name: one.map(str::to_owned),
    };
    let (cluster, _) = manifests::parse("t", WORLD);
    let engine = Engine::build(&Arc::new(cluster), Profile::spec());
    for (told, expected) in [
        (
            // May open what is closed, and close what is open.
            other("cilium.io", "CiliumNetworkPolicy", "shop", Some("l7")),
            "CiliumNetworkPolicy shop/l7, which is not evaluated, opens this or leaves it open",
        ),
        (
            // The same kind in the Kubernetes API.
            other("projectcalico.org", "NetworkPolicy", "shop", Some("x")),
            "NetworkPolicy shop/x (projectcalico.org), which is not evaluated, opens this or leaves it open",
        ),
        (
            // A further gate, that can only close.
            other(
                "security.istio.io",
                "AuthorizationPolicy",
                "shop",
                Some("mtls"),
            ),
            "AuthorizationPolicy shop/mtls, which is not evaluated, does not close this",
        ),
        (
            other("cilium.io", "CiliumClusterwideNetworkPolicy", "", None),
            "the CiliumClusterwideNetworkPolicies of cilium.io, which could not be read, open this or leave it open",
        ),
        (
            Cause::OtherPolicies {
                kind: PolicyKind::find("cilium.io", "CiliumNetworkPolicy").expect("known"),
                count: 12,
            },
            "the 12 CiliumNetworkPolicies, which are not evaluated, open this or leave it open",
        ),
        (
            Cause::TierUnreadable {
                resource: Resource::AdminNetworkPolicies,
            },
            "the AdminNetworkPolicies, which could not be read, open this or leave it open",
        ),
        (
            Cause::EqualPriority {
                names: vec!["a".to_owned(), "b".to_owned(), "c".to_owned()],
            },
            "of a, b and c, which have one priority, one that lets this through comes first",
        ),
        (
            Cause::ApiUnsupported {
                api: PolicyApi::ClusterNetworkPolicy,
            },
            "the enforcer, of which it is not known whether it acts on ClusterNetworkPolicy v1alpha2, lets this through",
        ),
        (
            Cause::DomainName {
                name: "*.example.org".to_owned(),
            },
            "*.example.org resolves to this address at that moment",
        ),
        (
            Cause::BaselineScope,
            "the enforcer keeps the Baseline tier from a pod isolated only in the other direction",
        ),
        (
            Cause::InvalidPolicy {
                api: PolicyApi::ClusterNetworkPolicy,
                namespace: String::new(),
                name: "wall".to_owned(),
            },
            "ClusterNetworkPolicy wall, which an API server would refuse, opens this or leaves it open",
        ),
        (
            Cause::NamespaceLabelsUnreadable {
                namespace: "shop".to_owned(),
            },
            "namespace shop has the labels a namespaceSelector asks for; they could not be read",
        ),
    ] {
        assert_eq!(condition(&engine, &told), expected);
    }
}

#[test]
fn where_rules_deny_a_match_is_not_said_to_open() {
    let (mut cluster, _) = manifests::parse("t", WORLD);
    cluster.cluster_policies = Arc::new(vec![wall()]);
    let engine = Engine::build(&Arc::new(cluster), Profile::spec());
    let labels = Cause::NamespaceLabelsUnreadable {
        namespace: "shop".to_owned(),
    };
    assert_eq!(
        condition(&engine, &labels),
        "the labels of namespace shop, which could not be read, are such that rules let this through"
    );
}
