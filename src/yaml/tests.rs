//! What is read, and that the two readers agree.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::tape::Tape;
use super::*;
use crate::wire;

#[test]
fn documents_are_split_at_their_markers_and_keep_their_lines() {
    let text = "\u{feff}# head\n---\na: 1\n---\n# nothing\n--- {b: 2}\r\n...\n";
    let found: Vec<_> = documents(text)
        .into_iter()
        .map(|d| (d.text.trim(), d.first_line))
        .collect();
    assert_eq!(found, [("a: 1", 3), ("{b: 2}", 6)]);
}

#[test]
fn every_part_has_its_line() {
    let text = "spec:\n  ingress:\n  - from:\n    - podSelector: {}\n    - ipBlock:\n        cidr: 10.0.0.0/8\n  - {}\n";
    let outline = outline(text);
    for (path, line) in [
        ("spec", 1),
        ("spec.ingress", 2),
        ("spec.ingress[0]", 3),
        ("spec.ingress[0].from[0]", 4),
        ("spec.ingress[0].from[1]", 5),
        ("spec.ingress[0].from[1].ipBlock.cidr", 6),
        ("spec.ingress[1]", 7),
    ] {
        assert_eq!(outline.lines.get(path), Some(line), "{path}");
    }
}

#[derive(serde::Deserialize)]
struct Item {
    kind: String,
}

#[test]
fn the_items_of_a_list_read_as_documents_of_their_own() {
    let block = "kind: List\nitems:\n- kind: A\n  x:\n    y: 1\n- kind: B\n";
    let flow = "{\"kind\": \"List\", \"items\": [\n {\"kind\": \"A\", \"x\": {\"y\": 1}},\n {\"kind\": \"B\"}]}";
    for text in [block, flow] {
        let items = outline(text).items;
        assert_eq!(items.len(), 2, "{text}");
        let kinds: Vec<String> = items
            .iter()
            .map(|(t, _)| read::<Item>(t).unwrap().kind)
            .collect();
        assert_eq!(kinds, ["A", "B"]);
    }
    assert_eq!(outline(block).items[1].1, 6);
    assert_eq!(outline(flow).items[0].1, 2);
}

#[test]
fn an_error_names_its_line() {
    let error = read::<std::collections::BTreeMap<String, String>>("a: 1\nb: [1\n").unwrap_err();
    assert!(error.line >= 2, "{error:?}");
    assert!(!error.message.contains("line"), "{error:?}");
}

#[test]
fn merge_keys_are_applied() {
    #[derive(serde::Deserialize)]
    struct T {
        spec: std::collections::BTreeMap<String, String>,
    }
    let t: T = read("base: &b {x: '1'}\nspec: {<<: *b, y: '2'}\n").unwrap();
    assert_eq!(t.spec.len(), 2);
}

/// Whether the fast reader took the text; what it says of it has to be what the general parser says.
fn agree(text: &str) -> bool {
    let Some(tape) = plain::scan(text) else {
        return false;
    };
    let general = outline(text);
    let whole = read_general::<Value>(text)
        .unwrap_or_else(|error| panic!("scanned, and no YAML: {error}\n{text}"));
    same(&tape, &whole, text);
    same_typed::<wire::Head>(&tape, text);
    same_typed::<wire::NetworkPolicy>(&tape, text);
    same_typed::<wire::Pod>(&tape, text);
    same_typed::<BTreeMap<String, Option<wire::IntOrString>>>(&tape, text);
    same_typed::<BTreeMap<String, Vec<bool>>>(&tape, text);
    assert_eq!(
        Lines::of(&tape, 0, false).all(),
        general.lines.all(),
        "{text}"
    );
    let part = Part::document(text);
    let items = part.items();
    assert_eq!(items.len(), general.items.len(), "{text}");
    for ((item, line), (item_text, general_line)) in items.iter().zip(&general.items) {
        assert_eq!(line, general_line, "{text}");
        assert_eq!(item.text(), item_text, "{text}");
        assert_eq!(
            item.read::<Value>(),
            read_general::<Value>(item_text),
            "{text}"
        );
        assert_eq!(item.lines().all(), outline(item_text).lines.all(), "{text}");
    }
    true
}

