//! Whether a way in is one that is written down: in workload, kind, port, host, class and certificate, as far as these are written.

use std::net::IpAddr;

use crate::engine::{Entity, WayIn, WayKind};
use crate::expect::file::Exposure;
use crate::expect::file::short::{self, PortWord};
use crate::model::{Protocol, ingress};
use crate::text::tame;

use super::super::world::World;
use super::ANY;
use super::say::addresses;

/// One port of a written way in, or all it has.
pub(super) struct Item<'a> {
    pub(super) written: &'a Exposure,
    port: Option<PortWord>,
    /// As written.
    pub(super) port_text: Option<&'a str>,
}

pub(super) fn items(written: &Exposure) -> Vec<Item<'_>> {
    let item = |port, port_text| Item {
        written,
        port,
        port_text,
    };
    let Some(text) = &written.port else {
        return vec![item(None, None)];
    };
    let parts = text.split(',').map(str::trim);
    parts
        .map(|part| {
            // What is no port was refused when the file was read.
            let word = short::ports(part)
                .ok()
                .and_then(|words| words.into_iter().next());
            item(word, Some(part))
        })
        .collect()
}

/// How a way compares with what is written.
pub(super) enum Fit {
    /// It is about another workload, or another kind of way.
    Unrelated,
    /// It is this one; what of it rests on trust.
    Yes(Vec<String>),
    /// It may be, and what is not known of it.
    Unknown(Vec<String>),
    /// It is another one: in what.
    No(Vec<String>),
}

/// What was found out of one thing that is written.
#[derive(Default)]
struct Notes {
    trust: Vec<String>,
    unknown: Vec<String>,
    no: Vec<String>,
}

/// Whether a way is one that an item writes down.
pub(super) fn fit(world: &World<'_>, item: &Item<'_>, way: &WayIn) -> Fit {
    let written = item.written;
    let is_meant = written.workload == ANY
        || way.to.pods().iter().any(|pod| {
            let rows = world.plan.rows_of(&Entity::Pod(*pod));
            rows.iter()
                .any(|index| world.plan.workloads[*index as usize].id == written.workload)
        });
    if !is_meant || way.to.pods().is_empty() || written.via != way.kind.as_str() {
        return Fit::Unrelated;
    }
    let mut notes = Notes::default();
    if let Some(word) = &item.port {
        fit_port(world, word, way, &mut notes);
    }
    if let Some(host) = &written.host {
        fit_host(world, host, way, &mut notes);
    }
    if let Some(class) = &written.class {
        fit_class(class, way, &mut notes);
    }
    if let Some(tls) = &written.tls {
        fit_tls(tls, way, &mut notes);
    }
    if !notes.no.is_empty() {
        Fit::No(notes.no)
    } else if !notes.unknown.is_empty() {
        Fit::Unknown(notes.unknown)
    } else {
        Fit::Yes(notes.trust)
    }
}

fn fit_port(world: &World<'_>, word: &PortWord, way: &WayIn, notes: &mut Notes) {
    if let PortWord::Name(protocol, wanted) = word {
        let engine = world.engine;
        let is_named = way.to.pods().iter().any(|pod| {
            let mut ports = engine.pod(*pod).ports.iter();
            ports.any(|port| {
                port.name == *wanted
                    && way.targets.contains(&port.port)
                    && protocol.is_none_or(|own| own == port.protocol)
            })
        });
        if !is_named {
            notes
                .no
                .push(format!("it does not lead to port {}", tame(wanted)));
        }
        return;
    }
    let ports = word.numbers();
    let Some(port) = way.port else {
        if !matches!(word, PortWord::Any(_)) {
            notes
                .unknown
                .push("its node port has no number yet".to_owned());
        }
        return;
    };
    // With a certificate plain HTTP is answered as well, most often by sending on to HTTPS.
    let is_plain_too = way.kind == WayKind::Ingress && ports.contains(Protocol::Tcp, 80);
    if ports.contains(way.protocol, port) || is_plain_too {
        return;
    }
    notes
        .no
        .push(if way.kind == WayKind::Ingress && port == 80 {
            "it has no certificate for that host, so its port is 80".to_owned()
        } else {
            format!("its port is {port}/{}", way.protocol)
        });
}

fn fit_host(world: &World<'_>, host: &str, way: &WayIn, notes: &mut Notes) {
    if way.kind == WayKind::Ingress {
        let own = way.host.as_deref();
        if let Some(own) = own.filter(|own| !ingress::is_host(own, host)) {
            notes.no.push(format!("it is for {}", tame(own)));
        }
        return;
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        if way.addresses.is_empty() {
            notes.unknown.push("its address is not known".to_owned());
        } else if !way.addresses.contains(&address) {
            notes.no.push(format!("its address is {}", addresses(way)));
        }
        return;
    }
    let mut nodes = world.engine.cluster().nodes.iter();
    let is_known = way
        .hostnames
        .iter()
        .any(|own| own.eq_ignore_ascii_case(host))
        || (way.kind != WayKind::LoadBalancer && nodes.any(|node| node.name == *host));
    if !is_known {
        notes.trust.push(format!(
            "whether {} leads there is a matter of DNS",
            tame(host)
        ));
    }
}

fn fit_class(class: &str, way: &WayIn, notes: &mut Notes) {
    match (way.kind, &way.class) {
        (WayKind::Ingress, Some(own)) if own == class => {}
        (WayKind::Ingress, Some(own)) => notes.no.push(format!("its class is {}", tame(own))),
        (WayKind::Ingress, None) => notes
            .unknown
            .push("it has the cluster's default class, which is not read".to_owned()),
        _ => notes
            .unknown
            .push(format!("the class of a {} is not read", way.kind)),
    }
}

fn fit_tls(wanted: &str, way: &WayIn, notes: &mut Notes) {
    if way.kind != WayKind::Ingress {
        notes
            .unknown
            .push(format!("who ends TLS behind a {} is not read", way.kind));
        return;
    }
    let Some(tls) = &way.tls else {
        if !matches!(wanted, "none" | "false" | "no") {
            notes
                .no
                .push("it has no certificate for its host".to_owned());
        }
        return;
    };
    match (wanted, &tls.issuer) {
        ("true" | "yes" | "any", _) | ("cert-manager", Some(_)) => {}
        ("none" | "false" | "no", _) => notes.no.push("it has a certificate for its host".to_owned()),
        ("cert-manager", None) => notes.unknown.push(
            "it has a certificate, and no annotation says that cert-manager issues it; Certificates are not read"
                .to_owned(),
        ),
        (name, issuer) => {
            let is_issuer = issuer.as_ref().is_some_and(|issuer| issuer.name == name);
            if !is_issuer && tls.secret.as_deref() != Some(name) {
                notes.no.push(match issuer {
                    Some(issuer) => format!("its certificate is of {} {}", tame(&issuer.kind), tame(&issuer.name)),
                    None => "nothing says who issues its certificate".to_owned(),
                });
            }
        }
    }
}
