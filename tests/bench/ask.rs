//! Every call of the engine that is measured, in one place.

use std::sync::Arc;

use netseg::engine::{Engine, Incremental, PodId, Profile, Verdict};
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
    engine.verdict_of_pods(from, to, protocol, port)
}

/// What everyone may open to everyone.
pub(crate) struct Matrix {
    /// Rows, and columns.
    pub(crate) classes: usize,
    /// Pairs that are allowed, counted once for each group of ports.
    pub(crate) allowed: u64,
    /// Groups of ports that rules tell apart.
    pub(crate) groups: usize,
}

/// One port: a bit a pair.
pub(crate) fn matrix(engine: &Engine, protocol: Protocol, port: u16) -> Matrix {
    let made = engine.matrix(protocol, port);
    Matrix {
        classes: made.classes(),
        allowed: made.allowed_pairs(),
        groups: 1,
    }
}

/// All ports at once.
pub(crate) fn matrix_of_all_ports(engine: &Engine) -> Matrix {
    let mut all = Matrix {
        classes: 0,
        allowed: 0,
        groups: 0,
    };
    engine.each_matrix(|_, matrix| {
        all.classes = matrix.classes();
        all.allowed += matrix.allowed_pairs();
        all.groups += 1;
    });
    all
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
