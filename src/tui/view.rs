//! What the panes draw: plain data, worked out once for each snapshot and choice, away from the terminal.
//!
//! Every string here has passed [`tame`](crate::text::tame).

use std::sync::Arc;

use crate::compile::enforcer::Enforces;
use crate::engine::Verdict;
use crate::graph::view::{Picture as Drawn, Show};
use crate::graph::{Graph, Options};
use crate::questions::environments::Opinion;
use crate::source::Link;

/// What the user chose to see. A view says by which choices it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The environment to judge by; `None` takes the first there is.
    pub environment: Option<String>,
    /// Namespaces shown and judged, sorted; empty means all.
    pub namespaces: Vec<String>,
    /// The workload whose flows are listed, by its id.
    pub workload: Option<String>,
}

/// Where the source is, for when it cannot be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// In words: context and server.
    pub words: String,
    /// How kubectl is told to ask the same server: `kubectl --context prod`.
    pub kubectl: String,
}

/// Everything on the screen that comes from the cluster.
#[derive(Clone, Debug)]
pub struct View {
    pub settings: Settings,
    /// Where the cluster came from, in words.
    pub origin: String,
    pub link: Link,
    /// Something that verdicts rest on could not be read.
    pub partial: bool,
    /// The enforcer's name; `none` when none was recognised.
    pub enforcer: String,
    pub enforces: Enforces,
    /// In the order of the expectations file, without the template.
    pub environments: Vec<String>,
    /// The one judged by; `None` without expectations.
    pub environment: Option<String>,
    /// Every namespace there is, by name.
    pub namespaces: Vec<NamespaceItem>,
    pub pods: usize,
    /// Those in view, and all cluster-wide ones.
    pub policies: usize,
    pub cluster_wide: usize,
    /// Together by namespace, then by name.
    pub rows: Vec<Row>,
    /// Present when [`Settings::workload`] names one that exists.
    pub flows: Option<Flows>,
    pub graph: Arc<Graph>,
    /// What the graphs of all environments have together, if they are known already.
    pub all: Option<Arc<Graph>>,
    /// Worst first.
    pub findings: Vec<Finding>,
    /// Expectations that hold.
    pub met: usize,
    /// How the cluster stands to each environment, as far as known already; in the order of `environments`.
    pub tallies: Vec<Tally>,
    /// What may not or could not be read, what costs most first; then policies of other projects, which are not evaluated.
    pub gaps: Vec<Gap>,
    /// Policies of other projects in view, counted; in words for wide and narrow headers.
    pub not_evaluated: Option<(String, String)>,
    /// How far each kind is; empty once everything was read.
    pub kinds: Vec<KindState>,
    /// What was wrong with the input or could not be read, a line each.
    pub notes: Vec<String>,
}

impl View {
    /// A screen before anything was read.
    pub fn empty(origin: &str) -> Self {
        Self {
            settings: Settings::default(),
            origin: origin.to_owned(),
            link: Link::Loading {
                progress: Vec::new(),
                trouble: None,
            },
            partial: false,
            enforcer: String::new(),
            enforces: Enforces::Unknown,
            environments: Vec::new(),
            environment: None,
            namespaces: Vec::new(),
            pods: 0,
            policies: 0,
            cluster_wide: 0,
            rows: Vec::new(),
            flows: None,
            graph: Arc::default(),
            all: None,
            findings: Vec::new(),
            met: 0,
            tallies: Vec::new(),
            gaps: Vec::new(),
            not_evaluated: None,
            kinds: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// A kind of object that may not or could not be read, or that is not evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The plural, as in RBAC rules; with the group for kinds of other projects.
    pub kind: String,
    /// Namespaces, or `cluster`.
    pub scope: String,
    /// What is not known without it.
    pub cost: String,
    pub why: Why,
    /// The server's words, or what failed; empty where nothing did.
    pub said: String,
}

/// Why something is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The server refuses to show it.
    Forbidden,
    Failed,
    /// It was read, and this program does not evaluate it.
    NotEvaluated,
}

/// How far one kind of object is while everything is read for the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindState {
    /// The plural, as in RBAC rules.
    pub kind: &'static str,
    pub glyph: &'static str,
    /// A count, or what is wrong; may be empty.
    pub words: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceItem {
    pub name: String,
    pub workloads: usize,
    pub policies: usize,
}

/// One workload of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `namespace/kind/name`, also the key of its node in the graph.
    pub id: String,
    pub namespace: String,
    /// Unique within the namespace.
    pub name: String,
    pub ingress: Vec<Item>,
    pub egress: Vec<Item>,
}

