//! The documentation of the policy APIs read aloud: one pair of ends, one protocol and one port at a time.
//!
//! Slow and plain on purpose. It shares no code with `src/`, not even the types: a policy is kept here as it was written, and
//! every default is applied where the documentation speaks of it.
//!
//! What cannot be known is guessed, every way it may be, see [`guess`]. A connection is allowed if it passes however the
//! guesses fall, denied if it never does, else unknown. This is done twice: [`Bounds::sharp`] takes one fact for one fact, as
//! sharp as an answer can be; [`Bounds::loose`] guesses anew at every mention. An answer has to lie between the two.

mod chain;
mod enforcers;
mod guess;
mod matching;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

pub(crate) use chain::{Bounds, RuleTests, ask_rule, ask_wide_rule, bounds};
pub(crate) use enforcers::{FOREIGN, PROFILES, Switches, profile, spec};
pub(crate) use matching::{isolates, rules};

pub(crate) type Labels = BTreeMap<String, String>;

/// The label every namespace has, whether or not a file says so (rule N23).
pub(crate) const NAME_LABEL: &str = "kubernetes.io/metadata.name";

#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    pub(crate) namespaces: Vec<Namespace>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) pods: Vec<Pod>,
    pub(crate) policies: Vec<Policy>,
    /// Policies that stand in no namespace. Their names differ.
    pub(crate) wide: Vec<Wide>,
    pub(crate) foreign: Vec<Foreign>,
    /// Services: no policy reads them.
    pub(crate) services: Vec<Service>,
    pub(crate) hidden: Hidden,
}

/// What may not be read (rule E12). It may hold anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hidden {
    /// The labels of every namespace, but for its name.
    pub(crate) labels: bool,
    /// Namespaces whose `NetworkPolicy` objects are out of sight.
    pub(crate) policies: BTreeSet<usize>,
    pub(crate) wide: BTreeSet<Kind>,
    /// Indices into [`FOREIGN`].
    pub(crate) foreign: BTreeSet<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct Namespace {
    pub(crate) name: String,
    /// `None`: no Namespace object was written down.
    pub(crate) labels: Option<Labels>,
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) labels: Labels,
    /// `InternalIP`: at most one of each family.
    pub(crate) addresses: Vec<IpAddr>,
    /// `ExternalIP`.
    pub(crate) external: Vec<IpAddr>,
}

#[derive(Clone, Debug)]
pub(crate) struct Pod {
    pub(crate) namespace: usize,
    pub(crate) name: String,
    pub(crate) labels: Labels,
    /// Index into [`World::nodes`]. A pod with an address runs somewhere: without a node it may be on any of them.
    pub(crate) node: Option<usize>,
    /// What `status.podIPs` says: at most one of each family; a host-network pod has its node's.
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) host_network: bool,
    pub(crate) phase: Phase,
    pub(crate) ports: Vec<ContainerPort>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Pending,
    Running,
    Succeeded,
    Failed,
}

#[derive(Clone, Debug)]
pub(crate) struct ContainerPort {
    pub(crate) name: String,
    pub(crate) protocol: Protocol,
    pub(crate) number: u16,
    pub(crate) init: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

pub(crate) const PROTOCOLS: [Protocol; 3] = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    Egress,
    Ingress,
}

pub(crate) const DIRECTIONS: [Direction; 2] = [Direction::Egress, Direction::Ingress];

/// A `NetworkPolicy`.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) namespace: usize,
    pub(crate) name: String,
    pub(crate) subject: Selector,
    /// As written; empty stands for missing too.
    pub(crate) types: Vec<Direction>,
    pub(crate) ingress: Vec<Rule>,
    pub(crate) egress: Vec<Rule>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Rule {
    /// `from` or `to`.
    pub(crate) peers: Vec<Peer>,
    pub(crate) ports: Vec<Port>,
}

#[derive(Clone, Debug)]
pub(crate) enum Peer {
    /// At least one of the two is written.
    Select {
        namespaces: Option<Selector>,
        pods: Option<Selector>,
    },
    Block {
        cidr: Cidr,
        except: Vec<Cidr>,
    },
}

/// An address and a prefix length as written; host bits may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cidr {
    pub(crate) address: IpAddr,
    pub(crate) bits: u32,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Port {
    pub(crate) protocol: Option<Protocol>,
    /// The field `port`.
    pub(crate) number: Option<NumberOrName>,
    pub(crate) end: Option<u16>,
}

#[derive(Clone, Debug)]
pub(crate) enum NumberOrName {
    Number(u16),
    Name(String),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Selector {
    pub(crate) labels: Labels,
    pub(crate) expressions: Vec<Expression>,
}

#[derive(Clone, Debug)]
pub(crate) struct Expression {
    pub(crate) key: String,
    pub(crate) operator: Operator,
    pub(crate) values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

/// The kinds of policy.networking.k8s.io: `ClusterNetworkPolicy` of v1alpha2, the other two of v1alpha1 (rule A1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Cluster,
    Admin,
    Baseline,
}

pub(crate) const KINDS: [Kind; 3] = [Kind::Cluster, Kind::Admin, Kind::Baseline];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tier {
    Admin,
    Baseline,
}

/// A cluster-wide policy.
#[derive(Clone, Debug)]
pub(crate) struct Wide {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// The old kinds say it by being what they are.
    pub(crate) tier: Tier,
    /// A `BaselineAdminNetworkPolicy` has none: 0 stands for that.
    pub(crate) priority: u16,
    pub(crate) subject: Scope,
    pub(crate) ingress: Vec<WideRule>,
    pub(crate) egress: Vec<WideRule>,
}

/// `namespaces: …`, or `pods: {namespaceSelector, podSelector}`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    pub(crate) namespaces: Selector,
    pub(crate) pods: Option<Selector>,
}

#[derive(Clone, Debug)]
pub(crate) struct WideRule {
    pub(crate) action: Action,
    pub(crate) peers: Vec<WidePeer>,
    /// `None`: the field is missing, all traffic is meant (rule A25).
    pub(crate) ports: Option<Vec<WidePort>>,
}

/// What a rule does; the older kinds call the first `Allow`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    Accept,
    Deny,
    Pass,
}

#[derive(Clone, Debug)]
pub(crate) enum WidePeer {
    Pods(Scope),
    /// `sameLabels` or `notSameLabels`, of the oldest releases only (rule A31).
    Tenants {
        keys: Vec<String>,
        same: bool,
        pods: Option<Selector>,
    },
    Nodes(Selector),
    Networks(Vec<Cidr>),
    Domains(Vec<String>),
    /// No field that is known.
    Empty,
}

#[derive(Clone, Debug)]
pub(crate) enum WidePort {
    Number(Protocol, u16),
    Range(Protocol, u16, u16),
    Named(String),
}

/// A policy of another project; nobody here reads what it says.
#[derive(Clone, Debug)]
pub(crate) struct Foreign {
    /// Index into [`FOREIGN`].
    pub(crate) kind: usize,
    /// Where it stands, if its kind is namespaced.
    pub(crate) namespace: usize,
    pub(crate) name: String,
}

/// A Service with one port, in front of the pods of its namespace that carry its labels.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) namespace: usize,
    pub(crate) name: String,
    pub(crate) selector: Labels,
    pub(crate) port: u16,
    pub(crate) target: u16,
}

/// One end of a connection; indices into the world's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Pod(usize),
    Node(usize),
    /// A node, dialled at one of its addresses.
    NodeAt(usize, IpAddr),
    /// An address that no living pod and no node has.
    Outside(IpAddr),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allow,
    Deny,
    Unknown,
    Unreachable,
}
