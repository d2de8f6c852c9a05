//! Whether policy lets somebody through who comes from a public address by a way in.

use std::collections::BTreeSet;

use crate::engine::{Engine, Entity, PodId, Reason, RuleId, Side, Verdict};
use crate::model::{AddressSet, Direction, Protocol, Resource, cidr};

use super::{SeenAs, WayIn, WayTo};

/// What policy says of a way, asked from public addresses.
#[derive(Clone, Debug, PartialEq)]
pub struct Through {
    pub verdict: Verdict,
    pub reason: Reason,
    /// The rules that let it through, or that deny it; empty where none does.
    pub because: Vec<RuleId>,
}

impl Through {
    fn plain(verdict: Verdict, reason: Reason) -> Self {
        Self {
            verdict,
            reason,
            because: Vec::new(),
        }
    }
}

/// What was said so far of connections that should all get the same answer.
#[derive(Default)]
struct Said {
    found: Option<Through>,
    /// Where nothing could be tried: why.
    lost: Option<Reason>,
}

impl Said {
    /// Adds one answer; `differs` is the reason when it is not like those before.
    fn add(&mut self, one: Through, differs: Reason) {
        match &mut self.found {
            None => self.found = Some(one),
            Some(before) if before.verdict == one.verdict => {
                before.because.extend(one.because);
            }
            Some(before) => {
                if before.verdict != Verdict::Unknown {
                    before.reason = differs;
                }
                before.verdict = Verdict::Unknown;
                before.because.extend(one.because);
            }
        }
    }

    fn into_through(self) -> Through {
        let lost = self.lost.unwrap_or(Reason::NoEndpoints);
        let mut through = self
            .found
            .unwrap_or_else(|| Through::plain(Verdict::Unreachable, lost));
        through.because.sort_unstable();
        through.because.dedup();
        through
    }
}

impl Engine {
    /// Asks policy about a way: from every public address that can be told apart, seen at the pods as the way has it.
    ///
    /// Of an Ingress it is the controller's connection that is asked about; that the controller is reached is a way of its own. Where the
    /// verdicts of pods or of possible sources differ it is unknown.
    pub fn through(&self, way: &WayIn) -> Through {
        let pods = match &way.to {
            WayTo::Nothing(reason @ (Reason::Unreadable | Reason::FqdnUnknown)) => {
                return Through::plain(Verdict::Unknown, *reason);
            }
            // No policy guards what is no pod.
            WayTo::Others(_) => {
                return Through::plain(Verdict::Allow, Reason::NoEnforcementAtExternal);
            }
            WayTo::Nothing(reason)
            | WayTo::Workload {
                idle: Some(reason), ..
            } => return Through::plain(Verdict::Unreachable, *reason),
            WayTo::Workload { pods, .. } => pods,
        };
        let public = cidr::internet();
        let served = match &way.served {
            Some(served) => public.intersection(served),
            None => public,
        };
        if served.is_empty() {
            return Through::plain(Verdict::Deny, Reason::ExplicitDeny);
        }
        let mut said = Said::default();
        let mut asked = BTreeSet::new();
        for &pod in pods {
            let entity = Entity::Pod(pod);
            let facts = self.pod(pod);
            // Pods that policy cannot tell apart, and that run on one node, get one answer.
            if !asked.insert((
                self.likeness(&entity),
                facts.node.clone(),
                facts.addresses.len(),
            )) {
                continue;
            }
            for &port in &way.targets {
                match self.through_to(way, pod, (way.protocol, port), &served) {
                    Ok(one) => said.add(one, Reason::PairsDiffer),
                    Err(reason) => said.lost = Some(reason),
                }
            }
        }
        said.into_through()
    }

