//! What is said of the cluster as a whole: who enforces, default denies, names that mean nobody, and pods nobody wrote down.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::compile::enforcer::{Enforcer, Enforces};
use crate::engine::{Cause, Entity, Hypothetical, Verdict};
use crate::model::{AddressSet, Direction, Labels, Protocol, Severity, SourceRef};
use crate::text::tame;

use super::super::file::{Select, cited};
use super::super::plan::{End, LooseKind, ends_of};
use super::super::stance::{Stance, Stances};
use super::say::name;
use super::world::World;
use super::{Code, Finding, Found};

const OPEN: &str = "is not isolated";
/// Such as ingress that is closed to every pod: rules of cluster-wide policies cannot name anybody else there (rule A18).
const PARTLY: &str =
    "is isolated by no NetworkPolicy, and cluster-wide rules do not close it to everybody";

/// What it hangs on whether the pods of a workload, or a new pod, are isolated.
fn why_unknown(world: &World<'_>, direction: Direction, id: &str, new_pod: &Entity) -> Vec<Cause> {
    let engine = world.engine;
    let mut pods = engine
        .pods()
        .filter(|pod| engine.workload_of(*pod).id() == id && !engine.pod(*pod).is_finished())
        .map(Entity::Pod);
    let own = pods.next().unwrap_or_else(|| new_pod.clone());
    let Some(piece) = world.pieces_for(&own).next() else {
        return Vec::new();
    };
    let (from, to) = ends_of(direction, &own, &piece.rep);
    let why = engine.explain(from, to, Protocol::Tcp, 1);
    let side = match direction {
        Direction::Egress => why.egress,
        Direction::Ingress => why.ingress,
    };
    let causes: BTreeSet<Cause> = side.causes.into_iter().collect();
    causes.into_iter().collect()
}

impl Found {
    /// Everything that is not about one connection: what could not be bound, who enforces, default denies, and pods nobody
    /// wrote down.
    pub(super) fn claims_about_the_cluster(&mut self, world: &World<'_>, enforcer: &Enforcer) {
        self.loose_ends(world);
        self.enforcement(world, enforcer);
        self.addresses_taken_for_outside(world);
        self.default_denies(world);
        self.undocumented(world);
    }

