use std::collections::BTreeSet;

use super::*;
use crate::graph::{self, Ink, truth};
use crate::source::demo;
use crate::tui::app::toggle::{Demo, demo_screen};
use crate::tui::app::{Hit, Mode, Msg, Subject, update};
use crate::tui::sample::{answered, screen};

/// The terminals of the laws below.
const SIZES: [(u16, u16); 5] = [(80, 24), (100, 30), (120, 40), (160, 48), (200, 50)];

fn stalker(size: (u16, u16)) -> Demo {
    let mut demo = demo_screen("stalker", size, &["stalker", "stalker-jobs"]);
    demo.press("backtab");
    demo
}

fn select(demo: &mut Demo, key: &str) {
    demo.app.select_box(key.to_owned());
    demo.press("j k");
    demo.app.select_box(key.to_owned());
}

fn name(demo: &Demo) -> String {
    let key = demo.app.selected_key().unwrap_or_default();
    key.rsplit('/').next().unwrap_or_default().to_owned()
}

fn message(demo: &Demo) -> &str {
    demo.app.message.as_ref().map_or("", |(words, _)| words)
}

fn shown(demo: &Demo) -> &'static str {
    let picture = demo.app.picture.as_ref().unwrap();
    picture.drawn.show.view.word()
}

/// The top line of the graph pane.
fn title(demo: &Demo) -> String {
    let text = screen(&demo.app);
    let line = text.lines().find(|line| line.contains("Graph ·"));
    line.unwrap_or_else(|| panic!("no graph in\n{text}"))
        .to_owned()
}

const KAFKA: &str = "stalker/statefulset/kafka";
const MONGO: &str = "stalker/statefulset/mongo";

#[test]
fn v_walks_the_views_round_and_takes_the_pictures_there_were() {
    for size in [(100, 30), (120, 40), (200, 50)] {
        let mut demo = stalker(size);
        select(&mut demo, KAFKA);
        let mut first = Vec::new();
        for word in ["ego", "matrix", "overview", "map"] {
            demo.press("v");
            assert_eq!(shown(&demo), word);
            assert!(title(&demo).contains(&format!("Graph · {word}")));
            assert_eq!(demo.app.selected_key(), Some(KAFKA), "{word}");
            let found = demo.app.selected_box().expect("the selection is drawn");
            let its = if word == "overview" {
                "namespace/stalker"
            } else {
                KAFKA
            };
            assert_eq!(found.key, its);
            first.push(screen(&demo.app));
        }
        for (word, before) in ["ego", "matrix", "overview", "map"].iter().zip(first) {
            assert_eq!(demo.press("v"), 0, "the picture of {word} was there");
            assert_eq!(screen(&demo.app), before);
        }
    }
}

#[test]
fn v_only_shows_the_graph_where_the_table_hides_it() {
    let mut demo = demo_screen("stalker", (80, 24), &["stalker", "stalker-jobs"]);
    assert!(!demo.app.shows_graph());
    demo.press("v");
    assert!(demo.app.shows_graph());
    assert_eq!(
        (demo.app.lens.kind, demo.app.focus),
        (Kind::Map, Pane::Graph)
    );
    demo.press("2 v");
    assert_eq!((demo.app.tab, demo.app.focus), (Tab::Flows, Pane::Graph));
}

#[test]
fn ego_without_a_selection_is_about_whom_nobody_expected() {
    let mut demo = stalker((120, 40));
    demo.app.selected = None;
    demo.press("v");
    assert_eq!(shown(&demo), "ego");
    assert!(
        message(&demo).starts_with("nothing was selected: this is "),
        "{}",
        message(&demo)
    );
    let key = demo.app.selected_key().unwrap().to_owned();
    let mut edges = demo.app.view.graph.edges().iter();
    let first = edges.find(|edge| edge.state == State::Unexpected).unwrap();
    assert_eq!(key, first.from);
}

