//! `brownout validate`: the proof, on the user's machine. Simulates systems whose exact results are known and holds what
//! comes out against them.

use clap::{Args, ValueEnum};

use crate::base::suggest::did_you_mean;
use crate::experiment::{Stage, proof, validate};
use crate::report::validation;

use super::console::Console;
use super::exit::Exit;
use super::interrupt;
use super::jobs::Jobs;
use super::progress::Bars;

const EXAMPLES: &str = "\
Examples:
  brownout validate
  brownout validate Q01 C1-280
  brownout validate --seed 7 --format json > validation.json
  brownout validate --replications 64 Q01
  brownout validate --format markdown > VALIDATION.md";

/// Hold the simulator against exact results: queueing theory, and published retry storms
///
/// Every case is an ordinary scenario with settings; the scenarios are in the folder scenarios/proof of the source. A
/// result holds when the mean over several seeds is within its tolerance, which is at least three standard errors wide.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Only these cases, such as Q01 or C1-280 [default: all]
    #[arg(value_name = "CASE", value_parser = known)]
    cases: Vec<String>,
    /// The seed of the first replication; the next ones follow it
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Repeat each run so often, and measure how many standard errors wide each tolerance is
    ///
    /// A mean over as many replications as the index has must not be off by more than the tolerance by chance: with fewer
    /// than three standard errors the tolerance is too narrow, and the exit code is 99. 64 replications say how wide it is
    /// to 9%, and take some minutes.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(2..=10_000))]
    replications: Option<u32>,
    /// What standard output gets
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    jobs: Jobs,
}

/// What standard output gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// A table to read
    Text,
    /// Every row with its sources and settings
    Json,
    /// The page VALIDATION.md
    Markdown,
}

fn known(name: &str) -> Result<String, String> {
    let cases = proof();
    if cases.names().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    Err(match did_you_mean(name, cases.names()) {
        Some(near) => format!("there is no such case; did you mean `{near}`?"),
        None => format!("there is no such case; there are {}", cases.names().collect::<Vec<_>>().join(", ")),
    })
}

/// Simulates the cases and prints what came out.
pub(super) fn execute(arguments: &Arguments, console: Console) -> Exit {
    let cases = if arguments.cases.is_empty() { proof() } else { proof().only(&arguments.cases) };
    interrupt::watch();
    let pool = arguments.jobs.pool();
    let bars = Bars::new(console.quiet);
    let bar = bars.runs();
    let watch = |stage: Stage| bar.told(stage);
    let validated = pool.install(|| validate(&cases, arguments.seed, arguments.replications, &watch));
    drop(bar);
    let validated = match validated {
        Ok(Some(validated)) => validated,
        Ok(None) => {
            console.say("interrupted: nothing is shown of a validation that did not come to its end\n");
            return Exit::Interrupted;
        }
        Err(text) => {
            console.say(&text);
            return Exit::Failure;
        }
    };
    let version = env!("CARGO_PKG_VERSION");
    let text = match arguments.format {
        Format::Text => validation::text(&validated, version, console.color_out, console.width),
        Format::Json => validation::json(&validated, version),
        Format::Markdown => validation::markdown(&validated, version),
    };
    match console.print(&text) {
        Err(failure) => console.fail(&failure),
        Ok(()) if validated.holds() => Exit::Fine,
        Ok(()) => Exit::ExpectationFailed,
    }
}
