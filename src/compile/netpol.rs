//! NetworkPolicy v1 lowered: each rule's peers as a set of places, its ports as a set of ports and names.

use hashbrown::HashMap;

use crate::model::{
    ContainerPort, Labels, NamespaceScope, Peer, Peers, PortItem, PortSet, PortTest, Ports,
    Selector,
};

use super::{Bits, Compiled, Place, PlaceKind, Profile, Switch, slot};
use crate::model::{Direction, PolicyApi, PortRange, Resource};

/// Whether a peer means a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    Yes,
    No,
    Maybe(Cause),
}

/// Why something cannot be known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// NetworkPolicies of the namespace could not be read.
    PoliciesUnreadable { namespace: String },
    /// A namespaceSelector reads labels that could not be read.
    NamespaceLabelsUnreadable { namespace: String },
    /// An object an API server would refuse, or one that could not be decoded. The namespace is empty for cluster-wide kinds.
    InvalidPolicy {
        api: PolicyApi,
        namespace: String,
        name: String,
    },
    /// A cluster-wide policy kind that the server has could not be read (rule E12).
    TierUnreadable { resource: Resource },
    /// It is not known whether the enforcer in force acts on policies of this API (rule A4).
    ApiUnsupported { api: PolicyApi },
    /// Policies of one tier and priority disagree, and nobody says which comes first (rule A9). By name.
    EqualPriority { names: Vec<String> },
    /// A rule for a domain name, whose addresses are not known (rule A22).
    DomainName { name: String },
    /// A peer without a field this program knows, where enforcers differ (rule A24).
    EmptyPeer,
    /// A policy of another project, which is not evaluated; `None` when it is not known whether there is one.
    OtherPolicy {
        kind: crate::model::PolicyKind,
        namespace: String,
        name: Option<String>,
    },
    /// Enforcers differ on whether a NetworkPolicy for the other direction ends the Baseline tier (rule A13).
    BaselineScope,
    /// A block against a pod whose address is not known yet.
    AddressUnknown,
    /// Enforcers differ on whether a block matches pods.
    BlockAgainstPod,
    /// Enforcers differ on whether a block matches nodes.
    BlockAgainstNode,
    /// Enforcers differ on whether selectors see host-network pods.
    SelectorAgainstHostNetwork,
    /// Enforcers differ on traffic from a pod to its own node.
    OwnNodeEgress,
    /// Which node a pod runs on is not known, so neither whether the other end is its own node.
    NodeUnknown,
    /// EndpointSlices of a Service could not be read.
    EndpointsUnreadable { service: String },
    /// A DNS alias that points out of the cluster.
    AliasUnresolved { name: String },
    /// On its way in a connection may be given another source address (rules N70, N71). Ends as they would be typed.
    SourceRewritten {
        /// The load balancer itself opens the connection to the pod; else it may be the node where the client comes in.
        by_balancer: bool,
        /// The sources that are let in, and those that are not or may not be.
        let_in: Vec<String>,
        kept_out: Vec<String>,
    },
    /// Policy at the client may see the address it asked for, or what stands behind it.
    DestinationRewritten {
        /// `address:port` as asked.
        asked: String,
        /// Whether it is the translated destination that is let out.
        behind_is_open: bool,
    },
    /// Enforcers differ on named ports of init containers.
    InitContainerPort { port: String },
}

/// The places a peer means for sure, and those it may mean; the second holds the first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PeerSet {
    pub(crate) sure: Bits,
    pub(crate) possible: Bits,
}

pub(crate) struct CompiledPolicy {
    pub(crate) namespace: u32,
    /// Index into the namespace's policies.
    pub(crate) index: u32,
    pub(crate) subject: Selector,
    /// By direction; `None` does not isolate.
    pub(crate) rules: [Option<Vec<CompiledRule>>; 2],
    /// An API server would refuse it.
    pub(crate) doubtful: bool,
    pub(crate) selector_in_doubt: bool,
}

