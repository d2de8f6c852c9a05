//! Following the cluster: what changed is worked out anew, the rest stays.
//!
//! Numbers of places and sets never change meaning. What a policy mentions for the first time cuts places in two; the new half
//! starts with the sets and guards of the old one, because nothing made so far tells them apart.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::compile::lowered::Firsts;
use crate::compile::vocabulary::News;
use crate::compile::{Lowered, NONE, PodPlaces};
use crate::model::{Cluster, Namespace, Node, Resource};

use super::Writer;
use super::foreign::Effects;

/// Beyond this many places for each one there was when all was new, most are nobody's: everything is made anew.
const STALE_FACTOR: usize = 4;
const STALE_FLOOR: usize = 4_096;

/// What a change leaves to be done.
#[derive(Default)]
struct Work {
    firsts: Firsts,
    /// Places whose guards have to be made anew: by namespace.
    guards: HashMap<u32, Vec<u32>, foldhash::fast::FixedState>,
    /// Namespaces of which every guard has to be made anew.
    spaces: Vec<u32>,
    all: bool,
}

impl Writer {
    /// Follows the cluster to a later state. What it costs depends on what changed, except where nodes, rights or policies of other
    /// projects did: then everything is made anew.
    pub(crate) fn apply(&mut self, cluster: &Arc<Cluster>) {
        let before = Arc::clone(&self.compiled.cluster);
        if Arc::ptr_eq(&before, cluster) {
            return;
        }
        let outgrown =
            self.compiled.places.len() > self.places_when_new * STALE_FACTOR + STALE_FLOOR;
        if outgrown
            || !same_nodes(&before.nodes, &cluster.nodes)
            || before.foreign != cluster.foreign
            || (before.coverage != cluster.coverage && rights(&before) != rights(cluster))
        {
            *self = Self::new(cluster, self.compiled.profile);
            return;
        }
        self.compiled.cluster = Arc::clone(cluster);
        let mut work = Work::default();
        let (pairs, is_reordered) = self.changed_namespaces(&before, cluster);
        let policies = self.lower_changed(&pairs, &mut work);
        if before.cluster_policies != cluster.cluster_policies {
            self.lower_cluster_policies(&mut work.firsts);
            work.all = true;
        }
        let needs_all = !work.firsts.node_keys.is_empty();
        if !needs_all {
            self.tell_apart(&work.firsts);
            self.change_labels(&pairs, &mut work);
        }
        if needs_all || (!self.index.tenant_keys.is_empty() && !work.spaces.is_empty()) {
            *self = Self::new(cluster, self.compiled.profile);
            return;
        }
        let known_places = self.compiled.places.len();
        let is_counted = self.change_pods(&pairs);
        for place in known_places..self.compiled.places.len() {
            let place = u32::try_from(place).expect("fewer than 2^32 places");
            self.enter(place);
            let space = self.compiled.places[place].space;
            work.guards.entry(space).or_default().push(place);
        }
        self.fill_sets();
        self.change_guards(policies, &mut work);
        if is_reordered || is_counted {
            self.count();
        }
        self.finish();
    }

