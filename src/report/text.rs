//! Answers as plain text for people. What can be long is told first by its point.

use crate::compile::enforcer::{Enforcer, Enforces};
use crate::engine::{Engine, Verdict};
use crate::model::{Diagnostic, Resource, State};
use crate::questions::flows::{Flows, PeerKind};
use crate::questions::info::Info;
use crate::questions::matrix::Matrix;
use crate::questions::probe::Answer;
use crate::questions::table::{Item, Row, Table};
use crate::text::{fit, tame, width};

use super::words::{self, WordLine};

/// One sign a verdict.
pub fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "✓",
        Verdict::Deny => "✗",
        Verdict::Unknown => "?",
        Verdict::Unreachable => "-",
    }
}

/// Columns as wide as they need, two blanks apart, no blanks at line ends.
pub(crate) fn columns(head: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| tame(cell).into_owned()).collect())
        .collect();
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let cells = rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|text| width(text));
            cells.chain([width(head[column])]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(text, wide)| fit(text, *wide))
            .collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut out = line(head.to_vec());
    for row in &rows {
        out += &line(row.iter().map(String::as_str).collect());
    }
    out
}

/// A line that must stand above every answer of a cluster in which policies are not enforced; else nothing.
pub fn banner(enforcer: &Enforcer, policies: usize) -> Option<String> {
    (enforcer.enforces == Enforces::No && policies > 0).then(|| {
        format!(
            "(not enforced) nothing enforces policies here: {}",
            enforcer.evidence.join("; ")
        )
    })
}

/// Answers are no wider where their words allow it, for many a terminal is not.
const CELLS: usize = 80;
/// Where the words of an answer's lines start: behind a verdict or a second label, behind a label, behind the verdict of the headline.
const INDENTS: [usize; 3] = [19, 11, 9];

/// A line in as many as it takes.
fn folded(line: &WordLine) -> Vec<String> {
    let mut starts = Vec::new();
    let mut at = 0;
    for (span, _) in &line.spans {
        at += width(span);
        starts.push(at);
    }
    let indent = INDENTS.into_iter().find(|indent| starts.contains(indent));
    fold(line.plain().trim_end(), indent.unwrap_or(INDENTS[1]))
}

/// Breaks a line where two blanks or more stand, and only else between words; what goes on is set in by `indent` cells.
pub(super) fn fold(text: &str, indent: usize) -> Vec<String> {
    if width(text) <= CELLS {
        return vec![text.to_owned()];
    }
    let mut lines = Vec::new();
    // The margin is never broken.
    let margin = text.len() - text.trim_start().len();
    let mut current = text[..margin].to_owned();
    let mut gap = String::new();
    for piece in text[margin..].split("  ") {
        // What is left of a longer gap.
        let words = piece.trim_start();
        let before = format!("{gap}{}", &piece[..piece.len() - words.len()]);
        if words.is_empty() {
            gap = before + "  ";
            continue;
        }
        let mut before = before.as_str();
        if width(&current) > indent && width(&current) + width(before) + width(words) > CELLS {
            lines.push(std::mem::replace(&mut current, " ".repeat(indent)));
            before = "";
        }
        current += before;
        for (nth, word) in words.split(' ').enumerate() {
            if nth > 0 {
                if width(&current) + 1 + width(word) > CELLS {
                    lines.push(std::mem::replace(&mut current, " ".repeat(indent)));
                } else {
                    current.push(' ');
                }
            }
            current += word;
        }
        "  ".clone_into(&mut gap);
    }
    lines.push(current);
    lines
}

pub fn probe(engine: &Engine, answer: &Answer, enforcer: &Enforcer) -> String {
    let mut out = String::new();
    for line in words::probe_lines(engine, answer) {
        for folded in folded(&line) {
            out += &folded;
            out.push('\n');
        }
    }
    if let Some(banner) = banner(enforcer, engine.policies().len()) {
        for line in fold(&format!("  {}", tame(&banner)), 4) {
            out += &line;
            out.push('\n');
        }
    }
    out
}

