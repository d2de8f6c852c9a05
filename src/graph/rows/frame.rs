//! What the search for rows looks up over and over, laid out flat.

use std::ops::Range;

use super::score::Channel;
use super::{Field, Rows, What, Wiring, search};

/// What a row costs that makes a band higher; more where boxes stand close to save rows.
const OVERFLOW: i64 = 30;
const OVERFLOW_DENSE: i64 = 40;

pub(super) struct Frame<'a> {
    pub(super) field: &'a Field,
    pub(super) wiring: &'a Wiring,
    pub(super) items: Vec<Flat>,
    /// By column, then by band.
    pub(super) regions: Vec<Region>,
    /// Regions of each column.
    pub(super) columns: Vec<Range<usize>>,
    pub(super) channels: Vec<Channel>,
    pub(super) sides: Vec<(usize, Vec<usize>)>,
    pub(super) overflow_cost: i64,
    pulls: Vec<Pull>,
}

/// An item.
pub(super) struct Flat {
    pub(super) height: i32,
    pub(super) margin: i32,
    is_box: bool,
    /// Nothing pulls it anywhere.
    pub(super) free: bool,
    /// Many wires or none: worth trying at the ends of its column.
    pub(super) hub: bool,
    pulls: Range<usize>,
}

/// Items of one column and one band.
pub(super) struct Region {
    pub(super) column: usize,
    pub(super) band: usize,
    /// Where they stand in the order of all items.
    pub(super) items: Range<usize>,
    /// First row and the row after the last.
    pub(super) low: i32,
    pub(super) high: i32,
}

/// A neighbour of an item.
pub(super) struct Pull {
    pub(super) item: usize,
    /// The ports there and here; one past the last for what passes.
    pub(super) port: usize,
    pub(super) mine: usize,
    pub(super) weight: i32,
    /// It stands in a column further right.
    pub(super) right: bool,
}

/// Which neighbours count.
#[derive(Clone, Copy)]
pub(super) enum Seen {
    Left,
    Right,
    Both,
}

impl Seen {
    pub(super) fn takes(self, right: bool) -> bool {
        match self {
            Self::Left => !right,
            Self::Right => right,
            Self::Both => true,
        }
    }
}

impl<'a> Frame<'a> {
    /// What only places items needs no scores.
    pub(super) fn new(field: &'a Field, wiring: &'a Wiring, rows: &Rows, scored: bool) -> Self {
        let none = wiring.ports.len();
        let mut pulls = Vec::new();
        let mut items = Vec::with_capacity(field.items.len());
        for (i, item) in field.items.iter().enumerate() {
            let mine = &field.pulls[i];
            let voted = mine.iter().any(|p| p.votes);
            let first = pulls.len();
            pulls.extend(mine.iter().filter(|p| p.votes || !voted).map(|p| Pull {
                item: p.other.item,
                port: p.other.port.unwrap_or(none),
                mine: p.mine.unwrap_or(none),
                weight: i32::try_from(p.weight).unwrap_or(1),
                right: field.items[p.other.item].column > item.column,
            }));
            items.push(Flat {
                height: item.height,
                margin: field.margin(i),
                is_box: matches!(item.what, What::Box(_)),
                free: mine.is_empty(),
                hub: mine.len() >= 3 || mine.is_empty(),
                pulls: first..pulls.len(),
            });
        }
        let mut columns = vec![0..0; field.columns];
        let mut regions: Vec<Region> = Vec::with_capacity(rows.regions.len());
        let mut at = 0;
        for (&(column, band), here) in &rows.regions {
            let (low, high) = rows.limits(field, band);
            let known: &mut Range<usize> = &mut columns[column];
            if known.end == 0 {
                known.start = regions.len();
            }
            known.end = regions.len() + 1;
            regions.push(Region {
                column,
                band,
                items: at..at + here.len(),
                low,
                high,
            });
            at += here.len();
        }
        Self {
            field,
            wiring,
            items,
            regions,
            columns,
            channels: field
                .links
                .iter()
                .take(if scored { usize::MAX } else { 0 })
                .map(|links| Channel::new(links, none))
                .collect(),
            sides: search::sides(wiring),
            overflow_cost: if field.gap == 0 {
                OVERFLOW_DENSE
            } else {
                OVERFLOW
            },
            pulls,
        }
    }

    pub(super) fn pulls(&self, item: usize) -> &[Pull] {
        &self.pulls[self.items[item].pulls.clone()]
    }

    pub(super) fn gap(&self, above: usize, below: usize) -> i32 {
        if self.items[above].is_box && self.items[below].is_box {
            self.field.gap
        } else {
            0
        }
    }

    /// Places in the order of all items that a column and those beside it take.
    pub(super) fn near(&self, column: usize) -> Range<usize> {
        let columns = column.saturating_sub(1)..(column + 2).min(self.columns.len());
        let regions = self.columns[columns]
            .iter()
            .filter(|regions| !regions.is_empty());
        regions
            .map(|range| {
                self.regions[range.start].items.start..self.regions[range.end - 1].items.end
            })
            .reduce(|all, next| all.start..next.end)
            .unwrap_or(0..0)
    }
}
