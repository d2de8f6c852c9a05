//! What the feeds told so far, and the snapshots made of it.
//!
//! No I/O and no clock: times come in as arguments.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::from_wire::{self, Arrived, Mode};
use crate::model::{
    Cluster, Coverage, Diagnostic, Foreign, Namespace, Node, Policy, Resource, Severity,
};
use crate::source::Snapshot;
use crate::wire::Object;

use super::follow::{Event, Feed};
use super::progress::{Feeds, is_final};
use super::session::Failure;

/// The objects of one namespace.
type Objects = BTreeMap<Key, Entry>;

/// Kind, name, and who brought it: the API has at most one object of a kind and name at a time, and while a kind changes from feeds
/// by namespace to one for all, two feeds may both know it. Each keeps its own, so that neither takes away what the other brought.
type Key = (Resource, String, Side);

/// Which feeds brought an object. Of two, the first is shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Whole,
    Part,
}

impl Side {
    fn of(feed: &Feed) -> Self {
        match feed.namespace {
            None => Self::Whole,
            Some(_) => Self::Part,
        }
    }
}

struct Entry {
    arrived: Arrived,
    /// The list of its feed in which it was seen last.
    generation: u64,
}

/// A namespace as it was last made.
#[derive(Default)]
struct Made {
    namespace: Arc<Namespace>,
    diagnostics: Vec<Diagnostic>,
}

/// Objects that are no part of a namespace's picture, and what was last made of all of them.
struct Shelf<T> {
    /// By namespace, which is empty for kinds without.
    objects: BTreeMap<String, Objects>,
    is_changed: bool,
    made: Arc<Vec<T>>,
    diagnostics: Vec<Diagnostic>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            is_changed: false,
            made: Arc::default(),
            diagnostics: Vec::new(),
        }
    }
}

impl<T: PartialEq> Shelf<T> {
    fn of(&mut self, namespace: String) -> &mut Objects {
        self.is_changed = true;
        self.objects.entry(namespace).or_default()
    }

    /// Removes what is gone from one namespace, or from all.
    fn retain(&mut self, scope: Option<&String>, is_gone: impl Fn(&Key, &Entry) -> bool) {
        for (name, objects) in &mut self.objects {
            if scope.is_none_or(|scope| scope == name) {
                let before = objects.len();
                objects.retain(|key, entry| !is_gone(key, entry));
                self.is_changed |= objects.len() != before;
            }
        }
        self.objects.retain(|_, objects| !objects.is_empty());
    }

    /// Makes all of it anew if something arrived. True when it came out otherwise than before.
    fn make(&mut self, make: impl FnOnce(&[&Arrived]) -> (Vec<T>, Vec<Diagnostic>)) -> bool {
        if !std::mem::take(&mut self.is_changed) {
            return false;
        }
        let arrived: Vec<&Arrived> = self.objects.values().flat_map(shown).collect();
        let (made, diagnostics) = make(&arrived);
        if *self.made == made && self.diagnostics == diagnostics {
            return false;
        }
        self.made = Arc::new(made);
        self.diagnostics = diagnostics;
        true
    }
}

/// Each object once, though two feeds may have brought it.
fn shown(objects: &Objects) -> impl Iterator<Item = &Arrived> {
    let mut last = None;
    objects
        .iter()
        .filter(move |(key, _)| last.replace((key.0, &key.1)) != Some((key.0, &key.1)))
        .map(|(_, entry)| &entry.arrived)
}

/// Everything known of the cluster. One namespace is made anew when something in it changed, the others are shared.
pub(super) struct Store {
    origin: Arc<str>,
    /// What is to be known of the connection.
    notes: Vec<Diagnostic>,
    namespaces: BTreeMap<String, Objects>,
    nodes: Shelf<Node>,
    cluster_policies: Shelf<Policy>,
    foreign: Shelf<Foreign>,
    pub(super) feeds: Feeds,
    /// The newest list of any feed; no two lists share a number.
    generation: u64,
    /// Namespaces that are shown even when nothing is in them, because somebody asked for them.
    wanted: BTreeSet<String>,
    changed: BTreeSet<String>,
    made: BTreeMap<String, Made>,
    last: Option<Arc<Snapshot>>,
}

