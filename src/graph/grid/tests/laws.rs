//! What must hold for every matrix.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::{misread, options, wanted};
use crate::graph::samples::Sample;
use crate::graph::{Class, Direction, End, Graph, Options, Scene, State, grid, truth};

const ENDS: [&str; 6] = [
    "any",
    "internet",
    "dns",
    "k8s-api",
    "10.0.0.0 except",
    "192.0.2.0",
];
const STATES: [State; 8] = [
    State::Plain,
    State::Plain,
    State::Plain,
    State::Missing,
    State::Unexpected,
    State::Unknown,
    State::HalfOpen(End::From),
    State::HalfOpen(End::To),
];
const BADGES: [&str; 5] = ["open in", "open out", "open out!", "? in", "host"];

type Link = (usize, usize, usize);

fn name(index: usize, spaces: usize) -> String {
    let space = index % spaces;
    match index {
        0..6 => ENDS[index].to_owned(),
        _ if index.is_multiple_of(7) => format!("space-{space}/漢字-{index}"),
        _ if index.is_multiple_of(5) => {
            format!("space-{space}/space-{space}-worker-{index}-of-many-of-one-kind")
        }
        _ => format!("space-{space}/service-{index}"),
    }
}

fn build(nodes: usize, spaces: usize, links: &[Link], badges: &[usize]) -> Sample {
    let mut sample = Sample::default();
    for i in ENDS.len()..ENDS.len() + nodes {
        sample.node(&name(i, spaces));
    }
    for &(from, to, state) in links {
        let (from, to) = (from % (nodes + ENDS.len()), to % (nodes + ENDS.len()));
        let port = format!("{}", 80 + state);
        sample.edge(&name(from, spaces), &name(to, spaces), &port, STATES[state]);
    }
    for (i, &badge) in badges.iter().enumerate().filter(|_| nodes > 0) {
        sample.badge(&name(ENDS.len() + i % nodes, spaces), BADGES[badge]);
    }
    sample
}

fn sample() -> impl Strategy<Value = Sample> {
    let link = (0usize..66, 0usize..66, 0..STATES.len());
    let badges = prop::collection::vec(0..BADGES.len(), 0..4);
    (
        0usize..60,
        1usize..8,
        prop::collection::vec(link, 0..120),
        badges,
    )
        .prop_map(|(nodes, spaces, links, badges)| build(nodes, spaces, &links, &badges))
}

fn pane() -> impl Strategy<Value = Options> {
    let classes =
        prop::sample::subsequence(vec![Class::Dns, Class::Scrape, Class::ControlPlane], 0..=3);
    (20u16..240, 6u16..100, classes).prop_map(|(w, h, classes)| options(w, h, &classes))
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::with_cases(256)
    }
}

fn keys(scene: &Scene, column: usize) -> Vec<&str> {
    let mut boxes: Vec<_> = scene
        .boxes()
        .iter()
        .filter(|b| b.column == column)
        .collect();
    boxes.sort_by_key(|b| (b.rect.y + b.rect.height, b.rect.x));
    if column == 1 {
        boxes.sort_by_key(|b| b.rect.x);
    }
    boxes.into_iter().map(|b| b.key.as_str()).collect()
}

/// Those of `all` that are in `some`, in the order of `all`.
fn among<'a>(all: &[&'a str], some: &[&str]) -> Vec<&'a str> {
    all.iter()
        .copied()
        .filter(|key| some.contains(key))
        .collect()
}

