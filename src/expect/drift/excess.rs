//! What must not be possible: everything a cluster allows less everything a document tolerates.

use std::collections::BTreeSet;

use crate::engine::{Allowed, Entity, NodeId};
use crate::model::{Direction, PortSet, Severity, SourceRef};

use super::super::file::cited;
use super::super::plan::ends::End;
use super::super::plan::{Kind, ends_of, slot};
use super::world::{Class, Piece, World};
use super::{About, Code, Found, Key};

mod family;
mod host;

/// What does not hold of all that must not be possible, certainly or perhaps.
pub(super) struct Violated {
    /// By class: egress, ingress.
    pub(super) classes: Vec<[bool; 2]>,
    /// Indices into the plan's flows.
    pub(super) flows: BTreeSet<usize>,
}

pub(super) fn judge(world: &World<'_>, found: &mut Found) -> Violated {
    let mut excess = Excess {
        world,
        found,
        violated: Violated {
            classes: vec![[false; 2]; world.classes.len()],
            flows: BTreeSet::new(),
        },
        subjects: world
            .classes
            .iter()
            .map(|class| {
                Direction::BOTH.map(|direction| is_subject(world, direction, &class.rep()))
            })
            .collect(),
        broad: Vec::new(),
    };
    excess.broad = world
        .classes
        .iter()
        .zip(excess.subjects.clone())
        .map(|(class, subject)| {
            Direction::BOTH.map(|direction| {
                if subject[slot(direction)] {
                    excess.broadly(direction, &class.rep())
                } else {
                    Broad::default()
                }
            })
        })
        .collect();
    for index in 0..world.classes.len() {
        for direction in Direction::BOTH {
            if excess.subjects[index][slot(direction)] {
                excess.wide(index, direction);
                excess.outside(index, direction);
                excess.other_family(index, direction);
                excess.nodes(index, direction);
                excess.pods(index, direction);
            }
        }
    }
    excess.host_network();
    excess.violated
}

/// Whether anything is forbidden to a pod in a direction.
fn is_subject(world: &World<'_>, direction: Direction, pod: &Entity) -> bool {
    if world.plan.is_listed(direction, pod) {
        return true;
    }
    let may_mean = |end: &End| match end {
        End::Elsewhere => true,
        other => world.plan.covers(other, pod, pod),
    };
    let is_pod = |end: &End| {
        matches!(
            end,
            End::Any | End::Cluster | End::Elsewhere | End::Workload { .. } | End::Dns(_)
        )
    };
    world
        .plan
        .flows
        .iter()
        .filter(|claim| matches!(claim.kind, Kind::Never | Kind::Advice | Kind::Expired))
        .any(|claim| match direction {
            Direction::Ingress => may_mean(&claim.to),
            // Where both ends are pods the destination's view finds it.
            Direction::Egress => {
                may_mean(&claim.from) && (!is_pod(&claim.to) || claim.to == End::Any)
            }
        })
}

/// What is open to everyone alike, certain and possible.
#[derive(Clone, Default)]
struct Broad {
    any: Both,
    cluster: Both,
}

#[derive(Clone, Default)]
struct Both {
    sure: PortSet,
    unknown: PortSet,
}

impl Both {
    fn intersection(&self, other: &Self) -> Self {
        Self {
            sure: self.sure.intersection(&other.sure),
            unknown: self.unknown.intersection(&other.unknown),
        }
    }

    fn difference(&self, other: &Self) -> Self {
        Self {
            sure: self.sure.difference(&other.sure),
            unknown: self.unknown.difference(&other.unknown),
        }
    }

    fn union(&self, other: &Self) -> Self {
        Self {
            sure: self.sure.union(&other.sure),
            unknown: self.unknown.union(&other.unknown),
        }
    }

    fn is_empty(&self) -> bool {
        self.sure.is_empty() && self.unknown.is_empty()
    }
}

struct Excess<'w, 'f> {
    world: &'w World<'w>,
    found: &'f mut Found,
    violated: Violated,
    subjects: Vec<[bool; 2]>,
    broad: Vec<[Broad; 2]>,
}

