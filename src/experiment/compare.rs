//! Comparing several scenarios: run `k` of each has the same seed, so that all see the same arrivals, the same work and
//! the same luck, and what is left of their difference is the difference between them.
//!
//! All are compared with the first. Where all runs of each scenario end in one way, be it the same or not, figures are
//! compared between all pairs. Where runs of either end in several ways, shares of endings come first and figures are
//! compared between runs that ended alike; no interval is made of a mean over both. What it costs is told all the same.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;

use crate::insight::statistics::{Estimate, Paired, holm, mcnemar};
use crate::insight::{Better, Measure, MeasureOf};
use crate::model::{Model, Verdict};

use super::Stage;
use super::replicate::{Ran, Replications, Wanted, Watch, run};

/// The most scenarios that are compared at once: the first, and ten with it.
pub const ARMS_MAX: usize = 11;
/// Runs of each scenario between two looks at the intervals, and the fewest before the first.
pub const BATCH: u32 = 10;
/// How likely an interval holds the truth.
pub const CONFIDENCE: f64 = 0.95;

/// A scenario in a comparison.
#[derive(Clone, Debug)]
pub struct Arm {
    /// What it is called.
    pub name: String,
    /// What runs.
    pub model: Model,
}

/// How often each scenario runs.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Plan {
    /// At most so often.
    pub replications: u32,
    /// Less often, where for every workload the intervals of the differences in goodput and in mean latency are no wider
    /// than this part of the first scenario's value to either side.
    pub precision: Option<f64>,
    /// What is kept of each run.
    pub wanted: Wanted,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Parallel to the scenarios.
    pub arms: Vec<ComparedArm>,
    /// Every scenario but the first, compared with it.
    pub against: Vec<Against>,
    /// Whether it ended because its intervals were narrow enough.
    pub is_precise: bool,
}

/// A scenario's runs.
#[derive(Clone, Debug)]
pub struct ComparedArm {
    /// What it is called.
    pub name: String,
    /// Its runs; run `k` has the seed of run `k` of the others.
    pub runs: Replications,
}

/// A scenario, compared with the first.
#[derive(Clone, Debug)]
pub struct Against {
    /// The place of the scenario among all.
    pub arm: usize,
    /// Whether runs of the two ended in more than one way each.
    pub is_mixed: bool,
    /// How many pairs went from which ending to which; only those of which there are any, in the order of endings.
    pub flips: Vec<Flip>,
    /// How likely it is by chance that so many more pairs changed between a good ending (recovered or better) and a bad
    /// one in one direction than in the other.
    pub flips_p: f64,
    /// Every figure that both have.
    pub differences: Vec<Difference>,
    /// Figures of which only runs of the first have a sample.
    pub only_first: Vec<String>,
    /// Figures of which only runs of the other one have a sample.
    pub only_this: Vec<String>,
}

impl Against {
    /// How many pairs became better, from a bad ending to a good one (recovered or better), and how many worse.
    pub fn changed(&self) -> (u32, u32) {
        let is_good = |verdict: Option<Verdict>| verdict.is_some_and(|verdict| verdict <= Verdict::Recovered);
        let count = |good_to: bool| {
            let is_so = |flip: &&Flip| is_good(flip.from) != good_to && is_good(flip.to) == good_to;
            self.flips.iter().filter(is_so).map(|flip| flip.pairs).sum::<u32>()
        };
        (count(true), count(false))
    }

    /// Whether clearly fewer runs end well than in the first scenario, where `others` are compared with it: in less than
    /// 5% of all experiments that is said of any of them where there is no difference (Bonferroni).
    pub fn ends_worse(&self, others: usize) -> bool {
        let (better, worse) = self.changed();
        worse > better && self.flips_p < (1.0 - CONFIDENCE) / others.max(1) as f64
    }
}

/// Pairs of runs that ended so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flip {
    /// How the run of the first scenario ended.
    pub from: Option<Verdict>,
    /// How the run of the other one did.
    pub to: Option<Verdict>,
    /// In so many pairs.
    pub pairs: u32,
}

/// What a difference means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// The second is better than the first.
    Better,
    /// It is worse.
    Worse,
    /// They differ, in something that is neither good nor bad.
    Differs,
    /// The interval holds zero.
    NoClearDifference,
    /// There are too few pairs to say.
    TooFew,
}

impl Call {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Call::Better => "better",
            Call::Worse => "worse",
            Call::Differs => "differs",
            Call::NoClearDifference => "no clear difference",
            Call::TooFew => "too few pairs",
        }
    }
}