pub(crate) struct CompiledRule {
    /// Index into `Compiled::sets`: the union of the peer items; `None` means everyone.
    pub(crate) peers: Option<u32>,
    /// The part of the union that names pods one by one, not "every pod" and not a range of addresses.
    pub(crate) named: Option<u32>,
    pub(crate) ports: RulePorts,
}

/// The ports of a rule; names stay names, they belong to the destination (rule N42).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RulePorts {
    pub(crate) fixed: PortSet,
    pub(crate) names: Vec<(crate::model::Protocol, String)>,
    /// Ports of entries that could not be read: they may be any.
    pub(crate) doubtful: PortSet,
}

impl RulePorts {
    fn new(ports: &Ports) -> Self {
        let Ports::AnyOf(items) = ports else {
            return Self {
                fixed: PortSet::all(),
                ..Self::default()
            };
        };
        let mut made = Self::default();
        for PortItem { protocol, port } in items {
            match port {
                PortTest::Any => {
                    made.fixed = made.fixed.union(&PortSet::range(*protocol, PortRange::ALL));
                }
                PortTest::Range(range) => {
                    made.fixed = made.fixed.union(&PortSet::range(*protocol, *range));
                }
                PortTest::Named(name) => made.names.push((*protocol, name.clone())),
                PortTest::NamedAnyProtocol(_) | PortTest::Unreadable => {
                    made.doubtful = PortSet::all()
                }
            }
        }
        made
    }

    /// The ports this means at a destination: for sure, and possibly. A name the destination lacks means nothing (rule N43).
    pub(crate) fn at(&self, declared: &[ContainerPort], profile: Profile) -> (PortSet, PortSet) {
        if self.names.is_empty() {
            return (self.fixed.clone(), self.fixed.union(&self.doubtful));
        }
        let mut sure = self.fixed.clone();
        let mut possible = self.fixed.union(&self.doubtful);
        for (protocol, name) in &self.names {
            for port in declared
                .iter()
                .filter(|port| port.name == *name && port.protocol == *protocol)
            {
                let one = PortSet::port(port.protocol, port.port);
                let counts = if port.init {
                    profile.init_container_ports
                } else {
                    Switch::Yes
                };
                if counts == Switch::Yes {
                    sure = sure.union(&one);
                }
                if counts != Switch::No {
                    possible = possible.union(&one);
                }
            }
        }
        (sure, possible)
    }
}

/// Compiles every policy of the cluster.
pub(crate) fn compile(compiled: &mut Compiled) {
    let mut builder = Builder {
        compiled,
        interned: HashMap::default(),
        by_set: HashMap::default(),
        sets: Vec::new(),
    };
    let mut policies = Vec::new();
    for (namespace, ns) in builder.compiled.namespaces.clone().iter().enumerate() {
        let namespace = u32::try_from(namespace).expect("fewer than 2^32 namespaces");
        for (index, policy) in ns.policies.iter().enumerate() {
            let mut rules = [None, None];
            for direction in Direction::BOTH {
                rules[slot(direction)] = policy.rules(direction).map(|rules| {
                    rules
                        .iter()
                        .map(|rule| builder.rule(rule, namespace))
                        .collect()
                });
            }
            policies.push(CompiledPolicy {
                namespace,
                index: u32::try_from(index).expect("fewer than 2^32 policies"),
                subject: policy.subject.clone(),
                rules,
                doubtful: !policy.invalid.is_empty(),
                selector_in_doubt: policy.invalid.iter().any(|problem| {
                    problem.path.is_empty() || problem.path.starts_with("spec.podSelector")
                }),
            });
        }
    }
    compiled.sets = builder.sets;
    compiled.policies = policies;
}

struct Builder<'a> {
    compiled: &'a mut Compiled,
    /// Equal peers of one namespace share a set; those that do not read the own namespace share it everywhere.
    interned: HashMap<(Option<u32>, Peer), u32, foldhash::fast::FixedState>,
    by_set: HashMap<PeerSet, u32, foldhash::fast::FixedState>,
    sets: Vec<PeerSet>,
}

