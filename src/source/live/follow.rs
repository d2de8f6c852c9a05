//! List one kind, then watch it, for ever.
//!
//! kube's own watcher hides bookmarks and progress, does not slow down while lists fail or proxies cut watches short, and lets one
//! odd object blind a kind. See <https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes>.

use std::fmt::Write as _;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use kube::client::Body;
use tokio::sync::{mpsc, watch};

use crate::model::Resource;
use crate::wire::Object;

use super::decode::{self, Line, Page};
use super::session::{ErrorStatus, Failure, Session, from_kube};

/// One kind in one scope: the whole cluster, or one namespace.
///
/// Namespaces in the scope of one namespace are that one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Feed {
    pub(super) resource: Resource,
    pub(super) namespace: Option<String>,
}

/// What a feed tells, in the order in which it happened.
#[derive(Debug)]
pub(super) enum Event {
    /// A list begins; what it will not name is gone.
    Begin,
    Page {
        objects: Vec<Object>,
        remaining: Option<u64>,
    },
    /// The list is complete.
    Listed,
    /// A watch is open and continues the list without a gap.
    Following,
    /// There will be no watch; the list is repeated now and then.
    Polling,
    Changed(Object),
    Removed(Object),
    /// Nothing changed, and that was heard from the server.
    Alive,
    /// Nothing will be heard until the next try.
    Down(Failure),
}

/// The times of the loop.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Objects asked for in one page.
    pub page: u32,
    /// The server ends a watch after this long; it proves that both ends live.
    pub watch_s: u32,
    /// The first pause after a failure; each further one doubles it.
    pub floor: Duration,
    /// The longest pause.
    pub cap: Duration,
    /// A watch that was open for this long forgets earlier failures.
    pub healthy: Duration,
    /// Between lists where there is no watch.
    pub poll: Duration,
    /// Until a refused or missing kind is tried again.
    pub refused: Duration,
    /// Between two questions for the policy APIs the server has.
    pub discover: Duration,
    /// Between two snapshots.
    pub publish: Duration,
    /// Between two small requests that tell whether the server still answers.
    pub heartbeat: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            page: 500,
            watch_s: 60,
            floor: Duration::from_millis(200),
            cap: Duration::from_secs(30),
            healthy: Duration::from_secs(5),
            poll: Duration::from_secs(60),
            refused: Duration::from_secs(120),
            discover: Duration::from_secs(300),
            publish: Duration::from_millis(50),
            heartbeat: Duration::from_secs(10),
        }
    }
}

const LIST_LIMIT: Duration = Duration::from_secs(90);
const WATCH_START_LIMIT: Duration = Duration::from_secs(30);
/// A watch that should have ended this long ago is dead.
const WATCH_MARGIN: Duration = Duration::from_secs(10);
/// Pages grow up to this when their tokens run out before the list ends.
const LARGEST_PAGE: u32 = 20_000;
/// Longer than any object etcd can hold.
const LONGEST_LINE: usize = 32 << 20;
/// A gap shorter than this is not worth telling: watches end now and then, and go on.
const SILENT_PAUSE: Duration = Duration::from_secs(2);

const LIST_ACCEPT: &str = "application/json";
const METADATA_LIST_ACCEPT: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
const METADATA_ACCEPT: &str =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

