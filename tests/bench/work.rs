//! What is measured, ready to be done: a compiled cluster, pairs to ask about, and changes to apply.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use netseg::engine::{Engine, PodId, Verdict};
use netseg::model::{
    Cluster, Labels, Namespace, Peer, Pod, Policy, PolicyApi, PortItem, PortTest, Ports, Protocol,
    Rule, Selector, Test, Tier,
};

use crate::ask;
use crate::edits;
use crate::generate::policies::{any_of, blank, everyone, network, requirement, whole};
use crate::generate::random::Random;
use crate::generate::{
    self, APP, Generated, Maker, TIER, TIERS, UNREAD_KEY, UNREAD_PORT, VERSION, VERSIONS,
};

/// The port that one-port measures ask for.
pub(crate) const PORT: u16 = 8080;
/// Pairs that are asked: more than caches hold.
pub(crate) const COLD: usize = 200_000;
pub(crate) const HOT: usize = 256;

/// A compiled cluster and pairs of its pods.
pub(crate) struct Subject {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) engine: Engine,
    pub(crate) pods: Vec<PodId>,
    /// Indices into `pods`; the same every time.
    pub(crate) pairs: Vec<(usize, usize)>,
}

impl Subject {
    pub(crate) fn new(cluster: Arc<Cluster>) -> Self {
        let engine = ask::compile(&cluster);
        let pods: Vec<PodId> = engine.pods().collect();
        let mut random = Random::new(7);
        let pairs = (0..COLD).map(|_| (random.below(pods.len()), random.below(pods.len())));
        Self {
            pairs: pairs.collect(),
            cluster,
            engine,
            pods,
        }
    }

    pub(crate) fn probe(&self, (from, to): (usize, usize)) -> Verdict {
        let (from, to) = (self.pods[from], self.pods[to]);
        ask::probe(&self.engine, from, to, Protocol::Tcp, PORT)
    }

    /// How many of these are allowed: work that cannot be left out.
    pub(crate) fn allowed(&self, pairs: &[(usize, usize)]) -> usize {
        let all = pairs.iter();
        all.filter(|pair| self.probe(**pair) == Verdict::Allow)
            .count()
    }

    pub(crate) fn objects(&self) -> usize {
        self.pods.len() + self.cluster.policies().count()
    }
}

/// Pods that come from the same template: nothing a policy could read but pod names tells them apart.
pub(crate) fn templates(cluster: &Cluster) -> usize {
    let mut distinct = BTreeSet::new();
    for namespace in cluster.namespaces.values() {
        for pod in namespace.pods.iter() {
            let labels = pod.labels.iter();
            let kept: Labels = labels
                .filter(|(key, _)| !generate::manifests::ADDED.contains(key))
                .collect();
            distinct.insert((&namespace.name, kept, &pod.ports, pod.host_network));
        }
    }
    distinct.len()
}

/// The clusters that follow one another when things change, one change each.
pub(crate) struct Changes {
    cluster: Arc<Cluster>,
    maker: Maker,
    random: Random,
    made: u32,
}

impl Changes {
    pub(crate) fn new(made: Generated) -> Self {
        Self {
            cluster: Arc::new(made.cluster),
            maker: made.maker,
            random: Random::new(11),
            made: 0,
        }
    }

    pub(crate) fn cluster(&self) -> &Arc<Cluster> {
        &self.cluster
    }

    /// A policy of some namespace is replaced by another.
    pub(crate) fn policy(&mut self) -> Arc<Cluster> {
        let (_, mut policy) = self.maker.app_policy("added");
        let held = &self.cluster.namespaces[policy.namespace.as_ref()].policies;
        if !held.is_empty() {
            policy.name.clone_from(&self.random.pick(held).name);
        }
        self.cluster = edits::with_policy(&self.cluster, policy);
        Arc::clone(&self.cluster)
    }

