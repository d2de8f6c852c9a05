//! What the cluster does and what each environment says, for one connection, port by port.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::{Allowed, Engine, Entity, Hypothetical, Reason, Verdict};
use crate::expect::plan::{Kind, ends_of};
use crate::expect::{Code, Finding, Plan};
use crate::model::{AddressSet, Direction, Labels, PortSet, Protocol};

use super::collect::Member;
use super::{Opinion, Plans, Told};

/// What makes a line of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) verdict: Verdict,
    pub(super) by_environment: Vec<(Opinion, Option<Code>)>,
}

impl Key {
    /// Whether no environment says anything.
    pub(super) fn is_silent(&self) -> bool {
        self.by_environment.iter().all(|(o, _)| *o == Opinion::None)
    }
}

/// What one environment says of a connection, as ports.
#[derive(Clone, Debug, Default)]
struct Said {
    must: PortSet,
    may: PortSet,
    /// Named by a rule, a flow or an exception.
    named: PortSet,
    expired: PortSet,
    /// A row speaks of an end in its direction.
    listed: bool,
    /// What findings say, worst first.
    found: Vec<(Code, PortSet)>,
    /// Whether findings about these ends would be among them.
    is_judged: bool,
}

/// A port of a Service and where it leads.
#[derive(Clone, Debug)]
pub(super) struct ServicePort {
    pub(super) protocol: Protocol,
    pub(super) port: u16,
    /// Entities and the ports there.
    pub(super) targets: Vec<(Entity, u16)>,
}

/// What is to be seen of one connection.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    allowed: Allowed,
    reachable: bool,
    by_environment: Vec<Said>,
}

/// What a claim of a kind says; `None` when it says nothing by itself.
pub(super) fn says(kind: Kind) -> Option<Opinion> {
    Some(match kind {
        Kind::Must => Opinion::Must,
        Kind::May | Kind::MayWarn | Kind::Open | Kind::Exception => Opinion::May,
        Kind::Never | Kind::Advice | Kind::Expired => Opinion::MustNot,
        Kind::Removed => return None,
    })
}

impl Said {
    /// One environment's words on two entities. `side` is the end that is asked alone, where the other stands for everybody.
    fn of(plan: &Plan, from: &Entity, to: &Entity, side: Option<Direction>) -> Self {
        let expected = plan.expects(from, to);
        let may = match side {
            None => expected.may,
            Some(Direction::Egress) => plan.side(Direction::Egress, from, to),
            Some(Direction::Ingress) => plan.side(Direction::Ingress, to, from),
        };
        let mut said = Self {
            must: expected.must,
            ..Self::default()
        };
        for claim in plan.claims() {
            if let (Some(_), Some(ports)) = (says(claim.kind), plan.claimed(claim, from, to)) {
                said.named = said.named.union(ports);
                if claim.kind == Kind::Expired {
                    said.expired = said.expired.union(ports);
                }
            }
        }
        let advice = plan.flow_ports(from, to, |kind| kind == Kind::Advice);
        said.may = may.difference(&advice).union(&said.must);
        said.listed = [(Direction::Egress, from), (Direction::Ingress, to)]
            .into_iter()
            .filter(|(direction, _)| side.is_none_or(|asked| asked == *direction))
            .any(|(direction, own)| plan.is_listed(direction, own));
        said
    }

    /// Several pairs together: what one has to, all have to; what one must not, nobody may.
    fn and(self, other: &Self) -> Self {
        Self {
            must: self.must.union(&other.must),
            may: self.may.intersection(&other.may),
            named: self.named.union(&other.named),
            expired: self.expired.union(&other.expired),
            listed: self.listed || other.listed,
            found: self.found,
            is_judged: self.is_judged,
        }
    }

    fn borders(&self) -> impl Iterator<Item = &PortSet> {
        [&self.must, &self.may, &self.named, &self.expired]
            .into_iter()
            .chain(self.found.iter().map(|(_, ports)| ports))
    }

