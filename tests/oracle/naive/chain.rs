//! One direction at one end: Admin tier, `NetworkPolicy`, Baseline tier, and the traffic no policy governs.

use std::net::IpAddr;

use super::enforcers::{FOREIGN, Project, Switches, TieBreak};
use super::guess::{Fact, Guesses};
use super::matching::{
    addresses, finished, in_scope, isolates, node_of, peers_match, port_matches, ports_match,
    rule_matches, rules, switch, wide_peer_matches, wide_ports_match,
};
use super::{
    Action, DIRECTIONS, Direction, End, KINDS, Kind, Policy, Port, Protocol, Tier, Verdict, Wide,
    WidePeer, WideRule, World,
};

/// A connection attempt within one address family.
#[derive(Clone, Copy)]
pub(crate) struct Attempt<'a> {
    pub(crate) world: &'a World,
    pub(crate) switches: Switches,
    pub(crate) from: End,
    pub(crate) from_address: IpAddr,
    pub(crate) to: End,
    pub(crate) to_address: IpAddr,
    pub(crate) protocol: Protocol,
    pub(crate) port: u16,
}

impl Attempt<'_> {
    pub(crate) fn subject(&self, direction: Direction) -> End {
        match direction {
            Direction::Egress => self.from,
            Direction::Ingress => self.to,
        }
    }

    pub(crate) fn other(&self, direction: Direction) -> (End, IpAddr) {
        match direction {
            Direction::Egress => (self.to, self.to_address),
            Direction::Ingress => (self.from, self.from_address),
        }
    }
}

/// Two readings of what is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// A fact is one way or the other, the same wherever it is read.
    pub(crate) sharp: Verdict,
    /// Each mention is guessed by itself, so two rules may take one fact both ways.
    pub(crate) loose: Verdict,
}

/// May `from` open a connection to `to`?
pub(crate) fn bounds(
    world: &World,
    switches: &Switches,
    ends: (End, End),
    protocol: Protocol,
    port: u16,
) -> Bounds {
    let (sharp, guessed) = verdict(world, switches, ends, protocol, port, Guesses::sharp);
    Bounds {
        sharp,
        // What is unknown at its sharpest is unknown; what needs no guess is what it is.
        loose: match sharp {
            Verdict::Allow | Verdict::Deny if guessed => {
                verdict(world, switches, ends, protocol, port, Guesses::loose).0
            }
            _ => sharp,
        },
    }
}

/// So many combinations are tried of what is guessed at each mention.
const LOOSE_RUNS: u32 = 5_000;

fn verdict(
    world: &World,
    switches: &Switches,
    (from, to): (End, End),
    protocol: Protocol,
    port: u16,
    guesses: fn() -> Guesses,
) -> (Verdict, bool) {
    // A pod that has finished is neither source nor destination (N55).
    if finished(world, from) || finished(world, to) {
        return (Verdict::Unreachable, false);
    }
    let (mut passes, mut fails, mut guessed) = (false, false, false);
    // Each family is a question of its own (N59); answers that differ are not averaged (E6).
    for attempt in attempts(world, *switches, (from, to), protocol, port) {
        let mut guesses = guesses();
        let mut runs = 0;
        loop {
            // The looser reading has a guess for each mention, and they multiply. Called unknown too soon it lets the engine say unknown
            // where it need not, and nothing else.
            runs += 1;
            if runs > LOOSE_RUNS && !guesses.are_sharp() {
                return (Verdict::Unknown, true);
            }
            // Both ends must agree (N12).
            let passed = DIRECTIONS
                .iter()
                .all(|d| passes_end(&attempt, *d, &mut guesses));
            passes |= passed;
            fails |= !passed;
            if passes && fails {
                return (Verdict::Unknown, guessed);
            }
            guessed |= guesses.were_made();
            if !guesses.advance() {
                break;
            }
        }
    }
    let verdict = match (passes, fails) {
        (true, _) => Verdict::Allow,
        (_, true) => Verdict::Deny,
        // No address (N57), or none of a family both ends have (N59).
        _ => Verdict::Unreachable,
    };
    (verdict, guessed)
}

fn attempts(
    world: &World,
    switches: Switches,
    (from, to): (End, End),
    protocol: Protocol,
    port: u16,
) -> Vec<Attempt<'_>> {
    let mut attempts = Vec::new();
    for from_address in addresses(world, from) {
        for to_address in addresses(world, to) {
            if from_address.is_ipv4() == to_address.is_ipv4() {
                attempts.push(Attempt {
                    world,
                    switches,
                    from,
                    from_address,
                    to,
                    to_address,
                    protocol,
                    port,
                });
            }
        }
    }
    attempts
}

