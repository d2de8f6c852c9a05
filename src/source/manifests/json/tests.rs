//! The reader agrees with `serde_json`, on what is well formed and on what is not.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;
use crate::source::manifests::{Input, Reader};
use crate::wire;

/// What this reader takes, `serde_json` takes as well, and as the same.
fn same<T: DeserializeOwned + std::fmt::Debug>(text: &str) {
    let mut json = Json::new(text, 0);
    if let Ok(value) = json.decode::<T>()
        && json.peek().is_none()
    {
        let theirs = serde_json::from_str::<T>(text).map_err(|error| error.to_string());
        assert_eq!(
            format!("{:?}", Ok::<T, String>(value)),
            format!("{theirs:?}"),
            "{text}"
        );
    }
}

fn agree(text: &str) {
    same::<Value>(text);
    same::<wire::Pod>(text);
    same::<wire::NetworkPolicy>(text);
    same::<wire::Service>(text);
    same::<BTreeMap<String, Option<wire::IntOrString>>>(text);
    let mut json = Json::new(text, 0);
    if json.skip().is_ok() && json.peek().is_none() {
        assert!(serde_json::from_str::<&RawValue>(text).is_ok(), "{text}");
    }
}

/// What a list holds, read in one pass and read the long way.
fn same_list(text: &str) -> bool {
    let (mut fast, mut slow) = (Input::default(), Input::default());
    let is_read = Reader {
        file: "t".into(),
        input: &mut fast,
        lists: 0,
    }
    .json_list(text, 1);
    if is_read {
        assert!(
            Reader {
                file: "t".into(),
                input: &mut slow,
                lists: 0
            }
            .json_values(text, 1),
            "{text}"
        );
        // The index of lines comes in two forms, and is compared where it is made.
        let told = |input: &Input| {
            let objects = input.objects.iter().map(|arrived| {
                let place = arrived
                    .place
                    .as_ref()
                    .map(|place| (place.file.clone(), place.line));
                format!("{:?} {place:?}", arrived.object)
            });
            (
                objects.collect::<Vec<_>>(),
                input.diagnostics.clone(),
                input.lost.clone(),
            )
        };
        assert_eq!(told(&fast), told(&slow), "{text}");
    } else {
        assert!(
            fast.objects.is_empty() && fast.diagnostics.is_empty(),
            "{text}"
        );
    }
    is_read
}

