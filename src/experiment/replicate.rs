//! Replications: the same scenario with independent seeds, in parallel. Of each run the figures are kept, its verdict,
//! what its expectations found, and where it is wanted how users fared over time; everything else is gone when the run is.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;

use crate::base::random::Key;
use crate::base::time::Time;
use crate::insight::{self, Measure, measures};
use crate::measure::{Results, simulate};
use crate::model::{Model, TraceSettings, Verdict};

use super::Stage;
use super::course::Course;

pub use crate::insight::statistics::Estimate;

/// Calls `run` with `count` seeds from `seed` on, in parallel; returns what it returned in the order of the seeds.
///
/// Neighbouring seeds are independent: every draw comes from a hash of its seed and its purpose. So replication `k` is
/// the run with the seed `seed + k`, and anybody can look at it alone.
pub fn replicate<T: Send>(seed: u64, count: u32, run: impl Fn(u64) -> T + Sync) -> Vec<T> {
    (0..count).into_par_iter().with_max_len(1).map(|n| run(seed.wrapping_add(u64::from(n)))).collect()
}

/// The seed of replication `number` of a scenario with `seed`. The first one is the scenario as it stands; the others are
/// drawn from the scenario's seed, so that two scenarios with neighbouring seeds have no run in common. No seed is too
/// large for a number in JSON.
pub fn seed_of(seed: u64, number: u32) -> u64 {
    const BITS: u32 = 53;
    match number {
        0 => seed,
        _ => Key::root(seed, "replications").child(u64::from(number)).draws().next_u64() >> (64 - BITS),
    }
}

/// What of replications is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// The verdict and what it takes: each run with a trigger has a second one without it beside it.
    pub verdicts: bool,
    /// How users fared over time.
    pub courses: bool,
}

impl Wanted {
    /// Figures and verdicts.
    pub const FIGURES: Wanted = Wanted { verdicts: true, courses: false };
}

/// What is kept of a run.
#[derive(Clone, PartialEq, Debug)]
pub struct Replication {
    /// Counted from 0.
    pub number: u32,
    /// With which it can be run again alone.
    pub seed: u64,
    /// How it ended; `None` where nobody wanted to know.
    pub verdict: Option<Verdict>,
    /// Parallel to [`Replications::measures`]; `None` without a sample.
    pub values: Vec<Option<f64>>,
    /// What was measured for each expectation of the model, in the unit of its bound.
    pub measured: Vec<Option<f64>>,
    /// How users fared over time, if that was wanted.
    pub course: Option<Course>,
}

/// Runs of one scenario, in the order of their numbers.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Replications {
    /// What the figures are.
    pub measures: Vec<Measure>,
    /// Each run.
    pub runs: Vec<Replication>,
}

/// Whoever is told how far it has come may end it.
pub type Watch<'w> = &'w (dyn Fn(Stage) -> ControlFlow<()> + Sync);

/// Runs the replications of `model` whose numbers are in `numbers`, as many at once as the pool of threads that this is
/// called in has threads. What comes out does not depend on their number. `watch` is told how far it has come; `None` when
/// it has ended the experiment.
pub fn replications(
    model: &Model,
    numbers: std::ops::Range<u32>,
    wanted: Wanted,
    watch: Watch<'_>,
) -> Option<Replications> {
    let (done, of) = (AtomicU32::new(0), numbers.len() as u32);
    let one = |number: u32| {
        let go_on = || watch(Stage { done: done.load(Ordering::Relaxed), of });
        let run = run(model, number, wanted, &go_on)?;
        let stage = Stage { done: done.fetch_add(1, Ordering::Relaxed) + 1, of };
        watch(stage).is_continue().then_some(run)
    };
    let runs: Option<Vec<Ran>> = numbers.into_par_iter().with_max_len(1).map(one).collect();
    let mut all = Replications::default();
    for (n, ran) in runs?.into_iter().enumerate() {
        if n == 0 {
            all.measures = ran.measures;
        }
        all.runs.push(ran.replication);
    }
    Some(all)
}

/// A run, and what its figures are.
#[derive(Clone, PartialEq, Debug)]
pub struct Ran {
    /// Parallel to the values of `replication`.
    pub measures: Vec<Measure>,
    /// What is kept.
    pub replication: Replication,
}

