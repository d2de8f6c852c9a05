//! Every connection that is let through, between workloads, with nodes, and with outside ranges.

use std::collections::BTreeSet;

use crate::engine::{Engine, Entity, Group, Groups, Verdict};
use crate::model::{AddressSet, Direction, Family, IpRange, PortSet};

use super::ends::{End, EndKind, node_end, workload_end};
use super::scope::{Scope, workloads};

/// All connections of a cluster. What is not listed is denied, or cannot be tried at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Flows {
    /// Workloads by id, then nodes by name, then outside ranges by address.
    pub peers: Vec<FlowPeer>,
    /// By from, to, then verdict; indices into `peers`.
    pub flows: Vec<Flow>,
    /// Whether only half-open pairs were asked for.
    pub half_open: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FlowPeer {
    pub end: End,
    pub kind: PeerKind,
    /// Only for outside ranges.
    pub ranges: AddressSet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerKind {
    Workload,
    Node,
    External,
}

impl PeerKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Node => "node",
            Self::External => "external",
        }
    }
}

/// Ports of one verdict between two peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    pub from: usize,
    pub to: usize,
    /// `Allow` or `Unknown`; `Deny` only when half-open pairs were asked for.
    pub verdict: Verdict,
    pub ports: PortSet,
    /// For half-open pairs: the side whose rule names the other.
    pub open: Option<Direction>,
}

/// The peers of a cluster, in the order of [`Flows::peers`], each ready for judging.
pub(crate) fn peers(engine: &Engine, groups: &Groups<'_>) -> Vec<(FlowPeer, Group)> {
    let mut found: Vec<(FlowPeer, Group)> = Vec::new();
    for workload in workloads(engine) {
        let end = workload_end(engine, workload);
        let group = groups.group(end.entities.iter().cloned());
        found.push((
            FlowPeer {
                end,
                kind: PeerKind::Workload,
                ranges: AddressSet::empty(),
            },
            group,
        ));
    }
    found.sort_by(|a, b| a.0.end.id.cmp(&b.0.end.id));
    for id in engine.nodes() {
        let end = node_end(engine, id);
        let group = groups.group(end.entities.iter().cloned());
        found.push((
            FlowPeer {
                end,
                kind: PeerKind::Node,
                ranges: AddressSet::empty(),
            },
            group,
        ));
    }
    for set in engine.outside() {
        let entities: Vec<Entity> = set.first().map(Entity::Address).into_iter().collect();
        let id = range_id(&set);
        let end = End {
            name: range_name(&set),
            id,
            kind: EndKind::Addresses(set.clone()),
            entities,
            pods: 0,
        };
        let group = groups.group(end.entities.iter().cloned());
        found.push((
            FlowPeer {
                end,
                kind: PeerKind::External,
                ranges: set,
            },
            group,
        ));
    }
    found
}

/// How a set of outside addresses is written: as ranges that can be typed back.
pub fn range_id(set: &AddressSet) -> String {
    set.iter()
        .map(|range| range.to_string())
        .collect::<Vec<_>>()
        .join(",")
}

/// The shortest way to say it: the ranges, or a network but the others.
pub(crate) fn range_name(set: &AddressSet) -> String {
    let families = [Family::V4, Family::V6].map(|family| set.only(family));
    let names = families.iter().filter(|set| !set.is_empty()).map(|set| {
        let whole = match set.first() {
            Some(address) if address.is_ipv6() => IpRange::V6,
            _ => IpRange::V4,
        };
        let ends = set.iter().next().zip(set.iter().last());
        let around = ends.and_then(|(first, last)| IpRange::around(first.first(), last.last()));
        let mut name = range_id(set);
        for wide in around.into_iter().chain([whole]) {
            let rest = range_id(&AddressSet::from(wide).difference(set));
            let inverted = format!("{wide} except {rest}");
            if !rest.is_empty() && inverted.len() < name.len() {
                name = inverted;
            }
        }
        name
    });
    names.collect::<Vec<_>>().join(",")
}

