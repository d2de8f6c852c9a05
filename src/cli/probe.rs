//! `probe FROM TO [PORT]`

use crate::engine::Verdict;
use crate::questions::{ends, probe};
use crate::report::{json, text};

use super::args::{Args, ProbeArgs, TextJson};
use super::out::Out;
use super::{Failure, NO, OK, UNDECIDED, load};

pub(crate) fn run(args: &Args, asked: &ProbeArgs, out: &mut Out) -> Result<u8, Failure> {
    let port = asked
        .port
        .as_deref()
        .map(ends::parse_port)
        .transpose()
        .map_err(Failure::new)?;
    let loaded = load::load(args)?;
    let (from, to) = (loaded.end(&asked.from)?, loaded.end(&asked.to)?);
    let mut answer = probe::probe(&loaded.engine, &from, &to, port.as_ref())
        .map_err(|error| Failure::new(error.to_string()).hint(error.hint()))?;
    if let Some(plan) = &loaded.plan {
        probe::expect(plan, &mut answer);
    }
    out.data(&match asked.output {
        TextJson::Text => text::probe(&loaded.engine, &answer, &loaded.enforcer),
        TextJson::Json => json::probe(&loaded.engine, &answer, loaded.context()),
    });
    Ok(status(answer.verdict))
}

/// Exit statuses are part of the promise to scripts.
fn status(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Allow => OK,
        Verdict::Deny | Verdict::Unreachable => NO,
        Verdict::Unknown => UNDECIDED,
    }
}
