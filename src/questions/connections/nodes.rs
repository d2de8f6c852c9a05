//! Connections with nodes, where a rule or the environment in force means them: by label, by an address of theirs, or by the word.
//!
//! That a pod's own node is always let in (rule N49) is true of every pod, so it is not drawn.

use std::collections::BTreeMap;

use crate::engine::{Allowed, Engine, Entity, NodeId};
use crate::expect::plan::{End, Kind, Plan};
use crate::model::{AddressSet, Direction, IpRange, Peer, Peers, PortSet};

use super::pairs::claimed;
use super::{Maker, Point, Standing, Traffic};

/// Every address that some node has.
pub(super) fn addresses(engine: &Engine) -> AddressSet {
    let nodes = engine.cluster().nodes.iter();
    nodes
        .flat_map(|node| node.addresses.iter().chain(&node.tunnels))
        .map(|address| IpRange::single(*address))
        .collect()
}

/// Networks mean nodes where there is nothing else in them; a wide one is drawn as the range it is.
fn means_nodes(end: &End, addresses: &AddressSet) -> bool {
    match end {
        End::Node => true,
        End::Ranges(set) => set.is_subset(addresses),
        _ => false,
    }
}

/// Whether any policy, or the environment in force, speaks of nodes at all.
pub(super) fn are_meant(engine: &Engine, plan: Option<&Plan>, addresses: &AddressSet) -> bool {
    if addresses.is_empty() {
        return false;
    }
    let by_rule = |rule: &crate::model::Rule| match &rule.peers {
        Peers::Everyone => false,
        Peers::AnyOf(items) => items.iter().any(|item| match &item.peer {
            Peer::Nodes(_) => true,
            Peer::IpBlock(block) => block.addresses().is_subset(addresses),
            _ => false,
        }),
    };
    let policies = engine.cluster();
    let mut rules = policies.policies().flat_map(|policy| {
        let of = |direction| policy.rules(direction).unwrap_or_default();
        of(Direction::Egress).iter().chain(of(Direction::Ingress))
    });
    rules.any(by_rule)
        || plan.is_some_and(|plan| {
            let mut claims = plan.claims();
            claims.any(|c| means_nodes(&c.from, addresses) || means_nodes(&c.to, addresses))
        })
}

/// What rules at a workload say of nodes.
enum Means {
    Labelled(crate::model::Selector),
    /// A block with nothing but addresses of nodes in it.
    At(AddressSet),
}

impl Maker<'_> {
    pub(super) fn nodes(&mut self, index: usize, direction: Direction) {
        let rules = self.rules_about_nodes(index, direction);
        let is_meant = |end: &End| means_nodes(end, &self.node_addresses);
        let mut alike: BTreeMap<(Standing, PortSet), Vec<NodeId>> = BTreeMap::new();
        for node in self.engine.nodes() {
            for (ports, standing) in self.node(index, direction, node, (&rules, &is_meant)) {
                if !ports.is_empty() {
                    alike.entry((standing, ports)).or_default().push(node);
                }
            }
        }
        let count = self.engine.nodes().len();
        for ((standing, ports), nodes) in alike {
            let name = |node: &NodeId| self.engine.node(*node).name.clone();
            let points: Vec<Point> = if nodes.len() == count && count > 1 {
                vec![Point::EveryNode(name(&nodes[0]))]
            } else {
                nodes.iter().map(|node| Point::Node(name(node))).collect()
            };
            for point in points {
                let (from, to) = match direction {
                    Direction::Egress => (Point::Workload(index), point),
                    Direction::Ingress => (point, Point::Workload(index)),
                };
                self.add(from, to, ports.clone(), standing, Traffic::ControlPlane);
            }
        }
    }

    fn rules_about_nodes(&self, index: usize, direction: Direction) -> Vec<(Means, PortSet)> {
        let mut found = Vec::new();
        for own in &self.drawn[index].examples {
            for (rule, ports) in self.letting_through(direction, own) {
                let Peers::AnyOf(items) = &rule.peers else {
                    continue;
                };
                for item in items {
                    let means = match &item.peer {
                        Peer::Nodes(nodes) => Means::Labelled(nodes.clone()),
                        Peer::IpBlock(block)
                            if block.addresses().is_subset(&self.node_addresses) =>
                        {
                            Means::At(block.addresses())
                        }
                        _ => continue,
                    };
                    found.push((means, ports.clone()));
                }
            }
        }
        found
    }

    fn node(
        &self,
        index: usize,
        direction: Direction,
        id: NodeId,
        (rules, is_meant): (&[(Means, PortSet)], &dyn Fn(&End) -> bool),
    ) -> Vec<(PortSet, Standing)> {
        let (entity, node) = (Entity::Node(id), self.engine.node(id));
        let mut named = PortSet::empty();
        // Of several addresses it is the one a rule names that has to get through.
        let mut at = vec![entity.clone()];
        for (means, ports) in rules {
            let is_named = match means {
                Means::Labelled(nodes) => nodes.matches(&node.labels),
                Means::At(set) => {
                    let own = node.addresses.iter().chain(&node.tunnels);
                    let inside: Vec<_> = own.filter(|address| set.contains(**address)).collect();
                    at.extend(inside.iter().map(|a| self.engine.entity_at(**a)));
                    !inside.is_empty()
                }
            };
            if is_named {
                named = named.union(ports);
            }
        }
        // Where the API server runs there, those ports are told as its.
        if direction == Direction::Egress {
            named = named.difference(&self.told_by_service(&entity));
        }
        let (mut must, mut never) = (PortSet::empty(), PortSet::empty());
        let mut may = PortSet::all();
        let mut allowed: Option<Allowed> = None;
        for own in &self.drawn[index].examples {
            let is_at_home = |plan: &Plan| plan.same_node(own, &entity);
            if let Some(plan) = self.plan.filter(|plan| !is_at_home(plan)) {
                let pair = (direction, own, &entity);
                must = must.union(&claimed(self.engine, plan, Kind::Must, pair, is_meant));
                never = never.union(&claimed(self.engine, plan, Kind::Never, pair, is_meant));
            }
            let mut here = Allowed::nothing();
            for address in &at {
                let (from, to) = crate::expect::plan::ends_of(direction, own, address);
                if self.engine.unreachable(from, to).is_some() {
                    continue;
                }
                let one = self.engine.allowed(from, to);
                here = Allowed {
                    sure: here.sure.union(&one.sure),
                    possible: here.possible.union(&one.possible),
                };
                may = may.intersection(&self.wish(from, to).1);
            }
            allowed = Some(allowed.map_or(here.clone(), |before| before.merge(&here)));
        }
        let Some(allowed) = allowed else {
            return Vec::new();
        };
        let considered = named.union(&never).intersection(&allowed.possible);
        self.sort(&considered.union(&must), &allowed, &must, &may)
    }
}
