//! What a team wrote down about its network, and how the cluster differs from it.
//!
//! [`read`] takes a `netseg/v1` file and [`import()`] a document, [`bind`] holds one environment against a cluster, [`judge`] says what
//! differs, and [`write()`] makes a file of it again.

pub mod drift;
mod file;
mod import;
mod lookup;
pub mod plan;
pub mod stance;
mod write;

use crate::model::Diagnostic;

pub use drift::{Code, Finding, judge, judge_all};
pub use file::reader::Files;
pub use file::{Expectations, Exposure, Note};
pub use import::{Imported, TableRead, import, is_expectations};
pub use lookup::{How, settle};
pub use plan::{End, Expected, Must, Plan, bind};
pub use write::{Places, as_json, write, write_resolved};

/// Reads one `netseg/v1` file. Each problem is told with its line, what was found and what is allowed; a file with a problem is
/// not used at all, because half an expectation would pass for a whole one.
pub fn read(file_name: &str, text: &str) -> Result<Expectations, Vec<Diagnostic>> {
    file::reader::read(file_name, text)
}

/// Reads several `netseg/v1` files, of which each may name what another defines. Problems are sorted by file and line.
pub fn read_all(files: &[(&str, &str)]) -> Result<Expectations, Vec<Diagnostic>> {
    let mut all = Files::default();
    for (name, text) in files {
        all.read(name, text);
    }
    all.finish()
}
