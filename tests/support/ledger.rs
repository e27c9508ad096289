//! A stand-in before the sandbox that writes down every request.

#![allow(clippy::format_push_string, reason = "support of tests")]

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use bytes::Bytes;
use serde_json::Value;

/// A request that left.
#[derive(Clone, Debug)]
pub struct Sent {
    pub method: String,
    pub path: String,
    pub body: Value,
    pub content_type: Option<String>,
}

pub type Ledger = Arc<Mutex<Vec<Sent>>>;

/// The address of a stand-in for the sandbox at `root`. Paths are written down without `mount`.
/// Writes down what comes, and hands it to the sandbox; a lost answer is a cut connection there.
pub async fn stand_in(root: String, mount: &'static str, sent: &Ledger) -> String {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sent = Arc::clone(sent);
    let client = Arc::new(tokio::sync::Mutex::new(()));
    let handler = move |request: axum::extract::Request| {
        let (sent, root, client) = (Arc::clone(&sent), root.clone(), Arc::clone(&client));
        async move {
            let _one_at_a_time = client.lock().await;
            pass_on(request, mount, &sent, &root).await
        }
    };
    tokio::spawn(async move {
        let _ = axum::serve(listener, axum::Router::new().fallback(handler)).await;
    });
    url
}

async fn pass_on(
    request: axum::extract::Request,
    mount: &str,
    sent: &Ledger,
    root: &str,
) -> http::Response<Body> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 24).await.unwrap();
    let header =
        |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok().map(str::to_owned));
    let path = parts.uri.path().replace(mount, "");
    sent.lock().unwrap().push(Sent {
        method: parts.method.to_string(),
        path,
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        content_type: header("content-type"),
    });
    // By hand, so that a cut connection is seen as one.
    let mut stream =
        tokio::net::TcpStream::connect(root.trim_start_matches("http://")).await.unwrap();
    let mut head = format!(
        "{} {} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n",
        parts.method,
        parts.uri,
        bytes.len()
    );
    for name in ["content-type", "authorization", "x-api-key"] {
        if let Some(value) = header(name) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&bytes).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer).await;
    let cut = || {
        // A body that breaks off: the client sees no whole answer.
        let broken =
            futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut")) });
        http::Response::builder().body(Body::from_stream(broken)).unwrap()
    };
    let Some(end) = answer.windows(4).position(|w| w == b"\r\n\r\n").filter(|_| read.is_ok())
    else {
        return cut();
    };
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.lines();
    let status: u16 = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let mut response = http::Response::builder().status(status);
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        if !name.eq_ignore_ascii_case("transfer-encoding")
            && !name.eq_ignore_ascii_case("connection")
        {
            response = response.header(name, value);
        }
    }
    response.body(Body::from(answer[end + 4..].to_vec())).unwrap()
}
