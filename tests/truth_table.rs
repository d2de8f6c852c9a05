//! The truth table of `NetworkPolicy`: 75 small situations, each with the verdict that follows from the API's documentation.
//!
//! A row is a number (a letter where one number stands for several set-ups), policies or other objects to add to the fixture,
//! and questions with their answers. An object named like one of the fixture takes its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use netseg::compile::{Profile, ProfileName};
use netseg::engine::{Engine, Entity, Verdict};
use netseg::model::{Cluster, Diagnostic, Protocol, Severity};
use netseg::questions::{ends, probe};
use netseg::source::manifests;

struct Row {
    /// The number without its T, or the rule a further row is about.
    id: &'static str,
    because: &'static str,
    /// `ns/name: spec` is a `NetworkPolicy`; a line starting with `{` is any other object.
    objects: &'static [&'static str],
    /// `from -> to:port[/protocol] verdict[, profile verdict]`
    asks: &'static [&'static str],
}

impl Row {
    fn name(&self) -> String {
        let numbered = self.id.starts_with(|c: char| c.is_ascii_digit());
        format!("{}{}", if numbered { "T" } else { "" }, self.id)
    }
}

const ROWS: &[Row] = &[
    Row {
        id: "1",
        because: "nothing isolates",
        objects: &[],
        asks: &["y/c -> x/a:80 allow"],
    },
    Row {
        id: "2",
        because: "isolated, and no rule",
        objects: &["x/p: {podSelector: {}, policyTypes: [Ingress]}"],
        asks: &["x/b -> x/a:80 deny", "y/b -> x/a:80 deny"],
    },
    Row {
        id: "3",
        because: "ingress isolation leaves egress alone",
        objects: &["x/p: {podSelector: {}, policyTypes: [Ingress]}"],
        asks: &["x/a -> y/a:80 allow"],
    },
    Row {
        id: "4",
        because: "egress is isolated too",
        objects: &["x/p: {podSelector: {}, policyTypes: [Ingress, Egress]}"],
        asks: &["x/a -> y/a:80 deny"],
    },
    Row {
        id: "5",
        because: "a pod always reaches itself",
        objects: &["x/p: {podSelector: {}, policyTypes: [Ingress, Egress]}"],
        asks: &["x/a -> 10.0.1.1:80 allow", "x/a -> x/a:80 allow"],
    },
    Row {
        id: "6",
        because: "a podSelector alone means the own namespace",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {pod: b}}}]}]}",
        ],
        asks: &[
            "x/b -> x/a:80 allow",
            "x/c -> x/a:80 deny",
            "y/b -> x/a:80 deny",
        ],
    },
    Row {
        id: "7",
        because: "an empty namespaceSelector means every pod, and no address outside",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {}}]}]}",
        ],
        asks: &[
            "y/c -> x/a:80 allow",
            "x/c -> x/a:80 allow",
            "203.0.113.7 -> x/a:80 deny",
        ],
    },
    Row {
        id: "8",
        because: "the own namespace is not implied",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}}]}]}",
        ],
        asks: &[
            "y/b -> x/a:80 allow",
            "x/b -> x/a:80 deny",
            "z/a -> x/a:80 deny",
        ],
    },
    Row {
        id: "9",
        because: "two items are an OR",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [x]}]}}, {podSelector: {matchLabels: {pod: b}}}]}]}",
        ],
        asks: &[
            "y/a -> x/a:80 allow",
            "x/b -> x/a:80 allow",
            "x/c -> x/a:80 deny",
        ],
    },
    Row {
        id: "10",
        because: "two selectors in one item are an AND",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [x]}]}, podSelector: {matchLabels: {pod: b}}}]}]}",
        ],
        asks: &[
            "y/b -> x/a:80 allow",
            "z/b -> x/a:80 allow",
            "x/b -> x/a:80 deny",
            "y/a -> x/a:80 deny",
        ],
    },
    Row {
        id: "11",
        because: "expressions over both selectors are ANDed",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [x]}]}, podSelector: {matchExpressions: [{key: pod, operator: In, values: [b, c]}]}}]}]}",
        ],
        asks: &[
            "y/c -> x/a:80 allow",
            "y/a -> x/a:80 deny",
            "x/c -> x/a:80 deny",
        ],
    },
    Row {
        id: "12",
        because: "OR within the own namespace",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {pod: b}}}, {podSelector: {matchLabels: {pod: c}}}]}]}",
        ],
        asks: &[
            "x/b -> x/a:80 allow",
            "x/c -> x/a:80 allow",
            "y/c -> x/a:80 deny",
        ],
    },
    Row {
        id: "13",
        because: "peer AND port",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}}], ports: [{port: 81}]}]}",
        ],
        asks: &[
            "y/a -> x/a:81 allow",
            "y/a -> x/a:80 deny",
            "z/a -> x/a:81 deny",
        ],
    },
    Row {
        id: "14",
        because: "policies add up",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}}], ports: [{port: 81}]}]}",
            "x/q: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}}], ports: [{port: 80}]}]}",
        ],
        asks: &["y/a -> x/a:80 allow", "y/a -> x/a:81 allow"],
    },
    Row {
        id: "15",
        because: "an empty rule admits all",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{}]}",
        ],
        asks: &["y/a -> x/a:80 allow", "203.0.113.7 -> x/a:80 allow"],
    },
    Row {
        id: "16",
        because: "allow-all beside deny-all, for one pod only",
        objects: &[
            "x/p: {podSelector: {}, policyTypes: [Ingress]}",
            "x/q: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{}]}",
        ],
        asks: &["y/a -> x/a:80 allow", "y/a -> x/b:80 deny"],
    },
    Row {
        id: "17",
        because: "the name is looked up at the subject",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{ports: [{port: serve-81-tcp}]}]}",
        ],
        asks: &["y/a -> x/a:81 allow", "y/a -> x/a:80 deny"],
    },
    Row {
        id: "18",
        because: "the name is looked up at the destination",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{ports: [{port: serve-80-tcp}]}]}",
        ],
        asks: &["x/a -> y/a:80 allow", "x/a -> y/a:81 deny"],
    },
    Row {
        id: "19",
        because: "addresses outside have no port names",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{ports: [{port: serve-80-tcp}]}]}",
        ],
        asks: &["x/a -> 203.0.113.7:80 deny"],
    },
    Row {
        id: "20a",
        because: "namespace labels count as they are",
        objects: &[
            "{apiVersion: v1, kind: Namespace, metadata: {name: y, labels: {kubernetes.io/metadata.name: y, team: q}}}",
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {team: q}}}]}]}",
        ],
        asks: &["y/a -> x/a:80 allow"],
    },
    Row {
        id: "20b",
        because: "and no longer when they are gone",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {team: q}}}]}]}",
        ],
        asks: &["y/a -> x/a:80 deny"],
    },
    Row {
        id: "21",
        because: "pod labels count as they are",
        objects: &[
            "{apiVersion: v1, kind: Pod, metadata: {name: c, namespace: x, labels: {pod: b}}, spec: {nodeName: n2}, status: {phase: Running, podIP: 10.0.1.3}}",
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {pod: b}}}]}]}",
        ],
        asks: &["x/c -> x/a:80 allow"],
    },
    Row {
        id: "22",
        because: "an empty podSelector means the own namespace",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {}}]}]}",
        ],
        asks: &["x/c -> x/a:80 allow", "y/c -> x/a:80 deny"],
    },
    Row {
        id: "23",
        because: "only the selected pod is isolated",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}, podSelector: {matchLabels: {pod: a}}}]}]}",
        ],
        asks: &[
            "x/a -> y/a:80 allow",
            "x/a -> y/b:80 deny",
            "x/b -> y/b:80 allow",
        ],
    },
    Row {
        id: "24",
        because: "the client's egress wins",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}}]}]}",
            "y/p: {podSelector: {matchLabels: {pod: b}}, policyTypes: [Egress]}",
        ],
        asks: &["y/b -> x/a:80 deny"],
    },
    Row {
        id: "25",
        because: "directions are independent",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress, Egress], ingress: [{ports: [{port: 80}]}], egress: [{ports: [{port: 81}]}]}",
        ],
        asks: &[
            "y/a -> x/a:80 allow",
            "y/a -> x/a:81 deny",
            "x/a -> y/a:81 allow",
            "x/a -> y/a:80 deny",
        ],
    },
    Row {
        id: "26",
        because: "without a port, every port of that protocol",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{ports: [{protocol: TCP}]}]}",
        ],
        asks: &["y/a -> x/a:81 allow", "y/a -> x/a:80/udp deny"],
    },
    Row {
        id: "27",
        because: "the protocol counts even without a port",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{ports: [{protocol: UDP}]}]}",
        ],
        asks: &["y/a -> x/a:80 deny", "y/a -> x/a:80/udp allow"],
    },
    Row {
        id: "28",
        because: "no protocol means TCP",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{ports: [{port: 80}]}]}",
        ],
        asks: &["y/a -> x/a:80/udp deny", "y/a -> x/a:80 allow"],
    },
    Row {
        id: "29",
        because: "an empty item means TCP, any port",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{ports: [{}]}]}",
        ],
        asks: &["y/a -> x/a:9999 allow", "y/a -> x/a:80/udp deny"],
    },
    Row {
        id: "30",
        because: "protocols never stand in for one another",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{ports: [{protocol: SCTP, port: 80}]}]}",
        ],
        asks: &["y/a -> x/a:80 deny", "y/a -> x/a:80/sctp allow"],
    },
    Row {
        id: "31",
        because: "an SCTP rule isolates TCP as well",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{ports: [{protocol: SCTP, port: 80}]}]}",
        ],
        asks: &["y/a -> x/a:81 deny"],
    },
    Row {
        id: "32a",
        because: "isolation holds while the policy is there",
        objects: &["x/p: {podSelector: {}, policyTypes: [Ingress]}"],
        asks: &["y/b -> x/a:80 deny"],
    },
    Row {
        id: "32b",
        because: "and ends with it",
        objects: &[],
        asks: &["y/b -> x/a:80 allow"],
    },
    Row {
        id: "33",
        because: "a block equal to a pod's address",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.2.1/32}}]}]}",
        ],
        asks: &["x/a -> y/a:80 allow, calico allow, cilium deny, aws-vpc-cni unknown"],
    },
    Row {
        id: "34",
        because: "an exception is a hole",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.2.0/24, except: [10.0.2.1/32]}}]}]}",
        ],
        asks: &["x/a -> y/a:80 deny", "x/a -> y/b:80 allow, cilium deny"],
    },
    Row {
        id: "35",
        because: "and no denial",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.2.0/24, except: [10.0.2.1/32]}}]}]}",
            "x/q: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.2.1/32}}]}]}",
        ],
        asks: &["x/a -> y/a:80 allow, cilium deny"],
    },
    Row {
        id: "36",
        because: "a plain block",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}",
        ],
        asks: &[
            "203.0.113.7 -> x/a:80 allow, cilium allow",
            "198.51.100.9 -> x/a:80 deny",
            "y/a -> x/a:80 deny",
        ],
    },
    Row {
        id: "37",
        because: "a block holds for its own family",
        objects: &[
            "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x, labels: {pod: a}}, spec: {nodeName: n1}, status: {phase: Running, podIP: 10.0.1.1, podIPs: [{ip: 10.0.1.1}, {ip: 'fd00::1'}]}}",
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}",
        ],
        asks: &["2001:db8::7 -> x/a:80 deny", "203.0.113.7 -> x/a:80 allow"],
    },
    Row {
        id: "38",
        because: "the internet and nothing else",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]}]}",
        ],
        asks: &["x/a -> 203.0.113.7:80 allow", "x/a -> y/a:80 deny"],
    },
    Row {
        id: "39a",
        because: "metadata is an ordinary address outside",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}",
        ],
        asks: &["x/a -> 169.254.169.254:80 allow"],
    },
    Row {
        id: "39b",
        because: "and can be left out",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.169.254/32]}}]}]}",
        ],
        asks: &["x/a -> 169.254.169.254:80 deny"],
    },
    Row {
        id: "40",
        because: "an empty egress list does not isolate",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{podSelector: {matchLabels: {pod: b}}}]}], egress: []}",
        ],
        asks: &["x/a -> y/a:80 allow"],
    },
    Row {
        id: "41",
        because: "Ingress is always added",
        objects: &["x/p: {podSelector: {matchLabels: {pod: a}}, egress: [{}]}"],
        asks: &["y/a -> x/a:80 deny", "x/a -> y/a:80 allow"],
    },
    Row {
        id: "42",
        because: "ingress rules without the type are ignored",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], ingress: [{from: [{podSelector: {matchLabels: {pod: b}}}]}], egress: [{}]}",
        ],
        asks: &["z/a -> x/a:80 allow"],
    },
    Row {
        id: "43",
        because: "egress rules without the type are ignored",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}}]}], ingress: [{}]}",
        ],
        asks: &["x/a -> z/a:80 allow"],
    },
    Row {
        id: "44",
        because: "NotIn selects on a missing key",
        objects: &[
            "x/p: {podSelector: {matchExpressions: [{key: tier, operator: NotIn, values: [db]}]}, policyTypes: [Ingress]}",
        ],
        asks: &["y/a -> x/a:80 deny"],
    },
    Row {
        id: "45",
        because: "DoesNotExist",
        objects: &[
            "{apiVersion: v1, kind: Namespace, metadata: {name: z, labels: {kubernetes.io/metadata.name: z, team: q}}}",
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: team, operator: DoesNotExist}]}}]}]}",
        ],
        asks: &["y/a -> x/a:80 allow", "z/a -> x/a:80 deny"],
    },
    Row {
        id: "46",
        because: "the empty value is a value",
        objects: &[
            "{apiVersion: v1, kind: Pod, metadata: {name: c, namespace: x, labels: {pod: c, role: ''}}, spec: {nodeName: n2}, status: {phase: Running, podIP: 10.0.1.3}}",
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {role: ''}}}]}]}",
        ],
        asks: &["x/b -> x/a:80 deny", "x/c -> x/a:80 allow"],
    },
    Row {
        id: "47",
        because: "endPort is inclusive",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{ports: [{port: 80, endPort: 81}]}]}",
        ],
        asks: &["y/a -> x/a:81 allow", "y/a -> x/a:82 deny"],
    },
    Row {
        id: "48",
        because: "rules do not mix",
        objects: &[
            "x/p: {podSelector: {}, policyTypes: [Ingress, Egress], ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}}], ports: [{port: 80}]}, {from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: z}}}], ports: [{port: 81}]}]}",
        ],
        asks: &["y/a -> x/a:81 deny", "z/a -> x/a:81 allow"],
    },
    Row {
        id: "49",
        because: "the own node is let in, another is not",
        objects: &["x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress]}"],
        asks: &["node/n1 -> x/a:80 allow", "node/n2 -> x/a:80 deny"],
    },
    Row {
        id: "50",
        because: "selectors do not see the host network",
        objects: &[
            "{apiVersion: v1, kind: Pod, metadata: {name: h, namespace: y, labels: {pod: b}}, spec: {hostNetwork: true, nodeName: n2}, status: {phase: Running, podIP: 192.168.0.12}}",
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}}]}]}",
        ],
        asks: &["y/h -> x/a:80 deny"],
    },
    Row {
        id: "51",
        because: "a host-network pod counts as its node",
        objects: &[
            "{apiVersion: v1, kind: Pod, metadata: {name: h, namespace: y, labels: {pod: b}}, spec: {hostNetwork: true, nodeName: n1}, status: {phase: Running, podIP: 192.168.0.11}}",
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}}]}]}",
        ],
        asks: &["y/h -> x/a:80 allow"],
    },
    Row {
        id: "52",
        because: "policies do not select the host network",
        objects: &[
            "{apiVersion: v1, kind: Pod, metadata: {name: h, namespace: y, labels: {pod: b}}, spec: {hostNetwork: true, nodeName: n2}, status: {phase: Running, podIP: 192.168.0.12}}",
            "y/p: {podSelector: {}, policyTypes: [Ingress, Egress]}",
        ],
        asks: &[
            "x/a -> 192.168.0.12:80 allow",
            "x/a -> y/h:80 allow",
            "y/h -> x/b:80 allow",
        ],
    },
    Row {
        id: "53",
        because: "nor do peers",
        objects: &[
            "{apiVersion: v1, kind: Pod, metadata: {name: h, namespace: y, labels: {pod: b}}, spec: {hostNetwork: true, nodeName: n2}, status: {phase: Running, podIP: 192.168.0.12}}",
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}}]}]}",
        ],
        asks: &["x/a -> 192.168.0.12:80 deny", "x/a -> y/h:80 deny"],
    },
    Row {
        id: "54",
        because: "a node is named by its address",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 192.168.0.12/32}}]}]}",
        ],
        asks: &["x/a -> 192.168.0.12:80 allow, cilium deny"],
    },
    Row {
        id: "55",
        because: "a reused address belongs to the living pod",
        objects: &[
            "{apiVersion: v1, kind: Pod, metadata: {name: job, namespace: y, labels: {pod: job}}, spec: {nodeName: n2}, status: {phase: Succeeded, podIP: 10.0.2.9}}",
            "{apiVersion: v1, kind: Pod, metadata: {name: new, namespace: z, labels: {pod: new}}, spec: {nodeName: n2}, status: {phase: Running, podIP: 10.0.2.9}}",
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}}]}]}",
        ],
        asks: &["10.0.2.9 -> x/a:80 deny"],
    },
    Row {
        id: "56",
        because: "a finished pod is no source",
        objects: &[
            "{apiVersion: v1, kind: Pod, metadata: {name: job, namespace: y, labels: {pod: job}}, spec: {nodeName: n2}, status: {phase: Succeeded, podIP: 10.0.2.9}}",
        ],
        asks: &["y/job -> x/a:80 unreachable", "x/a -> y/job:80 unreachable"],
    },
    Row {
        id: "57",
        because: "a pod without an address cannot be reached",
        objects: &[
            "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: x, labels: {pod: p}}, status: {phase: Pending}}",
        ],
        asks: &["y/a -> x/p:80 unreachable"],
    },
    Row {
        id: "58",
        because: "replies need no egress rule",
        objects: &["x/p: {podSelector: {matchLabels: {pod: b}}, policyTypes: [Egress]}"],
        asks: &["x/a -> x/b:80 allow"],
    },
    Row {
        id: "59",
        because: "what is no TCP, UDP or SCTP is not specified, so it cannot be asked",
        objects: &["x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress]}"],
        asks: &["y/a -> x/a:0/icmp unspecified"],
    },
    Row {
        id: "60",
        because: "and no rule, with ports or without, speaks of it",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}}]}]}",
        ],
        asks: &["y/a -> x/a:0/icmp unspecified"],
    },
    Row {
        id: "61",
        because: "DNS is ordinary traffic",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: x}}}]}]}",
        ],
        asks: &["x/a -> kube-system/dns:53/udp deny"],
    },
    Row {
        id: "62",
        because: "and is admitted like any other",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: x}}}]}]}",
            "x/q: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}, podSelector: {matchLabels: {k8s-app: kube-dns}}}], ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]}]}",
        ],
        asks: &["x/a -> kube-system/dns:53/udp allow"],
    },
    Row {
        id: "63",
        because: "inside the cluster only",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}]}]}",
        ],
        asks: &["x/a -> y/a:80 allow", "x/a -> 203.0.113.7:443 deny"],
    },
    Row {
        id: "64",
        because: "an empty rule admits the outside too",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [ {} ]}",
        ],
        asks: &["203.0.113.7 -> x/a:80 allow"],
    },
    Row {
        id: "65",
        because: "an empty list admits nobody",
        objects: &["x/p: {podSelector: {matchLabels: {pod: a}}, ingress: []}"],
        asks: &["x/b -> x/a:80 deny"],
    },
    Row {
        id: "66",
        because: "in a file, a bare dash is an empty rule",
        objects: &["x/p: {podSelector: {matchLabels: {pod: a}}, ingress: [null]}"],
        asks: &["y/a -> x/a:80 allow"],
    },
    Row {
        id: "67",
        because: "an empty peer is not legal, and not everyone",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{}]}]}",
        ],
        asks: &["y/a -> x/a:80 unknown", "y/a -> x/b:80 allow"],
    },
    Row {
        id: "68",
        because: "each pod has its own numbers for a name",
        objects: &[
            "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x, labels: {pod: a}}, spec: {nodeName: n1, containers: [{name: c, ports: [{name: web, containerPort: 80}]}]}, status: {phase: Running, podIP: 10.0.1.1}}",
            "{apiVersion: v1, kind: Pod, metadata: {name: b, namespace: x, labels: {pod: b}}, spec: {nodeName: n2, containers: [{name: c, ports: [{name: web, containerPort: 8080}]}]}, status: {phase: Running, podIP: 10.0.1.2}}",
            "x/p: {podSelector: {}, policyTypes: [Ingress], ingress: [{ports: [{port: web}]}]}",
        ],
        asks: &[
            "y/a -> x/b:80 deny",
            "y/a -> x/b:8080 allow",
            "y/a -> x/a:80 allow",
        ],
    },
    Row {
        id: "69",
        because: "the protocol of a name counts",
        objects: &[
            "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x, labels: {pod: a}}, spec: {nodeName: n1, containers: [{name: c, ports: [{name: dns, containerPort: 53, protocol: UDP}]}]}, status: {phase: Running, podIP: 10.0.1.1}}",
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{ports: [{port: dns, protocol: TCP}]}]}",
        ],
        asks: &["y/a -> x/a:53 deny", "y/a -> x/a:53/udp deny"],
    },
    Row {
        id: "70",
        because: "whether init containers name ports is the enforcer's choice",
        objects: &[
            "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x, labels: {pod: a}}, spec: {nodeName: n1, initContainers: [{name: c, ports: [{name: adm, containerPort: 9000}]}]}, status: {phase: Running, podIP: 10.0.1.1}}",
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{ports: [{port: adm}]}]}",
        ],
        asks: &["y/a -> x/a:9000 deny, calico allow, cilium unknown"],
    },
    Row {
        id: "71",
        because: "an exception as wide as its block leaves nothing",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.2.0/24, except: [10.0.2.0/24]}}]}]}",
        ],
        asks: &["x/a -> y/a:80 deny"],
    },
    Row {
        id: "72",
        because: "union, in whatever order",
        objects: &[
            "x/q: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {pod: b}}}]}]}",
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {pod: c}}}]}]}",
        ],
        asks: &["x/b -> x/a:80 allow", "x/c -> x/a:80 allow"],
    },
    Row {
        id: "73",
        because: "the API server is no pod",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]}]}",
        ],
        asks: &["x/a -> 192.168.0.1:6443 deny"],
    },
    Row {
        id: "74a",
        because: "policy sees the port behind the Service",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 192.168.0.1/32}}], ports: [{port: 443}]}]}",
        ],
        asks: &["x/a -> 192.168.0.1:6443 deny"],
    },
    Row {
        id: "74b",
        because: "so that is the one to admit",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 192.168.0.1/32}}], ports: [{port: 6443}]}]}",
        ],
        asks: &["x/a -> 192.168.0.1:6443 allow, cilium allow"],
    },
    Row {
        id: "74c",
        because: "unless the enforcer's blocks pass over nodes",
        objects: &[
            "{apiVersion: v1, kind: Node, metadata: {name: n0}, status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}}",
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 192.168.0.1/32}}], ports: [{port: 6443}]}]}",
        ],
        asks: &["x/a -> 192.168.0.1:6443 allow, cilium deny"],
    },
    Row {
        id: "75",
        because: "a negated selector still needs a pod",
        objects: &[
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [x]}]}}]}]}",
        ],
        asks: &["203.0.113.7 -> x/a:80 deny"],
    },
];

