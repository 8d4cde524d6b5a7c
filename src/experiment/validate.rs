//! The proof: every case of the index is simulated, and what comes out is held against what theory says.
//!
//! A row holds when the mean over its replications is off by no more than its tolerance, over those that it is `among`
//! if it says so. Rows that need the same runs
//! share them, be they of one case or of several.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;

use crate::base::time::Span;
use crate::measure::{Detail, Results, measure};
use crate::model::Model;
use crate::scenario::{LoadOptions, load};

use super::expression::{Measurement, Question, Tipping, ask};
use super::index::{Cases, ProofRun, Row, Unit, proof_file};
use super::replicate::{Estimate, Watch, replicate};

/// A bisection ends when it is as narrow as this.
const NARROW: Span = Span::from_millis(1);

/// How far the validation has come.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// Replications that have ended.
    pub done: u32,
    /// All of them.
    pub of: u32,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Validated {
    /// Replication `k` ran with the seed `seed + k`.
    pub seed: u64,
    /// In the order of the index.
    pub rows: Vec<ValidatedRow>,
}

/// A row of the index and what came out.
#[derive(Clone, Debug)]
pub struct ValidatedRow {
    /// The name of its case.
    pub case: String,
    /// What the case shows.
    pub shows: String,
    /// What was simulated; its `rows` are left out.
    pub run: ProofRun,
    /// What was expected.
    pub row: Row,
    /// What was measured; `None` where a replication had no sample, or none counts.
    pub estimate: Option<Estimate>,
    /// How many replications count, and how many there are.
    pub counted: (u32, u32),
    /// Whether the mean is within the tolerance.
    pub holds: bool,
    /// How many standard errors wide the tolerance is, of a mean over as many replications as the index has; where that
    /// was asked for, and there is chance in the row.
    pub width: Option<f64>,
}

/// A tolerance is at least so many standard errors wide.
pub const STANDARD_ERRORS_MIN: f64 = 3.0;

impl ValidatedRow {
    /// Whether the tolerance is known to be too narrow for the runs to show anything.
    pub fn is_narrow(&self) -> bool {
        self.width.is_some_and(|width| width < STANDARD_ERRORS_MIN)
    }
}

impl Validated {
    /// Whether every row holds, and no tolerance is too narrow.
    pub fn holds(&self) -> bool {
        self.rows.iter().all(|row| row.holds && !row.is_narrow())
    }

    /// The row whose tolerance is the narrowest, in standard errors; where that was asked for.
    pub fn narrowest(&self) -> Option<(&ValidatedRow, f64)> {
        let widths = self.rows.iter().filter_map(|row| Some((row, row.width?)));
        widths.min_by(|one, other| one.1.total_cmp(&other.1))
    }
}

