use crate::tui::app::*;
use crate::tui::sample::{answer, answered, app, press, screen, settle};

fn ready() -> App {
    app(120, 40, true, false)
}

fn selected(app: &App) -> &str {
    app.selected_key()
        .and_then(|key| key.rsplit('/').next())
        .unwrap_or("")
}

#[test]
fn the_first_row_is_selected_and_movement_stops_at_the_ends() {
    let mut app = ready();
    assert_eq!(selected(&app), "jobs");
    for (keys, expected) in [
        ("j", "cron-service"),
        ("down down", "kafka"),
        ("k", "flow-manager"),
        ("G", "zookeeper"),
        ("j", "zookeeper"),
        ("g", "jobs"),
        ("k up", "jobs"),
        ("pgdn", "zookeeper"),
        ("pgup", "jobs"),
        ("h l", "jobs"),
    ] {
        press(&mut app, keys);
        assert_eq!(selected(&app), expected, "{keys}");
    }
}

#[test]
fn graph_and_table_share_the_selection() {
    let mut app = ready();
    press(&mut app, "backtab");
    assert_eq!(app.focus, Pane::Graph);
    let mut seen = std::collections::BTreeSet::new();
    for keys in ["l", "l", "l", "j", "j", "h", "k", "h", "j"] {
        press(&mut app, keys);
        seen.insert(selected(&app).to_owned());
    }
    assert!(seen.len() > 3, "{seen:?}");
    press(&mut app, "tab g");
    assert_eq!((app.focus, selected(&app)), (Pane::Table, "jobs"));
}

#[test]
fn enter_narrows_to_the_flows_and_esc_goes_back() {
    let mut app = ready();
    press(&mut app, "j enter");
    assert!(app.narrowed());
    assert_eq!((app.total(), app.cursor()), (4, Some(0)));
    press(&mut app, "j j j j");
    assert_eq!(app.cursor(), Some(3));
    press(&mut app, "g enter");
    assert_eq!((app.mode, &app.subject), (Mode::Explain, &Subject::Probe));
    press(&mut app, "esc");
    assert_eq!(app.mode, Mode::Normal);
    assert!(app.narrowed());
    press(&mut app, "esc");
    assert!(!app.narrowed());
    assert_eq!(selected(&app), "cron-service");
}

#[test]
fn a_probe_is_typed_completed_and_asked() {
    let mut app = ready();
    press(&mut app, "j p");
    assert_eq!(app.mode, Mode::Probe);
    assert_eq!(app.probe_input.text(), "stalker/cron-service ");
    press(&mut app, "mo tab");
    assert_eq!(
        app.probe_input.text(),
        "stalker/cron-service stalker/mongo "
    );
    press(&mut app, "27017 enter");
    assert_eq!(app.mode, Mode::Normal);
    assert!(answered(&app).starts_with("DENY     stalker/cron-service → stalker/mongo 27017"));
    assert_eq!(selected(&app), "cron-service");
}

#[test]
fn a_chosen_candidate_is_taken_before_the_line_is_asked() {
    let mut app = ready();
    press(&mut app, "p mo down down up");
    assert_eq!(app.candidate, Some(0));
    press(&mut app, "down enter");
    assert_eq!(app.mode, Mode::Probe);
    assert!(app.probe_input.text().ends_with("stalker/mongo-express "));
    press(&mut app, "q Q");
    assert!(
        app.probe_input.text().ends_with("qQ"),
        "letters are letters inside a line"
    );
    press(&mut app, "esc");
    assert_eq!((app.mode, app.answer.is_some()), (Mode::Normal, false));
}

#[test]
fn a_probe_with_one_end_says_what_is_missing() {
    let mut app = ready();
    press(&mut app, "p enter");
    assert!(app.answer.is_none());
    assert_eq!(
        app.message.as_ref().unwrap().0,
        "a probe needs two ends: FROM TO [PORT]"
    );
}

#[test]
fn space_pins_from_then_to_and_asks() {
    let mut app = ready();
    press(&mut app, "space");
    assert_eq!(app.pinned.as_deref(), Some("stalker-jobs/jobs"));
    press(&mut app, "j space");
    assert_eq!(app.pinned, None);
    assert!(answered(&app).contains("stalker-jobs/jobs → stalker/cron-service"));
    press(&mut app, "space esc");
    assert_eq!(app.pinned, None);
}

#[test]
fn reverse_and_history_walk_the_probes() {
    let mut app = ready();
    press(&mut app, "r");
    assert_eq!(
        app.message.as_ref().unwrap().0,
        "no probe to reverse yet: p asks one"
    );
    press(&mut app, "space j space r");
    assert!(answered(&app).contains("stalker/cron-service → stalker-jobs/jobs"));
    assert_eq!((app.history.len(), app.at), (2, 1));
    press(&mut app, "[");
    assert!(answered(&app).contains("stalker-jobs/jobs → stalker/cron-service"));
    press(&mut app, "[");
    assert_eq!(app.message.as_ref().unwrap().0, "no earlier probe");
    press(&mut app, "] ]");
    assert_eq!(app.message.as_ref().unwrap().0, "no later probe");
    assert_eq!(app.at, 1);
}

