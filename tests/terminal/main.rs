//! The real program in a pseudo-terminal: what a person sees, and what is left behind.

mod harness;

use std::time::Duration;

use harness::Terminal;

/// Long enough for a debug build on a busy machine.
const LIMIT: Duration = Duration::from_secs(25);

fn demo(width: u16, height: u16) -> Terminal {
    let terminal = Terminal::start(
        &["--demo", "stalker", "-n", "stalker,stalker-jobs"],
        (width, height),
        &[],
    );
    terminal.wait_for("flow-manager", LIMIT);
    terminal
}

#[test]
fn the_first_screen_tells_where_we_are_and_who_enforces() {
    let terminal = demo(120, 40);
    for words in [
        "demo",
        "stalker,stalker-jobs",
        "ENV dev",
        "calico enforces",
        "[1 Flows]",
        "2 Drift",
        "WORKLOAD",
        "INGRESS",
        "p probe",
        "q quit",
    ] {
        terminal.wait_for(words, LIMIT);
    }
}

#[test]
fn a_probe_is_typed_and_its_verdict_shown() {
    let mut terminal = demo(120, 40);
    terminal.keys("p");
    terminal.wait_for("esc cancel", LIMIT);
    // Whatever was selected, the line starts anew.
    terminal.keys("\x15stalker/flow-manager stalker/mong\t");
    terminal.wait_for("stalker/flow-manager stalker/mongo ", LIMIT);
    terminal.keys("27017");
    terminal.wait_for("✓ ALLOW", LIMIT);
    terminal.keys("\r");
    terminal.wait_for("stalker/flow-manager → stalker/mongo 27017/TCP", LIMIT);
    terminal.keys("r");
    terminal.wait_for("stalker/mongo → stalker/flow-manager 27017/TCP", LIMIT);
    terminal.keys("[");
    terminal.wait_for("stalker/flow-manager → stalker/mongo 27017/TCP", LIMIT);
    // Q leaves the answer behind, on the screen the shell had.
    terminal.keys("Q");
    assert_eq!(terminal.ended(LIMIT), 0);
    terminal.wait_for("stalker/flow-manager → stalker/mongo 27017/TCP", LIMIT);
    assert!(!terminal.alternate_screen());
}

#[test]
fn the_environment_changes_on_the_spot_and_drift_and_help_open() {
    let mut terminal = demo(120, 40);
    terminal.wait_for("ENV dev", LIMIT);
    terminal.keys("e");
    terminal.wait_for("ENV prod", LIMIT);
    terminal.keys("2");
    terminal.wait_for("Drift against prod", LIMIT);
    terminal.wait_for("BROKEN", LIMIT);
    terminal.keys("?");
    terminal.wait_for("pin as FROM, then as TO, then probe", LIMIT);
    terminal.keys("\x1b");
    terminal.wait_for("Drift against prod", LIMIT);
    terminal.keys("1");
    terminal.wait_for("WORKLOAD", LIMIT);
}

#[test]
fn a_small_terminal_says_so_and_comes_back() {
    let mut terminal = demo(120, 40);
    terminal.keys("jj");
    terminal.resize(59, 15);
    terminal.wait_for("60x16 needed, 59x15 here", LIMIT);
    terminal.resize(1, 1);
    terminal.resize(60, 16);
    terminal.wait_for("WORKLOAD", LIMIT);
    terminal.resize(200, 50);
    terminal.wait_for("Graph", LIMIT);
    terminal.wait_for("›kafka", LIMIT);
}

#[test]
fn an_idle_screen_writes_nothing() {
    let terminal = demo(120, 40);
    terminal.still(Duration::from_millis(700), LIMIT);
    let before = terminal.bytes();
    terminal.still(Duration::from_secs(3), Duration::from_secs(4));
    assert_eq!(
        terminal.bytes(),
        before,
        "bytes were written while nothing happened"
    );
}

