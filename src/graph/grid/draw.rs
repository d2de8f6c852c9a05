//! Drawing: lines, headings, signs and counts into the scene's cells.

use std::collections::BTreeSet;

use super::counts;
use super::fit::{self, CALLEES, CALLERS, Form, Measures};
use super::table::{GROUP_WIDTH, Group, Listing, Table, is_remarkable, sign};
use super::view::View;
use crate::graph::scene::{BoxView, Cell, FrameView, Ink, Rect, Scene};
use crate::graph::sticky::Sticky;
use crate::graph::{End, Graph, Options, State, Step, cells, index, names};
use crate::text::cut;

/// Said in the corner where there is room for it, in one line or in two.
const READING: [&str; 2] = ["rows call", "columns"];

/// Where everything stands.
pub(super) struct Sheet {
    /// Of the line left of the cells.
    pub(super) left: i32,
    /// Of the line right of the cells.
    pub(super) right: i32,
    /// Of the line above the cells.
    top: i32,
    /// Of the line below the cells.
    pub(super) bottom: i32,
    /// Of every upright line from `left` to `right`.
    uprights: Vec<i32>,
    /// First and last cell within the lines of each group of columns.
    spans: Vec<(i32, i32)>,
    pub(super) columns: Vec<i32>,
    pub(super) rows: Vec<i32>,
    /// Of the line above each group of rows, where there is one.
    levels: Vec<i32>,
    width: i32,
    height: i32,
}

pub(super) fn draw(
    graph: &Graph,
    whole: &Table,
    (table, form): (Table, Form),
    options: &Options,
) -> Scene {
    let note = note(whole, &table, form.listing);
    if table.rows.nodes.is_empty() || table.columns.nodes.is_empty() {
        return empty(graph, whole, note, form, options);
    }
    let measures = Measures::new(graph, &table, note.is_some());
    let titles = names::shorten(&table.rows.named(graph), form.title);
    let heads = names::shorten(&table.columns.named(graph), form.head);
    let sheet = Sheet::new(&table, &measures, form, &heads, note.as_deref(), options);
    let mut scene = blank(graph, whole, &table, form, &sheet, options);
    lines(&mut scene, &table, form, &sheet);
    boxes(&mut scene, graph, &table, &sheet, (&titles, &heads));
    headings(&mut scene, graph, &table, (form, &measures), &sheet);
    marks(&mut scene, &table, &sheet);
    counts::rows(&mut scene, &table, &measures, &sheet);
    counts::columns(&mut scene, &table, &measures, &sheet, form);
    if let Some(note) = note {
        let shown = cut(&note, index(sheet.width)).into_owned();
        scene.write(0, sheet.height - 1, &shown, &ink(Ink::Note));
        if let Some(grid) = &mut scene.grid {
            grid.note = Some(note);
        }
    }
    scene
}

impl Sheet {
    fn new(
        table: &Table,
        measures: &Measures<'_>,
        form: Form,
        heads: &[String],
        note: Option<&str>,
        options: &Options,
    ) -> Self {
        let label = measures.group_column(form.down) + measures.label(form.across, form.title);
        let left = cells(label) + 3;
        let pitch = cells(form.across.pitch());
        let (mut uprights, mut spans, mut columns) = (vec![left], Vec::new(), Vec::new());
        let mut x = left + 1;
        for (at, group) in table.columns.groups.iter().enumerate() {
            let inner = cells(form.across.inner(group.range.len(), &group.title));
            let used = pitch * (cells(group.range.len()) - 1) + 1;
            let indent = (inner - used) / 2;
            columns.extend((0..cells(group.range.len())).map(|i| x + indent + i * pitch));
            spans.push((x, x + inner - 1));
            x += inner;
            if form.across.lines() || at + 1 == table.columns.groups.len() {
                uprights.push(x);
                x += 1;
            }
        }
        let right = uprights.last().copied().unwrap_or(left);
        let head = heads.iter().map(|name| names::width(name)).max();
        let top = head.unwrap_or(0) + 1;
        let (mut levels, mut rows) = (Vec::new(), Vec::new());
        let mut y = top;
        for group in &table.rows.groups {
            if form.down.lines() || levels.is_empty() {
                levels.push(y);
                y += 1;
            }
            rows.extend((0..cells(group.range.len())).map(|i| y + i));
            y += cells(group.range.len());
        }
        let (counts, foot) = (measures.counts(form.across), measures.foot(form.down));
        let mut width = right + 2 + cells(counts);
        if let Some(note) = note {
            width = width.max(names::width(note).min(i32::from(options.width)));
        }
        Self {
            left,
            right,
            top,
            bottom: y,
            uprights,
            spans,
            columns,
            rows,
            levels,
            width,
            height: y + 1 + cells(foot),
        }
    }
}

