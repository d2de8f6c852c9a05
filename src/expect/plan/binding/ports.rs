//! Ports to what policy sees: numbers as they are, names as pods declare them, and a Service's ports after translation.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::{Entity, PodId};
use crate::model::{Direction, PortSet, Protocol, SourceRef};
use crate::text::tame;

use super::super::super::file::short::PortWord;
use super::super::super::file::{DnsTcp, K8sApi};
use super::super::ends::{End, services_of};
use super::super::{Claim, Kind, LooseKind, PortsAt};
use super::{Behind, Binder};

impl Binder<'_> {
    /// The claims of one rule and one pair of ends.
    pub(super) fn claims(
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

    /// A number needs no container that declares it: `containerPort` is information only, and a pod may listen anywhere
    /// (<https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/>). A name that no container declares is stale.
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
            if matches!(&template.to, End::Workload { pods, .. } if pods.is_empty()) {
                // That nobody is there is told already.
                continue;
            }
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

    /// What has to be reached on a port that no Service has cannot be; where nothing has to be, the document is out of date.
    fn no_such_port(&mut self, template: &Claim, what: &str, missing: &[String], at: &SourceRef) {
        for port in missing {
            let message = format!("{what} has no port {}", tame(port));
            if template.kind == Kind::Must {
                self.unreachable(&template.from, &template.to, message, at);
            } else {
                self.loose(LooseKind::Stale, what, message, at);
            }
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
        self.no_such_port(template, "dns", &missing, at);
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
        self.no_such_port(template, "k8s-api", &missing, at);
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
        self.no_such_port(template, &what, &missing, at);
        vec![Self::at_service(template, &behind, &found)]
    }
}
