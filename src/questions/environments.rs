//! Environments side by side: what each says of every connection that one of them speaks of or that the cluster opens.
//!
//! Judged by the same engine and the same plans as findings are. What is wide is asked of one end alone, as a document means
//! it: a port open to anybody asks nothing of any one source.

mod collect;
mod weigh;

use std::collections::BTreeMap;

use crate::engine::{Engine, Entity, Verdict};
use crate::expect::plan::{Claim, slot};
use crate::expect::{Code, Finding, Plan};
use crate::model::{AddressSet, Direction, PortSet, Protocol, SourceRef};

use super::scope::Scope;
use collect::{Considered, Member, members, pieces};
use weigh::{Atom, Key, Seen, ServicePort};

/// What an environment says of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Opinion {
    /// It has to be open.
    Must,
    /// It may be open.
    May,
    /// It must not be open.
    MustNot,
    /// Neither end is written down there.
    None,
}

/// One end of a compared connection. Ordered as it is listed: workloads, then what is no workload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Party {
    rank: u8,
    /// `ns/kind/name`, `dns`, `k8s-api`, `any`, `cluster`, `external`, `internet`, or address ranges.
    pub id: String,
    /// Without its kind, and without its namespace where no other workload has that name.
    pub name: String,
    /// What to type to ask about it, or about one of those who are meant.
    pub typed: String,
    /// Of a workload.
    pub namespace: Option<String>,
}

/// One environment's view of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    pub opinion: Opinion,
    /// [`Code::Met`] is as expected; `None` where the environment says nothing.
    pub code: Option<Code>,
    /// Where it was written down.
    pub sources: Vec<SourceRef>,
    /// Flows and exceptions that say so, by name.
    pub named: Vec<String>,
}

/// A connection and the ports for which everything here is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub from: Party,
    pub to: Party,
    /// Never empty. Towards `dns` and `k8s-api` the Service's ports, else the pod's.
    pub ports: PortSet,
    /// What the cluster does.
    pub verdict: Verdict,
    /// In the order of [`Comparison::environments`].
    pub by_environment: Vec<Judgement>,
    /// Open because nothing isolates the workload, and nobody speaks of it.
    pub by_default: bool,
}

impl Line {
    /// Whether the environments say different things of it, or see the cluster differently.
    pub fn differs(&self) -> bool {
        let said = |one: &Judgement| (one.opinion, one.is_drift());
        self.by_environment
            .windows(2)
            .any(|pair| said(&pair[0]) != said(&pair[1]))
    }
}

impl Judgement {
    /// Whether the cluster does something else than is expected, or may.
    pub fn is_drift(&self) -> bool {
        !matches!(self.code, None | Some(Code::Met | Code::Narrower))
    }
}

/// The lines, by from, to and ports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    pub environments: Vec<String>,
    pub lines: Vec<Line>,
}

/// Environments bound to the cluster, each with its findings.
type Plans<'a> = &'a [(&'a Plan, &'a [Finding])];

/// Compares environments for the workloads in scope. Each plan comes with its findings, those that are met included.
pub fn compare(engine: &Engine, plans: &[(&Plan, &[Finding])], scope: &Scope) -> Comparison {
    let members = members(engine, plans, scope);
    let considered = Considered::collect(engine, plans, scope, &members);
    let mut comparer = Comparer {
        engine,
        plans,
        told: told(plans),
        pieces: pieces(engine, plans),
        members,
        lines: Vec::new(),
    };
    for ((from, to), ports) in &considered.pairs {
        comparer.pair(*from, *to, ports, &considered.dns_targets);
    }
    for (from, word, asked) in considered.services() {
        comparer.service(from, (word, asked), &considered.targets(word));
    }
    for (to, ports) in &considered.from_api {
        comparer.api_server(*to, ports, &considered.api_entities);
    }
    for ((own, direction), (ports, is_open)) in &considered.wide {
        comparer.wide(*own, *direction, ports, *is_open);
    }
    let mut lines = comparer.lines;
    lines.sort_by(|a, b| (&a.from, &a.to, &a.ports).cmp(&(&b.from, &b.to, &b.ports)));
    Comparison {
        environments: plans
            .iter()
            .map(|(plan, _)| plan.environment().to_owned())
            .collect(),
        lines,
    }
}

/// Findings by environment and ends.
type Told<'a> = BTreeMap<(usize, &'a str, &'a str), Vec<&'a Finding>>;

fn told<'a>(plans: &[(&'a Plan, &'a [Finding])]) -> Told<'a> {
    let mut told = Told::new();
    for (index, (_, findings)) in plans.iter().enumerate() {
        for finding in findings.iter().filter(|f| f.protocol.is_some()) {
            told.entry((index, finding.from.as_str(), finding.to.as_str()))
                .or_default()
                .push(finding);
        }
    }
    told
}

struct Comparer<'a> {
    engine: &'a Engine,
    plans: &'a [(&'a Plan, &'a [Finding])],
    told: Told<'a>,
    members: Vec<Member>,
    pieces: Vec<(AddressSet, Entity)>,
    lines: Vec<Line>,
}

