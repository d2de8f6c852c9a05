//! The command `import`, and documents under `--expect`, as scripts see them.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

fn document(name: &str) -> String {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.join("tests/documents")
        .join(name)
        .display()
        .to_string()
}

/// Runs in a folder of its own, so that lines are told with the document's name alone.
fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_netseg-tui"))
        .args(args)
        .current_dir(document(""))
        .env_clear()
        .env(
            "HOME",
            std::env::temp_dir().join("netseg-documents-no-home"),
        )
        .stdin(Stdio::null())
        .output()
        .expect("the binary starts")
}

fn with_input(args: &[&str], input: &str) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("in");
    std::fs::write(&path, input).expect("it can be written");
    let path = path.display().to_string();
    let args: Vec<&str> = args
        .iter()
        .map(|arg| if *arg == "IN" { path.as_str() } else { *arg })
        .collect();
    run(&args)
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_document_is_printed_as_a_file_that_means_the_same() {
    for name in ["ledger-dev.md", "ledger.txt", "harbour.md"] {
        let first = run(&["import", name]);
        assert_eq!(first.status.code(), Some(0), "{}", err(&first));
        let written = out(&first);
        let again = with_input(&["import", "IN"], &written);
        assert_eq!(again.status.code(), Some(0), "{}", err(&again));
        // The same in every word; only the rows of the document, which stood beside their lines, stay behind.
        let as_json = |output: Output| -> serde_json::Value {
            serde_json::from_slice(&output.stdout).expect("it is JSON")
        };
        assert_eq!(
            as_json(with_input(&["import", "IN", "-o", "json"], &written)),
            as_json(run(&["import", name, "-o", "json"])),
            "{name}"
        );
        // And once more, byte for byte.
        let third = with_input(&["import", "IN"], &out(&again));
        assert_eq!(out(&third), out(&again), "{name}");
    }
}

#[test]
fn every_rule_keeps_the_line_it_came_from() {
    let written = out(&run(&["import", "ledger-dev.md"]));
    for line in [
        "apiVersion: netseg/v1",
        "metadata: {name: ledger-dev, sources: [{file: ledger-dev.md, line: 16, env: dev}]}",
        "        src: ledger-dev.md:21   # | Store | 27017 | Deny All |",
        "        egress: [\"53 -> dns\", \"2181,2888,3888 -> keeper\"]",
        "    - {namespace: ledger-batch, src: ledger-dev.md:6}",
        "        egress: [\"any -> 0.0.0.0/0 except 169.254.169.254/32, 172.16.0.0/12, 192.168.0.0/16, 10.0.0.0/8\"]",
    ] {
        assert!(written.lines().any(|own| own == line), "{line}\n{written}");
    }
    let told = err(&run(&["import", "ledger-dev.md"]));
    assert_eq!(
        told,
        "\
note: ledger-dev.md:16: environment dev, 8 rows, 30 items
note: ledger-dev.md:27, ledger-dev.md:29: kept as text, and nothing is judged by it
  help: what is meant as an exception is written so: exceptions: [{id: NOTE-29, from: any, to: …, ports: […], why: …, expires: …}]
"
    );
}

#[test]
fn one_environment_is_printed_with_the_origin_of_every_line() {
    let resolved = run(&["import", "ledger.txt", "--env", "dev", "--resolved"]);
    assert_eq!(resolved.status.code(), Some(0), "{}", err(&resolved));
    let text = out(&resolved);
    assert!(text.contains("# ledger.txt:28"), "{text}");
    assert!(!text.contains("prod:"), "{text}");
    let unknown = run(&["import", "ledger.txt", "--env", "test", "--resolved"]);
    assert_eq!(unknown.status.code(), Some(3));
    assert!(
        err(&unknown).contains("known: prod, dev"),
        "{}",
        err(&unknown)
    );
}

#[test]
fn what_cannot_be_read_is_1_and_nothing_at_all_is_3() {
    let text =
        "| Pod | Ingress | Egress |\n|---|---|---|\n| web | 80 | 99999 (db) |\n| db | 5432 | - |\n";
    let partly = with_input(&["import", "IN"], text);
    assert_eq!(partly.status.code(), Some(1), "{}", err(&partly));
    assert!(out(&partly).contains("5432"), "{}", out(&partly));
    let told = err(&partly);
    assert!(told.contains("`99999` is no port"), "{told}");
    assert!(told.contains("in:3:14\n"), "{told}");
    let strict = with_input(&["--strict", "import", "IN"], text);
    assert_eq!(strict.status.code(), Some(3));
    assert_eq!(out(&strict), "");
    let prose = run(&["import", "prose.md"]);
    assert_eq!(prose.status.code(), Some(3));
    assert_eq!(out(&prose), "");
    assert!(
        err(&prose).starts_with("error: `prose.md` holds no table\n  help: a table is read when"),
        "{}",
        err(&prose)
    );
}

