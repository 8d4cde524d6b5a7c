//! `brownout policy`: what a policy of a library is, and what it does when it is stepped on its own.

use std::fmt::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::base::suggest::did_you_mean;
use crate::model::BrokerKind;
use crate::policy::registry::{self, Kind, Preset};
use crate::policy::settings::Misfit;
use crate::policy::trace::{Datum, Row};
use crate::scenario::{BrokerPage, broker_pages};

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::steps::first_fault;

const EXAMPLES: &str = "\
Examples:
  brownout policy
  brownout policy resilience4j
  brownout policy kafka
  brownout policy breaker.hystrix
  brownout policy resilience4j --trace calls.json
  brownout policy breaker.polly --trace calls.json --set failure_rate=30% --format json";

const LONG: &str = r#"A trace is a JSON list of steps, read from a file or, with `-`, from standard input. For a breaker:

  [
    { "t_ms": 0, "op": "call", "outcome": "error", "duration_ms": 20 },
    { "t_ms": 5, "calls": { "success": 40, "error": 60 } },
    { "t_ms": 10, "op": "acquire" },
    { "t_ms": 90, "op": "result", "outcome": "success", "duration_ms": 80 },
    { "t_ms": 61000, "op": "observe" }
  ]

Each step becomes a row of what the policy says then. `brownout policy NAME` shows the steps that its own kind takes.
Parameters are set under our names (failure_rate=30%) or the library's, in its unit (failureRateThreshold=30)."#;

/// Show the presets of policies and brokers, or step one through a sequence of outcomes
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{LONG}\n\n{EXAMPLES}"))]
pub(super) struct Arguments {
    /// A preset such as `hystrix` or `kafka`, or `KIND.NAME` where several kinds have one of that name; all are listed if absent
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Step the policy through the outcomes in this JSON file (`-` is standard input)
    #[arg(long, value_name = "FILE", requires = "name")]
    trace: Option<PathBuf>,
    /// Set a parameter of the policy that is traced
    #[arg(long = "set", value_name = "NAME=VALUE", requires = "trace")]
    set: Vec<String>,
    /// How the trace is printed
    #[arg(long, value_enum, default_value_t = Format::Table, requires = "trace")]
    format: Format,
}

/// How a trace is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// A table, a row for each step
    Table,
    /// A list of objects, one for each step
    Json,
}

/// Prints presets, or a trace.
pub(super) fn execute(arguments: &Arguments, console: Console) -> Exit {
    match answer(arguments).and_then(|text| console.print(&text)) {
        Ok(()) => Exit::Fine,
        Err(failure) => console.fail(&failure),
    }
}

fn answer(arguments: &Arguments) -> Result<String, Failure> {
    let Some(name) = &arguments.name else { return Ok(list()) };
    let of_broker =
        |page: &BrokerPage| page.kind.name() == name || name.strip_prefix("broker.") == Some(page.kind.name());
    if let Some(broker) = broker_pages().iter().find(|page| of_broker(page)) {
        return match &arguments.trace {
            None => Ok(broker_page(broker)),
            Some(_) => Err(Failure::Usage {
                message: format!("`{name}` is a broker, which takes no trace"),
                hint: "`brownout run` shows what it does".to_owned(),
            }),
        };
    }
    let found = find(name)?;
    let Some(path) = &arguments.trace else {
        return Ok(found.into_iter().map(page).collect::<Vec<_>>().join("\n"));
    };
    let preset = match found.as_slice() {
        [only] => *only,
        several => several.iter().find(|preset| preset.kind == Kind::Breaker).copied().unwrap_or(several[0]),
    };
    let rows = trace(preset, path, &arguments.set)?;
    Ok(match arguments.format {
        Format::Table => table(&rows),
        Format::Json => json(&rows),
    })
}

