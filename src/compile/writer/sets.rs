//! Sets of places: filled by the cheapest way to find their members, and kept complete when places are added.

use crate::compile::lowered::SetKey;
use crate::compile::matching;
use crate::compile::{NONE, PeerSet, Place, PlaceKind, Set, Switch};
use crate::model::IpRange;

use super::{Writer, peer_set};

/// Certain, and possible members beyond these.
#[derive(Default)]
struct Members {
    sure: Vec<u32>,
    perhaps: Vec<u32>,
}

impl Members {
    fn add(&mut self, place: u32, (sure, possible): (bool, bool)) {
        if sure {
            self.sure.push(place);
        } else if possible {
            self.perhaps.push(place);
        }
    }
}

fn switched(switch: Switch, sure: bool) -> (bool, bool) {
    match switch {
        Switch::No => (false, false),
        Switch::Open => (false, true),
        Switch::Yes => (sure, true),
    }
}

impl Writer {
    /// Reads the labels of a namespace anew. Returns whether they look different to selectors.
    pub(super) fn project_space(&mut self, space: u32) -> bool {
        let labels = self
            .numbers
            .namespaces
            .project(&self.compiled.spaces[space].namespace.labels);
        if labels == self.compiled.spaces[space].labels {
            return false;
        }
        for label in &labels {
            let list = self.index.spaces_by_label.entry(*label).or_default();
            if let Err(at) = list.binary_search(&space) {
                list.insert(at, space);
            }
        }
        self.change_space(space, |space| space.labels = labels);
        true
    }

    /// Whether a selector on namespaces means one, certainly and possibly.
    pub(super) fn scope_holds(&self, scope: u32, space: u32) -> (bool, bool) {
        let space = &self.compiled.spaces[space];
        let reading = self.numbers.scopes.get(scope);
        if space.labels_known {
            let holds = reading.matches(&space.labels);
            return (holds, holds);
        }
        // Rare: only what its name says is certain, and that takes the selector itself.
        let selector = &self.numbers.namespaces.selector(reading);
        matching::namespace_matches(selector, &space.namespace, false).pair()
    }

    /// Finds the namespaces of the selectors that came since the last time.
    pub(super) fn make_scopes(&mut self) {
        if self.index.scopes.len() == self.numbers.scopes.list().len() {
            return;
        }
        let unknown: Vec<u32> = (0..self.space_count())
            .filter(|space| !self.compiled.spaces[*space].labels_known)
            .collect();
        for number in self.index.scopes.len()..self.numbers.scopes.list().len() {
            let scope = u32::try_from(number).expect("fewer than 2^32 selectors");
            let reading = self.numbers.scopes.get(scope);
            // The fewest namespaces that can match, with all whose labels are not known.
            let postings = reading.postings().map(|labels| {
                let lists = labels.filter_map(|label| self.index.spaces_by_label.get(&label));
                lists.flatten().copied().collect::<Vec<u32>>()
            });
            let mut candidates = postings
                .min_by_key(Vec::len)
                .unwrap_or_else(|| (0..self.space_count()).collect());
            candidates.extend(&unknown);
            candidates.sort_unstable();
            candidates.dedup();
            let mut found = Vec::new();
            for space in candidates {
                let (sure, possible) = self.scope_holds(scope, space);
                if possible {
                    found.push((space, sure));
                    self.index.scopes_of[space as usize].push(scope);
                }
            }
            self.index.scopes.push(found);
            self.index.scope_sets.push(Vec::new());
        }
    }

    /// What a selector on namespaces says of one, from what was found before.
    fn scope_of(&self, scope: u32, space: u32) -> (bool, bool) {
        let found = &self.index.scopes[scope as usize];
        match found.binary_search_by_key(&space, |(space, _)| *space) {
            Ok(at) => (found[at].1, true),
            Err(_) => (false, false),
        }
    }

