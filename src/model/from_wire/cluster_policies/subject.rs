//! Namespaces and pods: of a policy's subject, and of a peer.

use crate::model::{NamespaceScope, Peer, Selector};
use crate::wire;
use crate::wire::policy_v1alpha1::{NamespacePeer, PodPeer, Subject};

use super::super::policies::read_selector;
use super::Reader;

/// Every pod of every namespace: what a subject that cannot be read may be.
pub(super) fn anybody() -> (NamespaceScope, Selector) {
    let everything = Selector::everything;
    (NamespaceScope::Matching(everything()), everything())
}

/// The two lists of label keys that the first releases had (rule A31).
enum Namespaces {
    Selected(Selector),
    Tenant { keys: Vec<String>, same: bool },
}

impl Namespaces {
    fn peer(self, pods: Selector) -> Peer {
        match self {
            Self::Selected(selector) => Peer::Pods {
                namespaces: NamespaceScope::Matching(selector),
                pods,
            },
            Self::Tenant { keys, same } => Peer::TenantPods { keys, same, pods },
        }
    }
}

impl Reader<'_> {
    /// Exactly one of `namespaces` and `pods` (rule A15).
    pub(super) fn subject(&mut self, written: Option<&Subject>) -> (NamespaceScope, Selector) {
        const PATH: &str = "spec.subject";
        match written.map(|subject| (&subject.namespaces, &subject.pods)) {
            Some((Some(namespaces), None)) => {
                let path = format!("{PATH}.namespaces");
                let selector = read_selector(namespaces, &path, &mut self.inner);
                (NamespaceScope::Matching(selector), Selector::everything())
            }
            Some((None, Some(pods))) => {
                if pods.namespaces.is_some() {
                    self.refuse(
                        &format!("{PATH}.pods.namespaces"),
                        "a subject has `namespaceSelector` here",
                    );
                    return anybody();
                }
                match self.pod_peer(pods, &format!("{PATH}.pods")) {
                    Peer::Pods { namespaces, pods } => (namespaces, pods),
                    _ => anybody(),
                }
            }
            Some((Some(_), Some(_))) => {
                self.refuse(PATH, "`namespaces` cannot stand beside `pods`");
                anybody()
            }
            None | Some((None, None)) => {
                self.refuse(PATH, "a subject needs `namespaces` or `pods`");
                anybody()
            }
        }
    }

    pub(super) fn namespace_peer(&mut self, written: &NamespacePeer, path: &str) -> Peer {
        match self.namespaces(written, path) {
            Some(namespaces) => namespaces.peer(Selector::everything()),
            None => Peer::Unreadable,
        }
    }

    /// Pods of namespaces; both selectors have to match, and an empty one matches all (rule A15).
    pub(super) fn pod_peer(&mut self, written: &PodPeer, path: &str) -> Peer {
        let namespaces = match (&written.namespace_selector, &written.namespaces) {
            (Some(_), Some(_)) => {
                self.refuse(path, "`namespaces` cannot stand beside `namespaceSelector`");
                None
            }
            (Some(selector), None) => {
                let path = format!("{path}.namespaceSelector");
                Some(Namespaces::Selected(read_selector(
                    selector,
                    &path,
                    &mut self.inner,
                )))
            }
            (None, Some(_)) if self.is_v1alpha2() => {
                self.refuse(
                    &format!("{path}.namespaces"),
                    "v1alpha2 has no such field here; write `namespaceSelector`",
                );
                None
            }
            (None, Some(old)) => self.namespaces(old, &format!("{path}.namespaces")),
            // Optional there, and everything then.
            (None, None) if self.is_v1alpha2() => {
                Some(Namespaces::Selected(Selector::everything()))
            }
            (None, None) => {
                self.refuse(
                    path,
                    "`namespaceSelector` is mandatory; {} means every namespace",
                );
                None
            }
        };
        let pods = match &written.pod_selector {
            Some(selector) => {
                let path = format!("{path}.podSelector");
                Some(read_selector(selector, &path, &mut self.inner))
            }
            None => {
                self.refuse(path, "`podSelector` is mandatory; {} means every pod");
                None
            }
        };
        match (namespaces, pods) {
            (Some(namespaces), Some(pods)) => namespaces.peer(pods),
            _ => Peer::Unreadable,
        }
    }

    /// Reads a selector, or what the first releases had in its place. `None` when it is refused.
    fn namespaces(&mut self, written: &NamespacePeer, path: &str) -> Option<Namespaces> {
        let is_plain = !written.match_labels.is_empty() || !written.match_expressions.is_empty();
        let old: Vec<&'static str> = [
            ("namespaceSelector", written.namespace_selector.is_some()),
            ("sameLabels", written.same_labels.is_some()),
            ("notSameLabels", written.not_same_labels.is_some()),
        ]
        .into_iter()
        .filter_map(|(field, is_set)| is_set.then_some(field))
        .collect();
        if old.is_empty() {
            let selector = wire::LabelSelector {
                match_labels: written.match_labels.clone(),
                match_expressions: written.match_expressions.clone(),
            };
            let selector = read_selector(&selector, path, &mut self.inner);
            return Some(Namespaces::Selected(selector));
        }
        if self.is_v1alpha2() {
            self.refuse(
                path,
                format!(
                    "v1alpha2 has a label selector here and no `{}`; without it every namespace is meant",
                    old[0]
                ),
            );
            return None;
        }
        if is_plain || old.len() > 1 {
            self.refuse(
                path,
                format!(
                    "`{}` cannot stand beside another way to choose namespaces",
                    old[0]
                ),
            );
            return None;
        }
        if let Some(selector) = &written.namespace_selector {
            let path = format!("{path}.namespaceSelector");
            let selector = read_selector(selector, &path, &mut self.inner);
            return Some(Namespaces::Selected(selector));
        }
        let same = written.same_labels.is_some();
        let listed = written
            .same_labels
            .as_ref()
            .or(written.not_same_labels.as_ref());
        let keys = listed.cloned().unwrap_or_default();
        if keys.is_empty() || keys.iter().any(String::is_empty) {
            self.refuse(
                &format!("{path}.{}", old[0]),
                "needs one label key at least, and none of them empty",
            );
            return None;
        }
        Some(Namespaces::Tenant { keys, same })
    }
}
