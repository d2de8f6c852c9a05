//! Makes what the engine reads, and keeps it in step with the cluster.
//!
//! Tables that only serve to find equal things again stay here; what is handed to readers is [`Compiled`].

mod foreign;
mod guards;
mod places;
mod sets;
mod update;

use std::sync::Arc;

use hashbrown::HashMap;

use crate::model::{Cluster, Namespace, Policy, Resource};

use super::cluster_policy;
use super::lowered::{Finder, Firsts, Interned, Lowered, Lowering, Numbers};
use super::netpol;
use super::vocabulary::Projection;
pub(crate) use foreign::{acts, is_hidden, scope, touches};

use super::{Chunked, Compiled, Guard, Hidden, PODS_A_MARK, Profile, Set, Space, Step, Steps};

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// Owns the tables by which equal things are found again. One for each cluster that is followed.
pub(crate) struct Writer {
    compiled: Compiled,
    numbers: Numbers,
    projections: Interned<Projection>,
    node_projections: Interned<Projection>,
    tables: Finder,
    places: Finder,
    guards: Finder,
    tiers: Finder,
    index: Index,
    /// How many sets have been filled.
    filled: u32,
    /// How many places there were after everything was made anew; far more since means that most are nobody's.
    places_when_new: usize,
}

/// Ways to find places and sets without looking at all of them.
#[derive(Default)]
struct Index {
    /// Pods with a network of their own: by namespace.
    by_space: Vec<Vec<u32>>,
    /// Host-network pods: by namespace.
    host_by_space: Vec<Vec<u32>>,
    /// Pods with a network of their own: by key and value.
    by_label: Map<(u32, u32), Vec<u32>>,
    /// Whatever has an address: by atom.
    by_atom: Vec<Vec<u32>>,
    /// Pods whose address is not known.
    without_address: Vec<u32>,
    /// Addresses of nodes, and host-network pods.
    on_nodes: Vec<u32>,
    /// Namespaces by key and value.
    spaces_by_label: Map<(u32, u32), Vec<u32>>,
    /// By number of a selector on namespaces: those it means, each with whether certainly; ascending.
    scopes: Vec<Vec<(u32, bool)>>,
    /// By namespace: the selectors that mean it, certainly or not.
    scopes_of: Vec<Vec<u32>>,
    /// Sets of pods of one namespace: by namespace.
    own_sets: Vec<Vec<u32>>,
    /// Sets of pods of namespaces: by number of the selector on namespaces.
    scope_sets: Vec<Vec<u32>>,
    /// Sets that read addresses, nodes or domain names, or depend on namespaces in other ways.
    other_sets: Vec<u32>,
    /// Labels of namespaces by which rules tell tenants apart.
    tenant_keys: std::collections::BTreeSet<String>,
    /// By set: the unions it is part of.
    unions_of: Map<u32, Vec<u32>>,
}

impl Writer {
    pub(crate) fn new(cluster: &Arc<Cluster>, profile: Profile) -> Self {
        let mut writer = Self {
            compiled: Compiled {
                cluster: Arc::clone(cluster),
                profile,
                spaces: Chunked::default(),
                order: Arc::default(),
                pod_starts: Arc::default(),
                pod_marks: Arc::default(),
                policy_starts: Arc::default(),
                nodes: Arc::default(),
                nodes_readable: cluster.coverage.is_readable(Resource::Nodes, None),
                places: Chunked::default(),
                outside: Arc::default(),
                tables: Chunked::default(),
                atoms: Arc::default(),
                port_atoms: Arc::default(),
                ports: Arc::default(),
                sets: Chunked::default(),
                guards: Chunked::default(),
                guard_of: [Chunked::default(), Chunked::default()],
                tiers: Chunked::default(),
                cluster_policies: Arc::default(),
                ranks: Arc::default(),
                hidden: Hidden::of(&cluster.coverage, profile),
                by_address: Arc::default(),
            },
            numbers: Numbers::new(),
            projections: Interned::default(),
            node_projections: Interned::default(),
            tables: Finder::default(),
            places: Finder::default(),
            guards: Finder::default(),
            tiers: Finder::default(),
            index: Index::default(),
            filled: 0,
            places_when_new: 0,
        };
        writer.make();
        writer
    }

    /// What readers get: a clone that costs little, and that later changes do not touch.
    pub(crate) fn compiled(&self) -> Compiled {
        self.compiled.clone()
    }

    pub(crate) fn profile(&self) -> Profile {
        self.compiled.profile
    }

    pub(crate) fn into_compiled(self) -> Compiled {
        self.compiled
    }

    /// Makes everything from the cluster. First all that policies mention, so that places are cut right from the start.
    fn make(&mut self) {
        let cluster = Arc::clone(&self.compiled.cluster);
        let mut firsts = Firsts::default();
        // Number 0 stands for no named ports and for no steps.
        self.table_number(Arc::from([]));
        self.tier_number(Vec::new());
        let effects = foreign::Effects::of(&cluster, self.compiled.profile);
        let mut order = Vec::with_capacity(cluster.namespaces.len());
        for namespace in cluster.namespaces.values() {
            order.push(self.new_space(namespace, &effects, &mut firsts));
        }
        self.lower_cluster_policies(&mut firsts);
        self.compiled.order = Arc::new(order);
        for space in 0..self.space_count() {
            self.project_space(space);
        }
        self.make_scopes();
        self.make_outside();
        self.make_nodes();
        for space in 0..self.space_count() {
            self.place_pods(space);
        }
        self.fill_sets();
        self.make_guards();
        self.count();
        self.finish();
        self.places_when_new = self.compiled.places.len();
    }

