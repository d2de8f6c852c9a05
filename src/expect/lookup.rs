//! Names of documents looked up in a cluster. A name means one thing or is told to be unclear; nothing is guessed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::model::{Cluster, Labels, Namespace, Requirement, Selector, Workload};
use crate::text::{nearest, tame};

use super::file::{Expectations, Select};

/// Labels whose values name a workload, in the order they are told.
const LABELS: [&str; 4] = [
    "app.kubernetes.io/component",
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app",
];

/// How somebody was found by a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// A workload is called so.
    Workload,
    /// Pods of one workload carry the name as the value of this label.
    Label(String),
    /// A namespace is called so, or ends in it: all its pods are meant.
    Namespace,
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workload => write!(f, "the workload of that name"),
            Self::Label(key) => write!(f, "by the label {key}"),
            Self::Namespace => write!(f, "all pods of the namespace"),
        }
    }
}

/// Why a name means nothing certain, in a cluster or in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unclear {
    /// Nothing is called so; the nearest names.
    Nobody(Vec<String>),
    /// Several are; their names.
    Several(Vec<String>),
}

/// Looks for the bearer of any of these names: among workload names, then label values, then namespaces and their last words; the
/// first of these steps that finds something decides. Where nothing is found it is tried without a last word `service`.
///
/// `ns/name` and `ns/kind/name` mean exactly that. O(workloads and their pods).
pub(super) fn lookup(cluster: &Cluster, names: &[String]) -> Result<(How, Select), Unclear> {
    if let Some(full) = names.iter().find(|name| name.contains('/')) {
        return only(exactly(cluster, full)).unwrap_or_else(|| Err(nobody(cluster, full)));
    }
    let wanted: BTreeSet<String> = names.iter().map(|name| plain(name)).collect();
    let shorter: BTreeSet<String> = wanted
        .iter()
        .filter_map(|name| name.strip_suffix("-service"))
        .map(str::to_owned)
        .collect();
    for wanted in [wanted, shorter] {
        for step in [by_name, by_label, by_namespace] {
            if let Some(decided) = only(step(cluster, &wanted)) {
                return decided;
            }
        }
    }
    let first = names.first().map(|name| plain(name)).unwrap_or_default();
    Err(nobody(cluster, &first))
}

/// What a step found; `None` when it found nothing.
fn only(mut found: Candidates) -> Option<Result<(How, Select), Unclear>> {
    if found.len() > 1 {
        return Some(Err(Unclear::Several(found.into_keys().collect())));
    }
    found.pop_first().map(|(_, one)| Ok(one))
}

fn nobody(cluster: &Cluster, name: &str) -> Unclear {
    let ids: Vec<String> = workloads(cluster)
        .map(|(_, workload)| workload.id())
        .collect();
    let near = nearest(name, ids.iter().map(String::as_str), 3);
    Unclear::Nobody(near.into_iter().map(str::to_owned).collect())
}

/// Gives everybody who is known by names alone a selector, where the names mean one thing in a cluster.
///
/// For each, in file order, what the document calls it and how it was found, or why it was not.
pub fn settle(
    expectations: &mut Expectations,
    cluster: &Cluster,
) -> Vec<Result<(String, String), String>> {
    let mut told = Vec::new();
    for workload in &mut expectations.workloads {
        let own = &mut workload.value;
        if !own.select.is_empty() {
            continue;
        }
        told.push(match lookup(cluster, &own.names) {
            Ok((how, select)) => {
                let place = match (&select.namespace, &select.owner) {
                    (Some(namespace), Some((kind, name))) => {
                        format!("{namespace}/{}/{name}", kind.to_lowercase())
                    }
                    (Some(namespace), None) if select.pods.is_everything() => namespace.clone(),
                    (namespace, _) => {
                        format!(
                            "{} {}",
                            namespace.as_deref().unwrap_or_default(),
                            select.pods
                        )
                    }
                };
                own.select = vec![select];
                let label = own.names.first().unwrap_or(&workload.id).clone();
                Ok((label, format!("{place}, {how}")))
            }
            Err(unclear) => Err(unclear.told(&workload.id, &own.names)),
        });
    }
    told
}

