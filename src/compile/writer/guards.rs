//! What each place lets through, by direction.

use std::sync::Arc;

use crate::compile::cluster_policy::{self, Step};
use crate::compile::lowered::{Firsts, Lowering};
use crate::compile::{Guard, Lowered, Place, Space, Switch, slot};
use crate::model::{Direction, Tier};

use super::Writer;

/// The cluster-wide policies that may act on the pods of one namespace.
pub(super) struct Wide {
    index: u32,
    rank: u32,
    is_baseline: bool,
    /// Its namespace is certainly selected.
    is_certain: bool,
    open_api: u8,
    is_doubtful: bool,
}

impl Writer {
    pub(super) fn make_guards(&mut self) {
        for space in 0..self.space_count() {
            self.make_guards_of(space);
        }
        let nobody = self.guard_number(Guard {
            no_subject: true,
            ..Guard::default()
        });
        let total = u32::try_from(self.compiled.places.len()).expect("fewer than 2^32 places");
        for place in 0..total {
            if !self.compiled.places[place].is_subject() {
                for guards in &mut self.compiled.guard_of {
                    *guards.get_mut(place) = nobody;
                }
            }
        }
    }

    /// Makes the guards of all places of a namespace.
    pub(super) fn make_guards_of(&mut self, space: u32) {
        let wide = self.wide_policies(space);
        for place in self.index.by_space[space as usize].clone() {
            self.make_guards_at(place, &wide);
        }
    }

    pub(super) fn make_guards_at(&mut self, number: u32, wide: &[Wide]) {
        let place = self.compiled.places[number];
        if !place.is_subject() {
            let nobody = self.guard_number(Guard {
                no_subject: true,
                ..Guard::default()
            });
            for guards in &mut self.compiled.guard_of {
                *guards.get_mut(number) = nobody;
            }
            return;
        }
        for direction in Direction::BOTH {
            let guard = self.guard_at(direction, &place, wide);
            let guard = self.guard_number(guard);
            *self.compiled.guard_of[slot(direction)].get_mut(number) = guard;
        }
    }

    /// Whether the pods of a place are among those that a policy's selector means.
    pub(super) fn subject_matches(&self, policy: &Lowered, place: &Place) -> bool {
        self.numbers
            .readings
            .get(policy.subject)
            .matches(self.projections.get(place.labels))
    }

    fn guard_at(&mut self, direction: Direction, place: &Place, wide: &[Wide]) -> Guard {
        let space: Arc<Space> = Arc::clone(&self.compiled.spaces[place.space]);
        let mut guard = Guard {
            is_unreadable: !space.policies_readable,
            foreign: space.foreign[slot(direction)],
            ..Guard::default()
        };
        // Whether a policy selects the pod for the other direction: certainly, possibly.
        let mut other = (false, !space.policies_readable);
        for policy in &space.policies {
            let selected = self.subject_matches(policy, place);
            if !(selected || policy.selector_in_doubt) {
                continue;
            }
            if let Some(rules) = &policy.rules[slot(direction)] {
                let accepts = rules.iter().map(|rule| (rule.peers, rule.ports));
                if policy.is_doubtful {
                    guard.is_doubtful = true;
                    guard.may_accept.extend(accepts);
                } else {
                    guard.is_isolated = true;
                    guard.accepts.extend(accepts);
                }
            } else {
                other.0 |= !policy.is_doubtful;
                other.1 = true;
            }
        }
        for list in [&mut guard.accepts, &mut guard.may_accept] {
            list.sort_unstable();
            list.dedup();
        }
        let [admin, baseline] = self.tiers_at(direction, place, wide);
        self.compiled
            .baseline_scope(&mut guard, other, baseline.is_empty());
        guard.admin = self.tier_number(admin);
        guard.baseline = self.tier_number(baseline);
        guard
    }

    /// The steps of the Admin and of the Baseline tier for a place.
    fn tiers_at(&mut self, direction: Direction, place: &Place, wide: &[Wide]) -> [Vec<Step>; 2] {
        let hidden = self.compiled.hidden;
        let mut tiers = [hidden.admin, hidden.baseline].map(|is_hidden| {
            let mut steps = Vec::new();
            if is_hidden {
                steps.extend(cluster_policy::anything(0, u32::MAX));
            }
            steps
        });
        if wide.is_empty() {
            return tiers;
        }
        let policies = Arc::clone(&self.compiled.cluster_policies);
        for one in wide {
            let policy = &policies[one.index as usize];
            if !(self.subject_matches(policy, place)
                || (one.is_doubtful && policy.selector_in_doubt))
            {
                continue;
            }
            let steps = &mut tiers[usize::from(one.is_baseline)];
            if one.is_doubtful {
                steps.extend(cluster_policy::anything(one.rank, one.index));
                continue;
            }
            for (number, rule) in policy.rules[slot(direction)].iter().flatten().enumerate() {
                let peers = if rule.is_tenant {
                    self.tenants_of(one.index, direction, number, place.space)
                } else {
                    rule.peers
                };
                cluster_policy::steps(
                    rule,
                    peers,
                    self.compiled.profile,
                    (one.rank, one.index, one.is_certain, one.open_api),
                    steps,
                );
            }
        }
        tiers
    }

    /// The peers of a rule that depend on the subject's namespace.
    fn tenants_of(&mut self, policy: u32, direction: Direction, rule: usize, space: u32) -> u32 {
        let cluster = Arc::clone(&self.compiled.cluster);
        let rules = cluster.cluster_policies[policy as usize].rules(direction);
        let Some(model) = rules.and_then(|rules| rules.get(rule)) else {
            return crate::compile::EVERYONE;
        };
        let lowered = &self.compiled.cluster_policies[policy as usize].rules[slot(direction)];
        let own = lowered.as_ref().map_or(0, |rules| rules[rule].peers);
        let mut firsts = Firsts::default();
        let mut lowering = Lowering {
            numbers: &mut self.numbers,
            firsts: &mut firsts,
        };
        let peers = lowering.tenants(model, own, space);
        debug_assert!(firsts.is_empty(), "the rule has been lowered before");
        self.fill_sets();
        peers
    }

    /// The cluster-wide policies whose subject may include pods of a namespace.
    pub(super) fn wide_policies(&self, space: u32) -> Vec<Wide> {
        let policies = &self.compiled.cluster.cluster_policies;
        let profile = self.compiled.profile;
        if policies.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (index, (policy, lowered)) in policies
            .iter()
            .zip(self.compiled.cluster_policies.iter())
            .enumerate()
        {
            let acted_on = cluster_policy::is_acted_on(policy, profile);
            let (sure, possible) = match lowered.scope {
                _ if acted_on == Switch::No => (false, false),
                _ if lowered.is_doubtful && lowered.selector_in_doubt => (false, true),
                Some(scope) => self.scope_holds(scope, space),
                None => (true, true),
            };
            if possible {
                let index = u32::try_from(index).expect("fewer than 2^32 policies");
                found.push(Wide {
                    index,
                    rank: self.compiled.ranks[index as usize],
                    is_baseline: matches!(policy.tier, Tier::Baseline { .. }),
                    is_certain: sure,
                    open_api: cluster_policy::open_api(policy, acted_on),
                    is_doubtful: lowered.is_doubtful,
                });
            }
        }
        found
    }
}
