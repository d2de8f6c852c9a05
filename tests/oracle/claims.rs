//! What an explanation claims, held against the documentation.

use std::collections::BTreeMap;

use netseg::engine::{Fail, Nearest, Reason, RuleId, Side, Verdict};

use crate::naive::{self, Action, Direction, End, Policy, Protocol, RuleTests, World};
use crate::product::{Found, Product, index_of};

/// One end of one connection.
#[derive(Clone, Copy)]
pub(crate) struct Claims<'a> {
    pub(crate) product: &'a Product,
    pub(crate) world: &'a World,
    pub(crate) ends: (End, End),
    pub(crate) protocol: Protocol,
    pub(crate) port: u16,
    pub(crate) direction: Direction,
}

impl Claims<'_> {
    /// Says what is wrong, if anything is.
    pub(crate) fn check(&self, side: &Side) -> Result<(), String> {
        let isolating = self.isolating();
        for id in &side.isolated_by {
            match index_of(self.world, self.product.engine.policy(*id)) {
                Found::Namespaced(index) if isolating.contains_key(&index) => {}
                found => return Err(format!("{found:?} does not isolate")),
            }
        }
        // What cannot meet is only told what its labels would give.
        let meets = self.can_meet();
        for rule in &side.decided_by {
            match self.product.policy_of(self.world, rule) {
                Found::Namespaced(_) => self.check_decider(&isolating, rule)?,
                Found::Wide(policy) if meets => {
                    let wanted: &[Action] = match side.verdict {
                        Verdict::Allow => &[Action::Accept],
                        // A pass with a peer that cannot be understood denies (rule A24).
                        Verdict::Deny => &[Action::Deny],
                        _ => &[Action::Accept, Action::Deny],
                    };
                    self.check_wide(policy, rule, wanted)?;
                }
                Found::Wide(_) => {}
            }
        }
        for rule in &side.passed_by {
            match self.product.policy_of(self.world, rule) {
                Found::Namespaced(_) => return Err("a NetworkPolicy passes nothing on".into()),
                Found::Wide(policy) if meets => self.check_wide(policy, rule, &[Action::Pass])?,
                Found::Wide(_) => {}
            }
        }
        if meets {
            self.check_reason(side, &isolating)?;
        }
        let denied = side.verdict == Verdict::Deny && side.reason == Reason::IsolatedNoMatch;
        if denied && side.isolated_by.len() != isolating.len() {
            return Err("not every policy that isolates is named".into());
        }
        if denied && !side.decided_by.is_empty() {
            return Err("a denial, and a rule that admits".into());
        }
        match &side.nearest {
            Some(nearest) if denied || side.verdict == Verdict::Unknown => {
                self.check_nearest(&isolating, nearest, denied)
            }
            Some(_) => Err("a nearest rule without a denial".into()),
            None if denied && !self.rules(&isolating).is_empty() && meets => {
                Err("there is a rule, but no nearest one".into())
            }
            None => Ok(()),
        }
    }

    /// The reason and what it rests on.
    fn check_reason(
        &self,
        side: &Side,
        isolating: &BTreeMap<usize, &Policy>,
    ) -> Result<(), String> {
        let wide =
            |rule: &RuleId| matches!(self.product.policy_of(self.world, rule), Found::Wide(_));
        // Each family has rules of its own; the reason is that of one of them.
        let some_wide = side.decided_by.iter().any(wide);
        let holds = match (side.verdict, side.reason) {
            (Verdict::Allow, Reason::TierAccept)
            | (Verdict::Deny, Reason::TierDeny | Reason::FailClosedPeer) => some_wide,
            (Verdict::Allow, Reason::RuleAllow) => side.decided_by.iter().any(|rule| !wide(rule)),
            (Verdict::Allow, Reason::NotIsolated | Reason::DefaultAllow) => isolating.is_empty(),
            (Verdict::Deny, Reason::IsolatedNoMatch) => !isolating.is_empty(),
            (Verdict::Allow, Reason::SelfTraffic) => self.ends.0 == self.ends.1,
            (
                Verdict::Allow,
                Reason::OwnNode | Reason::HostNetworkSubject | Reason::NoEnforcementAtExternal,
            ) => !side.decided_by.iter().any(|rule| !wide(rule)),
            (Verdict::Unknown, _) => !side.causes.is_empty() || side.reason == Reason::PairsDiffer,
            (Verdict::Unreachable, _) => true,
            (Verdict::Allow | Verdict::Deny, _) => false,
        };
        if holds {
            Ok(())
        } else {
            Err(format!("{} cannot be the reason", side.reason))
        }
    }

    /// A rule of a cluster-wide policy does by itself what it is said to do, in some family.
    fn check_wide(&self, policy: usize, rule: &RuleId, wanted: &[Action]) -> Result<(), String> {
        let place = (policy, self.direction, rule.rule as usize);
        let does = naive::ask_wide_rule(
            self.world,
            &naive::spec(),
            self.ends,
            self.protocol,
            self.port,
            place,
        );
        if does.iter().flatten().any(|action| wanted.contains(action)) {
            Ok(())
        } else {
            let name = &self.world.wide[policy].name;
            Err(format!(
                "{name} {} gives {does:?}, not {wanted:?}",
                rule.path()
            ))
        }
    }

    /// The policies that isolate this end in this direction, by their place in the world.
    fn isolating(&self) -> BTreeMap<usize, &Policy> {
        let subject = match self.direction {
            Direction::Egress => self.ends.0,
            Direction::Ingress => self.ends.1,
        };
        let End::Pod(pod) = subject else {
            return BTreeMap::new();
        };
        let policies = self.world.policies.iter().enumerate();
        policies
            .filter(|(_, policy)| naive::isolates(self.world, policy, pod, self.direction))
            .collect()
    }

    fn rules(&self, isolating: &BTreeMap<usize, &Policy>) -> Vec<(usize, usize)> {
        let mut rules = Vec::new();
        for (index, policy) in isolating {
            let count = naive::rules(policy, self.direction).len();
            rules.extend((0..count).map(|rule| (*index, rule)));
        }
        rules
    }

    fn ask(&self, policy: usize, rule: usize, item: Option<usize>) -> Vec<RuleTests> {
        let mut world = self.world.clone();
        if let Some(item) = item {
            // The one peer alone.
            let policy = &mut world.policies[policy];
            let rules = match self.direction {
                Direction::Egress => &mut policy.egress,
                Direction::Ingress => &mut policy.ingress,
            };
            rules[rule].peers = vec![rules[rule].peers[item].clone()];
        }
        let rule = (policy, self.direction, rule);
        naive::ask_rule(
            &world,
            &naive::spec(),
            self.ends,
            self.protocol,
            self.port,
            rule,
        )
    }

    /// A rule that decides admits the connection by itself, in some family, and so does the peer it names.
    fn check_decider(
        &self,
        isolating: &BTreeMap<usize, &Policy>,
        rule: &RuleId,
    ) -> Result<(), String> {
        let Found::Namespaced(policy) = self.product.policy_of(self.world, rule) else {
            return Err("not a NetworkPolicy".into());
        };
        if !isolating.contains_key(&policy) {
            return Err(format!("{} decides but does not isolate", rule.path()));
        }
        let index = rule.rule as usize;
        let item = rule.item.map(|item| item as usize);
        let listed = naive::rules(&self.world.policies[policy], self.direction)[index]
            .peers
            .len();
        if item.is_none() != (listed == 0) || item.is_some_and(|item| item >= listed) {
            return Err(format!("{} is no peer of the rule", rule.path()));
        }
        let tests = self.ask(policy, index, item);
        // What cannot meet is only told what its labels would give.
        if !tests.is_empty() && !tests.iter().any(|t| t.peer && t.ports) {
            return Err(format!("{} decides but does not admit", rule.path()));
        }
        Ok(())
    }

    /// The nearest rule fails exactly what it is said to fail, and no other rule fails less.
    fn check_nearest(
        &self,
        isolating: &BTreeMap<usize, &Policy>,
        nearest: &Nearest,
        denied: bool,
    ) -> Result<(), String> {
        let Found::Namespaced(policy) = self.product.policy_of(self.world, &nearest.rule) else {
            return Err("the nearest rule is not a NetworkPolicy's".into());
        };
        if !isolating.contains_key(&policy) {
            return Err("the nearest rule's policy does not isolate".into());
        }
        if nearest.fails.is_empty() {
            return Err("the nearest rule fails nothing".into());
        }
        let tests = self.ask(policy, nearest.rule.rule as usize, None);
        if tests.is_empty() {
            return Ok(());
        }
        let of_peer = |fail: &&Fail| matches!(fail, Fail::Peer | Fail::Family);
        let peer_fails = nearest.fails.iter().any(|fail| of_peer(&fail));
        let ports_fail = nearest.fails.iter().any(|fail| !of_peer(&fail));
        if !tests
            .iter()
            .any(|t| peer_fails != t.peer && ports_fail != t.ports)
        {
            return Err(format!("the nearest rule really gives {tests:?}"));
        }
        // Where families differ it is the story of one of them.
        let asked: Vec<Vec<RuleTests>> = self
            .rules(isolating)
            .into_iter()
            .map(|(policy, rule)| self.ask(policy, rule, None))
            .collect();
        let families = asked.iter().map(Vec::len).max().unwrap_or(0);
        let fewest: Vec<Option<usize>> = (0..families)
            .map(|family| {
                let tests = asked.iter().filter_map(|tests| tests.get(family));
                let misses = tests.map(|tests| tests.misses);
                misses.filter(|misses| *misses > 0).min()
            })
            .collect();
        if denied && !fewest.contains(&Some(nearest.fails.len())) {
            return Err(format!("another rule fails {fewest:?}"));
        }
        Ok(())
    }

    fn can_meet(&self) -> bool {
        let (from, to) = (
            self.product.entity(self.ends.0),
            self.product.entity(self.ends.1),
        );
        self.product.engine.unreachable(from, to).is_none()
    }
}
