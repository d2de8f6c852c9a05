//! A screen without a terminal, for measuring what a key and a frame cost.

use std::collections::VecDeque;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::app::{App, Effect, Msg, Start, update};
use super::ground::{Ground, Judge};
use super::theme::Theme;
use super::view::{Place, Settings};
use super::work;
use crate::source::Snapshot;

/// The screen of a snapshot, with workers that answer at once.
pub struct Headless {
    ground: Ground,
    snapshot: Snapshot,
    app: App,
}

impl Headless {
    /// Reads the snapshot and lays out the first picture.
    pub fn new(judge: Judge, snapshot: Snapshot, size: (u16, u16)) -> Self {
        let app = App::new(Start {
            theme: Theme {
                color: true,
                ascii: false,
            },
            size,
            mouse: false,
            title: snapshot.origin.to_string(),
            place: Place::default(),
            reconnects: false,
            settings: Settings::default(),
        });
        let mut screen = Self {
            ground: Ground::new(judge),
            snapshot,
            app,
        };
        let effects = update(&mut screen.app, Msg::Snapshot);
        screen.settle(effects);
        screen
    }

    /// Presses a key and waits for what it asks for; returns how many pictures were laid out.
    pub fn press(&mut self, key: KeyEvent) -> usize {
        let effects = update(&mut self.app, Msg::Key(key));
        self.settle(effects)
    }

    /// Draws one frame into an empty buffer.
    pub fn frame(&self) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.app.width, self.app.height));
        super::draw::draw(&self.app, &mut buffer);
        buffer
    }

    fn settle(&mut self, effects: Vec<Effect>) -> usize {
        let mut layouts = 0;
        let mut waiting: VecDeque<Effect> = effects.into();
        while let Some(effect) = waiting.pop_front() {
            layouts += usize::from(matches!(effect, Effect::Layout { .. }));
            if let Ok(msg) = work(&(&self.ground, &self.snapshot), effect) {
                waiting.extend(update(&mut self.app, msg));
            }
        }
        layouts
    }
}
