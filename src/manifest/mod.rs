//! Manifests: what the user wrote, from a folder to checked values.
//!
//! ```text
//! walk ─▶ yaml::parse ─▶ workspace, catalog, quote ─▶ check ─▶ Loaded
//! ```
//!
//! Invariants: [`load`] never fails and never stops at the first error; it reads nothing but files
//! below the workspace, no environment and no clock; what it gives is checked: names follow their
//! rule and are unique, amounts are exact and fit their currency, references inside the workspace
//! hold. What only an upstream can know is checked at plan time.

mod canon;
mod catalog;
mod check;
mod connection;
pub(crate) mod cover;
mod credential;
mod documents;
pub mod files;
pub mod format;
mod forms;
mod guardrails;
mod item;
mod load;
mod mapping;
pub mod order;
mod parts;
mod provider;
mod quote;
mod read;
mod scalar;
mod slug;
mod walk;
mod workspace;
pub mod write;

#[cfg(test)]
mod tests;

pub use catalog::Product;
pub use connection::{Connection, DEFAULT_STAMP_PROPERTY, QuoteSystem, Rate, StampField, Stamping};
pub use credential::Credential;
pub use guardrails::{AllowedEffect, Guardrails, Limit, QuietHours, Recipients};
#[doc(hidden)]
pub use load::load_bytes;
pub use load::{LoadOptions, Loaded, load};
pub use mapping::{MAPPING, Mapping, ProductAt, SECTIONS, read_mapping};
pub use provider::ProviderName;
pub use read::MAX_PROBLEMS;
pub(crate) use read::nearest;
pub use scalar::MAX_TEXT;
pub(crate) use slug::slug;
pub use workspace::{FILE_NAME, Workspace};

pub(crate) use forms::{calendar_period as period, is_email};
pub(crate) use quote::blank_quote;
pub(crate) use slug::{is_key, unique_slugs};
