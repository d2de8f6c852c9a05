use crate::model::{
    Action, Diagnostic, Direction, NamespaceScope, Peer, Peers, Policy, PolicyApi, PortItem, Ports,
    Severity, Tier,
};
use crate::source::manifests;

fn read(kind: &str, version: &str, spec: &str) -> (Policy, Vec<Diagnostic>) {
    let text = format!(
        "apiVersion: policy.networking.k8s.io/{version}\nkind: {kind}\nmetadata: {{name: default}}\nspec: {spec}\n"
    );
    let (cluster, told) = manifests::parse("t.yaml", &text);
    assert_eq!(cluster.cluster_policies.len(), 1, "{spec}: {told:?}");
    (cluster.cluster_policies[0].clone(), told)
}

fn v1alpha2(spec: &str) -> (Policy, Vec<Diagnostic>) {
    read("ClusterNetworkPolicy", "v1alpha2", spec)
}

fn admin(spec: &str) -> (Policy, Vec<Diagnostic>) {
    read("AdminNetworkPolicy", "v1alpha1", spec)
}

fn baseline(spec: &str) -> (Policy, Vec<Diagnostic>) {
    read("BaselineAdminNetworkPolicy", "v1alpha1", spec)
}

/// A valid v1alpha2 policy with these ingress and egress rules.
fn rules(rules: &str) -> (Policy, Vec<Diagnostic>) {
    v1alpha2(&format!(
        "{{tier: Admin, priority: 5, subject: {{namespaces: {{}}}}, {rules}}}"
    ))
}

/// The same of v1alpha1.
fn old_rules(rules: &str) -> (Policy, Vec<Diagnostic>) {
    admin(&format!(
        "{{priority: 5, subject: {{namespaces: {{}}}}, {rules}}}"
    ))
}

fn paths(policy: &Policy) -> Vec<&str> {
    policy.invalid.iter().map(|p| p.path.as_str()).collect()
}

/// The peers of the only rule, in words.
fn peers(policy: &Policy, direction: Direction) -> Vec<String> {
    let [rule] = policy.rules(direction).unwrap() else {
        panic!("{policy:?}")
    };
    match &rule.peers {
        Peers::Everyone => vec!["everyone".to_owned()],
        Peers::AnyOf(items) => items.iter().map(|item| item.peer.to_string()).collect(),
    }
}

fn ports(policy: &Policy) -> String {
    let of = |direction| policy.rules(direction).into_iter().flatten().next();
    let rule = of(Direction::Ingress).or_else(|| of(Direction::Egress));
    rule.unwrap().ports.to_string()
}

#[test]
fn a_policy_is_read_with_its_tier_subject_rules_and_lines() {
    let text = "\
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: guard}
spec:
  tier: Baseline
  priority: 7
  subject:
    pods:
      namespaceSelector: {matchLabels: {team: a}}
      podSelector: {matchLabels: {app: web}}
  egress:
  - name: dns first
    action: Accept
    to:
    - networks: [10.0.0.0/8, 'fd00::/8']
    - pods: {namespaceSelector: {}, podSelector: {}}
    protocols:
    - udp: {destinationPort: {number: 53}}
  - action: Pass
    to: [{nodes: {}}]
";
    let (cluster, told) = manifests::parse("t.yaml", text);
    assert!(told.is_empty(), "{told:?}");
    let policy = &cluster.cluster_policies[0];
    assert_eq!(policy.api, PolicyApi::ClusterNetworkPolicy);
    assert_eq!(policy.tier, Tier::Baseline { priority: 7 });
    assert_eq!((&*policy.namespace, policy.name.as_str()), ("", "guard"));
    let NamespaceScope::Matching(namespaces) = &policy.subject_namespaces else {
        panic!("{policy:?}")
    };
    assert_eq!(namespaces.to_string(), "team=a");
    assert_eq!(policy.subject.to_string(), "app=web");
    // A direction without rules is not touched (rule A8).
    assert_eq!(policy.ingress, None);
    let [first, second] = policy.rules(Direction::Egress).unwrap() else {
        panic!("{policy:?}")
    };
    assert_eq!(
        (first.name.as_str(), first.action),
        ("dns first", Action::Accept)
    );
    assert_eq!(first.line, Some(12));
    assert_eq!(first.ports.to_string(), "53/UDP");
    let Peers::AnyOf(items) = &first.peers else {
        panic!("{first:?}")
    };
    let items: Vec<(String, Option<u32>)> = items
        .iter()
        .map(|item| (item.peer.to_string(), item.line))
        .collect();
    let expected = [
        ("addresses 10.0.0.0/8", Some(15)),
        ("addresses fd00::/8", Some(15)),
        ("every pod", Some(16)),
    ];
    assert_eq!(
        items,
        expected.map(|(words, line)| (words.to_owned(), line))
    );
    assert_eq!(second.action, Action::Pass);
    assert_eq!((second.line, &second.ports), (Some(19), &Ports::All));
    assert_eq!(cluster.policies().count(), 1);
    assert!(cluster.namespaces.is_empty());
}

