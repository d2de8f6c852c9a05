//! Ways in from outside: those that are written down and not there, and those that are there and nobody wrote down.
//!
//! Only an environment with a list of them is judged, and only workloads that it speaks of: by a row, or by a name in the list. Of what
//! is listed a workload, host, port, class and certificate have to fit as far as they are written.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::engine::{Entity, Reason, Through, Verdict, WayIn, WayKind, WayTo};
use crate::model::{PortRange, Protocol, Severity, SourceRef, ingress};
use crate::text::tame;

use super::super::file::Exposure;
use super::super::file::short::{self, PortWord};
use super::say::name;
use super::world::World;
use super::{Code, Finding, Found, Key};

/// Any workload.
const ANY: &str = "*";
/// A way that no cluster shows. Of the other words only `gateway` is no [`WayKind`].
const PORT_FORWARD: &str = "portForward";

pub(super) fn judge(world: &World<'_>, found: &mut Found) {
    let Some(written) = &world.plan.exposure else {
        return;
    };
    let judge = Judge {
        world,
        written,
        items: written.iter().flat_map(items).collect(),
    };
    let items = judge.items.iter().filter_map(|item| judge.item(item));
    found.others.extend(items);
    let ways = world.ways().iter().filter_map(|way| judge.way(way));
    found.others.extend(ways);
}

/// What is said of the exposure beside a connection from outside, which is judged by policy alone; empty where there is a way in.
///
/// Only for what has to work: that nothing leads there is what makes it fail all the same.
pub(super) fn beside(world: &World<'_>, key: &Key) -> String {
    let is_outside = matches!(key.from.as_str(), "external" | "internet")
        || key.from.parse::<ipnet::IpNet>().is_ok()
        || key
            .from
            .split(['-', ','])
            .all(|part| part.trim().parse::<IpAddr>().is_ok());
    let parts: Vec<&str> = key.to.split('/').collect();
    let ([namespace, _, _], true, Code::Met | Code::Broken) =
        (parts.as_slice(), is_outside, key.code)
    else {
        return String::new();
    };
    let leads_there = |way: &WayIn| matches!(&way.to, WayTo::Workload { id, .. } if *id == key.to);
    if world.ways().iter().any(leads_there) {
        return String::new();
    }
    let unseen = unseen(world, &WayKind::ALL, Some(namespace));
    if unseen.is_empty() {
        "; nothing exposes it: no way in from outside leads there".to_owned()
    } else {
        format!("; whether anything exposes it is not known: {unseen} could not be read")
    }
}

/// One port of a written way in, or all it has.
struct Item<'a> {
    written: &'a Exposure,
    port: Option<PortWord>,
    /// As written.
    port_text: Option<&'a str>,
}

fn items(written: &Exposure) -> Vec<Item<'_>> {
    let item = |port, port_text| Item {
        written,
        port,
        port_text,
    };
    let Some(text) = &written.port else {
        return vec![item(None, None)];
    };
    let parts = text.split(',').map(str::trim);
    parts
        .map(|part| {
            // What is no port was refused when the file was read.
            let word = short::ports(part)
                .ok()
                .and_then(|words| words.into_iter().next());
            item(word, Some(part))
        })
        .collect()
}

/// How a way compares with what is written.
enum Fit {
    /// It is about another workload, or another kind of way.
    Unrelated,
    /// It is this one; what of it rests on trust.
    Yes(Vec<String>),
    /// It may be, and what is not known of it.
    Unknown(Vec<String>),
    /// It is another one: in what.
    No(Vec<String>),
}

/// What was found out of one thing that is written.
#[derive(Default)]
struct Notes {
    trust: Vec<String>,
    unknown: Vec<String>,
    no: Vec<String>,
}

struct Judge<'w> {
    world: &'w World<'w>,
    written: &'w [Exposure],
    items: Vec<Item<'w>>,
}

