//! Whether one item of a rule means one end, asked of the objects themselves: for explanations, and for pods that do not exist.
//!
//! The sets of places that verdicts come from are built by the same rules over numbered labels.

use crate::model::{
    Family, IpBlock, Labels, NAMESPACE_NAME, Namespace, NamespaceScope, Peer, Selector,
};

use super::places::NONE;
use super::{Cause, Compiled, PlaceKind, Switch};

/// Whether something holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    Yes,
    No,
    Maybe(Cause),
}

impl Match {
    fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    /// Certainly, and possibly.
    pub(crate) fn pair(&self) -> (bool, bool) {
        (*self == Self::Yes, *self != Self::No)
    }
}

/// One end as policies see it, at one of its addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) kind: PlaceKind,
    /// [`NONE`] for what is in no namespace.
    pub(crate) space: u32,
    /// A pod's labels; empty for everything else.
    pub(crate) labels: &'a Labels,
    /// Of the node whose address it has; `None` where there is none or they are not known.
    pub(crate) node_labels: Option<&'a Labels>,
    pub(crate) family: Option<Family>,
    /// [`NONE`]: the address is not known.
    pub(crate) atom: u32,
}

/// Whose peers are asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    /// The namespace of the subject.
    pub(crate) space: u32,
    /// A cluster-wide policy: host-network pods are never its peers (rule A16).
    pub(crate) is_wide: bool,
}

/// Whether a selector means a namespace, as far as its labels are known.
pub(crate) fn namespace_matches(selector: &Selector, namespace: &Namespace, known: bool) -> Match {
    if known || selector.reads_only_the_name() {
        return Match::of(selector.matches(&namespace.labels));
    }
    // What its name alone rules out stays ruled out (rule E12).
    let by_name = Selector::new(
        selector
            .requirements()
            .iter()
            .filter(|requirement| requirement.key == NAMESPACE_NAME)
            .cloned(),
    );
    if by_name.matches(&namespace.labels) && selector.is_satisfiable() {
        Match::Maybe(Cause::NamespaceLabelsUnreadable {
            namespace: namespace.name.clone(),
        })
    } else {
        Match::No
    }
}

/// Whether two namespaces belong together by the values of some labels (rule A31).
pub(crate) fn tenants_match(
    keys: &[String],
    same: bool,
    (subject, subject_known): (&Namespace, bool),
    (peer, peer_known): (&Namespace, bool),
) -> Match {
    let unknown = |namespace: &Namespace| {
        Match::Maybe(Cause::NamespaceLabelsUnreadable {
            namespace: namespace.name.clone(),
        })
    };
    if !subject_known {
        return unknown(subject);
    }
    let Some(wanted) = keys
        .iter()
        .map(|key| subject.labels.get(key))
        .collect::<Option<Vec<_>>>()
    else {
        return Match::No;
    };
    if !peer_known {
        return unknown(peer);
    }
    let Some(found) = keys
        .iter()
        .map(|key| peer.labels.get(key))
        .collect::<Option<Vec<_>>>()
    else {
        return Match::No;
    };
    Match::of((wanted == found) == same)
}

