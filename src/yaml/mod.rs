//! YAML with places.
//!
//! Purpose: a document as a tree that keeps what serde loses: the written text of every scalar
//! (`19.990`), the order of keys, and the exact place of each node.
//!
//! Invariants: reading never panics and takes time linear in the size of the text; anchors,
//! aliases, merge keys and tags are refused, so a document means what it shows; one broken
//! document does not hide the next one of the same file.
//!
//! This room knows nothing of quotes. `manifest` checks the tree, `desired` asks it for places.

mod build;
mod marks;
mod parse;
mod place;
mod tree;

pub use marks::{Mark, Sign, Style, marks};
pub use parse::{Document, MAX_BYTES, MAX_DEPTH, Parsed, parse};
pub use place::{Found, find, place_of};
pub use tree::{Entry, Kind, Node, Problem, Span};