#[test]
fn o_closes_and_opens_the_namespace_of_the_selection() {
    for size in SIZES {
        let mut demo = stalker(size);
        select(&mut demo, KAFKA);
        let before = screen(&demo.app);
        demo.press("o");
        assert_eq!(message(&demo), "stalker is closed; o opens it");
        assert_eq!(demo.app.selected_box().unwrap().key, "namespace/stalker");
        assert_eq!(demo.app.selected_key(), Some(KAFKA));
        assert!(title(&demo).contains("1 closed"), "{}", title(&demo));
        demo.press("enter");
        assert_eq!(message(&demo), "stalker is open; o closes it");
        demo.app.message = None;
        assert_eq!(screen(&demo.app), before, "nothing moved");
        // In the overview it is the other way round.
        demo.press("v v v");
        assert_eq!(shown(&demo), "overview");
        demo.press("o");
        assert_eq!(demo.app.selected_box().unwrap().key, KAFKA);
        demo.press("o");
        assert_eq!(demo.app.selected_box().unwrap().key, "namespace/stalker");
    }
}

#[test]
fn a_closed_namespace_that_was_walked_to_opens_on_its_first_workload() {
    let mut demo = stalker((120, 40));
    select(&mut demo, MONGO);
    demo.press("v v v");
    demo.app.select_box("namespace/stalker-jobs".to_owned());
    let row = demo
        .app
        .cursor()
        .map(|at| &demo.app.view.rows[demo.app.shown[at]]);
    let namespace = row.map(|row| row.namespace.as_str());
    assert_eq!(namespace, Some("stalker-jobs"), "the table goes along");
    assert!(
        screen(&demo.app).contains("enter open"),
        "{}",
        screen(&demo.app)
    );
    demo.press("enter");
    assert_eq!(
        demo.app.namespace_of(demo.app.selected_key().unwrap()),
        Some("stalker-jobs")
    );
    assert_ne!(demo.app.selected_box().unwrap().kind, NodeKind::Namespace);
    demo.app.select_box("any".to_owned());
    demo.press("o");
    assert!(message(&demo).starts_with("what is selected stands outside"));
}

#[test]
fn wires_of_the_selection_are_walked_in_reading_order_and_explained() {
    let mut demo = stalker((200, 50));
    select(&mut demo, KAFKA);
    let picture = demo.app.picture.clone().unwrap();
    let scene = &picture.drawn.scene;
    let wires = scene.wires_of(KAFKA);
    let edges = picture.drawn.graph.edges();
    let touching = scene
        .drawn()
        .iter()
        .filter(|e| edges[**e].from == KAFKA || edges[**e].to == KAFKA);
    assert_eq!(wires.iter().collect::<BTreeSet<_>>(), touching.collect());
    assert!(wires.len() > 2);
    for wire in &wires {
        demo.press("J");
        assert_eq!(demo.app.wire(), Some(*wire));
        let edge = &edges[*wire];
        let words = format!(
            "{} → {} {}",
            demo.app.node_words(&edge.from),
            demo.app.node_words(&edge.to),
            edge.ports.join(" ")
        );
        assert!(
            screen(&demo.app).contains(&words),
            "no `{words}` in\n{}",
            screen(&demo.app)
        );
    }
    demo.press("J");
    assert_eq!(demo.app.wire(), Some(wires[0]), "round and round");
    demo.press("K");
    assert_eq!(demo.app.wire(), wires.last().copied());
    // Both ends for a probe, and the explanation.
    let within = |demo: &Demo| {
        let edge = &edges[demo.app.wire().unwrap()];
        edge.from.starts_with("stalker/") && edge.to.starts_with("stalker/")
    };
    while !within(&demo) {
        demo.press("K");
    }
    let edge = &edges[demo.app.wire().unwrap()];
    let (from, to) = (
        demo.app.node_words(&edge.from),
        demo.app.node_words(&edge.to),
    );
    demo.press("p");
    assert_eq!(demo.app.probe_input.text(), format!("{from} {to} "));
    demo.press("esc enter");
    assert_eq!(
        (demo.app.mode, &demo.app.subject),
        (Mode::Explain, &Subject::Probe)
    );
    assert!(
        answered(&demo.app).contains(&format!("{from} → {to}")),
        "{}",
        answered(&demo.app)
    );
    demo.press("esc");
    assert_eq!(demo.app.mode, Mode::Normal);
    demo.press("space");
    assert!(answered(&demo.app).contains(&format!("{from} → {to}")));
    demo.app.focus = Pane::Graph;
    demo.press("esc");
    assert_eq!(demo.app.lens.link, None, "esc lets go of the wire");
}

