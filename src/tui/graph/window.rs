//! Which part of a picture the pane shows.

use ratatui::layout::Rect;

use crate::graph::Scene;
use crate::tui::app::App;

/// Cells kept between what is selected and the border when the picture is larger than the pane.
const MARGIN: i32 = 3;

/// A picture seen through a pane. The headings of a matrix stay where they are while the rest of it is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tui) struct Window {
    /// The cells that the picture may use.
    pub(in crate::tui) inner: Rect,
    size: (i32, i32),
    /// The scene position of the upper left cell; negative where the picture is smaller than the pane and stands in its middle.
    left: i32,
    top: i32,
    heads: (i32, i32),
}

impl Window {
    /// The window of a pane, borders included: where the user moved it, else so that the selection is in sight. `None` without
    /// a picture or room for one.
    pub(in crate::tui) fn of(app: &App, area: Rect) -> Option<Self> {
        let scene = &app.picture.as_ref()?.drawn.scene;
        if area.width < 4 || area.height < 3 {
            return None;
        }
        let inner = Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2);
        let space = (i32::from(inner.width), i32::from(inner.height));
        let size = (scene.width(), scene.height());
        let heads = scene.heads().unwrap_or((0, 0));
        // Headings that leave no room for anything else are moved as well.
        let heads = (
            if heads.0 * 2 < space.0 { heads.0 } else { 0 },
            if heads.1 * 2 < space.1 { heads.1 } else { 0 },
        );
        let (x, y) = target(app, scene, space);
        let (left, top) = match app.lens.pan {
            Some((left, top)) => (within(left, size.0, space.0), within(top, size.1, space.1)),
            None => (
                follow(size.0, space.0, heads.0, x),
                follow(size.1, space.1, heads.1, y),
            ),
        };
        Some(Self {
            inner,
            size,
            left,
            top,
            heads,
        })
    }

    /// The scene position that a cell of the pane shows, counted from the upper left cell of `inner`.
    pub(in crate::tui) fn shown(&self, column: u16, row: u16) -> (i32, i32) {
        let along = |at: u16, shift: i32, heads: i32| {
            let at = i32::from(at);
            if shift > 0 && at < heads {
                at
            } else {
                at + shift
            }
        };
        (
            along(column, self.left, self.heads.0),
            along(row, self.top, self.heads.1),
        )
    }

    /// Where the window stands after it was moved, inside the picture.
    pub(in crate::tui) fn moved(&self, dx: i32, dy: i32) -> (i32, i32) {
        let (width, height) = self.space();
        (
            within(self.left + dx, self.size.0, width),
            within(self.top + dy, self.size.1, height),
        )
    }

    /// Whether nothing of the picture is outside.
    pub(in crate::tui) fn shows_all(&self) -> bool {
        let (width, height) = self.space();
        self.size.0 <= width && self.size.1 <= height
    }

    /// Rows of the picture above and below the window.
    pub(super) fn hidden_rows(&self) -> (i32, i32) {
        let below = self.size.1 - self.top - self.space().1;
        (self.top.max(0), below.max(0))
    }

    /// The columns of the picture that are hidden left and right of the window.
    pub(super) fn hidden_columns(&self) -> (std::ops::Range<i32>, std::ops::Range<i32>) {
        let right = self.left + self.space().0;
        let left = self.heads.0..self.heads.0 + self.left.max(0);
        (left, right..self.size.0.max(right))
    }

    fn space(&self) -> (i32, i32) {
        (i32::from(self.inner.width), i32::from(self.inner.height))
    }
}

/// A place of the window along one axis: inside the picture, or with the picture in its middle.
fn within(at: i32, size: i32, space: i32) -> i32 {
    if size <= space {
        -((space - size) / 2)
    } else {
        at.clamp(0, size - space)
    }
}

/// The place of the window along one axis that has a stretch of the picture in sight.
fn follow(size: i32, space: i32, heads: i32, stretch: Option<(i32, i32)>) -> i32 {
    let (start, length) = stretch.unwrap_or((0, 0));
    let at = (start + length + MARGIN - space)
        .max(0)
        .min(start - MARGIN - heads);
    within(at, size, space)
}

type Stretch = Option<(i32, i32)>;

/// What is to be in sight, along both axes: the selected connection where there is room for both of its ends, else the
/// selected box.
fn target(app: &App, scene: &Scene, space: (i32, i32)) -> (Stretch, Stretch) {
    let across = |rect: &crate::graph::Rect| Some((rect.x, rect.width));
    let down = |rect: &crate::graph::Rect| Some((rect.y, rect.height));
    if scene.is_grid() {
        let pair = app.lens.link.as_ref().and_then(|link| {
            let key = |end: &str| app.box_of(end).map(|found| found.key.as_str());
            scene.pair_rect(key(&link.from)?, key(&link.to)?)
        });
        let heading = app.selected_box().map(|found| (found.column, found.rect));
        return match (pair, heading) {
            (Some(pair), _) => (across(&pair), down(&pair)),
            (None, Some((0, row))) => (None, down(&row)),
            (None, Some((_, column))) => (across(&column), None),
            (None, None) => (None, None),
        };
    }
    let Some(here) = app.selected_box().map(|found| found.rect) else {
        return (None, None);
    };
    let ends = app.wire().and_then(|wire| scene.ends_of(wire));
    let Some((a, b)) = ends.map(|(from, to)| (scene.boxes()[from].rect, scene.boxes()[to].rect))
    else {
        return (across(&here), down(&here));
    };
    let both = |a: (i32, i32), b: (i32, i32), here: (i32, i32), space: i32| {
        let start = a.0.min(b.0);
        let length = (a.0 + a.1).max(b.0 + b.1) - start;
        Some(if length + 2 * MARGIN <= space {
            (start, length)
        } else {
            here
        })
    };
    (
        both(
            (a.x, a.width),
            (b.x, b.width),
            (here.x, here.width),
            space.0,
        ),
        both(
            (a.y, a.height),
            (b.y, b.height),
            (here.y, here.height),
            space.1,
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_in_sight_with_a_margin_where_the_picture_has_one() {
        for size in 1..60 {
            for space in 8..40 {
                for start in 0..size {
                    let at = follow(size, space, 0, Some((start, 1)));
                    let margin = MARGIN.min(start).min(size - 1 - start);
                    assert!(at <= start - margin, "{size} {space} {start}: {at}");
                    assert!(start + margin < at + space, "{size} {space} {start}: {at}");
                    if size > space {
                        assert!(at >= 0 && at + space <= size);
                    }
                }
            }
        }
    }

    #[test]
    fn headings_never_cover_what_is_to_be_in_sight() {
        let heads = 5;
        for start in heads..60 {
            let at = follow(60, 20, heads, Some((start, 1)));
            assert!((heads..20).contains(&(start - at)), "{start}: {at}");
        }
    }
}