    fn space_count(&self) -> u32 {
        u32::try_from(self.compiled.spaces.len()).expect("fewer than 2^32 namespaces")
    }

    /// Adds a namespace and lowers its policies; its pods come later.
    fn new_space(
        &mut self,
        namespace: &Arc<Namespace>,
        effects: &foreign::Effects,
        firsts: &mut Firsts,
    ) -> u32 {
        let number = self.space_count();
        let policies = self.lower_policies(namespace, number, firsts);
        let coverage = &self.compiled.cluster.coverage;
        let name = Some(namespace.name.as_str());
        let space = Space {
            namespace: Arc::clone(namespace),
            labels: Projection::new(),
            labels_known: namespace.declared || coverage.is_readable(Resource::Namespaces, name),
            policies_readable: coverage.is_readable(Resource::NetworkPolicies, name),
            foreign: effects.on(&namespace.name),
            pods: Vec::new(),
            plain: Vec::new(),
            policies,
        };
        for lists in [
            &mut self.index.by_space,
            &mut self.index.host_by_space,
            &mut self.index.scopes_of,
        ] {
            lists.push(Vec::new());
        }
        self.compiled.spaces.push(Arc::new(space))
    }

    fn lower_policies(
        &mut self,
        namespace: &Namespace,
        space: u32,
        firsts: &mut Firsts,
    ) -> Vec<Lowered> {
        let policies = namespace.policies.iter();
        policies
            .map(|policy| self.lower_policy(policy, space, firsts))
            .collect()
    }

    fn lower_policy(&mut self, policy: &Policy, space: u32, firsts: &mut Firsts) -> Lowered {
        let mut lowering = Lowering {
            numbers: &mut self.numbers,
            firsts,
        };
        netpol::lower(policy, space, &mut lowering)
    }

    fn lower_cluster_policies(&mut self, firsts: &mut Firsts) {
        let mut lowering = Lowering {
            numbers: &mut self.numbers,
            firsts,
        };
        let policies = &self.compiled.cluster.cluster_policies;
        let lowered = policies
            .iter()
            .map(|policy| cluster_policy::lower(policy, &mut lowering))
            .collect();
        self.compiled.cluster_policies = Arc::new(lowered);
        let ranks = cluster_policy::ranks(policies, self.compiled.profile);
        self.compiled.ranks = Arc::new(ranks);
    }

    fn tier_number(&mut self, steps: Vec<Step>) -> u32 {
        let steps = Arc::new(Steps::new(steps));
        number_in(&mut self.compiled.tiers, &mut self.tiers, steps)
    }

    fn guard_number(&mut self, guard: Guard) -> u32 {
        number_in(&mut self.compiled.guards, &mut self.guards, guard)
    }

    /// Hands over what readers need of the tables.
    fn finish(&mut self) {
        let compiled = &mut self.compiled;
        if self.numbers.ports.is_changed {
            self.numbers.ports.is_changed = false;
            compiled.port_atoms = Arc::new(self.numbers.ports.atoms.clone());
            compiled.ports = Arc::new(self.numbers.ports.list.clone());
        }
        if self.numbers.atoms.ranges().len() != compiled.atoms.ranges().len() {
            compiled.atoms = Arc::new(self.numbers.atoms.clone());
        }
        compiled.by_address = Arc::default();
    }

    /// Counts where the pods and policies of each namespace begin.
    fn count(&mut self) {
        let compiled = &mut self.compiled;
        let (mut pods, mut policies) = (0, 0);
        let number = |length: usize| u32::try_from(length).expect("fewer than 2^32");
        let mut starts = [Vec::new(), Vec::new()];
        for space in compiled.order.iter() {
            let space = &compiled.spaces[*space];
            starts[0].push(pods);
            starts[1].push(policies);
            pods += number(space.pods.len());
            policies += number(space.policies.len());
        }
        starts[0].push(pods);
        starts[1].push(policies);
        let [pod_starts, policy_starts] = starts;
        let mut marks = Vec::with_capacity(pods as usize / PODS_A_MARK + 1);
        for (position, last) in pod_starts.iter().skip(1).enumerate() {
            while marks.len() * PODS_A_MARK < *last as usize {
                marks.push(u32::try_from(position).expect("fewer than 2^32 namespaces"));
            }
        }
        compiled.pod_marks = Arc::new(marks);
        compiled.pod_starts = Arc::new(pod_starts);
        compiled.policy_starts = Arc::new(policy_starts);
    }
}

/// The number of a value in a list of readers; a new one is added.
fn number_in<T: Clone + Default + Eq + std::hash::Hash>(
    list: &mut Chunked<T>,
    finder: &mut Finder,
    value: T,
) -> u32 {
    if let Some(known) = finder.find(&value, |number| &list[number]) {
        return known;
    }
    let number = list.push(value);
    finder.enter(number, |number| &list[number]);
    number
}

/// Certain members and possible ones; the second part only where it differs.
fn peer_set(sure: Vec<u32>, possible: Vec<u32>, universe: usize) -> super::PeerSet {
    // What only may be is added to what is.
    let differs = !possible.is_empty();
    let possible = differs.then(|| {
        let mut all = possible;
        all.extend_from_slice(&sure);
        Set::from_members(all, universe)
    });
    super::PeerSet {
        sure: Set::from_members(sure, universe),
        possible,
    }
}
