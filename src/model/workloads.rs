//! Pods, and the workloads they are folded into.

use std::net::IpAddr;
use std::sync::Arc;

use super::diagnostic::SourceRef;
use super::labels::Labels;
use super::ports::Protocol;

/// A pod, or, offline, the pods that a workload's template stands for.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, as in the API"
)]
pub struct Pod {
    pub name: String,
    pub labels: Labels,
    /// Index into [`super::Namespace::workloads`].
    pub workload: usize,
    pub node: Option<String>,
    /// As in `status.podIPs`: at most one of each family. Empty for a stand-in and for a pod that has none yet.
    pub addresses: Vec<IpAddr>,
    /// Addresses of the node it runs on, as the pod's own status tells them: known even where nodes may not be read.
    pub host_addresses: Vec<IpAddr>,
    pub host_network: bool,
    pub phase: Phase,
    pub ready: bool,
    pub terminating: bool,
    /// Every declared container port, in declaration order.
    pub ports: Vec<ContainerPort>,
    /// Ports of its node that lead to it, in declaration order; none on the host network, where its own ports are the node's.
    pub host_ports: Vec<HostPort>,
    /// A template's stand-in: it counts as running, its address is unknown (rule N57).
    pub stands_in: bool,
    /// How many pods this stands for: 1, or a template's replicas.
    pub count: u32,
    /// Container images, for telling which program enforces policies.
    pub images: Vec<String>,
    /// Names of the containers that run as long as the pod does, init containers that are restarted among them. Pods of a
    /// namespace with the same names share one list.
    pub containers: Arc<[String]>,
    pub source: Option<SourceRef>,
}

impl Pod {
    /// Finished pods are neither source nor destination (rule N55).
    pub fn is_finished(&self) -> bool {
        matches!(self.phase, Phase::Succeeded | Phase::Failed)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    Pending,
    #[default]
    Running,
    Succeeded,
    Failed,
    Unknown,
}

/// A port a container declares. It matters only for names (rules N42, N45).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerPort {
    /// Empty when it has none.
    pub name: String,
    pub protocol: Protocol,
    pub port: u16,
    /// Declared by an init container: only some enforcers look there (rule N44).
    pub init: bool,
}

/// A port of the node that is translated to a port of the pod before policy sees it (rule N53).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    pub protocol: Protocol,
    pub port: u16,
    /// `hostIP`: only this address of the node.
    pub address: Option<IpAddr>,
    /// The pod's own port.
    pub target: u16,
}

/// What a person calls the thing that runs: the top owner of its pods, or a pod that nobody owns.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    pub namespace: Arc<str>,
    /// As the API spells it: `Deployment`, `StatefulSet`, `Pod`, …
    pub kind: String,
    pub name: String,
    /// Indices into [`super::Namespace::pods`], ascending. May be empty: scaled to nothing, or finished.
    pub pods: Vec<usize>,
    pub source: Option<SourceRef>,
}

impl Workload {
    /// `ns/kind/name`, the kind in lower case: how an end is written in JSON, and what can be typed back.
    pub fn id(&self) -> String {
        format!(
            "{}/{}/{}",
            self.namespace,
            self.kind.to_ascii_lowercase(),
            self.name
        )
    }
}
