//! What is written reads as what was meant, and is written the same again.

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use proptest::prelude::*;

use super::super::file::short::{PeerWord, PortWord, network};
use super::super::file::{DefaultDeny, Exception, Flow, Patch, Remarks};
use super::super::{Exposure, read};
use super::*;
use crate::model::{IpBlock, Labels, PortRange, Protocol, Selector};

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

/// One line for everything that an environment says, its places in the document with it where they are asked for.
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
        assert_eq!(alone.environments(), [name.clone()]);
        assert_eq!(
            meaning(&second, name, false),
            meaning(&alone, name, false),
            "{text}"
        );
        assert_eq!(second.rule_count(name), alone.rule_count(name), "{text}");
    }
    second
}

const SHOP: &str = r##"apiVersion: netseg/v1
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
"##;

#[test]
fn a_file_with_everything_is_written_in_its_shortest_form() {
    let read = holds(&read("e.yaml", SHOP).unwrap(), true);
    let expected = r##"apiVersion: netseg/v1
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
"##;
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
        egress-:
        - \"80 -> b\"   # e.yaml:22
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
    assert_eq!(
        plainly(&again).lines().nth(9),
        Some("      ui: {src: net.md:7, ingress: deny, egress: [\"80,81 -> ui\", \"53 -> dns\"]}")
    );
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

fn words() -> impl Strategy<Value = String> {
    let known = [
        "no",
        "null",
        "17",
        "1.5",
        "-",
        "a: b",
        "a #b",
        "it's",
        "\"",
        "\\",
        "{x}",
        "[",
        "*",
        "&a",
        "%",
        "@",
        "> x",
        "| x | y |",
        "größe",
        "a\nb",
        "\t",
        "10.0.0.0/8",
        "2026-03-31",
        "- a",
        "? a",
        "~",
        "\u{202e}x",
        "x y",
    ];
    let text = prop_oneof![
        2 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => "[a-z]{1,6}",
        1 => "\\PC{1,8}",
    ];
    text.prop_map(|text| {
        if text.trim().is_empty() {
            "x".to_owned()
        } else {
            text
        }
    })
}

fn maybe<T: Clone + std::fmt::Debug>(
    of: impl Strategy<Value = T>,
) -> impl Strategy<Value = Option<T>> {
    proptest::option::weighted(0.25, of)
}

fn places() -> impl Strategy<Value = SourceRef> {
    (
        proptest::sample::select(vec!["d.md", "a b.md", "c:4.md"]),
        1u32..4,
    )
        .prop_map(|(file, line)| SourceRef {
            file: file.into(),
            line,
        })
}

const WORKLOADS: [&str; 4] = ["a", "b-1", "null", "7"];

fn peer_words() -> impl Strategy<Value = PeerWord> {
    let net = |text: &str| network(text).unwrap();
    let block = move |cidr: &str, except: &[&str]| {
        PeerWord::Block(IpBlock {
            cidr: net(cidr),
            except: except.iter().map(|e| net(e)).collect(),
        })
    };
    let blocks = vec![
        block("10.0.0.0/8", &[]),
        block("10.0.0.0/8", &["10.1.0.0/16"]),
        block("10.0.0.0/8", &["10.1.0.0/16", "10.2.0.0/16"]),
        block("::/0", &["fd00::/8"]),
        block("192.0.2.1", &[]),
    ];
    let names = ["a", "b-1", "null", "7", "lan", "dns", "any", "internet"];
    prop_oneof![
        2 => proptest::sample::select(names.to_vec()).prop_map(|n| PeerWord::Name(n.to_owned())),
        1 => proptest::sample::select(blocks),
    ]
}

fn port_words(low: u16) -> impl Strategy<Value = PortWord> {
    let protocol = || proptest::option::of(proptest::sample::select(Protocol::ALL.to_vec()));
    let range = move |(protocol, first, length): (Option<Protocol>, u16, u16)| {
        let port = |n| NonZeroU16::new(n).unwrap();
        PortWord::Range(
            protocol,
            PortRange::new(port(low + first), port(low + first + length)).unwrap(),
        )
    };
    prop_oneof![
        4 => (protocol(), 0u16..3, 0u16..2).prop_map(range),
        1 => (protocol(), proptest::sample::select(vec!["http", "on", "1e3", "x-80"])).prop_map(|(p, n)| PortWord::Name(p, n.to_owned())),
    ]
}

fn lists<T: std::fmt::Debug>(of: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    proptest::collection::vec(of, 1..3)
}

fn remarks() -> impl Strategy<Value = Remarks> {
    let date =
        proptest::sample::select(vec!["2026-03-31", "0099-01-01"]).prop_map(|d| d.parse().unwrap());
    let severity =
        proptest::sample::select(vec![Severity::Info, Severity::Warning, Severity::Error]);
    let said = (
        maybe(words()),
        maybe(words()),
        maybe(words()),
        maybe(date),
        maybe(severity),
    );
    (maybe(said), maybe(places())).prop_map(|(said, src)| {
        let (why, owner, ticket, expires, severity) = said.unwrap_or_default();
        Remarks {
            why,
            owner,
            ticket,
            expires,
            severity,
            src,
        }
    })
}

fn rules() -> impl Strategy<Value = Rule> {
    let ports = prop_oneof![5 => lists(port_words(80)), 1 => Just(vec![PortWord::Any(None)]), 1 => Just(vec![PortWord::Any(Some(Protocol::Udp))])];
    let levels = proptest::sample::select(vec![Level::Must, Level::Must, Level::May, Level::Never]);
    (
        places(),
        ports,
        proptest::option::of(lists(peer_words())),
        levels,
        proptest::bool::weighted(0.1),
        remarks(),
    )
        .prop_map(|(at, ports, peers, level, via_service, remarks)| Rule {
            at,
            ports,
            peers,
            level,
            via_service,
            remarks,
        })
}

fn cells() -> impl Strategy<Value = Cell> {
    let listed = lists(rules()).prop_map(|rules| Content::Rules {
        rules,
        removed: Vec::new(),
    });
    let content = prop_oneof![3 => listed, 1 => Just(Content::Deny), 1 => Just(Content::Any)];
    (places(), maybe(places()), content).prop_map(|(at, src, content)| Cell { at, src, content })
}

fn rows() -> impl Strategy<Value = Row> {
    let cells = (maybe(cells()), proptest::option::of(cells()));
    let patches = proptest::collection::vec((proptest::bool::ANY, lists(rules())), 0..2);
    (places(), maybe(places()), cells, patches).prop_map(|(at, src, (ingress, egress), patches)| {
        let listed = egress
            .as_ref()
            .is_some_and(|cell| matches!(cell.content, Content::Rules { .. }));
        let patches = patches
            .into_iter()
            .filter(|_| listed)
            .map(|(adds, rules)| Patch {
                at: at.clone(),
                src: None,
                direction: Direction::Egress,
                adds,
                rules,
            });
        let patches = patches.collect();
        Row {
            workload: String::new(),
            at,
            src,
            ingress,
            egress,
            patches,
        }
    })
}

/// Those that allow and those that deny never speak of the same ports.
fn flows() -> impl Strategy<Value = Flow> {
    proptest::bool::ANY.prop_flat_map(|allow| {
        let ends = (
            lists(peer_words()),
            lists(peer_words()),
            proptest::collection::vec(peer_words(), 0..2),
        );
        let ports = lists(port_words(if allow { 80 } else { 9000 }));
        let level = proptest::sample::select(vec![Level::Must, Level::May]);
        (
            words(),
            ends,
            ports,
            level,
            proptest::bool::weighted(0.1),
            maybe(words()),
            remarks(),
        )
            .prop_map(
                move |(name, (from, to, except), ports, level, via_service, by, remarks)| Flow {
                    at: place("x:1"),
                    name,
                    from,
                    to,
                    except,
                    ports,
                    allow,
                    level,
                    via_service,
                    by,
                    remarks,
                },
            )
    })
}

fn selects_of_any_kind() -> impl Strategy<Value = Select> {
    let labels = || {
        let keys = proptest::sample::select(vec!["app", "app.kubernetes.io/name", "on", "x"]);
        proptest::collection::btree_map(keys, prop_oneof![words(), Just(String::new())], 0..3)
    };
    let values =
        || proptest::collection::btree_set(words().prop_map(|w| w.trim().to_owned()), 2..4);
    let test = prop_oneof![
        values().prop_map(Test::In),
        values().prop_map(Test::NotIn),
        Just(Test::Exists),
        Just(Test::DoesNotExist)
    ];
    let expressions =
        proptest::collection::vec((proptest::sample::select(vec!["app", "tier"]), test), 0..2);
    let text = || words().prop_map(|w| w.trim().to_owned());
    let owner = maybe(Just(("StatefulSet".to_owned(), "db/x".to_owned())));
    (
        maybe(text()),
        labels(),
        labels(),
        expressions,
        owner,
        maybe(text()),
    )
        .prop_map(|(namespace, ns, pods, expressions, owner, container)| {
            let mut requirements = Selector::from_labels(&pods.into_iter().collect::<Labels>())
                .requirements()
                .to_vec();
            requirements.extend(expressions.into_iter().map(|(key, test)| Requirement {
                key: key.to_owned(),
                test,
            }));
            if requirements.is_empty() {
                requirements.push(Requirement::equals("app", "a"));
            }
            Select {
                namespace,
                namespaces: Selector::from_labels(&ns.into_iter().collect::<Labels>()),
                pods: Selector::new(requirements),
                owner,
                container,
            }
        })
}

fn environments(name: &'static str) -> impl Strategy<Value = Environment> {
    let rows = proptest::collection::vec(rows(), 0..4);
    let flows = proptest::collection::vec(flows(), 0..3);
    let exceptions = proptest::collection::vec(
        (lists(peer_words()), lists(port_words(80)), remarks()),
        0..2,
    );
    let way = (
        proptest::sample::select(vec!["a", "*"]),
        maybe(words()),
        maybe(proptest::sample::select(vec!["80", "80,443", "http"])),
        maybe(places()),
    );
    let ways = proptest::option::of(proptest::collection::vec(way, 0..2));
    let denies = proptest::collection::btree_map(
        words().prop_map(|w| w.trim().to_owned()),
        (proptest::bool::ANY, maybe(places())),
        0..3,
    );
    let others = (
        proptest::option::of(proptest::bool::ANY),
        maybe(words()),
        maybe(proptest::bool::ANY),
        proptest::collection::btree_set(words().prop_map(|w| w.trim().to_owned()), 0..2),
        maybe(places()),
    );
    let bind = maybe(lists(selects_of_any_kind()));
    (rows, flows, exceptions, ways, denies, others, bind).prop_map(
        move |(
            rows,
            flows,
            exceptions,
            ways,
            denies,
            (closed_world, cni, enforces, notes, src),
            bind,
        )| {
            let at = || place("x:1");
            Environment {
                closed_world,
                default_deny: denies
                    .into_iter()
                    .map(|(namespace, (both, src))| DefaultDeny {
                        at: at(),
                        src,
                        namespace,
                        directions: if both {
                            Direction::BOTH.to_vec()
                        } else {
                            vec![Direction::Ingress]
                        },
                    })
                    .collect(),
                bind: bind
                    .into_iter()
                    .map(|value| Named {
                        id: "a".to_owned(),
                        at: at(),
                        src: src.clone(),
                        value,
                    })
                    .collect(),
                expect: rows
                    .into_iter()
                    .zip(WORKLOADS)
                    .map(|(row, id)| Row {
                        workload: id.to_owned(),
                        ..row
                    })
                    .collect(),
                flows: flows
                    .into_iter()
                    .enumerate()
                    .map(|(i, flow)| Flow {
                        name: format!("{}{i}", flow.name),
                        ..flow
                    })
                    .collect(),
                exceptions: exceptions
                    .into_iter()
                    .enumerate()
                    .map(|(i, (ends, ports, remarks))| Exception {
                        at: at(),
                        id: format!("{i}"),
                        from: ends.clone(),
                        to: ends,
                        ports,
                        remarks,
                    })
                    .collect(),
                exposure: ways.map(|ways| {
                    ways.into_iter()
                        .map(|(workload, text, port, src)| Exposure {
                            at: at(),
                            workload: workload.to_owned(),
                            via: "ingress".to_owned(),
                            host: text.clone(),
                            port: port.map(str::to_owned),
                            class: None,
                            tls: text,
                            src,
                        })
                        .collect()
                }),
                cni: cni.map(|cni| (cni, at())),
                enforces: enforces.map(|flag| (flag, at())),
                notes: notes
                    .into_iter()
                    .map(|text| Note {
                        at: at(),
                        text,
                        src: src.clone(),
                    })
                    .collect(),
                ..empty(name)
            }
        },
    )
}

fn everything() -> impl Strategy<Value = Expectations> {
    let workload = (
        proptest::collection::vec(words(), 1..3),
        proptest::collection::vec(selects_of_any_kind(), 0..3),
        maybe(proptest::bool::ANY),
        maybe(places()),
    );
    let workloads = proptest::collection::vec(workload, WORKLOADS.len());
    let settings = (
        proptest::bool::ANY,
        proptest::bool::ANY,
        0..3u8,
        proptest::bool::ANY,
    );
    let sources = proptest::collection::vec(
        (
            maybe(words()),
            maybe(1u32..9),
            maybe(proptest::sample::select(vec!["base", "on"])),
            maybe(Just(true)),
        ),
        0..2,
    );
    let envs = (
        environments("base"),
        environments("on"),
        proptest::bool::ANY,
    );
    (maybe(words()), sources, workloads, settings, envs).prop_map(
        |(
            name,
            sources,
            workloads,
            (closed_world, documented_peers_only, three, two),
            (base, child, extends),
        )| {
            let settings = Settings {
                closed_world,
                documented_peers_only,
                dns_tcp: [DnsTcp::Require, DnsTcp::Warn, DnsTcp::Ignore][usize::from(three)],
                unbound: if two {
                    Severity::Error
                } else {
                    Severity::Warning
                },
                k8s_api: [K8sApi::Endpoints, K8sApi::ClusterIp, K8sApi::Either][usize::from(three)],
            };
            let child = Environment {
                extends: extends.then(|| "base".to_owned()),
                ..child
            };
            Expectations {
                names: name.into_iter().collect(),
                sources: sources
                    .into_iter()
                    .map(|(file, line, env, inferred)| Source {
                        file,
                        line,
                        env: env.map(str::to_owned),
                        inferred: inferred.is_some(),
                    })
                    .collect(),
                peers: vec![Named {
                    id: "lan".to_owned(),
                    at: place("x:1"),
                    src: None,
                    value: Block {
                        cidr: vec![network("10.0.0.0/8").unwrap(), network("fd00::/8").unwrap()],
                        except: vec![network("10.9.0.0/16").unwrap()],
                    },
                }],
                workloads: workloads
                    .into_iter()
                    .zip(WORKLOADS)
                    .map(|((names, select, closed_world, src), id)| Named {
                        id: id.to_owned(),
                        at: place("x:1"),
                        src,
                        value: Workload {
                            names,
                            select,
                            closed_world,
                        },
                    })
                    .collect(),
                environments: vec![
                    Environment { settings, ..base },
                    Environment { settings, ..child },
                ],
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_written_reads_as_what_was_meant(x in everything()) {
        // Read once, every rule has the place that can be written for it; from then on places have to stay too.
        let y = holds(&x, false);
        holds(&y, true);
        again(&write(&x, Places::OfDocument, &BTreeMap::new()).unwrap());
    }
}
