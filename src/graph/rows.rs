//! Rows: which box stands above which, and where the trunks pass between them.

mod frame;
mod place;
mod score;
mod search;
mod shift;

use std::collections::BTreeMap;

use super::bands::Band;
use super::plan::{Plan, Role};
use super::sticky::Settled;
use super::trunks::{Side, Way, Wiring};
use super::{State, cells, index};

/// Something that takes rows of a column.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) what: What,
    pub(super) column: usize,
    /// The band it stands in; the number of bands for boxes outside, which may stand anywhere.
    pub(super) band: usize,
    pub(super) height: i32,
    pub(super) key: String,
    /// Where it stood before, counted from its band.
    pub(super) known: Option<i32>,
    /// A passage that is drawn heavy, because an unexpected edge runs there.
    pub(super) heavy: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Box(usize),
    /// A trunk on its way through the column.
    Pass(usize),
}

/// Where a wire meets an item: a port of a box, or a passage as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tie {
    pub(super) item: usize,
    pub(super) port: Option<usize>,
}

/// A stretch of a trunk across one channel.
#[derive(Clone, Copy, Debug)]
struct Link {
    left: Tie,
    right: Tie,
    trunk: usize,
    weight: i64,
    votes: bool,
}

/// A neighbour of an item.
#[derive(Clone, Copy, Debug)]
struct Pull {
    mine: Option<usize>,
    other: Tie,
    weight: i64,
    votes: bool,
}

/// What does not change while rows are sought.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) items: Vec<Item>,
    /// The item of each place.
    pub(super) boxes: Vec<usize>,
    /// The item of each trunk that passes a column.
    pub(super) passes: BTreeMap<(usize, usize), usize>,
    /// Links by channel; channel `c` lies left of column `c`.
    links: Vec<Vec<Link>>,
    pulls: Vec<Vec<Pull>>,
    framed: Vec<bool>,
    /// Rows between two boxes.
    gap: i32,
    /// Rows of a box above its first port.
    pub(super) top: i32,
    /// Columns side by side use different rows.
    pub(super) loose: bool,
    columns: usize,
}

/// Items of one column and one band, from top to bottom.
type Regions = BTreeMap<(usize, usize), Vec<usize>>;

/// The rows themselves.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    /// First row of each item.
    pub(super) y: Vec<i32>,
    /// Row of each port below the top of its box.
    pub(super) port: Vec<i32>,
    pub(super) regions: Regions,
    pub(super) band_top: Vec<i32>,
    pub(super) band_height: Vec<i32>,
    /// Rows of all bands with their frames.
    pub(super) total: i32,
}

/// What [`find`] needs to know of the earlier steps.
pub(super) struct Input<'a> {
    pub(super) plan: &'a Plan,
    pub(super) column: &'a [usize],
    pub(super) wiring: &'a Wiring,
    pub(super) bands: &'a [Band],
    pub(super) known: Option<&'a Settled>,
    pub(super) cards: bool,
    pub(super) gap: i32,
    pub(super) loose: bool,
}

/// Finds rows for every box and passage: around the known ones, or afresh by search. Rows are offered, the most promising
/// first, until they are taken; the last ones have to do.
pub(super) fn find(input: &Input<'_>, take: &mut dyn FnMut(&Field, Rows) -> bool) -> Field {
    let (port, depth) = first_port_rows(input);
    let field = Field::new(input, &depth);
    let mut rows = field.start(input, port);
    if input.known.is_some() {
        place::settle(&field, &mut rows);
        if field.loose {
            place::interleave(&field, &mut rows);
        }
        rows.shrink(&field, true);
        take(&field, rows);
        return field;
    }
    search::run(&field, input, &rows, &mut |mut rows| {
        if field.loose {
            place::interleave(&field, &mut rows);
        }
        rows.shrink(&field, false);
        if !field.loose {
            // The bands have found their heights, and what stands beside them follows.
            search::align_outside(&field, input, &mut rows);
        }
        take(&field, rows)
    });
    field
}

/// What a search starts from, and the fewest rows a fresh layout can take.
pub(super) fn least(input: &Input<'_>) -> (Field, Rows, i32) {
    let (port, depth) = first_port_rows(input);
    let field = Field::new(input, &depth);
    let outside = field.items.iter().filter(|i| i.band == field.bands());
    let tallest = outside.map(|i| i.height).max().unwrap_or(0);
    let rows = field.start(input, port);
    let height = rows.total.max(tallest);
    (field, rows, height)
}

