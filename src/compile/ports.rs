//! The ports of rules as bits: every port that some rule or port name tells from its neighbours has a bit of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;
use smallvec::{SmallVec, smallvec};

use crate::model::{ContainerPort, PortItem, PortRange, PortSet, PortTest, Ports, Protocol};

use super::{Profile, Switch};

/// Bits of port atoms, in words; as many as [`PortAtoms::words`] says.
pub(crate) type Mask = SmallVec<[u64; 4]>;

/// The space of (protocol, port) cut wherever a rule makes a difference. No rule can tell two ports of one atom apart.
///
/// Atoms keep their numbers when others are cut: a new one gets the next number.
#[derive(Clone, Debug)]
pub(crate) struct PortAtoms {
    starts: Vec<(u32, u32)>, // Where each atom begins and its number, ascending; covers everything.
    words: usize,
}

const PORTS: u32 = 65_536;

fn position(protocol: Protocol, port: u16) -> u32 {
    let block = match protocol {
        Protocol::Tcp => 0,
        Protocol::Udp => 1,
        Protocol::Sctp => 2,
    };
    block * PORTS + u32::from(port)
}

impl Default for PortAtoms {
    fn default() -> Self {
        // Port 0 exists nowhere and shares the atom of its neighbours; nobody may ask for it.
        Self {
            starts: vec![(0, 0), (PORTS, 1), (2 * PORTS, 2)],
            words: 1,
        }
    }
}

impl PortAtoms {
    /// The number of words of a mask.
    pub(crate) fn words(&self) -> usize {
        self.words
    }

    #[inline]
    pub(crate) fn atom(&self, protocol: Protocol, port: u16) -> u32 {
        let at = position(protocol, port);
        let after = self.starts.partition_point(|(start, _)| *start <= at);
        self.starts[after.saturating_sub(1)].1
    }

    /// Makes a border before `at`. Returns the atom that was cut and the new one.
    fn cut(&mut self, at: u32) -> Option<(u32, u32)> {
        if at >= 3 * PORTS {
            return None;
        }
        let after = self.starts.partition_point(|(start, _)| *start <= at);
        let (start, parent) = self.starts[after - 1];
        if start == at {
            return None;
        }
        let child = u32::try_from(self.starts.len()).expect("fewer atoms than ports");
        self.starts.insert(after, (at, child));
        self.words = self.starts.len().div_ceil(64);
        Some((parent, child))
    }

    /// Makes borders around a range. Returns each atom that was cut, with the new one.
    fn cut_range(&mut self, protocol: Protocol, range: PortRange) -> SmallVec<[(u32, u32); 2]> {
        let mut made = SmallVec::new();
        // A range from the first port on needs no border: port 0 is nobody's.
        if range.first() > 1 {
            made.extend(self.cut(position(protocol, range.first())));
        }
        made.extend(self.cut(position(protocol, range.last()) + 1));
        made
    }

    pub(crate) fn none(&self) -> Mask {
        smallvec![0; self.words]
    }

    pub(crate) fn all(&self) -> Mask {
        let mut mask = self.none();
        for atom in 0..self.starts.len() {
            mask[atom / 64] |= 1 << (atom % 64);
        }
        mask
    }

    /// The bits of a set whose borders have been made.
    pub(crate) fn mask(&self, set: &PortSet) -> Mask {
        let mut mask = self.none();
        for (protocol, range) in set.iter() {
            let (first, last) = (
                position(protocol, range.first()),
                position(protocol, range.last()),
            );
            let from = self.starts.partition_point(|(start, _)| *start <= first) - 1;
            for (start, atom) in &self.starts[from..] {
                if *start > last {
                    break;
                }
                mask[*atom as usize / 64] |= 1 << (atom % 64);
            }
        }
        mask
    }

    /// The atoms in groups that are in the same lists, given as lists of atoms: to whoever asks only for these, they are one.
    pub(crate) fn alike(&self, lists: impl Iterator<Item = Vec<u32>>) -> Vec<Mask> {
        let mut lists_of = vec![Vec::new(); self.starts.len()];
        for (number, list) in lists.enumerate() {
            for atom in list {
                lists_of[atom as usize].push(number);
            }
        }
        let mut groups: BTreeMap<Vec<usize>, Mask> = BTreeMap::new();
        for (atom, lists) in lists_of.into_iter().enumerate() {
            let mask = groups.entry(lists).or_insert_with(|| self.none());
            mask[atom / 64] |= 1 << (atom % 64);
        }
        groups.into_values().collect()
    }

