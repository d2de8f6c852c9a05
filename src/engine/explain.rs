//! Why: the rules that decide, the policies that isolate, and for a denial the rule that comes nearest.
//!
//! Worked out on demand, from the same compiled rules the verdicts come from. Verdicts and sets never pay for it.

mod parts;

use crate::compile::{Match, PlaceKind, PolicyId, slot};
use crate::model::{
    Direction, Labels, NamespaceScope, Peer, Peers, PortItem, PortTest, Ports, Protocol,
    Requirement, Selector,
};

pub use parts::{Explanation, Fail, Limit, Nearest, PeerMiss, RuleId, Side};

use super::judge::{NodeRule, Spot};
use super::{Cause, Engine, Entity, Reason, Verdict};

/// One side of a question, within one address family.
struct Asked<'a> {
    direction: Direction,
    subject: &'a Entity,
    spot: &'a Spot<'a>,
    peer: &'a Entity,
    peer_spot: &'a Spot<'a>,
    protocol: Protocol,
    port: u16,
}

impl Asked<'_> {
    /// The named ports of the destination, whichever end that is (rule N42).
    fn declared(&self) -> &[crate::model::ContainerPort] {
        match self.direction {
            Direction::Egress => &self.peer_spot.place.ports,
            Direction::Ingress => &self.spot.place.ports,
        }
    }
}

/// The peer item of a rule that matters: it matches, it may match, or it misses by the least.
#[derive(Default)]
struct BestItem {
    item: Option<u32>,
    miss: Option<PeerMiss>,
    maybe: Option<Cause>,
}

impl Engine {
    /// Explains one connection.
    pub fn explain(
        &self,
        from: &Entity,
        to: &Entity,
        protocol: Protocol,
        port: u16,
    ) -> Explanation {
        let mut limits = Vec::new();
        let mut cases: Vec<(Side, Side)> = if self.is_self(from, to) {
            vec![(
                Side::allow(Reason::SelfTraffic),
                Side::allow(Reason::SelfTraffic),
            )]
        } else {
            let pairs = self.spot_pairs(from, to);
            let explained = pairs.iter().map(|(a, b)| {
                let egress = Asked {
                    direction: Direction::Egress,
                    subject: from,
                    spot: a,
                    peer: to,
                    peer_spot: b,
                    protocol,
                    port,
                };
                let ingress = Asked {
                    direction: Direction::Ingress,
                    subject: to,
                    spot: b,
                    peer: from,
                    peer_spot: a,
                    protocol,
                    port,
                };
                (
                    self.explain_side(&egress, &mut limits),
                    self.explain_side(&ingress, &mut limits),
                )
            });
            explained.collect()
        };
        if cases.is_empty() {
            // Without a common family there is nothing to judge.
            cases.push((
                Side::allow(Reason::NotIsolated),
                Side::allow(Reason::NotIsolated),
            ));
        }
        let causes: Vec<Cause> = cases
            .iter()
            .filter(|(egress, ingress)| {
                combine(egress.verdict, ingress.verdict) == Verdict::Unknown
            })
            .flat_map(|(egress, ingress)| egress.causes.iter().chain(&ingress.causes))
            .cloned()
            .collect();
        // Both ends are asked within each address family; only then are families compared (rules E3, N59).
        let verdicts: Vec<Verdict> = cases
            .iter()
            .map(|(e, i)| combine(e.verdict, i.verdict))
            .collect();
        let agree = verdicts.iter().all(|verdict| *verdict == verdicts[0]);
        let by_policy = if agree { verdicts[0] } else { Verdict::Unknown };
        // Where families differ the obstacle is what a reader is after.
        let shown = verdicts
            .iter()
            .position(|verdict| !agree && *verdict != Verdict::Allow)
            .unwrap_or(0);
        let (mut egress, mut ingress) = cases.swap_remove(shown);
        if agree {
            for (other_egress, other_ingress) in cases {
                egress = egress.join(other_egress);
                ingress = ingress.join(other_ingress);
            }
        }
        let (verdict, reason) = match self.unreachable(from, to) {
            Some(reason) => {
                limits.push(Limit::Shadow { verdict: by_policy });
                (Verdict::Unreachable, reason)
            }
            None if !agree => (by_policy, Reason::PairsDiffer),
            None if by_policy == Verdict::Allow => (by_policy, ingress.reason),
            None if egress.verdict == by_policy => (by_policy, egress.reason),
            None => (by_policy, ingress.reason),
        };
        let mut conditions = if verdict == Verdict::Unknown {
            causes
        } else {
            Vec::new()
        };
        conditions.sort();
        conditions.dedup();
        limits.sort();
        limits.dedup();
        Explanation {
            from: from.clone(),
            to: to.clone(),
            protocol,
            port,
            verdict,
            reason,
            egress,
            ingress,
            conditions,
            limits,
        }
    }

