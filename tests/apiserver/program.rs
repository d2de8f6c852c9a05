//! The real program against the real API server: the same answers as from files, and the screen follows a change.

use std::process::{Command, Output};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::apiserver::ApiServer;
use crate::harness::Terminal;

/// A server of its own: these tests look at the whole cluster. They run one after the other, in one test.
static SERVER: LazyLock<Option<ApiServer>> = LazyLock::new(ApiServer::start);

const CLUSTER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/assets/demo/stalker/cluster.yaml"
);

fn netseg(args: &[&str], kubeconfig: Option<&std::path::Path>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netseg-tui"));
    command.args(args);
    command.env_remove("KUBECONFIG");
    if let Some(path) = kubeconfig {
        command.arg("--kubeconfig").arg(path);
    }
    command.output().expect("the program runs")
}

fn json(output: &Output) -> serde_json::Value {
    let told = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}; it said: {told}"))
}

/// Everything but where objects were read from.
fn without_places(output: &Output) -> String {
    fn strip(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(map) => {
                map.remove("source");
                map.remove("diagnostics");
                map.values_mut().for_each(strip);
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = json(output);
    strip(&mut value);
    serde_json::to_string_pretty(&value).expect("it was JSON before")
}

#[test]
fn the_program_answers_alike_from_files_and_from_a_server_and_follows_it() {
    let Some(server) = &*SERVER else { return };
    let text = std::fs::read_to_string(CLUSTER).expect("the demo's cluster");
    // A server wants to know which incarnation of an owner is meant; any will do.
    let uid = "controller: true, uid: 6f2b0c1e-0000-4000-8000-000000000000}";
    let text = text.replace("controller: true}", uid);
    server.apply(&text);
    let admin = server.kubeconfig("admin");

    // Everything that is listed, byte for byte.
    for question in [
        &["flows", "-o", "json"][..],
        &["matrix", "27017", "-o", "json"],
        &["table", "-o", "json"],
        &["graph", "-o", "json"],
        &[
            "probe",
            "stalker/cron-service",
            "stalker/mongo",
            "27017",
            "-o",
            "json",
        ],
        &["probe", "stalker/ui", "dns", "53", "-o", "json"],
        &[
            "probe",
            "stalker/orchestrator",
            "k8s-api",
            "443",
            "-o",
            "json",
        ],
    ] {
        let from_file = netseg(&[question, &["-f", CLUSTER]].concat(), None);
        let live = netseg(question, Some(&admin));
        assert_eq!(
            without_places(&live),
            without_places(&from_file),
            "{question:?}"
        );
        assert_eq!(live.status.code(), from_file.status.code(), "{question:?}");
    }

    // A namespace that does not exist is a slip of the fingers, not an empty answer.
    let slip = netseg(&["flows", "-n", "stalkr"], Some(&admin));
    let told = String::from_utf8_lossy(&slip.stderr);
    assert_eq!(slip.status.code(), Some(3), "{told}");
    assert!(told.contains("no namespace `stalkr` was loaded"), "{told}");

    // The screen, while a policy goes away and comes back.
    let kubeconfig = admin.display().to_string();
    let mut screen = Terminal::start(&["--kubeconfig", &kubeconfig], (120, 40), &[]);
    let limit = Duration::from_secs(20);
    screen.wait_for("live", limit);
    screen.wait_for("flow-manager", limit);
    screen.keys("p");
    screen.wait_for("PROBE", limit);
    screen.keys("\u{15}stalker/cron-service stalker/mongo 27017\r");
    screen.wait_for("ALLOW", limit);
    server.kubectl(&["delete", "networkpolicy", "mongo", "--namespace=stalker"]);
    let stored = Instant::now();
    screen.wait_for("DENY", limit);
    assert!(
        stored.elapsed() < Duration::from_secs(1),
        "the screen took {:?}",
        stored.elapsed()
    );
    let denied = netseg(
        &["probe", "stalker/cron-service", "stalker/mongo", "27017"],
        Some(&admin),
    );
    assert_eq!(denied.status.code(), Some(1));
    server.apply(&text);
    screen.wait_for("ALLOW", limit);
    screen.keys("q");
    assert_eq!(screen.ended(limit), 0);

    // Not allowed to read policies of anything but one namespace: nothing outside it is ever "allowed".
    let restricted = netseg(
        &[
            "probe",
            "stalker/cron-service",
            "stalker/mongo",
            "27017",
            "-o",
            "json",
        ],
        Some(&server.kubeconfig("nobody")),
    );
    assert_ne!(
        restricted.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&restricted.stdout)
    );
}
