//! What is shown and judged: everything, or what has at least one end in some namespaces.

use std::collections::BTreeSet;

use crate::engine::Engine;
use crate::model::Workload;

/// The namespaces in view; none named means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    namespaces: BTreeSet<String>,
}

impl Scope {
    pub fn all() -> Self {
        Self::default()
    }

    /// An empty list means everything.
    pub fn of(namespaces: impl IntoIterator<Item = String>) -> Self {
        Self {
            namespaces: namespaces.into_iter().collect(),
        }
    }

    pub fn is_all(&self) -> bool {
        self.namespaces.is_empty()
    }

    pub fn holds(&self, namespace: &str) -> bool {
        self.is_all() || self.namespaces.contains(namespace)
    }

    /// The names, sorted; empty means all.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.namespaces.iter().map(String::as_str)
    }
}

/// Every workload with pods that can take part, by namespace, kind and name.
pub fn workloads(engine: &Engine) -> Vec<&Workload> {
    let all = engine
        .cluster()
        .namespaces
        .values()
        .flat_map(|ns| ns.workloads.iter().map(move |w| (ns, w)));
    all.filter(|(ns, workload)| {
        workload
            .pods
            .iter()
            .any(|index| !ns.pods[*index].is_finished())
    })
    .map(|(_, workload)| workload)
    .collect()
}