#[test]
fn enter_in_the_graph_narrows_table_and_graph_and_esc_goes_back_a_step_at_a_time() {
    let mut demo = stalker((120, 40));
    select(&mut demo, KAFKA);
    let map = demo.app.picture.clone().unwrap();
    demo.press("enter");
    assert_eq!((shown(&demo), demo.app.narrowed()), ("ego", true));
    assert_eq!(demo.app.view.flows.as_ref().unwrap().id, KAFKA);
    demo.press("enter");
    assert!(message(&demo).starts_with("this is all of stalker/kafka"));
    demo.press("h");
    let neighbour = demo.app.selected_key().unwrap().to_owned();
    assert_ne!(neighbour, KAFKA);
    demo.press("enter");
    assert_eq!(demo.app.lens.centre.as_ref(), Some(&neighbour));
    demo.press("esc");
    assert_eq!(demo.app.lens.centre.as_deref(), Some(KAFKA));
    assert_eq!(demo.app.view.flows.as_ref().unwrap().id, KAFKA);
    assert_eq!(demo.app.selected_key(), Some(neighbour.as_str()));
    demo.press("esc");
    assert_eq!((shown(&demo), demo.app.narrowed()), ("map", false));
    assert_eq!(demo.app.selected_key(), Some(KAFKA));
    assert!(std::sync::Arc::ptr_eq(
        &map,
        demo.app.picture.as_ref().unwrap()
    ));
}

#[test]
fn the_selected_flow_is_the_selected_wire_and_the_other_way_round() {
    for name in demo::names() {
        let mut demo = demo_screen(name, (200, 50), &[]);
        let rows = demo.app.view.rows.len();
        for row in 0..rows.min(8) {
            demo.press("g");
            for _ in 0..row {
                demo.press("j");
            }
            demo.press("enter");
            let flows = demo.app.view.flows.clone().expect("narrowed");
            for (line, flow) in flows.rows.iter().enumerate() {
                let (from, to) = if flow.incoming {
                    (&flow.peer_id, &flows.id)
                } else {
                    (&flows.id, &flow.peer_id)
                };
                let picture = demo.app.picture.clone().unwrap();
                let wire = demo.app.wire();
                if from != to {
                    let wire = wire.unwrap_or_else(|| panic!("{name}: no wire {from} {to}"));
                    let edge = &picture.drawn.graph.edges()[wire];
                    assert_eq!((&edge.from, &edge.to), (from, to), "{name}");
                    // Back from the wire to the line.
                    let link = Link::of(edge);
                    demo.app.flow = usize::MAX;
                    demo.app.select_link(link.clone());
                    let found = &flows.rows[demo.app.flow.min(flows.rows.len() - 1)];
                    assert_eq!(
                        (found.incoming, &found.peer_id),
                        (flow.incoming, &flow.peer_id)
                    );
                    demo.app.flow = line;
                }
                demo.press("j");
            }
            // The first one may put a panel away.
            while demo.app.narrowed() {
                demo.press("esc");
            }
        }
    }
}

