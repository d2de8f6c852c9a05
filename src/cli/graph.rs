//! `graph`

use crate::graph::view::{self, Show};
use crate::graph::{self, drawn};
use crate::questions::connections::connections;
use crate::report;

use super::args::{Args, GraphArgs, GraphFormat};
use super::out::Out;
use super::{Failure, OK, load};

/// As wide as this when neither `COLUMNS` nor a terminal says otherwise.
const WIDTH: u16 = 120;

/// Text can be scrolled: the picture is as tall as it needs.
const HEIGHT: u16 = 500;

pub(crate) fn run(args: &Args, asked: &GraphArgs, out: &mut Out) -> Result<u8, Failure> {
    let loaded = load::load(args)?;
    let found = connections(&loaded.engine, loaded.plan.as_ref(), &loaded.scope);
    let graph = drawn::from_connections(&found, &loaded.scope);
    out.data(&match asked.output {
        GraphFormat::Text => {
            let mut text = picture(&graph, args.ascii);
            for remark in drawn::remarks(&loaded.engine, &found, &loaded.scope) {
                text += &format!("\n{remark}\n");
            }
            text
        }
        GraphFormat::Dot => report::graph::dot(&graph),
        GraphFormat::Mermaid => report::graph::mermaid(&graph),
        GraphFormat::Json => report::graph::json(&graph, &found, loaded.context()),
    });
    Ok(OK)
}

fn picture(graph: &graph::Graph, ascii: bool) -> String {
    let typed = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok())
        .filter(|columns: &u16| *columns > 0);
    let width = typed
        .or_else(|| crossterm::terminal::size().ok().map(|(columns, _)| columns))
        .unwrap_or(WIDTH);
    let options = graph::Options::new(width.max(40), HEIGHT);
    let view::Picture {
        graph: shown,
        scene,
        ..
    } = view::picture(graph, None, &Show::default(), &options, None);
    if shown.nodes().is_empty() && !graph.nodes().is_empty() {
        return format!(
            "{} workloads and {} connections are too many for a map: narrow it with -n, or ask for matrix, -o dot or -o json\n",
            graph.nodes().len(),
            graph.edges().len()
        );
    }
    let mut text = scene.text(ascii);
    let legend: Vec<String> = scene
        .legend()
        .iter()
        .map(|(_, sign, word)| format!("{sign} {word}"))
        .collect();
    if !legend.is_empty() {
        text += &format!("\n{}\n", legend.join("   "));
    }
    text
}
