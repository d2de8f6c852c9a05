//! What is written against what is there, for each kind of way.

use std::sync::Arc;

use jiff::civil::date;

use crate::compile::enforcer::detect;
use crate::engine::{Engine, Profile};
use crate::expect::{bind, read};
use crate::model::{Resource, State};
use crate::source::manifests;

use super::super::{Finding, judge_all};

const WORLD: &str = "
{kind: Node, apiVersion: v1, metadata: {name: n1}, status: {addresses: [{type: InternalIP, address: 192.168.0.11}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: ui, namespace: x, labels: {app: ui}}, spec: {nodeName: n1, containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]}, status: {phase: Running, podIPs: [{ip: 10.0.1.1}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: db, namespace: x, labels: {app: db}}, spec: {nodeName: n1}, status: {phase: Running, podIPs: [{ip: 10.0.1.2}]}}
---
";

const BALANCED: &str = "{kind: Service, apiVersion: v1, metadata: {name: ui, namespace: x}, spec: {type: LoadBalancer, selector: {app: ui}, ports: [{name: a, port: 80, targetPort: 8080, nodePort: 30080}, {name: b, port: 443, targetPort: 8443}]}, status: {loadBalancer: {ingress: [{ip: 203.0.113.5}]}}}\n---\n";
const INSIDE: &str = "{kind: Service, apiVersion: v1, metadata: {name: ui, namespace: x}, spec: {clusterIP: 10.96.0.1, selector: {app: ui}, ports: [{port: 80, targetPort: 8080}]}}\n---\n";
const WEB: &str = "{kind: Ingress, apiVersion: networking.k8s.io/v1, metadata: {name: web, namespace: x, annotations: {cert-manager.io/cluster-issuer: le}}, spec: {ingressClassName: nginx, tls: [{hosts: [a.org], secretName: cert}], rules: [{host: a.org, http: {paths: [{path: /, backend: {service: {name: ui, port: {number: 80}}}}]}}]}}\n---\n";
const LOCK: &str = "{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: lock, namespace: x}, spec: {podSelector: {matchLabels: {app: ui}}, ingress: [{ports: [{port: 8080}]}]}}\n---\n";

const HEAD: &str = "apiVersion: netseg/v1\nkind: Expectations\nworkloads:\n  ui: {select: {namespace: x, labels: {app: ui}}}\n  db: {select: {namespace: x, labels: {app: db}}}\nenvironments:\n  dev: ";

/// Findings with an exposure in them, those that are as expected as well.
fn findings(world: &str, environment: &str, unreadable: &[Resource]) -> Vec<Finding> {
    let (mut cluster, _) = manifests::parse("t", &format!("{WORLD}{world}"));
    for resource in unreadable {
        let message = "no".to_owned();
        let state = State::Forbidden { message };
        cluster.coverage.set(*resource, None, state);
    }
    let enforcer = detect(&cluster, true);
    let engine = Engine::build(&Arc::new(cluster), Profile::spec());
    let expectations = read("e", &format!("{HEAD}{environment}\n")).unwrap();
    let plan = bind(&engine, &expectations, "dev", date(2026, 3, 15));
    let mut found = judge_all(&engine, &plan, &enforcer);
    found.retain(|f| f.from == "internet" && !f.message.contains("reaches"));
    found
}

fn lines(found: &[Finding]) -> Vec<String> {
    found
        .iter()
        .map(|f| format!("{} {} {}: {}", f.severity, f.code, f.to, f.message))
        .collect()
}

fn check(world: &str, environment: &str, expected: &[&str]) {
    let found = findings(world, environment, &[]);
    assert_eq!(lines(&found), expected, "{environment}");
}

#[test]
fn nothing_is_judged_where_nothing_is_said() {
    check(BALANCED, "{expect: {ui: {ingress: [\"8080\"]}}}", &[]);
}

#[test]
fn an_empty_list_says_that_nothing_listed_is_exposed() {
    let rows = |name: &str| format!("{{expect: {{{name}: {{ingress: any}}}}, exposure: []}}");
    let through = "error excess x/pod/ui: x/ui can be entered from outside through Service x/ui (t:8) at 203.0.113.5";
    check(
        BALANCED,
        &rows("ui"),
        &[
            &format!(
                "{through}, port 80/TCP, and nobody wrote that down; no policy keeps public addresses out"
            ),
            &format!(
                "{through}, port 443/TCP, and nobody wrote that down; no policy keeps public addresses out"
            ),
        ],
    );
    // The list does not speak of it.
    check(BALANCED, &rows("db"), &[]);
    // The rule that lets it in is the cause.
    let found = findings(&format!("{BALANCED}{LOCK}"), &rows("ui"), &[]);
    assert!(
        found[0]
            .message
            .ends_with("; policy lets public addresses in"),
        "{}",
        found[0].message
    );
    assert_eq!(found[0].because.len(), 1);
    assert_eq!(found[0].sources[0].to_string(), "e:7");
    assert_eq!(found[0].ports.unwrap().to_string(), "8080");
    let other = &found[1].message;
    assert!(
        other.ends_with("; whether policy lets public addresses in is not known (nat-ambiguous)"),
        "{other}"
    );
}

#[test]
fn a_list_of_ports_is_met_one_by_one() {
    let written = |ports: &str| {
        format!("{{exposure: [{{workload: ui, via: loadBalancer, port: \"{ports}\"}}]}}")
    };
    let through = "x/ui can be entered from outside through Service x/ui (t:8) at 203.0.113.5";
    let end = "no policy keeps public addresses out";
    check(
        BALANCED,
        &written("80,443"),
        &[
            &format!("info met x/pod/ui: {through}, port 80/TCP, as expected; {end}"),
            &format!("info met x/pod/ui: {through}, port 443/TCP, as expected; {end}"),
        ],
    );
    check(
        BALANCED,
        &written("80,8443"),
        &[
            &format!(
                "error excess x/pod/ui: {through}, port 443/TCP, and nobody wrote that down (what is written is another one: its port is 443/TCP); {end}"
            ),
            "warning stale x/pod/ui: `ui` is to be entered from outside by loadBalancer, port 8443, and there is no such way in; there is one through Service x/ui (t:8) at 203.0.113.5, port 80/TCP, but its port is 80/TCP",
            &format!("info met x/pod/ui: {through}, port 80/TCP, as expected; {end}"),
        ],
    );
    check(
        INSIDE,
        &written("80"),
        &[
            "warning stale x/pod/ui: `ui` is to be entered from outside by loadBalancer, port 80, and there is no such way in",
        ],
    );
}

#[test]
fn host_class_and_certificate_have_to_fit_as_far_as_written() {
    let world = format!("{INSIDE}{WEB}");
    let codes = |world: &str, item: &str| -> Vec<String> {
        let found = findings(
            world,
            &format!("{{exposure: [{{workload: ui, {item}}}]}}"),
            &[],
        );
        found
            .iter()
            .map(|f| format!("{} {}", f.severity, f.code))
            .collect()
    };
    for (item, expected) in [
        ("via: ingress", &["info met"][..]),
        (
            "via: ingress, host: a.org, port: 443, class: nginx, tls: cert-manager",
            &["info met"],
        ),
        // Both are the same way, so it is told once.
        ("via: ingress, host: A.ORG, port: \"80,443\"", &["info met"]),
        ("via: ingress, tls: cert", &["info met"]),
        ("via: ingress, tls: le", &["info met"]),
        (
            "via: ingress, tls: other",
            &["error excess", "warning stale"],
        ),
        (
            "via: ingress, host: b.org",
            &["error excess", "warning stale"],
        ),
        (
            "via: ingress, class: traefik",
            &["error excess", "warning stale"],
        ),
        (
            "via: ingress, port: 8443",
            &["error excess", "warning stale"],
        ),
        ("via: ingress, port: http", &["info met"]),
        ("via: nodePort", &["error excess", "warning stale"]),
        ("via: gateway", &["error excess", "warning unknown"]),
        (
            "via: portForward, port: 8443",
            &["error excess", "info met"],
        ),
    ] {
        assert_eq!(codes(&world, item), expected, "{item}");
    }
    // Without a word of cert-manager the certificate may still be its own: Certificates are not read.
    let silent = world.replace(", annotations: {cert-manager.io/cluster-issuer: le}", "");
    assert_eq!(
        codes(&silent, "via: ingress, tls: cert-manager"),
        ["warning unknown"]
    );
    let classless = world.replace("ingressClassName: nginx, ", "");
    assert_eq!(
        codes(&classless, "via: ingress, class: nginx"),
        ["warning unknown"]
    );
    let plain = world.replace("tls: [{hosts: [a.org], secretName: cert}], ", "");
    let found = findings(
        &plain,
        "{exposure: [{workload: ui, via: ingress, port: 443}]}",
        &[],
    );
    assert_eq!(
        found[1].message,
        "`ui` is to be entered from outside by ingress, port 443, and there is no such way in; there is one through Ingress x/web (t:10) for a.org, port 80/TCP, but it has no certificate for that host, so its port is 80"
    );
}

#[test]
fn a_star_is_any_workload_and_makes_all_of_them_listed() {
    let star = "{exposure: [{workload: \"*\", via: ingress, class: nginx, tls: cert-manager}]}";
    check(
        &format!("{INSIDE}{WEB}"),
        star,
        &[
            "info met cluster: x/ui can be entered from outside through Ingress x/web (t:10) for a.org, port 443/TCP, as expected; no policy keeps the controller out",
        ],
    );
    let other = "{kind: Service, apiVersion: v1, metadata: {name: db, namespace: x}, spec: {type: NodePort, selector: {app: db}, ports: [{port: 5432, nodePort: 30432}]}}\n";
    check(
        other,
        star,
        &[
            "error excess x/pod/db: x/db can be entered from outside through Service x/db (t:8), port 30432/TCP of every node, and nobody wrote that down; no policy keeps public addresses out",
            "warning stale cluster: some workload is to be entered from outside by ingress, class nginx, TLS by cert-manager, and there is no such way in",
        ],
    );
}

#[test]
fn what_could_not_be_read_is_not_absent() {
    let written = "{exposure: [{workload: ui, via: ingress, host: a.org}]}";
    let found = findings(INSIDE, written, &[Resource::Ingresses]);
    assert_eq!(
        lines(&found),
        [
            "warning unknown x/pod/ui: `ui` is to be entered from outside by ingress at a.org, and whether it can is not known: ingresses could not be read"
        ]
    );
    // An Ingress that cannot be decoded may be the one.
    let bad = WEB
        .replace("rules: [{host", "rules: {{host")
        .replace("}}]}}]}}\n", "}}]}}}}}\n");
    let found = findings(&format!("{INSIDE}{bad}"), written, &[]);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].code.as_str(), "unknown", "{}", found[0].message);
    let balanced = "{exposure: [{workload: ui, via: loadBalancer}]}";
    let found = findings("", balanced, &[Resource::Services]);
    assert_eq!(found[0].code.as_str(), "unknown", "{}", found[0].message);
}

