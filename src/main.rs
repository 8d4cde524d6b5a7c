//! The program: hands over to [`brownout::cli`] and becomes its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    brownout::cli::main()
}
