//! NetworkPolicy with its defaults spelled out: what is missing, empty or null in YAML has one meaning here.

use std::fmt;
use std::sync::Arc;

use super::cidr::IpBlock;
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

/// One NetworkPolicy. It acts only on pods of its own namespace (rule N1).
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub namespace: Arc<str>,
    pub name: String,
    /// Where the object starts; `None` when it came from a server.
    pub source: Option<SourceRef>,
    pub created: Option<String>,
    pub subject: Selector,
    /// `None`: this policy does not isolate in that direction. `Some` and empty: isolates and admits nothing (rules N5-N10).
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
    /// A port the API refuses; it matches nothing.
    Unreadable,
}

impl fmt::Display for PortItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.port {
            PortTest::Any => write!(f, "any/{}", self.protocol),
            PortTest::Range(range) => write!(f, "{range}/{}", self.protocol),
            PortTest::Named(name) => write!(f, "{name}/{}", self.protocol),
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
