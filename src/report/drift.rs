//! Findings in every form they are asked for.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::engine::{Engine, Verdict};
use crate::expect::{Code, Finding};
use crate::model::Severity;
use crate::questions::ends;
use crate::text::tame;

use super::json::{Context, RuleRef, envelope, rule_ref};
use super::text::fold;
use super::{csv, markdown, words};

/// The findings of some environments, in the order they were judged.
pub struct Drift<'a> {
    pub environments: &'a [String],
    pub findings: &'a [Finding],
}

/// The sign of a finding: open and should not be, closed and should not be, unknown, anything else.
pub fn sign(code: Code) -> &'static str {
    match code {
        Code::Excess | Code::Expired | Code::Unisolated => "▲",
        Code::Broken => "▼",
        Code::Unknown => "?",
        Code::Met => "=",
        _ => "·",
    }
}

/// `from → to`, one end alone where only one is meant; kinds are dropped where names are unique.
fn ends(engine: &Engine, finding: &Finding) -> String {
    let short = |id: &str| tame(&ends::short_id(engine, id)).into_owned();
    match (finding.from.is_empty(), finding.to.is_empty()) {
        (false, false) => format!("{} → {}", short(&finding.from), short(&finding.to)),
        (false, true) => short(&finding.from),
        (true, false) => short(&finding.to),
        (true, true) => String::new(),
    }
}

fn port(finding: &Finding) -> String {
    match (finding.protocol, finding.ports) {
        (Some(protocol), Some(range)) => format!("{range}/{protocol}"),
        _ => String::new(),
    }
}

fn counts<'a>(findings: impl Iterator<Item = &'a Finding>) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.code.as_str()).or_default() += 1;
    }
    counts
}

pub fn text(engine: &Engine, drift: &Drift<'_>) -> String {
    let mut out = String::new();
    for environment in drift.environments {
        let of: Vec<&Finding> = drift
            .findings
            .iter()
            .filter(|f| f.environment == *environment)
            .collect();
        for finding in &of {
            let code = finding.code.as_str().to_uppercase();
            let head = format!(
                "{} {code:<12} {} {}",
                sign(finding.code),
                ends(engine, finding),
                port(finding)
            );
            out += head.trim_end();
            out.push('\n');
            let mut tell = |line: &str, indent: usize| {
                for part in fold(line, indent) {
                    out += &part;
                    out.push('\n');
                }
            };
            tell(&format!("    {}", tame(&finding.message)), 4);
            // For what must be open the rules are those that come nearest or that deny; else those that open it.
            let is_closed = matches!(finding.code, Code::Broken | Code::Narrower);
            for rule in &finding.because {
                let label = if words::is_denying(engine, rule) {
                    "denied"
                } else if is_closed {
                    "nearest"
                } else {
                    "rule"
                };
                let place = words::rule_source(engine, rule)
                    .map(|s| format!("   {s}"))
                    .unwrap_or_default();
                let told = format!(
                    "    {label:<8} {}: {}{place}",
                    words::rule_name(engine, rule),
                    words::rule_meaning(engine, rule)
                );
                tell(&told, 13);
            }
            if !finding.policies.is_empty() {
                let names: Vec<String> = finding
                    .policies
                    .iter()
                    .map(|id| words::policy_name(engine.policy(*id)))
                    .collect();
                tell(&format!("    isolated by {}", names.join(", ")), 13);
            }
            let sources: Vec<String> = finding.sources.iter().map(ToString::to_string).collect();
            if !sources.is_empty() {
                tell(&format!("    written  {}", sources.join(", ")), 13);
            }
        }
        if !of.is_empty() {
            out.push('\n');
        }
        out += &summary_line(environment, &of);
    }
    out
}

fn summary_line(environment: &str, findings: &[&Finding]) -> String {
    let differing: Vec<&&Finding> = findings.iter().filter(|f| f.code != Code::Met).collect();
    if differing.is_empty() {
        return format!("{}: nothing differs\n", tame(environment));
    }
    let of = |severity| differing.iter().filter(|f| f.severity == severity).count();
    let told: Vec<String> = [
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Info, "remark"),
    ]
    .into_iter()
    .map(|(severity, word)| (of(severity), word))
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
    .collect();
    let codes: Vec<String> = counts(differing.iter().map(|f| **f))
        .into_iter()
        .map(|(code, count)| format!("{} {count}", code.to_uppercase()))
        .collect();
    format!(
        "{}: {} ({})\n",
        tame(environment),
        told.join(", "),
        codes.join(", ")
    )
}

#[derive(Serialize)]
struct DriftJson<'a> {
    environments: &'a [String],
    findings: Vec<FindingJson<'a>>,
    summary: BTreeMap<&'static str, usize>,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    code: &'static str,
    severity: &'static str,
    environment: &'a str,
    from: &'a str,
    to: &'a str,
    protocol: Option<&'static str>,
    first: Option<u16>,
    last: Option<u16>,
    expected: Option<&'static str>,
    actual: Option<&'static str>,
    because: Vec<RuleRef>,
    sources: Vec<String>,
    message: &'a str,
}

pub fn json(engine: &Engine, drift: &Drift<'_>, context: Context<'_>) -> String {
    let findings = drift
        .findings
        .iter()
        .map(|finding| FindingJson {
            code: finding.code.as_str(),
            severity: finding.severity.as_str(),
            environment: &finding.environment,
            from: &finding.from,
            to: &finding.to,
            protocol: finding.protocol.map(crate::model::Protocol::as_str),
            first: finding.ports.map(crate::model::PortRange::first),
            last: finding.ports.map(crate::model::PortRange::last),
            expected: finding.expected.map(Verdict::as_str),
            actual: finding.actual.map(Verdict::as_str),
            because: finding
                .because
                .iter()
                .map(|rule| rule_ref(engine, rule))
                .collect(),
            sources: finding.sources.iter().map(ToString::to_string).collect(),
            message: &finding.message,
        })
        .collect();
    let body = DriftJson {
        environments: drift.environments,
        findings,
        summary: counts(drift.findings.iter()),
    };
    envelope("Drift", body, context.diagnostics)
}

fn row(finding: &Finding) -> Vec<String> {
    let verdict =
        |verdict: Option<Verdict>| verdict.map(words::verdict).unwrap_or_default().to_owned();
    vec![
        finding.code.as_str().to_uppercase(),
        finding.environment.clone(),
        finding.from.clone(),
        finding.to.clone(),
        port(finding),
        verdict(finding.expected),
        verdict(finding.actual),
        finding.message.clone(),
        finding
            .sources
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" "),
    ]
}

const HEAD: [&str; 9] = [
    "Finding",
    "Environment",
    "From",
    "To",
    "Port",
    "Expected",
    "Actual",
    "Message",
    "Written",
];

pub fn md(drift: &Drift<'_>) -> String {
    let rows: Vec<Vec<String>> = drift.findings.iter().map(row).collect();
    markdown::table(&HEAD, &rows)
}

pub fn comma_separated(drift: &Drift<'_>) -> String {
    let mut out = csv::record(&HEAD.map(str::to_lowercase));
    for finding in drift.findings {
        out += &csv::record(&row(finding));
    }
    out
}