/// A figure of the first scenario and of another one.
#[derive(Clone, PartialEq, Debug)]
pub struct Difference {
    /// What is measured.
    pub measure: Measure,
    /// Only between runs that both ended so; `None` is between all.
    pub within: Option<Verdict>,
    /// Means over the pairs.
    pub means: (f64, f64),
    /// Of the second less the first, pair by pair.
    pub paired: Paired,
    /// Half the width of the interval: 95% for all scenarios together (Bonferroni). Costs over runs that ended differently
    /// have none: of them is asked in how many pairs which is dearer.
    pub half_width: Option<f64>,
    /// What it means.
    pub call: Call,
    /// How likely it is by chance, corrected for all figures of all scenarios (Holm). `None` of a single pair.
    pub p_holm: Option<f64>,
}

/// Runs the scenarios and compares them. `seed` is that of all. `None` when `watch` has ended it.
pub fn compare(arms: &[Arm], seed: u64, plan: Plan, watch: Watch<'_>) -> Option<Comparison> {
    let models: Vec<Model> = arms.iter().map(|arm| Model { seed, ..arm.model.clone() }).collect();
    let mut all: Vec<Replications> = vec![Replications::default(); arms.len()];
    let (done, of) = (AtomicU32::new(0), plan.replications * arms.len() as u32);
    let mut from = 0;
    let mut is_precise = false;
    while from < plan.replications && !is_precise {
        let until = plan.precision.map_or(plan.replications, |_| (from + BATCH).min(plan.replications));
        // Scenarios of a run stand beside each other: they take about as long.
        let tasks: Vec<(usize, u32)> =
            (from..until).flat_map(|number| (0..models.len()).map(move |arm| (arm, number))).collect();
        let one = |(arm, number): (usize, u32)| {
            let go_on = || watch(Stage { done: done.load(Ordering::Relaxed), of });
            let ran = run(&models[arm], number, plan.wanted, &go_on)?;
            let stage = Stage { done: done.fetch_add(1, Ordering::Relaxed) + 1, of };
            matches!(watch(stage), ControlFlow::Continue(())).then_some((arm, ran))
        };
        let ran: Option<Vec<(usize, Ran)>> = tasks.into_par_iter().with_max_len(1).map(one).collect();
        for (arm, ran) in ran? {
            all[arm].extend(Replications { measures: ran.measures, runs: vec![ran.replication] });
        }
        from = until;
        is_precise = plan.precision.is_some_and(|precision| is_narrow(&all, precision));
    }
    let arms = arms.iter().zip(all).map(|(arm, runs)| ComparedArm { name: arm.name.clone(), runs }).collect();
    Some(compared(arms, is_precise))
}

/// Compares runs that there are already; those of every arm have the same seeds.
pub fn compared(arms: Vec<ComparedArm>, is_precise: bool) -> Comparison {
    let others = arms.len().saturating_sub(1);
    let mut against: Vec<Against> =
        (1..arms.len()).map(|arm| against(&arms[0].runs, &arms[arm].runs, arm, others)).collect();
    let p: Vec<f64> = against.iter().flat_map(|it| &it.differences).filter_map(|it| it.paired.p).collect();
    let mut adjusted = holm(&p).into_iter();
    for difference in against.iter_mut().flat_map(|it| &mut it.differences) {
        difference.p_holm = difference.paired.p.and_then(|_| adjusted.next());
    }
    Comparison { arms, against, is_precise }
}

fn against(first: &Replications, second: &Replications, arm: usize, others: usize) -> Against {
    let pairs = || first.runs.iter().zip(&second.runs);
    let mut flips: Vec<Flip> = Vec::new();
    for (one, other) in pairs() {
        match flips.iter_mut().find(|it| (it.from, it.to) == (one.verdict, other.verdict)) {
            Some(flip) => flip.pairs += 1,
            None => flips.push(Flip { from: one.verdict, to: other.verdict, pairs: 1 }),
        }
    }
    flips.sort_by_key(|flip| (flip.from, flip.to));
    let is_mixed = first.endings().len() > 1 || second.endings().len() > 1;
    let basis: Vec<Option<Verdict>> = match is_mixed {
        false => vec![None],
        true => flips.iter().filter(|flip| flip.from == flip.to).filter_map(|flip| flip.from).map(Some).collect(),
    };
    let mut differences = Vec::new();
    for within in basis {
        for (place, measure) in first.measures.iter().enumerate() {
            let Some(other) = second.place(&measure.name) else { continue };
            let is_in = |verdict: Option<Verdict>| within.is_none() || verdict == within;
            let values: Vec<(f64, f64)> = pairs()
                .filter(|(one, other)| is_in(one.verdict) && is_in(other.verdict))
                .filter_map(|(one, two)| Some((one.values[place]?, two.values[other]?)))
                .collect();
            differences.extend(difference(measure, within, &values, others));
        }
    }
    if is_mixed && differences.is_empty() {
        differences = costs(first, second, others);
    }
    let (only_first, only_this) = (only(first, second), only(second, first));
    let mut it = Against { arm, is_mixed, flips, flips_p: 1.0, differences, only_first, only_this };
    let (better, worse) = it.changed();
    it.flips_p = mcnemar(better, worse);
    it
}

