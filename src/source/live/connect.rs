//! From a kubeconfig to everything needed to send requests, without sending one.

use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use http::header::{HeaderValue, USER_AGENT};
use kube::Config;
use kube::config::{ExecConfig, KubeConfigOptions, Kubeconfig, KubeconfigError};

use crate::text::tame;

use super::error::LiveError;
use super::kubeconfig::{self, Environment, Found};

const AGENT: &str = concat!("netseg-tui/", env!("CARGO_PKG_VERSION"));
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Longer than a watch may be quiet ([`super::Pace::watch_s`] and a margin); it frees requests that hang.
const READ_LIMIT: Duration = Duration::from_secs(75);

/// A cluster that can be talked to.
#[derive(Clone)]
pub(super) struct Connection {
    /// Without the credential plugin: kube would run it with our terminal.
    pub(super) config: Config,
    pub(super) plugin: Option<ExecConfig>,
    /// The context's name, made safe to show.
    pub(super) label: String,
    /// The server's address without credentials, for messages.
    pub(super) server: String,
    /// What a person should know about this connection: one sentence each.
    pub(super) notes: Vec<String>,
}

/// Reads the kubeconfig and prepares a connection. Reads files only: neither the network nor a plugin is touched.
pub(super) async fn connect(
    environment: &Environment,
    file: Option<&PathBuf>,
    context: Option<&str>,
) -> Result<Connection, LiveError> {
    let mut notes = Vec::new();
    let found = kubeconfig::find(
        environment,
        file.map(PathBuf::as_path),
        context.is_some(),
        &mut notes,
    )?;
    let (name, mut config, kubeconfig_proxy) = match found {
        Found::InCluster => {
            let name = "in-cluster".to_owned();
            let config = Config::incluster().map_err(|error| LiveError::Unusable {
                context: name.clone(),
                why: tame(&error.to_string()).into_owned(),
            })?;
            (name, config, None)
        }
        Found::File(kubeconfig) => from_file(*kubeconfig, context, &mut notes).await?,
    };
    config.proxy_url = environment
        .proxy
        .choose(kubeconfig_proxy.as_deref(), &config.cluster_url)
        .ok()
        // A proxy's address may hold a password, so its error is not passed on.
        .ok_or_else(|| LiveError::Unusable {
            context: name.clone(),
            why: "the proxy's address is not a URL".to_owned(),
        })?;
    config.connect_timeout = Some(CONNECT_LIMIT);
    config.read_timeout = Some(READ_LIMIT);
    config.reset_reader_on_write = true;
    // We wait ourselves, and say so.
    config.default_retry = false;
    config
        .headers
        .push((USER_AGENT, HeaderValue::from_static(AGENT)));
    if config.accept_invalid_certs {
        notes.push("the server's certificate is not checked (insecure-skip-tls-verify)".to_owned());
    }
    if let Some(user) = &config.auth_info.impersonate {
        notes.push(format!("acting as {}", tame(user)));
    }
    if let Some(proxy) = &config.proxy_url {
        notes.push(format!("through the proxy {}", address(proxy)));
    }
    let plugin = config.auth_info.exec.take();
    Ok(Connection {
        label: tame(&name).into_owned(),
        server: address(&config.cluster_url),
        config,
        plugin,
        notes,
    })
}

async fn from_file(
    kubeconfig: Kubeconfig,
    context: Option<&str>,
    notes: &mut Vec<String>,
) -> Result<(String, Config, Option<String>), LiveError> {
    let (name, chosen) = kubeconfig::choose_context(&kubeconfig, context)?;
    let unusable = |why: String| LiveError::Unusable {
        context: name.clone(),
        why,
    };
    if let Some(user) = chosen.user.as_ref().filter(|user| !user.is_empty()) {
        match kubeconfig
            .auth_infos
            .iter()
            .find(|known| &known.name == user)
        {
            None => notes.push(format!(
                "user `{}` is not in the kubeconfig: requests are anonymous",
                tame(user)
            )),
            Some(known) => {
                let provider = known
                    .auth_info
                    .as_ref()
                    .and_then(|user| user.auth_provider.as_ref());
                // kube would run the others' commands itself, on our terminal; kubectl no longer has them.
                if let Some(provider) = provider.filter(|provider| provider.name != "oidc") {
                    return Err(unusable(format!(
                        "the auth provider `{}` is gone from kubectl too; its exec plugin does the same",
                        tame(&provider.name)
                    )));
                }
            }
        }
    }
    let proxy = kubeconfig
        .clusters
        .iter()
        .find(|cluster| cluster.name == chosen.cluster)
        .and_then(|cluster| cluster.cluster.as_ref())
        .and_then(|cluster| cluster.proxy_url.clone());
    let options = KubeConfigOptions {
        context: Some(name.clone()),
        ..KubeConfigOptions::default()
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| unusable(describe(&error)))?;
    if config.cluster_url.host().is_none() {
        return Err(unusable("the cluster's server is not a URL".to_owned()));
    }
    Ok((name, config, proxy))
}

