mod laws;

use std::collections::BTreeSet;

use super::{Picture, Show, View, picture};
use crate::graph::samples::{Sample, shop, stalker};
use crate::graph::{Class, Edge, Graph, Node, NodeKind, Options, Scene, State, Step, truth};

/// So many namespaces with so many workloads, each of which calls one of the next namespace.
fn ring(namespaces: usize, each: usize) -> Graph {
    let key = |ns: usize, w: usize| format!("n{ns}/deployment/w{w}");
    let nodes = (0..namespaces).flat_map(|ns| {
        (0..each).map(move |w| Node {
            key: key(ns, w),
            name: format!("w{w}"),
            namespace: Some(format!("n{ns}")),
            kind: NodeKind::Workload,
            pods: 2,
            badges: Vec::new(),
        })
    });
    let edges = (0..namespaces).flat_map(|ns| {
        (0..each).map(move |w| Edge {
            from: key(ns, w),
            to: key((ns + 1) % namespaces, (w + 1) % each),
            ports: vec![(8000 + w).to_string()],
            state: State::Plain,
            class: Class::App,
        })
    });
    Graph::new(nodes.collect(), edges.collect())
}

/// A company: shops of four namespaces each behind one ingress, teams of their own, and namespaces nobody calls.
fn company(shops: usize, teams: usize, lone: usize) -> Graph {
    let mut s = Sample::default();
    for shop in 0..shops {
        let name = format!("shop-{shop}");
        s.edge(
            "ingress/proxy",
            &format!("{name}/gateway"),
            "8100",
            State::Plain,
        );
        for service in ["cart", "order", "user"] {
            let service = format!("{name}/{service}");
            s.edge(&format!("{name}/gateway"), &service, "8000", State::Plain);
            s.edge(
                &service,
                &format!("{name}-data/mysql"),
                "3306",
                State::Plain,
            );
            s.edge(
                &service,
                &format!("{name}-queue/rabbit"),
                "5672",
                State::Plain,
            );
            s.edge("monitoring/prometheus", &service, "9090", State::Plain);
        }
    }
    for team in 0..teams {
        s.edge(
            "ingress/proxy",
            &format!("team{team}/web"),
            "80",
            State::Plain,
        );
        s.edge(
            &format!("team{team}/web"),
            &format!("team{team}/db"),
            "5432",
            State::Plain,
        );
    }
    for lone in 0..lone {
        s.node(&format!("lone{lone}/job"));
    }
    s.edge("team0/web", "shop-0-data/mysql", "3306", State::Unexpected);
    s.graph()
}

fn shown(graph: &Graph, view: View, turned: &[&str], options: &Options) -> Picture {
    let turned = turned.iter().map(|name| (*name).to_owned()).collect();
    picture(graph, None, &Show { view, turned }, options, None)
}

fn keys(picture: &Picture) -> Vec<&str> {
    let nodes = picture.graph.nodes().iter();
    nodes.map(|node| node.key.as_str()).collect()
}

/// Edges as `from -> to ports`.
fn edges(picture: &Picture) -> Vec<String> {
    let edges = picture.graph.edges().iter();
    edges
        .map(|e| format!("{} -> {} {}", e.from, e.to, e.ports.join(" ")))
        .collect()
}

fn badges<'a>(picture: &'a Picture, key: &str) -> Vec<&'a str> {
    let node = picture.graph.node(key).unwrap();
    node.badges.iter().map(String::as_str).collect()
}

fn pane() -> Options {
    Options::new(118, 30)
}

#[test]
fn what_fits_stays_whole_and_what_does_not_is_folded_by_namespace() {
    let small = ring(3, 4);
    assert_eq!(shown(&small, View::Map, &[], &pane()).graph, small);
    let folded = shown(&ring(10, 50), View::Map, &[], &pane());
    assert_eq!(folded.show.view, View::Overview);
    assert_eq!(folded.graph.nodes().len(), 10);
    assert_eq!(
        badges(&folded, "namespace/n0"),
        ["50 workloads", "100 pods"]
    );
    // Each namespace talks to the next on fifty ports.
    assert_eq!(folded.graph.edges().len(), 10);
    assert_eq!(folded.graph.edges()[0].ports.len(), 50);
}

