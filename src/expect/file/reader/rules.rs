//! Rules in their short and long form, flows, exceptions and ways in.

use jiff::civil::Date;
use serde_json::{Map, Value};

use crate::model::{Direction, Severity};
use crate::text::tame;

use super::super::short::{self, PeerWord, PortWord};
use super::super::{Cell, Content, Exception, Exposure, Flow, Level, Patch, Remarks, Row, Rule};
use super::{REMARKS, Reader, Use, VIAS, join, what};

impl Reader {
    pub(super) fn row(&mut self, id: &str, value: &Value, path: &str) -> Option<Row> {
        self.known_workload(id, path);
        let map = self.map(
            value,
            path,
            &[
                "ingress", "egress", "ingress+", "ingress-", "egress+", "egress-", "src",
            ],
        )?;
        let mut row = Row {
            workload: id.to_owned(),
            at: self.at(path),
            src: self.src(value, path),
            ingress: None,
            egress: None,
            patches: Vec::new(),
        };
        for (key, value) in map {
            let path = join(path, key);
            let direction = if key.starts_with("ingress") {
                Direction::Ingress
            } else {
                Direction::Egress
            };
            match key.as_str() {
                "ingress" => row.ingress = self.cell(value, &path, direction),
                "egress" => row.egress = self.cell(value, &path, direction),
                "ingress+" | "ingress-" | "egress+" | "egress-" => row.patches.push(Patch {
                    at: self.at(&path),
                    src: None,
                    direction,
                    adds: key.ends_with('+'),
                    rules: self.rules(value, &path, direction),
                }),
                _ => {}
            }
        }
        hand_down(&mut row);
        Some(row)
    }

    pub(super) fn cell(&mut self, value: &Value, path: &str, direction: Direction) -> Option<Cell> {
        let content = match value {
            Value::String(word) if word == "deny" => Content::Deny,
            Value::String(word) if word == "any" => Content::Any,
            Value::Array(items) if items.is_empty() => Content::Deny,
            Value::Array(_) => Content::Rules {
                rules: self.rules(value, path, direction),
                removed: Vec::new(),
            },
            other => {
                self.fail(
                    path,
                    format!("is {}", what(other)),
                    "allowed are deny, any, or a list of rules such as [\"53 -> dns\", \"27017 -> mongo\"]",
                );
                return None;
            }
        };
        Some(Cell {
            at: self.at(path),
            src: None,
            content,
        })
    }

    pub(super) fn rules(&mut self, value: &Value, path: &str, direction: Direction) -> Vec<Rule> {
        let mut made = Vec::new();
        for (index, item) in self.list(value, path).iter().enumerate() {
            made.extend(self.rule(item, &format!("{path}[{index}]"), direction));
        }
        made
    }

