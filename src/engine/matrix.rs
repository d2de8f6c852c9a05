//! One port, all pods and outside addresses against each other: a bit a pair.
//!
//! Pods are taken together as far as no rule of now can tell them apart. Each guard is asked once, for all peers at a time, by the
//! same chain of tiers that answers single questions.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::compile::{
    BaselineApplies, Compiled, Guard, Mask, PlaceKind, Set, TieBreak, bits_of, slot,
};
use crate::model::{Direction, PortSet, Protocol};

use super::chain::{Bits as _, Outcome, Tier, View, baseline, below, join, may_isolate, tier};
use super::judge::families_meet;
use super::{Engine, Entity, Verdict};

/// What may be opened from every class to every class, on one port.
///
/// A class holds places that no rule tells apart: a pod has one for each of its address families. Host-network pods and nodes are not
/// part of it, because what lies between a pod and its own node is nobody's to tell apart.
pub struct Matrix {
    classes: usize,
    words: usize,
    shared: Arc<Classes>,
    /// By row: what certainly gets through.
    sure: Vec<u64>,
    /// What may get through, where that is more.
    possible: Option<Vec<u64>>,
}

const NO_CLASS: u32 = u32::MAX;

/// A word of rows for each of 64 classes; eight of them fill a line of cache.
const TILE: usize = 8;

impl Matrix {
    /// The number of classes: rows, and columns.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The number of pairs of classes that certainly get through.
    pub fn allowed_pairs(&self) -> u64 {
        self.sure
            .iter()
            .map(|word| u64::from(word.count_ones()))
            .sum()
    }

    fn at(&self, bits: &[u64], from: u32, to: u32) -> bool {
        bits[from as usize * self.words + to as usize / 64] >> (to % 64) & 1 == 1
    }

    fn verdict(&self, from: u32, to: u32) -> Verdict {
        if self.at(&self.sure, from, to) {
            Verdict::Allow
        } else if self
            .possible
            .as_ref()
            .is_some_and(|bits| self.at(bits, from, to))
        {
            Verdict::Unknown
        } else {
            Verdict::Deny
        }
    }

    /// What policies say of two ends of the engine this was made by, over all address families they share: as [`Engine::verdict`] has
    /// it, except that it does not know whether there is somebody to talk to.
    ///
    /// `None` when one of them is no pod on a network of its own and no outside address, when they are one and the same, or when they
    /// have no family in common.
    pub fn verdict_of(&self, engine: &Engine, from: &Entity, to: &Entity) -> Option<Verdict> {
        if engine.is_self(from, to) {
            return None;
        }
        let places = &engine.compiled.places;
        let targets = engine.places_of(to);
        let mut all: Option<Verdict> = None;
        for a in engine.places_of(from) {
            for b in &targets {
                if !families_meet(places[a].family, places[*b].family) {
                    continue;
                }
                let class = |place: u32| self.shared.class_of[place as usize];
                let (row, column) = (class(a), class(*b));
                if row == NO_CLASS || column == NO_CLASS {
                    return None;
                }
                let one = self.verdict(row, column);
                all = Some(match all {
                    Some(before) if before != one => Verdict::Unknown,
                    _ => one,
                });
            }
        }
        all
    }
}

impl Engine {
    /// Every pair of pods and outside addresses on one port. Costs a row for each guard and a bit for each pair of classes; the first on
    /// an engine also walks all sets that rules use. Port 0 does not exist: nothing gets through.
    pub fn matrix(&self, protocol: Protocol, port: u16) -> Matrix {
        let made = || Arc::new(Classes::new(&self.compiled));
        let shared = Arc::clone(self.classes.get_or_init(made));
        let classes = shared.as_ref();
        let rows = [Direction::Egress, Direction::Ingress]
            .map(|direction| GuardRows::new(&self.compiled, classes, direction, (protocol, port)));
        let [egress, ingress] = rows;
        let is_certain = egress.possible.is_none() && ingress.possible.is_none();
        let sure = meet(classes, (&egress, &egress.sure), (&ingress, &ingress.sure));
        let possible = (!is_certain).then(|| {
            let of = |rows: &GuardRows| rows.possible.clone().unwrap_or_else(|| rows.sure.clone());
            meet(classes, (&egress, &of(&egress)), (&ingress, &of(&ingress)))
        });
        Matrix {
            classes: classes.list.len(),
            words: classes.words,
            sure,
            possible,
            shared: Arc::clone(&shared),
        }
    }
}