#[test]
fn an_overview_counts_what_is_behind_a_wire() {
    let mut sample = shop();
    sample.badge("e-commerce/redis", "open in");
    sample.badge("e-commerce/redis", "open out");
    sample.badge("e-commerce/auth-mysql", "open out");
    let overview = shown(&sample.graph(), View::Overview, &[], &pane());
    let told = edges(&overview);
    for expected in [
        "namespace/traefik -> namespace/e-commerce 8100",
        "namespace/e-commerce -> namespace/e-commerce-messaging 5672×13",
        "namespace/monitoring -> namespace/e-commerce 9090×13",
    ] {
        assert!(told.contains(&expected.to_owned()), "{told:?}");
    }
    // Of the gateway to 13 services, of 11 to their database and of 13 to redis, one of them missing, and the stray one.
    assert_eq!(
        badges(&overview, "namespace/e-commerce"),
        [
            "26 workloads",
            "26 pods",
            "↻ 38 within ○1 ◆1",
            "open in 1",
            "open out 2"
        ]
    );
    assert_eq!(overview.untold, 0);
}

#[test]
fn an_opened_namespace_stands_between_its_neighbours() {
    let graph = shop().graph();
    let opened = shown(&graph, View::Overview, &["e-commerce-messaging"], &pane());
    assert_eq!(
        keys(&opened),
        [
            "dns",
            "e-commerce-messaging/deployment/minio",
            "e-commerce-messaging/deployment/rabbitmq",
            "namespace/e-commerce",
        ]
    );
    let column = |id: &str| opened.scene.find(id).unwrap().column;
    assert!(column("namespace/e-commerce") < column("e-commerce-messaging/deployment/rabbitmq"));
    assert_eq!(opened.scene.frames().len(), 1);
    // All other edges are between namespaces that are closed, or do not touch it.
    let touching = |e: &&Edge| e.from.contains("messaging") || e.to.contains("messaging");
    let touching = graph.edges().iter().filter(touching).count();
    assert_eq!(opened.untold, graph.edges().len() - touching);
}

