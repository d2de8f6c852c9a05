//! Each code at its edges: what it takes, and what is not enough.

use super::*;
use crate::model::{Resource, State};

/// All findings, met ones too, with a cluster that may have been changed.
fn all_of(
    world: &str,
    head: &str,
    environment: &str,
    change: impl FnOnce(&mut crate::model::Cluster),
) -> Vec<Finding> {
    let (mut cluster, told) = manifests::parse("t", world);
    assert!(told.is_empty(), "{told:?}");
    change(&mut cluster);
    let enforcer = detect(&cluster, true);
    let engine = Engine::build(&Arc::new(cluster), Profile::spec());
    let expectations = read("e", &format!("{head}{environment}\n")).unwrap();
    let plan = bind(&engine, &expectations, "dev", date(2026, 3, 15));
    judge_all(&engine, &plan, &enforcer)
}

fn met(world: &str, environment: &str) -> Vec<String> {
    let mut found = all_of(world, HEAD, environment, |_| {});
    found.retain(|finding| finding.code == Code::Met);
    lines(&found)
}

/// web may send anything to db; db takes what `ports` says from anybody.
fn open_db(ports: &str) -> String {
    policy(
        "x",
        "open",
        &format!("{{podSelector: {{matchLabels: {{app: db}}}}, ingress: [{{ports: [{ports}]}}]}}"),
    )
}

fn egress_of_web(rules: &str) -> String {
    policy(
        "x",
        "web-out",
        &format!(
            "{{podSelector: {{matchLabels: {{app: web}}}}, policyTypes: [Egress], egress: [{rules}]}}"
        ),
    )
}

#[test]
fn what_nothing_can_reach_is_broken_and_policy_is_not_blamed() {
    // A pod with an address of the other family only.
    let v6 = base().replace("10.0.1.2", "fd00::2") + &web_to_db();
    let found = findings(&v6, HEAD, "{expect: {web: {egress: [\"5432 -> db\"]}}}");
    assert_eq!(lines(&found), ["error broken web -> db 5432/TCP"]);
    assert_eq!(found[0].expected, Some(Verdict::Allow));
    assert_eq!(found[0].actual, Some(Verdict::Unreachable));
    assert!(found[0].because.is_empty() && found[0].policies.is_empty());
    assert!(
        found[0].message.contains("no-common-family"),
        "{}",
        found[0].message
    );

    // All pods of the destination have finished; a source that has finished asks for nothing.
    let finished = |name: &str| {
        let old = pod(
            "x",
            name,
            if name == "db" { "10.0.1.2" } else { "10.0.1.1" },
        );
        (base() + &web_to_db()).replace(&old, &old.replace("Running", "Succeeded"))
    };
    let found = findings(
        &finished("db"),
        HEAD,
        "{expect: {web: {egress: [\"5432 -> db\"]}}}",
    );
    assert_eq!(lines(&found), ["error broken web -> db 5432/TCP"]);
    assert_eq!(found[0].actual, Some(Verdict::Unreachable));
    assert!(
        found[0].message.contains("pod-finished"),
        "{}",
        found[0].message
    );
    check(
        &finished("web"),
        "{expect: {web: {egress: [\"5433 -> db\"]}}}",
        &[],
    );
}

#[test]
fn a_network_of_the_other_family_only_is_out_of_reach() {
    let out = egress_of_web("{}");
    let found = findings(
        &(base() + &out),
        HEAD,
        "{closedWorld: false, expect: {web: {egress: [\"443 -> 2001:db8::/32\"]}}}",
    );
    assert_eq!(lines(&found), ["error broken web -> 32 443/TCP"]);
    assert_eq!(found[0].actual, Some(Verdict::Unreachable));
    // A document may name both families for clusters that have one.
    check(
        &(base() + &out),
        "{closedWorld: false, flows: [{name: f, from: web, to: [198.51.100.0/24], ports: [443], verdict: allow}]}",
        &[],
    );
    let head = HEAD.replace(
        "workloads:",
        "peers: {both: {cidr: [198.51.100.0/24, '2001:db8::/32']}}\nworkloads:",
    );
    let found = findings(
        &(base() + &out),
        &head,
        "{closedWorld: false, expect: {web: {egress: [\"443 -> both\"]}}}",
    );
    assert_eq!(lines(&found), Vec::<String>::new());
}

