//! Rules in the shortest form that says all of them, flows and exceptions.

use crate::model::{Direction, PortRange, Protocol, SourceRef};

use super::super::file::short::{PeerWord, PortWord};
use super::super::file::{Exception, Flow, Level, Remarks, Rule};
use super::layout::{Entry, Node};
use super::quote::{quoted, scalar};
use super::{Entries, Writer, text, word};

/// Rules that differ in their ports only.
struct Line<'r> {
    rule: &'r Rule,
    ports: Vec<&'r PortWord>,
}

impl Writer<'_> {
    pub(super) fn rules(
        &self,
        rules: &[&Rule],
        direction: Direction,
        row: Option<&SourceRef>,
        default: Level,
    ) -> Entry {
        let lines = self.lines(rules);
        // Where all come from one line, it stands behind the list.
        let is_one_line = rules.windows(2).all(|pair| pair[0].at == pair[1].at);
        let written = lines.iter().map(|line| {
            let own = self.rule_src(line.rule);
            // What its row says need not be said again.
            let own = own.filter(|src| Some(src) != row);
            let entry: Entry = match short(line, direction, own.as_ref(), default) {
                Some(short) => Node::Scalar(quoted(&short)).into(),
                None => long(line, direction, own.as_ref(), default).into(),
            };
            let origin = self.origin(&line.rule.at);
            entry.comment(origin.filter(|_| !is_one_line))
        });
        let origin = rules.first().and_then(|rule| self.origin(&rule.at));
        let list = Entry::from(Node::List(written.collect()));
        list.comment(origin.filter(|_| is_one_line))
    }

    /// Rules that differ in nothing but their ports become one.
    fn lines<'r>(&self, rules: &[&'r Rule]) -> Vec<Line<'r>> {
        let mut lines: Vec<Line<'r>> = Vec::new();
        for rule in rules {
            let same = |line: &&mut Line<'_>| {
                let other = line.rule;
                other.peers == rule.peers
                    && other.level == rule.level
                    && other.via_service == rule.via_service
                    && unplaced(&other.remarks) == unplaced(&rule.remarks)
                    && self.rule_src(other) == self.rule_src(rule)
                    && (!self.origins || other.at == rule.at)
            };
            match lines.iter_mut().find(same) {
                Some(line) => line.ports.extend(&rule.ports),
                None => lines.push(Line {
                    rule,
                    ports: rule.ports.iter().collect(),
                }),
            }
        }
        lines
    }

    pub(super) fn flow(&self, flow: &Flow, default: Level) -> Entry {
        let mut map = Entries::default();
        map.add("name", text(&flow.name));
        map.add("from", peers(&flow.from));
        map.add("to", peers(&flow.to));
        if !flow.except.is_empty() {
            map.add("except", peers(&flow.except));
        }
        map.add("ports", ports(flow.ports.iter()));
        if flow.via_service {
            map.add("via", word("service"));
        }
        map.add("verdict", word(if flow.allow { "allow" } else { "deny" }));
        level(&mut map, flow.level, default);
        map.text("by", flow.by.as_ref());
        remarks(&mut map, &flow.remarks);
        map.place(self.src(flow.remarks.src.as_ref(), &flow.at).as_ref());
        Entry::from(map.map()).comment(self.origin(&flow.at))
    }

    pub(super) fn exception(&self, exception: &Exception) -> Entry {
        let mut map = Entries::default();
        map.add("id", text(&exception.id));
        map.add("from", peers(&exception.from));
        map.add("to", peers(&exception.to));
        map.add("ports", ports(exception.ports.iter()));
        remarks(&mut map, &exception.remarks);
        let src = exception.remarks.src.as_ref();
        map.place(self.src(src, &exception.at).as_ref());
        Entry::from(map.map()).comment(self.origin(&exception.at))
    }
}

/// All but the place, which is asked for in its own way.
fn unplaced(remarks: &Remarks) -> Remarks {
    Remarks {
        src: None,
        ..remarks.clone()
    }
}

