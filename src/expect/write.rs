//! Expectations back to `netseg/v1` text that a person would be happy to own.
//!
//! Everything stands in the order in which it was read; ports of the same peer share a rule; what is said anyway is left out.

mod layout;
mod quote;
mod rules;
mod who;

use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::model::{Direction, Severity, SourceRef};
use crate::text::tame;

use super::Exposure;
use super::file::{
    Block, Cell, Content, DnsTcp, Environment, Expectations, K8sApi, Level, Named, Note, Row, Rule,
    Settings, Source, Workload,
};
use layout::{Entry, Node};
use quote::scalar;
use who::selects;

/// What the places of expectations are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Places {
    /// Lines of `netseg/v1` files: the text that is written has lines of its own, and keeps only each `src`.
    OfFiles,
    /// Lines of the document they were just made from: each becomes a `src`.
    OfDocument,
}

/// Writes expectations as one file.
///
/// `rows` holds the text of the document's lines; where a row of `expect` names such a line, its text stands beside it as a
/// comment. `None` when environments have different settings (they come from several files then, and one file cannot say so).
pub fn write(
    expectations: &Expectations,
    places: Places,
    rows: &BTreeMap<SourceRef, String>,
) -> Option<String> {
    let mut settings = expectations.environments.iter().map(|env| env.settings);
    let first = settings.next().unwrap_or_default();
    if settings.any(|other| other != first) {
        return None;
    }
    let writer = Writer {
        places,
        rows,
        origins: false,
    };
    Some(writer.file(expectations, first))
}

/// The same file as JSON, which is read as well as YAML; its comments are left behind.
///
/// `text` is what [`write()`] or [`write_resolved`] returned.
pub fn as_json(text: &str) -> String {
    let value: serde_json::Value = crate::yaml::read(text).unwrap_or_default();
    let mut json = serde_json::to_string_pretty(&value).unwrap_or_default();
    json.push('\n');
    json
}

/// Writes one environment with everything it extends applied, and behind each line where it comes from. It is a file of its own
/// with that one environment, which means the same. `None` when there is no such environment.
pub fn write_resolved(expectations: &Expectations, environment: &str) -> Option<String> {
    let mut resolved = expectations.resolve(environment)?;
    let mut about = vec![environment];
    let mut parent = resolved_parent(expectations, environment);
    while let Some(name) = parent.filter(|name| !about.contains(name)) {
        about.push(name);
        parent = resolved_parent(expectations, name);
    }
    resolved.extends = None;
    let is_about = |source: &&Source| {
        let env = source.env.as_deref();
        env.is_none_or(|env| about.contains(&env))
    };
    let sources = expectations.sources.iter().filter(is_about).cloned();
    let settings = resolved.settings;
    let alone = Expectations {
        names: expectations.names.clone(),
        sources: sources
            .map(|source| Source {
                env: Some(environment.to_owned()),
                ..source
            })
            .collect(),
        peers: expectations.peers.clone(),
        workloads: expectations.workloads.clone(),
        environments: vec![resolved],
    };
    let writer = Writer {
        places: Places::OfFiles,
        rows: &BTreeMap::new(),
        origins: true,
    };
    Some(writer.file(&alone, settings))
}

fn resolved_parent<'e>(expectations: &'e Expectations, name: &str) -> Option<&'e str> {
    let mut all = expectations.environments.iter();
    all.find(|env| env.name == name)?.extends.as_deref()
}

struct Writer<'a> {
    places: Places,
    rows: &'a BTreeMap<SourceRef, String>,
    /// Behind each line, where it comes from.
    origins: bool,
}

/// A text where the format takes one; blanks around it mean nothing there.
fn text(value: &str) -> Entry {
    Node::Scalar(scalar(value.trim())).into()
}

fn word(value: &str) -> Entry {
    Node::Scalar(value.to_owned()).into()
}

fn texts<'t>(values: impl IntoIterator<Item = &'t String>) -> Entry {
    Node::List(values.into_iter().map(|value| text(value)).collect()).into()
}

fn nets(values: &[IpNet]) -> Entry {
    let of = |net: &IpNet| text(&net.to_string());
    Node::List(values.iter().map(of).collect()).into()
}

/// The entries of a mapping, in the order in which they are added.
#[derive(Default)]
struct Entries(Vec<(String, Entry)>);

impl Entries {
    fn add(&mut self, key: &str, entry: impl Into<Entry>) {
        self.0.push((scalar(key), entry.into()));
    }

