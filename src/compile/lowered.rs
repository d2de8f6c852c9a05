//! Rules of every API in one form: an action, a set of places, a set of ports.

use std::hash::BuildHasher as _;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::model::{
    Action, IpBlock, IpRange, NamespaceScope, Peer, Peers, PortTest, Ports, Rule, Selector,
};

use super::matching::names_pods;
use super::places::Atoms;
use super::ports::PortTable;
use super::vocabulary::{News, Reading, Vocabulary};

/// The set of every place, also of those to come.
pub(crate) const EVERYONE: u32 = 0;

/// One policy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lowered {
    /// The namespaces it selects pods of, as a selector by number; `None`: its own.
    pub(crate) scope: Option<u32>,
    /// The pods it selects, as a selector by number.
    pub(crate) subject: u32,
    /// By direction; `None` does not touch it.
    pub(crate) rules: [Option<Vec<LoweredRule>>; 2],
    /// An API server would refuse it.
    pub(crate) is_doubtful: bool,
    pub(crate) selector_in_doubt: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct LoweredRule {
    pub(crate) action: Action,
    /// The union of its peers, by number.
    pub(crate) peers: u32,
    /// The peers that name pods one by one, rather than "every pod" or a range of addresses, each with whether it is a block.
    pub(crate) named: Vec<(u32, bool)>,
    /// By number.
    pub(crate) ports: u32,
    /// Some peer has no field this program knows (rule A24).
    pub(crate) has_empty_peer: bool,
    /// Some peer depends on the labels of the subject's namespace (rule A31): `peers` lacks it.
    pub(crate) is_tenant: bool,
}

/// What a set of places is made by. Equal keys share one set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SetKey {
    Everyone,
    /// Pods of one namespace that a selector means.
    Own {
        space: u32,
        pods: u32,
    },
    /// Pods of namespaces: both are selectors by number.
    Matching {
        scope: u32,
        pods: u32,
        /// Of a cluster-wide policy: host-network pods are never among its peers (rule A16).
        is_wide: bool,
    },
    /// Pods of namespaces that belong together with a given one (rule A31).
    Tenants {
        subject: u32,
        keys: Vec<String>,
        same: bool,
        pods: u32,
    },
    Block(IpBlock),
    /// Nodes by label: a selector by number, of its own vocabulary.
    Nodes(u32),
    DomainName(String),
    /// Nobody for certain, possibly everybody.
    Unknown,
    Nobody,
    /// Of other sets, ascending.
    Union(Vec<u32>),
}

/// Numbers for selectors, keys of sets and lists of ports, and what they mention for the first time.
#[derive(Debug)]
pub(crate) struct Numbers {
    pub(crate) pods: Vocabulary,
    pub(crate) namespaces: Vocabulary,
    pub(crate) nodes: Vocabulary,
    /// Selectors on pods.
    pub(crate) readings: Interned<Reading>,
    /// Selectors on namespaces.
    pub(crate) scopes: Interned<Reading>,
    /// Selectors on nodes.
    pub(crate) node_readings: Interned<Reading>,
    pub(crate) sets: Interned<SetKey>,
    pub(crate) ports: PortTable,
    pub(crate) atoms: Atoms,
    /// Names of ports that some rule uses.
    pub(crate) port_names: hashbrown::HashSet<Arc<str>, foldhash::fast::FixedState>,
}

/// What was mentioned for the first time: places made before may have to be told apart.
#[derive(Debug, Default)]
pub(crate) struct Firsts {
    pub(crate) pod_keys: Vec<News>,
    pub(crate) namespace_keys: Vec<News>,
    pub(crate) node_keys: Vec<News>,
    /// Atoms of addresses that were cut, each with the new one.
    pub(crate) cuts: Vec<(u32, u32)>,
    pub(crate) port_names: Vec<Arc<str>>,
}

impl Firsts {
    pub(crate) fn is_empty(&self) -> bool {
        self.pod_keys.is_empty()
            && self.namespace_keys.is_empty()
            && self.node_keys.is_empty()
            && self.cuts.is_empty()
            && self.port_names.is_empty()
    }
}

/// Values by number, each once.
#[derive(Clone, Debug)]
pub(crate) struct Interned<T> {
    list: Vec<T>,
    numbers: Finder,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            numbers: Finder::default(),
        }
    }
}

impl<T: Eq + std::hash::Hash> Interned<T> {
    pub(crate) fn number(&mut self, value: T) -> u32 {
        let list = &self.list;
        if let Some(known) = self.numbers.find(&value, |number| &list[number as usize]) {
            return known;
        }
        let next = u32::try_from(self.list.len()).expect("fewer than 2^32 values");
        self.list.push(value);
        let list = &self.list;
        self.numbers.enter(next, |number| &list[number as usize]);
        next
    }

    pub(crate) fn get(&self, number: u32) -> &T {
        &self.list[number as usize]
    }

    pub(crate) fn list(&self) -> &[T] {
        &self.list
    }
}

/// Finds the numbers of values that are kept elsewhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct Finder(HashTable<u32>);

impl Finder {
    pub(crate) fn find<'a, T: Eq + std::hash::Hash + 'a>(
        &self,
        value: &T,
        at: impl Fn(u32) -> &'a T,
    ) -> Option<u32> {
        self.0
            .find(hash(value), |number| at(*number) == value)
            .copied()
    }

    /// Enters a value that is not there yet.
    pub(crate) fn enter<'a, T: Eq + std::hash::Hash + 'a>(
        &mut self,
        number: u32,
        at: impl Fn(u32) -> &'a T,
    ) {
        self.0
            .insert_unique(hash(at(number)), number, |number| hash(at(*number)));
    }
}

