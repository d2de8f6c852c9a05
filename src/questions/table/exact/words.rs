//! A cell put into words that read back.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv4Subnets, Ipv6Net, Ipv6Subnets};

use crate::model::{AddressSet, Direction, IpBlock, IpRange, PortRange, PortSet, Protocol};

use super::super::super::connections::told_ranges;
use super::super::{Item, ItemState, word};

/// How sure an entry is; in the order they are told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    Must,
    HalfOpen,
    Unknown,
}

impl Mark {
    fn text(self) -> &'static str {
        match self {
            Self::Must => "",
            Self::HalfOpen => " half-open",
            Self::Unknown => "?",
        }
    }
}

/// Who an entry names; in the order they are told.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Peer {
    Any,
    Cluster,
    Elsewhere,
    Dns,
    K8sApi,
    Workload(String),
    External,
    Node,
    Blocks(AddressSet),
}

/// What a cell says, before it is put into words.
#[derive(Default)]
pub(super) struct Said {
    entries: BTreeMap<(Mark, Peer), PortSet>,
}

impl Said {
    pub(super) fn add(&mut self, mark: Mark, peer: Peer, ports: &PortSet) {
        if !ports.is_empty() {
            let own = self
                .entries
                .entry((mark, peer))
                .or_insert_with(PortSet::empty);
            *own = own.union(ports);
        }
    }
}

/// A set of addresses as the fewest networks, holes counted too. IPv4 before IPv6, in address order.
pub(super) fn blocks_of(set: &AddressSet) -> Vec<IpBlock> {
    let whole = [IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())];
    let each = whole.into_iter().flat_map(|net| {
        let own = set.intersection(&IpRange::from(net).into());
        blocks_within(net, &own)
    });
    each.collect()
}

/// The part of a set that lies inside a network: both halves by themselves, or the network with holes.
fn blocks_within(net: IpNet, set: &AddressSet) -> Vec<IpBlock> {
    let whole = AddressSet::from(IpRange::from(net));
    let plain = |except: Vec<IpNet>| vec![IpBlock { cidr: net, except }];
    if set.is_empty() {
        return Vec::new();
    }
    if *set == whole {
        return plain(Vec::new());
    }
    let mut halves = Vec::new();
    for half in net.subnets(net.prefix_len() + 1).into_iter().flatten() {
        let own = set.intersection(&IpRange::from(half).into());
        halves.extend(blocks_within(half, &own));
    }
    let cost: usize = halves.iter().map(|block| 1 + block.except.len()).sum();
    let holes = networks(&whole.difference(set));
    if holes.len() + 1 < cost {
        plain(holes)
    } else {
        halves
    }
}

/// The fewest networks that make up a set.
fn networks(set: &AddressSet) -> Vec<IpNet> {
    let each = set.iter().flat_map(|range| -> Vec<IpNet> {
        match (range.first(), range.last()) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                Ipv4Subnets::new(first, last, 0).map(IpNet::V4).collect()
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                Ipv6Subnets::new(first, last, 0).map(IpNet::V6).collect()
            }
            _ => Vec::new(),
        }
    });
    each.collect()
}

fn block_text(block: &IpBlock) -> String {
    let net = |net: &IpNet| {
        if net.prefix_len() == net.max_prefix_len() {
            net.addr().to_string()
        } else {
            net.to_string()
        }
    };
    let holes: Vec<String> = block.except.iter().map(net).collect();
    if holes.is_empty() {
        net(&block.cidr)
    } else {
        format!("{} except {}", net(&block.cidr), holes.join(", "))
    }
}

/// One port of an entry; `None` is every port and protocol.
type Port = Option<(PortRange, Protocol)>;

/// What belongs into one entry: the mark, the rank, a peer that stands alone, whether it is every port, and the port.
type Key = (Mark, u8, Option<Peer>, bool, Port);

fn port_text(port: Port) -> String {
    let Some((range, protocol)) = port else {
        return "any".to_owned();
    };
    let bare = if range == PortRange::ALL {
        "any".to_owned()
    } else {
        range.to_string()
    };
    match protocol {
        Protocol::Tcp if range != PortRange::ALL => bare,
        other => format!("{bare}/{}", other.as_str().to_lowercase()),
    }
}

