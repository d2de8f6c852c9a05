//! Reads drawings back: follows the ink as a reader does, and holds texts against boxes.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use roxmltree::{Document, Node as Element};

use super::*;
use crate::graph::{self, Class, Edge, End, Node, NodeKind, Options};

fn heading() -> Heading {
    Heading {
        title: "demo shop".into(),
        subtitle: "all namespaces".into(),
        remarks: Vec::new(),
    }
}

/// A scene without bounds; all classes of traffic are drawn.
fn scene(graph: &Graph, step: Step) -> Scene {
    let options = Options {
        classes: [Class::App, Class::Dns, Class::Scrape, Class::ControlPlane].into(),
        step: Some(step),
        ..Options::new(10_000, 10_000)
    };
    graph::layout(graph, &options, None)
}

/// The ink of a drawing, as lines and turns.
#[derive(Default)]
struct Drawn {
    level: BTreeMap<i32, Vec<(i32, i32)>>,
    upright: BTreeMap<i32, Vec<(i32, i32)>>,
    turns: Vec<[ink::Point; 3]>,
}

/// The points of a path: lines end in a point, turns in their corner and a point.
fn parse(d: &str) -> Vec<Vec<(char, Vec<i32>)>> {
    let mut paths: Vec<Vec<(char, Vec<i32>)>> = Vec::new();
    for part in d.split('M').skip(1) {
        let mut commands = vec![];
        let mut rest = part;
        let mut command = 'M';
        loop {
            let end = rest.find(|c: char| c.is_alphabetic()).unwrap_or(rest.len());
            let numbers = rest[..end]
                .split_whitespace()
                .map(|n| n.parse().unwrap())
                .collect();
            commands.push((command, numbers));
            match rest[end..].chars().next() {
                Some(next) => (command, rest) = (next, &rest[end + 1..]),
                None => break,
            }
        }
        paths.push(commands);
    }
    paths
}

/// The corners that a path goes through, rounded off or not.
fn corners(d: &str) -> Vec<ink::Point> {
    let paths = parse(d);
    assert_eq!(paths.len(), 1, "in one piece: {d}");
    let mut points: Vec<ink::Point> = Vec::new();
    for (command, n) in &paths[0] {
        let last = points.last().copied().unwrap_or_default();
        match command {
            'M' => points.push((n[0], n[1])),
            'H' => points.push((n[0], last.1)),
            'V' => points.push((last.0, n[0])),
            'Q' => points.extend([(n[0], n[1]), (n[2], n[3])]),
            other => panic!("{other} in {d}"),
        }
    }
    // Where a turn begins and ends is no corner.
    let mut kept: Vec<ink::Point> = Vec::new();
    for (i, &point) in points.iter().enumerate() {
        let straight = i > 0
            && i + 1 < points.len()
            && (points[i - 1].0 == points[i + 1].0 || points[i - 1].1 == points[i + 1].1);
        if !straight && kept.last() != Some(&point) {
            kept.push(point);
        }
    }
    kept
}

impl Drawn {
    fn read(picture: Element<'_, '_>) -> Self {
        let mut ink = Self::default();
        let wires = picture.children().filter(|n| {
            n.has_tag_name("path") && n.attribute("class").is_some_and(|c| c.starts_with("wire "))
        });
        for path in wires.flat_map(|n| parse(n.attribute("d").unwrap())) {
            let mut pen = (0, 0);
            for (command, n) in path {
                match command {
                    'M' => pen = (n[0], n[1]),
                    'H' => {
                        let span = (pen.0.min(n[0]), pen.0.max(n[0]));
                        ink.level.entry(pen.1).or_default().push(span);
                        pen.0 = n[0];
                    }
                    'V' => {
                        let span = (pen.1.min(n[0]), pen.1.max(n[0]));
                        ink.upright.entry(pen.0).or_default().push(span);
                        pen.1 = n[0];
                    }
                    _ => {
                        ink.turns.push([pen, (n[0], n[1]), (n[2], n[3])]);
                        pen = (n[2], n[3]);
                    }
                }
            }
        }
        for spans in ink.level.values_mut().chain(ink.upright.values_mut()) {
            spans.sort_unstable();
            let mut joined: Vec<(i32, i32)> = Vec::new();
            for &(a, b) in spans.iter() {
                match joined.last_mut() {
                    Some(last) if a <= last.1 => {
                        assert!(a == last.1, "ink over ink at {a}");
                        last.1 = last.1.max(b);
                    }
                    _ => joined.push((a, b)),
                }
            }
            *spans = joined;
        }
        ink
    }