impl Excess<'_, '_> {
    /// What is allowed and not tolerated.
    fn over(&self, from: &Entity, to: &Entity, allowed: &Allowed) -> Both {
        if allowed.possible.is_empty() {
            return Both::default();
        }
        let plan = self.world.plan;
        let advice = plan.flow_ports(from, to, |kind| kind == Kind::Advice);
        let tolerated = plan.expects(from, to).may.difference(&advice);
        Both {
            sure: allowed.sure.difference(&tolerated),
            unknown: allowed.unknown().difference(&tolerated),
        }
    }

    /// Remembers what is violated by a connection that is allowed and not tolerated: whose cells, and which flows.
    fn note(
        &mut self,
        (from, to): (&Entity, &Entity),
        (egress, ingress): (Option<usize>, Option<usize>),
        allowed: &Allowed,
    ) {
        let plan = self.world.plan;
        for (direction, class) in [(Direction::Egress, egress), (Direction::Ingress, ingress)] {
            let (own, peer) = ends_of(direction, from, to);
            if let Some(class) = class
                && !allowed.possible.is_subset(&plan.side(direction, own, peer))
            {
                self.violated.classes[class][slot(direction)] = true;
            }
        }
        for (index, claim) in plan.flows.iter().enumerate() {
            if matches!(claim.kind, Kind::Never | Kind::Advice)
                && let Some(ports) = plan.claimed(claim, from, to)
                && !ports.intersection(&allowed.possible).is_empty()
            {
                self.violated.flows.insert(index);
            }
        }
    }

    fn broadly(&self, direction: Direction, own: &Entity) -> Broad {
        let world = self.world;
        // Only this end is asked, so only what this end tolerates counts.
        let side_over = |peer: &Entity| {
            let allowed = world.engine.side(direction, own, peer);
            if allowed.possible.is_empty() {
                return Both::default();
            }
            let (from, to) = ends_of(direction, own, peer);
            let advice = world.plan.flow_ports(from, to, |kind| kind == Kind::Advice);
            let tolerated = world.plan.side(direction, own, peer).difference(&advice);
            Both {
                sure: allowed.sure.difference(&tolerated),
                unknown: allowed.unknown().difference(&tolerated),
            }
        };
        let mut inside: Option<Both> = None;
        for stranger in world.strangers_to(own) {
            let one = side_over(stranger);
            let all = inside.map_or_else(|| one.clone(), |all| all.intersection(&one));
            let done = all.is_empty();
            inside = Some(all);
            if done {
                return Broad::default();
            }
        }
        let inside = inside.unwrap_or_default();
        let mut any: Option<Both> = None;
        for piece in world.pieces_for(own) {
            let one = side_over(&piece.rep);
            any = Some(any.map_or_else(|| one.clone(), |all: Both| all.intersection(&one)));
        }
        let any = any.unwrap_or_default().intersection(&inside);
        // A stranger has no address, so a block may or may not mean it: that alone is no news about any pod there is.
        Broad {
            cluster: Both {
                sure: inside.sure.difference(&any.sure),
                ..Both::default()
            },
            any,
        }
    }

    /// One finding for what is open to everyone.
    fn wide(&mut self, index: usize, direction: Direction) {
        let world = self.world;
        let class = &world.classes[index];
        let own = class.rep();
        let broad = self.broad[index][slot(direction)].clone();
        if let Some(piece) = world.pieces_for(&own).next() {
            let rep = piece.rep.clone();
            self.tell(direction, class, ("any", &rep), &broad.any);
        }
        if broad.cluster.is_empty() {
            return;
        }
        let Some(stranger) = world.strangers_to(&own).next().cloned() else {
            return;
        };
        // Strangers are no pods: whether anybody passes is seen from those there are.
        let mut passing = PortSet::empty();
        for (other_index, other) in world.classes.iter().enumerate() {
            if other_index != index {
                let rep = other.rep();
                let (from, to) = ends_of(direction, &own, &rep);
                passing = passing.union(&world.engine.allowed(from, to).sure);
            }
        }
        let open = Both {
            sure: broad.cluster.sure.intersection(&passing),
            ..Both::default()
        };
        let (latent, peer) = (
            broad.cluster.sure.difference(&passing),
            ("cluster", &stranger),
        );
        self.tell(direction, class, peer, &open);
        self.tell_latent(direction, class, peer, &latent);
    }

