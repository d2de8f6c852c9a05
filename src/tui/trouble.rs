//! What is wrong with the source, in panels: nothing read yet, nothing to be reached, not everything allowed.

use ratatui::layout::Rect;

use crate::source::{Link, TroubleKind};
use crate::text;

use super::app::App;
use super::layout::SMALLEST;
use super::pen::{Pen, wrap};
use super::view::{Line, Tone, Why, span};

/// A panel of text.
struct Panel {
    title: String,
    note: String,
    lines: Vec<Line>,
}

/// What a panel is about. A panel that was put away stays away as long as it would be about the same.
pub(super) type Topic = String;

/// Indent of a fact's second line.
const INDENT: usize = 8;

/// What the panel above the panes is about, whether or not it was put away; `None` when there is nothing to tell.
pub(super) fn topic(app: &App) -> Option<Topic> {
    let view = &app.view;
    match &view.link {
        Link::Offline { why, .. } => Some(why.clone()),
        // The panel takes the whole body then.
        _ if is_instead(app) => None,
        _ if view.gaps.is_empty() => None,
        _ => {
            let names = view
                .gaps
                .iter()
                .flat_map(|gap| [gap.kind.as_str(), gap.scope.as_str()]);
            Some(names.collect::<Vec<_>>().join(" "))
        }
    }
}

/// Rows of the panel above the panes at this size, borders included; 0 when there is none, or no room for one.
pub(super) fn rows(app: &App) -> u16 {
    let shown = topic(app).filter(|topic| app.dismissed.as_ref() != Some(topic));
    if shown.is_none() {
        return 0;
    }
    let needed = above(app).lines.len() + 2;
    let room = app.height.saturating_sub(SMALLEST.1);
    let rows = u16::try_from(needed).unwrap_or(u16::MAX).min(room);
    if rows < 4 { 0 } else { rows }
}

/// Whether there is nothing for panes to show yet.
pub(super) fn is_instead(app: &App) -> bool {
    matches!(app.view.link, Link::Loading { .. }) && app.view.rows.is_empty()
}

/// Whether the server cannot be asked now.
pub(super) fn is_away(app: &App) -> bool {
    matches!(
        app.view.link,
        Link::Offline { .. }
            | Link::Loading {
                trouble: Some(_),
                ..
            }
    )
}

/// Draws the panel above the panes.
pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, app: &App) {
    paint(pen, area, &above(app));
}

/// Draws what there is instead of panes while nothing could be read; false when there are panes to draw.
pub(super) fn draw_instead(pen: &mut Pen<'_>, body: Rect, app: &App) -> bool {
    let Link::Loading { trouble, .. } = &app.view.link else {
        return false;
    };
    if !is_instead(app) {
        return false;
    }
    let cells = usize::from(body.width.saturating_sub(4));
    let panel = match trouble {
        Some(trouble) => {
            let since = format!("{}; nothing was read yet", clock(&trouble.since));
            server(app, trouble.kind, &trouble.why, &since, cells)
        }
        None => loading(app, cells),
    };
    let needed = u16::try_from(panel.lines.len() + 2).unwrap_or(u16::MAX);
    let height = body.height.min(needed);
    paint(pen, Rect { height, ..body }, &panel);
    true
}

fn paint(pen: &mut Pen<'_>, area: Rect, panel: &Panel) {
    let title = [span(panel.title.clone(), Tone::Name)];
    let inner = pen.frame(area, &title, &panel.note, false);
    for (y, line) in (0..inner.height).zip(&panel.lines) {
        pen.line(inner, 0, y, line);
    }
    let hidden = panel.lines.len().saturating_sub(usize::from(inner.height));
    if hidden > 0 {
        pen.footnote(area, &[span(format!("… {hidden} more"), Tone::Plain)]);
    }
}

fn above(app: &App) -> Panel {
    let cells = usize::from(app.width.saturating_sub(4));
    match &app.view.link {
        Link::Offline { kind, why, since } => {
            let since = format!(
                "{0} was the last good answer; what is below is as of {0}",
                clock(since)
            );
            let note = "still readable, still probes: on old data · esc puts this away";
            Panel {
                note: note.to_owned(),
                ..server(app, *kind, why, &since, cells)
            }
        }
        _ => gaps(app, cells),
    }
}

