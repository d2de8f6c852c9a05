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
                d.place().unwrap(),
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
            "e.yaml:9:5 environments.dev.expects: there is no such key here (allowed are extends, closedWorld, defaultDeny, bind, expect, flows, exceptions, exposure, cluster, notes)",
        ),
        (
            "  dev:\n    expect:\n      a:\n        ingress:\n        - 80\n        - 70000\n",
            "e.yaml:13:11 environments.dev.expect.a.ingress[1]: `70000` is no port; ports run from 1 to 65535 (a rule is `ports -> peers` in egress, `ports <- peers` in ingress, or ports alone)",
        ),
        (
            "  dev: {expect: {a: {egress: [\"80 <- b\"]}}}\n",
            "e.yaml:8:31 environments.dev.expect.a.egress[0]: `80 <- b` points the other way than egress (a rule is `ports -> peers` in egress, `ports <- peers` in ingress, or ports alone)",
        ),
        (
            "  dev: {expect: {a: {egress: [\"80 -> bb\"]}}}\n",
            "e.yaml:8:31 environments.dev.expect.a.egress[0]: `bb` is no workload, no peer and no known word (nearest: b, a, any)",
        ),
        (
            "  dev: {expect: {c: {egress: deny}}}\n",
            "e.yaml:8:18 environments.dev.expect.c: there is no workload `c` (define it under workloads; nearest: a, b)",
        ),
        (
            "  dev: {expect: {a: {egress: none}}}\n",
            "e.yaml:8:22 environments.dev.expect.a.egress: is `none` (allowed are deny, any, or a list of rules such as [\"53 -> dns\", \"27017 -> mongo\"])",
        ),
        (
            "  dev: {extends: base}\n",
            "e.yaml:8:9 environments.dev.extends: there is no environment `base` (environments here: dev)",
        ),
        (
            "  dev: {exceptions: [{id: E, from: a, to: b, ports: 80, expires: 31.3.2026}]}\n",
            "e.yaml:8:57 environments.dev.exceptions[0].expires: `31.3.2026` is no date (a date is written as 2026-03-31)",
        ),
        (
            "  dev: {flows: [{name: f, from: a, to: b, ports: 80, verdict: allow}, {name: g, from: a, to: b, ports: any, verdict: deny}]}\n",
            "e.yaml:8:71 environments.dev.flows[1]: `g` denies what `f` at e.yaml:8 allows, on 80/TCP (a flow is either wanted or not: take one out, or name what is excepted)",
        ),
        (
            "  dev: {expect: {a: {\"egress+\": [\"80 -> b\"]}}}\n",
            "e.yaml:8:22 environments.dev.expect.a.egress+: there is nothing to change: that direction is not listed (write the whole list instead)",
        ),
    ] {
        assert_eq!(problems(text), [expected], "{text}");
    }
}

#[test]
fn what_is_written_twice_is_told_with_both_places() {
    for (text, expected) in [
        (
            "  dev:\n    flows:\n    - {name: f, from: a, to: b, ports: 1, verdict: allow}\n    - {name: f, from: b, to: a, ports: 1, verdict: allow}\n",
            "e.yaml:11:7 environments.dev.flows[1]: `f` is already written at e.yaml:10 (write it once: entries are told apart, and replaced, by this name)",
        ),
        (
            "  dev: {exceptions: [{id: E, from: a, to: b, ports: 1}, {id: E, from: a, to: b, ports: 2}]}\n",
            "e.yaml:8:57 environments.dev.exceptions[1]: `E` is already written at e.yaml:8 (write it once: entries are told apart, and replaced, by this name)",
        ),
        (
            "  dev: {defaultDeny: [{namespace: x}, {namespace: x, directions: [egress]}]}\n",
            "e.yaml:8:39 environments.dev.defaultDeny[1]: `x` is already written at e.yaml:8 (write it once: entries are told apart, and replaced, by this name)",
        ),
        (
            "  dev: {}\n  dev: {}\n",
            "e.yaml:9:3 is no YAML: duplicate mapping key `dev` is not allowed here (a key stands once in a mapping: put what belongs to it together)",
        ),
    ] {
        assert_eq!(problems(text), [expected], "{text}");
    }
}

