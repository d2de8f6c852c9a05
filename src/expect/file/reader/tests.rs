//! Every mistake is told with its line, and nothing that is not understood is passed over.

use super::*;

const HEAD: &str = "apiVersion: netseg/v1\nkind: Expectations\nmetadata: {name: t}\nworkloads:\n  a: {select: {namespace: x, labels: {app: a}}}\n  b: {select: {namespace: x, labels: {app: b}}}\nenvironments:\n";

/// The problems of a file whose environments begin on line 8, one line each: place, message, help.
fn problems(environments: &str) -> Vec<String> {
    let told = read("e.yaml", &format!("{HEAD}{environments}")).err();
    told.unwrap_or_default()
        .iter()
        .map(|d| {
            format!(
                "{} {} ({})",
                d.source.as_ref().unwrap(),
                d.message,
                d.help.as_deref().unwrap_or_default()
            )
        })
        .collect()
}

#[test]
fn mistakes_are_told_with_their_line_and_what_is_allowed() {
    for (text, expected) in [
        (
            "  dev:\n    expects: {}\n",
            "e.yaml:9 environments.dev.expects: there is no such key here (allowed are extends, closedWorld, defaultDeny, bind, expect, flows, exceptions, exposure, cluster)",
        ),
        (
            "  dev:\n    expect:\n      a:\n        ingress:\n        - 80\n        - 70000\n",
            "e.yaml:13 environments.dev.expect.a.ingress[1]: `70000` is no port; ports run from 1 to 65535 (a rule is `ports -> peers` in egress, `ports <- peers` in ingress, or ports alone)",
        ),
        (
            "  dev: {expect: {a: {egress: [\"80 <- b\"]}}}\n",
            "e.yaml:8 environments.dev.expect.a.egress[0]: `80 <- b` points the other way than egress (a rule is `ports -> peers` in egress, `ports <- peers` in ingress, or ports alone)",
        ),
        (
            "  dev: {expect: {a: {egress: [\"80 -> bb\"]}}}\n",
            "e.yaml:8 environments.dev.expect.a.egress[0]: `bb` is no workload, no peer and no known word (nearest: b, a, any)",
        ),
        (
            "  dev: {expect: {c: {egress: deny}}}\n",
            "e.yaml:8 environments.dev.expect.c: there is no workload `c` (define it under workloads; nearest: a, b)",
        ),
        (
            "  dev: {expect: {a: {egress: none}}}\n",
            "e.yaml:8 environments.dev.expect.a.egress: is `none` (allowed are deny, any, or a list of rules such as [\"53 -> dns\", \"27017 -> mongo\"])",
        ),
        (
            "  dev: {extends: base}\n",
            "e.yaml:8 environments.dev.extends: there is no environment `base` (environments here: dev)",
        ),
        (
            "  dev: {exceptions: [{id: E, from: a, to: b, ports: 80, expires: 31.3.2026}]}\n",
            "e.yaml:8 environments.dev.exceptions[0].expires: `31.3.2026` is no date (a date is written as 2026-03-31)",
        ),
        (
            "  dev: {flows: [{name: f, from: a, to: b, ports: 80, verdict: allow}, {name: g, from: a, to: b, ports: any, verdict: deny}]}\n",
            "e.yaml:8 environments.dev.flows: `f` allows what `g` denies, on 80/TCP (a flow is either wanted or not: take one out, or name what is excepted)",
        ),
        (
            "  dev: {expect: {a: {\"egress+\": [\"80 -> b\"]}}}\n",
            "e.yaml:8 environments.dev.expect.a.egress+: there is nothing to change: that direction is not listed (write the whole list instead)",
        ),
    ] {
        assert_eq!(problems(text), [expected], "{text}");
    }
}

#[test]
fn one_mistake_does_not_hide_the_next() {
    let told = problems("  dev:\n    expect:\n      a: {ingress: [x/y]}\n      b: {ingress: 5}\n");
    let lines: Vec<&str> = told.iter().map(|t| &t[..9]).collect();
    assert_eq!(lines, ["e.yaml:10", "e.yaml:11"]);
}

#[test]
fn environments_that_extend_each_other_are_refused() {
    let told = problems("  dev: {extends: prod}\n  prod: {extends: dev}\n");
    assert_eq!(told.len(), 2);
    assert!(told[0].contains("in a circle"), "{told:?}");
}

#[test]
fn what_is_not_supported_is_refused() {
    let text = "apiVersion: netseg/v1\nkind: Expectations\nworkloads:\n  m: {select: {container: istio-proxy}}\nenvironments: {base: {}}\n";
    let told = read("e.yaml", text).unwrap_err();
    assert_eq!(told[0].source.as_ref().unwrap().line, 4);
    assert_eq!(
        told[0].message,
        "workloads.m.select.container: selecting pods by a container is not supported"
    );
}

#[test]
fn a_name_that_already_means_something_is_refused() {
    let text = "apiVersion: netseg/v1\nkind: Expectations\npeers:\n  internet: {cidr: 0.0.0.0/0}\nenvironments: {base: {}}\n";
    let told = read("e.yaml", text).unwrap_err();
    assert_eq!(
        told[0].message,
        "peers.internet: this name already means something"
    );
}

#[test]
fn another_kind_of_file_is_no_expectation() {
    let told = read("e.yaml", "apiVersion: v1\nkind: Pod\n").unwrap_err();
    assert_eq!(told[0].message, "apiVersion: is `v1`");
    assert_eq!(told[0].help.as_deref(), Some("netseg/v1 is needed"));
    assert!(read("e.yaml", "").is_err());
    assert!(read("e.yaml", "a: [").is_err());
}
