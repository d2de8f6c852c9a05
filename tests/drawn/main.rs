//! What the picture holds: which boxes, edges and badges become of a cluster and of what is expected of it.

mod laws;

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::civil::date;

use netseg::engine::{Engine, Profile};
use netseg::expect::{self, Plan};
use netseg::graph::{Class, Graph, NodeKind, drawn};
use netseg::questions::connections::{Connections, connections};
use netseg::questions::scope::Scope;
use netseg::source::manifests;

/// A cluster as text: two nodes, an API server outside, DNS in kube-system, and what a test adds.
struct World {
    text: String,
    expectations: String,
}

const GROUND: &str = "
{kind: Node, apiVersion: v1, metadata: {name: n1, labels: {zone: a}}, status: {addresses: [{type: InternalIP, address: 192.168.0.11}]}}
---
{kind: Node, apiVersion: v1, metadata: {name: n2, labels: {zone: b}}, status: {addresses: [{type: InternalIP, address: 192.168.0.12}]}}
---
{kind: Namespace, apiVersion: v1, metadata: {name: default}}
---
{kind: Service, apiVersion: v1, metadata: {name: kubernetes, namespace: default}, spec: {clusterIP: 10.96.0.1, ports: [{name: https, port: 443, protocol: TCP, targetPort: 6443}]}}
---
{kind: EndpointSlice, apiVersion: discovery.k8s.io/v1, metadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}, addressType: IPv4, endpoints: [{addresses: [192.168.50.10], conditions: {ready: true}}], ports: [{name: https, port: 6443, protocol: TCP}]}
---
{kind: Namespace, apiVersion: v1, metadata: {name: kube-system}}
---
{kind: Pod, apiVersion: v1, metadata: {name: coredns, namespace: kube-system, labels: {k8s-app: kube-dns}}, spec: {nodeName: n2, containers: [{name: main}]}, status: {phase: Running, podIPs: [{ip: 10.9.0.1}]}}
---
{kind: Service, apiVersion: v1, metadata: {name: kube-dns, namespace: kube-system}, spec: {clusterIP: 10.96.0.10, selector: {k8s-app: kube-dns}, ports: [{name: dns, port: 53, protocol: UDP, targetPort: 53}, {name: dns-tcp, port: 53, protocol: TCP, targetPort: 53}]}}
---
{kind: EndpointSlice, apiVersion: discovery.k8s.io/v1, metadata: {name: d, namespace: kube-system, labels: {kubernetes.io/service-name: kube-dns}}, addressType: IPv4, endpoints: [{addresses: [10.9.0.1], conditions: {ready: true}, targetRef: {kind: Pod, namespace: kube-system, name: coredns}}], ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]}
";

impl World {
    fn new() -> Self {
        Self {
            text: GROUND.to_owned(),
            expectations: String::new(),
        }
    }

    fn object(mut self, yaml: &str) -> Self {
        let _ = write!(self.text, "---\n{yaml}\n");
        self
    }

    /// A pod `ns/name` with the label `app: name`, on node n2, with the ports `http` 80 and `metrics` 9090.
    fn pod(self, name: &str, ip: &str) -> Self {
        let (ns, name) = name.split_once('/').unwrap();
        self.object(&format!(
            "{{kind: Pod, apiVersion: v1, metadata: {{name: {name}, namespace: {ns}, labels: {{app: {name}}}}}, spec: {{nodeName: n2, containers: [{{name: main, ports: [{{name: http, containerPort: 80}}, {{name: metrics, containerPort: 9090}}]}}]}}, status: {{phase: Running, podIPs: [{{ip: {ip}}}]}}}}"
        ))
    }

    fn policy(self, name: &str, app: &str, rest: &str) -> Self {
        let (ns, name) = name.split_once('/').unwrap();
        let selector = if app.is_empty() {
            "{}".to_owned()
        } else {
            format!("{{matchLabels: {{app: {app}}}}}")
        };
        self.object(&format!(
            "{{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {{name: {name}, namespace: {ns}}}, spec: {{podSelector: {selector}, {rest}}}}}"
        ))
    }

