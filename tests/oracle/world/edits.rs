//! What may happen to a cluster from one moment to the next.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{
    Families, Labels, NAMESPACES, PodDraft, families, foreigners, free_name, labels, pods,
    policies, services, wide,
};
use crate::naive::{Foreign, Hidden, Phase, Policy, Service, Wide, World};

#[derive(Clone, Debug)]
pub(crate) enum Edit {
    Nothing,
    AddPolicy(Policy),
    ChangePolicy(Index, Policy),
    RemovePolicy(Index),
    AddWide(Wide),
    ChangeWide(Index, Wide),
    RemoveWide(Index),
    AddPod(PodDraft),
    /// The same name, but everything else may differ.
    ReplacePod(Index, PodDraft),
    RelabelPod(Index, Labels),
    ReaddressPod(Index, Families),
    /// A pod without a node is scheduled, or a pod of a node comes to another.
    MovePod(Index, Option<usize>),
    FinishPod(Index),
    RemovePod(Index),
    /// `None` takes the Namespace object away.
    RelabelNamespace(Index, Option<Labels>),
    EmptyNamespace(Index),
    /// A pod in a namespace that held nothing.
    FoundNamespace(PodDraft, Option<Labels>),
    ChangeNode(Index, Families, Labels, bool),
    AddForeign(Foreign),
    RemoveForeign(Index),
    ChangeService(Service),
    RemoveServices,
    Hide(Hidden),
    Show,
}

pub(crate) fn edits() -> impl Strategy<Value = Edit> {
    use Edit as E;
    let index = any::<Index>;
    prop_oneof![
        1 => Just(E::Nothing),
        3 => policies().prop_map(E::AddPolicy),
        3 => (index(), policies()).prop_map(|(i, p)| E::ChangePolicy(i, p)),
        2 => index().prop_map(E::RemovePolicy),
        4 => wide::wides().prop_map(E::AddWide),
        4 => (index(), wide::wides()).prop_map(|(i, p)| E::ChangeWide(i, p)),
        2 => index().prop_map(E::RemoveWide),
        3 => pods().prop_map(E::AddPod),
        2 => (index(), pods()).prop_map(|(i, p)| E::ReplacePod(i, p)),
        3 => (index(), labels()).prop_map(|(i, l)| E::RelabelPod(i, l)),
        2 => (index(), families(true)).prop_map(|(i, f)| E::ReaddressPod(i, f)),
        1 => (index(), prop::option::of(0..2usize)).prop_map(|(i, n)| E::MovePod(i, n)),
        1 => index().prop_map(E::FinishPod),
        2 => index().prop_map(E::RemovePod),
        3 => (index(), prop::option::weighted(0.8, labels()))
            .prop_map(|(i, l)| E::RelabelNamespace(i, l)),
        1 => index().prop_map(E::EmptyNamespace),
        1 => (pods(), prop::option::of(labels())).prop_map(|(p, l)| E::FoundNamespace(p, l)),
        2 => (index(), families(false), labels(), any::<bool>())
            .prop_map(|(i, f, l, e)| E::ChangeNode(i, f, l, e)),
        1 => foreigners().prop_map(E::AddForeign),
        1 => index().prop_map(E::RemoveForeign),
        1 => services().prop_map(E::ChangeService),
        1 => select(vec![E::RemoveServices]),
        1 => super::hidden().prop_map(E::Hide),
        2 => select(vec![E::Show]),
    ]
}

fn at<T>(list: &mut [T], index: Index) -> Option<&mut T> {
    let place = index.index(list.len().max(1));
    list.get_mut(place)
}

fn take<T>(list: &mut Vec<T>, index: Index) {
    if !list.is_empty() {
        list.remove(index.index(list.len()));
    }
}

impl Edit {
    pub(crate) fn apply(&self, world: &mut World) {
        self.apply_to_policies(world);
        self.apply_to_pods(world);
        self.apply_to_places(world);
    }

