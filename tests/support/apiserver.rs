//! A real kube-apiserver with its etcd on loopback, for tests.
//!
//! The programs come from the folder `KUBEBUILDER_ASSETS` names (`tests/apiserver/build.sh` makes one). There is no controller:
//! nothing makes endpoints, replicas or tokens, and a deleted namespace stays. Everything ends with the test's process, however
//! that ends: each server hangs on a pipe that the process holds.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The users with a token. `admin` may do everything, the others nothing until a test gives them roles.
const USERS: [&str; 4] = ["admin", "viewer", "onens", "nobody"];
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running API server. It ends when dropped, or with the process.
pub(crate) struct ApiServer {
    assets: PathBuf,
    folder: PathBuf,
    arguments: Vec<String>,
    apiserver: Option<Daemon>,
    // After the API server, because fields are dropped in this order.
    _etcd: Daemon,
}

impl ApiServer {
    /// Starts one, which takes about five seconds. `None`, said on standard error, when there are no programs to start, which
    /// `NETSEG_REQUIRE_APISERVER=1` makes a failure.
    pub(crate) fn start() -> Option<Self> {
        let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
        let Some(assets) = assets.filter(|path| path.join("kube-apiserver").exists()) else {
            assert!(
                std::env::var_os("NETSEG_REQUIRE_APISERVER").is_none_or(|value| value != "1"),
                "no API server: KUBEBUILDER_ASSETS names no folder with kube-apiserver in it"
            );
            let said = writeln!(
                std::io::stderr(),
                "skipped: no API server (KUBEBUILDER_ASSETS)"
            );
            said.expect("standard error is open");
            return None;
        };
        let folder = tempfile::tempdir().unwrap().keep();
        make_certificates(&folder);
        let tokens: String = USERS
            .iter()
            .enumerate()
            .map(|(id, user)| match *user {
                "admin" => format!("{user},{user},{id},\"system:masters\"\n"),
                _ => format!("{user},{user},{id}\n"),
            })
            .collect();
        std::fs::write(folder.join("tokens.csv"), tokens).unwrap();

        let [client, peer, port] = free_ports();
        for user in USERS {
            write_kubeconfig(&folder, user, port);
        }
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let path = |name: &str| folder.join(name).display().to_string();
        let etcd = Daemon::start(
            &assets.join("etcd"),
            &[
                "--name=t".to_owned(),
                format!("--data-dir={}", path("etcd")),
                format!("--listen-client-urls={}", url(client)),
                format!("--advertise-client-urls={}", url(client)),
                format!("--listen-peer-urls={}", url(peer)),
                format!("--initial-advertise-peer-urls={}", url(peer)),
                format!("--initial-cluster=t={}", url(peer)),
                "--unsafe-no-fsync".to_owned(),
                "--log-level=warn".to_owned(),
            ],
            &folder,
            true,
        );
        let arguments = vec![
            format!("--etcd-servers={}", url(client)),
            "--bind-address=127.0.0.1".to_owned(),
            "--advertise-address=127.0.0.1".to_owned(),
            format!("--secure-port={port}"),
            // It refuses to announce a loopback address.
            "--endpoint-reconciler-type=none".to_owned(),
            format!("--cert-dir={}", path("certificates")),
            format!("--tls-cert-file={}", path("server.crt")),
            format!("--tls-private-key-file={}", path("server.key")),
            format!("--token-auth-file={}", path("tokens.csv")),
            "--anonymous-auth=false".to_owned(),
            format!("--service-account-issuer=https://127.0.0.1:{port}/"),
            format!("--service-account-key-file={}", path("sa.pub")),
            format!("--service-account-signing-key-file={}", path("sa.key")),
            "--authorization-mode=RBAC".to_owned(),
            "--allow-privileged=true".to_owned(),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            // Without controllers nobody would make service accounts or take the taints away.
            "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition".to_owned(),
            "--profiling=false".to_owned(),
        ];
        let mut server = Self {
            assets,
            folder,
            arguments,
            apiserver: None,
            _etcd: etcd,
        };
        server.come_back();
        Some(server)
    }

    /// Kills the API server: connections break without a word. Its objects stay.
    pub(crate) fn crash(&mut self) {
        self.apiserver = None;
    }

    /// Starts it again, at the same address, and waits until it is ready.
    pub(crate) fn come_back(&mut self) {
        let program = self.assets.join("kube-apiserver");
        let daemon = Daemon::start(&program, &self.arguments, &self.folder, false);
        self.apiserver = Some(daemon);
        self.wait_until_ready();
    }

    /// The kubeconfig of a user: `admin`, `viewer`, `onens` or `nobody`. Its context is named after the user.
    pub(crate) fn kubeconfig(&self, user: &str) -> PathBuf {
        assert!(USERS.contains(&user), "{user}");
        kubeconfig_of(&self.folder, user)
    }

