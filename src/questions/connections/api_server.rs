//! Connections with the API server, told by the port of its Service and judged at its endpoints.

use crate::engine::Allowed;
use crate::model::{Direction, PortSet};

use super::{Maker, Point, Traffic};

impl Maker<'_> {
    pub(super) fn api_server(&mut self, from: usize) {
        let Some(service) = self.engine.k8s_api_service() else {
            return;
        };
        for (protocol, port) in self.engine.service_ports(service).collect::<Vec<_>>() {
            let Ok(expansion) = self.engine.expand_service(service, protocol, port, None) else {
                continue;
            };
            let (mut named, mut must, mut tolerated) = (false, false, true);
            let mut allowed: Option<Allowed> = None;
            for source in self.drawn[from].examples.clone() {
                for target in &expansion.targets {
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
                self.add(
                    Point::Workload(from),
                    Point::K8sApi,
                    ports,
                    standing,
                    Traffic::ControlPlane,
                );
            }
        }
    }
}