pub fn flows(flows: &Flows) -> String {
    if flows.flows.is_empty() {
        let has_workloads = flows.peers.iter().any(|p| p.kind == PeerKind::Workload);
        return match (has_workloads, flows.half_open) {
            (false, _) => "no workload was loaded, so nothing can be said\n".to_owned(),
            (true, false) => "no connection is let through\n".to_owned(),
            (true, true) => "no pair is half-open\n".to_owned(),
        };
    }
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
                    Some(open) => format!(
                        "{} only the {open} side is open",
                        words::verdict(flow.verdict)
                    ),
                },
            ]
        })
        .collect();
    columns(&["FROM", "TO", "PORTS", "VERDICT"], &rows)
}

pub fn matrix(matrix: &Matrix) -> String {
    let names: Vec<String> = matrix
        .ends
        .iter()
        .map(|end| tame(&end.name).into_owned())
        .collect();
    let wide = names.iter().map(|name| width(name)).max().unwrap_or(0);
    let mut out = String::new();
    let asked = match matrix.port {
        Some((protocol, port)) => format!("from row to column, {port}/{protocol}"),
        None => "from row to column, on any port".to_owned(),
    };
    out += &format!("{asked}: ✓ open  ✗ closed  ? unknown  - no way\n\n");
    // Columns carry numbers: names across would take more room than any terminal has.
    let numbered = names.len().to_string().len().max(1);
    let head: Vec<String> = (1..=names.len())
        .map(|n| format!("{n:>numbered$}"))
        .collect();
    out += &format!("{}  {}\n", " ".repeat(wide + numbered + 1), head.join(" "));
    for (index, (name, row)) in names.iter().zip(&matrix.cells).enumerate() {
        let cells: Vec<String> = row
            .iter()
            .map(|verdict| format!("{:>numbered$}", sign(*verdict)))
            .collect();
        out += &format!(
            "{:>numbered$} {}  {}\n",
            index + 1,
            fit(name, wide),
            cells.join(" ")
        );
    }
    out
}

pub fn info(info: Option<&Info>, paths: &[(String, String)], environments: &[String]) -> String {
    let mut out = format!("netseg-tui   {}\n", env!("CARGO_PKG_VERSION"));
    for (name, value) in paths {
        out += &format!("{name:<12} {}\n", tame(value));
    }
    let Some(info) = info else { return out };
    let enforces = match info.enforcer.enforces {
        Enforces::Yes => "enforces NetworkPolicy",
        Enforces::No => "does not enforce NetworkPolicy",
        Enforces::Unknown => "may or may not enforce NetworkPolicy",
    };
    let enforcer = if info.enforcer.name == "none" && info.enforcer.enforces == Enforces::Unknown {
        "not known".to_owned()
    } else if info.enforcer.name == "none" {
        "none found: policies have no effect".to_owned()
    } else {
        format!("{} {enforces}", info.enforcer.name)
    };
    out += &format!("enforcer     {enforcer}\n");
    for evidence in &info.enforcer.evidence {
        out += &format!("             {}\n", tame(evidence));
    }
    out += &format!("profile      {}\n", info.profile);
    if !environments.is_empty() {
        out += &format!("environments {}\n", environments.join(", "));
    }
    let cluster_wide = match info.cluster_wide {
        0 => String::new(),
        some => format!(", {some} of them cluster-wide"),
    };
    out += &format!(
        "loaded       {} namespaces, {} pods, {} policies{cluster_wide}\n",
        info.namespaces, info.pods, info.policies
    );
    for found in &info.not_evaluated {
        out += &format!("not judged   {}\n", words::not_evaluated(found));
    }
    let row = |kind: String, namespace: &Option<String>, state: &State| {
        vec![
            kind,
            namespace.clone().unwrap_or_else(|| "all".to_owned()),
            state.word().to_owned(),
            state.message().unwrap_or_default().to_owned(),
        ]
    };
    let (other, own): (Vec<_>, Vec<_>) = info
        .coverage
        .iter()
        .partition(|(resource, ..)| matches!(resource, Resource::Other(_)));
    let mut rows: Vec<Vec<String>> = own
        .into_iter()
        .map(|(resource, namespace, state)| row(resource.full_name().to_owned(), namespace, state))
        .collect();
    // Kinds of other projects that are absent, or known to be empty, are no news one by one.
    let is_told = |resource: &Resource, state: &State| {
        !state.is_readable()
            || matches!(resource, Resource::Other(kind)
                if info.not_evaluated.iter().any(|found| found.kind == *kind))
    };
    let mut rest = 0;
    for (resource, namespace, state) in other {
        if is_told(resource, state) {
            rows.push(row(resource.full_name().to_owned(), namespace, state));
        } else {
            rest += 1;
        }
    }
    if rest > 0 {
        rows.push(vec![
            format!("{rest} kinds of other projects"),
            "all".to_owned(),
            "none there".to_owned(),
            String::new(),
        ]);
    }
    out.push('\n');
    out += &columns(&["KIND", "NAMESPACE", "STATE", ""], &rows);
    out
}

