//! How a Kubernetes cluster is segmented, whether that is what was meant, and which line of policy says so.
//!
//! Read in this order:
//!
//! - [`model`]: the cluster as one immutable inventory. [`wire`] is how objects arrive, [`yaml`] and [`text`] are how text does.
//! - [`source`]: makes snapshots of it from files, from a built-in demo, or from a live server.
//! - [`expect`]: what a team wrote down about its network, and how the cluster differs from it.
//! - [`graph`]: the segmentation graph and its picture in terminal cells.

pub mod cli;
pub mod compile;
pub mod engine;
pub mod expect;
pub mod graph;
pub mod model;
pub mod questions;
pub mod report;
pub mod source;
pub mod text;
pub mod tui;
pub mod wire;
pub mod yaml;
