//! All against all.

/// Placeholder.
pub struct Matrix;
