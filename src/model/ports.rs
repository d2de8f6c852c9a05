//! Protocols, ports, and sets of them.

use std::fmt;
use std::num::NonZeroU16;

/// The transport protocols NetworkPolicy knows (rule N37).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    #[default]
    Tcp,
    Udp,
    Sctp,
}

impl Protocol {
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Sctp];

    /// Reads the API's spelling; case does not matter, so that `53/udp` may be typed.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|protocol| protocol.as_str().eq_ignore_ascii_case(text))
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An inclusive range of ports. Never empty, never holds 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortRange {
    first: NonZeroU16, // Invariant: first <= last.
    last: NonZeroU16,
}

impl PortRange {
    /// Every port there is.
    pub const ALL: Self = Self {
        first: NonZeroU16::MIN,
        last: NonZeroU16::MAX,
    };

    /// Reads `port` and `endPort`; `None` when `endPort` is the smaller.
    pub fn new(first: NonZeroU16, last: NonZeroU16) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    pub fn single(port: NonZeroU16) -> Self {
        Self {
            first: port,
            last: port,
        }
    }

    pub fn first(self) -> u16 {
        self.first.get()
    }

    pub fn last(self) -> u16 {
        self.last.get()
    }

    pub fn contains(self, port: u16) -> bool {
        (self.first.get()..=self.last.get()).contains(&port)
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            f.write_str("any")
        } else if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

/// A set of (protocol, port), kept as disjoint ranges in protocol and port order.
///
/// Ports run from 1 to 65535. ICMP and other protocols are no members: NetworkPolicy does not speak of them (rule N47).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortSet {
    ranges: Vec<(Protocol, PortRange)>, // Invariant: sorted, disjoint, never adjacent within a protocol.
}

impl PortSet {
    pub fn empty() -> Self {
        Self::default()
    }

    /// Every port of every protocol.
    pub fn all() -> Self {
        Self {
            ranges: Protocol::ALL
                .map(|protocol| (protocol, PortRange::ALL))
                .to_vec(),
        }
    }

    pub fn range(protocol: Protocol, range: PortRange) -> Self {
        Self {
            ranges: vec![(protocol, range)],
        }
    }

    /// The set of one port; port 0 gives the empty set.
    pub fn port(protocol: Protocol, port: u16) -> Self {
        NonZeroU16::new(port).map_or_else(Self::empty, |port| {
            Self::range(protocol, PortRange::single(port))
        })
    }

    /// From ranges that already are in order, disjoint, and not adjacent within a protocol.
    pub(crate) fn from_sorted(ranges: Vec<(Protocol, PortRange)>) -> Self {
        debug_assert!(
            ranges.windows(2).all(|pair| {
                pair[0].0 < pair[1].0
                    || (pair[0].0 == pair[1].0
                        && u32::from(pair[0].1.last()) + 1 < u32::from(pair[1].1.first()))
            }),
            "ranges in order"
        );
        Self { ranges }
    }

    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    pub fn is_all(&self) -> bool {
        self.ranges.len() == 3
            && self
                .ranges
                .iter()
                .all(|(_, range)| *range == PortRange::ALL)
    }

    pub fn contains(&self, protocol: Protocol, port: u16) -> bool {
        self.ranges
            .iter()
            .any(|(p, range)| *p == protocol && range.contains(port))
    }

    /// Walks the ranges: by protocol (TCP, UDP, SCTP), then by port; never adjacent, never overlapping.
    pub fn iter(&self) -> impl Iterator<Item = (Protocol, PortRange)> + '_ {
        self.ranges.iter().copied()
    }

    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if other.is_empty() || self.is_all() {
            return self.clone();
        }
        if self.is_empty() || other.is_all() {
            return other.clone();
        }
        let mut all: Vec<_> = self.ranges.iter().chain(&other.ranges).copied().collect();
        all.sort_unstable();
        let mut ranges: Vec<(Protocol, PortRange)> = Vec::with_capacity(all.len());
        for (protocol, range) in all {
            match ranges.last_mut() {
                // u32, so that a range ending at 65535 does not overflow.
                Some((p, open))
                    if *p == protocol && u32::from(range.first()) <= u32::from(open.last()) + 1 =>
                {
                    open.last = open.last.max(range.last);
                }
                _ => ranges.push((protocol, range)),
            }
        }
        Self { ranges }
    }

    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        if self.is_all() {
            return other.clone();
        }
        if other.is_all() {
            return self.clone();
        }
        let mut ranges = Vec::new();
        for (protocol, a) in &self.ranges {
            for (p, b) in &other.ranges {
                if p == protocol
                    && let Some(both) = PortRange::new(a.first.max(b.first), a.last.min(b.last))
                {
                    ranges.push((*protocol, both));
                }
            }
        }
        Self { ranges }
    }

    /// What is in `self` and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.intersection(&other.complement())
    }

    #[must_use]
    pub fn complement(&self) -> Self {
        let mut ranges = Vec::new();
        for protocol in Protocol::ALL {
            let mut next = 1u32;
            for (_, range) in self.ranges.iter().filter(|(p, _)| *p == protocol) {
                push_gap(&mut ranges, protocol, next, u32::from(range.first()) - 1);
                next = u32::from(range.last()) + 1;
            }
            push_gap(&mut ranges, protocol, next, u32::from(u16::MAX));
        }
        Self { ranges }
    }

    pub fn is_subset(&self, other: &Self) -> bool {
        self.difference(other).is_empty()
    }

    /// The ports of one protocol.
    #[must_use]
    pub fn only(&self, protocol: Protocol) -> Self {
        Self {
            ranges: self
                .ranges
                .iter()
                .filter(|(p, _)| *p == protocol)
                .copied()
                .collect(),
        }
    }
}

