//! The engine against a plain reading of the API documentation, on small worlds made up at random.
//!
//! `cargo oracle` runs 100,000 worlds; `cargo test` fewer. `NETSEG_ORACLE_CASES` sets another number.

mod claims;
#[path = "../truth_table/cluster_policies.rs"]
#[expect(dead_code, reason = "which rows there have to be is checked elsewhere")]
mod cluster_policies;
#[path = "../truth_table/fixture.rs"]
#[expect(dead_code, reason = "what only the engine is asked is asked elsewhere")]
mod fixture;
mod naive;
#[path = "../truth_table/network_policies.rs"]
mod network_policies;
mod product;
mod reading;
#[path = "../support/round_trip.rs"]
mod round_trip;
mod spine;
mod world;
mod writing;

use std::sync::Arc;

use netseg::compile::{Profile, ProfileName, enforcer};
use netseg::engine::{Engine, Entity, Groups, Hypothetical, Verdict};
use netseg::model::Protocol;
use netseg::source::manifests;
use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, TestCaseError, TestRunner};

use claims::Claims;
use naive::{Bounds, Direction, End, Rule, Switches, World};
use product::{Product, entity, model, product_word, standing, template};
use world::{ASKED_PORTS, Case, cases, partly_hidden, rules};

/// `share`: one in how many of the worlds a law is tried on; laws that ask everything twice cost more.
fn config(share: u32) -> ProptestConfig {
    let asked = std::env::var("NETSEG_ORACLE_CASES").ok();
    let cases = asked.map_or(
        if cfg!(debug_assertions) {
            1_000
        } else {
            100_000
        },
        |text| text.parse().expect("NETSEG_ORACLE_CASES is a number"),
    );
    ProptestConfig {
        cases: (cases / share).max(1),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/oracle/seeds.txt",
        ))),
        max_shrink_iters: 20_000,
        // Milliseconds: a smaller case is worth waiting for, but not for ever.
        max_shrink_time: 60_000,
        ..ProptestConfig::default()
    }
}

/// Every protocol and every port worth asking.
fn questions() -> impl Iterator<Item = (naive::Protocol, u16)> {
    naive::PROTOCOLS
        .into_iter()
        .flat_map(|protocol| ASKED_PORTS.map(|port| (protocol, port)))
}

fn told(world: &World, (from, to): (End, End), protocol: naive::Protocol, port: u16) -> String {
    let end = |end| match end {
        End::Pod(pod) => {
            let pod = &world.pods[pod];
            format!("{}/{}", world.namespaces[pod.namespace].name, pod.name)
        }
        End::Node(node) => format!("node/{}", world.nodes[node].name),
        End::NodeAt(node, address) => format!("node/{} at {address}", world.nodes[node].name),
        End::Outside(address) => address.to_string(),
    };
    format!("{} -> {} {protocol:?} {port}", end(from), end(to))
}

/// How the product may answer where the documentation gives these bounds: what is certain at its loosest has to be certain, and
/// what is certain has to be so at its sharpest too. Between the two lies what is certain only because two rules read one
/// fact: there an answer may be unknown.
fn is_between(got: Verdict, bounds: Bounds) -> bool {
    got == product_word(bounds.sharp) || got == product_word(bounds.loose)
}

/// Compares every question's answer with what the documentation says under these switches.
fn agree(case: &Case, product: &Product, switches: &Switches) -> Result<(), TestCaseError> {
    for ends in case.world.pairs() {
        for (protocol, port) in questions() {
            let bounds = naive::bounds(&case.world, switches, ends, protocol, port);
            let got = product.verdict(ends, protocol, port);
            tally::count(bounds, got);
            prop_assert!(
                is_between(got, bounds),
                "{got}, but {bounds:?}: {}\n{:?}\n{}",
                told(&case.world, ends, protocol, port),
                case.world.hidden,
                case.text()
            );
        }
    }
    Ok(())
}

/// How often an answer was unknown although one fact, read as one, makes it certain.
mod tally {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::{Bounds, Verdict, product_word};

    static ASKED: AtomicU64 = AtomicU64::new(0);
    static WIDER: AtomicU64 = AtomicU64::new(0);

