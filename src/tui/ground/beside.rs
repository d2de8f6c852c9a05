//! Every environment, not only the one in force: how the cluster stands to each, and all of them side by side.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use crate::engine::Engine;
use crate::expect::drift::judge_all;
use crate::expect::{Code, bind};
use crate::graph::Graph;
use crate::model::{PortSet, SourceRef};
use crate::questions::connections::told_ranges;
use crate::questions::environments::{Judgement, Line, Opinion, compare};
use crate::questions::scope::Scope;
use crate::text::tame;
use crate::tui::view::{Question, SideCell, SideLine, Sides, Tally};

use super::flows::{decided_by, ports_text};
use super::{Built, Current, Ground, Judged, findings};

/// For how many lines it is asked which policy decides.
const DECIDED: usize = 400;
/// Ports that are told one by one; where it is more, those that are missing may be fewer.
const FEW: usize = 4;

/// What is known of the environments, for one snapshot and one choice of namespaces.
#[derive(Default)]
pub(super) struct Kept {
    of: Option<(Arc<Built>, Vec<String>)>,
    by_environment: BTreeMap<String, Arc<Judged>>,
    sides: Option<Arc<Sides>>,
    /// What the graphs have together.
    all: Option<Arc<Graph>>,
}

impl Kept {
    fn is_newer_than(&self, built: &Built) -> bool {
        let known = self.of.as_ref();
        known.is_some_and(|(known, _)| known.revision > built.revision)
    }

    fn is_of(&self, built: &Arc<Built>, namespaces: &[String]) -> bool {
        self.of
            .as_ref()
            .is_some_and(|(known, shown)| Arc::ptr_eq(known, built) && shown == namespaces)
    }
}

impl Ground {
    /// How a cluster stands to an environment; worked out once.
    pub(super) fn judged(
        &self,
        built: &Arc<Built>,
        environment: Option<&str>,
        namespaces: &[String],
    ) -> Arc<Judged> {
        let (Some(expectations), Some(name)) = (&self.judge.expectations, environment) else {
            return Arc::default();
        };
        {
            let kept = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
            let known = kept.by_environment.get(name);
            if let Some(known) = known.filter(|_| kept.is_of(built, namespaces)) {
                return Arc::clone(known);
            }
        }
        let plan = bind(&built.engine, expectations, name, self.judge.today);
        let all = judge_all(&built.engine, &plan, &built.enforcer);
        let scope = Scope::of(namespaces.iter().cloned());
        let (findings, met) = findings::of(&built.engine, &all, &scope);
        let judged = Arc::new(Judged {
            plan: Some(plan),
            all,
            findings,
            met,
        });
        let mut kept = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_newer_than(built) {
            return judged;
        }
        if !kept.is_of(built, namespaces) {
            *kept = Kept {
                of: Some((Arc::clone(built), namespaces.to_vec())),
                ..Kept::default()
            };
        }
        kept.by_environment
            .insert(name.to_owned(), Arc::clone(&judged));
        judged
    }

    /// The environments that have been judged already.
    pub(super) fn tallies(&self, current: &Current) -> Vec<Tally> {
        let kept = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.is_of(&current.built, &current.namespaces) {
            return Vec::new();
        }
        let names = self.environments();
        let known = names.iter().filter_map(|name| {
            let judged = kept.by_environment.get(name)?;
            Some(Tally::of(name, &judged.findings))
        });
        known.collect()
    }

    /// What the graphs of all environments have together, if they are all known.
    pub(super) fn all(&self, current: &Current) -> Option<Arc<Graph>> {
        let kept = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        let is_this = kept.is_of(&current.built, &current.namespaces);
        kept.all.clone().filter(|_| is_this)
    }

    /// Judges what was shown last by every environment; and what their graphs have together, where there are several.
    pub fn judge(&self) -> (Vec<Tally>, Option<Arc<Graph>>) {
        let Some(current) = self.last() else {
            return (Vec::new(), None);
        };
        let names = self.environments();
        let each: Vec<Arc<Current>> = names
            .iter()
            .map(|name| self.current_of(&current.built, Some(name), &current.namespaces))
            .collect();
        let tallies = names
            .iter()
            .zip(&each)
            .map(|(name, one)| Tally::of(name, &one.judged.findings))
            .collect();
        if each.len() < 2 {
            return (tallies, None);
        }
        let all = Arc::new(Graph::union(each.iter().map(|one| &*one.graph)));
        let mut kept = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_of(&current.built, &current.namespaces) {
            kept.all = Some(Arc::clone(&all));
        }
        (tallies, Some(all))
    }

