//! The demo clusters against their documents: what each table row promises, and what was planted against it.

mod e_commerce;
mod grids;
mod platform;
mod red_kite;
mod stalker;
mod verrazzano;
mod views;

use std::sync::Arc;

use jiff::civil::date;
use netseg::compile::enforcer::{self, Enforces};
use netseg::engine::{Engine, Entity, Profile, ProfileName, Verdict};
use netseg::expect;
use netseg::graph;
use netseg::model::Protocol::{self, Tcp, Udp};
use netseg::model::{Cluster, Direction};
use netseg::questions::scope::Scope;
use netseg::source::{Link, demo};

struct World {
    engine: Engine,
    enforcer: enforcer::Enforcer,
    expectations: expect::Expectations,
}

/// A demo as the program loads it: nothing in it is told of as wrong.
fn load(name: &str) -> World {
    let demo = demo::load(name).unwrap();
    assert!(demo.diagnostics.is_empty(), "{:?}", demo.diagnostics);
    let expectations = expect::read(&demo.expectations_name, demo.expectations_text);
    world(demo.cluster, expectations.unwrap())
}

fn world(cluster: Cluster, expectations: expect::Expectations) -> World {
    let enforcer = enforcer::detect(&cluster, true);
    World {
        engine: Engine::build(&Arc::new(cluster), Profile::named(enforcer.profile)),
        enforcer,
        expectations,
    }
}

/// A demo as its recording leaves it. Needs a paused clock, so that nobody waits.
async fn played(name: &str) -> World {
    let mut states = demo::play(name).unwrap();
    let last = states.wait_for(|s| s.link == Link::Fixed).await.unwrap();
    assert!(last.diagnostics.is_empty(), "{:?}", last.diagnostics);
    let demo = demo::load(name).unwrap();
    let expectations = expect::read(&demo.expectations_name, demo.expectations_text);
    world(Cluster::clone(&last.cluster), expectations.unwrap())
}

impl World {
    /// The first pod of a workload, or an address.
    fn end(&self, text: &str) -> Entity {
        if let Ok(address) = text.parse() {
            return self.engine.entity_at(address);
        }
        let first = self.pods(text).into_iter().next();
        first.unwrap_or_else(|| panic!("no workload {text}"))
    }

    /// The pods of a workload.
    fn pods(&self, text: &str) -> Vec<Entity> {
        let (namespace, name) = text.split_once('/').unwrap();
        let of_workload = self.engine.pods().filter(|id| {
            let workload = self.engine.workload_of(*id);
            workload.namespace.as_ref() == namespace && workload.name == name
        });
        of_workload.map(Entity::Pod).collect()
    }

    /// Which ends let a connection through: egress, ingress.
    fn sides(&self, from: &Entity, to: &Entity, protocol: Protocol, port: u16) -> (bool, bool) {
        let lets = |direction, own, peer| {
            let side = self.engine.side(direction, own, peer);
            assert_eq!(
                side.sure.contains(protocol, port),
                side.possible.contains(protocol, port),
                "a demo leaves nothing in doubt"
            );
            side.sure.contains(protocol, port)
        };
        (
            lets(Direction::Egress, from, to),
            lets(Direction::Ingress, to, from),
        )
    }

    fn verdict(&self, from: &str, to: &str, protocol: Protocol, port: u16) -> Verdict {
        let (from, to) = (self.end(from), self.end(to));
        self.engine.verdict(&from, &to, protocol, port)
    }

    fn plan(&self, environment: &str) -> expect::Plan {
        let today = date(2026, 1, 12);
        expect::bind(&self.engine, &self.expectations, environment, today)
    }

    /// What the picture of an environment draws, DNS apart: ends, ports, state.
    fn drawn(&self, environment: &str) -> Vec<String> {
        let plan = self.plan(environment);
        let graph = graph::drawn::drawn(&self.engine, Some(&plan), &Scope::all());
        let name = |key: &str| key.rsplit('/').next().unwrap_or(key).to_owned();
        let mut lines: Vec<String> = graph
            .edges()
            .iter()
            .filter(|edge| edge.class != graph::Class::Dns)
            .map(|edge| {
                let (from, to) = (name(&edge.from), name(&edge.to));
                format!("{from} -> {to} {} {:?}", edge.ports.join(","), edge.state)
            })
            .collect();
        lines.sort();
        lines
    }

    /// The picture of an environment in a pane: nothing is cut off, and whoever follows the wires finds what was drawn.
    fn picture(&self, environment: &str, columns: u16, rows: u16) -> String {
        let plan = self.plan(environment);
        let graph = graph::drawn::drawn(&self.engine, Some(&plan), &Scope::all());
        let scene = graph::layout(&graph, &graph::Options::new(columns, rows), None);
        let text = scene.text(false);
        assert!(scene.fits(), "{environment} {columns}x{rows}:\n{text}");
        assert!(
            graph::truth::check(&scene).is_clean(),
            "{environment}:\n{text}"
        );
        text
    }

    /// What a finding rests on: `namespace/policy path`.
    fn rules(&self, finding: &expect::Finding) -> Vec<String> {
        let rules = finding.because.iter().map(|rule| {
            let policy = self.engine.policy(rule.policy);
            format!("{}/{} {}", policy.namespace, policy.name, rule.path())
        });
        rules.collect()
    }

    /// Every finding as one line: severity, code, ends, ports.
    fn findings(&self, environment: &str) -> Vec<String> {
        let plan = self.plan(environment);
        expect::judge(&self.engine, &plan, &self.enforcer)
            .iter()
            .map(|f| {
                let ports = match (f.protocol, f.ports) {
                    (Some(protocol), Some(ports)) => format!(" {ports}/{protocol}"),
                    _ => String::new(),
                };
                format!("{} {} {} -> {}{ports}", f.severity, f.code, f.from, f.to)
            })
            .collect()
    }
}

/// The first finding between two ends.
fn between<'f>(findings: &'f [expect::Finding], from: &str, to: &str) -> &'f expect::Finding {
    let found = findings.iter().find(|f| f.from == from && f.to == to);
    found.unwrap_or_else(|| panic!("no finding {from} -> {to}"))
}

#[test]
fn only_what_is_built_is_named() {
    assert_eq!(
        demo::names(),
        [
            "stalker",
            "red-kite",
            "e-commerce",
            "verrazzano",
            "platform"
        ]
    );
    assert!(demo::load("black-kite").is_none());
}
