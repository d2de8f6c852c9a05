//! Findings for code scanning: a rule a code, a run an environment.

use crate::engine::Engine;
use crate::expect::{Code, Finding};
use crate::model::Diagnostic;
use crate::report::sarif::{self, Found, Related, Rule, Run};
use crate::report::words;

use super::{Drift, rule_label};

/// The documents' lines are where a finding is; the policies' lines are related to it.
pub fn sarif(engine: &Engine, drift: &Drift<'_>, diagnostics: &[Diagnostic]) -> String {
    let rules = Code::ALL.map(rule);
    let runs: Vec<Run> = drift
        .environments
        .iter()
        .map(|environment| Run {
            id: format!("netseg-tui/drift/{environment}/"),
            found: drift.of(environment).map(|f| found(engine, f)).collect(),
        })
        .collect();
    sarif::write(&rules, &runs, diagnostics)
}

fn rule(code: Code) -> Rule {
    let (short, help) = match code {
        Code::Broken => (
            "What has to work is denied or unreachable.",
            "Let the connection through at the end that denies it, or take the line out of the document.",
        ),
        Code::Excess => (
            "A connection is possible that nobody wrote down, or that is forbidden by name.",
            "Narrow the rule that opens it, or write the connection down.",
        ),
        Code::Expired => (
            "An exception is past its date, or has none, and what it tolerated is still open.",
            "Close the connection, or give the exception a new date and a reason.",
        ),
        Code::Unisolated => (
            "A default deny is written down and does not hold.",
            "Add a policy that selects every pod of the namespace in this direction and allows nothing.",
        ),
        Code::Unenforced => (
            "Policies are to be enforced, and nothing enforces them.",
            "Install a network plug-in that enforces NetworkPolicies; until then no policy denies anything.",
        ),
        Code::Unbound => (
            "A name of the document matches no pod.",
            "Correct the selector, or take the workload out of the document.",
        ),
        Code::Latent => (
            "One end opens more than is tolerated, and only the other end still blocks it.",
            "Narrow the rule: nothing but the other end's policies keeps the connection closed.",
        ),
        Code::Undocumented => (
            "Pods run in a namespace that is written down, and are themselves written down nowhere.",
            "Give the workload a row, or move it out of the namespace.",
        ),
        Code::Stale => (
            "The document names something that does not exist.",
            "Correct the name, or take the line out of the document.",
        ),
        Code::Narrower => (
            "Policy is stricter than what is tolerated, and nothing that has to work suffers.",
            "Nothing is wrong; the document may be made as strict as the policies are.",
        ),
        Code::Unknown => (
            "It cannot be decided from what was read.",
            "Give the right to read what is missing, or load the files it is in.",
        ),
        Code::Met => ("It is as expected.", "There is nothing to do."),
    };
    Rule {
        id: code.as_str(),
        short,
        help,
        severity: code.severity(),
    }
}

fn found(engine: &Engine, finding: &Finding) -> Found {
    let mut message = finding.message.clone();
    for condition in &finding.conditions {
        message += &format!("; if {}", words::condition(engine, condition));
    }
    let mut subjects: Vec<String> = [&finding.from, &finding.to]
        .into_iter()
        .filter(|end| !end.is_empty())
        .cloned()
        .collect();
    subjects.dedup();
    let rules = finding.because.iter().map(|rule| Related {
        message: format!(
            "{}: {}: {}",
            rule_label(engine, finding, rule),
            words::rule_name(engine, rule),
            words::rule_meaning(engine, rule)
        ),
        object: format!(
            "{}/{}",
            words::policy_short(engine.policy(rule.policy)),
            rule.path()
        ),
        place: words::rule_source(engine, rule),
    });
    let policies = finding.policies.iter().map(|id| {
        let policy = engine.policy(*id);
        Related {
            message: format!("isolated by {}", words::policy_name(policy)),
            object: words::policy_short(policy),
            place: words::policy_source(policy),
        }
    });
    Found {
        rule: finding.code.as_str(),
        severity: (finding.code != Code::Met).then_some(finding.severity),
        message,
        places: finding.sources.clone(),
        subjects,
        related: rules.chain(policies).collect(),
        fingerprint: fingerprint(finding),
    }
}

/// What a finding is about, without the lines it is about, which move.
fn fingerprint(finding: &Finding) -> String {
    let mut parts = vec![
        finding.code.as_str().to_owned(),
        finding.environment.clone(),
        finding.from.clone(),
        finding.to.clone(),
        finding.name.clone().unwrap_or_default(),
    ];
    match (finding.protocol, finding.ports) {
        (Some(protocol), Some(ports)) => parts.push(format!("{ports}/{protocol}")),
        // One thing may be said of it in several ways.
        _ => parts.push(finding.message.clone()),
    }
    parts.join("|")
}
