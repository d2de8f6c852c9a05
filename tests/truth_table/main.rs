//! The truth table: small situations, each with the verdict that follows from the documentation of the policy APIs.
//!
//! A row is a number (a letter where one number stands for several set-ups), policies or other objects to add to the fixture,
//! and questions with their answers. An object named like one of the fixture takes its place.

mod cluster_policies;
mod fixture;
mod network_policies;
mod services;

use std::sync::Arc;

use netseg::compile::{Profile, ProfileName};
use netseg::engine::{Engine, Entity, Verdict};
use netseg::model::{Cluster, Diagnostic, Protocol, Severity};
use netseg::questions::{ends, probe};
use netseg::source::manifests;

use fixture::{Ask, Row, ask, documents};
use network_policies::{DIALLED, FURTHER, ROWS};

#[test]
fn every_number_has_its_row() {
    every_number(ROWS, &[], 1..=75);
}

#[test]
fn every_cluster_wide_number_has_its_row() {
    every_number(
        cluster_policies::ROWS,
        cluster_policies::NOT_ASKED,
        92..=127,
    );
}

/// Each number of a part of the table has a row, or a reason why there is none; no number is taken twice.
fn every_number(rows: &[Row], not_asked: &[(&str, &str)], numbers: std::ops::RangeInclusive<u32>) {
    let number = |id: &str| -> u32 {
        let digits = id.trim_end_matches(char::is_alphabetic);
        digits.parse().unwrap()
    };
    let mut missing: Vec<u32> = numbers.clone().collect();
    for row in rows {
        assert!(!row.asks.is_empty(), "T{} asks nothing", row.id);
    }
    for id in rows
        .iter()
        .map(|row| row.id)
        .chain(not_asked.iter().map(|(id, _)| *id))
    {
        assert!(numbers.contains(&number(id)), "T{id} is not in this part");
        missing.retain(|n| *n != number(id));
    }
    assert!(missing.is_empty(), "no row for {missing:?}");
    let mut ids: Vec<&str> = rows.iter().map(|row| row.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), rows.len(), "a number is taken twice");
}

#[test]
fn every_row_gets_its_verdict() {
    check(ROWS, &[]);
}

#[test]
fn every_cluster_wide_row_gets_its_verdict() {
    check(cluster_policies::ROWS, cluster_policies::HOUSES);
}

#[test]
fn every_row_about_services_gets_its_verdict() {
    let mut wrong = Vec::new();
    let mut missing: Vec<String> = (76..=91).map(|n| n.to_string()).collect();
    for row in services::SERVICES {
        missing.retain(|number| !row.id.starts_with(number.as_str()));
        let (cluster, diagnostics) =
            manifests::parse(&row.name(), &documents(row.objects).join("\n---\n"));
        check_diagnostics(row, &diagnostics, &mut wrong);
        let engine = Engine::build(&Arc::new(cluster), Profile::spec());
        for ask in row.asks {
            let (asked, expected) = ask.split_once(" -> ").unwrap();
            let (to, expected) = expected.split_once(' ').unwrap();
            let (to, port) = to.rsplit_once(':').unwrap();
            let end = |text| ends::resolve(&engine, text).unwrap();
            let port = ends::parse_port(port).unwrap();
            let answer = probe::probe(&engine, &end(asked), &end(to), Some(&port)).unwrap();
            let got = format!("{} {}", answer.verdict, answer.reason);
            if got != expected {
                wrong.push(format!(
                    "{} ({}): {ask}: got {got}",
                    row.name(),
                    row.because
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(missing.is_empty(), "no row for {missing:?}");
}

#[test]
fn further_situations_get_their_verdicts() {
    check(FURTHER, &[]);
}

#[test]
fn an_address_is_judged_as_it_is_dialled() {
    check(DIALLED, &[]);
}

fn check(rows: &[Row], common: &[&str]) {
    let mut wrong = Vec::new();
    for row in rows {
        let text = documents(&[common, row.objects].concat()).join("\n---\n");
        let (cluster, diagnostics) = manifests::parse(&row.name(), &text);
        check_diagnostics(row, &diagnostics, &mut wrong);
        let cluster = Arc::new(cluster);
        for text in row.asks {
            let question = ask(text);
            for (profile, expected) in &question.answers {
                let got = ask_engine(&cluster, profile, &question);
                if got != *expected {
                    wrong.push(format!(
                        "{} ({}), profile {profile}: {text}: got {got}",
                        row.name(),
                        row.because
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Rows hold legal objects, but for those about an object that is not.
fn check_diagnostics(row: &Row, diagnostics: &[Diagnostic], wrong: &mut Vec<String>) {
    let errors = diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .count();
    if errors != usize::from(row.is_refused()) {
        wrong.push(format!(
            "{}: {errors} errors in {diagnostics:?}",
            row.name()
        ));
    }
}

fn ask_engine(cluster: &Arc<Cluster>, profile: &str, ask: &Ask<'_>) -> &'static str {
    let profile = ProfileName::parse(profile).expect(profile);
    let engine = Engine::build(cluster, Profile::named(profile));
    // A question has no form for ICMP: rows about it say so.
    let Some(protocol) = Protocol::parse(ask.protocol) else {
        return "unspecified";
    };
    let (from, to) = (entity(&engine, ask.from), entity(&engine, ask.to));
    let port = ask.port;
    let verdict = engine.verdict(&from, &to, protocol, port);
    let explained = engine.explain(&from, &to, protocol, port).verdict;
    if verdict != explained {
        return "one verdict, and another one explained";
    }
    match verdict {
        Verdict::Allow => "allow",
        Verdict::Deny => "deny",
        Verdict::Unknown => "unknown",
        Verdict::Unreachable => "unreachable",
    }
}

fn entity(engine: &Engine, text: &str) -> Entity {
    if let Ok(address) = text.parse() {
        return engine.entity_at(address);
    }
    let (namespace, name) = text.split_once('/').unwrap();
    if namespace == "node" {
        return Entity::Node(engine.find_node(name).expect(text));
    }
    Entity::Pod(engine.find_pod(namespace, name).expect(text))
}
