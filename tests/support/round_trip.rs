//! The table of a cluster, read back as a document and held against the same cluster.

use jiff::civil::date;
use netseg::compile::enforcer::Enforcer;
use netseg::engine::Engine;
use netseg::expect::{self, Code, Expectations};
use netseg::questions::scope::Scope;
use netseg::questions::table;
use netseg::report::markdown;

/// The table as `table -o md` prints it.
pub(crate) fn table(engine: &Engine) -> String {
    markdown::architecture(&table::exact(engine, &Scope::all()))
}

/// Everything that is said against a table read back, a line each: nothing where it is exact. A remark about something stricter
/// than the table is let pass where the table has a `?` or `Any but some`: there it says more than is known, or than holds for all pods
/// of a workload.
pub(crate) fn objections(engine: &Engine, enforcer: &Enforcer, text: &str) -> Vec<String> {
    let read = match expect::import("table.md", text, &Expectations::default()) {
        Ok(read) => read,
        Err(problem) => return vec![problem.message],
    };
    let problems = read.problems.iter();
    let mut told: Vec<String> = problems.map(|problem| problem.message.clone()).collect();
    let environments = read.expectations.environments();
    assert_eq!(environments.len(), 1, "a table announces no environment");
    for environment in environments {
        let plan = expect::bind(engine, &read.expectations, &environment, date(2026, 1, 1));
        for finding in expect::judge(engine, &plan, enforcer) {
            let is_loose = text.contains('?') || text.contains("Any but some");
            if finding.code == Code::Narrower && is_loose {
                continue;
            }
            let ports = match (finding.protocol, finding.ports) {
                (Some(protocol), Some(ports)) => format!(" {ports}/{protocol}"),
                _ => String::new(),
            };
            told.push(format!(
                "{} {} -> {}{ports}: {}",
                finding.code, finding.from, finding.to, finding.message
            ));
        }
    }
    told
}
