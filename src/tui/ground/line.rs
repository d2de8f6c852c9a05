//! The line a probe is typed in.

use crate::tui::view::Question;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word<'a> {
    /// In bytes.
    pub(super) start: usize,
    pub(super) text: &'a str,
}

/// The parts of `A B 5432` or `A -> B:5432`, arrows left out.
pub(super) fn words_of(line: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut arrow = false;
    for text in line.split_whitespace() {
        let start = text.as_ptr() as usize - line.as_ptr() as usize;
        if matches!(text, "->" | "→") {
            arrow = true;
            continue;
        }
        match text.rsplit_once(':') {
            // Behind an arrow, `B:5432` is two parts; an IPv6 address is not.
            Some((end, port))
                if arrow && words.len() == 1 && !end.is_empty() && !end.contains(':') =>
            {
                words.push(Word { start, text: end });
                if !port.is_empty() {
                    words.push(Word {
                        start: start + end.len() + 1,
                        text: port,
                    });
                }
            }
            _ => words.push(Word { start, text }),
        }
    }
    words
}

/// Reads a whole line as a question.
pub fn parse_line(line: &str) -> Result<Question, String> {
    let words: Vec<&str> = words_of(line).into_iter().map(|word| word.text).collect();
    match words.as_slice() {
        [] | [_] => Err("a probe needs two ends: FROM TO [PORT]".to_owned()),
        [from, to, rest @ ..] if rest.len() < 2 => Ok(Question {
            from: (*from).to_owned(),
            to: (*to).to_owned(),
            port: rest
                .first()
                .map(|port| (*port).to_owned())
                .unwrap_or_default(),
        }),
        _ => Err(
            "too many words: FROM TO [PORT]; `p` fills FROM in, ctrl-u empties the line".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(line: &str) -> (String, String, String) {
        let question = parse_line(line).unwrap();
        (question.from, question.to, question.port)
    }

    fn three(from: &str, to: &str, port: &str) -> (String, String, String) {
        (from.to_owned(), to.to_owned(), port.to_owned())
    }

    #[test]
    fn a_probe_can_be_written_with_blanks_or_with_an_arrow() {
        assert_eq!(
            question("shop/web shop/db 5432"),
            three("shop/web", "shop/db", "5432")
        );
        assert_eq!(
            question(" shop/web -> shop/db:5432 "),
            three("shop/web", "shop/db", "5432")
        );
        assert_eq!(
            question("shop/web -> shop/db"),
            three("shop/web", "shop/db", "")
        );
        assert_eq!(
            question("shop/web 2001:db8::1 443"),
            three("shop/web", "2001:db8::1", "443")
        );
        assert_eq!(
            question("a -> 2001:db8::1 443"),
            three("a", "2001:db8::1", "443")
        );
        assert!(parse_line("one").is_err());
        assert!(parse_line("a b 1 2").is_err());
    }
}