fn same(tape: &Tape<'_>, whole: &Value, text: &str) {
    if let Ok(value) = tape.read::<Value>(0) {
        assert_eq!(&value, whole, "{text}");
    }
}

fn same_typed<T: DeserializeOwned + std::fmt::Debug>(tape: &Tape<'_>, text: &str) {
    if let Ok(value) = tape.read::<T>(0) {
        let general = read_general::<T>(text);
        assert_eq!(
            format!("{:?}", Ok::<T, YamlError>(value)),
            format!("{general:?}"),
            "{text}"
        );
    }
}

/// Writes a value as a person might; `choices` decides where YAML leaves a choice.
struct Writer<'c> {
    choices: std::iter::Cycle<std::slice::Iter<'c, u8>>,
    text: String,
}

impl Writer<'_> {
    fn choose(&mut self, n: u8) -> u8 {
        self.choices.next().map_or(0, |c| c % n)
    }

    fn end(&mut self) {
        match self.choose(9) {
            0 => self.text.push_str("  # why: not"),
            1 => self.text.push_str("   "),
            _ => {}
        }
        match self.choose(12) {
            0 => self.text.push_str("\n\n"),
            1 => self.text.push_str("\n# a comment\n"),
            2 => self.text.push_str("\n      # another: one\n"),
            3 => self.text.push_str("\n   \n"),
            _ => self.text.push('\n'),
        }
    }

    fn scalar(&mut self, value: &Value) {
        let made = match value {
            Value::String(s) => match self.choose(5) {
                0 => format!("'{}'", s.replace('\'', "''")),
                1 | 2 => json!(s).to_string(),
                _ => s.clone(),
            },
            Value::Null => ["null", "~", "", "Null"][usize::from(self.choose(4))].to_owned(),
            other => other.to_string(),
        };
        self.text.push_str(&made);
    }

    fn flow(&mut self, value: &Value) {
        match value {
            Value::Array(items) => {
                self.text.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        let comma = [", ", ",", " , "][usize::from(self.choose(3))];
                        self.text.push_str(comma);
                    }
                    self.flow(item);
                }
                self.text.push(']');
            }
            Value::Object(entries) => {
                let opening = ["{", "{ "][usize::from(self.choose(2))];
                self.text.push_str(opening);
                for (i, (key, item)) in entries.iter().enumerate() {
                    self.text.push_str(if i == 0 { "" } else { ", " });
                    self.scalar(&Value::String(key.clone()));
                    self.text.push_str(": ");
                    self.flow(item);
                }
                self.text.push('}');
            }
            scalar => self.scalar(scalar),
        }
    }

    /// Writes what belongs to a key or a dash that was just written.
    fn value(&mut self, value: &Value, indent: usize, in_seq: bool) {
        let is_empty = match value {
            Value::Array(items) => items.is_empty(),
            Value::Object(entries) => entries.is_empty(),
            Value::String(s)
                if s.ends_with('\n') && !s.contains("\n\n") && !s.starts_with([' ', '\n']) =>
            {
                let header = if self.choose(2) == 0 { "|" } else { "|-" };
                self.text.push_str(&format!(" {header}\n"));
                for line in s.lines() {
                    self.text
                        .push_str(&format!("{}{line}\n", " ".repeat(indent + 2)));
                }
                return;
            }
            _ => true,
        };
        if is_empty || self.choose(8) == 0 {
            let gap = [" ", "  "][usize::from(self.choose(2))];
            self.text.push_str(gap);
            self.flow(value);
            self.end();
            return;
        }
        if in_seq && self.choose(4) > 0 {
            let gap = 1 + usize::from(self.choose(6) / 5);
            self.text.push_str(&" ".repeat(gap));
            self.block(value, indent + 1 + gap, true);
            return;
        }
        self.end();
        let deeper = match value {
            Value::Array(_) if !in_seq && self.choose(2) == 0 => 0,
            _ => 1 + usize::from(self.choose(4)),
        };
        self.block(value, indent + deeper, false);
    }

    fn block(&mut self, value: &Value, indent: usize, mut inline: bool) {
        let mut pad = |text: &mut String| {
            if !std::mem::take(&mut inline) {
                text.push_str(&" ".repeat(indent));
            }
        };
        match value {
            Value::Array(items) if !items.is_empty() => {
                for item in items {
                    pad(&mut self.text);
                    self.text.push('-');
                    self.value(item, indent, true);
                }
            }
            Value::Object(entries) if !entries.is_empty() => {
                for (key, item) in entries {
                    pad(&mut self.text);
                    self.scalar(&Value::String(key.clone()));
                    self.text.push(':');
                    self.value(item, indent, false);
                }
            }
            other => {
                pad(&mut self.text);
                self.flow(other);
                self.end();
            }
        }
    }
}

