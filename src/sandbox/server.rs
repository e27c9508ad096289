//! The shell: sockets in, calls to the machine, answers out.
//!
//! The one thing to know: to lose an answer is to close the TCP connection without a byte. Each
//! connection is therefore a [`Wire`] with a [`Scissors`]: once cut, every read and write fails
//! and hyper lets the connection go.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, State};
use axum::serve::{IncomingStream, Listener};
use http::StatusCode;
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::machine::{Sandbox, SandboxError, Verdict};
use super::options::Options;
use super::state_file;

/// The largest request body that is read.
const BODY_LIMIT: usize = 32 * 1024 * 1024;
/// How often a changed state goes to its file.
const SAVE_EVERY: Duration = Duration::from_millis(250);

/// A running sandbox with its address. Stops when it is dropped or [`Running::stop`] is called;
/// only the latter waits until the state is saved.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    sandbox: Arc<Mutex<Sandbox>>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), SandboxError>>,
}

impl Running {
    /// Starts one on a free loopback port.
    pub async fn start(options: Options) -> Result<Self, SandboxError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Self::on(options, listener)
    }

    /// Starts one on the given listener. Must be called inside a tokio runtime.
    pub fn on(options: Options, listener: TcpListener) -> Result<Self, SandboxError> {
        let addr = listener.local_addr()?;
        let sandbox = Arc::new(Mutex::new(open(options)?));
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&sandbox);
        let task = tokio::spawn(async move {
            run(shared, listener, async move {
                // An error means that the handle was dropped: stop as well.
                let _ = stopped.await;
            })
            .await
        });
        Ok(Self { addr, sandbox, stop: Some(stop), task })
    }

    /// `http://127.0.0.1:PORT`, for the control endpoints and `--sandbox`.
    pub fn root_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The `base_url` of a provider's connection; the root for one that is not emulated.
    pub fn base_url(&self, provider: &str) -> String {
        let mount = lock(&self.sandbox).mount(provider).unwrap_or_default();
        format!("http://{}{mount}", self.addr)
    }

    /// The emulated providers with their base urls, in mounting order.
    pub fn base_urls(&self) -> Vec<(&'static str, String)> {
        let mounts = lock(&self.sandbox).mounts();
        mounts.into_iter().map(|(name, at)| (name, format!("http://{}{at}", self.addr))).collect()
    }

    /// The machine behind it, for tests that look or act without a socket.
    pub fn sandbox(&self) -> Arc<Mutex<Sandbox>> {
        Arc::clone(&self.sandbox)
    }

    /// Stops listening, saves, and gives what went wrong.
    pub async fn stop(mut self) -> Result<(), SandboxError> {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        self.task.await.map_err(|e| SandboxError::Io(io::Error::other(e)))?
    }

    /// Runs until `shutdown` resolves or serving fails, then stops.
    pub async fn until(self, shutdown: impl Future<Output = ()>) -> Result<(), SandboxError> {
        shutdown.await;
        self.stop().await
    }
}

/// Serves until `shutdown` resolves; saves the state on the way out.
pub async fn serve(
    options: Options,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), SandboxError> {
    let sandbox = Arc::new(Mutex::new(open(options)?));
    run(sandbox, listener, shutdown).await
}

fn open(options: Options) -> Result<Sandbox, SandboxError> {
    let state = options.state.clone();
    let mut sandbox = Sandbox::new(options)?;
    if let Some(path) = state {
        state_file::load(&mut sandbox, &path)?;
    }
    Ok(sandbox)
}

fn lock(sandbox: &Mutex<Sandbox>) -> MutexGuard<'_, Sandbox> {
    // A panic elsewhere must not take the sandbox down with it.
    sandbox.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Clone)]
struct Shared {
    sandbox: Arc<Mutex<Sandbox>>,
    released: Arc<Notify>,
}

async fn run(
    sandbox: Arc<Mutex<Sandbox>>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), SandboxError> {
    let shared = Shared { sandbox: Arc::clone(&sandbox), released: Arc::new(Notify::new()) };
    let router = axum::Router::new().fallback(answer).with_state(shared);
    let service = router.into_make_service_with_connect_info::<Scissors>();
    let all = Arc::new(AtomicBool::new(false));
    let server = axum::serve(Snippable { listener, all: Arc::clone(&all) }, service);
    let mut saved = 0;
    tokio::select! {
        ended = async { server.await } => ended?,
        () = shutdown => {}
        never = keep_saving(&sandbox, &mut saved) => never?,
    }
    // Open connections are cut, not drained: a held request would never end, and what a kept-alive
    // connection still brought would not be saved.
    all.store(true, Ordering::Release);
    save_if_changed(&sandbox, &mut saved).await
}

