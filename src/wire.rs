//! API objects as they arrive from a server or a file: slim, lenient, and nothing decided yet.
//!
//! Only the fields that verdicts, folding and explanations read are here. Every field may be missing; what a value *means* is
//! settled in one place, `model::from_wire`. `null` counts as absent, also inside lists (rule E8).
//!
//! The kinds of Kubernetes itself are here; of the optional APIs each group and version has a file of its own.

pub mod ingress;
pub mod policy_v1alpha1;
pub mod policy_v1alpha2;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

pub use ingress::{Ingress, IngressBackend, IngressTls};
pub use policy_v1alpha1::AdminNetworkPolicy;
pub use policy_v1alpha2::ClusterNetworkPolicy;

/// `apiVersion` and `kind`, and the name: enough to say what a document is, even when the rest cannot be read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Head {
    #[serde(deserialize_with = "or_default")]
    pub api_version: String,
    #[serde(deserialize_with = "or_default")]
    pub kind: String,
    #[serde(deserialize_with = "or_default")]
    pub metadata: Meta,
}

impl Head {
    /// The group of `apiVersion`: empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version
            .split_once('/')
            .map_or("", |(group, _)| group)
    }

    /// The version of `apiVersion`.
    pub fn version(&self) -> &str {
        self.api_version
            .split_once('/')
            .map_or(self.api_version.as_str(), |(_, version)| version)
    }
}

/// The part of `metadata` that is read. Of the annotations only the few in `ANNOTATIONS` are kept.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    #[serde(deserialize_with = "or_default")]
    pub namespace: String,
    #[serde(deserialize_with = "or_default")]
    pub uid: String,
    #[serde(deserialize_with = "or_default")]
    pub resource_version: String,
    pub creation_timestamp: Option<String>,
    pub deletion_timestamp: Option<String>,
    #[serde(deserialize_with = "string_map")]
    pub labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "list")]
    pub owner_references: Vec<OwnerReference>,
    /// Those of `ANNOTATIONS`, in the order written.
    #[serde(deserialize_with = "annotations")]
    pub annotations: Vec<(&'static str, String)>,
}

impl Meta {
    /// The value of an annotation that is kept.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations
            .iter()
            .find(|(own, _)| *own == key)
            .map(|(_, value)| value.as_str())
    }

    /// The addresses of a node's tunnels, as Calico writes them (rule N50).
    pub fn tunnel_addresses(&self) -> impl Iterator<Item = &str> {
        let tunnels = self
            .annotations
            .iter()
            .filter(|(key, _)| key.starts_with("projectcalico.org/"));
        tunnels.map(|(_, value)| value.as_str())
    }
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct OwnerReference {
    #[serde(deserialize_with = "or_default")]
    pub kind: String,
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    #[serde(deserialize_with = "or_default")]
    pub controller: bool,
}

/// One object of a kind this program reads.
#[derive(Clone, Debug)]
pub enum Object {
    Namespace(Box<Namespace>),
    Node(Box<Node>),
    Pod(Box<Pod>),
    Workload(Box<Workload>),
    Service(Box<Service>),
    EndpointSlice(Box<EndpointSlice>),
    NetworkPolicy(Box<NetworkPolicy>),
    Ingress(Box<Ingress>),
    ClusterNetworkPolicy(Box<ClusterNetworkPolicy>),
    AdminNetworkPolicy(Box<AdminNetworkPolicy>),
    /// The same fields in another tier, less the priority.
    BaselineAdminNetworkPolicy(Box<AdminNetworkPolicy>),
    /// A policy of another project. What it says is not read.
    Foreign(Box<Foreign>),
    /// An object of a kind that matters whose fields could not be decoded. It exists, so it is never dropped in silence.
    Unreadable(Box<Unreadable>),
}

/// What is known of an object that could not be decoded.
#[derive(Clone, Debug, Default)]
pub struct Unreadable {
    /// The API group: several have a kind of the same name. Empty for the core group, and where it could not be read either.
    pub group: String,
    pub kind: String,
    pub metadata: Meta,
    pub why: String,
}

