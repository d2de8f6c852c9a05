//! What has to work: every demand tried on every pair it speaks of. And what is tolerated but closed.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::{Entity, Reason, Verdict};
use crate::model::{Direction, PortSet, Severity};

use super::super::file::DnsTcp;
use super::super::plan::ends::End;
use super::super::plan::{Bound, BoundContent, Claim, Kind, PortsAt};
use super::trial::{Member, Tried};
use super::world::{Piece, World};
use super::{About, Code, Found, Key};

mod undated;

pub(super) fn judge(world: &World<'_>, found: &mut Found) {
    let plan = world.plan;
    let mut demands = Demands {
        world,
        found,
        broken: BTreeMap::new(),
    };
    for bound in &plan.workloads {
        for (direction, cell) in [Direction::Egress, Direction::Ingress]
            .into_iter()
            .zip(&bound.cells)
        {
            let Some(BoundContent::Claims(claims)) = cell.as_ref().map(|cell| &cell.content) else {
                continue;
            };
            let removed: Vec<&Claim> = claims
                .iter()
                .filter(|claim| claim.kind == Kind::Removed)
                .collect();
            for claim in claims.iter().filter(|claim| claim.kind == Kind::Must) {
                demands.demand(claim, &removed);
            }
            for claim in claims {
                match claim.kind {
                    Kind::Open => demands.open(bound, direction, claim),
                    Kind::May | Kind::MayWarn if !is_widened(claim, claims) => {
                        demands.tolerated(claim);
                    }
                    _ => {}
                }
            }
        }
    }
    for claim in &plan.flows {
        match claim.kind {
            Kind::Must => demands.demand(claim, &[]),
            Kind::May | Kind::MayWarn if !is_widened(claim, &plan.flows) => {
                demands.tolerated(claim);
            }
            Kind::Exception if plan.origins[claim.origin].expires.is_none() => {
                demands.undated(claim);
            }
            _ => {}
        }
    }
}

/// Whether anybody is tolerated only because policy cannot name the API server as a source: nobody asked for everybody.
fn is_widened(claim: &Claim, claims: &[Claim]) -> bool {
    let asks = |other: &Claim| {
        other.origin == claim.origin && matches!(other.from, End::K8sApi(_)) && other.to == claim.to
    };
    claim.from == End::Any && claims.iter().any(asks)
}

struct Demands<'w, 'f> {
    world: &'w World<'w>,
    found: &'f mut Found,
    /// By rule and source: which demands of a rule are broken, so that its softer half is not told as well.
    broken: BTreeMap<(usize, String), PortSet>,
}

impl Demands<'_, '_> {
    fn key(&self, code: Code, about: About, from: &str, to: &str, claim: &Claim) -> Key {
        let origin = &self.world.plan.origins[claim.origin];
        let severity = match code {
            Code::Broken => origin.severity.unwrap_or(Severity::Error),
            other => other.severity(),
        };
        Key {
            code,
            severity,
            from: from.to_owned(),
            to: to.to_owned(),
            about,
            origin: origin.name.is_some().then_some(claim.origin),
        }
    }

    fn put(&mut self, key: Key, ports: &PortSet, pair: (&Entity, &Entity), claim: &Claim) {
        let sources = self.world.plan.origins[claim.origin].sources.clone();
        self.found.add(key, ports, pair, &sources);
    }

    /// Tries a demand on everything it speaks of.
    fn demand(&mut self, claim: &Claim, removed: &[&Claim]) {
        match (claim.from.is_wide(), claim.to.is_wide()) {
            // From everywhere to everywhere asks nothing of anybody in particular.
            (true, true) => {}
            (true, false) => self.one_sided(claim, Direction::Ingress),
            (false, true) => self.one_sided(claim, Direction::Egress),
            (false, false) => self.both_ends(claim, removed),
        }
    }

