//! The architecture table of what is: a row a workload, ingress and egress in the words teams use in their documents.

mod exact;

use std::collections::BTreeMap;

use crate::engine::Engine;
use crate::expect::Plan;
use crate::expect::stance::Stance;
use crate::model::{AddressSet, Direction, PortRange, PortSet, Protocol};

use super::connections::{
    Connection, Connections, Point, Standing, connections, in_scope, is_just_internet, point_id,
    point_name, told_ranges,
};
use super::scope::Scope;

pub use exact::exact;

/// An entry for everything but what rules of cluster-wide policies deny.
const PARTLY: &str = "Any but some";

/// The table, judged by an environment if there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub environment: Option<String>,
    /// By namespace, then name.
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// `ns/kind/name`
    pub id: String,
    /// Without the namespace.
    pub name: String,
    pub namespace: String,
    pub ingress: Vec<Item>,
    pub egress: Vec<Item>,
}

/// One entry of a cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// As a document would have it: `27017 (mongo)`, `53 (DNS)`, `Deny All`. Ingress entries name no peers here.
    pub text: String,
    /// The same with every peer named: what can be read back without loss.
    pub full: String,
    pub ports: PortSet,
    /// Ids, sorted.
    pub peers: Vec<String>,
    pub ranges: AddressSet,
    pub state: ItemState,
}

/// How an entry stands to the environment in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ItemState {
    AsExpected,
    Missing,
    Unexpected,
    Unknown,
    NoExpectation,
}

impl ItemState {
    /// The sign beside an entry: as expected, missing, not expected, unknown.
    pub fn sign(self) -> &'static str {
        match self {
            Self::AsExpected => "=",
            Self::Missing => "▼",
            Self::Unexpected => "▲",
            Self::Unknown => "?",
            Self::NoExpectation => "",
        }
    }

    /// The word JSON uses; `None` without an expectation.
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Self::AsExpected => Some("expected"),
            Self::Missing => Some("missing"),
            Self::Unexpected => Some("unexpected"),
            Self::Unknown => Some("unknown"),
            Self::NoExpectation => None,
        }
    }
}

/// Makes the table for the workloads in scope.
pub fn table(engine: &Engine, plan: Option<&Plan>, scope: &Scope) -> Table {
    from_connections(&connections(engine, plan, scope), plan, scope)
}

/// Makes the table from connections already collected.
pub fn from_connections(found: &Connections, plan: Option<&Plan>, scope: &Scope) -> Table {
    // The connections of each workload, by direction: the list is walked once, not once a row.
    let mut own: Vec<[Vec<&Connection>; 2]> = vec![[Vec::new(), Vec::new()]; found.workloads.len()];
    for connection in &found.list {
        for (point, direction) in [
            (&connection.to, Direction::Ingress),
            (&connection.from, Direction::Egress),
        ] {
            if let Point::Workload(index) = point {
                own[*index][usize::from(direction == Direction::Egress)].push(connection);
            }
        }
    }
    let mut rows: Vec<Row> = Vec::new();
    for (index, drawn) in found.workloads.iter().enumerate() {
        if !in_scope(drawn, scope) {
            continue;
        }
        let cell = |direction: Direction, stance, tolerated| {
            let own = &own[index][usize::from(direction == Direction::Egress)];
            cell(found, own, &drawn.namespace, direction, stance, tolerated)
        };
        rows.push(Row {
            id: drawn.end.id.clone(),
            name: drawn.name.clone(),
            namespace: drawn.namespace.clone(),
            ingress: cell(Direction::Ingress, drawn.ingress, drawn.ingress_tolerated),
            egress: cell(Direction::Egress, drawn.egress, drawn.egress_tolerated),
        });
    }
    rows.sort_by(|a, b| (&a.namespace, &a.name, &a.id).cmp(&(&b.namespace, &b.name, &b.id)));
    Table {
        environment: plan.map(|plan| plan.environment().to_owned()),
        rows,
    }
}

