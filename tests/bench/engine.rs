//! What the engine costs, size by size, against its targets and two yardsticks: a naive evaluator and a copy of memory.
//!
//! `cargo bench --bench engine -- S M L XL`

#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

mod ask;
mod clock;
mod edits;
#[allow(dead_code, reason = "shared with other programs, which use other parts")]
#[path = "../support/generate.rs"]
mod generate;
mod measure;
mod naive;
mod table;

use std::process::ExitCode;

use generate::{Plan, Size};

use clock::Clock;

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let mut clock = Clock::new();
    let mut good = true;
    for size in Size::ALL {
        if asked.iter().any(|name| name == size.name) {
            good &= measure::plan(&mut clock, &Plan::new(size, 1));
        }
    }
    println!("\nmemcpy {:.1} GB/s, one thread", clock.memcpy());
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
