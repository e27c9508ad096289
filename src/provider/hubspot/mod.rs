//! stand-in
pub mod operation;
pub mod portal;
