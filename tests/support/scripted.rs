//! A small API server on loopback for tests: a few kinds in memory, paged lists, watches, and every way to fail on demand.
//!
//! Plain threads and sockets, so that tests of the library and of the program can use it alike. It speaks plain HTTP, knows nothing
//! but GET, and takes the manifests that `netseg::source::manifests` reads.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Group path, plural, kind, and whether it lives in namespaces.
const KINDS: [(&str, &str, &str, bool); 9] = [
    ("/api/v1", "namespaces", "Namespace", false),
    ("/api/v1", "nodes", "Node", false),
    ("/api/v1", "pods", "Pod", true),
    ("/api/v1", "services", "Service", true),
    (
        "/apis/networking.k8s.io/v1",
        "networkpolicies",
        "NetworkPolicy",
        true,
    ),
    (
        "/apis/discovery.k8s.io/v1",
        "endpointslices",
        "EndpointSlice",
        true,
    ),
    ("/apis/apps/v1", "replicasets", "ReplicaSet", true),
    ("/apis/batch/v1", "jobs", "Job", true),
    ("/apis/networking.k8s.io/v1", "ingresses", "Ingress", true),
];

/// A kind that it serves.
#[derive(Clone, Debug)]
struct Definition {
    /// `/api/v1`, `/apis/apps/v1`
    path: String,
    plural: String,
    kind: String,
    is_namespaced: bool,
}

impl Definition {
    /// Group and version; `None` for the core group.
    fn group(&self) -> Option<(&str, &str)> {
        self.path.strip_prefix("/apis/")?.split_once('/')
    }
}

/// What goes wrong.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// An error with a Status body.
    Status(u16),
    /// 410 in mid-list, with a token that goes on.
    Expired,
    /// Takes the request and never answers.
    Hang,
    /// Answers this much later.
    Slow(Duration),
    /// Closes the connection without an answer.
    Drop,
    /// Watches only: 200, and a clean end at once.
    EndAtOnce,
}

/// Which requests a fault is for. Everything that is `None` matches all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Match {
    plural: Option<String>,
    verb: Option<Verb>,
    scope: Option<Scope>,
    token: Option<String>,
    times: Option<usize>,
}

#[derive(Clone, Debug)]
enum Scope {
    Whole,
    Namespace(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    List,
    /// A list that goes on.
    Continue,
    Watch,
}

impl Match {
    pub(crate) fn all() -> Self {
        Self::default()
    }

    /// `apis` is the list of groups, `apis/<group>` the list of what a group holds.
    pub(crate) fn kind(plural: &str) -> Self {
        Self {
            plural: Some(plural.to_owned()),
            ..Self::default()
        }
    }

    pub(crate) fn verb(mut self, verb: Verb) -> Self {
        self.verb = Some(verb);
        self
    }

    /// Only requests for the whole cluster.
    pub(crate) fn whole(mut self) -> Self {
        self.scope = Some(Scope::Whole);
        self
    }

    pub(crate) fn namespace(mut self, name: &str) -> Self {
        self.scope = Some(Scope::Namespace(name.to_owned()));
        self
    }

    /// Only requests with this bearer token.
    pub(crate) fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Only the first so many.
    pub(crate) fn times(mut self, times: usize) -> Self {
        self.times = Some(times);
        self
    }

    fn fits(&self, request: &Request) -> bool {
        // As with real rights: who may not list anything may still ask what there is.
        let is_discovery = request.plural.starts_with("apis");
        (!is_discovery || self.plural.is_some() || self.scope.is_none())
            && self
                .plural
                .as_ref()
                .is_none_or(|plural| *plural == request.plural)
            && self.verb.is_none_or(|verb| verb == request.verb)
            && self
                .scope
                .as_ref()
                .is_none_or(|scope| match (scope, &request.namespace) {
                    (Scope::Whole, namespace) => namespace.is_none(),
                    (Scope::Namespace(wanted), namespace) => namespace.as_ref() == Some(wanted),
                })
            && self
                .token
                .as_ref()
                .is_none_or(|token| request.token.as_ref() == Some(token))
            && self.times != Some(0)
    }
}

/// A request as it was understood.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) at: Instant,
    pub(crate) verb: Verb,
    pub(crate) plural: String,
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) token: Option<String>,
}