fn written(value: &Value, choices: &[u8]) -> String {
    let mut writer = Writer {
        choices: choices.iter().cycle(),
        text: String::new(),
    };
    let indent = usize::from(writer.choose(7) / 6) * 2;
    writer.block(value, indent, false);
    writer.text
}

fn strings() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-z][a-zA-Z0-9_./-]{0,8}",
        2 => "[ -~]{0,10}",
        1 => "[a-c\\n :#'\"-]{0,12}",
        1 => any::<String>(),
        4 => proptest::sample::select(vec![
            "", "~", "null", "true", "False", "yes", "no", "on", "y", "0", "-0", "-", "--", "---", "...", "?", ":", "a:", ":a", "a: b",
            "a #b", "a#b", "#a", "- a", "-a", "&a", "*a", "!a", "!!str", "|", ">", "%", "@a", "`", "=", "<<", "1", "-1", "+1", "007",
            "1_000", "0x1F", "0o17", "0b1", "1.5", "1e3", "1e999", "-1e999", ".inf", "-.INF", ".nan", "nan", "inf", "1e", "1:30",
            "2001-01-01", "2001-01-01T00:00:00Z", "10.0.0.0/8", "fd00::/8", "::1", "99999999999999999999", "é", "a b", "a\tb", "\t",
            "\u{a0}x", "\u{85}", "\u{2028}", "\u{feff}", "a\\b", "c:\\d", "l1\nl2\n", "x\n", "{a}", "[a", "a]", "a,b", "a, b", "{}", "[]",
        ]).prop_map(str::to_owned),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    let keys = prop_oneof![
        6 => proptest::sample::select(vec![
            "kind", "apiVersion", "metadata", "name", "namespace", "labels", "spec", "items", "ingress", "egress", "from", "to", "ports",
            "port", "podSelector", "matchLabels", "policyTypes", "annotations", "a.b/c", "a[0]", "a.b",
        ]).prop_map(str::to_owned),
        1 => strings(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        strings().prop_map(Value::String),
        strings().prop_map(Value::String),
        strings().prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec((keys.clone(), inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Cuts, doubles and injects, where YAML is most easily upset.
fn mutated(text: &str, edits: &[(usize, usize, u8)]) -> String {
    const PIECES: [&str; 46] = [
        ": ",
        ":",
        "- ",
        "-",
        "#",
        " #",
        "\n",
        "\n\n",
        "  ",
        " ",
        "'",
        "\"",
        "''",
        "\\",
        "&a ",
        "*a",
        "!t ",
        "|",
        ">",
        "{",
        "}",
        "[",
        "]",
        ",",
        "~",
        "null",
        "<<: ",
        "---",
        "\n--- ",
        "\n...\n",
        "\t",
        "\u{85}",
        "\u{2028}",
        "é",
        "\r",
        "\r\n",
        "%",
        "@",
        "? ",
        ".inf",
        "1e999",
        "0x1f",
        "items:\n- ",
        "|-\n",
        "\u{0}",
        "a: b",
    ];
    let mut chars: Vec<char> = text.chars().collect();
    for (at, other, what) in edits {
        let at = at % (chars.len() + 1);
        match what % 8 {
            0 if at < chars.len() => {
                chars.remove(at);
            }
            1 => {
                let end = (at + other % 20).min(chars.len());
                chars.drain(at..end);
            }
            2 => {
                let end = (at + other % 20).min(chars.len());
                let piece: Vec<char> = chars[at..end].to_vec();
                let to = other % (chars.len() + 1);
                chars.splice(to..to, piece);
            }
            _ => {
                let piece = PIECES[other % PIECES.len()];
                chars.splice(at..at, piece.chars());
            }
        }
    }
    chars.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(600)))]

    #[test]
    fn the_readers_agree_on_written_values(value in values(), choices in proptest::collection::vec(any::<u8>(), 1..60)) {
        agree(&written(&value, &choices));
    }

    #[test]
    fn the_readers_agree_on_damaged_text(
        value in values(),
        choices in proptest::collection::vec(any::<u8>(), 1..60),
        edits in proptest::collection::vec((any::<usize>(), any::<usize>(), any::<u8>()), 1..5),
    ) {
        agree(&mutated(&written(&value, &choices), &edits));
    }

    #[test]
    fn the_lines_of_json_are_those_of_yaml(value in values(), edits in proptest::collection::vec((any::<usize>(), any::<usize>(), any::<u8>()), 0..2)) {
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let text = mutated(&text, &edits);
            if serde_json::from_str::<Value>(&text).is_err() {
                continue;
            }
            let own = json_lines(&text).all();
            // The general parser stops at what it does not take, a tab within a string for one.
            for (path, line) in outline(&text).lines.all() {
                prop_assert_eq!(own.get(&path), Some(&line), "{}: {}", path, text);
            }
        }
    }

    #[test]
    fn the_readers_agree_on_damaged_manifests(
        which in 0..MANIFESTS.len(),
        edits in proptest::collection::vec((any::<usize>(), any::<usize>(), any::<u8>()), 1..6),
    ) {
        agree(&mutated(MANIFESTS[which], &edits));
    }
}

