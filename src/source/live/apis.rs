//! Whether the server knows policies of other APIs: those are not evaluated, and no answer may keep silent about that.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::mpsc;

use crate::model::Diagnostic;
use crate::source::ONLY_NETWORK_POLICY;

use super::session::{Failure, Session};

/// The plain list of groups: unlike a walk through all of them, it is whole while an aggregated API is down.
const PATH: &str = "/apis";
/// Nobody waits longer than this for the answer.
const LIMIT: Duration = Duration::from_secs(5);
/// Definitions may be installed, and removed, while the program runs.
const AGAIN: Duration = Duration::from_secs(300);
/// After a failure.
const SOON: Duration = Duration::from_secs(5);

/// By name: API groups whose objects allow or deny connections beside `NetworkPolicy` of networking.k8s.io/v1.
const GROUPS: [&str; 7] = [
    "cilium.io",
    "crd.antrea.io",
    "crd.projectcalico.org",
    "k8s.ovn.org",
    "policy.networking.k8s.io",
    "projectcalico.org",
    "security.istio.io",
];

#[derive(Deserialize)]
struct GroupList {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    name: String,
}

/// Asks now and then, and sends what is to be said of it; nothing when there is no such API, or when the server cannot be asked
/// for anything. Ends when nobody listens any more.
pub(super) async fn ask(session: Arc<Session>, answers: mpsc::Sender<Option<Diagnostic>>) {
    let mut is_known = false;
    loop {
        let groups = tokio::time::timeout(LIMIT, groups(&session)).await;
        let groups =
            groups.unwrap_or_else(|_elapsed| Err(Failure::Broken("no answer in time".to_owned())));
        let is_ok = groups.is_ok();
        is_known |= is_ok;
        // What was known stays known while the server is away.
        if is_ok == is_known && answers.send(say(groups)).await.is_err() {
            return;
        }
        tokio::time::sleep(if is_ok { AGAIN } else { SOON }).await;
    }
}

async fn groups(session: &Session) -> Result<Vec<String>, Failure> {
    let broken = |error: &dyn std::fmt::Display| Failure::Broken(error.to_string());
    let body = session.get(PATH, "application/json", true).await?;
    let bytes = body.collect_bytes().await.map_err(|e| broken(&e))?;
    let list: GroupList = serde_json::from_slice(&bytes).map_err(|e| broken(&e))?;
    Ok(list.groups.into_iter().map(|group| group.name).collect())
}

fn say(groups: Result<Vec<String>, Failure>) -> Option<Diagnostic> {
    let message = match groups {
        Ok(groups) => {
            let served: Vec<&str> = GROUPS
                .into_iter()
                .filter(|known| groups.iter().any(|group| group == known))
                .collect();
            if served.is_empty() {
                return None;
            }
            format!(
                "the server has policy APIs that are not evaluated: {}; every answer leaves their policies out",
                served.join(", ")
            )
        }
        // The feeds say it.
        Err(failure) if failure.is_general() => return None,
        Err(failure) => format!(
            "it is not known whether the server has other policy APIs ({}); every answer leaves their policies out",
            failure.why()
        ),
    };
    Some(Diagnostic::warning(message).help(ONLY_NETWORK_POLICY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_policy_apis_are_told_of_and_doubt_too() {
        let names = |names: &[&str]| Ok(names.iter().map(|&name| name.to_owned()).collect());
        assert_eq!(say(names(&["apps", "networking.k8s.io", "batch"])), None);
        let told = say(names(&["projectcalico.org", "apps", "cilium.io"])).unwrap();
        assert!(
            told.message
                .contains("evaluated: cilium.io, projectcalico.org;")
        );
        // Not being told is not the same as there being none.
        let doubt = say(Err(Failure::Forbidden("groups is forbidden".to_owned()))).unwrap();
        assert!(doubt.message.contains("(groups is forbidden)"));
        assert_eq!(say(Err(Failure::Unauthorized)), None);
    }
}
