//! The machine under a simulated command: a disk that tears, a virtual clock, upstreams without
//! a socket, and a process that can be killed at every step.
//!
//! The one thing to know: a process ticks before and after everything that reaches the outside
//! (disk, wire). A kill at tick k is therefore a kill at any point that makes a difference.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proforma::apply::workspace_lock::Holder;
use proforma::cli::machine::Machine;
use proforma::disk::{Disk, FakeDisk, Fault};
use proforma::http::{BaseUrl, ClientError, SharedTransport};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Sabotage;
use super::drawn::{Provider, SECRETS};
use super::net::{Line, Net};

/// What is to happen to a process, counted in its ticks and requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "each says when something happens")]
pub struct Doom {
    /// It dies at this tick.
    pub killed_at: Option<u64>,
    /// The user presses Ctrl-C at this tick.
    pub stopped_at: Option<u64>,
    /// The disk is full from this tick on; an append leaves so many bytes.
    pub full_at: Option<(u64, usize)>,
    /// Its tokens have expired from this request on.
    pub expired_at: Option<u64>,
}

/// A running command.
#[derive(Debug)]
pub struct Process {
    pub id: u32,
    doom: Doom,
    pub stop: CancellationToken,
    /// Told when the process dies.
    pub death: Notify,
    count: Mutex<Count>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    ticks: u64,
    requests: u64,
    writes: u64,
    dead: bool,
}

impl Process {
    pub fn new(id: u32, doom: Doom) -> Self {
        Self {
            id,
            doom,
            stop: CancellationToken::new(),
            death: Notify::new(),
            count: Mutex::default(),
        }
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_dead(&self) -> bool {
        self.count().dead
    }

    pub fn ticks(&self) -> u64 {
        self.count().ticks
    }

    /// Requests that could have changed something, and arrived.
    pub fn writes(&self) -> u64 {
        self.count().writes
    }

    pub fn wrote(&self) {
        self.count().writes += 1;
    }

    /// A request leaves. `true` = its token has expired.
    pub fn request(&self) -> bool {
        let mut count = self.count();
        count.requests += 1;
        self.doom.expired_at.is_some_and(|at| count.requests >= at)
    }

    /// Something is about to happen, or has. `true` = the process is dead.
    fn step(&self) -> bool {
        let (ticks, dead) = {
            let mut count = self.count();
            count.ticks += 1;
            count.dead |= self.doom.killed_at.is_some_and(|at| count.ticks >= at);
            (count.ticks, count.dead)
        };
        if self.doom.stopped_at.is_some_and(|at| ticks >= at) {
            self.stop.cancel();
        }
        if dead {
            self.death.notify_one();
        }
        dead
    }

    /// A tick where a dead process can simply go no further.
    pub async fn tick(&self, _what: &str) {
        if self.step() {
            std::future::pending::<()>().await;
        }
    }

    /// How many bytes still fit, if the disk is full by now.
    fn room(&self) -> Option<usize> {
        let (from, room) = self.doom.full_at?;
        (self.count().ticks >= from).then_some(room)
    }
}

/// The disk as a process sees it.
#[derive(Clone, Debug)]
struct Spindle {
    disk: FakeDisk,
    process: Arc<Process>,
    sabotage: Option<Sabotage>,
}

impl Spindle {
    /// One operation between two ticks. `tears` = a full disk takes the first bytes.
    fn run<T>(
        &self,
        tears: bool,
        grows: bool,
        work: impl FnOnce(&FakeDisk) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.process.step() {
            return Err(gone());
        }
        if let (true, Some(room)) = (grows, self.process.room()) {
            self.disk.fault_in(1, if tears { Fault::Tears(room) } else { Fault::Fails });
        }
        let outcome = work(&self.disk);
        if self.process.step() { Err(gone()) } else { outcome }
    }
}

fn gone() -> io::Error {
    io::Error::other("the process is gone")
}

impl Disk for Spindle {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.run(false, false, |disk| disk.read(path))
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let forgets = self.sabotage == Some(Sabotage::LockfileForgets)
            && path.extension().is_some_and(|e| e == "lock");
        self.run(false, true, |disk| if forgets { Ok(()) } else { disk.replace(path, bytes) })
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.run(true, true, |disk| disk.append(path, bytes))
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        let skips = self.sabotage == Some(Sabotage::NoSync);
        self.run(false, false, |disk| if skips { Ok(()) } else { disk.sync(path) })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.run(false, false, |disk| disk.remove(path))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.run(false, false, |disk| disk.exists(path))
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.run(false, true, |disk| disk.create_folder(path))
    }

    fn blocks(&self) -> bool {
        false
    }
}

/// The machine of one process.
#[derive(Debug)]
pub struct SimMachine {
    pub net: Arc<Net>,
    pub process: Arc<Process>,
    pub disk: FakeDisk,
}

impl Machine for SimMachine {
    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(Spindle {
            disk: self.disk.clone(),
            process: Arc::clone(&self.process),
            sabotage: self.net.sabotage(),
        })
    }

    fn now(&self) -> Timestamp {
        self.net.now()
    }

    fn zone(&self) -> TimeZone {
        TimeZone::UTC
    }

    fn variable(&self, name: &str) -> Option<String> {
        SECRETS.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
    }

    fn holder(&self) -> Holder {
        Holder {
            owner: "robot".to_owned(),
            host: "simulation".to_owned(),
            pid: self.process.id,
            started: self.now(),
            expires: self.now() + jiff::SignedDuration::from_mins(10),
        }
    }

    fn stop_token(&self) -> CancellationToken {
        self.process.stop.clone()
    }

    fn dial(&self, base: BaseUrl, timeout: Duration) -> Result<SharedTransport, ClientError> {
        let (provider, mount) = match base.host() {
            "api.hubapi.com" => (Provider::Hubspot, "/hubspot"),
            "requestquote.w3apps.co" => (Provider::Quickquote, "/quickquote/api/v1"),
            "app.salesbyte.se" => (Provider::Salesbyte, "/salesbyte"),
            _ => (Provider::Dealhub, "/dealhub"),
        };
        Ok(Arc::new(Line {
            net: Arc::clone(&self.net),
            process: Arc::clone(&self.process),
            provider,
            mount,
            timeout,
        }))
    }
}