    /// An optional text; one without content is none.
    fn text(&mut self, key: &str, value: Option<&String>) {
        if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
            self.add(key, text(value));
        }
    }

    fn place(&mut self, src: Option<&SourceRef>) {
        if let Some(src) = src {
            self.add("src", text(&src.to_string()));
        }
    }

    fn map(self) -> Node {
        Node::Map(self.0)
    }
}

impl Writer<'_> {
    /// The place in the document, of something at a place of its own.
    fn src(&self, src: Option<&SourceRef>, at: &SourceRef) -> Option<SourceRef> {
        let own = (self.places == Places::OfDocument).then_some(at);
        src.or(own).cloned()
    }

    fn origin(&self, at: &SourceRef) -> Option<String> {
        self.origins.then(|| tame(&at.to_string()).into_owned())
    }

    fn file(&self, all: &Expectations, settings: Settings) -> String {
        let mut file = Entries::default();
        file.add("apiVersion", word("netseg/v1"));
        file.add("kind", word("Expectations"));
        let sources = sources(all);
        let mut metadata = Entries::default();
        metadata.text("name", Some(&all.name()));
        if !sources.is_empty() {
            let listed = sources.iter().map(source).collect();
            metadata.add("sources", Node::List(listed));
        }
        if !metadata.0.is_empty() {
            file.add("metadata", metadata.map());
        }
        let settings = self::settings(settings);
        if !settings.0.is_empty() {
            file.add("settings", settings.map());
        }
        let mut section = |key: &str, entries: Entries| {
            if !entries.0.is_empty() {
                file.add(key, Entry::open(entries.map()));
            }
        };
        let mut peers = Entries::default();
        for peer in &all.peers {
            peers.add(&peer.id, self.peer(peer));
        }
        section("peers", peers);
        let mut workloads = Entries::default();
        for workload in &all.workloads {
            workloads.add(&workload.id, self.workload(workload));
        }
        section("workloads", workloads);
        let mut environments = Entries::default();
        for env in &all.environments {
            let inferred = sources.iter().any(|s| s.inferred && s.is_about(&env.name));
            let default = if inferred { Level::May } else { Level::Must };
            environments.add(&env.name, Entry::open(self.environment(env, default)));
        }
        section("environments", environments);
        let mut out = String::new();
        layout::map(&file.0, 0, &mut out);
        out
    }

    fn peer(&self, peer: &Named<Block>) -> Entry {
        let mut map = Entries::default();
        map.add("cidr", nets(&peer.value.cidr));
        if !peer.value.except.is_empty() {
            map.add("except", nets(&peer.value.except));
        }
        map.place(self.src(peer.src.as_ref(), &peer.at).as_ref());
        Entry::from(map.map()).comment(self.origin(&peer.at))
    }

    fn workload(&self, workload: &Named<Workload>) -> Entry {
        let value = &workload.value;
        let mut map = Entries::default();
        if !value.names.is_empty() {
            map.add("names", texts(&value.names));
        }
        if !value.select.is_empty() {
            map.add("select", selects(&value.select));
        }
        if let Some(flag) = value.closed_world {
            map.add("closedWorld", word(if flag { "true" } else { "false" }));
        }
        map.place(self.src(workload.src.as_ref(), &workload.at).as_ref());
        Entry::from(map.map()).comment(self.origin(&workload.at))
    }

    fn environment(&self, env: &Environment, default: Level) -> Node {
        let mut made = Entries::default();
        made.text("extends", env.extends.as_ref());
        if let Some(flag) = env.closed_world {
            made.add("closedWorld", word(if flag { "true" } else { "false" }));
        }
        if !env.default_deny.is_empty() {
            let denies = env.default_deny.iter().map(|deny| {
                let mut map = Entries::default();
                map.add("namespace", text(&deny.namespace));
                if deny.directions.len() == 1 {
                    let words = deny.directions.iter().map(|d| word(&d.to_string()));
                    map.add("directions", Node::List(words.collect()));
                }
                map.place(self.src(deny.src.as_ref(), &deny.at).as_ref());
                Entry::from(map.map()).comment(self.origin(&deny.at))
            });
            made.add("defaultDeny", Node::List(denies.collect()));
        }
        if !env.bind.is_empty() {
            let mut binds = Entries::default();
            for bind in &env.bind {
                let mut map = Entries::default();
                map.add("select", selects(&bind.value));
                map.place(self.src(bind.src.as_ref(), &bind.at).as_ref());
                let entry = Entry::from(map.map()).comment(self.origin(&bind.at));
                binds.add(&bind.id, entry);
            }
            made.add("bind", Entry::open(binds.map()));
        }
        if !env.expect.is_empty() {
            let mut rows = Entries::default();
            for row in &env.expect {
                rows.add(&row.workload, self.row(row, default));
            }
            made.add("expect", Entry::open(rows.map()));
        }
        if !env.flows.is_empty() {
            let flows = env.flows.iter().map(|flow| self.flow(flow, default));
            made.add("flows", Entry::open(Node::List(flows.collect())));
        }
        if !env.exceptions.is_empty() {
            let exceptions = env.exceptions.iter().map(|e| self.exception(e));
            made.add("exceptions", Entry::open(Node::List(exceptions.collect())));
        }
        if let Some(ways) = &env.exposure {
            let ways = ways.iter().map(|way| self.way(way));
            made.add("exposure", Entry::open(Node::List(ways.collect())));
        }
        let mut cluster = Entries::default();
        if let Some((cni, at)) = env.cni.as_ref().filter(|(cni, _)| !cni.trim().is_empty()) {
            cluster.add("cni", text(cni).comment(self.origin(at)));
        }
        if let Some((flag, at)) = &env.enforces {
            let flag = word(if *flag { "true" } else { "false" });
            cluster.add("enforces", flag.comment(self.origin(at)));
        }
        if !cluster.0.is_empty() {
            made.add("cluster", cluster.map());
        }
        let notes = self.notes(env);
        if !notes.is_empty() {
            made.add("notes", Entry::open(Node::List(notes)));
        }
        made.map()
    }

    fn way(&self, way: &Exposure) -> Entry {
        let mut map = Entries::default();
        map.add("workload", text(&way.workload));
        map.add("via", text(&way.via));
        map.text("host", way.host.as_ref());
        if let Some(port) = &way.port {
            map.add("port", rules::port_text(port));
        }
        map.text("class", way.class.as_ref());
        map.text("tls", way.tls.as_ref());
        map.place(self.src(way.src.as_ref(), &way.at).as_ref());
        Entry::from(map.map()).comment(self.origin(&way.at))
    }

    fn notes(&self, env: &Environment) -> Vec<Entry> {
        // What could not be read has no form of its own; it must not be lost all the same.
        let unread = env.unread.iter().map(|unread| Note {
            at: unread.at.clone(),
            text: match unread.workload.as_str() {
                "" => format!("not read: {}", unread.why),
                id => format!("not read, {} of {id}: {}", unread.direction, unread.why),
            },
            src: None,
        });
        let notes = env.notes.iter().cloned().chain(unread);
        notes
            .filter(|note| !note.text.trim().is_empty())
            .map(|note| {
                let entry = match self.src(note.src.as_ref(), &note.at) {
                    None => text(&note.text),
                    Some(src) => {
                        let mut map = Entries::default();
                        map.add("text", text(&note.text));
                        map.place(Some(&src));
                        map.map().into()
                    }
                };
                entry.comment(self.origin(&note.at))
            })
            .collect()
    }

    fn row(&self, row: &Row, default: Level) -> Entry {
        let src = self.row_src(row);
        let comment = src.as_ref().and_then(|src| self.rows.get(src));
        let mut map = Entries::default();
        if let Some(src) = &src {
            let comment = comment.map(|text| tame(text.trim()).into_owned());
            map.add("src", text(&src.to_string()).comment(comment));
        }
        for direction in Direction::BOTH.into_iter().rev() {
            let list = |rules: &[&Rule]| self.rules(rules, direction, src.as_ref(), default);
            let mut removed = Vec::new();
            if let Some(cell) = row.cell(direction) {
                let entry = match &cell.content {
                    Content::Any => word("any"),
                    Content::Rules { rules, removed: r } if !rules.is_empty() => {
                        removed.extend(r);
                        list(&rules.iter().collect::<Vec<_>>())
                    }
                    Content::Deny | Content::Rules { .. } => word("deny"),
                };
                let origin = entry.comment.clone().or_else(|| self.origin(&cell.at));
                map.add(direction.as_str(), entry.comment(origin));
            }
            let patched = |adds: bool| {
                let patches = row.patches.iter();
                let of = patches.filter(move |p| p.direction == direction && p.adds == adds);
                of.flat_map(|patch| &patch.rules)
            };
            removed.extend(patched(false));
            for (sign, rules) in [('+', patched(true).collect()), ('-', removed)] {
                if !rules.is_empty() {
                    map.add(&format!("{direction}{sign}"), list(&rules));
                }
            }
        }
        // With or without the text of its line, a row keeps its form.
        Entry {
            open: src.is_some(),
            ..Entry::from(map.map())
        }
        .comment(self.origin(&row.at))
    }

    /// The place that a row gives to its cells and rules. Inherited ones may have come from elsewhere: what can say so itself
    /// does, so those that cannot have the first say.
    fn row_src(&self, row: &Row) -> Option<SourceRef> {
        let cells = || [&row.ingress, &row.egress].into_iter().flatten();
        let is_word = |cell: &&Cell| !matches!(cell.content, Content::Rules { .. });
        let of_word = cells()
            .filter(is_word)
            .find_map(|cell| self.src(cell.src.as_ref(), &cell.at));
        let patched = row.patches.iter().flat_map(|patch| &patch.rules);
        let mut rules = cells()
            .flat_map(|cell| match &cell.content {
                Content::Rules { rules, removed } => [rules.as_slice(), removed.as_slice()],
                Content::Deny | Content::Any => [&[][..], &[]],
            })
            .flatten()
            .chain(patched);
        of_word.or_else(|| {
            let own = self.src(row.src.as_ref(), &row.at)?;
            rules
                .all(|rule| self.rule_src(rule).is_some())
                .then_some(own)
        })
    }

    fn rule_src(&self, rule: &Rule) -> Option<SourceRef> {
        self.src(rule.remarks.src.as_ref(), &rule.at)
    }
}

