//! Cluster-wide policies, in few priorities so that some tie.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::{KEYS, PORT_NAMES, PORTS, cidr, namespace_selectors, pod_selectors, protocols};
use crate::naive::{
    Action, Kind, Scope, Selector, Tier, Wide, WidePeer, WidePort, WideRule, World,
};

/// Whether the program reads these kinds yet.
pub(crate) const DECODED: bool = true;

/// 99 is the last that one enforcer takes from an `AdminNetworkPolicy`.
const PRIORITIES: [u16; 5] = [0, 10, 10, 99, 100];

pub(crate) fn wides() -> impl Strategy<Value = Wide> {
    let kind = prop_oneof![
        5 => Just(Kind::Cluster),
        3 => Just(Kind::Admin),
        2 => Just(Kind::Baseline),
    ];
    let tier = prop_oneof![3 => Just(Tier::Admin), 2 => Just(Tier::Baseline)];
    (
        kind,
        tier,
        select(&PRIORITIES[..]),
        scopes(),
        vec(wide_rules(false), 0..=3),
        vec(wide_rules(true), 0..=3),
    )
        .prop_map(|(kind, tier, priority, subject, ingress, egress)| {
            let mut policy = Wide {
                kind,
                name: String::new(),
                tier,
                priority,
                subject,
                ingress,
                egress,
            };
            policy.make_legal();
            policy
        })
}

fn scopes() -> impl Strategy<Value = Scope> {
    prop_oneof![
        1 => Just(Scope::default()),
        2 => namespace_selectors().prop_map(|namespaces| Scope { namespaces, pods: None }),
        2 => (namespace_selectors(), pod_selectors()).prop_map(|(namespaces, pods)| Scope {
            namespaces,
            pods: Some(pods),
        }),
    ]
}

fn wide_rules(egress: bool) -> impl Strategy<Value = WideRule> {
    let actions = select(vec![Action::Accept, Action::Deny, Action::Pass]);
    (
        actions,
        vec(wide_peers(egress), 1..=2),
        option::of(vec(wide_ports(), 1..=2)),
    )
        .prop_map(|(action, peers, ports)| WideRule {
            action,
            peers,
            ports,
        })
}

fn wide_peers(egress: bool) -> impl Strategy<Value = WidePeer> {
    let only_egress = u32::from(egress);
    prop_oneof![
        12 => scopes().prop_map(WidePeer::Pods),
        2 => (subsequence(KEYS.to_vec(), 1..=2), any::<bool>(), option::of(pod_selectors()))
            .prop_map(|(keys, same, pods)| WidePeer::Tenants {
                keys: keys.into_iter().map(str::to_owned).collect(),
                same,
                pods,
            }),
        1 => Just(WidePeer::Empty),
        4 * only_egress => node_selectors().prop_map(WidePeer::Nodes),
        6 * only_egress => subsequence(NETWORKS.to_vec(), 1..=2).prop_map(|networks| {
            WidePeer::Networks(networks.into_iter().map(cidr).collect())
        }),
        2 * only_egress => subsequence(vec!["api.example.com", "*.example.com"], 1..=2)
            .prop_map(|names| WidePeer::Domains(
                names.into_iter().map(str::to_owned).collect()
            )),
    ]
}

fn node_selectors() -> impl Strategy<Value = Selector> {
    prop_oneof![1 => Just(Selector::default()), 2 => pod_selectors()]
}

const NETWORKS: [&str; 7] = [
    "0.0.0.0/0",
    "::/0",
    "10.0.1.0/30",
    "10.0.1.2/32",
    "192.168.0.0/24",
    "203.0.113.0/25",
    "fd00::/64",
];

fn wide_ports() -> impl Strategy<Value = WidePort> {
    prop_oneof![
        3 => (protocols(), select(&PORTS[..])).prop_map(|(p, n)| WidePort::Number(p, n)),
        2 => (protocols(), select(&PORTS[..]), select(&[1u16, 100, 57000][..]))
            .prop_map(|(p, first, more)| WidePort::Range(p, first, first + more)),
        3 => select(&PORT_NAMES[..]).prop_map(|name| WidePort::Named(name.to_owned())),
    ]
}

impl Wide {
    /// Takes back what this kind's schema does not have.
    fn make_legal(&mut self) {
        match self.kind {
            Kind::Cluster => {}
            Kind::Admin => self.tier = Tier::Admin,
            Kind::Baseline => {
                self.tier = Tier::Baseline;
                self.priority = 0;
            }
        }
        let kind = self.kind;
        for rule in self.ingress.iter_mut().chain(&mut self.egress) {
            // A baseline of the older generation has nothing to pass to.
            if kind == Kind::Baseline && rule.action == Action::Pass {
                rule.action = Action::Deny;
            }
            for peer in &mut rule.peers {
                let is_legal = match peer {
                    WidePeer::Tenants { .. } => kind != Kind::Cluster,
                    WidePeer::Domains(_) => rule.action == Action::Accept && kind != Kind::Baseline,
                    _ => true,
                };
                if !is_legal {
                    *peer = WidePeer::Pods(Scope::default());
                }
            }
            // Names of ports belong to pods.
            let all_pods = rule.peers.iter().all(|peer| {
                matches!(
                    peer,
                    WidePeer::Pods(_) | WidePeer::Tenants { .. } | WidePeer::Empty
                )
            });
            if !all_pods && let Some(ports) = &mut rule.ports {
                ports.retain(|port| !matches!(port, WidePort::Named(_)));
                if ports.is_empty() {
                    rule.ports = None;
                }
            }
        }
    }

    pub(crate) fn rename(&mut self, selector: &impl Fn(&mut Selector), old: &str, new: &str) {
        let scope = |scope: &mut Scope| {
            selector(&mut scope.namespaces);
            scope.pods.iter_mut().for_each(selector);
        };
        scope(&mut self.subject);
        for rule in self.ingress.iter_mut().chain(&mut self.egress) {
            for peer in &mut rule.peers {
                match peer {
                    WidePeer::Pods(pods) => scope(pods),
                    WidePeer::Tenants { keys, pods, .. } => {
                        for key in keys.iter_mut().filter(|key| *key == old) {
                            new.clone_into(key);
                        }
                        pods.iter_mut().for_each(selector);
                    }
                    WidePeer::Nodes(nodes) => selector(nodes),
                    WidePeer::Networks(_) | WidePeer::Domains(_) | WidePeer::Empty => {}
                }
            }
        }
    }
}

impl World {
    /// Adds a policy, unless there can be no other: there is one baseline of the older generation, and nobody says where it
    /// would stand among those of the newer.
    pub(super) fn add_wide(&mut self, policy: Wide) {
        if !DECODED {
            return;
        }
        let baselines = self.wide.iter().filter(|p| p.tier == Tier::Baseline);
        let clashes = match policy.kind {
            Kind::Baseline => baselines.count() > 0,
            Kind::Cluster if policy.tier == Tier::Baseline => {
                baselines.filter(|p| p.kind == Kind::Baseline).count() > 0
            }
            _ => false,
        };
        if clashes {
            return;
        }
        let name = match policy.kind {
            Kind::Baseline => "default".to_owned(),
            _ => super::free_name("c", |name| self.wide.iter().any(|p| p.name == name)),
        };
        self.wide.push(Wide { name, ..policy });
    }
}
