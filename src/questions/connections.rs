//! The connections worth drawing and listing: those a rule names and both ends let through, those that are expected, and
//! half-open pairs. Table, graph and the flows of one workload are three views of this list.
//!
//! A rule open to everyone is one connection with [`Point::Any`], not one with every workload.

mod nodes;
mod outside;
mod pairs;
mod services;
mod tiers;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;

use crate::engine::{Allowed, Engine, Entity, Group, Groups};
use crate::expect::Plan;
use crate::expect::plan::{Claim, Kind, ends_of};
use crate::expect::stance::{Stance, Stances};
use crate::model::{AddressSet, Direction, Family, PortRange, PortSet, Protocol, cidr};

use super::ends::{End, EndKind, workload_end};
use super::flows::half_open_ports;
use super::scope::{Scope, workloads};
use pairs::{Asked, NamedPorts, asked_pairs, named_pairs};

/// One end of a connection as it is drawn.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// Index into [`Connections::workloads`].
    Workload(usize),
    /// Everyone, inside and outside.
    Any,
    /// Every pod of the cluster: an empty `namespaceSelector`.
    Cluster,
    /// Some outside addresses; see [`is_internet`].
    Range(AddressSet),
    Dns,
    K8sApi,
    /// One node, by name.
    Node(String),
    /// Every node there is, all alike; holds the name of the first, for who wants to ask about one.
    EveryNode(String),
}

/// How a connection stands to what is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Standing {
    /// Let through; nothing says whether it should be.
    Open,
    /// Let through, and tolerated or required.
    AsExpected,
    /// Required, and not let through.
    Missing,
    /// Let through, and not tolerated.
    Unexpected,
    Unknown,
    /// This side's rule names the other end, the other end denies.
    HalfOpen(Direction),
}

/// What kind of traffic it is, as far as ends and ports tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Traffic {
    App,
    Dns,
    Scrape,
    ControlPlane,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Connection {
    pub from: Point,
    pub to: Point,
    /// Never empty. Towards `dns` and `k8s-api` the Service's ports, else the pod's.
    pub ports: PortSet,
    pub standing: Standing,
    pub traffic: Traffic,
}

/// A workload, and what it lets through where no rule names the other end.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    pub end: End,
    pub namespace: String,
    /// Without namespace, as short as it is unique there.
    pub name: String,
    pub egress: Stance,
    pub ingress: Stance,
    /// Whether the environment in force tolerates everything in a direction; `None` when it does not speak of this workload there.
    pub egress_tolerated: Option<bool>,
    pub ingress_tolerated: Option<bool>,
    /// One pod of each kind that policies can tell apart.
    pub examples: Vec<Entity>,
    /// Whether no other workload in the list has the same name, in whatever namespace.
    pub is_only: bool,
}

/// All of them, sorted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Connections {
    /// In scope, or connected with something in scope; by id.
    pub workloads: Vec<Drawn>,
    /// By from, to, standing.
    pub list: Vec<Connection>,
}

struct Maker<'e> {
    engine: &'e Engine,
    plan: Option<&'e Plan>,
    groups: Groups<'e>,
    drawn: Vec<Drawn>,
    members: Vec<Group>,
    /// DNS pods and ports, by the port of the Service.
    dns: BTreeMap<(Entity, Protocol, u16), u16>,
    /// What answers for the API server, and on which of its ports.
    api: Vec<(Entity, PortSet)>,
    outside: Vec<(AddressSet, Entity)>,
    /// Every address a node has.
    node_addresses: AddressSet,
    /// What is required and forbidden between workloads, one by one.
    asked: BTreeMap<(usize, usize), Asked>,
    /// What is required with one end that means everyone, or every pod.
    wide: Vec<&'e Claim>,
    list: Vec<Connection>,
}

