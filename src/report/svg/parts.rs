//! Frames, boxes, pins, marks and the legend.

use crate::graph::{BoxView, FrameView, Graph, Ink, NodeKind, PortView, Scene, State, Step};
use crate::text::{tame, width};

use super::sheet::{CELL, LEGEND, LEGEND_WIDTH, class};
use super::{ARROW, middle};
use crate::report::xml::Xml;

/// From the middle of a line of text to its base line.
const BASE: i32 = 4;

/// Drawings stay far below what `i32` holds; what does not is clamped.
pub(super) fn count(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX / 1024)
}

fn is_card(step: Step) -> bool {
    matches!(
        step,
        Step::Card | Step::CardDense | Step::CardTight | Step::CardInline
    )
}

/// A run of cells in one row of a box or frame that carry one kind of text: where it starts, and the text.
fn run(scene: &Scene, y: i32, columns: std::ops::Range<i32>, ink: Ink) -> Option<(i32, String)> {
    let cells = columns.filter_map(|x| scene.cell(x, y).map(|cell| (x, cell)));
    let run: Vec<(i32, char)> = cells
        .filter(|(_, cell)| cell.ink == ink)
        .map(|(x, cell)| (x, cell.glyph))
        .collect();
    let blanks = run.iter().take_while(|(_, glyph)| *glyph == ' ').count();
    let start = run.get(blanks)?.0;
    let text: String = run.iter().map(|(_, glyph)| glyph).collect();
    Some((start, text.trim().to_owned()))
}

pub(super) fn frames(xml: &mut Xml, scene: &Scene) {
    for frame in scene.frames() {
        let rect = frame.rect;
        let ((left, top), (right, bottom)) = (
            middle(rect.x, rect.y),
            middle(rect.x + rect.width - 1, rect.y + rect.height - 1),
        );
        let (top, bottom) = (top - FRAME_ROOM, bottom + 3);
        xml.group("g", &[], |xml| {
            xml.text("title", &[], &format!("namespace {}", frame.namespace));
            rounded(xml, "frame", (left, top), (right, bottom), 10);
            let Some((x, y, text)) = frame_title(scene, frame) else {
                return;
            };
            let y = if y == rect.y { top } else { bottom };
            let end = x + text_width(&text);
            rounded(xml, "tab", (x - 5, y - 8), (end + 5, y + 8), 3);
            label(xml, "muted", (x, y), "start", &text);
        });
    }
}

/// How far the upper line of a frame stands above its row, so that boxes below it have air.
const FRAME_ROOM: i32 = 6;

/// What a label takes at most.
fn text_width(text: &str) -> i32 {
    count(width(text)) * 73 / 10
}

/// Where the name of a frame begins, the row, and the name: whole where lines leave more room than characters do.
fn frame_title(scene: &Scene, frame: &FrameView) -> Option<(i32, i32, String)> {
    let rect = frame.rect;
    let columns = rect.x..rect.x + rect.width;
    let (x, y, text) = [rect.y, rect.y + rect.height - 1]
        .into_iter()
        .find_map(|y| {
            run(scene, y, columns.clone(), Ink::FrameTitle).map(|(x, text)| (x, y, text))
        })?;
    let (full, start) = (tame(&frame.namespace), rect.x * CELL.0 + 16);
    let last = (start + text_width(&full) + 5) / CELL.0;
    let is_free = (rect.x + 1..=last).all(|x| {
        let cell = scene.cell(x, y);
        cell.is_some_and(|cell| matches!(cell.ink, Ink::Frame | Ink::FrameTitle))
    });
    if text != full && is_free && last < columns.end - 1 {
        return Some((start, y, full.into_owned()));
    }
    Some((x * CELL.0, y, text))
}

fn rounded(xml: &mut Xml, class: &str, (x0, y0): (i32, i32), (x1, y1): (i32, i32), radius: i32) {
    let numbers = [x0, y0, x1 - x0, y1 - y0, radius].map(|n| n.to_string());
    let [x, y, width, height, radius] = &numbers;
    let mut about = vec![
        ("x", x.as_str()),
        ("y", y),
        ("width", width),
        ("height", height),
        ("rx", radius),
    ];
    if !class.is_empty() {
        about.insert(0, ("class", class));
    }
    xml.leaf("rect", &about);
}

