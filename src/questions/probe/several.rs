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
    let range = range.and_then(|(first, last)| {
        PortRange::new(NonZeroU16::new(first)?, NonZeroU16::new(last)?)
    });
    range.map_or_else(PortSet::empty, |range| {
        PortSet::range(protocol.unwrap_or_default(), range)
    })
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
    let mut allowed: Option<Allowed> = None;
    let mut unreachable: Option<Reason> = None;
    let mut fronts: BTreeSet<(Protocol, u16)> = BTreeSet::new();
    for a in sources {
        for b in &to.entities {
            if is_aside(engine, sources, &to.entities, a, b) {
                continue;
            }
            let b = arrive::as_seen_from(engine, a, b);
            if !to.is_range() {
                let answering = engine.fronts(&b).into_iter();
                fronts.extend(answering.map(|(protocol, port, _)| (protocol, port)));
            }
            if let Some(reason) = engine.unreachable(a, &b) {
                unreachable = Some(reason);
                continue;
            }
            let one = engine.allowed(a, &b);
            allowed = Some(match allowed {
                None => one,
                Some(before) => before.merge(&one),
            });
        }
    }
    let mut allowed = allowed.unwrap_or_else(Allowed::nothing);
    // Ports that lead elsewhere are judged there.
    for (protocol, port) in fronts.into_iter().filter(|(a, b)| wanted.contains(*a, *b)) {
        let mut there = blank(from, to, protocol, Some(port));
        arrive::answer(engine, &mut there, sources, protocol, port);
        let one = PortSet::port(protocol, port);
        allowed.sure = allowed.sure.difference(&one);
        allowed.possible = allowed.possible.difference(&one);
        if there.verdict == Verdict::Allow {
            allowed.sure = allowed.sure.union(&one);
        }
        if matches!(there.verdict, Verdict::Allow | Verdict::Unknown) {
            allowed.possible = allowed.possible.union(&one);
        }
    }
    let sure = allowed.sure.intersection(wanted);
    let possible = allowed.possible.intersection(wanted);
    // One port carries the explanation: an open one, else one that pods declare, else the first.
    let declared = ports_of(engine, to)
        .into_iter()
        .find_map(|text| match ends::parse_port(&text) {
            Ok(PortQuery::Number { protocol, port }) => Some((protocol.unwrap_or_default(), port)),
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
    if unreachable.is_some() && possible.is_empty() {
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

