//! What is true and what stays where it is, over many random graphs and edits.
//!
//! Plain builds try a few of them; `NETSEG_PICTURE_CASES=20000` says how many. A case is a number, and one that has failed is kept
//! in [`FAILED`].

use std::collections::{BTreeMap, BTreeSet};

use super::random::{Dice, World, cases, options};
use crate::graph::{Graph, Ink, NodeKind, Options, Scene, State, layout, truth};

/// Numbers of cases that have failed once.
const FAILED: [u64; 1] = [25];

/// Everything that has to hold for one picture; what does not, in words.
fn faults(scene: &Scene) -> Vec<String> {
    let mut faults = Vec::new();
    let report = truth::check(scene);
    if !report.is_clean() {
        faults.push(format!("{report:?}"));
    }
    let canvas = crate::graph::Rect {
        x: 0,
        y: 0,
        width: scene.width(),
        height: scene.height(),
    };
    for (i, one) in scene.boxes().iter().enumerate() {
        let r = one.rect;
        let corner = canvas.contains(r.x + r.width - 1, r.y + r.height - 1);
        if !canvas.contains(r.x, r.y) || !corner {
            faults.push(format!("{} leaves the canvas", one.id));
        }
        for other in &scene.boxes()[i + 1..] {
            if r.overlaps(&other.rect) {
                faults.push(format!("{} and {} overlap", one.id, other.id));
            }
        }
        for y in r.y..r.y + r.height {
            for x in r.x..r.x + r.width {
                if scene.cell(x, y).is_some_and(|c| c.ink == Ink::Wire) {
                    faults.push(format!("a wire in {} at {x},{y}", one.id));
                }
            }
        }
        for frame in scene.frames() {
            let member = one.kind == NodeKind::Workload
                && one.key.starts_with(&format!("{}/", frame.namespace));
            if !member && r.overlaps(&frame.rect) {
                faults.push(format!("{} stands in frame {}", one.id, frame.namespace));
            }
        }
    }
    faults
}

fn demand(case: u64, what: &str, scene: &Scene) {
    let faults = faults(scene);
    assert!(
        faults.is_empty(),
        "case {case}, {what}, {:?}: {faults:?}\n{}",
        scene.step_shown(),
        scene.text(false)
    );
}

#[test]
fn every_picture_is_true_and_stays_so_through_edits() {
    for case in FAILED.into_iter().chain(0..cases(120)) {
        let mut dice = Dice::new(case);
        let mut world = World::new(&mut dice, 60);
        let options = options(&mut dice);
        let scene = layout(&world.graph(), &options, None);
        demand(case, "afresh", &scene);
        let edit = world.edit(&mut dice);
        let next = layout(&world.graph(), &options, Some(scene.sticky()));
        demand(case, edit, &next);
    }
}

/// Boxes by column and from top to bottom; destinations outside stand in the last column, wherever that is.
fn order<'a>(scene: &'a Scene, of: &BTreeSet<&str>) -> BTreeMap<usize, Vec<&'a str>> {
    let inline = scene.step_shown().look().inline;
    let mut boxes: Vec<_> = scene
        .boxes()
        .iter()
        .filter(|b| of.contains(b.id.as_str()))
        .collect();
    boxes.sort_by_key(|b| (b.rect.y, b.rect.x));
    let mut order: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for one in boxes {
        let last = !inline && one.id.starts_with("to:");
        let column = if last { usize::MAX } else { one.column };
        order.entry(column).or_default().push(&one.id);
    }
    order
}

fn ids(scene: &Scene) -> BTreeSet<&str> {
    scene.boxes().iter().map(|b| b.id.as_str()).collect()
}

/// The boxes of both scenes that stand elsewhere, as reader see them from the upper left corner.
fn slid(before: &Scene, after: &Scene) -> usize {
    let old: BTreeMap<&str, _> = before
        .boxes()
        .iter()
        .map(|b| (b.id.as_str(), (b.rect.x, b.rect.y)))
        .collect();
    let moved = |b: &&crate::graph::BoxView| {
        old.get(b.id.as_str())
            .is_some_and(|at| *at != (b.rect.x, b.rect.y))
    };
    after.boxes().iter().filter(moved).count()
}