    fn outside(&mut self, index: usize, direction: Direction) {
        let world = self.world;
        let class = &world.classes[index];
        let own = class.rep();
        let any = self.broad[index][slot(direction)].any.clone();
        let mut sets: Vec<(&Piece, Both)> = Vec::new();
        for piece in world.pieces_for(&own) {
            let (from, to) = ends_of(direction, &own, &piece.rep);
            let allowed = world.engine.allowed(from, to);
            let over = self.over(from, to, &allowed);
            if !over.is_empty() {
                self.note((from, to), own_class(direction, index), &allowed);
            }
            sets.push((piece, over.difference(&any)));
        }
        let sure: Vec<_> = sets.iter().map(|(p, b)| (*p, b.sure.clone())).collect();
        let unknown: Vec<_> = sets.iter().map(|(p, b)| (*p, b.unknown.clone())).collect();
        for (id, ports, rep) in world.fold(None, &sure) {
            let both = Both {
                sure: ports,
                ..Both::default()
            };
            self.tell(direction, class, (&id, &rep), &both);
        }
        for (id, ports, rep) in world.fold(None, &unknown) {
            let both = Both {
                unknown: ports,
                ..Both::default()
            };
            self.tell(direction, class, (&id, &rep), &both);
        }
    }

    fn nodes(&mut self, index: usize, direction: Direction) {
        let world = self.world;
        let class = &world.classes[index];
        let any = self.broad[index][slot(direction)].any.clone();
        let pairs: Vec<(Entity, Entity, &[NodeId])> = world.nodes_for(class).collect();
        let mut overs = Vec::new();
        for (own, node, alike) in &pairs {
            let (from, to) = ends_of(direction, own, node);
            let allowed = world.engine.allowed(from, to);
            let over = self.over(from, to, &allowed);
            if !over.is_empty() {
                self.note((from, to), own_class(direction, index), &allowed);
            }
            // Whether a pod runs on a node is often not known offline: that alone is no news.
            let sure = over.sure.difference(&any.sure);
            overs.push((node, *alike, sure));
        }
        let common = overs
            .iter()
            .map(|(_, _, ports)| ports.clone())
            .reduce(|all, ports| all.intersection(&ports))
            .unwrap_or_default();
        let is_every_node = overs.iter().map(|(_, alike, _)| alike.len()).sum::<usize>() > 1;
        let shared = if is_every_node {
            common
        } else {
            PortSet::empty()
        };
        if let Some((node, _, _)) = overs.first() {
            let both = Both {
                sure: shared.clone(),
                ..Both::default()
            };
            self.tell(direction, class, ("node", node), &both);
        }
        for (node, alike, ports) in &overs {
            let both = Both {
                sure: ports.difference(&shared),
                ..Both::default()
            };
            for one in *alike {
                let id = world.id(&Entity::Node(*one));
                self.tell(direction, class, (&id, node), &both);
            }
        }
    }

