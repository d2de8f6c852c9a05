//! What answers at a port of a node, or at an address that a Service has outside the cluster, instead of a process there.

use std::net::IpAddr;

use crate::engine::{Engine, Entity, PodId};
use crate::model::{HostPort, Protocol, Service, ServicePort};

/// A port whose connections are translated on the way in (rules N53, N70 to N72).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Front<'a> {
    Service {
        service: &'a Service,
        port: &'a ServicePort,
        way: Way,
    },
    HostPort {
        pod: PodId,
        port: &'a HostPort,
    },
}

/// By which of its addresses a Service is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Way {
    /// Its own address within the cluster.
    ClusterIp,
    NodePort,
    Balancer {
        is_proxy: bool,
    },
    ExternalIp,
}

impl Way {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClusterIp => "cluster-ip",
            Self::NodePort => "node-port",
            Self::Balancer { .. } => "load-balancer",
            Self::ExternalIp => "external-ip",
        }
    }
}

impl Engine {
    /// What answers there, with the protocol and the port to ask: by protocol and port. Pods have none.
    pub fn fronts(&self, at: &Entity) -> Vec<(Protocol, u16, Front<'_>)> {
        let addresses: Vec<IpAddr> = match at {
            Entity::Node(id) => self.node(*id).addresses.clone(),
            Entity::NodeAt(_, address) | Entity::Address(address) => vec![*address],
            Entity::Pod(_) | Entity::PodAt(..) | Entity::Hypothetical(_) => return Vec::new(),
        };
        let machine = self.machine_of(at);
        let mut found = Vec::new();
        let services = self
            .compiled
            .cluster
            .namespaces
            .values()
            .flat_map(|ns| &ns.services);
        for service in services.into_iter().filter(|service| !service.headless) {
            let balancer = service
                .outside
                .balancers
                .iter()
                .find(|balancer| addresses.contains(&balancer.address));
            let way = match balancer {
                Some(balancer) => Some(Way::Balancer {
                    is_proxy: balancer.is_proxy,
                }),
                None => service
                    .outside
                    .external_ips
                    .iter()
                    .any(|address| addresses.contains(address))
                    .then_some(Way::ExternalIp),
            };
            for port in &service.ports {
                let front = |way| Front::Service { service, port, way };
                if let (Some(number), Some(_)) = (port.node_port, &machine) {
                    found.push((port.protocol, number, front(Way::NodePort)));
                }
                if let Some(way) = way {
                    found.push((port.protocol, port.port, front(way)));
                }
            }
        }
        if let Some(machine) = &machine {
            for id in self.pods() {
                let pod = self.pod(id);
                // A template's pods may be on any node.
                let is_here = match &pod.node {
                    Some(node) => node == machine,
                    None => pod.stands_in,
                };
                if !is_here || pod.is_finished() {
                    continue;
                }
                for port in &pod.host_ports {
                    let answers = port.address.is_none_or(|own| addresses.contains(&own));
                    if answers {
                        found.push((port.protocol, port.port, Front::HostPort { pod: id, port }));
                    }
                }
            }
        }
        // Stable: where two claim one port, that of the first Service by namespace and name stands.
        found.sort_by_key(|(protocol, port, _)| (*protocol, *port));
        found
    }

    /// The name of the node an entity is, or runs on; `None` when that is not known, or when it is outside.
    pub fn machine_of(&self, entity: &Entity) -> Option<String> {
        match entity {
            Entity::Pod(id) | Entity::PodAt(id, _) => self.pod(*id).node.clone(),
            Entity::Node(id) | Entity::NodeAt(id, _) => Some(self.node(*id).name.clone()),
            // Where nodes may not be read, pods still tell the addresses of theirs.
            Entity::Address(address) => self
                .pods()
                .find(|id| self.pod(*id).host_addresses.contains(address))
                .and_then(|id| self.pod(id).node.clone()),
            Entity::Hypothetical(_) => None,
        }
    }

    /// A cache for DNS that answers on every node (rule N54): the workload of its pods, as it would be typed.
    pub fn node_local_dns(&self) -> Option<String> {
        self.pods()
            .find(|id| self.pod(*id).labels.get("k8s-app") == Some("node-local-dns"))
            .map(|id| self.workload_of(id).id())
    }

    /// The Service that has an address outside the cluster, if just one has.
    pub fn service_outside(&self, address: IpAddr) -> Option<&Service> {
        let services = self
            .compiled
            .cluster
            .namespaces
            .values()
            .flat_map(|ns| &ns.services);
        let mut found = services.into_iter().filter(|service| {
            let outside = &service.outside;
            outside.external_ips.contains(&address)
                || outside.balancers.iter().any(|b| b.address == address)
        });
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }
}
