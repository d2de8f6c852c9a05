//! Drawing: wires into a canvas, then frames, wires, boxes and names into the scene's cells.

use std::collections::BTreeSet;

use super::canvas::{Canvas, EAST, NORTH, SOUTH, WEST, broken, glyph};
use super::geometry::{Geometry, Layout};
use super::names;
use super::scene::{BoxView, Cell, FrameView, Ink, PortView, Rect, Scene, WireView};
use super::sticky::Sticky;
use super::trunks::{Side, Way, Wiring};
use super::{Graph, NodeKind, State, Step};

/// A scene, and the edges whose state cannot be told from the picture because every cell of theirs is shared.
pub(super) fn draw(
    graph: &Graph,
    layout: &Layout<'_>,
    geometry: &Geometry,
    step: Step,
) -> (Scene, Vec<usize>) {
    let mut scene = blank(graph, layout, geometry, step);
    let mut canvas = Canvas::new(geometry.width, geometry.height);
    for (i, (wire, path)) in layout.wiring.wires.iter().zip(&geometry.paths).enumerate() {
        let heavy = wire.state == State::Unexpected;
        canvas.trace(i, path, if heavy { 2 } else { 1 });
    }
    frames(&mut scene, layout, geometry);
    wires(&mut scene, layout.wiring, &canvas);
    frame_titles(&mut scene);
    boxes(&mut scene, layout, geometry);
    let unreadable = marks(&mut scene, layout.wiring, &canvas);
    (scene, unreadable)
}

fn blank(graph: &Graph, layout: &Layout<'_>, geometry: &Geometry, step: Step) -> Scene {
    let (plan, wiring) = (layout.plan, layout.wiring);
    let boxes = plan
        .places
        .iter()
        .enumerate()
        .map(|(p, place)| BoxView {
            id: place.id.clone(),
            key: graph.nodes[place.node].key.clone(),
            kind: graph.nodes[place.node].kind,
            title: layout.titles[p].clone(),
            rect: geometry.boxes[p],
            column: layout.column[p],
            centre: graph.is_centre(&graph.nodes[place.node]),
        })
        .collect();
    let mut frames: Vec<FrameView> = geometry
        .frames
        .iter()
        .map(|&(lane, rect)| FrameView {
            namespace: plan.lanes[lane].name.clone(),
            rect,
        })
        .collect();
    frames.sort_by(|a, b| a.namespace.cmp(&b.namespace));
    let mut served: Vec<(Vec<usize>, bool)> = vec![(Vec::new(), false); wiring.ports.len()];
    for wire in &wiring.wires {
        for port in [wire.exit, wire.pin] {
            served[port].0.push(wire.edge);
        }
        served[wire.exit].1 |= wire.way == Way::Around;
    }
    let ports = wiring
        .ports
        .iter()
        .zip(served)
        .enumerate()
        .map(|(i, (port, (mut edges, around)))| {
            let rect = geometry.boxes[port.place];
            edges.sort_unstable();
            PortView {
                node: port.place,
                x: if port.side == Side::Left {
                    rect.x
                } else {
                    rect.x + rect.width - 1
                },
                y: rect.y + layout.field.top + layout.rows.port[i],
                exit: port.exit,
                side: port.side,
                denied: port.denied,
                around,
                label: port.label.clone(),
                edges,
            }
        })
        .collect();
    let mut drawn: Vec<usize> = wiring.wires.iter().map(|w| w.edge).collect();
    drawn.sort_unstable();
    let courses = wiring.wires.iter().zip(&geometry.paths);
    let wires = courses
        .map(|(wire, corners)| WireView {
            edge: wire.edge,
            state: wire.state,
            exit: wire.exit,
            pin: wire.pin,
            trunk: wire.trunk,
            corners: corners.clone(),
        })
        .collect();
    let count = super::index(geometry.width) * super::index(geometry.height);
    Scene {
        width: geometry.width,
        height: geometry.height,
        step,
        fits: true,
        cells: vec![Cell::default(); count],
        boxes,
        frames,
        legend: legend(layout),
        ports,
        wires,
        drawn,
        sticky: Sticky::default(),
        grid: None,
    }
}

/// One entry a state, routine first.
fn legend(layout: &Layout<'_>) -> Vec<(State, &'static str, &'static str)> {
    let wires = layout.wiring.wires.iter().map(|w| w.state);
    let badges = layout.plan.places.iter().flat_map(|p| &p.badges);
    let present: BTreeSet<State> = wires.chain(badges.filter_map(|b| b.state)).collect();
    let has = |wanted: &dyn Fn(State) -> bool| present.iter().copied().find(|&s| wanted(s));
    let mut legend = Vec::new();
    legend.extend(has(&|s| s == State::Plain).map(|s| (s, "──►", "allowed")));
    legend.extend(has(&|s| s == State::Unexpected).map(|s| (s, "━◆━►", "allowed, not expected")));
    legend.extend(has(&|s| s == State::Missing).map(|s| (s, "┄○┄►", "expected, not allowed")));
    legend.extend(has(&|s| s == State::Unknown).map(|s| (s, "┈?┈►", "unknown")));
    legend.extend(
        has(&|s| matches!(s, State::HalfOpen(_))).map(|s| (s, "╌╌╳", "half-open: one end denies")),
    );
    legend
}

