//! The `netseg/v1` file: what a team expects of its network, as written and checked, not yet held against a cluster.

mod merge;
pub(crate) mod reader;
mod resolve;
pub(crate) mod short;

use ipnet::IpNet;
use jiff::civil::Date;

use crate::model::{
    AddressSet, Direction, IpRange, Labels, NAMESPACE_NAME, Selector, Severity, SourceRef,
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
#[derive(Clone, Debug, PartialEq, Eq)]
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

    fn file(environments: &str) -> Expectations {
        let text = format!(
            "apiVersion: netseg/v1\nkind: Expectations\nworkloads:\n  db: {{names: [DB], select: {{namespace: x}}}}\nenvironments:\n{environments}"
        );
        reader::read("m.yaml", &text).unwrap()
    }

    #[test]
    fn files_are_merged_unless_they_say_different_things_of_the_same() {
        let first = "  prod:\n    defaultDeny: [{namespace: x}]\n    expect: {db: {ingress: ['80']}}\n    flows: [{name: f, from: any, to: db, ports: 80, verdict: allow}]\n    exceptions: [{id: e, from: any, to: db, ports: 81}]\n    cluster: {cni: calico, enforces: true}\n";
        for (second, expected) in [
            (first, None),
            ("  prod: {expect: {db: {egress: deny}}}\n", None),
            ("  prod: {expect: {db: {ingress: [80]}}}\n", None),
            (
                "  prod: {expect: {db: {ingress: deny}}}\n",
                Some("the ingress of `db` is already defined at m.yaml:8"),
            ),
            (
                "  prod: {flows: [{name: f, from: any, to: db, ports: 82, verdict: allow}]}\n",
                Some("flow `f` is already defined at m.yaml:9"),
            ),
            (
                "  prod: {exceptions: [{id: e, from: node, to: db, ports: 81}]}\n",
                Some("exception `e` is already defined at m.yaml:10"),
            ),
            (
                "  prod: {defaultDeny: [{namespace: x, directions: [egress]}]}\n",
                Some("the default deny of `x` is already defined at m.yaml:7"),
            ),
            (
                "  prod: {cluster: {cni: cilium}}\n",
                Some("the CNI of `prod` is already defined at m.yaml:11"),
            ),
        ] {
            let mut read = file(first);
            let told = read.merge(file(second)).err();
            let told = told.as_ref().map(|told| told[0].message.as_str());
            assert_eq!(told, expected, "{second}");
        }
    }

    #[test]
    fn what_a_file_patches_still_patches_what_another_says() {
        let mut read =
            file("  base: {expect: {db: {egress: ['80 -> any']}}}\n  prod: {extends: base}\n");
        let more = "  base: {expect: {db: {egress: ['80 -> any']}}}\n  prod: {extends: base, expect: {db: {egress+: ['81 -> any']}}}\n";
        read.merge(file(more)).unwrap();
        assert_eq!(read.rule_count("prod"), 2);
    }
}
