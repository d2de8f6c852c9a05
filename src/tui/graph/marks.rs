//! What is selected and what it touches, worked out once for a frame, and the style of each cell that follows.

use ratatui::style::{Modifier, Style};

use crate::graph::{Cell, Ink, Scene, State};
use crate::tui::app::App;
use crate::tui::theme::Theme;
use crate::tui::view::Tone;

/// How a box stands to the selection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Box {
    Away,
    /// The other end of the selected connection.
    End,
    Selected,
}

/// How an edge stands to the selection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wire {
    Away,
    /// Of the selected box.
    Touched,
    Chosen,
}

/// The selection, by box and by edge of a picture.
pub(super) struct Marks {
    theme: Theme,
    boxes: Vec<Box>,
    /// Boxes that a filter in force leaves out.
    filtered: Vec<bool>,
    edges: Vec<Wire>,
    /// Something is selected, so that the rest steps back.
    some: bool,
    chosen: bool,
    /// The row and the column of the cross-hair of a matrix.
    cross: (Option<i32>, Option<i32>),
}

impl Marks {
    pub(super) fn of(app: &App) -> Option<Self> {
        let picture = app.picture.as_ref()?;
        let (graph, scene) = (&picture.drawn.graph, &picture.drawn.scene);
        let selected = app.selected_box();
        let wire = app.wire();
        let key = selected.map(|found| found.key.as_str());
        let mut boxes: Vec<Box> = scene
            .boxes()
            .iter()
            .map(|b| match selected {
                Some(found) if found.id == b.id => Box::Selected,
                _ => Box::Away,
            })
            .collect();
        let other = app.lens.link.as_ref().and_then(|link| {
            if scene.is_grid() {
                let to = app.box_of(&link.to)?.key.as_str();
                let is_column = |b: &crate::graph::BoxView| b.column == 1 && b.key == to;
                return Some(vec![scene.boxes().iter().position(is_column)?]);
            }
            let (from, to) = scene.ends_of(wire?)?;
            Some(vec![from, to])
        });
        for index in other.into_iter().flatten() {
            if boxes[index] == Box::Away {
                boxes[index] = Box::End;
            }
        }
        let edges = graph.edges().iter().enumerate().map(|(index, edge)| {
            if wire == Some(index) {
                Wire::Chosen
            } else if Some(edge.from.as_str()) == key || Some(edge.to.as_str()) == key {
                Wire::Touched
            } else {
                Wire::Away
            }
        });
        Some(Self {
            theme: app.theme,
            edges: edges.collect(),
            filtered: filtered(app, scene),
            some: selected.is_some(),
            chosen: wire.is_some(),
            cross: cross(app, scene),
            boxes,
        })
    }

    fn wire(&self, cell: &Cell) -> Wire {
        let levels = cell.edges.iter().filter_map(|index| self.edges.get(*index));
        levels.copied().max().unwrap_or(Wire::Away)
    }

    /// The style of the cell at a scene position.
    pub(super) fn style(&self, cell: &Cell, (x, y): (i32, i32)) -> Style {
        let theme = self.theme;
        let bold = |style: Style| style.add_modifier(Modifier::BOLD);
        let here = cell.node.and_then(|index| self.boxes.get(index).copied());
        let here = here.unwrap_or(Box::Away);
        let in_cross = self.cross.0 == Some(y) || self.cross.1 == Some(x);
        match cell.ink {
            Ink::FrameTitle => theme.tone(Tone::Plain).add_modifier(Modifier::ITALIC),
            Ink::Name => match here {
                Box::Selected => bold(Theme::selected()),
                Box::End => bold(Style::default()).add_modifier(Modifier::UNDERLINED),
                Box::Away if self.is_filtered(cell) => Style::default(),
                Box::Away => bold(Style::default()),
            },
            Ink::Border if here == Box::Selected => bold(Style::default()),
            Ink::Border if here == Box::End => Style::default(),
            Ink::Empty | Ink::Frame | Ink::Border => theme.tone(Tone::Faint),
            Ink::Badge => match cell.state {
                Some(State::Plain | State::HalfOpen(_)) | None => theme.tone(Tone::Plain),
                Some(state) => theme.edge(state),
            },
            Ink::Note => theme.tone(Tone::Plain),
            Ink::Mark if self.cross == (Some(y), Some(x)) => bold(Theme::selected()),
            Ink::Mark | Ink::Total => {
                let style = match cell.state {
                    Some(state) => theme.edge(state),
                    None if in_cross || cell.ink == Ink::Total => theme.tone(Tone::Plain),
                    None => theme.tone(Tone::Faint),
                };
                if in_cross { bold(style) } else { style }
            }
            // Text, which is never dimmed.
            Ink::Port => {
                let style = theme.edge(cell.state.unwrap_or(State::Plain));
                if self.is_lit(self.wire(cell)) || here == Box::Selected && !self.chosen {
                    bold(style)
                } else {
                    style
                }
            }
            Ink::Wire => {
                let wire = self.wire(cell);
                let state = cell.state.unwrap_or(State::Plain);
                let style = theme.edge(state);
                if self.is_lit(wire) {
                    // Even what is half-open is to be seen then.
                    bold(match state {
                        State::HalfOpen(_) => theme.tone(Tone::Plain),
                        _ => style,
                    })
                } else if self.some && wire == Wire::Away && state == State::Plain || cell.faint {
                    theme.tone(Tone::Faint)
                } else {
                    style
                }
            }
        }
    }

    /// A chosen wire stands out; without one, all those of the selected box do.
    fn is_lit(&self, wire: Wire) -> bool {
        wire == Wire::Chosen || wire == Wire::Touched && !self.chosen
    }

    fn is_filtered(&self, cell: &Cell) -> bool {
        let index = cell.node.and_then(|index| self.filtered.get(index));
        index.copied().unwrap_or(false)
    }
}

/// Which workloads a filter in force leaves out of the table.
fn filtered(app: &App, scene: &Scene) -> Vec<bool> {
    if app.filter.is_empty() || app.narrowed() {
        return Vec::new();
    }
    let rows = &app.view.rows;
    let shown: std::collections::BTreeSet<&str> = app
        .shown
        .iter()
        .filter_map(|index| rows.get(*index))
        .map(|row| row.id.as_str())
        .collect();
    let boxes = scene.boxes().iter();
    boxes.map(|b| !shown.contains(b.key.as_str())).collect()
}

/// The row of the selected caller and the column of the selected callee of a matrix.
fn cross(app: &App, scene: &Scene) -> (Option<i32>, Option<i32>) {
    if !scene.is_grid() {
        return (None, None);
    }
    let row = app.selected_box().filter(|found| found.column == 0);
    let to = app.lens.link.as_ref().and_then(|link| app.box_of(&link.to));
    let column = row.zip(to);
    let column = column.and_then(|(row, to)| scene.pair_rect(&row.key, &to.key));
    (row.map(|row| row.rect.y), column.map(|rect| rect.x))
}
