//! The `puisano` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    puisano::cli::main()
}
