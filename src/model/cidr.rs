//! Address ranges, sets of them, and the blocks of a policy.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// The two address families; an address and a block only ever meet within one (rule N28).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() {
            Self::V4
        } else {
            Self::V6
        }
    }
}

/// An inclusive range of addresses of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IpRange {
    first: IpAddr, // Invariant: same family as last, and first <= last.
    last: IpAddr,
}

impl IpRange {
    pub const V4: Self = Self {
        first: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        last: IpAddr::V4(Ipv4Addr::BROADCAST),
    };
    pub const V6: Self = Self {
        first: IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        last: IpAddr::V6(Ipv6Addr::from_bits(u128::MAX)),
    };

    /// `None` when the ends are of different families or the wrong way round.
    pub fn new(first: IpAddr, last: IpAddr) -> Option<Self> {
        (first.is_ipv4() == last.is_ipv4() && first <= last).then_some(Self { first, last })
    }

    pub fn single(address: IpAddr) -> Self {
        Self {
            first: address,
            last: address,
        }
    }

    pub fn first(self) -> IpAddr {
        self.first
    }

    pub fn last(self) -> IpAddr {
        self.last
    }

    pub fn family(self) -> Family {
        Family::of(self.first)
    }

    pub fn contains(self, address: IpAddr) -> bool {
        self.first.is_ipv4() == address.is_ipv4() && self.first <= address && address <= self.last
    }

    /// The smallest network that holds two addresses; `None` when they are of different families.
    pub fn around(a: IpAddr, b: IpAddr) -> Option<Self> {
        let bits: u32 = match (a, b) {
            (IpAddr::V4(_), IpAddr::V4(_)) => 32,
            (IpAddr::V6(_), IpAddr::V6(_)) => 128,
            _ => return None,
        };
        let host_bits = 128 - (number(a) ^ number(b)).leading_zeros();
        let prefix = u8::try_from(bits - host_bits).ok()?;
        IpNet::new(a, prefix).ok().map(Self::from)
    }

    /// The one network that is exactly this range, when there is one.
    pub fn as_net(self) -> Option<IpNet> {
        let bits = if self.first.is_ipv4() { 32 } else { 128 };
        let (first, last) = (number(self.first), number(self.last));
        let host_bits = (first ^ last)
            .checked_add(1)
            .map_or(128, u128::trailing_zeros);
        let prefix = bits - u8::try_from(host_bits).ok()?.min(bits);
        let net = IpNet::new(self.first, prefix).ok()?;
        (net.network() == self.first && net.broadcast() == self.last).then_some(net)
    }
}

impl From<IpNet> for IpRange {
    /// Host bits are masked away: `10.0.1.7/16` is `10.0.0.0/16` (rule N31).
    fn from(net: IpNet) -> Self {
        Self {
            first: net.network(),
            last: net.broadcast(),
        }
    }
}

impl fmt::Display for IpRange {
    /// A single address, a network where it is one, else `first-last`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else if let Some(net) = self.as_net() {
            write!(f, "{net}")
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn after(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => v4.to_bits().checked_add(1).map(|n| IpAddr::V4(n.into())),
        IpAddr::V6(v6) => v6.to_bits().checked_add(1).map(|n| IpAddr::V6(n.into())),
    }
}

fn before(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => v4.to_bits().checked_sub(1).map(|n| IpAddr::V4(n.into())),
        IpAddr::V6(v6) => v6.to_bits().checked_sub(1).map(|n| IpAddr::V6(n.into())),
    }
}

/// A set of addresses as disjoint ranges, IPv4 before IPv6, each in address order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddressSet {
    ranges: Vec<IpRange>, // Invariant: sorted, disjoint, never adjacent.
}

impl AddressSet {
    pub fn empty() -> Self {
        Self::default()
    }

    /// Every IPv4 and every IPv6 address.
    pub fn all() -> Self {
        Self {
            ranges: vec![IpRange::V4, IpRange::V6],
        }
    }

    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    pub fn is_all(&self) -> bool {
        *self == Self::all()
    }

    pub fn iter(&self) -> impl Iterator<Item = IpRange> + '_ {
        self.ranges.iter().copied()
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.contains(address))
    }

    /// The part of one family.
    #[must_use]
    pub fn only(&self, family: Family) -> Self {
        Self {
            ranges: self
                .ranges
                .iter()
                .filter(|range| range.family() == family)
                .copied()
                .collect(),
        }
    }

    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).collect()
    }

    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut ranges = Vec::new();
        for a in &self.ranges {
            for b in &other.ranges {
                if let Some(both) = IpRange::new(a.first.max(b.first), a.last.min(b.last))
                    && a.family() == b.family()
                {
                    ranges.push(both);
                }
            }
        }
        ranges.into_iter().collect()
    }

    #[must_use]
    pub fn complement(&self) -> Self {
        let mut ranges = Vec::new();
        for whole in [IpRange::V4, IpRange::V6] {
            let mut next = Some(whole.first);
            for range in self
                .ranges
                .iter()
                .filter(|range| range.family() == whole.family())
            {
                if let (Some(first), Some(last)) = (next, before(range.first)) {
                    ranges.extend(IpRange::new(first, last));
                }
                next = after(range.last);
            }
            ranges.extend(next.and_then(|first| IpRange::new(first, whole.last)));
        }
        Self { ranges }
    }

    /// What is in `self` and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.intersection(&other.complement())
    }

    pub fn is_subset(&self, other: &Self) -> bool {
        self.difference(other).is_empty()
    }

    /// The first address, IPv4 before IPv6.
    pub fn first(&self) -> Option<IpAddr> {
        self.ranges.first().map(|range| range.first)
    }
}