/// The rows of the demo's own document, written as a table: the same findings as its `netseg/v1` file gives, and what was not readable
/// is unknown, not fine.
#[test]
fn a_document_is_held_against_a_cluster_as_it_is() {
    let text = "\
# Segments
A default deny is in place for the `stalker` and `stalker-jobs` namespaces.
| Pod | Ingress | Egress |
|---|---|---|
| UI | 4200 | Deny All |
| Orchestrator | 5135 | 53 (DNS), 443 (K8s API) |
";
    let drift = with_input(&["--demo", "--expect", "IN", "drift", "-o", "csv"], text);
    assert_eq!(drift.status.code(), Some(1), "{}", err(&drift));
    let told = out(&drift);
    let broken: Vec<&str> = told
        .lines()
        .filter(|line| line.starts_with("BROKEN"))
        .collect();
    assert_eq!(broken.len(), 3, "{told}");
    assert!(broken[0].starts_with("BROKEN,base,any,stalker/deployment/orchestrator,5135/TCP"));
    assert!(broken[0].trim_end().ends_with("in:6"), "{}", broken[0]);
    assert!(
        err(&drift).contains("note: `UI` is stalker/ui: the workload of that name\n"),
        "{}",
        err(&drift)
    );
    let info = with_input(&["--demo", "--expect", "IN", "info"], text);
    assert!(
        err(&info)
            .contains("note: `Orchestrator` is stalker/orchestrator: the workload of that name\n"),
        "{}",
        err(&info)
    );
    // The rest is as expected, but for a cell that nobody can read: exit status 2.
    let text = "| Pod | Ingress | Egress |\n|---|---|---|\n| UI | 4200 | 80 via proxy |\n";
    let args = [
        "--demo", "--expect", "IN", "drift", "--only", "unknown", "-o", "csv",
    ];
    let drift = with_input(&args, text);
    assert_eq!(
        drift.status.code(),
        Some(2),
        "{}{}",
        out(&drift),
        err(&drift)
    );
    assert!(
        out(&drift)
            .contains("the egress of `ui` is not judged: its cell `80 via proxy` cannot be read"),
        "{}",
        out(&drift)
    );
}

#[test]
fn names_are_looked_up_where_a_cluster_is_named_and_never_guessed() {
    let text =
        "| Pod | Ingress |\n|---|---|\n| Mongo | 27017 |\n| Jobs (JB) | - |\n| Nobody | 1 |\n";
    let settled = with_input(&["--demo", "import", "IN"], text);
    assert_eq!(settled.status.code(), Some(0), "{}", err(&settled));
    assert!(
        out(&settled).contains("select: {namespace: stalker, owner: StatefulSet/mongo}"),
        "{}",
        out(&settled)
    );
    let told = err(&settled);
    assert!(
        told.contains("note: `Mongo`: stalker/statefulset/mongo, the workload of that name\n"),
        "{told}"
    );
    assert!(
        told.contains("warning: no workload, label or namespace is called `Nobody`"),
        "{told}"
    );
}

#[test]
fn other_files_say_who_is_who_and_may_build_on_the_document() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let document = "## Prod\n| Pod | Ingress |\n|---|---|\n| Back End (BE) | 3000 |\n";
    std::fs::write(path("page.md"), document).unwrap();
    // It has no environment of its own, and its exception is about a row of the document.
    let more = "apiVersion: netseg/v1\nkind: Expectations\nworkloads: {fm: {names: [BE], select: {namespace: stalker, labels: {app.kubernetes.io/component: flow-manager}}}}\nenvironments: {late: {extends: prod, exceptions: [{id: X, from: any, to: fm, ports: [1], expires: 2099-01-01}]}}\n";
    std::fs::write(path("more.yaml"), more).unwrap();
    let (page, more) = (path("page.md"), path("more.yaml"));
    let drift = run(&[
        "--demo", "--expect", &page, "--expect", &more, "--env", "late", "drift", "--all", "-o",
        "csv",
    ]);
    assert!(err(&drift).is_empty(), "{}", err(&drift));
    assert!(
        out(&drift).contains("stalker/deployment/flow-manager"),
        "{}",
        out(&drift)
    );
}
