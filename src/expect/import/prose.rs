//! What is said around the tables: which environment is meant, which namespaces are under a default deny, and notes.

use super::scan::{Document, Kind, Line};

/// The environment a line announces, when it says nothing else: `## Development`, `Production:`, `**Staging environment**`.
pub(super) fn environment_of(line: &str) -> Option<&'static str> {
    let words: Vec<String> = line
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    // A number in front is that of a chapter.
    let numbers = words
        .iter()
        .take_while(|word| word.bytes().all(|b| b.is_ascii_digit()))
        .count();
    let words: Vec<&str> = words[numbers..].iter().map(String::as_str).collect();
    let ([word] | [word, "environment"] | ["environment", word] | ["the", word, "environment"]) =
        words.as_slice()
    else {
        return None;
    };
    Some(match *word {
        "development" | "dev" => "dev",
        "production" | "prod" => "prod",
        "staging" | "stage" => "staging",
        "test" | "testing" => "test",
        _ => return None,
    })
}

/// The environment that what stands on a line belongs to: that of the nearest line above it that announces one.
pub(super) fn announced_above(document: &Document<'_>, line: u32) -> Option<&'static str> {
    let above = document.lines.iter().rev();
    above
        .skip_while(|above| above.number >= line)
        .filter(|above| !matches!(above.kind, Kind::Code | Kind::Table(_)))
        .find_map(|above| environment_of(above.text))
}

/// Lines that belong together, without what marks them, each with its number.
#[derive(Debug)]
struct Paragraph<'t> {
    lines: Vec<(u32, &'t str)>,
    kind: Kind,
    /// Index of the last line in the document.
    last: usize,
}

impl Paragraph<'_> {
    fn text(&self) -> String {
        let texts: Vec<&str> = self.lines.iter().map(|(_, text)| *text).collect();
        texts.join(" ")
    }
}

fn paragraphs<'t>(lines: &[Line<'t>]) -> Vec<Paragraph<'t>> {
    let mut found: Vec<Paragraph<'t>> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if !matches!(line.kind, Kind::Prose | Kind::Quote | Kind::Item) {
            continue;
        }
        let text = line.text.trim().trim_start_matches('>').trim();
        let announces = environment_of(text).is_some();
        let goes_on = found.last().is_some_and(|last| {
            last.last + 1 == index
                && line.kind != Kind::Item
                && (last.kind == line.kind || (last.kind == Kind::Item && line.kind == Kind::Prose))
                && !announces
                && last
                    .lines
                    .last()
                    .is_none_or(|(_, text)| environment_of(text).is_none())
        });
        match found.last_mut().filter(|_| goes_on) {
            Some(last) => {
                last.lines.push((line.number, text));
                last.last = index;
            }
            None => found.push(Paragraph {
                lines: vec![(line.number, text)],
                kind: line.kind,
                last: index,
            }),
        }
    }
    found
}

/// A note under a table: block quotes and paragraphs up to the next heading, list, table, or line that announces an environment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) line: u32,
    pub(super) text: String,
}

pub(super) fn notes_under(document: &Document<'_>, table: usize) -> Vec<Note> {
    let table = &document.tables[table];
    // Header, delimiter, rows.
    let start = table.first + 2 + table.rows.len();
    let lines = document.lines.get(start..).unwrap_or_default();
    let end = lines
        .iter()
        .position(|line| {
            !matches!(line.kind, Kind::Blank | Kind::Prose | Kind::Quote)
                || environment_of(line.text).is_some()
        })
        .unwrap_or(lines.len());
    paragraphs(&lines[..end])
        .into_iter()
        .filter(|paragraph| paragraph.text().chars().any(char::is_alphanumeric))
        .map(|paragraph| Note {
            line: paragraph.lines[0].0,
            text: paragraph.text(),
        })
        .collect()
}

/// A sentence that claims a default deny.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DefaultDeny {
    /// Where the sentence names its first namespace, or begins.
    pub(super) line: u32,
    pub(super) names: Vec<Name>,
    /// It speaks of all namespaces, and names none.
    pub(super) of_all: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) namespace: String,
    pub(super) line: u32,
    /// As it stands there, where a lost separator had to be put back: `anddefault`.
    pub(super) glued: Option<String>,
}

/// Every sentence of the document that claims a default deny for namespaces, in document order.
pub(super) fn default_denies(document: &Document<'_>) -> Vec<DefaultDeny> {
    paragraphs(&document.lines)
        .iter()
        .flat_map(sentences)
        .filter_map(|words| default_deny(&words))
        .collect()
}

/// A word of a sentence, with what separates it from the one before.
#[derive(Debug)]
struct Word {
    line: u32,
    text: String,
    quoted: bool,
    /// A comma or `and` stands between this and the word before, or nothing does.
    separated: bool,
}

