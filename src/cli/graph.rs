//! `graph`

use std::collections::BTreeSet;

use crate::graph::view::{self, Picture, Show};
use crate::graph::{self, Class, Graph, Options, State, Step, drawn};
use crate::questions::connections::connections;
use crate::report;
use crate::report::svg::Heading;

use super::args::{Args, GraphArgs, GraphFormat};
use super::load::Loaded;
use super::out::{self, Out};
use super::{Failure, OK, load};

/// As wide as this when neither `COLUMNS` nor a terminal says otherwise.
const WIDTH: u16 = 120;

/// Narrower panes are drawn as if they had so many columns: not even a name has room in them.
const LEAST_WIDTH: u16 = 40;

/// Text can be scrolled: the picture is as tall as it needs.
const HEIGHT: u16 = 500;

/// A drawing may be as large as it likes.
const BOUNDLESS: u16 = 10_000;

/// Mermaid draws no more unless its `maxEdges` says so.
const MERMAID_EDGES: usize = 500;

pub(crate) fn run(args: &Args, asked: &GraphArgs, out: &mut Out) -> Result<u8, Failure> {
    check(asked)?;
    let loaded = load::load(args)?;
    let found = connections(&loaded.engine, loaded.plan.as_ref(), &loaded.scope);
    let graph = drawn::from_connections(&found, &loaded.scope);
    let remarks = drawn::remarks(&loaded.engine, &found, &loaded.scope);
    let chosen: BTreeSet<Class> = asked.classes.iter().map(|class| class.class()).collect();
    out.data(&match asked.output {
        GraphFormat::Text => text(&graph, &chosen, &remarks, args.ascii),
        GraphFormat::Svg => {
            let heading = Heading {
                title: asked
                    .title
                    .clone()
                    .unwrap_or_else(|| loaded.origin.clone()),
                subtitle: subtitle(&loaded, args),
                remarks,
            };
            svg(&graph, &chosen, heading)
        }
        GraphFormat::Dot => report::graph::dot(&of_classes(graph, &chosen), asked.title.as_deref()),
        GraphFormat::Mermaid => {
            let graph = of_classes(graph, &chosen);
            if graph.edges().len() > MERMAID_EDGES {
                out::note(&format!(
                    "note: {} connections: Mermaid draws {MERMAID_EDGES} unless `maxEdges` is raised where it runs\n",
                    graph.edges().len()
                ));
            }
            report::graph::mermaid(&graph, asked.title.as_deref())
        }
        GraphFormat::Json => report::graph::json(&graph, &found, loaded.context()),
    });
    Ok(OK)
}

/// Refuses what would have no effect.
fn check(asked: &GraphArgs) -> Result<(), Failure> {
    if asked.output == GraphFormat::Json && !asked.classes.is_empty() {
        return Err(
            Failure::new("`--classes` chooses what is drawn, and JSON holds everything")
                .hint("ask for -o text, svg, dot or mermaid".to_owned()),
        );
    }
    if matches!(asked.output, GraphFormat::Text | GraphFormat::Json) && asked.title.is_some() {
        return Err(Failure::new("`--title` has no place in this output")
            .hint("ask for -o svg, dot or mermaid".to_owned()));
    }
    Ok(())
}

/// The graph without the plain edges of the classes that were not chosen; whole when nothing was.
fn of_classes(graph: Graph, chosen: &BTreeSet<Class>) -> Graph {
    if chosen.is_empty() {
        return graph;
    }
    let edges = graph.edges().iter();
    let kept = edges.filter(|edge| chosen.contains(&edge.class) || edge.state != State::Plain);
    Graph::new(graph.nodes().to_vec(), kept.cloned().collect())
}

fn options(width: u16, height: u16, chosen: &BTreeSet<Class>, step: Option<Step>) -> Options {
    let mut options = Options {
        step,
        ..Options::new(width, height)
    };
    if !chosen.is_empty() {
        options.classes.clone_from(chosen);
    }
    options
}