/// Collects them for the workloads in scope.
pub fn connections(engine: &Engine, plan: Option<&Plan>, scope: &Scope) -> Connections {
    let groups = Groups::new(engine);
    let stances = Stances::new(engine);
    let mut drawn: Vec<Drawn> = workloads(engine)
        .into_iter()
        .map(|workload| draw(engine, &stances, plan, workload))
        .collect();
    drawn.sort_by(|a, b| a.end.id.cmp(&b.end.id));
    let members = drawn
        .iter()
        .map(|d| groups.group(d.end.entities.iter().cloned()))
        .collect();
    let asked = plan.map_or_else(BTreeMap::new, |plan| asked_pairs(engine, plan, &drawn));
    let wide = plan
        .into_iter()
        .flat_map(Plan::claims)
        .filter(|claim| claim.kind == Kind::Must && claim.from.is_wide() != claim.to.is_wide());
    let node_addresses = nodes::addresses(engine);
    let about_nodes = nodes::are_meant(engine, plan, &node_addresses);
    let mut maker = Maker {
        engine,
        plan,
        groups,
        drawn,
        members,
        dns: dns_targets(engine),
        api: services::api_targets(engine),
        outside: outside::pieces(engine, plan),
        node_addresses,
        asked,
        wide: wide.collect(),
        list: Vec::new(),
    };
    let mut named = named_pairs(engine, &maker.drawn);
    // What is asked for counts too, whether or not a rule names it.
    for pair in maker.asked.keys() {
        named.entry(*pair).or_default();
    }
    for ((from, to), named) in named {
        if scope.holds(&maker.drawn[from].namespace) || scope.holds(&maker.drawn[to].namespace) {
            maker.between(from, to, &named);
        }
    }
    for index in 0..maker.drawn.len() {
        if scope.holds(&maker.drawn[index].namespace) {
            maker.to_services(index);
            maker.from_api_server(index);
            maker.open_ports(index);
            for direction in Direction::BOTH {
                maker.outside(index, direction);
                maker.every_pod(index, direction);
                if about_nodes {
                    maker.nodes(index, direction);
                }
            }
        }
    }
    maker.join_ports();
    let (list, drawn) = (maker.list, maker.drawn);
    narrow(list, drawn, scope)
}

fn draw(
    engine: &Engine,
    stances: &Stances<'_>,
    plan: Option<&Plan>,
    workload: &crate::model::Workload,
) -> Drawn {
    let end = workload_end(engine, workload);
    let mut examples: Vec<Entity> = Vec::new();
    let mut seen = BTreeSet::new();
    for entity in &end.entities {
        if seen.insert(engine.likeness(entity)) {
            examples.push(entity.clone());
        }
    }
    // What a doubtful policy lets through is not known, whoever else isolates.
    let stance_of = |direction, entity: &Entity| {
        if engine.in_doubt(direction, entity) {
            Stance::Unknown
        } else {
            stances.of(direction, entity)
        }
    };
    let stance = |direction| {
        let each = examples.iter().map(|entity| stance_of(direction, entity));
        each.reduce(|all, one| match (all, one) {
            (all, one) if all == one => all,
            (Stance::Unknown, _) | (_, Stance::Unknown) => Stance::Unknown,
            // Some of its pods are open.
            _ => Stance::Partly,
        })
        .unwrap_or(Stance::Open)
    };
    let name = end
        .name
        .split_once('/')
        .map_or(end.name.clone(), |(_, rest)| rest.to_owned());
    let tolerated = |direction| {
        let (plan, own) = (plan?, examples.first()?);
        if !plan.is_listed(direction, own) {
            return pairs::is_closed_to_everyone(plan, direction, own).then_some(false);
        }
        let anyone = Entity::Address(cidr::internet().first()?);
        let (from, to) = ends_of(direction, own, &anyone);
        Some(plan.expects(from, to).may.is_all())
    };
    Drawn {
        namespace: workload.namespace.to_string(),
        egress_tolerated: tolerated(Direction::Egress),
        ingress_tolerated: tolerated(Direction::Ingress),
        egress: stance(Direction::Egress),
        ingress: stance(Direction::Ingress),
        name,
        examples,
        end,
        is_only: true,
    }
}

