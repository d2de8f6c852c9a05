//! Reads the file by hand rather than by derive, so that every mistake is told with its line, what was found and what is allowed,
//! and one mistake does not hide the next.

mod environment;
mod files;
mod rules;
mod who;
mod whole;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::model::{Diagnostic, Severity, SourceRef};
use crate::text::tame;
use crate::yaml::Lines;

use super::short;
use super::{
    BUILT_IN, Content, DnsTcp, Environment, Expectations, K8sApi, Level, Named, Settings, Source,
};

pub use files::Files;

const VIAS: [&str; 7] = [
    "loadBalancer",
    "nodePort",
    "hostPort",
    "hostNetwork",
    "ingress",
    "gateway",
    "portForward",
];

const REMARKS: [&str; 6] = ["why", "owner", "ticket", "expires", "severity", "src"];

/// Reads one file. Every problem found is returned, in file order; a file with a problem is not used at all.
pub(crate) fn read(file_name: &str, text: &str) -> Result<Expectations, Vec<Diagnostic>> {
    let mut files = Files::default();
    files.read(file_name, text);
    files.finish()
}

struct Reader {
    file: Arc<str>,
    first_line: u32,
    lines: Lines,
    problems: Vec<Diagnostic>,
    /// What rules may name, whether or not its definition is without fault.
    workloads: Vec<String>,
    peers: Vec<String>,
    /// What they do name: other files may define it.
    uses: Vec<Use>,
    /// Names and paths of flows.
    flows: Vec<(String, String)>,
    settings: Settings,
}

/// A name where it is used.
struct Use {
    path: String,
    name: String,
    /// Not only a workload may stand there.
    is_peer: bool,
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// What a value is, in words.
fn what(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(b) => format!("`{b}`"),
        Value::Number(n) => format!("`{n}`"),
        Value::String(s) => format!("`{}`", tame(s)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
    }
}

fn quoted(words: &[&str]) -> String {
    words.join(", ")
}

impl Reader {
    /// The place of a path, or of the nearest part around it that has a line.
    fn at(&self, path: &str) -> SourceRef {
        self.place_of(path).0
    }

    fn place_of(&self, path: &str) -> (SourceRef, Option<u32>) {
        let mut part = path;
        let line = loop {
            if let Some(line) = self.lines.get(part) {
                break line;
            }
            match part.rfind(['.', '[']) {
                Some(end) => part = &part[..end],
                None => break 1,
            }
        };
        let place = SourceRef {
            file: Arc::clone(&self.file),
            line: self.first_line + line - 1,
        };
        (place, self.lines.column(part))
    }

    fn fail(&mut self, path: &str, message: impl Into<String>, help: impl Into<String>) {
        let message: String = message.into();
        let (place, column) = self.place_of(path);
        let told = if path.is_empty() {
            message
        } else {
            format!("{}: {message}", tame(path))
        };
        self.problems.push(Diagnostic {
            column,
            ..Diagnostic::error(told).at(Some(place)).help(help)
        });
    }

