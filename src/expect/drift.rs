//! What differs between the expectations and the cluster.
//!
//! Ports and addresses are compared as sets, exactly; pods pair by pair, those that neither policy nor document can tell apart
//! judged once. What is open to everyone is one finding, not one for each pod there is.

mod claims;
mod demands;
mod excess;
mod exposure;
mod kept;
mod say;
mod trial;
mod world;

use std::collections::BTreeMap;
use std::fmt;

use crate::compile::enforcer::Enforcer;
use crate::engine::{Cause, Engine, Entity, PolicyId, RuleId, Verdict};
use crate::model::{Direction, PortRange, PortSet, Protocol, Severity, SourceRef};

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

    /// How bad it is when nothing else is written down.
    pub fn severity(self) -> Severity {
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
    /// Of the flow or exception that is meant by name.
    pub name: Option<String>,
    /// What it hangs on that it cannot be decided, each a statement that is true or not.
    pub conditions: Vec<Cause>,
}

impl Finding {
    /// The message as it would be about other ports, which `ports` names as it is to read in a sentence.
    pub fn message_about(&self, ports: &str) -> String {
        match (self.protocol, self.ports) {
            (Some(protocol), Some(range)) => {
                self.message
                    .replacen(&say::ports(protocol, range), ports, 1)
            }
            _ => self.message.clone(),
        }
    }

    /// Whether all that is to be said of two findings is the same but for the ports.
    pub fn differs_in_ports_only(&self, other: &Self) -> bool {
        let same = |finding: &Self| Self {
            protocol: None,
            ports: None,
            message: finding.message_about("them"),
            ..finding.clone()
        };
        self.ports.is_some() && other.ports.is_some() && same(self) == same(other)
    }
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
    let violated = excess::judge(&world, &mut found);
    kept::judge(&world, &violated, &mut found);
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
    /// Nothing that is written down speaks of it.
    Unwritten,
    /// The same, towards addresses of a family that the pod has none of.
    NoFamily,
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
    /// Ports, and the pair to explain them by. No port is in two of them.
    parts: Vec<(PortSet, Entity, Entity)>,
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
            parts: Vec::new(),
            sources: Vec::new(),
        });
        let known = entry.parts.iter();
        let new = known.fold(ports.clone(), |left, (known, ..)| left.difference(known));
        if !new.is_empty() {
            entry.parts.push((new, pair.0.clone(), pair.1.clone()));
        }
        for source in sources {
            if !entry.sources.contains(source) {
                entry.sources.push(source.clone());
            }
        }
    }

    /// That policy is stricter than it could be is a remark only where nothing that has to work suffers from that.
    fn forget_remarks_on_what_is_broken(&mut self, engine: &Engine) {
        // Who denies what has to work: the source's egress, the destination's ingress.
        let mut egress: BTreeMap<String, PortSet> = BTreeMap::new();
        let mut ingress = egress.clone();
        let broken = self.connections.iter();
        for (key, entry) in broken.filter(|(key, _)| key.code == Code::Broken) {
            for (ports, from, to) in &entry.parts {
                for (direction, own, peer, id, denied) in [
                    (Direction::Egress, from, to, &key.from, &mut egress),
                    (Direction::Ingress, to, from, &key.to, &mut ingress),
                ] {
                    let part = ports.difference(&engine.side(direction, own, peer).possible);
                    let all = denied.entry(id.clone()).or_default();
                    *all = all.union(&part);
                }
            }
        }
        let narrower = self.connections.iter_mut();
        for (key, entry) in narrower.filter(|(key, _)| key.code == Code::Narrower) {
            let hurt = match key.about {
                About::EgressSide => egress.get(&key.from),
                About::IngressSide => ingress.get(&key.to),
                _ => None,
            };
            for (ports, ..) in &mut entry.parts {
                *ports = hurt.map_or_else(|| ports.clone(), |hurt| ports.difference(hurt));
            }
        }
    }

    fn into_findings(mut self, world: &World<'_>) -> Vec<Finding> {
        self.forget_remarks_on_what_is_broken(world.engine);
        let connections = std::mem::take(&mut self.connections);
        for (key, entry) in connections {
            for (set, from, to) in &entry.parts {
                for range in set.iter() {
                    let told = say::connection(world, &key, (from, to), range, &entry.sources);
                    self.others.push(told);
                }
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
