//! Ends written as names of objects, or by labels; and what was likely meant where there is none.

use std::sync::Arc;

use crate::engine::{Engine, Entity, Hypothetical};
use crate::model::{Labels, Resource, Workload};
use crate::text;

use super::{
    End, EndError, EndKind, find_namespace, not_loaded, pod_end, pods_end, service_end, short,
    unread, workload_end,
};

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

pub(super) fn by_labels(
    engine: &Engine,
    namespace: &str,
    list: &str,
    typed: &str,
) -> Result<End, EndError> {
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
        entities: vec![Entity::Hypothetical(Arc::new(hypothetical))],
        pods: 0,
    })
}

/// The end in a namespace that may not be read, or that there is no such namespace.
fn no_namespace(engine: &Engine, namespace: &str, typed: &str) -> Result<End, EndError> {
    not_loaded(engine, namespace, typed).ok_or_else(|| {
        not_found(
            engine,
            typed,
            &format!("no namespace `{}` was loaded", text::tame(namespace)),
        )
    })
}

pub(super) fn by_kind(
    engine: &Engine,
    namespace: &str,
    kind: &str,
    name: &str,
    typed: &str,
) -> Result<End, EndError> {
    let Some(ns) = engine.cluster().namespace(namespace) else {
        return no_namespace(engine, namespace, typed);
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

pub(super) fn by_name(
    engine: &Engine,
    namespace: &str,
    name: &str,
    typed: &str,
) -> Result<End, EndError> {
    let Some(ns) = engine.cluster().namespace(namespace) else {
        return no_namespace(engine, namespace, typed);
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

pub(super) fn by_bare_name(engine: &Engine, typed: &str) -> Result<End, EndError> {
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

pub(super) fn not_found(engine: &Engine, typed: &str, why: &str) -> EndError {
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
