//! Verdicts and their reasons in words: the one place where an answer becomes sentences, for the screen and for text alike.

use crate::engine::explain::{Limit, Nearest, PeerMiss};
use crate::engine::{Cause, Engine, Fail, PolicyId, Reason, RuleId, Side, Verdict};
use crate::model::{Direction, Peers, Policy, Protocol, Requirement, SourceRef};
use crate::questions::probe::Answer;
use crate::text::tame;

/// What a piece of text means, so that whoever shows it can colour it. No meaning rests on it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tone {
    Plain,
    Allow,
    Deny,
    Unknown,
    Drift,
    Faint,
    Name,
}

/// A line as pieces with a tone each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WordLine {
    pub spans: Vec<(String, Tone)>,
}

impl WordLine {
    fn new() -> Self {
        Self::default()
    }

    fn add(mut self, text: impl Into<String>, tone: Tone) -> Self {
        self.spans.push((text.into(), tone));
        self
    }

    /// The line without its tones.
    pub fn plain(&self) -> String {
        self.spans.iter().map(|(text, _)| text.as_str()).collect()
    }
}

/// The verdict in capitals, as text and screen write it.
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "ALLOW",
        Verdict::Deny => "DENY",
        Verdict::Unknown => "UNKNOWN",
        Verdict::Unreachable => "UNREACHABLE",
    }
}

pub fn verdict_tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Allow => Tone::Allow,
        Verdict::Deny => Tone::Deny,
        Verdict::Unknown | Verdict::Unreachable => Tone::Unknown,
    }
}

/// `8000/TCP`
pub fn port(protocol: Protocol, port: u16) -> String {
    format!("{port}/{protocol}")
}

/// Where a policy was written, as `file:line`; `None` when it came from a server.
pub fn policy_source(policy: &Policy) -> Option<SourceRef> {
    policy.source.clone()
}

/// Where a rule, or the peer item of it that matters, was written.
pub fn rule_source(engine: &Engine, rule: &RuleId) -> Option<SourceRef> {
    let policy = engine.policy(rule.policy);
    let source = policy.source.clone()?;
    let found = policy
        .rules(rule.direction)
        .and_then(|rules| rules.get(rule.rule as usize));
    let line = found.and_then(|r| match (&r.peers, rule.item) {
        (Peers::AnyOf(items), Some(item)) => {
            items.get(item as usize).and_then(|i| i.line).or(r.line)
        }
        _ => r.line,
    });
    Some(SourceRef {
        line: line.unwrap_or(source.line),
        ..source
    })
}

/// `allow-dns egress[0]`: the policy and the path of the rule within `spec`, the peer item included.
pub fn rule_name(engine: &Engine, rule: &RuleId) -> String {
    let path = rule.path();
    format!(
        "{} {}",
        tame(&engine.policy(rule.policy).name),
        path.strip_prefix("spec.").unwrap_or(&path)
    )
}

/// What a rule lets through: `to pods component=microservice, 8000/TCP`.
pub fn rule_meaning(engine: &Engine, rule: &RuleId) -> String {
    let policy = engine.policy(rule.policy);
    let Some(found) = policy
        .rules(rule.direction)
        .and_then(|rules| rules.get(rule.rule as usize))
    else {
        return String::new();
    };
    let preposition = rule.direction.peer_field();
    let peers = match (&found.peers, rule.item) {
        (Peers::Everyone, _) => "everyone".to_owned(),
        (Peers::AnyOf(items), Some(item)) => items
            .get(item as usize)
            .map(|i| i.peer.to_string())
            .unwrap_or_default(),
        (Peers::AnyOf(items), None) => items
            .iter()
            .map(|i| i.peer.to_string())
            .collect::<Vec<_>>()
            .join(" or "),
    };
    tame(&format!("{preposition} {peers}, {}", found.ports)).into_owned()
}

fn policy_names(engine: &Engine, policies: &[PolicyId]) -> String {
    let names: Vec<String> = policies
        .iter()
        .map(|id| tame(&engine.policy(*id).name).into_owned())
        .collect();
    names.join(", ")
}

