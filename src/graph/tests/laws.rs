//! What must hold for every graph.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use crate::graph::samples::Sample;
use crate::graph::{
    Class, Direction, End, Graph, Options, Scene, State, Step, layout, layout_among, truth,
};

const ENDS: [&str; 6] = [
    "any",
    "internet",
    "dns",
    "k8s-api",
    "10.0.0.0/8 except",
    "192.0.2.0",
];
const PORTS: [&str; 5] = ["80", "443 8443", "53/UDP", "any", "1 2 3 4 5"];
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

fn name(index: usize, spaces: usize) -> String {
    if index < ENDS.len() {
        ENDS[index].to_owned()
    } else {
        format!("space-{}/service-{index}-of-many", index % spaces)
    }
}

/// Up to 25 nodes, the first six from outside, and up to 40 edges.
fn sample() -> impl Strategy<Value = Sample> {
    (1usize..20, 1usize..5).prop_flat_map(|(workloads, spaces)| {
        let node = 0..workloads + ENDS.len();
        let edge = (node.clone(), node, 0..PORTS.len(), 0..STATES.len());
        prop::collection::vec(edge, 0..40).prop_map(move |edges| {
            let mut sample = Sample::default();
            for i in ENDS.len()..ENDS.len() + workloads {
                sample.node(&name(i, spaces));
            }
            for (from, to, ports, state) in edges {
                sample.edge(
                    &name(from, spaces),
                    &name(to, spaces),
                    PORTS[ports],
                    STATES[state],
                );
            }
            sample.badge(&name(ENDS.len(), spaces), "open in");
            sample
        })
    })
}

fn options(step: Option<Step>) -> Options {
    let mut options = Options::new(120, 36);
    options.step = step;
    options.classes.insert(Class::ControlPlane);
    options
}

fn sound(scene: &Scene) -> Result<(), TestCaseError> {
    let report = truth::check(scene);
    prop_assert!(report.is_clean(), "{:?}\n{}", report, scene.text(false));
    for (i, a) in scene.boxes().iter().enumerate() {
        let r = a.rect;
        let inside = r.x >= 0
            && r.y >= 0
            && r.x + r.width <= scene.width()
            && r.y + r.height <= scene.height();
        prop_assert!(
            inside,
            "{} is outside the canvas\n{}",
            a.id,
            scene.text(false)
        );
        for b in &scene.boxes()[i + 1..] {
            prop_assert!(
                !r.overlaps(&b.rect),
                "{} and {} overlap\n{}",
                a.id,
                b.id,
                scene.text(false)
            );
        }
        for frame in scene.frames() {
            let member = a.key.starts_with(&format!("{}/", frame.namespace));
            prop_assert!(
                member || !r.overlaps(&frame.rect),
                "{} is in frame {}\n{}",
                a.id,
                frame.namespace,
                scene.text(false)
            );
        }
    }
    Ok(())
}

/// The boxes of each column from top to bottom.
fn columns(scene: &Scene) -> BTreeMap<usize, Vec<String>> {
    let mut boxes: Vec<_> = scene.boxes().iter().collect();
    boxes.sort_by_key(|b| b.rect.y);
    let mut columns: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for b in boxes {
        columns.entry(b.column).or_default().push(b.id.clone());
    }
    columns
}

/// The boxes of each column that are in both scenes. Destinations outside stand in the last column, wherever that is,
/// unless they stand inline.
fn kept(
    old: &Scene,
    new: &Scene,
    inline: bool,
) -> (BTreeMap<usize, Vec<String>>, BTreeMap<usize, Vec<String>>) {
    let ids = |s: &Scene| {
        s.boxes()
            .iter()
            .map(|b| b.id.clone())
            .collect::<BTreeSet<_>>()
    };
    let both: BTreeSet<String> = ids(old).intersection(&ids(new)).cloned().collect();
    let of = |s: &Scene| {
        let mut kept: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for (column, ids) in columns(s) {
            for id in ids.into_iter().filter(|id| both.contains(id)) {
                kept.entry(if !inline && id.starts_with("to:") {
                    usize::MAX
                } else {
                    column
                })
                .or_default()
                .push(id);
            }
        }
        kept
    };
    (of(old), of(new))
}