#[test]
fn a_network_that_is_none_is_told_of_in_every_place() {
    let text = "apiVersion: netseg/v1\nkind: Expectations\npeers:\n  p: {cidr: [10.0.0.0/33]}\n  q: {cidr: [10.0.0.0/8], except: [11.0.0.0/8]}\nenvironments: {base: {}}\n";
    let told: Vec<String> = read("e.yaml", text)
        .unwrap_err()
        .iter()
        .map(|d| {
            format!(
                "{} {} ({})",
                d.place().unwrap(),
                d.message,
                d.help.as_deref().unwrap()
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "e.yaml:4:14 peers.p.cidr[0]: `10.0.0.0/33` is no network (a network is written as 10.0.0.0/8, a single address without a length)",
            "e.yaml:5:27 peers.q.except: 11.0.0.0/8 lies in none of the networks of cidr (an exception takes something out of cidr)",
        ]
    );
    for (rule, expected) in [
        (
            "443 -> 10.0.0.0/33",
            "e.yaml:8:31 environments.dev.expect.a.egress[0]: `10.0.0.0/33` is no peer (a rule is `ports -> peers` in egress, `ports <- peers` in ingress, or ports alone)",
        ),
        (
            "443 -> 10.0.0.0/8 except 11.0.0.0/8",
            "e.yaml:8:31 environments.dev.expect.a.egress[0]: 11.0.0.0/8 does not lie inside 10.0.0.0/8 (a rule is `ports -> peers` in egress, `ports <- peers` in ingress, or ports alone)",
        ),
    ] {
        assert_eq!(
            problems(&format!(
                "  dev: {{expect: {{a: {{egress: [\"{rule}\"]}}}}}}\n"
            )),
            [expected]
        );
    }
}

#[test]
fn files_may_name_what_others_define() {
    let head = "apiVersion: netseg/v1\nkind: Expectations\n";
    let all = |files: &[String]| {
        let named: Vec<(String, String)> = (1..)
            .zip(files)
            .map(|(n, text)| (format!("{n}.yaml"), format!("{head}{text}")))
            .collect();
        let files: Vec<(&str, &str)> = named
            .iter()
            .map(|(n, t)| (n.as_str(), t.as_str()))
            .collect();
        super::super::super::read_all(&files)
    };
    let places = |files: &[String]| -> Vec<String> {
        let told = all(files).unwrap_err();
        told.iter()
            .map(|d| format!("{} {}", d.place().unwrap(), d.message))
            .collect()
    };
    let who = "workloads: {a: {names: [A]}, b: {select: {namespace: x}}}\npeers: {lan: {cidr: 10.0.0.0/8}}\n".to_owned();
    let base =
        "environments: {base: {expect: {a: {ingress: ['80 <- b'], egress: ['22 -> lan']}}}}\n"
            .to_owned();
    let prod = "environments: {prod: {extends: base, bind: {a: {select: {namespace: y}}}, expect: {a: {ingress+: ['81 <- lan']}}}}\n".to_owned();
    let read = all(&[prod.clone(), who.clone(), base.clone()]).unwrap();
    assert_eq!(read.environments(), ["prod"]);
    assert_eq!(read.rule_count("prod"), 3);
    // Settings beside definitions are meant for the environments of other files.
    let lenient = format!("settings: {{unbound: warn}}\n{who}");
    let settings = all(&[lenient, base.clone()]).unwrap().environments[0].settings;
    assert_eq!(settings.unbound, Severity::Warning);
    // Each needs the others.
    assert_eq!(
        places(&[prod.clone(), who.clone()]),
        ["1.yaml:3:23 environments.prod.extends: there is no environment `base`"]
    );
    assert_eq!(
        places(&[base.clone(), prod.clone()]),
        [
            "1.yaml:3:32 environments.base.expect.a: there is no workload `a`",
            "1.yaml:3:46 environments.base.expect.a.ingress[0]: `b` is no workload, no peer and no known word",
            "1.yaml:3:67 environments.base.expect.a.egress[0]: `lan` is no workload, no peer and no known word",
            "2.yaml:3:45 environments.prod.bind.a: there is no workload `a`",
            "2.yaml:3:84 environments.prod.expect.a: there is no workload `a`",
            "2.yaml:3:99 environments.prod.expect.a.ingress+[0]: `lan` is no workload, no peer and no known word",
        ]
    );
    assert_eq!(
        places(std::slice::from_ref(&who)),
        ["1.yaml:1 environments: holds no environment"]
    );
    // What two files define differently, and what only both together contradict.
    let other =
        "workloads: {a: {names: [A]}, b: {select: {namespace: y}}}\nenvironments: {dev: {}}\n"
            .to_owned();
    assert_eq!(
        places(&[who.clone(), other]),
        ["2.yaml:3 workload `b` is already defined at 1.yaml:3"]
    );
    let circle = "environments: {base: {extends: prod}}\n".to_owned();
    assert_eq!(
        places(&[who.clone(), base, prod, circle]),
        [
            "3.yaml:3:23 environments.prod.extends: environments extend each other in a circle: prod, base, prod",
            "4.yaml:3:23 environments.base.extends: environments extend each other in a circle: base, prod, base",
        ]
    );
    let allow =
        "environments: {dev: {flows: [{name: f, from: a, to: lan, ports: 80, verdict: allow}]}}\n"
            .to_owned();
    let deny = "environments: {test: {extends: dev, flows: [{name: g, from: b, to: a, ports: 80, verdict: deny},\n  {name: h, from: a, to: lan, ports: any, verdict: deny}]}}\n".to_owned();
    assert_eq!(
        places(&[who, allow, deny]),
        [
            "3.yaml:4:3 environments.test.flows[1]: `h` denies what `f` at 2.yaml:3 allows, on 80/TCP"
        ]
    );
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
    assert_eq!(
        told[0],
        "e.yaml:8:9 environments.dev.extends: environments extend each other in a circle: dev, prod, dev (take one `extends` out)"
    );
    // One that only leads into the circle is not to blame.
    let told = problems("  dev: {extends: prod}\n  prod: {extends: prod}\n");
    assert_eq!(
        told,
        [
            "e.yaml:9:10 environments.prod.extends: environments extend each other in a circle: prod, prod (take one `extends` out)"
        ]
    );
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
