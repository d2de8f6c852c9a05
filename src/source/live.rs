//! A live API server as the source: connected like kubectl, listed once, then watched.
//!
//! [`start`] returns before the network has answered. Each kind has a feed of its own (`follow`); what feeds tell goes into one
//! `store`, which publishes [`Snapshot`]s: the first one says that everything is loading. What may not be listed for the whole
//! cluster is listed by namespace (`scope`). Nothing is ever written to the cluster.

mod apis;
mod connect;
mod credentials;
mod decode;
mod error;
mod follow;
mod heartbeat;
mod kubeconfig;
mod progress;
mod proxy;
mod scope;
mod session;
mod store;
mod supervise;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use super::Snapshot;

pub use credentials::PluginError;
pub use error::LiveError;
pub use follow::Pace;

use kubeconfig::Environment;
use progress::Readiness;
use session::Session;
use supervise::{Running, Supervisor};

/// Which cluster, and how to read it.
#[derive(Clone, Debug, Default)]
pub struct LiveOptions {
    /// A file; `None` looks where kubectl looks.
    pub kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig; `None` is its current one.
    pub context: Option<String>,
    /// Read one by one what may not be listed for the whole cluster. Empty: those that may be listed, else the context's.
    pub namespaces: Vec<String>,
    pub pace: Pace,
}

/// How fresh the picture is, beside the snapshots because it changes without them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pulse {
    /// When the server was last heard from. It speaks up at least every [`Pace::watch_s`] seconds.
    pub heard: Option<Instant>,
    /// Objects that were listed, changed or removed so far.
    pub objects: u64,
}

/// A running source. It ends when this is dropped.
pub struct LiveHandle {
    /// The latest snapshot; there is one from the start.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    pub pulse: watch::Receiver<Pulse>,
    /// The context's name, safe to show.
    pub label: String,
    /// The server's address without credentials, as it was at the start.
    pub server: String,
    /// What a person should know about the connection, one sentence each; the snapshots' diagnostics hold them too.
    pub notes: Vec<String>,
    readiness: watch::Receiver<Readiness>,
    wishes: mpsc::Sender<()>,
    session: Arc<Session>,
    _supervisor: Running,
}

impl LiveHandle {
    /// Tries again now: reads the kubeconfig anew, forgets credentials and connections, and wakes every feed that waits.
    pub fn reconnect(&self) {
        // A wish that is still waiting to be heard stands for this one too.
        let _ = self.wishes.try_send(());
    }
}

/// Starts to follow a cluster. Must be called within a Tokio runtime.
///
/// Fails only for what no waiting can mend: without a usable kubeconfig. A server that cannot be reached or refuses the credentials
/// shows in the snapshots, and is tried again.
pub async fn start(options: LiveOptions) -> Result<LiveHandle, LiveError> {
    start_in(Environment::from_process(), options).await
}

async fn start_in(environment: Environment, options: LiveOptions) -> Result<LiveHandle, LiveError> {
    let connection = connect::connect(
        &environment,
        options.kubeconfig.as_ref(),
        options.context.as_deref(),
    )
    .await?;
    let (label, notes) = (connection.label.clone(), connection.notes.clone());
    let server = connection.server.clone();
    let session = Arc::new(Session::new(connection));
    let (wishes, heard_wishes) = mpsc::channel(1);
    let (supervisor, outlets) =
        Supervisor::new(environment, options, Arc::clone(&session), heard_wishes);
    Ok(LiveHandle {
        snapshots: outlets.snapshots,
        pulse: outlets.pulse,
        readiness: outlets.readiness,
        label,
        server,
        notes,
        wishes,
        session,
        _supervisor: Running::spawn(supervisor.run()),
    })
}

/// Loads a cluster once, for commands that answer and end.
///
/// Returns as soon as every kind was listed or refused, or failed three times. After `limit`, what has arrived is returned, with the
/// rest as loading. An error when nothing was listed at all: a server that cannot be reached, credentials that are not accepted.
pub async fn load_once(options: LiveOptions, limit: Duration) -> Result<Snapshot, LiveError> {
    let mut handle = start(options).await?;
    let waited = handle
        .readiness
        .wait_for(|readiness| *readiness != Readiness::Waiting);
    let readiness = match tokio::time::timeout(limit, waited).await {
        Ok(Ok(readiness)) => readiness.clone(),
        _ => Readiness::Waiting,
    };
    let snapshot = handle.snapshots.borrow().as_ref().clone();
    match readiness {
        Readiness::Ready => Ok(snapshot),
        Readiness::Hopeless(failure) => Err(failure.into_error(&handle.session.connection())),
        Readiness::Waiting => {
            let has_some = snapshot
                .cluster
                .coverage
                .iter()
                .any(|(resource, _, state)| !resource.is_optional() && state.is_readable());
            if has_some {
                Ok(snapshot)
            } else {
                Err(LiveError::TimedOut {
                    server: handle.session.connection().server.clone(),
                    seconds: limit.as_secs(),
                })
            }
        }
    }
}
