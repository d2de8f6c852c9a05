//! The short form of one rule: `ports [-> peers | <- peers]`.

use std::num::NonZeroU16;

use ipnet::IpNet;

use crate::model::{Direction, IpBlock, PortRange, PortSet, Protocol};

/// A rule as written, before anybody knows what its names mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Short {
    pub(crate) ports: Vec<PortWord>,
    /// The direction of the arrow and what it points to or comes from; `None` without an arrow.
    pub(crate) peers: Option<(Direction, Vec<PeerWord>)>,
}

/// One entry of a list of ports. Without a protocol it is TCP, except `any`, which is every protocol, and 53 towards `dns`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PortWord {
    Any(Option<Protocol>),
    Range(Option<Protocol>, PortRange),
    /// Looked up at the pods it leads to, whatever the protocol unless one is given.
    Name(Option<Protocol>, String),
}

impl PortWord {
    /// The ports this means by itself; a name means none.
    pub(crate) fn numbers(&self) -> PortSet {
        match self {
            Self::Any(None) => PortSet::all(),
            Self::Any(Some(protocol)) => PortSet::range(*protocol, PortRange::ALL),
            Self::Range(protocol, range) => PortSet::range(protocol.unwrap_or_default(), *range),
            Self::Name(..) => PortSet::empty(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PeerWord {
    Name(String),
    Block(IpBlock),
}

/// Reads a rule. The error says what was found and what is allowed.
pub(crate) fn rule(text: &str) -> Result<Short, String> {
    let (ports, direction, peers) = match (text.split_once("->"), text.split_once("<-")) {
        (Some(_), Some(_)) => {
            return Err(format!(
                "`{text}` has two arrows; a rule is `ports -> peers` or `ports <- peers`"
            ));
        }
        (Some((ports, to)), None) => (ports, Direction::Egress, Some(to)),
        (None, Some((ports, from))) => (ports, Direction::Ingress, Some(from)),
        (None, None) => (text, Direction::Ingress, None),
    };
    Ok(Short {
        ports: self::ports(ports)?,
        peers: peers
            .map(|text| self::peers(text).map(|found| (direction, found)))
            .transpose()?,
    })
}

/// Reads a comma list of ports.
pub(crate) fn ports(text: &str) -> Result<Vec<PortWord>, String> {
    text.split(',').map(|part| port(part.trim())).collect()
}

fn port(text: &str) -> Result<PortWord, String> {
    let (bare, protocol) = match text.split_once('/') {
        None => (text, None),
        Some((bare, name)) => match Protocol::parse(name.trim()) {
            Some(protocol) => (bare.trim(), Some(protocol)),
            None => {
                return Err(format!(
                    "`{name}` is no protocol; allowed are tcp, udp and sctp"
                ));
            }
        },
    };
    if bare == "any" {
        return Ok(PortWord::Any(protocol));
    }
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = |text: &str| {
        text.parse::<NonZeroU16>()
            .ok()
            .ok_or_else(|| format!("`{text}` is no port; ports run from 1 to 65535"))
    };
    if is_number(bare) {
        return Ok(PortWord::Range(protocol, PortRange::single(number(bare)?)));
    }
    if let Some((first, last)) = bare.split_once('-')
        && is_number(first.trim())
        && is_number(last.trim())
    {
        let range = PortRange::new(number(first.trim())?, number(last.trim())?);
        return match range {
            Some(range) => Ok(PortWord::Range(protocol, range)),
            None => Err(format!("`{bare}` runs backwards")),
        };
    }
    // The API's rule for port names: at most 15 of a-z, 0-9 and -, with a letter among them.
    let is_name = bare.len() <= 15
        && bare.bytes().any(|b| b.is_ascii_lowercase())
        && bare
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if matches!(bare, "deny" | "none" | "all") || !is_name {
        return Err(format!(
            "`{bare}` is no port; allowed are any, 80, 8000-8010, 53/udp, or a port name"
        ));
    }
    Ok(PortWord::Name(protocol, bare.to_owned()))
}

/// Reads a comma list of peers. Networks that follow an `except` are its holes, as far as they go.
pub(crate) fn peers(text: &str) -> Result<Vec<PeerWord>, String> {
    let mut found: Vec<PeerWord> = Vec::new();
    let mut excepting = false;
    for part in text.split(',') {
        let mut part = part.trim();
        if part.is_empty() {
            return Err(
                "a peer is missing; a peer is a workload, a peers entry, a network, or a word such as dns or any"
                    .to_owned(),
            );
        }
        if excepting
            && let Some(hole) = network(part)
            && let Some(PeerWord::Block(block)) = found.last_mut()
        {
            add_hole(block, hole)?;
            continue;
        }
        excepting = false;
        let mut hole = None;
        if let Some((block, first)) = part.split_once(" except ") {
            part = block.trim();
            hole = Some(first.trim());
        }
        match (network(part), hole) {
            (Some(cidr), hole) => {
                let mut block = IpBlock {
                    cidr,
                    except: Vec::new(),
                };
                if let Some(text) = hole {
                    let Some(hole) = network(text) else {
                        return Err(format!("`{text}` behind except is no network"));
                    };
                    add_hole(&mut block, hole)?;
                    excepting = true;
                }
                found.push(PeerWord::Block(block));
            }
            (None, None) if is_id(part) => found.push(PeerWord::Name(part.to_owned())),
            (None, Some(_)) => return Err(format!("`{part}` before except is no network")),
            (None, None) => return Err(format!("`{part}` is no peer")),
        }
    }
    Ok(found)
}

fn add_hole(block: &mut IpBlock, hole: IpNet) -> Result<(), String> {
    if !block.cidr.contains(&hole) {
        return Err(format!("{hole} does not lie inside {}", block.cidr));
    }
    block.except.push(hole);
    Ok(())
}

/// Reads a network; one without a length is a single address. Host bits are masked away.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    let net = match text.parse::<IpNet>() {
        Ok(net) => net,
        Err(_) => IpNet::from(text.parse::<std::net::IpAddr>().ok()?),
    };
    Some(net.trunc())
}

/// Whether a text may name a workload or a `peers` entry.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && network(text).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let words = |rule: Short| {
            let ports: Vec<String> = rule
                .ports
                .iter()
                .map(|word| match word {
                    PortWord::Name(protocol, name) => format!("{name}:{protocol:?}"),
                    other => other.numbers().to_string(),
                })
                .collect();
            let peers = rule.peers.map(|(direction, peers)| {
                let peers: Vec<String> = peers
                    .iter()
                    .map(|peer| match peer {
                        PeerWord::Name(name) => name.clone(),
                        PeerWord::Block(block) => format!("[{block}]"),
                    })
                    .collect();
                format!(" {direction} {}", peers.join(" "))
            });
            format!("{}{}", ports.join(" "), peers.unwrap_or_default())
        };
        let read = rule(text).map_or_else(|error| format!("error: {error}"), words);
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn every_form_of_the_grammar_reads() {
        for (text, expected) in [
            ("27017", "27017/TCP"),
            ("80,443 -> fm", "80/TCP 443/TCP egress fm"),
            ("8000-8010 <- fm, cron", "8000-8010/TCP ingress fm cron"),
            ("53/udp,53/tcp -> dns", "53/UDP 53/TCP egress dns"),
            ("any -> public", "any egress public"),
            ("any/udp", "any/UDP"),
            ("metrics <- prom", "metrics:None ingress prom"),
            (
                "443 -> 10.1.2.3/8 except 10.1.0.0/16, 10.2.0.1, fm",
                "443/TCP egress [10.0.0.0/8 except 10.1.0.0/16, 10.2.0.1/32] fm",
            ),
            ("443 -> 2001:db8::1", "443/TCP egress [2001:db8::1/128]"),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn what_is_no_rule_says_what_would_be() {
        for (text, expected) in [
            ("0", "error: `0` is no port; ports run from 1 to 65535"),
            ("90-80", "error: `90-80` runs backwards"),
            (
                "53/icmp",
                "error: `icmp` is no protocol; allowed are tcp, udp and sctp",
            ),
            (
                "deny",
                "error: `deny` is no port; allowed are any, 80, 8000-8010, 53/udp, or a port name",
            ),
            (
                "80 -> a <- b",
                "error: `80 -> a <- b` has two arrows; a rule is `ports -> peers` or `ports <- peers`",
            ),
            (
                "80 -> 10.0.0.0/8 except 11.0.0.0/8",
                "error: 11.0.0.0/8 does not lie inside 10.0.0.0/8",
            ),
            (
                "80 ->",
                "error: a peer is missing; a peer is a workload, a peers entry, a network, or a word such as dns or any",
            ),
        ] {
            check(text, expected);
        }
    }
}