fn hash<T: std::hash::Hash>(value: &T) -> u64 {
    foldhash::fast::FixedState::default().hash_one(value)
}

impl Numbers {
    pub(crate) fn new() -> Self {
        let mut numbers = Self {
            pods: Vocabulary::default(),
            namespaces: Vocabulary::default(),
            nodes: Vocabulary::default(),
            readings: Interned::default(),
            scopes: Interned::default(),
            node_readings: Interned::default(),
            sets: Interned::default(),
            ports: PortTable::new(),
            atoms: Atoms::default(),
            port_names: hashbrown::HashSet::default(),
        };
        let everyone = numbers.sets.number(SetKey::Everyone);
        debug_assert_eq!(everyone, EVERYONE);
        numbers
    }
}

/// Lowers rules, and notes what they mention for the first time.
pub(crate) struct Lowering<'a> {
    pub(crate) numbers: &'a mut Numbers,
    pub(crate) firsts: &'a mut Firsts,
}

impl Lowering<'_> {
    pub(crate) fn selector(&mut self, selector: &Selector) -> u32 {
        let reading = self.numbers.pods.read(selector, &mut self.firsts.pod_keys);
        self.numbers.readings.number(reading)
    }

    pub(crate) fn scope(&mut self, selector: &Selector) -> u32 {
        let reading = self
            .numbers
            .namespaces
            .read(selector, &mut self.firsts.namespace_keys);
        self.numbers.scopes.number(reading)
    }

    /// `space` is the policy's own namespace, if it stands in one.
    pub(crate) fn rule(&mut self, rule: &Rule, space: Option<u32>) -> LoweredRule {
        let mut lowered = LoweredRule {
            action: rule.action,
            peers: EVERYONE,
            named: Vec::new(),
            ports: self.ports(&rule.ports),
            has_empty_peer: false,
            is_tenant: false,
        };
        if let Peers::AnyOf(items) = &rule.peers {
            let mut members = Vec::with_capacity(items.len());
            for item in items {
                lowered.has_empty_peer |= item.peer == Peer::Empty;
                if let Peer::TenantPods { pods, .. } = &item.peer {
                    lowered.is_tenant = true;
                    self.selector(pods);
                    continue;
                }
                let set = self.peer(&item.peer, space);
                members.push(set);
                if names_pods(&item.peer) {
                    let is_block = matches!(item.peer, Peer::IpBlock(_));
                    lowered.named.push((set, is_block));
                }
            }
            lowered.peers = self.union(members);
        }
        lowered
    }

    fn ports(&mut self, ports: &Ports) -> u32 {
        if let Ports::AnyOf(items) = ports {
            for item in items {
                if let PortTest::Named(name) | PortTest::NamedAnyProtocol(name) = &item.port
                    && !self.numbers.port_names.contains(name.as_str())
                {
                    let name: Arc<str> = name.as_str().into();
                    self.numbers.port_names.insert(Arc::clone(&name));
                    self.firsts.port_names.push(name);
                }
            }
        }
        self.numbers.ports.read(ports)
    }

    fn peer(&mut self, peer: &Peer, space: Option<u32>) -> u32 {
        let key = match peer {
            Peer::Pods {
                namespaces: NamespaceScope::Matching(namespaces),
                pods,
            } => SetKey::Matching {
                scope: self.scope(namespaces),
                pods: self.selector(pods),
                is_wide: space.is_none(),
            },
            Peer::Pods {
                namespaces: NamespaceScope::Own,
                pods,
            } => match space {
                Some(space) => SetKey::Own {
                    space,
                    pods: self.selector(pods),
                },
                None => SetKey::Nobody,
            },
            Peer::IpBlock(block) => {
                for net in std::iter::once(&block.cidr).chain(&block.except) {
                    self.firsts
                        .cuts
                        .extend(self.numbers.atoms.cut(IpRange::from(*net)));
                }
                SetKey::Block(block.clone())
            }
            Peer::Nodes(nodes) => {
                let reading = self.numbers.nodes.read(nodes, &mut self.firsts.node_keys);
                SetKey::Nodes(self.numbers.node_readings.number(reading))
            }
            Peer::DomainName(name) => SetKey::DomainName(name.clone()),
            Peer::Unreadable => SetKey::Unknown,
            Peer::Empty | Peer::TenantPods { .. } => SetKey::Nobody,
        };
        self.numbers.sets.number(key)
    }

    pub(crate) fn union(&mut self, mut members: Vec<u32>) -> u32 {
        members.sort_unstable();
        members.dedup();
        match members.as_slice() {
            [] => self.numbers.sets.number(SetKey::Nobody),
            [only] => *only,
            _ => self.numbers.sets.number(SetKey::Union(members)),
        }
    }

    /// The peers of a rule that depend on the subject's namespace, and the others, for one such namespace (rule A31).
    pub(crate) fn tenants(&mut self, rule: &Rule, peers: u32, subject: u32) -> u32 {
        let mut members = vec![peers];
        if let Peers::AnyOf(items) = &rule.peers {
            for item in items {
                if let Peer::TenantPods { keys, same, pods } = &item.peer {
                    let key = SetKey::Tenants {
                        subject,
                        keys: keys.clone(),
                        same: *same,
                        pods: self.selector(pods),
                    };
                    members.push(self.numbers.sets.number(key));
                }
            }
        }
        self.union(members)
    }
}
