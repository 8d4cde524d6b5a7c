//! A point: a scenario with certain values, run as often as it takes to say how it ends.
//!
//! A run is in one of three phases, after Bronson et al., "Metastable Failures in Distributed Systems" (HotOS 2021): it is
//! *stable* when it ends well though something goes wrong, *vulnerable* when it is fine until something goes wrong and
//! does not end well then, *overloaded* when its twin without the trigger does not cope either. A point is in the phase
//! that more than the wanted share of its runs are in, as soon as that is sure.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::super::replicate::{Simulated, simulated};
use super::{ModelAt, Progress, TipEnded, TipPlan};
use crate::insight::statistics::{Sequential, ShareEstimate, Side};
use crate::insight::{self, measures};
use crate::measure::Results;
use crate::model::{Metric, Model, Verdict};

/// Runs of a point between two looks at what they say, after the first.
const BATCH: u32 = 4;
/// So many runs that are the same to the last bit say that the seed changes nothing.
const SAME: u32 = 2;

/// Which runs end well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Criterion {
    /// Those with this verdict or a better one.
    AtMost(Verdict),
    /// Those in which every expectation of the scenario holds.
    Expectations,
}

/// How a run fared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Phase {
    /// It ends well, whatever goes wrong.
    Stable,
    /// It does not, and would without what goes wrong.
    Vulnerable,
    /// It does not cope even without what goes wrong.
    Overloaded,
}

impl Phase {
    /// All, from good to bad.
    pub const ALL: [Phase; 3] = [Phase::Stable, Phase::Vulnerable, Phase::Overloaded];

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Stable => "stable",
            Phase::Vulnerable => "vulnerable",
            Phase::Overloaded => "overloaded",
        }
    }
}

/// How a point ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// More than the wanted share of its runs end well.
    Well,
    /// Not so many do.
    Ill,
    /// As often as it may run, that is not known.
    Open,
}

impl Outcome {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Well => "ends well",
            Outcome::Ill => "does not",
            Outcome::Open => "either",
        }
    }
}

/// A scenario with certain values.
#[derive(Clone, PartialEq, Debug)]
pub struct Point {
    /// Its place in each lattice.
    pub places: Vec<u32>,
    /// How many runs were in each phase, parallel to [`Phase::ALL`].
    pub phases: [u32; 3],
    /// How many runs ended with which verdict.
    pub verdicts: BTreeMap<Verdict, u32>,
    /// Whether its runs are the same to the last bit, whatever their seeds.
    pub is_exact: bool,
}

impl Point {
    fn new(places: Vec<u32>) -> Point {
        Point { places, phases: [0; 3], verdicts: BTreeMap::new(), is_exact: false }
    }

    /// How often it ran.
    pub fn runs(&self) -> u32 {
        self.phases.iter().sum()
    }

    /// How many runs end well.
    pub fn well(&self) -> ShareEstimate {
        ShareEstimate::of(self.phases[0], self.runs())
    }

    /// Whether more or fewer than the share of `test` end well.
    pub fn outcome(&self, test: &Sequential) -> Outcome {
        if self.is_exact {
            return if self.phases[0] > 0 { Outcome::Well } else { Outcome::Ill };
        }
        match test.decide(self.phases[0], self.runs()) {
            Some(Side::More) => Outcome::Well,
            Some(Side::Fewer) => Outcome::Ill,
            None => Outcome::Open,
        }
    }

    /// The phase that more than the share of `test` of the runs are in, if that is known.
    pub fn phase(&self, test: &Sequential) -> Option<Phase> {
        let is_it = |count: u32| match self.is_exact {
            true => count > 0,
            false => test.decide(count, self.runs()) == Some(Side::More),
        };
        Phase::ALL.into_iter().zip(self.phases).find(|(_, count)| is_it(*count)).map(|(phase, _)| phase)
    }
}

/// What is kept of a run.
struct Probe {
    phase: Phase,
    verdict: Option<Verdict>,
    /// The bits of its figures.
    figures: Vec<Option<u64>>,
}

/// Points with what is known of them.
pub(super) struct Points<'t> {
    model_at: ModelAt<'t>,
    plan: TipPlan,
    progress: &'t Progress<'t>,
    fewest: u32,
    needed: u32,
    known: BTreeMap<Vec<u32>, Known>,
}

struct Known {
    point: Point,
    model: Model,
    /// The figures of the first run, as long as nothing else is known than that they may be those of all.
    first: Option<Vec<Option<u64>>>,
}

