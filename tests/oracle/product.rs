//! The product, as the laws see it.

use std::sync::Arc;

use netseg::compile::{Profile, ProfileName};
use netseg::engine::{Engine, Entity, Explanation, RuleId, Verdict};
use netseg::model::{Cluster, PolicyApi, PolicyKind, Protocol, Resource, Severity, State};
use netseg::source::manifests;

use crate::naive::{self, End, FOREIGN, Kind, Policy, World};
use crate::world::Case;
use crate::writing;

pub(crate) struct Product {
    pub(crate) engine: Arc<Engine>,
    pub(crate) entities: Vec<(End, Entity)>,
}

impl Product {
    pub(crate) fn of(case: &Case) -> Self {
        Self::read(&case.world, &case.text())
    }

    /// With Deployments of so many replicas in place of some pods.
    pub(crate) fn of_templates(case: &Case, replicas: u32) -> Self {
        let standing = standing(&case.world);
        let text = writing::write(&case.documents_with_templates(&standing, replicas), 0);
        let mut world = case.world.clone();
        for pod in &standing {
            world.pods[*pod].name.push_str("-*");
        }
        Self::read(&world, &text)
    }

    pub(crate) fn read(world: &World, text: &str) -> Self {
        Self::with(world, cluster(world, text), ProfileName::Spec)
    }

    pub(crate) fn with(world: &World, cluster: Cluster, profile: ProfileName) -> Self {
        let engine = Engine::build(&Arc::new(cluster), Profile::named(profile));
        Self::around(world, Arc::new(engine))
    }

    pub(crate) fn around(world: &World, engine: Arc<Engine>) -> Self {
        let entities = world
            .ends()
            .into_iter()
            .map(|end| (end, entity(&engine, world, end)))
            .collect();
        Self { engine, entities }
    }

    pub(crate) fn entity(&self, end: End) -> &Entity {
        let found = self.entities.iter().find(|(known, _)| *known == end);
        &found.expect("ends come from the world").1
    }

    pub(crate) fn verdict(
        &self,
        (from, to): (End, End),
        protocol: naive::Protocol,
        port: u16,
    ) -> Verdict {
        let (from, to) = (self.entity(from), self.entity(to));
        self.engine.verdict(from, to, model(protocol), port)
    }

    pub(crate) fn explain(
        &self,
        (from, to): (End, End),
        protocol: naive::Protocol,
        port: u16,
    ) -> Explanation {
        let (from, to) = (self.entity(from), self.entity(to));
        self.engine.explain(from, to, model(protocol), port)
    }

    /// The policy of the world that a rule belongs to.
    pub(crate) fn policy_of(&self, world: &World, rule: &RuleId) -> Found {
        let found = self.engine.policy(rule.policy);
        index_of(world, found)
    }
}

/// A policy of the world, by its place in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Found {
    Namespaced(usize),
    Wide(usize),
}

pub(crate) fn index_of(world: &World, policy: &netseg::model::Policy) -> Found {
    let kind = match policy.api {
        PolicyApi::NetworkPolicy => {
            let known = |known: &Policy| {
                known.name == policy.name
                    && world.namespaces[known.namespace].name == *policy.namespace
            };
            let found = world.policies.iter().position(known);
            return Found::Namespaced(found.expect("named after a policy"));
        }
        PolicyApi::ClusterNetworkPolicy => Kind::Cluster,
        PolicyApi::AdminNetworkPolicy => Kind::Admin,
        PolicyApi::BaselineAdminNetworkPolicy => Kind::Baseline,
    };
    let mut known = world.wide.iter();
    let found = known.position(|known| known.kind == kind && known.name == policy.name);
    Found::Wide(found.expect("named after a policy"))
}

/// Reads a world that was written down, and closes to the reader what is hidden.
pub(crate) fn cluster(world: &World, text: &str) -> Cluster {
    let (mut cluster, diagnostics) = manifests::parse("world", text);
    let errors: Vec<_> = diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .collect();
    assert!(errors.is_empty(), "{errors:?}\n{text}");
    let mut hide = |resource: Resource, namespace: Option<&str>| {
        let state = State::Forbidden {
            message: "no".into(),
        };
        cluster.coverage.set(resource, namespace, state);
    };
    if world.hidden.labels {
        hide(Resource::Namespaces, None);
    }
    for namespace in &world.hidden.policies {
        let name = &world.namespaces[*namespace].name;
        hide(Resource::NetworkPolicies, Some(name));
    }
    for kind in &world.hidden.wide {
        let resource = match kind {
            Kind::Cluster => Resource::ClusterNetworkPolicies,
            Kind::Admin => Resource::AdminNetworkPolicies,
            Kind::Baseline => Resource::BaselineAdminNetworkPolicies,
        };
        hide(resource, None);
    }
    for kind in &world.hidden.foreign {
        let kind = &FOREIGN[*kind];
        let group = kind.api.split_once('/').expect("has a group").0;
        let kind = PolicyKind::find(group, kind.kind).expect("is known");
        hide(Resource::Other(kind), None);
    }
    cluster
}

pub(crate) fn entity(engine: &Engine, world: &World, end: End) -> Entity {
    match end {
        End::Pod(pod) => {
            let pod = &world.pods[pod];
            let namespace = &world.namespaces[pod.namespace].name;
            Entity::Pod(
                engine
                    .find_pod(namespace, &pod.name)
                    .expect("it was written"),
            )
        }
        End::Node(node) => {
            let name = &world.nodes[node].name;
            Entity::Node(engine.find_node(name).expect("it was written"))
        }
        End::NodeAt(node, address) => {
            let found = engine.entity_at(address);
            let name = found.node().map(|id| engine.node(id).name.as_str());
            assert_eq!(name, Some(world.nodes[node].name.as_str()));
            found
        }
        End::Outside(address) => {
            let found = engine.entity_at(address);
            assert_eq!(found, Entity::Address(address), "nobody has this address");
            found
        }
    }
}

pub(crate) fn model(protocol: naive::Protocol) -> Protocol {
    match protocol {
        naive::Protocol::Tcp => Protocol::Tcp,
        naive::Protocol::Udp => Protocol::Udp,
        naive::Protocol::Sctp => Protocol::Sctp,
    }
}

pub(crate) fn product_word(verdict: naive::Verdict) -> Verdict {
    match verdict {
        naive::Verdict::Allow => Verdict::Allow,
        naive::Verdict::Deny => Verdict::Deny,
        naive::Verdict::Unknown => Verdict::Unknown,
        naive::Verdict::Unreachable => Verdict::Unreachable,
    }
}

/// Pods of which only the template is to be known. Those on the host network stay: their node is what matters.
pub(crate) fn standing(world: &World) -> Vec<usize> {
    (0..world.pods.len())
        .filter(|pod| pod % 2 == 0 && !world.pods[*pod].host_network)
        .collect()
}

pub(crate) fn template(engine: &Engine, world: &World, pod: usize) -> Entity {
    let pod = &world.pods[pod];
    let namespace = &world.namespaces[pod.namespace].name;
    let name = format!("{}-*", pod.name);
    Entity::Pod(
        engine
            .find_pod(namespace, &name)
            .expect("a Deployment stands for its pods"),
    )
}
