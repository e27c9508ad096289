//! The machine that a command runs on: disk, clock, environment, upstreams, interruption.
//!
//! Purpose: everything of a command that is not a function of its arguments stands behind
//! [`Machine`]. The binary has the real one; a simulation has one whose disk tears, whose clock is
//! virtual and whose upstreams are the sandbox, and runs the very same commands on it.
//!
//! Invariant: below `cli` nobody reads the environment or the wall clock, and nobody but a
//! [`Machine`] makes a disk or a transport. Manifests are read from real files: they are the user's,
//! and proforma never writes them during an apply.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use super::signals;
use crate::apply::workspace_lock::Holder;
use crate::clock::Clock;
use crate::disk::{Disk, RealDisk};
use crate::http::{BaseUrl, ClientError, ReqwestTransport, SharedTransport};

/// What a command asks of the machine under it.
pub trait Machine: Send + Sync + fmt::Debug {
    /// The disk under lockfile and journal.
    fn disk(&self) -> Arc<dyn Disk>;

    /// The time of day.
    fn now(&self) -> Timestamp;

    /// The zone whose calendar says what "today" is.
    fn zone(&self) -> TimeZone;

    /// A variable of the environment; one that is not text counts as missing.
    fn variable(&self, name: &str) -> Option<String>;

    /// Who runs here, for the lock's holder and the journal.
    fn holder(&self) -> Holder;

    /// A token that fires when the user wants the command to stop.
    fn stop_token(&self) -> CancellationToken;

    /// A way to an upstream. `timeout` bounds one request.
    fn dial(&self, base: BaseUrl, timeout: Duration) -> Result<SharedTransport, ClientError>;
}

/// The machine at hand; the real one unless told otherwise.
#[derive(Clone, Debug)]
pub struct Here(Arc<dyn Machine>);

impl Here {
    /// On another machine than the real one.
    pub fn on(machine: Arc<dyn Machine>) -> Self {
        Self(machine)
    }

    /// The machine's clock, for those that keep it.
    pub fn clock(&self) -> Clock {
        let machine = Arc::clone(&self.0);
        Arc::new(move || machine.now())
    }
}

impl Default for Here {
    fn default() -> Self {
        Self(Arc::new(RealMachine))
    }
}

impl Deref for Here {
    type Target = dyn Machine;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

/// The machine that the process runs on.
#[derive(Clone, Copy, Debug)]
pub struct RealMachine;

impl Machine for RealMachine {
    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(RealDisk::new())
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn zone(&self) -> TimeZone {
        TimeZone::system()
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn holder(&self) -> Holder {
        Holder::here(self.now())
    }

    fn stop_token(&self) -> CancellationToken {
        signals::stop_token()
    }

    fn dial(&self, base: BaseUrl, timeout: Duration) -> Result<SharedTransport, ClientError> {
        Ok(Arc::new(ReqwestTransport::new(base, timeout)?))
    }
}
