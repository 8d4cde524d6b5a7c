//! `brownout sweep`: a scenario with every combination of some values, each several times, into one table.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use clap::{Args, ValueEnum};

use crate::base::vary::Vary;
use crate::experiment::{RUNS_MAX, SweepRow, Wanted, combinations, run};
use crate::model::Model;
use crate::report::experiment::sweep as report;
use crate::report::{figure, terminal};
use crate::scenario::{self, Loaded};

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::files::Directory;
use super::jobs::Jobs;
use super::journal::{Heading, Journal};
use super::overrides::Overrides;
use super::progress::Bars;
use super::run::hash;
use super::source::{self, Source};
use super::{check, interrupt};

/// Where sweeps land unless `--out` says otherwise.
const OUTPUT: &str = "output";
const JOURNAL: &str = "sweep.journal";
const SUMMARY: &str = "sweep.json";

const EXAMPLES: &str = "\
Examples:
  brownout sweep --vary load=100/s..900/s:5 --reps 4 forty-node-meltdown
  brownout sweep --vary service.inventory.threads=10,20,40 --vary load=200/s,800/s forty-node-meltdown
  brownout sweep --vary client.rest.timeout=100ms..1s:4 --set load=500/s forty-node-meltdown
  brownout sweep --format csv my-sweep.toml > table.csv";

/// Run a scenario with every combination of some values, each several times, into one table with a row a run
///
/// Every run that has ended is on the disk at once: a sweep that was killed goes on where it stopped when it is started
/// again, and the table is the same as if it had never stopped. Run number k of each combination has the same random
/// numbers.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// A scenario file, or the name of a built-in scenario; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What varies, and how: a path or a parameter and a list of values, or low..high:steps; several make a grid, whose
    /// first one varies slowest [default: what [sweep] in the file says]
    #[arg(long, value_name = "PATH=VALUES", value_parser = vary)]
    vary: Vec<Vary>,
    /// How often each combination runs [default: what [sweep] in the file says, or 10]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    reps: Option<u32>,
    #[command(flatten)]
    overrides: Overrides,
    /// Which figure the pictures and the table on the terminal show beside how runs ended, such as `p99(shoppers)`; may be
    /// given several times [default: the goodput of every workload]
    #[arg(long, value_name = "FIGURE")]
    figure: Vec<String>,
    /// Where the files go, and the journal with which the sweep goes on [default: output/sweep-<scenario>[-<variant>]]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What standard output gets
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Draw no pictures
    #[arg(long)]
    no_figures: bool,
    /// Do not run each scenario a second time without its triggers: it is faster, and there are no verdicts of runs in
    /// which something goes wrong
    #[arg(long)]
    no_twin: bool,
    #[command(flatten)]
    jobs: Jobs,
}

/// What standard output gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// A table of means to read
    Text,
    /// sweep.csv: one row per run
    Csv,
    /// sweep.json: what the runs of each combination have in common
    Json,
}

fn vary(text: &str) -> Result<Vary, String> {
    text.parse::<Vary>().map_err(|fault| match fault.hint {
        Some(hint) => format!("{}; {hint}", fault.message),
        None => fault.message,
    })
}

/// Runs the sweep and says what came out.
pub(super) fn execute(arguments: &Arguments, console: Console) -> Exit {
    sweep(arguments, console).unwrap_or_else(|failure| console.fail(&failure))
}

