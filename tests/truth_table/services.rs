//! Rows 76 to 91: through Services, asked as a probe is.

use super::fixture::Row;

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
pub(crate) const SERVICES: &[Row] = &[
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