    pub(super) fn count(bounds: Bounds, got: Verdict) {
        ASKED.fetch_add(1, Ordering::Relaxed);
        if got != product_word(bounds.sharp) {
            WIDER.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn share() -> (u64, u64) {
        (WIDER.load(Ordering::Relaxed), ASKED.load(Ordering::Relaxed))
    }
}

// ---- the laws

#[test]
fn the_engine_agrees_with_the_documentation() {
    let mut runner = TestRunner::new(config(1));
    let spec = naive::spec();
    let result = runner.run(&cases(), |case| agree(&case, &Product::of(&case), &spec));
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "how much is needlessly unknown is worth watching"
)]
fn profiles_agree_with_their_switches() {
    let mut runner = TestRunner::new(config(16));
    let result = runner.run(&cases(), |case| {
        let cluster = product::cluster(&case.world, &case.text());
        for name in naive::PROFILES {
            let profile = ProfileName::parse(name).expect("is known by that name");
            let product = Product::with(&case.world, cluster.clone(), profile);
            agree(&case, &product, &naive::profile(name))?;
        }
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    // Facts that two rules read at once are rare; an engine that calls everything unknown would not be.
    let (wider, asked) = tally::share();
    println!("unknown where one fact read as one is certain: {wider} of {asked}");
    assert!(
        wider * 100 <= asked,
        "{wider} of {asked} are needlessly unknown"
    );
}

proptest! {
    // Everything that is hidden is tried both ways: each world is many.
    #![proptest_config(config(20))]

    #[test]
    fn what_may_not_be_read_may_be_anything(case in partly_hidden()) {
        agree(&case, &Product::of(&case), &naive::spec())?;
    }

    #[test]
    fn what_may_not_be_read_is_the_enforcers_too(case in partly_hidden(), profile in 0..naive::PROFILES.len()) {
        let name = naive::PROFILES[profile];
        let profile = ProfileName::parse(name).expect("is known by that name");
        let product = Product::with(&case.world, product::cluster(&case.world, &case.text()), profile);
        agree(&case, &product, &naive::profile(name))?;
    }
}

proptest! {
    #![proptest_config(config(8))]

    #[test]
    fn sets_of_ports_agree_with_single_ports(case in cases()) {
        let product = Product::of(&case);
        for ends in case.world.pairs() {
            let allowed = product.engine.allowed(product.entity(ends.0), product.entity(ends.1));
            prop_assert!(allowed.sure.is_subset(&allowed.possible));
            for (protocol, port) in questions() {
                let expected = match product.verdict(ends, protocol, port) {
                    Verdict::Unreachable => continue,
                    verdict => verdict,
                };
                prop_assert_eq!(allowed.verdict(model(protocol), port), expected,
                    "{}\n{}", told(&case.world, ends, protocol, port), case.text());
            }
        }
    }

    #[test]
    fn the_table_reads_back(case in cases(), templates in 0..3u32) {
        let product = if templates == 0 { Product::of(&case) } else { Product::of_templates(&case, templates) };
        let text = round_trip::table(&product.engine);
        if text.lines().count() > 2 {
            let enforcer = enforcer::detect(product.engine.cluster(), true);
            let told = round_trip::objections(&product.engine, &enforcer, &text);
            prop_assert!(told.is_empty(), "{}\n{text}\n{}", told.join("\n"), case.text());
        }
    }

    #[test]
    fn groups_are_all_their_pairs_together(case in cases(), from in any::<u32>(), to in any::<u32>(), templates in 0..3u32) {
        let product = if templates == 0 { Product::of(&case) } else { Product::of_templates(&case, templates) };
        let members = |mask: u32| -> Vec<Entity> {
            let ends = product.entities.iter().enumerate();
            ends.filter(|(i, _)| mask >> (i % 32) & 1 == 1).map(|(_, (_, e))| e.clone()).collect()
        };
        let (from, to) = (members(from), members(to));
        let mut pairs = Vec::new();
        for a in &from {
            for b in &to {
                // What a template stands for with several replicas also talks to its like.
                let lone = a.pod().is_none_or(|pod| product.engine.pod(pod).count <= 1);
                let itself = a == b && lone && (from.len() > 1 || to.len() > 1);
                if !itself && product.engine.unreachable(a, b).is_none() {
                    pairs.push(product.engine.allowed(a, b));
                }
            }
        }
        let mut groups = Groups::new(&product.engine);
        let (from, to) = (groups.group(from), groups.group(to));
        let together = groups.allowed(&from, &to);
        for (protocol, port) in questions() {
            let mut verdicts = pairs.iter().map(|one| one.verdict(model(protocol), port));
            let expected = match verdicts.next() {
                None => Verdict::Deny,
                Some(first) if verdicts.all(|other| other == first) => first,
                Some(_) => Verdict::Unknown,
            };
            prop_assert_eq!(together.verdict(model(protocol), port), expected,
                "{:?} -> {:?} {:?} {}\n{}", from.entities(), to.entities(), protocol, port, case.text());
        }
    }

    #[test]
    fn explanations_hold(case in cases()) {
        let product = Product::of(&case);
        for ends in case.world.pairs() {
            for (protocol, port) in questions() {
                let why = product.explain(ends, protocol, port);
                let at = told(&case.world, ends, protocol, port);
                prop_assert_eq!(why.verdict, product.verdict(ends, protocol, port),
                    "verdict and explanation: {}\n{}", at, case.text());
                for (direction, side) in [(Direction::Egress, &why.egress), (Direction::Ingress, &why.ingress)] {
                    let claims = Claims { product: &product, world: &case.world, ends, protocol, port, direction };
                    if let Err(wrong) = claims.check(side) {
                        prop_assert!(false, "{at}, {direction:?}: {wrong}\n{side:?}\n{}", case.text());
                    }
                }
            }
        }
    }

    #[test]
    fn the_order_of_documents_does_not_matter(case in cases(), order in any::<u64>()) {
        let product = Product::of(&case);
        let mut documents = case.documents();
        // A shuffle that is the same each time: sort by a hash of place and order.
        let mut keyed: Vec<(u64, serde_json::Value)> = documents.drain(..).enumerate()
            .map(|(i, d)| ((i as u64 + 1).wrapping_mul(order | 1).rotate_left(17) ^ order, d))
            .collect();
        keyed.sort_by_key(|(key, _)| *key);
        let documents: Vec<serde_json::Value> = keyed.into_iter().map(|(_, d)| d).collect();
        let shuffled = Product::read(&case.world, &writing::write(&documents, case.habits[1]));
        same_answers(&case, &product, &shuffled)?;
    }

    #[test]
    fn the_names_of_policies_do_not_matter(case in cases()) {
        let product = Product::of(&case);
        let mut renamed = case.clone();
        renamed.world.policies.reverse();
        for (index, policy) in renamed.world.policies.iter_mut().enumerate() {
            policy.name = format!("q{index}");
        }
        renamed.world.wide.reverse();
        for (index, policy) in renamed.world.wide.iter_mut().enumerate() {
            if policy.kind != naive::Kind::Baseline {
                policy.name = format!("q{index}");
            }
        }
        same_answers(&case, &product, &Product::of(&renamed))?;
    }

    #[test]
    fn the_name_of_a_label_key_does_not_matter(case in cases()) {
        let product = Product::of(&case);
        let renamed = Case { world: case.world.with_key_renamed("a", "zz.example.com/part-of"), ..case.clone() };
        same_answers(&case, &product, &Product::of(&renamed))?;
    }

    #[test]
    fn a_further_rule_never_denies(case in cases(), rule in rules(), policy in any::<prop::sample::Index>(), ingress: bool) {
        let product = Product::of(&case);
        let Some((wider, direction)) = with_rule(&case.world, rule, policy, ingress) else { return Ok(()) };
        let wider = Case { world: wider, ..case.clone() };
        let after = Product::of(&wider);
        for ends in case.world.pairs() {
            for (protocol, port) in questions() {
                let (before, after) = (product.verdict(ends, protocol, port), after.verdict(ends, protocol, port));
                let widens = matches!((before, after),
                    (Verdict::Deny, _) | (Verdict::Unknown, Verdict::Unknown | Verdict::Allow) | (Verdict::Allow, Verdict::Allow))
                    || before == after;
                prop_assert!(widens, "{}: {before} became {after} by a rule for {direction:?}\n{}",
                    told(&case.world, ends, protocol, port), wider.text());
            }
        }
    }
}

proptest! {
    #![proptest_config(config(20))]

    #[test]
    fn a_template_is_certain_only_where_every_address_gives_the_same(case in cases(), replicas in 1..3u32) {
        let standing = standing(&case.world);
        let text = writing::write(&case.documents_with_templates(&standing, replicas), case.habits[2]);
        let engine = Engine::build(&Arc::new(product::cluster(&case.world, &text)), Profile::spec());
        let blocks = reads_addresses(&case.world);
        for pod in &standing {
            let stand_in = template(&engine, &case.world, *pod);
            for other in case.world.ends() {
                if matches!(other, End::Pod(other) if standing.contains(&other)) {
                    continue;
                }
                let other_entity = entity(&engine, &case.world, other);
                for outwards in [true, false] {
                    for (protocol, port) in questions() {
                        let got = if outwards {
                            engine.verdict(&stand_in, &other_entity, model(protocol), port)
                        } else {
                            engine.verdict(&other_entity, &stand_in, model(protocol), port)
                        };
                        let ends = if outwards { (End::Pod(*pod), other) } else { (other, End::Pod(*pod)) };
                        let possible = perhaps(&case.world, *pod, ends, protocol, port);
                        let at = || format!("{}\n{text}", told(&case.world, ends, protocol, port));
                        match got {
                            Verdict::Unknown => {
                                // A name that resolves to nobody knows what leaves it open with every address.
                                let same = possible.windows(2).all(|pair| pair[0] == pair[1])
                                    && possible.first().is_none_or(|one| product_word(*one) != Verdict::Unknown);
                                prop_assert!(blocks || !same, "certainly {:?}: {}", possible.first(), at());
                            }
                            Verdict::Unreachable => prop_assert!(possible.is_empty(), "{}", at()),
                            certain => for one in possible {
                                prop_assert_eq!(product_word(one), certain, "{}", at());
                            },
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_pod_that_does_not_exist_is_judged_like_a_template(case in cases()) {
        let standing = standing(&case.world);
        let text = writing::write(&case.documents_with_templates(&standing, 1), 0);
        let (cluster, _) = manifests::parse("world", &text);
        let engine = Engine::build(&Arc::new(cluster), Profile::spec());
        for pod in &standing {
            let stand_in = template(&engine, &case.world, *pod);
            let Entity::Pod(id) = &stand_in else { unreachable!("a template is a pod") };
            let read = engine.pod(*id);
            let imagined = Entity::Hypothetical(Arc::new(Hypothetical {
                namespace: case.world.namespaces[case.world.pods[*pod].namespace].name.clone(),
                labels: read.labels.clone(),
                ports: read.ports.clone(),
            }));
            for other in case.world.ends() {
                if matches!(other, End::Pod(other) if standing.contains(&other)) {
                    continue;
                }
                let other = entity(&engine, &case.world, other);
                prop_assert_eq!(engine.allowed(&stand_in, &other), engine.allowed(&imagined, &other), "to {:?}\n{}", other, text);
                prop_assert_eq!(engine.allowed(&other, &stand_in), engine.allowed(&other, &imagined), "from {:?}\n{}", other, text);
            }
        }
    }
}

proptest! {
    #![proptest_config(config(2))]

    #[test]
    fn spoiled_text_is_survived(case in cases(), wounds in prop::collection::vec((any::<prop::sample::Index>(), 0..16usize), 1..6)) {
        let mut text = case.text();
        for (place, kind) in wounds {
            spoil(&mut text, place, kind);
        }
        let (cluster, diagnostics) = manifests::parse("world", &text);
        let engine = Engine::build(&Arc::new(cluster), Profile::spec());
        let mut ends: Vec<Entity> = engine.pods().map(Entity::Pod).chain(engine.nodes().map(Entity::Node)).collect();
        ends.push(Entity::Address("203.0.113.7".parse().unwrap()));
        for from in &ends {
            for to in &ends {
                let why = engine.explain(from, to, Protocol::Tcp, 80);
                prop_assert_eq!(why.verdict, engine.verdict(from, to, Protocol::Tcp, 80), "{}", text);
            }
        }
        drop(diagnostics);
    }
}

/// The answers that a pod's possible addresses and nodes would give; those that cannot meet the other end are left out.
fn perhaps(
    world: &World,
    pod: usize,
    ends: (End, End),
    protocol: naive::Protocol,
    port: u16,
) -> Vec<naive::Verdict> {
    let mut world = world.clone();
    let mut answers = Vec::new();
    world.pods[pod].phase = naive::Phase::Running;
    for address in world::PERHAPS {
        world.pods[pod].addresses = vec![address.parse().unwrap()];
        for node in [None, Some(0), Some(1)] {
            world.pods[pod].node = node;
            let answer = naive::bounds(&world, &naive::spec(), ends, protocol, port).loose;
            if answer != naive::Verdict::Unreachable {
                answers.push(answer);
            }
        }
    }
    answers
}

fn reads_addresses(world: &World) -> bool {
    use naive::WidePeer::{Domains, Networks, Nodes};
    let rules = world
        .policies
        .iter()
        .flat_map(|p| p.ingress.iter().chain(&p.egress));
    let wide = world.wide.iter().flat_map(|policy| &policy.egress);
    rules
        .flat_map(|rule| &rule.peers)
        .any(|peer| matches!(peer, naive::Peer::Block { .. }))
        || wide
            .flat_map(|rule| &rule.peers)
            .any(|peer| matches!(peer, Networks(_) | Nodes(_) | Domains(_)))
}

/// Damages a text as editors and merges do.
fn spoil(text: &mut String, place: prop::sample::Index, kind: usize) {
    let lines: Vec<&str> = text.lines().collect();
    let at = place.index(lines.len().max(1));
    let line = lines.get(at).copied().unwrap_or_default();
    let (head, value) = line.split_once(": ").unwrap_or((line, ""));
    let new = match kind {
        0 => String::new(),
        1 => format!("{line}\n{line}"),
        2 => format!("  {line}"),
        3 => line.trim_start().to_owned(),
        4 => format!("{head}: null"),
        5 => format!("{head}: []"),
        6 => format!("{head}: {{}}"),
        7 => format!("{head}: -1"),
        8 => format!("{head}: 99999999999999999999"),
        9 => format!("{head}: \"\\u202e\\u001b[2J\""),
        10 => format!("{head}: [{value}]"),
        11 => format!("{head}: *unknown"),
        12 => line.replace('"', "'"),
        13 => line.replace([',', '}', ']'], ""),
        14 => format!("{line} # {value}"),
        _ => format!("{head}: 70000"),
    };
    let mut lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
    if at < lines.len() {
        lines[at] = new;
    }
    *text = lines.join("\n");
}

fn same_answers(case: &Case, one: &Product, other: &Product) -> Result<(), TestCaseError> {
    for ends in case.world.pairs() {
        let sets = [one, other].map(|p| p.engine.allowed(p.entity(ends.0), p.entity(ends.1)));
        prop_assert_eq!(&sets[0], &sets[1], "{:?}\n{}", ends, case.text());
        let verdicts = [one, other].map(|p| p.verdict(ends, naive::Protocol::Tcp, 80));
        prop_assert_eq!(verdicts[0], verdicts[1], "{:?}\n{}", ends, case.text());
    }
    Ok(())
}

/// Adds a rule to a policy that has rules in force in the direction already, so that nothing new is isolated.
fn with_rule(
    world: &World,
    rule: Rule,
    policy: prop::sample::Index,
    ingress: bool,
) -> Option<(World, Direction)> {
    if world.policies.is_empty() {
        return None;
    }
    let mut wider = world.clone();
    let index = policy.index(wider.policies.len());
    let policy = &mut wider.policies[index];
    if ingress {
        policy.ingress.push(rule);
        return Some((wider, Direction::Ingress));
    }
    // The first egress rule of a policy without types would isolate (rule N6).
    if policy.types.is_empty() && policy.egress.is_empty() {
        return None;
    }
    policy.egress.push(rule);
    Some((wider, Direction::Egress))
}
