//! `brownout audit`: what in scenarios is likely to hurt, on paper or by running them.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::experiment::{MeasuredAudit, Patient, Stage, measured_audit};
use crate::insight::audit::{self, Finding, Grade};
use crate::report;
use crate::report::experiment::gate::Suite;
use crate::scenario::{self, LoadOptions, Locator};

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::jobs::Jobs;
use super::overrides::Overrides;
use super::progress::Bars;
use super::source::{self, Source};
use super::{check, gate, interrupt};

const EXAMPLES: &str = "\
Examples:
  brownout audit n-plus-one
  brownout audit --variant batched n-plus-one
  brownout audit --measure forty-node-meltdown
  brownout audit --fail-on serious --report junit=audit.xml scenarios/*.toml
  brownout audit --format json shop.toml";

/// Say what in scenarios is likely to hurt: where, how badly, why, and the number behind it
///
/// Calls that take long, N+1, retries that multiply, timeouts the wrong way round, pools that are too small on paper,
/// queues without end, retries without jitter or budget, dead letters that nobody reads, single points of failure and more.
/// Nothing is run, unless `--measure` says so.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Scenario files, or names of built-in scenarios (see `brownout list`); `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
    /// Run it, too: which calls are slow or fail often and what gRPC or a queue in their place does to users, and the share
    /// of all good answers that is gone with each service
    #[arg(long)]
    measure: bool,
    /// With `--measure`: how many runs of each other way to call
    #[arg(long, value_name = "NUMBER", default_value_t = 5, requires = "measure", value_parser = clap::value_parser!(u32).range(2..=100_000))]
    reps: u32,
    #[command(flatten)]
    jobs: Jobs,
    #[command(flatten)]
    gate: gate::Reports,
    /// What standard output gets
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Exit with 99 when there is a finding as bad as this, or worse
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t = FailOn::Never)]
    fail_on: FailOn,
}

/// What standard output gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// To read
    Text,
    /// For programs
    Json,
    /// A line per finding, as GitHub's workflows show it beside the line of the file
    Github,
}

/// From which severity on it fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum FailOn {
    /// From none
    Never,
    /// From what is worth knowing on
    Note,
    /// From what hurts when something goes wrong on
    Warning,
    /// Only what hurts for sure
    Serious,
}

impl FailOn {
    fn is_reached(self, grade: Grade) -> bool {
        match self {
            FailOn::Never => false,
            FailOn::Note => true,
            FailOn::Warning => grade >= Grade::Warning,
            FailOn::Serious => grade >= Grade::Serious,
        }
    }
}

/// Audits every file and returns the worst exit.
pub(super) fn execute(arguments: &Arguments, console: Console) -> Exit {
    let mut suites = Vec::new();
    let mut one =
        |file: &PathBuf| one(file, arguments, console, &mut suites).unwrap_or_else(|failure| console.fail(&failure));
    let exit = arguments.files.iter().map(&mut one).max().unwrap_or(Exit::Fine);
    match arguments.gate.write(&suites) {
        Ok(()) => exit,
        Err(failure) => exit.max(console.fail(&failure)),
    }
}

fn one(file: &Path, arguments: &Arguments, console: Console, suites: &mut Vec<Suite>) -> Result<Exit, Failure> {
    let source = source::scenario(file)?;
    let options = arguments.overrides.options();
    let loaded = scenario::load_with_files(&source.name, &source.bytes, &options, source.files());
    let Some(model) = &loaded.model else {
        console.say(&check::diagnostics(&loaded, console));
        return Ok(Exit::BadScenario);
    };
    let locator = Locator::new(&source.name, &source.bytes, &options, source.files());
    let mut findings = audit::audit(model, &loaded.diagnostics.notices(), &|path| locator.site(path));
    let measured = match arguments.measure {
        false => None,
        true => match measure(&source, &options, arguments, console) {
            Some(measured) => Some(measured),
            None => {
                console.say("interrupted: nothing is kept of an audit that did not come to its end\n");
                return Ok(Exit::Interrupted);
            }
        },
    };
    if let Some(measured) = &measured {
        findings.extend(measured.findings.iter().cloned());
        audit::sort(&mut findings);
    }
    let fails = |finding: &Finding| arguments.fail_on.is_reached(finding.grade);
    console.print(&match arguments.format {
        Format::Text => report::audit::text(&source.name, &findings, measured.as_ref(), console.color_out),
        Format::Json => report::audit::json(&source.name, &findings, measured.as_ref()),
        Format::Github => report::audit::github(&source.name, &findings),
    })?;
    suites.push(report::audit::suite(&source.name, &findings, &fails));
    Ok(if findings.iter().any(fails) { Exit::ExpectationFailed } else { Exit::Fine })
}

/// Runs it; `None` when it was interrupted.
fn measure(source: &Source, options: &LoadOptions, arguments: &Arguments, console: Console) -> Option<MeasuredAudit> {
    interrupt::watch();
    let patient = Patient {
        name: &source.name,
        bytes: &source.bytes,
        options,
        files: source.files(),
        replications: arguments.reps,
    };
    let bars = Bars::new(console.quiet);
    let bar = bars.runs();
    let watch = |stage: Stage| bar.told(stage);
    let pool = arguments.jobs.pool();
    pool.install(|| measured_audit(patient, &watch)).ok()
}
