//! Who reaches whom: rows to columns.

use crate::engine::{Engine, Groups, Verdict};
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
        .filter(|(peer, _)| matches!(&peer.end.kind, EndKind::Workload { namespace } if scope.holds(namespace)))
        .map(|(peer, group)| (peer.end, group))
        .collect();
    let internet = addresses(engine, "internet", "internet", cidr::internet());
    let group = groups.group(internet.entities.iter().cloned());
    prepared.push((internet, group));
    let mut cells = Vec::with_capacity(prepared.len());
    for (_, source) in &prepared {
        let mut row = Vec::with_capacity(prepared.len());
        for (_, target) in &prepared {
            let allowed = groups.allowed(source, target);
            row.push(match port {
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