/// Simulates `cases` with seeds from `seed` on, in parallel. `watch` is told how far it has come, now and then;
/// `Ok(None)` when it has ended the validation.
///
/// With `replications`, each run is repeated as often as that instead of as often as the index says: then it is measured,
/// too, how wide the tolerances are ([`ValidatedRow::width`]). A standard error from `n` replications is itself off by
/// about one part in `sqrt(2 n)`: 9% for 64.
///
/// # Errors
///
/// What is wrong with a scenario of the index, as text.
pub fn validate(
    cases: &Cases,
    seed: u64,
    replications: Option<u32>,
    watch: Watch<'_>,
) -> Result<Option<Validated>, String> {
    let groups = groups(cases);
    let often = |group: &Group<'_>| replications.unwrap_or(group.run.replications);
    let of = groups.iter().map(often).sum();
    let progress = Progress { done: AtomicU32::new(0), of, watch };
    let measured: Result<Vec<_>, Ended> =
        groups.par_iter().map(|group| group.measure(seed, often(group), &progress)).collect();
    let measured = match measured {
        Ok(measured) => measured,
        Err(Ended::Interrupted) => return Ok(None),
        Err(Ended::Wrong(text)) => return Err(text),
    };
    // Rows of a group, by the place of their run in the index.
    let mut values: Vec<(usize, Values)> = measured.into_iter().flatten().collect();
    values.sort_by_key(|(place, _)| *place);
    let runs = cases.cases.iter().flat_map(|case| case.runs.iter().map(move |run| (case, run)));
    let rows = runs.zip(values).flat_map(|((case, run), (_, values))| {
        let run_alone = ProofRun { rows: Vec::new(), ..run.clone() };
        run.rows.iter().zip(values).map(move |(row, values)| {
            let of = values.len() as u32;
            let values: Option<Vec<f64>> = match row.among {
                None => values.into_iter().collect(),
                Some(_) => Some(values.into_iter().flatten().collect()),
            };
            let values = values.filter(|values| !values.is_empty());
            let counted = (values.as_ref().map_or(0, |values| values.len() as u32), of);
            let estimate = values.map(|values| Estimate::of(&values));
            let around = row.tolerance.around(row.expected);
            // Of the mean over as many replications as the index has.
            let error = estimate
                .and_then(|it| it.standard_error)
                .zip(replications)
                .map(|(error, often)| error * (f64::from(often) / f64::from(run_alone.replications)).sqrt());
            ValidatedRow {
                case: case.name.clone(),
                shows: case.shows.clone(),
                run: run_alone.clone(),
                row: row.clone(),
                estimate,
                counted,
                holds: estimate.is_some_and(|it| (it.mean - row.expected).abs() <= around),
                width: error.filter(|error| *error > 0.0 && around > 0.0).map(|error| around / error),
            }
        })
    });
    Ok(Some(Validated { seed, rows: rows.collect() }))
}

/// Values of several rows of several runs (or, the other way round, of several replications of several rows); `None` where
/// there was no sample, and where a replication is not among those that count.
type Values = Vec<Vec<Option<f64>>>;

/// Why there is no result.
enum Ended {
    Interrupted,
    Wrong(String),
}

struct Progress<'w> {
    done: AtomicU32,
    of: u32,
    watch: Watch<'w>,
}

impl Progress<'_> {
    fn tell(&self, ended: u32) -> ControlFlow<()> {
        let done = self.done.fetch_add(ended, Ordering::Relaxed) + ended;
        (self.watch)(Stage { done, of: self.of })
    }
}

/// Runs of the index that need the same simulations.
struct Group<'c> {
    run: &'c ProofRun,
    questions: Vec<Question>,
    /// Places in the index, counted over all cases.
    members: Vec<(usize, &'c ProofRun)>,
}

fn groups(cases: &Cases) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (place, run) in cases.cases.iter().flat_map(|case| &case.runs).enumerate() {
        let is_same = |group: &Group<'_>| {
            let it = group.run;
            (&it.file, &it.set, &it.variants, it.replications) == (&run.file, &run.set, &run.variants, run.replications)
        };
        let found = groups.iter().position(is_same);
        let index = found.unwrap_or_else(|| {
            groups.push(Group { run, questions: Vec::new(), members: Vec::new() });
            groups.len() - 1
        });
        let group = &mut groups[index];
        group.members.push((place, run));
        for row in &run.rows {
            let (after, until) = (row.after.as_deref(), row.until.as_deref());
            let among = row.among.iter().flat_map(|it| it.questions(Unit::Number, after, until));
            for question in row.metric.questions(row.unit, after, until).into_iter().chain(among) {
                if !group.questions.contains(&question) {
                    group.questions.push(question);
                }
            }
        }
    }
    groups
}