#[test]
fn in_the_matrix_rows_and_columns_are_walked_and_any_pair_is_explained() {
    let mut demo = stalker((160, 48));
    select(&mut demo, KAFKA);
    demo.press("v v");
    assert_eq!(shown(&demo), "matrix");
    demo.press("l");
    let link = demo.app.lens.link.clone().expect("a column");
    assert_eq!(link.from, KAFKA);
    let picture = demo.app.picture.clone().unwrap();
    let scene = &picture.drawn.scene;
    let peers = scene.peers(KAFKA);
    assert!(!peers.is_empty());
    demo.press("h");
    assert_eq!(demo.app.lens.link, None);
    for peer in &peers {
        demo.press("J");
        assert_eq!(demo.app.lens.link.as_ref().unwrap().to, *peer);
        assert!(demo.app.wire().is_some());
        assert!(screen(&demo.app).contains("  allowed") || screen(&demo.app).contains("expected"));
    }
    // Every column, also where nothing is.
    demo.press("h h h h h h h h h h h h h h h h h h h h l");
    let mut empty = None;
    for _ in 0..40 {
        let link = demo.app.lens.link.clone().unwrap();
        let is_other = link.from != link.to;
        if is_other && demo.app.linked().is_empty() && link.to.contains('/') {
            empty = Some(link);
            break;
        }
        demo.press("l");
    }
    let link = empty.expect("some pair without a connection");
    let (from, to) = (
        demo.app.node_words(&link.from),
        demo.app.node_words(&link.to),
    );
    assert!(
        screen(&demo.app).contains(&format!("{from} → {to}  no connection; enter says why")),
        "{}",
        screen(&demo.app)
    );
    demo.press("enter");
    assert_eq!(demo.app.mode, Mode::Explain);
    assert!(
        answered(&demo.app).contains(&format!("DENY     {from} → {to}")),
        "{}",
        answered(&demo.app)
    );
    demo.press("esc");
    let row = demo.app.selected_key().unwrap().to_owned();
    demo.press("j");
    let below = demo.app.lens.link.clone().unwrap();
    assert_ne!(below.from, row);
    assert_eq!(below.to, link.to, "the column stays");
    demo.press("+");
    assert!(message(&demo).starts_with("a matrix has one detail"));
    // Back on the map the pair is the wire, where there is one.
    select(&mut demo, KAFKA);
    demo.press("J v v");
    assert_eq!(shown(&demo), "map");
    let wire = demo.app.wire().expect("the same connection");
    assert_eq!(
        demo.app.picture.as_ref().unwrap().drawn.graph.edges()[wire].from,
        KAFKA
    );
}

/// Everything that can be reached by moving, the ends of a pair of the matrix included.
fn reached(demo: &mut Demo) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    let mut waiting = vec![(demo.app.selected.clone(), demo.app.lens.link.clone())];
    let mut seen = BTreeSet::new();
    while let Some((selected, link)) = waiting.pop() {
        let key = |link: &Link| (link.from.clone(), link.to.clone());
        if !seen.insert((selected.clone(), link.as_ref().map(key))) {
            continue;
        }
        for direction in [
            Direction::Left,
            Direction::Down,
            Direction::Up,
            Direction::Right,
        ] {
            demo.app.selected.clone_from(&selected);
            demo.app.lens.link.clone_from(&link);
            step(&mut demo.app, direction);
            let found = demo.app.selected_box().expect("the selection is drawn");
            known.insert(found.key.clone());
            known.extend(demo.app.lens.link.iter().map(|link| link.to.clone()));
            waiting.push((demo.app.selected.clone(), demo.app.lens.link.clone()));
        }
    }
    known
}

#[test]
fn hjkl_reaches_every_node_from_every_node_in_every_view() {
    for name in demo::names() {
        for size in SIZES {
            let mut demo = demo_screen(name, size, &[]);
            demo.press("backtab");
            for _ in 0..4 {
                let picture = demo.app.picture.clone().unwrap();
                let scene = &picture.drawn.scene;
                let all: BTreeSet<String> = scene.boxes().iter().map(|b| b.key.clone()).collect();
                let starts: Vec<String> = scene.boxes().iter().map(|b| b.id.clone()).collect();
                // One that reaches all, and is reached by all, is enough: each start must reach the first.
                let first = scene
                    .boxes()
                    .first()
                    .map(|b| b.key.clone())
                    .unwrap_or_default();
                demo.app.select_box(starts[0].clone());
                let word = shown(&demo);
                let found = reached(&mut demo);
                assert_eq!(found, all, "{name} {size:?} {word}");
                for start in starts.iter().step_by(3) {
                    demo.app.select_box(start.clone());
                    assert!(
                        reached(&mut demo).contains(&first),
                        "{name} {size:?} {word} {start}"
                    );
                }
                demo.app.select_box(starts[0].clone());
                demo.press("v");
            }
        }
    }
}

