//! Many against many: rows, matrices and flows, over groups of entities such as the pods of a workload.
//!
//! A group's verdict is what holds for every pair of its members: allowed where all are, denied where none is, else unknown,
//! never an average (rule E6). Pods that policies cannot tell apart are judged once.

use std::collections::BTreeSet;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use crate::compile::slot;
use crate::model::{Direction, PortSet};

use super::judge::families_meet;
use super::{Allowed, Engine, Entity, PodId};

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

/// For each peer place, the numbers of the certain and of the possible ports.
type Row = Vec<(u32, u32)>;

/// Judges groups, remembering what it worked out. One for each batch of questions; not shared between threads.
pub struct Groups<'e> {
    engine: &'e Engine,
    pool: Pool,
    /// By direction and guard: for every place, what that guard lets through.
    rows: HashMap<(usize, u32, u32), Row, foldhash::fast::FixedState>,
}

impl<'e> Groups<'e> {
    pub fn new(engine: &'e Engine) -> Self {
        Self {
            engine,
            pool: Pool::default(),
            rows: HashMap::default(),
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
                    let places = &compiled.pods[id.0 as usize].places;
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
                    let place = compiled.outside + compiled.atoms.find(*address);
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
        let mut all: Option<(u32, u32)> = None;
        for a in &from.sources {
            for b in &to.targets {
                if let Some(one) = self.places(*a, *b) {
                    all = Some(match all {
                        None => one,
                        Some((sure, possible)) => (
                            self.pool.intersection(sure, one.0),
                            self.pool.union(possible, one.1),
                        ),
                    });
                }
            }
        }
        all.map_or_else(Allowed::nothing, |(sure, possible)| Allowed {
            sure: self.pool.sets[sure as usize].clone(),
            possible: self.pool.sets[possible as usize].clone(),
        })
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
    fn places(&mut self, from: u32, to: u32) -> Option<(u32, u32)> {
        let places = &self.engine.compiled.places;
        if !families_meet(places[from as usize].family, places[to as usize].family) {
            return None;
        }
        let egress = self.row(Direction::Egress, from)[to as usize];
        let ingress = self.row(Direction::Ingress, to)[from as usize];
        Some((
            self.pool.intersection(egress.0, ingress.0),
            self.pool.intersection(egress.1, ingress.1),
        ))
    }

    /// What the guard of a place lets through, for every peer place. Places with the same guard and ports share it.
    fn row(&mut self, direction: Direction, subject: u32) -> &[(u32, u32)] {
        let compiled = &self.engine.compiled;
        let guard = compiled.guard_of[slot(direction)][subject as usize];
        // Names in ingress rules are looked up at the subject, so its declared ports are part of what it is.
        let own_ports = &compiled.places[subject as usize].ports;
        let table = if direction == Direction::Ingress && !own_ports.is_empty() {
            subject
        } else {
            u32::MAX
        };
        match self.rows.entry((slot(direction), guard, table)) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                entry.insert(make_row(self.engine, &mut self.pool, direction, subject))
            }
        }
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

fn make_row(
    engine: &Engine,
    pool: &mut Pool,
    direction: Direction,
    subject: u32,
) -> Vec<(u32, u32)> {
    let compiled = &engine.compiled;
    let guard = &compiled.guards[compiled.guard_of[slot(direction)][subject as usize] as usize];
    let (nothing, everything) = (pool.intern(PortSet::empty()), pool.intern(PortSet::all()));
    let size = compiled.places.len();
    let open = guard.policies.is_empty();
    if guard.no_subject || (open && guard.doubtful.is_empty() && !guard.unreadable) {
        return vec![(everything, everything); size];
    }
    let start = if open || guard.unreadable {
        everything
    } else {
        nothing
    };
    let mut row = vec![(nothing, start); size];
    for (policies, certain) in [(&guard.policies, true), (&guard.doubtful, false)] {
        for id in policies {
            for rule in compiled.policies[id.0 as usize].rules[slot(direction)]
                .iter()
                .flatten()
            {
                let fixed = rule.ports.names.is_empty() || direction == Direction::Ingress;
                let own = rule
                    .ports
                    .at(&compiled.places[subject as usize].ports, compiled.profile);
                let shared = (pool.intern(own.0), pool.intern(own.1));
                let mut add = |place: u32, sure: bool, pool: &mut Pool| {
                    let (sure_ports, possible_ports) = if fixed {
                        shared
                    } else {
                        let at = rule
                            .ports
                            .at(&compiled.places[place as usize].ports, compiled.profile);
                        (pool.intern(at.0), pool.intern(at.1))
                    };
                    let cell = &mut row[place as usize];
                    if sure && certain {
                        cell.0 = pool.union(cell.0, sure_ports);
                    }
                    cell.1 = pool.union(cell.1, possible_ports);
                };
                match rule.peers {
                    None => (0..u32::try_from(size).expect("fewer than 2^32 places"))
                        .for_each(|p| add(p, true, pool)),
                    Some(set) => {
                        let set = &compiled.sets[set as usize];
                        for place in set.possible.iter() {
                            add(place, set.sure.contains(place), pool);
                        }
                    }
                }
            }
        }
    }
    row
}

/// Port sets by number, with union and intersection remembered.
#[derive(Default)]
struct Pool {
    sets: Vec<PortSet>,
    numbers: HashMap<PortSet, u32, foldhash::fast::FixedState>,
    unions: HashMap<(u32, u32), u32, foldhash::fast::FixedState>,
    intersections: HashMap<(u32, u32), u32, foldhash::fast::FixedState>,
}

impl Pool {
    fn intern(&mut self, set: PortSet) -> u32 {
        if let Some(known) = self.numbers.get(&set) {
            return *known;
        }
        let next = u32::try_from(self.sets.len()).expect("fewer than 2^32 port sets");
        self.sets.push(set.clone());
        self.numbers.insert(set, next);
        next
    }

    fn union(&mut self, a: u32, b: u32) -> u32 {
        if a == b {
            return a;
        }
        let key = (a.min(b), a.max(b));
        if let Some(known) = self.unions.get(&key) {
            return *known;
        }
        let made = self.intern(self.sets[a as usize].union(&self.sets[b as usize]));
        self.unions.insert(key, made);
        made
    }

    fn intersection(&mut self, a: u32, b: u32) -> u32 {
        if a == b {
            return a;
        }
        let key = (a.min(b), a.max(b));
        if let Some(known) = self.intersections.get(&key) {
            return *known;
        }
        let made = self.intern(self.sets[a as usize].intersection(&self.sets[b as usize]));
        self.intersections.insert(key, made);
        made
    }
}