/// A reason that needs no rule to be told.
pub fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::NotIsolated => "not isolated: no policy selects it in this direction",
        Reason::RuleAllow => "a rule lets it through",
        Reason::SelfTraffic => "a pod always reaches itself",
        Reason::OwnNode => "traffic between a pod and its own node is not policed",
        Reason::HostNetworkSubject => "on the node's own network: policies do not select it",
        Reason::NoEnforcementAtExternal => "outside the cluster: nothing is enforced at this end",
        Reason::IsolatedNoMatch => "isolated, and no rule matches",
        Reason::TierAccept => "a cluster-wide policy accepts it",
        Reason::DefaultAllow => "no policy decides: everything is let through",
        Reason::TierDeny => "a cluster-wide policy denies it",
        Reason::FailClosedPeer => {
            "a cluster-wide rule has a peer without a known field, and closes everything"
        }
        Reason::EqualPriority => {
            "two policies of one priority disagree, and nothing says which comes first"
        }
        Reason::OtherPolicyApi => "policies of another project may decide; they are not evaluated",
        Reason::NatAmbiguous => "it depends on which address the packet carries when it arrives",
        Reason::ProfileUndefined => "enforcers differ, and it is not known which one runs here",
        Reason::AddressUnknown => "it depends on an address that is not known",
        Reason::Unreadable => "something it depends on could not be read",
        Reason::NotLoaded => "in a namespace that could not be read",
        Reason::PairsDiffer => "not the same for every pair of pods",
        Reason::HairpinUndefined => "a pod through a Service back to itself: the API does not say",
        Reason::FqdnUnknown => "an alias for a DNS name that has to be resolved first",
        Reason::NoServicePort => "the Service has no such port",
        Reason::NoEndpoints => "no ready endpoint stands behind the Service",
        Reason::NoAddress => "the pod has no address yet",
        Reason::NoCommonFamily => "the ends have no address family in common",
        Reason::LocalOnly => {
            "the Service keeps traffic on the client's node, and there is no endpoint"
        }
        Reason::PodFinished => "the pod has finished",
    }
}

fn object_name(kind: &str, namespace: &str, name: &str) -> String {
    if namespace.is_empty() {
        format!("{kind} {name}")
    } else {
        format!("{kind} {namespace}/{name}")
    }
}

/// What an unknown verdict hangs on: a statement, such that the verdict is allow if it holds and deny if not.
pub fn cause(cause: &Cause) -> String {
    let told = match cause {
        Cause::PoliciesUnreadable { namespace } => {
            format!("no policy of namespace {namespace} stands in the way; they could not be read")
        }
        Cause::NamespaceLabelsUnreadable { namespace } => {
            format!(
                "namespace {namespace} has the labels a namespaceSelector asks for; they could not be read"
            )
        }
        Cause::InvalidPolicy {
            api,
            namespace,
            name,
        } => format!(
            "{}, which an API server would refuse, has the effect that lets this through",
            object_name(api.kind(), namespace, name)
        ),
        Cause::TierUnreadable { resource } => format!(
            "no {} stands in the way; they could not be read",
            resource.kind()
        ),
        Cause::ApiUnsupported { api } => format!(
            "what {} {} says makes no difference: it is not known whether the enforcer acts on it",
            api.kind(),
            api.version()
        ),
        Cause::EqualPriority { names } => format!(
            "of the policies {}, which have one priority, the one that lets this through comes first",
            names.join(", ")
        ),
        Cause::DomainName { name } => {
            format!("the address is one of {name} at that moment")
        }
        Cause::EmptyPeer => {
            "the enforcer skips a peer without a known field, instead of closing everything"
                .to_owned()
        }
        Cause::OtherPolicy {
            kind,
            namespace,
            name,
        } => match name {
            Some(name) => format!(
                "{}, which is not evaluated, lets this through",
                object_name(kind.kind(), namespace, name)
            ),
            None => format!(
                "no {} of {} stands in the way; they could not be read",
                kind.kind(),
                kind.group()
            ),
        },
        Cause::BaselineScope => {
            "a NetworkPolicy for the other direction also ends the Baseline tier".to_owned()
        }
        Cause::AddressUnknown => {
            "the pod's address, not known yet, lies inside the ipBlock".to_owned()
        }
        Cause::BlockAgainstPod => "the enforcer matches ipBlock against pod addresses".to_owned(),
        Cause::BlockAgainstNode => "the enforcer matches ipBlock against node addresses".to_owned(),
        Cause::SelectorAgainstHostNetwork => {
            "the enforcer counts host-network pods as pods of their namespace".to_owned()
        }
        Cause::OwnNodeEgress => {
            "the enforcer lets a pod reach its own node whatever its egress rules say".to_owned()
        }
        Cause::NodeLabelsUnknown => {
            "the other end is none of the nodes a rule names; nodes could not be read".to_owned()
        }
        Cause::OtherPolicies { kind, count } => format!(
            "the {count} policies of kind {}, which are not evaluated, let this through",
            kind.kind()
        ),
        Cause::NodeUnknown => {
            "the pod runs on that very node; which one it runs on is not known".to_owned()
        }
        Cause::EndpointsUnreadable { service } => format!(
            "Service {service} has an endpoint that policies let through; its endpoints could not be read"
        ),
        Cause::AliasUnresolved { name } => {
            format!("{name} resolves to an address that policies let through")
        }
        Cause::InitContainerPort { port } => {
            format!("the enforcer looks up port name {port} in init containers too")
        }
    };
    tame(&told).into_owned()
}

