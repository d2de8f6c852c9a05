//! The ends of a connection as people write them, and the things they stand for.

mod complete;
mod ports;

use std::net::IpAddr;

use ipnet::IpNet;

use crate::engine::{Engine, Entity, Hypothetical};
use crate::model::{AddressSet, IpRange, Labels, Namespace, Resource, Service, Workload, cidr};
use crate::text;

pub use complete::{Candidate, complete};
pub use ports::{PortQuery, parse_port, ports_of};

/// One end, resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// How JSON writes it, and what can be typed back: `ns/kind/name`, `node/NAME`, `dns`, address ranges.
    pub id: String,
    /// The short form for people.
    pub name: String,
    pub kind: EndKind,
    /// What is judged. Empty for a Service, which is expanded for each port, and for what could not be read.
    pub entities: Vec<Entity>,
    /// How many pods stand behind it.
    pub pods: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub enum EndKind {
    Workload {
        namespace: String,
    },
    Pod {
        namespace: String,
    },
    /// Every pod of a namespace, or those with certain labels.
    Pods {
        namespace: String,
    },
    /// Labels no pod has yet.
    Hypothetical {
        namespace: String,
    },
    Service {
        namespace: String,
        name: String,
    },
    Node,
    Addresses(AddressSet),
    /// In a namespace whose pods may not be read: it may exist.
    NotLoaded {
        namespace: String,
    },
}

/// Why an end could not be resolved, and what it might have been.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EndError {
    pub message: String,
    /// The up to three nearest ends that exist.
    pub candidates: Vec<String>,
}

impl EndError {
    /// One line of help: the candidates, or how an end is written.
    pub fn hint(&self) -> String {
        if self.candidates.is_empty() {
            return "an end is ns/name, ns/kind/name, ns/*, ns/?label=value, an address, internet, external, dns or k8s-api".to_owned();
        }
        format!("nearest: {}", self.candidates.join(", "))
    }
}

/// kubectl's short kinds.
fn kind_named(text: &str) -> Option<&'static str> {
    Some(match text.to_ascii_lowercase().as_str() {
        "deployment" | "deployments" | "deploy" => "Deployment",
        "statefulset" | "statefulsets" | "sts" => "StatefulSet",
        "daemonset" | "daemonsets" | "ds" => "DaemonSet",
        "replicaset" | "replicasets" | "rs" => "ReplicaSet",
        "job" | "jobs" => "Job",
        "cronjob" | "cronjobs" | "cj" => "CronJob",
        "replicationcontroller" | "replicationcontrollers" | "rc" => "ReplicationController",
        "pod" | "pods" | "po" => "Pod",
        "service" | "services" | "svc" => "Service",
        _ => return None,
    })
}

/// Resolves an end as typed. Not found or ambiguous is an error with the nearest candidates, never a guess.
pub fn resolve(engine: &Engine, typed: &str) -> Result<End, EndError> {
    let typed = typed.trim();
    match typed {
        "internet" => return Ok(addresses(engine, "internet", "internet", cidr::internet())),
        "external" => return Ok(addresses(engine, "external", "external", AddressSet::all())),
        "dns" => return dns(engine),
        "k8s-api" => {
            if let Some(service) = engine.k8s_api_service() {
                return Ok(service_end("k8s-api", "k8s-api", service));
            }
            return unread(engine, Resource::Services, "default", typed).ok_or_else(|| EndError {
                message: "`k8s-api` is the Service default/kubernetes, and that was not loaded"
                    .to_owned(),
                candidates: Vec::new(),
            });
        }
        _ => {}
    }
    if let Some(name) = typed.strip_prefix("node/") {
        return engine
            .find_node(name)
            .map(|id| node_end(engine, id))
            .ok_or_else(|| not_found(engine, typed, "no node of that name"));
    }
    if let Some(set) = parse_addresses(typed) {
        return Ok(address_end(engine, typed, set));
    }
    if is_meant_as_address(typed) {
        return Err(EndError {
            message: format!(
                "`{}` is no address, network or range of addresses",
                text::tame(typed)
            ),
            candidates: Vec::new(),
        });
    }
    let parts: Vec<&str> = typed.splitn(3, '/').collect();
    match parts.as_slice() {
        [namespace, "*"] => {
            let ns = match find_namespace(engine, namespace, typed) {
                Ok(ns) => ns,
                Err(error) => return not_loaded(engine, namespace, typed).ok_or(error),
            };
            let entities: Vec<Entity> = pods_of(engine, ns).map(Entity::Pod).collect();
            if entities.is_empty() {
                return not_loaded(engine, namespace, typed)
                    .ok_or_else(|| not_found(engine, typed, "that namespace has no pods"));
            }
            Ok(pods_end(typed, entities, namespace, engine))
        }
        [namespace, labels] if labels.starts_with('?') => {
            by_labels(engine, namespace, &labels[1..], typed)
        }
        [namespace, kind, name] => by_kind(engine, namespace, kind, name, typed),
        [namespace, name] => by_name(engine, namespace, name, typed),
        _ => by_bare_name(engine, typed),
    }
}