impl Unclear {
    /// Why names mean nobody for certain in a cluster, and what to do about it.
    pub(super) fn told(&self, id: &str, names: &[String]) -> String {
        let called: Vec<String> = names
            .iter()
            .map(|name| format!("`{}`", tame(name)))
            .collect();
        let called = called.join(" or ");
        let listed = |ids: &[String]| {
            let ids: Vec<_> = ids.iter().map(|id| tame(id)).collect();
            ids.join(", ")
        };
        match self {
            Self::Several(ids) => format!(
                "{called} may be any of {}: say which one with `workloads: {{{}: {{names: […], select: …}}}}` in a netseg/v1 file",
                listed(ids),
                tame(id)
            ),
            Self::Nobody(near) if near.is_empty() => format!("nothing is called {called}"),
            Self::Nobody(near) => {
                format!(
                    "no workload, label or namespace is called {called}; nearest: {}",
                    listed(near)
                )
            }
        }
    }
}

type Candidates = BTreeMap<String, (How, Select)>;

/// As names are written in a cluster: small letters, dashes for blanks.
fn plain(name: &str) -> String {
    name.split(|c: char| c.is_whitespace() || c == '_')
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("-")
        .to_lowercase()
}

fn workloads(cluster: &Cluster) -> impl Iterator<Item = (&Namespace, &Workload)> {
    let namespaces = cluster.namespaces.values();
    namespaces.flat_map(|ns| {
        ns.workloads
            .iter()
            .map(move |workload| (ns.as_ref(), workload))
    })
}

/// A selector for exactly one workload.
fn owned(workload: &Workload) -> Select {
    Select {
        namespace: Some(workload.namespace.to_string()),
        namespaces: Selector::everything(),
        pods: Selector::everything(),
        owner: Some((workload.kind.clone(), workload.name.clone())),
        container: None,
    }
}

/// Who is called so in full: `ns/name` or `ns/kind/name`.
fn exactly(cluster: &Cluster, full: &str) -> Candidates {
    let parts: Vec<&str> = full.split('/').collect();
    workloads(cluster)
        .filter(|(_, workload)| match parts.as_slice() {
            [namespace, name] => *workload.namespace == **namespace && workload.name == *name,
            [namespace, kind, name] => {
                *workload.namespace == **namespace
                    && workload.kind.eq_ignore_ascii_case(kind)
                    && workload.name == *name
            }
            _ => false,
        })
        .map(|(_, workload)| (workload.id(), (How::Workload, owned(workload))))
        .collect()
}

fn by_name(cluster: &Cluster, wanted: &BTreeSet<String>) -> Candidates {
    workloads(cluster)
        .filter(|(_, workload)| wanted.contains(&workload.name.to_lowercase()))
        .map(|(_, workload)| (workload.id(), (How::Workload, owned(workload))))
        .collect()
}

fn by_label(cluster: &Cluster, wanted: &BTreeSet<String>) -> Candidates {
    let mut found = Candidates::new();
    for (namespace, workload) in workloads(cluster) {
        let pods = workload
            .pods
            .iter()
            .filter_map(|pod| namespace.pods.get(*pod));
        let labels: Vec<&Labels> = pods.map(|pod| &pod.labels).collect();
        let named = |key: &&str| {
            let mut values = labels.iter().filter_map(|labels| labels.get(key));
            values.find(|value| wanted.contains(&value.to_lowercase()))
        };
        if let Some((key, value)) = LABELS.iter().find_map(|key| Some((*key, named(key)?))) {
            let select = Select {
                namespace: Some(namespace.name.clone()),
                pods: Selector::new([Requirement::equals(key, value)]),
                owner: None,
                ..owned(workload)
            };
            found.insert(workload.id(), (How::Label(key.to_owned()), select));
        }
    }
    found
}

