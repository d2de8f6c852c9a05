//! What rows cost in one channel: crossings, bends and lengths. One trunk counts its length once, however many wires ride it.

use std::collections::BTreeMap;

use super::{Link, Tie};

const CROSSING: i64 = 20;
const BEND: i64 = 3;
/// What a bend costs on top where nobody shares it.
const LONE_BEND: i64 = 8;
/// Longer is not worse.
const LONGEST: i32 = 40;

/// The links of a channel that vote.
pub(super) struct Channel {
    links: Vec<Flat>,
    trunks: usize,
    words: usize,
    /// Bits by link: the others it can cross. Wires of one item meet, they do not cross; so do wires of one trunk, and wires
    /// that end where the other's trunk has an end too.
    strangers: Vec<u64>,
}

struct Flat {
    left: (usize, usize),
    right: (usize, usize),
    /// Counted within the channel.
    trunk: usize,
}

/// Kept so that nothing is allocated over and over.
#[derive(Default)]
pub(super) struct Scratch {
    ends: Vec<(i32, i32)>,
    /// Bits by link: those that end lower on the right.
    below: Vec<u64>,
    above: Vec<u64>,
    extents: Vec<(i32, i32, u32)>,
}

/// Links in the order they had when they were last looked at, which is nearly the order they have now.
#[derive(Clone, Default)]
pub(super) struct Orders {
    by_left: Vec<u32>,
    by_right: Vec<u32>,
}

impl Channel {
    /// `none` stands for the port of what passes.
    pub(super) fn new(links: &[Link], none: usize) -> Self {
        let links: Vec<&Link> = links.iter().filter(|l| l.votes).collect();
        let words = links.len().div_ceil(64);
        let mut trunks: BTreeMap<usize, usize> = BTreeMap::new();
        for link in &links {
            let next = trunks.len();
            trunks.entry(link.trunk).or_insert(next);
        }
        let set = |bits: &mut [u64], at: usize| bits[at / 64] |= 1 << (at % 64);
        let union = |bits: &mut [u64], other: &[u64]| {
            bits.iter_mut().zip(other).for_each(|(a, b)| *a |= b);
        };
        // Links by what they share.
        let mut of_trunk = vec![0; trunks.len() * words];
        let mut of_item: BTreeMap<(bool, usize), Vec<u64>> = BTreeMap::new();
        let mut of_tie: BTreeMap<(bool, Tie), Vec<u64>> = BTreeMap::new();
        for (i, link) in links.iter().enumerate() {
            let trunk = trunks[&link.trunk] * words;
            set(&mut of_trunk[trunk..trunk + words], i);
            for (right, tie) in [(false, link.left), (true, link.right)] {
                let fresh = || vec![0; words];
                set(of_item.entry((right, tie.item)).or_insert_with(fresh), i);
                set(of_tie.entry((right, tie)).or_insert_with(fresh), i);
            }
        }
        // Links that end at a tie of a trunk.
        let mut touched = vec![0; trunks.len() * words];
        for link in &links {
            let trunk = trunks[&link.trunk] * words;
            for tie in [(false, link.left), (true, link.right)] {
                union(&mut touched[trunk..trunk + words], &of_tie[&tie]);
            }
        }
        let mut friends = vec![0; links.len() * words];
        for (i, link) in links.iter().enumerate() {
            let trunk = trunks[&link.trunk] * words;
            let mine = &mut friends[i * words..(i + 1) * words];
            union(mine, &of_trunk[trunk..trunk + words]);
            union(mine, &touched[trunk..trunk + words]);
            for tie in [(false, link.left.item), (true, link.right.item)] {
                union(mine, &of_item[&tie]);
            }
            for other in 0..trunks.len() {
                let other = other * words..(other + 1) * words;
                if touched[other.clone()][i / 64] >> (i % 64) & 1 == 1 {
                    union(mine, &of_trunk[other]);
                }
            }
        }
        let flat = |tie: Tie| (tie.item, tie.port.unwrap_or(none));
        Self {
            links: links
                .iter()
                .map(|link| Flat {
                    left: flat(link.left),
                    right: flat(link.right),
                    trunk: trunks[&link.trunk],
                })
                .collect(),
            trunks: trunks.len(),
            words,
            strangers: friends.into_iter().map(|bits: u64| !bits).collect(),
        }
    }

    /// The score for items that start on these rows, with ports so far below their tops.
    pub(super) fn score(
        &self,
        y: &[i32],
        port: &[i32],
        orders: &mut Orders,
        scratch: &mut Scratch,
    ) -> i64 {
        let Scratch { ends, extents, .. } = scratch;
        ends.clear();
        extents.clear();
        extents.resize(self.trunks, (i32::MAX, i32::MIN, 0));
        let mut score = 0;
        for link in &self.links {
            let end = (
                y[link.left.0] + port[link.left.1],
                y[link.right.0] + port[link.right.1],
            );
            ends.push(end);
            score += if end.0 == end.1 { 0 } else { BEND };
            let extent = &mut extents[link.trunk];
            *extent = (
                extent.0.min(end.0).min(end.1),
                extent.1.max(end.0).max(end.1),
                extent.2 + 1,
            );
        }
        for &(low, high, count) in &*extents {
            score += i64::from((high - low).min(LONGEST));
            score += if count == 1 && low != high {
                LONE_BEND
            } else {
                0
            };
        }
        score + CROSSING * self.crossings(orders, scratch)
    }

    /// Pairs of strangers whose ends are in another order on the left than on the right.
    fn crossings(&self, orders: &mut Orders, scratch: &mut Scratch) -> i64 {
        let Orders { by_left, by_right } = orders;
        let Scratch {
            ends, below, above, ..
        } = scratch;
        let (count, words) = (self.links.len(), self.words);
        if by_left.len() < count {
            by_left.extend((0..).take(count));
            by_right.extend((0..).take(count));
        }
        sort_nearly(by_left, |i| ends[i as usize].0);
        sort_nearly(by_right, |i| ends[i as usize].1);
        // From the lowest end on the right upwards: who ends lower than each.
        below.clear();
        below.resize(count * words, 0);
        above.clear();
        above.resize(words, 0);
        for group in by_right
            .chunk_by(|&a, &b| ends[a as usize].1 == ends[b as usize].1)
            .rev()
        {
            for &i in group {
                let i = i as usize;
                below[i * words..(i + 1) * words].copy_from_slice(above);
            }
            for &i in group {
                above[i as usize / 64] |= 1 << (i % 64);
            }
        }
        above.fill(0);
        let mut crossed = 0;
        for group in by_left.chunk_by(|&a, &b| ends[a as usize].0 == ends[b as usize].0) {
            for &i in group {
                let mine = i as usize * words..(i as usize + 1) * words;
                let sets = above.iter().zip(&below[mine.clone()]);
                crossed += sets
                    .zip(&self.strangers[mine])
                    .map(|((a, b), c)| (a & b & c).count_ones())
                    .sum::<u32>();
            }
            for &i in group {
                above[i as usize / 64] |= 1 << (i % 64);
            }
        }
        i64::from(crossed)
    }
}

/// Sorts what is nearly sorted.
fn sort_nearly(order: &mut [u32], key: impl Fn(u32) -> i32) {
    for i in 1..order.len() {
        let (item, mine) = (order[i], key(order[i]));
        let mut at = i;
        while at > 0 && key(order[at - 1]) > mine {
            order[at] = order[at - 1];
            at -= 1;
        }
        order[at] = item;
    }
}
