//! Who is meant by a document's workloads: by their selectors, or by their names alone.

use std::collections::BTreeSet;
use std::slice;

use crate::engine::PodId;
use crate::model::Resource;
use crate::text::tame;

use super::super::super::file::{Select, cited};
use super::super::super::lookup::lookup;
use super::super::{Bound, LooseKind};
use super::Binder;

impl Binder<'_> {
    pub(super) fn workloads(&mut self) {
        for (index, definition) in (0u32..).zip(&self.expectations.workloads) {
            let own = &definition.value;
            let rebound = self.env.bind.iter().find(|bind| bind.id == definition.id);
            let (select, at, src) = match rebound {
                Some(bind) => (&bind.value, &bind.at, bind.src.as_ref()),
                None => (&own.select, &definition.at, None),
            };
            let src = src.or(definition.src.as_ref());
            let looked_up = select
                .is_empty()
                .then(|| lookup(&self.plan.cluster, &own.names));
            let (select, how) = match &looked_up {
                Some(Ok((how, select))) => (slice::from_ref(select), Some(how)),
                _ => (select.as_slice(), None),
            };
            let pods = self.selected(select);
            for pod in &pods {
                self.plan.of_pod[pod.0 as usize].push(index);
            }
            if pods.is_empty() {
                let message = match &looked_up {
                    Some(Err(unclear)) => unclear.told(&definition.id, &own.names),
                    _ => self.no_pod(&definition.id, select),
                };
                let (kind, message) = if self.may_be_unread(select) {
                    let message = format!("{message}, and pods it may mean could not be read");
                    (LooseKind::Unknown, message)
                } else {
                    (LooseKind::Unbound, message)
                };
                self.loose_in(kind, &definition.id, message, cited(src, at));
            }
            self.plan.workloads.push(Bound {
                id: definition.id.clone(),
                label: own.names.first().unwrap_or(&definition.id).clone(),
                at: at.clone(),
                src: src.cloned(),
                select: select.to_vec(),
                how: how.cloned(),
                pods,
                closed: own
                    .closed_world
                    .or(self.env.closed_world)
                    .unwrap_or(self.env.settings.closed_world),
                cells: [None, None],
            });
        }
    }

    /// Whether somebody who is meant may be among the pods that could not be read: silence is never absence (rule E12).
    fn may_be_unread(&self, select: &[Select]) -> bool {
        let coverage = &self.plan.cluster.coverage;
        if select.is_empty() {
            return !coverage.is_readable(Resource::Pods, None);
        }
        let mut namespaces = select.iter().map(Select::only_namespace);
        namespaces.any(|namespace| !coverage.is_readable(Resource::Pods, namespace))
    }

    fn selected(&self, select: &[Select]) -> Vec<PodId> {
        let engine = self.engine;
        let is_meant = |select: &Select, id: PodId| {
            let (namespace, pod) = (engine.namespace_of(id), engine.pod(id));
            let owned = |(kind, name): &(String, String)| {
                let workload = engine.workload_of(id);
                workload.kind.eq_ignore_ascii_case(kind) && workload.name == *name
            };
            select.meets(&namespace.name, &namespace.labels, &pod.labels)
                && select.owner.as_ref().is_none_or(owned)
                && select
                    .container
                    .as_ref()
                    .is_none_or(|name| pod.containers.contains(name))
        };
        engine
            .pods()
            .filter(|id| select.iter().any(|select| is_meant(select, *id)))
            .collect()
    }

    fn no_pod(&self, id: &str, select: &[Select]) -> String {
        let missing: BTreeSet<&str> = select
            .iter()
            .filter_map(Select::only_namespace)
            .filter(|name| self.plan.cluster.namespace(name).is_none())
            .collect();
        let why = if missing.is_empty() {
            String::new()
        } else {
            let names: Vec<_> = missing.into_iter().map(tame).collect();
            format!(": there is no namespace {}", names.join(", "))
        };
        format!("no pod matches what is written for `{}`{why}", tame(id))
    }
}
