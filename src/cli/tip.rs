//! `brownout tip`: up to where a scenario still ends well, along one thing or along two.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::base::between::{Between, Lattice};
use crate::base::suggest::did_you_mean;
use crate::base::units::Share;
use crate::experiment::{
    Criterion, Stage, TIP_CONFIDENCE, TIP_REPLICATIONS, TipEnded, TipPlan, Watch, boundary, phase_diagram,
};
use crate::model::{Model, Verdict};
use crate::report::experiment::tip::{Found, Input, csv, json};
use crate::report::{figure, terminal};
use crate::scenario::{self, LoadOptions};

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::files::Directory;
use super::jobs::Jobs;
use super::overrides::{Overrides, quoted};
use super::progress::Bars;
use super::run::hash;
use super::source::{self, Source};
use super::{check, interrupt};

/// Where results land unless `--out` says otherwise.
const OUTPUT: &str = "output";
/// What stands for the expectations of the file where a verdict may stand.
const EXPECTATIONS: &str = "expectations";
/// The most values along each side of a phase diagram.
const VALUES_MAX: u32 = 512;

const EXAMPLES: &str = "\
Examples:
  brownout tip --param load=100/s..3000/s forty-node-meltdown
  brownout tip --param outage=500ms..5s --set 'arrivals=even(200/s)' --set work=3333333ns outage
  brownout tip --param 'arrivals=poisson(100/s..300/s)' --precision 2/s outage
  brownout tip --param service.orders.threads=1..64 --until expectations my-shop.toml
  brownout tip --param load=20/s..300/s --param fault.standstill.for=500ms..15s death-spiral";

const PHASES: &str = "\
Phases (after Bronson et al., \"Metastable Failures in Distributed Systems\", HotOS 2021):
  stable      more than --share of the runs end well: whatever goes wrong in the file, it comes back by itself
  vulnerable  more than --share of the runs do not end well, and their twins without what goes wrong are fine: it works
              until something goes wrong and stays down then (such runs end metastable, or degraded)
  overloaded  more than --share of the twins are overloaded: it is down without any trigger
  either      luck decides: even with --reps runs none of these is sure

The search takes for granted that there is one boundary; of a phase diagram, that no phase hides between the first
five by five points.

Exit codes: 0 there is a boundary, 99 there is none between the ends; the others are those of every command.";

/// Find the highest load, the longest fault, the smallest pool with which a scenario still ends well
///
/// With one --param, bisects between its two ends; which end is the good one it finds out. Every value on the way runs
/// with several seeds until a sequential test is sure, and run number k of each value has the same random numbers. What
/// comes out is an interval, and where the change is slow, how wide it is. With two --param, draws the phase diagram, and
/// runs points near its boundaries only.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{PHASES}"))]
pub(super) struct Arguments {
    /// A scenario file, or the name of a built-in scenario; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What is searched, and between which ends: a path or a parameter, and low..high with their unit, alone or inside of
    /// a value such as poisson(100/s..300/s); given twice, it is a phase diagram, the first to the right
    #[arg(long, value_name = "PATH=LOW..HIGH", value_parser = between, required = true)]
    param: Vec<Between>,
    /// Which runs end well: those with this verdict or a better one (unharmed, recovered, recovering, degraded), or those
    /// in which all `expectations` of the file hold
    #[arg(long, value_name = "VERDICT", value_parser = criterion, default_value = "recovered")]
    until: Criterion,
    /// What share of the runs decides how a value ends
    #[arg(long, value_name = "SHARE", default_value = "50%")]
    share: Share,
    /// How narrow the answer is to be: a part of the whole, or a length in the unit of the ends; steps are round numbers
    /// [default: 1% of the whole, or 4% of each side of a phase diagram]
    #[arg(long, value_name = "LENGTH")]
    precision: Option<String>,
    /// How sure the answer is: both ends of the interval together, or each point of a phase diagram
    #[arg(long, value_name = "SHARE", default_value_t = Share::new(TIP_CONFIDENCE).expect("it lies between 0 and 1"))]
    confidence: Share,
    /// The most runs of a value; where they say nothing sure, it stays open, and so few that they never could are refused
    #[arg(long, value_name = "NUMBER", default_value_t = TIP_REPLICATIONS, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    reps: u32,
    #[command(flatten)]
    overrides: Overrides,
    /// Where the files go [default: output/tip-<scenario>[-<variant>]]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What standard output gets
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Draw no picture
    #[arg(long)]
    no_figures: bool,
    #[command(flatten)]
    jobs: Jobs,
}

