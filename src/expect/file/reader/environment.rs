//! One environment and its parts, the rules aside.

use serde_json::Value;

use crate::model::{Direction, SourceRef};
use crate::text::{nearest, tame};

use super::super::{DefaultDeny, Environment, Named, Note, Select, Settings};
use super::{BUILT_IN, Reader, Use, join};

impl Reader {
    pub(super) fn environment(
        &mut self,
        name: &str,
        value: &Value,
        path: &str,
        settings: Settings,
    ) -> Option<Environment> {
        let map = self.map(
            value,
            path,
            &[
                "extends",
                "closedWorld",
                "defaultDeny",
                "bind",
                "expect",
                "flows",
                "exceptions",
                "exposure",
                "cluster",
                "notes",
            ],
        )?;
        let mut made = Environment {
            settings,
            ..Environment::empty(name, self.at(path))
        };
        for (key, value) in map {
            let path = join(path, key);
            match key.as_str() {
                "extends" => made.extends = self.text(value, &path),
                "closedWorld" => made.closed_world = self.bool(value, &path),
                "defaultDeny" => {
                    for (index, item) in self.list(value, &path).iter().enumerate() {
                        let path = format!("{path}[{index}]");
                        let Some(one) = self.default_deny(item, &path) else {
                            continue;
                        };
                        let mut own = made.default_deny.iter();
                        let first = own.find(|own| own.namespace == one.namespace);
                        self.once(first.map(|own| &own.at), &one.namespace, &path);
                        made.default_deny.push(one);
                    }
                }
                "bind" => {
                    for (id, value) in self.entries(value, &path) {
                        made.bind.extend(self.bind(id, value, &join(&path, id)));
                    }
                }
                "expect" => {
                    for (id, value) in self.entries(value, &path) {
                        made.expect.extend(self.row(id, value, &join(&path, id)));
                    }
                }
                "flows" => {
                    for (index, item) in self.list(value, &path).iter().enumerate() {
                        let path = format!("{path}[{index}]");
                        let Some(flow) = self.flow(item, &path) else {
                            continue;
                        };
                        let first = made.flows.iter().find(|own| own.name == flow.name);
                        self.once(first.map(|own| &own.at), &flow.name, &path);
                        self.flows.push((flow.name.clone(), path));
                        made.flows.push(flow);
                    }
                }
                "exceptions" => {
                    for (index, item) in self.list(value, &path).iter().enumerate() {
                        let path = format!("{path}[{index}]");
                        let Some(one) = self.exception(item, &path) else {
                            continue;
                        };
                        let first = made.exceptions.iter().find(|own| own.id == one.id);
                        self.once(first.map(|own| &own.at), &one.id, &path);
                        made.exceptions.push(one);
                    }
                }
                "exposure" => {
                    let mut list = Vec::new();
                    for (index, item) in self.list(value, &path).iter().enumerate() {
                        list.extend(self.exposure(item, &format!("{path}[{index}]")));
                    }
                    made.exposure = Some(list);
                }
                "notes" => {
                    for (index, item) in self.list(value, &path).iter().enumerate() {
                        let one = self.note(item, &format!("{path}[{index}]"));
                        made.notes.extend(one);
                    }
                }
                "cluster" => {
                    if let Some(map) = self.map(value, &path, &["cni", "enforces"]) {
                        if let Some(value) = map.get("cni") {
                            let path = join(&path, "cni");
                            made.cni = self.text(value, &path).map(|cni| (cni, self.at(&path)));
                        }
                        if let Some(value) = map.get("enforces") {
                            let path = join(&path, "enforces");
                            made.enforces = self.bool(value, &path).map(|b| (b, self.at(&path)));
                        }
                    }
                }
                _ => {}
            }
        }
        Some(made)
    }

    /// Tells of an entry whose name another one before has.
    fn once(&mut self, first: Option<&SourceRef>, name: &str, path: &str) {
        if let Some(first) = first {
            self.fail(
                path,
                format!("`{}` is already written at {first}", tame(name)),
                "write it once: entries are told apart, and replaced, by this name",
            );
        }
    }

    /// A text, or one with its place: `{text, src}`.
    fn note(&mut self, value: &Value, path: &str) -> Option<Note> {
        let text = if value.is_object() {
            let map = self.map(value, path, &["text", "src"])?;
            let text = map.get("text").unwrap_or(&Value::Null);
            self.text(text, &join(path, "text"))?
        } else {
            self.text(value, path)?
        };
        Some(Note {
            at: self.at(path),
            text,
            src: self.src(value, path),
        })
    }

    pub(super) fn default_deny(&mut self, value: &Value, path: &str) -> Option<DefaultDeny> {
        let map = self.map(value, path, &["namespace", "directions", "src"])?;
        let namespace = map.get("namespace").unwrap_or(&Value::Null);
        let namespace = self.text(namespace, &join(path, "namespace"))?;
        let mut directions = Vec::new();
        let listed_path = join(path, "directions");
        let listed = map.get("directions").unwrap_or(&Value::Null);
        for (index, item) in self.list(listed, &listed_path).iter().enumerate() {
            let words = [
                ("ingress", Direction::Ingress),
                ("egress", Direction::Egress),
            ];
            directions.extend(self.word(item, &format!("{listed_path}[{index}]"), &words));
        }
        if directions.is_empty() {
            directions.extend(Direction::BOTH);
        }
        directions.sort_unstable();
        directions.dedup();
        Some(DefaultDeny {
            at: self.at(path),
            src: self.src(value, path),
            namespace,
            directions,
        })
    }

    pub(super) fn bind(
        &mut self,
        id: &str,
        value: &Value,
        path: &str,
    ) -> Option<Named<Vec<Select>>> {
        self.known_workload(id, path);
        let map = self.map(value, path, &["select", "src"])?;
        let select = map.get("select").unwrap_or(&Value::Null);
        Some(Named {
            id: id.to_owned(),
            at: self.at(path),
            src: self.src(value, path),
            value: self.selects(select, &join(path, "select"))?,
        })
    }

    /// Notes that a workload is named; all files together have to define it.
    pub(super) fn known_workload(&mut self, id: &str, path: &str) {
        self.uses.push(Use {
            path: path.to_owned(),
            name: id.to_owned(),
            is_peer: false,
        });
    }

    /// Tells of a name that nothing defines.
    pub(super) fn known(&mut self, used: &Use, workloads: &[String], peers: &[String]) {
        let name = &used.name;
        if workloads.contains(name)
            || (used.is_peer && (peers.contains(name) || BUILT_IN.contains(&name.as_str())))
        {
            return;
        }
        let own = workloads.iter().map(String::as_str);
        if used.is_peer {
            let all = own.chain(peers.iter().map(String::as_str)).chain(BUILT_IN);
            let near = nearest(name, all, 3).join(", ");
            self.fail(
                &used.path,
                format!("`{}` is no workload, no peer and no known word", tame(name)),
                format!("nearest: {near}"),
            );
        } else {
            let near = nearest(name, own, 3).join(", ");
            self.fail(
                &used.path,
                format!("there is no workload `{}`", tame(name)),
                if near.is_empty() {
                    "define it under workloads".to_owned()
                } else {
                    format!("define it under workloads; nearest: {near}")
                },
            );
        }
    }
}
