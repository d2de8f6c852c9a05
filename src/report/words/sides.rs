//! One end of an answer: the rule that decides, what passed the connection on before, and for a denial the nearest rule.

use crate::engine::explain::{Nearest, PeerMiss};
use crate::engine::{Engine, Fail, PolicyId, Reason, RuleId, Side, Verdict};
use crate::model::{Action, Direction, Requirement, Tier};
use crate::text::tame;

use super::policies::{found, rule_place, rule_scope};
use super::{
    Tone, WordLine, action_word, policy_name, reason, rule_meaning, rule_name, rule_source,
    verdict, verdict_tone,
};

/// Where the words behind `  ingress  ALLOW   ` start.
const INDENT: usize = 19;
/// Where the words behind `  ingress  ` start.
const LABEL: usize = 11;

fn requirement(wanted: &(Requirement, Option<String>), what: &str) -> String {
    match &wanted.1 {
        Some(actual) => format!("{what}{} (has {}={actual})", wanted.0, wanted.0.key),
        None => format!("{what}{} (has none)", wanted.0),
    }
}

/// `peer ✗ wants namespace name=monitoring   port ✗ wants 9090`
pub fn nearest_detail(nearest: &Nearest) -> String {
    let peer = match &nearest.peer {
        None => "peer ✓".to_owned(),
        Some(PeerMiss::Labels {
            own_namespace,
            namespace,
            tenant,
            pod,
        }) => {
            let mut parts = Vec::new();
            if let Some(own) = own_namespace {
                parts.push(format!("only pods of namespace {own}"));
            }
            parts.extend(
                namespace
                    .iter()
                    .map(|wanted| requirement(wanted, "namespace ")),
            );
            if let Some((keys, same)) = tenant {
                let which = if *same { "the same" } else { "another" };
                parts.push(format!("a namespace with {which} {}", keys.join(", ")));
            }
            parts.extend(pod.iter().map(|wanted| requirement(wanted, "")));
            format!("peer ✗ wants {}", parts.join(" and "))
        }
        Some(PeerMiss::Node { labels }) => {
            let parts: Vec<String> = labels
                .iter()
                .map(|wanted| requirement(wanted, "node "))
                .collect();
            format!("peer ✗ wants {}", parts.join(" and "))
        }
        Some(PeerMiss::NotANode) => "peer ✗ wants a node".to_owned(),
        Some(PeerMiss::DomainName { name }) => {
            format!("peer ✗ wants an address outside the cluster that {name} resolves to")
        }
        Some(PeerMiss::NotAPod) => "peer ✗ wants a pod".to_owned(),
        Some(PeerMiss::HostNetwork) => {
            "peer ✗ selectors do not see pods on the host network".to_owned()
        }
        Some(PeerMiss::Address { block }) => format!("peer ✗ wants {block}"),
        Some(PeerMiss::Family { block }) => {
            format!("peer ✗ {block} is of the other address family")
        }
        Some(PeerMiss::Invalid) => "peer ✗ is invalid".to_owned(),
    };
    let ports = match &nearest.ports {
        None => "port ✓".to_owned(),
        Some(wants) if nearest.fails.contains(&Fail::NamedPortUnresolved) => {
            format!("port ✗ wants {wants}, a name the destination does not have")
        }
        Some(wants) => format!("port ✗ wants {wants}"),
    };
    tame(&format!("{peer}   {ports}")).into_owned()
}

fn policy_names(engine: &Engine, policies: &[PolicyId]) -> String {
    let names: Vec<String> = policies
        .iter()
        .map(|id| policy_name(engine.policy(*id)))
        .collect();
    names.join(", ")
}

fn blank(cells: usize) -> WordLine {
    WordLine::new().add(" ".repeat(cells), Tone::Plain)
}

