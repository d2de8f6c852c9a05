//! Findings in words.

use std::collections::BTreeSet;

use crate::engine::{Cause, Engine, Entity, PolicyId, Reason, Side, Verdict};
use crate::model::{Direction, PortRange, Protocol, SourceRef};
use crate::text::tame;

use super::demands::verdicts;
use super::exposure;
use super::world::World;
use super::{About, Code, Finding, Key};

/// One range of ports of one connection, as a finding.
pub(super) fn connection(
    world: &World<'_>,
    key: &Key,
    (from, to): (&Entity, &Entity),
    (protocol, ports): (Protocol, PortRange),
    sources: &[SourceRef],
) -> Finding {
    let engine = world.engine;
    let why = engine.explain(from, to, protocol, ports.first());
    let unreachable = engine.unreachable(from, to);
    let one_side = match key.about {
        About::EgressSide => Some(&why.egress),
        About::IngressSide => Some(&why.ingress),
        // A closed port is the workload's own doing, and that end is the one that is no stand-in.
        About::ClosedPort => Some(if key.to == "any" {
            &why.egress
        } else {
            &why.ingress
        }),
        _ => None,
    };
    let sides: Vec<&Side> = one_side.map_or_else(|| vec![&why.egress, &why.ingress], |s| vec![s]);
    let denying: Vec<&Side> = sides
        .iter()
        .copied()
        .filter(|side| side.verdict == Verdict::Deny)
        .collect();
    let (expected, actual) = verdicts(key, unreachable.filter(|_| one_side.is_none()));
    let opens =
        !matches!(actual, Some(Verdict::Deny | Verdict::Unreachable)) || key.code == Code::Latent;
    let mut because = Vec::new();
    let mut policies: Vec<PolicyId> = Vec::new();
    for side in if opens { &sides } else { &denying } {
        if opens {
            because.extend(side.decided_by.iter().copied());
        } else {
            // A cluster-wide policy that denies does so by a rule; what isolates has no say then.
            because.extend(side.decided_by.iter().copied());
            if side.decided_by.is_empty() {
                because.extend(side.nearest.as_ref().map(|nearest| nearest.rule));
                policies.extend(side.isolated_by.iter().copied());
            }
        }
    }
    because.sort_unstable();
    because.dedup();
    policies.sort_unstable();
    policies.dedup();
    let port = self::ports(protocol, ports);
    let reason = match (unreachable, one_side) {
        (Some(reason), None) => format!("nothing can be reached there ({reason})"),
        _ => closed_because(engine, &why.egress, &why.ingress, one_side, key),
    };
    Finding {
        code: key.code,
        severity: key.severity,
        environment: world.plan.environment.clone(),
        from: key.from.clone(),
        to: key.to.clone(),
        protocol: Some(protocol),
        ports: Some(ports),
        expected,
        actual,
        because,
        policies,
        sources: sources.to_vec(),
        message: sentence(world, key, &port, &reason)
            + &unguarded(key, &sides, &why.egress)
            + &exposure::beside(world, key)
            + &open_for_the_api(world, key, to, (protocol, ports)),
        name: key
            .origin
            .and_then(|index| world.plan.origins[index].name.clone()),
        conditions: if key.code == Code::Unknown {
            let asked = sides.iter().flat_map(|side| &side.causes).cloned();
            asked.collect::<BTreeSet<Cause>>().into_iter().collect()
        } else {
            Vec::new()
        },
    }
}

/// Ports in a sentence.
pub(super) fn ports(protocol: Protocol, ports: PortRange) -> String {
    if ports == PortRange::ALL {
        format!("any {protocol} port")
    } else {
        format!("{ports}/{protocol}")
    }
}

/// How an end is called in a sentence: without its kind, and words spelled out.
pub(super) fn name(id: &str) -> String {
    match id {
        "any" => "everyone".to_owned(),
        "cluster" => "every pod".to_owned(),
        "external" => "every outside address".to_owned(),
        "internet" => "the internet".to_owned(),
        "node" => "every node".to_owned(),
        "dns" => "the cluster's DNS".to_owned(),
        "k8s-api" => "the API server".to_owned(),
        other => {
            let parts: Vec<&str> = other.split('/').collect();
            match parts.as_slice() {
                [namespace, _, name] => tame(&format!("{namespace}/{name}")).into_owned(),
                // Ranges of addresses.
                _ => tame(other).replace(',', ", "),
            }
        }
    }
}