    /// What it says of ports that none of its borders cuts.
    fn of_cell(&self, cell: &PortSet, verdict: Verdict) -> (Opinion, Option<Code>) {
        let opinion = if cell.is_subset(&self.must) {
            Opinion::Must
        } else if !cell.is_subset(&self.may) {
            Opinion::MustNot
        } else if self.listed || cell.is_subset(&self.named) {
            Opinion::May
        } else {
            return (Opinion::None, None);
        };
        let found = self.found.iter().find(|(_, ports)| cell.is_subset(ports));
        let is_closed = matches!(verdict, Verdict::Deny | Verdict::Unreachable);
        if opinion == Opinion::Must && is_closed && self.is_judged && found.is_none() {
            // Of several workloads under one name another one has to be open there.
            return (Opinion::May, Some(Code::Met));
        }
        let code = found.map_or_else(
            || usual(opinion, verdict, cell.is_subset(&self.expired)),
            |(code, _)| *code,
        );
        (opinion, Some(code))
    }
}

/// The code where no finding has been told.
fn usual(opinion: Opinion, verdict: Verdict, has_expired: bool) -> Code {
    match (opinion, verdict) {
        (Opinion::Must, Verdict::Deny | Verdict::Unreachable) => Code::Broken,
        (Opinion::MustNot, Verdict::Allow) if has_expired => Code::Expired,
        (Opinion::MustNot, Verdict::Allow) => Code::Excess,
        (Opinion::Must | Opinion::MustNot, Verdict::Unknown) => Code::Unknown,
        _ => Code::Met,
    }
}

/// Cuts disjoint sets of ports along a border.
fn cut(cells: Vec<PortSet>, border: &PortSet) -> Vec<PortSet> {
    if border.is_empty() || border.is_all() {
        return cells;
    }
    cells
        .into_iter()
        .flat_map(|cell| [cell.intersection(border), cell.difference(border)])
        .filter(|cell| !cell.is_empty())
        .collect()
}

impl Seen {
    /// What holds for all of some pairs; `None` without any.
    pub(super) fn of_pairs(
        engine: &Engine,
        plans: Plans<'_>,
        pairs: &[(Entity, Entity)],
    ) -> Option<Self> {
        let mut all: Option<Self> = None;
        for (from, to) in pairs {
            if plans.iter().any(|(plan, _)| plan.is_home(from, to)) {
                continue;
            }
            let reachable = engine.unreachable(from, to).is_none();
            let one = Self {
                allowed: if reachable {
                    engine.allowed(from, to)
                } else {
                    Allowed::nothing()
                },
                reachable,
                by_environment: plans
                    .iter()
                    .map(|(plan, _)| Said::of(plan, from, to, None))
                    .collect(),
            };
            all = Some(match all {
                None => one,
                Some(before) => before.and(&one),
            });
        }
        all
    }

    fn and(self, other: &Self) -> Self {
        Self {
            allowed: self.allowed.merge(&other.allowed),
            reachable: self.reachable || other.reachable,
            by_environment: self
                .by_environment
                .into_iter()
                .zip(&other.by_environment)
                .map(|(one, other)| one.and(other))
                .collect(),
        }
    }

    /// The ports of a Service, judged where they lead and told as the Service's own. `None` where nothing answers.
    pub(super) fn of_service(
        engine: &Engine,
        plans: Plans<'_>,
        sources: &[Entity],
        ports: &[ServicePort],
    ) -> Option<Self> {
        let mut all: Option<Self> = None;
        for service in ports {
            let own = PortSet::port(service.protocol, service.port);
            let told = |set: &PortSet, target: u16| {
                if set.contains(service.protocol, target) {
                    own.clone()
                } else {
                    PortSet::empty()
                }
            };
            let pairs = sources
                .iter()
                .flat_map(|from| service.targets.iter().map(move |target| (from, target)));
            let mut here: Option<Self> = None;
            for (from, (to, target)) in pairs {
                let Some(seen) = Self::of_pairs(engine, plans, &[(from.clone(), to.clone())])
                else {
                    continue;
                };
                let one = seen.map(|set| told(set, *target));
                here = Some(match here {
                    None => one,
                    Some(before) => before.and(&one),
                });
            }
            all = match (all, here) {
                (Some(all), Some(here)) => Some(all.beside(here)),
                (one, other) => one.or(other),
            };
        }
        all
    }

    fn map(&self, change: impl Fn(&PortSet) -> PortSet) -> Self {
        Self {
            allowed: Allowed {
                sure: change(&self.allowed.sure),
                possible: change(&self.allowed.possible),
            },
            reachable: self.reachable,
            by_environment: self
                .by_environment
                .iter()
                .map(|said| Said {
                    must: change(&said.must),
                    may: change(&said.may),
                    named: change(&said.named),
                    expired: change(&said.expired),
                    listed: said.listed,
                    found: Vec::new(),
                    is_judged: false,
                })
                .collect(),
        }
    }

