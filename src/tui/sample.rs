//! A screen made by hand, for tests: the system of the demo, with two planted faults.

mod sides;

use std::sync::Arc;

use crate::compile::enforcer::Enforces;
use crate::engine::Verdict;
use crate::graph::{Class, Edge, Graph, Node, NodeKind, State};
use crate::source::Link;

use super::app::{App, Effect, Msg, Start, update};
use super::theme::Theme;
use super::view::{
    About, Answer, Candidate, Draft, Finding, Flow, Flows, Item, NamespaceItem, Part, Place,
    Question, Row, Settings, Sides, Sign, Tally, Tone, View, plain, span,
};
use super::{Answers, work};

fn id(short: &str) -> String {
    match short.split_once('/') {
        Some((namespace, name)) => format!("{namespace}/deployment/{name}"),
        None => short.to_owned(),
    }
}

fn graph() -> Graph {
    let edges = [
        (
            "stalker/cron-service",
            "stalker/flow-manager",
            "3000",
            State::Plain,
        ),
        ("stalker/ui", "stalker/flow-manager", "3000", State::Plain),
        (
            "stalker/flow-manager",
            "stalker/kafka",
            "9092",
            State::Plain,
        ),
        (
            "stalker/flow-manager",
            "stalker/mongo",
            "27017",
            State::Plain,
        ),
        (
            "stalker/cron-service",
            "stalker/mongo",
            "27017",
            State::Missing,
        ),
        (
            "stalker/orchestrator",
            "stalker/kafka",
            "9092",
            State::Plain,
        ),
        ("stalker/orchestrator", "k8s-api", "443", State::Plain),
        (
            "stalker/kafka",
            "stalker/zookeeper",
            "2181 2888 3888",
            State::Plain,
        ),
        (
            "stalker/zookeeper",
            "stalker/kafka",
            "9092 9093",
            State::Plain,
        ),
        ("stalker-jobs/jobs", "stalker/kafka", "9092", State::Plain),
        ("stalker-jobs/jobs", "internet", "any", State::Unexpected),
        ("internet", "stalker/ui", "4200", State::Plain),
    ];
    let mut nodes: Vec<Node> = Vec::new();
    for short in edges.iter().flat_map(|edge| [edge.0, edge.1]) {
        let (namespace, name) = short
            .split_once('/')
            .map_or((None, short), |(namespace, name)| (Some(namespace), name));
        let kind = match (namespace, name) {
            (Some(_), _) => NodeKind::Workload,
            (None, "internet") => NodeKind::Internet,
            (None, _) => NodeKind::K8sApi,
        };
        nodes.push(Node {
            key: id(short),
            name: name.to_owned(),
            namespace: namespace.map(str::to_owned),
            kind,
            pods: 1,
            badges: if namespace.is_some() {
                vec!["dns".to_owned()]
            } else {
                Vec::new()
            },
        });
    }
    let edges = edges
        .iter()
        .map(|(from, to, ports, state)| Edge {
            from: id(from),
            to: id(to),
            ports: ports.split(' ').map(str::to_owned).collect(),
            state: *state,
            class: Class::App,
        })
        .collect();
    Graph::new(nodes, edges)
}

fn items(cell: &str) -> Vec<Item> {
    let sign = |glyph: &str| match glyph {
        "=" => Sign::Expected,
        "▼" => Sign::Missing,
        "▲" => Sign::Unexpected,
        "?" => Sign::Unknown,
        _ => Sign::None,
    };
    cell.split("; ")
        .filter(|item| !item.is_empty())
        .map(|item| {
            let (text, glyph) = item.rsplit_once(' ').unwrap();
            Item {
                text: text.to_owned(),
                sign: Some(sign(glyph)),
            }
        })
        .collect()
}