/// Why a round of listing and watching ended.
enum End {
    /// The server closed the watch in good order.
    Closed,
    /// The pause between two polls is due.
    Polled,
    Failed(Failure),
    /// Somebody wishes to try again now.
    Woken,
    /// Nobody listens any more.
    Deaf,
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Follows a feed in a version of its API until the receiver of its events is dropped.
pub(super) async fn follow(
    session: Arc<Session>,
    feed: Feed,
    api_version: String,
    pace: Arc<Pace>,
    polls: bool,
    events: mpsc::Sender<(Feed, Event)>,
) {
    let mut wishes = session.wishes();
    let mut follower = Follower {
        page: pace.page,
        version: None,
        failures: 0,
        // One Namespace by name: a user of one namespace may get it, and seldom watch it.
        polls: polls || (feed.resource == Resource::Namespaces && feed.namespace.is_some()),
        session,
        feed,
        api_version,
        pace,
        events,
    };
    while follower.round(&mut wishes).await {}
}

struct Follower {
    session: Arc<Session>,
    feed: Feed,
    api_version: String,
    pace: Arc<Pace>,
    events: mpsc::Sender<(Feed, Event)>,
    page: u32,
    /// Where the next watch begins; `None` when a list is due.
    version: Option<String>,
    /// Rounds that failed since a watch was last healthy.
    failures: u32,
    polls: bool,
}

impl Follower {
    /// Lists if need be, watches, and pauses. False when nobody listens any more.
    async fn round(&mut self, wishes: &mut watch::Receiver<u64>) -> bool {
        let mut opened = None;
        let end = tokio::select! {
            end = self.attempt(&mut opened) => match end {
                Ok(end) | Err(end) => end,
            },
            changed = wishes.changed() => if changed.is_ok() { End::Woken } else { End::Deaf },
        };
        if opened.is_some_and(|since: Instant| since.elapsed() >= self.pace.healthy) {
            self.failures = 0;
        }
        let (failure, pause) = match end {
            End::Deaf => return false,
            End::Woken => {
                self.failures = 0;
                return true;
            }
            End::Polled => {
                self.failures = 0;
                return pause(self.pace.poll, wishes).await;
            }
            End::Closed if opened.is_some_and(|since| since.elapsed() >= self.pace.healthy) => {
                return true;
            }
            End::Closed => (
                Failure::Broken("the server ends every watch at once".to_owned()),
                None,
            ),
            End::Failed(failure) => match &failure {
                Failure::Refused { after, .. } => {
                    let after = after.map(|after| after.min(self.pace.refused));
                    (failure, after)
                }
                // Said by the discovery to be there: it is asked again, and ends this if it is not.
                Failure::NotFound if self.feed.resource.is_optional() => (failure, None),
                Failure::Forbidden(_) | Failure::NotFound => (failure, Some(self.pace.refused)),
                _ => (failure, None),
            },
        };
        let pause = pause.unwrap_or_else(|| self.backoff());
        self.failures = self.failures.saturating_add(1);
        // The picture is complete up to a moment ago, and the next try is near: if that fails too, it is told.
        let is_quiet = pause < SILENT_PAUSE
            && (opened.is_some() || matches!(failure, Failure::Gone { .. }))
            && failure != Failure::NotFound;
        if !is_quiet && self.tell(Event::Down(failure)).await.is_err() {
            return false;
        }
        self::pause(pause, wishes).await
    }

    async fn attempt(&mut self, opened: &mut Option<Instant>) -> Result<End, End> {
        if self.version.is_none() {
            self.list().await?;
        }
        if self.polls {
            self.version = None;
            return Ok(End::Polled);
        }
        self.watch(opened).await
    }

    async fn list(&mut self) -> Result<(), End> {
        let session = Arc::clone(&self.session);
        let Ok(_permit) = session.lists.acquire().await else {
            return Err(End::Deaf);
        };
        self.tell(Event::Begin).await?;
        if self.feed.resource == Resource::Namespaces
            && let Some(name) = self.feed.namespace.clone()
        {
            return self.get_namespace(&name).await;
        }
        let mut version = None;
        let mut next: Option<String> = None;
        loop {
            let path = self.path(next.as_deref());
            let accept = if self.is_metadata_only() {
                METADATA_LIST_ACCEPT
            } else {
                LIST_ACCEPT
            };
            let bytes = match self.fetch(&path, accept).await {
                // The rest of the list as of now; the watch from the first page's version replays what came between.
                Err(Failure::Gone {
                    resume: Some(token),
                }) if next.as_ref() != Some(&token) => {
                    next = Some(token);
                    continue;
                }
                Err(failure @ Failure::Gone { .. }) => {
                    self.page = self.page.saturating_mul(4).min(LARGEST_PAGE);
                    return Err(failure.into());
                }
                other => other?,
            };
            let page = Page::read(&bytes).map_err(Failure::Broken)?;
            version = version.or(page.metadata.resource_version.clone());
            self.tell(Event::Page {
                objects: page.objects(self.feed.resource),
                remaining: page.metadata.remaining_item_count,
            })
            .await?;
            next = page.metadata.next.filter(|token| !token.is_empty());
            if next.is_none() {
                break;
            }
        }
        let version = version.filter(|version| !version.is_empty());
        if version.is_none() {
            // Nothing to watch from: an aggregated server that keeps no versions.
            self.polls = true;
        }
        self.listed().await?;
        // Only now: a wish may end the round at any await, and with a version there would be no further list.
        self.version = version;
        Ok(())
    }

