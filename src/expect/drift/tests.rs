//! A row for every code, each on a tiny world.

use std::sync::Arc;

use jiff::civil::date;

use super::*;
use crate::compile::enforcer::detect;
use crate::engine::Profile;
use crate::expect::{bind, read};
use crate::source::manifests;

mod codes;
mod readings;

fn pod(namespace: &str, name: &str, address: &str) -> String {
    format!(
        "{{kind: Pod, apiVersion: v1, metadata: {{name: {name}, namespace: {namespace}, labels: {{app: {name}}}}}, spec: {{nodeName: w}}, status: {{phase: Running, podIPs: [{{ip: {address}}}]}}}}\n---\n"
    )
}

fn policy(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "{{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {{name: {name}, namespace: {namespace}}}, spec: {spec}}}\n---\n"
    )
}

/// Namespace x with web and db under a default deny, namespace y with other, which nobody isolates.
fn base() -> String {
    [
        "{kind: Namespace, apiVersion: v1, metadata: {name: x}}\n---\n{kind: Namespace, apiVersion: v1, metadata: {name: y}}\n---\n".to_owned(),
        pod("x", "web", "10.0.1.1"),
        pod("x", "db", "10.0.1.2"),
        pod("y", "other", "10.0.2.1"),
        policy("x", "deny", "{podSelector: {}, policyTypes: [Ingress, Egress]}"),
    ]
    .concat()
}

/// web may send to db, and db lets web in, on 5432.
fn web_to_db() -> String {
    policy(
        "x",
        "web",
        "{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 5432}]}]}",
    ) + &policy(
        "x",
        "db",
        "{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]}",
    )
}

const HEAD: &str = "apiVersion: netseg/v1\nkind: Expectations\nworkloads:\n  web: {select: {namespace: x, labels: {app: web}}}\n  db: {select: {namespace: x, labels: {app: db}}}\n  other: {select: {namespace: y}}\nenvironments:\n  dev: ";

fn findings(world: &str, head: &str, environment: &str) -> Vec<Finding> {
    let (cluster, told) = manifests::parse("t", world);
    assert!(told.is_empty(), "{told:?}");
    let enforcer = detect(&cluster, true);
    let engine = Engine::build(&Arc::new(cluster), Profile::spec());
    let expectations = read("e", &format!("{head}{environment}\n")).unwrap();
    let plan = bind(&engine, &expectations, "dev", date(2026, 3, 15));
    judge(&engine, &plan, &enforcer)
}

fn lines(findings: &[Finding]) -> Vec<String> {
    findings
        .iter()
        .map(|f| {
            let ports = match (f.protocol, f.ports) {
                (Some(protocol), Some(ports)) => format!(" {ports}/{protocol}"),
                _ => String::new(),
            };
            let short = |id: &str| id.rsplit('/').next().unwrap().to_owned();
            let ends = if f.to.is_empty() {
                short(&f.from)
            } else {
                format!("{} -> {}", short(&f.from), short(&f.to))
            };
            format!("{} {} {ends}{ports}", f.severity, f.code)
        })
        .collect()
}

fn check(world: &str, environment: &str, expected: &[&str]) {
    let found = findings(world, HEAD, environment);
    assert_eq!(lines(&found), expected, "{environment}\n{found:#?}");
}

#[test]
fn what_works_and_is_wanted_is_no_finding() {
    check(
        &(base() + &web_to_db()),
        "{defaultDeny: [{namespace: x}], expect: {web: {ingress: deny, egress: [\"5432 -> db\"]}, db: {ingress: [\"5432 <- web\"], egress: deny}}}",
        &[],
    );
}

#[test]
fn a_demand_that_is_denied_is_broken_once_for_each_range_of_ports() {
    check(
        &(base() + &web_to_db()),
        "{expect: {web: {egress: [\"5432,5433,8000-8010 -> db\"]}}}",
        &[
            "error broken web -> db 5433/TCP",
            "error broken web -> db 8000-8010/TCP",
        ],
    );
}