fn rows() -> Vec<Row> {
    [
        (
            "stalker-jobs/jobs",
            "",
            "53 (DNS) =; 9092 (kafka) =; 0.0.0.0/0 except 10.0.0.0/8 ▲",
        ),
        (
            "stalker/cron-service",
            "3000 =",
            "53 (DNS) =; 3000 (flow-manager) =; 27017 (mongo) ▼",
        ),
        (
            "stalker/flow-manager",
            "3000 =",
            "53 (DNS) =; 9092 (kafka) =; 27017 (mongo) =",
        ),
        (
            "stalker/kafka",
            "9092, 9093 =; 5135 ▲",
            "53 (DNS) =; 2181, 2888, 3888 (zookeeper) =",
        ),
        ("stalker/mongo", "27017 =", "Deny All ="),
        (
            "stalker/orchestrator",
            "5135 ▼",
            "53 (DNS) ▼; 443 (K8s API) =; 9092 (kafka) =",
        ),
        ("stalker/ui", "4200 =", "53 (DNS) ?; 3000 (flow-manager) ="),
        (
            "stalker/zookeeper",
            "2181, 2888, 3888 =",
            "53 (DNS) =; 9092, 9093 (kafka) =",
        ),
    ]
    .into_iter()
    .map(|(short, ingress, egress)| {
        let (namespace, name) = short.split_once('/').unwrap();
        Row {
            id: id(short),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            ingress: items(ingress),
            egress: items(egress),
        }
    })
    .collect()
}

fn question(from: &str, to: &str, port: &str) -> Question {
    Question {
        from: from.to_owned(),
        to: to.to_owned(),
        port: port.to_owned(),
    }
}

fn finding(code: &str, from: &str, to: &str, port: &str, by: &str) -> Finding {
    let (glyph, expected, actual) = match code {
        "BROKEN" => ("▼", Verdict::Allow, Verdict::Deny),
        _ => ("▲", Verdict::Deny, Verdict::Allow),
    };
    Finding {
        code: code.to_owned(),
        glyph,
        severity: "error".to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
        port: port.to_owned(),
        expected: Some(expected),
        actual: Some(actual),
        decided_by: by.to_owned(),
        about: vec![
            vec![
                span(code, Tone::Drift),
                span(format!("  {from} to {to} on {port}"), Tone::Plain),
            ],
            vec![span("written down in stalker.yaml:41", Tone::Faint)],
        ],
        question: Some(question(from, to, "27017")),
    }
}

pub(super) fn flows() -> Flows {
    let flow = |incoming: bool, peer: &str, port: &str, verdict, sign, by: &str| Flow {
        incoming,
        peer: peer.to_owned(),
        peer_id: id(peer),
        port: port.to_owned(),
        verdict,
        sign: Some(sign),
        decided_by: by.to_owned(),
        question: if incoming {
            question(peer, "stalker/mongo", "27017")
        } else {
            question("stalker/mongo", peer, "27017")
        },
    };
    Flows {
        id: id("stalker/mongo"),
        name: "stalker/mongo".to_owned(),
        rows: vec![
            flow(
                true,
                "stalker/flow-manager",
                "27017/TCP",
                Verdict::Allow,
                Sign::Expected,
                "stalker/mongo",
            ),
            flow(
                true,
                "stalker/cron-service",
                "27017/TCP",
                Verdict::Deny,
                Sign::Missing,
                "stalker/mongo",
            ),
            flow(
                true,
                "internet",
                "any",
                Verdict::Deny,
                Sign::Expected,
                "stalker/default-deny",
            ),
            flow(
                false,
                "kube-system/coredns",
                "53/UDP",
                Verdict::Unknown,
                Sign::None,
                "",
            ),
        ],
    }
}