impl Engine {
    /// All ports at once: hands over the ports in groups that no rule tells apart, by first port, each with its matrix.
    pub fn each_matrix(&self, mut call: impl FnMut(&PortSet, &Matrix)) {
        let compiled = &self.compiled;
        let atoms = &compiled.port_atoms;
        let rules = compiled
            .ports
            .iter()
            .flat_map(|ports| [bits_of(&ports.sure), bits_of(&ports.possible)]);
        // A name means a number of its own at each destination.
        let names = compiled.tables.iter().flat_map(|table| {
            table
                .iter()
                .map(|port| vec![atoms.atom(port.protocol, port.port)])
        });
        let mut groups: Vec<PortSet> = atoms
            .alike(rules.chain(names))
            .iter()
            .map(|group| atoms.set(group))
            .collect();
        groups.sort();
        for ports in groups {
            if let Some((protocol, range)) = ports.iter().next() {
                call(&ports, &self.matrix(protocol, range.first()));
            }
        }
    }
}

/// Places that no rule tells apart.
pub(super) struct Classes {
    /// A place of each.
    list: Vec<u32>,
    words: usize,
    /// By place; [`NO_CLASS`] for what is not part of it.
    class_of: Vec<u32>,
    /// By set: its members as classes; only for the sets that guards use.
    sets: HashMap<u32, [Set; 2], foldhash::fast::FixedState>,
}

/// A number for a set: sums over different sets are equal by a chance of one in 2^128.
fn mark(set: u32, part: u64) -> u128 {
    let mut mixed = (u64::from(set) << 1 | part).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        mixed = mixed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = mixed;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    };
    u128::from(next()) << 64 | u128::from(next())
}

impl Classes {
    fn new(compiled: &Compiled) -> Self {
        let total = compiled.places.len();
        let mut is_used = vec![false; total];
        for space in compiled.order.iter() {
            for place in compiled.spaces[*space].pods.iter().flatten() {
                is_used[*place as usize] = compiled.places[*place].kind == PlaceKind::Pod;
            }
        }
        for place in compiled.outside.iter() {
            is_used[*place as usize] = true;
        }
        let sets = used_sets(compiled, &is_used);
        let mut sums = vec![0u128; total];
        for set in &sets {
            for (part, members) in compiled.sets[*set].parts().enumerate() {
                if *members != Set::All {
                    let mark = mark(*set, part as u64);
                    members.each(total, |place| {
                        let sum = &mut sums[place as usize];
                        *sum = sum.wrapping_add(mark);
                    });
                }
            }
        }
        let mut list = Vec::new();
        let mut class_of = vec![NO_CLASS; total];
        let mut numbers: HashMap<_, u32, foldhash::fast::FixedState> = HashMap::default();
        for (index, place) in compiled.places.iter().enumerate() {
            if !is_used[index] {
                continue;
            }
            let number = u32::try_from(index).expect("fewer than 2^32 places");
            let key = (
                compiled.guard_of[0][number],
                compiled.guard_of[1][number],
                place.table,
                place.family,
                sums[index],
            );
            class_of[index] = *numbers.entry(key).or_insert_with(|| {
                list.push(number);
                u32::try_from(list.len() - 1).expect("fewer than 2^32 classes")
            });
        }
        let count = list.len();
        let of_classes = |members: &Set| match members {
            Set::All => Set::All,
            members => {
                let mut found = Vec::new();
                members.each(total, |place| {
                    let class = class_of[place as usize];
                    // Each class once, by the place that stands for it.
                    if class != NO_CLASS && list[class as usize] == place {
                        found.push(class);
                    }
                });
                Set::from_members(found, count)
            }
        };
        let sets = sets
            .into_iter()
            .map(|set| {
                let peers = &compiled.sets[set];
                let sure = of_classes(&peers.sure);
                let possible = match peers.parts().nth(1) {
                    Some(possible) => of_classes(possible),
                    None => sure.clone(),
                };
                (set, [sure, possible])
            })
            .collect();
        Self {
            // Rows are whole tiles, so that no tile ends within one.
            words: count.div_ceil(64 * TILE) * TILE,
            list,
            class_of,
            sets,
        }
    }
}

