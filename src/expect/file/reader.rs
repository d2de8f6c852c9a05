//! Reads the file by hand rather than by derive, so that every mistake is told with its line, what was found and what is allowed,
//! and one mistake does not hide the next.

use std::sync::Arc;

use jiff::civil::Date;
use serde_json::{Map, Value};

use crate::model::{
    Diagnostic, Direction, Labels, Requirement, Selector, Severity, SourceRef, Test,
};
use crate::text::{nearest, tame};
use crate::yaml::{self, Lines};

use super::short::{self, PeerWord, PortWord};
use super::{
    BUILT_IN, Block, Cell, Content, DefaultDeny, DnsTcp, Environment, Exception, Expectations,
    Exposure, Flow, K8sApi, Level, Named, Patch, Remarks, Row, Rule, Select, Settings, Workload,
};

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
    let file: Arc<str> = tame(file_name).into();
    let at = |line| {
        Some(SourceRef {
            file: Arc::clone(&file),
            line,
        })
    };
    let documents = yaml::documents(text);
    let document = match documents.as_slice() {
        [one] => one,
        [] => {
            return Err(vec![
                Diagnostic::error("holds no expectations").at(at(1)).help(
                    "a file of expectations begins with `apiVersion: netseg/v1` and `kind: Expectations`",
                ),
            ]);
        }
        [_, second, ..] => {
            return Err(vec![
                Diagnostic::error("holds more than one YAML document")
                    .at(at(second.first_line))
                    .help("put each document into a file of its own, and name them all"),
            ]);
        }
    };
    let value: Value = yaml::read(document.text).map_err(|error| {
        vec![
            Diagnostic::error(format!("is no YAML: {}", tame(&error.message)))
                .at(at(document.first_line + error.line - 1)),
        ]
    })?;
    let mut reader = Reader {
        file,
        first_line: document.first_line,
        lines: yaml::outline(document.text).lines,
        problems: Vec::new(),
        workloads: Vec::new(),
        peers: Vec::new(),
    };
    let read = reader.file(&value);
    if let Some(read) = &read {
        reader.check(read);
    }
    match read {
        Some(read) if reader.problems.is_empty() => Ok(read),
        _ => {
            reader.problems.sort_by(|a, b| a.source.cmp(&b.source));
            reader.problems.dedup();
            Err(reader.problems)
        }
    }
}

