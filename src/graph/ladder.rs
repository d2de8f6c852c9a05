//! The detail ladder, and the repairs that keep a picture true.

use super::bands::{self, Band};
use super::channels;
use super::columns;
use super::draw;
use super::geometry::{self, Geometry, Layout};
use super::plan::{Flow, Plan, Role};
use super::rows;
use super::scene::Scene;
use super::sticky::{Repair, Settled, Sticky};
use super::trunks::{self, Wiring};
use super::truth;
use super::{Graph, Options, Step, names};

/// Longest names tried in turn, by step. Around a centre there are three columns and longer names.
const CENTRE_TITLES: [usize; 2] = [48, 34];
const CARD_TITLES: [usize; 3] = [24, 20, 17];
const CHIP_TITLES: [usize; 6] = [24, 20, 17, 15, 13, 12];
const MINI_TITLES: [usize; 9] = [24, 20, 17, 15, 13, 12, 11, 10, 9];

/// Repairs before every edge gets a wire of its own; fewer where each takes long.
const REPAIRS: usize = 24;
const REPAIRS_OF_MANY: usize = 6;
const MANY_FLOWS: usize = 200;

pub(super) fn layout(graph: &Graph, options: &Options, sticky: Option<&Sticky>) -> Scene {
    let same_pane = |s: &&Sticky| {
        (s.width, s.height, s.pinned) == (options.width, options.height, options.step)
    };
    let settled = sticky.filter(same_pane).and_then(|s| s.settled.as_deref());
    let mut scene = match (settled, options.step) {
        (Some(settled), _) => Attempt::again(graph, options, settled).finish(),
        (None, Some(step)) => Attempt::new(graph, options, step).finish(),
        (None, None) => climb_down(graph, options),
    };
    scene.fits = fits(&scene, options);
    debug_assert!(
        truth::check(&scene).is_clean(),
        "the picture lies: {:?}\n{}",
        truth::check(&scene),
        scene.text(false)
    );
    scene
}

fn fits(scene: &Scene, options: &Options) -> bool {
    scene.width <= i32::from(options.width) && scene.height <= i32::from(options.height)
}

/// The first step that fits; if none does, chips to be panned.
fn climb_down(graph: &Graph, options: &Options) -> Scene {
    for step in Step::ALL {
        let attempt = Attempt::new(graph, options, step);
        if attempt.least_height() > i32::from(options.height) {
            continue;
        }
        // Repairs only ever add rows and tracks, so what is too large now is not worth repairing.
        let first = attempt.once(&Repair::default());
        if fits(&first.0, options) {
            let scene = attempt.repair(first, Repair::default());
            if fits(&scene, options) {
                return scene;
            }
        }
    }
    Attempt::new(graph, options, Step::Chip).finish()
}

/// One step for one graph and one pane.
struct Attempt<'a> {
    graph: &'a Graph,
    options: &'a Options,
    plan: Plan,
    step: Step,
    /// Lengths of names, longest first.
    titles: Vec<usize>,
    known: Option<&'a Settled>,
}

impl<'a> Attempt<'a> {
    fn new(graph: &'a Graph, options: &'a Options, step: Step) -> Self {
        let mut titles = match step {
            Step::Card | Step::CardDense | Step::CardTight | Step::CardInline => {
                CARD_TITLES.to_vec()
            }
            Step::Chip | Step::ChipTight => CHIP_TITLES.to_vec(),
            Step::Mini => MINI_TITLES.to_vec(),
        };
        if graph.focus.centre.is_some() {
            titles.splice(0..0, CENTRE_TITLES);
        }
        let plan = Plan::new(graph, options, step.look().inline);
        Self {
            graph,
            options,
            plan,
            step,
            titles,
            known: None,
        }
    }

    fn again(graph: &'a Graph, options: &'a Options, known: &'a Settled) -> Self {
        Self {
            titles: vec![known.title],
            known: Some(known),
            ..Self::new(graph, options, known.step)
        }
    }

    fn finish(&self) -> Scene {
        let repair = self.known.map(|k| k.repair.clone()).unwrap_or_default();
        self.repair(self.once(&repair), repair)
    }

    /// Repairs a first pass until a reader of the picture sees the edges and nothing else.
    fn repair(&self, first: (Scene, Vec<usize>), mut repair: Repair) -> Scene {
        let (mut scene, mut unreadable) = first;
        for round in 1.. {
            let report = truth::check(&scene);
            let done = report.is_clean() && unreadable.is_empty();
            if done || !self.escalate(&mut repair, &report, &unreadable, round) {
                break;
            }
            (scene, unreadable) = self.once(&repair);
        }
        scene
    }

    /// The ends of an edge, by id.
    fn pair(&self, flow: &Flow) -> (String, String) {
        let id = |place: usize| self.plan.places[place].id.clone();
        (id(flow.from), id(flow.to))
    }

