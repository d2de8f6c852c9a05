//! From arguments to a cluster that can be asked: source, enforcer, profile, expectations.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::compile::ProfileName;
use crate::compile::enforcer::{self, Enforcer};
use crate::engine::Engine;
use crate::expect::{self, Expectations, Plan};
use crate::model::{Cluster, Diagnostic, Resource, Severity};
use crate::questions::ends::{self, End};
use crate::questions::scope::Scope;
use crate::report::json::Context;
use crate::report::text;
use crate::source::{demo, live, manifests};

use super::args::{Args, Command, SourceArgs};
use super::out::{self, Out};
use super::{Failure, OK};

/// How long a headless command waits for a live cluster before it answers with what has arrived.
const LIVE_LIMIT: Duration = Duration::from_secs(60);

/// A cluster ready for questions.
pub(crate) struct Loaded {
    /// Where it came from, in words.
    pub(crate) origin: String,
    pub(crate) engine: Engine,
    pub(crate) enforcer: Enforcer,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) scope: Scope,
    /// The environment in force; `None` without expectations.
    pub(crate) plan: Option<Plan>,
}

impl Loaded {
    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            enforcer: &self.enforcer,
            diagnostics: &self.diagnostics,
        }
    }

    pub(crate) fn end(&self, typed: &str) -> Result<End, Failure> {
        ends::resolve(&self.engine, typed)
            .map_err(|error| Failure::new(error.message.clone()).hint(error.hint()))
    }
}

/// Whether a cluster was named, and not only left to be the current context.
pub(crate) fn names_a_source(source: &SourceArgs) -> bool {
    is_offline(source) || source.kubeconfig.is_some() || source.context.is_some()
}

/// Whether the source is something that cannot change and is all there is.
pub(crate) fn is_offline(source: &SourceArgs) -> bool {
    source.demo.is_some() || !source.file.is_empty()
}

pub(crate) fn list_demos(out: &mut Out) -> u8 {
    for name in demo::names() {
        out.data(&format!("{name}\n"));
    }
    OK
}

pub(crate) fn unknown_demo(name: &str) -> Failure {
    Failure::new(format!("there is no demo `{}`", crate::text::tame(name)))
        .hint(format!("demos: {}", demo::names().join(", ")))
}

/// The source in words, the cluster, and what is wrong with it.
fn cluster(source: &SourceArgs) -> Result<(String, Cluster, Vec<Diagnostic>), Failure> {
    if let Some(name) = &source.demo {
        let demo = demo::load(name).ok_or_else(|| unknown_demo(name))?;
        return Ok((format!("demo {name}"), demo.cluster, demo.diagnostics));
    }
    if !source.file.is_empty() {
        let (cluster, diagnostics) = manifests::load(&source.file)
            .map_err(|error| Failure::from_error(&error).hint(error.hint()))?;
        let origin = match source.file.as_slice() {
            [file] if file.as_os_str() != "-" => file.display().to_string(),
            [_] => "manifests".to_owned(),
            files => format!("manifests from {} places", files.len()),
        };
        return Ok((origin, cluster, diagnostics));
    }
    let runtime = runtime()?;
    let options = live_options(source);
    let snapshot = runtime
        .block_on(live::load_once(options, LIVE_LIMIT))
        .map_err(|error| Failure::from_error(&error).hint(error.hint()))?;
    Ok((
        format!("context {}", snapshot.origin),
        Cluster::clone(&snapshot.cluster),
        snapshot.diagnostics.to_vec(),
    ))
}

pub(crate) fn live_options(source: &SourceArgs) -> live::LiveOptions {
    live::LiveOptions {
        kubeconfig: source.kubeconfig.clone(),
        context: source.context.clone(),
        namespaces: source.namespace.clone(),
        ..live::LiveOptions::default()
    }
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start: {error}")))
}

