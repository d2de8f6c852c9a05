//! What the environment in force expects of a connection that was asked about.

use crate::engine::Verdict;
use crate::expect::Plan;
use crate::model::SourceRef;

use super::{Answer, Expectation};

/// Says beside an answer what an environment expects of that connection; nothing when it merely tolerates it.
pub fn expect(plan: &Plan, answer: &mut Answer) {
    let (Some(shown), Some(_)) = (&answer.shown, answer.port) else {
        return;
    };
    let expected = plan.expects(&shown.from, &shown.to);
    let verdict = if expected.must.contains(shown.protocol, shown.port) {
        Verdict::Allow
    } else if expected.may.contains(shown.protocol, shown.port) {
        return;
    } else {
        Verdict::Deny
    };
    let mut sources: Vec<SourceRef> = plan
        .musts()
        .iter()
        .filter(|must| {
            must.ports.contains(shown.protocol, shown.port)
                && plan.covers(&must.from, &shown.from, &shown.to)
                && plan.covers(&must.to, &shown.to, &shown.from)
        })
        .flat_map(|must| must.sources.iter().cloned())
        .collect();
    sources.sort();
    sources.dedup();
    answer.expected = Some(Expectation {
        verdict,
        environment: plan.environment().to_owned(),
        sources: if verdict == Verdict::Allow {
            sources
        } else {
            Vec::new()
        },
    });
}
