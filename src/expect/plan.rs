//! One environment bound to one cluster: who is meant, and what is expected of any connection.
//!
//! What is tolerated is kept for each end: a connection is tolerated when the source's egress cell and the destination's
//! ingress cell both hold it, and an end or a direction that is not listed tolerates everything.

pub(crate) mod binding;
pub(crate) mod ends;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use jiff::civil::Date;
use smallvec::SmallVec;

use crate::engine::{Engine, Entity, NodeId, PodId};
use crate::model::{AddressSet, Cluster, Direction, PortSet, Severity, SourceRef};

use super::file::{DefaultDeny, Expectations, Exposure, Select, Settings};
use super::lookup::How;
pub use ends::End;

/// What is expected of the ports of one connection. `may` always holds `must`; what is in neither must not be open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub must: PortSet,
    pub may: PortSet,
}

/// A flow that has to work, as the document wrote it: for drawing.
#[derive(Clone, Debug, PartialEq)]
pub struct Must {
    pub from: End,
    pub to: End,
    /// The ports as policy sees them, after translation: DNS may be 5353, the API server 6443.
    pub ports: PortSet,
    /// The ports as written.
    pub written: PortSet,
    pub sources: Vec<SourceRef>,
}

/// An environment, resolved and bound. Made by [`bind`].
pub struct Plan {
    pub(crate) environment: String,
    pub(crate) settings: Settings,
    pub(crate) today: Date,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) workloads: Vec<Bound>,
    /// Indices into `workloads`, by pod.
    of_pod: Vec<SmallVec<[u32; 2]>>,
    facts: Vec<PodFacts>,
    node_addresses: Vec<Vec<IpAddr>>,
    service_addresses: BTreeSet<IpAddr>,
    internet: AddressSet,
    /// Flows and exceptions: claims that no row makes.
    pub(crate) flows: Vec<Claim>,
    pub(crate) origins: Vec<Origin>,
    musts: Vec<Must>,
    pub(crate) default_deny: Vec<DefaultDeny>,
    pub(crate) cni: Option<(String, SourceRef)>,
    pub(crate) enforces: Option<(bool, SourceRef)>,
    /// The ways in from outside; `None` where nothing is said of them, which is not the same as an empty list.
    pub(crate) exposure: Option<Vec<Exposure>>,
    /// They are read into a document that says nothing of the kind, so they are advice.
    pub(crate) exposure_is_inferred: bool,
    /// What could not be bound.
    pub(crate) loose: Vec<Loose>,
}

struct PodFacts {
    namespace: Arc<str>,
    node: Option<NodeId>,
    host_network: bool,
    /// Not a template that stands for several pods: what it sends to itself never leaves it.
    single: bool,
}

/// A workload of the document and its pods.
pub(crate) struct Bound {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) at: SourceRef,
    /// The line of the document its name was read from.
    pub(crate) src: Option<SourceRef>,
    pub(crate) select: Vec<Select>,
    /// How it was found, where it was looked up by its names.
    pub(crate) how: Option<How>,
    /// Ascending; finished ones too.
    pub(crate) pods: Vec<PodId>,
    pub(crate) closed: bool,
    /// Egress, ingress.
    pub(crate) cells: [Option<BoundCell>; 2],
}

pub(crate) struct BoundCell {
    pub(crate) at: SourceRef,
    /// The line of its row in the document.
    pub(crate) src: Option<SourceRef>,
    pub(crate) content: BoundContent,
}

pub(crate) enum BoundContent {
    Deny,
    Any,
    Claims(Vec<Claim>),
}

/// One rule and one peer of it, bound.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) kind: Kind,
    pub(crate) from: End,
    pub(crate) to: End,
    /// Ends taken out on both sides.
    pub(crate) except: Vec<End>,
    pub(crate) ports: PortsAt,
    pub(crate) written: PortSet,
    /// The row's direction; `None` for flows.
    pub(crate) row: Option<Direction>,
    pub(crate) origin: usize,
    /// Another end that satisfies the same demand: the API server's virtual address.
    pub(crate) or_else: Option<(Entity, PortSet)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Must,
    May,
    /// Tolerated, and a warning if it is closed: DNS over TCP.
    MayWarn,
    /// A port of the workload with nobody named.
    Open,
    /// Must not, by name.
    Never,
    /// Must not, as advice only.
    Advice,
    /// Taken out of its own cell by a patch.
    Removed,
    /// Tolerated for a while.
    Exception,
    /// Tolerated until a day that has passed.
    Expired,
}

impl Kind {
    /// Whether a flow of this kind adds to what is tolerated.
    fn is_tolerating(self) -> bool {
        matches!(
            self,
            Self::Must | Self::May | Self::MayWarn | Self::Exception
        )
    }
}

