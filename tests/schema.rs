//! The schema for editors agrees with the reader: what one refuses the other does not accept, as far as a schema can say it.

use std::path::Path;

use netseg::expect;
use serde_json::Value;

const SCHEMA: &str = include_str!("../assets/netseg-v1.schema.json");

fn schema() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    jsonschema::validator_for(&schema).unwrap()
}

/// What the schema has against a file; nothing when it accepts it.
fn refused(schema: &jsonschema::Validator, text: &str) -> Vec<String> {
    let value: Value = netseg::yaml::read(text).unwrap();
    let errors = schema.iter_errors(&value);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// Every file of expectations below a folder.
fn files(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if let Ok(text) = std::fs::read_to_string(&path)
            && path.extension().is_some_and(|ending| ending == "yaml")
            && text.contains("apiVersion: netseg/v1\n")
        {
            found.push(text);
        }
    }
}

#[test]
fn every_file_of_the_project_is_accepted_by_reader_and_schema() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    for folder in ["assets", "tests"] {
        files(&root.join(folder), &mut texts);
    }
    assert!(!texts.is_empty());
    let schema = schema();
    for text in &texts {
        let read = expect::read("e.yaml", text).unwrap_or_else(|told| panic!("{told:?}\n{text}"));
        assert_eq!(refused(&schema, text), Vec::<String>::new(), "{text}");
        let rows = std::collections::BTreeMap::new();
        let mut written = vec![expect::write(&read, expect::Places::OfFiles, &rows).unwrap()];
        for env in read.environments() {
            written.push(expect::write_resolved(&read, &env).unwrap());
        }
        for text in &written {
            assert_eq!(refused(&schema, text), Vec::<String>::new(), "{text}");
        }
    }
}

const WORKLOADS: &str = "workloads:\n  a: {names: [A], select: {namespace: x, labels: {app: a}}}\n  b: {select: [{namespaceLabels: {team: x}}, {owner: StatefulSet/b}, {container: proxy}, {matchExpressions: [{key: k, operator: Exists}]}], closedWorld: false, src: a.md:3}\npeers:\n  lan: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}\n  v6: {cidr: [\"2001:db8::/32\", \"::1\", 192.0.2.7]}\n";

fn file(rest: &str) -> String {
    format!("apiVersion: netseg/v1\nkind: Expectations\n{WORKLOADS}{rest}")
}

fn env(body: &str) -> String {
    file(&format!("environments:\n  dev: {body}\n"))
}

