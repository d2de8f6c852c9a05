//! Pairs of workloads: those that rules name, and those of which the environment in force requires or forbids something.

use std::collections::BTreeMap;

use crate::engine::{Engine, Entity, PodId};
use crate::expect::Plan;
use crate::expect::plan::{Claim, End, Kind, ends_of};
use crate::model::{Direction, PortSet};

use super::Drawn;

/// What rules name between two workloads, by the end whose rule it is.
#[derive(Default)]
pub(super) struct NamedPorts {
    pub(super) egress: PortSet,
    pub(super) ingress: PortSet,
}

impl NamedPorts {
    pub(super) fn at(&mut self, direction: Direction) -> &mut PortSet {
        match direction {
            Direction::Egress => &mut self.egress,
            Direction::Ingress => &mut self.ingress,
        }
    }
}

/// The pairs of workloads (from, to) of which a rule at one end names the other. Walks what rules name, because most pairs of a
/// large cluster are named by none.
pub(super) fn named_pairs(
    engine: &Engine,
    drawn: &[Drawn],
) -> BTreeMap<(usize, usize), NamedPorts> {
    let mut at: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (index, workload) in drawn.iter().enumerate() {
        for place in workload.examples.iter().flat_map(|e| engine.places_of(e)) {
            let there = at.entry(place).or_default();
            if there.last() != Some(&index) {
                there.push(index);
            }
        }
    }
    let mut pairs: BTreeMap<(usize, usize), NamedPorts> = BTreeMap::new();
    for (index, workload) in drawn.iter().enumerate() {
        for (direction, example) in Direction::BOTH
            .into_iter()
            .flat_map(|direction| workload.examples.iter().map(move |e| (direction, e)))
        {
            for (place, ports) in engine.named_places(direction, example) {
                for other in at.get(&place).into_iter().flatten() {
                    let pair = match direction {
                        Direction::Egress => (index, *other),
                        Direction::Ingress => (*other, index),
                    };
                    let named = pairs.entry(pair).or_default().at(direction);
                    *named = named.union(&ports);
                }
            }
        }
    }
    pairs
}

/// What the environment in force says of two workloads by name.
#[derive(Clone, Default)]
pub(super) struct Asked {
    pub(super) must: PortSet,
    /// Forbidden; what a cell merely does not list is not in it.
    pub(super) never: PortSet,
}

/// The pairs of workloads (from, to) of which something is required or forbidden. A demand on everyone, or on every pod, is none on
/// each pair there is.
pub(super) fn asked_pairs(
    engine: &Engine,
    plan: &Plan,
    drawn: &[Drawn],
) -> BTreeMap<(usize, usize), Asked> {
    let mut of_pod: BTreeMap<PodId, usize> = BTreeMap::new();
    for (index, workload) in drawn.iter().enumerate() {
        let pods = workload.end.entities.iter().filter_map(Entity::pod);
        of_pod.extend(pods.map(|pod| (pod, index)));
    }
    let by_workload = |end: &End| {
        let mut found: BTreeMap<usize, Vec<Entity>> = BTreeMap::new();
        let mut put = |pod: PodId| {
            if let Some(index) = of_pod.get(&pod) {
                found.entry(*index).or_default().push(Entity::Pod(pod));
            }
        };
        match end {
            End::Workload { pods, .. } => pods.iter().copied().for_each(&mut put),
            End::Dns(entities) => entities.iter().filter_map(Entity::pod).for_each(&mut put),
            _ => {}
        }
        found
    };
    let takes_back = plan.claims().any(|claim| claim.kind == Kind::Removed);
    let mut pairs: BTreeMap<(usize, usize), Asked> = BTreeMap::new();
    for claim in plan.claims() {
        if !matches!(claim.kind, Kind::Must | Kind::Never) {
            continue;
        }
        let (from, to) = (by_workload(&claim.from), by_workload(&claim.to));
        for (a, sources) in &from {
            let source = &sources[0];
            let elsewhere = Elsewhere::of(engine, plan, claim, source);
            for (b, targets) in &to {
                for target in targets {
                    let Some(mut ports) = plan.claimed(claim, source, target).cloned() else {
                        continue;
                    };
                    if claim.kind == Kind::Must && takes_back {
                        ports = ports.intersection(&plan.expects(source, target).must);
                    }
                    ports = elsewhere.left(engine, (source, target), &ports);
                    let asked = pairs.entry((*a, *b)).or_default();
                    let all = match claim.kind {
                        Kind::Must => &mut asked.must,
                        _ => &mut asked.never,
                    };
                    *all = all.union(&ports);
                }
            }
        }
    }
    pairs
}

