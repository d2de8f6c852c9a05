//! Graphs to be drawn: services that call stores, and clusters of many namespaces.

use netseg::graph::{Class, Edge, Graph, Node, NodeKind, State};

/// SplitMix64, so that a plan is the same graph everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from((u128::from(self.next()) * count as u128) >> 64).expect("below a usize")
    }
}

/// The cluster everybody has: `any` calls gateways, gateways call services, services call one another and a few stores, which most
/// of the wires lead to. One wire in twenty is not as it should be.
pub(crate) fn services(workloads: usize, edges: usize) -> Graph {
    let mut dice = Dice(1);
    let spaces = (workloads / 12).max(2);
    let stores = (workloads / 6).max(2);
    let key = |w: usize| format!("team-{}/deployment/{}", w % spaces, title(w, stores));
    let mut nodes: Vec<Node> = (0..workloads)
        .map(|w| Node {
            key: key(w),
            name: title(w, stores),
            namespace: Some(format!("team-{}", w % spaces)),
            kind: NodeKind::Workload,
            pods: 2,
            badges: Vec::new(),
        })
        .collect();
    nodes.push(Node {
        key: "any".to_owned(),
        name: "any".to_owned(),
        namespace: None,
        kind: NodeKind::Any,
        pods: 0,
        badges: Vec::new(),
    });
    let mut calls = std::collections::BTreeSet::new();
    while calls.len() < edges {
        let from = stores + dice.below(workloads - stores);
        // Half of the calls go to stores, the rest to services further in.
        let to = if dice.below(2) == 0 {
            dice.below(stores)
        } else {
            dice.below(from)
        };
        if from != to {
            calls.insert((from, to));
        }
    }
    let mut list: Vec<Edge> = calls
        .into_iter()
        .map(|(from, to)| Edge {
            from: key(from),
            to: key(to),
            ports: vec![if to < stores {
                "5432".to_owned()
            } else {
                "8080".to_owned()
            }],
            state: match dice.below(40) {
                0 => State::Unexpected,
                1 => State::Missing,
                _ => State::Plain,
            },
            class: Class::App,
        })
        .collect();
    for gateway in workloads - 2..workloads {
        list.push(Edge {
            from: "any".to_owned(),
            to: key(gateway),
            ports: vec!["443".to_owned()],
            state: State::Plain,
            class: Class::App,
        });
    }
    Graph::new(nodes, list)
}

fn title(workload: usize, stores: usize) -> String {
    if workload < stores {
        format!("store-{workload}")
    } else {
        format!("service-{workload}")
    }
}

/// The same with one service more, which is called by one and calls a store.
pub(crate) fn with_one_more(graph: &Graph) -> Graph {
    let mut nodes = graph.nodes().to_vec();
    let mut edges = graph.edges().to_vec();
    let new = Node {
        key: "team-0/deployment/newcomer".to_owned(),
        name: "newcomer".to_owned(),
        namespace: Some("team-0".to_owned()),
        kind: NodeKind::Workload,
        pods: 1,
        badges: Vec::new(),
    };
    let (into, out) = (edges[0].clone(), edges[edges.len() / 2].clone());
    edges.push(Edge {
        to: new.key.clone(),
        ports: vec!["9090".to_owned()],
        ..into
    });
    edges.push(Edge {
        from: new.key.clone(),
        ..out
    });
    nodes.push(new);
    Graph::new(nodes, edges)
}

/// The same with an edge that nobody planned.
pub(crate) fn with_an_anomaly(graph: &Graph) -> Graph {
    let mut edges = graph.edges().to_vec();
    let (one, other) = (edges[0].from.clone(), edges[edges.len() - 3].to.clone());
    edges.push(Edge {
        from: one,
        to: other,
        ports: vec!["6666".to_owned()],
        state: State::Unexpected,
        class: Class::App,
    });
    Graph::new(graph.nodes().to_vec(), edges)
}

/// Namespaces of three workloads each; `links` of their workloads call one of another namespace.
pub(crate) fn namespaces(count: usize, links: usize) -> Graph {
    let mut dice = Dice(2);
    let key = |w: usize| format!("space-{:04}/deployment/app-{}", w / 3, w % 3);
    let nodes = (0..3 * count)
        .map(|w| Node {
            key: key(w),
            name: format!("app-{}", w % 3),
            namespace: Some(format!("space-{:04}", w / 3)),
            kind: NodeKind::Workload,
            pods: 2,
            badges: Vec::new(),
        })
        .collect();
    let call = |from: usize, to: usize| Edge {
        from: key(from),
        to: key(to),
        ports: vec!["8080".to_owned()],
        state: State::Plain,
        class: Class::App,
    };
    let mut edges: Vec<Edge> = (0..count)
        .flat_map(|space| {
            [
                call(3 * space, 3 * space + 1),
                call(3 * space + 1, 3 * space + 2),
            ]
        })
        .collect();
    for _ in 0..links {
        // A few namespaces, where what everybody uses runs, take half of the calls.
        let to = if dice.below(2) == 0 {
            dice.below(count.min(8))
        } else {
            dice.below(count)
        };
        edges.push(call(3 * dice.below(count), 3 * to));
    }
    Graph::new(nodes, edges)
}
