//! Rows 92 to 127: the cluster-wide kinds of policy.networking.k8s.io.
//!
//! The houses of the upstream conformance tests are namespaces by their initials: g, the subject, and s, h and r.

use super::fixture::Row;

/// One pod in each house, on the second node.
pub(crate) const HOUSES: &[&str] = &[
    "{apiVersion: v1, kind: Namespace, metadata: {name: g, labels: {kubernetes.io/metadata.name: g}}}",
    "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: g, labels: {pod: a}}, spec: {nodeName: n1, containers: [{name: c, ports: [{name: web, containerPort: 80}]}]}, status: {phase: Running, podIP: 10.1.1.1}}",
    "{apiVersion: v1, kind: Namespace, metadata: {name: s, labels: {kubernetes.io/metadata.name: s}}}",
    "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: s, labels: {pod: a}}, spec: {nodeName: n2, containers: [{name: c, ports: [{name: web, containerPort: 80}]}]}, status: {phase: Running, podIP: 10.1.2.1}}",
    "{apiVersion: v1, kind: Namespace, metadata: {name: h, labels: {kubernetes.io/metadata.name: h}}}",
    "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: h, labels: {pod: a}}, spec: {nodeName: n2, containers: [{name: c, ports: [{name: web, containerPort: 80}]}]}, status: {phase: Running, podIP: 10.1.3.1}}",
    "{apiVersion: v1, kind: Namespace, metadata: {name: r, labels: {kubernetes.io/metadata.name: r}}}",
    "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: r, labels: {pod: a}}, spec: {nodeName: n2, containers: [{name: c, ports: [{name: web, containerPort: 80}]}]}, status: {phase: Running, podIP: 10.1.4.1}}",
];

/// What of the whole table cannot be asked here, and why.
pub(crate) const NOT_ASKED: &[(&str, &str)] = &[
    (
        "119",
        "ICMP: a question names TCP, UDP or SCTP and a port, so the ping of T119 has no form, nor have those of T59 and T60 (their rows only say so)",
    ),
    (
        "120",
        "its second half, a pod's own Service, is asked with the Services: an engine is asked about endpoints",
    ),
    (
        "123",
        "its second half: an end is a pod, a node or an address, never a name, so *.example.com and example.com are not told apart",
    ),
    (
        "127",
        "whether anybody enforces is detected beside the verdict, not in it: see the enforcer's own tests",
    ),
];

