//! Names and signs: what stands in the cells can be read without colour, and breaks nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::pictures::{mixed, pinned, with_api};
use crate::graph::samples::{Sample, stalker};
use crate::graph::{Cell, End, Ink, State, Step, layout, truth};

/// Names of every kind that could break a box.
fn unruly() -> Sample {
    let mut s = Sample::default();
    let names = [
        "漢字の名前",
        "cafe\u{301}-backend",
        "👩\u{200d}💻-emoji",
        "a\u{200b}zero\u{202e}width",
        "►│●╮",
        "a-name-that-goes-on-and-on-beyond-every-box-there-is-1",
        "a-name-that-goes-on-and-on-beyond-every-box-there-is-2",
    ];
    for pair in names.windows(2) {
        let (from, to) = (
            format!("名前空間/{}", pair[0]),
            format!("名前空間/{}", pair[1]),
        );
        s.edge(
            &from,
            &to,
            "8080 8443 9000 9001 9002 9003 9004",
            State::Plain,
        );
    }
    s.edge(
        "any",
        "名前空間/漢字の名前",
        "30000-32767/UDP any",
        State::Unexpected,
    );
    s.badge("名前空間/►│●╮", "open in");
    s
}

#[test]
fn no_name_breaks_a_box() {
    for step in Step::ALL {
        for width in [40, 80, 160] {
            let mut options = with_api(width, 40);
            options.step = Some(step);
            let scene = layout(&unruly().graph(), &options, None);
            assert!(truth::check(&scene).is_clean());
            for ascii in [false, true] {
                for (y, line) in (0..).zip(scene.text(ascii).lines()) {
                    // One character a cell, or what follows would be pushed aside.
                    assert_eq!(
                        crate::text::width(line),
                        line.chars().count(),
                        "{step:?} {line}"
                    );
                    assert!(
                        crate::text::width(line) <= usize::try_from(scene.width()).unwrap(),
                        "{step:?} {y}"
                    );
                }
            }
            for b in scene.boxes() {
                for x in [b.rect.x, b.rect.x + b.rect.width - 1] {
                    for y in b.rect.y..b.rect.y + b.rect.height {
                        let ink = scene.cell(x, y).unwrap().ink;
                        assert!(
                            matches!(ink, Ink::Border | Ink::Port),
                            "{step:?} {}\n{}",
                            b.id,
                            scene.text(false)
                        );
                    }
                }
            }
            let shown: BTreeSet<&str> = scene.boxes().iter().map(|b| b.title.as_str()).collect();
            assert_eq!(
                shown.len(),
                scene.boxes().len(),
                "{step:?}\n{}",
                scene.text(false)
            );
        }
    }
}

#[test]
fn many_ports_are_folded_at_the_pin() {
    let scene = pinned(&unruly().graph(), Step::Chip);
    assert!(
        scene.text(false).contains("►8080·8443·+5"),
        "{}",
        scene.text(false)
    );
    assert!(
        scene.text(false).contains("►30000-32767/UDP·any"),
        "{}",
        scene.text(false)
    );
}

#[test]
fn an_edge_of_a_box_to_itself_tells_its_state() {
    let mut s = stalker();
    s.edge("stalker/mongo", "stalker/mongo", "27017", State::Missing);
    s.edge("stalker/kafka", "stalker/kafka", "9093", State::Plain);
    s.edge("stalker/kafka", "stalker/kafka", "22", State::Unexpected);
    s.edge(
        "stalker/zookeeper",
        "stalker/zookeeper",
        "3888",
        State::HalfOpen(End::To),
    );
    s.edge("stalker/ui", "stalker/ui", "80", State::Unknown);
    for step in [Step::Card, Step::CardTight, Step::Chip] {
        let scene = pinned(&s.graph(), step);
        let text = scene.text(false);
        for badge in ["↻27017○", "↻9093", "↻22◆", "↻3888╳", "↻80?"] {
            assert!(text.contains(badge), "{badge}\n{text}");
        }
        let badges = (0..scene.height()).flat_map(|y| (0..scene.width()).map(move |x| (x, y)));
        let states: BTreeSet<State> = badges
            .filter_map(|(x, y)| scene.cell(x, y))
            .filter(|cell| cell.ink == Ink::Badge)
            .filter_map(|cell| cell.state)
            .collect();
        assert_eq!(states.len(), 5);
        let legend = scene.legend().iter().map(|entry| entry.2);
        assert_eq!(legend.count(), 5);
    }
}

#[test]
fn without_colour_and_without_glyphs_each_sign_is_one_of_its_own() {
    let graph = mixed().graph();
    let scene = pinned(&graph, Step::Card);
    let mut signs: BTreeMap<char, BTreeSet<Option<State>>> = BTreeMap::new();
    for y in 0..scene.height() {
        for x in 0..scene.width() {
            let cell = scene.cell(x, y).unwrap();
            if cell.ink == Ink::Wire {
                signs.entry(cell.ascii()).or_default().insert(cell.state);
            }
        }
    }
    // Straight stretches belong to one state each.
    for (sign, state) in [
        ('-', State::Plain),
        ('|', State::Plain),
        ('=', State::Unexpected),
        ('#', State::Unexpected),
        ('.', State::Missing),
        ('~', State::Unknown),
    ] {
        assert_eq!(signs[&sign], BTreeSet::from([Some(state)]), "{sign}");
    }
    let half_open = |state: &Option<State>| matches!(state, Some(State::HalfOpen(_)));
    assert!(signs[&'_'].iter().all(half_open));
    let upright = ['│', '┃', '┆', '┊', '╎'].map(|glyph| Cell {
        glyph,
        ink: Ink::Wire,
        ..Cell::default()
    });
    let upright: BTreeSet<char> = upright.iter().map(Cell::ascii).collect();
    assert_eq!(upright.len(), 5);
    // A bridge is an upright stroke, a turn a slope, a branch a cross: none looks like another.
    let cell = |glyph, ink| Cell {
        glyph,
        ink,
        ..Cell::default()
    };
    assert_eq!(cell('│', Ink::Wire).ascii(), '|');
    assert_eq!(cell('╮', Ink::Wire).ascii(), '\\');
    assert_eq!(cell('┼', Ink::Wire).ascii(), '+');
    assert_eq!(cell('╮', Ink::Border).ascii(), '+');
}
