//! What the specification leaves open, as named switches: one profile for each enforcer.

use std::fmt;

/// The answer to a question on which implementations differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Switch {
    Yes,
    No,
    /// Nobody says, or it is not known who enforces: where it matters the verdict is unknown.
    Open,
}

/// The switches of one enforcer.
///
/// Each value has its source in the projects' documentation or code; what none of them states is [`Switch::Open`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Profile {
    pub name: ProfileName,
    /// Whether an `ipBlock` matches a pod by its address (rule N32).
    pub blocks_match_pods: Switch,
    /// Whether an `ipBlock` matches nodes and host-network pods (rule N35).
    pub blocks_match_nodes: Switch,
    /// Whether a pod may always open connections to its own node (rule N51). The other way round is always open (rule N49).
    pub own_node_egress: Switch,
    /// Whether named ports of init containers count (rule N44).
    pub init_container_ports: Switch,
    /// Whether `namespaceSelector` alone also means host-network pods (rule N52).
    pub selectors_match_host_network: Switch,
    /// Whether a NetworkPolicy that selects a pod for one direction ends the Baseline tier for both (rule A13).
    pub baseline_ends_for_both: Switch,
    /// What settles two policies of one tier and priority (rule A9).
    pub equal_priority: TieBreak,
    /// Whether a Deny or Pass rule with a peer of no known field denies everything (rule A24).
    pub empty_peer_closes: Switch,
    /// Whether ClusterNetworkPolicy v1alpha2 is acted on (rule A4).
    pub cluster_policies: Switch,
    /// Whether AdminNetworkPolicy and BaselineAdminNetworkPolicy v1alpha1 are acted on (rule A4).
    pub admin_policies: Switch,
    /// The highest priority an AdminNetworkPolicy may have to be acted on (rule A4).
    pub last_admin_priority: u16,
}

/// What settles two policies of one tier and priority that disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TieBreak {
    /// Nobody says: the verdict is unknown.
    Open,
    /// The name that sorts first wins.
    Name,
    /// Deny wins.
    Deny,
}

/// The profiles there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProfileName {
    /// The API's own text, nothing else. What offline input gets.
    #[default]
    Spec,
    KubeNetworkPolicies,
    Calico,
    Cilium,
    OvnKubernetes,
    AwsVpcCni,
    /// A live cluster in which no enforcer was recognised.
    Unknown,
}

impl ProfileName {
    pub const ALL: [Self; 7] = [
        Self::Spec,
        Self::KubeNetworkPolicies,
        Self::Calico,
        Self::Cilium,
        Self::OvnKubernetes,
        Self::AwsVpcCni,
        Self::Unknown,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spec => "spec",
            Self::KubeNetworkPolicies => "kube-network-policies",
            Self::Calico => "calico",
            Self::Cilium => "cilium",
            Self::OvnKubernetes => "ovn-kubernetes",
            Self::AwsVpcCni => "aws-vpc-cni",
            Self::Unknown => "unknown",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Profile {
    pub fn named(name: ProfileName) -> Self {
        use Switch::{No, Open, Yes};
        let spec = Self {
            name,
            blocks_match_pods: Yes,
            blocks_match_nodes: Yes,
            own_node_egress: Yes,
            init_container_ports: No,
            selectors_match_host_network: No,
            baseline_ends_for_both: No,
            equal_priority: TieBreak::Open,
            empty_peer_closes: Yes,
            cluster_policies: Yes,
            admin_policies: Yes,
            last_admin_priority: 1000,
        };
        match name {
            ProfileName::Spec => spec,
            ProfileName::KubeNetworkPolicies => Self {
                own_node_egress: Open,
                baseline_ends_for_both: Yes,
                equal_priority: TieBreak::Name,
                empty_peer_closes: No,
                ..spec
            },
            ProfileName::Calico => Self {
                own_node_egress: No,
                init_container_ports: Yes,
                equal_priority: TieBreak::Name,
                // From 3.32 on the one, from 3.29 to 3.31 the other.
                cluster_policies: Open,
                admin_policies: Open,
                ..spec
            },
            ProfileName::Cilium => Self {
                blocks_match_pods: No,
                blocks_match_nodes: No,
                own_node_egress: No,
                init_container_ports: Open,
                baseline_ends_for_both: Open,
                equal_priority: TieBreak::Deny,
                // From 1.20 on, and only when switched on.
                cluster_policies: Open,
                admin_policies: No,
                ..spec
            },
            ProfileName::OvnKubernetes => Self {
                blocks_match_pods: Open,
                blocks_match_nodes: Open,
                init_container_ports: Open,
                selectors_match_host_network: Open,
                baseline_ends_for_both: Open,
                empty_peer_closes: Open,
                cluster_policies: Open,
                last_admin_priority: 99,
                ..spec
            },
            ProfileName::AwsVpcCni => Self {
                blocks_match_pods: Open,
                blocks_match_nodes: Open,
                own_node_egress: Open,
                init_container_ports: Open,
                selectors_match_host_network: Open,
                cluster_policies: No,
                admin_policies: No,
                ..spec
            },
            ProfileName::Unknown => Self {
                baseline_ends_for_both: Open,
                empty_peer_closes: Open,
                cluster_policies: Open,
                admin_policies: Open,
                blocks_match_pods: Open,
                blocks_match_nodes: Open,
                own_node_egress: Open,
                init_container_ports: Open,
                selectors_match_host_network: Open,
                ..spec
            },
        }
    }

    pub fn spec() -> Self {
        Self::named(ProfileName::Spec)
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::spec()
    }
}
