//! What can be entered from outside, and whether policy lets the internet through.

use std::collections::BTreeSet;

use crate::engine::{Engine, SeenAs, Through, WayIn, WayKind, WayTo};

use super::ends::workload_end;
use super::flows::range_id;
use super::probe::entity_id;
use super::scope::Scope;

/// Every way in, and what may be missing from the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Exposure {
    /// By where they lead, kind, object, host and port.
    pub ways: Vec<Way>,
    /// The kinds of which some may have been missed, with what could not be read; `gateway` is always among them.
    pub unseen: Vec<(&'static str, Vec<String>)>,
}

/// A way in and what policy says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    pub way: WayIn,
    /// Where it leads, as it would be typed; `None`: to nothing.
    pub to: Option<String>,
    /// The same for people: without the kind where the name is unique in its namespace.
    pub name: String,
    /// Whom policy at the pods sees: `internet` or the ranges a load balancer serves, `node` for the nodes it may come in at, `any` for
    /// addresses that are not known, the controller's workloads. Empty: it could not be told who that is.
    pub sources: Vec<String>,
    /// Asked from public addresses.
    pub through: Through,
}

/// Finds the ways in that have an end in scope: the workload, or the Service or Ingress that makes the way.
pub fn exposure(engine: &Engine, scope: &Scope) -> Exposure {
    let ways = engine.ways().into_iter();
    let ways = ways.filter(|way| {
        let mut pods = way.to.pods().iter();
        scope.holds(&way.object.namespace)
            || pods.any(|pod| scope.holds(&engine.namespace_of(*pod).name))
    });
    let ways = ways.map(|way| {
        let (to, name) = end(engine, &way);
        Way {
            to,
            name,
            sources: sources(engine, &way),
            through: engine.through(&way),
            way,
        }
    });
    let mut unseen: Vec<(&'static str, Vec<String>)> = Vec::new();
    for kind in WayKind::ALL {
        let missing: BTreeSet<String> = if scope.is_all() {
            engine.unseen_ways(kind, None).into_iter().collect()
        } else {
            let named = scope.names();
            named
                .flat_map(|name| engine.unseen_ways(kind, Some(name)))
                .collect()
        };
        if !missing.is_empty() {
            unseen.push((kind.as_str(), missing.into_iter().collect()));
        }
    }
    unseen.push(("gateway", vec!["gateways".to_owned()]));
    Exposure {
        ways: ways.collect(),
        unseen,
    }
}

fn end(engine: &Engine, way: &WayIn) -> (Option<String>, String) {
    match &way.to {
        WayTo::Workload { id, pods, .. } => {
            let name = pods
                .first()
                .map(|pod| workload_end(engine, engine.workload_of(*pod)).name);
            (Some(id.clone()), name.unwrap_or_else(|| id.clone()))
        }
        WayTo::Others(entities) => {
            let ids: Vec<String> = entities.iter().map(|one| entity_id(engine, one)).collect();
            let text = ids.join(",");
            (Some(text.clone()), text)
        }
        WayTo::Nothing(_) => (None, "-".to_owned()),
    }
}

fn sources(engine: &Engine, way: &WayIn) -> Vec<String> {
    let clients = || {
        way.served
            .as_ref()
            .map_or_else(|| "internet".to_owned(), range_id)
    };
    match &way.sources {
        SeenAs::Client => vec![clients()],
        SeenAs::ClientOrNode => vec![clients(), "node".to_owned()],
        SeenAs::Proxy => vec!["any".to_owned()],
        SeenAs::Controller(None) => Vec::new(),
        SeenAs::Controller(Some(pods)) => {
            let ids = pods.iter().map(|pod| engine.workload_of(*pod).id());
            let ids: BTreeSet<String> = ids.collect();
            ids.into_iter().collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::{Profile, Verdict};
    use crate::questions::ends::{parse_port, resolve};
    use crate::questions::probe::probe;
    use crate::source::manifests;

    const WORLD: &str = "
{kind: Node, apiVersion: v1, metadata: {name: n1}, status: {addresses: [{type: InternalIP, address: 192.168.0.11}]}}
---
{kind: Node, apiVersion: v1, metadata: {name: n2}, status: {addresses: [{type: InternalIP, address: 192.168.0.12}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: ui, namespace: x, labels: {app: ui}}, spec: {nodeName: n1}, status: {phase: Running, podIPs: [{ip: 10.0.1.1}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: db, namespace: y, labels: {app: db}}, spec: {nodeName: n2}, status: {phase: Running, podIPs: [{ip: 10.0.2.1}]}}
---
";

    fn engine(text: &str) -> Engine {
        let (cluster, told) = manifests::parse("t", &format!("{WORLD}{text}"));
        assert!(told.is_empty(), "{told:?}");
        Engine::build(&Arc::new(cluster), Profile::spec())
    }

    fn service(spec: &str) -> String {
        format!(
            "{{kind: Service, apiVersion: v1, metadata: {{name: ui, namespace: x}}, spec: {{selector: {{app: ui}}, ports: [{{port: 80, targetPort: 8080, nodePort: 30080}}], {spec}}}, status: {{loadBalancer: {{ingress: [{{ip: 203.0.113.5}}]}}}}}}\n---\n"
        )
    }

    /// A way's verdict is the one a probe of the Service gives: they ask the same engine the same things.
    #[test]
    fn a_way_and_a_probe_agree() {
        let rule = |from: &str| {
            format!(
                "{{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {{name: p, namespace: x}}, spec: {{podSelector: {{}}, ingress: [{from}]}}}}\n---\n"
            )
        };
        let public = rule("{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [192.168.0.0/16]}}]}");
        let some = rule("{from: [{ipBlock: {cidr: 198.51.100.0/24}}]}");
        let nodes = rule("{from: [{ipBlock: {cidr: 192.168.0.0/16}}]}");
        let ports = rule("{ports: [{port: 8080}]}");
        let mut seen = BTreeSet::new();
        for spec in [
            "type: LoadBalancer",
            "type: LoadBalancer, externalTrafficPolicy: Local",
            "type: LoadBalancer, loadBalancerSourceRanges: [198.51.100.0/24]",
            "type: LoadBalancer, externalTrafficPolicy: Local, loadBalancerSourceRanges: [198.51.100.0/24]",
            "type: NodePort",
            "type: NodePort, externalTrafficPolicy: Local",
        ] {
            for policy in ["", &rule(""), &public, &some, &nodes, &ports] {
                let engine = engine(&(service(spec) + policy));
                let found = exposure(&engine, &Scope::all());
                assert_eq!(found.ways.len(), 1, "{spec} {policy}");
                let from = match &found.ways[0].way.served {
                    // A probe from the internet asks those too who are not served.
                    Some(_) => "198.51.100.0/24",
                    None => "internet",
                };
                let from = resolve(&engine, from).unwrap();
                let to = resolve(&engine, "x/svc/ui").unwrap();
                let port = parse_port("80").unwrap();
                let answer = probe(&engine, &from, &to, Some(&port)).unwrap();
                let verdict = found.ways[0].through.verdict;
                assert_eq!(verdict, answer.verdict, "{spec} {policy} {answer:#?}");
                seen.insert(verdict);
            }
        }
        let all = [Verdict::Allow, Verdict::Deny, Verdict::Unknown];
        assert_eq!(seen, BTreeSet::from(all));
    }

    #[test]
    fn what_has_no_end_in_scope_is_left_out() {
        let engine = engine(&service("type: LoadBalancer"));
        let names = |scope: &Scope| -> Vec<String> {
            let found = exposure(&engine, scope);
            found.ways.iter().map(|way| way.name.clone()).collect()
        };
        assert_eq!(names(&Scope::all()), ["x/ui"]);
        assert_eq!(names(&Scope::of(["x".to_owned()])), ["x/ui"]);
        assert!(names(&Scope::of(["y".to_owned()])).is_empty());
    }

    #[test]
    fn sources_are_those_that_policy_sees() {
        for (spec, expected) in [
            ("type: LoadBalancer", &["internet", "node"][..]),
            (
                "type: LoadBalancer, externalTrafficPolicy: Local",
                &["internet"],
            ),
            (
                "type: LoadBalancer, loadBalancerSourceRanges: [198.51.100.0/24]",
                &["198.51.100.0/24", "node"],
            ),
        ] {
            let found = exposure(&engine(&service(spec)), &Scope::all());
            assert_eq!(found.ways[0].sources, expected, "{spec}");
            assert_eq!(
                found.unseen,
                [("gateway", vec!["gateways".to_owned()])],
                "{spec}"
            );
        }
    }
}