/// Situations the table does not number: found by the oracle, or easy to get wrong.
const FURTHER: &[Row] = &[
    Row {
        id: "N30, an empty block and an unknown address",
        because: "an empty block matches no address, known or not",
        objects: &[
            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: x}, spec: {template: {metadata: {labels: {pod: d}}, spec: {}}}}",
            "y/p: {podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/8]}}]}]}",
        ],
        asks: &["x/d-* -> y/a:80 deny"],
    },
    Row {
        id: "N43, host network",
        because: "a host-network pod is its node, and nodes have no port names",
        objects: &[
            "{apiVersion: v1, kind: Pod, metadata: {name: h, namespace: y, labels: {pod: h}}, spec: {hostNetwork: true, nodeName: n2, containers: [{name: c, ports: [{name: web, containerPort: 80}]}]}, status: {phase: Running, podIP: 192.168.0.12}}",
            "x/p: {podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: web}]}]}",
        ],
        asks: &["x/a -> y/h:80 deny", "x/a -> 192.168.0.12:80 deny"],
    },
    Row {
        id: "N59, another end denies in each family",
        because: "neither family gets through, so the pair does not",
        objects: &[
            "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x, labels: {pod: a}}, spec: {nodeName: n1}, status: {phase: Running, podIPs: [{ip: 10.0.1.1}, {ip: 'fd00::1'}]}}",
            "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: y, labels: {pod: a}}, spec: {nodeName: n1}, status: {phase: Running, podIPs: [{ip: 10.0.2.1}, {ip: 'fd00::2:1'}]}}",
            "x/p: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: '::/0'}}]}]}",
            "y/p: {podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}",
        ],
        asks: &["x/a -> y/a:80 deny", "y/a -> x/a:80 allow"],
    },
    Row {
        id: "N59, families differ",
        because: "one family gets through and the other does not",
        objects: &[
            "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x, labels: {pod: a}}, spec: {nodeName: n1}, status: {phase: Running, podIPs: [{ip: 10.0.1.1}, {ip: 'fd00::1'}]}}",
            "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: y, labels: {pod: a}}, spec: {nodeName: n1}, status: {phase: Running, podIPs: [{ip: 10.0.2.1}, {ip: 'fd00::2:1'}]}}",
            "x/p: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}",
        ],
        asks: &["x/a -> y/a:80 unknown", "x/a -> y/b:80 allow"],
    },
    Row {
        id: "N59, nothing in common",
        because: "no address family of one is an address family of the other",
        objects: &[
            "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x, labels: {pod: a}}, spec: {nodeName: n1}, status: {phase: Running, podIP: 'fd00::1'}}",
        ],
        asks: &[
            "x/a -> y/a:80 unreachable",
            "203.0.113.7 -> x/a:80 unreachable",
        ],
    },
    Row {
        id: "N31, host bits",
        because: "host bits are masked away",
        objects: &[
            "x/p: {podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: 203.0.113.77/24}}]}]}",
        ],
        asks: &["203.0.113.7 -> x/a:80 allow", "203.0.114.7 -> x/a:80 deny"],
    },
    Row {
        id: "N51, own node",
        because: "out to the own node: the documentation lets it, some enforcers ask policy",
        objects: &["x/p: {podSelector: {}, policyTypes: [Egress]}"],
        asks: &[
            "x/a -> node/n1:80 allow, calico deny, cilium deny, kube-network-policies unknown",
            "x/a -> node/n2:80 deny, calico deny",
        ],
    },
    Row {
        id: "N57, a template",
        because: "a pod of unknown address: labels decide, a block may match or not",
        objects: &[
            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: x}, spec: {template: {metadata: {labels: {pod: d}}, spec: {}}}}",
            "y/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}",
            "y/q: {podSelector: {matchLabels: {pod: b}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {pod: d}}}]}]}",
        ],
        asks: &[
            "x/d-* -> y/a:80 unknown",
            "x/d-* -> y/b:80 allow",
            "x/a -> y/b:80 deny",
        ],
    },
];

