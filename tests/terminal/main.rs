//! The real program in a pseudo-terminal: what a person sees, and what is left behind.

mod harness;
#[allow(dead_code, reason = "shared with other tests, which use other parts")]
#[path = "../support/scripted.rs"]
mod scripted;

use std::time::Duration;

use harness::Terminal;
use scripted::{Fault, Match, Server};

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

/// The audit of the README: the database is closed from outside in production, and open in development.
#[test]
fn environments_stand_side_by_side_for_the_audit_of_a_database() {
    let mut terminal = demo(80, 24);
    terminal.wait_for("ENV dev", LIMIT);
    terminal.keys("/from:mongo\r");
    terminal.wait_for("1 of 8", LIMIT);
    terminal.keys("/");
    terminal.wait_for("FILTER", LIMIT);
    terminal.keys("\x1b");
    terminal.wait_for("8 of 8", LIMIT);
    terminal.keys("E");
    terminal.wait_for("Environments · stalker/mongo", LIMIT);
    for line in [
        "cron-service  mongo  27017/TCP  ✓ must     =  ✓ must     =  ✓ ALLOW",
        "every pod     mongo  27017/TCP  ✓ must     =    may      =  ✓ ALLOW",
        "external      mongo  27017/TCP  ✓ must     =  ✗ must not ▲  ✓ ALLOW",
    ] {
        terminal.wait_for(line, LIMIT);
    }
    terminal.keys("G");
    terminal.wait_for("┌─ external → mongo 27017/TCP", LIMIT);
    terminal.wait_for("▲ EXCESS  database closed from outside", LIMIT);
    terminal.keys("\r");
    terminal.wait_for("internet → stalker/mongo 27017/TCP", LIMIT);
    terminal.wait_for("ingress[0]", LIMIT);
    terminal.keys("\x1b");
    terminal.wait_for("Environments · stalker/mongo", LIMIT);
    // By production one more thing is wrong, and the header knows which holds better.
    terminal.keys("e");
    terminal.wait_for("[prod]", LIMIT);
    terminal.wait_for("dev better", LIMIT);
    terminal.keys("E");
    terminal.wait_for("what differs · 3 of 29", LIMIT);
    terminal.keys("!");
    terminal.wait_for("all · 29 of 29", LIMIT);
    terminal.keys("\x1b");
    terminal.wait_for("[1 Flows]", LIMIT);
    terminal.wait_for("›mongo", LIMIT);
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
    // The recording takes its time before anything happens.
    let change = 2 * LIMIT;
    terminal.wait_for("✗ DENY     stalker/cron-service → stalker/mongo", change);
    terminal.wait_for("▼ BROKEN", LIMIT);
    terminal.wait_for("the probe changed", LIMIT);
}

