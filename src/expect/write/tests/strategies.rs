//! Expectations of every kind, with texts that are hard to write.

use super::*;
use crate::expect::file::Select;
use crate::model::{Requirement, Test};

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

#[expect(
    clippy::too_many_lines,
    reason = "one field of an environment after the other"
)]
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

pub(super) fn everything() -> impl Strategy<Value = Expectations> {
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
