//! Who enforces policies in this cluster: a guess from what runs there, with its evidence.
//!
//! Creating a policy succeeds in every cluster and says nothing about whether anybody enforces it (rule D1). The strongest
//! evidence is a running agent (rule D2), so that is what is looked at, and the profile follows from it.

mod generation;

use crate::model::{Cluster, Namespace, Phase, Pod, Resource, Workload};

use super::ProfileName;
use super::profile::Profile;

pub use generation::Generations;

/// Whether policies take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Enforces {
    Yes,
    No,
    Unknown,
}

impl Enforces {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enforcer {
    /// `calico`, `cilium`, …; `none` when nothing was recognised.
    pub name: String,
    pub enforces: Enforces,
    pub profile: ProfileName,
    /// Which cluster-wide policies it acts on, as far as its images say so (rule A4).
    pub generations: Generations,
    /// Facts in words, strongest first.
    pub evidence: Vec<String>,
}

impl Enforcer {
    /// The switches of a profile, with what is known of this enforcer's version if the profile is its own.
    pub fn switches(&self, profile: ProfileName) -> Profile {
        let mut switches = Profile::named(profile);
        if profile == self.profile {
            let Generations {
                cluster_policies,
                admin_policies,
            } = self.generations;
            switches.cluster_policies = cluster_policies.unwrap_or(switches.cluster_policies);
            switches.admin_policies = admin_policies.unwrap_or(switches.admin_policies);
        }
        switches
    }
}

/// An agent by the name of its DaemonSet, and where it usually runs (rule D3).
struct Agent {
    daemon_set: &'static str,
    name: &'static str,
    enforces: Enforces,
    profile: ProfileName,
    remark: &'static str,
}

const AGENTS: [Agent; 15] = [
    agent(
        "calico-node",
        "calico",
        Enforces::Yes,
        ProfileName::Calico,
        "",
    ),
    agent("canal", "canal", Enforces::Yes, ProfileName::Calico, ""),
    agent("cilium", "cilium", Enforces::Yes, ProfileName::Cilium, ""),
    agent(
        "anetd",
        "cilium",
        Enforces::Yes,
        ProfileName::Cilium,
        "GKE Dataplane V2",
    ),
    agent(
        "antrea-agent",
        "antrea",
        Enforces::Yes,
        ProfileName::Unknown,
        "",
    ),
    agent(
        "ovnkube-node",
        "ovn-kubernetes",
        Enforces::Yes,
        ProfileName::OvnKubernetes,
        "",
    ),
    agent(
        "kube-ovn-cni",
        "kube-ovn",
        Enforces::Yes,
        ProfileName::Unknown,
        "",
    ),
    agent(
        "kube-router",
        "kube-router",
        Enforces::Yes,
        ProfileName::Unknown,
        "if its firewall function runs",
    ),
    agent(
        "weave-net",
        "weave",
        Enforces::Yes,
        ProfileName::Unknown,
        "unless its policy controller was removed",
    ),
    agent(
        "kube-network-policies",
        "kube-network-policies",
        Enforces::Yes,
        ProfileName::KubeNetworkPolicies,
        "",
    ),
    agent(
        "azure-npm",
        "azure-npm",
        Enforces::Yes,
        ProfileName::Unknown,
        "",
    ),
    agent(
        "kindnet",
        "kindnet",
        Enforces::Unknown,
        ProfileName::KubeNetworkPolicies,
        "enforces only since kind 0.24",
    ),
    agent(
        "aws-node",
        "aws-vpc-cni",
        Enforces::Unknown,
        ProfileName::AwsVpcCni,
        "enforces only with its policy agent switched on",
    ),
    agent(
        "kube-flannel-ds",
        "flannel",
        Enforces::No,
        ProfileName::Unknown,
        "flannel alone enforces nothing",
    ),
    agent(
        "azure-cns",
        "azure-cns",
        Enforces::No,
        ProfileName::Unknown,
        "enforces nothing without azure-npm",
    ),
];

const fn agent(
    daemon_set: &'static str,
    name: &'static str,
    enforces: Enforces,
    profile: ProfileName,
    remark: &'static str,
) -> Agent {
    Agent {
        daemon_set,
        name,
        enforces,
        profile,
        remark,
    }
}

/// Looks for the program that enforces policies.
///
/// `offline` input without nodes and without any agent says nothing either way, and is reasoned about by the API's own text.
pub fn detect(cluster: &Cluster, offline: bool) -> Enforcer {
    let mut found: Vec<(&Agent, String, Vec<&str>)> = Vec::new();
    for agent in &AGENTS {
        for namespace in cluster.namespaces.values() {
            if let Some((evidence, images)) = runs(agent, namespace, offline) {
                found.push((agent, evidence, images));
            }
        }
    }
    // A policy agent beats a mere network agent: Canal and policy-only installs have both (rule D4).
    found.sort_by_key(|(agent, ..)| match agent.enforces {
        Enforces::Yes => 0,
        Enforces::Unknown => 1,
        Enforces::No => 2,
    });
    let mut evidence: Vec<String> = found
        .iter()
        .map(|(_, evidence, _)| evidence.clone())
        .collect();
    if let Some((agent, _, images)) = found.first() {
        let enforces = if agent.daemon_set == "aws-node" {
            aws_agent(cluster)
        } else {
            agent.enforces
        };
        let (generations, why) = generation::of(agent.daemon_set, images);
        evidence.extend(why);
        return Enforcer {
            name: agent.name.to_owned(),
            enforces,
            profile: agent.profile,
            generations,
            evidence,
        };
    }
    if let Some(node) = cluster
        .nodes
        .iter()
        .find(|node| node.kubelet_version.contains("+k3s"))
    {
        // k3s embeds its controller: there is no DaemonSet to see (rule D8).
        return Enforcer {
            name: "k3s".to_owned(),
            enforces: Enforces::Yes,
            profile: ProfileName::Unknown,
            generations: Generations::default(),
            evidence: vec![format!(
                "node {} runs {}; k3s enforces unless started with --disable-network-policy",
                node.name, node.kubelet_version
            )],
        };
    }
    let pods_known = cluster
        .coverage
        .is_readable(Resource::Pods, Some("kube-system"));
    let (enforces, why) = if offline && cluster.nodes.is_empty() {
        (
            Enforces::Unknown,
            "the input holds no nodes and no network agent",
        )
    } else if offline && !holds_system_pods(cluster) {
        // A dump of a few namespaces: where agents run was not looked at.
        (
            Enforces::Unknown,
            "the input holds no pods of kube-system and no network agent",
        )
    } else if !pods_known {
        (
            Enforces::Unknown,
            "pods of kube-system could not be read, so no network agent can be seen",
        )
    } else {
        (Enforces::No, "no known network agent runs in this cluster")
    };
    Enforcer {
        name: "none".to_owned(),
        enforces,
        profile: if offline {
            ProfileName::Spec
        } else {
            ProfileName::Unknown
        },
        generations: Generations::default(),
        evidence: vec![why.to_owned()],
    }
}

/// Whether there is anything of kube-system, where every cluster has something that runs.
fn holds_system_pods(cluster: &Cluster) -> bool {
    cluster
        .namespace("kube-system")
        .is_some_and(|namespace| !namespace.workloads.is_empty())
}

/// Whether an agent runs in a namespace: the evidence, and the images of its pods.
fn runs<'a>(
    agent: &Agent,
    namespace: &'a Namespace,
    offline: bool,
) -> Option<(String, Vec<&'a str>)> {
    let is_agent = |one: &&Workload| one.kind == "DaemonSet" && one.name == agent.daemon_set;
    let workload = namespace.workloads.iter().find(is_agent)?;
    let pods = workload.pods.iter();
    let pods: Vec<&Pod> = pods.map(|index| &namespace.pods[*index]).collect();
    let ready = pods
        .iter()
        .filter(|pod| pod.ready && pod.phase == Phase::Running)
        .count();
    // Files say nothing of readiness.
    let is_taken_for_ready = offline && !pods.is_empty();
    if ready == 0 && !is_taken_for_ready {
        return None;
    }
    let remark = if agent.remark.is_empty() {
        String::new()
    } else {
        format!("; {}", agent.remark)
    };
    let evidence = format!(
        "DaemonSet {}/{}, {ready} of {} pods ready{remark}",
        namespace.name,
        workload.name,
        pods.len()
    );
    let images = pods.iter().flat_map(|pod| &pod.images);
    Some((evidence, images.map(String::as_str).collect()))
}