pub(super) fn ink(ink: Ink) -> Cell {
    Cell {
        ink,
        ..Cell::default()
    }
}

fn scene_of(width: i32, height: i32, grid: View) -> Scene {
    Scene {
        width,
        height,
        step: Step::Mini,
        fits: grid.form.fits,
        cells: vec![Cell::default(); index(width) * index(height)],
        boxes: Vec::new(),
        frames: Vec::new(),
        legend: Vec::new(),
        ports: Vec::new(),
        wires: Vec::new(),
        drawn: Vec::new(),
        sticky: Sticky::default(),
        grid: Some(grid),
    }
}

fn view(graph: &Graph, whole: &Table, form: Form, options: &Options) -> View {
    let order = [&whole.rows, &whole.columns]
        .map(|axis| axis.keys(graph).into_iter().map(str::to_owned).collect());
    View {
        rows: Vec::new(),
        columns: Vec::new(),
        pitch: cells(form.across.pitch()),
        marks: Vec::new(),
        note: None,
        heads: (0, 0),
        order,
        pane: (options.width, options.height),
        form,
    }
}

/// Nothing to show but what is left out.
fn empty(
    graph: &Graph,
    whole: &Table,
    note: Option<String>,
    form: Form,
    options: &Options,
) -> Scene {
    let mut grid = view(graph, whole, form, options);
    grid.form.fits = true;
    grid.note.clone_from(&note);
    let shown = note.map(|note| cut(&note, usize::from(options.width)).into_owned());
    let shown = shown.unwrap_or_default();
    let height = i32::from(!shown.is_empty());
    let mut scene = scene_of(names::width(&shown), height, grid);
    scene.write(0, 0, &shown, &ink(Ink::Note));
    scene
}

fn blank(
    graph: &Graph,
    whole: &Table,
    table: &Table,
    form: Form,
    sheet: &Sheet,
    options: &Options,
) -> Scene {
    let keyed = |keys: Vec<&str>, places: &[i32]| -> Vec<(String, i32)> {
        let keys = keys.into_iter().map(str::to_owned);
        keys.zip(places.iter().copied()).collect()
    };
    let grid = View {
        rows: keyed(table.rows.keys(graph), &sheet.rows),
        columns: keyed(table.columns.keys(graph), &sheet.columns),
        marks: table.marks.clone(),
        heads: (sheet.left + 1, sheet.top + 1),
        ..view(graph, whole, form, options)
    };
    let mut scene = scene_of(sheet.width, sheet.height, grid);
    let edges = table.marks.iter().flatten().flat_map(|m| m.edges.iter());
    scene.drawn = edges.copied().collect();
    scene.drawn.sort_unstable();
    scene.legend = legend(table);
    for group in &table.rows.groups {
        let place = sheet.rows.get(group.range.start);
        if let (Some(namespace), Some(&y)) = (&group.namespace, place) {
            scene.frames.push(FrameView {
                namespace: namespace.clone(),
                rect: Rect {
                    x: 0,
                    y,
                    width: sheet.right + 1,
                    height: cells(group.range.len()),
                },
            });
        }
    }
    scene.frames.sort_by(|a, b| a.namespace.cmp(&b.namespace));
    scene
}