/// db behind a Service that has port 5432 only.
fn db_service() -> String {
    "{kind: Service, apiVersion: v1, metadata: {name: db, namespace: x}, spec: {clusterIP: 10.96.0.7, selector: {app: db}, ports: [{port: 5432}]}}\n---\n"
        .to_owned()
}

#[test]
fn a_port_that_the_service_does_not_have_is_unreachable() {
    let flow = |port: u16, more: &str| {
        format!(
            "{{flows: [{{name: f, from: web, to: db, ports: [{port}], via: service, verdict: {more}}}]}}"
        )
    };
    let world = base() + &web_to_db() + &db_service();
    check(&world, &flow(5432, "allow"), &[]);
    let found = findings(&world, HEAD, &flow(5433, "allow"));
    assert_eq!(lines(&found), ["error broken web -> db"]);
    assert_eq!(found[0].to, "x/pod/db");
    assert_eq!(found[0].expected, Some(Verdict::Allow));
    assert_eq!(found[0].actual, Some(Verdict::Unreachable));
    assert_eq!(
        found[0].message,
        "the Service in front of `db` has no port 5433/TCP"
    );
    // Where it need not work the document is only out of date.
    check(
        &world,
        &flow(5433, "allow, level: may"),
        &["warning stale the Service in front of `db`"],
    );
}

#[test]
fn each_range_of_a_broken_demand_is_explained_by_a_pair_it_is_broken_for() {
    // Two pods of one workload that policies tell apart: the first takes 80, the second 81.
    let replica = |name: &str, address: &str, role: &str| {
        pod("x", name, address).replace(
            &format!("labels: {{app: {name}}}"),
            &format!(
                "labels: {{app: db, role: {role}}}, ownerReferences: [{{kind: StatefulSet, name: db, controller: true, apiVersion: apps/v1, uid: u}}]"
            ),
        )
    };
    let takes = |role: &str, port: u16| {
        policy(
            "x",
            &format!("takes-{role}"),
            &format!(
                "{{podSelector: {{matchLabels: {{role: {role}}}}}, ingress: [{{ports: [{{port: {port}}}]}}]}}"
            ),
        )
    };
    let world = base().replace(&pod("x", "db", "10.0.1.2"), "")
        + &replica("db-0", "10.0.1.3", "a")
        + &replica("db-1", "10.0.1.4", "b")
        + &takes("a", 80)
        + &takes("b", 81)
        + &egress_of_web("{}");
    let found = findings(
        &world,
        HEAD,
        "{expect: {web: {egress: [\"80,81 -> db\", any -> 0.0.0.0/0]}}}",
    );
    let broken: Vec<&Finding> = found.iter().filter(|f| f.code == Code::Broken).collect();
    assert_eq!(broken.len(), 2, "{found:#?}");
    for finding in broken {
        assert!(!finding.policies.is_empty(), "{finding:#?}");
        assert!(
            finding.message.contains("ingress of x/db is isolated by"),
            "{}",
            finding.message
        );
    }
}

#[test]
fn rules_of_a_row_end_on_their_day_too() {
    let environment = |day: u8| {
        format!(
            "{{expect: {{web: {{egress: [{{ports: [5432], to: [db], expires: 2026-03-{day}}}]}}}}}}"
        )
    };
    let world = base() + &web_to_db();
    check(&world, &environment(15), &[]);
    let found = findings(&world, HEAD, &environment(14));
    assert_eq!(lines(&found), ["error expired web -> db 5432/TCP"]);
    assert_eq!(
        found[0].message,
        "x/web can still reach x/db on 5432/TCP, although what tolerated it expired on 2026-03-14"
    );
    // Nothing is demanded by what has ended.
    check(&base(), &environment(14), &[]);
}

#[test]
fn an_exception_tolerates_and_demands_nothing() {
    let environment = "{expect: {db: {ingress: deny}}, exceptions: [{id: EX-1, from: web, to: db, ports: [5432, 5433], why: w, owner: o, expires: 2026-03-15}]}";
    check(&base(), environment, &[]);
    check(&(base() + &web_to_db()), environment, &[]);
    // It tolerates its own ends and ports only.
    let open =
        open_db("{port: 5434}") + &egress_of_web("{to: [{podSelector: {matchLabels: {app: db}}}]}");
    let found = findings(&(base() + &open), HEAD, environment);
    assert!(
        lines(&found).contains(&"error excess any -> db 5434/TCP".to_owned()),
        "{found:#?}"
    );
    // One without a date that tolerates what is tolerated anyway needs none.
    check(
        &(base() + &web_to_db()),
        "{expect: {db: {ingress: [\"5432 <- web\"]}}, exceptions: [{id: EX-1, from: web, to: db, ports: [5432], why: w, owner: o}]}",
        &[],
    );
}

