//! What the checker takes a picture for, and that no false wire gets past it.

use super::random::{Dice, World, cases, options};
use crate::graph::scene::{BoxView, Cell, Ink, PortView, Rect, Scene};
use crate::graph::sticky::Sticky;
use crate::graph::trunks::Side;
use crate::graph::{NodeKind, Step, layout, truth};

/// A scene as somebody might draw it. `╶` and `╴` are exits, `►` and `◄` pins, both counted in reading order; `#` is a box. An
/// edge leads from an exit to a pin.
fn drawn(lines: &[&str], edges: &[(usize, usize)]) -> Scene {
    let width = lines.iter().map(|l| l.chars().count()).max().unwrap_or(0);
    let cells = |n: usize| i32::try_from(n).unwrap();
    let mut scene = Scene {
        width: cells(width),
        height: cells(lines.len()),
        step: Step::Chip,
        fits: true,
        cells: vec![Cell::default(); width * lines.len()],
        boxes: Vec::new(),
        frames: Vec::new(),
        legend: Vec::new(),
        ports: Vec::new(),
        wires: Vec::new(),
        grid: None,
        drawn: (0..edges.len()).collect(),
        sticky: Sticky::default(),
    };
    let (mut exits, mut pins) = (0, 0);
    for (y, line) in lines.iter().enumerate() {
        for (x, glyph) in line.chars().enumerate() {
            let (x, y) = (cells(x), cells(y));
            let ink = match glyph {
                ' ' => Ink::Empty,
                '#' | '╶' | '╴' => Ink::Border,
                '►' | '◄' => Ink::Port,
                _ => Ink::Wire,
            };
            let joint = !matches!(glyph, '─' | '│');
            scene.put(
                x,
                y,
                Cell {
                    glyph,
                    ink,
                    joint,
                    ..Cell::default()
                },
            );
            let exit = matches!(glyph, '╶' | '╴');
            if !exit && !matches!(glyph, '►' | '◄') {
                continue;
            }
            let counter = if exit { &mut exits } else { &mut pins };
            let mine = |edge: &&usize| {
                let (from, to) = edges[**edge];
                (if exit { from } else { to }) == *counter
            };
            let edges = (0..edges.len()).collect::<Vec<_>>();
            let edges = edges.iter().filter(mine).copied().collect();
            let id = format!("{}{counter}", if exit { "exit" } else { "pin" });
            *counter += 1;
            scene.ports.push(PortView {
                node: scene.boxes.len(),
                x,
                y,
                exit,
                side: if matches!(glyph, '╶' | '◄') {
                    Side::Right
                } else {
                    Side::Left
                },
                denied: false,
                around: false,
                label: String::new(),
                edges,
            });
            scene.boxes.push(BoxView {
                id: id.clone(),
                key: id,
                kind: NodeKind::Workload,
                title: String::new(),
                rect: Rect {
                    x,
                    y,
                    width: 1,
                    height: 1,
                },
                column: 0,
                centre: false,
            });
        }
    }
    scene
}

/// False paths as exit and pin, and edges that are missing.
fn read(lines: &[&str], edges: &[(usize, usize)]) -> (Vec<String>, Vec<usize>) {
    let report = truth::check(&drawn(lines, edges));
    let paths = report.false_paths.iter();
    (
        paths.map(|(a, b, _)| format!("{a} {b}")).collect(),
        report.missing,
    )
}

fn clean(lines: &[&str], edges: &[(usize, usize)]) {
    assert_eq!(read(lines, edges), (vec![], vec![]), "{lines:#?}");
}

#[test]
fn wires_are_followed_as_a_reader_does() {
    clean(&["╶──►"], &[(0, 0)]);
    clean(&["◄──╴"], &[(0, 0)]);
    clean(&["╶─╮  ", "  ╰─►"], &[(0, 0)]);
    // A bridge is no contact: the level wire runs on behind the upright one.
    clean(&["╶─╮   ", "╶─│──►", "  ╰──►"], &[(0, 1), (1, 0)]);
    // A trunk with two ends.
    clean(&["╶─┬─►", "  ╰─►"], &[(0, 0), (0, 1)]);
    // A dot is an on-ramp: from the second exit straight on, or onto the trunk; the first never leaves at the dot.
    clean(
        &["╶─╮    ", "╶─●──► ", "  ╰──► "],
        &[(0, 1), (1, 0), (1, 1)],
    );
}