pub(crate) const ROWS: &[Row] = &[
    Row {
        id: "92",
        because: "the first rule that matches settles the tier",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, egress: [{action: Accept, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: r}}}]}, {action: Deny, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: r}}}]}, {action: Pass, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: r}}}]}, {action: Deny, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}], protocols: [{tcp: {destinationPort: {number: 80}}}]}, {action: Pass, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}], protocols: [{tcp: {destinationPort: {number: 80}}}]}, {action: Accept, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: h}}}], protocols: [{tcp: {destinationPort: {number: 8080}}}]}, {action: Deny, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: h}}}]}]}",
        ],
        asks: &["g/a -> r/a:80 allow"],
    },
    Row {
        id: "93",
        because: "Deny stands before Pass; what matches nothing falls through",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, egress: [{action: Accept, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: r}}}]}, {action: Deny, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: r}}}]}, {action: Pass, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: r}}}]}, {action: Deny, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}], protocols: [{tcp: {destinationPort: {number: 80}}}]}, {action: Pass, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}], protocols: [{tcp: {destinationPort: {number: 80}}}]}, {action: Accept, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: h}}}], protocols: [{tcp: {destinationPort: {number: 8080}}}]}, {action: Deny, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: h}}}]}]}",
        ],
        asks: &["g/a -> s/a:80 deny", "g/a -> s/a:8080 allow"],
    },
    Row {
        id: "94",
        because: "a narrow Accept before a wide Deny",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, egress: [{action: Accept, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: r}}}]}, {action: Deny, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: r}}}]}, {action: Pass, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: r}}}]}, {action: Deny, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}], protocols: [{tcp: {destinationPort: {number: 80}}}]}, {action: Pass, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}], protocols: [{tcp: {destinationPort: {number: 80}}}]}, {action: Accept, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: h}}}], protocols: [{tcp: {destinationPort: {number: 8080}}}]}, {action: Deny, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: h}}}]}]}",
        ],
        asks: &["g/a -> h/a:8080 allow", "g/a -> h/a:80 deny"],
    },
    Row {
        id: "95",
        because: "the order within the policy counts",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, egress: [{action: Deny, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: r}}}]}, {action: Accept, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: r}}}]}, {action: Pass, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: r}}}]}, {action: Deny, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}], protocols: [{tcp: {destinationPort: {number: 80}}}]}, {action: Pass, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}], protocols: [{tcp: {destinationPort: {number: 80}}}]}, {action: Accept, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: h}}}], protocols: [{tcp: {destinationPort: {number: 8080}}}]}, {action: Deny, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: h}}}]}]}",
        ],
        asks: &["g/a -> r/a:80 deny"],
    },
    Row {
        id: "96",
        because: "the same the other way round",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, ingress: [{action: Accept, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: h}}}], protocols: [{tcp: {destinationPort: {number: 80}}}]}, {action: Deny, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: h}}}]}]}",
        ],
        asks: &["h/a -> g/a:80 allow", "h/a -> g/a:8080 deny"],
    },
    Row {
        id: "97",
        because: "the items of protocols are an OR",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, egress: [{action: Deny, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}], protocols: [{tcp: {destinationPort: {number: 80}}}, {udp: {destinationPort: {number: 53}}}, {sctp: {destinationPort: {number: 9003}}}]}]}",
        ],
        asks: &[
            "g/a -> s/a:53/udp deny",
            "g/a -> s/a:5353/udp allow",
            "g/a -> s/a:9003/sctp deny",
            "g/a -> s/a:9005/sctp allow",
        ],
    },
    Row {
        id: "98",
        because: "several accepted ports, and nothing else of those peers",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, egress: [{action: Accept, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: h}}}], protocols: [{tcp: {destinationPort: {number: 8080}}}, {udp: {destinationPort: {number: 5353}}}, {sctp: {destinationPort: {number: 9003}}}]}, {action: Deny, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: h}}}]}]}",
        ],
        asks: &[
            "g/a -> h/a:9003/sctp allow",
            "g/a -> h/a:9005/sctp deny",
            "g/a -> h/a:53/udp deny",
        ],
    },
    Row {
        id: "99",
        because: "the lower number is looked at first",
        objects: &[
            "Admin 50 deny: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, ingress: [{action: Deny, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}]}]}",
            "Admin 60 pass: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, ingress: [{action: Pass, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}]}]}",
            "Baseline 10 base: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, ingress: [{action: Accept, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}]}]}",
        ],
        asks: &["s/a -> g/a:80 deny"],
    },
    Row {
        id: "100",
        because: "a Pass before the Deny leaves the tier, and Baseline accepts",
        objects: &[
            "Admin 50 deny: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, ingress: [{action: Deny, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}]}]}",
            "Admin 40 pass: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, ingress: [{action: Pass, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}]}]}",
            "Baseline 10 base: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, ingress: [{action: Accept, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}]}]}",
        ],
        asks: &["s/a -> g/a:80 allow"],
    },
    Row {
        id: "101",
        because: "a Deny of the Admin tier is final",
        objects: &[
            "Admin 10 admin: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, ingress: [{action: Deny, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}]}]}",
            "Baseline 10 base: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, ingress: [{action: Deny, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}]}]}",
            "g/p: {podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: s}}}]}]}",
        ],
        asks: &["s/a -> g/a:80 deny"],
    },
    Row {
        id: "102",
        because: "after a Pass the NetworkPolicy is final",
        objects: &[
            "Admin 10 admin: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, ingress: [{action: Pass, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}]}]}",
            "Baseline 10 base: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, ingress: [{action: Deny, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}]}]}",
            "g/p: {podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: s}}}]}]}",
        ],
        asks: &["s/a -> g/a:80 allow"],
    },
    Row {
        id: "103",
        because: "without it Baseline decides",
        objects: &[
            "Admin 10 admin: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, ingress: [{action: Pass, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}]}]}",
            "Baseline 10 base: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, ingress: [{action: Deny, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}]}]}",
        ],
        asks: &["s/a -> g/a:80 deny"],
    },
    Row {
        id: "104",
        because: "the NetworkPolicy isolates, so Baseline is never seen",
        objects: &[
            "Admin 10 admin: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, ingress: [{action: Pass, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}]}]}",
            "Baseline 10 base: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, ingress: [{action: Deny, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}]}]}",
            "g/p: {podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: s}}}]}]}",
        ],
        asks: &["h/a -> g/a:80 deny"],
    },
    Row {
        id: "105",
        because: "networks match pods as well",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, egress: [{action: Accept, to: [{pods: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: s}}, podSelector: {}}}]}, {action: Deny, to: [{networks: ['0.0.0.0/0', '::/0']}]}]}",
        ],
        asks: &[
            "g/a -> s/a:80 allow",
            "g/a -> r/a:80 deny",
            "g/a -> 203.0.113.7:443 deny",
        ],
    },
    Row {
        id: "106",
        because: "one address before all of them",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, egress: [{action: Accept, to: [{networks: [10.1.4.1/32]}]}, {action: Accept, to: [{pods: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: s}}, podSelector: {}}}]}, {action: Deny, to: [{networks: ['0.0.0.0/0', '::/0']}]}]}",
        ],
        asks: &["g/a -> r/a:80 allow"],
    },
    Row {
        id: "107",
        because: "an enforcer whose blocks pass over pods does not deny them; whether it acts on the kind at all is not said, and changes nothing",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, egress: [{action: Accept, to: [{pods: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: s}}, podSelector: {}}}]}, {action: Deny, to: [{networks: ['0.0.0.0/0', '::/0']}]}]}",
        ],
        asks: &["g/a -> r/a:80 deny, cilium allow"],
    },
    Row {
        id: "108",
        because: "nodes are met at their addresses, and host-network pods with them",
        objects: &[
            "{apiVersion: v1, kind: Pod, metadata: {name: host, namespace: h, labels: {pod: host}}, spec: {hostNetwork: true, nodeName: n2}, status: {phase: Running, podIP: 192.168.0.12}}",
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, egress: [{action: Accept, to: [{nodes: {}}], protocols: [{tcp: {destinationPort: {number: 36363}}}]}, {action: Pass, to: [{nodes: {}}], protocols: [{udp: {destinationPort: {number: 53}}}]}, {action: Deny, to: [{nodes: {}}, {networks: ['0.0.0.0/0']}]}]}",
        ],
        asks: &[
            "g/a -> h/host:36363 allow",
            "g/a -> h/host:36364 deny",
            "g/a -> h/host:53/udp allow",
            "g/a -> 192.168.0.12:36364 deny",
        ],
    },
    Row {
        id: "109",
        because: "ingress peers are pods and nothing else",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}",
        ],
        asks: &[
            "203.0.113.7 -> x/a:80 allow",
            "node/n2 -> x/a:80 allow",
            "y/a -> x/a:80 deny",
        ],
    },
    Row {
        id: "110",
        because: "an Accept settles one direction; the other decides itself",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, egress: [{action: Accept, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: y}}}]}]}",
            "y/p: {podSelector: {}, policyTypes: [Ingress]}",
        ],
        asks: &["x/a -> y/a:80 deny"],
    },
    Row {
        id: "111",
        because: "the same for the ingress side",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: y}}}, ingress: [{action: Accept, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}]}]}",
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress]}",
        ],
        asks: &["x/a -> y/a:80 deny"],
    },
    Row {
        id: "112",
        because: "a Pass in Baseline is the end of the chain, which lets through",
        objects: &[
            "Baseline 10 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, ingress: [{action: Pass, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: y}}}]}, {action: Deny, from: [{namespaces: {}}]}]}",
        ],
        asks: &["y/a -> x/a:80 allow", "z/a -> x/a:80 deny"],
    },
    Row {
        id: "113",
        because: "a policy for egress leaves the Baseline tier for ingress alone, by our reading",
        objects: &[
            "Baseline 10 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, ingress: [{action: Deny, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: z}}}]}]}",
            "x/p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{}]}",
        ],
        asks: &[
            "z/a -> x/a:80 deny, kube-network-policies allow",
            "z/a -> x/b:80 deny, kube-network-policies deny",
        ],
    },
    Row {
        id: "114a",
        because: "equal priority: nobody says who wins, or the name, or Deny; where only later versions act on the kind, a Deny may not be there",
        objects: &[
            "Admin 10 a: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, ingress: [{action: Accept, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: y}}}]}]}",
            "Admin 10 b: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, ingress: [{action: Deny, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: y}}}]}]}",
        ],
        asks: &[
            "y/a -> x/a:80 unknown, kube-network-policies allow, calico allow, cilium unknown, aws-vpc-cni allow",
        ],
    },
    Row {
        id: "114b",
        because: "with the names the other way round",
        objects: &[
            "Admin 10 b: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, ingress: [{action: Accept, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: y}}}]}]}",
            "Admin 10 a: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, ingress: [{action: Deny, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: y}}}]}]}",
        ],
        asks: &[
            "y/a -> x/a:80 unknown, kube-network-policies deny, calico unknown, cilium unknown, aws-vpc-cni allow",
        ],
    },
    Row {
        id: "114c",
        because: "a tie that changes nothing is no doubt: both let through in the end",
        objects: &[
            "Admin 10 a: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, ingress: [{action: Accept, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: y}}}]}]}",
            "Admin 10 b: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, ingress: [{action: Pass, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: y}}}]}]}",
        ],
        asks: &["y/a -> x/a:80 allow"],
    },
    Row {
        id: "115",
        because: "a name is looked up at the destination",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: g}}}, ingress: [{action: Accept, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}], protocols: [{destinationNamedPort: web}]}, {action: Deny, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: s}}}]}]}",
        ],
        asks: &["s/a -> g/a:80 allow", "s/a -> g/a:8080 deny"],
    },
    Row {
        id: "116",
        because: "a name the destination lacks denies nothing",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, egress: [{action: Deny, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: y}}}], protocols: [{destinationNamedPort: adm}]}]}",
        ],
        asks: &["x/a -> y/a:9000 allow"],
    },
    Row {
        id: "117",
        because: "a peer that cannot be understood, in a rule that denies, denies everything",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, ingress: [{action: Deny, from: [{services: {name: web}}]}]}",
        ],
        asks: &[
            "y/a -> x/a:80 deny, kube-network-policies allow",
            "203.0.113.7 -> x/a:80 deny, kube-network-policies allow",
            "node/n2 -> x/a:80 deny, kube-network-policies allow",
        ],
    },
    Row {
        id: "117b",
        because: "and so in a rule that passes",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, ingress: [{action: Pass, from: [{services: {name: web}}]}]}",
        ],
        asks: &["y/a -> x/a:80 deny, kube-network-policies allow"],
    },
    Row {
        id: "118a",
        because: "in a rule that accepts it matches nothing: allowed only because nothing else is said",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, ingress: [{action: Accept, from: [{services: {name: web}}]}]}",
        ],
        asks: &["y/a -> x/a:80 allow"],
    },
    Row {
        id: "118b",
        because: "so a NetworkPolicy still denies",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, ingress: [{action: Accept, from: [{services: {name: web}}]}]}",
            "x/p: {podSelector: {}, policyTypes: [Ingress]}",
        ],
        asks: &["y/a -> x/a:80 deny"],
    },
    Row {
        id: "118c",
        because: "the whole rule matches nothing, also where another peer of it would",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, ingress: [{action: Accept, from: [{services: {name: web}}, {namespaces: {matchLabels: {kubernetes.io/metadata.name: y}}}]}]}",
            "x/p: {podSelector: {}, policyTypes: [Ingress]}",
        ],
        asks: &["y/a -> x/a:80 deny, kube-network-policies allow"],
    },
    Row {
        id: "119",
        because: "without protocols every protocol is meant; ICMP cannot be asked, see below",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, ingress: [{action: Deny, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: z}}}]}]}",
        ],
        asks: &[
            "z/a -> x/a:80 deny",
            "z/a -> x/a:5000/udp deny",
            "z/a -> x/a:5000/sctp deny",
            "y/a -> x/a:80 allow",
        ],
    },
    Row {
        id: "120",
        because: "a pod reaches its own address; the way round by a Service is asked with the Services",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, egress: [{action: Deny, to: [{namespaces: {}}]}]}",
        ],
        asks: &["x/a -> 10.0.1.1:80 allow", "x/a -> x/b:80 deny"],
    },
    Row {
        id: "121",
        because: "the own node is no pod, so no rule here is about it",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}",
        ],
        asks: &["node/n1 -> x/a:80 allow"],
    },
    Row {
        id: "122",
        because: "a host-network pod is never subject",
        objects: &[
            "{apiVersion: v1, kind: Pod, metadata: {name: h, namespace: y, labels: {pod: h}}, spec: {hostNetwork: true, nodeName: n2}, status: {phase: Running, podIP: 192.168.0.12}}",
            "Admin 6 p: {subject: {namespaces: {}}, egress: [{action: Deny, to: [{networks: ['0.0.0.0/0']}]}]}",
        ],
        asks: &["y/h -> x/b:80 allow", "y/a -> x/b:80 deny"],
    },
    Row {
        id: "123",
        because: "a domain name may have any address outside; names themselves are no ends of a connection here",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, egress: [{action: Accept, to: [{domainNames: ['*.example.com']}], protocols: [{tcp: {destinationPort: {number: 443}}}]}, {action: Deny, to: [{networks: ['0.0.0.0/0']}]}]}",
        ],
        asks: &[
            "x/a -> 203.0.113.7:443 unknown",
            "x/a -> 203.0.113.7:80 deny",
            "x/a -> y/a:443 deny",
        ],
    },
    Row {
        id: "124",
        because: "a word of the other generation is refused, and what it touches is not certain",
        objects: &[
            "Admin 6 p: {subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, ingress: [{action: Allow, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: y}}}]}]}",
            "x/p: {podSelector: {}, policyTypes: [Ingress]}",
        ],
        asks: &["y/a -> x/a:80 unknown"],
    },
    Row {
        id: "125",
        because: "one enforcer takes priorities up to 99 only",
        objects: &[
            "{apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy, metadata: {name: p}, spec: {priority: 150, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}}",
        ],
        asks: &["y/a -> x/a:80 deny, ovn-kubernetes allow, aws-vpc-cni allow, cilium allow"],
    },
    Row {
        id: "125b",
        because: "and acts on what comes before",
        objects: &[
            "{apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy, metadata: {name: p}, spec: {priority: 99, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}}",
        ],
        asks: &["y/a -> x/a:80 deny, ovn-kubernetes deny, calico unknown"],
    },
    Row {
        id: "126",
        because: "a namespace without the key is no other tenant",
        objects: &[
            "{apiVersion: v1, kind: Namespace, metadata: {name: x, labels: {kubernetes.io/metadata.name: x, tenant: \"1\"}}}",
            "{apiVersion: v1, kind: Namespace, metadata: {name: y, labels: {kubernetes.io/metadata.name: y, tenant: \"1\"}}}",
            "{apiVersion: v1, kind: Namespace, metadata: {name: z, labels: {kubernetes.io/metadata.name: z, tenant: \"2\"}}}",
            "{apiVersion: v1, kind: Namespace, metadata: {name: w, labels: {kubernetes.io/metadata.name: w}}}",
            "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: w, labels: {pod: a}}, spec: {nodeName: n1}, status: {phase: Running, podIP: 10.0.4.1}}",
            "{apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy, metadata: {name: p}, spec: {priority: 10, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {notSameLabels: [tenant]}}]}]}}",
        ],
        asks: &[
            "y/a -> x/a:80 allow",
            "z/a -> x/a:80 deny",
            "w/a -> x/a:80 allow",
            "z/a -> w/a:80 allow",
        ],
    },
];
