//! The one key table. What a key does, the help, the hint bar and `netseg-tui keys` all come from it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key means in normal mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Left,
    Down,
    Up,
    Right,
    First,
    Last,
    PageDown,
    PageUp,
    NextPane,
    PreviousPane,
    Flows,
    Drift,
    Enter,
    NextWire,
    PreviousWire,
    PanLeft,
    PanDown,
    PanUp,
    PanRight,
    Back,
    Filter,
    Help,
    Namespaces,
    AllNamespaces,
    Probe,
    Pin,
    Reverse,
    Reconnect,
    Earlier,
    Later,
    Why,
    NextEnvironment,
    Environments,
    Differing,
    NextView,
    Open,
    MoreDetail,
    LessDetail,
    Refit,
    Classes,
    Zoom,
    Mouse,
    Suspend,
    Quit,
    QuitAndPrint,
    QuitNow,
}

/// The columns of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    Move,
    Look,
    Ask,
    ScopeAndOut,
}

impl Group {
    pub const ALL: [Self; 4] = [Self::Move, Self::Look, Self::Ask, Self::ScopeAndOut];

    pub fn title(self) -> &'static str {
        match self {
            Self::Move => "MOVE",
            Self::Look => "LOOK",
            Self::Ask => "ASK",
            Self::ScopeAndOut => "SCOPE AND OUT",
        }
    }
}

/// A row of the table.
#[derive(Debug)]
pub struct Binding {
    /// As people read it: `h j k l, arrows`.
    pub keys: &'static str,
    pub does: &'static str,
    pub group: Group,
    chords: &'static [(Chord, Action)],
}

