//! One end and one direction at a time: what the policies there, and the special cases of nodes, let through.

use std::borrow::Cow;
use std::net::IpAddr;

use smallvec::SmallVec;

use crate::compile::{CompiledRule, Guard, Match, Place, PlaceKind, PodId, PolicyId, Switch, slot};
use crate::model::{Direction, Family, Peers, PortSet};

use super::{Allowed, Cause, Engine, Entity};

/// Where an entity stands for policies: one place for each address family.
pub(crate) struct Spot<'a> {
    pub(crate) place: Cow<'a, Place>,
    pub(crate) index: Option<u32>,
}

impl Engine {
    pub(crate) fn addresses_of(&self, pod: PodId) -> Vec<IpAddr> {
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

    pub(crate) fn spots(&self, entity: &Entity, is_source: bool) -> SmallVec<[Spot<'_>; 2]> {
        let at = |index: &u32| Spot {
            place: Cow::Borrowed(&self.compiled.places[*index as usize]),
            index: Some(*index),
        };
        match entity {
            Entity::Pod(id) => self.compiled.pods[id.0 as usize]
                .places
                .iter()
                .map(at)
                .collect(),
            Entity::Node(id) => {
                let node = &self.compiled.nodes[id.0 as usize];
                if is_source {
                    node.sources.iter().map(at).collect()
                } else {
                    node.targets.iter().map(at).collect()
                }
            }
            Entity::PodAt(id, address) => self.compiled.pods[id.0 as usize]
                .places
                .iter()
                .filter(|index| {
                    self.compiled.places[**index as usize].family == Some(Family::of(*address))
                })
                .map(at)
                .collect(),
            Entity::NodeAt(id, address) => self.compiled.nodes[id.0 as usize]
                .at
                .iter()
                .filter(|(known, _)| known == address)
                .map(|(_, index)| at(index))
                .collect(),
            Entity::Address(address) => {
                let index = self.compiled.outside + self.compiled.atoms.find(*address);
                std::iter::once(at(&index)).collect()
            }
            Entity::Hypothetical(pod) => {
                let Some(namespace) = self.compiled.namespace_index(&pod.namespace) else {
                    return SmallVec::new();
                };
                std::iter::once(Spot {
                    place: Cow::Owned(Place {
                        kind: PlaceKind::Pod {
                            namespace,
                            labels: pod.labels.clone(),
                        },
                        family: None,
                        atom: None,
                        ports: pod.ports.clone(),
                    }),
                    index: None,
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
    pub(crate) fn spot_pairs(&self, from: &Entity, to: &Entity) -> Vec<(Spot<'_>, Spot<'_>)> {
        let mut pairs = Vec::new();
        for a in self.spots(from, true) {
            for b in self.spots(to, false) {
                if families_meet(a.place.family, b.place.family) {
                    pairs.push((
                        Spot {
                            place: a.place.clone(),
                            index: a.index,
                        },
                        b,
                    ));
                }
            }
        }
        pairs
    }

    pub(crate) fn guard(&self, direction: Direction, spot: &Spot<'_>) -> Cow<'_, Guard> {
        match (spot.index, &spot.place.kind) {
            (Some(index), _) => Cow::Borrowed(
                &self.compiled.guards
                    [self.compiled.guard_of[slot(direction)][index as usize] as usize],
            ),
            (None, PlaceKind::Pod { namespace, labels }) => {
                Cow::Owned(self.compiled.guard_for(direction, *namespace, labels))
            }
            (None, _) => Cow::Owned(Guard {
                no_subject: true,
                ..Guard::default()
            }),
        }
    }

    /// One end's opinion, the special cases of nodes included.
    pub(crate) fn gate(
        &self,
        direction: Direction,
        subject: &Entity,
        spot: &Spot<'_>,
        peer: &Entity,
        peer_spot: &Spot<'_>,
    ) -> Allowed {
        let by_policy = self.judge(direction, spot, peer_spot);
        match self.node_rule(direction, subject, peer) {
            NodeRule::Always => Allowed::everything(),
            NodeRule::Perhaps(_) => Allowed {
                sure: by_policy.sure,
                possible: PortSet::all(),
            },
            NodeRule::None => by_policy,
        }
    }

    /// What policies say of one pair of places.
    pub(crate) fn judge(&self, direction: Direction, spot: &Spot<'_>, peer: &Spot<'_>) -> Allowed {
        let guard = self.guard(direction, spot);
        if guard.no_subject {
            return Allowed::everything();
        }
        let open = guard.policies.is_empty();
        if open && guard.doubtful.is_empty() && !guard.unreadable {
            return Allowed::everything();
        }
        let ports = match direction {
            Direction::Egress => &peer.place.ports,
            Direction::Ingress => &spot.place.ports,
        };
        let mut allowed = Allowed::nothing();
        if open || guard.unreadable {
            // Nothing that was read isolates it, something that could not be read may.
            allowed.possible = PortSet::all();
        }
        for (policies, certain) in [(&guard.policies, true), (&guard.doubtful, false)] {
            for id in policies {
                let policy = &self.compiled.policies[id.0 as usize];
                for (index, rule) in policy.rules[slot(direction)].iter().flatten().enumerate() {
                    let (sure, possible) = self.peer_admits(*id, direction, index, rule, peer);
                    if !possible {
                        continue;
                    }
                    let (sure_ports, possible_ports) = rule.ports.at(ports, self.compiled.profile);
                    if sure && certain {
                        allowed.sure = allowed.sure.union(&sure_ports);
                    }
                    allowed.possible = allowed.possible.union(&possible_ports);
                }
            }
        }
        allowed.possible = allowed.possible.union(&allowed.sure);
        allowed
    }

    /// Whether a rule's peers mean a place: certainly, possibly.
    fn peer_admits(
        &self,
        policy: PolicyId,
        direction: Direction,
        index: usize,
        rule: &CompiledRule,
        peer: &Spot<'_>,
    ) -> (bool, bool) {
        let Some(set) = rule.peers else {
            return (true, true);
        };
        if let Some(place) = peer.index {
            let set = &self.compiled.sets[set as usize];
            return (set.sure.contains(place), set.possible.contains(place));
        }
        let (mut sure, mut possible) = (false, false);
        let rules = self.policy(policy).rules(direction).unwrap_or_default();
        if let Some(Peers::AnyOf(items)) = rules.get(index).map(|rule| &rule.peers) {
            let own = self.compiled.policies[policy.0 as usize].namespace;
            for item in items {
                match self.compiled.peer_matches(&item.peer, own, &peer.place) {
                    Match::Yes => (sure, possible) = (true, true),
                    Match::Maybe(_) => possible = true,
                    Match::No => {}
                }
            }
        }
        (sure, possible)
    }

    /// Traffic between a pod and its node is no business of policy (rules N49 and N51).
    pub(crate) fn node_rule(
        &self,
        direction: Direction,
        subject: &Entity,
        peer: &Entity,
    ) -> NodeRule {
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
            (_, Some(pod)) if self.pod(pod).host_network => self.pod(pod).node.as_deref(),
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
}

pub(crate) enum NodeRule {
    Always,
    Perhaps(Cause),
    None,
}

pub(crate) fn families_meet(a: Option<Family>, b: Option<Family>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    }
}
