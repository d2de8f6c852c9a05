//! Ways in from outside: those that are written down and not there, and those that are there and nobody wrote down.
//!
//! Only an environment with a list of them is judged, and only workloads that it speaks of: by a row, or by a name in the list. Of what
//! is listed a workload, host, port, class and certificate have to fit as far as they are written.

mod fit;
mod say;

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::engine::{Entity, Reason, Verdict, WayIn, WayKind, WayTo};
use crate::model::{PortRange, Protocol, Severity, SourceRef};
use crate::text::tame;

use super::super::file::Exposure;
use super::say::name;
use super::world::World;
use super::{Code, Finding, Found, Key};

use fit::{Fit, Item, fit, items};
use say::{described, joined, policy, spelled};

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
        let what = spelled(item);
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
            match fit(world, item, way) {
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
            match fit(world, item, way) {
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
            .flat_map(places)
            .cloned()
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
        Some(Finding {
            severity,
            expected: Some(Verdict::Deny),
            actual: Some(through.verdict),
            because: through.because,
            sources,
            ..self.finding(Code::Excess, id, message, Some(way))
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
        Finding {
            severity: if inferred {
                Severity::Info
            } else {
                code.severity()
            },
            sources: places(item.written).cloned().collect(),
            ..self.finding(code, to, message, way)
        }
    }

    fn finding(&self, code: Code, to: &str, message: String, way: Option<&WayIn>) -> Finding {
        let (protocol, ports) = way.map_or((None, None), seen_by_policy);
        Finding {
            code,
            severity: code.severity(),
            environment: self.world.plan.environment.clone(),
            from: "internet".to_owned(),
            to: to.to_owned(),
            protocol,
            ports,
            expected: None,
            actual: (code == Code::Unknown).then_some(Verdict::Unknown),
            because: Vec::new(),
            policies: Vec::new(),
            sources: Vec::new(),
            name: None,
            conditions: Vec::new(),
            message,
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

/// What kinds of ways into a namespace may have been missed, as one text; empty when none was.
fn unseen(world: &World<'_>, kinds: &[WayKind], namespace: Option<&str>) -> String {
    let all: BTreeSet<String> = kinds
        .iter()
        .flat_map(|kind| world.engine.unseen_ways(*kind, namespace))
        .collect();
    let all: Vec<String> = all.iter().map(|one| tame(one).into_owned()).collect();
    all.join(", ")
}

/// The line of the document it was read from, if any, and its own.
fn places(written: &Exposure) -> impl Iterator<Item = &SourceRef> {
    written.src.iter().chain([&written.at])
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

#[cfg(test)]
mod tests;