fn sentence(world: &World<'_>, key: &Key, port: &str, reason: &str) -> String {
    let (from, to) = (name(&key.from), name(&key.to));
    let origin = key.origin.map(|index| &world.plan.origins[index]);
    let named = origin
        .and_then(|origin| origin.name.as_deref())
        .unwrap_or_default();
    match (key.code, key.about) {
        (Code::Broken, About::ClosedPort) if key.to == "any" => {
            format!("{from} has to get out on {port}, and reaches nobody: {reason}")
        }
        (Code::Broken, About::ClosedPort) => {
            format!("{to} has to be open on {port}, and lets nobody in: {reason}")
        }
        (Code::Broken, _) => format!("{from} has to reach {to} on {port}, and cannot: {reason}"),
        (Code::Excess, About::NoFamily) => format!(
            "policy opens {port} between {from} and {to}, and nobody wrote that down; nothing comes of it as long as the pod has no address of that family"
        ),
        (Code::Excess, About::Forbidden) if named.is_empty() => {
            format!("{from} can reach {to} on {port}, which is written down as forbidden")
        }
        (Code::Excess, About::Forbidden) => {
            format!("{from} can reach {to} on {port}, which `{named}` forbids")
        }
        (Code::Excess, _) => {
            format!("{from} can reach {to} on {port}, and nobody wrote that down")
        }
        (Code::Expired, About::NoDate) => format!(
            "{from} can reach {to} on {port} by the exception `{named}`, which has no date to end on{}",
            whose(origin)
        ),
        (Code::Expired, _) => {
            let date = origin.and_then(|origin| origin.expires);
            let date = date.map_or_else(String::new, |date| format!(" on {date}"));
            let what = if named.is_empty() {
                "what tolerated it".to_owned()
            } else {
                format!("`{named}`")
            };
            format!(
                "{from} can still reach {to} on {port}, although {what} expired{date}{}",
                whose(origin)
            )
        }
        (Code::Latent, about) => {
            let whole = if about == About::EgressSide {
                format!("{from} may send to {to} on {port}")
            } else {
                format!("{to} lets {from} in on {port}")
            };
            let against = match (origin, named) {
                (None, _) => "and nobody wrote that down".to_owned(),
                (Some(_), "") => "which is forbidden".to_owned(),
                (Some(_), named) => format!("which `{named}` forbids"),
            };
            format!("{whole} by its own policies, {against}; only the other end still blocks it")
        }
        (Code::Narrower, About::DnsOverTcp) => {
            format!("{from} reaches {to} over UDP only: {port} is closed, so long answers are lost")
        }
        (Code::Narrower, About::EgressSide) => {
            format!(
                "{from} could go out to {to} on {port}, and policy lets only some of that through"
            )
        }
        (Code::Narrower, About::IngressSide) => {
            format!("{to} could be open to {from} on {port}, and policy lets only some of them in")
        }
        (Code::Narrower, _) => {
            format!("{from} could reach {to} on {port}, and policy does not let it")
        }
        (Code::Unknown, About::Forbidden) if !named.is_empty() => format!(
            "whether {from} can reach {to} on {port}, which `{named}` forbids, cannot be decided from what was read"
        ),
        (Code::Unknown, _) => {
            format!("whether {from} can reach {to} on {port} cannot be decided from what was read")
        }
        (Code::Met, About::EgressSide) => format!("{from} gets out to {to} on {port}, as expected"),
        (Code::Met, About::IngressSide) => {
            format!("{to} is open on {port}, as expected")
        }
        (Code::Met, About::Forbidden) if named.is_empty() => {
            format!("{from} cannot reach {to} on {port}, as expected")
        }
        (Code::Met, About::Forbidden) => {
            format!("{from} cannot reach {to} on {port}, as `{named}` expects")
        }
        (_, _) => format!("{from} reaches {to} on {port}, as expected"),
    }
}

