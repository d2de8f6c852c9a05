//! Figures beside their targets, as a Markdown table.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

use crate::clock::Times;

/// One measure at one size.
pub(crate) struct Row {
    measure: &'static str,
    pub(crate) value: String,
    /// The figure in the unit of its targets.
    ratio: Option<Ratio>,
    rounds: String,
}

/// A figure that has targets.
struct Ratio {
    value: f64,
    unit: &'static str,
    gate: Bound,
    aim: Bound,
}

#[derive(Clone, Copy)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(bound) => value <= bound,
            Self::AtLeast(bound) => value >= bound,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtMost(bound) => format!("<= {}", short(bound)),
            Self::AtLeast(bound) => format!(">= {}", short(bound)),
        }
    }
}

impl Row {
    /// A time: shortest and middle one of the rounds.
    pub(crate) fn time(measure: &'static str, times: &Times) -> Self {
        Self {
            measure,
            value: format!("{} / {}", duration(times.min()), duration(times.median())),
            ratio: None,
            rounds: rounds(times),
        }
    }

    pub(crate) fn value(measure: &'static str, value: String) -> Self {
        Self {
            measure,
            value,
            ratio: None,
            rounds: String::new(),
        }
    }

    pub(crate) fn against(
        mut self,
        value: f64,
        unit: &'static str,
        gate: Bound,
        aim: Bound,
    ) -> Self {
        self.ratio = Some(Ratio {
            value,
            unit,
            gate,
            aim,
        });
        self
    }
}

fn rounds(times: &Times) -> String {
    match times.discarded {
        0 => times.rounds().to_string(),
        some => format!("{} ({some} noisy)", times.rounds()),
    }
}

pub(crate) fn heading(title: &str) {
    println!("\n### {title}\n");
    println!("| measure | min / median | ratio | gate | aim | | rounds |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
}

/// Prints a row. Returns whether it keeps its gate.
pub(crate) fn print(row: &Row) -> bool {
    let (mut ratio, mut gate, mut aim, mut mark) = Default::default();
    let mut kept = true;
    if let Some(found) = &row.ratio {
        ratio = format!("{} {}", short(found.value), found.unit);
        gate = found.gate.text();
        aim = found.aim.text();
        kept = found.gate.holds(found.value);
        mark = match (found.aim.holds(found.value), kept) {
            (true, _) => "aim",
            (false, true) => "gate",
            (false, false) => "**missed**",
        };
    }
    println!(
        "| {} | {} | {ratio} | {gate} | {aim} | {mark} | {} |",
        row.measure, row.value, row.rounds
    );
    kept
}

/// Nanoseconds in the unit that reads best.
pub(crate) fn duration(nanos: f64) -> String {
    match nanos {
        n if n < 1e3 => format!("{n:.0} ns"),
        n if n < 1e4 => format!("{:.2} us", n / 1e3),
        n if n < 1e6 => format!("{:.0} us", n / 1e3),
        n if n < 1e7 => format!("{:.2} ms", n / 1e6),
        n if n < 1e9 => format!("{:.0} ms", n / 1e6),
        n => format!("{:.2} s", n / 1e9),
    }
}

/// Three digits that count.
fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 1e5 => format!("{:.0}k", value / 1e3),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 0.1 || v == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.2e}"),
    }
}

/// Prints a line of prose.
pub(crate) fn note(text: &str) {
    println!("{text}");
}
