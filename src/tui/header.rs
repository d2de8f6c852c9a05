//! The first two rows: what is looked at, by what it is judged, whether it is live and whether anything enforces it.

use ratatui::layout::Rect;

use crate::compile::enforcer::Enforces;
use crate::source::{Link, Trouble};
use crate::text;

use super::app::{App, Hit, Mode, Tab};
use super::draw::Hits;
use super::pen::Pen;
use super::theme::Theme;
use super::trouble;
use super::view::{Line, Span, Tally, Tone, plain, span};

/// Draws the context and the state. What is least needed goes first when space is short.
pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, app: &App) {
    let mut right = facts(app);
    let trail = trail(app);
    let whole = text::width(&plain(&trail));
    let width = usize::from(area.width);
    let least = 10 + text::width(&app.view.origin).min(if width < 70 { 8 } else { 20 });
    let short = width < 100;
    for fact in &mut right {
        if let (true, Some(words)) = (short, fact.short.take()) {
            fact.words = words;
        }
    }
    right.retain(|fact| !fact.words.is_empty());
    // The most important fact comes first, so the last one goes: counts for the whole trail, the rest for the origin.
    while right.last().is_some_and(|fact| {
        let needed = if fact.place >= COUNTS { whole } else { least };
        right.len() > 1 && width_of(&right) + needed > width
    }) {
        right.pop();
    }
    let facts_width = u16::try_from(width_of(&right))
        .unwrap_or(u16::MAX)
        .min(area.width);
    let left = Rect {
        width: area.width - facts_width,
        ..area
    };
    pen.line(left, 0, 0, &trail);
    let mut at = left.width;
    // Reading order: environment, findings, link, enforcer, counts.
    right.sort_by_key(|fact| fact.place);
    for fact in right {
        at = pen.text(area, at, 0, "  ", pen.theme.tone(Tone::Plain));
        at = pen.line(area, at, 0, &fact.words);
    }
}

/// Facts from this place on are counts.
const COUNTS: usize = 4;

struct Fact {
    /// In reading order.
    place: usize,
    words: Line,
    /// For narrow terminals.
    short: Option<Line>,
}

fn width_of(facts: &[Fact]) -> usize {
    facts
        .iter()
        .map(|fact| 2 + text::width(&plain(&fact.words)))
        .sum::<usize>()
        + 1
}

/// Most important first.
fn facts(app: &App) -> Vec<Fact> {
    let view = &app.view;
    let link = link(&view.link, view.partial);
    let mut facts = Vec::new();
    if !trouble::is_instead(app) {
        facts.push(Fact {
            place: 3,
            words: vec![enforcer(app)],
            short: (view.enforces == Enforces::Yes).then(|| vec![span("enforced", Tone::Plain)]),
        });
    }
    // What keeps the picture from being true goes first.
    let at = usize::from(matches!(view.link, Link::Live | Link::Fixed) && !view.partial);
    facts.insert(at.min(facts.len()), link);
    if let Some(environment) = &view.environment {
        let mut words = vec![
            span("ENV ", Tone::Plain),
            span(environment.clone(), Tone::Name),
        ];
        words.push(span(" ", Tone::Plain));
        for (glyph, count) in counts(app) {
            words.push(span(format!(" {glyph}{count}"), Tone::Drift));
        }
        if view.findings.is_empty() && !trouble::is_instead(app) {
            words.push(span(" = as expected", Tone::Plain));
        }
        facts.insert(
            1 - at,
            Fact {
                place: 0,
                words,
                short: None,
            },
        );
    }
    if let Some((words, short)) = &view.not_evaluated {
        facts.push(Fact {
            place: 3,
            words: vec![span(words.clone(), Tone::Unknown)],
            short: Some(vec![span(short.clone(), Tone::Unknown)]),
        });
    }
    if let Some(environment) = &view.environment {
        facts.extend(others(app, environment));
    }
    if view.pods > 0 {
        facts.push(Fact {
            place: 4,
            words: vec![span(format!("pods {}", view.pods), Tone::Plain)],
            short: None,
        });
        facts.push(Fact {
            place: 5,
            words: vec![span(format!("policies {}", view.policies), Tone::Plain)],
            short: None,
        });
    }
    facts
}

/// How the cluster stands to the other environments. Where there is little room, only that another one holds better.
fn others(app: &App, in_force: &str) -> Option<Fact> {
    if trouble::is_instead(app) {
        return None;
    }
    let names = &app.view.environments;
    let tally = |name: &String| app.tallies.iter().find(|tally| tally.environment == *name);
    let tallies: Vec<&Tally> = names.iter().filter_map(tally).collect();
    let best = best(&tallies, names.len());
    let mut words = Line::new();
    for tally in tallies.iter().filter(|tally| tally.environment != in_force) {
        words.push(span(if words.is_empty() { "" } else { "  " }, Tone::Plain));
        words.push(span(tally.environment.clone(), Tone::Name));
        for (glyph, count) in tally.signs() {
            words.push(span(format!(" {glyph}{count}"), Tone::Drift));
        }
        if tally.weight().1 == 0 {
            words.push(span(" =", Tone::Plain));
        }
        if best == Some(tally.environment.as_str()) {
            words.push(span(" holds best", Tone::Plain));
        }
    }
    if words.is_empty() {
        return None;
    }
    let start = if best == Some(in_force) {
        "holds best | "
    } else {
        "| "
    };
    words.insert(0, span(start, Tone::Plain));
    let short = match best.filter(|best| *best != in_force) {
        Some(best) => vec![span(format!("{best} better"), Tone::Drift)],
        None => Line::new(),
    };
    Some(Fact {
        place: 1,
        words,
        short: Some(short),
    })
}

