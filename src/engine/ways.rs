//! By what the cluster can be entered from outside: Services with an address there, node ports, host ports, pods on the host
//! network, and Ingresses. Gateways are not read, so none is found.
//!
//! A way in is a matter of configuration and no verdict: it says that somebody outside is led to a pod, not that policy lets the
//! connection through. [`Engine::through`] asks that.

mod through;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use crate::model::{
    AddressSet, BackendPort, Cluster, Ingress, Issuer, Protocol, Resource, RouteBackend, Service,
    SourceRef,
};

pub use through::Through;

use super::{Engine, Entity, PodId, Reason};

/// Labels that say what a pod runs.
const NAMES: [&str; 3] = [
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app",
];

/// How somebody outside comes in. Ordered as they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WayKind {
    /// A Service of type `LoadBalancer`, and any Service with `externalIPs`.
    ///
    /// That a load balancer's Service has node ports as well is not counted as a way of its own: who documents the load balancer
    /// does not list them.
    LoadBalancer,
    /// A Service of type `NodePort`.
    NodePort,
    HostPort,
    /// A pod on its node's network, at the ports that its containers declare.
    HostNetwork,
    Ingress,
}

impl WayKind {
    pub const ALL: [Self; 5] = [
        Self::LoadBalancer,
        Self::NodePort,
        Self::HostPort,
        Self::HostNetwork,
        Self::Ingress,
    ];

    /// As expectations write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LoadBalancer => "loadBalancer",
            Self::NodePort => "nodePort",
            Self::HostPort => "hostPort",
            Self::HostNetwork => "hostNetwork",
            Self::Ingress => "ingress",
        }
    }

    /// The kinds of objects that have to be read to find every such way.
    pub fn rests_on(self) -> &'static [Resource] {
        match self {
            Self::LoadBalancer | Self::NodePort => {
                &[Resource::Pods, Resource::Services, Resource::EndpointSlices]
            }
            Self::HostPort | Self::HostNetwork => &[Resource::Pods],
            Self::Ingress => &[
                Resource::Pods,
                Resource::Services,
                Resource::EndpointSlices,
                Resource::Ingresses,
            ],
        }
    }
}

impl fmt::Display for WayKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One port at which somebody outside is led to one workload.
#[derive(Clone, Debug, PartialEq)]
pub struct WayIn {
    pub kind: WayKind,
    pub to: WayTo,
    pub protocol: Protocol,
    /// The port as seen from outside; `None` for a node port that has no number yet. Of an Ingress 443 where it has a certificate
    /// for the host, else 80: it does not say, and this is what controllers do.
    pub port: Option<u16>,
    /// The ports at the pods, ascending.
    pub targets: Vec<u16>,
    /// Where it is asked for, sorted: of a load balancer or an Ingress the front's, of node and host ports the nodes'. Empty: not known.
    pub addresses: Vec<IpAddr>,
    /// Names of the front in place of addresses.
    pub hostnames: Vec<String>,
    /// The host that an Ingress answers to; `None`: any.
    pub host: Option<String>,
    /// The paths of an Ingress, in the order written; empty: all.
    pub paths: Vec<String>,
    /// What makes it: kind, namespace and name of a Service, an Ingress or a workload.
    pub object: WayObject,
    /// The class of an Ingress; `None`: the cluster's default.
    pub class: Option<String>,
    /// Of an Ingress: the certificate for its host.
    pub tls: Option<WayTls>,
    pub sources: SeenAs,
    /// `loadBalancerSourceRanges`: the only clients that are served (rule N73).
    pub served: Option<AddressSet>,
}

/// Where a way leads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WayTo {
    Workload {
        /// `ns/kind/name`
        id: String,
        /// Ascending, never empty.
        pods: Vec<PodId>,
        /// Why nobody gets there all the same: none of the pods is ready, or none on the node where it comes in.
        idle: Option<Reason>,
    },
    /// Nodes and addresses that no pod has, sorted.
    Others(Vec<Entity>),
    /// Nothing that could be found, and why.
    Nothing(Reason),
}

