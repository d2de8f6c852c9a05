//! What the mouse does in the picture: a click selects, a second one drills in.

use super::wires::Link;
use super::{bare, enter, open};
use crate::graph::Ink;
use crate::tui::app::{App, Effect, Hit};
use crate::tui::layout::Pane;
use crate::tui::view::Picture;

/// What is at a cell of a picture.
pub(in crate::tui) fn hit(picture: &Picture, (x, y): (i32, i32)) -> Option<Hit> {
    let scene = &picture.drawn.scene;
    if let Some((from, to)) = scene.pair_at(x, y) {
        return Some(Hit::Pair(from.to_owned(), to.to_owned()));
    }
    if let Some(found) = scene.node_at(x, y) {
        return Some(Hit::Node(found.id.clone()));
    }
    let cell = scene.cell(x, y)?;
    match cell.ink {
        Ink::Wire if !cell.edges.is_empty() => {
            let edges = picture.drawn.graph.edges();
            let links = cell.edges.iter().filter_map(|index| edges.get(*index));
            Some(Hit::Wire(links.map(Link::of).collect()))
        }
        Ink::FrameTitle => {
            let mut frames = scene.frames().iter();
            let found = frames.rfind(|frame| frame.rect.contains(x, y))?;
            Some(Hit::Frame(found.namespace.clone()))
        }
        _ => None,
    }
}

pub(in crate::tui::app) fn on_hit(app: &mut App, hit: Hit) -> Vec<Effect> {
    app.focus = Pane::Graph;
    match hit {
        Hit::Node(id) => {
            let is_here = app.selected_box().is_some_and(|found| found.id == id);
            if app.in_matrix() && id.starts_with("to:") {
                on_column(app, bare(&id));
            } else if is_here && app.lens.link.is_none() {
                return enter(app);
            } else {
                app.select_box(id);
            }
        }
        Hit::Wire(links) => {
            let shown = app.wire().and_then(|wire| {
                let picture = app.picture.as_ref()?;
                picture.drawn.graph.edges().get(wire).map(Link::of)
            });
            if shown.is_some_and(|shown| links.contains(&shown)) {
                return enter(app);
            }
            on_wire(app, &links);
        }
        Hit::Pair(from, to) => {
            let is_here = app
                .lens
                .link
                .as_ref()
                .is_some_and(|link| (&link.from, &link.to) == (&from, &to));
            if is_here {
                return enter(app);
            }
            app.select_box(from.clone());
            app.select_link(Link::between(&from, &to));
        }
        Hit::Frame(namespace) => {
            let key = app.selected_key();
            if key.and_then(|key| app.namespace_of(key)) == Some(namespace.as_str()) {
                open(app);
            } else {
                let nodes = app.view.graph.nodes().iter();
                let mut inside = nodes.filter(|node| node.namespace.as_ref() == Some(&namespace));
                if let Some(key) = inside.next().map(|node| node.key.clone()) {
                    app.select_box(key);
                }
            }
        }
        Hit::Tab(_) | Hit::Pane(_) | Hit::Line(_) => {}
    }
    Vec::new()
}

/// Selects one of the wires that a cell shows: one of the selection, where there is one.
fn on_wire(app: &mut App, links: &[Link]) {
    let key = app.selected_box().map(|found| found.key.clone());
    let touches = |link: &&Link| {
        let key = key.as_deref();
        key == Some(link.from.as_str()) || key == Some(link.to.as_str())
    };
    match links.iter().find(touches) {
        Some(link) => app.select_link(link.clone()),
        None => {
            if let Some(link) = links.first() {
                app.select_box(link.from.clone());
                app.select_link(link.clone());
            }
        }
    }
}

/// Moves the cross-hair to a column, in the row it is in.
fn on_column(app: &mut App, to: &str) {
    let row = app.selected_box().filter(|found| found.column == 0);
    if let Some(from) = row.map(|found| found.key.clone()) {
        app.select_link(Link::between(&from, to));
    } else {
        app.select_box(to.to_owned());
    }
}
