//! ClusterNetworkPolicy v1alpha2 and its forerunners AdminNetworkPolicy and BaselineAdminNetworkPolicy v1alpha1, in the form the
//! engine reads: ordered steps of the Admin and the Baseline tier.

use smallvec::SmallVec;

use crate::model::{Action, Direction, NamespaceScope, Policy, PolicyApi, Selector};

use super::lowered::{EVERYONE, Lowered, LoweredRule, Lowering};
use super::{Profile, Switch, TieBreak};

/// One rule in the order of its tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Step {
    /// Steps of equal rank but different policies have no order among them (rule A9).
    pub(crate) rank: u32,
    /// Tells policies of one rank apart; means nothing else.
    pub(crate) policy: u32,
    pub(crate) action: Action,
    /// Not known whether the enforcer acts on the API: see [`open_api`].
    pub(crate) open_api: u8,
    /// Whether the policy, where its API is acted on, certainly acts on the subject. It acts with all its rules or with none.
    pub(crate) is_certain: bool,
    /// Whether the rule certainly does what it says where peers and ports match.
    pub(crate) is_sure: bool,
    /// By number.
    pub(crate) peers: u32,
    pub(crate) ports: u32,
}

/// The rules of a tier in their order: once for each case of which APIs are acted on, where that is not known (rule A4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Steps {
    pub(crate) cases: SmallVec<[Case; 1]>,
}

/// The rules of a tier in their order, by rank.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Case {
    pub(crate) list: Vec<Step>,
    /// Two policies have one rank: their order counts for nothing.
    pub(crate) has_ties: bool,
}

impl Steps {
    /// Sorts by rank; the order within a policy stays.
    pub(crate) fn new(mut list: Vec<Step>) -> Self {
        list.sort_by_key(|step| step.rank);
        let open = list.iter().fold(0, |open, step| open | step.open_api);
        let mut cases: SmallVec<[Case; 1]> = SmallVec::new();
        for acted_on in (0..=open).filter(|bits| bits & !open == 0) {
            let own = list
                .iter()
                .filter(|step| step.open_api & !acted_on == 0)
                .copied()
                .collect::<Vec<_>>();
            let case = Case {
                has_ties: own
                    .windows(2)
                    .any(|pair| pair[0].rank == pair[1].rank && pair[0].policy != pair[1].policy),
                list: own,
            };
            if !cases.contains(&case) {
                cases.push(case);
            }
        }
        Self { cases }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cases.iter().all(|case| case.list.is_empty())
    }

    /// The steps of all cases.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Step> {
        self.cases.iter().flat_map(|case| &case.list)
    }
}

/// The bit of an API for which it is not known whether the enforcer acts on it; 0 where it is.
pub(crate) fn open_api(policy: &Policy, acted_on: Switch) -> u8 {
    match (acted_on, policy.api) {
        (Switch::Yes | Switch::No, _) => 0,
        (Switch::Open, PolicyApi::AdminNetworkPolicy | PolicyApi::BaselineAdminNetworkPolicy) => 2,
        (Switch::Open, _) => 1,
    }
}

/// Lowers a policy that stands in no namespace.
pub(crate) fn lower(policy: &Policy, lowering: &mut Lowering<'_>) -> Lowered {
    let rules = Direction::BOTH.map(|direction| {
        let rules = policy.rules(direction)?;
        Some(rules.iter().map(|rule| lowering.rule(rule, None)).collect())
    });
    let everywhere = Selector::everything();
    Lowered {
        scope: Some(lowering.scope(match &policy.subject_namespaces {
            NamespaceScope::Matching(selector) => selector,
            NamespaceScope::Own => &everywhere,
        })),
        subject: lowering.selector(&policy.subject),
        rules,
        is_doubtful: !policy.invalid.is_empty(),
        selector_in_doubt: policy
            .invalid
            .iter()
            .any(|problem| problem.path.is_empty() || problem.path.starts_with("spec.subject")),
    }
}

/// Whether the enforcer acts on a policy at all (rule A4).
pub(crate) fn is_acted_on(policy: &Policy, profile: Profile) -> Switch {
    match policy.api {
        PolicyApi::NetworkPolicy => Switch::Yes,
        PolicyApi::ClusterNetworkPolicy => profile.cluster_policies,
        PolicyApi::AdminNetworkPolicy
            if policy
                .tier
                .priority()
                .is_some_and(|priority| priority > profile.last_admin_priority) =>
        {
            Switch::No
        }
        PolicyApi::AdminNetworkPolicy | PolicyApi::BaselineAdminNetworkPolicy => {
            profile.admin_policies
        }
    }
}

/// Where each policy stands in its tier: equal where nobody says which comes first. 0 is for what could not be read.
pub(crate) fn ranks(policies: &[Policy], profile: Profile) -> Vec<u32> {
    let number = |place: usize| u32::try_from(place).expect("fewer than 2^32 policies");
    if profile.equal_priority != TieBreak::Name {
        return policies
            .iter()
            .map(|policy| {
                policy
                    .tier
                    .priority()
                    .map_or(0, |priority| u32::from(priority) + 1)
            })
            .collect();
    }
    let mut order: Vec<usize> = (0..policies.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (&policies[*a], &policies[*b]);
        (a.tier, &a.name, a.api).cmp(&(b.tier, &b.name, b.api))
    });
    let mut ranks = vec![0; policies.len()];
    for (place, index) in order.into_iter().enumerate() {
        ranks[index] = number(place + 1);
    }
    ranks
}

/// A step that may accept or deny anything: for what could not be read.
pub(crate) fn anything(rank: u32, policy: u32) -> [Step; 2] {
    [Action::Accept, Action::Deny].map(|action| Step {
        rank,
        policy,
        action,
        open_api: 0,
        is_certain: false,
        is_sure: false,
        peers: EVERYONE,
        ports: 0,
    })
}

/// The steps of one rule. `peers` is its set of peers for the subject at hand.
pub(crate) fn steps(
    rule: &LoweredRule,
    peers: u32,
    profile: Profile,
    (rank, policy, is_certain, open_api): (u32, u32, bool, u8),
    out: &mut Vec<Step>,
) {
    let own = Step {
        rank,
        policy,
        action: rule.action,
        open_api,
        is_certain,
        is_sure: true,
        peers,
        ports: rule.ports,
    };
    if !rule.has_empty_peer {
        out.push(own);
        return;
    }
    if rule.action == Action::Accept {
        // The rule matches nothing, whatever its other peers are (rule A24).
        match profile.empty_peer_closes {
            Switch::Yes => {}
            Switch::No => out.push(own),
            Switch::Open => out.push(Step {
                is_sure: false,
                ..own
            }),
        }
        return;
    }
    // A peer that cannot be understood in a rule that takes away: it takes away everything (rule A24).
    let closed = Step {
        action: Action::Deny,
        peers: EVERYONE,
        ports: 0,
        ..own
    };
    match profile.empty_peer_closes {
        Switch::Yes => out.push(closed),
        Switch::No => out.push(own),
        Switch::Open => out.extend([
            Step {
                is_sure: false,
                ..closed
            },
            own,
        ]),
    }
}
