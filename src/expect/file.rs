//! The `netseg/v1` file: what a team expects of its network, as written and checked, not yet held against a cluster.

pub(crate) mod reader;
pub(crate) mod short;

use std::collections::BTreeSet;

use ipnet::IpNet;
use jiff::civil::Date;

use crate::model::{
    AddressSet, Diagnostic, Direction, IpRange, Labels, NAMESPACE_NAME, Selector, Severity,
    SourceRef,
};

use short::{PeerWord, PortWord};

/// Words that mean something without being defined; a workload or a peer may not be called so.
pub(crate) const BUILT_IN: [&str; 8] = [
    "any",
    "cluster",
    "dns",
    "elsewhere",
    "external",
    "internet",
    "k8s-api",
    "node",
];

/// The environment that others build on: beside others it is never judged.
const TEMPLATE: &str = "base";

/// One or several files of expectations, read and checked.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    pub(crate) names: Vec<String>,
    /// The documents it was made from.
    pub(crate) sources: Vec<Source>,
    pub(crate) peers: Vec<Named<Block>>,
    pub(crate) workloads: Vec<Named<Workload>>,
    pub(crate) environments: Vec<Environment>,
}

/// A document that was read, as `metadata.sources` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
    /// `None`: all of them.
    pub(crate) env: Option<String>,
    /// Nothing in it was written as a rule: it tolerates, and never demands.
    pub(crate) inferred: bool,
}

impl Source {
    pub(crate) fn is_about(&self, environment: &str) -> bool {
        self.env.as_deref().is_none_or(|env| env == environment)
    }
}

/// A definition under its key.
#[derive(Clone, Debug)]
pub(crate) struct Named<T> {
    pub(crate) id: String,
    pub(crate) at: SourceRef,
    /// The line of the document it was read from.
    pub(crate) src: Option<SourceRef>,
    pub(crate) value: T,
}

/// Networks with holes, as `peers` lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) cidr: Vec<IpNet>,
    pub(crate) except: Vec<IpNet>,
}

