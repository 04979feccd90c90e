//! The `snapfunc` program: see [`snapfunc::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    snapfunc::cli::main()
}