    /// How far the ink goes straight on from a point, gaps behind upright ink included; `None` where there is none.
    fn straight(&self, (x, y): ink::Point, (dx, dy): (i32, i32), gap: i32) -> Option<i32> {
        let (lines, at, mut here, sign) = if dx == 0 {
            (&self.upright, x, y, dy)
        } else {
            (&self.level, y, x, dx)
        };
        let spans = lines.get(&at)?;
        let ahead = |from: i32| {
            let (a, b) = *spans.iter().find(|(a, b)| {
                let (near, far) = if sign > 0 { (*a, *b) } else { (*b, *a) };
                (near - from) * sign <= 0 && (far - from) * sign > 0
            })?;
            Some(if sign > 0 { b } else { a })
        };
        here = ahead(here)?;
        loop {
            let hop = (1..=2 * gap).map(|d| here + d * sign).find(|&to| {
                let bridged = |x: i32| {
                    let spans = self.upright.get(&x);
                    spans.is_some_and(|s| s.iter().any(|(a, b)| *a < y && y < *b))
                };
                dx != 0
                    && (here.min(to)..=here.max(to)).any(bridged)
                    && spans
                        .iter()
                        .any(|(a, b)| if sign > 0 { *a == to } else { *b == to })
            });
            match hop.and_then(ahead) {
                Some(end) => here = end,
                None => return Some(here),
            }
        }
    }

    /// The ends of all ways that can be followed without a sharp turn, going level only as the arrow does.
    fn follow(
        &self,
        start: ink::Point,
        to_right: bool,
        around: bool,
        gap: i32,
    ) -> BTreeSet<(ink::Point, bool)> {
        let first = if to_right { 1 } else { -1 };
        let mut ends = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut stack = vec![(start, (first, 0), false)];
        while let Some(state) = stack.pop() {
            if !seen.insert(state) {
                continue;
            }
            let (here, heading, turned) = state;
            let end = match self.straight(here, heading, gap) {
                Some(end) if heading.0 == 0 => (here.0, end),
                Some(end) => (end, here.1),
                None => here,
            };
            if heading.0 != 0 {
                ends.insert((end, heading.0 > 0));
            }
            for &[a, corner, b] in &self.turns {
                for (from, to) in [(a, b), (b, a)] {
                    let into = ((corner.0 - from.0).signum(), (corner.1 - from.1).signum());
                    let on = (from.0 - here.0) * (end.0 - from.0) >= 0
                        && (from.1 - here.1) * (end.1 - from.1) >= 0
                        && (heading.0 == 0 && from.0 == here.0
                            || heading.1 == 0 && from.1 == here.1);
                    let out = ((to.0 - corner.0).signum(), (to.1 - corner.1).signum());
                    let level = if around { 1 } else { first };
                    if into == heading && on && (out.0 == 0 || out.0 == level) {
                        stack.push((to, out, turned || out.0 == 0));
                    }
                }
            }
        }
        ends
    }
}

/// The part of the drawing that holds the boxes.
fn picture<'a>(page: &'a Document<'a>) -> Element<'a, 'a> {
    let edge_or_box = |n: &Element<'_, '_>| n.attribute("data-id").is_some();
    let found = page.descendants().find(edge_or_box);
    found.and_then(|n| n.parent()).expect("a box is drawn")
}

/// Everything that has to hold of every drawing.
fn check(graph: &Graph, step: Step) {
    let scene = scene(graph, step);
    let svg = write(graph, &scene, &heading());
    let page = Document::parse(&svg).expect("valid XML");
    if scene.boxes().is_empty() {
        return;
    }
    let told = format!("{step:?}\n{}", scene.text(false));
    follows_the_edges(&page, &scene, &told);
    holds_every_edge(&page, graph, &scene, &told);
    texts_have_room(&page, &told);
}