    /// What environment `e` says, over workloads that are called by their `app`.
    fn expect(mut self, apps: &[&str], rest: &str) -> Self {
        let workloads: Vec<String> = apps
            .iter()
            .map(|app| format!("{app}: {{select: {{labels: {{app: {app}}}}}}}"))
            .collect();
        self.expectations = format!(
            "apiVersion: netseg/v1\nkind: Expectations\nworkloads: {{{}}}\nenvironments: {{e: {{{rest}}}}}\n",
            workloads.join(", ")
        );
        self
    }

    fn engine(&self) -> Engine {
        let (cluster, told) = manifests::parse("t", &self.text);
        assert!(told.is_empty(), "{told:?}");
        Engine::build(&Arc::new(cluster), Profile::spec())
    }

    fn plan(&self, engine: &Engine) -> Option<Plan> {
        (!self.expectations.is_empty()).then(|| {
            let read = expect::read("e", &self.expectations).unwrap();
            expect::bind(engine, &read, "e", date(2026, 3, 15))
        })
    }

    fn found(&self, scope: &Scope) -> (Engine, Connections, Graph) {
        let engine = self.engine();
        let plan = self.plan(&engine);
        let found = connections(&engine, plan.as_ref(), scope);
        let graph = drawn::from_connections(&found, scope);
        (engine, found, graph)
    }

    fn graph(&self) -> Graph {
        self.found(&Scope::all()).2
    }

    /// Every edge as `from > to ports state`, then with its class where that is not app.
    fn edges(&self) -> Vec<String> {
        let graph = self.graph();
        let edges = graph.edges().iter().map(|edge| {
            let class = match edge.class {
                Class::App => String::new(),
                other => format!(" {other:?}"),
            };
            let ports = edge.ports.join(",");
            format!(
                "{} > {} {ports} {:?}{class}",
                edge.from, edge.to, edge.state
            )
        });
        edges.collect()
    }

    fn badges(&self, key: &str) -> String {
        self.graph().node(key).unwrap().badges.join(", ")
    }

    fn remarks(&self, scope: &Scope) -> Vec<String> {
        let (engine, found, _) = self.found(scope);
        drawn::remarks(&engine, &found, scope)
    }
}

/// `web` and `db` in shop.
fn shop() -> World {
    World::new()
        .pod("shop/web", "10.0.1.1")
        .pod("shop/db", "10.0.1.2")
}

const WEB: [&str; 2] = ["web", "db"];

fn of(namespaces: &[&str]) -> Scope {
    Scope::of(namespaces.iter().map(|name| (*name).to_owned()))
}

// What is expected.

/// One flow, to a workload that nothing isolates, that denies it, and of which it is not known.
#[test]
fn what_is_expected_is_a_wire_also_where_the_end_is_open() {
    for (from, key, class) in [
        ("internet", "internet", ""),
        ("203.0.113.0/24", "203.0.113.0/24", ""),
        ("external", "internet", ""),
        ("any", "any", ""),
        ("db", "shop/pod/db", ""),
        ("k8s-api", "k8s-api", " ControlPlane"),
        ("node", "node/n1", " ControlPlane"),
        ("cluster", "cluster", ""),
    ] {
        let expected =
            format!("flows: [{{name: f, from: {from}, to: web, ports: [80], verdict: allow}}]");
        let open = shop().expect(&WEB, &expected);
        let to = "shop/pod/web 80";
        // Of the nodes it is the other one that is asked: a pod's own is always let in.
        assert_eq!(
            open.edges(),
            [format!("{key} > {to} Plain{class}")],
            "{from}"
        );
        let closed = open.policy("shop/shut", "web", "policyTypes: [Ingress]");
        assert_eq!(
            closed.edges(),
            [format!("{key} > {to} Missing{class}")],
            "{from}"
        );
        let unknown = shop().expect(&WEB, &expected).object(
            "{kind: CiliumNetworkPolicy, apiVersion: cilium.io/v2, metadata: {name: c, namespace: shop}, spec: {endpointSelector: {matchLabels: {app: web}}, ingress: [{}]}}",
        );
        assert_eq!(
            unknown.edges(),
            [format!("{key} > {to} Unknown{class}")],
            "{from}"
        );
    }
}