/// Figures of which `one` has a sample and `other` has none.
fn only(one: &Replications, other: &Replications) -> Vec<String> {
    let has = |runs: &Replications, place: usize| runs.values(place).any(|value| value.is_some());
    let is_alone = |(place, measure): &(usize, &Measure)| {
        has(one, *place) && !other.place(&measure.name).is_some_and(|place| has(other, place))
    };
    one.measures.iter().enumerate().filter(is_alone).map(|(_, measure)| measure.name.clone()).collect()
}

/// What is paid, however a run ends.
const COSTS: [&str; 3] = ["core_hours_per_million", "replica_hours_per_million", "cost_per_million"];

/// What is paid over all pairs, where no two runs ended alike: a mean over both has no interval, but in how many pairs
/// which of the two is dearer says whether that is chance (a sign test).
fn costs(first: &Replications, second: &Replications, others: usize) -> Vec<Difference> {
    let of = |name: &str| {
        let (place, other) = (first.place(name)?, second.place(name)?);
        let pairs: Vec<(f64, f64)> =
            first.values(place).zip(second.values(other)).filter_map(|(one, two)| Some((one?, two?))).collect();
        let it = difference(&first.measures[place], None, &pairs, others)?;
        let is_apart = |one: f64, two: f64| (one - two).abs() > 1e-9 * one.abs().max(two.abs());
        let dearer = pairs.iter().filter(|(one, two)| two > one && is_apart(*one, *two)).count() as u32;
        let cheaper = pairs.iter().filter(|(one, two)| two < one && is_apart(*one, *two)).count() as u32;
        let p = mcnemar(dearer, cheaper);
        let call = match p < (1.0 - CONFIDENCE) / others.max(1) as f64 {
            false => Call::NoClearDifference,
            true if dearer > cheaper => Call::Worse,
            true => Call::Better,
        };
        let mean = Estimate { half_width: None, standard_error: None, ..it.paired.difference };
        let paired = Paired { difference: mean, p: Some(p), gain: None, ..it.paired };
        Some(Difference { half_width: None, call, paired, ..it })
    };
    COSTS.into_iter().filter_map(of).collect()
}

fn difference(measure: &Measure, within: Option<Verdict>, values: &[(f64, f64)], others: usize) -> Option<Difference> {
    let paired = Paired::of(values)?;
    let count = values.len() as f64;
    let means = (values.iter().map(|it| it.0).sum::<f64>() / count, values.iter().map(|it| it.1).sum::<f64>() / count);
    let confidence = 1.0 - (1.0 - CONFIDENCE) / others.max(1) as f64;
    let half_width = paired.difference.half_width_at(confidence, values.len());
    let mean = paired.difference.mean;
    let call = match half_width {
        None => Call::TooFew,
        Some(width) if mean.abs() <= width => Call::NoClearDifference,
        Some(_) => match (measure.better, mean > 0.0) {
            (Better::Neither, _) => Call::Differs,
            (Better::More, more) if more => Call::Better,
            (Better::Less, more) if !more => Call::Better,
            _ => Call::Worse,
        },
    };
    Some(Difference { measure: measure.clone(), within, means, paired, half_width, call, p_holm: None })
}