#[derive(Clone, Debug)]
pub(crate) enum PortsAt {
    Everywhere(PortSet),
    /// Only at these entities, and there only these.
    At(BTreeMap<Entity, PortSet>),
}

/// Where a claim comes from, and what it says about itself.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// Of a flow, its name; of an exception, its id.
    pub(crate) name: Option<String>,
    pub(crate) sources: Vec<SourceRef>,
    pub(crate) severity: Option<Severity>,
    pub(crate) why: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) ticket: Option<String>,
    pub(crate) expires: Option<Date>,
}

/// Something the document names that is not there.
pub(crate) struct Loose {
    pub(crate) kind: LooseKind,
    /// The workload, policy or word; of a connection, where it comes from.
    pub(crate) subject: String,
    /// Of a connection, where it leads; else empty.
    pub(crate) to: String,
    pub(crate) message: String,
    pub(crate) sources: Vec<SourceRef>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LooseKind {
    Unbound,
    Stale,
    Unknown,
    /// It has to be reached through a Service, and that leads nowhere.
    Unreachable,
}

/// Binds an environment to a cluster. One there is not gives a plan that expects nothing and tolerates everything.
///
/// `today` decides which exceptions have expired: one that expires on a day still holds on it.
pub fn bind(engine: &Engine, expectations: &Expectations, environment: &str, today: Date) -> Plan {
    binding::bind(engine, expectations, environment, today)
}

impl PortsAt {
    pub(crate) fn of(&self, to: &Entity) -> Option<&PortSet> {
        match self {
            Self::Everywhere(ports) => Some(ports),
            Self::At(by_entity) => by_entity.get(&to.whole()),
        }
    }

    fn all(&self) -> PortSet {
        match self {
            Self::Everywhere(ports) => ports.clone(),
            Self::At(by_entity) => by_entity
                .values()
                .fold(PortSet::empty(), |all, ports| all.union(ports)),
        }
    }
}

pub(crate) fn slot(direction: Direction) -> usize {
    match direction {
        Direction::Egress => 0,
        Direction::Ingress => 1,
    }
}

impl Plan {
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// Who was looked up by name and found: what the document calls it, how, and its pods; in the order of the document.
    pub fn found(&self) -> Vec<(&str, &How, &[PodId])> {
        let looked_up = self
            .workloads
            .iter()
            .filter_map(|bound| Some((bound, bound.how.as_ref()?)));
        looked_up
            .map(|(bound, how)| (bound.label.as_str(), how, bound.pods.as_slice()))
            .collect()
    }

    /// What this environment expects of a connection between two entities.
    ///
    /// Traffic of a pod to itself, and between a pod and its node, is always tolerated. An address stands for itself only:
    /// addresses a document tells apart may differ.
    pub fn expects(&self, from: &Entity, to: &Entity) -> Expected {
        let must = self.must(from, to);
        let may = if self.is_home(from, to) {
            PortSet::all()
        } else {
            self.tolerated(from, to, &|kind| kind.is_tolerating())
                .union(&must)
        };
        Expected { must, may }
    }

    /// What would be tolerated if there were no exceptions.
    pub(crate) fn may_without_exceptions(&self, from: &Entity, to: &Entity) -> PortSet {
        self.tolerated(from, to, &|kind| {
            kind.is_tolerating() && kind != Kind::Exception
        })
        .union(&self.must(from, to))
    }

    fn tolerated(&self, from: &Entity, to: &Entity, adds: &dyn Fn(Kind) -> bool) -> PortSet {
        self.tolerated_at(Direction::Egress, from, to)
            .intersection(&self.tolerated_at(Direction::Ingress, to, from))
            .union(&self.flow_ports(from, to, adds))
            .difference(&self.flow_ports(from, to, |kind| kind == Kind::Never))
    }

    /// What the rows claim, by row and direction.
    pub(crate) fn row_claims(&self) -> impl Iterator<Item = &Claim> {
        let cells = self
            .workloads
            .iter()
            .flat_map(|bound| bound.cells.iter().flatten());
        cells.flat_map(|cell| match &cell.content {
            BoundContent::Claims(claims) => claims.as_slice(),
            BoundContent::Deny | BoundContent::Any => &[],
        })
    }

    /// All claims: those of the rows, then flows and exceptions.
    pub(crate) fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.row_claims().chain(&self.flows)
    }

    /// The flows that have to work, in document order. What could not be bound is not among them.
    pub fn musts(&self) -> &[Must] {
        &self.musts
    }

