//! A small request now and then: a watch without events says nothing about whether the server still lives.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::session::{Failure, Session};

/// Any authenticated user may read it, and it costs the server nothing.
const PATH: &str = "/version";
/// Misses in a row after which the server counts as silent: the first may be a packet lost.
const MISSES: u32 = 2;

/// What a heartbeat found.
#[derive(Debug)]
pub(super) enum Beat {
    /// An answer, whatever it says.
    Heard,
    /// No answer for a while; said again until there is one.
    Silent(Failure),
}

/// Asks every `interval`, and waits half of it for the answer. Ends when nobody listens any more.
pub(super) async fn beat(session: Arc<Session>, interval: Duration, beats: mpsc::Sender<Beat>) {
    let mut misses = 0;
    loop {
        tokio::time::sleep(interval).await;
        let limit = interval / 2;
        let answer = session.get(PATH, "application/json", true);
        let failure = match tokio::time::timeout(limit, answer).await {
            Ok(Err(failure @ (Failure::Unreachable(_) | Failure::Untrusted(_)))) => failure,
            // The plugin failed, so nothing was asked; the feeds tell about that.
            Ok(Err(Failure::Plugin(_))) => continue,
            Err(_elapsed) => Failure::Unreachable("the server does not answer".to_owned()),
            Ok(_) => {
                misses = 0;
                if beats.send(Beat::Heard).await.is_err() {
                    return;
                }
                continue;
            }
        };
        misses = MISSES.min(misses + 1);
        if misses == MISSES && beats.send(Beat::Silent(failure)).await.is_err() {
            return;
        }
    }
}