impl Binding {
    pub fn actions(&self) -> impl Iterator<Item = Action> {
        self.chords.iter().map(|(_, action)| *action)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Chord {
    code: KeyCode,
    ctrl: bool,
    /// Told apart for arrows only: letters have their case.
    shift: bool,
}

const fn key(c: char) -> Chord {
    Chord {
        code: KeyCode::Char(c),
        ctrl: false,
        shift: false,
    }
}

const fn ctrl(c: char) -> Chord {
    Chord {
        code: KeyCode::Char(c),
        ctrl: true,
        shift: false,
    }
}

const fn special(code: KeyCode) -> Chord {
    Chord {
        code,
        ctrl: false,
        shift: false,
    }
}

const fn shift(code: KeyCode) -> Chord {
    Chord {
        code,
        ctrl: false,
        shift: true,
    }
}

const fn row(
    keys: &'static str,
    does: &'static str,
    group: Group,
    chords: &'static [(Chord, Action)],
) -> Binding {
    Binding {
        keys,
        does,
        group,
        chords,
    }
}

static TABLE: [Binding; 30] = [
    row(
        "h j k l, arrows",
        "move; in the graph by geometry",
        Group::Move,
        &[
            (key('h'), Action::Left),
            (key('j'), Action::Down),
            (key('k'), Action::Up),
            (key('l'), Action::Right),
            (special(KeyCode::Left), Action::Left),
            (special(KeyCode::Down), Action::Down),
            (special(KeyCode::Up), Action::Up),
            (special(KeyCode::Right), Action::Right),
        ],
    ),
    row(
        "g G, Home, End",
        "first, last",
        Group::Move,
        &[
            (key('g'), Action::First),
            (key('G'), Action::Last),
            (special(KeyCode::Home), Action::First),
            (special(KeyCode::End), Action::Last),
        ],
    ),
    row(
        "ctrl-d ctrl-u, PgDn PgUp",
        "page",
        Group::Move,
        &[
            (ctrl('d'), Action::PageDown),
            (ctrl('u'), Action::PageUp),
            (special(KeyCode::PageDown), Action::PageDown),
            (special(KeyCode::PageUp), Action::PageUp),
        ],
    ),
    row(
        "tab, shift-tab",
        "next, previous pane",
        Group::Move,
        &[
            (special(KeyCode::Tab), Action::NextPane),
            (special(KeyCode::BackTab), Action::PreviousPane),
        ],
    ),
    row(
        "enter",
        "drill in: a workload to its flows, a flow or wire to why",
        Group::Move,
        &[(special(KeyCode::Enter), Action::Enter)],
    ),
    row(
        "J K",
        "graph: next, previous wire of the selection",
        Group::Move,
        &[
            (key('J'), Action::NextWire),
            (key('K'), Action::PreviousWire),
        ],
    ),
    row(
        "shift-arrows",
        "graph: pan",
        Group::Move,
        &[
            (shift(KeyCode::Left), Action::PanLeft),
            (shift(KeyCode::Down), Action::PanDown),
            (shift(KeyCode::Up), Action::PanUp),
            (shift(KeyCode::Right), Action::PanRight),
        ],
    ),
    row(
        "esc",
        "one step back, clears the filter last",
        Group::Move,
        &[(special(KeyCode::Esc), Action::Back)],
    ),
    row(
        "1 2",
        "Flows, Drift",
        Group::Look,
        &[(key('1'), Action::Flows), (key('2'), Action::Drift)],
    ),
    row("/", "filter", Group::Look, &[(key('/'), Action::Filter)]),
    row(
        "z",
        "zoom the pane",
        Group::Look,
        &[(key('z'), Action::Zoom)],
    ),
    row(
        "v",
        "graph: next view of map, ego, matrix, overview",
        Group::Look,
        &[(key('v'), Action::NextView)],
    ),
    row(
        "o",
        "graph: open or close a namespace",
        Group::Look,
        &[(key('o'), Action::Open)],
    ),
    row(
        "+ - 0",
        "graph: more detail, less, refit",
        Group::Look,
        &[
            (key('+'), Action::MoreDetail),
            (key('-'), Action::LessDetail),
            (key('0'), Action::Refit),
        ],
    ),
    row(
        "c",
        "graph: app traffic, with DNS, all classes",
        Group::Look,
        &[(key('c'), Action::Classes)],
    ),
    row(
        "e, E",
        "next environment; environments side by side",
        Group::Look,
        &[
            (key('e'), Action::NextEnvironment),
            (key('E'), Action::Environments),
        ],
    ),
    row(
        "!",
        "side by side: only what differs, or all",
        Group::Look,
        &[(key('!'), Action::Differing)],
    ),
    row(
        "?, F1",
        "help",
        Group::Look,
        &[
            (key('?'), Action::Help),
            (special(KeyCode::F(1)), Action::Help),
        ],
    ),
    row(
        "p",
        "probe, FROM filled with the selection",
        Group::Ask,
        &[(key('p'), Action::Probe)],
    ),
    row(
        "space",
        "pin as FROM, then as TO, then probe",
        Group::Ask,
        &[(key(' '), Action::Pin)],
    ),
    row(
        "r",
        "reverse the probe",
        Group::Ask,
        &[(key('r'), Action::Reverse)],
    ),
    row(
        "[ ]",
        "earlier, later probe",
        Group::Ask,
        &[(key('['), Action::Earlier), (key(']'), Action::Later)],
    ),
    row(
        "w",
        "why: explain the row or the workload",
        Group::Ask,
        &[(key('w'), Action::Why)],
    ),
    row(
        "n, a",
        "namespaces; all of them",
        Group::ScopeAndOut,
        &[
            (key('n'), Action::Namespaces),
            (key('a'), Action::AllNamespaces),
        ],
    ),
    row(
        "m",
        "mouse on, off",
        Group::ScopeAndOut,
        &[(key('m'), Action::Mouse)],
    ),
    row(
        "ctrl-r",
        "reconnect now",
        Group::ScopeAndOut,
        &[(ctrl('r'), Action::Reconnect)],
    ),
    row(
        "ctrl-z",
        "suspend",
        Group::ScopeAndOut,
        &[(ctrl('z'), Action::Suspend)],
    ),
    row("q", "quit", Group::ScopeAndOut, &[(key('q'), Action::Quit)]),
    row(
        "Q",
        "quit and print the last answer",
        Group::ScopeAndOut,
        &[(key('Q'), Action::QuitAndPrint)],
    ),
    row(
        "ctrl-c",
        "quit at once, from everywhere",
        Group::ScopeAndOut,
        &[(ctrl('c'), Action::QuitNow)],
    ),
];

/// Every binding, in the order of the help.
pub fn table() -> &'static [Binding] {
    &TABLE
}

/// What a key does in normal mode; `None` when it is not bound.
pub fn action(event: KeyEvent) -> Option<Action> {
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    if event.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    let is_arrow = matches!(
        event.code,
        KeyCode::Left | KeyCode::Right | KeyCode::Up | KeyCode::Down
    );
    let shift = is_arrow && event.modifiers.contains(KeyModifiers::SHIFT);
    let pressed = Chord {
        code: event.code,
        ctrl,
        shift,
    };
    TABLE
        .iter()
        .flat_map(|binding| binding.chords)
        .find(|(chord, _)| *chord == pressed)
        .map(|(_, action)| *action)
}

/// The key table as text, for `netseg-tui keys`.
pub fn text() -> String {
    let widest = TABLE
        .iter()
        .map(|binding| binding.keys.len())
        .max()
        .unwrap_or(0);
    let groups = Group::ALL.map(|group| {
        let rows = TABLE.iter().filter(|binding| binding.group == group);
        let lines = rows.map(|binding| format!("  {:widest$}  {}\n", binding.keys, binding.does));
        format!("{}\n{}", group.title(), lines.collect::<String>())
    });
    groups.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_bound_twice() {
        let chords: Vec<Chord> = TABLE
            .iter()
            .flat_map(|binding| binding.chords.iter().map(|(chord, _)| *chord))
            .collect();
        for (index, chord) in chords.iter().enumerate() {
            assert!(!chords[..index].contains(chord), "{chord:?} is bound twice");
        }
    }

    #[test]
    fn letters_keep_their_case_and_alt_is_never_bound() {
        let press = |code, modifiers| action(KeyEvent::new(code, modifiers));
        assert_eq!(
            press(KeyCode::Char('q'), KeyModifiers::NONE),
            Some(Action::Quit)
        );
        assert_eq!(
            press(KeyCode::Char('Q'), KeyModifiers::SHIFT),
            Some(Action::QuitAndPrint)
        );
        assert_eq!(
            press(KeyCode::Char('c'), KeyModifiers::CONTROL),
            Some(Action::QuitNow)
        );
        assert_eq!(
            press(KeyCode::Left, KeyModifiers::SHIFT),
            Some(Action::PanLeft)
        );
        assert_eq!(press(KeyCode::Left, KeyModifiers::NONE), Some(Action::Left));
        assert_eq!(
            press(KeyCode::BackTab, KeyModifiers::SHIFT),
            Some(Action::PreviousPane)
        );
        assert_eq!(press(KeyCode::Char('q'), KeyModifiers::ALT), None);
        assert_eq!(press(KeyCode::Char('x'), KeyModifiers::NONE), None);
    }

    #[test]
    fn the_text_names_every_binding() {
        let text = text();
        for binding in table() {
            assert!(text.contains(binding.keys) && text.contains(binding.does));
        }
        assert!(text.starts_with("MOVE\n  h j k l, arrows"));
    }
}
