//! The ways in from outside as text, Markdown, CSV and JSON.

use serde::Serialize;

use crate::engine::{Engine, Reason, Verdict, WayKind, WayTo};
use crate::questions::exposure::{Exposure, Way};

use super::json::{Context, RuleRef, envelope, rule_ref};
use super::{csv as records, markdown as md, text as plain, words};

/// Addresses named in one cell.
const NAMED: usize = 2;

/// A line for each way in, and below them what may be missing.
pub fn text(exposure: &Exposure) -> String {
    let mut out = if exposure.ways.is_empty() {
        "nothing was found that leads in from outside\n".to_owned()
    } else {
        plain::columns(
            &["INTO", "VIA", "BY", "AT", "PORT", "SEEN AS", "VERDICT"],
            &rows(exposure, ""),
        )
    };
    out.push('\n');
    for line in missing(exposure) {
        out += &format!("{line}\n");
    }
    out
}

pub fn markdown(exposure: &Exposure) -> String {
    let head = ["Into", "Via", "By", "At", "Port", "Seen as", "Verdict"];
    let mut out = md::table(&head, &rows(exposure, "`"));
    for line in missing(exposure) {
        out += &format!("\n{line}\n");
    }
    out
}

/// One record a way; several addresses, ports and sources of it are joined by blanks.
pub fn csv(exposure: &Exposure) -> String {
    let head = [
        "via",
        "host",
        "address",
        "protocol",
        "port",
        "workload",
        "targetPort",
        "kind",
        "object",
        "sources",
        "verdict",
        "reason",
    ];
    let mut out = records::record(&head.map(str::to_owned));
    for one in &exposure.ways {
        let way = &one.way;
        let numbers: Vec<String> = way.targets.iter().map(ToString::to_string).collect();
        let addresses = way.addresses.iter().map(ToString::to_string);
        out += &records::record(&[
            way.kind.as_str().to_owned(),
            host(one).unwrap_or_default().to_owned(),
            addresses.collect::<Vec<_>>().join(" "),
            way.protocol.to_string(),
            way.port.map(|port| port.to_string()).unwrap_or_default(),
            one.to.clone().unwrap_or_default(),
            numbers.join(" "),
            way.object.kind.clone(),
            object(one),
            one.sources.join(" "),
            one.through.verdict.as_str().to_owned(),
            one.through.reason.as_str().to_owned(),
        ]);
    }
    out
}

fn rows(exposure: &Exposure, quote: &str) -> Vec<Vec<String>> {
    exposure
        .ways
        .iter()
        .map(|one| {
            let way = &one.way;
            let targets: Vec<String> = way.targets.iter().map(ToString::to_string).collect();
            let port = match way.port {
                Some(port) => words::port(way.protocol, port),
                None => format!("?/{}", way.protocol),
            };
            vec![
                one.name.clone(),
                way.kind.as_str().to_owned(),
                format!("{quote}{} {}{quote}", way.object.kind, object(one)),
                at(one),
                if targets.is_empty() {
                    port
                } else {
                    format!("{port} → {}", targets.join(","))
                },
                if one.sources.is_empty() {
                    "not known".to_owned()
                } else {
                    one.sources.join(", ")
                },
                verdict(one),
            ]
        })
        .collect()
}

/// The verdict, and why where it is no plain allow.
fn verdict(one: &Way) -> String {
    let word = words::verdict(one.through.verdict);
    if one.through.verdict == Verdict::Allow {
        return word.to_owned();
    }
    format!("{word} {}", words::reason(one.through.reason))
}

fn object(one: &Way) -> String {
    format!("{}/{}", one.way.object.namespace, one.way.object.name)
}

/// Where somebody outside has to ask.
fn at(one: &Way) -> String {
    let way = &one.way;
    if way.kind == WayKind::Ingress {
        let host = way.host.as_deref().unwrap_or("any host");
        return match way.paths.as_slice() {
            [] => host.to_owned(),
            [root] if root == "/" => host.to_owned(),
            [path] => format!("{host} {path}"),
            [path, more @ ..] => format!("{host} {path} (+{})", more.len()),
        };
    }
    if way.kind == WayKind::NodePort {
        return "every node".to_owned();
    }
    let addresses = way.addresses.iter().map(ToString::to_string);
    let all: Vec<String> = addresses.chain(way.hostnames.iter().cloned()).collect();
    match all.len() {
        0 => "not known".to_owned(),
        n if n <= NAMED => all.join(", "),
        n => format!("{} (+{})", all[..NAMED].join(", "), n - NAMED),
    }
}

