//! Exec credential plugins, run by us and never with our terminal.
//!
//! A plugin gets null for standard input and pipes for the rest. Where there is a `setsid` program (Linux) it runs in a session of
//! its own, so that it cannot open `/dev/tty` and write over the screen; elsewhere in a process group of its own, which keeps
//! the keyboard from it and lets us end it whole. See the client authentication API:
//! <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use http::HeaderValue;
use jiff::Timestamp;
use kube::config::{ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use crate::text::{cut, tame};
use crate::yaml;

/// How long a plugin may take.
pub(super) const LIMIT: Duration = Duration::from_secs(30);
/// How long its pipes may stay open after it has ended: a helper it left behind may hold them.
const PIPE_LIMIT: Duration = Duration::from_secs(1);
const ANSWER_BYTES: usize = 1 << 20;
const COMPLAINT_BYTES: usize = 8 << 10;

/// Why a credential plugin gave no credentials. Only the name of its program is shown: arguments, environment and output may
/// hold secrets. Of what it wrote to standard error, the last line is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PluginError {
    #[error("credential plugin `{command}` not found")]
    Missing {
        command: String,
        install_hint: Option<String>,
    },
    #[error("credential plugin `{command}` cannot be started: {why}")]
    Start { command: String, why: String },
    #[error("credential plugin `{command}` failed ({status}): {why}")]
    Failed {
        command: String,
        status: String,
        why: String,
    },
    #[error("credential plugin `{command}` took longer than {seconds} s")]
    TimedOut { command: String, seconds: u64 },
    #[error("credential plugin `{command}` gave no credentials: {why}")]
    Answer { command: String, why: String },
    /// The kubeconfig's `exec` has no command.
    #[error("the kubeconfig's credential plugin has no command")]
    NoCommand,
}

impl PluginError {
    /// What to do next, when we know.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { install_hint, .. } => Some(
                install_hint
                    .clone()
                    .unwrap_or_else(|| "install it, or put it on the PATH".to_owned()),
            ),
            Self::Failed { .. } | Self::TimedOut { .. } => Some(
                "log in with the plugin's own tool first; here it cannot ask for anything"
                    .to_owned(),
            ),
            Self::Start { .. } | Self::Answer { .. } | Self::NoCommand => {
                Some("kubectl config view shows the user's exec entry".to_owned())
            }
        }
    }
}

/// What a plugin gave. The token is marked sensitive, so it does not show in debug output.
pub(super) struct Credentials {
    pub(super) authorization: Option<HeaderValue>,
    /// Certificate and key, PEM.
    pub(super) identity: Option<(String, String)>,
    pub(super) expires: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    api_version: Option<String>,
    #[serde(default)]
    status: Option<AnswerStatus>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AnswerStatus {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
    expiration_timestamp: Option<String>,
}

/// Runs the plugin once.
pub(super) async fn run(plugin: &ExecConfig, limit: Duration) -> Result<Credentials, PluginError> {
    let program = plugin
        .command
        .as_deref()
        .filter(|command| !command.is_empty())
        .ok_or(PluginError::NoCommand)?;
    let shown = shown_name(program);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let executable = find_program(program, &path).ok_or_else(|| PluginError::Missing {
        command: shown.clone(),
        install_hint: plugin
            .install_hint
            .as_deref()
            .map(|hint| cut(&tame(hint.trim()), 300).into_owned()),
    })?;
    let (status, answer, complaint) = execute(plugin, &executable, &shown, limit).await?;
    if !status.success() {
        return Err(PluginError::Failed {
            command: shown,
            status: status.to_string(),
            why: last_line(&complaint, plugin.interactive_mode.as_ref()),
        });
    }
    read_answer(plugin, &answer).map_err(|why| PluginError::Answer {
        command: shown,
        why,
    })
}

async fn execute(
    plugin: &ExecConfig,
    executable: &Path,
    shown: &str,
    limit: Duration,
) -> Result<(ExitStatus, Vec<u8>, Vec<u8>), PluginError> {
    let mut command = in_its_own_session(executable);
    command
        .args(plugin.args.iter().flatten())
        .env("KUBERNETES_EXEC_INFO", exec_info(plugin))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for pair in plugin.env.iter().flatten() {
        if let (Some(name), Some(value)) = (pair.get("name"), pair.get("value")) {
            command.env(name, value);
        }
    }
    let mut child = command.spawn().map_err(|error| PluginError::Start {
        command: shown.to_owned(),
        why: tame(&error.to_string()).into_owned(),
    })?;
    let group = Group(child.id());
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(PluginError::Start {
            command: shown.to_owned(),
            why: "it has no pipes".to_owned(),
        });
    };
    let answer = tokio::spawn(keep(stdout, ANSWER_BYTES, End::First));
    let complaint = tokio::spawn(keep(stderr, COMPLAINT_BYTES, End::Last));
    let waited = tokio::time::timeout(limit, child.wait()).await;
    let Ok(Ok(status)) = waited else {
        group.end();
        return Err(match waited {
            Ok(Err(error)) => PluginError::Start {
                command: shown.to_owned(),
                why: tame(&error.to_string()).into_owned(),
            },
            _ => PluginError::TimedOut {
                command: shown.to_owned(),
                seconds: limit.as_secs(),
            },
        });
    };
    let rest = |handle| async move {
        match tokio::time::timeout(PIPE_LIMIT, handle).await {
            Ok(Ok(bytes)) => bytes,
            _ => Vec::new(),
        }
    };
    Ok((status, rest(answer).await, rest(complaint).await))
}