    fn apply_to_policies(&self, world: &mut World) {
        match self {
            Self::AddPolicy(policy) => world.add_policy(policy.clone()),
            Self::ChangePolicy(index, policy) => {
                if let Some(old) = at(&mut world.policies, *index) {
                    *old = Policy {
                        name: old.name.clone(),
                        namespace: old.namespace,
                        ..policy.clone()
                    };
                }
            }
            Self::RemovePolicy(index) => take(&mut world.policies, *index),
            Self::AddWide(policy) => world.add_wide(policy.clone()),
            Self::ChangeWide(index, policy) => {
                if let Some(old) = at(&mut world.wide, *index)
                    && old.kind == policy.kind
                    && old.tier == policy.tier
                {
                    *old = Wide {
                        name: old.name.clone(),
                        ..policy.clone()
                    };
                }
            }
            Self::RemoveWide(index) => take(&mut world.wide, *index),
            Self::AddForeign(policy) if wide::DECODED => {
                let name = free_name("f", |name| world.foreign.iter().any(|f| f.name == name));
                world.foreign.push(Foreign {
                    name,
                    ..policy.clone()
                });
            }
            Self::RemoveForeign(index) => take(&mut world.foreign, *index),
            _ => {}
        }
    }

    fn apply_to_pods(&self, world: &mut World) {
        match self {
            Self::AddPod(draft) => world.add_pod(draft.clone()),
            Self::ReplacePod(index, draft) => {
                if let Some(old) = at(&mut world.pods, *index) {
                    let (name, namespace) = (old.name.clone(), old.namespace);
                    *old = draft.pod.clone();
                    (old.name, old.namespace) = (name, namespace);
                    let place = index.index(world.pods.len());
                    world.address_pod(place, draft.families, draft.reused);
                }
            }
            Self::RelabelPod(index, labels) => {
                if let Some(pod) = at(&mut world.pods, *index) {
                    pod.labels.clone_from(labels);
                }
            }
            Self::ReaddressPod(index, families) if !world.pods.is_empty() => {
                world.address_pod(index.index(world.pods.len()), *families, 0);
            }
            Self::MovePod(index, node) => {
                if let Some(pod) = at(&mut world.pods, *index) {
                    pod.node = *node;
                    if pod.host_network {
                        let place = index.index(world.pods.len());
                        world.address_pod(place, Families::Neither, 0);
                    }
                }
            }
            Self::FinishPod(index) => {
                if let Some(pod) = at(&mut world.pods, *index) {
                    pod.phase = Phase::Succeeded;
                }
            }
            Self::RemovePod(index) => take(&mut world.pods, *index),
            Self::FoundNamespace(draft, labels) => {
                let mut draft = draft.clone();
                draft.pod.namespace = NAMESPACES.len() - 1;
                world.namespaces[NAMESPACES.len() - 1]
                    .labels
                    .clone_from(labels);
                world.add_pod(draft);
            }
            _ => {}
        }
    }

    fn apply_to_places(&self, world: &mut World) {
        match self {
            Self::RelabelNamespace(index, labels) => {
                if let Some(namespace) = at(&mut world.namespaces, *index) {
                    namespace.labels.clone_from(labels);
                }
            }
            Self::EmptyNamespace(index) => {
                let namespace = index.index(world.namespaces.len());
                world.namespaces[namespace].labels = None;
                world.pods.retain(|pod| pod.namespace != namespace);
                world
                    .policies
                    .retain(|policy| policy.namespace != namespace);
                world
                    .services
                    .retain(|service| service.namespace != namespace);
                world.foreign.retain(|policy| policy.namespace != namespace);
            }
            Self::ChangeNode(index, families, labels, external) => {
                let place = index.index(world.nodes.len());
                let number = u8::try_from(place + 1).expect("there are two");
                world.nodes[place] = super::node(number, *families, labels.clone(), *external);
                for pod in 0..world.pods.len() {
                    if world.pods[pod].host_network {
                        world.address_pod(pod, Families::Neither, 0);
                    }
                }
            }
            Self::ChangeService(service) => {
                world
                    .services
                    .retain(|other| other.namespace != service.namespace);
                world.services.push(service.clone());
            }
            Self::RemoveServices => world.services.clear(),
            // What was out of sight stays in the world: it is seen again when it may be.
            Self::Hide(hidden) => world.hidden = hidden.clone(),
            Self::Show => world.hidden = Hidden::default(),
            _ => {}
        }
    }
}
