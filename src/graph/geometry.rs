//! From rows and tracks to cells: widths of columns and channels, rectangles, and the course of every wire.

use super::bands;
use super::channels::Channel;
use super::names;
use super::plan::{Badge, Lane, Place, Plan, Role};
use super::rows::{Field, Rows, What};
use super::scene::Rect;
use super::sticky::Settled;
use super::trunks::{Side, Way, Wiring};
use super::{Step, cells};

/// How a step draws boxes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Boxes with borders.
    pub(super) cards: bool,
    /// Pins carry their ports.
    pub(super) labels: bool,
    /// Rows between boxes.
    pub(super) gap: i32,
    /// Columns from one track to the next.
    pub(super) pitch: i32,
    /// Destinations outside stand among the workloads.
    pub(super) inline: bool,
}

impl Look {
    /// Whether two steps differ only in widths.
    pub(super) fn same_rows(&self, other: &Self) -> bool {
        let key = |look: &Self| (look.cards, look.labels, look.gap, look.inline);
        key(self) == key(other)
    }
}

impl Step {
    pub(super) fn look(self) -> Look {
        let (cards, labels) = (
            matches!(
                self,
                Self::Card | Self::CardDense | Self::CardTight | Self::CardInline
            ),
            self != Self::Mini,
        );
        let tight = matches!(
            self,
            Self::CardTight | Self::CardInline | Self::ChipTight | Self::Mini
        );
        Look {
            cards,
            labels,
            gap: i32::from(self == Self::Card),
            pitch: if tight { 1 } else { 2 },
            inline: matches!(self, Self::CardInline | Self::ChipTight | Self::Mini),
        }
    }
}

impl Look {
    /// Tight cards, and names alone, make do with less room around tracks.
    pub(super) fn narrow(&self) -> bool {
        self.pitch == 1 && (self.cards || !self.labels)
    }
}

/// What gives way to fit a pane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Squeeze {
    /// Cells that names may take.
    pub(super) names: usize,
    /// Frames are made wide enough for so much of their names.
    pub(super) frames: usize,
    /// Cells around the tracks of a channel: one before the first, the rest for the arrow. With less than 3 there would be
    /// no cell left for the sign of a cut wire.
    pub(super) margin: i32,
}

/// Everything that has been decided before cells.
pub(super) struct Layout<'a> {
    pub(super) plan: &'a Plan,
    pub(super) column: &'a [usize],
    pub(super) wiring: &'a Wiring,
    pub(super) field: &'a Field,
    pub(super) rows: &'a Rows,
    pub(super) channels: &'a [Channel],
    pub(super) look: Look,
    /// Names as shown, by place.
    pub(super) titles: Vec<String>,
    pub(super) squeeze: Squeeze,
    /// Cells that everything but names takes.
    pub(super) extents: &'a Extents,
    pub(super) known: Option<&'a Settled>,
}

/// Cells of what stands in boxes and frames beside the names of boxes; the same for every [`Squeeze`].
pub(super) struct Extents {
    /// Widest label of the pins on the left and on the right, by place.
    labels: Vec<(i32, i32)>,
    /// Whether a pin stands on the left, by place.
    pinned: Vec<bool>,
    /// Badges, by place.
    badges: Vec<i32>,
    /// First and last column of each lane that has boxes, in the order of the lanes; the name's cells where it has a frame.
    lanes: Vec<(usize, (usize, usize), Option<i32>)>,
}

