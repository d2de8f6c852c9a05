//! The log: a file, never the terminal.
//!
//! It is created when there is something to say, readable by its owner only, and starts anew when it has grown large. What kube
//! and the server say goes through here too, so lines are cut and control characters replaced.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tracing::level_filters::LevelFilter;

/// A log that has grown beyond this starts anew at the next run.
const MAX_BYTES: u64 = 4 << 20;

/// A single message is cut here: kube logs whole answers of a server.
const MAX_MESSAGE: usize = 2_000;

/// Where the log is: `$XDG_STATE_HOME/netseg-tui/netseg-tui.log`, by default below `~/.local/state`. `None` without a home.
pub(crate) fn path() -> Option<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let state =
        set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("netseg-tui").join("netseg-tui.log"))
}

/// Starts logging from this level on. Without a place to write to there is no log.
pub(crate) fn start(level: LevelFilter) {
    let Some(path) = path().filter(|_| level != LevelFilter::OFF) else {
        return;
    };
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(level)
        .with_writer(Mutex::new(Log { path, file: None }));
    // A second subscriber in one process: the first one stays.
    let _ = subscriber.try_init();
}

/// Opens its file with the first message.
struct Log {
    path: PathBuf,
    file: Option<File>,
}

impl Write for Log {
    fn write(&mut self, message: &[u8]) -> io::Result<usize> {
        if self.file.is_none() {
            self.file = Some(open(&self.path)?);
        }
        if let Some(file) = &mut self.file {
            file.write_all(&tidy(message))?;
        }
        Ok(message.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let is_large = std::fs::metadata(path).is_ok_and(|facts| facts.len() > MAX_BYTES);
    let mut options = OpenOptions::new();
    options
        .create(true)
        .write(true)
        .truncate(is_large)
        .append(!is_large);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// One line, cut, without anything a terminal would obey.
fn tidy(message: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(message);
    let line = crate::text::tame(text.trim_end_matches('\n'));
    let cut: String = line.chars().take(MAX_MESSAGE).collect();
    format!("{cut}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_that_no_terminal_obeys() {
        assert_eq!(tidy(b"a\x1b[31m\nb\n"), b"a\\u{1b}[31m\\u{a}b\n");
        assert_eq!(tidy(&[b'x'; 5_000]).len(), MAX_MESSAGE + 1);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_and_made_only_when_needed() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("netseg-tui/netseg-tui.log");
        let mut log = Log {
            path: path.clone(),
            file: None,
        };
        assert!(!path.exists());
        log.write_all(b"one\n").unwrap();
        log.write_all(b"two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
