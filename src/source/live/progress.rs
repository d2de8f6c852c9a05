//! How far every feed is, and what that means for the whole.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{Coverage, State};
use crate::source::{Link, Trouble};

use super::follow::Feed;
use super::session::Failure;

/// How far a feed is.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) generation: u64,
    /// Objects of the list that is under way.
    pub(super) arrived: u64,
    pub(super) remaining: Option<u64>,
    pub(super) is_listed: bool,
    /// Whether a list is under way.
    pub(super) is_listing: bool,
    pub(super) is_polled: bool,
    pub(super) failure: Option<Failure>,
    /// Tries that brought nothing since the last one that did.
    pub(super) failures: u32,
    /// When the first of them was noticed.
    pub(super) failing_since: Option<Timestamp>,
    pub(super) last_good: Option<Timestamp>,
}

impl Progress {
    fn state(&self) -> State {
        match &self.failure {
            Some(Failure::Forbidden(message)) => State::Forbidden {
                message: message.clone(),
            },
            Some(Failure::NotFound) => State::NotServed,
            Some(failure) if self.is_listed => State::Stale { why: failure.why() },
            Some(failure) => State::Failed { why: failure.why() },
            None if !self.is_listed => State::Loading,
            None if self.is_polled => State::Polled,
            None => State::Live,
        }
    }

    /// Whether the server has said what there is to say: a list, or that there will be none.
    fn has_answer(&self) -> bool {
        self.is_listed || self.failure.as_ref().is_some_and(is_final)
    }
}

/// Whether the server has answered, and the answer is that there is nothing to read.
pub(super) fn is_final(failure: &Failure) -> bool {
    matches!(failure, Failure::Forbidden(_) | Failure::NotFound)
}

/// How far the first load is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Readiness {
    Waiting,
    /// Every kind was listed, refused, or failed more than once.
    Ready,
    /// Nothing was listed, and nothing will be.
    Hopeless(Failure),
}

/// Failures in a row after which a kind counts as settled although others can be read.
const SETTLED_AFTER: u32 = 3;

/// The feeds that run.
#[derive(Default)]
pub(super) struct Feeds(pub(super) BTreeMap<Feed, Progress>);

impl Feeds {
    pub(super) fn names(&self) -> impl Iterator<Item = &Feed> {
        self.0.keys()
    }

    /// Whether the server refuses to list this feed.
    pub(super) fn is_refused(&self, feed: &Feed) -> bool {
        self.0
            .get(feed)
            .is_some_and(|progress| matches!(progress.failure, Some(Failure::Forbidden(_))))
    }

    /// Whether a list was tried in vain.
    pub(super) fn has_failed(&self, feed: &Feed) -> bool {
        self.0
            .get(feed)
            .is_some_and(|progress| progress.failure.is_some() && !progress.is_listed)
    }

    pub(super) fn is_listed(&self, feed: &Feed) -> bool {
        self.0.get(feed).is_some_and(|progress| progress.is_listed)
    }

    /// Whether anything is being listed right now.
    pub(super) fn is_listing(&self) -> bool {
        self.0.values().any(|progress| progress.is_listing)
    }

    /// What is readable. Where a kind is refused for the whole cluster and listed by namespace, both are told.
    pub(super) fn coverage(&self) -> Coverage {
        let mut coverage = Coverage::default();
        for (feed, progress) in &self.0 {
            coverage.set(feed.resource, feed.namespace.as_deref(), progress.state());
        }
        coverage
    }

    /// The state of the connection, from that of every feed.
    pub(super) fn link(&self) -> Link {
        let mut loading: Vec<String> = self
            .0
            .iter()
            .filter(|(_, progress)| !progress.has_answer())
            .map(|(feed, progress)| describe(feed, progress))
            .collect();
        // They stand together, because feeds are sorted by kind.
        loading.dedup();
        if !loading.is_empty() {
            return Link::Loading {
                progress: loading,
                trouble: self.trouble(),
            };
        }
        let failing: Vec<(&Feed, &Failure, Option<Timestamp>)> = self
            .0
            .iter()
            .filter(|(_, progress)| progress.is_listed)
            .filter_map(|(feed, progress)| {
                Some((feed, progress.failure.as_ref()?, progress.last_good))
            })
            .collect();
        let Some((feed, first, _)) = failing.first() else {
            return Link::Live;
        };
        let is_general = failing.iter().all(|(_, failure, _)| failure == first);
        Link::Offline {
            kind: first.kind(),
            why: if is_general && first.is_general() {
                first.why()
            } else {
                format!("{}: {}", name(feed), first.why())
            },
            since: failing
                .iter()
                .filter_map(|(_, _, last_good)| *last_good)
                .min()
                .map(rfc3339)
                .unwrap_or_default(),
        }
    }

    /// Why nothing could be listed; `None` while there is hope or something was answered.
    fn trouble(&self) -> Option<Trouble> {
        let Readiness::Hopeless(failure) = self.readiness() else {
            return None;
        };
        let since = self.0.values().filter_map(|feed| feed.failing_since).min();
        Some(Trouble {
            kind: failure.kind(),
            why: failure.why(),
            since: since.map(rfc3339).unwrap_or_default(),
        })
    }

    /// How far the first load is.
    ///
    /// Kinds that a server may not have are waited for, and alone give no hope: that there are none says nothing about the others.
    pub(super) fn readiness(&self) -> Readiness {
        let needed = || {
            let needed = self
                .0
                .iter()
                .filter(|(feed, _)| !feed.resource.is_optional());
            needed.map(|(_, progress)| progress)
        };
        if needed().any(Progress::has_answer) {
            let is_settled =
                |progress: &Progress| progress.has_answer() || progress.failures >= SETTLED_AFTER;
            return if self.0.values().all(is_settled) {
                Readiness::Ready
            } else {
                Readiness::Waiting
            };
        }
        let failures: Vec<&Failure> = needed()
            .filter_map(|progress| progress.failure.as_ref())
            .collect();
        let general = failures.iter().find(|failure| failure.is_general());
        match general {
            // Not on the first: one connection of several may just have been unlucky.
            Some(failure) if failures.len() >= needed().count().min(2) => {
                Readiness::Hopeless((*failure).clone())
            }
            _ if needed().all(|progress| progress.failures >= SETTLED_AFTER) => {
                failures.first().map_or(Readiness::Waiting, |failure| {
                    Readiness::Hopeless((*failure).clone())
                })
            }
            _ => Readiness::Waiting,
        }
    }
}

fn name(feed: &Feed) -> String {
    match &feed.namespace {
        None => feed.resource.full_name().to_owned(),
        Some(namespace) => format!("{} in {namespace}", feed.resource.full_name()),
    }
}

fn describe(feed: &Feed, progress: &Progress) -> String {
    let is_asked_for = progress.generation > 0;
    let name = if feed.resource.is_optional() && !is_asked_for {
        // It is not known yet which of them there are.
        "policy APIs".to_owned()
    } else {
        name(feed)
    };
    match &progress.failure {
        Some(failure) => format!("{name}: {}", failure.why()),
        None if progress.generation == 0 => name,
        None => match progress.remaining {
            Some(remaining) if progress.arrived > 0 => {
                format!(
                    "{name} {}/{}",
                    progress.arrived,
                    progress.arrived + remaining
                )
            }
            _ if progress.arrived > 0 => format!("{name} {}", progress.arrived),
            _ => name,
        },
    }
}

/// Whole seconds: nobody needs more.
fn rfc3339(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second())
        .unwrap_or(time)
        .to_string()
}