#[test]
fn what_is_expected_of_an_open_source_is_a_wire() {
    for (to, port, key, class) in [
        ("internet", "443", "internet", ""),
        ("10.0.0.0/8", "443", "10.0.0.0/8", ""),
        ("db", "443", "shop/pod/db", ""),
        ("dns", "53", "dns", " Dns"),
        ("k8s-api", "443", "k8s-api", " ControlPlane"),
        ("node", "443", "node/n1", " ControlPlane"),
        ("any", "443", "any", ""),
    ] {
        let expected =
            format!("flows: [{{name: f, from: web, to: {to}, ports: [{port}], verdict: allow}}]");
        let open = shop().expect(&WEB, &expected);
        let told = if key == "dns" {
            "53/UDP".to_owned()
        } else {
            port.to_owned()
        };
        let wire = |state: &str| vec![format!("shop/pod/web > {} {told} {state}{class}", key)];
        assert_eq!(open.edges(), wire("Plain"), "{to}");
        let closed = open.policy("shop/shut", "web", "policyTypes: [Egress]");
        assert_eq!(closed.edges(), wire("Missing"), "{to}");
    }
}

#[test]
fn ports_that_have_to_be_open_for_somebody_are_a_wire_from_any() {
    let rows = "expect: {web: {ingress: [80]}}";
    let wire = |state: &str| vec![format!("any > shop/pod/web 80 {state}")];
    assert_eq!(shop().expect(&WEB, rows).edges(), wire("Plain"));
    let shut = shop().policy("shop/shut", "", "policyTypes: [Ingress]");
    assert_eq!(shut.expect(&WEB, rows).edges(), wire("Missing"));
}

/// A document that lists who may come in, and a workload that lets everybody in: a badge, not a wire from everybody.
#[test]
fn openness_that_is_not_expected_is_a_badge_and_no_edge() {
    let rows = "expect: {db: {ingress: [{ports: [5432], from: web}]}}";
    let world = shop().pod("shop/other", "10.0.1.3").expect(&WEB, rows);
    assert_eq!(world.edges(), ["shop/pod/web > shop/pod/db 5432 Plain"]);
    assert_eq!(world.badges("shop/pod/db"), "open in!, open out");
    assert_eq!(world.badges("shop/pod/other"), "open in, open out");
}

/// A pair that is forbidden by name is told as what it is; what is forbidden to everyone is told at the box.
#[test]
fn what_is_forbidden_by_name_and_open_is_not_expected() {
    let flow = |from: &str| {
        format!("flows: [{{name: f, from: {from}, to: db, ports: any, verdict: deny}}]")
    };
    for (from, key) in [
        ("internet", "internet"),
        ("web", "shop/pod/web"),
        ("k8s-api", "k8s-api"),
    ] {
        let world = shop().expect(&WEB, &flow(from));
        let class = if from == "k8s-api" {
            " ControlPlane"
        } else {
            ""
        };
        assert_eq!(
            world.edges(),
            [format!("{key} > shop/pod/db any Unexpected{class}")]
        );
        let shut = world.policy("shop/shut", "", "policyTypes: [Ingress]");
        assert_eq!(shut.edges(), [""; 0], "{from}");
    }
    for from in ["any", "cluster", "elsewhere"] {
        let world = shop().expect(&WEB, &flow(from));
        assert_eq!(world.edges(), [""; 0], "{from}");
        assert_eq!(world.badges("shop/pod/db"), "open in!, open out", "{from}");
        assert_eq!(world.badges("shop/pod/web"), "open in, open out", "{from}");
    }
}