impl Judge<'_> {
    /// Something that is written; `None` where another finding tells why it cannot be judged.
    fn item(&self, item: &Item<'_>) -> Option<Finding> {
        let written = item.written;
        let world = self.world;
        let what = self.spelled(item);
        let to = self.end(&written.workload);
        if written.via == PORT_FORWARD {
            let message =
                format!("{what}; a port-forward cannot be seen in a cluster, so it is only shown");
            return Some(self.tell(Code::Met, (&to, item), message, None));
        }
        let Some(kind) = WayKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == written.via)
        else {
            let message = format!("{what}, and whether it can is not known: Gateways are not read");
            return Some(self.tell(Code::Unknown, (&to, item), message, None));
        };
        let bound = world.plan.workloads.iter();
        let bound = bound.clone().find(|bound| bound.id == written.workload);
        if bound.is_some_and(|bound| bound.pods.is_empty()) {
            // That nothing is bound is told already, and nothing can lead to it.
            return None;
        }
        let mut unknown: Option<(&WayIn, Vec<String>)> = None;
        let mut nearest: Option<(&WayIn, Vec<String>)> = None;
        for way in world.ways() {
            match self.fit(item, way) {
                Fit::Unrelated => {}
                Fit::Yes(trust) => {
                    let message = format!(
                        "{} can be entered from outside {}, as expected{}{}",
                        name(&to_of(way).unwrap_or_default()),
                        described(way),
                        joined("; ", &trust),
                        policy(way, &world.engine.through(way))
                    );
                    return Some(self.tell(Code::Met, (&to, item), message, Some(way)));
                }
                Fit::Unknown(why) => {
                    unknown.get_or_insert((way, why));
                }
                Fit::No(why) => {
                    if nearest
                        .as_ref()
                        .is_none_or(|(_, best)| why.len() < best.len())
                    {
                        nearest = Some((way, why));
                    }
                }
            }
        }
        if let Some((way, why)) = unknown {
            let message = format!(
                "{what}, and whether that is the way in {} is not known{}",
                described(way),
                joined(": ", &why)
            );
            return Some(self.tell(Code::Unknown, (&to, item), message, Some(way)));
        }
        if let Some(why) = self.may_be_missed(kind, bound.map(|bound| &*bound.pods)) {
            let message = format!("{what}, and whether it can is not known: {why}");
            return Some(self.tell(Code::Unknown, (&to, item), message, None));
        }
        let nearest = nearest.map_or_else(String::new, |(way, why)| {
            format!(
                "; there is one {}, but {}",
                described(way),
                why.join(" and ")
            )
        });
        let message = format!("{what}, and there is no such way in{nearest}");
        Some(self.tell(Code::Stale, (&to, item), message, None))
    }

    /// A way that is there; `None` where it is written down, or not to be judged.
    fn way(&self, way: &WayIn) -> Option<Finding> {
        let (world, WayTo::Workload { id, pods, .. }) = (self.world, &way.to) else {
            return None;
        };
        let rows: BTreeSet<u32> = pods
            .iter()
            .flat_map(|pod| world.plan.rows_of(&Entity::Pod(*pod)))
            .collect();
        let named = |id: &str| self.written.iter().any(|one| one.workload == id);
        let is_listed = named(ANY)
            || rows.iter().any(|index| {
                let bound = &world.plan.workloads[*index as usize];
                bound.cells.iter().any(Option::is_some) || named(&bound.id)
            });
        if !is_listed {
            return None;
        }
        let mut nearest: Option<Vec<String>> = None;
        for item in &self.items {
            match self.fit(item, way) {
                Fit::Unrelated => {}
                // What is not known is told where it is written.
                Fit::Yes(_) | Fit::Unknown(_) => return None,
                Fit::No(why) => {
                    if nearest.as_ref().is_none_or(|best| why.len() < best.len()) {
                        nearest = Some(why);
                    }
                }
            }
        }
        let through = world.engine.through(way);
        let but = nearest.map_or_else(String::new, |why| {
            format!(" (what is written is another one: {})", why.join(" and "))
        });
        let message = format!(
            "{} can be entered from outside {}, and nobody wrote that down{but}{}",
            name(id),
            described(way),
            policy(way, &through)
        );
        let about = |one: &&Exposure| {
            one.workload == ANY
                || rows
                    .iter()
                    .any(|index| world.plan.workloads[*index as usize].id == one.workload)
        };
        let mut sources: Vec<SourceRef> = self
            .written
            .iter()
            .filter(about)
            .map(|one| one.at.clone())
            .collect();
        if sources.is_empty() {
            let bound = rows
                .iter()
                .map(|index| &world.plan.workloads[*index as usize]);
            sources.extend(
                bound
                    .flat_map(|bound| &bound.cells)
                    .flatten()
                    .map(|cell| cell.at.clone()),
            );
        }
        sources.sort();
        sources.dedup();
        let severity = if world.plan.exposure_is_inferred {
            Severity::Info
        } else {
            Code::Excess.severity()
        };
        let (protocol, ports) = seen_by_policy(way);
        Some(Finding {
            code: Code::Excess,
            severity,
            environment: world.plan.environment.clone(),
            from: "internet".to_owned(),
            to: id.clone(),
            protocol,
            ports,
            expected: Some(Verdict::Deny),
            actual: Some(through.verdict),
            because: through.because,
            policies: Vec::new(),
            sources,
            message,
        })
    }

    fn tell(
        &self,
        code: Code,
        (to, item): (&str, &Item<'_>),
        message: String,
        way: Option<&WayIn>,
    ) -> Finding {
        let inferred = self.world.plan.exposure_is_inferred && code == Code::Stale;
        let (protocol, ports) = way.map_or((None, None), seen_by_policy);
        Finding {
            code,
            severity: if inferred {
                Severity::Info
            } else {
                code.severity()
            },
            environment: self.world.plan.environment.clone(),
            from: "internet".to_owned(),
            to: to.to_owned(),
            protocol,
            ports,
            expected: None,
            actual: (code == Code::Unknown).then_some(Verdict::Unknown),
            because: Vec::new(),
            policies: Vec::new(),
            sources: vec![item.written.at.clone()],
            message,
        }
    }

    /// Whether a way is one that an item writes down.
    fn fit(&self, item: &Item<'_>, way: &WayIn) -> Fit {
        let (world, written) = (self.world, item.written);
        let is_meant = written.workload == ANY
            || way.to.pods().iter().any(|pod| {
                let rows = world.plan.rows_of(&Entity::Pod(*pod));
                rows.iter()
                    .any(|index| world.plan.workloads[*index as usize].id == written.workload)
            });
        if !is_meant || way.to.pods().is_empty() || written.via != way.kind.as_str() {
            return Fit::Unrelated;
        }
        let mut notes = Notes::default();
        if let Some(word) = &item.port {
            self.port(word, way, &mut notes);
        }
        if let Some(host) = &written.host {
            self.host(host, way, &mut notes);
        }
        if let Some(class) = &written.class {
            fit_class(class, way, &mut notes);
        }
        if let Some(tls) = &written.tls {
            fit_tls(tls, way, &mut notes);
        }
        if !notes.no.is_empty() {
            Fit::No(notes.no)
        } else if !notes.unknown.is_empty() {
            Fit::Unknown(notes.unknown)
        } else {
            Fit::Yes(notes.trust)
        }
    }

    fn port(&self, word: &PortWord, way: &WayIn, notes: &mut Notes) {
        if let PortWord::Name(protocol, wanted) = word {
            let engine = self.world.engine;
            let is_named = way.to.pods().iter().any(|pod| {
                let mut ports = engine.pod(*pod).ports.iter();
                ports.any(|port| {
                    port.name == *wanted
                        && way.targets.contains(&port.port)
                        && protocol.is_none_or(|own| own == port.protocol)
                })
            });
            if !is_named {
                notes
                    .no
                    .push(format!("it does not lead to port {}", tame(wanted)));
            }
            return;
        }
        let ports = word.numbers();
        let Some(port) = way.port else {
            if !matches!(word, PortWord::Any(_)) {
                notes
                    .unknown
                    .push("its node port has no number yet".to_owned());
            }
            return;
        };
        // With a certificate plain HTTP is answered as well, most often by sending on to HTTPS.
        let is_plain_too = way.kind == WayKind::Ingress && ports.contains(Protocol::Tcp, 80);
        if ports.contains(way.protocol, port) || is_plain_too {
            return;
        }
        notes
            .no
            .push(if way.kind == WayKind::Ingress && port == 80 {
                "it has no certificate for that host, so its port is 80".to_owned()
            } else {
                format!("its port is {port}/{}", way.protocol)
            });
    }

    fn host(&self, host: &str, way: &WayIn, notes: &mut Notes) {
        if way.kind == WayKind::Ingress {
            let own = way.host.as_deref();
            if let Some(own) = own.filter(|own| !ingress::is_host(own, host)) {
                notes.no.push(format!("it is for {}", tame(own)));
            }
            return;
        }
        if let Ok(address) = host.parse::<IpAddr>() {
            if way.addresses.is_empty() {
                notes.unknown.push("its address is not known".to_owned());
            } else if !way.addresses.contains(&address) {
                notes.no.push(format!("its address is {}", addresses(way)));
            }
            return;
        }
        let mut nodes = self.world.engine.cluster().nodes.iter();
        let is_known = way
            .hostnames
            .iter()
            .any(|own| own.eq_ignore_ascii_case(host))
            || (way.kind != WayKind::LoadBalancer && nodes.any(|node| node.name == *host));
        if !is_known {
            notes.trust.push(format!(
                "whether {} leads there is a matter of DNS",
                tame(host)
            ));
        }
    }

    /// Why a way of a kind to these pods may exist although none was found.
    fn may_be_missed(
        &self,
        kind: WayKind,
        pods: Option<&[crate::engine::PodId]>,
    ) -> Option<String> {
        let world = self.world;
        let namespaces: BTreeSet<&str> = pods
            .into_iter()
            .flatten()
            .map(|pod| world.engine.namespace_of(*pod).name.as_str())
            .collect();
        let unread = if pods.is_some() {
            let all = namespaces
                .iter()
                .map(|name| unseen(world, &[kind], Some(name)));
            all.filter(|one| !one.is_empty()).collect::<BTreeSet<_>>()
        } else {
            let all = unseen(world, &[kind], None);
            BTreeSet::from_iter((!all.is_empty()).then_some(all))
        };
        if !unread.is_empty() {
            let unread: Vec<String> = unread.into_iter().collect();
            return Some(format!("{} could not be read", unread.join(", ")));
        }
        let lost = world.ways().iter().find(|way| {
            let is_near = pods.is_none() || namespaces.contains(way.object.namespace.as_str());
            let is_lost = matches!(
                way.to,
                WayTo::Nothing(Reason::Unreadable | Reason::FqdnUnknown)
            );
            way.kind == kind && is_near && is_lost
        })?;
        Some(format!(
            "where the way in {} leads is not known",
            described(lost)
        ))
    }

    /// What is written, as the beginning of a sentence.
    fn spelled(&self, item: &Item<'_>) -> String {
        let written = item.written;
        let who = if written.workload == ANY {
            "some workload".to_owned()
        } else {
            format!("`{}`", tame(&written.workload))
        };
        let mut text = format!("{who} is to be entered from outside by {}", written.via);
        for (word, value) in [
            (" at ", written.host.as_deref()),
            (", port ", item.port_text),
            (", class ", written.class.as_deref()),
            (", TLS by ", written.tls.as_deref()),
        ] {
            if let Some(value) = value {
                text.push_str(word);
                text.push_str(&tame(value));
            }
        }
        text
    }

    /// The end of a finding about a written workload: its own id where it is just one, else as the document calls it.
    fn end(&self, workload: &str) -> String {
        let world = self.world;
        let bound = world
            .plan
            .workloads
            .iter()
            .find(|bound| bound.id == workload);
        let ids: BTreeSet<String> = bound
            .into_iter()
            .flat_map(|bound| &bound.pods)
            .map(|pod| world.engine.workload_of(*pod).id())
            .collect();
        match ids.len() {
            1 => ids.into_iter().next().unwrap_or_default(),
            _ if workload == ANY => "cluster".to_owned(),
            _ => workload.to_owned(),
        }
    }
}

