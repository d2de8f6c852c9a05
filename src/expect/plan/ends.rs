//! Ends as documents name them, and which entities they mean.

use crate::engine::{Engine, Entity, PodId};
use crate::model::{AddressSet, Service};

use super::Plan;

/// An end of an expected connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// A workload of the document: its id and its pods, finished ones too.
    Workload {
        id: String,
        pods: Vec<PodId>,
    },
    /// Addresses that a document gives as networks.
    Ranges(AddressSet),
    Any,
    /// Any pod.
    Cluster,
    /// Any pod of another namespace than the other end.
    Elsewhere,
    Node,
    /// Any address that is no pod, node or Service.
    External,
    /// Public addresses.
    Internet,
    /// What answers cluster DNS, in order.
    Dns(Vec<Entity>),
    /// What answers for the API server, in order.
    K8sApi(Vec<Entity>),
}

impl End {
    /// The word for an end that is neither a workload nor a network.
    pub fn word(&self) -> Option<&'static str> {
        Some(match self {
            Self::Workload { .. } | Self::Ranges(_) => return None,
            Self::Any => "any",
            Self::Cluster => "cluster",
            Self::Elsewhere => "elsewhere",
            Self::Node => "node",
            Self::External => "external",
            Self::Internet => "internet",
            Self::Dns(_) => "dns",
            Self::K8sApi(_) => "k8s-api",
        })
    }

    /// Whether it is so wide that a demand on it asks only its own side: nobody means to open every pod of a cluster.
    pub(crate) fn is_wide(&self) -> bool {
        matches!(self, Self::Any | Self::Cluster | Self::Elsewhere)
    }
}

impl Plan {
    /// Whether an end means an entity, given the entity at the other end.
    ///
    /// Networks mean outside addresses and nodes, never pods: a pod whose address happens to lie inside one is not meant.
    pub(crate) fn covers(&self, end: &End, entity: &Entity, other: &Entity) -> bool {
        if let Entity::PodAt(..) | Entity::NodeAt(..) = entity {
            return self.covers(end, &entity.whole(), other);
        }
        match end {
            End::Any => true,
            End::Cluster => matches!(entity, Entity::Pod(_) | Entity::Hypothetical(_)),
            End::Elsewhere => {
                let own = self.namespace_name(entity);
                own.is_some() && own != self.namespace_name(other)
            }
            End::Node => match entity {
                Entity::Node(_) => true,
                Entity::Pod(pod) => self.facts(*pod).host_network,
                _ => false,
            },
            End::External => match entity {
                Entity::Address(address) => !self.service_addresses.contains(address),
                _ => false,
            },
            End::Internet => match entity {
                Entity::Address(address) => self.internet.contains(*address),
                _ => false,
            },
            End::Ranges(set) => match entity {
                Entity::Address(address) => set.contains(*address),
                Entity::Node(node) => {
                    let addresses = &self.node_addresses[node.0 as usize];
                    !addresses.is_empty() && addresses.iter().all(|a| set.contains(*a))
                }
                _ => false,
            },
            End::Dns(entities) | End::K8sApi(entities) => entities.binary_search(entity).is_ok(),
            End::Workload { id, pods } => match entity {
                Entity::Pod(pod) => pods.binary_search(pod).is_ok(),
                Entity::Hypothetical(_) => self
                    .rows_of(entity)
                    .iter()
                    .any(|index| self.workloads[*index as usize].id == *id),
                _ => false,
            },
        }
    }

    /// The namespace a pod lives in.
    pub(crate) fn namespace_name<'a>(&'a self, entity: &'a Entity) -> Option<&'a str> {
        match entity {
            Entity::Pod(pod) | Entity::PodAt(pod, _) => Some(&self.facts(*pod).namespace),
            Entity::Hypothetical(pod) => Some(&pod.namespace),
            Entity::Node(_) | Entity::NodeAt(..) | Entity::Address(_) => None,
        }
    }
}

/// The Services that lead to a pod: those with an endpoint that is this pod, or, offline, whose selector means it.
pub(crate) fn services_of(engine: &Engine, pod: PodId) -> Vec<&Service> {
    let services = engine.namespace_of(pod).services.iter();
    services
        .filter(|service| {
            service.ports.iter().any(|port| {
                engine
                    .expand_service(service, port.protocol, port.port, None)
                    .is_ok_and(|found| found.targets.iter().any(|t| t.entity.pod() == Some(pod)))
            })
        })
        .collect()
}
