//! Whole documents with the shapes and the defects of those that teams have, read as they are.

mod anything;
mod program;

use std::sync::Arc;

use netseg::engine::{Engine, Profile};
use netseg::expect::{self, Expectations, Imported};
use netseg::source::manifests;

fn import(name: &str, text: &str) -> Imported {
    expect::import(name, text, &Expectations::default()).unwrap_or_else(|told| panic!("{told:?}"))
}

/// Line of the header, environment, rows, items, peers of each table.
fn tables(read: &Imported) -> Vec<(u32, &str, usize, usize, usize)> {
    read.tables
        .iter()
        .map(|t| (t.line, t.environment.as_str(), t.rows, t.items, t.peers))
        .collect()
}

fn problems(read: &Imported) -> Vec<String> {
    read.problems
        .iter()
        .map(|problem| {
            format!(
                "{} {}: {}",
                problem.place().unwrap_or_default(),
                problem.severity,
                problem.message
            )
        })
        .collect()
}

fn notes(read: &Imported, environment: &str) -> Vec<String> {
    let notes = read.expectations.notes(environment);
    let told = notes
        .into_iter()
        .map(|note| format!("{} {}", note.at.line, note.text));
    told.collect()
}

/// The default deny of an environment, as a cluster without any namespace is told of it.
fn default_denies(read: &Imported, environment: &str) -> Vec<String> {
    let (cluster, _) = manifests::parse("none", "");
    let engine = Engine::build(&Arc::new(cluster), Profile::spec());
    let today = jiff::civil::date(2026, 1, 1);
    let plan = expect::bind(&engine, &read.expectations, environment, today);
    let enforcer = netseg::compile::enforcer::detect(engine.cluster(), true);
    expect::judge(&engine, &plan, &enforcer)
        .into_iter()
        .filter(|finding| finding.code == expect::Code::Stale)
        .map(|finding| {
            let lines: Vec<String> = finding.sources.iter().map(|s| s.line.to_string()).collect();
            format!("{}:{}", lines.join(","), finding.from)
        })
        .collect()
}

#[test]
fn a_table_a_quote_above_and_two_quotes_below() {
    let read = import("ledger-dev.md", include_str!("ledger-dev.md"));
    // 10 ingress ports, 16 egress ports with a peer, 3 times deny, 1 network.
    assert_eq!(tables(&read), [(16, "dev", 8, 30, 16 + 1)]);
    assert_eq!(read.expectations.rule_count("dev"), 30);
    assert_eq!(problems(&read), [""; 0]);
    assert_eq!(
        default_denies(&read, "dev"),
        ["6:default", "6:ledger", "6:ledger-batch"]
    );
    assert_eq!(
        notes(&read, "dev"),
        [
            "27 While developing, the store can be entered from a laptop. Customers **must not** get that; nor the timer on 3000.",
            "29 The timer answers on `127.0.0.1:3001`, as the task manager already has 3000.",
        ]
    );
}

#[test]
fn two_tables_glued_to_prose_with_names_cut_over_lines() {
    let read = import("ledger.txt", include_str!("ledger.txt"));
    // prod: 8 ingress ports, 17 egress ports with a peer, 2 times deny, 1 network; dev: 8, 15, 2, 1.
    assert_eq!(
        tables(&read),
        [(14, "prod", 7, 28, 17 + 1), (26, "dev", 7, 26, 15 + 1)]
    );
    assert_eq!(read.expectations.environments(), ["prod", "dev"]);
    assert_eq!(
        problems(&read),
        ["ledger.txt:10 warning: `anddefault` is read as the namespace `default`"]
    );
    for environment in ["prod", "dev"] {
        assert_eq!(
            default_denies(&read, environment),
            ["10:default", "8:ledger", "9:ledger-batch"]
        );
    }
    assert_eq!(
        notes(&read, "prod"),
        ["23 Try it at home: https://127.0.0.1:8443/"]
    );
    assert_eq!(notes(&read, "dev").len(), 1);
}

#[test]
fn more_delimiters_than_headers_rows_without_their_last_pipe_and_a_row_a_rule() {
    let read = import("harbour.md", include_str!("harbour.md"));
    // 29 rules; one of them names two peers.
    assert_eq!(tables(&read), [(17, "base", 29, 29, 30)]);
    let described = "every other row described as \"Admission hook\" names somebody else";
    assert_eq!(
        problems(&read),
        [
            format!(
                "harbour.md:26 warning: tolerated, not demanded, until somebody looks at it: {described}"
            ),
            "harbour.md:56 info: this table is not read: its header has nothing about connections"
                .to_owned(),
        ]
    );
    assert_eq!(default_denies(&read, "base"), [""; 0]);
}

#[test]
fn prose_diagrams_and_tables_inside_of_code_are_no_expectations() {
    let text = include_str!("prose.md");
    let refused = expect::import("prose.md", text, &Expectations::default()).unwrap_err();
    assert_eq!(refused.message, "holds no table");
}