fn host(one: &Way) -> Option<&str> {
    let way = &one.way;
    let name = way
        .hostnames
        .first()
        .filter(|_| way.kind != WayKind::Ingress);
    way.host.as_deref().or(name.map(String::as_str))
}

/// What could not be read, in a sentence each.
fn missing(exposure: &Exposure) -> Vec<String> {
    exposure
        .unseen
        .iter()
        .map(|(via, missing)| {
            let missing = missing.join(", ");
            if *via == "gateway" {
                format!("{missing} are not read: ways of that kind are not listed")
            } else {
                format!("some ways of kind {via} may be missing: {missing} could not be read")
            }
        })
        .collect()
}

#[derive(Serialize)]
struct ExposureJson<'a> {
    enforced: &'static str,
    ways: Vec<WayJson<'a>>,
    unseen: Vec<UnseenJson<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WayJson<'a> {
    via: &'static str,
    host: Option<&'a str>,
    /// The only one; `null` where there are none or several.
    address: Option<String>,
    addresses: Vec<String>,
    protocol: &'static str,
    port: Option<u16>,
    workload: Option<&'a str>,
    /// The only one; `null` where there are none or several.
    target_port: Option<u16>,
    target_ports: &'a [u16],
    sources: &'a [String],
    verdict: &'static str,
    reason: &'static str,
    because: Vec<RuleRef>,
    object: ObjectJson<'a>,
    paths: &'a [String],
    class: Option<&'a str>,
    tls: Option<TlsJson<'a>>,
    /// Why nobody gets there for now, policy aside.
    idle: Option<&'static str>,
}

#[derive(Serialize)]
struct ObjectJson<'a> {
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
    source: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TlsJson<'a> {
    secret: Option<&'a str>,
    issuer_kind: Option<&'a str>,
    issuer: Option<&'a str>,
}

#[derive(Serialize)]
struct UnseenJson<'a> {
    via: &'a str,
    missing: &'a [String],
}

pub fn json(engine: &Engine, exposure: &Exposure, context: Context<'_>) -> String {
    let ways = exposure.ways.iter().map(|one| {
        let way = &one.way;
        let addresses: Vec<String> = way.addresses.iter().map(ToString::to_string).collect();
        let issuer = way.tls.as_ref().and_then(|tls| tls.issuer.as_ref());
        WayJson {
            via: way.kind.as_str(),
            host: host(one),
            address: match addresses.as_slice() {
                [only] => Some(only.clone()),
                _ => None,
            },
            addresses,
            protocol: way.protocol.as_str(),
            port: way.port,
            workload: one.to.as_deref(),
            target_port: match way.targets.as_slice() {
                [only] => Some(*only),
                _ => None,
            },
            target_ports: &way.targets,
            sources: &one.sources,
            verdict: one.through.verdict.as_str(),
            reason: one.through.reason.as_str(),
            because: one
                .through
                .because
                .iter()
                .map(|rule| rule_ref(engine, rule))
                .collect(),
            object: ObjectJson {
                kind: &way.object.kind,
                namespace: &way.object.namespace,
                name: &way.object.name,
                source: way.object.source.as_ref().map(ToString::to_string),
            },
            paths: &way.paths,
            class: way.class.as_deref(),
            tls: way.tls.as_ref().map(|tls| TlsJson {
                secret: tls.secret.as_deref(),
                issuer_kind: issuer.map(|issuer| issuer.kind.as_str()),
                issuer: issuer.map(|issuer| issuer.name.as_str()),
            }),
            idle: match &way.to {
                WayTo::Workload { idle, .. } => idle.map(Reason::as_str),
                WayTo::Others(_) | WayTo::Nothing(_) => None,
            },
        }
    });
    let unseen = exposure
        .unseen
        .iter()
        .map(|(via, missing)| UnseenJson { via, missing });
    let body = ExposureJson {
        enforced: context.enforcer.enforces.as_str(),
        ways: ways.collect(),
        unseen: unseen.collect(),
    };
    envelope("Exposure", body, context.diagnostics)
}
