//! What policies of other projects may do: they are not evaluated, so where one may act nothing is certain.

use hashbrown::HashMap;

use crate::compile::{Profile, ProfileName, slot};
use crate::model::{Cluster, Coverage, Direction, Effect, PolicyKind, Project, Resource, State};

/// The namespace whose Istio policies act on the whole mesh.
const MESH_ROOT: &str = "istio-system";

/// By direction: what they may do everywhere, and in single namespaces.
pub(super) struct Effects {
    everywhere: [Option<Effect>; 2],
    by_namespace: HashMap<String, [Option<Effect>; 2], foldhash::fast::FixedState>,
}

impl Effects {
    pub(super) fn of(cluster: &Cluster, profile: Profile) -> Self {
        let mut effects = Self {
            everywhere: [None; 2],
            by_namespace: HashMap::default(),
        };
        for foreign in cluster.foreign.iter() {
            if acts(foreign.kind, profile) {
                let scope = scope(foreign.kind, &foreign.namespace);
                effects.add(foreign.kind, scope);
            }
        }
        for kind in PolicyKind::all().filter(|kind| acts(*kind, profile)) {
            let resource = Resource::Other(kind);
            if is_hidden(&cluster.coverage, resource, None) {
                effects.add(kind, None);
            }
            for (listed, namespace, state) in cluster.coverage.iter() {
                if listed == resource && namespace.is_some() && !state.is_readable() {
                    effects.add(kind, namespace);
                }
            }
        }
        effects
    }

    fn add(&mut self, kind: PolicyKind, namespace: Option<&str>) {
        let cells = match namespace {
            Some(name) => self.by_namespace.entry(name.to_owned()).or_default(),
            None => &mut self.everywhere,
        };
        for direction in Direction::BOTH {
            if touches(kind, direction) {
                let cell = &mut cells[slot(direction)];
                *cell = (*cell).max(Some(kind.effect()));
            }
        }
    }

    pub(super) fn on(&self, namespace: &str) -> [Option<Effect>; 2] {
        let own = self
            .by_namespace
            .get(namespace)
            .copied()
            .unwrap_or_default();
        [0, 1].map(|slot| own[slot].max(self.everywhere[slot]))
    }
}

/// The namespace whose pods a policy may act on; `None`: all.
pub(crate) fn scope(kind: PolicyKind, namespace: &str) -> Option<&str> {
    let everywhere =
        !kind.is_namespaced() || (kind.project() == Project::Istio && namespace == MESH_ROOT);
    (!everywhere).then_some(namespace)
}

pub(crate) fn touches(kind: PolicyKind, direction: Direction) -> bool {
    match direction {
        // Istio asks at the end that is called.
        Direction::Egress => kind.project() != Project::Istio,
        Direction::Ingress => !kind.is_egress_only(),
    }
}

/// Whether the enforcer in force acts on policies of a kind. Left-over definitions of another project change nothing.
pub(crate) fn acts(kind: PolicyKind, profile: Profile) -> bool {
    let own = match profile.name {
        ProfileName::Spec | ProfileName::Unknown => return true,
        ProfileName::KubeNetworkPolicies => None,
        ProfileName::Calico => Some(Project::Calico),
        ProfileName::Cilium => Some(Project::Cilium),
        ProfileName::OvnKubernetes => Some(Project::OvnKubernetes),
        ProfileName::AwsVpcCni => Some(Project::Aws),
    };
    // A mesh stands behind whatever enforces.
    kind.project() == Project::Istio || Some(kind.project()) == own
}

/// Whether a kind that a server need not have could not be read. A source that knows of such kinds says so of each; one that says
/// nothing does not have them.
pub(crate) fn is_hidden(coverage: &Coverage, resource: Resource, namespace: Option<&str>) -> bool {
    coverage
        .state(resource, namespace)
        .is_some_and(|state: &State| !state.is_readable())
}
