//! What one guard lets through, to or from every place at once.

use hashbrown::HashMap;

use crate::compile::{BaselineApplies, Guard, Mask, Set, TieBreak, slot};
use crate::engine::Engine;
use crate::engine::chain::{Bits as _, Outcome, Tier, View, baseline, join, may_isolate, tier};
use crate::model::Direction;

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// Which ports a pair of peers and ports certainly, and possibly means at one place.
type Meets<'a> = dyn FnMut(u32, u32) -> (Mask, Mask) + 'a;

const NO_ROW: u32 = u32::MAX;

/// For each peer place, the number of an outcome.
pub(super) type Row = Vec<u32>;

/// Rows by guard, and by what guards have in common.
pub(super) struct Rows<'e> {
    engine: &'e Engine,
    pub(super) pool: Pool,
    made: Vec<Row>,
    /// By direction, then place: its row; [`NO_ROW`] before it is made.
    row_of: [Vec<u32>; 2],
    /// By direction, guard and, where names matter, the subject's named ports.
    numbers: Map<(usize, u32, u32), u32>,
    admin: Map<(usize, u32, u32), Vec<u32>>,
    baseline: Map<(usize, u32, bool, u32), Row>,
}

impl<'e> Rows<'e> {
    pub(super) fn new(engine: &'e Engine) -> Self {
        Self {
            engine,
            pool: Pool::new(engine),
            made: Vec::new(),
            row_of: [0, 1].map(|_| vec![NO_ROW; engine.compiled.places.len()]),
            numbers: Map::default(),
            admin: Map::default(),
            baseline: Map::default(),
        }
    }

    /// What the guard of a place lets through, for every peer place. Places with the same guard and ports share it.
    pub(super) fn row(&mut self, direction: Direction, subject: u32) -> &[u32] {
        let known = self.row_of[slot(direction)][subject as usize];
        if known != NO_ROW {
            return &self.made[known as usize];
        }
        let compiled = &self.engine.compiled;
        let guard = compiled.guard_of[slot(direction)][subject];
        // Names in ingress rules are looked up at the subject, so its declared ports are part of what it is.
        let table = match direction {
            Direction::Ingress if self.has_names(&compiled.guards[guard]) => {
                compiled.places[subject].table
            }
            _ => 0,
        };
        let key = (slot(direction), guard, table);
        let number = match self.numbers.get(&key) {
            Some(known) => *known,
            None => {
                let row = self.make_row(direction, &compiled.guards[guard], table);
                self.made.push(row);
                let made = u32::try_from(self.made.len() - 1).expect("fewer than 2^32 rows");
                self.numbers.insert(key, made);
                made
            }
        };
        self.row_of[slot(direction)][subject as usize] = number;
        &self.made[number as usize]
    }

    /// Whether some rule of a guard names ports.
    fn has_names(&self, guard: &Guard) -> bool {
        let compiled = &self.engine.compiled;
        let named = |ports: u32| !compiled.ports[ports as usize].names.is_empty();
        let mut rules = guard.accepts.iter().chain(&guard.may_accept);
        rules.any(|(_, ports)| named(*ports))
            || self.steps_have_names(guard.admin)
            || self.steps_have_names(guard.baseline)
    }

    fn steps_have_names(&self, steps: u32) -> bool {
        let compiled = &self.engine.compiled;
        let mut steps = compiled.tiers[steps].iter();
        steps.any(|step| !compiled.ports[step.ports as usize].names.is_empty())
    }

