//! `table`

use crate::questions::table;
use crate::report::{csv, json, markdown, text};

use super::args::{Args, TableArgs, TableFormat};
use super::out::Out;
use super::{Failure, OK, load};

pub(crate) fn run(args: &Args, asked: &TableArgs, out: &mut Out) -> Result<u8, Failure> {
    let loaded = load::load(args)?;
    let found = table::table(&loaded.engine, loaded.plan.as_ref(), &loaded.scope);
    out.data(&match asked.output {
        TableFormat::Text => text::table(&found),
        TableFormat::Json => json::table(&found, loaded.context()),
        TableFormat::Md => markdown::architecture(&table::exact(&loaded.engine, &loaded.scope)),
        TableFormat::Csv => csv::table(&found),
    });
    Ok(OK)
}