/// Where no rule opens what must be closed, it is that nothing isolates an end.
fn unguarded(key: &Key, sides: &[&Side], egress: &Side) -> String {
    let by_a_rule = sides.iter().any(|side| !side.decided_by.is_empty());
    let speaks = matches!(key.code, Code::Excess | Code::Expired) && key.about != About::NoFamily;
    if by_a_rule || !speaks {
        return String::new();
    }
    let open: Vec<String> = sides
        .iter()
        .filter(|side| {
            matches!(
                side.reason,
                Reason::NotIsolated | Reason::HostNetworkSubject
            )
        })
        .map(|side| {
            let (direction, id) = if std::ptr::eq(*side, egress) {
                (Direction::Egress, &key.from)
            } else {
                (Direction::Ingress, &key.to)
            };
            (direction, id, side.reason)
        })
        // Everyone and the like are no end that anybody could isolate.
        .filter(|(_, id, _)| id.contains('/'))
        .map(|(direction, id, reason)| match reason {
            Reason::HostNetworkSubject => {
                format!(
                    "{} runs on the host network, where no policy selects it",
                    name(id)
                )
            }
            _ => format!("{direction} of {} is not isolated", name(id)),
        })
        .collect();
    if open.is_empty() {
        String::new()
    } else {
        format!("; {}", open.join(", and "))
    }
}

/// No selector means the API server, so the port it calls is often open to every pod: that is said beside it.
fn open_for_the_api(
    world: &World<'_>,
    key: &Key,
    to: &Entity,
    (protocol, ports): (Protocol, PortRange),
) -> String {
    let is_open = || {
        let strangers = world.strangers_to(to);
        let mut sides = strangers.map(|one| world.engine.side(Direction::Ingress, to, one));
        sides.all(|side| side.sure.contains(protocol, ports.first()))
    };
    if key.code == Code::Met && key.from == "k8s-api" && to.pod().is_some() && is_open() {
        "; that port is open to every pod, because no rule can name the API server".to_owned()
    } else {
        String::new()
    }
}

/// Who answers for an exception, and why it was made, as far as written.
fn whose(origin: Option<&super::super::plan::Origin>) -> String {
    let Some(origin) = origin else {
        return String::new();
    };
    let mut parts = Vec::new();
    if let Some(owner) = &origin.owner {
        parts.push(format!("owner {}", tame(owner)));
    }
    if let Some(ticket) = &origin.ticket {
        parts.push(format!("ticket {}", tame(ticket)));
    }
    if let Some(why) = &origin.why {
        parts.push(tame(why).into_owned());
    }
    if parts.is_empty() {
        String::new()
    } else {
        format!(" ({})", parts.join("; "))
    }
}

/// Why a connection is closed, end by end.
fn closed_because(
    engine: &Engine,
    egress: &Side,
    ingress: &Side,
    one_side: Option<&Side>,
    key: &Key,
) -> String {
    let mut parts = Vec::new();
    for (direction, side, id) in [
        (Direction::Egress, egress, &key.from),
        (Direction::Ingress, ingress, &key.to),
    ] {
        let asked = one_side.is_none_or(|one| std::ptr::eq(one, side));
        if side.verdict != Verdict::Deny || !asked {
            continue;
        }
        if let Some(rule) = side.decided_by.first() {
            let policy = engine.policy(rule.policy);
            let path = rule.path();
            parts.push(format!(
                "{direction} of {} is denied by {} {}, {}",
                name(id),
                policy.api.kind(),
                tame(&policy.name),
                path.strip_prefix("spec.").unwrap_or(&path)
            ));
            continue;
        }
        let names: BTreeSet<String> = side
            .isolated_by
            .iter()
            .map(|policy| tame(&engine.policy(*policy).name).into_owned())
            .collect();
        let names: Vec<String> = names.into_iter().collect();
        parts.push(format!(
            "{direction} of {} is isolated by {}, and no rule allows it",
            name(id),
            names.join(", ")
        ));
    }
    parts.join("; ")
}