fn follows_the_edges(page: &Document<'_>, scene: &Scene, told: &str) {
    let picture = picture(page);
    let ink = Drawn::read(picture);
    let has = |class: &str, d: &str| {
        picture.descendants().any(|n| {
            n.attribute("d") == Some(d)
                && n.attribute("class")
                    .is_some_and(|c| c.split(' ').any(|c| c == class))
        })
    };
    let gap = manner(scene.step_shown()).gap;
    let mut false_paths = Vec::new();
    let mut missing = Vec::new();
    for (at, exit) in scene.ports().iter().enumerate().filter(|(_, p)| p.exit) {
        let wires: Vec<_> = scene.wires().iter().filter(|w| w.exit == at).collect();
        let wanted: BTreeSet<usize> = wires.iter().map(|w| w.pin).collect();
        let around = !exit.right() && wanted.iter().all(|&pin| !scene.ports()[pin].right());
        let to_right = exit.right();
        let (x, y) = middle(exit.x, exit.y);
        let skipped = if exit.denied { CELL.0 } else { 0 };
        let start = if to_right {
            (x + skipped, y)
        } else {
            (x - skipped, y)
        };
        let ends = ink.follow(start, to_right, around, gap);
        let reached: BTreeSet<usize> = scene
            .ports()
            .iter()
            .enumerate()
            .filter(|(_, pin)| {
                let (x, y) = middle(pin.x, pin.y);
                let back = if pin.right() { 1 } else { -1 };
                let cut = if pin.denied { CELL.0 } else { ARROW - 2 };
                !pin.exit && ends.contains(&((x + back * cut, y), !pin.right()))
            })
            .map(|(pin, _)| pin)
            .collect();
        false_paths.extend(reached.difference(&wanted).map(|pin| (at, *pin)));
        missing.extend(wanted.difference(&reached).map(|pin| (at, *pin)));
    }
    assert_eq!((false_paths, missing), (Vec::new(), Vec::new()), "{told}");
    for pin in scene.ports().iter().filter(|p| !p.exit) {
        let (x, y) = middle(pin.x, pin.y);
        let back = if pin.right() { 1 } else { -1 };
        if pin.denied {
            let (x, d) = (x + back * CELL.0, 4);
            let cross = format!(
                "M{} {}L{} {}M{} {}L{} {}",
                x - d,
                y - d,
                x + d,
                y + d,
                x - d,
                y + d,
                x + d,
                y - d
            );
            assert!(
                has("cross", &cross),
                "no cross before {}\n{told}",
                pin.label
            );
        } else {
            let arrow = format!("M{x} {y}L{} {}V{}Z", x + back * ARROW, y - 5, y + 5);
            assert!(has("arrow", &arrow), "no arrow at {}\n{told}", pin.label);
        }
    }
}

fn holds_every_edge(page: &Document<'_>, graph: &Graph, scene: &Scene, told: &str) {
    let rects: BTreeMap<&str, Vec<[i32; 4]>> = page
        .descendants()
        .filter(|n| n.attribute("data-id").is_some())
        .map(|n| {
            let id = n.attribute("data-id").unwrap();
            (id.strip_prefix("to:").unwrap_or(id), rect(n))
        })
        .fold(BTreeMap::new(), |mut all, (key, rect)| {
            all.entry(key).or_insert_with(Vec::new).push(rect);
            all
        });
    let touches = |key: &str, (x, y): ink::Point| {
        rects[key].iter().any(|[left, top, width, height]| {
            (x == *left || x == left + width) && (*top..=top + height).contains(&y)
        })
    };
    let mut found: Vec<[String; 4]> = Vec::new();
    for group in page
        .descendants()
        .filter(|n| n.attribute("class") == Some("edge"))
    {
        let of = |name: &str| group.attribute(name).unwrap().to_owned();
        let path = group.children().find(|n| n.has_tag_name("path")).unwrap();
        let points = corners(path.attribute("d").unwrap());
        let (from, to) = (of("data-from"), of("data-to"));
        assert!(touches(&from, points[0]), "{from}: {points:?}\n{told}");
        assert!(
            touches(&to, points[points.len() - 1]),
            "{to}: {points:?}\n{told}"
        );
        assert!(
            points
                .windows(2)
                .all(|p| p[0].0 == p[1].0 || p[0].1 == p[1].1),
            "{points:?}"
        );
        found.push([from, to, of("data-ports"), of("data-state")]);
    }
    let mut wanted: Vec<[String; 4]> = scene
        .drawn()
        .iter()
        .map(|&i| {
            let edge = &graph.edges()[i];
            let plain = |text: &str| crate::report::xml::plain(text).into_owned();
            let state = match edge.state {
                State::Plain => "allowed",
                State::Missing => "missing",
                State::Unexpected => "unexpected",
                State::Unknown => "unknown",
                State::HalfOpen(_) => "half-open",
            };
            [
                plain(&edge.from),
                plain(&edge.to),
                plain(&edge.ports.join(",")),
                state.to_owned(),
            ]
        })
        .collect();
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted, "{told}");
}