fn pods_of<'a>(
    engine: &'a Engine,
    ns: &'a Namespace,
) -> impl Iterator<Item = crate::engine::PodId> + 'a {
    engine.pods().filter(move |id| {
        engine.namespace_of(*id).name == ns.name && !engine.pod(*id).is_finished()
    })
}

fn find_namespace<'a>(
    engine: &'a Engine,
    name: &str,
    typed: &str,
) -> Result<&'a Namespace, EndError> {
    engine
        .cluster()
        .namespace(name)
        .map(std::convert::AsRef::as_ref)
        .ok_or_else(|| {
            not_found(
                engine,
                typed,
                &format!("no namespace `{}` was loaded", text::tame(name)),
            )
        })
}

/// Something in a namespace whose objects of a kind could not be read: it may exist.
fn unread(engine: &Engine, resource: Resource, namespace: &str, typed: &str) -> Option<End> {
    let coverage = &engine.cluster().coverage;
    (!coverage.is_readable(resource, Some(namespace))).then(|| End {
        id: typed.to_owned(),
        name: typed.to_owned(),
        kind: EndKind::NotLoaded {
            namespace: namespace.to_owned(),
        },
        entities: Vec::new(),
        pods: 0,
    })
}

fn not_loaded(engine: &Engine, namespace: &str, typed: &str) -> Option<End> {
    unread(engine, Resource::Pods, namespace, typed)
}

fn not_found(engine: &Engine, typed: &str, why: &str) -> EndError {
    let known = all_names(engine);
    let nearest = text::nearest(typed, known.iter().map(String::as_str), 3);
    EndError {
        message: format!("cannot find `{}`: {why}", text::tame(typed)),
        candidates: nearest.into_iter().map(str::to_owned).collect(),
    }
}

/// Everything that can be named, as it would be typed.
fn all_names(engine: &Engine) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for ns in engine.cluster().namespaces.values() {
        names.extend(ns.workloads.iter().map(|workload| short(ns, workload)));
        names.extend(
            ns.services
                .iter()
                .map(|service| format!("{}/svc/{}", ns.name, service.name)),
        );
    }
    names.extend(
        engine
            .cluster()
            .nodes
            .iter()
            .map(|node| format!("node/{}", node.name)),
    );
    names.extend(["dns", "k8s-api", "internet", "external"].map(str::to_owned));
    names
}

/// `ns/name`, or with its kind where another workload of the namespace has the same name.
pub fn short(ns: &Namespace, workload: &Workload) -> String {
    let twins = ns
        .workloads
        .iter()
        .filter(|other| other.name == workload.name)
        .count();
    if twins > 1 {
        return workload.id();
    }
    format!("{}/{}", ns.name, workload.name)
}