/// Questions about one address of an end that has several.
const DIALLED: &[Row] = &[
    Row {
        id: "E1, an address has one family",
        because: "a question about an IPv4 address is not about the pod's IPv6 address",
        objects: &[
            "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x, labels: {pod: a}}, spec: {nodeName: n1}, status: {phase: Running, podIPs: [{ip: 10.0.1.1}, {ip: 'fd00::1'}]}}",
            "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: y, labels: {pod: a}}, spec: {nodeName: n1}, status: {phase: Running, podIPs: [{ip: 10.0.2.1}, {ip: 'fd00::2:1'}]}}",
            "x/p: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}",
        ],
        asks: &["x/a -> 10.0.2.1:80 allow", "x/a -> fd00::2:1:80 deny"],
    },
    Row {
        id: "N35, each address of a node",
        because: "a block is compared with the address that is dialled",
        objects: &[
            "{apiVersion: v1, kind: Node, metadata: {name: n3}, status: {addresses: [{type: InternalIP, address: 192.168.0.13}, {type: ExternalIP, address: 203.0.113.50}]}}",
            "x/p: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}",
        ],
        asks: &[
            "x/a -> 203.0.113.50:80 allow",
            "x/a -> 192.168.0.13:80 deny",
        ],
    },
    Row {
        id: "N35, only the inner address",
        because: "admitting a node's inner address does not admit its outer one",
        objects: &[
            "{apiVersion: v1, kind: Node, metadata: {name: n3}, status: {addresses: [{type: InternalIP, address: 192.168.0.13}, {type: ExternalIP, address: 203.0.113.50}]}}",
            "x/p: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 192.168.0.13/32}}]}]}",
        ],
        asks: &[
            "x/a -> 203.0.113.50:80 deny",
            "x/a -> 192.168.0.13:80 allow",
        ],
    },
];

