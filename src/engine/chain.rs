//! The chain of tiers: Admin, NetworkPolicy, Baseline, then everything gets through (rule A5).
//!
//! Written once for one port and for all ports at once. What is not certain is carried along as both: for each port it is worked out
//! whether it may get through, and whether it may be denied.

use crate::compile::{BaselineApplies, Case, Guard, Mask, Step, Steps};
use crate::model::{Action, Effect};

use super::judge::NodeRule;

/// A set of ports: a single one that is in or not, or the bits of all.
pub(crate) trait Bits: Clone {
    fn none(&self) -> Self;
    fn is_none(&self) -> bool;
    fn add(&mut self, other: &Self);
    fn keep(&mut self, other: &Self);
    fn take(&mut self, other: &Self);

    fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.keep(other);
        both
    }

    fn without(&self, other: &Self) -> Self {
        let mut rest = self.clone();
        rest.take(other);
        rest
    }
}

impl Bits for bool {
    fn none(&self) -> Self {
        false
    }
    fn is_none(&self) -> bool {
        !*self
    }
    fn add(&mut self, other: &Self) {
        *self |= *other;
    }
    fn keep(&mut self, other: &Self) {
        *self &= *other;
    }
    fn take(&mut self, other: &Self) {
        *self &= !*other;
    }
}

/// The bits of one word, for rows that are worked out word by word.
impl Bits for u64 {
    fn none(&self) -> Self {
        0
    }
    fn is_none(&self) -> bool {
        *self == 0
    }
    fn add(&mut self, other: &Self) {
        *self |= other;
    }
    fn keep(&mut self, other: &Self) {
        *self &= other;
    }
    fn take(&mut self, other: &Self) {
        *self &= !other;
    }
}

impl Bits for Mask {
    fn none(&self) -> Self {
        std::iter::repeat_n(0, self.len()).collect()
    }
    fn is_none(&self) -> bool {
        self.iter().all(|word| *word == 0)
    }
    fn add(&mut self, other: &Self) {
        for (word, other) in self.iter_mut().zip(other) {
            *word |= other;
        }
    }
    fn keep(&mut self, other: &Self) {
        for (word, other) in self.iter_mut().zip(other) {
            *word &= other;
        }
    }
    fn take(&mut self, other: &Self) {
        for (word, other) in self.iter_mut().zip(other) {
            *word &= !other;
        }
    }
}

/// For each port whether it may get through, and whether it may be denied; at least one of them is true.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Outcome<S> {
    pub(crate) possible: S,
    pub(crate) deniable: S,
}

impl<S: Bits> Outcome<S> {
    pub(crate) fn everything(all: &S) -> Self {
        Self {
            possible: all.clone(),
            deniable: all.none(),
        }
    }

    /// Both gates have to let it through.
    pub(crate) fn and(&mut self, other: &Self) {
        self.possible.keep(&other.possible);
        self.deniable.add(&other.deniable);
    }

    /// Either of two cases.
    pub(crate) fn or(&mut self, other: &Self) {
        self.possible.add(&other.possible);
        self.deniable.add(&other.deniable);
    }
}

/// The verdict on a single port.
pub(crate) fn combine_one(outcome: &Outcome<bool>) -> super::Verdict {
    match (outcome.possible, outcome.deniable) {
        (true, false) => super::Verdict::Allow,
        (true, true) => super::Verdict::Unknown,
        (false, _) => super::Verdict::Deny,
    }
}

/// A guard with its steps at hand. Peers are numbers that only the caller's `meets` has to understand.
pub(crate) struct View<'a> {
    pub(crate) guard: &'a Guard,
    pub(crate) admin: &'a Steps,
    pub(crate) baseline: &'a Steps,
    /// Two policies of equal priority: whether Deny wins.
    pub(crate) deny_wins: bool,
}

/// What may become of each port in one tier.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tier<S> {
    pub(crate) accept: S,
    pub(crate) deny: S,
    pub(crate) pass: S,
    /// No rule decides.
    pub(crate) next: S,
}

