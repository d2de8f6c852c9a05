//! Makes a [`Plan`]: selectors to pods, words to entities, ports to what policy sees.

mod credit;
mod ports;
mod who;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jiff::civil::Date;
use smallvec::SmallVec;

use crate::engine::{Engine, Entity, Reason};
use crate::model::{AddressSet, Direction, IpRange, PortSet, Protocol, Service, SourceRef, cidr};
use crate::text::tame;

use super::super::file::short::{PeerWord, PortWord};
use super::super::file::{Cell, Content, Environment, Expectations, Level, Remarks, Rule, cited};
use super::ends::End;
use super::{
    BoundCell, BoundContent, Claim, Kind, Loose, LooseKind, Must, Origin, Plan, PodFacts, slot,
};

pub(super) fn bind(
    engine: &Engine,
    expectations: &Expectations,
    environment: &str,
    today: Date,
) -> Plan {
    let resolved = expectations.resolve(environment);
    let mut plan = empty(engine, environment, today);
    let Some(env) = resolved else {
        return plan;
    };
    plan.settings = env.settings;
    plan.default_deny.clone_from(&env.default_deny);
    plan.cni.clone_from(&env.cni);
    plan.enforces.clone_from(&env.enforces);
    plan.exposure.clone_from(&env.exposure);
    plan.exposure_is_inferred = env.exposure_is_inferred;
    let mut binder = Binder {
        engine,
        expectations,
        env: &env,
        plan,
        dns: None,
        api: None,
    };
    binder.dns = binder.find_dns().map(Rc::new);
    binder.api = engine
        .k8s_api_service()
        .and_then(|service| binder.behind(service))
        .map(Rc::new);
    binder.workloads();
    binder.unread();
    binder.rows();
    binder.flows();
    binder.finish()
}

fn empty(engine: &Engine, environment: &str, today: Date) -> Plan {
    let cluster = engine.cluster();
    let services = cluster.namespaces.values().flat_map(|ns| &ns.services);
    Plan {
        environment: environment.to_owned(),
        settings: super::Settings::default(),
        today,
        cluster: cluster.clone(),
        workloads: Vec::new(),
        of_pod: vec![SmallVec::new(); engine.pods().len()],
        facts: engine
            .pods()
            .map(|id| {
                let pod = engine.pod(id);
                PodFacts {
                    namespace: engine.workload_of(id).namespace.clone(),
                    node: pod.node.as_deref().and_then(|name| engine.find_node(name)),
                    host_network: pod.host_network,
                    single: pod.count <= 1,
                }
            })
            .collect(),
        node_addresses: cluster
            .nodes
            .iter()
            .map(|node| {
                if node.internal.is_empty() {
                    node.addresses.clone()
                } else {
                    node.internal.clone()
                }
            })
            .collect(),
        service_addresses: services
            .flat_map(|service| service.cluster_ips.iter().copied())
            .collect(),
        internet: cidr::internet(),
        flows: Vec::new(),
        origins: Vec::new(),
        musts: Vec::new(),
        default_deny: Vec::new(),
        cni: None,
        enforces: None,
        exposure: None,
        exposure_is_inferred: false,
        loose: Vec::new(),
    }
}

/// A Service as an end: what stands behind it, and each of its ports with the ports it leads to.
struct Behind {
    entities: Vec<Entity>,
    ports: BTreeMap<(Protocol, u16), BTreeMap<Entity, PortSet>>,
}

struct Binder<'a> {
    engine: &'a Engine,
    expectations: &'a Expectations,
    env: &'a Environment,
    plan: Plan,
    /// `None`: nothing there.
    dns: Option<Rc<Behind>>,
    api: Option<Rc<Behind>>,
}