impl Extents {
    pub(super) fn new(plan: &Plan, column: &[usize], wiring: &Wiring, look: Look) -> Self {
        let mut labels = vec![(0, 0); plan.places.len()];
        let mut pinned = vec![false; plan.places.len()];
        for port in &wiring.ports {
            let (left, right) = &mut labels[port.place];
            let side = if port.side == Side::Left { left } else { right };
            *side = (*side).max(names::width(&port.label));
            pinned[port.place] |= !port.exit && port.side == Side::Left;
        }
        let lane = |(lane, span): (usize, (usize, usize))| {
            let Lane { name, framed } = &plan.lanes[lane];
            (lane, span, framed.then(|| names::width(&names::tame(name))))
        };
        let badges = plan.places.iter().map(|p| p.badge_width(look.cards));
        Self {
            labels,
            pinned,
            badges: badges.collect(),
            lanes: bands::spans(plan, column).into_iter().map(lane).collect(),
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Geometry {
    /// By place.
    pub(super) boxes: Vec<Rect>,
    /// Lane and rectangle, frame included.
    pub(super) frames: Vec<(usize, Rect)>,
    /// Corners of each wire from border to border.
    pub(super) paths: Vec<Vec<(i32, i32)>>,
    /// Cells kept for the labels of left pins, by column.
    pub(super) left_label: Vec<i32>,
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) column_widths: Vec<i32>,
    pub(super) channel_widths: Vec<i32>,
    /// Rows that were empty above everything and have been taken away.
    pub(super) lifted: i32,
}

/// Cells between a box and the frame around it, frame included.
const FRAME: i32 = 2;

/// Where columns, frames and tracks stand.
struct Grid {
    /// Left edge of each column.
    left: Vec<i32>,
    /// The frame left and right of each column.
    frames: Vec<(i32, i32)>,
    /// The leftmost track of each channel.
    first_track: Vec<i32>,
}

/// Columns of the picture, in cells; [`measure`] without the rest.
pub(super) fn width(layout: &Layout<'_>) -> i32 {
    let mut geometry = Geometry::default();
    spread(layout, &mut geometry);
    geometry.width
}

pub(super) fn measure(layout: &Layout<'_>) -> Geometry {
    let Layout {
        column,
        rows,
        field,
        ..
    } = layout;
    let mut geometry = Geometry::default();
    let grid = spread(layout, &mut geometry);
    for (p, &c) in column.iter().enumerate() {
        let item = field.boxes[p];
        geometry.boxes.push(Rect {
            x: grid.left[c],
            y: rows.y[item],
            width: geometry.column_widths[c],
            height: field.items[item].height,
        });
    }
    for &(lane, (first, last), name) in &layout.extents.lanes {
        if name.is_none() {
            continue;
        }
        let (top, bottom) = frame_rows(layout, lane, (first, last));
        let (x0, x1) = (grid.frames[first].0, grid.frames[last].1);
        let rect = Rect {
            x: x0,
            y: top,
            width: x1 - x0 + 1,
            height: bottom - top + 1,
        };
        geometry.frames.push((lane, rect));
    }
    for wire in 0..layout.wiring.wires.len() {
        let path = course(layout, &geometry.boxes, &grid.first_track, wire);
        geometry.paths.push(path);
    }
    lift(&mut geometry, layout.known.map(|known| known.lifted));
    let frames = geometry.frames.iter().map(|f| &f.1);
    let bottoms = geometry.boxes.iter().chain(frames).map(|r| r.y + r.height);
    let turns = geometry.paths.iter().flatten().map(|(_, y)| y + 1);
    geometry.height = bottoms.chain(turns).max().unwrap_or(0);
    geometry
}

/// Moves everything up so that no row above the picture stays empty; after another picture as far as that was moved, or what
/// is known would not stay.
fn lift(geometry: &mut Geometry, known: Option<i32>) {
    let frames = geometry.frames.iter().map(|f| f.1.y);
    let boxes = geometry.boxes.iter().map(|b| b.y);
    let turns = geometry.paths.iter().flatten().map(|(_, y)| *y);
    let top = frames.chain(boxes).chain(turns).min().unwrap_or(0);
    let top = known.map_or(top, |known| known.min(top));
    geometry.lifted = top;
    for rect in geometry
        .boxes
        .iter_mut()
        .chain(geometry.frames.iter_mut().map(|f| &mut f.1))
    {
        rect.y -= top;
    }
    for (_, y) in geometry.paths.iter_mut().flatten() {
        *y -= top;
    }
}

/// Widths of columns and channels, from left to right.
fn spread(layout: &Layout<'_>, geometry: &mut Geometry) -> Grid {
    let Layout {
        column,
        channels,
        look,
        known,
        ..
    } = layout;
    let columns = column.iter().max().map_or(0, |c| c + 1);
    let Extents { labels, lanes, .. } = layout.extents;
    let framed: Vec<((usize, usize), i32)> = lanes
        .iter()
        .filter_map(|&(_, span, name)| Some((span, name?)))
        .collect();
    geometry.left_label = vec![0; columns];
    for (&c, &(left, _)) in column.iter().zip(labels) {
        geometry.left_label[c] = geometry.left_label[c].max(left);
    }
    let mut widest: Vec<Option<i32>> = vec![None; columns];
    for (p, &c) in column.iter().enumerate() {
        widest[c] = widest[c].max(Some(box_width(layout, geometry, p)));
    }
    let mut grid = Grid {
        left: Vec::new(),
        frames: vec![(0, 0); columns],
        first_track: Vec::new(),
    };
    let mut x = 0;
    for c in 0..=columns {
        let ends = c > 0 && framed.iter().any(|(span, _)| span.1 == c - 1);
        let starts = framed.iter().any(|(span, _)| span.0 == c);
        let (before, after) = (FRAME * i32::from(ends), FRAME * i32::from(starts));
        let outer = c == 0 || c == columns || (c == 1 && !column.contains(&0));
        let core = match channels.get(c).filter(|ch| !ch.runs.is_empty()) {
            Some(channel) if channel.tracks > 0 => {
                (cells(channel.tracks) - 1) * look.pitch + layout.squeeze.margin
            }
            None if outer => 0,
            _ => 2,
        };
        let old = known.and_then(|k| k.channel_widths.get(c)).copied();
        let width = (before + core + after).max(old.unwrap_or(0));
        geometry.channel_widths.push(width);
        grid.first_track.push(x + before + 1);
        if c > 0 {
            grid.frames[c - 1].1 = x + 1;
        }
        x += width;
        if let Some(&widest) = widest.get(c) {
            grid.frames[c].0 = x - FRAME;
            grid.left.push(x);
            let old = known.and_then(|k| k.column_widths.get(c)).copied();
            // A frame that ends here is wide enough for its name.
            let titled = framed
                .iter()
                .filter(|(span, _)| span.1 == c)
                .map(|&(span, name)| {
                    let wanted = name.min(cells(layout.squeeze.frames)) + 2 * FRAME + 2;
                    wanted - (x + FRAME - grid.frames[span.0].0)
                });
            let width = widest
                .into_iter()
                .chain(old)
                .chain(titled)
                .max()
                .unwrap_or(0);
            geometry.column_widths.push(width);
            x += width;
        }
    }
    geometry.width = x;
    grid
}

fn box_width(layout: &Layout<'_>, geometry: &Geometry, place: usize) -> i32 {
    let (look, extents) = (layout.look, layout.extents);
    let title = names::width(&layout.titles[place]);
    let ((left, right), badges) = (extents.labels[place], extents.badges[place]);
    if look.cards {
        let ports = left + right + 4 + if left > 0 && right > 0 { 2 } else { 0 };
        let margin = if look.pitch == 1 { 4 } else { 6 };
        let counts = names::width(&layout.plan.places[place].counts) + 4;
        (title + margin).max(ports).max(counts).max(badges + margin)
    } else if look.labels {
        let label = |width: i32| if width > 0 { width + 1 } else { 0 };
        // Names of one column start behind its widest label, even where the own one is empty.
        let left = if extents.pinned[place] {
            label(geometry.left_label[layout.column[place]]).max(1)
        } else {
            0
        };
        title + 4 + left + label(right) + label(badges)
    } else {
        title + 3
    }
}

impl Place {
    /// The badges in the order they are drawn; narrow boxes leave out the ubiquitous ones.
    pub(super) fn shown_badges(&self, all: bool) -> Vec<Badge> {
        let mut shown: Vec<Badge> = Vec::new();
        for badge in self.badges.iter().filter(|b| all || !b.ubiquitous) {
            match shown.last_mut() {
                // Open both ways is the commonest pair, and the two words would widen a whole column.
                Some(last) if last.text == "open in" && badge.text == "open out" => {
                    "open in/out".clone_into(&mut last.text);
                }
                _ => shown.push(badge.clone()),
            }
        }
        shown
    }

    /// Cells of the badges with one between them; none without badges.
    fn badge_width(&self, all: bool) -> i32 {
        let shown = self.shown_badges(all);
        let text: i32 = shown.iter().map(|b| names::width(&b.text)).sum();
        text + cells(shown.len()).saturating_sub(1).max(0)
    }
}

/// First and last row of a lane's frame: around its boxes and the trunks that pass between them.
fn frame_rows(layout: &Layout<'_>, lane: usize, (first, last): (usize, usize)) -> (i32, i32) {
    let (mut top, mut bottom) = (i32::MAX, i32::MIN);
    let Layout {
        field, plan, rows, ..
    } = layout;
    let band = field
        .boxes
        .iter()
        .zip(&plan.places)
        .find(|(_, p)| p.lane == lane && p.role == Role::Within)
        .map(|(&i, _)| field.items[i].band);
    for (i, (item, &y)) in field.items.iter().zip(&rows.y).enumerate() {
        let inside = match item.what {
            What::Box(place) => plan.places[place].lane == lane,
            What::Pass(_) => Some(item.band) == band && (first..=last).contains(&item.column),
        };
        if inside {
            top = top.min(y - 1 - field.margin(i));
            bottom = bottom.max(y + item.height + field.margin(i));
        }
    }
    (top, bottom)
}

/// The corners of one wire.
fn course(
    layout: &Layout<'_>,
    boxes: &[Rect],
    first_track: &[i32],
    wire: usize,
) -> Vec<(i32, i32)> {
    let Layout {
        wiring,
        field,
        rows,
        column,
        channels,
        look,
        ..
    } = layout;
    let w = &wiring.wires[wire];
    let track = |channel: usize| {
        let run = channels
            .get(channel)
            .and_then(|ch| ch.runs.iter().find(|r| r.trunk == w.trunk));
        first_track[channel]
            + run
                .and_then(|r| r.track)
                .map_or(0, |t| cells(t) * look.pitch)
    };
    let ties = field.ties(wiring, column, wire);
    let side = |place: usize, side: Side| {
        if side == Side::Left {
            boxes[place].x
        } else {
            boxes[place].x + boxes[place].width - 1
        }
    };
    let mut y = rows.row(field, ties[0]);
    let mut path = vec![(side(w.from, wiring.ports[w.exit].side), y)];
    for pair in ties.windows(2) {
        let (here, next) = (
            field.items[pair[0].item].column,
            field.items[pair[1].item].column,
        );
        let row = rows.row(field, pair[1]);
        let channel = if w.way == Way::East { next } else { here };
        if row != y {
            let x = track(channel);
            path.push((x, y));
            path.push((x, row));
            y = row;
        }
    }
    path.push((side(w.to, wiring.ports[w.pin].side), y));
    path
}
