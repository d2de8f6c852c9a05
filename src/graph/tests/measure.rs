//! How good a picture is, counted on its text alone, and beside the pictures of the prototype that set the bar.

/// What a reader has to put up with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Places where a level wire runs behind an upright one.
    pub(super) crossings: usize,
    /// Wire cells where a wire can turn: corners, branches and dots.
    pub(super) bends: usize,
    /// Cells of wire; a crossing counts for both wires.
    pub(super) length: usize,
    /// Cells without ink in a thousand of the bounding box.
    pub(super) empty: usize,
}

const NORTH: usize = 0;
const EAST: usize = 1;
const SOUTH: usize = 2;
const WEST: usize = 3;
const MOVES: [(isize, isize); 4] = [(0, -1), (1, 0), (0, 1), (-1, 0)];

/// Arms by glyph: north, east, south, west.
const LINES: [(&str, [bool; 4]); 11] = [
    ("─━┄┈╌╼╾╳", [false, true, false, true]),
    ("│┃┆┊╎╽╿", [true, false, true, false]),
    ("╭┌┍┎┏", [false, true, true, false]),
    ("╮┐┑┒┓", [false, false, true, true]),
    ("╰└┕┖┗", [true, true, false, false]),
    ("╯┘┙┚┛", [true, false, false, true]),
    ("├┝┞┟┠┡┢┣", [true, true, true, false]),
    ("┤┥┦┧┨┩┪┫", [true, false, true, true]),
    ("┬┭┮┯┰┱┲┳", [false, true, true, true]),
    ("┴┵┶┷┸┹┺┻", [true, true, false, true]),
    ("┼┽┾┿╀╁╂╃╄╅╆╇╈╉╊╋", [true, true, true, true]),
];

struct Sheet(Vec<Vec<char>>);

impl Sheet {
    fn at(&self, x: isize, y: isize) -> char {
        let cell = || {
            let row = self.0.get(usize::try_from(y).ok()?)?;
            row.get(usize::try_from(x).ok()?).copied()
        };
        cell().unwrap_or(' ')
    }

    fn arms(&self, x: isize, y: isize) -> [bool; 4] {
        let glyph = self.at(x, y);
        if matches!(glyph, '●' | '○' | '◆' | '?') {
            // Under a dot the wire runs level; a trunk above or below points at it.
            let points = |(dx, dy): (isize, isize), back: usize| {
                let other = self.at(x + dx, y + dy);
                matches!(other, '●' | '○' | '◆' | '?') || line(other)[back]
            };
            return [
                points(MOVES[NORTH], SOUTH),
                true,
                points(MOVES[SOUTH], NORTH),
                true,
            ];
        }
        line(glyph)
    }
}

fn line(glyph: char) -> [bool; 4] {
    let found = LINES.iter().find(|(glyphs, _)| glyphs.contains(glyph));
    found.map_or([false; 4], |(_, arms)| *arms)
}

/// Counts. Wires are what hangs together with an arrow tip or a cut; frames and boxes never do.
pub(super) fn figures(text: &str) -> Figures {
    let rows: Vec<Vec<char>> = text
        .lines()
        .map(|l| l.trim_end().chars().collect())
        .collect();
    let sheet = Sheet(rows);
    let mut stack: Vec<(isize, isize, usize)> = Vec::new();
    let mut figures = Figures::default();
    for (y, row) in (0..).zip(&sheet.0) {
        for (x, glyph) in (0..).zip(row) {
            match glyph {
                '►' => stack.push((x, y, WEST)),
                '◄' => stack.push((x, y, EAST)),
                '╳' => stack.extend([(x, y, WEST), (x, y, EAST)]),
                _ => {}
            }
        }
    }
    let mut wires = std::collections::BTreeSet::new();
    let mut bridges = std::collections::BTreeSet::new();
    while let Some((x, y, heading)) = stack.pop() {
        let (dx, dy) = MOVES[heading];
        let back = (heading + 2) % 4;
        let (mut nx, mut ny) = (x + dx, y + dy);
        let mut behind = Vec::new();
        // A level wire goes on behind upright ones.
        while heading % 2 == 1 && line(sheet.at(nx, ny)) == [true, false, true, false] {
            behind.push((nx, ny));
            (nx, ny) = (nx + dx, ny + dy);
        }
        if !sheet.arms(nx, ny)[back] || is_border(&sheet, nx, ny, heading) {
            continue;
        }
        bridges.extend(behind);
        if wires.insert((nx, ny)) {
            let open = sheet.arms(nx, ny);
            stack.extend((0..4).filter(|&next| open[next]).map(|next| (nx, ny, next)));
        }
    }
    // What is passed behind counts only where it is a wire itself and no border.
    figures.crossings = bridges.intersection(&wires).count();
    figures.length = wires.len() + figures.crossings;
    let bent = |&&(x, y): &&(isize, isize)| {
        let arms = sheet.arms(x, y);
        (arms[NORTH] || arms[SOUTH]) && (arms[EAST] || arms[WEST])
    };
    figures.bends = wires.iter().filter(bent).count();
    let used = |row: &&Vec<char>| !row.is_empty();
    let left = sheet
        .0
        .iter()
        .filter_map(|row| row.iter().position(|&c| c != ' '))
        .min()
        .unwrap_or(0);
    let right = sheet.0.iter().map(Vec::len).max().unwrap_or(0);
    figures.width = right - left;
    figures.height = sheet.0.iter().skip_while(|r| !used(r)).count()
        - sheet.0.iter().rev().take_while(|r| !used(r)).count();
    let ink: usize = sheet
        .0
        .iter()
        .map(|row| row.iter().filter(|&&c| c != ' ').count())
        .sum();
    let area = figures.width * figures.height;
    figures.empty = (area - ink) * 1000 / area.max(1);
    figures
}

/// The border of a box where a wire leaves: `├` and its like with the box's own lines above and below, seen from outside.
fn is_border(sheet: &Sheet, x: isize, y: isize, heading: usize) -> bool {
    let glyph = sheet.at(x, y);
    if heading % 2 == 0 || !"├┝┠┣┤┥┨┫".contains(glyph) {
        return false;
    }
    // An exit has the inside of a box behind it: its lines go on to a corner without a wire of their own in between.
    let (dx, _) = MOVES[heading];
    let corner = |dy: isize| {
        let mut row = y + dy;
        while matches!(
            sheet.at(x, row),
            '│' | '┃' | '├' | '┤' | '┠' | '┨' | '►' | '◄'
        ) {
            row += dy;
        }
        let level = sheet.at(x + dx, row);
        let closes = if dx < 0 {
            "╮╯┓┛"
        } else {
            "╭╰┏┗"
        };
        closes.contains(sheet.at(x, row)) && (line(level)[EAST] || level == ' ')
    };
    corner(-1) && corner(1) && titled(sheet, x, y, dx)
}

/// Whether the upper line of a box, seen from its side, bears a name: wires do not.
fn titled(sheet: &Sheet, x: isize, y: isize, dx: isize) -> bool {
    let top = (0..y).rev().find(|&row| "╭╮┏┓".contains(sheet.at(x, row)));
    let Some(top) = top else { return false };
    let mut at = x + dx;
    while line(sheet.at(at, top)) == [false, true, false, true] {
        at += dx;
    }
    sheet.at(at, top) == ' ' && sheet.at(at + dx, top) != ' '
}
