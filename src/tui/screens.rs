//! The screens as they are drawn, at the sizes that matter, and laws for all sizes.

use std::sync::Arc;

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::app::{App, Msg, update};
use super::draw::draw;
use super::sample::{app, press, screen};
use super::view::{Gap, KindState, View, Why};
use crate::source::{Link, Trouble, TroubleKind};

fn buffer(app: &App) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, app.width, app.height));
    draw(app, &mut buffer);
    buffer
}

#[test]
fn main_screen() {
    for (width, height) in [(60, 16), (80, 24), (118, 24), (120, 40), (200, 50)] {
        let app = app(width, height, true, false);
        insta::assert_snapshot!(format!("main_{width}x{height}"), screen(&app));
    }
}

#[test]
fn graph_pane_on_a_small_screen() {
    let mut app = app(80, 24, true, false);
    press(&mut app, "backtab j");
    insta::assert_snapshot!("graph_80x24", screen(&app));
}

#[test]
fn flows_with_a_probe() {
    for (width, height) in [(80, 24), (118, 24), (200, 50)] {
        let mut app = app(width, height, true, false);
        press(&mut app, "j enter j p 27017 enter");
        insta::assert_snapshot!(format!("flows_{width}x{height}"), screen(&app));
    }
}

#[test]
fn probe_being_typed() {
    let mut app = app(100, 30, true, false);
    press(&mut app, "j p mo down");
    insta::assert_snapshot!("probe_100x30", screen(&app));
}

#[test]
fn drift_help_picker_and_why() {
    let mut drift = app(110, 24, true, false);
    press(&mut drift, "2");
    insta::assert_snapshot!("drift_110x24", screen(&drift));
    let mut help = app(120, 40, true, false);
    press(&mut help, "?");
    insta::assert_snapshot!("help_120x40", screen(&help));
    let mut picker = app(80, 24, true, false);
    press(&mut picker, "n j space");
    insta::assert_snapshot!("picker_80x24", screen(&picker));
    let mut why = app(80, 24, true, false);
    press(&mut why, "space j space enter");
    insta::assert_snapshot!("why_80x24", screen(&why));
}

/// A screen whose source is in this state, with or without anything read.
fn troubled(width: u16, height: u16, link: Link, has_rows: bool) -> App {
    let mut app = app(width, height, true, false);
    app.reconnects = true;
    let mut view = (*app.view).clone();
    view.origin = "prod-eu1".to_owned();
    view.link = link;
    if !has_rows {
        let empty = View::empty("prod-eu1");
        view = View {
            link: view.link,
            environments: view.environments,
            environment: view.environment,
            ..empty
        };
    }
    show(&mut app, view);
    app
}

/// Lets a view arrive; none that is asked for later replaces it.
fn show(app: &mut App, view: View) {
    let (generation, view) = (u64::MAX, Arc::new(view));
    update(app, Msg::View { generation, view });
}

fn offline() -> Link {
    Link::Offline {
        kind: TroubleKind::Unreachable,
        why: "no connection: Connection refused (os error 111)".to_owned(),
        since: "2026-01-02T14:05:31Z".to_owned(),
    }
}

#[test]
fn a_lost_server_leaves_the_old_picture_marked_as_such() {
    for (width, height) in [(60, 16), (80, 24), (120, 40)] {
        let app = troubled(width, height, offline(), true);
        insta::assert_snapshot!(format!("offline_{width}x{height}"), screen(&app));
    }
    // Put away, it stays away while it is about the same.
    let mut app = troubled(120, 40, offline(), true);
    assert!(screen(&app).contains("Cluster not reachable"));
    press(&mut app, "esc");
    let text = screen(&app);
    assert!(!text.contains("Cluster not reachable"), "{text}");
    assert!(text.contains("as of 14:05:31Z"), "{text}");
    assert!(text.contains("OFFLINE since 14:05:31Z"), "{text}");
}