#[test]
fn e_steps_through_the_environments_on_the_spot() {
    let mut app = ready();
    assert_eq!(app.view.environment.as_deref(), Some("dev"));
    assert_eq!(app.next_environment(), Some("prod"));
    press(&mut app, "e");
    assert_eq!(
        (app.view.environment.as_deref(), app.view.findings.len()),
        (Some("prod"), 1)
    );
    press(&mut app, "e");
    assert_eq!(app.view.environment.as_deref(), Some("dev"));
    // Two presses before the first answer are two steps.
    let mut effects = update(&mut app, key('e'));
    effects.extend(update(&mut app, key('e')));
    settle(&mut app, effects);
    assert_eq!(app.view.environment.as_deref(), Some("dev"));
}

fn key(c: char) -> Msg {
    use crossterm::event::{KeyCode, KeyModifiers};
    Msg::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE))
}

#[test]
fn the_drift_tab_lists_findings_and_explains_them() {
    let mut app = ready();
    press(&mut app, "2 j");
    assert_eq!(
        (app.tab, app.cursor(), app.total()),
        (Tab::Drift, Some(1), 2)
    );
    press(&mut app, "k w");
    assert_eq!(app.mode, Mode::Explain);
    assert!(answered(&app).contains("stalker/cron-service → stalker/mongo 27017"));
    press(&mut app, "esc 1");
    assert_eq!((app.tab, app.mode), (Tab::Flows, Mode::Normal));
    press(&mut app, "2 esc");
    assert_eq!(app.tab, Tab::Flows);
}

#[test]
fn the_filter_narrows_as_it_is_typed_and_esc_clears_it_last() {
    let mut app = ready();
    press(&mut app, "/ mongo");
    assert_eq!((app.mode, app.shown.len()), (Mode::Filter, 3));
    assert_eq!(
        selected(&app),
        "cron-service",
        "the first match is selected"
    );
    press(&mut app, "enter");
    assert_eq!((app.mode, app.shown.len()), (Mode::Normal, 3));
    press(&mut app, "enter esc");
    assert!(!app.narrowed());
    assert_eq!(app.shown.len(), 3, "narrowing goes before the filter");
    press(&mut app, "esc");
    assert_eq!(app.shown.len(), 8);
    press(&mut app, "/ is:drift esc");
    assert_eq!((app.mode, app.shown.len()), (Mode::Normal, 8));
}

#[test]
fn a_bad_filter_leaves_the_last_good_one_in_force() {
    let mut app = ready();
    press(&mut app, "/ kafka");
    let good = app.shown.clone();
    press(&mut app, "space x:");
    assert_eq!(
        app.filter_error.as_deref(),
        Some("no column `x`: use ns from to port by is")
    );
    assert_ne!(good, Vec::<usize>::new());
    assert!(!app.shown.is_empty() || app.filter_input.text() == "kafka x:");
}

#[test]
fn the_picker_marks_namespaces() {
    let mut app = ready();
    press(&mut app, "n j space enter");
    assert_eq!(app.view.settings.namespaces, ["stalker"]);
    assert_eq!(app.total(), 7);
    press(&mut app, "n G space enter");
    assert_eq!(app.view.settings.namespaces, ["stalker", "stalker-jobs"]);
    press(&mut app, "a");
    assert_eq!(app.total(), 8);
    press(&mut app, "n j enter");
    assert_eq!(
        app.view.settings.namespaces,
        ["stalker"],
        "without marks, the one under the cursor"
    );
    press(&mut app, "n a");
    assert_eq!((app.mode, app.total()), (Mode::Normal, 8));
    press(&mut app, "n esc n q n n");
    assert_eq!(app.mode, Mode::Normal);
}

#[test]
fn help_opens_scrolls_and_closes() {
    let mut app = app(80, 24, true, false);
    for open in ["?", "F1"] {
        press(&mut app, open);
        assert_eq!(app.mode, Mode::Help);
        press(&mut app, "G");
        let bottom = app.scroll;
        assert!(bottom > 0);
        press(&mut app, "j pgdn");
        assert_eq!(app.scroll, bottom, "never past the end");
        press(&mut app, "g esc");
        assert_eq!((app.mode, app.scroll), (Mode::Normal, 0));
    }
    press(&mut app, "? ?");
    assert_eq!(app.mode, Mode::Normal);
}

