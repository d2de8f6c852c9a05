//! The terminal itself: modes on and off, whatever ends the program, and frames as one write each.

use std::io::{self, IsTerminal, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste};
use crossterm::terminal::{
    BeginSynchronizedUpdate, DisableLineWrap, EnableLineWrap, EndSynchronizedUpdate,
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{Command, queue};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::Color;

use super::app::App;
use super::draw::{Hits, draw};

/// Whether there is a person on both sides.
pub(super) fn is_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

static ENTERED: AtomicBool = AtomicBool::new(false);
static MOUSE: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The modes we hold. Leaving is idempotent and can be done from any thread.
pub(super) struct Terminal {
    signals: tokio::task::JoinHandle<()>,
}

/// Reports clicks and the wheel, but no motion: moving the mouse over the screen must not wake us.
struct EnableClicks;

impl Command for EnableClicks {
    fn write_ansi(&self, f: &mut impl std::fmt::Write) -> std::fmt::Result {
        f.write_str("\x1b[?1000h\x1b[?1006h")
    }

    #[cfg(windows)]
    fn execute_winapi(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Terminal {
    /// Takes the terminal; a panic or a signal gives it back from now on.
    pub(super) fn enter(mouse: bool) -> io::Result<Self> {
        // With NO_COLOR set, crossterm would also drop reverse video and with it the selection. The theme alone decides.
        crossterm::style::force_color_output(true);
        HOOK.call_once(|| {
            let previous = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                if ENTERED.load(Ordering::SeqCst) {
                    leave();
                    previous(panic);
                    // A panic in a worker would otherwise restore the screen under a loop that goes on drawing.
                    std::process::exit(101);
                }
                previous(panic);
            }));
        });
        let signals = tokio::spawn(signals()?);
        MOUSE.store(mouse, Ordering::SeqCst);
        let terminal = Self { signals };
        if let Err(error) = take() {
            terminal.leave();
            return Err(error);
        }
        Ok(terminal)
    }

    pub(super) fn leave(&self) {
        self.signals.abort();
        leave();
    }

    pub(super) fn mouse(on: bool) -> io::Result<()> {
        MOUSE.store(on, Ordering::SeqCst);
        let mut out = io::stdout().lock();
        if on {
            queue!(out, EnableClicks)?;
        } else {
            queue!(out, DisableMouseCapture)?;
        }
        out.flush()
    }

    /// Stops the program until the shell continues it; says whether it did. A session leader has no shell to go back to.
    #[cfg(unix)]
    pub(super) fn suspend() -> io::Result<bool> {
        use rustix::process::{Signal, getpid, getsid, kill_process_group};
        if getsid(None).is_ok_and(|session| session == getpid()) {
            return Ok(false);
        }
        leave();
        // The whole job stops, as if the terminal itself had sent it.
        let stopped = kill_process_group(rustix::process::getpgrp(), Signal::TSTP);
        take()?;
        stopped?;
        Ok(true)
    }

    #[cfg(not(unix))]
    pub(super) fn suspend() -> io::Result<bool> {
        Ok(false)
    }
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    ENTERED.store(true, Ordering::SeqCst);
    let mut out = io::stdout().lock();
    queue!(
        out,
        EnterAlternateScreen,
        Hide,
        EnableBracketedPaste,
        DisableLineWrap
    )?;
    if MOUSE.load(Ordering::SeqCst) {
        queue!(out, EnableClicks)?;
    }
    out.flush()
}

/// Gives the terminal back as it was. Best effort: there may be no terminal any more, and nothing may be printed here.
fn leave() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut bytes = Vec::new();
    let _ = queue!(
        bytes,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        EnableLineWrap,
        Show,
        LeaveAlternateScreen
    );
    let mut out = io::stdout();
    let _ = out.write_all(&bytes).and_then(|()| out.flush());
    let _ = disable_raw_mode();
}

/// Ends the program on the signals that ask for it, at once and apart from the loop, which may be busy or gone.
#[cfg(unix)]
fn signals() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut quit = signal(SignalKind::quit())?;
    Ok(async move {
        let number = tokio::select! {
            _ = hangup.recv() => 1,
            _ = interrupt.recv() => 2,
            _ = quit.recv() => 3,
            _ = terminate.recv() => 15,
        };
        leave();
        std::process::exit(128 + number);
    })
}

#[cfg(not(unix))]
fn signals() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            leave();
            std::process::exit(130);
        }
    })
}

