//! Several files as one.

use crate::model::{Diagnostic, Direction, SourceRef};
use crate::text::tame;

use super::{
    Cell, Content, DefaultDeny, Environment, Exception, Expectations, Exposure, Flow, Named, Row,
    Rule, Settings, Workload,
};

/// Whether two things say the same, wherever they stand.
trait Same {
    fn same(&self, other: &Self) -> bool;
}

impl<T: Same> Same for [T] {
    fn same(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().zip(other).all(|(a, b)| a.same(b))
    }
}

impl Same for Rule {
    fn same(&self, other: &Self) -> bool {
        self.ports == other.ports
            && self.peers == other.peers
            && self.level == other.level
            && self.via_service == other.via_service
            && self.remarks == other.remarks
    }
}

impl Same for Cell {
    fn same(&self, other: &Self) -> bool {
        match (&self.content, &other.content) {
            (Content::Deny, Content::Deny) | (Content::Any, Content::Any) => true,
            (
                Content::Rules { rules, removed },
                Content::Rules {
                    rules: other,
                    removed: others_removed,
                },
            ) => rules.same(other) && removed.same(others_removed),
            _ => false,
        }
    }
}

impl Same for Flow {
    fn same(&self, other: &Self) -> bool {
        (&self.from, &self.to, &self.except, &self.ports)
            == (&other.from, &other.to, &other.except, &other.ports)
            && (self.allow, self.level, self.via_service)
                == (other.allow, other.level, other.via_service)
            && (&self.by, &self.remarks) == (&other.by, &other.remarks)
    }
}

impl Same for Exception {
    fn same(&self, other: &Self) -> bool {
        (&self.from, &self.to, &self.ports, &self.remarks)
            == (&other.from, &other.to, &other.ports, &other.remarks)
    }
}

impl Same for DefaultDeny {
    fn same(&self, other: &Self) -> bool {
        self.directions == other.directions
    }
}

impl Same for Exposure {
    fn same(&self, other: &Self) -> bool {
        let placeless = |way: &Self| Self {
            at: self.at.clone(),
            src: None,
            ..way.clone()
        };
        placeless(self) == placeless(other)
    }
}

/// What two files say of the same thing, and differently.
#[derive(Default)]
struct Clashes(Vec<Diagnostic>);

impl Clashes {
    fn tell(&mut self, what: &str, id: &str, at: &SourceRef, first: &SourceRef) {
        let id = tame(id);
        self.0.push(
            Diagnostic::error(format!("{what} `{id}` is already defined at {first}"))
                .at(Some(at.clone()))
                .help("keep one of the two, or give one another name"),
        );
    }

    /// Adds what is new to a list whose entries have keys; an entry that is there already has to say the same.
    fn add<T>(
        &mut self,
        what: &str,
        own: &mut Vec<T>,
        new: Vec<T>,
        about: impl Fn(&T) -> (&str, &SourceRef),
        same: impl Fn(&T, &T) -> bool,
    ) {
        for item in new {
            let (id, at) = about(&item);
            match own.iter().find(|old| about(old).0 == id) {
                None => own.push(item),
                Some(first) if same(first, &item) => {}
                Some(first) => self.tell(what, id, at, about(first).1),
            }
        }
    }
}

impl Expectations {
    /// Adds another file's content. Definitions of the same name have to be in one of them only, unless they are equal;
    /// environments of the same name become one. After an error nothing has changed.
    ///
    /// A workload that has only names in one file is completed by the selectors of the other. Settings other than the usual ones
    /// hold for what both files say about an environment.
    pub fn merge(&mut self, other: Self) -> Result<(), Vec<Diagnostic>> {
        let mut made = self.clone();
        let mut clashes = Clashes::default();
        for name in other.names {
            if !made.names.contains(&name) {
                made.names.push(name);
            }
        }
        for source in other.sources {
            if !made.sources.contains(&source) {
                made.sources.push(source);
            }
        }
        clashes.add(
            "peer",
            &mut made.peers,
            other.peers,
            |peer| (&peer.id, &peer.at),
            |a, b| a.value == b.value,
        );
        for workload in other.workloads {
            match made.workloads.iter_mut().find(|w| w.id == workload.id) {
                None => made.workloads.push(workload),
                Some(own) => {
                    if !complete(own, &workload) {
                        clashes.tell("workload", &workload.id, &workload.at, &own.at);
                    }
                }
            }
        }
        for env in other.environments {
            match made.environments.iter_mut().find(|e| e.name == env.name) {
                None => made.environments.push(env),
                Some(own) => join(own, env, &mut clashes),
            }
        }
        if clashes.0.is_empty() {
            *self = made;
            Ok(())
        } else {
            Err(clashes.0)
        }
    }
}

