//! The terminal UI: what `netseg-tui` shows without a command.
//!
//! This file is the only one of the module with I/O: terminal, signals, the event loop and the workers. State changes in
//! `app::update`, drawing is `draw::draw`, both pure. Nothing is drawn unless something changed, so an idle screen writes no
//! bytes; and the terminal is asked nothing, so one that never answers cannot hold us up.

mod app;
mod beside;
mod draw;
mod drift;
mod explain;
mod filter;
mod filter_line;
mod graph;
pub mod ground;
mod header;
mod headless;
mod help;
mod input;
pub mod keys;
mod layout;
mod pen;
mod picker;
mod probe;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod screens;
mod table;
mod terminal;
mod theme;
mod trouble;
pub mod view;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event, EventStream, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use futures_util::StreamExt;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::graph::Graph;
use crate::source::Snapshot;

use app::{App, Effect, Msg, Start};
use draw::Hits;
use ground::{Ground, Judge};
pub use headless::Headless;
use terminal::{Screen, Terminal};
use theme::Theme;
use view::{About, Answer, Draft, Picture, Place, Question, Settings, Sides, Tally, View};

/// The shortest time between two frames.
const FRAME: Duration = Duration::from_millis(16);

/// What the screen is to show, and how.
#[derive(Clone)]
pub struct Options {
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// What the cluster is compared with, and the profile to reason with.
    pub judge: Judge,
    pub settings: Settings,
    pub color: bool,
    pub ascii: bool,
    pub mouse: bool,
    /// What the source is called until the first snapshot says so.
    pub title: String,
    pub place: Place,
    /// Tries to reach it again at once; `None` when there is nothing to reach.
    pub reconnect: Option<Arc<dyn Fn() + Send + Sync>>,
}

/// Why there is no screen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("standard input and output are not a terminal")]
    NotATerminal,
    #[error("the terminal cannot be used")]
    Terminal(#[source] io::Error),
    #[error("cannot start the workers")]
    Runtime(#[source] io::Error),
}

/// Shows the screen until the user quits; returns what is to be printed then, if anything.
///
/// Starts a runtime of its own, so it must not be called from asynchronous code: [`show`] is for that.
pub fn run(options: Options) -> Result<Option<String>, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    let shown = runtime.block_on(show(options));
    // A worker that still computes must not keep the user waiting.
    runtime.shutdown_background();
    shown
}

/// Like [`run`], on the runtime of the caller, which needs two workers or more.
pub async fn show(options: Options) -> Result<Option<String>, Error> {
    if !terminal::is_terminal() {
        return Err(Error::NotATerminal);
    }
    let terminal = Terminal::enter(options.mouse).map_err(Error::Terminal)?;
    let ended = follow(options).await;
    terminal.leave();
    ended.map_err(Error::Terminal)
}

/// What the last event means for the loop.
enum Next {
    Go,
    End(Option<String>),
}

async fn follow(options: Options) -> io::Result<Option<String>> {
    let (to_app, mut messages) = mpsc::unbounded_channel();
    let mut snapshots = options.snapshots.clone();
    let size = crossterm::terminal::size()?;
    let mut app = App::new(Start {
        theme: Theme {
            color: options.color,
            ascii: options.ascii,
        },
        size,
        mouse: options.mouse,
        title: options.title.clone(),
        place: options.place.clone(),
        reconnects: options.reconnect.is_some(),
        settings: options.settings.clone(),
    });
    let mut workers = Workers::new(&options, to_app);
    let mut screen = Screen::new(size);
    let mut events = EventStream::new();
    let mut resizes = terminal::Resizes::new()?;
    let mut hits = screen.draw(&app)?;
    let mut last_frame = Instant::now();
    let mut dirty = false;
    let mut source_open = true;
    let first = app::update(&mut app, Msg::Snapshot);
    perform(first, &mut workers, &mut screen)?;
    loop {
        let due = last_frame + FRAME;
        let msg = tokio::select! {
            event = events.next() => match event {
                Some(event) => translate(&event?, &hits),
                // The terminal is gone.
                None => return Ok(None),
            },
            message = messages.recv() => message,
            () = resizes.next() => {
                let (width, height) = crossterm::terminal::size()?;
                Some(Msg::Resize(width, height))
            }
            changed = snapshots.changed(), if source_open => {
                source_open = changed.is_ok();
                source_open.then_some(Msg::Snapshot)
            }
            () = tokio::time::sleep_until(due), if dirty => {
                hits = screen.draw(&app)?;
                last_frame = Instant::now();
                dirty = false;
                None
            }
        };
        let Some(msg) = msg else { continue };
        if matches!(msg, Msg::Snapshot) {
            snapshots.borrow_and_update();
        }
        workers.finished(&msg);
        let effects = app::update(&mut app, msg);
        dirty = true;
        if let Next::End(words) = perform(effects, &mut workers, &mut screen)? {
            return Ok(words);
        }
    }
}

