//! The `proforma` binary: the rim of the library.

fn main() {}
