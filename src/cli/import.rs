//! `brownout import`: foreign files become scenario files.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::console::Console;
use super::exit::Exit;

/// Turn foreign files into scenarios
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Format {
    Isotope(Isotope),
}

/// Turn an Istio isotope service graph (YAML) into a scenario
#[derive(Debug, Args)]
struct Isotope {
    /// The service graph; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Imports the file.
pub(super) fn execute(arguments: &Arguments, _console: Console) -> Exit {
    let Format::Isotope(isotope) = &arguments.format;
    let _ = &isotope.file;
    Exit::Failure
}
