//! `brownout import`: foreign files become scenario files.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::base::distribution::Distribution;
use crate::base::units::{ParseError, Rate};
use crate::import::isotope;

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::{files, source};

/// A quarter of a million services have room in it; YAML of this size takes a gigabyte to read.
const GRAPH_MEBIBYTES_MAX: usize = 16;

const EXAMPLES: &str = "\
Examples:
  brownout import isotope canonical.yaml > canonical.toml
  brownout import isotope canonical.yaml --work 'exp(5ms)' --rate 50/s --output canonical.toml
  brownout import isotope canonical.yaml | brownout run -";

/// Turn foreign files into scenarios
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Format {
    Isotope(Isotope),
}

/// Turn an Istio isotope service graph (YAML) into a scenario that runs as it is
///
/// The graph says who calls whom; it says neither how much CPU a request costs nor how many
/// requests there are. What is assumed instead stands in the scenario's first comment.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Isotope {
    /// The service graph; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// CPU work of every service for every request: a length of time or a distribution
    #[arg(long, value_name = "TIME", default_value = "1ms", value_parser = with_hint::<Distribution>)]
    work: Distribution,
    /// Requests of all users together, such as 100/s [default: what takes the busiest service to 50%]
    #[arg(long, value_name = "RATE", value_parser = with_hint::<Rate>)]
    rate: Option<Rate>,
    /// Write the scenario to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Imports the file.
pub(super) fn execute(arguments: &Arguments, console: Console) -> Exit {
    let Format::Isotope(arguments) = &arguments.format;
    let imported = match source::foreign(&arguments.file, GRAPH_MEBIBYTES_MAX) {
        Ok(source) => isotope(&source, arguments),
        Err(failure) => return console.fail(&failure),
    };
    let scenario = match imported {
        Ok(scenario) => scenario,
        Err(faults) => {
            console.say(&faults.render(console.color_err));
            return Exit::BadScenario;
        }
    };
    match deliver(&scenario, arguments, console) {
        Ok(()) => Exit::Fine,
        Err(failure) => console.fail(&failure),
    }
}

fn isotope(source: &source::Source, arguments: &Isotope) -> Result<String, crate::import::Faults> {
    let options = isotope::Options { work: arguments.work.clone(), rate: arguments.rate };
    isotope::import(&source.name, &source.bytes, &options)
}

fn deliver(scenario: &str, arguments: &Isotope, console: Console) -> Result<(), Failure> {
    match &arguments.output {
        Some(path) => files::write(path, scenario.as_bytes()),
        None => console.print(scenario),
    }
}

/// Reads a value whose fault comes with a hint.
fn with_hint<T: std::str::FromStr<Err = ParseError>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: ParseError| match &error.hint {
        Some(hint) => format!("{error}: {hint}"),
        None => error.to_string(),
    })
}
