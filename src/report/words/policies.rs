//! Policies and their rules by name: where they stand, what they do, where they were written.

use crate::engine::{Engine, RuleId};
use crate::model::{Action, Peers, Policy, PolicyApi, Rule, SourceRef, Tier};
use crate::text::tame;

/// Where a policy was written, as `file:line`; `None` when it came from a server.
pub fn policy_source(policy: &Policy) -> Option<SourceRef> {
    policy.source.clone()
}

/// The number that orders policies of one tier, lowest first. `None` for a NetworkPolicy, and for a `BaselineAdminNetworkPolicy`,
/// of which there is only one.
pub fn priority(policy: &Policy) -> Option<u16> {
    match policy.api {
        PolicyApi::NetworkPolicy | PolicyApi::BaselineAdminNetworkPolicy => None,
        PolicyApi::ClusterNetworkPolicy | PolicyApi::AdminNetworkPolicy => policy.tier.priority(),
    }
}

fn tier(policy: &Policy) -> Option<&'static str> {
    match policy.tier {
        Tier::Admin { .. } => Some("Admin"),
        Tier::NetworkPolicy => None,
        Tier::Baseline { .. } => Some("Baseline"),
    }
}

/// A policy within a sentence: `allow-dns` for a NetworkPolicy, whose namespace is that of the end it acts on, and
/// `ClusterNetworkPolicy tenant-wall (Admin, priority 10)` for a cluster-wide one.
pub fn policy_name(policy: &Policy) -> String {
    let name = tame(&policy.name);
    match (tier(policy), priority(policy)) {
        (None, _) => name.into_owned(),
        (Some(tier), None) => format!("{} {name} ({tier})", policy.api.kind()),
        (Some(tier), Some(priority)) => {
            format!("{} {name} ({tier}, priority {priority})", policy.api.kind())
        }
    }
}

/// A policy where room is short: `shop/allow-dns`, `cnp/tenant-wall (admin 10)`, with the short names kubectl knows.
pub fn policy_short(policy: &Policy) -> String {
    let name = tame(&policy.name);
    let short = match policy.api {
        PolicyApi::NetworkPolicy => return format!("{}/{name}", tame(&policy.namespace)),
        PolicyApi::ClusterNetworkPolicy => "cnp",
        PolicyApi::AdminNetworkPolicy => "anp",
        PolicyApi::BaselineAdminNetworkPolicy => "banp",
    };
    match priority(policy) {
        Some(priority) => format!("{short}/{name} ({} {priority})", policy.tier.word()),
        None => format!("{short}/{name} ({})", policy.tier.word()),
    }
}

pub(super) fn found<'e>(engine: &'e Engine, rule: &RuleId) -> Option<&'e Rule> {
    let rules = engine.policy(rule.policy).rules(rule.direction)?;
    rules.get(rule.rule as usize)
}

/// What a rule does with what it matches, in the spelling of its API; `None` for a rule that is gone.
pub fn action_word(engine: &Engine, rule: &RuleId) -> Option<&'static str> {
    let found = found(engine, rule)?;
    Some(engine.policy(rule.policy).api.word_for(found.action))
}

/// Whether a rule that decides does so by denying; a Pass rule decides only where it fails closed (rule A24).
pub fn is_denying(engine: &Engine, rule: &RuleId) -> bool {
    found(engine, rule).is_some_and(|found| found.action != Action::Accept)
}

/// Where a rule, or the peer item of it that matters, was written.
pub fn rule_source(engine: &Engine, rule: &RuleId) -> Option<SourceRef> {
    let source = engine.policy(rule.policy).source.clone()?;
    let line = found(engine, rule).and_then(|r| match (&r.peers, rule.item) {
        (Peers::AnyOf(items), Some(item)) => {
            items.get(item as usize).and_then(|i| i.line).or(r.line)
        }
        _ => r.line,
    });
    Some(SourceRef {
        line: line.unwrap_or(source.line),
        ..source
    })
}

/// `egress[1].to[0] "no-cross-tenant"`: the path of a rule within `spec`, the peer item included, and the rule's own name.
pub(super) fn rule_place(engine: &Engine, rule: &RuleId) -> String {
    let path = rule.path();
    let path = path.strip_prefix("spec.").unwrap_or(&path);
    match found(engine, rule) {
        Some(found) if !found.name.is_empty() => format!("{path} \"{}\"", tame(&found.name)),
        _ => path.to_owned(),
    }
}

/// `allow-dns egress[0]`: the policy, as [`policy_name`] has it, and the rule.
pub fn rule_name(engine: &Engine, rule: &RuleId) -> String {
    format!(
        "{} {}",
        policy_name(engine.policy(rule.policy)),
        rule_place(engine, rule)
    )
}

/// What a rule is about: `to pods component=microservice, 8000/TCP`.
pub(super) fn rule_scope(engine: &Engine, rule: &RuleId) -> String {
    let Some(found) = found(engine, rule) else {
        return String::new();
    };
    let preposition = rule.direction.peer_field();
    let peers = match (&found.peers, rule.item) {
        (Peers::Everyone, _) => "everyone".to_owned(),
        (Peers::AnyOf(items), Some(item)) => items
            .get(item as usize)
            .map(|i| i.peer.to_string())
            .unwrap_or_default(),
        (Peers::AnyOf(items), None) => items
            .iter()
            .map(|i| i.peer.to_string())
            .collect::<Vec<_>>()
            .join(" or "),
    };
    tame(&format!("{preposition} {peers}, {}", found.ports)).into_owned()
}

/// What a rule does: `to pods component=microservice, 8000/TCP` for one that only ever allows, `Deny, to every pod, any port` for
/// one of a cluster-wide policy.
pub fn rule_meaning(engine: &Engine, rule: &RuleId) -> String {
    let scope = rule_scope(engine, rule);
    match action_word(engine, rule) {
        Some(action) if engine.policy(rule.policy).is_cluster_wide() => {
            format!("{action}, {scope}")
        }
        _ => scope,
    }
}
