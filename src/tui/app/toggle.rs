//! Going from one environment to the next, over the demos: everything is judged anew, and nothing moves.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::expect;
use crate::source::{Link, Snapshot, demo};
use crate::tui::app::*;
use crate::tui::ground::{Ground, Judge};
use crate::tui::sample::{screen, start};
use crate::tui::work;

pub(super) struct Demo {
    ground: Ground,
    snapshot: Snapshot,
    pub(super) app: App,
}

pub(super) fn demo_screen(name: &str, size: (u16, u16), namespaces: &[&str]) -> Demo {
    let loaded = demo::load(name).unwrap();
    let expectations = expect::read(&loaded.expectations_name, loaded.expectations_text).unwrap();
    let ground = Ground::new(Judge {
        offline: true,
        profile: None,
        expectations: Some(expectations),
        today: jiff::civil::date(2026, 1, 1),
    });
    let snapshot = Snapshot {
        revision: 1,
        cluster: Arc::new(loaded.cluster),
        diagnostics: Arc::default(),
        origin: format!("demo {name}").into(),
        link: Link::Fixed,
    };
    let mut begin = start(size, true, false);
    begin.settings.namespaces = namespaces.iter().map(|name| (*name).to_owned()).collect();
    let mut demo = Demo {
        ground,
        snapshot,
        app: App::new(begin),
    };
    let effects = update(&mut demo.app, Msg::Snapshot);
    demo.settle(effects);
    demo
}

impl Demo {
    /// Does what workers do, in the order asked; counts the layouts.
    pub(super) fn settle(&mut self, effects: Vec<Effect>) -> usize {
        let mut layouts = 0;
        let mut waiting: std::collections::VecDeque<Effect> = effects.into();
        while let Some(effect) = waiting.pop_front() {
            layouts += usize::from(matches!(effect, Effect::Layout { .. }));
            if let Ok(msg) = work(&(&self.ground, &self.snapshot), effect) {
                waiting.extend(update(&mut self.app, msg));
            }
        }
        layouts
    }

    pub(super) fn press(&mut self, keys: &str) -> usize {
        use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
        let named = |key: &str| match key {
            "enter" => KeyCode::Enter,
            "esc" => KeyCode::Esc,
            "left" => KeyCode::Left,
            "down" => KeyCode::Down,
            "up" => KeyCode::Up,
            "right" => KeyCode::Right,
            "tab" => KeyCode::Tab,
            "backtab" => KeyCode::BackTab,
            "space" => KeyCode::Char(' '),
            one => KeyCode::Char(one.chars().next().unwrap()),
        };
        let keys = keys.split(' ').map(|key| match key.strip_prefix("shift-") {
            Some(key) => (named(key), KeyModifiers::SHIFT),
            None => (named(key), KeyModifiers::NONE),
        });
        let mut layouts = 0;
        for (key, modifiers) in keys.collect::<Vec<_>>() {
            let effects = update(&mut self.app, Msg::Key(KeyEvent::new(key, modifiers)));
            layouts += self.settle(effects);
        }
        layouts
    }

    pub(super) fn places(&self) -> BTreeMap<String, crate::graph::Rect> {
        let picture = self.app.picture.as_ref().unwrap();
        let boxes = picture.drawn.scene.boxes().iter();
        boxes.map(|drawn| (drawn.id.clone(), drawn.rect)).collect()
    }
}

#[test]
fn nothing_moves_from_one_environment_to_the_next_and_back() {
    for name in demo::names() {
        for size in [(118, 24), (120, 40), (160, 45), (200, 50)] {
            let mut demo = demo_screen(name, size, &[]);
            let count = demo.app.view.environments.len();
            if count < 2 {
                continue;
            }
            let (first, before) = (screen(&demo.app), demo.app.picture.clone().unwrap());
            let places = demo.places();
            for _ in 1..count {
                demo.press("e");
                for (id, rect) in demo.places() {
                    let known = places.get(&id).unwrap_or(&rect);
                    let at = |rect: crate::graph::Rect| (rect.x, rect.y, rect.width);
                    assert_eq!(at(*known), at(rect), "{name} {size:?} {id}");
                }
            }
            let now = demo.app.picture.clone().unwrap();
            let size_of = |picture: &crate::tui::view::Picture| {
                (picture.drawn.scene.width(), picture.drawn.scene.height())
            };
            assert_eq!(size_of(&now), size_of(&before), "{name} {size:?}");
            assert_ne!(screen(&demo.app), first, "{name}: judged anew");
            let layouts = demo.press("e");
            assert_eq!(layouts, 0, "{name}: back to the picture there was");
            let after = demo.app.picture.clone().unwrap();
            assert!(Arc::ptr_eq(&before, &after), "{name} {size:?}");
            // All environments have been judged by now, which only the header of the first screen could not know.
            let second = screen(&demo.app);
            assert_eq!(first, second, "{name} {size:?}");
        }
    }
}

