//! Connections with the API server, and with DNS that no pod answers: told by the port of the Service, judged at its endpoints.

use crate::engine::{Allowed, Engine, Entity};
use crate::expect::plan::{End, Kind};
use crate::model::{Direction, PortSet, Service};

use super::pairs::claimed;
use super::{Maker, Point, Traffic};

/// What answers for the API server, each with the ports it answers on; by entity.
pub(super) fn api_targets(engine: &Engine) -> Vec<(Entity, PortSet)> {
    let mut found: Vec<(Entity, PortSet)> = Vec::new();
    let Some(service) = engine.k8s_api_service() else {
        return found;
    };
    for (protocol, port) in engine.service_ports(service).collect::<Vec<_>>() {
        let Ok(expansion) = engine.expand_service(service, protocol, port, None) else {
            continue;
        };
        for target in expansion.targets {
            let ports = PortSet::port(protocol, target.port);
            match found.iter_mut().find(|(known, _)| *known == target.entity) {
                Some((_, known)) => *known = known.union(&ports),
                None => found.push((target.entity, ports)),
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

impl Maker<'_> {
    /// The ports of an address or node towards which a connection is drawn as one with DNS or the API server.
    pub(super) fn told_by_service(&self, entity: &Entity) -> PortSet {
        let is_this = |other: &Entity| other.whole() == entity.whole();
        let api = self.api.iter().filter(|(other, _)| is_this(other));
        let api = api.fold(PortSet::empty(), |all, (_, ports)| all.union(ports));
        let dns = self.dns.keys().filter(|(other, ..)| is_this(other));
        dns.fold(api, |all, (_, protocol, port)| {
            all.union(&PortSet::port(*protocol, *port))
        })
    }

    pub(super) fn to_services(&mut self, from: usize) {
        if let Some(service) = self.engine.k8s_api_service() {
            self.to_service(from, service, &Point::K8sApi, Traffic::ControlPlane);
        }
        if let Some(service) = self.engine.dns_service() {
            self.to_service(from, service, &Point::Dns, Traffic::Dns);
        }
    }

    fn to_service(&mut self, from: usize, service: &Service, point: &Point, traffic: Traffic) {
        for (protocol, port) in self.engine.service_ports(service).collect::<Vec<_>>() {
            let Ok(expansion) = self.engine.expand_service(service, protocol, port, None) else {
                continue;
            };
            let (mut named, mut must, mut tolerated) = (false, false, true);
            let mut allowed: Option<Allowed> = None;
            for source in self.drawn[from].examples.clone() {
                for target in &expansion.targets {
                    // Pods that answer DNS are workloads, and what leads to them is told by pairs.
                    if *point == Point::Dns && target.entity.pod().is_some() {
                        continue;
                    }
                    named |= self
                        .engine
                        .named(Direction::Egress, &source, &target.entity)
                        .contains(protocol, target.port);
                    let (required, may) = self.wish(&source, &target.entity);
                    must |= required.contains(protocol, target.port);
                    tolerated &= may.contains(protocol, target.port);
                    let one = self.engine.allowed(&source, &target.entity);
                    // Judged at the endpoint's port, told by the Service's.
                    let at = |set: &PortSet| {
                        if set.contains(protocol, target.port) {
                            PortSet::port(protocol, port)
                        } else {
                            PortSet::empty()
                        }
                    };
                    let one = Allowed {
                        sure: at(&one.sure),
                        possible: at(&one.possible),
                    };
                    allowed = Some(allowed.map_or(one.clone(), |before| before.merge(&one)));
                }
            }
            let Some(allowed) = allowed else { continue };
            let asked = |yes: bool| {
                if yes {
                    PortSet::port(protocol, port)
                } else {
                    PortSet::empty()
                }
            };
            let found = self.sort(
                &asked(named || must),
                &allowed,
                &asked(must),
                &asked(tolerated),
            );
            for (ports, standing) in found {
                let to = point.clone();
                self.add(Point::Workload(from), to, ports, standing, traffic);
            }
        }
    }

    /// What the API server opens itself, such as webhooks: from an address that a rule names, or because the environment says so.
    pub(super) fn from_api_server(&mut self, to: usize) {
        let (mut named, mut must) = (PortSet::empty(), PortSet::empty());
        let mut never = PortSet::empty();
        let mut pairs: Vec<(&Entity, &Entity)> = Vec::new();
        for (source, _) in &self.api {
            for target in &self.drawn[to].examples {
                if self.engine.unreachable(source, target).is_some() {
                    continue;
                }
                if let Entity::Address(_) = source {
                    let by_rule = self.engine.named(Direction::Ingress, target, source);
                    named = named.union(&by_rule);
                }
                if let Some(plan) = self.plan {
                    let is_meant = |end: &End| matches!(end, End::K8sApi(_));
                    let pair = (Direction::Ingress, target, source);
                    must = must.union(&claimed(self.engine, plan, Kind::Must, pair, &is_meant));
                    never = never.union(&claimed(self.engine, plan, Kind::Never, pair, &is_meant));
                }
                pairs.push((source, target));
            }
        }
        if named.is_empty() && must.is_empty() && never.is_empty() {
            return;
        }
        let mut may = PortSet::all();
        let mut allowed: Option<Allowed> = None;
        for (source, target) in pairs {
            may = may.intersection(&self.wish(source, target).1);
            let one = self.engine.allowed(source, target);
            allowed = Some(allowed.map_or(one.clone(), |before| before.merge(&one)));
        }
        let Some(allowed) = allowed else { return };
        let considered = named.union(&never).intersection(&allowed.possible);
        let found = self.sort(&considered.union(&must), &allowed, &must, &may);
        for (ports, standing) in found {
            let end = Point::Workload(to);
            self.add(Point::K8sApi, end, ports, standing, Traffic::ControlPlane);
        }
    }
}