impl Compiled {
    /// Whether one peer item means an end.
    pub(crate) fn peer_matches(&self, peer: &Peer, own: Owner, facts: &Facts<'_>) -> Match {
        match peer {
            // Whatever it was meant to be, it is not certainly anyone (rule N21).
            Peer::Unreadable => Match::Maybe(Cause::AddressUnknown),
            Peer::Pods { namespaces, pods } => self.pods_match(namespaces, pods, own, facts),
            Peer::TenantPods { keys, same, pods } => {
                if facts.kind != PlaceKind::Pod || !pods.matches(facts.labels) {
                    return Match::No;
                }
                let of = |space: u32| {
                    let space = &self.spaces[space];
                    (space.namespace.as_ref(), space.labels_known)
                };
                tenants_match(keys, *same, of(own.space), of(facts.space))
            }
            Peer::IpBlock(block) => self.block_matches(block, facts),
            Peer::Nodes(nodes) => match facts.kind {
                PlaceKind::Pod | PlaceKind::Tunnel => Match::No,
                // Where nodes may not be read, any address may be one's.
                PlaceKind::Outside if self.nodes_readable => Match::No,
                PlaceKind::Outside => Match::Maybe(Cause::NodeLabelsUnknown),
                PlaceKind::Node | PlaceKind::HostPod => match facts.node_labels {
                    Some(labels) => Match::of(nodes.matches(labels)),
                    // It is on some node, and which one is not known.
                    None if facts.atom == NONE || !self.nodes_readable => {
                        Match::Maybe(Cause::NodeLabelsUnknown)
                    }
                    None => Match::No,
                },
            },
            Peer::DomainName(name) => match facts.kind {
                // Meant for what lies outside; a name may resolve to anything there (rule A22).
                PlaceKind::Outside => Match::Maybe(Cause::DomainName { name: name.clone() }),
                _ => Match::No,
            },
            Peer::Empty => match self.profile.empty_peer_closes {
                Switch::Open => Match::Maybe(Cause::EmptyPeer),
                _ => Match::No,
            },
        }
    }

    fn pods_match(
        &self,
        namespaces: &NamespaceScope,
        pods: &Selector,
        own: Owner,
        facts: &Facts<'_>,
    ) -> Match {
        if facts.space == NONE || !pods.matches(facts.labels) {
            return Match::No;
        }
        let scope = match namespaces {
            NamespaceScope::Own => Match::of(own.space == facts.space),
            NamespaceScope::Matching(selector) => {
                let space = &self.spaces[facts.space];
                namespace_matches(selector, &space.namespace, space.labels_known)
            }
        };
        match facts.kind {
            PlaceKind::Pod => scope,
            PlaceKind::HostPod
                if !own.is_wide
                    && self.profile.selectors_match_host_network == Switch::Open
                    && pods.is_everything()
                    && matches!(namespaces, NamespaceScope::Matching(_))
                    && scope != Match::No =>
            {
                Match::Maybe(Cause::SelectorAgainstHostNetwork)
            }
            _ => Match::No,
        }
    }

    fn block_matches(&self, block: &IpBlock, facts: &Facts<'_>) -> Match {
        let inside = if facts.atom == NONE {
            // Of an unknown address nothing is certain, but holes may leave nothing to be in (rule N30).
            facts.family.is_none() && !block.addresses().is_empty()
        } else {
            // An atom lies wholly inside a block or wholly outside.
            block.contains(self.atoms.ranges()[facts.atom as usize].first())
        };
        if !inside {
            return Match::No;
        }
        let (switch, cause) = match facts.kind {
            PlaceKind::Outside => (Switch::Yes, Cause::AddressUnknown),
            PlaceKind::Pod => (self.profile.blocks_match_pods, Cause::BlockAgainstPod),
            PlaceKind::HostPod | PlaceKind::Node | PlaceKind::Tunnel => {
                (self.profile.blocks_match_nodes, Cause::BlockAgainstNode)
            }
        };
        match switch {
            Switch::No => Match::No,
            Switch::Open => Match::Maybe(cause),
            Switch::Yes if facts.atom == NONE => Match::Maybe(Cause::AddressUnknown),
            Switch::Yes => Match::Yes,
        }
    }
}

/// Whether a peer names pods, rather than "every pod" or a range of addresses that happens to hold some.
pub(crate) fn names_pods(peer: &Peer) -> bool {
    match peer {
        Peer::Pods {
            namespaces: NamespaceScope::Own,
            ..
        }
        | Peer::TenantPods { .. } => true,
        Peer::Pods {
            namespaces: NamespaceScope::Matching(namespaces),
            pods,
        } => !(namespaces.is_everything() && pods.is_everything()),
        Peer::IpBlock(block) => block.cidr.prefix_len() == block.cidr.max_prefix_len(),
        Peer::Nodes(_) | Peer::DomainName(_) | Peer::Empty | Peer::Unreadable => false,
    }
}
