//! Bytes to wire objects, one at a time: an object that cannot be decoded is kept as such and hides no other.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::Resource;
use crate::text::{cut, tame};
use crate::wire::{self, Meta, Object, Unreadable};

/// One page of a list.
#[derive(Deserialize)]
pub(super) struct Page<'a> {
    #[serde(default)]
    pub(super) metadata: PageMeta,
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
    #[serde(default)]
    kind: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PageMeta {
    pub(super) resource_version: Option<String>,
    #[serde(rename = "continue")]
    pub(super) next: Option<String>,
    pub(super) remaining_item_count: Option<u64>,
}

impl<'a> Page<'a> {
    /// Reads a page. Anything that is not a list is an error, never an empty list.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let page: Self = serde_json::from_slice(bytes)
            .map_err(|error| format!("the answer is no list: {}", short(&error)))?;
        if !page.kind.ends_with("List") {
            return Err("the answer is no list".to_owned());
        }
        Ok(page)
    }

    pub(super) fn objects(&self, resource: Resource) -> Vec<Object> {
        let items = self.items.iter().flatten();
        items.map(|raw| object(resource, raw.get())).collect()
    }
}

/// One line of a watch.
#[derive(Deserialize)]
pub(super) struct Line<'a> {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(borrow)]
    pub(super) object: &'a RawValue,
}

/// Decodes an object of a kind known from the request; its own `kind` is not looked at, items of lists have none.
pub(super) fn object(resource: Resource, text: &str) -> Object {
    let decoded = match resource {
        Resource::Namespaces => serde_json::from_str(text).map(Object::Namespace),
        Resource::Nodes => serde_json::from_str(text).map(Object::Node),
        Resource::Pods => serde_json::from_str(text).map(Object::Pod),
        Resource::Services => serde_json::from_str(text).map(Object::Service),
        Resource::EndpointSlices => serde_json::from_str(text).map(Object::EndpointSlice),
        Resource::NetworkPolicies => serde_json::from_str(text).map(Object::NetworkPolicy),
        Resource::Ingresses => serde_json::from_str(text).map(Object::Ingress),
        Resource::ClusterNetworkPolicies => {
            serde_json::from_str(text).map(Object::ClusterNetworkPolicy)
        }
        Resource::AdminNetworkPolicies => {
            serde_json::from_str(text).map(Object::AdminNetworkPolicy)
        }
        Resource::BaselineAdminNetworkPolicies => {
            serde_json::from_str(text).map(Object::BaselineAdminNetworkPolicy)
        }
        // That it exists is all that is read of it, so nothing else can be wrong.
        Resource::Other(kind) => Ok(Object::Foreign(Box::new(wire::Foreign {
            group: kind.group().to_owned(),
            kind: kind.kind().to_owned(),
            metadata: metadata(text).unwrap_or_else(|_| identity(text)),
        }))),
        Resource::ReplicaSets | Resource::Jobs => metadata(text).map(|metadata| {
            Object::Workload(Box::new(wire::Workload {
                kind: resource.kind().to_owned(),
                metadata,
                ..wire::Workload::default()
            }))
        }),
    };
    decoded.unwrap_or_else(|error| {
        Object::Unreadable(Box::new(Unreadable {
            group: resource.group().to_owned(),
            kind: resource.kind().to_owned(),
            metadata: metadata(text).unwrap_or_else(|_| identity(text)),
            why: short(&error),
        }))
    })
}

/// The version of a bookmark or of any other object.
pub(super) fn version(text: &str) -> Option<String> {
    metadata(text)
        .map(|metadata| metadata.resource_version)
        .ok()
        .filter(|version| !version.is_empty())
}

fn metadata(text: &str) -> serde_json::Result<Meta> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct OnlyMetadata {
        metadata: Meta,
    }
    serde_json::from_str::<OnlyMetadata>(text).map(|object| object.metadata)
}

/// What remains when even the metadata cannot be decoded: the strings by which the object is found again.
fn identity(text: &str) -> Meta {
    let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let read = |key: &str| {
        value["metadata"][key]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    Meta {
        name: read("name"),
        namespace: read("namespace"),
        uid: read("uid"),
        resource_version: read("resourceVersion"),
        ..Meta::default()
    }
}

fn short(error: &serde_json::Error) -> String {
    let text = error.to_string();
    // The place within a server's answer helps nobody.
    let text = text.split(" at line ").next().unwrap_or_default();
    cut(&tame(text), 200).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_odd_object_does_not_hide_the_others() {
        let text = br#"{"kind": "NetworkPolicyList", "metadata": {"resourceVersion": "7", "continue": ""}, "items": [
            {"metadata": {"name": "good", "namespace": "shop"}, "spec": {"podSelector": {}}},
            {"metadata": {"name": "odd", "namespace": "shop", "resourceVersion": "6"}, "spec": {"ingress": "all"}},
            {"metadata": {"name": "odder", "namespace": "shop", "labels": 3}}
        ]}"#;
        let page = Page::read(text).unwrap();
        let objects = page.objects(Resource::NetworkPolicies);
        assert!(
            matches!(&objects[0], Object::NetworkPolicy(policy) if policy.metadata.name == "good")
        );
        for (object, name) in [(&objects[1], "odd"), (&objects[2], "odder")] {
            let Object::Unreadable(object) = object else {
                panic!("{object:?}");
            };
            assert_eq!(object.kind, "NetworkPolicy");
            assert_eq!(object.metadata.name, name);
            assert_eq!(object.metadata.namespace, "shop");
            assert!(object.why.starts_with("invalid type"), "{}", object.why);
        }
    }

    #[test]
    fn what_is_no_list_is_not_an_empty_one() {
        for text in [
            "",
            "<html>",
            "{}",
            r#"{"kind": "Status", "items": []}"#,
            r#"{"kind": "PodList", "items": 3}"#,
        ] {
            assert!(Page::read(text.as_bytes()).is_err(), "{text}");
        }
        // Go writes an empty list as null now and then.
        let empty = Page::read(br#"{"kind": "PodList", "items": null}"#).unwrap();
        assert!(empty.objects(Resource::Pods).is_empty());
    }

    #[test]
    fn owners_are_metadata_only() {
        let full = r#"{"kind": "PartialObjectMetadata", "metadata": {"name": "web-1", "namespace": "shop",
            "ownerReferences": [{"kind": "Deployment", "name": "web", "controller": true}]}, "spec": {"template": 3}}"#;
        let Object::Workload(set) = object(Resource::ReplicaSets, full) else {
            panic!();
        };
        assert_eq!(set.kind, "ReplicaSet");
        assert!(set.spec.template.is_none());
        assert_eq!(set.metadata.owner_references[0].name, "web");
    }
}
