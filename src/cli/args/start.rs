//! Flags of the commands with which one begins: `init` and `sandbox`.

use std::path::PathBuf;

use clap::Args;

use super::Provider;

/// Flags of init.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// The folder; made where it is missing. Default: the folder of `--dir`.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// The upstream.
    #[arg(long, value_name = "PROVIDER")]
    pub provider: Option<Provider>,
    /// The workspace's name, part of the mark on every quote. Default: after the folder.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// What to call the account in manifests.
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
}

/// Flags of sandbox.
#[derive(Debug, Clone, Args)]
pub struct SandboxArgs {
    /// Where to listen (loopback only); port 0 picks a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8765")]
    pub listen: std::net::SocketAddr,
    /// Answer each request after this time, for example `20ms`.
    #[arg(long, value_name = "TIME")]
    pub latency: Option<String>,
    /// Refuse more than this many requests in a rolling window, for example `190/10s`.
    #[arg(long, value_name = "N/TIME")]
    pub rate: Option<String>,
    /// Answer this share of requests with 5xx without doing them, for example `1%`.
    #[arg(long, value_name = "SHARE")]
    pub fail: Option<String>,
    /// Do this share of requests, then drop the answer.
    #[arg(long, value_name = "SHARE")]
    pub lose: Option<String>,
    /// Seed of all chance.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Load the records from this file if it exists, and keep them there.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
}
