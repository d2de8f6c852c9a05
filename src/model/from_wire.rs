//! Wire objects to the inventory. Wire types end here: above, nobody knows a file from a watch.
//!
//! Nothing is refused for one bad field: the object is kept as far as it can be read, marked, and told about.

mod cluster_policies;
mod foreign;
mod ingresses;
mod pods;
mod policies;
mod services;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use crate::text::tame;
use crate::wire;
use crate::yaml::Lines;

use super::{
    Cluster, Coverage, Diagnostic, NAMESPACE_NAME, Namespace, Node, Policy, PolicyApi, SourceRef,
};

pub use foreign::foreign;

/// An object and where it was written; `place` is `None` when it came from a server.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub object: wire::Object,
    pub place: Option<Place>,
}

/// The document an object was read from.
#[derive(Clone, Debug)]
pub struct Place {
    pub file: Arc<str>,
    /// The line on which the document starts.
    pub line: u32,
    /// Lines of the document's parts, counted from 1 within it; only policies keep them.
    pub lines: Option<Arc<Lines>>,
}

impl Place {
    fn start(&self) -> SourceRef {
        SourceRef {
            file: Arc::clone(&self.file),
            line: self.line,
        }
    }

    fn line_of(&self, path: &str) -> Option<u32> {
        self.lines
            .as_ref()?
            .get(path)
            .map(|line| self.line + line - 1)
    }
}

/// Whether objects that own pods stand for pods that were not loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Files: a Deployment without pods stands for its own.
    Files,
    /// A server: what it does not list does not exist.
    Server,
}

/// Makes the whole inventory. Objects may come in any order; of two with the same name the first wins, and that is told.
pub fn cluster(objects: &[Arrived], coverage: Coverage, mode: Mode) -> (Cluster, Vec<Diagnostic>) {
    let mut by_namespace: BTreeMap<String, Vec<&Arrived>> = BTreeMap::new();
    let (mut machines, mut wide, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for arrived in objects {
        match home(&arrived.object) {
            Home::Nodes => machines.push(arrived),
            Home::ClusterPolicies => wide.push(arrived),
            Home::Foreign => others.push(arrived),
            Home::Namespace(name) => by_namespace.entry(name).or_default().push(arrived),
        }
    }
    let (nodes, mut diagnostics) = nodes(&machines);
    let mut namespaces = BTreeMap::new();
    for (name, objects) in by_namespace {
        let (made, problems) = namespace(&name, &objects, mode);
        diagnostics.extend(problems);
        namespaces.insert(name, Arc::new(made));
    }
    let (cluster_policies, problems) = cluster_policies(&wide);
    diagnostics.extend(problems);
    let (foreign, problems) = foreign(&others);
    diagnostics.extend(problems);
    (
        Cluster {
            namespaces,
            nodes: Arc::new(nodes),
            cluster_policies: Arc::new(cluster_policies),
            foreign: Arc::new(foreign),
            coverage,
        },
        diagnostics,
    )
}

/// Where an object is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Home {
    Namespace(String),
    Nodes,
    ClusterPolicies,
    /// Policies of other projects, whatever their namespace.
    Foreign,
}

/// Where an object belongs; a Namespace belongs to itself. Without one, kubectl would use `default`.
pub fn home(object: &wire::Object) -> Home {
    match object {
        wire::Object::Node(_) => Home::Nodes,
        wire::Object::ClusterNetworkPolicy(_)
        | wire::Object::AdminNetworkPolicy(_)
        | wire::Object::BaselineAdminNetworkPolicy(_) => Home::ClusterPolicies,
        wire::Object::Foreign(_) => Home::Foreign,
        wire::Object::Unreadable(o) if o.kind == "Node" => Home::Nodes,
        wire::Object::Unreadable(o) if cluster_wide_api(o).is_some() => Home::ClusterPolicies,
        wire::Object::Namespace(o) => Home::Namespace(o.metadata.name.clone()),
        wire::Object::Unreadable(o) if o.kind == "Namespace" => {
            Home::Namespace(o.metadata.name.clone())
        }
        other if other.meta().namespace.is_empty() => Home::Namespace("default".to_owned()),
        other => Home::Namespace(other.meta().namespace.clone()),
    }
}

/// The API of an object that could not be decoded, if it is a cluster-wide one. A text that is no YAML may not give the group.
fn cluster_wide_api(o: &wire::Unreadable) -> Option<PolicyApi> {
    PolicyApi::ALL.into_iter().find(|api| {
        *api != PolicyApi::NetworkPolicy
            && api.kind() == o.kind
            && (o.group == api.group() || o.group.is_empty())
    })
}

