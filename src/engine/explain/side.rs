//! One end's answer, told: the chain of tiers walked as a reader would, policy by policy.
//!
//! The verdict is the engine's. Where it is certain it does not hang on anything that may or may not be, so the story is told as if
//! whatever only may match did not; where it is unknown, all that may match is what it hangs on.

use crate::compile::{
    BaselineApplies, Cause, LoweredRule, PlaceKind, PolicyId, Switch, TieBreak, foreign_acts,
    foreign_scope, foreign_touches, is_acted_on, is_hidden, slot,
};
use crate::engine::chain::combine_one;
use crate::engine::judge::NodeRule;
use crate::engine::{Engine, Reason, Verdict};
use crate::model::{Action, Coverage, PolicyApi, PolicyKind, Resource, Rule, Tier};

use super::miss::port_fails;
use super::{Asked, Fail, Limit, Nearest, PeerMiss, RuleId, Side};

/// So many policies of another project are named; of more only the number.
const NAMED_FOREIGN: usize = 3;

/// What a tier comes to when only what is certain counts.
struct Walked {
    decided: Option<(Action, RuleId, Reason)>,
    /// Some policy of the tier acts on the subject in this direction.
    is_met: bool,
}

/// How a rule meets a connection.
enum Met {
    Certainly(RuleId),
    Perhaps(Vec<Cause>),
    No,
}

impl Engine {
    pub(super) fn explain_side(&self, asked: &Asked<'_>, limits: &mut Vec<Limit>) -> Side {
        let direction = asked.direction;
        if !asked.spot.place.is_subject() {
            return Side::allow(match asked.spot.place.kind {
                PlaceKind::Outside => Reason::NoEnforcementAtExternal,
                _ => Reason::HostNetworkSubject,
            });
        }
        let outcome = self.gate_one(
            direction,
            (asked.subject, asked.spot),
            (asked.peer, asked.peer_spot),
            (asked.protocol, asked.port),
        );
        let mut side = Side {
            verdict: combine_one(&outcome),
            ..Side::allow(Reason::NotIsolated)
        };
        let mut isolating = Vec::new();
        let mut doubtful = Vec::new();
        for (id, is_doubtful) in self.selecting(asked.spot) {
            if self.policy(id).rules(direction).is_none() {
                continue;
            }
            if is_doubtful {
                doubtful.push(id);
            } else {
                isolating.push(id);
            }
        }
        side.isolated_by.clone_from(&isolating);
        self.tell_hidden(asked, &mut side);
        let admin = self.walk(asked, false, &mut side, limits);
        let own_node = self.node_rule(direction, asked.subject, asked.peer);
        if let Some((action, rule, reason)) = admin.decided {
            side.decided_by.push(rule);
            side.reason = reason;
            debug_assert_ne!(action, Action::Pass, "a rule that passes decides nothing");
        } else if own_node == NodeRule::Always {
            side.reason = Reason::OwnNode;
        } else {
            if let NodeRule::Perhaps(cause) = own_node {
                side.causes.push(cause);
            }
            for id in &isolating {
                self.ask_policy(*id, asked, &mut side, limits);
            }
            for id in &doubtful {
                side.causes.push(self.invalid(*id));
            }
            if isolating.is_empty() {
                self.tell_below(asked, admin.is_met, &mut side, limits);
            } else if side.decided_by.is_empty() {
                side.reason = Reason::IsolatedNoMatch;
            } else {
                side.reason = Reason::RuleAllow;
            }
        }
        self.settle(asked, &mut side, limits);
        side
    }

    /// What the Baseline tier, or no tier at all, says of an end that nothing isolates.
    fn tell_below(
        &self,
        asked: &Asked<'_>,
        is_met: bool,
        side: &mut Side,
        limits: &mut Vec<Limit>,
    ) {
        let guard = self.guard(asked.direction, asked.spot);
        if guard.baseline_applies == BaselineApplies::No {
            side.reason = Reason::DefaultAllow;
            return;
        }
        let baseline = self.walk(asked, true, side, limits);
        if guard.baseline_applies == BaselineApplies::Perhaps {
            side.causes.push(Cause::BaselineScope);
        }
        match baseline.decided {
            Some((_, rule, reason)) => {
                side.decided_by.push(rule);
                side.reason = reason;
            }
            None if is_met || baseline.is_met => side.reason = Reason::DefaultAllow,
            None => side.reason = Reason::NotIsolated,
        }
    }

