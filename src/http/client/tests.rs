//! The client against a loopback server that misbehaves byte by byte.

use std::net::SocketAddr;
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::http::Proof;

/// What the server does with each connection: reads the head of the request, then this.
#[derive(Clone)]
enum Server {
    Writes(Vec<u8>),
    Silent,
}

struct Running {
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
    heads: tokio::sync::mpsc::UnboundedReceiver<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(server: Server) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (send, heads) = tokio::sync::mpsc::unbounded_channel();
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = send.send(read_head(&mut stream).await);
            match &server {
                Server::Writes(bytes) => {
                    let _ = stream.write_all(bytes).await;
                    let _ = stream.shutdown().await;
                }
                Server::Silent => {
                    tokio::time::sleep(Duration::from_secs(30)).await;
                }
            }
        }
    });
    Running { address, task, heads }
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(b) => head.push(b),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

fn client(address: SocketAddr, timeout_ms: u64) -> ReqwestTransport {
    let base = BaseUrl::parse(&format!("http://{address}/base/")).unwrap();
    ReqwestTransport::new(base, Duration::from_millis(timeout_ms)).unwrap()
}

fn get(target: &str) -> Request {
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = target.parse().unwrap();
    request.headers_mut().insert("x-api-key", "s3cr3t".parse().unwrap());
    request
}

fn answer(head: &str, body: &[u8]) -> Server {
    Server::Writes([head.as_bytes(), b"\r\n\r\n", body].concat())
}

async fn failure(server: Server, timeout_ms: u64) -> TransportError {
    let running = serve(server).await;
    client(running.address, timeout_ms).send(get("/x?email=jo@acme.example")).await.unwrap_err()
}

#[tokio::test]
async fn sends_to_the_base_and_gives_any_status() {
    let mut running =
        serve(answer("HTTP/1.1 404 Not Found\r\nx-a: b\r\ncontent-length: 2", b"{}")).await;
    let got = client(running.address, 5_000).send(get("/x/y?a=1%2F2")).await.unwrap();
    assert_eq!(got.status(), 404);
    assert_eq!(got.headers()["x-a"], "b");
    assert_eq!(got.body().as_ref(), b"{}");
    let head = running.heads.recv().await.unwrap().to_lowercase();
    assert!(head.starts_with("get /base/x/y?a=1%2f2 http/1.1\r\n"), "{head}");
    assert!(head.contains(concat!("user-agent: proforma/", env!("CARGO_PKG_VERSION"))), "{head}");
    assert!(head.contains("x-api-key: s3cr3t"), "{head}");
    assert!(!head.contains("referer"), "{head}");
}

#[tokio::test]
async fn a_write_without_a_body_says_that_it_has_none() {
    // Some servers wait for a body, or refuse, when the length is missing.
    for method in ["POST", "PUT", "PATCH"] {
        let mut running = serve(answer("HTTP/1.1 204 No Content", b"")).await;
        let mut request = get("/x");
        *request.method_mut() = method.parse().unwrap();
        client(running.address, 5_000).send(request).await.unwrap();
        let head = running.heads.recv().await.unwrap().to_lowercase();
        assert!(head.contains("content-length: 0"), "{head}");
    }
}

#[tokio::test]
async fn a_refused_connection_was_not_sent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = client(address, 5_000).send(get("/x")).await.unwrap_err();
    assert_eq!((error.proof, error.message.as_str()), (Proof::NotSent, "connection refused"));
}

#[tokio::test]
async fn an_unknown_name_was_not_sent() {
    let base = BaseUrl::parse("https://no-such-host.invalid").unwrap();
    // Straight, whatever proxy the machine of the test has.
    let mut transport = ReqwestTransport::new(base, Duration::from_secs(10)).unwrap();
    transport.client = reqwest::Client::builder().no_proxy().build().unwrap();
    let error = transport.send(get("/x")).await.unwrap_err();
    assert_eq!((error.proof, error.message.as_str()), (Proof::NotSent, "name not resolved"));
}

#[tokio::test]
async fn a_cut_answer_is_ambiguous() {
    let cut = "connection closed before the answer was complete";
    for server in [
        Server::Writes(Vec::new()),
        Server::Writes(b"HTTP/1.1 200 OK\r\ncont".to_vec()),
        answer("HTTP/1.1 200 OK\r\ncontent-length: 100", b"{\"id\":"),
        answer("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked", b"5\r\nabc"),
    ] {
        let error = failure(server, 5_000).await;
        assert_eq!((error.proof, error.message.as_str()), (Proof::Ambiguous, cut));
    }
}