impl Block {
    pub(crate) fn addresses(&self) -> AddressSet {
        let set = |nets: &[IpNet]| nets.iter().map(|net| IpRange::from(*net)).collect();
        let all: AddressSet = set(&self.cidr);
        all.difference(&set(&self.except))
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Workload {
    /// How documents call it; may be empty.
    pub(crate) names: Vec<String>,
    /// A union. Empty: bound by its names, of which there is one then.
    pub(crate) select: Vec<Select>,
    pub(crate) closed_world: Option<bool>,
}

/// Which pods are meant; everything given has to hold.
#[derive(Clone, Debug)]
pub(crate) struct Select {
    pub(crate) namespace: Option<String>,
    pub(crate) namespaces: Selector,
    pub(crate) pods: Selector,
    /// Kind and name of the workload they belong to.
    pub(crate) owner: Option<(String, String)>,
    /// The name of a container that runs in them.
    pub(crate) container: Option<String>,
}

impl Select {
    /// Whether namespace and labels are those of a pod that is meant; its owner and containers are not asked for.
    pub(crate) fn meets(&self, namespace: &str, namespace_labels: &Labels, pod: &Labels) -> bool {
        self.namespace
            .as_deref()
            .is_none_or(|wanted| wanted == namespace)
            && self.namespaces.matches(namespace_labels)
            && self.pods.matches(pod)
    }

    /// The one namespace it speaks of, where it names one.
    pub(crate) fn only_namespace(&self) -> Option<&str> {
        self.namespace.as_deref().or_else(|| {
            self.namespaces
                .requirements()
                .iter()
                .find_map(|requirement| match &requirement.test {
                    crate::model::Test::In(values)
                        if requirement.key == NAMESPACE_NAME && values.len() == 1 =>
                    {
                        values.first().map(String::as_str)
                    }
                    _ => None,
                })
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) closed_world: bool,
    /// `unspecifiedPeer: documented`: a port without a peer is open to the rows that name it, and to nobody else.
    pub(crate) documented_peers_only: bool,
    pub(crate) dns_tcp: DnsTcp,
    pub(crate) unbound: Severity,
    pub(crate) k8s_api: K8sApi,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            closed_world: true,
            documented_peers_only: false,
            dns_tcp: DnsTcp::Warn,
            unbound: Severity::Error,
            k8s_api: K8sApi::Endpoints,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DnsTcp {
    Require,
    Warn,
    Ignore,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum K8sApi {
    Endpoints,
    ClusterIp,
    Either,
}

/// One environment: as written, or with what it extends already applied.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    pub(crate) name: String,
    pub(crate) at: SourceRef,
    pub(crate) extends: Option<String>,
    pub(crate) settings: Settings,
    pub(crate) closed_world: Option<bool>,
    pub(crate) default_deny: Vec<DefaultDeny>,
    pub(crate) bind: Vec<Named<Vec<Select>>>,
    pub(crate) expect: Vec<Row>,
    pub(crate) flows: Vec<Flow>,
    pub(crate) exceptions: Vec<Exception>,
    pub(crate) exposure: Option<Vec<Exposure>>,
    /// The list comes from a source that is only inferred.
    pub(crate) exposure_is_inferred: bool,
    pub(crate) cni: Option<(String, SourceRef)>,
    pub(crate) enforces: Option<(bool, SourceRef)>,
    pub(crate) notes: Vec<Note>,
    pub(crate) unread: Vec<Unread>,
}

/// A part of a document that could not be read: what it may have said is not judged, and that is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unread {
    pub(crate) at: SourceRef,
    /// Whose row it is; empty for a flow.
    pub(crate) workload: String,
    pub(crate) direction: Direction,
    pub(crate) why: String,
}

impl Environment {
    /// One that expects nothing.
    pub(crate) fn empty(name: &str, at: SourceRef) -> Self {
        Self {
            name: name.to_owned(),
            at,
            extends: None,
            settings: Settings::default(),
            closed_world: None,
            default_deny: Vec::new(),
            bind: Vec::new(),
            expect: Vec::new(),
            flows: Vec::new(),
            exceptions: Vec::new(),
            exposure: None,
            exposure_is_inferred: false,
            cni: None,
            enforces: None,
            notes: Vec::new(),
            unread: Vec::new(),
        }
    }

    /// The row of a workload; made where there is none.
    pub(crate) fn row_mut(&mut self, workload: &str, at: &SourceRef) -> &mut Row {
        let index = self.expect.iter().position(|row| row.workload == workload);
        let index = index.unwrap_or_else(|| {
            self.expect.push(Row {
                workload: workload.to_owned(),
                at: at.clone(),
                src: None,
                ingress: None,
                egress: None,
                patches: Vec::new(),
            });
            self.expect.len() - 1
        });
        &mut self.expect[index]
    }
}

/// What a document says beside its rules. It is kept and shown; nothing is judged by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub at: SourceRef,
    pub text: String,
    /// The line of the document it was read from.
    pub src: Option<SourceRef>,
}

#[derive(Clone, Debug)]
pub(crate) struct DefaultDeny {
    pub(crate) at: SourceRef,
    pub(crate) src: Option<SourceRef>,
    pub(crate) namespace: String,
    pub(crate) directions: Vec<Direction>,
}

/// The lines to cite for something: that of the document it was read from, then that of the file.
pub(crate) fn cited(src: Option<&SourceRef>, at: &SourceRef) -> Vec<SourceRef> {
    src.into_iter().chain([at]).cloned().collect()
}

/// What is expected of one workload.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) workload: String,
    pub(crate) at: SourceRef,
    /// Its cells and rules carry it too, so that it stays with them when rows are inherited.
    pub(crate) src: Option<SourceRef>,
    pub(crate) ingress: Option<Cell>,
    pub(crate) egress: Option<Cell>,
    /// `ingress+`, `ingress-`, `egress+`, `egress-`; empty once applied.
    pub(crate) patches: Vec<Patch>,
}

impl Row {
    pub(crate) fn cell(&self, direction: Direction) -> Option<&Cell> {
        match direction {
            Direction::Ingress => self.ingress.as_ref(),
            Direction::Egress => self.egress.as_ref(),
        }
    }

    pub(crate) fn cell_mut(&mut self, direction: Direction) -> &mut Option<Cell> {
        match direction {
            Direction::Ingress => &mut self.ingress,
            Direction::Egress => &mut self.egress,
        }
    }
}

/// One direction of a row.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) at: SourceRef,
    /// The line of its row.
    pub(crate) src: Option<SourceRef>,
    pub(crate) content: Content,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Deny,
    Any,
    Rules {
        rules: Vec<Rule>,
        /// Taken out again by a patch.
        removed: Vec<Rule>,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Patch {
    pub(crate) at: SourceRef,
    /// The line of its row.
    pub(crate) src: Option<SourceRef>,
    pub(crate) direction: Direction,
    pub(crate) adds: bool,
    pub(crate) rules: Vec<Rule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Must,
    May,
    Never,
}

/// What any rule, flow or exception may say about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Remarks {
    pub(crate) why: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) ticket: Option<String>,
    pub(crate) expires: Option<Date>,
    pub(crate) severity: Option<Severity>,
    /// The line of the document it was read from.
    pub(crate) src: Option<SourceRef>,
}

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) at: SourceRef,
    pub(crate) ports: Vec<PortWord>,
    /// `None`: nobody is named.
    pub(crate) peers: Option<Vec<PeerWord>>,
    pub(crate) level: Level,
    /// The ports are those of a Service in front of the destination.
    pub(crate) via_service: bool,
    pub(crate) remarks: Remarks,
}