    /// The ingress ports written down for an entity with nobody named: they have to be open for somebody.
    pub fn open_ports(&self, entity: &Entity) -> PortSet {
        let mut ports = PortSet::empty();
        for index in self.rows_of(entity) {
            let cell = &self.workloads[index as usize].cells[slot(Direction::Ingress)];
            if let Some(BoundContent::Claims(claims)) = cell.as_ref().map(|cell| &cell.content) {
                for claim in claims.iter().filter(|claim| claim.kind == Kind::Open) {
                    ports = ports.union(&claim.written);
                }
            }
        }
        ports
    }

    /// What the document calls a pod's workload: the first of its names, else its id. `None` for a pod nobody wrote down.
    pub fn label(&self, pod: PodId) -> Option<&str> {
        let index = self.of_pod.get(pod.0 as usize)?.first()?;
        Some(&self.workloads[*index as usize].label)
    }

    /// What one end's own cells, flows and exceptions tolerate in a direction, whatever the other end's cells say.
    pub(crate) fn side(&self, direction: Direction, subject: &Entity, peer: &Entity) -> PortSet {
        let (from, to) = ends_of(direction, subject, peer);
        if self.is_home(from, to) {
            return PortSet::all();
        }
        self.tolerated_at(direction, subject, peer)
            .union(&self.flow_ports(from, to, Kind::is_tolerating))
            .difference(&self.flow_ports(from, to, |kind| kind == Kind::Never))
            .union(&self.must(from, to))
    }

    /// Whether a cell of a closed world speaks of an entity in a direction.
    pub(crate) fn is_listed(&self, direction: Direction, entity: &Entity) -> bool {
        let rows = self.rows_of(entity);
        rows.iter().any(|index| {
            let bound = &self.workloads[*index as usize];
            bound.closed && bound.cells[slot(direction)].is_some()
        })
    }

    /// The document's workloads a pod belongs to, ascending.
    pub(crate) fn rows_of(&self, entity: &Entity) -> SmallVec<[u32; 2]> {
        match entity {
            Entity::Pod(pod) | Entity::PodAt(pod, _) => {
                self.of_pod.get(pod.0 as usize).cloned().unwrap_or_default()
            }
            Entity::Hypothetical(pod) => {
                let labels = self.cluster.namespace(&pod.namespace).map(|ns| &ns.labels);
                let Some(namespace_labels) = labels else {
                    return SmallVec::new();
                };
                let meant = |bound: &Bound| {
                    bound.select.iter().any(|select| {
                        // One that exists only in thought has neither an owner nor containers.
                        select.owner.is_none()
                            && select.container.is_none()
                            && select.meets(&pod.namespace, namespace_labels, &pod.labels)
                    })
                };
                (0u32..)
                    .zip(&self.workloads)
                    .filter(|(_, bound)| meant(bound))
                    .map(|(index, _)| index)
                    .collect()
            }
            Entity::Node(_) | Entity::NodeAt(..) | Entity::Address(_) => SmallVec::new(),
        }
    }

    fn tolerated_at(&self, direction: Direction, subject: &Entity, peer: &Entity) -> PortSet {
        let (from, to) = ends_of(direction, subject, peer);
        let mut tolerated: Option<PortSet> = None;
        for index in self.rows_of(subject) {
            let bound = &self.workloads[index as usize];
            let Some(cell) = &bound.cells[slot(direction)] else {
                continue;
            };
            if !bound.closed {
                return PortSet::all();
            }
            let here = match &cell.content {
                BoundContent::Deny => PortSet::empty(),
                BoundContent::Any => return PortSet::all(),
                BoundContent::Claims(claims) => {
                    let of =
                        |wanted: &dyn Fn(Kind) -> bool| self.ports_of(claims, from, to, wanted);
                    let named = of(&|kind| match kind {
                        Kind::Must | Kind::May | Kind::MayWarn => true,
                        Kind::Open => !self.settings.documented_peers_only,
                        _ => false,
                    });
                    let open = || of(&|kind| kind == Kind::Open);
                    let named = if self.settings.documented_peers_only {
                        named.union(&open().intersection(&self.documented_at(direction, from, to)))
                    } else {
                        named
                    };
                    named.difference(&of(&|kind| matches!(kind, Kind::Removed | Kind::Never)))
                }
            };
            tolerated = Some(tolerated.map_or_else(|| here.clone(), |all| all.union(&here)));
        }
        tolerated.unwrap_or_else(PortSet::all)
    }