/// The sets that the guards of some places ask for, ascending.
fn used_sets(compiled: &Compiled, is_used: &[bool]) -> Vec<u32> {
    let mut guards: Vec<u32> = compiled
        .guard_of
        .iter()
        .flat_map(|guards| guards.iter().zip(is_used))
        .filter_map(|(guard, is_used)| is_used.then_some(*guard))
        .collect();
    guards.sort_unstable();
    guards.dedup();
    let mut tiers = Vec::new();
    let mut sets: Vec<u32> = Vec::new();
    for guard in guards {
        let guard = &compiled.guards[guard];
        let rules = guard.accepts.iter().chain(&guard.may_accept);
        sets.extend(rules.map(|(peers, _)| *peers));
        tiers.extend([guard.admin, guard.baseline]);
    }
    tiers.sort_unstable();
    tiers.dedup();
    for number in tiers {
        sets.extend(compiled.tiers[number].iter().map(|step| step.peers));
    }
    sets.sort_unstable();
    sets.dedup();
    sets
}

/// For each guard and, where names matter, table of named ports: what it lets through, as bits over classes.
struct GuardRows {
    /// By class: which row.
    row_of: Vec<u32>,
    sure: Vec<u64>,
    possible: Option<Vec<u64>>,
}

impl GuardRows {
    fn new(
        compiled: &Compiled,
        classes: &Classes,
        direction: Direction,
        asked: (Protocol, u16),
    ) -> Self {
        let mut rows = Self {
            row_of: Vec::with_capacity(classes.list.len()),
            sure: Vec::new(),
            possible: None,
        };
        let mut maker = RowMaker::new(compiled, classes, direction, asked);
        let mut numbers: HashMap<(u32, u32), u32, foldhash::fast::FixedState> = HashMap::default();
        let mut possible: Vec<u64> = Vec::new();
        let mut differs = false;
        for place in &classes.list {
            let guard = compiled.guard_of[slot(direction)][*place];
            let table = match direction {
                Direction::Ingress => compiled.places[*place].table,
                Direction::Egress => 0,
            };
            let next = u32::try_from(numbers.len()).expect("fewer than 2^32 guards");
            let number = *numbers.entry((guard, table)).or_insert_with(|| {
                differs |= maker.make(
                    &compiled.guards[guard],
                    table,
                    &mut rows.sure,
                    &mut possible,
                );
                next
            });
            rows.row_of.push(number);
        }
        if differs {
            rows.possible = Some(possible);
        }
        rows
    }
}

struct RowMaker<'a> {
    compiled: &'a Compiled,
    classes: &'a Classes,
    direction: Direction,
    asked: (Protocol, u16),
    atom: u32,
    all: Mask,
    none: Mask,
    /// By list of ports, where names are looked up at the peer: the classes at which it has the port, certainly, and possibly.
    named: HashMap<u32, [Vec<u64>; 2], foldhash::fast::FixedState>,
    /// What NetworkPolicies accept: certainly, possibly. Kept from row to row for its room.
    accepted: [Vec<u64>; 2],
    /// By steps, and table of named ports where names matter.
    admin: HashMap<(u32, u32), Tier<Mask>, foldhash::fast::FixedState>,
    baseline: HashMap<(u32, BaselineApplies, u32), Outcome<Mask>, foldhash::fast::FixedState>,
}

