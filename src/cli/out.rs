//! Standard output and standard error. A reader that goes away (`| head`) is no error.

use std::io::{self, Write};

use super::Failure;

/// Standard output, remembering whether anybody still reads it.
pub(crate) struct Out {
    stream: io::BufWriter<io::Stdout>,
    closed: bool,
}

impl Out {
    pub(crate) fn stdout() -> Self {
        Self {
            stream: io::BufWriter::new(io::stdout()),
            closed: false,
        }
    }

    /// Writes data. After the reader has gone nothing more is tried.
    pub(crate) fn data(&mut self, text: &str) {
        if !self.closed && self.stream.write_all(text.as_bytes()).is_err() {
            self.closed = true;
        }
    }

    /// Flushes; `false` when the reader has gone.
    pub(crate) fn finish(&mut self) -> bool {
        if !self.closed && self.stream.flush().is_err() {
            self.closed = true;
        }
        !self.closed
    }
}

/// Tells something that is no data. Standard error may be closed too; then there is nobody to tell.
pub(crate) fn note(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

pub(crate) fn complain(failure: &Failure) {
    note(&format!("error: {}\n", failure.message));
    if let Some(hint) = &failure.hint {
        note(&format!("  help: {hint}\n"));
    }
}
