//! `brownout audit`: what in scenarios is likely to hurt, without running them.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::insight::audit::{Grade, audit};
use crate::report;
use crate::scenario::{self, Locator};

use super::check;
use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::overrides::Overrides;
use super::source;

const EXAMPLES: &str = "\
Examples:
  brownout audit n-plus-one
  brownout audit --variant batched n-plus-one
  brownout audit --fail-on serious scenarios/*.toml
  brownout audit --format json shop.toml";

/// Say what in scenarios is likely to hurt: where, how badly, why, and the number behind it
///
/// Calls that take long, N+1, retries that multiply, timeouts the wrong way round, pools that are too small on paper,
/// queues without end, retries without jitter or budget, dead letters that nobody reads, single points of failure and more.
/// Nothing is run.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Scenario files, or names of built-in scenarios (see `brownout list`); `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
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
    let one = |file: &PathBuf| one(file, arguments, console).unwrap_or_else(|failure| console.fail(&failure));
    arguments.files.iter().map(one).max().unwrap_or(Exit::Fine)
}

fn one(file: &Path, arguments: &Arguments, console: Console) -> Result<Exit, Failure> {
    let source = source::scenario(file)?;
    let options = arguments.overrides.options();
    let loaded = scenario::load_with_files(&source.name, &source.bytes, &options, source.files());
    let Some(model) = &loaded.model else {
        console.say(&check::diagnostics(&loaded, console));
        return Ok(Exit::BadScenario);
    };
    let locator = Locator::new(&source.name, &source.bytes, &options, source.files());
    let findings = audit(model, &loaded.diagnostics.notices(), &|path| locator.site(path));
    console.print(&match arguments.format {
        Format::Text => report::audit::text(&source.name, &findings, console.color_out),
        Format::Json => report::audit::json(&source.name, &findings),
    })?;
    let fails = findings.iter().any(|finding| arguments.fail_on.is_reached(finding.grade));
    Ok(if fails { Exit::ExpectationFailed } else { Exit::Fine })
}