/// What standard output gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// The answer in sentences, and a table or a diagram
    Text,
    /// tip.json
    Json,
    /// tip.csv: a row for every point that ran
    Csv,
}

fn between(text: &str) -> Result<Between, String> {
    text.parse::<Between>().map_err(|fault| match fault.hint {
        Some(hint) => format!("{}; {hint}", fault.message),
        None => fault.message,
    })
}

/// Verdicts that a run may still have; without a trigger there is one that is good.
const UNTIL: [Verdict; 4] = [Verdict::Unharmed, Verdict::Recovered, Verdict::Recovering, Verdict::Degraded];

fn criterion(text: &str) -> Result<Criterion, String> {
    if text == EXPECTATIONS {
        return Ok(Criterion::Expectations);
    }
    if let Some(verdict) = UNTIL.into_iter().find(|verdict| verdict.name() == text) {
        return Ok(Criterion::AtMost(verdict));
    }
    let known = UNTIL.map(Verdict::name).into_iter().chain([EXPECTATIONS]);
    Err(match did_you_mean(text, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write {}", known.collect::<Vec<_>>().join(", ")),
    })
}

/// Looks for the boundary and says where it is.
pub(super) fn execute(arguments: &Arguments, console: Console) -> Exit {
    tip(arguments, console).unwrap_or_else(|failure| console.fail(&failure))
}

fn tip(arguments: &Arguments, console: Console) -> Result<Exit, Failure> {
    let source = source::scenario(&arguments.file)?;
    let overrides = &arguments.overrides;
    let loaded = load(&source, &overrides.options());
    console.say(&check::diagnostics(&loaded, console));
    let Some(model) = &loaded.model else { return Ok(Exit::BadScenario) };
    let lattices = lattices(arguments, model)?;
    let model_at = |places: &[u32]| {
        let varied = lattices.iter().zip(places).map(|(lattice, place)| ("--param", lattice.set(*place)));
        let loaded = load(&source, &LoadOptions { varied: varied.collect(), ..overrides.options() });
        loaded.model.ok_or_else(|| loaded.diagnostics.render(console.color_err))
    };
    // What is wrong with a name is wrong with every value: it is said before anything runs or is written.
    for end in [lattices.iter().map(|_| 0).collect::<Vec<u32>>(), lattices.iter().map(Lattice::steps).collect()] {
        if let Err(text) = model_at(&end) {
            console.say(&text);
            return Ok(Exit::BadScenario);
        }
    }
    let stem = overrides.name(&source::stem(&arguments.file));
    let directory = arguments.out.clone().unwrap_or_else(|| Path::new(OUTPUT).join(format!("tip-{stem}")));
    let directory = Directory::open(&directory)?;
    let plan = TipPlan {
        criterion: arguments.until,
        share: arguments.share.as_f64(),
        confidence: arguments.confidence.as_f64(),
        replications: arguments.reps,
    };
    interrupt::watch();
    let bars = Bars::new(console.quiet);
    let bar = bars.runs();
    let watch = |stage: Stage| bar.told(stage);
    let watch: Watch<'_> = &watch;
    let pool = arguments.jobs.pool();
    let found = pool.install(|| match lattices.as_slice() {
        [across, up] => phase_diagram([across, up], &model_at, plan, watch).map(Found::Phases),
        lattices => boundary(&lattices[0], &model_at, plan, watch).map(Found::Boundary),
    });
    drop(bar);
    let found = match found {
        Ok(found) => found,
        Err(TipEnded::Interrupted) => {
            console.say("interrupted: nothing is kept of a search that did not come to its end\n");
            return Ok(Exit::Interrupted);
        }
        Err(TipEnded::Wrong(text)) => {
            console.say(&text);
            return Ok(Exit::BadScenario);
        }
        Err(TipEnded::TooFew(needed)) => {
            return Err(Failure::Usage {
                message: format!(
                    "no test can be {} sure with {} of each value",
                    arguments.confidence,
                    if plan.replications == 1 { "1 run".to_owned() } else { format!("{} runs", plan.replications) },
                ),
                hint: format!("it takes {needed} at least: `--reps {needed}`, or a lower `--confidence`"),
            });
        }
    };
    let criterion = match arguments.until {
        Criterion::AtMost(worst) => format!("{} or better", worst.name()),
        Criterion::Expectations => "with all expectations held".to_owned(),
    };
    let input = Input {
        title: &format!("{}{}", model.title, overrides.title()),
        lattices: &lattices,
        found: &found,
        plan,
        criterion: &criterion,
        seed: model.seed,
        hash: &hash(&source, overrides, &loaded.files),
        version: env!("CARGO_PKG_VERSION"),
    };
    say(&input, arguments, &directory, console)
}

