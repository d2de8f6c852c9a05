//! One workload in words.

use crate::engine::{Engine, Entity};
use crate::expect::stance::{Stance, Stances, selects};
use crate::model::{Direction, Tier};
use crate::questions::ends;
use crate::questions::scope::workloads;
use crate::report::words;
use crate::text::tame;
use crate::tui::view::{About, Line, Tone, span, verdict_words};

use super::{Ground, flows, pods};

impl Ground {
    /// One workload in words: what isolates it and what it may do; `None` when it is gone.
    pub fn about(&self, id: &str) -> Option<About> {
        let current = self.last()?;
        let engine = &current.built.engine;
        let workload = workloads(engine)
            .into_iter()
            .find(|workload| workload.id() == id)?;
        let end = ends::workload_end(engine, workload);
        let mut lines: Vec<Line> = vec![vec![
            span(tame(&workload.name), Tone::Name),
            span(
                format!(
                    "  {} in {}, {}",
                    workload.kind,
                    tame(&workload.namespace),
                    pods(end.pods)
                ),
                Tone::Plain,
            ),
        ]];
        if let Some(entity) = end.entities.first() {
            for direction in [Direction::Ingress, Direction::Egress] {
                lines.push(Line::new());
                lines.extend(isolation(engine, direction, entity));
            }
        }
        lines.push(Line::new());
        lines.push(vec![span("FLOWS", Tone::Name)]);
        let flows = flows::of(engine, &current.found, id, current.plan().is_some());
        for flow in flows.iter().flat_map(|flows| &flows.rows) {
            let (glyph, word) = verdict_words(flow.verdict);
            lines.push(vec![
                span(
                    format!(
                        "  {:3} {} {}  ",
                        if flow.incoming { "in" } else { "out" },
                        flow.peer,
                        flow.port
                    ),
                    Tone::Plain,
                ),
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
    let (words, tone) = match Stances::new(engine).of(direction, entity) {
        Stance::Closed if engine.isolated_by(direction, entity).is_empty() => (
            "not isolated, and cluster-wide rules deny everything",
            Tone::Plain,
        ),
        Stance::Closed => ("isolated: what no rule allows is denied", Tone::Plain),
        Stance::Partly => (
            "not isolated, and cluster-wide rules deny a part",
            Tone::Drift,
        ),
        Stance::Open => (
            "not isolated: no policy selects it, so everything is let through",
            Tone::Drift,
        ),
        Stance::Unknown => (
            "something that was not read or is not evaluated may isolate it",
            Tone::Unknown,
        ),
        Stance::NoSubject => ("policies do not act on it", Tone::Plain),
    };
    let mut lines = vec![vec![
        span(format!("{name}  "), Tone::Name),
        span(words, tone),
    ]];
    // In the order they are asked.
    let by_tier = |wanted: fn(&Tier) -> bool| {
        engine.policies().filter(move |id| {
            let policy = engine.policy(*id);
            let acts = policy.rules(direction).is_some_and(|r| !r.is_empty());
            wanted(&policy.tier) && acts && selects(engine, policy, entity)
        })
    };
    let admin = by_tier(|tier| matches!(tier, Tier::Admin { .. }));
    let baseline = by_tier(|tier| matches!(tier, Tier::Baseline { .. }));
    let isolating = engine.isolated_by(direction, entity);
    for id in admin.chain(isolating).chain(baseline) {
        let policy = engine.policy(id);
        let source = words::policy_source(policy)
            .map(|source| format!("  {source}"))
            .unwrap_or_default();
        lines.push(vec![
            span(format!("  {}", words::policy_short(policy)), Tone::Plain),
            span(source, Tone::Faint),
        ]);
    }
    lines
}
