//! When a picture is asked for, and when the one there was is taken again.

use std::sync::Arc;

use crate::graph::view::Show;
use crate::graph::{self, Class, Graph};
use crate::tui::view::Picture;

use super::{App, Effect};

/// Pictures that are kept, each of another environment.
const MOST_PICTURES: usize = 6;

impl App {
    /// Remembers a picture while it is of the graph and the pane that are shown, one for each environment.
    pub(super) fn keep(&mut self, picture: &Arc<Picture>) {
        let Some((graph, show, options)) = &self.picture_wanted else {
            return;
        };
        if Arc::ptr_eq(graph, &picture.of) {
            self.pictures
                .retain(|known| (&known.0, &known.1) == (options, show));
            let most = self.view.environments.len().clamp(1, MOST_PICTURES);
            if self.pictures.len() >= most {
                self.pictures.remove(0);
            }
            self.pictures
                .push((options.clone(), show.clone(), Arc::clone(picture)));
        }
    }

    /// Keeps room in the picture for what other environments have. Those that know of less room are no longer taken.
    pub(super) fn make_room(&mut self, all: Option<Arc<Graph>>) {
        if all != self.all {
            self.all = all;
            self.picture_wanted = None;
            self.pictures.clear();
        }
    }

    /// Asks for a picture when the graph, the pane or the choices are no longer those it was made for.
    pub(super) fn want_picture(&mut self) -> Option<Effect> {
        let pane = self.panes()?.graph?;
        let mut options =
            graph::Options::new(pane.width.saturating_sub(2), pane.height.saturating_sub(2));
        options.step = self.step;
        if self.classes >= 1 {
            options.classes.insert(Class::Dns);
        }
        if self.classes >= 2 {
            options.classes.insert(Class::Scrape);
            options.classes.insert(Class::ControlPlane);
        }
        let graph = &self.view.graph;
        let show = self.show.clone();
        let same = |known: &(Arc<Graph>, Show, graph::Options)| {
            Arc::ptr_eq(&known.0, graph) && (&known.1, &known.2) == (&show, &options)
        };
        if self.picture_wanted.as_ref().is_some_and(same) {
            return None;
        }
        self.picture_wanted = Some((Arc::clone(graph), show.clone(), options.clone()));
        let of_this = |known: &&(graph::Options, Show, Arc<Picture>)| {
            Arc::ptr_eq(&known.2.of, graph) && (&known.0, &known.1) == (&options, &show)
        };
        if let Some((.., known)) = self.pictures.iter().find(of_this) {
            self.picture = Some(Arc::clone(known));
            // What is still being laid out came before.
            self.picture_shown = self.generation;
            return None;
        }
        Some(Effect::Layout {
            generation: self.next(),
            graph: Arc::clone(&self.view.graph),
            all: self.all.clone(),
            show: show.clone(),
            options,
            // An empty picture fits at any detail; what it chose must not bind the first real one.
            sticky: self
                .picture
                .as_ref()
                .filter(|picture| {
                    !picture.drawn.graph.nodes().is_empty() && picture.drawn.show.view == show.view
                })
                .map(|picture| picture.drawn.scene.sticky().clone()),
        })
    }
}
