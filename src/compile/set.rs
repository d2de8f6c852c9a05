//! Sets of places: a sorted list while small, a bit set when large.

/// A set of place indices.
///
/// Most sets at scale have a handful of members, a few have thousands: each takes the smaller form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    /// Every place there is, and every one to come.
    All,
    Sparse(Vec<u32>), // Invariant: ascending, no duplicates.
    Dense(Vec<u64>),
}

/// A list longer than one 32nd of the universe takes more room than a bit for each of it.
const SPARSE_PART: usize = 32;
/// Lists up to this length are searched from the front.
const SHORT: usize = 16;

impl Default for Set {
    fn default() -> Self {
        Self::empty()
    }
}

impl Set {
    pub(crate) fn empty() -> Self {
        Self::Sparse(Vec::new())
    }

    /// From members in any order, repetitions allowed; `universe` is the number of places there are.
    pub(crate) fn from_members(mut members: Vec<u32>, universe: usize) -> Self {
        members.sort_unstable();
        members.dedup();
        Self::from_sorted(members, universe)
    }

    fn from_sorted(mut members: Vec<u32>, universe: usize) -> Self {
        if members.len() <= SHORT || members.len() * SPARSE_PART <= universe {
            members.shrink_to_fit();
            return Self::Sparse(members);
        }
        let mut words = vec![0; universe.div_ceil(64)];
        for member in members {
            words[member as usize / 64] |= 1 << (member % 64);
        }
        Self::Dense(words)
    }

    #[inline]
    pub(crate) fn contains(&self, index: u32) -> bool {
        match self {
            Self::All => true,
            Self::Sparse(members) if members.len() <= SHORT => members.contains(&index),
            Self::Sparse(members) => members.binary_search(&index).is_ok(),
            Self::Dense(words) => words
                .get(index as usize / 64)
                .is_some_and(|word| word >> (index % 64) & 1 == 1),
        }
    }

    /// The number of members where it is known without counting.
    pub(crate) fn len_hint(&self) -> Option<usize> {
        match self {
            Self::Sparse(members) => Some(members.len()),
            Self::All | Self::Dense(_) => None,
        }
    }

    pub(crate) fn insert(&mut self, index: u32, universe: usize) {
        match self {
            Self::All => {}
            Self::Sparse(members) => {
                if let Err(at) = members.binary_search(&index) {
                    members.insert(at, index);
                    if members.len() > SHORT && members.len() * SPARSE_PART > universe {
                        *self = Self::from_sorted(std::mem::take(members), universe);
                    }
                }
            }
            Self::Dense(words) => {
                let word = index as usize / 64;
                if words.len() <= word {
                    words.resize(word + 1, 0);
                }
                words[word] |= 1 << (index % 64);
            }
        }
    }

    pub(crate) fn remove(&mut self, index: u32) {
        match self {
            Self::All => {}
            Self::Sparse(members) => {
                if let Ok(at) = members.binary_search(&index) {
                    members.remove(at);
                }
            }
            Self::Dense(words) => {
                if let Some(word) = words.get_mut(index as usize / 64) {
                    *word &= !(1 << (index % 64));
                }
            }
        }
    }

    /// Calls for every member below `universe`, ascending.
    pub(crate) fn each(&self, universe: usize, mut call: impl FnMut(u32)) {
        match self {
            Self::All => {
                (0..u32::try_from(universe).expect("fewer than 2^32 places")).for_each(call);
            }
            Self::Sparse(members) => members.iter().copied().for_each(call),
            Self::Dense(words) => {
                for (index, word) in words.iter().enumerate() {
                    let base = u32::try_from(index * 64).expect("fewer than 2^32 places");
                    let mut rest = *word;
                    while rest != 0 {
                        call(base + rest.trailing_zeros());
                        rest &= rest - 1;
                    }
                }
            }
        }
    }

    /// Sets the bits of all members in `words`, which has room for the universe.
    pub(crate) fn add_to(&self, words: &mut [u64]) {
        match self {
            Self::All => words.fill(u64::MAX),
            Self::Sparse(members) => {
                for member in members {
                    words[*member as usize / 64] |= 1 << (member % 64);
                }
            }
            Self::Dense(own) => {
                for (word, own) in words.iter_mut().zip(own) {
                    *word |= own;
                }
            }
        }
    }

    /// The same, of those members only whose bit is set in `some`.
    pub(crate) fn add_some_to(&self, some: &[u64], words: &mut [u64]) {
        match self {
            Self::All => {
                for (word, some) in words.iter_mut().zip(some) {
                    *word |= some;
                }
            }
            Self::Sparse(members) => {
                for member in members {
                    let (index, bit) = (*member as usize / 64, 1 << (member % 64));
                    words[index] |= some[index] & bit;
                }
            }
            Self::Dense(own) => {
                for ((word, own), some) in words.iter_mut().zip(own).zip(some) {
                    *word |= own & some;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn members(set: &Set) -> Vec<u32> {
        let mut found = Vec::new();
        set.each(500, |member| found.push(member));
        found
    }

    proptest! {
        /// Against a set everyone trusts, across the border between the two forms.
        #[test]
        fn both_forms_behave_like_a_set(start in proptest::collection::vec(0u32..500, 0..60), steps in proptest::collection::vec((0u32..500, any::<bool>()), 0..60)) {
            let mut set = Set::from_members(start.clone(), 500);
            let mut model: BTreeSet<u32> = start.into_iter().collect();
            for (member, insert) in steps {
                if insert {
                    set.insert(member, 500);
                    model.insert(member);
                } else {
                    set.remove(member);
                    model.remove(&member);
                }
                prop_assert_eq!(set.contains(member), insert);
            }
            prop_assert_eq!(members(&set), model.iter().copied().collect::<Vec<_>>());
            let mut words = vec![0; 8];
            set.add_to(&mut words);
            let odd = vec![0xaaaa_aaaa_aaaa_aaaa; 8];
            let mut some = vec![0; 8];
            set.add_some_to(&odd, &mut some);
            for index in 0..500u32 {
                prop_assert_eq!(some[index as usize / 64] >> (index % 64) & 1 == 1, model.contains(&index) && index % 2 == 1);
                prop_assert_eq!(words[index as usize / 64] >> (index % 64) & 1 == 1, model.contains(&index));
            }
        }
    }

    #[test]
    fn everything_has_every_member() {
        assert_eq!(members(&Set::All).len(), 500);
        assert!(Set::All.contains(u32::MAX));
    }
}
