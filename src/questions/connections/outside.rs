//! Connections with what is no workload: outside addresses, everyone, every pod.

use std::collections::BTreeMap;

use crate::engine::Entity;
use crate::model::{AddressSet, Direction, Peer, Peers, PortSet, Protocol};

use super::tiers::is_every_pod;
use super::{Maker, Point, Standing, Traffic};

impl Maker<'_> {
    /// Connections with addresses outside, piece by piece; pieces with the same answer are one range.
    pub(super) fn outside(&mut self, index: usize, direction: Direction) {
        let Some(own) = self.drawn[index].examples.first().cloned() else {
            return;
        };
        let blocks = self.blocks(direction, &own);
        let mut pieces: Vec<(AddressSet, Vec<(PortSet, Standing)>)> = Vec::new();
        let mut cuts: Vec<PortSet> = Vec::new();
        for (set, address) in &self.outside {
            let (from, to) = match direction {
                Direction::Egress => (&own, address),
                Direction::Ingress => (address, &own),
            };
            if self.engine.unreachable(from, to).is_some() {
                continue;
            }
            let (must, may) = self.wish(from, to);
            let allowed = self.engine.allowed(from, to);
            let named = blocks
                .iter()
                .filter(|(block, _)| {
                    block
                        .as_ref()
                        .is_none_or(|b| set.first().is_some_and(|a| b.contains(a)))
                })
                .fold(PortSet::empty(), |all, (_, ports)| all.union(ports));
            let considered = named.intersection(&allowed.possible).union(&must);
            let found = self.sort(&considered, &allowed, &must, &may);
            cuts.extend(found.iter().map(|(ports, _)| ports.clone()));
            pieces.push((set.clone(), found));
        }
        let by_workload = self.by_workload(index, direction, &own);
        let mut some: Vec<(usize, PortSet)> = Vec::new();
        // Ports that behave alike everywhere are told together.
        let reachable = pieces
            .iter()
            .fold(AddressSet::empty(), |all, (set, _)| all.union(set));
        for cell in partition(&cuts) {
            let mut by_standing: BTreeMap<Standing, AddressSet> = BTreeMap::new();
            for (set, found) in &pieces {
                for (ports, standing) in found {
                    if !ports.is_empty() && cell.is_subset(ports) {
                        let entry = by_standing.entry(*standing).or_default();
                        *entry = entry.union(set);
                    }
                }
            }
            for (standing, set) in by_standing {
                let mut point = if set == reachable {
                    Point::Any
                } else {
                    Point::Range(set.clone())
                };
                // Everyone, but for pods that a cluster-wide policy keeps out.
                if let (Point::Any, Some(by_workload)) = (&point, &by_workload)
                    && standing != Standing::Missing
                {
                    let (common, rest) = Self::split(&cell, by_workload);
                    if common != cell {
                        point = Point::Range(set);
                        some.extend(rest);
                        some.extend(
                            by_workload
                                .iter()
                                .map(|(other, _)| (*other, common.clone()))
                                .filter(|(_, ports)| !ports.is_empty()),
                        );
                    }
                }
                let (from, to) = match direction {
                    Direction::Egress => (Point::Workload(index), point),
                    Direction::Ingress => (point, Point::Workload(index)),
                };
                // A rule for lookups that names nobody means the DNS of the cluster first of all.
                let lookups =
                    PortSet::port(Protocol::Udp, 53).union(&PortSet::port(Protocol::Tcp, 53));
                let traffic = if direction == Direction::Egress && cell.is_subset(&lookups) {
                    Traffic::Dns
                } else {
                    Traffic::App
                };
                self.add(from, to, cell.clone(), standing, traffic);
            }
        }
        self.some_of_them(index, direction, some);
    }

    /// The blocks and the everyone-rules of the policies that isolate an entity or accept for it, each with its ports.
    fn blocks(&self, direction: Direction, own: &Entity) -> Vec<(Option<AddressSet>, PortSet)> {
        let mut blocks = Vec::new();
        for (rule, ports) in self.letting_through(direction, own) {
            match &rule.peers {
                Peers::Everyone => blocks.push((None, ports)),
                Peers::AnyOf(items) => {
                    for item in items {
                        if let Peer::IpBlock(block) = &item.peer {
                            blocks.push((Some(block.addresses()), ports.clone()));
                        }
                    }
                }
            }
        }
        blocks
    }

    /// Rules whose peer is an empty namespaceSelector: every pod, wherever it is.
    pub(super) fn every_pod(&mut self, index: usize, direction: Direction) {
        let Some(own) = self.drawn[index].examples.first().cloned() else {
            return;
        };
        let mut ports = PortSet::empty();
        for (rule, of_rule) in self.letting_through(direction, &own) {
            let Peers::AnyOf(items) = &rule.peers else {
                continue;
            };
            if items.iter().any(|item| is_every_pod(&item.peer)) {
                ports = ports.union(&of_rule);
            }
        }
        if ports.is_empty() {
            return;
        }
        if let Some(by_workload) = self.by_workload(index, direction, &own) {
            let (common, rest) = Self::split(&ports, &by_workload);
            self.some_of_them(index, direction, rest);
            ports = common;
        }
        let mut unexpected = PortSet::empty();
        for other in 0..self.drawn.len() {
            let Some(peer) = self.drawn[other].examples.first() else {
                continue;
            };
            let (from, to) = if direction == Direction::Egress {
                (&own, peer)
            } else {
                (peer, &own)
            };
            if other == index || self.plan.is_none() {
                continue;
            }
            let open = ports.intersection(&self.engine.allowed(from, to).sure);
            unexpected = unexpected.union(&open.difference(&self.wish(from, to).1));
        }
        let calm = if self.plan.is_some() {
            Standing::AsExpected
        } else {
            Standing::Open
        };
        for (ports, standing) in [
            (ports.difference(&unexpected), calm),
            (unexpected, Standing::Unexpected),
        ] {
            let (from, to) = match direction {
                Direction::Egress => (Point::Workload(index), Point::Cluster),
                Direction::Ingress => (Point::Cluster, Point::Workload(index)),
            };
            self.add(from, to, ports, standing, Traffic::App);
        }
    }
}

/// Cuts port sets into disjoint pieces such that each set is a union of pieces.
fn partition(sets: &[PortSet]) -> Vec<PortSet> {
    let mut cells: Vec<PortSet> = Vec::new();
    for set in sets {
        let mut rest = set.clone();
        let mut next = Vec::with_capacity(cells.len() + 1);
        for cell in cells {
            let both = cell.intersection(&rest);
            if both.is_empty() {
                next.push(cell);
                continue;
            }
            let without = cell.difference(&both);
            if !without.is_empty() {
                next.push(without);
            }
            rest = rest.difference(&both);
            next.push(both);
        }
        if !rest.is_empty() {
            next.push(rest);
        }
        cells = next;
    }
    cells.sort();
    cells
}
