//! What a picture costs: laying out afresh, following an edit, writing the cells, and the overview of a large cluster.
//!
//! `cargo bench --bench pictures` prints a table. Times are CPU times, beside them how many MiB could have been copied meanwhile.
//! A name after `--` takes only the measures that contain it; `count NAME TIMES` runs one measure so often, for a profiler.

#[allow(
    dead_code,
    reason = "shared with other programs, which use other parts"
)]
mod clock;
mod graphs;
#[allow(
    dead_code,
    reason = "shared with other programs, which use other parts"
)]
mod table;

use std::hint::black_box;
use std::process::ExitCode;

use netseg::graph::view::{self, Show};
use netseg::graph::{Graph, Ink, Options, Scene, Step, layout};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use clock::{Clock, Times};
use table::{Bound, Row};

/// Something that is done over and over, and how long it may take in milliseconds.
struct Measure {
    name: &'static str,
    at_most: f64,
    prepare: Box<dyn Fn() -> Run>,
}

type Run = Box<dyn Fn()>;

/// What is prepared once and then done over and over.
fn measure<G: 'static, T>(
    name: &'static str,
    at_most: f64,
    prepare: impl Fn() -> G + 'static,
    run: impl Fn(&G) -> T + Clone + 'static,
) -> Measure {
    Measure {
        name,
        at_most,
        prepare: Box::new(move || {
            let (given, run) = (prepare(), run.clone());
            Box::new(move || {
                black_box(run(&given));
            })
        }),
    }
}

fn at(width: u16, height: u16, step: Option<Step>) -> Options {
    let mut options = Options::new(width, height);
    options.step = step;
    options
}

fn fresh(name: &'static str, at_most: f64, graph: fn() -> Graph, options: Options) -> Measure {
    measure(name, at_most, graph, move |graph| {
        layout(graph, &options, None)
    })
}

/// Laying out what an edit made of a graph from the memory of the graph.
fn sticky(name: &'static str, edit: fn(&Graph) -> Graph, options: Options) -> Measure {
    let prepared = options.clone();
    measure(
        name,
        1.0,
        move || {
            let before = small();
            (edit(&before), layout(&before, &prepared, None))
        },
        move |(after, scene)| layout(after, &options, Some(scene.sticky())),
    )
}

fn small() -> Graph {
    graphs::services(40, 120)
}

fn large() -> Graph {
    graphs::services(400, 1_200)
}

fn measures() -> Vec<Measure> {
    let (pane, card) = (at(200, 50, None), at(200, 50, Some(Step::Card)));
    let mut all = vec![
        fresh("40 nodes, 200x50", 10.0, small, pane.clone()),
        fresh("40 nodes, 120x40", 10.0, small, at(120, 40, None)),
        fresh("40 nodes, 80x24", 10.0, small, at(80, 24, None)),
        fresh("400 nodes, 200x50", 150.0, large, pane.clone()),
        fresh("400 nodes as cards", 150.0, large, card.clone()),
    ];
    for (name, step) in [
        ("40 nodes as cards", Step::Card),
        ("40 nodes as tight cards", Step::CardTight),
        ("40 nodes as chips", Step::Chip),
        ("40 nodes as minis", Step::Mini),
    ] {
        all.push(fresh(name, 10.0, small, at(200, 50, Some(step))));
    }
    for (name, edit) in [
        ("unchanged", Graph::clone as fn(&Graph) -> Graph),
        ("one node more", graphs::with_one_more),
        ("an anomaly more", graphs::with_an_anomaly),
    ] {
        all.push(sticky(name, edit, pane.clone()));
    }
    all.push(sticky("one card more", graphs::with_one_more, card.clone()));
    all.push(sticky(
        "an anomaly more, cards",
        graphs::with_an_anomaly,
        card,
    ));
    let scene = move || layout(&small(), &pane, None);
    all.push(measure("all cells as text", 1.0, scene.clone(), |scene| {
        scene.text(false)
    }));
    all.push(measure("a frame of 200x50", 1.0, scene, frame));
    for (name, links) in [
        ("overview of 1,000 namespaces, none linked", 0),
        ("overview of 1,000 namespaces, 100 links", 100),
        ("overview of 1,000 namespaces, 2,000 links", 2_000),
    ] {
        let graph = move || graphs::namespaces(1_000, links);
        all.push(measure(name, 50.0, graph, overview));
    }
    all
}

/// Folds a cluster and lays out what is left.
fn overview(graph: &Graph) -> Scene {
    view::picture(graph, None, &Show::default(), &Options::new(200, 50), None).scene
}

/// The part of a picture that a screen shows, styled by meaning.
fn frame(scene: &Scene) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 50));
    for y in 0..50u16 {
        for x in 0..200u16 {
            let Some(cell) = scene.cell(i32::from(x), i32::from(y)) else {
                continue;
            };
            let color = match cell.ink {
                Ink::Wire | Ink::Port => Color::Cyan,
                Ink::Frame | Ink::FrameTitle => Color::DarkGray,
                _ => Color::Reset,
            };
            buffer[(x, y)]
                .set_char(cell.glyph)
                .set_style(Style::new().fg(color));
        }
    }
    buffer
}

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let mut all = measures();
    if let [command, name, times] = asked.as_slice()
        && command == "count"
    {
        let times: usize = times.parse().unwrap_or(1);
        for measure in all.iter().filter(|measure| measure.name == name) {
            let run = (measure.prepare)();
            (0..times).for_each(|_| run());
        }
        return ExitCode::SUCCESS;
    }
    if let Some(part) = asked.first() {
        all.retain(|measure| measure.name.contains(part.as_str()));
    }
    let mut clock = Clock::new();
    let mut good = true;
    table::heading("Pictures");
    for measure in &all {
        let run = (measure.prepare)();
        // The first time tells how many make a round of a millisecond.
        let once = clock.nanos(&run).0.max(1.0);
        let mut many = 1;
        while once * clock::as_f64(many) < 1e6 {
            many *= 2;
        }
        let times = clock.rounds(|| (0..many).for_each(|_| run())).each(many);
        good &= print(&clock, measure, &times);
    }
    table::note(&format!(
        "\nmemcpy {:.1} GB/s on one thread",
        clock.memcpy()
    ));
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The shortest round is held against the target: the work is the same each time, and others use the machine too.
fn print(clock: &Clock, measure: &Measure, times: &Times) -> bool {
    let copied = times.min() * clock.memcpy() / f64::from(1 << 20);
    let mut row = Row::time(measure.name, times).against(
        times.min() / 1e6,
        "ms",
        Bound::AtMost(measure.at_most),
        Bound::AtMost(measure.at_most),
    );
    // How much could be copied meanwhile: the yardstick of the engine's benchmarks.
    row.value = format!("{} = {copied:.1} MiB", row.value);
    table::print(&row)
}
