//! What is written reads as what was meant, and is written the same again.

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use proptest::prelude::*;

use super::super::file::short::{PeerWord, PortWord, network};
use super::super::file::{DefaultDeny, Exception, Flow, Patch, Remarks};
use super::super::{Exposure, read};
use super::*;
use crate::model::{IpBlock, Labels, PortRange, Protocol, Selector};

mod strategies;

use strategies::everything;

fn plainly(expectations: &Expectations) -> String {
    write(expectations, Places::OfFiles, &BTreeMap::new()).unwrap()
}

fn place(place: &str) -> SourceRef {
    let (file, line) = place.rsplit_once(':').unwrap();
    SourceRef {
        file: file.into(),
        line: line.parse().unwrap(),
    }
}

fn rows_said(env: &Environment, about: &dyn Fn(&Remarks) -> String, said: &mut BTreeSet<String>) {
    for row in &env.expect {
        said.insert(format!("row {}", row.workload));
        assert!(row.patches.is_empty());
        for direction in Direction::BOTH {
            let Some(cell) = row.cell(direction) else {
                continue;
            };
            let lead = format!("{} {direction}", row.workload);
            let (rules, removed) = match &cell.content {
                Content::Rules { rules, removed } if !rules.is_empty() => (rules, removed),
                Content::Any => {
                    said.insert(format!("{lead} any"));
                    continue;
                }
                _ => {
                    said.insert(format!("{lead} deny"));
                    continue;
                }
            };
            let tagged = rules
                .iter()
                .map(|r| (r, ""))
                .chain(removed.iter().map(|r| (r, " removed")));
            for (rule, tag) in tagged {
                for port in &rule.ports {
                    let peers = match &rule.peers {
                        None => vec![None],
                        Some(peers) => peers.iter().map(Some).collect(),
                    };
                    for peer in peers {
                        said.insert(format!(
                            "{lead}{tag} {port:?} {peer:?} {:?} {} {}",
                            rule.level,
                            rule.via_service,
                            about(&rule.remarks)
                        ));
                    }
                }
            }
        }
    }
}

/// One line for everything that an environment says, its places in the document with it where they are asked for.
#[expect(clippy::too_many_lines, reason = "a line for each kind of thing")]
fn meaning(all: &Expectations, environment: &str, with_places: bool) -> BTreeSet<String> {
    let env = all.resolve(environment).unwrap();
    let src = |src: &Option<SourceRef>| match src {
        Some(src) if with_places => format!(" from {}", src.to_string().trim()),
        _ => String::new(),
    };
    let about = |r: &Remarks| {
        let text = |t: &Option<String>| {
            t.as_deref()
                .map(|t| t.trim().to_owned())
                .filter(|t| !t.is_empty())
        };
        format!(
            "{:?} {:?} {:?} {:?} {:?}{}",
            text(&r.why),
            text(&r.owner),
            text(&r.ticket),
            r.expires,
            r.severity,
            src(&r.src)
        )
    };
    let mut said = BTreeSet::from([format!("{:?} {:?}", env.settings, env.closed_world)]);
    for peer in &all.peers {
        said.insert(format!(
            "peer {} {:?}{}",
            peer.id,
            peer.value,
            src(&peer.src)
        ));
    }
    for workload in &all.workloads {
        let v = &workload.value;
        let names: Vec<&str> = v.names.iter().map(|n| n.trim()).collect();
        said.insert(format!(
            "workload {} {names:?} {:?} {:?}{}",
            workload.id,
            v.select,
            v.closed_world,
            src(&workload.src)
        ));
    }
    for deny in &env.default_deny {
        said.insert(format!(
            "default deny {} {:?}{}",
            deny.namespace,
            deny.directions,
            src(&deny.src)
        ));
    }
    for bind in &env.bind {
        said.insert(format!(
            "bind {} {:?}{}",
            bind.id,
            bind.value,
            src(&bind.src)
        ));
    }
    rows_said(&env, &about, &mut said);
    for f in &env.flows {
        said.insert(format!(
            "flow {} {:?} {:?} {:?} {:?} {} {:?} {} {:?} {}",
            f.name.trim(),
            f.from,
            f.to,
            f.except,
            f.ports,
            f.allow,
            f.level,
            f.via_service,
            f.by.as_deref().map(str::trim),
            about(&f.remarks)
        ));
    }
    for e in &env.exceptions {
        said.insert(format!(
            "exception {} {:?} {:?} {:?} {}",
            e.id.trim(),
            e.from,
            e.to,
            e.ports,
            about(&e.remarks)
        ));
    }
    for way in env.exposure.iter().flatten() {
        said.insert(format!(
            "exposure {} {} {:?} {:?} {:?} {:?}{}",
            way.workload,
            way.via,
            way.host.as_deref().map(str::trim),
            way.port,
            way.class.as_deref().map(str::trim),
            way.tls.as_deref().map(str::trim),
            src(&way.src)
        ));
    }
    said.insert(format!("exposure is listed: {}", env.exposure.is_some()));
    for note in &env.notes {
        said.insert(format!("note {}{}", note.text.trim(), src(&note.src)));
    }
    said.insert(format!(
        "cni {:?} enforces {:?}",
        env.cni.map(|c| c.0.trim().to_owned()),
        env.enforces.map(|e| e.0)
    ));
    said
}

