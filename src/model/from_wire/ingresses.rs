//! Ingress objects. What a server would refuse is told field by field, and the rest is kept.

use std::num::NonZeroU16;

use crate::model::{
    BackendPort, Diagnostic, Ingress, IngressTls, Issuer, Problem, Route, RouteBackend,
};
use crate::text::tame;
use crate::wire;

use super::services::addresses;
use super::{Place, number};

/// Says the class, before there was a field for it.
const CLASS: &str = "kubernetes.io/ingress.class";

/// An Ingress of which only the name is known.
pub(super) fn unreadable_ingress(
    o: &wire::Unreadable,
    namespace: &str,
    place: Option<&Place>,
) -> Ingress {
    Ingress {
        namespace: namespace.into(),
        name: o.metadata.name.clone(),
        is_unreadable: true,
        source: place.map(Place::start),
        ..Ingress::default()
    }
}

pub(super) fn ingress(
    o: &wire::Ingress,
    namespace: &str,
    place: Option<&Place>,
    out: &mut Vec<Diagnostic>,
) -> Ingress {
    let mut problems = Vec::new();
    let spec = &o.spec;
    let default_backend = spec
        .default_backend
        .as_ref()
        .map(|one| backend(one, "spec.defaultBackend", &mut problems));
    let mut routes = Vec::new();
    for (index, rule) in spec.rules.iter().enumerate() {
        let path = format!("spec.rules[{index}]");
        let host = rule.host.clone().filter(|host| !host.is_empty());
        let paths = rule.http.as_ref().map_or(&[][..], |http| &http.paths);
        if paths.is_empty() {
            match &default_backend {
                // The host is served, by what takes everything else.
                Some(rest) => routes.push(Route {
                    host,
                    path: None,
                    backend: rest.clone(),
                }),
                None => problems.push(Problem {
                    path,
                    message: "it leads nowhere: it has no paths, and there is no defaultBackend"
                        .to_owned(),
                }),
            }
            continue;
        }
        for (nth, one) in paths.iter().enumerate() {
            let at = format!("{path}.http.paths[{nth}].backend");
            routes.push(Route {
                host: host.clone(),
                path: one.path.clone().filter(|path| !path.is_empty()),
                backend: backend(&one.backend, &at, &mut problems),
            });
        }
    }
    if spec.rules.is_empty() && default_backend.is_none() {
        problems.push(Problem {
            path: "spec".to_owned(),
            message: "it takes nothing in: it has neither rules nor a defaultBackend".to_owned(),
        });
    }
    let name = &o.metadata.name;
    for problem in problems {
        out.push(
            Diagnostic::error(format!("{}: {}", problem.path, problem.message))
                .at(place.map(Place::start))
                .on(format!("Ingress {}/{}", tame(namespace), tame(name)))
                .help("this part of it is left out; the other parts are used"),
        );
    }
    let front = &o.status.load_balancer.ingress;
    let hostnames = front.iter().filter_map(|one| one.hostname.clone());
    Ingress {
        namespace: namespace.into(),
        name: name.clone(),
        class: spec
            .ingress_class_name
            .as_deref()
            .or_else(|| o.metadata.annotation(CLASS))
            .filter(|class| !class.is_empty())
            .map(str::to_owned),
        routes,
        default_backend,
        tls: spec.tls.iter().map(tls).collect(),
        issuer: issuer(&o.metadata),
        addresses: addresses(front.iter().filter_map(|one| one.ip.as_deref())),
        hostnames: hostnames.filter(|name| !name.is_empty()).collect(),
        is_unreadable: false,
        source: place.map(Place::start),
    }
}

fn tls(o: &wire::IngressTls) -> IngressTls {
    let hosts = o.hosts.iter().filter(|host| !host.is_empty());
    IngressTls {
        hosts: hosts.cloned().collect(),
        secret: o.secret_name.clone().filter(|name| !name.is_empty()),
    }
}