/// A web workload that a policy of another namespace lets in by that namespace's label.
const SHOP: &str = "\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: a}}
---
apiVersion: v1
kind: Namespace
metadata: {name: vault}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, ports: [{containerPort: 8080}]}]}
status: {phase: Running, podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: vault, labels: {app: db}}
spec: {containers: [{name: c, ports: [{containerPort: 5432}]}]}
status: {phase: Running, podIP: 10.0.0.2, podIPs: [{ip: 10.0.0.2}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db-from-a, namespace: vault}
spec:
  podSelector: {}
  ingress: [{from: [{namespaceSelector: {matchLabels: {team: a}}}], ports: [{port: 5432}]}]
";

fn live(server: &Server, (width, height): (u16, u16), more: &[&str]) -> Terminal {
    let file = server.kubeconfig();
    let mut args = vec!["--kubeconfig", file.to_str().unwrap()];
    args.extend(more);
    Terminal::start(&args, (width, height), &[])
}

#[test]
fn a_server_that_comes_back_is_live_again_without_a_key() {
    let server = Server::with(SHOP);
    server.go_away();
    let terminal = live(&server, (120, 40), &[]);
    for words in [
        "Cluster not reachable",
        "context scripted, server http://127.0.0.1:",
        "refused",
        "get --raw /readyz",
        "○ OFFLINE since",
    ] {
        terminal.wait_for(words, LIMIT);
    }
    server.come_back();
    terminal.wait_for("● live", LIMIT);
    terminal.wait_for("5432", LIMIT);
    // Lost again: the old picture stays, and is marked.
    server.go_away();
    terminal.wait_for("○ OFFLINE since", LIMIT);
    for words in ["Cluster not reachable", "was the last good answer", "5432"] {
        terminal.wait_for(words, LIMIT);
    }
    assert!(terminal.text().contains("as of "), "{}", terminal.text());
    server.come_back();
    terminal.wait_for("● live", LIMIT);
    terminal.wait_until("no panel", LIMIT, |text| {
        !text.contains("Cluster not reachable") && !text.contains("as of ")
    });
}

#[test]
fn a_retry_can_be_asked_for() {
    let server = Server::with(SHOP);
    server.go_away();
    let mut terminal = live(&server, (100, 30), &[]);
    terminal.wait_for("ctrl-r retry now", LIMIT);
    server.come_back();
    terminal.keys("\x12");
    terminal.wait_for("● live", LIMIT);
}

#[test]
fn a_kind_that_may_not_be_read_is_named_and_allows_nothing() {
    let server = Server::with(SHOP);
    server.fail(Match::kind("namespaces"), Fault::Status(403));
    let mut terminal = live(&server, (120, 40), &[]);
    for words in [
        "◑ PARTIAL",
        "Not allowed to read",
        "namespaces  cluster",
        "what a namespaceSelector decides is UNKNOWN, never ALLOW (1 policy has one)",
        "namespaces is refused by the test",
    ] {
        terminal.wait_for(words, LIMIT);
    }
    terminal.keys("p\x15shop/web vault/db 5432\r");
    terminal.wait_for("? UNKNOWN", LIMIT);
    terminal.wait_for("shop/web → vault/db", LIMIT);
    assert!(!terminal.text().contains("✓ ALLOW"), "{}", terminal.text());
    // What needs no label is answered all the same.
    terminal.keys("p\x15vault/db shop/web 8080\r");
    terminal.wait_for("✓ ALLOW", LIMIT);
    terminal.keys("\x1b");
    terminal.wait_until("no panel", LIMIT, |text| {
        !text.contains("Not allowed to read")
    });
    terminal.wait_for("◑ PARTIAL", LIMIT);
    // Allowed after all: nothing is partial any more, and the probe on the screen says so.
    server.heal();
    terminal.keys("p\x15shop/web vault/db 5432\r");
    terminal.keys("\x12");
    terminal.wait_for("● live", LIMIT);
    terminal.wait_for("✓ ALLOW", LIMIT);
}

#[test]
fn policies_that_may_not_be_read_allow_nothing_there() {
    let server = Server::with(SHOP);
    server.fail(Match::kind("networkpolicies").whole(), Fault::Status(403));
    server.fail(
        Match::kind("networkpolicies").namespace("vault"),
        Fault::Status(403),
    );
    let mut terminal = live(&server, (120, 40), &[]);
    terminal.wait_for("networkpolicies  all but shop", LIMIT);
    terminal.keys("p\x15shop/web vault/db 5432\r");
    terminal.wait_for("? UNKNOWN", LIMIT);
    terminal.wait_for("shop/web → vault/db", LIMIT);
    assert!(!terminal.text().contains("✓ ALLOW"), "{}", terminal.text());
}

#[test]
fn rejected_credentials_are_told_with_what_to_try() {
    let server = Server::with(SHOP);
    server.fail(Match::all(), Fault::Status(401));
    let terminal = live(&server, (80, 24), &[]);
    for words in [
        "Credentials rejected",
        "credentials rejected (401)",
        "auth whoami",
        "○ OFFLINE",
    ] {
        terminal.wait_for(words, LIMIT);
    }
}

#[test]
fn keys_answer_while_everything_is_loading() {
    let server = Server::with(SHOP);
    server.fail(Match::kind("pods"), Fault::Hang);
    let mut terminal = live(&server, (100, 30), &[]);
    terminal.wait_for("Loading scripted", LIMIT);
    terminal.wait_for("✓  namespaces", LIMIT);
    terminal.wait_for("◌  pods", LIMIT);
    let soon = Duration::from_secs(2);
    terminal.keys("?");
    terminal.wait_for("j k scroll", soon);
    terminal.keys("\x1b");
    terminal.wait_for("Loading scripted", soon);
    terminal.keys("n");
    terminal.wait_for("space marks", soon);
    terminal.keys("\x1b");
    terminal.wait_until("no picker", soon, |text| !text.contains("space marks"));
    terminal.keys("21pshop");
    terminal.wait_for("esc cancel", soon);
    terminal.keys("\x1b");
    terminal.wait_for("q quit", soon);
    terminal.keys("q");
    assert_eq!(terminal.ended(LIMIT), 0);
}

#[test]
fn the_views_of_the_graph_are_walked_and_a_wire_is_explained() {
    let mut terminal = demo(120, 40);
    terminal.wait_for("Graph · map", LIMIT);
    terminal.keys("v");
    terminal.wait_for("Graph · ego of stalker/cron-service", LIMIT);
    terminal.keys("v");
    terminal.wait_for("Graph · matrix", LIMIT);
    terminal.keys("v");
    terminal.wait_for("Graph · overview", LIMIT);
    terminal.keys("o");
    terminal.wait_for("stalker is open; o closes it", LIMIT);
    terminal.keys("v");
    terminal.wait_for("Graph · map", LIMIT);
    terminal.keys("J");
    terminal.wait_for("stalker/cron-service", LIMIT);
    terminal.wait_for("enter why", LIMIT);
    terminal.keys("\r");
    terminal.wait_for("Why · ", LIMIT);
    terminal.keys("\x1b");
    terminal.wait_for("Graph · map", LIMIT);
}