    fn make_row(&mut self, direction: Direction, guard: &Guard, table: u32) -> Row {
        let size = self.engine.compiled.places.len();
        if guard.is_open() {
            return vec![self.pool.everything; size];
        }
        let policies = may_isolate(guard).then(|| self.network_policies(direction, guard, table));
        let baseline = (!guard.is_isolated).then(|| self.baseline(direction, guard, table));
        let below: Row = match (policies, baseline) {
            (Some(policies), Some(baseline)) => policies
                .into_iter()
                .zip(baseline)
                .map(|(a, b)| self.pool.or(a, b))
                .collect(),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => vec![self.pool.everything; size],
        };
        if guard.admin == 0 && guard.foreign.is_none() {
            return below;
        }
        let admin = (guard.admin != 0).then(|| self.admin(direction, guard.admin, table));
        let all = self.engine.compiled.port_atoms.all();
        let mut joined: Map<(u32, u32), u32> = Map::default();
        let mut row = Row::with_capacity(size);
        for (place, below) in below.into_iter().enumerate() {
            let walked = admin.as_ref().map_or(u32::MAX, |cells| cells[place]);
            let number = match joined.get(&(walked, below)) {
                Some(known) => *known,
                None => {
                    let outcome = join(
                        admin.is_some().then(|| self.pool.tiers.get(walked)),
                        self.pool.outcomes.get(below).clone(),
                        guard.foreign,
                        &all,
                    );
                    let made = self.pool.outcomes.number(outcome);
                    joined.insert((walked, below), made);
                    made
                }
            };
            row.push(number);
        }
        row
    }

    /// What NetworkPolicies say to every place: rule by rule over the members of its peers, so that nobody else is looked at.
    fn network_policies(&mut self, direction: Direction, guard: &Guard, table: u32) -> Row {
        let compiled = &self.engine.compiled;
        let atoms = &compiled.port_atoms;
        let (size, words) = (compiled.places.len(), atoms.words());
        let all = atoms.all();
        // For each place met by a rule the certain ports, then the possible ones.
        let mut slots: Map<u32, usize> = Map::default();
        let mut cells: Vec<u64> = Vec::new();
        let mut everyone = (atoms.none(), atoms.none());
        let certain = guard.accepts.iter().map(|rule| (rule, true));
        let doubtful = guard.may_accept.iter().map(|rule| (rule, false));
        for ((peers, ports), is_certain) in certain.chain(doubtful) {
            let ports = &compiled.ports[*ports as usize];
            let peers = &compiled.sets[*peers];
            let is_fixed = direction == Direction::Ingress || ports.names.is_empty();
            let own = ports.at(atoms, &compiled.tables[table], compiled.profile);
            if is_fixed && peers.sure == Set::All {
                if is_certain {
                    everyone.0.add(&own.0);
                }
                everyone.1.add(&own.1);
                continue;
            }
            peers.possible().each(size, |place| {
                let at;
                let (sure, possible) = if is_fixed {
                    (&own.0, &own.1)
                } else {
                    let declared = &compiled.tables[compiled.places[place].table];
                    at = ports.at(atoms, declared, compiled.profile);
                    (&at.0, &at.1)
                };
                let start = *slots.entry(place).or_insert_with(|| {
                    cells.resize(cells.len() + 2 * words, 0);
                    cells.len() - 2 * words
                });
                let is_sure = is_certain && peers.sure.contains(place);
                let (own_sure, own_possible) = cells[start..start + 2 * words].split_at_mut(words);
                for word in 0..words {
                    if is_sure {
                        own_sure[word] |= sure[word];
                    }
                    own_possible[word] |= possible[word];
                }
            });
        }
        let mut number = |sure: &[u64], possible: &[u64]| {
            let mut outcome = Outcome {
                possible: everyone.1.clone(),
                deniable: all.clone(),
            };
            for word in 0..words {
                outcome.possible[word] |= possible[word];
                outcome.deniable[word] &= !(everyone.0[word] | sure[word]);
            }
            if guard.is_unreadable {
                outcome.possible.add(&all);
            }
            self.pool.outcomes.number(outcome)
        };
        let none = atoms.none();
        let mut row = vec![number(&none, &none); size];
        let mut met: Vec<(u32, usize)> = slots.into_iter().collect();
        met.sort_unstable();
        for (place, start) in met {
            let (sure, possible) = cells[start..start + 2 * words].split_at(words);
            row[place as usize] = number(sure, possible);
        }
        row
    }

    /// What the Admin tier does with connections to every place: numbers of tiers.
    fn admin(&mut self, direction: Direction, steps: u32, table: u32) -> Vec<u32> {
        let table = if self.steps_have_names(steps) {
            table
        } else {
            0
        };
        let key = (slot(direction), steps, table);
        if let Some(known) = self.admin.get(&key) {
            return known.clone();
        }
        let engine = self.engine;
        let deny_wins = engine.compiled.profile.equal_priority == TieBreak::Deny;
        let made = self.each_place(direction, table, |pool, all, meets| {
            let walked = tier(&engine.compiled.tiers[steps], deny_wins, all, meets);
            pool.tiers.number(walked)
        });
        self.admin.insert(key, made.clone());
        made
    }

