//! Cluster-wide policies, in the words of their generation (rule A30).

use serde_json::{Map, Value, json};

use super::{Pen, protocol_name};
use crate::naive::{
    Action, Kind, Protocol, Scope, Selector, Tier, Wide, WidePeer, WidePort, WideRule,
};

fn object(key: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(key.to_owned(), value)]))
}

impl Pen<'_> {
    pub(super) fn wide(&mut self, policy: &Wide) -> Value {
        let mut spec = Map::new();
        if policy.kind == Kind::Cluster {
            let tier = match policy.tier {
                Tier::Admin => "Admin",
                Tier::Baseline => "Baseline",
            };
            spec.insert("tier".into(), json!(tier));
        }
        if policy.kind != Kind::Baseline {
            spec.insert("priority".into(), json!(policy.priority));
        }
        spec.insert("subject".into(), self.scope(&policy.subject));
        for (key, peers_key, rules) in [
            ("ingress", "from", &policy.ingress),
            ("egress", "to", &policy.egress),
        ] {
            let rules: Vec<Value> = rules
                .iter()
                .map(|rule| self.wide_rule(policy.kind, rule, peers_key))
                .collect();
            self.list(&mut spec, key, rules);
        }
        let (version, kind) = match policy.kind {
            Kind::Cluster => ("v1alpha2", "ClusterNetworkPolicy"),
            Kind::Admin => ("v1alpha1", "AdminNetworkPolicy"),
            Kind::Baseline => ("v1alpha1", "BaselineAdminNetworkPolicy"),
        };
        json!({
            "apiVersion": format!("policy.networking.k8s.io/{version}"),
            "kind": kind,
            "metadata": {"name": policy.name},
            "spec": spec,
        })
    }

    fn scope(&mut self, scope: &Scope) -> Value {
        let namespaces = self.selector(&scope.namespaces);
        let Some(pods) = &scope.pods else {
            return object("namespaces", namespaces);
        };
        let pods = self.selector(pods);
        object(
            "pods",
            json!({"namespaceSelector": namespaces, "podSelector": pods}),
        )
    }

    fn wide_rule(&mut self, kind: Kind, rule: &WideRule, peers_key: &str) -> Value {
        let mut made = Map::new();
        if self.choose(2) == 0 {
            made.insert("name".into(), json!("a rule"));
        }
        let action = match (rule.action, kind) {
            (Action::Accept, Kind::Cluster) => "Accept",
            (Action::Accept, _) => "Allow",
            (Action::Deny, _) => "Deny",
            (Action::Pass, _) => "Pass",
        };
        made.insert("action".into(), json!(action));
        let peers: Vec<Value> = rule.peers.iter().map(|p| self.wide_peer(p)).collect();
        made.insert(peers_key.into(), Value::Array(peers));
        let key = if kind == Kind::Cluster {
            "protocols"
        } else {
            "ports"
        };
        match &rule.ports {
            Some(ports) => {
                let ports: Vec<Value> = ports.iter().map(|p| self.wide_port(kind, p)).collect();
                made.insert(key.into(), Value::Array(ports));
            }
            None if self.choose(3) == 0 => drop(made.insert(key.into(), Value::Null)),
            None => {}
        }
        Value::Object(made)
    }

    fn wide_peer(&mut self, peer: &WidePeer) -> Value {
        match peer {
            WidePeer::Pods(scope) => self.scope(scope),
            WidePeer::Tenants { keys, same, pods } => {
                let key = if *same { "sameLabels" } else { "notSameLabels" };
                let tenants = object(key, json!(keys));
                match pods {
                    None => object("namespaces", tenants),
                    Some(pods) => {
                        let pods = self.selector(pods);
                        object("pods", json!({"namespaces": tenants, "podSelector": pods}))
                    }
                }
            }
            WidePeer::Nodes(nodes) => {
                let nodes: &Selector = nodes;
                object("nodes", self.selector(nodes))
            }
            WidePeer::Networks(blocks) => {
                let blocks = blocks.iter().map(|b| format!("{}/{}", b.address, b.bits));
                object("networks", blocks.collect())
            }
            WidePeer::Domains(names) => object("domainNames", json!(names)),
            // A field of days to come, or what a server leaves of it.
            WidePeer::Empty if self.choose(2) == 0 => json!({}),
            WidePeer::Empty => json!({"services": {"name": "db"}}),
        }
    }

    fn wide_port(&mut self, kind: Kind, port: &WidePort) -> Value {
        if kind == Kind::Cluster {
            let of = |protocol: Protocol, destination: Value| {
                object(
                    &protocol_name(protocol).to_lowercase(),
                    json!({"destinationPort": destination}),
                )
            };
            return match port {
                WidePort::Number(protocol, number) => of(*protocol, json!({"number": number})),
                WidePort::Range(protocol, start, end) => {
                    of(*protocol, json!({"range": {"start": start, "end": end}}))
                }
                WidePort::Named(name) => json!({"destinationNamedPort": name}),
            };
        }
        let mut written = Map::new();
        let mut protocol = |protocol: Protocol| {
            // TCP when nothing is said (rule A30).
            if protocol != Protocol::Tcp || self.choose(2) == 0 {
                written.insert("protocol".into(), json!(protocol_name(protocol)));
            }
        };
        match port {
            WidePort::Number(of, number) => {
                protocol(*of);
                written.insert("port".into(), json!(number));
                object("portNumber", Value::Object(written))
            }
            WidePort::Range(of, start, end) => {
                protocol(*of);
                written.insert("start".into(), json!(start));
                written.insert("end".into(), json!(end));
                object("portRange", Value::Object(written))
            }
            WidePort::Named(name) => json!({"namedPort": name}),
        }
    }
}
