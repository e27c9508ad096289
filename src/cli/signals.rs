//! Ctrl-C and SIGTERM.

use tokio_util::sync::CancellationToken;

/// Resolves at the next Ctrl-C or SIGTERM.
pub async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut term) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = term.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// A token that fires at the first signal. The second one ends the process at once with 130: what
/// was in flight is in the journal, and the next apply settles it.
pub fn stop_token() -> CancellationToken {
    let token = CancellationToken::new();
    let first = token.clone();
    tokio::spawn(async move {
        stopped().await;
        first.cancel();
        stopped().await;
        std::process::exit(i32::from(crate::failure::Kind::Interrupted.exit_code()));
    });
    token
}
