//! The pictures in `assets/` and in the README are what the program draws today.
//!
//! `NETSEG_BLESS=1 cargo test --test readme` writes them anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// What the program writes to standard output, in a pane of this width.
fn drawn(args: &[&str], columns: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_netseg-tui"))
        .args(args)
        .env_clear()
        .env("HOME", std::env::temp_dir().join("netseg-readme-no-home"))
        .env("COLUMNS", columns)
        .output()
        .expect("the binary starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    String::from_utf8(output.stdout).expect("it writes UTF-8")
}

/// Holds a file against what it should be, or makes it so.
fn hold(name: &str, wanted: &str) {
    let file = path(name);
    if std::env::var_os("NETSEG_BLESS").is_some() {
        fs::write(&file, wanted).expect("the file can be written");
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == wanted,
        "{name} is not what the program draws today; NETSEG_BLESS=1 cargo test --test readme writes it anew"
    );
}

#[test]
fn the_committed_drawing_is_todays() {
    hold(
        "assets/stalker.svg",
        &drawn(&["--demo=stalker", "graph", "-o", "svg"], "120"),
    );
}

#[test]
fn the_picture_in_the_readme_is_todays() {
    let readme = fs::read_to_string(path("README.md")).expect("there is one");
    let (begin, end) = ("<!-- graph e-commerce -->\n", "<!-- /graph -->");
    let (before, rest) = readme.split_once(begin).expect("the picture has a start");
    let (_, after) = rest.split_once(end).expect("the picture has an end");
    let picture = drawn(&["--demo=e-commerce", "graph"], "118");
    hold(
        "README.md",
        &format!(
            "{before}{begin}```text\n$ netseg-tui --demo=e-commerce graph\n{picture}```\n{end}{after}"
        ),
    );
}
