//! The cluster as far as it can be told apart: classes of equal pods, nodes, pieces of the address space, and strangers.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::{Allowed, Cause, Engine, Entity, Hypothetical, NodeId, PodId, Reason, WayIn};
use crate::model::{AddressSet, Direction, Family, Labels, PortSet};

use super::super::plan::binding::borders;
use super::super::plan::ends::End;
use super::super::plan::{Plan, PortsAt, ends_of};

/// Pods that neither policies nor the document can tell apart.
pub(super) struct Class {
    /// Its pods, ascending; at least one.
    pub(super) pods: Vec<PodId>,
    /// One pod each of up to two nodes: what concerns nodes is asked of a pod that runs elsewhere.
    pub(super) reps: Vec<PodId>,
    /// By id of the workload: how many pods of it are here.
    pub(super) workloads: BTreeMap<String, u32>,
}

impl Class {
    pub(super) fn rep(&self) -> Entity {
        Entity::Pod(self.reps[0])
    }
}

/// A piece of the address space and one address of it that is nobody's in the cluster.
pub(super) struct Piece {
    pub(super) set: AddressSet,
    pub(super) rep: Entity,
}

pub(super) struct World<'a> {
    pub(super) engine: &'a Engine,
    pub(super) plan: &'a Plan,
    pub(super) classes: Vec<Class>,
    /// By pod; `None` for those that cannot take part, and for host-network pods, which are their node.
    pub(super) class_of: Vec<Option<usize>>,
    /// Nodes that are alike, ascending.
    pub(super) nodes: Vec<Vec<NodeId>>,
    pub(super) pieces: Vec<Piece>,
    /// A pod without labels in every namespace.
    pub(super) strangers: Vec<Entity>,
    ways: OnceCell<Vec<WayIn>>,
    homes: OnceCell<Vec<[Option<Arc<str>>; 2]>>,
}

impl<'a> World<'a> {
    pub(super) fn new(engine: &'a Engine, plan: &'a Plan) -> Self {
        let borders = borders(plan);
        let named = mentioned(plan);
        let (classes, class_of) = classes(engine, plan, &named);
        let cluster = engine.cluster();
        let strangers = cluster.namespaces.keys().map(|name| {
            Entity::Hypothetical(Arc::new(Hypothetical {
                namespace: name.clone(),
                labels: Labels::default(),
                ports: Vec::new(),
            }))
        });
        Self {
            engine,
            plan,
            classes,
            class_of,
            nodes: nodes(engine, &borders, &named),
            pieces: pieces(engine, &borders),
            strangers: strangers.collect(),
            ways: OnceCell::new(),
            homes: OnceCell::new(),
        }
    }

    /// Every way in from outside; looked for when first asked.
    pub(super) fn ways(&self) -> &[WayIn] {
        self.ways.get_or_init(|| self.engine.ways())
    }

    /// How an entity is written in a finding.
    pub(super) fn id(&self, entity: &Entity) -> String {
        match entity {
            Entity::Pod(pod) | Entity::PodAt(pod, _) => self.engine.workload_of(*pod).id(),
            Entity::Node(node) | Entity::NodeAt(node, _) => {
                format!("node/{}", self.engine.node(*node).name)
            }
            Entity::Address(address) => address.to_string(),
            Entity::Hypothetical(pod) => format!("{}/*", pod.namespace),
        }
    }

    /// The strangers to try at a pod: those of other namespaces, unless there is no other.
    pub(super) fn strangers_to(
        &self,
        entity: &Entity,
    ) -> impl Iterator<Item = &Entity> + use<'_, 'a> {
        let own = self.plan.namespace_name(entity).map(str::to_owned);
        let lonely = self.strangers.len() == 1;
        self.strangers
            .iter()
            .filter(move |stranger| lonely || self.plan.namespace_name(stranger) != own.as_deref())
    }

    /// Of each piece up to two namespaces whose pods have addresses in it.
    fn find_homes(&self) -> Vec<[Option<Arc<str>>; 2]> {
        let mut homes = vec![[None, None]; self.pieces.len()];
        for pod in self.engine.pods() {
            let name = &self.engine.workload_of(pod).namespace;
            for address in &self.engine.pod(pod).addresses {
                for (piece, home) in self.pieces.iter().zip(&mut homes) {
                    let [first, second] = home;
                    if second.is_some()
                        || first.as_ref() == Some(name)
                        || !piece.set.contains(*address)
                    {
                        continue;
                    }
                    *(if first.is_none() { first } else { second }) = Some(name.clone());
                }
            }
        }
        homes
    }

