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
    out.data(&match asked.output {
        TableFormat::Text => text::flows(&found),
        TableFormat::Json => json::flows(&found, loaded.context()),
        TableFormat::Md => markdown::flows(&found),
        TableFormat::Csv => csv::flows(&found),
    });
    Ok(OK)
}
