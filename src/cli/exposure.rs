//! `exposure`

use crate::questions::exposure;
use crate::report::exposure as report;

use super::args::{Args, ExposureArgs, TableFormat};
use super::out::Out;
use super::{Failure, OK, load};

pub(crate) fn run(args: &Args, asked: &ExposureArgs, out: &mut Out) -> Result<u8, Failure> {
    let loaded = load::load(args)?;
    let found = exposure::exposure(&loaded.engine, &loaded.scope);
    out.data(&match asked.output {
        TableFormat::Text => report::text(&found),
        TableFormat::Json => report::json(&loaded.engine, &found, loaded.context()),
        TableFormat::Md => report::markdown(&found),
        TableFormat::Csv => report::csv(&found),
    });
    Ok(OK)
}
