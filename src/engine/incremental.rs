//! Following a cluster: engines that share what has not changed since the last one.

use std::sync::Arc;

use crate::compile::Writer;
use crate::model::Cluster;

use super::{Engine, Profile};

/// Keeps an engine in step with a cluster. Belongs to the thread that follows; what it publishes may be read anywhere.
pub struct Incremental {
    writer: Writer,
}

impl Incremental {
    /// Compiles the cluster as [`Engine::build`] does, and keeps what later changes need.
    pub fn new(cluster: &Arc<Cluster>, profile: Profile) -> Self {
        Self {
            writer: Writer::new(cluster, profile),
        }
    }

    /// Follows the cluster to a later state; the engines published before do not change.
    ///
    /// Namespaces that are the same `Arc` as before are not looked at. What it costs depends on what changed: policies, pods and labels
    /// of a namespace cost no more than that namespace has of them, except where a policy mentions a label, port name or address
    /// block that none did before: then all pods are looked at once. A change of nodes, of rights, or of policies that are not
    /// evaluated compiles everything again.
    pub fn apply(&mut self, cluster: &Arc<Cluster>) {
        self.writer.apply(cluster);
    }

    pub fn profile(&self) -> Profile {
        self.writer.profile()
    }

    /// The engine as of now. Costs far less than compiling: it shares everything with the next one until that changes it.
    pub fn engine(&self) -> Arc<Engine> {
        Arc::new(Engine::over(self.writer.compiled()))
    }
}