#[derive(Clone, Debug)]
pub(crate) struct Flow {
    pub(crate) at: SourceRef,
    pub(crate) name: String,
    pub(crate) from: Vec<PeerWord>,
    pub(crate) to: Vec<PeerWord>,
    pub(crate) except: Vec<PeerWord>,
    pub(crate) ports: Vec<PortWord>,
    pub(crate) allow: bool,
    pub(crate) level: Level,
    pub(crate) via_service: bool,
    /// The policy the document credits: `name` or `namespace/name`.
    pub(crate) by: Option<String>,
    pub(crate) remarks: Remarks,
}

#[derive(Clone, Debug)]
pub(crate) struct Exception {
    pub(crate) at: SourceRef,
    pub(crate) id: String,
    pub(crate) from: Vec<PeerWord>,
    pub(crate) to: Vec<PeerWord>,
    pub(crate) ports: Vec<PortWord>,
    pub(crate) remarks: Remarks,
}

/// A documented way in from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    pub at: SourceRef,
    /// A workload's id, or `*`.
    pub workload: String,
    /// `loadBalancer`, `nodePort`, `hostPort`, `hostNetwork`, `ingress`, `gateway` or `portForward`.
    pub via: String,
    pub host: Option<String>,
    /// As written: `443`, `80,443`.
    pub port: Option<String>,
    pub class: Option<String>,
    pub tls: Option<String>,
    /// The line of the document it was read from.
    pub src: Option<SourceRef>,
}

impl Expectations {
    /// Whether a word is the id of a workload or of a named range, or a built-in one: something a rule can be about.
    pub fn knows(&self, word: &str) -> bool {
        BUILT_IN.contains(&word)
            || self.workloads.iter().any(|workload| workload.id == word)
            || self.peers.iter().any(|peer| peer.id == word)
    }

    /// Whether what is written for an environment is only inferred from prose.
    pub(crate) fn is_inferred(&self, environment: &str) -> bool {
        self.sources
            .iter()
            .any(|source| source.inferred && source.is_about(environment))
    }

    /// What the files call themselves, joined by commas.
    pub fn name(&self) -> String {
        self.names.join(", ")
    }

