//! Comma-separated values: RFC 4180 quoting, a header line, ends in their unambiguous form.

use crate::questions::flows::Flows;
use crate::questions::matrix::Matrix;
use crate::questions::table::Table;

/// Writes one record. A field that a spreadsheet would take for a formula is not touched: these are not typed by people.
pub(crate) fn record(fields: &[String]) -> String {
    let quoted: Vec<String> = fields
        .iter()
        .map(|field| {
            if field.contains([',', '"', '\n', '\r']) {
                format!("\"{}\"", field.replace('"', "\"\""))
            } else {
                field.clone()
            }
        })
        .collect();
    format!("{}\n", quoted.join(","))
}

pub fn flows(flows: &Flows) -> String {
    let mut head = ["from", "to", "verdict", "protocol", "first", "last"]
        .map(str::to_owned)
        .to_vec();
    if flows.half_open {
        head.push("open".to_owned());
    }
    let mut out = record(&head);
    for flow in &flows.flows {
        for (protocol, range) in flow.ports.iter() {
            let mut fields = vec![
                flows.peers[flow.from].end.id.clone(),
                flows.peers[flow.to].end.id.clone(),
                flow.verdict.as_str().to_owned(),
                protocol.to_string(),
                range.first().to_string(),
                range.last().to_string(),
            ];
            fields.extend(flow.open.map(|open| open.to_string()));
            out += &record(&fields);
        }
    }
    out
}

pub fn matrix(matrix: &Matrix) -> String {
    let mut head = vec![String::from("from")];
    head.extend(matrix.ends.iter().map(|end| end.id.clone()));
    let mut out = record(&head);
    for (end, row) in matrix.ends.iter().zip(&matrix.cells) {
        let mut fields = vec![end.id.clone()];
        fields.extend(row.iter().map(|verdict| verdict.as_str().to_owned()));
        out += &record(&fields);
    }
    out
}

/// One record an entry; a cell without any says so in one record.
pub fn table(table: &Table) -> String {
    let mut out = record(&["workload", "direction", "entry", "peers", "state"].map(str::to_owned));
    for row in &table.rows {
        for (direction, items) in [("ingress", &row.ingress), ("egress", &row.egress)] {
            for item in items {
                out += &record(&[
                    row.id.clone(),
                    direction.to_owned(),
                    item.full.clone(),
                    item.peers.join(" "),
                    item.state.as_str().unwrap_or_default().to_owned(),
                ]);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_quotes_are_quoted() {
        let fields = ["plain".to_owned(), "a,b".to_owned(), "say \"x\"".to_owned()];
        assert_eq!(record(&fields), "plain,\"a,b\",\"say \"\"x\"\"\"\n");
    }
}
