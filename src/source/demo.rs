//! Built-in clusters, each with what its team wrote down about it and a short recording of changes.
//!
//! They read through the same code as files do, so whatever is shown of a demo can be had of a real cluster.

mod play;

use crate::model::{Cluster, Diagnostic};

use super::manifests;

pub use play::play;

/// The demo that stands for itself when no name is given.
pub const DEFAULT: &str = "stalker";

/// The texts of one demo.
struct Texts {
    name: &'static str,
    cluster: &'static str,
    expectations: &'static str,
    play: &'static str,
}

/// The texts of the demo in a folder of `assets/demo`.
macro_rules! demo {
    ($name:literal) => {
        Texts {
            name: $name,
            cluster: include_str!(concat!("../../assets/demo/", $name, "/cluster.yaml")),
            expectations: include_str!(concat!("../../assets/demo/", $name, "/expectations.yaml")),
            play: include_str!(concat!("../../assets/demo/", $name, "/play.jsonl")),
        }
    };
}

const DEMOS: &[Texts] = &[
    demo!("stalker"),
    demo!("red-kite"),
    demo!("e-commerce"),
    demo!("verrazzano"),
    demo!("platform"),
];

/// A demo, loaded.
#[derive(Clone, Debug)]
pub struct Demo {
    pub cluster: Cluster,
    /// Problems in its objects, as for any input.
    pub diagnostics: Vec<Diagnostic>,
    /// A `netseg/v1` file.
    pub expectations_text: &'static str,
    /// The name to read it under: findings point to its lines.
    pub expectations_name: String,
}

/// The demos there are, by name.
pub fn names() -> Vec<&'static str> {
    DEMOS.iter().map(|demo| demo.name).collect()
}

/// Loads a demo; `None` when there is none of that name.
pub fn load(name: &str) -> Option<Demo> {
    let texts = find(name)?;
    let (cluster, diagnostics) = manifests::parse(&texts.file("cluster.yaml"), texts.cluster);
    Some(Demo {
        cluster,
        diagnostics,
        expectations_text: texts.expectations,
        expectations_name: texts.file("expectations.yaml"),
    })
}

fn find(name: &str) -> Option<&'static Texts> {
    DEMOS.iter().find(|demo| demo.name == name)
}

impl Texts {
    /// How a file of this demo is called where lines are pointed to.
    fn file(&self, name: &str) -> String {
        format!("demo/{}/{name}", self.name)
    }
}
