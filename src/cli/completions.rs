//! `completions SHELL` and `man`: made from the same arguments that are parsed.

use clap::CommandFactory as _;

use super::args::Args;
use super::out::Out;
use super::{Failure, OK};

pub(crate) fn completions(shell: clap_complete::Shell, out: &mut Out) -> u8 {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "netseg-tui", &mut text);
    out.data(&String::from_utf8_lossy(&text));
    OK
}

pub(crate) fn man(out: &mut Out) -> Result<u8, Failure> {
    let mut text = Vec::new();
    clap_mangen::Man::new(Args::command())
        .render(&mut text)
        .map_err(|error| Failure::new(format!("cannot write the man page: {error}")))?;
    out.data(&String::from_utf8_lossy(&text));
    Ok(OK)
}
