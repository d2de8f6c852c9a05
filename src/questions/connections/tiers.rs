//! What rules of cluster-wide policies do to the list: an Accept lets through like any other rule, and a Deny keeps out some of
//! those whom a rule for everyone lets in.

use crate::engine::{Entity, PolicyId};
use crate::expect::stance::selects;
use crate::model::{Action, Direction, NamespaceScope, Peer, PortSet, Rule};

use super::{Maker, NamedPorts};

/// Whether a rule means every pod there is.
pub(super) fn is_every_pod(peer: &Peer) -> bool {
    matches!(peer, Peer::Pods { namespaces: NamespaceScope::Matching(n), pods } if n.is_everything() && pods.is_everything())
}

impl Maker<'_> {
    /// The rules that let something through at an entity, each with its ports: those of the policies that isolate it, and the
    /// Accept rules of cluster-wide ones that may select it. Whether a connection gets through is for the engine to say.
    pub(super) fn letting_through(
        &self,
        direction: Direction,
        own: &Entity,
    ) -> Vec<(&Rule, PortSet)> {
        let engine = self.engine;
        let mut acting: Vec<PolicyId> = engine.isolated_by(direction, own);
        if !engine.cluster().cluster_policies.is_empty() {
            acting.extend(engine.policies().filter(|id| {
                let policy = engine.policy(*id);
                policy.is_cluster_wide() && selects(engine, policy, own)
            }));
        }
        acting
            .into_iter()
            .flat_map(|id| engine.rules_with_ports(id, direction, own))
            .filter(|(rule, _)| rule.action == Action::Accept)
            .collect()
    }

    /// What one end may let through to and from each other workload, doubts included; `None` where no cluster-wide policy can make a difference
    /// between those whom a rule for everyone means.
    pub(super) fn by_workload(
        &self,
        index: usize,
        direction: Direction,
        own: &Entity,
    ) -> Option<Vec<(usize, PortSet)>> {
        let engine = self.engine;
        let policies = engine.cluster().cluster_policies.iter();
        let mut acting = policies.filter(|policy| {
            policy.rules(direction).is_some_and(|r| !r.is_empty()) && selects(engine, policy, own)
        });
        acting.next()?;
        let others = self.drawn.iter().enumerate();
        let sides = others.filter(|(other, _)| *other != index);
        Some(
            sides
                .filter_map(|(other, drawn)| {
                    let let_through = drawn
                        .examples
                        .iter()
                        .map(|peer| engine.side(direction, own, peer).possible);
                    Some((
                        other,
                        let_through.reduce(|all, one| all.intersection(&one))?,
                    ))
                })
                .collect(),
        )
    }

    /// Splits ports of a rule for everybody: those that all workloads get, and for the rest who gets which.
    pub(super) fn split(
        ports: &PortSet,
        by_workload: &[(usize, PortSet)],
    ) -> (PortSet, Vec<(usize, PortSet)>) {
        let common = by_workload
            .iter()
            .fold(ports.clone(), |all, (_, one)| all.intersection(one));
        let rest = by_workload
            .iter()
            .map(|(other, one)| (*other, ports.intersection(one).difference(&common)))
            .filter(|(_, ports)| !ports.is_empty())
            .collect();
        (common, rest)
    }

    /// Draws one by one what a rule for everybody lets through to some.
    pub(super) fn some_of_them(
        &mut self,
        index: usize,
        direction: Direction,
        rest: Vec<(usize, PortSet)>,
    ) {
        for (other, ports) in rest {
            let (from, to) = match direction {
                Direction::Egress => (index, other),
                Direction::Ingress => (other, index),
            };
            let mut named = NamedPorts::default();
            *named.at(direction) = ports;
            self.between(from, to, &named);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::engine::{Engine, Profile};
    use crate::questions::connections::{connections, point_id};
    use crate::questions::flows::half_open;
    use crate::questions::scope::Scope;
    use crate::questions::table::table;
    use crate::source::manifests;

    /// Tenant `a` has shop and store, tenant `b` bank. `db` is open to `web`, `vault` to everyone.
    const WORLD: &str = "
{kind: Namespace, apiVersion: v1, metadata: {name: shop, labels: {tenant: a}}}
---
{kind: Namespace, apiVersion: v1, metadata: {name: store, labels: {tenant: a}}}
---
{kind: Namespace, apiVersion: v1, metadata: {name: bank, labels: {tenant: b}}}
---
{kind: Namespace, apiVersion: v1, metadata: {name: watch, labels: {role: monitoring}}}
---
{kind: Pod, apiVersion: v1, metadata: {name: web, namespace: shop, labels: {app: web}}, status: {phase: Running, podIPs: [{ip: 10.0.1.1}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: db, namespace: store}, status: {phase: Running, podIPs: [{ip: 10.0.2.1}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: vault, namespace: bank}, status: {phase: Running, podIPs: [{ip: 10.0.3.1}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: prometheus, namespace: watch}, status: {phase: Running, podIPs: [{ip: 10.0.4.1}]}}
---
{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: db, namespace: store}, spec: {policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {tenant: a}}, podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]}}
---
{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: vault, namespace: bank}, spec: {policyTypes: [Ingress], ingress: [{ports: [{port: 443}]}]}}
";

    fn policy(name: &str, (tier, priority): (&str, u16), subject: &str, rules: &str) -> String {
        format!(
            "---
{{kind: ClusterNetworkPolicy, apiVersion: policy.networking.k8s.io/v1alpha2, metadata: {{name: {name}}}, spec: {{tier: {tier}, priority: {priority}, subject: {{namespaces: {{{subject}}}}}, {rules}}}}}
"
        )
    }

    fn engine(policies: &str) -> Engine {
        let (cluster, told) = manifests::parse("t", &format!("{WORLD}{policies}"));
        assert!(told.is_empty(), "{told:?}");
        Engine::build(&Arc::new(cluster), Profile::spec())
    }

    /// The connections as `from to ports`.
    fn told(engine: &Engine) -> Vec<String> {
        let found = connections(engine, None, &Scope::all());
        let list = found.list.iter().map(|c| {
            let (from, to) = (point_id(&found, &c.from), point_id(&found, &c.to));
            format!("{from} {to} {} {:?}", c.ports, c.standing)
        });
        let mut list: Vec<String> = list.collect();
        list.sort();
        list
    }

    fn cells(engine: &Engine) -> Vec<String> {
        let found = table(engine, None, &Scope::all());
        let cell = |items: &[crate::questions::table::Item]| {
            let texts: Vec<&str> = items.iter().map(|item| item.text.as_str()).collect();
            texts.join(", ")
        };
        found
            .rows
            .iter()
            .map(|row| {
                format!(
                    "{} | {} | {}",
                    row.name,
                    cell(&row.ingress),
                    cell(&row.egress)
                )
            })
            .collect()
    }

    #[test]
    fn without_cluster_wide_policies_wires_are_what_rules_name() {
        assert_eq!(
            told(&engine("")),
            [
                "any bank/pod/vault 443/TCP Open",
                "shop/pod/web store/pod/db 5432/TCP Open"
            ]
        );
    }

    #[test]
    fn an_accept_names_its_peers_and_a_denial_in_front_makes_it_half_open() {
        let scrape = policy(
            "scrape",
            ("Admin", 5),
            "matchLabels: {tenant: a}",
            "ingress: [{action: Accept, from: [{namespaces: {matchLabels: {role: monitoring}}}], protocols: [{tcp: {destinationPort: {number: 9102}}}]}]",
        );
        let open = engine(&scrape);
        assert_eq!(
            told(&open),
            [
                "any bank/pod/vault 443/TCP Open",
                "shop/pod/web store/pod/db 5432/TCP Open",
                "watch/pod/prometheus shop/pod/web 9102/TCP Open",
                "watch/pod/prometheus store/pod/db 9102/TCP Open",
            ],
            "also into web, which nothing isolates: the rule is there"
        );
        assert!(half_open(&open, &Scope::all()).flows.is_empty());

        let quiet = policy(
            "quiet",
            ("Baseline", 0),
            "matchLabels: {role: monitoring}",
            "egress: [{action: Deny, to: [{networks: [0.0.0.0/0, '::/0']}]}]",
        );
        let closed = engine(&format!("{scrape}{quiet}"));
        let found = half_open(&closed, &Scope::all());
        let pairs: Vec<String> = found
            .flows
            .iter()
            .map(|flow| {
                let id = |index: usize| found.peers[index].end.id.as_str();
                format!(
                    "{} {} {} {:?}",
                    id(flow.from),
                    id(flow.to),
                    flow.ports,
                    flow.open
                )
            })
            .collect();
        assert_eq!(
            pairs,
            [
                "watch/pod/prometheus shop/pod/web 9102/TCP Some(Ingress)",
                "watch/pod/prometheus store/pod/db 9102/TCP Some(Ingress)",
            ]
        );
        assert_eq!(cells(&closed)[3], "prometheus | Any | Deny All");
    }

    #[test]
    fn a_rule_a_tier_comes_before_opens_nothing_and_is_not_half_open() {
        let wall = policy(
            "wall",
            ("Admin", 1),
            "matchLabels: {kubernetes.io/metadata.name: store}",
            "ingress: [{action: Deny, from: [{namespaces: {matchLabels: {tenant: a}}}]}]",
        );
        let lonely = "---\n{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: lonely, namespace: shop}, spec: {policyTypes: [Egress]}}\n";
        let engine = engine(&format!("{wall}{lonely}"));
        // The rule of `db` names `web`, whose egress is closed. Its own side is closed as well: the Admin tier denies first.
        assert!(half_open(&engine, &Scope::all()).flows.is_empty());
        assert_eq!(told(&engine), ["any bank/pod/vault 443/TCP Open"]);
    }

    #[test]
    fn a_rule_for_everyone_is_told_by_who_is_left_of_them() {
        let wall = policy(
            "wall",
            ("Admin", 1),
            "matchLabels: {tenant: b}",
            "ingress: [{action: Deny, from: [{namespaces: {matchLabels: {tenant: a}}}]}]",
        );
        assert_eq!(
            told(&engine(&wall)),
            [
                "internet bank/pod/vault 443/TCP Open",
                "shop/pod/web store/pod/db 5432/TCP Open",
                "watch/pod/prometheus bank/pod/vault 443/TCP Open",
            ]
        );
    }

    /// What is not known of anybody keeps nobody out.
    #[test]
    fn doubt_leaves_a_rule_for_everyone_one_connection() {
        let accept = policy(
            "accept",
            ("Admin", 1),
            "matchLabels: {tenant: b}",
            "ingress: [{action: Accept, from: [{namespaces: {matchLabels: {tenant: c}}}]}]",
        );
        let other = "---\n{kind: CiliumNetworkPolicy, apiVersion: cilium.io/v2, metadata: {name: c, namespace: bank}}\n";
        let (cluster, _) = manifests::parse("t", &format!("{WORLD}{accept}{other}"));
        let engine = Engine::build(&Arc::new(cluster), Profile::spec());
        assert_eq!(
            told(&engine),
            [
                "any bank/pod/vault 443/TCP Unknown",
                "shop/pod/web store/pod/db 5432/TCP Open"
            ]
        );
        assert_eq!(cells(&engine)[0], "vault | ?, 443 (Any) | ?");
    }

    #[test]
    fn a_rule_for_every_pod_is_told_by_who_is_left_of_them() {
        let everyone = "---\n{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: every, namespace: watch}, spec: {policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 80}]}]}}\n";
        let wall = policy(
            "wall",
            ("Admin", 1),
            "matchLabels: {role: monitoring}",
            "ingress: [{action: Deny, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: store}}}]}]",
        );
        let on_80 = |policies: &str| -> Vec<String> {
            let told = told(&engine(policies)).into_iter();
            told.filter(|line| line.contains(" 80/TCP ")).collect()
        };
        assert_eq!(
            on_80(everyone),
            ["cluster watch/pod/prometheus 80/TCP Open"]
        );
        assert_eq!(
            on_80(&format!("{everyone}{wall}")),
            [
                "bank/pod/vault watch/pod/prometheus 80/TCP Open",
                "shop/pod/web watch/pod/prometheus 80/TCP Open"
            ]
        );
    }

    #[test]
    fn what_cluster_wide_rules_close_in_part_is_not_said_to_be_open() {
        let wall = policy(
            "wall",
            ("Admin", 1),
            "matchLabels: {tenant: a}",
            "egress: [{action: Deny, to: [{namespaces: {matchLabels: {tenant: b}}}]}]",
        );
        assert_eq!(
            cells(&engine(&wall)),
            [
                "vault | 443 (Any) | Any",
                "web | Any | Any but some, 5432 (db)",
                "db | 5432 | Any but some",
                "prometheus | Any | Any"
            ]
        );
    }
}
