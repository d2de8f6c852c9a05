//! How a Kubernetes cluster is segmented, whether that is what was meant, and which line of policy says so.
//!
//! The modules, from what arrives to what is shown; each uses only those above it:
//!
//! - [`text`], [`yaml`], [`wire`]: what comes from outside. Strings are made safe to show, YAML keeps the line of every part, and
//!   objects arrive slim and lenient.
//! - [`model`]: the cluster as one immutable inventory, with every default of the API spelled out and what could not be read by name.
//! - [`source`]: makes snapshots of it from files, from a built-in demo, or from a live server.
//! - [`compile`]: pods that no policy can tell apart share a class, peers become sets of classes, and each class has a guard a
//!   direction.
//! - [`engine`]: the only evaluator. Verdicts are allow, deny, unknown or unreachable; explanations name rules by path and line.
//! - [`expect`]: what a team wrote down about its network, and how the cluster differs from it.
//! - [`questions`]: what operators ask, one file a question; answers are plain data.
//! - [`graph`]: the segmentation graph and its picture in terminal cells, with a reader that proves the picture true.
//! - [`report`]: answers as text, JSON, Markdown, CSV, dot and mermaid.
//! - [`tui`], [`cli`]: the terminal, arguments and the clock.
//!
//! Start with [`model`], then [`engine`].

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
