//! `brownout compare`: several scenarios, or the variants of one, with the same random numbers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::base::units::Share;
use crate::experiment::{ARMS_MAX, Against, Arm, Call, Comparison, Difference, Plan, Stage, Wanted, compare};
use crate::model::Model;
use crate::report::experiment::comparison::{self, Input};
use crate::report::experiment::gate::{self as gate_formats, Case, Suite};
use crate::report::{figure, html, terminal};
use crate::scenario;

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::files::Directory;
use super::jobs::Jobs;
use super::overrides::{Overrides, quoted};
use super::progress::Bars;
use super::run::hash;
use super::{check, gate, interrupt, source};

/// Where comparisons land unless `--out` says otherwise.
const OUTPUT: &str = "output";

const EXAMPLES: &str = "\
Examples:
  brownout compare forty-node-meltdown
  brownout compare rest.toml grpc.toml queue.toml --reps 40
  brownout compare --variant breaker --variant short-timeout forty-node-meltdown
  brownout compare --precision 2% --reps 200 rest-vs-grpc
  brownout compare --no-worse goodput --format github main.toml branch.toml";

/// Compare scenarios, or the variants of one, run by run with the same random numbers
///
/// Run number k of each scenario draws the same arrivals and the same work, so that what is left of their difference is the
/// difference between the scenarios. All are compared with the first. Where the runs of either scenario end in several
/// ways, shares of endings come first, and figures are compared between runs that ended alike; where no two did, only what
/// they cost. Where all runs of each end in one way, figures are compared between all pairs.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// A scenario and up to ten to compare with it; of a single one its variants are compared with the file as it stands
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Of a single file: only these variants
    #[arg(long = "variant", value_name = "NAME")]
    variants: Vec<String>,
    /// Set a key in all of them, by its path in the file: --set service.orders.threads=32
    #[arg(long = "set", value_name = "PATH=VALUE")]
    sets: Vec<String>,
    /// The seed of all of them [default: that of the first]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// How many runs of each; with `--precision` at most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    reps: u32,
    /// End early: as soon as every workload's difference in goodput and in mean latency is known to this part of the first
    /// scenario's value, looked at every ten runs
    ///
    /// Looking several times makes intervals a little less sure than 95%. Where runs end differently it does not end early.
    #[arg(long, value_name = "SHARE")]
    precision: Option<Share>,
    /// Fail (exit code 99) when a scenario is worse than the first in this figure, such as `goodput(shoppers)` or, for
    /// all of them, `goodput`, or when clearly fewer of its runs end well; may be given several times
    ///
    /// How runs end comes before any figure: runs that collapse are not compared with runs that do not. Clearly fewer means
    /// that McNemar's test finds it in less than 5% of all experiments by chance, for all scenarios together, which takes
    /// six runs at least. A figure that is named in full and that a scenario does not have fails, too.
    #[arg(long, value_name = "FIGURE")]
    no_worse: Vec<String>,
    #[command(flatten)]
    gate: gate::Reports,
    /// Where the files go [default: output/compare-<scenario>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What standard output gets
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Draw no pictures
    #[arg(long)]
    no_figures: bool,
    /// Write no report.html
    #[arg(long)]
    no_report: bool,
    #[command(flatten)]
    jobs: Jobs,
}

/// What standard output gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// Tables to read
    Text,
    /// comparison.json
    Json,
    /// One row per difference
    Csv,
    /// A line per figure that must not be worse, as GitHub's workflows show it beside the file
    Github,
}

/// A scenario, as it will run.
struct Loaded {
    arm: Arm,
    hash: String,
}

/// Runs the scenarios and says how they differ.
pub(super) fn execute(arguments: &Arguments, console: Console) -> Exit {
    run(arguments, console).unwrap_or_else(|failure| console.fail(&failure))
}

