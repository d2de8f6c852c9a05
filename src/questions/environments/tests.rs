use std::sync::Arc;

use super::*;
use crate::compile::enforcer::{self, Enforcer};
use crate::engine::Profile;
use crate::expect::{Expectations, bind, judge_all};
use crate::model::Severity;
use crate::source::{demo, manifests};

struct World {
    engine: Engine,
    enforcer: Enforcer,
    expectations: Expectations,
}

fn world(cluster: crate::model::Cluster, expectations: Expectations) -> World {
    let enforcer = enforcer::detect(&cluster, true);
    World {
        engine: Engine::build(&Arc::new(cluster), Profile::named(enforcer.profile)),
        enforcer,
        expectations,
    }
}

fn of_demo(name: &str) -> World {
    let demo = demo::load(name).unwrap();
    let expectations = crate::expect::read(&demo.expectations_name, demo.expectations_text);
    world(demo.cluster, expectations.unwrap())
}

impl World {
    fn plans(&self) -> Vec<(Plan, Vec<Finding>)> {
        let today = jiff::civil::date(2026, 1, 1);
        let names = self.expectations.environments();
        let plans = names.iter().map(|name| {
            let plan = bind(&self.engine, &self.expectations, name, today);
            let findings = judge_all(&self.engine, &plan, &self.enforcer);
            (plan, findings)
        });
        plans.collect()
    }

    fn compare(&self, namespaces: &[&str]) -> Comparison {
        let plans = self.plans();
        let plans: Vec<(&Plan, &[Finding])> = plans
            .iter()
            .map(|(plan, findings)| (plan, findings.as_slice()))
            .collect();
        let scope = Scope::of(namespaces.iter().map(|name| (*name).to_owned()));
        compare(&self.engine, &plans, &scope)
    }

    /// One line of text each: ends, ports, what each environment says and how the cluster stands to it, the verdict.
    fn lines(&self, namespaces: &[&str]) -> Vec<String> {
        let found = self.compare(namespaces);
        let lines = found.lines.iter().filter(|line| !line.by_default);
        lines.map(text).collect()
    }
}

fn text(line: &Line) -> String {
    let ports = if line.ports.is_all() {
        "any".to_owned()
    } else {
        let ranges = line.ports.iter();
        let ranges: Vec<String> = ranges
            .map(|(protocol, range)| format!("{range}/{protocol}"))
            .collect();
        ranges.join(",")
    };
    let said: Vec<String> = line
        .by_environment
        .iter()
        .map(|one| {
            let opinion = match one.opinion {
                Opinion::Must => "must",
                Opinion::May => "may",
                Opinion::MustNot => "not",
                Opinion::None => "-",
            };
            match one.code {
                Some(Code::Met) | None => opinion.to_owned(),
                Some(code) => format!("{opinion}:{code}"),
            }
        })
        .collect();
    format!(
        "{} > {} {ports} | {} | {}",
        line.from.name,
        line.to.name,
        said.join(" "),
        line.verdict
    )
}