#[test]
fn a_server_that_was_never_reached_says_what_to_try() {
    for (kind, why) in [
        (
            TroubleKind::Unreachable,
            "no connection: Connection refused",
        ),
        (
            TroubleKind::Untrusted,
            "certificate not trusted: unknown issuer",
        ),
        (TroubleKind::Unauthorized, "credentials rejected (401)"),
        (TroubleKind::Plugin, "credential plugin `aws` not found"),
        (TroubleKind::Server, "the server answers 503"),
    ] {
        let trouble = Trouble {
            kind,
            why: why.to_owned(),
            since: "2026-01-02T14:05:31Z".to_owned(),
        };
        let link = Link::Loading {
            progress: Vec::new(),
            trouble: Some(trouble),
        };
        let text = screen(&troubled(80, 24, link, false));
        for words in [
            why,
            "context prod-eu1, server https://10.20.0.1:6443",
            "since   14:05:31Z",
            "likely  ",
            "kubectl --context prod-eu1 ",
            "○ OFFLINE",
            "ctrl-r retry now",
        ] {
            assert!(text.contains(words), "no `{words}` in\n{text}");
        }
        assert!(!text.contains("as expected"), "{text}");
    }
}

#[test]
fn while_nothing_is_read_the_kinds_say_how_far_they_are() {
    let link = Link::Loading {
        progress: vec!["pods 6500/9000".to_owned()],
        trouble: None,
    };
    let mut app = troubled(80, 24, link, false);
    let mut view = (*app.view).clone();
    view.kinds = [
        ("✓", "namespaces", "41"),
        ("✓", "networkpolicies", "318"),
        ("◌", "pods", "6500/9000"),
        ("✗", "nodes", "may not be read"),
        ("-", "jobs", "not served here"),
    ]
    .map(|(glyph, kind, words)| KindState {
        kind,
        glyph,
        words: words.to_owned(),
    })
    .to_vec();
    show(&mut app, view);
    insta::assert_snapshot!("loading_80x24", screen(&app));
    // Every key may be pressed.
    press(
        &mut app,
        "j k enter w p esc space / esc n esc 2 1 tab z z ? esc e",
    );
    assert!(screen(&app).contains("Loading prod-eu1"));
}

#[test]
fn what_may_not_be_read_is_told_with_what_it_costs() {
    let gap = |kind: &str, scope: &str, cost: &str| Gap {
        kind: kind.to_owned(),
        scope: scope.to_owned(),
        cost: cost.to_owned(),
        why: Why::Forbidden,
        said: format!("{kind} is forbidden: cannot list at the cluster scope"),
    };
    for (width, height) in [(80, 24), (120, 40)] {
        let mut app = troubled(width, height, Link::Live, true);
        let mut view = (*app.view).clone();
        view.partial = true;
        view.gaps = vec![
            gap(
                "networkpolicies",
                "vault",
                "flows to and from vault are UNKNOWN, never ALLOW",
            ),
            gap(
                "namespaces",
                "cluster",
                "labels unseen: what a namespaceSelector decides is UNKNOWN, never ALLOW (4 policies have one)",
            ),
        ];
        show(&mut app, view);
        insta::assert_snapshot!(format!("partial_{width}x{height}"), screen(&app));
        press(&mut app, "esc");
        let text = screen(&app);
        assert!(!text.contains("Not allowed to read"), "{text}");
        assert!(text.contains("◑ PARTIAL"), "{text}");
    }
}

#[test]
fn policies_that_are_not_evaluated_are_told_apart_from_what_could_not_be_read() {
    let mut app = troubled(120, 40, Link::Live, true);
    let mut view = (*app.view).clone();
    let cost = "3 CiliumNetworkPolicies: verdicts of shop are UNKNOWN";
    view.gaps = vec![Gap {
        kind: "ciliumnetworkpolicies.cilium.io".to_owned(),
        scope: "shop".to_owned(),
        cost: cost.to_owned(),
        why: Why::NotEvaluated,
        said: String::new(),
    }];
    view.not_evaluated = Some((
        "3 CiliumNetworkPolicies not evaluated".to_owned(),
        "3 not evaluated".to_owned(),
    ));
    show(&mut app, view);
    let text = screen(&app);
    for words in ["Read, and not evaluated", cost] {
        assert!(text.contains(words), "no `{words}` in\n{text}");
    }
    for words in ["Could not be read", "ask for", "said"] {
        assert!(!text.contains(words), "`{words}` in\n{text}");
    }
    press(&mut app, "esc");
    let text = screen(&app);
    assert!(!text.contains("Read, and"), "{text}");
    let header = text.lines().next().unwrap();
    assert!(
        header.contains("3 CiliumNetworkPolicies not evaluated"),
        "{header}"
    );
}