/// The AWS CNI enforces only when its node agent runs beside it (rule D10).
fn aws_agent(cluster: &Cluster) -> Enforces {
    let pods = cluster.namespaces.values().flat_map(|ns| ns.pods.iter());
    let mut agents = pods.filter(|pod| {
        pod.images
            .iter()
            .any(|image| image.contains("aws-network-policy-agent"))
    });
    if agents.next().is_some() {
        Enforces::Unknown
    } else {
        Enforces::No
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::Switch;
    use crate::source::manifests;

    fn check(yaml: &str, expected: (&str, Enforces, ProfileName)) {
        let (cluster, _) = manifests::parse("t", yaml);
        let found = detect(&cluster, true);
        assert_eq!(
            (found.name.as_str(), found.enforces, found.profile),
            expected,
            "{yaml}"
        );
    }

    #[test]
    fn the_running_agent_decides() {
        let daemon = |name: &str| {
            format!(
                "{{kind: DaemonSet, apiVersion: apps/v1, metadata: {{name: {name}, namespace: kube-system}}, spec: {{template: {{metadata: {{labels: {{a: b}}}}}}}}}}\n---\n"
            )
        };
        check(
            &daemon("calico-node"),
            ("calico", Enforces::Yes, ProfileName::Calico),
        );
        check(
            &daemon("kube-flannel-ds"),
            ("flannel", Enforces::No, ProfileName::Unknown),
        );
        check(
            &(daemon("kube-flannel-ds") + &daemon("calico-node")),
            ("calico", Enforces::Yes, ProfileName::Calico),
        );
        check(
            &daemon("aws-node"),
            ("aws-vpc-cni", Enforces::No, ProfileName::AwsVpcCni),
        );
    }

    #[test]
    fn the_agents_version_overrides_its_own_profile_only() {
        let yaml = "{kind: DaemonSet, apiVersion: apps/v1, metadata: {name: calico-node, namespace: kube-system}, spec: {template: {spec: {containers: [{name: c, image: 'calico/node:v3.30.1'}]}}}}";
        let (cluster, _) = manifests::parse("t", yaml);
        let found = detect(&cluster, true);
        assert_eq!(
            found.evidence[1],
            "calico/node:v3.30.1: acts on AdminNetworkPolicy, not on ClusterNetworkPolicy"
        );
        let own = found.switches(ProfileName::Calico);
        assert_eq!(own.admin_policies, Switch::Yes);
        assert_eq!(own.cluster_policies, Switch::No);
        let asked_for = found.switches(ProfileName::Cilium);
        assert_eq!(asked_for, Profile::named(ProfileName::Cilium));
    }

    #[test]
    fn an_agent_that_is_not_ready_enforces_nothing() {
        check(
            "{kind: Node, apiVersion: v1, metadata: {name: n1}}
---
{kind: DaemonSet, apiVersion: apps/v1, metadata: {name: calico-node, namespace: kube-system}}",
            ("none", Enforces::No, ProfileName::Spec),
        );
    }

    #[test]
    fn files_that_say_nothing_about_the_network_leave_it_open() {
        check(
            "{kind: Pod, apiVersion: v1, metadata: {name: a}}",
            ("none", Enforces::Unknown, ProfileName::Spec),
        );
        // A dump of one namespace, with nodes: agents run elsewhere.
        check(
            "{kind: Node, apiVersion: v1, metadata: {name: n1}}
---
{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: shop}}",
            ("none", Enforces::Unknown, ProfileName::Spec),
        );
    }

    #[test]
    fn k3s_has_its_controller_inside() {
        check(
            "{kind: Node, apiVersion: v1, metadata: {name: n1}, status: {nodeInfo: {kubeletVersion: v1.34.1+k3s1}}}",
            ("k3s", Enforces::Yes, ProfileName::Unknown),
        );
    }
}
