//! Markdown tables, aligned so that they read well as text too.

use crate::questions::flows::Flows;
use crate::questions::matrix::Matrix;
use crate::questions::table::{Item, ItemState, Table};
use crate::text::{tame, width};

use super::{text, words};

/// Writes a table. Pipes in cells are escaped.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let cell = |text: &str| tame(text).replace('|', "\\|");
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|text| cell(text)).collect())
        .collect();
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let cells = rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|text| width(text));
            cells.chain([width(head[column]), 3]).max().unwrap_or(3)
        })
        .collect();
    let line = |cells: &[String]| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(text, wide)| format!("{text}{}", " ".repeat(wide - width(text))))
            .collect();
        format!("| {} |\n", padded.join(" | "))
    };
    let mut out = line(
        &head
            .iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>(),
    );
    out += &format!(
        "|{}|\n",
        widths
            .iter()
            .map(|wide| "-".repeat(wide + 2))
            .collect::<Vec<_>>()
            .join("|")
    );
    for row in &rows {
        out += &line(row);
    }
    out
}

pub fn flows(flows: &Flows) -> String {
    let rows: Vec<Vec<String>> = flows
        .flows
        .iter()
        .map(|flow| {
            vec![
                flows.peers[flow.from].end.name.clone(),
                flows.peers[flow.to].end.name.clone(),
                flow.ports.to_string(),
                match flow.open {
                    None => words::verdict(flow.verdict).to_owned(),
                    Some(open) => {
                        format!("{}, only {open} is open", words::verdict(flow.verdict))
                    }
                },
            ]
        })
        .collect();
    table(&["From", "To", "Ports", "Verdict"], &rows)
}

pub fn matrix(matrix: &Matrix) -> String {
    let names: Vec<&str> = std::iter::once("From")
        .chain(matrix.ends.iter().map(|end| end.name.as_str()))
        .collect();
    let rows: Vec<Vec<String>> = matrix
        .ends
        .iter()
        .zip(&matrix.cells)
        .map(|(end, row)| {
            let mut cells = vec![end.name.clone()];
            cells.extend(row.iter().map(|verdict| text::sign(*verdict).to_owned()));
            cells
        })
        .collect();
    table(&names, &rows)
}

/// The architecture table as documents have it, every peer named; of [`table::exact`](crate::questions::table::exact) it reads back.
/// What is missing is no part of what is.
pub fn architecture(table_of: &Table) -> String {
    let cell = |items: &[Item]| {
        let present = items.iter().filter(|item| item.state != ItemState::Missing);
        present
            .map(|item| item.full.clone())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let rows = text::table_rows(table_of, cell);
    table(&["Pod", "Ingress", "Egress"], &rows)
}
