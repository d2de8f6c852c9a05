//! Makes a [`Plan`]: selectors to pods, words to entities, ports to what policy sees.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use smallvec::SmallVec;

use crate::engine::{Engine, Entity, PodId};
use crate::model::{AddressSet, Direction, IpRange, PortSet, Protocol, Service, SourceRef, cidr};
use crate::text::tame;

use super::super::file::short::{PeerWord, PortWord};
use super::super::file::{
    Cell, Content, DnsTcp, Environment, Expectations, K8sApi, Level, Remarks, Rule, Select,
};
use super::ends::{End, services_of};
use super::{
    Bound, BoundCell, BoundContent, Claim, Kind, Loose, LooseKind, Must, Origin, Plan, PodFacts,
    PortsAt, slot,
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
    let mut binder = Binder {
        engine,
        expectations,
        env: &env,
        plan,
        dns: None,
        api: None,
    };
    binder.workloads();
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
    /// Looked up once; the inner `None` is a Service that is not there.
    dns: Option<Option<std::rc::Rc<Behind>>>,
    api: Option<Option<std::rc::Rc<Behind>>>,
}

impl Binder<'_> {
    fn loose(&mut self, kind: LooseKind, subject: &str, message: String, source: &SourceRef) {
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
            message,
            source: source.clone(),
        });
    }

    fn workloads(&mut self) {
        for (index, definition) in (0u32..).zip(&self.expectations.workloads) {
            let own = &definition.value;
            let rebound = self.env.bind.iter().find(|bind| bind.id == definition.id);
            let (select, at) = match rebound {
                Some(bind) => (&bind.value, &bind.at),
                None => (&own.select, &definition.at),
            };
            let pods = self.selected(select);
            for pod in &pods {
                self.plan.of_pod[pod.0 as usize].push(index);
            }
            if pods.is_empty() {
                let message = self.no_pod(&definition.id, select);
                self.loose(LooseKind::Unbound, &definition.id, message, at);
            }
            self.plan.workloads.push(Bound {
                id: definition.id.clone(),
                label: own.names.first().unwrap_or(&definition.id).clone(),
                at: at.clone(),
                select: select.clone(),
                pods,
                closed: own
                    .closed_world
                    .or(self.env.closed_world)
                    .unwrap_or(self.env.settings.closed_world),
                cells: [None, None],
            });
        }
    }

    fn selected(&self, select: &[Select]) -> Vec<PodId> {
        let engine = self.engine;
        let is_meant = |select: &Select, id: PodId| {
            let (namespace, pod) = (engine.namespace_of(id), engine.pod(id));
            let owned = |(kind, name): &(String, String)| {
                let workload = engine.workload_of(id);
                workload.kind.eq_ignore_ascii_case(kind) && workload.name == *name
            };
            select.meets(&namespace.name, &namespace.labels, &pod.labels)
                && select.owner.as_ref().is_none_or(owned)
        };
        engine
            .pods()
            .filter(|id| select.iter().any(|select| is_meant(select, *id)))
            .collect()
    }

    fn no_pod(&self, id: &str, select: &[Select]) -> String {
        let missing: BTreeSet<&str> = select
            .iter()
            .filter_map(Select::only_namespace)
            .filter(|name| self.plan.cluster.namespace(name).is_none())
            .collect();
        let why = if missing.is_empty() {
            String::new()
        } else {
            let names: Vec<_> = missing.into_iter().map(tame).collect();
            format!(": there is no namespace {}", names.join(", "))
        };
        format!("no pod matches what is written for `{}`{why}", tame(id))
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
            content,
        }
    }

    fn origin(&mut self, name: Option<&str>, at: &SourceRef, remarks: &Remarks) -> usize {
        let sources = remarks.src.iter().chain([at]).cloned().collect();
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
                self.credited(by, &flow.name, &flow.at);
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
                self.loose(LooseKind::Stale, &deny.namespace, message, &deny.at);
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

    /// Whether a policy that the document credits exists.
    fn credited(&mut self, by: &str, flow: &str, at: &SourceRef) {
        let (namespace, name) = match by.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, by),
        };
        let exists = self.plan.cluster.policies().any(|policy| {
            policy.name == name
                && namespace.is_none_or(|wanted| wanted == policy.namespace.as_ref())
        });
        if !exists {
            let message = format!(
                "flow `{}` is credited to the policy {}, which does not exist",
                tame(flow),
                tame(by)
            );
            self.loose(LooseKind::Stale, by, message, at);
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

    fn dns(&mut self, at: &SourceRef) -> Option<std::rc::Rc<Behind>> {
        if self.dns.is_none() {
            let found = match self.engine.dns_service() {
                Some(service) => self.behind(service),
                None => self.dns_pods(),
            };
            self.dns = Some(found.map(std::rc::Rc::new));
        }
        let found = self.dns.clone().flatten();
        if found.is_none() {
            let message = "nothing that answers cluster DNS was loaded (kube-system/kube-dns, or pods labelled k8s-app=kube-dns), so what concerns `dns` cannot be judged";
            self.loose(LooseKind::Unknown, "dns", message.to_owned(), at);
        }
        found
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

    fn api(&mut self, at: &SourceRef) -> Option<std::rc::Rc<Behind>> {
        if self.api.is_none() {
            let found = self
                .engine
                .k8s_api_service()
                .and_then(|service| self.behind(service));
            self.api = Some(found.map(std::rc::Rc::new));
        }
        let found = self.api.clone().flatten();
        if found.is_none() {
            let message = "the Service default/kubernetes and its endpoints were not loaded, so what concerns `k8s-api` cannot be judged";
            self.loose(LooseKind::Unknown, "k8s-api", message.to_owned(), at);
        }
        found
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
                entities.insert(target.entity.clone());
                let at = ports.entry((port.protocol, port.port)).or_default();
                let own = at.entry(target.entity).or_default();
                *own = own.union(&set);
            }
        }
        (!entities.is_empty()).then(|| Behind {
            entities: entities.into_iter().collect(),
            ports,
        })
    }

    /// The claims of one rule and one pair of ends.
    fn claims(
        &mut self,
        kind: Kind,
        (from, to): (End, End),
        words: &[PortWord],
        via_service: bool,
        (at, origin): (&SourceRef, usize),
        row: Option<Direction>,
    ) -> Vec<Claim> {
        let template = Claim {
            kind,
            from,
            to,
            except: Vec::new(),
            ports: PortsAt::Everywhere(PortSet::empty()),
            written: PortSet::empty(),
            row,
            origin,
            or_else: None,
        };
        let mut made = match &template.to {
            End::Dns(_) => self.dns_claims(&template, words, at),
            End::K8sApi(_) => self.api_claims(&template, words, at),
            _ if via_service => self.service_claims(&template, words, at),
            _ => self.plain_claims(&template, words, at),
        };
        if let End::K8sApi(_) = template.from {
            // Which addresses the API server calls from is not written in any object, so anybody is tolerated on that port.
            let wide: Vec<Claim> = made
                .iter()
                .filter(|claim| claim.kind == Kind::Must)
                .map(|claim| Claim {
                    kind: Kind::May,
                    from: End::Any,
                    ..claim.clone()
                })
                .collect();
            made.extend(wide);
        }
        made
    }

    fn plain_claims(&mut self, template: &Claim, words: &[PortWord], at: &SourceRef) -> Vec<Claim> {
        let numbers = words
            .iter()
            .fold(PortSet::empty(), |all, word| all.union(&word.numbers()));
        let mut made = Vec::new();
        if !numbers.is_empty() {
            made.push(Claim {
                ports: PortsAt::Everywhere(numbers.clone()),
                written: numbers,
                ..template.clone()
            });
        }
        for word in words {
            let PortWord::Name(protocol, name) = word else {
                continue;
            };
            let found = self.named_ports(&template.to, name, *protocol);
            if found.is_empty() {
                let message = format!("no pod it leads to declares a port named `{}`", tame(name));
                self.loose(LooseKind::Stale, name, message, at);
                continue;
            }
            let ports = PortsAt::At(found);
            made.push(Claim {
                written: ports.all(),
                ports,
                ..template.clone()
            });
        }
        made
    }

    fn named_ports(
        &self,
        to: &End,
        name: &str,
        protocol: Option<Protocol>,
    ) -> BTreeMap<Entity, PortSet> {
        let pods: Vec<PodId> = match to {
            End::Workload { pods, .. } => pods.clone(),
            End::Any | End::Cluster | End::Elsewhere => self.engine.pods().collect(),
            _ => Vec::new(),
        };
        let mut found = BTreeMap::new();
        for pod in pods {
            let declared = self.engine.pod(pod).ports.iter();
            let ports: PortSet = declared
                .filter(|port| port.name == name && protocol.is_none_or(|p| p == port.protocol))
                .fold(PortSet::empty(), |all, port| {
                    all.union(&PortSet::port(port.protocol, port.port))
                });
            if !ports.is_empty() {
                found.insert(Entity::Pod(pod), ports);
            }
        }
        found
    }

    /// The Service ports that words mean: (protocol, port), and whether the protocol was left open.
    fn service_ports(words: &[PortWord], offered: &Behind) -> (Vec<(Protocol, u16)>, Vec<String>) {
        let (mut found, mut missing) = (BTreeSet::new(), Vec::new());
        for word in words {
            let numbers = word.numbers();
            let meant: Vec<(Protocol, u16)> = offered
                .ports
                .keys()
                .filter(|(protocol, port)| numbers.contains(*protocol, *port))
                .copied()
                .collect();
            if meant.is_empty() {
                missing.push(match word {
                    PortWord::Name(_, name) => name.clone(),
                    other => other.numbers().to_string(),
                });
            }
            found.extend(meant);
        }
        (found.into_iter().collect(), missing)
    }

    fn no_such_port(&mut self, what: &str, missing: &[String], at: &SourceRef) {
        for port in missing {
            let message = format!("{what} has no port {}", tame(port));
            self.loose(LooseKind::Stale, what, message, at);
        }
    }

    fn at_service(template: &Claim, behind: &Behind, ports: &[(Protocol, u16)]) -> Claim {
        let mut by_entity: BTreeMap<Entity, PortSet> = BTreeMap::new();
        let mut written = PortSet::empty();
        for key in ports {
            written = written.union(&PortSet::port(key.0, key.1));
            for (entity, set) in behind.ports.get(key).into_iter().flatten() {
                let own = by_entity.entry(entity.clone()).or_default();
                *own = own.union(set);
            }
        }
        Claim {
            ports: PortsAt::At(by_entity),
            written,
            ..template.clone()
        }
    }

    /// 53 without a protocol asks for UDP; TCP is tolerated, and how much it is asked for is a setting.
    fn dns_claims(&mut self, template: &Claim, words: &[PortWord], at: &SourceRef) -> Vec<Claim> {
        let Some(behind) = self.dns(at) else {
            return Vec::new();
        };
        let (mut firm, mut over_tcp) = (Vec::new(), false);
        for word in words {
            match word {
                PortWord::Range(None, range) if range.first() == 53 && range.last() == 53 => {
                    let udp = PortWord::Range(Some(Protocol::Udp), *range);
                    firm.push(udp);
                    over_tcp = true;
                }
                other => firm.push(other.clone()),
            }
        }
        let tcp = over_tcp.then_some((Protocol::Tcp, 53));
        let (found, missing) = Self::service_ports(&firm, &behind);
        self.no_such_port("dns", &missing, at);
        let mut made = vec![Self::at_service(template, &behind, &found)];
        if let Some(key) = tcp.filter(|key| behind.ports.contains_key(key)) {
            let kind = match (template.kind, self.env.settings.dns_tcp) {
                (Kind::Must, DnsTcp::Warn) => Kind::MayWarn,
                (Kind::Must, DnsTcp::Ignore) => Kind::May,
                (kind, _) => kind,
            };
            made.push(Claim {
                kind,
                ..Self::at_service(template, &behind, &[key])
            });
        }
        made
    }

    fn api_claims(&mut self, template: &Claim, words: &[PortWord], at: &SourceRef) -> Vec<Claim> {
        let Some(behind) = self.api(at) else {
            return Vec::new();
        };
        let (found, missing) = Self::service_ports(words, &behind);
        self.no_such_port("k8s-api", &missing, at);
        let mut made = Self::at_service(template, &behind, &found);
        let virtual_address = self
            .engine
            .k8s_api_service()
            .and_then(|service| service.cluster_ips.first().copied());
        let Some(address) = virtual_address else {
            return vec![made];
        };
        let front = (Entity::Address(address), made.written.clone());
        match self.env.settings.k8s_api {
            K8sApi::Endpoints => {}
            K8sApi::ClusterIp => {
                made.to = End::K8sApi(vec![front.0.clone()]);
                made.ports = PortsAt::At(BTreeMap::from([front]));
            }
            K8sApi::Either => made.or_else = Some(front),
        }
        vec![made]
    }

    /// `via: service`: the ports are those of the Services in front of the pods, policy sees the target ports.
    fn service_claims(
        &mut self,
        template: &Claim,
        words: &[PortWord],
        at: &SourceRef,
    ) -> Vec<Claim> {
        let End::Workload { id, pods } = &template.to else {
            return self.plain_claims(template, words, at);
        };
        let mut behind = Behind {
            entities: Vec::new(),
            ports: BTreeMap::new(),
        };
        let live = pods
            .iter()
            .filter(|pod| !self.engine.pod(**pod).is_finished());
        for pod in live {
            for service in services_of(self.engine, *pod) {
                for (key, by_entity) in self.behind(service).map(|b| b.ports).unwrap_or_default() {
                    if let Some(set) = by_entity.get(&Entity::Pod(*pod)) {
                        let own = behind.ports.entry(key).or_default();
                        let own = own.entry(Entity::Pod(*pod)).or_default();
                        *own = own.union(set);
                    }
                }
            }
        }
        let what = format!("the Service in front of `{}`", tame(id));
        let (found, missing) = Self::service_ports(words, &behind);
        self.no_such_port(&what, &missing, at);
        vec![Self::at_service(template, &behind, &found)]
    }

    fn finish(mut self) -> Plan {
        let mut musts = Vec::new();
        let rows = self.plan.workloads.iter().flat_map(|bound| {
            bound
                .cells
                .iter()
                .flatten()
                .flat_map(|cell| match &cell.content {
                    BoundContent::Claims(claims) => claims.as_slice(),
                    BoundContent::Deny | BoundContent::Any => &[],
                })
        });
        for claim in rows.chain(&self.plan.flows) {
            let removed = || {
                let cells = self
                    .plan
                    .workloads
                    .iter()
                    .flat_map(|b| b.cells.iter().flatten());
                cells.into_iter().any(|cell| match &cell.content {
                    BoundContent::Claims(claims) => claims.iter().any(|c| {
                        c.kind == Kind::Removed
                            && c.from == claim.from
                            && c.to == claim.to
                            && claim.ports.all().is_subset(&c.ports.all())
                    }),
                    BoundContent::Deny | BoundContent::Any => false,
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
    let rows = plan.workloads.iter().flat_map(|bound| {
        bound
            .cells
            .iter()
            .flatten()
            .flat_map(|cell| match &cell.content {
                BoundContent::Claims(claims) => claims.as_slice(),
                BoundContent::Deny | BoundContent::Any => &[],
            })
    });
    let mut sets = vec![plan.internet.clone()];
    for claim in rows.chain(&plan.flows) {
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
