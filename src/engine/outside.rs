//! The address space outside the cluster, in pieces.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::model::{AddressSet, Family, IpRange};

use super::Engine;

impl Engine {
    /// The whole address space in pieces that no policy can tell apart: equal pieces are one set. IPv4 and IPv6 never mix.
    ///
    /// Ordered by first address. Without any block there is one piece a family.
    pub fn outside(&self) -> Vec<AddressSet> {
        let compiled = &self.compiled;
        // Alike are those that are in the same sets; each set is looked at once.
        let mut member: Vec<Vec<u32>> = vec![Vec::new(); compiled.outside.len()];
        let atom_of: hashbrown::HashMap<u32, usize, foldhash::fast::FixedState> = compiled
            .outside
            .iter()
            .enumerate()
            .map(|(atom, place)| (*place, atom))
            .collect();
        // Only what policies of now say counts, not what some said before.
        let lowered = self.policies().map(|id| compiled.policy(id).1);
        let used: std::collections::BTreeSet<u32> = lowered
            .flat_map(|policy| policy.rules.iter().flatten().flatten())
            .map(|rule| rule.peers)
            .collect();
        let mut number = 0;
        for set in used {
            for part in compiled.sets[set].parts() {
                number += 1;
                if part.len_hint().is_some_and(|length| length < atom_of.len()) {
                    part.each(compiled.places.len(), |place| {
                        if let Some(atom) = atom_of.get(&place) {
                            member[*atom].push(number);
                        }
                    });
                } else {
                    for (place, atom) in compiled.outside.iter().zip(0..) {
                        if part.contains(*place) {
                            let atom: usize = atom;
                            member[atom].push(number);
                        }
                    }
                }
            }
        }
        let mut groups: BTreeMap<(Family, Vec<u32>), Vec<IpRange>> = BTreeMap::default();
        for (range, member) in compiled.atoms.ranges().iter().zip(member) {
            groups
                .entry((range.family(), member))
                .or_default()
                .push(*range);
        }
        let mut sets: Vec<AddressSet> = groups
            .into_values()
            .map(|ranges| ranges.into_iter().collect())
            .collect();
        sets.sort_by_key(|set: &AddressSet| set.first());
        sets
    }

    /// The pieces of [`Engine::outside`], cut once more at each border, that have something in them which is no pod, node or Service:
    /// each with such an address. Ordered by first address.
    pub fn outside_examples<'b>(
        &self,
        borders: impl IntoIterator<Item = &'b AddressSet>,
    ) -> Vec<(AddressSet, IpAddr)> {
        let namespaces = || self.cluster().namespaces.values();
        let pods = namespaces().flat_map(|ns| ns.pods.iter().flat_map(|pod| &pod.addresses));
        let services = namespaces().flat_map(|ns| ns.services.iter().flat_map(|s| &s.cluster_ips));
        let nodes = self.cluster().nodes.iter();
        let nodes = nodes.flat_map(|node| node.addresses.iter().chain(&node.tunnels));
        let inside: AddressSet = pods
            .chain(services)
            .chain(nodes)
            .map(|address| IpRange::single(*address))
            .collect();
        let outside = inside.complement();
        let mut sets = self.outside();
        for border in borders {
            sets = sets
                .iter()
                .flat_map(|set| [set.intersection(border), set.difference(border)])
                .filter(|set| !set.is_empty())
                .collect();
        }
        let mut found: Vec<(AddressSet, IpAddr)> = sets
            .into_iter()
            .filter_map(|set| {
                // What is all pods, nodes and Services has nothing outside in it.
                let example = set.intersection(&outside).first()?;
                Some((set, example))
            })
            .collect();
        found.sort_by_key(|(set, _)| set.first());
        found
    }
}