#[test]
fn one_denied_pair_breaks_a_demand() {
    // Both are `db` to the document, and only one of them has the label that policy asks for.
    let second = pod("x", "replica", "10.0.1.3").replace("app: replica", "app: replica, role: db");
    let head = HEAD.replace(
        "labels: {app: db}}}",
        "matchExpressions: [{key: app, operator: In, values: [db, replica]}]}}",
    );
    let found = findings(
        &(base() + &second + &web_to_db()),
        &head,
        "{expect: {web: {egress: [\"5432 -> db\"]}}}",
    );
    assert_eq!(lines(&found), ["error broken web -> replica 5432/TCP"]);
}

#[test]
fn a_documented_port_that_is_closed_to_everyone_is_broken() {
    check(
        &base(),
        "{expect: {db: {ingress: [\"5432\"]}}}",
        &["error broken any -> db 5432/TCP"],
    );
}

#[test]
fn what_is_allowed_and_not_tolerated_is_excess_from_either_end() {
    check(
        &(base() + &web_to_db()),
        "{expect: {db: {ingress: deny}}}",
        &["error excess web -> db 5432/TCP"],
    );
    check(
        &(base() + &web_to_db()),
        "{expect: {web: {egress: deny}}}",
        &["error excess web -> db 5432/TCP"],
    );
}

#[test]
fn an_open_world_forbids_only_what_a_flow_names() {
    let environment = |flows: &str| {
        format!("{{closedWorld: false, expect: {{db: {{ingress: deny}}}}, flows: {flows}}}")
    };
    let world = base() + &web_to_db();
    check(&world, &environment("[]"), &[]);
    check(
        &world,
        &environment("[{name: f, from: web, to: db, ports: any, verdict: deny}]"),
        &["error excess web -> db 5432/TCP"],
    );
    check(
        &world,
        &environment("[{name: f, from: cluster, to: db, ports: any, verdict: deny, level: may}]"),
        &["info excess web -> db 5432/TCP"],
    );
    check(
        &world,
        &environment(
            "[{name: f, from: cluster, to: db, ports: any, verdict: deny, except: [web]}]",
        ),
        &[],
    );
}

#[test]
fn what_is_open_to_everyone_is_one_finding() {
    let open = policy(
        "x",
        "open",
        "{podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 1, endPort: 65535}]}]}",
    );
    check(
        &(base() + &open),
        "{expect: {db: {ingress: deny}}}",
        &["error excess any -> db any/TCP"],
    );
    let to_pods = policy(
        "x",
        "open",
        "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 80}]}]}",
    );
    check(
        &(base() + &to_pods),
        "{expect: {db: {ingress: deny}}}",
        &["error excess cluster -> db 80/TCP"],
    );
}

#[test]
fn address_ranges_are_compared_exactly() {
    let block = policy(
        "x",
        "out",
        "{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 198.51.100.0/24}}]}]}",
    );
    let world = base() + &block;
    check(
        &world,
        "{expect: {web: {egress: [\"any -> 198.51.100.0/24\"]}}}",
        &[],
    );
    check(
        &world,
        "{expect: {web: {egress: [\"any/tcp,any/udp,any/sctp -> 198.51.100.0/25\"]}}}",
        &[
            "error excess web -> 25 any/TCP",
            "error excess web -> 25 any/UDP",
            "error excess web -> 25 any/SCTP",
        ],
    );
    let found = findings(
        &world,
        HEAD,
        "{expect: {web: {egress: [\"443 -> 198.51.100.0/23\"]}}}",
    );
    let broken = found.iter().find(|f| f.code == Code::Broken).unwrap();
    assert_eq!(broken.to, "198.51.101.0/24");
}

#[test]
fn an_exception_is_tolerated_on_its_last_day_and_expired_on_the_next() {
    let world = base() + &web_to_db();
    let environment = |expires: &str| {
        format!(
            "{{expect: {{db: {{ingress: deny}}}}, exceptions: [{{id: EX-1, from: web, to: db, ports: [5432], why: moving, owner: obs{expires}}}]}}"
        )
    };
    check(&world, &environment(", expires: 2026-03-15"), &[]);
    check(
        &world,
        &environment(", expires: 2026-03-14"),
        &["error expired web -> db 5432/TCP"],
    );
    check(
        &world,
        &environment(""),
        &["warning expired web -> db 5432/TCP"],
    );
    let found = findings(&world, HEAD, &environment(", expires: 2026-03-14"));
    assert_eq!(
        found[0].message,
        "x/web can still reach x/db on 5432/TCP, although `EX-1` expired on 2026-03-14 (owner obs; moving)"
    );
}

