//! Runs the feeds, keeps the store, and publishes.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, sleep_until};

use crate::model::Resource;
use crate::source::Snapshot;

use super::apis::{self, Answer, Found};
use super::connect::{self, Connection};
use super::follow::{self, Event, Feed, Pace};
use super::heartbeat::{self, Beat};
use super::kubeconfig::Environment;
use super::progress::Readiness;
use super::scope::{self, WATCHED_PARTS};
use super::session::{Failure, Session};
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
    /// The optional kinds that the server has, in the version in which they are read.
    versions: BTreeMap<Resource, String>,
    /// Feeds of such kinds that got a 404: it is being asked what that means.
    missing: BTreeSet<Feed>,
    discover: mpsc::Sender<()>,
    discovered: mpsc::Receiver<Answer>,
    _discovery: Running,
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
        for resource in scope::ORDER.into_iter().chain(Resource::optional()) {
            store.add_feed(scope::whole(resource));
        }
        let first = store
            .snapshot()
            .expect("the first snapshot differs from none");
        let (snapshots, snapshots_out) = watch::channel(first);
        let (told, heard) = mpsc::channel(QUEUE);
        let (pulse, pulse_out) = watch::channel(Pulse::default());
        let (readiness, readiness_out) = watch::channel(Readiness::Waiting);
        let pace = Arc::new(options.pace.clone());
        let (discover, wishes_to_discover) = mpsc::channel(1);
        let (answers, discovered) = mpsc::channel(1);
        let discovery = apis::ask(
            Arc::clone(&session),
            Arc::clone(&pace),
            wishes_to_discover,
            answers,
        );
        let supervisor = Self {
            pace,
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
            versions: BTreeMap::new(),
            missing: BTreeSet::new(),
            discover,
            discovered,
            _discovery: Running::spawn(discovery),
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
                Some(answer) = self.discovered.recv() => {
                    self.take_discovered(answer);
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
            if feed.resource.is_optional() && !self.tasks.contains_key(&feed) {
                // Said before the kind was found to be gone.
                continue;
            }
            was_heard |= !matches!(event, Event::Begin | Event::Down(_));
            objects += match &event {
                Event::Page { objects, .. } => objects.len() as u64,
                Event::Changed(_) | Event::Removed(_) => 1,
                _ => 0,
            };
            may_change_scope |= matches!(event, Event::Listed | Event::Down(_))
                || feed.resource == Resource::Namespaces;
            if feed.resource.is_optional() && matches!(event, Event::Down(Failure::NotFound)) {
                // Removed, or served in another version since: only the discovery can tell the two apart.
                self.missing.insert(feed);
                // A question that waits already stands for this one too.
                let _ = self.discover.try_send(());
                continue;
            }
            self.store.apply(&feed, event, now);
        }
        if was_heard {
            self.hear(objects);
        }
        if !may_change_scope {
            return false;
        }
        self.adjust_scope();
        *self.readiness.borrow() == Readiness::Waiting
            && self.store.feeds.readiness() != Readiness::Waiting
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

    /// Follows the optional kinds that the server turns out to have, and no longer those that it does not.
    fn take_discovered(&mut self, answer: Answer) {
        let now = Timestamp::now();
        let missing = std::mem::take(&mut self.missing);
        let found = match answer {
            Ok(found) => found,
            Err(failure) => {
                for resource in Resource::optional() {
                    if self.versions.contains_key(&resource) {
                        self.fail(resource, &missing, &failure, now);
                    } else {
                        // What was known stays known while nobody can be asked.
                        let down = Event::Down(failure.clone());
                        self.store.apply(&scope::whole(resource), down, now);
                    }
                }
                return;
            }
        };
        self.hear(0);
        for (resource, found) in found {
            let whole = scope::whole(resource);
            match found {
                Found::Served { version } if self.versions.get(&resource) != Some(&version) => {
                    self.versions.insert(resource, version);
                    self.end_parts(resource);
                    self.store.restart_feed(&whole);
                    self.spawn(whole, false, &Arc::clone(&self.pace));
                }
                Found::Served { .. } => {
                    let why = "listed among its kinds, and not found (404)".to_owned();
                    self.fail(resource, &missing, &Failure::Broken(why), now);
                }
                Found::NotServed => {
                    self.versions.remove(&resource);
                    self.end_parts(resource);
                    self.tasks.remove(&whole);
                    self.store
                        .apply(&whole, Event::Down(Failure::NotFound), now);
                }
                // What is followed goes on without this.
                Found::Unknown(failure) if self.versions.contains_key(&resource) => {
                    self.fail(resource, &missing, &failure, now);
                }
                Found::Unknown(failure) => self.store.doubt(&whole, failure, now),
            }
        }
        self.adjust_scope();
    }

    /// Tells the feeds of a kind that got a 404 what that means.
    fn fail(
        &mut self,
        resource: Resource,
        missing: &BTreeSet<Feed>,
        failure: &Failure,
        now: Timestamp,
    ) {
        for feed in missing.iter().filter(|feed| feed.resource == resource) {
            self.store.apply(feed, Event::Down(failure.clone()), now);
        }
    }

    /// Ends the feeds by namespace of a kind.
    fn end_parts(&mut self, resource: Resource) {
        for feed in self.store.absorb(resource) {
            self.tasks.remove(&feed);
        }
    }

    /// Starts and ends feeds by namespace as the cluster-wide ones are refused, or no longer are.
    fn adjust_scope(&mut self) {
        let optional: Vec<Resource> = self.versions.keys().copied().collect();
        for resource in scope::ORDER.into_iter().chain(optional.clone()) {
            if self.store.feeds.is_listed(&scope::whole(resource)) {
                self.end_parts(resource);
            }
        }
        let connection = self.session.connection();
        let parts = scope::plan(
            &self.store,
            optional,
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
        let version = self.versions.get(&feed.resource);
        let task = Running::spawn(follow::follow(
            Arc::clone(&self.session),
            feed.clone(),
            version.map_or_else(|| "v1".to_owned(), String::clone),
            Arc::clone(pace),
            polls,
            self.told.clone(),
        ));
        self.tasks.insert(feed, task);
    }

    fn publish(&mut self) {
        if let Some(snapshot) = self.store.snapshot() {
            self.snapshots.send_replace(snapshot);
        }
        let readiness = self.store.feeds.readiness();
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
