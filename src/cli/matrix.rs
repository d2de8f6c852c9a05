//! `matrix [PORT]`

use crate::questions::ends::{PortQuery, parse_port};
use crate::questions::matrix;
use crate::report::{csv, json, markdown, text};

use super::args::{Args, MatrixArgs, TableFormat};
use super::out::Out;
use super::{Failure, OK, load};

pub(crate) fn run(args: &Args, asked: &MatrixArgs, out: &mut Out) -> Result<u8, Failure> {
    let port = match asked
        .port
        .as_deref()
        .map(parse_port)
        .transpose()
        .map_err(Failure::new)?
    {
        None | Some(PortQuery::Any { protocol: None }) => None,
        Some(PortQuery::Number { protocol, port }) => Some((protocol.unwrap_or_default(), port)),
        Some(_) => {
            return Err(Failure::new("matrix takes a single port, or none")
                .hint("a port such as 443 or 53/udp; names differ from pod to pod".to_owned()));
        }
    };
    let loaded = load::load(args)?;
    let found = matrix::matrix(&loaded.engine, port, &loaded.scope);
    out.data(&match asked.output {
        TableFormat::Text => text::matrix(&found),
        TableFormat::Json => json::matrix(&found, loaded.context()),
        TableFormat::Md => markdown::matrix(&found),
        TableFormat::Csv => csv::matrix(&found),
    });
    Ok(OK)
}
