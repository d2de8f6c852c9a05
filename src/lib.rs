//! How a Kubernetes cluster is segmented, whether that is what was meant, and which line of policy says so.
pub mod graph;
