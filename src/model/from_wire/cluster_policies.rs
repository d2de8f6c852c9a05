//! The cluster-wide kinds of policy.networking.k8s.io: both generations in one form, and what an API server would refuse told field
//! by field.
//!
//! There is no conversion between the generations (rule A1), and each has words of its own: `Accept` of v1alpha2 is no word in
//! v1alpha1, where it is `Allow` (rule A30).

mod ports;
mod subject;

use crate::model::{
    Action, Diagnostic, Direction, IpBlock, Peer, PeerItem, Peers, Policy, PolicyApi, Ports,
    Problem, Rule, Tier,
};
use crate::text::tame;
use crate::wire;
use crate::wire::policy_v1alpha1 as v1alpha1;

use super::Place;
use super::policies::{PolicyReader, anything, net, read_selector};

/// The highest priority there is (rule A6).
const LAST_PRIORITY: u16 = 1000;
/// The longest name a rule may have (rule A29).
const LONGEST_NAME: usize = 100;
/// Networks, and domain names, of one peer (rules A29, A30).
const MOST_NETWORKS: usize = 25;

/// A policy we know only by name might select anything, and might decide anything in either direction.
pub(super) fn unreadable_policy(
    o: &wire::Unreadable,
    api: PolicyApi,
    place: Option<&Place>,
) -> Policy {
    let tier = match api {
        PolicyApi::BaselineAdminNetworkPolicy => Tier::Baseline { priority: 0 },
        _ => Tier::Admin { priority: 0 },
    };
    let (namespaces, pods) = subject::anybody();
    Policy {
        api,
        tier,
        namespace: "".into(),
        name: o.metadata.name.clone(),
        source: place.map(Place::start),
        created: o.metadata.creation_timestamp.clone(),
        subject_namespaces: namespaces,
        subject: pods,
        ingress: Some(vec![anything()]),
        egress: Some(vec![anything()]),
        invalid: vec![Problem {
            path: String::new(),
            message: tame(&o.why).into_owned(),
        }],
    }
}

pub(super) fn cluster_network_policy(
    o: &wire::ClusterNetworkPolicy,
    place: Option<&Place>,
    out: &mut Vec<Diagnostic>,
) -> Policy {
    let spec = &o.spec;
    let written = Written {
        metadata: &o.metadata,
        tier: spec.tier.as_deref(),
        priority: spec.priority,
        subject: spec.subject.as_ref(),
        ingress: spec
            .ingress
            .iter()
            .flatten()
            .map(WireRule::v1alpha2)
            .collect(),
        egress: spec
            .egress
            .iter()
            .flatten()
            .map(WireRule::v1alpha2)
            .collect(),
    };
    Reader::new(PolicyApi::ClusterNetworkPolicy, place).policy(&written, out)
}

/// Reads either kind of v1alpha1; `api` says which.
pub(super) fn admin_network_policy(
    o: &wire::AdminNetworkPolicy,
    api: PolicyApi,
    place: Option<&Place>,
    out: &mut Vec<Diagnostic>,
) -> Policy {
    let spec = &o.spec;
    let written = Written {
        metadata: &o.metadata,
        tier: None,
        priority: spec.priority,
        subject: spec.subject.as_ref(),
        ingress: spec
            .ingress
            .iter()
            .flatten()
            .map(WireRule::v1alpha1)
            .collect(),
        egress: spec
            .egress
            .iter()
            .flatten()
            .map(WireRule::v1alpha1)
            .collect(),
    };
    Reader::new(api, place).policy(&written, out)
}

/// What both generations write, before it is judged.
struct Written<'a> {
    metadata: &'a wire::Meta,
    tier: Option<&'a str>,
    priority: Option<i64>,
    subject: Option<&'a v1alpha1::Subject>,
    ingress: Vec<WireRule<'a>>,
    egress: Vec<WireRule<'a>>,
}