pub(super) fn dns_targets(engine: &Engine) -> BTreeMap<(Entity, Protocol, u16), u16> {
    let mut targets = BTreeMap::new();
    if let Some(service) = engine.dns_service() {
        for (protocol, port) in engine
            .service_ports(service)
            .filter(|(_, port)| *port == 53)
        {
            if let Ok(expansion) = engine.expand_service(service, protocol, port, None) {
                for target in expansion.targets {
                    targets.insert((target.entity.whole(), protocol, target.port), port);
                }
            }
        }
    } else {
        for pod in engine.dns_pods() {
            for protocol in [Protocol::Udp, Protocol::Tcp] {
                targets.insert((Entity::Pod(pod), protocol, 53), 53);
            }
        }
    }
    targets
}

/// Drops workloads out of scope that nothing in scope is connected with, and renumbers.
fn narrow(mut list: Vec<Connection>, drawn: Vec<Drawn>, scope: &Scope) -> Connections {
    let mut kept: BTreeSet<usize> = (0..drawn.len())
        .filter(|i| scope.holds(&drawn[*i].namespace))
        .collect();
    for connection in &list {
        for point in [&connection.from, &connection.to] {
            if let Point::Workload(index) = point {
                kept.insert(*index);
            }
        }
    }
    let number: BTreeMap<usize, usize> = kept
        .iter()
        .enumerate()
        .map(|(new, old)| (*old, new))
        .collect();
    for connection in &mut list {
        for point in [&mut connection.from, &mut connection.to] {
            if let Point::Workload(index) = point {
                *index = number[index];
            }
        }
    }
    list.sort();
    let mut workloads: Vec<Drawn> = drawn
        .into_iter()
        .enumerate()
        .filter(|(i, _)| kept.contains(i))
        .map(|(_, d)| d)
        .collect();
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for workload in &workloads {
        *count.entry(workload.name.clone()).or_default() += 1;
    }
    for workload in &mut workloads {
        workload.is_only = count[&workload.name] == 1;
    }
    Connections { workloads, list }
}