#[test]
fn the_selection_is_carried_over_views_namespaces_panes_environments_and_sizes() {
    for name in demo::names() {
        let mut demo = demo_screen(name, (200, 50), &[]);
        let (graph, rows) = (&demo.app.view.graph, &demo.app.view.rows);
        let is_row = |key: &&String| rows.iter().any(|row| row.id == **key);
        let busy = graph.edges().iter().map(|edge| &edge.to).find(is_row);
        let key = busy.expect("somebody is called").clone();
        let key = key.as_str();
        demo.press("backtab");
        demo.app.select_box(key.to_owned());
        for keys in [
            "v", "e", "v", "tab", "e", "v", "o", "backtab", "e", "o", "v", "e", "z", "z",
        ] {
            demo.press(keys);
            assert_eq!(demo.app.selected_key(), Some(key), "{name} after {keys}");
            assert!(demo.app.selected_box().is_some(), "{name} after {keys}");
            let row = demo
                .app
                .cursor()
                .map(|at| &demo.app.view.rows[demo.app.shown[at]]);
            assert_eq!(
                row.map(|row| row.id.as_str()),
                Some(key),
                "{name} after {keys}"
            );
        }
        for size in SIZES {
            let effects = update(&mut demo.app, Msg::Resize(size.0, size.1));
            demo.settle(effects);
            assert_eq!(demo.app.selected_key(), Some(key), "{size:?}");
        }
    }
}

#[test]
fn the_environment_moves_nothing_in_any_view() {
    for name in demo::names() {
        for size in [(100, 30), (120, 40), (200, 50)] {
            let mut demo = demo_screen(name, size, &[]);
            let count = demo.app.view.environments.len();
            demo.press("backtab");
            // Ego is about one node, whose neighbours may be others; it keeps those that stay.
            for word in ["map", "ego", "matrix", "overview"] {
                assert_eq!(shown(&demo), word, "{name} {size:?}");
                let before = demo.places();
                for _ in 1..count {
                    demo.press("e");
                    for (id, rect) in demo.places() {
                        let known = before.get(&id).unwrap_or(&rect);
                        let at = |rect: graph::Rect| (rect.x, rect.y, rect.width);
                        // Where a matrix has no room for rows without a sign, which those are may change.
                        if word != "matrix" {
                            assert_eq!(at(*known), at(rect), "{name} {size:?} {word} {id}");
                        }
                    }
                }
                demo.press("e");
                assert_eq!(demo.places(), before, "{name} {size:?} {word}");
                demo.press("v");
            }
        }
    }
}

/// What the mouse finds at the cell of a picture.
fn click(demo: &mut Demo, at: (i32, i32)) {
    let picture = demo.app.picture.clone().unwrap();
    let hit = hit(&picture, at).unwrap_or(Hit::Pane(Pane::Graph));
    let effects = update(&mut demo.app, Msg::Click(hit));
    demo.settle(effects);
}

