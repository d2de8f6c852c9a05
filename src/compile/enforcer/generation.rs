//! Which generation of the cluster-wide policies an agent acts on, by the version in the names of its images (rule A4).

use std::collections::BTreeSet;

use crate::text::tame;

use super::super::Switch;

/// What the running version says of the two generations; `None` leaves it to the profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Generations {
    /// ClusterNetworkPolicy v1alpha2.
    pub cluster_policies: Option<Switch>,
    /// AdminNetworkPolicy and BaselineAdminNetworkPolicy v1alpha1.
    pub admin_policies: Option<Switch>,
}

impl Generations {
    fn new(cluster_policies: Switch, admin_policies: Switch) -> Self {
        Self {
            cluster_policies: Some(cluster_policies),
            admin_policies: Some(admin_policies),
        }
    }

    fn words(self) -> &'static str {
        match (self.cluster_policies, self.admin_policies) {
            (Some(Switch::Yes), Some(Switch::No)) => {
                "acts on ClusterNetworkPolicy, not on AdminNetworkPolicy"
            }
            (Some(Switch::No), Some(Switch::Yes)) => {
                "acts on AdminNetworkPolicy, not on ClusterNetworkPolicy"
            }
            (Some(Switch::No), Some(Switch::No)) => "acts on no cluster-wide policy",
            (Some(Switch::Open), Some(Switch::No)) => {
                "acts on ClusterNetworkPolicy only if that was switched on, which is not known"
            }
            _ => "it is not known which cluster-wide policies it acts on",
        }
    }
}

/// Looks at the images of an agent's pods. Says what it found; nothing where no image tells.
pub(super) fn of(daemon_set: &str, images: &[&str]) -> (Generations, Option<String>) {
    let (mark, judge): (&str, fn(&str) -> Option<Generations>) = match daemon_set {
        "calico-node" | "canal" => ("calico", calico),
        "cilium" => ("cilium", cilium),
        "kube-network-policies" => ("kube-network-policies", builds),
        _ => return (Generations::default(), None),
    };
    // Each image once, in order of name; pods of a DaemonSet differ while it is being upgraded.
    let images: BTreeSet<&str> = images
        .iter()
        .copied()
        .filter(|image| image.contains(mark))
        .collect();
    let mut all = images.iter().map(|image| judge(tag(image)));
    let Some(Some(first)) = all.next() else {
        return (Generations::default(), None);
    };
    let found = if all.all(|other| other == Some(first)) {
        first
    } else {
        Generations::new(Switch::Open, Switch::Open)
    };
    let images: Vec<String> = images
        .iter()
        .map(|image| tame(image).into_owned())
        .collect();
    let evidence = format!("{}: {}", images.join(", "), found.words());
    (found, Some(evidence))
}

/// From 3.32 on the newer generation, from 3.29 to 3.31 the older one, before neither.
fn calico(tag: &str) -> Option<Generations> {
    let version = version(tag)?;
    Some(match version {
        _ if version >= (3, 32) => Generations::new(Switch::Yes, Switch::No),
        _ if version >= (3, 29) => Generations::new(Switch::No, Switch::Yes),
        _ => Generations::new(Switch::No, Switch::No),
    })
}

/// From 1.20 on the newer generation, if the agent was started with `enable-k8s-cluster-network-policy` (rule L41); its configuration
/// is not read. The older one never.
fn cilium(tag: &str) -> Option<Generations> {
    let is_new = version(tag)? >= (1, 20);
    let cluster_policies = if is_new { Switch::Open } else { Switch::No };
    Some(Generations::new(cluster_policies, Switch::No))
}

/// There is a build for each generation.
fn builds(tag: &str) -> Option<Generations> {
    if tag.contains("npa-v1alpha2") {
        Some(Generations::new(Switch::Yes, Switch::No))
    } else if tag.contains("npa-v1alpha1") {
        Some(Generations::new(Switch::No, Switch::Yes))
    } else {
        Some(Generations::new(Switch::Open, Switch::Open))
    }
}

/// What stands behind the colon of an image's name, without its digest; empty when there is none.
fn tag(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or_default();
    last.split_once(':').map_or("", |(_, tag)| tag)
}

/// Major and minor of a tag such as `v3.29.1` or `1.20.0-rc.1`.
fn version(tag: &str) -> Option<(u32, u32)> {
    let mut parts = tag.strip_prefix('v').unwrap_or(tag).split(['.', '-', '+']);
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?.parse().ok()?;
    Some((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Switch::{No, Open, Yes};

    #[test]
    fn the_version_in_the_image_decides_which_generation_counts() {
        for (daemon_set, images, expected) in [
            (
                "calico-node",
                &["docker.io/calico/node:v3.32.0"][..],
                Some((Yes, No)),
            ),
            (
                "calico-node",
                &["quay.io/calico/node:v3.31.2@sha256:ab"],
                Some((No, Yes)),
            ),
            (
                "calico-node",
                &["calico/node:v3.29.0-0.dev"],
                Some((No, Yes)),
            ),
            (
                "canal",
                &["flannel/flannel:v0.26.1", "calico/node:v3.28.4"],
                Some((No, No)),
            ),
            (
                "calico-node",
                &["localhost:5000/calico/node:v3.40.1"],
                Some((Yes, No)),
            ),
            // In mid-upgrade.
            (
                "calico-node",
                &["calico/node:v3.31.0", "calico/node:v3.32.0"],
                Some((Open, Open)),
            ),
            ("calico-node", &["calico/node@sha256:ab"], None),
            ("calico-node", &["calico/node:master"], None),
            ("calico-node", &[], None),
            ("cilium", &["quay.io/cilium/cilium:v1.19.4"], Some((No, No))),
            (
                "cilium",
                &["quay.io/cilium/cilium:v1.20.0-rc.1"],
                Some((Open, No)),
            ),
            // A derivative with versions of its own.
            ("anetd", &["gke.gcr.io/cilium/cilium:v1.13.4-gke.1"], None),
            (
                "kube-network-policies",
                &["registry.k8s.io/networking/kube-network-policies:v1.0.0-npa-v1alpha2"],
                Some((Yes, No)),
            ),
            (
                "kube-network-policies",
                &["registry.k8s.io/networking/kube-network-policies:v0.8.1-npa-v1alpha1"],
                Some((No, Yes)),
            ),
            (
                "kube-network-policies",
                &["registry.k8s.io/networking/kube-network-policies:v1.0.0"],
                Some((Open, Open)),
            ),
        ] {
            let (found, evidence) = of(daemon_set, images);
            let expected_generations =
                expected.map_or(Generations::default(), |(a, b)| Generations::new(a, b));
            assert_eq!(found, expected_generations, "{daemon_set} {images:?}");
            assert_eq!(evidence.is_some(), expected.is_some(), "{images:?}");
        }
    }
}