    fn map<'v>(
        &mut self,
        value: &'v Value,
        path: &str,
        allowed: &[&str],
    ) -> Option<&'v Map<String, Value>> {
        let Value::Object(map) = value else {
            self.fail(
                path,
                format!("is {}", what(value)),
                format!("a mapping is needed, with {}", quoted(allowed)),
            );
            return None;
        };
        for key in map.keys() {
            if !allowed.contains(&key.as_str()) {
                self.fail(
                    &join(path, key),
                    "there is no such key here".to_owned(),
                    format!("allowed are {}", quoted(allowed)),
                );
            }
        }
        Some(map)
    }

    /// A mapping whose keys are free to choose.
    fn entries<'v>(&mut self, value: &'v Value, path: &str) -> Vec<(&'v String, &'v Value)> {
        match value {
            Value::Object(map) => map.iter().collect(),
            Value::Null => Vec::new(),
            other => {
                self.fail(path, format!("is {}", what(other)), "a mapping is needed");
                Vec::new()
            }
        }
    }

    fn list<'v>(&mut self, value: &'v Value, path: &str) -> &'v [Value] {
        match value {
            Value::Array(items) => items,
            Value::Null => &[],
            other => {
                self.fail(path, format!("is {}", what(other)), "a list is needed");
                &[]
            }
        }
    }

    fn text(&mut self, value: &Value, path: &str) -> Option<String> {
        match value {
            Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Value::Number(number) => Some(number.to_string()),
            other => {
                self.fail(path, format!("is {}", what(other)), "a text is needed");
                None
            }
        }
    }

    fn bool(&mut self, value: &Value, path: &str) -> Option<bool> {
        if let Value::Bool(flag) = value {
            return Some(*flag);
        }
        self.fail(
            path,
            format!("is {}", what(value)),
            "allowed are true and false",
        );
        None
    }

    /// One of a few words.
    fn word<T: Copy>(&mut self, value: &Value, path: &str, allowed: &[(&str, T)]) -> Option<T> {
        let found = value
            .as_str()
            .and_then(|text| allowed.iter().find(|(word, _)| *word == text));
        if found.is_none() {
            let words: Vec<&str> = allowed.iter().map(|(word, _)| *word).collect();
            self.fail(
                path,
                format!("is {}", what(value)),
                format!("allowed are {}", quoted(&words)),
            );
        }
        found.map(|(_, meaning)| *meaning)
    }

    fn file(&mut self, value: &Value) -> Option<Expectations> {
        let map = self.map(
            value,
            "",
            &[
                "apiVersion",
                "kind",
                "metadata",
                "settings",
                "peers",
                "workloads",
                "environments",
            ],
        )?;
        for (key, wanted) in [("apiVersion", "netseg/v1"), ("kind", "Expectations")] {
            if map.get(key).and_then(Value::as_str) != Some(wanted) {
                let found = map.get(key).map_or_else(|| "nothing".to_owned(), what);
                self.fail(key, format!("is {found}"), format!("{wanted} is needed"));
            }
        }
        let keys = |name: &str| -> Vec<String> {
            let map = map.get(name).and_then(Value::as_object);
            map.map_or_else(Vec::new, |map| map.keys().cloned().collect())
        };
        self.workloads = keys("workloads");
        self.peers = keys("peers");
        let (name, sources) = self.metadata(map.get("metadata").unwrap_or(&Value::Null));
        let settings = map
            .get("settings")
            .map_or_else(Settings::default, |value| self.settings(value));
        self.settings = settings;
        let mut read = Expectations {
            names: name.into_iter().collect(),
            sources,
            ..Expectations::default()
        };
        for (id, value) in self.entries(map.get("peers").unwrap_or(&Value::Null), "peers") {
            let path = join("peers", id);
            self.id(id, &path);
            if self.workloads.contains(id) {
                self.fail(
                    &path,
                    "is also the name of a workload",
                    "a name means one thing: rename one of the two",
                );
            }
            if let Some(block) = self.block(value, &path) {
                read.peers.push(Named {
                    id: id.clone(),
                    at: self.at(&path),
                    src: self.src(value, &path),
                    value: block,
                });
            }
        }
        for (id, value) in self.entries(map.get("workloads").unwrap_or(&Value::Null), "workloads") {
            let path = join("workloads", id);
            self.id(id, &path);
            if let Some(workload) = self.workload(value, &path) {
                read.workloads.push(Named {
                    id: id.clone(),
                    at: self.at(&path),
                    src: self.src(value, &path),
                    value: workload,
                });
            }
        }
        let environments = map.get("environments").unwrap_or(&Value::Null);
        for (name, value) in self.entries(environments, "environments") {
            let path = join("environments", name);
            if let Some(mut env) = self.environment(name, value, &path, settings) {
                if read.is_inferred(name) {
                    soften(&mut env);
                }
                read.environments.push(env);
            }
        }
        Some(read)
    }

    fn id(&mut self, id: &str, path: &str) {
        if BUILT_IN.contains(&id) {
            self.fail(
                path,
                "this name already means something",
                format!("choose a name that is none of {}", quoted(&BUILT_IN)),
            );
        } else if !short::is_id(id) {
            self.fail(
                path,
                format!("`{}` cannot be a name", tame(id)),
                "a name has letters, digits, and any of - _ . and is no address",
            );
        }
    }

    /// The name, and the documents it was made from.
    fn metadata(&mut self, value: &Value) -> (Option<String>, Vec<Source>) {
        let mut made = Vec::new();
        if value.is_null() {
            return (None, made);
        }
        let Some(map) = self.map(value, "metadata", &["name", "sources"]) else {
            return (None, made);
        };
        let name = map
            .get("name")
            .and_then(|value| self.text(value, "metadata.name"));
        let sources = map.get("sources").unwrap_or(&Value::Null);
        for (index, source) in self.list(sources, "metadata.sources").iter().enumerate() {
            let path = format!("metadata.sources[{index}]");
            let Some(map) = self.map(source, &path, &["file", "line", "env", "inferred"]) else {
                continue;
            };
            let mut text = |key: &str| {
                map.get(key)
                    .and_then(|value| self.text(value, &join(&path, key)))
            };
            let (file, env) = (text("file"), text("env"));
            let line = map
                .get("line")
                .and_then(|value| self.line(value, &join(&path, "line")));
            let inferred = map
                .get("inferred")
                .and_then(|value| self.bool(value, &join(&path, "inferred")));
            made.push(Source {
                file,
                line,
                env,
                inferred: inferred == Some(true),
            });
        }
        (name, made)
    }

    fn line(&mut self, value: &Value, path: &str) -> Option<u32> {
        let line = value.as_u64().and_then(|line| u32::try_from(line).ok());
        let line = line.filter(|line| *line > 0);
        if line.is_none() {
            self.fail(
                path,
                format!("is {}", what(value)),
                "a line is a number, counted from 1",
            );
        }
        line
    }

    /// The `src` of a mapping, where there is one.
    fn src(&mut self, value: &Value, path: &str) -> Option<SourceRef> {
        let value = value.get("src")?;
        self.place(value, &join(path, "src"))
    }

    fn place(&mut self, value: &Value, path: &str) -> Option<SourceRef> {
        let text = value.as_str().unwrap_or_default().trim();
        let place = text.rsplit_once(':').and_then(|(file, line)| {
            Some(SourceRef {
                file: tame(file).into(),
                line: line.parse().ok().filter(|line| *line > 0)?,
            })
        });
        let place = place.filter(|place| !place.file.is_empty());
        if place.is_none() {
            self.fail(
                path,
                format!("{} is no place", what(value)),
                "a place is FILE:LINE",
            );
        }
        place
    }

    fn settings(&mut self, value: &Value) -> Settings {
        let mut made = Settings::default();
        let Some(map) = self.map(
            value,
            "settings",
            &[
                "closedWorld",
                "unspecifiedPeer",
                "dnsTcp",
                "unbound",
                "k8sApi",
            ],
        ) else {
            return made;
        };
        for (key, value) in map {
            let path = join("settings", key);
            match key.as_str() {
                "closedWorld" => {
                    made.closed_world = self.bool(value, &path).unwrap_or(made.closed_world);
                }
                "unspecifiedPeer" => {
                    let words = [("any", false), ("documented", true)];
                    made.documented_peers_only =
                        self.word(value, &path, &words).unwrap_or_default();
                }
                "dnsTcp" => {
                    let words = [
                        ("require", DnsTcp::Require),
                        ("warn", DnsTcp::Warn),
                        ("ignore", DnsTcp::Ignore),
                    ];
                    made.dns_tcp = self.word(value, &path, &words).unwrap_or(made.dns_tcp);
                }
                "unbound" => {
                    let words = [("fail", Severity::Error), ("warn", Severity::Warning)];
                    made.unbound = self.word(value, &path, &words).unwrap_or(made.unbound);
                }
                "k8sApi" => {
                    let words = [
                        ("endpoints", K8sApi::Endpoints),
                        ("clusterIP", K8sApi::ClusterIp),
                        ("either", K8sApi::Either),
                    ];
                    made.k8s_api = self.word(value, &path, &words).unwrap_or(made.k8s_api);
                }
                _ => {}
            }
        }
        made
    }
}

/// What is only inferred from prose tolerates, and never demands.
fn soften(env: &mut Environment) {
    let soft = |level: &mut Level| {
        if *level == Level::Must {
            *level = Level::May;
        }
    };
    for row in &mut env.expect {
        let patched = row.patches.iter_mut().flat_map(|patch| &mut patch.rules);
        let cells = [&mut row.ingress, &mut row.egress].into_iter().flatten();
        let listed = cells.flat_map(|cell| match &mut cell.content {
            Content::Rules { rules, .. } => rules.iter_mut(),
            Content::Deny | Content::Any => [].iter_mut(),
        });
        listed.chain(patched).for_each(|rule| soft(&mut rule.level));
    }
    for flow in &mut env.flows {
        soft(&mut flow.level);
    }
    env.exposure_is_inferred = true;
}

#[cfg(test)]
mod tests;
