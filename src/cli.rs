//! The command line: arguments as typed, the source they name, one file a command.
//!
//! Data goes to standard output, everything else to standard error. A closed pipe is success.

mod args;
mod load;
mod log;
mod out;

mod completions;
mod drift;
mod exposure;
mod flows;
mod graph;
mod import;
mod info;
mod keys;
mod matrix;
mod probe;
mod screen;
mod table;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

pub use args::{Args, Command};
use out::Out;

/// Allowed, or nothing found.
const OK: u8 = 0;
/// Denied or unreachable, or findings.
const NO: u8 = 1;
/// Cannot be decided.
const UNDECIDED: u8 = 2;
/// The question could not be asked.
const FAILED: u8 = 3;

/// Why a question could not be asked, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into();
        self
    }

    /// An error with the causes behind it, each once.
    pub(crate) fn from_error(error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(source) = cause {
            let told = source.to_string();
            if !message.contains(&told) {
                message += &format!(": {told}");
            }
            cause = source.source();
        }
        Self::new(message)
    }
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    // Errors are told in our own words; the hook is for bugs only.
    if color_eyre::config::HookBuilder::default()
        .display_env_section(false)
        .install()
        .is_err()
    {
        // A second hook in one process: the first one stays.
    }
    let typed: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let matches = match Args::command().try_get_matches_from(args::normalise(typed)) {
        Ok(matches) => matches,
        Err(error) => {
            let asked_for = !error.use_stderr();
            // Nothing sensible can be done when even this cannot be written.
            let _ = error.print();
            return ExitCode::from(if asked_for { OK } else { FAILED });
        }
    };
    let args = match Args::from_arg_matches(&matches) {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(FAILED);
        }
    };
    log::start(args.log_level);
    let mut out = Out::stdout();
    match run(&args, &mut out) {
        Ok(status) => ExitCode::from(if out.finish() { status } else { OK }),
        Err(failure) => {
            out.finish();
            out::complain(&failure);
            ExitCode::from(FAILED)
        }
    }
}

fn run(args: &Args, out: &mut Out) -> Result<u8, Failure> {
    match &args.command {
        None if args.source.demo.as_deref() == Some("list") => Ok(load::list_demos(out)),
        None => screen::run(args, out),
        Some(Command::Probe(probe)) => probe::run(args, probe, out),
        Some(Command::Flows(flows)) => flows::run(args, flows, out),
        Some(Command::Table(table)) => table::run(args, table, out),
        Some(Command::Graph(graph)) => graph::run(args, graph, out),
        Some(Command::Drift(drift)) => drift::run(args, drift, out),
        Some(Command::Exposure(exposure)) => exposure::run(args, exposure, out),
        Some(Command::Import(import)) => import::run(args, import, out),
        Some(Command::Matrix(matrix)) => matrix::run(args, matrix, out),
        Some(Command::Info(info)) => info::run(args, info, out),
        Some(Command::Keys(keys)) => Ok(keys::run(keys, out)),
        Some(Command::Completions { shell }) => Ok(completions::completions(*shell, out)),
        Some(Command::Man) => completions::man(out),
    }
}