impl Comparer<'_> {
    /// A connection between two workloads.
    fn pair(
        &mut self,
        from: usize,
        to: usize,
        ports: &PortSet,
        dns: &BTreeMap<(Entity, Protocol, u16), u16>,
    ) {
        let (a, b) = (&self.members[from], &self.members[to]);
        // What answers names is told as `dns`.
        let mut ports = ports.clone();
        for (entity, protocol, port) in dns.keys() {
            if b.pods.contains(entity) {
                ports = ports.difference(&PortSet::port(*protocol, *port));
            }
        }
        let pairs = a.pairs_with(b, from == to);
        let Some(seen) = Seen::of_pairs(self.engine, self.plans, &pairs) else {
            return;
        };
        let seen = seen.with_findings(&self.told, (&a.party.id, &b.party.id), &[]);
        let ends = (a.party.clone(), b.party.clone());
        for (key, ports) in seen.keys(&ports) {
            self.add(ends.clone(), ports, &key, &pairs, false);
        }
    }

    /// A connection from what answers for the API server.
    fn api_server(&mut self, to: usize, ports: &PortSet, entities: &[Entity]) {
        let b = &self.members[to];
        let pairs: Vec<(Entity, Entity)> = entities
            .iter()
            .flat_map(|x| b.examples.iter().map(move |y| (x.clone(), y.clone())))
            .collect();
        let Some(seen) = Seen::of_pairs(self.engine, self.plans, &pairs) else {
            return;
        };
        let from = Party::word("k8s-api", 1);
        let seen = seen.with_findings(&self.told, (&from.id, &b.party.id), &[]);
        let ends = (from, b.party.clone());
        for (key, ports) in seen.keys(ports) {
            self.add(ends.clone(), ports, &key, &pairs, false);
        }
    }

    /// A connection to a Service that documents call by a word: told by its ports, judged where they lead.
    fn service(&mut self, from: usize, (word, asked): (&str, &PortSet), all: &[ServicePort]) {
        let a = &self.members[from];
        let Some(seen) = Seen::of_service(self.engine, self.plans, &a.examples, all) else {
            return;
        };
        let to = Party::word(word, 1);
        let seen = seen.with_findings(&self.told, (&a.party.id, word), all);
        let ports = all.iter().fold(PortSet::empty(), |ports, one| {
            ports.union(&PortSet::port(one.protocol, one.port))
        });
        let targets = all.iter().flat_map(|one| &one.targets);
        let pairs: Vec<(Entity, Entity)> = targets
            .flat_map(|(y, _)| a.examples.iter().map(move |x| (x.clone(), y.clone())))
            .collect();
        let ends = (a.party.clone(), to);
        for (key, ports) in seen.keys(&ports.intersection(asked)) {
            self.add(ends.clone(), ports, &key, &pairs, false);
        }
    }

    /// What a workload is to everybody: to pods nobody knows, and to every piece of the outside.
    fn wide(&mut self, own: usize, direction: Direction, ports: &PortSet, is_open: bool) {
        let member = &self.members[own];
        let atoms = Atom::all(
            self.engine,
            self.plans,
            (member, direction),
            &self.pieces,
            is_open,
        );
        let closed = self.closed(member, direction);
        let cells = Atom::cells(&atoms, &closed, ports);
        // Ports for which the same atoms say the same are told together.
        let mut groups: BTreeMap<(Key, Vec<usize>), PortSet> = BTreeMap::new();
        for cell in &cells {
            let mut by_key: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
            for (index, atom) in atoms.iter().enumerate() {
                if let Some(key) = atom.key(cell, &closed) {
                    by_key.entry(key).or_default().push(index);
                }
            }
            for (key, who) in by_key {
                let all = groups.entry((key, who)).or_default();
                *all = all.union(cell);
            }
        }
        let mut made = Vec::new();
        for ((key, who), ports) in groups {
            let silent = key.is_silent();
            // Who speaks of nothing here is told of as far as rules let it through, which its own lines say.
            let by_default = is_open && silent;
            for (party, example) in Self::parties(&atoms, &who, member) {
                let peer = atoms[example].peer.clone();
                let pair = match direction {
                    Direction::Egress => (member.examples[0].clone(), peer),
                    Direction::Ingress => (peer, member.examples[0].clone()),
                };
                let ends = match direction {
                    Direction::Egress => (member.party.clone(), party),
                    Direction::Ingress => (party, member.party.clone()),
                };
                made.push((ends, ports.clone(), key.clone(), pair, by_default));
            }
        }
        for (ends, ports, key, pair, by_default) in made {
            self.add(ends, ports, &key, &[pair], by_default);
        }
    }

    /// By environment: the ports that are written down with nobody named, and that nobody gets through.
    fn closed(&self, member: &Member, direction: Direction) -> Vec<PortSet> {
        let (from, to) = match direction {
            Direction::Egress => (member.party.id.as_str(), "any"),
            Direction::Ingress => ("any", member.party.id.as_str()),
        };
        (0..self.plans.len())
            .map(|plan| {
                let found = self.told.get(&(plan, from, to)).into_iter().flatten();
                found
                    .filter(|finding| finding.code == Code::Broken)
                    .filter_map(|f| Some(PortSet::range(f.protocol?, f.ports?)))
                    .fold(PortSet::empty(), |all, ports| all.union(&ports))
            })
            .collect()
    }

    /// What to call some atoms, each party with one of them: `any` when it is all of them.
    fn parties(atoms: &[Atom], who: &[usize], member: &Member) -> Vec<(Party, usize)> {
        let inside = who
            .iter()
            .copied()
            .find(|index| atoms[*index].set.is_none());
        let sets = |wanted: &mut dyn Iterator<Item = usize>| {
            wanted
                .filter_map(|index| atoms[index].set.as_ref())
                .fold(AddressSet::empty(), |all, set| all.union(set))
        };
        let outside = sets(&mut who.iter().copied());
        let everything = sets(&mut (0..atoms.len()));
        if who.len() == atoms.len() && atoms.len() > 1 {
            return vec![(Party::word("any", 2), who[0])];
        }
        let mut parties = Vec::new();
        if let Some(index) = inside {
            let typed = format!("{}/*", member.namespace);
            let party = Party {
                name: "every pod".to_owned(),
                typed,
                ..Party::word("cluster", 3)
            };
            parties.push((party, index));
        }
        if let Some(first) = who.iter().copied().find(|i| atoms[*i].set.is_some()) {
            parties.push((Party::outside(&outside, &everything), first));
        }
        parties
    }

    fn add(
        &mut self,
        (from, to): (Party, Party),
        ports: PortSet,
        key: &Key,
        pairs: &[(Entity, Entity)],
        by_default: bool,
    ) {
        let by_environment = key
            .by_environment
            .iter()
            .zip(self.plans)
            .map(|((opinion, code), (plan, _))| {
                let at_ports = (!matches!(to.id.as_str(), "dns" | "k8s-api")).then_some(&ports);
                let (sources, named) = written(plan, *opinion, pairs, at_ports);
                Judgement {
                    opinion: *opinion,
                    code: *code,
                    sources,
                    named,
                }
            })
            .collect();
        self.lines.push(Line {
            from,
            to,
            ports,
            verdict: key.verdict,
            by_environment,
            by_default,
        });
    }
}

