//! Rows 1 to 75: `NetworkPolicy`.

use super::fixture::Row;

pub(crate) const ROWS: &[Row] = &[
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
pub(crate) const FURTHER: &[Row] = &[
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
pub(crate) const DIALLED: &[Row] = &[
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
