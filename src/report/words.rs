//! Verdicts and their reasons in words: the one place where an answer becomes sentences, for the screen and for text alike.

mod causes;
mod foreign;
mod policies;
mod probe;
mod sides;

use crate::engine::{Reason, Verdict};
use crate::model::Protocol;

pub use causes::{cause, condition, limit};
pub use foreign::{not_evaluated, not_evaluated_cost, not_evaluated_count};
pub use policies::{
    action_word, is_denying, policy_name, policy_short, policy_source, priority, rule_meaning,
    rule_name, rule_source,
};
pub use probe::probe_lines;
pub use sides::nearest_detail;

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
        Reason::ExplicitDeny => {
            "the client is none of the Service's loadBalancerSourceRanges; policy is not asked"
        }
        Reason::TierAccept => "a cluster-wide policy accepts it",
        Reason::DefaultAllow => "no rule decides and no NetworkPolicy isolates it: let through",
        Reason::TierDeny => "a cluster-wide policy denies it",
        Reason::FailClosedPeer => {
            "a cluster-wide rule has a peer without a known field, so it closes everything"
        }
        Reason::EqualPriority => {
            "two policies of one priority disagree, and nothing says which comes first"
        }
        Reason::OtherPolicyApi => "policies of other projects, not evaluated, may decide",
        Reason::NatAmbiguous => "it depends on which address the packet arrives with",
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
            "the Service keeps traffic on one node, and there is no endpoint on that one"
        }
        Reason::PodFinished => "the pod has finished",
    }
}

#[cfg(test)]
pub(super) mod tests;
