//! The finished picture: cells that know what they show, boxes to hit, and how to move between them.

use std::collections::BTreeSet;

use super::grid::View;
use super::sticky::Sticky;
use super::trunks::Side;
use super::{Direction, NodeKind, State, Step, cells, index};

/// A rectangle in cells, from the scene's upper left corner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rect {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
}

impl Rect {
    pub fn contains(&self, x: i32, y: i32) -> bool {
        x >= self.x && y >= self.y && x < self.x + self.width && y < self.y + self.height
    }

    pub fn overlaps(&self, other: &Self) -> bool {
        self.x < other.x + other.width
            && other.x < self.x + self.width
            && self.y < other.y + other.height
            && other.y < self.y + self.height
    }

    fn middle(&self) -> i32 {
        2 * self.y + self.height
    }
}

/// What a cell belongs to, so that it can be styled by meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ink {
    #[default]
    Empty,
    /// A namespace's frame.
    Frame,
    /// A namespace's name.
    FrameTitle,
    /// The border of a box.
    Border,
    /// The name in a box.
    Name,
    /// A pin: the arrow tip and its ports. `state` is the strongest of the edges that end there.
    Port,
    Badge,
    Wire,
    /// Where a row and a column of a matrix meet. Without a state, no edge connects the two.
    Mark,
    /// A count at the end of a row or column of a matrix, or its caption; with a state, a count of findings.
    Total,
    /// A remark on the picture itself.
    Note,
}

/// One cell of the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Always one cell wide.
    pub glyph: char,
    pub ink: Ink,
    /// The state shown by a wire or a port.
    pub state: Option<State>,
    /// To be emphasised: part of an edge that is allowed and not expected.
    pub bold: bool,
    /// To be subdued: nothing but half-open edges.
    pub faint: bool,
    /// The box drawn here, as an index into [`Scene::boxes`].
    pub node: Option<usize>,
    /// The edges drawn here, as indices into [`Graph::edges`](super::Graph::edges), in order.
    pub edges: Vec<usize>,
    /// A wire turns here.
    pub(super) joint: bool,
}

impl Default for Cell {
    fn default() -> Self {
        Self {
            glyph: ' ',
            ink: Ink::Empty,
            state: None,
            bold: false,
            faint: false,
            node: None,
            edges: Vec::new(),
            joint: false,
        }
    }
}

/// A box as drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoxView {
    /// Unique in the scene: the node's key, or `to:KEY` for a node from outside that is a destination.
    pub id: String,
    /// The key of the node.
    pub key: String,
    pub kind: NodeKind,
    /// The name as shown.
    pub title: String,
    pub rect: Rect,
    /// Column, counted from 0 at the left; column 0 is kept for sources outside.
    pub column: usize,
    /// The picture is about this one; it has a heavy border.
    pub centre: bool,
}

/// A namespace's frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameView {
    pub namespace: String,
    pub rect: Rect,
}

/// Where wires leave or enter a box; what the checker starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortView {
    /// The box, as an index into [`Scene::boxes`].
    pub node: usize,
    /// The cell in the border of the box.
    pub x: i32,
    pub y: i32,
    /// Wires leave here; otherwise they enter, and this is a pin.
    pub exit: bool,
    pub(super) side: Side,
    /// Serves half-open edges that this end denies: the wire is cut in the next cell.
    pub denied: bool,
    /// Leads to a box of the same column.
    pub(super) around: bool,
    /// The ports of a pin as shown; empty for an exit, and where the step shows no ports.
    pub label: String,
    /// Edges that use it, as indices into [`Graph::edges`](super::Graph::edges), in order.
    pub edges: Vec<usize>,
}

impl PortView {
    /// Whether it stands in the right border.
    pub fn right(&self) -> bool {
        self.side == Side::Right
    }
}

/// The course of one drawn edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireView {
    /// An index into [`Graph::edges`](super::Graph::edges).
    pub edge: usize,
    pub state: State,
    /// Where it leaves and enters, as indices into [`Scene::ports`].
    pub exit: usize,
    pub pin: usize,
    /// Wires of one trunk share what they can.
    pub trunk: usize,
    /// Cells where it starts, turns and ends, from border to border; always level at both ends.
    pub corners: Vec<(i32, i32)>,
}

/// A picture of the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) step: Step,
    pub(super) fits: bool,
    pub(super) cells: Vec<Cell>,
    pub(super) boxes: Vec<BoxView>,
    pub(super) frames: Vec<FrameView>,
    pub(super) legend: Vec<(State, &'static str, &'static str)>,
    pub(super) ports: Vec<PortView>,
    pub(super) wires: Vec<WireView>,
    /// Edges drawn as wires.
    pub(super) drawn: Vec<usize>,
    pub(super) sticky: Sticky,
    /// What only a matrix has.
    pub(super) grid: Option<View>,
}