    pub(super) fn rule(&mut self, value: &Value, path: &str, direction: Direction) -> Option<Rule> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            long => return self.long_rule(long, path, direction),
        };
        let arrows =
            "a rule is `ports -> peers` in egress, `ports <- peers` in ingress, or ports alone";
        let read = match short::rule(&text) {
            Ok(read) => read,
            Err(message) => {
                self.fail(path, tame(&message).into_owned(), arrows);
                return None;
            }
        };
        let peers = match read.peers {
            Some((arrow, _)) if arrow != direction => {
                self.fail(
                    path,
                    format!("`{}` points the other way than {direction}", tame(&text)),
                    arrows,
                );
                return None;
            }
            Some((_, peers)) => Some(peers),
            None => None,
        };
        for peer in peers.iter().flatten() {
            self.known_peer(peer, path);
        }
        Some(Rule {
            at: self.at(path),
            ports: read.ports,
            peers,
            level: Level::Must,
            via_service: false,
            remarks: Remarks::default(),
        })
    }

    pub(super) fn long_rule(
        &mut self,
        value: &Value,
        path: &str,
        direction: Direction,
    ) -> Option<Rule> {
        let (own, other) = match direction {
            Direction::Ingress => ("from", "to"),
            Direction::Egress => ("to", "from"),
        };
        if value.get(other).is_some() {
            self.fail(
                &join(path, other),
                format!("an {direction} rule has no `{other}`"),
                format!("write `{own}`: the other end is the workload itself"),
            );
            return None;
        }
        let mut allowed = vec!["ports", own, "level", "via"];
        allowed.extend(REMARKS);
        let map = self.map(value, path, &allowed)?;
        let ports = self.ports(map.get("ports"), &join(path, "ports"))?;
        let peers = match map.get(own) {
            Some(value) => Some(self.peers(value, &join(path, own))?),
            None => None,
        };
        let level = match map.get("level") {
            Some(value) => self.level(value, &join(path, "level"))?,
            None => Level::Must,
        };
        Some(Rule {
            at: self.at(path),
            ports,
            peers,
            level,
            via_service: self.via_service(map, path)?,
            remarks: self.remarks(map, path),
        })
    }

    pub(super) fn level(&mut self, value: &Value, path: &str) -> Option<Level> {
        let words = [
            ("must", Level::Must),
            ("may", Level::May),
            ("never", Level::Never),
        ];
        self.word(value, path, &words)
    }

    pub(super) fn via_service(&mut self, map: &Map<String, Value>, path: &str) -> Option<bool> {
        match map.get("via") {
            None => Some(false),
            Some(value) => self.word(value, &join(path, "via"), &[("service", true)]),
        }
    }

    pub(super) fn remarks(&mut self, map: &Map<String, Value>, path: &str) -> Remarks {
        let mut made = Remarks::default();
        for (key, value) in map {
            let path = join(path, key);
            match key.as_str() {
                "why" => made.why = self.text(value, &path),
                "owner" => made.owner = self.text(value, &path),
                "ticket" => made.ticket = self.text(value, &path),
                "expires" => {
                    made.expires = value.as_str().and_then(|text| text.parse::<Date>().ok());
                    if made.expires.is_none() {
                        self.fail(
                            &path,
                            format!("{} is no date", what(value)),
                            "a date is written as 2026-03-31",
                        );
                    }
                }
                "severity" => {
                    let words = [
                        ("error", Severity::Error),
                        ("warning", Severity::Warning),
                        ("info", Severity::Info),
                    ];
                    made.severity = self.word(value, &path, &words);
                }
                "src" => made.src = self.place(value, &path),
                _ => {}
            }
        }
        made
    }

    pub(super) fn ports(&mut self, value: Option<&Value>, path: &str) -> Option<Vec<PortWord>> {
        let help = "ports are any, 80, 8000-8010, 53/udp or a port name, or a list of these";
        let texts: Vec<String> = match value {
            Some(Value::String(text)) => vec![text.clone()],
            Some(Value::Number(number)) => vec![number.to_string()],
            Some(Value::Array(items)) if !items.is_empty() => items
                .iter()
                .filter_map(|item| match item {
                    Value::String(text) => Some(text.clone()),
                    Value::Number(number) => Some(number.to_string()),
                    other => {
                        self.fail(path, format!("holds {}", what(other)), help);
                        None
                    }
                })
                .collect(),
            other => {
                let found = other.map_or_else(|| "missing".to_owned(), what);
                self.fail(path, format!("is {found}"), help);
                return None;
            }
        };
        let mut made = Vec::new();
        for text in texts {
            match short::ports(&text) {
                Ok(words) => made.extend(words),
                Err(message) => self.fail(path, tame(&message).into_owned(), help),
            }
        }
        (!made.is_empty()).then_some(made)
    }

    pub(super) fn peers(&mut self, value: &Value, path: &str) -> Option<Vec<PeerWord>> {
        let help = "a peer is a workload, a peers entry, a network, or one of any, cluster, dns, elsewhere, external, internet, k8s-api, node; or a list of these";
        let texts: Vec<(String, String)> = match value {
            Value::String(text) => vec![(path.to_owned(), text.clone())],
            Value::Array(items) if !items.is_empty() => {
                let mut texts = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    match item.as_str() {
                        Some(text) => texts.push((path, text.to_owned())),
                        None => self.fail(&path, format!("is {}", what(item)), help),
                    }
                }
                texts
            }
            other => {
                self.fail(path, format!("is {}", what(other)), help);
                return None;
            }
        };
        let mut made = Vec::new();
        for (path, text) in texts {
            match short::peers(&text) {
                Ok(words) => {
                    for word in &words {
                        self.known_peer(word, &path);
                    }
                    made.extend(words);
                }
                Err(message) => self.fail(&path, tame(&message).into_owned(), help),
            }
        }
        (!made.is_empty()).then_some(made)
    }

    /// Notes that somebody is named; all files together have to say who that is.
    pub(super) fn known_peer(&mut self, peer: &PeerWord, path: &str) {
        if let PeerWord::Name(name) = peer {
            self.uses.push(Use {
                path: path.to_owned(),
                name: name.clone(),
                is_peer: true,
            });
        }
    }

    pub(super) fn flow(&mut self, value: &Value, path: &str) -> Option<Flow> {
        let mut allowed = vec![
            "name", "from", "to", "ports", "verdict", "level", "via", "except", "by",
        ];
        allowed.extend(REMARKS);
        let map = self.map(value, path, &allowed)?;
        let null = Value::Null;
        let get = |key: &str| map.get(key).unwrap_or(&null);
        let name = self.text(get("name"), &join(path, "name"))?;
        let from = self.peers(get("from"), &join(path, "from"))?;
        let to = self.peers(get("to"), &join(path, "to"))?;
        let except = match map.get("except") {
            Some(value) => self.peers(value, &join(path, "except"))?,
            None => Vec::new(),
        };
        let ports = self.ports(map.get("ports"), &join(path, "ports"))?;
        let verdicts = [("allow", true), ("deny", false)];
        let allow = self.word(get("verdict"), &join(path, "verdict"), &verdicts)?;
        let level = match map.get("level") {
            Some(value) => {
                let words = [("must", Level::Must), ("may", Level::May)];
                self.word(value, &join(path, "level"), &words)?
            }
            None => Level::Must,
        };
        let by = match map.get("by") {
            Some(value) => self.text(value, &join(path, "by")),
            None => None,
        };
        Some(Flow {
            at: self.at(path),
            name,
            from,
            to,
            except,
            ports,
            allow,
            level,
            via_service: self.via_service(map, path)?,
            by,
            remarks: self.remarks(map, path),
        })
    }

    pub(super) fn exception(&mut self, value: &Value, path: &str) -> Option<Exception> {
        let mut allowed = vec!["id", "from", "to", "ports"];
        allowed.extend(REMARKS);
        let map = self.map(value, path, &allowed)?;
        let null = Value::Null;
        let get = |key: &str| map.get(key).unwrap_or(&null);
        Some(Exception {
            at: self.at(path),
            id: self.text(get("id"), &join(path, "id"))?,
            from: self.peers(get("from"), &join(path, "from"))?,
            to: self.peers(get("to"), &join(path, "to"))?,
            ports: self.ports(map.get("ports"), &join(path, "ports"))?,
            remarks: self.remarks(map, path),
        })
    }

    pub(super) fn exposure(&mut self, value: &Value, path: &str) -> Option<Exposure> {
        let keys = ["workload", "via", "host", "port", "class", "tls", "src"];
        let map = self.map(value, path, &keys)?;
        let null = Value::Null;
        let workload = map.get("workload").unwrap_or(&null);
        let workload = self.text(workload, &join(path, "workload"))?;
        if workload != "*" {
            self.known_workload(&workload, &join(path, "workload"));
        }
        let via = map.get("via").unwrap_or(&null);
        let vias = VIAS.map(|word| (word, word));
        let via = self.word(via, &join(path, "via"), &vias)?.to_owned();
        let mut optional = |key: &str| {
            map.get(key)
                .and_then(|value| self.text(value, &join(path, key)))
        };
        let (host, port, class, tls) = (
            optional("host"),
            optional("port"),
            optional("class"),
            optional("tls"),
        );
        if let Some(text) = &port
            && let Err(message) = short::ports(text)
        {
            self.fail(
                &join(path, "port"),
                tame(&message).into_owned(),
                "a port, or a comma list of ports",
            );
        }
        Some(Exposure {
            at: self.at(path),
            workload,
            via,
            host,
            port,
            class,
            tls,
            src: self.src(value, path),
        })
    }
}

/// Gives the row's place in the document to its cells, and to its rules that have none of their own.
fn hand_down(row: &mut Row) {
    let Some(src) = &row.src else { return };
    let own = |rules: &mut [Rule]| {
        for rule in rules {
            rule.remarks.src.get_or_insert_with(|| src.clone());
        }
    };
    for cell in [&mut row.ingress, &mut row.egress].into_iter().flatten() {
        cell.src = Some(src.clone());
        if let Content::Rules { rules, removed } = &mut cell.content {
            own(rules);
            own(removed);
        }
    }
    for patch in &mut row.patches {
        patch.src = Some(src.clone());
        own(&mut patch.rules);
    }
}
