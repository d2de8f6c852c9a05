//! From a snapshot to what the panes draw. Pure, but slow on large clusters: runs on the workers.

mod flows;

use std::sync::{Arc, Mutex, PoisonError};

use crate::compile::ProfileName;
use crate::compile::enforcer::{self, Enforcer};
use crate::engine::{Engine, Entity, Isolation, Profile};
use crate::graph::{Graph, Node, NodeKind};
use crate::model::{Diagnostic, Direction, Workload};
use crate::questions::ends::{self, EndKind, PortQuery};
use crate::questions::probe::probe;
use crate::questions::scope::{Scope, workloads};
use crate::report::words;
use crate::source::Snapshot;
use crate::text::tame;

use super::view::{
    About, Answer, Candidate, Draft, Line, NamespaceItem, Part, Question, Row, Settings, Span, Tone, View, span,
};

/// How many candidates a completion offers.
const CANDIDATES: usize = 50;

/// By what the cluster is judged.
#[derive(Clone, Debug, Default)]
pub struct Judge {
    /// Files and demos: what is not there was not forgotten but is not so.
    pub offline: bool,
    /// The profile to reason with; `None` takes that of the enforcer found.
    pub profile: Option<ProfileName>,
}

/// A cluster ready for questions.
struct Built {
    revision: u64,
    engine: Engine,
    enforcer: Enforcer,
}

/// Answers for the screen; keeps the engine of the latest snapshot.
pub struct Ground {
    judge: Judge,
    built: Mutex<Option<Arc<Built>>>,
}

impl Ground {
    pub fn new(judge: Judge) -> Self {
        Self {
            judge,
            built: Mutex::new(None),
        }
    }

