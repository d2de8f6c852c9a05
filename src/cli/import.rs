//! `import`: a document as a `netseg/v1` file.

use std::collections::BTreeMap;

use crate::expect::{self, Expectations, Places};
use crate::model::{Diagnostic, Severity};
use crate::report::text;
use crate::text::tame;

use super::args::{Args, ImportArgs, TextJson};
use super::out::{self, Out};
use super::{Failure, NO, OK, load};

pub(crate) fn run(args: &Args, asked: &ImportArgs, out: &mut Out) -> Result<u8, Failure> {
    let name = asked.doc.display().to_string();
    let typed = load::text_of(&asked.doc)?;
    let is_file = expect::is_expectations(&name, &typed);
    let (mut read, problems, quotes) = if is_file {
        let read = expect::read(&name, &typed).map_err(|found| load::refused(&name, &found))?;
        (read, Vec::new(), BTreeMap::new())
    } else {
        let others = load::expectation_files(&args.source.expect)?.unwrap_or_default();
        let imported =
            expect::import(&name, &typed, &others).map_err(|problem| load::no_table(&problem))?;
        for table in &imported.tables {
            out::note(&format!(
                "note: {}:{}: environment {}, {} rows, {} items\n",
                tame(&name),
                table.line,
                table.environment,
                table.rows,
                table.items
            ));
        }
        tell_notes(&imported.expectations);
        (imported.expectations, imported.problems, imported.quotes)
    };
    for problem in &problems {
        out::note(&text::diagnostic(problem));
    }
    let bad = problems
        .iter()
        .filter(|p| p.severity == Severity::Error)
        .count();
    if bad > 0 && args.source.strict {
        return Err(Failure::new(format!(
            "{bad} of its cells or rows cannot be read, and --strict is given"
        ))
        .hint("mend what is named above, or go without --strict".to_owned()));
    }
    if load::names_a_source(&args.source) {
        settle(args, &mut read)?;
    }
    let places = if is_file {
        Places::OfFiles
    } else {
        Places::OfDocument
    };
    let written = if asked.resolved {
        let environment = load::environment(&args.source, Some(&read))?.unwrap_or_default();
        expect::write_resolved(&read, &environment)
    } else {
        expect::write(&read, places, &quotes)
    };
    let written = written.ok_or_else(|| {
        Failure::new("its environments have settings of their own, which one file cannot say")
            .hint("print one of them: --resolved --env NAME".to_owned())
    })?;
    out.data(&match asked.output {
        TextJson::Text => written,
        TextJson::Json => expect::as_json(&written),
    });
    Ok(if bad > 0 { NO } else { OK })
}

/// Notes are kept as text and never become rules by themselves; who means one as an exception is shown how to write it.
fn tell_notes(read: &Expectations) {
    let environments = read.environments();
    let mut places: Vec<String> = environments
        .iter()
        .flat_map(|name| read.notes(name))
        .map(|note| note.at.to_string())
        .collect();
    places.dedup();
    if let Some(last) = places.last() {
        let line = last.rsplit(':').next().unwrap_or_default();
        out::note(&format!(
            "note: {}: kept as text, and nothing is judged by it\n  help: what is meant as an exception is written so: exceptions: [{{id: NOTE-{line}, from: any, to: …, ports: […], why: …, expires: …}}]\n",
            places.join(", ")
        ));
    }
}

/// Looks up in a cluster who is meant by names alone, and tells how each was found.
fn settle(args: &Args, read: &mut Expectations) -> Result<(), Failure> {
    let loaded = load::load_unjudged(args)?;
    for settled in expect::settle(read, loaded.engine.cluster()) {
        match settled {
            Ok((label, how)) => out::note(&format!("note: `{}`: {how}\n", tame(&label))),
            Err(message) => out::note(&text::diagnostic(&Diagnostic::warning(message))),
        }
    }
    Ok(())
}