/// Cuts a paragraph into sentences, and those into words; emphasis is dropped.
fn sentences(paragraph: &Paragraph<'_>) -> Vec<Vec<Word>> {
    let mut found = vec![Vec::new()];
    let mut separated = true;
    for (line, text) in &paragraph.lines {
        // Odd pieces are back-quoted.
        for (piece, part) in text.split('`').enumerate() {
            if piece % 2 == 1 {
                put(&mut found, *line, part.trim(), true, separated);
                separated = false;
                continue;
            }
            for raw in part.split_whitespace() {
                let bare: String = raw.chars().filter(|c| !matches!(c, '*')).collect();
                for (index, word) in bare.split([',', ';', '(', ')', ':']).enumerate() {
                    separated |= index > 0;
                    let ends = word.ends_with(['.', '!', '?']);
                    let word = word.trim_matches(|c: char| {
                        !c.is_alphanumeric() && !matches!(c, '-' | '_' | '/')
                    });
                    if !word.is_empty() {
                        put(&mut found, *line, word, false, separated);
                        separated = false;
                    }
                    if ends {
                        found.push(Vec::new());
                        separated = true;
                    }
                }
            }
        }
    }
    found
}

fn put(found: &mut [Vec<Word>], line: u32, text: &str, quoted: bool, separated: bool) {
    if let Some(sentence) = found.last_mut().filter(|_| !text.is_empty()) {
        let after_and = sentence
            .last()
            .is_some_and(|last| is_and(&last.text) && !last.quoted);
        sentence.push(Word {
            line,
            text: text.to_owned(),
            quoted,
            separated: separated || after_and,
        });
    }
}

fn is_and(word: &str) -> bool {
    ["and", "or", "as", "plus"]
        .iter()
        .any(|and| word.eq_ignore_ascii_case(and))
}

/// Words around names of namespaces that are none.
const AROUND: [&str; 26] = [
    "the",
    "a",
    "an",
    "of",
    "in",
    "for",
    "to",
    "on",
    "our",
    "its",
    "this",
    "that",
    "these",
    "those",
    "both",
    "well",
    "following",
    "kubernetes",
    "namespace",
    "namespaces",
    "network",
    "policy",
    "policies",
    "named",
    "called",
    "own",
];

const ALL: [&str; 4] = ["all", "every", "each", "any"];

fn default_deny(words: &[Word]) -> Option<DefaultDeny> {
    let lower: Vec<String> = words.iter().map(|word| word.text.to_lowercase()).collect();
    let claims = claim(&lower)?;
    let namespace = |word: &String| word == "namespace" || word == "namespaces";
    let quoted = |range: std::ops::Range<usize>| -> Vec<Name> {
        let of = words[range].iter().filter(|word| word.quoted);
        of.filter(|word| is_name(&word.text))
            .map(|word| Name {
                namespace: word.text.clone(),
                line: word.line,
                glued: None,
            })
            .collect()
    };
    let at = lower.iter().position(namespace)?;
    let behind = claims.end..words.len();
    let before = 0..claims.start;
    let mut names = quoted(behind.clone());
    if names.is_empty() {
        names = quoted(before.clone());
    }
    let mut of_all = false;
    if names.is_empty() {
        // `default deny … for the a, b and c namespaces`, else `… in the namespaces a and b`, else `the a and b namespaces …`.
        let next = lower[claims.end..].iter().position(namespace);
        let spans: Vec<std::ops::Range<usize>> = match next.map(|next| claims.end + next) {
            Some(next) => vec![
                after_preposition(&lower, claims.end..next),
                next + 1..words.len(),
            ],
            None => vec![0..at, at + 1..claims.start],
        };
        for span in spans {
            of_all |= lower[span.clone()]
                .iter()
                .any(|word| ALL.contains(&word.as_str()));
            names = plain_names(&words[span]);
            if !names.is_empty() {
                break;
            }
        }
    }
    let line = names
        .first()
        .map_or_else(|| words[0].line, |name| name.line);
    (of_all || !names.is_empty()).then_some(DefaultDeny {
        line,
        of_all: names.is_empty(),
        names,
    })
}

/// The words that claim it.
fn claim(lower: &[String]) -> Option<std::ops::Range<usize>> {
    let words: Vec<&str> = lower.iter().map(String::as_str).collect();
    (0..words.len()).find_map(|at| match &words[at..] {
        ["default", "deny", ..] | ["deny" | "denied", "by", "default", ..] => {
            let len = if words[at] == "default" { 2 } else { 3 };
            Some(at..at + len)
        }
        ["default-deny" | "default-deny-all" | "deny-by-default", ..] => Some(at..at + 1),
        _ => None,
    })
}

fn after_preposition(lower: &[String], range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let last = range
        .clone()
        .rev()
        .find(|at| ["for", "in", "of", "on", "to"].contains(&lower[*at].as_str()));
    last.map_or(range.start, |at| at + 1)..range.end
}

