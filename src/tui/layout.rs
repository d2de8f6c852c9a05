//! Where the panes go, by the size of the terminal.

use ratatui::layout::Rect;

/// The smallest terminal with panes.
pub(super) const SMALLEST: (u16, u16) = (60, 16);

/// The table beside the graph, borders included: what its columns need, and what they can use.
const TABLE_WIDTH: (u16, u16) = (64, 100);
/// A map beside the table gets this much before the table gets more than it needs.
const MAP_WIDTH: u16 = 122;
/// A map above the table gets this much as soon as the table keeps its least.
const MAP_HEIGHT: u16 = 24;
const TABLE_HEIGHT: u16 = 6;
/// The panel below, borders included, while an answer is in it.
const PANEL: u16 = 6;
/// The same while it says no more than what is selected.
const SELECTION: u16 = 4;

/// A part of the screen that can have the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pane {
    Graph,
    /// The table, its flows, or the findings.
    Table,
    Probe,
}

/// What the layout depends on besides the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) focus: Pane,
    pub(super) zoomed: bool,
    /// Whether there is a graph to show; the lists of drift and of environments have none.
    pub(super) graph: bool,
    /// Rows of the panel above the panes; at most what leaves the smallest screen.
    pub(super) banner: u16,
    /// Whether the panel below tells more than what is selected: an answer, a finding.
    pub(super) answer: bool,
}

/// The rectangles; what has none is not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Panes {
    pub(super) header: Rect,
    pub(super) tabs: Rect,
    /// A panel that is above the panes.
    pub(super) banner: Option<Rect>,
    pub(super) graph: Option<Rect>,
    pub(super) table: Option<Rect>,
    pub(super) probe: Option<Rect>,
    /// The probe panel has one line and no border.
    pub(super) folded: bool,
    pub(super) message: Rect,
    pub(super) hints: Rect,
    /// Graph, table and probe together: what an overlay covers.
    pub(super) body: Rect,
}

impl Panes {
    /// The panel above and the body: what help and explanation have for themselves.
    pub(super) fn whole(&self) -> Rect {
        self.banner
            .map_or(self.body, |banner| self.body.union(banner))
    }
}

/// Whether a terminal is too small for panes.
pub(super) fn is_too_small(width: u16, height: u16) -> bool {
    width < SMALLEST.0 || height < SMALLEST.1
}

/// How graph and table share the screen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tier {
    /// One at a time.
    Single,
    Beside,
    /// The graph above the table: a map needs the whole width.
    Stacked,
    /// Beside each other, with room to spare.
    Wide,
}

fn tier(width: u16, height: u16) -> Tier {
    match (width, height) {
        (..110, _) | (_, ..24) => Tier::Single,
        (160.., 40..) => Tier::Wide,
        (..160, 36..) => Tier::Stacked,
        _ => Tier::Beside,
    }
}