#[test]
fn a_severity_that_is_written_down_is_the_findings() {
    check(
        &base(),
        "{expect: {web: {egress: [{ports: [5432], to: [db], severity: warning}]}}}",
        &["warning broken web -> db 5432/TCP"],
    );
    check(
        &(base() + &web_to_db()),
        "{flows: [{name: f, from: web, to: db, ports: any, verdict: deny, severity: info}]}",
        &["info excess web -> db 5432/TCP"],
    );
    check(
        &(base() + &web_to_db()),
        "{expect: {db: {ingress: deny}}, exceptions: [{id: EX-1, from: web, to: db, ports: [5432], why: w, owner: o, severity: error}]}",
        &["error expired web -> db 5432/TCP"],
    );
}

#[test]
fn what_is_denied_and_may_be_is_never_more_than_a_remark() {
    check(
        &base(),
        "{flows: [{name: f, from: web, to: db, ports: [5432], verdict: allow, level: may}]}",
        &["info narrower web -> db 5432/TCP"],
    );
    check(
        &(base() + &web_to_db()),
        "{flows: [{name: f, from: web, to: db, ports: any, verdict: deny, level: may}]}",
        &["info excess web -> db 5432/TCP"],
    );
}

#[test]
fn a_row_may_forbid_and_says_so_without_a_name() {
    let found = findings(
        &(base() + &web_to_db()),
        HEAD,
        "{expect: {db: {ingress: [\"5432\", {ports: [5432], from: [web], level: never}]}}}",
    );
    let excess = found
        .iter()
        .find(|f| f.code == Code::Excess)
        .expect("forbidden and open");
    assert_eq!(
        excess.message,
        "x/web can reach x/db on 5432/TCP, which is written down as forbidden"
    );
}

#[test]
fn strictness_that_hurts_is_broken_and_no_remark_as_well() {
    let environment = "{expect: {web: {egress: [\"5432 -> db\"]}, db: {ingress: [\"5432\"]}}}";
    let out =
        egress_of_web("{to: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 5432}]}");
    let only = |app: &str| {
        policy(
            "x",
            "db",
            &format!(
                "{{podSelector: {{matchLabels: {{app: db}}}}, ingress: [{{from: [{{podSelector: {{matchLabels: {{app: {app}}}}}}}], ports: [{{port: 5432}}]}}]}}"
            ),
        )
    };
    // db lets in somebody, and not web.
    check(
        &(base() + &out + &only("stray")),
        environment,
        &["error broken web -> db 5432/TCP"],
    );
    // It lets web in; that web cannot get out is not db's doing.
    check(
        &(base() + &only("web")),
        environment,
        &[
            "error broken web -> db 5432/TCP",
            "info narrower any -> db 5432/TCP",
        ],
    );
}

#[test]
fn one_end_that_opens_what_the_others_egress_keeps_closed_is_latent_too() {
    let out =
        egress_of_web("{to: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 5432}]}");
    check(
        &(base() + &out),
        "{expect: {web: {egress: deny}}}",
        &["warning latent web -> db 5432/TCP"],
    );
    // Nobody is told of an end that is not written down.
    check(&(base() + &out), "{expect: {db: {egress: deny}}}", &[]);
}

#[test]
fn a_namespace_is_written_down_by_a_default_deny_too() {
    let world =
        base() + &pod("z", "lonely", "10.0.3.1") + &policy("z", "deny", "{podSelector: {}}");
    check(&world, "{}", &[]);
    check(
        &world,
        "{defaultDeny: [{namespace: z, directions: [ingress]}]}",
        &["warning undocumented lonely"],
    );
}