/// What policy says of a way, as the end of a sentence.
fn policy(way: &WayIn, through: &Through) -> String {
    if let WayTo::Workload {
        idle: Some(reason), ..
    } = &way.to
    {
        return format!("; nobody gets there at the moment ({reason})");
    }
    let who = match (way.kind, &way.served) {
        (WayKind::Ingress, _) => "the controller",
        (_, Some(_)) => "those public addresses that are served",
        _ => "public addresses",
    };
    match through.verdict {
        Verdict::Allow if through.because.is_empty() => {
            format!("; no policy keeps {who} out")
        }
        Verdict::Allow => format!("; policy lets {who} in"),
        Verdict::Deny if through.because.is_empty() && through.reason == Reason::ExplicitDeny => {
            "; no public address is served".to_owned()
        }
        Verdict::Deny => format!("; policy keeps {who} out"),
        Verdict::Unknown => {
            let reason = through.reason;
            format!("; whether policy lets {who} in is not known ({reason})")
        }
        Verdict::Unreachable => format!("; nobody gets there ({})", through.reason),
    }
}

fn fit_class(class: &str, way: &WayIn, notes: &mut Notes) {
    match (way.kind, &way.class) {
        (WayKind::Ingress, Some(own)) if own == class => {}
        (WayKind::Ingress, Some(own)) => notes.no.push(format!("its class is {}", tame(own))),
        (WayKind::Ingress, None) => notes
            .unknown
            .push("it has the cluster's default class, which is not read".to_owned()),
        _ => notes
            .unknown
            .push(format!("the class of a {} is not read", way.kind)),
    }
}