/// `x/svc-a` of the fixture, 8080 to 80 at x/a.
macro_rules! svc_a {
    ($more:literal, $port:literal) => {
        concat!(
            "{kind: Service, apiVersion: v1, metadata: {name: svc-a, namespace: x}, spec: {clusterIP: 10.96.0.10, selector: {pod: a}, ",
            $more,
            "ports: [{port: 8080, targetPort: 80",
            $port,
            "}]}}"
        )
    };
}

/// A slice of `x/svc-a`: x/a, on n1.
macro_rules! slice_a {
    ($conditions:literal) => {
        concat!(
            "{kind: EndpointSlice, apiVersion: discovery.k8s.io/v1, metadata: {name: svc-a-1, namespace: x, labels: {kubernetes.io/service-name: svc-a}}, addressType: IPv4, ports: [{port: 80}], endpoints: [{addresses: [10.0.1.1], nodeName: n1, conditions: ",
            $conditions,
            ", targetRef: {kind: Pod, name: a, namespace: x}}]}"
        )
    };
}

const FROM_E: &str = "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}";
const SVC_A: &str = svc_a!("", "");
const SLICE_A: &str = slice_a!("{ready: true}");
const NODE_PORT: &str = svc_a!("type: NodePort, ", ", nodePort: 30080");