#[test]
fn one_end_that_opens_more_than_is_tolerated_is_latent() {
    let db_only = policy(
        "x",
        "db",
        "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]}",
    );
    check(
        &(base() + &db_only),
        "{expect: {db: {ingress: deny}}}",
        &["warning latent web -> db 5432/TCP"],
    );
}

#[test]
fn policy_stricter_than_what_is_tolerated_is_a_remark() {
    check(
        &(base() + &web_to_db()),
        "{expect: {web: {egress: [\"5432 -> db\"]}, db: {ingress: [\"5432\"]}}}",
        &["info narrower any -> db 5432/TCP"],
    );
}

#[test]
fn unspecified_peers_may_be_read_strictly() {
    let open = policy(
        "x",
        "open",
        "{podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 5432}]}]}",
    );
    let environment = "{expect: {db: {ingress: [\"5432\"]}}}";
    check(&(base() + &open), environment, &[]);
    let head = HEAD.replace(
        "workloads:",
        "settings: {unspecifiedPeer: documented}\nworkloads:",
    );
    let found = findings(&(base() + &open), &head, environment);
    assert_eq!(lines(&found), ["error excess any -> db 5432/TCP"]);
}

#[test]
fn anyone_has_to_be_let_in_where_any_is_written() {
    let environment = "{expect: {db: {ingress: [\"5432 <- any\"]}}}";
    check(
        &(base() + &web_to_db()),
        environment,
        &["error broken any -> db 5432/TCP"],
    );
    let pods = policy(
        "x",
        "pods",
        "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 5432}]}]}",
    );
    check(
        &(base() + &pods),
        environment,
        &["error broken internet -> db 5432/TCP"],
    );
}

#[test]
fn a_default_deny_has_to_hold_for_pods_that_do_not_exist_yet() {
    check(
        &base(),
        "{defaultDeny: [{namespace: y, directions: [ingress]}]}",
        &["error unisolated any -> *", "error unisolated any -> other"],
    );
    // All pods there are, and no other one.
    let only_other = policy("y", "deny", "{podSelector: {matchLabels: {app: other}}}");
    check(
        &(base() + &only_other),
        "{defaultDeny: [{namespace: y, directions: [ingress]}]}",
        &["error unisolated any -> *"],
    );
}

#[test]
fn what_the_document_names_has_to_be_there() {
    check(
        &(base() + &web_to_db()),
        "{bind: {other: {select: {namespace: z}}}, defaultDeny: [{namespace: gone}], flows: [{name: f, from: web, to: db, ports: [5432], verdict: allow, by: nobody}]}",
        &[
            "error unbound other",
            "warning stale gone",
            "warning stale nobody",
        ],
    );
    let head = HEAD.replace("workloads:", "settings: {unbound: warn}\nworkloads:");
    let found = findings(&base(), &head, "{bind: {other: {select: {namespace: z}}}}");
    assert_eq!(lines(&found), ["warning unbound other"]);
    assert_eq!(
        found[0].message,
        "no pod matches what is written for `other`: there is no namespace z"
    );
}

#[test]
fn pods_nobody_wrote_down_are_told_of_where_somebody_wrote() {
    let world = base()
        + &pod("x", "stray", "10.0.1.9")
        + &pod("x", "done", "10.0.1.8").replace("phase: Running", "phase: Succeeded")
        + &pod("kube-system", "proxy", "10.0.9.9");
    check(&world, "{}", &["warning undocumented stray"]);
}

