//! Neither errors nor logs hold secrets or personal data.

use std::fmt::Write as _;

use super::*;

#[tokio::test(start_paused = true)]
async fn errors_and_debug_forms_hold_no_secret() {
    let echo = Line::Status(401, Vec::new(), r#"{"message":"token s3cr3t is not valid"}"#);
    let bench = Bench::new([echo]);
    let error = bench.wire.call(get()).await.unwrap_err();
    let mut shown = String::new();
    write!(shown, "{error} {error:?} {:?} {:?}", bench.wire, get()).unwrap();
    assert!(!shown.contains("s3cr3t"), "{shown}");
    assert!(shown.contains("token [secret] is not valid"), "{shown}");
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn logs_hold_method_path_and_status_and_nothing_personal() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let echo = Line::Status(400, vec![("x-correlation", "r-1")], "jo@acme.example s3cr3t");
            let bench = Bench::new([echo]);
            let call = Call::new(Method::POST, "/contacts/jo@acme.example/x", Safety::Once)
                .query("email", "jo@acme.example")
                .body("jo@acme.example");
            assert!(bench.wire.call(call).await.is_err());
        });
    });
    let bytes = log.0.lock().unwrap().clone();
    let text = String::from_utf8(bytes).unwrap();
    for part in ["POST", "path=\"/contacts/.../x\"", "status=400", "attempt=1", "r-1"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("jo@acme") && !text.contains("s3cr3t"), "{text}");
}
