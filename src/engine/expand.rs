//! Names and Services to what policy sees: pods, nodes, addresses, and the port after translation (rules N62 to N75).

mod front;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::model::{
    Backend, Endpoint, Family, Labels, Protocol, Resource, Service, ServicePort, TargetPort,
};

pub use front::{Front, Way};

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

/// Which endpoints a connection may be sent to.
#[derive(Clone, Copy)]
enum Near<'a> {
    /// Any that is eligible.
    All,
    /// Those on a node; `None` when it is not known on which one the connection is.
    On(Option<&'a str>),
    /// Those that are on some node: whichever it comes in at.
    OnItsOwn,
    /// Every endpoint, ready or not: for what policy would say.
    Unready,
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
        let node = client.and_then(|client| self.machine_of(client));
        let near = match client {
            Some(client) if service.local_only && !matches!(client, Entity::Address(_)) => {
                Near::On(node.as_deref())
            }
            _ => Near::All,
        };
        self.expand(service, protocol, port, near)
    }

    /// The same for a connection that comes in at a node, under `externalTrafficPolicy` (rules N70, N71). `entry` is the node's
    /// name; `None` is any node.
    pub fn expand_from_outside(
        &self,
        service: &Service,
        protocol: Protocol,
        port: u16,
        entry: Option<&str>,
    ) -> Result<Expansion, Reason> {
        let near = match (service.outside.local_only, entry) {
            (false, _) => Near::All,
            (true, Some(node)) => Near::On(Some(node)),
            (true, None) => Near::OnItsOwn,
        };
        self.expand(service, protocol, port, near)
    }

    /// What policy would be asked about if every endpoint were ready and could be used by everybody. May be empty.
    pub fn unready_targets(&self, service: &Service, protocol: Protocol, port: u16) -> Vec<Target> {
        self.expand(service, protocol, port, Near::Unready)
            .map_or_else(|_| Vec::new(), |expansion| expansion.targets)
    }

    /// Everything that stands behind a Service, ready or not and whatever its ports: who a connection *from* it comes from.
    ///
    /// Sorted, never empty; the errors are those of [`Self::expand_service`].
    pub fn behind_service(&self, service: &Service) -> Result<Vec<Entity>, Reason> {
        let found: BTreeSet<Entity> = match &service.backend {
            Backend::ExternalName(_) => return Err(Reason::FqdnUnknown),
            Backend::Endpoints(endpoints) => endpoints
                .iter()
                .flat_map(|endpoint| self.entities_of(endpoint))
                .map(|entity| entity.whole())
                .collect(),
            Backend::Selector(labels) => {
                let pods = self.selected(service, labels, true);
                pods.into_iter().map(Entity::Pod).collect()
            }
            Backend::Nothing => BTreeSet::new(),
        };
        if found.is_empty() {
            return Err(self.nothing_behind(service));
        }
        Ok(found.into_iter().collect())
    }

    /// The Service that a DNS alias within the cluster stands for: `name.namespace.svc`, with or without `.cluster.local`
    /// (rule N75). A Service that is no alias is itself; `None` for a name outside, for one that is not loaded, and in a circle.
    pub fn aliased<'a>(&'a self, service: &'a Service) -> Option<&'a Service> {
        let mut current = service;
        // Nobody chains more than a few, and a circle has to end.
        for _ in 0..8 {
            let Backend::ExternalName(name) = &current.backend else {
                return Some(current);
            };
            let name = name.strip_suffix('.').unwrap_or(name);
            let name = name.strip_suffix(".cluster.local").unwrap_or(name);
            let (name, namespace) = name.strip_suffix(".svc")?.split_once('.')?;
            let namespace = self.compiled.cluster.namespace(namespace)?;
            current = namespace.service(name)?;
        }
        None
    }

    /// Targets as a connection of one address family reaches them; those that lack it are left out.
    pub fn only_family(&self, targets: Vec<Target>, family: Family) -> Vec<Target> {
        let keep = |target: Target| {
            let entity = match &target.entity {
                Entity::Pod(id) if self.pod(*id).addresses.len() > 1 => {
                    let addresses = &self.pod(*id).addresses;
                    let own = addresses.iter().find(|a| Family::of(**a) == family)?;
                    Entity::PodAt(*id, *own)
                }
                Entity::PodAt(_, address)
                | Entity::NodeAt(_, address)
                | Entity::Address(address)
                    if Family::of(*address) != family =>
                {
                    return None;
                }
                other => other.clone(),
            };
            Some(Target { entity, ..target })
        };
        targets.into_iter().filter_map(keep).collect()
    }

    fn expand(
        &self,
        service: &Service,
        protocol: Protocol,
        port: u16,
        near: Near<'_>,
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
        let label = service.label();
        let mut limits = Vec::new();
        let found = match &service.backend {
            Backend::Endpoints(endpoints) => self.by_endpoints(
                service,
                endpoints,
                offered,
                (protocol, port),
                near,
                &mut limits,
            )?,
            Backend::Selector(labels) => {
                limits.push(Limit::SelectorStandsIn {
                    service: label.clone(),
                });
                self.by_selector(
                    service,
                    labels,
                    offered,
                    (protocol, port),
                    near,
                    &mut limits,
                )?
            }
            Backend::Nothing | Backend::ExternalName(_) => BTreeMap::new(),
        };
        if found.is_empty() {
            return Err(self.nothing_behind(service));
        }
        let mut targets = Vec::new();
        for ((entity, port), addresses) in found {
            let target = |entity| Target {
                entity,
                protocol,
                port,
            };
            match entity.pod() {
                // Of a pod with two addresses a Service of one family uses one (rule N59).
                Some(id) if self.pod(id).addresses.len() > 1 => {
                    let own = &self.pod(id).addresses;
                    if own.iter().all(|address| addresses.contains(address)) {
                        targets.push(target(Entity::Pod(id)));
                    } else {
                        let used = own.iter().filter(|address| addresses.contains(address));
                        targets.extend(used.map(|address| target(Entity::PodAt(id, *address))));
                    }
                }
                _ => targets.push(target(entity)),
            }
        }
        targets.sort();
        targets.dedup();
        if targets.is_empty() {
            return Err(Reason::NoEndpoints);
        }
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

    /// Why a Service leads nowhere: there is nothing, or what there is could not be read.
    fn nothing_behind(&self, service: &Service) -> Reason {
        let slices_known = self
            .compiled
            .cluster
            .coverage
            .is_readable(Resource::EndpointSlices, Some(&service.namespace));
        // An API server always has an endpoint: where none was loaded, nobody wrote it down.
        let is_api = &*service.namespace == "default"
            && service.name == "kubernetes"
            && service.backend == Backend::Nothing;
        if slices_known && !is_api {
            Reason::NoEndpoints
        } else {
            Reason::Unreadable
        }
    }

    /// What the slices say: each end with its port, and the addresses of it that are used.
    fn by_endpoints(
        &self,
        service: &Service,
        endpoints: &[Endpoint],
        offered: Option<&ServicePort>,
        (protocol, port): (Protocol, u16),
        near: Near<'_>,
        limits: &mut Vec<Limit>,
    ) -> Result<Found, Reason> {
        let eligible = match near {
            Near::Unready => endpoints.iter().collect(),
            _ => eligible(endpoints),
        };
        if eligible.is_empty() {
            return Err(Reason::NoEndpoints);
        }
        let node_of = |endpoint: &Endpoint| {
            endpoint.node.clone().or_else(|| {
                let (namespace, name) = endpoint.pod.as_ref()?;
                self.pod(self.find_pod(namespace, name)?).node.clone()
            })
        };
        let mut found = Found::new();
        let mut some_near = false;
        for endpoint in eligible {
            let node = node_of(endpoint);
            if !is_near(service, near, node.as_deref(), node.is_some(), limits) {
                continue;
            }
            some_near = true;
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
                let key = (whole_pod(entity), number);
                found
                    .entry(key)
                    .or_default()
                    .extend(endpoint.addresses.iter().copied());
            }
        }
        if some_near {
            Ok(found)
        } else {
            Err(Reason::LocalOnly)
        }
    }

    /// The same from a selector, where no slice was loaded.
    fn by_selector(
        &self,
        service: &Service,
        labels: &Labels,
        offered: Option<&ServicePort>,
        (protocol, port): (Protocol, u16),
        near: Near<'_>,
        limits: &mut Vec<Limit>,
    ) -> Result<Found, Reason> {
        let pods = self.selected(service, labels, matches!(near, Near::Unready));
        let mut found = Found::new();
        let mut some_near = pods.is_empty();
        for id in pods {
            let pod = self.pod(id);
            let is_known = pod.node.is_some() || !pod.stands_in;
            if !is_near(service, near, pod.node.as_deref(), is_known, limits) {
                continue;
            }
            some_near = true;
            let number = match offered.map(|p| &p.target) {
                _ if service.headless => Some(port),
                None => Some(port),
                Some(TargetPort::Number(number)) => Some(*number),
                Some(TargetPort::Named(name)) => {
                    let ports = &pod.ports;
                    ports
                        .iter()
                        .find(|p| p.name == *name && p.protocol == protocol)
                        .map(|p| p.port)
                }
            };
            if let Some(number) = number {
                let used = pod.addresses.iter().filter(|address| {
                    service.families.is_empty() || service.families.contains(&Family::of(**address))
                });
                found
                    .entry((Entity::Pod(id), number))
                    .or_default()
                    .extend(used.copied());
            }
        }
        if some_near {
            Ok(found)
        } else {
            Err(Reason::LocalOnly)
        }
    }

    /// The pods a selector stands for, offline: those that could answer, or all that have not finished.
    fn selected(&self, service: &Service, labels: &Labels, unready: bool) -> Vec<PodId> {
        self.pods()
            .filter(|id| {
                let pod = self.pod(*id);
                self.namespace_of(*id).name.as_str() == service.namespace.as_ref()
                    && !pod.is_finished()
                    && (unready || pod.ready || pod.stands_in || service.publish_not_ready)
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
}

/// Whether an endpoint on a node may be used. What is not known counts as near, and the limits say so.
fn is_near(
    service: &Service,
    near: Near<'_>,
    node: Option<&str>,
    is_known: bool,
    limits: &mut Vec<Limit>,
) -> bool {
    let mut assume = || {
        let limit = Limit::NodeNotKnown {
            service: service.label(),
        };
        if !limits.contains(&limit) {
            limits.push(limit);
        }
        true
    };
    match near {
        Near::All | Near::Unready => true,
        Near::OnItsOwn => node.is_some() || (!is_known && assume()),
        Near::On(None) => assume(),
        Near::On(Some(_)) if node.is_none() => !is_known && assume(),
        Near::On(wanted) => node == wanted,
    }
}

/// Ends with their ports, and the addresses of each that are used.
type Found = BTreeMap<(Entity, u16), BTreeSet<IpAddr>>;

/// A pod without the choice of an address; a node keeps it, because blocks see the address of an endpoint.
fn whole_pod(entity: Entity) -> Entity {
    match entity {
        Entity::PodAt(id, _) => Entity::Pod(id),
        other => other,
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