/// One entry of a cell: `9092 (kafka)`, `Deny All`, `Any`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub text: String,
    /// `None` without an environment to compare with.
    pub sign: Option<Sign>,
}

/// How what is compares with what the environment in force expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    Expected,
    /// Expected to be open, and is not.
    Missing,
    /// Open, and not expected to be.
    Unexpected,
    Unknown,
    /// The environment says nothing about it.
    None,
}

impl Sign {
    pub fn glyph(self) -> &'static str {
        match self {
            Self::Expected => "=",
            Self::Missing => "▼",
            Self::Unexpected => "▲",
            Self::Unknown => "?",
            Self::None => "·",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Expected => "as expected",
            Self::Missing => "missing",
            Self::Unexpected => "not expected",
            Self::Unknown => "unknown",
            Self::None => "no expectation",
        }
    }
}

/// The flows of one workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flows {
    pub id: String,
    pub name: String,
    pub rows: Vec<Flow>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    pub incoming: bool,
    pub peer: String,
    /// The peer's node in the graph.
    pub peer_id: String,
    /// `8080/TCP`, `any`.
    pub port: String,
    pub verdict: Verdict,
    pub sign: Option<Sign>,
    /// The policy of the last gate; empty where no policy decided.
    pub decided_by: String,
    /// What to ask for the whole story.
    pub question: Question,
}

/// A probe, as it would be typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    pub from: String,
    pub to: String,
    /// Empty: on which ports.
    pub port: String,
}

impl Question {
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self {
            from: self.to.clone(),
            to: self.from.clone(),
            port: self.port.clone(),
        }
    }

    /// The line that asks this.
    pub fn line(&self) -> String {
        let mut line = format!("{} {}", self.from, self.to);
        if !self.port.is_empty() {
            line.push(' ');
            line.push_str(&self.port);
        }
        line
    }
}

/// One disagreement between the expectations and the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// In capitals: `EXCESS`, `BROKEN`.
    pub code: String,
    pub glyph: &'static str,
    pub severity: String,
    pub from: String,
    pub to: String,
    pub port: String,
    pub expected: Option<Verdict>,
    pub actual: Option<Verdict>,
    pub decided_by: String,
    /// The whole finding in words.
    pub about: Vec<Line>,
    /// What to ask for the whole story; `None` when it is not about one connection.
    pub question: Option<Question>,
}

/// How many findings an environment has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub environment: String,
    /// By glyph: `▲ ▼ ? ·`.
    pub counts: [usize; 4],
    pub errors: usize,
}

impl Tally {
    pub const GLYPHS: [&'static str; 4] = ["▲", "▼", "?", "·"];

    /// Counts findings.
    pub fn of(environment: &str, findings: &[Finding]) -> Self {
        Self {
            environment: environment.to_owned(),
            counts: Self::GLYPHS.map(|glyph| {
                let alike = findings.iter().filter(|finding| finding.glyph == glyph);
                alike.count()
            }),
            errors: findings
                .iter()
                .filter(|finding| finding.severity == "error")
                .count(),
        }
    }

    /// Better is what has fewer errors, then fewer findings.
    pub fn weight(&self) -> (usize, usize) {
        (self.errors, self.counts.iter().sum())
    }

    /// The signs that occur, with their counts.
    pub fn signs(&self) -> impl Iterator<Item = (&'static str, usize)> {
        Self::GLYPHS
            .into_iter()
            .zip(self.counts)
            .filter(|(_, count)| *count > 0)
    }
}

/// Environments side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sides {
    pub environments: Vec<String>,
    pub lines: Vec<SideLine>,
}

