//! Labels and the selectors that read them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The label every namespace has, and the only way to select one by name (rule N23).
pub const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// The labels of one object, sorted by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels(BTreeMap<String, String>);

impl Labels {
    /// Returns the value of `key`; the empty string is a value like any other.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Sets `key`, replacing what was there.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.0.insert(key.into(), value.into());
    }

    /// Walks the pairs in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.iter().enumerate() {
            write!(f, "{}{key}={value}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// A label selector: requirements that all have to hold. None at all selects everything.
///
/// `matchLabels` and one-valued `In` are the same requirement here; order and repetition do not matter (rule N3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Selector {
    requirements: Vec<Requirement>, // Invariant: sorted, no duplicates.
}

/// One condition of a selector.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Requirement {
    pub key: String,
    pub test: Test,
}

/// What a requirement asks of its key; `NotIn` and `DoesNotExist` hold when the key is missing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Test {
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
    Exists,
    DoesNotExist,
}

impl Requirement {
    /// Requires `key` to have exactly `value`.
    pub fn equals(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            test: Test::In(BTreeSet::from([value.into()])),
        }
    }

    pub fn holds(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        match &self.test {
            Test::In(values) => value.is_some_and(|v| values.contains(v)),
            Test::NotIn(values) => value.is_none_or(|v| !values.contains(v)),
            Test::Exists => value.is_some(),
            Test::DoesNotExist => value.is_none(),
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |values: &BTreeSet<String>| values.iter().cloned().collect::<Vec<_>>().join(",");
        match &self.test {
            Test::In(values) if values.len() == 1 => write!(f, "{}={}", self.key, list(values)),
            Test::In(values) => write!(f, "{} in ({})", self.key, list(values)),
            Test::NotIn(values) if values.len() == 1 => write!(f, "{}!={}", self.key, list(values)),
            Test::NotIn(values) => write!(f, "{} notin ({})", self.key, list(values)),
            Test::Exists => write!(f, "{}", self.key),
            Test::DoesNotExist => write!(f, "!{}", self.key),
        }
    }
}

impl Selector {
    /// Selects everything.
    pub fn everything() -> Self {
        Self::default()
    }

    pub fn new(requirements: impl IntoIterator<Item = Requirement>) -> Self {
        let mut requirements: Vec<_> = requirements.into_iter().collect();
        requirements.sort();
        requirements.dedup();
        Self { requirements }
    }

    /// The selector that asks for exactly these labels (others may be there too).
    pub fn from_labels(labels: &Labels) -> Self {
        Self::new(
            labels
                .iter()
                .map(|(key, value)| Requirement::equals(key, value)),
        )
    }

    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    pub fn is_everything(&self) -> bool {
        self.requirements.is_empty()
    }

    pub fn matches(&self, labels: &Labels) -> bool {
        self.requirements
            .iter()
            .all(|requirement| requirement.holds(labels))
    }

    /// The requirements that `labels` do not meet, in order.
    pub fn misses<'a>(&'a self, labels: &'a Labels) -> impl Iterator<Item = &'a Requirement> {
        self.requirements
            .iter()
            .filter(|requirement| !requirement.holds(labels))
    }

    /// Whether some labels meet all requirements: `app in (a), app notin (a)` means nobody.
    pub fn is_satisfiable(&self) -> bool {
        // Sorted by key: the requirements of one key stand together.
        self.requirements
            .chunk_by(|a, b| a.key == b.key)
            .all(|of_key| {
                let holds = |labels: &Labels| of_key.iter().all(|one| one.holds(labels));
                let key = of_key[0].key.as_str();
                let mentioned = of_key.iter().flat_map(|one| match &one.test {
                    Test::In(values) | Test::NotIn(values) => values.iter().collect::<Vec<_>>(),
                    Test::Exists | Test::DoesNotExist => Vec::new(),
                });
                // No label, each value that is mentioned, and one that is not: there is no other case. No value is as long as this.
                let other = "x".repeat(64);
                holds(&Labels::default())
                    || holds(&Labels::from_iter([(key, other.as_str())]))
                    || mentioned
                        .into_iter()
                        .any(|value| holds(&Labels::from_iter([(key, value.as_str())])))
            })
    }

    /// Whether it can be answered from a namespace's name alone (rule N23).
    pub fn reads_only_the_name(&self) -> bool {
        self.requirements
            .iter()
            .all(|requirement| requirement.key == NAMESPACE_NAME)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.requirements.is_empty() {
            return f.write_str("all");
        }
        for (index, requirement) in self.requirements.iter().enumerate() {
            write!(f, "{}{requirement}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(key: &str, test: Test) -> Selector {
        Selector::new([Requirement {
            key: key.into(),
            test,
        }])
    }

    /// The table of rule N3: operator, matches when the key is missing, when its value is listed, when it is another.
    #[test]
    fn operators_treat_a_missing_key_as_the_api_says() {
        let listed = || BTreeSet::from(["a".to_owned()]);
        for (test, missing, inside, outside) in [
            (Test::In(listed()), false, true, false),
            (Test::NotIn(listed()), true, false, true),
            (Test::Exists, false, true, true),
            (Test::DoesNotExist, true, false, false),
        ] {
            let selector = selector("k", test);
            assert_eq!(
                selector.matches(&Labels::default()),
                missing,
                "{selector}, key missing"
            );
            assert_eq!(
                selector.matches(&Labels::from_iter([("k", "a")])),
                inside,
                "{selector}, k=a"
            );
            assert_eq!(
                selector.matches(&Labels::from_iter([("k", "b")])),
                outside,
                "{selector}, k=b"
            );
        }
    }

    #[test]
    fn an_empty_value_is_a_value() {
        let selector = Selector::new([Requirement::equals("role", "")]);
        assert!(!selector.matches(&Labels::default()));
        assert!(selector.matches(&Labels::from_iter([("role", "")])));
    }

    #[test]
    fn requirements_that_exclude_each_other_mean_nobody() {
        let of = |tests: Vec<Test>| {
            let requirement = |test| Requirement {
                key: "k".into(),
                test,
            };
            Selector::new(tests.into_iter().map(requirement)).is_satisfiable()
        };
        let values = |list: &[&str]| {
            list.iter()
                .map(|v| (*v).to_owned())
                .collect::<BTreeSet<_>>()
        };
        assert!(of(vec![]));
        assert!(of(vec![
            Test::In(values(&["a", "b"])),
            Test::NotIn(values(&["a"]))
        ]));
        assert!(of(vec![Test::NotIn(values(&["a"])), Test::Exists]));
        assert!(of(vec![Test::NotIn(values(&["a"])), Test::DoesNotExist]));
        assert!(!of(vec![
            Test::In(values(&["a"])),
            Test::NotIn(values(&["a"]))
        ]));
        assert!(!of(vec![
            Test::In(values(&["a"])),
            Test::In(values(&["b"]))
        ]));
        assert!(!of(vec![Test::In(values(&["a"])), Test::DoesNotExist]));
        assert!(!of(vec![Test::Exists, Test::DoesNotExist]));
    }

    #[test]
    fn order_and_repetition_do_not_matter() {
        let a = Requirement::equals("a", "1");
        let b = Requirement::equals("b", "2");
        assert_eq!(
            Selector::new([a.clone(), b.clone()]),
            Selector::new([b.clone(), a, b])
        );
    }
}