/// One entry a sign, routine first.
fn legend(table: &Table) -> Vec<(State, &'static str, &'static str)> {
    let has = |sign: char| table.marks.iter().flatten().any(|mark| mark.sign == sign);
    // A colour that stays in the background.
    let faint = State::HalfOpen(End::To);
    let all = [
        (sign::ALLOWED, State::Plain, "■", "allowed"),
        (
            sign::UNEXPECTED,
            State::Unexpected,
            "◆",
            "allowed, not expected",
        ),
        (sign::MISSING, State::Missing, "○", "expected, not allowed"),
        (
            sign::PARTLY,
            State::Missing,
            "◐",
            "expected, not all of it allowed",
        ),
        (sign::UNKNOWN, State::Unknown, "?", "unknown"),
        (sign::HALF_OPEN, faint, "╳", "half-open: one end denies"),
    ];
    let mut legend: Vec<_> = all
        .into_iter()
        .filter(|(sign, ..)| has(*sign))
        .map(|(_, state, sample, meaning)| (state, sample, meaning))
        .collect();
    let is_open = |(row, open): (usize, &bool)| {
        let open_to = |column: usize| {
            *open && table.ground(row, column) == sign::OPEN && !marked(table, row, column)
        };
        (0..table.columns.nodes.len()).any(open_to)
    };
    if table.open_rows.iter().enumerate().any(is_open) {
        legend.push((faint, "□", "no rule: neither end is isolated"));
    }
    legend
}

fn marked(table: &Table, row: usize, column: usize) -> bool {
    table.marks[row]
        .binary_search_by_key(&column, |mark| mark.column)
        .is_ok()
}

fn lines(scene: &mut Scene, table: &Table, form: Form, sheet: &Sheet) {
    let line = |glyph| Cell {
        glyph,
        ..ink(Ink::Frame)
    };
    for &x in &sheet.uprights {
        for y in 1..sheet.bottom {
            scene.put(x, y, line('│'));
        }
    }
    for y in sheet.top + 1..sheet.bottom {
        scene.put(0, y, line('│'));
    }
    let mut level = |y: i32, first: i32, [start, cross, end]: [char; 3]| {
        for x in first..sheet.right {
            scene.put(x, y, line('─'));
        }
        for &x in &sheet.uprights {
            scene.put(x, y, line(cross));
        }
        scene.put(first, y, line(start));
        scene.put(sheet.right, y, line(end));
    };
    level(0, sheet.left, ['╭', '┬', '╮']);
    for (at, &y) in sheet.levels.iter().enumerate() {
        level(y, 0, [if at == 0 { '╭' } else { '├' }, '┼', '┤']);
    }
    level(sheet.bottom, 0, ['╰', '┴', '╯']);

    let title = ink(Ink::FrameTitle);
    for (group, &(start, end)) in table.columns.groups.iter().zip(&sheet.spans) {
        let room = index(end - start - 1);
        let whole = group.title.chars().count();
        if room >= whole.min(4) && room > 0 {
            let text = format!(" {} ", cut(&group.title, room));
            scene.write(start, 0, &text, &title);
        }
    }
    for (at, group) in table.rows.groups.iter().enumerate() {
        if form.down.lines() {
            let room = index(sheet.left - 4);
            let text = format!(" {} ", cut(&group.title, room));
            if let Some(&y) = sheet.levels.get(at) {
                scene.write(2, y, &text, &title);
            }
        } else {
            let text = cut(&group.title, GROUP_WIDTH);
            if let Some(&y) = sheet.rows.get(group.range.start) {
                scene.write(2, y, &text, &title);
            }
        }
    }
}

/// The boxes: headings of rows and columns, by key.
fn boxes(
    scene: &mut Scene,
    graph: &Graph,
    table: &Table,
    sheet: &Sheet,
    (titles, heads): (&[String], &[String]),
) {
    let rows = table.rows.nodes.iter().enumerate().map(|(at, &node)| {
        let width = names::width(&titles[at]);
        let rect = Rect {
            x: sheet.left - 1 - width,
            y: sheet.rows[at],
            width,
            height: 1,
        };
        (node, 0, titles[at].clone(), rect)
    });
    let columns = table.columns.nodes.iter().enumerate().map(|(at, &node)| {
        let height = names::width(&heads[at]);
        let rect = Rect {
            x: sheet.columns[at],
            y: sheet.top - height,
            width: 1,
            height,
        };
        (node, 1, heads[at].clone(), rect)
    });
    let mut all: Vec<(usize, usize, String, Rect)> = rows.chain(columns).collect();
    all.sort_by_key(|(node, column, ..)| (*node, *column));
    let views = all.into_iter().map(|(node, column, title, rect)| {
        let key = graph.nodes[node].key.clone();
        BoxView {
            id: if column == 0 {
                key.clone()
            } else {
                format!("to:{key}")
            },
            key,
            kind: graph.nodes[node].kind,
            title,
            rect,
            column,
            centre: false,
        }
    });
    scene.boxes = views.collect();
    for at in 0..scene.boxes.len() {
        let BoxView {
            title,
            rect,
            column,
            ..
        } = scene.boxes[at].clone();
        let like = Cell {
            node: Some(at),
            ..ink(Ink::Name)
        };
        if column == 0 {
            scene.write(rect.x, rect.y, &title, &like);
            continue;
        }
        for (i, glyph) in title.chars().enumerate() {
            let cell = Cell {
                glyph,
                ..like.clone()
            };
            scene.put(rect.x, rect.y + cells(i), cell);
        }
    }
}

