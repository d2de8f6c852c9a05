//! Findings in every form they are asked for.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::engine::{Engine, RuleId, Verdict};
use crate::expect::{Code, Finding};
use crate::model::{PortRange, Protocol, Severity};
use crate::questions::ends;
use crate::text::tame;

use super::json::{Context, RuleRef, envelope, rule_ref};
use super::text::fold;
use super::{csv, markdown, words};

mod junit;
mod sarif;

pub use junit::junit;
pub use sarif::sarif;

/// The findings of some environments, in the order they were judged.
pub struct Drift<'a> {
    pub environments: &'a [String],
    pub findings: &'a [Finding],
}

impl<'a> Drift<'a> {
    /// The findings of one environment, in their order.
    fn of(&self, environment: &str) -> impl Iterator<Item = &'a Finding> {
        let findings = self.findings.iter();
        findings.filter(move |finding| finding.environment == environment)
    }
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
    // Ranges of addresses may be many, and lines break at blanks only.
    let short = |id: &str| tame(&ends::short_id(engine, id)).replace(',', ", ");
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
        let of: Vec<&Finding> = drift.of(environment).collect();
        for group in groups(&of) {
            for line in block(engine, &group) {
                out += &line;
                out.push('\n');
            }
        }
        if !of.is_empty() {
            out.push('\n');
        }
        out += &summary_line(environment, &of);
    }
    out
}

/// Findings that differ in their ports only, in the order of the first of each.
fn groups<'f>(findings: &[&'f Finding]) -> Vec<Vec<&'f Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    for finding in findings {
        // Those of one code and one pair of ends stand next to each other, whatever their ports.
        let alike = |group: &&mut Vec<&Finding>| finding.differs_in_ports_only(group[0]);
        let near = |group: &&mut Vec<&Finding>| {
            (group[0].code, &group[0].from, &group[0].to)
                == (finding.code, &finding.from, &finding.to)
        };
        match groups.iter_mut().rev().take_while(near).find(alike) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

/// Everything about findings that differ in their ports only, no wider than a terminal where the words allow it.
pub(super) fn block(engine: &Engine, group: &[&Finding]) -> Vec<String> {
    let Some(finding) = group.first() else {
        return Vec::new();
    };
    let code = finding.code.as_str().to_uppercase();
    let head = format!(
        "{} {code:<12} {} {}",
        sign(finding.code),
        ends(engine, finding),
        ports_of(group)
    );
    let mut lines = fold(head.trim_end(), 15);
    let mut tell = |line: &str, indent: usize| lines.extend(fold(line, indent));
    let spoken = finding.message_about(&spoken_ports(group));
    // What is as expected about a port is told by the headline.
    if finding.code != Code::Met || finding.ports.is_none() {
        tell(&format!("    {}", tame(&spoken)), 4);
    }
    for condition in &finding.conditions {
        tell(
            &format!("    if       {}", words::condition(engine, condition)),
            13,
        );
    }
    for rule in &finding.because {
        let place = words::rule_source(engine, rule)
            .map(|s| format!("   {s}"))
            .unwrap_or_default();
        let told = format!(
            "    {:<8} {}: {}{place}",
            rule_label(engine, finding, rule),
            words::rule_name(engine, rule),
            words::rule_meaning(engine, rule)
        );
        tell(&told, 13);
    }
    let unsaid = |name: &String| !spoken.contains(name.as_str());
    let names: Vec<String> = policies(engine, finding);
    if names.iter().any(unsaid) {
        tell(&format!("    isolated by {}", names.join(", ")), 13);
    }
    let sources: Vec<String> = finding.sources.iter().map(ToString::to_string).collect();
    if !sources.is_empty() {
        let named = finding.name.as_ref().filter(|name| unsaid(name));
        let named = named.map(|name| format!(" as `{}`", tame(name)));
        let written = sources.join(", ") + &named.unwrap_or_default();
        tell(&format!("    written  {written}"), 13);
    }
    lines
}

fn policies(engine: &Engine, finding: &Finding) -> Vec<String> {
    let policies = finding.policies.iter();
    policies
        .map(|id| words::policy_name(engine.policy(*id)))
        .collect()
}

/// For what must be open the rules are those that come nearest or that deny; else those that open it.
fn rule_label(engine: &Engine, finding: &Finding, rule: &RuleId) -> &'static str {
    if words::is_denying(engine, rule) {
        "denied"
    } else if finding.actual == Some(Verdict::Deny) && finding.code != Code::Latent {
        "nearest"
    } else {
        "rule"
    }
}

/// `2181, 2888, 3888/TCP`, `any` for every port there is.
fn ports_of(group: &[&Finding]) -> String {
    ports_as(group, "any", |protocol| format!("any/{protocol}"))
}

/// The same within a sentence.
fn spoken_ports(group: &[&Finding]) -> String {
    ports_as(group, "any port", |protocol| format!("any {protocol} port"))
}

fn ports_as(group: &[&Finding], all: &str, every: impl Fn(Protocol) -> String) -> String {
    let mut of: BTreeMap<Protocol, Vec<PortRange>> = BTreeMap::new();
    for finding in group {
        if let (Some(protocol), Some(range)) = (finding.protocol, finding.ports) {
            of.entry(protocol).or_default().push(range);
        }
    }
    let is_every = |ranges: &Vec<PortRange>| ranges.contains(&PortRange::ALL);
    if of.len() == Protocol::ALL.len() && of.values().all(is_every) {
        return all.to_owned();
    }
    let told: Vec<String> = of
        .into_iter()
        .map(|(protocol, ranges)| {
            if is_every(&ranges) {
                return every(protocol);
            }
            let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
            format!("{}/{protocol}", ranges.join(", "))
        })
        .collect();
    told.join(", ")
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
    /// Of the flow or exception that is meant by name.
    name: Option<&'a str>,
    conditions: Vec<String>,
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
            protocol: finding.protocol.map(Protocol::as_str),
            first: finding.ports.map(PortRange::first),
            last: finding.ports.map(PortRange::last),
            expected: finding.expected.map(Verdict::as_str),
            actual: finding.actual.map(Verdict::as_str),
            because: finding
                .because
                .iter()
                .map(|rule| rule_ref(engine, rule))
                .collect(),
            sources: finding.sources.iter().map(ToString::to_string).collect(),
            message: &finding.message,
            name: finding.name.as_deref(),
            conditions: finding
                .conditions
                .iter()
                .map(|condition| words::condition(engine, condition))
                .collect(),
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