/// Section 9.2: through Services, asked as a probe is; `from -> to:port verdict reason`.
const SERVICES: &[Row] = &[
    Row {
        id: "76a",
        because: "the target port counts",
        objects: &[
            SVC_A,
            SLICE_A,
            "x/p: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: 80}]}]}",
        ],
        asks: &["y/a -> x/svc/svc-a:8080 allow rule-allow"],
    },
    Row {
        id: "76b",
        because: "the Service's own port does not",
        objects: &[
            SVC_A,
            SLICE_A,
            "x/p: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: 8080}]}]}",
        ],
        asks: &["y/a -> x/svc/svc-a:8080 deny isolated-no-match"],
    },
    Row {
        id: "77",
        because: "each endpoint is judged by itself",
        objects: &[
            "{kind: Service, apiVersion: v1, metadata: {name: svc, namespace: x}, spec: {clusterIP: 10.96.0.11, ports: [{port: 80}]}}",
            "{kind: EndpointSlice, apiVersion: discovery.k8s.io/v1, metadata: {name: svc-1, namespace: x, labels: {kubernetes.io/service-name: svc}}, addressType: IPv4, ports: [{port: 80}], endpoints: [{addresses: [10.0.1.1]}, {addresses: [10.0.1.2]}]}",
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress]}",
        ],
        asks: &["y/a -> x/svc/svc:80 unknown pairs-differ"],
    },
    Row {
        id: "78",
        because: "policy sees the endpoint, not the Service's address",
        objects: &[
            SVC_A,
            SLICE_A,
            "y/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.96.0.0/12}}]}]}",
        ],
        asks: &[
            "y/a -> x/svc/svc-a:8080 deny isolated-no-match",
            "y/a -> 10.96.0.10:8080 deny isolated-no-match",
        ],
    },
    Row {
        id: "79a",
        because: "an endpoint outside is no pod",
        objects: &[
            OUT,
            OUT_SLICE,
            "y/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}]}]}",
        ],
        asks: &["y/a -> x/svc/out:443 deny isolated-no-match"],
    },
    Row {
        id: "79b",
        because: "an endpoint outside is an address",
        objects: &[
            OUT,
            OUT_SLICE,
            "y/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 203.0.113.7/32}}]}]}",
        ],
        asks: &["y/a -> x/svc/out:443 allow no-enforcement-at-external"],
    },
    Row {
        id: "80",
        because: "a headless name translates no port",
        objects: &[
            "{kind: Service, apiVersion: v1, metadata: {name: bare, namespace: x}, spec: {clusterIP: None, selector: {pod: a}, ports: [{port: 8080, targetPort: 80}]}}",
            "x/p: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: 80}]}]}",
        ],
        asks: &[
            "y/a -> x/svc/bare:8080 deny isolated-no-match",
            "y/a -> x/svc/bare:80 allow rule-allow",
        ],
    },
    Row {
        id: "81",
        because: "an alias has to be resolved first",
        objects: &[
            "{kind: Service, apiVersion: v1, metadata: {name: alias, namespace: x}, spec: {type: ExternalName, externalName: api.example.com}}",
            "y/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 443}]}]}",
        ],
        asks: &["y/a -> x/svc/alias:443 unknown fqdn-unknown"],
    },
    Row {
        id: "82",
        because: "n2, where it comes in, may put its own address in place of the client's",
        objects: &[NODE_PORT, SLICE_A, FROM_E],
        asks: &[
            "203.0.113.7 -> node/n2:30080 unknown nat-ambiguous",
            "203.0.113.7 -> 192.168.0.12:30080 unknown nat-ambiguous",
            "198.51.100.7 -> node/n2:30080 deny isolated-no-match",
        ],
    },
    Row {
        id: "83",
        because: "n1 is the pod's own node, and the client is let in",
        objects: &[NODE_PORT, SLICE_A, FROM_E],
        asks: &[
            "203.0.113.7 -> node/n1:30080 allow rule-allow",
            "198.51.100.7 -> node/n1:30080 unknown nat-ambiguous",
        ],
    },
    Row {
        id: "84",
        because: "the client's address is kept, and only endpoints of that node are used",
        objects: &[
            svc_a!(
                "type: NodePort, externalTrafficPolicy: Local, ",
                ", nodePort: 30080"
            ),
            SLICE_A,
            FROM_E,
        ],
        asks: &[
            "203.0.113.7 -> node/n1:30080 allow rule-allow",
            "198.51.100.7 -> node/n1:30080 deny isolated-no-match",
            "203.0.113.7 -> node/n2:30080 unreachable local-only",
        ],
    },
    Row {
        id: "85",
        because: "without an endpoint no policy is to blame",
        objects: &[SVC_A, slice_a!("{ready: false, serving: false}")],
        asks: &["y/a -> x/svc/svc-a:8080 unreachable no-endpoints"],
    },
    Row {
        id: "86",
        because: "only endpoints on the client's node",
        objects: &[svc_a!("internalTrafficPolicy: Local, ", ""), SLICE_A],
        asks: &[
            "y/b -> x/svc/svc-a:8080 unreachable local-only",
            "y/a -> x/svc/svc-a:8080 allow not-isolated",
        ],
    },
    Row {
        id: "87",
        because: "through a Service back to itself is left open",
        objects: &[
            SVC_A,
            SLICE_A,
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress, Egress]}",
        ],
        asks: &["x/a -> x/svc/svc-a:8080 unknown hairpin-undefined"],
    },
    Row {
        id: "88",
        because: "from the own node always, from elsewhere it is the client",
        objects: &[
            "{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: x, labels: {pod: a}}, spec: {nodeName: n1, containers: [{name: c, ports: [{containerPort: 80, hostPort: 8000}]}]}, status: {phase: Running, podIP: 10.0.1.1}}",
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress]}",
        ],
        asks: &[
            "node/n1 -> 127.0.0.1:8000 allow own-node",
            "node/n1 -> node/n1:8000 allow own-node",
            "203.0.113.7 -> node/n1:8000 deny isolated-no-match",
            "203.0.113.7 -> node/n2:8000 allow host-network-subject",
        ],
    },
    Row {
        id: "89",
        because: "from inside it is a call to the Service's own address",
        objects: &[
            "{kind: Service, apiVersion: v1, metadata: {name: svc-a, namespace: x}, spec: {type: LoadBalancer, externalTrafficPolicy: Local, clusterIP: 10.96.0.10, selector: {pod: a}, ports: [{port: 8080, targetPort: 80}]}, status: {loadBalancer: {ingress: [{ip: 198.51.100.1}]}}}",
            SLICE_A,
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {pod: b}}}]}]}",
        ],
        asks: &[
            "y/b -> 198.51.100.1:8080 allow rule-allow",
            "y/c -> 198.51.100.1:8080 deny isolated-no-match",
        ],
    },
    Row {
        id: "90",
        because: "a target port by name is each pod's own",
        objects: &[
            "{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: x, labels: {pod: a, app: x}}, spec: {nodeName: n1, containers: [{name: c, ports: [{containerPort: 80, name: web}]}]}, status: {phase: Running, podIP: 10.0.1.1}}",
            "{kind: Pod, apiVersion: v1, metadata: {name: b, namespace: x, labels: {pod: b, app: x}}, spec: {nodeName: n2, containers: [{name: c, ports: [{containerPort: 8080, name: web}]}]}, status: {phase: Running, podIP: 10.0.1.2}}",
            "{kind: Service, apiVersion: v1, metadata: {name: svc, namespace: x}, spec: {clusterIP: 10.96.0.13, selector: {app: x}, ports: [{port: 80, targetPort: web}]}}",
            "x/p: {podSelector: {}, ingress: [{ports: [{port: 80}]}]}",
        ],
        asks: &["y/a -> x/svc/svc:80 unknown pairs-differ"],
    },
    Row {
        id: "91a",
        because: "an endpoint that does not say is ready",
        objects: &[SVC_A, slice_a!("{ready: null}")],
        asks: &["y/a -> x/svc/svc-a:8080 allow not-isolated"],
    },
    Row {
        id: "91b",
        because: "where none is ready one that ends still serves",
        objects: &[
            SVC_A,
            slice_a!("{ready: false, serving: true, terminating: true}"),
        ],
        asks: &["y/a -> x/svc/svc-a:8080 allow not-isolated"],
    },
];

