//! The matrix read back, and what must hold for every one.

mod laws;
mod pictures;

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Class, Graph, Options, Scene, State, truth};

fn options(width: u16, height: u16, classes: &[Class]) -> Options {
    let mut options = Options::new(width, height);
    options.classes.extend(classes);
    options
}

/// The edges a matrix must show, by their ends.
fn wanted<'a>(graph: &'a Graph, options: &Options) -> BTreeMap<(&'a str, &'a str), Vec<State>> {
    let mut wanted: BTreeMap<_, Vec<State>> = BTreeMap::new();
    for edge in graph.edges() {
        if edge.state != State::Plain || options.classes.contains(&edge.class) {
            let pair = (edge.from.as_str(), edge.to.as_str());
            wanted.entry(pair).or_default().push(edge.state);
        }
    }
    wanted
}

fn is_allowed(states: &[State]) -> bool {
    states.contains(&State::Plain) || states.contains(&State::Unexpected)
}

/// What a reader of the cell must take from it.
fn expected_sign(states: &[State]) -> char {
    let has = |state: State| states.contains(&state);
    let part = has(State::Plain) || has(State::Unknown);
    match states {
        _ if has(State::Unexpected) => '◆',
        _ if part && has(State::Missing) => '◐',
        _ if has(State::Plain) => '■',
        _ if has(State::Unknown) => '?',
        _ if has(State::Missing) => '○',
        _ => '╳',
    }
}

/// Reads the text of a scene: every sign by row and column, the names beside and above, the counts. Returns what is wrong.
fn misread(graph: &Graph, options: &Options, scene: &Scene) -> Vec<String> {
    let text = scene.text(false);
    let lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
    let at = |x: i32, y: i32| {
        let line = lines.get(usize::try_from(y).unwrap());
        let cell = line.and_then(|line| line.get(usize::try_from(x).unwrap()));
        cell.copied().unwrap_or(' ')
    };
    let mut wrong = Vec::new();
    let wanted = wanted(graph, options);
    let boxes = |column: usize| scene.boxes().iter().filter(move |b| b.column == column);
    let down =
        |x: i32, y: i32, count: i32| -> String { (y..y + count).map(|y| at(x, y)).collect() };
    for row in boxes(0) {
        let end = row.rect.x + row.rect.width;
        let name: String = (row.rect.x..end).map(|x| at(x, row.rect.y)).collect();
        if name != row.title || at(end, row.rect.y) != ' ' || at(row.rect.x - 1, row.rect.y) != ' '
        {
            wrong.push(format!("row {} reads {name}", row.title));
        }
    }
    let mut allowed: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for column in boxes(1) {
        let name = down(column.rect.x, column.rect.y, column.rect.height);
        if name != column.title {
            wrong.push(format!("column {} reads {name}", column.title));
        }
        for row in boxes(0) {
            let pair = (row.key.as_str(), column.key.as_str());
            let sign = at(column.rect.x, row.rect.y);
            let right = match wanted.get(&pair) {
                Some(states) => {
                    seen.insert(pair);
                    let counted = usize::from(is_allowed(states));
                    *allowed.entry((0, pair.0)).or_default() += counted;
                    *allowed.entry((1, pair.1)).or_default() += counted;
                    sign == expected_sign(states)
                }
                None if pair.0 == pair.1 => sign == '╲',
                None => matches!(sign, '·' | '□'),
            };
            if !right {
                wrong.push(format!("{} to {} reads {sign}", pair.0, pair.1));
            }
        }
    }
    for pair in wanted.keys().filter(|pair| !seen.contains(*pair)) {
        wrong.push(format!("{} to {} has no cell", pair.0, pair.1));
    }
    let Some(bottom) = lines.iter().position(|line| line.first() == Some(&'╰')) else {
        return wrong;
    };
    let bottom = i32::try_from(bottom).unwrap();
    let border = i32::try_from(lines[usize::try_from(bottom).unwrap()].len()).unwrap() - 1;
    for row in boxes(0) {
        let end: String = (border + 1..scene.width())
            .map(|x| at(x, row.rect.y))
            .collect();
        let count = end.split_whitespace().next().and_then(|n| n.parse().ok());
        let due = allowed.get(&(0, row.key.as_str())).copied().unwrap_or(0);
        if count != Some(due) {
            wrong.push(format!("row {} counts {end}, not {due}", row.title));
        }
    }
    let most = boxes(1).map(|b| allowed.get(&(1, b.key.as_str())).copied().unwrap_or(0));
    let height = i32::try_from(most.max().unwrap_or(0).to_string().len()).unwrap();
    for column in boxes(1) {
        let digits = down(column.rect.x, bottom + 1, height);
        let due = allowed.get(&(1, column.key.as_str())).copied().unwrap_or(0);
        if digits.trim() != due.to_string() {
            wrong.push(format!(
                "column {} counts {digits}, not {due}",
                column.title
            ));
        }
    }
    wrong
}

/// Fails unless the matrix tells the truth in both ways of reading it.
#[track_caller]
fn check(graph: &Graph, options: &Options, scene: &Scene) {
    let wrong = misread(graph, options, scene);
    assert!(wrong.is_empty(), "{wrong:#?}\n{}", scene.text(false));
    let report = truth::check(scene);
    assert!(report.is_clean(), "{report:?}\n{}", scene.text(false));
}