/// Several workloads under one name of a document: a port has to be open at one of those that declare it, and the others are not
/// asked. The same reading as that of findings.
#[derive(Default)]
struct Elsewhere {
    declared: PortSet,
    open: PortSet,
    is_union: bool,
}

impl Elsewhere {
    fn of(engine: &Engine, plan: &Plan, claim: &Claim, from: &Entity) -> Self {
        let mut found = Self::default();
        let End::Workload { pods, .. } = &claim.to else {
            return found;
        };
        if claim.kind != Kind::Must || claim.row != Some(Direction::Ingress) {
            return found;
        }
        let live = pods.iter().filter(|pod| !engine.pod(**pod).is_finished());
        let one_each: BTreeMap<String, PodId> = live
            .rev()
            .map(|pod| (engine.workload_of(*pod).id(), *pod))
            .collect();
        found.is_union = one_each.len() > 1;
        if !found.is_union {
            return found;
        }
        for pod in one_each.into_values() {
            let to = Entity::Pod(pod);
            let declared = declared(engine, &to);
            if let Some(ports) = plan.claimed(claim, from, &to) {
                let sure = engine.allowed(from, &to).sure;
                let open = ports.intersection(&sure).intersection(&declared);
                found.open = found.open.union(&open);
            }
            found.declared = found.declared.union(&declared);
        }
        found
    }

    /// What of some ports is asked of one of them, or open there all the same.
    fn left(&self, engine: &Engine, (from, to): (&Entity, &Entity), ports: &PortSet) -> PortSet {
        if !self.is_union {
            return ports.clone();
        }
        let asked = declared(engine, to)
            .union(&self.declared.complement())
            .difference(&self.open);
        ports.intersection(&asked.union(&engine.allowed(from, to).sure))
    }
}

fn declared(engine: &Engine, entity: &Entity) -> PortSet {
    let ports = entity.pod().map(|pod| engine.pod(pod).ports.iter());
    ports
        .into_iter()
        .flatten()
        .fold(PortSet::empty(), |all, port| {
            all.union(&PortSet::port(port.protocol, port.port))
        })
}

/// Whether connections with everyone, or with every pod, are forbidden to an entity on every port.
pub(super) fn is_closed_to_everyone(plan: &Plan, direction: Direction, own: &Entity) -> bool {
    plan.claims().any(|claim| {
        let (inner, outer) = ends_of_claim(direction, &claim.from, &claim.to);
        claim.kind == Kind::Never
            && outer.is_wide()
            && claim.written.is_all()
            && !claim.except.iter().any(|end| plan.covers(end, own, own))
            && plan.covers(inner, own, own)
    })
}

/// The end a claim means in a direction, and its other end.
pub(super) fn ends_of_claim<'a>(
    direction: Direction,
    from: &'a End,
    to: &'a End,
) -> (&'a End, &'a End) {
    match direction {
        Direction::Egress => (from, to),
        Direction::Ingress => (to, from),
    }
}

/// The ports that claims of a kind speak of between an entity and what is no workload, where neither end means everyone.
pub(super) fn claimed(
    engine: &Engine,
    plan: &Plan,
    kind: Kind,
    (direction, own, other): (Direction, &Entity, &Entity),
    is_meant: &dyn Fn(&End) -> bool,
) -> PortSet {
    let (from, to) = ends_of(direction, own, other);
    let mut all = PortSet::empty();
    for claim in plan.claims().filter(|claim| claim.kind == kind) {
        let (inner, outer) = ends_of_claim(direction, &claim.from, &claim.to);
        if !inner.is_wide()
            && !outer.is_wide()
            && is_meant(outer)
            && let Some(ports) = plan.claimed(claim, from, to)
        {
            let is_inside = matches!(outer, End::K8sApi(_));
            all = all.union(&if is_inside && direction == Direction::Ingress {
                Elsewhere::of(engine, plan, claim, from).left(engine, (from, to), ports)
            } else {
                ports.clone()
            });
        }
    }
    all
}
