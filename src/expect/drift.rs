//! What differs between the expectations and the cluster.
//!
//! Ports and addresses are compared as sets, exactly; pods pair by pair, those that neither policy nor document can tell apart
//! judged once. What is open to everyone is one finding, not one for each pod there is.

mod demands;
mod excess;
mod exposure;
mod say;
mod trial;
mod world;

use std::collections::BTreeMap;
use std::fmt;

use crate::compile::enforcer::Enforcer;
use crate::engine::{Engine, Entity, PolicyId, RuleId, Verdict};
use crate::model::{PortRange, PortSet, Protocol, Severity, SourceRef};

use super::plan::Plan;
use world::World;

/// What kind of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// What has to be possible is not.
    Broken,
    /// What must not be possible is.
    Excess,
    /// An exception past its date, or without one, and still open.
    Expired,
    /// A default deny that is written down and does not hold.
    Unisolated,
    /// Enforcement that is written down, and nothing enforces.
    Unenforced,
    /// A selector that matches no pod.
    Unbound,
    /// One end opens more than is tolerated, and only the other end still blocks it.
    Latent,
    /// Pods nobody wrote down, in a namespace somebody did.
    Undocumented,
    /// The document names something that does not exist.
    Stale,
    /// Policy is stricter than what is tolerated, and nothing that has to work suffers.
    Narrower,
    /// It cannot be decided.
    Unknown,
    /// As expected.
    Met,
}

impl Code {
    pub const ALL: [Self; 12] = [
        Self::Broken,
        Self::Excess,
        Self::Expired,
        Self::Unisolated,
        Self::Unenforced,
        Self::Unbound,
        Self::Latent,
        Self::Undocumented,
        Self::Stale,
        Self::Narrower,
        Self::Unknown,
        Self::Met,
    ];

    /// The lower-case word of JSON; text writes it in capitals.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Excess => "excess",
            Self::Expired => "expired",
            Self::Unisolated => "unisolated",
            Self::Unenforced => "unenforced",
            Self::Unbound => "unbound",
            Self::Latent => "latent",
            Self::Undocumented => "undocumented",
            Self::Stale => "stale",
            Self::Narrower => "narrower",
            Self::Unknown => "unknown",
            Self::Met => "met",
        }
    }

    fn severity(self) -> Severity {
        match self {
            Self::Broken
            | Self::Excess
            | Self::Expired
            | Self::Unisolated
            | Self::Unenforced
            | Self::Unbound => Severity::Error,
            Self::Latent | Self::Undocumented | Self::Stale | Self::Unknown => Severity::Warning,
            Self::Narrower | Self::Met => Severity::Info,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One difference, about one connection and one range of ports.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub code: Code,
    pub severity: Severity,
    pub environment: String,
    /// `ns/kind/name`, `ns/*`, `node/NAME`, address ranges, or one of `any`, `cluster`, `external`, `internet`, `node`, `dns`,
    /// `k8s-api`. Where only one thing is meant it stands in `from`. Empty: no end.
    pub from: String,
    pub to: String,
    /// With `ports`; `None` for what is not about a port.
    pub protocol: Option<Protocol>,
    /// As policy sees them, after translation.
    pub ports: Option<PortRange>,
    pub expected: Option<Verdict>,
    pub actual: Option<Verdict>,
    /// The rules that open what must be closed; for what must be open, the rules that come nearest.
    pub because: Vec<RuleId>,
    /// The policies that isolate the end that denies.
    pub policies: Vec<PolicyId>,
    /// Where it was written down.
    pub sources: Vec<SourceRef>,
    pub message: String,
}

/// Compares, and returns what differs: by severity (worst first), code, from, to and port.
pub fn judge(engine: &Engine, plan: &Plan, enforcer: &Enforcer) -> Vec<Finding> {
    let mut findings = judge_all(engine, plan, enforcer);
    findings.retain(|finding| finding.code != Code::Met);
    findings
}

/// Like [`judge`], and with what is as expected ([`Code::Met`]).
pub fn judge_all(engine: &Engine, plan: &Plan, enforcer: &Enforcer) -> Vec<Finding> {
    let mut found = Found::default();
    let world = World::new(engine, plan);
    found.claims_about_the_cluster(&world, enforcer);
    demands::judge(&world, &mut found);
    excess::judge(&world, &mut found);
    exposure::judge(&world, &mut found);
    found.into_findings(&world)
}

/// Findings of one connection, before their ports are cut into ranges.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    code: Code,
    /// Reversed order is made when sorting findings.
    severity: Severity,
    from: String,
    to: String,
    about: About,
    /// Index of the origin, when one rule, flow or exception is to name.
    origin: Option<usize>,
}

/// Which sentence is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    Connection,
    /// Nobody is let in on a port that is written down, or nothing is let out.
    ClosedPort,
    /// One side only was asked.
    EgressSide,
    IngressSide,
    /// A flow that a document forbids by name.
    Forbidden,
    DnsOverTcp,
    NoDate,
}

struct Entry {
    ports: PortSet,
    /// The pair to explain it by.
    from: Entity,
    to: Entity,
    sources: Vec<SourceRef>,
}

#[derive(Default)]
struct Found {
    connections: BTreeMap<Key, Entry>,
    others: Vec<Finding>,
}

impl Found {
    fn add(&mut self, key: Key, ports: &PortSet, pair: (&Entity, &Entity), sources: &[SourceRef]) {
        if ports.is_empty() {
            return;
        }
        let entry = self.connections.entry(key).or_insert_with(|| Entry {
            ports: PortSet::empty(),
            from: pair.0.clone(),
            to: pair.1.clone(),
            sources: Vec::new(),
        });
        entry.ports = entry.ports.union(ports);
        for source in sources {
            if !entry.sources.contains(source) {
                entry.sources.push(source.clone());
            }
        }
    }

    fn into_findings(mut self, world: &World<'_>) -> Vec<Finding> {
        let connections = std::mem::take(&mut self.connections);
        for (key, entry) in connections {
            for (protocol, ports) in entry.ports.iter() {
                self.others
                    .push(say::connection(world, &key, &entry, protocol, ports));
            }
        }
        let mut findings = self.others;
        findings.sort_by(|a, b| {
            b.severity
                .cmp(&a.severity)
                .then_with(|| {
                    (a.code, &a.from, &a.to, a.protocol, a.ports)
                        .cmp(&(b.code, &b.from, &b.to, b.protocol, b.ports))
                })
                .then_with(|| a.message.cmp(&b.message))
        });
        findings
            .dedup_by(|b, a| a.code == b.code && a.message == b.message && a.sources == b.sources);
        findings
    }
}

#[cfg(test)]
mod tests;
