//! Which places there are, and which of them each pod, node and address has.

use std::net::IpAddr;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::compile::places::addresses_of;
use crate::compile::{NONE, NodeEntry, Place, PlaceKind, PodPlaces, Space, Switch};
use crate::model::{ContainerPort, Family, IpRange, Labels, Namespace, Node, Pod};

use super::{Writer, number_in};

impl Writer {
    /// The number of a place; a new one is entered in the indexes, in no set yet, and has no guard yet.
    pub(super) fn place_number(&mut self, place: Place) -> u32 {
        let known = self.compiled.places.len();
        let number = number_in(&mut self.compiled.places, &mut self.places, place);
        if self.compiled.places.len() == known {
            return number;
        }
        for guards in &mut self.compiled.guard_of {
            guards.push(0);
        }
        if place.atom == NONE {
            self.index.without_address.push(number);
        } else {
            let atom = place.atom as usize;
            if self.index.by_atom.len() <= atom {
                self.index.by_atom.resize_with(atom + 1, Vec::new);
            }
            self.index.by_atom[atom].push(number);
        }
        match place.kind {
            PlaceKind::Pod => {
                self.index.by_space[place.space as usize].push(number);
                for label in self.projections.get(place.labels) {
                    self.index.by_label.entry(*label).or_default().push(number);
                }
            }
            PlaceKind::HostPod => {
                self.index.host_by_space[place.space as usize].push(number);
                self.index.on_nodes.push(number);
            }
            PlaceKind::Node | PlaceKind::Tunnel => self.index.on_nodes.push(number),
            PlaceKind::Outside => {}
        }
        number
    }

    pub(super) fn table_number(&mut self, table: Arc<[ContainerPort]>) -> u32 {
        let known = self.compiled.tables.len();
        let number = number_in(&mut self.compiled.tables, &mut self.tables, table);
        if self.compiled.tables.len() > known {
            // A name may stand for any of these numbers, so rules can tell them apart.
            for port in self.compiled.tables[number].iter() {
                self.numbers.ports.declare(port.protocol, port.port);
            }
        }
        number
    }

    /// Places for the addresses that are nobody's, one for each atom.
    pub(super) fn make_outside(&mut self) {
        let known = self.compiled.outside.len();
        let ranges: Vec<IpRange> = self.numbers.atoms.ranges()[known..].to_vec();
        let mut outside = self.compiled.outside.as_ref().clone();
        for (index, range) in ranges.into_iter().enumerate() {
            let place = self.place_number(Place {
                kind: PlaceKind::Outside,
                space: NONE,
                labels: NONE,
                node_labels: NONE,
                family: Some(range.family()),
                atom: u32::try_from(known + index).expect("fewer than 2^32 ranges"),
                table: 0,
            });
            outside.push(place);
        }
        self.compiled.outside = Arc::new(outside);
    }

    pub(super) fn make_nodes(&mut self) {
        let nodes = Arc::clone(&self.compiled.cluster.nodes);
        let entries = nodes.iter().map(|node| self.node_entry(node)).collect();
        self.compiled.nodes = Arc::new(entries);
    }

    fn node_projection(&mut self, labels: &Labels) -> u32 {
        let projection = self.numbers.nodes.project(labels);
        self.node_projections.number(projection)
    }

    fn node_entry(&mut self, node: &Node) -> NodeEntry {
        let labels = self.node_projection(&node.labels);
        let mut at: Vec<(IpAddr, u32)> = Vec::new();
        let listed = node.addresses.iter().chain(&node.internal);
        let all = listed.map(|address| (PlaceKind::Node, address)).chain(
            node.tunnels
                .iter()
                .map(|address| (PlaceKind::Tunnel, address)),
        );
        for (kind, address) in all {
            if !at.iter().any(|(known, _)| known == address) {
                let place = self.place_number(Place {
                    kind,
                    space: NONE,
                    labels: NONE,
                    node_labels: labels,
                    family: Some(Family::of(*address)),
                    atom: self.numbers.atoms.find(*address),
                    table: 0,
                });
                at.push((*address, place));
            }
        }
        let of = |addresses: &[IpAddr]| -> SmallVec<[u32; 2]> {
            let mut found = SmallVec::new();
            for address in addresses {
                let place = at.iter().find(|(known, _)| known == address);
                let place = place.map(|(_, place)| *place);
                if let Some(place) = place.filter(|place| !found.contains(place)) {
                    found.push(place);
                }
            }
            found
        };
        let targets = of(if node.internal.is_empty() {
            &node.addresses
        } else {
            &node.internal
        });
        let mut sources = targets.clone();
        for place in of(&node.tunnels) {
            if !sources.contains(&place) {
                sources.push(place);
            }
        }
        NodeEntry {
            at,
            sources,
            targets,
        }
    }