fn sweep(arguments: &Arguments, console: Console) -> Result<Exit, Failure> {
    let source = source::scenario(&arguments.file)?;
    let loaded = load(&source, &arguments.overrides.options());
    console.say(&check::diagnostics(&loaded, console));
    let Some(model) = &loaded.model else { return Ok(Exit::BadScenario) };
    let (vary, reps) = plan(arguments, &loaded)?;
    let models = match models(arguments, &source, &vary) {
        Ok(models) => models,
        Err(text) => {
            console.say(&text);
            return Ok(Exit::BadScenario);
        }
    };
    let stem = arguments.overrides.name(&source::stem(&arguments.file));
    let directory = arguments.out.clone().unwrap_or_else(|| Path::new(OUTPUT).join(format!("sweep-{stem}")));
    let directory = Directory::open(&directory)?;
    let hash = hash(&source, &arguments.overrides, &loaded.files);
    let heading = Heading::new(&hash, model.seed, &vary, !arguments.no_twin);
    let (mut journal, mut rows) = Journal::open(&directory.path().join(JOURNAL), &heading)?;
    // Earlier runs of the same sweep may have been more.
    rows.retain(|row| row.run < reps);
    let mut seen = BTreeSet::new();
    rows.retain(|row| seen.insert((row.combination, row.run)));
    if !rows.is_empty() && !console.quiet {
        console.say(&format!("{} of {} runs were there already\n", rows.len(), models.len() * reps as usize));
    }
    interrupt::watch();
    let wanted = Wanted { verdicts: !arguments.no_twin, courses: false };
    let ended = work(&models, reps, &seen, wanted, arguments, console, &mut journal, &mut rows);
    let is_whole = ended? && rows.len() == models.len() * reps as usize;
    if !is_whole {
        console.say(&format!("interrupted: {} runs are kept; the same command goes on from there\n", rows.len()));
        return Ok(Exit::Interrupted);
    }
    rows.sort_by_key(|row| (row.combination, row.run));
    let table = report::csv(&vary, &rows);
    directory.write("sweep.csv", table.as_bytes())?;
    let figures = shown(arguments, model, &rows)?;
    let swept = terminal::Swept { title: &model.title, vary: &vary, rows: &rows, figures: &figures };
    let names: BTreeMap<String, figure::Figure> = match arguments.no_figures {
        true => BTreeMap::new(),
        false => figure::sweep(&swept).into_iter().map(|figure| (figure.name.clone(), figure)).collect(),
    };
    remove_earlier(&directory)?;
    for figure in names.values() {
        directory.write(&format!("{}.svg", figure.name), figure.svg.as_bytes())?;
        directory.write(&format!("{}.png", figure.name), &figure.png)?;
    }
    let version = env!("CARGO_PKG_VERSION");
    let origin = report::Origin { seed: model.seed, hash: &hash, version, replications: reps };
    let json = report::json(&swept, &origin, &names.into_keys().collect::<Vec<String>>());
    directory.write(SUMMARY, json.as_bytes())?;
    console.print(&match arguments.format {
        Format::Csv => table,
        Format::Json => json,
        Format::Text if console.quiet => String::new(),
        Format::Text => terminal::sweep(&swept, console.color_out, console.width),
    })?;
    if vary.len() > 2 && !arguments.no_figures && !console.quiet {
        console.say("no pictures: more than two things vary; sweep.csv and sweep.json have all of it\n");
    }
    if !console.quiet {
        console.say(&format!("files: {}\n", directory.path().display()));
    }
    Ok(Exit::Fine)
}

/// Removes the pictures of an earlier sweep: they may have shown other figures.
fn remove_earlier(directory: &Directory) -> Result<(), Failure> {
    // Where there was none, there is nothing to remove.
    let earlier = std::fs::read_to_string(directory.path().join(SUMMARY)).unwrap_or_default();
    for name in report::pictures(&earlier) {
        directory.remove(&format!("{name}.svg"))?;
        directory.remove(&format!("{name}.png"))?;
    }
    Ok(())
}

fn load(source: &Source, options: &scenario::LoadOptions) -> Loaded {
    scenario::load_with_files(&source.name, &source.bytes, options, source.files())
}

