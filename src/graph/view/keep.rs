//! What one picture hands to the next.

use super::{Show, View};
use crate::graph::Sticky;

/// How much of an earlier picture counts for a show.
pub(super) enum Kept<'a> {
    Nothing,
    Everything(&'a Sticky),
    /// Columns and order, but no sizes.
    Order(Sticky),
}

pub(super) fn kept<'a>(sticky: Option<&'a Sticky>, show: &Show) -> Kept<'a> {
    let Some(sticky) = sticky else {
        return Kept::Nothing;
    };
    match &sticky.show {
        None => Kept::Everything(sticky),
        Some(before) if before == show => Kept::Everything(sticky),
        Some(before) if (&before.view, &show.view) == (&View::Map, &View::Map) => {
            let closed = show.turned.difference(&before.turned);
            Kept::Order(closed.fold(sized_afresh(sticky), |sticky, name| closing(sticky, name)))
        }
        Some(_) => Kept::Nothing,
    }
}

/// Without widths and heights: the room of what has become smaller goes to the others.
fn sized_afresh(sticky: &Sticky) -> Sticky {
    let mut sticky = sticky.clone();
    if let Some(settled) = &mut sticky.settled {
        settled.column_widths.clear();
        settled.channel_widths.clear();
        for band in &mut settled.bands {
            band.1 = 0;
        }
    }
    sticky
}

/// The box of a closed namespace stands where its first workload stood.
fn closing(mut sticky: Sticky, namespace: &str) -> Sticky {
    if let Some(settled) = &mut sticky.settled {
        let (prefix, key) = (format!("{namespace}/"), format!("namespace/{namespace}"));
        let within = |known: &&String| known.starts_with(&prefix);
        let column = settled.columns.iter().filter(|(known, _)| within(known));
        let column = column.map(|(_, column)| *column).min();
        let row = settled.rows.iter().filter(|(known, _)| within(known));
        let row = row.map(|(_, row)| *row).min();
        if let (Some(column), Some(row)) = (column, row) {
            settled.columns.insert(key.clone(), column);
            settled.rows.insert(key, row);
        }
    }
    sticky
}