    /// Whether a set that is no union has a place, certainly and possibly.
    fn holds(&self, key: &SetKey, place: &Place) -> (bool, bool) {
        let pods_match = |reading: u32| {
            place.labels != NONE
                && self
                    .numbers
                    .readings
                    .get(reading)
                    .matches(self.projections.get(place.labels))
        };
        match key {
            SetKey::Everyone => (true, true),
            SetKey::Unknown => (false, true),
            SetKey::Nobody | SetKey::Union(_) => (false, false),
            SetKey::Own { space, pods } => {
                let holds =
                    place.kind == PlaceKind::Pod && place.space == *space && pods_match(*pods);
                (holds, holds)
            }
            SetKey::Matching {
                scope,
                pods,
                is_wide,
            } => match place.kind {
                PlaceKind::Pod if pods_match(*pods) => self.scope_of(*scope, place.space),
                PlaceKind::HostPod
                    if !is_wide
                        && self.compiled.profile.selectors_match_host_network == Switch::Open
                        && self.numbers.readings.get(*pods).is_everything() =>
                {
                    (false, self.scope_of(*scope, place.space).1)
                }
                _ => (false, false),
            },
            SetKey::Tenants {
                subject,
                keys,
                same,
                pods,
            } => {
                if place.kind != PlaceKind::Pod || !pods_match(*pods) {
                    return (false, false);
                }
                let of = |space: u32| {
                    let space = &self.compiled.spaces[space];
                    (space.namespace.as_ref(), space.labels_known)
                };
                matching::tenants_match(keys, *same, of(*subject), of(place.space)).pair()
            }
            SetKey::Block(block) => {
                let inside = match place.atom {
                    NONE => place.family.is_none() && !block.addresses().is_empty(),
                    atom => block.contains(self.numbers.atoms.ranges()[atom as usize].first()),
                };
                if !inside {
                    return (false, false);
                }
                let profile = self.compiled.profile;
                match place.kind {
                    PlaceKind::Outside => (true, true),
                    PlaceKind::Pod => switched(profile.blocks_match_pods, place.atom != NONE),
                    _ => switched(profile.blocks_match_nodes, place.atom != NONE),
                }
            }
            SetKey::Nodes(reading) => match place.kind {
                PlaceKind::Pod | PlaceKind::Tunnel => (false, false),
                PlaceKind::Outside => (false, !self.compiled.nodes_readable),
                // It is on some node, and which one is not known.
                PlaceKind::Node | PlaceKind::HostPod if place.node_labels == NONE => {
                    (false, place.atom == NONE || !self.compiled.nodes_readable)
                }
                PlaceKind::Node | PlaceKind::HostPod => {
                    let labels = self.node_projections.get(place.node_labels);
                    let holds = self.numbers.node_readings.get(*reading).matches(labels);
                    (holds, holds)
                }
            },
            SetKey::DomainName(_) => (false, place.kind == PlaceKind::Outside),
        }
    }

    fn find_members(&self, key: &SetKey) -> Members {
        let mut members = Members::default();
        let test = |place: u32, members: &mut Members| {
            members.add(place, self.holds(key, &self.compiled.places[place]));
        };
        match key {
            SetKey::Own { space, .. } => {
                for place in &self.index.by_space[*space as usize] {
                    test(*place, &mut members);
                }
            }
            SetKey::Matching { scope, pods, .. } => {
                let spaces = &self.index.scopes[*scope as usize];
                let reading = self.numbers.readings.get(*pods);
                let in_spaces: usize = spaces
                    .iter()
                    .map(|(space, _)| self.index.by_space[*space as usize].len())
                    .sum();
                let lists = |labels: Vec<(u32, u32)>| -> Vec<&Vec<u32>> {
                    labels
                        .iter()
                        .filter_map(|label| self.index.by_label.get(label))
                        .collect()
                };
                let best = reading
                    .postings()
                    .map(|labels| lists(labels.collect()))
                    .min_by_key(|lists| lists.iter().map(|list| list.len()).sum::<usize>())
                    .filter(|lists| lists.iter().map(|list| list.len()).sum::<usize>() < in_spaces);
                match best {
                    Some(lists) => {
                        for place in lists.into_iter().flatten() {
                            test(*place, &mut members);
                        }
                    }
                    None => {
                        for (space, sure) in spaces {
                            for place in &self.index.by_space[*space as usize] {
                                let labels = self.compiled.places[*place].labels;
                                if reading.matches(self.projections.get(labels)) {
                                    members.add(*place, (*sure, true));
                                }
                            }
                        }
                    }
                }
                if reading.is_everything() {
                    for (space, _) in spaces {
                        for place in &self.index.host_by_space[*space as usize] {
                            test(*place, &mut members);
                        }
                    }
                }
            }
            SetKey::Tenants { .. } => {
                for place in self.index.by_space.iter().flatten() {
                    test(*place, &mut members);
                }
            }
            SetKey::Block(block) => {
                let range = IpRange::from(block.cidr);
                for atom in self.numbers.atoms.within(range) {
                    for place in self.index.by_atom.get(atom as usize).into_iter().flatten() {
                        test(*place, &mut members);
                    }
                }
                for place in &self.index.without_address {
                    test(*place, &mut members);
                }
            }
            SetKey::Nodes(_) => {
                for place in self
                    .index
                    .on_nodes
                    .iter()
                    .chain(self.compiled.outside.iter())
                {
                    test(*place, &mut members);
                }
            }
            SetKey::DomainName(_) => {
                for place in self.compiled.outside.iter() {
                    test(*place, &mut members);
                }
            }
            SetKey::Everyone | SetKey::Unknown | SetKey::Nobody | SetKey::Union(_) => {}
        }
        members
    }

