//! One engine kept current over edits, against engines built afresh and against the documentation.

use std::sync::Arc;

use netseg::compile::{Profile, ProfileName};
use netseg::engine::{Engine, Entity, Groups, Incremental, Verdict};
use netseg::model::{Cluster, Direction, Protocol};
use netseg::questions::matrix::matrix;
use netseg::questions::scope::Scope;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};

use crate::claims::Claims;
use crate::naive::{self, End, PROFILES, Switches, World};
use crate::product::{self, Product, model};
use crate::world::{ASKED_PORTS, Case, Edit, cases, edits};

/// A world, what happens to it, and where to look.
#[derive(Clone, Debug)]
struct Story {
    case: Case,
    edits: Vec<Edit>,
    profile: usize,
    /// Whether the next cluster shares with the last what did not change, as a source does, or has it all anew.
    shares: bool,
    look: u64,
}

fn stories() -> impl Strategy<Value = Story> {
    // One in two under the specification, the others under any profile.
    let profile = prop_oneof![1 => Just(0), 1 => 0..PROFILES.len()];
    (
        cases(),
        prop::collection::vec(edits(), 1..=5),
        profile,
        prop::bool::weighted(0.8),
        any::<u64>(),
    )
        .prop_map(|(case, edits, profile, shares, look)| Story {
            case,
            edits,
            profile,
            shares,
            look,
        })
}

#[test]
fn an_engine_kept_current_is_one_built_afresh_and_right() {
    let mut runner = TestRunner::new(crate::config(1));
    if let Err(failure) = runner.run(&stories(), |story| follow(&story)) {
        panic!("{failure}");
    }
}

fn follow(story: &Story) -> Result<(), TestCaseError> {
    let mut world = story.case.world.clone();
    let name = PROFILES[story.profile];
    let profile = Profile::named(ProfileName::parse(name).expect("is known by that name"));
    let switches = naive::profile(name);
    let mut look = Look(story.look | 1);
    let (mut cluster, _) = written(story, &world);
    let mut kept = Incremental::new(&cluster, profile);
    // The engine that somebody took before the edits, and what it answered.
    let before = (kept.engine(), all_sets(&kept.engine()));
    let mut done = Vec::new();
    for edit in &story.edits {
        edit.apply(&mut world);
        done.push(edit);
        let (mut next, text) = written(story, &world);
        if story.shares {
            share(&cluster, Arc::make_mut(&mut next));
        }
        kept.apply(&next);
        cluster = next;
        let at = || format!("{name}, after {done:#?}\n{:?}\n{text}", world.hidden);
        let fresh = Engine::build(&cluster, profile);
        same(&kept.engine(), &fresh, &mut look)
            .map_err(|wrong| TestCaseError::fail(format!("{wrong}: {}", at())))?;
        let visible = world.visible();
        let product = Product::around(&visible, kept.engine());
        right(&visible, &product, &switches, story.profile == 0, &mut look)
            .map_err(|wrong| TestCaseError::fail(format!("{wrong}: {}", at())))?;
    }
    let (engine, sets) = before;
    prop_assert!(
        sets == all_sets(&engine),
        "an engine taken before the edits answers differently after: {name}, {done:#?}\n{}",
        story.case.text()
    );
    Ok(())
}

/// The cluster of a world as somebody reads it.
fn written(story: &Story, world: &World) -> (Arc<Cluster>, String) {
    let case = Case {
        world: world.visible(),
        // Reading JSON is quickest, and how a world is spelled is another law's.
        habits: std::iter::once(0)
            .chain(story.case.habits[1..].iter().copied())
            .collect(),
    };
    let text = case.text();
    (Arc::new(product::cluster(&case.world, &text)), text)
}

/// What did not change is the same object in both.
fn share(last: &Cluster, next: &mut Cluster) {
    for (name, namespace) in &mut next.namespaces {
        if let Some(old) = last.namespaces.get(name)
            && old == namespace
        {
            *namespace = Arc::clone(old);
        }
    }
    if last.nodes == next.nodes {
        next.nodes = Arc::clone(&last.nodes);
    }
    if last.cluster_policies == next.cluster_policies {
        next.cluster_policies = Arc::clone(&last.cluster_policies);
    }
    if last.foreign == next.foreign {
        next.foreign = Arc::clone(&last.foreign);
    }
}

