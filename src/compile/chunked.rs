//! Vectors that are cheap to clone: clones share their chunks until one of them is written to.

use std::ops::Index;
use std::sync::Arc;

/// Elements of a leaf, and leaves of a branch, as powers of two.
const LEAF: u32 = 4;
const BRANCH: u32 = 6;
const LEAF_SIZE: usize = 1 << LEAF;
const BRANCH_SIZE: usize = 1 << BRANCH;

/// Grows at the end only. Cloning costs one counter for every 1,024 elements; the first write after that copies the 16 elements
/// around the one that is written, and 64 counters.
#[derive(Clone, Debug)]
pub(crate) struct Chunked<T> {
    branches: Vec<Arc<[Leaf<T>]>>,
    len: usize,
}

/// Always whole; what lies beyond the end is default.
type Leaf<T> = Arc<[T]>;

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Self {
            branches: Vec::new(),
            len: 0,
        }
    }
}

impl<T: Clone + Default> Chunked<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Appends, and returns the index.
    pub(crate) fn push(&mut self, value: T) -> u32 {
        let index = u32::try_from(self.len).expect("fewer than 2^32 elements");
        let (branch, leaf, _) = place(index);
        if branch == self.branches.len() {
            let nothing: Leaf<T> = Arc::from([]);
            self.branches.push(vec![nothing; BRANCH_SIZE].into());
        }
        if self.branches[branch][leaf].is_empty() {
            let leaves = Arc::make_mut(&mut self.branches[branch]);
            leaves[leaf] = vec![T::default(); LEAF_SIZE].into();
        }
        self.len += 1;
        *self.get_mut(index) = value;
        index
    }

    pub(crate) fn get_mut(&mut self, index: u32) -> &mut T {
        let (branch, leaf, at) = place(index);
        let leaves = Arc::make_mut(&mut self.branches[branch]);
        &mut Arc::make_mut(&mut leaves[leaf])[at]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        let leaves = self.branches.iter().flat_map(|leaves| leaves.iter());
        leaves.flat_map(|leaf| leaf.iter()).take(self.len)
    }
}

#[inline]
fn place(index: u32) -> (usize, usize, usize) {
    let index = index as usize;
    (
        index >> (LEAF + BRANCH),
        index >> LEAF & (BRANCH_SIZE - 1),
        index & (LEAF_SIZE - 1),
    )
}

impl<T> Index<u32> for Chunked<T> {
    type Output = T;

    #[inline]
    fn index(&self, index: u32) -> &T {
        debug_assert!((index as usize) < self.len, "no element of that number");
        let (branch, leaf, at) = place(index);
        &self.branches[branch][leaf][at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_does_not_see_later_writes() {
        let mut numbers = Chunked::default();
        for n in 0..2_500 {
            assert_eq!(numbers.push(n), n);
        }
        let before = numbers.clone();
        *numbers.get_mut(1_300) = 7;
        numbers.push(2_500);
        assert_eq!((before[1_300], numbers[1_300]), (1_300, 7));
        assert_eq!((before.len(), numbers.len()), (2_500, 2_501));
        assert_eq!(
            before.iter().copied().collect::<Vec<_>>(),
            (0..2_500).collect::<Vec<_>>()
        );
        assert_eq!((numbers[1_299], numbers[2_500]), (1_299, 2_500));
    }
}