impl Maker<'_> {
    /// What the plan says of two entities: required, tolerated. Without a plan nothing is required and all is tolerated.
    fn wish(&self, from: &Entity, to: &Entity) -> (PortSet, PortSet) {
        self.plan.map_or_else(
            || (PortSet::empty(), PortSet::all()),
            |plan| {
                let expected = plan.expects(from, to);
                (expected.must, expected.may)
            },
        )
    }

    fn add(
        &mut self,
        from: Point,
        to: Point,
        ports: PortSet,
        standing: Standing,
        traffic: Traffic,
    ) {
        if !ports.is_empty() {
            self.list.push(Connection {
                from,
                to,
                ports,
                standing,
                traffic,
            });
        }
    }

    /// Sorts ports that are worth showing into what is open, unknown and missing.
    fn sort(
        &self,
        considered: &PortSet,
        allowed: &Allowed,
        must: &PortSet,
        may: &PortSet,
    ) -> Vec<(PortSet, Standing)> {
        let open = considered.intersection(&allowed.sure);
        let mut sorted = vec![
            (
                considered.intersection(&allowed.unknown()),
                Standing::Unknown,
            ),
            (must.difference(&allowed.possible), Standing::Missing),
        ];
        if self.plan.is_some() {
            sorted.push((open.intersection(may), Standing::AsExpected));
            sorted.push((open.difference(may), Standing::Unexpected));
        } else {
            sorted.push((open, Standing::Open));
        }
        sorted
    }

    /// What is drawn between two workloads, or between the members of one.
    fn between(&mut self, from: usize, to: usize, ports: &NamedPorts) {
        let named = ports.egress.union(&ports.ingress);
        let asked = self.asked.get(&(from, to)).cloned().unwrap_or_default();
        let spoken_of = named.union(&asked.must).union(&asked.never);
        if spoken_of.is_empty() {
            return;
        }
        let mut may = PortSet::all();
        if self.plan.is_some() {
            for a in &self.drawn[from].examples {
                for b in &self.drawn[to].examples {
                    may = may.intersection(&self.wish(a, b).1);
                }
            }
        }
        let allowed = self.groups.allowed(&self.members[from], &self.members[to]);
        let considered = named
            .union(&asked.must)
            .union(&asked.never.intersection(&allowed.possible));
        let mut found = self.sort(&considered, &allowed, &asked.must, &may);
        // Where everything named is let through by both ends, neither is half-open.
        if !named.is_subset(&allowed.sure) {
            for (open, ports) in
                half_open_ports(self.engine, &self.drawn[from].end, &self.drawn[to].end)
            {
                let ports = ports.difference(&asked.must).difference(&allowed.possible);
                found.push((ports, Standing::HalfOpen(open)));
            }
        }
        found.retain(|(ports, _)| !ports.is_empty());
        let scrapes = self.scrapes(from);
        for (ports, standing) in found {
            let (names, rest) = self.split_dns(to, &ports);
            self.add(
                Point::Workload(from),
                Point::Dns,
                names,
                standing,
                Traffic::Dns,
            );
            let metrics = self.metrics_ports(to);
            let (scraped, app) = if scrapes {
                (rest, PortSet::empty())
            } else {
                let metrics = metrics.intersection(&told_alone(&rest));
                (rest.intersection(&metrics), rest.difference(&metrics))
            };
            self.add(
                Point::Workload(from),
                Point::Workload(to),
                scraped,
                standing,
                Traffic::Scrape,
            );
            self.add(
                Point::Workload(from),
                Point::Workload(to),
                app,
                standing,
                Traffic::App,
            );
        }
    }

    /// Ports of DNS pods become the ports of the DNS Service; the rest stays.
    fn split_dns(&self, to: usize, ports: &PortSet) -> (PortSet, PortSet) {
        let (mut names, mut rest) = (PortSet::empty(), ports.clone());
        let alone = told_alone(ports);
        for entity in &self.drawn[to].end.entities {
            for ((pod, protocol, target), port) in &self.dns {
                if pod == entity && alone.contains(*protocol, *target) {
                    names = names.union(&PortSet::port(*protocol, *port));
                    rest = rest.difference(&PortSet::port(*protocol, *target));
                }
            }
        }
        (names, rest)
    }

    fn scrapes(&self, from: usize) -> bool {
        self.drawn[from].name.contains("prometheus")
    }

    fn metrics_ports(&self, to: usize) -> PortSet {
        let mut ports = PortSet::empty();
        for entity in &self.drawn[to].examples {
            if let Entity::Pod(id) = entity {
                for port in self
                    .engine
                    .pod(*id)
                    .ports
                    .iter()
                    .filter(|port| port.name == "metrics")
                {
                    ports = ports.union(&PortSet::port(port.protocol, port.port));
                }
            }
        }
        ports
    }

    /// Ports that were written down with nobody named: they have to be open for somebody.
    fn open_ports(&mut self, index: usize) {
        let (Some(plan), Some(own)) = (self.plan, self.drawn[index].examples.first()) else {
            return;
        };
        let wanted = plan.open_ports(own);
        if wanted.is_empty() {
            return;
        }
        let rules = self.letting_through(Direction::Ingress, own);
        let opened = rules
            .iter()
            .fold(PortSet::empty(), |all, (_, ports)| all.union(ports));
        // What a rule opens is drawn for whom it does.
        let left = wanted.difference(&opened);
        let standing = match self.drawn[index].ingress {
            Stance::Closed => Standing::Missing,
            Stance::Open | Stance::NoSubject => Standing::AsExpected,
            Stance::Partly | Stance::Unknown => Standing::Unknown,
        };
        let to = Point::Workload(index);
        self.add(Point::Any, to, left, standing, Traffic::App);
    }

    /// Joins entries that differ only in their ports.
    fn join_ports(&mut self) {
        let mut joined: BTreeMap<(Point, Point, Standing, Traffic), PortSet> = BTreeMap::new();
        for c in std::mem::take(&mut self.list) {
            let entry = joined
                .entry((c.from, c.to, c.standing, c.traffic))
                .or_default();
            *entry = entry.union(&c.ports);
        }
        self.list = joined
            .into_iter()
            .map(|((from, to, standing, traffic), ports)| Connection {
                from,
                to,
                ports,
                standing,
                traffic,
            })
            .collect();
    }
}

