//! Planning: pure functions from desired, recorded and observed to a [`model::Plan`].

pub mod model;