/// Walks a tier. `meets` says which ports a pair of peers and ports certainly, and possibly means.
pub(crate) fn tier<S: Bits>(
    steps: &Steps,
    deny_wins: bool,
    all: &S,
    meets: &mut (impl FnMut(u32, u32) -> (S, S) + ?Sized),
) -> Tier<S> {
    let mut cases = steps.cases.iter();
    let mut walked = match cases.next() {
        Some(first) => case(first, deny_wins, all, meets),
        None => Tier::untouched(all),
    };
    for other in cases {
        let other = case(other, deny_wins, all, meets);
        walked.accept.add(&other.accept);
        walked.deny.add(&other.deny);
        walked.pass.add(&other.pass);
        walked.next.add(&other.next);
    }
    walked
}

impl<S: Bits> Tier<S> {
    fn untouched(all: &S) -> Self {
        Self {
            accept: all.none(),
            deny: all.none(),
            pass: all.none(),
            next: all.clone(),
        }
    }
}

fn case<S: Bits>(
    steps: &Case,
    deny_wins: bool,
    all: &S,
    meets: &mut (impl FnMut(u32, u32) -> (S, S) + ?Sized),
) -> Tier<S> {
    let none = all.none();
    let mut walked = Tier::untouched(all);
    if !steps.has_ties {
        for policy in steps.list.chunk_by(|a, b| a.policy == b.policy) {
            walk(policy, &mut walked, meets);
        }
        return walked;
    }
    let mut rest = steps.list.as_slice();
    while let Some(first) = rest.first() {
        if walked.next.is_none() {
            break;
        }
        let end = rest
            .iter()
            .position(|step| step.rank != first.rank)
            .unwrap_or(rest.len());
        let (rank, after) = rest.split_at(end);
        rest = after;
        if rank.iter().all(|step| step.policy == first.policy) {
            walk(rank, &mut walked, meets);
            continue;
        }
        // Nobody says which policy comes first: each may, for what it decides (rule A9).
        let mut tied = Tier {
            next: walked.next.clone(),
            ..Tier {
                accept: none.clone(),
                deny: none.clone(),
                pass: none.clone(),
                next: none.clone(),
            }
        };
        let mut surely_denied = none.clone();
        let mut policies = rank;
        while let Some(own) = policies.first().map(|step| step.policy) {
            let end = policies
                .iter()
                .position(|step| step.policy != own)
                .unwrap_or(policies.len());
            let (steps, after) = policies.split_at(end);
            policies = after;
            let mut one = Tier {
                accept: none.clone(),
                deny: none.clone(),
                pass: none.clone(),
                next: walked.next.clone(),
            };
            walk(steps, &mut one, meets);
            tied.accept.add(&one.accept);
            tied.deny.add(&one.deny);
            tied.pass.add(&one.pass);
            tied.next.keep(&one.next);
            surely_denied.add(
                &one.deny
                    .without(&one.accept)
                    .without(&one.pass)
                    .without(&one.next),
            );
        }
        if deny_wins {
            for part in [&mut tied.accept, &mut tied.pass, &mut tied.next] {
                part.take(&surely_denied);
            }
        }
        walked.accept.add(&tied.accept);
        walked.deny.add(&tied.deny);
        walked.pass.add(&tied.pass);
        walked.next = tied.next;
    }
    walked
}

/// The rules of one policy in their order: the first that matches decides (rule A6). A policy that may not act at all decides nothing
/// for certain, but where it acts its rules stand in their order too.
fn walk<S: Bits>(
    steps: &[Step],
    walked: &mut Tier<S>,
    meets: &mut (impl FnMut(u32, u32) -> (S, S) + ?Sized),
) {
    let Some(first) = steps.first() else { return };
    let mut left = walked.next.clone();
    for step in steps {
        if left.is_none() {
            break;
        }
        let (sure, possible) = meets(step.peers, step.ports);
        let hit = possible.and(&left);
        match step.action {
            Action::Accept => walked.accept.add(&hit),
            Action::Deny => walked.deny.add(&hit),
            Action::Pass => walked.pass.add(&hit),
        }
        if step.is_sure {
            left.take(&sure);
        }
    }
    if first.is_certain {
        walked.next = left;
    }
}