    fn make_set(&self, key: &SetKey) -> PeerSet {
        let universe = self.compiled.places.len();
        match key {
            SetKey::Everyone => PeerSet {
                sure: Set::All,
                possible: None,
            },
            SetKey::Unknown => PeerSet {
                sure: Set::empty(),
                possible: Some(Set::All),
            },
            SetKey::Union(members) => self.make_union(members),
            key => {
                let members = self.find_members(key);
                peer_set(members.sure, members.perhaps, universe)
            }
        }
    }

    fn make_union(&self, members: &[u32]) -> PeerSet {
        let universe = self.compiled.places.len();
        let sets = || members.iter().map(|member| &self.compiled.sets[*member]);
        let join = |parts: Vec<&Set>| -> Set {
            if parts.iter().any(|set| **set == Set::All) {
                return Set::All;
            }
            let mut all = Vec::new();
            for part in parts {
                part.each(universe, |place| all.push(place));
            }
            Set::from_members(all, universe)
        };
        let sure = join(sets().map(|set| &set.sure).collect());
        let differs = sets().any(|set| set.possible.is_some());
        let possible = differs.then(|| join(sets().map(PeerSet::possible).collect()));
        PeerSet { sure, possible }
    }

    /// Fills the sets that came since the last time, and enters them where new places look for them.
    pub(super) fn fill_sets(&mut self) {
        self.make_scopes();
        let total = u32::try_from(self.numbers.sets.list().len()).expect("fewer than 2^32 sets");
        for number in self.filled..total {
            let key = self.numbers.sets.get(number).clone();
            match &key {
                SetKey::Own { space, .. } => {
                    let space = *space as usize;
                    if self.index.own_sets.len() <= space {
                        self.index.own_sets.resize_with(space + 1, Vec::new);
                    }
                    self.index.own_sets[space].push(number);
                }
                SetKey::Matching { scope, .. } => {
                    self.index.scope_sets[*scope as usize].push(number);
                }
                SetKey::Union(members) => {
                    for member in members {
                        self.index
                            .unions_of
                            .entry(*member)
                            .or_default()
                            .push(number);
                    }
                }
                SetKey::Everyone | SetKey::Unknown | SetKey::Nobody => {}
                SetKey::Tenants { keys, .. } => {
                    self.index.tenant_keys.extend(keys.iter().cloned());
                    self.index.other_sets.push(number);
                }
                SetKey::Block(_) | SetKey::Nodes(_) | SetKey::DomainName(_) => {
                    self.index.other_sets.push(number);
                }
            }
            let set = self.make_set(&key);
            let pushed = self.compiled.sets.push(set);
            debug_assert_eq!(pushed, number, "sets are filled in order");
        }
        self.filled = total;
    }

    /// Enters a new place in every set that has it.
    pub(super) fn enter(&mut self, number: u32) {
        let place = self.compiled.places[number];
        let mut candidates: Vec<u32> = self.index.other_sets.clone();
        if place.space != NONE {
            let space = place.space as usize;
            candidates.extend(self.index.own_sets.get(space).into_iter().flatten());
            for scope in &self.index.scopes_of[space] {
                candidates.extend(&self.index.scope_sets[*scope as usize]);
            }
        }
        for set in candidates {
            let holds = self.holds(self.numbers.sets.get(set), &place);
            if holds.1 {
                self.put(set, number, holds);
            }
        }
    }

