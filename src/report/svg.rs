//! The picture as vector graphics: the schematic of the screen with lines instead of characters.
//!
//! What a reader sees is ink that each trunk has once; over it lies, invisible, the whole course of every edge with its ends,
//! ports and state, for tool tips and for programs. Nothing is loaded from elsewhere and nothing runs.

mod ink;
mod parts;
mod sheet;
#[cfg(test)]
mod tests;

use crate::graph::{Graph, Ink, Scene, State, Step};

use super::xml::Xml;
use ink::{Course, Manner};
use sheet::{CELL, HEADER, LEGEND, LEGEND_WIDTH, MARGIN, TITLE_WIDTH, class};

/// What stands above and below the picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heading {
    pub title: String,
    /// What is shown and by what it is judged; may be empty.
    pub subtitle: String,
    /// Sentences below the picture.
    pub remarks: Vec<String>,
}

/// The narrowest drawing, so that short titles and the legend have room.
const LEAST_WIDTH: i32 = 560;
/// Length of an arrow head.
const ARROW: i32 = 9;

/// Draws a scene; `graph` is the one it was laid out from.
pub fn write(graph: &Graph, scene: &Scene, heading: &Heading) -> String {
    let manner = manner(scene.step_shown());
    let courses = courses(scene);
    let (first, last) = bounds(scene);
    let shown = ((last.0 - first.0) * CELL.0, (last.1 - first.1) * CELL.1);
    let inner = shown.0.max(LEAST_WIDTH);
    let legend = parts::legend(scene, inner);
    let remarks = wrapped(&heading.remarks, inner);
    let lines = legend
        .iter()
        .map(|line| line.y)
        .max()
        .map_or(0, |y| y + LEGEND);
    let below = lines + parts::count(remarks.len()) * LEGEND;
    let width = inner + 2 * MARGIN;
    let height = MARGIN + HEADER + shown.1 + LEGEND + below + MARGIN / 2;

    let mut xml = Xml::new();
    let (w, h) = (width.to_string(), height.to_string());
    let root = [
        ("xmlns", "http://www.w3.org/2000/svg"),
        ("class", "netseg"),
        ("role", "img"),
        ("width", w.as_str()),
        ("height", h.as_str()),
        ("viewBox", &format!("0 0 {width} {height}")),
        ("aria-labelledby", "netseg-title netseg-desc"),
    ];
    xml.group("svg", &root, |xml| {
        xml.text("title", &[("id", "netseg-title")], &heading.title);
        xml.text(
            "desc",
            &[("id", "netseg-desc")],
            &description(graph, scene, heading),
        );
        xml.own_lines("style", sheet::STYLE);
        let sheet = [
            ("class", "ground"),
            ("width", w.as_str()),
            ("height", h.as_str()),
        ];
        xml.leaf("rect", &sheet);
        head(xml, heading, inner);
        // What is narrower than its heading stands in the middle.
        let left = MARGIN + (inner - shown.0) / 2 - first.0 * CELL.0;
        let top = MARGIN + HEADER - first.1 * CELL.1;
        xml.group(
            "g",
            &[("transform", &format!("translate({left} {top})"))],
            |xml| {
                parts::frames(xml, scene);
                for stroke in ink::strokes(&courses, manner) {
                    let class = format!("wire {}", class(stroke.state));
                    xml.leaf("path", &[("class", &class), ("d", &stroke.path)]);
                }
                parts::marks(xml, scene);
                edges(xml, graph, scene, &courses, manner);
                parts::boxes(xml, graph, scene);
            },
        );
        let foot = MARGIN + HEADER + shown.1 + LEGEND;
        xml.group(
            "g",
            &[("transform", &format!("translate({MARGIN} {foot})"))],
            |xml| {
                for line in &legend {
                    line.write(xml);
                }
                for (i, remark) in remarks.iter().enumerate() {
                    let y = (lines + parts::count(i) * LEGEND + 4).to_string();
                    xml.text(
                        "text",
                        &[("class", "prose muted"), ("x", "0"), ("y", &y)],
                        remark,
                    );
                }
            },
        );
    });
    xml.finish()
}

/// Whether the drawing is higher than wide.
pub fn is_tall(scene: &Scene) -> bool {
    scene.height() * CELL.1 > scene.width() * CELL.0
}

/// Wires side by side leave no room for wide turns.
fn manner(step: Step) -> Manner {
    match step {
        Step::Card | Step::CardDense | Step::Chip => Manner { radius: 7, gap: 3 },
        Step::CardTight | Step::CardInline | Step::ChipTight | Step::Mini => {
            Manner { radius: 4, gap: 3 }
        }
    }
}

