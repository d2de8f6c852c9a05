//! Memory: what the model and the engine keep, and what single questions and changes allocate.
//!
//! A program of its own, because counting makes every allocation slower. `cargo bench --bench allocations -- S M L XL`; the figures
//! are the same in every run.

#[allow(
    dead_code,
    reason = "shared with other programs, which use other parts"
)]
mod ask;
#[allow(
    dead_code,
    reason = "shared with other programs, which use other parts"
)]
mod clock;
mod edits;
#[allow(
    dead_code,
    reason = "shared with other programs, which use other parts"
)]
#[path = "../support/generate.rs"]
mod generate;
#[allow(
    dead_code,
    reason = "shared with other programs, which use other parts"
)]
mod plans;
#[allow(
    dead_code,
    reason = "shared with other programs, which use other parts"
)]
mod table;
#[allow(
    dead_code,
    reason = "shared with other programs, which use other parts"
)]
mod work;

use std::alloc::System;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

use ask::Live;
use clock::as_f64;
use generate::Plan;
use table::{Bound::AtMost, Row};
use work::{Changes, Subject};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    let mut good = true;
    for text in plans::arguments() {
        match plans::parse(&text) {
            Ok(plan) => good &= measure(&text, &plan),
            Err(why) => {
                table::note(&why);
                return ExitCode::from(2);
            }
        }
    }
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs something and counts what it allocated meanwhile.
fn counted<T>(run: impl FnOnce() -> T) -> (Stats, T) {
    let region = Region::new(COUNTED);
    let made = black_box(run());
    (region.change(), made)
}

/// Bytes that are still held.
fn held(stats: Stats) -> f64 {
    let grown = as_f64(stats.bytes_reallocated.unsigned_abs());
    let sign = if stats.bytes_reallocated < 0 {
        -1.0
    } else {
        1.0
    };
    as_f64(stats.bytes_allocated) - as_f64(stats.bytes_deallocated) + sign * grown
}

fn calls(stats: Stats) -> usize {
    stats.allocations + stats.reallocations
}

fn measure(title: &str, plan: &Plan) -> bool {
    let (stats, cluster) = counted(|| Arc::new(generate::generate(plan).cluster));
    let pods = as_f64(plan.size.pods);
    let model = held(stats) / pods;
    let (stats, engine) = counted(|| ask::compile(&cluster));
    let engine_bytes = held(stats) / pods;
    table::heading(&format!("{title}: memory"));
    let mut good = true;
    good &= table::print(
        &Row::value("engine", format!("{:.1} MB", held(stats) / 1e6)).against(
            engine_bytes,
            "B a pod",
            AtMost(400.0),
            AtMost(300.0),
        ),
    );
    good &= table::print(
        &Row::value(
            "engine and model: names, labels, policies",
            format!("{:.1} MB", (model + engine_bytes) * pods / 1e6),
        )
        .against(
            model + engine_bytes,
            "B a pod",
            AtMost(1_200.0),
            AtMost(800.0),
        ),
    );
    table::print(&Row::value(
        "allocations of a compile",
        calls(stats).to_string(),
    ));
    drop(engine);

    let subject = Subject::new(cluster);
    let pairs = &subject.pairs[..1_000];
    let (stats, _) = counted(|| subject.allowed(pairs));
    good &= table::print(
        &Row::value("allocations of 1,000 probes", calls(stats).to_string()).against(
            as_f64(calls(stats)),
            "",
            AtMost(0.0),
            AtMost(0.0),
        ),
    );
    drop(subject);

    let mut changes = Changes::new(generate::generate(plan));
    let mut live = Live::new(changes.cluster());
    let mut all: Vec<usize> = (0..21)
        .map(|_| {
            let cluster = changes.policy();
            calls(counted(|| live.apply(&cluster)).0)
        })
        .collect();
    black_box(live.engine());
    all.sort_unstable();
    let middle = all[all.len() / 2];
    table::print(&Row::value(
        "allocations of a policy change, median",
        middle.to_string(),
    ));
    good
}
