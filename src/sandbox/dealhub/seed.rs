//! The tenant as it is at first: `seed.yaml`.

use serde::Deserialize;

use super::model::{Opportunity, Playbook, Product, Version};
use crate::sandbox::machine::SandboxError;

/// What cannot be changed through the interface, and the opportunities to begin with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seed {
    pub(super) versions: Vec<Version>,
    pub(super) playbooks: Vec<Playbook>,
    pub(super) products: Vec<Product>,
    pub(super) opportunities: Vec<Opportunity>,
}

/// Reads the compiled-in text.
pub(super) fn read() -> Result<Seed, SandboxError> {
    serde_yaml::from_str(include_str!("seed.yaml"))
        .map_err(|e| SandboxError::Unreadable { what: "seed", message: e.to_string() })
}
