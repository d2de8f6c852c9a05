//! Which of the optional policy kinds the server has, and in which version. Silence is never read as absence.
//!
//! The plain list of groups is whole while an aggregated API is down; what such a group holds is then not known. Definitions come
//! and go while the program runs, so it is asked again now and then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::model::{PolicyApi, Resource};

use super::follow::Pace;
use super::session::{Failure, Session};

const PATH: &str = "/apis";
/// Nobody waits longer than this for one answer.
const LIMIT: Duration = Duration::from_secs(5);
/// A group that every server has: a list without it is not the list.
const ALWAYS_THERE: &str = "apps";

/// What is known of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Served {
        version: String,
    },
    NotServed,
    /// Could not be asked, or is there in a form that cannot be read.
    Unknown(Failure),
}

/// Every optional kind; an error when the server could not be asked at all.
pub(super) type Answer = Result<BTreeMap<Resource, Found>, Failure>;

/// Asks at once, every [`Pace::discover`], and whenever somebody wishes; after a failure sooner. Ends when nobody listens any more.
pub(super) async fn ask(
    session: Arc<Session>,
    pace: Arc<Pace>,
    mut wishes: mpsc::Receiver<()>,
    answers: mpsc::Sender<Answer>,
) {
    let mut reconnects = session.wishes();
    let mut failures = 0;
    loop {
        let answer = discover(&session).await;
        let is_whole = answer.as_ref().is_ok_and(|kinds| {
            let mut found = kinds.values();
            !found.any(|found| matches!(found, Found::Unknown(_)))
        });
        if answers.send(answer).await.is_err() {
            return;
        }
        let pause = if is_whole {
            failures = 0;
            pace.discover
        } else {
            failures += 1;
            let grown = pace.floor.saturating_mul(1 << failures.min(16));
            grown.min(pace.cap).min(pace.discover)
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            wish = wishes.recv() => if wish.is_none() { return },
            changed = reconnects.changed() => if changed.is_err() { return },
        }
    }
}

#[derive(Deserialize)]
struct GroupList {
    groups: Vec<Group>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: String,
    #[serde(default)]
    versions: Vec<GroupVersion>,
    preferred_version: Option<GroupVersion>,
}

#[derive(Clone, Deserialize)]
struct GroupVersion {
    version: String,
}

#[derive(Deserialize)]
struct ResourceList {
    resources: Vec<ResourceName>,
}

#[derive(Deserialize)]
struct ResourceName {
    name: String,
}

impl Group {
    /// The preferred one first, the others as the server names them.
    fn versions(&self) -> Vec<&str> {
        let preferred = self.preferred_version.iter();
        let mut versions: Vec<&str> = Vec::new();
        for version in preferred.chain(&self.versions) {
            if !versions.contains(&version.version.as_str()) {
                versions.push(&version.version);
            }
        }
        versions
    }
}

async fn discover(session: &Session) -> Answer {
    let list: GroupList = match get(session, PATH).await {
        // Not there at all is no answer: every server has it.
        Err(Failure::NotFound) => return Err(Failure::Broken("it lists no API groups".to_owned())),
        answer => answer?,
    };
    if !list.groups.iter().any(|group| group.name == ALWAYS_THERE) {
        return Err(Failure::Broken(
            "its list of API groups is not whole".to_owned(),
        ));
    }
    let mut wanted: BTreeMap<&'static str, Vec<Resource>> = BTreeMap::new();
    for resource in Resource::optional() {
        wanted.entry(resource.group()).or_default().push(resource);
    }
    let asked = wanted.into_iter().map(|(name, resources)| {
        let group = list.groups.iter().find(|group| group.name == name);
        look_into(session, group, resources)
    });
    Ok(join_all(asked).await.into_iter().flatten().collect())
}

