//! Clusters of any size, made up: namespaces, workloads, pods and policies as large installations have them.
//!
//! The same plan gives the same cluster on every machine. Nothing here reads YAML, so that a program can have 150,000 pods in
//! half a second; `manifests::write` puts a cluster into files for programs that read them.

#[path = "generate/extremes.rs"]
pub(crate) mod extremes;
#[path = "generate/manifests.rs"]
pub(crate) mod manifests;
#[path = "generate/policies.rs"]
pub(crate) mod policies;
#[path = "generate/random.rs"]
pub(crate) mod random;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use netseg::model::{
    Cluster, ContainerPort, Coverage, Labels, NAMESPACE_NAME, Namespace, Node, Phase, Pod,
    Protocol, Workload,
};

pub(crate) use policies::Maker;
use random::Random;

pub(crate) const APP: &str = "app";
pub(crate) const TIER: &str = "tier";
pub(crate) const VERSION: &str = "version";
pub(crate) const TEAM: &str = "team";
pub(crate) const ENV: &str = "env";
/// The label with a StatefulSet pod's own name: as many values as pods.
pub(crate) const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";

/// The name of a port that some pods have and no policy names.
pub(crate) const UNREAD_PORT: &str = "status";
/// A label with a value for nearly every workload, which no policy reads.
pub(crate) const UNREAD_KEY: &str = "app.kubernetes.io/instance";

pub(crate) const TIERS: [&str; 6] = ["web", "api", "worker", "cache", "db", "batch"];
pub(crate) const VERSIONS: [&str; 3] = ["v1", "v2", "v3"];
pub(crate) const ENVS: [&str; 3] = ["prod", "stage", "dev"];

/// How much of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) name: &'static str,
    pub(crate) pods: usize,
    pub(crate) workloads: usize,
    pub(crate) namespaces: usize,
    /// NetworkPolicies; cluster-wide ones come on top.
    pub(crate) policies: usize,
}

impl Size {
    pub(crate) const S: Self = Self::new("S", 1_000, 100, 20, 200);
    pub(crate) const M: Self = Self::new("M", 10_000, 1_000, 200, 2_000);
    pub(crate) const L: Self = Self::new("L", 100_000, 10_000, 1_000, 10_000);
    /// The documented limits of Kubernetes.
    pub(crate) const XL: Self = Self::new("XL", 150_000, 15_000, 2_000, 20_000);
    pub(crate) const ALL: [Self; 4] = [Self::S, Self::M, Self::L, Self::XL];

    pub(crate) const fn new(
        name: &'static str,
        pods: usize,
        workloads: usize,
        namespaces: usize,
        policies: usize,
    ) -> Self {
        Self {
            name,
            pods,
            workloads,
            namespaces,
            policies,
        }
    }
}

/// What to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) size: Size,
    pub(crate) seed: u64,
    /// Further address blocks that cut through the range of pod addresses.
    pub(crate) cuts: usize,
    /// Cluster-wide policies, two in three of them in the Admin tier.
    pub(crate) tier_policies: usize,
}

impl Plan {
    pub(crate) fn new(size: Size, seed: u64) -> Self {
        Self {
            size,
            seed,
            cuts: 0,
            tier_policies: 6,
        }
    }
}

/// A cluster, and the means to make further policies for it.
pub(crate) struct Generated {
    pub(crate) cluster: Cluster,
    pub(crate) maker: Maker,
}

/// Makes the cluster of a plan.
pub(crate) fn generate(plan: &Plan) -> Generated {
    let mut random = Random::new(plan.seed);
    let world = World::draw(plan.size, &mut random);
    let mut namespaces = world.namespaces();
    let nodes = add_pods(plan.size, &world, &mut namespaces, &mut random);
    let pod_range = nodes.len() * 256;
    let mut maker = Maker::new(world, plan.cuts, pod_range, random);
    for policy in maker.default_policies() {
        Arc::make_mut(&mut namespaces[policy.0].policies).push(policy.1);
    }
    let mut made: usize = namespaces.iter().map(|ns| ns.policies.len()).sum();
    while made < plan.size.policies {
        let (namespace, policy) = maker.app_policy(&format!("p-{made:05}"));
        Arc::make_mut(&mut namespaces[namespace].policies).push(policy);
        made += 1;
    }
    let cluster_policies = maker.cluster_policies(plan.tier_policies);
    Generated {
        cluster: assemble(namespaces, nodes, cluster_policies),
        maker,
    }
}