    /// The ports of these bits.
    pub(crate) fn set(&self, mask: &[u64]) -> PortSet {
        let port = |at: u32| {
            u16::try_from(at % PORTS)
                .ok()
                .and_then(std::num::NonZeroU16::new)
        };
        let mut ranges: Vec<(Protocol, PortRange)> = Vec::new();
        for (index, (start, atom)) in self.starts.iter().enumerate() {
            if mask[*atom as usize / 64] >> (atom % 64) & 1 == 0 {
                continue;
            }
            let end = self
                .starts
                .get(index + 1)
                .map_or(3 * PORTS, |(next, _)| *next);
            let first = if start.is_multiple_of(PORTS) {
                start + 1
            } else {
                *start
            };
            let protocol = Protocol::ALL[(start / PORTS) as usize];
            if let (Some(first), Some(last)) = (port(first), port(end - 1))
                && let Some(range) = PortRange::new(first, last)
            {
                match ranges.last_mut() {
                    Some((before, open))
                        if *before == protocol && open.last() == range.first() - 1 =>
                    {
                        *open =
                            PortRange::new(port(u32::from(open.first())).unwrap_or(first), last)
                                .unwrap_or(range);
                    }
                    _ => ranges.push((protocol, range)),
                }
            }
        }
        PortSet::from_sorted(ranges)
    }
}

/// The ports of a rule. Names stay names: they belong to the destination (rule N42).
#[derive(Clone, Debug, Default)]
pub(crate) struct RulePorts {
    /// The ports it certainly means, as far as they need no name.
    pub(crate) sure: Mask,
    /// The same and what it may mean.
    pub(crate) possible: Mask,
    pub(crate) names: Vec<PortName>,
}

/// A name to look up at the destination, with its protocol if the API asks for one (rules N42, A26).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PortName {
    pub(crate) protocol: Option<Protocol>,
    pub(crate) name: Arc<str>,
}

impl PortName {
    /// The declared ports it means, each with whether that is certain. A name the destination lacks means nothing (rule N43).
    pub(crate) fn at<'a>(
        &'a self,
        declared: &'a [ContainerPort],
        profile: Profile,
    ) -> impl Iterator<Item = (Protocol, u16, bool)> + 'a {
        declared.iter().filter_map(move |port| {
            let is_meant = *port.name == *self.name
                && self
                    .protocol
                    .is_none_or(|protocol| protocol == port.protocol);
            let counts = if port.init {
                profile.init_container_ports
            } else {
                Switch::Yes
            };
            (is_meant && counts != Switch::No).then_some((
                port.protocol,
                port.port,
                counts == Switch::Yes,
            ))
        })
    }
}

/// The numbers of the bits that are set, ascending.
pub(crate) fn bits_of(mask: &[u64]) -> Vec<u32> {
    let mut found = Vec::new();
    for (index, word) in mask.iter().enumerate() {
        let mut rest = *word;
        while rest != 0 {
            let base = u32::try_from(index * 64).expect("fewer than 2^32 atoms");
            found.push(base + rest.trailing_zeros());
            rest &= rest - 1;
        }
    }
    found
}

impl RulePorts {
    /// Whether it certainly, and whether it possibly means a port of a destination that declares these.
    #[inline]
    pub(crate) fn has(
        &self,
        atom: u32,
        (protocol, port): (Protocol, u16),
        declared: &[ContainerPort],
        profile: Profile,
    ) -> (bool, bool) {
        let bit = |mask: &Mask| mask[atom as usize / 64] >> (atom % 64) & 1 == 1;
        let is_possible = bit(&self.possible);
        if self.names.is_empty() {
            // Most rules that are asked mean other ports.
            return (is_possible && bit(&self.sure), is_possible);
        }
        let mut found = (bit(&self.sure), is_possible);
        if !found.0 {
            for name in &self.names {
                for (p, n, certain) in name.at(declared, profile) {
                    if (p, n) == (protocol, port) {
                        found.0 |= certain;
                        found.1 = true;
                    }
                }
            }
        }
        found
    }

    /// All ports it means at a destination that declares these: certainly, and possibly.
    pub(crate) fn at(
        &self,
        atoms: &PortAtoms,
        declared: &[ContainerPort],
        profile: Profile,
    ) -> (Mask, Mask) {
        let (mut sure, mut possible) = (self.sure.clone(), self.possible.clone());
        for name in &self.names {
            for (protocol, port, certain) in name.at(declared, profile) {
                let atom = atoms.atom(protocol, port);
                let (word, bit) = (atom as usize / 64, 1 << (atom % 64));
                possible[word] |= bit;
                if certain {
                    sure[word] |= bit;
                }
            }
        }
        (sure, possible)
    }
}

/// What makes two lists of ports the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    fixed: PortSet,
    names: Vec<PortName>,
    /// An entry that could not be read: it may mean any port.
    doubtful: bool,
}

/// Gives equal lists of ports one number, and keeps the atoms in step. Number 0 is every port.
#[derive(Debug)]
pub(crate) struct PortTable {
    pub(crate) atoms: PortAtoms,
    pub(crate) list: Vec<RulePorts>,
    keys: Vec<Key>,
    numbers: HashMap<Key, u32, foldhash::fast::FixedState>,
    /// Whether an atom or a list came since this was last asked for.
    pub(crate) is_changed: bool,
}