#[test]
fn w_explains_the_workload_or_the_probe_in_focus() {
    let mut app = ready();
    press(&mut app, "w");
    assert!(matches!(&app.subject, Subject::Workload(about) if about.lines.len() == 1));
    assert_eq!(app.mode, Mode::Explain);
    press(&mut app, "w");
    assert_eq!(app.mode, Mode::Normal);
    press(&mut app, "space j space");
    assert_eq!(app.focus, Pane::Probe);
    press(&mut app, "enter");
    assert_eq!((app.mode, &app.subject), (Mode::Explain, &Subject::Probe));
    press(&mut app, "r");
    assert!(answered(&app).contains("stalker/cron-service → stalker-jobs/jobs"));
    press(&mut app, "esc esc");
    assert_eq!(app.focus, Pane::Table);
}

#[test]
fn quitting_works_as_it_says() {
    let mut app = ready();
    assert_eq!(press(&mut app, "q"), [Effect::Quit(None)]);
    assert_eq!(
        press(&mut app, "Q"),
        [Effect::Quit(None)],
        "no answer, nothing to print"
    );
    press(&mut app, "space j space");
    let quit = press(&mut app, "Q");
    assert!(
        matches!(&quit[..], [Effect::Quit(Some(text))] if text.starts_with("DENY     stalker-jobs/jobs") && text.contains("nearest mongo"))
    );
    for enter_mode in ["", "p", "esc /", "esc n", "esc ?", "esc w"] {
        press(&mut app, enter_mode);
        assert_eq!(
            press(&mut app, "ctrl-c"),
            [Effect::Quit(None)],
            "after {enter_mode}"
        );
        assert_eq!(
            press(&mut app, "ctrl-z"),
            [Effect::Suspend],
            "after {enter_mode}"
        );
    }
    let mut app = ready();
    press(&mut app, "? q");
    assert_eq!(app.mode, Mode::Normal, "q only closes what lies on top");
}

#[test]
fn zoom_mouse_detail_and_classes_toggle() {
    let mut app = ready();
    press(&mut app, "z");
    assert!(app.panes().unwrap().graph.is_none());
    press(&mut app, "esc");
    assert!(!app.zoomed);
    assert_eq!(press(&mut app, "m"), [Effect::Mouse(true)]);
    assert_eq!(press(&mut app, "m"), [Effect::Mouse(false)]);
    press(&mut app, "c");
    assert_eq!(app.classes, 1);
    press(&mut app, "c c");
    assert_eq!(app.classes, 0);
    press(&mut app, "0 -");
    let less = app.lens.step().unwrap();
    press(&mut app, "+");
    assert!(app.lens.step().unwrap() < less);
    press(&mut app, "0");
    assert_eq!(app.lens.step(), None);
}

#[test]
fn a_live_change_asks_the_probe_again_and_tells() {
    let mut app = ready();
    press(&mut app, "space j space");
    let question = app.answer.as_ref().unwrap().question.clone();
    let effects = update(&mut app, Msg::Snapshot);
    assert!(matches!(&effects[..], [Effect::Compute { .. }]));
    let Effect::Compute {
        generation,
        settings,
    } = &effects[0]
    else {
        unreachable!()
    };
    let view = Arc::new(crate::tui::sample::view(settings));
    let effects = update(
        &mut app,
        Msg::View {
            generation: *generation,
            view,
        },
    );
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Ask {
            generation,
            question,
        } => Some((*generation, question.clone())),
        _ => None,
    });
    let (generation, again) = asked.unwrap();
    assert_eq!(again, question);
    update(
        &mut app,
        Msg::Answer {
            generation,
            answer: Ok(answer(&again, crate::engine::Verdict::Allow)),
        },
    );
    assert_eq!(
        app.message.as_ref().unwrap().0,
        "the probe changed: stalker-jobs/jobs -> stalker/cron-service   DENY -> ALLOW"
    );
    assert_eq!(app.history.len(), 1);
}

#[test]
fn late_results_are_dropped() {
    let mut app = ready();
    let first = update(&mut app, Msg::Snapshot);
    let second = update(&mut app, key('e'));
    settle(&mut app, second);
    assert_eq!(app.view.environment.as_deref(), Some("prod"));
    settle(&mut app, first);
    assert_eq!(
        app.view.environment.as_deref(),
        Some("prod"),
        "an older view must not replace a newer one"
    );
}

#[test]
fn pasting_goes_into_lines_only() {
    let mut app = ready();
    update(&mut app, Msg::Paste("q".to_owned()));
    assert_eq!(app.mode, Mode::Normal);
    press(&mut app, "p");
    let long = "x\n\u{1b}[2J".repeat(2000);
    let effects = update(&mut app, Msg::Paste(long));
    settle(&mut app, effects);
    assert_eq!(app.mode, Mode::Probe);
    assert!(!app.probe_input.text().contains(['\n', '\u{1b}']));
    assert!(
        screen(&app)
            .lines()
            .all(|line| crate::text::width(line) <= 120)
    );
}