    /// Runs kubectl as admin and returns what it printed. Panics when it fails.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        self.kubectl_with_input(arguments, "")
    }

    /// Creates or changes every object of the manifests, their status too.
    ///
    /// Namespaces must come before what is in them. Objects need everything the API demands: containers with images, owner
    /// references with a uid.
    pub(crate) fn apply(&self, manifests: &str) {
        self.kubectl_with_input(&["apply", "-f", "-"], manifests);
        for document in netseg::yaml::documents(manifests) {
            let object: Value = netseg::yaml::read(document.text).unwrap();
            // The status is ignored until the object exists.
            if object["status"].is_object() {
                let text = |value: &Value| value.as_str().unwrap_or("default").to_owned();
                let patch = serde_json::json!({ "status": object["status"] }).to_string();
                self.kubectl(&[
                    "patch",
                    &text(&object["kind"]),
                    &text(&object["metadata"]["name"]),
                    "--namespace",
                    &text(&object["metadata"]["namespace"]),
                    "--subresource=status",
                    "--type=merge",
                    "--patch",
                    &patch,
                ]);
            }
        }
    }

    /// Creates every object of the manifests, without kubectl's notes on them and without their status: fast for many.
    pub(crate) fn create(&self, manifests: &str) {
        self.kubectl_with_input(&["create", "-f", "-"], manifests);
    }

    fn kubectl_with_input(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run_kubectl(arguments, input);
        assert!(
            output.status.success(),
            "kubectl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn run_kubectl(&self, arguments: &[&str], input: &str) -> Output {
        let file = self.folder.join("input.yaml");
        // By thread: tests run kubectl side by side.
        let file = file.with_extension(format!("{:?}", std::thread::current().id()));
        std::fs::write(&file, input).unwrap();
        Command::new(self.assets.join("kubectl"))
            .arg("--kubeconfig")
            .arg(self.kubeconfig("admin"))
            .args(arguments)
            .env("HOME", &self.folder)
            .stdin(std::fs::File::open(&file).unwrap())
            .output()
            .unwrap()
    }

    fn wait_until_ready(&self) {
        let end = Instant::now() + START_LIMIT;
        loop {
            let output = self.run_kubectl(&["get", "--raw", "/readyz"], "");
            if output.status.success() && output.stdout == b"ok" {
                return;
            }
            assert!(
                Instant::now() < end,
                "the API server is not ready:\n{}",
                std::fs::read_to_string(self.folder.join("kube-apiserver.log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// A program that ends when this is dropped, or when this process is gone for whatever reason.
struct Daemon(Child);

impl Daemon {
    /// Starts it behind a shell that waits for the end of our pipe; the last one takes the folder away with it.
    fn start(program: &Path, arguments: &[String], folder: &Path, is_last: bool) -> Self {
        let name = program.file_name().unwrap().to_string_lossy();
        let log = std::fs::File::create(folder.join(format!("{name}.log"))).unwrap();
        let cleanup = if is_last { "; rm -rf \"$folder\"" } else { "" };
        let script = format!(
            "folder=$1; shift; \"$@\" </dev/null & id=$!; cat >/dev/null; kill -9 $id; wait $id{cleanup}"
        );
        let child = Command::new("sh")
            .arg("-c")
            .arg(script)
            .arg("sh")
            .arg(folder)
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn kubeconfig_of(folder: &Path, user: &str) -> PathBuf {
    folder.join(format!("{user}.kubeconfig"))
}

fn write_kubeconfig(folder: &Path, user: &str, port: u16) {
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {user}\n\
         contexts: [{{name: {user}, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:{port}', certificate-authority: ca.crt}}}}]\n\
         users: [{{name: u, user: {{token: {user}}}}}]\n"
    );
    std::fs::write(kubeconfig_of(folder, user), text).unwrap();
}

fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    let listeners = [(); COUNT].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// A certificate authority, the server's certificate, and the key for service accounts.
fn make_certificates(folder: &Path) {
    let curve = "ec_paramgen_curve:P-256";
    let request = [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", curve, "-nodes", "-days", "2",
    ];
    let authority = [
        "-subj",
        "/CN=netseg-test",
        "-keyout",
        "ca.key",
        "-out",
        "ca.crt",
    ];
    openssl(folder, &[&request[..], &authority[..]].concat());
    let server = [
        "-subj",
        "/CN=kube-apiserver",
        "-keyout",
        "server.key",
        "-out",
        "server.crt",
        "-CA",
        "ca.crt",
        "-CAkey",
        "ca.key",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-addext",
        "subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost",
    ];
    openssl(folder, &[&request[..], &server[..]].concat());
    openssl(
        folder,
        &[
            "ecparam",
            "-name",
            "prime256v1",
            "-genkey",
            "-noout",
            "-out",
            "sa.key",
        ],
    );
    openssl(
        folder,
        &["ec", "-in", "sa.key", "-pubout", "-out", "sa.pub"],
    );
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("openssl can be started");
    assert!(
        output.status.success(),
        "openssl {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
