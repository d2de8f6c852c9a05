//! Places: what a policy can tell apart. Pods that no policy can tell apart share one.
//!
//! A pod with an IPv4 and an IPv6 address has two places, because a block matches within one family (rule N59).

use std::net::IpAddr;

use crate::model::{Family, IpRange, Node, Pod};

/// One thing a policy may select or name. Equal places are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) kind: PlaceKind,
    /// The namespace of a pod; [`NONE`] for everything else.
    pub(crate) space: u32,
    /// Its labels as far as selectors read them.
    pub(crate) labels: u32,
    /// The labels of the node whose address it has, [`NONE`] where there is none or they are not known.
    pub(crate) node_labels: u32,
    /// `None`: the address is not known, it may be of either family.
    pub(crate) family: Option<Family>,
    /// The piece of the address space it lies in; [`NONE`]: not known.
    pub(crate) atom: u32,
    /// The container ports whose names some rule uses.
    pub(crate) table: u32,
}

pub(crate) const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PlaceKind {
    /// A pod with a network of its own.
    Pod,
    /// A pod on its node's network. Selectors do not see it (rule N52).
    HostPod,
    /// An address of a node that its status lists.
    Node,
    /// Another address that packets of a node may carry (rule N50).
    Tunnel,
    /// Any address that is none of the above.
    Outside,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            kind: PlaceKind::Outside,
            space: NONE,
            labels: NONE,
            node_labels: NONE,
            family: None,
            atom: NONE,
            table: 0,
        }
    }
}

impl Place {
    /// Whether cluster-wide policies, NetworkPolicies or others can have it as subject.
    pub(crate) fn is_subject(&self) -> bool {
        self.kind == PlaceKind::Pod
    }
}

/// The address space cut at every border that a block of some policy draws. All addresses of an atom are alike to policies.
///
/// Atoms keep their numbers when others are cut: a new one gets the next number.
#[derive(Clone, Debug)]
pub(crate) struct Atoms {
    starts: Vec<(IpAddr, u32)>, // Ascending, IPv4 first; covers everything.
    ranges: Vec<IpRange>,       // By number.
}

impl Default for Atoms {
    fn default() -> Self {
        Self {
            starts: vec![(IpRange::V4.first(), 0), (IpRange::V6.first(), 1)],
            ranges: vec![IpRange::V4, IpRange::V6],
        }
    }
}

impl Atoms {
    /// Makes borders around a range. Returns each atom that was cut, with the new one.
    pub(crate) fn cut(&mut self, range: IpRange) -> Vec<(u32, u32)> {
        let borders = [Some(range.first()), next(range.last())];
        borders
            .into_iter()
            .flatten()
            .filter_map(|at| self.cut_before(at))
            .collect()
    }

    fn cut_before(&mut self, at: IpAddr) -> Option<(u32, u32)> {
        let after = self.starts.partition_point(|(start, _)| *start <= at);
        let (start, parent) = self.starts[after - 1];
        if start == at {
            return None;
        }
        let whole = self.ranges[parent as usize];
        let child = u32::try_from(self.ranges.len()).expect("fewer than 2^32 ranges");
        self.ranges[parent as usize] = IpRange::new(start, previous(at))?;
        self.ranges.push(IpRange::new(at, whole.last())?);
        self.starts.insert(after, (at, child));
        Some((parent, child))
    }

    pub(crate) fn find(&self, address: IpAddr) -> u32 {
        let after = self.starts.partition_point(|(start, _)| *start <= address);
        self.starts[after.saturating_sub(1)].1
    }

    /// The numbers of the atoms inside a range whose borders have been made, in address order.
    pub(crate) fn within(&self, range: IpRange) -> impl Iterator<Item = u32> + '_ {
        let from = self
            .starts
            .partition_point(|(start, _)| *start < range.first());
        self.starts[from..]
            .iter()
            .take_while(move |(start, _)| range.contains(*start))
            .map(|(_, atom)| *atom)
    }

    /// By number.
    pub(crate) fn ranges(&self) -> &[IpRange] {
        &self.ranges
    }
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

/// The addresses at which a pod is seen. A host-network pod has its node's (rule N52).
pub(crate) fn addresses_of<'a>(pod: &'a Pod, node: Option<&'a Node>) -> &'a [IpAddr] {
    match node {
        Some(node) if pod.host_network && !node.internal.is_empty() => &node.internal,
        _ => &pod.addresses,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn atoms_are_cut_at_every_border_and_cover_everything() {
        let mut atoms = Atoms::default();
        let net = |text: &str| IpRange::from(text.parse::<ipnet::IpNet>().unwrap());
        assert_eq!(atoms.cut(net("10.0.0.0/8")), [(0, 2), (2, 3)]);
        assert_eq!(atoms.cut(net("10.1.0.0/16")), [(2, 4), (4, 5)]);
        assert_eq!(atoms.cut(net("10.1.0.0/16")), []);
        assert_eq!(atoms.cut(net("::/0")), []);
        let text: Vec<_> = atoms.ranges().iter().map(ToString::to_string).collect();
        assert_eq!(
            text,
            [
                "0.0.0.0-9.255.255.255",
                "::/0",
                "10.0.0.0/16",
                "11.0.0.0-255.255.255.255",
                "10.1.0.0/16",
                "10.2.0.0-10.255.255.255",
            ]
        );
        for (address, atom) in [
            ("0.0.0.0", 0),
            ("10.0.255.255", 2),
            ("10.1.0.0", 4),
            ("255.255.255.255", 3),
            ("::1", 1),
        ] {
            assert_eq!(atoms.find(address.parse().unwrap()), atom, "{address}");
        }
        assert_eq!(
            atoms.within(net("10.0.0.0/8")).collect::<Vec<_>>(),
            [2, 4, 5]
        );
        assert_eq!(
            atoms.within(net("0.0.0.0/0")).collect::<Vec<_>>(),
            [0, 2, 4, 5, 3]
        );
    }
}
