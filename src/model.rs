//! The cluster as one immutable inventory: what there is, with every default spelled out, and what could not be read.
//!
//! A [`Cluster`] never changes; a new one replaces it whole and shares one `Arc` a namespace with the last, so a change copies
//! one namespace. Everything is sorted by name, so equal input gives equal values whatever the order it came in.

pub mod cidr;
pub mod coverage;
pub mod diagnostic;
pub mod foreign;
pub mod from_wire;
pub mod ingress;
pub mod labels;
pub mod policy;
pub mod ports;
pub mod services;
pub mod workloads;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

pub use cidr::{AddressSet, Family, IpBlock, IpRange};
pub use coverage::{Coverage, Resource, State};
pub use diagnostic::{Diagnostic, Severity, SourceRef};
pub use foreign::{Effect, Foreign, PolicyKind, Project};
pub use ingress::{BackendPort, Ingress, IngressTls, Issuer, Route, RouteBackend};
pub use labels::{Labels, NAMESPACE_NAME, Requirement, Selector, Test};
pub use policy::{
    Action, Direction, NamespaceScope, Peer, PeerItem, Peers, Policy, PolicyApi, PortItem,
    PortTest, Ports, Problem, Rule, Tier,
};
pub use ports::{PortRange, PortSet, Protocol};
pub use services::{
    Backend, Balancer, Endpoint, EndpointPort, Outside, Service, ServicePort, TargetPort,
};
pub use workloads::{ContainerPort, HostPort, Phase, Pod, Workload};

/// Everything that is known of a cluster at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cluster {
    /// By name. A namespace that only occurs in another object's metadata is here too, see [`Namespace::declared`].
    pub namespaces: BTreeMap<String, Arc<Namespace>>,
    /// By name.
    pub nodes: Arc<Vec<Node>>,
    /// The policies that stand in no namespace, by tier, priority, API and name.
    pub cluster_policies: Arc<Vec<Policy>>,
    /// Policies of other projects, by kind, namespace and name. They are not evaluated.
    pub foreign: Arc<Vec<Foreign>>,
    pub coverage: Coverage,
}

impl Cluster {
    pub fn namespace(&self, name: &str) -> Option<&Arc<Namespace>> {
        self.namespaces.get(name)
    }

    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes
            .binary_search_by(|node| node.name.as_str().cmp(name))
            .ok()
            .map(|index| &self.nodes[index])
    }

    /// The node that a pod runs on: by name, else by an address that the pod shares with it.
    pub fn node_of(&self, pod: &Pod) -> Option<&Node> {
        if let Some(name) = &pod.node {
            return self.node(name);
        }
        let own = || pod.host_addresses.iter().chain(&pod.addresses);
        self.nodes
            .iter()
            .find(|node| own().any(|address| node.owns(*address)))
    }

    /// Walks every policy: those of namespaces by namespace and name, then the cluster-wide ones in their order.
    pub fn policies(&self) -> impl Iterator<Item = &Policy> {
        self.namespaces
            .values()
            .flat_map(|namespace| namespace.policies.iter())
            .chain(self.cluster_policies.iter())
    }
}

/// One namespace and all it holds; each list is sorted by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Namespace {
    pub name: String,
    /// Always with [`NAMESPACE_NAME`] (rule N23).
    pub labels: Labels,
    /// Whether a Namespace object was read. If not, no label but the name is known.
    pub declared: bool,
    /// Behind an `Arc`, so that a change of something else in the namespace shares them with the state before.
    pub pods: Arc<Vec<Pod>>,
    /// By kind, then name. Every pod belongs to exactly one.
    pub workloads: Vec<Workload>,
    pub policies: Arc<Vec<Policy>>,
    pub services: Vec<Service>,
    pub ingresses: Vec<Ingress>,
}

impl Namespace {
    /// A namespace nobody declared: it has its name and nothing else.
    pub fn undeclared(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            labels: Labels::from_iter([(NAMESPACE_NAME, name)]),
            ..Self::default()
        }
    }

    pub fn pod(&self, name: &str) -> Option<&Pod> {
        self.pods.iter().find(|pod| pod.name == name)
    }

    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }
}

/// A machine. Its own processes, and pods on the host network, speak with its addresses.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    pub name: String,
    pub labels: Labels,
    /// Addresses others reach it at: `InternalIP` first, then the rest, in the order given.
    pub addresses: Vec<IpAddr>,
    /// Addresses its packets may carry towards pods besides the internal ones: overlay tunnels (rule N50).
    pub tunnels: Vec<IpAddr>,
    pub internal: Vec<IpAddr>,
    pub kubelet_version: String,
    /// `None` when no condition says so.
    pub ready: Option<bool>,
}

impl Node {
    /// Whether an address belongs to this node in any way.
    pub fn owns(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address) || self.tunnels.contains(&address)
    }
}