    /// Makes reason and lists fit the verdict.
    fn settle(&self, asked: &Asked<'_>, side: &mut Side, limits: &mut Vec<Limit>) {
        match side.verdict {
            Verdict::Allow => {
                side.causes.clear();
                side.nearest = None;
                if let (Some(_), Some(first)) = (asked.peer.pod(), side.decided_by.first())
                    && self.matched_by_block(first)
                {
                    limits.push(Limit::BlockMatchedPod);
                }
            }
            Verdict::Deny => {
                side.causes.clear();
                if side.reason != Reason::IsolatedNoMatch {
                    side.nearest = None;
                }
            }
            Verdict::Unknown | Verdict::Unreachable => {
                side.nearest = None;
                self.tell_foreign(asked, side);
                side.causes.sort();
                side.causes.dedup();
                side.reason = reason_of(&side.causes);
            }
        }
    }

    fn invalid(&self, id: PolicyId) -> Cause {
        let policy = self.policy(id);
        Cause::InvalidPolicy {
            api: policy.api,
            namespace: policy.namespace.to_string(),
            name: policy.name.clone(),
        }
    }

    /// Walks a tier in its order. Rules that pass are noted; the first that decides ends the walk.
    fn walk(
        &self,
        asked: &Asked<'_>,
        is_baseline: bool,
        side: &mut Side,
        limits: &mut Vec<Limit>,
    ) -> Walked {
        let mut policies: Vec<(PolicyId, bool)> = self
            .selecting_wide(asked.spot)
            .map(|(id, certain, acted_on)| (id, certain && acted_on == Switch::Yes))
            .filter(|(id, _)| {
                let policy = self.policy(*id);
                matches!(policy.tier, Tier::Baseline { .. }) == is_baseline
                    && (policy.rules(asked.direction).is_some() || !policy.invalid.is_empty())
            })
            .collect();
        let tie_break = self.compiled.profile.equal_priority;
        policies.sort_by_key(|(id, _)| self.compiled.rank(*id));
        let mut walked = Walked {
            decided: None,
            is_met: !policies.is_empty(),
        };
        let ranks =
            policies.chunk_by(|(a, _), (b, _)| self.compiled.rank(*a) == self.compiled.rank(*b));
        for rank in ranks {
            let mut found = Vec::new();
            for (id, is_certain) in rank {
                found.extend(self.first_match(*id, *is_certain, asked, side, limits));
            }
            if tie_break == TieBreak::Deny {
                found.sort_by_key(|(action, _, _)| *action != Action::Deny);
            }
            let Some((action, rule, reason)) = found.first().copied() else {
                continue;
            };
            if tie_break == TieBreak::Open && found.iter().any(|(other, ..)| *other != action) {
                let mut names: Vec<String> = found
                    .iter()
                    .map(|(_, rule, _)| self.policy(rule.policy).name.clone())
                    .collect();
                names.sort();
                side.causes.push(Cause::EqualPriority { names });
            }
            if action == Action::Pass {
                side.passed_by.push(rule);
            } else {
                walked.decided = Some((action, rule, reason));
            }
            return walked;
        }
        walked
    }