/// What a verdict takes for granted.
pub fn limit(limit: &Limit) -> String {
    let told = match limit {
        Limit::AssumesNoLabel {
            namespace,
            requirement,
        } => {
            format!(
                "assumes no label {requirement} on namespace {namespace}: no Namespace object was loaded"
            )
        }
        Limit::SelectorStandsIn { service } => {
            format!("no EndpointSlice of Service {service} was loaded; its selector stands in")
        }
        Limit::Shadow { verdict: by_policy } => {
            format!("by policy alone it would be {}", verdict(*by_policy))
        }
        Limit::HeadlessPort {
            service,
            port,
            target,
        } => format!(
            "Service {service} is headless: port {port} is not translated to {target}, it is tried at the pod as it is"
        ),
        Limit::AfterTranslation { service } => {
            format!(
                "policy sees the endpoints of Service {service}: rules on its own address have no effect"
            )
        }
        Limit::BlockMatchedPod => {
            "a pod matched an ipBlock by its address; the API leaves open whether that counts"
                .to_owned()
        }
    };
    tame(&told).into_owned()
}

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

/// One side of an answer: its verdict with the rule or the policies, and for a denial the nearest rule.
fn side_lines(engine: &Engine, direction: Direction, side: &Side) -> Vec<WordLine> {
    let head = WordLine::new()
        .add(format!("  {:<8} ", direction.as_str()), Tone::Plain)
        .add(
            format!("{:<7} ", verdict(side.verdict)),
            verdict_tone(side.verdict),
        );
    let mut lines = Vec::new();
    match side.verdict {
        Verdict::Allow if side.decided_by.is_empty() => {
            lines.push(head.add(reason(side.reason), Tone::Plain));
        }
        Verdict::Allow => {
            let mut head = Some(head);
            for rule in &side.decided_by {
                let start = head
                    .take()
                    .unwrap_or_else(|| WordLine::new().add(" ".repeat(19), Tone::Plain));
                let mut line = start
                    .add(rule_name(engine, rule), Tone::Name)
                    .add(format!("   {}", rule_meaning(engine, rule)), Tone::Plain);
                if let Some(source) = rule_source(engine, rule) {
                    line = line.add(format!("   {source}"), Tone::Faint);
                }
                lines.push(line);
            }
        }
        Verdict::Deny => {
            lines.push(
                head.add("isolated by ", Tone::Plain)
                    .add(policy_names(engine, &side.isolated_by), Tone::Name)
                    .add("; no rule matches", Tone::Plain),
            );
            match &side.nearest {
                Some(nearest) => {
                    let mut line = WordLine::new()
                        .add("           nearest ", Tone::Plain)
                        .add(rule_name(engine, &nearest.rule), Tone::Name)
                        .add(format!(":  {}", nearest_detail(nearest)), Tone::Plain);
                    if let Some(source) = rule_source(engine, &nearest.rule) {
                        line = line.add(format!("   {source}"), Tone::Faint);
                    }
                    lines.push(line);
                }
                None => lines.push(WordLine::new().add(
                    "           none of them has a rule in this direction",
                    Tone::Plain,
                )),
            }
        }
        Verdict::Unknown | Verdict::Unreachable => {
            let mut line = head.add(reason(side.reason), Tone::Plain);
            if !side.isolated_by.is_empty() {
                line = line
                    .add("; isolated by ", Tone::Plain)
                    .add(policy_names(engine, &side.isolated_by), Tone::Name);
            }
            lines.push(line);
        }
    }
    lines
}

