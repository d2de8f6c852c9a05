//! Policies with their defaults spelled out: what is missing, empty or null in YAML has one meaning here.
//!
//! NetworkPolicy and the cluster-wide kinds of policy.networking.k8s.io share one form. They differ in the tier they stand in
//! (rule A5), in whom they can select, and in what their rules may do.

use std::fmt;
use std::sync::Arc;

use super::cidr::IpBlock;
use super::coverage::Resource;
use super::diagnostic::SourceRef;
use super::labels::Selector;
use super::ports::{PortRange, Protocol};

/// The two directions, seen from the pod that a policy selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    Egress,
    Ingress,
}

impl Direction {
    pub const BOTH: [Self; 2] = [Self::Egress, Self::Ingress];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Egress => "egress",
            Self::Ingress => "ingress",
        }
    }

    /// The field that lists a rule's peers in this direction.
    pub fn peer_field(self) -> &'static str {
        match self {
            Self::Egress => "to",
            Self::Ingress => "from",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The policy APIs whose objects are evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PolicyApi {
    /// networking.k8s.io/v1.
    NetworkPolicy,
    /// policy.networking.k8s.io/v1alpha2, in either tier.
    ClusterNetworkPolicy,
    /// policy.networking.k8s.io/v1alpha1; the Admin tier of the older generation.
    AdminNetworkPolicy,
    /// policy.networking.k8s.io/v1alpha1; the Baseline tier of the older generation.
    BaselineAdminNetworkPolicy,
}

impl PolicyApi {
    pub const ALL: [Self; 4] = [
        Self::NetworkPolicy,
        Self::ClusterNetworkPolicy,
        Self::AdminNetworkPolicy,
        Self::BaselineAdminNetworkPolicy,
    ];

    /// The kind, in the API's own spelling.
    pub fn kind(self) -> &'static str {
        match self {
            Self::NetworkPolicy => "NetworkPolicy",
            Self::ClusterNetworkPolicy => "ClusterNetworkPolicy",
            Self::AdminNetworkPolicy => "AdminNetworkPolicy",
            Self::BaselineAdminNetworkPolicy => "BaselineAdminNetworkPolicy",
        }
    }

    pub fn group(self) -> &'static str {
        match self {
            Self::NetworkPolicy => "networking.k8s.io",
            _ => "policy.networking.k8s.io",
        }
    }

    pub fn version(self) -> &'static str {
        match self {
            Self::NetworkPolicy => "v1",
            Self::ClusterNetworkPolicy => "v1alpha2",
            Self::AdminNetworkPolicy | Self::BaselineAdminNetworkPolicy => "v1alpha1",
        }
    }

    /// The kind of objects this API is listed as.
    pub fn resource(self) -> Resource {
        match self {
            Self::NetworkPolicy => Resource::NetworkPolicies,
            Self::ClusterNetworkPolicy => Resource::ClusterNetworkPolicies,
            Self::AdminNetworkPolicy => Resource::AdminNetworkPolicies,
            Self::BaselineAdminNetworkPolicy => Resource::BaselineAdminNetworkPolicies,
        }
    }

    /// The word for the action that lets through: the two generations spell it differently (rule A30).
    pub fn word_for(self, action: Action) -> &'static str {
        match (self, action) {
            (Self::ClusterNetworkPolicy, Action::Accept) => "Accept",
            (_, Action::Accept) => "Allow",
            (_, Action::Deny) => "Deny",
            (_, Action::Pass) => "Pass",
        }
    }
}

/// Where a policy stands in the chain Admin, NetworkPolicy, Baseline (rule A5); a lower priority is looked at first (rule A6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    Admin { priority: u16 },
    NetworkPolicy,
    Baseline { priority: u16 },
}

impl Tier {
    /// `admin`, `network-policy`, `baseline`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Admin { .. } => "admin",
            Self::NetworkPolicy => "network-policy",
            Self::Baseline { .. } => "baseline",
        }
    }

    /// `None` where the API has no such thing.
    pub fn priority(self) -> Option<u16> {
        match self {
            Self::Admin { priority } | Self::Baseline { priority } => Some(priority),
            Self::NetworkPolicy => None,
        }
    }
}

/// What a rule does with a connection it matches. Rules of a NetworkPolicy only ever accept (rule N9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Final for this direction (rule A10); spelled `Allow` in v1alpha1.
    #[default]
    Accept,
    /// Final (rule A11).
    Deny,
    /// Leaves the tier (rule A12).
    Pass,
}

/// One policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub api: PolicyApi,
    pub tier: Tier,
    /// Empty for cluster-wide kinds. A NetworkPolicy acts only on pods of its own namespace (rule N1).
    pub namespace: Arc<str>,
    pub name: String,
    /// Where the object starts; `None` when it came from a server.
    pub source: Option<SourceRef>,
    pub created: Option<String>,
    /// Whose pods it acts on: its own namespace's, or those of matching namespaces (rule A15).
    pub subject_namespaces: NamespaceScope,
    pub subject: Selector,
    /// `None`: this policy does not touch that direction. `Some` and empty: a NetworkPolicy isolates and admits nothing (rules
    /// N5-N10); a cluster-wide one has no effect (rule A8).
    pub ingress: Option<Vec<Rule>>,
    pub egress: Option<Vec<Rule>>,
    /// Why an API server would refuse this object; empty for a valid one. A refused object may or may not be in the cluster, so
    /// whatever it touches is unknown.
    pub invalid: Vec<Problem>,
}

