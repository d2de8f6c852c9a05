//! Placing the items of a region: close to their wishes, in order, without overlap.

use super::{Field, Rows, What};
use crate::graph::index;

/// Puts known items back where they were and new ones into the nearest free gap, else at the end of the band.
pub(super) fn settle(field: &Field, rows: &mut Rows) {
    // Rows are counted from the band here, as they are remembered.
    let mut at: Vec<Option<i32>> = vec![None; field.items.len()];
    for region in rows.regions.values() {
        let mut known: Vec<(i32, usize)> = region
            .iter()
            .filter_map(|&i| Some((field.items[i].known?, i)))
            .collect();
        known.sort_unstable();
        let mut above: Option<usize> = None;
        let mut floor = 0;
        for (row, item) in known {
            let low = above.map_or(field.margin(item), |a| floor + field.gap(a, item));
            let row = row.max(low);
            at[item] = Some(row);
            floor = row + field.items[item].height;
            above = Some(item);
        }
    }
    let mut new: Vec<usize> = (0..field.items.len())
        .filter(|&i| at[i].is_none())
        .collect();
    new.sort_by_key(|&i| {
        (
            matches!(field.items[i].what, What::Pass(_)),
            field.items[i].column,
            field.items[i].key.clone(),
        )
    });
    for item in new {
        let (column, band) = (field.items[item].column, field.items[item].band);
        let top = rows.band_top[band];
        let mut wanted: Vec<(i32, i64)> = field.pulls[item]
            .iter()
            .filter_map(|pull| {
                let there = at[pull.other.item]? + rows.band_top[field.items[pull.other.item].band];
                Some((
                    there + rows.offset(field, pull.other.port)
                        - rows.offset(field, pull.mine)
                        - top,
                    pull.weight,
                ))
            })
            .collect();
        let wish = if wanted.is_empty() {
            0
        } else {
            median(&mut wanted).max(0)
        };
        let height = field.items[item].height;
        let region = &rows.regions[&(column, band)];
        let free = |row: i32| {
            row >= field.margin(item)
                && region.iter().filter(|&&o| o != item).all(|&other| {
                    at[other].is_none_or(|there| {
                        let gap = field.gap(item, other);
                        row + height + gap <= there
                            || there + field.items[other].height + gap <= row
                    })
                })
        };
        let end = region
            .iter()
            .filter_map(|&o| Some(at[o]? + field.items[o].height))
            .max()
            .unwrap_or(0)
            + field.gap;
        let room = rows
            .band_height
            .get(band)
            .copied()
            .unwrap_or(rows.total)
            .max(height);
        let near = (0..=room)
            .flat_map(|d| [wish + d, wish - d])
            .find(|&row| row + height + field.margin(item) <= room && free(row));
        at[item] = Some(
            near.or_else(|| (0..=end).find(|&row| free(row)))
                .unwrap_or(end.max(field.margin(item))),
        );
    }
    for (i, item) in field.items.iter().enumerate() {
        if let Some(height) = rows.band_height.get_mut(item.band) {
            *height = (*height).max(at[i].unwrap_or(0) + item.height + field.margin(i));
        }
    }
    rows.stack(field);
    for (i, item) in field.items.iter().enumerate() {
        rows.y[i] = at[i].unwrap_or(0) + rows.band_top[item.band];
    }
    let y = &rows.y;
    for region in rows.regions.values_mut() {
        region.sort_by_key(|&i| y[i]);
    }
}

/// Moves items down until every port of an even column is on an even row and every other on an odd one, so that no wire
/// of one column can run into a wire of the next.
pub(super) fn interleave(field: &Field, rows: &mut Rows) {
    for ((column, band), region) in &rows.regions {
        // Every band starts on an odd row, and what stands outside the bands counts from one as well.
        let top = if *band < field.bands() {
            rows.band_top[*band]
        } else {
            1
        };
        align(field, &mut rows.y, region, top, *column);
    }
}

fn align(field: &Field, y: &mut [i32], region: &[usize], top: i32, column: usize) {
    let mut above: Option<usize> = None;
    for &item in region {
        let low = above.map_or(top + field.margin(item), |a| {
            y[a] + field.items[a].height + field.gap(a, item)
        });
        let mut row = y[item].max(low);
        let first = row - top
            + if matches!(field.items[item].what, What::Box(_)) {
                field.top
            } else {
                0
            };
        if index(first) % 2 != column % 2 {
            row += 1;
        }
        y[item] = row;
        above = Some(item);
    }
}

/// The weighted median; between two middle values their mean. Sorts its argument.
pub(super) fn median(values: &mut [(i32, i64)]) -> i32 {
    values.sort_unstable();
    let total: i64 = values.iter().map(|v| v.1).sum();
    let mut sum = 0;
    for (i, &(value, weight)) in values.iter().enumerate() {
        sum += weight;
        if sum * 2 == total {
            let next = values.get(i + 1).map_or(value, |v| v.0);
            return (value + next).div_euclid(2);
        }
        if sum * 2 > total {
            return value;
        }
    }
    0
}
