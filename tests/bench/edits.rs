//! Changes to a cluster as a live source makes them: a new cluster that shares every namespace but one with the last.

use std::sync::Arc;

use netseg::model::{Cluster, Namespace, Pod, Policy};

use crate::generate;

fn with_namespace(
    cluster: &Cluster,
    name: &str,
    edit: impl FnOnce(&mut Namespace),
) -> Arc<Cluster> {
    let mut cluster = cluster.clone();
    let namespace = cluster
        .namespaces
        .get_mut(name)
        .expect("edits name a namespace that is there");
    edit(Arc::make_mut(namespace));
    Arc::new(cluster)
}

/// Adds a policy to its namespace, or puts it in the place of the one with its name.
pub(crate) fn with_policy(cluster: &Cluster, policy: Policy) -> Arc<Cluster> {
    let namespace = Arc::clone(&policy.namespace);
    with_namespace(cluster, &namespace, |namespace| {
        let policies = &mut namespace.policies;
        match policies.binary_search_by(|held| held.name.cmp(&policy.name)) {
            Ok(index) => Arc::make_mut(policies)[index] = policy,
            Err(index) => Arc::make_mut(policies).insert(index, policy),
        }
    })
}

pub(crate) fn with_pod(cluster: &Cluster, namespace: &str, pod: Pod) -> Arc<Cluster> {
    with_namespace(cluster, namespace, |namespace| {
        Arc::make_mut(&mut namespace.pods).push(pod);
        generate::tidy(namespace);
    })
}
