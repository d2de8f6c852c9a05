//! `flows`

use crate::questions::flows;
use crate::report::{csv, json, markdown, text};

use super::args::{Args, FlowsArgs, TableFormat};
use super::out::Out;
use super::{Failure, OK, load};

pub(crate) fn run(args: &Args, asked: &FlowsArgs, out: &mut Out) -> Result<u8, Failure> {
    let loaded = load::load(args)?;
    let found = if asked.half_open {
        flows::half_open(&loaded.engine, &loaded.scope)
    } else {
        flows::flows(&loaded.engine, &loaded.scope)
    };
    match asked.output {
        TableFormat::Text => out.data(&text::flows(&found)),
        TableFormat::Json => json::flows(&found, loaded.context(), &mut |piece| out.data(piece)),
        TableFormat::Md => out.data(&markdown::flows(&found)),
        TableFormat::Csv => out.data(&csv::flows(&found)),
    }
    Ok(OK)
}
