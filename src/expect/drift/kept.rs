//! What must not be possible and is not: closed cells and prohibitions that hold.

use std::collections::BTreeSet;

use crate::engine::{Entity, Verdict};
use crate::model::Direction;

use super::super::file::cited;
use super::super::plan::ends::End;
use super::super::plan::{Bound, BoundCell, BoundContent, Claim, Kind, slot};
use super::excess::Violated;
use super::say::name;
use super::world::World;
use super::{About, Code, Found, Key};

pub(super) fn judge(world: &World<'_>, violated: &Violated, found: &mut Found) {
    for bound in &world.plan.workloads {
        for direction in Direction::BOTH {
            if let Some(cell) = bound.cells[slot(direction)]
                .as_ref()
                .filter(|_| bound.closed)
            {
                self::cell(world, violated, (bound, cell, direction), found);
            }
        }
    }
    for (index, claim) in world.plan.flows.iter().enumerate() {
        if matches!(claim.kind, Kind::Never | Kind::Advice) && !violated.flows.contains(&index) {
            flow(world, claim, found);
        }
    }
}

/// Of each workload that a row means, that nothing gets past its cell.
fn cell(
    world: &World<'_>,
    violated: &Violated,
    (bound, cell, direction): (&Bound, &BoundCell, Direction),
    found: &mut Found,
) {
    let (mut kept, mut broken) = (BTreeSet::new(), BTreeSet::new());
    for pod in &bound.pods {
        let Some(class) = world.class_of[pod.0 as usize] else {
            continue;
        };
        let ids = if violated.classes[class][slot(direction)] {
            &mut broken
        } else {
            &mut kept
        };
        ids.insert(world.engine.workload_of(*pod).id());
    }
    for id in kept.difference(&broken) {
        let what = match (&cell.content, direction) {
            (BoundContent::Any, _) => continue,
            (BoundContent::Deny, Direction::Egress) => "nothing gets out of",
            (BoundContent::Deny, Direction::Ingress) => "nothing gets into",
            (BoundContent::Claims(_), Direction::Egress) => {
                "nothing but what is written down gets out of"
            }
            (BoundContent::Claims(_), Direction::Ingress) => {
                "nothing but what is written down gets into"
            }
        };
        let ends = match direction {
            Direction::Egress => (id.as_str(), "any"),
            Direction::Ingress => ("any", id.as_str()),
        };
        let sources = cited(cell.src.as_ref(), &cell.at);
        let message = format!("{what} {}, as expected", name(id));
        let told = found.tell(
            world,
            (Code::Met, Code::Met.severity()),
            ends,
            &sources,
            message,
        );
        told.expected = Some(Verdict::Deny);
        told.actual = Some(Verdict::Deny);
    }
}

/// That a prohibition holds, for each pair of workloads or words it names.
fn flow(world: &World<'_>, claim: &Claim, found: &mut Found) {
    let plan = world.plan;
    for (x, from) in samples(world, &claim.from) {
        for (y, to) in samples(world, &claim.to) {
            let pairs = from.iter().flat_map(|a| to.iter().map(move |b| (a, b)));
            let mut meant = pairs
                .filter(|(a, b)| !plan.is_home(a, b) && world.engine.unreachable(a, b).is_none());
            let told = meant.find_map(|(a, b)| Some((a, b, plan.claimed(claim, a, b)?)));
            if let Some((a, b, ports)) = told {
                let key = Key {
                    code: Code::Met,
                    severity: Code::Met.severity(),
                    from: x.clone(),
                    to: y,
                    about: About::Forbidden,
                    origin: Some(claim.origin),
                };
                found.add(key, ports, (a, b), &plan.origins[claim.origin].sources);
            }
        }
    }
}

/// How an end is written, and whom to take as an example of it.
fn samples(world: &World<'_>, end: &End) -> Vec<(String, Vec<Entity>)> {
    let pods = || world.classes.iter().map(super::world::Class::rep);
    let pieces = || world.pieces.iter().map(|piece| piece.rep.clone());
    let own: Vec<Entity> = match end {
        End::Workload { .. } | End::Dns(_) | End::K8sApi(_) | End::Node => {
            let mut samples: Vec<(String, Vec<Entity>)> = Vec::new();
            for member in world.members(end) {
                match samples.last_mut().filter(|(id, _)| *id == member.id) {
                    Some((_, entities)) => entities.extend(member.entities),
                    None => samples.push((member.id, member.entities)),
                }
            }
            return samples;
        }
        End::Ranges(_) | End::External | End::Internet => pieces().collect(),
        End::Any => pieces().chain(pods()).collect(),
        End::Cluster | End::Elsewhere => pods().collect(),
    };
    let id = match end {
        End::Ranges(set) => world.set_id(set),
        word => word.word().unwrap_or_default().to_owned(),
    };
    vec![(id, own)]
}
