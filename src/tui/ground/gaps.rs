//! What could not be read and what that costs; and how far each kind is while it is read for the first time.

use std::collections::BTreeSet;

use crate::model::{Cluster, Direction, Peer, Peers, Policy, PolicyKind, Resource, State};
use crate::model::{NamespaceScope, Rule};
use crate::questions::info::NotEvaluated;
use crate::report::words;
use crate::source::Link;
use crate::text::tame;
use crate::tui::view::{Gap, KindState, Why};

/// What costs most first.
const ORDER: [Resource; 11] = [
    Resource::NetworkPolicies,
    Resource::ClusterNetworkPolicies,
    Resource::AdminNetworkPolicies,
    Resource::BaselineAdminNetworkPolicies,
    Resource::Namespaces,
    Resource::Pods,
    Resource::Services,
    Resource::EndpointSlices,
    Resource::Nodes,
    Resource::ReplicaSets,
    Resource::Jobs,
];

/// What is refused or fails, a line for each kind; then what is read and not evaluated.
pub(super) fn gaps(cluster: &Cluster, not_evaluated: &[NotEvaluated]) -> Vec<Gap> {
    let other = PolicyKind::all().map(Resource::Other);
    let unread = ORDER.into_iter().chain(other);
    unread
        .filter_map(|resource| gap(cluster, resource))
        .chain(not_evaluated.iter().map(passed_over))
        .collect()
}

/// The plural. Several projects have network policies, so their kinds go with the group, as kubectl takes them.
fn kind_of(resource: Resource) -> String {
    match resource {
        Resource::Other(kind) => format!("{}.{}", kind.plural(), kind.group()),
        own => own.plural().to_owned(),
    }
}

/// Policies of another project.
fn passed_over(found: &NotEvaluated) -> Gap {
    Gap {
        kind: kind_of(Resource::Other(found.kind)),
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
        kind: kind_of(resource),
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
            Resource::Nodes => cluster.nodes.len(),
            _ => return None,
        })
    };
    Resource::ALL
        .into_iter()
        .filter_map(|resource| {
            let state = cluster.coverage.state(resource, None)?;
            let (glyph, words) = match state {
                State::Loading => {
                    let told = progress
                        .iter()
                        .filter_map(|line| line.strip_prefix(resource.plural()))
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
                kind: resource.plural(),
                glyph,
                words,
            })
        })
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
