//! Where clusters come from: files, a built-in demo, or a live server. All of them give the same [`Snapshot`]s.

pub mod demo;
pub mod live;
pub mod manifests;

use std::sync::Arc;

use crate::model::{Cluster, Diagnostic};

/// The cluster at one moment, and how well we are connected to where it came from.
///
/// A snapshot never changes. The latest one wins: a live source publishes them through a `tokio::sync::watch` channel, files
/// and demos give exactly one.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Grows with every change of `cluster`; results computed for an older one are dropped.
    pub revision: u64,
    pub cluster: Arc<Cluster>,
    /// Problems in the input, in a stable order.
    pub diagnostics: Arc<Vec<Diagnostic>>,
    /// Where it came from, in words: a context name, a path, `demo stalker`.
    pub origin: Arc<str>,
    pub link: Link,
}

/// The state of the connection to the source, worst kind first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// Files and demos: nothing will change.
    Fixed,
    /// Not everything has been listed yet; `progress` says which kinds and how far, for people.
    Loading {
        progress: Vec<String>,
        /// Present when nothing could be listed and every try fails.
        trouble: Option<Trouble>,
    },
    Live,
    /// Everything was listed once, and at least one kind cannot be followed now.
    Offline {
        kind: TroubleKind,
        /// What failed, in one line.
        why: String,
        /// Wall-clock time of the last good answer, RFC 3339.
        since: String,
    },
}

/// Why nothing was ever heard from a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub kind: TroubleKind,
    /// One line, the same from try to try.
    pub why: String,
    /// Wall-clock time of the first try that failed, RFC 3339.
    pub since: String,
}

/// Troubles that call for different remedies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// No connection.
    Unreachable,
    /// The server's certificate is not trusted.
    Untrusted,
    /// The server rejects the credentials (401).
    Unauthorized,
    /// The credential plugin is missing, failed or took too long.
    Plugin,
    /// The server answers, and not with what was asked for.
    Server,
}