impl<'a> RowMaker<'a> {
    fn new(
        compiled: &'a Compiled,
        classes: &'a Classes,
        direction: Direction,
        asked: (Protocol, u16),
    ) -> Self {
        let mut all: Mask = std::iter::repeat_n(0, classes.words).collect();
        let none = all.clone();
        if asked.1 != 0 {
            for class in 0..classes.list.len() {
                all[class / 64] |= 1 << (class % 64);
            }
        }
        Self {
            compiled,
            classes,
            direction,
            asked,
            atom: compiled.port_atoms.atom(asked.0, asked.1),
            all,
            none,
            named: named_rows(compiled, classes, direction, asked),
            accepted: [Vec::new(), Vec::new()],
            admin: HashMap::default(),
            baseline: HashMap::default(),
        }
    }

    /// Appends the row of a guard. Returns whether more may get through than certainly does.
    fn make(
        &mut self,
        guard: &Guard,
        table: u32,
        sure: &mut Vec<u64>,
        possible: &mut Vec<u64>,
    ) -> bool {
        let words = self.classes.words;
        if guard.is_open() {
            sure.extend_from_slice(&self.all);
            possible.extend_from_slice(&self.all);
            return false;
        }
        let mut accepted = std::mem::take(&mut self.accepted);
        for part in &mut accepted {
            part.clear();
            part.resize(words, 0);
        }
        if may_isolate(guard) {
            let [certain, perhaps] = &mut accepted;
            let mut row = [&mut certain[..], &mut perhaps[..]];
            for (peers, ports) in &guard.accepts {
                self.add_to(*peers, *ports, table, &mut row);
            }
            let mut scratch = vec![0; words];
            let mut row = [&mut scratch[..], &mut perhaps[..]];
            for (peers, ports) in &guard.may_accept {
                self.add_to(*peers, *ports, table, &mut row);
            }
        }
        let table_of = |steps: u32| if self.names(steps) { table } else { 0 };
        let (admin, baseline) = (
            (guard.admin, table_of(guard.admin)),
            (guard.baseline, table_of(guard.baseline)),
        );
        self.prepare(admin, baseline, guard);
        let admin = (guard.admin != 0).then(|| &self.admin[&admin]);
        let baseline = (!guard.is_isolated)
            .then(|| &self.baseline[&(baseline.0, guard.baseline_applies, baseline.1)]);
        let mut differs = false;
        let [certainly, perhaps] = &accepted;
        let cells = self.all.iter().zip(certainly).zip(perhaps).enumerate();
        for (word, ((all, certainly), perhaps)) in cells {
            let policies = may_isolate(guard).then(|| Outcome {
                possible: if guard.is_unreadable {
                    *all
                } else {
                    perhaps & all
                },
                deniable: all & !certainly,
            });
            let baseline = baseline.map(|outcome| Outcome {
                possible: outcome.possible[word],
                deniable: outcome.deniable[word],
            });
            let admin = admin.map(|tier| Tier {
                accept: tier.accept[word],
                deny: tier.deny[word],
                pass: tier.pass[word],
                next: tier.next[word],
            });
            let below = below(policies, baseline, all);
            let outcome = join(admin.as_ref(), below, guard.foreign, all);
            let certain = all & !outcome.deniable;
            differs |= certain != outcome.possible;
            sure.push(certain);
            possible.push(outcome.possible);
        }
        self.accepted = accepted;
        differs
    }

    fn names(&self, steps: u32) -> bool {
        self.direction == Direction::Ingress
            && self.compiled.tiers[steps]
                .iter()
                .any(|step| !self.compiled.ports[step.ports as usize].names.is_empty())
    }

    /// Works out the tiers that many guards share, for all classes at once.
    fn prepare(&mut self, admin: (u32, u32), own: (u32, u32), guard: &Guard) {
        let compiled = self.compiled;
        let deny_wins = compiled.profile.equal_priority == TieBreak::Deny;
        if admin.0 != 0 && !self.admin.contains_key(&admin) {
            let steps = &compiled.tiers[admin.0];
            let walked = tier(steps, deny_wins, &self.all, &mut |peers, ports| {
                self.meets(peers, ports, admin.1)
            });
            self.admin.insert(admin, walked);
        }
        let key = (own.0, guard.baseline_applies, own.1);
        if !guard.is_isolated && !self.baseline.contains_key(&key) {
            let view = View {
                guard,
                admin: &compiled.tiers[0],
                baseline: &compiled.tiers[own.0],
                deny_wins,
            };
            let outcome = baseline(&view, &self.all, &mut |peers, ports| {
                self.meets(peers, ports, own.1)
            });
            self.baseline.insert(key, outcome);
        }
    }