/// Every line follows from the two environments of the demo and its planted faults: see its document.
#[test]
fn the_environments_of_the_demo_stand_side_by_side() {
    let public = "0.0.0.0/0 except 10.0.0.0/8,169.254.169.254,172.16.0.0/12,192.168.0.0/16";
    assert_eq!(
        of_demo("stalker").lines(&["stalker", "stalker-jobs"]),
        [
            &format!("jobs > {public} any | must must | allow"),
            "cron-service > flow-manager 3000/TCP | must must | allow",
            "cron-service > mongo 27017/TCP | must must | allow",
            "cron-service > DNS 53/TCP | may may | allow",
            "cron-service > DNS 53/UDP | must must | allow",
            "flow-manager > kafka 9092/TCP | must must | allow",
            "flow-manager > mongo 27017/TCP | must must | allow",
            "flow-manager > DNS 53/TCP | may may | allow",
            "flow-manager > DNS 53/UDP | must must | allow",
            // The orchestrator's policy selects kafka.
            "orchestrator > kafka 9092/TCP | must:broken must:broken | deny",
            "orchestrator > DNS 53/TCP | may may | deny",
            "orchestrator > DNS 53/UDP | must:broken must:broken | deny",
            "orchestrator > K8s API 443/TCP | must:broken must:broken | deny",
            "kafka > coredns 443/TCP | not:excess not:excess | allow",
            "kafka > zookeeper 2181/TCP,2888/TCP,3888/TCP | must must | allow",
            "kafka > DNS 53/TCP | may may | allow",
            "kafka > DNS 53/UDP | must must | allow",
            "zookeeper > kafka 9092-9093/TCP | must must | allow",
            "zookeeper > DNS 53/TCP | may may | allow",
            "zookeeper > DNS 53/UDP | must must | allow",
            // Closed from everywhere in production only.
            "any > cron-service 3000/TCP | may not:excess | allow",
            "any > flow-manager 3000/TCP | may may | allow",
            "any > orchestrator 5135/TCP | may:broken may:broken | deny",
            "any > ui 4200/TCP | may may | allow",
            "any > kafka 5135/TCP | not:excess not:excess | allow",
            "any > kafka 9092-9093/TCP | may may | deny",
            "any > zookeeper 2181/TCP,2888/TCP,3888/TCP | may may | deny",
            // Open to everyone in development; in production not to the outside.
            "every pod > mongo 27017/TCP | must may | allow",
            "external > mongo 27017/TCP | must not:excess | allow",
        ]
        .map(str::to_owned)
    );
}

/// What answers names is told as `dns`; and ends that are no workload may be cut into other pieces where environments differ.
fn meets(id: &str, end: &str) -> bool {
    id == end || is_outside(id) && is_outside(end) || id == "dns" && end.ends_with("/coredns")
}

/// What drift calls an error about a connection is on the line of that connection, and no line calls anything else one.
#[test]
fn lines_and_findings_agree() {
    for name in demo::names() {
        let world = of_demo(name);
        let found = world.compare(&[]);
        for (index, (plan, findings)) in world.plans().iter().enumerate() {
            let is_error = |code: Code| matches!(code, Code::Broken | Code::Excess | Code::Expired);
            let said = |wanted: &Finding| {
                let ports = wanted.protocol.zip(wanted.ports);
                let ports = ports.map(|(protocol, range)| PortSet::range(protocol, range));
                let service = matches!(wanted.to.as_str(), "dns" | "k8s-api");
                let mut alike = found.lines.iter().filter(|line| {
                    meets(&line.from.id, &wanted.from)
                        && meets(&line.to.id, &wanted.to)
                        && ports.as_ref().is_some_and(|ports| {
                            service
                                || line.to.id == "dns"
                                || !line.ports.intersection(ports).is_empty()
                        })
                });
                alike.any(|line| line.by_environment[index].code == Some(wanted.code))
            };
            for finding in findings {
                if is_error(finding.code)
                    && finding.severity == Severity::Error
                    && finding.ports.is_some()
                {
                    assert!(said(finding), "{name} {}: {finding:?}", plan.environment());
                }
            }
            for line in &found.lines {
                let Some(code) = line.by_environment[index].code.filter(|c| is_error(*c)) else {
                    continue;
                };
                let ends = [(&line.from.id, 0), (&line.to.id, 1)];
                let told = findings.iter().any(|finding| {
                    finding.code == code
                        && ends.iter().all(|(id, at)| {
                            let end = [&finding.from, &finding.to][*at];
                            // Drift tells once what is open to everyone.
                            meets(id, end) || matches!(end.as_str(), "any" | "cluster")
                        })
                });
                assert!(told, "{name} {}: {}", plan.environment(), text(line));
            }
        }
    }
}

fn is_outside(id: &str) -> bool {
    matches!(id, "any" | "cluster" | "external" | "internet")
        || id.contains('.') && !id.contains("/d")
}