#[test]
fn everything_the_reader_takes_is_in_the_schema() {
    let schema = schema();
    for text in [
        env("{}"),
        file("metadata:\nenvironments: {dev: {expect:, flows:, bind:, notes:}}\n"),
        file(
            "metadata: {name: 7, sources: [{file: a.md, line: 3, env: dev, inferred: true}]}\nsettings: {closedWorld: false, unspecifiedPeer: documented, dnsTcp: ignore, unbound: warn, k8sApi: clusterIP}\nenvironments: {base: {}, dev: {extends: base, closedWorld: true}}\n",
        ),
        env(
            "{defaultDeny: [{namespace: x, directions: [egress], src: a.md:3}], bind: {a: {select: {namespace: y}, src: 'a b:c.md:4'}}}",
        ),
        env(
            "{expect: {a: {src: a.md:7, ingress: deny, egress: any}, b: {ingress: [], egress: [80]}}}",
        ),
        env(
            "{expect: {a: {ingress: ['27017 <- b, lan', '80, 443', '8000-8010/tcp <- 10.0.0.0/8 except 10.1.0.0/16, 10.2.0.1', 'any/udp', 'metrics <- ::1', http-alt, 'all-in <- b']}}}",
        ),
        env(
            "{expect: {a: {egress: ['53 -> dns', '53/UDP->dns', 'any -> internet'], egress+: ['80 -> b'], egress-: ['53/tcp -> dns']}}}",
        ),
        env(
            "{expect: {a: {egress: [{ports: any, to: [b, 'lan, v6'], level: may, via: service, why: because, owner: me, ticket: T-1, expires: 2026-03-31, severity: info, src: a.md:9}]}}}",
        ),
        env(
            "{flows: [{name: f, from: [a, external], to: node, except: b, ports: [80, '8000-8010', metrics], verdict: deny, level: may, by: x/p}]}",
        ),
        env("{exceptions: [{id: E-1, from: any, to: b, ports: 80, expires: 2026-03-31}]}"),
        env(
            "{exposure: [{workload: a, via: ingress, host: a.example.org, port: 443, class: nginx, tls: cert-manager}, {workload: '*', via: portForward, port: '80,443'}]}",
        ),
        env("{cluster: {cni: calico, enforces: true}, notes: [some, {text: more, src: a.md:30}]}"),
    ] {
        let told = expect::read("e.yaml", &text).err();
        assert!(told.is_none(), "{told:?}\n{text}");
        assert_eq!(refused(&schema, &text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn what_is_wrong_is_refused_by_both() {
    let schema = schema();
    for text in [
        "apiVersion: netseg/v2\nkind: Expectations\nenvironments: {dev: {}}\n".to_owned(),
        "apiVersion: netseg/v1\nkind: Expectation\nenvironments: {dev: {}}\n".to_owned(),
        "[]".to_owned(),
        file("enviroments: {dev: {}}\n"),
        file("metadata: {sources: [{line: 0}]}\nenvironments: {dev: {}}\n"),
        file("settings: {unbound: error}\nenvironments: {dev: {}}\n"),
        file("settings: {closedWorld: 'yes'}\nenvironments: {dev: {}}\n"),
        "apiVersion: netseg/v1\nkind: Expectations\nworkloads: {a: {}}\nenvironments: {dev: {}}\n".to_owned(),
        "apiVersion: netseg/v1\nkind: Expectations\nworkloads: {a: {select: {}}}\nenvironments: {dev: {}}\n".to_owned(),
        "apiVersion: netseg/v1\nkind: Expectations\nworkloads: {a: {select: {labels: {}}}}\nenvironments: {dev: {}}\n".to_owned(),
        "apiVersion: netseg/v1\nkind: Expectations\nworkloads: {a: {select: []}}\nenvironments: {dev: {}}\n".to_owned(),
        "apiVersion: netseg/v1\nkind: Expectations\nworkloads: {a: {select: {labels: {app: true}}}}\nenvironments: {dev: {}}\n".to_owned(),
        "apiVersion: netseg/v1\nkind: Expectations\nworkloads: {a: {select: {owner: mongo}}}\nenvironments: {dev: {}}\n".to_owned(),
        "apiVersion: netseg/v1\nkind: Expectations\nworkloads: {a: {select: {matchExpressions: [{key: k, operator: In}]}}}\nenvironments: {dev: {}}\n".to_owned(),
        "apiVersion: netseg/v1\nkind: Expectations\nworkloads: {internet: {names: [I]}}\nenvironments: {dev: {}}\n".to_owned(),
        "apiVersion: netseg/v1\nkind: Expectations\nworkloads: {a b: {names: [I]}}\nenvironments: {dev: {}}\n".to_owned(),
        "apiVersion: netseg/v1\nkind: Expectations\npeers: {p: {cidr: [10.0.0.0/33]}}\nenvironments: {dev: {}}\n".to_owned(),
        "apiVersion: netseg/v1\nkind: Expectations\npeers: {p: {cidr: []}}\nenvironments: {dev: {}}\n".to_owned(),
        env("[]"),
        env("{defaultDeny: [x]}"),
        env("{defaultDeny: [{namespace: x, directions: [both]}]}"),
        env("{bind: {a: {}}}"),
        env("{expect: {a: {egress: none}}}"),
        env("{expect: {a: {ingres: deny}}}"),
        env("{expect: {a: {egress: ['80 <- b']}}}"),
        env("{expect: {a: {egress: ['70000 -> b']}}}"),
        env("{expect: {a: {egress: ['53/icmp -> b']}}}"),
        env("{expect: {a: {egress: ['80 ->']}}}"),
        env("{expect: {a: {egress: [0]}}}"),
        env("{expect: {a: {egress: [{ports: 80, from: b}]}}}"),
        env("{expect: {a: {egress: [{to: b}]}}}"),
        env("{expect: {a: {egress: [{ports: 80, level: should}]}}}"),
        env("{expect: {a: {src: a.md, egress: deny}}}"),
        env("{flows: [{name: f, from: a, to: b, ports: 80}]}"),
        env("{flows: [{name: f, from: [], to: b, ports: 80, verdict: deny}]}"),
        env("{flows: [{name: f, from: a, to: b, ports: 80, verdict: deny, level: never}]}"),
        env("{exceptions: [{id: E, from: a, to: b, ports: 80, expires: 31.3.2026}]}"),
        env("{exposure: [{workload: a, via: tunnel}]}"),
        env("{exposure: [{workload: a, via: ingress, port: 0}]}"),
        env("{cluster: {enforces: maybe}}"),
        env("{notes: [{src: a.md:3}]}"),
    ] {
        assert!(expect::read("e.yaml", &text).is_err(), "reader: {text}");
        assert!(!refused(&schema, &text).is_empty(), "schema: {text}");
    }
}

#[test]
fn what_takes_the_whole_file_to_see_is_refused_by_the_reader_alone() {
    let schema = schema();
    for text in [
        // Names that are used or built on, and circles.
        env("{expect: {c: {egress: deny}}}"),
        env("{expect: {a: {egress: ['80 -> c']}}}"),
        env("{extends: base}"),
        file("environments: {dev: {extends: prod}, prod: {extends: dev}}\n"),
        // Contradictions and repetitions.
        env("{flows: [{name: f, from: a, to: b, ports: 80, verdict: allow}, {name: g, from: a, to: b, ports: any, verdict: deny}]}"),
        env("{flows: [{name: f, from: a, to: b, ports: 80, verdict: allow}, {name: f, from: b, to: a, ports: 81, verdict: allow}]}"),
        env("{expect: {a: {egress+: ['80 -> b']}}}"),
        "apiVersion: netseg/v1\nkind: Expectations\npeers: {a: {cidr: 10.0.0.0/8}}\nworkloads: {a: {names: [A]}}\nenvironments: {dev: {}}\n".to_owned(),
        // Arithmetic.
        env("{expect: {a: {egress: ['90-80 -> b']}}}"),
        env("{expect: {a: {egress: ['80 -> 10.0.0.0/8 except 11.0.0.0/8']}}}"),
        "apiVersion: netseg/v1\nkind: Expectations\npeers: {p: {cidr: 10.0.0.0/8, except: 11.0.0.0/8}}\nenvironments: {dev: {}}\n".to_owned(),
        // Another file may have them.
        file(""),
    ] {
        assert!(expect::read("e.yaml", &text).is_err(), "reader: {text}");
        assert_eq!(refused(&schema, &text), Vec::<String>::new(), "{text}");
    }
}
