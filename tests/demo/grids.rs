//! Every demo as a matrix: what a reader finds in the cells is what the graph holds.

use std::collections::BTreeMap;

use netseg::graph::{Class, Graph, Options, Scene, State, drawn, grid, truth};
use netseg::questions::scope::Scope;
use netseg::source::demo;

/// The signs that may stand for these states together.
fn signs(states: &[State]) -> &'static [char] {
    let has = |state: State| states.contains(&state);
    match states {
        _ if has(State::Unexpected) => &['◆'],
        _ if has(State::Plain) && has(State::Missing) => &['◐'],
        _ if has(State::Plain) => &['■'],
        _ if has(State::Unknown) => &['?', '◐'],
        _ if has(State::Missing) => &['○'],
        _ => &['╳'],
    }
}

fn check(graph: &Graph, options: &Options, scene: &Scene) {
    let text = scene.text(false);
    assert!(truth::check(scene).is_clean(), "{text}");
    let mut wanted: BTreeMap<(&str, &str), Vec<State>> = BTreeMap::new();
    for edge in graph.edges() {
        if edge.state != State::Plain || options.classes.contains(&edge.class) {
            let pair = (edge.from.as_str(), edge.to.as_str());
            wanted.entry(pair).or_default().push(edge.state);
        }
    }
    let lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
    for (y, line) in lines.iter().enumerate() {
        for (x, sign) in line.iter().enumerate() {
            let (x, y) = (i32::try_from(x).unwrap(), i32::try_from(y).unwrap());
            let Some((from, to)) = scene.pair_at(x, y) else {
                continue;
            };
            if *sign == ' ' || *sign == '│' {
                continue;
            }
            let found = match wanted.remove(&(from, to)) {
                Some(states) => signs(&states).contains(sign),
                None if from == to => *sign == '╲',
                None => matches!(sign, '·' | '□'),
            };
            assert!(found, "{from} to {to} reads {sign}\n{text}");
        }
    }
    assert!(wanted.is_empty(), "{wanted:?}\n{text}");
}

#[test]
fn no_sign_is_false_and_none_is_missing() {
    for name in demo::names() {
        let demo = demo::load(name).unwrap();
        let expectations =
            netseg::expect::read(&demo.expectations_name, demo.expectations_text).unwrap();
        let world = super::world(demo.cluster, expectations);
        for environment in world.expectations.environments() {
            let plan = world.plan(&environment);
            let graph = drawn::drawn(&world.engine, Some(&plan), &Scope::all());
            assert!(!graph.edges().is_empty(), "{name}");
            for (width, height) in [(78, 18), (118, 30), (198, 44)] {
                let mut options = Options::new(width, height);
                check(&graph, &options, &grid(&graph, &options, None));
                let all = [Class::Dns, Class::Scrape, Class::ControlPlane];
                options.classes.extend(all);
                check(&graph, &options, &grid(&graph, &options, None));
            }
        }
    }
}
