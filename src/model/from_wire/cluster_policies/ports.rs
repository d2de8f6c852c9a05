//! Ports of a rule: `ports` of v1alpha1 and `protocols` of v1alpha2 say the same in different words (rule A30).

use crate::model::{PortItem, PortRange, PortTest, Ports, Protocol};
use crate::text::tame;
use crate::wire::policy_v1alpha1::PortMatch;
use crate::wire::policy_v1alpha2::{ProtocolMatch, Transport};

use super::super::number;
use super::Reader;

impl Reader<'_> {
    /// Reads `protocols`; a missing list is for the caller (rule A25).
    pub(super) fn protocol_matches(&mut self, items: &[ProtocolMatch], rule: &str) -> Ports {
        let path = format!("{rule}.protocols");
        if items.is_empty() {
            self.refuse(
                &path,
                "an empty list is not allowed; leave it out to mean everything",
            );
        }
        self.check_length(&path, items.len(), self.limit());
        let numbered = items.iter().enumerate();
        Ports::AnyOf(
            numbered
                .map(|(index, item)| self.protocol_match(item, &format!("{path}[{index}]")))
                .collect(),
        )
    }

    fn protocol_match(&mut self, item: &ProtocolMatch, path: &str) -> PortItem {
        let fields = [
            (Protocol::Tcp, "tcp", &item.tcp),
            (Protocol::Udp, "udp", &item.udp),
            (Protocol::Sctp, "sctp", &item.sctp),
        ];
        let mut set = fields
            .into_iter()
            .filter_map(|(protocol, field, value)| Some((protocol, field, value.as_ref()?)));
        match (set.next(), set.next(), &item.destination_named_port) {
            (Some((protocol, field, transport)), None, None) => PortItem {
                protocol,
                port: self.transport(transport, protocol, &format!("{path}.{field}")),
            },
            (None, None, Some(name)) => self.named(name, &format!("{path}.destinationNamedPort")),
            (None, None, None) => {
                self.refuse(path, "needs tcp, udp, sctp or destinationNamedPort");
                unreadable()
            }
            _ => {
                self.refuse(path, "has more than one field; make an item of each");
                unreadable()
            }
        }
    }

    fn transport(&mut self, transport: &Transport, protocol: Protocol, path: &str) -> PortTest {
        let Some(port) = &transport.destination_port else {
            // What it means was written down before the schema came to refuse it (rule A25).
            self.doubt(
                path,
                format!("is empty, which is taken for every port of {protocol}"),
                "a server of today refuses it; write the range 1 to 65535 instead",
            );
            return PortTest::Any;
        };
        let path = format!("{path}.destinationPort");
        match (port.number, &port.range) {
            (Some(port), None) => self.range(Some(port), Some(port), &format!("{path}.number")),
            (None, Some(range)) => {
                let path = format!("{path}.range");
                self.check_order(range.start, range.end, &path);
                self.range(range.start, range.end, &path)
            }
            (None, None) => {
                self.refuse(&path, "needs a number or a range");
                PortTest::Unreadable
            }
            (Some(_), Some(_)) => {
                self.refuse(&path, "a number cannot stand beside a range");
                PortTest::Unreadable
            }
        }
    }

    /// Reads `ports`; a missing list is for the caller.
    pub(super) fn port_matches(&mut self, items: &[PortMatch], rule: &str) -> Ports {
        let path = format!("{rule}.ports");
        if items.is_empty() {
            // A server takes it, and the API does not say whether that is every port or none.
            self.refuse(
                &path,
                "an empty list is neither every port nor none; leave it out to mean every port",
            );
        }
        self.check_length(&path, items.len(), self.limit());
        let numbered = items.iter().enumerate();
        Ports::AnyOf(
            numbered
                .map(|(index, item)| self.port_match(item, &format!("{path}[{index}]")))
                .collect(),
        )
    }

    fn port_match(&mut self, item: &PortMatch, path: &str) -> PortItem {
        match (&item.port_number, &item.port_range, &item.named_port) {
            (Some(one), None, None) => {
                let path = format!("{path}.portNumber");
                let port = self.range(one.port, one.port, &format!("{path}.port"));
                self.with_protocol(one.protocol.as_deref(), port, &path)
            }
            (None, Some(range), None) => {
                let path = format!("{path}.portRange");
                self.check_order(range.start, range.end, &path);
                let port = self.range(range.start, range.end, &path);
                self.with_protocol(range.protocol.as_deref(), port, &path)
            }
            (None, None, Some(name)) => self.named(name, &format!("{path}.namedPort")),
            (None, None, None) => {
                self.refuse(path, "needs portNumber, portRange or namedPort");
                unreadable()
            }
            _ => {
                self.refuse(path, "has more than one field; make an item of each");
                unreadable()
            }
        }
    }

    /// A missing protocol is TCP (rule A30).
    fn with_protocol(&mut self, written: Option<&str>, port: PortTest, path: &str) -> PortItem {
        let known = match written {
            None | Some("") => Some(Protocol::Tcp),
            Some(text) => Protocol::ALL.into_iter().find(|p| p.as_str() == text),
        };
        if let Some(protocol) = known {
            return PortItem { protocol, port };
        }
        self.refuse(
            &format!("{path}.protocol"),
            format!(
                "`{}` is none of TCP, UDP, SCTP",
                tame(written.unwrap_or_default())
            ),
        );
        unreadable()
    }

    fn range(&mut self, first: Option<i64>, last: Option<i64>, path: &str) -> PortTest {
        let numbers = (first.and_then(number), last.and_then(number));
        if let (Some(first), Some(last)) = numbers {
            return PortRange::new(first, last).map_or(PortTest::Unreadable, PortTest::Range);
        }
        self.refuse(path, "a port number lies between 1 and 65535");
        PortTest::Unreadable
    }

    fn check_order(&mut self, start: Option<i64>, end: Option<i64>, path: &str) {
        if let (Some(start), Some(end)) = (start, end)
            && start >= end
        {
            self.refuse(
                path,
                format!("the range starts at {start} and ends at {end}; the end is the larger one"),
            );
        }
    }

    /// Looked up at the destination pod, by name alone (rule A26).
    fn named(&mut self, name: &str, path: &str) -> PortItem {
        if name.is_empty() {
            self.refuse(path, "a port name cannot be empty");
            return unreadable();
        }
        PortItem {
            protocol: Protocol::Tcp,
            port: PortTest::NamedAnyProtocol(name.to_owned()),
        }
    }
}

fn unreadable() -> PortItem {
    PortItem {
        protocol: Protocol::Tcp,
        port: PortTest::Unreadable,
    }
}
