//! Instruction counts: the same work takes the same number of them on a busy machine and on a quiet one, so they can be a gate.
//!
//! The program runs itself under valgrind, once with all preparations and once with the work on top, and compares the difference with
//! `instructions.toml` beside this file. `cargo bench --bench instructions` checks, `-- --bless` writes new numbers.

#![expect(
    clippy::print_stdout,
    reason = "the counts are what this program is for"
)]

#[allow(
    dead_code,
    reason = "shared with other programs, which use other parts"
)]
mod ask;
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
mod work;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;

use netseg::engine::Verdict;
use netseg::model::Protocol;

use ask::Live;
use work::{Changes, PORT, Subject};

const SIZES: [&str; 2] = ["S", "M"];
/// How many more instructions than written down are too many.
const TOLERANCE_PERCENT: f64 = 3.0;
const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/instructions.toml");

const PROBES: usize = 10_000;
const CHANGES: usize = 20;

/// A piece of work. It prepares itself, and does the work only when it is told to.
type Work = fn(&generate::Plan, bool);

const WORKS: [(&str, Work); 6] = [
    ("compile", |plan, work| {
        let cluster = Arc::new(generate::generate(plan).cluster);
        if work {
            black_box(ask::compile(&cluster));
        }
    }),
    ("probe_10000", |plan, work| {
        let subject = Subject::new(Arc::new(generate::generate(plan).cluster));
        if work {
            let pairs = subject.pairs[..PROBES].iter();
            let allowed = pairs.filter(|pair| subject.probe(**pair) == Verdict::Allow);
            black_box(allowed.count());
        }
    }),
    ("matrix_one_port", |plan, work| {
        let subject = Subject::new(Arc::new(generate::generate(plan).cluster));
        if work {
            black_box(ask::matrix(&subject.engine, Protocol::Tcp, PORT).allowed);
        }
    }),
    ("matrix_all_ports", |plan, work| {
        let subject = Subject::new(Arc::new(generate::generate(plan).cluster));
        if work {
            black_box(ask::matrix_of_all_ports(&subject.engine).allowed);
        }
    }),
    ("policy_change_20", |plan, work| {
        follow(plan, work, Changes::policy);
    }),
    ("pod_add_20", |plan, work| {
        follow(plan, work, Changes::replica);
    }),
];

fn follow(
    plan: &generate::Plan,
    work: bool,
    change: fn(&mut Changes) -> Arc<netseg::model::Cluster>,
) {
    let mut changes = Changes::new(generate::generate(plan));
    let mut live = Live::new(changes.cluster());
    let clusters: Vec<_> = (0..CHANGES).map(|_| change(&mut changes)).collect();
    if work {
        for cluster in &clusters {
            live.apply(cluster);
        }
    }
    black_box(live.engine());
    // What is left of both runs ends here, not in destructors whose cost depends on the work.
    std::process::exit(0);
}

fn main() -> ExitCode {
    match run(&plans::arguments()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), String> {
    if let [command, size, name, with] = arguments
        && command == "work"
    {
        let (_, work) = WORKS
            .into_iter()
            .find(|(known, _)| known == name)
            .ok_or_else(|| format!("no work `{name}`"))?;
        work(&plans::parse(size)?, with == "with");
        return Ok(());
    }
    let bless = arguments.iter().any(|argument| argument == "--bless");
    let committed = read(Path::new(COMMITTED))?;
    let mut counted = BTreeMap::new();
    let mut worse = Vec::new();
    for size in SIZES {
        for (name, _) in WORKS {
            let key = format!("{size}_{name}");
            let count = count(size, name)?;
            let before = committed.get(&key).copied();
            let percent = before.map(|before| change(before, count));
            println!(
                "{key:<20} {:>15}  {}",
                grouped(count),
                percent.map_or("new".to_owned(), |percent| format!("{percent:+.2}%"))
            );
            if percent.is_none_or(|percent| percent > TOLERANCE_PERCENT) {
                worse.push(key.clone());
            }
            counted.insert(key, count);
        }
    }
    if bless {
        return std::fs::write(COMMITTED, written(&counted))
            .map_err(|why| format!("cannot write {COMMITTED}: {why}"));
    }
    if worse.is_empty() {
        return Ok(());
    }
    Err(format!(
        "more than {TOLERANCE_PERCENT}% above tests/bench/instructions.toml: {}\n\
         if that is meant, or the compiler is another: cargo bench --bench instructions -- --bless",
        worse.join(", ")
    ))
}

/// The instructions of one piece of work, preparations not counted.
fn count(size: &str, name: &str) -> Result<u64, String> {
    // Both at once: counts do not depend on what else runs.
    let with = start(size, name, "with")?;
    let without = start(size, name, "without")?;
    let (with, without) = (finish(with)?, finish(without)?);
    with.checked_sub(without)
        .ok_or_else(|| format!("{size} {name}: less work with the work than without"))
}

fn start(size: &str, name: &str, with: &str) -> Result<Child, String> {
    let own = std::env::current_exe().map_err(|why| why.to_string())?;
    Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(own)
        .args(["work", size, name, with])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|why| format!("cannot start valgrind: {why}"))
}

fn finish(child: Child) -> Result<u64, String> {
    let output = child.wait_with_output().map_err(|why| why.to_string())?;
    let told = String::from_utf8_lossy(&output.stderr);
    let count = told
        .lines()
        .filter_map(|line| line.split_once("Collected :"))
        .filter_map(|(_, count)| count.trim().parse().ok())
        .next_back();
    match count {
        Some(count) if output.status.success() => Ok(count),
        _ => Err(format!("valgrind did not count:\n{told}")),
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53 instructions")]
fn change(before: u64, after: u64) -> f64 {
    (after as f64 / before as f64 - 1.0) * 100.0
}

fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The committed numbers; none at all before the first blessing.
fn read(path: &Path) -> Result<BTreeMap<String, u64>, String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let parsed = line
                .split_once('=')
                .and_then(|(key, value)| Some((key.trim().to_owned(), value.trim().parse().ok()?)));
            parsed.ok_or_else(|| format!("{}: no count in `{line}`", path.display()))
        })
        .collect()
}

fn written(counted: &BTreeMap<String, u64>) -> String {
    let mut text = String::from(
        "# Instructions of each piece of work, written by `cargo bench --bench instructions -- --bless`.\n",
    );
    for (key, count) in counted {
        writeln!(text, "{key} = {count}").expect("a String takes everything");
    }
    text
}
