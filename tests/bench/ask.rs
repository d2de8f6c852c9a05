//! Every call of the engine that is measured, in one place.

use std::sync::Arc;

use netseg::engine::{Engine, Entity, PodId, Profile, Verdict};
use netseg::model::{Cluster, Protocol};

pub(crate) fn compile(cluster: &Arc<Cluster>) -> Engine {
    Engine::build(cluster, Profile::spec())
}

/// May one pod open a connection to another?
pub(crate) fn probe(
    engine: &Engine,
    from: PodId,
    to: PodId,
    protocol: Protocol,
    port: u16,
) -> Verdict {
    engine.verdict(&Entity::Pod(from), &Entity::Pod(to), protocol, port)
}

/// An engine that follows its cluster.
pub(crate) struct Live {
    engine: Engine,
}

impl Live {
    pub(crate) fn new(cluster: &Arc<Cluster>) -> Self {
        Self {
            engine: compile(cluster),
        }
    }

    pub(crate) fn apply(&mut self, cluster: &Arc<Cluster>) {
        self.engine = compile(cluster);
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }
}
