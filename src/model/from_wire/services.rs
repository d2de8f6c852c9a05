//! Services, and the endpoints behind them.

use std::net::IpAddr;
use std::num::NonZeroU16;

use ipnet::IpNet;

use crate::model::{
    AddressSet, Backend, Balancer, Endpoint, EndpointPort, Family, IpRange, Outside, Protocol,
    Service, ServicePort, TargetPort,
};
use crate::wire;

use super::{Mode, Place, number};

pub(super) fn service(o: &wire::Service, namespace: &str, place: Option<&Place>) -> Service {
    let spec = &o.spec;
    let cluster_ips = addresses(
        spec.cluster_ips
            .iter()
            .map(String::as_str)
            .chain(spec.cluster_ip.as_deref()),
    );
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
        families: families(spec, &cluster_ips),
        cluster_ips,
        headless,
        ports: spec.ports.iter().filter_map(service_port).collect(),
        local_only: spec.internal_traffic_policy.as_deref() == Some("Local"),
        outside: outside(o),
        publish_not_ready: spec.publish_not_ready_addresses,
        source: place.map(Place::start),
    }
}

/// The addresses among these texts, each once, in their order.
pub(super) fn addresses<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = Vec::new();
    for address in texts.filter_map(|text| text.parse().ok()) {
        if !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

fn families(spec: &wire::ServiceSpec, cluster_ips: &[IpAddr]) -> Vec<Family> {
    let said = spec
        .ip_families
        .iter()
        .filter_map(|name| match name.as_str() {
            "IPv4" => Some(Family::V4),
            "IPv6" => Some(Family::V6),
            _ => None,
        });
    let mut families: Vec<Family> = said.collect();
    if families.is_empty() {
        families.extend(cluster_ips.iter().map(|address| Family::of(*address)));
    }
    families
}

fn outside(o: &wire::Service) -> Outside {
    let spec = &o.spec;
    let is_balanced = spec.kind.as_deref() == Some("LoadBalancer");
    if spec.kind.as_deref() == Some("ExternalName") {
        return Outside::default();
    }
    let mut balancers: Vec<Balancer> = Vec::new();
    if is_balanced {
        for ingress in &o.status.load_balancer.ingress {
            if let Some(address) = ingress.ip.as_deref().and_then(|text| text.parse().ok()) {
                balancers.push(Balancer {
                    address,
                    is_proxy: ingress.ip_mode.as_deref() == Some("Proxy"),
                });
            }
        }
        // In a file the address asked for stands for the one it would get.
        if balancers.is_empty()
            && let Some(address) = spec
                .load_balancer_ip
                .as_deref()
                .and_then(|text| text.parse().ok())
        {
            balancers.push(Balancer {
                address,
                is_proxy: false,
            });
        }
    }
    let ranges: AddressSet = spec
        .load_balancer_source_ranges
        .iter()
        .filter_map(|text| text.trim().parse::<IpNet>().ok())
        .map(|net| IpRange::from(net.trunc()))
        .collect();
    let hostnames = o.status.load_balancer.ingress.iter();
    let hostnames = hostnames.filter_map(|ingress| ingress.hostname.clone());
    Outside {
        is_balanced,
        is_node_port: spec.kind.as_deref() == Some("NodePort"),
        hostnames: hostnames
            .filter(|name| is_balanced && !name.is_empty())
            .collect(),
        balancers,
        external_ips: addresses(spec.external_ips.iter().map(String::as_str)),
        local_only: spec.external_traffic_policy.as_deref() == Some("Local"),
        source_ranges: (is_balanced && !ranges.is_empty()).then_some(ranges),
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
        node_port: o.node_port.and_then(number).map(NonZeroU16::get),
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
        let (names, own): (Vec<&wire::EndpointSlice>, Vec<_>) = slices
            .iter()
            .filter(|slice| slice.metadata.labels.get(SERVICE_NAME) == Some(&service.name))
            .partition(|slice| slice.address_type == "FQDN");
        if own.is_empty() {
            // Names instead of addresses: an alias by another spelling (rule N64).
            let alias = names
                .iter()
                .flat_map(|slice| &slice.endpoints)
                .find_map(|endpoint| endpoint.addresses.first());
            if let Some(name) = alias {
                service.backend = Backend::ExternalName(name.clone());
            } else if mode == Mode::Server {
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
