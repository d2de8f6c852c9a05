//! What selectors read: label keys, and of each key the values that some selector mentions. All else cannot tell two objects apart.

use hashbrown::HashMap;

use crate::model::{Labels, Requirement, Selector, Test};

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// Labels as far as selectors read them: keys and values by number, sorted by key.
pub(crate) type Projection = Vec<(u32, u32)>;

/// A value that no selector mentions: present, and equal to none of those that are.
const OTHER: u32 = 0;

/// Grows only. Numbers are given in the order in which selectors are met.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vocabulary {
    keys: Map<String, u32>,
    /// By key: its values, numbered from 1.
    values: Vec<Map<String, u32>>,
}

/// A selector over numbers. Requirements that no object can tell apart are one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reading(Vec<Asked>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Asked {
    In(u32, Vec<u32>), // Values ascending.
    NotIn(u32, Vec<u32>),
    Exists(u32),
    DoesNotExist(u32),
}

/// Something selectors had not mentioned before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct News {
    pub(crate) key: String,
}

impl Vocabulary {
    /// Learns what a selector mentions, and translates it. `news` gets each key of which something is new.
    pub(crate) fn read(&mut self, selector: &Selector, news: &mut Vec<News>) -> Reading {
        let mut asked = Vec::with_capacity(selector.requirements().len());
        for Requirement { key, test } in selector.requirements() {
            let (key_id, mut is_new) = match self.keys.get(key.as_str()) {
                Some(known) => (*known, false),
                None => {
                    let next = u32::try_from(self.values.len()).expect("fewer than 2^32 keys");
                    self.keys.insert(key.clone(), next);
                    self.values.push(Map::default());
                    (next, true)
                }
            };
            let mut number = |values: &std::collections::BTreeSet<String>| {
                let known = &mut self.values[key_id as usize];
                let mut numbers: Vec<u32> = values
                    .iter()
                    .map(|value| {
                        if let Some(number) = known.get(value.as_str()) {
                            return *number;
                        }
                        is_new = true;
                        let next = u32::try_from(known.len() + 1).expect("fewer than 2^32 values");
                        known.insert(value.clone(), next);
                        next
                    })
                    .collect();
                numbers.sort_unstable();
                numbers
            };
            asked.push(match test {
                Test::In(values) => Asked::In(key_id, number(values)),
                Test::NotIn(values) => Asked::NotIn(key_id, number(values)),
                Test::Exists => Asked::Exists(key_id),
                Test::DoesNotExist => Asked::DoesNotExist(key_id),
            });
            if is_new && news.last().is_none_or(|last| last.key != *key) {
                news.push(News { key: key.clone() });
            }
        }
        Reading(asked)
    }

    /// The selector that a reading was made of. Walks the whole vocabulary: for rare cases.
    pub(crate) fn selector(&self, reading: &Reading) -> Selector {
        let name = |number: u32| {
            let found = self.keys.iter().find(|(_, known)| **known == number);
            found.map_or_else(String::new, |(key, _)| key.clone())
        };
        let values = |key: u32, numbers: &[u32]| {
            let known = self.values[key as usize].iter();
            known
                .filter(|(_, number)| numbers.contains(number))
                .map(|(value, _)| value.clone())
                .collect()
        };
        Selector::new(reading.0.iter().map(|asked| match asked {
            Asked::In(key, list) => Requirement {
                key: name(*key),
                test: Test::In(values(*key, list)),
            },
            Asked::NotIn(key, list) => Requirement {
                key: name(*key),
                test: Test::NotIn(values(*key, list)),
            },
            Asked::Exists(key) => Requirement {
                key: name(*key),
                test: Test::Exists,
            },
            Asked::DoesNotExist(key) => Requirement {
                key: name(*key),
                test: Test::DoesNotExist,
            },
        }))
    }

