//! What was readable: by kind and namespace. Silence is never absence (rule E12).

use std::collections::BTreeMap;
use std::fmt;

use super::foreign::PolicyKind;

/// The kinds of objects that verdicts rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    Namespaces,
    Pods,
    NetworkPolicies,
    Services,
    EndpointSlices,
    Nodes,
    ReplicaSets,
    Jobs,
    /// They decide no verdict, only by what the cluster can be entered from outside.
    Ingresses,
    /// v1alpha2 of policy.networking.k8s.io.
    ClusterNetworkPolicies,
    /// v1alpha1 of the same group.
    AdminNetworkPolicies,
    BaselineAdminNetworkPolicies,
    /// Policies of other projects. They are counted, not evaluated: where one may act the verdict is unknown.
    Other(PolicyKind),
}

impl Resource {
    /// The kinds that every server has.
    pub const ALL: [Self; 9] = [
        Self::Namespaces,
        Self::Pods,
        Self::NetworkPolicies,
        Self::Services,
        Self::EndpointSlices,
        Self::Nodes,
        Self::ReplicaSets,
        Self::Jobs,
        Self::Ingresses,
    ];

    /// The kinds of which a server may have any or none: the cluster-wide policies, then those of other projects.
    pub fn optional() -> impl Iterator<Item = Self> {
        let wide = [
            Self::ClusterNetworkPolicies,
            Self::AdminNetworkPolicies,
            Self::BaselineAdminNetworkPolicies,
        ];
        wide.into_iter().chain(PolicyKind::all().map(Self::Other))
    }

    /// The kinds that a server may not have at all: nothing is missing then.
    pub fn is_optional(self) -> bool {
        matches!(
            self,
            Self::ClusterNetworkPolicies
                | Self::AdminNetworkPolicies
                | Self::BaselineAdminNetworkPolicies
                | Self::Other(_)
        )
    }

    pub fn is_namespaced(self) -> bool {
        match self {
            Self::Namespaces
            | Self::Nodes
            | Self::ClusterNetworkPolicies
            | Self::AdminNetworkPolicies
            | Self::BaselineAdminNetworkPolicies => false,
            Self::Other(kind) => kind.is_namespaced(),
            _ => true,
        }
    }

    /// The plural, and for kinds of other projects the group behind it, as kubectl takes it: several have `networkpolicies`.
    pub fn full_name(self) -> &'static str {
        match self {
            Self::Other(kind) => kind.full_name(),
            own => own.plural(),
        }
    }

    /// The API group; empty for the core group.
    pub fn group(self) -> &'static str {
        match self {
            Self::Namespaces | Self::Pods | Self::Services | Self::Nodes => "",
            Self::NetworkPolicies | Self::Ingresses => "networking.k8s.io",
            Self::EndpointSlices => "discovery.k8s.io",
            Self::ReplicaSets => "apps",
            Self::Jobs => "batch",
            Self::ClusterNetworkPolicies
            | Self::AdminNetworkPolicies
            | Self::BaselineAdminNetworkPolicies => "policy.networking.k8s.io",
            Self::Other(kind) => kind.group(),
        }
    }

    pub fn kind(self) -> &'static str {
        match self {
            Self::Namespaces => "Namespace",
            Self::Pods => "Pod",
            Self::NetworkPolicies => "NetworkPolicy",
            Self::Services => "Service",
            Self::EndpointSlices => "EndpointSlice",
            Self::Nodes => "Node",
            Self::ReplicaSets => "ReplicaSet",
            Self::Jobs => "Job",
            Self::Ingresses => "Ingress",
            Self::ClusterNetworkPolicies => "ClusterNetworkPolicy",
            Self::AdminNetworkPolicies => "AdminNetworkPolicy",
            Self::BaselineAdminNetworkPolicies => "BaselineAdminNetworkPolicy",
            Self::Other(kind) => kind.kind(),
        }
    }

    /// The lower-case plural of URLs and RBAC rules.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Pods => "pods",
            Self::NetworkPolicies => "networkpolicies",
            Self::Services => "services",
            Self::EndpointSlices => "endpointslices",
            Self::Nodes => "nodes",
            Self::ReplicaSets => "replicasets",
            Self::Jobs => "jobs",
            Self::Ingresses => "ingresses",
            Self::ClusterNetworkPolicies => "clusternetworkpolicies",
            Self::AdminNetworkPolicies => "adminnetworkpolicies",
            Self::BaselineAdminNetworkPolicies => "baselineadminnetworkpolicies",
            Self::Other(kind) => kind.plural(),
        }
    }
}

