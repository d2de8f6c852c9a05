//! Every view of every demo, at every size and every step of the ladder: whoever reads it finds what policy allows, and
//! nothing else.

use std::collections::BTreeSet;

use netseg::expect;
use netseg::graph::view::{Show, View, picture};
use netseg::graph::{Class, Graph, NodeKind, Options, Scene, Step, drawn, truth};
use netseg::questions::scope::Scope;
use netseg::source::demo;

/// Panes of terminals of 80x24, 100x30, 120x40, 160x48 and 200x50: zoomed, and beside or above the table.
const PANES: [(u16, u16); 8] = [
    (78, 12),
    (78, 18),
    (98, 24),
    (118, 22),
    (118, 34),
    (94, 34),
    (134, 34),
    (198, 44),
];

fn graphs(name: &str) -> Vec<(String, Graph)> {
    let demo = demo::load(name).expect("named by the program");
    let expectations = expect::read(&demo.expectations_name, demo.expectations_text);
    let world = super::world(demo.cluster, expectations.expect("read by the program too"));
    let graph = |environment: &String| {
        let plan = world.plan(environment);
        drawn::drawn(&world.engine, Some(&plan), &Scope::all())
    };
    let environments = world.expectations.environments();
    let judged = environments
        .iter()
        .map(|environment| (environment.clone(), graph(environment)));
    let bare = drawn::drawn(&world.engine, None, &Scope::all());
    judged
        .chain([("no environment".to_owned(), bare)])
        .collect()
}

fn namespaces(graph: &Graph) -> BTreeSet<String> {
    let named = graph
        .nodes()
        .iter()
        .filter_map(|node| node.namespace.clone());
    named.collect()
}

/// The views worth a law of their own: whole, with each namespace turned, and around each node.
fn shows(graph: &Graph) -> Vec<Show> {
    let mut shows = Vec::new();
    for view in [View::Map, View::Overview, View::Matrix] {
        let plain = Show {
            view: view.clone(),
            turned: BTreeSet::new(),
        };
        shows.push(plain);
        for namespace in namespaces(graph) {
            shows.push(Show {
                view: view.clone(),
                turned: [namespace].into(),
            });
        }
    }
    for node in graph.nodes() {
        shows.push(Show {
            view: View::Ego(node.key.clone()),
            turned: BTreeSet::new(),
        });
    }
    shows
}

fn check(graph: &Graph, show: &Show, options: &Options, what: &str) -> Scene {
    let picture = picture(graph, None, show, options, None);
    let scene = picture.scene;
    let report = truth::check(&scene);
    assert!(
        report.is_clean(),
        "{what} {show:?} {options:?}: {report:?}\n{}",
        scene.text(false)
    );
    // Every state that is worth a look has a wire, whatever is hidden.
    let hidden = picture
        .graph
        .edges()
        .iter()
        .enumerate()
        .filter(|(index, edge)| {
            edge.from != edge.to
                && (edge.class == Class::App || edge.state != netseg::graph::State::Plain)
                && !scene.drawn().contains(index)
        });
    assert_eq!(hidden.count(), 0, "{what} {show:?} {options:?}");
    scene
}

#[test]
fn every_view_of_every_demo_is_true_at_every_size() {
    for name in demo::names() {
        for (environment, graph) in graphs(name) {
            let what = format!("{name} {environment}");
            for show in shows(&graph) {
                for (width, height) in PANES {
                    check(&graph, &show, &Options::new(width, height), &what);
                }
            }
        }
    }
}

#[test]
fn every_view_of_every_demo_is_true_at_every_step_of_the_ladder() {
    for name in demo::names() {
        let (environment, graph) = graphs(name).swap_remove(0);
        let what = format!("{name} {environment}");
        let busiest = graph.nodes().iter().max_by_key(|node| {
            let edges = graph.edges().iter();
            edges
                .filter(|e| e.from == node.key || e.to == node.key)
                .count()
        });
        let ego = busiest.map(|node| View::Ego(node.key.clone()));
        let views = [View::Map, View::Overview, View::Matrix]
            .into_iter()
            .chain(ego);
        for view in views {
            let show = Show {
                view,
                turned: BTreeSet::new(),
            };
            for (width, height) in [(78, 12), (118, 34), (198, 44)] {
                for step in Step::ALL {
                    for classes in [vec![Class::App], Class::ALL.to_vec()] {
                        let mut options = Options::new(width, height);
                        options.step = Some(step);
                        options.classes = classes.into_iter().collect();
                        check(&graph, &show, &options, &what);
                    }
                }
            }
        }
    }
}

#[test]
fn closing_every_namespace_of_the_map_is_the_overview() {
    for name in demo::names() {
        let (_, graph) = graphs(name).swap_remove(0);
        let options = Options::new(118, 34);
        let closed = Show {
            view: View::Map,
            turned: namespaces(&graph),
        };
        let overview = Show {
            view: View::Overview,
            turned: BTreeSet::new(),
        };
        let a = picture(&graph, None, &closed, &options, None);
        let b = picture(&graph, None, &overview, &options, None);
        assert_eq!(a.scene.text(false), b.scene.text(false), "{name}");
        let workloads = a.graph.nodes().iter();
        assert_eq!(
            workloads.filter(|n| n.kind == NodeKind::Workload).count(),
            0,
            "{name}"
        );
    }
}
