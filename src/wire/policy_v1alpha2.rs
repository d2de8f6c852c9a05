//! policy.networking.k8s.io/v1alpha2: ClusterNetworkPolicy.
//!
//! See <https://network-policy-api.sigs.k8s.io/api-overview/>. Lists are kept as written: an empty one is not a missing one.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::policy_v1alpha1::{Peer, Subject};
use super::{Meta, kept_list, or_default};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClusterNetworkPolicy {
    #[serde(deserialize_with = "or_default")]
    pub metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    pub spec: ClusterNetworkPolicySpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClusterNetworkPolicySpec {
    pub tier: Option<String>,
    pub priority: Option<i64>,
    pub subject: Option<Subject>,
    #[serde(deserialize_with = "kept_list")]
    pub ingress: Option<Vec<Rule>>,
    #[serde(deserialize_with = "kept_list")]
    pub egress: Option<Vec<Rule>>,
}

/// An ingress or an egress rule. Each has one of `from` and `to`. Subject and peers are those of v1alpha1, less its oldest forms.
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
    pub protocols: Option<Vec<ProtocolMatch>>,
    /// Of v1alpha1: whoever wrote it did not mean every port.
    pub ports: Option<IgnoredAny>,
}

/// Exactly one field is set in a valid item.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProtocolMatch {
    pub tcp: Option<Transport>,
    pub udp: Option<Transport>,
    pub sctp: Option<Transport>,
    pub destination_named_port: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Transport {
    pub destination_port: Option<Port>,
}

/// One of the two.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Port {
    pub number: Option<i64>,
    pub range: Option<PortRange>,
}

/// Both ends belong to it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PortRange {
    pub start: Option<i64>,
    pub end: Option<i64>,
}
