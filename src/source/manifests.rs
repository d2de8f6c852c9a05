//! Manifests: files, folders and standard input, in YAML or JSON, many objects each.
//!
//! What cannot be read is told with file and line, and everything else still loads.

mod json;
mod parallel;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::model::from_wire::{self, Arrived, Mode, Place};
use crate::model::{
    Cluster, Coverage, Diagnostic, PolicyApi, PolicyKind, Resource, SourceRef, State,
};
use crate::text::tame;
use crate::wire::{self, Object};
use crate::yaml;

/// Beyond this size a JSON text gets no line index: its policies are named by file only.
const INDEXED_JSON_BYTES: usize = 32 << 20;

/// Kinds outside the core group that decide which pods there are, and what stands behind a Service or an address outside.
const KINDS_READ: [&str; 8] = [
    "CronJob",
    "DaemonSet",
    "Deployment",
    "EndpointSlice",
    "Ingress",
    "Job",
    "ReplicaSet",
    "StatefulSet",
];

/// Kinds that are decoded without a look at their head first: what is decoded holds the same metadata.
const KINDS_DECODED: [(&str, &str); 14] = [
    ("", "Namespace"),
    ("", "Node"),
    ("", "Pod"),
    ("", "ReplicationController"),
    ("", "Service"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("batch", "CronJob"),
    ("batch", "Job"),
    ("discovery.k8s.io", "EndpointSlice"),
    ("networking.k8s.io", "Ingress"),
    ("networking.k8s.io", "NetworkPolicy"),
];

/// How deep lists may stand within lists. Each level is read again as a whole, so a tower of them would take for ever.
const MAX_LISTS: u32 = 16;
const TOO_DEEP: &str = "lists stand too deep within lists";

/// How many files, or bytes of documents, are worth handing to a thread.
const FILES_AT_A_TIME: usize = 32;
const BYTES_AT_A_TIME: usize = 256 << 10;

/// The largest file that is read, a guard against pointing at a disk image by mistake.
const MAX_FILE_BYTES: u64 = 2 << 30;

/// Why nothing at all could be loaded from a path.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read `{}`", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("`{}` holds no manifest (*.yaml, *.yml, *.json)", path.display())]
    EmptyFolder { path: PathBuf },
    #[error("`{}` is larger than 2 GiB", path.display())]
    TooLarge { path: PathBuf },
}

impl LoadError {
    /// What to do next, when we know.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Some("-f takes a file, a folder, or - for standard input".to_owned())
            }
            Self::Read { .. } => None,
            Self::EmptyFolder { .. } => Some("name a file, or a folder that holds some at any depth".to_owned()),
            Self::TooLarge { .. } => Some("leave out what is not needed: kubectl get pods,ns,netpol,svc,ing,endpointslices,nodes -A -o json".to_owned()),
        }
    }
}

/// Loads every path, `-` being standard input, into one cluster. Offline input is the whole world: what it does not hold does
/// not exist.
pub fn load(paths: &[PathBuf]) -> Result<(Cluster, Vec<Diagnostic>), LoadError> {
    let mut input = Input::default();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut bytes = Vec::new();
            let read = std::io::stdin()
                .lock()
                .take(MAX_FILE_BYTES)
                .read_to_end(&mut bytes);
            read.map_err(|source| LoadError::Read {
                path: path.clone(),
                source,
            })?;
            input.read_bytes("-", &bytes);
            continue;
        }
        let files = files_of(path)?;
        let read = parallel::in_order(files.len(), FILES_AT_A_TIME, |range| {
            read_files(&files[range])
        });
        for part in read {
            input.append(part?);
        }
    }
    if input.objects.is_empty() {
        input.diagnostics.push(
            Diagnostic::warning(
                "nothing was loaded: the input holds no object that says who may reach whom",
            )
            .help("what is needed: kubectl get pods,ns,netpol,svc,ing,endpointslices,nodes -A -o json"),
        );
    }
    Ok(input.cluster())
}

/// Reads one text as if it were a file of that name.
pub fn parse(name: &str, text: &str) -> (Cluster, Vec<Diagnostic>) {
    let mut input = Input::default();
    input.read_text(name, text);
    input.cluster()
}

/// Reads the objects of one text, for whoever keeps them apart to change them one by one.
pub(super) fn objects(name: &str, text: &str) -> (Vec<Arrived>, Vec<Diagnostic>) {
    let mut input = Input::default();
    input.read_text(name, text);
    (input.objects, input.diagnostics)
}

/// Reads files one after the other, through one buffer.
fn read_files(files: &[PathBuf]) -> Result<Input, LoadError> {
    let mut input = Input::default();
    let mut bytes = Vec::with_capacity(64 << 10);
    for path in files {
        bytes.clear();
        let read = std::fs::File::open(path)
            .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
        read.map_err(|source| LoadError::Read {
            path: path.clone(),
            source,
        })?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(LoadError::TooLarge { path: path.clone() });
        }
        input.read_bytes(&tame(&path.to_string_lossy()), &bytes);
    }
    Ok(input)
}

/// What has been read so far.
#[derive(Default)]
struct Input {
    objects: Vec<Arrived>,
    diagnostics: Vec<Diagnostic>,
    /// The kinds of policies of which some may have been missed, each with the first text that cannot be read and speaks of them.
    lost: BTreeMap<Resource, String>,
}