fn frames(scene: &mut Scene, layout: &Layout<'_>, geometry: &Geometry) {
    for &(lane, rect) in &geometry.frames {
        debug_assert!(layout.plan.lanes[lane].framed);
        outline(
            scene,
            rect,
            ['╭', '╮', '╰', '╯', '─', '│'],
            &Cell {
                ink: Ink::Frame,
                ..Cell::default()
            },
        );
    }
}

fn outline(
    scene: &mut Scene,
    rect: Rect,
    [nw, ne, sw, se, level, upright]: [char; 6],
    like: &Cell,
) {
    let (right, bottom) = (rect.x + rect.width - 1, rect.y + rect.height - 1);
    let cell = |glyph| Cell {
        glyph,
        ..like.clone()
    };
    for x in rect.x + 1..right {
        scene.put(x, rect.y, cell(level));
        scene.put(x, bottom, cell(level));
    }
    for y in rect.y + 1..bottom {
        scene.put(rect.x, y, cell(upright));
        scene.put(right, y, cell(upright));
    }
    scene.put(rect.x, rect.y, cell(nw));
    scene.put(right, rect.y, cell(ne));
    scene.put(rect.x, bottom, cell(sw));
    scene.put(right, bottom, cell(se));
}

/// The state that several wires show together.
fn strongest(wiring: &Wiring, wires: &[usize]) -> Option<State> {
    wires
        .iter()
        .map(|&w| wiring.wires[w].state)
        .max_by_key(|s| (s.rank(), *s))
}

fn wires(scene: &mut Scene, wiring: &Wiring, canvas: &Canvas) {
    let mut seen = Vec::new();
    for y in 0..canvas.height {
        for x in 0..canvas.width {
            let Some(spot) = canvas.spot(x, y).filter(|s| !s.is_empty()) else {
                continue;
            };
            canvas.seen(spot, &mut seen);
            let Some(state) = strongest(wiring, &seen) else {
                continue;
            };
            let mut arms = spot.arms;
            if spot.is_bridge() {
                (arms[EAST], arms[WEST]) = (0, 0);
            }
            let joins_fan_in = || {
                let mut on = canvas.entering(spot);
                on.any(|w| wiring.is_fan_in(wiring.wires[w].trunk))
            };
            let glyph = if spot.is_ramp() && joins_fan_in() {
                ramp(wiring, canvas.entering(spot))
            } else {
                // What only edges that are not allowed share must not look solid.
                broken(glyph(arms), state)
            };
            let mut edges: Vec<usize> = seen.iter().map(|&w| wiring.wires[w].edge).collect();
            edges.sort_unstable();
            scene.put(
                x,
                y,
                Cell {
                    glyph,
                    ink: Ink::Wire,
                    state: Some(state),
                    bold: state == State::Unexpected,
                    faint: matches!(state, State::HalfOpen(_)),
                    node: None,
                    edges,
                    joint: spot.joint,
                },
            );
        }
    }
}

/// The sign of an on-ramp: the worst of what enters there.
fn ramp(wiring: &Wiring, on: impl Iterator<Item = usize>) -> char {
    let sign = |state| match state {
        State::Unexpected => (3, '◆'),
        State::Missing => (2, '○'),
        State::Unknown => (1, '?'),
        State::Plain | State::HalfOpen(_) => (0, '●'),
    };
    on.map(|w| sign(wiring.wires[w].state))
        .max()
        .map_or('●', |(_, sign)| sign)
}

/// Titles stand in the top border where no wire crosses, else in the bottom border, shortened if need be.
fn frame_titles(scene: &mut Scene) {
    let frames = scene.frames.clone();
    let tamed: Vec<String> = frames.iter().map(|f| names::tame(&f.namespace)).collect();
    let all: Vec<&str> = tamed.iter().map(String::as_str).collect();
    for (frame, &name) in frames.iter().zip(&all) {
        let Rect {
            x,
            y,
            width,
            height,
        } = frame.rect;
        let free = |scene: &Scene, at: i32, row: i32, length: i32| {
            (at..at + length).all(|c| {
                scene
                    .cell(c, row)
                    .is_some_and(|cell| cell.ink == Ink::Frame)
            })
        };
        let full = names::width(name);
        'found: for shown in (1..=full).rev().filter(|&n| n == full || n >= 4) {
            let text = format!(" {} ", names::title(name, &all, super::index(shown)));
            for row in [y, y + height - 1] {
                let place =
                    (x + 2..x + width - 1 - shown - 2).find(|&at| free(scene, at, row, shown + 2));
                if let Some(at) = place {
                    scene.write(
                        at,
                        row,
                        &text,
                        &Cell {
                            ink: Ink::FrameTitle,
                            ..Cell::default()
                        },
                    );
                    break 'found;
                }
            }
        }
    }
}