/// Badges before the names of rows, and the captions.
fn headings(
    scene: &mut Scene,
    graph: &Graph,
    table: &Table,
    (form, measures): (Form, &Measures<'_>),
    sheet: &Sheet,
) {
    let start = 2 + cells(measures.group_column(form.down));
    for (at, &i) in table.rows.nodes.iter().enumerate() {
        let node = &graph.nodes[i];
        let text = if form.across.badges() {
            fit::badges(&node.badges)
        } else if is_remarkable(node) {
            "!".to_owned()
        } else {
            continue;
        };
        let like = Cell {
            node: scene
                .boxes
                .binary_search_by(|b| (b.key.as_str(), b.column).cmp(&(node.key.as_str(), 0)))
                .ok(),
            ..ink(Ink::Badge)
        };
        scene.write(start, sheet.rows[at], &text, &like);
    }
    let caption = ink(Ink::Total);
    let before = |text: &str| sheet.left - 1 - names::width(text);
    let reading = READING.join(" ");
    if before(&reading) >= 0 {
        scene.write(before(&reading), sheet.top - 1, &reading, &caption);
    } else if before(READING[0]) >= 0 && sheet.top > 2 {
        for (text, y) in READING.into_iter().zip(sheet.top - 2..) {
            scene.write(before(text), y, text, &caption);
        }
    }
    if measures.counts(form.across) >= CALLEES.len() {
        scene.write(sheet.right + 2, sheet.top - 1, CALLEES, &caption);
    }
    let last = sheet.bottom + cells(fit::digits(measures.column_max.allowed));
    scene.write(before(CALLERS), last, CALLERS, &caption);
}

fn marks(scene: &mut Scene, table: &Table, sheet: &Sheet) {
    for (row, &y) in sheet.rows.iter().enumerate() {
        let mut next = table.marks[row].iter().peekable();
        for (column, &x) in sheet.columns.iter().enumerate() {
            let cell = match next.next_if(|mark| mark.column == column) {
                Some(mark) => Cell {
                    glyph: mark.sign,
                    state: Some(mark.state),
                    bold: mark.state == State::Unexpected,
                    faint: matches!(mark.state, State::HalfOpen(_)),
                    edges: mark.edges.clone(),
                    ..ink(Ink::Mark)
                },
                None => Cell {
                    glyph: table.ground(row, column),
                    ..ink(Ink::Mark)
                },
            };
            scene.put(x, y, cell);
        }
    }
}

/// What is left out.
fn note(whole: &Table, table: &Table, listing: Listing) -> Option<String> {
    let missing = |all: &[Group], shown: &[Group]| -> usize {
        let count = |groups: &[Group]| groups.iter().map(|g| g.range.len()).sum::<usize>();
        count(all) - count(shown)
    };
    let rows = missing(&whole.rows.groups, &table.rows.groups);
    let columns = missing(&whole.columns.groups, &table.columns.groups);
    let some = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    };
    let what = match (rows, columns) {
        (0, 0) => return None,
        (_, 0) => some(rows, "row"),
        (0, _) => some(columns, "column"),
        _ => format!("{} and {}", some(rows, "row"), some(columns, "column")),
    };
    // Everything is there to be read: what has no sign at all goes before what has no edge.
    let without = if listing == Listing::Signed {
        "without a sign"
    } else {
        "with no sign but □"
    };
    let shown: BTreeSet<usize> = [&table.rows, &table.columns]
        .into_iter()
        .flat_map(|axis| axis.nodes.iter().copied())
        .collect();
    let all = whole.rows.nodes.iter();
    let neither = match all.filter(|node| !shown.contains(node)).count() {
        0 => String::new(),
        1 => " (1 workload in neither)".to_owned(),
        count => format!(" ({count} workloads in neither)"),
    };
    Some(format!("not shown: {what} {without}{neither}"))
}
