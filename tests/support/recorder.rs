//! A stand-in in front of the sandbox that writes down every request with its body: what really
//! leaves the binary, where the sandbox's own log keeps no bodies.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use proforma::sandbox::{Sandbox, Verdict};
use serde_json::Value;

use super::{Ended, World, bare, finish};

/// A request that left.
#[derive(Clone, Debug)]
pub struct Sent {
    pub method: String,
    /// With the sandbox's mount, without the query.
    pub path: String,
    pub body: Value,
}

/// Writes down what comes, and hands it to the sandbox of its world.
pub struct Recorder {
    url: String,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl World {
    /// A stand-in for this world's sandbox.
    pub fn recorder(&self) -> Recorder {
        let sent = Arc::<Mutex<Vec<Sent>>>::default();
        let (ledger, sandbox) = (Arc::clone(&sent), self.sandbox());
        let url = self.runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let handler =
                move |request| pass_on(request, Arc::clone(&ledger), Arc::clone(&sandbox));
            tokio::spawn(async move {
                let _ = axum::serve(listener, axum::Router::new().fallback(handler)).await;
            });
            url
        });
        Recorder { url, sent }
    }
}

impl Recorder {
    /// Runs the binary in the world's folder, against the stand-in.
    pub fn run(&self, world: &World, args: &[&str]) -> Ended {
        let mut command = bare(world.dir());
        command.args(["--sandbox", &self.url]).args(args);
        finish(&mut command)
    }

    /// What left since the last call.
    pub fn take(&self) -> Vec<Sent> {
        std::mem::take(&mut *self.sent.lock().unwrap())
    }
}

async fn pass_on(
    request: axum::extract::Request,
    ledger: Arc<Mutex<Vec<Sent>>>,
    sandbox: Arc<Mutex<Sandbox>>,
) -> http::Response<Body> {
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 24).await.unwrap();
    ledger.lock().unwrap().push(Sent {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    });
    let request = http::Request::from_parts(parts, bytes);
    let verdict = sandbox.lock().unwrap().handle(&request, jiff::Timestamp::now());
    match verdict {
        Verdict::Answer(answer) | Verdict::AnswerAfter(answer, _) => answer.map(Body::from),
        other => panic!("the stand-in is for healthy upstreams: {other:?}"),
    }
}
