//! What rules of cluster-wide policies do to the list: an Accept lets through like any other rule, and a Deny keeps out some of
//! those whom a rule for everyone lets in.

use crate::engine::{Entity, PolicyId};
use crate::expect::stance::selects;
use crate::model::{Action, Direction, NamespaceScope, Peer, PortSet, Rule};

use super::{Maker, NamedPorts};

/// Whether a rule means every pod there is.
pub(super) fn is_every_pod(peer: &Peer) -> bool {
    matches!(peer, Peer::Pods { namespaces: NamespaceScope::Matching(n), pods } if n.is_everything() && pods.is_everything())
}

impl Maker<'_> {
    /// The rules that let something through at an entity, each with its ports: those of the policies that isolate it, and the
    /// Accept rules of cluster-wide ones that may select it. Whether a connection gets through is for the engine to say.
    pub(super) fn letting_through(
        &self,
        direction: Direction,
        own: &Entity,
    ) -> Vec<(&Rule, PortSet)> {
        let engine = self.engine;
        let mut acting: Vec<PolicyId> = engine.isolated_by(direction, own);
        if !engine.cluster().cluster_policies.is_empty() {
            acting.extend(engine.policies().filter(|id| {
                let policy = engine.policy(*id);
                policy.is_cluster_wide() && selects(engine, policy, own)
            }));
        }
        acting
            .into_iter()
            .flat_map(|id| engine.rules_with_ports(id, direction, own))
            .filter(|(rule, _)| rule.action == Action::Accept)
            .collect()
    }

    /// What one end lets through to and from each other workload; `None` where no cluster-wide policy can make a difference
    /// between those whom a rule for everyone means.
    pub(super) fn by_workload(
        &self,
        index: usize,
        direction: Direction,
        own: &Entity,
    ) -> Option<Vec<(usize, PortSet)>> {
        let engine = self.engine;
        let policies = engine.cluster().cluster_policies.iter();
        let mut acting = policies.filter(|policy| {
            policy.rules(direction).is_some_and(|r| !r.is_empty()) && selects(engine, policy, own)
        });
        acting.next()?;
        let others = self.drawn.iter().enumerate();
        let sides = others.filter(|(other, _)| *other != index);
        Some(
            sides
                .filter_map(|(other, drawn)| {
                    let let_through = drawn
                        .examples
                        .iter()
                        .map(|peer| engine.side(direction, own, peer).sure);
                    Some((
                        other,
                        let_through.reduce(|all, one| all.intersection(&one))?,
                    ))
                })
                .collect(),
        )
    }

    /// Splits ports of a rule for everybody: those that all workloads get, and for the rest who gets which.
    pub(super) fn split(
        ports: &PortSet,
        by_workload: &[(usize, PortSet)],
    ) -> (PortSet, Vec<(usize, PortSet)>) {
        let common = by_workload
            .iter()
            .fold(ports.clone(), |all, (_, one)| all.intersection(one));
        let rest = by_workload
            .iter()
            .map(|(other, one)| (*other, ports.intersection(one).difference(&common)))
            .filter(|(_, ports)| !ports.is_empty())
            .collect();
        (common, rest)
    }

    /// Draws one by one what a rule for everybody lets through to some.
    pub(super) fn some_of_them(
        &mut self,
        index: usize,
        direction: Direction,
        rest: Vec<(usize, PortSet)>,
    ) {
        for (other, ports) in rest {
            let (from, to) = match direction {
                Direction::Egress => (index, other),
                Direction::Ingress => (other, index),
            };
            let mut named = NamedPorts::default();
            *named.at(direction) = ports;
            self.between(from, to, &named);
        }
    }
}