fn list() -> String {
    let mut text = String::new();
    let width = registry::all().map(|preset| preset.name.len()).max().unwrap_or(0);
    for kind in Kind::ALL {
        let _ = writeln!(text, "[{}]", kind.path());
        for preset in kind.presets() {
            let _ = writeln!(text, "  {:width$}  {}", preset.name, preset.about);
        }
        text.push('\n');
    }
    text.push_str("[broker]\n");
    for page in broker_pages() {
        let _ = writeln!(text, "  {:width$}  {}", page.kind.name(), page.about);
    }
    text.push_str("\nMore of one: brownout policy NAME\n");
    text
}

/// The presets that a name stands for.
fn find(name: &str) -> Result<Vec<&'static Preset>, Failure> {
    let (kind, bare) = name.split_once('.').map_or((None, name), |(kind, bare)| (Some(kind), bare));
    let found: Vec<&Preset> =
        registry::all().filter(|it| it.name == bare && kind.is_none_or(|kind| it.kind.name() == kind)).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let brokers = BrokerKind::ALL.into_iter().map(BrokerKind::name);
    let near = did_you_mean(bare, registry::all().map(|preset| preset.name).chain(brokers));
    Err(Failure::Usage {
        message: format!("there is no policy `{name}`"),
        hint: match near {
            Some(near) => format!("did you mean `{near}`? `brownout policy` lists all"),
            None => "`brownout policy` lists all".to_owned(),
        },
    })
}

fn broker_page(page: &BrokerPage) -> String {
    let mut rows = vec![["parameter", "in the broker", "default", "source (trust)"].map(str::to_owned)];
    for it in &page.parameters {
        let theirs = if it.theirs.is_empty() { "-" } else { it.theirs };
        let source = format!("{} ({})", it.source, it.trust.name());
        rows.push([it.key.clone(), theirs.to_owned(), it.default.clone(), source]);
    }
    format!("{} (broker.NAME)\n\n{}\n\n{}", page.kind.name(), page.about, columns(&rows))
}

fn page(preset: &Preset) -> String {
    let mut text = format!("{} ({})\n\n{}\n\n", preset.name, preset.kind.path(), preset.about);
    let mut rows = vec![["parameter".to_owned(), "of the library".to_owned(), "default".to_owned(), String::new()]];
    for parameter in (preset.parameters)() {
        let theirs = if parameter.theirs.is_empty() { "-" } else { parameter.theirs };
        rows.push([parameter.name.to_owned(), theirs.to_owned(), parameter.default.to_string(), parameter.about]);
    }
    if rows.len() > 1 {
        text.push_str(&columns(&rows));
        text.push('\n');
    }
    text.push_str("rules:\n");
    for rule in preset.rules {
        let _ = writeln!(text, "- {rule}");
    }
    let _ = write!(text, "\nsource: {}\n\nsteps of a trace:\n{}\n", preset.source, preset.trace_input);
    text
}

fn trace(preset: &Preset, path: &PathBuf, set: &[String]) -> Result<Vec<(usize, Row)>, Failure> {
    let from_stdin = path.as_os_str() == "-";
    let shown = if from_stdin { "standard input".to_owned() } else { path.display().to_string() };
    let text = if from_stdin { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(path) };
    let text = text.map_err(|source| Failure::Read { path: path.clone(), source })?;
    let steps: serde_json::Value = serde_json::from_str(&text).map_err(|error| Failure::Usage {
        message: format!("{shown} is no JSON: {error}"),
        hint: format!("`brownout policy {}` shows what steps look like", preset.name),
    })?;
    let serde_json::Value::Array(steps) = steps else {
        return Err(Failure::Usage {
            message: format!("{shown} holds no list of steps"),
            hint: format!("`brownout policy {}` shows what steps look like", preset.name),
        });
    };
    let hint = || format!("`brownout policy {}` shows what steps look like", preset.name);
    if steps.is_empty() {
        return Err(Failure::Usage { message: format!("{shown} holds no steps"), hint: hint() });
    }
    if let Some((n, fault)) = first_fault(&steps, preset.trace_input) {
        return Err(Failure::Usage { message: format!("{shown}: step {n}: {fault}"), hint: hint() });
    }
    let mut assignments = Vec::new();
    for pair in set {
        assignments.push(pair.split_once('=').ok_or_else(|| Failure::Usage {
            message: format!("`{pair}` sets nothing"),
            hint: "write `--set NAME=VALUE`, for example `--set failure_rate=30%`".to_owned(),
        })?);
    }
    let mut policy = (preset.trace)(&assignments).map_err(|misfit| refused(preset, &misfit))?;
    let mut rows = Vec::new();
    for (n, step) in steps.iter().enumerate() {
        let step = Datum::from(step);
        let row = step.check_times().and_then(|()| policy.step(&step)).map_err(|fault| Failure::Usage {
            message: format!("{shown}: step {}: {fault}", n + 1),
            hint: format!("`brownout policy {}` shows what steps look like", preset.name),
        })?;
        rows.push((n + 1, row));
    }
    Ok(rows)
}