#[test]
fn a_picture_of_another_size_is_not_taken_for_the_old_one() {
    let mut demo = demo_screen("stalker", (120, 40), &[]);
    demo.press("e");
    let effects = update(&mut demo.app, Msg::Resize(200, 50));
    assert_eq!(demo.settle(effects), 1);
    assert_eq!(demo.press("e"), 1, "the first environment at the new size");
    assert_eq!(demo.press("e"), 0);
}

#[test]
fn the_header_says_which_environment_holds_best() {
    let header = |demo: &Demo| screen(&demo.app).lines().next().unwrap().to_owned();
    let mut demo = demo_screen("stalker", (120, 40), &["stalker", "stalker-jobs"]);
    assert!(
        header(&demo).contains("ENV dev  ▲2 ▼4 ·4  holds best | prod ▲4 ▼4 ·4"),
        "{}",
        header(&demo)
    );
    demo.press("e");
    assert!(
        header(&demo).contains("ENV prod  ▲4 ▼4 ·4  | dev ▲2 ▼4 ·4 holds best"),
        "{}",
        header(&demo)
    );
    let mut narrow = demo_screen("stalker", (80, 24), &["stalker", "stalker-jobs"]);
    let text = header(&narrow);
    assert!(
        text.contains("ENV dev  ▲2 ▼4 ·4  ○ static  enforced"),
        "{text}"
    );
    narrow.press("e");
    let text = header(&narrow);
    assert!(text.contains("ENV prod  ▲4 ▼4 ·4  dev better"), "{text}");
}

/// The list of mongo, of what differs, and of everything, as the sizes show it.
#[test]
fn environments_side_by_side() {
    for size in [(80, 24), (120, 40), (200, 50)] {
        let mut demo = demo_screen("stalker", size, &["stalker", "stalker-jobs"]);
        let (width, height) = size;
        demo.press("j j j E G");
        insta::assert_snapshot!(format!("beside_mongo_{width}x{height}"), screen(&demo.app));
        demo.press("E");
        insta::assert_snapshot!(
            format!("beside_differing_{width}x{height}"),
            screen(&demo.app)
        );
        demo.press("!");
        insta::assert_snapshot!(format!("beside_all_{width}x{height}"), screen(&demo.app));
    }
    let mut demo = demo_screen("stalker", (80, 24), &["stalker", "stalker-jobs"]);
    demo.app.theme.ascii = true;
    demo.press("E E !");
    assert!(screen(&demo.app).is_ascii(), "{}", screen(&demo.app));
    insta::assert_snapshot!("beside_ascii_80x24", screen(&demo.app));
}

/// More environments than there is room for: a window, which begins with the one in force in it.
#[test]
fn environments_without_room_are_scrolled_to() {
    let demo = demo::load("stalker").unwrap();
    let more = "
  staging: {extends: dev}
  preview: {extends: prod}
  audit-of-the-year: {extends: prod}";
    let text = format!("{}{more}\n", demo.expectations_text);
    let mut shown = demo_screen("stalker", (80, 24), &["stalker", "stalker-jobs"]);
    shown.ground = Ground::new(Judge {
        offline: true,
        profile: None,
        expectations: Some(expect::read("more.yaml", &text).unwrap()),
        today: jiff::civil::date(2026, 1, 1),
    });
    let effects = update(&mut shown.app, Msg::Snapshot);
    shown.settle(effects);
    shown.press("j j j E");
    let text = screen(&shown.app);
    assert!(text.contains("1-2 of 5 (h l)"), "{text}");
    let heads = |text: &str| text.lines().nth(3).unwrap().to_owned();
    assert!(
        heads(&text).contains("[dev]         prod        … CLUSTER"),
        "{text}"
    );
    shown.press("right right right right right");
    let text = screen(&shown.app);
    assert!(text.contains("4-5 of 5 (h l)"), "{text}");
    assert!(
        heads(&text).contains("… preview       audit-of-th…"),
        "{text}"
    );
    insta::assert_snapshot!("beside_many_80x24", text);
}