fn fit_tls(wanted: &str, way: &WayIn, notes: &mut Notes) {
    if way.kind != WayKind::Ingress {
        notes
            .unknown
            .push(format!("who ends TLS behind a {} is not read", way.kind));
        return;
    }
    let Some(tls) = &way.tls else {
        if !matches!(wanted, "none" | "false" | "no") {
            notes
                .no
                .push("it has no certificate for its host".to_owned());
        }
        return;
    };
    match (wanted, &tls.issuer) {
        ("true" | "yes" | "any", _) => {}
        ("none" | "false" | "no", _) => notes.no.push("it has a certificate for its host".to_owned()),
        ("cert-manager", Some(_)) => {}
        ("cert-manager", None) => notes.unknown.push(
            "it has a certificate, and no annotation says that cert-manager issues it; Certificates are not read"
                .to_owned(),
        ),
        (name, issuer) => {
            let is_issuer = issuer.as_ref().is_some_and(|issuer| issuer.name == name);
            if !is_issuer && tls.secret.as_deref() != Some(name) {
                notes.no.push(match issuer {
                    Some(issuer) => format!("its certificate is of {} {}", tame(&issuer.kind), tame(&issuer.name)),
                    None => "nothing says who issues its certificate".to_owned(),
                });
            }
        }
    }
}