/// Makes one definition of two; false when they disagree.
fn complete(own: &mut Named<Workload>, other: &Named<Workload>) -> bool {
    let (a, b) = (&mut own.value, &other.value);
    let closed_world_agrees =
        a.closed_world.is_none() || b.closed_world.is_none() || a.closed_world == b.closed_world;
    if a.select == b.select && a.names == b.names && a.closed_world == b.closed_world {
        return true;
    }
    if (!a.select.is_empty() && !b.select.is_empty()) || !closed_world_agrees {
        return false;
    }
    for name in &b.names {
        if !a.names.contains(name) {
            a.names.push(name.clone());
        }
    }
    a.closed_world = a.closed_world.or(b.closed_world);
    if a.select.is_empty() && !b.select.is_empty() {
        a.select.clone_from(&b.select);
        own.at = other.at.clone();
    }
    if own.src.is_none() {
        own.src.clone_from(&other.src);
    }
    true
}

fn join(own: &mut Environment, other: Environment, clashes: &mut Clashes) {
    let usual = Settings::default();
    let unlike = |a: &Option<String>, b: &Option<String>| a.is_some() && b.is_some() && a != b;
    if unlike(&own.extends, &other.extends)
        || (own.settings != other.settings && own.settings != usual && other.settings != usual)
        || own
            .closed_world
            .zip(other.closed_world)
            .is_some_and(|(a, b)| a != b)
    {
        clashes.tell("environment", &own.name, &other.at, &own.at);
        return;
    }
    own.extends = own.extends.take().or(other.extends);
    if own.settings == usual {
        own.settings = other.settings;
    }
    own.closed_world = own.closed_world.or(other.closed_world);
    clashes.add(
        "the default deny of",
        &mut own.default_deny,
        other.default_deny,
        |deny| (&deny.namespace, &deny.at),
        Same::same,
    );
    clashes.add(
        "what is bound to",
        &mut own.bind,
        other.bind,
        |bind| (&bind.id, &bind.at),
        |a, b| a.value == b.value,
    );
    for row in other.expect {
        match own.expect.iter_mut().find(|r| r.workload == row.workload) {
            None => own.expect.push(row),
            Some(first) => join_rows(first, row, clashes),
        }
    }
    clashes.add(
        "flow",
        &mut own.flows,
        other.flows,
        |flow| (&flow.name, &flow.at),
        Same::same,
    );
    clashes.add(
        "exception",
        &mut own.exceptions,
        other.exceptions,
        |exception| (&exception.id, &exception.at),
        Same::same,
    );
    if let Some(ways) = other.exposure {
        own.exposure_is_inferred =
            other.exposure_is_inferred && (own.exposure.is_none() || own.exposure_is_inferred);
        let listed = own.exposure.get_or_insert_default();
        for way in ways {
            if !listed.iter().any(|known| known.same(&way)) {
                listed.push(way);
            }
        }
    }
    match (&own.cni, other.cni) {
        (Some((a, first)), Some((b, at))) if *a != b => {
            clashes.tell("the CNI of", &own.name, &at, first);
        }
        (Some(_), _) => {}
        (None, cni) => own.cni = cni,
    }
    match (&own.enforces, other.enforces) {
        (Some((a, first)), Some((b, at))) if *a != b => {
            clashes.tell("`enforces` of", &own.name, &at, first);
        }
        (Some(_), _) => {}
        (None, enforces) => own.enforces = enforces,
    }
    for note in other.notes {
        if own.notes.iter().all(|known| known.text != note.text) {
            own.notes.push(note);
        }
    }
    for unread in other.unread {
        if !own.unread.contains(&unread) {
            own.unread.push(unread);
        }
    }
}

/// One direction each may come from either file.
fn join_rows(own: &mut Row, other: Row, clashes: &mut Clashes) {
    for (direction, cell) in [
        (Direction::Ingress, other.ingress),
        (Direction::Egress, other.egress),
    ] {
        let Some(cell) = cell else { continue };
        match own.cell(direction) {
            Some(first) if first.same(&cell) => {}
            Some(first) => clashes.tell(
                &format!("the {direction} of"),
                &own.workload,
                &cell.at,
                &first.at,
            ),
            None => *own.cell_mut(direction) = Some(cell),
        }
    }
    for patch in other.patches {
        let known = own.patches.iter().any(|p| {
            (p.direction, p.adds) == (patch.direction, patch.adds) && p.rules.same(&patch.rules)
        });
        if !known {
            own.patches.push(patch);
        }
    }
    if own.src.is_none() {
        own.src = other.src;
    }
}