#[test]
fn policies_that_are_credited_are_found_wherever_they_are() {
    let wide = "{kind: ClusterNetworkPolicy, apiVersion: policy.networking.k8s.io/v1alpha2, metadata: {name: wall}, spec: {tier: Baseline, priority: 1, subject: {namespaces: {matchLabels: {none: at-all}}}}}\n---\n";
    let world = base() + &web_to_db() + wide;
    let flow = |by: &str| {
        format!(
            "{{flows: [{{name: f, from: web, to: db, ports: [5432], verdict: allow, by: {by}}}]}}"
        )
    };
    for by in ["db", "x/db", "wall", "cnp/wall"] {
        check(&world, &flow(by), &[]);
    }
    for by in ["y/db", "anp/wall", "x/wall", "cnp/db", "gone"] {
        let short = by.rsplit('/').next().unwrap();
        check(&world, &flow(by), &[&format!("warning stale {short}")]);
    }
    // One that may be there and could not be read is not called missing.
    let found = all_of(&world, HEAD, &flow("y/db"), |cluster| {
        cluster.coverage.set(
            Resource::NetworkPolicies,
            Some("y"),
            State::Forbidden {
                message: String::new(),
            },
        );
    });
    assert!(
        found
            .iter()
            .any(|f| f.code == Code::Unknown && f.from == "y/db"),
        "{found:#?}"
    );
}

/// `containerPort` is information: a pod may listen on any number. A name has to be declared by somebody.
#[test]
fn a_port_name_nobody_declares_is_stale_and_a_number_is_not() {
    let declared = (base() + &web_to_db()).replace(
        "labels: {app: db}}, spec: {nodeName: w}",
        "labels: {app: db}}, spec: {nodeName: w, containers: [{name: c, ports: [{name: pg, containerPort: 5432}]}]}",
    );
    assert!(declared.contains("containerPort"));
    check(&declared, "{expect: {web: {egress: [\"pg -> db\"]}}}", &[]);
    check(
        &declared,
        "{closedWorld: false, expect: {db: {ingress: [\"9999\"]}}, flows: [{name: f, from: web, to: db, ports: [9999], verdict: allow, level: may}]}",
        &[
            "error broken any -> db 9999/TCP",
            "info narrower web -> db 9999/TCP",
        ],
    );
    check(
        &declared,
        "{closedWorld: false, expect: {web: {egress: [\"metrics -> db\"]}}}",
        &["warning stale metrics"],
    );
    // Who is not there at all is told of once.
    check(
        &declared,
        "{closedWorld: false, bind: {other: {select: {namespace: x, labels: {app: none}}}}, expect: {web: {egress: [\"metrics -> other\"]}}}",
        &["error unbound other"],
    );
}

#[test]
fn somebody_who_may_be_among_pods_that_were_not_read_is_not_unbound() {
    let environment = "{bind: {other: {select: {namespace: y, labels: {app: gone}}}}}";
    let found = all_of(&base(), HEAD, environment, |cluster| {
        cluster.coverage.set(
            Resource::Pods,
            Some("y"),
            State::Forbidden {
                message: String::new(),
            },
        );
    });
    let about: Vec<String> = lines(&found)
        .into_iter()
        .filter(|line| !line.contains("undocumented"))
        .collect();
    assert_eq!(about, ["warning unknown other"]);
}

#[test]
fn a_network_plug_in_is_another_one_none_or_not_known() {
    let node = "{kind: Node, apiVersion: v1, metadata: {name: n1}}\n---\n";
    let agent = |name: &str| {
        format!(
            "{{kind: DaemonSet, apiVersion: apps/v1, metadata: {{name: {name}, namespace: kube-system}}, spec: {{template: {{metadata: {{labels: {{a: b}}}}}}}}}}\n---\n"
        )
    };
    let cluster = "{cluster: {cni: Calico}}";
    check(&(base() + node + &agent("calico-node")), cluster, &[]);
    let found = findings(&(base() + node + &agent("cilium")), HEAD, cluster);
    assert_eq!(lines(&found), ["warning stale cluster"]);
    assert_eq!(
        found[0].message,
        "the network plug-in is to be Calico, and what was found is cilium"
    );
    // No system pods in this input, so nothing is known of agents.
    check(&base(), cluster, &["warning unknown cluster"]);
}

#[test]
fn what_an_unknown_finding_hangs_on_is_said() {
    let found = all_of(
        &(base() + &web_to_db()),
        HEAD,
        "{defaultDeny: [{namespace: y, directions: [ingress]}], flows: [{name: f, from: external, to: other, ports: [80], verdict: allow}]}",
        |cluster| {
            cluster.coverage.set(
                Resource::NetworkPolicies,
                Some("y"),
                State::Forbidden {
                    message: String::new(),
                },
            );
        },
    );
    let unknown: Vec<&Finding> = found.iter().filter(|f| f.code == Code::Unknown).collect();
    assert_eq!(unknown.len(), 3, "{found:#?}");
    for finding in unknown {
        assert_eq!(
            finding.conditions,
            [crate::engine::Cause::PoliciesUnreadable {
                namespace: "y".to_owned()
            }],
            "{finding:#?}"
        );
    }
}