    /// What was shown last, with every environment's view of it.
    pub fn compare(&self) -> Arc<Sides> {
        let Some(current) = self.last() else {
            return Arc::default();
        };
        {
            let kept = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
            if let (true, Some(sides)) =
                (kept.is_of(&current.built, &current.namespaces), &kept.sides)
            {
                return Arc::clone(sides);
            }
        }
        let names = self.environments();
        let judged: Vec<Arc<Judged>> = names
            .iter()
            .map(|name| self.judged(&current.built, Some(name), &current.namespaces))
            .collect();
        let plans: Vec<_> = judged
            .iter()
            .filter_map(|judged| Some((judged.plan.as_ref()?, judged.all.as_slice())))
            .collect();
        let engine = &current.built.engine;
        let scope = Scope::of(current.namespaces.iter().cloned());
        let found = compare(engine, &plans, &scope);
        let few = found.lines.len() <= DECIDED;
        let sides = Arc::new(Sides {
            environments: found.environments,
            lines: found
                .lines
                .iter()
                .map(|line| told(engine, line, few))
                .collect(),
        });
        let mut kept = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_of(&current.built, &current.namespaces) {
            kept.sides = Some(Arc::clone(&sides));
        }
        sides
    }
}

fn told(engine: &Engine, line: &Line, ask: bool) -> SideLine {
    let first = told_ranges(&line.ports).into_iter().next();
    let question = Question {
        from: line.from.typed.clone(),
        to: line.to.typed.clone(),
        port: first
            .filter(|_| !line.ports.is_all())
            .map(|(protocol, range)| {
                format!("{}/{}", range.first(), protocol.as_str().to_lowercase())
            })
            .unwrap_or_default(),
    };
    let decided = ask
        .then(|| decided_by(engine, &question, line.verdict))
        .flatten();
    SideLine {
        from: tame(&line.from.name).into_owned(),
        to: tame(&line.to.name).into_owned(),
        from_id: line.from.id.clone(),
        to_id: line.to.id.clone(),
        namespaces: [&line.from, &line.to]
            .into_iter()
            .filter_map(|party| Some(tame(party.namespace.as_ref()?).into_owned()))
            .collect(),
        port: ports(&line.ports),
        verdict: line.verdict,
        decided_by: decided.unwrap_or_default(),
        cells: line.by_environment.iter().map(cell).collect(),
        differs: line.differs(),
        by_default: line.by_default,
        question,
    }
}

fn cell(judgement: &Judgement) -> SideCell {
    let code = judgement.code.filter(|code| *code != Code::Met);
    let mut written = tame(&places(&judgement.sources)).into_owned();
    if !judgement.named.is_empty() {
        let named = tame(&judgement.named.join(", ")).into_owned();
        written = format!("{named}  {written}");
    }
    SideCell {
        opinion: judgement.opinion,
        sign: match (judgement.opinion, code) {
            (Opinion::None, _) => "",
            (_, None) => "=",
            (_, Some(code)) => findings::glyph(code),
        },
        code: code
            .map(|code| code.as_str().to_uppercase())
            .unwrap_or_default(),
        written,
    }
}

/// `shop.yaml:41,57`: each file once.
fn places(sources: &[SourceRef]) -> String {
    let files: Vec<String> = sources
        .chunk_by(|a, b| a.file == b.file)
        .map(|lines| {
            let numbers: Vec<String> = lines.iter().map(|at| at.line.to_string()).collect();
            format!("{}:{}", lines[0].file, numbers.join(","))
        })
        .collect();
    files.join(", ")
}

/// Ports as a list, or as all but some.
fn ports(ports: &PortSet) -> String {
    let missing = ports.complement();
    if !ports.is_all() && ports.iter().count() > FEW && missing.iter().count() <= FEW {
        return format!("any but {}", ports_text(&missing));
    }
    ports_text(ports)
}