fn boxes(scene: &mut Scene, layout: &Layout<'_>, geometry: &Geometry) {
    let mut ports: Vec<Vec<usize>> = vec![Vec::new(); scene.boxes.len()];
    for (i, port) in scene.ports.iter().enumerate() {
        ports[port.node].push(i);
    }
    // What the wires of each port show together.
    let mut states: Vec<Option<State>> = vec![None; scene.ports.len()];
    for wire in &layout.wiring.wires {
        for port in [wire.exit, wire.pin] {
            let known = states[port].into_iter().chain([wire.state]);
            states[port] = known.max_by_key(|s| (s.rank(), *s));
        }
    }
    for (place, ports) in ports.iter().enumerate() {
        let rect = scene.boxes[place].rect;
        let like = Cell {
            node: Some(place),
            ink: Ink::Border,
            ..Cell::default()
        };
        for y in rect.y..rect.y + rect.height {
            scene.write(rect.x, y, &" ".repeat(super::index(rect.width)), &like);
        }
        if layout.look.cards {
            card(scene, layout, place, &like);
        } else {
            chip(scene, layout, geometry, place, &like);
        }
        for &port in ports {
            draw_port(scene, port, states[port], layout.look.cards);
        }
    }
}

fn card(scene: &mut Scene, layout: &Layout<'_>, place: usize, like: &Cell) {
    let view = scene.boxes[place].clone();
    let rect = view.rect;
    let inside = matches!(view.kind, NodeKind::Workload | NodeKind::Namespace);
    let lines = if view.centre {
        ['┏', '┓', '┗', '┛', '━', '┃']
    } else if inside {
        ['╭', '╮', '╰', '╯', '─', '│']
    } else {
        ['╔', '╗', '╚', '╝', '═', '║']
    };
    outline(scene, rect, lines, like);
    let indent = if layout.look.pitch == 1 { 1 } else { 2 };
    scene.write(
        rect.x + indent,
        rect.y,
        &format!(" {} ", view.title),
        &Cell {
            ink: Ink::Name,
            ..like.clone()
        },
    );
    scene.write(
        rect.x + 2,
        rect.y + rect.height - 2,
        &layout.plan.places[place].counts,
        &Cell {
            ink: Ink::Badge,
            ..like.clone()
        },
    );
    let (x, y) = (rect.x + indent, rect.y + rect.height - 1);
    if let Some(end) = badges(scene, layout, place, like, (x + 1, y)) {
        for x in [x, end] {
            let gap = Cell {
                ink: Ink::Badge,
                ..like.clone()
            };
            scene.put(x, y, gap);
        }
    }
}

/// Writes the badges of a box; the column behind them, or none without badges.
fn badges(
    scene: &mut Scene,
    layout: &Layout<'_>,
    place: usize,
    like: &Cell,
    (mut x, y): (i32, i32),
) -> Option<i32> {
    let (all, between) = if layout.look.cards {
        (true, "·")
    } else {
        (false, " ")
    };
    let plain = Cell {
        ink: Ink::Badge,
        ..like.clone()
    };
    let shown = layout.plan.places[place].shown_badges(all);
    for (i, badge) in shown.iter().enumerate() {
        if i > 0 {
            scene.write(x, y, between, &plain);
            x += 1;
        }
        let state = badge.state;
        let cell = Cell {
            state,
            bold: state == Some(State::Unexpected),
            faint: matches!(state, Some(State::HalfOpen(_))),
            edges: badge.edges.clone(),
            ..plain.clone()
        };
        scene.write(x, y, &badge.text, &cell);
        x += names::width(&badge.text);
    }
    (!shown.is_empty()).then_some(x)
}