    fn both_ends(&mut self, claim: &Claim, removed: &[&Claim]) {
        let world = self.world;
        if outside(&claim.from) || outside(&claim.to) {
            return self.with_outside(claim);
        }
        let from = self.world.members(&claim.from);
        let to = self.world.targets(&claim.to);
        for a in &from {
            let mut results = Vec::new();
            for b in &to {
                let Some((x, y)) = self.world.pick(a, b) else {
                    continue;
                };
                let Some(ports) = world.plan.claimed(claim, &x, &y) else {
                    continue;
                };
                let taken = removed
                    .iter()
                    .filter_map(|other| world.plan.claimed(other, &x, &y))
                    .fold(PortSet::empty(), |all, ports| all.union(ports));
                let ports = ports.difference(&taken);
                let mut result = self.try_pair(&x, &y, &ports);
                if let Some((front, wanted)) = &claim.or_else
                    && wanted.is_subset(&world.engine.allowed(&x, front).sure)
                {
                    result.met = ports.clone();
                    result.denied = PortSet::empty();
                    result.unknown = PortSet::empty();
                }
                results.push((b, x, y, result));
            }
            self.union_of_workloads(claim, &mut results);
            for (b, x, y, result) in &results {
                self.report(claim, (&a.id, &b.id), (x, y), result);
            }
        }
    }

    /// Several workloads under one name: a port has to be open at one of those that declare it, and the others are not asked.
    fn union_of_workloads(&self, claim: &Claim, results: &mut [(&Member, Entity, Entity, Tried)]) {
        let ids: BTreeSet<&str> = results.iter().map(|(b, ..)| b.id.as_str()).collect();
        if claim.row != Some(Direction::Ingress) || ids.len() < 2 {
            return;
        }
        let exposed = |entity: &Entity| match entity {
            Entity::Pod(pod) => self
                .world
                .engine
                .pod(*pod)
                .ports
                .iter()
                .fold(PortSet::empty(), |all, port| {
                    all.union(&PortSet::port(port.protocol, port.port))
                }),
            _ => PortSet::empty(),
        };
        let by_any = results
            .iter()
            .fold(PortSet::empty(), |all, (_, _, y, _)| all.union(&exposed(y)));
        let open = results
            .iter()
            .fold(PortSet::empty(), |all, (_, _, y, result)| {
                all.union(&result.met.intersection(&exposed(y)))
            });
        for (_, _, y, result) in results {
            let asked = exposed(y).union(&by_any.complement()).difference(&open);
            result.denied = result.denied.intersection(&asked);
            result.unknown = result.unknown.intersection(&asked);
        }
    }

    fn report(&mut self, claim: &Claim, ids: (&str, &str), pair: (&Entity, &Entity), t: &Tried) {
        let about = About::Connection;
        for (code, ports) in [
            (Code::Broken, &t.denied),
            (Code::Unknown, &t.unknown),
            (Code::Met, &t.met),
        ] {
            if ports.is_empty() {
                continue;
            }
            if code != Code::Met {
                let broken = self
                    .broken
                    .entry((claim.origin, ids.0.to_owned()))
                    .or_default();
                *broken = broken.union(ports);
            }
            let key = self.key(code, about, ids.0, ids.1, claim);
            self.put(key, ports, pair, claim);
        }
    }

    fn try_pair(&self, from: &Entity, to: &Entity, ports: &PortSet) -> Tried {
        if self.world.engine.unreachable(from, to).is_some() {
            return Tried {
                denied: ports.clone(),
                ..Tried::default()
            };
        }
        Tried::of(ports, &self.world.engine.allowed(from, to))
    }

