//! Who is meant: the rows of a document as workloads, and the words for peers.

use std::collections::BTreeSet;

use crate::model::SourceRef;
use crate::text::{nearest, tame};

use super::super::file::{BUILT_IN, Expectations, short};
use super::super::lookup::Unclear;

/// A workload the document speaks of.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// As documents call it, the first one first; at least one.
    pub(super) names: Vec<String>,
    pub(super) at: SourceRef,
    /// How many rows use each name.
    uses: Vec<u32>,
    /// Of another file, which defines it under this id.
    pub(super) defined: Option<String>,
}

/// The workloads of a document, in the order they turn up.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) subjects: Vec<Subject>,
}

/// What a word for a peer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Subject(usize),
    /// A word of the format: `dns`, `k8s-api`, …
    Word(&'static str),
    /// An entry of `peers` of another file.
    Defined(String),
}

/// Names are compared without regard to case, blanks, dashes and underscores being the same.
pub(super) fn key(name: &str) -> String {
    name.split(|c: char| c.is_whitespace() || c == '_' || c == '-')
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("-")
        .to_lowercase()
}

impl Names {
    /// The subject of a row; a new one unless it shares a name with one there is.
    ///
    /// `table` are the subjects of the same table: there two rows that share only an alias contradict each other.
    pub(super) fn row(
        &mut self,
        names: &[String],
        at: &SourceRef,
        table: &BTreeSet<usize>,
        others: &Expectations,
    ) -> Result<usize, Unclear> {
        let keys: Vec<String> = names.iter().map(|name| key(name)).collect();
        let sharing: Vec<usize> = (0..self.subjects.len())
            .filter(|index| {
                let subject = &self.subjects[*index];
                subject.names.iter().any(|own| keys.contains(&key(own)))
            })
            .collect();
        let index = match sharing.as_slice() {
            [] => {
                self.subjects.push(Subject {
                    names: Vec::new(),
                    at: at.clone(),
                    uses: Vec::new(),
                    defined: None,
                });
                self.subjects.len() - 1
            }
            [one] => {
                let own = &self.subjects[*one].names;
                if table.contains(one) && !keys.contains(&key(&own[0])) {
                    return Err(Unclear::Several(vec![own[0].clone(), names[0].clone()]));
                }
                *one
            }
            several => {
                let called = several.iter().map(|i| self.subjects[*i].names[0].clone());
                return Err(Unclear::Several(called.collect()));
            }
        };
        let subject = &mut self.subjects[index];
        for name in names {
            match subject.names.iter().position(|own| key(own) == key(name)) {
                Some(known) => subject.uses[known] += 1,
                None => {
                    subject.names.push(name.clone());
                    subject.uses.push(1);
                }
            }
        }
        if subject.defined.is_none() {
            subject.defined = defined(&subject.names, others);
        }
        Ok(index)
    }

    /// A peer that has no row: it is looked up by its name in the cluster.
    pub(super) fn peer(&mut self, name: &str, at: &SourceRef, others: &Expectations) -> usize {
        let names = vec![name.to_owned()];
        self.subjects.push(Subject {
            defined: defined(&names, others),
            names,
            at: at.clone(),
            uses: vec![1],
        });
        self.subjects.len() - 1
    }

