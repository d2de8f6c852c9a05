//! What can keep us from a live cluster, in words a person can act on.

use std::io;
use std::path::{Path, PathBuf};

use crate::text::tame;

use super::credentials::PluginError;

/// Why there is no live cluster.
///
/// Credentials never occur in these messages: text from kubeconfigs is named by file and line, never quoted.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    #[error("no kubeconfig found")]
    NoKubeconfig { looked: Vec<PathBuf> },
    #[error("cannot read the kubeconfig `{}`", show(path))]
    ReadKubeconfig { path: PathBuf, source: io::Error },
    /// `line` counts from 1; `None` when the file as a whole is wrong.
    #[error("`{}`{} is not a valid kubeconfig", show(path), at_line(*line))]
    BrokenKubeconfig { path: PathBuf, line: Option<u64> },
    #[error("the kubeconfig has no current context")]
    NoContext { known: Vec<String> },
    #[error("the kubeconfig has no context named `{}`", tame(wanted))]
    UnknownContext { wanted: String, known: Vec<String> },
    #[error(
        "context `{}` names the cluster `{}`, which the kubeconfig does not have",
        tame(context),
        tame(cluster)
    )]
    NoCluster { context: String, cluster: String },
    /// The kubeconfig can be read, and something it says cannot be used.
    #[error("context `{}`: {why}", tame(context))]
    Unusable { context: String, why: String },
    #[error("cannot reach {server}: {why}")]
    Unreachable { server: String, why: String },
    #[error("the certificate of {server} is not trusted: {why}")]
    Untrusted { server: String, why: String },
    #[error(
        "{server} rejects the credentials of context `{}` (401)",
        tame(context)
    )]
    Unauthorized { server: String, context: String },
    #[error(transparent)]
    Plugin(#[from] PluginError),
    #[error("{server} did not list anything within {seconds} s")]
    TimedOut { server: String, seconds: u64 },
}

impl LiveError {
    /// What to do next, when we know.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoKubeconfig { looked } => {
                let looked: Vec<String> = looked.iter().map(|path| show(path)).collect();
                let places = if looked.is_empty() {
                    String::new()
                } else {
                    format!("looked at {}; ", looked.join(", "))
                };
                Some(format!(
                    "{places}name one with --kubeconfig, or look at files with -f, or at an example with --demo"
                ))
            }
            Self::ReadKubeconfig { .. } => None,
            Self::BrokenKubeconfig { .. } => {
                Some("kubectl config view shows what kubectl makes of it".to_owned())
            }
            Self::NoContext { known } if known.is_empty() => {
                Some("it has no contexts at all: is it the right file?".to_owned())
            }
            Self::NoContext { known } => Some(format!(
                "choose one with --context, or kubectl config use-context; known: {}",
                list(known)
            )),
            Self::UnknownContext { known, .. } if known.is_empty() => {
                Some("the kubeconfig has no contexts at all".to_owned())
            }
            Self::UnknownContext { known, .. } => Some(format!("known: {}", list(known))),
            Self::NoCluster { .. } | Self::Unusable { .. } => {
                Some("kubectl config view shows the contexts, clusters and users".to_owned())
            }
            Self::Unreachable { .. } => {
                Some("is the address right, the VPN up, a proxy needed (HTTPS_PROXY)?".to_owned())
            }
            Self::Untrusted { .. } => Some(
                "the kubeconfig needs the cluster's own certificate-authority-data, or the proxy's"
                    .to_owned(),
            ),
            Self::Unauthorized { .. } => {
                Some("log in again, then try: kubectl auth whoami".to_owned())
            }
            Self::Plugin(error) => error.hint(),
            Self::TimedOut { .. } => {
                Some("the server is slow or hangs: kubectl get --raw /readyz".to_owned())
            }
        }
    }
}

/// At most a dozen names: some kubeconfigs have hundreds.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let mut shown: Vec<String> = names
        .iter()
        .take(SHOWN)
        .map(|name| tame(name).into_owned())
        .collect();
    if names.len() > SHOWN {
        shown.push(format!("and {} more", names.len() - SHOWN));
    }
    shown.join(", ")
}

fn show(path: &Path) -> String {
    tame(&path.display().to_string()).into_owned()
}

fn at_line(line: Option<u64>) -> String {
    line.map_or_else(String::new, |line| format!(", line {line},"))
}