struct WireRule<'a> {
    name: &'a str,
    action: Option<&'a str>,
    from: Option<&'a [v1alpha1::Peer]>,
    to: Option<&'a [v1alpha1::Peer]>,
    ports: WirePorts<'a>,
    /// The field of the other generation that says which ports are meant.
    foreign_field: Option<&'static str>,
}

enum WirePorts<'a> {
    V1alpha1(Option<&'a [v1alpha1::PortMatch]>),
    V1alpha2(Option<&'a [wire::policy_v1alpha2::ProtocolMatch]>),
}

impl<'a> WireRule<'a> {
    fn v1alpha1(rule: &'a v1alpha1::Rule) -> Self {
        Self {
            name: &rule.name,
            action: rule.action.as_deref(),
            from: rule.from.as_deref(),
            to: rule.to.as_deref(),
            ports: WirePorts::V1alpha1(rule.ports.as_deref()),
            foreign_field: rule.protocols.map(|_| "protocols"),
        }
    }

    fn v1alpha2(rule: &'a wire::policy_v1alpha2::Rule) -> Self {
        Self {
            name: &rule.name,
            action: rule.action.as_deref(),
            from: rule.from.as_deref(),
            to: rule.to.as_deref(),
            ports: WirePorts::V1alpha2(rule.protocols.as_deref()),
            foreign_field: rule.ports.map(|_| "ports"),
        }
    }

    fn names_a_port(&self) -> bool {
        match self.ports {
            WirePorts::V1alpha1(items) => items
                .into_iter()
                .flatten()
                .any(|item| item.named_port.is_some()),
            WirePorts::V1alpha2(items) => items
                .into_iter()
                .flatten()
                .any(|item| item.destination_named_port.is_some()),
        }
    }
}

struct Reader<'a> {
    api: PolicyApi,
    inner: PolicyReader<'a>,
    /// What a server takes, and what does not do what it looks like.
    doubts: Vec<Doubt>,
}

struct Doubt {
    path: String,
    message: String,
    help: String,
}

impl<'a> Reader<'a> {
    fn new(api: PolicyApi, place: Option<&'a Place>) -> Self {
        Self {
            api,
            inner: PolicyReader {
                place,
                problems: Vec::new(),
            },
            doubts: Vec::new(),
        }
    }

    fn refuse(&mut self, path: &str, message: impl Into<String>) {
        self.inner.refuse(path, message);
    }

    fn doubt(&mut self, path: &str, message: impl Into<String>, help: impl Into<String>) {
        self.doubts.push(Doubt {
            path: path.to_owned(),
            message: message.into(),
            help: help.into(),
        });
    }

    fn is_v1alpha2(&self) -> bool {
        self.api == PolicyApi::ClusterNetworkPolicy
    }

    /// Rules of a direction, peers of a rule, ports of a rule: one limit for all (rules A29, A30).
    fn limit(&self) -> usize {
        if self.is_v1alpha2() { 25 } else { 100 }
    }

    fn check_length(&mut self, path: &str, length: usize, most: usize) {
        if length > most {
            self.refuse(path, format!("has {length} items; {most} are allowed"));
        }
    }

    fn policy(mut self, written: &Written<'_>, out: &mut Vec<Diagnostic>) -> Policy {
        let name = &written.metadata.name;
        if self.api == PolicyApi::BaselineAdminNetworkPolicy && name != "default" {
            self.refuse(
                "metadata.name",
                "a cluster has one BaselineAdminNetworkPolicy, and its name is default",
            );
        }
        let tier = self.tier(written);
        let (subject_namespaces, subject) = self.subject(written.subject);
        let ingress = self.rules(&written.ingress, Direction::Ingress);
        let egress = self.rules(&written.egress, Direction::Egress);
        let object = format!("{} {}", self.api.kind(), tame(name));
        self.inner.tell(&object, out);
        for doubt in self.doubts {
            out.push(
                Diagnostic::warning(format!("{}: {}", doubt.path, doubt.message))
                    .at(self.inner.at(&doubt.path))
                    .on(object.clone())
                    .help(doubt.help),
            );
        }
        Policy {
            api: self.api,
            tier,
            namespace: "".into(),
            name: name.clone(),
            source: self.inner.place.map(Place::start),
            created: written.metadata.creation_timestamp.clone(),
            subject_namespaces,
            subject,
            ingress,
            egress,
            invalid: self.inner.problems,
        }
    }