impl Scene {
    /// Makes the picture at least so large, with empty cells at the right and below.
    pub(super) fn pad(&mut self, width: i32, height: i32) {
        let (width, height) = (width.max(self.width), height.max(self.height));
        if (width, height) == (self.width, self.height) {
            return;
        }
        let mut cells = vec![Cell::default(); index(width) * index(height)];
        for (row, line) in self.cells.chunks(index(self.width).max(1)).enumerate() {
            let start = row * index(width);
            cells[start..start + line.len()].clone_from_slice(line);
        }
        (self.width, self.height, self.cells) = (width, height, cells);
    }

    /// Columns of the picture, in cells.
    pub fn width(&self) -> i32 {
        self.width
    }

    /// Rows of the picture, in cells.
    pub fn height(&self) -> i32 {
        self.height
    }

    pub fn step_shown(&self) -> Step {
        self.step
    }

    /// Whether the picture fits the pane it was laid out for.
    pub fn fits(&self) -> bool {
        self.fits
    }

    /// The cell at a position; `None` outside the picture.
    pub fn cell(&self, x: i32, y: i32) -> Option<&Cell> {
        (x >= 0 && y >= 0 && x < self.width && y < self.height)
            .then(|| &self.cells[index(y) * index(self.width) + index(x)])
    }

    /// The boxes, in the order of their nodes' keys.
    pub fn boxes(&self) -> &[BoxView] {
        &self.boxes
    }

    /// The frames of namespaces, by name.
    pub fn frames(&self) -> &[FrameView] {
        &self.frames
    }

    /// The states that occur among the wires, each with a sample and its meaning.
    pub fn legend(&self) -> &[(State, &'static str, &'static str)] {
        &self.legend
    }

    /// Exits and pins, in the order of the wires that need them first.
    pub fn ports(&self) -> &[PortView] {
        &self.ports
    }

    /// The course of every drawn edge, in the order of the edges. An edge from and to the same box has none.
    pub fn wires(&self) -> &[WireView] {
        &self.wires
    }

    /// The edges drawn as wires, as indices into [`Graph::edges`](super::Graph::edges), in order.
    pub fn drawn(&self) -> &[usize] {
        &self.drawn
    }

    /// To be handed to the next [`layout`](super::layout), so that what is known stays.
    pub fn sticky(&self) -> &Sticky {
        &self.sticky
    }

    /// The box that covers a position.
    pub fn node_at(&self, x: i32, y: i32) -> Option<&BoxView> {
        self.boxes.iter().find(|b| b.rect.contains(x, y))
    }

    /// The box of this id, or else the first of the node with this key.
    pub fn find(&self, id_or_key: &str) -> Option<&BoxView> {
        self.boxes
            .iter()
            .find(|b| b.id == id_or_key)
            .or_else(|| self.boxes.iter().find(|b| b.key == id_or_key))
    }

    /// Where the selection goes from a box, named by its id or key; the result is an id.
    ///
    /// Up and down go through a column and stop at its ends. Left and right go to the nearest box of the next column that
    /// shares an edge with this one, else to the nearest. So every box can be reached. From an unknown box, the first.
    ///
    /// In a matrix up and down go through the headings of rows. Right leads from there to the heading of the first callee's
    /// column, left and right on through those, and left or down from the first back to the rows.
    pub fn step(&self, from: &str, direction: Direction) -> Option<&str> {
        if self.is_grid() {
            return self.step_in_grid(from, direction);
        }
        let Some(here) = self.find(from) else {
            return self.boxes.first().map(|b| b.id.as_str());
        };
        let distance = |b: &BoxView| (b.rect.middle() - here.rect.middle()).abs();
        let found = match direction {
            Direction::Up => self
                .boxes
                .iter()
                .filter(|b| b.column == here.column && b.rect.y < here.rect.y)
                .max_by_key(|b| b.rect.y),
            Direction::Down => self
                .boxes
                .iter()
                .filter(|b| b.column == here.column && b.rect.y > here.rect.y)
                .min_by_key(|b| b.rect.y),
            Direction::Left | Direction::Right => {
                let right = direction == Direction::Right;
                let beyond = self.boxes.iter().map(|b| b.column).filter(|&c| {
                    if right {
                        c > here.column
                    } else {
                        c < here.column
                    }
                });
                let column = if right { beyond.min() } else { beyond.max() }?;
                let tied = self.neighbours(&here.id);
                self.boxes
                    .iter()
                    .filter(|b| b.column == column)
                    .min_by_key(|b| (!tied.contains(b.id.as_str()), distance(b), b.rect.y))
            }
        };
        found.map(|b| b.id.as_str())
    }

