//! Addresses of a family that the pods of a cluster have none of.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::{Entity, Hypothetical};
use crate::model::{AddressSet, Direction, PortSet, Severity};

use super::super::super::plan::ends_of;
use super::super::{About, Code, Key};
use super::Excess;

impl Excess<'_, '_> {
    /// Rules for addresses of a family the pods have none of open nothing yet, and would as soon as the cluster got that family.
    pub(super) fn other_family(&mut self, index: usize, direction: Direction) {
        let world = self.world;
        let class = &world.classes[index];
        let own = class.rep();
        let Some(pod) = own.pod().filter(|_| world.plan.is_listed(direction, &own)) else {
            return;
        };
        // A pod without an address is asked about every family.
        let alike = Entity::Hypothetical(Arc::new(Hypothetical {
            namespace: world.engine.namespace_of(pod).name.clone(),
            labels: world.engine.pod(pod).labels.clone(),
            ports: Vec::new(),
        }));
        // What is open to all addresses there are is told of already.
        let told = world.pieces_for(&own).map(|piece| {
            let (from, to) = ends_of(direction, &own, &piece.rep);
            self.over(from, to, &world.engine.allowed(from, to)).sure
        });
        let told = told.reduce(|all, ports| all.intersection(&ports));
        let told = told.unwrap_or_default();
        let mut open: BTreeMap<PortSet, (AddressSet, Entity)> = BTreeMap::new();
        for piece in world
            .pieces
            .iter()
            .filter(|piece| !world.shares_family(&own, piece))
        {
            let ports = world.engine.side(direction, &alike, &piece.rep).sure;
            let ports = ports
                .difference(&world.plan.side(direction, &own, &piece.rep))
                .difference(&told);
            if !ports.is_empty() {
                let entry = open
                    .entry(ports)
                    .or_insert_with(|| (AddressSet::empty(), piece.rep.clone()));
                entry.0 = entry.0.union(&piece.set);
            }
        }
        let sources = self.cell_lines(direction, &own);
        for (ports, (set, rep)) in open {
            let (from, to) = ends_of(direction, &own, &rep);
            for workload in class.workloads.keys() {
                let id = set.to_string();
                let (x, y) = match direction {
                    Direction::Egress => (workload.clone(), id),
                    Direction::Ingress => (id, workload.clone()),
                };
                let key = Key {
                    code: Code::Excess,
                    severity: Severity::Info,
                    from: x,
                    to: y,
                    about: About::NoFamily,
                    origin: None,
                };
                self.found.add(key, &ports, (from, to), &sources);
            }
        }
    }
}