/// Where to look next: few places, other ones each time, the same ones for the same story.
struct Look(u64);

impl Look {
    fn among(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(count.max(1)).unwrap()).unwrap()
    }
}

/// Pods, nodes and a few addresses, by name: numbers of pods mean nothing in another engine.
fn ends(engine: &Engine) -> Vec<(String, Entity)> {
    let mut ends: Vec<(String, Entity)> = engine
        .pods()
        .map(|id| {
            let name = format!("{}/{}", engine.namespace_of(id).name, engine.pod(id).name);
            (name, Entity::Pod(id))
        })
        .collect();
    ends.extend(
        engine
            .nodes()
            .map(|id| (format!("node/{}", engine.node(id).name), Entity::Node(id))),
    );
    for address in [
        "10.0.1.1",
        "10.0.1.8",
        "203.0.113.7",
        "198.51.100.1",
        "2001:db8::1",
    ] {
        ends.push((
            address.to_owned(),
            engine.entity_at(address.parse().unwrap()),
        ));
    }
    ends.sort_by(|a, b| a.0.cmp(&b.0));
    ends
}

fn all_sets(engine: &Engine) -> Vec<(String, netseg::engine::Allowed)> {
    let ends = ends(engine);
    let mut sets = Vec::new();
    for (from_name, from) in &ends {
        for (to_name, to) in &ends {
            sets.push((
                format!("{from_name} -> {to_name}"),
                engine.allowed(from, to),
            ));
        }
    }
    sets
}

/// Two engines of one cluster answer alike, whatever way they were made.
fn same(kept: &Engine, fresh: &Engine, look: &mut Look) -> Result<(), String> {
    if kept.cluster() != fresh.cluster() {
        return Err("another cluster".into());
    }
    let (ours, theirs) = (ends(kept), ends(fresh));
    let names = |ends: &[(String, Entity)]| -> Vec<String> {
        ends.iter().map(|(name, _)| name.clone()).collect()
    };
    if names(&ours) != names(&theirs) {
        return Err(format!("{:?}, not {:?}", names(&ours), names(&theirs)));
    }
    let count = |engine: &Engine| engine.policies().len();
    if count(kept) != count(fresh) {
        return Err(format!("{} policies, not {}", count(kept), count(fresh)));
    }
    // The pieces of the address space may be cut finer by an engine that has seen more, but not coarser.
    let mut groups = (Groups::new(kept), Groups::new(fresh));
    for ((from_name, a), (_, b)) in ours.iter().zip(&theirs) {
        for direction in Direction::BOTH {
            if kept.isolation(direction, a) != fresh.isolation(direction, b) {
                return Err(format!("{from_name} is isolated otherwise, {direction}"));
            }
        }
        let rows = (groups.0.group([a.clone()]), groups.1.group([b.clone()]));
        for ((to_name, c), (_, d)) in ours.iter().zip(&theirs) {
            let (one, other) = (kept.allowed(a, c), fresh.allowed(b, d));
            if one != other {
                return Err(format!("{from_name} -> {to_name}: {one:?}, not {other:?}"));
            }
            if kept.unreachable(a, c) != fresh.unreachable(b, d) {
                return Err(format!(
                    "{from_name} -> {to_name} is out of reach otherwise"
                ));
            }
            let columns = (groups.0.group([c.clone()]), groups.1.group([d.clone()]));
            let one = groups.0.allowed(&rows.0, &columns.0);
            let other = groups.1.allowed(&rows.1, &columns.1);
            if one != other {
                return Err(format!(
                    "row {from_name} -> {to_name}: {one:?}, not {other:?}"
                ));
            }
        }
    }
    let port = (look.among(3) != 0).then(|| {
        let protocol = naive::PROTOCOLS[look.among(3)];
        (model(protocol), ASKED_PORTS[look.among(ASKED_PORTS.len())])
    });
    let tables = [kept, fresh].map(|engine| matrix(engine, port, &Scope::all()));
    if tables[0].cells != tables[1].cells {
        return Err(format!("{:?}, not {:?}", tables[0], tables[1]));
    }
    for engine in [kept, fresh] {
        same_in_matrix(engine, port.unwrap_or((Protocol::Tcp, 80)))?;
    }
    same_services(kept, fresh)
}

