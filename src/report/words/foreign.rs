//! Policies of other projects: that they are there, and what that does to verdicts.

use crate::model::Effect;
use crate::questions::info::NotEvaluated;
use crate::text::tame;

use super::causes::{is_ambiguous, plural};

/// Namespaces named in a sentence; the rest is counted.
const NAMED: usize = 3;

/// `3 CiliumNetworkPolicies`, `2 NetworkPolicies of projectcalico.org`
pub fn not_evaluated_count(found: &NotEvaluated) -> String {
    let told = match found.count {
        1 => format!("1 {}", found.kind.kind()),
        more => format!("{more} {}", plural(found.kind.kind())),
    };
    if is_ambiguous(found.kind) {
        format!("{told} of {}", found.kind.group())
    } else {
        told
    }
}

/// `verdicts of shop are UNKNOWN`
pub fn not_evaluated_cost(found: &NotEvaluated) -> String {
    let place = match found.namespaces.as_slice() {
        [] => "every namespace".to_owned(),
        names => {
            let mut told: Vec<String> = names
                .iter()
                .take(NAMED)
                .map(|name| tame(name).into_owned())
                .collect();
            if names.len() > NAMED {
                told.push(format!("{} more", names.len() - NAMED));
            }
            match told.as_slice() {
                [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
                _ => told.concat(),
            }
        }
    };
    match (found.kind.effect(), found.kind.is_egress_only()) {
        (Effect::Decides, _) => format!("verdicts of {place} are UNKNOWN"),
        // They never open anything: a denial stays one.
        (Effect::Restricts, false) => format!("what {place} would ALLOW is UNKNOWN"),
        (Effect::Restricts, true) => format!("what would be ALLOW out of {place} is UNKNOWN"),
    }
}

/// `3 CiliumNetworkPolicies: verdicts of shop are UNKNOWN`
pub fn not_evaluated(found: &NotEvaluated) -> String {
    format!(
        "{}: {}",
        not_evaluated_count(found),
        not_evaluated_cost(found)
    )
}