/// The short form of an id as answers carry it; what is no workload's id stays as it is.
pub fn short_id(engine: &Engine, id: &str) -> String {
    let mut parts = id.splitn(3, '/');
    let (Some(namespace), Some(kind), Some(name)) = (parts.next(), parts.next(), parts.next())
    else {
        return id.to_owned();
    };
    let Some(ns) = engine.cluster().namespace(namespace) else {
        return id.to_owned();
    };
    let found = ns
        .workloads
        .iter()
        .find(|workload| workload.name == name && workload.kind.eq_ignore_ascii_case(kind));
    found.map_or_else(|| id.to_owned(), |workload| short(ns, workload))
}

/// The end that a workload is.
pub fn workload_end(engine: &Engine, workload: &Workload) -> End {
    let ns = engine
        .cluster()
        .namespace(&workload.namespace)
        .expect("a workload's namespace is loaded");
    let entities: Vec<Entity> = engine
        .pods_of(workload)
        .into_iter()
        .filter(|id| workload.pods.len() == 1 || !engine.pod(*id).is_finished())
        .map(Entity::Pod)
        .collect();
    End {
        id: workload.id(),
        name: short(ns, workload),
        pods: count(engine, &entities),
        kind: EndKind::Workload {
            namespace: ns.name.clone(),
        },
        entities,
    }
}

fn count(engine: &Engine, entities: &[Entity]) -> usize {
    entities
        .iter()
        .map(|entity| match entity {
            Entity::Pod(id) => engine.pod(*id).count as usize,
            _ => 0,
        })
        .sum()
}

/// The end that a node is.
pub fn node_end(engine: &Engine, node: crate::engine::NodeId) -> End {
    let id = format!("node/{}", engine.node(node).name);
    End {
        name: id.clone(),
        id,
        kind: EndKind::Node,
        entities: vec![Entity::Node(node)],
        pods: 0,
    }
}

fn pods_end(typed: &str, entities: Vec<Entity>, namespace: &str, engine: &Engine) -> End {
    End {
        id: typed.to_owned(),
        name: typed.to_owned(),
        pods: count(engine, &entities),
        kind: EndKind::Pods {
            namespace: namespace.to_owned(),
        },
        entities,
    }
}

fn pod_end(engine: &Engine, id: crate::engine::PodId) -> End {
    let (ns, pod) = (engine.namespace_of(id), engine.pod(id));
    let name = format!("{}/pod/{}", ns.name, pod.name);
    End {
        id: name.clone(),
        name,
        kind: EndKind::Pod {
            namespace: ns.name.clone(),
        },
        entities: vec![Entity::Pod(id)],
        pods: 1,
    }
}

fn service_end(id: &str, name: &str, service: &Service) -> End {
    End {
        id: id.to_owned(),
        name: name.to_owned(),
        kind: EndKind::Service {
            namespace: service.namespace.to_string(),
            name: service.name.clone(),
        },
        entities: Vec::new(),
        pods: 0,
    }
}

fn dns(engine: &Engine) -> Result<End, EndError> {
    if let Some(service) = engine.dns_service() {
        return Ok(service_end("dns", "dns", service));
    }
    let entities: Vec<Entity> = engine.dns_pods().into_iter().map(Entity::Pod).collect();
    let hidden = || {
        let mut kinds = [Resource::Services, Resource::Pods].into_iter();
        kinds.find_map(|kind| unread(engine, kind, "kube-system", "dns"))
    };
    if let Some(end) = entities.is_empty().then(hidden).flatten() {
        return Ok(end);
    }
    if entities.is_empty() {
        return Err(EndError {
            message: "`dns` is the Service kube-system/kube-dns, and neither that nor a pod labelled k8s-app=kube-dns was loaded".to_owned(),
            candidates: Vec::new(),
        });
    }
    Ok(End {
        id: "dns".to_owned(),
        name: "dns".to_owned(),
        pods: count(engine, &entities),
        kind: EndKind::Pods {
            namespace: "kube-system".to_owned(),
        },
        entities,
    })
}

