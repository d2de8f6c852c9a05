//! A terminal for a program: a pseudo-terminal, a screen that understands what is written, and no answers to any question.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// A running program and its screen. The program is killed when this is dropped.
pub(crate) struct Terminal {
    shared: Arc<(Mutex<Seen>, Condvar)>,
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    _home: tempfile::TempDir,
}

struct Seen {
    parser: vt100::Parser,
    raw: Vec<u8>,
    last: Instant,
}

impl Terminal {
    /// Starts the program with nothing in its environment but what is given and what a terminal needs.
    pub(crate) fn start(args: &[&str], (width, height): (u16, u16), env: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let pair = native_pty_system().openpty(size(width, height)).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_netseg-tui"));
        command.args(args);
        command.env_clear();
        command.cwd(home.path());
        for name in [
            "HOME",
            "XDG_CONFIG_HOME",
            "XDG_STATE_HOME",
            "XDG_CACHE_HOME",
        ] {
            command.env(name, home.path());
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        for (name, value) in env {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let shared = Arc::new((
            Mutex::new(Seen {
                parser: vt100::Parser::new(cells(height), cells(width), 0),
                raw: Vec::new(),
                last: Instant::now(),
            }),
            Condvar::new(),
        ));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let for_reader = Arc::clone(&shared);
        std::thread::spawn(move || {
            let mut bytes = [0; 8192];
            while let Ok(count) = reader.read(&mut bytes) {
                if count == 0 {
                    break;
                }
                let (seen, changed) = &*for_reader;
                let mut seen = seen.lock().unwrap();
                seen.parser.process(&bytes[..count]);
                seen.raw.extend_from_slice(&bytes[..count]);
                seen.last = Instant::now();
                changed.notify_all();
            }
        });
        let writer = pair.master.take_writer().unwrap();
        Self {
            shared,
            master: pair.master,
            writer,
            child,
            _home: home,
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.0.lock().unwrap()
    }

    /// Types. Escape sequences are keys.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    pub(crate) fn resize(&mut self, width: u16, height: u16) {
        self.seen()
            .parser
            .screen_mut()
            .set_size(cells(height), cells(width));
        self.master.resize(size(width, height)).unwrap();
    }

    /// Waits until the text is somewhere on the screen.
    pub(crate) fn wait_for(&self, text: &str, limit: Duration) {
        self.wait_until(text, limit, |screen| screen.contains(text));
    }

    /// What is on the screen now.
    pub(crate) fn text(&self) -> String {
        self.seen().parser.screen().contents()
    }

    /// Waits until something is so of the screen.
    pub(crate) fn wait_until(&self, what: &str, limit: Duration, is_so: impl Fn(&str) -> bool) {
        let until = Instant::now() + limit;
        let mut seen = self.seen();
        while !is_so(&seen.parser.screen().contents()) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "no `{what}` within {limit:?} on:\n{}",
                seen.parser.screen().contents()
            );
            seen = self.shared.1.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Waits until nothing has been written for so long.
    pub(crate) fn still(&self, quiet: Duration, limit: Duration) {
        let until = Instant::now() + limit;
        let mut seen = self.seen();
        let start = Instant::now();
        loop {
            let since = seen.last.max(start);
            let rest = (since + quiet).saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return;
            }
            assert!(
                Instant::now() < until,
                "never still for {quiet:?} within {limit:?}"
            );
            seen = self.shared.1.wait_timeout(seen, rest).unwrap().0;
        }
    }

    /// How many bytes were written so far.
    pub(crate) fn bytes(&self) -> usize {
        self.seen().raw.len()
    }

    pub(crate) fn raw(&self) -> Vec<u8> {
        self.seen().raw.clone()
    }

    pub(crate) fn alternate_screen(&self) -> bool {
        self.seen().parser.screen().alternate_screen()
    }

    /// Counts the cells for which each of two things holds.
    pub(crate) fn cells(&self, holds: impl Fn(&vt100::Cell) -> (bool, bool)) -> (usize, usize) {
        let seen = self.seen();
        let screen = seen.parser.screen();
        let (rows, columns) = screen.size();
        let mut counts = (0, 0);
        for row in 0..rows.get() {
            for column in 0..columns.get() {
                let (first, second) = screen.cell(row, column).map_or((false, false), &holds);
                counts.0 += usize::from(first);
                counts.1 += usize::from(second);
            }
        }
        counts
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = self.child.process_id().unwrap();
        let id = rustix::process::Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
    }

    /// Waits for the program to end and for its last words; returns its exit status.
    pub(crate) fn ended(&mut self, limit: Duration) -> u32 {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.still(Duration::from_millis(100), Duration::from_secs(5));
                return status.exit_code();
            }
            assert!(
                Instant::now() < until,
                "still running after {limit:?} with:\n{}",
                self.seen().parser.screen().contents()
            );
            let seen = self.seen();
            drop(
                self.shared
                    .1
                    .wait_timeout(seen, Duration::from_millis(20))
                    .unwrap(),
            );
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

fn size(width: u16, height: u16) -> PtySize {
    PtySize {
        rows: height,
        cols: width,
        pixel_width: 0,
        pixel_height: 0,
    }
}
