//! Policies of other projects: counted, and told of once a kind. What they say is not evaluated.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Diagnostic, Effect, Foreign, PolicyKind, Severity};
use crate::text::tame;
use crate::wire;

use super::{Arrived, Place};

/// Namespaces named in one message.
const NAMED: usize = 3;

/// Makes the list, by kind, namespace and name, and one warning for each kind of which there are any.
///
/// Objects of other kinds are passed over; of two with one name the first stays.
pub fn foreign(objects: &[&Arrived]) -> (Vec<Foreign>, Vec<Diagnostic>) {
    let mut found: Vec<Foreign> = Vec::new();
    for arrived in objects {
        let wire::Object::Foreign(o) = &arrived.object else {
            continue;
        };
        let Some(kind) = PolicyKind::find(&o.group, &o.kind) else {
            continue;
        };
        let namespace = match (kind.is_namespaced(), o.metadata.namespace.as_str()) {
            (false, _) => "",
            // As kubectl would have it.
            (true, "") => "default",
            (true, given) => given,
        };
        found.push(Foreign {
            kind,
            namespace: namespace.to_owned(),
            name: o.metadata.name.clone(),
            source: arrived.place.as_ref().map(Place::start),
        });
    }
    let key = |one: &Foreign| (one.kind, one.namespace.clone(), one.name.clone());
    found.sort_by_cached_key(key);
    found.dedup_by(|b, a| key(a) == key(b));
    let mut by_kind: BTreeMap<PolicyKind, Vec<&Foreign>> = BTreeMap::new();
    for one in &found {
        by_kind.entry(one.kind).or_default().push(one);
    }
    let told = by_kind
        .into_iter()
        .map(|(kind, all)| told(kind, &all))
        .collect();
    (found, told)
}

fn told(kind: PolicyKind, all: &[&Foreign]) -> Diagnostic {
    let count = match all.len() {
        1 => "1 object".to_owned(),
        more => format!("{more} objects"),
    };
    let namespaces: BTreeSet<&str> = all
        .iter()
        .map(|one| one.namespace.as_str())
        .filter(|namespace| !namespace.is_empty())
        .collect();
    let mut places: Vec<String> = namespaces
        .iter()
        .take(NAMED)
        .map(|name| tame(name).into_owned())
        .collect();
    if namespaces.len() > NAMED {
        places.push(format!("{} more namespaces", namespaces.len() - NAMED));
    }
    let places = if places.is_empty() {
        String::new()
    } else {
        format!(" in {}", places.join(", "))
    };
    let connections = if kind.is_egress_only() {
        "connections from the pods they may act on"
    } else {
        "connections of the pods they may act on"
    };
    let effect = match kind.effect() {
        Effect::Decides => format!("{connections} are unknown"),
        Effect::Restricts => {
            format!("{connections} are unknown where they would be allowed otherwise")
        }
    };
    let first = all.iter().min_by_key(|one| &one.source).copied();
    Diagnostic::new(
        Severity::Warning,
        format!(
            "{} of {} is not evaluated, and there {} {count}{places}: {effect}",
            kind.kind(),
            kind.group(),
            if all.len() == 1 { "is" } else { "are" },
        ),
    )
    .at(first.and_then(|one| one.source.clone()))
    .help("what is evaluated: NetworkPolicy, ClusterNetworkPolicy, AdminNetworkPolicy and BaselineAdminNetworkPolicy")
}