fn in_scope(peer: &FlowPeer, scope: &Scope) -> bool {
    match &peer.end.kind {
        EndKind::Workload { namespace } => scope.holds(namespace),
        _ => false,
    }
}

/// Judges every pair with at least one workload in scope.
pub fn flows(engine: &Engine, scope: &Scope) -> Flows {
    let mut groups = Groups::new(engine);
    let prepared = peers(engine, &groups);
    let mut flows = Vec::new();
    for (from, (a, source)) in prepared.iter().enumerate() {
        for (to, (b, target)) in prepared.iter().enumerate() {
            if !in_scope(a, scope) && !in_scope(b, scope) {
                continue;
            }
            let allowed = groups.allowed(source, target);
            let unknown = allowed.unknown();
            if !allowed.sure.is_empty() {
                flows.push(Flow {
                    from,
                    to,
                    verdict: Verdict::Allow,
                    ports: allowed.sure,
                    open: None,
                });
            }
            if !unknown.is_empty() {
                flows.push(Flow {
                    from,
                    to,
                    verdict: Verdict::Unknown,
                    ports: unknown,
                    open: None,
                });
            }
        }
    }
    Flows {
        peers: prepared.into_iter().map(|(peer, _)| peer).collect(),
        flows,
        half_open: false,
    }
}

/// Only pairs and ports where a rule that names the other end opens one side, and the other side denies.
pub fn half_open(engine: &Engine, scope: &Scope) -> Flows {
    let groups = Groups::new(engine);
    let prepared = peers(engine, &groups);
    let mut flows = Vec::new();
    for (from, (a, _)) in prepared.iter().enumerate() {
        for (to, (b, _)) in prepared.iter().enumerate() {
            let between_workloads = a.kind == PeerKind::Workload && b.kind == PeerKind::Workload;
            // Members of one workload may be half-open among themselves.
            if !between_workloads || !(in_scope(a, scope) || in_scope(b, scope)) {
                continue;
            }
            for (open, ports) in half_open_ports(engine, &a.end, &b.end) {
                flows.push(Flow {
                    from,
                    to,
                    verdict: Verdict::Deny,
                    ports,
                    open: Some(open),
                });
            }
        }
    }
    Flows {
        peers: prepared.into_iter().map(|(peer, _)| peer).collect(),
        flows,
        half_open: true,
    }
}

/// The ports on which one side names the other and the other denies, by open side. Pods that are alike are asked once.
pub(crate) fn half_open_ports(engine: &Engine, from: &End, to: &End) -> Vec<(Direction, PortSet)> {
    let mut found: Vec<(Direction, PortSet)> = Vec::new();
    let (mut by_egress, mut by_ingress) = (PortSet::empty(), PortSet::empty());
    let mut seen = BTreeSet::new();
    for a in &from.entities {
        for b in &to.entities {
            // One template may stand for several pods.
            if (a == b && engine.is_self(a, b)) || engine.unreachable(a, b).is_some() {
                continue;
            }
            if !seen.insert((engine.likeness(a), engine.likeness(b))) {
                continue;
            }
            let out = engine.named(Direction::Egress, a, b);
            let into = engine.named(Direction::Ingress, b, a);
            if out.is_empty() && into.is_empty() {
                continue;
            }
            // A side that names the other is not open where a cluster-wide policy comes before its rule.
            let source = engine.side(Direction::Egress, a, b);
            let target = engine.side(Direction::Ingress, b, a);
            by_egress =
                by_egress.union(&out.intersection(&source.sure).difference(&target.possible));
            by_ingress =
                by_ingress.union(&into.intersection(&target.sure).difference(&source.possible));
        }
    }
    if !by_egress.is_empty() {
        found.push((Direction::Egress, by_egress));
    }
    if !by_ingress.is_empty() {
        found.push((Direction::Ingress, by_ingress));
    }
    found
}