fn perform(effects: Vec<Effect>, workers: &mut Workers, screen: &mut Screen) -> io::Result<Next> {
    for effect in effects {
        match effect {
            Effect::Quit(words) => return Ok(Next::End(words)),
            Effect::Mouse(on) => Terminal::mouse(on)?,
            Effect::Reconnect => workers.reconnect(),
            Effect::Suspend => {
                if Terminal::suspend()? {
                    screen.forget();
                }
            }
            other => workers.start(other),
        }
    }
    Ok(Next::Go)
}

/// Makes a message of an event; `None` when it means nothing to us.
fn translate(event: &Event, hits: &Hits) -> Option<Msg> {
    match event {
        Event::Key(key) if app::is_press(key) => Some(Msg::Key(*key)),
        Event::Paste(text) => Some(Msg::Paste(text.clone())),
        Event::Resize(width, height) => Some(Msg::Resize(*width, *height)),
        Event::Mouse(mouse) => on_mouse(*mouse, hits),
        _ => None,
    }
}

fn on_mouse(mouse: MouseEvent, hits: &Hits) -> Option<Msg> {
    match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => hits.at(mouse.column, mouse.row).map(Msg::Click),
        MouseEventKind::ScrollLeft | MouseEventKind::ScrollRight => Some(Msg::Aside {
            pane: hits.pane(mouse.column, mouse.row)?,
            right: mouse.kind == MouseEventKind::ScrollRight,
        }),
        MouseEventKind::ScrollDown | MouseEventKind::ScrollUp => {
            let pane = hits.pane(mouse.column, mouse.row)?;
            let down = mouse.kind == MouseEventKind::ScrollDown;
            // Where there is one wheel only, shift turns it.
            Some(if mouse.modifiers.contains(KeyModifiers::SHIFT) {
                Msg::Aside { pane, right: down }
            } else {
                Msg::Wheel { pane, down }
            })
        }
        _ => None,
    }
}

/// Runs what takes time, away from the screen. Of one kind only the latest request waits.
struct Workers {
    to_app: mpsc::UnboundedSender<Msg>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    ground: Arc<Ground>,
    reconnect: Option<Arc<dyn Fn() + Send + Sync>>,
    /// Views; the other environments; the environments side by side.
    lanes: [Lane; 3],
}

/// Requests of one kind, one after the other.
#[derive(Default)]
struct Lane {
    busy: bool,
    waiting: Option<Effect>,
}

/// The lane of an effect.
fn lane(effect: &Effect) -> Option<usize> {
    match effect {
        Effect::Compute { .. } => Some(0),
        Effect::Judge { .. } => Some(1),
        Effect::Compare { .. } => Some(2),
        _ => None,
    }
}

impl Workers {
    fn new(options: &Options, to_app: mpsc::UnboundedSender<Msg>) -> Self {
        Self {
            to_app,
            snapshots: options.snapshots.clone(),
            ground: Arc::new(Ground::new(options.judge.clone())),
            reconnect: options.reconnect.clone(),
            lanes: Default::default(),
        }
    }

    fn reconnect(&self) {
        if let Some(reconnect) = &self.reconnect {
            reconnect();
        }
    }

