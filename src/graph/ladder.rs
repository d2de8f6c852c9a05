//! The detail ladder, and the repairs that keep a picture true.

use super::bands::{self, Band};
use super::channels::{self, Channel};
use super::columns;
use super::draw;
use super::geometry::{self, Extents, Geometry, Layout, Look, Squeeze};
use super::plan::{Flow, Plan, Role};
use super::rows::{self, Field, Rows};
use super::scene::Scene;
use super::sticky::{Repair, Settled, Sticky};
use super::trunks::{self, Wiring};
use super::truth;
use super::{Graph, Options, Step, names};

/// Longest names tried in turn, by step. Around a centre there are three columns and longer names.
const CENTRE_TITLES: [usize; 2] = [48, 34];
const CARD_TITLES: [usize; 3] = [24, 20, 17];
const CHIP_TITLES: [usize; 6] = [24, 20, 17, 15, 13, 12];
const MINI_TITLES: [usize; 13] = [24, 20, 17, 15, 13, 12, 11, 10, 9, 8, 7, 6, 5];

/// Names are cut to this before anything else gives way.
const SHORT_NAMES: usize = 10;

/// Repairs before every edge gets a wire of its own; fewer where each takes long.
const REPAIRS: usize = 24;
const REPAIRS_OF_MANY: usize = 2;
const MANY_FLOWS: usize = 200;

