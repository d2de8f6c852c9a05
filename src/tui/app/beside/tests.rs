use crate::tui::app::*;
use crate::tui::sample::{answered, app, press, screen, settle, start, view};
use crate::tui::view::Settings;

fn ready() -> App {
    app(120, 40, true, false)
}

fn selected(app: &App) -> &str {
    app.selected_key()
        .and_then(|key| key.rsplit('/').next())
        .unwrap_or("")
}

fn beside(app: &App) -> Vec<String> {
    let sides = app.beside.sides.as_ref().unwrap();
    let lines = app.shown.iter().map(|index| &sides.lines[*index]);
    lines
        .map(|line| format!("{} {}", line.from, line.to))
        .collect()
}

#[test]
fn environments_stand_side_by_side_for_the_selection_and_for_all() {
    let mut app = ready();
    press(&mut app, "G k k");
    assert_eq!(selected(&app), "orchestrator");
    press(&mut app, "k E");
    assert_eq!(app.tab, Tab::Environments);
    assert_eq!(
        beside(&app),
        ["cron-service mongo", "flow-manager mongo", "external mongo"],
        "all of mongo"
    );
    press(&mut app, "!");
    assert_eq!(beside(&app), ["external mongo"], "what differs");
    press(&mut app, "E");
    assert_eq!(beside(&app), ["ui dns", "external mongo"]);
    press(&mut app, "!");
    assert_eq!(beside(&app).len(), 5);
    press(&mut app, "E");
    assert_eq!(beside(&app).len(), 3, "back to the workload");
    press(&mut app, "esc");
    assert_eq!((app.tab, selected(&app)), (Tab::Flows, "mongo"));
}

#[test]
fn the_line_under_the_cursor_stays_when_more_is_shown() {
    let mut app = ready();
    press(&mut app, "E E j");
    assert_eq!(app.side_line().unwrap().from, "external");
    press(&mut app, "!");
    assert_eq!(app.side_line().unwrap().from, "external");
    press(&mut app, "k");
    assert_eq!(app.side_line().unwrap().from, "any");
}

#[test]
fn a_line_side_by_side_is_explained_filtered_and_probed() {
    let mut app = ready();
    press(&mut app, "E E ! / is:broken enter");
    assert_eq!(beside(&app), ["cron-service mongo"]);
    press(&mut app, "enter");
    assert_eq!((app.mode, &app.subject), (Mode::Explain, &Subject::Probe));
    assert!(answered(&app).contains("stalker/cron-service → stalker/mongo 27017/tcp"));
    press(&mut app, "esc p");
    assert_eq!(
        app.probe_input.text(),
        "stalker/cron-service stalker/mongo "
    );
    press(&mut app, "esc");
    assert_eq!(app.tab, Tab::Environments);
    press(&mut app, "/ esc / is:must-not enter");
    assert_eq!(beside(&app), ["external mongo"]);
}

#[test]
fn from_a_finding_its_own_line_is_selected() {
    let mut app = ready();
    press(&mut app, "2 E");
    assert_eq!(app.beside.of.as_deref(), Some("stalker/deployment/mongo"));
    assert_eq!(app.side_line().unwrap().from, "cron-service");
    press(&mut app, "esc");
    assert_eq!(app.tab, Tab::Drift);
}

#[test]
fn the_others_are_judged_after_the_one_in_force_is_shown() {
    let mut app = App::new(start((120, 40), true, false));
    let effects = update(&mut app, Msg::Snapshot);
    let is_judge = |effect: &Effect| matches!(effect, Effect::Judge { .. });
    assert!(!effects.iter().any(is_judge));
    let view = std::sync::Arc::new(view(&Settings::default()));
    let effects = update(
        &mut app,
        Msg::View {
            generation: 1,
            view,
        },
    );
    assert!(app.tallies.is_empty());
    assert!(effects.iter().any(is_judge), "{effects:?}");
    settle(&mut app, effects);
    let known: Vec<(&str, [usize; 4])> = app
        .tallies
        .iter()
        .map(|tally| (tally.environment.as_str(), tally.counts))
        .collect();
    assert_eq!(known, [("dev", [1, 1, 0, 0]), ("prod", [0, 1, 0, 0])]);
}

#[test]
fn with_one_environment_there_is_nothing_to_compare() {
    let mut app = ready();
    let with = |names: &[&str]| {
        let mut view = view(&Settings::default());
        view.environments = names.iter().map(|name| (*name).to_owned()).collect();
        if names.is_empty() {
            view.environment = None;
        }
        std::sync::Arc::new(view)
    };
    app.view = with(&["dev"]);
    assert!(press(&mut app, "E").is_empty());
    assert!(screen(&app).contains("only one environment: nothing to compare"));
    press(&mut app, "esc");
    app.view = with(&[]);
    press(&mut app, "E");
    assert_eq!(app.tab, Tab::Flows);
    assert!(screen(&app).contains("no expectations loaded"));
}