#[test]
fn no_edit_changes_a_column_or_an_order() {
    let (mut edits, mut seen, mut slides) = (0usize, 0usize, 0usize);
    let mut anomalies = (0usize, 0usize, 0usize);
    for case in FAILED.into_iter().chain(0..cases(60) / 4) {
        let mut dice = Dice::new(case.wrapping_add(1 << 40));
        let mut world = World::new(&mut dice, 40);
        let options = options(&mut dice);
        let mut scene = layout(&world.graph(), &options, None);
        for _ in 0..6 {
            let edit = world.edit(&mut dice);
            let next = layout(&world.graph(), &options, Some(scene.sticky()));
            demand(case, edit, &next);
            assert_eq!(scene.step_shown(), next.step_shown(), "case {case}, {edit}");
            let (old, new) = (ids(&scene), ids(&next));
            let both = old.intersection(&new).copied().collect();
            assert_eq!(
                order(&scene, &both),
                order(&next, &both),
                "case {case}, {edit}, {:?}\n{}\n{}",
                next.step_shown(),
                scene.text(false),
                next.text(false)
            );
            let moved = slid(&scene, &next);
            edits += 1;
            seen += both.len();
            slides += moved;
            if edit == "an unexpected edge" {
                anomalies = (
                    anomalies.0 + 1,
                    anomalies.1 + both.len(),
                    anomalies.2 + moved,
                );
            }
            scene = next;
        }
    }
    // What cargo shows with --nocapture.
    #[expect(clippy::print_stderr, reason = "figures for whoever asks for them")]
    {
        eprintln!(
            "{edits} edits: 0 of {seen} boxes changed column or order, {slides} slid; \
             {} unexpected edges more: {} of {} boxes slid",
            anomalies.0, anomalies.2, anomalies.1
        );
    }
}

#[test]
fn unexpected_edges_decide_no_column() {
    for case in 0..cases(60) / 4 {
        let mut dice = Dice::new(case.wrapping_add(2 << 40));
        let mut world = World::new(&mut dice, 40);
        world.edges.retain(|e| e.state != State::Unexpected);
        let options = options(&mut dice);
        let graph = world.graph();
        let before = layout(&graph, &options, None);
        // What planned wires place, an anomaly between two of them does not move, not even afresh.
        let drawn: BTreeSet<&str> = before
            .drawn()
            .iter()
            .flat_map(|&e| [graph.edges()[e].from.as_str(), graph.edges()[e].to.as_str()])
            .collect();
        world.add_edge_of(&mut dice, State::Unexpected);
        let Some(odd) = world.edges.last() else {
            continue;
        };
        let planned = |key: &str| {
            drawn.contains(key)
                && graph
                    .node(key)
                    .is_some_and(|n| matches!(n.kind, NodeKind::Workload | NodeKind::Namespace))
        };
        if !planned(&odd.from) || !planned(&odd.to) {
            continue;
        }
        let after = layout(&world.graph(), &options, None);
        if before.step_shown() != after.step_shown() {
            continue;
        }
        let columns = |scene: &Scene| -> BTreeMap<String, usize> {
            let boxes = scene.boxes().iter();
            boxes.map(|b| (b.id.clone(), b.column)).collect()
        };
        assert_eq!(columns(&before), columns(&after), "case {case}");
    }
}

#[test]
fn an_unchanged_graph_in_any_order_is_the_same_picture() {
    for case in FAILED.into_iter().chain(0..cases(40) / 4) {
        let mut dice = Dice::new(case.wrapping_add(3 << 40));
        let world = World::new(&mut dice, 40);
        let options = options(&mut dice);
        let scene = layout(&world.graph(), &options, None);
        let mut turned = world.clone();
        turned.nodes.reverse();
        let third = turned.edges.len() / 3;
        turned.edges.rotate_left(third);
        let graph: Graph = turned.graph();
        assert_eq!(scene, layout(&graph, &options, None), "case {case}");
        let again = layout(&graph, &options, Some(scene.sticky()));
        assert_eq!(
            scene.text(false),
            again.text(false),
            "case {case}, {:?}",
            scene.step_shown()
        );
        assert_eq!(scene.sticky(), again.sticky(), "case {case}");
    }
}

#[test]
fn another_pane_keeps_the_order_while_the_step_is_the_same() {
    for case in FAILED.into_iter().chain(0..cases(40) / 4) {
        let mut dice = Dice::new(case.wrapping_add(4 << 40));
        let mut world = World::new(&mut dice, 40);
        let first = options(&mut dice);
        let before = layout(&world.graph(), &first, None);
        world.edit(&mut dice);
        let before = layout(&world.graph(), &first, Some(before.sticky()));
        let other = Options {
            width: first.width + 10,
            height: first.height + 3,
            ..first.clone()
        };
        for (wide, pane) in [(true, &other), (false, &first)] {
            let after = layout(&world.graph(), pane, Some(before.sticky()));
            demand(case, "another pane", &after);
            // Where the order as it was leaves no room at this step, a fresh one may: edits leave holes.
            let afresh = pane.step.is_none() && after == layout(&world.graph(), pane, None);
            if before.step_shown() == after.step_shown() && !afresh {
                let all = ids(&before);
                assert_eq!(
                    order(&before, &all),
                    order(&after, &all),
                    "case {case}, wider: {wide}"
                );
            }
        }
    }
}
