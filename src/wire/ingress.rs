//! `Ingress` of networking.k8s.io: HTTP routes from outside to Services.
//!
//! Older files write a backend as `serviceName` and `servicePort`; both forms are read.

use serde::Deserialize;

use super::{IntOrString, LoadBalancerStatus, Meta, list, or_default};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ingress {
    #[serde(deserialize_with = "or_default")]
    pub metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    pub spec: IngressSpec,
    #[serde(deserialize_with = "or_default")]
    pub status: IngressStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IngressSpec {
    pub ingress_class_name: Option<String>,
    /// `backend` in the versions before v1.
    #[serde(alias = "backend")]
    pub default_backend: Option<IngressBackend>,
    #[serde(deserialize_with = "list")]
    pub rules: Vec<IngressRule>,
    #[serde(deserialize_with = "list")]
    pub tls: Vec<IngressTls>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct IngressRule {
    pub host: Option<String>,
    /// Without it everything at the host goes to the default backend.
    pub http: Option<HttpRoutes>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct HttpRoutes {
    #[serde(deserialize_with = "list")]
    pub paths: Vec<HttpPath>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct HttpPath {
    pub path: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub backend: IngressBackend,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IngressBackend {
    pub service: Option<BackendService>,
    /// Something that is no Service, such as a bucket.
    pub resource: Option<BackendResource>,
    pub service_name: Option<String>,
    pub service_port: Option<IntOrString>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct BackendService {
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    #[serde(deserialize_with = "or_default")]
    pub port: BackendPort,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct BackendPort {
    pub name: Option<String>,
    pub number: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct BackendResource {
    #[serde(deserialize_with = "or_default")]
    pub kind: String,
    #[serde(deserialize_with = "or_default")]
    pub name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IngressTls {
    #[serde(deserialize_with = "list")]
    pub hosts: Vec<String>,
    pub secret_name: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IngressStatus {
    #[serde(deserialize_with = "or_default")]
    pub load_balancer: LoadBalancerStatus,
}