    /// A demand between pods and outside addresses: every piece of the addresses has to pass.
    fn with_outside(&mut self, claim: &Claim) {
        let world = self.world;
        let (inner, inner_first) = if outside(&claim.to) {
            (&claim.from, true)
        } else {
            (&claim.to, false)
        };
        let members = if inner_first {
            world.members(inner)
        } else {
            world.targets(inner)
        };
        for member in members {
            let Some(own) = member.entities.first() else {
                continue;
            };
            let mut tried: Vec<(&Piece, Tried)> = Vec::new();
            let meant = |piece: &&Piece| {
                let (x, y) = if inner_first {
                    (own, &piece.rep)
                } else {
                    (&piece.rep, own)
                };
                world.plan.claimed(claim, x, y).is_some()
            };
            let mut pieces: Vec<&Piece> = world.pieces_for(own).filter(meant).collect();
            if pieces.is_empty() {
                // Documents name networks of both families for clusters that have one; what has none in common is out of reach.
                pieces = world.pieces.iter().filter(meant).collect();
            }
            for piece in pieces {
                let (x, y) = if inner_first {
                    (own, &piece.rep)
                } else {
                    (&piece.rep, own)
                };
                if let Some(ports) = world.plan.claimed(claim, x, y) {
                    tried.push((piece, self.try_pair(x, y, ports)));
                }
            }
            for code in [Code::Broken, Code::Unknown, Code::Met] {
                let sets: Vec<(&Piece, PortSet)> = tried
                    .iter()
                    .map(|(piece, result)| (*piece, result.part(code).clone()))
                    .collect();
                for (id, ports, rep) in world.fold(None, &sets) {
                    let (ids, pair) = if inner_first {
                        ((member.id.as_str(), id.as_str()), (own, &rep))
                    } else {
                        ((id.as_str(), member.id.as_str()), (&rep, own))
                    };
                    let key = self.key(code, About::Connection, ids.0, ids.1, claim);
                    self.put(key, &ports, pair, claim);
                }
            }
        }
    }

    /// A demand towards anybody: only the workload's own side is asked, by a public address and by strangers.
    fn one_sided(&mut self, claim: &Claim, direction: Direction) {
        let inner = match direction {
            Direction::Egress => &claim.from,
            Direction::Ingress => &claim.to,
        };
        for member in self.world.members(inner) {
            for own in member.entities.iter().take(1) {
                for code in [Code::Broken, Code::Unknown, Code::Met] {
                    let folded = self.sides(claim, direction, own, code);
                    for (id, ports, rep) in folded {
                        self.put_side(
                            code,
                            direction,
                            (&member.id, own),
                            (&id, &rep),
                            &ports,
                            claim,
                        );
                    }
                }
            }
        }
    }

    fn put_side(
        &mut self,
        code: Code,
        direction: Direction,
        own: (&str, &Entity),
        other: (&str, &Entity),
        ports: &PortSet,
        claim: &Claim,
    ) {
        let (about, ids, pair) = match direction {
            Direction::Egress => (About::EgressSide, (own.0, other.0), (own.1, other.1)),
            Direction::Ingress => (About::IngressSide, (other.0, own.0), (other.1, own.1)),
        };
        let key = self.key(code, about, ids.0, ids.1, claim);
        self.put(key, ports, pair, claim);
    }

    /// What one side says to strangers and public addresses, as far as the claim speaks of them and the document lets it.
    fn sides(
        &self,
        claim: &Claim,
        direction: Direction,
        own: &Entity,
        code: Code,
    ) -> Vec<(String, PortSet, Entity)> {
        let world = self.world;
        let part = |peer: &Entity| -> Option<PortSet> {
            let (from, to) = super::super::plan::ends_of(direction, own, peer);
            let ports = world.plan.claimed(claim, from, to)?;
            let ports = ports.intersection(&world.plan.side(direction, own, peer));
            let mut allowed = world.engine.side(direction, own, peer);
            if let Entity::Hypothetical(_) = peer {
                allowed = world.at_home(direction, (own, peer), allowed);
            }
            Some(Tried::of(&ports, &allowed).part(code).clone())
        };
        let mut inside: Option<(&Entity, PortSet)> = None;
        for stranger in world.strangers_to(own) {
            let Some(ports) = part(stranger) else {
                continue;
            };
            inside = Some(match inside {
                None => (stranger, ports),
                // One stranger kept out is enough to break it; met is what holds for all.
                Some((first, all)) => {
                    let joined = if code == Code::Met {
                        all.intersection(&ports)
                    } else {
                        all.union(&ports)
                    };
                    (if all.is_empty() { stranger } else { first }, joined)
                }
            });
        }
        let public = |piece: &&Piece| match &piece.rep {
            Entity::Address(address) => crate::model::cidr::internet().contains(*address),
            _ => false,
        };
        let pieces: Vec<(&Piece, PortSet)> = world
            .pieces_for(own)
            .filter(public)
            .filter_map(|piece| Some((piece, part(&piece.rep)?)))
            .collect();
        world.fold(inside, &pieces)
    }