    /// What a stranger may do, where only its unknown address leaves that open: it would have one where pods of other namespaces
    /// have theirs, so blocks treat it as they treat those addresses.
    pub(super) fn at_home(
        &self,
        direction: Direction,
        (own, stranger): (&Entity, &Entity),
        allowed: Allowed,
    ) -> Allowed {
        let unknown = allowed.unknown();
        let Some((protocol, range)) = unknown.iter().next() else {
            return allowed;
        };
        let (from, to) = ends_of(direction, own, stranger);
        let why = self.engine.explain(from, to, protocol, range.first());
        let side = match direction {
            Direction::Egress => why.egress,
            Direction::Ingress => why.ingress,
        };
        if side
            .causes
            .iter()
            .any(|cause| *cause != Cause::AddressUnknown)
        {
            return allowed;
        }
        let elsewhere = self.plan.namespace_name(own);
        let homes = self.homes.get_or_init(|| self.find_homes());
        let homes = self
            .pieces
            .iter()
            .zip(homes)
            .filter(|(piece, namespaces)| {
                namespaces
                    .iter()
                    .flatten()
                    .any(|name| Some(name.as_ref()) != elsewhere)
                    && self.shares_family(own, piece)
            })
            .map(|(piece, _)| piece);
        let seen = homes.map(|piece| self.engine.side(direction, own, &piece.rep));
        match seen.reduce(|all, one| all.merge(&one)) {
            Some(seen) => Allowed {
                sure: allowed.sure.union(&unknown.intersection(&seen.sure)),
                possible: allowed
                    .possible
                    .difference(&unknown.difference(&seen.possible)),
            },
            None => allowed,
        }
    }

    /// The pieces that have an address family in common with an entity.
    pub(super) fn pieces_for(&self, entity: &Entity) -> impl Iterator<Item = &Piece> {
        self.pieces
            .iter()
            .filter(move |piece| self.shares_family(entity, piece))
    }

    pub(super) fn shares_family(&self, entity: &Entity, piece: &Piece) -> bool {
        self.engine.unreachable(entity, &piece.rep) != Some(Reason::NoCommonFamily)
    }

    /// The nodes to try at a class: of each kind one that does not run the pod it is tried with.
    pub(super) fn nodes_for<'w>(
        &'w self,
        class: &'w Class,
    ) -> impl Iterator<Item = (Entity, Entity, &'w [NodeId])> {
        self.nodes.iter().filter_map(move |alike| {
            let pairs = class.reps.iter().flat_map(|pod| {
                alike
                    .iter()
                    .take(2)
                    .map(move |node| (Entity::Pod(*pod), Entity::Node(*node)))
            });
            let mut foreign = pairs.filter(|(pod, node)| !self.plan.same_node(pod, node));
            foreign
                .next()
                .map(|(pod, node)| (pod, node, alike.as_slice()))
        })
    }

    /// Two different pods of two classes; `None` when both are the same single pod.
    pub(super) fn pair(&self, a: &Class, b: &Class) -> Option<(Entity, Entity)> {
        let from = a.reps[0];
        let to = b.pods.iter().copied().find(|pod| *pod != from);
        let several = |pod: PodId| self.engine.pod(pod).count > 1;
        let to = to.or_else(|| (several(from)).then_some(from))?;
        Some((Entity::Pod(from), Entity::Pod(to)))
    }

    /// Whether a pod could open or accept a connection at all.
    pub(super) fn takes_part(&self, pod: PodId) -> bool {
        let own = self.engine.pod(pod);
        !own.is_finished() && (own.stands_in || !own.addresses.is_empty() || own.host_network)
    }

    /// How a set of pieces is written: a word where it is one, else ranges.
    pub(super) fn set_id(&self, set: &AddressSet) -> String {
        let families: Vec<Family> = [Family::V4, Family::V6]
            .into_iter()
            .filter(|family| !set.only(*family).is_empty())
            .collect();
        let within = |wide: &AddressSet| {
            families.iter().fold(AddressSet::empty(), |all, family| {
                all.union(&wide.only(*family))
            })
        };
        let everything = self
            .pieces
            .iter()
            .fold(AddressSet::empty(), |all, piece| all.union(&piece.set));
        if *set == within(&everything) {
            return "external".to_owned();
        }
        if *set == within(&crate::model::cidr::internet()) {
            return "internet".to_owned();
        }
        set.to_string()
    }

    /// Folds what holds for strangers and for outside addresses into as few ends as there can be: `any` for what holds for
    /// all, `cluster` for what holds for strangers only, `external` for outside addresses only, and else ranges.
    pub(super) fn fold(
        &self,
        strangers: Option<(&Entity, PortSet)>,
        pieces: &[(&Piece, PortSet)],
    ) -> Vec<(String, PortSet, Entity)> {
        let mut folded = Vec::new();
        let common = pieces
            .iter()
            .map(|(_, ports)| ports.clone())
            .reduce(|all, ports| all.intersection(&ports));
        let any = match (&strangers, &common) {
            (Some((_, inside)), Some(outside)) => inside.intersection(outside),
            _ => PortSet::empty(),
        };
        if let (false, Some((piece, _))) = (any.is_empty(), pieces.first()) {
            folded.push(("any".to_owned(), any.clone(), piece.rep.clone()));
        }
        if let Some((stranger, inside)) = strangers {
            let rest = inside.difference(&any);
            if !rest.is_empty() {
                folded.push(("cluster".to_owned(), rest, stranger.clone()));
            }
        }
        // Each distinct remainder, with all the addresses it holds for; what all share goes first, as one.
        let shared = common.unwrap_or_default().difference(&any);
        let mut groups: BTreeMap<PortSet, (AddressSet, Entity)> = BTreeMap::new();
        let mut put = |ports: PortSet, piece: &Piece| {
            if ports.is_empty() {
                return;
            }
            let group = groups
                .entry(ports)
                .or_insert_with(|| (AddressSet::empty(), piece.rep.clone()));
            group.0 = group.0.union(&piece.set);
        };
        for (piece, ports) in pieces {
            put(shared.clone(), piece);
            put(ports.difference(&any).difference(&shared), piece);
        }
        for (ports, (set, rep)) in groups {
            folded.push((self.set_id(&set), ports, rep));
        }
        folded
    }
}

