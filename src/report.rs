//! Answers as text, JSON, Markdown, CSV, dot and mermaid: strings and bytes, nothing decided here.

pub mod csv;
pub mod drift;
pub mod exposure;
pub mod graph;
pub mod json;
pub mod markdown;
pub mod text;
pub mod words;
