//! What could not be read and what that costs; and how far each kind is while it is read for the first time.

use std::collections::BTreeSet;

use crate::model::{Cluster, Coverage, Direction, Effect, Peer, Peers, Policy, Resource, State};
use crate::model::{NamespaceScope, Rule};
use crate::questions::info::NotEvaluated;
use crate::report::words;
use crate::source::Link;
use crate::text::tame;
use crate::tui::view::{Gap, KindState, Why};

/// The kinds that every server has, what costs most first.
const ORDER: [Resource; 9] = [
    Resource::NetworkPolicies,
    Resource::Namespaces,
    Resource::Pods,
    Resource::Services,
    Resource::EndpointSlices,
    Resource::Nodes,
    Resource::ReplicaSets,
    Resource::Jobs,
    Resource::Ingresses,
];

/// What kinds of policies that a server may not have are called together.
const POLICY_APIS: &str = "policy APIs";
/// So many of them that fail alike are one line.
const TOGETHER: usize = 4;

/// What is refused or fails, a line for each kind. Kinds that the server does not have are no gap.
/// Then what is read and not evaluated.
pub(super) fn gaps(cluster: &Cluster, not_evaluated: &[NotEvaluated]) -> Vec<Gap> {
    let needed = ORDER.into_iter();
    let mut gaps: Vec<Gap> = needed
        .filter_map(|resource| gap(cluster, resource))
        .collect();
    let optional: Vec<Gap> = Resource::optional()
        .filter_map(|resource| gap(cluster, resource))
        .collect();
    for one in &optional {
        let is_alike = |other: &&Gap| (&other.scope, &other.said) == (&one.scope, &one.said);
        if optional.iter().filter(is_alike).count() < TOGETHER {
            gaps.push(one.clone());
        } else if !gaps
            .iter()
            .any(|gap| gap.kind == POLICY_APIS && is_alike(&gap))
        {
            gaps.push(Gap {
                kind: POLICY_APIS.to_owned(),
                cost: "whether others decide too is unseen: what they may change is UNKNOWN"
                    .to_owned(),
                ..one.clone()
            });
        }
    }
    gaps.extend(not_evaluated.iter().map(passed_over));
    gaps
}