impl PortTable {
    pub(crate) fn new() -> Self {
        let mut table = Self {
            atoms: PortAtoms::default(),
            list: Vec::new(),
            keys: Vec::new(),
            numbers: HashMap::default(),
            is_changed: true,
        };
        table.intern(Key {
            fixed: PortSet::all(),
            names: Vec::new(),
            doubtful: false,
        });
        table
    }

    pub(crate) fn read(&mut self, ports: &Ports) -> u32 {
        let Ports::AnyOf(items) = ports else {
            return 0;
        };
        let mut key = Key {
            fixed: PortSet::empty(),
            names: Vec::new(),
            doubtful: false,
        };
        for PortItem { protocol, port } in items {
            match port {
                PortTest::Any => {
                    key.fixed = key.fixed.union(&PortSet::range(*protocol, PortRange::ALL));
                }
                PortTest::Range(range) => {
                    key.fixed = key.fixed.union(&PortSet::range(*protocol, *range));
                }
                PortTest::Named(name) => key.names.push(PortName {
                    protocol: Some(*protocol),
                    name: name.as_str().into(),
                }),
                PortTest::NamedAnyProtocol(name) => key.names.push(PortName {
                    protocol: None,
                    name: name.as_str().into(),
                }),
                PortTest::Unreadable => key.doubtful = true,
            }
        }
        self.intern(key)
    }

    /// Makes a port that a name may stand for an atom of its own.
    pub(crate) fn declare(&mut self, protocol: Protocol, port: u16) {
        if let Some(number) = std::num::NonZeroU16::new(port) {
            self.cut(protocol, PortRange::single(number));
        }
    }

    fn cut(&mut self, protocol: Protocol, range: PortRange) {
        let words = self.atoms.words();
        let made = self.atoms.cut_range(protocol, range);
        if made.is_empty() {
            return;
        }
        self.is_changed = true;
        let grown = self.atoms.words();
        for ports in &mut self.list {
            for mask in [&mut ports.sure, &mut ports.possible] {
                if grown > words {
                    mask.resize(grown, 0);
                }
                for (parent, child) in &made {
                    let held = mask[*parent as usize / 64] >> (parent % 64) & 1;
                    mask[*child as usize / 64] |= held << (child % 64);
                }
            }
        }
    }

    fn intern(&mut self, key: Key) -> u32 {
        if let Some(known) = self.numbers.get(&key) {
            return *known;
        }
        for (protocol, range) in key.fixed.iter() {
            self.cut(protocol, range);
        }
        let sure = self.atoms.mask(&key.fixed);
        let possible = if key.doubtful {
            self.atoms.all()
        } else {
            sure.clone()
        };
        let number = u32::try_from(self.list.len()).expect("fewer than 2^32 lists of ports");
        self.list.push(RulePorts {
            sure,
            possible,
            names: key.names.clone(),
        });
        self.keys.push(key.clone());
        self.numbers.insert(key, number);
        self.is_changed = true;
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_set() -> impl Strategy<Value = PortSet> {
        let range = (
            0usize..3,
            prop_oneof![Just(1u16), 1u16..40, Just(65_530)],
            0u16..6,
        );
        proptest::collection::vec(range, 0..4).prop_map(|parts| {
            let number = |n: u16| std::num::NonZeroU16::new(n).expect("not 0");
            parts
                .into_iter()
                .filter_map(|(p, first, len)| {
                    PortRange::new(number(first), number(first.saturating_add(len)))
                        .map(|range| (Protocol::ALL[p], range))
                })
                .collect()
        })
    }

    proptest! {
        /// Masks made early must follow the cuts that come later.
        #[test]
        fn bits_mean_the_same_ports_after_more_cuts(sets in proptest::collection::vec(any_set(), 1..40)) {
            let mut table = PortTable::new();
            let numbers: Vec<u32> = sets
                .iter()
                .map(|fixed| table.intern(Key { fixed: fixed.clone(), names: Vec::new(), doubtful: false }))
                .collect();
            for (set, number) in sets.iter().zip(&numbers) {
                let ports = &table.list[*number as usize];
                prop_assert_eq!(&table.atoms.set(&ports.sure), set);
                for protocol in Protocol::ALL {
                    for port in (1..50).chain(65_525..=65_535) {
                        let atom = table.atoms.atom(protocol, port);
                        prop_assert_eq!(ports.has(atom, (protocol, port), &[], Profile::spec()).0, set.contains(protocol, port));
                    }
                }
            }
            prop_assert!(table.atoms.set(&table.list[0].sure).is_all());
            prop_assert_eq!(table.atoms.all(), table.list[0].sure.clone());
        }
    }
}