    fn last(&self) -> Option<Arc<Built>> {
        self.built.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn built(&self, snapshot: &Snapshot) -> Arc<Built> {
        if let Some(built) = self.last().filter(|built| built.revision == snapshot.revision) {
            return built;
        }
        let enforcer = enforcer::detect(&snapshot.cluster, self.judge.offline);
        let profile = Profile::named(self.judge.profile.unwrap_or(enforcer.profile));
        let built = Arc::new(Built {
            revision: snapshot.revision,
            engine: Engine::build(&snapshot.cluster, profile),
            enforcer,
        });
        *self.built.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&built));
        built
    }

    /// Everything on the screen, for these choices.
    pub fn view(&self, snapshot: &Snapshot, settings: &Settings) -> View {
        let built = self.built(snapshot);
        let engine = &built.engine;
        let scope = Scope::of(settings.namespaces.iter().cloned());
        let cluster = engine.cluster();
        let chosen: Vec<&Workload> = workloads(engine).into_iter().filter(|workload| scope.holds(&workload.namespace)).collect();
        let rows: Vec<Row> = chosen.iter().map(|workload| row(engine, workload)).collect();
        let nodes = chosen.iter().map(|workload| node(engine, workload)).collect();
        let narrowed = settings.workload.as_deref().and_then(|id| chosen.iter().find(|workload| workload.id() == id));
        View {
            settings: settings.clone(),
            origin: tame(&snapshot.origin).into_owned(),
            link: snapshot.link.clone(),
            enforcer: tame(&built.enforcer.name).into_owned(),
            enforces: built.enforcer.enforces,
            environments: Vec::new(),
            environment: None,
            namespaces: cluster
                .namespaces
                .values()
                .map(|namespace| NamespaceItem {
                    name: tame(&namespace.name).into_owned(),
                    workloads: namespace.workloads.len(),
                    policies: namespace.policies.len(),
                })
                .collect(),
            pods: pod_count(&chosen, engine),
            policies: cluster.policies().filter(|policy| scope.holds(&policy.namespace)).count(),
            rows,
            flows: narrowed.map(|workload| flows::of(engine, workload)),
            graph: Arc::new(Graph::new(nodes, Vec::new())),
            findings: Vec::new(),
            met: 0,
            notes: snapshot.diagnostics.iter().map(note).collect(),
        }
    }

    /// Reads a probe while it is typed.
    pub fn read(&self, line: &str, cursor: usize) -> Draft {
        let Some(built) = self.last() else {
            return Draft::default();
        };
        let engine = &built.engine;
        let words = words_of(line);
        // The word under the cursor; behind the last one, the next.
        let at = words
            .iter()
            .position(|word| word.start <= cursor && cursor <= word.start + word.text.len())
            .unwrap_or_else(|| words.iter().filter(|word| word.start < cursor).count());
        let typed = words.get(at).map_or("", |word| &line[word.start..cursor.clamp(word.start, word.start + word.text.len())]);
        let mut draft = Draft::default();
        let mut resolved = Vec::new();
        for (index, (name, word)) in ["FROM", "TO"].into_iter().zip(&words).enumerate() {
            let unfinished = index == at && !ends::complete(engine, typed, 1).is_empty();
            let reading = match ends::resolve(engine, word.text) {
                Ok(end) => {
                    let told = told(&end);
                    resolved.push(end);
                    Ok(told)
                }
                Err(_) if unfinished => Ok("choose or go on typing".to_owned()),
                Err(error) => Err(error.message),
            };
            draft.parts.push(Part { name, reading });
        }
        if let Some(word) = words.get(2) {
            draft.parts.push(Part {
                name: "PORT",
                reading: ends::parse_port(word.text).map(|_| word.text.to_owned()),
            });
        }
        draft.candidates = match (at, resolved.get(1)) {
            (0 | 1, _) => ends::complete(engine, typed, CANDIDATES)
                .into_iter()
                .map(|candidate| Candidate {
                    text: candidate.text,
                    detail: candidate.detail,
                })
                .collect(),
            (2, Some(to)) => ends::ports_of(engine, to)
                .into_iter()
                .filter(|port| port.starts_with(typed))
                .map(|text| Candidate {
                    text,
                    detail: format!("offered by {}", to.name),
                })
                .collect(),
            _ => Vec::new(),
        };
        if let [from, to] = resolved.as_slice() {
            let port = words.get(2).map(|word| ends::parse_port(word.text));
            if let (Ok(port), true) = (port.transpose(), words.len() <= 3) {
                draft.verdict = probe(engine, from, to, port.as_ref()).ok().map(|answer| answer.verdict);
            }
        }
        draft
    }

    /// Asks; the error says why that cannot be.
    pub fn ask(&self, question: &Question) -> Result<Answer, String> {
        let built = self.last().ok_or("nothing was read yet")?;
        let engine = &built.engine;
        let end = |typed: &str| ends::resolve(engine, typed).map_err(|error| format!("{} ({})", error.message, error.hint()));
        let (from, to) = (end(&question.from)?, end(&question.to)?);
        let port: Option<PortQuery> = match question.port.as_str() {
            "" => None,
            port => Some(ends::parse_port(port)?),
        };
        let answer = probe(engine, &from, &to, port.as_ref()).map_err(|error| format!("{error} ({})", error.hint()))?;
        let node = |end: &ends::End| matches!(end.kind, EndKind::Workload { .. }).then(|| end.id.clone());
        Ok(Answer {
            question: question.clone(),
            verdict: answer.verdict,
            lines: words::probe_lines(engine, &answer).into_iter().map(line).collect(),
            from_id: node(&from),
            to_id: node(&to),
        })
    }

    /// One workload in words: what isolates it and what it may do; `None` when it is gone.
    pub fn about(&self, id: &str) -> Option<About> {
        let built = self.last()?;
        let engine = &built.engine;
        let workload = workloads(engine).into_iter().find(|workload| workload.id() == id)?;
        let end = ends::workload_end(engine, workload);
        let mut lines: Vec<Line> = vec![vec![
            span(tame(&workload.name), Tone::Name),
            span(format!("  {} in {}, {}", workload.kind, tame(&workload.namespace), pods(end.pods)), Tone::Plain),
        ]];
        if let Some(entity) = end.entities.first() {
            for direction in [Direction::Ingress, Direction::Egress] {
                lines.push(Line::new());
                lines.extend(isolation(engine, direction, entity));
            }
        }
        let flows = flows::of(engine, workload);
        lines.push(Line::new());
        lines.push(vec![span("FLOWS", Tone::Name)]);
        for flow in &flows.rows {
            let (glyph, word) = super::view::verdict_words(flow.verdict);
            lines.push(vec![
                span(format!("  {:3} {} {}  ", if flow.incoming { "in" } else { "out" }, flow.peer, flow.port), Tone::Plain),
                span(format!("{glyph} {word}"), Tone::of(flow.verdict)),
                span(format!("  {}", flow.decided_by), Tone::Faint),
            ]);
        }
        Some(About {
            id: id.to_owned(),
            title: end.name,
            lines,
        })
    }
}