impl Builder<'_> {
    fn rule(&mut self, rule: &crate::model::Rule, namespace: u32) -> CompiledRule {
        let ports = RulePorts::new(&rule.ports);
        let Peers::AnyOf(items) = &rule.peers else {
            return CompiledRule {
                peers: None,
                named: None,
                ports,
            };
        };
        let sets: Vec<u32> = items
            .iter()
            .map(|item| self.peer(&item.peer, namespace))
            .collect();
        let peers = self.union(&sets);
        let mut naming: Vec<u32> = Vec::new();
        for (set, item) in sets.iter().zip(items) {
            match &item.peer {
                // An address of a node names the node, not the pods that share its network.
                Peer::IpBlock(_) if names_pods(&item.peer) => {
                    naming.push(self.without_host_pods(*set));
                }
                peer if names_pods(peer) => naming.push(*set),
                _ => {}
            }
        }
        let named = (!naming.is_empty()).then(|| self.union(&naming));
        CompiledRule {
            peers: Some(peers),
            named,
            ports,
        }
    }

    fn intern(&mut self, set: PeerSet) -> u32 {
        let next = u32::try_from(self.sets.len()).expect("fewer than 2^32 sets");
        let sets = &mut self.sets;
        *self.by_set.entry(set).or_insert_with_key(|set| {
            sets.push(set.clone());
            next
        })
    }

    fn without_host_pods(&mut self, set: u32) -> u32 {
        let size = self.compiled.places.len();
        let mut kept = PeerSet {
            sure: Bits::none(size),
            possible: Bits::none(size),
        };
        let of = &self.sets[set as usize];
        for place in of.possible.iter() {
            let is_host = matches!(
                self.compiled.places[place as usize].kind,
                PlaceKind::HostPod { .. }
            );
            if !is_host {
                kept.possible.insert(place);
                if of.sure.contains(place) {
                    kept.sure.insert(place);
                }
            }
        }
        self.intern(kept)
    }

    fn union(&mut self, members: &[u32]) -> u32 {
        if let [only] = members {
            return *only;
        }
        let size = self.compiled.places.len();
        let mut union = PeerSet {
            sure: Bits::none(size),
            possible: Bits::none(size),
        };
        for member in members {
            union.sure.add(&self.sets[*member as usize].sure);
            union.possible.add(&self.sets[*member as usize].possible);
        }
        self.intern(union)
    }

    fn peer(&mut self, peer: &Peer, namespace: u32) -> u32 {
        let own = matches!(
            peer,
            Peer::Pods {
                namespaces: NamespaceScope::Own,
                ..
            }
        )
        .then_some(namespace);
        let key = (own, peer.clone());
        if let Some(known) = self.interned.get(&key) {
            return *known;
        }
        let size = self.compiled.places.len();
        let mut set = PeerSet {
            sure: Bits::none(size),
            possible: Bits::none(size),
        };
        // A namespace is looked at once, not once for each of its pods.
        let scope: Vec<Match> = (0..self.compiled.namespaces.len())
            .map(|index| {
                scope_matches(
                    self.compiled,
                    peer,
                    namespace,
                    u32::try_from(index).expect("as many as namespaces"),
                )
            })
            .collect();
        for (index, place) in self.compiled.places.iter().enumerate() {
            let index = u32::try_from(index).expect("fewer than 2^32 places");
            match place_matches(self.compiled, peer, place, &|ns| scope[ns as usize].clone()) {
                Match::Yes => {
                    set.sure.insert(index);
                    set.possible.insert(index);
                }
                Match::Maybe(_) => set.possible.insert(index),
                Match::No => {}
            }
        }
        let id = self.intern(set);
        self.interned.insert(key, id);
        id
    }
}

/// Whether a peer names pods, rather than "every pod" or a range of addresses that happens to hold some.
fn names_pods(peer: &Peer) -> bool {
    match peer {
        Peer::Pods {
            namespaces: NamespaceScope::Own,
            ..
        } => true,
        Peer::Pods {
            namespaces: NamespaceScope::Matching(namespaces),
            pods,
        } => !(namespaces.is_everything() && pods.is_everything()),
        Peer::IpBlock(block) => block.cidr.prefix_len() == block.cidr.max_prefix_len(),
        Peer::Nodes(_) | Peer::DomainName(_) | Peer::Empty | Peer::Unreadable => false,
        Peer::TenantPods { .. } => true,
    }
}

