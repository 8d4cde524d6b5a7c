//! `brownout trace`: draws what happened to a request of a finished run, or hands traces to other programs.

use std::fs;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::report::traces::{self, Trace, Traces, chrome, jaeger, otlp};

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;

/// Where a run leaves them.
pub(super) const FILE: &str = "traces.json";

const EXAMPLES: &str = "\
Examples:
  brownout trace output/forty-node-meltdown
  brownout trace output/forty-node-meltdown --list
  brownout trace output/forty-node-meltdown --request first-failed
  brownout trace output/forty-node-meltdown --format otlp > traces.otlp.json
  brownout trace output/forty-node-meltdown --request slowest --format chrome > slowest.json";

/// Show what happened to a request of a finished run
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Where the run left its files
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Which one: `fastest`, `median` (the nearest one that was recorded), `slowest`, `first-failed`, its number, or the
    /// beginning of its id [default: slowest; with another format: all]
    #[arg(long, value_name = "WHICH")]
    request: Option<String>,
    /// Whose requests, where there are several workloads
    #[arg(long, value_name = "NAME")]
    workload: Option<String>,
    /// Say which traces there are
    #[arg(long, conflicts_with_all = ["request", "format"])]
    list: bool,
    /// What standard output gets
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What standard output gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// A waterfall
    Text,
    /// OTLP JSON, for OpenTelemetry's collectors and what stands behind them
    Otlp,
    /// JSON that Jaeger's interface loads
    Jaeger,
    /// JSON that Perfetto and Chrome load
    Chrome,
}

/// Prints a waterfall, a list or a document.
pub(super) fn execute(arguments: &Arguments, console: Console) -> Exit {
    match text(arguments, console).and_then(|text| console.print(&text)) {
        Ok(()) => Exit::Fine,
        Err(failure) => console.fail(&failure),
    }
}

fn text(arguments: &Arguments, console: Console) -> Result<String, Failure> {
    let mut found = read(arguments)?;
    if let Some(name) = &arguments.workload {
        if !found.chosen.iter().any(|it| it.workload == *name) {
            let names: Vec<&str> = found.chosen.iter().map(|it| it.workload.as_str()).collect();
            let near = crate::base::suggest::did_you_mean(name, names.iter().copied());
            return Err(Failure::Usage {
                message: format!("there is no workload `{name}`"),
                hint: match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("workloads are {}", names.join(", ")),
                },
            });
        }
        found.chosen.retain(|it| it.workload == *name);
        found.traces.retain(|it| it.workload == *name);
    }
    if arguments.list {
        return Ok(traces::list(&found));
    }
    let wanted: Vec<&Trace> = match (&arguments.request, arguments.format) {
        (None, Format::Otlp | Format::Jaeger | Format::Chrome) => found.traces.iter().collect(),
        (None, Format::Text) => vec![find(&found, "slowest")?],
        (Some(which), _) => vec![find(&found, which)?],
    };
    Ok(match arguments.format {
        Format::Text => traces::waterfall(wanted[0], console.width),
        Format::Otlp => otlp::document(&wanted, env!("CARGO_PKG_VERSION")),
        Format::Jaeger => jaeger::document(&wanted),
        Format::Chrome => chrome::document(&wanted),
    })
}

/// The trace that is called so. Of several workloads the slowest, and what failed first, is that of all of them; else it is
/// that of the first one that has any.
fn find<'t>(found: &'t Traces, which: &str) -> Result<&'t Trace, Failure> {
    let of = |id: &Option<String>| found.traces.iter().find(|it| Some(&it.id) == id.as_ref());
    let latency = |it: &&Trace| it.spans[0].end_ns - it.spans[0].start_ns;
    let trace = match which {
        "slowest" => found.chosen.iter().filter_map(|it| of(&it.slowest)).max_by_key(latency),
        "fastest" => found.chosen.iter().filter_map(|it| of(&it.fastest)).min_by_key(latency),
        "median" => found.chosen.iter().find_map(|it| of(&it.median)),
        "first-failed" => {
            found.chosen.iter().filter_map(|it| of(&it.first_failed)).min_by_key(|it| it.spans[0].start_ns)
        }
        which => {
            let number = which.parse::<u64>().ok();
            let is_id = |it: &&Trace| which.len() >= 4 && it.id.starts_with(which);
            found.traces.iter().find(|it| Some(it.number) == number).or_else(|| found.traces.iter().find(is_id))
        }
    };
    const NAMES: [&str; 4] = ["slowest", "fastest", "median", "first-failed"];
    trace.ok_or_else(|| match which {
        which if NAMES.contains(&which) => Failure::Usage {
            message: format!("no request that was recorded is the {which}"),
            hint: "`--list` says which traces there are".to_owned(),
        },
        which => Failure::Usage {
            message: format!("no trace of a request `{which}` was kept"),
            hint: match crate::base::suggest::did_you_mean(which, NAMES) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    "`--list` says which traces there are; or write slowest, fastest, median or first-failed".to_owned()
                }
            },
        },
    })
}

fn read(arguments: &Arguments) -> Result<Traces, Failure> {
    let path = arguments.directory.join(FILE);
    let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::Usage {
            message: format!("there are no traces in `{}`", arguments.directory.display()),
            hint:
                "name the directory of a run; `brownout run` says where that is, as `files: ..`. A scenario can turn \
                   them off in `[traces]`"
                    .to_owned(),
        },
        _ => Failure::read(&path, error),
    })?;
    Traces::from_json(&text).map_err(|why| Failure::Usage {
        message: format!("`{}` is no file of a run: {why}", path.display()),
        hint: "run the scenario again".to_owned(),
    })
}
