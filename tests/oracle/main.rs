//! The engine against a plain reading of the API documentation, on small worlds made up at random.
//!
//! `cargo oracle` runs 10,000 worlds; `cargo test` fewer. `NETSEG_ORACLE_CASES` sets another number.

mod naive;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use netseg::compile::{Profile, ProfileName};
use netseg::engine::{Engine, Entity, Explanation, Fail, Groups, RuleId, Side, Verdict};
use netseg::model::{Cluster, Protocol, Resource, State};
use netseg::source::manifests;
use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, TestCaseError};

use naive::{Direction, End, Policy, Rule, SPEC, Switches, World};
use world::{ASKED_PORTS, Case, cases, rules};

/// `share`: one in how many of the worlds a law is tried on; laws that ask everything twice cost more.
fn config(share: u32) -> ProptestConfig {
    let asked = std::env::var("NETSEG_ORACLE_CASES").ok();
    let cases = asked.map_or(if cfg!(debug_assertions) { 256 } else { 10_000 }, |text| {
        text.parse().expect("NETSEG_ORACLE_CASES is a number")
    });
    ProptestConfig {
        cases: (cases / share).max(1),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/oracle/seeds.txt",
        ))),
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    }
}

// ---- the product, as the laws below see it

struct Product {
    engine: Engine,
    entities: Vec<(End, Entity)>,
}

impl Product {
    fn of(case: &Case) -> Self {
        Self::read(&case.world, &case.text())
    }

    fn read(world: &World, text: &str) -> Self {
        let (cluster, diagnostics) = manifests::parse("world", text);
        assert!(diagnostics.is_empty(), "{diagnostics:?}\n{text}");
        Self::with(world, cluster, ProfileName::Spec)
    }

    fn with(world: &World, cluster: Cluster, profile: ProfileName) -> Self {
        let engine = Engine::build(&Arc::new(cluster), Profile::named(profile));
        let entities = world
            .ends()
            .into_iter()
            .map(|end| (end, entity(&engine, world, end)))
            .collect();
        Self { engine, entities }
    }

    fn entity(&self, end: End) -> &Entity {
        let found = self.entities.iter().find(|(known, _)| *known == end);
        &found.expect("ends come from the world").1
    }

    fn verdict(&self, (from, to): (End, End), protocol: naive::Protocol, port: u16) -> Verdict {
        let (from, to) = (self.entity(from), self.entity(to));
        self.engine.verdict(from, to, model(protocol), port)
    }

    fn explain(&self, (from, to): (End, End), protocol: naive::Protocol, port: u16) -> Explanation {
        let (from, to) = (self.entity(from), self.entity(to));
        self.engine.explain(from, to, model(protocol), port)
    }

    /// The policy of the world that a rule belongs to.
    fn policy_of(&self, world: &World, rule: &RuleId) -> usize {
        let found = self.engine.policy(rule.policy);
        index_of(world, &found.namespace, &found.name)
    }
}

fn index_of(world: &World, namespace: &str, name: &str) -> usize {
    let known = |policy: &Policy| {
        policy.name == name && world.namespaces[policy.namespace].name == namespace
    };
    world
        .policies
        .iter()
        .position(known)
        .expect("named after a policy")
}

fn entity(engine: &Engine, world: &World, end: End) -> Entity {
    match end {
        End::Pod(pod) => {
            let pod = &world.pods[pod];
            let namespace = &world.namespaces[pod.namespace].name;
            Entity::Pod(
                engine
                    .find_pod(namespace, &pod.name)
                    .expect("it was written"),
            )
        }
        End::Node(node) => {
            let name = &world.nodes[node].name;
            Entity::Node(engine.find_node(name).expect("it was written"))
        }
        End::Outside(address) => {
            let found = engine.entity_at(address);
            assert_eq!(found, Entity::Address(address), "nobody has this address");
            found
        }
    }
}

fn model(protocol: naive::Protocol) -> Protocol {
    match protocol {
        naive::Protocol::Tcp => Protocol::Tcp,
        naive::Protocol::Udp => Protocol::Udp,
        naive::Protocol::Sctp => Protocol::Sctp,
    }
}

fn product_word(verdict: naive::Verdict) -> Verdict {
    match verdict {
        naive::Verdict::Allow => Verdict::Allow,
        naive::Verdict::Deny => Verdict::Deny,
        naive::Verdict::Unknown => Verdict::Unknown,
        naive::Verdict::Unreachable => Verdict::Unreachable,
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
        End::Outside(address) => address.to_string(),
    };
    format!("{} -> {} {protocol:?} {port}", end(from), end(to))
}

