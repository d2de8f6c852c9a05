//! Ports as people write them, and those worth offering.

use crate::engine::{Engine, Entity};
use crate::model::Protocol;
use crate::text;

use super::{End, EndKind};

/// A port as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortQuery {
    /// `protocol` is `None` when it was not written: TCP, but UDP for 53 towards `dns`.
    Number {
        protocol: Option<Protocol>,
        port: u16,
    },
    Range {
        protocol: Option<Protocol>,
        first: u16,
        last: u16,
    },
    Any {
        protocol: Option<Protocol>,
    },
    Named {
        protocol: Option<Protocol>,
        name: String,
    },
}

/// Reads `6379`, `53/udp`, `8000-8010`, `any` or a port name.
pub fn parse_port(text: &str) -> Result<PortQuery, String> {
    let (port, protocol) = match text.split_once('/') {
        None => (text, None),
        Some((port, protocol)) => match Protocol::parse(protocol) {
            Some(protocol) => (port, Some(protocol)),
            None => {
                return Err(format!(
                    "`{}` is none of tcp, udp, sctp",
                    text::tame(protocol)
                ));
            }
        },
    };
    let number = |text: &str| match text.parse::<u32>() {
        Ok(n @ 1..=65535) => Ok(u16::try_from(n).expect("checked to fit")),
        Ok(n) => Err(format!("there is no port {n}; ports run from 1 to 65535")),
        Err(_) => Err(format!("`{}` is no port number", text::tame(text))),
    };
    if port.eq_ignore_ascii_case("any") {
        return Ok(PortQuery::Any { protocol });
    }
    if port.is_empty() {
        return Err(
            "a port is a number, a range such as 8000-8010, `any`, or a port name".to_owned(),
        );
    }
    if port.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(PortQuery::Number {
            protocol,
            port: number(port)?,
        });
    }
    if let Some((first, last)) = port.split_once('-')
        && port.bytes().all(|b| b.is_ascii_digit() || b == b'-')
    {
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(format!("the range {first}-{last} is the wrong way round"));
        }
        return Ok(PortQuery::Range {
            protocol,
            first,
            last,
        });
    }
    Ok(PortQuery::Named {
        protocol,
        name: port.to_owned(),
    })
}

/// The ports worth offering for an end: those of its containers, or of the Service, as they would be typed.
pub fn ports_of(engine: &Engine, end: &End) -> Vec<String> {
    let mut ports: Vec<(Protocol, u16)> = Vec::new();
    match &end.kind {
        EndKind::Service { namespace, name } => {
            if let Some(service) = engine
                .cluster()
                .namespace(namespace)
                .and_then(|ns| ns.service(name))
            {
                ports.extend(engine.service_ports(service));
            }
        }
        _ => {
            for entity in &end.entities {
                if !end.is_range() {
                    let fronts = engine.fronts(entity).into_iter();
                    ports.extend(fronts.map(|(protocol, port, _)| (protocol, port)));
                }
                if let Entity::Pod(id) = entity {
                    ports.extend(
                        engine
                            .pod(*id)
                            .ports
                            .iter()
                            .filter(|p| !p.init)
                            .map(|p| (p.protocol, p.port)),
                    );
                }
            }
        }
    }
    if end.id == "dns" && ports.is_empty() {
        ports.extend([(Protocol::Udp, 53), (Protocol::Tcp, 53)]);
    }
    let mut seen = Vec::new();
    for (protocol, port) in ports {
        let text = match protocol {
            Protocol::Tcp => port.to_string(),
            Protocol::Udp => format!("{port}/udp"),
            Protocol::Sctp => format!("{port}/sctp"),
        };
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen
}