    /// The boxes that share a drawn edge with a box, by id.
    fn neighbours(&self, id: &str) -> BTreeSet<&str> {
        let is_here = |port: &&PortView| self.boxes[port.node].id == id;
        let edges: BTreeSet<usize> = self
            .ports
            .iter()
            .filter(is_here)
            .flat_map(|p| p.edges.iter().copied())
            .collect();
        let touches = |port: &&PortView| port.edges.iter().any(|e| edges.contains(e));
        self.ports
            .iter()
            .filter(touches)
            .map(|p| self.boxes[p.node].id.as_str())
            .filter(|&other| other != id)
            .collect()
    }

    /// The edges drawn at a box, named by its id or else its key, in reading order: exits and pins from top to bottom, and the
    /// edges of one by where they go or come from. Indices into [`Graph::edges`](super::Graph::edges), each once.
    pub fn wires_of(&self, id: &str) -> Vec<usize> {
        let found = self.find(id).map(|found| &found.id);
        let Some(place) = self.boxes.iter().position(|b| Some(&b.id) == found) else {
            return Vec::new();
        };
        let mut ports: Vec<&PortView> = self.ports.iter().filter(|p| p.node == place).collect();
        ports.sort_by_key(|port| (port.y, port.x));
        let mut wires = Vec::new();
        for port in ports {
            let other = |edge: usize| {
                let ends = self.ports.iter();
                let ends = ends.filter(|p| p.exit != port.exit && p.edges.contains(&edge));
                ends.map(|p| (p.y, p.x)).min()
            };
            let mut edges = port.edges.clone();
            edges.sort_by_key(|&edge| (other(edge), edge));
            for edge in edges {
                if !wires.contains(&edge) {
                    wires.push(edge);
                }
            }
        }
        wires
    }

    /// The boxes that an edge leaves and enters, as indices into [`Scene::boxes`]; `None` for an edge without a wire.
    pub fn ends_of(&self, edge: usize) -> Option<(usize, usize)> {
        let end = |exit: bool| {
            let mut ports = self.ports.iter();
            ports.find(|p| p.exit == exit && p.edges.contains(&edge))
        };
        Some((end(true)?.node, end(false)?.node))
    }

    /// The picture as lines of text without spaces at their ends. ASCII is for terminals and locales without the glyphs.
    pub fn text(&self, ascii: bool) -> String {
        let mut text = String::new();
        for row in self.cells.chunks(index(self.width).max(1)) {
            let line: String = row
                .iter()
                .map(|c| if ascii { c.ascii() } else { c.glyph })
                .collect();
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    pub(super) fn put(&mut self, x: i32, y: i32, cell: Cell) {
        if x >= 0 && y >= 0 && x < self.width && y < self.height {
            let at = index(y) * index(self.width) + index(x);
            self.cells[at] = cell;
        }
    }

    pub(super) fn write(&mut self, x: i32, y: i32, text: &str, like: &Cell) {
        for (i, glyph) in text.chars().enumerate() {
            self.put(
                x + cells(i),
                y,
                Cell {
                    glyph,
                    ..like.clone()
                },
            );
        }
    }
}

impl Cell {
    /// The sign for terminals and locales that have nothing but ASCII; one for one, so that columns stay.
    ///
    /// Wires turn at `/` and `\\`, meet at `+`, and pass behind an upright one without contact; boxes and frames have
    /// corners of `+`. Each state keeps a line of its own: `-|` allowed, `=#` not expected, `.:` missing, `~;` unknown, `_'`
    /// half-open.
    pub fn ascii(&self) -> char {
        match self.glyph {
            '╭' | '┌' | '┍' | '┎' | '┏' | '╯' | '┘' | '┙' | '┚' | '┛' if self.ink == Ink::Wire => {
                '/'
            }
            '╮' | '┐' | '┑' | '┒' | '┓' | '╰' | '└' | '┕' | '┖' | '┗' if self.ink == Ink::Wire => {
                '\\'
            }
            glyph => to_ascii(glyph),
        }
    }
}

/// The sign of a picture where there is nothing but ASCII, as [`Cell::ascii`] has it of anything but the turns of wires: for
/// samples in a legend.
pub fn to_ascii(glyph: char) -> char {
    match glyph {
        '─' | '╴' | '╶' => '-',
        '│' => '|',
        '━' | '═' | '╼' | '╾' => '=',
        '┃' | '╽' | '╿' | '■' => '#',
        '║' => '!',
        '┄' => '.',
        '┆' | '□' => ':',
        '┈' | '…' => '~',
        '┊' => ';',
        '╌' => '_',
        '╎' => '\'',
        '►' => '>',
        '◄' => '<',
        '●' => 'o',
        '○' => 'O',
        '◆' => '*',
        '╳' => 'x',
        '▐' => '[',
        '▌' => ']',
        '·' => ',',
        '↻' => '@',
        '◐' => '%',
        '╲' => '\\',
        c if ('\u{2500}'..='\u{257f}').contains(&c) => '+',
        c if c.is_ascii() => c,
        _ => '?',
    }
}
