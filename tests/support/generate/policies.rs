//! Policies for a made-up cluster: defaults a namespace, rules between applications, and a few cluster-wide ones.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net};
use netseg::model::{
    Action, Direction, IpBlock, NAMESPACE_NAME, NamespaceScope, Peer, PeerItem, Peers, Policy,
    PolicyApi, PortItem, PortRange, PortTest, Ports, Protocol, Requirement, Rule, Selector, Test,
    Tier,
};

use super::random::Random;
use super::{APP, ENV, ENVS, POD_NAME, TEAM, TIER, TIERS, VERSION, World, team};

/// The numbers that most rules name.
const TCP: [u16; 24] = [
    80, 443, 8080, 8443, 3000, 5000, 5432, 3306, 6379, 27017, 9200, 9092, 2181, 8000, 8081, 8888,
    50051, 9090, 9100, 4317, 5672, 11211, 7000, 9000,
];
const UDP: [u16; 5] = [53, 123, 514, 4789, 8125];
const NAMES: [&str; 3] = ["http", "metrics", "grpc"];
const RANGES: [(u16, u16); 6] = [
    (8000, 8099),
    (9000, 9999),
    (1024, 65535),
    (30000, 32767),
    (5000, 6000),
    (50000, 50100),
];

/// Draws policies for one world.
pub(crate) struct Maker {
    world: World,
    blocks: Vec<IpBlock>,
    port_lists: Vec<Ports>,
    random: Random,
}

impl Maker {
    /// `cuts` further blocks lie in the first `pod_range` addresses of 10.0.0.0/8.
    pub(crate) fn new(world: World, cuts: usize, pod_range: usize, mut random: Random) -> Self {
        let mut blocks = blocks(64, &mut random);
        for _ in 0..cuts {
            let bits = 20 + random.below(9);
            let offset = random.below(pod_range);
            let first = u32::from(Ipv4Addr::new(10, 0, 0, 0)) + to_u32(offset);
            blocks.push(whole(network(first, bits)));
        }
        let port_lists = (0..150)
            .map(|_| {
                let count = 1 + random.below(3);
                Ports::AnyOf((0..count).map(|_| port_item(&mut random)).collect())
            })
            .collect();
        Self {
            world,
            blocks,
            port_lists,
            random,
        }
    }

    /// Per namespace: deny both directions and allow DNS, deny ingress, or none; each with its namespace's place.
    pub(crate) fn default_policies(&mut self) -> Vec<(usize, Policy)> {
        let mut made = Vec::new();
        for namespace in 1..self.world.namespaces.len() {
            let what = self.random.weighted(&[70, 20, 10]);
            if what == 2 {
                continue;
            }
            let mut deny = self.empty(namespace, "default-deny");
            deny.ingress = Some(Vec::new());
            if what == 0 {
                deny.egress = Some(Vec::new());
                let mut dns = self.empty(namespace, "allow-dns");
                dns.egress = Some(vec![Rule {
                    peers: any_of([in_namespace("kube-system", equals(APP, "kube-dns"))]),
                    ports: Ports::AnyOf(
                        [Protocol::Udp, Protocol::Tcp]
                            .map(|protocol| number(protocol, 53))
                            .to_vec(),
                    ),
                    ..everyone()
                }]);
                made.push((namespace, dns));
            }
            made.push((namespace, deny));
        }
        made
    }

    /// A policy for a workload drawn at random, and the place of its namespace.
    pub(crate) fn app_policy(&mut self, name: &str) -> (usize, Policy) {
        let workload = self.random.below(self.world.workloads.len());
        let namespace = self.world.workloads[workload].namespace;
        let mut policy = self.empty(namespace, name);
        policy.subject = self.subject(workload);
        let direction = self.random.weighted(&[60, 15, 25]);
        if direction != 1 {
            policy.ingress = Some(self.rules(namespace));
        }
        if direction != 0 {
            policy.egress = Some(self.rules(namespace));
        }
        (namespace, policy)
    }

    /// The name of the namespace at a place.
    pub(crate) fn namespace(&self, place: usize) -> &str {
        &self.world.namespaces[place].name
    }

    /// Policies in both cluster-wide tiers; each has a priority of its own.
    pub(crate) fn cluster_policies(&mut self, count: usize) -> Vec<Policy> {
        (0..count)
            .map(|index| {
                let priority = u16::try_from(index * 10).expect("a handful of policies");
                let tier = if index % 3 < 2 {
                    Tier::Admin { priority }
                } else {
                    Tier::Baseline { priority }
                };
                self.cluster_policy(&format!("tier-{index:03}"), tier)
            })
            .collect()
    }