fn parse_addresses(typed: &str) -> Option<AddressSet> {
    let mut ranges = Vec::new();
    for part in typed.split(',') {
        let part = part.trim();
        if let Ok(address) = part.parse::<IpAddr>() {
            ranges.push(IpRange::single(address));
        } else if let Ok(net) = part.parse::<IpNet>() {
            ranges.push(IpRange::from(net.trunc()));
        } else {
            let (first, last) = part.split_once('-')?;
            ranges.push(IpRange::new(
                first.trim().parse().ok()?,
                last.trim().parse().ok()?,
            )?);
        }
    }
    Some(ranges.into_iter().collect())
}

/// Digits and dots, or colons, at the start: no object has such a name and no namespace either.
fn is_meant_as_address(typed: &str) -> bool {
    let first = typed.split(['/', '-', ',']).next().unwrap_or_default();
    let dotted = first.contains('.') && first.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let with_colons = first.contains("::")
        && first
            .bytes()
            .all(|b| b.is_ascii_hexdigit() || b == b':' || b == b'.');
    dotted || with_colons
}

fn address_end(engine: &Engine, typed: &str, set: AddressSet) -> End {
    let single = set
        .iter()
        .next()
        .filter(|range| range.first() == range.last() && set.iter().count() == 1);
    if let Some(range) = single {
        let address = range.first();
        if let Some(service) = engine.service_at(address) {
            let id = format!("{}/service/{}", service.namespace, service.name);
            return End {
                name: typed.to_owned(),
                ..service_end(&id, typed, service)
            };
        }
        return match engine.entity_at(address) {
            Entity::Pod(id) => End {
                name: format!("{typed} ({})", engine.pod(id).name),
                ..pod_end(engine, id)
            },
            Entity::Node(id) => node_end(engine, id),
            entity @ Entity::PodAt(id, _) => End {
                id: typed.to_owned(),
                name: format!("{typed} ({})", engine.pod(id).name),
                entities: vec![entity],
                ..pod_end(engine, id)
            },
            entity @ Entity::NodeAt(id, _) => End {
                id: typed.to_owned(),
                name: format!("{typed} (node/{})", engine.node(id).name),
                entities: vec![entity],
                ..node_end(engine, id)
            },
            entity => End {
                id: typed.to_owned(),
                name: typed.to_owned(),
                kind: EndKind::Addresses(set),
                entities: vec![entity],
                pods: 0,
            },
        };
    }
    addresses(engine, typed, typed, set)
}

/// An outside range as an end: one address of each piece that policies can tell apart stands for all of it.
pub fn addresses(engine: &Engine, id: &str, name: &str, set: AddressSet) -> End {
    let pieces = engine.outside();
    let entities = pieces
        .iter()
        .filter_map(|piece| piece.intersection(&set).first())
        .map(Entity::Address)
        .collect();
    End {
        id: id.to_owned(),
        name: name.to_owned(),
        kind: EndKind::Addresses(set),
        entities,
        pods: 0,
    }
}

fn by_labels(engine: &Engine, namespace: &str, list: &str, typed: &str) -> Result<End, EndError> {
    find_namespace(engine, namespace, typed)?;
    let mut labels = Labels::default();
    for pair in list.split(',').filter(|pair| !pair.is_empty()) {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(EndError {
                message: format!("`{}` is no label=value", text::tame(pair)),
                candidates: Vec::new(),
            });
        };
        if key.trim().is_empty() {
            return Err(EndError {
                message: format!("`{}` has no label before the `=`", text::tame(pair)),
                candidates: Vec::new(),
            });
        }
        labels.insert(key.trim(), value.trim());
    }
    let entities: Vec<Entity> = engine
        .pods()
        .filter(|id| engine.namespace_of(*id).name == namespace && !engine.pod(*id).is_finished())
        .filter(|id| {
            labels
                .iter()
                .all(|(key, value)| engine.pod(*id).labels.get(key) == Some(value))
        })
        .map(Entity::Pod)
        .collect();
    if !entities.is_empty() && !labels.is_empty() {
        return Ok(pods_end(typed, entities, namespace, engine));
    }
    let hypothetical = Hypothetical {
        namespace: namespace.to_owned(),
        labels,
        ports: Vec::new(),
    };
    Ok(End {
        id: typed.to_owned(),
        name: typed.to_owned(),
        kind: EndKind::Hypothetical {
            namespace: namespace.to_owned(),
        },
        entities: vec![Entity::Hypothetical(std::sync::Arc::new(hypothetical))],
        pods: 0,
    })
}