/// The same in one line each, for the notes: kind, namespace, state.
pub(super) fn unread(coverage: &Coverage) -> Vec<(&'static str, Option<&str>, &State)> {
    let is_unread = |state: &State| matches!(state, State::Forbidden { .. } | State::Failed { .. });
    let mut unread: Vec<(&'static str, Option<&str>, &State)> = Vec::new();
    for (resource, namespace, state) in coverage.iter().filter(|(.., state)| is_unread(state)) {
        let alike = coverage
            .iter()
            .filter(|(kind, place, other)| {
                kind.is_optional() && *place == namespace && *other == state
            })
            .count();
        let kind = if resource.is_optional() && alike >= TOGETHER {
            POLICY_APIS
        } else {
            resource.full_name()
        };
        if !unread.contains(&(kind, namespace, state)) {
            unread.push((kind, namespace, state));
        }
    }
    unread
}

/// Policies of another project.
fn passed_over(found: &NotEvaluated) -> Gap {
    Gap {
        kind: Resource::Other(found.kind).full_name().to_owned(),
        scope: if found.namespaces.is_empty() {
            "cluster".to_owned()
        } else {
            few(&found.namespaces.iter().map(String::as_str).collect())
        },
        cost: words::not_evaluated(found),
        why: Why::NotEvaluated,
        said: String::new(),
    }
}

fn gap(cluster: &Cluster, resource: Resource) -> Option<Gap> {
    let is_gap = |state: &State| matches!(state, State::Forbidden { .. } | State::Failed { .. });
    let states: Vec<(Option<&str>, &State)> = cluster
        .coverage
        .iter()
        .filter(|(kind, ..)| *kind == resource)
        .map(|(_, namespace, state)| (namespace, state))
        .collect();
    let (_, first) = states.iter().find(|(_, state)| is_gap(state))?;
    let is_whole = states
        .iter()
        .any(|(namespace, state)| namespace.is_none() && is_gap(state));
    let named = |wanted: bool| -> BTreeSet<&str> {
        states
            .iter()
            .filter(|(_, state)| is_gap(state) == wanted)
            .filter_map(|(namespace, _)| *namespace)
            .collect()
    };
    let (read, missing) = (named(false), named(true));
    let (scope, of) = match (is_whole, read.is_empty()) {
        (true, true) => ("cluster".to_owned(), "every namespace".to_owned()),
        (true, false) => {
            let read = few(&read);
            (format!("all but {read}"), format!("all but {read}"))
        }
        (false, _) => (few(&missing), few(&missing)),
    };
    Some(Gap {
        kind: resource.full_name().to_owned(),
        scope,
        cost: cost(cluster, resource, &of),
        why: match first {
            State::Forbidden { .. } => Why::Forbidden,
            _ => Why::Failed,
        },
        said: tame(first.message().unwrap_or_default()).into_owned(),
    })
}

/// At most three names.
fn few(names: &BTreeSet<&str>) -> String {
    let mut shown: Vec<String> = names
        .iter()
        .take(3)
        .map(|name| tame(name).into_owned())
        .collect();
    if names.len() > 3 {
        shown.push(format!("and {} more", names.len() - 3));
    }
    shown.join(" ")
}

/// What a missing kind does to verdicts (rule E12).
fn cost(cluster: &Cluster, resource: Resource, of: &str) -> String {
    match resource {
        Resource::NetworkPolicies => {
            format!("flows to and from {of} are UNKNOWN, never ALLOW")
        }
        Resource::Namespaces => {
            let count = cluster
                .policies()
                .filter(|policy| needs_labels(policy))
                .count();
            let using = match count {
                0 => String::new(),
                1 => " (1 policy has one)".to_owned(),
                more => format!(" ({more} policies have one)"),
            };
            format!(
                "labels unseen: what a namespaceSelector decides is UNKNOWN, never ALLOW{using}"
            )
        }
        Resource::Pods => format!("no workloads of {of} are shown"),
        Resource::Services => {
            "Services cannot be named in a probe; DNS and the API may not be found".to_owned()
        }
        Resource::EndpointSlices => "the addresses behind Services are unseen".to_owned(),
        Resource::Nodes => "the names and addresses of nodes are unseen".to_owned(),
        Resource::ReplicaSets => "pods of Deployments stand under their ReplicaSets".to_owned(),
        Resource::Jobs => "pods of CronJobs stand under their Jobs".to_owned(),
        Resource::Ingresses => {
            format!("what Ingresses of {of} let in from outside is UNKNOWN; verdicts are not")
        }
        Resource::Other(kind) if kind.effect() == Effect::Restricts => {
            format!("what they may close is UNKNOWN in {of}")
        }
        Resource::ClusterNetworkPolicies
        | Resource::AdminNetworkPolicies
        | Resource::BaselineAdminNetworkPolicies
        | Resource::Other(_) => {
            format!("what they may open or close is UNKNOWN in {of}")
        }
    }
}

/// Whether a rule looks at the labels of namespaces.
fn needs_labels(policy: &Policy) -> bool {
    let looks = |rule: &Rule| {
        match &rule.peers {
        Peers::Everyone => false,
        Peers::AnyOf(items) => items.iter().any(|item| {
            matches!(
                &item.peer,
                Peer::Pods { namespaces: NamespaceScope::Matching(selector), .. } if !selector.is_everything()
            )
        }),
    }
    };
    Direction::BOTH
        .into_iter()
        .filter_map(|direction| policy.rules(direction))
        .flatten()
        .any(looks)
}

/// How far each kind is, for the screen before there is anything else to show.
pub(super) fn kinds(cluster: &Cluster, link: &Link) -> Vec<KindState> {
    let Link::Loading { progress, .. } = link else {
        return Vec::new();
    };
    let counts = |resource| -> Option<usize> {
        let spaces = cluster.namespaces.values();
        Some(match resource {
            Resource::Namespaces => spaces.filter(|space| space.declared).count(),
            Resource::Pods => spaces.map(|space| space.pods.len()).sum(),
            Resource::NetworkPolicies => spaces.map(|space| space.policies.len()).sum(),
            Resource::Services => spaces.map(|space| space.services.len()).sum(),
            Resource::Ingresses => spaces.map(|space| space.ingresses.len()).sum(),
            Resource::Nodes => cluster.nodes.len(),
            Resource::ClusterNetworkPolicies
            | Resource::AdminNetworkPolicies
            | Resource::BaselineAdminNetworkPolicies => {
                let policies = cluster.cluster_policies.iter();
                policies
                    .filter(|policy| policy.api.resource() == resource)
                    .count()
            }
            Resource::Other(kind) => cluster
                .foreign
                .iter()
                .filter(|one| one.kind == kind)
                .count(),
            _ => return None,
        })
    };
    let is_asked = |resource: &Resource| {
        let state = cluster.coverage.state(*resource, None);
        !resource.is_optional() || !matches!(state, None | Some(State::Loading | State::NotServed))
    };
    let is_open = Resource::optional()
        .any(|resource| cluster.coverage.state(resource, None) == Some(&State::Loading));
    let asking = is_open.then(|| KindState {
        kind: POLICY_APIS,
        glyph: "◌",
        words: String::new(),
    });
    Resource::ALL
        .into_iter()
        .chain(Resource::optional().filter(is_asked))
        .filter_map(|resource| {
            let state = cluster.coverage.state(resource, None)?;
            let (glyph, words) = match state {
                State::Loading => {
                    let told = progress
                        .iter()
                        .filter_map(|line| line.strip_prefix(resource.full_name()))
                        .find(|rest| rest.is_empty() || rest.starts_with(' '));
                    ("◌", told.unwrap_or_default().trim().to_owned())
                }
                State::NotServed => ("-", "not served here".to_owned()),
                State::Forbidden { .. } => ("✗", "may not be read".to_owned()),
                State::Failed { why } => ("✗", tame(why).into_owned()),
                _ => (
                    "✓",
                    counts(resource)
                        .map(|count| count.to_string())
                        .unwrap_or_default(),
                ),
            };
            Some(KindState {
                kind: resource.full_name(),
                glyph,
                words,
            })
        })
        .chain(asking)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Coverage;

    fn forbidden() -> State {
        State::Forbidden {
            message: "no\u{1b}".to_owned(),
        }
    }

    fn told(states: &[(Resource, Option<&str>, State)]) -> Vec<String> {
        let mut coverage = Coverage::complete();
        for (resource, namespace, state) in states {
            coverage.set(*resource, *namespace, state.clone());
        }
        let cluster = Cluster {
            coverage,
            ..Cluster::default()
        };
        gaps(&cluster, &[])
            .into_iter()
            .map(|gap| format!("{}|{}|{}", gap.kind, gap.scope, gap.cost))
            .collect()
    }

    #[test]
    fn a_gap_names_kind_scope_and_cost() {
        assert!(told(&[]).is_empty());
        let policies = Resource::NetworkPolicies;
        assert_eq!(
            told(&[(policies, None, forbidden())]),
            ["networkpolicies|cluster|flows to and from every namespace are UNKNOWN, never ALLOW"]
        );
        assert_eq!(
            told(&[
                (policies, None, forbidden()),
                (policies, Some("shop"), State::Live),
                (policies, Some("vault"), forbidden()),
            ]),
            [
                "networkpolicies|all but shop|flows to and from all but shop are UNKNOWN, never ALLOW"
            ]
        );
        assert_eq!(
            told(&[
                (Resource::Pods, Some("vault"), forbidden()),
                (
                    Resource::Nodes,
                    None,
                    State::Failed {
                        why: "500".to_owned()
                    }
                ),
            ]),
            [
                "pods|vault|no workloads of vault are shown",
                "nodes|cluster|the names and addresses of nodes are unseen"
            ]
        );
    }

    #[test]
    fn policy_kinds_that_are_not_served_are_no_gap_and_many_alike_are_one() {
        let not_served: Vec<_> = Resource::optional()
            .map(|resource| (resource, None, State::NotServed))
            .collect();
        assert!(told(&not_served).is_empty());
        let wide = Resource::ClusterNetworkPolicies;
        assert_eq!(
            told(&[(wide, None, forbidden())]),
            [
                "clusternetworkpolicies|cluster|what they may open or close is UNKNOWN in every namespace"
            ]
        );
        let refused: Vec<_> = Resource::optional()
            .map(|resource| (resource, None, forbidden()))
            .collect();
        let all = "policy APIs|cluster|whether others decide too is unseen: what they may change is UNKNOWN";
        assert_eq!(told(&refused), [all]);
        let mut coverage = Coverage::complete();
        for (resource, namespace, state) in refused {
            coverage.set(resource, namespace, state);
        }
        assert_eq!(unread(&coverage), [("policy APIs", None, &forbidden())]);
    }

    #[test]
    fn what_the_server_said_is_tamed() {
        let mut coverage = Coverage::complete();
        coverage.set(Resource::Namespaces, None, forbidden());
        let cluster = Cluster {
            coverage,
            ..Cluster::default()
        };
        assert_eq!(gaps(&cluster, &[])[0].said, "no\\u{1b}");
    }

    #[test]
    fn each_kind_says_how_far_it_is() {
        let mut coverage = Coverage::default();
        coverage.set(Resource::Pods, None, State::Loading);
        coverage.set(Resource::Nodes, None, State::Live);
        coverage.set(Resource::Jobs, None, State::NotServed);
        let cluster = Cluster {
            coverage,
            ..Cluster::default()
        };
        let link = Link::Loading {
            progress: vec!["pods 500/1203".to_owned()],
            trouble: None,
        };
        let told: Vec<String> = kinds(&cluster, &link)
            .into_iter()
            .map(|kind| format!("{} {} {}", kind.glyph, kind.kind, kind.words))
            .collect();
        assert_eq!(
            told,
            ["◌ pods 500/1203", "✓ nodes 0", "- jobs not served here"]
        );
        assert!(kinds(&cluster, &Link::Live).is_empty());
    }
}
