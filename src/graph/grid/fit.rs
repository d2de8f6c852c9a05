//! How large a matrix is in each of its forms, and the first form that fits a pane.

use std::collections::BTreeSet;

use super::table::{GROUP_WIDTH, Listing, Table, Total, is_remarkable};
use super::view::View;
use crate::graph::{Graph, Options, names};

/// The caption of the counts of callers; no heading is narrower.
pub(super) const CALLERS: &str = "callers";
pub(super) const CALLEES: &str = "callees";

/// From side to side; from most to least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Across {
    /// Names, badges and the headings of groups whole.
    Roomy,
    /// Two cells a column.
    Spaced,
    /// One cell a column.
    Tight,
    /// The same without lines between groups.
    Bare,
}

/// From top to bottom; from most to least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Down {
    /// Lines between groups, and counts of callers and of findings below.
    Full,
    /// The same without the findings, which the rows still count.
    Lined,
    /// No lines between groups.
    Open,
    Bare,
}

/// What a matrix looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) listing: Listing,
    pub(super) across: Across,
    pub(super) down: Down,
    /// Longest name of a row, in cells.
    pub(super) title: usize,
    /// Longest name of a column, in cells.
    pub(super) head: usize,
    pub(super) fits: bool,
}

impl Across {
    const ALL: [Self; 4] = [Self::Roomy, Self::Spaced, Self::Tight, Self::Bare];

    pub(super) fn pitch(self) -> usize {
        match self {
            Self::Roomy | Self::Spaced => 2,
            Self::Tight | Self::Bare => 1,
        }
    }

    pub(super) fn lines(self) -> bool {
        self != Self::Bare
    }

    pub(super) fn badges(self) -> bool {
        self == Self::Roomy
    }

    /// Cells within the lines of a group.
    pub(super) fn inner(self, columns: usize, title: &str) -> usize {
        match self {
            Self::Roomy => (2 * columns + 1).max(title.chars().count() + 2),
            Self::Spaced => 2 * columns + 1,
            Self::Tight | Self::Bare => columns,
        }
    }
}

impl Down {
    const ALL: [Self; 4] = [Self::Full, Self::Lined, Self::Open, Self::Bare];

    pub(super) fn lines(self) -> bool {
        matches!(self, Self::Full | Self::Lined)
    }

    pub(super) fn findings(self) -> bool {
        matches!(self, Self::Full | Self::Open)
    }
}

/// What must stay readable: the shortest names of columns and rows.
#[derive(Clone, Copy)]
struct Floor {
    head: usize,
    title: usize,
    /// Names that differ look different.
    apart: bool,
}

const READABLE: Floor = Floor {
    head: 5,
    title: 10,
    apart: true,
};
const LEAST: Floor = Floor {
    head: 3,
    title: 6,
    apart: false,
};

/// The first form that fits, else a small one to be panned.
pub(super) fn fit(
    graph: &Graph,
    whole: &Table,
    options: &Options,
    before: Option<&View>,
) -> (Table, Form) {
    let pane = (options.width, options.height);
    let (width, height) = (usize::from(options.width), usize::from(options.height));
    if let Some(form) = before
        .filter(|b| b.pane == pane && b.form.fits)
        .map(|b| b.form)
    {
        let table = whole.only(graph, form.listing);
        let measures = Measures::new(graph, &table, is_shorter(&table, whole));
        if measures.width(form) <= width && measures.height(form) <= height {
            return (table, form);
        }
    }
    let mut tables: Vec<(Listing, Table)> = Vec::new();
    for listing in [Listing::Everything, Listing::Signed, Listing::Connected] {
        let table = whole.only(graph, listing);
        let known = |(_, known): &(Listing, Table)| {
            known.rows.nodes.len() == table.rows.nodes.len()
                && known.columns.nodes.len() == table.columns.nodes.len()
        };
        if tables.last().is_none_or(|last| !known(last)) {
            tables.push((listing, table));
        }
    }
    let smallest = tables.len() - 1;
    let tries = (0..tables.len()).map(|i| (i, READABLE));
    for (i, floor) in tries.chain([(smallest, LEAST)]) {
        let (listing, table) = &tables[i];
        let measures = Measures::new(graph, table, is_shorter(table, whole));
        if let Some(form) = measures.first(*listing, (width, height), floor) {
            return (tables.swap_remove(i).1, form);
        }
    }
    let (listing, table) = tables.swap_remove(smallest);
    let measures = Measures::new(graph, &table, is_shorter(&table, whole));
    let form = measures.panned(listing, (width, height));
    (table, form)
}

