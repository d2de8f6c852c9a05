//! Runs the feeds, keeps the store, and publishes.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, sleep_until};

use crate::model::Resource;
use crate::source::Snapshot;

use super::apis;
use super::connect::{self, Connection};
use super::follow::{self, Event, Feed, Pace};
use super::heartbeat::{self, Beat};
use super::kubeconfig::Environment;
use super::progress::Readiness;
use super::scope::{self, WATCHED_PARTS};
use super::session::Session;
use super::store::Store;
use super::{LiveOptions, Pulse};

/// Events that may wait to be taken in; feeds wait when there are more.
const QUEUE: usize = 64;
/// Of the time, at most one part in this many goes into making snapshots while things change without pause.
const MAKING_SHARE: u32 = 4;
/// How often to look whether the machine slept.
const SLEEP_CHECK: Duration = Duration::from_secs(5);
/// A clock on the wall that ran ahead of ours by this much: the machine slept, and every connection is dead.
const SLEPT: Duration = Duration::from_secs(10);
/// Feeds that list again and again together ask at most this often per second.
const POLLS_PER_SECOND: u32 = 5;

/// A task that ends when this is dropped.
pub(super) struct Running(AbortHandle);

impl Running {
    pub(super) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(task).abort_handle())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Where the supervisor's results come out.
pub(super) struct Outlets {
    pub(super) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(super) pulse: watch::Receiver<Pulse>,
    pub(super) readiness: watch::Receiver<Readiness>,
}

pub(super) struct Supervisor {
    environment: Environment,
    options: LiveOptions,
    pace: Arc<Pace>,
    session: Arc<Session>,
    store: Store,
    tasks: BTreeMap<Feed, Running>,
    told: mpsc::Sender<(Feed, Event)>,
    heard: mpsc::Receiver<(Feed, Event)>,
    wishes: mpsc::Receiver<()>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    pulse: watch::Sender<Pulse>,
    readiness: watch::Sender<Readiness>,
    /// Whether the heartbeat stopped and the feeds were told.
    is_silent: bool,
    /// Whether it was asked which policy APIs there are: no answer is given before.
    knows_apis: bool,
    /// The task that connects anew; a further one replaces it.
    connecting: Option<Running>,
}

impl Supervisor {
    pub(super) fn new(
        environment: Environment,
        options: LiveOptions,
        session: Arc<Session>,
        wishes: mpsc::Receiver<()>,
    ) -> (Self, Outlets) {
        let connection = session.connection();
        let mut store = Store::new(&connection.label, &connection.notes);
        for resource in scope::ORDER {
            store.add_feed(scope::whole(resource));
        }
        let first = store
            .snapshot()
            .expect("the first snapshot differs from none");
        let (snapshots, snapshots_out) = watch::channel(first);
        let (told, heard) = mpsc::channel(QUEUE);
        let (pulse, pulse_out) = watch::channel(Pulse::default());
        let (readiness, readiness_out) = watch::channel(Readiness::Waiting);
        let supervisor = Self {
            pace: Arc::new(options.pace.clone()),
            environment,
            options,
            session,
            store,
            tasks: BTreeMap::new(),
            told,
            heard,
            wishes,
            snapshots,
            pulse,
            readiness,
            is_silent: false,
            knows_apis: false,
            connecting: None,
        };
        let outlets = Outlets {
            snapshots: snapshots_out,
            pulse: pulse_out,
            readiness: readiness_out,
        };
        (supervisor, outlets)
    }

    /// Runs until dropped.
    pub(super) async fn run(mut self) {
        for resource in scope::ORDER {
            self.spawn(scope::whole(resource), false, &Arc::clone(&self.pace));
        }
        let mut due: Option<tokio::time::Instant> = None;
        let mut earliest = tokio::time::Instant::now();
        let mut clock = tokio::time::interval(SLEEP_CHECK);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (beats_in, mut beats) = mpsc::channel(1);
        let _heartbeat = Running::spawn(heartbeat::beat(
            Arc::clone(&self.session),
            self.pace.heartbeat,
            beats_in,
        ));
        let (apis_in, mut apis) = mpsc::channel(1);
        let _apis = Running::spawn(apis::ask(Arc::clone(&self.session), apis_in));
        let mut clocks = (Instant::now(), SystemTime::now());
        loop {
            tokio::select! {
                Some(first) = self.heard.recv() => {
                    let is_settled = self.take_in(first);
                    // Whoever waits for the first load gets it without a pause.
                    let at = if is_settled { tokio::time::Instant::now() } else { earliest };
                    due = Some(due.map_or(at, |due| due.min(at)));
                }
                () = sleep_until(due.unwrap_or(earliest)), if due.is_some() => {
                    let start = Instant::now();
                    self.publish();
                    due = None;
                    let gap = self.pace.publish.max(start.elapsed() * MAKING_SHARE);
                    earliest = tokio::time::Instant::now() + gap;
                }
                Some(()) = self.wishes.recv() => self.reconnect(),
                Some(beat) = beats.recv() => {
                    self.take_beat(&beat);
                    due.get_or_insert(earliest);
                }
                Some(said) = apis.recv() => {
                    self.knows_apis = true;
                    self.store.say_of_other_apis(said);
                    due = Some(tokio::time::Instant::now());
                }
                _ = clock.tick() => {
                    let awake = clocks.0.elapsed();
                    let passed = clocks.1.elapsed().unwrap_or_default();
                    clocks = (Instant::now(), SystemTime::now());
                    if passed > awake + SLEPT {
                        self.reconnect();
                    }
                }
            }
        }
    }