#[test]
fn policies_stand_in_the_order_in_which_they_are_looked_at() {
    let one = |api: &str, name: &str, spec: &str| {
        format!(
            "{{apiVersion: policy.networking.k8s.io/{api}, metadata: {{name: {name}}}, spec: {{{spec}, subject: {{namespaces: {{}}}}}}}}\n---\n"
        )
    };
    let text = one(
        "v1alpha1, kind: BaselineAdminNetworkPolicy",
        "default",
        "ingress: []",
    ) + &one(
        "v1alpha2, kind: ClusterNetworkPolicy",
        "b",
        "tier: Baseline, priority: 0",
    ) + &one(
        "v1alpha2, kind: ClusterNetworkPolicy",
        "z",
        "tier: Admin, priority: 5",
    ) + &one(
        "v1alpha2, kind: ClusterNetworkPolicy",
        "y",
        "tier: Admin, priority: 5",
    ) + &one("v1alpha1, kind: AdminNetworkPolicy", "x", "priority: 4")
        + &one("v1alpha1, kind: AdminNetworkPolicy", "x", "priority: 1");
    let (cluster, told) = manifests::parse("t.yaml", &text);
    let names: Vec<&str> = cluster.policies().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["x", "y", "z", "b", "default"]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].object.as_deref(), Some("AdminNetworkPolicy x"));
    assert!(
        told[0]
            .message
            .starts_with("is defined twice, first at t.yaml:9")
    );
}

#[test]
fn what_stands_above_the_rules_is_checked() {
    let subject = "subject: {namespaces: {}}";
    for (spec, path) in [
        (format!("{{tier: Admin, {subject}}}"), "spec.priority"),
        (format!("{{tier: Admin, priority: 1001, {subject}}}"), "spec.priority"),
        (format!("{{tier: Admin, priority: -1, {subject}}}"), "spec.priority"),
        (format!("{{priority: 1, {subject}}}"), "spec.tier"),
        (format!("{{tier: admin, priority: 1, {subject}}}"), "spec.tier"),
        ("{tier: Admin, priority: 1}".to_owned(), "spec.subject"),
        ("{tier: Admin, priority: 1, subject: {}}".to_owned(), "spec.subject"),
        (
            "{tier: Admin, priority: 1, subject: {namespaces: {}, pods: {namespaceSelector: {}, podSelector: {}}}}".to_owned(),
            "spec.subject",
        ),
        (
            "{tier: Admin, priority: 1, subject: {pods: {namespaceSelector: {}}}}".to_owned(),
            "spec.subject.pods",
        ),
        (
            "{tier: Admin, priority: 1, subject: {namespaces: {matchExpressions: [{key: a, operator: Gt, values: ['1']}]}}}".to_owned(),
            "spec.subject.namespaces.matchExpressions[0]",
        ),
    ] {
        let (policy, told) = v1alpha2(&spec);
        assert_eq!(paths(&policy), [path], "{spec}");
        assert_eq!(told.len(), 1, "{spec}");
        assert_eq!(told[0].severity, Severity::Error);
        assert_eq!(told[0].object.as_deref(), Some("ClusterNetworkPolicy default"));
        assert!(told[0].message.starts_with(&format!("{path}: ")), "{told:?}");
    }
    for priority in [0, 1000] {
        let (policy, told) = v1alpha2(&format!("{{tier: Admin, priority: {priority}, {subject}}}"));
        assert!(told.is_empty(), "{told:?}");
        assert_eq!(policy.tier, Tier::Admin { priority });
    }
    let text = "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: BaselineAdminNetworkPolicy\nmetadata: {name: mine}\nspec: {subject: {namespaces: {}}}\n";
    let (cluster, told) = manifests::parse("t.yaml", text);
    assert_eq!(paths(&cluster.cluster_policies[0]), ["metadata.name"]);
    assert_eq!(told[0].source.as_ref().unwrap().to_string(), "t.yaml:3");
}