    /// Two that have no port in common.
    fn beside(self, other: Self) -> Self {
        Self {
            allowed: Allowed {
                sure: self.allowed.sure.union(&other.allowed.sure),
                possible: self.allowed.possible.union(&other.allowed.possible),
            },
            reachable: self.reachable || other.reachable,
            by_environment: self
                .by_environment
                .into_iter()
                .zip(other.by_environment)
                .map(|(one, other)| Said {
                    must: one.must.union(&other.must),
                    may: one.may.union(&other.may),
                    named: one.named.union(&other.named),
                    expired: one.expired.union(&other.expired),
                    listed: one.listed || other.listed,
                    found: Vec::new(),
                    is_judged: false,
                })
                .collect(),
        }
    }

    /// What findings say of these ends; they have the ports where `to` leads, so towards a Service only the protocol counts.
    pub(super) fn with_findings(
        mut self,
        told: &Told<'_>,
        (from, to): (&str, &str),
        service: &[ServicePort],
    ) -> Self {
        let ports = |finding: &Finding| {
            let protocol = finding.protocol?;
            if service.is_empty() {
                return Some(PortSet::range(protocol, finding.ports?));
            }
            let same = service.iter().filter(|port| port.protocol == protocol);
            Some(same.fold(PortSet::empty(), |all, port| {
                all.union(&PortSet::port(port.protocol, port.port))
            }))
        };
        for (index, said) in self.by_environment.iter_mut().enumerate() {
            let mut found: Vec<&&Finding> =
                told.get(&(index, from, to)).into_iter().flatten().collect();
            found.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), finding.code));
            said.is_judged = true;
            said.found = found
                .into_iter()
                .filter_map(|finding| Some((finding.code, ports(finding)?)))
                .collect();
        }
        self
    }

    fn borders(&self) -> impl Iterator<Item = &PortSet> {
        [&self.allowed.sure, &self.allowed.possible]
            .into_iter()
            .chain(self.by_environment.iter().flat_map(Said::borders))
    }

    fn key(&self, cell: &PortSet) -> Key {
        let verdict = if !self.reachable {
            Verdict::Unreachable
        } else if cell.is_subset(&self.allowed.sure) {
            Verdict::Allow
        } else if cell.is_subset(&self.allowed.possible) {
            Verdict::Unknown
        } else {
            Verdict::Deny
        };
        Key {
            verdict,
            by_environment: self
                .by_environment
                .iter()
                .map(|said| said.of_cell(cell, verdict))
                .collect(),
        }
    }

    /// What holds for all pods of a workload with a peer of whom only that end is known.
    fn of_side(
        plans: Plans<'_>,
        member: &Member,
        direction: Direction,
        peer: &Entity,
        allowed: &dyn Fn(&Entity) -> Allowed,
    ) -> Option<Self> {
        let each = member.examples.iter().map(|own| {
            let (from, to) = ends_of(direction, own, peer);
            Self {
                allowed: allowed(own),
                reachable: true,
                by_environment: plans
                    .iter()
                    .map(|(plan, _)| Said::of(plan, from, to, Some(direction)))
                    .collect(),
            }
        });
        each.reduce(|all, one| all.and(&one))
    }

    /// Whether it is worth a line: it is or may be open, or somebody speaks of it.
    fn counts(&self, cell: &PortSet, verdict: Verdict) -> bool {
        matches!(verdict, Verdict::Allow | Verdict::Unknown) || self.is_named(cell)
    }

    fn is_named(&self, cell: &PortSet) -> bool {
        self.by_environment.iter().any(|said| {
            let is_told =
                |(code, ports): &(Code, PortSet)| *code != Code::Met && cell.is_subset(ports);
            cell.is_subset(&said.named) || said.found.iter().any(is_told)
        })
    }

    /// The ports by what is to be said of them.
    pub(super) fn keys(&self, ports: &PortSet) -> Vec<(Key, PortSet)> {
        let mut cells: Vec<PortSet> = vec![ports.clone()];
        cells.retain(|cell| !cell.is_empty());
        for border in self.borders() {
            cells = cut(cells, border);
        }
        let mut by_key: BTreeMap<Key, PortSet> = BTreeMap::new();
        for cell in cells {
            let key = self.key(&cell);
            if self.counts(&cell, key.verdict) {
                let all = by_key.entry(key).or_default();
                *all = all.union(&cell);
            }
        }
        by_key.into_iter().collect()
    }
}