fn passes_end(attempt: &Attempt<'_>, direction: Direction, guesses: &mut Guesses) -> bool {
    let world = attempt.world;
    // Policies act on pods with a network of their own, and on nothing else (E5, N52, A16).
    let End::Pod(subject) = attempt.subject(direction) else {
        return true;
    };
    if world.pods[subject].host_network {
        return true;
    }
    // A pod cannot block access to itself (N48, A27).
    let (other, _) = attempt.other(direction);
    if other == End::Pod(subject) {
        return true;
    }
    let passed = passes_chain(attempt, direction, subject, guesses);
    passes_foreign(attempt, direction, subject, passed, guesses)
}

/// What policies of other projects make of a verdict: nobody reads them, so whatever they can.
fn passes_foreign(
    attempt: &Attempt<'_>,
    direction: Direction,
    subject: usize,
    passed: bool,
    guesses: &mut Guesses,
) -> bool {
    let world = attempt.world;
    let namespace = world.pods[subject].namespace;
    let acting = FOREIGN.iter().enumerate().filter(|(index, kind)| {
        let stands = world.foreign.iter().any(|policy| {
            policy.kind == *index && (!kind.namespaced || policy.namespace == namespace)
        });
        let may_stand = world.hidden.foreign.contains(index);
        let elsewhere = kind.egress_only && direction == Direction::Ingress;
        // The mesh asks at the end that is called (rule M1).
        let is_mesh = kind.project == Project::Istio && direction == Direction::Egress;
        attempt.switches.owns.contains(&kind.project)
            && (stands || may_stand)
            && !elsewhere
            && !is_mesh
    });
    let acting: Vec<bool> = acting.map(|(_, kind)| kind.restricts).collect();
    if acting.is_empty() {
        return passed;
    }
    // A pod's own node is let through whoever enforces.
    if own_node_passes(attempt, direction, subject, guesses) {
        return passed;
    }
    let mut passed = passed;
    if acting.contains(&false) {
        let fact = Fact::Foreign {
            direction,
            gate: false,
        };
        match guesses.pick(fact, 3) {
            1 => passed = true,
            2 => passed = false,
            _ => {}
        }
    }
    if passed && acting.contains(&true) {
        let fact = Fact::Foreign {
            direction,
            gate: true,
        };
        passed = guesses.whether(fact);
    }
    passed
}

/// Traffic between a pod and the node it runs on: always let in (N49); out, the enforcer decides (N51).
fn own_node_passes(
    attempt: &Attempt<'_>,
    direction: Direction,
    subject: usize,
    guesses: &mut Guesses,
) -> bool {
    let world = attempt.world;
    let (other, _) = attempt.other(direction);
    let Some(node) = node_of(world, other) else {
        return false;
    };
    let runs_there = match world.pods[subject].node {
        Some(own) => own == node,
        None => guesses.whether(Fact::RunsOn { pod: subject, node }),
    };
    runs_there
        && (direction == Direction::Ingress
            || switch(
                attempt.switches.own_node_egress,
                Fact::OwnNodeEgress,
                guesses,
            ))
}

/// The reference procedure (3.5).
fn passes_chain(
    attempt: &Attempt<'_>,
    direction: Direction,
    subject: usize,
    guesses: &mut Guesses,
) -> bool {
    let world = attempt.world;
    match tier(attempt, Tier::Admin, direction, subject, guesses) {
        Some(Action::Accept) => return true,
        Some(Action::Deny) => return false,
        // Leaves the tier (A12), or nothing matched (A7).
        Some(Action::Pass) | None => {}
    }
    if own_node_passes(attempt, direction, subject, guesses) {
        return true;
    }
    if world
        .hidden
        .policies
        .contains(&world.pods[subject].namespace)
    {
        match guesses.pick(Fact::HiddenPolicies { direction }, 3) {
            1 => return true,
            2 => return false,
            _ => {}
        }
    }
    let isolating: Vec<&Policy> = world
        .policies
        .iter()
        .filter(|policy| isolates(world, policy, subject, direction))
        .collect();
    if !isolating.is_empty() {
        // Any rule of any of them will do (N9), and nothing after them is looked at (A13).
        return isolating.iter().any(|policy| {
            rules(policy, direction)
                .iter()
                .any(|rule| rule_matches(attempt, policy, direction, rule, guesses))
        });
    }
    // Not isolated in this direction (N8); some say that being selected for the other one ends it too (A13).
    let selected = world.policies.iter().any(|policy| {
        DIRECTIONS
            .iter()
            .any(|d| isolates(world, policy, subject, *d))
    });
    if selected
        && switch(
            attempt.switches.baseline_ends_for_both,
            Fact::BaselineEndsForBoth,
            guesses,
        )
    {
        return true;
    }
    // Accept, Pass or no match: the end of the chain lets through (A12, A14).
    tier(attempt, Tier::Baseline, direction, subject, guesses) != Some(Action::Deny)
}