    /// The first rule of a policy that certainly matches; what only may is noted on the way.
    fn first_match(
        &self,
        id: PolicyId,
        is_certain: bool,
        asked: &Asked<'_>,
        side: &mut Side,
        limits: &mut Vec<Limit>,
    ) -> Option<(Action, RuleId, Reason)> {
        let (policy, lowered, _) = self.compiled.policy(id);
        if lowered.is_doubtful {
            side.causes.push(self.invalid(id));
            return None;
        }
        let doubt = || -> Vec<Cause> {
            if is_acted_on(policy, self.compiled.profile) == Switch::Yes {
                let space = &self.compiled.spaces[asked.spot.place.space];
                vec![Cause::NamespaceLabelsUnreadable {
                    namespace: space.namespace.name.clone(),
                }]
            } else {
                vec![Cause::ApiUnsupported { api: policy.api }]
            }
        };
        let rules = policy.rules(asked.direction).unwrap_or_default();
        let numbered = lowered.rules[slot(asked.direction)].iter().flatten();
        for (index, (rule, lowered)) in rules.iter().zip(numbered).enumerate() {
            let own = RuleId {
                policy: id,
                direction: asked.direction,
                rule: u32::try_from(index).expect("fewer than 2^32 rules"),
                item: None,
            };
            let closes = lowered.has_empty_peer && rule.action != Action::Accept;
            let met = match self.compiled.profile.empty_peer_closes {
                Switch::Yes if closes => Met::Certainly(own),
                Switch::Open if closes => Met::Perhaps(vec![Cause::EmptyPeer]),
                // An Accept with such a peer matches nothing.
                Switch::Yes if lowered.has_empty_peer => Met::No,
                Switch::Open if lowered.has_empty_peer => {
                    match self.meets_rule(own, rule, lowered, asked, limits) {
                        Met::No => Met::No,
                        Met::Perhaps(_) | Met::Certainly(_) => Met::Perhaps(vec![Cause::EmptyPeer]),
                    }
                }
                _ => self.meets_rule(own, rule, lowered, asked, limits),
            };
            match met {
                Met::No => {}
                Met::Perhaps(causes) => {
                    side.causes.extend(causes);
                    if !is_certain {
                        side.causes.extend(doubt());
                    }
                }
                Met::Certainly(_) if !is_certain => side.causes.extend(doubt()),
                Met::Certainly(found) => {
                    let closed = closes && self.compiled.profile.empty_peer_closes == Switch::Yes;
                    return Some(if closed {
                        (Action::Deny, found, Reason::FailClosedPeer)
                    } else {
                        let reason = match rule.action {
                            Action::Deny => Reason::TierDeny,
                            Action::Accept | Action::Pass => Reason::TierAccept,
                        };
                        (rule.action, found, reason)
                    });
                }
            }
        }
        None
    }

    fn meets_rule(
        &self,
        own: RuleId,
        rule: &Rule,
        lowered: &LoweredRule,
        asked: &Asked<'_>,
        limits: &mut Vec<Limit>,
    ) -> Met {
        let found = self.best_item(&rule.peers, asked.owner(true), asked, limits);
        let (sure, possible) = self.has_port(lowered, asked);
        if found.miss.is_some() || !possible {
            return Met::No;
        }
        let mut causes: Vec<Cause> = found.maybe.into_iter().collect();
        if !sure {
            causes.extend(self.name_causes(lowered));
        }
        if causes.is_empty() {
            return Met::Certainly(RuleId {
                item: found.item,
                ..own
            });
        }
        Met::Perhaps(causes)
    }

    /// Whether a rule certainly, and possibly means the port that is asked for.
    fn has_port(&self, rule: &LoweredRule, asked: &Asked<'_>) -> (bool, bool) {
        let atom = self.compiled.port_atoms.atom(asked.protocol, asked.port);
        self.compiled.ports[rule.ports as usize].has(
            atom,
            (asked.protocol, asked.port),
            asked.declared(),
            self.compiled.profile,
        )
    }

    fn name_causes(&self, rule: &LoweredRule) -> impl Iterator<Item = Cause> {
        let names = self.compiled.ports[rule.ports as usize].names.iter();
        names.map(|name| Cause::InitContainerPort {
            port: name.name.to_string(),
        })
    }

    /// Adds what the rules of one policy that certainly isolates say: those that decide, why one may, the nearest that misses.
    fn ask_policy(
        &self,
        id: PolicyId,
        asked: &Asked<'_>,
        side: &mut Side,
        limits: &mut Vec<Limit>,
    ) {
        let (policy, lowered, _) = self.compiled.policy(id);
        let rules = policy.rules(asked.direction).unwrap_or_default();
        let numbered = lowered.rules[slot(asked.direction)].iter().flatten();
        for (index, (rule, lowered)) in rules.iter().zip(numbered).enumerate() {
            let found = self.best_item(&rule.peers, asked.owner(false), asked, limits);
            let id = RuleId {
                policy: id,
                direction: asked.direction,
                rule: u32::try_from(index).expect("fewer than 2^32 rules"),
                item: found.item,
            };
            let (sure, possible) = self.has_port(lowered, asked);
            if found.miss.is_none() && found.maybe.is_none() && sure {
                side.decided_by.push(id);
                continue;
            }
            if found.miss.is_none() && possible {
                side.causes.extend(found.maybe);
                if !sure {
                    side.causes.extend(self.name_causes(lowered));
                }
                continue;
            }
            let mut fails = port_fails(&rule.ports, asked.declared(), asked.protocol, asked.port);
            let ports = (!fails.is_empty()).then(|| rule.ports.to_string());
            self.assume(
                &rule.peers,
                found.miss.as_ref(),
                fails.is_empty(),
                asked.peer,
                limits,
            );
            match &found.miss {
                Some(PeerMiss::Family { .. }) => fails.push(Fail::Family),
                Some(_) => fails.push(Fail::Peer),
                None => {}
            }
            fails.sort_unstable();
            let nearest = Nearest {
                rule: id,
                fails,
                peer: found.miss,
                ports,
            };
            let is_nearer = |best: &Nearest| nearest.weight() < best.weight();
            if !nearest.fails.is_empty() && side.nearest.as_ref().is_none_or(is_nearer) {
                side.nearest = Some(nearest);
            }
        }
    }