/// Dots where wires join, crosses where they are cut, question marks: the signs of the screen at their places.
pub(super) fn marks(xml: &mut Xml, scene: &Scene) {
    for y in 0..scene.height() {
        for x in 0..scene.width() {
            let Some(cell) = scene.cell(x, y).filter(|cell| cell.ink == Ink::Wire) else {
                continue;
            };
            let state = cell.state.unwrap_or(State::Plain);
            let at = middle(x, y);
            match cell.glyph {
                '●' => dot(xml, at, class(state), 3),
                '○' => dot(xml, at, "missing hollow", 4),
                '◆' => diamond(xml, at),
                '╳' => cross(xml, at, class(state)),
                '?' => {
                    // Before a pin it stands behind the arrow head.
                    let pin = scene.ports().iter().find(|port| {
                        !port.exit
                            && port.y == y
                            && port.x == if port.right() { x - 1 } else { x + 1 }
                    });
                    let back = pin.map_or(0, |pin| if pin.right() { ARROW } else { -ARROW });
                    question(xml, (at.0 + back, at.1));
                }
                _ => {}
            }
        }
    }
}

fn dot(xml: &mut Xml, (x, y): (i32, i32), class: &str, radius: i32) {
    let numbers = [x, y, radius].map(|n| n.to_string());
    let class = format!("mark {class}");
    let [cx, cy, r] = &numbers;
    xml.leaf(
        "circle",
        &[("class", &class), ("cx", cx), ("cy", cy), ("r", r)],
    );
}

fn diamond(xml: &mut Xml, (x, y): (i32, i32)) {
    let path = format!("M{} {y}L{x} {}L{} {y}L{x} {}Z", x - 6, y - 6, x + 6, y + 6);
    xml.leaf("path", &[("class", "mark unexpected"), ("d", &path)]);
}

fn cross(xml: &mut Xml, (x, y): (i32, i32), class: &str) {
    let (left, right, top, bottom) = (x - 4, x + 4, y - 4, y + 4);
    let path = format!("M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}");
    xml.leaf(
        "path",
        &[("class", &format!("cross {class}")), ("d", &path)],
    );
}

fn question(xml: &mut Xml, (x, y): (i32, i32)) {
    dot(xml, (x, y), "unknown hollow", 6);
    let (x, y) = (x.to_string(), (y + BASE).to_string());
    let about = [
        ("class", "unknown"),
        ("x", x.as_str()),
        ("y", &y),
        ("text-anchor", "middle"),
    ];
    xml.text("text", &about, "?");
}

/// An arrow head with its tip at a point.
fn arrow(xml: &mut Xml, (x, y): (i32, i32), to_right: bool, class: &str) {
    let back = if to_right { x - ARROW } else { x + ARROW };
    let path = format!("M{x} {y}L{back} {}V{}Z", y - 5, y + 5);
    xml.leaf(
        "path",
        &[("class", &format!("mark arrow {class}")), ("d", &path)],
    );
}

/// The strongest state of the edges at a port.
fn state_of(scene: &Scene, at: usize) -> State {
    let wires = scene.wires().iter();
    wires
        .filter(|wire| wire.exit == at || wire.pin == at)
        .map(|wire| wire.state)
        .max_by_key(|state| (state.rank(), *state))
        .unwrap_or(State::Plain)
}

pub(super) fn boxes(xml: &mut Xml, graph: &Graph, scene: &Scene) {
    for (i, view) in scene.boxes().iter().enumerate() {
        let outside = !matches!(view.kind, NodeKind::Workload | NodeKind::Namespace);
        let class = match (outside, view.centre) {
            (_, true) => "box centre",
            (true, _) => "box outside",
            _ => "box",
        };
        xml.group("g", &[("class", class), ("data-id", &view.id)], |xml| {
            xml.text("title", &[], &told(graph, view));
            body(xml, scene, view, outside);
            let ports = scene.ports().iter().enumerate();
            for (at, port) in ports.filter(|(_, port)| port.node == i) {
                pin(xml, port, state_of(scene, at), inset(scene, outside));
            }
        });
    }
}