fn rect(group: Element<'_, '_>) -> [i32; 4] {
    let rect = group
        .children()
        .find(|n| n.has_tag_name("rect"))
        .expect("an outline");
    ["x", "y", "width", "height"].map(|name| rect.attribute(name).unwrap().parse().unwrap())
}

/// Labels lie in their boxes, and no text on another or outside the page.
fn texts_have_room(page: &Document<'_>, told: &str) {
    let number = |n: Element<'_, '_>, name: &str| -> i32 {
        n.attribute(name).map_or(0, |v| v.parse().unwrap())
    };
    let offset = |n: Element<'_, '_>| {
        n.ancestors()
            .filter_map(|a| a.attribute("transform"))
            .fold((0, 0), |sum, t| {
                let numbers = t.trim_start_matches("translate(").trim_end_matches(')');
                let (x, y) = numbers.split_once(' ').unwrap();
                (
                    sum.0 + x.parse::<i32>().unwrap(),
                    sum.1 + y.parse::<i32>().unwrap(),
                )
            })
    };
    let root = page.root_element();
    let size = (number(root, "width"), number(root, "height"));
    let mut taken: Vec<([i32; 4], String)> = Vec::new();
    for text in page.descendants().filter(|n| n.has_tag_name("text")) {
        let class = text.attribute("class").unwrap_or_default();
        let has = |word: &str| class.split(' ').any(|c| c == word);
        // The widest common fixed font takes 0.602 of its size for a cell.
        let hundredths = match () {
            () if has("title") => 10 * TITLE_WIDTH,
            () if has("prose") => 10 * LEGEND_WIDTH,
            () if has("name") => 783,
            () if has("badge") => 663,
            () => 723,
        };
        let shown = text.text().unwrap_or_default();
        let cells = i32::try_from(crate::text::width(shown)).unwrap();
        let width = cells * hundredths / 100;
        let (dx, dy) = offset(text);
        let x = number(text, "x") + dx;
        let y = number(text, "y") + dy;
        let left = match text.attribute("text-anchor") {
            Some("end") => x - width,
            Some("middle") => x - width / 2,
            _ => x,
        };
        let area = [left, y - 9, left + width, y + 2];
        assert!(
            left >= 0 && area[2] <= size.0 && area[1] >= 0 && area[3] <= size.1,
            "{shown:?} is cut off: {area:?} of {size:?}\n{told}"
        );
        if let Some(group) = text.parent().filter(|p| p.attribute("data-id").is_some()) {
            let [x, y, width, height] = rect(group);
            let inside = area[0] >= x + dx
                && area[2] <= x + dx + width + 1
                && area[1] >= y + dy
                && area[3] <= y + dy + height;
            assert!(
                inside,
                "{shown:?} leaves its box: {area:?}, box {x} {y} {width} {height}\n{told}"
            );
        }
        for (other, words) in &taken {
            let apart = area[2] <= other[0]
                || other[2] <= area[0]
                || area[3] <= other[1]
                || other[3] <= area[1];
            assert!(apart, "{shown:?} lies on {words:?}\n{told}");
        }
        taken.push((area, shown.to_owned()));
    }
}

const STEPS: [Step; 5] = [
    Step::Card,
    Step::CardDense,
    Step::CardTight,
    Step::Chip,
    Step::Mini,
];

#[test]
fn a_large_shop_is_followed_in_every_step_and_stays_small() {
    let graph = graph::sample_shop();
    for step in STEPS {
        check(&graph, step);
    }
    let scene = scene(&graph, Step::Card);
    assert!(scene.drawn().len() >= 80, "{}", scene.drawn().len());
    let size = write(&graph, &scene, &heading()).len();
    assert!(size < 200_000, "{size} bytes");
}

