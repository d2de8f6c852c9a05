//! Names and Services to what policy sees: pods, nodes, addresses, and the port after translation (rules N62 to N75).

use crate::model::{Backend, Endpoint, Labels, Protocol, Resource, Service, TargetPort};

use super::{Engine, Entity, Limit, PodId, Reason};

/// One end behind a Service, and the port that a connection has when it arrives there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    pub entity: Entity,
    pub protocol: Protocol,
    pub port: u16,
}

/// What stands behind one port of a Service.
#[derive(Clone, Debug, PartialEq)]
pub struct Expansion {
    /// Sorted, without repetition, never empty.
    pub targets: Vec<Target>,
    pub limits: Vec<Limit>,
}

impl Engine {
    /// The cluster's DNS: kube-system/kube-dns, else a Service labelled `k8s-app=kube-dns`, else openshift-dns/dns-default.
    pub fn dns_service(&self) -> Option<&Service> {
        let named = |namespace: &str, name: &str| {
            self.compiled
                .cluster
                .namespace(namespace)
                .and_then(|ns| ns.service(name))
        };
        let labelled = || {
            let all = self.compiled.cluster.namespaces.values();
            let all = all.flat_map(|namespace| &namespace.services);
            all.into_iter()
                .find(|service| service.labels.get("k8s-app") == Some("kube-dns"))
        };
        named("kube-system", "kube-dns")
            .or_else(labelled)
            .or_else(|| named("openshift-dns", "dns-default"))
    }

    /// The pods that answer DNS when no Service says so: those labelled `k8s-app=kube-dns` in kube-system.
    pub fn dns_pods(&self) -> Vec<PodId> {
        self.pods()
            .filter(|id| {
                self.namespace_of(*id).name == "kube-system"
                    && self.pod(*id).labels.get("k8s-app") == Some("kube-dns")
            })
            .collect()
    }

    /// The API server's Service, `default/kubernetes`.
    pub fn k8s_api_service(&self) -> Option<&Service> {
        self.compiled
            .cluster
            .namespace("default")
            .and_then(|ns| ns.service("kubernetes"))
    }