/// Divides the screen; `None` when it is too small.
pub(super) fn panes(width: u16, height: u16, wish: Wish) -> Option<Panes> {
    if is_too_small(width, height) {
        return None;
    }
    let line = |y| Rect::new(0, y, width, 1);
    let banner = wish.banner.min(height - SMALLEST.1);
    let body = Rect::new(0, 2 + banner, width, height - 4 - banner);
    let mut panes = Panes {
        header: line(0),
        tabs: line(1),
        message: line(height - 2),
        hints: line(height - 1),
        banner: (banner > 0).then(|| Rect::new(0, 2, width, banner)),
        body,
        ..Panes::default()
    };
    if wish.zoomed {
        match wish.focus {
            Pane::Graph if wish.graph => panes.graph = Some(body),
            Pane::Probe => panes.probe = Some(body),
            Pane::Graph | Pane::Table => panes.table = Some(body),
        }
        return Some(panes);
    }
    let tier = tier(width, height);
    let probe_rows = match (tier, height - banner, wish.answer) {
        (_, ..24, _) => 1,
        (Tier::Wide, _, true) => 2 * PANEL,
        // Little height: the table says what is selected, and needs the rows.
        (Tier::Stacked, ..44, false) => 0,
        (Tier::Stacked | Tier::Single, _, false) => SELECTION,
        _ => PANEL,
    };
    panes.folded = probe_rows == 1;
    let main = Rect::new(0, body.y, width, body.height - probe_rows);
    panes.probe = (probe_rows > 0).then(|| Rect::new(0, main.bottom(), width, probe_rows));
    if !wish.graph {
        panes.table = Some(main);
        return Some(panes);
    }
    match tier {
        Tier::Single => {
            if wish.focus == Pane::Graph {
                panes.graph = Some(main);
            } else {
                panes.table = Some(main);
            }
        }
        Tier::Stacked => {
            // Only the table gives way to an answer: a map that moved would have to be read anew.
            let share = (body.height - PANEL) * 7 / 10;
            let graph_rows = share.max(MAP_HEIGHT.min(body.height - PANEL - TABLE_HEIGHT));
            panes.graph = Some(Rect {
                height: graph_rows,
                ..main
            });
            panes.table = Some(Rect {
                y: main.y + graph_rows,
                height: main.height - graph_rows,
                ..main
            });
        }
        Tier::Beside | Tier::Wide => {
            let (least, most) = TABLE_WIDTH;
            // Where even that is too much, both give.
            let table_width = width
                .saturating_sub(MAP_WIDTH)
                .clamp(least, most)
                .min(width * 27 / 50);
            panes.graph = Some(Rect::new(0, main.y, width - table_width, main.height));
            panes.table = Some(Rect::new(
                width - table_width,
                main.y,
                table_width,
                main.height,
            ));
        }
    }
    Some(panes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WISH: Wish = Wish {
        focus: Pane::Table,
        zoomed: false,
        graph: true,
        banner: 0,
        answer: false,
    };

    const ASKED: Wish = Wish {
        answer: true,
        ..WISH
    };

    #[test]
    fn what_covers_everything_covers_the_panel_above_too() {
        let plain = panes(80, 24, WISH).unwrap();
        let with = panes(80, 24, Wish { banner: 6, ..WISH }).unwrap();
        assert_eq!(with.body.height, plain.body.height - 6);
        assert_eq!(with.whole(), plain.body);
    }

    #[test]
    fn the_tiers_are_those_of_the_size() {
        assert_eq!(panes(59, 16, WISH), None);
        assert_eq!(panes(60, 15, WISH), None);

        let small = panes(60, 16, WISH).unwrap();
        assert!(small.folded && small.graph.is_none());
        assert_eq!(small.table, Some(Rect::new(0, 2, 60, 11)));

        let one = panes(80, 24, WISH).unwrap();
        assert!(!one.folded && one.graph.is_none());
        assert_eq!(one.probe, Some(Rect::new(0, 18, 80, 4)));

        let beside = panes(118, 24, WISH).unwrap();
        assert_eq!(
            beside.graph.unwrap().width + beside.table.unwrap().width,
            118
        );

        let above = panes(120, 40, WISH).unwrap();
        assert_eq!(
            (above.graph.unwrap(), above.table.unwrap()),
            (Rect::new(0, 2, 120, 24), Rect::new(0, 26, 120, 12))
        );
        assert_eq!(above.probe, None);
        assert_eq!(panes(120, 44, WISH).unwrap().probe.unwrap().height, 4);

        let wide = panes(200, 50, WISH).unwrap();
        assert_eq!(
            (wide.graph.unwrap().width, wide.table.unwrap().width),
            (122, 78)
        );
        assert_eq!(
            (wide.graph.unwrap().height, wide.probe.unwrap().height),
            (40, 6)
        );
        let asked = panes(200, 50, ASKED).unwrap();
        assert_eq!(
            (asked.graph.unwrap().height, asked.probe.unwrap().height),
            (34, 12)
        );
        for (width, table) in [(160, 64), (186, 64), (190, 68), (222, 100), (300, 100)] {
            let panes = panes(width, 40, WISH).unwrap();
            assert_eq!(panes.table.unwrap().width, table, "{width}");
        }
    }

    #[test]
    fn an_answer_takes_its_rows_from_the_table_alone() {
        for height in 36..80 {
            let (before, asked) = (panes(120, height, WISH), panes(120, height, ASKED));
            let (before, asked) = (before.unwrap(), asked.unwrap());
            assert_eq!(before.graph, asked.graph);
            assert!(before.probe.map_or(0, |panel| panel.height) < asked.probe.unwrap().height);
            assert!(asked.table.unwrap().height >= 6);
        }
    }

    #[test]
    fn panes_never_overlap_and_fill_the_screen() {
        for width in 60..210 {
            for height in 16..70 {
                for focus in [Pane::Graph, Pane::Table, Pane::Probe] {
                    for (zoomed, graph) in
                        [(false, true), (true, true), (false, false), (true, false)]
                    {
                        let wish = Wish {
                            focus,
                            zoomed,
                            graph,
                            banner: width % 13,
                            answer: width % 2 == 0,
                        };
                        let panes = panes(width, height, wish).unwrap();
                        let parts: Vec<Rect> =
                            [panes.header, panes.tabs, panes.message, panes.hints]
                                .into_iter()
                                .chain(
                                    [panes.banner, panes.graph, panes.table, panes.probe]
                                        .into_iter()
                                        .flatten(),
                                )
                                .collect();
                        let cells: u32 = parts.iter().map(|part| part.area()).sum();
                        assert_eq!(
                            cells,
                            u32::from(width) * u32::from(height),
                            "{width}x{height} {wish:?}"
                        );
                        for (index, part) in parts.iter().enumerate() {
                            assert!(!parts[..index].iter().any(|other| other.intersects(*part)));
                        }
                    }
                }
            }
        }
    }
}
