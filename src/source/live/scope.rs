//! Which feeds to run: everything for the whole cluster, and by namespace what is refused there.

use std::collections::BTreeSet;

use crate::model::Resource;

use super::follow::Feed;
use super::store::Store;

/// In the order in which they are listed: policies and labels make the first useful picture, pods take longest.
pub(super) const ORDER: [Resource; 9] = [
    Resource::Namespaces,
    Resource::NetworkPolicies,
    Resource::Services,
    Resource::Nodes,
    Resource::ReplicaSets,
    Resource::Jobs,
    Resource::Pods,
    Resource::EndpointSlices,
    Resource::Ingresses,
];

/// How many feeds by namespace may watch. Each takes a connection of its own; the others list again now and then.
pub(super) const WATCHED_PARTS: usize = 30;

/// Returns a feed for all of the cluster.
pub(super) fn whole(resource: Resource) -> Feed {
    Feed {
        resource,
        namespace: None,
    }
}

/// Which namespaces are read one by one, and which kinds in them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) feeds: BTreeSet<Feed>,
    /// Namespaces somebody named: they are shown even if nothing is in them.
    pub(super) wanted: BTreeSet<String>,
}

/// Plans the feeds by namespace, `optional` being the kinds the server has beside those of [`ORDER`]: for each kind refused for the whole cluster, the namespaces named with `-n`, else those that may
/// be listed, else the context's. What has no namespace, such as nodes, stays refused.
pub(super) fn plan(
    store: &Store,
    optional: impl IntoIterator<Item = Resource>,
    asked_for: &[String],
    default: &str,
) -> Parts {
    let refused: Vec<Resource> = ORDER
        .into_iter()
        .chain(optional)
        .filter(|resource| {
            // A Namespace can be read by its name.
            let has_parts = resource.is_namespaced() || *resource == Resource::Namespaces;
            has_parts && store.feeds.is_refused(&whole(*resource))
        })
        .collect();
    if refused.is_empty() {
        return Parts::default();
    }
    let namespaces = whole(Resource::Namespaces);
    let (names, are_asked_for): (BTreeSet<String>, bool) = if !asked_for.is_empty() {
        (asked_for.iter().cloned().collect(), true)
    } else if store.feeds.is_listed(&namespaces) {
        (store.declared().map(str::to_owned).collect(), false)
    } else if store.feeds.has_failed(&namespaces) {
        (BTreeSet::from([default.to_owned()]), true)
    } else {
        return Parts::default();
    };
    Parts {
        feeds: names
            .iter()
            .flat_map(|name| {
                refused.iter().map(|resource| Feed {
                    resource: *resource,
                    namespace: Some(name.clone()),
                })
            })
            .collect(),
        wanted: if are_asked_for {
            names
        } else {
            BTreeSet::new()
        },
    }
}