/// Puts the parts together in the order that the model keeps.
pub(crate) fn assemble(
    namespaces: Vec<Namespace>,
    mut nodes: Vec<Node>,
    mut cluster_policies: Vec<netseg::model::Policy>,
) -> Cluster {
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    cluster_policies.sort_by(|a, b| (a.tier, a.api, &a.name).cmp(&(b.tier, b.api, &b.name)));
    let mut by_name = BTreeMap::new();
    for mut namespace in namespaces {
        tidy(&mut namespace);
        by_name.insert(namespace.name.clone(), Arc::new(namespace));
    }
    Cluster {
        namespaces: by_name,
        nodes: Arc::new(nodes),
        cluster_policies: Arc::new(cluster_policies),
        foreign: Arc::default(),
        coverage: Coverage::complete(),
    }
}

/// Sorts what a namespace holds, and tells its workloads where their pods went.
pub(crate) fn tidy(namespace: &mut Namespace) {
    Arc::make_mut(&mut namespace.pods).sort_by(|a, b| a.name.cmp(&b.name));
    Arc::make_mut(&mut namespace.policies).sort_by(|a, b| a.name.cmp(&b.name));
    let mut order: Vec<usize> = (0..namespace.workloads.len()).collect();
    order.sort_by(|a, b| {
        let key = |index: &usize| {
            let workload = &namespace.workloads[*index];
            (&workload.kind, &workload.name)
        };
        key(a).cmp(&key(b))
    });
    let mut new_place = vec![0; order.len()];
    for (new, old) in order.iter().enumerate() {
        new_place[*old] = new;
    }
    namespace
        .workloads
        .sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
    for workload in &mut namespace.workloads {
        workload.pods.clear();
    }
    for (index, pod) in Arc::make_mut(&mut namespace.pods).iter_mut().enumerate() {
        pod.workload = new_place[pod.workload];
        namespace.workloads[pod.workload].pods.push(index);
    }
}

pub(crate) struct NamespaceFacts {
    pub(crate) name: String,
    pub(crate) team: String,
    pub(crate) env: &'static str,
    /// Indices into [`World::workloads`].
    pub(crate) workloads: Vec<usize>,
}

pub(crate) struct WorkloadFacts {
    pub(crate) namespace: usize,
    pub(crate) app: String,
    tier: &'static str,
    version: &'static str,
    stateful: bool,
    host_network: bool,
    ports: Vec<ContainerPort>,
}

/// What policies are drawn from.
pub(crate) struct World {
    pub(crate) namespaces: Vec<NamespaceFacts>,
    pub(crate) workloads: Vec<WorkloadFacts>,
    pub(crate) teams: usize,
}

impl World {
    fn draw(size: Size, random: &mut Random) -> Self {
        let teams = (size.namespaces / 20).max(4);
        let mut namespaces: Vec<NamespaceFacts> = (0..size.namespaces)
            .map(|index| NamespaceFacts {
                name: match index {
                    0 => "kube-system".to_owned(),
                    1 => "monitoring".to_owned(),
                    2 => "ingress-nginx".to_owned(),
                    _ => format!("ns-{index:05}"),
                },
                team: team(index % teams),
                env: ENVS[random.weighted(&[60, 25, 15])],
                workloads: Vec::new(),
            })
            .collect();
        let workloads = (0..size.workloads)
            .map(|index| {
                let namespace = if index < size.namespaces {
                    index
                } else {
                    random.skewed(size.namespaces, 1.5)
                };
                let place = namespaces[namespace].workloads.len();
                namespaces[namespace].workloads.push(index);
                WorkloadFacts::draw(namespace, place, random)
            })
            .collect();
        Self {
            namespaces,
            workloads,
            teams,
        }
    }

    fn namespaces(&self) -> Vec<Namespace> {
        self.namespaces
            .iter()
            .map(|facts| {
                let name: Arc<str> = Arc::from(facts.name.as_str());
                let workloads = facts.workloads.iter().map(|index| Workload {
                    namespace: Arc::clone(&name),
                    kind: self.workloads[*index].kind().to_owned(),
                    name: self.workloads[*index].app.clone(),
                    pods: Vec::new(),
                    source: None,
                });
                Namespace {
                    name: facts.name.clone(),
                    labels: Labels::from_iter([
                        (NAMESPACE_NAME, facts.name.as_str()),
                        (TEAM, facts.team.as_str()),
                        (ENV, facts.env),
                    ]),
                    declared: true,
                    workloads: workloads.collect(),
                    ..Namespace::default()
                }
            })
            .collect()
    }
}

pub(crate) fn team(index: usize) -> String {
    format!("team-{index:03}")
}

