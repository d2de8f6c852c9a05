//! Colours by meaning. Colour is the third signal, after the word and the sign; two sets exist: the terminal's own sixteen
//! colours, and none at all.

use ratatui::style::{Color, Modifier, Style};

use crate::graph::{self, State};

use super::view::{Sign, Tone};

/// How things are styled and whether only ASCII may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Theme {
    pub(super) color: bool,
    pub(super) ascii: bool,
}

impl Theme {
    pub(super) fn tone(self, tone: Tone) -> Style {
        let style = Style::default();
        match tone {
            Tone::Allow if self.color => style.fg(Color::Cyan),
            Tone::Plain | Tone::Allow => style,
            Tone::Deny if self.color => style.fg(Color::Red),
            Tone::Name | Tone::Deny => style.add_modifier(Modifier::BOLD),
            Tone::Unknown => style.add_modifier(Modifier::ITALIC),
            Tone::Drift if self.color => style.fg(Color::Yellow).add_modifier(Modifier::BOLD),
            Tone::Drift => style.add_modifier(Modifier::UNDERLINED),
            Tone::Faint if self.color => style.fg(Color::DarkGray),
            Tone::Faint => style.add_modifier(Modifier::DIM),
        }
    }

    pub(super) fn sign(self, sign: Sign) -> Style {
        self.tone(match sign {
            Sign::Expected | Sign::None => Tone::Faint,
            Sign::Missing | Sign::Unexpected => Tone::Drift,
            Sign::Unknown => Tone::Unknown,
        })
    }

    /// What is selected; the one place where the background changes.
    pub(super) fn selected() -> Style {
        Style::default().add_modifier(Modifier::REVERSED)
    }

    pub(super) fn border(self, focused: bool) -> Style {
        if focused {
            Style::default().add_modifier(Modifier::BOLD)
        } else {
            self.tone(Tone::Faint)
        }
    }

    pub(super) fn key() -> Style {
        Style::default().add_modifier(Modifier::BOLD)
    }

    /// A wire or a port of the graph.
    pub(super) fn edge(self, state: State) -> Style {
        self.tone(match state {
            State::Plain => Tone::Allow,
            State::Unexpected => Tone::Deny,
            State::Missing => Tone::Drift,
            State::Unknown => Tone::Unknown,
            State::HalfOpen(_) => Tone::Faint,
        })
    }
}

/// Returns the plain character for a glyph of ours, one cell for one cell; `?` for anything else that is not ASCII.
pub(super) fn to_ascii(glyph: char) -> char {
    match glyph {
        '✗' => 'x',
        '›' | '→' => '>',
        '←' => '<',
        '▲' | '↑' => '^',
        '▼' | '↓' => 'v',
        '◌' | '◑' => 'O',
        '·' => '.',
        '—' | '–' => '-',
        '█' => '#',
        '✓' => '+',
        // The picture's own signs, so that its legend has the lines it has.
        glyph => graph::to_ascii(glyph),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_nothing_has_a_colour() {
        let theme = Theme {
            color: false,
            ascii: false,
        };
        for tone in Tone::ALL {
            let style = theme.tone(tone);
            assert_eq!((style.fg, style.bg), (None, None), "{tone:?}");
        }
        assert_ne!(theme.tone(Tone::Allow), theme.tone(Tone::Deny));
        assert_ne!(theme.tone(Tone::Allow), theme.tone(Tone::Drift));
    }

    #[test]
    fn every_sign_has_a_plain_twin() {
        for (glyph, plain) in [
            ('✓', '+'),
            ('✗', 'x'),
            ('▲', '^'),
            ('▼', 'v'),
            ('┼', '+'),
            ('日', '?'),
            ('a', 'a'),
        ] {
            assert_eq!(to_ascii(glyph), plain);
        }
    }
}