    fn tier(&mut self, written: &Written<'_>) -> Tier {
        if self.api == PolicyApi::BaselineAdminNetworkPolicy {
            return Tier::Baseline { priority: 0 };
        }
        let priority = match written.priority {
            None => {
                self.refuse("spec.priority", "a priority is mandatory: 0 to 1000");
                0
            }
            Some(given) => match u16::try_from(given) {
                Ok(priority) if priority <= LAST_PRIORITY => priority,
                _ => {
                    self.refuse(
                        "spec.priority",
                        format!("{given} is no priority: 0 to 1000"),
                    );
                    if given < 0 { 0 } else { LAST_PRIORITY }
                }
            },
        };
        match written.tier {
            _ if !self.is_v1alpha2() => {}
            Some("Admin") => {}
            Some("Baseline") => return Tier::Baseline { priority },
            Some(other) => self.refuse(
                "spec.tier",
                format!("`{}` is neither Admin nor Baseline", tame(other)),
            ),
            None => self.refuse("spec.tier", "a tier is mandatory: Admin or Baseline"),
        }
        Tier::Admin { priority }
    }

    /// `None` when there are none: such a policy does not touch that direction (rule A8).
    fn rules(&mut self, listed: &[WireRule<'_>], direction: Direction) -> Option<Vec<Rule>> {
        if listed.is_empty() {
            return None;
        }
        let field = format!("spec.{direction}");
        self.check_length(&field, listed.len(), self.limit());
        let numbered = listed.iter().enumerate();
        Some(
            numbered
                .map(|(index, rule)| self.rule(rule, direction, &format!("{field}[{index}]")))
                .collect(),
        )
    }

    fn rule(&mut self, rule: &WireRule<'_>, direction: Direction, path: &str) -> Rule {
        if rule.name.chars().count() > LONGEST_NAME {
            self.refuse(
                &format!("{path}.name"),
                "the name of a rule has at most 100 characters",
            );
        }
        if let Some(field) = rule.foreign_field {
            let (version, ours) = (
                self.api.version(),
                if field == "ports" {
                    "protocols"
                } else {
                    "ports"
                },
            );
            self.refuse(
                &format!("{path}.{field}"),
                format!("{version} has no `{field}`, it has `{ours}`; without it the rule is about every port"),
            );
        }
        let action = self.action(rule.action, &format!("{path}.action"));
        Rule {
            action,
            name: rule.name.to_owned(),
            peers: self.peers(rule, direction, action, path),
            ports: match &rule.ports {
                WirePorts::V1alpha1(None) | WirePorts::V1alpha2(None) => Ports::All,
                WirePorts::V1alpha1(Some(items)) => self.port_matches(items, path),
                WirePorts::V1alpha2(Some(items)) => self.protocol_matches(items, path),
            },
            line: self.inner.line(path),
        }
    }

    fn action(&mut self, written: Option<&str>, path: &str) -> Action {
        let is_baseline = self.api == PolicyApi::BaselineAdminNetworkPolicy;
        let known = [Action::Accept, Action::Deny, Action::Pass];
        let mut known = known
            .into_iter()
            .filter(|action| !(is_baseline && *action == Action::Pass));
        let allowed = match (self.is_v1alpha2(), is_baseline) {
            (true, _) => "Accept, Deny or Pass",
            (_, false) => "Allow, Deny or Pass",
            (_, true) => "Allow or Deny",
        };
        let Some(word) = written else {
            self.refuse(path, format!("an action is mandatory: {allowed}"));
            return Action::default();
        };
        if let Some(action) = known.find(|action| self.api.word_for(*action) == word) {
            return action;
        }
        self.refuse(
            path,
            format!(
                "`{}` is no action of {} {}: {allowed}",
                tame(word),
                self.api.kind(),
                self.api.version()
            ),
        );
        match word {
            "Deny" => Action::Deny,
            "Pass" => Action::Pass,
            _ => Action::Accept,
        }
    }

    /// `from` and `to` are mandatory and hold one item at least: there is no "everyone" here (rule A17).
    fn peers(
        &mut self,
        rule: &WireRule<'_>,
        direction: Direction,
        action: Action,
        path: &str,
    ) -> Peers {
        let field = direction.peer_field();
        let (wrong, peers, misplaced) = match direction {
            Direction::Ingress => ("to", rule.from, rule.to),
            Direction::Egress => ("from", rule.to, rule.from),
        };
        if misplaced.is_some() && peers.is_some() {
            self.doubt(
                &format!("{path}.{wrong}"),
                format!("this field does not exist in {direction} rules; a server drops it"),
                format!("write `{field}`, or leave it out"),
            );
        }
        let at = format!("{path}.{field}");
        let Some(peers) = peers.filter(|peers| !peers.is_empty()) else {
            self.refuse(
                &at,
                format!("`{field}` is mandatory and needs one item at least; nothing here means everyone"),
            );
            return Peers::AnyOf(vec![PeerItem {
                peer: Peer::Unreadable,
                line: self.inner.line(path),
            }]);
        };
        self.check_length(&at, peers.len(), self.limit());
        let reach = Reach {
            direction,
            action,
            names_a_port: rule.names_a_port(),
        };
        let mut items = Vec::with_capacity(peers.len());
        for (index, peer) in peers.iter().enumerate() {
            self.peer(peer, &reach, &format!("{at}[{index}]"), &mut items);
        }
        Peers::AnyOf(items)
    }

    /// Reads one peer; networks and domain names make an item each.
    fn peer(
        &mut self,
        peer: &v1alpha1::Peer,
        reach: &Reach,
        path: &str,
        items: &mut Vec<PeerItem>,
    ) {
        let line = self.inner.line(path);
        let mut add = |peer| items.push(PeerItem { peer, line });
        let fields: Vec<&'static str> = [
            ("namespaces", peer.namespaces.is_some()),
            ("pods", peer.pods.is_some()),
            ("nodes", peer.nodes.is_some()),
            ("networks", peer.networks.is_some()),
            ("domainNames", peer.domain_names.is_some()),
        ]
        .into_iter()
        .filter_map(|(field, is_set)| is_set.then_some(field))
        .collect();
        let [field] = fields[..] else {
            if fields.is_empty() {
                // Not refused: it may be a field of a later release, for which the API has a rule (rule A24).
                add(Peer::Empty);
            } else {
                self.refuse(
                    path,
                    format!("a peer has one field, this one has {}", fields.join(", ")),
                );
                add(Peer::Unreadable);
            }
            return;
        };
        if let Some(why) = self.misplaced(field, reach) {
            self.refuse(&format!("{path}.{field}"), why);
            add(Peer::Unreadable);
            return;
        }
        self.check_named_port(field, reach, path);
        if let Some(namespaces) = &peer.namespaces {
            add(self.namespace_peer(namespaces, &format!("{path}.namespaces")));
        } else if let Some(pods) = &peer.pods {
            add(self.pod_peer(pods, &format!("{path}.pods")));
        } else if let Some(nodes) = &peer.nodes {
            let path = format!("{path}.nodes");
            add(Peer::Nodes(read_selector(nodes, &path, &mut self.inner)));
        } else if let Some(networks) = &peer.networks {
            let path = format!("{path}.networks");
            self.each(networks, &path, Self::network, items);
        } else if let Some(names) = &peer.domain_names {
            let path = format!("{path}.domainNames");
            self.each(names, &path, Self::domain_name, items);
        }
    }

