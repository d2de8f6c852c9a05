//! What an explanation is made of: rules, misses and limits, as data.

use std::fmt::Write as _;

use crate::compile::PolicyId;
use crate::model::{Direction, Protocol, Requirement};

use crate::engine::{Cause, Entity, Reason, Verdict};

/// A rule, and the peer item of it that matters, by place: words are made where it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId {
    pub policy: PolicyId,
    pub direction: Direction,
    pub rule: u32,
    /// Index into `from` or `to`; `None` when the rule lists no peers, or when the whole rule is meant.
    pub item: Option<u32>,
}

impl RuleId {
    /// The YAML path, counted from 0: `spec.ingress[0].from[1]`.
    pub fn path(&self) -> String {
        let mut path = format!("spec.{}[{}]", self.direction, self.rule);
        if let Some(item) = self.item {
            let _ = write!(path, ".{}[{item}]", self.direction.peer_field());
        }
        path
    }
}

/// The whole answer to "may this connection be opened".
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    pub from: Entity,
    pub to: Entity,
    pub protocol: Protocol,
    pub port: u16,
    pub verdict: Verdict,
    pub reason: Reason,
    pub egress: Side,
    pub ingress: Side,
    /// What an unknown verdict hangs on; sorted. If none of it stands in the way the verdict is allow, else deny.
    pub conditions: Vec<Cause>,
    /// What the verdict assumes, beside what is always assumed.
    pub limits: Vec<Limit>,
}

/// What one end says.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    pub verdict: Verdict,
    pub reason: Reason,
    /// Every policy that isolates this end in this direction, by name; empty when none does.
    pub isolated_by: Vec<PolicyId>,
    /// The rules that decide, by policy and place: every one that lets the connection through, or the one of a cluster-wide
    /// policy that denies it.
    pub decided_by: Vec<RuleId>,
    /// Rules of cluster-wide policies that matched and passed the connection on to the next tier, in the order of the chain.
    pub passed_by: Vec<RuleId>,
    /// Only for a denial, and only when there is a rule at all.
    pub nearest: Option<Nearest>,
    /// Why it is unknown, if it is.
    pub causes: Vec<Cause>,
}

/// A test that a rule fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fail {
    Peer,
    Protocol,
    Port,
    NamedPortUnresolved,
    Family,
}

impl Fail {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::Protocol => "protocol",
            Self::Port => "port",
            Self::NamedPortUnresolved => "named-port-unresolved",
            Self::Family => "family",
        }
    }
}

/// The rule that would have to change least.
#[derive(Clone, Debug, PartialEq)]
pub struct Nearest {
    pub rule: RuleId,
    /// Sorted, never empty.
    pub fails: Vec<Fail>,
    /// What its best peer item asks that the other end does not have; `None` when the peer matches.
    pub peer: Option<PeerMiss>,
    /// The ports it admits instead; `None` when the port matches.
    pub ports: Option<String>,
}

impl Nearest {
    /// Fewest failing tests first, then fewest conditions missed, then by place (rule E15).
    pub(super) fn weight(&self) -> (usize, usize, RuleId) {
        (
            self.fails.len(),
            self.peer.as_ref().map_or(0, PeerMiss::weight),
            self.rule,
        )
    }
}

/// By what a peer item misses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerMiss {
    Labels {
        /// The item has no namespaceSelector, so it means pods of this namespace only, and the peer is in another one.
        own_namespace: Option<String>,
        /// Requirements on the namespace that are not met, each with the value found instead.
        namespace: Vec<(Requirement, Option<String>)>,
        /// The keys whose values should be the same as those of the subject's namespace (`true`), or differ (`false`).
        tenant: Option<(Vec<String>, bool)>,
        pod: Vec<(Requirement, Option<String>)>,
    },
    /// Requirements on the node that are not met, each with the value found instead.
    Node {
        labels: Vec<(Requirement, Option<String>)>,
    },
    /// A selector on nodes, and the peer is none.
    NotANode,
    /// A domain name means what lies outside the cluster, the peer does not.
    DomainName {
        name: String,
    },
    /// Selectors mean pods, the peer is none.
    NotAPod,
    /// Selectors do not see pods on the host network.
    HostNetwork,
    /// The address lies outside the block, or in one of its holes.
    Address {
        block: String,
    },
    /// The block's family is not the connection's.
    Family {
        block: String,
    },
    Invalid,
}

impl PeerMiss {
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Labels {
                own_namespace,
                namespace,
                tenant,
                pod,
            } => {
                usize::from(own_namespace.is_some())
                    + usize::from(tenant.is_some())
                    + namespace.len()
                    + pod.len()
            }
            Self::Node { labels } => labels.len(),
            Self::Address { .. } | Self::HostNetwork => 1,
            Self::NotAPod | Self::NotANode | Self::DomainName { .. } | Self::Family { .. } => 2,
            Self::Invalid => 3,
        }
    }
}

/// What a verdict takes for granted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// No Namespace object was loaded, so it carries no label but its name; with this one the verdict would be another.
    AssumesNoLabel {
        namespace: String,
        requirement: Requirement,
    },
    /// No EndpointSlice was loaded: the selector stands in for endpoints.
    SelectorStandsIn { service: String },
    /// The verdict is what policies say; nothing can be reached now.
    Shadow { verdict: Verdict },
    /// A headless Service does not translate ports.
    HeadlessPort {
        service: String,
        port: u16,
        target: u16,
    },
    /// Policy sees the endpoint, so a rule on the Service's own address has no effect.
    AfterTranslation { service: String },
    /// On which node an endpoint or the client is could not be told, and only endpoints of one node may be used: taken as near.
    NodeNotKnown { service: String },
    /// A port of the node leads to a pod: policy sees the pod and its own port.
    HostPort { pod: String, port: u16, target: u16 },
    /// Pods may ask a DNS cache on their own node instead of the Service asked about.
    NodeLocalDns { cache: String },
    /// A pod is reached by its address through a block: the specification is silent on whether that counts.
    BlockMatchedPod,
}

impl Side {
    /// An end at which nothing stands in the way.
    pub(crate) fn allow(reason: Reason) -> Self {
        Self {
            verdict: Verdict::Allow,
            reason,
            isolated_by: Vec::new(),
            decided_by: Vec::new(),
            passed_by: Vec::new(),
            nearest: None,
            causes: Vec::new(),
        }
    }

    /// The same end in the other address family, where both come to the same verdict for the same reason; else one story is told.
    #[must_use]
    pub(super) fn join(mut self, other: Self) -> Self {
        if self.verdict != other.verdict || self.reason != other.reason {
            return self;
        }
        for rule in other.decided_by {
            if !self.decided_by.contains(&rule) {
                self.decided_by.push(rule);
            }
        }
        // Each family has a nearest rule of its own; the nearer of the two is the one to show.
        self.nearest = match (self.nearest, other.nearest) {
            (Some(a), Some(b)) => Some(if b.weight() < a.weight() { b } else { a }),
            (a, b) => a.or(b),
        };
        self
    }
}