    /// A port with nobody named: it has to be open to somebody, and whoever is kept out is told of as a remark.
    fn open(&mut self, bound: &Bound, direction: Direction, claim: &Claim) {
        let world = self.world;
        let wanted_anyway = self.demanded(bound, direction);
        let inner = match direction {
            Direction::Egress => &claim.from,
            Direction::Ingress => &claim.to,
        };
        let members = self.world.members(inner);
        // Of several workloads under one name it is enough that one lets somebody in.
        let open = members
            .iter()
            .filter_map(|member| member.entities.first())
            .fold(PortSet::empty(), |all, own| {
                all.union(&self.open_to_somebody(direction, own))
            });
        for member in &members {
            let Some(own) = member.entities.first() else {
                continue;
            };
            let ports = match (direction, &claim.ports) {
                (_, PortsAt::Everywhere(ports)) => ports,
                (Direction::Ingress, PortsAt::At(by_entity)) if by_entity.contains_key(own) => {
                    &by_entity[own]
                }
                (_, PortsAt::At(_)) => continue,
            };
            let closed = ports.difference(&wanted_anyway).difference(&open);
            let rep = world
                .pieces_for(own)
                .next()
                .map(|piece| piece.rep.clone())
                .or_else(|| world.strangers_to(own).next().cloned());
            if let (false, Some(rep)) = (closed.is_empty(), rep) {
                let (ids, pair) = match direction {
                    Direction::Egress => ((member.id.as_str(), "any"), (own, &rep)),
                    Direction::Ingress => (("any", member.id.as_str()), (&rep, own)),
                };
                let key = self.key(Code::Broken, About::ClosedPort, ids.0, ids.1, claim);
                self.put(key, &closed, pair, claim);
            }
            let mut kept_out = PortSet::empty();
            let mut sample = None;
            for (_, ports, rep) in self.sides(claim, direction, own, Code::Broken) {
                kept_out = kept_out.union(&ports);
                sample.get_or_insert(rep);
            }
            if let Some(rep) = sample {
                let kept_out = kept_out.difference(&closed);
                let other = ("any", &rep);
                let own = (member.id.as_str(), own);
                self.put_side(Code::Narrower, direction, own, other, &kept_out, claim);
            }
            let met = ports.difference(&closed);
            if let Some(rep) = world.pieces_for(own).next().map(|piece| piece.rep.clone()) {
                let own = (member.id.as_str(), own);
                self.put_side(Code::Met, direction, own, ("any", &rep), &met, claim);
            }
        }
    }

    /// The ports on which somebody's row demands a connection to (or from) a workload.
    fn demanded(&self, bound: &Bound, direction: Direction) -> PortSet {
        let meant = |end: &End| matches!(end, End::Workload { id, .. } if *id == bound.id);
        let musts = self.world.plan.musts().iter();
        musts
            .filter(|must| match direction {
                Direction::Egress => meant(&must.from),
                Direction::Ingress => meant(&must.to),
            })
            .fold(PortSet::empty(), |all, must| all.union(&must.ports))
    }

