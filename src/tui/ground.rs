//! From a snapshot to what the panes draw. Pure, but slow on large clusters: runs on the workers.

mod about;
mod beside;
mod findings;
mod flows;
mod gaps;
mod line;

use std::sync::{Arc, Mutex, PoisonError};

use crate::compile::ProfileName;
use crate::compile::enforcer::{self, Enforcer};
use crate::engine::{Engine, Incremental, Profile, Verdict};
use crate::expect::{Expectations, Finding as Difference, Plan};
use crate::graph::{Graph, drawn};
use crate::model::{Cluster, Diagnostic, Severity, State, Workload};
use crate::questions::connections::{Connections, connections};
use crate::questions::ends::{self, EndKind, PortQuery};
use crate::questions::info::{self, NotEvaluated};
use crate::questions::probe::{self, probe};
use crate::questions::scope::{Scope, workloads};
use crate::questions::table::{self, ItemState};
use crate::report::text::{self, banner};
use crate::report::words;
use crate::source::Snapshot;
use crate::text::tame;

pub use line::parse_line;
use line::words_of;

use super::view::{
    Answer, Candidate, Draft, Finding, Item, Line, NamespaceItem, Part, Question, Row, Settings,
    Sign, Span, Tone, View, span,
};

/// How many candidates a completion offers.
const CANDIDATES: usize = 50;

/// By what the cluster is judged.
#[derive(Clone, Debug)]
pub struct Judge {
    /// Files and demos: what is not there was not forgotten but is not so.
    pub offline: bool,
    /// The profile to reason with; `None` takes that of the enforcer found.
    pub profile: Option<ProfileName>,
    /// What it is compared with.
    pub expectations: Option<Expectations>,
    /// Exceptions expire by it.
    pub today: jiff::civil::Date,
}

/// A cluster ready for questions.
struct Built {
    revision: u64,
    engine: Arc<Engine>,
    enforcer: Enforcer,
}

/// What was worked out for one choice of environment and namespaces.
struct Current {
    built: Arc<Built>,
    environment: Option<String>,
    namespaces: Vec<String>,
    judged: Arc<Judged>,
    found: Connections,
    graph: Arc<Graph>,
}

impl Current {
    fn plan(&self) -> Option<&Plan> {
        self.judged.plan.as_ref()
    }
}

/// How the cluster stands to one environment. Without one there is nothing to stand to.
#[derive(Default)]
struct Judged {
    plan: Option<Plan>,
    /// Those that are met included.
    all: Vec<Difference>,
    /// Those in the namespaces shown.
    findings: Vec<Finding>,
    met: usize,
}

/// Answers for the screen; keeps what it worked out for the latest snapshot.
pub struct Ground {
    judge: Judge,
    /// Of one snapshot and one choice of namespaces, by environment; the one in force comes last.
    current: Mutex<Vec<Arc<Current>>>,
    judged: Mutex<beside::Kept>,
    /// Follows the cluster, so that a change costs what changed.
    followed: Mutex<Option<Incremental>>,
}

impl Ground {
    pub fn new(judge: Judge) -> Self {
        Self {
            judge,
            current: Mutex::default(),
            judged: Mutex::default(),
            followed: Mutex::new(None),
        }
    }

    fn last(&self) -> Option<Arc<Current>> {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .last()
            .cloned()
    }

    fn built(&self, snapshot: &Snapshot) -> Arc<Built> {
        if let Some(current) = self
            .last()
            .filter(|current| current.built.revision == snapshot.revision)
        {
            return Arc::clone(&current.built);
        }
        let enforcer = enforcer::detect(&snapshot.cluster, self.judge.offline);
        let profile = enforcer.switches(self.judge.profile.unwrap_or(enforcer.profile));
        Arc::new(Built {
            revision: snapshot.revision,
            engine: self.engine(&snapshot.cluster, profile),
            enforcer,
        })
    }

