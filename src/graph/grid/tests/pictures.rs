//! Pictures, read by eye.

use super::{check, options};
use crate::graph::samples::{Sample, shop, stalker};
use crate::graph::{Class, End, Graph, Scene, State, Step, grid, layout};

#[track_caller]
fn picture(sample: &Sample, width: u16, height: u16, classes: &[Class]) -> Scene {
    let (graph, options) = (sample.graph(), options(width, height, classes));
    let scene = grid(&graph, &options, None);
    check(&graph, &options, &scene);
    scene
}

#[test]
fn show() {
    for (name, sample) in [("stalker", stalker()), ("shop", shop())] {
        for (w, h) in [(78, 18), (118, 30), (198, 44)] {
            let scene = picture(&sample, w, h, &[Class::ControlPlane]);
            println!(
                "{name} {w}x{h} -> {}x{} {}",
                scene.width(),
                scene.height(),
                scene.fits()
            );
            println!("{}", scene.text(false));
        }
    }
    let mut odd = stalker();
    odd.edge(
        "stalker/ui",
        "stalker/flow-manager",
        "3000",
        State::HalfOpen(End::To),
    );
    odd.edge(
        "stalker/flow-manager",
        "stalker/orchestrator",
        "5135",
        State::Missing,
    );
    odd.edge(
        "stalker/flow-manager",
        "stalker/kafka",
        "5135",
        State::Missing,
    );
    odd.edge("stalker/ui", "stalker/mongo", "27017", State::Unknown);
    odd.edge("stalker/kafka", "stalker/kafka", "9094", State::Plain);
    odd.badge("stalker/ui", "open out!");
    odd.badge("stalker-jobs/jobs", "open in");
    for (w, h) in [(78, 18), (118, 30)] {
        let scene = picture(&odd, w, h, &[]);
        println!("{}\n{}", scene.text(false), scene.text(true));
        println!("{:?}", scene.legend());
    }
    for (n, w, h) in [(200usize, 200, 50), (1000, 200, 50)] {
        let mut big = Sample::default();
        for i in 0..n {
            for k in 1..4 {
                let j = (i * 7 + k * 13) % n;
                big.nodes.reserve(1);
                let key = |i: usize| format!("n{}/deployment/w{i}", i % 12);
                big.edges.push(crate::graph::Edge {
                    from: key(i),
                    to: key(j),
                    ports: vec!["1".into()],
                    state: State::Plain,
                    class: Class::App,
                });
            }
            big.nodes.push(crate::graph::Node {
                key: format!("n{}/deployment/w{i}", i % 12),
                name: format!("w{i}"),
                namespace: Some(format!("n{}", i % 12)),
                kind: crate::graph::NodeKind::Workload,
                pods: 1,
                badges: vec![],
            });
        }
        let graph = big.graph();
        let mut best = std::time::Duration::MAX;
        for _ in 0..15 {
            let start = std::time::Instant::now();
            let whole = crate::graph::grid::table::Table::new(&graph, &options(w, h, &[]), None);
            let a = start.elapsed();
            let (t, form) = crate::graph::grid::fit::fit(&graph, &whole, &options(w, h, &[]), None);
            let b = start.elapsed();
            let scene =
                crate::graph::grid::draw::draw(&graph, &whole, (t, form), &options(w, h, &[]));
            if start.elapsed() < best {
                best = start.elapsed();
                println!(
                    "{n}: {a:?} {b:?} {:?} {}x{} {}",
                    start.elapsed(),
                    scene.width(),
                    scene.height(),
                    scene.fits()
                );
            }
        }
    }
    for graph in [shop().graph(), stalker().graph()] {
        let scene = layout(
            &graph,
            &options(198, 60, &[Class::Dns, Class::Scrape, Class::ControlPlane]),
            None,
        );
        println!(
            "crossings {} of {} boxes\n{}",
            scene.crossings(),
            scene.boxes().len(),
            scene.text(false)
        );
    }
    let _ = (Step::Card, Graph::default());
}