/// Whether every workload's differences in goodput and mean latency are known well enough.
fn is_narrow(all: &[Replications], precision: f64) -> bool {
    let others = all.len().saturating_sub(1);
    (1..all.len()).all(|arm| {
        let it = against(&all[0], &all[arm], arm, others);
        let is_watched = |difference: &&Difference| {
            difference.measure.of == MeasureOf::Workload && matches!(difference.measure.metric(), "goodput" | "mean")
        };
        // Runs that end differently are never known well enough: shares of endings take all the runs there may be.
        !it.is_mixed
            && it
                .differences
                .iter()
                .filter(is_watched)
                .all(|it| it.half_width.is_some_and(|width| width <= precision * it.means.0.abs()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::replicate::made_up;
    use super::*;

    fn arm(of: &[(Verdict, f64)]) -> ComparedArm {
        ComparedArm { name: String::new(), runs: made_up(of) }
    }

    #[test]
    fn what_ends_alike_is_compared_over_all_pairs() {
        use Verdict::{Metastable, Recovered};
        let first = arm(&[(Metastable, 0.1), (Metastable, 0.2), (Metastable, 0.3)]);
        let second = arm(&[(Recovered, 0.9), (Recovered, 1.0), (Recovered, 1.1)]);
        let against = &compared(vec![first, second], false).against[0];
        assert!(!against.is_mixed);
        assert_eq!(against.flips, [Flip { from: Some(Metastable), to: Some(Recovered), pairs: 3 }]);
        assert_eq!(against.differences.len(), 1);
        let it = &against.differences[0];
        assert!((it.paired.difference.mean - 0.8).abs() < 1e-12);
        assert_eq!((it.within, it.call), (None, Call::Better));
    }

    #[test]
    fn what_ends_differently_is_compared_by_shares_first_and_within_an_ending_second() {
        use Verdict::{Metastable, Recovered};
        let first = arm(&[(Recovered, 0.9), (Metastable, 0.1), (Recovered, 0.8), (Metastable, 0.1)]);
        let second = arm(&[(Recovered, 0.7), (Recovered, 0.9), (Recovered, 0.7), (Metastable, 0.2)]);
        let against = &compared(vec![first, second], false).against[0];
        assert!(against.is_mixed);
        let within: Vec<_> = against.differences.iter().map(|it| (it.within, it.paired.pairs, it.call)).collect();
        assert_eq!(
            within,
            [(Some(Recovered), 2, Call::NoClearDifference), (Some(Metastable), 1, Call::TooFew)],
            "a mean over both is nowhere"
        );
        assert_eq!(against.flips_p, 1.0);
    }

    #[test]
    fn fewer_runs_that_end_well_are_clear_before_any_figure_is() {
        use Verdict::{Metastable, Recovered, Unharmed};
        let first: Vec<_> = (0..20).map(|n| (if n < 2 { Metastable } else { Recovered }, 0.9)).collect();
        let against = |second: Vec<(Verdict, f64)>| compared(vec![arm(&first), arm(&second)], false).against[0].clone();
        // Of the 20 pairs 18 became worse and none better: 2 / 2^18.
        let it = against(vec![(Metastable, 0.9); 20]);
        assert!(it.differences.iter().all(|it| it.call != Call::Worse), "those that ended alike are no worse");
        assert_eq!((it.changed(), it.ends_worse(1), it.ends_worse(10)), ((0, 18), true, true));
        assert_eq!(against(vec![(Unharmed, 0.9); 20]).changed(), (2, 0));
        assert!(!against(vec![(Unharmed, 0.9); 20]).ends_worse(1));
        // Five of five: 2 / 2^5 is more than 5%.
        let it = compared(vec![arm(&first[2..7]), arm(&[(Metastable, 0.9); 5])], false);
        assert!(!it.against[0].ends_worse(1));
    }

    #[test]
    fn what_it_costs_is_told_where_no_two_runs_ended_alike() {
        use Verdict::{Metastable, Recovered, Unharmed};
        let cost = |mut it: ComparedArm, name: &str| {
            it.runs.measures[0].name = name.to_owned();
            it.runs.measures[0].better = Better::Less;
            it
        };
        let first = arm(&[
            (Recovered, 1.0),
            (Unharmed, 1.5),
            (Recovered, 1.0),
            (Unharmed, 1.5),
            (Recovered, 1.0),
            (Unharmed, 1.5),
        ]);
        let second = arm(&[(Metastable, 5.0); 6]);
        let name = "cost_per_million";
        let it = compared(vec![cost(first.clone(), name), cost(second.clone(), name)], false);
        let [row] = it.against[0].differences.as_slice() else { panic!("{:?}", it.against[0].differences) };
        // Dearer in all of six pairs: 2 / 2^6. A mean over several endings has no interval.
        assert_eq!((row.within, row.half_width, row.call), (None, None, Call::Worse));
        assert!((row.p_holm.unwrap() - 2.0 / 64.0).abs() < 1e-12 && row.means == (1.25, 5.0));
        // What is no cost is compared between runs that ended alike, or not at all; what one does not have is named.
        let it = compared(vec![first.clone(), second.clone()], false);
        assert!(it.against[0].differences.is_empty() && it.against[0].only_first.is_empty());
        let it = compared(vec![first, cost(second, "goodput(guests)")], false);
        assert_eq!(it.against[0].only_first, ["goodput(users)"]);
        assert_eq!(it.against[0].only_this, ["goodput(guests)"]);
    }

    #[test]
    fn more_scenarios_make_wider_intervals() {
        let first = || arm(&[(Verdict::Stable, 0.1), (Verdict::Stable, 0.2), (Verdict::Stable, 0.4)]);
        let second = || arm(&[(Verdict::Stable, 0.3), (Verdict::Stable, 0.5), (Verdict::Stable, 0.6)]);
        let width = |arms| compared(arms, false).against[0].differences[0].half_width.unwrap();
        let (two, three) = (width(vec![first(), second()]), width(vec![first(), second(), second()]));
        // Student's t with two degrees of freedom: 4.303 for 95%, 6.205 for 97.5%.
        assert!((three / two - 6.2054 / 4.3027).abs() < 1e-3, "{two} {three}");
    }
}
