//! Ports on boxes, and the trunks that wires share.
//!
//! A trunk is a star: all wires into one pin, or all wires out of one exit. So no two of its ends are joined by the trunk
//! alone unless an edge joins them.

use std::collections::{BTreeMap, BTreeSet};

use super::names;
use super::plan::{Flow, Plan};
use super::sticky::Repair;
use super::{End, Graph, State};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Left,
    Right,
}

/// How a wire runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// From a right side to a left side.
    East,
    /// From a left side to a right side.
    West,
    /// Within one column: out of a left side and back into one.
    Around,
}

/// A place on a box's side where wires leave or enter.
#[derive(Clone, Debug)]
pub(super) struct Port {
    pub(super) place: usize,
    pub(super) side: Side,
    pub(super) exit: bool,
    /// Serves half-open edges that this end denies: the wire is cut here.
    pub(super) denied: bool,
    /// The port numbers of a pin.
    pub(super) label: String,
    /// Unique, and the same from one layout to the next.
    pub(super) key: String,
}

/// A drawn edge.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) edge: usize,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) exit: usize,
    pub(super) pin: usize,
    pub(super) way: Way,
    pub(super) trunk: usize,
    pub(super) state: State,
}

#[derive(Clone, Debug)]
pub(super) struct Trunk {
    pub(super) wires: Vec<usize>,
    pub(super) way: Way,
    pub(super) key: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Wiring {
    pub(super) ports: Vec<Port>,
    pub(super) wires: Vec<Wire>,
    pub(super) trunks: Vec<Trunk>,
    /// The keys of the trunks.
    keys: BTreeSet<String>,
}

/// Wires that may not share a trunk with any other: `alone` with none at all.
#[derive(Clone, Debug, Default)]
struct Sharing {
    alone: BTreeSet<usize>,
    /// They share with wires of their state.
    apart: BTreeSet<usize>,
    /// They share the way into a pin.
    gathered: BTreeSet<usize>,
}

/// Gives every flow an exit and a pin, and bundles the wires. Without `labels` all ports of a destination share a pin.
pub(super) fn bundle(
    graph: &Graph,
    plan: &Plan,
    column: &[usize],
    labels: bool,
    repair: &Repair,
) -> Wiring {
    let mut wiring = Wiring::default();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut sharing = Sharing::default();
    for flow in &plan.flows {
        let (from, to) = (&plan.places[flow.from], &plan.places[flow.to]);
        let way = match column[flow.from].cmp(&column[flow.to]) {
            std::cmp::Ordering::Less => Way::East,
            std::cmp::Ordering::Greater => Way::West,
            std::cmp::Ordering::Equal => Way::Around,
        };
        let split = repair.alone.contains(&(from.id.clone(), to.id.clone()));
        if split {
            sharing.alone.insert(wiring.wires.len());
        } else if !repair.apart.is_empty() {
            let named = (from.id.clone(), to.id.clone(), flow.state);
            if repair.apart.contains(&named) {
                sharing.apart.insert(wiring.wires.len());
            }
        }
        if repair.gathered.contains(&from.id) {
            sharing.gathered.insert(wiring.wires.len());
        }
        let ports = &graph.edges[flow.edge].ports;
        let label = if labels {
            names::ports(ports.iter().map(String::as_str))
        } else {
            String::new()
        };
        let pin_name = if labels {
            ports.join(",")
        } else {
            String::new()
        };
        let (exit, pin) = ends(flow, way, label);
        let mut port = |port: Port, name: &str, other: &str| {
            let place = &plan.places[port.place].id;
            let mut key = format!(
                "{place} {:?} {} {name}",
                port.side,
                if port.denied { "denied" } else { "open" }
            );
            if split {
                key = format!("{key} {other} {:?}", flow.state);
            }
            *known.entry(key.clone()).or_insert_with(|| {
                wiring.ports.push(Port { key, ..port });
                wiring.ports.len() - 1
            })
        };
        let exit = port(
            exit,
            if way == Way::Around { "around" } else { "exit" },
            &format!("{}:{pin_name}", to.id),
        );
        let pin = port(pin, &format!("pin {pin_name}"), &from.id);
        wiring.wires.push(Wire {
            edge: flow.edge,
            from: flow.from,
            to: flow.to,
            exit,
            pin,
            way,
            trunk: 0,
            state: flow.state,
        });
    }
    wiring.cover(&sharing);
    wiring
}

/// The two ports of a flow, still without keys.
fn ends(flow: &Flow, way: Way, label: String) -> (Port, Port) {
    let exit = Port {
        place: flow.from,
        side: if way == Way::East {
            Side::Right
        } else {
            Side::Left
        },
        exit: true,
        denied: flow.state == State::HalfOpen(End::From),
        label: String::new(),
        key: String::new(),
    };
    let pin = Port {
        place: flow.to,
        side: if way == Way::West {
            Side::Right
        } else {
            Side::Left
        },
        exit: false,
        denied: flow.state == State::HalfOpen(End::To),
        label,
        key: String::new(),
    };
    (exit, pin)
}

impl Wiring {
    /// Greedy star cover: the largest fan-in or fan-out becomes a trunk, until no wire is left.
    fn cover(&mut self, sharing: &Sharing) {
        // Keyed so that the first largest is a fan-in, then the one named first.
        let mut stars: BTreeMap<(bool, usize, Way, Option<State>), Vec<usize>> = BTreeMap::new();
        for wire in 0..self.wires.len() {
            if sharing.alone.contains(&wire) {
                self.trunk(vec![wire]);
                continue;
            }
            let Wire { pin, exit, way, .. } = self.wires[wire];
            let state = sharing.apart.contains(&wire);
            let state = state.then_some(self.wires[wire].state);
            let mut join = |key| stars.entry(key).or_default().push(wire);
            join((false, pin, way, state));
            if !sharing.gathered.contains(&wire) {
                join((true, exit, way, state));
            }
        }
        let mut taken = vec![false; self.wires.len()];
        let mut stars: Vec<Vec<usize>> = stars.into_values().collect();
        let mut stars_of: Vec<Vec<usize>> = vec![Vec::new(); self.wires.len()];
        for (i, star) in stars.iter().enumerate() {
            for &wire in star {
                stars_of[wire].push(i);
            }
        }
        while let Some(star) = stars.iter_mut().rev().max_by_key(|star| star.len()) {
            let star = std::mem::take(star);
            if star.is_empty() {
                return;
            }
            for &wire in &star {
                taken[wire] = true;
            }
            for &other in star.iter().flat_map(|&wire| &stars_of[wire]) {
                stars[other].retain(|&wire| !taken[wire]);
            }
            self.trunk(star);
        }
    }

    fn trunk(&mut self, wires: Vec<usize>) {
        let Some(first) = wires.first().map(|&w| self.wires[w].clone()) else {
            return;
        };
        let fan_in = wires.iter().all(|&w| self.wires[w].pin == first.pin);
        let hub = if fan_in { first.pin } else { first.exit };
        let mut key = format!("{} {:?}", self.ports[hub].key, first.way);
        while !self.keys.insert(key.clone()) {
            key.push('+');
        }
        for &w in &wires {
            self.wires[w].trunk = self.trunks.len();
        }
        self.trunks.push(Trunk {
            wires,
            way: first.way,
            key,
        });
    }

    /// Wires that ride each trunk's star, counted by the sources they come from.
    pub(super) fn is_fan_in(&self, trunk: usize) -> bool {
        let mut exits = self.trunks[trunk].wires.iter().map(|&w| self.wires[w].exit);
        let first = exits.next();
        exits.any(|e| Some(e) != first)
    }
}
