//! Ctrl-C and SIGTERM.

use tokio_util::sync::CancellationToken;

/// Resolves at the next Ctrl-C or SIGTERM. It listens from this call on, not from the first time
/// that it is waited for: whoever is told that Ctrl-C stops it may press it at once.
pub fn stopped() -> impl Future<Output = ()> + Send {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
        async move {
            match signals {
                (Ok(mut interrupt), Ok(mut terminate)) => {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                    }
                }
                _ => {
                    let _ = tokio::signal::ctrl_c().await;
                }
            }
        }
    }
    #[cfg(not(unix))]
    async {
        let _ = tokio::signal::ctrl_c().await;
    }
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
