//! Requests to the API server: one client, its credentials, and what an answer means.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HeaderValue};
use http::{Request, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use kube::client::Body;
use kube::config::AuthInfo;
use serde::Deserialize;
use tokio::sync::{Mutex, Semaphore, watch};

use crate::source::TroubleKind;
use crate::text::{cut, tame};

use super::connect::Connection;
use super::credentials::{self, PluginError};
use super::error::LiveError;

/// How many kinds are listed at the same time.
const LISTS_AT_ONCE: usize = 3;
/// Tokens are renewed this long before they end.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_secs(60);
/// A plugin is not run again sooner than this, be it that it failed or that the server refuses what it gave.
const PLUGIN_PAUSE: Duration = Duration::from_secs(30);
/// A refusal is short; what takes longer to read is not worth it.
const ERROR_BODY_LIMIT: Duration = Duration::from_secs(10);

/// Why a request brought nothing. The texts are safe to show and stay equal from try to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// No connection, or it broke.
    Unreachable(String),
    Untrusted(String),
    Plugin(PluginError),
    /// 401.
    Unauthorized,
    /// 403, with the server's message.
    Forbidden(String),
    /// 404: there is no such kind, or no such object.
    NotFound,
    /// 405: there is such a kind, and it cannot be watched.
    NotAllowed,
    /// 410, with the token that goes on with a broken-off list, when the server gave one.
    Gone {
        resume: Option<String>,
    },
    /// The server cannot now: 429, 5xx and what else it may say.
    Refused {
        why: String,
        after: Option<Duration>,
    },
    /// The answer makes no sense, or did not come.
    Broken(String),
}

impl Failure {
    /// One line for people.
    pub(super) fn why(&self) -> String {
        match self {
            Self::Unreachable(why) => format!("no connection: {why}"),
            Self::Untrusted(why) => format!("certificate not trusted: {why}"),
            Self::Plugin(error) => error.to_string(),
            Self::Unauthorized => "credentials rejected (401)".to_owned(),
            Self::Forbidden(message) => message.clone(),
            Self::NotFound => "not found (404)".to_owned(),
            Self::NotAllowed => "cannot be watched (405)".to_owned(),
            Self::Gone { .. } => "too old (410)".to_owned(),
            Self::Refused { why, .. } | Self::Broken(why) => why.clone(),
        }
    }

    /// Whether every other request must fail the same way.
    pub(super) fn is_general(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_) | Self::Untrusted(_) | Self::Plugin(_) | Self::Unauthorized
        )
    }

    pub(super) fn kind(&self) -> TroubleKind {
        match self {
            Self::Unreachable(_) => TroubleKind::Unreachable,
            Self::Untrusted(_) => TroubleKind::Untrusted,
            Self::Plugin(_) => TroubleKind::Plugin,
            Self::Unauthorized => TroubleKind::Unauthorized,
            _ => TroubleKind::Server,
        }
    }

    /// What a command that needs the cluster says when this is all it got.
    pub(super) fn into_error(self, connection: &Connection) -> LiveError {
        let server = connection.server.clone();
        match self {
            Self::Untrusted(why) => LiveError::Untrusted { server, why },
            Self::Plugin(error) => LiveError::Plugin(error),
            Self::Unauthorized => LiveError::Unauthorized {
                server,
                context: connection.label.clone(),
            },
            Self::Unreachable(why) => LiveError::Unreachable { server, why },
            other => LiveError::Unreachable {
                server,
                why: other.why(),
            },
        }
    }
}

/// What all feeds share.
pub(super) struct Session {
    connection: std::sync::Mutex<Arc<Connection>>,
    current: Mutex<Current>,
    /// Counts the wishes to try again now.
    wake: watch::Sender<u64>,
    pub(super) lists: Semaphore,
}

#[derive(Default)]
struct Current {
    client: Option<Client>,
    authorization: Option<HeaderValue>,
    expires: Option<Timestamp>,
    /// When the plugin last ran, and what came of it when it failed.
    plugin_ran: Option<(Instant, Option<PluginError>)>,
    /// Grows with every new client or token.
    epoch: u64,
}

struct Ready {
    client: Client,
    authorization: Option<HeaderValue>,
    epoch: u64,
}