#[test]
fn closed_cells_and_prohibitions_that_hold_are_met() {
    assert_eq!(
        met(
            &base(),
            "{expect: {db: {ingress: deny, egress: any}}, flows: [{name: f, from: web, to: db, ports: [5432], verdict: deny}, {name: g, from: external, to: db, ports: any, verdict: deny}]}"
        ),
        [
            "info met any -> db",
            "info met external -> db any/TCP",
            "info met external -> db any/UDP",
            "info met external -> db any/SCTP",
            "info met web -> db 5432/TCP",
        ]
    );
    // Each is told of only where it holds itself: what everybody can do is one finding, and no cover for the others.
    let open = open_db("{port: 5432}") + &egress_of_web("{}");
    assert_eq!(
        met(
            &(base() + &open),
            "{expect: {web: {egress: deny}, db: {ingress: deny}}, flows: [{name: f, from: web, to: db, ports: [5432], verdict: deny}, {name: g, from: web, to: db, ports: [5433], verdict: deny}]}"
        ),
        ["info met web -> db 5433/TCP"]
    );
    // In an open world a row forbids nothing.
    assert_eq!(
        met(
            &base(),
            "{closedWorld: false, expect: {db: {ingress: deny}}}"
        ),
        Vec::<String>::new()
    );
}

/// What cannot be decided about advice is a remark, as what is open against it is; a prohibition is named where it is one.
#[test]
fn a_prohibition_that_cannot_be_decided_names_its_flow() {
    let of = |level: &str| {
        let environment = format!(
            "{{closedWorld: false, flows: [{{name: f, from: external, to: other, ports: [80], verdict: deny, level: {level}}}]}}"
        );
        let mut found = all_of(&base(), HEAD, &environment, |cluster| {
            cluster.coverage.set(
                Resource::NetworkPolicies,
                Some("y"),
                State::Forbidden {
                    message: String::new(),
                },
            );
        });
        found.retain(|finding| finding.code != Code::Undocumented);
        found
    };
    let never = of("must");
    assert_eq!(lines(&never), ["warning unknown external -> other 80/TCP"]);
    assert_eq!(never[0].name.as_deref(), Some("f"));
    assert_eq!(never[0].expected, Some(Verdict::Deny));
    assert_eq!(
        never[0].message,
        "whether every outside address can reach y/other on 80/TCP, which `f` forbids, cannot be decided from what was read"
    );
    assert_eq!(lines(&of("may")), ["info unknown external -> other 80/TCP"]);
}

/// `elsewhere` is other namespaces than that of the other end, and what is excepted is so at both ends.
#[test]
fn elsewhere_is_another_namespace_and_exceptions_hold_at_both_ends() {
    let open = policy(
        "x",
        "in",
        "{podSelector: {matchLabels: {app: db}}, ingress: [{}]}",
    ) + &egress_of_web("{}");
    let flow = |except: &str| {
        format!(
            "{{closedWorld: false, flows: [{{name: f, from: elsewhere, to: cluster, ports: [5432], verdict: deny{except}}}]}}"
        )
    };
    let world = base() + &open;
    // Nobody isolates other, and anybody may reach db; web, of the same namespace as db, is closed.
    check(
        &world,
        &flow(""),
        &[
            "error excess cluster -> db 5432/TCP",
            "error excess cluster -> other 5432/TCP",
        ],
    );
    check(&world, &flow(", except: [other, db]"), &[]);
}

#[test]
fn what_no_rule_opens_is_open_because_nothing_isolates() {
    let message = |world: &str, from: &str, to: &str| {
        let environment = format!(
            "{{closedWorld: false, flows: [{{name: f, from: {from}, to: {to}, ports: [80], verdict: deny}}]}}"
        );
        let found = findings(world, HEAD, &environment);
        let excess = found.iter().find(|f| f.code == Code::Excess);
        excess.expect("open and forbidden").message.clone()
    };
    assert_eq!(
        message(&base(), "external", "other"),
        "every outside address can reach y/other on 80/TCP, which `f` forbids; ingress of y/other is not isolated"
    );
    // A rule is shown by itself.
    assert_eq!(
        message(&(base() + &egress_of_web("{}")), "web", "other"),
        "x/web can reach y/other on 80/TCP, which `f` forbids"
    );
}