/// The documents, none of them `inferred` where something demands all the same: read again, it would demand no longer.
fn sources(all: &Expectations) -> Vec<Source> {
    let soft = |source: &Source| {
        let mut about = all.environments.iter().filter(|e| source.is_about(&e.name));
        about.all(|env| !demands(env))
    };
    let made = all.sources.iter().map(|source| Source {
        inferred: source.inferred && soft(source),
        ..source.clone()
    });
    made.collect()
}

fn demands(env: &Environment) -> bool {
    let cells = |row: &Row| {
        let cells = [row.ingress.clone(), row.egress.clone()];
        let listed = cells.into_iter().flatten().any(|cell| match cell.content {
            Content::Rules { rules, removed } => rules
                .iter()
                .chain(&removed)
                .any(|rule| rule.level == Level::Must),
            Content::Deny | Content::Any => false,
        });
        let mut patched = row.patches.iter().flat_map(|patch| &patch.rules);
        listed || patched.any(|rule| rule.level == Level::Must)
    };
    env.expect.iter().any(cells) || env.flows.iter().any(|flow| flow.level == Level::Must)
}

fn source(source: &Source) -> Entry {
    let mut map = Entries::default();
    map.text("file", source.file.as_ref());
    if let Some(line) = source.line {
        map.add("line", word(&line.to_string()));
    }
    map.text("env", source.env.as_ref());
    if source.inferred {
        map.add("inferred", word("true"));
    }
    map.map().into()
}

fn settings(settings: Settings) -> Entries {
    let usual = Settings::default();
    let mut map = Entries::default();
    if settings.closed_world != usual.closed_world {
        map.add("closedWorld", word("false"));
    }
    if settings.documented_peers_only != usual.documented_peers_only {
        map.add("unspecifiedPeer", word("documented"));
    }
    if settings.dns_tcp != usual.dns_tcp {
        map.add(
            "dnsTcp",
            word(match settings.dns_tcp {
                DnsTcp::Require => "require",
                DnsTcp::Warn => "warn",
                DnsTcp::Ignore => "ignore",
            }),
        );
    }
    if settings.unbound != usual.unbound {
        let is_error = settings.unbound == Severity::Error;
        map.add("unbound", word(if is_error { "fail" } else { "warn" }));
    }
    if settings.k8s_api != usual.k8s_api {
        map.add(
            "k8sApi",
            word(match settings.k8s_api {
                K8sApi::Endpoints => "endpoints",
                K8sApi::ClusterIp => "clusterIP",
                K8sApi::Either => "either",
            }),
        );
    }
    map
}

#[cfg(test)]
mod tests;
