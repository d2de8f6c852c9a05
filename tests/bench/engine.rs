//! What the engine costs, against its targets and two yardsticks: a naive evaluator and a copy of memory.
//!
//! `cargo bench --bench engine -- S M L XL` prints a table for each. README.md here says what else can be asked.

mod ask;
mod clock;
mod edits;
#[allow(
    dead_code,
    reason = "shared with other programs, which use other parts"
)]
#[path = "../support/generate.rs"]
mod generate;
mod measure;
mod naive;
mod plans;
mod table;
mod work;

use std::path::Path;
use std::process::ExitCode;

use clock::{Clock, as_f64};

fn main() -> ExitCode {
    let asked: Vec<String> = plans::arguments();
    if let [command, folder, plan] = asked.as_slice()
        && command == "write"
    {
        return write(Path::new(folder), plan);
    }
    let mut clock = Clock::new();
    let mut good = true;
    let mut compiles = Vec::new();
    for text in asked {
        let outcome = if text == "extremes" {
            for (name, make) in generate::extremes::ALL {
                good &= measure::cluster(&mut clock, name, make()).good;
            }
            continue;
        } else {
            match plans::parse(&text) {
                Ok(plan) => measure::plan(&mut clock, &text, &plan),
                Err(why) => {
                    table::note(&why);
                    return ExitCode::from(2);
                }
            }
        };
        good &= outcome.good;
        compiles.push((as_f64(outcome.objects).ln(), outcome.compile.ln()));
    }
    table::note(&format!(
        "\nmemcpy {:.1} GB/s on one thread; {}",
        clock.memcpy(),
        plans::processor()
    ));
    for pair in compiles.windows(2) {
        let [(x0, y0), (x1, y1)] = [pair[0], pair[1]];
        // Between plans of one size there is no curve.
        if x1 - x0 < 1.0 {
            continue;
        }
        table::note(&format!(
            "compile grows with objects to the power of {:.2}",
            (y1 - y0) / (x1 - x0)
        ));
    }
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Writes the manifests of a plan into a folder.
fn write(folder: &Path, plan: &str) -> ExitCode {
    let written = plans::parse(plan).and_then(|plan| {
        let cluster = generate::generate(&plan).cluster;
        generate::manifests::write(&cluster, folder).map_err(|why| why.to_string())
    });
    match written {
        Ok(files) => {
            table::note(&format!("{files} files in {}", folder.display()));
            ExitCode::SUCCESS
        }
        Err(why) => {
            table::note(&why);
            ExitCode::from(2)
        }
    }
}