/// Tells of every new size. The event stream alone does not: a resize that arrives together with a key is lost there.
pub(super) struct Resizes {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Resizes {
    #[cfg(unix)]
    pub(super) fn new() -> io::Result<Self> {
        let signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::window_change())?;
        Ok(Self { signal })
    }

    #[cfg(unix)]
    pub(super) async fn next(&mut self) {
        if self.signal.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, reason = "one signature for all systems")]
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    pub(super) async fn next(&mut self) {
        std::future::pending().await
    }
}

/// What the terminal shows, so that only differences are written.
pub(super) struct Screen {
    shown: Buffer,
}

impl Screen {
    pub(super) fn new(size: (u16, u16)) -> Self {
        Self {
            shown: unknown(size),
        }
    }

    /// Takes nothing for granted about what the terminal shows; the next frame writes every cell. No clearing, no flicker.
    pub(super) fn forget(&mut self) {
        self.shown = unknown((self.shown.area.width, self.shown.area.height));
    }

    /// Draws the state; writes the cells that differ in one go, inside a synchronized update, and nothing when none does.
    pub(super) fn draw(&mut self, app: &App) -> io::Result<Hits> {
        let area = Rect::new(0, 0, app.width, app.height);
        if self.shown.area != area {
            self.shown = unknown((app.width, app.height));
        }
        let mut next = Buffer::empty(area);
        let hits = draw(app, &mut next);
        let changed = self.shown.diff(&next);
        if !changed.is_empty() {
            let mut bytes = Vec::with_capacity(changed.len() * 4);
            queue!(bytes, BeginSynchronizedUpdate)?;
            CrosstermBackend::new(&mut bytes).draw(changed.into_iter())?;
            queue!(bytes, EndSynchronizedUpdate)?;
            let mut out = io::stdout().lock();
            out.write_all(&bytes)?;
            out.flush()?;
        }
        self.shown = next;
        Ok(hits)
    }
}

/// A buffer that differs from every frame in every cell: no theme uses such a colour.
fn unknown(size: (u16, u16)) -> Buffer {
    let mut cell = Cell::new("?");
    cell.fg = Color::Rgb(1, 2, 3);
    Buffer::filled(Rect::new(0, 0, size.0, size.1), cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says where the test below panics when it is run in a terminal of its own.
    const WHERE: &str = "NETSEG_TEST_PANIC";

    /// Ends its process. By itself it does nothing.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn takes_the_terminal_and_panics() {
        let Ok(place) = std::env::var(WHERE) else {
            return;
        };
        let _terminal = Terminal::enter(true).unwrap();
        if place == "worker" {
            let _ = tokio::task::spawn_blocking(|| panic!("injected")).await;
            unreachable!("the process has ended");
        }
        panic!("injected");
    }

    #[test]
    fn a_panic_anywhere_gives_the_terminal_back_and_ends_the_program() {
        use portable_pty::{CommandBuilder, PtySize, native_pty_system};
        use std::io::Read;

        for place in ["loop", "worker"] {
            let pair = native_pty_system().openpty(PtySize::default()).unwrap();
            let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
            command.args([
                "--exact",
                "tui::terminal::tests::takes_the_terminal_and_panics",
                "--nocapture",
            ]);
            command.env(WHERE, place);
            command.env("RUST_BACKTRACE", "0");
            let mut child = pair.slave.spawn_command(command).unwrap();
            drop(pair.slave);
            let mut reader = pair.master.try_clone_reader().unwrap();
            let reading = std::thread::spawn(move || {
                let mut bytes = Vec::new();
                // The end of the other side reads as an error on Linux.
                let _ = reader.read_to_end(&mut bytes);
                String::from_utf8_lossy(&bytes).into_owned()
            });
            let status = child.wait().unwrap();
            let text = reading.join().unwrap();
            assert_eq!(status.exit_code(), 101, "{place}: {text:?}");
            for mode in ["?1049", "?2004", "?1000", "?1006"] {
                let on = text.rfind(&format!("\x1b[{mode}h"));
                let off = text.rfind(&format!("\x1b[{mode}l"));
                assert!(on.is_some() && off > on, "{place}: {mode} in {text:?}");
            }
            for (on, off) in [("\x1b[?25l", "\x1b[?25h"), ("\x1b[?7l", "\x1b[?7h")] {
                assert!(text.rfind(off) > text.rfind(on), "{place}: {text:?}");
            }
            assert!(
                !text.contains("test result"),
                "{place}: it went on, {text:?}"
            );
            // Said where it can be read: after the screen was left.
            assert!(
                text.rfind("injected") > text.rfind("\x1b[?1049l"),
                "{place}: {text:?}"
            );
        }
    }
}
