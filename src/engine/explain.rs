//! Why: the rules that decide, the policies that isolate, and for a denial the rule that comes nearest.
//!
//! Worked out on demand, from the same compiled rules the verdicts come from. Verdicts and sets never pay for it.

mod miss;
mod parts;
mod side;

use crate::compile::Owner;
use crate::model::{Direction, Protocol};

pub use parts::{Explanation, Fail, Limit, Nearest, PeerMiss, RuleId, Side};

use super::judge::Spot;
use super::{Cause, Engine, Entity, Reason, Verdict};

/// One side of a question, within one address family.
struct Asked<'a> {
    direction: Direction,
    subject: &'a Entity,
    spot: &'a Spot<'a>,
    peer: &'a Entity,
    peer_spot: &'a Spot<'a>,
    protocol: Protocol,
    port: u16,
}

impl Asked<'_> {
    fn owner(&self, is_wide: bool) -> Owner {
        Owner {
            space: self.spot.place.space,
            is_wide,
        }
    }

    /// The named ports of the destination, whichever end that is (rule N42).
    fn declared(&self) -> &[crate::model::ContainerPort] {
        match self.direction {
            Direction::Egress => self.peer_spot.ports,
            Direction::Ingress => self.spot.ports,
        }
    }
}

impl Engine {
    /// Explains one connection.
    pub fn explain(
        &self,
        from: &Entity,
        to: &Entity,
        protocol: Protocol,
        port: u16,
    ) -> Explanation {
        let mut limits = Vec::new();
        let mut cases: Vec<(Side, Side)> = if self.is_self(from, to) {
            vec![(
                Side::allow(Reason::SelfTraffic),
                Side::allow(Reason::SelfTraffic),
            )]
        } else {
            let pairs = self.spot_pairs(from, to);
            let explained = pairs.iter().map(|(a, b)| {
                let egress = Asked {
                    direction: Direction::Egress,
                    subject: from,
                    spot: a,
                    peer: to,
                    peer_spot: b,
                    protocol,
                    port,
                };
                let ingress = Asked {
                    direction: Direction::Ingress,
                    subject: to,
                    spot: b,
                    peer: from,
                    peer_spot: a,
                    protocol,
                    port,
                };
                (
                    self.explain_side(&egress, &mut limits),
                    self.explain_side(&ingress, &mut limits),
                )
            });
            explained.collect()
        };
        if cases.is_empty() {
            // Without a common family there is nothing to judge.
            cases.push((
                Side::allow(Reason::NotIsolated),
                Side::allow(Reason::NotIsolated),
            ));
        }
        let causes: Vec<Cause> = cases
            .iter()
            .filter(|(egress, ingress)| {
                combine(egress.verdict, ingress.verdict) == Verdict::Unknown
            })
            .flat_map(|(egress, ingress)| egress.causes.iter().chain(&ingress.causes))
            .cloned()
            .collect();
        // Both ends are asked within each address family; only then are families compared (rules E3, N59).
        let verdicts: Vec<Verdict> = cases
            .iter()
            .map(|(e, i)| combine(e.verdict, i.verdict))
            .collect();
        let agree = verdicts.iter().all(|verdict| *verdict == verdicts[0]);
        let by_policy = if agree { verdicts[0] } else { Verdict::Unknown };
        // Where families differ the obstacle is what a reader is after.
        let shown = verdicts
            .iter()
            .position(|verdict| !agree && *verdict != Verdict::Allow)
            .unwrap_or(0);
        let (mut egress, mut ingress) = cases.swap_remove(shown);
        if agree {
            for (other_egress, other_ingress) in cases {
                egress = egress.join(other_egress);
                ingress = ingress.join(other_ingress);
            }
        }
        let (verdict, reason) = match self.unreachable(from, to) {
            Some(reason) => {
                limits.push(Limit::Shadow { verdict: by_policy });
                (Verdict::Unreachable, reason)
            }
            None if !agree => (by_policy, Reason::PairsDiffer),
            None if by_policy == Verdict::Allow => (by_policy, ingress.reason),
            None if egress.verdict == by_policy => (by_policy, egress.reason),
            None => (by_policy, ingress.reason),
        };
        let mut conditions = if verdict == Verdict::Unknown {
            causes
        } else {
            Vec::new()
        };
        conditions.sort();
        conditions.dedup();
        limits.sort();
        limits.dedup();
        Explanation {
            from: from.clone(),
            to: to.clone(),
            protocol,
            port,
            verdict,
            reason,
            egress,
            ingress,
            conditions,
            limits,
        }
    }
}

/// Both ends have to agree; a certain denial at either is a denial.
pub(crate) fn combine(egress: Verdict, ingress: Verdict) -> Verdict {
    match (egress, ingress) {
        (Verdict::Deny, _) | (_, Verdict::Deny) => Verdict::Deny,
        (Verdict::Unknown, _) | (_, Verdict::Unknown) => Verdict::Unknown,
        _ => Verdict::Allow,
    }
}
