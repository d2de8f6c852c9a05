//! From arguments to a cluster that can be asked: source, enforcer, profile, expectations.

use std::sync::Arc;
use std::time::Duration;

use crate::compile::ProfileName;
use crate::compile::enforcer::{self, Enforcer};
use crate::engine::{Engine, Profile};
use crate::model::{Cluster, Diagnostic, Severity};
use crate::questions::ends::{self, End};
use crate::questions::scope::Scope;
use crate::report::json::Context;
use crate::report::text;
use crate::source::{demo, live, manifests};

use super::args::{Args, SourceArgs};
use super::out::{self, Out};
use super::{Failure, OK};

/// How long a headless command waits for a live cluster before it answers with what has arrived.
const LIVE_LIMIT: Duration = Duration::from_secs(60);

/// A cluster ready for questions.
pub(crate) struct Loaded {
    pub(crate) engine: Engine,
    pub(crate) enforcer: Enforcer,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) scope: Scope,
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

/// Whether the source is something that cannot change and is all there is.
pub(crate) fn is_offline(source: &SourceArgs) -> bool {
    source.demo.is_some() || !source.file.is_empty()
}

pub(crate) fn list_demos(out: &mut Out) -> Result<u8, Failure> {
    for name in demo::names() {
        out.data(&format!("{name}\n"));
    }
    Ok(OK)
}

pub(crate) fn unknown_demo(name: &str) -> Failure {
    Failure::new(format!("there is no demo `{}`", crate::text::tame(name)))
        .hint(format!("demos: {}", demo::names().join(", ")))
}

fn cluster(source: &SourceArgs) -> Result<(Cluster, Vec<Diagnostic>), Failure> {
    if let Some(name) = &source.demo {
        let demo = demo::load(name).ok_or_else(|| unknown_demo(name))?;
        return Ok((demo.cluster, demo.diagnostics));
    }
    if !source.file.is_empty() {
        return manifests::load(&source.file)
            .map_err(|error| Failure::from_error(&error).hint(error.hint()));
    }
    let runtime = runtime()?;
    let options = live_options(source);
    let snapshot = runtime
        .block_on(live::load_once(options, LIVE_LIMIT))
        .map_err(|error| Failure::from_error(&error).hint(error.hint()))?;
    Ok((
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
pub(crate) fn load(args: &Args) -> Result<Loaded, Failure> {
    let source = &args.source;
    if source.demo.as_deref() == Some("list") {
        return Err(
            Failure::new("`--demo list` stands alone").hint("netseg-tui --demo list".to_owned())
        );
    }
    let (cluster, diagnostics) = cluster(source)?;
    for diagnostic in &diagnostics {
        out::note(&text::diagnostic(diagnostic));
    }
    if source.strict && diagnostics.iter().any(|d| d.severity == Severity::Error) {
        let bad = diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .count();
        return Err(Failure::new(format!(
            "{bad} objects are unreadable or invalid, and --strict is given"
        )));
    }
    for name in &source.namespace {
        let is_known = cluster.namespaces.contains_key(name);
        if is_offline(source) && !is_known {
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
    let profile = Profile::named(source.profile.unwrap_or(enforcer.profile));
    let engine = Engine::build(&Arc::new(cluster), profile);
    if let Some(banner) = text::banner(&enforcer, engine.policies().len()) {
        out::note(&format!("warning: {banner}\n"));
    }
    Ok(Loaded {
        engine,
        enforcer,
        diagnostics,
        scope: Scope::of(source.namespace.iter().cloned()),
    })
}

/// The profile that would be used for a cluster: the one asked for, else the enforcer's.
pub(crate) fn profile_of(source: &SourceArgs, enforcer: &Enforcer) -> ProfileName {
    source.profile.unwrap_or(enforcer.profile)
}