    fn explain_side(&self, asked: &Asked<'_>, limits: &mut Vec<Limit>) -> Side {
        let direction = asked.direction;
        let guard = self.guard(direction, asked.spot);
        if guard.no_subject {
            return Side::allow(match asked.spot.place.kind {
                PlaceKind::Outside => Reason::NoEnforcementAtExternal,
                _ => Reason::HostNetworkSubject,
            });
        }
        let by_policy = self.judge(direction, asked.spot, asked.peer_spot);
        let mut side = Side {
            verdict: by_policy.verdict(asked.protocol, asked.port),
            isolated_by: guard.policies.clone(),
            ..Side::allow(Reason::NotIsolated)
        };
        match self.node_rule(direction, asked.subject, asked.peer) {
            NodeRule::Always => {
                return Side {
                    verdict: Verdict::Allow,
                    reason: Reason::OwnNode,
                    ..side
                };
            }
            NodeRule::Perhaps(cause) if side.verdict != Verdict::Allow => {
                side.verdict = Verdict::Unknown;
                side.causes.push(cause);
            }
            _ => {}
        }
        if let (true, Some(namespace)) = (guard.unreadable, namespace_of(asked.spot)) {
            let namespace = self.compiled.namespaces[namespace as usize].name.clone();
            side.causes.push(Cause::PoliciesUnreadable { namespace });
        }
        for id in &guard.policies {
            self.ask_policy(*id, asked, &mut side, limits);
        }
        for id in &guard.doubtful {
            let policy = self.policy(*id);
            side.causes.push(Cause::InvalidPolicy {
                api: policy.api,
                namespace: policy.namespace.to_string(),
                name: policy.name.clone(),
            });
        }
        match side.verdict {
            Verdict::Allow if guard.policies.is_empty() => {}
            Verdict::Allow => {
                side.reason = Reason::RuleAllow;
                if let (Some(_), Some(first)) = (asked.peer.pod(), side.decided_by.first())
                    && self.matched_by_block(first)
                {
                    limits.push(Limit::BlockMatchedPod);
                }
            }
            Verdict::Deny => side.reason = Reason::IsolatedNoMatch,
            Verdict::Unknown | Verdict::Unreachable => {
                side.causes.sort();
                side.causes.dedup();
                side.reason = reason_of(&side.causes);
            }
        }
        if side.verdict != Verdict::Unknown {
            side.causes.clear();
        }
        if side.verdict != Verdict::Deny {
            side.nearest = None;
        }
        side
    }