/// What varies, and how often each combination runs.
fn plan(arguments: &Arguments, loaded: &Loaded) -> Result<(Vec<Vary>, u32), Failure> {
    const REPLICATIONS: u32 = 10;
    let of_file = loaded.sweep.as_ref();
    let vary = match arguments.vary.as_slice() {
        [] => of_file.map(|it| it.vary.clone()).unwrap_or_default(),
        given => given.to_vec(),
    };
    let usage = |message: String, hint: &str| Failure::Usage { message, hint: hint.to_owned() };
    if vary.is_empty() {
        return Err(usage(
            "nothing varies".to_owned(),
            "write for example `--vary load=100/s..500/s:5`, or a section [sweep] into the file",
        ));
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = vary.iter().find(|it| !seen.insert(&it.path)) {
        return Err(usage(format!("`{}` varies twice", twice.path), "give all of its values in one list"));
    }
    let reps = arguments.reps.or(of_file.map(|it| it.replications)).unwrap_or(REPLICATIONS);
    let points = vary.iter().try_fold(1_u64, |all, it| all.checked_mul(it.values.len() as u64));
    match points.and_then(|points| points.checked_mul(reps.into())) {
        Some(runs) if runs <= RUNS_MAX => Ok((vary, reps)),
        _ => Err(usage(format!("the sweep would have more than {RUNS_MAX} runs"), "vary fewer things, or less finely")),
    }
}

/// The model of every combination, or everything that is wrong with the first that is wrong.
fn models(arguments: &Arguments, source: &Source, vary: &[Vary]) -> Result<Vec<Model>, String> {
    let model = |places: Vec<usize>| {
        let mut options = arguments.overrides.options();
        let set = |(it, place): (&Vary, usize)| ("--vary", format!("{}={}", it.path, it.values[place]));
        options.varied = vary.iter().zip(places).map(set).collect();
        let loaded = load(source, &options);
        loaded.model.ok_or_else(|| loaded.diagnostics.render(false))
    };
    combinations(vary).into_iter().map(model).collect()
}

/// Runs what is missing; every run is in the journal as soon as it has ended. Whether nobody interrupted it.
#[allow(clippy::too_many_arguments, reason = "it is the one loop that all of it meets in")]
fn work(
    models: &[Model],
    reps: u32,
    seen: &BTreeSet<(u32, u32)>,
    wanted: Wanted,
    arguments: &Arguments,
    console: Console,
    journal: &mut Journal,
    rows: &mut Vec<SweepRow>,
) -> Result<bool, Failure> {
    let pool = arguments.jobs.pool();
    let bars = Bars::new(console.quiet);
    let bar = bars.runs();
    let of = models.len() as u32 * reps;
    let missing = (0..models.len() as u32)
        .flat_map(|combination| (0..reps).map(move |number| (combination, number)))
        .filter(|task| !seen.contains(task));
    let go_on = || if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let (mut failed, mut is_whole) = (Ok(()), true);
    pool.in_place_scope_fifo(|scope| {
        let (sender, receiver) = mpsc::channel();
        for (combination, number) in missing {
            let (sender, model) = (sender.clone(), &models[combination as usize]);
            scope.spawn_fifo(move |_| {
                let ran = if interrupt::requested() { None } else { run(model, number, wanted, &go_on) };
                // Nobody listens any more when the journal could not be written.
                let _ = sender.send(ran.map(|ran| SweepRow::of(combination, ran)));
            });
        }
        drop(sender);
        while let Ok(first) = receiver.recv() {
            // Those that ended in the meantime go to the disk together.
            let ended: Vec<Option<SweepRow>> = std::iter::once(first).chain(receiver.try_iter()).collect();
            is_whole &= ended.iter().all(Option::is_some);
            if failed.is_ok() {
                failed = journal.add(ended.iter().flatten());
            }
            rows.extend(ended.into_iter().flatten());
            bar.advance(rows.len() as u32, of);
        }
    });
    failed.map(|()| is_whole)
}

/// The figures that pictures show.
fn shown(arguments: &Arguments, model: &Model, rows: &[SweepRow]) -> Result<Vec<String>, Failure> {
    if arguments.figure.is_empty() {
        return Ok(model.workloads.iter().map(|it| format!("goodput({})", it.name)).collect());
    }
    let known: BTreeSet<&str> = rows.iter().flat_map(|row| &row.figures).map(|(name, _)| name.as_str()).collect();
    for name in &arguments.figure {
        if !known.contains(name.as_str()) {
            let near = crate::base::suggest::did_you_mean(name, known.iter().copied());
            return Err(Failure::Usage {
                message: format!("the runs have no figure `{name}`"),
                hint: match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "the header of sweep.csv has the names of all figures".to_owned(),
                },
            });
        }
    }
    Ok(arguments.figure.clone())
}