impl Group<'_> {
    /// The values of every row of every member, by replication.
    fn measure(&self, seed: u64, often: u32, progress: &Progress<'_>) -> Result<Vec<(usize, Values)>, Ended> {
        let replications: Vec<Result<Values, Ended>> = replicate(seed, often, |seed| self.replication(seed, progress));
        let replications = replications.into_iter().collect::<Result<Vec<_>, Ended>>()?;
        let of_member = |(number, (place, run)): (usize, &(usize, &ProofRun))| {
            let of_row = |row: usize| replications.iter().map(|values| values[number][row]).collect();
            (*place, (0..run.rows.len()).map(of_row).collect())
        };
        Ok(self.members.iter().enumerate().map(of_member).collect())
    }

    /// The values of every row of every member.
    fn replication(&self, seed: u64, progress: &Progress<'_>) -> Result<Values, Ended> {
        let rows = || self.members.iter().flat_map(|(_, run)| &run.rows);
        // Bisections bring their own runs.
        let run = match rows().all(|row| row.metric.tipping().is_some()) {
            true => None,
            false => Some(simulated(self.run, &[], &self.questions, seed, progress)?),
        };
        let value = |row: &Row| match (row.metric.tipping(), &run) {
            (Some(tipping), _) => self.tip(tipping, row, seed, progress).map(Some),
            (None, Some((model, results))) => {
                let (after, until) = (row.after.as_deref(), row.until.as_deref());
                let measurement = |unit| Measurement { model, results, unit, after, until };
                let counts = row.among.as_ref().is_none_or(|it| it.value(&measurement(Unit::Number)) == Some(1.0));
                Ok(row.metric.value(&measurement(row.unit)).filter(|_| counts))
            }
            (None, None) => Ok(None),
        };
        let of_run = |run: &ProofRun| run.rows.iter().map(value).collect::<Result<Vec<_>, Ended>>();
        let values = self.members.iter().map(|(_, run)| of_run(run)).collect::<Result<Vec<_>, Ended>>()?;
        match progress.tell(1) {
            ControlFlow::Continue(()) => Ok(values),
            ControlFlow::Break(()) => Err(Ended::Interrupted),
        }
    }

    /// The smallest value of a parameter with which its condition does not hold, in seconds.
    fn tip(&self, tipping: &Tipping, row: &Row, seed: u64, progress: &Progress<'_>) -> Result<f64, Ended> {
        let question = [ask(tipping.condition.clone(), row.after.as_deref(), row.until.as_deref())];
        let holds = |value: Span| {
            let set = format!("{}={value}", tipping.parameter);
            let (model, results) = simulated(self.run, &[set], &question, seed, progress)?;
            let (expectation, value) = (model.expectations.last(), results.measured.last().copied().flatten());
            Ok(expectation.zip(value).is_some_and(|(it, value)| it.comparison.holds(value, it.bound.value())))
        };
        let (mut low, mut high) = (tipping.low, tipping.high);
        if !holds(low)? || holds(high)? {
            return Ok(f64::NAN);
        }
        while high.saturating_sub(low) > NARROW {
            let middle = Span::from_nanos((low.as_nanos() + high.as_nanos()) / 2);
            if holds(middle)? { low = middle } else { high = middle }
        }
        Ok(high.as_secs_f64())
    }
}

/// Runs a scenario of the proof to its end, with more settings and more questions than it has.
fn simulated(
    run: &ProofRun,
    sets: &[String],
    questions: &[Question],
    seed: u64,
    progress: &Progress<'_>,
) -> Result<(Model, Results), Ended> {
    let Some(file) = proof_file(&run.file) else {
        return Err(Ended::Wrong(format!("there is no scenario `{}`", run.file)));
    };
    let questions = questions.iter().enumerate().map(|(number, it)| it.written(&format!("question{number}")));
    let text = [file.to_owned()].into_iter().chain(questions).collect::<String>();
    let sets = run.set.iter().chain(sets).cloned().collect();
    let options = LoadOptions { variants: run.variants.clone(), sets, seed: Some(seed), ..LoadOptions::default() };
    let loaded = load(&format!("scenarios/proof/{}.toml", run.file), text.as_bytes(), &options);
    let Some(model) = loaded.model else { return Err(Ended::Wrong(loaded.diagnostics.render(false))) };
    let results = measure(&model, Detail::Expectations, &mut |_| progress.tell(0));
    if results.interrupted { Err(Ended::Interrupted) } else { Ok((model, results)) }
}