    /// The namespaces that are not what they were, and whether some came or went.
    fn changed_namespaces(&mut self, before: &Cluster, after: &Cluster) -> (Pairs, bool) {
        let mut pairs = Pairs::new();
        let (mut old, mut new) = (
            before.namespaces.iter().peekable(),
            after.namespaces.iter().peekable(),
        );
        let order = Arc::clone(&self.compiled.order);
        let mut position = 0;
        let mut effects: Option<Effects> = None;
        // The numbers up to here, once they are no longer those of before.
        let mut numbers: Option<Vec<u32>> = None;
        loop {
            // Most are what they were: seen without comparing names.
            if let (Some((_, a)), Some((_, b))) = (old.peek(), new.peek())
                && Arc::ptr_eq(a, b)
            {
                old.next();
                new.next();
                if let Some(numbers) = &mut numbers {
                    numbers.push(order[position]);
                }
                position += 1;
                continue;
            }
            let side = match (old.peek(), new.peek()) {
                (None, None) => break,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some((a, _)), Some((b, _))) => a.cmp(b),
            };
            match side {
                std::cmp::Ordering::Equal => {
                    if let (Some((_, a)), Some((_, b))) = (old.next(), new.next())
                        && !Arc::ptr_eq(a, b)
                    {
                        pairs.push((order[position], Some(Arc::clone(b))));
                    }
                    if let Some(numbers) = &mut numbers {
                        numbers.push(order[position]);
                    }
                    position += 1;
                }
                std::cmp::Ordering::Less => {
                    old.next();
                    pairs.push((order[position], None));
                    numbers.get_or_insert_with(|| order[..position].to_vec());
                    position += 1;
                }
                std::cmp::Ordering::Greater => {
                    if let Some((_, namespace)) = new.next() {
                        let number = self.space_count();
                        let effects = effects
                            .get_or_insert_with(|| Effects::of(after, self.compiled.profile));
                        // Policies and pods are entered like those of any namespace that changed.
                        let empty = Arc::new(Namespace {
                            name: namespace.name.clone(),
                            declared: namespace.declared,
                            ..Namespace::default()
                        });
                        self.new_space(&empty, effects, &mut Firsts::default());
                        self.enter_in_scopes(number);
                        pairs.push((number, Some(Arc::clone(namespace))));
                        numbers
                            .get_or_insert_with(|| order[..position].to_vec())
                            .push(number);
                    }
                }
            }
        }
        let is_reordered = numbers.is_some();
        if let Some(numbers) = numbers {
            self.compiled.order = Arc::new(numbers);
        }
        (pairs, is_reordered)
    }

    /// A new namespace has no labels yet: it is meant by the selectors that mean such a one.
    fn enter_in_scopes(&mut self, space: u32) {
        for scope in 0..self.index.scopes.len() {
            let number = u32::try_from(scope).expect("fewer than 2^32 selectors");
            let (sure, possible) = self.scope_holds(number, space);
            if possible {
                // Numbers of namespaces only grow, so the order stays.
                self.index.scopes[scope].push((space, sure));
                self.index.scopes_of[space as usize].push(number);
            }
        }
    }

    /// Lowers the policies that are not what they were. Returns, by namespace, those that came or went.
    fn lower_changed(&mut self, pairs: &Pairs, work: &mut Work) -> Vec<(u32, Vec<Lowered>)> {
        let mut touched = Vec::new();
        for (number, now) in pairs {
            let space = Arc::clone(&self.compiled.spaces[*number]);
            let empty = Arc::default();
            let policies = now.as_ref().map_or(&empty, |now| &now.policies);
            if Arc::ptr_eq(policies, &space.namespace.policies) {
                continue;
            }
            let mut differing = Vec::new();
            let mut lowered = Vec::with_capacity(policies.len());
            let mut old = space
                .namespace
                .policies
                .iter()
                .zip(&space.policies)
                .peekable();
            // Both lists are by name.
            for policy in policies.iter() {
                while let Some((_, gone)) = old.next_if(|(was, _)| was.name < policy.name) {
                    differing.push(gone.clone());
                }
                match old.next_if(|(was, _)| was.name == policy.name) {
                    Some((was, known)) if was == policy => lowered.push(known.clone()),
                    other => {
                        differing.extend(other.map(|(_, was)| was.clone()));
                        let made = self.lower_policy(policy, *number, &mut work.firsts);
                        differing.push(made.clone());
                        lowered.push(made);
                    }
                }
            }
            differing.extend(old.map(|(_, gone)| gone.clone()));
            if !differing.is_empty() {
                self.change_space(*number, |space| space.policies = lowered);
                touched.push((*number, differing));
            }
        }
        touched
    }

    /// Cuts the places that policies could not tell apart until now.
    fn tell_apart(&mut self, firsts: &Firsts) {
        if firsts.is_empty() {
            return;
        }
        for space in self.compiled.order.as_ref().clone() {
            let labels = &self.compiled.spaces[space].namespace.labels;
            let is_new = firsts
                .namespace_keys
                .iter()
                .any(|news| labels.get(&news.key).is_some());
            if is_new {
                self.project_space(space);
            }
        }
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        let roots = roots(&firsts.cuts);
        if !roots.is_empty() {
            self.make_outside();
            for (child, root) in &roots {
                let outside = &self.compiled.outside;
                pairs.push((outside[*root as usize], outside[*child as usize]));
            }
            let nodes = Arc::clone(&self.compiled.nodes);
            self.make_nodes();
            for (was, now) in nodes.iter().zip(self.compiled.nodes.iter()) {
                for ((_, was), (_, now)) in was.at.iter().zip(&now.at) {
                    pairs.push((*was, *now));
                }
            }
        }
        for space in self.compiled.order.as_ref().clone() {
            // Of a namespace that changed these are the pods it had: so what has not changed is found unchanged further on.
            let entry = Arc::clone(&self.compiled.spaces[space]);
            let mut moved: Vec<(usize, PodPlaces)> = Vec::new();
            for (index, (pod, places)) in entry.namespace.pods.iter().zip(&entry.pods).enumerate() {
                let has = |news: &News| pod.labels.get(&news.key).is_some();
                let is_touched = firsts.pod_keys.iter().any(has)
                    || firsts
                        .port_names
                        .iter()
                        .any(|name| pod.ports.iter().any(|port| *port.name == **name))
                    || (!roots.is_empty()
                        && places.iter().any(|place| {
                            let atom = self.compiled.places[*place].atom;
                            roots.iter().any(|(_, root)| *root == atom)
                        }));
                if !is_touched {
                    continue;
                }
                let now = self.places_of(pod, space);
                if now == *places {
                    continue;
                }
                for place in &now {
                    let (family, atom) = {
                        let place = self.compiled.places[*place];
                        (place.family, place.atom)
                    };
                    let was = roots.iter().find(|(child, _)| *child == atom);
                    let atom = was.map_or(atom, |(_, root)| *root);
                    let parent = places.iter().find(|known| {
                        let known = self.compiled.places[**known];
                        known.family == family && known.atom == atom
                    });
                    pairs.extend(parent.map(|parent| (*parent, *place)));
                }
                moved.push((index, now));
            }
            if !moved.is_empty() {
                let mut pods = entry.pods.clone();
                for (index, places) in moved {
                    pods[index] = places;
                }
                self.settle(space, &entry.namespace, pods);
            }
        }
        pairs.retain(|(parent, child)| parent != child);
        pairs.sort_unstable();
        pairs.dedup();
        self.inherit(&pairs);
    }

    /// Namespaces whose labels selectors read differently now.
    fn change_labels(&mut self, pairs: &Pairs, work: &mut Work) {
        let coverage = Arc::clone(&self.compiled.cluster);
        for (number, now) in pairs {
            let Some(now) = now else { continue };
            let was = Arc::clone(&self.compiled.spaces[*number].namespace);
            let known = now.declared
                || coverage
                    .coverage
                    .is_readable(Resource::Namespaces, Some(&now.name));
            let knew = self.compiled.spaces[*number].labels_known;
            if was.labels == now.labels && known == knew {
                continue;
            }
            self.change_space(*number, |space| {
                // The pods in it are compared with the new ones further on.
                space.namespace = Arc::new(Namespace {
                    labels: now.labels.clone(),
                    ..was.as_ref().clone()
                });
                space.labels_known = known;
            });
            // Rules by tenant compare the values of labels that no selector needs to mention (rule A31).
            let is_other_tenant = self
                .index
                .tenant_keys
                .iter()
                .any(|key| was.labels.get(key) != now.labels.get(key));
            if !self.project_space(*number) && known == knew && !is_other_tenant {
                continue;
            }
            work.spaces.push(*number);
            for scope in 0..self.index.scopes.len() {
                let scope_number = u32::try_from(scope).expect("fewer than 2^32 selectors");
                let holds = self.scope_holds(scope_number, *number);
                let list = &mut self.index.scopes[scope];
                let found = list.binary_search_by_key(number, |(space, _)| *space);
                let held = found.map_or((false, false), |at| (list[at].1, true));
                if held == holds {
                    continue;
                }
                match found {
                    Ok(at) if holds.1 => list[at].1 = holds.0,
                    Ok(at) => {
                        list.remove(at);
                    }
                    Err(at) => list.insert(at, (*number, holds.0)),
                }
                let own = &mut self.index.scopes_of[*number as usize];
                own.retain(|known| *known != scope_number);
                if holds.1 {
                    own.push(scope_number);
                }
                self.refresh_scope(scope_number, *number);
            }
        }
    }

    /// Places the pods that came or changed, and forgets those that went. Returns whether pods or policies have to be counted anew.
    fn change_pods(&mut self, pairs: &Pairs) -> bool {
        let mut is_counted = false;
        for (number, now) in pairs {
            let space = Arc::clone(&self.compiled.spaces[*number]);
            let Some(now) = now else {
                is_counted = true;
                let nothing = Arc::new(Namespace::undeclared(""));
                self.settle(*number, &nothing, Vec::new());
                continue;
            };
            let old = &space.namespace.pods;
            if Arc::ptr_eq(old, &now.pods) {
                is_counted |= space.namespace.policies.len() != now.policies.len();
                let now = Arc::clone(now);
                self.change_space(*number, |space| space.namespace = now);
                continue;
            }
            let mut placed = Vec::with_capacity(now.pods.len());
            let mut at = 0;
            for pod in now.pods.iter() {
                // Both lists are by name.
                while at < old.len() && old[at].name < pod.name {
                    at += 1;
                }
                let is_same = old.get(at).is_some_and(|was| {
                    was.name == pod.name
                        && was.labels == pod.labels
                        && was.addresses == pod.addresses
                        && was.ports == pod.ports
                        && was.host_network == pod.host_network
                        && was.node == pod.node
                });
                placed.push(if is_same {
                    space.pods[at].clone()
                } else {
                    self.places_of(pod, *number)
                });
            }
            is_counted |=
                old.len() != now.pods.len() || space.namespace.policies.len() != now.policies.len();
            self.settle(*number, now, placed);
        }
        is_counted
    }

    fn change_guards(&mut self, policies: Vec<(u32, Vec<Lowered>)>, work: &mut Work) {
        if work.all {
            self.make_guards();
            return;
        }
        for space in &work.spaces {
            self.make_guards_of(*space);
        }
        for (space, differing) in policies {
            if work.spaces.contains(&space) {
                continue;
            }
            let touched: Vec<u32> = self.index.by_space[space as usize]
                .iter()
                .copied()
                .filter(|place| {
                    let place = &self.compiled.places[*place];
                    differing.iter().any(|policy| {
                        policy.selector_in_doubt || self.subject_matches(policy, place)
                    })
                })
                .collect();
            work.guards.entry(space).or_default().extend(touched);
        }
        let mut spaces: Vec<u32> = work.guards.keys().copied().collect();
        spaces.sort_unstable();
        for space in spaces {
            let places = work.guards.remove(&space).unwrap_or_default();
            let wide = if space == NONE {
                Vec::new()
            } else {
                self.wide_policies(space)
            };
            for place in places {
                self.make_guards_at(place, &wide);
            }
        }
    }
}