fn lay_out(graph: &Graph, options: &Options) -> Picture {
    view::picture(graph, None, &Show::default(), options, None)
}

/// Said instead of a picture that nobody could read.
fn too_many(graph: &Graph, picture: &Picture) -> Option<String> {
    (picture.graph.nodes().is_empty() && !graph.nodes().is_empty()).then(|| {
        format!(
            "{} workloads and {} connections are too many for a map: narrow it with -n, or ask for matrix, -o dot or -o json",
            graph.nodes().len(),
            graph.edges().len()
        )
    })
}

fn text(graph: &Graph, chosen: &BTreeSet<Class>, remarks: &[String], ascii: bool) -> String {
    let typed = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok())
        .filter(|columns: &u16| *columns > 0);
    // Asked of the terminal itself: what `tput` believes without one is no width.
    let terminal = || {
        crossterm::terminal::window_size()
            .ok()
            .map(|size| size.columns)
    };
    let width = typed
        .or_else(|| terminal().filter(|columns| *columns > 0))
        .unwrap_or(WIDTH);
    let pane = width.max(LEAST_WIDTH);
    let mut picture = lay_out(graph, &options(pane, HEIGHT, chosen, None));
    if !picture.scene.fits() {
        // Nothing fits. The narrowest comes nearest to what was asked for.
        picture = lay_out(graph, &options(pane, HEIGHT, chosen, Some(Step::Mini)));
    }
    let mut text = if let Some(sentence) = too_many(graph, &picture) {
        format!("{sentence}\n")
    } else {
        drawing(&picture.scene, ascii)
    };
    let needed = picture.scene.width();
    if needed > i32::from(width) {
        let says = if typed.is_some() {
            format!("COLUMNS says {width}")
        } else {
            format!("there are {width}")
        };
        let hint = "COLUMNS=n asks for another width, -n NS for less to draw";
        out::note(&format!(
            "note: the picture needs {needed} columns, {says}: {hint}\n"
        ));
    }
    for remark in remarks {
        text += &format!("\n{remark}\n");
    }
    text
}

fn drawing(scene: &graph::Scene, ascii: bool) -> String {
    let mut text = scene.text(ascii);
    let legend: Vec<String> = scene
        .legend()
        .iter()
        .map(|(_, sign, word)| {
            let plain = |glyph| if ascii { graph::to_ascii(glyph) } else { glyph };
            let sign: String = sign.chars().map(plain).collect();
            format!("{sign} {word}")
        })
        .collect();
    if !legend.is_empty() {
        text += &format!("\n{}\n", legend.join("   "));
    }
    text
}

fn svg(graph: &Graph, chosen: &BTreeSet<Class>, mut heading: Heading) -> String {
    // The most detailed form that is not a tower: slides and pages are wider than they are high.
    let steps = [Step::Card, Step::CardDense, Step::Chip].into_iter();
    let mut pictures =
        steps.map(|step| lay_out(graph, &options(BOUNDLESS, BOUNDLESS, chosen, Some(step))));
    let mut picture = pictures.next().expect("there are three steps");
    while report::svg::is_tall(&picture.scene)
        && let Some(next) = pictures.next()
    {
        picture = next;
    }
    heading.remarks.extend(too_many(graph, &picture));
    report::svg::write(&picture.graph, &picture.scene, &heading)
}

/// Of which namespaces, and by what it is judged.
fn subtitle(loaded: &Loaded, args: &Args) -> String {
    let namespaces = match args.source.namespace.as_slice() {
        [] => "all namespaces".to_owned(),
        [one] => format!("namespace {one}"),
        some => format!("namespaces {}", some.join(", ")),
    };
    match &loaded.plan {
        Some(plan) => format!("{namespaces} · as {} expects", plan.environment()),
        None => namespaces,
    }
}