fn lasting(before: &Scene, after: &Scene) -> Result<(), TestCaseError> {
    for column in [0, 1] {
        let (a, b) = (keys(before, column), keys(after, column));
        prop_assert_eq!(among(&a, &b), among(&b, &a));
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_sign_is_false_and_none_is_missing(sample in sample(), options in pane()) {
        let graph = sample.graph();
        let scene = grid(&graph, &options, None);
        let wrong = misread(&graph, &options, &scene);
        prop_assert!(wrong.is_empty(), "{:#?}\n{}", wrong, scene.text(false));
        prop_assert!(truth::check(&scene).is_clean());
        if scene.fits() {
            prop_assert!(scene.width() <= i32::from(options.width), "{}", scene.text(false));
            prop_assert!(scene.height() <= i32::from(options.height), "{}", scene.text(false));
        }
        for (i, a) in scene.boxes().iter().enumerate() {
            let r = a.rect;
            prop_assert!(r.x >= 0 && r.y >= 0 && r.width > 0 && r.height > 0);
            prop_assert!(r.x + r.width <= scene.width() && r.y + r.height <= scene.height());
            prop_assert!(scene.boxes()[i + 1..].iter().all(|b| !r.overlaps(&b.rect)));
            prop_assert_eq!(scene.find(&a.id), Some(a));
            prop_assert_eq!(scene.node_at(r.x, r.y), Some(a));
        }
        // In ASCII a sign is as good as in Unicode.
        prop_assert!(scene.text(true).is_ascii());
    }

    #[test]
    fn pairs_are_found_and_walked(sample in sample(), options in pane()) {
        let graph = sample.graph();
        let scene = grid(&graph, &options, None);
        let wanted = wanted(&graph, &options);
        for row in keys(&scene, 0) {
            let peers = scene.peers(row);
            let columns = keys(&scene, 1);
            let tied: Vec<&str> = columns.iter().copied().filter(|to| wanted.contains_key(&(row, *to))).collect();
            prop_assert_eq!(&peers, &tied);
            for to in columns {
                let rect = scene.pair_rect(row, to).unwrap();
                prop_assert_eq!(scene.pair_at(rect.x, rect.y), Some((row, to)));
                let edges = &scene.cell(rect.x, rect.y).unwrap().edges;
                prop_assert_eq!(edges.is_empty(), !peers.contains(&to));
                prop_assert!(edges.iter().all(|&e| graph.edges()[e].from == row && graph.edges()[e].to == to));
                prop_assert_eq!(scene.callers(to).contains(&row), peers.contains(&to));
            }
        }
    }

    #[test]
    fn every_heading_can_be_reached(sample in sample(), options in pane()) {
        let scene = grid(&sample.graph(), &options, None);
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut next: Vec<&str> = scene.step("no such node", Direction::Down).into_iter().collect();
        while let Some(here) = next.pop() {
            if reached.insert(here) {
                let ways = [Direction::Left, Direction::Down, Direction::Up, Direction::Right];
                next.extend(ways.into_iter().filter_map(|way| scene.step(here, way)));
            }
        }
        prop_assert_eq!(reached.len(), scene.boxes().len());
    }

    #[test]
    fn the_order_of_the_input_does_not_matter(sample in sample(), options in pane()) {
        let scene = grid(&sample.graph(), &options, None);
        let mut reversed = sample;
        reversed.nodes.reverse();
        reversed.edges.reverse();
        prop_assert_eq!(grid(&reversed.graph(), &options, None), scene);
    }

    #[test]
    fn laid_out_again_after_itself_nothing_moves(sample in sample(), options in pane()) {
        let graph = sample.graph();
        let scene = grid(&graph, &options, None);
        prop_assert_eq!(grid(&graph, &options, Some(&scene)), scene);
    }

    #[test]
    fn classes_and_surprises_move_nothing(sample in sample(), options in pane(), link in (0usize..66, 0usize..66)) {
        let nodes = sample.nodes.len().saturating_sub(ENDS.len());
        let before = grid(&sample.graph(), &options, None);
        let mut other = options.clone();
        for class in [Class::Dns, Class::Scrape, Class::ControlPlane] {
            if !other.classes.remove(&class) {
                other.classes.insert(class);
            }
        }
        lasting(&before, &grid(&sample.graph(), &other, None))?;
        let mut more = sample;
        if nodes > 0 {
            let ends: Vec<String> = more.nodes.iter().map(|n| n.key.clone()).collect();
            more.edges.push(crate::graph::Edge {
                from: ends[link.0 % ends.len()].clone(),
                to: ends[link.1 % ends.len()].clone(),
                ports: vec!["1".to_owned()],
                state: State::Unexpected,
                class: Class::App,
            });
        }
        lasting(&before, &grid(&more.graph(), &options, None))?;
    }

    #[test]
    fn what_is_known_keeps_its_order_through_edits(
        nodes in 1usize..30,
        links in prop::collection::vec((0usize..36, 0usize..36, 0..STATES.len()), 0..40),
        edits in prop::collection::vec((0usize..36, 0usize..36, 0..STATES.len(), 0usize..40), 1..12),
        options in pane(),
    ) {
        let mut links = links;
        let graph = |links: &[Link]| -> Graph { build(nodes, 3, links, &[]).graph() };
        let mut before = grid(&graph(&links), &options, None);
        for (from, to, state, place) in edits {
            if place % 2 == 0 && place < links.len() {
                links.remove(place);
            } else {
                links.push((from, to, state));
            }
            let graph = graph(&links);
            let after = grid(&graph, &options, Some(&before));
            lasting(&before, &after)?;
            prop_assert!(misread(&graph, &options, &after).is_empty());
            before = after;
        }
    }
}
