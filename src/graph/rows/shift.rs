//! Single items on other rows, once the search is over.

use super::{Field, Item, Rows, What};

impl Field {
    /// Whether no planned wire holds an item in its place: a box outside the bands, or a passage of nothing but unexpected
    /// edges.
    pub(in crate::graph) fn is_loosely_held(&self, item: usize) -> bool {
        let Item { what, band, .. } = self.items[item];
        let unplanned = || self.pulls[item].iter().all(|p| !p.votes);
        band == self.bands() || matches!(what, What::Pass(_)) && unplanned()
    }

    /// The rows on which one of an item's wires would run straight, from top to bottom.
    pub(in crate::graph) fn straight_rows(&self, rows: &Rows, item: usize) -> Vec<i32> {
        let mut wanted: Vec<i32> = self.pulls[item]
            .iter()
            .map(|p| rows.row(self, p.other) - rows.offset(self, p.mine))
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// An item, and the passages and boxes outside that straight wires tie to it, one behind the other.
    pub(in crate::graph) fn in_line(&self, rows: &Rows, item: usize) -> Vec<usize> {
        let follows = |i: usize| {
            matches!(self.items[i].what, What::Pass(_)) || self.items[i].band == self.bands()
        };
        let mut found = vec![item];
        let mut next = 0;
        while let Some(&here) = found.get(next) {
            for pull in &self.pulls[here] {
                let level =
                    rows.y[here] + rows.offset(self, pull.mine) == rows.row(self, pull.other);
                let other = pull.other.item;
                if level && follows(other) && !found.contains(&other) {
                    found.push(other);
                }
            }
            next += 1;
        }
        found
    }
}

impl Rows {
    /// Puts an item on another row of its band, past its neighbours if need be; false when that row is taken.
    pub(in crate::graph) fn put(&mut self, field: &Field, item: usize, row: i32) -> bool {
        let Item {
            column,
            band,
            height,
            ..
        } = field.items[item];
        let (low, high) = self.limits(field, band);
        let margin = field.margin(item);
        let Some(region) = self.regions.get_mut(&(column, band)) else {
            return false;
        };
        let y = &mut self.y;
        let free = region.iter().filter(|&&i| i != item).all(|&other| {
            let gap = field.gap(item, other);
            row + height + gap <= y[other] || y[other] + field.items[other].height + gap <= row
        });
        if !free || row < low + margin || row + height + margin > high {
            return false;
        }
        y[item] = row;
        region.sort_by_key(|&i| y[i]);
        true
    }

    /// Puts items as many rows further down, one after the other; `None`, and nothing done, when one of the rows is taken.
    pub(in crate::graph) fn shift(
        &mut self,
        field: &Field,
        items: &[usize],
        distance: i32,
    ) -> Option<Undo> {
        let mut undo = Undo {
            y: Vec::with_capacity(items.len()),
            regions: Vec::new(),
        };
        for &item in items {
            let Item { column, band, .. } = field.items[item];
            if undo.regions.iter().all(|(key, _)| *key != (column, band))
                && let Some(region) = self.regions.get(&(column, band))
            {
                undo.regions.push(((column, band), region.clone()));
            }
            undo.y.push((item, self.y[item]));
            if !self.put(field, item, self.y[item] + distance) {
                self.restore(undo);
                return None;
            }
        }
        Some(undo)
    }

    pub(in crate::graph) fn restore(&mut self, undo: Undo) {
        for (item, y) in undo.y {
            self.y[item] = y;
        }
        self.regions.extend(undo.regions);
    }
}

/// What [`Rows::shift`] has changed: first rows of items, and the order of regions.
pub(in crate::graph) struct Undo {
    y: Vec<(usize, i32)>,
    regions: Vec<((usize, usize), Vec<usize>)>,
}
