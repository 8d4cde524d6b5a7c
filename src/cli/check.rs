//! `brownout check`: reads scenarios and says everything that is wrong with them, without running them.

use std::path::PathBuf;

use clap::Args;

use crate::scenario::{self, Loaded};

use super::console::Console;
use super::exit::Exit;
use super::overrides::Overrides;
use super::source;

const EXAMPLES: &str = "\
Examples:
  brownout check scenarios/*.toml
  brownout check --variant breaker forty-node-meltdown
  cat scenario.toml | brownout check -";

/// Say everything that is wrong with scenarios, without running them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Scenario files, or names of built-in scenarios (see `brownout list`); `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
}

/// Checks every file and returns the worst exit.
pub(super) fn execute(arguments: &Arguments, console: Console) -> Exit {
    let check = |file: &PathBuf| {
        let source = match source::scenario(file) {
            Ok(source) => source,
            Err(failure) => return console.fail(&failure),
        };
        let loaded = scenario::load(&source.name, &source.bytes, &arguments.overrides.options());
        console.say(&diagnostics(&loaded, console));
        if loaded.model.is_none() {
            return Exit::BadScenario;
        }
        if console.quiet {
            return Exit::Fine;
        }
        let verdict = match loaded.diagnostics.warnings() {
            0 => "fine".to_owned(),
            1 => "fine, with 1 warning".to_owned(),
            warnings => format!("fine, with {warnings} warnings"),
        };
        match console.print(&format!("{}: {verdict}\n", source.name)) {
            Ok(()) => Exit::Fine,
            Err(failure) => console.fail(&failure),
        }
    };
    arguments.files.iter().map(check).max().unwrap_or(Exit::Fine)
}

/// What is wrong, as text; warnings alone only when the user wants to hear of them.
pub(super) fn diagnostics(loaded: &Loaded, console: Console) -> String {
    if loaded.diagnostics.has_errors() || !console.quiet {
        loaded.diagnostics.render(console.color_err)
    } else {
        String::new()
    }
}
