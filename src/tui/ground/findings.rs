//! Where the cluster differs from the environment in force, as lines of the Drift list.

use crate::engine::{Engine, Verdict};
use crate::expect::{Code, Finding as Difference};
use crate::questions::scope::Scope;
use crate::report::words;
use crate::text::tame;
use crate::tui::view::{Finding, Line, Question, Tone, span, verdict_words};

/// Of all findings those with an end in scope, worst first, and how many expectations are met.
pub(super) fn of(engine: &Engine, all: &[Difference], scope: &Scope) -> (Vec<Finding>, usize) {
    let in_scope = |difference: &&Difference| {
        let namespaces: Vec<&str> = [&difference.from, &difference.to]
            .into_iter()
            .filter_map(|end| namespace(end))
            .collect();
        namespaces.is_empty() || namespaces.iter().any(|namespace| scope.holds(namespace))
    };
    let (met, different): (Vec<&Difference>, Vec<&Difference>) = all
        .iter()
        .filter(in_scope)
        .partition(|difference| difference.code == Code::Met);
    let findings = different
        .into_iter()
        .map(|difference| finding(engine, difference))
        .collect();
    (findings, met.len())
}

/// The namespace of `ns/kind/name` or `ns/*`.
fn namespace(end: &str) -> Option<&str> {
    let (first, _) = end.split_once('/')?;
    let is_address = first.contains(['.', ':']);
    (first != "node" && !is_address).then_some(first)
}

/// An end without its kind, as people say it.
fn short(end: &str) -> String {
    let parts: Vec<&str> = end.split('/').collect();
    match parts.as_slice() {
        [namespace, _, name] if !end.contains(':') => {
            tame(&format!("{namespace}/{name}")).into_owned()
        }
        _ => tame(end).into_owned(),
    }
}

pub(super) fn glyph(code: Code) -> &'static str {
    match code {
        Code::Excess | Code::Expired | Code::Unisolated => "▲",
        Code::Broken => "▼",
        Code::Unknown => "?",
        _ => "·",
    }
}

fn finding(engine: &Engine, difference: &Difference) -> Finding {
    let code = difference.code.as_str().to_uppercase();
    let port = match (difference.protocol, difference.ports) {
        (Some(protocol), Some(range)) => format!("{range}/{protocol}"),
        (Some(protocol), None) => protocol.to_string(),
        (None, Some(range)) => range.to_string(),
        (None, None) => String::new(),
    };
    let rule = difference.because.first();
    let decided = match difference.actual {
        Some(Verdict::Allow) => rule.map(|rule| rule.policy),
        _ => difference
            .policies
            .first()
            .copied()
            .or(rule.map(|rule| rule.policy)),
    };
    let decided_by = decided.map(|id| words::policy_short(engine.policy(id)));
    Finding {
        glyph: glyph(difference.code),
        severity: difference.severity.as_str().to_owned(),
        from: short(&difference.from),
        to: short(&difference.to),
        port,
        expected: difference.expected,
        actual: difference.actual,
        decided_by: decided_by.unwrap_or_default(),
        about: about(engine, difference, &code),
        question: question(difference),
        code,
    }
}

/// The probe behind a finding about one connection.
fn question(difference: &Difference) -> Option<Question> {
    let typed = |end: &str| match end {
        // Whoever it is, the internet is among them.
        "any" | "external" => Some("internet".to_owned()),
        "" | "cluster" | "node" => None,
        end => Some(end.to_owned()),
    };
    let port = match (difference.protocol, difference.ports) {
        // The finding has the port behind the Service, a probe asks for the one in front: leave it open.
        _ if difference.to == "k8s-api" => String::new(),
        (Some(protocol), Some(range)) => {
            format!("{}/{}", range.first(), protocol.as_str().to_lowercase())
        }
        _ => String::new(),
    };
    Some(Question {
        from: typed(&difference.from)?,
        to: typed(&difference.to)?,
        port,
    })
}

fn about(engine: &Engine, difference: &Difference, code: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = vec![vec![
        span(format!("{} {code}  ", glyph(difference.code)), Tone::Drift),
        span(tame(&difference.message), Tone::Plain),
    ]];
    if let (Some(expected), Some(actual)) = (difference.expected, difference.actual) {
        let words = |verdict| {
            let (glyph, word) = verdict_words(verdict);
            span(format!("{glyph} {word}"), Tone::of(verdict))
        };
        lines.push(vec![
            span(
                format!("{} expects ", tame(&difference.environment)),
                Tone::Plain,
            ),
            words(expected),
            span("    this cluster ", Tone::Plain),
            words(actual),
        ]);
    }
    for condition in &difference.conditions {
        lines.push(vec![
            span("if  ", Tone::Faint),
            span(words::condition(engine, condition), Tone::Plain),
        ]);
    }
    for rule in &difference.because {
        let source = words::rule_source(engine, rule).map(|source| format!("   {source}"));
        lines.push(vec![
            span(
                if words::is_denying(engine, rule) {
                    "denied by  "
                } else {
                    "by  "
                },
                Tone::Faint,
            ),
            span(words::rule_name(engine, rule), Tone::Plain),
            span(
                format!(
                    "   {}{}",
                    words::rule_meaning(engine, rule),
                    source.unwrap_or_default()
                ),
                Tone::Faint,
            ),
        ]);
    }
    if !difference.policies.is_empty() {
        let names: Vec<String> = difference
            .policies
            .iter()
            .map(|id| words::policy_short(engine.policy(*id)))
            .collect();
        lines.push(vec![
            span("isolated by  ", Tone::Faint),
            span(names.join(", "), Tone::Plain),
        ]);
    }
    if !difference.sources.is_empty() {
        let sources: Vec<String> = difference.sources.iter().map(ToString::to_string).collect();
        lines.push(vec![
            span("written down at  ", Tone::Faint),
            span(tame(&sources.join(", ")), Tone::Plain),
        ]);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_without_their_kind_and_know_their_namespace() {
        for (end, name, home) in [
            ("shop/deployment/api", "shop/api", Some("shop")),
            ("shop/*", "shop/*", Some("shop")),
            ("node/n1", "node/n1", None),
            ("10.0.0.0/8", "10.0.0.0/8", None),
            ("internet", "internet", None),
            ("", "", None),
        ] {
            assert_eq!((short(end).as_str(), namespace(end)), (name, home), "{end}");
        }
    }
}