    /// The environments that can be judged, in file order. `base` beside others is a template and not among them.
    pub fn environments(&self) -> Vec<String> {
        let all = self.environments.iter().map(|env| &env.name);
        let lonely = self.environments.len() == 1;
        all.filter(|name| lonely || *name != TEMPLATE)
            .cloned()
            .collect()
    }

    /// How many expectations an environment holds: each port of each peer is one, so is `deny`, and so is each combination of
    /// a flow. 0 for an environment there is not.
    pub fn rule_count(&self, environment: &str) -> usize {
        let Some(env) = self.resolve(environment) else {
            return 0;
        };
        let rows = env
            .expect
            .iter()
            .flat_map(|row| [&row.ingress, &row.egress]);
        let cells: usize = rows
            .flatten()
            .map(|cell| match &cell.content {
                Content::Deny | Content::Any => 1,
                Content::Rules { rules, .. } => rules
                    .iter()
                    .map(|r| r.ports.len() * r.peers.as_ref().map_or(1, Vec::len))
                    .sum(),
            })
            .sum();
        let flows: usize = env
            .flows
            .iter()
            .map(|flow| flow.from.len() * flow.to.len() * flow.ports.len())
            .sum();
        cells + flows
    }

    /// The ways in from outside that an environment writes down, for showing them.
    pub fn exposure(&self, environment: &str) -> Vec<Exposure> {
        self.resolve(environment)
            .and_then(|env| env.exposure)
            .unwrap_or_default()
    }

    /// What the documents of an environment say beside their rules, those of what it builds on first.
    pub fn notes(&self, environment: &str) -> Vec<Note> {
        self.resolve(environment)
            .map(|env| env.notes)
            .unwrap_or_default()
    }

