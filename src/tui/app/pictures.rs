//! When a picture is asked for, and when the one there was is taken again.

use std::sync::Arc;

use crate::graph::{self, Class, Graph};
use crate::tui::view::Picture;

use super::{App, Effect};

/// Pictures that are kept: of each view, in each of so many environments.
const VIEWS: usize = 5;
const MOST_PICTURES: usize = 30;

impl App {
    /// Takes a picture that was asked for, unless a later one has come. One of a view that was left meanwhile is only kept.
    pub(super) fn on_picture(&mut self, generation: u64, picture: Arc<Picture>) {
        self.keep(&picture);
        let wanted = self.picture_wanted.as_ref();
        let is_wanted = wanted.is_none_or(|(_, show, _)| *show == picture.asked);
        if generation > self.picture_shown && is_wanted {
            self.picture_shown = generation;
            self.picture = Some(picture);
        }
    }

    /// Remembers a picture of the graph that is shown, one for each view and environment; those of another pane go.
    fn keep(&mut self, picture: &Arc<Picture>) {
        let Some((graph, _, options)) = &self.picture_wanted else {
            return;
        };
        let size = |options: &graph::Options| (options.width, options.height);
        if !Arc::ptr_eq(graph, &picture.of) || size(options) != size(&picture.options) {
            return;
        }
        self.pictures.retain(|known| {
            let is_same = Arc::ptr_eq(&known.of, &picture.of)
                && (&known.asked, &known.options) == (&picture.asked, &picture.options);
            size(&known.options) == size(options) && !is_same
        });
        let most = (self.view.environments.len().max(1) * VIEWS).min(MOST_PICTURES);
        if self.pictures.len() >= most {
            self.pictures.remove(0);
        }
        self.pictures.push(Arc::clone(picture));
    }

    /// Keeps room in the picture for what other environments have. Those that know of less room are no longer taken.
    pub(super) fn make_room(&mut self, all: Option<Arc<Graph>>) {
        if all != self.all {
            self.all = all;
            self.picture_wanted = None;
            self.pictures.clear();
        }
    }

    /// Asks for a picture when the graph, the view, the pane or the choices are no longer those it was made for.
    pub(super) fn want_picture(&mut self) -> Option<Effect> {
        let pane = self.panes()?.graph?;
        let mut options =
            graph::Options::new(pane.width.saturating_sub(2), pane.height.saturating_sub(2));
        options.step = self.lens.step();
        if self.classes >= 1 {
            options.classes.insert(Class::Dns);
        }
        if self.classes >= 2 {
            options.classes.insert(Class::Scrape);
            options.classes.insert(Class::ControlPlane);
        }
        let graph = Arc::clone(&self.view.graph);
        let show = self.show();
        if let Some((of, asked, chosen)) = &self.picture_wanted
            && Arc::ptr_eq(of, &graph)
            && (asked, chosen) == (&show, &options)
        {
            return None;
        }
        self.picture_wanted = Some((Arc::clone(&graph), show.clone(), options.clone()));
        let of_this = |known: &&Arc<Picture>| {
            Arc::ptr_eq(&known.of, &graph) && (&known.asked, &known.options) == (&show, &options)
        };
        if let Some(known) = self.pictures.iter().find(of_this) {
            self.picture = Some(Arc::clone(known));
            // What is still being laid out came before.
            self.picture_shown = self.generation;
            return None;
        }
        // An empty picture fits at any detail; what it chose must not bind the first real one.
        let is_of_view = |known: &&Arc<Picture>| {
            !known.drawn.graph.nodes().is_empty()
                && known.asked.view == show.view
                && known.drawn.show.view == show.view
        };
        let shown = self.picture.iter();
        let known = shown.chain(self.pictures.iter().rev()).find(is_of_view);
        let before = known.cloned();
        Some(Effect::Layout {
            generation: self.next(),
            graph,
            all: self.all.clone(),
            show,
            options,
            before,
        })
    }
}
