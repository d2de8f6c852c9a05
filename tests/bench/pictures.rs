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

use netseg::graph::{Graph, Ink, Options, Scene, Step, drawn, layout};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use clock::{Clock, Times};
use table::{Bound, Row};

/// Something that is done over and over, and how long it may take in milliseconds.
struct Measure {
    name: &'static str,
    at_most: f64,
    run: Box<dyn Fn()>,
}

fn measure<T>(name: &'static str, at_most: f64, run: impl Fn() -> T + 'static) -> Measure {
    Measure {
        name,
        at_most,
        run: Box::new(move || {
            black_box(run());
        }),
    }
}

fn at(width: u16, height: u16, step: Option<Step>) -> Options {
    let mut options = Options::new(width, height);
    options.step = step;
    options
}

fn fresh(name: &'static str, at_most: f64, graph: &Graph, options: Options) -> Measure {
    let graph = graph.clone();
    measure(name, at_most, move || layout(&graph, &options, None))
}

/// Laying out `after` from the memory of `before`.
fn sticky(name: &'static str, before: &Graph, after: &Graph, options: Options) -> Measure {
    let first = layout(before, &options, None);
    let after = after.clone();
    measure(name, 1.0, move || {
        layout(&after, &options, Some(first.sticky()))
    })
}

fn measures() -> Vec<Measure> {
    let small = graphs::services(40, 120);
    let large = graphs::services(400, 1_200);
    let (more, odd) = (
        graphs::with_one_more(&small),
        graphs::with_an_anomaly(&small),
    );
    let mut all = vec![
        fresh("40 nodes, 200x50", 10.0, &small, at(200, 50, None)),
        fresh("40 nodes, 120x40", 10.0, &small, at(120, 40, None)),
        fresh("40 nodes, 80x24", 10.0, &small, at(80, 24, None)),
    ];
    for (name, step) in [
        ("40 nodes, cards", Step::Card),
        ("40 nodes, tight cards", Step::CardTight),
        ("40 nodes, chips", Step::Chip),
        ("40 nodes, minis", Step::Mini),
    ] {
        all.push(fresh(name, 10.0, &small, at(200, 50, Some(step))));
    }
    all.push(fresh(
        "400 nodes, 200x50",
        150.0,
        &large,
        at(200, 50, None),
    ));
    all.push(fresh(
        "400 nodes, cards",
        150.0,
        &large,
        at(200, 50, Some(Step::Card)),
    ));
    for (name, after) in [
        ("40 nodes, unchanged", &small),
        ("40 nodes, one more", &more),
        ("40 nodes, an anomaly", &odd),
    ] {
        all.push(sticky(name, &small, after, at(200, 50, None)));
    }
    for (name, after) in [
        ("40 nodes as cards, one more", &more),
        ("40 nodes as cards, an anomaly", &odd),
    ] {
        all.push(sticky(name, &small, after, at(200, 50, Some(Step::Card))));
    }
    let scene = layout(&small, &at(200, 50, None), None);
    let (text, shown) = (scene.clone(), scene);
    all.push(measure("all cells as text", 1.0, move || text.text(false)));
    all.push(measure("a frame of 200x50", 1.0, move || frame(&shown)));
    for (name, links) in [
        ("overview of 1,000 namespaces, none linked", 0),
        ("overview of 1,000 namespaces, 100 links", 100),
        ("overview of 1,000 namespaces, 2,000 links", 2_000),
    ] {
        let graph = graphs::namespaces(1_000, links);
        all.push(measure(name, 50.0, move || overview(&graph)));
    }
    all
}

/// Folds a cluster and lays out what is left.
fn overview(graph: &Graph) -> Scene {
    layout(
        &drawn::for_map(graph.clone()),
        &Options::new(200, 50),
        None,
    )
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
            (0..times).for_each(|_| (measure.run)());
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
        // The first time tells how many make a round of a millisecond.
        let once = clock.nanos(&measure.run).0.max(1.0);
        let mut many = 1;
        while once * clock::as_f64(many) < 1e6 {
            many *= 2;
        }
        let times = clock
            .rounds(|| (0..many).for_each(|_| (measure.run)()))
            .each(many);
        good &= print(&clock, measure, &times);
    }
    table::note(&format!("\nmemcpy {:.1} GB/s on one thread", clock.memcpy()));
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The shortest round is held against the target: the work is the same each time, and others use the machine too.
fn print(clock: &Clock, measure: &Measure, times: &Times) -> bool {
    let copied = times.min() * clock.memcpy() / f64::from(1 << 20);
    let row = Row::time(measure.name, times)
        .against(times.min() / 1e6, "ms", Bound::AtMost(measure.at_most), Bound::AtMost(measure.at_most))
        .beside(format!("{copied:.1} MiB"));
    table::print(&row)
}