/// What a worker would answer to these choices.
pub(super) fn view(settings: &Settings) -> View {
    let environment = settings
        .environment
        .clone()
        .unwrap_or_else(|| "dev".to_owned());
    let shown = |namespace: &str| {
        settings.namespaces.is_empty() || settings.namespaces.iter().any(|name| name == namespace)
    };
    let mut findings = vec![
        finding(
            "BROKEN",
            "stalker/cron-service",
            "stalker/mongo",
            "27017/TCP",
            "stalker/mongo",
        ),
        finding(
            "EXCESS",
            "stalker-jobs/jobs",
            "internet",
            "any",
            "stalker-jobs/jobs",
        ),
    ];
    if environment == "prod" {
        findings.pop();
    }
    View {
        settings: settings.clone(),
        origin: "demo stalker".to_owned(),
        link: Link::Live,
        partial: false,
        enforcer: "calico".to_owned(),
        enforces: Enforces::Yes,
        environments: vec!["dev".to_owned(), "prod".to_owned()],
        environment: Some(environment),
        namespaces: ["default", "stalker", "stalker-jobs"]
            .map(|name| NamespaceItem {
                name: name.to_owned(),
                workloads: 3,
                policies: 1,
            })
            .to_vec(),
        pods: 14,
        policies: 11,
        rows: rows()
            .into_iter()
            .filter(|row| shown(&row.namespace))
            .collect(),
        flows: settings.workload.as_ref().map(|_| flows()),
        graph: Arc::new(graph()),
        all: None,
        findings,
        met: 31,
        tallies: Vec::new(),
        gaps: Vec::new(),
        not_evaluated: None,
        cluster_wide: 0,
        kinds: Vec::new(),
        notes: Vec::new(),
    }
}

pub(super) fn answer(question: &Question, verdict: Verdict) -> Answer {
    let (glyph, word) = super::view::verdict_words(verdict);
    Answer {
        question: question.clone(),
        verdict,
        lines: vec![
            vec![
                span(format!("{word:8} "), Tone::of(verdict)),
                span(question.from.clone(), Tone::Name),
                span(" → ", Tone::Plain),
                span(question.to.clone(), Tone::Name),
                span(
                    format!(" {}      dev expects ALLOW", question.port),
                    Tone::Drift,
                ),
            ],
            vec![
                span("  egress   ", Tone::Plain),
                span(glyph, Tone::Allow),
                span(
                    " allow-cron egress[1]   to pods component=mongodb, 27017/TCP",
                    Tone::Plain,
                ),
            ],
            vec![span(
                "  ingress  isolated by default-deny, mongo; no rule matches",
                Tone::Plain,
            )],
            vec![span(
                "           nearest mongo ingress[0]:  peer ✗ wants component=flow-manager, has component=cron-service",
                Tone::Plain,
            )],
            vec![span(
                "  limits   a model verdict from what was read; no packet was sent",
                Tone::Faint,
            )],
        ],
        from_id: Some(id("stalker/cron-service")),
        to_id: Some(id("stalker/mongo")),
    }
}

/// Answers without a cluster: every probe is denied.
struct Sample;

impl Answers for Sample {
    fn view(&self, settings: &Settings) -> View {
        view(settings)
    }

    fn read(&self, line: &str, _cursor: usize) -> Draft {
        draft(line)
    }

    fn ask(&self, question: &Question) -> Result<Answer, String> {
        Ok(answer(question, Verdict::Deny))
    }

    fn about(&self, workload: &str) -> Option<About> {
        Some(About {
            title: workload.to_owned(),
            id: workload.to_owned(),
            lines: vec![vec![span("INGRESS  isolated", Tone::Plain)]],
        })
    }

    fn judge(&self) -> (Vec<Tally>, Option<Arc<Graph>>) {
        let of = |environment: &str| {
            let settings = Settings {
                environment: Some(environment.to_owned()),
                ..Settings::default()
            };
            Tally::of(environment, &view(&settings).findings)
        };
        (vec![of("dev"), of("prod")], None)
    }

    fn compare(&self) -> Arc<Sides> {
        Arc::new(sides::sides())
    }
}

/// Does what workers do, at once, until nothing is left to do; returns what only a terminal can.
pub(super) fn settle(app: &mut App, effects: Vec<Effect>) -> Vec<Effect> {
    let mut outside = Vec::new();
    let mut waiting = effects;
    while let Some(effect) = waiting.pop() {
        match work(&Sample, effect) {
            Ok(msg) => waiting.extend(update(app, msg)),
            Err(effect) => outside.push(*effect),
        }
    }
    outside
}