    /// The protocols and ports a Service offers: in its own order.
    pub fn service_ports<'a>(
        &self,
        service: &'a Service,
    ) -> impl Iterator<Item = (Protocol, u16)> + use<'a> {
        service.ports.iter().map(|port| (port.protocol, port.port))
    }

    /// What a connection to a Service's port arrives at. `client` matters only for `internalTrafficPolicy: Local`.
    ///
    /// The error is why nothing can be reached: no such port, no endpoint, none on the client's node, a DNS alias; or that endpoints
    /// could not be read, which is no statement about them.
    pub fn expand_service(
        &self,
        service: &Service,
        protocol: Protocol,
        port: u16,
        client: Option<&Entity>,
    ) -> Result<Expansion, Reason> {
        if matches!(service.backend, Backend::ExternalName(_)) {
            return Err(Reason::FqdnUnknown);
        }
        let offered = service
            .ports
            .iter()
            .find(|p| p.protocol == protocol && p.port == port);
        // A headless name resolves to addresses: any port can be tried there (rule N74).
        if offered.is_none() && !service.headless {
            return Err(Reason::NoServicePort);
        }
        let label = format!("{}/{}", service.namespace, service.name);
        let mut limits = Vec::new();
        let mut targets = Vec::new();
        match &service.backend {
            Backend::Endpoints(endpoints) => {
                let eligible = eligible(endpoints);
                if eligible.is_empty() {
                    return Err(Reason::NoEndpoints);
                }
                let near = self.near(service, &eligible, client);
                if near.is_empty() {
                    return Err(Reason::LocalOnly);
                }
                for endpoint in near {
                    let number = if service.headless {
                        Some(port)
                    } else {
                        let name = offered.map_or("", |p| p.name.as_str());
                        endpoint
                            .ports
                            .iter()
                            .find(|p| p.name == name && p.protocol == protocol)
                            .map(|p| p.port.unwrap_or(port))
                    };
                    let Some(number) = number else { continue };
                    for entity in self.entities_of(endpoint) {
                        targets.push(Target {
                            entity,
                            protocol,
                            port: number,
                        });
                    }
                }
            }
            Backend::Selector(labels) => {
                limits.push(Limit::SelectorStandsIn {
                    service: label.clone(),
                });
                for id in self.selected(service, labels) {
                    let number = match offered.map(|p| &p.target) {
                        _ if service.headless => Some(port),
                        None => Some(port),
                        Some(TargetPort::Number(number)) => Some(*number),
                        Some(TargetPort::Named(name)) => {
                            let ports = &self.pod(id).ports;
                            ports
                                .iter()
                                .find(|p| p.name == *name && p.protocol == protocol)
                                .map(|p| p.port)
                        }
                    };
                    if let Some(number) = number {
                        targets.push(Target {
                            entity: Entity::Pod(id),
                            protocol,
                            port: number,
                        });
                    }
                }
            }
            Backend::Nothing | Backend::ExternalName(_) => {}
        }
        if targets.is_empty() {
            let slices_known = self
                .compiled
                .cluster
                .coverage
                .is_readable(Resource::EndpointSlices, Some(&service.namespace));
            return Err(if slices_known {
                Reason::NoEndpoints
            } else {
                Reason::Unreadable
            });
        }
        targets.sort();
        targets.dedup();
        if service.headless
            && let Some(TargetPort::Number(target)) = offered.map(|p| &p.target)
            && *target != port
        {
            limits.push(Limit::HeadlessPort {
                service: label,
                port,
                target: *target,
            });
        } else if !service.headless {
            limits.push(Limit::AfterTranslation { service: label });
        }
        Ok(Expansion { targets, limits })
    }

    /// The pods a selector stands for, offline: those that could answer.
    fn selected(&self, service: &Service, labels: &Labels) -> Vec<PodId> {
        self.pods()
            .filter(|id| {
                let pod = self.pod(*id);
                self.namespace_of(*id).name.as_str() == service.namespace.as_ref()
                    && !pod.is_finished()
                    && (pod.ready || pod.stands_in || service.publish_not_ready)
                    && labels
                        .iter()
                        .all(|(key, value)| pod.labels.get(key) == Some(value))
            })
            .collect()
    }

    fn entities_of(&self, endpoint: &Endpoint) -> Vec<Entity> {
        if let Some((namespace, name)) = &endpoint.pod
            && let Some(id) = self.find_pod(namespace, name)
            && !self.pod(id).is_finished()
        {
            return vec![Entity::Pod(id)];
        }
        endpoint
            .addresses
            .iter()
            .map(|address| self.entity_at(*address))
            .collect()
    }

    fn near<'a>(
        &self,
        service: &Service,
        eligible: &[&'a Endpoint],
        client: Option<&Entity>,
    ) -> Vec<&'a Endpoint> {
        let node = match client {
            Some(Entity::Pod(id)) => self.pod(*id).node.clone(),
            Some(Entity::Node(id)) => Some(self.node(*id).name.clone()),
            _ => None,
        };
        match (service.local_only, node) {
            (true, Some(node)) => eligible
                .iter()
                .copied()
                .filter(|e| e.node.as_deref() == Some(&node))
                .collect(),
            _ => eligible.to_vec(),
        }
    }
}

/// Ready endpoints; if there are none, those that still serve while they terminate (rule N65).
fn eligible(endpoints: &[Endpoint]) -> Vec<&Endpoint> {
    let ready: Vec<&Endpoint> = endpoints.iter().filter(|endpoint| endpoint.ready).collect();
    if !ready.is_empty() {
        return ready;
    }
    endpoints
        .iter()
        .filter(|endpoint| endpoint.serving && endpoint.terminating)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::Profile;
    use crate::model::State;
    use crate::source::manifests;

    /// Rule E12: what was not readable is never taken for absent.
    #[test]
    fn endpoints_that_could_not_be_read_are_not_missing() {
        let text = "{kind: Service, apiVersion: v1, metadata: {name: s, namespace: x}, spec: {ports: [{port: 80}]}}";
        let (mut cluster, _) = manifests::parse("t", text);
        for (state, expected) in [
            (State::Complete, Reason::NoEndpoints),
            (
                State::Forbidden {
                    message: "no".into(),
                },
                Reason::Unreadable,
            ),
            (State::Loading, Reason::Unreadable),
        ] {
            cluster
                .coverage
                .set(Resource::EndpointSlices, None, state.clone());
            let engine = Engine::build(&Arc::new(cluster.clone()), Profile::spec());
            let service = engine.cluster().namespaces["x"].service("s").unwrap();
            let found = engine.expand_service(service, Protocol::Tcp, 80, None);
            assert_eq!(found, Err(expected), "{state:?}");
        }
    }
}
