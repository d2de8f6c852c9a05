//! Answers as text, JSON, Markdown, CSV, dot and mermaid: strings and bytes, nothing decided here.

pub mod csv;
pub mod json;
pub mod markdown;
pub mod text;
pub mod words;

/// The forms an answer can take; which of them a command has is the command's business.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    #[default]
    Text,
    Json,
    Md,
    Csv,
    Dot,
    Mermaid,
}

impl Format {
    pub const ALL: [Self; 6] = [
        Self::Text,
        Self::Json,
        Self::Md,
        Self::Csv,
        Self::Dot,
        Self::Mermaid,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Md => "md",
            Self::Csv => "csv",
            Self::Dot => "dot",
            Self::Mermaid => "mermaid",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == text)
    }
}
