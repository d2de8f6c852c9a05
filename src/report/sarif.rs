//! SARIF 2.1.0: findings as code-scanning services and editors take them.

use serde::Serialize;

use crate::model::{Diagnostic, Severity, SourceRef};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// One kind of finding.
pub struct Rule {
    pub id: &'static str,
    /// One sentence.
    pub short: &'static str,
    /// What to do about it.
    pub help: &'static str,
    pub severity: Severity,
}

/// One finding.
pub struct Found {
    /// The [`Rule::id`].
    pub rule: &'static str,
    /// `None` for what is as it should be.
    pub severity: Option<Severity>,
    pub message: String,
    /// Where to look first.
    pub places: Vec<SourceRef>,
    /// The things it is about.
    pub subjects: Vec<String>,
    /// What else has a part in it.
    pub related: Vec<Related>,
    /// The same in every run that finds the same, wherever its lines have moved.
    pub fingerprint: String,
}

/// Something that has a part in a finding.
pub struct Related {
    pub message: String,
    /// The object and the path within it.
    pub object: String,
    /// `None`: not from a file.
    pub place: Option<SourceRef>,
}

/// Findings that were made together.
pub struct Run {
    /// Tells runs of one kind apart, such as those of two environments.
    pub id: String,
    pub found: Vec<Found>,
}

/// Writes the whole document, ending in a line break.
pub fn write(rules: &[Rule], runs: &[Run], diagnostics: &[Diagnostic]) -> String {
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: runs
            .iter()
            .map(|run| run_json(rules, run, diagnostics))
            .collect(),
    };
    let mut text = serde_json::to_string_pretty(&log)
        .expect("plain structs with string keys always serialise");
    text.push('\n');
    text
}

fn run_json<'a>(rules: &'a [Rule], run: &'a Run, diagnostics: &'a [Diagnostic]) -> RunJson<'a> {
    RunJson {
        tool: Tool {
            driver: Driver {
                name: env!("CARGO_PKG_NAME"),
                version: env!("CARGO_PKG_VERSION"),
                rules: rules.iter().map(rule_json).collect(),
            },
        },
        automation_details: Automation { id: &run.id },
        invocations: [Invocation {
            execution_successful: true,
            tool_execution_notifications: diagnostics.iter().map(notification).collect(),
        }],
        results: run
            .found
            .iter()
            .map(|found| result_json(rules, found))
            .collect(),
    }
}

fn rule_json(rule: &Rule) -> RuleJson<'_> {
    RuleJson {
        id: rule.id,
        short_description: Text { text: rule.short },
        help: Text { text: rule.help },
        default_configuration: Configuration {
            level: level(Some(rule.severity)),
        },
    }
}

fn result_json<'a>(rules: &[Rule], found: &'a Found) -> ResultJson<'a> {
    let logical: Vec<Logical<'_>> = found
        .subjects
        .iter()
        .map(|name| Logical {
            fully_qualified_name: name,
            kind: "resource",
        })
        .collect();
    let mut locations: Vec<Place<'_>> = found
        .places
        .iter()
        .map(|place| Place {
            id: None,
            physical_location: Some(physical(place)),
            logical_locations: logical.clone(),
            message: None,
        })
        .collect();
    if locations.is_empty() && !logical.is_empty() {
        locations.push(Place {
            id: None,
            physical_location: None,
            logical_locations: logical,
            message: None,
        });
    }
    let related = (1..).zip(&found.related).map(|(id, related)| Place {
        id: Some(id),
        physical_location: related.place.as_ref().map(physical),
        logical_locations: vec![Logical {
            fully_qualified_name: &related.object,
            kind: "resource",
        }],
        message: Some(Text {
            text: &related.message,
        }),
    });
    ResultJson {
        rule_id: found.rule,
        rule_index: rules.iter().position(|rule| rule.id == found.rule),
        kind: if found.severity.is_some() {
            "fail"
        } else {
            "pass"
        },
        level: level(found.severity),
        message: Text {
            text: &found.message,
        },
        locations,
        related_locations: related.collect(),
        partial_fingerprints: Fingerprints {
            finding: &found.fingerprint,
        },
    }
}

fn notification(diagnostic: &Diagnostic) -> Notification<'_> {
    let place = diagnostic.source.as_ref().map(|place| Place {
        id: None,
        physical_location: Some(physical(place)),
        logical_locations: Vec::new(),
        message: None,
    });
    Notification {
        level: level(Some(diagnostic.severity)),
        message: Text {
            text: &diagnostic.message,
        },
        locations: place.into_iter().collect(),
    }
}

fn level(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::Error) => "error",
        Some(Severity::Warning) => "warning",
        Some(Severity::Info) => "note",
        None => "none",
    }
}

fn physical(place: &SourceRef) -> Physical {
    Physical {
        artifact_location: Artifact {
            uri: uri(&place.file),
        },
        region: Region {
            start_line: place.line.max(1),
        },
    }
}

/// A path as a reference, relative to wherever the command ran unless it is absolute.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let mut uri = String::with_capacity(path.len() + 8);
    if path.starts_with('/') {
        uri += "file://";
    }
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            other => uri += &format!("%{other:02X}"),
        }
    }
    uri
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: Vec<RunJson<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunJson<'a> {
    tool: Tool<'a>,
    automation_details: Automation<'a>,
    invocations: [Invocation<'a>; 1],
    results: Vec<ResultJson<'a>>,
}

#[derive(Serialize)]
struct Tool<'a> {
    driver: Driver<'a>,
}

#[derive(Serialize)]
struct Driver<'a> {
    name: &'static str,
    version: &'static str,
    rules: Vec<RuleJson<'a>>,
}

#[derive(Serialize)]
struct Automation<'a> {
    id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<'a> {
    execution_successful: bool,
    tool_execution_notifications: Vec<Notification<'a>>,
}

#[derive(Serialize)]
struct Notification<'a> {
    level: &'static str,
    message: Text<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Place<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleJson<'a> {
    id: &'static str,
    short_description: Text<'a>,
    help: Text<'a>,
    default_configuration: Configuration,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultJson<'a> {
    rule_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    kind: &'static str,
    level: &'static str,
    message: Text<'a>,
    locations: Vec<Place<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Place<'a>>,
    partial_fingerprints: Fingerprints<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_location: Option<Physical>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<Logical<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Text<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Logical<'a> {
    fully_qualified_name: &'a str,
    kind: &'static str,
}

#[derive(Serialize)]
struct Fingerprints<'a> {
    #[serde(rename = "netsegFinding/v1")]
    finding: &'a str,
}

#[derive(Serialize)]
struct Text<'a> {
    text: &'a str,
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_become_references_that_mean_the_same_file() {
        for (path, expected) in [
            ("docs/architecture.md", "docs/architecture.md"),
            ("./docs/a b.md", "docs/a%20b.md"),
            ("/srv/ä:1.md", "file:///srv/%C3%A4%3A1.md"),
            ("-", "-"),
        ] {
            assert_eq!(uri(path), expected, "{path}");
        }
    }
}