/// A rule behind `head`. One of a cluster-wide policy has more to tell, with tier, priority, action and a name of its own: too much
/// for a line of 80 cells, so it takes three, always in the same order.
fn rule_lines(engine: &Engine, rule: &RuleId, head: WordLine, fails_closed: bool) -> Vec<WordLine> {
    let source = rule_source(engine, rule).map(|source| format!("   {source}"));
    let policy = engine.policy(rule.policy);
    if !policy.is_cluster_wide() {
        let line = head
            .add(rule_name(engine, rule), Tone::Name)
            .add(format!("   {}", rule_meaning(engine, rule)), Tone::Plain);
        return vec![match source {
            Some(source) => line.add(source, Tone::Faint),
            None => line,
        }];
    }
    let tone = match found(engine, rule).map(|found| found.action) {
        _ if fails_closed => Tone::Deny,
        Some(Action::Accept) => Tone::Allow,
        Some(Action::Deny) => Tone::Deny,
        Some(Action::Pass) | None => Tone::Plain,
    };
    let action = action_word(engine, rule).unwrap_or_default();
    let (action, scope) = if fails_closed {
        (
            format!("{action}, fails closed"),
            "a peer of it has no known field, so it denies everything".to_owned(),
        )
    } else {
        (action.to_owned(), rule_scope(engine, rule))
    };
    let place = blank(INDENT)
        .add(rule_place(engine, rule), Tone::Name)
        .add(": ", Tone::Plain)
        .add(action, tone)
        .add(source.unwrap_or_default(), Tone::Faint);
    vec![
        head.add(format!("by {}", policy_name(policy)), Tone::Name),
        place,
        blank(INDENT).add(scope, Tone::Plain),
    ]
}

/// One side of an answer: its verdict with the rule or the policies, and for a denial the nearest rule.
pub(super) fn side_lines(engine: &Engine, direction: Direction, side: &Side) -> Vec<WordLine> {
    let mut head = Some(
        WordLine::new()
            .add(format!("  {:<8} ", direction.as_str()), Tone::Plain)
            .add(
                format!("{:<7} ", verdict(side.verdict)),
                verdict_tone(side.verdict),
            ),
    );
    let mut start = || head.take().unwrap_or_else(|| blank(INDENT));
    let mut lines = Vec::new();
    match side.verdict {
        Verdict::Allow | Verdict::Deny if !side.decided_by.is_empty() => {
            let fails_closed = side.reason == Reason::FailClosedPeer;
            for rule in &side.decided_by {
                lines.extend(rule_lines(engine, rule, start(), fails_closed));
            }
        }
        Verdict::Allow => lines.push(start().add(reason(side.reason), Tone::Plain)),
        Verdict::Deny => lines.extend(isolated(engine, side, start())),
        Verdict::Unknown | Verdict::Unreachable => {
            lines.push(start().add(reason(side.reason), Tone::Plain));
            if !side.isolated_by.is_empty() {
                lines.push(
                    blank(LABEL)
                        .add("isolated by ", Tone::Plain)
                        .add(policy_names(engine, &side.isolated_by), Tone::Name),
                );
            }
            for rule in &side.decided_by {
                let head = blank(LABEL).add("matched ", Tone::Plain);
                lines.extend(rule_lines(engine, rule, head, false));
            }
        }
    }
    for rule in &side.passed_by {
        let head = blank(LABEL).add("passed on ", Tone::Plain);
        lines.extend(rule_lines(engine, rule, head, false));
    }
    lines.extend(not_asked(engine, side));
    lines
}

/// A denial for want of a rule: who isolates, and the rule that comes nearest.
fn isolated(engine: &Engine, side: &Side, head: WordLine) -> Vec<WordLine> {
    let mut lines = vec![
        head.add("isolated by ", Tone::Plain)
            .add(policy_names(engine, &side.isolated_by), Tone::Name)
            .add("; no rule matches", Tone::Plain),
    ];
    match &side.nearest {
        Some(nearest) => {
            let mut line = blank(LABEL)
                .add("nearest ", Tone::Plain)
                .add(rule_name(engine, &nearest.rule), Tone::Name)
                .add(format!(":  {}", nearest_detail(nearest)), Tone::Plain);
            if let Some(source) = rule_source(engine, &nearest.rule) {
                line = line.add(format!("   {source}"), Tone::Faint);
            }
            lines.push(line);
        }
        None => {
            lines.push(blank(LABEL).add("none of them has a rule in this direction", Tone::Plain));
        }
    }
    lines
}

/// What isolates an end all the same, where the Admin tier has decided before: a reader would look there first.
fn not_asked(engine: &Engine, side: &Side) -> Option<WordLine> {
    let is_admin = |rule: &RuleId| matches!(engine.policy(rule.policy).tier, Tier::Admin { .. });
    let is_decided = matches!(side.verdict, Verdict::Allow | Verdict::Deny);
    (is_decided && !side.isolated_by.is_empty() && side.decided_by.iter().any(is_admin)).then(
        || {
            blank(LABEL)
                .add("not asked, the Admin tier is first: ", Tone::Plain)
                .add(policy_names(engine, &side.isolated_by), Tone::Name)
        },
    )
}
