//! The whole answer to a probe, in the form of an incident report.

use crate::engine::{Engine, Reason, Verdict, Way};
use crate::model::Direction;
use crate::questions::probe::Answer;
use crate::text::{tame, width};

use super::sides::side_lines;
use super::{Tone, WordLine, condition, limit, port, reason, verdict, verdict_tone};

/// The whole answer, in the form of an incident report: verdict, name, both ends, and what it hangs on.
pub fn probe_lines(engine: &Engine, answer: &Answer) -> Vec<WordLine> {
    let mut lines = Vec::new();
    let asked = match answer.port {
        Some(number) => format!(" {}", port(answer.protocol, number)),
        None => String::new(),
    };
    let mut head = WordLine::new()
        .add(
            format!("{:<8} ", verdict(answer.verdict)),
            verdict_tone(answer.verdict),
        )
        .add(tame(&answer.from.name), Tone::Name)
        .add(" → ", Tone::Plain)
        .add(tame(&answer.to.name), Tone::Name)
        .add(asked, Tone::Plain);
    if let Some(expected) = &answer.expected {
        let tone = if expected.verdict == answer.verdict {
            Tone::Faint
        } else {
            Tone::Drift
        };
        head = head.add(
            format!(
                "      {} expects {}",
                tame(&expected.environment),
                verdict(expected.verdict)
            ),
            tone,
        );
    }
    lines.push(head);
    if let Some(via) = &answer.via {
        let behind = match (via.endpoints, via.target_port) {
            (0, _) => "nothing".to_owned(),
            (n, Some(target)) => format!(
                "port {target}, {n} {}",
                if n == 1 { "endpoint" } else { "endpoints" }
            ),
            (n, None) => format!("different ports, {n} endpoints"),
        };
        let by = match via.way {
            Way::ClusterIp => "",
            Way::NodePort => "node port of ",
            Way::Balancer { .. } => "load balancer of ",
            Way::ExternalIp => "external IP of ",
        };
        let told = format!(
            "  {:<8} {by}Service {} {} → {behind}",
            "name",
            tame(&via.service),
            via.port
        );
        lines.push(WordLine::new().add(told, Tone::Plain));
    }
    if answer.port.is_none() {
        lines.push(ports_line(answer));
    }
    // Where the two sides cannot tell why, it is told here.
    if answer.verdict == Verdict::Unreachable
        || answer.shown.is_none()
        || matches!(
            answer.reason,
            Reason::ExplicitDeny
        )
    {
        lines.push(WordLine::new().add(
            format!("  {:<8} {}", "why", reason(answer.reason)),
            Tone::Plain,
        ));
    }
    if let Some(shown) = &answer.shown {
        if answer.port.is_none() {
            lines.push(WordLine::new().add(
                format!("  {:<8} {}", "at", port(shown.protocol, shown.port)),
                Tone::Faint,
            ));
        }
        lines.extend(side_lines(engine, Direction::Egress, &answer.egress));
        lines.extend(side_lines(engine, Direction::Ingress, &answer.ingress));
    }
    lines.extend(remarks(engine, answer));
    lines
}

/// What stands under the two sides: pairs that differ, the half-open hint, conditions, limits.
fn remarks(engine: &Engine, answer: &Answer) -> Vec<WordLine> {
    let mut lines = Vec::new();
    for pair in answer.pairs.iter().take(8) {
        lines.push(
            WordLine::new()
                .add("  pair     ", Tone::Plain)
                .add(
                    format!("{:<7} ", verdict(pair.verdict)),
                    verdict_tone(pair.verdict),
                )
                .add(
                    format!("{} → {}", tame(&pair.from), tame(&pair.to)),
                    Tone::Plain,
                ),
        );
    }
    if answer.pairs.len() > 8 {
        lines.push(WordLine::new().add(
            format!(
                "           and {} more pairs; -o json lists them",
                answer.pairs.len() - 8
            ),
            Tone::Faint,
        ));
    }
    if let Some(open) = answer.half_open {
        let side = match open {
            Direction::Egress => "source",
            Direction::Ingress => "destination",
        };
        lines.push(WordLine::new().add(
            format!("  half-open: only the {side} side is open"),
            Tone::Drift,
        ));
    }
    if let Some(over_tcp) = answer.over_tcp {
        let tone = if over_tcp == answer.verdict {
            Tone::Faint
        } else {
            Tone::Drift
        };
        lines.push(WordLine::new().add(
            format!(
                "  53/TCP   {}: large answers and some resolvers need it",
                verdict(over_tcp)
            ),
            tone,
        ));
    }
    lines.extend(conditions(engine, answer));
    for service in &answer.ask_service {
        let asked = answer.port.map(|p| format!(" {p}")).unwrap_or_default();
        lines.push(WordLine::new().add(
            format!(
                "  hint     no pod of it declares that port; a Service has it: probe … {}{asked}",
                tame(service)
            ),
            Tone::Drift,
        ));
    }
    for told in &answer.limits {
        lines.push(WordLine::new().add(format!("  limit    {}", limit(told)), Tone::Faint));
    }
    lines
}

/// How wide a condition may be: it is a sentence, and sentences get long.
const CELLS: usize = 80;

/// A sentence behind a label, in as many lines as it takes.
fn sentence(label: &str, text: &str) -> Vec<WordLine> {
    let mut lines = Vec::new();
    let mut line = format!("  {label:<8}");
    for word in text.split(' ') {
        if width(&line) + 1 + width(word) > CELLS {
            lines.push(std::mem::replace(&mut line, " ".repeat(10)));
        }
        line.push(' ');
        line.push_str(word);
    }
    lines.push(line);
    let told = lines.into_iter();
    told.map(|line| WordLine::new().add(line, Tone::Unknown))
        .collect()
}

/// What an unknown verdict hangs on. Of several conditions it is not said how they work together; all and none are certain.
fn conditions(engine: &Engine, answer: &Answer) -> Vec<WordLine> {
    match answer.conditions.as_slice() {
        [] => Vec::new(),
        [one] => sentence(
            "if",
            &format!("{}: ALLOW, else DENY", condition(engine, one)),
        ),
        several => {
            let told = several.iter().enumerate().flat_map(|(index, one)| {
                sentence(
                    if index == 0 { "if" } else { "and if" },
                    &condition(engine, one),
                )
            });
            let mut told: Vec<WordLine> = told.collect();
            told.extend(sentence(
                "",
                "ALLOW where all of this holds, DENY where none of it does",
            ));
            told
        }
    }
}

fn ports_line(answer: &Answer) -> WordLine {
    let list = |wanted: Verdict| {
        let ranges = answer
            .ports
            .iter()
            .filter(|(_, _, verdict)| *verdict == wanted);
        ranges
            .map(|(protocol, range, _)| format!("{range}/{protocol}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (open, unknown) = (list(Verdict::Allow), list(Verdict::Unknown));
    let mut line = WordLine::new().add(format!("  {:<8} ", "ports"), Tone::Plain);
    line = if open.is_empty() {
        line.add("none is open", Tone::Deny)
    } else {
        line.add(open, Tone::Allow)
    };
    if !unknown.is_empty() {
        line = line.add(format!("; unknown: {unknown}"), Tone::Unknown);
    }
    line
}