impl<'t> Points<'t> {
    /// None yet. A point runs at least `fewest` times, unless its runs are all the same; fewer than `needed` are never sure
    /// of everything that is asked.
    pub(super) fn new(
        model_at: ModelAt<'t>,
        plan: TipPlan,
        progress: &'t Progress<'t>,
        (fewest, needed): (u32, u32),
    ) -> Points<'t> {
        let fewest = fewest.clamp(1, plan.replications);
        Points { model_at, plan, progress, fewest, needed, known: BTreeMap::new() }
    }

    pub(super) fn get(&self, places: &[u32]) -> Option<&Point> {
        self.known.get(places).map(|known| &known.point)
    }

    /// The places of all of them, in order.
    pub(super) fn places(&self) -> impl Iterator<Item = &[u32]> {
        self.known.keys().map(Vec::as_slice)
    }

    /// All of them, in the order of their places.
    pub(super) fn into_all(self) -> Vec<Point> {
        self.known.into_values().map(|known| known.point).collect()
    }

    /// Runs these points until `is_known`, or as often as they may; at least `least` times, unless their runs are all the
    /// same. As many runs go at once as there are.
    pub(super) fn judge(
        &mut self,
        wanted: &[Vec<u32>],
        least: u32,
        is_known: &dyn Fn(&Point) -> bool,
    ) -> Result<(), TipEnded> {
        let missing: Vec<&Vec<u32>> = wanted.iter().filter(|places| !self.known.contains_key(*places)).collect();
        let model_at = self.model_at;
        let models: Vec<Result<Model, String>> = missing.par_iter().map(|places| model_at(places)).collect();
        for (places, model) in missing.into_iter().zip(models) {
            let known =
                Known { point: Point::new(places.clone()), model: model.map_err(TipEnded::Wrong)?, first: None };
            self.known.insert(places.clone(), known);
        }
        loop {
            let more = |places: &Vec<u32>| {
                let point = &self.known[places].point;
                let (runs, most) = (point.runs(), self.plan.replications);
                let until = match runs {
                    _ if point.is_exact => runs,
                    0 => SAME.min(most),
                    _ if runs < least.min(most) => least.min(most),
                    _ if is_known(point) => runs,
                    _ if runs < self.fewest => self.fewest,
                    _ => (runs + BATCH).min(most),
                };
                (runs..until).map(|number| (places.clone(), number)).collect::<Vec<_>>()
            };
            let tasks: Vec<(Vec<u32>, u32)> = wanted.iter().flat_map(more).collect();
            if tasks.is_empty() {
                return Ok(());
            }
            let probe = |(places, number): &(Vec<u32>, u32)| self.probe(&self.known[places].model, *number);
            let probes: Option<Vec<Probe>> = tasks.par_iter().with_max_len(1).map(probe).collect();
            for ((places, _), probe) in tasks.iter().zip(probes.ok_or(TipEnded::Interrupted)?) {
                self.known.get_mut(places).expect("it was put there above").add(probe);
            }
            // Where the seed changes nothing, two runs are enough; else nobody is to wait for what cannot come.
            if self.plan.replications < self.needed && wanted.iter().any(|it| !self.known[it].point.is_exact) {
                return Err(TipEnded::TooFew(self.needed));
            }
        }
    }

    fn probe(&self, model: &Model, number: u32) -> Option<Probe> {
        let Simulated { model, mut results, twin } = simulated(model, number, true, &|| self.progress.tell(0))?;
        let alone = match &twin {
            Some((twin, results)) => insight::judge(twin, results, None),
            None => insight::judge(&model, &results, None),
        };
        let twin = twin.map(|(_, results)| results);
        let explained = insight::explain(&model, &results, twin.as_ref());
        insight::answer(&model, &mut results, twin.as_ref(), explained.as_ref());
        let figures = measures(&model, &results, twin.as_ref(), explained.as_ref());
        let verdict = explained.map(|it| it.judgement.verdict);
        let phase = match self.plan.criterion {
            // Against a twin that is down as well nothing seems to be wrong.
            Criterion::AtMost(_) if alone.is_some_and(|it| it.verdict == Verdict::Overloaded) => Phase::Overloaded,
            Criterion::AtMost(worst) if verdict.is_some_and(|verdict| verdict <= worst) => Phase::Stable,
            Criterion::AtMost(_) => Phase::Vulnerable,
            Criterion::Expectations if hold(&model, &results, |_| true) => Phase::Stable,
            // How a run differs from its twin nobody asks of the twin.
            Criterion::Expectations if twin.is_some_and(|twin| hold(&model, &twin, |it| !it.takes_twin())) => {
                Phase::Vulnerable
            }
            Criterion::Expectations => Phase::Overloaded,
        };
        let figures = figures.into_iter().map(|(_, value)| value.map(f64::to_bits)).collect();
        self.progress.tell(1).is_continue().then_some(Probe { phase, verdict, figures })
    }
}

/// Whether the expectations do for which `is_asked`; what has no sample does not.
fn hold(model: &Model, results: &Results, is_asked: fn(Metric) -> bool) -> bool {
    let asked = model.expectations.iter().zip(&results.measured).filter(|(it, _)| is_asked(it.metric));
    asked.into_iter().all(|(it, value)| value.is_some_and(|value| it.comparison.holds(value, it.bound.value())))
}

impl Known {
    fn add(&mut self, probe: Probe) {
        self.point.phases[probe.phase as usize] += 1;
        if let Some(verdict) = probe.verdict {
            *self.point.verdicts.entry(verdict).or_default() += 1;
        }
        match (self.point.runs(), self.first.take()) {
            (1, _) => self.first = Some(probe.figures),
            (SAME, Some(first)) => self.point.is_exact = first == probe.figures,
            _ => {}
        }
    }
}
