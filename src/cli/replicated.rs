//! `brownout run --reps`: a scenario many times, and what the runs have in common.

use crate::experiment::{Stage, Wanted, replications};
use crate::model::Model;
use crate::report::experiment::baseline::{Baseline, Held};
use crate::report::experiment::gate::{self, Case, Suite};
use crate::report::experiment::replications::{self as report, Input};
use crate::report::{figure, manifest, terminal};
use crate::scenario::NamedFile;

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::files::Directory;
use super::progress::Bars;
use super::run::{Arguments, Format, command, hash, of_manifest, with_scenario};
use super::source::{self, Source};
use super::turns::Said;

/// What runs.
pub(super) struct Scenario<'a> {
    pub(super) source: &'a Source,
    pub(super) model: &'a Model,
    pub(super) named: &'a [NamedFile],
}

/// Runs the scenario `reps` times, writes what came out and says it.
pub(super) fn run(
    said: &mut Said,
    scenario: &Scenario<'_>,
    reps: u32,
    directory: &Directory,
    arguments: &Arguments,
    console: Console,
    bars: &Bars,
) -> Result<(), Failure> {
    let Scenario { source, model, named } = scenario;
    let earlier = arguments.baseline.as_ref().map(|path| read_baseline(path)).transpose()?;
    let bar = bars.runs();
    let watch = |stage: Stage| bar.told(stage);
    let wanted = Wanted { verdicts: !arguments.no_twin, courses: !arguments.no_figures };
    let Some(runs) = replications(model, 0..reps, wanted, &watch) else {
        said.remarks.push_str(&format!("interrupted: nothing is kept of the runs of {}\n", source.name));
        said.exit = Exit::Interrupted;
        return Ok(());
    };
    drop(bar);
    let hash = hash(source, &arguments.overrides, named);
    let version = env!("CARGO_PKG_VERSION");
    let input = Input { model, runs: &runs, hash: &hash, version, needed: arguments.holds_in.as_f64() };
    write(directory, scenario, &input, arguments)?;
    let held = earlier.map(|earlier| earlier.hold(&runs));
    let mut cases: Vec<Case> = report::held(&input)
        .iter()
        .map(|it| {
            let expectation = &model.expectations[it.place];
            let found = format!("{}: holds in {} of {} runs", expectation.text, it.share.count, it.share.of);
            Case { name: expectation.name.clone(), found, pass: it.pass }
        })
        .collect();
    cases.extend(held.iter().flat_map(Held::cases));
    if cases.iter().any(|case| !case.pass) {
        said.exit = Exit::ExpectationFailed;
    }
    said.suites = vec![Suite { name: model.title.clone(), file: source.name.clone(), cases }];
    said.data = match arguments.format {
        Format::Text if console.quiet => String::new(),
        Format::Text => terminal::replications(&input, console.color_out, console.width),
        Format::Json => report::summary(&input),
        Format::Csv if arguments.files.len() > 1 => with_scenario(&report::runs(&input), &source.name),
        Format::Csv => report::runs(&input),
        Format::Github => gate::github(&said.suites),
    };
    // Annotations, and what failed, say it already.
    if !console.quiet && arguments.format != Format::Github {
        for line in held.iter().flat_map(Held::lines) {
            said.remarks.push_str(&format!("{}: {line}\n", source.name));
        }
    }
    if console.quiet {
        let failed = said.suites.iter().flat_map(|suite| &suite.cases).filter(|case| !case.pass);
        let lines: Vec<String> =
            failed.map(|case| format!("{}: `{}` failed: {}\n", source.name, case.name, case.found)).collect();
        said.remarks.push_str(&lines.concat());
    } else {
        said.remarks.push_str(&format!("files: {}\n", directory.path().display()));
    }
    Ok(())
}

fn read_baseline(path: &std::path::Path) -> Result<Baseline, Failure> {
    const MEBIBYTES_MAX: usize = 64;
    let source = source::foreign(path, MEBIBYTES_MAX)?;
    Baseline::from_json(&String::from_utf8_lossy(&source.bytes)).map_err(|why| Failure::Usage {
        message: format!("`{}` is no summary of several runs: {why}", path.display()),
        hint: "a baseline is the summary.json of `brownout run --reps`".to_owned(),
    })
}

/// Writes every file; the manifest last, so that its presence says that the rest is whole.
fn write(
    directory: &Directory,
    scenario: &Scenario<'_>,
    input: &Input<'_>,
    arguments: &Arguments,
) -> Result<(), Failure> {
    const MANIFEST: &str = "manifest.json";
    directory.remove(MANIFEST)?;
    // What one run left there would be taken for a part of this.
    for name in ["story.json", "timeline.json", "timeseries.csv", "openmetrics.txt", "traces.json", "report.html"] {
        directory.remove(name)?;
    }
    for name in figure::NAMES.iter().chain(&figure::EXPERIMENT_NAMES) {
        directory.remove(&format!("{name}.svg"))?;
        directory.remove(&format!("{name}.png"))?;
    }
    directory.write("summary.json", report::summary(input).as_bytes())?;
    directory.write("runs.csv", report::runs(input).as_bytes())?;
    if let Some(figure) = figure::bands(input).filter(|_| !arguments.no_figures) {
        directory.write(&format!("{}.svg", figure.name), figure.svg.as_bytes())?;
        directory.write(&format!("{}.png", figure.name), &figure.png)?;
    }
    let text = String::from_utf8_lossy(&scenario.source.bytes);
    let files: Vec<manifest::File<'_>> = scenario.named.iter().map(of_manifest).collect();
    let document = manifest::of_scenario(input.model, (input.hash, input.version), &text, &files, &command());
    directory.write(MANIFEST, document.as_bytes())
}