impl FromIterator<IpRange> for AddressSet {
    fn from_iter<I: IntoIterator<Item = IpRange>>(ranges: I) -> Self {
        let mut all: Vec<IpRange> = ranges.into_iter().collect();
        all.sort_unstable();
        let mut ranges: Vec<IpRange> = Vec::with_capacity(all.len());
        for range in all {
            match ranges.last_mut() {
                Some(open)
                    if open.family() == range.family()
                        && after(open.last).is_none_or(|next| range.first <= next) =>
                {
                    open.last = open.last.max(range.last);
                }
                _ => ranges.push(range),
            }
        }
        Self { ranges }
    }
}

impl From<IpRange> for AddressSet {
    fn from(range: IpRange) -> Self {
        Self {
            ranges: vec![range],
        }
    }
}

impl fmt::Display for AddressSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.iter().enumerate() {
            write!(f, "{}{range}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// A network with holes, as a policy writes it. Holes narrow this one peer, they deny nothing (rule N29).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IpBlock {
    pub cidr: IpNet,
    pub except: Vec<IpNet>,
}

impl IpBlock {
    /// The addresses it stands for; empty when the holes take everything (rule N30).
    pub fn addresses(&self) -> AddressSet {
        let holes: AddressSet = self.except.iter().map(|net| IpRange::from(*net)).collect();
        AddressSet::from(IpRange::from(self.cidr)).difference(&holes)
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        self.cidr.contains(&address) && !self.except.iter().any(|hole| hole.contains(&address))
    }
}

impl fmt::Display for IpBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cidr)?;
        for (index, hole) in self.except.iter().enumerate() {
            write!(f, "{}{hole}", if index == 0 { " except " } else { ", " })?;
        }
        Ok(())
    }
}

/// The addresses of the public internet: `2000::/3`, and IPv4 without its special ranges.
pub fn internet() -> AddressSet {
    let special = [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/3",
    ];
    let special: AddressSet = special.into_iter().map(net).collect();
    AddressSet::from(IpRange::V4)
        .difference(&special)
        .union(&AddressSet::from(net("2000::/3")))
}

fn net(text: &str) -> IpRange {
    IpRange::from(
        text.parse::<IpNet>()
            .expect("a literal network in this file"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn set(ranges: &[&str]) -> AddressSet {
        ranges
            .iter()
            .map(|text| IpRange::from(text.parse::<IpNet>().unwrap()))
            .collect()
    }

    #[test]
    fn a_hole_is_left_out_and_nothing_else() {
        let block = IpBlock {
            cidr: "10.0.0.0/8".parse().unwrap(),
            except: vec!["10.1.0.0/16".parse().unwrap()],
        };
        for (address, inside) in [
            ("10.0.255.255", true),
            ("10.1.0.0", false),
            ("10.2.0.0", true),
            ("11.0.0.0", false),
        ] {
            assert_eq!(block.contains(ip(address)), inside, "{address}");
            assert_eq!(
                block.addresses().contains(ip(address)),
                inside,
                "{address}, as a set"
            );
        }
    }

    #[test]
    fn a_hole_as_wide_as_the_block_leaves_nothing() {
        let block = IpBlock {
            cidr: "10.0.2.0/24".parse().unwrap(),
            except: vec!["10.0.2.0/24".parse().unwrap()],
        };
        assert!(block.addresses().is_empty());
    }

    #[test]
    fn complement_reaches_both_ends_of_both_families() {
        assert_eq!(AddressSet::all().complement(), AddressSet::empty());
        assert_eq!(AddressSet::empty().complement(), AddressSet::all());
        let rest = set(&["0.0.0.0/1"]).complement();
        assert_eq!(rest.to_string(), "128.0.0.0/1,::/0");
    }

    #[test]
    fn neighbours_join_but_families_do_not() {
        assert_eq!(
            set(&["10.0.0.0/9", "10.128.0.0/9"]).to_string(),
            "10.0.0.0/8"
        );
        assert_eq!(set(&["255.255.255.255/32", "::/128"]).iter().count(), 2);
    }

    #[test]
    fn ranges_print_as_networks_only_when_they_are_one() {
        let range = |a: &str, b: &str| IpRange::new(ip(a), ip(b)).unwrap().to_string();
        assert_eq!(range("10.0.0.0", "10.255.255.255"), "10.0.0.0/8");
        assert_eq!(range("10.0.0.1", "10.0.0.2"), "10.0.0.1-10.0.0.2");
        assert_eq!(range("0.0.0.0", "255.255.255.255"), "0.0.0.0/0");
        assert_eq!(
            range("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            "::/0"
        );
        assert_eq!(range("10.0.0.7", "10.0.0.7"), "10.0.0.7");
    }

    #[test]
    fn the_internet_has_no_private_corner() {
        for (address, inside) in [
            ("8.8.8.8", true),
            ("10.1.1.1", false),
            ("172.31.0.1", false),
            ("172.32.0.1", true),
            ("169.254.169.254", false),
            ("100.100.100.200", false),
            ("224.0.0.1", false),
            ("2a00::1", true),
            ("fd00::1", false),
            ("192.168.1.1", false),
        ] {
            assert_eq!(internet().contains(ip(address)), inside, "{address}");
        }
    }
}