    /// Why a kind of peer cannot stand where it stands (rules A18, A22, A30).
    fn misplaced(&self, field: &str, reach: &Reach) -> Option<String> {
        let is_selector = field == "namespaces" || field == "pods";
        if reach.direction == Direction::Ingress && !is_selector {
            return Some(format!(
                "ingress rules have no `{field}`: they are about pods only"
            ));
        }
        if field != "domainNames" {
            return None;
        }
        if self.api == PolicyApi::BaselineAdminNetworkPolicy {
            return Some("a BaselineAdminNetworkPolicy has no `domainNames`".to_owned());
        }
        (reach.action != Action::Accept).then(|| {
            format!(
                "domain names stand in rules that say {} only",
                self.api.word_for(Action::Accept)
            )
        })
    }

    /// A port name is looked up at a pod; what is no pod has none (rule A26).
    fn check_named_port(&mut self, field: &str, reach: &Reach, path: &str) {
        if !reach.names_a_port || field == "namespaces" || field == "pods" {
            return;
        }
        let path = format!("{path}.{field}");
        let message = format!("`{field}` have no port names, and this rule has one");
        if self.is_v1alpha2() && field == "networks" {
            // The standard channel takes it.
            self.doubt(
                &path,
                message,
                "use port numbers; some servers refuse this object",
            );
        } else {
            self.refuse(&path, message);
        }
    }