/// Rows of the ports in their boxes, and the port rows each box has.
fn first_port_rows(input: &Input<'_>) -> (Vec<i32>, Vec<i32>) {
    let pitch = if input.loose { 2 } else { 1 };
    let ports = &input.wiring.ports;
    let mut row = vec![-1; ports.len()];
    let mut depth = vec![0; input.plan.places.len()];
    let mut sides: Vec<[Vec<usize>; 2]> = vec![[Vec::new(), Vec::new()]; depth.len()];
    for (p, port) in ports.iter().enumerate() {
        sides[port.place][usize::from(port.side == Side::Right)].push(p);
    }
    for (place, (depth, sides)) in depth.iter_mut().zip(sides).enumerate() {
        for mine in sides {
            if let Some(known) = input.known {
                let mut taken: Vec<i32> = Vec::new();
                // Rows remembered from before the layout became loose are spread first.
                let spread = if input.loose && !known.repair.loose {
                    2
                } else {
                    1
                };
                for &p in &mine {
                    let old = known.ports.get(&ports[p].key).map(|r| r * spread);
                    if let Some(r) = old.filter(|r| !taken.contains(r)) {
                        row[p] = r;
                        taken.push(r);
                    }
                }
                for &p in &mine {
                    if row[p] < 0 {
                        row[p] = (0..)
                            .step_by(index(pitch))
                            .find(|r| !taken.contains(r))
                            .unwrap_or(0);
                        taken.push(row[p]);
                    }
                }
            } else {
                for (i, &p) in mine.iter().enumerate() {
                    row[p] = cells(i) * pitch;
                }
            }
            let last = mine.iter().map(|&p| row[p]).max().unwrap_or(-1);
            *depth = (*depth).max(last + 1);
        }
        if input.cards && !input.plan.places[place].counts.is_empty() {
            *depth += 1;
        }
        *depth = (*depth).max(1);
    }
    (row, depth)
}

impl Field {
    fn new(input: &Input<'_>, depth: &[i32]) -> Self {
        let Input {
            plan,
            column,
            wiring,
            bands,
            ..
        } = input;
        let top = i32::from(input.cards);
        let free = bands.len();
        let band_of = |place: usize| {
            let lane = plan.places[place].lane;
            bands
                .iter()
                .position(|b| b.lanes.contains(&lane))
                .unwrap_or(free)
        };
        let known = |key: &str| input.known.and_then(|k| k.rows.get(key)).copied();
        let mut field = Self {
            items: Vec::new(),
            boxes: Vec::new(),
            passes: BTreeMap::new(),
            links: Vec::new(),
            pulls: Vec::new(),
            framed: bands
                .iter()
                .map(|b| b.lanes.iter().any(|&l| plan.lanes[l].framed))
                .collect(),
            gap: input.gap,
            top,
            loose: input.loose,
            columns: column.iter().max().map_or(0, |c| c + 1),
        };
        for (i, place) in plan.places.iter().enumerate() {
            field.boxes.push(field.items.len());
            let band = if place.role == Role::Within {
                band_of(i)
            } else {
                free
            };
            let (key, height) = (place.id.clone(), depth[i] + 2 * top);
            field.items.push(Item {
                what: What::Box(i),
                column: column[i],
                band,
                height,
                known: known(&key),
                key,
                heavy: false,
            });
        }
        for (t, trunk) in wiring.trunks.iter().enumerate() {
            let Some(first) = trunk.wires.first().map(|&w| &wiring.wires[w]) else {
                continue;
            };
            let band = [first.to, first.from]
                .into_iter()
                .map(band_of)
                .find(|&b| b < free)
                .unwrap_or(0);
            let between = |c: usize| {
                trunk.wires.iter().any(|&w| {
                    let (a, b) = (column[wiring.wires[w].from], column[wiring.wires[w].to]);
                    a.min(b) < c && c < a.max(b)
                })
            };
            for c in (0..field.columns).filter(|&c| between(c)) {
                field.passes.insert((t, c), field.items.len());
                let key = format!("{c} {}", trunk.key);
                field.items.push(Item {
                    what: What::Pass(t),
                    column: c,
                    band,
                    height: 1,
                    known: known(&key),
                    key,
                    heavy: trunk.wires.iter().map(|&w| &wiring.wires[w]).any(|wire| {
                        let (a, b) = (column[wire.from], column[wire.to]);
                        a.min(b) < c && c < a.max(b) && wire.state == State::Unexpected
                    }),
                });
            }
        }
        field.link(wiring, column);
        field
    }