impl Binder<'_> {
    fn loose(&mut self, kind: LooseKind, subject: &str, message: String, source: &SourceRef) {
        self.loose_in(kind, subject, message, vec![source.clone()]);
    }

    fn loose_in(
        &mut self,
        kind: LooseKind,
        subject: &str,
        message: String,
        sources: Vec<SourceRef>,
    ) {
        let known = self.plan.loose.iter();
        if known
            .filter(|loose| loose.kind == kind)
            .any(|loose| loose.message == message)
        {
            return;
        }
        self.plan.loose.push(Loose {
            kind,
            subject: subject.to_owned(),
            to: String::new(),
            message,
            sources,
        });
    }

    /// What has to be reached through a Service that leads nowhere.
    fn unreachable(&mut self, from: &End, to: &End, message: String, source: &SourceRef) {
        let (subject, to) = (self.end_id(from), self.end_id(to));
        let told = |loose: &Loose| {
            (loose.kind, loose.subject == subject, loose.to == to)
                == (LooseKind::Unreachable, true, true)
                && loose.message == message
        };
        if !self.plan.loose.iter().any(told) {
            self.plan.loose.push(Loose {
                kind: LooseKind::Unreachable,
                subject,
                to,
                message,
                sources: vec![source.clone()],
            });
        }
    }

    /// An end as findings write it: the workload where it is one only, else as the document calls it.
    fn end_id(&self, end: &End) -> String {
        match end {
            End::Workload { id, .. } => {
                let bound = self.plan.workloads.iter().find(|bound| bound.id == *id);
                let pods = bound.iter().flat_map(|bound| &bound.pods);
                let ids: BTreeSet<String> =
                    pods.map(|pod| self.engine.workload_of(*pod).id()).collect();
                match ids.first() {
                    Some(one) if ids.len() == 1 => one.clone(),
                    _ => id.clone(),
                }
            }
            End::Ranges(set) => set.to_string(),
            word => word.word().unwrap_or_default().to_owned(),
        }
    }

    /// What could not be read of a document is nothing that holds.
    fn unread(&mut self) {
        for unread in &self.env.unread {
            let message = if unread.workload.is_empty() {
                format!("{}: it is not judged", unread.why)
            } else {
                format!(
                    "the {} of `{}` is not judged: {}",
                    unread.direction,
                    tame(&unread.workload),
                    unread.why
                )
            };
            self.loose(LooseKind::Unknown, &unread.workload, message, &unread.at);
        }
    }

    fn rows(&mut self) {
        for row in &self.env.expect {
            let Some(index) = self
                .plan
                .workloads
                .iter()
                .position(|bound| bound.id == row.workload)
            else {
                continue;
            };
            for direction in Direction::BOTH {
                let Some(cell) = row.cell(direction) else {
                    continue;
                };
                let bound = self.cell(index, direction, cell);
                self.plan.workloads[index].cells[slot(direction)] = Some(bound);
            }
        }
    }

    fn cell(&mut self, workload: usize, direction: Direction, cell: &Cell) -> BoundCell {
        let content = match &cell.content {
            Content::Deny => BoundContent::Deny,
            Content::Any => BoundContent::Any,
            Content::Rules { rules, removed } => {
                let mut claims = Vec::new();
                for rule in rules {
                    self.rule(workload, direction, rule, false, &mut claims);
                }
                for rule in removed {
                    self.rule(workload, direction, rule, true, &mut claims);
                }
                BoundContent::Claims(claims)
            }
        };
        BoundCell {
            at: cell.at.clone(),
            src: cell.src.clone(),
            content,
        }
    }

    fn origin(&mut self, name: Option<&str>, at: &SourceRef, remarks: &Remarks) -> usize {
        let sources = cited(remarks.src.as_ref(), at);
        self.plan.origins.push(Origin {
            name: name.map(|name| tame(name).into_owned()),
            sources,
            severity: remarks.severity,
            why: remarks.why.clone(),
            owner: remarks.owner.clone(),
            ticket: remarks.ticket.clone(),
            expires: remarks.expires,
        });
        self.plan.origins.len() - 1
    }

    fn has_expired(&self, remarks: &Remarks) -> bool {
        remarks.expires.is_some_and(|last| last < self.plan.today)
    }

    fn rule(
        &mut self,
        workload: usize,
        direction: Direction,
        rule: &Rule,
        removed: bool,
        claims: &mut Vec<Claim>,
    ) {
        let origin = self.origin(None, &rule.at, &rule.remarks);
        let own = self.workload_end(workload);
        let kind = match (removed, rule.level, &rule.peers) {
            (true, ..) => Kind::Removed,
            (_, Level::Never, _) => Kind::Never,
            _ if self.has_expired(&rule.remarks) => Kind::Expired,
            (_, Level::May, _) => Kind::May,
            (_, Level::Must, None) => Kind::Open,
            (_, Level::Must, Some(_)) => Kind::Must,
        };
        let everyone = [PeerWord::Name("any".to_owned())];
        let peers = rule.peers.as_deref().unwrap_or(&everyone);
        for peer in peers {
            let Some(other) = self.peer(peer, &rule.at) else {
                continue;
            };
            let (from, to) = match direction {
                Direction::Egress => (own.clone(), other),
                Direction::Ingress => (other, own.clone()),
            };
            let made = self.claims(
                kind,
                (from, to),
                &rule.ports,
                rule.via_service,
                (&rule.at, origin),
                Some(direction),
            );
            for claim in made {
                if matches!(claim.kind, Kind::Never | Kind::Expired) {
                    // A prohibition, and what is left of an expired rule, count whatever else the other end's row says.
                    self.plan.flows.push(claim.clone());
                }
                claims.push(claim);
            }
        }
    }

    fn flows(&mut self) {
        let env = self.env;
        for flow in &env.flows {
            let origin = self.origin(Some(&flow.name), &flow.at, &flow.remarks);
            let kind = match (flow.allow, flow.level) {
                _ if self.has_expired(&flow.remarks) && flow.allow => Kind::Expired,
                (true, Level::Must) => Kind::Must,
                (true, _) => Kind::May,
                (false, Level::May) => Kind::Advice,
                (false, _) => Kind::Never,
            };
            if let Some(by) = &flow.by {
                let sources = cited(flow.remarks.src.as_ref(), &flow.at);
                self.credited(by, &flow.name, sources);
            }
            let except = self.peers(&flow.except, &flow.at);
            self.product(
                kind,
                (&flow.from, &flow.to, &except),
                &flow.ports,
                flow.via_service,
                (&flow.at, origin),
            );
        }
        for exception in &env.exceptions {
            let origin = self.origin(Some(&exception.id), &exception.at, &exception.remarks);
            let kind = if self.has_expired(&exception.remarks) {
                Kind::Expired
            } else {
                Kind::Exception
            };
            self.product(
                kind,
                (&exception.from, &exception.to, &[]),
                &exception.ports,
                false,
                (&exception.at, origin),
            );
        }
        for deny in &env.default_deny {
            if self.plan.cluster.namespace(&deny.namespace).is_none() {
                let message = format!(
                    "a default deny is written for namespace {}, which does not exist",
                    tame(&deny.namespace)
                );
                let sources = cited(deny.src.as_ref(), &deny.at);
                self.loose_in(LooseKind::Stale, &deny.namespace, message, sources);
            }
        }
    }

    fn product(
        &mut self,
        kind: Kind,
        (from, to, except): (&[PeerWord], &[PeerWord], &[End]),
        ports: &[PortWord],
        via_service: bool,
        (at, origin): (&SourceRef, usize),
    ) {
        let (from, to) = (self.peers(from, at), self.peers(to, at));
        for a in &from {
            for b in &to {
                let ends = (a.clone(), b.clone());
                let made = self.claims(kind, ends, ports, via_service, (at, origin), None);
                self.plan.flows.extend(made.into_iter().map(|claim| Claim {
                    except: except.to_vec(),
                    ..claim
                }));
            }
        }
    }

    fn peers(&mut self, words: &[PeerWord], at: &SourceRef) -> Vec<End> {
        words
            .iter()
            .filter_map(|word| self.peer(word, at))
            .collect()
    }

    fn workload_end(&self, index: usize) -> End {
        let bound = &self.plan.workloads[index];
        End::Workload {
            id: bound.id.clone(),
            pods: bound.pods.clone(),
        }
    }

    /// What a word means here; `None`, told of, when it means nothing that is there.
    fn peer(&mut self, word: &PeerWord, at: &SourceRef) -> Option<End> {
        let name = match word {
            PeerWord::Block(block) => return Some(End::Ranges(block.addresses())),
            PeerWord::Name(name) => name.as_str(),
        };
        if let Some(index) = self.plan.workloads.iter().position(|w| w.id == name) {
            return Some(self.workload_end(index));
        }
        if let Some(peer) = self.expectations.peers.iter().find(|p| p.id == name) {
            return Some(End::Ranges(peer.value.addresses()));
        }
        Some(match name {
            "any" => End::Any,
            "cluster" => End::Cluster,
            "elsewhere" => End::Elsewhere,
            "node" => End::Node,
            "external" => End::External,
            "internet" => End::Internet,
            "dns" => End::Dns(self.dns(at)?.entities.clone()),
            "k8s-api" => End::K8sApi(self.api(at)?.entities.clone()),
            // The reader has refused every other word.
            _ => return None,
        })
    }

    /// Whether a Service is there and certainly leads nowhere.
    fn leads_nowhere(&self, service: Option<&Service>) -> bool {
        let engine = self.engine;
        service.is_some_and(|service| {
            let mut ports = service.ports.iter();
            !service.ports.is_empty()
                && ports.all(|port| {
                    let found = engine.expand_service(service, port.protocol, port.port, None);
                    matches!(found, Err(Reason::NoEndpoints | Reason::NoAddress))
                })
        })
    }

    fn dns(&mut self, at: &SourceRef) -> Option<Rc<Behind>> {
        if self.dns.is_none() && self.leads_nowhere(self.engine.dns_service()) {
            let message = "no ready endpoint stands behind the Service of the cluster's DNS";
            self.unreachable(&End::Any, &End::Dns(Vec::new()), message.to_owned(), at);
        } else if self.dns.is_none() {
            let message = "nothing that answers cluster DNS was loaded (kube-system/kube-dns, or pods labelled k8s-app=kube-dns), so what concerns `dns` cannot be judged";
            self.loose(LooseKind::Unknown, "dns", message.to_owned(), at);
        }
        self.dns.clone()
    }

    fn find_dns(&self) -> Option<Behind> {
        match self.engine.dns_service() {
            Some(service) => self.behind(service),
            None => self.dns_pods(),
        }
    }

    /// Offline, pods with the well-known label stand in for the Service, at the ports of the same number.
    fn dns_pods(&self) -> Option<Behind> {
        let pods = self.engine.dns_pods();
        let live = pods
            .into_iter()
            .filter(|id| !self.engine.pod(*id).is_finished());
        let entities: Vec<Entity> = live.map(Entity::Pod).collect();
        if entities.is_empty() {
            return None;
        }
        let ports = [Protocol::Tcp, Protocol::Udp].map(|protocol| {
            let at = |entity: &Entity| (entity.clone(), PortSet::port(protocol, 53));
            ((protocol, 53), entities.iter().map(at).collect())
        });
        Some(Behind {
            ports: ports.into_iter().collect(),
            entities,
        })
    }

    fn api(&mut self, at: &SourceRef) -> Option<Rc<Behind>> {
        if self.api.is_none() && self.leads_nowhere(self.engine.k8s_api_service()) {
            let message = "no ready endpoint stands behind the Service default/kubernetes";
            self.unreachable(&End::Any, &End::K8sApi(Vec::new()), message.to_owned(), at);
        } else if self.api.is_none() {
            let message = "the Service default/kubernetes and its endpoints were not loaded, so what concerns `k8s-api` cannot be judged";
            self.loose(LooseKind::Unknown, "k8s-api", message.to_owned(), at);
        }
        self.api.clone()
    }

    fn behind(&self, service: &Service) -> Option<Behind> {
        let mut ports: BTreeMap<(Protocol, u16), BTreeMap<Entity, PortSet>> = BTreeMap::new();
        let mut entities = BTreeSet::new();
        for port in &service.ports {
            let found = self
                .engine
                .expand_service(service, port.protocol, port.port, None);
            for target in found.map(|found| found.targets).unwrap_or_default() {
                let set = PortSet::port(target.protocol, target.port);
                // Expectations are about the node or pod, by whichever of its addresses it answers.
                let entity = target.entity.whole();
                entities.insert(entity.clone());
                let at = ports.entry((port.protocol, port.port)).or_default();
                let own = at.entry(entity).or_default();
                *own = own.union(&set);
            }
        }
        (!entities.is_empty()).then(|| Behind {
            entities: entities.into_iter().collect(),
            ports,
        })
    }

    fn finish(mut self) -> Plan {
        let mut musts = Vec::new();
        for claim in self.plan.claims() {
            let removed = || {
                self.plan.row_claims().any(|c| {
                    c.kind == Kind::Removed
                        && c.from == claim.from
                        && c.to == claim.to
                        && claim.ports.all().is_subset(&c.ports.all())
                })
            };
            if claim.kind == Kind::Must && !removed() {
                musts.push(Must {
                    from: claim.from.clone(),
                    to: claim.to.clone(),
                    ports: claim.ports.all(),
                    written: claim.written.clone(),
                    sources: self.plan.origins[claim.origin].sources.clone(),
                });
            }
        }
        self.plan.musts = musts;
        self.plan
    }
}

/// Every set of outside addresses that this plan may tell apart.
pub(crate) fn borders(plan: &Plan) -> Vec<AddressSet> {
    let mut sets = vec![plan.internet.clone()];
    for claim in plan.claims() {
        for end in [&claim.from, &claim.to].into_iter().chain(&claim.except) {
            match end {
                End::Ranges(set) => sets.push(set.clone()),
                End::Dns(entities) | End::K8sApi(entities) => {
                    let addresses = entities.iter().filter_map(|entity| match entity {
                        Entity::Address(address) => Some(IpRange::single(*address)),
                        _ => None,
                    });
                    sets.extend(addresses.map(AddressSet::from));
                }
                _ => {}
            }
        }
        if let Some((Entity::Address(address), _)) = &claim.or_else {
            sets.push(IpRange::single(*address).into());
        }
    }
    sets.sort();
    sets.dedup();
    sets
}
