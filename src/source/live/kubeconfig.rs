//! Finding and reading kubeconfigs the way kubectl does.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use kube::config::{Context, Kubeconfig, KubeconfigError};

use crate::text::tame;

use super::error::LiveError;
use super::proxy::ProxyEnvironment;

/// What the process environment says about clusters, read once so that tests can say something else.
#[derive(Clone, Debug, Default)]
pub(super) struct Environment {
    /// `KUBECONFIG`: a list of paths.
    pub(super) kubeconfig: Option<OsString>,
    pub(super) home: Option<PathBuf>,
    /// Whether this runs in a pod with a service account.
    pub(super) in_cluster: bool,
    pub(super) proxy: ProxyEnvironment,
}

impl Environment {
    pub(super) fn from_process() -> Self {
        Self {
            kubeconfig: std::env::var_os("KUBECONFIG").filter(|list| !list.is_empty()),
            home: std::env::home_dir(),
            in_cluster: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some(),
            proxy: ProxyEnvironment::from_process(),
        }
    }
}

/// Where the connection data comes from.
#[derive(Debug)]
pub(super) enum Found {
    File(Box<Kubeconfig>),
    /// The pod's service account: only when nothing else was asked for or found.
    InCluster,
}

/// Reads the kubeconfig in force: the one named, else the `KUBECONFIG` list merged, else `~/.kube/config`.
///
/// Members of the list that do not exist are skipped with a note. A kubeconfig is never picked up from the working directory:
/// it can run commands.
pub(super) fn find(
    environment: &Environment,
    named: Option<&Path>,
    context_named: bool,
    notes: &mut Vec<String>,
) -> Result<Found, LiveError> {
    if let Some(path) = named {
        return read(path).map(|config| Found::File(Box::new(config)));
    }
    if let Some(list) = &environment.kubeconfig {
        let members: Vec<PathBuf> = std::env::split_paths(list)
            .filter(|path| !path.as_os_str().is_empty())
            .collect();
        let mut merged: Option<Kubeconfig> = None;
        for path in &members {
            let next = match read(path) {
                Err(LiveError::ReadKubeconfig { source, .. })
                    if source.kind() == ErrorKind::NotFound =>
                {
                    notes.push(format!(
                        "skipped `{}` of KUBECONFIG: no such file",
                        tame(&path.display().to_string())
                    ));
                    continue;
                }
                other => other?,
            };
            merged = Some(match merged {
                None => next,
                Some(merged) => merged.merge(next).map_err(|error| from_kube(error, path))?,
            });
        }
        return merged
            .map(|config| Found::File(Box::new(config)))
            .ok_or(LiveError::NoKubeconfig { looked: members });
    }
    let default = environment
        .home
        .as_ref()
        .map(|home| home.join(".kube").join("config"));
    if let Some(path) = &default {
        match read(path) {
            Err(LiveError::ReadKubeconfig { source, .. })
                if source.kind() == ErrorKind::NotFound => {}
            other => return other.map(|config| Found::File(Box::new(config))),
        }
    }
    if environment.in_cluster && !context_named {
        return Ok(Found::InCluster);
    }
    Err(LiveError::NoKubeconfig {
        looked: default.into_iter().collect(),
    })
}

fn read(path: &Path) -> Result<Kubeconfig, LiveError> {
    Kubeconfig::read_from(path).map_err(|error| from_kube(error, path))
}

fn from_kube(error: KubeconfigError, path: &Path) -> LiveError {
    let path = path.to_owned();
    match error {
        KubeconfigError::ReadConfig(source, _) => LiveError::ReadKubeconfig { path, source },
        // The error's text may quote the line, and the line may be a credential: only its number is passed on.
        KubeconfigError::Parse(error) => LiveError::BrokenKubeconfig {
            path,
            line: error.location().map(|place| place.line()),
        },
        _ => LiveError::BrokenKubeconfig { path, line: None },
    }
}