    /// What the row of the other end writes down about a connection, which names the subject: whoever is documented there is a
    /// documented peer here.
    fn documented_at(&self, direction: Direction, from: &Entity, to: &Entity) -> PortSet {
        let (peer, other_way) = match direction {
            Direction::Egress => (to, Direction::Ingress),
            Direction::Ingress => (from, Direction::Egress),
        };
        let mut documented = PortSet::empty();
        for index in self.rows_of(peer) {
            let cell = &self.workloads[index as usize].cells[slot(other_way)];
            if let Some(BoundContent::Claims(claims)) = cell.as_ref().map(|cell| &cell.content) {
                let tolerating = |kind| matches!(kind, Kind::Must | Kind::May | Kind::MayWarn);
                documented = documented.union(&self.ports_of(claims, from, to, &tolerating));
            }
        }
        documented
    }

    fn must(&self, from: &Entity, to: &Entity) -> PortSet {
        let mut must = self.flow_ports(from, to, |kind| kind == Kind::Must);
        for (direction, subject) in [(Direction::Egress, from), (Direction::Ingress, to)] {
            for index in self.rows_of(subject) {
                let cell = &self.workloads[index as usize].cells[slot(direction)];
                if let Some(BoundContent::Claims(claims)) = cell.as_ref().map(|cell| &cell.content)
                {
                    // `<- any` asks nothing of any one source: that it holds for pods is asked with one that does not exist.
                    let asks_source = |claim: &Claim| {
                        claim.from != End::Any || !matches!(from, Entity::Pod(_) | Entity::Node(_))
                    };
                    let claims: Vec<Claim> = claims
                        .iter()
                        .filter(|claim| asks_source(claim))
                        .cloned()
                        .collect();
                    let of =
                        |wanted: Kind| self.ports_of(&claims, from, to, &|kind| kind == wanted);
                    must = must.union(&of(Kind::Must).difference(&of(Kind::Removed)));
                }
            }
        }
        must
    }

    pub(crate) fn flow_ports(
        &self,
        from: &Entity,
        to: &Entity,
        wanted: impl Fn(Kind) -> bool,
    ) -> PortSet {
        self.ports_of(&self.flows, from, to, &wanted)
    }

    fn ports_of(
        &self,
        claims: &[Claim],
        from: &Entity,
        to: &Entity,
        wanted: &dyn Fn(Kind) -> bool,
    ) -> PortSet {
        let mut all = PortSet::empty();
        for claim in claims {
            if wanted(claim.kind)
                && let Some(ports) = self.claimed(claim, from, to)
            {
                all = all.union(ports);
            }
        }
        all
    }

    /// The ports a claim speaks of between two entities, if it speaks of them.
    pub(crate) fn claimed<'a>(
        &self,
        claim: &'a Claim,
        from: &Entity,
        to: &Entity,
    ) -> Option<&'a PortSet> {
        let excepted = |end: &End| self.covers(end, from, to) || self.covers(end, to, from);
        let also = |(entity, ports): &'a (Entity, PortSet)| (entity == to).then_some(ports);
        if !self.covers(&claim.from, from, to) || claim.except.iter().any(excepted) {
            return None;
        }
        if let Some(ports) = claim.or_else.as_ref().and_then(also) {
            return Some(ports);
        }
        if !self.covers(&claim.to, to, from) {
            return None;
        }
        claim.ports.of(to)
    }

    /// Whether two entities are a pod and the node it runs on: no policy is asked there, so no document is.
    pub(crate) fn same_node(&self, a: &Entity, b: &Entity) -> bool {
        let node = |entity: &Entity| match entity {
            Entity::Node(node) => Some(*node),
            Entity::Pod(pod) if self.facts(*pod).host_network => self.facts(*pod).node,
            _ => None,
        };
        let home = |entity: &Entity| match entity {
            Entity::Pod(pod) => self.facts(*pod).node,
            _ => None,
        };
        let meets = |host: Option<NodeId>, guest: Option<NodeId>| host.is_some() && host == guest;
        meets(node(a), home(b)) || meets(node(b), home(a))
    }

    /// Traffic that no document is about: of a pod to itself, and between a pod and its node.
    pub(crate) fn is_home(&self, from: &Entity, to: &Entity) -> bool {
        let is_one = |entity: &Entity| match entity {
            Entity::Pod(pod) | Entity::PodAt(pod, _) => self.facts(*pod).single,
            Entity::Hypothetical(_) => false,
            Entity::Node(_) | Entity::NodeAt(..) | Entity::Address(_) => true,
        };
        (from == to && is_one(from)) || self.same_node(from, to)
    }

    fn facts(&self, pod: PodId) -> &PodFacts {
        &self.facts[pod.0 as usize]
    }
}

/// From and to, of a subject and its peer.
pub(crate) fn ends_of<'a>(
    direction: Direction,
    subject: &'a Entity,
    peer: &'a Entity,
) -> (&'a Entity, &'a Entity) {
    match direction {
        Direction::Egress => (subject, peer),
        Direction::Ingress => (peer, subject),
    }
}

#[cfg(test)]
mod tests;