/// `ports -> peers`, where nothing is lost by it.
fn short(
    line: &Line<'_>,
    direction: Direction,
    src: Option<&SourceRef>,
    default: Level,
) -> Option<String> {
    let rule = line.rule;
    let is_silent = unplaced(&rule.remarks) == Remarks::default();
    if src.is_some() || rule.level != default || rule.via_service || !is_silent {
        return None;
    }
    let ports: Vec<String> = line.ports.iter().map(|port| port_word(port)).collect();
    let ports = ports.join(",");
    let Some(peers) = &rule.peers else {
        return Some(ports);
    };
    // Behind an `except`, a network would be one of its holes.
    let is_swallowed = |pair: &[PeerWord]| match pair {
        [PeerWord::Block(block), PeerWord::Block(_)] => !block.except.is_empty(),
        _ => false,
    };
    if peers.is_empty() || peers.windows(2).any(is_swallowed) {
        return None;
    }
    let arrow = match direction {
        Direction::Egress => "->",
        Direction::Ingress => "<-",
    };
    let peers: Vec<String> = peers.iter().map(peer_word).collect();
    Some(format!("{ports} {arrow} {}", peers.join(", ")))
}

fn long(line: &Line<'_>, direction: Direction, src: Option<&SourceRef>, default: Level) -> Node {
    let rule = line.rule;
    let mut map = Entries::default();
    map.add("ports", ports(line.ports.iter().copied()));
    if let Some(words) = &rule.peers {
        let key = match direction {
            Direction::Egress => "to",
            Direction::Ingress => "from",
        };
        map.add(key, peers(words));
    }
    level(&mut map, rule.level, default);
    if rule.via_service {
        map.add("via", word("service"));
    }
    remarks(&mut map, &rule.remarks);
    map.place(src);
    map.map()
}

fn level(map: &mut Entries, level: Level, default: Level) {
    if level != default {
        let level = match level {
            Level::Must => "must",
            Level::May => "may",
            Level::Never => "never",
        };
        map.add("level", word(level));
    }
}

/// All but the place.
fn remarks(map: &mut Entries, remarks: &Remarks) {
    map.text("why", remarks.why.as_ref());
    map.text("owner", remarks.owner.as_ref());
    map.text("ticket", remarks.ticket.as_ref());
    if let Some(date) = remarks.expires {
        map.add("expires", word(&date.to_string()));
    }
    if let Some(severity) = remarks.severity {
        map.add("severity", word(severity.as_str()));
    }
}

/// `any`, or a list.
fn ports<'p>(words: impl Iterator<Item = &'p PortWord>) -> Entry {
    let words: Vec<&PortWord> = words.collect();
    if words == [&PortWord::Any(None)] {
        return word("any");
    }
    let of = |port: &&PortWord| port_text(&port_word(port));
    Node::List(words.iter().map(of).collect()).into()
}

/// A port as a value: numbers, ranges and protocols need no quotes.
pub(super) fn port_text(port: &str) -> Entry {
    let port = port.trim();
    let is_number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits && !text.starts_with('0')
    };
    let bare = match port.split_once('/') {
        Some((bare, "tcp" | "udp" | "sctp")) => bare,
        _ => port,
    };
    let is_plain = match bare.split_once('-') {
        Some((first, last)) => is_number(first) && is_number(last),
        None => is_number(bare),
    };
    word(&if is_plain {
        port.to_owned()
    } else {
        scalar(port)
    })
}

fn peers(words: &[PeerWord]) -> Entry {
    match words {
        [one] => text(&peer_word(one)),
        several => Node::List(several.iter().map(|w| text(&peer_word(w))).collect()).into(),
    }
}

fn peer_word(word: &PeerWord) -> String {
    match word {
        PeerWord::Name(name) => name.clone(),
        PeerWord::Block(block) => block.to_string(),
    }
}

fn port_word(word: &PortWord) -> String {
    let range = |range: &PortRange| {
        if range.first() == range.last() {
            range.first().to_string()
        } else {
            format!("{}-{}", range.first(), range.last())
        }
    };
    let (bare, protocol) = match word {
        PortWord::Any(protocol) => ("any".to_owned(), protocol),
        PortWord::Range(protocol, ports) => (range(ports), protocol),
        PortWord::Name(protocol, name) => (name.clone(), protocol),
    };
    match protocol.map(Protocol::as_str) {
        Some(protocol) => format!("{bare}/{}", protocol.to_ascii_lowercase()),
        None => bare,
    }
}
