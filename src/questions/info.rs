//! What is in force: who enforces, by which profile it is reasoned, what was readable.

use crate::compile::enforcer::Enforcer;
use crate::engine::Engine;
use crate::model::{Resource, State};

/// The facts about a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Info {
    pub enforcer: Enforcer,
    pub profile: &'static str,
    /// Kind, namespace (`None`: cluster-wide), state; by kind, then namespace. Kinds that need not exist and do not are left out.
    pub coverage: Vec<(Resource, Option<String>, State)>,
    pub namespaces: usize,
    pub pods: usize,
    pub policies: usize,
}

/// Collects them.
pub fn info(engine: &Engine, enforcer: &Enforcer) -> Info {
    let cluster = engine.cluster();
    Info {
        enforcer: enforcer.clone(),
        profile: engine.profile().name.as_str(),
        coverage: cluster
            .coverage
            .iter()
            .filter(|(resource, _, state)| match resource {
                // Whether there are policies of every project there is, is not worth a line each.
                Resource::Other(_) => !matches!(state, State::NotServed | State::Complete),
                other => !(other.is_optional() && **state == State::NotServed),
            })
            .map(|(resource, namespace, state)| {
                (resource, namespace.map(str::to_owned), state.clone())
            })
            .collect(),
        namespaces: cluster.namespaces.len(),
        pods: cluster.namespaces.values().map(|ns| ns.pods.len()).sum(),
        policies: cluster.policies().count(),
    }
}