/// What a tier says: the first rule that matches, by priority and place (A6).
fn tier(
    attempt: &Attempt<'_>,
    tier: Tier,
    direction: Direction,
    subject: usize,
    guesses: &mut Guesses,
) -> Option<Action> {
    let world = attempt.world;
    if let Some(action) = hidden_tier(attempt, tier, direction, guesses) {
        return Some(action);
    }
    let mut priorities: Vec<u16> = world
        .wide
        .iter()
        .filter(|policy| policy.tier == tier)
        .map(|policy| policy.priority)
        .collect();
    priorities.sort_unstable();
    priorities.dedup();
    for priority in priorities {
        let peers: Vec<&Wide> = world
            .wide
            .iter()
            .filter(|policy| policy.tier == tier && policy.priority == priority)
            .collect();
        let mut decided = Vec::new();
        for (place, policy) in peers.iter().enumerate() {
            if is_selected(attempt, policy, subject, guesses)
                && let Some(action) = first_match(attempt, policy, direction, guesses)
            {
                decided.push((place, policy, action));
            }
        }
        let Some((_, _, first)) = decided.first() else {
            continue;
        };
        if decided.iter().all(|(_, _, action)| action == first) {
            return Some(*first);
        }
        // Equal priority, and they disagree (A9).
        match attempt.switches.equal_priority {
            TieBreak::Name => {
                return decided
                    .iter()
                    .min_by_key(|(_, policy, _)| &policy.name)
                    .map(|(_, _, action)| *action);
            }
            TieBreak::Deny if decided.iter().any(|(_, _, a)| *a == Action::Deny) => {
                return Some(Action::Deny);
            }
            TieBreak::Deny | TieBreak::Open => {
                let ways = (1..=peers.len()).product();
                let order = guesses.pick(Fact::Order { tier, priority }, ways);
                let before = permutation(peers.len(), order);
                return decided
                    .iter()
                    .min_by_key(|(place, _, _)| before[*place])
                    .map(|(_, _, action)| *action);
            }
        }
    }
    None
}

/// The place each of `size` things has in the so-manieth order.
fn permutation(size: usize, mut number: usize) -> Vec<usize> {
    let mut left: Vec<usize> = (0..size).collect();
    (1..=size)
        .rev()
        .map(|ways| {
            let place = left.remove(number % ways);
            number /= ways;
            place
        })
        .collect()
}

/// What policies that may not be read might say, at the head of their tier: anything (E12).
fn hidden_tier(
    attempt: &Attempt<'_>,
    tier: Tier,
    direction: Direction,
    guesses: &mut Guesses,
) -> Option<Action> {
    let (other, _) = attempt.other(direction);
    let pods_only = direction == Direction::Ingress;
    let is_pod = matches!(other, End::Pod(pod) if !attempt.world.pods[pod].host_network);
    for kind in KINDS {
        let has_tier = match kind {
            Kind::Cluster => true,
            Kind::Admin => tier == Tier::Admin,
            Kind::Baseline => tier == Tier::Baseline,
        };
        if !has_tier || !attempt.world.hidden.wide.contains(&kind) {
            continue;
        }
        // On ingress their rules can name pods only (A18); a reading that doubts the rest too is no worse.
        if pods_only && !is_pod && guesses.are_sharp() {
            guesses.note();
            continue;
        }
        if !in_force(&attempt.switches, kind, guesses) {
            continue;
        }
        let fact = Fact::HiddenTier {
            kind,
            tier,
            direction,
        };
        match guesses.pick(fact, 4) {
            1 => return Some(Action::Accept),
            2 => return Some(Action::Deny),
            3 => return Some(Action::Pass),
            _ => {}
        }
    }
    None
}

fn in_force(switches: &Switches, kind: Kind, guesses: &mut Guesses) -> bool {
    let value = match kind {
        Kind::Cluster => switches.cluster_policies,
        Kind::Admin | Kind::Baseline => switches.admin_policies,
    };
    // The two old kinds come and go together.
    let fact = match kind {
        Kind::Cluster => Kind::Cluster,
        Kind::Admin | Kind::Baseline => Kind::Admin,
    };
    switch(value, Fact::InForce(fact), guesses)
}

