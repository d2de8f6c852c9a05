//! A vector that is cheap to clone: clones share their chunks until one of them is written to.

use std::ops::Index;
use std::sync::Arc;

const BITS: u32 = 8;
const CHUNK: usize = 1 << BITS;

/// Grows at the end only. Cloning costs one counter for every 256 elements; the first write to a shared chunk copies it.
#[derive(Clone, Debug)]
pub(crate) struct Chunked<T> {
    chunks: Vec<Arc<Vec<T>>>,
    len: usize,
}

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            len: 0,
        }
    }
}

impl<T: Clone> Chunked<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Appends, and returns the index.
    pub(crate) fn push(&mut self, value: T) -> u32 {
        let index = self.len;
        if index.is_multiple_of(CHUNK) {
            self.chunks.push(Arc::new(Vec::with_capacity(CHUNK)));
        }
        let last = self.chunks.last_mut().expect("a chunk was just pushed");
        Arc::make_mut(last).push(value);
        self.len += 1;
        u32::try_from(index).expect("fewer than 2^32 elements")
    }

    pub(crate) fn get_mut(&mut self, index: u32) -> &mut T {
        &mut Arc::make_mut(&mut self.chunks[index as usize >> BITS])[index as usize % CHUNK]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }
}

impl<T> Index<u32> for Chunked<T> {
    type Output = T;

    fn index(&self, index: u32) -> &T {
        &self.chunks[index as usize >> BITS][index as usize % CHUNK]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_does_not_see_later_writes() {
        let mut numbers = Chunked::default();
        for n in 0..600 {
            assert_eq!(numbers.push(n), n);
        }
        let before = numbers.clone();
        *numbers.get_mut(300) = 7;
        numbers.push(600);
        assert_eq!((before[300], numbers[300]), (300, 7));
        assert_eq!((before.len(), numbers.len()), (600, 601));
        assert_eq!(before.iter().copied().collect::<Vec<_>>(), (0..600).collect::<Vec<_>>());
    }
}