    fn baseline(&mut self, direction: Direction, guard: &Guard, table: u32) -> Row {
        let engine = self.engine;
        if guard.baseline == 0 || guard.baseline_applies == BaselineApplies::No {
            return vec![self.pool.everything; engine.compiled.places.len()];
        }
        let table = if self.steps_have_names(guard.baseline) {
            table
        } else {
            0
        };
        let is_certain = guard.baseline_applies == BaselineApplies::Yes;
        let key = (slot(direction), guard.baseline, is_certain, table);
        if let Some(known) = self.baseline.get(&key) {
            return known.clone();
        }
        let view = View {
            guard,
            admin: &engine.compiled.tiers[0],
            baseline: &engine.compiled.tiers[guard.baseline],
            deny_wins: engine.compiled.profile.equal_priority == TieBreak::Deny,
        };
        let made = self.each_place(direction, table, |pool, all, meets| {
            pool.outcomes.number(baseline(&view, all, meets))
        });
        self.baseline.insert(key, made.clone());
        made
    }

    /// Asks something of every place, with the answer to what a pair of peers and ports means there.
    fn each_place(
        &mut self,
        direction: Direction,
        table: u32,
        mut ask: impl FnMut(&mut Pool, &Mask, &mut Meets<'_>) -> u32,
    ) -> Vec<u32> {
        let compiled = &self.engine.compiled;
        let atoms = &compiled.port_atoms;
        let (all, none) = (atoms.all(), atoms.none());
        let mut made = Vec::with_capacity(compiled.places.len());
        for (place, peer) in compiled.places.iter().enumerate() {
            let place = u32::try_from(place).expect("fewer than 2^32 places");
            let declared = match direction {
                Direction::Egress => &compiled.tables[peer.table],
                Direction::Ingress => &compiled.tables[table],
            };
            let mut meets = |peers: u32, ports: u32| {
                let met = compiled.sets[peers].contains(place);
                if !met.1 {
                    return (none.clone(), none.clone());
                }
                let (sure, possible) =
                    compiled.ports[ports as usize].at(atoms, declared, compiled.profile);
                (if met.0 { sure } else { none.clone() }, possible)
            };
            made.push(ask(&mut self.pool, &all, &mut meets));
        }
        made
    }
}

/// Outcomes by number, with what becomes of two of them remembered.
pub(super) struct Pool {
    pub(super) outcomes: crate::compile::Interned<Outcome<Mask>>,
    tiers: crate::compile::Interned<Tier<Mask>>,
    pub(super) everything: u32,
    ands: Map<(u32, u32), u32>,
    ors: Map<(u32, u32), u32>,
}

impl Pool {
    fn new(engine: &Engine) -> Self {
        let mut outcomes = crate::compile::Interned::default();
        let everything = outcomes.number(Outcome::everything(&engine.compiled.port_atoms.all()));
        Self {
            outcomes,
            tiers: crate::compile::Interned::default(),
            everything,
            ands: Map::default(),
            ors: Map::default(),
        }
    }

    /// Both gates have to let through.
    pub(super) fn and(&mut self, a: u32, b: u32) -> u32 {
        if a == b || b == self.everything {
            return a;
        }
        if a == self.everything {
            return b;
        }
        let key = (a.min(b), a.max(b));
        if let Some(known) = self.ands.get(&key) {
            return *known;
        }
        let mut both = self.outcomes.get(a).clone();
        both.and(self.outcomes.get(b));
        let made = self.outcomes.number(both);
        self.ands.insert(key, made);
        made
    }

    /// Either of two cases.
    pub(super) fn or(&mut self, a: u32, b: u32) -> u32 {
        if a == b {
            return a;
        }
        let key = (a.min(b), a.max(b));
        if let Some(known) = self.ors.get(&key) {
            return *known;
        }
        let mut both = self.outcomes.get(a).clone();
        both.or(self.outcomes.get(b));
        let made = self.outcomes.number(both);
        self.ors.insert(key, made);
        made
    }
}