    /// Reads one Namespace by name. A namespace that does not exist is an empty list.
    async fn get_namespace(&mut self, name: &str) -> Result<(), End> {
        let path = format!("/api/v1/namespaces/{}", encode(name));
        let objects = match self.fetch(&path, LIST_ACCEPT).await {
            Err(Failure::NotFound) => Vec::new(),
            other => {
                let bytes = other?;
                let text = std::str::from_utf8(&bytes).ok().ok_or_else(no_text)?;
                vec![decode::object(Resource::Namespaces, text)]
            }
        };
        self.tell(Event::Page {
            objects,
            remaining: None,
        })
        .await?;
        self.listed().await
    }

    async fn listed(&mut self) -> Result<(), End> {
        self.tell(Event::Listed).await?;
        if self.polls {
            self.failures = 0;
            self.tell(Event::Polling).await?;
        }
        Ok(())
    }

    async fn fetch(
        &self,
        path: &str,
        accept: &'static str,
    ) -> Result<impl std::ops::Deref<Target = [u8]> + use<>, Failure> {
        let answer = async {
            let body = self.session.get(path, accept, true).await?;
            body.collect_bytes()
                .await
                .map_err(|error| from_kube(&error))
        };
        tokio::time::timeout(LIST_LIMIT, answer)
            .await
            .unwrap_or_else(|_| {
                Err(Failure::Unreachable(format!(
                    "no answer within {} s",
                    LIST_LIMIT.as_secs()
                )))
            })
    }

    async fn watch(&mut self, opened: &mut Option<Instant>) -> Result<End, End> {
        let from = self.version.clone().unwrap_or_default();
        let path = format!(
            "{}?watch=true&allowWatchBookmarks=true&timeoutSeconds={}&resourceVersion={}",
            self.collection(),
            self.pace.watch_s,
            encode(&from)
        );
        let accept = if self.is_metadata_only() {
            METADATA_ACCEPT
        } else {
            LIST_ACCEPT
        };
        let session = Arc::clone(&self.session);
        let start = session.get(&path, accept, false);
        let body = match tokio::time::timeout(WATCH_START_LIMIT, start).await {
            Ok(Ok(body)) => body,
            // May list, may not watch.
            Ok(Err(Failure::Forbidden(_) | Failure::NotAllowed)) => {
                self.polls = true;
                self.version = None;
                self.tell(Event::Polling).await?;
                return Ok(End::Polled);
            }
            Ok(Err(failure)) => {
                if matches!(failure, Failure::Gone { .. } | Failure::NotFound) {
                    self.version = None;
                }
                return Err(failure.into());
            }
            Err(_elapsed) => {
                return Err(Failure::Unreachable("the watch did not start".to_owned()).into());
            }
        };
        *opened = Some(Instant::now());
        self.tell(Event::Following).await?;
        self.read_lines(body).await
    }

