//! `brownout run`: loads scenarios, simulates them, writes what came out and prints the summary.
//!
//! Several files run in parallel, each on one thread; what they print keeps the order of the
//! command line.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use clap::{Args, ValueEnum};
use sha2::{Digest, Sha256};

use crate::base::units::Share;
use crate::insight;
use crate::measure::{self, Results};
use crate::model::Model;
use crate::report::experiment::gate::{self as gate_formats, Suite};
use crate::report::{self, Input, csv, figure, html, json, manifest, openmetrics, terminal};
use crate::scenario::{self, NamedFile};

use super::check;
use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::files::Directory;
use super::gate;
use super::interrupt;
use super::jobs::Jobs;
use super::overrides::{Overrides, quoted};
use super::progress::Bars;
use super::replicated;
use super::source::{self, Source};
use super::trace;
use super::turns::{Said, Turns};

/// Where runs land unless `--out` says otherwise.
const OUTPUT: &str = "output";

const FILES_AND_EXAMPLES: &str = "\
Files:
  report.html      One page for a browser: story, call graph to play, charts, requests, tables
  summary.json     Every total of the run; with `--reps` of all runs
  runs.csv         With `--reps`: the seed and the figures of each run
  story.json       What happened and why, for `brownout story`
  timeline.json    What everything looked like over time, for `brownout story --at`
  traces.json      Some requests, span by span, for `brownout trace`
  timeseries.csv   How it went, second by second
  openmetrics.txt  The same and the totals, for Prometheus and what reads its text
  *.png, *.svg     Pictures, and `contact-sheet` with all of them
  manifest.json    What it takes to repeat the run