#[tokio::test]
async fn silence_ends_in_the_configured_time() {
    for server in [Server::Silent, answer("HTTP/1.1 200 OK\r\ncontent-length: 100", b"")] {
        let quiet = matches!(server, Server::Silent);
        let started = Instant::now();
        let error = failure(server, 300).await;
        assert!(started.elapsed() < Duration::from_secs(5));
        assert_eq!(error.proof, Proof::Ambiguous);
        if quiet {
            assert_eq!(error.message, "timed out after 300 ms");
        }
    }
}

#[tokio::test]
async fn a_redirect_is_given_as_it_is() {
    let mut elsewhere = serve(answer("HTTP/1.1 200 OK\r\ncontent-length: 0", b"")).await;
    let head = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{}/\r\ncontent-length: 0",
        elsewhere.address
    );
    let running = serve(answer(&head, b"")).await;
    let got = client(running.address, 5_000).send(get("/x")).await.unwrap();
    assert_eq!(got.status(), 307);
    assert!(elsewhere.heads.try_recv().is_err());
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    // Stored blocks: valid gzip without a compressor among the dependencies.
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let mut blocks = bytes.chunks(65_535).peekable();
    while let Some(block) = blocks.next() {
        let size = u16::try_from(block.len()).unwrap();
        out.push(u8::from(blocks.peek().is_none()));
        out.extend_from_slice(&size.to_le_bytes());
        out.extend_from_slice(&(!size).to_le_bytes());
        out.extend_from_slice(block);
    }
    let mut crc = u32::MAX;
    for b in bytes {
        crc ^= u32::from(*b);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    out.extend_from_slice(&(!crc).to_le_bytes());
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_le_bytes());
    out
}

fn gzipped(body: &[u8]) -> Server {
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}", body.len());
    answer(&head, body)
}

#[tokio::test]
async fn gzip_is_unpacked_and_counted_unpacked() {
    let packed = gzip(b"{\"id\":\"1\"}");
    let running = serve(gzipped(&packed)).await;
    let got = client(running.address, 5_000).send(get("/x")).await.unwrap();
    assert_eq!(got.body().as_ref(), b"{\"id\":\"1\"}");

    let running = serve(gzipped(&gzip(&[b'a'; 5_000]))).await;
    let mut small = client(running.address, 5_000);
    small.max_answer = 4_999;
    let error = small.send(get("/x")).await.unwrap_err();
    assert_eq!(error.proof, Proof::Ambiguous);
    assert!(error.message.starts_with("the answer is larger than"), "{}", error.message);
    small.max_answer = 5_000;
    assert_eq!(small.send(get("/x")).await.unwrap().body().len(), 5_000);
}

#[tokio::test]
async fn broken_gzip_is_ambiguous_and_says_so() {
    let error = failure(gzipped(b"this is no gzip at all"), 5_000).await;
    assert_eq!(error.proof, Proof::Ambiguous);
    assert_eq!(error.message, "the answer cannot be unpacked");
}

#[tokio::test]
async fn an_endless_answer_is_cut_at_the_limit() {
    let body = vec![b'a'; 300_000];
    let running = serve(answer("HTTP/1.1 200 OK", &body)).await;
    let mut small = client(running.address, 5_000);
    small.max_answer = 100_000;
    let error = small.send(get("/x")).await.unwrap_err();
    assert!(error.message.starts_with("the answer is larger than"), "{}", error.message);
}

#[tokio::test]
async fn nonsense_instead_of_http_is_ambiguous() {
    let error = failure(Server::Writes(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()), 5_000).await;
    assert_eq!(error.proof, Proof::Ambiguous);
}

#[tokio::test]
async fn never_goes_to_another_host() {
    let mut running = serve(answer("HTTP/1.1 200 OK\r\ncontent-length: 0", b"")).await;
    let transport = client(running.address, 5_000);
    for target in ["http://evil.example/x", "/../x", "/a/%2e%2e/b"] {
        let error = transport.send(get(target)).await.unwrap_err();
        assert_eq!(error.proof, Proof::NotSent, "{target}");
    }
    assert!(running.heads.try_recv().is_err());
}

#[tokio::test]
async fn messages_hold_neither_address_nor_secret() {
    for server in [Server::Writes(Vec::new()), gzipped(b"no gzip"), Server::Writes(b"x".to_vec())] {
        let error = failure(server, 1_000).await;
        for part in ["127.0.0.1", "s3cr3t", "jo@acme", "/x"] {
            assert!(!error.message.contains(part), "{}", error.message);
        }
    }
}