/// Writes and prints what was found.
fn say(input: &Input<'_>, arguments: &Arguments, directory: &Directory, console: Console) -> Result<Exit, Failure> {
    let (json, csv) = (json(input), csv(input));
    // An earlier search may have been of another kind.
    for name in figure::TIP_NAMES {
        directory.remove(&format!("{name}.svg"))?;
        directory.remove(&format!("{name}.png"))?;
    }
    directory.write("tip.json", json.as_bytes())?;
    directory.write("tip.csv", csv.as_bytes())?;
    if !arguments.no_figures {
        let figure = figure::tip(input);
        directory.write(&format!("{}.svg", figure.name), figure.svg.as_bytes())?;
        directory.write(&format!("{}.png", figure.name), &figure.png)?;
    }
    console.print(&match arguments.format {
        Format::Json => json,
        Format::Csv => csv,
        Format::Text if console.quiet => String::new(),
        Format::Text => terminal::tip(input, console.color_out, console.width),
    })?;
    if !console.quiet {
        if let Found::Boundary(it) = input.found
            && let Some(ill) = it.ill
        {
            let set = quoted(&input.lattices[0].set(ill));
            let overrides = arguments.overrides.arguments();
            let file = arguments.file.display();
            console.say(&format!("see it fail: brownout run {overrides}--set {set} {file}\n"));
        }
        console.say(&format!("files: {}\n", directory.path().display()));
    }
    Ok(if input.is_found() { Exit::Fine } else { Exit::ExpectationFailed })
}

fn load(source: &Source, options: &LoadOptions) -> scenario::Loaded {
    scenario::load_with_files(&source.name, &source.bytes, options, source.files())
}

/// What is searched, in steps.
fn lattices(arguments: &Arguments, model: &Model) -> Result<Vec<Lattice>, Failure> {
    const FINE: f64 = 0.01;
    const COARSE: f64 = 0.04;
    let usage = |message: String, hint: &str| Failure::Usage { message, hint: hint.to_owned() };
    let all = &arguments.param;
    if all.len() > 2 {
        return Err(usage(
            format!("{} things are searched at once", all.len()),
            "one has a boundary, two have a phase diagram; `brownout sweep` takes more",
        ));
    }
    if all.len() == 2 && all[0].path == all[1].path {
        return Err(usage(format!("`{}` is searched twice", all[0].path), "give it once, with both of its ends"));
    }
    if !(0.5..1.0).contains(&arguments.confidence.as_f64()) {
        return Err(usage("nothing is as sure as that".to_owned(), "a confidence is at least 50%, and below 100%"));
    }
    if !(0.01..=0.99).contains(&arguments.share.as_f64()) {
        return Err(usage(
            "no number of runs shows a share as near to none or all".to_owned(),
            "`--share` lies between 1% and 99%",
        ));
    }
    if arguments.until == Criterion::Expectations && model.expectations.is_empty() {
        return Err(usage(
            "the scenario expects nothing".to_owned(),
            "write a section [expect.<name>] into it, or leave out `--until expectations`",
        ));
    }
    let lattice = |it: &Between| {
        let part = match &arguments.precision {
            None => Ok(if all.len() == 1 { FINE } else { COARSE }),
            Some(text) => it.part(text).map_err(|fault| {
                let hint = fault.hint.unwrap_or_default();
                usage(format!("`--precision {text}` does not fit `{}`: {}", it.path, fault.message), &hint)
            }),
        };
        let lattice = it.lattice(part?);
        match lattice.steps() >= VALUES_MAX && all.len() == 2 {
            true => Err(usage(
                format!("`{}` has {} values, too many for a diagram", it.path, lattice.steps() + 1),
                "search less finely: `--precision 1%`",
            )),
            false => Ok(lattice),
        }
    };
    all.iter().map(lattice).collect()
}
