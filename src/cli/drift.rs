//! `drift`: expectations against the cluster, finding by finding.

use crate::expect::{self, Code, Finding};
use crate::model::{Severity, Workload};
use crate::report::drift::{self, Drift};

use super::args::{Args, DriftArgs, DriftFormat, FailOn};
use super::out::Out;
use super::{Failure, NO, OK, UNDECIDED, load};

pub(crate) fn run(args: &Args, asked: &DriftArgs, out: &mut Out) -> Result<u8, Failure> {
    let loaded = load::load_unjudged(args)?;
    let expectations = load::expectations(&args.source)?.ok_or_else(|| {
        Failure::new("there is nothing to compare with")
            .hint("name a netseg/v1 file: --expect FILE; demos carry their own".to_owned())
    })?;
    let environments = environments(args, &expectations)?;
    let plans = load::plans(&loaded.engine, &expectations, &environments);
    load::tell_found(&loaded.engine, &plans);
    // A test case is one also when it passes.
    let judge = if asked.all || asked.output == DriftFormat::Junit {
        expect::judge_all
    } else {
        expect::judge
    };
    let mut findings: Vec<Finding> = plans
        .iter()
        .flat_map(|plan| judge(&loaded.engine, plan, &loaded.enforcer))
        .collect();
    findings.retain(|finding| in_scope(finding, &loaded.scope));
    if let Some(word) = &asked.only {
        check_word(word, &loaded, &expectations, &findings)?;
        findings.retain(|finding| is_about(finding, word));
    }
    let found = Drift {
        environments: &environments,
        findings: &findings,
    };
    out.data(&match asked.output {
        DriftFormat::Text => drift::text(&loaded.engine, &found),
        DriftFormat::Json => drift::json(&loaded.engine, &found, loaded.context()),
        DriftFormat::Md => drift::md(&found),
        DriftFormat::Csv => drift::comma_separated(&found),
        DriftFormat::Junit => drift::junit(&loaded.engine, &found, asked.fail_on.severity()),
        DriftFormat::Sarif => drift::sarif(&loaded.engine, &found, loaded.context().diagnostics),
    });
    Ok(status(&findings, asked.fail_on))
}

/// `--env A,B` judges by each; without it by the first.
fn environments(args: &Args, expectations: &expect::Expectations) -> Result<Vec<String>, Failure> {
    let known = expectations.environments();
    let Some(asked) = &args.source.env else {
        return Ok(known.into_iter().take(1).collect());
    };
    let wanted: Vec<String> = asked
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect();
    match wanted.iter().find(|name| !known.contains(name)) {
        None => Ok(wanted),
        Some(name) => Err(Failure::new(format!(
            "there is no environment `{}`",
            crate::text::tame(name)
        ))
        .hint(format!("known: {}", known.join(", ")))),
    }
}

fn in_scope(finding: &Finding, scope: &crate::questions::scope::Scope) -> bool {
    // Neither networks nor nodes have a namespace.
    let namespace = |id: &str| {
        let (first, _) = id.split_once('/')?;
        (first != "node" && !first.contains(['.', ':'])).then(|| first.to_owned())
    };
    let ends: Vec<String> = [&finding.from, &finding.to]
        .into_iter()
        .filter_map(|id| namespace(id))
        .collect();
    scope.is_all() || ends.is_empty() || ends.iter().any(|namespace| scope.holds(namespace))
}

/// A word that can be about nothing is a mistake: a script would take the silence for "nothing differs".
fn check_word(
    word: &str,
    loaded: &load::Loaded,
    expectations: &expect::Expectations,
    findings: &[Finding],
) -> Result<(), Failure> {
    let known: Vec<String> = loaded
        .engine
        .cluster()
        .namespaces
        .values()
        .flat_map(|ns| &ns.workloads)
        .map(Workload::id)
        .collect();
    let is_known = Code::ALL
        .iter()
        .any(|code| code.as_str().eq_ignore_ascii_case(word))
        || known.iter().any(|id| is_end(id, word))
        || expectations.knows(word)
        || findings.iter().any(|finding| is_about(finding, word));

    if is_known {
        return Ok(());
    }
    let names = known.iter().filter_map(|id| id.rsplit('/').next());
    let codes = Code::ALL.iter().map(|code| code.as_str());
    let nearest = crate::text::nearest(word, names.chain(codes), 3);
    Err(Failure::new(format!(
        "--only {}: neither a workload nor a code of findings",
        crate::text::tame(word)
    ))
    .hint(format!("nearest: {}", nearest.join(", "))))
}

/// What is about one workload, by its name or id, or of one code.
fn is_about(finding: &Finding, word: &str) -> bool {
    if Code::ALL
        .iter()
        .any(|code| code.as_str().eq_ignore_ascii_case(word))
    {
        return finding.code.as_str().eq_ignore_ascii_case(word);
    }
    is_end(&finding.from, word) || is_end(&finding.to, word)
}

/// Whether an id is what a word names: the whole id, its name, or `ns/name`.
fn is_end(id: &str, word: &str) -> bool {
    let mut parts = id.split('/');
    id == word
        || id.rsplit('/').next() == Some(word)
        || matches!((parts.next(), parts.next(), parts.next()), (Some(namespace), Some(_), Some(name)) if format!("{namespace}/{name}") == word)
}

/// Whether it is not known of something that has to be, or must not be; of advice it need not be known.
fn leaves_it_open(finding: &Finding) -> bool {
    finding.code == Code::Unknown && finding.severity > Severity::Info
}

fn status(findings: &[Finding], fail_on: FailOn) -> u8 {
    let differs = |finding: &&Finding| finding.code != Code::Met;
    if findings
        .iter()
        .filter(differs)
        .any(|finding| finding.severity >= fail_on.severity())
    {
        NO
    } else if findings.iter().any(leaves_it_open) {
        UNDECIDED
    } else {
        OK
    }
}