    /// Works out anew whether the sets that read a namespace's labels through one selector have its pods.
    pub(super) fn refresh_scope(&mut self, scope: u32, space: u32) {
        let places: Vec<u32> = self.index.by_space[space as usize]
            .iter()
            .chain(&self.index.host_by_space[space as usize])
            .copied()
            .collect();
        for set in self.index.scope_sets[scope as usize].clone() {
            for number in &places {
                let place = self.compiled.places[*number];
                let holds = self.holds(self.numbers.sets.get(set), &place);
                if self.compiled.sets[set].contains(*number) != holds {
                    self.put(set, *number, holds);
                }
            }
        }
    }

    /// Makes a set, and the unions it is part of, say this of a place. Unions may be part of unions, never of themselves.
    fn put(&mut self, set: u32, place: u32, holds: (bool, bool)) {
        self.write(set, place, holds);
        let Some(unions) = self.index.unions_of.get(&set).cloned() else {
            return;
        };
        for union in unions {
            let holds = match self.numbers.sets.get(union) {
                SetKey::Union(members) => members.iter().fold((false, false), |all, member| {
                    let one = self.compiled.sets[*member].contains(place);
                    (all.0 || one.0, all.1 || one.1)
                }),
                _ => holds,
            };
            if self.compiled.sets[union].contains(place) != holds {
                self.put(union, place, holds);
            }
        }
    }

    fn write(&mut self, set: u32, place: u32, (sure, possible): (bool, bool)) {
        let universe = self.compiled.places.len();
        let set = self.compiled.sets.get_mut(set);
        if sure != possible && set.possible.is_none() {
            set.possible = Some(set.sure.clone());
        }
        for (part, holds) in [
            (Some(&mut set.sure), sure),
            (set.possible.as_mut(), possible),
        ] {
            let Some(part) = part else { continue };
            if holds {
                part.insert(place, universe);
            } else {
                part.remove(place);
            }
        }
    }

    /// Gives places that were cut out of others the same sets and guards: nothing made so far tells them apart.
    pub(super) fn inherit(&mut self, pairs: &[(u32, u32)]) {
        if pairs.is_empty() {
            return;
        }
        for (parent, child) in pairs {
            for guards in &mut self.compiled.guard_of {
                let guard = guards[*parent];
                *guards.get_mut(*child) = guard;
            }
        }
        debug_assert!(pairs.is_sorted(), "pairs come by parent");
        // By place: its first pair.
        let mut first = vec![usize::MAX; self.compiled.places.len()];
        for (index, (parent, _)) in pairs.iter().enumerate().rev() {
            first[*parent as usize] = index;
        }
        let universe = self.compiled.places.len();
        for number in 0..self.filled {
            let set = &self.compiled.sets[number];
            if set.sure == Set::All {
                continue;
            }
            let mut joined: Vec<(u32, (bool, bool))> = Vec::new();
            match set.possible() {
                // Each parent is looked up in the set, or each member among the parents: whichever are fewer.
                Set::Dense(words) if pairs.len() > words.len() * 4 => {
                    set.possible().each(universe, |place| {
                        let own = pairs.get(first[place as usize]..).unwrap_or_default();
                        let own = own.iter().take_while(|(parent, _)| *parent == place);
                        joined.extend(own.map(|(_, child)| (*child, set.contains(place))));
                    });
                }
                Set::Sparse(members) => {
                    for place in members {
                        let own = pairs.get(first[*place as usize]..).unwrap_or_default();
                        let own = own.iter().take_while(|(parent, _)| parent == place);
                        joined.extend(own.map(|(_, child)| (*child, set.contains(*place))));
                    }
                }
                Set::All | Set::Dense(_) => {
                    let all = pairs
                        .iter()
                        .map(|(parent, child)| (*child, set.contains(*parent)));
                    joined.extend(all.filter(|(_, holds)| holds.1));
                }
            }
            for (child, holds) in joined {
                self.write(number, child, holds);
            }
        }
    }
}