#[test]
fn the_node_stands_between_callers_and_callees() {
    let ego = shown(
        &stalker().graph(),
        View::Ego("stalker/deployment/kafka".into()),
        &[],
        &pane(),
    );
    let ids = |column: usize| -> Vec<&str> {
        let boxes = ego.scene.boxes().iter().filter(|b| b.column == column);
        let mut boxes: Vec<_> = boxes.collect();
        boxes.sort_by_key(|b| b.rect.y);
        boxes.into_iter().map(|b| b.id.as_str()).collect()
    };
    let mut callers = ids(0);
    callers.sort_unstable();
    assert_eq!(
        callers,
        [
            "stalker/deployment/flow-manager",
            "stalker/deployment/orchestrator",
            "stalker/deployment/zookeeper"
        ]
    );
    assert_eq!(ids(1), ["stalker/deployment/kafka"]);
    let mut callees = ids(2);
    callees.sort_unstable();
    // It calls dns although that class is switched off, and one of its callers.
    assert_eq!(callees, ["to:dns", "to:stalker/deployment/zookeeper"]);
    let centre = ego.scene.find("stalker/deployment/kafka").unwrap();
    assert!(centre.centre && ego.scene.boxes().iter().filter(|b| b.centre).count() == 1);
    assert_eq!(
        ego.scene
            .find("stalker/deployment/zookeeper")
            .unwrap()
            .column,
        0
    );
    assert_eq!(ego.scene.find("dns").unwrap().id, "to:dns");
    insta::assert_snapshot!(ego.scene.text(false), @r"
    ╭─ zookeeper ────╮    ┏━ kafka ━━━┓    ╭─ zookeeper ────╮
    │                ├────►9092·9093  ┠─┬──►2181·2888·3888  │
    ╰────────────────╯ ╭──►9092       ┃ │  ╰────────────────╯
                       │  ┗━ 1 pod ━━━┛ │
    ╭─ orchestrator ─╮ │                │  ╔═ dns ══════════╗
    │                ├─┤                ╰──►53/UDP          ║
    ╰────────────────╯ │                   ╚════════════════╝
                       │
    ╭─ flow-manager ─╮ │
    │                ├─╯
    ╰────────────────╯
    ");
}

#[test]
fn a_neighbour_from_elsewhere_says_from_where() {
    let graph = shop().graph();
    let ego = shown(
        &graph,
        View::Ego("e-commerce/deployment/api-gateway".into()),
        &[],
        &pane(),
    );
    let name = |key: &str| ego.graph.node(key).unwrap().name.clone();
    assert_eq!(name("traefik/deployment/traefik"), "traefik/traefik");
    assert_eq!(name("e-commerce/deployment/cart-service"), "cart-service");
    assert_eq!(ego.scene.frames().len(), 0);
}

#[test]
fn many_peers_are_folded_where_there_is_no_room_and_unfolded_when_asked() {
    let graph = shop().graph();
    let rabbit = || View::Ego("e-commerce-messaging/deployment/rabbitmq".into());
    let roomy = shown(&graph, rabbit(), &[], &Options::new(118, 60));
    assert_eq!(roomy.graph.nodes().len(), 15, "13 services, itself and dns");
    let narrow = shown(&graph, rabbit(), &[], &Options::new(78, 10));
    assert_eq!(
        keys(&narrow),
        [
            "dns",
            "e-commerce-messaging/deployment/rabbitmq",
            "namespace/e-commerce"
        ]
    );
    assert_eq!(
        narrow.graph.node("namespace/e-commerce").unwrap().name,
        "e-commerce/* 13"
    );
    assert_eq!(
        edges(&narrow)[2],
        "namespace/e-commerce -> e-commerce-messaging/deployment/rabbitmq 5672×13"
    );
    let show = narrow.turned("namespace/e-commerce").unwrap();
    let unfolded = picture(&graph, None, &show, &Options::new(78, 10), None);
    assert_eq!(unfolded.graph.nodes().len(), 15);
    let again = unfolded
        .turned("e-commerce/deployment/cart-service")
        .unwrap();
    assert_eq!(again, narrow.show);
}

#[test]
fn a_node_that_is_gone_has_an_empty_picture() {
    let view = View::Ego("stalker/deployment/gone".into());
    let gone = shown(&stalker().graph(), view.clone(), &[], &pane());
    assert!(gone.graph.nodes().is_empty() && gone.scene.boxes().is_empty());
    assert_eq!(gone.show.view, view);
}

#[test]
fn nodes_outside_and_namespaces_have_neighbours_too() {
    let graph = stalker().graph();
    let any = shown(&graph, View::Ego("any".into()), &[], &pane());
    assert_eq!(any.graph.edges().len(), 3);
    assert!(any.scene.find("any").unwrap().centre);
    let namespace = shown(&graph, View::Ego("namespace/stalker".into()), &[], &pane());
    assert_eq!(
        keys(&namespace),
        ["any", "dns", "k8s-api", "namespace/stalker"]
    );
    assert!(badges(&namespace, "namespace/stalker").contains(&"↻ 7 within"));
}

#[test]
fn namespaces_without_connections_share_a_box() {
    let overview = shown(&company(4, 10, 60), View::Map, &[], &pane());
    assert_eq!(overview.show.view, View::Overview);
    assert_eq!(
        overview.graph.node("namespace/+").unwrap().name,
        "+ 60 namespaces"
    );
    assert_eq!(overview.groups["namespace/+"].len(), 60);
    assert_eq!(
        badges(&overview, "namespace/+"),
        ["without connections", "60 workloads", "60 pods"]
    );
    // That is enough: no other namespaces are put together.
    assert_eq!(overview.groups.len(), 1);
}

#[test]
fn namespaces_that_are_alike_share_a_box() {
    let overview = shown(&company(40, 0, 0), View::Overview, &[], &pane());
    let name = |key: &str| overview.graph.node(key).unwrap().name.clone();
    // The one with the stray connection stands apart, so does the shop that uses it.
    assert_eq!(name("namespace/shop-1+"), "shop-* 39");
    assert_eq!(name("namespace/shop-1-data+"), "shop-*-data 39");
    assert_eq!(name("namespace/shop-0-data"), "shop-0-data");
    let shops = overview.graph.edges();
    let wire = shops.iter().find(|e| e.to == "namespace/shop-1+").unwrap();
    assert_eq!(wire.ports, ["8100×39"]);
    // Opened, each has its own box again.
    let show = overview.turned("namespace/shop-1-data+").unwrap();
    let opened = picture(&company(40, 0, 0), None, &show, &pane(), None);
    assert!(opened.graph.node("namespace/shop-7-data").is_some());
    assert!(opened.graph.node("namespace/shop-7").is_none());
}

#[test]
fn nothing_is_too_much_for_a_picture() {
    for graph in [ring(500, 2), company(200, 300, 100), ring(3, 200)] {
        let picture = shown(&graph, View::Map, &[], &pane());
        let count = picture.graph.nodes().len();
        assert!((1..=60).contains(&count), "{count}");
        assert!(truth::check(&picture.scene).is_clean());
    }
}

#[test]
fn what_was_opened_and_is_too_large_stays_closed() {
    let picture = shown(&ring(3, 200), View::Overview, &["n1"], &pane());
    assert_eq!(picture.show.turned, BTreeSet::new());
    assert_eq!(picture.graph.nodes().len(), 3);
}

/// The boxes of workloads outside a namespace, by column and from top to bottom.
fn order(scene: &Scene, without: &str) -> Vec<(usize, Vec<String>)> {
    let mut boxes: Vec<_> = scene.boxes().iter().collect();
    boxes.retain(|b| b.kind == NodeKind::Workload && !b.key.starts_with(without));
    boxes.sort_by_key(|b| (b.column, b.rect.y));
    let mut columns: Vec<(usize, Vec<String>)> = Vec::new();
    for b in boxes {
        match columns.last_mut().filter(|last| last.0 == b.column) {
            Some(last) => last.1.push(b.id.clone()),
            None => columns.push((b.column, vec![b.id.clone()])),
        }
    }
    columns
}

#[test]
fn closing_and_opening_on_the_map_moves_no_other_out_of_order() {
    for (graph, namespace) in [
        (shop().graph(), "e-commerce-messaging"),
        (shop().graph(), "monitoring"),
        (stalker().graph(), "stalker-jobs"),
    ] {
        for step in [Step::Card, Step::Chip, Step::Mini] {
            let mut options = Options::new(200, 80);
            options.step = Some(step);
            let whole = shown(&graph, View::Map, &[], &options);
            let within = graph.nodes().iter();
            let within = within.filter(|n| n.namespace.as_deref() == Some(namespace));
            let show = whole.turned(&within.clone().next().unwrap().key).unwrap();
            let closed = picture(&graph, None, &show, &options, Some(&whole.scene));
            let key = format!("namespace/{namespace}");
            let column = within
                .filter_map(|n| whole.scene.find(&n.key))
                .map(|b| b.column)
                .min();
            assert_eq!(Some(closed.scene.find(&key).unwrap().column), column);
            let prefix = format!("{namespace}/");
            assert_eq!(order(&whole.scene, &prefix), order(&closed.scene, &prefix));
            let show = closed.turned(&key).unwrap();
            assert_eq!(show, whole.show);
            let opened = picture(&graph, None, &show, &options, Some(&closed.scene));
            assert_eq!(order(&whole.scene, &prefix), order(&opened.scene, &prefix));
            for picture in [&closed, &opened] {
                assert!(truth::check(&picture.scene).is_clean());
            }
        }
    }
}

#[test]
fn the_same_show_again_is_the_same_picture() {
    let graph = shop().graph();
    for (view, turned) in [
        (View::Map, vec!["monitoring"]),
        (View::Overview, vec![]),
        (View::Overview, vec!["e-commerce-messaging"]),
        (View::Ego("e-commerce/deployment/redis".into()), vec![]),
    ] {
        let first = shown(&graph, view, &turned, &pane());
        let before = Some(&first.scene);
        let again = picture(&graph, None, &first.show, &pane(), before);
        assert_eq!(first.scene.text(false), again.scene.text(false));
    }
}

#[test]
fn views_have_words() {
    for view in [View::Map, View::Overview, View::Ego("any".into())] {
        assert_eq!(View::parse(view.word(), Some("any")), Some(view));
    }
    assert_eq!(View::parse("ego", None), None);
}

/// The bench tells how quickly; here it is that what opens can be read.
#[test]
fn a_large_cluster_opens_at_an_overview_that_can_be_read() {
    // 200 shops with their data and queues, 300 teams, 98 namespaces without connections.
    let graph = company(200, 300, 98);
    let picture = shown(&graph, View::Map, &[], &pane());
    assert_eq!(picture.show, Show::overview());
    assert!((1..=48).contains(&picture.graph.nodes().len()));
    let grouped: usize = picture.groups.values().map(Vec::len).sum();
    assert!(grouped > 900, "{grouped} of about 1,000 share a box");
}