/// What a box stands for, in full.
fn told(graph: &Graph, view: &BoxView) -> String {
    let mut told = view.key.clone();
    if let Some(node) = graph.node(&view.key) {
        match node.pods {
            0 => {}
            1 => told += ", 1 pod",
            pods => told += &format!(", {pods} pods"),
        }
        for badge in &node.badges {
            told += &format!(", {badge}");
        }
    }
    let own = graph
        .edges()
        .iter()
        .filter(|edge| edge.from == view.key && edge.to == view.key);
    let ports: Vec<&str> = own
        .flat_map(|edge| &edge.ports)
        .map(String::as_str)
        .collect();
    if !ports.is_empty() {
        told += &format!(", talks to itself on {}", ports.join(", "));
    }
    told
}

/// The outline with name and badges.
fn body(xml: &mut Xml, scene: &Scene, view: &BoxView, outside: bool) {
    let rect = view.rect;
    let columns = rect.x..rect.x + rect.width;
    let card = is_card(scene.step_shown());
    let rows = rect.y..rect.y + rect.height;
    let badges = rows
        .clone()
        .find_map(|y| run(scene, y, columns.clone(), Ink::Badge).map(|(x, text)| (x, y, text)));
    let (left, right) = (middle(rect.x, 0).0, middle(rect.x + rect.width - 1, 0).0);
    let (mut top, mut bottom) = (rect.y * CELL.1 + 2, (rect.y + rect.height) * CELL.1 - 2);
    if scene.step_shown() == Step::Card {
        // There is a free row between boxes.
        top -= 4;
    }
    if card && badges.is_none() {
        // The row kept for badges is empty.
        bottom -= CELL.1 / 2;
    }
    let radius = match (card, outside) {
        (true, true) => 14,
        (true, false) => 6,
        (false, true) => 8,
        (false, false) => 4,
    };
    rounded(xml, "", (left, top), (right, bottom), radius);
    if outside && card {
        rounded(
            xml,
            "within",
            (left + 3, top + 3),
            (right - 3, bottom - 3),
            radius - 3,
        );
    }
    let name_at = rows
        .clone()
        .find_map(|y| run(scene, y, columns.clone(), Ink::Name).map(|(x, text)| (x, y, text)));
    let inset = left + inset(scene, outside);
    if let Some((x, y, text)) = name_at {
        let x = if card { inset } else { x * CELL.0 };
        label(xml, "name", (x, middle(0, y).1), "start", &text);
    }
    if let Some((x, y, text)) = badges {
        let x = if card { inset } else { x * CELL.0 };
        // Open where the environment says otherwise.
        let class = if text.contains('!') {
            "badge unexpected"
        } else {
            "badge"
        };
        let y = middle(0, y).1 - 2 * i32::from(card);
        let spaced = text.replace('·', " · ");
        let is_roomy = count(width(&spaced)) * 67 / 10 <= right - x - 6;
        let text = if is_roomy { spaced } else { text };
        label(xml, class, (x, y), "start", &text);
    }
}

fn label(xml: &mut Xml, class: &str, (x, y): (i32, i32), anchor: &str, text: &str) {
    // What XML cannot hold at all is spelled out elsewhere; here it has the room of one cell.
    let text = text.replace(['\u{fffe}', '\u{ffff}'], "?");
    let (x, y) = (x.to_string(), (y + BASE).to_string());
    let mut about = vec![("class", class), ("x", x.as_str()), ("y", y.as_str())];
    if anchor != "start" {
        about.push(("text-anchor", anchor));
    }
    xml.text("text", &about, &text);
}

/// From the line of a box to what is written in it.
fn inset(scene: &Scene, outside: bool) -> i32 {
    match (is_card(scene.step_shown()), outside) {
        (true, true) => 14,
        (true, false) => 10,
        (false, _) => CELL.0 / 2 + 3,
    }
}

