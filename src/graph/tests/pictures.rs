//! Pictures, read by eye, and what a caller does with them.

use std::collections::BTreeSet;

use crate::graph::samples::{Sample, shop, stalker};
use crate::graph::{Class, Direction, End, Graph, Ink, Options, Scene, State, Step, layout, truth};

pub(super) fn with_api(width: u16, height: u16) -> Options {
    let mut options = Options::new(width, height);
    options.classes.insert(Class::ControlPlane);
    options
}

pub(super) fn pinned(graph: &Graph, step: Step) -> Scene {
    let mut options = with_api(160, 40);
    options.step = Some(step);
    layout(graph, &options, None)
}

/// The demo with an edge of every state.
pub(super) fn mixed() -> Sample {
    let mut s = stalker();
    let half = |end| State::HalfOpen(end);
    s.edge("stalker/ui", "stalker/flow-manager", "3000", half(End::To));
    s.edge(
        "stalker/orchestrator",
        "stalker/mongo",
        "27017",
        half(End::From),
    );
    s.edge(
        "stalker/exporter",
        "stalker/kafka",
        "5135",
        State::Unexpected,
    );
    s.edge(
        "stalker/flow-manager",
        "stalker/orchestrator",
        "5135",
        State::Missing,
    );
    s.edge(
        "stalker/cron-service",
        "stalker/kafka",
        "9092",
        State::Missing,
    );
    s.edge("stalker/ui", "stalker/mongo", "27017", State::Unknown);
    s.edge("stalker/orchestrator", "dns", "53/UDP", half(End::From));
    s.badge("stalker/ui", "open out");
    s
}

