//! Connections with what is no workload: outside addresses, everyone, every pod.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::{Allowed, Engine, Entity, Hypothetical};
use crate::expect::Plan;
use crate::expect::plan::binding::borders;
use crate::expect::plan::{Claim, End, Kind, ends_of};
use crate::model::{AddressSet, Direction, IpRange, Labels, Peer, Peers, PortSet, Protocol};

use super::pairs::{claimed, ends_of_claim};
use super::tiers::is_every_pod;
use super::{Maker, Point, Standing, Traffic, told_alone};

/// The address space in pieces that neither policies nor the environment in force can tell apart, each with an address of it that
/// is no pod's and no node's, nor a Service's where there is another. Pods and nodes are drawn as what they are.
pub(super) fn pieces(engine: &Engine, plan: Option<&Plan>) -> Vec<(AddressSet, Entity)> {
    let namespaces = || engine.cluster().namespaces.values();
    let live = namespaces().flat_map(|ns| ns.pods.iter().filter(|pod| !pod.is_finished()));
    let pods = live.flat_map(|pod| &pod.addresses);
    let services = namespaces().flat_map(|ns| ns.services.iter().flat_map(|s| &s.cluster_ips));
    let set = |address: &std::net::IpAddr| IpRange::single(*address);
    let owned: AddressSet = pods.map(set).collect();
    let free = owned.union(&super::nodes::addresses(engine)).complement();
    let nobodys = free.difference(&services.map(set).collect());
    let mut sets = engine.outside();
    for border in plan.map(borders).unwrap_or_default() {
        sets = sets
            .iter()
            .flat_map(|set| [set.intersection(&border), set.difference(&border)])
            .filter(|set| !set.is_empty())
            .collect();
    }
    let mut found: Vec<(AddressSet, Entity)> = sets
        .into_iter()
        .filter_map(|set| {
            // Where nobody has the first address of a range, nothing has to be cut out.
            let first = set
                .iter()
                .map(IpRange::first)
                .find(|first| nobodys.contains(*first));
            let example = first.or_else(|| set.intersection(&nobodys).first());
            let example = example.or_else(|| set.intersection(&free).first())?;
            Some((set, Entity::Address(example)))
        })
        .collect();
    found.sort_by_key(|(set, _)| set.first());
    found
}

/// A piece of the address space as one workload sees it.
struct Piece {
    set: AddressSet,
    must: PortSet,
    found: Vec<(PortSet, Standing)>,
}

impl Piece {
    fn standing(&self, cell: &PortSet) -> Option<Standing> {
        let mut found = self.found.iter().filter(|(ports, _)| !ports.is_empty());
        found
            .find(|(ports, _)| cell.is_subset(ports))
            .map(|(_, standing)| *standing)
    }
}