#[test]
fn what_is_not_as_drawn_is_noticed() {
    let told = |lines: &[&str], edges: &[(usize, usize)]| read(lines, edges);
    // A gap.
    assert_eq!(told(&["╶─ ─►"], &[(0, 0)]), (vec![], vec![0]));
    // A box drawn over a wire.
    assert_eq!(told(&["╶─#─►"], &[(0, 0)]), (vec![], vec![0]));
    // An arrow that heads the other way, and a pin on the wrong side.
    assert_eq!(told(&["╶──◄"], &[(0, 0)]), (vec![], vec![0]));
    assert_eq!(told(&["►──╴"], &[(0, 0)]), (vec![], vec![0]));
    // A corner that turns the other way.
    assert_eq!(told(&["╶─╯  ", "  ╰─►"], &[(0, 0)]), (vec![], vec![0]));
    // A level wire never goes back.
    assert_eq!(told(&["╶──╮", "◄──╯"], &[(0, 0)]), (vec![], vec![0]));
    // Two trunks on the same cells in the same direction.
    assert_eq!(
        told(&["╶─╮   ", "╶─┼──►", "  ╰──►"], &[(0, 1), (1, 0)]),
        (
            vec!["exit0 pin0".to_owned(), "exit1 pin1".to_owned()],
            vec![]
        )
    );
    assert_eq!(
        told(&["╶─╮ ╭─►", "╶─┴─┴─►"], &[(0, 0), (1, 1)]),
        (
            vec!["exit0 pin1".to_owned(), "exit1 pin0".to_owned()],
            vec![]
        )
    );
    // Off the canvas.
    assert_eq!(
        told(&["╶──"], &[(0, 0)]),
        (vec![], vec![]),
        "no pin, no edge to lose"
    );
    // An edge that nothing is drawn for.
    assert_eq!(told(&["╶──►"], &[(0, 0), (1, 1)]), (vec![], vec![1]));
    // A wire nobody asked for.
    assert_eq!(
        told(&["╶──►"], &[]),
        (vec!["exit0 pin0".to_owned()], vec![])
    );
}

/// A way to spoil a picture: the glyph to put where, if it can be done to this cell.
type Plant = fn(&Scene, i32, i32) -> Option<char>;

fn glyph(scene: &Scene, x: i32, y: i32) -> char {
    scene.cell(x, y).map_or(' ', |c| c.glyph)
}

fn wire(scene: &Scene, x: i32, y: i32) -> bool {
    scene.cell(x, y).is_some_and(|c| c.ink == Ink::Wire)
}

/// A level wire runs behind an upright one here, both go the same way, and no exit of the one leads to a pin of the other.
fn bridge(scene: &Scene, x: i32, y: i32) -> bool {
    let upright = matches!(glyph(scene, x, y), '│' | '┃' | '┆' | '┊' | '╎');
    if !upright || !wire(scene, x, y) || !wire(scene, x - 1, y) || !wire(scene, x + 1, y) {
        return false;
    }
    let edges = |x| scene.cell(x, y).unwrap().edges.clone();
    let (here, left, right) = (edges(x), edges(x - 1), edges(x + 1));
    let ports = |of: &[usize], exit: bool| -> Vec<&PortView> {
        let serves = |p: &&PortView| p.exit == exit && p.edges.iter().any(|e| of.contains(e));
        scene.ports.iter().filter(serves).collect()
    };
    let (level, over) = (ports(&left, true), ports(&here, true));
    let east = |exits: &[&PortView]| exits.iter().all(|e| e.right() && !e.around);
    let strangers = level.iter().all(|exit| {
        let pins = ports(&here, false);
        pins.iter()
            .all(|pin| !pin.edges.iter().any(|e| exit.edges.contains(e)))
    });
    left == right && east(&level) && east(&over) && strangers
}

/// Some edge drawn here has no other one beside it, from the same exit to the same pin on a trunk of its own: of two such, a
/// reader who loses one still comes to the pin by the other.
fn is_only_way(scene: &Scene, x: i32, y: i32) -> bool {
    let here = scene.cell(x, y).map_or(&[][..], |cell| &cell.edges);
    let port = |exit: bool, edge: &usize| {
        let mut ports = scene.ports.iter();
        ports.find(|p| p.exit == exit && p.edges.contains(edge))
    };
    let has_double = |edge: &usize| match (port(true, edge), port(false, edge)) {
        (Some(exit), Some(pin)) => {
            let mut others = exit.edges.iter().filter(|other| !here.contains(other));
            others.any(|other| pin.edges.contains(other))
        }
        _ => false,
    };
    wire(scene, x, y) && !here.iter().all(has_double)
}

