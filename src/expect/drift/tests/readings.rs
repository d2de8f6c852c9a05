//! Readings of what documents leave open, by the number of the ambiguity.

use super::*;

fn egress_of_web(rules: &str) -> String {
    policy(
        "x",
        "web-out",
        &format!(
            "{{podSelector: {{matchLabels: {{app: web}}}}, policyTypes: [Egress], egress: [{rules}]}}"
        ),
    )
}

fn ingress_of_db(rules: &str) -> String {
    policy(
        "x",
        "db-in",
        &format!("{{podSelector: {{matchLabels: {{app: db}}}}, ingress: [{rules}]}}"),
    )
}

/// A1: a port without a From is open to anybody who likes, asks nothing of those who are not named, and has to be open for somebody.
#[test]
fn a_port_without_a_peer_is_tolerated_from_anybody() {
    let environment = "{expect: {db: {ingress: [\"5432\"]}}}";
    for from in [
        "{ports: [{port: 5432}]}",
        "{from: [{namespaceSelector: {}}], ports: [{port: 5432}]}",
    ] {
        let found = findings(&(base() + &ingress_of_db(from)), HEAD, environment);
        assert!(found.iter().all(|f| f.code == Code::Narrower), "{found:#?}");
    }
    // Who is documented is a peer for strict teams, whatever the level.
    let strict = HEAD.replace(
        "workloads:",
        "settings: {unspecifiedPeer: documented}\nworkloads:",
    );
    for level in ["must", "may"] {
        let environment = format!(
            "{{expect: {{web: {{egress: [{{ports: [5432], to: [db], level: {level}}}]}}, db: {{ingress: [\"5432\"]}}}}}}"
        );
        let found = findings(&(base() + &web_to_db()), &strict, &environment);
        assert_eq!(lines(&found), Vec::<String>::new(), "{level}");
    }
    let found = findings(&(base() + &web_to_db()), &strict, environment);
    assert_eq!(lines(&found), ["error excess web -> db 5432/TCP"]);
}

/// `<- any` lets in an outside address and a pod of another namespace without labels, and asks nothing of any source.
#[test]
fn anyone_means_outside_and_unlabelled_pods_of_other_namespaces() {
    let environment = "{expect: {db: {ingress: [\"5432 <- any\"]}, web: {egress: deny}}}";
    check(
        &(base() + &ingress_of_db("{ports: [{port: 5432}]}")),
        environment,
        &[],
    );
    // Pods of its own namespace are not enough, nor those with a label, nor addresses that no pod has.
    for (from, expected) in [
        (
            "{from: [{podSelector: {}}, {ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}], ports: [{port: 5432}]}",
            &["error broken cluster -> db 5432/TCP"][..],
        ),
        (
            "{from: [{namespaceSelector: {}, podSelector: {matchExpressions: [{key: app, operator: Exists}]}}], ports: [{port: 5432}]}",
            &["error broken any -> db 5432/TCP"],
        ),
        // A block that holds the addresses of pods lets them in.
        (
            "{from: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 5432}]}",
            &[],
        ),
    ] {
        check(&(base() + &ingress_of_db(from)), environment, expected);
    }
}

/// A3: replies and probes pass; DNS is denied like anything else.
#[test]
fn deny_means_dns_too() {
    let dns = "{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}], ports: [{port: 5353, protocol: UDP}]}";
    let world = base() + &services() + &egress_of_web(dns);
    let found = findings(&world, HEAD, "{expect: {web: {egress: deny}}}");
    assert_eq!(lines(&found), ["error excess web -> dns 5353/UDP"]);
    assert_eq!(found[0].to, "kube-system/pod/dns");
}

/// A5: a rule for pods of kube-system does not lead to the API server, and the virtual address is a choice.
#[test]
fn the_api_server_is_where_its_endpoints_are() {
    let environment = "{expect: {web: {egress: [\"443 -> k8s-api\"]}}}";
    let pods = "{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}], ports: [{port: 443}]}";
    let found = findings(
        &(base() + &services() + &egress_of_web(pods)),
        HEAD,
        environment,
    );
    assert!(
        lines(&found).contains(&"error broken web -> k8s-api 6443/TCP".to_owned()),
        "{found:#?}"
    );
    let virtual_address = "{to: [{ipBlock: {cidr: 10.96.0.1/32}}], ports: [{port: 443}]}";
    let head = HEAD.replace("workloads:", "settings: {k8sApi: clusterIP}\nworkloads:");
    let world = base() + &services() + &egress_of_web(virtual_address);
    assert_eq!(
        lines(&findings(&world, &head, environment)),
        Vec::<String>::new()
    );
}