struct Change {
    version: u64,
    plural: String,
    namespace: String,
    kind: &'static str,
    object: Value,
}

#[derive(Default)]
struct World {
    version: u64,
    objects: BTreeMap<(String, String, String), Value>,
    changes: Vec<Change>,
    /// Watches from before this version are told 410.
    oldest: u64,
    faults: Vec<(Match, Fault)>,
    log: Vec<Request>,
    /// Watches opened before the last [`Server::end_watches`] end.
    watch_epoch: u64,
    kinds: Vec<Definition>,
    sockets: Vec<TcpStream>,
}

struct Inner {
    world: Mutex<World>,
    changed: Condvar,
    stopped: AtomicBool,
}

impl Inner {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running server. It ends when dropped.
pub(crate) struct Server {
    inner: Arc<Inner>,
    address: SocketAddr,
    folder: tempfile::TempDir,
    acceptor: Mutex<Option<JoinHandle<()>>>,
}

impl Server {
    /// Starts an empty server on a free port.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            world: Mutex::default(),
            changed: Condvar::new(),
            stopped: AtomicBool::new(false),
        });
        {
            let mut world = inner.world();
            world.version = 100;
            world.kinds = KINDS
                .iter()
                .map(|&(path, plural, kind, is_namespaced)| Definition {
                    path: path.to_owned(),
                    plural: plural.to_owned(),
                    kind: kind.to_owned(),
                    is_namespaced,
                })
                .collect();
        }
        let acceptor = accept(&inner, listener);
        Self {
            acceptor: Mutex::new(Some(acceptor)),
            inner,
            address,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Starts a server that holds these manifests.
    pub(crate) fn with(manifests: &str) -> Self {
        let server = Self::start();
        server.apply(manifests);
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A kubeconfig with one context, `scripted`, namespace `shop`, and the token `t`.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.kubeconfig_with_user("{token: t}")
    }

    /// The same with another user, in YAML.
    pub(crate) fn kubeconfig_with_user(&self, user: &str) -> PathBuf {
        let path = self.folder.path().join("kubeconfig");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: scripted\n\
             contexts: [{{name: scripted, context: {{cluster: c, user: u, namespace: shop}}}}]\n\
             clusters: [{{name: c, cluster: {{server: '{}'}}}}]\nusers: [{{name: u, user: {user}}}]\n",
            self.url()
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Creates or changes every object of the manifests, one after the other. Kinds it does not serve are left out.
    pub(crate) fn apply(&self, manifests: &str) {
        for document in netseg::yaml::documents(manifests) {
            self.put(netseg::yaml::read(document.text).unwrap());
        }
    }

    /// Serves a further kind from now on, as a CustomResourceDefinition would; the plural must not be taken.
    pub(crate) fn define(&self, group_version: &str, plural: &str, kind: &str, scope: &str) {
        self.inner.world().kinds.push(Definition {
            path: format!("/apis/{group_version}"),
            plural: plural.to_owned(),
            kind: kind.to_owned(),
            is_namespaced: scope == "Namespaced",
        });
    }

    /// Removes such a kind with all its objects. Its watches tell of each, and end.
    pub(crate) fn undefine(&self, plural: &str) {
        let mut world = self.inner.world();
        let keys: Vec<_> = world
            .objects
            .keys()
            .filter(|key| key.0 == plural)
            .cloned()
            .collect();
        for key in keys {
            if let Some(mut object) = world.objects.remove(&key) {
                world.version += 1;
                object["metadata"]["resourceVersion"] = json!(world.version.to_string());
                world.record("DELETED", &key, object);
            }
        }
        world.kinds.retain(|kind| kind.plural != plural);
        world.watch_epoch += 1;
        self.inner.changed.notify_all();
    }

    /// Creates or changes one object.
    pub(crate) fn put(&self, mut object: Value) {
        let known = {
            let world = self.inner.world();
            let mut kinds = world.kinds.iter();
            kinds
                .find(|kind| object["kind"] == kind.kind.as_str())
                .cloned()
        };
        let Some(known) = known else {
            return;
        };
        let (plural, namespaced) = (known.plural.as_str(), known.is_namespaced);
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        if namespaced && object["metadata"]["namespace"].is_null() {
            object["metadata"]["namespace"] = json!("default");
        }
        if plural == "namespaces" {
            object["metadata"]["labels"]["kubernetes.io/metadata.name"] = json!(name);
        }
        let namespace = object["metadata"]["namespace"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let mut world = self.inner.world();
        world.version += 1;
        object["metadata"]["resourceVersion"] = json!(world.version.to_string());
        let key = (plural.to_owned(), namespace, name);
        let kind = if world.objects.contains_key(&key) {
            "MODIFIED"
        } else {
            "ADDED"
        };
        world.objects.insert(key.clone(), object.clone());
        world.record(kind, &key, object);
        self.inner.changed.notify_all();
    }

    /// Deletes an object; an empty namespace for kinds without.
    pub(crate) fn delete(&self, plural: &str, namespace: &str, name: &str) {
        let key = (plural.to_owned(), namespace.to_owned(), name.to_owned());
        let mut world = self.inner.world();
        let mut object = world.objects.remove(&key).expect("there is such an object");
        world.version += 1;
        object["metadata"]["resourceVersion"] = json!(world.version.to_string());
        world.record("DELETED", &key, object);
        self.inner.changed.notify_all();
    }

    /// Deletes an object and forgets that it was ever there: only a list shows it.
    pub(crate) fn delete_unseen(&self, plural: &str, namespace: &str, name: &str) {
        let key = (plural.to_owned(), namespace.to_owned(), name.to_owned());
        let mut world = self.inner.world();
        world.objects.remove(&key).expect("there is such an object");
        world.version += 1;
    }

    /// Lets requests fail from now on; the first fault that fits counts.
    pub(crate) fn fail(&self, which: Match, fault: Fault) {
        self.inner.world().faults.push((which, fault));
    }

    /// Lets nothing fail any more. Requests that hang go on hanging.
    pub(crate) fn heal(&self) {
        self.inner.world().faults.clear();
    }

    /// Ends every open watch in good order.
    pub(crate) fn end_watches(&self) {
        self.inner.world().watch_epoch += 1;
        self.inner.changed.notify_all();
    }

    /// Forgets the history: watches can only begin at the present, so whoever has an older version must list again.
    pub(crate) fn compact(&self) {
        let mut world = self.inner.world();
        world.version += 1;
        world.oldest = world.version;
        world.changes.clear();
    }

    /// Closes every connection and refuses new ones.
    pub(crate) fn go_away(&self) {
        self.inner.stopped.store(true, Ordering::SeqCst);
        for socket in self.inner.world().sockets.drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
        self.inner.changed.notify_all();
        // The listener waits for one more connection before it looks whether to stop.
        let _ = TcpStream::connect(self.address);
        // From here on connections are refused, not dropped.
        if let Some(acceptor) = self.acceptor().take() {
            let _ = acceptor.join();
        }
    }

    /// Takes connections again, at the same address.
    pub(crate) fn come_back(&self) {
        let end = Instant::now() + Duration::from_secs(5);
        let listener = loop {
            match TcpListener::bind(self.address) {
                Ok(listener) => break listener,
                Err(error) => assert!(Instant::now() < end, "{error}"),
            }
            std::thread::yield_now();
        };
        self.inner.stopped.store(false, Ordering::SeqCst);
        *self.acceptor() = Some(accept(&self.inner, listener));
    }

    fn acceptor(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.acceptor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every request so far, oldest first.
    pub(crate) fn log(&self) -> Vec<Request> {
        self.inner.world().log.clone()
    }

    /// Waits until so many requests fit, and returns them.
    pub(crate) fn wait_for_requests(&self, which: &Match, count: usize) -> Vec<Request> {
        let end = Instant::now() + Duration::from_secs(10);
        let mut world = self.inner.world();
        loop {
            let fitting: Vec<Request> = world
                .log
                .iter()
                .filter(|request| which.fits(request))
                .cloned()
                .collect();
            if fitting.len() >= count {
                return fitting;
            }
            if Instant::now() >= end {
                drop(world);
                panic!("{} of {count} requests {which:?}", fitting.len())
            }
            let waited = self
                .inner
                .changed
                .wait_timeout(world, Duration::from_millis(100));
            world = waited.unwrap().0;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.go_away();
    }
}

impl World {
    fn record(&mut self, kind: &'static str, key: &(String, String, String), object: Value) {
        self.changes.push(Change {
            version: self.version,
            plural: key.0.clone(),
            namespace: key.1.clone(),
            kind,
            object,
        });
    }

    fn fault(&mut self, request: &Request) -> Option<Fault> {
        let (which, fault) = self
            .faults
            .iter_mut()
            .find(|(which, _)| which.fits(request))?;
        if let Some(times) = &mut which.times {
            *times -= 1;
        }
        Some(fault.clone())
    }
}

fn accept(inner: &Arc<Inner>, listener: TcpListener) -> JoinHandle<()> {
    let inner = Arc::clone(inner);
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            if inner.stopped.load(Ordering::SeqCst) {
                return;
            }
            let Ok(socket) = socket else { continue };
            let _ = socket.set_nodelay(true);
            if let Ok(twin) = socket.try_clone() {
                inner.world().sockets.push(twin);
            }
            let inner = Arc::clone(&inner);
            std::thread::spawn(move || serve(&inner, socket));
        }
    })
}

/// Serves one connection, request after request. Any error ends it.
fn serve(inner: &Inner, mut socket: TcpStream) -> Option<()> {
    let mut reader = BufReader::new(socket.try_clone().ok()?);
    loop {
        let request = read_request(inner, &mut reader)?;
        let (fault, epoch) = {
            let mut world = inner.world();
            world.log.push(request.clone());
            inner.changed.notify_all();
            (world.fault(&request), world.watch_epoch)
        };
        match fault {
            None => {}
            Some(Fault::Slow(delay)) => std::thread::sleep(delay),
            Some(Fault::Status(code)) => {
                let text = format!("{} is refused by the test", request.plural);
                answer(&mut socket, code, &status(code, &text, None))?;
                continue;
            }
            Some(Fault::Expired) => {
                let next = request
                    .query
                    .get("continue")
                    .map(|token| format!("{token}x"));
                answer(&mut socket, 410, &status(410, "expired", next))?;
                continue;
            }
            Some(Fault::Hang) => {
                while !inner.stopped.load(Ordering::SeqCst) {
                    let world = inner.world();
                    drop(
                        inner
                            .changed
                            .wait_timeout(world, Duration::from_millis(200)),
                    );
                }
                return None;
            }
            Some(Fault::Drop) => {
                let _ = socket.shutdown(Shutdown::Both);
                return None;
            }
            Some(Fault::EndAtOnce) => {
                start_chunks(&mut socket)?;
                socket.write_all(b"0\r\n\r\n").ok()?;
                continue;
            }
        }
        match request.verb {
            Verb::Get => get(inner, &mut socket, &request)?,
            Verb::List if request.plural == "apis" => groups(inner, &mut socket)?,
            Verb::List if request.plural.starts_with("apis/") => {
                resources(inner, &mut socket, &request)?;
            }
            Verb::List | Verb::Continue => list(inner, &mut socket, &request)?,
            Verb::Watch => watch(inner, &mut socket, &request, epoch)?,
        }
    }
}

fn read_request(inner: &Inner, reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut first = String::new();
    reader
        .read_line(&mut first)
        .ok()
        .filter(|count| *count > 0)?;
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader
            .read_line(&mut line)
            .ok()
            .filter(|count| *count > 0)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.to_owned()),
            None => break,
        };
    }
    let target = first.split(' ').nth(1)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query: BTreeMap<String, String> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let mut request = Request {
        at: Instant::now(),
        verb: if query.contains_key("watch") {
            Verb::Watch
        } else if query.contains_key("continue") {
            Verb::Continue
        } else {
            Verb::List
        },
        plural: String::new(),
        namespace: None,
        name: None,
        token: headers
            .get("authorization")
            .and_then(|value| value.strip_prefix("Bearer "))
            .map(str::to_owned),
        query,
        headers,
    };
    let kinds = inner.world().kinds.clone();
    if path == "/apis" {
        "apis".clone_into(&mut request.plural);
    } else if let Some((group, version)) = path
        .strip_prefix("/apis/")
        .and_then(|rest| rest.split_once('/'))
        .filter(|(_, version)| !version.contains('/'))
    {
        request.plural = format!("apis/{group}");
        request.name = Some(version.to_owned());
    }
    for Definition {
        path: group,
        plural,
        ..
    } in &kinds
    {
        let Some(rest) = path.strip_prefix(group.as_str()) else {
            continue;
        };
        let parts: Vec<&str> = rest.split('/').skip(1).collect();
        match parts.as_slice() {
            [kind] if kind == plural => plural.clone_into(&mut request.plural),
            ["namespaces", name] if plural == "namespaces" => {
                plural.clone_into(&mut request.plural);
                request.namespace = Some((*name).to_owned());
                request.name = Some((*name).to_owned());
                request.verb = Verb::Get;
            }
            ["namespaces", namespace, kind] if kind == plural => {
                plural.clone_into(&mut request.plural);
                request.namespace = Some((*namespace).to_owned());
            }
            _ => {}
        }
    }
    Some(request)
}