/// Whether the namespace part of a peer means a namespace.
fn scope_matches(compiled: &Compiled, peer: &Peer, own: u32, namespace: u32) -> Match {
    let Peer::Pods { namespaces, .. } = peer else {
        return Match::No;
    };
    match namespaces {
        NamespaceScope::Own if own == namespace => Match::Yes,
        NamespaceScope::Own => Match::No,
        NamespaceScope::Matching(selector) => {
            let ns = &compiled.namespaces[namespace as usize];
            if compiled.labels_known[namespace as usize] || selector.reads_only_the_name() {
                return if selector.matches(&ns.labels) {
                    Match::Yes
                } else {
                    Match::No
                };
            }
            // What its name alone rules out stays ruled out (rule E12).
            let by_name = Selector::new(
                selector
                    .requirements()
                    .iter()
                    .filter(|r| r.key == crate::model::NAMESPACE_NAME)
                    .cloned(),
            );
            if by_name.matches(&ns.labels) {
                Match::Maybe(Cause::NamespaceLabelsUnreadable {
                    namespace: ns.name.clone(),
                })
            } else {
                Match::No
            }
        }
    }
}

fn place_matches(
    compiled: &Compiled,
    peer: &Peer,
    place: &Place,
    scope: &dyn Fn(u32) -> Match,
) -> Match {
    match peer {
        // Whatever it was meant to be, it is not certainly anyone (rule N21).
        Peer::Unreadable => Match::Maybe(Cause::AddressUnknown),
        Peer::Nodes(_) | Peer::DomainName(_) | Peer::TenantPods { .. } | Peer::Empty => Match::No,
        Peer::Pods { namespaces, pods } => match &place.kind {
            PlaceKind::Pod { namespace, labels } => labels_match(pods, labels, scope(*namespace)),
            PlaceKind::HostPod { namespace, labels } => {
                let open = compiled.profile.selectors_match_host_network == Switch::Open
                    && pods.is_everything()
                    && matches!(namespaces, NamespaceScope::Matching(_))
                    && labels_match(pods, labels, scope(*namespace)) != Match::No;
                if open {
                    Match::Maybe(Cause::SelectorAgainstHostNetwork)
                } else {
                    Match::No
                }
            }
            PlaceKind::Node | PlaceKind::Outside => Match::No,
        },
        Peer::IpBlock(block) => {
            let inside = match place.atom {
                // An atom lies wholly inside a block or wholly outside.
                Some(atom) => block.contains(compiled.atoms.ranges()[atom as usize].first()),
                // Of an unknown address nothing is certain, but holes may leave nothing to be in (rule N30).
                None if place.family.is_none() => !block.addresses().is_empty(),
                None => false,
            };
            if !inside {
                return Match::No;
            }
            let (switch, cause) = match place.kind {
                PlaceKind::Outside => (Switch::Yes, Cause::AddressUnknown),
                PlaceKind::Pod { .. } => {
                    (compiled.profile.blocks_match_pods, Cause::BlockAgainstPod)
                }
                PlaceKind::HostPod { .. } | PlaceKind::Node => {
                    (compiled.profile.blocks_match_nodes, Cause::BlockAgainstNode)
                }
            };
            match switch {
                Switch::No => Match::No,
                Switch::Open => Match::Maybe(cause),
                Switch::Yes if place.atom.is_none() => Match::Maybe(Cause::AddressUnknown),
                Switch::Yes => Match::Yes,
            }
        }
    }
}

fn labels_match(selector: &Selector, labels: &Labels, scope: Match) -> Match {
    if scope == Match::No || !selector.matches(labels) {
        Match::No
    } else {
        scope
    }
}

impl Compiled {
    /// Whether one peer item means a place: for explanations, and for pods that do not exist.
    pub(crate) fn peer_matches(&self, peer: &Peer, own: u32, place: &Place) -> Match {
        place_matches(self, peer, place, &|namespace| {
            scope_matches(self, peer, own, namespace)
        })
    }
}
