//! The demo clusters against their documents: what each table row promises, and what was planted against it.

mod stalker;

use std::sync::Arc;

use jiff::civil::date;
use netseg::compile::enforcer::{self, Enforces};
use netseg::engine::{Engine, Entity, Profile, ProfileName, Verdict};
use netseg::expect;
use netseg::model::Protocol::{self, Tcp, Udp};
use netseg::model::{Cluster, Direction};
use netseg::source::demo;

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

impl World {
    /// The first pod of a workload, or an address.
    fn end(&self, text: &str) -> Entity {
        if let Ok(address) = text.parse() {
            return self.engine.entity_at(address);
        }
        let (namespace, name) = text.split_once('/').unwrap();
        let found = self.engine.pods().find(|id| {
            let workload = self.engine.workload_of(*id);
            workload.namespace.as_ref() == namespace && workload.name == name
        });
        Entity::Pod(found.unwrap_or_else(|| panic!("no workload {text}")))
    }

    fn verdict(&self, from: &str, to: &str, protocol: Protocol, port: u16) -> Verdict {
        let (from, to) = (self.end(from), self.end(to));
        self.engine.verdict(&from, &to, protocol, port)
    }

    /// Every finding as one line: severity, code, ends, ports.
    fn findings(&self, environment: &str) -> Vec<String> {
        let today = date(2026, 1, 12);
        let plan = expect::bind(&self.engine, &self.expectations, environment, today);
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

#[test]
fn only_what_is_built_is_named() {
    assert_eq!(demo::names(), ["stalker"]);
    assert!(demo::load("red-kite").is_none());
}
