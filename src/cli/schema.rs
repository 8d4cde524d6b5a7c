//! `brownout schema`: the language for editors.

use clap::Args;

use crate::scenario;

use super::console::Console;
use super::exit::Exit;

const EXAMPLES: &str = "\
Examples:
  brownout schema > schema.json
  (echo '#:schema schema.json'; cat shop.toml) > shop-with-schema.toml

An editor with Taplo (\"Even Better TOML\") or Tombi then completes and checks the file while it is written.";

/// Print the language as a JSON Schema, for editors that complete and check
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {}

/// Prints the schema.
pub(super) fn execute(console: Console) -> Exit {
    match console.print(&scenario::schema()) {
        Ok(()) => Exit::Fine,
        Err(failure) => console.fail(&failure),
    }
}