/// Names in a row, up to the first word that can be none.
fn plain_names(words: &[Word]) -> Vec<Name> {
    let mut found: Vec<Name> = Vec::new();
    for word in words {
        let lower = word.text.to_lowercase();
        if is_and(&lower) || AROUND.contains(&lower.as_str()) || ALL.contains(&lower.as_str()) {
            continue;
        }
        if is_verb(&lower) || !is_name(&word.text) {
            if found.is_empty() {
                continue;
            }
            break;
        }
        // Names in a row are separated; where nothing separates two, the `and` between them has lost its blank.
        let glued = (!word.separated && !found.is_empty())
            .then(|| word.text.strip_prefix("and"))
            .flatten()
            .filter(|rest| is_name(rest));
        found.push(Name {
            namespace: glued.unwrap_or(&word.text).to_owned(),
            line: word.line,
            glued: glued.map(|_| word.text.clone()),
        });
    }
    found
}

fn is_verb(lower: &str) -> bool {
    [
        "is", "are", "has", "have", "had", "get", "gets", "use", "uses", "be", "was", "were",
        "with", "under", "place", "applied", "enforced", "by", "which", "where", "so", "must",
        "should", "require", "requires", "exists", "exist",
    ]
    .contains(&lower)
}

/// The API's rule for names of namespaces: a DNS label.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 63
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::super::scan::scan;
    use super::*;

    #[test]
    fn a_line_announces_an_environment_when_it_says_nothing_else() {
        for (line, expected) in [
            ("## Development", Some("dev")),
            ("Production", Some("prod")),
            ("**Staging environment**:", Some("staging")),
            ("### 2.1 Test", Some("test")),
            ("Environment: prod", Some("prod")),
            ("> Production", Some("prod")),
            ("Production runs on Monday", None),
            ("in the production environment following this graph:", None),
            ("## Overview", None),
            ("", None),
            ("12", None),
        ] {
            assert_eq!(environment_of(line), expected, "{line}");
        }
    }

    fn denied(text: &str) -> Vec<String> {
        default_denies(&scan(text))
            .into_iter()
            .map(|deny| {
                let names: Vec<String> = deny
                    .names
                    .iter()
                    .map(|name| match &name.glued {
                        Some(glued) => format!("{}({glued})", name.namespace),
                        None => name.namespace.clone(),
                    })
                    .collect();
                let all = if deny.of_all { " all" } else { "" };
                format!("{}:{all} {}", deny.line, names.join(" "))
            })
            .collect()
    }

    #[test]
    fn default_denies_are_found_in_sentences_of_every_build() {
        for (text, expected) in [
            (
                "> There is a **default deny** policy for the `shop`, `jobs` and `default` namespaces. Pods need more.",
                &["1: shop jobs default"][..],
            ),
            // Wrapped at every name, a separator at the wrong end, and an `and` that lost its blank.
            (
                "A default deny all policy is in place for the\nshop\n,shop-jobs\nanddefault\nnamespaces. Any pod there needs a rule.",
                &["2: shop shop-jobs default(anddefault)"],
            ),
            // A name that begins so is left alone where something separates it.
            (
                "A default-deny holds in the namespaces shop, android.",
                &["1: shop android"],
            ),
            (
                "A default deny is applied to the shop and android namespaces.",
                &["1: shop android"],
            ),
            (
                "The shop and jobs namespaces are under a default deny.",
                &["1: shop jobs"],
            ),
            (
                "Namespaces `a` and `b` have a `default-deny` policy.",
                &["1: a b"],
            ),
            (
                "Everything is denied by default in namespace shop.",
                &["1: shop"],
            ),
            ("A default deny holds in all namespaces.", &["1: all "]),
            ("- Default deny all\n- Namespace isolation\n", &[]),
            ("Default deny all\n\nNamespace isolation\n", &[]),
            ("The default namespace holds nothing.", &[]),
        ] {
            assert_eq!(denied(text), expected, "{text}");
        }
    }

    #[test]
    fn notes_end_where_something_else_begins() {
        let text = "| A | B |\n|---|---|\n| 1 | 2 |\n> first\n> goes on\n\n> second\n\nthird\nProduction\nno note\n";
        let told: Vec<String> = notes_under(&scan(text), 0)
            .into_iter()
            .map(|note| format!("{} {}", note.line, note.text))
            .collect();
        assert_eq!(told, ["4 first goes on", "7 second", "9 third"]);
        let text = "| A | B |\n|---|---|\n| 1 | 2 |\n\n## Next\nno note\n";
        assert!(notes_under(&scan(text), 0).is_empty());
    }

    #[test]
    fn the_nearest_announcement_counts() {
        let table = "| A | B |\n|---|---|\n| 1 | 2 |\n";
        let text = format!("## Dev\nwords\n{table}\nmore\n{table}\nProduction\n{table}");
        let document = scan(&text);
        let told: Vec<_> = (0..3)
            .map(|index| announced_above(&document, document.tables[index].line))
            .collect();
        assert_eq!(told, [Some("dev"), Some("dev"), Some("prod")]);
        // What stands in code or in a table announces nothing, wherever it is asked from.
        let text = "## Dev\n```\n# prod\n```\nlast\n";
        assert_eq!(announced_above(&scan(text), 5), Some("dev"));
        assert_eq!(announced_above(&scan(text), 1), None);
    }
}
