//! Plays a demo's own changes in real time. They are lines of a recording; the picture they start from is the demo itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::watch;

use crate::model::from_wire::{self, Arrived, Home, Mode};
use crate::model::{Cluster, Coverage, Diagnostic, Namespace};
use crate::source::{Link, Snapshot, manifests};
use crate::wire::Object;

use super::{Texts, find};

/// One line behind the first.
#[derive(Deserialize)]
struct Line<'a> {
    at: Timestamp,
    op: Op,
    #[serde(borrow, default)]
    object: Option<&'a RawValue>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Op {
    Set,
    Delete,
    /// The whole picture has been given; what follows happened while watching.
    Live,
}

#[derive(Deserialize)]
struct Header {
    started: Timestamp,
}

/// Plays the changes of a demo; `None` when there is none of that name.
///
/// The first snapshot is there at once, the others follow at their recorded distances; the last one is [`Link::Fixed`]. Has to be
/// called within a tokio runtime. The task ends when the receiver is dropped.
pub fn play(name: &str) -> Option<watch::Receiver<Arc<Snapshot>>> {
    let mut frames = frames(find(name)?).into_iter();
    let (_, first) = frames.next()?;
    let (sender, receiver) = watch::channel(first);
    tokio::spawn(async move {
        let start = tokio::time::Instant::now();
        for (after, snapshot) in frames {
            tokio::select! {
                () = tokio::time::sleep_until(start + after) => {}
                () = sender.closed() => return,
            }
            if sender.send(snapshot).is_err() {
                return;
            }
        }
        // A closed channel would read as a lost source.
        sender.closed().await;
    });
    Some(receiver)
}

/// Every state of the demo and when it begins, counted from the start. Changes of one moment are one state.
fn frames(texts: &Texts) -> Vec<(Duration, Arc<Snapshot>)> {
    let (arrived, diagnostics) = manifests::objects(&texts.file("cluster.yaml"), texts.cluster);
    let mut stage = Stage::new(texts.name, arrived, diagnostics);
    let mut frames = vec![(Duration::ZERO, stage.snapshot())];
    let changes = changes(texts);
    for (index, (after, op, change)) in changes.iter().enumerate() {
        stage.change(*op, change);
        if changes.get(index + 1).is_none_or(|next| next.0 != *after) {
            frames.push((*after, stage.snapshot()));
        }
    }
    if let Some((_, last)) = frames.last_mut() {
        Arc::make_mut(last).link = Link::Fixed;
    }
    frames
}

/// The changes in order, each with its distance from the start. A line that cannot be read is no change; a test sees to it that
/// the built-in ones all can.
fn changes(texts: &Texts) -> Vec<(Duration, Op, Arrived)> {
    let file = texts.file("play.jsonl");
    let mut lines = texts.play.lines().zip(1u32..);
    let Some(header) = lines
        .next()
        .and_then(|(text, _)| serde_json::from_str::<Header>(text).ok())
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (text, number) in lines {
        let Ok(line) = serde_json::from_str::<Line<'_>>(text) else {
            continue;
        };
        let Some(object) = line.object else { continue };
        let after = Duration::try_from(line.at.duration_since(header.started)).unwrap_or_default();
        let (objects, _) = manifests::objects(&file, object.get());
        for mut arrived in objects {
            if let Some(place) = &mut arrived.place {
                place.line = number;
            }
            found.push((after, line.op, arrived));
        }
    }
    found
}

/// Group (where several have the kind), kind, namespace and name.
type Key = [String; 4];

/// The demo as it stands at one moment, kept as objects so that one can be exchanged.
struct Stage {
    objects: BTreeMap<Home, BTreeMap<Key, Arrived>>,
    cluster: Cluster,
    /// By what is rebuilt together, so that what is mended is no longer told of.
    told: BTreeMap<Home, Vec<Diagnostic>>,
    /// Of texts that could not be read at all.
    diagnostics: Vec<Diagnostic>,
    revision: u64,
    origin: Arc<str>,
}

impl Stage {
    fn new(name: &str, arrived: Vec<Arrived>, diagnostics: Vec<Diagnostic>) -> Self {
        let mut by_home: BTreeMap<Home, Vec<&Arrived>> = BTreeMap::new();
        for one in &arrived {
            let home = from_wire::home(&one.object);
            by_home.entry(home).or_default().push(one);
        }
        let (mut cluster, _) = from_wire::cluster(&[], Coverage::complete(), Mode::Files);
        let told = by_home
            .iter()
            .map(|(home, list)| (home.clone(), rebuild(&mut cluster, home, list)))
            .collect();
        let mut objects: BTreeMap<Home, BTreeMap<Key, Arrived>> = BTreeMap::new();
        for one in arrived {
            let home = from_wire::home(&one.object);
            objects
                .entry(home)
                .or_default()
                .insert(key(&one.object), one);
        }
        Self {
            objects,
            cluster,
            told,
            diagnostics,
            revision: 0,
            origin: format!("demo {name}").into(),
        }
    }

    /// Changes one object and rebuilds what it is kept with; the rest stays shared.
    fn change(&mut self, op: Op, change: &Arrived) {
        let home = from_wire::home(&change.object);
        let objects = self.objects.entry(home.clone()).or_default();
        match op {
            Op::Set => {
                objects.insert(key(&change.object), change.clone());
            }
            Op::Delete => {
                objects.remove(&key(&change.object));
            }
            Op::Live => return,
        }
        let list: Vec<&Arrived> = objects.values().collect();
        let told = rebuild(&mut self.cluster, &home, &list);
        self.told.insert(home, told);
    }