/// Makes the cluster-wide policies, in the order of [`Cluster::cluster_policies`]. Of two with one name the first stays.
pub fn cluster_policies(objects: &[&Arrived]) -> (Vec<Policy>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let mut policies: Vec<Policy> = Vec::new();
    let mut seen = Seen::default();
    for arrived in objects {
        let place = arrived.place.as_ref();
        let kind = kind_of(&arrived.object);
        let name = &arrived.object.meta().name;
        if let Some(twice) = seen.again(kind, name, &tame(name), place) {
            diagnostics.push(twice);
            continue;
        }
        let out = &mut diagnostics;
        policies.push(match &arrived.object {
            wire::Object::ClusterNetworkPolicy(o) => {
                cluster_policies::cluster_network_policy(o, place, out)
            }
            wire::Object::AdminNetworkPolicy(o) => {
                let api = PolicyApi::AdminNetworkPolicy;
                cluster_policies::admin_network_policy(o, api, place, out)
            }
            wire::Object::BaselineAdminNetworkPolicy(o) => {
                let api = PolicyApi::BaselineAdminNetworkPolicy;
                cluster_policies::admin_network_policy(o, api, place, out)
            }
            wire::Object::Unreadable(o) => match cluster_wide_api(o) {
                Some(api) => {
                    out.push(unreadable(o, place));
                    cluster_policies::unreadable_policy(o, api, place)
                }
                None => continue,
            },
            _ => continue,
        });
    }
    policies.sort_by(|a, b| (a.tier, a.api, &a.name).cmp(&(b.tier, b.api, &b.name)));
    (policies, diagnostics)
}

/// Which objects there were, by kind and name, and where the first of each stands.
#[derive(Default)]
struct Seen(BTreeMap<(String, String), Option<SourceRef>>);

impl Seen {
    /// Notes an object. `Some` when there was one of that kind and name, `shown` being how it is called.
    fn again(
        &mut self,
        kind: &str,
        name: &str,
        shown: &str,
        place: Option<&Place>,
    ) -> Option<Diagnostic> {
        let key = (kind.to_owned(), name.to_owned());
        let Some(first) = self.0.get(&key) else {
            self.0.insert(key, place.map(Place::start));
            return None;
        };
        let message = match first {
            Some(first) => format!("is defined twice, first at {first}; this one is left out"),
            None => "is defined twice; this one is left out".to_owned(),
        };
        Some(
            Diagnostic::error(message)
                .at(place.map(Place::start))
                .on(format!("{kind} {shown}"))
                .help("keep one of the two; an apply would let the last one win"),
        )
    }
}

/// Makes the nodes, sorted by name.
pub fn nodes(objects: &[&Arrived]) -> (Vec<Node>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let mut nodes: Vec<Node> = Vec::new();
    for arrived in objects {
        match &arrived.object {
            wire::Object::Node(o) => nodes.push(node(o)),
            wire::Object::Unreadable(o) => diagnostics.push(unreadable(o, arrived.place.as_ref())),
            _ => {}
        }
    }
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    nodes.dedup_by(|b, a| a.name == b.name);
    (nodes, diagnostics)
}