fn groups(inner: &Inner, socket: &mut TcpStream) -> Option<()> {
    let kinds = inner.world().kinds.clone();
    let mut versions: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for (group, version) in kinds.iter().filter_map(Definition::group) {
        let known = versions.entry(group).or_default();
        let this = json!({ "groupVersion": format!("{group}/{version}"), "version": version });
        if !known.contains(&this) {
            known.push(this);
        }
    }
    let groups: Vec<Value> = versions
        .into_iter()
        .map(|(name, versions)| json!({ "name": name, "preferredVersion": versions[0], "versions": versions }))
        .collect();
    answer(
        socket,
        200,
        &json!({ "kind": "APIGroupList", "groups": groups }),
    )
}

fn resources(inner: &Inner, socket: &mut TcpStream, request: &Request) -> Option<()> {
    let kinds = inner.world().kinds.clone();
    let group = request.plural.trim_start_matches("apis/");
    let version = request.name.as_deref().unwrap_or_default();
    let names: Vec<Value> = kinds
        .iter()
        .filter(|kind| kind.group() == Some((group, version)))
        .map(|kind| json!({ "name": kind.plural, "kind": kind.kind, "namespaced": kind.is_namespaced }))
        .collect();
    if names.is_empty() {
        return answer(socket, 404, &status(404, "not found", None));
    }
    answer(
        socket,
        200,
        &json!({ "kind": "APIResourceList", "resources": names }),
    )
}