#[test]
fn a_port_forward_is_only_shown() {
    check(
        "",
        "{exposure: [{workload: ui, via: portForward, host: 127.0.0.1, port: 8443}]}",
        &[
            "info met x/pod/ui: `ui` is to be entered from outside by portForward at 127.0.0.1, port 8443; a port-forward cannot be seen in a cluster, so it is only shown",
        ],
    );
}

#[test]
fn a_way_that_is_only_inferred_fails_nothing() {
    let head = HEAD.replace(
        "kind: Expectations\n",
        "kind: Expectations\nmetadata: {name: n, sources: [{file: f, inferred: true}]}\n",
    );
    let (cluster, _) = manifests::parse("t", &format!("{WORLD}{BALANCED}"));
    let enforcer = detect(&cluster, true);
    let engine = Engine::build(&Arc::new(cluster), Profile::spec());
    let written =
        "{exposure: [{workload: ui, via: loadBalancer, port: 80}, {workload: ui, via: ingress}]}";
    let expectations = read("e", &format!("{head}{written}\n")).unwrap();
    let plan = bind(&engine, &expectations, "dev", date(2026, 3, 15));
    let found = judge_all(&engine, &plan, &enforcer);
    let found: Vec<String> = found
        .iter()
        .map(|f| format!("{} {}", f.severity, f.code))
        .collect();
    assert_eq!(found, ["info excess", "info stale", "info met"]);
}