#[test]
fn each_generation_has_its_own_words_for_actions() {
    let rule = |action: &str| format!("ingress: [{{{action}from: [{{namespaces: {{}}}}]}}]");
    let path = ["spec.ingress[0].action"];
    for (action, is_new, is_old) in [
        ("action: Accept, ", true, false),
        ("action: Allow, ", false, true),
        ("action: Deny, ", true, true),
        ("action: Pass, ", true, true),
        ("action: deny, ", false, false),
        ("", false, false),
    ] {
        let (new, _) = rules(&rule(action));
        let (old, _) = old_rules(&rule(action));
        let expected = |is_known| if is_known { &path[..0] } else { &path[..] };
        assert_eq!(paths(&new), expected(is_new), "v1alpha2 {action}");
        assert_eq!(paths(&old), expected(is_old), "v1alpha1 {action}");
    }
    let spec = |action: &str| format!("{{subject: {{namespaces: {{}}}}, {}}}", rule(action));
    assert_eq!(paths(&baseline(&spec("action: Pass, ")).0), path);
    let (allows, told) = baseline(&spec("action: Allow, "));
    assert!(told.is_empty(), "{told:?}");
    assert_eq!(allows.tier, Tier::Baseline { priority: 0 });
    assert_eq!(allows.ingress.unwrap()[0].action, Action::Accept);
}

#[test]
fn a_rule_without_peers_is_about_nobody_and_refused() {
    for (listed, path) in [
        ("ingress: [{action: Deny}]", "spec.ingress[0].from"),
        (
            "ingress: [{action: Deny, from: []}]",
            "spec.ingress[0].from",
        ),
        (
            "ingress: [{action: Deny, from: null}]",
            "spec.ingress[0].from",
        ),
        (
            "egress: [{action: Deny, from: [{namespaces: {}}]}]",
            "spec.egress[0].to",
        ),
    ] {
        for (policy, _) in [rules(listed), old_rules(listed)] {
            assert_eq!(paths(&policy), [path], "{listed}");
            let direction = Direction::BOTH
                .into_iter()
                .find(|d| policy.rules(*d).is_some());
            assert_eq!(
                peers(&policy, direction.unwrap()),
                ["an invalid peer"],
                "{listed}"
            );
        }
    }
    let (policy, told) =
        rules("ingress: [{action: Deny, from: [{namespaces: {}}], to: [{namespaces: {}}]}]");
    assert!(policy.invalid.is_empty());
    assert_eq!(told[0].severity, Severity::Warning);
    assert!(
        told[0].message.contains("does not exist in ingress rules"),
        "{told:?}"
    );
}

#[test]
fn a_peer_without_a_known_field_is_kept_as_such() {
    for peer in ["{}", "{galaxies: [milky-way]}", "null"] {
        let listed = format!("ingress: [{{action: Deny, from: [{peer}]}}]");
        for (policy, told) in [rules(&listed), old_rules(&listed)] {
            assert!(told.is_empty(), "{peer}: {told:?}");
            let rule = &policy.ingress.as_ref().unwrap()[0];
            let Peers::AnyOf(items) = &rule.peers else {
                panic!("{rule:?}")
            };
            assert_eq!(items[0].peer, Peer::Empty, "{peer}");
        }
    }
}

