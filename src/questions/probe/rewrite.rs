//! What policy sees where addresses are rewritten on the way (rules N53, N70 to N72): for each end everything it may be, and
//! where that changes the verdict it is unknown.

use std::collections::BTreeMap;

use crate::engine::{Cause, Engine, Entity, Explanation, Reason, Side, Verdict};
use crate::model::{AddressSet, Direction, Resource};

use super::judge::{Try, entity_id};

/// The other addresses that policy may see in place of the ends of a try.
#[derive(Clone, Debug)]
pub(super) struct Rewriting {
    pub(super) sources: Sources,
    pub(super) destination: Destination,
}

/// Whose address a packet carries when it reaches the pod.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sources {
    Client,
    /// The client's, or that of the node where it came in.
    ClientOrNode(Entity),
    /// The client's, or that of any node.
    ClientOrAnyNode,
    /// The client's, or an address of a load balancer that is not known.
    Anywhere,
}

/// What policy at the client sees as destination.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Destination {
    /// What stands behind the address asked for.
    Behind,
    /// The address and port asked for.
    Asked(Entity, u16),
    Either(Entity, u16),
}

/// Judges both ends again for everything they may see.
pub(super) fn rewrite(engine: &Engine, one: &Try, by: &Rewriting, why: &mut Explanation) {
    let egress = egress(engine, one, by, &why.egress);
    let ingress = ingress(engine, one, by, &why.ingress);
    if egress.is_none() && ingress.is_none() {
        return;
    }
    why.egress = egress.unwrap_or_else(|| why.egress.clone());
    why.ingress = ingress.unwrap_or_else(|| why.ingress.clone());
    let sides = [&why.egress, &why.ingress];
    let of = |verdict| sides.iter().find(|side| side.verdict == verdict);
    let decisive = of(Verdict::Deny).or_else(|| of(Verdict::Unknown));
    (why.verdict, why.reason) = decisive.map_or((Verdict::Allow, why.ingress.reason), |s| {
        (s.verdict, s.reason)
    });
    why.conditions = if why.verdict == Verdict::Unknown {
        let mut causes: Vec<Cause> = sides.iter().flat_map(|s| &s.causes).cloned().collect();
        causes.sort();
        causes.dedup();
        causes
    } else {
        Vec::new()
    };
}

/// The client's side if the destination it sees is, or may be, another one than stands behind.
fn egress(engine: &Engine, one: &Try, by: &Rewriting, behind: &Side) -> Option<Side> {
    let (at, port, certain) = match &by.destination {
        Destination::Behind => return None,
        Destination::Asked(at, port) => (at, *port, true),
        Destination::Either(at, port) => (at, *port, false),
    };
    let asked = engine.explain(&one.from, at, one.protocol, port).egress;
    if certain {
        return Some(asked);
    }
    if asked.verdict == behind.verdict {
        return None;
    }
    let cause = Cause::DestinationRewritten {
        asked: format!("{}:{port}", entity_id(engine, at)),
        behind_is_open: behind.verdict == Verdict::Allow,
    };
    Some(ambiguous(behind.clone(), asked, cause))
}

/// The pod's side if other sources than the client are judged differently.
fn ingress(engine: &Engine, one: &Try, by: &Rewriting, client: &Side) -> Option<Side> {
    let others: Vec<(String, Entity)> = match &by.sources {
        Sources::Client => return None,
        Sources::ClientOrNode(node) => vec![(entity_id(engine, node), node.clone())],
        Sources::ClientOrAnyNode => nodes(engine, one),
        Sources::Anywhere => anywhere(engine, one, "an address of the load balancer"),
    };
    let mut by_verdict: BTreeMap<Verdict, Vec<(String, Entity)>> = BTreeMap::new();
    for (name, source) in others {
        if engine.unreachable(&source, &one.to) == Some(Reason::NoCommonFamily) {
            continue;
        }
        let side = engine.side(Direction::Ingress, &one.to, &source);
        let verdict = side.verdict(one.protocol, one.port);
        let alike = by_verdict.entry(verdict).or_default();
        if alike.iter().all(|(known, _)| *known != name) {
            alike.push((name, source));
        }
    }
    let differs = by_verdict
        .iter()
        .find(|(verdict, _)| **verdict != client.verdict)?;
    let example = &differs.1[0].1;
    let other = engine
        .explain(example, &one.to, one.protocol, one.port)
        .ingress;
    let (mut let_in, mut kept_out) = (Vec::new(), Vec::new());
    if client.verdict == Verdict::Allow {
        let_in.push("the client".to_owned());
    } else {
        kept_out.push("the client".to_owned());
    }
    for (verdict, alike) in by_verdict {
        let names = alike.into_iter().map(|(name, _)| name);
        if verdict == Verdict::Allow {
            let_in.extend(names);
        } else {
            kept_out.extend(names);
        }
    }
    let cause = Cause::SourceRewritten {
        by_balancer: by.sources == Sources::Anywhere,
        let_in,
        kept_out,
    };
    Some(ambiguous(client.clone(), other, cause))
}

/// Two readings of one side with different verdicts, as one side that is not known.
fn ambiguous(one: Side, other: Side, cause: Cause) -> Side {
    let mut causes = vec![cause];
    causes.extend(one.causes.iter().chain(&other.causes).cloned());
    let (open, closed) = if one.verdict == Verdict::Allow {
        (one, other)
    } else {
        (other, one)
    };
    Side {
        verdict: Verdict::Unknown,
        reason: Reason::NatAmbiguous,
        decided_by: open.decided_by,
        causes,
        ..closed
    }
}

/// Every node; where none is known, the pod's own and any address.
fn nodes(engine: &Engine, one: &Try) -> Vec<(String, Entity)> {
    let coverage = &engine.cluster().coverage;
    let mut found: Vec<(String, Entity)> = engine
        .nodes()
        .map(|id| (format!("node/{}", engine.node(id).name), Entity::Node(id)))
        .collect();
    if found.is_empty() || !coverage.is_readable(Resource::Nodes, None) {
        found.extend(anywhere(engine, one, "a node not known here"));
    }
    found
}

/// One address of each piece that policies can tell apart.
fn anywhere(engine: &Engine, one: &Try, name: &str) -> Vec<(String, Entity)> {
    let mut found: Vec<(String, Entity)> = engine
        .outside()
        .iter()
        .filter_map(AddressSet::first)
        .map(|address| (name.to_owned(), Entity::Address(address)))
        .collect();
    // One's own node is always let in (rule N49), and what is not known may be that.
    let own = one
        .to
        .pod()
        .and_then(|id| engine.pod(id).host_addresses.first());
    found.extend(own.map(|address| (name.to_owned(), Entity::Address(*address))));
    found
}