    fn engine(&self, cluster: &Arc<Cluster>, profile: Profile) -> Arc<Engine> {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        match followed.as_mut().filter(|kept| kept.profile() == profile) {
            Some(kept) => {
                kept.apply(cluster);
                kept.engine()
            }
            None => followed.insert(Incremental::new(cluster, profile)).engine(),
        }
    }

    fn current(&self, snapshot: &Snapshot, settings: &Settings) -> Arc<Current> {
        let built = self.built(snapshot);
        let known = self.environments();
        let environment = settings
            .environment
            .clone()
            .filter(|name| known.contains(name))
            .or_else(|| known.first().cloned());
        let current = self.current_of(&built, environment.as_deref(), &settings.namespaces);
        let mut kept = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|known| {
            !Arc::ptr_eq(known, &current)
                && Arc::ptr_eq(&known.built, &current.built)
                && known.namespaces == current.namespaces
        });
        kept.push(Arc::clone(&current));
        current
    }

    /// Works one environment out, unless it is known; which one is in force stays as it is.
    fn current_of(
        &self,
        built: &Arc<Built>,
        environment: Option<&str>,
        namespaces: &[String],
    ) -> Arc<Current> {
        let is_this = |known: &&Arc<Current>| {
            Arc::ptr_eq(&known.built, built)
                && known.namespaces == namespaces
                && known.environment.as_deref() == environment
        };
        {
            let kept = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = kept.iter().find(is_this) {
                return Arc::clone(known);
            }
        }
        let scope = Scope::of(namespaces.iter().cloned());
        let judged = self.judged(built, environment, namespaces);
        let found = connections(&built.engine, judged.plan.as_ref(), &scope);
        let graph = Arc::new(drawn::from_connections(&found, &scope));
        let current = Arc::new(Current {
            built: Arc::clone(built),
            environment: environment.map(str::to_owned),
            namespaces: namespaces.to_vec(),
            judged,
            found,
            graph,
        });
        let mut kept = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.iter().find(is_this) {
            return Arc::clone(known);
        }
        // What is only for later must not become what is in force.
        if kept
            .last()
            .is_some_and(|last| Arc::ptr_eq(&last.built, built))
        {
            kept.insert(0, Arc::clone(&current));
        }
        current
    }

    fn environments(&self) -> Vec<String> {
        self.judge
            .expectations
            .as_ref()
            .map(Expectations::environments)
            .unwrap_or_default()
    }

    /// Everything on the screen, for these choices.
    pub fn view(&self, snapshot: &Snapshot, settings: &Settings) -> View {
        let current = self.current(snapshot, settings);
        let engine = &current.built.engine;
        let scope = Scope::of(settings.namespaces.iter().cloned());
        let cluster = engine.cluster();
        let chosen: Vec<&Workload> = workloads(engine)
            .into_iter()
            .filter(|workload| scope.holds(&workload.namespace))
            .collect();
        let table = table::from_connections(&current.found, current.plan(), &scope);
        let judged = current.plan().is_some();
        let not_evaluated = info::not_evaluated(cluster, &scope);
        let mut rows: Vec<Row> = table.rows.into_iter().map(|one| row(one, judged)).collect();
        // What nobody segmented, such as kube-system, comes after what somebody did.
        let segmented = |namespace: &str| {
            cluster
                .namespace(namespace)
                .is_some_and(|namespace| !namespace.policies.is_empty())
        };
        rows.sort_by_key(|row| !segmented(&row.namespace));
        View {
            settings: settings.clone(),
            origin: tame(&snapshot.origin).into_owned(),
            link: snapshot.link.clone(),
            partial: cluster.coverage.iter().any(|(_, _, state)| {
                matches!(state, State::Forbidden { .. } | State::Failed { .. })
            }),
            enforcer: tame(&current.built.enforcer.name).into_owned(),
            enforces: current.built.enforcer.enforces,
            environments: self.environments(),
            environment: current.environment.clone(),
            namespaces: cluster
                .namespaces
                .values()
                .map(|namespace| NamespaceItem {
                    name: namespace.name.clone(),
                    workloads: namespace.workloads.len(),
                    policies: namespace.policies.len(),
                })
                .collect(),
            pods: pod_count(&chosen, engine),
            policies: cluster
                .policies()
                .filter(|policy| policy.is_cluster_wide() || scope.holds(&policy.namespace))
                .count(),
            cluster_wide: cluster.cluster_policies.len(),
            rows,
            flows: settings
                .workload
                .as_deref()
                .and_then(|id| flows::of(engine, &current.found, id, judged)),
            graph: Arc::clone(&current.graph),
            all: self.all(&current),
            findings: current.judged.findings.clone(),
            met: current.judged.met,
            tallies: self.tallies(&current),
            gaps: gaps::gaps(cluster, &not_evaluated),
            not_evaluated: counted(&not_evaluated),
            kinds: gaps::kinds(cluster, &snapshot.link),
            notes: notes(&current.built, snapshot),
        }
    }

    /// Reads a probe while it is typed.
    pub fn read(&self, line: &str, cursor: usize) -> Draft {
        let Some(current) = self.last() else {
            return Draft::default();
        };
        let engine = &current.built.engine;
        let words = words_of(line);
        // The word under the cursor; behind the last one, the next.
        let at = words
            .iter()
            .position(|word| word.start <= cursor && cursor <= word.start + word.text.len())
            .unwrap_or_else(|| words.iter().filter(|word| word.start < cursor).count());
        let typed = words.get(at).map_or("", |word| {
            &line[word.start..cursor.clamp(word.start, word.start + word.text.len())]
        });
        let mut draft = Draft::default();
        let mut resolved = Vec::new();
        for (index, (name, word)) in ["FROM", "TO"].into_iter().zip(&words).enumerate() {
            let unfinished = index == at && !ends::complete(engine, typed, 1).is_empty();
            let reading = match ends::resolve(engine, word.text) {
                Ok(end) => {
                    let reading = reading(&end);
                    resolved.push(end);
                    Ok(reading)
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
                draft.verdict = probe(engine, from, to, port.as_ref())
                    .ok()
                    .map(|answer| answer.verdict);
            }
        }
        draft
    }

    /// Asks; the error says why that cannot be.
    pub fn ask(&self, question: &Question) -> Result<Answer, String> {
        let current = self.last().ok_or("nothing was read yet")?;
        let engine = &current.built.engine;
        let end = |typed: &str| {
            ends::resolve(engine, typed)
                .map_err(|error| format!("{} ({})", error.message, error.hint()))
        };
        let (from, to) = (end(&question.from)?, end(&question.to)?);
        let port: Option<PortQuery> = match question.port.as_str() {
            "" => None,
            port => Some(ends::parse_port(port)?),
        };
        let mut answer = probe(engine, &from, &to, port.as_ref())
            .map_err(|error| format!("{error} ({})", error.hint()))?;
        if let Some(plan) = current.plan() {
            probe::expect(plan, &mut answer);
        }
        let node =
            |end: &ends::End| matches!(end.kind, EndKind::Workload { .. }).then(|| end.id.clone());
        Ok(Answer {
            question: Question {
                from: from.name.clone(),
                to: to.name.clone(),
                port: question.port.clone(),
            },
            verdict: answer.verdict,
            lines: told(engine, &answer, &current.built.enforcer),
            from_id: node(&from),
            to_id: node(&to),
        })
    }
}