#[test]
fn the_demo_in_80_columns_is_mini() {
    let scene = layout(&stalker().graph(), &with_api(78, 12), None);
    assert_eq!((scene.step_shown(), scene.fits()), (Step::Mini, true));
    insta::assert_snapshot!(scene.text(false), @r"
             ╭─ stalker ───────────────────────────────────────────────────────╮
           ╭───►ui           ▌                                                 │
    ▐any ╶━╈━━━━━━━━━━━━━━━━━━━━━━━┯━━━━━━━━━━━━━━━━━┯━━►mongo ▌               │
           ┗━━━►cron-service ╶─────●─►flow-manager ╶─●┬─►kafka ╶──►zookeeper ▌ │
             │ ▐orchestrator ╶────┬───────────────────╯ ▐      ◄──╴          ▌ │
             ╰────────────────────│────────────────────────────────────────────╯
             ╭─ stalker-jobs ──╮  │
             │ ▐jobs         ╶───╮╰──►k8s-api      ▌
             ╰─────────────────╯ │
                                 ╰───►internet     ▌
    ");
}

#[test]
fn the_demo_in_120_columns_is_tight_cards() {
    let scene = layout(&stalker().graph(), &with_api(118, 20), None);
    assert_eq!((scene.step_shown(), scene.fits()), (Step::CardTight, true));
    insta::assert_snapshot!(scene.text(false), @r"
              ╭─ stalker ────────────────────────────────────────────────────────────────────────╮
              │ ╭ ui ──────────╮     ╭ orchestrator ╮                                            │  ╔ k8s-api ═╗
            ╭───►4200          │     │              ├──●────────────────────────────────────────────►443       ║
            │ │ ╰──────────────╯     ╰ dns ─────────╯  │ ╭ kafka ──────────╮  ╭ zookeeper ─────╮ │  ╚══════════╝
            │ │ ╭ cron-service ╮     ╭ flow-manager ╮  ├─►9092             ├──►2181·2888·3888  │ │
            ┢━━━►3000          ├───●─►3000          ├─●╯ │        9092·9093◄──┤                │ │
            ┃ │ ╰ dns ─────────╯   │ ╰ dns ─────────╯ │  ╰ dns ────────────╯  ╰ dns ───────────╯ │
    ╔ any ╗ ┃ │                    │                  │  ╭ mongo ──────────╮                     │
    ║     ╟━┻━━━━━━━━━━━━━━━━━━━━━━┷━━━━━━━━━━━━━━━━━━┷━━►27017            │                     │
    ╚═════╝   │                                          ╰─────────────────╯                     │
              ╰──────────────────────────────────────────────────────────────────────────────────╯
              ╭─ stalker-jobs ───╮
              │ ╭ jobs ────────╮ │                                                                  ╔ internet ╗
              │ │              ├────────────────────────────────────────────────────────────────────►any       ║
              │ ╰──────────────╯ │                                                                  ╚══════════╝
              ╰──────────────────╯
    ");
}

#[test]
fn the_demo_with_room_is_cards() {
    let scene = layout(&stalker().graph(), &with_api(130, 20), None);
    assert_eq!((scene.step_shown(), scene.fits()), (Step::Card, true));
    insta::assert_snapshot!(scene.text(false), @r"
                 ╭─ stalker ─────────────────────────────────────────────────────────────────────────────────╮
                 │                                                   ╭─ kafka ─────────╮  ╭─ zookeeper ────╮ │
                 │ ╭─ ui ───────────╮      ╭─ orchestrator ─╮ ╭──────►9092             ├──►2181·2888·3888  │ │
              ╭────►4200            │      │                ├─●───╮  │        9092·9093◄──┤                │ │
    ╔═ any ═╗ │  │ ╰────────────────╯      ╰─ dns ──────────╯ │   │  ╰─ dns ───────────╯  ╰─ dns ──────────╯ │  ╔═ k8s-api ══╗
    ║       ╟━╈━━━━━━━━━━━━━━━━━━━━━━━━━┯━━━━━━━━━━━━━━━━━━━━━│━┓ ╰─────────────────────────────────────────────►443         ║
    ╚═══════╝ ┃  │ ╭─ cron-service ─╮   │  ╭─ flow-manager ─╮ │ ┃    ╭─ mongo ─────────╮                     │  ╚════════════╝
              ┗━━━━►3000            ├───●──►3000            ├─●─┺━━━━►27017            │                     │
                 │ ╰─ dns ──────────╯      ╰─ dns ──────────╯        ╰─────────────────╯                     │
                 ╰───────────────────────────────────────────────────────────────────────────────────────────╯
                 ╭─ stalker-jobs ─────╮
                 │ ╭─ jobs ─────────╮ │                                                                         ╔═ internet ═╗
                 │ │                ├───────────────────────────────────────────────────────────────────────────►any         ║
                 │ ╰────────────────╯ │                                                                         ╚════════════╝
                 ╰────────────────────╯
    ");
}

#[test]
fn the_shop_in_120_columns_is_chips() {
    let scene = layout(&shop().graph(), &with_api(118, 30), None);
    assert_eq!((scene.step_shown(), scene.fits()), (Step::Chip, true));
    insta::assert_snapshot!(scene.text(false), @r"
                     ╭─ e-commerce ────────────────────────────────────────────────────────────────────────────╮
                     │                        ╭──►8000  auth-service         ╶─●─●────►3306  auth-mysql      ▌ │
                     │                        ├──►8000  cart-service         ╶─●─●────►3306  cart-mysql      ▌ │
                     │                        ├──►8000  catalog-service      ╶─●─●────►3306  catalog-mysql   ▌ │
                     │                        ├──►8000  inventory-service    ╶─●─●────►3306  inventory-mysql ▌ │
                     │                        ├──►8000  payment-service      ╶━●━●━◆──►3306  payment-mysql   ▌ │
    ╭─ traefik ───╮  │                        ├──►8000  order-service        ╶─●─●─┺━━►3306  order-mysql     ▌ │
    │ ▐ traefik ╶──────►8100  api-gateway ╶───┼──►8000  notification-service ╶─●─┼────►6379  redis           ▌ │
    ╰─────────────╯  │                        ├──►8000  search-service       ╶─●─┤                             │
                     │                        ├──►8000  pricing-service      ╶─●─●────►3306  pricing-mysql   ▌ │
                     │                        ├──►8000  product-service      ╶─●─●────►3306  product-mysql   ▌ │
                     │                        ├──►8000  review-service       ╶─●─○────►3306  review-mysql    ▌ │
                     │                        ├──►8000  shipping-service     ╶─●─●────►3306  shipping-mysql  ▌ │
                     │                        ╰──►8000  user-service         ╶─●─●────►3306  user-mysql      ▌ │
                     ╰─────────────────────────────────────────────────────────│───────────────────────────────╯
    ╭─ e-commerce-messaging ───────────────────────────────────────────────────│───────────────────────────────╮
    │ ▐ minio   ▌                                                              ╰──────►5672  rabbitmq ↻25672 ▌ │
    ╰──────────────────────────────────────────────────────────────────────────────────────────────────────────╯
    ╭─ monitoring ──────────────────────────╮
    │ ▐ grafana ╶──────►9090  prometheus  ▌ │
    ╰───────────────────────────────────────╯
    ");
}

#[test]
fn every_state_can_be_told_without_colour() {
    let scene = pinned(&mixed().graph(), Step::Card);
    insta::assert_snapshot!(scene.text(false), @r"
                 ╭─ stalker ───────────────────────────────────────────────────────────────────────────────────────────────────────────────╮
                 │ ╭─ ui ───────────╮   ┏━━━━━━━━━━━━━━━━━━━━━━━━━━━┯━━━━━━━━━━━━━━━━━━━━━━━━━━━┓  ╭─ mongo ─────────╮                     │
              ╭────►4200            ├┈┈┈?╌╮    ╭─ flow-manager ─╮   │  ╭─ orchestrator ─╮       ┡━━►27017            │                     │      ╔═ dns ══════╗
    ╔═ any ═╗ │  │ ╰─ open out ─────╯   ┃ ╰╌╌╌╳│3000            ├─●─●┄┄►5135            ├╳╌╌╌╌┬╌╯  ╰─────────────────╯                     │   ╭╌╌►53/UDP      ║
    ║       ╟━╈━━━━━━━━━━━━━━━━━━━━━━━━━┩   ╭──►3000            │ │    │                ├─●─╮ ╰╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╯  ╚════════════╝
    ╚═══════╝ ┃  │ ╭─ cron-service ─╮   │   │  ╰─ dns ──────────╯ │    ╰─ dns ──────────╯ │ ╰────────────────────────────────────────────────╮
              ┗━━━━►3000            ├───●───┴┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┴───────────────────────┤        ╭─ kafka ─────────╮  ╭─ zookeeper ────╮ │ │    ╔═ k8s-api ══╗
                 │ ╰─ dns ──────────╯                                  ╭─ exporter ─────╮ ╰────────►9092             ├──►2181·2888·3888  │ │ ╰────►443         ║
                 │                                                     │                ├━━━━━━━━━━►5135    9092·9093◄──┤                │ │      ╚════════════╝
                 │                                                     ╰────────────────╯          ╰─ dns ───────────╯  ╰─ dns ──────────╯ │
                 ╰─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────╯
                 ╭─ stalker-jobs ─────╮
                 │ ╭─ jobs ─────────╮ │                                                                                                           ╔═ internet ═╗
                 │ │                ├─────────────────────────────────────────────────────────────────────────────────────────────────────────────►any         ║
                 │ ╰────────────────╯ │                                                                                                           ╚════════════╝
                 ╰────────────────────╯
    ");
}

#[test]
fn without_policies_there_are_boxes_with_badges() {
    let scene = {
        let mut s = Sample::default();
        for name in ["a/web", "a/db", "b/worker"] {
            s.badge(name, "open in");
            s.badge(name, "open out");
        }
        layout(&s.graph(), &Options::new(78, 16), None)
    };
    insta::assert_snapshot!(scene.text(false), @r"
    ╭─ a ──────────────────────────────────╮  ╭─ b ───────────────╮
    │ ╭─ db ──────────╮  ╭─ web ─────────╮ │  │ ╭─ worker ──────╮ │
    │ │               │  │               │ │  │ │               │ │
    │ ╰─ open in/out ─╯  ╰─ open in/out ─╯ │  │ ╰─ open in/out ─╯ │
    ╰──────────────────────────────────────╯  ╰───────────────────╯
    ");
}

#[test]
fn ascii_keeps_every_column() {
    let scene = pinned(&mixed().graph(), Step::ChipTight);
    let (plain, ascii) = (scene.text(false), scene.text(true));
    assert!(ascii.is_ascii());
    for (a, b) in plain.lines().zip(ascii.lines()) {
        assert_eq!(a.chars().count(), b.len(), "{a}");
    }
    assert!(ascii.contains("[ exporter          -===="), "{ascii}");
    assert!(ascii.contains("_x[3000"), "{ascii}");
}

#[test]
fn an_empty_graph_is_an_empty_scene() {
    let scene = layout(&Graph::default(), &Options::new(78, 16), None);
    assert_eq!((scene.width(), scene.height(), scene.fits()), (0, 0, true));
    assert_eq!(scene.text(false), "");
    assert_eq!(scene.step("any", Direction::Left), None);
}

#[test]
fn the_legend_names_the_states_present() {
    let states = |scene: &Scene| scene.legend().iter().map(|l| l.2).collect::<Vec<_>>();
    let scene = layout(&stalker().graph(), &with_api(130, 20), None);
    assert_eq!(states(&scene), ["allowed", "allowed, not expected"]);
    assert_eq!(states(&pinned(&mixed().graph(), Step::Card)).len(), 5);
}

#[test]
fn a_hidden_class_becomes_a_badge_and_an_anomaly_in_it_a_wire() {
    let scene = layout(&stalker().graph(), &Options::new(130, 20), None);
    assert!(scene.find("k8s-api").is_none());
    assert!(scene.text(false).contains(" dns·api "));
    let scene = pinned(&mixed().graph(), Step::Card);
    assert_eq!(scene.find("dns").map(|b| b.id.as_str()), Some("to:dns"));
}

#[test]
fn cells_tell_what_they_belong_to() {
    let graph = stalker().graph();
    let scene = layout(&graph, &with_api(130, 20), None);
    let mongo = scene.find("stalker/deployment/mongo").unwrap().clone();
    let (x, y) = (mongo.rect.x, mongo.rect.y + 1);
    assert_eq!(
        scene.node_at(x, y).map(|b| b.key.as_str()),
        Some("stalker/deployment/mongo")
    );
    let tip = scene.cell(x, y).unwrap();
    assert_eq!(
        (tip.glyph, tip.ink, tip.state),
        ('►', Ink::Port, Some(State::Unexpected))
    );
    let from: Vec<&str> = tip
        .edges
        .iter()
        .map(|&e| graph.edges()[e].from.as_str())
        .collect();
    assert_eq!(
        from,
        [
            "any",
            "stalker/deployment/cron-service",
            "stalker/deployment/flow-manager"
        ]
    );
    let wire = scene.cell(x - 1, y).unwrap();
    assert_eq!(
        (wire.ink, wire.bold, wire.edges.len()),
        (Ink::Wire, true, 3)
    );
    assert_eq!(scene.cell(-1, 0), None);
    assert_eq!(scene.cell(0, scene.height()), None);
}

#[test]
fn movement_follows_the_wires() {
    let scene = layout(&stalker().graph(), &with_api(130, 20), None);
    let workload = |name: &str| format!("stalker/deployment/{name}");
    let step = |from: &str, way| scene.step(from, way).map(str::to_owned);
    assert_eq!(step("any", Direction::Left), None);
    assert_eq!(step("any", Direction::Right), Some(workload("ui")));
    assert_eq!(
        step(&workload("cron-service"), Direction::Up),
        Some(workload("ui"))
    );
    assert_eq!(
        step(&workload("cron-service"), Direction::Right),
        Some(workload("flow-manager"))
    );
    assert_eq!(
        step(&workload("zookeeper"), Direction::Left),
        Some(workload("kafka"))
    );
    assert_eq!(
        step(&workload("zookeeper"), Direction::Right),
        Some("to:k8s-api".to_owned())
    );
    assert_eq!(step("no such key", Direction::Up), Some("any".to_owned()));
}

#[test]
fn a_live_update_keeps_the_step_and_a_resize_chooses_anew() {
    let mut sample = stalker();
    let first = layout(&sample.graph(), &with_api(118, 20), None);
    sample.edge(
        "stalker/a-new-worker-with-a-long-name",
        "stalker/mongo",
        "27017",
        State::Plain,
    );
    let next = layout(&sample.graph(), &with_api(118, 20), Some(first.sticky()));
    assert_eq!(next.step_shown(), Step::CardTight);
    let resized = layout(&sample.graph(), &with_api(78, 20), Some(first.sticky()));
    assert_eq!(resized.step_shown(), Step::Mini);
}

#[test]
fn an_unexpected_edge_moves_no_node() {
    let before = layout(&shop().graph(), &with_api(118, 30), None);
    let mut sample = shop();
    sample.edge(
        "monitoring/grafana",
        "e-commerce/auth-mysql",
        "3306",
        State::Unexpected,
    );
    sample.edge(
        "e-commerce/user-mysql",
        "e-commerce/api-gateway",
        "22",
        State::Unexpected,
    );
    let after = layout(&sample.graph(), &with_api(118, 30), Some(before.sticky()));
    let columns = |scene: &Scene| {
        let mut boxes: Vec<_> = scene
            .boxes()
            .iter()
            .map(|b| (b.column, b.rect.y, b.key.clone()))
            .collect();
        boxes.sort();
        boxes
            .into_iter()
            .map(|(column, _, key)| (column, key))
            .collect::<Vec<_>>()
    };
    assert_eq!(columns(&before), columns(&after));
    let afresh = layout(&sample.graph(), &with_api(118, 30), None);
    let set = |scene: &Scene| columns(scene).into_iter().collect::<BTreeSet<_>>();
    assert_eq!(set(&before), set(&afresh));
}

#[test]
fn hiding_nothing_still_tells_the_truth() {
    let mut options = with_api(200, 60);
    options.classes.extend([Class::Dns, Class::Scrape]);
    for step in Step::ALL {
        options.step = Some(step);
        let scene = layout(&shop().graph(), &options, None);
        assert!(truth::check(&scene).is_clean());
        assert_eq!(
            scene.drawn().len(),
            shop().graph().edges().len() - 1,
            "all but the self edge"
        );
    }
}

/// Every way to spoil a wire cell must be noticed; otherwise the check proves nothing.
#[test]
fn the_checker_sees_a_spoiled_picture() {
    let scene = layout(&stalker().graph(), &with_api(130, 20), None);
    let wires: Vec<(i32, i32, char)> = (0..scene.height())
        .flat_map(|y| (0..scene.width()).map(move |x| (x, y)))
        .filter_map(|(x, y)| scene.cell(x, y).map(|c| (x, y, c)))
        .filter(|(_, _, c)| c.ink == Ink::Wire)
        .map(|(x, y, c)| (x, y, c.glyph))
        .collect();
    assert!(wires.len() > 200);
    let spoil = |x: i32, y: i32, glyph: char| {
        let mut spoiled = scene.clone();
        let mut cell = scene.cell(x, y).unwrap().clone();
        cell.glyph = glyph;
        spoiled.put(x, y, cell);
        truth::check(&spoiled)
    };
    for &(x, y, glyph) in &wires {
        assert_eq!(spoil(x, y, glyph), truth::Report::default());
        assert!(
            !spoil(x, y, ' ').missing.is_empty(),
            "a gap at {x},{y} for {glyph}"
        );
    }
    // A dot that becomes a junction lets traffic off the trunk.
    let dots: Vec<_> = wires.iter().filter(|w| w.2 == '●').collect();
    assert!(
        dots.iter()
            .any(|w| !spoil(w.0, w.1, '┼').false_paths.is_empty())
    );
    // A bridge that becomes a junction joins strangers.
    let bridges: Vec<_> = wires.iter().filter(|w| w.2 == '│').collect();
    assert!(
        bridges
            .iter()
            .any(|w| !spoil(w.0, w.1, '┼').false_paths.is_empty())
    );
}

#[test]
fn an_arrow_tip_that_is_lost_is_noticed() {
    let scene = layout(&stalker().graph(), &with_api(130, 20), None);
    let mongo = scene.find("stalker/deployment/mongo").unwrap().rect;
    let mut spoiled = scene.clone();
    let mut tip = scene.cell(mongo.x, mongo.y + 1).unwrap().clone();
    tip.glyph = '│';
    spoiled.put(mongo.x, mongo.y + 1, tip);
    assert_eq!(truth::check(&spoiled).missing.len(), 3);
}

#[test]
fn edges_are_merged_and_strangers_dropped() {
    let mut s = Sample::default();
    s.edge("a/x", "a/y", "9090", State::Plain);
    s.edge("a/x", "a/y", "443 80 any", State::Plain);
    s.edge("a/x", "a/y", "22", State::Missing);
    let mut edges = s.edges.clone();
    edges[0].to = "nobody".to_owned();
    let graph = Graph::new(s.nodes.clone(), [s.edges.clone(), edges].concat());
    let ports: Vec<_> = graph
        .edges()
        .iter()
        .map(|e| (e.state, e.ports.join(" ")))
        .collect();
    assert_eq!(
        ports,
        [
            (State::Plain, "80 443 9090 any".to_owned()),
            (State::Missing, "22".to_owned())
        ]
    );
    assert!(graph.node("nobody").is_none());
}
