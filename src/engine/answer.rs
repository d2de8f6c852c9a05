//! The words of an answer: who, what verdict, why.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::compile::{NodeId, PodId};
use crate::model::{ContainerPort, Labels, PortSet, Protocol};

/// One end of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entity {
    Pod(PodId),
    Node(NodeId),
    /// One address of a pod that has several: only its family counts (rule N59).
    PodAt(PodId, IpAddr),
    /// One address of a node that has several: blocks see this one (rule N35).
    NodeAt(NodeId, IpAddr),
    /// An address that is no pod's and no node's; see [`Engine::entity_at`](super::Engine::entity_at).
    Address(IpAddr),
    /// A pod that does not exist: what would hold if it did.
    Hypothetical(Arc<Hypothetical>),
}

/// A pod as it might be. Its address is not known, so blocks may or may not match it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hypothetical {
    pub namespace: String,
    pub labels: Labels,
    pub ports: Vec<ContainerPort>,
}

/// The four answers. `Deny` and `Allow` are certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    Allow,
    Deny,
    Unknown,
    /// No policy is to blame: no address, no common family, a finished pod.
    Unreachable,
}

impl Entity {
    /// The pod it is, by whichever address.
    pub fn pod(&self) -> Option<PodId> {
        match self {
            Self::Pod(id) | Self::PodAt(id, _) => Some(*id),
            _ => None,
        }
    }

    /// The same without the choice of an address.
    #[must_use]
    pub fn whole(&self) -> Self {
        match self {
            Self::PodAt(id, _) => Self::Pod(*id),
            Self::NodeAt(id, _) => Self::Node(*id),
            other => other.clone(),
        }
    }

    /// The node it is, by whichever address.
    pub fn node(&self) -> Option<NodeId> {
        match self {
            Self::Node(id) | Self::NodeAt(id, _) => Some(*id),
            _ => None,
        }
    }
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Unknown => "unknown",
            Self::Unreachable => "unreachable",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why, in one stable word (rule E15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    NotIsolated,
    RuleAllow,
    TierAccept,
    DefaultAllow,
    SelfTraffic,
    OwnNode,
    HostNetworkSubject,
    NoEnforcementAtExternal,
    IsolatedNoMatch,
    ExplicitDeny,
    TierDeny,
    FailClosedPeer,
    EqualPriority,
    OtherPolicyApi,
    NatAmbiguous,
    ProfileUndefined,
    AddressUnknown,
    Unreadable,
    NotLoaded,
    PairsDiffer,
    HairpinUndefined,
    FqdnUnknown,
    NoServicePort,
    NoEndpoints,
    NoAddress,
    NoCommonFamily,
    LocalOnly,
    PodFinished,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotIsolated => "not-isolated",
            Self::RuleAllow => "rule-allow",
            Self::TierAccept => "tier-accept",
            Self::DefaultAllow => "default-allow",
            Self::SelfTraffic => "self-traffic",
            Self::OwnNode => "own-node",
            Self::HostNetworkSubject => "host-network-subject",
            Self::NoEnforcementAtExternal => "no-enforcement-at-external",
            Self::IsolatedNoMatch => "isolated-no-match",
            Self::ExplicitDeny => "explicit-deny",
            Self::TierDeny => "tier-deny",
            Self::FailClosedPeer => "fail-closed-peer",
            Self::EqualPriority => "equal-priority",
            Self::OtherPolicyApi => "other-policy-api",
            Self::NatAmbiguous => "nat-ambiguous",
            Self::ProfileUndefined => "profile-undefined",
            Self::AddressUnknown => "address-unknown",
            Self::Unreadable => "unreadable",
            Self::NotLoaded => "not-loaded",
            Self::PairsDiffer => "pairs-differ",
            Self::HairpinUndefined => "hairpin-undefined",
            Self::FqdnUnknown => "fqdn-unknown",
            Self::NoServicePort => "no-service-port",
            Self::NoEndpoints => "no-endpoints",
            Self::NoAddress => "no-address",
            Self::NoCommonFamily => "no-common-family",
            Self::LocalOnly => "local-only",
            Self::PodFinished => "pod-finished",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The ports that certainly get through, and those that may; the second holds the first.
///
/// A port in both is [`Verdict::Allow`], in neither [`Verdict::Deny`], only possible [`Verdict::Unknown`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Allowed {
    pub sure: PortSet,
    pub possible: PortSet,
}

impl Allowed {
    pub fn everything() -> Self {
        Self {
            sure: PortSet::all(),
            possible: PortSet::all(),
        }
    }

    pub fn nothing() -> Self {
        Self {
            sure: PortSet::empty(),
            possible: PortSet::empty(),
        }
    }

    /// What passes two gates in a row.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            sure: self.sure.intersection(&other.sure),
            possible: self.possible.intersection(&other.possible),
        }
    }

    /// What can be said of several cases together: certain only where all agree.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        Self {
            sure: self.sure.intersection(&other.sure),
            possible: self.possible.union(&other.possible),
        }
    }

    pub fn verdict(&self, protocol: Protocol, port: u16) -> Verdict {
        if self.sure.contains(protocol, port) {
            Verdict::Allow
        } else if self.possible.contains(protocol, port) {
            Verdict::Unknown
        } else {
            Verdict::Deny
        }
    }

    /// The ports of which it is not known.
    pub fn unknown(&self) -> PortSet {
        self.possible.difference(&self.sure)
    }
}

/// Whether policies act on an entity in a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Isolation {
    /// At least one policy selects it.
    Isolated,
    /// None does: everything is let through.
    Open,
    /// No NetworkPolicy does, and cluster-wide policies may decide single connections.
    Filtered,
    /// Something that could not be read may isolate it.
    Unknown,
    /// Not a thing policies select: a node, an outside address, a host-network pod.
    NoSubject,
}