fn refused(preset: &Preset, misfit: &Misfit) -> Failure {
    let hint = match misfit {
        Misfit::Unknown { near: Some(near), .. } => format!("did you mean `{near}`?"),
        Misfit::Unknown { known, .. } if known.is_empty() => format!("{} has no parameters", preset.name),
        Misfit::Unknown { known, .. } => format!("{} has {}", preset.name, known.join(", ")),
        Misfit::Text(fault) => fault.hint.clone().unwrap_or_else(|| "see `brownout policy NAME`".to_owned()),
        Misfit::Kind { takes, .. } => format!("write {takes}"),
    };
    Failure::Usage { message: misfit.to_string(), hint }
}

/// The columns of all rows, in the order in which they first come.
fn keys(rows: &[(usize, Row)]) -> Vec<&'static str> {
    let mut keys = Vec::new();
    for (name, _) in rows.iter().flat_map(|(_, row)| row) {
        if !keys.contains(name) {
            keys.push(*name);
        }
    }
    keys
}

fn table(rows: &[(usize, Row)]) -> String {
    let keys = keys(rows);
    let mut lines = vec![std::iter::once("step").chain(keys.iter().copied()).map(str::to_owned).collect::<Vec<_>>()];
    for (n, row) in rows {
        let cell = |key: &&str| row.iter().find(|(name, _)| name == key).map_or("-".to_owned(), |(_, it)| shown(it));
        lines.push(std::iter::once(n.to_string()).chain(keys.iter().map(cell)).collect());
    }
    columns(&lines)
}

fn shown(datum: &Datum) -> String {
    match datum {
        Datum::Missing => "-".to_owned(),
        Datum::Text(text) => text.clone(),
        Datum::Number(number) => format!("{}", libm::floor(number * 1e6 + 0.5) / 1e6),
        other => serde_json::Value::from(other).to_string(),
    }
}

/// Cells one below the other, two spaces apart.
fn columns<R: AsRef<[String]>>(rows: &[R]) -> String {
    let count = rows.iter().map(|row| row.as_ref().len()).max().unwrap_or(0);
    let width = |at: usize| rows.iter().filter_map(|row| row.as_ref().get(at)).map(|it| it.chars().count()).max();
    let widths: Vec<usize> = (0..count).map(|at| width(at).unwrap_or(0)).collect();
    let line = |row: &R| {
        let cells = row.as_ref().iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn json(rows: &[(usize, Row)]) -> String {
    let object = |(n, row): &(usize, Row)| {
        let step = std::iter::once(("step".to_owned(), serde_json::Value::from(*n as u64)));
        let cells = row.iter().map(|(name, datum)| ((*name).to_owned(), serde_json::Value::from(datum)));
        serde_json::Value::Object(step.chain(cells).collect())
    };
    let lines: Vec<String> = rows.iter().map(|row| format!("  {}", object(row))).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}