/// Somebody who can be at the other end of what is open to everybody.
pub(super) struct Atom {
    pub(super) peer: Entity,
    /// Outside addresses; `None` for pods that nobody knows.
    pub(super) set: Option<AddressSet>,
    seen: Seen,
}

impl Atom {
    /// Everybody there can be: pods without labels of other namespaces as one, and each piece of the outside.
    ///
    /// Only the workload's own end is asked. Of pods without labels that is said which holds for all of them.
    pub(super) fn all(
        engine: &Engine,
        plans: Plans<'_>,
        (member, direction): (&Member, Direction),
        pieces: &[(AddressSet, Entity)],
        is_open: bool,
    ) -> Vec<Self> {
        let mut atoms = Vec::new();
        let strangers = strangers(engine, &member.namespace);
        // A row may mean every pod of a namespace: such a stranger is none.
        let unknown = |stranger: &&Entity| {
            let mut plans = plans.iter();
            plans.all(|(plan, _)| plan.rows_of(stranger).is_empty())
        };
        if let Some(stranger) = strangers.iter().find(unknown).or(strangers.first()) {
            let allowed = |own: &Entity| {
                let mut all = Allowed::everything();
                for stranger in strangers.iter().filter(|_| !is_open) {
                    all = all.and(&engine.side(direction, own, stranger));
                    if all.possible.is_empty() {
                        break;
                    }
                }
                all
            };
            let seen = Seen::of_side(plans, member, direction, stranger, &allowed);
            atoms.extend(seen.map(|seen| Self {
                peer: stranger.clone(),
                set: None,
                seen,
            }));
        }
        for (set, peer) in pieces {
            let own = &member.examples[0];
            if engine.unreachable(own, peer) == Some(Reason::NoCommonFamily) {
                continue;
            }
            let allowed = |own: &Entity| engine.side(direction, own, peer);
            let seen = Seen::of_side(plans, member, direction, peer, &allowed);
            atoms.extend(seen.map(|seen| Self {
                peer: peer.clone(),
                set: Some(set.clone()),
                seen,
            }));
        }
        atoms
    }

    /// Cuts ports so that every atom, and every environment's closed ports, say one thing of each piece.
    pub(super) fn cells(atoms: &[Self], closed: &[PortSet], ports: &PortSet) -> Vec<PortSet> {
        let mut cells = vec![ports.clone()];
        let borders = atoms.iter().flat_map(|atom| atom.seen.borders());
        for border in borders.chain(closed) {
            cells = cut(cells, border);
        }
        cells
    }

    /// What is to be said of ports between this one and the workload; `None` when it is not worth a line.
    pub(super) fn key(&self, cell: &PortSet, closed: &[PortSet]) -> Option<Key> {
        let mut key = self.seen.key(cell);
        for ((_, code), closed) in key.by_environment.iter_mut().zip(closed) {
            // Tolerated for anybody, and open to nobody: the port has to be open to somebody.
            if *code == Some(Code::Met) && cell.is_subset(closed) {
                *code = Some(Code::Broken);
            }
        }
        let is_named = self.seen.is_named(cell);
        // A block may or may not mean a pod without an address: that alone is no news.
        let is_guess = self.set.is_none() && key.verdict == Verdict::Unknown;
        let opens = matches!(key.verdict, Verdict::Allow | Verdict::Unknown) && !is_guess;
        (opens || is_named).then_some(key)
    }
}

/// A pod without labels in every namespace but one, or there too where there is no other.
fn strangers(engine: &Engine, home: &str) -> Vec<Entity> {
    let names: Vec<&String> = engine.cluster().namespaces.keys().collect();
    let others = names
        .iter()
        .filter(|name| names.len() == 1 || name.as_str() != home);
    others
        .map(|name| {
            Entity::Hypothetical(Arc::new(Hypothetical {
                namespace: (*name).clone(),
                labels: Labels::default(),
                ports: Vec::new(),
            }))
        })
        .collect()
}