    /// Takes in an event and those that wait behind it. True when that settled the first load.
    fn take_in(&mut self, first: (Feed, Event)) -> bool {
        let mut batch = vec![first];
        while batch.len() < QUEUE
            && let Ok(next) = self.heard.try_recv()
        {
            batch.push(next);
        }
        let now = Timestamp::now();
        let (mut was_heard, mut objects, mut may_change_scope) = (false, 0, false);
        for (feed, event) in batch {
            was_heard |= !matches!(event, Event::Begin | Event::Down(_));
            objects += match &event {
                Event::Page { objects, .. } => objects.len() as u64,
                Event::Changed(_) | Event::Removed(_) => 1,
                _ => 0,
            };
            may_change_scope |= matches!(event, Event::Listed | Event::Down(_))
                || feed.resource == Resource::Namespaces;
            self.store.apply(&feed, event, now);
        }
        if was_heard {
            self.hear(objects);
        }
        if !may_change_scope {
            return false;
        }
        self.adjust_scope();
        *self.readiness.borrow() == Readiness::Waiting && self.now_ready() != Readiness::Waiting
    }

    fn hear(&self, objects: u64) {
        self.pulse.send_modify(|pulse| {
            pulse.heard = Some(Instant::now());
            pulse.objects += objects;
        });
    }

    /// Takes in what the heartbeat found.
    fn take_beat(&mut self, beat: &Beat) {
        match beat {
            Beat::Heard => {
                self.hear(0);
                // Nobody needs to sit out a pause that was meant for a dead server.
                if std::mem::take(&mut self.is_silent) {
                    self.reconnect();
                }
            }
            // A thin line that is full of lists has no room for a heartbeat.
            Beat::Silent(_) if self.is_silent || self.store.feeds.is_listing() => {}
            Beat::Silent(failure) => {
                self.is_silent = true;
                let now = Timestamp::now();
                for feed in self.tasks.keys() {
                    self.store.apply(feed, Event::Down(failure.clone()), now);
                }
                self.reconnect();
            }
        }
    }

    /// Starts and ends feeds by namespace as the cluster-wide ones are refused, or no longer are.
    fn adjust_scope(&mut self) {
        for resource in scope::ORDER {
            if self.store.feeds.is_listed(&scope::whole(resource)) {
                for feed in self.store.absorb(resource) {
                    self.tasks.remove(&feed);
                }
            }
        }
        let connection = self.session.connection();
        let parts = scope::plan(
            &self.store,
            &self.options.namespaces,
            &connection.config.default_namespace,
        );
        let known: Vec<Feed> = self
            .store
            .feeds
            .names()
            .filter(|feed| feed.namespace.is_some())
            .cloned()
            .collect();
        for feed in known.iter().filter(|feed| !parts.feeds.contains(feed)) {
            self.tasks.remove(feed);
            self.store.drop_feed(feed);
        }
        for name in &parts.wanted {
            self.store.want(name);
        }
        let mut pace = self.pace.as_ref().clone();
        let count = u32::try_from(parts.feeds.len()).unwrap_or(u32::MAX);
        pace.poll = pace
            .poll
            .max(Duration::from_secs(u64::from(count / POLLS_PER_SECOND)));
        let pace = Arc::new(pace);
        for (index, feed) in parts.feeds.into_iter().enumerate() {
            if !self.tasks.contains_key(&feed) {
                self.store.add_feed(feed.clone());
                self.spawn(feed, index >= WATCHED_PARTS, &pace);
            }
        }
    }

    fn spawn(&mut self, feed: Feed, polls: bool, pace: &Arc<Pace>) {
        let task = Running::spawn(follow::follow(
            Arc::clone(&self.session),
            feed.clone(),
            Arc::clone(pace),
            polls,
            self.told.clone(),
        ));
        self.tasks.insert(feed, task);
    }

    /// How far the first load is, the question for other policy APIs included.
    fn now_ready(&self) -> Readiness {
        match self.store.feeds.readiness() {
            Readiness::Ready if !self.knows_apis => Readiness::Waiting,
            readiness => readiness,
        }
    }

    fn publish(&mut self) {
        if let Some(snapshot) = self.store.snapshot() {
            self.snapshots.send_replace(snapshot);
        }
        let readiness = self.now_ready();
        self.readiness.send_if_modified(|last| {
            let is_new = *last != readiness;
            *last = readiness;
            is_new
        });
    }

    /// Reads the kubeconfig again, in which a login may have left something new, and starts over with it.
    fn reconnect(&mut self) {
        let session = Arc::clone(&self.session);
        let environment = self.environment.clone();
        let file = self.options.kubeconfig.clone();
        let context = self.options.context.clone();
        self.connecting = Some(Running::spawn(async move {
            let label = session.connection().label.clone();
            let read = connect::connect(&environment, file.as_ref(), context.as_deref()).await;
            // Somebody may have chosen another current context meanwhile: that is another cluster, and not asked for.
            let connection: Option<Connection> =
                read.ok().filter(|connection| connection.label == label);
            session.reconnect(connection).await;
        }));
    }
}
