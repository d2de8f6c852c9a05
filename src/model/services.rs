//! Services and what stands behind them. Policy never sees a Service: it sees endpoints (rule N62).

use std::net::IpAddr;
use std::sync::Arc;

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
    /// `internalTrafficPolicy: Local`: only endpoints on the client's node (rule N69).
    pub local_only: bool,
    /// Endpoints that are not ready get traffic too (rule N65).
    pub publish_not_ready: bool,
    pub source: Option<SourceRef>,
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
