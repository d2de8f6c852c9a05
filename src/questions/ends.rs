//! The ends of a connection as people write them, and the things they stand for.

mod addresses;
mod complete;
mod names;
mod ports;
#[cfg(test)]
mod tests;

use crate::engine::{Engine, Entity};
use crate::model::{AddressSet, Namespace, Resource, Service, Workload, cidr};
use crate::text;

pub use addresses::addresses;
pub use complete::{Candidate, complete};
pub use ports::{PortQuery, parse_port, ports_of};

use addresses::{address_end, is_meant_as_address, parse_addresses};
use names::{by_bare_name, by_kind, by_labels, by_name, not_found};

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

impl End {
    /// Whether it is several addresses, of which each entity is only an example.
    pub fn is_range(&self) -> bool {
        let EndKind::Addresses(set) = &self.kind else {
            return false;
        };
        let mut ranges = set.iter();
        !matches!((ranges.next(), ranges.next()), (Some(only), None) if only.first() == only.last())
    }
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