/// Namespaces by number, each with its new state; `None` when it is gone.
type Pairs = Vec<(u32, Option<Arc<Namespace>>)>;

/// For each atom that was cut off, the one of before that it was part of.
fn roots(cuts: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut roots: Vec<(u32, u32)> = Vec::with_capacity(cuts.len());
    for (parent, child) in cuts {
        let above = roots.iter().find(|(known, _)| known == parent);
        roots.push((*child, above.map_or(*parent, |(_, root)| *root)));
    }
    roots
}

/// What may be read, as far as verdicts hang on it.
fn rights(cluster: &Cluster) -> Vec<(Resource, Option<&str>, bool)> {
    cluster
        .coverage
        .iter()
        .map(|(resource, namespace, state)| (resource, namespace, state.is_readable()))
        .collect()
}

/// Whether two lists of nodes are alike in all that policies read.
fn same_nodes(a: &Arc<Vec<Node>>, b: &Arc<Vec<Node>>) -> bool {
    Arc::ptr_eq(a, b)
        || (a.len() == b.len()
            && a.iter().zip(b.iter()).all(|(a, b)| {
                a.name == b.name
                    && a.labels == b.labels
                    && a.addresses == b.addresses
                    && a.tunnels == b.tunnels
                    && a.internal == b.internal
            }))
}
