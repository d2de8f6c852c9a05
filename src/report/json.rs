//! Answers as JSON: the public promise. Formats move on purpose, so nothing of the domain is serialised directly.

use serde::Serialize;

use crate::compile::enforcer::Enforcer;
use crate::engine::{Engine, PolicyId, RuleId, Side};
use crate::model::{Action, AddressSet, Diagnostic, Direction, PortRange, PortSet, Protocol};
use crate::questions::info::Info;
use crate::questions::matrix::Matrix;
use crate::questions::probe::Answer;
use crate::questions::table::{Item, Table};

use super::words;

mod flows;

pub use self::flows::flows;

const VERSION: &str = "netseg/v1";

/// What every answer carries besides its own facts.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub enforcer: &'a Enforcer,
    pub diagnostics: &'a [Diagnostic],
}

#[derive(Serialize)]
struct Envelope<'a, T: Serialize> {
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    body: T,
    diagnostics: Vec<DiagnosticJson<'a>>,
}

#[derive(Serialize)]
struct DiagnosticJson<'a> {
    severity: &'static str,
    source: Option<String>,
    object: Option<&'a str>,
    message: &'a str,
    help: Option<&'a str>,
}

fn diagnostics_json(diagnostics: &[Diagnostic]) -> Vec<DiagnosticJson<'_>> {
    diagnostics
        .iter()
        .map(|d| DiagnosticJson {
            severity: d.severity.as_str(),
            source: d.place(),
            object: d.object.as_deref(),
            message: &d.message,
            help: d.help.as_deref(),
        })
        .collect()
}