/// The manifests of a path in name order: itself, or all below it. Hidden folders are skipped.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| LoadError::Read { path, source }
    };
    if !std::fs::metadata(path).map_err(failed(path))?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(failed(&folder))? {
            let entry = entry.map_err(failed(&folder))?;
            let kind = entry.file_type().map_err(failed(&entry.path()))?;
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if kind.is_dir() && !hidden {
                folders.push(entry.path());
            } else if !kind.is_dir()
                && entry
                    .path()
                    .extension()
                    .is_some_and(|e| e == "yaml" || e == "yml" || e == "json")
            {
                found.push(entry.path());
            }
        }
    }
    if found.is_empty() {
        return Err(LoadError::EmptyFolder {
            path: path.to_owned(),
        });
    }
    found.sort();
    Ok(found)
}

impl Input {
    /// Adds what was read from a later place.
    fn append(&mut self, later: Self) {
        self.objects.extend(later.objects);
        self.diagnostics.extend(later.diagnostics);
        for (resource, why) in later.lost {
            self.lost.entry(resource).or_insert(why);
        }
    }

    fn cluster(mut self) -> (Cluster, Vec<Diagnostic>) {
        let mut coverage = Coverage::complete();
        for (resource, why) in self.lost {
            // Never taken for absent: what rests on there being no further policy is unknown (rule E12).
            coverage.set(resource, None, State::Failed { why });
        }
        let (cluster, problems) = from_wire::cluster(&self.objects, coverage, Mode::Files);
        self.diagnostics.extend(problems);
        (cluster, self.diagnostics)
    }

    fn read_bytes(&mut self, name: &str, bytes: &[u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.read_text(name, text),
            Err(error) => {
                let line = bytes[..error.valid_up_to()].split(|b| *b == b'\n').count();
                let at = SourceRef {
                    file: name.into(),
                    line: u32::try_from(line).unwrap_or(u32::MAX),
                };
                // UTF-16 has a zero beside each plain letter.
                let letters: Vec<u8> = bytes.iter().copied().filter(|b| *b != 0).collect();
                self.lose(&String::from_utf8_lossy(&letters), &at);
                self.diagnostics.push(
                    Diagnostic::error("is not UTF-8 text")
                        .at(Some(at))
                        .help("save it as UTF-8; PowerShell's `>` writes UTF-16"),
                );
            }
        }
    }

    /// Notes that a text could not be read, if there may be a policy in it.
    fn lose(&mut self, text: &str, at: &SourceRef) {
        let policies = std::iter::once(Resource::NetworkPolicies).chain(Resource::optional());
        for resource in policies {
            let is_named = match resource {
                Resource::Other(kind) => text.contains(kind.group()) && has_word(text, kind.kind()),
                own => has_word(text, own.kind()),
            };
            if is_named {
                let why = || format!("{at} speaks of {} and cannot be read", resource.kind());
                self.lost.entry(resource).or_insert_with(why);
            }
        }
        // As a word alone it stands in every policy.
        if is_of_kind(text, Resource::Ingresses.kind()) {
            let why = || format!("{at} holds an Ingress and cannot be read");
            self.lost.entry(Resource::Ingresses).or_insert_with(why);
        }
    }

    fn read_text(&mut self, name: &str, text: &str) {
        let mut reader = Reader {
            file: name.into(),
            input: self,
            lists: 0,
        };
        let bare = text.trim_start_matches('\u{feff}').trim_start();
        if bare.starts_with('{') || bare.starts_with('[') {
            let skipped = text.len() - bare.len();
            let line = u32::try_from(text[..skipped].matches('\n').count()).unwrap_or(0) + 1;
            // Looks like JSON, and is read by the fast reader if it is; flow YAML begins the same way.
            if reader.json(bare, line) {
                return;
            }
        }
        let documents = yaml::documents(text);
        let average = text.len() / documents.len().max(1) + 1;
        let file = Arc::clone(&reader.file);
        let read = parallel::in_order(documents.len(), BYTES_AT_A_TIME / average + 1, |range| {
            let mut part = Self::default();
            let mut reader = Reader {
                file: Arc::clone(&file),
                input: &mut part,
                lists: 0,
            };
            for document in &documents[range] {
                let part = yaml::Part::document(document.text);
                reader.yaml(&part, document.first_line, &wire::Head::default());
            }
            part
        });
        for part in read {
            self.append(part);
        }
    }
}

struct Reader<'a> {
    file: Arc<str>,
    input: &'a mut Input,
    /// How many lists are open around what is read.
    lists: u32,
}

