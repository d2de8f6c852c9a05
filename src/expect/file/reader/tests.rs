//! Every mistake is told with its line, and nothing that is not understood is passed over.

use super::super::Cell;
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
            "e.yaml:9 environments.dev.expects: there is no such key here (allowed are extends, closedWorld, defaultDeny, bind, expect, flows, exceptions, exposure, cluster, notes)",
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
fn a_workload_needs_names_or_a_selector_that_is_not_empty() {
    let problem = |workload: &str| {
        let text = format!(
            "apiVersion: netseg/v1\nkind: Expectations\nworkloads:\n  m: {workload}\nenvironments: {{base: {{}}}}\n"
        );
        match read("e.yaml", &text) {
            Ok(read) => format!(
                "{} names, {} selectors",
                read.workloads[0].value.names.len(),
                read.workloads[0].value.select.len()
            ),
            Err(told) => format!("{} {}", told[0].source.as_ref().unwrap(), told[0].message),
        }
    };
    for (workload, expected) in [
        ("{names: [UI]}", "1 names, 0 selectors"),
        ("{select: {container: istio-proxy}}", "0 names, 1 selectors"),
        (
            "{}",
            "e.yaml:4 workloads.m: does not say which pods it means",
        ),
        (
            "{names: []}",
            "e.yaml:4 workloads.m: does not say which pods it means",
        ),
        (
            "{names: [UI], select: {}}",
            "e.yaml:4 workloads.m.select: is empty, and would mean every pod",
        ),
        (
            "{names: [UI], select: []}",
            "e.yaml:4 workloads.m.select: selects nothing",
        ),
        (
            "{names: [UI], select: }",
            "e.yaml:4 workloads.m.select: is nothing",
        ),
    ] {
        assert_eq!(problem(workload), expected, "{workload}");
    }
}

#[test]
fn the_place_of_a_row_is_that_of_its_cells_and_of_its_rules_without_one() {
    let text = format!(
        "{HEAD}  dev:\n    notes: [left open on purpose, {{text: see below, src: d.md:30}}]\n    expect:\n      a: {{src: d.md:17, ingress: deny, egress: [\"80 -> b\", {{ports: 90, to: b, src: d.md:18}}]}}\n      b: {{src: d.md:19, ingress+: [\"81\"], ingress: [\"80\"]}}\n"
    );
    let read = read("e.yaml", &text).unwrap();
    let env = read.resolve("dev").unwrap();
    let told = |src: &Option<SourceRef>| src.as_ref().unwrap().to_string();
    let rules = |cell: &Option<Cell>| match &cell.as_ref().unwrap().content {
        Content::Rules { rules, .. } => rules.iter().map(|r| told(&r.remarks.src)).collect(),
        Content::Deny | Content::Any => Vec::new(),
    };
    let (a, b) = (&env.expect[0], &env.expect[1]);
    assert_eq!(told(&a.ingress.as_ref().unwrap().src), "d.md:17");
    assert_eq!(rules(&a.egress), ["d.md:17", "d.md:18"]);
    assert_eq!(rules(&b.ingress), ["d.md:19", "d.md:19"]);
    let notes: Vec<(&str, u32)> = env
        .notes
        .iter()
        .map(|n| (n.text.as_str(), n.at.line))
        .collect();
    assert_eq!(notes, [("left open on purpose", 9), ("see below", 9)]);
    assert_eq!(told(&env.notes[1].src), "d.md:30");
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