/// Writes one answer, ending in a line break.
pub(crate) fn envelope<T: Serialize>(
    kind: &'static str,
    body: T,
    diagnostics: &[Diagnostic],
) -> String {
    let envelope = Envelope {
        api_version: VERSION,
        kind,
        body,
        diagnostics: diagnostics_json(diagnostics),
    };
    let mut text = serde_json::to_string_pretty(&envelope)
        .expect("plain structs with string keys always serialise");
    text.push('\n');
    text
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PolicyRef {
    group: &'static str,
    kind: &'static str,
    namespace: Option<String>,
    name: String,
    tier: &'static str,
    priority: Option<u16>,
    source: Option<String>,
}

pub(crate) fn policy_ref(engine: &Engine, id: PolicyId) -> PolicyRef {
    let policy = engine.policy(id);
    PolicyRef {
        group: policy.api.group(),
        kind: policy.api.kind(),
        namespace: (!policy.is_cluster_wide()).then(|| policy.namespace.to_string()),
        name: policy.name.clone(),
        tier: policy.tier.word(),
        priority: words::priority(policy),
        source: words::policy_source(policy).map(|s| s.to_string()),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuleRef {
    #[serde(flatten)]
    policy: PolicyRef,
    path: String,
    /// The name the rule itself has; cluster-wide kinds have one.
    rule: Option<String>,
    action: &'static str,
}

pub(crate) fn rule_ref(engine: &Engine, rule: &RuleId) -> RuleRef {
    let source = words::rule_source(engine, rule).map(|s| s.to_string());
    let policy = engine.policy(rule.policy);
    let rules = policy.rules(rule.direction).unwrap_or_default();
    let found = rules.get(rule.rule as usize);
    RuleRef {
        policy: PolicyRef {
            source,
            ..policy_ref(engine, rule.policy)
        },
        path: rule.path(),
        rule: found
            .filter(|found| !found.name.is_empty())
            .map(|found| found.name.clone()),
        action: action(found.map_or(Action::Accept, |found| found.action)),
    }
}

/// The two generations of the API spell it differently; here it is one word.
fn action(action: Action) -> &'static str {
    match action {
        Action::Accept => "accept",
        Action::Deny => "deny",
        Action::Pass => "pass",
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SideJson {
    verdict: &'static str,
    reason: &'static str,
    isolated_by: Vec<PolicyRef>,
    decided_by: Vec<RuleRef>,
    passed_by: Vec<RuleRef>,
    nearest: Option<NearestJson>,
}

#[derive(Serialize)]
struct NearestJson {
    rule: RuleRef,
    fails: Vec<&'static str>,
    detail: String,
}

fn side(engine: &Engine, side: &Side) -> SideJson {
    SideJson {
        verdict: side.verdict.as_str(),
        reason: side.reason.as_str(),
        isolated_by: side
            .isolated_by
            .iter()
            .map(|id| policy_ref(engine, *id))
            .collect(),
        decided_by: side
            .decided_by
            .iter()
            .map(|rule| rule_ref(engine, rule))
            .collect(),
        passed_by: side
            .passed_by
            .iter()
            .map(|rule| rule_ref(engine, rule))
            .collect(),
        nearest: side.nearest.as_ref().map(|nearest| NearestJson {
            rule: rule_ref(engine, &nearest.rule),
            fails: nearest.fails.iter().map(|fail| fail.as_str()).collect(),
            detail: words::nearest_detail(nearest),
        }),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProbeJson {
    from: String,
    to: String,
    protocol: &'static str,
    port: Option<u16>,
    verdict: &'static str,
    reason: &'static str,
    agreement: &'static str,
    enforced: &'static str,
    egress: SideJson,
    ingress: SideJson,
    conditions: Vec<ConditionJson>,
    limits: Vec<String>,
    pairs: Vec<PairJson>,
    via: Option<ViaJson>,
    half_open: Option<&'static str>,
    expected: Option<ExpectedJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ports: Option<Vec<PortVerdictJson>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    over_tcp: Option<&'static str>,
}

#[derive(Serialize)]
struct ConditionJson {
    condition: String,
    holds: &'static str,
    fails: &'static str,
}

#[derive(Serialize)]
struct PairJson {
    from: String,
    to: String,
    verdict: &'static str,
    reason: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ViaJson {
    service: String,
    port: u16,
    target_port: Option<u16>,
    way: &'static str,
}

#[derive(Serialize)]
struct ExpectedJson {
    verdict: &'static str,
    environment: String,
    sources: Vec<String>,
}

/// Ports with a verdict each.
#[derive(Serialize)]
pub(crate) struct PortVerdictJson {
    protocol: &'static str,
    first: u16,
    last: u16,
    verdict: &'static str,
}

/// A range of ports.
#[derive(Serialize)]
pub(crate) struct PortJson {
    protocol: &'static str,
    first: u16,
    last: u16,
}

pub(crate) fn port_json((protocol, range): (Protocol, PortRange)) -> PortJson {
    PortJson {
        protocol: protocol.as_str(),
        first: range.first(),
        last: range.last(),
    }
}

pub(crate) fn ports_json(set: &PortSet) -> Vec<PortJson> {
    set.iter().map(port_json).collect()
}

/// Ranges as `first-last`, a single address too.
pub(crate) fn ranges_json(set: &AddressSet) -> Vec<String> {
    set.iter()
        .map(|range| format!("{}-{}", range.first(), range.last()))
        .collect()
}

pub fn probe(engine: &Engine, answer: &Answer, context: Context<'_>) -> String {
    let body = ProbeJson {
        from: answer.from.id.clone(),
        to: answer.to.id.clone(),
        protocol: answer.protocol.as_str(),
        port: answer.port,
        verdict: answer.verdict.as_str(),
        reason: answer.reason.as_str(),
        agreement: if answer.all_agree { "all" } else { "some" },
        enforced: context.enforcer.enforces.as_str(),
        egress: side(engine, &answer.egress),
        ingress: side(engine, &answer.ingress),
        conditions: answer
            .conditions
            .iter()
            .map(|cause| ConditionJson {
                condition: words::condition(engine, cause),
                holds: "allow",
                fails: "deny",
            })
            .collect(),
        limits: answer.limits.iter().map(words::limit).collect(),
        pairs: answer
            .pairs
            .iter()
            .map(|pair| PairJson {
                from: pair.from.clone(),
                to: pair.to.clone(),
                verdict: pair.verdict.as_str(),
                reason: pair.reason.as_str(),
            })
            .collect(),
        via: answer.via.as_ref().map(|via| ViaJson {
            service: via.service.clone(),
            port: via.port,
            target_port: via.target_port,
            way: via.way.as_str(),
        }),
        half_open: answer.half_open.map(Direction::as_str),
        expected: answer.expected.as_ref().map(|expected| ExpectedJson {
            verdict: expected.verdict.as_str(),
            environment: expected.environment.clone(),
            sources: expected.sources.iter().map(ToString::to_string).collect(),
        }),
        ports: answer.port.is_none().then(|| {
            let listed = answer.ports.iter();
            listed
                .map(|(protocol, range, verdict)| PortVerdictJson {
                    protocol: protocol.as_str(),
                    first: range.first(),
                    last: range.last(),
                    verdict: verdict.as_str(),
                })
                .collect()
        }),
        over_tcp: answer.over_tcp.map(crate::engine::Verdict::as_str),
    };
    envelope("Probe", body, context.diagnostics)
}

#[derive(Serialize)]
struct MatrixJson {
    protocol: Option<&'static str>,
    port: Option<u16>,
    ends: Vec<String>,
    cells: Vec<Vec<&'static str>>,
}

pub fn matrix(matrix: &Matrix, context: Context<'_>) -> String {
    let body = MatrixJson {
        protocol: matrix.port.map(|(protocol, _)| protocol.as_str()),
        port: matrix.port.map(|(_, port)| port),
        ends: matrix.ends.iter().map(|end| end.id.clone()).collect(),
        cells: matrix
            .cells
            .iter()
            .map(|row| row.iter().map(|verdict| verdict.as_str()).collect())
            .collect(),
    };
    envelope("Matrix", body, context.diagnostics)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InfoJson<'a> {
    version: &'static str,
    paths: std::collections::BTreeMap<&'a str, &'a str>,
    enforcer: Option<EnforcerJson<'a>>,
    profile: Option<&'static str>,
    environments: &'a [String],
    coverage: Vec<CoverageJson<'a>>,
    not_evaluated: Vec<NotEvaluatedJson<'a>>,
}

/// Policies of other projects, by kind.
#[derive(Serialize)]
struct NotEvaluatedJson<'a> {
    group: &'static str,
    kind: &'static str,
    count: usize,
    namespaces: &'a [String],
}

#[derive(Serialize)]
struct EnforcerJson<'a> {
    name: &'a str,
    enforces: &'static str,
    evidence: &'a [String],
}

#[derive(Serialize)]
struct CoverageJson<'a> {
    group: &'static str,
    kind: &'static str,
    namespace: Option<&'a str>,
    state: &'static str,
}

/// `paths` are name and value; `info` is `None` when only this machine was asked about.
pub fn info(
    info: Option<&Info>,
    paths: &[(String, String)],
    environments: &[String],
    diagnostics: &[Diagnostic],
) -> String {
    let body = InfoJson {
        version: env!("CARGO_PKG_VERSION"),
        paths: paths
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect(),
        enforcer: info.map(|info| EnforcerJson {
            name: &info.enforcer.name,
            enforces: info.enforcer.enforces.as_str(),
            evidence: &info.enforcer.evidence,
        }),
        profile: info.map(|info| info.profile),
        environments,
        coverage: info.map_or_else(Vec::new, |info| {
            let listed = info.coverage.iter();
            listed
                .map(|(resource, namespace, state)| CoverageJson {
                    group: resource.group(),
                    kind: resource.kind(),
                    namespace: namespace.as_deref(),
                    state: state.word(),
                })
                .collect()
        }),
        not_evaluated: info.map_or_else(Vec::new, |info| {
            let listed = info.not_evaluated.iter();
            listed
                .map(|found| NotEvaluatedJson {
                    group: found.kind.group(),
                    kind: found.kind.kind(),
                    count: found.count,
                    namespaces: &found.namespaces,
                })
                .collect()
        }),
    };
    envelope("Info", body, diagnostics)
}

#[derive(Serialize)]
struct TableJson<'a> {
    environment: Option<&'a str>,
    rows: Vec<RowJson<'a>>,
}

#[derive(Serialize)]
struct RowJson<'a> {
    workload: &'a str,
    ingress: Vec<ItemJson<'a>>,
    egress: Vec<ItemJson<'a>>,
}

#[derive(Serialize)]
struct ItemJson<'a> {
    text: &'a str,
    ports: Vec<PortJson>,
    peers: &'a [String],
    ranges: Vec<String>,
    state: Option<&'static str>,
}

pub fn table(table: &Table, context: Context<'_>) -> String {
    fn items(items: &[Item]) -> Vec<ItemJson<'_>> {
        items
            .iter()
            .map(|item| ItemJson {
                text: &item.full,
                ports: ports_json(&item.ports),
                peers: &item.peers,
                ranges: ranges_json(&item.ranges),
                state: item.state.as_str(),
            })
            .collect()
    }
    let rows = table
        .rows
        .iter()
        .map(|row| RowJson {
            workload: &row.id,
            ingress: items(&row.ingress),
            egress: items(&row.egress),
        })
        .collect();
    envelope(
        "Table",
        TableJson {
            environment: table.environment.as_deref(),
            rows,
        },
        context.diagnostics,
    )
}

#[derive(Serialize)]
struct KeysJson<'a> {
    keys: Vec<KeyJson<'a>>,
}

#[derive(Serialize)]
struct KeyJson<'a> {
    key: &'a str,
    does: &'a str,
}

/// The key table: keys and what they do, in its own order.
pub fn keys(table: &[(&str, &str)]) -> String {
    let keys = table
        .iter()
        .map(|(key, does)| KeyJson { key, does })
        .collect();
    envelope("Keys", KeysJson { keys }, &[])
}

#[cfg(test)]
mod tests;