/// Whether a set of outside addresses holds every public IPv4 address, or without IPv4 every public IPv6 address: what people
/// call the internet.
pub fn is_internet(set: &AddressSet) -> bool {
    let family = if set.only(Family::V4).is_empty() {
        Family::V6
    } else {
        Family::V4
    };
    cidr::internet().only(family).is_subset(set)
}

/// Ports as they are told one by one: a few neighbours are no range to the people who wrote them down.
pub fn told_ranges(ports: &PortSet) -> Vec<(Protocol, PortRange)> {
    let mut told = Vec::new();
    for (protocol, range) in ports.iter() {
        if range.last() - range.first() < 4 {
            let each = (range.first()..=range.last()).filter_map(NonZeroU16::new);
            told.extend(each.map(|port| (protocol, PortRange::single(port))));
        } else {
            told.push((protocol, range));
        }
    }
    told
}

/// Whether a set is just what the word `internet` means.
pub fn is_just_internet(set: &AddressSet) -> bool {
    let public = cidr::internet();
    *set == public || *set == public.only(Family::V4) || *set == public.only(Family::V6)
}

/// Ports that are told one by one: what stands in a range, or in everything, is not meant for itself.
fn told_alone(ports: &PortSet) -> PortSet {
    let told = told_ranges(ports).into_iter();
    let alone = told.filter(|(_, range)| range.first() == range.last());
    alone.fold(PortSet::empty(), |all, (protocol, range)| {
        all.union(&PortSet::range(protocol, range))
    })
}

/// The id a point has in JSON.
pub fn point_id(connections: &Connections, point: &Point) -> String {
    match point {
        Point::Workload(index) => connections.workloads[*index].end.id.clone(),
        Point::Any => "any".to_owned(),
        Point::Cluster => "cluster".to_owned(),
        Point::Range(set) if is_internet(set) => "internet".to_owned(),
        Point::Range(set) => super::flows::range_id(set),
        Point::Dns => "dns".to_owned(),
        Point::K8sApi => "k8s-api".to_owned(),
        Point::Node(name) => format!("node/{name}"),
        // The word of the expectations.
        Point::EveryNode(_) => "node".to_owned(),
    }
}

/// What people call a point; `home` is the namespace of the other end, whose own workloads go without it.
pub fn point_name(connections: &Connections, point: &Point, home: &str) -> String {
    match point {
        Point::Workload(index) => {
            let drawn = &connections.workloads[*index];
            if drawn.namespace == home || drawn.is_only {
                drawn.name.clone()
            } else {
                drawn.end.name.clone()
            }
        }
        Point::Any => "any".to_owned(),
        Point::Cluster => "every pod".to_owned(),
        Point::Range(set) if is_internet(set) => "internet".to_owned(),
        Point::Range(set) => super::flows::range_name(set),
        Point::Dns => "DNS".to_owned(),
        Point::K8sApi => "K8s API".to_owned(),
        Point::Node(name) => format!("node/{name}"),
        Point::EveryNode(_) => "nodes".to_owned(),
    }
}

/// Whether a workload's end is in view only because something in scope talks to it.
pub fn in_scope(drawn: &Drawn, scope: &Scope) -> bool {
    match &drawn.end.kind {
        EndKind::Workload { namespace } => scope.holds(namespace),
        _ => false,
    }
}