/// What is read of a text that was written, with the law that it is written the same again.
fn again(written: &str) -> Expectations {
    let read = read("e.yaml", written).unwrap_or_else(|told| panic!("{told:#?}\n{written}"));
    assert_eq!(plainly(&read), written);
    read
}

fn holds(first: &Expectations, with_places: bool) -> Expectations {
    let second = again(&plainly(first));
    for env in &first.environments {
        let name = &env.name;
        assert_eq!(
            meaning(first, name, with_places),
            meaning(&second, name, with_places),
            "{name}\n{}",
            plainly(first)
        );
        assert_eq!(first.rule_count(name), second.rule_count(name), "{name}");
        // Alone, with what it extends applied.
        let text = write_resolved(&second, name).unwrap();
        let alone = read("r.yaml", &text).unwrap_or_else(|told| panic!("{told:#?}\n{text}"));
        assert_eq!(alone.environments(), std::slice::from_ref(name));
        assert_eq!(
            meaning(&second, name, false),
            meaning(&alone, name, false),
            "{text}"
        );
        assert_eq!(second.rule_count(name), alone.rule_count(name), "{text}");
    }
    second
}

const SHOP: &str = r#"apiVersion: netseg/v1
kind: Expectations
metadata: {name: shop, sources: [{file: shop.md, line: 3, env: base}]}
settings: {dnsTcp: require, k8sApi: either}
peers:
  world: {cidr: [0.0.0.0/0, "::/0"], except: [10.0.0.0/8]}
workloads:
  web: {names: [Web, Shop (Web)], select: {namespace: shop, labels: {app: web}}, src: "shop.md:5"}
  db: {select: [{namespace: shop, owner: StatefulSet/db}, {namespaceLabels: {team: data}, matchExpressions: [{key: app, operator: In, values: [db, replica]}, {key: old, operator: DoesNotExist}]}], closedWorld: false}
  mesh: {select: {container: istio-proxy}}
environments:
  base:
    defaultDeny: [{namespace: shop}, {namespace: jobs, directions: [egress], src: "shop.md:1"}]
    expect:
      web:
        src: shop.md:5
        ingress: ["80", "443"]
        egress: ["5432 -> db", "53 -> dns", {ports: 5433, to: db, src: "shop.md:9"}, {ports: 6379, to: db, src: "shop.md:5"}]
      db: {ingress: ["5432 <- web"], egress: deny}
  prod:
    extends: base
    closedWorld: false
    bind: {web: {select: {namespace: prod}}}
    expect:
      web: {egress+: ["443 -> world, 10.0.0.0/8 except 10.1.0.0/16, 10.2.0.0/16", {ports: [443, https], to: ["10.0.0.0/8 except 10.1.0.0/16", 192.168.0.0/16], level: may, why: "it's: complicated"}], egress-: ["53/tcp -> dns"]}
      db: {ingress: [{ports: 1-65535, from: mesh, via: service, expires: 2026-03-31, severity: info}]}
    flows:
    - {name: "yes", from: [external, node], to: db, ports: any, verdict: deny, level: may, except: [mesh], by: shop/deny, why: because}
    exceptions:
    - {id: EX-1, from: any, to: db, ports: [9200, "metrics", 53/udp], owner: data}
    exposure:
    - {workload: web, via: ingress, host: shop.example.org, port: 443, class: nginx, tls: cert-manager}
    - {workload: "*", via: portForward, port: "80,443", src: "shop.md:12"}
    cluster: {cni: calico, enforces: true}
    notes:
    - "port-forward: for debugging"
    - {text: not in the evening, src: "shop.md:30"}
"#;

