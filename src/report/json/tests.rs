use super::*;
use crate::report::words::tests::{at, engine};

#[test]
fn a_rule_says_which_policy_tier_and_action_it_has() {
    let engine = engine();
    for (name, rule, expected) in [
        (
            "tenant-wall",
            1,
            r#"{"group":"policy.networking.k8s.io","kind":"ClusterNetworkPolicy","namespace":null,"name":"tenant-wall","tier":"admin","priority":10,"source":"tenancy.yaml:14","path":"spec.egress[1].to[0]","rule":"no-cross-tenant","action":"deny"}"#,
        ),
        (
            // One of a kind: the API gives it no priority.
            "default",
            0,
            r#"{"group":"policy.networking.k8s.io","kind":"BaselineAdminNetworkPolicy","namespace":null,"name":"default","tier":"baseline","priority":null,"source":"tenancy.yaml:6","path":"spec.egress[0].to[0]","rule":null,"action":"accept"}"#,
        ),
        (
            "to-db",
            0,
            r#"{"group":"networking.k8s.io","kind":"NetworkPolicy","namespace":"shop","name":"to-db","tier":"network-policy","priority":null,"source":"np.yaml:5","path":"spec.egress[0].to[0]","rule":null,"action":"accept"}"#,
        ),
    ] {
        let found = rule_ref(&engine, &at(&engine, name, rule));
        let text = serde_json::to_string(&found).expect("it serialises");
        assert_eq!(text, expected);
    }
}

#[test]
fn a_side_lists_what_passed_the_connection_on() {
    let engine = engine();
    let passed = Side {
        passed_by: vec![at(&engine, "tenant-wall", 0)],
        ..Side::allow(crate::engine::Reason::DefaultAllow)
    };
    let told = serde_json::to_value(side(&engine, &passed)).expect("it serialises");
    assert_eq!(told["reason"], "default-allow");
    assert_eq!(told["passedBy"][0]["rule"], "own-tenant");
    assert_eq!(told["passedBy"][0]["action"], "pass");
}
