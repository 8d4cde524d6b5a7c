//! Experiments for people: replications of a scenario, and a comparison of several. How runs ended comes first, because a
//! mean over runs that ended differently describes none of them.

use crate::experiment::{Against, Call, Comparison, Difference, Ending};
use crate::insight::statistics::ShareEstimate;
use crate::insight::{Measure, MeasureOf};
use crate::model::Verdict;
use crate::report::experiment::{comparison, ending_name, replications, text_of};
use crate::report::number;

use super::grid::Grid;
use super::{BAD, DIM, GOOD, HEAD, Look};

/// What of a service is shown; files hold everything.
const OF_SERVICES: [&str; 6] = ["utilisation", "core_utilisation", "amplification", "waste", "queue", "p99"];
/// What of a workload is shown.
const OF_WORKLOADS: [&str; 6] = ["goodput", "failures", "attempts", "mean", "p50", "p99"];
/// More rows than this are left to the files.
const ROWS_MAX: usize = 48;

/// What replications found, for a terminal of `width` columns.
pub fn replications(input: &replications::Input, color: bool, width: usize) -> String {
    let look = Look { color, width: width.max(20) };
    let runs = input.runs;
    let endings = runs.endings();
    let mut text = look.paint(HEAD, look.wrap("", &input.model.title).trim_end()) + "\n";
    text += &said_of_endings(&endings, look);
    for it in replications::held(input) {
        let (style, mark) = if it.pass { (GOOD, "✓") } else { (BAD, "✗") };
        let expectation = &input.model.expectations[it.place];
        let line = format!(
            "{}: {} — holds in {}, {} needed",
            expectation.name,
            expectation.text,
            share(&it.share),
            number::share(Some(input.needed))
        );
        text += &format!("{}{}", look.paint(style, mark), &look.wrap("  ", &line)[1..]);
    }
    let all: Vec<usize> = (0..runs.measures.len()).filter(|place| is_shown(&runs.measures[*place])).collect();
    let seen = |place: &usize| runs.averaged(*place).all.is_some_and(|it| it.mean != 0.0);
    let shown: Vec<usize> = all.into_iter().filter(seen).collect();
    let kept = &shown[..shown.len().min(ROWS_MAX)];
    let averaged: Vec<_> = kept.iter().map(|place| runs.averaged(*place)).collect();
    let names = kept.iter().map(|place| runs.measures[*place].name.clone()).collect();
    let cells = |estimate: &dyn Fn(usize) -> Option<crate::experiment::Estimate>| {
        kept.iter()
            .enumerate()
            .map(|(row, place)| {
                let it = estimate(row);
                let text = text_of(&runs.measures[*place]);
                number::in_words(it.map(|it| it.mean), it.and_then(|it| it.half_width), text)
            })
            .collect::<Vec<String>>()
    };
    let mut grid = Grid::new("figure", names);
    grid.column("mean of\nall runs", 0, cells(&|row| averaged[row].all));
    if endings.len() > 1 {
        for (place, ending) in endings.iter().enumerate() {
            let head = format!("{}\n({} runs)", ending_name(ending.verdict), ending.share.count);
            grid.column(&head, 0, cells(&|row| averaged[row].by_ending[place]));
        }
    }
    text += "\n";
    text += &grid.render(look);
    let mut note = match endings.len() {
        0 | 1 => "± is the 95% interval of the mean (Student's t).".to_owned(),
        _ => {
            "± is the 95% interval of the mean over runs that ended alike; runs ended differently, so that the mean of \
              all describes none of them and has no interval."
                .to_owned()
        }
    };
    if shown.len() > kept.len() {
        note += &format!(" {} more figures are in summary.json.", shown.len() - kept.len());
    }
    text += &dim(&note, look);
    text += &dim(
        &format!(
            "brownout {} · scenario {} · seed {} · {} runs; `runs.csv` has the seed of each",
            input.version,
            input.hash.get(..12).unwrap_or(input.hash),
            input.model.seed,
            runs.runs.len()
        ),
        look,
    );
    text
}

/// What a comparison found, for a terminal of `width` columns.
pub fn comparison(it: &Comparison, color: bool, width: usize) -> String {
    let look = Look { color, width: width.max(20) };
    let mut text = look.paint(HEAD, "How runs ended") + "\n";
    for arm in &it.arms {
        let endings = arm.runs.endings();
        let said: Vec<String> =
            endings.iter().map(|it| format!("{} {}", share(&it.share), ending_name(it.verdict))).collect();
        text += &look.wrap(&format!("  {}: ", arm.name), &said.join(", "));
    }
    for against in &it.against {
        text += "\n";
        text += &said_against(it, against, look);
    }
    text += "\n";
    let stopped = if it.is_precise { " It ended early: the intervals are narrow enough." } else { "" };
    text + &dim(&format!("{}{stopped}", comparison::method(it)), look)
}

