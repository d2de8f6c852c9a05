//! Who is meant: networks, workloads and the selectors of their pods.

use serde_json::{Value, json};

use crate::model::{Labels, Requirement, Selector, Test};
use crate::text::tame;

use super::super::short;
use super::super::{Block, Select, Workload};
use super::{Reader, join, what};

impl Reader {
    pub(super) fn block(&mut self, value: &Value, path: &str) -> Option<Block> {
        let map = self.map(value, path, &["cidr", "except", "src"])?;
        let mut nets = |key: &str| -> Vec<ipnet::IpNet> {
            let path = join(path, key);
            let items: Vec<&Value> = match map.get(key) {
                None => Vec::new(),
                Some(Value::Array(items)) => items.iter().collect(),
                Some(one) => vec![one],
            };
            let mut found = Vec::new();
            for (index, item) in items.into_iter().enumerate() {
                match item.as_str().and_then(short::network) {
                    Some(net) => found.push(net),
                    None => self.fail(
                        &format!("{path}[{index}]"),
                        format!("{} is no network", what(item)),
                        "a network is written as 10.0.0.0/8, a single address without a length",
                    ),
                }
            }
            found
        };
        let (cidr, except) = (nets("cidr"), nets("except"));
        if cidr.is_empty() {
            // Those that are none have been told of.
            let is_missing = map.get("cidr").is_none_or(|value| *value == json!([]));
            if is_missing {
                self.fail(
                    path,
                    "names no network",
                    "`cidr` with at least one network is needed",
                );
            }
            return None;
        }
        for hole in &except {
            if !cidr.iter().any(|net| net.contains(hole)) {
                self.fail(
                    &join(path, "except"),
                    format!("{hole} lies in none of the networks of cidr"),
                    "an exception takes something out of cidr",
                );
            }
        }
        Some(Block { cidr, except })
    }

    pub(super) fn workload(&mut self, value: &Value, path: &str) -> Option<Workload> {
        let map = self.map(value, path, &["names", "select", "closedWorld", "src"])?;
        let mut names = Vec::new();
        let names_path = join(path, "names");
        let listed = map.get("names").unwrap_or(&Value::Null);
        for (index, name) in self.list(listed, &names_path).iter().enumerate() {
            names.extend(self.text(name, &format!("{names_path}[{index}]")));
        }
        let closed_world = map
            .get("closedWorld")
            .and_then(|value| self.bool(value, &join(path, "closedWorld")));
        let select = match map.get("select") {
            Some(select) => self.selects(select, &join(path, "select"))?,
            None => Vec::new(),
        };
        if names.is_empty() && !map.contains_key("select") {
            self.fail(
                path,
                "does not say which pods it means",
                "`select` is needed, for example {namespace: shop, labels: {app: api}}, or `names` to look for",
            );
            return None;
        }
        Some(Workload {
            names,
            select,
            closed_world,
        })
    }

    pub(super) fn selects(&mut self, value: &Value, path: &str) -> Option<Vec<Select>> {
        let made: Vec<Select> = match value {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .filter_map(|(index, item)| self.select(item, &format!("{path}[{index}]")))
                .collect(),
            one => self.select(one, path).into_iter().collect(),
        };
        if made.is_empty() && self.problems.is_empty() {
            self.fail(path, "selects nothing", "at least one selector is needed");
        }
        (!made.is_empty()).then_some(made)
    }

    pub(super) fn select(&mut self, value: &Value, path: &str) -> Option<Select> {
        let allowed = [
            "namespace",
            "labels",
            "matchExpressions",
            "namespaceLabels",
            "owner",
            "container",
        ];
        let map = self.map(value, path, &allowed)?;
        if map.is_empty() {
            self.fail(
                path,
                "is empty, and would mean every pod",
                "say at least one of namespace, labels, matchExpressions, namespaceLabels, owner, container",
            );
            return None;
        }
        let mut requirements = self.labels(map.get("labels"), &join(path, "labels"));
        let listed_path = join(path, "matchExpressions");
        let listed = map.get("matchExpressions").unwrap_or(&Value::Null);
        for (index, item) in self.list(listed, &listed_path).iter().enumerate() {
            requirements.extend(self.expression(item, &format!("{listed_path}[{index}]")));
        }
        let namespaces = self.labels(map.get("namespaceLabels"), &join(path, "namespaceLabels"));
        let owner = match map.get("owner") {
            None => None,
            Some(value) => {
                let path = join(path, "owner");
                let text = self.text(value, &path)?;
                match text.split_once('/') {
                    Some((kind, name)) if !kind.is_empty() && !name.is_empty() => {
                        Some((kind.to_owned(), name.to_owned()))
                    }
                    _ => {
                        self.fail(
                            &path,
                            format!("is `{}`", tame(&text)),
                            "an owner is Kind/name, for example StatefulSet/mongo",
                        );
                        None
                    }
                }
            }
        };
        let asks = !requirements.is_empty()
            || !namespaces.is_empty()
            || ["namespace", "owner", "container"]
                .iter()
                .any(|key| map.contains_key(*key));
        if !asks {
            self.fail(
                path,
                "asks for nothing, and would mean every pod",
                "say which labels, namespace, owner or container they have",
            );
            return None;
        }
        Some(Select {
            namespace: match map.get("namespace") {
                Some(value) => Some(self.text(value, &join(path, "namespace"))?),
                None => None,
            },
            namespaces: Selector::new(namespaces),
            pods: Selector::new(requirements),
            owner,
            container: match map.get("container") {
                Some(value) => Some(self.text(value, &join(path, "container"))?),
                None => None,
            },
        })
    }

    pub(super) fn labels(&mut self, value: Option<&Value>, path: &str) -> Vec<Requirement> {
        let mut labels = Labels::default();
        for (key, value) in self.entries(value.unwrap_or(&Value::Null), path) {
            match value {
                Value::String(text) => labels.insert(key.clone(), text.clone()),
                Value::Number(number) => labels.insert(key.clone(), number.to_string()),
                other => self.fail(
                    &join(path, key),
                    format!("is {}", what(other)),
                    "the value of a label is a text; quote true and false",
                ),
            }
        }
        Selector::from_labels(&labels).requirements().to_vec()
    }

    pub(super) fn expression(&mut self, value: &Value, path: &str) -> Option<Requirement> {
        let map = self.map(value, path, &["key", "operator", "values"])?;
        let key = map.get("key").unwrap_or(&Value::Null);
        let key = self.text(key, &join(path, "key"))?;
        let values_path = join(path, "values");
        let listed = map.get("values").unwrap_or(&Value::Null);
        let mut values = std::collections::BTreeSet::new();
        for (index, value) in self.list(listed, &values_path).iter().enumerate() {
            values.extend(self.text(value, &format!("{values_path}[{index}]")));
        }
        let operators = [
            ("In", 0u8),
            ("NotIn", 1),
            ("Exists", 2),
            ("DoesNotExist", 3),
        ];
        let operator = map.get("operator").unwrap_or(&Value::Null);
        let operator = self.word(operator, &join(path, "operator"), &operators)?;
        if (operator < 2) == values.is_empty() {
            self.fail(
                &values_path,
                "does not fit the operator",
                "In and NotIn need values, Exists and DoesNotExist take none",
            );
            return None;
        }
        let test = match operator {
            0 => Test::In(values),
            1 => Test::NotIn(values),
            2 => Test::Exists,
            _ => Test::DoesNotExist,
        };
        Some(Requirement { key, test })
    }
}
