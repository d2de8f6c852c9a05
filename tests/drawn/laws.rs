//! What must hold between the picture and the engine, in any small cluster.

use std::collections::BTreeSet;
use std::net::IpAddr;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use netseg::engine::{Engine, Entity};
use netseg::graph::{self, Class, Graph, NodeKind, Options, State, Step};
use netseg::model::{Direction, PortRange, PortSet, Protocol};
use netseg::questions::ends::{self, EndKind};
use netseg::questions::scope::{Scope, workloads};

use super::World;

const NAMES: [&str; 6] = [
    "a/web",
    "a/db",
    "a/prometheus",
    "b/web",
    "b/cache",
    "b/host",
];
/// Pods are at 10.1 and 10.2; nodes at 192.168.0.11 and .12, the API server at 192.168.50.10.
const BLOCKS: [&str; 8] = [
    "{cidr: 0.0.0.0/0}",
    "{cidr: 0.0.0.0/0, except: [10.0.0.0/8, 192.168.0.0/16, 172.16.0.0/12]}",
    "{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}",
    "{cidr: 10.1.0.0/16}",
    "{cidr: 172.16.0.0/12}",
    "{cidr: 192.168.0.11/32}",
    "{cidr: 192.168.0.0/24}",
    "{cidr: 192.168.50.10/32}",
];
const PODS: [&str; 6] = [
    "{namespaceSelector: {}}",
    "{podSelector: {}}",
    "{podSelector: {matchLabels: {app: web}}}",
    "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: b}}}",
    "{namespaceSelector: {}, podSelector: {matchLabels: {app: prometheus}}}",
    "{namespaceSelector: {}, podSelector: {matchLabels: {k8s-app: kube-dns}}}",
];
const PORTS: [&str; 5] = [
    "",
    "ports: [{port: 80}]",
    "ports: [{port: 80}, {port: 9090}]",
    "ports: [{port: 53, protocol: UDP}, {port: 53}]",
    "ports: [{port: http}]",
];
const ENDS: [&str; 12] = [
    "a-web",
    "a-db",
    "a-prometheus",
    "b-web",
    "b-cache",
    "internet",
    "external",
    "dns",
    "k8s-api",
    "node",
    "any",
    "n10",
];
const OUTSIDE: [&str; 6] = [
    "1.1.1.1",
    "10.1.200.1",
    "10.200.0.1",
    "172.16.9.9",
    "192.168.0.99",
    "192.168.99.1",
];

fn peers(key: &'static str) -> impl Strategy<Value = String> {
    let one = prop_oneof![
        4 => select(&PODS[..]).prop_map(str::to_owned),
        3 => select(&BLOCKS[..]).prop_map(|block| format!("{{ipBlock: {block}}}")),
    ];
    prop_oneof![
        1 => Just(String::new()),
        4 => prop::collection::vec(one, 1..3).prop_map(move |all| format!("{key}: [{}]", all.join(", "))),
    ]
}

fn rules(key: &'static str) -> impl Strategy<Value = String> {
    let rule = (peers(key), select(&PORTS[..])).prop_map(|(peers, ports)| {
        let parts: Vec<&str> = [peers.as_str(), ports]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        format!("{{{}}}", parts.join(", "))
    });
    prop::collection::vec(rule, 0..3).prop_map(|rules| format!("[{}]", rules.join(", ")))
}

/// Subject, types and rules of one policy.
fn policy() -> impl Strategy<Value = (usize, &'static str, String)> {
    let types = subsequence(vec!["Ingress", "Egress"], 1..=2);
    (
        0usize..2,
        select(&["", "web", "db", "prometheus", "cache"][..]),
        types,
        rules("from"),
        rules("to"),
    )
        .prop_map(|(space, app, types, ingress, egress)| {
            let mut rest = format!("policyTypes: [{}]", types.join(", "));
            if types.contains(&"Ingress") {
                rest += &format!(", ingress: {ingress}");
            }
            if types.contains(&"Egress") {
                rest += &format!(", egress: {egress}");
            }
            (space, app, rest)
        })
}