#[test]
fn enforcement_that_is_written_down_is_checked() {
    let node = "{kind: Node, apiVersion: v1, metadata: {name: n1}}\n---\n";
    let system =
        "{kind: Pod, apiVersion: v1, metadata: {name: coredns, namespace: kube-system}}\n---\n";
    check(
        &(base() + node + system),
        "{cluster: {cni: calico, enforces: true}}",
        &["error unenforced cluster", "warning stale cluster"],
    );
    // Agents run in kube-system, of which this input has nothing.
    for world in [base(), base() + node] {
        check(
            &world,
            "{cluster: {enforces: true}}",
            &["warning unknown cluster"],
        );
    }
}

#[test]
fn what_cannot_be_decided_is_unknown() {
    // The policy is invalid, so whether a server has it is not known.
    let invalid = "{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: odd, namespace: y}, spec: {podSelector: {}, ingress: [{from: [{}]}]}}\n";
    let (cluster, told) = manifests::parse("t", &(base() + invalid));
    assert_eq!(told.len(), 1);
    let enforcer = detect(&cluster, true);
    let engine = Engine::build(&Arc::new(cluster), Profile::spec());
    let text = format!(
        "{HEAD}{{flows: [{{name: f, from: external, to: other, ports: [80], verdict: allow}}]}}\n"
    );
    let plan = bind(
        &engine,
        &read("e", &text).unwrap(),
        "dev",
        date(2026, 3, 15),
    );
    let found = judge(&engine, &plan, &enforcer);
    assert_eq!(lines(&found), ["warning unknown external -> other 80/TCP"]);
    assert_eq!(found[0].actual, Some(Verdict::Unknown));
}

#[test]
fn words_that_nothing_answers_to_are_unknown_not_broken() {
    check(
        &base(),
        "{expect: {web: {egress: [\"53 -> dns\", \"443 -> k8s-api\"]}}}",
        &["warning unknown dns", "warning unknown k8s-api"],
    );
}

/// The cluster's DNS behind a Service that listens elsewhere, and the API server at its endpoint.
fn services() -> String {
    "{kind: Namespace, apiVersion: v1, metadata: {name: kube-system}}
---
{kind: Node, apiVersion: v1, metadata: {name: cp}, status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: dns, namespace: kube-system, labels: {k8s-app: kube-dns}}, status: {phase: Running, podIPs: [{ip: 10.0.9.1}]}}
---
{kind: Service, apiVersion: v1, metadata: {name: kube-dns, namespace: kube-system}, spec: {clusterIP: 10.96.0.10, ports: [{name: dns, port: 53, protocol: UDP, targetPort: 5353}, {name: dns-tcp, port: 53, protocol: TCP, targetPort: 5353}]}}
---
{kind: EndpointSlice, apiVersion: discovery.k8s.io/v1, metadata: {name: d, namespace: kube-system, labels: {kubernetes.io/service-name: kube-dns}}, endpoints: [{addresses: [10.0.9.1], targetRef: {kind: Pod, namespace: kube-system, name: dns}}], ports: [{name: dns, port: 5353, protocol: UDP}, {name: dns-tcp, port: 5353, protocol: TCP}]}
---
{kind: Service, apiVersion: v1, metadata: {name: kubernetes, namespace: default}, spec: {clusterIP: 10.96.0.1, ports: [{name: https, port: 443, targetPort: 6443}]}}
---
{kind: EndpointSlice, apiVersion: discovery.k8s.io/v1, metadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}, endpoints: [{addresses: [192.0.2.1]}], ports: [{name: https, port: 6443, protocol: TCP}]}
---
"
    .to_owned()
}

