//! Expectations as test cases: one for each connection, default deny or claim, whether it holds or not.

use std::collections::BTreeMap;

use crate::engine::{Engine, Verdict};
use crate::expect::{Code, Finding};
use crate::model::Severity;
use crate::report::junit::{self, Case, Outcome, Suite, Told};

use super::{Drift, block, ends, port};

/// A suite an environment. What is as bad as `fail_from` fails, what cannot be decided is an error, and what else differs is
/// skipped with what there is to say: cases fail exactly where the command ends with 1, and only have errors where it ends with 2.
pub fn junit(engine: &Engine, drift: &Drift<'_>, fail_from: Severity) -> String {
    let suites: Vec<Suite> = drift
        .environments
        .iter()
        .map(|environment| Suite {
            name: environment.clone(),
            cases: cases(engine, drift.of(environment).collect(), fail_from),
        })
        .collect();
    junit::write("drift", &suites)
}

/// What is asked, whatever the answer is: a case keeps its class and name when its outcome changes.
fn class(finding: &Finding) -> &'static str {
    match (finding.code, finding.expected) {
        (Code::Latent, _) => "opened by one end only",
        (Code::Narrower, _) => "tolerated",
        (_, Some(Verdict::Allow)) => "has to work",
        (_, Some(_)) => "must not work",
        (_, None) if finding.from == "internet" => "ways in",
        (Code::Unbound, None) => "names",
        (Code::Undocumented, None) => "written down",
        (Code::Stale, None) => "still exists",
        (Code::Unenforced, None) => "enforcement",
        (Code::Unisolated, None) => "default deny",
        (_, None) if finding.from == "cluster" && finding.to.is_empty() => "enforcement",
        (_, None) if finding.to.is_empty() => "names",
        (_, None) => "default deny",
    }
}

fn name(engine: &Engine, finding: &Finding) -> String {
    let told = format!("{} {}", ends(engine, finding), port(finding));
    match &finding.name {
        Some(name) => format!("{} ({name})", told.trim_end()),
        None => told.trim_end().to_owned(),
    }
}

fn cases(engine: &Engine, mut findings: Vec<&Finding>, fail_from: Severity) -> Vec<Case> {
    // By what they are about, so that a case stays where it is when its outcome changes.
    findings.sort_by(|a, b| {
        let about = |f: &&Finding| (class(f), f.from.clone(), f.to.clone(), f.protocol, f.ports);
        about(a).cmp(&about(b))
    });
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    findings
        .into_iter()
        .map(|finding| {
            let class = format!("{}.{}", finding.environment, class(finding));
            let mut name = name(engine, finding);
            let times = seen.entry((class.clone(), name.clone())).or_default();
            *times += 1;
            if *times > 1 {
                name += &format!(" #{times}");
            }
            Case {
                class,
                name,
                outcome: outcome(engine, finding, fail_from),
            }
        })
        .collect()
}

fn outcome(engine: &Engine, finding: &Finding, fail_from: Severity) -> Outcome {
    if finding.code == Code::Met {
        return Outcome::Passed;
    }
    let told = Told {
        kind: finding.code.as_str(),
        message: finding.message.clone(),
        text: block(engine, &[finding]).join("\n"),
    };
    if finding.severity >= fail_from {
        Outcome::Failed(told)
    } else if finding.code == Code::Unknown && finding.severity > Severity::Info {
        Outcome::Error(told)
    } else {
        Outcome::Skipped(told)
    }
}