/// Policies of other projects for the header: by their kind, or all together where there are several.
fn counted(found: &[NotEvaluated]) -> Option<(String, String)> {
    let count: usize = found.iter().map(|one| one.count).sum();
    let words = match found {
        [] => return None,
        [one] => words::not_evaluated_count(one),
        _ => format!("{count} policies of other APIs"),
    };
    Some((
        format!("{words} not evaluated"),
        format!("{count} not evaluated"),
    ))
}

fn pod_count(chosen: &[&Workload], engine: &Engine) -> usize {
    chosen
        .iter()
        .flat_map(|workload| engine.pods_of(workload))
        .map(|id| engine.pod(id).count as usize)
        .sum()
}

/// The whole answer; the headline begins with the verdict's sign and ends with the finding that it makes.
fn told(engine: &Engine, answer: &probe::Answer, enforcer: &Enforcer) -> Vec<Line> {
    let mut lines: Vec<Line> = words::probe_lines(engine, answer)
        .into_iter()
        .map(line)
        .collect();
    if let Some(headline) = lines.first_mut() {
        let (glyph, _) = super::view::verdict_words(answer.verdict);
        headline.insert(0, span(format!("{glyph} "), Tone::of(answer.verdict)));
        let finding = answer.expected.as_ref().and_then(|expected| {
            match (expected.verdict, answer.verdict) {
                (Verdict::Allow, Verdict::Deny) => Some("   ▼ BROKEN"),
                (Verdict::Deny, Verdict::Allow) => Some("   ▲ EXCESS"),
                _ => None,
            }
        });
        headline.extend(finding.map(|finding| span(finding, Tone::Drift)));
    }
    lines.extend(
        banner(enforcer, engine.policies().len())
            .map(|banner| vec![span(format!("  {}", tame(&banner)), Tone::Drift)]),
    );
    lines
}