impl Reader<'_> {
    fn at(&self, line: u32) -> SourceRef {
        SourceRef {
            file: Arc::clone(&self.file),
            line,
        }
    }

    /// Reads JSON values that follow each other. Returns `false`, having kept nothing, when the text is not JSON.
    fn json(&mut self, text: &str, first_line: u32) -> bool {
        self.json_list(text, first_line) || self.json_values(text, first_line)
    }

    fn json_values(&mut self, text: &str, first_line: u32) -> bool {
        let mut values = Vec::new();
        let stream = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
        for value in stream {
            match value {
                Ok(value) => values.push(value.get()),
                Err(_) => return false,
            }
        }
        let mut line = first_line;
        let mut done = 0;
        for value in values {
            // RawValue borrows from `text`, so its place in it is known.
            let offset = value.as_ptr() as usize - text.as_ptr() as usize;
            line += u32::try_from(text[done..offset].matches('\n').count()).unwrap_or(0);
            done = offset;
            self.json_value(value, line, &wire::Head::default());
        }
        true
    }

    /// Reads a `List` in one pass. Returns `false`, having kept nothing, when it is no list or holds anything out of order.
    fn json_list(&mut self, text: &str, first_line: u32) -> bool {
        let read = json::list(text, BYTES_AT_A_TIME, |json| {
            let start = json.at();
            if let Some(found) = json.kind() {
                let head = wire::Head {
                    api_version: found.api_version.to_owned(),
                    kind: found.kind.to_owned(),
                    ..wire::Head::default()
                };
                let next = Next {
                    text: json.text(),
                    start: json.at(),
                    end: Cell::new(json.at()),
                };
                let mut part = Input::default();
                let mut reader = Reader {
                    file: Arc::clone(&self.file),
                    input: &mut part,
                    lists: 0,
                };
                if KINDS_DECODED.contains(&(head.group(), &head.kind))
                    && reader.keep(&head, 0, Body::Next(&next), Certainty::Kind)
                {
                    json.go_on(next.end.get());
                    return Ok((start, Item::Kept(part.objects)));
                }
            }
            json.peek();
            let start = json.at();
            json.skip()?;
            Ok((start, Item::Left(start..json.at())))
        });
        let Ok(list) = read else { return false };
        let Ok(head) = serde_json::from_str::<wire::Head>(&list.around) else {
            return false;
        };
        if !head.kind.ends_with("List") {
            return false;
        }
        let mut line = first_line;
        let mut done = 0;
        for (start, item) in list.items {
            line += u32::try_from(text[done..start].matches('\n').count()).unwrap_or(0);
            done = start;
            match item {
                Item::Kept(objects) => {
                    self.input
                        .objects
                        .extend(objects.into_iter().map(|arrived| Arrived {
                            place: arrived.place.map(|place| Place { line, ..place }),
                            ..arrived
                        }));
                }
                Item::Left(range) => self.json_value(&text[range], line, &head),
            }
        }
        true
    }

    /// `of` is the list the value stands in: as servers write them, `PodList` and the like, its items do not repeat the kind.
    fn json_value(&mut self, text: &str, line: u32, of: &wire::Head) {
        if text.starts_with('[') {
            if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text) {
                self.json_items(&items, text, line, of);
            }
            return;
        }
        match serde_json::from_str::<wire::Head>(text) {
            Ok(head) if head.kind.ends_with("List") => {
                #[derive(serde::Deserialize)]
                struct List<'a> {
                    #[serde(borrow, default)]
                    items: Option<Vec<&'a RawValue>>,
                }
                match serde_json::from_str::<List<'_>>(text) {
                    Ok(list) => {
                        self.json_items(&list.items.unwrap_or_default(), text, line, &head);
                    }
                    Err(error) => self.no_object(text, line, &error.to_string()),
                }
            }
            Ok(head) => {
                let head = item_head(head, of);
                self.keep(&head, line, Body::Json(text), Certainty::Whole);
            }
            Err(error) => {
                let line = line + u32::try_from(error.line()).unwrap_or(1).saturating_sub(1);
                let why = error.to_string();
                let head = serde_json::from_str::<Named>(text);
                let head = head.map(|named| item_head(named.into(), of)).ok();
                self.rescue(head.as_ref(), text, line, &why);
            }
        }
    }

    fn json_items(&mut self, items: &[&RawValue], text: &str, first_line: u32, of: &wire::Head) {
        if self.lists >= MAX_LISTS {
            self.no_object(text, first_line, TOO_DEEP);
            return;
        }
        self.lists += 1;
        let mut line = first_line;
        let mut done = 0;
        for item in items {
            let offset = item.get().as_ptr() as usize - text.as_ptr() as usize;
            line += u32::try_from(text[done..offset].matches('\n').count()).unwrap_or(0);
            done = offset;
            self.json_value(item.get(), line, of);
        }
        self.lists -= 1;
    }

    fn yaml(&mut self, part: &yaml::Part<'_>, first_line: u32, of: &wire::Head) {
        let body = Body::Yaml(part);
        if let Some([kind, api_version]) = part.strings(["kind", "apiVersion"]) {
            let head = wire::Head {
                api_version: api_version.to_owned(),
                kind: kind.to_owned(),
                ..wire::Head::default()
            };
            let head = item_head(head, of);
            if KINDS_DECODED.contains(&(head.group(), &head.kind))
                && self.keep(&head, first_line, body, Certainty::Kind)
            {
                return;
            }
        }
        match part.read::<Option<wire::Head>>() {
            Ok(None) => {}
            Ok(Some(head)) if head.kind.ends_with("List") => {
                if self.lists >= MAX_LISTS {
                    self.no_object(part.text(), first_line, TOO_DEEP);
                    return;
                }
                self.lists += 1;
                for (item, line) in part.items() {
                    self.yaml(&item, first_line + line - 1, &head);
                }
                self.lists -= 1;
            }
            Ok(Some(head)) => {
                let head = item_head(head, of);
                self.keep(&head, first_line, body, Certainty::Whole);
            }
            Err(error) => {
                let line = first_line + error.line - 1;
                let text = part.text();
                let head = salvage(text).map(|head| item_head(head, of));
                self.rescue(head.as_ref(), text, line, &error.message);
            }
        }
    }

    /// Keeps what is known of a document that cannot be read: a policy that cannot be read is not a policy that does not exist.
    fn rescue(&mut self, head: Option<&wire::Head>, text: &str, line: u32, why: &str) {
        let Some(head) = head.filter(|head| !head.kind.is_empty()) else {
            return self.no_object(text, line, why);
        };
        let (group, kind) = (head.group(), head.kind.as_str());
        let is_named = !head.metadata.name.is_empty();
        if let Some(found) = PolicyKind::find(group, kind).filter(|_| is_named) {
            self.foreign(found, head, line);
        }
        let is_policy = PolicyApi::ALL
            .into_iter()
            .any(|api| api.kind() == kind && (group.is_empty() || group == api.group()));
        let is_ingress =
            kind == "Ingress" && matches!(group, "" | "networking.k8s.io" | "extensions");
        if (is_policy || is_ingress) && is_named {
            self.unreadable(head, line, why);
        } else if is_ingress || kind.ends_with("List") || kind.ends_with("NetworkPolicy") {
            self.no_object(text, line, why);
        } else {
            self.no_object("", line, why);
        }
    }

    /// Keeps a policy of another project: that it is there is all that is read of it.
    fn foreign(&mut self, kind: PolicyKind, head: &wire::Head, line: u32) {
        let object = Object::Foreign(Box::new(wire::Foreign {
            group: kind.group().to_owned(),
            kind: kind.kind().to_owned(),
            metadata: head.metadata.clone(),
        }));
        let place = Some(Place {
            file: Arc::clone(&self.file),
            line,
            lines: None,
        });
        self.input.objects.push(Arrived { object, place });
    }

    /// Decodes an object by its kind; a kind that says nothing about who reaches whom is passed over.
    ///
    /// Returns `false`, having kept nothing, when the object cannot be decoded and of its head only the kind is known.
    fn keep(&mut self, head: &wire::Head, line: u32, text: Body<'_>, known: Certainty) -> bool {
        if head.kind.is_empty() {
            self.input.diagnostics.push(
                Diagnostic::warning("is no Kubernetes object: it has no `kind`; it is left out")
                    .at(Some(self.at(line))),
            );
            return true;
        }
        let lines = |text: Body<'_>| text.lines().map(Arc::new);
        let (object, lines) = match (head.group(), head.kind.as_str()) {
            ("", "Namespace") => (text.read().map(|o| Object::Namespace(Box::new(o))), None),
            ("", "Node") => (text.read().map(|o| Object::Node(Box::new(o))), None),
            ("", "Pod") => (text.read().map(|o| Object::Pod(Box::new(o))), None),
            ("", "Service") => (text.read().map(|o| Object::Service(Box::new(o))), None),
            ("discovery.k8s.io", "EndpointSlice") => (
                text.read().map(|o| Object::EndpointSlice(Box::new(o))),
                None,
            ),
            ("networking.k8s.io" | "extensions", "NetworkPolicy") => (
                text.read().map(|o| Object::NetworkPolicy(Box::new(o))),
                lines(text),
            ),
            ("networking.k8s.io" | "extensions", "Ingress") => {
                (text.read().map(|o| Object::Ingress(Box::new(o))), None)
            }
            ("policy.networking.k8s.io", kind) => match (head.version(), kind) {
                ("v1alpha2", "ClusterNetworkPolicy") => (
                    text.read()
                        .map(|o| Object::ClusterNetworkPolicy(Box::new(o))),
                    lines(text),
                ),
                ("v1alpha1", "AdminNetworkPolicy") => (
                    text.read().map(|o| Object::AdminNetworkPolicy(Box::new(o))),
                    lines(text),
                ),
                ("v1alpha1", "BaselineAdminNetworkPolicy") => (
                    text.read()
                        .map(|o| Object::BaselineAdminNetworkPolicy(Box::new(o))),
                    lines(text),
                ),
                _ => {
                    self.unknown_version(head, line);
                    return true;
                }
            },
            ("apps" | "extensions", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
            | ("batch", "Job" | "CronJob")
            | ("", "ReplicationController") => {
                let read = text.read().map(|o| {
                    Object::Workload(Box::new(wire::Workload {
                        kind: head.kind.clone(),
                        ..o
                    }))
                });
                (read, None)
            }
            (group, kind) => {
                if let Some(kind) = PolicyKind::find(group, kind) {
                    self.foreign(kind, head, line);
                } else {
                    self.pass_over(head, group, kind, line);
                }
                return true;
            }
        };
        match object {
            Ok(object) => {
                let place = Some(Place {
                    file: Arc::clone(&self.file),
                    line,
                    lines,
                });
                self.input.objects.push(Arrived { object, place });
            }
            Err(_) if known == Certainty::Kind => return false,
            Err((within, message)) => self.unreadable(head, line + within - 1, &message),
        }
        true
    }

    /// Most kinds have nothing to do with traffic. A policy that is left out has to be told, whatever the reason.
    fn pass_over(&mut self, head: &wire::Head, group: &str, kind: &str, line: u32) {
        let is_core = group.is_empty() || group == "networking.k8s.io" || group == "extensions";
        if is_core && kind.eq_ignore_ascii_case("NetworkPolicy") {
            let why = format!(
                "`{}` of apiVersion `{}` is not known; a server takes NetworkPolicy of networking.k8s.io/v1",
                tame(kind),
                tame(&head.api_version)
            );
            let head = wire::Head {
                kind: "NetworkPolicy".to_owned(),
                ..head.clone()
            };
            self.unreadable(&head, line, &why);
            return;
        }
        if head.api_version.is_empty() && KINDS_READ.contains(&kind) {
            self.input.diagnostics.push(
                Diagnostic::error("has no `apiVersion`; it is left out")
                    .at(Some(self.at(line)))
                    .on(format!("{kind} {}", qualified(head)))
                    .help("an API server refuses it too: write apps/v1, batch/v1, discovery.k8s.io/v1 or networking.k8s.io/v1"),
            );
            return;
        }
        let wide = PolicyApi::ALL.into_iter().find(|api| api.kind() == kind);
        if let Some(api) = wide.filter(|_| head.api_version.is_empty()) {
            let why = format!("has no `apiVersion`; a server takes {}", in_full(api));
            return self.unreadable(head, line, &why);
        }
        if kind.ends_with("NetworkPolicy") && !kind.starts_with("Staged") {
            self.input.diagnostics.push(
                Diagnostic::warning(format!(
                    "is a policy of {}, which is not known; every answer leaves it out",
                    tame(group)
                ))
                .at(Some(self.at(line)))
                .on(format!("{} {}", tame(kind), qualified(head)))
                .help("what it allows and denies comes on top of what is said here"),
            );
        }
    }

    /// Tells of an object of policy.networking.k8s.io that is in no version known here. It may decide anything, so its kind counts
    /// as not read.
    fn unknown_version(&mut self, head: &wire::Head, line: u32) {
        let known = PolicyApi::ALL.into_iter().find(|api| {
            *api != PolicyApi::NetworkPolicy && api.kind().eq_ignore_ascii_case(&head.kind)
        });
        let (kind, version) = (tame(&head.kind), tame(&head.api_version));
        let at = self.at(line);
        let resource = known.map_or(Resource::ClusterNetworkPolicies, PolicyApi::resource);
        let why = format!("{at} holds a {kind} of {version}, which is not known");
        self.input.lost.entry(resource).or_insert(why);
        self.input.diagnostics.push(
            Diagnostic::error(format!(
                "`{kind}` of apiVersion `{version}` is not known; every verdict it might change is unknown"
            ))
            .at(Some(at))
            .on(format!("{kind} {}", qualified(head)))
            .help(match known {
                Some(api) => format!("what can be read is {}", in_full(api)),
                None => format!(
                    "what can be read is {}, {} and {}",
                    in_full(PolicyApi::ClusterNetworkPolicy),
                    in_full(PolicyApi::AdminNetworkPolicy),
                    in_full(PolicyApi::BaselineAdminNetworkPolicy)
                ),
            }),
        );
    }

    fn unreadable(&mut self, head: &wire::Head, line: u32, why: &str) {
        let object = Object::Unreadable(Box::new(wire::Unreadable {
            group: head.group().to_owned(),
            kind: head.kind.clone(),
            metadata: head.metadata.clone(),
            why: why.to_owned(),
        }));
        let place = Some(Place {
            file: Arc::clone(&self.file),
            line,
            lines: None,
        });
        self.input.objects.push(Arrived { object, place });
    }

    /// Tells of a text that is left out; `text` is what may have held policies, empty when it certainly held none.
    fn no_object(&mut self, text: &str, line: u32, why: &str) {
        let at = self.at(line);
        self.input.lose(text, &at);
        self.input.diagnostics.push(
            Diagnostic::error(format!("cannot be read: {}", tame(why)))
                .at(Some(at))
                .help("this document is left out, the other documents are used"),
        );
    }
}