/// A connection, what the cluster does and what each environment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideLine {
    pub from: String,
    pub to: String,
    /// The ends' nodes in the graph.
    pub from_id: String,
    pub to_id: String,
    /// Of the ends that are workloads.
    pub namespaces: Vec<String>,
    /// `9092,9093/TCP`, `any`.
    pub port: String,
    pub verdict: Verdict,
    /// The policy of the last gate; empty where no policy decided, or where there are too many lines to ask for each.
    pub decided_by: String,
    /// In the order of [`Sides::environments`].
    pub cells: Vec<SideCell>,
    /// The environments say different things.
    pub differs: bool,
    /// Open because nothing isolates the workload, and nobody speaks of it.
    pub by_default: bool,
    pub question: Question,
}

/// What one environment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideCell {
    pub opinion: Opinion,
    /// How the cluster stands to it: `=`, or the sign of the finding; empty where it says nothing.
    pub sign: &'static str,
    /// The finding, in capitals; empty where there is none.
    pub code: String,
    /// Where it is written down, and the names of the flows that say so.
    pub written: String,
}

impl SideCell {
    /// `✓ must`, `may`, `✗ must not`.
    pub fn words(&self) -> (&'static str, &'static str) {
        match self.opinion {
            Opinion::Must => ("✓", "must"),
            Opinion::May => (" ", "may"),
            Opinion::MustNot => ("✗", "must not"),
            Opinion::None => (" ", "-"),
        }
    }

    pub fn is_drift(&self) -> bool {
        matches!(self.sign, "▲" | "▼" | "?")
    }
}

/// How a word is meant; the theme makes a style of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Allow,
    Deny,
    Unknown,
    Drift,
    Faint,
    Name,
}

impl Tone {
    pub const ALL: [Self; 7] = [
        Self::Plain,
        Self::Allow,
        Self::Deny,
        Self::Unknown,
        Self::Drift,
        Self::Faint,
        Self::Name,
    ];

    pub fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Allow => Self::Allow,
            Verdict::Deny => Self::Deny,
            Verdict::Unknown | Verdict::Unreachable => Self::Unknown,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub text: String,
    pub tone: Tone,
}

/// A line of words, each with its meaning.
pub type Line = Vec<Span>;

/// One stretch of text.
pub fn span(text: impl Into<String>, tone: Tone) -> Span {
    Span {
        text: text.into(),
        tone,
    }
}

/// The text of a line alone.
pub fn plain(line: &[Span]) -> String {
    line.iter().map(|span| span.text.as_str()).collect()
}

/// The sign and the word of a verdict.
pub fn verdict_words(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Allow => ("✓", "ALLOW"),
        Verdict::Deny => ("✗", "DENY"),
        Verdict::Unknown => ("?", "UNKNOWN"),
        Verdict::Unreachable => ("-", "UNREACHABLE"),
    }
}

/// The answer to a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub question: Question,
    pub verdict: Verdict,
    /// The whole answer; the first line is its headline.
    pub lines: Vec<Line>,
    /// The ends' nodes in the graph, where they are one.
    pub from_id: Option<String>,
    pub to_id: Option<String>,
}

/// What is made of a probe while it is typed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// Each part typed so far: its name (`FROM`), and how it reads or what is wrong with it.
    pub parts: Vec<Part>,
    /// What the part under the cursor may become, best first.
    pub candidates: Vec<Candidate>,
    /// The verdict, as soon as the line can be asked.
    pub verdict: Option<Verdict>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub name: &'static str,
    pub reading: Result<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub text: String,
    pub detail: String,
}

/// One workload in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    pub id: String,
    pub title: String,
    pub lines: Vec<Line>,
}

/// A finished picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// The graph, the view and the pane it was asked for.
    pub of: Arc<Graph>,
    pub asked: Show,
    pub options: Options,
    pub drawn: Drawn,
    /// Its wires cross so often that a matrix may be easier to read.
    pub tangled: bool,
}

/// The namespace that a box stands for which is one closed namespace, by its key.
pub fn stands_for(key: &str) -> Option<&str> {
    let name = key.strip_prefix("namespace/")?;
    // A workload's key has three parts.
    (!name.contains('/')).then_some(name)
}
