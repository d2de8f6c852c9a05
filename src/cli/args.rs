//! Arguments as typed. Global flags may stand before or after the command.

use std::ffi::OsString;
use std::path::PathBuf;

use tracing::level_filters::LevelFilter;

use clap::{Parser, Subcommand, ValueEnum};

use crate::compile::ProfileName;
use crate::graph::Class;
use crate::model::Severity;
use crate::source::demo;

/// Shows how a Kubernetes cluster is segmented, and answers who can reach whom and which line of policy says so.
///
/// Without a command it opens the screen, on the current kubeconfig context. It never changes a cluster.
#[derive(Debug, Parser)]
#[command(name = "netseg-tui", version, max_term_width = 100)]
pub struct Args {
    #[command(flatten)]
    pub source: SourceArgs,
    /// Colours: only where they will be seen, always, or never
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// Draw with ASCII characters only
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Leave the mouse to the terminal
    #[arg(long, global = true)]
    pub no_mouse: bool,
    /// How much goes to the log file: off, error, warn, info, debug, trace
    #[arg(
        long,
        global = true,
        env = "NETSEG_LOG",
        default_value = "warn",
        value_name = "LEVEL"
    )]
    pub log_level: LevelFilter,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Where the cluster comes from, and what of it is looked at.
#[derive(Debug, clap::Args)]
pub struct SourceArgs {
    /// The kubeconfig to use instead of $KUBECONFIG and ~/.kube/config
    #[arg(long, global = true, value_name = "PATH", help_heading = "Source", conflicts_with_all = ["file", "demo"])]
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig context to use
    #[arg(long, global = true, value_name = "NAME", help_heading = "Source", conflicts_with_all = ["file", "demo"])]
    pub context: Option<String>,
    /// Show and judge only what has an end in these namespaces (repeat, or separate by commas)
    #[arg(
        short,
        long,
        global = true,
        value_name = "NS",
        value_delimiter = ',',
        help_heading = "Source"
    )]
    pub namespace: Vec<String>,
    /// Every namespace; the default
    #[arg(
        short = 'A',
        long,
        global = true,
        help_heading = "Source",
        conflicts_with = "namespace"
    )]
    pub all_namespaces: bool,
    /// Manifests instead of a live cluster: a file, a folder, or - for standard input (repeat)
    #[arg(
        short,
        long,
        global = true,
        value_name = "PATH",
        help_heading = "Source",
        conflicts_with = "demo"
    )]
    pub file: Vec<PathBuf>,
    /// A cluster built into the program; `--demo list` names them
    #[arg(long, global = true, value_name = "NAME", num_args = 0..=1, require_equals = true,
        default_missing_value = demo::DEFAULT, help_heading = "Source")]
    pub demo: Option<String>,
    /// Run the demo's recorded changes in real time
    #[arg(long, global = true, requires = "demo", help_heading = "Source")]
    pub play: bool,
    /// What is expected: a netseg/v1 YAML file, or a document whose tables are read as they are (repeat)
    #[arg(long, global = true, value_name = "PATH", help_heading = "Source")]
    pub expect: Vec<PathBuf>,
    /// The environment to judge by (for drift also several, as A,B); default: the first of the file
    #[arg(long, global = true, value_name = "NAME", help_heading = "Source")]
    pub env: Option<String>,
    /// The enforcer to reason with; default: the one detected
    #[arg(long, global = true, value_name = "NAME", value_parser = profile, help_heading = "Source")]
    pub profile: Option<ProfileName>,
    /// End with status 3 when any object is unreadable or invalid
    #[arg(long, global = true, help_heading = "Source")]
    pub strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// May FROM open a connection to TO on PORT, and exactly why or why not; without PORT, on which ports
    Probe(ProbeArgs),
    /// Every permitted connection, between workloads and with outside address ranges
    Flows(FlowsArgs),
    /// The architecture table of what is: a row a workload, ingress and egress as documents write them
    Table(TableArgs),
    /// The segmentation graph
    Graph(GraphArgs),
    /// Expectations against the cluster, finding by finding
    Drift(DriftArgs),
    /// What can be entered from outside, by what, and whether policy lets it through
    Exposure(ExposureArgs),
    /// An architecture document as a netseg/v1 file, with the line each rule came from
    Import(ImportArgs),
    /// Who reaches whom, rows to columns; without PORT, on at least one port
    Matrix(MatrixArgs),
    /// What is in force: versions and paths, the enforcer and the evidence, what was readable
    Info(InfoArgs),
    /// The key table of the screen
    Keys(KeysArgs),
    /// Shell completion, for standard output
    Completions { shell: clap_complete::Shell },
    /// The man page, for standard output
    Man,
}