/// Open to everyone, meant for the internet: one edge from any that nobody expected, and beside it whom it is meant for.
#[test]
fn a_rule_for_everyone_that_is_meant_for_some() {
    let world = shop().policy("shop/open", "web", "ingress: [{ports: [{port: 443}]}]");
    assert_eq!(world.edges(), ["any > shop/pod/web 443 Plain"]);
    let rows =
        |from: &str| format!("expect: {{web: {{ingress: [{{ports: [443], from: {from}}}]}}}}");
    let any = "any > shop/pod/web 443 Unexpected";
    let world = world.expect(&WEB, &rows("internet"));
    assert_eq!(world.edges(), [any, "internet > shop/pod/web 443 Plain"]);
    let world = world.expect(&WEB, &rows("db"));
    assert_eq!(world.edges(), [any, "shop/pod/db > shop/pod/web 443 Plain"]);
    let world = world.expect(&WEB, &rows("any"));
    assert_eq!(world.edges(), ["any > shop/pod/web 443 Plain"]);
}

// Ranges.

#[test]
fn any_and_internet_and_ranges_are_told_apart() {
    let to = |block: &str| {
        format!(
            "policyTypes: [Egress], egress: [{{to: [{{ipBlock: {block}}}], ports: [{{port: 443}}]}}]"
        )
    };
    let private = "except: [0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16, 224.0.0.0/3]";
    for (block, key, name) in [
        ("{cidr: 0.0.0.0/0}", "any", "any"),
        (
            &format!("{{cidr: 0.0.0.0/0, {private}}}"),
            "internet",
            "internet",
        ),
        (
            "{cidr: 0.0.0.0/0, except: [10.0.0.0/8]}",
            "internet",
            "internet",
        ),
        ("{cidr: 10.0.0.0/8}", "10.0.0.0/8", "10.0.0.0/8"),
        (
            "{cidr: 10.0.0.0/8, except: [10.128.0.0/16]}",
            "10.0.0.0-10.127.255.255,10.129.0.0-10.255.255.255",
            "10.0.0.0/8 except 10.128.0.0/16",
        ),
    ] {
        let world = shop().policy("shop/out", "web", &to(block));
        let graph = world.graph();
        let edges: Vec<(&str, &str)> = graph
            .edges()
            .iter()
            .map(|e| (e.from.as_str(), e.to.as_str()))
            .collect();
        let shown = graph.node(edges[0].1).unwrap().name.clone();
        let said = edges[0]
            .1
            .replace("10.0.0.0/9,", "10.0.0.0-10.127.255.255,");
        assert_eq!(
            (edges.len(), said.as_str(), shown.as_str()),
            (1, key, name),
            "{block}"
        );
    }
}

/// Two rules of two policies for the same pair are one edge; overlapping networks are two boxes.
#[test]
fn rules_for_one_pair_are_one_edge_and_overlapping_ranges_are_not_mixed_up() {
    let into =
        |from: &str, port: u16| format!("ingress: [{{from: [{from}], ports: [{{port: {port}}}]}}]");
    let web = "{podSelector: {matchLabels: {app: web}}}";
    let world = shop()
        .policy("shop/one", "db", &into(web, 5432))
        .policy("shop/two", "db", &into(web, 9999))
        .policy(
            "shop/wide",
            "db",
            &into("{ipBlock: {cidr: 10.64.0.0/10}}", 22),
        )
        .policy(
            "shop/narrow",
            "db",
            &into("{ipBlock: {cidr: 10.65.0.0/16}}", 23),
        );
    assert_eq!(
        world.edges(),
        [
            "10.64.0.0/10 > shop/pod/db 22 Plain",
            "10.65.0.0/16 > shop/pod/db 23 Plain",
            "shop/pod/web > shop/pod/db 5432,9999 Plain",
        ]
    );
}