fn backend(o: &wire::IngressBackend, path: &str, problems: &mut Vec<Problem>) -> RouteBackend {
    let mut refuse = |message: &str| {
        problems.push(Problem {
            path: path.to_owned(),
            message: message.to_owned(),
        });
        RouteBackend::Invalid
    };
    if let Some(resource) = &o.resource {
        if o.service.is_some() {
            return refuse("it names both a service and a resource");
        }
        return RouteBackend::Other {
            kind: resource.kind.clone(),
            name: resource.name.clone(),
        };
    }
    let (name, port) = match (&o.service, &o.service_name) {
        (Some(service), _) => {
            let port = match (&service.port.name, service.port.number) {
                (Some(_), Some(_)) => return refuse("its port has both a name and a number"),
                (Some(name), None) => Some(wire::IntOrString::String(name.clone())),
                (None, Some(number)) => Some(wire::IntOrString::Int(number)),
                (None, None) => None,
            };
            (&service.name, port)
        }
        (None, Some(name)) => (name, o.service_port.clone()),
        (None, None) => return refuse("it names neither a service nor a resource"),
    };
    if name.is_empty() {
        return refuse("its service has no name");
    }
    let port = match port {
        Some(wire::IntOrString::Int(port)) => number(port).map(NonZeroU16::get),
        // Before v1 a number could stand in quotes.
        Some(wire::IntOrString::String(text)) if !text.is_empty() => match text.parse() {
            Ok(port) => NonZeroU16::new(port).map(NonZeroU16::get),
            Err(_) => {
                return RouteBackend::Service {
                    name: name.clone(),
                    port: BackendPort::Named(text),
                };
            }
        },
        _ => None,
    };
    match port {
        Some(port) => RouteBackend::Service {
            name: name.clone(),
            port: BackendPort::Number(port),
        },
        None => refuse("its service has no port from 1 to 65535, and none by name"),
    }
}

/// Whom cert-manager asks for the certificates, by its annotations on the Ingress.
fn issuer(meta: &wire::Meta) -> Option<Issuer> {
    let named = |key: &str| meta.annotation(key).filter(|name| !name.is_empty());
    if let Some(name) = named("cert-manager.io/cluster-issuer") {
        return Some(Issuer {
            kind: "ClusterIssuer".to_owned(),
            name: name.to_owned(),
        });
    }
    if let Some(name) = named("cert-manager.io/issuer") {
        let kind = named("cert-manager.io/issuer-kind").unwrap_or("Issuer");
        return Some(Issuer {
            kind: kind.to_owned(),
            name: name.to_owned(),
        });
    }
    // Asks for the issuer that cert-manager was set up with.
    (named("kubernetes.io/tls-acme") == Some("true")).then(|| Issuer {
        kind: "Issuer".to_owned(),
        name: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use crate::model::{BackendPort, Ingress, Issuer, Route, RouteBackend};
    use crate::source::manifests;

    fn read(text: &str) -> (Vec<Ingress>, Vec<String>) {
        let (cluster, told) = manifests::parse("t.yaml", text);
        let told = told
            .iter()
            .map(|one| {
                let at = one.source.as_ref().map(ToString::to_string);
                let object = one.object.as_deref().unwrap_or("-");
                format!("{} {object} {}", at.unwrap_or_default(), one.message)
            })
            .collect();
        let spaces = cluster.namespaces.values();
        let found = spaces.flat_map(|space| space.ingresses.iter().cloned());
        (found.collect(), told)
    }

    fn one(spec: &str) -> (Ingress, Vec<String>) {
        let (found, told) = read(&format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: web, namespace: shop}}\nspec: {spec}\n"
        ));
        (found[0].clone(), told)
    }

    fn service(name: &str, port: BackendPort) -> RouteBackend {
        RouteBackend::Service {
            name: name.to_owned(),
            port,
        }
    }

    #[test]
    fn every_part_of_an_ingress_is_read() {
        let (found, told) = read(
            "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
  annotations: {cert-manager.io/cluster-issuer: letsencrypt, other/key: x}
spec:
  ingressClassName: nginx
  defaultBackend: {service: {name: rest, port: {number: 80}}}
  tls: [{hosts: [app.example.org], secretName: cert}]
  rules:
  - host: app.example.org
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: ui, port: {number: 8080}}}}
      - {path: /api, pathType: Prefix, backend: {service: {name: api, port: {name: http}}}}
  - host: empty.example.org