/// `PROPTEST_CASES` asks for more.
fn cases(usual: u32) -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(usual)
}

const MANIFESTS: [&str; 4] = [
    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: p\n  namespace: x\nspec:\n  podSelector:\n    matchLabels:\n      app: web\n  policyTypes:\n  - Ingress\n  ingress:\n  - from:\n    - namespaceSelector: {}\n      podSelector:\n        matchExpressions:\n        - key: app\n          operator: In\n          values: [a, b]\n    - ipBlock:\n        cidr: 10.0.0.0/8\n        except:\n        - 10.1.0.0/16\n    ports:\n    - protocol: TCP\n      port: 8080\n      endPort: 8090\n    - port: http\n  - {}\n",
    "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: a\n    namespace: x\n    annotations:\n      note: |\n        one\n          two\n\n        three\n    labels: {app: a, \"b\": \"1\"}\n  spec:\n    hostNetwork: true\n    containers:\n    - name: c\n      image: \"r/c:1\"\n      ports:\n      - containerPort: 80\n# between\n- apiVersion: v1\n  kind: Service\n  metadata: {name: s, namespace: x}\n  spec:\n    ports: []\n",
    "# head\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n    name: d   # why\n    namespace: 'x'\nspec:\n    replicas: 3\n    template:\n        metadata:\n            labels:\n                app: 'it''s'\n                empty:\n                tilde: ~\n        spec:\n            containers:\n                - image: a:b\n                  args: [\"--x\", \"y z\"]\n                -\n                  image: \"q\\\"\\\\\"\n",
    "kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\ndata:\n  k: >-\n    folded\n    text\n  multi: one\n    two\n  anchor: &a x\n  alias: *a\n",
];

#[test]
fn plain_manifests_are_taken() {
    assert!(agree(MANIFESTS[0]));
    assert!(agree(MANIFESTS[1]));
    assert!(agree(MANIFESTS[2]));
    assert!(!agree(MANIFESTS[3]));
    assert!(agree(&MANIFESTS[0].replace('\n', "\r\n")));
}

#[test]
fn every_part_of_a_json_text_has_its_line() {
    let text = "{\n \"a\": {\"b\":\n [1, {\"c\\u0064\": \"}\\\"\"}],\n\"e\": null}}";
    let lines = json_lines(text);
    for (path, line) in [
        ("a", 2),
        ("a.b", 2),
        ("a.b[0]", 3),
        ("a.b[1].cd", 3),
        ("a.e", 4),
    ] {
        assert_eq!(lines.get(path), Some(line), "{path}");
    }
    assert_eq!(lines.all().len(), 6);
}