#[derive(Debug, clap::Args)]
pub struct ProbeArgs {
    /// ns/name, ns/kind/name, name, ns/*, ns/?label=value, an address or network, internet, external, dns, k8s-api, node/NAME
    pub from: String,
    /// As FROM, or a Service: ns/svc/name
    pub to: String,
    /// 6379, 53/udp, 8000-8010, any, or a port name
    pub port: Option<String>,
    #[arg(short, long, value_enum, default_value_t = TextJson::Text)]
    pub output: TextJson,
}

#[derive(Debug, clap::Args)]
pub struct FlowsArgs {
    /// Only pairs and ports where a rule names the other end and the other end denies
    #[arg(long)]
    pub half_open: bool,
    #[arg(short, long, value_enum, default_value_t = TableFormat::Text)]
    pub output: TableFormat,
}

#[derive(Debug, clap::Args)]
pub struct ExposureArgs {
    #[arg(short, long, value_enum, default_value_t = TableFormat::Text)]
    pub output: TableFormat,
}

#[derive(Debug, clap::Args)]
pub struct MatrixArgs {
    /// A port such as 443 or 53/udp
    pub port: Option<String>,
    #[arg(short, long, value_enum, default_value_t = TableFormat::Text)]
    pub output: TableFormat,
}

#[derive(Debug, clap::Args)]
pub struct TableArgs {
    #[arg(short, long, value_enum, default_value_t = TableFormat::Text)]
    pub output: TableFormat,
}

#[derive(Debug, clap::Args)]
pub struct GraphArgs {
    /// The traffic that is drawn (repeat, or separate by commas); default: app in text and svg, all in dot and mermaid
    #[arg(long, value_enum, value_delimiter = ',', value_name = "CLASS")]
    pub classes: Vec<TrafficClass>,
    /// What stands above the picture, for svg, dot and mermaid
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    #[arg(short, long, value_enum, default_value_t = GraphFormat::Text)]
    pub output: GraphFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// The picture in characters, as wide as COLUMNS says, else the terminal, else 120
    Text,
    /// For Graphviz
    Dot,
    /// For Markdown pages
    Mermaid,
    /// The picture as vector graphics
    Svg,
    Json,
}

/// A kind of traffic. What is not as expected is drawn whatever its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TrafficClass {
    /// Between workloads, and with addresses outside
    App,
    /// To the cluster's DNS
    Dns,
    /// The collection of metrics
    Scrape,
    /// With the API server and the nodes
    Control,
}

impl TrafficClass {
    pub(crate) fn class(self) -> Class {
        match self {
            Self::App => Class::App,
            Self::Dns => Class::Dns,
            Self::Scrape => Class::Scrape,
            Self::Control => Class::ControlPlane,
        }
    }
}