impl Maker<'_> {
    /// Connections with addresses outside, piece by piece; pieces with the same answer are one range, and what a rule opens to
    /// everyone is one connection.
    pub(super) fn outside(&mut self, index: usize, direction: Direction) {
        let Some(own) = self.drawn[index].examples.first().cloned() else {
            return;
        };
        let blocks = self.blocks(index, direction);
        let pieces = self.seen_pieces(index, direction, &blocks);
        let reachable = pieces
            .iter()
            .fold(AddressSet::empty(), |all, piece| all.union(&piece.set));
        let is_all = |block: &Option<AddressSet>| {
            block
                .as_ref()
                .is_none_or(|block| reachable.is_subset(block))
        };
        let everyone = blocks.iter().filter(|(block, _)| is_all(block));
        let everyone = everyone.fold(PortSet::empty(), |all, (_, ports)| all.union(ports));
        let wanted = self.wanted_of_anyone(direction, &own, End::Any);
        let strangers = self.strangers_may(direction, index);
        let mut cuts = vec![everyone.clone(), wanted.clone(), strangers.clone()];
        for piece in &pieces {
            cuts.push(piece.must.clone());
            cuts.extend(piece.found.iter().map(|(ports, _)| ports.clone()));
        }
        let by_workload = self.by_workload(index, direction, &own);
        let mut some: Vec<(usize, PortSet)> = Vec::new();
        // Ports that behave alike everywhere are told together.
        for cell in partition(&cuts) {
            let mut by_standing: BTreeMap<Standing, AddressSet> = BTreeMap::new();
            for piece in &pieces {
                if let Some(standing) = piece.standing(&cell) {
                    let entry = by_standing.entry(standing).or_default();
                    *entry = entry.union(&piece.set);
                }
            }
            if by_standing.is_empty() {
                continue;
            }
            let is_rule = cell.is_subset(&everyone);
            let kept_out = by_workload.as_ref().filter(|_| is_rule).map(|by_workload| {
                let (common, rest) = Self::split(&cell, by_workload);
                (common, rest, by_workload)
            });
            let open = by_standing
                .iter()
                .filter(|(standing, _)| !matches!(standing, Standing::Missing | Standing::Unknown))
                .fold(AddressSet::empty(), |all, (_, set)| all.union(set));
            // Everyone, but for pods that a cluster-wide policy keeps out.
            let is_cut = kept_out
                .as_ref()
                .is_some_and(|(common, ..)| *common != cell);
            if let (true, Some((common, rest, by_workload))) = (is_cut, kept_out) {
                if by_standing.keys().any(|one| *one != Standing::Missing) {
                    some.extend(rest);
                    let common = by_workload
                        .iter()
                        .map(|(other, _)| (*other, common.clone()));
                    some.extend(common.filter(|(_, ports)| !ports.is_empty()));
                }
            } else if is_rule && open == reachable {
                let standing = if self.plan.is_none() {
                    Standing::Open
                } else if by_standing.contains_key(&Standing::Unexpected)
                    || !cell.is_subset(&strangers)
                {
                    Standing::Unexpected
                } else {
                    Standing::AsExpected
                };
                if standing == Standing::Unexpected {
                    // Whom it is meant for is told beside it.
                    let meant = pieces.iter().filter(|piece| cell.is_subset(&piece.must));
                    let meant = meant.fold(AddressSet::empty(), |all, piece| all.union(&piece.set));
                    if !meant.is_empty() {
                        let point = Point::Range(meant);
                        self.put(index, direction, point, &cell, Standing::AsExpected);
                    }
                }
                self.put(index, direction, Point::Any, &cell, standing);
                continue;
            }
            for (standing, set) in by_standing {
                let is_anyone = set == reachable
                    && (cell.is_subset(&everyone.union(&wanted)))
                    && (!is_cut || standing == Standing::Missing);
                let point = if is_anyone {
                    Point::Any
                } else {
                    Point::Range(set)
                };
                self.put(index, direction, point, &cell, standing);
            }
        }
        self.some_of_them(index, direction, some);
    }

    /// What each piece of the address space may do and should, on ports worth showing.
    fn seen_pieces(
        &self,
        index: usize,
        direction: Direction,
        blocks: &[(Option<AddressSet>, PortSet)],
    ) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (set, address) in &self.outside {
            let Entity::Address(example) = address else {
                continue;
            };
            // What is told as DNS or the API server is not told again by its address.
            let mut told = PortSet::empty();
            if *set == AddressSet::from(IpRange::single(*example)) {
                told = self.told_by_service(address);
                if direction == Direction::Ingress
                    && self.api.iter().any(|(entity, _)| entity == address)
                {
                    told = PortSet::all();
                }
            }
            let (mut must, mut may) = (PortSet::empty(), PortSet::all());
            let mut never = PortSet::empty();
            let mut allowed: Option<Allowed> = None;
            for own in &self.drawn[index].examples {
                let (from, to) = ends_of(direction, own, address);
                if self.engine.unreachable(from, to).is_some() {
                    continue;
                }
                let (required, tolerated) = self.wish(from, to);
                must = must.union(&required);
                may = may.intersection(&tolerated);
                if let Some(plan) = self.plan {
                    let pair = (direction, own, address);
                    never = never.union(&claimed(self.engine, plan, Kind::Never, pair, &|_| true));
                }
                let one = self.engine.allowed(from, to);
                allowed = Some(allowed.map_or(one.clone(), |before| before.merge(&one)));
            }
            let Some(allowed) = allowed else { continue };
            let named = blocks
                .iter()
                .filter(|(block, _)| block.as_ref().is_none_or(|b| b.contains(*example)))
                .fold(never, |all, (_, ports)| all.union(ports));
            let must = must.difference(&told);
            let considered = named.intersection(&allowed.possible).difference(&told);
            let found = self.sort(&considered.union(&must), &allowed, &must, &may);
            pieces.push(Piece {
                set: set.clone(),
                must,
                found,
            });
        }
        pieces
    }

    fn put(
        &mut self,
        index: usize,
        direction: Direction,
        point: Point,
        ports: &PortSet,
        standing: Standing,
    ) {
        for (ports, traffic) in lookups_apart(direction, ports) {
            let (from, to) = match direction {
                Direction::Egress => (Point::Workload(index), point.clone()),
                Direction::Ingress => (point.clone(), Point::Workload(index)),
            };
            self.add(from, to, ports, standing, traffic);
        }
    }

    /// The ports that are required of an entity with everyone (or every pod) at the other end.
    fn wanted_of_anyone(&self, direction: Direction, own: &Entity, whom: End) -> PortSet {
        let meant = self.wide.iter().filter(|claim| {
            let (inner, outer) = ends_of_claim(direction, &claim.from, &claim.to);
            *outer == whom && self.plan.is_some_and(|plan| plan.covers(inner, own, own))
        });
        meant.fold(PortSet::empty(), |all, claim| {
            all.union(&ports_at(claim, own))
        })
    }

    /// What pods nobody wrote down may do with a workload; everything without an environment.
    fn strangers_may(&self, direction: Direction, index: usize) -> PortSet {
        let stranger = Entity::Hypothetical(Arc::new(Hypothetical {
            // Of no namespace there is, so that no row means it.
            namespace: String::new(),
            labels: Labels::default(),
            ports: Vec::new(),
        }));
        let examples = self.drawn[index].examples.iter();
        examples.fold(PortSet::all(), |all, own| {
            let (from, to) = ends_of(direction, own, &stranger);
            all.intersection(&self.wish(from, to).1)
        })
    }

    /// The blocks and the everyone-rules of the policies that isolate a workload or accept for it, each with its ports.
    fn blocks(&self, index: usize, direction: Direction) -> Vec<(Option<AddressSet>, PortSet)> {
        let mut blocks = Vec::new();
        for own in &self.drawn[index].examples {
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
        }
        blocks
    }

    /// Rules whose peer is an empty namespaceSelector, and demands on every pod: one connection, wherever the pods are.
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
        if !ports.is_empty()
            && let Some(by_workload) = self.by_workload(index, direction, &own)
        {
            let (common, rest) = Self::split(&ports, &by_workload);
            self.some_of_them(index, direction, rest);
            ports = common;
        }
        let wanted = self
            .wanted_of_anyone(direction, &own, End::Cluster)
            .union(&self.wanted_of_anyone(direction, &own, End::Elsewhere));
        if ports.is_empty() && wanted.is_empty() {
            return;
        }
        // A rule: whoever of them gets through. A demand asks this end only,and of everybody.
        let (mut sure, mut possible) = (PortSet::empty(), PortSet::empty());
        let mut unexpected = PortSet::empty();
        let mut own_side: Option<Allowed> = None;
        let others = self.drawn.iter().enumerate();
        for (other, drawn) in others.filter(|(_, drawn)| !drawn.examples.is_empty()) {
            let peer = &drawn.examples[0];
            let (from, to) = ends_of(direction, &own, peer);
            if other == index || self.engine.unreachable(from, to).is_some() {
                continue;
            }
            let allowed = self.engine.allowed(from, to);
            sure = sure.union(&allowed.sure);
            possible = possible.union(&allowed.possible);
            if self.plan.is_some() {
                let open = ports.intersection(&allowed.sure);
                unexpected = unexpected.union(&open.difference(&self.wish(from, to).1));
            }
            if !wanted.is_empty() {
                let side = self.engine.side(direction, &own, peer);
                own_side = Some(own_side.map_or(side.clone(), |before| before.merge(&side)));
            }
        }
        let calm = if self.plan.is_some() {
            Standing::AsExpected
        } else {
            Standing::Open
        };
        let open = ports.intersection(&sure);
        let mut found = vec![
            (open.difference(&unexpected), calm),
            (unexpected.clone(), Standing::Unexpected),
            (
                ports.intersection(&possible).difference(&sure),
                Standing::Unknown,
            ),
            (ports.difference(&possible), Standing::HalfOpen(direction)),
        ];
        if let Some(side) = own_side {
            let wanted = wanted.difference(&ports);
            found.push((wanted.intersection(&side.sure), calm));
            found.push((wanted.intersection(&side.unknown()), Standing::Unknown));
            found.push((wanted.difference(&side.possible), Standing::Missing));
        }
        let metrics = self.metrics_ports(index);
        let scrapes = direction == Direction::Egress && self.scrapes(index);
        for (ports, standing) in found {
            for (ports, traffic) in lookups_apart(direction, &ports) {
                let scraped = match (traffic, direction) {
                    (Traffic::Dns, _) => PortSet::empty(),
                    (_, Direction::Egress) if scrapes => ports.clone(),
                    (_, Direction::Egress) => PortSet::empty(),
                    (_, Direction::Ingress) => metrics.intersection(&told_alone(&ports)),
                };
                let rest = ports.difference(&scraped);
                for (ports, traffic) in [(scraped, Traffic::Scrape), (rest, traffic)] {
                    let (from, to) = match direction {
                        Direction::Egress => (Point::Workload(index), Point::Cluster),
                        Direction::Ingress => (Point::Cluster, Point::Workload(index)),
                    };
                    self.add(from, to, ports, standing, traffic);
                }
            }
        }
    }
}

/// The ports of a claim at its own workload, which may be told by the ports of a Service.
fn ports_at(claim: &Claim, own: &Entity) -> PortSet {
    claim
        .ports
        .of(own)
        .cloned()
        .unwrap_or_else(|| claim.written.clone())
}

/// Lookups apart from the rest: a rule for them that names nobody means the DNS of the cluster first of all. Ports that are a range
/// or everything mean more than that.
fn lookups_apart(direction: Direction, ports: &PortSet) -> Vec<(PortSet, Traffic)> {
    let mut lookups = PortSet::empty();
    if direction == Direction::Egress {
        let port = |protocol| PortSet::port(protocol, 53);
        lookups = port(Protocol::Udp).union(&port(Protocol::Tcp));
        lookups = lookups.intersection(&told_alone(ports));
    }
    let rest = ports.difference(&lookups);
    [(lookups, Traffic::Dns), (rest, Traffic::App)]
        .into_iter()
        .filter(|(ports, _)| !ports.is_empty())
        .collect()
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