    /// The classes that a pair of peers and ports means: certainly, and possibly.
    fn meets(&self, peers: u32, ports: u32, table: u32) -> (Mask, Mask) {
        let (mut sure, mut possible) = (self.none.clone(), self.none.clone());
        self.add_to(peers, ports, table, &mut [&mut sure[..], &mut possible[..]]);
        sure.keep(&self.all);
        possible.keep(&self.all);
        (sure, possible)
    }

    /// Adds the classes that a pair of peers and ports means: certainly, and possibly.
    fn add_to(&self, peers: u32, number: u32, table: u32, row: &mut [&mut [u64]; 2]) {
        let compiled = self.compiled;
        let ports = &compiled.ports[number as usize];
        let sets = &self.classes.sets[&peers];
        if self.direction == Direction::Ingress || ports.names.is_empty() {
            let declared = &compiled.tables[table];
            let has = ports.has(self.atom, self.asked, declared, compiled.profile);
            for (part, has) in [has.0, has.1].into_iter().enumerate() {
                if has {
                    sets[part].add_to(row[part]);
                }
            }
            return;
        }
        // Names in egress rules are looked up at each peer.
        let named = &self.named[&number];
        for (part, members) in sets.iter().enumerate() {
            members.add_some_to(&named[part], row[part]);
        }
    }
}

/// Egress rules look names up at each peer; there, only the named ports of a class count, which many share.
fn named_rows(
    compiled: &Compiled,
    classes: &Classes,
    direction: Direction,
    (protocol, port): (Protocol, u16),
) -> HashMap<u32, [Vec<u64>; 2], foldhash::fast::FixedState> {
    let mut rows = HashMap::default();
    if direction == Direction::Ingress {
        return rows;
    }
    let atom = compiled.port_atoms.atom(protocol, port);
    for (number, ports) in compiled.ports.iter().enumerate() {
        if ports.names.is_empty() {
            continue;
        }
        let has: Vec<(bool, bool)> = compiled
            .tables
            .iter()
            .map(|declared| ports.has(atom, (protocol, port), declared, compiled.profile))
            .collect();
        let mut row = [vec![0; classes.words], vec![0; classes.words]];
        for (class, place) in classes.list.iter().enumerate() {
            let has = has[compiled.places[*place].table as usize];
            for (part, has) in row.iter_mut().zip([has.0, has.1]) {
                part[class / 64] |= u64::from(has) << (class % 64);
            }
        }
        rows.insert(u32::try_from(number).expect("fewer than 2^32 lists"), row);
    }
    rows
}

/// Both ends have to agree: rows of sources by destination, and columns turned into rows of destinations by source.
fn meet(
    classes: &Classes,
    (egress, egress_rows): (&GuardRows, &[u64]),
    (ingress, ingress_rows): (&GuardRows, &[u64]),
) -> Vec<u64> {
    let (count, words) = (classes.list.len(), classes.words);
    let mut bits = vec![0u64; count * words];
    let mut block = [0u64; 64];
    let mut tile = [[0u64; TILE]; 64];
    for first_word in (0..words).step_by(TILE) {
        for source_word in 0..count.div_ceil(64) {
            for (offset, to) in (first_word * 64..(first_word + TILE) * 64)
                .step_by(64)
                .enumerate()
            {
                for (lane, word) in block.iter_mut().enumerate() {
                    *word = match ingress.row_of.get(to + lane) {
                        Some(row) => ingress_rows[*row as usize * words + source_word],
                        None => 0,
                    };
                }
                transpose(&mut block);
                for (lane, word) in block.iter().enumerate() {
                    tile[lane][offset] = *word;
                }
            }
            for (lane, tile) in tile.iter().enumerate() {
                let from = source_word * 64 + lane;
                let Some(row) = egress.row_of.get(from) else {
                    break;
                };
                let own = &egress_rows[*row as usize * words + first_word..][..TILE];
                let out = &mut bits[from * words + first_word..][..TILE];
                for ((out, tile), own) in out.iter_mut().zip(tile).zip(own) {
                    *out = tile & own;
                }
            }
        }
    }
    bits
}

