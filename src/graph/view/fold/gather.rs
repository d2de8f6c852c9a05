//! Groups of namespaces, for clusters that have more of them than anybody can look at.
//!
//! From what loses least to what always helps: namespaces without connections, those with the same neighbours and ports,
//! those that share a first word and play the same part, those that share a first word, and at last all but the busiest.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{About, Bundle, Folding, Why};
use crate::graph::{Class, NodeKind, Options, State};

/// How many boxes and wires are wanted at most.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Room {
    pub(in super::super) boxes: usize,
    pub(in super::super) wires: usize,
}

/// A connection of a bundle: whether it comes in, the other end, its state, class and port.
type Link = (bool, usize, State, Class, usize);

/// Bundles to be put together, and why.
type Groups = Vec<(Vec<usize>, Why)>;

/// Namespaces that are named singly where all others go into one box; halved until there is room.
const BUSIEST: usize = 32;

/// How far the parts that namespaces play are followed.
const ROUNDS: usize = 3;

impl Folding<'_> {
    /// Groups namespaces until there is room, except for the groups of these names.
    pub(in super::super) fn gather(
        &mut self,
        room: Room,
        options: &Options,
        opened: &BTreeSet<String>,
    ) {
        let fits = |folding: &Self| {
            let (boxes, wires) = folding.size(options);
            boxes <= room.boxes && wires <= room.wires
        };
        // What was opened stays open, also for the later steps.
        let mut spread: BTreeSet<usize> = BTreeSet::new();
        for step in [
            Self::unconnected,
            Self::twins,
            Self::same_part,
            Self::same_word,
        ] {
            if fits(self) {
                return;
            }
            let groups = step(self, &spread);
            self.merge(groups, opened, &mut spread);
        }
        let mut most = BUSIEST;
        while !fits(self) && most > 0 {
            let rest = self.all_but_busiest(most, &spread);
            self.merge(rest, opened, &mut spread);
            most /= 2;
        }
    }

    fn is_namespaces(&self, bundle: usize) -> bool {
        matches!(self.bundles[bundle], Bundle::Namespaces(..))
    }

    fn is_range(&self, bundle: usize) -> bool {
        match self.bundles[bundle] {
            Bundle::Node(node) => self.graph.nodes()[node].kind == NodeKind::Range,
            Bundle::Ranges(_) => true,
            Bundle::Namespaces(..) => false,
        }
    }

    /// The connections of every bundle to others, sorted.
    fn links(&self) -> Vec<Vec<Link>> {
        let mut ports: HashMap<&str, usize> = HashMap::new();
        let mut links: Vec<Vec<Link>> = vec![Vec::new(); self.bundles.len()];
        for (i, edge) in self.graph.edges().iter().enumerate() {
            let Some((from, to)) = self.told(i).filter(|(from, to)| from != to) else {
                continue;
            };
            for port in &edge.ports {
                let next = ports.len();
                let port = *ports.entry(port).or_insert(next);
                links[from].push((false, to, edge.state, edge.class, port));
                links[to].push((true, from, edge.state, edge.class, port));
            }
        }
        for list in &mut links {
            list.sort_unstable();
            list.dedup();
        }
        links
    }

    /// Which bundles may be put together with others. What has no connection is not drawn where the picture is about
    /// something, and must not be counted as if it were.
    fn candidates(&self, links: &[Vec<Link>], spread: &BTreeSet<usize>) -> Vec<bool> {
        let open = |b: usize| self.about != About::All && self.is_meant(b);
        let drawn = |b: usize| self.about == About::All || !links[b].is_empty();
        (0..self.bundles.len())
            .map(|b| drawn(b) && !open(b) && !spread.contains(&b))
            .collect()
    }

    fn unconnected(&self, spread: &BTreeSet<usize>) -> Groups {
        let links = self.links();
        let candidates = self.candidates(&links, spread);
        let alone = (0..self.bundles.len())
            .filter(|&b| candidates[b] && self.is_namespaces(b) && links[b].is_empty());
        vec![(alone.collect(), Why::Unconnected)]
    }

    fn twins(&self, spread: &BTreeSet<usize>) -> Groups {
        let links = self.links();
        let candidates = self.candidates(&links, spread);
        let mut alike: BTreeMap<(bool, Vec<Link>), Vec<usize>> = BTreeMap::new();
        for (bundle, links) in links.into_iter().enumerate() {
            let range = self.is_range(bundle);
            let may = candidates[bundle] && (range || self.is_namespaces(bundle));
            if may && !links.is_empty() {
                alike.entry((range, links)).or_default().push(bundle);
            }
        }
        let alike = alike.into_values();
        alike.map(|group| (group, Why::Alike)).collect()
    }

    fn same_part(&self, spread: &BTreeSet<usize>) -> Groups {
        let links = self.links();
        let candidates = self.candidates(&links, spread);
        let may = |b: usize| candidates[b] && self.is_namespaces(b);
        let mut part: Vec<usize> = (0..self.bundles.len())
            .map(|b| if may(b) { 0 } else { b + 1 })
            .collect();
        for _ in 0..ROUNDS {
            let mut known: BTreeMap<(usize, Vec<Link>), usize> = BTreeMap::new();
            let next = (0..part.len()).map(|b| {
                let seen = |&(incoming, other, state, class, port): &Link| {
                    (incoming, part[other], state, class, port)
                };
                let mut seen: Vec<Link> = links[b].iter().map(seen).collect();
                seen.sort_unstable();
                seen.dedup();
                let next = known.len();
                *known.entry((part[b], seen)).or_insert(next)
            });
            part = next.collect();
        }
        self.by_word(may, |bundle| part[bundle])
    }

    fn same_word(&self, spread: &BTreeSet<usize>) -> Groups {
        let candidates = self.candidates(&self.links(), spread);
        self.by_word(|b| candidates[b] && self.is_namespaces(b), |_| 0)
    }

    /// Groups by the first word of names and something else.
    fn by_word(&self, candidate: impl Fn(usize) -> bool, other: impl Fn(usize) -> usize) -> Groups {
        let mut groups: BTreeMap<(&str, usize), Vec<usize>> = BTreeMap::new();
        for (bundle, what) in self.bundles.iter().enumerate() {
            if let Bundle::Namespaces(names, Why::Single | Why::Alike) = what
                && candidate(bundle)
            {
                let name = names.first().copied().unwrap_or_default();
                let word = name.split('-').next().unwrap_or_default();
                groups
                    .entry((word, other(bundle)))
                    .or_default()
                    .push(bundle);
            }
        }
        groups
            .into_values()
            .map(|group| (group, Why::Alike))
            .collect()
    }

    /// All namespaces but so many, those with news first, then those with most connections; ranges likewise.
    fn all_but_busiest(&self, most: usize, spread: &BTreeSet<usize>) -> Groups {
        let links = self.links();
        let candidates = self.candidates(&links, spread);
        let rest = |candidate: &dyn Fn(usize) -> bool| {
            let mut all: Vec<usize> = (0..self.bundles.len())
                .filter(|&b| candidates[b] && candidate(b))
                .collect();
            all.sort_by_cached_key(|&b| {
                let news = links[b].iter().any(|link| link.2 != State::Plain);
                let rest = matches!(self.bundles[b], Bundle::Namespaces(_, Why::Others));
                let busy = std::cmp::Reverse(links[b].len());
                (rest, !news, busy, self.key(b))
            });
            all.split_off(most.min(all.len()))
        };
        let named = |b: usize| {
            let unconnected = matches!(self.bundles[b], Bundle::Namespaces(_, Why::Unconnected));
            self.is_namespaces(b) && !unconnected
        };
        vec![
            (rest(&named), Why::Others),
            (rest(&|b| self.is_range(b)), Why::Others),
        ]
    }

    /// Puts the bundles of each group into one.
    fn merge(&mut self, groups: Groups, opened: &BTreeSet<String>, spread: &mut BTreeSet<usize>) {
        let mut goes: Vec<usize> = (0..self.bundles.len()).collect();
        for (group, why) in groups {
            let Some((&first, others)) = group.split_first().filter(|(_, o)| !o.is_empty()) else {
                continue;
            };
            let together = if self.is_range(first) {
                let mut nodes: Vec<usize> = Vec::new();
                for &bundle in &group {
                    match &self.bundles[bundle] {
                        Bundle::Node(node) => nodes.push(*node),
                        Bundle::Ranges(more) => nodes.extend(more),
                        Bundle::Namespaces(..) => {}
                    }
                }
                nodes.sort_unstable();
                Bundle::Ranges(nodes)
            } else {
                let mut names: Vec<&str> = Vec::new();
                for &bundle in &group {
                    if let Bundle::Namespaces(more, _) = &self.bundles[bundle] {
                        names.extend(more);
                    }
                }
                names.sort_unstable();
                Bundle::Namespaces(names, why)
            };
            let alone = std::mem::replace(&mut self.bundles[first], together);
            let key = self.key(first);
            if opened.contains(key.strip_prefix("namespace/").unwrap_or(&key)) {
                self.bundles[first] = alone;
                spread.extend(group);
                continue;
            }
            for &other in others {
                goes[other] = first;
            }
        }
        for home in &mut self.home {
            *home = goes[*home];
        }
    }
}