    fn open_to_somebody(&self, direction: Direction, own: &Entity) -> PortSet {
        let world = self.world;
        let classes = world.classes.iter().map(super::world::Class::rep);
        let pieces = world.pieces_for(own).map(|piece| piece.rep.clone());
        let strangers = world.strangers.iter().cloned();
        let mut open = PortSet::empty();
        for peer in pieces.chain(strangers).chain(classes) {
            if peer != *own && !world.plan.same_node(own, &peer) {
                open = open.union(&world.engine.side(direction, own, &peer).possible);
            }
            if open.is_all() {
                break;
            }
        }
        open
    }

    /// Tolerated with somebody named, and closed: a remark, or for DNS over TCP a warning.
    fn tolerated(&mut self, claim: &Claim) {
        let world = self.world;
        if claim.from.is_wide() && claim.to.is_wide() {
            return;
        }
        if claim.from.is_wide() || claim.to.is_wide() {
            let (direction, inner) = if claim.from.is_wide() {
                (Direction::Ingress, &claim.to)
            } else {
                (Direction::Egress, &claim.from)
            };
            for member in self.world.members(inner) {
                for own in member.entities.iter().take(1) {
                    for (id, ports, rep) in self.sides(claim, direction, own, Code::Broken) {
                        let own = (member.id.as_str(), own);
                        self.put_side(Code::Narrower, direction, own, (&id, &rep), &ports, claim);
                    }
                }
            }
            return;
        }
        if outside(&claim.from) || outside(&claim.to) {
            return;
        }
        if matches!(claim.to, End::Dns(_)) && world.plan.settings.dns_tcp == DnsTcp::Ignore {
            return;
        }
        let (from, to) = (
            self.world.members(&claim.from),
            self.world.members(&claim.to),
        );
        for a in &from {
            if self.broken.contains_key(&(claim.origin, a.id.clone())) {
                continue;
            }
            for b in &to {
                let Some((x, y)) = self.world.pick(a, b) else {
                    continue;
                };
                let Some(ports) = world.plan.claimed(claim, &x, &y) else {
                    continue;
                };
                // What the other end's cell does not hold is not tolerated as a whole, so nothing is stricter than that.
                let ports = ports.intersection(&world.plan.expects(&x, &y).may);
                let tried = self.try_pair(&x, &y, &ports);
                let over_tcp = claim.kind == Kind::MayWarn;
                let about = if over_tcp {
                    About::DnsOverTcp
                } else {
                    About::Connection
                };
                let mut key = self.key(Code::Narrower, about, &a.id, &b.id, claim);
                if over_tcp {
                    key.severity = Severity::Warning;
                }
                self.put(key, &tried.denied, (&x, &y), claim);
            }
        }
    }
}

fn outside(end: &End) -> bool {
    matches!(end, End::Ranges(_) | End::External | End::Internet)
}

/// What is expected of a connection, and what the cluster shows.
pub(super) fn verdicts(
    key: &Key,
    unreachable: Option<Reason>,
) -> (Option<Verdict>, Option<Verdict>) {
    let is_to_be_closed = matches!(key.about, About::Unwritten | About::Forbidden);
    if key.about == About::NoFamily {
        return (Some(Verdict::Deny), Some(Verdict::Unreachable));
    }
    let expected = if is_to_be_closed {
        Verdict::Deny
    } else {
        Verdict::Allow
    };
    let (expected, actual) = match key.code {
        Code::Broken if unreachable.is_some() => (Verdict::Allow, Verdict::Unreachable),
        Code::Broken | Code::Narrower => (Verdict::Allow, Verdict::Deny),
        Code::Excess | Code::Expired => (Verdict::Deny, Verdict::Allow),
        Code::Latent => (Verdict::Deny, Verdict::Deny),
        Code::Met => (expected, expected),
        Code::Unknown => (expected, Verdict::Unknown),
        _ => return (None, None),
    };
    (Some(expected), Some(actual))
}
