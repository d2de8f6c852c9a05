//! All flows as JSON: the one answer that is large enough for its writing to be felt.
//!
//! The text is what serde would write for the same structs, put together from pieces that are made once: a cluster has a few
//! thousand ends and a few thousand sets of ports, and a flow for each pair of ends.

use std::fmt::Write as _;

use hashbrown::HashMap;
use serde::Serialize;

use crate::engine::Verdict;
use crate::model::{Direction, PortSet};
use crate::questions::flows::{Flow, Flows, PeerKind};

use super::{Context, VERSION, diagnostics_json, ranges_json};

/// How much text is collected before it is given away.
const PIECE: usize = 256 << 10;

#[derive(Serialize)]
struct PeerJson<'a> {
    id: &'a str,
    kind: &'static str,
    pods: usize,
    ranges: Vec<String>,
}

/// Gives away the answer in pieces, in order; the last one ends in a line break.
pub fn flows(flows: &Flows, context: Context<'_>, give: &mut dyn FnMut(&str)) {
    let peers: Vec<PeerJson<'_>> = flows
        .peers
        .iter()
        .map(|peer| PeerJson {
            id: &peer.end.id,
            kind: peer.kind.as_str(),
            pods: if peer.kind == PeerKind::Workload {
                peer.end.pods
            } else {
                0
            },
            ranges: ranges_json(&peer.ranges),
        })
        .collect();
    let mut text =
        format!("{{\n  \"apiVersion\": {VERSION:?},\n  \"kind\": \"Flows\",\n  \"peers\": ");
    indented(&mut text, &peers);
    text.push_str(",\n  \"flows\": [");
    let ids: Vec<String> = flows
        .peers
        .iter()
        .map(|peer| quoted(&peer.end.id))
        .collect();
    // A key for each flow: of all that is done here this is done most.
    let mut ends: HashMap<End<'_>, String, foldhash::fast::FixedState> = HashMap::default();
    for (index, flow) in flows.flows.iter().enumerate() {
        text.push_str(if index == 0 {
            "\n    {\n      \"from\": "
        } else {
            ",\n    {\n      \"from\": "
        });
        text.push_str(&ids[flow.from]);
        text.push_str(",\n      \"to\": ");
        text.push_str(&ids[flow.to]);
        let key = End::of(flow);
        text.push_str(ends.entry(key).or_insert_with(|| key.text()));
        if text.len() >= PIECE {
            give(&text);
            text.clear();
        }
    }
    if !flows.flows.is_empty() {
        text.push_str("\n  ");
    }
    text.push_str("],\n  \"diagnostics\": ");
    indented(&mut text, &diagnostics_json(context.diagnostics));
    text.push_str("\n}\n");
    give(&text);
}

/// What most flows have in common with some other: all but their ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct End<'a> {
    verdict: Verdict,
    ports: &'a PortSet,
    open: Option<Direction>,
}

impl<'a> End<'a> {
    fn of(flow: &'a Flow) -> Self {
        Self {
            verdict: flow.verdict,
            ports: &flow.ports,
            open: flow.open,
        }
    }

    /// From the comma behind `to` to the closing brace.
    fn text(&self) -> String {
        let mut text = format!(
            ",\n      \"verdict\": \"{}\",\n      \"ports\": [",
            self.verdict.as_str()
        );
        for (index, (protocol, range)) in self.ports.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let (protocol, first, last) = (protocol.as_str(), range.first(), range.last());
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "{comma}\n        {{\n          \"protocol\": \"{protocol}\",\n          \"first\": {first},\n          \"last\": {last}\n        }}"
            );
        }
        text.push_str(if self.ports.is_empty() {
            "]"
        } else {
            "\n      ]"
        });
        if let Some(open) = self.open {
            let _ = write!(text, ",\n      \"open\": \"{}\"", open.as_str());
        }
        text.push_str("\n    }");
        text
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string always serialises")
}

/// Writes a value as it stands one level below the outermost mapping.
fn indented<T: Serialize>(text: &mut String, value: &T) {
    let plain = serde_json::to_string_pretty(value)
        .expect("plain structs with string keys always serialise");
    for (index, line) in plain.split('\n').enumerate() {
        if index > 0 {
            text.push_str("\n  ");
        }
        text.push_str(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::enforcer;
    use crate::engine::Engine;
    use crate::model::{Diagnostic, SourceRef};
    use crate::questions::{flows as asked, scope::Scope};
    use crate::report::json::{PortJson, envelope, ports_json};

    #[derive(Serialize)]
    struct FlowsJson<'a> {
        peers: Vec<PeerJson<'a>>,
        flows: Vec<FlowJson<'a>>,
    }

    #[derive(Serialize)]
    struct FlowJson<'a> {
        from: &'a str,
        to: &'a str,
        verdict: &'static str,
        ports: Vec<PortJson>,
        #[serde(skip_serializing_if = "Option::is_none")]
        open: Option<&'static str>,
    }

    /// The same answer by way of serde.
    fn by_serde(flows: &Flows, diagnostics: &[Diagnostic]) -> String {
        let peers = flows.peers.iter().map(|peer| PeerJson {
            id: &peer.end.id,
            kind: peer.kind.as_str(),
            pods: if peer.kind == PeerKind::Workload {
                peer.end.pods
            } else {
                0
            },
            ranges: ranges_json(&peer.ranges),
        });
        let listed = flows.flows.iter().map(|flow| FlowJson {
            from: &flows.peers[flow.from].end.id,
            to: &flows.peers[flow.to].end.id,
            verdict: flow.verdict.as_str(),
            ports: ports_json(&flow.ports),
            open: flow.open.map(Direction::as_str),
        });
        let body = FlowsJson {
            peers: peers.collect(),
            flows: listed.collect(),
        };
        envelope("Flows", body, diagnostics)
    }

    #[test]
    fn the_text_is_what_serde_writes() {
        let demo = crate::source::demo::load("stalker").expect("a built-in demo");
        let cluster = std::sync::Arc::new(demo.cluster);
        let enforcer = enforcer::detect(&cluster, true);
        let engine = Engine::build(&cluster, crate::compile::Profile::named(enforcer.profile));
        let odd = [
            Diagnostic::error("two\nlines, \"quoted\"")
                .at(Some(SourceRef {
                    file: "a\\b".into(),
                    line: 3,
                }))
                .on("Pod x/y"),
            Diagnostic::warning("plain"),
        ];
        let nothing = Flows {
            peers: Vec::new(),
            flows: Vec::new(),
            half_open: false,
        };
        let all = asked::flows(&engine, &Scope::of(std::iter::empty()));
        let half = asked::half_open(&engine, &Scope::of(std::iter::empty()));
        for found in [&nothing, &all, &half] {
            for diagnostics in [&odd[..], &[]] {
                let mut text = String::new();
                let context = Context {
                    enforcer: &enforcer,
                    diagnostics,
                };
                flows(found, context, &mut |piece| text.push_str(piece));
                assert_eq!(text, by_serde(found, diagnostics));
            }
        }
        assert!(all.flows.len() > 10);
    }
}
