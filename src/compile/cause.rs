//! Why something cannot be known.

use crate::model::{PolicyApi, PolicyKind, Resource};

/// Why something cannot be known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// NetworkPolicies of the namespace could not be read.
    PoliciesUnreadable { namespace: String },
    /// A namespaceSelector reads labels that could not be read.
    NamespaceLabelsUnreadable { namespace: String },
    /// An object an API server would refuse, or one that could not be decoded. The namespace is empty for cluster-wide kinds.
    InvalidPolicy {
        api: PolicyApi,
        namespace: String,
        name: String,
    },
    /// A cluster-wide policy kind that the server has could not be read (rule E12).
    TierUnreadable { resource: Resource },
    /// It is not known whether the enforcer in force acts on policies of this API (rule A4).
    ApiUnsupported { api: PolicyApi },
    /// Policies of one tier and priority disagree, and nobody says which comes first (rule A9). By name.
    EqualPriority { names: Vec<String> },
    /// A rule for a domain name, whose addresses are not known (rule A22).
    DomainName { name: String },
    /// A peer without a field this program knows, where enforcers differ (rule A24).
    EmptyPeer,
    /// A policy of another project, which is not evaluated; `None` when it is not known whether there is one.
    OtherPolicy {
        kind: PolicyKind,
        namespace: String,
        name: Option<String>,
    },
    /// More such policies than are worth naming.
    OtherPolicies { kind: PolicyKind, count: usize },
    /// Enforcers differ on whether a NetworkPolicy for the other direction ends the Baseline tier (rule A13).
    BaselineScope,
    /// A block against a pod whose address is not known yet.
    AddressUnknown,
    /// Enforcers differ on whether a block matches pods.
    BlockAgainstPod,
    /// Enforcers differ on whether a block matches nodes.
    BlockAgainstNode,
    /// Enforcers differ on whether selectors see host-network pods.
    SelectorAgainstHostNetwork,
    /// Enforcers differ on traffic from a pod to its own node.
    OwnNodeEgress,
    /// Labels of nodes could not be read, and a rule names nodes by them (rule A21).
    NodeLabelsUnknown,
    /// Which node a pod runs on is not known, so neither whether the other end is its own node.
    NodeUnknown,
    /// EndpointSlices of a Service could not be read.
    EndpointsUnreadable { service: String },
    /// A DNS alias that points out of the cluster.
    AliasUnresolved { name: String },
    /// Enforcers differ on a pod that reaches itself through a Service (rule N48).
    Hairpin,
    /// On its way in a connection may be given another source address (rules N70, N71). Ends as they would be typed.
    SourceRewritten {
        /// The load balancer itself opens the connection to the pod; else it may be the node where the client comes in.
        by_balancer: bool,
        /// The sources that are let in, and those that are not or may not be.
        let_in: Vec<String>,
        kept_out: Vec<String>,
    },
    /// Policy at the client may see the address it asked for, or what stands behind it.
    DestinationRewritten {
        /// `address:port` as asked.
        asked: String,
        /// Whether it is the translated destination that is let out.
        behind_is_open: bool,
    },
    /// Enforcers differ on named ports of init containers.
    InitContainerPort { port: String },
}
