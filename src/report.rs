//! Answers as text, JSON, Markdown, CSV, dot, mermaid, SVG, JUnit and SARIF: strings and bytes, nothing decided here.

pub mod csv;
pub mod drift;
pub mod exposure;
pub mod graph;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod sarif;
pub mod svg;
pub mod text;
pub mod words;
mod xml;
