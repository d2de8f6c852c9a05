//! What one layout hands to the next, so that known things stay where they were.

use std::collections::{BTreeMap, BTreeSet};

use super::view::Show;
use super::{State, Step};

/// The memory of a layout, by key. Opaque: made by [`Scene::sticky`](super::Scene::sticky), read by [`layout`](super::layout).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sticky {
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) pinned: Option<Step>,
    pub(super) settled: Option<Box<Settled>>,
    /// What it is a memory of; `None` where the graph was laid out as it is.
    pub(super) show: Option<Box<Show>>,
}

/// The positions themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) step: Step,
    /// Longest name shown, in cells.
    pub(super) title: usize,
    /// Column of each box within the namespaces.
    pub(super) columns: BTreeMap<String, usize>,
    /// First row of each box and passage, counted from its band.
    pub(super) rows: BTreeMap<String, i32>,
    /// Row of each port within its box.
    pub(super) ports: BTreeMap<String, i32>,
    /// Names of the lanes of each band, and the band's height.
    pub(super) bands: Vec<(Vec<String>, i32)>,
    pub(super) column_widths: Vec<i32>,
    pub(super) channel_widths: Vec<i32>,
    /// Empty rows taken away above everything.
    pub(super) lifted: i32,
    pub(super) repair: Repair,
}

impl Settled {
    /// The order without the widths, for a pane of another size.
    pub(super) fn relaxed(&self) -> Self {
        Self {
            column_widths: Vec::new(),
            channel_widths: Vec::new(),
            ..self.clone()
        }
    }

    /// Keeps the places of boxes that are gone, so that what comes back stands where it stood: the next environment may have
    /// it again. Passages and ports come and go with the wires, and a crowd of the departed is forgotten.
    pub(super) fn keep_departed(&mut self, before: &Self) {
        // A passage is known by its column and its trunk.
        let is_box = |key: &str| {
            let first = key.split(' ').next().unwrap_or_default();
            !first.bytes().all(|byte| byte.is_ascii_digit())
        };
        let gone: Vec<(&String, i32)> = before
            .rows
            .iter()
            .filter(|(key, _)| is_box(key) && !self.rows.contains_key(*key))
            .map(|(key, row)| (key, *row))
            .collect();
        if gone.len() > self.rows.len() {
            return;
        }
        for (key, row) in gone {
            self.rows.insert(key.clone(), row);
            if let Some(column) = before.columns.get(key) {
                self.columns.insert(key.clone(), *column);
            }
        }
        let mut below = 0;
        for (names, height) in &before.bands {
            let is_here = |band: &(Vec<String>, i32)| names.iter().any(|n| band.0.contains(n));
            match self.bands.iter().position(is_here) {
                Some(here) => below = here + 1,
                None => {
                    self.bands.insert(below, (names.clone(), *height));
                    below += 1;
                }
            }
        }
    }
}

/// What had to be given up so that the picture tells the truth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Repair {
    /// Boxes whose wires share a trunk only where they enter, never where they leave.
    pub(super) gathered: BTreeSet<String>,
    /// Edges that share their trunk only with edges of their state, by the keys of their ends.
    pub(super) apart: BTreeSet<(String, String, State)>,
    /// Edges with an exit and a pin of their own, by the keys of their ends.
    pub(super) alone: BTreeSet<(String, String)>,
    /// No two columns side by side use the same rows.
    pub(super) loose: bool,
}
