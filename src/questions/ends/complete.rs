//! Completion of ends: what the typed text may become.

use crate::engine::Engine;

use super::short;

/// A proposal for completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub text: String,
    /// What it is: `3 pods`, `Service`, `whole namespace`.
    pub detail: String,
}

/// What the typed text may become: names that begin with it first, then names that hold it.
pub fn complete(engine: &Engine, typed: &str, limit: usize) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = Vec::new();
    for ns in engine.cluster().namespaces.values() {
        for workload in &ns.workloads {
            let live = workload
                .pods
                .iter()
                .filter(|index| !ns.pods[**index].is_finished())
                .count();
            let detail = match live {
                0 => format!("{}, no pods", workload.kind),
                1 => format!("{}, 1 pod", workload.kind),
                n => format!("{}, {n} pods", workload.kind),
            };
            all.push(Candidate {
                text: short(ns, workload),
                detail,
            });
        }
        for service in &ns.services {
            all.push(Candidate {
                text: format!("{}/svc/{}", ns.name, service.name),
                detail: "Service".to_owned(),
            });
        }
        if !ns.pods.is_empty() {
            all.push(Candidate {
                text: format!("{}/*", ns.name),
                detail: "whole namespace".to_owned(),
            });
        }
    }
    for (name, detail) in [
        ("dns", "cluster DNS"),
        ("k8s-api", "API server"),
        ("internet", "public addresses"),
        ("external", "any outside address"),
    ] {
        all.push(Candidate {
            text: name.to_owned(),
            detail: detail.to_owned(),
        });
    }
    for node in engine.cluster().nodes.iter() {
        all.push(Candidate {
            text: format!("node/{}", node.name),
            detail: "node".to_owned(),
        });
    }
    let wanted = typed.to_lowercase();
    let rank = |candidate: &Candidate| {
        let text = candidate.text.to_lowercase();
        let last = text.rsplit('/').next().unwrap_or(&text).to_owned();
        if text.starts_with(&wanted) || last.starts_with(&wanted) {
            Some(0)
        } else {
            text.contains(&wanted).then_some(1)
        }
    };
    let mut ranked: Vec<(i32, Candidate)> = all
        .into_iter()
        .filter_map(|c| rank(&c).map(|r| (r, c)))
        .collect();
    // Workloads come before Services of the same rank: they are what is asked about most.
    ranked.sort_by_key(|(rank, candidate)| {
        (*rank, candidate.detail == "Service", candidate.text.clone())
    });
    ranked
        .into_iter()
        .map(|(_, candidate)| candidate)
        .take(limit)
        .collect()
}