#[test]
fn the_mouse_selects_opens_and_scrolls() {
    let mut app = ready();
    update(&mut app, Msg::Click(Hit::Line(3)));
    assert_eq!(selected(&app), "kafka");
    let effects = update(&mut app, Msg::Click(Hit::Line(3)));
    settle(&mut app, effects);
    assert!(app.narrowed(), "a click on the selected row opens it");
    press(&mut app, "esc");
    update(
        &mut app,
        Msg::Wheel {
            pane: Pane::Table,
            down: true,
        },
    );
    assert_eq!(selected(&app), "mongo");
    update(
        &mut app,
        Msg::Wheel {
            pane: Pane::Table,
            down: false,
        },
    );
    assert_eq!(selected(&app), "kafka");
    update(&mut app, Msg::Click(Hit::Node("internet".to_owned())));
    assert_eq!((app.focus, selected(&app)), (Pane::Graph, "internet"));
    press(&mut app, "enter");
    assert!(!app.narrowed());
    update(&mut app, Msg::Click(Hit::Tab(Tab::Drift)));
    assert_eq!(app.tab, Tab::Drift);
    update(&mut app, Msg::Click(Hit::Pane(Pane::Table)));
    press(&mut app, "p");
    update(&mut app, Msg::Click(Hit::Tab(Tab::Flows)));
    assert_eq!(
        app.tab,
        Tab::Drift,
        "clicks do nothing behind a line being typed"
    );
}

#[test]
fn every_key_in_every_mode_leaves_a_screen_that_can_be_drawn() {
    let names = "h j k l g G pgdn pgup tab backtab 1 2 enter esc / ? F1 n a p space r [ ] w e + - 0 c z m q Q x : up down 9";
    for enter_mode in ["", "p", "/", "n", "?", "w", "2", "j enter", "space j space"] {
        for name in names.split(' ') {
            for (width, height) in [(80, 24), (30, 8), (200, 50)] {
                let mut app = app(width, height, true, false);
                press(&mut app, enter_mode);
                press(&mut app, name);
                press(&mut app, name);
                assert!(!screen(&app).is_empty(), "{enter_mode} then {name}");
            }
        }
    }
}

#[test]
fn nothing_breaks_before_anything_was_read() {
    let names = "h j k l g G pgdn pgup tab 1 2 enter esc / esc ? esc n enter a p enter space r [ ] w esc e + - 0 c z";
    let mut app = App::new(Start {
        theme: Theme {
            color: true,
            ascii: false,
        },
        size: (80, 24),
        mouse: true,
        title: "prod".to_owned(),
        place: crate::tui::view::Place::default(),
        reconnects: true,
        settings: Settings::default(),
    });
    for name in names.split(' ') {
        // Effects are dropped: the workers have not answered.
        let code = match name {
            "enter" => crossterm::event::KeyCode::Enter,
            "esc" => crossterm::event::KeyCode::Esc,
            "tab" => crossterm::event::KeyCode::Tab,
            "pgdn" => crossterm::event::KeyCode::PageDown,
            "pgup" => crossterm::event::KeyCode::PageUp,
            "space" => crossterm::event::KeyCode::Char(' '),
            one => crossterm::event::KeyCode::Char(one.chars().next().unwrap()),
        };
        update(
            &mut app,
            Msg::Key(KeyEvent::new(code, crossterm::event::KeyModifiers::NONE)),
        );
        assert!(screen(&app).contains("netseg"), "{name}");
    }
}

#[test]
fn a_completion_asked_for_too_early_waits_for_its_reading() {
    let mut app = ready();
    let mut effects = update(&mut app, key('p'));
    for c in ['m', 'o', '\t', '8', '0'] {
        let code = if c == '\t' {
            crossterm::event::KeyCode::Tab
        } else {
            crossterm::event::KeyCode::Char(c)
        };
        effects.extend(update(&mut app, Msg::Key(KeyEvent::from(code))));
    }
    assert!(app.probe_input.text().ends_with(" mo"));
    settle(&mut app, effects);
    assert!(
        app.probe_input.text().ends_with("stalker/mongo 80"),
        "{}",
        app.probe_input.text()
    );
}

#[test]
fn what_was_just_asked_has_the_keys_until_the_selection_moves() {
    let mut app = ready();
    press(&mut app, "p mo tab 27017 enter");
    assert_eq!(app.focus, Pane::Probe);
    press(&mut app, "w");
    assert_eq!((app.mode, &app.subject), (Mode::Explain, &Subject::Probe));
    press(&mut app, "esc j");
    assert_eq!((app.focus, selected(&app)), (Pane::Table, "cron-service"));
    press(&mut app, "2 p mo tab enter");
    assert_eq!(app.mode, Mode::Explain, "the Drift tab has no panel for it");
}