/// Returns the name and the content of the context in force.
pub(super) fn choose_context(
    config: &Kubeconfig,
    wanted: Option<&str>,
) -> Result<(String, Context), LiveError> {
    let known = || {
        let mut names: Vec<String> = config.contexts.iter().map(|c| c.name.clone()).collect();
        names.sort_unstable();
        names
    };
    let name = wanted
        .or(config.current_context.as_deref())
        .filter(|name| !name.is_empty())
        .ok_or_else(|| LiveError::NoContext { known: known() })?;
    let context = config
        .contexts
        .iter()
        .find(|candidate| candidate.name == name)
        .ok_or_else(|| LiveError::UnknownContext {
            wanted: name.to_owned(),
            known: known(),
        })?
        .context
        .clone()
        .unwrap_or_default();
    let has_cluster = config
        .clusters
        .iter()
        .any(|cluster| cluster.name == context.cluster && cluster.cluster.is_some());
    if !has_cluster {
        return Err(LiveError::NoCluster {
            context: name.to_owned(),
            cluster: context.cluster,
        });
    }
    Ok((name.to_owned(), context))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "\
apiVersion: v1
kind: Config
current-context: one
contexts: [{name: one, context: {cluster: c, user: u}}, {name: torn, context: {cluster: gone}}]
clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1', certificate-authority: ca.crt}}]
users: [{name: u, user: {token: from-one}}]
";
    const TWO: &str = "\
apiVersion: v1
kind: Config
current-context: two
contexts: [{name: two, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: from-two}}]
";

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("one"), ONE).unwrap();
        std::fs::write(folder.path().join("two"), TWO).unwrap();
        folder
    }

    fn file(found: Result<Found, LiveError>) -> Kubeconfig {
        match found {
            Ok(Found::File(config)) => *config,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_list_is_merged_first_wins_and_missing_members_are_skipped() {
        let folder = folder();
        let member = |name: &str| folder.path().join(name);
        let environment = Environment {
            kubeconfig: Some(
                std::env::join_paths([member("absent"), member("two"), member("one")]).unwrap(),
            ),
            ..Environment::default()
        };
        let mut notes = Vec::new();
        let config = file(find(&environment, None, false, &mut notes));
        assert_eq!(config.current_context.as_deref(), Some("two"));
        assert_eq!(config.contexts.len(), 3);
        assert_eq!(config.auth_infos.len(), 1);
        assert_eq!(notes.len(), 1);
        assert!(notes[0].contains("absent"), "{notes:?}");
        // Paths in a kubeconfig are relative to it.
        let ca = config.clusters[0].cluster.as_ref().unwrap();
        assert_eq!(
            ca.certificate_authority.as_deref(),
            member("ca.crt").to_str()
        );
    }

    #[test]
    fn the_pod_comes_last_and_never_against_a_wish() {
        let folder = folder();
        let mut environment = Environment {
            home: Some(folder.path().to_owned()),
            in_cluster: true,
            ..Environment::default()
        };
        let mut notes = Vec::new();
        assert!(matches!(
            find(&environment, None, false, &mut notes),
            Ok(Found::InCluster)
        ));
        assert!(matches!(
            find(&environment, None, true, &mut notes),
            Err(LiveError::NoKubeconfig { .. })
        ));
        let missing = folder.path().join("absent");
        assert!(matches!(
            find(&environment, Some(&missing), false, &mut notes),
            Err(LiveError::ReadKubeconfig { .. })
        ));
        environment.kubeconfig = Some(missing.into_os_string());
        assert!(matches!(
            find(&environment, None, false, &mut notes),
            Err(LiveError::NoKubeconfig { .. })
        ));
        environment.kubeconfig = None;
        std::fs::create_dir(folder.path().join(".kube")).unwrap();
        std::fs::write(folder.path().join(".kube/config"), ONE).unwrap();
        assert!(matches!(
            find(&environment, None, false, &mut notes),
            Ok(Found::File(_))
        ));
    }

    #[test]
    fn a_broken_file_is_named_by_line_and_never_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        std::fs::write(
            &path,
            "apiVersion: v1\nusers:\n- name: u\n  user:\n    token: [s3cret\ncontexts: 3\n",
        )
        .unwrap();
        let error = find(&Environment::default(), Some(&path), false, &mut Vec::new()).unwrap_err();
        let LiveError::BrokenKubeconfig { line, .. } = &error else {
            panic!("{error:?}");
        };
        assert!(line.is_some_and(|line| (5..=6).contains(&line)), "{line:?}");
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }

    #[test]
    fn contexts_are_chosen_or_the_known_ones_named() {
        let config = Kubeconfig::from_yaml(ONE).unwrap();
        assert_eq!(choose_context(&config, None).unwrap().0, "one");
        let error = choose_context(&config, Some("prod")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the kubeconfig has no context named `prod`"
        );
        assert_eq!(error.hint().as_deref(), Some("known: one, torn"));
        let error = choose_context(&config, Some("torn")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "context `torn` names the cluster `gone`, which the kubeconfig does not have"
        );
        let none = Kubeconfig::default();
        assert!(matches!(
            choose_context(&none, None),
            Err(LiveError::NoContext { .. })
        ));
    }
}