    /// Gives up some beauty for truth; false when nothing is left to give.
    ///
    /// With a wire for each edge and rows that no two neighbouring columns share, wires meet only at bridges, so the last
    /// stage is always true.
    fn escalate(
        &self,
        repair: &mut Repair,
        report: &truth::Report,
        unreadable: &[usize],
        round: usize,
    ) -> bool {
        let flows = &self.plan.flows;
        let before = repair.clone();
        let rounds = if flows.len() > MANY_FLOWS {
            REPAIRS_OF_MANY
        } else {
            REPAIRS
        };
        if round > rounds {
            repair.loose = true;
            repair.alone.extend(flows.iter().map(|f| self.pair(f)));
            return *repair != before;
        }
        repair.loose |= round == rounds * 2 / 3;
        let named = |f: &&Flow| unreadable.contains(&f.edge) || report.missing.contains(&f.edge);
        let named = flows.iter().filter(named).map(|f| self.pair(f));
        repair.alone.extend(named);
        // One edge of each false path: the source's or the pin's with the fewest companions.
        for (from, to, _) in report.false_paths.iter().take(3) {
            let mut candidates: Vec<(usize, (String, String))> = flows
                .iter()
                .map(|f| (f, self.pair(f)))
                .filter(|(_, pair)| pair.0 == *from || pair.1 == *to)
                .filter(|(_, pair)| !repair.alone.contains(pair))
                .map(|(flow, pair)| {
                    let shares = |f: &&Flow| f.from == flow.from || f.to == flow.to;
                    (flows.iter().filter(shares).count(), pair)
                })
                .collect();
            candidates.sort();
            repair
                .alone
                .extend(candidates.into_iter().next().map(|c| c.1));
        }
        if *repair == before {
            if repair.loose {
                repair.alone.extend(flows.iter().map(|f| self.pair(f)));
            }
            repair.loose = true;
        }
        *repair != before
    }

    /// Rows that this step needs at least; cheap beside a layout.
    fn least_height(&self) -> i32 {
        let column = columns::assign(&self.plan, None);
        let repair = Repair::default();
        let labels = self.step.look().labels;
        let wiring = trunks::bundle(self.graph, &self.plan, &column, labels, &repair);
        let bands = bands::assign(&self.plan, &column, None);
        rows::least_height(&self.input(&column, &wiring, &bands, &repair))
    }

    fn input<'b>(
        &'b self,
        column: &'b [usize],
        wiring: &'b Wiring,
        bands: &'b [Band],
        repair: &Repair,
    ) -> rows::Input<'b> {
        let look = self.step.look();
        rows::Input {
            plan: &self.plan,
            column,
            wiring,
            bands,
            known: self.known,
            cards: look.cards,
            gap: look.gap,
            loose: repair.loose,
        }
    }

    /// One pass over all stages; the first title length that fits the pane's width is taken. Beside the scene stand the
    /// edges whose state cannot be read.
    fn once(&self, repair: &Repair) -> (Scene, Vec<usize>) {
        let (graph, plan, known) = (self.graph, &self.plan, self.known);
        let look = self.step.look();
        let column = columns::assign(plan, known.map(|k| &k.columns));
        let wiring = trunks::bundle(graph, plan, &column, look.labels, repair);
        let bands = bands::assign(plan, &column, known.map(|k| k.bands.as_slice()));
        let (field, mut rows) = rows::find(&self.input(&column, &wiring, &bands, repair));
        let count = column.iter().max().map_or(0, |c| c + 1);
        let channels = channels::route(&wiring, &column, &field, &mut rows, count);
        let names: Vec<(&str, Option<&str>)> = plan
            .places
            .iter()
            .map(|p| &graph.nodes[p.node])
            .map(|n| (n.name.as_str(), n.namespace.as_deref()))
            .collect();

        let mut drawn = None;
        for &limit in &self.titles {
            let layout = Layout {
                plan,
                column: &column,
                wiring: &wiring,
                field: &field,
                rows: &rows,
                channels: &channels,
                look,
                titles: names::shorten(&names, limit),
                known,
            };
            let geometry = geometry::measure(&layout);
            let fits = geometry.width <= i32::from(self.options.width);
            drawn = Some((limit, layout, geometry));
            if fits {
                break;
            }
        }
        let (title, layout, geometry) = drawn.expect("every step has a list of title lengths");
        let (mut scene, unreadable) = draw::draw(graph, &layout, &geometry, self.step);
        let mut settled = remember(&layout, &bands, geometry, self.step);
        if let Some(known) = known {
            settled.keep_departed(known);
        }
        settled.title = title;
        settled.repair = repair.clone();
        scene.sticky = Sticky {
            width: self.options.width,
            height: self.options.height,
            pinned: self.options.step,
            settled: Some(Box::new(settled)),
            show: None,
        };
        (scene, unreadable)
    }
}

/// The positions of a layout, by key; the length of titles and the repairs are left to the caller.
fn remember(layout: &Layout<'_>, bands: &[Band], geometry: Geometry, step: Step) -> Settled {
    let Layout {
        plan,
        column,
        wiring,
        field,
        rows,
        ..
    } = layout;
    let places = plan.places.iter().zip(column.iter());
    let items = field.items.iter().zip(&rows.y);
    let ports = wiring.ports.iter().zip(&rows.port);
    let names = |band: &Band| {
        band.lanes
            .iter()
            .map(|&l| plan.lanes[l].name.clone())
            .collect()
    };
    Settled {
        step,
        title: 0,
        columns: places
            .filter(|(place, _)| place.role == Role::Within)
            .map(|(place, c)| (place.id.clone(), c - 1))
            .collect(),
        rows: items
            .map(|(item, y)| (item.key.clone(), y - rows.band_top[item.band]))
            .collect(),
        ports: ports.map(|(port, &row)| (port.key.clone(), row)).collect(),
        bands: bands
            .iter()
            .zip(&rows.band_height)
            .map(|(band, &height)| (names(band), height))
            .collect(),
        column_widths: geometry.column_widths,
        channel_widths: geometry.channel_widths,
        repair: Repair::default(),
    }
}
