//! Ways in, and what is written of them, in words.

use crate::engine::{Reason, Through, Verdict, WayIn, WayKind, WayTo};
use crate::text::tame;

use super::ANY;
use super::fit::Item;

/// What policy says of a way, as the end of a sentence.
pub(super) fn policy(way: &WayIn, through: &Through) -> String {
    if let WayTo::Workload {
        idle: Some(reason), ..
    } = &way.to
    {
        return format!("; nobody gets there at the moment ({reason})");
    }
    let who = match (way.kind, &way.served) {
        (WayKind::Ingress, _) => "the controller",
        (_, Some(_)) => "those public addresses that are served",
        _ => "public addresses",
    };
    match through.verdict {
        Verdict::Allow if through.because.is_empty() => {
            format!("; no policy keeps {who} out")
        }
        Verdict::Allow => format!("; policy lets {who} in"),
        Verdict::Deny if through.because.is_empty() && through.reason == Reason::ExplicitDeny => {
            "; no public address is served".to_owned()
        }
        Verdict::Deny => format!("; policy keeps {who} out"),
        Verdict::Unknown => {
            let reason = through.reason;
            format!("; whether policy lets {who} in is not known ({reason})")
        }
        Verdict::Unreachable => format!("; nobody gets there ({})", through.reason),
    }
}

/// A way in words: by what, where.
pub(super) fn described(way: &WayIn) -> String {
    let object = &way.object;
    let source = object.source.as_ref();
    let source = source.map_or_else(String::new, |source| format!(" ({source})"));
    let object = format!(
        "{} {}/{}{source}",
        tame(&object.kind),
        tame(&object.namespace),
        tame(&object.name)
    );
    let port = match way.port {
        Some(port) => format!("port {port}/{}", way.protocol),
        None => "a port".to_owned(),
    };
    match way.kind {
        WayKind::LoadBalancer => {
            let at = addresses(way);
            if at.is_empty() {
                format!("through {object}, whose load balancer has no address yet, {port}")
            } else {
                format!("through {object} at {at}, {port}")
            }
        }
        WayKind::NodePort => format!("through {object}, {port} of every node"),
        WayKind::HostPort => format!("through {object}, {port} of its nodes"),
        WayKind::HostNetwork => {
            format!("through {object}, {port} of its nodes, whose network it uses")
        }
        WayKind::Ingress => {
            let host = way.host.as_deref().map_or_else(
                || " for any host".to_owned(),
                |host| format!(" for {}", tame(host)),
            );
            format!("through {object}{host}, {port}")
        }
    }
}

pub(super) fn addresses(way: &WayIn) -> String {
    let addresses = way.addresses.iter().map(ToString::to_string);
    let names = way.hostnames.iter().map(|name| tame(name).into_owned());
    addresses.chain(names).collect::<Vec<_>>().join(", ")
}

pub(super) fn joined(before: &str, parts: &[String]) -> String {
    if parts.is_empty() {
        String::new()
    } else {
        format!("{before}{}", parts.join("; "))
    }
}

/// What is written, as the beginning of a sentence.
pub(super) fn spelled(item: &Item<'_>) -> String {
    let written = item.written;
    let who = if written.workload == ANY {
        "some workload".to_owned()
    } else {
        format!("`{}`", tame(&written.workload))
    };
    let mut text = format!("{who} is to be entered from outside by {}", written.via);
    for (word, value) in [
        (" at ", written.host.as_deref()),
        (", port ", item.port_text),
        (", class ", written.class.as_deref()),
        (", TLS by ", written.tls.as_deref()),
    ] {
        if let Some(value) = value {
            text.push_str(word);
            text.push_str(&tame(value));
        }
    }
    text
}
