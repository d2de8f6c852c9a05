//! Places: what a policy can tell apart. Pods that no policy can tell apart share one.
//!
//! A pod with an IPv4 and an IPv6 address has two places, because a block matches within one family (rule N59).

use std::net::IpAddr;

use hashbrown::HashMap;

use crate::model::{Cluster, ContainerPort, Family, IpRange, Labels, Node, Peer, Peers, Pod};

/// One thing a policy may select or name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) kind: PlaceKind,
    /// `None`: the address is not known, it may be of either family.
    pub(crate) family: Option<Family>,
    /// Index into [`Atoms`]; `None`: the address is not known.
    pub(crate) atom: Option<u32>,
    /// The container ports whose names some rule uses.
    pub(crate) ports: Vec<ContainerPort>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PlaceKind {
    /// A pod with a network of its own: index of its namespace, and its labels as far as selectors read them.
    Pod {
        namespace: u32,
        labels: Labels,
    },
    /// A pod on its node's network. Selectors do not see it (rule N52).
    HostPod {
        namespace: u32,
        labels: Labels,
    },
    Node,
    /// Any address that is none of the above.
    Outside,
}

/// The address space cut at every border that a block of some policy draws. All addresses of an atom are alike to policies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Atoms {
    ranges: Vec<IpRange>, // Sorted, IPv4 first; covers everything.
}

impl Atoms {
    pub(crate) fn new(cluster: &Cluster) -> Self {
        let mut starts: Vec<IpAddr> = vec![IpRange::V4.first(), IpRange::V6.first()];
        for range in blocks(cluster) {
            starts.push(range.first());
            starts.extend(next(range.last()));
        }
        starts.sort_unstable();
        starts.dedup();
        let mut ranges = Vec::with_capacity(starts.len());
        for (index, first) in starts.iter().enumerate() {
            let whole = if first.is_ipv4() {
                IpRange::V4
            } else {
                IpRange::V6
            };
            let last = match starts.get(index + 1) {
                Some(after) if after.is_ipv4() == first.is_ipv4() => previous(*after),
                _ => whole.last(),
            };
            ranges.extend(IpRange::new(*first, last));
        }
        Self { ranges }
    }

    pub(crate) fn find(&self, address: IpAddr) -> u32 {
        let after = self
            .ranges
            .partition_point(|range| range.first() <= address);
        u32::try_from(after.saturating_sub(1)).expect("fewer than 2^32 ranges")
    }

    pub(crate) fn ranges(&self) -> &[IpRange] {
        &self.ranges
    }
}

fn blocks(cluster: &Cluster) -> impl Iterator<Item = IpRange> + '_ {
    let rules = cluster
        .policies()
        .flat_map(|p| p.ingress.iter().chain(&p.egress).flatten());
    let items = rules.flat_map(|rule| match &rule.peers {
        Peers::Everyone => [].as_slice(),
        Peers::AnyOf(items) => items,
    });
    items.flat_map(|item| match &item.peer {
        Peer::IpBlock(block) => std::iter::once(block.cidr)
            .chain(block.except.iter().copied())
            .map(IpRange::from)
            .collect(),
        _ => Vec::new(),
    })
}

fn next(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(a) => a.to_bits().checked_add(1).map(|n| IpAddr::V4(n.into())),
        IpAddr::V6(a) => a.to_bits().checked_add(1).map(|n| IpAddr::V6(n.into())),
    }
}

fn previous(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(a) => IpAddr::V4(a.to_bits().saturating_sub(1).into()),
        IpAddr::V6(a) => IpAddr::V6(a.to_bits().saturating_sub(1).into()),
    }
}

/// Collects places and gives equal ones one index.
#[derive(Debug, Default)]
pub(crate) struct Places {
    pub(crate) list: Vec<Place>,
    index: HashMap<Place, u32, foldhash::fast::FixedState>,
}

impl Places {
    pub(crate) fn add(&mut self, place: Place) -> u32 {
        let next = u32::try_from(self.list.len()).expect("fewer than 2^32 places");
        *self.index.entry(place).or_insert_with_key(|place| {
            self.list.push(place.clone());
            next
        })
    }
}

/// The addresses at which a pod is seen. A host-network pod has its node's (rule N52).
pub(crate) fn addresses_of(pod: &Pod, node: Option<&Node>) -> Vec<IpAddr> {
    if pod.host_network
        && let Some(node) = node
        && !node.internal.is_empty()
    {
        return node.internal.clone();
    }
    pod.addresses.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::manifests;

    #[test]
    fn atoms_are_cut_at_every_border_and_cover_everything() {
        let (cluster, _) = manifests::parse(
            "t",
            "{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: p, namespace: x}, spec: {ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]}]}}",
        );
        let atoms = Atoms::new(&cluster);
        let text: Vec<_> = atoms.ranges().iter().map(ToString::to_string).collect();
        assert_eq!(
            text,
            [
                "0.0.0.0-9.255.255.255",
                "10.0.0.0/16",
                "10.1.0.0/16",
                "10.2.0.0-10.255.255.255",
                "11.0.0.0-255.255.255.255",
                "::/0"
            ]
        );
        for (address, atom) in [
            ("0.0.0.0", 0),
            ("10.0.255.255", 1),
            ("10.1.0.0", 2),
            ("255.255.255.255", 4),
            ("::1", 5),
        ] {
            assert_eq!(atoms.find(address.parse().unwrap()), atom, "{address}");
        }
    }
}