fn by_kind(
    engine: &Engine,
    namespace: &str,
    kind: &str,
    name: &str,
    typed: &str,
) -> Result<End, EndError> {
    let Some(ns) = engine.cluster().namespace(namespace) else {
        return not_loaded(engine, namespace, typed).ok_or_else(|| {
            not_found(
                engine,
                typed,
                &format!("no namespace `{}` was loaded", text::tame(namespace)),
            )
        });
    };
    // Custom workloads have kinds of their own: what is written in an answer must be accepted again.
    let known = kind_named(kind);
    match known {
        Some("Service") => {
            if let Some(service) = ns.service(name) {
                let id = format!("{namespace}/service/{name}");
                return Ok(service_end(
                    &id,
                    &format!("{namespace}/svc/{name}"),
                    service,
                ));
            }
            if let Some(end) = unread(engine, Resource::Services, namespace, typed) {
                return Ok(end);
            }
        }
        Some("Pod") => {
            if let Some(id) = engine.find_pod(namespace, name) {
                return Ok(pod_end(engine, id));
            }
        }
        _ => {
            let found = ns.workloads.iter().find(|workload| {
                workload.name == name
                    && known.map_or_else(
                        || workload.kind.eq_ignore_ascii_case(kind),
                        |kind| workload.kind == kind,
                    )
            });
            if let Some(workload) = found {
                return Ok(workload_end(engine, workload));
            }
        }
    }
    not_loaded(engine, namespace, typed).ok_or_else(|| {
        not_found(
            engine,
            typed,
            &format!(
                "namespace {} has no such {}",
                text::tame(namespace),
                text::tame(kind)
            ),
        )
    })
}

fn by_name(engine: &Engine, namespace: &str, name: &str, typed: &str) -> Result<End, EndError> {
    let Some(ns) = engine.cluster().namespace(namespace) else {
        return not_loaded(engine, namespace, typed).ok_or_else(|| {
            not_found(
                engine,
                typed,
                &format!("no namespace `{}` was loaded", text::tame(namespace)),
            )
        });
    };
    let found: Vec<&Workload> = ns
        .workloads
        .iter()
        .filter(|workload| workload.name == name)
        .collect();
    match found.as_slice() {
        [only] => return Ok(workload_end(engine, only)),
        [] => {}
        several => {
            let ids = several.iter().map(|workload| workload.id());
            return Err(ambiguous(typed, "workloads", ids));
        }
    }
    if let Some(id) = engine.find_pod(namespace, name) {
        return Ok(pod_end(engine, id));
    }
    if let Some(service) = ns.service(name) {
        // A Service is no workload, but the name is as plain as can be: say how to ask for it.
        return Err(EndError {
            message: format!(
                "`{}` is a Service; no workload or pod has that name",
                text::tame(typed)
            ),
            candidates: vec![format!("{}/svc/{}", ns.name, service.name)],
        });
    }
    not_loaded(engine, namespace, typed).ok_or_else(|| {
        not_found(
            engine,
            typed,
            &format!(
                "namespace {} has no workload or pod of that name",
                text::tame(namespace)
            ),
        )
    })
}