// Nodes.

#[test]
fn nodes_that_rules_name_are_boxes_and_no_ranges() {
    let wide = |nodes: &str| {
        format!(
            "{{kind: ClusterNetworkPolicy, apiVersion: policy.networking.k8s.io/v1alpha2, metadata: {{name: n}}, spec: {{tier: Admin, priority: 1, subject: {{namespaces: {{matchLabels: {{kubernetes.io/metadata.name: shop}}}}}}, egress: [{{action: Accept, to: [{{nodes: {nodes}}}], protocols: [{{tcp: {{destinationPort: {{number: 10250}}}}}}]}}]}}}}"
        )
    };
    let shut = |world: World| world.policy("shop/shut", "", "policyTypes: [Egress]");
    let one = || World::new().pod("shop/web", "10.0.1.1");
    let every = shut(one().object(&wide("{}")));
    assert_eq!(
        every.edges(),
        ["shop/pod/web > node 10250 Plain ControlPlane"]
    );
    let node = every.graph().node("node").unwrap().clone();
    assert_eq!(
        (node.name.as_str(), node.kind),
        ("nodes", NodeKind::ClusterNode)
    );
    let some = shut(one().object(&wide("{matchLabels: {zone: a}}")));
    assert_eq!(
        some.edges(),
        ["shop/pod/web > node/n1 10250 Plain ControlPlane"]
    );
    assert_eq!(
        some.graph().node("node/n1").unwrap().kind,
        NodeKind::ClusterNode
    );
    // By address, alone and both in one network.
    let by = |cidr: &str| {
        one().policy(
            "shop/in",
            "",
            &format!("ingress: [{{from: [{{ipBlock: {{cidr: {cidr}}}}}], ports: [{{port: 80}}]}}]"),
        )
    };
    assert_eq!(
        by("192.168.0.11/32").edges(),
        ["node/n1 > shop/pod/web 80 Plain ControlPlane"]
    );
    // A network with more in it than nodes is what it says.
    assert_eq!(
        by("192.168.0.0/24").edges(),
        ["192.168.0.0/24 > shop/pod/web 80 Plain"]
    );
    // The address of the API server is the API server.
    assert_eq!(
        by("192.168.50.10/32").edges(),
        ["k8s-api > shop/pod/web 80 Plain ControlPlane"]
    );
}

// Members of one workload.

#[test]
fn members_that_do_not_let_each_other_in_are_half_open() {
    let pod = |number: u8| {
        format!(
            "{{kind: Pod, apiVersion: v1, metadata: {{name: db-{number}, namespace: shop, labels: {{app: db}}, ownerReferences: [{{kind: StatefulSet, apiVersion: apps/v1, name: db, controller: true, uid: u}}]}}, spec: {{nodeName: n2, containers: [{{name: main}}]}}, status: {{phase: Running, podIPs: [{{ip: 10.0.1.{number}}}]}}}}"
        )
    };
    let peers = "to: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 7000}]";
    let world = World::new()
        .object(&pod(1))
        .object(&pod(2))
        .policy(
            "shop/out",
            "db",
            &format!("policyTypes: [Egress], egress: [{{{peers}}}]"),
        )
        .policy("shop/in", "db", "policyTypes: [Ingress]");
    let key = "shop/statefulset/db";
    assert_eq!(world.edges(), [format!("{key} > {key} 7000 HalfOpen(To)")]);
    let template = World::new()
        .object("{kind: StatefulSet, apiVersion: apps/v1, metadata: {name: db, namespace: shop}, spec: {replicas: 3, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: main}]}}}}")
        .policy("shop/out", "db", &format!("policyTypes: [Egress], egress: [{{{peers}}}]"))
        .policy("shop/in", "db", "policyTypes: [Ingress]");
    assert_eq!(
        template.edges(),
        [format!("{key} > {key} 7000 HalfOpen(To)")]
    );
}