/// Ambiguities A5 and A6: both are judged after translation, and DNS over TCP is a warning only.
#[test]
fn dns_and_the_api_server_are_judged_where_connections_arrive() {
    let environment = "{expect: {web: {egress: [\"53 -> dns\", \"443 -> k8s-api\"]}}}";
    let out = |rules: &str| {
        let spec = format!(
            "{{podSelector: {{matchLabels: {{app: web}}}}, policyTypes: [Egress], egress: [{rules}]}}"
        );
        base() + &services() + &policy("x", "out", &spec)
    };
    let dns = "{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}, podSelector: {matchLabels: {k8s-app: kube-dns}}}], ports: [{port: 5353, protocol: UDP}]}";
    let api = "{to: [{ipBlock: {cidr: 192.0.2.1/32}}], ports: [{port: 6443}]}";
    check(
        &out(&format!("{dns}, {api}")),
        environment,
        &["warning narrower web -> dns 5353/TCP"],
    );
    // The Service's own port and address are not what policy sees.
    let wrong = "{to: [{ipBlock: {cidr: 10.96.0.1/32}}], ports: [{port: 443}]}";
    check(
        &out(&format!("{dns}, {wrong}")),
        environment,
        &[
            "error broken web -> k8s-api 6443/TCP",
            "warning narrower web -> dns 5353/TCP",
        ],
    );
    let head = HEAD.replace(
        "workloads:",
        "settings: {dnsTcp: require, k8sApi: either}\nworkloads:",
    );
    let found = findings(&out(&format!("{dns}, {wrong}")), &head, environment);
    assert_eq!(lines(&found), ["error broken web -> dns 5353/TCP"]);
}

/// Ambiguity A2: traffic between replicas needs both sides, and a single pod always reaches itself.
#[test]
fn traffic_between_replicas_is_judged_between_two_of_them() {
    let environment = "{expect: {db: {ingress: [\"5432\"], egress: [\"5432 -> db\"]}}}";
    let ingress_only = policy(
        "x",
        "db",
        "{podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 5432}]}]}",
    );
    check(&(base() + &ingress_only), environment, &[]);
    let second = pod("x", "db-1", "10.0.1.3").replace("app: db-1", "app: db");
    check(
        &(base() + &ingress_only + &second),
        environment,
        &[
            "error broken db -> db-1 5432/TCP",
            "error broken db-1 -> db 5432/TCP",
        ],
    );
}

#[test]
fn a_row_and_its_own_node_are_nobodys_business() {
    let world = base()
        + "{kind: Node, apiVersion: v1, metadata: {name: w}, status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}}\n";
    check(&world, "{expect: {db: {ingress: deny, egress: deny}}}", &[]);
}

#[test]
fn what_is_as_expected_can_be_had_too() {
    let (cluster, _) = manifests::parse("t", &(base() + &web_to_db()));
    let enforcer = detect(&cluster, true);
    let engine = Engine::build(&Arc::new(cluster), Profile::spec());
    let text = format!("{HEAD}{{expect: {{web: {{egress: [\"5432 -> db\"]}}}}}}\n");
    let plan = bind(
        &engine,
        &read("e", &text).unwrap(),
        "dev",
        date(2026, 3, 15),
    );
    let found = judge_all(&engine, &plan, &enforcer);
    assert_eq!(
        lines(&found),
        ["info met web -> any", "info met web -> db 5432/TCP"]
    );
    assert_eq!(
        found[0].message,
        "nothing but what is written down gets out of x/web, as expected"
    );
    assert_eq!(found[1].because.len(), 2);
}

#[test]
fn findings_cite_the_line_of_the_document_before_that_of_the_file() {
    let world = base();
    let cites = |environment: &str| -> Vec<String> {
        let found = findings(&world, HEAD, environment);
        let all = found
            .iter()
            .flat_map(|f| f.sources.iter().map(ToString::to_string));
        all.collect()
    };
    for (environment, expected) in [
        // A namespace that is not isolated, and one that does not exist.
        (
            "{defaultDeny: [{namespace: y, directions: [ingress], src: 'd.md:3'}]}",
            "d.md:3 e:8",
        ),
        (
            "{defaultDeny: [{namespace: z, src: 'd.md:4'}]}",
            "d.md:4 e:8",
        ),
        // What a cell forbids and is open, and what a row demands and is closed.
        (
            "{expect: {other: {src: 'd.md:5', egress: deny}}}",
            "d.md:5 e:8",
        ),
        (
            "{expect: {web: {src: 'd.md:6', egress: ['5432 -> db']}}}",
            "d.md:6 e:8",
        ),
        (
            "{flows: [{name: f, from: web, to: web, ports: 1, verdict: deny, by: gone, src: 'd.md:7'}]}",
            "d.md:7 e:8",
        ),
    ] {
        let cited = cites(environment);
        assert!(
            cited.join(" ").starts_with(expected),
            "{environment}: {cited:?}"
        );
    }
}