fn run(arguments: &Arguments, console: Console) -> Result<Exit, Failure> {
    let (loaded, exit) = load(arguments, console)?;
    if exit != Exit::Fine {
        return Ok(exit);
    }
    let stem = source::stem(&arguments.files[0]);
    let directory = arguments.out.clone().unwrap_or_else(|| Path::new(OUTPUT).join(format!("compare-{stem}")));
    let directory = Directory::open(&directory)?;
    let (arms, hashes): (Vec<Arm>, Vec<String>) = loaded.into_iter().map(|it| (it.arm, it.hash)).unzip();
    let seed = arguments.seed.unwrap_or(arms[0].model.seed);
    interrupt::watch();
    let plan = Plan {
        replications: arguments.reps,
        precision: arguments.precision.map(Share::as_f64),
        wanted: Wanted { verdicts: true, courses: !arguments.no_figures },
    };
    let bars = Bars::new(console.quiet);
    let bar = bars.runs();
    let watch = |stage: Stage| bar.told(stage);
    let pool = arguments.jobs.pool();
    let compared = pool.install(|| compare(&arms, seed, plan, &watch));
    drop(bar);
    let Some(compared) = compared else {
        console.say("interrupted: nothing is kept of a comparison that did not come to its end\n");
        return Ok(Exit::Interrupted);
    };
    let input = Input { comparison: &compared, seed, hashes: &hashes, version: env!("CARGO_PKG_VERSION") };
    for name in figure::EXPERIMENT_NAMES {
        directory.remove(&format!("{name}.svg"))?;
        directory.remove(&format!("{name}.png"))?;
    }
    directory.write("comparison.json", comparison::json(&input).as_bytes())?;
    directory.write("comparison.csv", comparison::csv(&compared).as_bytes())?;
    let overlay = figure::overlay(&input, &arms[0].model).filter(|_| !arguments.no_figures);
    if let Some(figure) = &overlay {
        directory.write(&format!("{}.svg", figure.name), figure.svg.as_bytes())?;
        directory.write(&format!("{}.png", figure.name), &figure.png)?;
    }
    if arguments.no_report {
        directory.remove("report.html")?;
    } else {
        let models: Vec<&Model> = arms.iter().map(|arm| &arm.model).collect();
        let page = html::comparison_report(&input, &models, overlay.as_ref(), &command(arguments));
        directory.write("report.html", page.as_bytes())?;
    }
    let suites = suites(&compared, arguments)?;
    arguments.gate.write(&suites)?;
    console.print(&match arguments.format {
        Format::Text if console.quiet => String::new(),
        Format::Text => terminal::comparison(&compared, console.color_out, console.width),
        Format::Json => comparison::json(&input),
        Format::Csv => comparison::csv(&compared),
        Format::Github => gate_formats::github(&suites),
    })?;
    let failed: Vec<&Case> = suites.iter().flat_map(|suite| &suite.cases).filter(|case| !case.pass).collect();
    if arguments.format != Format::Github {
        failed.iter().for_each(|case| console.say(&format!("`{}` failed: {}\n", case.name, case.found)));
    }
    if !console.quiet {
        console.say(&format!("files: {}\n", directory.path().display()));
    }
    Ok(if failed.is_empty() { Exit::Fine } else { Exit::ExpectationFailed })
}

/// The command that repeats the comparison, without where its files go.
fn command(arguments: &Arguments) -> String {
    let overrides = Overrides::new(arguments.variants.clone(), arguments.sets.clone(), arguments.seed);
    let precision = arguments.precision.map_or(String::new(), |share| format!("--precision {share} "));
    let files = arguments.files.iter().map(|file| quoted(&file.display().to_string())).collect::<Vec<_>>().join(" ");
    format!("brownout compare {}--reps {} {precision}{files}", overrides.arguments(), arguments.reps)
}

/// Reads every scenario; says what is wrong with all of them.
fn load(arguments: &Arguments, console: Console) -> Result<(Vec<Loaded>, Exit), Failure> {
    let mut wanted: Vec<(&PathBuf, Option<String>, String)> = Vec::new();
    match arguments.files.as_slice() {
        [only] => {
            let variants = match arguments.variants.as_slice() {
                [] => variants_of(only)?,
                named => named.to_vec(),
            };
            wanted.push((only, None, "as it stands".to_owned()));
            wanted.extend(variants.into_iter().map(|name| (only, Some(name.clone()), name)));
        }
        _ if !arguments.variants.is_empty() => {
            return Err(Failure::Usage {
                message: "`--variant` is for the variants of a single file".to_owned(),
                hint: "leave out the other files, or the variants".to_owned(),
            });
        }
        several => {
            let stems: Vec<String> = several.iter().map(|file| source::stem(file)).collect();
            let is_once = |stem: &String| stems.iter().filter(|other| *other == stem).count() == 1;
            let name = |(file, stem): (&PathBuf, &String)| match is_once(stem) {
                true => stem.clone(),
                false => file.display().to_string(),
            };
            wanted.extend(several.iter().zip(&stems).map(|(file, stem)| (file, None, name((file, stem)))));
        }
    }
    if !(2..=ARMS_MAX).contains(&wanted.len()) {
        let others = ARMS_MAX - 1;
        let first = arguments.files[0].display();
        let (message, hint) = match (arguments.files.len(), wanted.len()) {
            (1, 1) => (
                format!("`{first}` has no variants to compare"),
                format!("name 2 to {ARMS_MAX} scenarios, or one with variants"),
            ),
            (1, count) => (
                format!("{} variants of `{first}` are too many to compare at once", count - 1),
                format!("choose up to {others} of them: `--variant NAME`, once for each"),
            ),
            (_, count) => {
                (format!("{count} scenarios are too many to compare at once"), format!("name 2 to {ARMS_MAX} of them"))
            }
        };
        return Err(Failure::Usage { message, hint });
    }
    let (mut loaded, mut exit) = (Vec::new(), Exit::Fine);
    for (file, variant, name) in wanted {
        let source = source::scenario(file)?;
        let overrides = Overrides::new(variant.into_iter().collect(), arguments.sets.clone(), arguments.seed);
        let found = scenario::load_with_files(&source.name, &source.bytes, &overrides.options(), source.files());
        // A file's warnings are said once.
        if found.model.is_none() || loaded.is_empty() || arguments.files.len() > 1 {
            console.say(&check::diagnostics(&found, console));
        }
        match found.model {
            None => exit = Exit::BadScenario,
            Some(model) => {
                let hash = hash(&source, &overrides, &found.files);
                loaded.push(Loaded { arm: Arm { name, model }, hash });
            }
        }
        if exit != Exit::Fine && arguments.files.len() == 1 {
            break;
        }
    }
    Ok((loaded, exit))
}