status: {loadBalancer: {ingress: [{ip: 203.0.113.9}, {hostname: lb.example.net}]}}
",
        );
        assert!(told.is_empty(), "{told:?}");
        let web = &found[0];
        assert_eq!(web.label(), "shop/web");
        assert_eq!(web.class.as_deref(), Some("nginx"));
        let route = |host: &str, path: Option<&str>, backend| Route {
            host: Some(host.to_owned()),
            path: path.map(str::to_owned),
            backend,
        };
        let rest = service("rest", BackendPort::Number(80));
        let named = BackendPort::Named("http".to_owned());
        assert_eq!(
            web.routes,
            [
                route(
                    "app.example.org",
                    Some("/"),
                    service("ui", BackendPort::Number(8080))
                ),
                route("app.example.org", Some("/api"), service("api", named)),
                route("empty.example.org", None, rest.clone()),
            ]
        );
        assert_eq!(web.default_backend, Some(rest));
        assert_eq!(web.tls[0].secret.as_deref(), Some("cert"));
        let issuer = Issuer {
            kind: "ClusterIssuer".to_owned(),
            name: "letsencrypt".to_owned(),
        };
        assert_eq!(web.issuer, Some(issuer));
        assert_eq!(web.addresses[0].to_string(), "203.0.113.9");
        assert_eq!(web.hostnames, ["lb.example.net"]);
        assert_eq!(web.source.as_ref().unwrap().to_string(), "t.yaml:1");
    }

    #[test]
    fn older_forms_mean_the_same() {
        let (found, told) = read(
            "
apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: old, namespace: shop, annotations: {kubernetes.io/ingress.class: traefik, cert-manager.io/issuer: ca, cert-manager.io/issuer-kind: VaultIssuer}}
spec: {backend: {serviceName: ui, servicePort: '8080'}}
",
        );
        assert!(told.is_empty(), "{told:?}");
        let old = &found[0];
        assert_eq!(old.class.as_deref(), Some("traefik"));
        let ui = service("ui", BackendPort::Number(8080));
        assert_eq!(old.default_backend, Some(ui));
        assert_eq!(old.issuer.as_ref().unwrap().kind, "VaultIssuer");
    }

    #[test]
    fn what_leads_nowhere_is_told_and_the_rest_is_kept() {
        let paths = |backend: &str| format!("{{rules: [{{http: {{paths: [{backend}]}}}}]}}");
        let at = "spec.rules[0].http.paths[0].backend";
        for (spec, expected) in [
            ("{}".to_owned(), "spec: it takes nothing in".to_owned()),
            (
                "{rules: [{host: a.org}]}".to_owned(),
                "spec.rules[0]: it leads nowhere".to_owned(),
            ),
            (
                paths("null"),
                format!("{at}: it names neither a service nor a resource"),
            ),
            (
                paths("{backend: {service: {port: {number: 80}}}}"),
                format!("{at}: its service has no name"),
            ),
            (
                paths("{backend: {service: {name: a}}}"),
                format!("{at}: its service has no port"),
            ),
            (
                paths("{backend: {service: {name: a, port: {number: 70000}}}}"),
                format!("{at}: its service has no port"),
            ),
            (
                paths("{backend: {service: {name: a, port: {number: 1, name: b}}}}"),
                format!("{at}: its port has both"),
            ),
        ] {
            let (_, told) = one(&spec);
            let expected = format!("t.yaml:1 Ingress shop/web {expected}");
            assert_eq!(told.len(), 1, "{spec}: {told:?}");
            assert!(told[0].starts_with(&expected), "{spec}: {told:?}");
        }
        let (found, told) = one(
            "{rules: [{host: a.org, http: {paths: [{backend: {resource: {kind: Bucket, name: b}}}]}}]}",
        );
        assert!(told.is_empty(), "{told:?}");
        let bucket = RouteBackend::Other {
            kind: "Bucket".to_owned(),
            name: "b".to_owned(),
        };
        assert_eq!(found.routes[0].backend, bucket);
    }

    #[test]
    fn one_that_cannot_be_decoded_is_known_by_name() {
        let (found, told) = one("{rules: all}");
        assert!(found.is_unreadable);
        assert_eq!(found.label(), "shop/web");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("Ingress shop/web cannot be read"),
            "{told:?}"
        );
    }

    #[test]
    fn a_list_in_json_is_read_as_well() {
        let (found, told) = read(
            r#"{"kind": "List", "apiVersion": "v1", "items": [{"kind": "Ingress", "apiVersion": "networking.k8s.io/v1",
                "metadata": {"name": "web", "namespace": "shop", "annotations": {"kubernetes.io/ingress.class": "nginx"}},
                "spec": {"rules": [{"host": "a.org", "http": {"paths": [{"path": "/", "pathType": "Prefix",
                "backend": {"service": {"name": "ui", "port": {"number": 80}}}}]}}]}}]}"#,
        );
        assert!(told.is_empty(), "{told:?}");
        assert_eq!(found[0].class.as_deref(), Some("nginx"));
        assert_eq!(
            found[0].routes[0].backend,
            service("ui", BackendPort::Number(80))
        );
    }
}