const OUT: &str = "{kind: Service, apiVersion: v1, metadata: {name: out, namespace: x}, spec: {clusterIP: 10.96.0.12, ports: [{port: 443}]}}";
const OUT_SLICE: &str = "{kind: EndpointSlice, apiVersion: discovery.k8s.io/v1, metadata: {name: out-1, namespace: x, labels: {kubernetes.io/service-name: out}}, addressType: IPv4, ports: [{port: 443}], endpoints: [{addresses: [203.0.113.7]}]}";

#[test]
fn every_row_about_services_gets_its_verdict() {
    let mut wrong = Vec::new();
    let mut missing: Vec<String> = (76..=91).map(|n| n.to_string()).collect();
    for row in SERVICES {
        missing.retain(|number| !row.id.starts_with(number.as_str()));
        let (cluster, diagnostics) = manifests::parse(&row.name(), &fixture_with(row.objects));
        check_diagnostics(row, &diagnostics, &mut wrong);
        let engine = Engine::build(&Arc::new(cluster), Profile::spec());
        for ask in row.asks {
            let (asked, expected) = ask.split_once(" -> ").unwrap();
            let (to, expected) = expected.split_once(' ').unwrap();
            let (to, port) = to.rsplit_once(':').unwrap();
            let end = |text| ends::resolve(&engine, text).unwrap();
            let port = ends::parse_port(port).unwrap();
            let answer = probe::probe(&engine, &end(asked), &end(to), Some(&port)).unwrap();
            let got = format!("{} {}", answer.verdict, answer.reason);
            if got != expected {
                wrong.push(format!(
                    "{} ({}): {ask}: got {got}",
                    row.name(),
                    row.because
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(missing.is_empty(), "no row for {missing:?}");
}

#[test]
fn every_number_has_its_row() {
    let mut missing: Vec<u32> = (1..=75).collect();
    for row in ROWS {
        let number: u32 = row
            .id
            .trim_end_matches(char::is_alphabetic)
            .parse()
            .unwrap();
        assert!(
            (1..=75).contains(&number),
            "T{} is not in the table",
            row.id
        );
        assert!(!row.asks.is_empty(), "T{} asks nothing", row.id);
        missing.retain(|n| *n != number);
    }
    assert!(missing.is_empty(), "no row for {missing:?}");
    let mut ids: Vec<&str> = ROWS.iter().map(|row| row.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), ROWS.len(), "a number is taken twice");
}

#[test]
fn every_row_gets_its_verdict() {
    check(ROWS);
}

#[test]
fn further_situations_get_their_verdicts() {
    check(FURTHER);
}

#[test]
fn an_address_is_judged_as_it_is_dialled() {
    check(DIALLED);
}

fn check(rows: &[Row]) {
    let mut wrong = Vec::new();
    for row in rows {
        let (cluster, diagnostics) = manifests::parse(&row.name(), &fixture_with(row.objects));
        check_diagnostics(row, &diagnostics, &mut wrong);
        let cluster = Arc::new(cluster);
        for ask in row.asks {
            for (profile, expected) in answers(ask) {
                let got = ask_engine(&cluster, profile, ask);
                if got != expected {
                    wrong.push(format!(
                        "{} ({}), profile {profile}: {ask}: got {got}",
                        row.name(),
                        row.because
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Rows hold legal objects, but for the one about an object that is not.
fn check_diagnostics(row: &Row, diagnostics: &[Diagnostic], wrong: &mut Vec<String>) {
    let errors = diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .count();
    if errors != usize::from(row.id == "67") {
        wrong.push(format!(
            "{}: {errors} errors in {diagnostics:?}",
            row.name()
        ));
    }
}

/// The profiles named in a line, each with the verdict it has to give; the first verdict is `spec`'s.
fn answers(ask: &str) -> Vec<(ProfileName, &str)> {
    let (first, others) = ask.split_once(", ").unwrap_or((ask, ""));
    let mut answers = vec![(ProfileName::Spec, first.rsplit(' ').next().unwrap())];
    for other in others.split(", ").filter(|text| !text.is_empty()) {
        let (name, verdict) = other.split_once(' ').unwrap();
        answers.push((ProfileName::parse(name).expect(name), verdict));
    }
    answers
}

fn ask_engine(cluster: &Arc<Cluster>, profile: ProfileName, ask: &str) -> &'static str {
    let engine = Engine::build(cluster, Profile::named(profile));
    let words: Vec<&str> = ask.split([' ', ',']).collect();
    let (from, to) = (words[0], words[2]);
    let (to, port) = to.rsplit_once(':').unwrap();
    let (port, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
    let Some(protocol) = Protocol::parse(protocol) else {
        return "unspecified";
    };
    let (from, to) = (entity(&engine, from), entity(&engine, to));
    let port = port.parse().unwrap();
    let verdict = engine.verdict(&from, &to, protocol, port);
    let explained = engine.explain(&from, &to, protocol, port).verdict;
    if verdict != explained {
        return "one verdict, and another one explained";
    }
    match verdict {
        Verdict::Allow => "allow",
        Verdict::Deny => "deny",
        Verdict::Unknown => "unknown",
        Verdict::Unreachable => "unreachable",
    }
}

fn entity(engine: &Engine, text: &str) -> Entity {
    if let Ok(address) = text.parse() {
        return engine.entity_at(address);
    }
    let (namespace, name) = text.split_once('/').unwrap();
    if namespace == "node" {
        return Entity::Node(engine.find_node(name).expect(text));
    }
    Entity::Pod(engine.find_pod(namespace, name).expect(text))
}

/// Namespaces x, y and z with pods a, b and c each, a DNS pod, two nodes; then a row's own objects, which win.
fn fixture_with(objects: &[&str]) -> String {
    let mut by_name: BTreeMap<String, String> = BTreeMap::new();
    for namespace in ["kube-system", "x", "y", "z"] {
        by_name.insert(
            format!("Namespace /{namespace}"),
            format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}, labels: {{kubernetes.io/metadata.name: {namespace}}}}}}}"),
        );
    }
    for (name, address) in [("n1", "192.168.0.11"), ("n2", "192.168.0.12")] {
        by_name.insert(
            format!("Node /{name}"),
            format!("{{apiVersion: v1, kind: Node, metadata: {{name: {name}}}, status: {{addresses: [{{type: InternalIP, address: {address}}}]}}}}"),
        );
    }
    let mut ports = Vec::new();
    for number in [80, 81] {
        for protocol in ["TCP", "UDP", "SCTP"] {
            let name = format!("serve-{number}-{}", protocol.to_lowercase());
            ports.push(format!(
                "{{name: {name}, containerPort: {number}, protocol: {protocol}}}"
            ));
        }
    }
    for (third, namespace) in (1..).zip(["x", "y", "z"]) {
        for (last, pod) in (1..).zip(["a", "b", "c"]) {
            let node = if pod == "a" { "n1" } else { "n2" };
            by_name.insert(
                format!("Pod {namespace}/{pod}"),
                format!(
                    "{{apiVersion: v1, kind: Pod, metadata: {{name: {pod}, namespace: {namespace}, labels: {{pod: {pod}}}}}, spec: {{nodeName: {node}, containers: [{{name: c, ports: [{}]}}]}}, status: {{phase: Running, podIP: 10.0.{third}.{last}}}}}",
                    ports.join(", ")
                ),
            );
        }
    }
    by_name.insert(
        "Pod kube-system/dns".to_owned(),
        "{apiVersion: v1, kind: Pod, metadata: {name: dns, namespace: kube-system, labels: {k8s-app: kube-dns}}, spec: {nodeName: n2}, status: {phase: Running, podIP: 10.0.9.9}}".to_owned(),
    );
    let mut policies = Vec::new();
    for object in objects {
        if object.starts_with('{') {
            let word = |key: &str| {
                let rest = object
                    .split_once(&format!("{key}: "))
                    .map_or("", |(_, rest)| rest);
                rest.split([',', '}']).next().unwrap()
            };
            by_name.insert(
                format!("{} {}/{}", word("kind"), word("namespace"), word("name")),
                (*object).to_owned(),
            );
        } else {
            let (name, spec) = object.split_once(": ").unwrap();
            let (namespace, name) = name.split_once('/').unwrap();
            policies.push(format!("{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: {name}, namespace: {namespace}}}, spec: {spec}}}"));
        }
    }
    let documents: Vec<String> = by_name.into_values().chain(policies).collect();
    documents.join("\n---\n")
}