#[test]
fn peers_that_cannot_stand_where_they_stand_are_refused() {
    for (listed, path) in [
        (
            "ingress: [{action: Deny, from: [{networks: [0.0.0.0/0]}]}]",
            "spec.ingress[0].from[0].networks",
        ),
        (
            "ingress: [{action: Deny, from: [{nodes: {}}]}]",
            "spec.ingress[0].from[0].nodes",
        ),
        (
            "egress: [{action: Deny, to: [{domainNames: [a.example.com]}]}]",
            "spec.egress[0].to[0].domainNames",
        ),
        (
            "egress: [{action: Deny, to: [{namespaces: {}, nodes: {}}]}]",
            "spec.egress[0].to[0]",
        ),
        (
            "egress: [{action: Deny, to: [{networks: [10.0.0.0]}]}]",
            "spec.egress[0].to[0].networks[0]",
        ),
        (
            "egress: [{action: Deny, to: [{networks: ['::ffff:10.0.0.0/104']}]}]",
            "spec.egress[0].to[0].networks[0]",
        ),
        (
            "egress: [{action: Deny, to: [{networks: [10.0.0.0/8, 10.0.0.0/8]}]}]",
            "spec.egress[0].to[0].networks[1]",
        ),
        (
            "egress: [{action: Deny, to: [{networks: []}]}]",
            "spec.egress[0].to[0].networks",
        ),
        (
            "egress: [{action: Deny, to: [{nodes: {matchExpressions: [{key: a, operator: In}]}}]}]",
            "spec.egress[0].to[0].nodes.matchExpressions[0]",
        ),
        (
            "egress: [{action: Deny, to: [{pods: {namespaceSelector: {}}}]}]",
            "spec.egress[0].to[0].pods",
        ),
    ] {
        for (policy, _) in [rules(listed), old_rules(listed)] {
            assert_eq!(paths(&policy), [path], "{listed}");
        }
    }
    // Host bits are masked away (rule E9).
    let (policy, told) = rules("egress: [{action: Deny, to: [{networks: [10.1.2.3/8]}]}]");
    assert!(told.is_empty(), "{told:?}");
    assert_eq!(peers(&policy, Direction::Egress), ["addresses 10.0.0.0/8"]);
}

#[test]
fn domain_names_are_exact_or_a_wildcard_and_a_suffix() {
    let rule =
        |name: &str| format!("egress: [{{action: Accept, to: [{{domainNames: ['{name}']}}]}}]");
    for (name, kept) in [
        ("www.Example.com", "domain name www.example.com"),
        ("*.example.com.", "domain name *.example.com"),
        ("a_b.example.com", "domain name a_b.example.com"),
    ] {
        let (policy, told) = rules(&rule(name));
        assert!(told.is_empty(), "{name}: {told:?}");
        assert_eq!(peers(&policy, Direction::Egress), [kept]);
    }
    for name in [
        "com", "*", "*.com", "a.*.com", "-a.com", "a..com", "a.com..", "",
    ] {
        let (policy, _) = rules(&rule(name));
        let path = ["spec.egress[0].to[0].domainNames[0]"];
        assert_eq!(paths(&policy), path, "{name}");
    }
    let allow = rule("a.example.com").replace("Accept", "Allow");
    assert!(old_rules(&allow).1.is_empty());
    let spec = format!("{{subject: {{namespaces: {{}}}}, {allow}}}");
    let path = ["spec.egress[0].to[0].domainNames"];
    assert_eq!(paths(&baseline(&spec).0), path);
}

#[test]
fn protocols_of_v1alpha2() {
    let rule = |protocols: &str| {
        format!("ingress: [{{action: Deny, from: [{{namespaces: {{}}}}]{protocols}}}]")
    };
    for (protocols, expected) in [
        ("", "any port"),
        (", protocols: null", "any port"),
        (
            ", protocols: [{tcp: {destinationPort: {number: 80}}}, {sctp: {destinationPort: {range: {start: 1, end: 9}}}}]",
            "80/TCP, 1-9/SCTP",
        ),
        (", protocols: [{destinationNamedPort: web}]", "web"),
    ] {
        let (policy, told) = rules(&rule(protocols));
        assert!(told.is_empty(), "{protocols}: {told:?}");
        assert_eq!(ports(&policy), expected, "{protocols}");
    }
    for (protocols, path) in [
        ("[]", "protocols"),
        ("[{}]", "protocols[0]"),
        (
            "[{tcp: {destinationPort: {number: 1}}, udp: {destinationPort: {number: 1}}}]",
            "protocols[0]",
        ),
        (
            "[{tcp: {destinationPort: {}}}]",
            "protocols[0].tcp.destinationPort",
        ),
        (
            "[{tcp: {destinationPort: {number: 0}}}]",
            "protocols[0].tcp.destinationPort.number",
        ),
        (
            "[{udp: {destinationPort: {number: 1, range: {start: 1, end: 2}}}}]",
            "protocols[0].udp.destinationPort",
        ),
        (
            "[{udp: {destinationPort: {range: {start: 9, end: 9}}}}]",
            "protocols[0].udp.destinationPort.range",
        ),
        (
            "[{udp: {destinationPort: {range: {start: 9}}}}]",
            "protocols[0].udp.destinationPort.range",
        ),
        (
            "[{destinationNamedPort: ''}]",
            "protocols[0].destinationNamedPort",
        ),
    ] {
        let (policy, _) = rules(&rule(&format!(", protocols: {protocols}")));
        assert_eq!(
            paths(&policy),
            [format!("spec.ingress[0].{path}")],
            "{protocols}"
        );
    }
    let (policy, _) = rules(&rule(", ports: [{portNumber: {port: 80}}]"));
    assert_eq!(paths(&policy), ["spec.ingress[0].ports"]);
    // The schema refuses it today; what it says is written down all the same (rule A25).
    let (policy, told) = rules(&rule(", protocols: [{udp: {}}]"));
    assert_eq!(ports(&policy), "any/UDP");
    assert_eq!((policy.invalid.len(), told.len()), (0, 1));
}

