//! Ingress objects: what an HTTP front outside takes in for which host and path, and the Service it sends that to.
//!
//! An Ingress decides no verdict. Policy sees a connection of the controller's pods to the endpoints behind the Service.

use std::net::IpAddr;
use std::sync::Arc;

use super::diagnostic::SourceRef;

/// One Ingress, its rules taken apart into routes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ingress {
    pub namespace: Arc<str>,
    pub name: String,
    /// `spec.ingressClassName`, else the annotation that came before it. `None`: the cluster's default class, which is not read.
    pub class: Option<String>,
    /// Each path of each rule, in the order written.
    pub routes: Vec<Route>,
    /// What takes everything that no rule does.
    pub default_backend: Option<RouteBackend>,
    /// The parts of `spec.tls`, in the order written.
    pub tls: Vec<IngressTls>,
    /// Who is asked for the certificates, where an annotation of cert-manager says it.
    pub issuer: Option<Issuer>,
    /// Addresses of the front, from the status; without repetition.
    pub addresses: Vec<IpAddr>,
    /// Host names of the front, from the status: what some clouds give in place of an address.
    pub hostnames: Vec<String>,
    /// It could not be decoded: that it exists and its name is all that is known.
    pub is_unreadable: bool,
    pub source: Option<SourceRef>,
}

impl Ingress {
    /// `namespace/name`
    pub fn label(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Whether a certificate is set up for a host. A part of `spec.tls` without hosts is for all of them.
    pub fn has_tls(&self, host: Option<&str>) -> bool {
        self.tls.iter().any(|tls| {
            tls.hosts.is_empty()
                || host.is_some_and(|host| tls.hosts.iter().any(|own| is_host(own, host)))
        })
    }
}

/// Whether a host is meant by what an Ingress writes: the same in any case, or one label in place of a leading `*`.
pub fn is_host(written: &str, host: &str) -> bool {
    if written.eq_ignore_ascii_case(host) {
        return true;
    }
    let Some(parent) = written.strip_prefix("*.") else {
        return false;
    };
    host.split_once('.')
        .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(parent))
}

/// What is taken in for one path of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// `None`: any host.
    pub host: Option<String>,
    /// `None`: every path.
    pub path: Option<String>,
    pub backend: RouteBackend,
}

/// Where a route leads; Services are of the namespace of the Ingress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteBackend {
    Service {
        name: String,
        port: BackendPort,
    },
    /// An object that is no Service, by kind and name: it has no pods.
    Other {
        kind: String,
        name: String,
    },
    /// It names nothing that could be looked up; why was told when it was read.
    Invalid,
}

/// A port of a Service, as an Ingress names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendPort {
    Number(u16),
    Named(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IngressTls {
    /// Empty: every host.
    pub hosts: Vec<String>,
    /// The name of the Secret with the certificate; the Secret itself is never read.
    pub secret: Option<String>,
}

/// The issuer that cert-manager is to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// As the annotations say it: `ClusterIssuer`, `Issuer`, or the kind of another project.
    pub kind: String,
    /// Empty where only that there is one is said.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_star_stands_for_one_label() {
        for (written, host, expected) in [
            ("app.example.org", "APP.example.org", true),
            ("*.example.org", "app.example.org", true),
            ("*.example.org", "a.b.example.org", false),
            ("*.example.org", "example.org", false),
            ("*.example.org", ".example.org", false),
            ("*.example.org", "*.example.org", true),
        ] {
            assert_eq!(is_host(written, host), expected, "{written} {host}");
        }
    }

    #[test]
    fn tls_without_hosts_is_for_all_of_them() {
        let with = |hosts: &[&str]| Ingress {
            tls: vec![IngressTls {
                hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
                secret: None,
            }],
            ..Ingress::default()
        };
        assert!(with(&[]).has_tls(None));
        assert!(with(&["a.org"]).has_tls(Some("a.org")));
        assert!(!with(&["a.org"]).has_tls(Some("b.org")));
        assert!(!with(&["a.org"]).has_tls(None));
        assert!(!Ingress::default().has_tls(Some("a.org")));
    }
}