    /// Adds what the rules of one policy that certainly isolates say: those that decide, why one may, the nearest that misses.
    fn ask_policy(
        &self,
        id: PolicyId,
        asked: &Asked<'_>,
        side: &mut Side,
        limits: &mut Vec<Limit>,
    ) {
        let compiled = &self.compiled.policies[id.0 as usize];
        let rules = self.policy(id).rules(asked.direction).unwrap_or_default();
        let lowered = compiled.rules[slot(asked.direction)].iter().flatten();
        for (index, (rule, lowered)) in rules.iter().zip(lowered).enumerate() {
            let found = self.best_item(&rule.peers, compiled.namespace, asked, limits);
            let (sure, possible) = lowered.ports.at(asked.declared(), self.compiled.profile);
            let id = RuleId {
                policy: id,
                direction: asked.direction,
                rule: u32::try_from(index).expect("fewer than 2^32 rules"),
                item: found.item,
            };
            let (sure, possible) = (
                sure.contains(asked.protocol, asked.port),
                possible.contains(asked.protocol, asked.port),
            );
            if found.miss.is_none() && found.maybe.is_none() && sure {
                side.decided_by.push(id);
                continue;
            }
            if found.miss.is_none() && possible {
                side.causes.extend(found.maybe);
                if !sure {
                    let names = lowered.ports.names.iter();
                    side.causes.extend(
                        names.map(|(_, name)| Cause::InitContainerPort { port: name.clone() }),
                    );
                }
                continue;
            }
            let mut fails = port_fails(&rule.ports, asked.declared(), asked.protocol, asked.port);
            let ports = (!fails.is_empty()).then(|| rule.ports.to_string());
            self.assume(
                &rule.peers,
                found.miss.as_ref(),
                fails.is_empty(),
                asked.peer,
                limits,
            );
            match &found.miss {
                Some(PeerMiss::Family { .. }) => fails.push(Fail::Family),
                Some(_) => fails.push(Fail::Peer),
                None => {}
            }
            fails.sort_unstable();
            let nearest = Nearest {
                rule: id,
                fails,
                peer: found.miss,
                ports,
            };
            let is_nearer = |best: &Nearest| nearest.weight() < best.weight();
            if !nearest.fails.is_empty() && side.nearest.as_ref().is_none_or(is_nearer) {
                side.nearest = Some(nearest);
            }
        }
    }