    pub(super) fn tell<'s>(
        &mut self,
        world: &World<'_>,
        (code, severity): (Code, Severity),
        (from, to): (&str, &str),
        sources: impl IntoIterator<Item = &'s SourceRef>,
        message: String,
    ) -> &mut Finding {
        let finding = Finding {
            code,
            severity,
            environment: world.plan.environment.clone(),
            from: from.to_owned(),
            to: to.to_owned(),
            protocol: None,
            ports: None,
            expected: None,
            actual: (code == Code::Unknown).then_some(Verdict::Unknown),
            because: Vec::new(),
            policies: Vec::new(),
            sources: sources.into_iter().cloned().collect(),
            message,
            name: None,
            conditions: Vec::new(),
        };
        self.others.push(finding);
        self.others.last_mut().expect("it was just pushed")
    }

    fn loose_ends(&mut self, world: &World<'_>) {
        for loose in &world.plan.loose {
            let (code, severity) = match loose.kind {
                LooseKind::Unbound => (Code::Unbound, world.plan.settings.unbound),
                LooseKind::Stale => (Code::Stale, Severity::Warning),
                LooseKind::Unknown => (Code::Unknown, Severity::Warning),
                LooseKind::Unreachable => (Code::Broken, Severity::Error),
            };
            let subject = tame(&loose.subject).into_owned();
            let message = loose.message.clone();
            let told = self.tell(
                world,
                (code, severity),
                (&subject, &tame(&loose.to)),
                &loose.sources,
                message,
            );
            if loose.kind == LooseKind::Unreachable {
                told.expected = Some(Verdict::Allow);
                told.actual = Some(Verdict::Unreachable);
            }
        }
    }

    fn enforcement(&mut self, world: &World<'_>, enforcer: &Enforcer) {
        if let Some((true, source)) = &world.plan.enforces {
            let evidence = enforcer.evidence.join("; ");
            let (code, message) = match enforcer.enforces {
                Enforces::Yes => (
                    Code::Met,
                    format!("{} enforces policies, as expected", enforcer.name),
                ),
                Enforces::No => (
                    Code::Unenforced,
                    format!("policies are to be enforced, and nothing enforces them: {evidence}"),
                ),
                Enforces::Unknown => (
                    Code::Unknown,
                    format!(
                        "policies are to be enforced, and whether they are is not known: {evidence}"
                    ),
                ),
            };
            let message = tame(&message).into_owned();
            self.tell(
                world,
                (code, code.severity()),
                ("cluster", ""),
                Some(source),
                message,
            );
        }
        let Some((cni, source)) = &world.plan.cni else {
            return;
        };
        let wanted = format!("the network plug-in is to be {}", tame(cni));
        let found = tame(&enforcer.name);
        let (code, message) = if cni.eq_ignore_ascii_case(&enforcer.name) {
            (Code::Met, format!("{wanted}, and is"))
        } else if enforcer.enforces == Enforces::Unknown && enforcer.name == "none" {
            let evidence = enforcer.evidence.join("; ");
            let message = format!(
                "{wanted}, and which one runs is not known: {}",
                tame(&evidence)
            );
            (Code::Unknown, message)
        } else if enforcer.name == "none" {
            (Code::Stale, format!("{wanted}, and none was found"))
        } else {
            (
                Code::Stale,
                format!("{wanted}, and what was found is {found}"),
            )
        };
        self.tell(
            world,
            (code, code.severity()),
            ("cluster", ""),
            Some(source),
            message,
        );
    }

    /// Networks mean what is outside. Nodes and the API server are named by them too, but a pod or a Service whose address lies in
    /// one is there by accident: no rule of the document means it, and a block of a policy may.
    fn addresses_taken_for_outside(&mut self, world: &World<'_>) {
        let (engine, plan) = (world.engine, world.plan);
        let mut written: BTreeMap<AddressSet, Vec<SourceRef>> = BTreeMap::new();
        for claim in plan.claims() {
            for end in [&claim.from, &claim.to] {
                if let End::Ranges(set) = end {
                    let sources = written.entry(set.clone()).or_default();
                    sources.extend(plan.origins[claim.origin].sources.iter().cloned());
                }
            }
        }
        for (set, mut sources) in written {
            sources.sort();
            sources.dedup();
            let pods = engine
                .pods()
                .filter(|id| !engine.pod(*id).is_finished() && !engine.pod(*id).host_network)
                .flat_map(|id| {
                    let addresses = engine.pod(id).addresses.iter();
                    addresses.map(move |address| (engine.workload_of(id).id(), *address))
                });
            let services = plan.cluster.namespaces.values().flat_map(|ns| &ns.services);
            let services = services.flat_map(|service| {
                let id = format!("{}/service/{}", service.namespace, service.name);
                service
                    .cluster_ips
                    .iter()
                    .map(move |address| (id.clone(), *address))
            });
            let inside: BTreeSet<(String, IpAddr)> = pods
                .chain(services)
                .filter(|(_, address)| set.contains(*address))
                .collect();
            let Some((id, address)) = inside.first() else {
                continue;
            };
            let more = match inside.len() - 1 {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let message = format!(
                "{} is written down as outside, and holds {address} of {}{more}: addresses of this cluster",
                name(&set.to_string()),
                name(id)
            );
            let ends = (set.to_string(), String::new());
            self.tell(
                world,
                (Code::Stale, Code::Stale.severity()),
                (&ends.0, &ends.1),
                &sources,
                message,
            );
        }
    }

    /// A default deny has to hold for every pod there is, and for one there is not yet.
    fn default_denies(&mut self, world: &World<'_>) {
        let (engine, plan) = (world.engine, world.plan);
        let stances = Stances::new(engine);
        for deny in &plan.default_deny {
            if plan.cluster.namespace(&deny.namespace).is_none() {
                continue;
            }
            let new_pod = Entity::Hypothetical(Arc::new(Hypothetical {
                namespace: deny.namespace.clone(),
                labels: Labels::default(),
                ports: Vec::new(),
            }));
            for direction in &deny.directions {
                let direction = *direction;
                let ends = |id: &str| match direction {
                    Direction::Egress => (id.to_owned(), "any".to_owned()),
                    Direction::Ingress => ("any".to_owned(), id.to_owned()),
                };
                let mut open: BTreeSet<(String, &str)> = BTreeSet::new();
                let mut unknown: BTreeSet<String> = BTreeSet::new();
                for pod in engine.pods() {
                    if engine.namespace_of(pod).name != deny.namespace
                        || engine.pod(pod).is_finished()
                    {
                        continue;
                    }
                    match stances.of(direction, &Entity::Pod(pod)) {
                        Stance::Open => open.insert((engine.workload_of(pod).id(), OPEN)),
                        Stance::Partly => open.insert((engine.workload_of(pod).id(), PARTLY)),
                        Stance::Unknown => unknown.insert(engine.workload_of(pod).id()),
                        Stance::Closed | Stance::NoSubject => false,
                    };
                }
                let namespace = tame(&deny.namespace);
                let everything = format!("{}/*", deny.namespace);
                let mut said: Vec<(Code, Severity, String, String)> = Vec::new();
                match stances.of(direction, &new_pod) {
                    stance @ (Stance::Open | Stance::Partly) => said.push((
                        Code::Unisolated,
                        Severity::Error,
                        everything.clone(),
                        format!(
                            "namespace {namespace} is to deny {direction} by default, and a new pod without labels {}",
                            if stance == Stance::Open { OPEN } else { PARTLY }
                        ),
                    )),
                    Stance::Unknown => {
                        unknown.insert(everything.clone());
                    }
                    Stance::Closed | Stance::NoSubject => {}
                }
                said.extend(open.into_iter().map(|(id, how)| {
                    let message = format!(
                        "namespace {namespace} is to deny {direction} by default, and {} {how}",
                        name(&id)
                    );
                    (Code::Unisolated, Severity::Error, id, message)
                }));
                said.extend(unknown.into_iter().map(|id| {
                    let message = format!(
                        "whether {} is isolated for {direction} cannot be decided from what was read",
                        name(&id)
                    );
                    (Code::Unknown, Severity::Warning, id, message)
                }));
                if said.is_empty() {
                    said.push((
                        Code::Met,
                        Severity::Info,
                        everything,
                        format!("namespace {namespace} denies {direction} by default, as expected"),
                    ));
                }
                for (code, severity, id, message) in said {
                    let (from, to) = ends(&id);
                    let conditions = if code == Code::Unknown {
                        why_unknown(world, direction, &id, &new_pod)
                    } else {
                        Vec::new()
                    };
                    let told = self.tell(
                        world,
                        (code, severity),
                        (&from, &to),
                        deny.src.iter().chain([&deny.at]),
                        message,
                    );
                    told.conditions = conditions;
                }
            }
        }
    }

    fn undocumented(&mut self, world: &World<'_>) {
        let (engine, plan) = (world.engine, world.plan);
        let rows = plan.workloads.iter().flat_map(|bound| {
            bound
                .select
                .iter()
                .filter_map(Select::only_namespace)
                .map(|namespace| (namespace, cited(bound.src.as_ref(), &bound.at)))
        });
        let denies = plan.default_deny.iter().map(|deny| {
            let sources = cited(deny.src.as_ref(), &deny.at);
            (deny.namespace.as_str(), sources)
        });
        let mut spoken_of: Vec<(&str, Vec<SourceRef>)> = denies.chain(rows).collect();
        spoken_of.sort_by(|a, b| a.0.cmp(b.0));
        spoken_of.dedup_by(|b, a| a.0 == b.0);
        let mut told = BTreeSet::new();
        for pod in engine.pods() {
            let namespace = engine.namespace_of(pod).name.as_str();
            let Ok(index) = spoken_of.binary_search_by(|entry| entry.0.cmp(namespace)) else {
                continue;
            };
            let id = engine.workload_of(pod).id();
            if engine.pod(pod).is_finished()
                || !plan.rows_of(&Entity::Pod(pod)).is_empty()
                || !told.insert(id.clone())
            {
                continue;
            }
            let message = format!(
                "{} runs in a namespace that is written down, and is itself written down nowhere",
                name(&id)
            );
            let code = Code::Undocumented;
            self.tell(
                world,
                (code, code.severity()),
                (&id, ""),
                &spoken_of[index].1,
                message,
            );
        }
    }
}