impl WayTo {
    pub fn pods(&self) -> &[PodId] {
        match self {
            Self::Workload { pods, .. } => pods,
            Self::Others(_) | Self::Nothing(_) => &[],
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WayObject {
    pub kind: String,
    pub namespace: String,
    pub name: String,
    pub source: Option<SourceRef>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayTls {
    pub secret: Option<String>,
    /// By an annotation of cert-manager. That there is none does not say that cert-manager had no part in it: Certificates are not read.
    pub issuer: Option<Issuer>,
}

/// Whose address policy at the pod sees (rules N53, N70, N71).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeenAs {
    Client,
    /// The client's, or that of any node it may come in at.
    ClientOrNode,
    /// An address of a load balancer that is not known, or the client's.
    Proxy,
    /// The controller's pods, which open a connection of their own; `None`: it could not be told which those are.
    Controller(Option<Vec<PodId>>),
}

impl Engine {
    /// Every way in, by where it leads, kind, object, host and port.
    pub fn ways(&self) -> Vec<WayIn> {
        let mut found = Vec::new();
        for namespace in self.cluster().namespaces.values() {
            for service in &namespace.services {
                self.ways_of_service(service, &mut found);
            }
            for ingress in &namespace.ingresses {
                self.ways_of_ingress(ingress, &mut found);
            }
        }
        self.ways_of_hosts(&mut found);
        found.sort_by(|a, b| {
            let key = |way: &'_ WayIn| (way.to.clone(), way.kind, way.object.clone());
            (key(a), &a.host, a.protocol, a.port).cmp(&(key(b), &b.host, b.protocol, b.port))
        });
        found
    }

    /// Why ways of a kind into a namespace (`None`: into any) may have been missed: what could not be read, sorted. Empty: none was.
    pub fn unseen_ways(&self, kind: WayKind, namespace: Option<&str>) -> Vec<String> {
        let cluster = self.cluster();
        let mut unseen = BTreeSet::new();
        for resource in kind.rests_on() {
            let is_seen = match namespace {
                Some(name) => cluster.coverage.is_readable(*resource, Some(name)),
                None => is_seen_everywhere(cluster, *resource),
            };
            if !is_seen {
                unseen.insert(resource.plural().to_owned());
            }
        }
        if kind == WayKind::Ingress {
            let spaces = cluster
                .namespaces
                .values()
                .filter(|space| namespace.is_none_or(|name| name == space.name));
            let unread = spaces
                .flat_map(|space| &space.ingresses)
                .filter(|ingress| ingress.is_unreadable);
            unseen.extend(unread.map(|ingress| format!("ingress {}", ingress.label())));
        }
        unseen.into_iter().collect()
    }

    fn ways_of_service(&self, service: &Service, into: &mut Vec<WayIn>) {
        let outside = &service.outside;
        let mut kinds: Vec<(WayKind, Vec<IpAddr>, Vec<String>)> = Vec::new();
        if outside.is_balanced || !outside.external_ips.is_empty() {
            let balancers = outside.balancers.iter().map(|balancer| balancer.address);
            let addresses = balancers.chain(outside.external_ips.iter().copied());
            let addresses = addresses.collect();
            kinds.push((WayKind::LoadBalancer, addresses, outside.hostnames.clone()));
        }
        if outside.is_node_port {
            let nodes = self.cluster().nodes.iter();
            let addresses = nodes.flat_map(|node| node.addresses.iter().copied());
            kinds.push((WayKind::NodePort, addresses.collect(), Vec::new()));
        }
        if kinds.is_empty() || service.headless {
            return;
        }
        for port in &service.ports {
            let led = self.led_to(service, port.protocol, port.port);
            for (kind, addresses, hostnames) in &kinds {
                for (to, targets) in &led {
                    let is_balanced = *kind == WayKind::LoadBalancer;
                    into.push(WayIn {
                        kind: *kind,
                        to: to.clone(),
                        protocol: port.protocol,
                        port: if is_balanced {
                            Some(port.port)
                        } else {
                            port.node_port
                        },
                        targets: targets.clone(),
                        addresses: sorted(addresses.clone()),
                        hostnames: hostnames.clone(),
                        host: None,
                        paths: Vec::new(),
                        object: of_service(service),
                        class: None,
                        tls: None,
                        sources: if is_balanced && outside.balancers.iter().any(|b| b.is_proxy) {
                            SeenAs::Proxy
                        } else if outside.local_only {
                            SeenAs::Client
                        } else {
                            SeenAs::ClientOrNode
                        },
                        served: outside.source_ranges.clone().filter(|_| is_balanced),
                    });
                }
            }
        }
    }

    /// What stands behind a port of a Service, by workload, each with its ports.
    ///
    /// Pods that are not ready count, marked as idle: what is exposed stays so while its pods restart.
    fn led_to(&self, service: &Service, protocol: Protocol, port: u16) -> Vec<(WayTo, Vec<u16>)> {
        let (targets, idle) = match self.expand_from_outside(service, protocol, port, None) {
            Ok(found) => (found.targets, None),
            Err(reason) => {
                let targets = self.unready_targets(service, protocol, port);
                if targets.is_empty() {
                    return vec![(WayTo::Nothing(reason), Vec::new())];
                }
                (targets, Some(reason))
            }
        };
        let mut workloads: BTreeMap<String, (BTreeSet<PodId>, BTreeSet<u16>)> = BTreeMap::new();
        let mut others: (BTreeSet<Entity>, BTreeSet<u16>) = Default::default();
        for target in targets {
            if let Some(pod) = target.entity.pod() {
                let found = workloads.entry(self.workload_of(pod).id()).or_default();
                found.0.insert(pod);
                found.1.insert(target.port);
            } else {
                others.0.insert(target.entity);
                others.1.insert(target.port);
            }
        }
        let mut led: Vec<(WayTo, Vec<u16>)> = workloads
            .into_iter()
            .map(|(id, (pods, ports))| {
                let pods = pods.into_iter().collect();
                let to = WayTo::Workload { id, pods, idle };
                (to, ports.into_iter().collect())
            })
            .collect();
        if !others.0.is_empty() {
            let to = WayTo::Others(others.0.into_iter().collect());
            led.push((to, others.1.into_iter().collect()));
        }
        led
    }

    fn ways_of_ingress(&self, ingress: &Ingress, into: &mut Vec<WayIn>) {
        /// Host, and where it leads: Services by name and port, `None` what is no Service.
        type Key<'a> = (
            Option<&'a str>,
            Option<(&'a str, Option<u16>, Option<&'a str>)>,
        );
        if ingress.is_unreadable {
            return;
        }
        let mut fronts: BTreeMap<Key<'_>, Vec<String>> = BTreeMap::new();
        let rest = ingress.default_backend.iter();
        let all = ingress
            .routes
            .iter()
            .map(|route| (route.host.as_deref(), route.path.as_ref(), &route.backend))
            .chain(rest.map(|backend| (None, None, backend)));
        for (host, path, backend) in all {
            let leads = match backend {
                RouteBackend::Service { name, port } => Some(match port {
                    BackendPort::Number(port) => (name.as_str(), Some(*port), None),
                    BackendPort::Named(port) => (name.as_str(), None, Some(port.as_str())),
                }),
                RouteBackend::Other { .. } | RouteBackend::Invalid => None,
            };
            let paths = fronts.entry((host, leads)).or_default();
            paths.extend(path.filter(|path| !paths.contains(path)).cloned());
        }
        let controller = self.controller_of(ingress);
        for ((host, leads), paths) in fronts {
            let Some((name, number, named)) = leads else {
                continue;
            };
            let service = self
                .cluster()
                .namespace(&ingress.namespace)
                .and_then(|space| space.service(name))
                // An alias leads to another Service, or out of the cluster.
                .and_then(|service| self.aliased(service));
            let port = service.and_then(|service| {
                service.ports.iter().find(|port| match (number, named) {
                    (Some(number), _) => port.port == number,
                    (_, named) => named == Some(port.name.as_str()),
                })
            });
            let led = match (service, port) {
                (Some(service), Some(port)) => self.led_to(service, port.protocol, port.port),
                _ => vec![(WayTo::Nothing(Reason::NoServicePort), Vec::new())],
            };
            let tls = ingress.has_tls(host).then(|| {
                let own = ingress.tls.iter().find(|tls| {
                    tls.hosts.is_empty()
                        || host.is_some_and(|host| {
                            let hosts = &mut tls.hosts.iter();
                            hosts.any(|own| crate::model::ingress::is_host(own, host))
                        })
                });
                WayTls {
                    secret: own.and_then(|tls| tls.secret.clone()),
                    issuer: ingress.issuer.clone(),
                }
            });
            for (to, targets) in led {
                into.push(WayIn {
                    kind: WayKind::Ingress,
                    to,
                    protocol: Protocol::Tcp,
                    port: Some(if tls.is_some() { 443 } else { 80 }),
                    targets,
                    addresses: sorted(ingress.addresses.clone()),
                    hostnames: ingress.hostnames.clone(),
                    host: host.map(str::to_owned),
                    paths: paths.clone(),
                    object: WayObject {
                        kind: "Ingress".to_owned(),
                        namespace: ingress.namespace.to_string(),
                        name: ingress.name.clone(),
                        source: ingress.source.clone(),
                    },
                    class: ingress.class.clone(),
                    tls: tls.clone(),
                    sources: SeenAs::Controller(controller.clone()),
                    served: None,
                });
            }
        }
    }

    /// The pods that serve an Ingress: those behind the Service whose address its status carries, else those of the one workload
    /// that is labelled with its class. `None` where neither says it.
    pub fn controller_of(&self, ingress: &Ingress) -> Option<Vec<PodId>> {
        let by_address = ingress
            .addresses
            .iter()
            .find_map(|address| self.service_outside(*address));
        if let Some(service) = by_address {
            let behind = self.behind_service(service).unwrap_or_default();
            let pods: Vec<PodId> = behind.iter().filter_map(Entity::pod).collect();
            if !pods.is_empty() {
                return Some(pods);
            }
        }
        let class = ingress.class.as_deref()?;
        // The plain word may be the label of a web server that happens to be of the same make.
        let certain = [
            format!("ingress-{class}"),
            format!("{class}-ingress"),
            format!("{class}-ingress-controller"),
        ];
        let labelled = |wanted: &dyn Fn(&str) -> bool| {
            let mut workloads: BTreeMap<String, Vec<PodId>> = BTreeMap::new();
            for id in self.pods() {
                let pod = self.pod(id);
                let mut own = NAMES.iter().filter_map(|key| pod.labels.get(key));
                if !pod.is_finished() && own.any(wanted) {
                    let workload = self.workload_of(id).id();
                    workloads.entry(workload).or_default().push(id);
                }
            }
            (workloads.len() == 1)
                .then(|| workloads.into_values().next())
                .flatten()
        };
        labelled(&|value| certain.iter().any(|name| name == value))
            .or_else(|| labelled(&|value| value == class))
    }

    fn ways_of_hosts(&self, into: &mut Vec<WayIn>) {
        /// Workload, whether it is on the host network, and the port with the address it is bound to.
        type Key = (String, bool, Protocol, u16, Option<IpAddr>);
        let mut found: BTreeMap<Key, (Vec<PodId>, BTreeSet<u16>)> = BTreeMap::new();
        for id in self.pods() {
            let pod = self.pod(id);
            if pod.is_finished() {
                continue;
            }
            let workload = || self.workload_of(id).id();
            let mut put = |key: Key, target: u16| {
                let (pods, targets) = found.entry(key).or_default();
                if pods.last() != Some(&id) {
                    pods.push(id);
                }
                targets.insert(target);
            };
            for port in &pod.host_ports {
                let key = (workload(), false, port.protocol, port.port, port.address);
                put(key, port.target);
            }
            if pod.host_network {
                for port in pod.ports.iter().filter(|port| !port.init) {
                    put(
                        (workload(), true, port.protocol, port.port, None),
                        port.port,
                    );
                }
            }
        }
        for ((id, on_host, protocol, port, bound), (pods, targets)) in found {
            let workload = self.workload_of(pods[0]);
            let object = WayObject {
                kind: workload.kind.clone(),
                namespace: workload.namespace.to_string(),
                name: workload.name.clone(),
                source: workload
                    .source
                    .clone()
                    .or_else(|| self.pod(pods[0]).source.clone()),
            };
            let addresses = match bound {
                Some(address) => vec![address],
                None => pods.iter().flat_map(|id| self.host_of(*id)).collect(),
            };
            into.push(WayIn {
                kind: if on_host {
                    WayKind::HostNetwork
                } else {
                    WayKind::HostPort
                },
                to: WayTo::Workload {
                    id,
                    pods,
                    idle: None,
                },
                protocol,
                port: Some(port),
                targets: targets.into_iter().collect(),
                addresses: sorted(addresses),
                hostnames: Vec::new(),
                host: None,
                paths: Vec::new(),
                object,
                class: None,
                tls: None,
                sources: SeenAs::Client,
                served: None,
            });
        }
    }

    /// The addresses of the node a pod runs on, as far as known.
    fn host_of(&self, id: PodId) -> Vec<IpAddr> {
        let pod = self.pod(id);
        match self.cluster().node_of(pod) {
            Some(node) => node.addresses.clone(),
            None if pod.host_network => pod.addresses.clone(),
            None => pod.host_addresses.clone(),
        }
    }
}

fn sorted(mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

fn of_service(service: &Service) -> WayObject {
    WayObject {
        kind: "Service".to_owned(),
        namespace: service.namespace.to_string(),
        name: service.name.clone(),
        source: service.source.clone(),
    }
}

/// Whether a kind was read as a whole, and in every namespace where it was read by itself.
fn is_seen_everywhere(cluster: &Cluster, resource: Resource) -> bool {
    let states = cluster.coverage.iter();
    let mut own = states.filter(|(kind, ..)| *kind == resource);
    cluster.coverage.is_readable(resource, None) && own.all(|(_, _, state)| state.is_readable())
}

#[cfg(test)]
mod tests;