fn qualified(head: &wire::Head) -> String {
    let (namespace, name) = (tame(&head.metadata.namespace), tame(&head.metadata.name));
    if namespace.is_empty() {
        return name.into_owned();
    }
    format!("{namespace}/{name}")
}

fn in_full(api: PolicyApi) -> String {
    format!("{} of {}/{}", api.kind(), api.group(), api.version())
}

/// Whether a kind is named, not merely as the end of a longer word.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric()))
}

/// Whether `kind: WORD` stands somewhere in it, in YAML or JSON.
fn is_of_kind(text: &str, kind: &str) -> bool {
    text.match_indices(kind).any(|(at, _)| {
        let is_blank = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ':');
        let before = text[..at].trim_end_matches(is_blank);
        let ends = !text[at + kind.len()..].starts_with(|c: char| c.is_ascii_alphanumeric());
        ends && before.ends_with("kind") && text[before.len()..at].contains(':')
    })
}

/// What an item is: what it says of itself, else what its list holds.
fn item_head(mut head: wire::Head, of: &wire::Head) -> wire::Head {
    if head.kind.is_empty()
        && let Some(kind) = of.kind.strip_suffix("List")
    {
        kind.clone_into(&mut head.kind);
        head.api_version.clone_from(&of.api_version);
    }
    head
}