#[test]
fn ports_of_v1alpha1() {
    let rule =
        |ports: &str| format!("ingress: [{{action: Deny, from: [{{namespaces: {{}}}}]{ports}}}]");
    for (listed, expected) in [
        ("", "any port"),
        (
            ", ports: [{portNumber: {port: 80}}, {portRange: {protocol: UDP, start: 1, end: 9}}, {namedPort: web}]",
            "80/TCP, 1-9/UDP, web",
        ),
    ] {
        let (policy, told) = old_rules(&rule(listed));
        assert!(told.is_empty(), "{listed}: {told:?}");
        assert_eq!(ports(&policy), expected, "{listed}");
    }
    for (listed, path) in [
        ("[]", "ports"),
        ("[{}]", "ports[0]"),
        ("[{portNumber: {port: 80}, namedPort: web}]", "ports[0]"),
        (
            "[{portNumber: {protocol: ICMP, port: 80}}]",
            "ports[0].portNumber.protocol",
        ),
        (
            "[{portNumber: {protocol: TCP}}]",
            "ports[0].portNumber.port",
        ),
        ("[{portRange: {start: 90, end: 80}}]", "ports[0].portRange"),
        ("[{namedPort: ''}]", "ports[0].namedPort"),
    ] {
        let (policy, _) = old_rules(&rule(&format!(", ports: {listed}")));
        assert_eq!(
            paths(&policy),
            [format!("spec.ingress[0].{path}")],
            "{listed}"
        );
    }
    let (policy, _) = old_rules(&rule(", protocols: [{tcp: {}}]"));
    assert_eq!(paths(&policy), ["spec.ingress[0].protocols"]);
}

#[test]
fn a_port_name_stands_only_where_there_are_pods() {
    let new = |peer: &str| {
        rules(&format!(
            "egress: [{{action: Accept, to: [{peer}], protocols: [{{destinationNamedPort: web}}]}}]"
        ))
    };
    assert!(new("{namespaces: {}}").1.is_empty());
    assert_eq!(paths(&new("{nodes: {}}").0), ["spec.egress[0].to[0].nodes"]);
    // Only the experimental channel refuses this one.
    let (policy, told) = new("{networks: [10.0.0.0/8]}");
    assert_eq!(
        (policy.invalid.len(), told[0].severity),
        (0, Severity::Warning)
    );
    let (policy, _) = old_rules(
        "egress: [{action: Allow, to: [{networks: [10.0.0.0/8]}], ports: [{namedPort: web}]}]",
    );
    assert_eq!(paths(&policy), ["spec.egress[0].to[0].networks"]);
}