fn values() -> impl Strategy<Value = Value> {
    let keys = proptest::sample::select(vec![
        "kind",
        "apiVersion",
        "metadata",
        "name",
        "namespace",
        "labels",
        "spec",
        "status",
        "items",
        "ports",
        "port",
        "containers",
        "containerPort",
        "podSelector",
        "ingress",
        "from",
        "hostNetwork",
        "podIPs",
        "ip",
        "a\"b",
        "\u{e9}",
        "selector",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-3i32..70_000).prop_map(Value::from),
        any::<String>().prop_map(Value::String),
        "[a-z]{0,6}".prop_map(Value::String),
    ];
    leaf.prop_recursive(6, 60, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec((keys.clone().prop_map(str::to_owned), inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn damaged(text: &str, edits: &[(usize, usize)]) -> String {
    const PIECES: [&str; 30] = [
        "",
        "\"",
        ",",
        ":",
        "{",
        "}",
        "[",
        "]",
        " ",
        "\n",
        "\\",
        "\\u12",
        "\\n",
        "-",
        "0",
        "01",
        "-0",
        "1.",
        "1e5",
        ".5",
        "+1",
        "nul",
        "true",
        "tru",
        "'",
        "\u{7}",
        "\u{e9}",
        "\"kind\":\"Pod\",",
        "\"items\":[],",
        "#",
    ];
    let mut chars: Vec<char> = text.chars().collect();
    for (at, what) in edits {
        let at = at % (chars.len() + 1);
        if what % 3 == 0 && at < chars.len() {
            chars.remove(at);
        } else {
            chars.splice(at..at, PIECES[what % PIECES.len()].chars());
        }
    }
    chars.into_iter().collect()
}

fn objects() -> impl Strategy<Value = Value> {
    let heads = proptest::sample::select(vec![
        ("v1", "Pod"),
        ("v1", "Namespace"),
        ("v1", "Service"),
        ("v1", "Node"),
        ("apps/v1", "Deployment"),
        ("v1", "ConfigMap"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("discovery.k8s.io/v1", "EndpointSlice"),
        ("v1", "PodList"),
        ("", "Pod"),
        ("v1", ""),
    ]);
    (heads, "[a-c]", "[xy]", values(), values()).prop_map(
        |((api_version, kind), name, namespace, spec, other)| {
            json!({
                "apiVersion": api_version, "kind": kind,
                "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
                "spec": spec, "other": other,
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn values_are_read_alike(value in values(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        prop_assert!(Json::new(&text, 0).skip().is_ok());
        agree(&text);
    }

    #[test]
    fn damaged_values_are_read_alike(value in values(), edits in proptest::collection::vec(any::<(usize, usize)>(), 1..4)) {
        agree(&damaged(&value.to_string(), &edits));
    }

    #[test]
    fn lists_are_read_alike(
        items in proptest::collection::vec(objects(), 0..6),
        kind in proptest::sample::select(vec!["List", "PodList", "Pod"]),
        edits in proptest::collection::vec(any::<(usize, usize)>(), 0..3),
    ) {
        let list = json!({"apiVersion": "v1", "items": items, "kind": kind, "metadata": {}});
        same_list(&damaged(&serde_json::to_string_pretty(&list).unwrap(), &edits));
    }
}

#[test]
fn a_list_is_read_in_one_pass() {
    let item = |n: usize| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("p{n}"), "namespace": "x"}, "spec": {"containers": [{"image": "a\"b"}]}});
    let list =
        json!({"apiVersion": "v1", "items": (0..20).map(item).collect::<Vec<_>>(), "kind": "List"});
    assert!(same_list(&serde_json::to_string_pretty(&list).unwrap()));
    assert!(same_list(&list.to_string()));
    assert!(!same_list(&format!("{list} {list}")));
}

#[test]
fn an_object_that_says_twice_what_it_is_is_left_to_serde() {
    let text = r#"{"kind":"List","apiVersion":"v1","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"kind":"Service"}]}"#;
    assert!(same_list(text));
    assert!(
        Json::new(r#"{"kind":"Pod","kind":"Pod"}"#, 0)
            .decode::<wire::Pod>()
            .is_err()
    );
}

/// Wherever the text is cut for the threads, and even where a guess falls into a string.
#[test]
fn a_list_reads_alike_on_any_number_of_threads() {
    let mut text = String::from("{\"items\": [");
    for n in 0..40 {
        // Every item holds a string that looks like the start of an item.
        let start = "{\\\"id\\\": 1234567, \\\"name\\\":";
        text += &format!(
            "{}{{\"id\": 1234567, \"name\": \"{n}\", \"x\": [{{\"id\": 1234567, \"name\": 1}}, \"{start}\"]}}",
            if n == 0 { "" } else { ",\n" }
        );
    }
    text += "]}";
    let read = |at_a_time: usize| {
        let list = list(&text, at_a_time, |json| {
            let start = json.at();
            json.skip()?;
            Ok(start..json.at())
        });
        list.unwrap().items
    };
    let whole = read(usize::MAX >> 1);
    assert_eq!(whole.len(), 40);
    for at_a_time in 1..300 {
        assert_eq!(read(at_a_time), whole, "{at_a_time}");
    }
}

#[test]
fn strings_end_where_they_end() {
    for length in 0..40 {
        for byte in ['"', '\\', '\u{1f}', '\0'] {
            let text = format!("{}{byte}{byte}", "é".repeat(length));
            assert_eq!(special(text.as_bytes()), 2 * length);
            let text = format!("{}\u{7f}{byte}", "~".repeat(length));
            assert_eq!(special(text.as_bytes()), length + 1);
        }
    }
}