#[test]
fn the_drawing_needs_nothing_else_and_runs_nothing() {
    let graph = graph::sample_shop();
    let svg = write(&graph, &scene(&graph, Step::Chip), &heading());
    for never in [
        "<script",
        "href",
        "url(",
        "@import",
        "javascript:",
        "<image",
        "<foreignObject",
    ] {
        assert!(!svg.contains(never), "{never}");
    }
    assert_eq!(
        svg.matches("http").count(),
        1,
        "the name of the format is the only address"
    );
    let page = Document::parse(&svg).unwrap();
    let root = page.root_element();
    assert_eq!(root.attribute("role"), Some("img"));
    let [width, height] = ["width", "height"].map(|name| root.attribute(name).unwrap());
    assert_eq!(
        root.attribute("viewBox"),
        Some(format!("0 0 {width} {height}").as_str())
    );
    let text_of = |tag: &str| {
        let found = root.children().find(|n| n.has_tag_name(tag));
        found.and_then(|n| n.text()).unwrap_or_default().to_owned()
    };
    assert_eq!(text_of("title"), "demo shop");
    let by = format!("Generated by netseg-tui {}.", env!("CARGO_PKG_VERSION"));
    assert!(text_of("desc").ends_with(&by), "{}", text_of("desc"));
    assert!(text_of("style").contains("@media (prefers-color-scheme:dark)"));
}

#[test]
fn hovering_a_wire_tells_ends_ports_and_state() {
    let graph = graph::sample_shop();
    let svg = write(&graph, &scene(&graph, Step::Card), &heading());
    let page = Document::parse(&svg).unwrap();
    let mut groups = page
        .descendants()
        .filter(|n| n.attribute("data-state") == Some("unexpected"));
    let group = groups.next().unwrap();
    let title = group.children().find(|n| n.has_tag_name("title")).unwrap();
    assert_eq!(
        title.text(),
        Some(
            "e-commerce/deployment/payment-service → e-commerce/deployment/order-mysql 3306: allowed, not expected"
        )
    );
}

#[test]
fn a_drawing_of_nothing_is_a_drawing() {
    let graph = Graph::default();
    let nothing = Heading {
        remarks: vec!["nothing is loaded".into()],
        ..heading()
    };
    let svg = write(&graph, &scene(&graph, Step::Card), &nothing);
    let page = Document::parse(&svg).unwrap();
    let texts: Vec<&str> = page
        .descendants()
        .filter(|n| n.has_tag_name("text"))
        .filter_map(|n| n.text())
        .collect();
    assert_eq!(texts, ["demo shop", "all namespaces", "nothing is loaded"]);
}

#[test]
fn a_long_title_is_cut_and_a_long_remark_broken() {
    let graph = Graph::default();
    let long = Heading {
        title: "netseg ".repeat(40),
        subtitle: "namespace ".repeat(40),
        remarks: vec!["many words ".repeat(40)],
    };
    let svg = write(&graph, &scene(&graph, Step::Card), &long);
    texts_have_room(&Document::parse(&svg).unwrap(), "");
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,5}(-[a-z]{1,12}){0,3}",
        Just("</text><script>alert(1)</script>".to_owned()),
        Just("a\"b'c&d\u{1b}[31m\u{ffff}".to_owned()),
        Just("日本語の名前".to_owned()),
    ]
}

fn any_graph() -> impl Strategy<Value = Graph> {
    let states = vec![
        State::Plain,
        State::Plain,
        State::Plain,
        State::Missing,
        State::Unexpected,
        State::Unknown,
        State::HalfOpen(End::From),
        State::HalfOpen(End::To),
    ];
    let node = (any_name(), 0..4usize, proptest::option::of(any_name()));
    let edge = (
        any::<usize>(),
        any::<usize>(),
        proptest::collection::vec(1..9999u16, 1..5),
        proptest::sample::select(states),
    );
    (
        proptest::collection::vec(node, 1..14),
        proptest::collection::vec(edge, 0..24),
    )
        .prop_map(|(nodes, edges)| {
            let nodes: Vec<Node> = nodes
                .into_iter()
                .enumerate()
                .map(|(i, (name, home, badge))| Node {
                    key: format!("{home}/{i}/{name}"),
                    name,
                    namespace: (home > 0).then(|| format!("namespace-{home}")),
                    kind: if home > 0 {
                        NodeKind::Workload
                    } else {
                        NodeKind::Range
                    },
                    pods: 2,
                    badges: badge.into_iter().collect(),
                })
                .collect();
            let edges = edges
                .into_iter()
                .map(|(from, to, ports, state)| Edge {
                    from: nodes[from % nodes.len()].key.clone(),
                    to: nodes[to % nodes.len()].key.clone(),
                    ports: ports.iter().map(u16::to_string).collect(),
                    state,
                    class: Class::App,
                })
                .collect();
            Graph::new(nodes, edges)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_drawing_can_be_followed_and_shows_nothing_else(graph in any_graph(), step in 0..STEPS.len()) {
        check(&graph, STEPS[step]);
    }
}