struct Reader {
    file: Arc<str>,
    first_line: u32,
    lines: Lines,
    problems: Vec<Diagnostic>,
    /// What rules may name, collected before any rule is read.
    workloads: Vec<String>,
    peers: Vec<String>,
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
        SourceRef {
            file: Arc::clone(&self.file),
            line: self.first_line + line - 1,
        }
    }

    fn fail(&mut self, path: &str, message: impl Into<String>, help: impl Into<String>) {
        let message: String = message.into();
        let place = self.at(path);
        let told = if path.is_empty() {
            message
        } else {
            format!("{}: {message}", tame(path))
        };
        self.problems
            .push(Diagnostic::error(told).at(Some(place)).help(help));
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
        let (name, inferred) = self.metadata(map.get("metadata").unwrap_or(&Value::Null));
        let settings = map
            .get("settings")
            .map_or_else(Settings::default, |value| self.settings(value));
        let mut read = Expectations {
            names: name.into_iter().collect(),
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
                    value: workload,
                });
            }
        }
        let environments = map.get("environments").unwrap_or(&Value::Null);
        for (name, value) in self.entries(environments, "environments") {
            let path = join("environments", name);
            if let Some(mut env) = self.environment(name, value, &path, settings) {
                if inferred
                    .iter()
                    .any(|env| env.as_ref().is_none_or(|env| env == name))
                {
                    soften(&mut env);
                }
                read.environments.push(env);
            }
        }
        if read.environments.is_empty() && self.problems.is_empty() {
            self.fail(
                "environments",
                "holds no environment",
                "at least one is needed, for example `base: {expect: {…}}`",
            );
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

    /// The name, and for which environments (`None`: all) the source is only inferred.
    fn metadata(&mut self, value: &Value) -> (Option<String>, Vec<Option<String>>) {
        let mut inferred = Vec::new();
        if value.is_null() {
            return (None, inferred);
        }
        let Some(map) = self.map(value, "metadata", &["name", "sources"]) else {
            return (None, inferred);
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
            let flag = map
                .get("inferred")
                .and_then(|value| self.bool(value, &join(&path, "inferred")));
            let env = map
                .get("env")
                .and_then(|value| self.text(value, &join(&path, "env")));
            if flag == Some(true) {
                inferred.push(env);
            }
        }
        (name, inferred)
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

    fn block(&mut self, value: &Value, path: &str) -> Option<Block> {
        let map = self.map(value, path, &["cidr", "except"])?;
        let mut nets = |key: &str| -> Vec<ipnet::IpNet> {
            let path = join(path, key);
            let items: Vec<&Value> = match map.get(key) {
                None => Vec::new(),
                Some(Value::Array(items)) => items.iter().collect(),
                Some(one) => vec![one],
            };
            let mut found = Vec::new();
            for (index, item) in items.into_iter().enumerate() {
                match item.as_str().and_then(short::network) {
                    Some(net) => found.push(net),
                    None => self.fail(
                        &format!("{path}[{index}]"),
                        format!("{} is no network", what(item)),
                        "a network is written as 10.0.0.0/8, a single address without a length",
                    ),
                }
            }
            found
        };
        let (cidr, except) = (nets("cidr"), nets("except"));
        if cidr.is_empty() {
            self.fail(
                path,
                "names no network",
                "`cidr` with at least one network is needed",
            );
            return None;
        }
        for hole in &except {
            if !cidr.iter().any(|net| net.contains(hole)) {
                self.fail(
                    &join(path, "except"),
                    format!("{hole} lies in none of the networks of cidr"),
                    "an exception takes something out of cidr",
                );
            }
        }
        Some(Block { cidr, except })
    }

    fn workload(&mut self, value: &Value, path: &str) -> Option<Workload> {
        let map = self.map(value, path, &["names", "select", "closedWorld"])?;
        let mut names = Vec::new();
        let names_path = join(path, "names");
        let listed = map.get("names").unwrap_or(&Value::Null);
        for (index, name) in self.list(listed, &names_path).iter().enumerate() {
            names.extend(self.text(name, &format!("{names_path}[{index}]")));
        }
        let closed_world = map
            .get("closedWorld")
            .and_then(|value| self.bool(value, &join(path, "closedWorld")));
        let Some(select) = map.get("select") else {
            self.fail(
                path,
                "does not say which pods it means",
                "`select` is needed, for example {namespace: shop, labels: {app: api}}",
            );
            return None;
        };
        Some(Workload {
            names,
            select: self.selects(select, &join(path, "select"))?,
            closed_world,
        })
    }

    fn selects(&mut self, value: &Value, path: &str) -> Option<Vec<Select>> {
        let made: Vec<Select> = match value {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .filter_map(|(index, item)| self.select(item, &format!("{path}[{index}]")))
                .collect(),
            one => self.select(one, path).into_iter().collect(),
        };
        if made.is_empty() && self.problems.is_empty() {
            self.fail(path, "selects nothing", "at least one selector is needed");
        }
        (!made.is_empty()).then_some(made)
    }

    fn select(&mut self, value: &Value, path: &str) -> Option<Select> {
        let allowed = [
            "namespace",
            "labels",
            "matchExpressions",
            "namespaceLabels",
            "owner",
        ];
        if value.get("container").is_some() {
            self.fail(
                &join(path, "container"),
                "selecting pods by a container is not supported",
                "select them by labels, namespaceLabels or owner",
            );
            return None;
        }
        let map = self.map(value, path, &allowed)?;
        if map.is_empty() {
            self.fail(
                path,
                "is empty, and would mean every pod",
                "say at least one of namespace, labels, matchExpressions, namespaceLabels, owner",
            );
            return None;
        }
        let mut requirements = self.labels(map.get("labels"), &join(path, "labels"));
        let listed_path = join(path, "matchExpressions");
        let listed = map.get("matchExpressions").unwrap_or(&Value::Null);
        for (index, item) in self.list(listed, &listed_path).iter().enumerate() {
            requirements.extend(self.expression(item, &format!("{listed_path}[{index}]")));
        }
        let namespaces = self.labels(map.get("namespaceLabels"), &join(path, "namespaceLabels"));
        let owner = match map.get("owner") {
            None => None,
            Some(value) => {
                let path = join(path, "owner");
                let text = self.text(value, &path)?;
                match text.split_once('/') {
                    Some((kind, name)) if !kind.is_empty() && !name.is_empty() => {
                        Some((kind.to_owned(), name.to_owned()))
                    }
                    _ => {
                        self.fail(
                            &path,
                            format!("is `{}`", tame(&text)),
                            "an owner is Kind/name, for example StatefulSet/mongo",
                        );
                        None
                    }
                }
            }
        };
        Some(Select {
            namespace: match map.get("namespace") {
                Some(value) => Some(self.text(value, &join(path, "namespace"))?),
                None => None,
            },
            namespaces: Selector::new(namespaces),
            pods: Selector::new(requirements),
            owner,
        })
    }

    fn labels(&mut self, value: Option<&Value>, path: &str) -> Vec<Requirement> {
        let mut labels = Labels::default();
        for (key, value) in self.entries(value.unwrap_or(&Value::Null), path) {
            match value {
                Value::String(text) => labels.insert(key.clone(), text.clone()),
                Value::Number(number) => labels.insert(key.clone(), number.to_string()),
                other => self.fail(
                    &join(path, key),
                    format!("is {}", what(other)),
                    "the value of a label is a text; quote true and false",
                ),
            }
        }
        Selector::from_labels(&labels).requirements().to_vec()
    }

    fn expression(&mut self, value: &Value, path: &str) -> Option<Requirement> {
        let map = self.map(value, path, &["key", "operator", "values"])?;
        let key = map.get("key").unwrap_or(&Value::Null);
        let key = self.text(key, &join(path, "key"))?;
        let values_path = join(path, "values");
        let listed = map.get("values").unwrap_or(&Value::Null);
        let mut values = std::collections::BTreeSet::new();
        for (index, value) in self.list(listed, &values_path).iter().enumerate() {
            values.extend(self.text(value, &format!("{values_path}[{index}]")));
        }
        let operators = [
            ("In", 0u8),
            ("NotIn", 1),
            ("Exists", 2),
            ("DoesNotExist", 3),
        ];
        let operator = map.get("operator").unwrap_or(&Value::Null);
        let operator = self.word(operator, &join(path, "operator"), &operators)?;
        if (operator < 2) == values.is_empty() {
            self.fail(
                &values_path,
                "does not fit the operator",
                "In and NotIn need values, Exists and DoesNotExist take none",
            );
            return None;
        }
        let test = match operator {
            0 => Test::In(values),
            1 => Test::NotIn(values),
            2 => Test::Exists,
            _ => Test::DoesNotExist,
        };
        Some(Requirement { key, test })
    }

    fn environment(
        &mut self,
        name: &str,
        value: &Value,
        path: &str,
        settings: Settings,
    ) -> Option<Environment> {
        let map = self.map(
            value,
            path,
            &[
                "extends",
                "closedWorld",
                "defaultDeny",
                "bind",
                "expect",
                "flows",
                "exceptions",
                "exposure",
                "cluster",
            ],
        )?;
        let mut made = Environment {
            name: name.to_owned(),
            at: self.at(path),
            extends: None,
            settings,
            closed_world: None,
            default_deny: Vec::new(),
            bind: Vec::new(),
            expect: Vec::new(),
            flows: Vec::new(),
            exceptions: Vec::new(),
            exposure: None,
            cni: None,
            enforces: None,
        };
        for (key, value) in map {
            let path = join(path, key);
            match key.as_str() {
                "extends" => made.extends = self.text(value, &path),
                "closedWorld" => made.closed_world = self.bool(value, &path),
                "defaultDeny" => {
                    for (index, item) in self.list(value, &path).iter().enumerate() {
                        let one = self.default_deny(item, &format!("{path}[{index}]"));
                        made.default_deny.extend(one);
                    }
                }
                "bind" => {
                    for (id, value) in self.entries(value, &path) {
                        made.bind.extend(self.bind(id, value, &join(&path, id)));
                    }
                }
                "expect" => {
                    for (id, value) in self.entries(value, &path) {
                        made.expect.extend(self.row(id, value, &join(&path, id)));
                    }
                }
                "flows" => {
                    for (index, item) in self.list(value, &path).iter().enumerate() {
                        made.flows
                            .extend(self.flow(item, &format!("{path}[{index}]")));
                    }
                }
                "exceptions" => {
                    for (index, item) in self.list(value, &path).iter().enumerate() {
                        let one = self.exception(item, &format!("{path}[{index}]"));
                        made.exceptions.extend(one);
                    }
                }
                "exposure" => {
                    let mut list = Vec::new();
                    for (index, item) in self.list(value, &path).iter().enumerate() {
                        list.extend(self.exposure(item, &format!("{path}[{index}]")));
                    }
                    made.exposure = Some(list);
                }
                "cluster" => {
                    if let Some(map) = self.map(value, &path, &["cni", "enforces"]) {
                        if let Some(value) = map.get("cni") {
                            let path = join(&path, "cni");
                            made.cni = self.text(value, &path).map(|cni| (cni, self.at(&path)));
                        }
                        if let Some(value) = map.get("enforces") {
                            let path = join(&path, "enforces");
                            made.enforces = self.bool(value, &path).map(|b| (b, self.at(&path)));
                        }
                    }
                }
                _ => {}
            }
        }
        Some(made)
    }

    fn default_deny(&mut self, value: &Value, path: &str) -> Option<DefaultDeny> {
        let map = self.map(value, path, &["namespace", "directions"])?;
        let namespace = map.get("namespace").unwrap_or(&Value::Null);
        let namespace = self.text(namespace, &join(path, "namespace"))?;
        let mut directions = Vec::new();
        let listed_path = join(path, "directions");
        let listed = map.get("directions").unwrap_or(&Value::Null);
        for (index, item) in self.list(listed, &listed_path).iter().enumerate() {
            let words = [
                ("ingress", Direction::Ingress),
                ("egress", Direction::Egress),
            ];
            directions.extend(self.word(item, &format!("{listed_path}[{index}]"), &words));
        }
        if directions.is_empty() {
            directions.extend(Direction::BOTH);
        }
        directions.sort_unstable();
        directions.dedup();
        Some(DefaultDeny {
            at: self.at(path),
            namespace,
            directions,
        })
    }

    fn bind(&mut self, id: &str, value: &Value, path: &str) -> Option<Named<Vec<Select>>> {
        self.known_workload(id, path);
        let map = self.map(value, path, &["select"])?;
        let select = map.get("select").unwrap_or(&Value::Null);
        Some(Named {
            id: id.to_owned(),
            at: self.at(path),
            value: self.selects(select, &join(path, "select"))?,
        })
    }

    fn known_workload(&mut self, id: &str, path: &str) {
        if self.workloads.iter().any(|known| known == id) {
            return;
        }
        let near = nearest(id, self.workloads.iter().map(String::as_str), 3).join(", ");
        self.fail(
            path,
            format!("there is no workload `{}`", tame(id)),
            if near.is_empty() {
                "define it under workloads".to_owned()
            } else {
                format!("define it under workloads; nearest: {near}")
            },
        );
    }

    fn row(&mut self, id: &str, value: &Value, path: &str) -> Option<Row> {
        self.known_workload(id, path);
        let map = self.map(
            value,
            path,
            &[
                "ingress", "egress", "ingress+", "ingress-", "egress+", "egress-",
            ],
        )?;
        let mut row = Row {
            workload: id.to_owned(),
            at: self.at(path),
            ingress: None,
            egress: None,
            patches: Vec::new(),
        };
        for (key, value) in map {
            let path = join(path, key);
            let direction = if key.starts_with("ingress") {
                Direction::Ingress
            } else {
                Direction::Egress
            };
            match key.as_str() {
                "ingress" => row.ingress = self.cell(value, &path, direction),
                "egress" => row.egress = self.cell(value, &path, direction),
                "ingress+" | "ingress-" | "egress+" | "egress-" => row.patches.push(Patch {
                    at: self.at(&path),
                    direction,
                    adds: key.ends_with('+'),
                    rules: self.rules(value, &path, direction),
                }),
                _ => {}
            }
        }
        Some(row)
    }

    fn cell(&mut self, value: &Value, path: &str, direction: Direction) -> Option<Cell> {
        let content = match value {
            Value::String(word) if word == "deny" => Content::Deny,
            Value::String(word) if word == "any" => Content::Any,
            Value::Array(items) if items.is_empty() => Content::Deny,
            Value::Array(_) => Content::Rules {
                rules: self.rules(value, path, direction),
                removed: Vec::new(),
            },
            other => {
                self.fail(
                    path,
                    format!("is {}", what(other)),
                    "allowed are deny, any, or a list of rules such as [\"53 -> dns\", \"27017 -> mongo\"]",
                );
                return None;
            }
        };
        Some(Cell {
            at: self.at(path),
            content,
        })
    }

    fn rules(&mut self, value: &Value, path: &str, direction: Direction) -> Vec<Rule> {
        let mut made = Vec::new();
        for (index, item) in self.list(value, path).iter().enumerate() {
            made.extend(self.rule(item, &format!("{path}[{index}]"), direction));
        }
        made
    }

    fn rule(&mut self, value: &Value, path: &str, direction: Direction) -> Option<Rule> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            long => return self.long_rule(long, path, direction),
        };
        let arrows =
            "a rule is `ports -> peers` in egress, `ports <- peers` in ingress, or ports alone";
        let read = match short::rule(&text) {
            Ok(read) => read,
            Err(message) => {
                self.fail(path, tame(&message).into_owned(), arrows);
                return None;
            }
        };
        let peers = match read.peers {
            Some((arrow, _)) if arrow != direction => {
                self.fail(
                    path,
                    format!("`{}` points the other way than {direction}", tame(&text)),
                    arrows,
                );
                return None;
            }
            Some((_, peers)) => Some(peers),
            None => None,
        };
        for peer in peers.iter().flatten() {
            self.known_peer(peer, path);
        }
        Some(Rule {
            at: self.at(path),
            ports: read.ports,
            peers,
            level: Level::Must,
            via_service: false,
            remarks: Remarks::default(),
        })
    }

    fn long_rule(&mut self, value: &Value, path: &str, direction: Direction) -> Option<Rule> {
        let (own, other) = match direction {
            Direction::Ingress => ("from", "to"),
            Direction::Egress => ("to", "from"),
        };
        if value.get(other).is_some() {
            self.fail(
                &join(path, other),
                format!("an {direction} rule has no `{other}`"),
                format!("write `{own}`: the other end is the workload itself"),
            );
            return None;
        }
        let mut allowed = vec!["ports", own, "level", "via"];
        allowed.extend(REMARKS);
        let map = self.map(value, path, &allowed)?;
        let ports = self.ports(map.get("ports"), &join(path, "ports"))?;
        let peers = match map.get(own) {
            Some(value) => Some(self.peers(value, &join(path, own))?),
            None => None,
        };
        let level = match map.get("level") {
            Some(value) => self.level(value, &join(path, "level"))?,
            None => Level::Must,
        };
        Some(Rule {
            at: self.at(path),
            ports,
            peers,
            level,
            via_service: self.via_service(map, path)?,
            remarks: self.remarks(map, path),
        })
    }

    fn level(&mut self, value: &Value, path: &str) -> Option<Level> {
        let words = [
            ("must", Level::Must),
            ("may", Level::May),
            ("never", Level::Never),
        ];
        self.word(value, path, &words)
    }

    fn via_service(&mut self, map: &Map<String, Value>, path: &str) -> Option<bool> {
        match map.get("via") {
            None => Some(false),
            Some(value) => self.word(value, &join(path, "via"), &[("service", true)]),
        }
    }

    fn remarks(&mut self, map: &Map<String, Value>, path: &str) -> Remarks {
        let mut made = Remarks::default();
        for (key, value) in map {
            let path = join(path, key);
            match key.as_str() {
                "why" => made.why = self.text(value, &path),
                "owner" => made.owner = self.text(value, &path),
                "ticket" => made.ticket = self.text(value, &path),
                "expires" => {
                    made.expires = value.as_str().and_then(|text| text.parse::<Date>().ok());
                    if made.expires.is_none() {
                        self.fail(
                            &path,
                            format!("{} is no date", what(value)),
                            "a date is written as 2026-03-31",
                        );
                    }
                }
                "severity" => {
                    let words = [
                        ("error", Severity::Error),
                        ("warning", Severity::Warning),
                        ("info", Severity::Info),
                    ];
                    made.severity = self.word(value, &path, &words);
                }
                "src" => {
                    let place = self.text(value, &path).unwrap_or_default();
                    let place = place.rsplit_once(':').and_then(|(file, line)| {
                        Some(SourceRef {
                            file: tame(file).into(),
                            line: line.parse().ok()?,
                        })
                    });
                    if place.is_none() {
                        self.fail(
                            &path,
                            format!("{} is no place", what(value)),
                            "a place is FILE:LINE",
                        );
                    }
                    made.src = place;
                }
                _ => {}
            }
        }
        made
    }

    fn ports(&mut self, value: Option<&Value>, path: &str) -> Option<Vec<PortWord>> {
        let help = "ports are any, 80, 8000-8010, 53/udp or a port name, or a list of these";
        let texts: Vec<String> = match value {
            Some(Value::String(text)) => vec![text.clone()],
            Some(Value::Number(number)) => vec![number.to_string()],
            Some(Value::Array(items)) if !items.is_empty() => items
                .iter()
                .filter_map(|item| match item {
                    Value::String(text) => Some(text.clone()),
                    Value::Number(number) => Some(number.to_string()),
                    other => {
                        self.fail(path, format!("holds {}", what(other)), help);
                        None
                    }
                })
                .collect(),
            other => {
                let found = other.map_or_else(|| "missing".to_owned(), what);
                self.fail(path, format!("is {found}"), help);
                return None;
            }
        };
        let mut made = Vec::new();
        for text in texts {
            match short::ports(&text) {
                Ok(words) => made.extend(words),
                Err(message) => self.fail(path, tame(&message).into_owned(), help),
            }
        }
        (!made.is_empty()).then_some(made)
    }

    fn peers(&mut self, value: &Value, path: &str) -> Option<Vec<PeerWord>> {
        let help = "a peer is a workload, a peers entry, a network, or one of any, cluster, dns, elsewhere, external, internet, k8s-api, node; or a list of these";
        let texts: Vec<(String, String)> = match value {
            Value::String(text) => vec![(path.to_owned(), text.clone())],
            Value::Array(items) if !items.is_empty() => {
                let mut texts = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    match item.as_str() {
                        Some(text) => texts.push((path, text.to_owned())),
                        None => self.fail(&path, format!("is {}", what(item)), help),
                    }
                }
                texts
            }
            other => {
                self.fail(path, format!("is {}", what(other)), help);
                return None;
            }
        };
        let mut made = Vec::new();
        for (path, text) in texts {
            match short::peers(&text) {
                Ok(words) => {
                    for word in &words {
                        self.known_peer(word, &path);
                    }
                    made.extend(words);
                }
                Err(message) => self.fail(&path, tame(&message).into_owned(), help),
            }
        }
        (!made.is_empty()).then_some(made)
    }

    fn known_peer(&mut self, peer: &PeerWord, path: &str) {
        let PeerWord::Name(name) = peer else { return };
        let known = || {
            let own = self.workloads.iter().chain(&self.peers);
            own.map(String::as_str).chain(BUILT_IN)
        };
        if known().any(|known| known == name) {
            return;
        }
        let near = nearest(name, known(), 3).join(", ");
        self.fail(
            path,
            format!("`{}` is no workload, no peer and no known word", tame(name)),
            format!("nearest: {near}"),
        );
    }

    fn flow(&mut self, value: &Value, path: &str) -> Option<Flow> {
        let mut allowed = vec![
            "name", "from", "to", "ports", "verdict", "level", "via", "except", "by",
        ];
        allowed.extend(REMARKS);
        let map = self.map(value, path, &allowed)?;
        let null = Value::Null;
        let get = |key: &str| map.get(key).unwrap_or(&null);
        let name = self.text(get("name"), &join(path, "name"))?;
        let from = self.peers(get("from"), &join(path, "from"))?;
        let to = self.peers(get("to"), &join(path, "to"))?;
        let except = match map.get("except") {
            Some(value) => self.peers(value, &join(path, "except"))?,
            None => Vec::new(),
        };
        let ports = self.ports(map.get("ports"), &join(path, "ports"))?;
        let verdicts = [("allow", true), ("deny", false)];
        let allow = self.word(get("verdict"), &join(path, "verdict"), &verdicts)?;
        let level = match map.get("level") {
            Some(value) => {
                let words = [("must", Level::Must), ("may", Level::May)];
                self.word(value, &join(path, "level"), &words)?
            }
            None => Level::Must,
        };
        let by = match map.get("by") {
            Some(value) => self.text(value, &join(path, "by")),
            None => None,
        };
        Some(Flow {
            at: self.at(path),
            name,
            from,
            to,
            except,
            ports,
            allow,
            level,
            via_service: self.via_service(map, path)?,
            by,
            remarks: self.remarks(map, path),
        })
    }

    fn exception(&mut self, value: &Value, path: &str) -> Option<Exception> {
        let mut allowed = vec!["id", "from", "to", "ports"];
        allowed.extend(REMARKS);
        let map = self.map(value, path, &allowed)?;
        let null = Value::Null;
        let get = |key: &str| map.get(key).unwrap_or(&null);
        Some(Exception {
            at: self.at(path),
            id: self.text(get("id"), &join(path, "id"))?,
            from: self.peers(get("from"), &join(path, "from"))?,
            to: self.peers(get("to"), &join(path, "to"))?,
            ports: self.ports(map.get("ports"), &join(path, "ports"))?,
            remarks: self.remarks(map, path),
        })
    }

    fn exposure(&mut self, value: &Value, path: &str) -> Option<Exposure> {
        let keys = ["workload", "via", "host", "port", "class", "tls"];
        let map = self.map(value, path, &keys)?;
        let null = Value::Null;
        let workload = map.get("workload").unwrap_or(&null);
        let workload = self.text(workload, &join(path, "workload"))?;
        if workload != "*" {
            self.known_workload(&workload, &join(path, "workload"));
        }
        let via = map.get("via").unwrap_or(&null);
        let vias = VIAS.map(|word| (word, word));
        let via = self.word(via, &join(path, "via"), &vias)?.to_owned();
        let mut optional = |key: &str| {
            map.get(key)
                .and_then(|value| self.text(value, &join(path, key)))
        };
        let (host, port, class, tls) = (
            optional("host"),
            optional("port"),
            optional("class"),
            optional("tls"),
        );
        if let Some(text) = &port
            && let Err(message) = short::ports(text)
        {
            self.fail(
                &join(path, "port"),
                tame(&message).into_owned(),
                "a port, or a comma list of ports",
            );
        }
        Some(Exposure {
            at: self.at(path),
            workload,
            via,
            host,
            port,
            class,
            tls,
        })
    }

    /// What only the whole file shows: names given twice, environments that build on each other, and contradictions.
    fn check(&mut self, read: &Expectations) {
        let names: Vec<&str> = read.environments.iter().map(|e| e.name.as_str()).collect();
        for env in &read.environments {
            let path = format!("environments.{}", env.name);
            if let Some(parent) = &env.extends {
                if !names.contains(&parent.as_str()) {
                    self.fail(
                        &format!("{path}.extends"),
                        format!("there is no environment `{}`", tame(parent)),
                        format!("environments here: {}", names.join(", ")),
                    );
                    continue;
                }
                if cycle(read, &env.name) {
                    self.fail(
                        &format!("{path}.extends"),
                        "environments extend each other in a circle",
                        "take one `extends` out",
                    );
                    continue;
                }
            }
            let parent = env.extends.as_deref().and_then(|name| read.resolve(name));
            self.check_patches(&path, env, parent.as_ref());
            for (what, mut keys) in [
                (
                    "flows",
                    env.flows
                        .iter()
                        .map(|f| f.name.as_str())
                        .collect::<Vec<_>>(),
                ),
                (
                    "exceptions",
                    env.exceptions.iter().map(|e| e.id.as_str()).collect(),
                ),
            ] {
                keys.sort_unstable();
                for pair in keys.windows(2).filter(|pair| pair[0] == pair[1]) {
                    self.fail(
                        &format!("{path}.{what}"),
                        format!("two have the name `{}`", tame(pair[0])),
                        "names are unique within an environment: others replace them by name",
                    );
                }
            }
            if let Some(resolved) = read.resolve(&env.name) {
                self.check_flows(&path, &resolved);
            }
        }
    }

    fn check_patches(&mut self, path: &str, env: &Environment, parent: Option<&Environment>) {
        for row in &env.expect {
            for patch in &row.patches {
                let above = || parent?.expect.iter().find(|r| r.workload == row.workload);
                let own = row.cell(patch.direction);
                let base = own.or_else(|| above().and_then(|row| row.cell(patch.direction)));
                let problem = match base.map(|cell| &cell.content) {
                    None => "there is nothing to change: that direction is not listed",
                    Some(Content::Any) => "there is nothing to change: that direction is `any`",
                    Some(Content::Deny) if !patch.adds => {
                        "there is nothing to take out: that direction is `deny`"
                    }
                    Some(_) => continue,
                };
                let sign = if patch.adds { '+' } else { '-' };
                self.fail(
                    &format!("{path}.expect.{}.{}{sign}", row.workload, patch.direction),
                    problem,
                    "write the whole list instead",
                );
            }
        }
    }

    /// The same flow asked for and forbidden.
    fn check_flows(&mut self, path: &str, env: &Environment) {
        for denied in env.flows.iter().filter(|flow| !flow.allow) {
            for allowed in env.flows.iter().filter(|flow| flow.allow) {
                let ends_meet = denied.from.iter().any(|end| allowed.from.contains(end))
                    && denied.to.iter().any(|end| allowed.to.contains(end));
                let numbers = |words: &[PortWord]| {
                    words
                        .iter()
                        .fold(crate::model::PortSet::empty(), |all, word| {
                            all.union(&word.numbers())
                        })
                };
                let ports = numbers(&denied.ports).intersection(&numbers(&allowed.ports));
                if ends_meet && !ports.is_empty() {
                    self.fail(
                        &format!("{path}.flows"),
                        format!(
                            "`{}` allows what `{}` denies, on {ports}",
                            tame(&allowed.name),
                            tame(&denied.name)
                        ),
                        "a flow is either wanted or not: take one out, or name what is excepted",
                    );
                }
            }
        }
    }
}