    fn snapshot(&mut self) -> Arc<Snapshot> {
        self.revision += 1;
        let told = self.told.values().flatten();
        Arc::new(Snapshot {
            revision: self.revision,
            cluster: Arc::new(self.cluster.clone()),
            diagnostics: Arc::new(self.diagnostics.iter().chain(told).cloned().collect()),
            origin: Arc::clone(&self.origin),
            link: Link::Live,
        })
    }
}

/// Makes anew what is kept in one place, and returns what is to be told of it.
fn rebuild(cluster: &mut Cluster, home: &Home, list: &[&Arrived]) -> Vec<Diagnostic> {
    match home {
        Home::Namespace(name) => {
            let (made, told): (Namespace, _) = from_wire::namespace(name, list, Mode::Files);
            cluster.namespaces.insert(name.clone(), Arc::new(made));
            told
        }
        Home::Nodes => {
            let (made, told) = from_wire::nodes(list);
            cluster.nodes = Arc::new(made);
            told
        }
        Home::ClusterPolicies => {
            let (made, told) = from_wire::cluster_policies(list);
            cluster.cluster_policies = Arc::new(made);
            told
        }
        Home::Foreign => {
            let (made, told) = from_wire::foreign(list);
            cluster.foreign = Arc::new(made);
            told
        }
    }
}

fn key(object: &Object) -> Key {
    let (group, kind) = match object {
        Object::Namespace(_) => ("", "Namespace"),
        Object::Node(_) => ("", "Node"),
        Object::Pod(_) => ("", "Pod"),
        Object::Workload(o) => ("", o.kind.as_str()),
        Object::Service(_) => ("", "Service"),
        Object::EndpointSlice(_) => ("", "EndpointSlice"),
        Object::Ingress(_) => ("", "Ingress"),
        Object::NetworkPolicy(_) => ("", "NetworkPolicy"),
        Object::ClusterNetworkPolicy(_) => ("", "ClusterNetworkPolicy"),
        Object::AdminNetworkPolicy(_) => ("", "AdminNetworkPolicy"),
        Object::BaselineAdminNetworkPolicy(_) => ("", "BaselineAdminNetworkPolicy"),
        Object::Foreign(o) => (o.group.as_str(), o.kind.as_str()),
        Object::Unreadable(o) => ("", o.kind.as_str()),
    };
    let meta = object.meta();
    [group, kind, &meta.namespace, &meta.name].map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::DEMOS;
    use super::*;

    #[test]
    fn every_line_of_every_recording_reads() {
        for demo in DEMOS {
            let written = demo
                .play
                .lines()
                .filter(|line| line.contains("\"object\""))
                .count();
            assert!(written > 0, "{}", demo.name);
            assert_eq!(changes(demo).len(), written, "{}", demo.name);
            for (text, number) in demo.play.lines().zip(1..).skip(1) {
                assert!(
                    serde_json::from_str::<Line<'_>>(text).is_ok(),
                    "{}, line {number}",
                    demo.name
                );
            }
        }
    }

    #[test]
    fn changes_of_one_moment_are_one_state_and_leave_other_namespaces_shared() {
        let frames = frames(find("stalker").unwrap());
        let seconds: Vec<u64> = frames.iter().map(|(after, _)| after.as_secs()).collect();
        assert_eq!(seconds, [0, 12, 17, 22, 28]);
        let policies = |index: usize| -> Vec<&str> {
            let names = frames[index].1.cluster.namespaces["stalker"]
                .policies
                .iter();
            names.map(|policy| policy.name.as_str()).collect()
        };
        assert!(policies(0).contains(&"cron-service-mongo"));
        assert!(!policies(1).contains(&"cron-service-mongo"));
        assert!(policies(3).contains(&"cron-service-mongo"));
        for (index, pair) in frames.windows(2).enumerate() {
            let (before, after) = (&pair[0].1, &pair[1].1);
            assert!(before.revision < after.revision, "state {index}");
            for (name, namespace) in &before.cluster.namespaces {
                let shared = Arc::ptr_eq(namespace, &after.cluster.namespaces[name]);
                assert_eq!(shared, name != "stalker", "state {index}, {name}");
            }
            assert!(after.diagnostics.is_empty(), "{:?}", after.diagnostics);
        }
        assert_eq!(frames[0].1.link, Link::Live);
        assert_eq!(frames[4].1.link, Link::Fixed);
    }

    #[test]
    fn what_is_told_of_an_object_goes_and_comes_with_it() {
        let frames = frames(find("platform").unwrap());
        let told: Vec<Vec<&str>> = frames
            .iter()
            .map(|(_, state)| {
                let messages = state.diagnostics.iter().map(|d| d.message.as_str());
                messages.collect()
            })
            .collect();
        let policy = "GlobalNetworkPolicy of projectcalico.org is not evaluated, and there is 1 object: connections of the pods they may act on are unknown";
        assert_eq!(told, [vec![policy], vec![], vec![policy]]);
    }

    #[tokio::test]
    async fn the_first_state_is_there_at_once() {
        let receiver = play("stalker").unwrap();
        assert_eq!(receiver.borrow().revision, 1);
        assert!(play("nothing").is_none());
    }
}