/// A server that does not answer as it should.
fn server(app: &App, kind: TroubleKind, why: &str, since: &str, cells: usize) -> Panel {
    let kubectl = &app.place.kubectl;
    let (title, likely, then) = match kind {
        TroubleKind::Unreachable => (
            "Cluster not reachable",
            "the VPN is down, the address is wrong, a proxy is missing (HTTPS_PROXY), or the API server restarts",
            format!("{kubectl} get --raw /readyz"),
        ),
        TroubleKind::Untrusted => (
            "Certificate not trusted",
            "the kubeconfig lacks the cluster's own certificate authority, or something in between shows another certificate",
            format!("{kubectl} get --raw /readyz; it has to fail the same way"),
        ),
        TroubleKind::Unauthorized => (
            "Credentials rejected",
            "the token or certificate has run out, or belongs to another cluster",
            format!("log in again, then {kubectl} auth whoami"),
        ),
        TroubleKind::Plugin => (
            "No credentials",
            "the credential plugin is not installed, or wants a login that it cannot ask for here",
            format!("{kubectl} auth whoami, which lets the plugin ask"),
        ),
        TroubleKind::Server => (
            "The server does not answer what was asked",
            "it is starting, overloaded, or something in between answers for it",
            format!("{kubectl} get --raw /readyz"),
        ),
    };
    let facts = [
        ("what", why),
        ("where", app.place.words.as_str()),
        ("since", since),
        ("likely", likely),
        ("try", &then),
    ];
    Panel {
        title: title.to_owned(),
        note: "tries again by itself".to_owned(),
        lines: facts
            .into_iter()
            .flat_map(|(name, words)| fact(name, words, cells))
            .collect(),
    }
}

fn fact(name: &str, words: &str, cells: usize) -> Vec<Line> {
    let line = [
        span(format!("{name:INDENT$}"), Tone::Faint),
        span(words, Tone::Plain),
    ];
    wrap(&line, cells, INDENT)
}

/// What may not be read.
fn gaps(app: &App, cells: usize) -> Panel {
    let gaps = &app.view.gaps;
    let widest = |cell: &dyn Fn(usize) -> usize, least: usize| {
        (0..gaps.len()).map(cell).max().unwrap_or(0).max(least)
    };
    let kind = widest(&|at| text::width(&gaps[at].kind), 4);
    let scope = widest(&|at| text::width(&gaps[at].scope), 5).min(cells / 3);
    let row = |first: &str, second: &str, third: &str, (left, right): (Tone, Tone)| -> Vec<Line> {
        let second = text::cut(second, scope);
        let pad = " ".repeat(scope.saturating_sub(text::width(&second)));
        let line = [
            span(format!("{first:kind$}  {second}{pad}  "), left),
            span(third, right),
        ];
        wrap(&line, cells, kind + scope + 4)
    };
    let mut lines = row(
        "KIND",
        "SCOPE",
        "WHAT IT COSTS YOU",
        (Tone::Faint, Tone::Faint),
    );
    for gap in gaps {
        let costs = gap.cost.contains("UNKNOWN");
        let tone = if costs { Tone::Unknown } else { Tone::Plain };
        lines.extend(row(&gap.kind, &gap.scope, &gap.cost, (Tone::Plain, tone)));
    }
    if let Some(gap) = gaps.iter().find(|gap| !gap.said.is_empty()) {
        lines.extend(fact("said", &gap.said, cells));
    }
    let any = |why| gaps.iter().any(|gap| gap.why == why);
    let forbidden = any(Why::Forbidden);
    if forbidden {
        let kinds: Vec<&str> = gaps
            .iter()
            .filter(|gap| gap.why == Why::Forbidden)
            .map(|gap| gap.kind.as_str())
            .collect();
        let ask = format!("list and watch on {}", kinds.join(", "));
        lines.extend(fact("ask for", &ask, cells));
    }
    Panel {
        title: if forbidden {
            "Not allowed to read"
        } else if any(Why::Failed) {
            "Could not be read"
        } else {
            "Read, and not evaluated"
        }
        .to_owned(),
        note: "verdicts are partial · esc puts this away".to_owned(),
        lines,
    }
}

fn loading(app: &App, cells: usize) -> Panel {
    let mut lines: Vec<Line> = app
        .view
        .kinds
        .iter()
        .map(|kind| {
            let tone = match kind.glyph {
                "✓" => Tone::Allow,
                "✗" => Tone::Deny,
                _ => Tone::Faint,
            };
            vec![
                span(format!("{}  ", kind.glyph), tone),
                span(format!("{:18}", kind.kind), Tone::Plain),
                span(kind.words.clone(), Tone::Plain),
            ]
        })
        .collect();
    if lines.is_empty() {
        lines.push(vec![span("connecting …", Tone::Plain)]);
    }
    lines.push(Line::new());
    let words = "graph and table appear as soon as pods and policies are in";
    lines.extend(wrap(&[span(words, Tone::Plain)], cells, 0));
    if app.settings.namespaces.is_empty() {
        lines.push(vec![span("slow? -n NAME,NAME shows less", Tone::Faint)]);
    }
    Panel {
        title: format!("Loading {}", app.view.origin),
        note: String::new(),
        lines,
    }
}

/// The time of day of an RFC 3339 time in UTC, with its `Z`.
pub(super) fn clock(time: &str) -> &str {
    time.split_once('T').map_or(time, |(_, time)| time)
}

/// What marks old data in front of other notes: `as of 14:05:31Z · `; empty while the data is not old.
pub(super) fn mark(app: &App) -> String {
    match &app.view.link {
        Link::Offline { since, .. } => format!("as of {} · ", clock(since)),
        _ => String::new(),
    }
}