    fn pods(&mut self, index: usize, direction: Direction) {
        let world = self.world;
        for other in 0..world.classes.len() {
            let (a, b) = ends_of_index(direction, index, other);
            // Seen from the source first; the destination's view adds only what that one does not have.
            if direction == Direction::Ingress && self.subjects[a][slot(Direction::Egress)] {
                continue;
            }
            let Some((from, to)) = world.pair(&world.classes[a], &world.classes[b]) else {
                continue;
            };
            let egress = world.engine.side(Direction::Egress, &from, &to);
            let ingress = world.engine.side(Direction::Ingress, &to, &from);
            if egress.possible.is_empty() && ingress.possible.is_empty() {
                continue;
            }
            let allowed = if egress.possible.is_empty() || ingress.possible.is_empty() {
                Allowed::nothing()
            } else {
                world.engine.allowed(&from, &to)
            };
            let wide = |index: usize, direction: Direction| {
                let broad = &self.broad[index][slot(direction)];
                broad.any.union(&broad.cluster)
            };
            let wide = wide(a, Direction::Egress).union(&wide(b, Direction::Ingress));
            let over = self.over(&from, &to, &allowed);
            if !over.is_empty() {
                self.note((&from, &to), (Some(a), Some(b)), &allowed);
            }
            let over = over.difference(&wide);
            if !over.is_empty() {
                for (x, y) in workload_pairs(&world.classes[a], &world.classes[b], a == b) {
                    self.tell_pair((x, y), (&from, &to), &over);
                }
            }
            for (own_direction, side) in
                [(Direction::Egress, &egress), (Direction::Ingress, &ingress)]
            {
                let (own, peer) = ends_of(own_direction, &from, &to);
                // An end that is not listed tolerates everything but what is forbidden by name.
                let mut latent = side
                    .sure
                    .difference(&world.plan.side(own_direction, own, peer))
                    .difference(&allowed.possible)
                    .difference(&wide.sure);
                let listed = world.plan.is_listed(own_direction, own);
                if !listed {
                    // Of such an end it is only news where a rule names the other one.
                    latent = latent.intersection(&world.engine.named(own_direction, own, peer));
                }
                if latent.is_empty() {
                    continue;
                }
                for (x, y) in workload_pairs(&world.classes[a], &world.classes[b], a == b) {
                    let key = latent_key(own_direction, x, y);
                    match self.forbidding(&from, &to).filter(|_| !listed) {
                        Some(origin) => {
                            let sources = world.plan.origins[origin].sources.clone();
                            let key = Key {
                                origin: Some(origin),
                                ..key
                            };
                            self.found.add(key, &latent, (&from, &to), &sources);
                        }
                        None => {
                            let sources = self.cell_lines(own_direction, own);
                            self.found.add(key, &latent, (&from, &to), &sources);
                        }
                    }
                }
            }
        }
    }

    /// The first flow that forbids something between two entities.
    fn forbidding(&self, from: &Entity, to: &Entity) -> Option<usize> {
        let plan = self.world.plan;
        let mut forbidding = plan
            .flows
            .iter()
            .filter(|claim| claim.kind == Kind::Never && plan.claimed(claim, from, to).is_some());
        forbidding.next().map(|claim| claim.origin)
    }

    fn tell(
        &mut self,
        direction: Direction,
        class: &Class,
        (id, peer): (&str, &Entity),
        over: &Both,
    ) {
        if over.is_empty() {
            return;
        }
        let own = class.rep();
        let (from, to) = ends_of(direction, &own, peer);
        for workload in class.workloads.keys() {
            let ids = match direction {
                Direction::Egress => (workload.as_str(), id),
                Direction::Ingress => (id, workload.as_str()),
            };
            self.tell_pair(ids, (from, to), over);
        }
    }

    fn tell_latent(
        &mut self,
        direction: Direction,
        class: &Class,
        (id, peer): (&str, &Entity),
        ports: &PortSet,
    ) {
        let own = class.rep();
        let (from, to) = ends_of(direction, &own, peer);
        for workload in class.workloads.keys() {
            let (x, y) = match direction {
                Direction::Egress => (workload.as_str(), id),
                Direction::Ingress => (id, workload.as_str()),
            };
            let sources = self.cell_lines(direction, &own);
            self.found
                .add(latent_key(direction, x, y), ports, (from, to), &sources);
        }
    }

