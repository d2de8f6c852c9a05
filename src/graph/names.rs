//! Text that goes into cells: one character a cell, shortened with sense.

use std::collections::{BTreeMap, BTreeSet};

use unicode_width::UnicodeWidthChar;

use crate::text::{cut, cut_middle, is_unsafe};

/// Replaces what does not take exactly one cell, and what would pass for a wire or an arrow.
///
/// Accents that come as characters of their own are left out: a cell has room for one character.
pub(super) fn tame(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c.width() {
            _ if is_unsafe(c) || is_drawn(c) => Some('?'),
            Some(1) => Some(c),
            Some(0) => None,
            _ => Some('?'),
        })
        .collect()
}

/// Arrows, lines, blocks and dots: the picture's own signs.
fn is_drawn(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{21ff}' | '\u{2500}'..='\u{25ff}' | '\u{2800}'..='\u{28ff}')
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

/// Shortens every name to `limit` cells, 4 at least, so that different names of one namespace stay different.
///
/// The namespace's own prefix goes first, then the end, and where cut ends would make two names look the same, the middle.
/// What no cut tells apart is numbered. Names come with their namespace; the result is in the same order.
pub(super) fn shorten(named: &[(&str, Option<&str>)], limit: usize) -> Vec<String> {
    let stems: Vec<String> = named
        .iter()
        .map(|(name, namespace)| {
            let full = tame(name);
            if length(&full) <= limit {
                full
            } else {
                without_prefix(&full, *namespace).to_owned()
            }
        })
        .collect();
    let mut short: Vec<String> = stems
        .iter()
        .map(|stem| cut(stem, limit).into_owned())
        .collect();
    let mut alike: BTreeMap<(Option<&str>, String), BTreeSet<&str>> = BTreeMap::new();
    for (shown, &(name, namespace)) in short.iter().zip(named) {
        alike
            .entry((namespace, shown.clone()))
            .or_default()
            .insert(name);
    }
    alike.retain(|_, names| names.len() > 1);
    for ((namespace, shown), names) in alike {
        let taken: BTreeSet<String> = named
            .iter()
            .zip(&short)
            .filter(|((_, ns), other)| *ns == namespace && **other != shown)
            .map(|(_, other)| other.clone())
            .collect();
        let stem_of = |name: &str| {
            let at = named.iter().position(|n| *n == (name, namespace));
            at.map_or("", |i| stems[i].as_str())
        };
        let stem: Vec<&str> = names.iter().map(|name| stem_of(name)).collect();
        let apart = tell_apart(&stem, &taken, limit);
        let apart: BTreeMap<&str, &String> = names.iter().copied().zip(&apart).collect();
        for (short, (name, ns)) in short.iter_mut().zip(named) {
            if *ns == namespace && *short == shown {
                (*short).clone_from(apart[name]);
            }
        }
    }
    short
}

/// Cuts names that look alike with a cut end so that they differ from each other and from what is taken.
fn tell_apart(stems: &[&str], taken: &BTreeSet<String>, limit: usize) -> Vec<String> {
    let room = limit.saturating_sub(1);
    // As much of the head as of the tail is best, then a longer tail or head.
    let mut tails: Vec<usize> = (1..room).collect();
    tails.sort_by_key(|&tail| (tail.abs_diff(room / 2), tail));
    for tail in tails {
        let cut: Vec<String> = stems.iter().map(|stem| keep(stem, limit, tail)).collect();
        let different: BTreeSet<&String> = cut.iter().collect();
        if different.len() == cut.len() && different.iter().all(|name| !taken.contains(*name)) {
            return cut;
        }
    }
    let mut taken = taken.clone();
    let mut numbered = Vec::new();
    for stem in stems {
        // One number more than there are names: one is free.
        let name = (1..=taken.len() + 1)
            .map(|number| {
                let number = format!("…{number}");
                let head = limit.saturating_sub(length(&number));
                stem.chars().take(head).collect::<String>() + &number
            })
            .find(|name| !taken.contains(name))
            .unwrap_or_default();
        taken.insert(name.clone());
        numbered.push(name);
    }
    numbered
}

/// A name with its middle cut so that `tail` cells stay at the end.
fn keep(name: &str, limit: usize, tail: usize) -> String {
    let count = length(name);
    if count <= limit {
        return name.to_owned();
    }
    let head: String = name.chars().take(limit - 1 - tail).collect();
    let end: String = name.chars().skip(count - tail).collect();
    format!("{head}…{end}")
}

/// A namespace's name in `limit` cells; its middle is cut where another begins as its head does.
pub(super) fn title(name: &str, others: &[&str], limit: usize) -> String {
    let head: String = name.chars().take(limit.saturating_sub(1)).collect();
    if others
        .iter()
        .any(|o| *o != name && o.starts_with(head.as_str()))
    {
        cut_middle(name, limit).into_owned()
    } else {
        cut(name, limit).into_owned()
    }
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
    fn ranges_and_long_lists_stay_readable() {
        assert_eq!(ports(["30000-32767/UDP"].into_iter()), "30000-32767/UDP");
        let many = ["8080", "8443", "9000", "9001", "9002", "9003", "9004"];
        assert_eq!(ports(many.into_iter()), "8080·8443·+5");
        assert_eq!(ports(["any"].into_iter()), "any");
    }

    #[test]
    fn what_takes_no_cell_or_two_is_replaced() {
        assert_eq!(tame("a\u{7}漢b"), "a??b");
        // An accent of its own, an emoji of several characters, a direction mark, and the picture's own signs.
        assert_eq!(tame("cafe\u{301}"), "cafe");
        assert_eq!(tame("x👩\u{200d}💻y"), "x???y");
        assert_eq!(tame("a\u{202e}b"), "a?b");
        assert_eq!(tame("a►│●b"), "a???b");
        assert_eq!(tame("größe"), "größe");
    }

    #[test]
    fn different_names_never_look_the_same() {
        let named = |names: &[&'static str]| -> Vec<(&'static str, Option<&'static str>)> {
            names.iter().map(|&name| (name, Some("a"))).collect()
        };
        // Only one character in the middle differs: the tail grows until it is seen.
        let close = named(&["payments-internal-1-worker", "payments-internal-2-worker"]);
        assert_eq!(shorten(&close, 14), ["payme…1-worker", "payme…2-worker"]);
        // Nothing that fits tells them apart.
        let hopeless = named(&[
            "aaaaaaaaaaaaaaa-x-bbbbbbbbbbbbbbb",
            "aaaaaaaaaaaaaaa-y-bbbbbbbbbbbbbbb",
        ]);
        assert_eq!(shorten(&hopeless, 9), ["aaaaaaa…1", "aaaaaaa…2"]);
        // Without its prefix one is what the other is called.
        let prefixed = [
            ("web-frontend-of-all", Some("shop")),
            ("shop-web-frontend-of-all", Some("shop")),
        ];
        let shown = shorten(&prefixed, 19);
        assert_ne!(shown[0], shown[1]);
        // One name twice is one name: a Deployment and a Service account may share it.
        assert_eq!(
            shorten(&named(&["a-very-long-name", "a-very-long-name"]), 9),
            ["very-lon…", "very-lon…"]
        );
        // Signs that are all replaced alike are numbered in their order.
        assert_eq!(shorten(&named(&["漢", "字"]), 9), ["?…2", "?…1"]);
    }

    #[test]
    fn a_frame_is_not_called_like_another() {
        let all = ["e-commerce", "e-commerce-messaging", "monitoring"];
        assert_eq!(title("e-commerce-messaging", &all, 11), "e-com…aging");
        assert_eq!(title("monitoring", &all, 6), "monit…");
        assert_eq!(title("e-commerce", &all, 10), "e-commerce");
    }
}