fn by_namespace(cluster: &Cluster, wanted: &BTreeSet<String>) -> Candidates {
    let is_meant = |name: &str| {
        let last = name.rsplit('-').next().unwrap_or(name);
        wanted.contains(name) || wanted.contains(last)
    };
    cluster
        .namespaces
        .values()
        .filter(|ns| is_meant(&ns.name))
        .map(|ns| {
            let select = Select {
                namespace: Some(ns.name.clone()),
                namespaces: Selector::everything(),
                pods: Selector::everything(),
                owner: None,
                container: None,
            };
            (format!("{}/*", ns.name), (How::Namespace, select))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::manifests;

    fn cluster() -> Cluster {
        let pod = |namespace: &str, name: &str, labels: &str| {
            format!(
                "{{kind: Pod, apiVersion: v1, metadata: {{name: {name}, namespace: {namespace}, labels: {{{labels}}}}}, status: {{phase: Running, podIP: 10.0.0.1}}}}\n---\n"
            )
        };
        let text = [
            pod("shop", "ui", "app: front"),
            pod("shop", "flow-manager", ""),
            pod("shop", "cron", ""),
            pod("shop", "broker-a", "app.kubernetes.io/instance: kafka"),
            pod("shop", "web", "app: api"),
            pod("other", "web", "app: web"),
            pod("shop-jobs", "one", ""),
            pod("shop-jobs", "two", "app: pay"),
            pod("bank", "three", "app: pay"),
        ]
        .concat();
        manifests::parse("t", &text).0
    }

    /// What names mean, in words.
    fn check(names: &[&str], expected: &str) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let told = match lookup(&cluster(), &names) {
            Ok((how, select)) => {
                let owner = select.owner.map(|(_, name)| format!("/{name}"));
                let pods = (!select.pods.is_everything()).then(|| format!(" {}", select.pods));
                format!(
                    "{}{}{}, {how}",
                    select.namespace.unwrap_or_default(),
                    owner.unwrap_or_default(),
                    pods.unwrap_or_default()
                )
            }
            Err(Unclear::Several(ids)) => format!("several: {}", ids.join(" ")),
            Err(Unclear::Nobody(near)) => format!("nobody: {}", near.join(" ")),
        };
        assert_eq!(told, expected, "{names:?}");
    }

    #[test]
    fn the_first_step_that_finds_something_decides() {
        check(&["UI"], "shop/ui, the workload of that name");
        check(
            &["Flow Manager", "FM"],
            "shop/flow-manager, the workload of that name",
        );
        check(
            &["Kafka"],
            "shop app.kubernetes.io/instance=kafka, by the label app.kubernetes.io/instance",
        );
        check(&["Front"], "shop app=front, by the label app");
        check(&["Jobs"], "shop-jobs, all pods of the namespace");
        check(&["bank"], "bank, all pods of the namespace");
        // A workload of that name wins over a label and a namespace.
        check(&["cron"], "shop/cron, the workload of that name");
        check(&["Cron Service"], "shop/cron, the workload of that name");
    }

    #[test]
    fn what_may_be_several_is_never_guessed() {
        check(&["Web"], "several: other/pod/web shop/pod/web");
        check(&["Pay"], "several: bank/pod/three shop-jobs/pod/two");
        check(&["UI", "Cron"], "several: shop/pod/cron shop/pod/ui");
    }

    #[test]
    fn full_names_mean_exactly_that() {
        check(&["other/web"], "other/web, the workload of that name");
        check(&["other/pod/web"], "other/web, the workload of that name");
        check(
            &["other/deployment/web"],
            "nobody: other/pod/web shop/pod/web bank/pod/three",
        );
    }

    #[test]
    fn who_is_not_there_is_told_with_the_nearest() {
        check(
            &["Corn"],
            "nobody: shop/pod/cron shop-jobs/pod/one bank/pod/three",
        );
    }
}