    /// Adds another file's content. Definitions of the same name have to be in one of them only; environments of the same name
    /// become one, as long as no workload has the same direction in both.
    pub fn merge(&mut self, other: Self) -> Result<(), Vec<Diagnostic>> {
        let mut problems = Vec::new();
        let mut twice = |what: &str, id: &str, at: &SourceRef, first: &SourceRef| {
            problems.push(
                Diagnostic::error(format!("{what} `{id}` is already defined at {first}"))
                    .at(Some(at.clone()))
                    .help("keep one of the two, or give one another name"),
            );
        };
        for peer in &other.peers {
            if let Some(first) = self.peers.iter().find(|own| own.id == peer.id)
                && first.value != peer.value
            {
                twice("peer", &peer.id, &peer.at, &first.at);
            }
        }
        for workload in &other.workloads {
            if let Some(first) = self.workloads.iter().find(|own| own.id == workload.id) {
                twice("workload", &workload.id, &workload.at, &first.at);
            }
        }
        for env in &other.environments {
            let Some(own) = self.environments.iter().find(|own| own.name == env.name) else {
                continue;
            };
            if own.extends != env.extends || own.settings != env.settings {
                twice("environment", &env.name, &env.at, &own.at);
                continue;
            }
            for row in &env.expect {
                if let Some(first) = own.expect.iter().find(|r| r.workload == row.workload) {
                    twice("the row of", &row.workload, &row.at, &first.at);
                }
            }
            for flow in &env.flows {
                if let Some(first) = own.flows.iter().find(|f| f.name == flow.name) {
                    twice("flow", &flow.name, &flow.at, &first.at);
                }
            }
            for exception in &env.exceptions {
                if let Some(first) = own.exceptions.iter().find(|e| e.id == exception.id) {
                    twice("exception", &exception.id, &exception.at, &first.at);
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        self.names.extend(other.names);
        self.sources.extend(other.sources);
        for peer in other.peers {
            if self.peers.iter().all(|own| own.id != peer.id) {
                self.peers.push(peer);
            }
        }
        self.workloads.extend(other.workloads);
        for env in other.environments {
            match self
                .environments
                .iter_mut()
                .find(|own| own.name == env.name)
            {
                Some(own) => {
                    let mine = std::mem::replace(own, env.clone());
                    *own = inherit(mine, env);
                }
                None => self.environments.push(env),
            }
        }
        Ok(())
    }

    /// An environment with everything it extends applied; `None` when there is none of that name.
    pub(crate) fn resolve(&self, name: &str) -> Option<Environment> {
        let find = |name: &str| self.environments.iter().find(|env| env.name == name);
        let mut chain = vec![find(name)?];
        let mut seen = BTreeSet::from([name]);
        while let Some(parent) = chain.last().and_then(|env| env.extends.as_deref()) {
            // Cycles are refused when the file is read; this only keeps the walk finite.
            if !seen.insert(parent) {
                break;
            }
            chain.push(find(parent)?);
        }
        let mut chain = chain.into_iter().rev().cloned();
        let mut resolved = chain.next()?;
        patch(&mut resolved);
        for child in chain {
            resolved = inherit(resolved, child);
        }
        Some(resolved)
    }
}

/// Applies a child to what it builds on.
fn inherit(parent: Environment, child: Environment) -> Environment {
    let mut made = Environment {
        name: child.name,
        at: child.at,
        extends: child.extends,
        settings: child.settings,
        closed_world: child.closed_world.or(parent.closed_world),
        exposure_is_inferred: match &child.exposure {
            Some(_) => child.exposure_is_inferred,
            None => parent.exposure_is_inferred,
        },
        exposure: child.exposure.or(parent.exposure),
        cni: child.cni.or(parent.cni),
        enforces: child.enforces.or(parent.enforces),
        ..parent
    };
    replace_by(&mut made.default_deny, child.default_deny, |d| &d.namespace);
    replace_by(&mut made.bind, child.bind, |b| &b.id);
    replace_by(&mut made.flows, child.flows, |f| &f.name);
    replace_by(&mut made.exceptions, child.exceptions, |e| &e.id);
    let says = |unread: &Unread| {
        let row = child
            .expect
            .iter()
            .find(|row| row.workload == unread.workload);
        row.is_some_and(|row| row.cell(unread.direction).is_some())
    };
    made.unread.retain(|unread| !says(unread));
    made.unread.extend(child.unread);
    for note in child.notes {
        if made.notes.iter().all(|own| own.text != note.text) {
            made.notes.push(note);
        }
    }
    for row in child.expect {
        let index = made
            .expect
            .iter()
            .position(|own| own.workload == row.workload);
        match index {
            None => made.expect.push(row),
            Some(index) => {
                let own = &mut made.expect[index];
                own.at = row.at;
                own.src = row.src.or(own.src.take());
                own.ingress = row.ingress.or(own.ingress.take());
                own.egress = row.egress.or(own.egress.take());
                own.patches.extend(row.patches);
            }
        }
    }
    patch(&mut made);
    made
}

fn replace_by<T>(own: &mut Vec<T>, new: Vec<T>, key: impl Fn(&T) -> &String) {
    for item in new {
        match own.iter().position(|old| key(old) == key(&item)) {
            Some(index) => own[index] = item,
            None => own.push(item),
        }
    }
}

/// Applies `ingress+` and the like. A patch on `deny` starts from nothing; on `any` there is nothing to add.
fn patch(env: &mut Environment) {
    for row in &mut env.expect {
        for patch in std::mem::take(&mut row.patches) {
            let cell = row.cell_mut(patch.direction).get_or_insert_with(|| Cell {
                at: patch.at.clone(),
                src: patch.src.clone(),
                content: Content::Deny,
            });
            if matches!(cell.content, Content::Deny) {
                cell.content = Content::Rules {
                    rules: Vec::new(),
                    removed: Vec::new(),
                };
            }
            match &mut cell.content {
                Content::Rules { rules, .. } if patch.adds => rules.extend(patch.rules),
                Content::Rules { removed, .. } => removed.extend(patch.rules),
                Content::Deny | Content::Any => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
apiVersion: netseg/v1
kind: Expectations
metadata: {name: shop}
workloads:
  db: {names: [Database], select: {namespace: x, labels: {app: db}}}
  web: {select: {namespace: x, labels: {app: web}}}
environments:
  base:
    defaultDeny: [{namespace: x}]
    expect:
      db: {ingress: [\"5432\"], egress: deny}
      web: {egress: [\"53 -> dns\", \"5432 -> db\"]}
    flows: [{name: f, from: web, to: db, ports: [5432], verdict: allow}]
  dev:
    extends: base
    expect:
      db: {ingress: [\"5432 <- web\", \"9187\"]}
  prod:
    extends: dev
    closedWorld: false
    expect:
      web: {egress+: [\"443 -> internet\"], egress-: [\"53/tcp -> dns\"]}
      db: {egress+: [\"514/udp -> external\"]}
    flows: [{name: f, from: web, to: db, ports: [5433], verdict: allow}]
";

    fn cells(environment: &str, workload: &str, direction: Direction) -> (usize, usize) {
        let read = reader::read("e.yaml", TEXT).unwrap();
        let env = read.resolve(environment).unwrap();
        let row = env.expect.iter().find(|row| row.workload == workload);
        match &row.unwrap().cell(direction).unwrap().content {
            Content::Rules { rules, removed } => (rules.len(), removed.len()),
            Content::Deny | Content::Any => (0, 0),
        }
    }

    #[test]
    fn a_list_replaces_and_a_patch_changes() {
        use Direction::{Egress, Ingress};
        for (environment, workload, direction, expected) in [
            ("base", "db", Ingress, (1, 0)),
            ("dev", "db", Ingress, (2, 0)),
            ("dev", "web", Egress, (2, 0)),
            ("prod", "db", Ingress, (2, 0)),
            ("prod", "web", Egress, (3, 1)),
            ("prod", "db", Egress, (1, 0)),
        ] {
            assert_eq!(
                cells(environment, workload, direction),
                expected,
                "{environment} {workload} {direction}"
            );
        }
    }

    #[test]
    fn flows_are_inherited_by_name_and_settings_by_environment() {
        let read = reader::read("e.yaml", TEXT).unwrap();
        let prod = read.resolve("prod").unwrap();
        assert_eq!(prod.flows.len(), 1);
        assert_eq!(prod.flows[0].at.line, 25);
        assert_eq!(prod.default_deny.len(), 1);
        assert_eq!(prod.closed_world, Some(false));
        assert_eq!(read.resolve("dev").unwrap().closed_world, None);
        assert!(read.resolve("nowhere").is_none());
    }

    #[test]
    fn a_template_beside_others_is_not_judged() {
        let read = reader::read("e.yaml", TEXT).unwrap();
        assert_eq!(read.environments(), ["dev", "prod"]);
        assert_eq!(read.name(), "shop");
        // 5432 in, deny, two egress items, one flow.
        assert_eq!(read.rule_count("base"), 5);
        let alone = "apiVersion: netseg/v1\nkind: Expectations\nenvironments: {base: {}}\n";
        let alone = reader::read("e.yaml", alone).unwrap();
        assert_eq!(alone.environments(), ["base"]);
    }

    #[test]
    fn files_are_merged_unless_they_say_the_same_thing_twice() {
        let mut read = reader::read("e.yaml", TEXT).unwrap();
        let more = "apiVersion: netseg/v1\nkind: Expectations\nmetadata: {name: more}\nworkloads: {log: {select: {namespace: y}}}\nenvironments: {dev: {extends: base, expect: {log: {ingress: deny}}}}\n";
        // Alone it has no `base`, so what builds on one is written beside it.
        assert!(reader::read("m.yaml", more).is_err());
        let more = more.replace("extends: base, ", "");
        let twice = reader::read("e2.yaml", TEXT).unwrap();
        let told = read.merge(twice).unwrap_err();
        assert_eq!(
            told[0].message,
            "workload `db` is already defined at e.yaml:6"
        );
        let more = more.replace("{dev:", "{test:");
        read.merge(reader::read("m.yaml", &more).unwrap()).unwrap();
        assert_eq!(read.environments(), ["dev", "prod", "test"]);
        assert_eq!(read.name(), "shop, more");
    }
}