/// As little of an object as it takes to say which one it is.
#[derive(Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Named {
    api_version: String,
    kind: String,
    metadata: NamedMeta,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct NamedMeta {
    name: String,
    namespace: String,
}

impl From<Named> for wire::Head {
    fn from(named: Named) -> Self {
        let mut head = Self {
            api_version: named.api_version,
            kind: named.kind,
            ..Self::default()
        };
        head.metadata.name = named.metadata.name;
        head.metadata.namespace = named.metadata.namespace;
        head
    }
}

/// Reads kind, apiVersion, name and namespace off the lines of a document that is no YAML, as a person would.
fn salvage(text: &str) -> Option<wire::Head> {
    let value = |line: &str, key: &str| -> Option<String> {
        let rest = line.trim_start().strip_prefix(key)?.trim();
        Some(rest.trim_matches(['"', '\'']).to_owned())
    };
    let mut head = wire::Head::default();
    let mut in_metadata = false;
    for line in text.lines() {
        if !line.starts_with([' ', '-', '#']) {
            in_metadata = line.starts_with("metadata:");
            // The short form: `metadata: {name: p, namespace: x}`.
            let inline = line.strip_prefix("metadata:").map_or("", str::trim);
            let inline = inline.trim_start_matches('{').trim_end_matches('}');
            for part in inline.split(',') {
                if let Some(name) = value(part, "name:") {
                    head.metadata.name = name;
                } else if let Some(namespace) = value(part, "namespace:") {
                    head.metadata.namespace = namespace;
                }
            }
            if let Some(kind) = value(line, "kind:") {
                head.kind = kind;
            } else if let Some(version) = value(line, "apiVersion:") {
                head.api_version = version;
            }
        } else if in_metadata {
            if let Some(name) = value(line, "name:") {
                head.metadata.name = name;
            } else if let Some(namespace) = value(line, "namespace:") {
                head.metadata.namespace = namespace;
            }
        }
    }
    (!head.kind.is_empty()).then_some(head)
}

/// What of an object's head was read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Certainty {
    /// `apiVersion` and `kind`; the rest may not even be readable.
    Kind,
    Whole,
}

/// An item of a JSON list.
enum Item {
    Kept(Vec<Arrived>),
    /// Where it stands, for a closer look.
    Left(std::ops::Range<usize>),
}

