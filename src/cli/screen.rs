//! The screen, on whichever source was named.

use std::io::IsTerminal as _;
use std::sync::Arc;

use tokio::sync::watch;

use crate::expect::Expectations;
use crate::source::{Link, Snapshot, demo, live, manifests};
use crate::text::tame;
use crate::tui;
use crate::tui::ground::Judge;
use crate::tui::view::{Place, Settings};

use super::args::{Args, Color, SourceArgs};
use super::out::Out;
use super::{Failure, OK, load};

/// A running source: the snapshots, what to call it, and what keeps it alive.
struct Feed {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    title: String,
    place: Place,
    _fixed: Option<watch::Sender<Arc<Snapshot>>>,
    live: Option<Arc<live::LiveHandle>>,
}

pub(crate) fn run(args: &Args, out: &mut Out) -> Result<u8, Failure> {
    let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    if dumb || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Failure::new("the screen needs a terminal").hint(
            "without one use a command: probe FROM TO [PORT], flows, table, drift, graph; netseg-tui --help lists them"
                .to_owned(),
        ));
    }
    // What cannot be judged by is told before the screen opens.
    let expectations = load::expectations(&args.source)?;
    let environment = load::environment(&args.source, expectations.as_ref())?;
    let runtime = load::runtime()?;
    let shown = runtime.block_on(async {
        let feed = feed(&args.source).await?;
        let options = options(args, &feed, expectations, environment);
        let shown = tui::show(options).await;
        drop(feed);
        shown.map_err(|error| Failure::from_error(&error))
    });
    runtime.shutdown_background();
    if let Some(answer) = shown? {
        out.data(&answer);
    }
    Ok(OK)
}

fn options(
    args: &Args,
    feed: &Feed,
    expectations: Option<Expectations>,
    environment: Option<String>,
) -> tui::Options {
    let mut namespaces = args.source.namespace.clone();
    namespaces.sort();
    namespaces.dedup();
    tui::Options {
        snapshots: feed.snapshots.clone(),
        judge: Judge {
            offline: load::is_offline(&args.source),
            profile: args.source.profile,
            expectations,
            today: load::today(),
        },
        settings: Settings {
            environment,
            namespaces,
            workload: None,
        },
        color: color(args.color),
        ascii: args.ascii || !speaks_utf8(),
        mouse: !args.no_mouse,
        title: feed.title.clone(),
        place: feed.place.clone(),
        reconnect: feed
            .live
            .clone()
            .map(|handle| Arc::new(move || handle.reconnect()) as Arc<dyn Fn() + Send + Sync>),
    }
}

fn color(asked: Color) -> bool {
    match asked {
        Color::Always => true,
        Color::Never => false,
        // https://no-color.org: any value but the empty one.
        Color::Auto => std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

/// Whether the locale is one in which the terminal can show more than ASCII. A machine that does not say is taken to.
fn speaks_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty());
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

async fn feed(source: &SourceArgs) -> Result<Feed, Failure> {
    if let Some(name) = &source.demo {
        let title = format!("demo {}", tame(name));
        if source.play {
            let snapshots = demo::play(name).ok_or_else(|| load::unknown_demo(name))?;
            return Ok(Feed {
                snapshots,
                place: Place::default(),
                title,
                _fixed: None,
                live: None,
            });
        }
        let loaded = demo::load(name).ok_or_else(|| load::unknown_demo(name))?;
        return Ok(fixed(loaded.cluster, loaded.diagnostics, title));
    }
    if !source.file.is_empty() {
        let (cluster, diagnostics) = manifests::load(&source.file)
            .map_err(|error| Failure::from_error(&error).hint(error.hint()))?;
        let names: Vec<String> = source
            .file
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        return Ok(fixed(
            cluster,
            diagnostics,
            tame(&names.join(", ")).into_owned(),
        ));
    }
    let handle = live::start(load::live_options(source))
        .await
        .map_err(|error| Failure::from_error(&error).hint(error.hint()))?;
    Ok(Feed {
        snapshots: handle.snapshots.clone(),
        title: handle.label.clone(),
        place: Place {
            words: format!("context {}, server {}", handle.label, handle.server),
            kubectl: kubectl(source, &handle.label),
        },
        _fixed: None,
        live: Some(Arc::new(handle)),
    })
}

/// How kubectl is told to ask the same server.
fn kubectl(source: &SourceArgs, context: &str) -> String {
    let file = source.kubeconfig.as_ref().map_or_else(String::new, |file| {
        format!(
            " --kubeconfig {}",
            quoted(&tame(&file.display().to_string()))
        )
    });
    format!("kubectl{file} --context {}", quoted(context))
}

/// A word for the shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn fixed(
    cluster: crate::model::Cluster,
    diagnostics: Vec<crate::model::Diagnostic>,
    title: String,
) -> Feed {
    let snapshot = Snapshot {
        revision: 1,
        cluster: Arc::new(cluster),
        diagnostics: Arc::new(diagnostics),
        origin: title.as_str().into(),
        link: Link::Fixed,
    };
    let (sender, snapshots) = watch::channel(Arc::new(snapshot));
    Feed {
        snapshots,
        place: Place::default(),
        title,
        _fixed: Some(sender),
        live: None,
    }
}
