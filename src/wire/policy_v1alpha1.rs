//! policy.networking.k8s.io/v1alpha1: AdminNetworkPolicy and BaselineAdminNetworkPolicy.
//!
//! The peers of the first releases (about 0.1.0 to 0.1.2) are here too: old clusters still have them (rule A31). Lists are kept as
//! written: an empty one is not a missing one.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{LabelRequirement, LabelSelector, Meta, kept_list, list, or_default, string_map};

/// Either kind: BaselineAdminNetworkPolicy has the same fields, without a priority.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct AdminNetworkPolicy {
    #[serde(deserialize_with = "or_default")]
    pub metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    pub spec: AdminNetworkPolicySpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct AdminNetworkPolicySpec {
    pub priority: Option<i64>,
    pub subject: Option<Subject>,
    #[serde(deserialize_with = "kept_list")]
    pub ingress: Option<Vec<Rule>>,
    #[serde(deserialize_with = "kept_list")]
    pub egress: Option<Vec<Rule>>,
}

/// An ingress or an egress rule. Each has one of `from` and `to`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Rule {
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    pub action: Option<String>,
    #[serde(deserialize_with = "kept_list")]
    pub from: Option<Vec<Peer>>,
    #[serde(deserialize_with = "kept_list")]
    pub to: Option<Vec<Peer>>,
    #[serde(deserialize_with = "kept_list")]
    pub ports: Option<Vec<PortMatch>>,
    /// Of v1alpha2: whoever wrote it did not mean every port.
    pub protocols: Option<IgnoredAny>,
}

/// Whom a policy acts on: exactly one field is set in a valid one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Subject {
    pub namespaces: Option<LabelSelector>,
    pub pods: Option<PodPeer>,
}

/// Exactly one field is set in a valid peer; `nodes`, `networks` and `domainNames` only in egress rules.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Peer {
    pub namespaces: Option<NamespacePeer>,
    pub pods: Option<PodPeer>,
    pub nodes: Option<LabelSelector>,
    #[serde(deserialize_with = "kept_list")]
    pub networks: Option<Vec<String>>,
    #[serde(deserialize_with = "kept_list")]
    pub domain_names: Option<Vec<String>>,
}

/// A label selector, or one level deeper what the first releases had instead. Read as a mere selector, the old form would mean
/// every namespace.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NamespacePeer {
    #[serde(deserialize_with = "string_map")]
    pub match_labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "list")]
    pub match_expressions: Vec<LabelRequirement>,
    pub namespace_selector: Option<LabelSelector>,
    #[serde(deserialize_with = "kept_list")]
    pub same_labels: Option<Vec<String>>,
    #[serde(deserialize_with = "kept_list")]
    pub not_same_labels: Option<Vec<String>>,
}

/// `namespaces` is what the first releases had in the place of `namespaceSelector`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodPeer {
    pub namespace_selector: Option<LabelSelector>,
    pub namespaces: Option<NamespacePeer>,
    pub pod_selector: Option<LabelSelector>,
}

/// Exactly one field is set in a valid item.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PortMatch {
    pub port_number: Option<PortNumber>,
    pub port_range: Option<PortRange>,
    pub named_port: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PortNumber {
    pub protocol: Option<String>,
    pub port: Option<i64>,
}

/// Both ends belong to it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PortRange {
    pub protocol: Option<String>,
    pub start: Option<i64>,
    pub end: Option<i64>,
}