Examples:
  brownout run forty-node-meltdown
  brownout run --variant breaker --set service.orders.threads=32 forty-node-meltdown
  brownout run --seed 7 --out seventh my-shop.toml
  brownout run --format json --quiet scenarios/*.toml > summaries.json
  brownout run --reps 40 forty-node-meltdown
  brownout run --reps 20 --baseline golden/summary.json --report junit=gate.xml my-shop.toml
  brownout import isotope graph.yaml | brownout run -";

/// Simulate scenarios: a summary on standard output, tables, pictures and a report to look at in a directory
#[derive(Debug, Args)]
#[command(after_help = FILES_AND_EXAMPLES)]
pub(super) struct Arguments {
    /// Scenario files, or names of built-in scenarios (see `brownout list`); `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) overrides: Overrides,
    /// Where the files go: for several scenarios, one directory each below it [default: output/<scenario>[-<variant>]]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What standard output gets
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Run each scenario so often, with independent seeds, and say what the runs have in common: means with their 95%
    /// intervals, and how many ended how
    ///
    /// The first run has the scenario's own seed, the others are derived from it; `runs.csv` has the seed and the figures
    /// of each. What comes out does not depend on how many run at once.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    pub(super) reps: Option<u32>,
    /// With `--reps`: an expectation fails when it holds in a smaller share of the runs than this
    #[arg(long, value_name = "SHARE", default_value = "95%", requires = "reps")]
    pub(super) holds_in: Share,
    /// With `--reps`: hold the runs against the summary.json of earlier ones; what has become worse by more than chance
    /// fails, and so does a figure that is gone
    ///
    /// How runs end comes first, then the figures of runs that ended alike. With 95% confidence nothing at all is said to
    /// have changed where nothing has: that is corrected for how much is compared (Holm), so few runs show large changes
    /// only. What could not be held against the earlier runs is named.
    #[arg(long, value_name = "FILE", requires = "reps")]
    pub(super) baseline: Option<PathBuf>,
    #[command(flatten)]
    gate: gate::Reports,
    /// Which services and edges timeseries.csv and openmetrics.txt hold, beyond 100 of them
    #[arg(long, value_enum, default_value_t = Series::Busiest)]
    series: Series,
    /// Draw no pictures
    #[arg(long)]
    pub(super) no_figures: bool,
    /// Write no report.html
    #[arg(long)]
    no_report: bool,
    /// Do not run the scenario a second time without its triggers: it is faster, and there is no verdict and no story of
    /// a run in which something goes wrong
    #[arg(long)]
    pub(super) no_twin: bool,
    #[command(flatten)]
    jobs: Jobs,
}

/// What standard output gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Format {
    /// Tables to read
    Text,
    /// summary.json
    Json,
    /// One row per measured number; with `--reps` one row per run
    Csv,
    /// A line per expectation, as GitHub's workflows show it beside the file
    Github,
}

/// Which services and edges the time series hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Series {
    /// The busiest
    Busiest,
    /// All
    All,
}

/// Runs every file and returns the worst exit.
pub(super) fn execute(arguments: &Arguments, console: Console) -> Exit {
    let directories = match directories(arguments) {
        Ok(directories) => directories,
        Err(failure) => return console.fail(&failure),
    };
    interrupt::watch();
    let pool = arguments.jobs.pool_for(arguments.files.len());
    let bars = Bars::new(console.quiet);
    let mut turns = Turns::new(console, arguments.format == Format::Csv);
    pool.in_place_scope_fifo(|scope| {
        let (sender, receiver) = mpsc::channel();
        for (index, (file, directory)) in arguments.files.iter().zip(&directories).enumerate() {
            let (sender, bars) = (sender.clone(), &bars);
            scope.spawn_fifo(move |_| {
                let said = run(file, directory, arguments, console, bars);
                // The receiver lives as long as the scope.
                let _ = sender.send((index, said));
            });
        }
        drop(sender);
        for (index, said) in receiver {
            bars.suspend(|| turns.take(index, said));
        }
    });
    let written = arguments.gate.write(turns.suites());
    turns.worst().max(written.map_or_else(|failure| console.fail(&failure), |()| Exit::Fine))
}

/// Where the files of each run go; no two runs to the same place.
fn directories(arguments: &Arguments) -> Result<Vec<PathBuf>, Failure> {
    let several = arguments.files.len() > 1;
    let directory = |file: &PathBuf| {
        let name = arguments.overrides.name(&source::stem(file));
        match &arguments.out {
            Some(out) if several => out.join(name),
            Some(out) => out.clone(),
            None => Path::new(OUTPUT).join(name),
        }
    };
    let directories: Vec<PathBuf> = arguments.files.iter().map(directory).collect();
    let mut seen = BTreeSet::new();
    match directories.iter().find(|directory| !seen.insert(*directory)) {
        None => Ok(directories),
        Some(twice) => Err(Failure::Usage {
            message: format!("two scenarios would write to `{}`", twice.display()),
            hint: "run them one after the other, each with its own `--out DIR`".to_owned(),
        }),
    }
}

fn run(file: &Path, directory: &Path, arguments: &Arguments, console: Console, bars: &Bars) -> Said {
    let mut said = Said::default();
    if interrupt::requested() {
        said.exit = Exit::Interrupted;
        return said;
    }
    if let Err(failure) = run_into(&mut said, file, directory, arguments, console, bars) {
        said.remarks.push_str(&failure.render(console.color_err));
        said.exit = said.exit.max(failure.exit());
    }
    said
}

fn run_into(
    said: &mut Said,
    file: &Path,
    directory: &Path,
    arguments: &Arguments,
    console: Console,
    bars: &Bars,
) -> Result<(), Failure> {
    let source = source::scenario(file)?;
    let loaded = scenario::load_with_files(&source.name, &source.bytes, &arguments.overrides.options(), source.files());
    said.diagnostics = check::diagnostics(&loaded, console);
    let Some(mut model) = loaded.model else {
        said.exit = Exit::BadScenario;
        return Ok(());
    };
    model.title += &arguments.overrides.title();
    let directory = Directory::open(directory)?;
    if let Some(reps) = arguments.reps {
        let scenario = replicated::Scenario { source: &source, model: &model, named: &loaded.files };
        return replicated::run(said, &scenario, reps, &directory, arguments, console, bars);
    }
    let (mut results, twin) = simulate(&model, &source.name, arguments.no_twin, bars);
    let hash = hash(&source, &arguments.overrides, &loaded.files);
    let insight = insight::explain(&model, &results, twin.as_ref());
    insight::answer(&model, &mut results, twin.as_ref(), insight.as_ref());
    let input = Input {
        model: &model,
        results: &results,
        hash: &hash,
        version: env!("CARGO_PKG_VERSION"),
        twin: twin.as_ref(),
        insight: insight.as_ref(),
    };

    write(&directory, &input, &source, &loaded.files, arguments)?;
    said.data = match arguments.format {
        Format::Text if console.quiet => String::new(),
        Format::Text => terminal::summary(&input, console.color_out, console.width),
        Format::Json => json::summary(&input),
        Format::Csv if arguments.files.len() > 1 => with_scenario(&csv::summary(&input), &source.name),
        Format::Csv => csv::summary(&input),
        Format::Github => String::new(),
    };
    if !console.quiet {
        said.remarks.push_str(&format!("files: {}\n", directory.path().display()));
    }
    judge(said, &source.name, &input, console);
    said.suites = vec![Suite { name: model.title.clone(), file: source.name.clone(), cases: terminal::cases(&input) }];
    if arguments.format == Format::Github {
        said.data = gate_formats::github(&said.suites);
    }
    Ok(())
}

/// A table with a first column that says which scenario a row belongs to.
pub(super) fn with_scenario(table: &str, name: &str) -> String {
    let quoted =
        if name.contains([',', '"', '\n']) { format!("\"{}\"", name.replace('"', "\"\"")) } else { name.to_owned() };
    let row = |(index, row): (usize, &str)| format!("{},{row}\n", if index == 0 { "scenario" } else { &quoted });
    table.lines().enumerate().map(row).collect()
}

/// Runs the model and, beside it where there is a thread for it, its twin.
fn simulate(model: &Model, name: &str, no_twin: bool, bars: &Bars) -> (Results, Option<Results>) {
    let go_on = || if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let twin = insight::twin(model).filter(|_| !no_twin);
    let mut bar = bars.start(name, model.duration);
    let mut of_model = || {
        let mut results = measure::simulate(model, &mut |now| {
            bar.advance(now);
            go_on()
        });
        if model.traces.exact {
            measure::record_missing(model, &mut results, &mut |_| go_on());
        }
        results
    };
    match &twin {
        None => (of_model(), None),
        Some(twin) => {
            let (results, twin) = rayon::join(of_model, || measure::simulate(twin, &mut |_| go_on()));
            (results, Some(twin))
        }
    }
}

/// Names what decides the results, apart from seed and version: the file, what was changed in it, and the files that
/// it names.
pub(super) fn hash(source: &Source, overrides: &Overrides, named: &[NamedFile]) -> String {
    let digest = Sha256::new().chain_update(&source.bytes).chain_update(overrides.fingerprint());
    let with_length = |digest: Sha256, file: &NamedFile| {
        digest.chain_update((file.bytes.len() as u64).to_le_bytes()).chain_update(&file.bytes)
    };
    hex(&named.iter().fold(digest, with_length).finalize())
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file that the scenario names; the text of large ones is left to whoever has them.
pub(super) fn of_manifest(file: &NamedFile) -> manifest::File<'_> {
    const TEXT_BYTES_MAX: usize = 1 << 20;
    let text = std::str::from_utf8(&file.bytes).ok().filter(|text| text.len() <= TEXT_BYTES_MAX);
    manifest::File { path: &file.path, sha256: hex(&Sha256::digest(&file.bytes)), text }
}

/// Writes every file of a run; the manifest last, so that its presence says that the rest is whole.
fn write(
    directory: &Directory,
    input: &Input<'_>,
    source: &Source,
    named: &[NamedFile],
    arguments: &Arguments,
) -> Result<(), Failure> {
    const MANIFEST: &str = "manifest.json";
    const REPORT: &str = "report.html";
    directory.remove(MANIFEST)?;
    // A picture of an earlier run beside the numbers of this one would be a lie.
    for name in figure::NAMES.iter().chain(&figure::EXPERIMENT_NAMES) {
        directory.remove(&format!("{name}.svg"))?;
        directory.remove(&format!("{name}.png"))?;
    }
    directory.remove("runs.csv")?;
    directory.write("summary.json", json::summary(input).as_bytes())?;
    write_story(directory, input)?;
    match report::traces::Traces::of(input) {
        Some(traces) => directory.write(trace::FILE, traces.to_json().as_bytes())?,
        None => directory.remove(trace::FILE)?,
    }
    let all_series = arguments.series == Series::All;
    directory.write("timeseries.csv", csv::timeseries(input, all_series).as_bytes())?;
    directory.write("openmetrics.txt", openmetrics::metrics(input, all_series).as_bytes())?;
    if !arguments.no_figures {
        let mut figures = figure::all(input);
        figures.push(figure::contact_sheet(&figures));
        for figure in figures {
            directory.write(&format!("{}.svg", figure.name), figure.svg.as_bytes())?;
            directory.write(&format!("{}.png", figure.name), &figure.png)?;
        }
    }
    let text = String::from_utf8_lossy(&source.bytes);
    match arguments.no_report {
        true => directory.remove(REPORT)?,
        false => {
            // Where the file lies is nobody else's business: the page is the same everywhere.
            let name = source.name.rsplit(['/', '\\']).next().unwrap_or_default();
            let command = format!("brownout run {}{}", arguments.overrides.arguments(), quoted(name));
            let origin = html::Origin { scenario: &text, command: &command };
            directory.write(REPORT, html::report(input, &origin).as_bytes())?;
        }
    }
    let files: Vec<manifest::File<'_>> = named.iter().map(of_manifest).collect();
    directory.write(MANIFEST, manifest::manifest(input, &text, &files, &command()).as_bytes())
}

/// Writes what `brownout story` tells again, or removes that of an earlier run.
fn write_story(directory: &Directory, input: &Input<'_>) -> Result<(), Failure> {
    const FILES: [&str; 2] = ["story.json", "timeline.json"];
    let timeline = insight::timeline(input.model, input.results, input.twin);
    let texts =
        [report::story::Story::of(input).map(|it| it.to_json()), timeline.map(|it| report::story::timeline_json(&it))];
    for (name, text) in FILES.into_iter().zip(texts) {
        match text {
            Some(text) => directory.write(name, text.as_bytes())?,
            None => directory.remove(name)?,
        }
    }
    Ok(())
}

/// The command line as it was typed, arguments with spaces in quotes.
pub(super) fn command() -> String {
    std::env::args_os().map(|argument| quoted(&argument.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

/// Decides the exit; says what failed to those who do not see the summary.
fn judge(said: &mut Said, name: &str, input: &Input<'_>, console: Console) {
    if input.results.interrupted {
        let (ended, duration) = (input.results.ended, input.model.duration);
        said.remarks.push_str(&format!(
            "interrupted: {name} ended at {ended} of {duration}; the numbers cover that part, expectations are not judged\n"
        ));
        said.exit = Exit::Interrupted;
        return;
    }
    for verdict in report::verdicts(input).iter().filter(|verdict| verdict.pass == Some(false)) {
        said.exit = Exit::ExpectationFailed;
        if console.quiet {
            let expectation = verdict.expectation;
            said.remarks
                .push_str(&format!("{name}: expectation `{}` failed: {}\n", expectation.name, expectation.text));
        }
    }
}