fn wide() -> impl Strategy<Value = String> {
    (
        select(&["Admin", "Baseline"][..]),
        select(&["Accept", "Deny", "Pass"][..]),
        select(&["a", "b"][..]),
        select(&[
            "ingress: [{action: ACT, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: a}}}]}]",
            "ingress: [{action: ACT, from: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {number: 80}}}]}]",
            "egress: [{action: ACT, to: [{nodes: {}}]}]",
            "egress: [{action: ACT, to: [{nodes: {matchLabels: {zone: a}}}], protocols: [{tcp: {destinationPort: {number: 80}}}]}]",
            "egress: [{action: ACT, to: [{networks: [172.16.0.0/12]}]}]",
        ][..]),
    )
        .prop_map(|(tier, action, space, rules)| {
            format!(
                "{{kind: ClusterNetworkPolicy, apiVersion: policy.networking.k8s.io/v1alpha2, metadata: {{name: wide}}, spec: {{tier: {tier}, priority: 1, subject: {{namespaces: {{matchLabels: {{kubernetes.io/metadata.name: {space}}}}}}}, {}}}}}",
                rules.replace("ACT", action)
            )
        })
}

/// From, to, ports, whether it has to be open.
type Flow = (&'static str, &'static str, &'static str, bool);

fn flow() -> impl Strategy<Value = Flow> {
    let ports = select(&["[80]", "[9090]", "[53/udp]", "any"][..]);
    (
        select(&ENDS[..]),
        select(&ENDS[..]),
        ports,
        prop::bool::weighted(0.7),
    )
}

fn is_wide(end: &str) -> bool {
    end == "any"
}

fn is_workload(end: &str) -> bool {
    end.starts_with("a-") || end.starts_with("b-")
}

#[derive(Clone, Debug)]
struct Case {
    pods: Vec<&'static str>,
    policies: Vec<(usize, &'static str, String)>,
    wide: Option<String>,
    flows: Vec<Flow>,
    rows: bool,
}

fn case(expecting: bool) -> impl Strategy<Value = Case> {
    (
        subsequence(NAMES.to_vec(), 1..=NAMES.len()),
        prop::collection::vec(policy(), 0..5),
        prop::option::weighted(0.3, wide()),
        prop::collection::vec(flow(), if expecting { 1..6 } else { 0..1 }),
        any::<bool>(),
    )
        .prop_map(|(pods, policies, wide, flows, rows)| Case {
            pods,
            policies,
            wide,
            flows,
            rows,
        })
}

impl Case {
    fn world(&self) -> World {
        let mut world = World::new();
        for (index, name) in self.pods.iter().enumerate() {
            let space = if name.starts_with("a/") { 1 } else { 2 };
            world = if *name == "b/host" {
                world.object("{kind: Pod, apiVersion: v1, metadata: {name: host, namespace: b, labels: {app: host}}, spec: {nodeName: n1, hostNetwork: true, containers: [{name: main}]}, status: {phase: Running, podIPs: [{ip: 192.168.0.11}]}}")
            } else {
                world.pod(name, &format!("10.{space}.0.{}", index + 1))
            };
        }
        for (index, (space, app, rest)) in self.policies.iter().enumerate() {
            let space = ["a", "b"][*space];
            world = world.policy(&format!("{space}/p{index}"), app, rest);
        }
        if let Some(wide) = &self.wide {
            world = world.object(wide);
        }
        if self.flows.is_empty() {
            return world;
        }
        let mut text = String::from(
            "apiVersion: netseg/v1\nkind: Expectations\nsettings: {unbound: warn}\npeers: {n10: {cidr: 10.0.0.0/8}}\nworkloads:\n",
        );
        for name in NAMES {
            let (space, app) = name.split_once('/').unwrap();
            text += &format!(
                "  {space}-{app}: {{select: {{namespace: {space}, labels: {{app: {app}}}}}}}\n"
            );
        }
        text += "environments:\n  e:\n";
        if self.rows {
            text += "    expect: {a-web: {ingress: [{ports: [80], from: b-web}], egress: [{ports: [53/udp], to: dns}]}}\n";
        }
        text += "    flows:\n";
        for (index, (from, to, ports, allow)) in self.flows.iter().enumerate() {
            let verdict = if *allow { "allow" } else { "deny" };
            text += &format!(
                "    - {{name: f{index}, from: {from}, to: {to}, ports: {ports}, verdict: {verdict}}}\n"
            );
        }
        world.expectations = text;
        world
    }
}

/// What a key of the picture stands for: everybody it means, and examples of the addresses.
fn members(engine: &Engine, key: &str) -> Vec<Entity> {
    let pods = || engine.pods().map(Entity::Pod);
    let nodes = || engine.nodes().map(Entity::Node);
    let outside = OUTSIDE
        .iter()
        .map(|text| engine.entity_at(text.parse().unwrap()));
    match key {
        "any" => pods().chain(nodes()).chain(outside).collect(),
        "cluster" => pods().collect(),
        "node" => nodes().collect(),
        "dns" => {
            ends::resolve(engine, "kube-system/coredns")
                .unwrap()
                .entities
        }
        "k8s-api" => vec![Entity::Address("192.168.50.10".parse().unwrap())],
        // Whatever stands in the picture can be typed back.
        other => {
            let end = ends::resolve(engine, other).unwrap_or_else(|e| panic!("{other}: {e}"));
            match end.kind {
                EndKind::Addresses(set) => set
                    .iter()
                    .flat_map(|range| [range.first(), range.last()])
                    .chain(
                        OUTSIDE
                            .iter()
                            .map(|text| text.parse().unwrap())
                            .filter(|a| set.contains(*a)),
                    )
                    .map(Entity::Address)
                    .collect(),
                _ => end.entities,
            }
        }
    }
}

/// The ports of an edge as policy sees them.
fn ports(to: &str, told: &[String]) -> PortSet {
    let mut all = PortSet::empty();
    for text in told {
        let (range, protocol) = text.split_once('/').unwrap_or((text, "TCP"));
        let one = match (to, range) {
            (_, "any") => PortSet::all(),
            ("k8s-api", "443") => PortSet::port(Protocol::Tcp, 6443),
            _ => {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                let range = PortRange::new(first.parse().unwrap(), last.parse().unwrap()).unwrap();
                PortSet::range(Protocol::parse(protocol).unwrap(), range)
            }
        };
        all = all.union(&one);
    }
    all
}

/// Every pair that can be tried: a pod and itself is none.
fn pairs<'a>(
    engine: &'a Engine,
    from: &'a [Entity],
    to: &'a [Entity],
) -> impl Iterator<Item = (&'a Entity, &'a Entity)> {
    from.iter()
        .flat_map(move |a| to.iter().map(move |b| (a, b)))
        .filter(|(a, b)| a != b && engine.unreachable(a, b).is_none())
}

/// No edge says that something is open that is not, or closed that is open.
fn tells_the_truth(engine: &Engine, graph: &Graph) -> Result<(), TestCaseError> {
    for edge in graph.edges() {
        let (from, to) = (members(engine, &edge.from), members(engine, &edge.to));
        let told = ports(&edge.to, &edge.ports);
        let mut open = PortSet::empty();
        let mut everywhere = PortSet::all();
        for (a, b) in pairs(engine, &from, &to) {
            let allowed = engine.allowed(a, b);
            open = open.union(&allowed.sure);
            everywhere = everywhere.intersection(&allowed.sure);
        }
        match edge.state {
            State::Plain | State::Unexpected => {
                prop_assert!(told.is_subset(&open), "{edge:?} is not open");
            }
            // Of everyone, some may get through.
            State::Missing | State::HalfOpen(_) => {
                let is_many = ["any", "cluster", "node"];
                let is_many =
                    is_many.contains(&edge.from.as_str()) || is_many.contains(&edge.to.as_str());
                prop_assert!(
                    is_many || told.intersection(&open).is_empty(),
                    "{edge:?} is open"
                );
            }
            State::Unknown => {}
        }
    }
    Ok(())
}

/// The ports that edges of some states tell between two keys.
fn told(
    graph: &Graph,
    from: &dyn Fn(&str) -> bool,
    to: &dyn Fn(&str) -> bool,
    open: bool,
) -> PortSet {
    let edges = graph.edges().iter().filter(|edge| {
        from(&edge.from)
            && to(&edge.to)
            && (!open || matches!(edge.state, State::Plain | State::Unexpected))
    });
    edges.fold(PortSet::empty(), |all, edge| {
        all.union(&ports(&edge.to, &edge.ports))
    })
}

/// What a rule names and both ends let through is an edge.
fn misses_nothing(engine: &Engine, graph: &Graph) -> Result<(), TestCaseError> {
    let all = workloads(engine);
    let ends: Vec<ends::End> = all.iter().map(|w| ends::workload_end(engine, w)).collect();
    for a in &ends {
        for b in &ends {
            let mut wanted: Option<PortSet> = None;
            for (x, y) in pairs(engine, &a.entities, &b.entities) {
                let named = engine.named(Direction::Egress, x, y).union(&engine.named(
                    Direction::Ingress,
                    y,
                    x,
                ));
                let open = named.intersection(&engine.allowed(x, y).sure);
                wanted = Some(wanted.map_or(open.clone(), |all| all.intersection(&open)));
            }
            let Some(wanted) = wanted else { continue };
            let is_dns = b.id == "kube-system/pod/coredns";
            let shown = told(
                graph,
                &|from| from == a.id,
                &|to| to == b.id || (is_dns && to == "dns"),
                true,
            );
            prop_assert!(
                wanted.is_subset(&shown),
                "{} > {}: {wanted} is let through, {shown} shown",
                a.id,
                b.id
            );
        }
        // Towards and from outside: wherever the end is isolated some rule named whoever gets through.
        let own = &a.entities[0];
        for direction in Direction::BOTH {
            if engine.isolated_by(direction, own).is_empty() {
                continue;
            }
            for text in OUTSIDE {
                let address: IpAddr = text.parse().unwrap();
                let peer = engine.entity_at(address);
                let open = match direction {
                    Direction::Egress => engine.allowed(own, &peer).sure,
                    Direction::Ingress => engine.allowed(&peer, own).sure,
                };
                let me = |key: &str| key == a.id;
                let there = |key: &str| {
                    let node = graph.node(key).unwrap();
                    match node.kind {
                        NodeKind::Any => key == "any",
                        NodeKind::Internet | NodeKind::Range => {
                            let end = ends::resolve(engine, key).unwrap();
                            let EndKind::Addresses(set) = end.kind else {
                                return false;
                            };
                            // The word stands for a set at least as wide.
                            set.contains(address) || node.kind == NodeKind::Internet
                        }
                        _ => false,
                    }
                };
                let shown = match direction {
                    Direction::Egress => told(graph, &me, &there, true),
                    Direction::Ingress => told(graph, &there, &me, true),
                };
                prop_assert!(
                    open.is_subset(&shown),
                    "{} {direction} {text}: {open} is let through, {shown} shown",
                    a.id
                );
            }
        }
    }
    Ok(())
}

/// What is expected of two ends that are no crowd is an edge, whatever becomes of it.
fn shows_what_is_expected(
    case: &Case,
    engine: &Engine,
    graph: &Graph,
) -> Result<(), TestCaseError> {
    for (from, to, written, allow) in &case.flows {
        let is_there = |end: &str| {
            !is_workload(end) || case.pods.contains(&end.replacen('-', "/", 1).as_str())
        };
        let inside = is_workload(from) || is_workload(to);
        if !allow || !inside || !is_there(from) || !is_there(to) || from == to {
            continue;
        }
        if is_wide(from) || is_wide(to) || *from == "dns" {
            continue;
        }
        let asked = match *written {
            "any" => PortSet::all(),
            "[53/udp]" => PortSet::port(Protocol::Udp, 53),
            "[80]" => PortSet::port(Protocol::Tcp, 80),
            _ => PortSet::port(Protocol::Tcp, 9090),
        };
        // Told by the ports of their Services, and only those.
        if matches!(*to, "dns" | "k8s-api") {
            continue;
        }
        let is_end = |end: &str, key: &str| match end {
            "internet" | "external" | "n10" => {
                let node = graph.node(key).unwrap();
                matches!(node.kind, NodeKind::Internet | NodeKind::Range) || key == "any"
            }
            "node" => key == "node" || key.starts_with("node/"),
            "k8s-api" => key == "k8s-api",
            workload => {
                let (space, app) = workload.split_once('-').unwrap();
                key == format!("{space}/pod/{app}")
            }
        };
        let shown = told(
            graph,
            &|key| is_end(from, key),
            &|key| is_end(to, key),
            false,
        );
        // A pod's own node is always let in, and nobody has to be told.
        let is_home = *from == "node" || *to == "node";
        prop_assert!(
            is_home || asked.is_subset(&shown),
            "{from} > {to} {written}: {shown} shown of {asked}"
        );
    }
    let _ = engine;
    Ok(())
}

/// What is not drawn as a wire is told at its box.
fn hides_nothing(graph: &Graph) -> Result<(), TestCaseError> {
    let mut options = Options::new(400, 400);
    options.step = Some(Step::Card);
    let scene = graph::layout(graph, &options, None);
    let drawn: BTreeSet<usize> = scene.drawn().iter().copied().collect();
    let badges = |key: &str| -> String {
        let boxes = scene
            .boxes()
            .iter()
            .enumerate()
            .filter(|(_, b)| b.key == key);
        let mut text = String::new();
        for (index, found) in boxes {
            for y in found.rect.y..found.rect.y + found.rect.height {
                for x in found.rect.x..found.rect.x + found.rect.width {
                    let cell = scene.cell(x, y).unwrap();
                    if cell.node == Some(index) {
                        text.push(cell.glyph);
                    }
                }
            }
        }
        text
    };
    for (index, edge) in graph.edges().iter().enumerate() {
        if drawn.contains(&index) {
            continue;
        }
        let word = match edge.class {
            _ if edge.from == edge.to => "↻",
            Class::App => return Err(TestCaseError::fail(format!("{edge:?} is nowhere"))),
            Class::Dns => "dns",
            Class::Scrape => "scrape",
            Class::ControlPlane if edge.from.starts_with("node") || edge.to.starts_with("node") => {
                "nodes"
            }
            Class::ControlPlane => "api",
        };
        let said = format!("{} {}", badges(&edge.from), badges(&edge.to));
        prop_assert!(
            said.contains(word),
            "{edge:?} has no badge `{word}`: {said}\n{}",
            scene.text(false)
        );
        prop_assert!(
            edge.from == edge.to || edge.state == State::Plain,
            "{edge:?} is hidden"
        );
    }
    Ok(())
}

fn config() -> ProptestConfig {
    let cases = std::env::var("NETSEG_DRAWN_CASES")
        .ok()
        .and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: cases.unwrap_or(300),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_picture_is_what_the_engine_says(case in case(false)) {
        let world = case.world();
        let (engine, _, graph) = world.found(&Scope::all());
        tells_the_truth(&engine, &graph)?;
        misses_nothing(&engine, &graph)?;
        hides_nothing(&graph)?;
    }

    #[test]
    fn the_picture_of_an_environment_is_what_the_engine_says(case in case(true)) {
        let world = case.world();
        let (engine, _, graph) = world.found(&Scope::all());
        tells_the_truth(&engine, &graph)?;
        misses_nothing(&engine, &graph)?;
        shows_what_is_expected(&case, &engine, &graph)?;
        hides_nothing(&graph)?;
    }
}
