//! One end and one direction at a time: what the policies there, and the special cases of nodes, let through.

use std::borrow::Cow;
use std::net::IpAddr;

use smallvec::SmallVec;

use crate::compile::{
    Cause, Facts, Guard, Mask, NONE, Owner, Place, PlaceKind, PodId, PolicyId, Step, Steps, Switch,
    TieBreak, is_acted_on, slot,
};
use crate::model::{
    ContainerPort, Direction, Family, Labels, NamespaceScope, Peers, Policy, Protocol, Rule, Tier,
};

use super::chain::{Outcome, View, chain, combine_one};
use super::{Engine, Entity, Verdict};

/// Where an entity stands for policies: one place for each address family.
#[derive(Clone, Copy)]
pub(crate) struct Spot<'a> {
    /// `None` for a pod that does not exist.
    pub(crate) index: Option<u32>,
    pub(crate) place: Place,
    /// A pod's own labels, all of them.
    pub(crate) labels: Option<&'a Labels>,
    /// Of the node whose address it has.
    pub(crate) node_labels: Option<&'a Labels>,
    /// Its named ports.
    pub(crate) ports: &'a [ContainerPort],
}

impl<'a> Spot<'a> {
    pub(crate) fn facts(&self, none: &'a Labels) -> Facts<'a> {
        Facts {
            kind: self.place.kind,
            space: self.place.space,
            labels: self.labels.unwrap_or(none),
            node_labels: self.node_labels,
            family: self.place.family,
            atom: self.place.atom,
        }
    }
}

/// Traffic between a pod and its node is no business of NetworkPolicy (rules N49 and N51).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NodeRule {
    Always,
    Perhaps(Cause),
    None,
}

/// A guard worked out for one question, with the answers for the peer at hand.
struct AdHoc {
    guard: Guard,
    admin: Steps,
    baseline: Steps,
    /// By number of peers: whether they mean the peer, certainly and possibly.
    met: Vec<(bool, bool)>,
}

impl Engine {
    pub(crate) fn addresses_of(&self, pod: PodId) -> &[IpAddr] {
        let pod = self.pod(pod);
        let node = pod
            .node
            .as_deref()
            .and_then(|name| self.compiled.cluster.node(name));
        crate::compile::places::addresses_of(pod, node)
    }

    /// A pod always reaches itself (rule N48). A template that stands for several pods is not one pod.
    pub(crate) fn is_self(&self, from: &Entity, to: &Entity) -> bool {
        match (from.pod(), to.pod(), from.node(), to.node()) {
            (Some(a), Some(b), _, _) => a == b && self.pod(a).count <= 1,
            (_, _, Some(a), Some(b)) => a == b,
            _ => matches!((from, to), (Entity::Address(a), Entity::Address(b)) if a == b),
        }
    }