/// Puts a cell into words: everybody first, then names by port, networks without a port last.
pub(super) fn words(said: &Said, direction: Direction) -> Vec<Item> {
    let mut items = Vec::new();
    // Ingress entries are one a port, with all its peers; egress entries one a peer, unless nothing is demanded.
    let mut grouped: BTreeMap<Key, Vec<&Peer>> = BTreeMap::new();
    let mut bare: BTreeMap<Mark, Vec<&AddressSet>> = BTreeMap::new();
    for ((mark, peer), ports) in &said.entries {
        if ports.is_all() {
            match peer {
                Peer::Any if *mark == Mark::Must => return vec![plain("Any", PortSet::all())],
                Peer::Any => {
                    items.push(plain("?", PortSet::all()));
                    continue;
                }
                Peer::Blocks(set) => {
                    bare.entry(*mark).or_default().push(set);
                    continue;
                }
                _ => {}
            }
        }
        let rank = match peer {
            Peer::Any | Peer::Cluster | Peer::Elsewhere => 0,
            Peer::Dns => 1,
            _ => 2,
        };
        let alone = rank < 2 || direction == Direction::Egress && *mark == Mark::Must;
        let alone = alone.then(|| peer.clone());
        // Documents write just the port of DNS, and mean both protocols.
        let told = if *peer == Peer::Dns && is_dns(ports) {
            told_ranges(&ports.only(Protocol::Tcp))
        } else {
            told_ranges(ports)
        };
        let each: Vec<Port> = if ports.is_all() {
            vec![None]
        } else {
            let each = told.into_iter();
            each.map(|(protocol, range)| Some((range, protocol)))
                .collect()
        };
        for port in each {
            let key = (*mark, rank, alone.clone(), port.is_none(), port);
            grouped.entry(key).or_default().push(peer);
        }
    }
    for ((mark, _, _, _, port), peers) in &grouped {
        items.push(entry(said, *mark, *port, peers));
    }
    if !bare.is_empty() {
        // Behind the holes of a network only `;` begins something new, so they are one entry.
        let mut blocks: Vec<String> = Vec::new();
        let mut ranges = AddressSet::empty();
        for (mark, sets) in bare {
            for set in sets {
                let each = blocks_of(set);
                blocks.extend(each.iter().map(|block| block_text(block) + mark.text()));
                ranges = ranges.union(set);
            }
        }
        items.push(Item {
            ranges,
            ..plain(&blocks.join("; "), PortSet::all())
        });
    }
    if items.is_empty() {
        items.push(plain("Deny All", PortSet::empty()));
    }
    items
}

/// Whether ports are those of DNS as everybody writes them: 53 over both protocols.
fn is_dns(ports: &PortSet) -> bool {
    let both = PortSet::port(Protocol::Udp, 53).union(&PortSet::port(Protocol::Tcp, 53));
    *ports == both
}

fn entry(said: &Said, mark: Mark, port: Port, peers: &[&Peer]) -> Item {
    let mut names: Vec<String> = Vec::new();
    let mut blocks: Vec<String> = Vec::new();
    let mut ranges = AddressSet::empty();
    for peer in peers {
        match peer {
            Peer::Any => names.push("Any".to_owned()),
            Peer::Cluster => names.push("cluster".to_owned()),
            Peer::Elsewhere => names.push("elsewhere".to_owned()),
            Peer::Dns => names.push("DNS".to_owned()),
            Peer::K8sApi => names.push("K8s API".to_owned()),
            Peer::External => names.push("External".to_owned()),
            Peer::Node => names.push("node".to_owned()),
            Peer::Workload(name) => names.push(name.clone()),
            Peer::Blocks(set) => {
                blocks.extend(blocks_of(set).iter().map(block_text));
                ranges = ranges.union(set);
            }
        }
    }
    let ids = names.clone();
    // Behind the holes of a network only `;` begins something new.
    let listed = if names.is_empty() {
        blocks.join("; ")
    } else {
        let first = names.join(", ");
        std::iter::once(first)
            .chain(blocks)
            .collect::<Vec<_>>()
            .join("; ")
    };
    let is_dns_pair =
        peers == [&Peer::Dns] && said.entries.get(&(mark, Peer::Dns)).is_some_and(is_dns);
    let told = match port {
        // Alone, 53 towards DNS would be both protocols.
        Some((range, Protocol::Tcp)) if peers == [&Peer::Dns] && !is_dns_pair => {
            format!("{range}/tcp")
        }
        other => port_text(other),
    };
    let ports = port.map_or_else(PortSet::all, |(range, protocol)| {
        PortSet::range(protocol, range)
    });
    Item {
        peers: ids,
        ranges,
        ..plain(&format!("{told} ({listed}){}", mark.text()), ports)
    }
}

pub(super) fn plain(text: &str, ports: PortSet) -> Item {
    word(text, ports, ItemState::NoExpectation)
}
