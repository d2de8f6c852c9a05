//! x
pub struct Code;
pub struct Finding;
pub fn judge() {}
