//! A line of text being edited.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The text and where the cursor is. Holds no control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Input {
    text: String,
    cursor: usize, // Invariant: a character boundary of `text`.
}

impl Input {
    /// A line with the cursor at its end.
    pub(super) fn new(text: &str) -> Self {
        let mut input = Self::default();
        input.insert(text);
        input
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// In bytes.
    pub(super) fn cursor(&self) -> usize {
        self.cursor
    }

    /// Inserts at the cursor; line breaks become blanks, other control characters go.
    pub(super) fn insert(&mut self, text: &str) {
        for c in text.chars() {
            let c = if matches!(c, '\n' | '\t') { ' ' } else { c };
            if !c.is_control() && self.text.len() < 4096 {
                self.text.insert(self.cursor, c);
                self.cursor += c.len_utf8();
            }
        }
    }

    /// Replaces the word the cursor stands in or behind, and steps past it.
    pub(super) fn replace_word(&mut self, with: &str) {
        let start = self.text[..self.cursor].rfind(' ').map_or(0, |at| at + 1);
        let end = self.text[self.cursor..]
            .find(' ')
            .map_or(self.text.len(), |at| self.cursor + at);
        self.text.replace_range(start..end, with);
        self.cursor = start + with.len();
    }

    /// Edits by a key; says whether the key was one of ours.
    pub(super) fn key(&mut self, key: KeyEvent) -> bool {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('u') if ctrl => {
                self.text.replace_range(..self.cursor, "");
                self.cursor = 0;
            }
            KeyCode::Char('w') if ctrl => {
                let kept = self.text[..self.cursor].trim_end();
                let start = kept.rfind(' ').map_or(0, |at| at + 1);
                self.text.replace_range(start..self.cursor, "");
                self.cursor = start;
            }
            KeyCode::Char('a') if ctrl => self.cursor = 0,
            KeyCode::Char('e') if ctrl => self.cursor = self.text.len(),
            KeyCode::Char(c) if !ctrl && !key.modifiers.contains(KeyModifiers::ALT) => {
                self.insert(c.encode_utf8(&mut [0; 4]));
            }
            KeyCode::Backspace => {
                if let Some(before) = self.before() {
                    self.text.replace_range(before..self.cursor, "");
                    self.cursor = before;
                }
            }
            KeyCode::Delete => {
                if let Some(after) = self.after() {
                    self.text.replace_range(self.cursor..after, "");
                }
            }
            KeyCode::Left => self.cursor = self.before().unwrap_or(0),
            KeyCode::Right => self.cursor = self.after().unwrap_or(self.text.len()),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            _ => return false,
        }
        true
    }

    fn before(&self) -> Option<usize> {
        self.text[..self.cursor]
            .char_indices()
            .next_back()
            .map(|(at, _)| at)
    }

    fn after(&self) -> Option<usize> {
        let c = self.text[self.cursor..].chars().next()?;
        Some(self.cursor + c.len_utf8())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(input: &mut Input, codes: &[KeyCode]) {
        for code in codes {
            input.key(KeyEvent::new(*code, KeyModifiers::NONE));
        }
    }

    #[test]
    fn a_paste_becomes_one_line_without_controls() {
        let input = Input::new("a\nb\x1b[31mc\r");
        assert_eq!(input.text(), "a b[31mc");
    }

    #[test]
    fn editing_respects_characters_of_several_bytes() {
        let mut input = Input::new("aéb");
        typed(
            &mut input,
            &[KeyCode::Left, KeyCode::Backspace, KeyCode::Char('x')],
        );
        assert_eq!(input.text(), "axb");
        typed(
            &mut input,
            &[
                KeyCode::Home,
                KeyCode::Delete,
                KeyCode::Left,
                KeyCode::End,
                KeyCode::Right,
            ],
        );
        assert_eq!((input.text(), input.cursor()), ("xb", 2));
    }

    #[test]
    fn a_completion_replaces_the_word_under_the_cursor() {
        let mut input = Input::new("shop/web da");
        input.replace_word("data/db");
        assert_eq!(input.text(), "shop/web data/db");
        typed(&mut input, &[KeyCode::Home]);
        input.replace_word("x");
        assert_eq!(input.text(), "x data/db");
    }
}