#[test]
fn a_file_with_everything_is_written_in_its_shortest_form() {
    let read = holds(&read("e.yaml", SHOP).unwrap(), true);
    let expected = r#"apiVersion: netseg/v1
kind: Expectations
metadata: {name: shop, sources: [{file: shop.md, line: 3, env: base}]}
settings: {dnsTcp: require, k8sApi: either}
peers:
  world: {cidr: [0.0.0.0/0, "::/0"], except: [10.0.0.0/8]}
workloads:
  web: {names: [Web, Shop (Web)], select: {namespace: shop, labels: {app: web}}, src: shop.md:5}
  db:
    select:
    - {namespace: shop, owner: StatefulSet/db}
    - namespaceLabels: {team: data}
      matchExpressions: [{key: app, operator: In, values: [db, replica]}, {key: old, operator: DoesNotExist}]
    closedWorld: false
  mesh: {select: {container: istio-proxy}}
environments:
  base:
    defaultDeny: [{namespace: shop}, {namespace: jobs, directions: [egress], src: shop.md:1}]
    expect:
      web:
        src: shop.md:5
        ingress: ["80,443"]
        egress: ["5432,6379 -> db", "53 -> dns", {ports: [5433], to: db, src: shop.md:9}]
      db: {ingress: ["5432 <- web"], egress: deny}
  prod:
    extends: base
    closedWorld: false
    bind:
      web: {select: {namespace: prod}}
    expect:
      web:
        egress+:
        - "443 -> world, 10.0.0.0/8 except 10.1.0.0/16, 10.2.0.0/16"
        - ports: [443, https]
          to: ["10.0.0.0/8 except 10.1.0.0/16", 192.168.0.0/16]
          level: may
          why: "it's: complicated"
        egress-: ["53/tcp -> dns"]
      db: {ingress: [{ports: [1-65535], from: mesh, via: service, expires: 2026-03-31, severity: info}]}
    flows:
    - name: "yes"
      from: [external, node]
      to: db
      except: mesh
      ports: any
      verdict: deny
      level: may
      by: shop/deny
      why: because
    exceptions:
    - {id: EX-1, from: any, to: db, ports: [9200, metrics, 53/udp], owner: data}
    exposure:
    - {workload: web, via: ingress, host: shop.example.org, port: 443, class: nginx, tls: cert-manager}
    - {workload: "*", via: portForward, port: "80,443", src: shop.md:12}
    cluster: {cni: calico, enforces: true}
    notes:
    - "port-forward: for debugging"
    - {text: not in the evening, src: shop.md:30}
"#;
    assert_eq!(plainly(&read), expected);
}