fn chip(scene: &mut Scene, layout: &Layout<'_>, geometry: &Geometry, place: usize, like: &Cell) {
    let view = scene.boxes[place].clone();
    let rect = view.rect;
    let [west, east] = if view.centre {
        ['┃', '┃']
    } else {
        ['▐', '▌']
    };
    for y in rect.y..rect.y + rect.height {
        scene.put(
            rect.x,
            y,
            Cell {
                glyph: west,
                ..like.clone()
            },
        );
        scene.put(
            rect.x + rect.width - 1,
            y,
            Cell {
                glyph: east,
                ..like.clone()
            },
        );
    }
    let pinned = scene
        .ports
        .iter()
        .any(|p| p.node == place && !p.exit && !p.right());
    let name_x = match (layout.look.labels, pinned) {
        (true, true) => rect.x + 3 + geometry.left_label[view.column],
        (true, false) => rect.x + 2,
        (false, _) => rect.x + 1,
    };
    scene.write(
        name_x,
        rect.y,
        &view.title,
        &Cell {
            ink: Ink::Name,
            ..like.clone()
        },
    );
    if layout.look.labels {
        let x = name_x + names::width(&view.title) + 1;
        badges(scene, layout, place, like, (x, rect.y));
    }
}

/// The tip and the ports of a pin, or the stub of an exit, in the border of its box.
fn draw_port(scene: &mut Scene, port: usize, state: Option<State>, cards: bool) {
    let view = scene.ports[port].clone();
    let outside = !matches!(
        scene.boxes[view.node].kind,
        NodeKind::Workload | NodeKind::Namespace
    );
    let border = match (cards, outside, view.right()) {
        (_, _, true) if scene.boxes[view.node].centre => ['┠', '┃'],
        (_, _, false) if scene.boxes[view.node].centre => ['┨', '┃'],
        (true, false, true) => ['├', '│'],
        (true, false, false) => ['┤', '│'],
        (true, true, true) => ['╟', '║'],
        (true, true, false) => ['╢', '║'],
        (false, _, true) => ['╶', '▌'],
        (false, _, false) => ['╴', '▐'],
    };
    let like = Cell {
        ink: Ink::Port,
        state,
        bold: state == Some(State::Unexpected),
        faint: matches!(state, Some(State::HalfOpen(_))),
        node: Some(view.node),
        edges: view.edges.clone(),
        ..Cell::default()
    };
    if view.exit {
        scene.put(
            view.x,
            view.y,
            Cell {
                glyph: border[0],
                ink: Ink::Border,
                ..like
            },
        );
        return;
    }
    let tip = match (view.denied, view.right()) {
        (true, _) => border[1],
        (false, true) => '◄',
        (false, false) => '►',
    };
    scene.put(
        view.x,
        view.y,
        Cell {
            glyph: tip,
            ..like.clone()
        },
    );
    let at = if view.right() {
        view.x - names::width(&view.label)
    } else {
        view.x + 1
    };
    scene.write(at, view.y, &view.label, &like);
}

/// Puts `╳` where half-open wires are cut and `?` before pins that only unknown edges reach. Returns the edges whose
/// state shows nowhere.
fn marks(scene: &mut Scene, wiring: &Wiring, canvas: &Canvas) -> Vec<usize> {
    for port in 0..scene.ports.len() {
        let port = &scene.ports[port];
        let x = if port.right() { port.x + 1 } else { port.x - 1 };
        let plain = canvas
            .spot(x, port.y)
            .is_some_and(|s| !s.joint && s.arms[NORTH] == 0 && s.arms[SOUTH] == 0);
        let Some(cell) = scene
            .cell(x, port.y)
            .filter(|c| c.ink == Ink::Wire && plain)
        else {
            continue;
        };
        let mut cell = cell.clone();
        if port.denied {
            cell.glyph = '╳';
        } else if !port.exit
            && cell.state == Some(State::Unknown)
            && cell.glyph == broken('─', State::Unknown)
        {
            cell.glyph = '?';
        } else {
            continue;
        }
        let y = port.y;
        scene.put(x, y, cell);
    }
    // By edge: its state, and whether some cell tells it.
    let count = wiring.wires.iter().map(|w| w.edge + 1).max().unwrap_or(0);
    let mut states: Vec<Option<State>> = vec![None; count];
    for wire in &wiring.wires {
        states[wire.edge] = Some(wire.state);
    }
    let mut shown = vec![false; count];
    for cell in scene.cells.iter().filter(|c| c.ink == Ink::Wire) {
        for &edge in &cell.edges {
            shown[edge] = shown[edge]
                || match states[edge] {
                    Some(State::HalfOpen(_)) => cell.glyph == '╳',
                    Some(State::Missing) => {
                        matches!(cell.glyph, '┄' | '┆') || (cell.glyph == '○' && cell.joint)
                    }
                    Some(State::Unknown) => matches!(cell.glyph, '┈' | '┊' | '?'),
                    Some(State::Unexpected) => cell.bold,
                    Some(State::Plain) | None => true,
                };
        }
    }
    let drawn = wiring.wires.iter();
    drawn
        .filter(|w| w.state != State::Plain && !shown[w.edge])
        .map(|w| w.edge)
        .collect()
}