    /// What could not be read.
    fn tell_hidden(&self, asked: &Asked<'_>, side: &mut Side) {
        let space = &self.compiled.spaces[asked.spot.place.space];
        if !space.policies_readable {
            side.causes.push(Cause::PoliciesUnreadable {
                namespace: space.namespace.name.clone(),
            });
        }
        let profile = self.compiled.profile;
        for api in PolicyApi::ALL {
            let switch = match api {
                PolicyApi::NetworkPolicy => Switch::No,
                PolicyApi::ClusterNetworkPolicy => profile.cluster_policies,
                _ => profile.admin_policies,
            };
            let resource = api.resource();
            if switch != Switch::No && is_hidden(self.coverage(), resource, None) {
                side.causes.push(Cause::TierUnreadable { resource });
            }
        }
    }

    fn coverage(&self) -> &Coverage {
        &self.compiled.cluster.coverage
    }

    /// The policies of other projects that may act on the subject.
    fn tell_foreign(&self, asked: &Asked<'_>, side: &mut Side) {
        let profile = self.compiled.profile;
        let space = &self.compiled.spaces[asked.spot.place.space].namespace.name;
        for kind in PolicyKind::all() {
            if !foreign_acts(kind, profile) || !foreign_touches(kind, asked.direction) {
                continue;
            }
            let hidden = is_hidden(self.coverage(), Resource::Other(kind), Some(space));
            if hidden {
                side.causes.push(Cause::OtherPolicy {
                    kind,
                    namespace: String::new(),
                    name: None,
                });
            }
            let mut acting: Vec<_> = self
                .compiled
                .cluster
                .foreign
                .iter()
                .filter(|foreign| {
                    foreign.kind == kind
                        && foreign_scope(kind, &foreign.namespace).is_none_or(|own| own == space)
                })
                .collect();
            acting.sort();
            if acting.len() <= NAMED_FOREIGN {
                side.causes
                    .extend(acting.into_iter().map(|foreign| Cause::OtherPolicy {
                        kind,
                        namespace: foreign.namespace.clone(),
                        name: Some(foreign.name.clone()),
                    }));
            } else {
                side.causes.push(Cause::OtherPolicies {
                    kind,
                    count: acting.len(),
                });
            }
        }
    }
}

/// The gravest of what an answer hangs on.
fn reason_of(causes: &[Cause]) -> Reason {
    let rank = |cause: &Cause| match cause {
        Cause::PoliciesUnreadable { .. }
        | Cause::NamespaceLabelsUnreadable { .. }
        | Cause::NodeLabelsUnknown
        | Cause::TierUnreadable { .. }
        | Cause::InvalidPolicy { .. } => (5, Reason::Unreadable),
        Cause::OtherPolicy { .. } | Cause::OtherPolicies { .. } => (4, Reason::OtherPolicyApi),
        Cause::EqualPriority { .. } => (3, Reason::EqualPriority),
        Cause::DomainName { .. } => (2, Reason::FqdnUnknown),
        Cause::AddressUnknown | Cause::NodeUnknown => (1, Reason::AddressUnknown),
        _ => (1, Reason::ProfileUndefined),
    };
    causes
        .iter()
        .map(rank)
        .max_by_key(|(rank, _)| *rank)
        .map_or(Reason::Unreadable, |(_, reason)| reason)
}