/// Whether a policy is acted on (A4) and selects the pod (A15).
fn is_selected(
    attempt: &Attempt<'_>,
    policy: &Wide,
    subject: usize,
    guesses: &mut Guesses,
) -> bool {
    let too_late =
        policy.kind == Kind::Admin && policy.priority > attempt.switches.last_admin_priority;
    !too_late
        && in_scope(attempt.world, &policy.subject, subject, guesses)
        && in_force(&attempt.switches, policy.kind, guesses)
}

/// What the rule of a policy that matches first does.
fn first_match(
    attempt: &Attempt<'_>,
    policy: &Wide,
    direction: Direction,
    guesses: &mut Guesses,
) -> Option<Action> {
    wide_rules(policy, direction)
        .iter()
        .find_map(|rule| wide_rule(attempt, rule, direction, guesses))
}

fn wide_rules(policy: &Wide, direction: Direction) -> &[WideRule] {
    match direction {
        Direction::Egress => &policy.egress,
        Direction::Ingress => &policy.ingress,
    }
}

/// What a rule does with the connection; `None` where it does not match.
fn wide_rule(
    attempt: &Attempt<'_>,
    rule: &WideRule,
    direction: Direction,
    guesses: &mut Guesses,
) -> Option<Action> {
    let has_empty = rule.peers.iter().any(|p| matches!(p, WidePeer::Empty));
    if has_empty
        && switch(
            attempt.switches.empty_peer_closes,
            Fact::EmptyPeerCloses,
            guesses,
        )
    {
        // An Accept means nobody, anything else denies everything, whatever its ports (A24).
        return match rule.action {
            Action::Accept => None,
            Action::Deny | Action::Pass => Some(Action::Deny),
        };
    }
    let mut peers = rule.peers.iter();
    (peers.any(|peer| wide_peer_matches(attempt, peer, direction, guesses))
        && wide_ports_match(attempt, rule, guesses))
    .then_some(rule.action)
}

// ---- single rules, for what explanations claim

/// What one rule makes of a connection in one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RuleTests {
    pub(crate) peer: bool,
    pub(crate) ports: bool,
    /// How many tests have to be repaired before the rule admits: the peer, and protocol and port of its best item.
    pub(crate) misses: usize,
}

/// Asks one rule of a `NetworkPolicy` alone, once a family and a way the guesses may fall.
pub(crate) fn ask_rule(
    world: &World,
    switches: &Switches,
    ends: (End, End),
    protocol: Protocol,
    port: u16,
    (policy, direction, rule): (usize, Direction, usize),
) -> Vec<RuleTests> {
    let policy = &world.policies[policy];
    let rule = &rules(policy, direction)[rule];
    every_way(world, switches, ends, protocol, port, |attempt, guesses| {
        let peer = peers_match(attempt, policy, direction, rule, guesses);
        let mut port_misses = |item: &Port| {
            let written = item.protocol.unwrap_or(Protocol::Tcp);
            // The port is judged as if the protocol were the item's own.
            let repaired = Attempt {
                protocol: written,
                ..*attempt
            };
            usize::from(written != protocol) + usize::from(!port_matches(&repaired, item, guesses))
        };
        let ports = rule.ports.iter().map(&mut port_misses).min().unwrap_or(0);
        RuleTests {
            peer,
            ports: ports_match(attempt, rule, guesses),
            misses: usize::from(!peer) + ports,
        }
    })
}

/// What one rule of a cluster-wide policy does by itself to a connection at its subject: each action it may come to.
pub(crate) fn ask_wide_rule(
    world: &World,
    switches: &Switches,
    ends: (End, End),
    protocol: Protocol,
    port: u16,
    (policy, direction, rule): (usize, Direction, usize),
) -> Vec<Option<Action>> {
    let policy = &world.wide[policy];
    let rule = &wide_rules(policy, direction)[rule];
    every_way(world, switches, ends, protocol, port, |attempt, guesses| {
        let End::Pod(subject) = attempt.subject(direction) else {
            return None;
        };
        if world.pods[subject].host_network || !is_selected(attempt, policy, subject, guesses) {
            return None;
        }
        wide_rule(attempt, rule, direction, guesses)
    })
}

fn every_way<T: PartialEq>(
    world: &World,
    switches: &Switches,
    ends: (End, End),
    protocol: Protocol,
    port: u16,
    mut ask: impl FnMut(&Attempt<'_>, &mut Guesses) -> T,
) -> Vec<T> {
    let mut found = Vec::new();
    for attempt in attempts(world, *switches, ends, protocol, port) {
        let mut guesses = Guesses::sharp();
        loop {
            let one = ask(&attempt, &mut guesses);
            if !found.contains(&one) {
                found.push(one);
            }
            if !guesses.advance() {
                break;
            }
        }
    }
    found
}
