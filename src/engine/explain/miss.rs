//! Which item of a rule matches, and if none does, by how little the best one misses.

use crate::compile::{Match, NONE, Owner, PlaceKind};
use crate::engine::judge::Spot;
use crate::engine::{Cause, Engine, Entity};
use crate::model::{
    ContainerPort, Family, Labels, NAMESPACE_NAME, NamespaceScope, Peer, Peers, PortItem, PortTest,
    Ports, Protocol, Requirement, Selector,
};

use super::{Asked, Fail, Limit, PeerMiss, RuleId};

/// The peer item of a rule that matters: it matches, it may match, or it misses by the least.
#[derive(Default)]
pub(super) struct BestItem {
    pub(super) item: Option<u32>,
    pub(super) miss: Option<PeerMiss>,
    pub(super) maybe: Option<Cause>,
}

impl Engine {
    pub(super) fn matched_by_block(&self, rule: &RuleId) -> bool {
        let rules = self
            .policy(rule.policy)
            .rules(rule.direction)
            .unwrap_or_default();
        match (rules.get(rule.rule as usize).map(|r| &r.peers), rule.item) {
            (Some(Peers::AnyOf(items)), Some(item)) => {
                matches!(
                    items.get(item as usize).map(|i| &i.peer),
                    Some(Peer::IpBlock(_))
                )
            }
            _ => false,
        }
    }

    /// The item that matches, or else comes nearest.
    pub(super) fn best_item(
        &self,
        peers: &Peers,
        own: Owner,
        asked: &Asked<'_>,
        limits: &mut Vec<Limit>,
    ) -> BestItem {
        let Peers::AnyOf(items) = peers else {
            return BestItem::default();
        };
        let none = Labels::default();
        let facts = asked.peer_spot.facts(&none);
        let mut maybe: Option<(u32, Cause)> = None;
        let mut nearest: Option<(u32, PeerMiss)> = None;
        for (index, item) in items.iter().enumerate() {
            let index = u32::try_from(index).expect("fewer than 2^32 peers");
            match self.compiled.peer_matches(&item.peer, own, &facts) {
                Match::Yes => {
                    self.assume_missing(&item.peer, asked.peer_spot, limits);
                    return BestItem {
                        item: Some(index),
                        ..BestItem::default()
                    };
                }
                Match::Maybe(cause) => maybe = maybe.or(Some((index, cause))),
                Match::No => {
                    let miss = self.miss(&item.peer, own, asked.peer_spot);
                    if nearest
                        .as_ref()
                        .is_none_or(|(_, best)| miss.weight() < best.weight())
                    {
                        nearest = Some((index, miss));
                    }
                }
            }
        }
        if let Some((index, cause)) = maybe {
            return BestItem {
                item: Some(index),
                maybe: Some(cause),
                ..BestItem::default()
            };
        }
        let (item, miss) = nearest.unzip();
        BestItem {
            item,
            miss,
            maybe: None,
        }
    }

    fn miss(&self, item: &Peer, own: Owner, spot: &Spot<'_>) -> PeerMiss {
        let (namespaces, pods) = match item {
            Peer::Unreadable | Peer::Empty => return PeerMiss::Invalid,
            Peer::IpBlock(block) => {
                let family = Family::of(block.cidr.addr());
                let block = block.to_string();
                return if spot.place.family.is_some_and(|own| own != family) {
                    PeerMiss::Family { block }
                } else {
                    PeerMiss::Address { block }
                };
            }
            Peer::Nodes(nodes) => {
                return match spot.node_labels {
                    Some(labels) => PeerMiss::Node {
                        labels: missed(nodes, labels),
                    },
                    None => PeerMiss::NotANode,
                };
            }
            Peer::DomainName(name) => return PeerMiss::DomainName { name: name.clone() },
            Peer::TenantPods { keys, same, pods } => (Err((keys, *same)), pods),
            Peer::Pods { namespaces, pods } => (Ok(namespaces), pods),
        };
        match spot.place.kind {
            PlaceKind::HostPod => return PeerMiss::HostNetwork,
            PlaceKind::Node | PlaceKind::Tunnel | PlaceKind::Outside => return PeerMiss::NotAPod,
            PlaceKind::Pod => {}
        }
        let name = |space: u32| match space {
            NONE => String::new(),
            space => self.compiled.spaces[space].namespace.name.clone(),
        };
        let there = &self.compiled.spaces[spot.place.space].namespace;
        let mut miss = PeerMiss::Labels {
            own_namespace: None,
            namespace: Vec::new(),
            tenant: None,
            pod: spot
                .labels
                .map_or_else(Vec::new, |labels| missed(pods, labels)),
        };
        if let PeerMiss::Labels {
            own_namespace,
            namespace,
            tenant,
            ..
        } = &mut miss
        {
            match namespaces {
                Ok(NamespaceScope::Own) if own.space != spot.place.space => {
                    *own_namespace = Some(name(own.space));
                }
                Ok(NamespaceScope::Own) => {}
                Ok(NamespaceScope::Matching(selector)) => {
                    *namespace = missed(selector, &there.labels);
                }
                Err((keys, same)) => {
                    let facts = crate::compile::matching::tenants_match(
                        keys,
                        same,
                        (&self.compiled.spaces[own.space].namespace, true),
                        (there, true),
                    );
                    *tenant = (facts == Match::No).then(|| (keys.clone(), same));
                }
            }
        }
        miss
    }

