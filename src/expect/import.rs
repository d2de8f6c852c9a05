//! Architecture documents as expectations: their tables as they are, each rule with the line it came from.
//!
//! What is read: tables of workloads with `Ingress` and `Egress` cells, tables of ports with a `From` or a `To`, tables of flows, the
//! environment announced above each, sentences that claim a default deny, and notes under the tables. What cannot be read is told with
//! line and column and left out; nothing is guessed.

pub(crate) mod cell;
mod heads;
mod names;
mod prose;
mod rows;
mod scan;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Diagnostic, SourceRef};
use crate::text::tame;

use super::file::Expectations;

/// A document, read.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Its workloads have names and no selectors: they are looked up in the cluster they are held against.
    pub expectations: Expectations,
    /// What could not be read (errors) and what should be looked at (warnings, remarks), in document order.
    pub problems: Vec<Diagnostic>,
    /// The tables that were read, in document order.
    pub tables: Vec<TableRead>,
    /// The rows as they stand in the document, by their line.
    pub(crate) quotes: BTreeMap<SourceRef, String>,
}

/// How much of a table was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRead {
    /// Of its header, from 1.
    pub line: u32,
    pub environment: String,
    pub rows: usize,
    /// Ports with or without peers, networks, and words such as `Deny All`: what stands between the separators of its cells; in a
    /// table of rules, its rules.
    pub items: usize,
    /// Peers named, counted once for each item.
    pub peers: usize,
}

/// Whether a file is one of `netseg/v1`, and no document: by its name, else by what it says of itself.
pub fn is_expectations(file_name: &str, text: &str) -> bool {
    let ending = file_name.rsplit_once('.').map(|(_, ending)| ending);
    match ending.map(str::to_ascii_lowercase).as_deref() {
        Some("yaml" | "yml" | "json") => true,
        Some("md" | "markdown" | "adoc" | "rst") => false,
        _ => text.lines().any(|line| {
            let line = line.trim_start_matches(['{', ' ', '\u{feff}']);
            let line = line.replace('"', "");
            line.starts_with("apiVersion: netseg/") || line.starts_with("apiVersion:netseg/")
        }),
    }
}

/// Reads a document. `others` are the expectations of other files: a workload they define by a name of the document is that one.
///
/// An error means that there is no table of expectations in it at all.
pub fn import(
    file_name: &str,
    text: &str,
    others: &Expectations,
) -> Result<Imported, Box<Diagnostic>> {
    let file: Arc<str> = tame(file_name).into();
    let document = scan::scan(text);
    let read = rows::read(&document, &file, others);
    if read.tables.is_empty() {
        let told = if document.tables.is_empty() {
            "holds no table".to_owned()
        } else {
            let lines: Vec<String> = document.tables.iter().map(|t| t.line.to_string()).collect();
            format!(
                "holds no table of expectations (tables on line {})",
                lines.join(", ")
            )
        };
        return Err(Box::new(
            Diagnostic::error(told)
                .at(Some(SourceRef { file, line: 1 }))
                .help(
                    "a table is read when its header has a column such as Pod or Component beside Ingress, Egress, or Port and From; or Source, Destination and Port",
                ),
        ));
    }
    Ok(read)
}

#[cfg(test)]
mod tests;
