//! One demand tried: the entities of its ends, and what became of its ports.

use std::collections::BTreeMap;

use crate::engine::{Allowed, Entity, PodId};
use crate::model::PortSet;

use super::super::plan::ends::End;
use super::Code;
use super::world::World;

/// One end of a trial: how it is written, and the entities to try.
pub(super) struct Member {
    pub(super) id: String,
    /// Up to two pods that are alike, so that a pod can be tried with another one of its kind.
    pub(super) entities: Vec<Entity>,
}

impl World<'_> {
    /// Two entities of two members that are not one and the same pod.
    pub(super) fn pick(&self, a: &Member, b: &Member) -> Option<(Entity, Entity)> {
        for x in &a.entities {
            for y in &b.entities {
                if !self.plan.is_home(x, y) {
                    return Some((x.clone(), y.clone()));
                }
            }
        }
        None
    }

    /// The members of an end that has to be reached. Where all its pods have finished they are what nobody reaches any more; a
    /// source that has finished asks for nothing until it runs again.
    pub(super) fn targets(&self, end: &End) -> Vec<Member> {
        let live = self.members(end);
        let End::Workload { pods, .. } = end else {
            return live;
        };
        if !live.is_empty() {
            return live;
        }
        let finished = pods.iter().map(|pod| Member {
            id: self.engine.workload_of(*pod).id(),
            entities: vec![Entity::Pod(*pod)],
        });
        let mut members: Vec<Member> = finished.collect();
        members.dedup_by(|b, a| a.id == b.id);
        members
    }

    /// The members of an end that is neither wide nor outside: pods that are alike and of one workload are one.
    pub(super) fn members(&self, end: &End) -> Vec<Member> {
        let world = self;
        match end {
            End::Workload { pods, .. } => {
                let live: Vec<PodId> = pods
                    .iter()
                    .copied()
                    .filter(|pod| !world.engine.pod(*pod).is_finished())
                    .collect();
                // A pod that is only starting is no reason to call a workload broken, unless there is no other.
                let ready: Vec<PodId> = live
                    .iter()
                    .copied()
                    .filter(|pod| world.takes_part(*pod))
                    .collect();
                let mut alike: BTreeMap<(String, Option<usize>), Vec<Entity>> = BTreeMap::new();
                for pod in if ready.is_empty() { live } else { ready } {
                    let key = (
                        world.engine.workload_of(pod).id(),
                        world.class_of[pod.0 as usize],
                    );
                    let entities = alike.entry(key).or_default();
                    if entities.len() < 2 {
                        entities.push(Entity::Pod(pod));
                    }
                }
                alike
                    .into_iter()
                    .map(|((id, _), entities)| Member { id, entities })
                    .collect()
            }
            End::Dns(entities) | End::K8sApi(entities) => entities
                .iter()
                .map(|entity| Member {
                    id: end.word().unwrap_or_default().to_owned(),
                    entities: vec![entity.clone()],
                })
                .collect(),
            End::Node => world
                .engine
                .nodes()
                .map(|node| Member {
                    id: world.id(&Entity::Node(node)),
                    entities: vec![Entity::Node(node)],
                })
                .collect(),
            End::Ranges(_)
            | End::External
            | End::Internet
            | End::Any
            | End::Cluster
            | End::Elsewhere => Vec::new(),
        }
    }
}

/// Ports by what became of them.
#[derive(Default)]
pub(super) struct Tried {
    pub(super) denied: PortSet,
    pub(super) unknown: PortSet,
    pub(super) met: PortSet,
}

impl Tried {
    pub(super) fn of(ports: &PortSet, allowed: &Allowed) -> Self {
        Self {
            denied: ports.difference(&allowed.possible),
            unknown: ports.intersection(&allowed.unknown()),
            met: ports.intersection(&allowed.sure),
        }
    }

    pub(super) fn part(&self, code: Code) -> &PortSet {
        match code {
            Code::Met => &self.met,
            Code::Unknown => &self.unknown,
            _ => &self.denied,
        }
    }
}
