//! Services, and the endpoints behind them.

use std::net::IpAddr;
use std::num::NonZeroU16;

use crate::model::{Backend, Endpoint, EndpointPort, Protocol, Service, ServicePort, TargetPort};
use crate::wire;

use super::{Mode, Place, number};

pub(super) fn service(o: &wire::Service, namespace: &str, place: Option<&Place>) -> Service {
    let spec = &o.spec;
    let ips = || {
        let listed = spec
            .cluster_ips
            .iter()
            .map(String::as_str)
            .chain(spec.cluster_ip.as_deref());
        let mut ips: Vec<IpAddr> = Vec::new();
        for ip in listed.filter_map(|text| text.parse().ok()) {
            if !ips.contains(&ip) {
                ips.push(ip);
            }
        }
        ips
    };
    let headless = spec.cluster_ip.as_deref() == Some("None")
        || spec.cluster_ips.iter().any(|ip| ip == "None");
    Service {
        namespace: namespace.into(),
        name: o.metadata.name.clone(),
        labels: o.metadata.labels.clone().into_iter().collect(),
        backend: match (spec.kind.as_deref(), &spec.external_name) {
            (Some("ExternalName"), name) => Backend::ExternalName(name.clone().unwrap_or_default()),
            _ if spec.selector.is_empty() => Backend::Nothing,
            _ => Backend::Selector(spec.selector.clone().into_iter().collect()),
        },
        cluster_ips: ips(),
        headless,
        ports: spec.ports.iter().filter_map(service_port).collect(),
        local_only: spec.internal_traffic_policy.as_deref() == Some("Local"),
        publish_not_ready: spec.publish_not_ready_addresses,
        source: place.map(Place::start),
    }
}

fn service_port(o: &wire::ServicePort) -> Option<ServicePort> {
    let port = number(o.port)?.get();
    Some(ServicePort {
        name: o.name.clone(),
        protocol: o
            .protocol
            .as_deref()
            .and_then(Protocol::parse)
            .unwrap_or_default(),
        port,
        target: match &o.target_port {
            Some(wire::IntOrString::String(name)) => name
                .parse()
                .map_or_else(|_| TargetPort::Named(name.clone()), TargetPort::Number),
            Some(wire::IntOrString::Int(n)) => {
                TargetPort::Number(number(*n).map_or(port, NonZeroU16::get))
            }
            None => TargetPort::Number(port),
        },
    })
}

const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// Slices decide what stands behind a Service (rule N63); from a server a Service without one has nothing behind it.
pub(super) fn attach_endpoints(
    services: &mut [Service],
    slices: &[&wire::EndpointSlice],
    mode: Mode,
) {
    for service in services {
        if matches!(service.backend, Backend::ExternalName(_)) {
            continue;
        }
        let own: Vec<_> = slices
            .iter()
            .filter(|slice| slice.metadata.labels.get(SERVICE_NAME) == Some(&service.name))
            .filter(|slice| slice.address_type != "FQDN")
            .collect();
        if own.is_empty() {
            if mode == Mode::Server {
                service.backend = Backend::Nothing;
            }
            continue;
        }
        let mut endpoints = Vec::new();
        for slice in own {
            let ports: Vec<EndpointPort> = slice
                .ports
                .iter()
                .map(|port| EndpointPort {
                    name: port.name.clone(),
                    protocol: port
                        .protocol
                        .as_deref()
                        .and_then(Protocol::parse)
                        .unwrap_or_default(),
                    port: port.port.and_then(number).map(NonZeroU16::get),
                })
                .collect();
            for endpoint in &slice.endpoints {
                let terminating = endpoint.conditions.terminating.unwrap_or(false);
                endpoints.push(Endpoint {
                    addresses: endpoint
                        .addresses
                        .iter()
                        .filter_map(|a| a.parse().ok())
                        .collect(),
                    ready: endpoint.conditions.ready.unwrap_or(true),
                    serving: endpoint
                        .conditions
                        .serving
                        .unwrap_or(endpoint.conditions.ready.unwrap_or(true)),
                    terminating,
                    node: endpoint.node_name.clone(),
                    pod: endpoint
                        .target_ref
                        .as_ref()
                        .filter(|r| r.kind == "Pod")
                        .map(|r| {
                            let home = if r.namespace.is_empty() {
                                service.namespace.to_string()
                            } else {
                                r.namespace.clone()
                            };
                            (home, r.name.clone())
                        }),
                    ports: ports.clone(),
                });
            }
        }
        endpoints.sort_by(|a, b| {
            a.addresses
                .cmp(&b.addresses)
                .then_with(|| a.pod.cmp(&b.pod))
        });
        service.backend = Backend::Endpoints(endpoints);
    }
}