/// A problem in the input, as it is told on standard error.
pub fn diagnostic(diagnostic: &Diagnostic) -> String {
    let object = diagnostic
        .object
        .as_deref()
        .map(|object| format!("{object}: "))
        .unwrap_or_default();
    let mut out = format!("{}: {object}{}\n", diagnostic.severity, diagnostic.message);
    if let Some(place) = diagnostic.place() {
        out += &format!("  at {place}\n");
    }
    if let Some(help) = &diagnostic.help {
        out += &format!("  help: {help}\n");
    }
    out
}

/// The rows of the architecture table, with the cells as one format writes them.
pub(super) fn table_rows(table: &Table, cell: impl Fn(&[Item]) -> String) -> Vec<Vec<String>> {
    let cells = |row: &Row| {
        vec![
            format!("{}/{}", row.namespace, row.name),
            cell(&row.ingress),
            cell(&row.egress),
        ]
    };
    table.rows.iter().map(cells).collect()
}

/// The architecture table. With an environment each entry carries its sign.
pub fn table(table: &Table) -> String {
    let rows = table_rows(table, cell);
    let mut out = columns(&["WORKLOAD", "INGRESS", "EGRESS"], &rows);
    if let Some(environment) = &table.environment {
        out += &format!(
            "\njudged by {}: = as expected  ▼ missing  ▲ not expected  ? unknown\n",
            tame(environment)
        );
    }
    out
}

fn cell(items: &[Item]) -> String {
    let told: Vec<String> = items
        .iter()
        .map(|item| {
            // What is unknown altogether is its own sign.
            let sign = Some(item.state.sign()).filter(|sign| *sign != item.text);
            format!("{} {}", item.text, sign.unwrap_or_default())
                .trim_end()
                .to_owned()
        })
        .collect();
    told.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_at_gaps_and_sentences_between_words() {
        let short = "  ingress  ALLOW   db ingress[0]   from everyone, 5432/TCP   np.yaml:7";
        assert_eq!(fold(short, 19), [short]);
        assert_eq!(
            fold(
                "  ingress  ALLOW   db-from-shop ingress[0].from[0]   from every pod of namespaces tenant=a, pg/TCP   np.yaml:76",
                19
            ),
            [
                "  ingress  ALLOW   db-from-shop ingress[0].from[0]",
                "                   from every pod of namespaces tenant=a, pg/TCP   np.yaml:76",
            ]
        );
        assert_eq!(
            fold(
                "  limit    policy sees the endpoints of Service shop/web: rules on its own address have no effect",
                11
            ),
            [
                "  limit    policy sees the endpoints of Service shop/web: rules on its own",
                "           address have no effect",
            ]
        );
        let name = "x".repeat(90);
        assert_eq!(
            fold(&format!("  name     {name}  80"), 11),
            [
                format!("  name     {name}"),
                format!("{}80", " ".repeat(11))
            ],
            "nothing is cut, nothing is lost"
        );
    }
}
