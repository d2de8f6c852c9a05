//! Manifests: files, folders and standard input, in YAML or JSON, many objects each.
//!
//! What cannot be read is told with file and line, and everything else still loads.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::model::from_wire::{self, Arrived, Mode, Place};
use crate::model::{Cluster, Coverage, Diagnostic, SourceRef};
use crate::text::tame;
use crate::wire::{self, Object};
use crate::yaml;

/// Beyond this size a JSON text gets no line index: its policies are named by file only.
const INDEXED_JSON_BYTES: usize = 32 << 20;

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
            Self::TooLarge { .. } => Some("leave out what is not needed: kubectl get pods,ns,netpol,svc,endpointslices,nodes -A -o json".to_owned()),
        }
    }
}

/// Loads every path, `-` being standard input, into one cluster. Offline input is the whole world: what it does not hold does
/// not exist.
pub fn load(paths: &[PathBuf]) -> Result<(Cluster, Vec<Diagnostic>), LoadError> {
    let mut objects = Vec::new();
    let mut diagnostics = Vec::new();
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
            read_bytes("-", &bytes, &mut objects, &mut diagnostics);
            continue;
        }
        for file in files_of(path)? {
            let failed = |source| LoadError::Read {
                path: file.clone(),
                source,
            };
            if std::fs::metadata(&file).map_err(failed)?.len() > MAX_FILE_BYTES {
                return Err(LoadError::TooLarge { path: file });
            }
            let bytes = std::fs::read(&file).map_err(failed)?;
            read_bytes(
                &tame(&file.display().to_string()),
                &bytes,
                &mut objects,
                &mut diagnostics,
            );
        }
    }
    let (cluster, problems) = from_wire::cluster(&objects, Coverage::complete(), Mode::Files);
    diagnostics.extend(problems);
    Ok((cluster, diagnostics))
}

/// Reads one text as if it were a file of that name.
pub fn parse(name: &str, text: &str) -> (Cluster, Vec<Diagnostic>) {
    let (objects, mut diagnostics) = objects(name, text);
    let (cluster, problems) = from_wire::cluster(&objects, Coverage::complete(), Mode::Files);
    diagnostics.extend(problems);
    (cluster, diagnostics)
}

