//! Many against many: rows, matrices and flows, over groups of entities such as the pods of a workload.
//!
//! A group's verdict is what holds for every pair of its members: allowed where all are, denied where none is, else unknown,
//! never an average (rule E6). Pods that policies cannot tell apart are judged once.

mod rows;

use std::collections::BTreeSet;

use hashbrown::HashMap;

use crate::model::Direction;

use super::judge::families_meet;
use super::{Allowed, Engine, Entity, PodId};
use rows::Rows;

/// The members of one end, ready for judging.
pub struct Group {
    entities: Vec<Entity>,
    /// Distinct places its connections may come from and go to.
    sources: Vec<u32>,
    targets: Vec<u32>,
    /// Members on the host network, or nodes: traffic with their own node is special.
    on_nodes: bool,
    members: usize,
}

impl Group {
    /// How many members can take part: finished pods and pods without address cannot.
    pub fn len(&self) -> usize {
        self.members
    }

    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }

    pub fn entities(&self) -> &[Entity] {
        &self.entities
    }
}

/// Judges groups, remembering what it worked out. One for each batch of questions; not shared between threads.
pub struct Groups<'e> {
    engine: &'e Engine,
    rows: Rows<'e>,
    said: HashMap<u32, Allowed, foldhash::fast::FixedState>,
}

impl<'e> Groups<'e> {
    pub fn new(engine: &'e Engine) -> Self {
        Self {
            engine,
            rows: Rows::new(engine),
            said: HashMap::default(),
        }
    }

    /// Prepares a group. Members that cannot take part are left out; a hypothetical pod cannot be a member.
    pub fn group(&self, entities: impl IntoIterator<Item = Entity>) -> Group {
        let compiled = &self.engine.compiled;
        let mut group = Group {
            entities: Vec::new(),
            sources: Vec::new(),
            targets: Vec::new(),
            on_nodes: false,
            members: 0,
        };
        let (mut sources, mut targets) = (BTreeSet::new(), BTreeSet::new());
        for entity in entities {
            match &entity {
                Entity::Pod(id) => {
                    let pod = self.engine.pod(*id);
                    if pod.is_finished()
                        || (!pod.stands_in && self.engine.addresses_of(*id).is_empty())
                    {
                        continue;
                    }
                    group.on_nodes |= pod.host_network;
                    group.members += pod.count as usize;
                    let places = compiled.places_of_pod(*id);
                    sources.extend(places.iter().copied());
                    targets.extend(places.iter().copied());
                }
                Entity::Node(id) => {
                    group.on_nodes = true;
                    group.members += 1;
                    sources.extend(compiled.nodes[id.0 as usize].sources.iter().copied());
                    targets.extend(compiled.nodes[id.0 as usize].targets.iter().copied());
                }
                Entity::Address(address) => {
                    group.members += 1;
                    let place = compiled.outside[compiled.atoms.find(*address) as usize];
                    sources.insert(place);
                    targets.insert(place);
                }
                Entity::PodAt(..) | Entity::NodeAt(..) => {
                    group.on_nodes |= entity.node().is_some()
                        || entity
                            .pod()
                            .is_some_and(|pod| self.engine.pod(pod).host_network);
                    group.members += 1;
                    let at: Vec<u32> = self.engine.places_of(&entity);
                    sources.extend(at.iter().copied());
                    targets.extend(at);
                }
                Entity::Hypothetical(_) => continue,
            }
            group.entities.push(entity);
        }
        group.sources = sources.into_iter().collect();
        group.targets = targets.into_iter().collect();
        group
    }

    /// What every member of `from` may open to every member of `to`. Empty groups and groups without a common address family
    /// give nothing. Within one group a pod's traffic to itself counts only when it is the only one.
    pub fn allowed(&mut self, from: &Group, to: &Group) -> Allowed {
        if from.is_empty() || to.is_empty() {
            return Allowed::nothing();
        }
        if from.on_nodes || to.on_nodes || from.entities.iter().any(|e| to.entities.contains(e)) {
            return self.one_by_one(from, to);
        }
        let mut all: Option<u32> = None;
        for a in &from.sources {
            for b in &to.targets {
                if let Some(one) = self.places(*a, *b) {
                    all = Some(match all {
                        None => one,
                        Some(before) => self.rows.pool.or(before, one),
                    });
                }
            }
        }
        let Some(number) = all else {
            return Allowed::nothing();
        };
        let (engine, pool) = (self.engine, &self.rows.pool);
        let said = self.said.entry(number);
        said.or_insert_with(|| engine.allowed_of(pool.outcomes.get(number)))
            .clone()
    }

    fn one_by_one(&mut self, from: &Group, to: &Group) -> Allowed {
        let mut all: Option<Allowed> = None;
        // Pods that are alike in every way that matters are judged once.
        let mut seen = BTreeSet::new();
        for a in &from.entities {
            for b in &to.entities {
                let is_self = a == b && self.engine.is_self(a, b);
                if is_self && from.members > 1 {
                    continue;
                }
                if !is_self
                    && !seen.insert((
                        self.engine.likeness(a),
                        self.engine.likeness(b),
                        self.same_node(a, b),
                    ))
                {
                    continue;
                }
                if self.engine.unreachable(a, b).is_some() {
                    continue;
                }
                let one = self.engine.allowed(a, b);
                all = Some(match all {
                    Some(before) => before.merge(&one),
                    None => one,
                });
            }
        }
        all.unwrap_or_else(Allowed::nothing)
    }

    fn same_node(&self, a: &Entity, b: &Entity) -> Option<bool> {
        let node = |e: &Entity| match e {
            Entity::Pod(id) | Entity::PodAt(id, _) => self.engine.pod(*id).node.clone(),
            Entity::Node(id) | Entity::NodeAt(id, _) => Some(self.engine.node(*id).name.clone()),
            _ => Some(String::new()),
        };
        Some(node(a)? == node(b)?)
    }

    /// What one place lets through to another, both ends asked; `None` without a common family.
    fn places(&mut self, from: u32, to: u32) -> Option<u32> {
        let places = &self.engine.compiled.places;
        if !families_meet(places[from].family, places[to].family) {
            return None;
        }
        let egress = self.rows.row(Direction::Egress, from)[to as usize];
        let ingress = self.rows.row(Direction::Ingress, to)[from as usize];
        Some(self.rows.pool.and(egress, ingress))
    }

    /// Everything `from` may open to each of `targets`.
    pub fn row_of(&mut self, from: &Group, targets: &[Group]) -> Vec<Allowed> {
        targets.iter().map(|to| self.allowed(from, to)).collect()
    }

    /// The pods of a workload as a group.
    pub fn pods(&self, pods: impl IntoIterator<Item = PodId>) -> Group {
        self.group(pods.into_iter().map(Entity::Pod))
    }
}