fn get(inner: &Inner, socket: &mut TcpStream, request: &Request) -> Option<()> {
    let name = request.name.clone().unwrap_or_default();
    let key = (request.plural.clone(), String::new(), name);
    let found = inner.world().objects.get(&key).cloned();
    match found {
        Some(object) => answer(socket, 200, &object),
        None => answer(socket, 404, &status(404, "not found", None)),
    }
}

fn list(inner: &Inner, socket: &mut TcpStream, request: &Request) -> Option<()> {
    let kinds = inner.world().kinds.clone();
    let Some(Definition { kind, .. }) = kinds.iter().find(|kind| kind.plural == request.plural)
    else {
        return answer(socket, 404, &status(404, "not found", None));
    };
    let number = |key: &str| -> Option<usize> {
        let text = request.query.get(key)?;
        text.trim_end_matches('x').parse().ok()
    };
    let world = inner.world();
    let fitting = world
        .objects
        .range((request.plural.clone(), String::new(), String::new())..)
        .take_while(|((plural, ..), _)| *plural == request.plural)
        .filter(|((_, namespace, _), _)| {
            request
                .namespace
                .as_ref()
                .is_none_or(|wanted| wanted == namespace)
        });
    let count = fitting.clone().count();
    let start = number("continue").unwrap_or(0).min(count);
    let end = count.min(start + number("limit").unwrap_or(usize::MAX >> 1));
    let mut metadata = json!({ "resourceVersion": world.version.to_string() });
    if end < count {
        metadata["continue"] = json!(end.to_string());
        metadata["remainingItemCount"] = json!(count - end);
    }
    let items: Vec<Value> = fitting
        .skip(start)
        .take(end - start)
        .map(|(_, object)| shape(object, request))
        .collect();
    drop(world);
    let list = json!({ "kind": format!("{kind}List"), "metadata": metadata, "items": items });
    answer(socket, 200, &list)
}