fn cycle(read: &Expectations, start: &str) -> bool {
    let mut name = start.to_owned();
    for _ in 0..=read.environments.len() {
        let env = read.environments.iter().find(|env| env.name == name);
        match env.and_then(|env| env.extends.clone()) {
            None => return false,
            Some(parent) => name = parent,
        }
    }
    true
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
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "apiVersion: netseg/v1\nkind: Expectations\nmetadata: {name: t}\nworkloads:\n  a: {select: {namespace: x, labels: {app: a}}}\n  b: {select: {namespace: x, labels: {app: b}}}\nenvironments:\n";

    /// The problems of a file whose environments begin on line 8, one line each: place, message, help.
    fn problems(environments: &str) -> Vec<String> {
        let told = read("e.yaml", &format!("{HEAD}{environments}")).err();
        told.unwrap_or_default()
            .iter()
            .map(|d| {
                format!(
                    "{} {} ({})",
                    d.source.as_ref().unwrap(),
                    d.message,
                    d.help.as_deref().unwrap_or_default()
                )
            })
            .collect()
    }

    #[test]
    fn mistakes_are_told_with_their_line_and_what_is_allowed() {
        for (text, expected) in [
            (
                "  dev:\n    expects: {}\n",
                "e.yaml:9 environments.dev.expects: there is no such key here (allowed are extends, closedWorld, defaultDeny, bind, expect, flows, exceptions, exposure, cluster)",
            ),
            (
                "  dev:\n    expect:\n      a:\n        ingress:\n        - 80\n        - 70000\n",
                "e.yaml:13 environments.dev.expect.a.ingress[1]: `70000` is no port; ports run from 1 to 65535 (a rule is `ports -> peers` in egress, `ports <- peers` in ingress, or ports alone)",
            ),
            (
                "  dev: {expect: {a: {egress: [\"80 <- b\"]}}}\n",
                "e.yaml:8 environments.dev.expect.a.egress[0]: `80 <- b` points the other way than egress (a rule is `ports -> peers` in egress, `ports <- peers` in ingress, or ports alone)",
            ),
            (
                "  dev: {expect: {a: {egress: [\"80 -> bb\"]}}}\n",
                "e.yaml:8 environments.dev.expect.a.egress[0]: `bb` is no workload, no peer and no known word (nearest: b, a, any)",
            ),
            (
                "  dev: {expect: {c: {egress: deny}}}\n",
                "e.yaml:8 environments.dev.expect.c: there is no workload `c` (define it under workloads; nearest: a, b)",
            ),
            (
                "  dev: {expect: {a: {egress: none}}}\n",
                "e.yaml:8 environments.dev.expect.a.egress: is `none` (allowed are deny, any, or a list of rules such as [\"53 -> dns\", \"27017 -> mongo\"])",
            ),
            (
                "  dev: {extends: base}\n",
                "e.yaml:8 environments.dev.extends: there is no environment `base` (environments here: dev)",
            ),
            (
                "  dev: {exceptions: [{id: E, from: a, to: b, ports: 80, expires: 31.3.2026}]}\n",
                "e.yaml:8 environments.dev.exceptions[0].expires: `31.3.2026` is no date (a date is written as 2026-03-31)",
            ),
            (
                "  dev: {flows: [{name: f, from: a, to: b, ports: 80, verdict: allow}, {name: g, from: a, to: b, ports: any, verdict: deny}]}\n",
                "e.yaml:8 environments.dev.flows: `f` allows what `g` denies, on 80/TCP (a flow is either wanted or not: take one out, or name what is excepted)",
            ),
            (
                "  dev: {expect: {a: {\"egress+\": [\"80 -> b\"]}}}\n",
                "e.yaml:8 environments.dev.expect.a.egress+: there is nothing to change: that direction is not listed (write the whole list instead)",
            ),
        ] {
            assert_eq!(problems(text), [expected], "{text}");
        }
    }

    #[test]
    fn one_mistake_does_not_hide_the_next() {
        let told =
            problems("  dev:\n    expect:\n      a: {ingress: [x/y]}\n      b: {ingress: 5}\n");
        let lines: Vec<&str> = told.iter().map(|t| &t[..9]).collect();
        assert_eq!(lines, ["e.yaml:10", "e.yaml:11"]);
    }

    #[test]
    fn environments_that_extend_each_other_are_refused() {
        let told = problems("  dev: {extends: prod}\n  prod: {extends: dev}\n");
        assert_eq!(told.len(), 2);
        assert!(told[0].contains("in a circle"), "{told:?}");
    }

    #[test]
    fn what_is_not_supported_is_refused() {
        let text = "apiVersion: netseg/v1\nkind: Expectations\nworkloads:\n  m: {select: {container: istio-proxy}}\nenvironments: {base: {}}\n";
        let told = read("e.yaml", text).unwrap_err();
        assert_eq!(told[0].source.as_ref().unwrap().line, 4);
        assert_eq!(
            told[0].message,
            "workloads.m.select.container: selecting pods by a container is not supported"
        );
    }

    #[test]
    fn a_name_that_already_means_something_is_refused() {
        let text = "apiVersion: netseg/v1\nkind: Expectations\npeers:\n  internet: {cidr: 0.0.0.0/0}\nenvironments: {base: {}}\n";
        let told = read("e.yaml", text).unwrap_err();
        assert_eq!(
            told[0].message,
            "peers.internet: this name already means something"
        );
    }

    #[test]
    fn another_kind_of_file_is_no_expectation() {
        let told = read("e.yaml", "apiVersion: v1\nkind: Pod\n").unwrap_err();
        assert_eq!(told[0].message, "apiVersion: is `v1`");
        assert_eq!(told[0].help.as_deref(), Some("netseg/v1 is needed"));
        assert!(read("e.yaml", "").is_err());
        assert!(read("e.yaml", "a: [").is_err());
    }
}