/// A field an API server would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// `spec.ingress[0].from[1]`
    pub path: String,
    pub message: String,
}

impl Policy {
    /// Whether it stands in no namespace.
    pub fn is_cluster_wide(&self) -> bool {
        self.api != PolicyApi::NetworkPolicy
    }

    pub fn rules(&self, direction: Direction) -> Option<&[Rule]> {
        match direction {
            Direction::Egress => self.egress.as_deref(),
            Direction::Ingress => self.ingress.as_deref(),
        }
    }
}

/// Peers and ports of one rule; both have to match (rule N13).
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub action: Action,
    /// The rule's own name; empty where it has none.
    pub name: String,
    pub peers: Peers,
    pub ports: Ports,
    /// The line of the rule in its file, where known.
    pub line: Option<u32>,
}

/// A missing or empty `from` or `to` means everyone (rule N14). That reading lives here and nowhere else.
#[derive(Clone, Debug, PartialEq)]
pub enum Peers {
    Everyone,
    AnyOf(Vec<PeerItem>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct PeerItem {
    pub peer: Peer,
    pub line: Option<u32>,
}

/// The API spells this as three optional fields; the pairs it forbids have no form here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    Pods {
        namespaces: NamespaceScope,
        pods: Selector,
    },
    IpBlock(IpBlock),
    /// Nodes by label, reached at their addresses (rule A21).
    Nodes(Selector),
    /// A domain name, exact or `*.` and a suffix, lower case and without the trailing dot (rule A22).
    DomainName(String),
    /// Pods of namespaces that have the same values as the subject's for all these keys, or that have all the keys and differ in
    /// one; the oldest v1alpha1 releases had it (rule A31).
    TenantPods {
        keys: Vec<String>,
        same: bool,
        pods: Selector,
    },
    /// A valid peer without any field this program knows. It matches nothing, and in a rule that denies or passes it closes
    /// everything (rule A24).
    Empty,
    /// A peer the API refuses, or that could not be read. It is *not* everyone (rule N21); the policy is listed as invalid.
    Unreadable,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NamespaceScope {
    /// No `namespaceSelector`: the policy's own namespace (rule N16).
    Own,
    Matching(Selector),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pods {
                namespaces: NamespaceScope::Own,
                pods,
            } if pods.is_everything() => f.write_str("every pod of this namespace"),
            Self::Pods {
                namespaces: NamespaceScope::Own,
                pods,
            } => write!(f, "pods {pods}"),
            Self::Pods {
                namespaces: NamespaceScope::Matching(namespaces),
                pods,
            } => {
                if pods.is_everything() && namespaces.is_everything() {
                    return f.write_str("every pod");
                }
                if pods.is_everything() {
                    return write!(f, "every pod of namespaces {namespaces}");
                }
                write!(f, "pods {pods} of namespaces {namespaces}")
            }
            Self::IpBlock(block) => write!(f, "addresses {block}"),
            Self::Nodes(nodes) if nodes.is_everything() => f.write_str("every node"),
            Self::Nodes(nodes) => write!(f, "nodes {nodes}"),
            Self::DomainName(name) => write!(f, "domain name {name}"),
            Self::TenantPods { keys, same, pods } => write!(
                f,
                "pods {pods} of namespaces with {} {}",
                if *same { "the same" } else { "another" },
                keys.join(", ")
            ),
            Self::Empty => f.write_str("a peer without a known field"),
            Self::Unreadable => f.write_str("an invalid peer"),
        }
    }
}

/// A missing or empty `ports` means every port of every protocol (rule N15).
#[derive(Clone, Debug, PartialEq)]
pub enum Ports {
    All,
    AnyOf(Vec<PortItem>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct PortItem {
    pub protocol: Protocol,
    pub port: PortTest,
}

/// What one entry of `ports` asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PortTest {
    /// No `port`: every port of the protocol, and nothing of any other (rules N38, N39).
    Any,
    Range(PortRange),
    /// Looked up at the destination pod, by name and protocol (rule N42).
    Named(String),
    /// Looked up by name alone: the port's own protocol counts, and [`PortItem::protocol`] says nothing (rule A26).
    NamedAnyProtocol(String),
    /// A port the API refuses; it matches nothing.
    Unreadable,
}

impl fmt::Display for PortItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.port {
            PortTest::Any => write!(f, "any/{}", self.protocol),
            PortTest::Range(range) => write!(f, "{range}/{}", self.protocol),
            PortTest::Named(name) => write!(f, "{name}/{}", self.protocol),
            PortTest::NamedAnyProtocol(name) => f.write_str(name),
            PortTest::Unreadable => write!(f, "an invalid port/{}", self.protocol),
        }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("any port"),
            Self::AnyOf(items) => {
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
        }
    }
}