#[test]
fn the_first_releases_chose_namespaces_one_level_deeper() {
    let rule = |peer: &str| format!("ingress: [{{action: Deny, from: [{peer}]}}]");
    for (peer, expected) in [
        (
            "{namespaces: {namespaceSelector: {matchLabels: {a: b}}}}",
            "every pod of namespaces a=b",
        ),
        (
            "{namespaces: {sameLabels: [tenant]}}",
            "pods everything of namespaces with the same tenant",
        ),
        (
            "{pods: {namespaces: {notSameLabels: [tenant, zone]}, podSelector: {matchLabels: {a: b}}}}",
            "pods a=b of namespaces with another tenant, zone",
        ),
    ] {
        let (policy, told) = old_rules(&rule(peer));
        assert!(told.is_empty(), "{peer}: {told:?}");
        let rule = &policy.ingress.as_ref().unwrap()[0];
        let Peers::AnyOf(items) = &rule.peers else {
            panic!("{rule:?}")
        };
        match &items[0].peer {
            Peer::TenantPods { keys, same, .. } => {
                assert_eq!(*same, expected.contains("the same"), "{peer}");
                assert!(expected.ends_with(&keys.join(", ")), "{peer}");
            }
            pods => assert_eq!(pods.to_string(), expected, "{peer}"),
        }
        // Its server would drop the field and read every namespace; nobody means that.
        let path = paths(&rules(&self::rules_of(peer)).0).join(" ");
        assert!(
            path.starts_with("spec.ingress[0].from[0]."),
            "{peer}: {path}"
        );
    }
    for peer in [
        "{namespaces: {sameLabels: []}}",
        "{namespaces: {sameLabels: [a], notSameLabels: [b]}}",
        "{namespaces: {matchLabels: {a: b}, sameLabels: [a]}}",
        "{pods: {namespaces: {sameLabels: [a]}, namespaceSelector: {}, podSelector: {}}}",
    ] {
        assert_eq!(old_rules(&rule(peer)).0.invalid.len(), 1, "{peer}");
    }
}

fn rules_of(peer: &str) -> String {
    format!("ingress: [{{action: Deny, from: [{peer}]}}]")
}

#[test]
fn there_are_limits() {
    let many = |count: usize, item: &str| vec![item; count].join(", ");
    let rule = "{action: Deny, from: [{namespaces: {}}]}";
    for (count, is_new, is_old) in [(25, true, true), (26, false, true), (101, false, false)] {
        let listed = format!("ingress: [{}]", many(count, rule));
        assert_eq!(rules(&listed).0.invalid.is_empty(), is_new, "{count} rules");
        assert_eq!(
            old_rules(&listed).0.invalid.is_empty(),
            is_old,
            "{count} rules"
        );
        let listed = format!(
            "ingress: [{{action: Deny, from: [{}]}}]",
            many(count, "{namespaces: {}}")
        );
        assert_eq!(rules(&listed).0.invalid.is_empty(), is_new, "{count} peers");
        assert_eq!(
            old_rules(&listed).0.invalid.is_empty(),
            is_old,
            "{count} peers"
        );
    }
    for (count, is_ok) in [(25, true), (26, false)] {
        let networks: Vec<String> = (0..count).map(|n| format!("10.{n}.0.0/16")).collect();
        let listed = format!(
            "egress: [{{action: Deny, to: [{{networks: [{}]}}]}}]",
            networks.join(", ")
        );
        assert_eq!(
            rules(&listed).0.invalid.is_empty(),
            is_ok,
            "{count} networks"
        );
        assert_eq!(
            old_rules(&listed).0.invalid.is_empty(),
            is_ok,
            "{count} networks"
        );
    }
    for (length, is_ok) in [(100, true), (101, false)] {
        let listed = format!(
            "ingress: [{{name: {}, action: Deny, from: [{{namespaces: {{}}}}]}}]",
            "n".repeat(length)
        );
        assert_eq!(
            rules(&listed).0.invalid.is_empty(),
            is_ok,
            "{length} letters"
        );
    }
}

#[test]
fn a_policy_that_cannot_be_decoded_might_do_anything() {
    let (policy, told) = v1alpha2("{tier: Baseline, priority: 1, subject: 7}");
    assert_eq!(policy.invalid.len(), 1);
    assert_eq!(policy.tier, Tier::Admin { priority: 0 });
    assert!(policy.subject.is_everything());
    assert!(policy.ingress.is_some() && policy.egress.is_some());
    assert_eq!(
        told[0].object.as_deref(),
        Some("ClusterNetworkPolicy default")
    );
    assert!(told[0].help.as_ref().unwrap().contains("unknown"));
}

#[test]
fn a_named_port_of_any_protocol_shows_its_name_alone() {
    let (policy, _) = rules(
        "ingress: [{action: Deny, from: [{namespaces: {}}], protocols: [{destinationNamedPort: web}]}]",
    );
    let Ports::AnyOf(items) = &policy.ingress.as_ref().unwrap()[0].ports else {
        panic!("{policy:?}")
    };
    assert!(
        matches!(&items[0], PortItem { port: crate::model::PortTest::NamedAnyProtocol(name), .. } if name == "web")
    );
}