#[test]
fn beside_an_outside_end_it_is_said_whether_anything_leads_there() {
    let said = |world: &str, unreadable: &[Resource]| -> String {
        let (mut cluster, _) = manifests::parse("t", &format!("{WORLD}{world}"));
        for resource in unreadable {
            let message = "no".to_owned();
            let state = State::Forbidden { message };
            cluster.coverage.set(*resource, None, state);
        }
        let enforcer = detect(&cluster, true);
        let engine = Engine::build(&Arc::new(cluster), Profile::spec());
        let flow = "{flows: [{name: f, from: internet, to: ui, ports: [8080], verdict: allow}]}";
        let expectations = read("e", &format!("{HEAD}{flow}\n")).unwrap();
        let plan = bind(&engine, &expectations, "dev", date(2026, 3, 15));
        let found = judge_all(&engine, &plan, &enforcer);
        let flow = found.iter().find(|f| f.from == "internet").unwrap();
        flow.message.clone()
    };
    let met = "the internet reaches x/ui on 8080/TCP, as expected";
    assert_eq!(said(BALANCED, &[]), met);
    assert_eq!(
        said("", &[]),
        format!("{met}; nothing exposes it: no way in from outside leads there")
    );
    assert_eq!(
        said("", &[Resource::Services]),
        format!("{met}; whether anything exposes it is not known: services could not be read")
    );
}