/// A6: TCP is required, warned of, or nobody's business.
#[test]
fn dns_over_tcp_is_as_important_as_the_setting_says() {
    let udp = "{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}], ports: [{port: 5353, protocol: UDP}]}";
    let world = base() + &services() + &egress_of_web(udp);
    for (setting, expected) in [
        ("require", &["error broken web -> dns 5353/TCP"][..]),
        ("warn", &["warning narrower web -> dns 5353/TCP"]),
        ("ignore", &[]),
    ] {
        let head = HEAD.replace(
            "workloads:",
            &format!("settings: {{dnsTcp: {setting}}}\nworkloads:"),
        );
        let found = findings(&world, &head, "{expect: {web: {egress: [\"53 -> dns\"]}}}");
        assert_eq!(lines(&found), expected, "{setting}");
    }
}

/// A9: addresses of the family a cluster does not have are a remark, and an excess where it has it.
#[test]
fn the_other_family_is_an_excess_where_pods_have_it() {
    let environment = "{expect: {web: {egress: [\"any -> 203.0.113.0/24\"]}}}";
    let out = egress_of_web(
        "{to: [{ipBlock: {cidr: 203.0.113.0/24}}, {ipBlock: {cidr: '2001:db8::/32'}}]}",
    );
    let found = findings(&(base() + &out), HEAD, environment);
    assert_eq!(
        lines(&found),
        [
            "info excess web -> 32 any/TCP",
            "info excess web -> 32 any/UDP",
            "info excess web -> 32 any/SCTP",
        ]
    );
    assert_eq!(found[0].actual, Some(Verdict::Unreachable));
    let dual = base().replace("[{ip: 10.0.1.1}]", "[{ip: 10.0.1.1}, {ip: 'fd00::1'}]");
    assert_eq!(
        lines(&findings(&(dual + &out), HEAD, environment)),
        [
            "error excess web -> 32 any/TCP",
            "error excess web -> 32 any/UDP",
            "error excess web -> 32 any/SCTP",
        ]
    );
}

/// A10: a pod or a Service whose address lies in a network that is written down as outside.
#[test]
fn what_is_written_as_outside_holds_nobody_of_the_cluster() {
    let environment = |network: &str| {
        format!(
            "{{closedWorld: false, flows: [{{name: f, from: web, to: [{network}], ports: [443], verdict: allow, level: may}}]}}"
        )
    };
    let found = findings(&base(), HEAD, &environment("10.0.0.0/16"));
    assert_eq!(lines(&found), ["warning stale 16"]);
    assert_eq!(
        found[0].message,
        "10.0.0.0/16 is written down as outside, and holds 10.0.1.2 of x/db and 2 more: addresses of this cluster"
    );
    check(&base(), &environment("198.51.100.0/24"), &[]);
    let service = "{kind: Service, apiVersion: v1, metadata: {name: db, namespace: x}, spec: {clusterIP: 198.51.100.7, selector: {app: db}, ports: [{port: 5432}]}}\n---\n";
    let found = findings(&(base() + service), HEAD, &environment("198.51.100.0/24"));
    assert_eq!(lines(&found), ["warning stale 24"]);
    // Nodes, and the API server on them, are named by networks.
    let node = "{kind: Node, apiVersion: v1, metadata: {name: w}, status: {addresses: [{type: InternalIP, address: 198.51.100.8}]}}\n---\n";
    check(&(base() + node), &environment("198.51.100.0/24"), &[]);
}

/// A28: the API server as a source is its addresses, whoever else comes in is tolerated on that port, and that is said.
#[test]
fn the_api_server_as_a_source_is_its_addresses_and_tolerates_anybody() {
    let environment = "{expect: {db: {ingress: [\"9443 <- k8s-api\"]}}}";
    let world = |rules: &str| base() + &services() + &ingress_of_db(rules);
    let narrow = "{from: [{ipBlock: {cidr: 192.0.2.1/32}}], ports: [{port: 9443}]}";
    check(&world(narrow), environment, &[]);
    let elsewhere = "{from: [{ipBlock: {cidr: 192.0.2.9/32}}], ports: [{port: 9443}]}";
    check(
        &world(elsewhere),
        environment,
        &["error broken k8s-api -> db 9443/TCP"],
    );
    // On its own port only.
    check(
        &world("{ports: [{port: 9443}, {port: 9444}]}"),
        environment,
        &["error excess any -> db 9444/TCP"],
    );
    let (cluster, _) = manifests::parse("t", &world("{ports: [{port: 9443}]}"));
    let enforcer = detect(&cluster, true);
    let engine = Engine::build(&Arc::new(cluster), Profile::spec());
    let text = format!("{HEAD}{environment}\n");
    let plan = bind(
        &engine,
        &read("e", &text).unwrap(),
        "dev",
        date(2026, 3, 15),
    );
    let found = judge_all(&engine, &plan, &enforcer);
    let met = found.iter().find(|f| f.from == "k8s-api").expect("met");
    assert_eq!(
        met.message,
        "the API server reaches x/db on 9443/TCP, as expected; that port is open to every pod, because no rule can name the API server"
    );
}