/// The plugin's processes, by the id of the first.
struct Group(Option<u32>);

impl Group {
    fn end(&self) {
        let id = self.0.and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(rustix::process::Pid::from_raw) {
            // It may have ended meanwhile; then there is nothing to do.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

fn in_its_own_session(executable: &Path) -> Command {
    let setsid = ["/usr/bin/setsid", "/bin/setsid"]
        .into_iter()
        .map(Path::new)
        .find(|path| path.exists());
    // It becomes the plugin without a process in between, since it does not lead a group yet.
    if let Some(setsid) = setsid {
        let mut command = Command::new(setsid);
        command.arg(executable);
        return command;
    }
    let mut command = Command::new(executable);
    command.process_group(0);
    command
}

fn exec_info(plugin: &ExecConfig) -> String {
    let mut spec = serde_json::json!({ "interactive": false });
    if plugin.provide_cluster_info
        && let Some(cluster) = &plugin.cluster
        && let Ok(cluster) = serde_json::to_value(cluster)
    {
        spec["cluster"] = cluster;
    }
    serde_json::json!({
        "apiVersion": plugin.api_version.as_deref().unwrap_or("client.authentication.k8s.io/v1"),
        "kind": "ExecCredential",
        "spec": spec,
    })
    .to_string()
}

fn read_answer(plugin: &ExecConfig, bytes: &[u8]) -> Result<Credentials, String> {
    let text = std::str::from_utf8(bytes)
        .ok()
        .filter(|text| !text.trim().is_empty())
        .ok_or("it printed nothing that can be read")?;
    // The protocol is JSON; client-go takes YAML as well.
    let answer: Answer = serde_json::from_str(text)
        .ok()
        .or_else(|| yaml::read(text).ok())
        .ok_or("what it printed is no ExecCredential")?;
    if let (Some(asked), Some(given)) = (&plugin.api_version, &answer.api_version)
        && asked != given
    {
        return Err(format!(
            "the kubeconfig asks for {}, it speaks {}",
            tame(asked),
            tame(given)
        ));
    }
    let status = answer.status.ok_or("its ExecCredential has no status")?;
    let authorization = match status.token.as_deref().filter(|token| !token.is_empty()) {
        None => None,
        Some(token) => {
            let mut value = HeaderValue::try_from(format!("Bearer {token}"))
                .ok()
                .ok_or("its token has line breaks in it")?;
            value.set_sensitive(true);
            Some(value)
        }
    };
    let identity = match (status.client_certificate_data, status.client_key_data) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => return Err("it gave a certificate or a key, not both".to_owned()),
    };
    if authorization.is_none() && identity.is_none() {
        return Err("neither a token nor a certificate is in it".to_owned());
    }
    let expires = match status.expiration_timestamp.as_deref() {
        None | Some("") => None,
        Some(text) => Some(
            text.parse::<Timestamp>()
                .ok()
                .ok_or("its expirationTimestamp is no time")?,
        ),
    };
    Ok(Credentials {
        authorization,
        identity,
        expires,
    })
}

fn last_line(complaint: &[u8], mode: Option<&ExecInteractiveMode>) -> String {
    let text = String::from_utf8_lossy(complaint);
    match text.lines().map(str::trim).rfind(|line| !line.is_empty()) {
        Some(line) => cut(&tame(line), 300).into_owned(),
        None if mode == Some(&ExecInteractiveMode::Always) => "it insists on a terminal".to_owned(),
        None => "it does not say why".to_owned(),
    }
}

fn shown_name(program: &str) -> String {
    let name = Path::new(program)
        .file_name()
        .map_or_else(|| program.into(), OsStr::to_string_lossy);
    tame(&name).into_owned()
}

/// Looks a program up as a shell would: by path when it has a slash, else along `PATH`.
fn find_program(program: &str, path: &OsStr) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| path.is_file());
    }
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    First,
    Last,
}

