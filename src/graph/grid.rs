//! The matrix: callers down the side, callees across the top, and a sign where a caller meets a callee.
//!
//! It is for graphs with more wires than a map can hold, so every pair has a place of its own and nothing can cross. Both
//! sides are grouped by namespace in the same order; within a namespace each side is ordered so that blocks show.

mod counts;
mod draw;
mod fit;
mod hint;
mod order;
mod table;
mod view;

#[cfg(test)]
mod tests;

use super::{Graph, Options, Scene};

pub(super) use view::{View, check};

/// Lays a graph out as a matrix.
///
/// Every workload has a row and a column as long as there is room; then those without a sign are left out, which a note
/// says. The result is an ordinary scene: a row's heading is a box with the node's key as id in column 0, a column's heading
/// a box with the id `to:KEY` in column 1. With `before`, an earlier matrix of the same graph, what is known keeps its
/// order, and in a pane of the same size also its form where that still fits. The pinned step plays no part. An empty graph
/// gives an empty scene.
pub fn grid(graph: &Graph, options: &Options, before: Option<&Scene>) -> Scene {
    let before = before.and_then(|scene| scene.grid.as_ref());
    let whole = table::Table::new(graph, options, before);
    let chosen = fit::fit(graph, &whole, options, before);
    draw::draw(graph, &whole, chosen, options)
}
