//! Who reaches whom: rows to columns.

use crate::engine::{Engine, Group, Groups, Verdict};
use crate::model::{Protocol, cidr};

use super::ends::{End, EndKind, addresses};
use super::flows::{PeerKind, peers};
use super::scope::Scope;

/// The verdict of every pair of ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// `None`: a cell says whether any port is open.
    pub port: Option<(Protocol, u16)>,
    /// Workloads by id, then `internet`.
    pub ends: Vec<End>,
    /// By row (from), then column (to).
    pub cells: Vec<Vec<Verdict>>,
}

/// Judges every pair of ends. With a narrowed scope a pair needs one end in it, and ends that have none are left out.
pub fn matrix(engine: &Engine, port: Option<(Protocol, u16)>, scope: &Scope) -> Matrix {
    let mut groups = Groups::new(engine);
    let mut prepared: Vec<_> = peers(engine, &groups)
        .into_iter()
        .filter(|(peer, _)| peer.kind == PeerKind::Workload)
        .map(|(peer, group)| (peer.end, group))
        .collect();
    let internet = addresses(engine, "internet", "internet", cidr::internet());
    let group = groups.group(internet.entities.iter().cloned());
    prepared.push((internet, group));
    if !scope.is_all() {
        let inside: Vec<bool> = prepared.iter().map(|(end, _)| holds(scope, end)).collect();
        let mut kept = Vec::with_capacity(prepared.len());
        for (index, (end, group)) in prepared.iter().enumerate() {
            let is_met = |(other, (_, peer)): (usize, &(End, Group))| {
                inside[other]
                    && (!groups.allowed(group, peer).possible.is_empty()
                        || !groups.allowed(peer, group).possible.is_empty())
            };
            let is_internet = matches!(end.kind, EndKind::Addresses(_));
            kept.push(inside[index] || is_internet || prepared.iter().enumerate().any(is_met));
        }
        let mut kept = kept.into_iter();
        prepared.retain(|_| kept.next().unwrap_or(false));
    }
    let mut cells = Vec::with_capacity(prepared.len());
    for (from, source) in &prepared {
        let mut row = Vec::with_capacity(prepared.len());
        for (to, target) in &prepared {
            let allowed = groups.allowed(source, target);
            row.push(match port {
                _ if is_outside(from) && is_outside(to) => Verdict::Allow,
                _ if allowed.possible.is_empty() && !meet(engine, from, to) => Verdict::Unreachable,
                Some((protocol, port)) => allowed.verdict(protocol, port),
                None if !allowed.sure.is_empty() => Verdict::Allow,
                None if !allowed.possible.is_empty() => Verdict::Unknown,
                None => Verdict::Deny,
            });
        }
        cells.push(row);
    }
    Matrix {
        port,
        ends: prepared.into_iter().map(|(end, _)| end).collect(),
        cells,
    }
}

fn holds(scope: &Scope, end: &End) -> bool {
    matches!(&end.kind, EndKind::Workload { namespace } if scope.holds(namespace))
}

/// Nothing of this cluster stands between two outside addresses.
fn is_outside(end: &End) -> bool {
    matches!(end.kind, EndKind::Addresses(_))
}

/// Whether any connection can be tried at all: both have an address, and one family in common.
fn meet(engine: &Engine, from: &End, to: &End) -> bool {
    from.entities.iter().any(|a| {
        to.entities
            .iter()
            .any(|b| engine.unreachable(a, b).is_none())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Profile;
    use crate::source::manifests;

    const WORLD: &str = "
{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: x, labels: {app: a}}, status: {phase: Running, podIPs: [{ip: 10.0.0.1}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: b, namespace: y, labels: {app: b}}, status: {phase: Running, podIPs: [{ip: 10.0.0.2}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: c, namespace: z, labels: {app: c}}, status: {phase: Running, podIPs: [{ip: 10.0.0.3}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: waits, namespace: z}, status: {phase: Pending}}
---
{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: p, namespace: x}, spec: {policyTypes: [Ingress, Egress], ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}}], ports: [{port: 80}]}]}}
";

    fn check(scope: &Scope, expected: &[(&str, &str)]) {
        let (cluster, told) = manifests::parse("t", WORLD);
        assert!(told.is_empty(), "{told:?}");
        let engine = Engine::build(&std::sync::Arc::new(cluster), Profile::spec());
        let found = matrix(&engine, Some((Protocol::Tcp, 80)), scope);
        let rows: Vec<(String, String)> = found
            .ends
            .iter()
            .zip(&found.cells)
            .map(|(end, row)| {
                let words: Vec<&str> = row.iter().map(|verdict| verdict.as_str()).collect();
                (end.id.clone(), words.join(" "))
            })
            .collect();
        let rows: Vec<(&str, &str)> = rows.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_pod_without_an_address_is_unreachable_and_nobody_is_denied_outside() {
        check(
            &Scope::all(),
            &[
                ("x/pod/a", "allow deny deny unreachable deny"),
                ("y/pod/b", "allow allow allow unreachable allow"),
                ("z/pod/c", "deny allow allow unreachable allow"),
                (
                    "z/pod/waits",
                    "unreachable unreachable unreachable unreachable unreachable",
                ),
                ("internet", "deny allow allow unreachable allow"),
            ],
        );
    }

    #[test]
    fn a_scope_keeps_whoever_has_a_connection_with_it() {
        // y may reach x; z and x have nothing to do with each other.
        check(
            &Scope::of(["x".to_owned()]),
            &[
                ("x/pod/a", "allow deny deny"),
                ("y/pod/b", "allow allow allow"),
                ("internet", "deny allow allow"),
            ],
        );
    }
}
