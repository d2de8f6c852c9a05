//! Pods, and the workloads they fold into.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::model::{ContainerPort, HostPort, Namespace, Phase, Pod, Protocol, SourceRef, Workload};
use crate::wire;

use super::{Mode, Place, number};

fn pod(o: &wire::Pod, place: Option<&Place>) -> Pod {
    let mut addresses: Vec<IpAddr> = Vec::new();
    let listed = o
        .status
        .pod_ips
        .iter()
        .map(|ip| ip.ip.as_str())
        .chain(o.status.pod_ip.as_deref());
    for address in listed.filter_map(|text| text.parse().ok()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Pod {
        name: o.metadata.name.clone(),
        labels: o.metadata.labels.clone().into_iter().collect(),
        workload: 0,
        node: o.spec.node_name.clone().filter(|name| !name.is_empty()),
        addresses,
        host_addresses: o
            .status
            .host_ip
            .as_deref()
            .and_then(|ip| ip.parse().ok())
            .into_iter()
            .collect(),
        host_network: o.spec.host_network,
        phase: match o.status.phase.as_str() {
            "Running" => Phase::Running,
            "Succeeded" => Phase::Succeeded,
            "Failed" => Phase::Failed,
            "Unknown" => Phase::Unknown,
            _ => Phase::Pending,
        },
        ready: o
            .status
            .conditions
            .iter()
            .any(|c| c.kind == "Ready" && c.status == "True"),
        terminating: o.metadata.deletion_timestamp.is_some(),
        ports: container_ports(&o.spec),
        host_ports: host_ports(&o.spec),
        stands_in: false,
        count: 1,
        images: o.spec.containers.iter().map(|c| c.image.clone()).collect(),
        containers: Arc::default(),
        source: place.map(Place::start),
    }
}

/// The lists of container names of one namespace, each kept once: the pods of a workload have the same.
#[derive(Default)]
struct ContainerNames {
    known: BTreeSet<Arc<[String]>>,
    last: Arc<[String]>,
}

impl ContainerNames {
    fn of(&mut self, spec: &wire::PodSpec) -> Arc<[String]> {
        // An init container that is always restarted is a sidecar: it runs beside the others.
        let is_sidecar = |c: &&wire::Container| c.restart_policy.as_deref() == Some("Always");
        let sidecars = spec.init_containers.iter().filter(is_sidecar);
        let names = spec.containers.iter().chain(sidecars).map(|c| &c.name);
        if !self.last.iter().eq(names.clone()) {
            let listed: Vec<String> = names.cloned().collect();
            self.last = match self.known.get(listed.as_slice()) {
                Some(known) => Arc::clone(known),
                None => {
                    let new: Arc<[String]> = listed.into();
                    self.known.insert(Arc::clone(&new));
                    new
                }
            };
        }
        Arc::clone(&self.last)
    }
}

fn container_ports(spec: &wire::PodSpec) -> Vec<ContainerPort> {
    let listed = spec
        .containers
        .iter()
        .map(|c| (c, false))
        .chain(spec.init_containers.iter().map(|c| (c, true)));
    let mut ports = Vec::new();
    for (container, init) in listed {
        for port in &container.ports {
            if let Some(number) = number(port.container_port) {
                ports.push(ContainerPort {
                    name: port.name.clone(),
                    protocol: port
                        .protocol
                        .as_deref()
                        .and_then(Protocol::parse)
                        .unwrap_or_default(),
                    port: number.get(),
                    init,
                });
            }
        }
    }
    ports
}

fn host_ports(spec: &wire::PodSpec) -> Vec<HostPort> {
    if spec.host_network {
        return Vec::new();
    }
    let listed = spec.containers.iter().flat_map(|c| &c.ports);
    listed
        .filter_map(|port| {
            Some(HostPort {
                protocol: port
                    .protocol
                    .as_deref()
                    .and_then(Protocol::parse)
                    .unwrap_or_default(),
                port: number(port.host_port?)?.get(),
                // 0.0.0.0 and :: mean every address.
                address: port
                    .host_ip
                    .as_deref()
                    .and_then(|text| text.parse().ok())
                    .filter(|address: &IpAddr| !address.is_unspecified()),
                target: number(port.container_port)?.get(),
            })
        })
        .collect()
}

/// A pod written in a file without a status is one that would run: only a server says otherwise.
fn file_pod(o: &wire::Pod, place: Option<&Place>) -> Pod {
    let mut made = pod(o, place);
    if o.status.phase.is_empty() {
        made.phase = Phase::Running;
        made.ready = true;
        made.stands_in = made.addresses.is_empty();
    } else if made.phase == Phase::Running && !o.status.conditions.iter().any(|c| c.kind == "Ready")
    {
        // Written by hand: a server always says whether a pod is ready.
        made.ready = true;
    }
    made
}

fn stand_in(o: &wire::Workload, template: &wire::PodTemplate, place: Option<&Place>) -> Pod {
    Pod {
        name: format!("{}-*", o.metadata.name),
        labels: template.metadata.labels.clone().into_iter().collect(),
        host_network: template.spec.host_network,
        ready: true,
        ports: container_ports(&template.spec),
        host_ports: host_ports(&template.spec),
        stands_in: true,
        count: o
            .spec
            .replicas
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(1),
        images: template
            .spec
            .containers
            .iter()
            .map(|c| c.image.clone())
            .collect(),
        source: place.map(Place::start),
        ..Pod::default()
    }
}

type Owned<'a, T> = (&'a T, Option<&'a Place>);

pub(super) fn fold(
    made: &mut Namespace,
    owners: &[Owned<'_, wire::Workload>],
    pods: &[Owned<'_, wire::Pod>],
    mode: Mode,
) {
    let namespace: Arc<str> = made.name.as_str().into();
    let known: BTreeMap<(&str, &str), &Owned<'_, wire::Workload>> = owners
        .iter()
        .map(|owned| {
            (
                (owned.0.kind.as_str(), owned.0.metadata.name.as_str()),
                owned,
            )
        })
        .collect();
    let mut workloads: BTreeMap<(String, String), Workload> = BTreeMap::new();
    let mut add = |kind: &str,
                   name: &str,
                   source: Option<SourceRef>,
                   pod: Option<Pod>,
                   made: &mut Namespace| {
        let entry = workloads
            .entry((kind.to_owned(), name.to_owned()))
            .or_insert_with(|| Workload {
                namespace: Arc::clone(&namespace),
                kind: kind.to_owned(),
                name: name.to_owned(),
                pods: Vec::new(),
                source,
            });
        if let Some(pod) = pod {
            entry.pods.push(made.pods.len());
            Arc::make_mut(&mut made.pods).push(pod);
        }
    };
    let mut with_pods = BTreeSet::new();
    let mut containers = ContainerNames::default();
    for (o, place) in pods {
        let (kind, name) = top_owner("Pod", &o.metadata, &known);
        let source = known
            .get(&(kind.as_str(), name.as_str()))
            .and_then(|owned| owned.1)
            .or(*place)
            .map(Place::start);
        let mut pod = if mode == Mode::Files {
            file_pod(o, *place)
        } else {
            pod(o, *place)
        };
        pod.containers = containers.of(&o.spec);
        with_pods.insert((kind.clone(), name.clone()));
        add(&kind, &name, source, Some(pod), made);
    }
    for (o, place) in owners {
        let (kind, name) = top_owner(&o.kind, &o.metadata, &known);
        let is_top = o.metadata.owner_references.iter().all(|r| !r.controller);
        let template = o.spec.template.as_ref().or(o
            .spec
            .job_template
            .as_ref()
            .and_then(|t| t.spec.template.as_ref()));
        if mode == Mode::Files && is_top {
            add(
                &o.kind,
                &o.metadata.name,
                place.map(Place::start),
                None,
                made,
            );
            if let Some(template) = template
                && !with_pods.contains(&(kind.clone(), name.clone()))
                && o.spec.replicas != Some(0)
            {
                let pod = Pod {
                    containers: containers.of(&template.spec),
                    ..stand_in(o, template, *place)
                };
                add(&kind, &name, None, Some(pod), made);
            }
        }
    }
    // A finished Job, or a ReplicaSet scaled to nothing, is no workload an operator would look for.
    let mut sorted: Vec<Workload> = workloads.into_values().collect();
    sorted.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
    // Pods are sorted by name; indices follow.
    let mut order: Vec<usize> = (0..made.pods.len()).collect();
    order.sort_by(|a, b| made.pods[*a].name.cmp(&made.pods[*b].name));
    let mut new_index = vec![0; order.len()];
    for (new, old) in order.iter().enumerate() {
        new_index[*old] = new;
    }
    let unsorted = Arc::unwrap_or_clone(std::mem::take(&mut made.pods));
    let mut slots: Vec<Option<Pod>> = unsorted.into_iter().map(Some).collect();
    let mut pods: Vec<Pod> = order
        .iter()
        .map(|old| slots[*old].take().expect("each index occurs once"))
        .collect();
    for (index, workload) in sorted.iter_mut().enumerate() {
        for pod in &mut workload.pods {
            *pod = new_index[*pod];
            pods[*pod].workload = index;
        }
        workload.pods.sort_unstable();
    }
    made.workloads = sorted;
    made.pods = Arc::new(pods);
}

/// Follows controllers upwards: Pod, ReplicaSet, Deployment; Pod, Job, CronJob. An owner that was not loaded is still named by
/// its child. A ReplicaSet that is not loaded is known by its pods' `pod-template-hash`: its name without that is the Deployment.
fn top_owner(
    own_kind: &str,
    meta: &wire::Meta,
    known: &BTreeMap<(&str, &str), &Owned<'_, wire::Workload>>,
) -> (String, String) {
    let mut kind = own_kind.to_owned();
    let mut name = meta.name.clone();
    let mut current = meta;
    // Real chains have two links; a cycle in made-up input must end as well.
    for _ in 0..8 {
        let Some(owner) = current.owner_references.iter().find(|r| r.controller) else {
            break;
        };
        if owner.kind == "Node" {
            break; // A static pod's mirror: the pod itself is what an operator calls it.
        }
        kind.clone_from(&owner.kind);
        name.clone_from(&owner.name);
        match known.get(&(owner.kind.as_str(), owner.name.as_str())) {
            Some(owned) => current = &owned.0.metadata,
            None => {
                let hash = meta.labels.get("pod-template-hash");
                if owner.kind == "ReplicaSet"
                    && let Some(base) =
                        hash.and_then(|hash| owner.name.strip_suffix(&format!("-{hash}")))
                {
                    return ("Deployment".to_owned(), base.to_owned());
                }
                break;
            }
        }
    }
    (kind, name)
}