fn pin(xml: &mut Xml, port: &PortView, state: State, inset: i32) {
    let at = middle(port.x, port.y);
    if port.exit {
        if !port.denied {
            dot(xml, at, &format!("{} exit", class(state)), 2);
        }
        return;
    }
    if !port.denied {
        arrow(xml, at, !port.right(), class(state));
    }
    let (x, anchor) = if port.right() {
        (at.0 - inset, "end")
    } else {
        (at.0 + inset, "start")
    };
    if !port.label.is_empty() {
        // What is routine is written like any text.
        let class = if state == State::Plain {
            "port".to_owned()
        } else {
            format!("port {}", class(state))
        };
        label(xml, &class, (x, at.1), anchor, &port.label);
    }
}

/// An entry of the legend, at its place.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) x: i32,
    pub(super) y: i32,
    sign: Sign,
    word: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum Sign {
    Wire(State),
    Joint,
    Badge(&'static str),
}

impl Sign {
    fn width(self) -> i32 {
        match self {
            Self::Wire(_) => 44,
            Self::Joint => 24,
            Self::Badge(text) => count(width(text)) * 7,
        }
    }
}

/// What occurs in the picture and needs a word, in lines of this width.
pub(super) fn legend(scene: &Scene, room: i32) -> Vec<Line> {
    let cells = || {
        (0..scene.height()).flat_map(|y| (0..scene.width()).filter_map(move |x| scene.cell(x, y)))
    };
    let mut entries: Vec<(Sign, &'static str)> = Vec::new();
    entries.extend(
        scene
            .legend()
            .iter()
            .map(|&(state, _, word)| (Sign::Wire(state), word)),
    );
    if cells().any(|cell| cell.ink == Ink::Wire && cell.glyph == '●') {
        entries.push((Sign::Joint, "wires join here, none leaves"));
    }
    let badges: String = cells()
        .filter(|cell| cell.ink == Ink::Badge)
        .map(|cell| cell.glyph)
        .collect();
    for (sign, word) in [
        ("↻", "talks to itself"),
        ("dns", "reaches the cluster DNS"),
        ("scrape", "metrics are collected"),
        ("api", "talks to the API server"),
        ("open", "no policy isolates it in this direction"),
        ("part", "cluster-wide rules close some of it"),
        ("host", "on the host network"),
    ] {
        if badges.contains(sign) {
            entries.push((Sign::Badge(sign), word));
        }
    }
    let (mut x, mut y) = (0, 0);
    entries
        .into_iter()
        .map(|(sign, word)| {
            let needed = sign.width() + 8 + count(width(word)) * LEGEND_WIDTH / 10;
            if x > 0 && x + needed > room {
                (x, y) = (0, y + LEGEND);
            }
            let line = Line { x, y, sign, word };
            x += needed + 24;
            line
        })
        .collect()
}

impl Line {
    pub(super) fn write(&self, xml: &mut Xml) {
        let (x, y) = (self.x, self.y);
        match self.sign {
            Sign::Wire(state) => {
                let cut = matches!(state, State::HalfOpen(_));
                let end = x + if cut { 34 } else { 36 };
                let path = format!("M{x} {y}H{end}");
                xml.leaf(
                    "path",
                    &[("class", &format!("wire {}", class(state))), ("d", &path)],
                );
                if cut {
                    cross(xml, (x + 38, y), class(state));
                } else {
                    arrow(xml, (x + 44, y), true, class(state));
                }
                match state {
                    State::Unexpected => diamond(xml, (x + 16, y)),
                    State::Missing => dot(xml, (x + 16, y), "missing hollow", 4),
                    State::Unknown => question(xml, (x + 16, y)),
                    State::Plain | State::HalfOpen(_) => {}
                }
            }
            Sign::Joint => {
                let path = format!(
                    "M{x} {y}H{}M{} {y}Q{} {y} {} {}",
                    x + 24,
                    x + 5,
                    x + 12,
                    x + 12,
                    y + 7
                );
                xml.leaf("path", &[("class", "wire allowed"), ("d", &path)]);
                dot(xml, (x + 12, y), "allowed", 3);
            }
            Sign::Badge(text) => label(xml, "badge", (x, y), "start", text),
        }
        let at = (x + self.sign.width() + 8, y);
        label(xml, "prose", at, "start", &tame(self.word));
    }
}
