//! What an unknown verdict hangs on, and what any verdict takes for granted.

use crate::engine::explain::Limit;
use crate::engine::{Cause, Engine};
use crate::model::{Effect, PolicyApi, PolicyKind};
use crate::text::tame;

use super::verdict;

/// What something that may open or close does where the verdict is allow, whatever the rest of the policies say: a denial of the
/// rest is undone, or an allowance of the rest is left alone.
const OPENS: &str = "opens this or leaves it open";
const OPEN: &str = "open this or leave it open";

fn object_name(kind: &str, namespace: &str, name: &str) -> String {
    if namespace.is_empty() {
        format!("{kind} {name}")
    } else {
        format!("{kind} {namespace}/{name}")
    }
}

/// `AuthorizationPolicies`, `EgressFirewalls`
pub(super) fn plural(kind: &str) -> String {
    match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{kind}s"),
    }
}

/// Whether more than one project has a kind of this name, so that only the group tells them apart.
pub(super) fn is_ambiguous(kind: PolicyKind) -> bool {
    let of_another =
        |other: PolicyKind| other.kind() == kind.kind() && other.project() != kind.project();
    PolicyKind::all().any(of_another) || PolicyApi::ALL.iter().any(|api| api.kind() == kind.kind())
}

/// A policy of another project.
fn foreign_name(kind: PolicyKind, namespace: &str, name: &str) -> String {
    let told = object_name(kind.kind(), namespace, name);
    if is_ambiguous(kind) {
        format!("{told} ({})", kind.group())
    } else {
        told
    }
}

/// `a, b and c`
fn listed(names: &[String]) -> String {
    match names {
        [] => "policies".to_owned(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// What an unknown verdict hangs on: a statement, such that the verdict is allow if it holds and deny if not.
pub fn condition(engine: &Engine, cause: &Cause) -> String {
    // Of rules that only ever allow, a match opens. A rule that denies, or passes on, may turn that round.
    let tiers = !engine.cluster().cluster_policies.is_empty();
    let told = tiers.then(|| either_way(cause)).flatten();
    tame(&told.unwrap_or_else(|| statement(cause))).into_owned()
}

/// The statements that hold whether a match opens or closes; `None` where the plain one does.
fn either_way(cause: &Cause) -> Option<String> {
    Some(match cause {
        Cause::PoliciesUnreadable { namespace } => {
            format!("the policies of namespace {namespace}, which could not be read, {OPEN}")
        }
        Cause::NamespaceLabelsUnreadable { namespace } => format!(
            "the labels of namespace {namespace}, which could not be read, are such that rules let this through"
        ),
        Cause::AddressUnknown => {
            "the pod's address, not known yet, is one that the blocks of rules let through"
                .to_owned()
        }
        Cause::BlockAgainstPod => {
            "the enforcer, matching blocks against pod addresses or not, lets this through"
                .to_owned()
        }
        Cause::BlockAgainstNode => {
            "the enforcer, matching blocks against node addresses or not, lets this through"
                .to_owned()
        }
        Cause::InitContainerPort { port } => format!(
            "the enforcer, looking up port name {port} in init containers too or not, lets this through"
        ),
        _ => return None,
    })
}

/// The same where rules only ever allow, as those of NetworkPolicies do.
pub fn cause(cause: &Cause) -> String {
    tame(&statement(cause)).into_owned()
}

#[expect(
    clippy::too_many_lines,
    reason = "a table: every cause with its sentence"
)]
fn statement(cause: &Cause) -> String {
    match cause {
        Cause::PoliciesUnreadable { namespace } => {
            format!("no policy of namespace {namespace} stands in the way; they could not be read")
        }
        Cause::NamespaceLabelsUnreadable { namespace } => {
            format!(
                "namespace {namespace} has the labels a namespaceSelector asks for; they could not be read"
            )
        }
        Cause::InvalidPolicy {
            api,
            namespace,
            name,
        } => format!(
            "{}, which an API server would refuse, {OPENS}",
            object_name(api.kind(), namespace, name)
        ),
        Cause::TierUnreadable { resource } => format!(
            "the {}, which could not be read, {OPEN}",
            plural(resource.kind())
        ),
        Cause::ApiUnsupported { api } => format!(
            "the enforcer, of which it is not known whether it acts on {} {}, lets this through",
            api.kind(),
            api.version()
        ),
        Cause::EqualPriority { names } => format!(
            "of {}, which have one priority, one that lets this through comes first",
            listed(names)
        ),
        Cause::DomainName { name } => {
            format!("{name} resolves to this address at that moment")
        }
        Cause::EmptyPeer => {
            "the enforcer skips a peer without a known field, instead of closing everything"
                .to_owned()
        }
        Cause::OtherPolicy {
            kind,
            namespace,
            name,
        } => match name {
            Some(name) => format!(
                "{}, which is not evaluated, {}",
                foreign_name(*kind, namespace, name),
                match kind.effect() {
                    Effect::Decides => OPENS,
                    Effect::Restricts => "does not close this",
                }
            ),
            None => format!(
                "the {} of {}, which could not be read, {}",
                plural(kind.kind()),
                kind.group(),
                many_let(*kind)
            ),
        },
        Cause::BaselineScope => {
            "the enforcer keeps the Baseline tier from a pod isolated only in the other direction"
                .to_owned()
        }
        Cause::AddressUnknown => {
            "the pod's address, not known yet, lies inside the ipBlock".to_owned()
        }
        Cause::BlockAgainstPod => "the enforcer matches ipBlock against pod addresses".to_owned(),
        Cause::BlockAgainstNode => "the enforcer matches ipBlock against node addresses".to_owned(),
        Cause::SelectorAgainstHostNetwork => {
            "the enforcer counts host-network pods as pods of their namespace".to_owned()
        }
        Cause::OwnNodeEgress => {
            "the enforcer lets a pod reach its own node whatever its egress rules say".to_owned()
        }
        Cause::NodeLabelsUnknown => {
            "the labels of the node, which could not be read, are such that rules let this through"
                .to_owned()
        }
        Cause::OtherPolicies { kind, count } => format!(
            "the {count} {}, which are not evaluated, {}",
            plural(kind.kind()),
            many_let(*kind)
        ),
        Cause::NodeUnknown => {
            "the pod runs on that very node; which one it runs on is not known".to_owned()
        }
        Cause::EndpointsUnreadable { service } => format!(
            "Service {service} has an endpoint that policies let through; its endpoints could not be read"
        ),
        Cause::AliasUnresolved { name } => {
            format!("{name} resolves to an address that policies let through")
        }
        Cause::Hairpin => {
            "the enforcer lets a pod reach itself through a Service, whatever policies say"
                .to_owned()
        }
        Cause::SourceRewritten {
            by_balancer,
            let_in,
            kept_out,
        } => source_rewritten(*by_balancer, let_in, kept_out),
        Cause::DestinationRewritten {
            asked,
            behind_is_open: true,
        } => format!("policy at the client sees the pod behind {asked}, not {asked} itself"),
        Cause::DestinationRewritten { asked, .. } => {
            format!("policy at the client sees {asked} itself, not the pod behind it")
        }
        Cause::InitContainerPort { port } => {
            format!("the enforcer looks up port name {port} in init containers too")
        }
    }
}

/// What several policies of a kind do where the verdict is allow.
fn many_let(kind: PolicyKind) -> &'static str {
    match kind.effect() {
        Effect::Decides => OPEN,
        Effect::Restricts => "do not close this",
    }
}

