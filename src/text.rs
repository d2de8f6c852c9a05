//! Strings from outside, made safe to show, and their width in terminal cells.
//!
//! Names, labels and messages come from a cluster or a file: they are data, and a terminal must never obey them.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Returns `text` with everything a terminal or a reader could be fooled by written out as an escape.
///
/// Control characters (line breaks and tabs too), bidirectional overrides and zero-width characters become `\u{..}`.
/// Borrows when there is nothing to change, which is the usual case.
pub fn tame(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut tamed = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unsafe(c) {
            let _ = write!(tamed, "\\u{{{:x}}}", u32::from(c));
        } else {
            tamed.push(c);
        }
    }
    Cow::Owned(tamed)
}

/// Whether a terminal or a reader could be fooled by a character: controls, and what is not seen.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Returns how many terminal cells `text` takes: wide characters count two, combining ones none.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Cuts `text` to at most `cells` cells, ending in `…` when something was cut. Zero cells give an empty string.
pub fn cut(text: &str, cells: usize) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    if cells == 0 {
        return Cow::Borrowed("");
    }
    let mut out = take_front(text, cells - 1);
    out.push('…');
    Cow::Owned(out)
}

/// Cuts `text` in the middle, keeping both ends: names often differ only in their last letters.
pub fn cut_middle(text: &str, cells: usize) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    if cells < 4 {
        return cut(text, cells);
    }
    let tail_cells = (cells - 1) / 2;
    let mut tail = String::new();
    let mut used = 0;
    for c in text.chars().rev() {
        let w = c.width().unwrap_or(0);
        if used + w > tail_cells {
            break;
        }
        used += w;
        tail.insert(0, c);
    }
    let mut out = take_front(text, cells - 1 - used);
    out.push('…');
    out.push_str(&tail);
    Cow::Owned(out)
}

/// Pads `text` with blanks on the right, or cuts it, to exactly `cells` cells.
pub fn fit(text: &str, cells: usize) -> String {
    let mut out = cut(text, cells).into_owned();
    let used = width(&out);
    out.extend(std::iter::repeat_n(' ', cells.saturating_sub(used)));
    out
}

fn take_front(text: &str, cells: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w > cells {
            break;
        }
        used += w;
        out.push(c);
    }
    out
}

/// Returns the up to `count` candidates nearest to what was typed, best first: for "did you mean".
///
/// Nearness is edit distance without regard to case; a candidate that contains the typed text counts as near. Ties keep
/// alphabetical order, so the answer is stable.
pub fn nearest<'a>(
    typed: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    count: usize,
) -> Vec<&'a str> {
    let wanted = typed.to_lowercase();
    let mut scored: Vec<(usize, &str)> = candidates
        .into_iter()
        .map(|candidate| {
            let lower = candidate.to_lowercase();
            let last = lower.rsplit('/').next().unwrap_or(&lower);
            let mut distance = edit_distance(&wanted, &lower).min(edit_distance(&wanted, last) + 1);
            if !wanted.is_empty() && lower.contains(&wanted) {
                distance = distance.min(2);
            }
            (distance, candidate)
        })
        .collect();
    scored.sort_unstable();
    scored.dedup_by(|a, b| a.1 == b.1);
    scored
        .into_iter()
        .take(count)
        .map(|(_, candidate)| candidate)
        .collect()
}

/// Whether two different names look like one of them mistyped. Names that differ in their digits only are different things.
pub fn is_near(a: &str, b: &str) -> bool {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let letters = |text: &str| -> String { text.chars().filter(|c| !c.is_numeric()).collect() };
    let shorter = a.chars().count().min(b.chars().count());
    letters(&a) != letters(&b) && edit_distance(&a, &b) <= shorter / 4
}

fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let cost = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_overrides_are_written_out() {
        assert_eq!(tame("a\x1b[31mb"), "a\\u{1b}[31mb");
        assert_eq!(tame("x\u{202e}y"), "x\\u{202e}y");
        assert_eq!(tame("line\nbreak"), "line\\u{a}break");
        assert!(matches!(tame("plain/ünïcode"), Cow::Borrowed(_)));
    }

    #[test]
    fn cutting_counts_cells_not_characters() {
        // Each of these characters takes two cells.
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abc", 0), "");
        assert_eq!(fit("日本語", 4), "日… ");
    }

    #[test]
    fn the_middle_goes_first_so_that_both_ends_stay() {
        assert_eq!(cut_middle("notification-service", 11), "notif…rvice");
        assert_eq!(cut_middle("short", 5), "short");
    }

    #[test]
    fn a_slip_is_near_and_another_name_is_not() {
        for (a, b, expected) in [
            ("Prometheus", "Promtheus", true),
            ("mongo", "mango", true),
            ("Kibana", "Grafana", false),
            ("web1", "web2", false),
            ("web-12", "web-1", false),
            ("api", "app", false),
            ("Fluentd", "Fluentd", false),
        ] {
            assert_eq!(is_near(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn near_names_come_first() {
        let known = [
            "stalker/mongo",
            "stalker/kafka",
            "stalker/mongo-express",
            "shop/api",
        ];
        assert_eq!(nearest("mongp", known, 1), ["stalker/mongo"]);
        assert_eq!(nearest("express", known, 1), ["stalker/mongo-express"]);
    }
}