fn push_gap(ranges: &mut Vec<(Protocol, PortRange)>, protocol: Protocol, first: u32, last: u32) {
    let port = |n: u32| u16::try_from(n).ok().and_then(NonZeroU16::new);
    if let (Some(first), Some(last)) = (port(first), port(last))
        && let Some(range) = PortRange::new(first, last)
    {
        ranges.push((protocol, range));
    }
}

impl FromIterator<(Protocol, PortRange)> for PortSet {
    fn from_iter<I: IntoIterator<Item = (Protocol, PortRange)>>(ranges: I) -> Self {
        let all = Self {
            ranges: ranges.into_iter().collect(),
        };
        // Union with something non-empty normalises; a set of one range already is normal.
        if all.ranges.len() < 2 {
            return all;
        }
        let (first, rest) = (
            all.ranges[0],
            Self {
                ranges: all.ranges[1..].to_vec(),
            },
        );
        Self {
            ranges: vec![first],
        }
        .union_unchecked(&rest)
    }
}

impl PortSet {
    /// Union that does not trust `other` to be normal.
    fn union_unchecked(&self, other: &Self) -> Self {
        other
            .ranges
            .iter()
            .fold(self.clone(), |set, (protocol, range)| {
                set.union(&Self::range(*protocol, *range))
            })
    }
}

impl fmt::Display for PortSet {
    /// `any`, or ranges as `80/TCP,53/UDP`; `none` for the empty set.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        if self.is_all() {
            return f.write_str("any");
        }
        for (index, (protocol, range)) in self.iter().enumerate() {
            write!(f, "{}{range}/{protocol}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(first: u16, last: u16) -> PortRange {
        PortRange::new(
            NonZeroU16::new(first).unwrap(),
            NonZeroU16::new(last).unwrap(),
        )
        .unwrap()
    }

    #[test]
    fn a_range_is_never_backwards() {
        assert_eq!(
            PortRange::new(NonZeroU16::new(81).unwrap(), NonZeroU16::new(80).unwrap()),
            None
        );
    }

    #[test]
    fn sets_are_written_as_operators_type_them() {
        let set: PortSet = [
            (Protocol::Udp, range(53, 53)),
            (Protocol::Tcp, range(8000, 8010)),
        ]
        .into_iter()
        .collect();
        assert_eq!(set.to_string(), "8000-8010/TCP,53/UDP");
        assert_eq!(PortSet::all().to_string(), "any");
        assert_eq!(
            PortSet::range(Protocol::Udp, PortRange::ALL).to_string(),
            "any/UDP"
        );
    }

    fn any_set() -> impl Strategy<Value = PortSet> {
        proptest::collection::vec((0usize..3, 1u16..40, 0u16..6), 0..6).prop_map(|parts| {
            parts
                .into_iter()
                .map(|(p, first, len)| (Protocol::ALL[p], range(first, first + len)))
                .collect()
        })
    }

    proptest! {
        /// Every operation against membership, port by port: the definition of what a set is.
        #[test]
        fn operations_agree_with_membership(a in any_set(), b in any_set()) {
            for protocol in Protocol::ALL {
                for port in (1..50).chain([u16::MAX]) {
                    let (in_a, in_b) = (a.contains(protocol, port), b.contains(protocol, port));
                    prop_assert_eq!(a.union(&b).contains(protocol, port), in_a || in_b);
                    prop_assert_eq!(a.intersection(&b).contains(protocol, port), in_a && in_b);
                    prop_assert_eq!(a.difference(&b).contains(protocol, port), in_a && !in_b);
                    prop_assert_eq!(a.complement().contains(protocol, port), !in_a);
                }
            }
            // Equal sets must be equal values: reports and classes compare them.
            prop_assert_eq!(a.union(&b), b.union(&a));
            prop_assert_eq!(a.complement().complement(), a);
        }
    }
}