    /// Gives every pod of a namespace its places.
    pub(super) fn place_pods(&mut self, space: u32) {
        let namespace = Arc::clone(&self.compiled.spaces[space].namespace);
        let pods = namespace
            .pods
            .iter()
            .map(|pod| self.places_of(pod, space))
            .collect();
        self.settle(space, &namespace, pods);
    }

    /// Makes a namespace have these pods, at these places.
    pub(super) fn settle(&mut self, space: u32, namespace: &Arc<Namespace>, pods: Vec<PodPlaces>) {
        let plain = namespace.pods.iter().zip(&pods).map(|(pod, places)| {
            let is_plain = |place: &u32| {
                let place = self.compiled.places[*place];
                place.kind == PlaceKind::Pod && place.family.is_some()
            };
            match places.as_slice() {
                [only] if is_plain(only) && !pod.is_finished() => *only,
                _ => NONE,
            }
        });
        let plain = plain.collect();
        let namespace = Arc::clone(namespace);
        self.change_space(space, |space| {
            space.namespace = namespace;
            space.pods = pods;
            space.plain = plain;
        });
    }

    pub(super) fn change_space(&mut self, space: u32, change: impl FnOnce(&mut Space)) {
        change(Arc::make_mut(self.compiled.spaces.get_mut(space)));
    }

    /// The places of a pod as its labels, ports and addresses are now.
    pub(super) fn places_of(&mut self, pod: &Pod, space: u32) -> PodPlaces {
        let cluster = Arc::clone(&self.compiled.cluster);
        let node = match &pod.node {
            Some(name) if pod.host_network => cluster.node(name),
            _ => None,
        };
        let labelled = if pod.host_network {
            cluster.node_of(pod)
        } else {
            None
        };
        let projection = self.numbers.pods.project(&pod.labels);
        let labels = self.projections.number(projection);
        let place = Place {
            kind: if pod.host_network {
                PlaceKind::HostPod
            } else {
                PlaceKind::Pod
            },
            space,
            labels,
            node_labels: labelled.map_or(NONE, |node| self.node_projection(&node.labels)),
            family: None,
            atom: NONE,
            table: self.table_of(pod),
        };
        let addresses = addresses_of(pod, node);
        let mut places = PodPlaces::new();
        if addresses.is_empty() {
            places.push(self.place_number(place));
        }
        // Where blocks never match pods, their addresses make no difference.
        let reads_address =
            pod.host_network || self.compiled.profile.blocks_match_pods != Switch::No;
        for address in addresses {
            let place = self.place_number(Place {
                family: Some(Family::of(*address)),
                atom: if reads_address {
                    self.numbers.atoms.find(*address)
                } else {
                    NONE
                },
                ..place
            });
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }

    /// The named ports of a pod that some rule names. A host-network pod is its node to policies, and a node has no port names
    /// (rules N43, N52).
    fn table_of(&mut self, pod: &Pod) -> u32 {
        let is_named = |port: &&ContainerPort| {
            !port.name.is_empty() && self.numbers.port_names.contains(port.name.as_str())
        };
        if pod.host_network || !pod.ports.iter().any(|port| is_named(&port)) {
            return 0;
        }
        let table: Arc<[ContainerPort]> = pod.ports.iter().filter(is_named).cloned().collect();
        self.table_number(table)
    }
}