const PODS: &str = "
{kind: Pod, apiVersion: v1, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {containers: [{name: c}]}, status: {phase: Running, podIPs: [{ip: 10.0.1.1}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: db, namespace: shop, labels: {app: db}}, spec: {containers: [{name: c}]}, status: {phase: Running, podIPs: [{ip: 10.0.1.2}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: other, namespace: area, labels: {app: other}}, spec: {containers: [{name: c}]}, status: {phase: Running, podIPs: [{ip: 10.0.2.1}]}}
";

fn small(policies: &str, environments: &str) -> World {
    let (cluster, told) = manifests::parse("world.yaml", &format!("{PODS}{policies}"));
    assert!(told.is_empty(), "{told:?}");
    let file = format!(
        "apiVersion: netseg/v1
kind: Expectations
metadata: {{name: t}}
workloads:
  web: {{select: {{namespace: shop, labels: {{app: web}}}}}}
  db: {{select: {{namespace: shop, labels: {{app: db}}}}}}
environments:
{environments}"
    );
    world(cluster, crate::expect::read("t.yaml", &file).unwrap())
}

#[test]
fn what_nothing_isolates_is_open_to_everyone() {
    let world = small(
        "",
        "  a: {expect: {db: {ingress: [\"5432 <- web\"]}}}
  b: {expect: {web: {egress: any}}}
  c: {expect: {db: {ingress: any}}}",
    );
    assert_eq!(
        world.lines(&["shop"]),
        [
            "web > db 5432/TCP | must may may | allow",
            "web > any any | - may - | allow",
            "any > db any | not:excess - may | allow",
        ]
    );
    // Nobody speaks of the rest, and no rule opens it: told only where somebody asks for that workload.
    let found = world.compare(&["shop"]);
    let by_default = found.lines.iter().filter(|line| line.by_default);
    assert_eq!(
        by_default.map(text).collect::<Vec<_>>(),
        [
            "db > any any | - - - | allow",
            "any > web any | - - - | allow",
        ]
    );
}

const DB_FROM_WEB: &str = "
---
{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: db, namespace: shop}, spec: {podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]}}
";

#[test]
fn ports_are_told_apart_where_anybody_tells_them_apart() {
    let world = small(
        DB_FROM_WEB,
        "  a: {expect: {db: {ingress: [\"5432,5433 <- web\"]}}}
  b: {expect: {db: {ingress: [\"5432 <- web\", {ports: [5433], from: [web], level: never}]}}}
  c: {}",
    );
    assert_eq!(
        world.lines(&["shop"]),
        [
            "web > db 5432/TCP | must must - | allow",
            "web > db 5433/TCP | must:broken not - | deny",
        ]
    );
    let found = world.compare(&["shop"]);
    let lines: Vec<&Line> = found.lines.iter().filter(|line| !line.by_default).collect();
    assert!(lines[0].differs() && lines[1].differs());
    let written: Vec<String> = lines[1].by_environment[0]
        .sources
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(written, ["t.yaml:8"]);
    assert!(lines[1].by_environment[2].sources.is_empty());
}

/// A network that one environment treats differently cuts the outside for all of them.
#[test]
fn networks_are_told_apart_where_an_environment_names_one() {
    let open = "
---
{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: web, namespace: shop}, spec: {podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 80}]}]}}
";
    let world = small(
        open,
        "  a: {expect: {web: {ingress: [\"80 <- 203.0.113.0/24\"]}}}
  b: {expect: {web: {ingress: [\"80 <- any\"]}}}",
    );
    let found = world.compare(&["shop"]);
    let to_web: Vec<String> = found
        .lines
        .iter()
        .filter(|line| line.to.id == "shop/pod/web")
        .map(text)
        .collect();
    assert_eq!(to_web.len(), 3, "{to_web:#?}");
    assert_eq!(
        to_web[0],
        "every pod > web 80/TCP | not:excess must | allow"
    );
    assert!(
        to_web.contains(&"203.0.113.0/24 > web 80/TCP | must must | allow".to_owned()),
        "{to_web:#?}"
    );
    assert!(
        to_web
            .iter()
            .any(|line| line.contains("| not:excess must |") && line.contains("203.0.113")),
        "all but that network: {to_web:#?}"
    );
}

#[test]
fn one_end_in_scope_is_enough_and_none_is_not() {
    let world = small(
        DB_FROM_WEB,
        "  a: {expect: {db: {ingress: [\"5432 <- web\"]}}}
  b: {}",
    );
    assert_eq!(world.lines(&["shop"]).len(), 1);
    assert!(world.lines(&["area"]).is_empty());
}