fn isolation(engine: &Engine, direction: Direction, entity: &Entity) -> Vec<Line> {
    let name = match direction {
        Direction::Ingress => "INGRESS",
        Direction::Egress => "EGRESS",
    };
    let (words, tone) = match engine.isolation(direction, entity) {
        Isolation::Isolated => ("isolated: what no rule allows is denied", Tone::Plain),
        Isolation::Open => ("not isolated: no policy selects it, so everything is let through", Tone::Drift),
        Isolation::Unknown => ("something that could not be read may isolate it", Tone::Unknown),
        Isolation::NoSubject => ("policies do not act on it", Tone::Plain),
    };
    let mut lines = vec![vec![span(format!("{name}  "), Tone::Name), span(words, tone)]];
    for id in engine.isolated_by(direction, entity) {
        let policy = engine.policy(id);
        let source = words::policy_source(policy).map(|source| format!("  {source}")).unwrap_or_default();
        lines.push(vec![
            span(format!("  {}/{}", tame(&policy.namespace), tame(&policy.name)), Tone::Plain),
            span(source, Tone::Faint),
        ]);
    }
    lines
}

fn pod_count(chosen: &[&Workload], engine: &Engine) -> usize {
    chosen.iter().flat_map(|workload| engine.pods_of(workload)).map(|id| engine.pod(id).count as usize).sum()
}

fn note(diagnostic: &Diagnostic) -> String {
    tame(&crate::report::text::diagnostic(diagnostic).lines().map(str::trim).collect::<Vec<_>>().join(" · ")).into_owned()
}

fn row(engine: &Engine, workload: &Workload) -> Row {
    let short = ends::workload_end(engine, workload).name;
    Row {
        id: workload.id(),
        namespace: tame(&workload.namespace).into_owned(),
        name: tame(short.split_once('/').map_or(short.as_str(), |(_, name)| name)).into_owned(),
        ingress: Vec::new(),
        egress: Vec::new(),
    }
}

fn node(engine: &Engine, workload: &Workload) -> Node {
    let end = ends::workload_end(engine, workload);
    Node {
        key: workload.id(),
        name: tame(&workload.name).into_owned(),
        namespace: Some(tame(&workload.namespace).into_owned()),
        kind: NodeKind::Workload,
        pods: u32::try_from(end.pods).unwrap_or(u32::MAX),
        badges: Vec::new(),
    }
}

fn pods(count: usize) -> String {
    format!("{count} {}", if count == 1 { "pod" } else { "pods" })
}

fn told(end: &ends::End) -> String {
    match &end.kind {
        EndKind::NotLoaded { .. } => "could not be read".to_owned(),
        _ if end.pods > 0 => pods(end.pods),
        _ => "ok".to_owned(),
    }
}

fn line(words: words::WordLine) -> Line {
    words
        .spans
        .into_iter()
        .map(|(text, tone)| Span {
            text,
            tone: match tone {
                words::Tone::Plain => Tone::Plain,
                words::Tone::Allow => Tone::Allow,
                words::Tone::Deny => Tone::Deny,
                words::Tone::Unknown => Tone::Unknown,
                words::Tone::Drift => Tone::Drift,
                words::Tone::Faint => Tone::Faint,
                words::Tone::Name => Tone::Name,
            },
        })
        .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Word<'a> {
    start: usize,
    text: &'a str,
}

/// The parts of `A B 5432` or `A -> B:5432`, arrows left out.
fn words_of(line: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut arrow = false;
    for text in line.split_whitespace() {
        let start = text.as_ptr() as usize - line.as_ptr() as usize;
        if matches!(text, "->" | "→") {
            arrow = true;
            continue;
        }
        match text.rsplit_once(':') {
            // Behind an arrow, `B:5432` is two parts; an IPv6 address is not.
            Some((end, port)) if arrow && words.len() == 1 && !end.is_empty() && !end.contains(':') => {
                words.push(Word { start, text: end });
                if !port.is_empty() {
                    words.push(Word {
                        start: start + end.len() + 1,
                        text: port,
                    });
                }
            }
            _ => words.push(Word { start, text }),
        }
    }
    words
}

/// Reads a whole line as a question.
pub fn parse_line(line: &str) -> Result<Question, String> {
    let words: Vec<&str> = words_of(line).into_iter().map(|word| word.text).collect();
    match words.as_slice() {
        [] | [_] => Err("a probe needs two ends: FROM TO [PORT]".to_owned()),
        [from, to, rest @ ..] if rest.len() < 2 => Ok(Question {
            from: (*from).to_owned(),
            to: (*to).to_owned(),
            port: rest.first().map(|port| (*port).to_owned()).unwrap_or_default(),
        }),
        _ => Err("too many words: FROM TO [PORT]".to_owned()),
    }
}

#[cfg(test)]
mod tests;