/// A32: of several workloads under one name one that exposes the port is enough.
#[test]
fn of_a_union_one_workload_that_exposes_the_port_is_enough() {
    let container = |name: &str, port: u16| {
        pod("x", name, if name == "db" { "10.0.1.2" } else { "10.0.1.7" }).replace(
            "spec: {nodeName: w}",
            &format!(
                "spec: {{nodeName: w, containers: [{{name: c, ports: [{{containerPort: {port}}}]}}]}}"
            ),
        )
    };
    let head = HEAD.replace(
        "labels: {app: db}}}",
        "matchExpressions: [{key: app, operator: In, values: [db, hook]}]}}",
    );
    let world = |hook: u16| {
        base().replace(&pod("x", "db", "10.0.1.2"), &container("db", 80))
            + &container("hook", hook)
            + &ingress_of_db("{ports: [{port: 80}]}")
            + &egress_of_web("{}")
    };
    let environment = "{closedWorld: false, expect: {db: {ingress: [\"80 <- web\"]}}}";
    // hook is closed, and does not expose 80.
    assert_eq!(
        lines(&findings(&world(81), &head, environment)),
        Vec::<String>::new()
    );
    // It does, and db is open: one is enough.
    assert_eq!(
        lines(&findings(&world(80), &head, environment)),
        Vec::<String>::new()
    );
    // Neither that exposes it is open.
    let found = findings(
        &world(80),
        &head,
        "{closedWorld: false, expect: {db: {ingress: [\"81 <- web\"]}}}",
    );
    assert!(found.iter().any(|f| f.code == Code::Broken), "{found:#?}");
}

/// A7, and words of the other kinds: TCP unless said otherwise.
#[test]
fn a_port_without_a_protocol_is_tcp() {
    let udp =
        "{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432, protocol: UDP}]}";
    let out =
        "{to: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 5432, protocol: UDP}]}";
    check(
        &(base() + &ingress_of_db(udp) + &egress_of_web(out)),
        "{expect: {web: {egress: [\"5432 -> db\"]}}}",
        &[
            "error broken web -> db 5432/TCP",
            "error excess web -> db 5432/UDP",
        ],
    );
}

/// N52: no policy selects a pod on the host network, so what the document closes of it is open, on the ports it declares, whatever
/// its policies say. What else listens on the node is not the pod's.
#[test]
fn on_the_host_network_nothing_is_closed() {
    let exporter = |ports: &str| {
        format!(
            "{{kind: Node, apiVersion: v1, metadata: {{name: w}}, status: {{addresses: [{{type: InternalIP, address: 192.168.1.1}}]}}}}\n---\n{{kind: Pod, apiVersion: v1, metadata: {{name: db, namespace: x, labels: {{app: db}}}}, spec: {{hostNetwork: true, nodeName: w, containers: [{{name: c, ports: [{ports}]}}]}}, status: {{phase: Running, podIPs: [{{ip: 192.168.1.1}}]}}}}\n---\n"
        )
    };
    let world =
        |ports: &str| base().replace(&pod("x", "db", "10.0.1.2"), &exporter(ports)) + &web_to_db();
    let closed = "{expect: {db: {ingress: [\"5432 <- web\"], egress: any}}}";
    let told = |ports: &str, environment: &str| {
        let found = findings(&world(ports), HEAD, environment);
        let mut about = lines(&found);
        about.retain(|line| line.contains("any -> db") || line.contains("db -> any"));
        about
    };
    assert_eq!(
        told("{containerPort: 5432}, {containerPort: 9187}", closed),
        [
            "error excess any -> db 5432/TCP",
            "error excess any -> db 9187/TCP"
        ]
    );
    assert_eq!(told("", closed), Vec::<String>::new());
    let open = "{expect: {db: {ingress: [\"5432 <- any\"], egress: any}}}";
    assert_eq!(told("{containerPort: 5432}", open), Vec::<String>::new());
    let shut = "{expect: {db: {ingress: any, egress: deny}}}";
    assert_eq!(told("{containerPort: 5432}", shut).len(), 3);
}