    /// The ties of a wire from its exit to its pin, one a column.
    pub(super) fn ties(&self, wiring: &Wiring, column: &[usize], wire: usize) -> Vec<Tie> {
        let w = &wiring.wires[wire];
        let (a, b) = (column[w.from], column[w.to]);
        let mut ties = vec![Tie {
            item: self.boxes[w.from],
            port: Some(w.exit),
        }];
        let between: Vec<usize> = if a < b {
            (a + 1..b).collect()
        } else {
            (b + 1..a).rev().collect()
        };
        ties.extend(
            between
                .iter()
                .filter_map(|&c| self.passes.get(&(w.trunk, c)))
                .map(|&item| Tie { item, port: None }),
        );
        ties.push(Tie {
            item: self.boxes[w.to],
            port: Some(w.pin),
        });
        ties
    }

    fn link(&mut self, wiring: &Wiring, column: &[usize]) {
        self.links = vec![Vec::new(); self.columns + 1];
        self.pulls = vec![Vec::new(); self.items.len()];
        let mut known: BTreeMap<(Tie, Tie, usize), (usize, usize)> = BTreeMap::new();
        for (i, wire) in wiring.wires.iter().enumerate() {
            let ties = self.ties(wiring, column, i);
            let solo = wiring.trunks[wire.trunk].wires.len() == 1;
            for pair in ties.windows(2) {
                let (a, b) = (pair[0], pair[1]);
                let weight = match (a.port, b.port) {
                    (None, None) => 8,
                    (Some(_), Some(_)) if !solo || wire.way == Way::Around => 1,
                    _ => 3,
                };
                let votes = wire.state.votes();
                if wire.way == Way::Around {
                    self.pulls[a.item].push(Pull {
                        mine: a.port,
                        other: b,
                        weight,
                        votes,
                    });
                    self.pulls[b.item].push(Pull {
                        mine: b.port,
                        other: a,
                        weight,
                        votes,
                    });
                    continue;
                }
                let (left, right) = if wire.way == Way::East {
                    (a, b)
                } else {
                    (b, a)
                };
                let channel = self.items[right.item].column;
                if let Some(&(c, l)) = known.get(&(left, right, wire.trunk)) {
                    self.links[c][l].votes |= votes;
                    continue;
                }
                known.insert(
                    (left, right, wire.trunk),
                    (channel, self.links[channel].len()),
                );
                self.links[channel].push(Link {
                    left,
                    right,
                    trunk: wire.trunk,
                    weight,
                    votes,
                });
            }
        }
        for link in self.links.iter().flatten() {
            let Link {
                left,
                right,
                weight,
                votes,
                ..
            } = *link;
            self.pulls[left.item].push(Pull {
                mine: left.port,
                other: right,
                weight,
                votes,
            });
            self.pulls[right.item].push(Pull {
                mine: right.port,
                other: left,
                weight,
                votes,
            });
        }
    }

    fn gap(&self, above: usize, below: usize) -> i32 {
        let boxes = [above, below]
            .iter()
            .filter(|&&i| matches!(self.items[i].what, What::Box(_)))
            .count();
        if boxes == 2 { self.gap } else { 0 }
    }

    /// Rows between an item and the frame around it. A wire right beside a frame would look like a part of it, unless it is
    /// the heavier line.
    pub(super) fn margin(&self, item: usize) -> i32 {
        let Item {
            what, band, heavy, ..
        } = self.items[item];
        let beside = matches!(what, What::Pass(_)) && !heavy;
        i32::from(self.top > 0 && beside && self.framed.get(band) == Some(&true))
    }

    fn bands(&self) -> usize {
        self.framed.len()
    }

    /// Regions in the order of their keys, or of the rows their items had.
    fn start(&self, input: &Input<'_>, port: Vec<i32>) -> Rows {
        let mut regions = Regions::new();
        for (i, item) in self.items.iter().enumerate() {
            regions.entry((item.column, item.band)).or_default().push(i);
        }
        for region in regions.values_mut() {
            region.sort_by(|&a, &b| {
                let pass = |i: usize| matches!(self.items[i].what, What::Pass(_));
                (pass(a), &self.items[a].key).cmp(&(pass(b), &self.items[b].key))
            });
        }
        let mut rows = Rows {
            y: vec![0; self.items.len()],
            port,
            regions,
            band_top: vec![0; self.bands() + 1],
            band_height: input.bands.iter().map(|b| b.height.max(1)).collect(),
            total: 0,
        };
        for ((_, band), region) in &rows.regions {
            // Remembered rows bring their own heights.
            if *band < self.bands() && input.known.is_none() {
                rows.band_height[*band] = rows.band_height[*band].max(self.stacked(region));
            }
        }
        rows.stack(self);
        rows.pile(self);
        rows
    }