/// The object, or its metadata where only that was asked for.
fn shape(object: &Value, request: &Request) -> Value {
    let accept = request.headers.get("accept").map_or("", String::as_str);
    if accept.contains("as=PartialObjectMetadata") {
        json!({ "kind": "PartialObjectMetadata", "metadata": object["metadata"] })
    } else {
        object.clone()
    }
}

fn watch(inner: &Inner, socket: &mut TcpStream, request: &Request, epoch: u64) -> Option<()> {
    let seconds: u64 = request
        .query
        .get("timeoutSeconds")
        .and_then(|text| text.parse().ok())
        .unwrap_or(300);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut from: u64 = request.query.get("resourceVersion")?.parse().ok()?;
    start_chunks(socket)?;
    loop {
        let mut lines = Vec::new();
        let is_over;
        {
            let world = inner.world();
            is_over = Instant::now() >= end
                || world.watch_epoch != epoch
                || inner.stopped.load(Ordering::SeqCst);
            if from < world.oldest {
                let gone = status(410, "too old resource version", None);
                lines.push(json!({ "type": "ERROR", "object": gone }));
            } else {
                for change in &world.changes {
                    if change.version > from
                        && change.plural == request.plural
                        && request
                            .namespace
                            .as_ref()
                            .is_none_or(|wanted| *wanted == change.namespace)
                    {
                        let object = shape(&change.object, request);
                        lines.push(json!({ "type": change.kind, "object": object }));
                    }
                }
                if is_over {
                    lines.push(json!({ "type": "BOOKMARK", "object": {
                        "metadata": { "resourceVersion": world.version.to_string() } } }));
                }
                from = world.version;
                if lines.is_empty() {
                    drop(
                        inner
                            .changed
                            .wait_timeout(world, Duration::from_millis(200)),
                    );
                    continue;
                }
            }
        }
        let is_gone = lines[0]["type"] == "ERROR";
        for line in lines {
            let line = format!("{line}\n");
            write!(socket, "{:x}\r\n{line}\r\n", line.len()).ok()?;
        }
        if is_over || is_gone {
            return socket.write_all(b"0\r\n\r\n").ok();
        }
    }
}

fn start_chunks(socket: &mut TcpStream) -> Option<()> {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    socket.write_all(head.as_bytes()).ok()
}

fn answer(socket: &mut TcpStream, code: u16, body: &Value) -> Option<()> {
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {code} Answer\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all((head + &body).as_bytes()).ok()
}

fn status(code: u16, message: &str, next: Option<String>) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message,
        "metadata": { "continue": next.unwrap_or_default() },
    })
}
