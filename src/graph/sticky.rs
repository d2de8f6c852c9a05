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

/// What had to be given up so that the picture tells the truth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Repair {
    /// Edges with an exit and a pin of their own, by the keys of their ends.
    pub(super) alone: BTreeSet<(String, String)>,
    /// No two columns side by side use the same rows.
    pub(super) loose: bool,
}