#[test]
fn the_mouse_finds_what_is_drawn() {
    let mut demo = stalker((200, 50));
    let hits = {
        let area = ratatui::layout::Rect::new(0, 0, 200, 50);
        let mut buffer = ratatui::buffer::Buffer::empty(area);
        crate::tui::draw::draw(&demo.app, &mut buffer)
    };
    let picture = demo.app.picture.clone().unwrap();
    let pane = demo.app.panes().unwrap().graph.unwrap();
    let window = Window::of(&demo.app, pane).unwrap();
    let mut kinds = BTreeSet::new();
    for row in 0..window.inner.height {
        for column in 0..window.inner.width {
            let at = window.shown(column, row);
            let expected = hit(&picture, at).unwrap_or(Hit::Pane(Pane::Graph));
            let found = hits.at(window.inner.x + column, window.inner.y + row);
            assert_eq!(found.as_ref(), Some(&expected), "{at:?}");
            kinds.insert(match expected {
                Hit::Node(_) => "box",
                Hit::Wire(_) => "wire",
                Hit::Frame(_) => "frame",
                _ => "nothing",
            });
        }
    }
    assert_eq!(kinds, ["box", "frame", "nothing", "wire"].into());
    // A box: once selects, twice drills in.
    let scene = &picture.drawn.scene;
    let rect = scene.find(MONGO).unwrap().rect;
    click(&mut demo, (rect.x + 1, rect.y));
    assert_eq!(
        (name(&demo).as_str(), demo.app.focus),
        ("mongo", Pane::Graph)
    );
    click(&mut demo, (rect.x + 1, rect.y));
    assert!(demo.app.narrowed());
    demo.press("esc");
    assert_eq!(shown(&demo), "map");
}

#[test]
fn a_click_selects_a_wire_and_a_second_one_explains_it() {
    let mut demo = stalker((200, 50));
    let picture = demo.app.picture.clone().unwrap();
    let scene = &picture.drawn.scene;
    let mut cells = (0..scene.height()).flat_map(|y| (0..scene.width()).map(move |x| (x, y)));
    let of_wire = |at: &(i32, i32)| {
        let cell = scene.cell(at.0, at.1).unwrap();
        cell.ink == Ink::Wire && cell.edges.len() == 1
    };
    let at = cells.find(of_wire).unwrap();
    let wire = scene.cell(at.0, at.1).unwrap().edges[0];
    click(&mut demo, at);
    assert_eq!(demo.app.wire(), Some(wire));
    let edge = &picture.drawn.graph.edges()[wire];
    let key = demo.app.selected_key().unwrap();
    assert!(
        key == edge.from || key == edge.to,
        "one of its ends is selected"
    );
    click(&mut demo, at);
    assert_eq!(demo.app.mode, Mode::Explain);
    demo.press("esc");
    // A frame's title: selects something in it, then closes it.
    let titled = |at: &(i32, i32)| scene.cell(at.0, at.1).unwrap().ink == Ink::FrameTitle;
    let mut cells = (0..scene.height()).flat_map(|y| (0..scene.width()).map(move |x| (x, y)));
    let at = cells.find(titled).unwrap();
    let Some(Hit::Frame(namespace)) = hit(&picture, at) else {
        panic!("a title is of a frame")
    };
    demo.app.select_box("any".to_owned());
    click(&mut demo, at);
    let key = demo.app.selected_key().unwrap();
    assert_eq!(demo.app.namespace_of(key), Some(namespace.as_str()));
    click(&mut demo, at);
    assert_eq!(message(&demo), format!("{namespace} is closed; o opens it"));
    // A cell of the matrix.
    demo.press("o v v");
    assert_eq!(shown(&demo), "matrix");
    let picture = demo.app.picture.clone().unwrap();
    let rect = picture.drawn.scene.pair_rect(KAFKA, MONGO).unwrap();
    click(&mut demo, (rect.x, rect.y));
    assert_eq!(demo.app.lens.link, Some(Link::between(KAFKA, MONGO)));
    assert_eq!(demo.app.selected_key(), Some(KAFKA));
    click(&mut demo, (rect.x, rect.y));
    assert_eq!(demo.app.mode, Mode::Explain);
}