impl Store {
    pub(super) fn new(origin: &str, notes: &[String]) -> Self {
        Self {
            origin: origin.into(),
            notes: notes
                .iter()
                .map(|note| Diagnostic::new(Severity::Info, note.as_str()))
                .collect(),
            generation: 0,
            namespaces: BTreeMap::new(),
            nodes: Shelf::default(),
            cluster_policies: Shelf::default(),
            foreign: Shelf::default(),
            feeds: Feeds::default(),
            wanted: BTreeSet::new(),
            changed: BTreeSet::new(),
            made: BTreeMap::new(),
            last: None,
        }
    }

    pub(super) fn add_feed(&mut self, feed: Feed) {
        self.feeds.0.entry(feed).or_default();
    }

    /// Forgets a feed and all that only it brought.
    pub(super) fn drop_feed(&mut self, feed: &Feed) {
        if self.feeds.0.remove(feed).is_some() {
            self.sweep(feed, None);
        }
    }

    /// Forgets a feed with all that only it brought, and waits for it anew.
    pub(super) fn restart_feed(&mut self, feed: &Feed) {
        self.drop_feed(feed);
        self.add_feed(feed.clone());
    }

    /// Notes that what was known of a feed's kind no longer holds: neither that there are such objects nor that there are none.
    pub(super) fn doubt(&mut self, feed: &Feed, failure: Failure, now: Timestamp) {
        if let Some(progress) = self.feeds.0.get_mut(feed) {
            progress.failure = None;
        }
        self.apply(feed, Event::Down(failure), now);
    }

    /// Forgets the feeds by namespace of a kind that was listed for the whole cluster, and returns them.
    pub(super) fn absorb(&mut self, resource: Resource) -> Vec<Feed> {
        let parts: Vec<Feed> = self
            .feeds
            .names()
            .filter(|feed| feed.resource == resource && feed.namespace.is_some())
            .cloned()
            .collect();
        for part in &parts {
            self.drop_feed(part);
        }
        parts
    }

    /// Names of the Namespace objects that were read.
    pub(super) fn declared(&self) -> impl Iterator<Item = &str> {
        self.namespaces
            .iter()
            .filter(|(name, objects)| {
                let is_own =
                    |side| objects.contains_key(&(Resource::Namespaces, (*name).clone(), side));
                is_own(Side::Whole) || is_own(Side::Part)
            })
            .map(|(name, _)| name.as_str())
    }

    pub(super) fn want(&mut self, name: &str) {
        if self.wanted.insert(name.to_owned()) {
            self.changed.insert(name.to_owned());
        }
    }

    /// Takes in what a feed told. Feeds that were dropped meanwhile are not listened to.
    pub(super) fn apply(&mut self, feed: &Feed, event: Event, now: Timestamp) {
        let Some(progress) = self.feeds.0.get_mut(feed) else {
            return;
        };
        let (kind, namespace) = (
            feed.resource.plural(),
            feed.namespace.as_deref().unwrap_or("*"),
        );
        match &event {
            Event::Listed => tracing::info!(kind, namespace, objects = progress.arrived, "listed"),
            Event::Following => tracing::debug!(kind, namespace, "watching"),
            Event::Polling => tracing::info!(kind, namespace, "polling"),
            Event::Down(failure) => tracing::warn!(kind, namespace, ?failure, "not followed"),
            _ => {}
        }
        if !matches!(event, Event::Down(_)) {
            progress.last_good = Some(now);
        }
        match event {
            Event::Begin => {
                self.generation += 1;
                progress.generation = self.generation;
                progress.is_listing = true;
                progress.arrived = 0;
                progress.remaining = None;
            }
            Event::Page { objects, remaining } => {
                progress.arrived += objects.len() as u64;
                progress.remaining = remaining;
                let generation = progress.generation;
                for object in objects {
                    self.put(feed, object, generation);
                }
            }
            Event::Listed => {
                progress.is_listed = true;
                progress.is_listing = false;
                progress.failure = None;
                progress.failures = 0;
                progress.failing_since = None;
                let generation = progress.generation;
                self.sweep(feed, Some(generation));
            }
            Event::Following => {
                progress.failure = None;
                progress.failures = 0;
                progress.failing_since = None;
                progress.is_polled = false;
            }
            Event::Polling => progress.is_polled = true,
            Event::Changed(object) => {
                let generation = progress.generation;
                self.put(feed, object, generation);
            }
            Event::Removed(object) => self.remove(feed, &object),
            Event::Alive => {}
            Event::Down(failure) => {
                progress.is_listing = false;
                progress.failures = progress.failures.saturating_add(1);
                progress.failing_since.get_or_insert(now);
                let is_gone = is_final(&failure);
                // What was refused stays refused while nobody can be asked.
                if is_gone || !progress.failure.as_ref().is_some_and(is_final) {
                    progress.failure = Some(failure);
                }
                if is_gone {
                    // What may no longer be seen is unknown from now on; an old picture would look like knowledge.
                    progress.is_listed = false;
                    self.sweep(feed, None);
                }
            }
        }
    }

