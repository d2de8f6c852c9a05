//! Pods on the network of their node: no policy selects them, so whatever a document closes of them is open.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::engine::{Entity, PodId};
use crate::model::{Direction, PortRange, PortSet};

use super::super::super::plan::ends_of;
use super::{Both, Excess};

impl Excess<'_, '_> {
    /// What a document closes of pods on the host network. Into them only the ports that they declare are told of: what else
    /// listens on a node is not theirs.
    pub(super) fn host_network(&mut self) {
        let world = self.world;
        let mut asked = BTreeSet::new();
        for id in world.engine.pods() {
            let pod = world.engine.pod(id);
            if !pod.host_network || pod.is_finished() {
                continue;
            }
            let own = Entity::Pod(id);
            let families: Vec<bool> = pod.addresses.iter().map(IpAddr::is_ipv4).collect();
            let workload = world.engine.workload_of(id).id();
            // A pod on every node, and nothing but the node tells them apart: one answers for all.
            if !asked.insert((workload, world.plan.rows_of(&own), &pod.ports, families)) {
                continue;
            }
            for direction in Direction::BOTH {
                if !world.plan.is_listed(direction, &own) {
                    continue;
                }
                let broad = self.broadly(direction, &own);
                let theirs = match direction {
                    Direction::Ingress => self.declared(id),
                    Direction::Egress => PortSet::all(),
                };
                let any = broad.any.sure.intersection(&theirs);
                let cluster = broad.cluster.sure.intersection(&theirs);
                if let Some(piece) = world.pieces_for(&own).next() {
                    self.tell_host(direction, id, ("any", &piece.rep.clone()), any);
                }
                if let Some(stranger) = world.strangers_to(&own).next().cloned() {
                    self.tell_host(direction, id, ("cluster", &stranger), cluster);
                }
            }
        }
    }

    fn declared(&self, id: PodId) -> PortSet {
        let ports = self.world.engine.pod(id).ports.iter();
        ports
            .filter(|port| !port.init)
            .filter_map(|port| {
                let number = std::num::NonZeroU16::new(port.port)?;
                Some(PortSet::range(port.protocol, PortRange::single(number)))
            })
            .fold(PortSet::empty(), |all, port| all.union(&port))
    }

    fn tell_host(
        &mut self,
        direction: Direction,
        id: PodId,
        (word, peer): (&str, &Entity),
        ports: PortSet,
    ) {
        let own = Entity::Pod(id);
        let workload = self.world.engine.workload_of(id).id();
        let ids = match direction {
            Direction::Egress => (workload.as_str(), word),
            Direction::Ingress => (word, workload.as_str()),
        };
        let over = Both {
            sure: ports,
            ..Both::default()
        };
        if !over.is_empty() {
            self.tell_pair(ids, ends_of(direction, &own, peer), &over);
        }
    }
}