/// Loads the source, tells what is wrong with it on standard error, and compiles it.
pub(crate) fn load_unjudged(args: &Args) -> Result<Loaded, Failure> {
    let source = &args.source;
    if source.demo.as_deref() == Some("list") {
        return Err(
            Failure::new("`--demo list` stands alone").hint("netseg-tui --demo list".to_owned())
        );
    }
    let (origin, cluster, diagnostics) = cluster(source)?;
    for diagnostic in &diagnostics {
        out::note(&text::diagnostic(diagnostic));
    }
    if source.strict && diagnostics.iter().any(|d| d.severity == Severity::Error) {
        let bad = diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .count();
        let told = if bad == 1 {
            "1 object is".to_owned()
        } else {
            format!("{bad} objects are")
        };
        return Err(Failure::new(format!(
            "{told} unreadable or invalid, and --strict is given"
        ))
        .hint(
            "mend what is named above, or go without --strict: what it may change is unknown then"
                .to_owned(),
        ));
    }
    for name in &source.namespace {
        let is_known = cluster.namespaces.contains_key(name);
        // Where Namespaces may not be listed, one that holds nothing readable may exist all the same.
        if !is_known && cluster.coverage.is_readable(Resource::Namespaces, None) {
            let nearest =
                crate::text::nearest(name, cluster.namespaces.keys().map(String::as_str), 3);
            return Err(Failure::new(format!(
                "no namespace `{}` was loaded",
                crate::text::tame(name)
            ))
            .hint(format!("nearest: {}", nearest.join(", "))));
        }
    }
    let enforcer = enforcer::detect(&cluster, is_offline(source));
    let profile = enforcer.switches(profile_of(source, &enforcer));
    let engine = Engine::build(&Arc::new(cluster), profile);
    // The answer to a probe says so itself.
    let says_so = matches!(args.command, Some(Command::Probe(_)));
    let banner = text::banner(&enforcer, engine.policies().len());
    if let Some(banner) = banner.filter(|_| !says_so) {
        out::note(&format!("warning: {banner}\n"));
    }
    Ok(Loaded {
        origin,
        engine,
        enforcer,
        diagnostics,
        scope: Scope::of(source.namespace.iter().cloned()),
        plan: None,
    })
}

/// Loads the source and what is expected of it, bound to the environment in force.
pub(crate) fn load(args: &Args) -> Result<Loaded, Failure> {
    let expectations = expectations(&args.source)?;
    let environment = environment(&args.source, expectations.as_ref())?;
    let mut loaded = load_unjudged(args)?;
    if let (Some(expectations), Some(name)) = (&expectations, environment) {
        loaded.plan = Some(expect::bind(&loaded.engine, expectations, &name, today()));
    }
    Ok(loaded)
}

/// The profile that would be used for a cluster: the one asked for, else the enforcer's.
pub(crate) fn profile_of(source: &SourceArgs, enforcer: &Enforcer) -> ProfileName {
    source.profile.unwrap_or(enforcer.profile)
}

/// Today, where this machine is: exceptions expire by it.
pub(crate) fn today() -> jiff::civil::Date {
    jiff::Zoned::now().date()
}

/// What is expected: the files named, else what a demo carries.
pub(crate) fn expectations(source: &SourceArgs) -> Result<Option<Expectations>, Failure> {
    if source.expect.is_empty() {
        let Some(demo) = source.demo.as_deref().and_then(demo::load) else {
            return Ok(None);
        };
        return match expect::read(&demo.expectations_name, demo.expectations_text) {
            Ok(expectations) => Ok(Some(expectations)),
            Err(problems) => Err(refused(&demo.expectations_name, &problems)),
        };
    }
    expectation_files(&source.expect)
}