    /// Where an object is kept, and its name there.
    fn place(&mut self, feed: &Feed, object: &Object) -> (&mut Objects, Key) {
        let meta = object.meta();
        let key = (feed.resource, meta.name.clone(), Side::of(feed));
        match feed.resource {
            Resource::Nodes => (self.nodes.of(String::new()), key),
            Resource::ClusterNetworkPolicies
            | Resource::AdminNetworkPolicies
            | Resource::BaselineAdminNetworkPolicies => {
                (self.cluster_policies.of(String::new()), key)
            }
            Resource::Other(_) => {
                let home = feed.namespace.as_ref().unwrap_or(&meta.namespace);
                (self.foreign.of(home.clone()), key)
            }
            resource => {
                let home = match (&feed.namespace, resource) {
                    (_, Resource::Namespaces) => &meta.name,
                    // An object that cannot be read at all still lies where it was listed.
                    (Some(scope), _) => scope,
                    (None, _) => &meta.namespace,
                };
                self.changed.insert(home.clone());
                (self.namespaces.entry(home.clone()).or_default(), key)
            }
        }
    }

    fn put(&mut self, feed: &Feed, object: Object, generation: u64) {
        let (objects, key) = self.place(feed, &object);
        let entry = Entry {
            arrived: Arrived {
                object,
                place: None,
            },
            generation,
        };
        objects.insert(key, entry);
    }

    fn remove(&mut self, feed: &Feed, object: &Object) {
        let (objects, key) = self.place(feed, object);
        objects.remove(&key);
    }

    /// Removes what the feed's list did not name; all of it when there is no list.
    fn sweep(&mut self, feed: &Feed, generation: Option<u64>) {
        let side = Side::of(feed);
        let is_gone = |key: &Key, entry: &Entry| {
            key.0 == feed.resource && key.2 == side && generation != Some(entry.generation)
        };
        let scope = feed.namespace.as_ref();
        match feed.resource {
            Resource::Nodes => return self.nodes.retain(scope, is_gone),
            Resource::ClusterNetworkPolicies
            | Resource::AdminNetworkPolicies
            | Resource::BaselineAdminNetworkPolicies => {
                return self.cluster_policies.retain(scope, is_gone);
            }
            Resource::Other(_) => return self.foreign.retain(scope, is_gone),
            _ => {}
        }
        for (name, objects) in &mut self.namespaces {
            if scope.is_some_and(|scope| scope != name) {
                continue;
            }
            let before = objects.len();
            objects.retain(|key, entry| !is_gone(key, entry));
            if objects.len() != before {
                self.changed.insert(name.clone());
            }
        }
    }

    /// Makes the next snapshot; `None` when it would equal the last one.
    ///
    /// A namespace in which something arrived that changes nothing (a probe's time stamp) keeps its `Arc`.
    pub(super) fn snapshot(&mut self) -> Option<Arc<Snapshot>> {
        let mut is_changed = self.nodes.make(from_wire::nodes);
        is_changed |= self.cluster_policies.make(from_wire::cluster_policies);
        is_changed |= self.foreign.make(from_wire::foreign);
        for name in std::mem::take(&mut self.changed) {
            is_changed |= self.make(&name);
        }
        let (coverage, link) = (self.feeds.coverage(), self.feeds.link());
        let revision = match &self.last {
            None => 1,
            Some(last) if is_changed || last.cluster.coverage != coverage => last.revision + 1,
            Some(last) if last.link == link => return None,
            Some(last) => last.revision,
        };
        let (cluster, diagnostics) = match &self.last {
            Some(last) if last.revision == revision => {
                (Arc::clone(&last.cluster), Arc::clone(&last.diagnostics))
            }
            _ => (
                Arc::new(self.cluster(coverage)),
                Arc::new(self.diagnostics()),
            ),
        };
        let snapshot = Arc::new(Snapshot {
            revision,
            cluster,
            diagnostics,
            origin: Arc::clone(&self.origin),
            link,
        });
        self.last = Some(Arc::clone(&snapshot));
        Some(snapshot)
    }

