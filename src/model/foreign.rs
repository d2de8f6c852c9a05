//! Policies of other projects: that they exist is known, what they say is not evaluated.

use super::diagnostic::SourceRef;

/// The projects whose policies may decide beside the Kubernetes APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Project {
    Antrea,
    Aws,
    Calico,
    Cilium,
    Gke,
    Istio,
    Linkerd,
    OvnKubernetes,
}

/// What a policy that is not evaluated may do to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// A further gate behind the others (rule E14): it may deny, and never opens what another denies.
    Restricts,
    /// Evaluated within the same chain: it may open or deny.
    Decides,
}

/// A policy kind of another project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PolicyKind(usize); // Index into KINDS.

struct Described {
    project: Project,
    /// Plural and group, with a dot between them.
    full_name: &'static str,
    kind: &'static str,
    namespaced: bool,
    effect: Effect,
    /// Whether it acts on what pods open only.
    egress_only: bool,
}

const fn kind(
    project: Project,
    full_name: &'static str,
    kind: &'static str,
    namespaced: bool,
) -> Described {
    Described {
        project,
        full_name,
        kind,
        namespaced,
        effect: Effect::Decides,
        egress_only: false,
    }
}

/// Calico's two groups hold the same policies (rule C1). Staged kinds are never enforced (rule C14), so they are not here.
const KINDS: [Described; 17] = [
    kind(
        Project::Antrea,
        "clusternetworkpolicies.crd.antrea.io",
        "ClusterNetworkPolicy",
        false,
    ),
    kind(
        Project::Antrea,
        "networkpolicies.crd.antrea.io",
        "NetworkPolicy",
        true,
    ),
    kind(
        Project::Calico,
        "globalnetworkpolicies.crd.projectcalico.org",
        "GlobalNetworkPolicy",
        false,
    ),
    kind(
        Project::Calico,
        "networkpolicies.crd.projectcalico.org",
        "NetworkPolicy",
        true,
    ),
    kind(
        Project::Calico,
        "globalnetworkpolicies.projectcalico.org",
        "GlobalNetworkPolicy",
        false,
    ),
    kind(
        Project::Calico,
        "networkpolicies.projectcalico.org",
        "NetworkPolicy",
        true,
    ),
    kind(
        Project::Cilium,
        "ciliumclusterwidenetworkpolicies.cilium.io",
        "CiliumClusterwideNetworkPolicy",
        false,
    ),
    kind(
        Project::Cilium,
        "ciliumnetworkpolicies.cilium.io",
        "CiliumNetworkPolicy",
        true,
    ),
    Described {
        egress_only: true,
        effect: Effect::Restricts,
        ..kind(
            Project::OvnKubernetes,
            "egressfirewalls.k8s.ovn.org",
            "EgressFirewall",
            true,
        )
    },
    Described {
        egress_only: true,
        effect: Effect::Restricts,
        ..kind(
            Project::OvnKubernetes,
            "egressnetworkpolicies.network.openshift.io",
            "EgressNetworkPolicy",
            true,
        )
    },
    kind(
        Project::Aws,
        "applicationnetworkpolicies.networking.k8s.aws",
        "ApplicationNetworkPolicy",
        true,
    ),
    kind(
        Project::Aws,
        "clusternetworkpolicies.networking.k8s.aws",
        "ClusterNetworkPolicy",
        false,
    ),
    kind(
        Project::Aws,
        "clusterpolicyendpoints.networking.k8s.aws",
        "ClusterPolicyEndpoint",
        false,
    ),
    Described {
        effect: Effect::Restricts,
        ..kind(
            Project::Istio,
            "authorizationpolicies.security.istio.io",
            "AuthorizationPolicy",
            true,
        )
    },
    Described {
        effect: Effect::Restricts,
        ..kind(
            Project::Istio,
            "peerauthentications.security.istio.io",
            "PeerAuthentication",
            true,
        )
    },
    Described {
        egress_only: true,
        ..kind(
            Project::Gke,
            "fqdnnetworkpolicies.networking.gke.io",
            "FQDNNetworkPolicy",
            true,
        )
    },
    // A port that a Server names is closed to whom no authorization lets in; without a Server those do nothing.
    Described {
        effect: Effect::Restricts,
        ..kind(
            Project::Linkerd,
            "servers.policy.linkerd.io",
            "Server",
            true,
        )
    },
];

impl PolicyKind {
    /// Every kind, always in the same order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..KINDS.len()).map(Self)
    }

    pub fn find(group: &str, kind: &str) -> Option<Self> {
        Self::all().find(|known| known.group() == group && known.kind() == kind)
    }

    fn described(self) -> &'static Described {
        &KINDS[self.0]
    }

    pub fn project(self) -> Project {
        self.described().project
    }

    pub fn group(self) -> &'static str {
        self.split_name().1
    }

    pub fn kind(self) -> &'static str {
        self.described().kind
    }

    pub fn plural(self) -> &'static str {
        self.split_name().0
    }

    /// As kubectl takes it: `networkpolicies.projectcalico.org`.
    pub fn full_name(self) -> &'static str {
        self.described().full_name
    }

    fn split_name(self) -> (&'static str, &'static str) {
        let full = self.described().full_name;
        full.split_once('.').unwrap_or((full, ""))
    }

    pub fn is_namespaced(self) -> bool {
        self.described().namespaced
    }

    pub fn effect(self) -> Effect {
        self.described().effect
    }

    pub fn is_egress_only(self) -> bool {
        self.described().egress_only
    }
}

/// One policy that is not evaluated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Foreign {
    pub kind: PolicyKind,
    /// Empty for cluster-wide kinds.
    pub namespace: String,
    pub name: String,
    pub source: Option<SourceRef>,
}