/// Entities that a claim names one by one: each is a class of its own.
fn mentioned(plan: &Plan) -> BTreeSet<Entity> {
    let mut named = BTreeSet::new();
    for claim in plan.claims() {
        if let PortsAt::At(by_entity) = &claim.ports {
            named.extend(by_entity.keys().cloned());
        }
        for end in [&claim.from, &claim.to].into_iter().chain(&claim.except) {
            if let End::Dns(entities) | End::K8sApi(entities) = end {
                named.extend(entities.iter().cloned());
            }
        }
    }
    named
}

fn classes(
    engine: &Engine,
    plan: &Plan,
    named: &BTreeSet<Entity>,
) -> (Vec<Class>, Vec<Option<usize>>) {
    let mut index = BTreeMap::new();
    let mut classes: Vec<Class> = Vec::new();
    let mut class_of = vec![None; engine.pods().len()];
    for id in engine.pods() {
        let pod = engine.pod(id);
        if pod.is_finished() || pod.host_network || (!pod.stands_in && pod.addresses.is_empty()) {
            continue;
        }
        let entity = Entity::Pod(id);
        let alone = named.contains(&entity).then_some(id);
        let key = (engine.likeness(&entity), plan.rows_of(&entity), alone);
        let place = *index.entry(key).or_insert_with(|| {
            classes.push(Class {
                pods: Vec::new(),
                reps: Vec::new(),
                workloads: BTreeMap::new(),
            });
            classes.len() - 1
        });
        let class = &mut classes[place];
        let node = |id: &PodId| engine.pod(*id).node.as_deref();
        if class.reps.is_empty()
            || (class.reps.len() == 1 && node(&class.reps[0]) != pod.node.as_deref())
        {
            class.reps.push(id);
        }
        class.pods.push(id);
        *class
            .workloads
            .entry(engine.workload_of(id).id())
            .or_default() += pod.count.max(1);
        class_of[id.0 as usize] = Some(place);
    }
    (classes, class_of)
}

fn nodes(engine: &Engine, borders: &[AddressSet], named: &BTreeSet<Entity>) -> Vec<Vec<NodeId>> {
    let mut alike: BTreeMap<_, Vec<NodeId>> = BTreeMap::new();
    for id in engine.nodes() {
        let node = engine.node(id);
        let member: Vec<bool> = borders
            .iter()
            .map(|set| node.addresses.iter().all(|address| set.contains(*address)))
            .collect();
        let alone = named.contains(&Entity::Node(id)).then_some(id);
        let key = (engine.node_likeness(id), member, alone);
        alike.entry(key).or_default().push(id);
    }
    let mut found: Vec<Vec<NodeId>> = alike.into_values().collect();
    found.sort();
    found
}

fn pieces(engine: &Engine, borders: &[AddressSet]) -> Vec<Piece> {
    let examples = engine.outside_examples(borders).into_iter();
    examples
        .map(|(set, example)| Piece {
            set,
            rep: Entity::Address(example),
        })
        .collect()
}