/// How far one kind is known. Times live beside the snapshot, not here: two equal clusters have equal coverage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Read from files: what is not there does not exist.
    Complete,
    /// The first list has not ended.
    Loading,
    /// Listed, and a watch keeps it current.
    Live,
    /// Listed, and listed again now and then.
    Polled,
    /// Listed once; the connection has been lost since. Old answers hold "as of" then.
    Stale { why: String },
    /// The server refuses to show it (403).
    Forbidden { message: String },
    /// The server does not have this kind (404): there is nothing to know.
    NotServed,
    /// Could not be read for another reason.
    Failed { why: String },
}

impl State {
    /// Whether what was read may be taken for all there is.
    pub fn is_readable(&self) -> bool {
        matches!(
            self,
            Self::Complete | Self::Live | Self::Polled | Self::Stale { .. } | Self::NotServed
        )
    }

    /// One lower-case word, for JSON and screens.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Loading => "loading",
            Self::Live => "live",
            Self::Polled => "polled",
            Self::Stale { .. } => "stale",
            Self::Forbidden { .. } => "forbidden",
            Self::NotServed => "not-served",
            Self::Failed { .. } => "failed",
        }
    }

    /// What the server or the connection said, where there is something.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Stale { why } | Self::Failed { why } => Some(why),
            Self::Forbidden { message } => Some(message),
            _ => None,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The state of each kind, for the whole cluster and, where that was refused, by namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    states: BTreeMap<(Resource, Option<String>), State>,
}

impl Coverage {
    /// Offline input: everything counts as read.
    pub fn complete() -> Self {
        let every = Resource::ALL.into_iter().chain(Resource::optional());
        Self {
            states: every
                .map(|resource| ((resource, None), State::Complete))
                .collect(),
        }
    }

    pub fn set(&mut self, resource: Resource, namespace: Option<&str>, state: State) {
        self.states
            .insert((resource, namespace.map(str::to_owned)), state);
    }

    /// The state of a kind in a namespace: its own when it was read by itself, else the cluster-wide one; `None` is a kind
    /// nobody asked for, which is as unknown as a refused one.
    pub fn state(&self, resource: Resource, namespace: Option<&str>) -> Option<&State> {
        namespace
            .and_then(|name| self.states.get(&(resource, Some(name.to_owned()))))
            .or_else(|| self.states.get(&(resource, None)))
    }

    pub fn is_readable(&self, resource: Resource, namespace: Option<&str>) -> bool {
        self.state(resource, namespace)
            .is_some_and(State::is_readable)
    }

    /// Every known state: by kind, the cluster-wide one first, then by namespace.
    pub fn iter(&self) -> impl Iterator<Item = (Resource, Option<&str>, &State)> {
        self.states
            .iter()
            .map(|((resource, namespace), state)| (*resource, namespace.as_deref(), state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_read_by_itself_wins_over_the_refused_whole() {
        let mut coverage = Coverage::default();
        coverage.set(
            Resource::Pods,
            None,
            State::Forbidden {
                message: "no".into(),
            },
        );
        coverage.set(Resource::Pods, Some("shop"), State::Live);
        assert!(coverage.is_readable(Resource::Pods, Some("shop")));
        assert!(!coverage.is_readable(Resource::Pods, Some("vault")));
        assert!(!coverage.is_readable(Resource::Pods, None));
    }

    #[test]
    fn a_kind_nobody_asked_for_is_not_readable() {
        assert!(!Coverage::default().is_readable(Resource::NetworkPolicies, Some("shop")));
        assert!(Coverage::complete().is_readable(Resource::NetworkPolicies, Some("shop")));
    }

    #[test]
    fn files_are_complete_for_kinds_a_server_may_not_have_too() {
        let complete = Coverage::complete();
        assert!(complete.is_readable(Resource::ClusterNetworkPolicies, None));
        assert_eq!(Resource::optional().count(), 20);
        for resource in Resource::optional() {
            assert!(resource.is_optional(), "{resource:?}");
            assert_eq!(
                complete.state(resource, Some("shop")),
                Some(&State::Complete)
            );
        }
        let names: std::collections::BTreeSet<&str> =
            Resource::optional().map(Resource::full_name).collect();
        assert_eq!(names.len(), 20);
        assert!(names.contains("networkpolicies.projectcalico.org"));
    }
}