/// Failing seeds are kept beside this file.
fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("seeds"))),
        ..ProptestConfig::with_cases(16)
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_step_tells_the_truth(sample in sample()) {
        let graph = sample.graph();
        for step in Step::ALL {
            let scene = layout(&graph, &options(Some(step)), None);
            prop_assert_eq!(scene.step_shown(), step);
            sound(&scene)?;
        }
    }

    #[test]
    fn the_order_of_the_input_is_irrelevant(sample in sample()) {
        let mut turned = sample.clone();
        turned.nodes.reverse();
        turned.edges.reverse();
        prop_assert_eq!(sample.graph(), turned.graph());
        prop_assert_eq!(layout(&sample.graph(), &options(None), None).text(false), layout(&turned.graph(), &options(None), None).text(false));
    }

    #[test]
    fn an_unchanged_graph_keeps_its_picture(sample in sample()) {
        for step in [Step::Card, Step::Chip, Step::Mini] {
            let first = layout(&sample.graph(), &options(Some(step)), None);
            let again = layout(&sample.graph(), &options(Some(step)), Some(first.sticky()));
            prop_assert_eq!(first.text(false), again.text(false), "\n{}\n{}", first.text(false), again.text(false));
            prop_assert_eq!(first.sticky(), again.sticky());
        }
    }

    #[test]
    fn old_nodes_keep_column_and_order(sample in sample(), edits in prop::collection::vec((0usize..30, 0usize..30, 0usize..8), 1..5)) {
        for step in [Step::Card, Step::ChipTight, Step::Mini] {
            let mut sample = sample.clone();
            let mut scene = layout(&sample.graph(), &options(Some(step)), None);
            for &(from, to, state) in &edits {
                sample.edge(&name(from, 3), &name(to, 3), "9999", STATES[state]);
                let next = layout(&sample.graph(), &options(Some(step)), Some(scene.sticky()));
                sound(&next)?;
                let (old, new) = kept(&scene, &next, step != Step::Card);
                prop_assert_eq!(old, new, "{}\n{}", scene.text(false), next.text(false));
                scene = next;
            }
        }
    }

    #[test]
    fn what_goes_moves_nothing_else(sample in sample(), gone in 0usize..25, every in 2usize..5) {
        for step in [Step::Card, Step::Chip, Step::Mini] {
            let before = layout(&sample.graph(), &options(Some(step)), None);
            let mut less = sample.clone();
            less.nodes.retain(|n| !n.key.contains(&format!("service-{gone}-")));
            less.edges = less.edges.into_iter().enumerate().filter(|(i, _)| i % every > 0).map(|(_, e)| e).collect();
            let after = layout(&less.graph(), &options(Some(step)), Some(before.sticky()));
            sound(&after)?;
            let (old, new) = kept(&before, &after, step == Step::Mini);
            prop_assert_eq!(old, new, "{}\n{}", before.text(false), after.text(false));
            // What comes back stands in its column again; what stands outside gives way.
            let back = layout(&sample.graph(), &options(Some(step)), Some(after.sticky()));
            sound(&back)?;
            let within = |scene: &Scene| -> BTreeMap<String, usize> {
                let boxes = scene.boxes().iter().filter(|b| b.id.contains("service-"));
                boxes.map(|b| (b.id.clone(), b.column)).collect()
            };
            prop_assert_eq!(within(&before), within(&back), "{}\n{}", before.text(false), back.text(false));
        }
    }

    #[test]
    fn graphs_laid_out_together_take_each_others_place(sample in sample(), every in 2usize..5) {
        let mut other = sample.clone();
        other.edges = other.edges.into_iter().enumerate().filter(|(i, _)| i % every > 0).map(|(_, e)| e).collect();
        let (one, other) = (sample.graph(), other.graph());
        let all = Graph::union([&one, &other]);
        for step in [Step::Card, Step::Chip, Step::Mini] {
            let mut options = options(Some(step));
            // With room for all of them.
            (options.width, options.height) = (2000, 2000);
            let first = layout_among(&one, &all, &options, None);
            sound(&first)?;
            let second = layout_among(&other, &all, &options, Some(first.sticky()));
            sound(&second)?;
            let again = layout_among(&one, &all, &options, Some(second.sticky()));
            prop_assert_eq!(first.text(false), again.text(false));
            // What other graphs need may still be more than all together: a wire of its own where one was shared.
            let (old, new) = kept(&first, &second, step == Step::Mini);
            prop_assert_eq!(old, new, "{}\n{}", first.text(false), second.text(false));
        }
    }

    #[test]
    fn a_class_switched_on_keeps_columns_and_order(sample in sample()) {
        for step in [Step::CardDense, Step::ChipTight] {
            let mut options = options(Some(step));
            let before = layout(&sample.graph(), &options, None);
            options.classes.extend([Class::Dns, Class::Scrape]);
            let after = layout(&sample.graph(), &options, Some(before.sticky()));
            sound(&after)?;
            let (old, new) = kept(&before, &after, step == Step::ChipTight);
            prop_assert_eq!(old, new, "{}\n{}", before.text(false), after.text(false));
        }
    }

    #[test]
    fn every_box_can_be_reached(sample in sample()) {
        let scene = layout(&sample.graph(), &options(None), None);
        let Some(first) = scene.boxes().first() else { return Ok(()) };
        let mut seen = BTreeSet::from([first.id.as_str()]);
        let mut queue = vec![first.id.as_str()];
        while let Some(id) = queue.pop() {
            for direction in [Direction::Left, Direction::Down, Direction::Up, Direction::Right] {
                let next = scene.step(id, direction);
                queue.extend(next.filter(|next| seen.insert(next)));
            }
        }
        prop_assert_eq!(seen.len(), scene.boxes().len());
    }

    #[test]
    fn each_edge_that_is_not_plain_is_drawn(sample in sample()) {
        let graph: Graph = sample.graph();
        let scene = layout(&graph, &options(None), None);
        for (i, edge) in graph.edges().iter().enumerate() {
            let hidden = edge.from == edge.to || (edge.state == State::Plain && matches!(edge.class, Class::Dns | Class::Scrape));
            prop_assert_eq!(scene.drawn().contains(&i), !hidden, "{:?}", edge);
        }
    }
}