const PLANTS: [(&str, Plant); 5] = [
    ("a bridge becomes a joint", |scene, x, y| {
        (wire(scene, x, y) && bridge(scene, x, y)).then_some('┼')
    }),
    ("a tip is turned round", |scene, x, y| {
        match glyph(scene, x, y) {
            _ if scene.cell(x, y).is_none_or(|c| c.ink != Ink::Port) => None,
            '►' if wire(scene, x - 1, y) => Some('◄'),
            '◄' if wire(scene, x + 1, y) => Some('►'),
            _ => None,
        }
    }),
    ("a cell is erased", |scene, x, y| {
        is_only_way(scene, x, y).then_some(' ')
    }),
    ("a corner turns the other way", |scene, x, y| {
        match glyph(scene, x, y) {
            _ if !is_only_way(scene, x, y) => None,
            '╮' => Some('╯'),
            '╯' => Some('╮'),
            '╰' => Some('╭'),
            '╭' => Some('╰'),
            _ => None,
        }
    }),
    ("a level wire is cut by an upright one", |scene, x, y| {
        (wire(scene, x, y) && glyph(scene, x, y) == '╳').then_some('#')
    }),
];

/// Joints and tips are lies each time, so a single miss fails. A cell may be lost where a reader comes to the same pin another way,
/// by way of a third edge: then nothing is told wrong, and it happens to less than one in a thousand.
#[test]
fn a_false_wire_is_caught_whatever_it_is_made_of() {
    let (mut planted, mut missed) = ([0usize; PLANTS.len()], [0usize; PLANTS.len()]);
    for case in 0..cases(40) / 4 {
        let mut dice = Dice::new(case.wrapping_add(5 << 40));
        let world = World::new(&mut dice, 24);
        let scene = layout(&world.graph(), &options(&mut dice), None);
        assert!(truth::check(&scene).is_clean());
        for (kind, (what, plant)) in PLANTS.into_iter().enumerate() {
            let mut places: Vec<(i32, i32, char)> = Vec::new();
            for y in 0..scene.height() {
                for x in 0..scene.width() {
                    places.extend(plant(&scene, x, y).map(|glyph| (x, y, glyph)));
                }
            }
            for _ in 0..places.len().min(6) {
                let (x, y, glyph) = places.swap_remove(dice.below(places.len()));
                let mut spoiled = scene.clone();
                let mut cell = spoiled.cell(x, y).unwrap().clone();
                cell.glyph = glyph;
                if glyph == '#' {
                    cell.ink = Ink::Border;
                }
                spoiled.put(x, y, cell);
                planted[kind] += 1;
                let caught = !truth::check(&spoiled).is_clean();
                missed[kind] += usize::from(!caught);
                assert!(
                    caught || matches!(glyph, ' ' | '╮' | '╯' | '╰' | '╭'),
                    "case {case}: {what} at {x},{y} goes unnoticed\n{}\n{}",
                    scene.text(false),
                    spoiled.text(false)
                );
            }
        }
    }
    for (kind, (what, _)) in PLANTS.into_iter().enumerate() {
        let (planted, missed) = (planted[kind], missed[kind]);
        assert!(planted > 0, "never planted: {what}");
        assert!(missed * 1_000 < planted, "{what}: {missed} of {planted}");
    }
}

#[test]
fn a_wire_that_leaves_the_canvas_is_missed() {
    for case in 0..cases(40) / 4 {
        let mut dice = Dice::new(case.wrapping_add(6 << 40));
        let world = World::new(&mut dice, 24);
        let scene = layout(&world.graph(), &options(&mut dice), None);
        // Everything right of a column that wires cross is gone.
        let Some(port) = scene.ports.iter().find(|p| p.exit && p.right()) else {
            continue;
        };
        let width = port.x + 1;
        let mut cropped = scene.clone();
        let rows = scene.cells.chunks(usize::try_from(scene.width).unwrap());
        cropped.cells = rows
            .flat_map(|row| row[..usize::try_from(width).unwrap()].to_vec())
            .collect();
        cropped.width = width;
        let missing = truth::check(&cropped).missing;
        assert!(
            port.edges.iter().all(|e| missing.contains(e)),
            "case {case}: {missing:?}"
        );
    }
}