    fn cluster_policy(&mut self, name: &str, tier: Tier) -> Policy {
        let namespaces = match self.random.below(3) {
            0 => Selector::everything(),
            1 => equals(ENV, "prod"),
            _ => self.teams(),
        };
        let pods = if self.random.chance(0.3) {
            equals(TIER, *self.random.pick(&TIERS))
        } else {
            Selector::everything()
        };
        let mut policy = blank(PolicyApi::ClusterNetworkPolicy, tier, Arc::from(""), name);
        policy.subject_namespaces = NamespaceScope::Matching(namespaces);
        policy.subject = pods;
        policy.ingress = Some(self.tier_rules(Direction::Ingress, tier));
        policy.egress = Some(self.tier_rules(Direction::Egress, tier));
        policy
    }

    fn tier_rules(&mut self, direction: Direction, tier: Tier) -> Vec<Rule> {
        let count = 1 + self.random.below(2);
        (0..count)
            .map(|_| {
                let actions = if matches!(tier, Tier::Admin { .. }) {
                    3
                } else {
                    2
                };
                let action =
                    [Action::Accept, Action::Deny, Action::Pass][self.random.below(actions)];
                let kinds = if direction == Direction::Egress { 4 } else { 3 };
                let peer = match self.random.below(kinds) {
                    0 => in_namespace("monitoring", Selector::everything()),
                    1 => self.team_and_tier(),
                    2 => {
                        let env = *self.random.pick(&ENVS);
                        pods_of(not_in(ENV, [env]), Selector::everything())
                    }
                    _ => {
                        // A tier's block has no exceptions.
                        let block = self.random.pick(&self.blocks).cidr;
                        Peer::IpBlock(IpBlock {
                            cidr: block,
                            except: Vec::new(),
                        })
                    }
                };
                let ports = if self.random.chance(0.5) {
                    Ports::AnyOf(vec![number(Protocol::Tcp, *self.random.pick(&TCP))])
                } else {
                    Ports::All
                };
                Rule {
                    action,
                    peers: any_of([peer]),
                    ports,
                    ..everyone()
                }
            })
            .collect()
    }

    fn empty(&self, namespace: usize, name: &str) -> Policy {
        let namespace = Arc::from(self.world.namespaces[namespace].name.as_str());
        blank(
            PolicyApi::NetworkPolicy,
            Tier::NetworkPolicy,
            namespace,
            name,
        )
    }

    fn subject(&mut self, workload: usize) -> Selector {
        let app = self.world.workloads[workload].app.clone();
        match self.random.weighted(&[70, 10, 10, 5, 5]) {
            0 => equals(APP, app),
            1 => equals(TIER, *self.random.pick(&TIERS)),
            2 => {
                let other = self.app_of(self.world.workloads[workload].namespace);
                one_of(APP, [app, other])
            }
            3 => Selector::everything(),
            _ => Selector::new([
                Requirement::equals(APP, app),
                requirement(VERSION, Test::NotIn(BTreeSet::from(["v1".to_owned()]))),
            ]),
        }
    }

    fn app_of(&mut self, namespace: usize) -> String {
        let workload = *self
            .random
            .pick(&self.world.namespaces[namespace].workloads);
        self.world.workloads[workload].app.clone()
    }

    fn rules(&mut self, namespace: usize) -> Vec<Rule> {
        let count = 1 + self.random.below(3);
        (0..count)
            .map(|_| {
                let peers = if self.random.chance(0.03) {
                    Peers::Everyone
                } else {
                    let count = 1 + self.random.below(3);
                    let peers: Vec<Peer> = (0..count).map(|_| self.peer(namespace)).collect();
                    any_of(peers)
                };
                let ports = if self.random.chance(0.1) {
                    Ports::All
                } else {
                    self.port_lists[self.random.skewed(150, 2.0)].clone()
                };
                Rule {
                    peers,
                    ports,
                    ..everyone()
                }
            })
            .collect()
    }

    fn peer(&mut self, namespace: usize) -> Peer {
        match self.random.weighted(&[45, 10, 12, 10, 6, 4, 3, 10]) {
            0 => own(equals(APP, self.app_of(namespace))),
            1 => own(Selector::everything()),
            2 => {
                let other = self.random.below(self.world.workloads.len());
                let facts = &self.world.workloads[other];
                let name = &self.world.namespaces[facts.namespace].name;
                in_namespace(name, equals(APP, facts.app.as_str()))
            }
            3 => self.team_and_tier(),
            4 => {
                let env = Requirement::equals(ENV, *self.random.pick(&ENVS));
                let teams = self.teams();
                let both = Selector::new([env].into_iter().chain(teams.requirements().to_vec()));
                pods_of(both, Selector::everything())
            }
            5 => {
                let other = self.random.below(self.world.workloads.len());
                let app = self.world.workloads[other].app.as_str();
                pods_of(Selector::everything(), equals(APP, app))
            }
            6 => {
                let pods = match self.random.below(4) {
                    0 => Selector::new([requirement(POD_NAME, Test::Exists)]),
                    1 => Selector::new([requirement(POD_NAME, Test::DoesNotExist)]),
                    _ => Selector::everything(),
                };
                pods_of(Selector::everything(), pods)
            }
            _ => Peer::IpBlock(self.random.pick(&self.blocks).clone()),
        }
    }

