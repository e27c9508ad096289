//! The command `sandbox`: a local emulator of the upstreams.

use std::fmt::Write as _;
use std::str::FromStr;

use tokio::net::TcpListener;

use super::args::SandboxArgs;
use crate::failure::{Failure, Kind};
use crate::output::printer::Printer;
use crate::sandbox::{Options, Running, parse_duration};

/// Runs until Ctrl-C or SIGTERM.
pub async fn run(args: &SandboxArgs, printer: &Printer) -> Result<(), Failure> {
    if !args.listen.ip().is_loopback() {
        return Err(Failure::new(
            Kind::Invalid,
            format!("`--listen {}` is not a loopback address", args.listen),
        )
        .help(
            "the sandbox has no passwords, so it listens on this machine only: use 127.0.0.1:8765",
        ));
    }
    let options = options(args)?;
    let failed = |e: &dyn std::fmt::Display| {
        Failure::new(Kind::Other, format!("cannot listen on {}: {e}", args.listen))
            .help("another program may use the port; `--listen 127.0.0.1:0` picks a free one")
    };
    let listener = TcpListener::bind(args.listen).await.map_err(|e| failed(&e))?;
    let running = Running::on(options, listener)
        .map_err(|e| Failure::new(Kind::Other, format!("the sandbox cannot start: {e}")))?;
    let mut text = format!("sandbox {}\n", running.root_url());
    for (name, url) in running.base_urls() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {name:<11} base_url: {url}");
    }
    let _ = write!(text, "\nproforma --sandbox {} plan\nStops on Ctrl-C.\n", running.root_url());
    let stopped = super::signals::stopped();
    printer.data(&text);
    running
        .until(stopped)
        .await
        .map_err(|e| Failure::new(Kind::Other, format!("the sandbox stopped: {e}")))
}

fn options(args: &SandboxArgs) -> Result<Options, Failure> {
    let mut options = Options { seed: args.seed, state: args.state.clone(), ..Options::default() };
    if let Some(text) = &args.latency {
        options.latency = parse_duration(text).map_err(|e| wrong("latency", &e))?;
    }
    if let Some(text) = &args.rate {
        options.rate = FromStr::from_str(text).map_err(|e| wrong("rate", &e))?;
    }
    if let Some(text) = &args.fail {
        options.fail = FromStr::from_str(text).map_err(|e| wrong("fail", &e))?;
    }
    if let Some(text) = &args.lose {
        options.lose = FromStr::from_str(text).map_err(|e| wrong("lose", &e))?;
    }
    Ok(options)
}

fn wrong(flag: &str, e: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        Kind::Invalid,
        format!("`--{flag}`: {}", crate::output::text::safe(&e.to_string())),
    )
}