/// Up to three, and how many more.
fn few(names: &[String]) -> String {
    let mut told: Vec<String> = names.iter().take(3).cloned().collect();
    if names.len() > 3 {
        told.push(format!("{} more", names.len() - 3));
    }
    told.join(" or ")
}

fn source_rewritten(by_balancer: bool, let_in: &[String], kept_out: &[String]) -> String {
    let why = if by_balancer {
        "the load balancer opens connections of its own"
    } else {
        "under externalTrafficPolicy Cluster a node may put in its own address, and kube-proxy does"
    };
    format!(
        "the pod sees {} as the source, not {}: {why}",
        few(let_in),
        few(kept_out)
    )
}

/// What a verdict takes for granted.
pub fn limit(limit: &Limit) -> String {
    let told = match limit {
        Limit::AssumesNoLabel {
            namespace,
            requirement,
        } => {
            format!(
                "assumes no label {requirement} on namespace {namespace}: no Namespace object was loaded"
            )
        }
        Limit::SelectorStandsIn { service } => {
            format!("no EndpointSlice of Service {service} was loaded; its selector stands in")
        }
        Limit::Shadow { verdict: by_policy } => {
            format!("by policy alone it would be {}", verdict(*by_policy))
        }
        Limit::HeadlessPort {
            service,
            port,
            target,
        } => format!(
            "Service {service} is headless: port {port} is not translated to {target}, it is tried at the pod as it is"
        ),
        Limit::AfterTranslation { service } => {
            format!(
                "policy sees the endpoints of Service {service}: rules on its own address have no effect"
            )
        }
        Limit::NodeNotKnown { service } => format!(
            "Service {service} keeps traffic on one node; which node is not known here: assumes there is an endpoint on it"
        ),
        Limit::HostPort { pod, port, target } => format!(
            "port {port} of the node leads to pod {pod}: policy sees the pod and its port {target}"
        ),
        Limit::NodeLocalDns { cache } => format!(
            "{cache} answers DNS on every node: what pods ask it goes to their own node, not to the Service"
        ),
        Limit::BlockMatchedPod => {
            "a pod matched an ipBlock by its address; the API leaves open whether that counts"
                .to_owned()
        }
    };
    tame(&told).into_owned()
}
