//! The `proforma` binary: the rim of the library. Arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(proforma::cli::main(std::env::args_os()))
}