#[test]
fn one_environment_is_written_with_the_origin_of_every_line() {
    let text = "apiVersion: netseg/v1
kind: Expectations
metadata: {sources: [{file: a.md, env: base}, {file: b.md, env: dev}]}
peers: {lan: {cidr: [10.0.0.0/8]}}
workloads:
  a: {names: [A]}
  b: {names: [B]}
environments:
  base:
    defaultDeny: [{namespace: x}]
    expect:
      a: {ingress: deny, egress: ['80 -> b', '81 -> b']}
      b: {ingress: any}
  dev:
    extends: base
  prod:
    extends: base
    bind: {b: {select: {namespace: other}}}
    expect:
      a:
        egress+: ['82 -> b']
        egress-: ['80 -> b']
    flows:
    - {name: f, from: a, to: lan, ports: 22, verdict: deny}
    cluster: {enforces: true}
    notes: [careful]
";
    let read = read("e.yaml", text).unwrap();
    let expected = "apiVersion: netseg/v1
kind: Expectations
metadata: {sources: [{file: a.md, env: prod}]}
peers:
  lan: {cidr: [10.0.0.0/8]}   # e.yaml:4
workloads:
  a: {names: [A]}   # e.yaml:6
  b: {names: [B]}   # e.yaml:7
environments:
  prod:
    defaultDeny:
    - {namespace: x}   # e.yaml:10
    bind:
      b: {select: {namespace: other}}   # e.yaml:18
    expect:
      a:   # e.yaml:20
        ingress: deny   # e.yaml:12
        egress:   # e.yaml:12
        - \"80,81 -> b\"   # e.yaml:12
        - \"82 -> b\"   # e.yaml:21
        egress-: [\"80 -> b\"]   # e.yaml:22
      b:   # e.yaml:13
        ingress: any   # e.yaml:13
    flows:
    - {name: f, from: a, to: lan, ports: [22], verdict: deny}   # e.yaml:24
    cluster:
      enforces: true   # e.yaml:25
    notes:
    - careful   # e.yaml:26
";
    assert_eq!(write_resolved(&read, "prod").as_deref(), Some(expected));
    assert_eq!(write_resolved(&read, "test"), None);
}

#[test]
fn what_was_just_read_from_a_document_names_its_lines_and_shows_its_rows() {
    let at = || place("net.md:7");
    let rule = |port: u16, peer: &str| Rule {
        at: at(),
        ports: vec![PortWord::Range(
            None,
            PortRange::single(NonZeroU16::new(port).unwrap()),
        )],
        peers: Some(vec![PeerWord::Name(peer.to_owned())]),
        level: Level::Must,
        via_service: false,
        remarks: Remarks::default(),
    };
    let cell = |content| Cell {
        at: at(),
        src: None,
        content,
    };
    let read = Expectations {
        names: vec!["net".to_owned()],
        sources: Vec::new(),
        peers: Vec::new(),
        workloads: vec![Named {
            id: "ui".to_owned(),
            at: at(),
            src: None,
            value: Workload {
                names: vec!["UI".to_owned()],
                select: Vec::new(),
                closed_world: None,
            },
        }],
        environments: vec![Environment {
            expect: vec![Row {
                workload: "ui".to_owned(),
                at: at(),
                src: None,
                ingress: Some(cell(Content::Deny)),
                egress: Some(cell(Content::Rules {
                    rules: vec![rule(80, "ui"), rule(53, "dns"), rule(81, "ui")],
                    removed: Vec::new(),
                })),
                patches: Vec::new(),
            }],
            default_deny: vec![DefaultDeny {
                at: place("net.md:2"),
                src: None,
                namespace: "x".to_owned(),
                directions: Direction::BOTH.to_vec(),
            }],
            ..empty("dev")
        }],
    };
    let rows = BTreeMap::from([(
        at(),
        "| UI | deny | 80 (UI), 53 (DNS), 81 (UI) |".to_owned(),
    )]);
    let written = write(&read, Places::OfDocument, &rows).unwrap();
    let expected = "apiVersion: netseg/v1
kind: Expectations
metadata: {name: net}
workloads:
  ui: {names: [UI], src: net.md:7}
environments:
  dev:
    defaultDeny: [{namespace: x, src: net.md:2}]
    expect:
      ui:
        src: net.md:7   # | UI | deny | 80 (UI), 53 (DNS), 81 (UI) |
        ingress: deny
        egress: [\"80,81 -> ui\", \"53 -> dns\"]
";
    assert_eq!(written, expected);
    let again = super::super::read("e.yaml", &written).unwrap();
    assert_eq!(write(&again, Places::OfFiles, &rows).unwrap(), expected);
    let without = expected.replace("   # | UI | deny | 80 (UI), 53 (DNS), 81 (UI) |", "");
    assert_eq!(plainly(&again), without);
}

#[test]
fn what_is_inferred_stays_so_as_long_as_nothing_demands() {
    let head = "apiVersion: netseg/v1\nkind: Expectations\nmetadata: {sources: [{file: p.md, inferred: true}]}\nworkloads: {a: {names: [A]}}\nenvironments: {dev: {expect: {a: {ingress: ['80', {ports: 81, level: never}]}}}}\n";
    let mut soft = holds(&read("e.yaml", head).unwrap(), true);
    let row = |text: &str| text.lines().last().unwrap().trim().to_owned();
    let text = plainly(&soft);
    assert!(
        text.contains("sources: [{file: p.md, inferred: true}]"),
        "{text}"
    );
    assert_eq!(
        row(&text),
        "a: {ingress: [\"80\", {ports: [81], level: never}]}"
    );
    // Another file demands something in the same environment.
    let hard = read(
        "h.yaml",
        "apiVersion: netseg/v1\nkind: Expectations\nworkloads: {b: {names: [B]}}\nenvironments: {dev: {expect: {b: {ingress: ['82']}}}}\n",
    );
    soft.merge(hard.unwrap()).unwrap();
    let text = plainly(&holds(&soft, true));
    assert!(text.contains("sources: [{file: p.md}]"), "{text}");
    assert!(
        text.contains("a: {ingress: [{ports: [80], level: may}, {ports: [81], level: never}]}"),
        "{text}"
    );
}

#[test]
fn files_with_different_settings_are_not_one_file() {
    let file = |env: &str, settings: &str| {
        let text = format!(
            "apiVersion: netseg/v1\nkind: Expectations\nsettings: {settings}\nenvironments: {{{env}: {{}}}}\n"
        );
        read("e.yaml", &text).unwrap()
    };
    let mut both = file("dev", "{}");
    both.merge(file("prod", "{dnsTcp: ignore}")).unwrap();
    assert_eq!(write(&both, Places::OfFiles, &BTreeMap::new()), None);
    let alone = write_resolved(&both, "prod").unwrap();
    assert!(alone.contains("settings: {dnsTcp: ignore}"), "{alone}");
}

#[test]
fn the_demo_keeps_its_meaning() {
    for name in crate::source::demo::names() {
        let demo = crate::source::demo::load(name).unwrap();
        let read = read(&demo.expectations_name, demo.expectations_text).unwrap();
        holds(&read, true);
    }
}

fn empty(name: &str) -> Environment {
    Environment::empty(name, place("x:1"))
}

proptest! {
    #[test]
    fn whatever_is_written_reads_as_what_was_meant(x in everything()) {
        // Read once, every rule has the place that can be written for it; from then on places have to stay too.
        let y = holds(&x, false);
        holds(&y, true);
        again(&write(&x, Places::OfDocument, &BTreeMap::new()).unwrap());
    }
}