/// A value within a JSON text; its end is known when it has been read.
struct Next<'a> {
    text: &'a str,
    start: usize,
    end: Cell<usize>,
}

/// The text of one object.
#[derive(Clone, Copy)]
enum Body<'a> {
    Json(&'a str),
    /// Some value within a JSON text.
    Next(&'a Next<'a>),
    Yaml(&'a yaml::Part<'a>),
}

impl Body<'_> {
    /// Reads a value; the error carries the line within the text, from 1.
    fn read<T: DeserializeOwned>(self) -> Result<T, (u32, String)> {
        match self {
            Self::Json(text) => serde_json::from_str(text).map_err(|error| {
                let message = error.to_string();
                let end = message.find(" at line ").unwrap_or(message.len());
                (
                    u32::try_from(error.line()).unwrap_or(1).max(1),
                    message[..end].to_owned(),
                )
            }),
            Self::Next(json) => {
                let mut reader = json::Json::new(json.text, json.start);
                let read = reader.decode();
                json.end.set(reader.at());
                read.map_err(|error| (1, error.to_string()))
            }
            Self::Yaml(part) => part.read().map_err(|error| (error.line, error.message)),
        }
    }

    fn lines(self) -> Option<yaml::Lines> {
        match self {
            Self::Json(text) => (text.len() <= INDEXED_JSON_BYTES).then(|| yaml::json_lines(text)),
            Self::Next(json) => Self::Json(&json.text[json.start..json.end.get()]).lines(),
            Self::Yaml(part) => Some(part.lines()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: x}\nspec:\n  podSelector: {}\n  ingress:\n  - from:\n    - podSelector: {}\n";

    fn policy_lines(cluster: &Cluster) -> (String, Option<u32>) {
        let policy = cluster.policies().next().expect("a policy was loaded");
        let rule = &policy.ingress.as_ref().unwrap()[0];
        (policy.source.as_ref().unwrap().to_string(), rule.line)
    }

    #[test]
    fn many_documents_windows_line_ends_and_a_byte_order_mark_all_work() {
        let text = format!(
            "\u{feff}{}---\n{}",
            POLICY, "kind: Pod\napiVersion: v1\nmetadata: {name: a, namespace: x}\n"
        );
        let (cluster, told) = parse("t", &text.replace('\n', "\r\n"));
        assert!(told.is_empty(), "{told:?}");
        assert_eq!(policy_lines(&cluster), ("t:1".to_owned(), Some(7)));
        assert_eq!(cluster.namespaces["x"].pods.len(), 1);
    }

    #[test]
    fn a_broken_document_is_told_of_and_the_others_load() {
        let text = format!(
            "{POLICY}---\nkind: Pod\nmetadata: [unclosed\n---\nkind: Pod\napiVersion: v1\nmetadata: {{name: ok, namespace: x}}\n"
        );
        let (cluster, told) = parse("t", &text);
        assert_eq!(cluster.namespaces["x"].pods.len(), 1);
        assert_eq!(told.len(), 1);
        let line = told[0].source.as_ref().unwrap().line;
        assert!(
            (11..=13).contains(&line),
            "line {line} is not in the broken document"
        );
    }

    #[test]
    fn lists_of_either_kind_keep_the_lines_of_their_items() {
        let yaml = format!(
            "kind: List\napiVersion: v1\nitems:\n- {}",
            POLICY.trim_end().replace('\n', "\n  ")
        );
        let (cluster, told) = parse("t", &yaml);
        assert!(told.is_empty(), "{told:?}");
        assert_eq!(policy_lines(&cluster), ("t:4".to_owned(), Some(10)));
        let json = "{\"kind\": \"List\",\n \"items\": [\n  {\"apiVersion\": \"networking.k8s.io/v1\", \"kind\": \"NetworkPolicy\",\n   \"metadata\": {\"name\": \"p\", \"namespace\": \"x\"},\n   \"spec\": {\"ingress\": [\n     {\"from\": [{\"podSelector\": {}}]}]}}]}";
        let (cluster, told) = parse("t", json);
        assert!(told.is_empty(), "{told:?}");
        assert_eq!(policy_lines(&cluster), ("t:3".to_owned(), Some(6)));
    }

    #[test]
    fn one_bad_item_of_a_list_hides_no_other() {
        let json = "{\"kind\": \"PodList\", \"items\": [{\"kind\": \"Pod\", \"apiVersion\": \"v1\", \"metadata\": {\"name\": \"a\", \"labels\": 7}}, {\"kind\": \"Pod\", \"apiVersion\": \"v1\", \"metadata\": {\"name\": \"b\"}}]}";
        let (cluster, told) = parse("t", json);
        assert_eq!(cluster.namespaces["default"].pods.len(), 1);
        assert_eq!(told.len(), 1, "{told:?}");
    }

    #[test]
    fn a_policy_that_cannot_be_decoded_is_kept_as_unreadable() {
        let (cluster, told) = parse(
            "t",
            "kind: NetworkPolicy\napiVersion: networking.k8s.io/v1\nmetadata: {name: p, namespace: x}\nspec: {ingress: 7}\n",
        );
        assert_eq!(cluster.namespaces["x"].policies[0].invalid.len(), 1);
        assert_eq!(told[0].object.as_deref(), Some("NetworkPolicy x/p"));
        assert_eq!(told[0].source.as_ref().unwrap().to_string(), "t:4");
    }

    #[test]
    fn a_policy_that_is_no_yaml_is_kept_as_unreadable_too() {
        let (cluster, told) = parse(
            "t",
            "kind: NetworkPolicy\nmetadata:\n  name: p\n  namespace: x\nspec:\n\tpodSelector: {}\n",
        );
        assert_eq!(cluster.namespaces["x"].policies[0].name, "p");
        assert_eq!(told.len(), 1);
        assert!(!cluster.namespaces["x"].policies[0].invalid.is_empty());
    }

    #[test]
    fn flow_yaml_that_only_looks_like_json_is_read() {
        let (cluster, told) = parse(
            "t",
            "{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: x}}\n---\n{kind: Pod, apiVersion: v1, metadata: {name: b, namespace: x}}\n",
        );
        assert!(told.is_empty(), "{told:?}");
        assert_eq!(cluster.namespaces["x"].pods.len(), 2);
    }

    #[test]
    fn kinds_that_say_nothing_about_traffic_are_passed_over() {
        let (cluster, told) = parse(
            "t",
            "kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\ndata: {a: b}\n---\njust: text\n",
        );
        assert!(cluster.namespaces.is_empty());
        assert_eq!(told.len(), 1);
        assert!(told[0].message.contains("no `kind`"));
    }

    /// Whether further policies may be in force that could not be read.
    fn policies_are_lost(cluster: &Cluster) -> bool {
        !cluster
            .coverage
            .is_readable(Resource::NetworkPolicies, Some("x"))
    }

    #[test]
    fn items_of_a_servers_list_do_not_repeat_their_kind() {
        for text in [
            r#"{"kind": "NetworkPolicyList", "apiVersion": "networking.k8s.io/v1", "items": [{"metadata": {"name": "p", "namespace": "x"}, "spec": {"podSelector": {}}}]}"#,
            "kind: NetworkPolicyList\napiVersion: networking.k8s.io/v1\nitems:\n- metadata: {name: p, namespace: x}\n  spec: {podSelector: {}}\n",
        ] {
            let (cluster, told) = parse("t", text);
            assert!(told.is_empty(), "{told:?}");
            assert_eq!(cluster.namespaces["x"].policies[0].name, "p", "{text}");
        }
    }

    #[test]
    fn a_policy_in_a_text_that_cannot_be_read_is_never_taken_for_absent() {
        for text in [
            "{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: p, namespace: x}, spec: {}",
            r#"{"kind": "List", "items": [{"kind": "NetworkPolicy", "apiVersion": "networking.k8s.io/v1", "metadata": {"name": "p"#,
            "kind: List\napiVersion: v1\nitems:\n- kind: NetworkPolicy\n  apiVersion: networking.k8s.io/v1\n  metadata: {name: p, namespace: x}\n- kind: Pod\n  metadata: {name: q\n",
            "{{ if .Values.lock }}\nkind: NetworkPolicy\n{{ end }}\n",
        ] {
            let (cluster, told) = parse("t", text);
            assert_eq!(told.len(), 1, "{text}: {told:?}");
            assert!(policies_are_lost(&cluster), "{text}");
        }
        let mut input = Input::default();
        let utf16: Vec<u8> = "\u{feff}kind: NetworkPolicy\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        input.read_bytes("t", &utf16);
        assert!(policies_are_lost(&input.cluster().0));
    }

    #[test]
    fn a_broken_pod_says_nothing_about_policies() {
        for text in [
            "kind: Pod\nmetadata: [unclosed\n",
            r#"{"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a", "labels": 7}}"#,
        ] {
            let (cluster, told) = parse("t", text);
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(!policies_are_lost(&cluster), "{text}");
        }
    }

    #[test]
    fn a_policy_that_no_server_takes_is_kept_as_unreadable() {
        for text in [
            "kind: NetworkPolicy\nmetadata: {name: p, namespace: x}\nspec: {}\n",
            "kind: Networkpolicy\napiVersion: networking.k8s.io/v1\nmetadata: {name: p, namespace: x}\n",
            // Two keys of one name: what was meant is not known.
            "kind: NetworkPolicy\napiVersion: networking.k8s.io/v1\nmetadata: {name: p, namespace: x}\nspec: {}\nspec: {}\n",
            r#"{"kind": "NetworkPolicy", "apiVersion": "networking.k8s.io/v1", "metadata": {"name": "p", "namespace": "x", "labels": 7}}"#,
        ] {
            let (cluster, told) = parse("t", text);
            assert_eq!(told.len(), 1, "{text}: {told:?}");
            assert_eq!(told[0].object.as_deref(), Some("NetworkPolicy x/p"));
            assert!(!cluster.namespaces["x"].policies[0].invalid.is_empty());
        }
    }

    #[test]
    fn policies_of_other_projects_are_counted_and_told_of_once_a_kind() {
        let (cluster, told) = parse(
            "t",
            "{kind: NetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: c, namespace: x}}\n---\n{kind: NetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: b, namespace: y}, spec: 7}\n---\n{kind: CiliumClusterwideNetworkPolicy, apiVersion: cilium.io/v2, metadata: {name: w}}\n---\n{kind: EgressFirewall, apiVersion: k8s.ovn.org/v1, metadata: {name: f}}\n---\n{kind: AuthorizationPolicy, apiVersion: security.istio.io/v1, metadata: {name: a, namespace: x}}\n---\n{kind: Deployment, metadata: {name: d, namespace: x}}\n",
        );
        assert!(cluster.namespaces.is_empty());
        let found: Vec<String> = cluster
            .foreign
            .iter()
            .map(|one| {
                let source = one.source.as_ref().unwrap();
                format!(
                    "{} {}/{} {source}",
                    one.kind.full_name(),
                    one.namespace,
                    one.name
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                "networkpolicies.projectcalico.org x/c t:1",
                "networkpolicies.projectcalico.org y/b t:3",
                "ciliumclusterwidenetworkpolicies.cilium.io /w t:5",
                "egressfirewalls.k8s.ovn.org default/f t:7",
                "authorizationpolicies.security.istio.io x/a t:9",
            ]
        );
        let told: Vec<String> = told
            .iter()
            .map(|d| format!("{} {}", d.source.as_ref().unwrap(), d.message))
            .collect();
        assert_eq!(
            told,
            [
                "t:11 has no `apiVersion`; it is left out",
                "t:1 NetworkPolicy of projectcalico.org is not evaluated, and there are 2 objects in x, y: connections of the pods they may act on are unknown",
                "t:5 CiliumClusterwideNetworkPolicy of cilium.io is not evaluated, and there is 1 object: connections of the pods they may act on are unknown",
                "t:7 EgressFirewall of k8s.ovn.org is not evaluated, and there is 1 object in default: connections from the pods they may act on are unknown where they would be allowed otherwise",
                "t:9 AuthorizationPolicy of security.istio.io is not evaluated, and there is 1 object in x: connections of the pods they may act on are unknown where they would be allowed otherwise",
            ]
        );
        for resource in Resource::optional() {
            assert!(
                cluster.coverage.is_readable(resource, Some("x")),
                "{resource:?}"
            );
        }
    }

    #[test]
    fn a_version_that_is_not_known_leaves_its_kind_unknown() {
        for (kind, version, lost) in [
            (
                "ClusterNetworkPolicy",
                "v1beta1",
                Resource::ClusterNetworkPolicies,
            ),
            (
                "ClusterNetworkPolicy",
                "v1alpha1",
                Resource::ClusterNetworkPolicies,
            ),
            (
                "AdminNetworkPolicy",
                "v1alpha2",
                Resource::AdminNetworkPolicies,
            ),
            (
                "Adminnetworkpolicy",
                "v1alpha1",
                Resource::AdminNetworkPolicies,
            ),
            (
                "BaselineAdminNetworkPolicy",
                "v1",
                Resource::BaselineAdminNetworkPolicies,
            ),
            (
                "GalaxyNetworkPolicy",
                "v1alpha2",
                Resource::ClusterNetworkPolicies,
            ),
        ] {
            let api = format!("policy.networking.k8s.io/{version}");
            for text in [
                format!("kind: {kind}\napiVersion: {api}\nmetadata: {{name: p}}\n"),
                format!(
                    r#"{{"kind": "{kind}List", "apiVersion": "{api}", "items": [{{"metadata": {{"name": "p"}}}}]}}"#
                ),
            ] {
                let (cluster, told) = parse("t", &text);
                assert!(cluster.cluster_policies.is_empty(), "{text}");
                assert_eq!(told.len(), 1, "{text}: {told:?}");
                let object = format!("{kind} p");
                assert_eq!(told[0].object.as_deref(), Some(object.as_str()), "{text}");
                let unread: Vec<Resource> = cluster
                    .coverage
                    .iter()
                    .filter(|(_, _, state)| !state.is_readable())
                    .map(|(resource, ..)| resource)
                    .collect();
                assert_eq!(unread, [lost], "{text}");
            }
        }
    }

    #[test]
    fn a_cluster_wide_policy_that_cannot_be_read_is_never_taken_for_absent() {
        for text in [
            "kind: AdminNetworkPolicy\nmetadata: {name: p}\nspec: {}\n",
            "kind: AdminNetworkPolicy\napiVersion: policy.networking.k8s.io/v1alpha1\nmetadata: {name: p}\nspec: 7\n",
            "kind: AdminNetworkPolicy\napiVersion: policy.networking.k8s.io/v1alpha1\nmetadata:\n  name: p\nspec:\n\tsubject: {}\n",
            r#"{"kind": "AdminNetworkPolicy", "apiVersion": "policy.networking.k8s.io/v1alpha1", "metadata": {"name": "p", "labels": 7}}"#,
        ] {
            let (cluster, told) = parse("t", text);
            assert_eq!(told.len(), 1, "{text}: {told:?}");
            assert_eq!(told[0].object.as_deref(), Some("AdminNetworkPolicy p"));
            assert_eq!(cluster.cluster_policies[0].invalid.len(), 1, "{text}");
        }
        let unread = |text: &str| -> Vec<&'static str> {
            let (cluster, _) = parse("t", text);
            let unread = cluster
                .coverage
                .iter()
                .filter(|(_, _, state)| !state.is_readable());
            unread.map(|(resource, ..)| resource.full_name()).collect()
        };
        let torn = "{{ if .Values.lock }}\napiVersion: GROUP/v1\nkind: KIND\n{{ end }}\n";
        for (group, kind, expected) in [
            (
                "policy.networking.k8s.io",
                "AdminNetworkPolicy",
                &["adminnetworkpolicies"][..],
            ),
            (
                "policy.networking.k8s.io",
                "BaselineAdminNetworkPolicy",
                &["baselineadminnetworkpolicies"],
            ),
            (
                "cilium.io",
                "CiliumNetworkPolicy",
                &["ciliumnetworkpolicies.cilium.io"],
            ),
            ("networking.k8s.io", "NetworkPolicy", &["networkpolicies"]),
            ("apps", "Deployment", &[]),
        ] {
            let text = torn.replace("GROUP", group).replace("KIND", kind);
            assert_eq!(unread(&text), expected, "{text}");
        }
    }

    #[test]
    fn a_policy_kind_nobody_knows_is_told_of() {
        let (cluster, told) = parse(
            "t",
            "{kind: MultiNetworkPolicy, apiVersion: k8s.cni.cncf.io/v1beta1, metadata: {name: m, namespace: x}}\n",
        );
        assert!(cluster.foreign.is_empty());
        assert_eq!(told[0].object.as_deref(), Some("MultiNetworkPolicy x/m"));
        assert!(
            told[0]
                .message
                .contains("k8s.cni.cncf.io, which is not known")
        );
    }
}