impl Session {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection: std::sync::Mutex::new(Arc::new(connection)),
            current: Mutex::default(),
            wake: watch::Sender::new(0),
            lists: Semaphore::new(LISTS_AT_ONCE),
        }
    }

    pub(super) fn connection(&self) -> Arc<Connection> {
        let guard = self.connection.lock();
        Arc::clone(&guard.unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Follows the wishes to try again now.
    pub(super) fn wishes(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }

    /// Drops the client with all its idle connections and the credentials, and wakes everybody who waits.
    pub(super) async fn reconnect(&self, connection: Option<Connection>) {
        if let Some(connection) = connection {
            let mut guard = self.connection.lock();
            match &mut guard {
                Ok(slot) => **slot = Arc::new(connection),
                Err(poisoned) => **poisoned.get_mut() = Arc::new(connection),
            }
        }
        {
            let mut current = self.current.lock().await;
            let epoch = current.epoch + 1;
            *current = Current {
                epoch,
                ..Current::default()
            };
        }
        self.wake.send_modify(|count| *count += 1);
    }

    /// Asks for `path` and returns the answer's body once its status says that there is one.
    ///
    /// A 401 runs the credential plugin again and asks once more; see [`PLUGIN_PAUSE`].
    pub(super) async fn get(
        &self,
        path: &str,
        accept: &'static str,
        compressed: bool,
    ) -> Result<Body, Failure> {
        let ready = self.ready().await?;
        match self.ask(&ready, path, accept, compressed).await {
            Err(Failure::Unauthorized) if self.renew(ready.epoch).await? => {
                let ready = self.ready().await?;
                self.ask(&ready, path, accept, compressed).await
            }
            answer => answer,
        }
    }

    async fn ask(
        &self,
        ready: &Ready,
        path: &str,
        accept: &'static str,
        compressed: bool,
    ) -> Result<Body, Failure> {
        let mut request = Request::get(path)
            .header(ACCEPT, accept)
            .body(Body::empty())
            .map_err(|error| Failure::Broken(shorten(&error.to_string())))?;
        if !compressed {
            // Servers from 1.37 on compress each watch event by itself, which the client cannot read.
            request
                .headers_mut()
                .insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        if let Some(value) = &ready.authorization {
            request.headers_mut().insert(AUTHORIZATION, value.clone());
        }
        let answer = ready
            .client
            .send(request)
            .await
            .map_err(|error| from_kube(&error))?;
        if answer.status().is_success() {
            return Ok(answer.into_body());
        }
        Err(refusal(answer).await)
    }

    /// Returns a client with credentials that have not run out, running the plugin for them when needed.
    async fn ready(&self) -> Result<Ready, Failure> {
        let connection = self.connection();
        // Held while the plugin runs: the others need its answer too.
        let mut current = self.current.lock().await;
        if let Some(plugin) = &connection.plugin {
            let is_due = current
                .expires
                .is_some_and(|end| Timestamp::now() + RENEW_BEFORE >= end);
            let paused = match &current.plugin_ran {
                Some((at, Some(error))) if at.elapsed() < PLUGIN_PAUSE => {
                    return Err(Failure::Plugin(error.clone()));
                }
                // A token that lives for less than a minute is due at once; do not run the plugin for each request.
                Some((at, None)) => at.elapsed() < PLUGIN_PAUSE || !is_due,
                _ => false,
            };
            if !paused {
                match credentials::run(plugin, credentials::LIMIT).await {
                    Ok(given) => current.accept(&connection, given)?,
                    Err(error) => {
                        current.plugin_ran = Some((Instant::now(), Some(error.clone())));
                        return Err(Failure::Plugin(error));
                    }
                }
            }
        }
        let client = if let Some(client) = &current.client {
            client.clone()
        } else {
            let client =
                Client::try_from(connection.config.clone()).map_err(|error| from_kube(&error))?;
            current.client = Some(client.clone());
            client
        };
        Ok(Ready {
            client,
            authorization: current.authorization.clone(),
            epoch: current.epoch,
        })
    }

    /// Makes sure that the next request has other credentials than those of `epoch`. False when there are no others.
    async fn renew(&self, epoch: u64) -> Result<bool, Failure> {
        if self.connection().plugin.is_none() {
            return Ok(false);
        }
        let mut current = self.current.lock().await;
        if current.epoch != epoch {
            // Another request has renewed them already.
            return Ok(true);
        }
        let ran_lately =
            matches!(&current.plugin_ran, Some((at, _)) if at.elapsed() < PLUGIN_PAUSE);
        // The very first answer of a plugin may come from its cache: that one is renewed at once.
        if ran_lately && current.epoch > 1 {
            return Ok(false);
        }
        current.plugin_ran = None;
        Ok(true)
    }
}

impl Current {
    fn accept(
        &mut self,
        connection: &Connection,
        given: credentials::Credentials,
    ) -> Result<(), Failure> {
        self.authorization = given.authorization;
        self.expires = given.expires;
        self.plugin_ran = Some((Instant::now(), None));
        self.epoch += 1;
        if let Some((certificate, key)) = given.identity {
            let mut config = connection.config.clone();
            // Through serde, because the key's type is not ours to make.
            let identity: AuthInfo = serde_json::from_value(serde_json::json!({
                "client-certificate-data": base64(certificate.as_bytes()),
                "client-key-data": base64(key.as_bytes()),
            }))
            .ok()
            .ok_or_else(|| Failure::Broken("the plugin's certificate cannot be used".to_owned()))?;
            config.auth_info.client_certificate_data = identity.client_certificate_data;
            config.auth_info.client_key_data = identity.client_key_data;
            self.client = Some(Client::try_from(config).map_err(|error| from_kube(&error))?);
        }
        Ok(())
    }
}

/// The parts of a Status object that are read.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ErrorStatus {
    message: String,
    code: u16,
    details: Option<ErrorDetails>,
    metadata: Option<ErrorMetadata>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ErrorDetails {
    retry_after_seconds: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorMetadata {
    #[serde(rename = "continue")]
    resume: Option<String>,
}

impl ErrorStatus {
    /// Decides by the code alone: reasons differ between servers, and proxies have none.
    pub(super) fn into_failure(self) -> Failure {
        let resume = self
            .metadata
            .and_then(|metadata| metadata.resume)
            .filter(|token| !token.is_empty());
        let message = shorten(&self.message);
        match self.code {
            401 => Failure::Unauthorized,
            403 => Failure::Forbidden(if message.is_empty() {
                "forbidden (403)".to_owned()
            } else {
                message
            }),
            404 => Failure::NotFound,
            405 => Failure::NotAllowed,
            410 => Failure::Gone { resume },
            code => Failure::Refused {
                after: self
                    .details
                    .and_then(|details| details.retry_after_seconds)
                    .filter(|seconds| *seconds > 0)
                    .map(Duration::from_secs),
                why: match code {
                    429 => "the server is throttling us (429)".to_owned(),
                    _ if message.is_empty() => format!("the server answers {code}"),
                    _ => format!("{message} ({code})"),
                },
            },
        }
    }
}

async fn refusal(answer: Response<Body>) -> Failure {
    let code = answer.status().as_u16();
    let header_seconds = answer
        .headers()
        .get(http::header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok());
    let body = match answer.status() {
        StatusCode::UNAUTHORIZED => None,
        _ => tokio::time::timeout(ERROR_BODY_LIMIT, answer.into_body().collect_bytes())
            .await
            .ok()
            .and_then(Result::ok),
    };
    let body = body.as_deref().unwrap_or_default();
    let mut status: ErrorStatus = serde_json::from_slice(body).unwrap_or_else(|_| ErrorStatus {
        // Proxies and broken aggregated servers answer in plain text or HTML; one line of text is worth showing.
        message: std::str::from_utf8(body)
            .ok()
            .filter(|text| !text.trim_start().starts_with('<'))
            .and_then(|text| text.lines().next())
            .unwrap_or_default()
            .to_owned(),
        ..ErrorStatus::default()
    });
    status.code = code;
    if let Some(seconds) = header_seconds {
        let details = status.details.get_or_insert_default();
        details.retry_after_seconds.get_or_insert(seconds);
    }
    status.into_failure()
}

/// Sorts what the client says. The text worth reading stands at the end of the chain of causes.
pub(super) fn from_kube(error: &kube::Error) -> Failure {
    use kube::Error as Kube;
    let mut last: &dyn std::error::Error = error;
    while let Some(next) = last.source() {
        last = next;
    }
    let text = shorten(&last.to_string());
    match error {
        Kube::Auth(kube::client::AuthError::ReadTokenFile(_, path)) => Failure::Broken(format!(
            "cannot read the token file `{}`: {text}",
            tame(&path.display().to_string())
        )),
        // Whatever these say may hold a command line or its output.
        Kube::Auth(_) => Failure::Broken("the kubeconfig's credentials cannot be used".to_owned()),
        Kube::RustlsTls(_) => Failure::Broken(
            "the kubeconfig's client certificate, key or certificate authority cannot be used"
                .to_owned(),
        ),
        Kube::ProxyProtocolUnsupported { .. } | Kube::ProxyProtocolDisabled { .. } => {
            Failure::Broken("this kind of proxy is not supported".to_owned())
        }
        _ if text.contains("certificate") => Failure::Untrusted(text),
        Kube::Service(_) | Kube::HyperError(_) => Failure::Unreachable(text),
        _ => Failure::Broken(text),
    }
}

/// One line of at most 300 cells, safe to show.
fn shorten(text: &str) -> String {
    let tamed = tame(text.trim());
    cut(&tamed, 300).into_owned()
}

/// Standard base64 with padding: kubeconfig fields hold PEM in it.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .chain([&0, &0])
            .take(3)
            .fold(0usize, |group, byte| group << 8 | usize::from(*byte));
        for position in 0..4 {
            text.push(if position <= chunk.len() {
                char::from(DIGITS[group >> (18 - 6 * position) & 63])
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn answers_are_sorted_by_code() {
        let read = |text: &str| -> Failure {
            serde_json::from_str::<ErrorStatus>(text)
                .unwrap()
                .into_failure()
        };
        assert_eq!(
            read(r#"{"code": 403, "message": "pods is \u001b[31mforbidden"}"#),
            Failure::Forbidden("pods is \\u{1b}[31mforbidden".to_owned())
        );
        assert_eq!(
            read(r#"{"code": 410, "metadata": {"continue": "next"}}"#),
            Failure::Gone {
                resume: Some("next".to_owned())
            }
        );
        assert_eq!(
            read(r#"{"code": 429, "details": {"retryAfterSeconds": 2}}"#),
            Failure::Refused {
                why: "the server is throttling us (429)".to_owned(),
                after: Some(Duration::from_secs(2))
            }
        );
    }
}