/// What kinds of ways into a namespace may have been missed, as one text; empty when none was.
fn unseen(world: &World<'_>, kinds: &[WayKind], namespace: Option<&str>) -> String {
    let all: BTreeSet<String> = kinds
        .iter()
        .flat_map(|kind| world.engine.unseen_ways(*kind, namespace))
        .collect();
    let all: Vec<String> = all.iter().map(|one| tame(one).into_owned()).collect();
    all.join(", ")
}

fn to_of(way: &WayIn) -> Option<String> {
    match &way.to {
        WayTo::Workload { id, .. } => Some(id.clone()),
        _ => None,
    }
}

/// The port that policy is asked about, where it is one.
fn seen_by_policy(way: &WayIn) -> (Option<Protocol>, Option<PortRange>) {
    match way.targets.as_slice() {
        [port] => {
            let port = std::num::NonZeroU16::new(*port);
            let range = port.and_then(|port| PortRange::new(port, port));
            (range.map(|_| way.protocol), range)
        }
        _ => (None, None),
    }
}

fn addresses(way: &WayIn) -> String {
    let addresses = way.addresses.iter().map(ToString::to_string);
    let names = way.hostnames.iter().map(|name| tame(name).into_owned());
    addresses.chain(names).collect::<Vec<_>>().join(", ")
}

/// A way in words: by what, where.
fn described(way: &WayIn) -> String {
    let object = &way.object;
    let source = object.source.as_ref();
    let source = source.map_or_else(String::new, |source| format!(" ({source})"));
    let object = format!(
        "{} {}/{}{source}",
        tame(&object.kind),
        tame(&object.namespace),
        tame(&object.name)
    );
    let port = match way.port {
        Some(port) => format!("port {port}/{}", way.protocol),
        None => "a port".to_owned(),
    };
    match way.kind {
        WayKind::LoadBalancer => {
            let at = addresses(way);
            let at = if at.is_empty() {
                at
            } else {
                format!(" at {at}")
            };
            format!("through {object}, which has a load balancer{at}, {port}")
        }
        WayKind::NodePort => format!("through {object}, {port} of every node"),
        WayKind::HostPort => format!("through {object}, {port} of its nodes"),
        WayKind::HostNetwork => {
            format!("through {object}, {port} of its nodes, whose network it uses")
        }
        WayKind::Ingress => {
            let host = way.host.as_deref().map_or_else(
                || " for any host".to_owned(),
                |host| format!(" for {}", tame(host)),
            );
            format!("through {object}{host}, {port}")
        }
    }
}

fn joined(before: &str, parts: &[String]) -> String {
    if parts.is_empty() {
        String::new()
    } else {
        format!("{before}{}", parts.join("; "))
    }
}

#[cfg(test)]
mod tests;