    pub(crate) fn project(&self, labels: &Labels) -> Projection {
        let mut projection = Projection::new();
        for (key, value) in labels.iter() {
            if let Some(key) = self.keys.get(key) {
                let value = self.values[*key as usize].get(value).copied();
                projection.push((*key, value.unwrap_or(OTHER)));
            }
        }
        projection.sort_unstable();
        projection
    }
}

impl Asked {
    fn holds(&self, projection: &[(u32, u32)]) -> bool {
        let value = |key: u32| {
            let found = projection.iter().find(|(k, _)| *k == key);
            found.map(|(_, value)| *value)
        };
        match self {
            Self::In(key, values) => value(*key).is_some_and(|v| values.contains(&v)),
            Self::NotIn(key, values) => value(*key).is_none_or(|v| !values.contains(&v)),
            Self::Exists(key) => value(*key).is_some(),
            Self::DoesNotExist(key) => value(*key).is_none(),
        }
    }
}

impl Reading {
    pub(crate) fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn matches(&self, projection: &[(u32, u32)]) -> bool {
        self.0.iter().all(|asked| asked.holds(projection))
    }

    /// The requirements that name values: each object that matches has one of them.
    pub(crate) fn postings(&self) -> impl Iterator<Item = impl Iterator<Item = (u32, u32)> + '_> {
        self.0.iter().filter_map(|asked| match asked {
            Asked::In(key, values) => Some(values.iter().map(move |value| (*key, *value))),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn requirement(key: &str, test: Test) -> Requirement {
        Requirement {
            key: key.into(),
            test,
        }
    }

    /// Every operator answers from numbers as it does from the labels themselves.
    #[test]
    fn numbers_answer_as_labels_do() {
        let values = |list: &[&str]| {
            list.iter()
                .map(|v| (*v).to_owned())
                .collect::<BTreeSet<_>>()
        };
        let selectors = [
            Selector::everything(),
            Selector::new([requirement("a", Test::In(values(&["1", "2"])))]),
            Selector::new([requirement("a", Test::NotIn(values(&["1"])))]),
            Selector::new([requirement("b", Test::Exists)]),
            Selector::new([
                requirement("b", Test::DoesNotExist),
                requirement("a", Test::In(values(&["2"]))),
            ]),
        ];
        let mut vocabulary = Vocabulary::default();
        let mut news = Vec::new();
        let readings: Vec<Reading> = selectors
            .iter()
            .map(|selector| vocabulary.read(selector, &mut news))
            .collect();
        for labels in [
            vec![],
            vec![("a", "1")],
            vec![("a", "2"), ("c", "x")],
            vec![("a", "3"), ("b", "")],
            vec![("b", "9")],
        ] {
            let labels: Labels = labels.into_iter().collect();
            let projection = vocabulary.project(&labels);
            for (selector, reading) in selectors.iter().zip(&readings) {
                assert_eq!(
                    reading.matches(&projection),
                    selector.matches(&labels),
                    "{selector} on {labels}"
                );
                assert_eq!(vocabulary.selector(reading), *selector);
            }
        }
    }

    #[test]
    fn what_nobody_asks_for_is_left_out() {
        let mut vocabulary = Vocabulary::default();
        let mut news = Vec::new();
        vocabulary.read(&Selector::new([Requirement::equals("app", "a")]), &mut news);
        assert_eq!(news, [News { key: "app".into() }]);
        let of = |pairs: &[(&str, &str)]| vocabulary.project(&pairs.iter().copied().collect());
        assert_eq!(
            of(&[("app", "x"), ("hash", "1")]),
            of(&[("app", "y"), ("hash", "2")])
        );
        assert_ne!(of(&[("app", "a")]), of(&[("app", "y")]));
        assert_ne!(of(&[]), of(&[("app", "y")]));
        let mut again = Vec::new();
        vocabulary.read(
            &Selector::new([Requirement::equals("app", "a")]),
            &mut again,
        );
        assert_eq!(again, []);
    }
}