    fn each(
        &mut self,
        texts: &[String],
        path: &str,
        read: fn(&mut Self, &str, &str) -> Peer,
        items: &mut Vec<PeerItem>,
    ) {
        self.check_length(path, texts.len(), MOST_NETWORKS);
        if texts.is_empty() {
            self.refuse(path, "an empty list is not allowed");
            items.push(PeerItem {
                peer: Peer::Unreadable,
                line: self.inner.line(path),
            });
        }
        for (index, text) in texts.iter().enumerate() {
            let at = format!("{path}[{index}]");
            if texts[..index].contains(text) {
                self.refuse(&at, format!("`{}` is listed twice", tame(text)));
            }
            items.push(PeerItem {
                peer: read(self, text, &at),
                line: self.inner.line(&at).or_else(|| self.inner.line(path)),
            });
        }
    }

    fn network(&mut self, text: &str, path: &str) -> Peer {
        // An IPv4 address within an IPv6 one is refused by both generations.
        let is_mapped = text.contains(':') && text.contains('.');
        match net(text).filter(|_| !is_mapped) {
            Some(cidr) => Peer::IpBlock(IpBlock {
                cidr,
                except: Vec::new(),
            }),
            None => {
                self.refuse(
                    path,
                    format!("`{}` is no network such as 10.0.0.0/8", tame(text)),
                );
                Peer::Unreadable
            }
        }
    }

    fn domain_name(&mut self, text: &str, path: &str) -> Peer {
        let is_label = |label: &str| {
            let is_end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            is_end(label.chars().next())
                && is_end(label.chars().next_back())
                && label
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        };
        let bare = text.strip_suffix('.').unwrap_or(text);
        let labels = bare.strip_prefix("*.").unwrap_or(bare);
        if labels.contains('.') && labels.split('.').all(is_label) {
            return Peer::DomainName(bare.to_ascii_lowercase());
        }
        self.refuse(
            path,
            format!(
                "`{}` is no domain name such as www.example.com or *.example.com",
                tame(text)
            ),
        );
        Peer::Unreadable
    }
}

/// What a rule says besides its peers, as far as they depend on it.
struct Reach {
    direction: Direction,
    action: Action,
    names_a_port: bool,
}

#[cfg(test)]
mod tests;
