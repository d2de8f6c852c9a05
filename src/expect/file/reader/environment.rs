//! One environment and its parts, the rules aside.

use serde_json::Value;

use crate::model::Direction;
use crate::text::{nearest, tame};

use super::super::{DefaultDeny, Environment, Named, Note, Select, Settings};
use super::{Reader, join};

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
                        let one = self.default_deny(item, &format!("{path}[{index}]"));
                        made.default_deny.extend(one);
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
                        made.flows
                            .extend(self.flow(item, &format!("{path}[{index}]")));
                    }
                }
                "exceptions" => {
                    for (index, item) in self.list(value, &path).iter().enumerate() {
                        let one = self.exception(item, &format!("{path}[{index}]"));
                        made.exceptions.extend(one);
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

    pub(super) fn known_workload(&mut self, id: &str, path: &str) {
        if self.workloads.iter().any(|known| known == id) {
            return;
        }
        let near = nearest(id, self.workloads.iter().map(String::as_str), 3).join(", ");
        self.fail(
            path,
            format!("there is no workload `{}`", tame(id)),
            if near.is_empty() {
                "define it under workloads".to_owned()
            } else {
                format!("define it under workloads; nearest: {near}")
            },
        );
    }
}