/// One end's answer.
pub(crate) fn chain<S: Bits>(
    view: &View<'_>,
    own_node: &NodeRule,
    all: &S,
    mut meets: impl FnMut(u32, u32) -> (S, S),
) -> Outcome<S> {
    let guard = view.guard;
    if guard.is_open() {
        return Outcome::everything(all);
    }
    let admin = (!view.admin.is_empty()).then(|| tier(view.admin, view.deny_wins, all, &mut meets));
    let mut below = if *own_node == NodeRule::Always {
        Outcome::everything(all)
    } else {
        let policies = may_isolate(guard).then(|| network_policies(guard, all, &mut meets));
        let baseline = (!guard.is_isolated).then(|| baseline(view, all, &mut meets));
        below(policies, baseline, all)
    };
    if matches!(own_node, NodeRule::Perhaps(_)) {
        below.possible.add(all);
    }
    let foreign = guard.foreign.filter(|_| *own_node != NodeRule::Always);
    join(admin.as_ref(), below, foreign, all)
}

/// Whether NetworkPolicies have a say.
pub(crate) fn may_isolate(guard: &Guard) -> bool {
    guard.is_isolated || guard.is_doubtful || guard.is_unreadable
}

/// What NetworkPolicies say, should they isolate: the union of what their rules accept (rule N9).
fn network_policies<S: Bits>(
    guard: &Guard,
    all: &S,
    meets: &mut (impl FnMut(u32, u32) -> (S, S) + ?Sized),
) -> Outcome<S> {
    let none = all.none();
    let mut sure = none.clone();
    let mut possible = if guard.is_unreadable {
        all.clone()
    } else {
        none
    };
    for (peers, ports) in &guard.accepts {
        let (certain, perhaps) = meets(*peers, *ports);
        sure.add(&certain);
        possible.add(&perhaps);
    }
    for (peers, ports) in &guard.may_accept {
        possible.add(&meets(*peers, *ports).1);
    }
    Outcome {
        possible,
        deniable: all.without(&sure),
    }
}

/// NetworkPolicies where they isolate, the Baseline tier where they do not (rule A13); both where that is not certain.
pub(crate) fn below<S: Bits>(
    policies: Option<Outcome<S>>,
    baseline: Option<Outcome<S>>,
    all: &S,
) -> Outcome<S> {
    match (policies, baseline) {
        (Some(mut policies), Some(baseline)) => {
            policies.or(&baseline);
            policies
        }
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => Outcome::everything(all),
    }
}

/// The Admin tier above what stands below it, and policies of other projects beside both.
pub(crate) fn join<S: Bits>(
    admin: Option<&Tier<S>>,
    below: Outcome<S>,
    foreign: Option<Effect>,
    all: &S,
) -> Outcome<S> {
    let mut outcome = match admin {
        None => below,
        Some(admin) => {
            let mut reached = admin.next.clone();
            reached.add(&admin.pass);
            let mut outcome = Outcome {
                possible: below.possible.and(&reached),
                deniable: below.deniable.and(&reached),
            };
            outcome.possible.add(&admin.accept);
            outcome.deniable.add(&admin.deny);
            outcome
        }
    };
    match foreign {
        None => {}
        Some(Effect::Restricts) => outcome.deniable.add(all),
        Some(Effect::Decides) => {
            outcome.possible.add(all);
            outcome.deniable.add(all);
        }
    }
    outcome
}

pub(crate) fn baseline<S: Bits>(
    view: &View<'_>,
    all: &S,
    meets: &mut (impl FnMut(u32, u32) -> (S, S) + ?Sized),
) -> Outcome<S> {
    if view.baseline.is_empty() || view.guard.baseline_applies == BaselineApplies::No {
        return Outcome::everything(all);
    }
    let walked = tier(view.baseline, view.deny_wins, all, meets);
    let mut possible = walked.accept;
    possible.add(&walked.pass);
    possible.add(&walked.next);
    if view.guard.baseline_applies == BaselineApplies::Perhaps {
        possible.add(all);
    }
    Outcome {
        possible,
        deniable: walked.deny,
    }
}