/// Files of expectations and documents, as one; `None` without any.
pub(crate) fn expectation_files(paths: &[PathBuf]) -> Result<Option<Expectations>, Failure> {
    let mut texts = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        let text = text_of(path)?;
        texts.push((expect::is_expectations(&name, &text), name, text));
    }
    // What a document calls somebody may be defined in any of the other files: those come first.
    texts.sort_by_key(|(is_file, ..)| !is_file);
    if texts.is_empty() {
        return Ok(None);
    }
    let mut files = expect::Files::default();
    for (is_file, name, text) in &texts {
        if *is_file {
            files.read(name, text);
            continue;
        }
        let imported =
            expect::import(name, text, files.so_far()).map_err(|problem| no_table(&problem))?;
        for problem in &imported.problems {
            out::note(&text::diagnostic(problem));
        }
        files.add(imported.expectations);
    }
    let names: Vec<&str> = texts.iter().map(|(_, name, _)| name.as_str()).collect();
    let read = files.finish();
    read.map(Some)
        .map_err(|problems| refused(&names.join("`, `"), &problems))
}

/// A file of expectations, or a document; `-` is standard input.
pub(crate) fn text_of(path: &std::path::Path) -> Result<String, Failure> {
    let name = path.display();
    let read = if path.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    read.map_err(|error| {
        let failure = Failure::new(format!("cannot read `{name}`: {error}"));
        match error.kind() {
            std::io::ErrorKind::InvalidData => {
                failure.hint("it has to be text in UTF-8".to_owned())
            }
            _ => failure,
        }
    })
}

/// A document without a table of expectations.
pub(crate) fn no_table(problem: &Diagnostic) -> Failure {
    let place = problem
        .source
        .as_ref()
        .map(|source| source.file.to_string())
        .unwrap_or_default();
    Failure::new(format!("`{place}` {}", problem.message)).hint(problem.help.clone())
}

pub(crate) fn refused(name: &str, problems: &[Diagnostic]) -> Failure {
    for problem in problems {
        out::note(&text::diagnostic(problem));
    }
    let count = problems.len();
    Failure::new(format!(
        "`{}` is not used: {count} problem{}",
        crate::text::tame(name),
        if count == 1 { "" } else { "s" }
    ))
    .hint("half an expectation would pass for a whole one; mend the lines named above".to_owned())
}

/// The environment to judge by: the one asked for, else the first; `None` without expectations.
pub(crate) fn environment(
    source: &SourceArgs,
    expectations: Option<&Expectations>,
) -> Result<Option<String>, Failure> {
    let known = expectations
        .map(Expectations::environments)
        .unwrap_or_default();
    match &source.env {
        None => Ok(known.into_iter().next()),
        Some(name) if known.contains(name) => Ok(Some(name.clone())),
        Some(name) if known.is_empty() => Err(Failure::new(format!(
            "there is no environment `{}`: no expectations are loaded",
            crate::text::tame(name)
        ))
        .hint("name a netseg/v1 file: --expect FILE".to_owned())),
        Some(name) => Err(Failure::new(format!(
            "there is no environment `{}`",
            crate::text::tame(name)
        ))
        .hint(format!("known: {}", known.join(", ")))),
    }
}

/// Environments as they are today, each bound to the cluster.
pub(crate) fn plans(engine: &Engine, expectations: &Expectations, names: &[String]) -> Vec<Plan> {
    let today = today();
    let names = names.iter();
    names
        .map(|name| expect::bind(engine, expectations, name, today))
        .collect()
}

/// Tells who was looked up by name and found, a line each: nobody should have to guess who is meant.
pub(crate) fn tell_found(engine: &Engine, plans: &[Plan]) {
    let found = plans.iter().flat_map(Plan::found);
    let lines: BTreeSet<String> = found
        .map(|(label, how, pods)| {
            let ids: BTreeSet<String> = pods
                .iter()
                .map(|pod| engine.workload_of(*pod).id())
                .collect();
            let ids: Vec<String> = ids.iter().map(|id| ends::short_id(engine, id)).collect();
            format!(
                "note: `{}` is {}: {how}\n",
                crate::text::tame(label),
                crate::text::tame(&ids.join(", "))
            )
        })
        .collect();
    for line in &lines {
        out::note(line);
    }
}