#[test]
fn ascii_writes_nothing_else() {
    let mut app = app(120, 40, true, true);
    for keys in [
        "",
        "space j space",
        "2",
        "1 ?",
        "esc w",
        "esc n",
        "esc E",
        "! esc p mo",
    ] {
        press(&mut app, keys);
        assert!(screen(&app).is_ascii(), "after {keys}:\n{}", screen(&app));
    }
}

#[test]
fn without_colour_no_cell_has_one_and_the_selection_is_reverse() {
    let mut app = app(120, 40, false, false);
    for keys in ["", "space j space", "2", "1", "E", "E"] {
        press(&mut app, keys);
        let buffer = buffer(&app);
        let reset = ratatui::style::Color::Reset;
        assert!(
            buffer
                .content
                .iter()
                .all(|cell| cell.fg == reset && cell.bg == reset),
            "after {keys}"
        );
        assert!(
            buffer
                .content
                .iter()
                .any(|cell| cell.modifier.contains(Modifier::REVERSED)),
            "after {keys}"
        );
    }
}

#[test]
fn denied_allowed_and_drift_are_told_apart_by_colour_word_and_sign() {
    let mut app = app(120, 40, true, false);
    press(&mut app, "j enter G");
    let buffer = buffer(&app);
    let find = |text: &str| {
        let first = text.chars().next().unwrap().to_string();
        buffer
            .content
            .iter()
            .enumerate()
            .filter(|(_, cell)| cell.symbol() == first)
            .find(|(at, _)| {
                text.chars().enumerate().all(|(i, c)| {
                    buffer
                        .content
                        .get(at + i)
                        .is_some_and(|cell| cell.symbol() == c.to_string())
                })
            })
            .map(|(_, cell)| cell.fg)
    };
    assert_eq!(find("✓ ALLOW"), Some(Color::Cyan));
    assert_eq!(find("✗ DENY"), Some(Color::Red));
    assert_eq!(find("▼ stalker/mongo"), Some(Color::Yellow));
}

#[test]
fn nothing_is_drawn_twice_for_the_same_state() {
    let app = app(120, 40, true, false);
    assert_eq!(buffer(&app).diff(&buffer(&app)).len(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_size_draws_inside_its_area(width in 0u16..200, height in 0u16..80, mode in 0usize..9) {
        let mut app = app(width, height, true, false);
        press(&mut app, ["", "p mo", "/ kafka", "n", "?", "w", "2", "j enter space", "E E"][mode]);
        let text = screen(&app);
        prop_assert_eq!(text.lines().count(), usize::from(height));
        for line in text.lines() {
            prop_assert!(crate::text::width(line) <= usize::from(width));
        }
    }

    #[test]
    fn long_and_wide_names_stay_inside(name in "[a-z日本語é/.-]{1,253}", width in 60u16..200, height in 16u16..50) {
        let mut app = app(width, height, true, false);
        let mut view = (*app.view).clone();
        for row in &mut view.rows {
            row.name.clone_from(&name);
            row.namespace.clone_from(&name);
        }
        view.origin.clone_from(&name);
        for finding in &mut view.findings {
            finding.from.clone_from(&name);
        }
        app.view = std::sync::Arc::new(view);
        for keys in ["", "2", "1 n", "esc E", "p"] {
            press(&mut app, keys);
            for line in screen(&app).lines() {
                prop_assert!(crate::text::width(line) <= usize::from(width));
            }
        }
    }
}
