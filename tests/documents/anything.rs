//! Documents made of the pieces that documents are made of, in any order: nothing stops the reader, and whatever it reads can be
//! written as a file that reads as the same.

use std::collections::BTreeMap;

use netseg::expect::{self, Expectations, Places};
use proptest::prelude::*;

/// Pieces of lines, in and out of tables.
fn piece() -> impl Strategy<Value = String> {
    let known = [
        "|",
        "|",
        "|",
        "|",
        "|",
        " ",
        " ",
        "\n",
        "\n",
        "---",
        ":---:",
        "Pod",
        "Component",
        "Ingress",
        "Egress",
        "Port",
        "From",
        "To",
        "Source",
        "Destination",
        "Protocol",
        "Action",
        "Description",
        "Deny All",
        "Any",
        "-",
        "80",
        "443, 8443",
        "53/udp",
        "8000-8010",
        "99999",
        "metrics",
        "(DNS)",
        "(web)",
        "(K8s API)",
        "(nobody)",
        "web",
        "API (web)",
        "shop/db",
        "jobs/db",
        "Web Server",
        "any",
        "node",
        "10.0.0.0/8 except 10.1.0.0/16",
        "::/0",
        "10.0.0.0/40",
        "half-open",
        "?",
        "allow",
        "deny",
        "TCP",
        "## Production",
        "Development",
        "A default deny is in place for the",
        "`shop`",
        "anddefault",
        "namespaces.",
        "> ",
        "```",
        "- ",
        "\\|",
        "**",
        "\u{202e}",
        "\"",
        "'",
        "#",
        ": ",
        "ä",
        "日本",
    ];
    prop_oneof![
        8 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ]
}

/// A table whose header is sound, so that its rows are read.
fn table() -> impl Strategy<Value = String> {
    let headers = [
        "| Pod | Ingress | Egress |\n|---|---|---|\n",
        "| Component | Port | From | Description |\n|---|---|---|---|\n",
        "| Name | Source | Destination | Port | Protocol | Action |\n|---|---|---|---|---|---|\n",
        "## Prod\nService | To | Port |\n---|---|---|\n",
    ];
    let cell = proptest::collection::vec(piece(), 0..4).prop_map(|pieces| pieces.concat());
    let rows = proptest::collection::vec(proptest::collection::vec(cell, 1..6), 0..6);
    (proptest::sample::select(headers.to_vec()), rows).prop_map(|(header, rows)| {
        let rows: Vec<String> = rows
            .into_iter()
            .map(|cells| format!("| {} |\n", cells.join(" | ")))
            .collect();
        format!("{header}{}\n", rows.concat())
    })
}

fn document() -> impl Strategy<Value = String> {
    let prose = proptest::collection::vec(piece(), 0..30).prop_map(|pieces| pieces.concat());
    proptest::collection::vec(prop_oneof![prose, table(), table()], 1..5)
        .prop_map(|parts| parts.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_is_read_is_written_and_read_again(text in document()) {
        let Ok(read) = expect::import("d.md", &text, &Expectations::default()) else {
            return Ok(());
        };
        let written = expect::write(&read.expectations, Places::OfDocument, &BTreeMap::new());
        let written = written.expect("one document has one kind of settings");
        // What no file may say is told as the file's mistake, such as a flow that is both allowed and denied.
        let again = match expect::read("d.yaml", &written) {
            Ok(again) => again,
            Err(told) => {
                let contradicts = told.iter().all(|one| one.message.contains("denies what"));
                prop_assert!(contradicts, "{told:#?}\n{written}");
                return Ok(());
            }
        };
        let rewritten = expect::write(&again, Places::OfFiles, &BTreeMap::new());
        prop_assert_eq!(rewritten.as_deref(), Some(written.as_str()));
    }
}