fn said_against(all: &Comparison, it: &Against, look: Look) -> String {
    let (first, other) = (&all.arms[0], &all.arms[it.arm]);
    let mut text = look.paint(HEAD, &format!("{} against {}", other.name, first.name)) + "\n";
    for flip in it.flips.iter().filter(|flip| flip.from != flip.to) {
        let pairs = if flip.pairs == 1 { "pair" } else { "pairs" };
        let line = format!("{} {pairs}: {} becomes {}", flip.pairs, ending_name(flip.from), ending_name(flip.to));
        text += &look.wrap("  ", &line);
    }
    if it.is_mixed {
        let p = chance(it.flips_p);
        let line = format!(
            "Runs end differently: compare how many end well first ({p} that the changes between good and bad endings \
             are chance, McNemar); figures are compared only between runs that ended alike."
        );
        text += &look.wrap("  ", &line);
    }
    let is_told = |difference: &&Difference| {
        is_shown(&difference.measure) && (difference.means.0 != 0.0 || difference.means.1 != 0.0)
    };
    let shown: Vec<&Difference> = it.differences.iter().filter(is_told).take(ROWS_MAX).collect();
    let alone = comparison::alone(all, it);
    let alone = if alone.is_empty() { alone } else { dim(&alone, look) };
    if it.is_mixed && it.differences.iter().all(|it| it.within.is_none()) {
        let only = if shown.is_empty() {
            "No two runs ended alike: there is nothing else to compare."
        } else {
            "No two runs ended alike: only what they cost is told, over all pairs and so without an interval; whether it \
             is clear says in how many pairs which is dearer (sign test)."
        };
        text += &dim(only, look);
    }
    if shown.is_empty() {
        return text + &alone;
    }
    let cells = |of: &dyn Fn(&Difference) -> String| shown.iter().map(|it| of(it)).collect::<Vec<String>>();
    let mut grid = Grid::new("figure", cells(&comparison::name_of));
    grid.column(&first.name, 0, cells(&|it| text_of(&it.measure)(Some(it.means.0))));
    grid.column(&other.name, 0, cells(&|it| text_of(&it.measure)(Some(it.means.1))));
    grid.column("difference", 0, cells(&comparison::difference));
    grid.column("", 0, cells(&|it| it.call.name().to_owned()));
    let table: Vec<String> = grid.render(look).lines().map(|line| painted(line, look)).collect();
    text += &(table.join("\n") + "\n");
    let left_out = it.differences.iter().filter(is_told).count() - shown.len();
    if left_out > 0 {
        text += &dim(&format!("{left_out} more figures are in comparison.csv."), look);
    }
    text + &alone
}

/// How many runs end well: `0 of 20 end well, 18 of 20 of as it stands (p < 0.0001, McNemar)`.
pub fn endings_in_words(all: &Comparison, it: &Against) -> String {
    let first = &all.arms[0];
    let [then, now] = [first, &all.arms[it.arm]].map(|arm| arm.runs.at_most(Verdict::Recovered));
    let p = chance(it.flips_p);
    format!("{} of {} end well, {} of {} of {} ({p}, McNemar)", now.count, now.of, then.count, then.of, first.name)
}

/// A difference and its interval: `goodput(shoppers): 4% to 99%, +95% ±1%`.
pub fn difference_in_words(it: &Difference) -> String {
    let text = text_of(&it.measure);
    let (first, second) = (text(Some(it.means.0)), text(Some(it.means.1)));
    format!("{}: {first} to {second}, {}", comparison::name_of(it), comparison::difference(it)).replace('\u{a0}', " ")
}

/// `p = 0.03`, `p < 0.0001`.
fn chance(p: f64) -> String {
    format!("p = {}", number::plain(Some(p))).replace("= <", "< ").replace('\u{a0}', " ")
}

/// The last word of a line in its colour.
fn painted(line: &str, look: Look) -> String {
    for (call, style) in [(Call::Better, GOOD), (Call::Worse, BAD)] {
        if let Some(rest) = line.strip_suffix(call.name()) {
            return format!("{rest}{}", look.paint(style, call.name()));
        }
    }
    line.to_owned()
}

fn said_of_endings(endings: &[Ending], look: Look) -> String {
    endings.iter().map(|it| look.wrap("  ", &format!("{}: {}", share(&it.share), ending_name(it.verdict)))).collect()
}

/// `28 of 40 (70.0%, 95% interval 54.6% to 81.9%)`.
fn share(it: &ShareEstimate) -> String {
    let share = number::share(it.share());
    format!(
        "{} of {} runs ({share}, 95% interval {} to {})",
        it.count,
        it.of,
        number::share(Some(it.low)),
        number::share(Some(it.high))
    )
}

/// What a terminal has room for.
fn is_shown(measure: &Measure) -> bool {
    match measure.of {
        MeasureOf::Run | MeasureOf::Cache => true,
        MeasureOf::Workload => OF_WORKLOADS.contains(&measure.metric()),
        MeasureOf::Service => OF_SERVICES.contains(&measure.metric()),
        MeasureOf::Pool => matches!(measure.metric(), "rejected" | "wait"),
        MeasureOf::Group => matches!(measure.metric(), "lag_peak" | "consumed" | "dead" | "lost" | "p99"),
        MeasureOf::Edge => false,
    }
}

fn dim(note: &str, look: Look) -> String {
    look.paint(DIM, look.wrap("", note).trim_end()) + "\n"
}
