//! Clusters that are hard in one way each.

use std::sync::Arc;

use netseg::model::{
    Cluster, Labels, Namespace, Policy, PolicyApi, PortTest, Ports, Protocol, Tier, Workload,
};

use super::policies::{any_of, blank, equals, everyone, number, own};
use super::{APP, Plan, Size, assemble, generate, nodes, pod_address, running};

type Make = fn() -> Cluster;

/// Every extreme, by name.
pub(crate) const ALL: [(&str, Make); 8] = [
    ("no policies", no_policies),
    ("3,000 pods and 1,000 policies in one namespace", crowded),
    ("10,000 equal policies", equal_policies),
    ("a policy for each of 5,000 unlike pods", unlike_pods),
    ("1,000 blocks across pod addresses", || {
        let plan = Plan::new(Size::M, 1);
        generate(&Plan {
            cuts: 1_000,
            ..plan
        })
        .cluster
    }),
    ("32 blocks across pod addresses", || {
        let plan = Plan::new(Size::L, 1);
        generate(&Plan { cuts: 32, ..plan }).cluster
    }),
    ("500 ports", many_ports),
    ("50 cluster-wide policies", || {
        let plan = Plan::new(Size::M, 1);
        let tier_policies = 50;
        generate(&Plan {
            tier_policies,
            ..plan
        })
        .cluster
    }),
];

fn no_policies() -> Cluster {
    let mut plan = Plan::new(Size::M, 1);
    plan.tier_policies = 0;
    let mut cluster = generate(&plan).cluster;
    for namespace in cluster.namespaces.values_mut() {
        Arc::make_mut(namespace).policies = Arc::default();
    }
    cluster
}

fn crowded() -> Cluster {
    let size = Size::new("crowded", 3_000, 100, 1, 1_000);
    let mut cluster = generate(&Plan::new(size, 1)).cluster;
    for namespace in cluster.namespaces.values_mut() {
        // It is the system's namespace, where many pods would be on the host network.
        let pods = &mut Arc::make_mut(namespace).pods;
        for (index, pod) in Arc::make_mut(pods)
            .iter_mut()
            .enumerate()
            .filter(|(_, p)| p.host_network)
        {
            pod.host_network = false;
            pod.addresses = vec![pod_address(index / 100, 100 + index % 100)];
        }
    }
    cluster
}

fn equal_policies() -> Cluster {
    let mut cluster = no_policies();
    let each = 10_000 / cluster.namespaces.len();
    for namespace in cluster.namespaces.values_mut() {
        let namespace = Arc::make_mut(namespace);
        let name: Arc<str> = Arc::from(namespace.name.as_str());
        let made = (0..each)
            .map(|index| {
                let mut policy = network_policy(&name, &format!("copy-{index:03}"));
                policy.ingress = Some(vec![netseg::model::Rule {
                    peers: any_of([own(equals(APP, "app-1"))]),
                    ports: Ports::AnyOf(vec![number(Protocol::Tcp, 8080)]),
                    ..everyone()
                }]);
                policy
            })
            .collect();
        namespace.policies = Arc::new(made);
    }
    cluster
}

fn unlike_pods() -> Cluster {
    const NAMESPACES: usize = 50;
    const EACH: usize = 100;
    let namespaces = (0..NAMESPACES)
        .map(|place| {
            let name = format!("ns-{place:05}");
            let shared: Arc<str> = Arc::from(name.as_str());
            let id = |index: usize| format!("id-{:05}", place * EACH + index % EACH);
            let pods = (0..EACH).map(|index| {
                let own = id(index);
                let labels = Labels::from_iter([("id", own.as_str()), (APP, "same")]);
                running(own, labels, 0, (place, index))
            });
            let policies = (0..EACH).map(|index| {
                let mut policy = network_policy(&shared, &id(index));
                policy.subject = equals("id", id(index));
                policy.ingress = Some(vec![netseg::model::Rule {
                    peers: any_of([own(equals("id", id(index + 1)))]),
                    ..everyone()
                }]);
                policy
            });
            let mut namespace = Namespace {
                pods: Arc::new(pods.collect()),
                policies: Arc::new(policies.collect()),
                declared: true,
                ..Namespace::undeclared(&name)
            };
            namespace.workloads.push(Workload {
                namespace: Arc::clone(&shared),
                kind: "Deployment".to_owned(),
                name: "same".to_owned(),
                pods: Vec::new(),
                source: None,
            });
            namespace
        })
        .collect();
    assemble(namespaces, nodes(NAMESPACES), Vec::new())
}

/// Every rule for one port asks for one of 500 instead.
fn many_ports() -> Cluster {
    let mut cluster = generate(&Plan::new(Size::M, 1)).cluster;
    let mut next = 0;
    for namespace in cluster.namespaces.values_mut() {
        for policy in Arc::make_mut(&mut Arc::make_mut(namespace).policies) {
            for rule in policy
                .ingress
                .iter_mut()
                .chain(&mut policy.egress)
                .flatten()
            {
                let Ports::AnyOf(items) = &mut rule.ports else {
                    continue;
                };
                for item in items {
                    if let PortTest::Range(range) = &item.port
                        && range.first() == range.last()
                    {
                        *item = number(item.protocol, 10_000 + next % 500 * 7);
                        next += 1;
                    }
                }
            }
        }
    }
    cluster
}

fn network_policy(namespace: &Arc<str>, name: &str) -> Policy {
    blank(
        PolicyApi::NetworkPolicy,
        Tier::NetworkPolicy,
        Arc::clone(namespace),
        name,
    )
}