/// The names of the variants of a file.
fn variants_of(file: &Path) -> Result<Vec<String>, Failure> {
    let source = source::scenario(file)?;
    Ok(scenario::variants(&source.name, &source.bytes, source.files()))
}

/// How runs end and the figures that must not be worse, as checks; none unless there is such a figure.
fn suites(compared: &Comparison, arguments: &Arguments) -> Result<Vec<Suite>, Failure> {
    let known: BTreeSet<&str> =
        compared.arms.iter().flat_map(|arm| &arm.runs.measures).map(|measure| measure.name.as_str()).collect();
    for wanted in &arguments.no_worse {
        if !known.iter().any(|name| is_meant(name, wanted)) {
            let near = crate::base::suggest::did_you_mean(wanted, known.iter().flat_map(|name| [*name, metric(name)]));
            return Err(Failure::Usage {
                message: format!("nothing that was compared is called `{wanted}`"),
                hint: match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "comparison.csv has the names of all figures, such as `goodput(shoppers)`".to_owned(),
                },
            });
        }
    }
    let first = &compared.arms[0].name;
    let file = arguments.files.last().map(|file| file.display().to_string()).unwrap_or_default();
    let suite = |it: &Against| Suite {
        name: format!("{} against {first}", compared.arms[it.arm].name),
        file: file.clone(),
        cases: if arguments.no_worse.is_empty() { Vec::new() } else { cases(compared, it, &arguments.no_worse) },
    };
    Ok(compared.against.iter().map(suite).collect())
}

/// The checks of one scenario: how its runs end, then the figures.
fn cases(compared: &Comparison, it: &Against, no_worse: &[String]) -> Vec<Case> {
    let (first, other) = (&compared.arms[0], &compared.arms[it.arm]);
    let ends = Case {
        name: "runs that end well".to_owned(),
        found: terminal::endings_in_words(compared, it),
        pass: !it.ends_worse(compared.against.len()),
    };
    let is_meant_by = |name: &str| no_worse.iter().any(|wanted| is_meant(name, wanted));
    let case = |it: &Difference| {
        let call = match it.call {
            Call::Better | Call::Worse => format!("{} than {}", it.call.name(), first.name),
            Call::Differs | Call::NoClearDifference => format!("{} from {}", it.call.name(), first.name),
            Call::TooFew => format!("{} to compare with {}", it.call.name(), first.name),
        };
        let found = format!("{call}: {}", terminal::difference_in_words(it));
        Case { name: comparison::name_of(it), found, pass: it.call != Call::Worse }
    };
    let figures = it.differences.iter().filter(|it| is_meant_by(&it.measure.name)).map(case);
    // What could not be compared is said: nobody is to take silence for no worse.
    let is_compared = |name: &str| it.differences.iter().any(|it| it.measure.name == name);
    let missing = first.runs.measures.iter().chain(&other.runs.measures).map(|measure| measure.name.as_str());
    let missing: BTreeSet<&str> = missing.filter(|name| is_meant_by(name) && !is_compared(name)).collect();
    let missing = missing.into_iter().map(|name| {
        let is_in = |names: &[String]| names.iter().any(|known| known == name);
        let (is_gone, is_new) = (is_in(&it.only_first), is_in(&it.only_this));
        let why = match (is_gone, is_new) {
            (true, _) => format!("{} has no such figure, or no run with a sample of it", other.name),
            (_, true) => format!("{} has no such figure, or no run with a sample of it", first.name),
            _ if it.is_mixed => "no two runs that ended alike have a sample of it".to_owned(),
            _ => "no two runs have a sample of it".to_owned(),
        };
        // One that is asked for by its full name is to be there.
        let pass = !(is_gone && no_worse.iter().any(|wanted| wanted == name));
        Case { name: name.to_owned(), found: format!("not compared with {}: {why}", first.name), pass }
    });
    // Where nobody is served at all, nobody judged.
    let ends = first.runs.runs.iter().any(|run| run.verdict.is_some()).then_some(ends);
    ends.into_iter().chain(figures).chain(missing).collect()
}

/// Whether `wanted` names this figure, or its metric.
fn is_meant(name: &str, wanted: &str) -> bool {
    name == wanted || metric(name) == wanted
}

fn metric(name: &str) -> &str {
    name.split('(').next().unwrap_or(name)
}