fn draft(line: &str) -> Draft {
    let candidate = |text: &str, detail: &str| Candidate {
        text: text.to_owned(),
        detail: detail.to_owned(),
    };
    Draft {
        parts: vec![
            Part {
                name: "FROM",
                reading: Ok("1 pod".to_owned()),
            },
            Part {
                name: "TO",
                reading: Err("no end is named `stalker/mo`".to_owned()),
            },
        ],
        candidates: if line.is_empty() {
            Vec::new()
        } else {
            vec![
                candidate("stalker/mongo", "1 pod"),
                candidate("stalker/mongo-express", "2 pods"),
            ]
        },
        verdict: line.ends_with("27017").then_some(Verdict::Deny),
    }
}

/// How the screen starts in tests.
pub(super) fn start(size: (u16, u16), color: bool, ascii: bool) -> Start {
    Start {
        theme: Theme { color, ascii },
        size,
        mouse: false,
        title: "demo stalker".to_owned(),
        place: Place {
            words: "context prod-eu1, server https://10.20.0.1:6443".to_owned(),
            kubectl: "kubectl --context prod-eu1".to_owned(),
        },
        reconnects: false,
        settings: Settings::default(),
    }
}

/// A screen of this size on which everything has arrived.
pub(super) fn app(width: u16, height: u16, color: bool, ascii: bool) -> App {
    let mut app = App::new(start((width, height), color, ascii));
    let effects = update(&mut app, Msg::Snapshot);
    settle(&mut app, effects);
    app
}

/// Presses keys given by name: single characters, or `enter esc tab space` and the like.
pub(super) fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    let mut outside = Vec::new();
    for name in keys.split(' ').filter(|name| !name.is_empty()) {
        let (code, modifiers) = match name {
            "enter" => (KeyCode::Enter, KeyModifiers::NONE),
            "esc" => (KeyCode::Esc, KeyModifiers::NONE),
            "tab" => (KeyCode::Tab, KeyModifiers::NONE),
            "backtab" => (KeyCode::BackTab, KeyModifiers::SHIFT),
            "space" => (KeyCode::Char(' '), KeyModifiers::NONE),
            "up" => (KeyCode::Up, KeyModifiers::NONE),
            "down" => (KeyCode::Down, KeyModifiers::NONE),
            "pgdn" => (KeyCode::PageDown, KeyModifiers::NONE),
            "pgup" => (KeyCode::PageUp, KeyModifiers::NONE),
            "F1" => (KeyCode::F(1), KeyModifiers::NONE),
            "ctrl-c" => (KeyCode::Char('c'), KeyModifiers::CONTROL),
            "ctrl-z" => (KeyCode::Char('z'), KeyModifiers::CONTROL),
            one if one.chars().count() == 1 => (
                KeyCode::Char(one.chars().next().unwrap()),
                KeyModifiers::NONE,
            ),
            word => {
                for c in word.chars() {
                    let effects = update(
                        app,
                        Msg::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)),
                    );
                    outside.extend(settle(app, effects));
                }
                continue;
            }
        };
        let effects = update(app, Msg::Key(KeyEvent::new(code, modifiers)));
        outside.extend(settle(app, effects));
    }
    outside
}

/// The text on the screen, without blanks at the ends of its lines.
pub(super) fn screen(app: &App) -> String {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    let mut buffer = Buffer::empty(Rect::new(0, 0, app.width, app.height));
    super::draw::draw(app, &mut buffer);
    let mut text = String::new();
    for y in 0..app.height {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..app.width {
            let symbol = buffer[(x, y)].symbol();
            if skip > 0 {
                skip -= 1;
                continue;
            }
            skip = crate::text::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The answer on the panel, as one text.
pub(super) fn answered(app: &App) -> String {
    app.answer
        .as_ref()
        .map(|answer| plain(&answer.lines[0]))
        .unwrap_or_default()
}
