//! What is in force: who enforces, by which profile it is reasoned, what was readable.

use crate::compile::enforcer::Enforcer;
use crate::engine::Engine;
use crate::model::{Cluster, PolicyKind, Resource, State};

use super::scope::Scope;

/// The policies of one kind of another project. They are not evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotEvaluated {
    pub kind: PolicyKind,
    /// At least 1.
    pub count: usize,
    /// Where they stand, sorted; empty for cluster-wide kinds.
    pub namespaces: Vec<String>,
}

/// Counts the policies of other projects, by kind. Such as are only in namespaces out of view are left out.
pub fn not_evaluated(cluster: &Cluster, scope: &Scope) -> Vec<NotEvaluated> {
    let mut found: Vec<NotEvaluated> = Vec::new();
    for policy in cluster.foreign.iter() {
        if !policy.namespace.is_empty() && !scope.holds(&policy.namespace) {
            continue;
        }
        // They come by kind, then namespace.
        let known = found.last_mut().filter(|known| known.kind == policy.kind);
        let entry = match known {
            Some(entry) => entry,
            None => {
                found.push(NotEvaluated {
                    kind: policy.kind,
                    count: 0,
                    namespaces: Vec::new(),
                });
                found.last_mut().expect("one was just added")
            }
        };
        entry.count += 1;
        if !policy.namespace.is_empty() && entry.namespaces.last() != Some(&policy.namespace) {
            entry.namespaces.push(policy.namespace.clone());
        }
    }
    found
}

/// The facts about a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Info {
    pub enforcer: Enforcer,
    pub profile: &'static str,
    /// Kind, namespace (`None`: cluster-wide), state; by kind, then namespace. Kinds that need not exist and do not are left out.
    pub coverage: Vec<(Resource, Option<String>, State)>,
    pub namespaces: usize,
    pub pods: usize,
    /// Of whatever evaluated API.
    pub policies: usize,
    /// How many of them stand in no namespace.
    pub cluster_wide: usize,
    pub not_evaluated: Vec<NotEvaluated>,
}

/// Collects them.
pub fn info(engine: &Engine, enforcer: &Enforcer) -> Info {
    let cluster = engine.cluster();
    Info {
        enforcer: enforcer.clone(),
        profile: engine.profile().name.as_str(),
        coverage: cluster
            .coverage
            .iter()
            .filter(|(resource, _, state)| match resource {
                // Whether there are policies of every project there is, is not worth a line each.
                Resource::Other(_) => !matches!(state, State::NotServed | State::Complete),
                other => !(other.is_optional() && **state == State::NotServed),
            })
            .map(|(resource, namespace, state)| {
                (resource, namespace.map(str::to_owned), state.clone())
            })
            .collect(),
        namespaces: cluster.namespaces.len(),
        pods: cluster.namespaces.values().map(|ns| ns.pods.len()).sum(),
        policies: cluster.policies().count(),
        cluster_wide: cluster.cluster_policies.len(),
        not_evaluated: not_evaluated(cluster, &Scope::all()),
    }
}
