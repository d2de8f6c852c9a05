//! Every call of the engine that is measured, in one place.

use std::sync::Arc;

use netseg::engine::{Engine, Groups, Incremental, PodId, Profile, Verdict};
use netseg::model::{Cluster, PortSet, Protocol};

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
    engine.verdict_of_pods(from, to, protocol, port)
}

/// Groups take one pair after the other, which for more ends than this is no matrix but a long wait.
pub(crate) const MATRIX_ENDS: usize = 2_000;

/// What everyone may open to everyone.
pub(crate) struct Matrix {
    /// Rows, and columns.
    pub(crate) classes: usize,
    /// Pairs with something allowed.
    pub(crate) allowed: usize,
}

/// One port: a bit a pair.
pub(crate) fn matrix(engine: &Engine, protocol: Protocol, port: u16) -> Matrix {
    pairs(engine, |set| set.contains(protocol, port))
}

/// All ports at once.
pub(crate) fn matrix_of_all_ports(engine: &Engine) -> Matrix {
    pairs(engine, |set| !set.is_empty())
}

fn pairs(engine: &Engine, wanted: impl Fn(&PortSet) -> bool) -> Matrix {
    let mut groups = Groups::new(engine);
    let workloads = engine
        .cluster()
        .namespaces
        .values()
        .flat_map(|namespace| &namespace.workloads);
    let ends: Vec<_> = workloads
        .filter_map(|workload| engine.pods_of(workload).first().copied())
        .map(|pod| groups.pods([pod]))
        .collect();
    let mut allowed = 0;
    for from in &ends {
        for to in &ends {
            allowed += usize::from(wanted(&groups.allowed(from, to).sure));
        }
    }
    Matrix {
        classes: ends.len(),
        allowed,
    }
}

/// An engine that follows its cluster.
pub(crate) struct Live {
    incremental: Incremental,
    engine: Arc<Engine>,
}

impl Live {
    pub(crate) fn new(cluster: &Arc<Cluster>) -> Self {
        let incremental = Incremental::new(cluster, Profile::spec());
        Self {
            engine: incremental.engine(),
            incremental,
        }
    }

    /// Follows the cluster and publishes an engine, as the program does for its screens.
    pub(crate) fn apply(&mut self, cluster: &Arc<Cluster>) {
        self.incremental.apply(cluster);
        self.engine = self.incremental.engine();
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }
}