fn by_bare_name(engine: &Engine, typed: &str) -> Result<End, EndError> {
    let workloads: Vec<&Workload> = engine
        .cluster()
        .namespaces
        .values()
        .flat_map(|ns| &ns.workloads)
        .filter(|workload| workload.name == typed)
        .collect();
    match workloads.as_slice() {
        [only] => return Ok(workload_end(engine, only)),
        [] => {}
        several => {
            let ids = several.iter().map(|workload| workload.id());
            return Err(ambiguous(typed, "workloads", ids));
        }
    }
    let pods: Vec<_> = engine
        .pods()
        .filter(|id| engine.pod(*id).name == typed)
        .collect();
    match pods.as_slice() {
        [only] => Ok(pod_end(engine, *only)),
        [] => Err(not_found(engine, typed, "no workload or pod has that name")),
        several => {
            let ids = several.iter().map(|id| pod_end(engine, *id).id);
            Err(ambiguous(typed, "pods", ids))
        }
    }
}

/// Several things have the name; the first three are proposed.
fn ambiguous(typed: &str, what: &str, ids: impl ExactSizeIterator<Item = String>) -> EndError {
    EndError {
        message: format!(
            "`{}` is ambiguous: {} {what} have that name",
            text::tame(typed),
            ids.len()
        ),
        candidates: ids.take(3).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::Profile;
    use crate::model::Protocol;
    use crate::source::manifests;

    const WORLD: &str = "
{kind: Deployment, apiVersion: apps/v1, metadata: {name: api, namespace: shop}, spec: {replicas: 2, template: {metadata: {labels: {app: api}}, spec: {containers: [{name: c, ports: [{containerPort: 8080, name: http}]}]}}}}
---
{kind: Deployment, apiVersion: apps/v1, metadata: {name: cache, namespace: shop}, spec: {template: {metadata: {labels: {app: cache}}}}}
---
{kind: Job, apiVersion: batch/v1, metadata: {name: cache, namespace: shop}, spec: {template: {metadata: {labels: {app: warm}}}}}
---
{kind: Pod, apiVersion: v1, metadata: {name: api, namespace: data, labels: {app: db}}, status: {phase: Running, podIP: 10.0.0.9}}
---
{kind: Service, apiVersion: v1, metadata: {name: front, namespace: shop}, spec: {clusterIP: 10.96.0.7, selector: {app: api}, ports: [{port: 80, targetPort: http}]}}
---
{kind: Node, apiVersion: v1, metadata: {name: n1}, status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}}
";

    fn engine() -> Engine {
        let (cluster, told) = manifests::parse("t", WORLD);
        assert!(told.is_empty(), "{told:?}");
        Engine::build(&Arc::new(cluster), Profile::spec())
    }

    #[test]
    fn every_spelling_finds_its_end() {
        let engine = engine();
        for (typed, id, pods) in [
            ("shop/api", "shop/deployment/api", 2),
            ("shop/deploy/api", "shop/deployment/api", 2),
            ("shop/job/cache", "shop/job/cache", 1),
            ("data/api", "data/pod/api", 1),
            ("shop/svc/front", "shop/service/front", 0),
            ("shop/*", "shop/*", 4),
            ("shop/?app=api", "shop/?app=api", 2),
            ("shop/?app=new", "shop/?app=new", 0),
            ("10.0.0.9", "data/pod/api", 1),
            ("10.96.0.7", "shop/service/front", 0),
            ("192.168.0.1", "node/n1", 0),
            ("node/n1", "node/n1", 0),
            ("8.8.8.8", "8.8.8.8", 0),
            ("10.0.0.0/8", "10.0.0.0/8", 0),
            ("internet", "internet", 0),
        ] {
            let end = resolve(&engine, typed).unwrap_or_else(|e| panic!("{typed}: {e}"));
            assert_eq!((end.id.as_str(), end.pods), (id, pods), "{typed}");
            if !typed.contains("10.0.0.9") {
                assert_eq!(
                    resolve(&engine, &end.id).unwrap().id,
                    end.id,
                    "{typed}: what is written can be typed back"
                );
            }
        }
    }

    /// Rule E12: what may not be read may exist.
    #[test]
    fn what_may_not_be_read_is_not_said_to_be_missing() {
        let (mut cluster, _) = manifests::parse("t", WORLD);
        for resource in [Resource::Services, Resource::Pods] {
            cluster.coverage.set(
                resource,
                None,
                crate::model::State::Forbidden {
                    message: "no".into(),
                },
            );
        }
        let engine = Engine::build(&Arc::new(cluster), Profile::spec());
        for typed in [
            "k8s-api",
            "dns",
            "shop/svc/hidden",
            "shop/hidden",
            "vault/x",
        ] {
            let end = resolve(&engine, typed).unwrap_or_else(|error| panic!("{typed}: {error}"));
            assert!(
                matches!(end.kind, EndKind::NotLoaded { .. }),
                "{typed}: {end:?}"
            );
        }
    }

    #[test]
    fn what_is_not_found_or_ambiguous_names_the_nearest() {
        let engine = engine();
        for (typed, message, candidate) in [
            (
                "api",
                "`api` is ambiguous: 2 workloads have that name",
                "data/pod/api",
            ),
            (
                "shop/cache",
                "`shop/cache` is ambiguous: 2 workloads have that name",
                "shop/deployment/cache",
            ),
            (
                "shop/apo",
                "cannot find `shop/apo`: namespace shop has no workload or pod of that name",
                "shop/api",
            ),
            (
                "shopp/api",
                "cannot find `shopp/api`: no namespace `shopp` was loaded",
                "shop/api",
            ),
            (
                "shop/front",
                "`shop/front` is a Service; no workload or pod has that name",
                "shop/svc/front",
            ),
            (
                "10.0.0.0/33",
                "`10.0.0.0/33` is no address, network or range of addresses",
                "",
            ),
            (
                "10.0.0.9-10.0.0.1",
                "`10.0.0.9-10.0.0.1` is no address, network or range of addresses",
                "",
            ),
            ("shop/?=x", "`=x` has no label before the `=`", ""),
            (
                "node/n2",
                "cannot find `node/n2`: no node of that name",
                "node/n1",
            ),
        ] {
            let error = resolve(&engine, typed).unwrap_err();
            assert_eq!(error.message, message);
            assert_eq!(
                error.candidates.first().map_or("", String::as_str),
                candidate,
                "{typed}"
            );
        }
    }

    #[test]
    fn ports_are_read_as_they_are_typed() {
        use PortQuery::{Any, Named, Number, Range};
        for (typed, expected) in [
            (
                "6379",
                Ok(Number {
                    protocol: None,
                    port: 6379,
                }),
            ),
            (
                "53/udp",
                Ok(Number {
                    protocol: Some(Protocol::Udp),
                    port: 53,
                }),
            ),
            (
                "8000-8010",
                Ok(Range {
                    protocol: None,
                    first: 8000,
                    last: 8010,
                }),
            ),
            ("any", Ok(Any { protocol: None })),
            (
                "http",
                Ok(Named {
                    protocol: None,
                    name: "http".into(),
                }),
            ),
            ("0", Err("there is no port 0; ports run from 1 to 65535")),
            (
                "70000",
                Err("there is no port 70000; ports run from 1 to 65535"),
            ),
            ("90-80", Err("the range 90-80 is the wrong way round")),
            ("80/icmp", Err("`icmp` is none of tcp, udp, sctp")),
        ] {
            assert_eq!(
                parse_port(typed),
                expected.map_err(str::to_owned),
                "{typed}"
            );
        }
    }

    #[test]
    fn completion_puts_names_that_begin_with_it_first() {
        let engine = engine();
        let found: Vec<String> = complete(&engine, "ap", 10)
            .into_iter()
            .map(|c| c.text)
            .collect();
        assert_eq!(found, ["data/api", "shop/api", "k8s-api"]);
    }
}