/// A run that has been simulated, and its twin.
pub(super) struct Simulated {
    pub(super) model: Model,
    pub(super) results: Results,
    /// Where something goes wrong, and somebody wants to know what would have been without.
    pub(super) twin: Option<(Model, Results)>,
}

/// Simulates replication `number` of `model` on this thread. `go_on` is asked now and then; `None` when it has said no.
pub(super) fn simulated(
    model: &Model,
    number: u32,
    has_twin: bool,
    go_on: &dyn Fn() -> ControlFlow<()>,
) -> Option<Simulated> {
    let seed = seed_of(model.seed, number);
    let model = Model { seed, traces: TraceSettings::NONE, ..model.clone() };
    let mut progress = |_: Time| go_on();
    let results = simulate(&model, &mut progress);
    let twin = insight::twin(&model).filter(|_| has_twin && !results.interrupted);
    let twin = twin.map(|twin| {
        let results = simulate(&twin, &mut progress);
        (twin, results)
    });
    let is_whole = !results.interrupted && twin.as_ref().is_none_or(|(_, twin)| !twin.interrupted);
    is_whole.then_some(Simulated { model, results, twin })
}

/// Runs replication `number` of `model` on this thread. `go_on` is asked now and then; `None` when it has said no.
pub fn run(model: &Model, number: u32, wanted: Wanted, go_on: &dyn Fn() -> ControlFlow<()>) -> Option<Ran> {
    let Simulated { model, mut results, twin } = simulated(model, number, wanted.verdicts, go_on)?;
    let twin = twin.map(|(_, results)| results);
    let insight = wanted.verdicts.then(|| insight::explain(&model, &results, twin.as_ref())).flatten();
    insight::answer(&model, &mut results, twin.as_ref(), insight.as_ref());
    let (measures, values) = measures(&model, &results, twin.as_ref(), insight.as_ref()).into_iter().unzip();
    let replication = Replication {
        number,
        seed: model.seed,
        verdict: insight.map(|insight| insight.judgement.verdict),
        values,
        measured: std::mem::take(&mut results.measured),
        course: wanted.courses.then(|| Course::of(&results)),
    };
    Some(Ran { measures, replication })
}

impl Replications {
    /// The values of the measure at `place`, one a run.
    pub fn values(&self, place: usize) -> impl Iterator<Item = Option<f64>> + '_ {
        self.runs.iter().map(move |run| run.values.get(place).copied().flatten())
    }

    /// Where the measure called `name` stands.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.measures.iter().position(|measure| measure.name == name)
    }

    /// Adds the runs of `more`, which come after these.
    pub fn extend(&mut self, more: Replications) {
        if self.measures.is_empty() {
            self.measures = more.measures;
        }
        self.runs.extend(more.runs);
    }
}

/// Runs that ended so, and found so much goodput.
#[cfg(test)]
pub(super) fn made_up(of: &[(Verdict, f64)]) -> Replications {
    use crate::insight::{Better, MeasureOf, MeasureUnit};
    let measure = Measure {
        name: "goodput(users)".to_owned(),
        of: MeasureOf::Workload,
        subject: "users".to_owned(),
        unit: MeasureUnit::Share,
        better: Better::More,
    };
    let run = |(number, (verdict, value)): (usize, &(Verdict, f64))| Replication {
        number: number as u32,
        seed: number as u64,
        verdict: Some(*verdict),
        values: vec![Some(*value)],
        measured: Vec::new(),
        course: None,
    };
    Replications { measures: vec![measure], runs: of.iter().enumerate().map(run).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_counted_from_the_first_and_keep_their_order() {
        assert_eq!(replicate(5, 4, |seed| seed * 10), [50, 60, 70, 80]);
        assert_eq!(replicate(u64::MAX, 2, |seed| seed), [u64::MAX, 0]);
    }

    #[test]
    fn scenarios_with_neighbouring_seeds_have_no_run_in_common() {
        let of = |seed| (0..1000).map(move |number| seed_of(seed, number));
        let mut all: Vec<u64> = of(1).chain(of(2)).chain(of(3)).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 3000);
        assert_eq!(seed_of(7, 0), 7);
        assert!(all.iter().all(|seed| *seed < 1 << 53));
    }
}