/// The environment with the fewest errors, then the fewest findings, once all are judged; `None` when two are equal.
fn best<'a>(tallies: &[&'a Tally], environments: usize) -> Option<&'a str> {
    let least = tallies.iter().map(|tally| tally.weight()).min()?;
    let mut first = tallies.iter().filter(|tally| tally.weight() == least);
    let found = first.next()?;
    let is_only = first.next().is_none() && tallies.len() == environments && environments > 1;
    is_only.then_some(found.environment.as_str())
}

/// Findings by their sign, those with a direction first.
pub(super) fn counts(app: &App) -> Vec<(&'static str, usize)> {
    ["▲", "▼", "?", "·"]
        .into_iter()
        .map(|glyph| {
            (
                glyph,
                app.view
                    .findings
                    .iter()
                    .filter(|finding| finding.glyph == glyph)
                    .count(),
            )
        })
        .filter(|(_, count)| *count > 0)
        .collect()
}

fn link(link: &Link, partial: bool) -> Fact {
    let (words, short) = match link {
        Link::Live if partial => (span("◑ PARTIAL", Tone::Unknown), None),
        Link::Fixed => (span("○ static", Tone::Plain), None),
        Link::Live => (span("● live", Tone::Allow), None),
        Link::Loading {
            trouble: Some(Trouble { since, .. }),
            ..
        }
        | Link::Offline { since, .. } => {
            let words = format!("○ OFFLINE since {}", trouble::clock(since));
            (
                span(words, Tone::Drift),
                Some(span("○ OFFLINE", Tone::Drift)),
            )
        }
        Link::Loading { .. } => (span("◌ loading", Tone::Unknown), None),
    };
    Fact {
        place: 2,
        words: vec![words],
        short: short.map(|short| vec![short]),
    }
}

fn enforcer(app: &App) -> Span {
    match app.view.enforces {
        Enforces::Yes => span(format!("{} enforces", app.view.enforcer), Tone::Plain),
        Enforces::No => span("NOT ENFORCED", Tone::Drift),
        Enforces::Unknown => span("enforcement unknown", Tone::Unknown),
    }
}

fn trail(app: &App) -> Line {
    let mut trail = vec![
        span(" netseg  ", Tone::Plain),
        span(app.view.origin.clone(), Tone::Name),
    ];
    let mut add = |text: String| {
        trail.push(span(" › ", Tone::Faint));
        trail.push(span(text, Tone::Plain));
    };
    add(scope(app));
    if let (Tab::Flows, Some(flows)) = (app.tab, &app.view.flows) {
        add(flows.name.clone());
    }
    match app.mode {
        Mode::Explain => add("why".to_owned()),
        Mode::Help => add("help".to_owned()),
        _ => {}
    }
    trail
}

/// The namespaces in force, in words.
pub(super) fn scope(app: &App) -> String {
    let chosen = &app.view.settings.namespaces;
    match chosen.len() {
        0 => "all namespaces".to_owned(),
        1..=3 => chosen.join(","),
        more => format!("{},{} and {} more", chosen[0], chosen[1], more - 2),
    }
}

/// Draws the tabs, and what narrows the view at the right.
pub(super) fn tabs(pen: &mut Pen<'_>, area: Rect, app: &App, hits: &mut Hits) {
    let mut at = 1;
    let drift = match app.view.findings.len() {
        0 => "2 Drift".to_owned(),
        count => format!("2 Drift ({count})"),
    };
    for (tab, name) in [
        (Tab::Flows, "1 Flows".to_owned()),
        (Tab::Drift, drift),
        (Tab::Environments, "E Environments".to_owned()),
    ] {
        let start = at;
        if tab == app.tab {
            at = pen.text(area, at, 0, &format!("[{name}]"), Theme::key());
        } else {
            at = pen.text(
                area,
                at,
                0,
                &format!(" {name} "),
                pen.theme.tone(Tone::Plain),
            );
        }
        hits.add(
            Rect::new(area.x + start, area.y, at - start, 1),
            Hit::Tab(tab),
        );
        at += 1;
    }
    let mut notes: Vec<String> = Vec::new();
    if let Some(pinned) = &app.pinned {
        notes.push(format!("FROM {pinned}"));
    }
    if !app.filter_input.text().is_empty() {
        notes.push(format!(
            "/{}  {} of {}",
            app.filter_input.text(),
            app.shown.len(),
            app.total()
        ));
    }
    if app.mouse {
        notes.push("mouse".to_owned());
    }
    let rest = Rect {
        x: area.x + at + 1,
        width: area.width.saturating_sub(at + 2),
        ..area
    };
    pen.text_right(rest, 0, &notes.join("   "), pen.theme.tone(Tone::Plain));
}
