//! Services and what stands behind them. Policy never sees a Service: it sees endpoints (rule N62).

use std::net::IpAddr;
use std::sync::Arc;

use super::cidr::{AddressSet, Family};
use super::diagnostic::SourceRef;
use super::labels::Labels;
use super::ports::Protocol;

#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    pub namespace: Arc<str>,
    pub name: String,
    pub labels: Labels,
    pub backend: Backend,
    /// Virtual addresses; empty for a headless one.
    pub cluster_ips: Vec<IpAddr>,
    /// `clusterIP: None`: names resolve to endpoints, and ports are not translated either (rule N74).
    pub headless: bool,
    pub ports: Vec<ServicePort>,
    /// The families it was given; empty when nothing says so.
    pub families: Vec<Family>,
    /// `internalTrafficPolicy: Local`: only endpoints on the client's node (rule N69).
    pub local_only: bool,
    /// Its ways in from outside.
    pub outside: Outside,
    /// Endpoints that are not ready get traffic too (rule N65).
    pub publish_not_ready: bool,
    pub source: Option<SourceRef>,
}

impl Service {
    /// `namespace/name`
    pub fn label(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Whether clients outside the cluster are meant to reach it by an address of their own.
    pub fn is_exposed(&self) -> bool {
        !self.headless
            && (self.outside.is_balanced
                || !self.outside.external_ips.is_empty()
                || self.ports.iter().any(|port| port.node_port.is_some()))
    }
}

/// How clients outside the cluster come in: node ports stand with the ports, the rest here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outside {
    /// `type: LoadBalancer`, whether or not it has an address yet.
    pub is_balanced: bool,
    /// `type: NodePort`, whether or not its ports have their numbers yet.
    pub is_node_port: bool,
    /// Addresses of its load balancer.
    pub balancers: Vec<Balancer>,
    /// Host names of its load balancer, where it has those in place of addresses.
    pub hostnames: Vec<String>,
    /// `externalIPs`: addresses that routers send to the nodes.
    pub external_ips: Vec<IpAddr>,
    /// `externalTrafficPolicy: Local`: only endpoints on the node where a connection comes in, and the client's address is kept
    /// (rule N71).
    pub local_only: bool,
    /// `loadBalancerSourceRanges`: the only clients the load balancer serves; `None` means all (rule N73).
    pub source_ranges: Option<AddressSet>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Balancer {
    pub address: IpAddr,
    /// `ipMode: Proxy`: every connection goes through the load balancer itself, those from inside the cluster too (rule N72).
    pub is_proxy: bool,
}

/// Where a Service sends its traffic.
#[derive(Clone, Debug, PartialEq)]
pub enum Backend {
    /// EndpointSlices were read: they alone say (rule N63).
    Endpoints(Vec<Endpoint>),
    /// Offline and without a slice: pods of the namespace with these labels stand in for endpoints.
    Selector(Labels),
    /// No slice and no selector: nothing stands behind it.
    Nothing,
    /// An alias for a DNS name (rule N75).
    ExternalName(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServicePort {
    /// Empty when it has none.
    pub name: String,
    pub protocol: Protocol,
    pub port: u16,
    pub target: TargetPort,
    /// The port at which every node answers for it, where one is known.
    pub node_port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TargetPort {
    Number(u16),
    /// Looked up at each endpoint's pod (rule N67).
    Named(String),
}

/// One address behind a Service, with the ports of its slice.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    pub addresses: Vec<IpAddr>,
    /// The slice's own readiness: absent counts as ready (rule N65).
    pub ready: bool,
    pub serving: bool,
    pub terminating: bool,
    pub node: Option<String>,
    /// Namespace and name of the pod the slice names.
    pub pod: Option<(String, String)>,
    pub ports: Vec<EndpointPort>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointPort {
    pub name: String,
    pub protocol: Protocol,
    /// `None`: every port (rule N64).
    pub port: Option<u16>,
}
