//! One environment with what it builds on applied.

use std::collections::BTreeSet;

use super::{Cell, Content, Environment, Expectations, Unread};

impl Expectations {
    /// An environment with everything it extends applied; `None` when there is none of that name.
    pub(crate) fn resolve(&self, name: &str) -> Option<Environment> {
        let find = |name: &str| self.environments.iter().find(|env| env.name == name);
        let mut chain = vec![find(name)?];
        let mut seen = BTreeSet::from([name]);
        while let Some(parent) = chain.last().and_then(|env| env.extends.as_deref()) {
            // Cycles are refused when the file is read; this only keeps the walk finite.
            if !seen.insert(parent) {
                break;
            }
            chain.push(find(parent)?);
        }
        let mut chain = chain.into_iter().rev().cloned();
        let mut resolved = chain.next()?;
        patch(&mut resolved);
        for child in chain {
            resolved = inherit(resolved, child);
        }
        Some(resolved)
    }
}

/// Applies a child to what it builds on.
fn inherit(parent: Environment, child: Environment) -> Environment {
    let mut made = Environment {
        name: child.name,
        at: child.at,
        extends: child.extends,
        settings: child.settings,
        closed_world: child.closed_world.or(parent.closed_world),
        exposure_is_inferred: match &child.exposure {
            Some(_) => child.exposure_is_inferred,
            None => parent.exposure_is_inferred,
        },
        exposure: child.exposure.or(parent.exposure),
        cni: child.cni.or(parent.cni),
        enforces: child.enforces.or(parent.enforces),
        ..parent
    };
    replace_by(&mut made.default_deny, child.default_deny, |d| &d.namespace);
    replace_by(&mut made.bind, child.bind, |b| &b.id);
    replace_by(&mut made.flows, child.flows, |f| &f.name);
    replace_by(&mut made.exceptions, child.exceptions, |e| &e.id);
    let says = |unread: &Unread| {
        let row = child
            .expect
            .iter()
            .find(|row| row.workload == unread.workload);
        row.is_some_and(|row| row.cell(unread.direction).is_some())
    };
    made.unread.retain(|unread| !says(unread));
    made.unread.extend(child.unread);
    for note in child.notes {
        if made.notes.iter().all(|own| own.text != note.text) {
            made.notes.push(note);
        }
    }
    for row in child.expect {
        let index = made
            .expect
            .iter()
            .position(|own| own.workload == row.workload);
        match index {
            None => made.expect.push(row),
            Some(index) => {
                let own = &mut made.expect[index];
                own.at = row.at;
                own.src = row.src.or(own.src.take());
                own.ingress = row.ingress.or(own.ingress.take());
                own.egress = row.egress.or(own.egress.take());
                own.patches.extend(row.patches);
            }
        }
    }
    patch(&mut made);
    made
}

fn replace_by<T>(own: &mut Vec<T>, new: Vec<T>, key: impl Fn(&T) -> &String) {
    for item in new {
        match own.iter().position(|old| key(old) == key(&item)) {
            Some(index) => own[index] = item,
            None => own.push(item),
        }
    }
}

/// Applies `ingress+` and the like. A patch on `deny` starts from nothing; on `any` there is nothing to add.
fn patch(env: &mut Environment) {
    for row in &mut env.expect {
        for patch in std::mem::take(&mut row.patches) {
            let cell = row.cell_mut(patch.direction).get_or_insert_with(|| Cell {
                at: patch.at.clone(),
                src: patch.src.clone(),
                content: Content::Deny,
            });
            if matches!(cell.content, Content::Deny) {
                cell.content = Content::Rules {
                    rules: Vec::new(),
                    removed: Vec::new(),
                };
            }
            match &mut cell.content {
                Content::Rules { rules, .. } if patch.adds => rules.extend(patch.rules),
                Content::Rules { removed, .. } => removed.extend(patch.rules),
                Content::Deny | Content::Any => {}
            }
        }
    }
}