    /// One more replica of some pod.
    pub(crate) fn replica(&mut self) -> Arc<Cluster> {
        let (namespace, pod) = self.another();
        self.cluster = edits::with_pod(&self.cluster, &namespace, pod);
        Arc::clone(&self.cluster)
    }

    /// A pod with labels that policies read, and that no other pod of its namespace has together.
    pub(crate) fn unlike(&mut self) -> Arc<Cluster> {
        let (namespace, mut pod) = self.another();
        let read = |labels: &Labels| {
            [APP, TIER, VERSION].map(|key| labels.get(key).unwrap_or_default().to_owned())
        };
        let pods = &self.cluster.namespaces[&namespace].pods;
        let taken: BTreeSet<_> = pods.iter().map(|pod| read(&pod.labels)).collect();
        while taken.contains(&read(&pod.labels)) {
            let app = format!("app-{}", self.random.below(20));
            pod.labels.insert(APP, app);
            pod.labels.insert(TIER, *self.random.pick(&TIERS));
            pod.labels.insert(VERSION, *self.random.pick(&VERSIONS));
        }
        self.cluster = edits::with_pod(&self.cluster, &namespace, pod);
        Arc::clone(&self.cluster)
    }

    /// A policy that reads a label key no policy has read.
    pub(crate) fn unseen_key(&mut self) -> Arc<Cluster> {
        let (namespace, pod) = self.another();
        let values = pod.labels.get(UNREAD_KEY).map(str::to_owned);
        let mut policy = lone(&namespace);
        policy.subject = Selector::new([requirement(
            UNREAD_KEY,
            Test::In(values.into_iter().collect()),
        )]);
        policy.ingress = Some(Vec::new());
        self.apply(policy)
    }

    /// A policy with an address block that cuts through the addresses of the first 64 nodes' pods.
    pub(crate) fn unseen_block(&mut self) -> Arc<Cluster> {
        let (namespace, _) = self.another();
        let mut policy = lone(&namespace);
        let address = u32::from(Ipv4Addr::new(10, 0, 0, 0)) + self.made * 32 % (64 * 256);
        policy.egress = Some(vec![Rule {
            peers: any_of([Peer::IpBlock(whole(network(address, 27)))]),
            ..everyone()
        }]);
        self.apply(policy)
    }

    /// A policy with the name of a port that no policy has named.
    pub(crate) fn unseen_port(&mut self) -> Arc<Cluster> {
        let (namespace, _) = self.another();
        let mut policy = lone(&namespace);
        policy.ingress = Some(vec![Rule {
            ports: Ports::AnyOf(vec![PortItem {
                protocol: Protocol::Tcp,
                port: PortTest::Named(UNREAD_PORT.to_owned()),
            }]),
            ..everyone()
        }]);
        self.apply(policy)
    }

    fn apply(&mut self, policy: Policy) -> Arc<Cluster> {
        self.cluster = edits::with_policy(&self.cluster, policy);
        Arc::clone(&self.cluster)
    }

    /// A copy of some pod under another name and address, and its namespace.
    fn another(&mut self) -> (String, Pod) {
        let namespaces: Vec<&Arc<Namespace>> = self.cluster.namespaces.values().collect();
        let namespace = self.random.pick(&namespaces);
        let mut pod = self.random.pick(&namespace.pods).clone();
        let name = namespace.name.clone();
        self.made += 1;
        pod.name = format!("{}-more-{:05}", pod.name, self.made);
        if !pod.host_network {
            let address = u32::from(Ipv4Addr::new(10, 200, 0, 0)) + self.made;
            pod.addresses = vec![IpAddr::V4(address.into())];
        }
        (name, pod)
    }
}

fn lone(namespace: &str) -> Policy {
    let namespace = Arc::from(namespace);
    blank(
        PolicyApi::NetworkPolicy,
        Tier::NetworkPolicy,
        namespace,
        "unseen",
    )
}