    fn team_and_tier(&mut self) -> Peer {
        let team = team(self.random.below(self.world.teams));
        pods_of(equals(TEAM, team), equals(TIER, *self.random.pick(&TIERS)))
    }

    /// Two teams, or one drawn twice.
    fn teams(&mut self) -> Selector {
        let drawn = [(); 2].map(|()| team(self.random.below(self.world.teams)));
        one_of(TEAM, drawn)
    }
}

fn port_item(random: &mut Random) -> PortItem {
    match random.weighted(&[70, 12, 8, 10]) {
        0 => number(Protocol::Tcp, *random.pick(&TCP)),
        1 => PortItem {
            protocol: Protocol::Tcp,
            port: PortTest::Named((*random.pick(&NAMES)).to_owned()),
        },
        2 => PortItem {
            protocol: Protocol::Tcp,
            port: if random.chance(0.1) {
                PortTest::Any
            } else {
                let (first, last) = *random.pick(&RANGES);
                PortTest::Range(range(first, last))
            },
        },
        _ => number(Protocol::Udp, *random.pick(&UDP)),
    }
}

/// Everything and private ranges by hand, the rest at random and away from the pods.
fn blocks(count: usize, random: &mut Random) -> Vec<IpBlock> {
    let net = |text: &str| -> IpNet { text.parse().expect("a literal network") };
    let everything_but = |holes: &[&str]| IpBlock {
        cidr: net("0.0.0.0/0"),
        except: holes.iter().map(|text| net(text)).collect(),
    };
    let mut blocks = vec![
        everything_but(&["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]),
        everything_but(&["169.254.169.254/32"]),
        whole(net("192.168.0.0/16")),
        whole(net("10.0.0.0/8")),
    ];
    while blocks.len() < count {
        let first = u32::try_from(random.bits() >> 32).expect("32 bits");
        let bits = 8 + random.below(21);
        if first >> 24 != 10 {
            blocks.push(whole(network(first, bits)));
        }
    }
    blocks
}

pub(crate) fn whole(cidr: IpNet) -> IpBlock {
    IpBlock {
        cidr,
        except: Vec::new(),
    }
}

/// The network of `bits` bits around an address.
pub(crate) fn network(address: u32, bits: usize) -> IpNet {
    let bits = u8::try_from(bits).expect("at most 32");
    let net = Ipv4Net::new(address.into(), bits).expect("at most 32 bits");
    IpNet::new(IpAddr::V4(net.network()), bits).expect("at most 32 bits")
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).expect("an offset within the pods' range")
}

// ---- parts of policies

/// A policy that selects everything and touches no direction.
pub(crate) fn blank(api: PolicyApi, tier: Tier, namespace: Arc<str>, name: &str) -> Policy {
    Policy {
        api,
        tier,
        namespace,
        name: name.to_owned(),
        source: None,
        created: None,
        subject_namespaces: NamespaceScope::Own,
        subject: Selector::everything(),
        ingress: None,
        egress: None,
        invalid: Vec::new(),
    }
}

/// A rule for everyone on every port.
pub(crate) fn everyone() -> Rule {
    Rule {
        action: Action::Accept,
        name: String::new(),
        peers: Peers::Everyone,
        ports: Ports::All,
        line: None,
    }
}

pub(crate) fn any_of(peers: impl IntoIterator<Item = Peer>) -> Peers {
    let items = peers.into_iter().map(|peer| PeerItem { peer, line: None });
    Peers::AnyOf(items.collect())
}

pub(crate) fn own(pods: Selector) -> Peer {
    Peer::Pods {
        namespaces: NamespaceScope::Own,
        pods,
    }
}

pub(crate) fn pods_of(namespaces: Selector, pods: Selector) -> Peer {
    Peer::Pods {
        namespaces: NamespaceScope::Matching(namespaces),
        pods,
    }
}

pub(crate) fn in_namespace(name: &str, pods: Selector) -> Peer {
    pods_of(equals(NAMESPACE_NAME, name), pods)
}

pub(crate) fn equals(key: &str, value: impl Into<String>) -> Selector {
    Selector::new([Requirement::equals(key, value)])
}

fn one_of<const N: usize>(key: &str, values: [String; N]) -> Selector {
    Selector::new([requirement(key, Test::In(BTreeSet::from(values)))])
}

fn not_in<const N: usize>(key: &str, values: [&str; N]) -> Selector {
    let values = BTreeSet::from(values.map(str::to_owned));
    Selector::new([requirement(key, Test::NotIn(values))])
}

pub(crate) fn requirement(key: &str, test: Test) -> Requirement {
    Requirement {
        key: key.to_owned(),
        test,
    }
}

pub(crate) fn number(protocol: Protocol, port: u16) -> PortItem {
    PortItem {
        protocol,
        port: PortTest::Range(range(port, port)),
    }
}

fn range(first: u16, last: u16) -> PortRange {
    let port = |number| NonZeroU16::new(number).expect("no list holds 0");
    PortRange::new(port(first), port(last)).expect("first is not after last")
}
