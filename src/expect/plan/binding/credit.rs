//! Policies that a document credits with letting a flow through.

use crate::model::{Policy, PolicyApi, Resource, SourceRef};
use crate::text::tame;

use super::super::LooseKind;
use super::Binder;

impl Binder<'_> {
    /// Whether a policy that the document credits exists.
    pub(super) fn credited(&mut self, by: &str, flow: &str, sources: Vec<SourceRef>) {
        let (place, name) = match by.split_once('/') {
            Some((place, name)) => (Some(place), name),
            None => (None, by),
        };
        let cluster = self.plan.cluster.clone();
        // Cluster-wide policies are told by kubectl's short name of their kind.
        let short = |policy: &Policy| match policy.api {
            PolicyApi::NetworkPolicy => None,
            PolicyApi::ClusterNetworkPolicy => Some("cnp"),
            PolicyApi::AdminNetworkPolicy => Some("anp"),
            PolicyApi::BaselineAdminNetworkPolicy => Some("banp"),
        };
        let is_meant = |policy: &Policy| {
            policy.name == name
                && place.is_none_or(|wanted| match short(policy) {
                    None => wanted == policy.namespace.as_ref(),
                    Some(short) => wanted == short,
                })
        };
        if cluster.policies().any(is_meant) {
            return;
        }
        let wide = [
            ("cnp", Resource::ClusterNetworkPolicies),
            ("anp", Resource::AdminNetworkPolicies),
            ("banp", Resource::BaselineAdminNetworkPolicies),
        ];
        let unread = |resource, of: Option<&str>| {
            let state = cluster.coverage.state(resource, of);
            state.is_some_and(|state| !state.is_readable())
        };
        let may_be_unread = match place {
            Some(place) => {
                wide.iter()
                    .any(|(short, resource)| place == *short && unread(*resource, None))
                    || unread(Resource::NetworkPolicies, Some(place))
            }
            None => cluster.coverage.iter().any(|(resource, _, state)| {
                let is_policy = resource == Resource::NetworkPolicies
                    || wide.iter().any(|(_, wide)| *wide == resource);
                is_policy && !state.is_readable()
            }),
        };
        let (kind, what) = if may_be_unread {
            (
                LooseKind::Unknown,
                "which was not found among those that could be read",
            )
        } else {
            (LooseKind::Stale, "which does not exist")
        };
        let message = format!(
            "flow `{}` is credited to the policy {}, {what}",
            tame(flow),
            tame(by)
        );
        self.loose_in(kind, by, message, sources);
    }
}
