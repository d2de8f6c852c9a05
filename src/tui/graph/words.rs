//! What the pane says about its picture: in its title, in its lower border, and where there is no picture.

use std::collections::BTreeSet;

use crate::graph::view::View;
use crate::graph::{Class, Scene, State, Step};
use crate::source::Link;
use crate::text;
use crate::tui::app::{App, Kind};
use crate::tui::view::{Line, Picture, Tone, span};

/// View and subject.
pub(super) fn title(app: &App) -> Line {
    let shown = app.picture.as_ref().map(|picture| &picture.drawn.show.view);
    let mut title = vec![span("Graph", Tone::Plain)];
    let word = shown.map_or(app.lens.kind.word(), View::word);
    title.push(span(format!(" · {word}"), Tone::Plain));
    if let Some(View::Ego(key)) = shown {
        title.push(span(" of ", Tone::Plain));
        title.push(span(app.node_words(key), Tone::Name));
    }
    title
}

/// Detail, classes and what is hidden, and how to go on: as much of it as there is room for.
pub(super) fn note(app: &App, cells: usize) -> String {
    let Some(picture) = &app.picture else {
        return String::new();
    };
    let scene = &picture.drawn.scene;
    let detail = match scene.step_shown() {
        _ if scene.is_grid() || picture.drawn.graph.nodes().is_empty() => None,
        Step::Card | Step::CardDense | Step::CardTight | Step::CardInline => Some("cards"),
        Step::Chip | Step::ChipTight => Some("chips"),
        Step::Mini => Some("names only"),
    };
    let turned = picture.drawn.show.turned.len();
    let turned = match picture.drawn.show.view {
        _ if turned == 0 => None,
        View::Overview => Some(format!("{turned} open")),
        _ => Some(format!("{turned} closed")),
    };
    let next = format!("v: {}", app.lens.kind.next().word());
    let parts: Vec<String> = [detail.map(str::to_owned), Some(hidden(picture))]
        .into_iter()
        .chain([turned, Some(next)])
        .flatten()
        .collect();
    // The last part is the first to go.
    (1..=parts.len())
        .rev()
        .map(|count| parts[..count].join(" · "))
        .find(|note| text::width(note) <= cells)
        .unwrap_or_default()
}

/// The classes of traffic that have no wires, and the key that shows them.
fn hidden(picture: &Picture) -> String {
    let drawn = picture.drawn.scene.drawn();
    let edges = picture.drawn.graph.edges().iter().enumerate();
    let classes: BTreeSet<Class> = edges
        .filter(|(index, edge)| edge.from != edge.to && drawn.binary_search(index).is_err())
        .map(|(_, edge)| edge.class)
        .collect();
    let words: Vec<&str> = classes
        .into_iter()
        .filter_map(|class| match class {
            Class::App => None,
            Class::Dns => Some("DNS"),
            Class::Scrape => Some("scraping"),
            Class::ControlPlane => Some("API"),
        })
        .collect();
    if words.is_empty() {
        "all traffic".to_owned()
    } else {
        format!("c: {} hidden", words.join(", "))
    }
}

/// What stands at the left of the lower border: the selected connection in words, else what must be known of the picture.
/// The first one is taken that there is room for; the last one is cut.
pub(super) fn remarks(app: &App) -> Vec<Line> {
    let words = app.link_words();
    if !words.is_empty() {
        return words;
    }
    let Some(picture) = &app.picture else {
        return Vec::new();
    };
    let plain = |words: String| vec![span(words, Tone::Plain)];
    let graph = &app.view.graph;
    let instead = picture.asked.view == View::Map && picture.drawn.show.view == View::Overview;
    if instead && !picture.drawn.graph.nodes().is_empty() {
        let (nodes, edges) = (graph.nodes().len(), graph.edges().len());
        return vec![
            plain(format!(
                "{nodes} boxes and {edges} connections are too many for a map · o opens a namespace, / filters, n narrows"
            )),
            plain(format!(
                "{nodes} boxes, {edges} connections: too many for a map · o opens, n narrows"
            )),
            plain(format!("{nodes} boxes: too many for a map · o, n")),
        ];
    }
    if app.view.policies == 0 && app.view.not_evaluated.is_none() && !graph.nodes().is_empty() {
        let where_ = if app.view.settings.namespaces.is_empty() {
            "is loaded"
        } else {
            "is in these namespaces"
        };
        return vec![
            plain(format!(
                "no policy {where_}: nothing is isolated, everything is open"
            )),
            plain(format!("no policy {where_}")),
        ];
    }
    if picture.tangled && app.lens.kind == Kind::Map {
        return vec![
            plain("many wires cross: the matrix may read better (v)".to_owned()),
            plain("dense: try the matrix (v)".to_owned()),
        ];
    }
    Vec::new()
}

/// The states that occur, each with a sample: in full words, and in short ones.
pub(super) fn legends(scene: &Scene) -> [Line; 2] {
    let line = |is_short: bool| {
        let mut line = Line::new();
        for (state, sample, meaning) in scene.legend() {
            if !line.is_empty() {
                line.push(span(if is_short { "  " } else { "   " }, Tone::Plain));
            }
            let (tone, short) = match state {
                State::Plain => (Tone::Allow, "allowed"),
                State::Unexpected => (Tone::Deny, "not expected"),
                State::Missing => (Tone::Drift, "missing"),
                State::Unknown => (Tone::Unknown, "unknown"),
                State::HalfOpen(_) => (Tone::Plain, "half-open"),
            };
            line.push(span((*sample).to_owned(), tone));
            let words = match (is_short, *sample) {
                (false, _) => meaning,
                // Two signs of a matrix stand for no state of their own.
                (true, "◐") => "partly missing",
                (true, "□") => "no rule, open",
                (true, _) => short,
            };
            line.push(span(format!(" {words}"), Tone::Plain));
        }
        line
    };
    [line(false), line(true)]
}

/// What to say where there is no picture, and what to do about it.
pub(super) fn empty(app: &App) -> (&'static str, &'static str) {
    match (&app.view.link, app.view.rows.is_empty()) {
        (Link::Loading { .. }, _) => (
            "loading …",
            "the graph is drawn as soon as pods and policies are in",
        ),
        (_, true) => (
            "no workloads in scope",
            "n chooses namespaces, a shows all of them",
        ),
        (_, false) if app.picture.is_none() => ("drawing …", ""),
        (_, false) if app.view.graph.nodes().is_empty() => (
            "nothing here is segmented",
            "no policy selects or names these workloads; the table lists them",
        ),
        (_, false) => (
            "too many connections to draw",
            "n narrows to some namespaces, enter shows one workload alone",
        ),
    }
}