pub(super) fn layout(graph: &Graph, options: &Options, sticky: Option<&Sticky>) -> Scene {
    let same_pane =
        |s: &Sticky| (s.width, s.height, s.pinned) == (options.width, options.height, options.step);
    let settled = sticky.and_then(|s| Some((s, s.settled.as_deref()?)));
    let mut scene = match settled {
        Some((sticky, settled)) if same_pane(sticky) => {
            Attempt::again(graph, options, settled).finish()
        }
        other => {
            // Another pane has other widths; columns and order stay where the step does.
            let relaxed = other.map(|(_, settled)| settled.relaxed());
            match options.step {
                Some(step) => Attempt::anew(graph, options, step, relaxed.as_ref()).finish(),
                None => climb_down(graph, options, relaxed.as_ref()),
            }
        }
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

/// The first step that fits; if none does, names to be panned up and down, or else chips.
fn climb_down(graph: &Graph, options: &Options, known: Option<&Settled>) -> Scene {
    let (width, height) = (i32::from(options.width), i32::from(options.height));
    let mut last: Option<(Look, Arrangement)> = None;
    for step in Step::ALL {
        if let Some(known) = known.filter(|known| known.step == step) {
            let scene = Attempt::anew(graph, options, step, Some(known)).finish();
            if fits(&scene, options) {
                return scene;
            }
        }
        let attempt = Attempt::new(graph, options, step);
        let base = attempt.base(&Repair::default());
        let least = attempt.least(&base);
        if least.0 > width || least.1 > height {
            continue;
        }
        let look = step.look();
        let arrangement = match last {
            // Some steps differ only in widths.
            Some((before, arrangement)) if before.same_rows(&look) => arrangement,
            _ => attempt.arrange(base, &Repair::default()),
        };
        // Repairs only ever add rows and tracks, so what is too large now is not worth repairing.
        let size = attempt.measure(&arrangement).1;
        if size.width <= width && size.height <= height {
            let first = attempt.draw(&arrangement, &Repair::default());
            let scene = attempt.repair(first, Repair::default());
            if fits(&scene, options) {
                return scene;
            }
        }
        last = Some((look, arrangement));
    }
    // Names that need panning in one direction only are read sooner than chips that go on both ways.
    let names = Attempt::anew(graph, options, Step::Mini, known).finish();
    if names.width <= width {
        return names;
    }
    Attempt::anew(graph, options, Step::Chip, known).finish()
}

/// What has been decided before rows.
struct Base {
    column: Vec<usize>,
    wiring: Wiring,
    bands: Vec<Band>,
}

/// What has been decided before widths.
struct Arrangement {
    base: Base,
    field: Field,
    rows: Rows,
    channels: Vec<Channel>,
    extents: Extents,
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

    /// A layout in another pane than the known one, which binds it only at the same step.
    fn anew(
        graph: &'a Graph,
        options: &'a Options,
        step: Step,
        known: Option<&'a Settled>,
    ) -> Self {
        Self {
            known: known.filter(|known| known.step == step),
            ..Self::new(graph, options, step)
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
        self.repair(
            self.draw(&self.arrange(self.base(&repair), &repair), &repair),
            repair,
        )
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
            let arrangement = self.arrange(self.base(&repair), &repair);
            (scene, unreadable) = self.draw(&arrangement, &repair);
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
        for flow in flows {
            let pair = self.pair(flow);
            if report.missing.contains(&flow.edge) {
                repair.alone.insert(pair);
            } else if unreadable.contains(&flow.edge) {
                // A trunk for its state is enough more often than not, and needs no second exit and pin.
                let named = (pair.0.clone(), pair.1.clone(), flow.state);
                if !repair.apart.insert(named) {
                    repair.alone.insert(pair);
                }
            }
        }
        // Where wires part and join again a reader may change from one to the other; where they only join, a dot says no.
        let gathered = repair.gathered.len();
        let misread = report.false_paths.iter().map(|(from, _, _)| from.clone());
        repair.gathered.extend(misread);
        let gathered = repair.gathered.len() > gathered;
        // Else one edge of each false path: the source's or the pin's with the fewest companions.
        let still = if gathered { 0 } else { 3 };
        for (from, to, _) in report.false_paths.iter().take(still) {
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

    /// Columns and rows that this step needs at least, in cells; cheap beside a layout.
    fn least(&self, base: &Base) -> (i32, i32) {
        let Base { column, wiring, .. } = base;
        let (field, rows, height) = rows::least(&self.input(base, &Repair::default()));
        let channels = channels::least(wiring, column);
        let squeeze = *self.squeezes().last().expect("every step can be squeezed");
        let layout = Layout {
            plan: &self.plan,
            column,
            wiring,
            field: &field,
            rows: &rows,
            channels: &channels,
            look: self.step.look(),
            titles: names::shorten(&self.names(), squeeze.names),
            squeeze,
            extents: &Extents::new(&self.plan, column, wiring, self.step.look()),
            known: None,
        };
        (geometry::width(&layout), height)
    }

    /// How narrow to draw, widest first. Names are shortened first, then those of frames, then the room for arrows goes.
    fn squeezes(&self) -> Vec<Squeeze> {
        let squeeze = |names, frames, margin| Squeeze {
            names,
            frames,
            margin,
        };
        let wide = if self.step.look().narrow() { 3 } else { 4 };
        let least = self.titles.last().copied().unwrap_or_default();
        if self.known.is_some() {
            // Remembered widths leave the room there was.
            return vec![squeeze(least, 0, 3)];
        }
        let mut squeezes: Vec<Squeeze> = Vec::new();
        for &names in &self.titles {
            squeezes.push(squeeze(names, names, wide));
            if names <= SHORT_NAMES {
                squeezes.push(squeeze(names, 0, wide));
                if wide > 3 {
                    squeezes.push(squeeze(names, 0, 3));
                }
            }
        }
        squeezes
    }

    fn input<'b>(&'b self, base: &'b Base, repair: &Repair) -> rows::Input<'b> {
        let look = self.step.look();
        rows::Input {
            plan: &self.plan,
            column: &base.column,
            wiring: &base.wiring,
            bands: &base.bands,
            known: self.known,
            cards: look.cards,
            gap: look.gap,
            loose: repair.loose,
        }
    }

    fn base(&self, repair: &Repair) -> Base {
        let (plan, known) = (&self.plan, self.known);
        let column = columns::assign(plan, known.map(|k| &k.columns));
        let labels = self.step.look().labels;
        let wiring = trunks::bundle(self.graph, plan, &column, labels, repair);
        let bands = bands::assign(plan, &column, known.map(|k| k.bands.as_slice()));
        Base {
            column,
            wiring,
            bands,
        }
    }

    /// Rows and tracks.
    fn arrange(&self, base: Base, repair: &Repair) -> Arrangement {
        let Base { column, wiring, .. } = &base;
        let count = column.iter().max().map_or(0, |c| c + 1);
        let mut best: Option<(i64, Rows, Vec<Channel>)> = None;
        // The first rows on which no wire can be taken for another are good enough.
        let field = rows::find(&self.input(&base, repair), &mut |field, mut rows| {
            let channels = channels::route(wiring, column, field, &mut rows, count);
            let confusion = channels.iter().map(|c| c.confusion).sum();
            if best.as_ref().is_none_or(|known| confusion < known.0) {
                best = Some((confusion, rows, channels));
            }
            confusion == 0
        });
        let (_, rows, channels) = best.expect("there is always a first start");
        let extents = Extents::new(&self.plan, column, wiring, self.step.look());
        Arrangement {
            base,
            field,
            rows,
            channels,
            extents,
        }
    }

    /// Names of all places with their namespaces.
    fn names(&self) -> Vec<(&str, Option<&str>)> {
        self.plan
            .places
            .iter()
            .map(|p| &self.graph.nodes[p.node])
            .map(|n| (n.name.as_str(), n.namespace.as_deref()))
            .collect()
    }

    /// The first title length that fits the pane's width, and the cells it leads to.
    fn measure<'b>(&'b self, arranged: &'b Arrangement) -> ((usize, Layout<'b>), Geometry) {
        let names = self.names();
        let mut drawn = None;
        for squeeze in self.squeezes() {
            let layout = Layout {
                plan: &self.plan,
                column: &arranged.base.column,
                wiring: &arranged.base.wiring,
                field: &arranged.field,
                rows: &arranged.rows,
                channels: &arranged.channels,
                look: self.step.look(),
                titles: names::shorten(&names, squeeze.names),
                squeeze,
                extents: &arranged.extents,
                known: self.known,
            };
            let width = geometry::width(&layout);
            drawn = Some((squeeze.names, layout));
            if width <= i32::from(self.options.width) {
                break;
            }
        }
        let drawn = drawn.expect("every step has a list of title lengths");
        let geometry = geometry::measure(&drawn.1);
        (drawn, geometry)
    }

    /// The picture. Beside it stand the edges whose state cannot be read.
    fn draw(&self, arranged: &Arrangement, repair: &Repair) -> (Scene, Vec<usize>) {
        let ((title, layout), geometry) = self.measure(arranged);
        let (mut scene, unreadable) = draw::draw(self.graph, &layout, &geometry, self.step);
        let mut settled = remember(&layout, &arranged.base.bands, geometry, self.step);
        if let Some(known) = self.known {
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
        lifted: geometry.lifted,
        repair: Repair::default(),
    }
}