    /// The same for one pod and one of its ports. The error is why no connection can be tried.
    fn through_to(
        &self,
        way: &WayIn,
        pod: PodId,
        (protocol, port): (Protocol, u16),
        served: &AddressSet,
    ) -> Result<Through, Reason> {
        let to = Entity::Pod(pod);
        let mut said = Said::default();
        let mut ask = |from: &Entity, differs: Reason| match self.unreachable(from, &to) {
            Some(reason) => said.lost = Some(reason),
            None => said.add(self.asked(from, &to, protocol, port), differs),
        };
        match &way.sources {
            SeenAs::Controller(Some(pods)) => {
                let mut asked = BTreeSet::new();
                for &controller in pods {
                    let from = Entity::Pod(controller);
                    let node = self.pod(controller).node.clone();
                    if asked.insert((self.likeness(&from), node)) {
                        ask(&from, Reason::PairsDiffer);
                    }
                }
            }
            SeenAs::Controller(None) => {
                let open = self.isolation(Direction::Ingress, &to);
                return Ok(match open {
                    crate::engine::Isolation::Open => {
                        Through::plain(Verdict::Allow, Reason::NotIsolated)
                    }
                    crate::engine::Isolation::NoSubject => {
                        Through::plain(Verdict::Allow, Reason::HostNetworkSubject)
                    }
                    _ => Through::plain(Verdict::Unknown, Reason::AddressUnknown),
                });
            }
            SeenAs::Client => {
                for from in self.samples(served) {
                    ask(&from, Reason::PairsDiffer);
                }
            }
            SeenAs::ClientOrNode => {
                for from in self.samples(served) {
                    ask(&from, Reason::PairsDiffer);
                }
                for from in self.entries(pod) {
                    ask(&from, Reason::NatAmbiguous);
                }
            }
            SeenAs::Proxy => {
                for from in self.anywhere(pod) {
                    ask(&from, Reason::NatAmbiguous);
                }
            }
        }
        match (said.found.is_some(), said.lost) {
            (false, lost) => Err(lost.unwrap_or(Reason::NoAddress)),
            (true, _) => Ok(said.into_through()),
        }
    }

    fn asked(&self, from: &Entity, to: &Entity, protocol: Protocol, port: u16) -> Through {
        let why = self.explain(from, to, protocol, port);
        let sides: [&Side; 2] = [&why.egress, &why.ingress];
        let decisive = sides
            .into_iter()
            .filter(|side| why.verdict == Verdict::Allow || side.verdict == why.verdict);
        Through {
            verdict: why.verdict,
            reason: why.reason,
            because: decisive
                .flat_map(|side| side.decided_by.iter().copied())
                .collect(),
        }
    }

    /// One address of each piece of a set that policies can tell apart, and that is nobody's in the cluster.
    fn samples(&self, set: &AddressSet) -> Vec<Entity> {
        let examples = self.outside_examples([set]).into_iter();
        examples
            .filter(|(_, example)| set.contains(*example))
            .map(|(_, example)| Entity::Address(example))
            .collect()
    }

    /// The nodes a connection may come in at, those that are alike once beside the pod's own; where not all are known, any address.
    fn entries(&self, pod: PodId) -> Vec<Entity> {
        let own = self.pod(pod).node.as_deref();
        let mut alike = BTreeSet::new();
        let mut found: Vec<Entity> = self
            .nodes()
            .filter(|id| {
                let is_own = own == Some(self.node(*id).name.as_str());
                alike.insert((self.node_likeness(*id), is_own))
            })
            .map(Entity::Node)
            .collect();
        let nodes = self.cluster().coverage.state(Resource::Nodes, None);
        if found.is_empty() || !nodes.is_some_and(crate::model::State::is_readable) {
            found.extend(self.anywhere(pod));
        }
        found
    }

    /// One address of each piece that policies can tell apart, and one of the pod's own node, which is always let in (rule N49).
    fn anywhere(&self, pod: PodId) -> Vec<Entity> {
        let pieces = self.outside();
        let pieces = pieces.iter().filter_map(AddressSet::first);
        let own = self.pod(pod).host_addresses.first().copied();
        pieces.chain(own).map(Entity::Address).collect()
    }
}
