//! Policies of other projects: that they exist is known, what they say is not evaluated.

use super::diagnostic::SourceRef;

/// The projects whose policies may decide beside the Kubernetes APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Project {
    Antrea,
    Aws,
    Calico,
    Cilium,
    Istio,
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
    group: &'static str,
    kind: &'static str,
    plural: &'static str,
    namespaced: bool,
    effect: Effect,
    /// Whether it acts on what pods open only.
    egress_only: bool,
}

const fn kind(
    project: Project,
    group: &'static str,
    kind: &'static str,
    plural: &'static str,
    namespaced: bool,
) -> Described {
    Described {
        project,
        group,
        kind,
        plural,
        namespaced,
        effect: Effect::Decides,
        egress_only: false,
    }
}

/// Calico's two groups hold the same policies (rule C1). Staged kinds are never enforced (rule C14), so they are not here.
const KINDS: [Described; 15] = [
    kind(
        Project::Antrea,
        "crd.antrea.io",
        "ClusterNetworkPolicy",
        "clusternetworkpolicies",
        false,
    ),
    kind(
        Project::Antrea,
        "crd.antrea.io",
        "NetworkPolicy",
        "networkpolicies",
        true,
    ),
    kind(
        Project::Calico,
        "crd.projectcalico.org",
        "GlobalNetworkPolicy",
        "globalnetworkpolicies",
        false,
    ),
    kind(
        Project::Calico,
        "crd.projectcalico.org",
        "NetworkPolicy",
        "networkpolicies",
        true,
    ),
    kind(
        Project::Calico,
        "projectcalico.org",
        "GlobalNetworkPolicy",
        "globalnetworkpolicies",
        false,
    ),
    kind(
        Project::Calico,
        "projectcalico.org",
        "NetworkPolicy",
        "networkpolicies",
        true,
    ),
    kind(
        Project::Cilium,
        "cilium.io",
        "CiliumClusterwideNetworkPolicy",
        "ciliumclusterwidenetworkpolicies",
        false,
    ),
    kind(
        Project::Cilium,
        "cilium.io",
        "CiliumNetworkPolicy",
        "ciliumnetworkpolicies",
        true,
    ),
    Described {
        egress_only: true,
        effect: Effect::Restricts,
        ..kind(
            Project::OvnKubernetes,
            "k8s.ovn.org",
            "EgressFirewall",
            "egressfirewalls",
            true,
        )
    },
    Described {
        egress_only: true,
        effect: Effect::Restricts,
        ..kind(
            Project::OvnKubernetes,
            "network.openshift.io",
            "EgressNetworkPolicy",
            "egressnetworkpolicies",
            true,
        )
    },
    kind(
        Project::Aws,
        "networking.k8s.aws",
        "ApplicationNetworkPolicy",
        "applicationnetworkpolicies",
        true,
    ),
    kind(
        Project::Aws,
        "networking.k8s.aws",
        "ClusterNetworkPolicy",
        "clusternetworkpolicies",
        false,
    ),
    kind(
        Project::Aws,
        "networking.k8s.aws",
        "ClusterPolicyEndpoint",
        "clusterpolicyendpoints",
        false,
    ),
    Described {
        effect: Effect::Restricts,
        ..kind(
            Project::Istio,
            "security.istio.io",
            "AuthorizationPolicy",
            "authorizationpolicies",
            true,
        )
    },
    Described {
        effect: Effect::Restricts,
        ..kind(
            Project::Istio,
            "security.istio.io",
            "PeerAuthentication",
            "peerauthentications",
            true,
        )
    },
];

impl PolicyKind {
    /// Every kind, by group and kind.
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
        self.described().group
    }

    pub fn kind(self) -> &'static str {
        self.described().kind
    }

    pub fn plural(self) -> &'static str {
        self.described().plural
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