async fn keep_saving(sandbox: &Arc<Mutex<Sandbox>>, saved: &mut u64) -> Result<(), SandboxError> {
    loop {
        tokio::time::sleep(SAVE_EVERY).await;
        save_if_changed(sandbox, saved).await?;
    }
}

async fn save_if_changed(
    sandbox: &Arc<Mutex<Sandbox>>,
    saved: &mut u64,
) -> Result<(), SandboxError> {
    let (path, state, revision) = {
        let sandbox = lock(sandbox);
        let Some(path) = sandbox.options().state.clone() else { return Ok(()) };
        if sandbox.revision() == *saved {
            return Ok(());
        }
        let state = sandbox.save().map_err(io::Error::from)?;
        (path, state, sandbox.revision())
    };
    tokio::task::spawn_blocking(move || state_file::store(&state, &path))
        .await
        .map_err(io::Error::other)??;
    *saved = revision;
    Ok(())
}

/// One request on one connection.
async fn answer(
    State(shared): State<Shared>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: axum::extract::Request,
) -> http::Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        let mut refused = http::Response::new(Body::from("request body too large or cut short"));
        *refused.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return refused;
    };
    let request = http::Request::from_parts(parts, bytes);
    let mut verdict = lock(&shared.sandbox).handle(&request, Timestamp::now());
    // Cheap, and right for every request that may have released something.
    shared.released.notify_waiters();
    loop {
        verdict = match verdict {
            Verdict::Answer(response) => return response.map(Body::from),
            Verdict::AnswerAfter(response, delay) => {
                tokio::time::sleep(delay).await;
                return response.map(Body::from);
            }
            Verdict::DropBefore | Verdict::DropAfter => {
                scissors.cut();
                return http::Response::new(Body::empty());
            }
            Verdict::Hold(ticket) => wait_for_release(&shared, ticket).await,
        };
    }
}

/// Abandons the ticket if the client goes (the future is dropped) before the release.
struct Ticket<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        lock(&self.shared.sandbox).abandon(self.number);
    }
}

async fn wait_for_release(shared: &Shared, number: u64) -> Verdict {
    let ticket = Ticket { shared, number };
    loop {
        let released = shared.released.notified();
        tokio::pin!(released);
        // Registered before the look, so that a release in between is not missed.
        released.as_mut().enable();
        if let Some(verdict) = lock(&shared.sandbox).resume(ticket.number, Timestamp::now()) {
            return verdict;
        }
        released.await;
    }
}

/// A listener whose connections can be cut, one by one or (at the end) all.
struct Snippable {
    listener: TcpListener,
    all: Arc<AtomicBool>,
}

impl Listener for Snippable {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, addr)) => {
                    // Answers are small; waiting to fill packets would only add latency.
                    let _ = stream.set_nodelay(true);
                    let scissors = Scissors { all: Arc::clone(&self.all), ..Scissors::default() };
                    return (Wire { stream, scissors }, addr);
                }
                // Out of descriptors, or the peer left in the queue: neither is worth an end.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Cuts one connection.
#[derive(Clone, Debug, Default)]
struct Scissors {
    this: Arc<AtomicBool>,
    all: Arc<AtomicBool>,
}

impl Scissors {
    fn cut(&self) {
        self.this.store(true, Ordering::Release);
    }

    fn check(&self) -> io::Result<()> {
        if self.this.load(Ordering::Acquire) || self.all.load(Ordering::Acquire) {
            return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
        }
        Ok(())
    }
}

impl Connected<IncomingStream<'_, Snippable>> for Scissors {
    fn connect_info(stream: IncomingStream<'_, Snippable>) -> Self {
        stream.io().scissors.clone()
    }
}

/// A connection that fails once it is cut.
struct Wire {
    stream: TcpStream,
    scissors: Scissors,
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.scissors.check()?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.scissors.check()?;
        Pin::new(&mut self.stream).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.scissors.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