    async fn read_lines(&mut self, mut body: Body) -> Result<End, End> {
        let quiet = Duration::from_secs(u64::from(self.pace.watch_s)) + WATCH_MARGIN;
        let mut pending: Vec<u8> = Vec::new();
        loop {
            let frame = match tokio::time::timeout(quiet, body.frame()).await {
                Err(_elapsed) => {
                    let why = format!("silent for {} s", quiet.as_secs());
                    return Err(Failure::Unreachable(why).into());
                }
                Ok(None) if pending.is_empty() => return Ok(End::Closed),
                Ok(None) => {
                    return Err(Failure::Broken("the watch was cut off".to_owned()).into());
                }
                Ok(Some(Err(error))) => return Err(from_kube(&error).into()),
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            // Only what is new can hold the end of the line.
            let mut searched = pending.len();
            pending.extend_from_slice(&data);
            let mut start = 0;
            while let Some(length) = pending[searched..].iter().position(|byte| *byte == b'\n') {
                let end = searched + length;
                let line = &pending[start..end];
                if !line.iter().all(u8::is_ascii_whitespace) {
                    let (event, version) = self.read_line(line)?;
                    self.tell(event).await?;
                    // Only now: a wish may end the round at any await, and what was not told must come again.
                    self.version = version.or(self.version.take());
                }
                start = end + 1;
                searched = start;
            }
            pending.drain(..start);
            if pending.len() > LONGEST_LINE {
                return Err(Failure::Broken("an event without end".to_owned()).into());
            }
        }
    }

    /// Reads one event and the version it leads to.
    fn read_line(&mut self, line: &[u8]) -> Result<(Event, Option<String>), End> {
        let line: Line<'_> = std::str::from_utf8(line)
            .ok()
            .and_then(|text| serde_json::from_str(text).ok())
            .ok_or_else(no_text)?;
        let text = line.object.get();
        if line.kind == "ERROR" {
            let status: ErrorStatus = serde_json::from_str(text).unwrap_or_default();
            let failure = status.into_failure();
            if matches!(failure, Failure::Gone { .. }) {
                self.version = None;
            }
            return Err(failure.into());
        }
        if line.kind == "BOOKMARK" {
            return Ok((Event::Alive, decode::version(text)));
        }
        let object = decode::object(self.feed.resource, text);
        let version = Some(object.meta().resource_version.clone()).filter(|v| !v.is_empty());
        let event = match line.kind.as_str() {
            "DELETED" => Event::Removed(object),
            _ => Event::Changed(object),
        };
        Ok((event, version))
    }

    async fn tell(&self, event: Event) -> Result<(), End> {
        self.events
            .send((self.feed.clone(), event))
            .await
            .ok()
            .ok_or(End::Deaf)
    }

    /// Doubles from the floor to the cap; the last quarter is chance, so that many clients do not come back together.
    fn backoff(&self) -> Duration {
        let grown = self
            .pace
            .floor
            .saturating_mul(1 << self.failures.min(16))
            .min(self.pace.cap);
        let chance = RandomState::new().hash_one(0u8) % 256;
        grown.mul_f64(0.75 + 0.25 * f64::from(u8::try_from(chance).unwrap_or(0)) / 256.0)
    }

    fn is_metadata_only(&self) -> bool {
        matches!(
            self.feed.resource,
            Resource::ReplicaSets | Resource::Jobs | Resource::Other(_)
        )
    }

    fn collection(&self) -> String {
        let resource = self.feed.resource;
        let group = match resource.group() {
            "" => format!("/api/{}", self.api_version),
            group => format!("/apis/{group}/{}", encode(&self.api_version)),
        };
        match &self.feed.namespace {
            None => format!("{group}/{}", resource.plural()),
            Some(name) => format!("{group}/namespaces/{}/{}", encode(name), resource.plural()),
        }
    }

    fn path(&self, next: Option<&str>) -> String {
        let mut path = format!("{}?limit={}", self.collection(), self.page);
        if let Some(token) = next {
            path.push_str("&continue=");
            path.push_str(&encode(token));
        }
        path
    }
}

/// Waits, but not longer than until somebody wishes to try again now. False when the session is gone.
async fn pause(pause: Duration, wishes: &mut watch::Receiver<u64>) -> bool {
    tokio::select! {
        () = tokio::time::sleep(pause) => true,
        changed = wishes.changed() => changed.is_ok(),
    }
}

fn no_text() -> Failure {
    Failure::Broken("the answer makes no sense".to_owned())
}

/// Percent-encodes everything that is not unreserved in a URL.
fn encode(text: &str) -> String {
    let mut coded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            coded.push(char::from(byte));
        } else {
            let _ = write!(coded, "%{byte:02X}");
        }
    }
    coded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_names_cannot_break_out_of_the_path() {
        assert_eq!(encode("shop-1.x_y~"), "shop-1.x_y~");
        assert_eq!(encode("a/b?c&d=e f+ü"), "a%2Fb%3Fc%26d%3De%20f%2B%C3%BC");
    }
}