/// Reads to the end and keeps at most `limit` bytes of one end: a plugin that prints without stop must not fill memory.
async fn keep(mut pipe: impl AsyncRead + Unpin, limit: usize, end: End) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        match end {
            End::First => {
                let room = limit - kept.len();
                kept.extend_from_slice(&buffer[..count.min(room)]);
            }
            End::Last => {
                kept.extend_from_slice(&buffer[..count]);
                let excess = kept.len().saturating_sub(limit);
                kept.drain(..excess);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "client.authentication.k8s.io/v1";

    fn shell(script: &str) -> ExecConfig {
        ExecConfig {
            api_version: Some(KIND.to_owned()),
            command: Some("sh".to_owned()),
            args: Some(vec!["-c".to_owned(), script.to_owned()]),
            ..ExecConfig::default()
        }
    }

    fn answer(status: &str) -> String {
        format!(r#"echo '{{"apiVersion":"{KIND}","kind":"ExecCredential","status":{status}}}'"#)
    }

    async fn failure(script: &str) -> String {
        match run(&shell(script), LIMIT).await {
            Ok(_) => panic!("{script}"),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn a_token_is_read_and_does_not_show() {
        let status = r#"{"token":"s3cret","expirationTimestamp":"2040-01-02T03:04:05Z"}"#;
        let given = run(&shell(&answer(status)), LIMIT).await.unwrap();
        let header = given.authorization.unwrap();
        assert_eq!(header.to_str().unwrap(), "Bearer s3cret");
        assert_eq!(format!("{header:?}"), "Sensitive");
        assert_eq!(given.expires, Some("2040-01-02T03:04:05Z".parse().unwrap()));
    }

    #[tokio::test]
    async fn it_is_told_not_to_ask_and_gets_no_terminal() {
        // Nothing to read from, and no terminal to write to.
        let script = format!(
            r#"case "$KUBERNETES_EXEC_INFO" in *'"interactive":false'*) ;; *) exit 3;; esac
            read line && exit 4
            (echo x >/dev/tty) 2>/dev/null && exit 5
            {}"#,
            answer(r#"{"token":"t"}"#)
        );
        let given = run(&shell(&script), LIMIT).await;
        assert!(given.is_ok(), "{:?}", given.err());
    }

    #[tokio::test]
    async fn failures_are_told_by_their_last_line_only() {
        assert_eq!(
            failure(
                "echo s3cret; echo first >&2; printf 'log in \\033[31magain\\n\\n' >&2; exit 2"
            )
            .await,
            "credential plugin `sh` failed (exit status: 2): log in \\u{1b}[31magain"
        );
        assert_eq!(
            failure("exit 1").await,
            "credential plugin `sh` failed (exit status: 1): it does not say why"
        );
        for (script, why) in [
            ("true", "it printed nothing that can be read"),
            ("echo s3cret", "what it printed is no ExecCredential"),
            (
                "echo '{\"apiVersion\": \"client.authentication.k8s.io/v1beta1\"}'",
                "the kubeconfig asks for client.authentication.k8s.io/v1, it speaks client.authentication.k8s.io/v1beta1",
            ),
            (
                "echo '{\"status\": {}}'",
                "neither a token nor a certificate is in it",
            ),
        ] {
            let said = failure(script).await;
            assert_eq!(
                said,
                format!("credential plugin `sh` gave no credentials: {why}")
            );
        }
    }

    #[tokio::test]
    async fn a_missing_one_is_told_with_its_install_hint() {
        let plugin = ExecConfig {
            command: Some("/nowhere/netseg-login".to_owned()),
            args: Some(vec!["--token=s3cret".to_owned()]),
            install_hint: Some("get it from the shop".to_owned()),
            ..ExecConfig::default()
        };
        let Err(error) = run(&plugin, LIMIT).await else {
            panic!("it ran");
        };
        assert_eq!(
            error.to_string(),
            "credential plugin `netseg-login` not found"
        );
        assert_eq!(error.hint().as_deref(), Some("get it from the shop"));
    }

    #[tokio::test]
    async fn one_that_hangs_is_ended_with_all_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("alive");
        // The child of the plugin would leave a mark if it outlived it.
        let script = format!("(sleep 2; : > {}) & sleep 60", mark.display());
        let error = run(&shell(&script), Duration::from_millis(300)).await;
        assert!(matches!(error, Err(PluginError::TimedOut { .. })));
        tokio::time::sleep(Duration::from_millis(2200)).await;
        assert!(!mark.exists());
    }

    #[tokio::test]
    async fn a_flood_on_standard_error_fills_nothing() {
        let script = format!("yes | head -c 3000000 >&2; {}", answer(r#"{"token":"t"}"#));
        assert!(run(&shell(&script), LIMIT).await.is_ok());
    }

    #[test]
    fn programs_are_found_along_absolute_folders_only() {
        let path = OsStr::new(".:bin:/bin:/usr/bin");
        assert!(find_program("sh", path).is_some_and(|found| found.is_absolute()));
        assert_eq!(find_program("sh", OsStr::new(".:bin")), None);
        assert_eq!(find_program("/bin/absent", path), None);
    }
}
