//! Architecture documents as expectations.

pub(crate) mod cell;
