//! Text that goes into cells: one character a cell, shortened with sense.

use std::collections::BTreeMap;

use unicode_width::UnicodeWidthChar;

use crate::text::{cut, cut_middle};

/// Replaces what does not take exactly one cell.
pub(super) fn tame(text: &str) -> String {
    text.chars()
        .map(|c| if c.width() == Some(1) { c } else { '?' })
        .collect()
}

/// Cells a tamed text takes.
pub(super) fn width(text: &str) -> i32 {
    super::cells(text.chars().count())
}

/// Joins ports for a pin; more than three are counted.
pub(super) fn ports<'a>(ports: impl ExactSizeIterator<Item = &'a str>) -> String {
    let (count, shown) = (ports.len(), if ports.len() > 3 { 2 } else { 3 });
    let mut words: Vec<String> = ports.take(shown).map(tame).collect();
    if count > 3 {
        words.push(format!("+{}", count - 2));
    }
    words.join("·")
}

/// Shortens every name to `limit` cells so that names of one namespace stay apart where they can.
///
/// The namespace's own prefix goes first, then the end, and where cut ends would make two names look the same, the middle.
/// Names come with their namespace; the result is in the same order.
pub(super) fn shorten(named: &[(&str, Option<&str>)], limit: usize) -> Vec<String> {
    let full: Vec<String> = named.iter().map(|(name, _)| tame(name)).collect();
    let mut short: Vec<String> = full
        .iter()
        .zip(named)
        .map(|(name, (_, namespace))| {
            if length(name) <= limit {
                name.clone()
            } else {
                without_prefix(name, *namespace).to_owned()
            }
        })
        .collect();
    let stems = short.clone();
    for name in &mut short {
        *name = cut(name, limit).into_owned();
    }
    let mut count: BTreeMap<(Option<&str>, String), usize> = BTreeMap::new();
    for (name, (_, namespace)) in short.iter().zip(named) {
        *count.entry((*namespace, name.clone())).or_default() += 1;
    }
    for (i, (_, namespace)) in named.iter().enumerate() {
        if length(&stems[i]) > limit && count[&(*namespace, short[i].clone())] > 1 {
            short[i] = cut_middle(&stems[i], limit).into_owned();
        }
    }
    short
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn without_prefix<'a>(name: &'a str, namespace: Option<&str>) -> &'a str {
    let rest = namespace
        .and_then(|ns| name.strip_prefix(ns))
        .and_then(|rest| rest.strip_prefix('-'));
    rest.filter(|rest| !rest.is_empty()).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_namespaces_own_prefix_goes_first() {
        assert_eq!(
            shorten(&[("stalker-orchestrator", Some("stalker"))], 12),
            ["orchestrator"]
        );
    }

    #[test]
    fn names_that_differ_at_the_end_lose_their_middle() {
        let named = [
            ("payments-worker-eu", Some("a")),
            ("payments-worker-us", Some("a")),
            ("notification", Some("a")),
        ];
        assert_eq!(shorten(&named, 9), ["paym…r-eu", "paym…r-us", "notifica…"]);
    }

    #[test]
    fn a_short_name_stays_whole() {
        assert_eq!(shorten(&[("a-ui", Some("a"))], 9), ["a-ui"]);
    }

    #[test]
    fn many_ports_are_counted() {
        assert_eq!(ports(["1", "2", "3"].into_iter()), "1·2·3");
        assert_eq!(ports(["1", "2", "3", "4"].into_iter()), "1·2·+2");
    }

    #[test]
    fn wide_and_control_characters_take_one_cell() {
        assert_eq!(tame("a\u{7}漢b"), "a??b");
    }
}