/// The whole answer, in the form of an incident report: verdict, name, both ends, and what it hangs on.
pub fn probe_lines(engine: &Engine, answer: &Answer) -> Vec<WordLine> {
    let mut lines = Vec::new();
    let asked = match answer.port {
        Some(number) => format!(" {}", port(answer.protocol, number)),
        None => String::new(),
    };
    let mut head = WordLine::new()
        .add(
            format!("{:<8} ", verdict(answer.verdict)),
            verdict_tone(answer.verdict),
        )
        .add(tame(&answer.from.name), Tone::Name)
        .add(" → ", Tone::Plain)
        .add(tame(&answer.to.name), Tone::Name)
        .add(asked, Tone::Plain);
    if let Some(expected) = &answer.expected {
        let tone = if expected.verdict == answer.verdict {
            Tone::Faint
        } else {
            Tone::Drift
        };
        head = head.add(
            format!(
                "      {} expects {}",
                tame(&expected.environment),
                verdict(expected.verdict)
            ),
            tone,
        );
    }
    lines.push(head);
    if let Some(via) = &answer.via {
        let behind = match (via.endpoints, via.target_port) {
            (0, _) => "nothing".to_owned(),
            (n, Some(target)) => format!(
                "port {target}, {n} {}",
                if n == 1 { "endpoint" } else { "endpoints" }
            ),
            (n, None) => format!("different ports, {n} endpoints"),
        };
        let told = format!(
            "  {:<8} Service {} {} → {behind}",
            "name",
            tame(&via.service),
            via.port
        );
        lines.push(WordLine::new().add(told, Tone::Plain));
    }
    if answer.port.is_none() {
        lines.push(ports_line(answer));
    }
    // Where the two sides cannot tell why, it is told here.
    if answer.verdict == Verdict::Unreachable
        || answer.shown.is_none()
        || answer.reason == Reason::HairpinUndefined
    {
        lines.push(WordLine::new().add(
            format!("  {:<8} {}", "why", reason(answer.reason)),
            Tone::Plain,
        ));
    }
    if let Some(shown) = &answer.shown {
        if answer.port.is_none() {
            lines.push(WordLine::new().add(
                format!("  {:<8} {}", "at", port(shown.protocol, shown.port)),
                Tone::Faint,
            ));
        }
        lines.extend(side_lines(engine, Direction::Egress, &answer.egress));
        lines.extend(side_lines(engine, Direction::Ingress, &answer.ingress));
    }
    lines.extend(remarks(answer));
    lines
}

/// What stands under the two sides: pairs that differ, the half-open hint, conditions, limits.
fn remarks(answer: &Answer) -> Vec<WordLine> {
    let mut lines = Vec::new();
    for pair in answer.pairs.iter().take(8) {
        lines.push(
            WordLine::new()
                .add("  pair     ", Tone::Plain)
                .add(
                    format!("{:<7} ", verdict(pair.verdict)),
                    verdict_tone(pair.verdict),
                )
                .add(
                    format!("{} → {}", tame(&pair.from), tame(&pair.to)),
                    Tone::Plain,
                ),
        );
    }
    if answer.pairs.len() > 8 {
        lines.push(WordLine::new().add(
            format!(
                "           and {} more pairs; -o json lists them",
                answer.pairs.len() - 8
            ),
            Tone::Faint,
        ));
    }
    if let Some(open) = answer.half_open {
        let side = match open {
            Direction::Egress => "source",
            Direction::Ingress => "destination",
        };
        lines.push(WordLine::new().add(
            format!("  half-open: only the {side} side is open"),
            Tone::Drift,
        ));
    }
    if let Some(over_tcp) = answer.over_tcp {
        let tone = if over_tcp == answer.verdict {
            Tone::Faint
        } else {
            Tone::Drift
        };
        lines.push(WordLine::new().add(
            format!(
                "  53/TCP   {}: large answers and some resolvers need it",
                verdict(over_tcp)
            ),
            tone,
        ));
    }
    for condition in &answer.conditions {
        lines.push(WordLine::new().add(
            format!("  if       {}: ALLOW, else DENY", cause(condition)),
            Tone::Unknown,
        ));
    }
    for service in &answer.ask_service {
        let asked = answer.port.map(|p| format!(" {p}")).unwrap_or_default();
        lines.push(WordLine::new().add(
            format!(
                "  hint     no pod of it declares that port; a Service has it: probe … {}{asked}",
                tame(service)
            ),
            Tone::Drift,
        ));
    }
    for told in &answer.limits {
        lines.push(WordLine::new().add(format!("  limit    {}", limit(told)), Tone::Faint));
    }
    lines
}

fn ports_line(answer: &Answer) -> WordLine {
    let list = |wanted: Verdict| {
        let ranges = answer
            .ports
            .iter()
            .filter(|(_, _, verdict)| *verdict == wanted);
        ranges
            .map(|(protocol, range, _)| format!("{range}/{protocol}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (open, unknown) = (list(Verdict::Allow), list(Verdict::Unknown));
    let mut line = WordLine::new().add(format!("  {:<8} ", "ports"), Tone::Plain);
    line = if open.is_empty() {
        line.add("none is open", Tone::Deny)
    } else {
        line.add(open, Tone::Allow)
    };
    if !unknown.is_empty() {
        line = line.add(format!("; unknown: {unknown}"), Tone::Unknown);
    }
    line
}
