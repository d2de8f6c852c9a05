//! Texts as YAML scalars.

use ipnet::Ipv4Net;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

use crate::text::is_unsafe;

/// Words that some reader of YAML, of whatever version, takes for something else than a text.
const OTHER_MEANING: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];

/// A text as a scalar that every reader takes for exactly this text, between brackets and braces too.
pub(super) fn scalar(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// Whether a text needs no quotes. What is unusual gets them, whether or not the letter of the specification asks for it.
fn is_plain(text: &str) -> bool {
    if text.parse::<Ipv4Addr>().is_ok() || text.parse::<Ipv4Net>().is_ok() {
        return true;
    }
    let is_path = text.starts_with("./") || text.starts_with("../");
    let starts_well = |c: char| c.is_alphabetic() || matches!(c, '_' | '/') || is_path;
    let chars: Vec<char> = text.chars().collect();
    let is_ordinary = |(index, c): (usize, &char)| match c {
        ':' | ' ' => {
            let next = chars.get(index + 1);
            next.is_some_and(|next| next.is_alphanumeric() || (*c == ' ' && *next == '('))
        }
        '-' | '_' | '.' | '/' | '+' | '@' | '(' | ')' => true,
        c => c.is_alphanumeric(),
    };
    chars.first().is_some_and(|c| starts_well(*c))
        && chars.iter().enumerate().all(is_ordinary)
        && OTHER_MEANING
            .iter()
            .all(|word| !text.eq_ignore_ascii_case(word))
}

/// A text between double quotes. What cannot be seen, or could fool a reader, is written out as an escape.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        let code = u32::from(c);
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_unsafe(c) || matches!(code & 0xffff, 0xfffe | 0xffff) => {
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_stand_where_a_reader_would_see_something_else() {
        for (text, expected) in [
            ("mongo", "mongo"),
            ("Flow Manager", "Flow Manager"),
            ("Jobs Manager (FM)", "Jobs Manager (FM)"),
            ("app.kubernetes.io/component", "app.kubernetes.io/component"),
            ("architecture.md:17", "architecture.md:17"),
            ("StatefulSet/mongo-mongodb", "StatefulSet/mongo-mongodb"),
            ("/docs/net.md:3", "/docs/net.md:3"),
            ("../net.md:3", "../net.md:3"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("127.0.0.1", "127.0.0.1"),
            ("", "\"\""),
            ("No", "\"No\""),
            ("null", "\"null\""),
            ("~", "\"~\""),
            ("80", "\"80\""),
            ("1e3", "\"1e3\""),
            (".5", "\".5\""),
            ("2026-03-31", "\"2026-03-31\""),
            ("::/0", "\"::/0\""),
            ("*", "\"*\""),
            ("a: b", "\"a: b\""),
            ("a:", "\"a:\""),
            ("a #b", "\"a #b\""),
            ("a,b", "\"a,b\""),
            ("a ", "\"a \""),
            ("a  b", "\"a  b\""),
            ("- a", "\"- a\""),
            ("say \"hi\" \\", "\"say \\\"hi\\\" \\\\\""),
            ("two\nlines\t", "\"two\\nlines\\t\""),
            (
                "\u{7}\u{85}\u{202e}\u{feff}",
                "\"\\x07\\x85\\u202e\\ufeff\"",
            ),
            ("\u{e0041}", "\"\\U000e0041\""),
            ("größe", "größe"),
        ] {
            assert_eq!(scalar(text), expected, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_text_reads_as_itself(text in "\\PC{0,12}|(?s).{0,8}|[a-z0-9:#,\\[\\]{} '\"\\\\.~*&!|>%@`?-]{0,10}") {
            let written = format!("k: [{}, {{{}: {}}}]\n", scalar(&text), scalar(&text), quoted(&text));
            let read: serde_json::Value = crate::yaml::read(&written).unwrap();
            let mut map = serde_json::Map::new();
            map.insert(text.clone(), text.clone().into());
            proptest::prop_assert_eq!(read, serde_json::json!({"k": [text, map]}), "{}", written);
        }
    }
}