/// Compares every question's answer with what the documentation says under these switches.
fn agree(case: &Case, product: &Product, switches: &[Switches]) -> Result<(), TestCaseError> {
    for ends in case.world.pairs() {
        for (protocol, port) in questions() {
            let expected = naive::verdict(&case.world, switches, ends, protocol, port);
            prop_assert_eq!(
                product.verdict(ends, protocol, port),
                product_word(expected),
                "{}\n{}",
                told(&case.world, ends, protocol, port),
                case.text()
            );
        }
    }
    Ok(())
}

// ---- the laws

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn the_engine_agrees_with_the_documentation(case in cases()) {
        agree(&case, &Product::of(&case), &[SPEC])?;
    }
}

proptest! {
    #![proptest_config(config(4))]

    #[test]
    fn profiles_agree_with_their_switches(case in cases()) {
        let (cluster, _) = manifests::parse("world", &case.text());
        for profile in [ProfileName::KubeNetworkPolicies, ProfileName::Calico, ProfileName::Cilium] {
            let product = Product::with(&case.world, cluster.clone(), profile);
            agree(&case, &product, &naive::profile(profile.as_str()))?;
        }
    }

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
    fn groups_are_all_their_pairs_together(case in cases(), from in any::<u32>(), to in any::<u32>()) {
        let product = Product::of(&case);
        let members = |mask: u32| -> Vec<Entity> {
            let ends = product.entities.iter().enumerate();
            ends.filter(|(i, _)| mask >> (i % 32) & 1 == 1).map(|(_, (_, e))| e.clone()).collect()
        };
        let (from, to) = (members(from), members(to));
        let mut pairs = Vec::new();
        for a in &from {
            for b in &to {
                let itself = a == b && (from.len() > 1 || to.len() > 1);
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
                    if let Err(wrong) = check_side(&product, &case.world, ends, protocol, port, direction, side) {
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
        let shuffled = Product::read(&case.world, &world::write(&documents, case.habits[1]));
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

    #[test]
    fn policies_that_cannot_be_read_leave_their_namespace_unknown(case in cases(), hidden in 0..3usize) {
        let (mut cluster, _) = manifests::parse("world", &case.text());
        let name = case.world.namespaces[hidden].name.clone();
        if let Some(namespace) = cluster.namespaces.get_mut(&name) {
            Arc::make_mut(namespace).policies.clear();
        }
        cluster.coverage.set(Resource::NetworkPolicies, Some(&name), State::Forbidden { message: "no".into() });
        let product = Product::with(&case.world, cluster, ProfileName::Spec);
        // Whatever the policies are, they allow something between what no policy and what a complete denial allows.
        let mut open = case.world.clone();
        open.policies.retain(|policy| policy.namespace != hidden);
        let mut shut = open.clone();
        shut.policies.push(Policy {
            namespace: hidden,
            name: "hidden".into(),
            subject: naive::Selector::default(),
            types: naive::DIRECTIONS.to_vec(),
            ingress: Vec::new(),
            egress: Vec::new(),
        });
        for ends in case.world.pairs() {
            for (protocol, port) in questions() {
                let [open, shut] = [&open, &shut].map(|w| naive::verdict(w, &[SPEC], ends, protocol, port));
                let expected = if open == shut { open } else { naive::Verdict::Unknown };
                prop_assert_eq!(product.verdict(ends, protocol, port), product_word(expected),
                    "policies of {} hidden: {}\n{}", name, told(&case.world, ends, protocol, port), case.text());
            }
        }
    }

    #[test]
    fn namespaces_that_cannot_be_read_only_make_answers_unknown(case in cases()) {
        let full = Product::of(&case);
        let (mut cluster, _) = manifests::parse("world", &case.text());
        cluster.coverage.set(Resource::Namespaces, None, State::Forbidden { message: "no".into() });
        for namespace in cluster.namespaces.values_mut() {
            let namespace = Arc::make_mut(namespace);
            namespace.declared = false;
            namespace.labels = netseg::model::Namespace::undeclared(&namespace.name).labels;
        }
        let product = Product::with(&case.world, cluster, ProfileName::Spec);
        for ends in case.world.pairs() {
            for (protocol, port) in questions() {
                let got = product.verdict(ends, protocol, port);
                let before = full.verdict(ends, protocol, port);
                prop_assert!(got == Verdict::Unknown || got == before, "{}: {before} became {got}\n{}",
                    told(&case.world, ends, protocol, port), case.text());
                if !reads_namespace_labels(&case.world) {
                    prop_assert_eq!(got, before);
                }
            }
        }
    }
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

fn reads_namespace_labels(world: &World) -> bool {
    let rules = world
        .policies
        .iter()
        .flat_map(|p| p.ingress.iter().chain(&p.egress));
    rules.flat_map(|rule| &rule.peers).any(|peer| match peer {
        naive::Peer::Select {
            namespaces: Some(selector),
            ..
        } => {
            let keys = selector.labels.keys();
            keys.chain(selector.expressions.iter().map(|e| &e.key))
                .any(|key| key != naive::NAME_LABEL)
        }
        _ => false,
    })
}

/// Checks what one end of an explanation claims against the documentation.
fn check_side(
    product: &Product,
    world: &World,
    ends: (End, End),
    protocol: naive::Protocol,
    port: u16,
    direction: Direction,
    side: &Side,
) -> Result<(), String> {
    let ask = |rule: &RuleId| {
        let policy = product.policy_of(world, rule);
        let tests = naive::ask_rule(
            world,
            SPEC,
            ends,
            protocol,
            port,
            (policy, direction, rule.rule as usize),
        );
        (policy, tests)
    };
    let subject = match direction {
        Direction::Egress => ends.0,
        Direction::Ingress => ends.1,
    };
    let mut isolating = BTreeMap::new();
    if let End::Pod(pod) = subject {
        for (index, policy) in world.policies.iter().enumerate() {
            if naive::isolates(world, policy, pod, direction) {
                isolating.insert(index, policy);
            }
        }
    }
    for id in &side.isolated_by {
        let policy = product.engine.policy(*id);
        let index = index_of(world, &policy.namespace, &policy.name);
        if !isolating.contains_key(&index) {
            return Err(format!("{} does not isolate", policy.name));
        }
    }
    for rule in &side.decided_by {
        let (policy, tests) = ask(rule);
        if !isolating.contains_key(&policy) {
            return Err(format!("{} decides but does not isolate", rule.path()));
        }
        // What cannot meet is only told what its labels would give.
        if !tests.is_empty() && !tests.iter().any(|t| t.peer && t.ports) {
            return Err(format!("{} decides but does not admit", rule.path()));
        }
        let listed = naive::rules(&world.policies[policy], direction)[rule.rule as usize]
            .peers
            .len();
        if rule.item.is_none() != (listed == 0)
            || rule.item.is_some_and(|item| item as usize >= listed)
        {
            return Err(format!("{} is no peer of the rule", rule.path()));
        }
    }
    let denied = side.verdict == Verdict::Deny;
    if denied && side.isolated_by.len() != isolating.len() {
        return Err("not every policy that isolates is named".into());
    }
    if denied && !side.decided_by.is_empty() {
        return Err("a denial, and a rule that admits".into());
    }
    let every_rule = || {
        isolating.iter().flat_map(|(index, policy)| {
            (0..naive::rules(policy, direction).len()).map(move |rule| (*index, direction, rule))
        })
    };
    match &side.nearest {
        None if denied && every_rule().next().is_some() && product.engine_reaches(ends) => {
            Err("there is a rule, but no nearest one".into())
        }
        None => Ok(()),
        Some(_) if !denied && side.verdict != Verdict::Unknown => {
            Err("a nearest rule without a denial".into())
        }
        Some(nearest) => {
            let (policy, tests) = ask(&nearest.rule);
            if !isolating.contains_key(&policy) {
                return Err("the nearest rule's policy does not isolate".into());
            }
            let peer = nearest
                .fails
                .iter()
                .any(|f| matches!(f, Fail::Peer | Fail::Family));
            let ports = nearest
                .fails
                .iter()
                .any(|f| !matches!(f, Fail::Peer | Fail::Family));
            if nearest.fails.is_empty() {
                return Err("the nearest rule fails nothing".into());
            }
            if tests.is_empty() {
                return Ok(());
            }
            if !tests.iter().any(|t| peer != t.peer && ports != t.ports) {
                return Err(format!("the nearest rule really gives {tests:?}"));
            }
            let fewest = every_rule()
                .flat_map(|rule| naive::ask_rule(world, SPEC, ends, protocol, port, rule))
                .map(|tests| tests.misses)
                .filter(|misses| *misses > 0)
                .min();
            if denied && fewest != Some(nearest.fails.len()) {
                return Err(format!("another rule fails {fewest:?}"));
            }
            Ok(())
        }
    }
}

impl Product {
    fn engine_reaches(&self, (from, to): (End, End)) -> bool {
        self.engine
            .unreachable(self.entity(from), self.entity(to))
            .is_none()
    }
}
