//! `brownout check`: reads scenarios and says everything that is wrong with them, without running them.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::scenario::{self, Loaded, Parameter};

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::overrides::Overrides;
use super::source;

const EXAMPLES: &str = "\
Examples:
  brownout check scenarios/*.toml
  brownout check --variant breaker forty-node-meltdown
  brownout check --params forty-node-meltdown
  brownout check --expanded --set service.orders.threads=32 scenario.toml
  cat scenario.toml | brownout check -";

/// Say everything that is wrong with scenarios, without running them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Scenario files, or names of built-in scenarios (see `brownout list`); `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print the scenario as it will run: with all defaults, and where each value comes from
    #[arg(long)]
    expanded: bool,
    /// List the parameters: their values, their ranges and what they mean
    #[arg(long, conflicts_with = "expanded")]
    params: bool,
    #[command(flatten)]
    overrides: Overrides,
}

/// Checks every file and returns the worst exit.
pub(super) fn execute(arguments: &Arguments, console: Console) -> Exit {
    let check = |file: &PathBuf| check(file, arguments, console).unwrap_or_else(|failure| console.fail(&failure));
    arguments.files.iter().map(check).max().unwrap_or(Exit::Fine)
}

fn check(file: &Path, arguments: &Arguments, console: Console) -> Result<Exit, Failure> {
    let source = source::scenario(file)?;
    let options = arguments.overrides.options();
    if arguments.expanded {
        let (text, diagnostics) = scenario::expanded(&source.name, &source.bytes, &options, source.files());
        console.say(&said(&diagnostics, console));
        return match text {
            Some(text) => console.print(&text).map(|()| Exit::Fine),
            None => Ok(Exit::BadScenario),
        };
    }
    let loaded = scenario::load_with_files(&source.name, &source.bytes, &options, source.files());
    console.say(&diagnostics(&loaded, console));
    if loaded.model.is_none() {
        return Ok(Exit::BadScenario);
    }
    if arguments.params {
        console.print(&listed(&source.name, &loaded.parameters))?;
        return Ok(Exit::Fine);
    }
    if !console.quiet {
        let verdict = match loaded.diagnostics.warnings() {
            0 => "fine".to_owned(),
            1 => "fine, with 1 warning".to_owned(),
            warnings => format!("fine, with {warnings} warnings"),
        };
        console.print(&format!("{}: {verdict}\n", source.name))?;
    }
    Ok(Exit::Fine)
}

/// What is wrong, as text; warnings alone only when the user wants to hear of them.
pub(super) fn diagnostics(loaded: &Loaded, console: Console) -> String {
    said(&loaded.diagnostics, console)
}

fn said(diagnostics: &scenario::Diagnostics, console: Console) -> String {
    if diagnostics.has_errors() || !console.quiet { diagnostics.render(console.color_err) } else { String::new() }
}

/// The parameters in columns.
fn listed(file: &str, parameters: &[Parameter]) -> String {
    if parameters.is_empty() {
        return format!("{file} has no parameters\n");
    }
    let row = |parameter: &Parameter| {
        let uses = match parameter.uses {
            1 => "used once".to_owned(),
            uses => format!("used {uses} times"),
        };
        let range = parameter.range.as_ref().map_or_else(|| "any".to_owned(), ToString::to_string);
        [parameter.name.clone(), parameter.value.clone(), range, uses, parameter.doc.clone().unwrap_or_default()]
    };
    let rows: Vec<[String; 5]> = std::iter::once(["parameter", "value", "range", "", "meaning"].map(str::to_owned))
        .chain(parameters.iter().map(row))
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..5).map(width).collect();
    let line = |row: &[String; 5]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}