    /// What a word means in a row of a subject: an alias or a name, the last part of a name such as `shop/db`, an id of another
    /// file, a word everybody uses.
    pub(super) fn meaning(
        &self,
        word: &str,
        subject: Option<usize>,
        others: &Expectations,
    ) -> Result<Meaning, Unclear> {
        let wanted = key(word);
        let found = |matches: &dyn Fn(&Subject) -> bool| -> Vec<usize> {
            (0..self.subjects.len())
                .filter(|index| matches(&self.subjects[*index]))
                .collect()
        };
        let called = found(&|subject| subject.names.iter().any(|name| key(name) == wanted));
        if let [one] = called.as_slice() {
            return Ok(Meaning::Subject(*one));
        }
        let last = |name: &str| name.rsplit_once('/').map(|(_, last)| key(last));
        let ending = found(&|subject| {
            subject
                .names
                .iter()
                .any(|name| last(name).is_some_and(|last| last == wanted))
        });
        let home = subject.and_then(|index| namespace(&self.subjects[index].names));
        let near: Vec<usize> = ending
            .iter()
            .copied()
            .filter(|index| home.is_some() && namespace(&self.subjects[*index].names) == home)
            .collect();
        for several in [near, ending] {
            match several.as_slice() {
                [] => {}
                [one] => return Ok(Meaning::Subject(*one)),
                several => {
                    let names = several.iter().map(|i| self.subjects[*i].names[0].clone());
                    return Err(Unclear::Several(names.collect()));
                }
            }
        }
        if let Some(id) = defined(&[word.to_owned()], others) {
            // A workload of another file that no row of this document is about.
            return Ok(Meaning::Defined(id));
        }
        if let Some(peer) = others.peers.iter().find(|peer| key(&peer.id) == wanted) {
            return Ok(Meaning::Defined(peer.id.clone()));
        }
        if wanted == "internal"
            && let Some(own) = subject
        {
            return Ok(Meaning::Subject(own));
        }
        if let Some(word) = built_in(&wanted) {
            return Ok(Meaning::Word(word));
        }
        let known = self.subjects.iter().flat_map(|subject| &subject.names);
        let known = known.map(String::as_str).chain(SYNONYMS);
        Err(Unclear::Nobody(
            nearest(word, known, 3)
                .into_iter()
                .map(str::to_owned)
                .collect(),
        ))
    }

    /// An id for every subject, in their order: the name most rows use, in letters an id may have. All differ.
    pub(super) fn ids(&self, others: &Expectations) -> Vec<String> {
        let mut taken: BTreeSet<String> = others
            .workloads
            .iter()
            .map(|workload| workload.id.clone())
            .chain(others.peers.iter().map(|peer| peer.id.clone()))
            .chain(BUILT_IN.iter().map(|word| (*word).to_owned()))
            .collect();
        let best = |subject: &Subject| {
            let most = subject.uses.iter().copied().max().unwrap_or_default();
            let index = subject.uses.iter().position(|uses| *uses == most);
            subject.names[index.unwrap_or_default()].clone()
        };
        let lasts: Vec<String> = self
            .subjects
            .iter()
            .map(|subject| slug(best(subject).rsplit('/').next().unwrap_or_default()))
            .collect();
        let mut made = Vec::new();
        for (index, subject) in self.subjects.iter().enumerate() {
            if let Some(id) = &subject.defined {
                made.push(id.clone());
                continue;
            }
            let alone = lasts.iter().filter(|last| **last == lasts[index]).count() == 1;
            let base = if alone {
                lasts[index].clone()
            } else {
                slug(&best(subject))
            };
            let mut id = base.clone();
            let mut count = 1;
            while taken.contains(&id) {
                count += 1;
                id = format!("{base}-{count}");
            }
            taken.insert(id.clone());
            made.push(id);
        }
        made
    }
}

/// The namespace that a full name such as `shop/db` stands in.
fn namespace(names: &[String]) -> Option<&str> {
    names
        .iter()
        .find_map(|name| name.split_once('/'))
        .map(|(namespace, _)| namespace)
}

/// The id of a workload of another file that goes by one of these names.
fn defined(names: &[String], others: &Expectations) -> Option<String> {
    let keys: Vec<String> = names.iter().map(|name| key(name)).collect();
    let goes_by = |name: &String| keys.contains(&key(name));
    others
        .workloads
        .iter()
        .find(|workload| goes_by(&workload.id) || workload.value.names.iter().any(goes_by))
        .map(|workload| workload.id.clone())
}

/// Words everybody uses, as they are listed where none of them was meant.
const SYNONYMS: [&str; 6] = [
    "DNS",
    "K8s API",
    "Kubernetes API Server",
    "External",
    "Internet",
    "Any",
];

/// What a word everybody uses is called in the format.
fn built_in(key: &str) -> Option<&'static str> {
    Some(match key {
        "dns" | "cluster-dns" | "kube-dns" => "dns",
        "k8s-api"
        | "k8s-api-server"
        | "kubernetes-api"
        | "kubernetes-api-server"
        | "api-server"
        | "kube-apiserver"
        | "apiserver" => "k8s-api",
        "external" | "outside" => "external",
        "internet" => "internet",
        "node" | "nodes" => "node",
        "cluster" => "cluster",
        "elsewhere" => "elsewhere",
        "any" | "anyone" | "anywhere" | "all" | "everyone" | "*" => "any",
        _ => return None,
    })
}