#[derive(Debug, clap::Args)]
pub struct DriftArgs {
    /// Only what is about one workload, or of one code such as broken
    #[arg(long, value_name = "WORD")]
    pub only: Option<String>,
    /// Also what is as expected
    #[arg(long)]
    pub all: bool,
    /// End with status 1 from this severity on
    #[arg(long, value_enum, default_value_t = FailOn::Error, value_name = "SEVERITY")]
    pub fail_on: FailOn,
    #[arg(short, long, value_enum, default_value_t = DriftFormat::Text)]
    pub output: DriftFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DriftFormat {
    Text,
    Json,
    Md,
    Csv,
    /// Test results: a case an expectation, a suite an environment
    Junit,
    /// For code scanning: a rule a code of findings
    Sarif,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    Error,
    Warning,
    Info,
}

impl FailOn {
    pub fn severity(self) -> Severity {
        match self {
            Self::Error => Severity::Error,
            Self::Warning => Severity::Warning,
            Self::Info => Severity::Info,
        }
    }
}

#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// The document, or a netseg/v1 file; - for standard input. With a source (-f, --demo, --context) names are looked up in it
    #[arg(value_name = "DOC")]
    pub doc: PathBuf,
    /// One environment (--env) with inheritance applied, and behind each line where it comes from
    #[arg(long)]
    pub resolved: bool,
    #[arg(short, long, value_enum, default_value_t = TextJson::Text)]
    pub output: TextJson,
}

#[derive(Debug, clap::Args)]
pub struct InfoArgs {
    /// Only this machine: stop before the source is read
    #[arg(long)]
    pub local: bool,
    #[arg(short, long, value_enum, default_value_t = TextJson::Text)]
    pub output: TextJson,
}

#[derive(Debug, clap::Args)]
pub struct KeysArgs {
    #[arg(short, long, value_enum, default_value_t = TextJson::Text)]
    pub output: TextJson,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TextJson {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    Text,
    Json,
    Md,
    Csv,
}

fn profile(text: &str) -> Result<ProfileName, String> {
    ProfileName::parse(text).ok_or_else(|| {
        let known: Vec<&str> = ProfileName::ALL.iter().map(|name| name.as_str()).collect();
        format!("known: {}", known.join(", "))
    })
}

/// Lets the demo's name be left out before a command: `--demo probe …`. A word that is no command is its name.
pub(crate) fn normalise(typed: Vec<OsString>) -> Vec<OsString> {
    let commands: Vec<String> = <Args as clap::CommandFactory>::command()
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .chain(["help".to_owned()])
        .collect();
    let mut done = Vec::with_capacity(typed.len());
    let mut words = typed.into_iter().peekable();
    while let Some(word) = words.next() {
        if word == "--" {
            done.push(word);
            done.extend(words);
            break;
        }
        if word == "--demo"
            && let Some(name) = words.peek().and_then(|next| next.to_str())
            && !name.starts_with('-')
            && !commands.iter().any(|command| command == name)
        {
            done.push(format!("--demo={name}").into());
            words.next();
            continue;
        }
        done.push(word);
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    fn parse(line: &str) -> Args {
        let words = line.split(' ').map(OsString::from).collect();
        Args::try_parse_from(normalise(words)).unwrap_or_else(|e| panic!("{line}: {e}"))
    }

    #[test]
    fn the_demos_name_may_be_left_out_before_a_command() {
        let args = parse("netseg-tui --demo probe a b 80");
        assert_eq!(args.source.demo.as_deref(), Some("stalker"));
        assert!(matches!(args.command, Some(Command::Probe(_))));
        assert_eq!(
            parse("netseg-tui --demo stalker flows")
                .source
                .demo
                .as_deref(),
            Some("stalker")
        );
        assert_eq!(
            parse("netseg-tui flows --demo").source.demo.as_deref(),
            Some("stalker")
        );
        assert_eq!(
            parse("netseg-tui --demo list").source.demo.as_deref(),
            Some("list")
        );
    }

    #[test]
    fn global_flags_stand_before_or_after_the_command() {
        for line in [
            "netseg-tui -n a,b -f x flows",
            "netseg-tui flows -n a -n b -f x",
        ] {
            assert_eq!(parse(line).source.namespace, ["a", "b"], "{line}");
        }
    }
}
