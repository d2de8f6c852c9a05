//! Where the cluster differs from the environment in force, as lines of the Drift list.

use crate::compile::enforcer::Enforcer;
use crate::engine::{Engine, Verdict};
use crate::expect::Plan;
use crate::questions::connections::{Connections, Point, Standing, point_name};
use crate::questions::scope::Scope;
use crate::text::tame;
use crate::tui::view::{Finding, Tone, span};

use super::flows::{decided_by, ports_text, question};

/// The findings, worst first, and how many connections are as expected.
pub(super) fn of(
    engine: &Engine,
    plan: Option<&Plan>,
    _enforcer: &Enforcer,
    found: &Connections,
    _scope: &Scope,
) -> (Vec<Finding>, usize) {
    if plan.is_none() {
        return (Vec::new(), 0);
    }
    let met = found
        .list
        .iter()
        .filter(|connection| connection.standing == Standing::AsExpected)
        .count();
    let mut findings = Vec::new();
    for connection in &found.list {
        let (code, glyph, severity, expected, actual) = match connection.standing {
            Standing::Unexpected => ("EXCESS", "▲", "error", Verdict::Deny, Verdict::Allow),
            Standing::Missing => ("BROKEN", "▼", "error", Verdict::Allow, Verdict::Deny),
            Standing::Unknown => ("UNKNOWN", "?", "warning", Verdict::Allow, Verdict::Unknown),
            Standing::Open | Standing::AsExpected | Standing::HalfOpen(_) => continue,
        };
        let name = |point: &Point| tame(&point_name(found, point, "")).into_owned();
        let question = question(found, connection);
        let (from, to, port) = (
            name(&connection.from),
            name(&connection.to),
            ports_text(&connection.ports),
        );
        findings.push(Finding {
            code: code.to_owned(),
            glyph,
            severity: severity.to_owned(),
            about: vec![vec![
                span(format!("{code}  "), Tone::Drift),
                span(format!("{from} to {to} on {port}"), Tone::Plain),
            ]],
            from,
            to,
            port,
            expected: Some(expected),
            actual: Some(actual),
            decided_by: decided_by(engine, &question, actual).unwrap_or_default(),
            question: Some(question),
        });
    }
    findings.sort_by(|a, b| {
        (&a.severity, &a.code, &a.from, &a.to, &a.port).cmp(&(
            &b.severity,
            &b.code,
            &b.from,
            &b.to,
            &b.port,
        ))
    });
    (findings, met)
}
