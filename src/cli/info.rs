//! `info`: what is in force on this machine and in the source.

use crate::expect::Expectations;
use crate::questions::info;
use crate::report::{json, text};

use super::args::{Args, InfoArgs, TextJson};
use super::out::Out;
use super::{Failure, OK, load};

pub(crate) fn run(args: &Args, asked: &InfoArgs, out: &mut Out) -> Result<u8, Failure> {
    let paths = paths(args);
    if asked.local {
        out.data(&match asked.output {
            TextJson::Text => text::info(None, &paths, &[]),
            TextJson::Json => json::info(None, &paths, &[], &[]),
        });
        return Ok(OK);
    }
    let loaded = load::load_unjudged(args)?;
    let expectations = load::expectations(&args.source)?;
    let environments = expectations
        .as_ref()
        .map(Expectations::environments)
        .unwrap_or_default();
    if let Some(expectations) = &expectations {
        let plans = load::plans(&loaded.engine, expectations, &environments);
        load::tell_found(&loaded.engine, &plans);
    }
    let mut found = info::info(&loaded.engine, &loaded.enforcer);
    found.profile = load::profile_of(&args.source, &loaded.enforcer).as_str();
    out.data(&match asked.output {
        TextJson::Text => text::info(Some(&found), &paths, &environments),
        TextJson::Json => json::info(Some(&found), &paths, &environments, &loaded.diagnostics),
    });
    Ok(OK)
}

/// Name and value of what decides where things come from.
fn paths(args: &Args) -> Vec<(String, String)> {
    let var = |name: &str| std::env::var(name).unwrap_or_else(|_| "(not set)".to_owned());
    let kubeconfig = match &args.source.kubeconfig {
        Some(path) => path.display().to_string(),
        None => std::env::var("KUBECONFIG").unwrap_or_else(|_| "~/.kube/config".to_owned()),
    };
    let log = super::log::path()
        .map_or_else(|| "(no home)".to_owned(), |path| path.display().to_string());
    vec![
        ("log".to_owned(), log),
        ("kubeconfig".to_owned(), kubeconfig),
        ("terminal".to_owned(), var("TERM")),
    ]
}
