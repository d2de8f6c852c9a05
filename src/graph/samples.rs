//! Graphs for tests.

use super::{Class, Edge, Graph, Node, NodeKind, State};

/// Builds graphs from short names: `ns/name` is a workload, anything else a node from outside.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
}

impl Sample {
    pub(super) fn node(&mut self, short: &str) -> String {
        let (namespace, name) = short
            .split_once('/')
            .map_or((None, short), |(ns, name)| (Some(ns), name));
        let kind = match (namespace, name) {
            (Some(_), _) => NodeKind::Workload,
            (_, "any") => NodeKind::Any,
            (_, "internet") => NodeKind::Internet,
            (_, "dns") => NodeKind::Dns,
            (_, "k8s-api") => NodeKind::K8sApi,
            _ => NodeKind::Range,
        };
        let key = namespace.map_or_else(|| name.to_owned(), |ns| format!("{ns}/deployment/{name}"));
        if !self.nodes.iter().any(|n| n.key == key) {
            let namespace = namespace.map(str::to_owned);
            self.nodes.push(Node {
                key: key.clone(),
                name: name.to_owned(),
                namespace,
                kind,
                pods: 1,
                badges: Vec::new(),
            });
        }
        key
    }

    pub(super) fn edge(&mut self, from: &str, to: &str, ports: &str, state: State) {
        let class = match (from, to) {
            (_, "dns") => Class::Dns,
            (_, "k8s-api") => Class::ControlPlane,
            ("monitoring/prometheus", _) => Class::Scrape,
            _ => Class::App,
        };
        let (from, to) = (self.node(from), self.node(to));
        let ports = ports.split(' ').map(str::to_owned).collect();
        self.edges.push(Edge {
            from,
            to,
            ports,
            state,
            class,
        });
    }

    pub(super) fn badge(&mut self, short: &str, badge: &str) {
        let key = self.node(short);
        for node in self.nodes.iter_mut().filter(|n| n.key == key) {
            node.badges.push(badge.to_owned());
        }
    }

    pub(super) fn graph(&self) -> Graph {
        Graph::new(self.nodes.clone(), self.edges.clone())
    }
}

/// The demo of product.md 7.1 as its document shows it, with what development opens to anyone.
pub(super) fn stalker() -> Sample {
    let mut s = Sample::default();
    for (from, to, ports) in [
        ("stalker/cron-service", "stalker/flow-manager", "3000"),
        ("stalker/cron-service", "stalker/mongo", "27017"),
        ("stalker/flow-manager", "stalker/kafka", "9092"),
        ("stalker/flow-manager", "stalker/mongo", "27017"),
        ("stalker/kafka", "stalker/zookeeper", "2181 2888 3888"),
        ("stalker/zookeeper", "stalker/kafka", "9092 9093"),
        ("stalker/orchestrator", "stalker/kafka", "9092"),
        ("stalker/orchestrator", "k8s-api", "443"),
        ("stalker-jobs/jobs", "internet", "any"),
        ("any", "stalker/ui", "4200"),
    ] {
        s.edge(from, to, ports, State::Plain);
    }
    for name in [
        "cron-service",
        "flow-manager",
        "kafka",
        "zookeeper",
        "orchestrator",
    ] {
        s.edge(&format!("stalker/{name}"), "dns", "53/UDP", State::Plain);
    }
    s.edge("any", "stalker/mongo", "27017", State::Unexpected);
    s.edge("any", "stalker/cron-service", "3000", State::Unexpected);
    s
}

/// Services of the shop; the two without a database come first in neither list.
pub(super) const SERVICES: [&str; 13] = [
    "auth",
    "cart",
    "catalog",
    "inventory",
    "notification",
    "order",
    "payment",
    "pricing",
    "product",
    "review",
    "search",
    "shipping",
    "user",
];

/// A shop of 31 workloads in four namespaces.
pub(super) fn shop() -> Sample {
    let mut s = Sample::default();
    s.edge(
        "traefik/traefik",
        "e-commerce/api-gateway",
        "8100",
        State::Plain,
    );
    for name in SERVICES {
        let service = format!("e-commerce/{name}-service");
        s.edge("e-commerce/api-gateway", &service, "8000", State::Plain);
        if name != "notification" && name != "search" {
            s.edge(
                &service,
                &format!("e-commerce/{name}-mysql"),
                "3306",
                State::Plain,
            );
        }
        let redis = if name == "review" {
            State::Missing
        } else {
            State::Plain
        };
        s.edge(&service, "e-commerce/redis", "6379", redis);
        s.edge(
            &service,
            "e-commerce-messaging/rabbitmq",
            "5672",
            State::Plain,
        );
        s.edge("monitoring/prometheus", &service, "9090", State::Plain);
    }
    s.edge(
        "e-commerce-messaging/rabbitmq",
        "e-commerce-messaging/rabbitmq",
        "25672",
        State::Plain,
    );
    s.node("e-commerce-messaging/minio");
    s.edge(
        "monitoring/grafana",
        "monitoring/prometheus",
        "9090",
        State::Plain,
    );
    s.edge(
        "e-commerce/payment-service",
        "e-commerce/order-mysql",
        "3306",
        State::Unexpected,
    );
    for node in s.nodes.clone() {
        let short = format!("{}/{}", node.namespace.unwrap_or_default(), node.name);
        s.edge(&short, "dns", "53/UDP", State::Plain);
    }
    s
}