fn cell(
    found: &Connections,
    own: &[&Connection],
    home: &str,
    direction: Direction,
    stance: Stance,
    tolerated: Option<bool>,
) -> Vec<Item> {
    let mut entries: Vec<(Protocol, PortRange, ItemState, Point)> = Vec::new();
    for connection in own {
        let other = match direction {
            Direction::Egress => &connection.to,
            Direction::Ingress => &connection.from,
        };
        let state = match connection.standing {
            Standing::Open => ItemState::NoExpectation,
            Standing::AsExpected => ItemState::AsExpected,
            Standing::Missing => ItemState::Missing,
            Standing::Unexpected => ItemState::Unexpected,
            Standing::Unknown => ItemState::Unknown,
            // One side alone lets nothing through: that is no part of what is.
            Standing::HalfOpen(_) => continue,
        };
        if *other == Point::Any && connection.ports.is_all() {
            entries.push((Protocol::Tcp, PortRange::ALL, state, Point::Any));
            continue;
        }
        for (protocol, range) in told_ranges(&connection.ports) {
            entries.push((protocol, range, state, other.clone()));
        }
    }
    let mut items = merge(found, entries, direction, home);
    match stance {
        // Whatever else is written: everything passes, so that is what the cell says first.
        Stance::Open | Stance::NoSubject | Stance::Partly => {
            let state = match tolerated {
                None => ItemState::NoExpectation,
                Some(true) => ItemState::AsExpected,
                Some(false) => ItemState::Unexpected,
            };
            let text = if stance == Stance::Partly {
                PARTLY
            } else {
                "Any"
            };
            items.insert(0, word(text, PortSet::all(), state));
        }
        Stance::Unknown => items.insert(0, word("?", PortSet::empty(), ItemState::Unknown)),
        Stance::Closed if items.is_empty() => {
            // Written down as closed, or at least with nothing that would have to be open.
            let state = tolerated.map_or(ItemState::NoExpectation, |_| ItemState::AsExpected);
            items.push(word("Deny All", PortSet::empty(), state));
        }
        Stance::Closed => {
            if items.iter().all(|item| item.state == ItemState::Missing) {
                items.insert(
                    0,
                    word("Deny All", PortSet::empty(), ItemState::NoExpectation),
                );
            }
        }
    }
    items
}

fn word(text: &str, ports: PortSet, state: ItemState) -> Item {
    Item {
        text: text.to_owned(),
        full: text.to_owned(),
        ports,
        peers: Vec::new(),
        ranges: AddressSet::empty(),
        state,
    }
}

/// One entry for each port and state; towards DNS both protocols are one entry, as everybody writes it.
fn merge(
    found: &Connections,
    entries: Vec<(Protocol, PortRange, ItemState, Point)>,
    direction: Direction,
    home: &str,
) -> Vec<Item> {
    // Egress entries are one a peer, ingress entries one a port with all peers.
    type Key = (Option<Point>, PortRange, ItemState);
    let mut grouped: Vec<(Key, PortSet, Vec<Point>)> = Vec::new();
    let mut known: BTreeMap<Key, usize> = BTreeMap::new();
    for (protocol, range, state, point) in entries {
        let key = (
            (direction == Direction::Egress).then(|| point.clone()),
            range,
            state,
        );
        let ports = PortSet::range(protocol, range);
        match known.get(&key) {
            Some(index) => {
                let (_, set, points) = &mut grouped[*index];
                *set = set.union(&ports);
                points.push(point);
            }
            None => {
                known.insert(key.clone(), grouped.len());
                grouped.push((key, ports, vec![point]));
            }
        }
    }
    let mut items: Vec<Item> = grouped
        .into_iter()
        .map(|((_, range, state), ports, mut points)| {
            points.sort();
            points.dedup();
            if points.contains(&Point::Any) {
                // Everyone holds all others.
                points = vec![Point::Any];
            }
            item(found, range, &ports, state, &points, direction, home)
        })
        .collect();
    items.sort_by_cached_key(order);
    // The same port twice, as expected for some and not for others: then it has to be said for whom it is not.
    let short: Vec<String> = items.iter().map(|item| item.text.clone()).collect();
    for item in &mut items {
        let odd = !matches!(item.state, ItemState::AsExpected | ItemState::NoExpectation);
        if odd && short.iter().filter(|text| **text == item.text).count() > 1 {
            item.text.clone_from(&item.full);
        }
    }
    items
}

/// DNS first, then by port, the state last: what is missing stands where it would stand.
fn order(item: &Item) -> (bool, PortSet, Vec<String>, ItemState) {
    (
        !item.peers.iter().any(|peer| peer == "dns"),
        item.ports.clone(),
        item.peers.clone(),
        item.state,
    )
}