#[test]
fn panning_moves_over_a_large_picture_and_ends_with_the_next_selection() {
    let mut demo = demo_screen("e-commerce", (80, 24), &[]);
    demo.press("backtab + + + + + +");
    let pane = demo.app.panes().unwrap().graph.unwrap();
    let window = |demo: &Demo| Window::of(&demo.app, pane).unwrap();
    assert!(!window(&demo).shows_all());
    let before = window(&demo);
    demo.press("shift-right shift-down");
    let moved = window(&demo);
    assert_ne!(moved, before);
    assert!(demo.app.lens.pan.is_some());
    assert!(screen(&demo.app).contains('…'));
    demo.press("shift-left shift-up");
    assert_eq!(window(&demo), before);
    demo.press("shift-right j");
    assert_eq!(demo.app.lens.pan, None);
    demo.press("shift-down 0");
    assert_eq!((demo.app.lens.pan, demo.app.lens.step()), (None, None));
    // The wheel does it too.
    demo.press("+ + + +");
    let before = window(&demo);
    update(
        &mut demo.app,
        Msg::Wheel {
            pane: Pane::Graph,
            down: true,
        },
    );
    assert_ne!(window(&demo), before);
    update(
        &mut demo.app,
        Msg::Aside {
            pane: Pane::Graph,
            right: true,
        },
    );
    assert!(demo.app.lens.pan.is_some());
    // Wherever the selection goes, it is in sight.
    demo.press("g");
    for _ in 0..60 {
        demo.press("l j");
        let rect = demo.app.selected_box().unwrap().rect;
        let window = window(&demo);
        let cells = (0..window.inner.height)
            .flat_map(|row| (0..window.inner.width).map(move |column| (column, row)));
        let mut seen = cells.map(|(column, row)| window.shown(column, row));
        assert!(
            seen.any(|(x, y)| (x, y) == (rect.x, rect.y)),
            "{:?}",
            demo.app.selected
        );
    }
}

/// No cell of a picture lies: at every size, in every view, at every step of the ladder.
#[test]
fn what_a_demo_shows_is_true_at_every_detail() {
    for name in demo::names() {
        for size in [(80, 24), (120, 40)] {
            let mut demo = demo_screen(name, size, &[]);
            demo.press("backtab");
            for _ in 0..4 {
                for key in ["0", "+", "+", "-", "-", "-"] {
                    demo.press(key);
                    let picture = demo.app.picture.clone().unwrap();
                    let report = truth::check(&picture.drawn.scene);
                    assert!(
                        report.is_clean(),
                        "{name} {size:?} {}: {report:?}",
                        shown(&demo)
                    );
                }
                demo.press("0 v");
            }
        }
    }
}

#[test]
fn every_view_draws_at_every_size() {
    let mut demo = stalker((120, 40));
    for _ in 0..4 {
        demo.press("J");
        for size in [
            (1, 1),
            (3, 2),
            (59, 15),
            (60, 16),
            (80, 24),
            (131, 37),
            (300, 100),
            (0, 0),
        ] {
            let effects = update(&mut demo.app, Msg::Resize(size.0, size.1));
            demo.settle(effects);
            let text = screen(&demo.app);
            assert_eq!(text.lines().count(), usize::from(size.1));
            for keys in ["l", "J", "shift-right", "o", "o", "+", "0"] {
                demo.press(keys);
                screen(&demo.app);
            }
        }
        let effects = update(&mut demo.app, Msg::Resize(120, 40));
        demo.settle(effects);
        demo.app.focus = Pane::Graph;
        demo.press("v");
    }
}

#[test]
fn a_cluster_without_policies_and_one_too_large_for_a_map_say_so() {
    let mut demo = stalker((120, 40));
    let mut view = (*demo.app.view).clone();
    view.policies = 0;
    demo.app.view = view.into();
    demo.app.lens.link = None;
    let words = "no policy is in these namespaces: nothing is isolated, everything is open";
    assert!(screen(&demo.app).contains(words), "{}", screen(&demo.app));
    let mut view = (*demo.app.view).clone();
    view.policies = 3;
    view.graph = std::sync::Arc::new(many(12, 20));
    view.all = None;
    let (generation, view) = (u64::MAX - 1, std::sync::Arc::new(view));
    let effects = update(&mut demo.app, Msg::View { generation, view });
    // Only the picture; the rest would be the demo again.
    let layout = effects
        .into_iter()
        .filter(|effect| matches!(effect, Effect::Layout { .. }));
    let layout: Vec<Effect> = layout.collect();
    demo.settle(layout);
    assert_eq!(shown(&demo), "overview");
    let text = screen(&demo.app);
    let words = "240 boxes and 240 connections are too many for a map · o opens a namespace";
    assert!(text.contains(words), "{text}");
    demo.app.select_box("namespace/n3".to_owned());
    let effects = update(
        &mut demo.app,
        Msg::Key(crossterm::event::KeyEvent::from(
            crossterm::event::KeyCode::Char('o'),
        )),
    );
    let layout = effects
        .into_iter()
        .filter(|effect| matches!(effect, Effect::Layout { .. }));
    let layout: Vec<Effect> = layout.collect();
    demo.settle(layout);
    assert_eq!(demo.app.lens.kind, Kind::Overview);
    assert!(
        demo.app
            .selected_box()
            .is_some_and(|found| found.key.starts_with("n3/"))
    );
    assert_eq!(
        demo.app.namespace_of(demo.app.selected_key().unwrap()),
        Some("n3")
    );
}