/// Reads the objects of one text, for whoever keeps them apart to change them one by one.
pub(super) fn objects(name: &str, text: &str) -> (Vec<Arrived>, Vec<Diagnostic>) {
    let (mut objects, mut diagnostics) = (Vec::new(), Vec::new());
    read_text(name, text, &mut objects, &mut diagnostics);
    (objects, diagnostics)
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

fn read_bytes(
    name: &str,
    bytes: &[u8],
    objects: &mut Vec<Arrived>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    match std::str::from_utf8(bytes) {
        Ok(text) => read_text(name, text, objects, diagnostics),
        Err(error) => {
            let line = bytes[..error.valid_up_to()].split(|b| *b == b'\n').count();
            diagnostics.push(
                Diagnostic::error("is not UTF-8 text")
                    .at(Some(SourceRef {
                        file: name.into(),
                        line: u32::try_from(line).unwrap_or(u32::MAX),
                    }))
                    .help("save it as UTF-8; PowerShell's `>` writes UTF-16"),
            );
        }
    }
}

fn read_text(
    name: &str,
    text: &str,
    objects: &mut Vec<Arrived>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut reader = Reader {
        file: name.into(),
        objects,
        diagnostics,
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
    for document in yaml::documents(text) {
        reader.yaml(document.text, document.first_line);
    }
}

struct Reader<'a> {
    file: Arc<str>,
    objects: &'a mut Vec<Arrived>,
    diagnostics: &'a mut Vec<Diagnostic>,
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
            self.json_value(value, line);
        }
        true
    }

    fn json_value(&mut self, text: &str, line: u32) {
        if text.starts_with('[') {
            if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text) {
                self.json_items(&items, text, line);
            }
            return;
        }
        match serde_json::from_str::<wire::Head>(text) {
            Ok(head) if head.kind.ends_with("List") => {
                #[derive(serde::Deserialize)]
                struct List<'a> {
                    #[serde(borrow, default)]
                    items: Vec<&'a RawValue>,
                }
                match serde_json::from_str::<List<'_>>(text) {
                    Ok(list) => self.json_items(&list.items, text, line),
                    Err(error) => self.unreadable(&head, line, &error.to_string()),
                }
            }
            Ok(head) => self.keep(&head, line, text, Decode::Json),
            Err(error) => {
                let line = line + u32::try_from(error.line()).unwrap_or(1).saturating_sub(1);
                self.no_object(line, &error.to_string());
            }
        }
    }

    fn json_items(&mut self, items: &[&RawValue], text: &str, first_line: u32) {
        let mut line = first_line;
        let mut done = 0;
        for item in items {
            let offset = item.get().as_ptr() as usize - text.as_ptr() as usize;
            line += u32::try_from(text[done..offset].matches('\n').count()).unwrap_or(0);
            done = offset;
            self.json_value(item.get(), line);
        }
    }

    fn yaml(&mut self, text: &str, first_line: u32) {
        match yaml::read::<Option<wire::Head>>(text) {
            Ok(None) => {}
            Ok(Some(head)) if head.kind.ends_with("List") => {
                let outline = yaml::outline(text);
                for (item, line) in outline.items {
                    self.yaml(&item, first_line + line - 1);
                }
            }
            Ok(Some(head)) => self.keep(&head, first_line, text, Decode::Yaml),
            Err(error) => match salvage(text) {
                // A policy that cannot be read is not a policy that does not exist.
                Some(head) if head.kind == "NetworkPolicy" => {
                    self.unreadable(&head, first_line + error.line - 1, &error.message);
                }
                _ => self.no_object(first_line + error.line - 1, &error.message),
            },
        }
    }

    /// Decodes an object by its kind; a kind that says nothing about who reaches whom is passed over.
    fn keep(&mut self, head: &wire::Head, line: u32, text: &str, decode: Decode) {
        if head.kind.is_empty() {
            self.diagnostics.push(
                Diagnostic::warning("is no Kubernetes object: it has no `kind`; it is left out")
                    .at(Some(self.at(line))),
            );
            return;
        }
        let lines = |text: &str| {
            let index = decode == Decode::Yaml || text.len() <= INDEXED_JSON_BYTES;
            index.then(|| Arc::new(yaml::outline(text).lines))
        };
        let (object, lines) = match (head.group(), head.kind.as_str()) {
            ("", "Namespace") => (
                decode.read(text).map(|o| Object::Namespace(Box::new(o))),
                None,
            ),
            ("", "Node") => (decode.read(text).map(|o| Object::Node(Box::new(o))), None),
            ("", "Pod") => (decode.read(text).map(|o| Object::Pod(Box::new(o))), None),
            ("", "Service") => (
                decode.read(text).map(|o| Object::Service(Box::new(o))),
                None,
            ),
            ("discovery.k8s.io", "EndpointSlice") => (
                decode
                    .read(text)
                    .map(|o| Object::EndpointSlice(Box::new(o))),
                None,
            ),
            ("networking.k8s.io" | "extensions", "NetworkPolicy") => (
                decode
                    .read(text)
                    .map(|o| Object::NetworkPolicy(Box::new(o))),
                lines(text),
            ),
            ("apps" | "extensions", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
            | ("batch", "Job" | "CronJob")
            | ("", "ReplicationController") => {
                let read = decode.read(text).map(|o| {
                    Object::Workload(Box::new(wire::Workload {
                        kind: head.kind.clone(),
                        ..o
                    }))
                });
                (read, None)
            }
            _ => return,
        };
        match object {
            Ok(object) => {
                let place = Some(Place {
                    file: Arc::clone(&self.file),
                    line,
                    lines,
                });
                self.objects.push(Arrived { object, place });
            }
            Err((within, message)) => self.unreadable(head, line + within - 1, &message),
        }
    }

    fn unreadable(&mut self, head: &wire::Head, line: u32, why: &str) {
        let object = Object::Unreadable(Box::new(wire::Unreadable {
            kind: head.kind.clone(),
            metadata: head.metadata.clone(),
            why: why.to_owned(),
        }));
        let place = Some(Place {
            file: Arc::clone(&self.file),
            line,
            lines: None,
        });
        self.objects.push(Arrived { object, place });
    }

    fn no_object(&mut self, line: u32, why: &str) {
        self.diagnostics.push(
            Diagnostic::error(format!("cannot be read: {}", tame(why)))
                .at(Some(self.at(line)))
                .help("this document is left out, the other documents are used"),
        );
    }
}

/// Reads kind, name and namespace off the lines of a document that is no YAML, as a person would.
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
            if let Some(kind) = value(line, "kind:") {
                head.kind = kind;
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Decode {
    Json,
    Yaml,
}

impl Decode {
    /// Reads a value; the error carries the line within `text`, from 1.
    fn read<T: DeserializeOwned>(self, text: &str) -> Result<T, (u32, String)> {
        match self {
            Self::Json => serde_json::from_str(text).map_err(|error| {
                let message = error.to_string();
                let end = message.find(" at line ").unwrap_or(message.len());
                (
                    u32::try_from(error.line()).unwrap_or(1).max(1),
                    message[..end].to_owned(),
                )
            }),
            Self::Yaml => yaml::read(text).map_err(|error| (error.line, error.message)),
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
}
