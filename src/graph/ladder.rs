//! The detail ladder, and the repairs that keep a picture true.

use super::bands::{self, Band};
use super::channels;
use super::columns;
use super::draw;
use super::geometry::{self, Geometry, Layout};
use super::plan::{Plan, Role};
use super::rows;
use super::scene::Scene;
use super::sticky::{Repair, Settled, Sticky};
use super::trunks;
use super::truth;
use super::{Graph, Options, Step, names};

/// Longest names tried in turn, by step.
const CARD_TITLES: [usize; 3] = [24, 20, 17];
const CHIP_TITLES: [usize; 6] = [24, 20, 17, 15, 13, 12];
const MINI_TITLES: [usize; 9] = [24, 20, 17, 15, 13, 12, 11, 10, 9];

/// Repairs before every edge gets a wire of its own.
const REPAIRS: usize = 24;

pub(super) fn layout(graph: &Graph, options: &Options, sticky: Option<&Sticky>) -> Scene {
    let same_pane = |s: &&Sticky| {
        (s.width, s.height, s.pinned) == (options.width, options.height, options.step)
    };
    let mut scene = match sticky.filter(same_pane).and_then(|s| s.settled.as_ref()) {
        Some(settled) => attempt(
            graph,
            options,
            settled.step,
            &[settled.title],
            Some(settled),
        ),
        None => fresh(graph, options),
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
fn fresh(graph: &Graph, options: &Options) -> Scene {
    if let Some(step) = options.step {
        return attempt(graph, options, step, titles(step), None);
    }
    let mut fallback = None;
    for step in Step::ALL {
        let scene = attempt(graph, options, step, titles(step), None);
        if fits(&scene, options) {
            return scene;
        }
        if step == Step::Chip {
            fallback = Some(scene);
        }
    }
    fallback.unwrap_or_else(|| attempt(graph, options, Step::Chip, titles(Step::Chip), None))
}

fn titles(step: Step) -> &'static [usize] {
    match step {
        Step::Card | Step::CardDense | Step::CardTight => &CARD_TITLES,
        Step::Chip | Step::ChipTight => &CHIP_TITLES,
        Step::Mini => &MINI_TITLES,
    }
}

/// Lays out one step, repairing until a reader of the picture sees the edges and nothing else.
fn attempt(
    graph: &Graph,
    options: &Options,
    step: Step,
    titles: &[usize],
    known: Option<&Settled>,
) -> Scene {
    let look = step.look();
    let plan = Plan::new(graph, options, look.inline);
    let mut repair = known.map(|k| k.repair.clone()).unwrap_or_default();
    let mut round = 0;
    loop {
        let (mut scene, unreadable) = once(graph, options, &plan, step, titles, known, &repair);
        let report = truth::check(&scene);
        let done = report.is_clean() && unreadable.is_empty();
        round += 1;
        if done || !escalate(&mut repair, &plan, graph, &report, &unreadable, round) {
            if let Some(settled) = &mut scene.sticky.settled {
                settled.repair = repair;
            }
            return scene;
        }
    }
}

/// Gives up some beauty for truth; false when nothing is left to give.
fn escalate(
    repair: &mut Repair,
    plan: &Plan,
    graph: &Graph,
    report: &truth::Report,
    unreadable: &[usize],
    round: usize,
) -> bool {
    let pair = |edge: usize| {
        plan.flows
            .iter()
            .filter(move |f| f.edge == edge)
            .map(|f| (plan.places[f.from].id.clone(), plan.places[f.to].id.clone()))
    };
    let before = repair.clone();
    if round > REPAIRS {
        repair.loose = true;
        repair.alone.extend((0..graph.edges.len()).flat_map(pair));
        return *repair != before;
    }
    if round == REPAIRS * 2 / 3 {
        repair.loose = true;
    }
    for &edge in unreadable.iter().chain(&report.missing) {
        repair.alone.extend(pair(edge));
    }
    // One edge of each false path: the source's or the pin's with the fewest companions.
    for (from, to, _) in report.false_paths.iter().take(3) {
        let mut candidates: Vec<(usize, (String, String))> = plan
            .flows
            .iter()
            .map(|f| {
                (
                    plan.places[f.from].id.as_str(),
                    plan.places[f.to].id.as_str(),
                )
            })
            .filter(|(a, b)| a == from || b == to)
            .map(|(a, b)| {
                let companions = plan
                    .flows
                    .iter()
                    .filter(|f| plan.places[f.from].id == a || plan.places[f.to].id == b)
                    .count();
                (companions, (a.to_owned(), b.to_owned()))
            })
            .filter(|(_, pair)| !repair.alone.contains(pair))
            .collect();
        candidates.sort();
        repair
            .alone
            .extend(candidates.into_iter().next().map(|c| c.1));
    }
    if *repair == before {
        if repair.loose {
            repair.alone.extend((0..graph.edges.len()).flat_map(pair));
        }
        repair.loose = true;
    }
    *repair != before
}

/// One pass over all stages; the first title length that fits the pane's width is taken.
fn once(
    graph: &Graph,
    options: &Options,
    plan: &Plan,
    step: Step,
    titles: &[usize],
    known: Option<&Settled>,
    repair: &Repair,
) -> (Scene, Vec<usize>) {
    let look = step.look();
    let column = columns::assign(plan, known.map(|k| &k.columns));
    let wiring = trunks::bundle(graph, plan, &column, look.labels, repair);
    let bands = bands::assign(plan, &column, known.map(|k| k.bands.as_slice()));
    let (field, mut rows) = rows::find(&rows::Input {
        plan,
        column: &column,
        wiring: &wiring,
        bands: &bands,
        known,
        cards: look.cards,
        gap: look.gap,
        loose: repair.loose,
    });
    let count = column.iter().max().map_or(0, |c| c + 1);
    let channels = channels::route(&wiring, &column, &field, &mut rows, count);
    let names: Vec<(&str, Option<&str>)> = plan
        .places
        .iter()
        .map(|p| &graph.nodes[p.node])
        .map(|n| (n.name.as_str(), n.namespace.as_deref()))
        .collect();

    let mut drawn = None;
    for &limit in titles {
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
        let fits = geometry.width <= i32::from(options.width);
        drawn = Some((limit, layout, geometry));
        if fits {
            break;
        }
    }
    let (title, layout, geometry) = drawn.expect("every step has a list of title lengths");
    let (mut scene, unreadable) = draw::draw(graph, &layout, &geometry, step);
    let mut settled = remember(&layout, &bands, geometry, step);
    settled.title = title;
    settled.repair = repair.clone();
    scene.sticky = Sticky {
        width: options.width,
        height: options.height,
        pinned: options.step,
        settled: Some(settled),
    };
    (scene, unreadable)
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