fn many(namespaces: usize, each: usize) -> graph::Graph {
    let key = |ns: usize, w: usize| format!("n{ns}/deployment/w{w}");
    let pairs = || (0..namespaces).flat_map(|ns| (0..each).map(move |w| (ns, w)));
    let nodes = pairs().map(|(ns, w)| graph::Node {
        key: key(ns, w),
        name: format!("w{w}"),
        namespace: Some(format!("n{ns}")),
        kind: NodeKind::Workload,
        pods: 1,
        badges: Vec::new(),
    });
    let edges = pairs().map(|(ns, w)| graph::Edge {
        from: key(ns, w),
        to: key((ns + 1) % namespaces, w),
        ports: vec!["80".to_owned()],
        state: State::Plain,
        class: graph::Class::App,
    });
    graph::Graph::new(nodes.collect(), edges.collect())
}

#[test]
fn the_selection_is_seen_without_colour_and_in_ascii() {
    use ratatui::style::Modifier;
    let mut demo = stalker((120, 40));
    demo.app.theme.color = false;
    demo.app.theme.ascii = true;
    select(&mut demo, KAFKA);
    for view in ["map", "ego", "matrix", "overview"] {
        demo.press("J");
        let area = ratatui::layout::Rect::new(0, 0, 120, 40);
        let mut buffer = ratatui::buffer::Buffer::empty(area);
        crate::tui::draw::draw(&demo.app, &mut buffer);
        let pane = demo.app.panes().unwrap().graph.unwrap();
        let reversed = pane
            .positions()
            .filter(|at| buffer[*at].modifier.contains(Modifier::REVERSED));
        assert!(reversed.count() > 0, "{view}");
        let text = screen(&demo.app);
        assert!(text.is_ascii());
        let words = demo.app.link_words();
        assert!(!words.is_empty() || view == "overview", "{view}: {text}");
        demo.press("v");
    }
}

/// Every demo as it opens, in every view, at the sizes people have.
#[test]
fn screens_of_every_demo() {
    for name in demo::names() {
        for (width, height) in [(80, 24), (120, 40), (200, 50)] {
            let mut demo = demo_screen(name, (width, height), &[]);
            demo.press("backtab");
            for word in ["map", "ego", "matrix", "overview"] {
                assert_eq!(shown(&demo), word);
                let file = format!("{name}_{word}_{width}x{height}");
                insta::assert_snapshot!(file, screen(&demo.app));
                demo.press("v");
            }
        }
    }
}

/// Without the glyphs the pane has the signs that the picture has as text: a line of its own for each state.
#[test]
fn the_picture_in_ascii_is_that_of_the_text() {
    let mut demo = stalker((120, 40));
    demo.app.theme.ascii = true;
    let shown = screen(&demo.app);
    let text = demo.app.picture.as_ref().unwrap().drawn.scene.text(true);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    // Missing, and not expected: what the legend says is what is drawn.
    for sample in ["..O.>", "==*=>"] {
        let line = &sample[..2];
        assert!(text.contains(line), "{text}");
        assert!(shown.contains(&sample[1..]), "{shown}");
    }
}