/// Whether a note must say that something is left out.
pub(super) fn is_shorter(table: &Table, whole: &Table) -> bool {
    table.rows.nodes.len() < whole.rows.nodes.len()
        || table.columns.nodes.len() < whole.columns.nodes.len()
}

/// The sizes that forms are made of.
pub(super) struct Measures<'a> {
    table: &'a Table,
    row_names: Vec<(&'a str, Option<&'a str>)>,
    column_names: Vec<(&'a str, Option<&'a str>)>,
    longest_row: usize,
    longest_column: usize,
    /// Cells of the widest name together with its badges.
    badged: usize,
    remark: bool,
    note: bool,
    pub(super) row_max: Total,
    pub(super) column_max: Total,
}

impl<'a> Measures<'a> {
    pub(super) fn new(graph: &'a Graph, table: &'a Table, note: bool) -> Self {
        let (row_names, column_names) = (table.rows.named(graph), table.columns.named(graph));
        let longest = |names: &[(&str, Option<&str>)]| {
            let lengths = names.iter().map(|(name, _)| name.chars().count());
            lengths.max().unwrap_or(0)
        };
        let nodes = || table.rows.nodes.iter().map(|&i| &graph.nodes[i]);
        let most = |totals: &[Total]| totals.iter().fold(Total::default(), |a, &b| a.max(b));
        let badged = nodes().map(|node| {
            let badges = badges(&node.badges).chars().count();
            node.name.chars().count() + if badges > 0 { badges + 2 } else { 0 }
        });
        Self {
            table,
            longest_row: longest(&row_names),
            longest_column: longest(&column_names),
            row_names,
            column_names,
            badged: badged.max().unwrap_or(0),
            remark: nodes().any(is_remarkable),
            note,
            row_max: most(&table.row_totals),
            column_max: most(&table.column_totals),
        }
    }

    /// Cells for the names of rows and their badges.
    pub(super) fn label(&self, across: Across, title: usize) -> usize {
        let cells = if across.badges() {
            // A line begins with its corner and two blanks.
            let titles = self
                .table
                .rows
                .groups
                .iter()
                .map(|g| g.title.chars().count() + 1);
            self.badged.max(titles.max().unwrap_or(0))
        } else {
            self.longest_row.min(title) + if self.remark { 2 } else { 0 }
        };
        cells.max(CALLERS.len())
    }

    /// Cells for the headings of groups where no line carries them.
    pub(super) fn group_column(&self, down: Down) -> usize {
        if down.lines() {
            return 0;
        }
        let titles = self
            .table
            .rows
            .groups
            .iter()
            .map(|g| g.title.chars().count());
        titles.max().unwrap_or(0).min(GROUP_WIDTH) + 2
    }

    /// Cells for the counts at the end of a row.
    pub(super) fn counts(&self, across: Across) -> usize {
        let finding = |count: usize| if count > 0 { 2 + digits(count) } else { 0 };
        let most = self.row_max;
        let cells = digits(most.allowed) + finding(most.unexpected) + finding(most.missing);
        if across.pitch() == 2 {
            cells.max(CALLEES.len())
        } else {
            cells
        }
    }

    fn body(&self, across: Across) -> usize {
        let groups = &self.table.columns.groups;
        let inner = groups.iter().map(|g| across.inner(g.range.len(), &g.title));
        let lines = if across.lines() { groups.len() + 1 } else { 2 };
        inner.sum::<usize>() + lines
    }

    fn width_without_label(&self, across: Across, down: Down) -> usize {
        // The border, and a blank on either side of the label and before the counts.
        4 + self.group_column(down) + self.body(across) + self.counts(across)
    }

    fn width(&self, form: Form) -> usize {
        self.width_without_label(form.across, form.down) + self.label(form.across, form.title)
    }