/// A policy of another project: which one it is, and nothing else.
#[derive(Clone, Debug, Default)]
pub struct Foreign {
    pub group: String,
    pub kind: String,
    pub metadata: Meta,
}

impl Object {
    pub fn meta(&self) -> &Meta {
        match self {
            Self::Namespace(o) => &o.metadata,
            Self::Node(o) => &o.metadata,
            Self::Pod(o) => &o.metadata,
            Self::Workload(o) => &o.metadata,
            Self::Service(o) => &o.metadata,
            Self::EndpointSlice(o) => &o.metadata,
            Self::NetworkPolicy(o) => &o.metadata,
            Self::Ingress(o) => &o.metadata,
            Self::ClusterNetworkPolicy(o) => &o.metadata,
            Self::AdminNetworkPolicy(o) | Self::BaselineAdminNetworkPolicy(o) => &o.metadata,
            Self::Foreign(o) => &o.metadata,
            Self::Unreadable(o) => &o.metadata,
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Namespace {
    #[serde(deserialize_with = "or_default")]
    pub metadata: Meta,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Node {
    #[serde(deserialize_with = "or_default")]
    pub metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    pub spec: NodeSpec,
    #[serde(deserialize_with = "or_default")]
    pub status: NodeStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeSpec {
    #[serde(rename = "podCIDRs", deserialize_with = "list")]
    pub pod_cidrs: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeStatus {
    #[serde(deserialize_with = "list")]
    pub addresses: Vec<NodeAddress>,
    #[serde(deserialize_with = "list")]
    pub conditions: Vec<Condition>,
    #[serde(deserialize_with = "or_default")]
    pub node_info: NodeInfo,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeInfo {
    #[serde(deserialize_with = "or_default")]
    pub kubelet_version: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeAddress {
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub kind: String,
    #[serde(deserialize_with = "or_default")]
    pub address: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Condition {
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub kind: String,
    #[serde(deserialize_with = "or_default")]
    pub status: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pod {
    #[serde(deserialize_with = "or_default")]
    pub metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    pub spec: PodSpec,
    #[serde(deserialize_with = "or_default")]
    pub status: PodStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSpec {
    pub node_name: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub host_network: bool,
    #[serde(deserialize_with = "list")]
    pub containers: Vec<Container>,
    #[serde(deserialize_with = "list")]
    pub init_containers: Vec<Container>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    #[serde(deserialize_with = "or_default")]
    pub image: String,
    #[serde(deserialize_with = "list")]
    pub ports: Vec<ContainerPort>,
    pub restart_policy: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerPort {
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    #[serde(deserialize_with = "or_default")]
    pub container_port: i64,
    pub host_port: Option<i64>,
    #[serde(rename = "hostIP")]
    pub host_ip: Option<String>,
    pub protocol: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    #[serde(deserialize_with = "or_default")]
    pub phase: String,
    #[serde(rename = "podIP")]
    pub pod_ip: Option<String>,
    #[serde(rename = "podIPs", deserialize_with = "list")]
    pub pod_ips: Vec<PodIp>,
    #[serde(rename = "hostIP")]
    pub host_ip: Option<String>,
    #[serde(deserialize_with = "list")]
    pub conditions: Vec<Condition>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodIp {
    #[serde(deserialize_with = "or_default")]
    pub ip: String,
}

/// Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob or ReplicationController: what owns pods.
///
/// From a live server only the metadata is read, for folding; a file also needs the template, because there the object stands
/// for pods that nobody dumped.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Workload {
    /// `Deployment`, `Job`, …; set by whoever decoded it.
    #[serde(skip)]
    pub kind: String,
    #[serde(deserialize_with = "or_default")]
    pub metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    pub spec: WorkloadSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadSpec {
    pub replicas: Option<i64>,
    pub template: Option<PodTemplate>,
    pub job_template: Option<JobTemplate>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct JobTemplate {
    #[serde(deserialize_with = "or_default")]
    pub spec: JobSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct JobSpec {
    pub template: Option<PodTemplate>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodTemplate {
    #[serde(deserialize_with = "or_default")]
    pub metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    pub spec: PodSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Service {
    #[serde(deserialize_with = "or_default")]
    pub metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    pub spec: ServiceSpec,
    #[serde(deserialize_with = "or_default")]
    pub status: ServiceStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceSpec {
    #[serde(rename = "type")]
    pub kind: Option<String>,
    #[serde(rename = "clusterIP")]
    pub cluster_ip: Option<String>,
    #[serde(rename = "clusterIPs", deserialize_with = "list")]
    pub cluster_ips: Vec<String>,
    pub external_name: Option<String>,
    #[serde(deserialize_with = "string_map")]
    pub selector: BTreeMap<String, String>,
    #[serde(deserialize_with = "list")]
    pub ports: Vec<ServicePort>,
    pub internal_traffic_policy: Option<String>,
    pub external_traffic_policy: Option<String>,
    #[serde(deserialize_with = "list")]
    pub ip_families: Vec<String>,
    #[serde(rename = "externalIPs", deserialize_with = "list")]
    pub external_ips: Vec<String>,
    #[serde(rename = "loadBalancerIP")]
    pub load_balancer_ip: Option<String>,
    #[serde(deserialize_with = "list")]
    pub load_balancer_source_ranges: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub publish_not_ready_addresses: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceStatus {
    #[serde(deserialize_with = "or_default")]
    pub load_balancer: LoadBalancerStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LoadBalancerStatus {
    #[serde(deserialize_with = "list")]
    pub ingress: Vec<LoadBalancerIngress>,
}

/// One way in at a load balancer; where it has a host name instead of an address nothing can be asked by it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LoadBalancerIngress {
    pub ip: Option<String>,
    pub hostname: Option<String>,
    pub ip_mode: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServicePort {
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    pub protocol: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub port: i64,
    pub target_port: Option<IntOrString>,
    pub node_port: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EndpointSlice {
    #[serde(deserialize_with = "or_default")]
    pub metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    pub address_type: String,
    #[serde(deserialize_with = "list")]
    pub endpoints: Vec<Endpoint>,
    #[serde(deserialize_with = "list")]
    pub ports: Vec<EndpointPort>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Endpoint {
    #[serde(deserialize_with = "list")]
    pub addresses: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub conditions: EndpointConditions,
    pub node_name: Option<String>,
    pub target_ref: Option<TargetRef>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct EndpointConditions {
    pub ready: Option<bool>,
    pub serving: Option<bool>,
    pub terminating: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TargetRef {
    #[serde(deserialize_with = "or_default")]
    pub kind: String,
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    #[serde(deserialize_with = "or_default")]
    pub namespace: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct EndpointPort {
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    pub protocol: Option<String>,
    pub port: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NetworkPolicy {
    #[serde(deserialize_with = "or_default")]
    pub metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    pub spec: NetworkPolicySpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkPolicySpec {
    pub pod_selector: Option<LabelSelector>,
    #[serde(deserialize_with = "list")]
    pub policy_types: Vec<String>,
    #[serde(deserialize_with = "list")]
    pub ingress: Vec<NetworkPolicyRule>,
    #[serde(deserialize_with = "list")]
    pub egress: Vec<NetworkPolicyRule>,
}

/// An ingress or an egress rule. Each has one of `from` and `to`; the other one would be dropped by the server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NetworkPolicyRule {
    #[serde(deserialize_with = "list")]
    pub from: Vec<NetworkPolicyPeer>,
    #[serde(deserialize_with = "list")]
    pub to: Vec<NetworkPolicyPeer>,
    #[serde(deserialize_with = "list")]
    pub ports: Vec<NetworkPolicyPort>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkPolicyPeer {
    pub pod_selector: Option<LabelSelector>,
    pub namespace_selector: Option<LabelSelector>,
    pub ip_block: Option<IpBlock>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct IpBlock {
    #[serde(deserialize_with = "or_default")]
    pub cidr: String,
    #[serde(deserialize_with = "list")]
    pub except: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkPolicyPort {
    pub protocol: Option<String>,
    pub port: Option<IntOrString>,
    pub end_port: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LabelSelector {
    #[serde(deserialize_with = "string_map")]
    pub match_labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "list")]
    pub match_expressions: Vec<LabelRequirement>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LabelRequirement {
    #[serde(deserialize_with = "or_default")]
    pub key: String,
    #[serde(deserialize_with = "or_default")]
    pub operator: String,
    #[serde(deserialize_with = "list")]
    pub values: Vec<String>,
}

/// A port number or a port name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntOrString {
    Int(i64),
    String(String),
}

impl<'de> Deserialize<'de> for IntOrString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl serde::de::Visitor<'_> for Either {
            type Value = IntOrString;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a port number or a port name")
            }
            fn visit_i64<E>(self, n: i64) -> Result<IntOrString, E> {
                Ok(IntOrString::Int(n))
            }
            fn visit_u64<E>(self, n: u64) -> Result<IntOrString, E> {
                Ok(IntOrString::Int(i64::try_from(n).unwrap_or(i64::MAX)))
            }
            fn visit_str<E>(self, text: &str) -> Result<IntOrString, E> {
                Ok(IntOrString::String(text.to_owned()))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Reads `null` as the type's default.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads a list; `null` is an empty one, and a `null` element is the element's default: `ingress: [null]` is one empty rule.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let items: Option<Vec<Option<T>>> = Option::deserialize(deserializer)?;
    Ok(items
        .unwrap_or_default()
        .into_iter()
        .map(Option::unwrap_or_default)
        .collect())
}

/// Reads a list of an API whose server keeps an empty list as written (rule E8): that is not the same as none. `null` is none.
fn kept_list<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    let items: Option<Vec<Option<T>>> = Option::deserialize(deserializer)?;
    Ok(items.map(|items| items.into_iter().map(Option::unwrap_or_default).collect()))
}

/// Reads a map of strings; `null` is an empty one, and a `null` value is the empty string, as in the API.
fn string_map<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let map: Option<BTreeMap<String, Option<String>>> = Option::deserialize(deserializer)?;
    Ok(map
        .unwrap_or_default()
        .into_iter()
        .map(|(key, value)| (key, value.unwrap_or_default()))
        .collect())
}

/// The annotations that are kept: where Calico writes a node's tunnel addresses (rule N50), and what an Ingress says of its class
/// and its certificates.
const ANNOTATIONS: [&str; 9] = [
    "cert-manager.io/cluster-issuer",
    "cert-manager.io/issuer",
    "cert-manager.io/issuer-kind",
    "kubernetes.io/ingress.class",
    "kubernetes.io/tls-acme",
    "projectcalico.org/IPv4IPIPTunnelAddr",
    "projectcalico.org/IPv4VXLANTunnelAddr",
    "projectcalico.org/IPv4WireguardInterfaceAddr",
    "projectcalico.org/IPv6VXLANTunnelAddr",
];

/// Keeps the annotations of [`ANNOTATIONS`] and drops all others: they are the largest and the least trusted part of an object.
fn annotations<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(&'static str, String)>, D::Error> {
    struct Wanted;
    impl<'de> serde::de::Visitor<'de> for Wanted {
        type Value = Vec<(&'static str, String)>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a map of annotations")
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }
        fn visit_none<E>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }
        fn visit_some<D: Deserializer<'de>>(
            self,
            deserializer: D,
        ) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_map(self)
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(
            self,
            mut map: A,
        ) -> Result<Self::Value, A::Error> {
            let mut kept = Vec::new();
            while let Some(key) = map.next_key::<String>()? {
                if let Some(known) = ANNOTATIONS.iter().find(|known| **known == key) {
                    let value = map.next_value::<Option<String>>()?;
                    kept.extend(value.map(|value| (*known, value)));
                } else {
                    map.next_value::<serde::de::IgnoredAny>()?;
                }
            }
            Ok(kept)
        }
    }
    deserializer.deserialize_option(Wanted)
}