    fn matched_by_block(&self, rule: &RuleId) -> bool {
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
    fn best_item(
        &self,
        peers: &Peers,
        own: u32,
        asked: &Asked<'_>,
        limits: &mut Vec<Limit>,
    ) -> BestItem {
        let Peers::AnyOf(items) = peers else {
            return BestItem::default();
        };
        let mut maybe: Option<(u32, Cause)> = None;
        let mut nearest: Option<(u32, PeerMiss)> = None;
        for (index, item) in items.iter().enumerate() {
            let index = u32::try_from(index).expect("fewer than 2^32 peers");
            match self
                .compiled
                .peer_matches(&item.peer, own, &asked.peer_spot.place)
            {
                Match::Yes => {
                    self.assume_missing(&item.peer, asked.peer_spot, limits);
                    return BestItem {
                        item: Some(index),
                        ..BestItem::default()
                    };
                }
                Match::Maybe(cause) => maybe = maybe.or(Some((index, cause))),
                Match::No => {
                    let miss = self.miss(&item.peer, own, asked.peer, asked.peer_spot);
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

    fn miss(&self, item: &Peer, own: u32, peer: &Entity, spot: &Spot<'_>) -> PeerMiss {
        match item {
            Peer::Unreadable | Peer::Empty => PeerMiss::Invalid,
            Peer::Nodes(_) | Peer::DomainName(_) | Peer::TenantPods { .. } => PeerMiss::NotAPod,
            Peer::IpBlock(block) => {
                let family = crate::model::Family::of(block.cidr.addr());
                if spot.place.family.is_some_and(|own| own != family) {
                    return PeerMiss::Family {
                        block: block.to_string(),
                    };
                }
                PeerMiss::Address {
                    block: block.to_string(),
                }
            }
            Peer::Pods { namespaces, pods } => match &spot.place.kind {
                PlaceKind::HostPod { .. } => PeerMiss::HostNetwork,
                PlaceKind::Node | PlaceKind::Outside => PeerMiss::NotAPod,
                PlaceKind::Pod { namespace, labels } => {
                    let ns = &self.compiled.namespaces[*namespace as usize];
                    let labels = self.full_labels(peer).unwrap_or(labels);
                    PeerMiss::Labels {
                        own_namespace: (matches!(namespaces, NamespaceScope::Own)
                            && own != *namespace)
                            .then(|| self.compiled.namespaces[own as usize].name.clone()),
                        namespace: match namespaces {
                            NamespaceScope::Own => Vec::new(),
                            NamespaceScope::Matching(selector) => missed(selector, &ns.labels),
                        },
                        pod: missed(pods, labels),
                    }
                }
            },
        }
    }

    fn full_labels<'a>(&'a self, entity: &'a Entity) -> Option<&'a Labels> {
        match entity {
            Entity::Hypothetical(pod) => Some(&pod.labels),
            other => other.pod().map(|id| &self.pod(id).labels),
        }
    }

    /// A rule that misses only by a label of a namespace nobody declared: with the label it would admit.
    fn assume(
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
            if requirement.key != crate::model::NAMESPACE_NAME {
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
            Some(index),
        ) = (item, namespace_of(spot))
        else {
            return;
        };
        let ns = &self.compiled.namespaces[index as usize];
        if ns.declared {
            return;
        }
        for requirement in selector.requirements() {
            if requirement.key != crate::model::NAMESPACE_NAME {
                limits.push(Limit::AssumesNoLabel {
                    namespace: ns.name.clone(),
                    requirement: requirement.clone(),
                });
            }
        }
    }

    fn namespace_of_entity(&self, entity: &Entity) -> Option<&crate::model::Namespace> {
        match entity {
            Entity::Hypothetical(pod) => {
                let index = self.compiled.namespace_index(&pod.namespace)?;
                Some(&self.compiled.namespaces[index as usize])
            }
            other => other.pod().map(|id| self.namespace_of(id).as_ref()),
        }
    }
}

fn namespace_of(spot: &Spot<'_>) -> Option<u32> {
    match &spot.place.kind {
        PlaceKind::Pod { namespace, .. } | PlaceKind::HostPod { namespace, .. } => Some(*namespace),
        _ => None,
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
fn port_fails(
    ports: &Ports,
    declared: &[crate::model::ContainerPort],
    protocol: Protocol,
    port: u16,
) -> Vec<Fail> {
    let Ports::AnyOf(items) = ports else {
        return Vec::new();
    };
    let one = |item: &PortItem| -> Vec<Fail> {
        let mut fails = Vec::new();
        if item.protocol != protocol {
            fails.push(Fail::Protocol);
        }
        match &item.port {
            PortTest::Any => {}
            PortTest::Range(range) if range.contains(port) => {}
            PortTest::Range(_) | PortTest::Unreadable | PortTest::NamedAnyProtocol(_) => {
                fails.push(Fail::Port)
            }
            PortTest::Named(name) => {
                let numbers: Vec<u16> = declared
                    .iter()
                    .filter(|d| d.name == *name && d.protocol == item.protocol && !d.init)
                    .map(|d| d.port)
                    .collect();
                if numbers.is_empty() {
                    fails.push(Fail::NamedPortUnresolved);
                } else if !numbers.contains(&port) {
                    fails.push(Fail::Port);
                }
            }
        }
        fails
    };
    items
        .iter()
        .map(one)
        .min_by_key(Vec::len)
        .unwrap_or_default()
}

fn reason_of(causes: &[Cause]) -> Reason {
    let rank = |cause: &Cause| match cause {
        Cause::PoliciesUnreadable { .. }
        | Cause::NamespaceLabelsUnreadable { .. }
        | Cause::InvalidPolicy { .. } => Reason::Unreadable,
        Cause::AddressUnknown | Cause::NodeUnknown => Reason::AddressUnknown,
        _ => Reason::ProfileUndefined,
    };
    causes
        .iter()
        .map(rank)
        .max_by_key(|reason| *reason == Reason::Unreadable)
        .unwrap_or(Reason::Unreadable)
}

/// Both ends have to agree; a certain denial at either is a denial.
pub(crate) fn combine(egress: Verdict, ingress: Verdict) -> Verdict {
    match (egress, ingress) {
        (Verdict::Deny, _) | (_, Verdict::Deny) => Verdict::Deny,
        (Verdict::Unknown, _) | (_, Verdict::Unknown) => Verdict::Unknown,
        _ => Verdict::Allow,
    }
}
