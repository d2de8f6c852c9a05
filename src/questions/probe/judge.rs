//! Pairs of entities judged one by one, and merged: alike is that verdict, else unknown (rule E6).

use std::collections::BTreeSet;

use crate::engine::{Engine, Entity, Explanation, Reason, Side, Verdict};
use crate::model::{Direction, Family, Protocol};

use super::rewrite::{Rewriting, rewrite};
use super::service::hairpin;
use super::{Answer, Pair};

/// One thing to try: an entity at each end, and the port at the destination as policy there sees it.
#[derive(Clone, Debug)]
pub(super) struct Try {
    pub(super) from: Entity,
    pub(super) to: Entity,
    pub(super) protocol: Protocol,
    pub(super) port: u16,
    /// Through a Service back to itself.
    pub(super) hairpin: bool,
    /// The other addresses that policy may see in place of the two ends'.
    pub(super) rewriting: Option<Rewriting>,
    /// Something before policy turns it away.
    pub(super) refused: Option<Reason>,
}

impl Try {
    pub(super) fn plain(from: &Entity, to: &Entity, protocol: Protocol, port: u16) -> Self {
        Self {
            from: from.clone(),
            to: to.clone(),
            protocol,
            port,
            hairpin: false,
            rewriting: None,
            refused: None,
        }
    }

    fn explain(&self, engine: &Engine) -> Explanation {
        let mut why = engine.explain(&self.from, &self.to, self.protocol, self.port);
        if why.verdict == Verdict::Unreachable {
            return why;
        }
        if let Some(rewriting) = &self.rewriting {
            rewrite(engine, self, rewriting, &mut why);
        }
        if self.hairpin {
            why = hairpin(engine, self);
        }
        if let Some(reason) = self.refused {
            (why.verdict, why.reason) = (Verdict::Deny, reason);
            why.conditions.clear();
        }
        why
    }

    /// The same in each address family, where both ends have several (rule N59).
    fn by_family(&self, engine: &Engine) -> Vec<Self> {
        let spread = |entity: &Entity| match entity {
            Entity::Pod(id) if engine.pod(*id).addresses.len() > 1 => {
                let addresses = engine.pod(*id).addresses.iter();
                addresses.map(|a| Entity::PodAt(*id, *a)).collect()
            }
            Entity::Node(id) => {
                let addresses = &engine.node(*id).internal;
                let first = |family| addresses.iter().find(|a| Family::of(**a) == family);
                match (first(Family::V4), first(Family::V6)) {
                    (Some(a), Some(b)) => {
                        vec![Entity::NodeAt(*id, *a), Entity::NodeAt(*id, *b)]
                    }
                    _ => vec![entity.clone()],
                }
            }
            _ => vec![entity.clone()],
        };
        let mut found = Vec::new();
        for from in spread(&self.from) {
            for to in spread(&self.to) {
                if engine.unreachable(&from, &to) != Some(Reason::NoCommonFamily) {
                    found.push(Self {
                        from: from.clone(),
                        to,
                        ..self.clone()
                    });
                }
            }
        }
        found
    }
}

/// Whether a pair is a pod with itself, and not what is asked about: an end stands for several, and this is one of both.
pub(super) fn is_aside(
    engine: &Engine,
    from: &[Entity],
    to: &[Entity],
    a: &Entity,
    b: &Entity,
) -> bool {
    (from.len() > 1 || to.len() > 1) && engine.is_self(a, b)
}

/// Judges every try and merges. `lost` are clients that nothing could be tried for, so that with them pairs always differ.
pub(super) fn judge(engine: &Engine, answer: &mut Answer, tries: &[Try], lost: &[Pair]) {
    // An outside range has pieces of both families; only those that can meet are asked about.
    let meets = |one: &Try| engine.unreachable(&one.from, &one.to) != Some(Reason::NoCommonFamily);
    let some_meet = tries.iter().any(meets);
    let mut judged: Vec<Explanation> = Vec::with_capacity(tries.len());
    for one in tries.iter().filter(|one| !some_meet || meets(one)) {
        let why = one.explain(engine);
        // Two families that differ are two pairs.
        if why.reason == Reason::PairsDiffer {
            let split = one.by_family(engine);
            if split.len() > 1 {
                judged.extend(split.iter().map(|one| one.explain(engine)));
                continue;
            }
        }
        judged.push(why);
    }
    let Some(first) = judged.first() else {
        return;
    };
    let verdict = first.verdict;
    let agree = lost.is_empty() && judged.iter().all(|other| other.verdict == verdict);
    // Where pairs differ the obstacle is what a reader is after.
    let obstacle = judged.iter().find(|why| why.verdict != Verdict::Allow);
    let shown = if agree {
        first
    } else {
        obstacle.unwrap_or(first)
    }
    .clone();
    let limits: BTreeSet<_> = judged.iter().flat_map(|why| &why.limits).cloned().collect();
    let causes: BTreeSet<_> = judged
        .iter()
        .flat_map(|why| &why.conditions)
        .cloned()
        .collect();
    answer.verdict = if agree { verdict } else { Verdict::Unknown };
    answer.reason = if agree {
        shown.reason
    } else {
        Reason::PairsDiffer
    };
    answer.all_agree = agree;
    answer.half_open = half_open(&shown.egress, &shown.ingress);
    answer.egress = shown.egress.clone();
    answer.ingress = shown.ingress.clone();
    answer.shown = Some(shown);
    answer.limits.extend(limits);
    answer.limits.sort();
    answer.limits.dedup();
    answer.conditions = if answer.verdict == Verdict::Unknown {
        causes.into_iter().collect()
    } else {
        Vec::new()
    };
    if !agree {
        let pairs = judged.iter().map(|why| Pair {
            from: entity_id(engine, &why.from),
            to: entity_id(engine, &why.to),
            verdict: why.verdict,
            reason: why.reason,
        });
        answer.pairs = pairs.chain(lost.iter().cloned()).collect();
        answer.pairs.sort();
        answer.pairs.dedup();
    }
}

/// One side names the other end in a rule, and the other side denies.
fn half_open(egress: &Side, ingress: &Side) -> Option<Direction> {
    // A rule open to everyone names nobody.
    let opens = |side: &Side| {
        side.verdict == Verdict::Allow && side.decided_by.iter().any(|rule| rule.item.is_some())
    };
    if opens(egress) && ingress.verdict == Verdict::Deny {
        Some(Direction::Egress)
    } else if opens(ingress) && egress.verdict == Verdict::Deny {
        Some(Direction::Ingress)
    } else {
        None
    }
}

/// How an entity would be typed.
pub fn entity_id(engine: &Engine, entity: &Entity) -> String {
    match entity {
        Entity::Pod(id) => format!(
            "{}/pod/{}",
            engine.namespace_of(*id).name,
            engine.pod(*id).name
        ),
        Entity::Node(id) => format!("node/{}", engine.node(*id).name),
        Entity::Address(address) | Entity::PodAt(_, address) | Entity::NodeAt(_, address) => {
            address.to_string()
        }
        Entity::Hypothetical(pod) => format!("{}/?{}", pod.namespace, pod.labels),
    }
}