/// What a reader must know of the whole picture, most important first.
fn notes(built: &Built, snapshot: &Snapshot) -> Vec<String> {
    let engine = &built.engine;
    let mut notes: Vec<String> = banner(&built.enforcer, engine.policies().len())
        .into_iter()
        .collect();
    for (kind, namespace, state) in gaps::unread(&engine.cluster().coverage) {
        let place = namespace.map_or_else(String::new, |namespace| format!(" in {namespace}"));
        match state {
            State::Forbidden { .. } => notes.push(format!(
                "{kind}{place} may not be read: what hangs on them is UNKNOWN"
            )),
            State::Failed { why } => {
                notes.push(format!("{kind}{place} could not be read: {why}"));
            }
            _ => {}
        }
    }
    let (doubts, rest): (Vec<&Diagnostic>, Vec<&Diagnostic>) = snapshot
        .diagnostics
        .iter()
        .partition(|diagnostic| diagnostic.severity >= Severity::Warning);
    // Such as policies that were left out: whoever reads that all is allowed has to read them before.
    notes.extend(doubts.into_iter().map(note));
    let cluster = engine.cluster();
    let nothing_decides = cluster.policies().next().is_none() && cluster.foreign.is_empty();
    if nothing_decides && engine.pods().len() > 0 {
        notes.push(
            "no NetworkPolicy was read, so nothing is isolated and everything is allowed"
                .to_owned(),
        );
    }
    notes.extend(rest.into_iter().map(note));
    notes.iter().map(|note| tame(note).into_owned()).collect()
}

fn note(diagnostic: &Diagnostic) -> String {
    text::diagnostic(diagnostic)
        .lines()
        .map(str::trim)
        .collect::<Vec<_>>()
        .join(" · ")
}

fn row(row: table::Row, judged: bool) -> Row {
    let cell = |items: Vec<table::Item>| {
        items
            .into_iter()
            .map(|item| Item {
                text: tame(&item.text).into_owned(),
                sign: judged.then_some(sign(item.state)),
            })
            .collect()
    };
    Row {
        id: row.id,
        namespace: tame(&row.namespace).into_owned(),
        name: tame(&row.name).into_owned(),
        ingress: cell(row.ingress),
        egress: cell(row.egress),
    }
}

fn sign(state: ItemState) -> Sign {
    match state {
        ItemState::AsExpected => Sign::Expected,
        ItemState::Missing => Sign::Missing,
        ItemState::Unexpected => Sign::Unexpected,
        ItemState::Unknown => Sign::Unknown,
        ItemState::NoExpectation => Sign::None,
    }
}

fn pods(count: usize) -> String {
    format!("{count} {}", if count == 1 { "pod" } else { "pods" })
}

fn reading(end: &ends::End) -> String {
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

#[cfg(test)]
mod tests;