/// The cells in use: the first column and row, and those behind the last.
fn bounds(scene: &Scene) -> (ink::Point, ink::Point) {
    let mut bounds: Option<(ink::Point, ink::Point)> = None;
    for y in 0..scene.height() {
        for x in 0..scene.width() {
            if scene.cell(x, y).is_some_and(|cell| cell.ink != Ink::Empty) {
                let (first, last) = bounds.unwrap_or(((x, y), (x + 1, y + 1)));
                bounds = Some((
                    (first.0.min(x), first.1.min(y)),
                    (last.0.max(x + 1), last.1.max(y + 1)),
                ));
            }
        }
    }
    bounds.unwrap_or_default()
}

/// The middle of a cell.
fn middle(x: i32, y: i32) -> ink::Point {
    (x * CELL.0 + CELL.0 / 2, y * CELL.1 + CELL.1 / 2)
}

fn courses(scene: &Scene) -> Vec<Course> {
    let wires = scene.wires().iter();
    wires
        .map(|wire| {
            let denied = |port: usize| scene.ports()[port].denied;
            Course {
                corners: wire.corners.iter().map(|&(x, y)| middle(x, y)).collect(),
                // Where an end denies, the wire is cut a cell before it.
                cut: (
                    if denied(wire.exit) { CELL.0 } else { 0 },
                    if denied(wire.pin) { CELL.0 } else { ARROW - 2 },
                ),
                state: wire.state,
                trunk: wire.trunk,
            }
        })
        .collect()
}

fn head(xml: &mut Xml, heading: &Heading, inner: i32) {
    let (x, y) = (MARGIN.to_string(), (MARGIN + 14).to_string());
    let title = fitted(&heading.title, inner, TITLE_WIDTH);
    xml.text(
        "text",
        &[("class", "prose title"), ("x", &x), ("y", &y)],
        &title,
    );
    if !heading.subtitle.is_empty() {
        let y = (MARGIN + 34).to_string();
        let subtitle = fitted(&heading.subtitle, inner, LEGEND_WIDTH);
        xml.text(
            "text",
            &[("class", "prose muted"), ("x", &x), ("y", &y)],
            &subtitle,
        );
    }
}

/// As much of a text as has room; `width` is that of a character, in tenths.
fn fitted(text: &str, room: i32, width: i32) -> String {
    let cells = usize::try_from(room * 10 / width).unwrap_or(0);
    crate::text::cut(&crate::text::tame(text), cells).into_owned()
}

/// Sentences in lines that have room.
fn wrapped(sentences: &[String], room: i32) -> Vec<String> {
    let cells = usize::try_from(room * 10 / LEGEND_WIDTH).unwrap_or(1);
    let mut lines = Vec::new();
    for sentence in sentences {
        let mut line = String::new();
        for word in sentence.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > cells {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// The picture in words, for those who do not see it.
fn description(graph: &Graph, scene: &Scene, heading: &Heading) -> String {
    let mut counts: Vec<String> = Vec::new();
    for (state, _, word) in scene.legend() {
        let count = scene
            .wires()
            .iter()
            .filter(|w| class(w.state) == class(*state));
        counts.push(format!("{} {word}", count.count()));
    }
    let counts = if counts.is_empty() {
        "no connection".to_owned()
    } else {
        counts.join("; ")
    };
    let subtitle = if heading.subtitle.is_empty() {
        String::new()
    } else {
        format!("{}. ", heading.subtitle)
    };
    format!(
        "{subtitle}{} boxes; connections drawn: {counts}. Generated by netseg-tui {}.",
        graph.nodes().len(),
        env!("CARGO_PKG_VERSION")
    )
}

/// The course of every edge, unseen until pointed at, with what it stands for.
fn edges(xml: &mut Xml, graph: &Graph, scene: &Scene, courses: &[Course], manner: Manner) {
    for (wire, course) in scene.wires().iter().zip(courses) {
        let Some(edge) = graph.edges().get(wire.edge) else {
            continue;
        };
        let ports = edge.ports.join(",");
        let about = [
            ("class", "edge"),
            ("data-from", edge.from.as_str()),
            ("data-to", edge.to.as_str()),
            ("data-ports", ports.as_str()),
            ("data-state", class(edge.state)),
        ];
        xml.group("g", &about, |xml| {
            let told = format!(
                "{} → {} {}: {}",
                edge.from,
                edge.to,
                edge.ports.join(", "),
                meaning(edge.state)
            );
            xml.text("title", &[], &told);
            xml.leaf("path", &[("d", &ink::whole(course, manner))]);
        });
    }
}

fn meaning(state: State) -> &'static str {
    use crate::graph::End;
    match state {
        State::Plain => "allowed",
        State::Missing => "expected, not allowed",
        State::Unexpected => "allowed, not expected",
        State::Unknown => "unknown",
        State::HalfOpen(End::To) => "half-open, denied at the destination",
        State::HalfOpen(End::From) => "half-open, denied at the source",
    }
}