    /// Makes one namespace anew. False when it came out as before.
    fn make(&mut self, name: &str) -> bool {
        let objects = self.namespaces.get(name);
        if objects.is_none_or(Objects::is_empty) && !self.wanted.contains(name) {
            self.namespaces.remove(name);
            return self.made.remove(name).is_some();
        }
        let arrived: Vec<&Arrived> = objects.into_iter().flat_map(shown).collect();
        let (mut namespace, diagnostics) = from_wire::namespace(name, &arrived, Mode::Server);
        // What has not changed is shared, so that whoever follows sees it at a glance.
        if let Some(before) = self.made.get(name).map(|made| &made.namespace) {
            if before.pods == namespace.pods {
                namespace.pods = Arc::clone(&before.pods);
            }
            if before.policies == namespace.policies {
                namespace.policies = Arc::clone(&before.policies);
            }
        }
        match self.made.get_mut(name) {
            Some(made) if *made.namespace == namespace && made.diagnostics == diagnostics => false,
            _ => {
                let made = Made {
                    namespace: Arc::new(namespace),
                    diagnostics,
                };
                self.made.insert(name.to_owned(), made);
                true
            }
        }
    }

    fn cluster(&self, coverage: Coverage) -> Cluster {
        Cluster {
            namespaces: self
                .made
                .iter()
                .map(|(name, made)| (name.clone(), Arc::clone(&made.namespace)))
                .collect(),
            nodes: Arc::clone(&self.nodes.made),
            cluster_policies: Arc::clone(&self.cluster_policies.made),
            foreign: Arc::clone(&self.foreign.made),
            coverage,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let of_namespaces = self.made.values().flat_map(|made| &made.diagnostics);
        self.notes
            .iter()
            .chain(&self.nodes.diagnostics)
            .chain(of_namespaces)
            .chain(&self.cluster_policies.diagnostics)
            .chain(&self.foreign.diagnostics)
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::live::decode;
    use crate::source::live::progress::Readiness;
    use crate::source::live::session::Failure;
    use crate::source::{Link, TroubleKind};

    fn feed(resource: Resource, namespace: Option<&str>) -> Feed {
        Feed {
            resource,
            namespace: namespace.map(str::to_owned),
        }
    }

    fn policy(namespace: &str, name: &str) -> Object {
        let text = format!(
            r#"{{"metadata": {{"name": "{name}", "namespace": "{namespace}"}}, "spec": {{"podSelector": {{}}}}}}"#
        );
        decode::object(Resource::NetworkPolicies, &text)
    }

    struct Told(Store);

    impl Told {
        fn new(feeds: &[&Feed]) -> Self {
            let mut store = Store::new("test", &[]);
            for feed in feeds {
                store.add_feed((*feed).clone());
            }
            Self(store)
        }

        fn tell(&mut self, feed: &Feed, event: Event) {
            let noon = "2026-01-02T12:00:00.5Z".parse().unwrap();
            self.0.apply(feed, event, noon);
        }

        fn page(&mut self, feed: &Feed, objects: Vec<Object>) {
            let remaining = None;
            self.tell(feed, Event::Page { objects, remaining });
        }

        fn list(&mut self, feed: &Feed, objects: Vec<Object>) {
            self.tell(feed, Event::Begin);
            self.page(feed, objects);
            self.tell(feed, Event::Listed);
        }

        fn policies(&mut self) -> Vec<String> {
            let snapshot = self.0.snapshot().or(self.0.last.clone()).unwrap();
            let policies = snapshot.cluster.policies();
            policies
                .map(|p| format!("{}/{}", p.namespace, p.name))
                .collect()
        }

        fn link(&mut self) -> Link {
            let snapshot = self.0.snapshot().or(self.0.last.clone()).unwrap();
            snapshot.link.clone()
        }
    }

    fn forbidden() -> Event {
        Event::Down(Failure::Forbidden("no".to_owned()))
    }

    fn lost() -> Event {
        Event::Down(Failure::Unreachable("gone".to_owned()))
    }

    #[test]
    fn the_old_picture_stays_until_the_new_list_is_complete() {
        let all = feed(Resource::NetworkPolicies, None);
        let mut told = Told::new(&[&all]);
        told.list(&all, vec![policy("a", "old"), policy("a", "both")]);
        told.tell(&all, Event::Begin);
        assert_eq!(told.policies(), ["a/both", "a/old"]);
        told.page(&all, vec![policy("a", "both"), policy("a", "new")]);
        assert_eq!(told.policies(), ["a/both", "a/new", "a/old"]);
        told.tell(&all, Event::Listed);
        assert_eq!(told.policies(), ["a/both", "a/new"]);
    }

    #[test]
    fn a_part_that_is_refused_late_takes_nothing_from_the_whole() {
        let (all, part) = (
            feed(Resource::NetworkPolicies, None),
            feed(Resource::NetworkPolicies, Some("a")),
        );
        let mut told = Told::new(&[&all]);
        told.tell(&all, forbidden());
        told.0.add_feed(part.clone());
        told.list(&part, vec![policy("a", "one"), policy("a", "two")]);
        assert_eq!(told.policies(), ["a/one", "a/two"]);
        // Rights came back: the whole is listed, and the part hears of neither that nor of the deletion in between.
        told.list(&all, vec![policy("a", "one"), policy("b", "three")]);
        told.tell(&part, forbidden());
        told.tell(&part, Event::Removed(policy("a", "one")));
        assert_eq!(told.policies(), ["a/one", "b/three"]);
        assert_eq!(told.0.absorb(Resource::NetworkPolicies), [part]);
        assert_eq!(told.policies(), ["a/one", "b/three"]);
    }

    #[test]
    fn what_may_no_longer_be_seen_is_not_shown() {
        let all = feed(Resource::NetworkPolicies, None);
        let mut told = Told::new(&[&all]);
        told.list(&all, vec![policy("a", "one")]);
        told.tell(&all, forbidden());
        assert!(told.policies().is_empty());
        // It stays refused while nobody can be asked.
        told.tell(&all, lost());
        assert!(told.0.feeds.is_refused(&all));
        assert_eq!(told.link(), Link::Live);
    }

    #[test]
    fn the_link_tells_what_is_missing_then_what_was_lost_and_when() {
        let (pods, nodes) = (feed(Resource::Pods, None), feed(Resource::Nodes, None));
        let mut told = Told::new(&[&pods, &nodes]);
        told.list(&nodes, Vec::new());
        told.tell(&pods, Event::Begin);
        let pod = decode::object(
            Resource::Pods,
            r#"{"metadata": {"name": "p", "namespace": "a"}}"#,
        );
        told.tell(
            &pods,
            Event::Page {
                objects: vec![pod],
                remaining: Some(9),
            },
        );
        let progress = vec!["pods 1/10".to_owned()];
        let trouble = None;
        assert_eq!(told.link(), Link::Loading { progress, trouble });
        told.tell(&pods, lost());
        let progress = vec!["pods: no connection: gone".to_owned()];
        let trouble = None;
        assert_eq!(told.link(), Link::Loading { progress, trouble });
        told.tell(&pods, Event::Listed);
        assert_eq!(told.link(), Link::Live);
        told.tell(&pods, lost());
        let offline = Link::Offline {
            kind: TroubleKind::Unreachable,
            why: "no connection: gone".to_owned(),
            since: "2026-01-02T12:00:00Z".to_owned(),
        };
        assert_eq!(told.link(), offline);
        // Tried again in vain: nothing new to show.
        told.tell(&pods, lost());
        assert!(told.0.snapshot().is_none());
        told.tell(&pods, Event::Following);
        assert_eq!(told.link(), Link::Live);
    }

    #[test]
    fn a_load_is_hopeless_only_when_nothing_answered() {
        let (pods, nodes) = (feed(Resource::Pods, None), feed(Resource::Nodes, None));
        let mut told = Told::new(&[&pods, &nodes]);
        told.tell(&pods, lost());
        assert_eq!(told.0.feeds.readiness(), Readiness::Waiting);
        told.tell(&nodes, lost());
        assert!(matches!(told.0.feeds.readiness(), Readiness::Hopeless(_)));
        let Link::Loading { trouble, .. } = told.link() else {
            panic!("{:?}", told.link())
        };
        let trouble = trouble.unwrap();
        assert_eq!(trouble.kind, TroubleKind::Unreachable);
        assert_eq!(trouble.why, "no connection: gone");
        assert_eq!(trouble.since, "2026-01-02T12:00:00Z");
        told.list(&nodes, Vec::new());
        assert_eq!(told.0.feeds.readiness(), Readiness::Waiting);
        told.tell(&pods, lost());
        told.tell(&pods, lost());
        assert_eq!(told.0.feeds.readiness(), Readiness::Ready);
    }
}