/// The matrix of one port has the verdict of every pair that it has at all.
fn same_in_matrix(engine: &Engine, (protocol, port): (Protocol, u16)) -> Result<(), String> {
    let matrix = engine.matrix(protocol, port);
    let ends = ends(engine);
    for (from_name, from) in &ends {
        for (to_name, to) in &ends {
            if engine.unreachable(from, to).is_some() {
                continue;
            }
            let expected = engine.verdict(from, to, protocol, port);
            if let Some(got) = matrix.verdict_of(engine, from, to)
                && got != expected
            {
                return Err(format!(
                    "matrix {from_name} -> {to_name} {protocol} {port}: {got}, not {expected}"
                ));
            }
        }
    }
    Ok(())
}

/// Services lead to the same pods.
fn same_services(kept: &Engine, fresh: &Engine) -> Result<(), String> {
    let targets = |engine: &Engine| -> Vec<String> {
        let named = ends(engine);
        let name = |entity: &Entity| -> String {
            let found = named.iter().find(|(_, known)| *known == entity.whole());
            found.map_or_else(|| format!("{entity:?}"), |(name, _)| name.clone())
        };
        let mut told = Vec::new();
        for namespace in engine.cluster().namespaces.values() {
            for service in &namespace.services {
                for (protocol, port) in engine.service_ports(service) {
                    told.push(match engine.expand_service(service, protocol, port, None) {
                        Ok(expansion) => {
                            let targets = expansion.targets.iter();
                            let targets =
                                targets.map(|t| format!("{}:{}", name(&t.entity), t.port));
                            targets.collect::<Vec<_>>().join(" ")
                        }
                        Err(reason) => format!("{reason:?}"),
                    });
                }
            }
        }
        told
    };
    let (ours, theirs) = (targets(kept), targets(fresh));
    if ours == theirs {
        Ok(())
    } else {
        Err(format!("Services lead to {ours:?}, not {theirs:?}"))
    }
}

/// What the engine says is what the documentation says, and its reasons hold.
fn right(
    world: &World,
    product: &Product,
    switches: &Switches,
    explains: bool,
    look: &mut Look,
) -> Result<(), String> {
    let ports = [look.among(ASKED_PORTS.len()), look.among(ASKED_PORTS.len())];
    let protocol = naive::PROTOCOLS[look.among(5) % 3];
    for ends in world.pairs() {
        // Every pair at one or two ports; a few of those between nodes and addresses are enough.
        let has_pod = matches!(ends, (End::Pod(_), _) | (_, End::Pod(_)));
        if !has_pod && look.among(16) != 0 {
            continue;
        }
        for port in ports.map(|port| ASKED_PORTS[port]) {
            let bounds = naive::bounds(world, switches, ends, protocol, port);
            let got = product.verdict(ends, protocol, port);
            crate::tally::count(bounds, got);
            let at = || crate::told(world, ends, protocol, port);
            if !crate::is_between(got, bounds) {
                return Err(format!("{got}, but {bounds:?}: {}", at()));
            }
            if look.among(8) == 0 {
                check_explanation(world, product, explains, ends, (protocol, port), got)
                    .map_err(|wrong| format!("{wrong}, {}", at()))?;
            }
        }
    }
    Ok(())
}

fn check_explanation(
    world: &World,
    product: &Product,
    explains: bool,
    ends: (End, End),
    (protocol, port): (naive::Protocol, u16),
    got: Verdict,
) -> Result<(), String> {
    let why = product.explain(ends, protocol, port);
    if why.verdict != got {
        return Err(format!("{got}, but explained as {}", why.verdict));
    }
    // What rules claim is checked under the specification.
    if !explains {
        return Ok(());
    }
    for (direction, side) in [
        (naive::Direction::Egress, &why.egress),
        (naive::Direction::Ingress, &why.ingress),
    ] {
        let claims = Claims {
            product,
            world,
            ends,
            protocol,
            port,
            direction,
        };
        claims
            .check(side)
            .map_err(|wrong| format!("{wrong}\n{side:?}"))?;
    }
    Ok(())
}