fn node(o: &wire::Node) -> Node {
    let all = |wanted: &dyn Fn(&str) -> bool| -> Vec<IpAddr> {
        let listed = o.status.addresses.iter().filter(|a| wanted(&a.kind));
        listed.filter_map(|a| a.address.parse().ok()).collect()
    };
    let internal = all(&|kind| kind == "InternalIP");
    let mut addresses = internal.clone();
    for address in all(&|kind| kind != "InternalIP") {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Node {
        name: o.metadata.name.clone(),
        labels: o.metadata.labels.clone().into_iter().collect(),
        addresses,
        tunnels: o.metadata.tunnel_addresses().filter_map(address).collect(),
        internal,
        kubelet_version: o.status.node_info.kubelet_version.clone(),
        ready: o
            .status
            .conditions
            .iter()
            .find(|c| c.kind == "Ready")
            .map(|c| c.status == "True"),
    }
}

fn address(text: &str) -> Option<IpAddr> {
    text.split('/').next().and_then(|bare| bare.parse().ok())
}

/// Makes one namespace from everything that lives in it, its own Namespace object included.
pub fn namespace(name: &str, objects: &[&Arrived], mode: Mode) -> (Namespace, Vec<Diagnostic>) {
    let mut made = Namespace::undeclared(name);
    let mut diagnostics = Vec::new();
    let mut seen = Seen::default();
    let (mut owners, mut pods, mut slices) = (Vec::new(), Vec::new(), Vec::new());
    for arrived in objects {
        let place = arrived.place.as_ref();
        let kind = kind_of(&arrived.object);
        let object = &arrived.object.meta().name;
        let shown = format!("{}/{}", tame(name), tame(object));
        if let Some(twice) = seen.again(kind, object, &shown, place) {
            diagnostics.push(twice);
            continue;
        }
        match &arrived.object {
            wire::Object::Namespace(o) => {
                made.declared = true;
                made.labels = o.metadata.labels.clone().into_iter().collect();
                // The server sets it and refuses changes, so a file that lacks it or says otherwise means this.
                made.labels.insert(NAMESPACE_NAME, name);
            }
            wire::Object::Workload(o) => owners.push((o.as_ref(), place)),
            wire::Object::Pod(o) => pods.push((o.as_ref(), place)),
            wire::Object::Service(o) => made.services.push(services::service(o, name, place)),
            wire::Object::EndpointSlice(o) => slices.push(o.as_ref()),
            wire::Object::Ingress(o) => {
                let ingress = ingresses::ingress(o, name, place, &mut diagnostics);
                made.ingresses.push(ingress);
            }
            wire::Object::NetworkPolicy(o) => {
                Arc::make_mut(&mut made.policies).push(policies::policy(
                    o,
                    name,
                    place,
                    &mut diagnostics,
                ));
            }
            wire::Object::Unreadable(o) => {
                diagnostics.push(unreadable(o, place));
                if o.kind == "NetworkPolicy" {
                    Arc::make_mut(&mut made.policies)
                        .push(policies::unreadable_policy(o, name, place));
                } else if o.kind == "Ingress" {
                    let known = ingresses::unreadable_ingress(o, name, place);
                    made.ingresses.push(known);
                }
            }
            // They have a home of their own.
            wire::Object::Node(_)
            | wire::Object::ClusterNetworkPolicy(_)
            | wire::Object::AdminNetworkPolicy(_)
            | wire::Object::BaselineAdminNetworkPolicy(_)
            | wire::Object::Foreign(_) => {}
        }
    }
    Arc::make_mut(&mut made.policies).sort_by(|a, b| a.name.cmp(&b.name));
    made.services.sort_by(|a, b| a.name.cmp(&b.name));
    made.ingresses.sort_by(|a, b| a.name.cmp(&b.name));
    services::attach_endpoints(&mut made.services, &slices, mode);
    pods::fold(&mut made, &owners, &pods, mode);
    (made, diagnostics)
}

fn kind_of(object: &wire::Object) -> &str {
    match object {
        wire::Object::Namespace(_) => "Namespace",
        wire::Object::Node(_) => "Node",
        wire::Object::Pod(_) => "Pod",
        wire::Object::Workload(o) => &o.kind,
        wire::Object::Service(_) => "Service",
        wire::Object::EndpointSlice(_) => "EndpointSlice",
        wire::Object::NetworkPolicy(_) => "NetworkPolicy",
        wire::Object::Ingress(_) => "Ingress",
        wire::Object::ClusterNetworkPolicy(_) => "ClusterNetworkPolicy",
        wire::Object::AdminNetworkPolicy(_) => "AdminNetworkPolicy",
        wire::Object::BaselineAdminNetworkPolicy(_) => "BaselineAdminNetworkPolicy",
        wire::Object::Foreign(o) => &o.kind,
        wire::Object::Unreadable(o) => &o.kind,
    }
}

fn unreadable(o: &wire::Unreadable, place: Option<&Place>) -> Diagnostic {
    Diagnostic::error(format!("cannot be read: {}", tame(&o.why)))
        .at(place.map(Place::start))
        .on(format!("{} {}", o.kind, qualified(&o.metadata)))
        .help(match o.kind.as_str() {
            kind if kind.ends_with("NetworkPolicy") => {
                "until it can be read, every verdict it might change is unknown"
            }
            "Ingress" => "until it can be read, what it lets in from outside is unknown",
            _ => "it is left out; the other objects are used",
        })
}

fn qualified(meta: &wire::Meta) -> String {
    if meta.namespace.is_empty() {
        return tame(&meta.name).into_owned();
    }
    format!("{}/{}", tame(&meta.namespace), tame(&meta.name))
}

fn number(port: i64) -> Option<NonZeroU16> {
    u16::try_from(port).ok().and_then(NonZeroU16::new)
}

#[cfg(test)]
mod tests {
    use crate::model::{Direction, Phase};
    use crate::source::manifests;

    fn read(text: &str) -> (crate::model::Cluster, Vec<String>) {
        let (cluster, diagnostics) = manifests::parse("t.yaml", text);
        let told = diagnostics
            .iter()
            .map(|d| {
                let place = d
                    .source
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                format!(
                    "{place} {} {}",
                    d.object.as_deref().unwrap_or("-"),
                    d.message
                )
            })
            .collect();
        (cluster, told)
    }

    #[test]
    fn the_containers_of_a_pod_are_those_that_keep_running() {
        let (cluster, told) = read(
            "{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: x}, spec: {containers: [{name: app}], initContainers: [{name: setup}, {name: proxy, restartPolicy: Always}]}}
---
{kind: Deployment, apiVersion: apps/v1, metadata: {name: b, namespace: x}, spec: {template: {spec: {containers: [{name: app}, {name: proxy}]}}}}
---
{kind: Pod, apiVersion: v1, metadata: {name: c, namespace: x}, spec: {containers: [{name: app}]}}
",
        );
        assert_eq!(told, Vec::<String>::new());
        let pods = &cluster.namespaces["x"].pods;
        let names: Vec<String> = pods.iter().map(|pod| pod.containers.join(" ")).collect();
        assert_eq!(names, ["app proxy", "app proxy", "app"]);
        assert!(std::sync::Arc::ptr_eq(
            &pods[0].containers,
            &pods[1].containers
        ));
    }

    fn policy(spec: &str) -> (crate::model::Policy, Vec<String>) {
        let (cluster, told) = read(&format!(
            "kind: NetworkPolicy\napiVersion: networking.k8s.io/v1\nmetadata: {{name: p, namespace: x}}\nspec: {spec}\n"
        ));
        (cluster.namespaces["x"].policies[0].clone(), told)
    }

    /// The table of rule N6, and N5 and N7 beside it: what is isolated, as (ingress, egress).
    #[test]
    fn policy_types_follow_the_servers_defaults() {
        for (spec, expected) in [
            ("{}", (true, false)),
            ("{egress: []}", (true, false)),
            ("{egress: [{}]}", (true, true)),
            ("{policyTypes: [Egress]}", (false, true)),
            ("{policyTypes: []}", (true, false)),
            ("{policyTypes: [Egress], ingress: [{}]}", (false, true)),
            ("{policyTypes: [Ingress, Ingress]}", (true, false)),
        ] {
            let (policy, told) = policy(spec);
            let isolates = (
                policy.rules(Direction::Ingress).is_some(),
                policy.rules(Direction::Egress).is_some(),
            );
            assert_eq!(isolates, expected, "{spec}");
            assert!(told.is_empty(), "{spec}: {told:?}");
        }
    }

    #[test]
    fn a_null_rule_is_an_empty_rule_and_an_empty_peer_is_an_error() {
        let (p, told) = policy("{ingress: [null]}");
        assert_eq!(p.rules(Direction::Ingress).unwrap().len(), 1);
        assert!(told.is_empty());
        let (p, told) = policy("{ingress: [{from: [{}]}]}");
        assert_eq!(p.invalid.len(), 1);
        assert!(
            told[0].starts_with("t.yaml:4 NetworkPolicy x/p spec.ingress[0].from[0]: a peer needs"),
            "{told:?}"
        );
    }

    #[test]
    fn what_a_server_would_refuse_is_told_with_its_field() {
        for (spec, path) in [
            (
                "{podSelector: {matchExpressions: [{key: a, operator: Gt, values: ['1']}]}}",
                "spec.podSelector.matchExpressions[0]",
            ),
            (
                "{ingress: [{ports: [{port: 70000}]}]}",
                "spec.ingress[0].ports[0].port",
            ),
            (
                "{ingress: [{ports: [{port: 90, endPort: 80}]}]}",
                "spec.ingress[0].ports[0].endPort",
            ),
            (
                "{ingress: [{ports: [{port: web, endPort: 80}]}]}",
                "spec.ingress[0].ports[0].endPort",
            ),
            (
                "{ingress: [{ports: [{port: '80'}]}]}",
                "spec.ingress[0].ports[0].port",
            ),
            (
                "{ingress: [{ports: [{port: Web}]}]}",
                "spec.ingress[0].ports[0].port",
            ),
            (
                "{ingress: [{ports: [{protocol: tcp}]}]}",
                "spec.ingress[0].ports[0].protocol",
            ),
            (
                "{ingress: [{from: [{ipBlock: {cidr: ten}}]}]}",
                "spec.ingress[0].from[0].ipBlock.cidr",
            ),
            (
                "{ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/8]}}]}]}",
                "spec.ingress[0].from[0].ipBlock.except[0]",
            ),
            (
                "{ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}]}]}",
                "spec.ingress[0].from[0]",
            ),
            ("{policyTypes: [Both]}", "spec.policyTypes[0]"),
        ] {
            let (p, told) = policy(spec);
            let paths: Vec<_> = p
                .invalid
                .iter()
                .map(|problem| problem.path.as_str())
                .collect();
            assert_eq!(paths, [path], "{spec}");
            assert_eq!(told.len(), 1, "{spec}");
        }
    }

    #[test]
    fn a_field_of_the_other_direction_is_told_of() {
        let (_, told) = policy("{policyTypes: [Egress], egress: [{from: [{podSelector: {}}]}]}");
        assert!(
            told[0].contains("spec.egress[0].from: this field does not exist in egress rules"),
            "{told:?}"
        );
    }

    #[test]
    fn pods_fold_into_their_top_owner_even_when_links_are_missing() {
        let (cluster, _) = read(
            "
{kind: Pod, apiVersion: v1, metadata: {name: web-7c9-x, namespace: x, labels: {pod-template-hash: 7c9}, ownerReferences: [{kind: ReplicaSet, name: web-7c9, controller: true}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: api-1-x, namespace: x, ownerReferences: [{kind: ReplicaSet, name: api-1, controller: true}]}}
---
{kind: ReplicaSet, apiVersion: apps/v1, metadata: {name: api-1, namespace: x, ownerReferences: [{kind: Deployment, name: api, controller: true}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: nightly-1-z, namespace: x, ownerReferences: [{kind: Job, name: nightly-1, controller: true}]}}
---
{kind: Job, apiVersion: batch/v1, metadata: {name: nightly-1, namespace: x, ownerReferences: [{kind: CronJob, name: nightly, controller: true}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: alone, namespace: x}}
---
{kind: StatefulSet, apiVersion: apps/v1, metadata: {name: db, namespace: x}, spec: {replicas: 3, template: {metadata: {labels: {app: db}}}}}
---
{kind: Deployment, apiVersion: apps/v1, metadata: {name: off, namespace: x}, spec: {replicas: 0, template: {metadata: {labels: {app: off}}}}}
",
        );
        let x = &cluster.namespaces["x"];
        let folded: Vec<_> = x
            .workloads
            .iter()
            .map(|w| {
                (
                    w.id(),
                    w.pods
                        .iter()
                        .map(|p| x.pods[*p].name.as_str())
                        .collect::<Vec<_>>()
                        .join(" "),
                )
            })
            .collect();
        let expected = [
            ("x/cronjob/nightly", "nightly-1-z"),
            ("x/deployment/api", "api-1-x"),
            ("x/deployment/off", ""),
            ("x/deployment/web", "web-7c9-x"),
            ("x/pod/alone", "alone"),
            ("x/statefulset/db", "db-*"),
        ];
        assert_eq!(folded, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(x.pod("db-*").unwrap().count, 3);
        assert_eq!(x.pod("alone").unwrap().phase, Phase::Running);
    }

    #[test]
    fn of_two_objects_with_one_name_the_first_stays_and_the_second_is_told_of() {
        let (cluster, told) = read(
            "{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: p, namespace: x}, spec: {ingress: [{}]}}\n---\n{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: p, namespace: x}}\n",
        );
        assert_eq!(
            cluster.namespaces["x"].policies[0]
                .rules(Direction::Ingress)
                .unwrap()
                .len(),
            1
        );
        assert_eq!(
            told,
            [
                "t.yaml:3 NetworkPolicy x/p is defined twice, first at t.yaml:1; this one is left out"
            ]
        );
    }

    #[test]
    fn a_namespace_always_carries_its_name() {
        let (cluster, _) = read(
            "{kind: Namespace, apiVersion: v1, metadata: {name: x, labels: {team: q}}}\n---\n{kind: Pod, apiVersion: v1, metadata: {name: p, namespace: y}}",
        );
        assert_eq!(
            cluster.namespaces["x"].labels.to_string(),
            "kubernetes.io/metadata.name=x,team=q"
        );
        assert!(!cluster.namespaces["y"].declared);
        assert_eq!(
            cluster.namespaces["y"].labels.to_string(),
            "kubernetes.io/metadata.name=y"
        );
    }
}
