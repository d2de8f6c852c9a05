//! NetworkPolicy v1 in the form the engine reads: what it selects in its namespace, and what its rules let through.
//!
//! Its rules have no order and only ever accept (rule N9), so all that is left of them is pairs of peers and ports.

use crate::model::{Direction, Policy};

use super::lowered::{Lowered, Lowering};

/// Lowers a policy of a namespace.
pub(crate) fn lower(policy: &Policy, space: u32, lowering: &mut Lowering<'_>) -> Lowered {
    let rules = Direction::BOTH.map(|direction| {
        let rules = policy.rules(direction)?;
        Some(
            rules
                .iter()
                .map(|rule| lowering.rule(rule, Some(space)))
                .collect(),
        )
    });
    Lowered {
        scope: None,
        subject: lowering.selector(&policy.subject),
        rules,
        is_doubtful: !policy.invalid.is_empty(),
        selector_in_doubt: policy
            .invalid
            .iter()
            .any(|problem| problem.path.is_empty() || problem.path.starts_with("spec.podSelector")),
    }
}