    /// Starts what waited for the answer that just came.
    fn finished(&mut self, msg: &Msg) {
        let lane = match msg {
            Msg::View { .. } => &mut self.lanes[0],
            Msg::Tallies { .. } => &mut self.lanes[1],
            Msg::Sides { .. } => &mut self.lanes[2],
            _ => return,
        };
        lane.busy = false;
        if let Some(next) = lane.waiting.take() {
            self.start(next);
        }
    }

    fn start(&mut self, effect: Effect) {
        if let Some(lane) = lane(&effect).map(|lane| &mut self.lanes[lane]) {
            if lane.busy {
                lane.waiting = Some(effect);
                return;
            }
            lane.busy = true;
        }
        let ground = Arc::clone(&self.ground);
        let snapshot = Arc::clone(&self.snapshots.borrow());
        let to_app = self.to_app.clone();
        tokio::task::spawn_blocking(move || {
            if let Ok(msg) = work(&(&*ground, &*snapshot), effect) {
                // The loop has ended when nobody listens.
                let _ = to_app.send(msg);
            }
        });
    }
}

/// Where answers come from: a cluster as it was read, and in tests one made by hand.
trait Answers {
    fn view(&self, settings: &Settings) -> View;
    fn read(&self, line: &str, cursor: usize) -> Draft;
    /// The error says why it cannot be asked.
    fn ask(&self, question: &Question) -> Result<Answer, String>;
    /// `None` when there is no such workload.
    fn about(&self, workload: &str) -> Option<About>;
    /// By every environment, and what their graphs have together.
    fn judge(&self) -> (Vec<Tally>, Option<Arc<Graph>>);
    fn compare(&self) -> Arc<Sides>;
}

impl Answers for (&Ground, &Snapshot) {
    fn view(&self, settings: &Settings) -> View {
        self.0.view(self.1, settings)
    }

    fn read(&self, line: &str, cursor: usize) -> Draft {
        self.0.read(line, cursor)
    }

    fn ask(&self, question: &Question) -> Result<Answer, String> {
        self.0.ask(question)
    }

    fn about(&self, workload: &str) -> Option<About> {
        self.0.about(workload)
    }

    fn judge(&self) -> (Vec<Tally>, Option<Arc<Graph>>) {
        self.0.judge()
    }

    fn compare(&self) -> Arc<Sides> {
        self.0.compare()
    }
}

/// Works an effect out; those that only a terminal can perform come back.
fn work(answers: &impl Answers, effect: Effect) -> Result<Msg, Box<Effect>> {
    Ok(match effect {
        Effect::Compute {
            generation,
            settings,
        } => Msg::View {
            generation,
            view: Arc::new(answers.view(&settings)),
        },
        Effect::Layout {
            generation,
            graph,
            all,
            show,
            options,
            before,
        } => {
            let all = all.as_deref();
            let before = before.as_ref().map(|picture| &picture.drawn.scene);
            let drawn = crate::graph::view::picture(&graph, all, &show, &options, before);
            let tangled = drawn.scene.is_tangled();
            Msg::Picture {
                generation,
                picture: Arc::new(Picture {
                    of: graph,
                    asked: show,
                    options,
                    drawn,
                    tangled,
                }),
            }
        }
        Effect::Read {
            generation,
            line,
            cursor,
        } => Msg::Draft {
            generation,
            draft: answers.read(&line, cursor),
        },
        Effect::Ask {
            generation,
            question,
        } => Msg::Answer {
            generation,
            answer: answers.ask(&question),
        },
        Effect::AskLine { generation, line } => Msg::Answer {
            generation,
            answer: ground::parse_line(&line).and_then(|question| answers.ask(&question)),
        },
        Effect::Tell {
            generation,
            workload,
        } => Msg::About {
            generation,
            about: answers.about(&workload),
        },
        Effect::Judge { generation } => {
            let (tallies, all) = answers.judge();
            Msg::Tallies {
                generation,
                tallies,
                all,
            }
        }
        Effect::Compare { generation } => Msg::Sides {
            generation,
            sides: answers.compare(),
        },
        Effect::Mouse(_) | Effect::Suspend | Effect::Reconnect | Effect::Quit(_) => {
            return Err(Box::new(effect));
        }
    })
}
