//! Output: values in, text out. Nothing here decides anything.

pub mod diagnostics;
pub mod text;