// Who gets a box.

#[test]
fn a_cluster_in_which_nothing_is_isolated_says_so() {
    let open = "no policy is loaded: nothing is isolated, everything is open";
    assert_eq!(shop().remarks(&Scope::all()), [open]);
    assert!(shop().edges().is_empty());
    assert_eq!(shop().badges("shop/pod/web"), "open in, open out");
    let nobody = shop().policy("shop/p", "nobody", "policyTypes: [Ingress]");
    assert_eq!(
        nobody.remarks(&Scope::all()),
        ["no policy isolates a workload: everything is open"]
    );
    let elsewhere =
        shop()
            .pod("bank/vault", "10.0.2.1")
            .policy("bank/p", "", "policyTypes: [Ingress]");
    assert_eq!(
        elsewhere.remarks(&of(&["shop"])),
        ["no policy isolates a workload of shop: everything is open there"]
    );
    assert_eq!(elsewhere.remarks(&of(&["bank"])), [""; 0]);
    assert_eq!(
        elsewhere.remarks(&of(&["none"])),
        ["namespace none has no workload: there is nothing to draw"]
    );
    assert!(elsewhere.found(&of(&["none"])).2.nodes().is_empty());
    // What is not known is not open.
    let doubt = shop().object("{kind: CiliumNetworkPolicy, apiVersion: cilium.io/v2, metadata: {name: c, namespace: shop}, spec: {endpointSelector: {}, ingress: [{}]}}");
    assert_eq!(doubt.remarks(&Scope::all()), [""; 0]);
}

#[test]
fn what_is_left_out_is_counted_and_what_anybody_speaks_of_is_not_left_out() {
    let keys = |world: &World| -> Vec<String> {
        let graph = world.graph();
        graph.nodes().iter().map(|node| node.key.clone()).collect()
    };
    let shut = || {
        shop().pod("kube-system/proxy", "10.9.0.2").policy(
            "shop/shut",
            "",
            "policyTypes: [Ingress]",
        )
    };
    assert_eq!(keys(&shut()), ["shop/pod/db", "shop/pod/web"]);
    assert_eq!(
        shut().remarks(&Scope::all()),
        ["2 workloads of kube-system that nothing isolates are not drawn"]
    );
    let listed = shut().expect(&["proxy"], "expect: {proxy: {ingress: deny}}");
    assert_eq!(
        keys(&listed),
        ["kube-system/pod/proxy", "shop/pod/db", "shop/pod/web"]
    );
    assert_eq!(listed.badges("kube-system/pod/proxy"), "open in!, open out");
    assert_eq!(
        listed.remarks(&Scope::all()),
        ["1 workload of kube-system that nothing isolates is not drawn"]
    );
    // Asked for by name, they are what was asked for.
    assert_eq!(shut().found(&of(&["kube-system"])).2.nodes().len(), 2);
}

#[test]
fn peers_in_other_namespaces_stand_in_their_own_frames() {
    let world = shop()
        .pod("bank/vault", "10.0.2.1")
        .pod("bank/idle", "10.0.2.2")
        .policy("bank/in", "vault", "ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}, podSelector: {matchLabels: {app: web}}}], ports: [{port: 80}]}]");
    let (_, _, graph) = world.found(&of(&["shop"]));
    let nodes: Vec<(&str, Option<&str>)> = graph
        .nodes()
        .iter()
        .map(|node| (node.key.as_str(), node.namespace.as_deref()))
        .collect();
    assert_eq!(
        nodes,
        [
            ("bank/pod/vault", Some("bank")),
            ("shop/pod/db", Some("shop")),
            ("shop/pod/web", Some("shop")),
        ]
    );
    assert_eq!(graph.edges().len(), 1);
}