/// Finds the kinds of one group; `None` is a group that the server does not have.
async fn look_into(
    session: &Session,
    group: Option<&Group>,
    wanted: Vec<Resource>,
) -> Vec<(Resource, Found)> {
    let mut found: BTreeMap<Resource, Found> = BTreeMap::new();
    let mut failure = None;
    for version in group.iter().flat_map(|group| group.versions()) {
        let path = format!("{PATH}/{}/{version}", group.map_or("", |group| &group.name));
        let names = match get::<ResourceList>(session, &path).await {
            Ok(list) => list.resources,
            // It went away after the groups were listed.
            Err(Failure::NotFound) => continue,
            Err(failed) => {
                failure.get_or_insert(failed);
                continue;
            }
        };
        for &resource in &wanted {
            if names.iter().any(|one| one.name == resource.plural()) {
                let is_better = match found.get(&resource) {
                    None => true,
                    Some(Found::Unknown(_)) => is_readable(resource, version),
                    Some(_) => false,
                };
                if is_better {
                    found.insert(resource, served(resource, version));
                }
            }
        }
        let is_served = |resource| matches!(found.get(resource), Some(Found::Served { .. }));
        if wanted.iter().all(is_served) {
            break;
        }
    }
    let absent = failure.map_or(Found::NotServed, Found::Unknown);
    wanted
        .into_iter()
        .map(|resource| {
            let known = found.remove(&resource);
            (resource, known.unwrap_or_else(|| absent.clone()))
        })
        .collect()
}

/// Whether objects of that version can be read. Of policies of other projects only the metadata is read, which is the same in all.
fn is_readable(resource: Resource, version: &str) -> bool {
    PolicyApi::ALL
        .into_iter()
        .find(|api| api.resource() == resource)
        .is_none_or(|api| api.version() == version)
}

fn served(resource: Resource, version: &str) -> Found {
    if is_readable(resource, version) {
        return Found::Served {
            version: version.to_owned(),
        };
    }
    Found::Unknown(Failure::Broken(format!(
        "the server has {} in {}/{}, which is not known",
        resource.plural(),
        resource.group(),
        crate::text::tame(version)
    )))
}

async fn get<T: DeserializeOwned>(session: &Session, path: &str) -> Result<T, Failure> {
    let answer = async {
        let body = session.get(path, "application/json", true).await?;
        let bytes = body.collect_bytes().await;
        let bytes = bytes.map_err(|error| super::session::from_kube(&error))?;
        serde_json::from_slice(&bytes)
            .ok()
            .ok_or_else(|| Failure::Broken(format!("its answer to {path} makes no sense")))
    };
    let answer = tokio::time::timeout(LIMIT, answer).await;
    answer.unwrap_or_else(|_elapsed| {
        Err(Failure::Broken(format!(
            "no answer to {path} within {} s",
            LIMIT.as_secs()
        )))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_version_is_asked_first_and_none_twice() {
        let text = r#"{"name": "security.istio.io", "versions": [{"version": "v1beta1"}, {"version": "v1"}],
            "preferredVersion": {"groupVersion": "security.istio.io/v1", "version": "v1"}}"#;
        let group: Group = serde_json::from_str(text).unwrap();
        assert_eq!(group.versions(), ["v1", "v1beta1"]);
    }

    #[test]
    fn only_the_metadata_of_other_projects_is_read_in_any_version() {
        let wide = Resource::ClusterNetworkPolicies;
        let v2 = "v1alpha2".to_owned();
        assert_eq!(served(wide, "v1alpha2"), Found::Served { version: v2 });
        assert_eq!(
            served(wide, "v1beta1"),
            Found::Unknown(Failure::Broken(
                "the server has clusternetworkpolicies in policy.networking.k8s.io/v1beta1, which is not known".to_owned()
            ))
        );
        let kind = crate::model::PolicyKind::find("cilium.io", "CiliumNetworkPolicy").unwrap();
        assert!(is_readable(Resource::Other(kind), "v2"));
        assert!(!is_readable(Resource::AdminNetworkPolicies, "v1alpha2"));
    }
}