    /// The fewest rows a region can take: passages stand between the boxes, as far as there are gaps to fill.
    fn stacked(&self, region: &[usize]) -> i32 {
        let heights: i32 = region.iter().map(|&i| self.items[i].height).sum();
        let boxes = region
            .iter()
            .filter(|&&i| matches!(self.items[i].what, What::Box(_)))
            .count();
        let open = boxes.saturating_sub(1).saturating_sub(region.len() - boxes);
        let edge = if boxes < 2 {
            region.iter().map(|&i| self.margin(i)).max().unwrap_or(0)
        } else {
            0
        };
        heights + cells(open) * self.gap + edge
    }
}

impl Rows {
    /// The row a tie is on.
    pub(super) fn row(&self, field: &Field, tie: Tie) -> i32 {
        self.y[tie.item] + self.offset(field, tie.port)
    }

    fn offset(&self, field: &Field, port: Option<usize>) -> i32 {
        port.map_or(0, |p| field.top + self.port[p])
    }

    /// Puts the bands below each other, with rows for their frames.
    fn stack(&mut self, field: &Field) {
        let mut y = 0;
        for band in 0..field.bands() {
            // Loose bands all start on odd rows, so that columns keep their parity from band to band.
            let frame = i32::from(field.framed[band] || field.loose);
            self.band_top[band] = y + frame;
            y += self.band_height[band] + 2 * frame;
        }
        self.total = y;
    }

    /// Puts the items of every region below each other from the top of their band.
    fn pile(&mut self, field: &Field) {
        for ((_, band), region) in &self.regions {
            let mut y = self.band_top[*band];
            for (i, &item) in region.iter().enumerate() {
                y += if i > 0 {
                    field.gap(region[i - 1], item)
                } else {
                    field.margin(item)
                };
                self.y[item] = y;
                y += field.items[item].height;
            }
        }
    }

    /// First row and the row after the last that a band's items may use.
    fn limits(&self, field: &Field, band: usize) -> (i32, i32) {
        if band < field.bands() {
            (
                self.band_top[band],
                self.band_top[band] + self.band_height[band],
            )
        } else {
            (0, self.total)
        }
    }

    /// Gives back rows at the end of a band that nobody uses, unless they are kept for what may come back.
    fn shrink(&mut self, field: &Field, keep: bool) {
        let (tops, mut heights) = (self.band_top.clone(), vec![1; field.bands()]);
        for (i, item) in field.items.iter().enumerate() {
            if item.band < field.bands() {
                let used = self.y[i] + item.height + field.margin(i) - tops[item.band];
                heights[item.band] = heights[item.band].max(used);
            }
        }
        for (band, used) in heights.into_iter().enumerate() {
            if !keep || used > self.band_height[band] {
                self.band_height[band] = used;
            }
            if field.loose {
                // Keeps the parity of rows from band to band.
                self.band_height[band] += (self.band_height[band]) % 2;
            }
        }
        self.stack(field);
        for (i, item) in field.items.iter().enumerate() {
            if item.band < field.bands() {
                self.y[i] += self.band_top[item.band] - tops[item.band];
            }
        }
    }
}

impl Rows {
    /// Whether an item could stand on another row of its band without passing or touching its neighbours.
    pub(super) fn has_room(&self, field: &Field, item: usize, row: i32) -> bool {
        let Item {
            column,
            band,
            height,
            ..
        } = field.items[item];
        let (low, high) = self.limits(field, band);
        let region = &self.regions[&(column, band)];
        let Some(at) = region.iter().position(|&i| i == item) else {
            return false;
        };
        let above = at.checked_sub(1).map(|i| region[i]);
        let below = region.get(at + 1).copied();
        let margin = field.margin(item);
        row >= above.map_or(low + margin, |a| {
            self.y[a] + field.items[a].height + field.gap(a, item)
        }) && row + height <= below.map_or(high - margin, |b| self.y[b] - field.gap(item, b))
    }

    /// Moves an item and all below it in its region down by one row; what lies below the band follows if the band grows.
    pub(super) fn insert_row(&mut self, field: &Field, item: usize) {
        let Item { column, band, .. } = field.items[item];
        let (_, high) = self.limits(field, band);
        let region = self.regions[&(column, band)].clone();
        for &i in region.iter().skip_while(|&&i| i != item) {
            self.y[i] += 1;
        }
        let end = region
            .last()
            .map_or(0, |&i| self.y[i] + field.items[i].height + field.margin(i));
        if end <= high {
            return;
        }
        if band == field.bands() {
            self.total = end;
            return;
        }
        self.band_height[band] += 1;
        for (i, other) in field.items.iter().enumerate() {
            let below = if other.band == field.bands() {
                self.y[i] > high
            } else {
                other.band > band
            };
            self.y[i] += i32::from(below);
        }
        self.stack(field);
    }
}
