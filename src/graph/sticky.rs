//! What one layout hands to the next, so that known things stay where they were.

use std::collections::{BTreeMap, BTreeSet};

use super::Step;

/// The memory of a layout, by key. Opaque: made by [`Scene::sticky`](super::Scene::sticky), read by [`layout`](super::layout).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sticky {
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) pinned: Option<Step>,
    pub(super) settled: Option<Settled>,
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
    pub(super) repair: Repair,
}

impl Settled {
    /// Keeps the places of boxes that are gone, so that what comes back stands where it stood: the next environment may have
    /// it again. Passages and ports come and go with the wires, and a crowd of the departed is forgotten.
    pub(super) fn keep_departed(&mut self, before: &Self) {
        let gone: Vec<(&String, usize)> = before
            .columns
            .iter()
            .filter(|(key, _)| !self.columns.contains_key(*key))
            .map(|(key, column)| (key, *column))
            .collect();
        if gone.len() > self.columns.len() {
            return;
        }
        for (key, column) in gone {
            self.columns.insert(key.clone(), column);
            if let Some(row) = before.rows.get(key) {
                self.rows.insert(key.clone(), *row);
            }
        }
    }
}

/// What had to be given up so that the picture tells the truth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Repair {
    /// Edges with an exit and a pin of their own, by the keys of their ends.
    pub(super) alone: BTreeSet<(String, String)>,
    /// No two columns side by side use the same rows.
    pub(super) loose: bool,
}