fn item(
    found: &Connections,
    range: PortRange,
    ports: &PortSet,
    state: ItemState,
    points: &[Point],
    direction: Direction,
    home: &str,
) -> Item {
    let protocols: Vec<Protocol> = Protocol::ALL
        .into_iter()
        .filter(|p| !ports.only(*p).is_empty())
        .collect();
    let to_dns = points == [Point::Dns];
    let number = match protocols.as_slice() {
        [Protocol::Tcp] if !to_dns => range.to_string(),
        [Protocol::Tcp, Protocol::Udp] if to_dns => range.to_string(),
        // Required is UDP, and documents write just the port.
        [Protocol::Udp] if to_dns && state == ItemState::Missing => range.to_string(),
        [Protocol::Tcp, Protocol::Udp, Protocol::Sctp] => range.to_string(),
        several => {
            let named: Vec<String> = several
                .iter()
                .map(|p| format!("{range}/{}", p.as_str().to_lowercase()))
                .collect();
            named.join(", ")
        }
    };
    let names: Vec<String> = points
        .iter()
        .map(|point| match point {
            Point::Any => "Any".to_owned(),
            // A table has room for what exactly is meant.
            Point::Range(set) if is_just_internet(set) => "internet".to_owned(),
            Point::Range(set) => super::flows::range_name(set),
            other => point_name(found, other, home),
        })
        .collect();
    let ranges = points
        .iter()
        .fold(AddressSet::empty(), |all, point| match point {
            Point::Range(set) => all.union(set),
            _ => all,
        });
    let is_any = points == [Point::Any];
    let full = match points {
        [Point::Range(_)] if range == PortRange::ALL => names.join(", "),
        _ if is_any && range == PortRange::ALL && ports.is_all() => "Any".to_owned(),
        _ => format!("{number} ({})", names.join(", ")),
    };
    let text = match direction {
        Direction::Ingress if !is_any && !matches!(points, [Point::Range(_)]) => number.clone(),
        _ => full.clone(),
    };
    Item {
        text,
        full,
        ports: ports.clone(),
        peers: points.iter().map(|point| point_id(found, point)).collect(),
        ranges,
        state,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::Profile;
    use crate::source::manifests;

    const PODS: &str = "
{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: x, labels: {app: a}}, status: {phase: Running, podIP: 10.0.0.1}}
---
{kind: Pod, apiVersion: v1, metadata: {name: b, namespace: x, labels: {app: b}}, status: {phase: Running, podIP: 10.0.0.2}}
---
";

    /// `expect` holds the cells of `a`; the result is a's row, ingress before egress, each entry with its sign.
    fn check(policies: &str, expect: Option<&str>, expected: &str) {
        let (cluster, told) = manifests::parse("t", &format!("{PODS}{policies}"));
        assert!(told.is_empty(), "{told:?}");
        let engine = Engine::build(&Arc::new(cluster), Profile::spec());
        let plan = expect.map(|cells| {
            let text = format!(
                "apiVersion: netseg/v1\nkind: Expectations\nmetadata: {{name: t}}\nworkloads:\n  a: {{select: {{namespace: x, labels: {{app: a}}}}}}\n  b: {{select: {{namespace: x, labels: {{app: b}}}}}}\nenvironments:\n  dev:\n    expect:\n      a: {cells}\n"
            );
            let read = crate::expect::read("e", &text).unwrap_or_else(|told| panic!("{told:?}"));
            crate::expect::bind(&engine, &read, "dev", jiff::civil::date(2026, 1, 1))
        });
        let table = table(&engine, plan.as_ref(), &Scope::all());
        let cell = |items: &[Item]| {
            let told: Vec<String> = items
                .iter()
                .map(|i| format!("{} {}", i.full, i.state.sign()))
                .collect();
            told.join(", ")
        };
        let row = &table.rows[0];
        assert_eq!(
            format!("{} | {}", cell(&row.ingress), cell(&row.egress)),
            expected
        );
    }

    const DENY: &str = "{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: deny, namespace: x}, spec: {policyTypes: [Ingress, Egress]}}";

    #[test]
    fn a_direction_that_should_be_closed_and_is_open_is_not_as_expected() {
        check("", None, "Any  | Any ");
        check("", Some("{ingress: deny, egress: any}"), "Any ▲ | Any =");
    }

    #[test]
    fn a_closed_direction_is_as_expected_only_where_somebody_wrote_so() {
        check(DENY, None, "Deny All  | Deny All ");
        check(DENY, Some("{ingress: deny}"), "Deny All = | Deny All ");
        check(
            DENY,
            Some("{egress: [\"80 -> b\"]}"),
            "Deny All  | Deny All , 80 (b) ▼",
        );
    }

    #[test]
    fn a_documented_port_that_nobody_may_use_is_missing() {
        check(
            DENY,
            Some("{ingress: [\"80\"]}"),
            "Deny All , 80 (Any) ▼ | Deny All ",
        );
    }

    #[test]
    fn under_a_policy_in_doubt_nothing_is_said_to_be_denied() {
        let (cluster, _) = manifests::parse(
            "t",
            &format!(
                "{PODS}{DENY}\n---\n{{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {{name: p, namespace: x}}, spec: {{ingress: 7}}}}"
            ),
        );
        let engine = Engine::build(&Arc::new(cluster), Profile::spec());
        let row = &table(&engine, None, &Scope::all()).rows[0];
        assert_eq!(
            (row.ingress[0].text.as_str(), row.ingress[0].state),
            ("?", ItemState::Unknown)
        );
    }
}