    pub(crate) fn spots<'a>(
        &'a self,
        entity: &'a Entity,
        is_source: bool,
    ) -> SmallVec<[Spot<'a>; 2]> {
        let compiled = &self.compiled;
        let at = |index: &u32| {
            let place = compiled.places[*index];
            Spot {
                index: Some(*index),
                place,
                labels: None,
                node_labels: None,
                ports: &compiled.tables[place.table],
            }
        };
        let of_pod = |id: PodId| {
            let (space, index) = compiled.locate(id);
            let pod = &space.namespace.pods[index];
            let node_labels = if pod.host_network {
                compiled.node_labels(pod)
            } else {
                None
            };
            space.pods[index].iter().map(move |place| Spot {
                labels: Some(&pod.labels),
                node_labels,
                ..at(place)
            })
        };
        let of_node = |id: usize, index: &u32| Spot {
            node_labels: Some(&compiled.cluster.nodes[id].labels),
            ..at(index)
        };
        match entity {
            Entity::Pod(id) => of_pod(*id).collect(),
            Entity::PodAt(id, address) => of_pod(*id)
                .filter(|spot| spot.place.family == Some(Family::of(*address)))
                .collect(),
            Entity::Node(id) => {
                let node = &compiled.nodes[id.0 as usize];
                let places = if is_source {
                    &node.sources
                } else {
                    &node.targets
                };
                places
                    .iter()
                    .map(|index| of_node(id.0 as usize, index))
                    .collect()
            }
            Entity::NodeAt(id, address) => compiled.nodes[id.0 as usize]
                .at
                .iter()
                .filter(|(known, _)| known == address)
                .map(|(_, index)| of_node(id.0 as usize, index))
                .collect(),
            Entity::Address(address) => {
                let index = compiled.outside[compiled.atoms.find(*address) as usize];
                std::iter::once(at(&index)).collect()
            }
            Entity::Hypothetical(pod) => {
                let Some(space) = compiled.space(&pod.namespace) else {
                    return SmallVec::new();
                };
                std::iter::once(Spot {
                    index: None,
                    place: Place {
                        kind: PlaceKind::Pod,
                        space,
                        labels: NONE,
                        node_labels: NONE,
                        family: None,
                        atom: NONE,
                        table: 0,
                    },
                    labels: Some(&pod.labels),
                    node_labels: None,
                    ports: &pod.ports,
                })
                .collect()
            }
        }
    }

    /// The places an entity has, for groups.
    pub(crate) fn places_of(&self, entity: &Entity) -> Vec<u32> {
        self.spots(entity, true)
            .iter()
            .filter_map(|spot| spot.index)
            .collect()
    }

    /// The pairs of places that share a family (rule N59).
    pub(crate) fn spot_pairs<'a>(
        &'a self,
        from: &'a Entity,
        to: &'a Entity,
    ) -> SmallVec<[(Spot<'a>, Spot<'a>); 2]> {
        let mut pairs = SmallVec::new();
        let targets = self.spots(to, false);
        for a in self.spots(from, true) {
            for b in &targets {
                if families_meet(a.place.family, b.place.family) {
                    pairs.push((a, *b));
                }
            }
        }
        pairs
    }

    /// The guard of an end; one that does not exist gets one made for it.
    pub(crate) fn guard(&self, direction: Direction, spot: &Spot<'_>) -> Cow<'_, Guard> {
        match spot.index {
            Some(index) => Cow::Borrowed(self.compiled.guard(direction, index)),
            None => Cow::Owned(self.ad_hoc(direction, spot, None).guard),
        }
    }

    /// One end's opinion of one port.
    pub(crate) fn gate_one(
        &self,
        direction: Direction,
        (subject, spot): (&Entity, &Spot<'_>),
        (peer, peer_spot): (&Entity, &Spot<'_>),
        (protocol, port): (Protocol, u16),
    ) -> Outcome<bool> {
        let compiled = &self.compiled;
        let declared = destination(direction, spot, peer_spot);
        let atom = compiled.port_atoms.atom(protocol, port);
        let own_node = self.node_rule(direction, subject, peer);
        self.with_view(direction, spot, peer_spot, |view, met| {
            chain(view, &own_node, &true, |peers, ports| {
                let met = met(peers);
                if !met.1 {
                    return (false, false);
                }
                let ports = &compiled.ports[ports as usize];
                let has = ports.has(atom, (protocol, port), declared, compiled.profile);
                (met.0 && has.0, has.1)
            })
        })
    }

    /// One end's opinion of all ports, the special cases of nodes included.
    pub(crate) fn gate(
        &self,
        direction: Direction,
        (subject, spot): (&Entity, &Spot<'_>),
        (peer, peer_spot): (&Entity, &Spot<'_>),
    ) -> Outcome<Mask> {
        let compiled = &self.compiled;
        let declared = destination(direction, spot, peer_spot);
        let all = compiled.port_atoms.all();
        let none = compiled.port_atoms.none();
        let own_node = self.node_rule(direction, subject, peer);
        self.with_view(direction, spot, peer_spot, |view, met| {
            chain(view, &own_node, &all, |peers, ports| {
                let met = met(peers);
                if !met.1 {
                    return (none.clone(), none.clone());
                }
                let ports = &compiled.ports[ports as usize];
                let (sure, possible) = ports.at(&compiled.port_atoms, declared, compiled.profile);
                (if met.0 { sure } else { none.clone() }, possible)
            })
        })
    }

    /// Hands over the guard of an end, and the answer to which peers mean the other end.
    fn with_view<R>(
        &self,
        direction: Direction,
        spot: &Spot<'_>,
        peer: &Spot<'_>,
        ask: impl FnOnce(&View<'_>, &dyn Fn(u32) -> (bool, bool)) -> R,
    ) -> R {
        let compiled = &self.compiled;
        let deny_wins = compiled.profile.equal_priority == TieBreak::Deny;
        if let (Some(own), Some(place)) = (spot.index, peer.index) {
            let guard = compiled.guard(direction, own);
            let view = View {
                guard,
                admin: &compiled.tiers[guard.admin],
                baseline: &compiled.tiers[guard.baseline],
                deny_wins,
            };
            return ask(&view, &|peers| compiled.sets[peers].contains(place));
        }
        let made = self.ad_hoc(direction, spot, Some(peer));
        let view = View {
            guard: &made.guard,
            admin: &made.admin,
            baseline: &made.baseline,
            deny_wins,
        };
        ask(&view, &|peers| made.met[peers as usize])
    }

    /// The verdict between two places of pods on their own networks that share a family.
    pub(crate) fn verdict_of_places(
        &self,
        from: u32,
        to: u32,
        protocol: Protocol,
        port: u16,
    ) -> Verdict {
        let compiled = &self.compiled;
        let atom = compiled.port_atoms.atom(protocol, port);
        let declared = &compiled.tables[compiled.places[to].table];
        let ask = |direction: Direction, own: u32, peer: u32| {
            let guard = compiled.guard(direction, own);
            let view = View {
                guard,
                admin: &compiled.tiers[guard.admin],
                baseline: &compiled.tiers[guard.baseline],
                deny_wins: compiled.profile.equal_priority == TieBreak::Deny,
            };
            chain(&view, &NodeRule::None, &true, |peers, ports| {
                let ports = &compiled.ports[ports as usize];
                let has = ports.has(atom, (protocol, port), declared, compiled.profile);
                if !has.1 {
                    return (false, false);
                }
                let met = compiled.sets[peers].contains(peer);
                (met.0 && has.0, met.1)
            })
        };
        let mut outcome = ask(Direction::Egress, from, to);
        // A certain denial stays one, whatever the other end says.
        if outcome.possible {
            outcome.and(&ask(Direction::Ingress, to, from));
        }
        combine_one(&outcome)
    }

    /// The policies of its namespace that select an end, by name, each with whether an API server would refuse it.
    pub(crate) fn selecting<'a>(
        &'a self,
        spot: &Spot<'a>,
    ) -> impl Iterator<Item = (PolicyId, bool)> + use<'a> {
        let labels = spot.labels.filter(|_| spot.place.is_subject());
        let policies = labels.map(|_| self.compiled.policies_of(spot.place.space));
        policies.into_iter().flatten().filter_map(move |id| {
            let (policy, lowered, _) = self.compiled.policy(id);
            let selected = (lowered.is_doubtful && lowered.selector_in_doubt)
                || policy.subject.matches(labels?);
            selected.then_some((id, lowered.is_doubtful))
        })
    }

    /// The cluster-wide policies that may act on an end, in the order of their tiers, each with whether it certainly selects it, and
    /// whether the enforcer acts on its API.
    pub(crate) fn selecting_wide<'a>(
        &'a self,
        spot: &Spot<'a>,
    ) -> impl Iterator<Item = (PolicyId, bool, Switch)> + use<'a> {
        let compiled = &self.compiled;
        let labels = spot.labels.filter(|_| spot.place.is_subject());
        let own = spot.place.space;
        let policies = labels.map(|_| compiled.cluster_wide());
        policies.into_iter().flatten().filter_map(move |id| {
            let (policy, lowered, _) = compiled.policy(id);
            let acted_on = is_acted_on(policy, compiled.profile);
            if acted_on == Switch::No {
                return None;
            }
            if lowered.is_doubtful && lowered.selector_in_doubt {
                return Some((id, false, acted_on));
            }
            let space = &compiled.spaces[own];
            let (sure, possible) = match &policy.subject_namespaces {
                NamespaceScope::Matching(selector) => crate::compile::matching::namespace_matches(
                    selector,
                    &space.namespace,
                    space.labels_known,
                )
                .pair(),
                NamespaceScope::Own => (true, true),
            };
            (possible && policy.subject.matches(labels?)).then_some((
                id,
                sure && !lowered.is_doubtful,
                acted_on,
            ))
        })
    }

    /// Makes a guard from the policies themselves: for ends that have no place. Without a peer nothing is met.
    fn ad_hoc(&self, direction: Direction, spot: &Spot<'_>, peer: Option<&Spot<'_>>) -> AdHoc {
        let compiled = &self.compiled;
        let mut made = AdHoc {
            guard: Guard::default(),
            admin: Steps::default(),
            baseline: Steps::default(),
            met: Vec::new(),
        };
        if !spot.place.is_subject() {
            made.guard.no_subject = true;
            return made;
        }
        let own = spot.place.space;
        let space = &compiled.spaces[own];
        made.guard.is_unreadable = !space.policies_readable;
        made.guard.foreign = space.foreign[slot(direction)];
        let mut other = (false, !space.policies_readable);
        for (id, is_doubtful) in self.selecting(spot) {
            let (policy, lowered, _) = compiled.policy(id);
            let Some(rules) = policy.rules(direction) else {
                other.0 |= !is_doubtful;
                other.1 = true;
                continue;
            };
            made.guard.is_doubtful |= is_doubtful;
            made.guard.is_isolated |= !is_doubtful;
            let numbered = lowered.rules[slot(direction)].iter().flatten();
            for (rule, lowered) in rules.iter().zip(numbered) {
                let met = self.meets(
                    rule,
                    Owner {
                        space: own,
                        is_wide: false,
                    },
                    peer,
                );
                let entry = (number(&mut made.met, met), lowered.ports);
                if is_doubtful {
                    made.guard.may_accept.push(entry);
                } else {
                    made.guard.accepts.push(entry);
                }
            }
        }
        self.ad_hoc_tiers(direction, spot, peer, &mut made);
        compiled.baseline_scope(&mut made.guard, other, made.baseline.is_empty());
        // Readers ask for the steps beside the guard; these only say that there are some.
        made.guard.admin = u32::from(!made.admin.is_empty());
        made.guard.baseline = u32::from(!made.baseline.is_empty());
        made
    }

    fn ad_hoc_tiers(
        &self,
        direction: Direction,
        spot: &Spot<'_>,
        peer: Option<&Spot<'_>>,
        made: &mut AdHoc,
    ) {
        use crate::compile::{anything, open_api, steps};
        let compiled = &self.compiled;
        let hidden = compiled.hidden;
        let everyone = number(&mut made.met, (true, true));
        let readdress = |mut step: Step| {
            step.peers = everyone;
            step
        };
        let mut admin = Vec::new();
        let mut baseline = Vec::new();
        for (is_hidden, list) in [(hidden.admin, &mut admin), (hidden.baseline, &mut baseline)] {
            if is_hidden {
                list.extend(anything(0, u32::MAX).map(readdress));
            }
        }
        let first = compiled.cluster_wide().next().map_or(0, |id| id.0);
        for (id, is_certain, acted_on) in self.selecting_wide(spot) {
            let (policy, lowered, _) = compiled.policy(id);
            let index = id.0 - first;
            let rank = compiled.rank(id);
            let list = match policy.tier {
                Tier::Baseline { .. } => &mut baseline,
                _ => &mut admin,
            };
            if lowered.is_doubtful {
                list.extend(anything(rank, index).map(readdress));
                continue;
            }
            let rules = policy.rules(direction).unwrap_or_default();
            let numbered = lowered.rules[slot(direction)].iter().flatten();
            for (rule, lowered) in rules.iter().zip(numbered) {
                let owner = Owner {
                    space: spot.place.space,
                    is_wide: true,
                };
                let met = self.meets(rule, owner, peer);
                let peers = number(&mut made.met, met);
                let before = list.len();
                steps(
                    lowered,
                    peers,
                    compiled.profile,
                    (rank, index, is_certain, open_api(policy, acted_on)),
                    list,
                );
                for step in &mut list[before..] {
                    if step.peers != peers {
                        step.peers = everyone;
                    }
                }
            }
        }
        made.admin = Steps::new(admin);
        made.baseline = Steps::new(baseline);
    }

    /// Whether a rule's peers mean an end: certainly, possibly.
    fn meets(&self, rule: &Rule, own: Owner, peer: Option<&Spot<'_>>) -> (bool, bool) {
        let none = Labels::default();
        match (&rule.peers, peer) {
            (_, None) => (false, false),
            (Peers::Everyone, _) => (true, true),
            (Peers::AnyOf(items), Some(spot)) => {
                let facts = spot.facts(&none);
                items.iter().fold((false, false), |all, item| {
                    let one = self.compiled.peer_matches(&item.peer, own, &facts).pair();
                    (all.0 || one.0, all.1 || one.1)
                })
            }
        }
    }

    pub(crate) fn node_rule(
        &self,
        direction: Direction,
        subject: &Entity,
        peer: &Entity,
    ) -> NodeRule {
        let is_pod_peer = peer.node().is_none()
            && matches!(
                peer,
                Entity::Pod(_) | Entity::PodAt(..) | Entity::Hypothetical(_)
            );
        if is_pod_peer && peer.pod().is_none_or(|pod| !self.pod(pod).host_network) {
            return NodeRule::None;
        }
        let own_node = match (subject, subject.pod()) {
            (_, Some(id)) if self.pod(id).host_network => return NodeRule::None,
            (_, Some(id)) => self.pod(id).node.as_deref(),
            // A pod that does not exist might run anywhere.
            (Entity::Hypothetical(_), _) => None,
            _ => return NodeRule::None,
        };
        // Where nodes may not be read, a pod still knows the address of its own.
        let at_home = |address: &IpAddr| {
            let own = subject.pod().map(|id| &self.pod(id).host_addresses);
            own.is_some_and(|addresses| addresses.contains(address))
        };
        let peer_node = match (peer.node(), peer.pod()) {
            (Some(node), _) => Some(self.node(node).name.as_str()),
            (_, Some(pod)) => self.pod(pod).node.as_deref(),
            _ if matches!(peer, Entity::Address(address) if at_home(address)) => own_node,
            _ => return NodeRule::None,
        };
        let same = match (own_node, peer_node) {
            (Some(a), Some(b)) => Some(a == b),
            _ => None,
        };
        match (same, direction) {
            (Some(false), _) => NodeRule::None,
            (Some(true), Direction::Ingress) => NodeRule::Always,
            (None, Direction::Ingress) => NodeRule::Perhaps(Cause::NodeUnknown),
            (same, Direction::Egress) => match (self.compiled.profile.own_node_egress, same) {
                (Switch::No, _) => NodeRule::None,
                (Switch::Yes, Some(_)) => NodeRule::Always,
                (Switch::Yes, None) => NodeRule::Perhaps(Cause::NodeUnknown),
                (Switch::Open, _) => NodeRule::Perhaps(Cause::OwnNodeEgress),
            },
        }
    }

    /// A policy, whichever kind.
    pub fn policy(&self, policy: PolicyId) -> &Policy {
        self.compiled.policy(policy).0
    }
}

fn number(list: &mut Vec<(bool, bool)>, met: (bool, bool)) -> u32 {
    list.push(met);
    u32::try_from(list.len() - 1).expect("fewer than 2^32 rules")
}

/// The named ports of the destination, whichever end that is (rule N42).
fn destination<'a>(direction: Direction, spot: &Spot<'a>, peer: &Spot<'a>) -> &'a [ContainerPort] {
    match direction {
        Direction::Egress => peer.ports,
        Direction::Ingress => spot.ports,
    }
}

pub(crate) fn families_meet(a: Option<Family>, b: Option<Family>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    }
}