impl WorkloadFacts {
    fn draw(namespace: usize, place: usize, random: &mut Random) -> Self {
        let app = match (namespace, place) {
            (0, 0) => "kube-dns".to_owned(),
            _ => format!("app-{place}"),
        };
        let tier = *random.pick(&TIERS);
        let version = *random.pick(&VERSIONS);
        let stateful = random.chance(0.1);
        let host_network = random.chance(if namespace == 0 { 0.3 } else { 0.005 }) && place > 0;
        let mut ports = vec![
            port("http", *random.pick(&[80, 8000, 8080, 3000])),
            port("metrics", *random.pick(&[9090, 9100, 9102])),
        ];
        if random.chance(0.5) {
            ports.push(port("grpc", *random.pick(&[50051, 9000])));
        }
        if random.chance(0.1) {
            ports.push(port(UNREAD_PORT, 8086));
        }
        Self {
            namespace,
            app,
            tier,
            version,
            stateful,
            host_network,
            ports,
        }
    }

    fn kind(&self) -> &'static str {
        if self.stateful {
            "StatefulSet"
        } else {
            "Deployment"
        }
    }

    /// The labels of one pod. `replica` counts from 0 within the workload; every eighth is of an older rollout.
    fn labels(&self, namespace: &str, index: usize, replica: usize, pod: &str) -> Labels {
        let rollout = format!("{:09x}", index * 2 + usize::from(replica % 8 == 7));
        let mut labels = Labels::from_iter([
            (APP, self.app.clone()),
            (TIER, self.tier.to_owned()),
            (VERSION, self.version.to_owned()),
            ("app.kubernetes.io/managed-by", "Helm".to_owned()),
            (UNREAD_KEY, format!("{namespace}-{}", self.app)),
        ]);
        if self.stateful {
            labels.insert("controller-revision-hash", rollout);
            labels.insert(POD_NAME, pod);
        } else {
            labels.insert("pod-template-hash", rollout);
        }
        labels
    }
}

fn port(name: &str, number: u16) -> ContainerPort {
    ContainerPort {
        name: name.to_owned(),
        protocol: Protocol::Tcp,
        port: number,
        init: false,
    }
}

/// The address of a pod: a node has the 256 addresses of its own range.
pub(crate) fn pod_address(node: usize, slot: usize) -> IpAddr {
    let offset = u32::try_from(node * 256 + slot).expect("fewer than 65,536 nodes");
    IpAddr::V4((u32::from(Ipv4Addr::new(10, 0, 0, 0)) + offset).into())
}

pub(crate) fn node_address(node: usize) -> IpAddr {
    let offset = u32::try_from(node).expect("fewer than 2^20 nodes");
    IpAddr::V4((u32::from(Ipv4Addr::new(172, 16, 0, 0)) + offset).into())
}

pub(crate) fn nodes(count: usize) -> Vec<Node> {
    (0..count)
        .map(|index| Node {
            name: node_name(index),
            addresses: vec![node_address(index)],
            internal: vec![node_address(index)],
            ready: Some(true),
            ..Node::default()
        })
        .collect()
}

fn node_name(index: usize) -> String {
    format!("node-{index:05}")
}

/// A running pod in a slot of a node; `workload` is its place in the namespace's list.
pub(crate) fn running(
    name: String,
    labels: Labels,
    workload: usize,
    (node, slot): (usize, usize),
) -> Pod {
    Pod {
        name,
        labels,
        workload,
        node: Some(node_name(node)),
        addresses: vec![pod_address(node, slot)],
        host_addresses: vec![node_address(node)],
        phase: Phase::Running,
        ready: true,
        count: 1,
        ..Pod::default()
    }
}

fn add_pods(
    size: Size,
    world: &World,
    namespaces: &mut [Namespace],
    random: &mut Random,
) -> Vec<Node> {
    let nodes = nodes((size.pods / 30).max(1));
    let mut place_in_namespace = vec![0; world.workloads.len()];
    for facts in &world.namespaces {
        for (place, workload) in facts.workloads.iter().enumerate() {
            place_in_namespace[*workload] = place;
        }
    }
    let mut replicas = vec![0; world.workloads.len()];
    for index in 0..size.pods {
        let workload = if index < size.workloads {
            index
        } else {
            random.skewed(size.workloads, 2.0)
        };
        let facts = &world.workloads[workload];
        let replica = replicas[workload];
        replicas[workload] += 1;
        let namespace = &mut namespaces[facts.namespace];
        let name = if facts.stateful {
            format!("{}-{replica}", facts.app)
        } else {
            format!("{}-{:06x}-{replica:05}", facts.app, workload)
        };
        let labels = facts.labels(&namespace.name, workload, replica, &name);
        let (node, slot) = (index % nodes.len(), index / nodes.len() + 2);
        let mut pod = running(name, labels, place_in_namespace[workload], (node, slot));
        pod.ports.clone_from(&facts.ports);
        if facts.host_network {
            pod.host_network = true;
            pod.addresses.clone_from(&pod.host_addresses);
        }
        Arc::make_mut(&mut namespace.pods).push(pod);
    }
    nodes
}