/// A name in the letters of an id: small letters, digits, dots and dashes.
fn slug(name: &str) -> String {
    let mut made = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_alphanumeric() || c == '.' {
            made.push(c);
        } else if !made.ends_with('-') && !made.is_empty() {
            made.push('-');
        }
    }
    let made = made.trim_end_matches('-').to_owned();
    if short::is_id(&made) {
        made
    } else {
        format!("workload-{made}").trim_end_matches('-').to_owned()
    }
}

/// Names in a row, for a message.
pub(super) fn listed(names: &[String]) -> String {
    let told: Vec<String> = names
        .iter()
        .map(|name| format!("`{}`", tame(name)))
        .collect();
    told.join(", ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn at(line: u32) -> SourceRef {
        SourceRef {
            file: Arc::from("d.md"),
            line,
        }
    }

    fn names(rows: &[&[&str]]) -> Names {
        let mut names = Names::default();
        for row in rows {
            let row: Vec<String> = row.iter().map(|name| (*name).to_owned()).collect();
            names
                .row(&row, &at(1), &BTreeSet::new(), &Expectations::default())
                .unwrap();
        }
        names
    }

    #[test]
    fn a_row_is_who_shares_a_name_with_it() {
        // Two tables: what one calls Nginx (UI) is UI in the other, and UI is what both call it.
        let names = names(&[
            &["Nginx", "UI"],
            &["Jobs Manager", "FM"],
            &["UI"],
            &["jobs-manager"],
        ]);
        assert_eq!(names.subjects.len(), 2);
        assert_eq!(names.ids(&Expectations::default()), ["ui", "jobs-manager"]);
    }

    #[test]
    fn two_rows_of_one_table_may_not_share_an_alias() {
        let mut names = names(&[&["API", "v1"]]);
        let row = ["Gateway".to_owned(), "v1".to_owned()];
        let table = BTreeSet::from([0]);
        assert_eq!(
            names.row(&row, &at(2), &table, &Expectations::default()),
            Err(Unclear::Several(vec![
                "API".to_owned(),
                "Gateway".to_owned()
            ]))
        );
        // The same row again goes on where it left off.
        let row = ["api".to_owned()];
        assert_eq!(
            names.row(&row, &at(2), &table, &Expectations::default()),
            Ok(0)
        );
    }

    #[test]
    fn words_are_names_first_and_then_what_everybody_calls_so() {
        let names = names(&[
            &["shop/db"],
            &["shop/web"],
            &["jobs/db"],
            &["Cache", "K8s API"],
        ]);
        let meaning = |word: &str, subject| names.meaning(word, subject, &Expectations::default());
        // Of the same namespace first.
        assert_eq!(meaning("db", Some(1)), Ok(Meaning::Subject(0)));
        assert_eq!(meaning("db", Some(2)), Ok(Meaning::Subject(2)));
        assert_eq!(
            meaning("DB", None),
            Err(Unclear::Several(vec![
                "shop/db".to_owned(),
                "jobs/db".to_owned()
            ]))
        );
        assert_eq!(meaning("k8s api", None), Ok(Meaning::Subject(3)));
        assert_eq!(
            meaning("Kubernetes API Server", None),
            Ok(Meaning::Word("k8s-api"))
        );
        assert_eq!(meaning("Internal", Some(3)), Ok(Meaning::Subject(3)));
        // Two letters apart, then four, then five.
        assert_eq!(
            meaning("Cahce", None),
            Err(Unclear::Nobody(vec![
                "Cache".to_owned(),
                "Any".to_owned(),
                "DNS".to_owned()
            ]))
        );
    }

    #[test]
    fn ids_differ_and_are_no_words_of_the_format() {
        let names = names(&[
            &["shop/db"],
            &["jobs/db"],
            &["DNS"],
            &["Web_App (new)!"],
            &["10.0.0.1"],
        ]);
        assert_eq!(
            names.ids(&Expectations::default()),
            [
                "shop-db",
                "jobs-db",
                "dns-2",
                "web-app-new",
                "workload-10.0.0.1"
            ]
        );
    }
}
