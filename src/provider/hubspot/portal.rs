//! stand-in
/// x
#[derive(Clone, Debug)]
pub struct Portal;