/// Turns 64 rows of 64 bits into columns, in six rounds of swapping ever smaller squares.
fn transpose(block: &mut [u64; 64]) {
    let mut width = 32;
    let mut mask = 0x0000_0000_ffff_ffffu64;
    while width != 0 {
        let mut row = 0;
        while row < 64 {
            let swap = ((block[row] >> width) ^ block[row + width]) & mask;
            block[row] ^= swap << width;
            block[row + width] ^= swap;
            row = (row + width + 1) & !width;
        }
        width >>= 1;
        mask ^= mask << width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Profile;
    use crate::source::manifests;

    #[test]
    fn rows_become_columns() {
        let mut block = [0u64; 64];
        for (row, word) in block.iter_mut().enumerate() {
            *word = (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        let before = block;
        transpose(&mut block);
        for (row, before) in before.iter().enumerate() {
            for (column, turned) in block.iter().enumerate() {
                assert_eq!(turned >> row & 1, before >> column & 1);
            }
        }
    }

    /// Pods that only a label tells apart which no rule reads are one class; the bits say what the policy says.
    #[test]
    fn a_small_world_bit_by_bit() {
        let (cluster, _) = manifests::parse(
            "t",
            "
{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: x, labels: {app: a, hash: '1'}}, status: {phase: Running, podIP: 10.0.0.1}}
---
{kind: Pod, apiVersion: v1, metadata: {name: b, namespace: x, labels: {app: a, hash: '2'}}, status: {phase: Running, podIP: 10.0.0.2}}
---
{kind: Pod, apiVersion: v1, metadata: {name: c, namespace: x, labels: {app: c}}, status: {phase: Running, podIP: 10.0.0.3}}
---
{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: p, namespace: x}, spec: {podSelector: {matchLabels: {app: c}}, ingress: [{from: [{podSelector: {matchLabels: {app: a}}}], ports: [{port: 80}]}]}}
",
        );
        let engine = Engine::build(&Arc::new(cluster), Profile::spec());
        let pod = |name| engine.find_pod("x", name).unwrap();
        let open = engine.matrix(Protocol::Tcp, 80);
        let shut = engine.matrix(Protocol::Tcp, 81);
        // Two kinds of pods, and an outside for each family.
        assert_eq!(open.classes(), 4);
        let said = |matrix: &Matrix, a, b| {
            matrix.verdict_of(&engine, &Entity::Pod(pod(a)), &Entity::Pod(pod(b)))
        };
        assert_eq!(said(&open, "b", "c"), Some(Verdict::Allow));
        assert_eq!(said(&shut, "b", "c"), Some(Verdict::Deny));
        assert_eq!(said(&shut, "c", "b"), Some(Verdict::Allow));
        assert_eq!(said(&open, "c", "c"), None);
        // One port is told apart from the others: whoever asks for all gets these two, and together they are all there are.
        let mut seen = PortSet::empty();
        let mut told = Vec::new();
        engine.each_matrix(|ports, matrix| {
            seen = seen.union(ports);
            told.push((ports.to_string(), said(matrix, "b", "c")));
        });
        assert!(seen.is_all());
        assert_eq!(
            told,
            [
                (
                    "1-79/TCP,81-65535/TCP,any/UDP,any/SCTP".to_owned(),
                    Some(Verdict::Deny)
                ),
                ("80/TCP".to_owned(), Some(Verdict::Allow)),
            ]
        );
        let outside = Entity::Address("203.0.113.7".parse().unwrap());
        let to = Entity::Pod(pod("c"));
        assert_eq!(open.verdict_of(&engine, &outside, &to), Some(Verdict::Deny));
        assert_eq!(
            open.verdict_of(&engine, &to, &outside),
            Some(Verdict::Allow)
        );
    }
}
