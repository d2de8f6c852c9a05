//! Exceptions without a date: never over, so told of as long as they are open.

use crate::engine::Entity;
use crate::model::{Direction, PortSet, Severity};

use super::super::super::plan::{Claim, End, ends_of};
use super::super::{About, Code};
use super::{Demands, outside};

impl Demands<'_, '_> {
    /// An exception without a date is never over: it is told of as long as it is open.
    pub(super) fn undated(&mut self, claim: &Claim) {
        let world = self.world;
        let needed = |x: &Entity, y: &Entity, open: &PortSet| -> PortSet {
            let without = world.plan.may_without_exceptions(x, y);
            let ports = world.plan.claimed(claim, x, y).cloned().unwrap_or_default();
            ports.intersection(open).difference(&without)
        };
        let wide = |end: &End| end.is_wide() || outside(end);
        let from_wide = wide(&claim.from);
        if from_wide && wide(&claim.to) {
            return;
        }
        if from_wide || wide(&claim.to) {
            let (direction, inner) = if from_wide {
                (Direction::Ingress, &claim.to)
            } else {
                (Direction::Egress, &claim.from)
            };
            for member in self.world.members(inner) {
                let Some(own) = member.entities.first() else {
                    continue;
                };
                let mut open = PortSet::empty();
                let mut sample = None;
                let pieces = world.pieces_for(own).map(|piece| &piece.rep);
                for peer in pieces.chain(world.strangers_to(own)) {
                    let (x, y) = ends_of(direction, own, peer);
                    let ports = needed(x, y, &world.engine.side(direction, own, peer).sure);
                    if !ports.is_empty() {
                        sample.get_or_insert_with(|| peer.clone());
                        open = open.union(&ports);
                    }
                }
                if let Some(peer) = sample {
                    let other = if from_wide { &claim.from } else { &claim.to };
                    let id = other.word().unwrap_or("external");
                    let (ids, pair) = match direction {
                        Direction::Egress => ((member.id.as_str(), id), (own, &peer)),
                        Direction::Ingress => ((id, member.id.as_str()), (&peer, own)),
                    };
                    self.put_undated(ids, &open, pair, claim);
                }
            }
            return;
        }
        let (from, to) = (
            self.world.members(&claim.from),
            self.world.members(&claim.to),
        );
        for a in &from {
            for b in &to {
                if let Some((x, y)) = self.world.pick(a, b) {
                    let ports = needed(&x, &y, &world.engine.allowed(&x, &y).sure);
                    self.put_undated((&a.id, &b.id), &ports, (&x, &y), claim);
                }
            }
        }
    }

    fn put_undated(
        &mut self,
        ids: (&str, &str),
        ports: &PortSet,
        pair: (&Entity, &Entity),
        claim: &Claim,
    ) {
        let mut key = self.key(Code::Expired, About::NoDate, ids.0, ids.1, claim);
        let origin = &self.world.plan.origins[claim.origin];
        key.severity = origin.severity.unwrap_or(Severity::Warning);
        self.put(key, ports, pair, claim);
    }
}
