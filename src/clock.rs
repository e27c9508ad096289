//! The clock as a seam.
//!
//! Purpose: whoever needs the date of the day is handed a [`Clock`], so that a simulation can give
//! its own. Waiting and measuring go through tokio's clock, which a test can pause; nothing else
//! in the library asks what time it is.

use std::sync::Arc;

use jiff::Timestamp;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The machine's own clock.
pub fn system() -> Clock {
    Arc::new(Timestamp::now)
}
