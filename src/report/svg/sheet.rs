//! How the picture looks: sizes, and the style sheet for light and dark.

use crate::graph::State;

/// A cell of the scene, in user units.
pub(super) const CELL: (i32, i32) = (8, 20);
/// Around everything.
pub(super) const MARGIN: i32 = 32;
/// From the top margin to the picture: the title and the line below it.
pub(super) const HEADER: i32 = 58;
/// A line of the legend.
pub(super) const LEGEND: i32 = 24;

/// How wide a character of a label is at most, in tenths of a unit, by what it is. Every common font stays below.
pub(super) const TITLE_WIDTH: i32 = 125;
pub(super) const LEGEND_WIDTH: i32 = 70;

/// The class of a state in the style sheet.
pub(super) fn class(state: State) -> &'static str {
    match state {
        State::Plain => "allowed",
        State::Missing => "missing",
        State::Unexpected => "unexpected",
        State::Unknown => "unknown",
        State::HalfOpen(_) => "half-open",
    }
}

/// Colours are those of the screen: pairs that stay apart for red-green and blue-yellow deficient eyes, and never the only
/// sign of a state. Programs that know no custom properties take the light value before each.
pub(super) const STYLE: &str = "
.netseg{--ground:#ffffff;--text:#1f2328;--muted:#57606a;--box:#ffffff;--line:#6e7781;--frame:#c3cad2;--tint:#f3f5f8;
--allowed:#0072B2;--unexpected:#B23A00;--missing:#7B2D8E;--unknown:#5F6368;--half-open:#6e7781}
@media (prefers-color-scheme:dark){.netseg{--ground:#0d1117;--text:#e6edf3;--muted:#9aa4af;--box:#161b22;--line:#8b949e;
--frame:#363e48;--tint:#11161d;--allowed:#56B4E9;--unexpected:#E8743B;--missing:#F0E442;--unknown:#9AA0A6;--half-open:#8b949e}}
.netseg text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace;font-size:12px;
fill:#1f2328;fill:var(--text);stroke:none}
.netseg .prose{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}
.netseg .title{font-size:20px;font-weight:600}
.netseg .muted{fill:#57606a;fill:var(--muted)}
.netseg .badge{font-size:11px;fill:#57606a;fill:var(--muted)}
.netseg .name{font-size:13px;font-weight:600}
.netseg .ground{fill:#ffffff;fill:var(--ground)}
.netseg .frame{fill:#f3f5f8;fill:var(--tint);stroke:#c3cad2;stroke:var(--frame);stroke-width:1.25}
.netseg .tab{fill:#f3f5f8;fill:var(--tint)}
.netseg .box rect{fill:#ffffff;fill:var(--box);stroke:#6e7781;stroke:var(--line);stroke-width:1.25}
.netseg .centre rect{stroke-width:2.5}
.netseg .box .within{stroke-width:.75;fill:none}
.netseg .wire{fill:none;stroke-width:1.75;stroke-linejoin:round}
.netseg .allowed{stroke:#0072B2;stroke:var(--allowed)}
.netseg .unexpected{stroke:#B23A00;stroke:var(--unexpected)}
.netseg .missing{stroke:#7B2D8E;stroke:var(--missing)}
.netseg .unknown{stroke:#5F6368;stroke:var(--unknown)}
.netseg .half-open{stroke:#6e7781;stroke:var(--half-open)}
.netseg .wire.unexpected{stroke-width:3.5}
.netseg .wire.missing{stroke-dasharray:7 4}
.netseg .wire.unknown{stroke-width:2.25;stroke-dasharray:.1 5;stroke-linecap:round}
.netseg .wire.half-open{stroke-width:1.25;stroke-dasharray:3 3}
.netseg .mark{stroke-width:1.5}
.netseg .mark.allowed,.netseg text.allowed{fill:#0072B2;fill:var(--allowed)}
.netseg .mark.unexpected,.netseg text.unexpected{fill:#B23A00;fill:var(--unexpected);font-weight:700}
.netseg .mark.missing,.netseg text.missing{fill:#7B2D8E;fill:var(--missing)}
.netseg .mark.unknown,.netseg text.unknown{fill:#5F6368;fill:var(--unknown)}
.netseg .mark.half-open,.netseg text.half-open{fill:#6e7781;fill:var(--half-open)}
.netseg .mark.hollow{fill:#ffffff;fill:var(--ground)}
.netseg text.allowed,.netseg text.unexpected,.netseg text.missing,.netseg text.unknown,.netseg text.half-open{stroke:none}
.netseg .cross{fill:none;stroke-width:2}
.netseg .edge path{fill:none;stroke:none;stroke-width:9;stroke-linejoin:round;pointer-events:stroke}
.netseg .edge:hover path{stroke:#1f2328;stroke:var(--text);stroke-opacity:.25}
";