/// Says what is wrong without quoting values, which may be credentials.
fn describe(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::MissingClusterUrl => "its cluster has no server".to_owned(),
        KubeconfigError::ParseClusterUrl(_) => "its cluster's server is not a URL".to_owned(),
        KubeconfigError::ParseProxyUrl(_) => "the proxy's address is not a URL".to_owned(),
        KubeconfigError::ParseNoProxy(_) => "NO_PROXY cannot be read".to_owned(),
        KubeconfigError::LoadCertificateAuthority(error) => {
            format!("certificate-authority: {}", load(error))
        }
        KubeconfigError::ParseCertificates(_) => {
            "certificate-authority: no PEM certificate in it".to_owned()
        }
        KubeconfigError::LoadClientCertificate(error) => {
            format!("client-certificate: {}", load(error))
        }
        KubeconfigError::LoadClientKey(error) => format!("client-key: {}", load(error)),
        _ => "cannot be used".to_owned(),
    }
}

fn load(error: &kube::config::LoadDataError) -> String {
    use kube::config::LoadDataError as Load;
    match error {
        Load::DecodeBase64(_) => "not base64".to_owned(),
        Load::ReadFile(error, path) => format!(
            "cannot read `{}`: {}",
            tame(&path.display().to_string()),
            tame(&error.to_string())
        ),
        Load::NoBase64DataOrFile => "missing".to_owned(),
    }
}

/// Scheme, host and port: what a URL may hold besides (`user:password@`) is nobody's business.
fn address(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("https");
    let host = uri.host().unwrap_or_default();
    let text = match uri.port_u16() {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    };
    tame(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn prepared(users: &str, cluster: &str) -> Result<Connection, LiveError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let text = format!(
            "contexts: [{{name: k, context: {{cluster: c, user: u, namespace: shop}}}}]\n\
             current-context: k\nclusters: [{{name: c, cluster: {cluster}}}]\nusers: {users}\n"
        );
        std::fs::write(&path, text).unwrap();
        connect(&Environment::default(), Some(&path), None).await
    }

    #[tokio::test]
    async fn the_plugin_is_taken_away_from_kube() {
        let users = "[{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: login}}}]";
        let connection = prepared(users, "{server: 'http://127.0.0.1:1'}")
            .await
            .unwrap();
        assert!(connection.config.auth_info.exec.is_none());
        assert_eq!(connection.plugin.unwrap().command.as_deref(), Some("login"));
        assert_eq!(connection.config.default_namespace, "shop");
        assert_eq!(connection.server, "http://127.0.0.1:1");
    }

    #[tokio::test]
    async fn what_cannot_be_used_is_named_without_its_value() {
        let secret = "s3cret";
        for (users, cluster, expected) in [
            ("[]", "{}", "context `k`: its cluster has no server"),
            (
                "[]",
                "{server: 'https://h', certificate-authority-data: 's3cret!'}",
                "context `k`: certificate-authority: not base64",
            ),
            (
                "[]",
                "{server: 'https://h', proxy-url: 'http://u:s3cret@[::1'}",
                "context `k`: the proxy's address is not a URL",
            ),
            (
                "[{name: u, user: {auth-provider: {name: gcp, config: {cmd-path: /bin/s3cret}}}}]",
                "{server: 'https://h'}",
                "context `k`: the auth provider `gcp` is gone from kubectl too; its exec plugin does the same",
            ),
        ] {
            let Err(error) = prepared(users, cluster).await else {
                panic!("{cluster}");
            };
            assert_eq!(error.to_string(), expected);
            assert!(!error.to_string().contains(secret));
        }
    }

    #[tokio::test]
    async fn a_user_that_is_not_there_is_told() {
        let connection = prepared(
            "[]",
            "{server: 'https://u:s3cret@h:6443', insecure-skip-tls-verify: true}",
        )
        .await
        .unwrap();
        assert_eq!(
            connection.notes,
            [
                "user `u` is not in the kubeconfig: requests are anonymous",
                "the server's certificate is not checked (insecure-skip-tls-verify)"
            ]
        );
        assert_eq!(connection.server, "https://h:6443");
    }
}