#[test]
fn every_frame_is_a_synchronized_update_and_nothing_is_asked() {
    let mut terminal = demo(100, 30);
    terminal.keys("jjj\r");
    terminal.wait_for("Flows of", LIMIT);
    terminal.keys("q");
    assert_eq!(terminal.ended(LIMIT), 0);
    let raw = terminal.raw();
    let text = String::from_utf8_lossy(&raw);
    assert_eq!(
        text.matches("\x1b[?2026h").count(),
        text.matches("\x1b[?2026l").count() - 1,
        "leaving ends one more, in case"
    );
    for question in [
        "\x1b[6n",
        "\x1b[c",
        "\x1b[>c",
        "\x1b[5n",
        "\x1b]11;?",
        "\x1b[2J",
    ] {
        assert!(!text.contains(question), "{question:?} was written");
    }
}

#[test]
fn quitting_restores_the_terminal() {
    for key in ["q", "\x03"] {
        let mut terminal = demo(80, 24);
        assert!(terminal.alternate_screen());
        terminal.keys(key);
        assert_eq!(terminal.ended(LIMIT), 0);
        restored(&terminal);
    }
}

#[test]
fn signals_restore_the_terminal_and_end_the_program() {
    for (signal, status) in [
        (rustix::process::Signal::TERM, 143),
        (rustix::process::Signal::HUP, 129),
        (rustix::process::Signal::INT, 130),
    ] {
        let mut terminal = demo(80, 24);
        terminal.signal(signal);
        assert_eq!(terminal.ended(LIMIT), status);
        restored(&terminal);
    }
}

fn restored(terminal: &Terminal) {
    let raw = terminal.raw();
    let text = String::from_utf8_lossy(&raw);
    for mode in ["\x1b[?1049", "\x1b[?2004", "\x1b[?1000", "\x1b[?1006"] {
        let last = text
            .rfind(mode)
            .unwrap_or_else(|| panic!("{mode:?} was never set"));
        assert_eq!(
            &text[last + mode.len()..=last + mode.len()],
            "l",
            "{mode:?} was left on"
        );
    }
    assert!(
        text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l"),
        "the cursor stays hidden"
    );
    assert!(
        text.rfind("\x1b[?7h") > text.rfind("\x1b[?7l"),
        "line wrap stays off"
    );
    assert!(!terminal.alternate_screen());
}

#[test]
fn no_color_means_none_and_the_selection_stays_visible() {
    let terminal = Terminal::start(&["--demo", "stalker"], (120, 40), &[("NO_COLOR", "1")]);
    terminal.wait_for("›", LIMIT);
    terminal.still(Duration::from_millis(300), LIMIT);
    let (coloured, reversed) = terminal.cells(|cell| {
        (
            cell.fgcolor() != vt100::Color::Default || cell.bgcolor() != vt100::Color::Default,
            cell.inverse(),
        )
    });
    assert_eq!(coloured, 0);
    assert!(reversed > 10);
}

#[test]
fn ascii_writes_no_byte_above_127() {
    let mut terminal = Terminal::start(&["--demo", "stalker", "--ascii"], (120, 40), &[]);
    terminal.wait_for("WORKLOAD", LIMIT);
    terminal.keys("2");
    terminal.wait_for("Drift against", LIMIT);
    terminal.keys("1j\r");
    terminal.wait_for("Flows of", LIMIT);
    terminal.keys("?");
    terminal.wait_for("SCOPE AND OUT", LIMIT);
    assert!(terminal.raw().is_ascii());
}

#[test]
fn a_paste_is_one_line_without_controls() {
    let mut terminal = demo(120, 40);
    terminal.keys("p");
    terminal.wait_for("esc cancel", LIMIT);
    terminal.keys("\x15\x1b[200~stalker/ui\nstalker/mongo 1\x07\x1b[201~");
    terminal.wait_for("stalker/ui stalker/mongo 1", LIMIT);
    terminal.keys("\x1b");
    terminal.wait_for("q quit", LIMIT);
}

#[test]
fn a_probe_on_the_screen_turns_when_a_policy_goes() {
    let mut terminal = Terminal::start(&["--demo", "stalker", "--play"], (120, 40), &[]);
    terminal.wait_for("● live", LIMIT);
    terminal.keys("p\x15stalker/cron-service stalker/mongo 27017\r");
    terminal.wait_for("✓ ALLOW    stalker/cron-service → stalker/mongo", LIMIT);
    terminal.wait_for("✗ DENY     stalker/cron-service → stalker/mongo", LIMIT);
    terminal.wait_for("▼ BROKEN", LIMIT);
    terminal.wait_for("the probe changed", LIMIT);
}