/// Where a plan says what it says, and the names of the flows and exceptions among that.
fn written(
    plan: &Plan,
    opinion: Opinion,
    pairs: &[(Entity, Entity)],
    ports: Option<&PortSet>,
) -> (Vec<SourceRef>, Vec<String>) {
    let (mut sources, mut named) = (Vec::new(), Vec::new());
    if opinion == Opinion::None {
        return (sources, named);
    }
    for (from, to) in pairs {
        let speaks = |claim: &Claim| {
            weigh::says(claim.kind) == Some(opinion)
                && plan
                    .claimed(claim, from, to)
                    .is_some_and(|said| match ports {
                        Some(ports) => !said.intersection(ports).is_empty(),
                        None => true,
                    })
        };
        let before = sources.len();
        for claim in plan.claims().filter(|claim| speaks(claim)) {
            let origin = &plan.origins[claim.origin];
            sources.extend(origin.sources.iter().cloned());
            named.extend(origin.name.clone());
        }
        // Nothing says so by itself: then it is what a row leaves out.
        if sources.len() == before {
            for (direction, own) in [(Direction::Egress, from), (Direction::Ingress, to)] {
                sources.extend(row_lines(plan, direction, own));
            }
        }
    }
    sources.sort();
    sources.dedup();
    named.sort();
    named.dedup();
    (sources, named)
}

/// The lines of the rows that speak of an entity in a direction.
fn row_lines(plan: &Plan, direction: Direction, entity: &Entity) -> Vec<SourceRef> {
    let rows = plan.rows_of(entity);
    let cells = rows
        .iter()
        .filter_map(|index| plan.workloads[*index as usize].cells[slot(direction)].as_ref());
    cells.map(|cell| cell.at.clone()).collect()
}

impl Party {
    fn word(word: &str, rank: u8) -> Self {
        let name = match word {
            "dns" => "DNS",
            "k8s-api" => "K8s API",
            other => other,
        };
        let typed = match word {
            // Whoever it is, the internet is among them.
            "any" | "external" => "internet",
            other => other,
        };
        Self {
            rank,
            id: word.to_owned(),
            name: name.to_owned(),
            typed: typed.to_owned(),
            namespace: None,
        }
    }

    /// A set of outside addresses: a word where there is one, else ranges.
    fn outside(set: &AddressSet, everything: &AddressSet) -> Self {
        let internet = crate::model::cidr::internet();
        if set == everything {
            return Self::word("external", 4);
        }
        if *set == internet.intersection(everything) {
            return Self::word("internet", 5);
        }
        let typed = set.intersection(&internet).first().or(set.first());
        Self {
            rank: 6,
            id: super::flows::range_id(set),
            name: super::flows::range_name(set),
            typed: typed.map(|address| address.to_string()).unwrap_or_default(),
            namespace: None,
        }
    }
}

#[cfg(test)]
mod tests;
