//! placeholder
pub mod applying;
pub mod args;
pub mod connect;
pub mod open;
pub mod planning;
pub mod select;
pub mod signals;
/// x
pub fn main(_:std::env::ArgsOs)->u8{0}
