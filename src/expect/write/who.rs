//! Selectors.

use crate::model::{Requirement, Test};

use super::super::file::Select;
use super::layout::{Entry, Node};
use super::quote::scalar;
use super::{Entries, text, texts, word};

/// One selector, or a list of them.
pub(super) fn selects(selects: &[Select]) -> Entry {
    match selects {
        [one] => select(one),
        several => Node::List(several.iter().map(select).collect()).into(),
    }
}

fn select(select: &Select) -> Entry {
    let mut map = Entries::default();
    map.text("namespace", select.namespace.as_ref());
    let (namespaces, _) = labels(select.namespaces.requirements());
    if !namespaces.0.is_empty() {
        map.add("namespaceLabels", namespaces.map());
    }
    let (labels, others) = labels(select.pods.requirements());
    if !labels.0.is_empty() {
        map.add("labels", labels.map());
    }
    if !others.is_empty() {
        map.add("matchExpressions", Node::List(others));
    }
    if let Some((kind, name)) = &select.owner {
        map.add("owner", text(&format!("{kind}/{name}")));
    }
    map.text("container", select.container.as_ref());
    map.map().into()
}

/// Requirements as labels, as far as they can be written so, and the others as expressions.
fn labels(requirements: &[Requirement]) -> (Entries, Vec<Entry>) {
    let (mut labels, mut others) = (Entries::default(), Vec::new());
    let mut last = None;
    for requirement in requirements {
        let key = requirement.key.as_str();
        let (operator, values) = match &requirement.test {
            Test::In(values) => {
                if let (Some(value), 1) = (values.first(), values.len())
                    && last != Some(key)
                {
                    // A label's value is taken as it is, blanks and all.
                    labels.add(key, Node::Scalar(scalar(value)));
                    last = Some(key);
                    continue;
                }
                ("In", Some(values))
            }
            Test::NotIn(values) => ("NotIn", Some(values)),
            Test::Exists => ("Exists", None),
            Test::DoesNotExist => ("DoesNotExist", None),
        };
        let mut map = Entries::default();
        map.add("key", text(key));
        map.add("operator", word(operator));
        if let Some(values) = values {
            map.add("values", texts(values));
        }
        others.push(map.map().into());
    }
    (labels, others)
}