    /// Rows below the lower border.
    pub(super) fn foot(&self, down: Down) -> usize {
        let most = self.column_max;
        let mut rows = digits(most.allowed);
        if down.findings() {
            for count in [most.unexpected, most.missing] {
                rows += if count > 0 { digits(count) } else { 0 };
            }
        }
        rows + usize::from(self.note)
    }

    fn height_without_head(&self, down: Down) -> usize {
        let rows = &self.table.rows;
        let lines = if down.lines() {
            rows.groups.len().saturating_sub(1)
        } else {
            0
        };
        // The line above the names of columns, the one below, and the lower border.
        3 + rows.nodes.len() + lines + self.foot(down)
    }

    fn height(&self, form: Form) -> usize {
        self.height_without_head(form.down) + self.longest_column.min(form.head)
    }

    fn first(&self, listing: Listing, pane: (usize, usize), floor: Floor) -> Option<Form> {
        Down::ALL.into_iter().find_map(|down| {
            let head = self.head(down, pane.1, floor)?;
            Across::ALL.into_iter().find_map(|across| {
                let title = self.title(across, down, pane.0, floor)?;
                Some(Form {
                    listing,
                    across,
                    down,
                    title,
                    head,
                    fits: true,
                })
            })
        })
    }

    /// The longest names of columns that fit, if they are long enough and stay apart.
    fn head(&self, down: Down, height: usize, floor: Floor) -> Option<usize> {
        let room = height.checked_sub(self.height_without_head(down))?;
        long_enough(
            &self.column_names,
            self.longest_column,
            room,
            (floor.head, floor.apart),
        )
    }

    fn title(&self, across: Across, down: Down, width: usize, floor: Floor) -> Option<usize> {
        let room = width.checked_sub(self.width_without_label(across, down))?;
        if room < CALLERS.len() {
            return None;
        }
        if across.badges() {
            return (self.label(across, 0) <= room).then_some(self.longest_row);
        }
        let room = room - if self.remark { 2 } else { 0 };
        long_enough(
            &self.row_names,
            self.longest_row,
            room,
            (floor.title, floor.apart),
        )
    }

    /// A small form for a pane it does not fit; what fits in one direction is chosen as if it fitted in both.
    fn panned(&self, listing: Listing, pane: (usize, usize)) -> Form {
        let down = Down::ALL
            .into_iter()
            .find_map(|down| self.head(down, pane.1, LEAST).map(|head| (down, head)));
        let (down, head) = down.unwrap_or_else(|| {
            // What is left of the pane is for rows.
            let head = (pane.1 / 4).max(READABLE.head);
            (Down::Lined, self.longest_column.min(head))
        });
        let across = Across::ALL
            .into_iter()
            .find_map(|across| self.title(across, down, pane.0, LEAST).map(|t| (across, t)));
        let (across, title) = across.unwrap_or((Across::Tight, self.longest_row.min(20)));
        Form {
            listing,
            across,
            down,
            title,
            head,
            fits: false,
        }
    }
}

/// The length that names may have in this room; none when that is too short to read, or makes two names look the same that
/// are not.
fn long_enough(
    named: &[(&str, Option<&str>)],
    longest: usize,
    room: usize,
    (floor, apart): (usize, bool),
) -> Option<usize> {
    if longest <= room {
        return Some(longest);
    }
    if room < floor {
        return None;
    }
    let distinct = |names: Vec<String>| {
        let pairs = names.into_iter().zip(named.iter().map(|(_, ns)| *ns));
        pairs.collect::<BTreeSet<_>>().len()
    };
    let stay_apart =
        || distinct(names::shorten(named, room)) == distinct(names::shorten(named, longest));
    (!apart || stay_apart()).then_some(room)
}

/// Badges in one word.
pub(super) fn badges(badges: &[String]) -> String {
    let tamed: Vec<String> = badges.iter().map(|badge| names::tame(badge)).collect();
    tamed.join("·")
}

/// Digits of a count.
pub(super) fn digits(count: usize) -> usize {
    count.checked_ilog10().map_or(1, |log| log as usize + 1)
}
