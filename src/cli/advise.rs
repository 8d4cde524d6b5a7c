//! `brownout advise`: tries what may help a scenario, and says what really did.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::experiment::{Advice, NoAdvice, Patient, Stage, advise};
use crate::report::{self, terminal};
use crate::scenario::{self, LoadOptions};

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::jobs::Jobs;
use super::overrides::Overrides;
use super::progress::Bars;
use super::source::{self, Source};
use super::{check, files, interrupt};

const EXAMPLES: &str = "\
Examples:
  brownout advise forty-node-meltdown
  brownout advise --reps 40 shop.toml
  brownout advise --output cured.toml shop.toml
  brownout advise --format json shop.toml";

/// Try what may help a scenario where it hurts, and say what really did
///
/// A run says where it hurts: what goes wrong, who is overwhelmed, what keeps it down. There the known cures are tried one
/// at a time, with the same random numbers as the scenario as it stands, and the best of them in pairs: no retries, a
/// budget, jitter, other timeouts, cancellation, deadlines, breakers, bulkheads, limits, a short queue, newest first, a queue
/// of messages instead of a call, and more. They are ranked by how many runs end well (the verdict is recovered or better
/// and every `expect` holds), by what users get, and then by what they take; where all runs end well, the least dear comes
/// first. Cures that everybody believes in and that do not help here are listed too.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// A scenario, or the name of a built-in one (see `brownout list`); `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    overrides: Overrides,
    /// How many runs of a cure at most; what is beyond chance before that gets no more
    #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u32).range(5..=100_000))]
    reps: u32,
    /// Write the scenario with the best cure below it, as a variant, to this file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What standard output gets
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    jobs: Jobs,
}

/// What standard output gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// Tables to read, and what to paste
    Text,
    /// For programs
    Json,
    /// Nothing but the overlay; nothing at all where nothing helps
    Toml,
}

/// Finds out what helps, and says it.
pub(super) fn execute(arguments: &Arguments, console: Console) -> Exit {
    run(arguments, console).unwrap_or_else(|failure| console.fail(&failure))
}

fn run(arguments: &Arguments, console: Console) -> Result<Exit, Failure> {
    let source = source::scenario(&arguments.file)?;
    let options = arguments.overrides.options();
    let loaded = scenario::load_with_files(&source.name, &source.bytes, &options, source.files());
    if loaded.model.is_none() {
        console.say(&check::diagnostics(&loaded, console));
        return Ok(Exit::BadScenario);
    }
    interrupt::watch();
    let patient = Patient {
        name: &source.name,
        bytes: &source.bytes,
        options: &options,
        files: source.files(),
        replications: arguments.reps,
    };
    let bars = Bars::new(console.quiet);
    let bar = bars.runs();
    let watch = |stage: Stage| bar.told(stage);
    let pool = arguments.jobs.pool();
    let advice = pool.install(|| advise(patient, &watch));
    drop(bar);
    let advice = match advice {
        Ok(advice) => advice,
        Err(NoAdvice::BadScenario) => return Ok(Exit::BadScenario),
        Err(NoAdvice::Interrupted) => {
            console.say("interrupted: nothing is kept of an advice that did not come to its end\n");
            return Ok(Exit::Interrupted);
        }
    };
    console.print(&match arguments.format {
        Format::Text => {
            let run = command(&advice, &source.name);
            terminal::advice(&advice, &run, console.color_out, console.width)
        }
        Format::Json => report::experiment::advice::json(&source.name, &advice),
        Format::Toml => advice.overlay().unwrap_or_default(),
    })?;
    write(arguments, &source, &patient, &advice, console)?;
    Ok(Exit::Fine)
}

/// The command that runs `file`, with what is advised below it.
fn command(advice: &Advice, file: &str) -> String {
    let LoadOptions { variants, sets, seed, .. } = advice.run_with.clone();
    format!("brownout run {}{file}", Overrides::new(variants, sets, seed).arguments())
}

/// Writes the scenario with its cure, where that is wanted and there is one.
fn write(
    arguments: &Arguments,
    source: &Source,
    patient: &Patient<'_>,
    advice: &Advice,
    console: Console,
) -> Result<(), Failure> {
    let Some(path) = &arguments.output else { return Ok(()) };
    let Some(winner) = advice.winner else {
        console.say(&format!("nothing helps `{}`: `{}` is not written\n", source.name, path.display()));
        return Ok(());
    };
    files::write(path, &patient.with_overlay(&advice.tried[winner].cure, &advice.variant))?;
    if !console.quiet {
        let run = command(advice, &path.display().to_string());
        console.say(&format!("file: {0}; run it with `{run}`\n", path.display()));
    }
    Ok(())
}
