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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Entity, Verdict};
    use crate::model::Protocol;
    use crate::source::manifests;

    /// Whether a pod of `shop` reaches one of `bank` where other tenants are denied, with these labels of `bank`.
    fn cluster(bank: &str) -> Arc<Cluster> {
        let (cluster, told) = manifests::parse(
            "t",
            &format!(
                "
{{kind: Namespace, apiVersion: v1, metadata: {{name: shop, labels: {{tenant: a}}}}}}
---
{{kind: Namespace, apiVersion: v1, metadata: {{name: bank, labels: {bank}}}}}
---
{{kind: Pod, apiVersion: v1, metadata: {{name: web, namespace: shop}}, status: {{phase: Running, podIPs: [{{ip: 10.0.1.1}}]}}}}
---
{{kind: Pod, apiVersion: v1, metadata: {{name: vault, namespace: bank}}, status: {{phase: Running, podIPs: [{{ip: 10.0.2.1}}]}}}}
---
{{kind: AdminNetworkPolicy, apiVersion: policy.networking.k8s.io/v1alpha1, metadata: {{name: apart}}, spec: {{priority: 1, subject: {{namespaces: {{}}}}, ingress: [{{action: Deny, from: [{{namespaces: {{notSameLabels: [tenant]}}}}]}}]}}}}
"
            ),
        );
        assert!(told.is_empty(), "{told:?}");
        Arc::new(cluster)
    }

    fn verdict(engine: &Engine) -> Verdict {
        let pod = |namespace, name| Entity::Pod(engine.find_pod(namespace, name).unwrap());
        let (from, to) = (pod("shop", "web"), pod("bank", "vault"));
        engine.verdict(&from, &to, Protocol::Tcp, 80)
    }

    // No selector mentions `tenant`: only the rule that compares it does (rule A31). A namespace without it is nobody's tenant.
    #[test]
    fn labels_that_only_tell_tenants_apart_are_followed() {
        let mut kept = Incremental::new(&cluster("{tenant: b}"), Profile::spec());
        assert_eq!(verdict(&kept.engine()), Verdict::Deny);
        for (labels, expected) in [
            ("{}", Verdict::Allow),
            ("{tenant: b}", Verdict::Deny),
            ("{tenant: a}", Verdict::Allow),
        ] {
            kept.apply(&cluster(labels));
            assert_eq!(verdict(&kept.engine()), expected, "{labels}");
        }
    }
}