    /// Tells what is over, by what forbids it: what is left of an exception, a flow by name, or that nobody wrote it down.
    fn tell_pair(&mut self, (x, y): (&str, &str), (from, to): (&Entity, &Entity), over: &Both) {
        let mut sources = self.cell_lines(Direction::Egress, from);
        sources.extend(self.cell_lines(Direction::Ingress, to));
        for (open, ports) in [(true, &over.sure), (false, &over.unknown)] {
            let left = self.tell_named((x, y), (from, to), (open, ports));
            let code = if open { Code::Excess } else { Code::Unknown };
            let key = Key {
                code,
                severity: code.severity(),
                from: x.to_owned(),
                to: y.to_owned(),
                about: About::Unwritten,
                origin: None,
            };
            self.found.add(key, &left, (from, to), &sources);
        }
    }

    /// Tells what a flow or an exception speaks of, and returns the rest. What is advice is never more than a remark, open or not
    /// known.
    fn tell_named(
        &mut self,
        (x, y): (&str, &str),
        (from, to): (&Entity, &Entity),
        (open, ports): (bool, &PortSet),
    ) -> PortSet {
        let plan = self.world.plan;
        let mut left = ports.clone();
        for wanted in [Kind::Expired, Kind::Never, Kind::Advice] {
            let (code, about) = match (open, wanted) {
                (true, Kind::Expired) => (Code::Expired, About::Connection),
                (true, _) => (Code::Excess, About::Forbidden),
                (false, Kind::Expired) => continue,
                (false, _) => (Code::Unknown, About::Forbidden),
            };
            for claim in plan.flows.iter().filter(|claim| claim.kind == wanted) {
                let Some(ports) = plan.claimed(claim, from, to) else {
                    continue;
                };
                let part = left.intersection(ports);
                if part.is_empty() {
                    continue;
                }
                left = left.difference(&part);
                let origin = &plan.origins[claim.origin];
                let usual = match wanted {
                    Kind::Advice => Severity::Info,
                    _ => code.severity(),
                };
                let key = Key {
                    code,
                    severity: origin.severity.filter(|_| open).unwrap_or(usual),
                    from: x.to_owned(),
                    to: y.to_owned(),
                    about,
                    origin: Some(claim.origin),
                };
                self.found.add(key, &part, (from, to), &origin.sources);
            }
        }
        left
    }

    /// The lines of the cells that speak of an entity.
    fn cell_lines(&self, direction: Direction, entity: &Entity) -> Vec<SourceRef> {
        let plan = self.world.plan;
        let rows = plan.rows_of(entity);
        let cells = rows.iter().filter_map(|index| {
            let bound = &plan.workloads[*index as usize];
            bound.cells[slot(direction)].as_ref()
        });
        cells
            .flat_map(|cell| cited(cell.src.as_ref(), &cell.at))
            .collect()
    }
}

fn latent_key(direction: Direction, from: &str, to: &str) -> Key {
    Key {
        code: Code::Latent,
        severity: Code::Latent.severity(),
        from: from.to_owned(),
        to: to.to_owned(),
        about: match direction {
            Direction::Egress => About::EgressSide,
            Direction::Ingress => About::IngressSide,
        },
        origin: None,
    }
}

fn ends_of_index(direction: Direction, own: usize, other: usize) -> (usize, usize) {
    match direction {
        Direction::Egress => (own, other),
        Direction::Ingress => (other, own),
    }
}

/// The source's class and the destination's, where the other end is no pod.
fn own_class(direction: Direction, index: usize) -> (Option<usize>, Option<usize>) {
    match direction {
        Direction::Egress => (Some(index), None),
        Direction::Ingress => (None, Some(index)),
    }
}

/// The pairs of workloads that two classes stand for; a single pod is no pair with itself.
fn workload_pairs<'c>(
    a: &'c Class,
    b: &'c Class,
    same: bool,
) -> impl Iterator<Item = (&'c str, &'c str)> {
    a.workloads.iter().flat_map(move |(x, count)| {
        b.workloads
            .keys()
            .filter(move |y| !(same && x == *y && *count < 2))
            .map(move |y| (x.as_str(), y.as_str()))
    })
}
