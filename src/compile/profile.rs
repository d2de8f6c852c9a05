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

/// The switches of one enforcer, for NetworkPolicy.
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
        };
        match name {
            ProfileName::Spec => spec,
            ProfileName::KubeNetworkPolicies => Self {
                own_node_egress: Open,
                ..spec
            },
            ProfileName::Calico => Self {
                own_node_egress: No,
                init_container_ports: Yes,
                ..spec
            },
            ProfileName::Cilium => Self {
                blocks_match_pods: No,
                blocks_match_nodes: No,
                own_node_egress: No,
                init_container_ports: Open,
                ..spec
            },
            ProfileName::OvnKubernetes => Self {
                blocks_match_pods: Open,
                blocks_match_nodes: Open,
                init_container_ports: Open,
                selectors_match_host_network: Open,
                ..spec
            },
            ProfileName::AwsVpcCni | ProfileName::Unknown => Self {
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