#[test]
fn templates_twins_and_finished_jobs() {
    let template = |kind: &str, replicas: u8| {
        format!(
            "{{kind: {kind}, apiVersion: apps/v1, metadata: {{name: db, namespace: shop}}, spec: {{replicas: {replicas}, selector: {{matchLabels: {{app: db}}}}, template: {{metadata: {{labels: {{app: db}}}}, spec: {{containers: [{{name: main}}]}}}}}}}}"
        )
    };
    let world = World::new()
        .object(&template("Deployment", 0))
        .object(&template("StatefulSet", 2))
        .object("{kind: Pod, apiVersion: v1, metadata: {name: once, namespace: shop, ownerReferences: [{kind: Job, apiVersion: batch/v1, name: once, controller: true, uid: u}]}, status: {phase: Succeeded, podIPs: [{ip: 10.0.1.9}]}}")
        .policy("shop/in", "", "ingress: [{from: [{podSelector: {}}], ports: [{port: 80}]}]");
    let (_, _, graph) = world.found(&of(&["shop"]));
    let nodes: Vec<(&str, &str, u32)> = graph
        .nodes()
        .iter()
        .map(|node| (node.key.as_str(), node.name.as_str(), node.pods))
        .collect();
    assert_eq!(
        nodes,
        [
            ("shop/deployment/db", "deployment/db", 0),
            ("shop/statefulset/db", "statefulset/db", 2),
        ]
    );
}

// What kind of traffic it is.

#[test]
fn traffic_is_told_by_end_and_port() {
    let rest = "policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}], ports: [{port: 53, protocol: UDP}, {port: 8080}]}, {to: [{ipBlock: {cidr: 192.168.50.10/32}}], ports: [{port: 6443}]}, {to: [{ipBlock: {cidr: 192.168.0.11/32}}], ports: [{port: 10250}]}, {to: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 80}, {port: 9090}]}]";
    let world = shop().policy("shop/all", "web", rest);
    assert_eq!(
        world.edges(),
        [
            "shop/pod/web > dns 53/UDP Plain Dns",
            "shop/pod/web > k8s-api 443 Plain ControlPlane",
            "shop/pod/web > kube-system/pod/coredns 8080 Plain",
            "shop/pod/web > node/n1 10250 Plain ControlPlane",
            "shop/pod/web > shop/pod/db 80 Plain",
            "shop/pod/web > shop/pod/db 9090 Plain Scrape",
        ]
    );
    // Whatever the port, it is Prometheus that asks.
    let world = World::new()
        .pod("shop/prometheus-server", "10.0.1.1")
        .pod("shop/web", "10.0.1.2")
        .policy("shop/in", "web", "ingress: [{from: [{podSelector: {matchLabels: {app: prometheus-server}}}], ports: [{port: 80}]}]");
    assert_eq!(
        world.edges(),
        ["shop/pod/prometheus-server > shop/pod/web 80 Plain Scrape"]
    );
    // Lookups at whomever are lookups; what is open besides is not.
    let world = shop().policy(
        "shop/out",
        "web",
        "policyTypes: [Egress], egress: [{ports: [{port: 53, protocol: UDP}, {port: 443}]}]",
    );
    assert_eq!(
        world.edges(),
        [
            "shop/pod/web > any 443 Plain",
            "shop/pod/web > any 53/UDP Plain Dns",
        ]
    );
}

/// A rule for every pod whose egress is closed everywhere lets nobody in.
#[test]
fn a_rule_for_every_pod_that_none_can_use_is_half_open() {
    let world = shop().policy(
        "shop/in",
        "web",
        "ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 80}]}]",
    );
    assert_eq!(world.edges(), ["cluster > shop/pod/web 80 Plain"]);
    let world = world
        .policy("shop/shut", "", "policyTypes: [Egress]")
        .policy("kube-system/shut", "", "policyTypes: [Egress]");
    assert_eq!(world.edges(), ["cluster > shop/pod/web 80 HalfOpen(From)"]);
}
