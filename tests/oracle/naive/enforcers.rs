//! What the documentation leaves to the enforcer, and whose policies an enforcer owns (sections 4 to 8).

/// Which way an enforcer goes where the specification leaves it open; `Open`: nobody says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    Yes,
    No,
    Open,
}

/// What settles two policies of one tier and priority (rule A9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TieBreak {
    Open,
    Name,
    Deny,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Switches {
    pub(crate) blocks_match_pods: Switch,
    pub(crate) blocks_match_nodes: Switch,
    /// Whether a pod may always open a connection to the node it runs on (rule N51).
    pub(crate) own_node_egress: Switch,
    pub(crate) init_container_names: Switch,
    /// Whether a `namespaceSelector` beside an empty `podSelector`, or alone, also means host-network pods (rule N52).
    pub(crate) selectors_match_host_network: Switch,
    /// Whether a `NetworkPolicy` for one direction ends the Baseline tier for both (rule A13).
    pub(crate) baseline_ends_for_both: Switch,
    pub(crate) equal_priority: TieBreak,
    /// Whether a peer without a known field closes (rule A24).
    pub(crate) empty_peer_closes: Switch,
    /// Whether v1alpha2 is acted on, and whether v1alpha1 (rule A4).
    pub(crate) cluster_policies: Switch,
    pub(crate) admin_policies: Switch,
    pub(crate) last_admin_priority: u16,
    /// Whose policies may decide too; Istio's always do.
    pub(crate) owns: &'static [Project],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Project {
    Antrea,
    Aws,
    Calico,
    Cilium,
    Istio,
    Ovn,
}

/// A kind of policy of another project.
#[derive(Debug)]
pub(crate) struct ForeignKind {
    pub(crate) project: Project,
    pub(crate) api: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) namespaced: bool,
    /// A gate behind the others, which opens nothing.
    pub(crate) restricts: bool,
    pub(crate) egress_only: bool,
}

const fn foreign(
    project: Project,
    api: &'static str,
    kind: &'static str,
    namespaced: bool,
) -> ForeignKind {
    ForeignKind {
        project,
        api,
        kind,
        namespaced,
        restricts: false,
        egress_only: false,
    }
}

/// Kinds worth meeting: namespaced and not, of every project that a profile may own.
pub(crate) const FOREIGN: [ForeignKind; 8] = [
    foreign(Project::Cilium, "cilium.io/v2", "CiliumNetworkPolicy", true),
    foreign(
        Project::Cilium,
        "cilium.io/v2",
        "CiliumClusterwideNetworkPolicy",
        false,
    ),
    foreign(
        Project::Calico,
        "projectcalico.org/v3",
        "NetworkPolicy",
        true,
    ),
    foreign(
        Project::Calico,
        "crd.projectcalico.org/v1",
        "GlobalNetworkPolicy",
        false,
    ),
    foreign(
        Project::Antrea,
        "crd.antrea.io/v1beta1",
        "ClusterNetworkPolicy",
        false,
    ),
    foreign(
        Project::Aws,
        "networking.k8s.aws/v1alpha1",
        "ApplicationNetworkPolicy",
        true,
    ),
    ForeignKind {
        restricts: true,
        egress_only: true,
        ..foreign(Project::Ovn, "k8s.ovn.org/v1", "EgressFirewall", true)
    },
    ForeignKind {
        restricts: true,
        ..foreign(
            Project::Istio,
            "security.istio.io/v1",
            "AuthorizationPolicy",
            true,
        )
    },
];

pub(crate) fn spec() -> Switches {
    Switches {
        blocks_match_pods: Switch::Yes,
        blocks_match_nodes: Switch::Yes,
        own_node_egress: Switch::Yes,
        init_container_names: Switch::No,
        selectors_match_host_network: Switch::No,
        baseline_ends_for_both: Switch::No,
        equal_priority: TieBreak::Open,
        empty_peer_closes: Switch::Yes,
        cluster_policies: Switch::Yes,
        admin_policies: Switch::Yes,
        last_admin_priority: 1000,
        owns: &[
            Project::Antrea,
            Project::Aws,
            Project::Calico,
            Project::Cilium,
            Project::Istio,
            Project::Ovn,
        ],
    }
}

pub(crate) const PROFILES: [&str; 7] = [
    "spec",
    "kube-network-policies",
    "calico",
    "cilium",
    "ovn-kubernetes",
    "aws-vpc-cni",
    "unknown",
];

pub(crate) fn profile(name: &str) -> Switches {
    use Switch::{No, Open, Yes};
    let spec = spec();
    match name {
        "spec" => spec,
        "kube-network-policies" => Switches {
            own_node_egress: Open,
            baseline_ends_for_both: Yes,
            equal_priority: TieBreak::Name,
            empty_peer_closes: No,
            owns: &[Project::Istio],
            ..spec
        },
        "calico" => Switches {
            own_node_egress: No,
            init_container_names: Yes,
            equal_priority: TieBreak::Name,
            cluster_policies: Open,
            admin_policies: Open,
            owns: &[Project::Calico, Project::Istio],
            ..spec
        },
        "cilium" => Switches {
            blocks_match_pods: No,
            blocks_match_nodes: No,
            own_node_egress: No,
            init_container_names: Open,
            baseline_ends_for_both: Open,
            equal_priority: TieBreak::Deny,
            cluster_policies: Open,
            admin_policies: No,
            owns: &[Project::Cilium, Project::Istio],
            ..spec
        },
        "ovn-kubernetes" => Switches {
            blocks_match_pods: Open,
            blocks_match_nodes: Open,
            init_container_names: Open,
            selectors_match_host_network: Open,
            baseline_ends_for_both: Open,
            empty_peer_closes: Open,
            cluster_policies: Open,
            last_admin_priority: 99,
            owns: &[Project::Ovn, Project::Istio],
            ..spec
        },
        "aws-vpc-cni" => Switches {
            blocks_match_pods: Open,
            blocks_match_nodes: Open,
            own_node_egress: Open,
            init_container_names: Open,
            selectors_match_host_network: Open,
            cluster_policies: No,
            admin_policies: No,
            owns: &[Project::Aws, Project::Istio],
            ..spec
        },
        "unknown" => Switches {
            blocks_match_pods: Open,
            blocks_match_nodes: Open,
            own_node_egress: Open,
            init_container_names: Open,
            selectors_match_host_network: Open,
            baseline_ends_for_both: Open,
            empty_peer_closes: Open,
            cluster_policies: Open,
            admin_policies: Open,
            ..spec
        },
        _ => panic!("no switches are written down for {name}"),
    }
}
