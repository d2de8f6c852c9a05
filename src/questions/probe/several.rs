//! Probes without a single port: on which ports.

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use crate::engine::{Allowed, Engine, Entity, Reason, Verdict};
use crate::model::{PortRange, PortSet, Protocol};
use crate::questions::ends::{self, End, PortQuery, ports_of};

use super::judge::is_aside;
use super::{Answer, arrive, blank};

/// The ports that a query means at pods; of a name none.
pub(super) fn wanted_ports(query: &PortQuery) -> PortSet {
    let single = |port: u16| Some((port, port));
    let (protocol, range) = match query {
        PortQuery::Number { protocol, port } => (protocol, single(*port)),
        PortQuery::Range {
            protocol,
            first,
            last,
        } => (protocol, Some((*first, *last))),
        PortQuery::Any { protocol: None } => return PortSet::all(),
        PortQuery::Any { protocol } => (protocol, Some((1, u16::MAX))),
        PortQuery::Named { .. } => return PortSet::empty(),
    };
    let range = range
        .and_then(|(first, last)| PortRange::new(NonZeroU16::new(first)?, NonZeroU16::new(last)?));
    range.map_or_else(PortSet::empty, |range| {
        PortSet::range(protocol.unwrap_or_default(), range)
    })
}

/// What every pair lets through, the ports that lead elsewhere included.
struct Open {
    allowed: Allowed,
    /// The ports that can be asked: at an address that is only a Service's, its ports are all there are.
    wanted: PortSet,
    unreachable: Option<Reason>,
}

fn open_ports(engine: &Engine, from: &End, sources: &[Entity], to: &End, wanted: &PortSet) -> Open {
    let mut allowed: Option<Allowed> = None;
    let mut unreachable: Option<Reason> = None;
    let mut seen: BTreeSet<Entity> = BTreeSet::new();
    for a in sources {
        for b in &to.entities {
            if is_aside(engine, sources, &to.entities, a, b) {
                continue;
            }
            let b = arrive::as_seen_from(engine, a, b);
            if let Some(reason) = engine.unreachable(a, &b) {
                unreachable = Some(reason);
            } else {
                let one = engine.allowed(a, &b);
                allowed = Some(match allowed {
                    None => one,
                    Some(before) => before.merge(&one),
                });
            }
            seen.insert(b);
        }
    }
    let mut allowed = allowed.unwrap_or_else(Allowed::nothing);
    let mut fronts = PortSet::empty();
    let mut only_fronts = !seen.is_empty();
    for at in seen.iter().filter(|_| !to.is_range()) {
        only_fronts &= arrive::is_front_only(engine, at);
        for (protocol, port, _) in engine.fronts(at) {
            let one = PortSet::port(protocol, port);
            if !wanted.contains(protocol, port) || one.is_subset(&fronts) {
                continue;
            }
            fronts = fronts.union(&one);
            let mut there = blank(from, to, protocol, Some(port));
            arrive::answer(engine, &mut there, sources, protocol, port);
            allowed.sure = allowed.sure.difference(&one);
            allowed.possible = allowed.possible.difference(&one);
            if there.verdict == Verdict::Allow {
                allowed.sure = allowed.sure.union(&one);
            }
            if matches!(there.verdict, Verdict::Allow | Verdict::Unknown) {
                allowed.possible = allowed.possible.union(&one);
            }
        }
    }
    let wanted = if only_fronts && !to.is_range() {
        fronts
    } else {
        wanted.clone()
    };
    Open {
        allowed,
        wanted,
        unreachable,
    }
}

/// No single port: which are open. With `wanted` spelled out (`any`, a range) all of them have to be.
pub(super) fn several_ports(
    engine: &Engine,
    from: &End,
    sources: &[Entity],
    to: &End,
    wanted: &PortSet,
    all: bool,
) -> Answer {
    let Open {
        allowed,
        wanted,
        unreachable,
    } = open_ports(engine, from, sources, to, wanted);
    if wanted.is_empty() {
        let mut none = blank(from, to, Protocol::Tcp, None);
        none.reason = Reason::NoServicePort;
        return none;
    }
    let wanted = &wanted;
    let sure = allowed.sure.intersection(wanted);
    let possible = allowed.possible.intersection(wanted);
    // One port carries the explanation: an open one, else one that pods declare, else the first.
    let declared =
        ports_of(engine, to)
            .into_iter()
            .find_map(|text| match ends::parse_port(&text) {
                Ok(PortQuery::Number { protocol, port }) => {
                    Some((protocol.unwrap_or_default(), port))
                }
                _ => None,
            });
    let pick = |set: &PortSet| {
        set.iter()
            .next()
            .map(|(protocol, range)| (protocol, range.first()))
    };
    let example = if all && !wanted.is_subset(&sure) {
        pick(&wanted.difference(&sure))
    } else {
        pick(&sure)
            .or_else(|| pick(&possible))
            .or(declared)
            .or_else(|| pick(wanted))
    };
    let (protocol, port) = example.unwrap_or((Protocol::Tcp, 1));
    let mut answer = blank(from, to, protocol, None);
    arrive::answer(engine, &mut answer, sources, protocol, port);
    let open = if all {
        wanted.is_subset(&sure)
    } else {
        !sure.is_empty()
    };
    let unreachable = unreachable.is_some() || answer.verdict == Verdict::Unreachable;
    if unreachable && possible.is_empty() {
        // Kept as judged.
    } else if open {
        answer.verdict = Verdict::Allow;
    } else if possible.is_empty() {
        answer.verdict = Verdict::Deny;
    } else {
        if sure.is_empty() || answer.verdict == Verdict::Unknown {
            answer.all_agree = answer.pairs.is_empty();
        } else {
            // Some of the ports asked for are open, others are not.
            answer.reason = Reason::PairsDiffer;
            answer.all_agree = false;
        }
        answer.verdict = Verdict::Unknown;
    }
    answer.ports.extend(
        sure.iter()
            .map(|(protocol, range)| (protocol, range, Verdict::Allow)),
    );
    answer.ports.extend(
        possible
            .difference(&sure)
            .iter()
            .map(|(protocol, range)| (protocol, range, Verdict::Unknown)),
    );
    answer.ports.sort();
    answer
}