    /// A rule that misses only by a label of a namespace nobody declared: with the label it would admit.
    pub(super) fn assume(
        &self,
        peers: &Peers,
        miss: Option<&PeerMiss>,
        port_matches: bool,
        peer: &Entity,
        limits: &mut Vec<Limit>,
    ) {
        let (
            Peers::AnyOf(_),
            Some(PeerMiss::Labels {
                own_namespace: None,
                tenant: None,
                namespace,
                pod,
            }),
            true,
        ) = (peers, miss, port_matches)
        else {
            return;
        };
        let Some(ns) = self.namespace_of_entity(peer) else {
            return;
        };
        if ns.declared || !pod.is_empty() {
            return;
        }
        for (requirement, _) in namespace {
            if requirement.key != NAMESPACE_NAME {
                limits.push(Limit::AssumesNoLabel {
                    namespace: ns.name.clone(),
                    requirement: requirement.clone(),
                });
            }
        }
    }

    /// The other way round: an item that matches only because an undeclared namespace lacks a label.
    fn assume_missing(&self, item: &Peer, spot: &Spot<'_>, limits: &mut Vec<Limit>) {
        let (
            Peer::Pods {
                namespaces: NamespaceScope::Matching(selector),
                ..
            },
            true,
        ) = (item, spot.place.space != NONE)
        else {
            return;
        };
        let ns = &self.compiled.spaces[spot.place.space].namespace;
        if ns.declared {
            return;
        }
        for requirement in selector.requirements() {
            if requirement.key != NAMESPACE_NAME {
                limits.push(Limit::AssumesNoLabel {
                    namespace: ns.name.clone(),
                    requirement: requirement.clone(),
                });
            }
        }
    }

    fn namespace_of_entity(&self, entity: &Entity) -> Option<&crate::model::Namespace> {
        match entity {
            Entity::Hypothetical(pod) => self
                .compiled
                .cluster
                .namespace(&pod.namespace)
                .map(AsRef::as_ref),
            other => other.pod().map(|id| self.namespace_of(id).as_ref()),
        }
    }
}

fn missed(selector: &Selector, labels: &Labels) -> Vec<(Requirement, Option<String>)> {
    selector
        .misses(labels)
        .map(|requirement| {
            (
                requirement.clone(),
                labels.get(&requirement.key).map(str::to_owned),
            )
        })
        .collect()
}

/// The tests of the best entry of `ports` that fail; empty when one matches.
pub(super) fn port_fails(
    ports: &Ports,
    declared: &[ContainerPort],
    protocol: Protocol,
    port: u16,
) -> Vec<Fail> {
    let Ports::AnyOf(items) = ports else {
        return Vec::new();
    };
    let one = |item: &PortItem| -> Vec<Fail> {
        let mut fails = Vec::new();
        let (name, any_protocol) = match &item.port {
            PortTest::Named(name) => (Some(name), false),
            PortTest::NamedAnyProtocol(name) => (Some(name), true),
            _ => (None, false),
        };
        if item.protocol != protocol && !any_protocol {
            fails.push(Fail::Protocol);
        }
        if let Some(name) = name {
            let mut declared = declared
                .iter()
                .filter(|d| d.name == *name && !d.init)
                .filter(|d| any_protocol || d.protocol == item.protocol)
                .peekable();
            if declared.peek().is_none() {
                fails.push(Fail::NamedPortUnresolved);
            } else if !declared.any(|d| d.port == port && (!any_protocol || d.protocol == protocol))
            {
                fails.push(Fail::Port);
            }
        } else if !matches!(&item.port, PortTest::Range(range) if range.contains(port))
            && item.port != PortTest::Any
        {
            fails.push(Fail::Port);
        }
        fails
    };
    items
        .iter()
        .map(one)
        .min_by_key(Vec::len)
        .unwrap_or_default()
}
