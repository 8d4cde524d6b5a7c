//! What a cure did, measured against the scenario as it stands: first how many runs end well, then what users got, then
//! what it takes. Shares have Wilson intervals, differences are of pairs of runs with the same seed. Where runs ended
//! differently a difference of means gets no interval: then the pairs that ended alike are looked at, ending by ending.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::trial::Arm;
use super::{Tried, WORTH};
use crate::experiment::{CONFIDENCE, Replication, Replications};
use crate::insight::Insight;
use crate::insight::statistics::{Paired, ShareEstimate, mcnemar};
use crate::model::{Id, Model, Verdict};

/// A difference in goodput that is worth a word.
const NOTICED: f64 = 0.005;
/// A loss of goodput that is no chance at first sight.
const HARM: f64 = 0.05;
/// A difference in latency that is worth a word, as a part of it.
const NOTICED_LATENCY: f64 = 0.05;
/// What users get of two cures is the same within this, in goodput: then what they take decides.
const SAME: f64 = 0.02;
/// The same for the share of expectations that hold.
const SAME_HELD: f64 = 0.05;
/// Fewer pairs than this that ended alike say nothing by themselves, unless they say the opposite.
const PAIRS_MIN: usize = 3;

/// What a cure did, from bad to good.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Effect {
    /// It makes things worse.
    Worse,
    /// No difference that is beyond chance.
    Nothing,
    /// It is better, and not all runs end well.
    Helps,
    /// Every run ends well.
    Cures,
}

impl Effect {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Effect::Worse => "worse",
            Effect::Nothing => "no clear difference",
            Effect::Helps => "helps",
            Effect::Cures => "cures",
        }
    }
}

/// A figure, and how it differs from that of the same runs as they stand.
#[derive(Clone, PartialEq, Debug)]
pub struct Figure {
    /// Its name: `goodput(users)`.
    pub name: String,
    /// Mean over the runs.
    pub mean: f64,
    /// Mean difference of the pairs.
    pub difference: f64,
    /// Half the width of its interval: 95% for all cures together (Bonferroni). `None` where runs ended differently, or
    /// there are too few.
    pub half_width: Option<f64>,
    /// Whether the difference is beyond chance: more than `half_width`, or, where runs ended differently, so in the pairs of
    /// each ending and everywhere in the same direction.
    pub is_clear: bool,
}

/// How runs fared.
#[derive(Clone, PartialEq, Debug)]
pub struct Figures {
    /// Runs whose verdict is recovered or better, and all of whose expectations hold.
    pub ended_well: ShareEstimate,
    /// Runs that end well now, and do not as they stand.
    pub gained: u32,
    /// Runs that end well as they stand, and do not now.
    pub lost: u32,
    /// Runs in which each expectation of the scenario holds, in file order.
    pub expectations: Vec<ShareEstimate>,
    /// Runs whose verdict is recovered or better.
    pub recovered: ShareEstimate,
    /// The worst verdict of all runs.
    pub worst: Option<Verdict>,
    /// What whoever fared worst got: goodput, or messages handled.
    pub goodput: Option<Figure>,
    /// How long that took, in seconds.
    pub latency: Option<Figure>,
    /// Core-hours for a million requests; money where there are prices.
    pub cost: Option<Figure>,
    /// Replicas times cores (or threads, where cores are unlimited), as a multiple of those as they stand.
    pub capacity: f64,
}

/// By what cures are measured.
pub(super) struct Ruler<'m> {
    model: &'m Model,
    goodput: String,
    latency: String,
    cost: &'static str,
    /// Whether there is nothing to cure, so that what is left is to be faster.
    is_well: bool,
}

impl<'m> Ruler<'m> {
    /// By what the scenario as it stands suffers from most.
    pub(super) fn new(model: &'m Model, insight: &Insight, base: &Replications) -> Ruler<'m> {
        let judgement = &insight.judgement;
        let (goodput, latency) = match judgement.worst_group() {
            Some(group) => (format!("consumed({})", group.group), format!("age_peak({})", group.group)),
            None => {
                let worst = judgement.workloads.iter().max_by(|a, b| a.missing_share.total_cmp(&b.missing_share));
                let name = worst.map_or("", |it| it.workload.as_str());
                (format!("goodput({name})"), format!("p99({name})"))
            }
        };
        let cost = if model.prices.is_some() { "cost_per_million" } else { "core_hours_per_million" };
        let mut ruler = Ruler { model, goodput, latency, cost, is_well: false };
        let well = ruler.ended_well(base);
        ruler.is_well = well.count == well.of;
        ruler
    }

    /// Places of the expectations that do not hold in every run.
    pub(super) fn failed(&self, runs: &Replications) -> Vec<usize> {
        let holds = |place: &usize| {
            let held = runs.held(self.model, *place);
            held.count < held.of
        };
        (0..self.model.expectations.len()).filter(holds).collect()
    }

    fn ended_well(&self, runs: &Replications) -> ShareEstimate {
        let well = runs.runs.iter().filter(|run| self.ends_well(run));
        ShareEstimate::of(well.count() as u32, runs.runs.len() as u32)
    }

    fn ends_well(&self, run: &Replication) -> bool {
        let recovered = run.verdict.is_some_and(|verdict| verdict <= Verdict::Recovered);
        let holds = |(place, it): (usize, &crate::model::Expectation)| {
            let value = run.measured.get(place).copied().flatten();
            value.is_some_and(|value| it.comparison.holds(value, it.bound.value()))
        };
        recovered && self.model.expectations.iter().enumerate().all(holds)
    }

    /// In how many runs each expectation holds.
    fn expectations(&self, runs: &Replications) -> Vec<ShareEstimate> {
        (0..self.model.expectations.len()).map(|place| runs.held(self.model, place)).collect()
    }

    /// Those of `arm`, whose runs have the same seeds as the first ones of `base`; `others` are compared with it in all.
    pub(super) fn figures(&self, base: &Arm, arm: &Arm, others: usize) -> Figures {
        let figure = |name: &str| figure(&base.runs, &arm.runs, name, others);
        let pairs = || base.runs.runs.iter().zip(&arm.runs.runs);
        let turned =
            |to: bool| pairs().filter(|(a, b)| self.ends_well(a) != to && self.ends_well(b) == to).count() as u32;
        Figures {
            ended_well: self.ended_well(&arm.runs),
            gained: turned(true),
            lost: turned(false),
            expectations: self.expectations(&arm.runs),
            recovered: arm.runs.at_most(Verdict::Recovered),
            worst: arm.runs.runs.iter().filter_map(|run| run.verdict).max(),
            goodput: figure(&self.goodput),
            latency: figure(&self.latency),
            cost: figure(self.cost),
            capacity: capacity(&arm.model) / capacity(&base.model),
        }
    }

    /// How many runs have to be looked at to see what a cure does: there must be one among them that did not end well, or,
    /// where all did, more than one, since what is left to find out is small.
    pub(super) fn first_look(&self, base: &Replications) -> u32 {
        const WHERE_ALL_IS_WELL: u32 = 2;
        let one = |run| Replications { measures: base.measures.clone(), runs: vec![run] };
        let is_bad = |run: &Replication| self.ended_well(&one(run.clone())).count == 0;
        let first = base.runs.iter().position(is_bad).map_or(WHERE_ALL_IS_WELL, |place| place as u32 + 1);
        first.min(base.runs.len() as u32)
    }

    /// Whether more runs are worth their time.
    pub(super) fn is_promising(&self, base: &Replications, arm: &Replications) -> bool {
        let same = first(base, arm);
        let (before, after) = (self.ended_well(&same).count, self.ended_well(arm).count);
        let gain = |name: &str| figure(&same, arm, name, 1);
        let better = gain(&self.goodput).is_some_and(|it| it.difference > NOTICED);
        let sooner = gain(&self.latency).is_some_and(|it| it.difference < -NOTICED_LATENCY * (it.mean - it.difference));
        let held = |runs: &Replications| self.expectations(runs).iter().map(|it| it.count).sum::<u32>();
        after > before || better || held(arm) > held(&same) || (self.is_well && after == before && sooner)
    }

    /// Whether it is worth its time to find out that a cure harms.
    pub(super) fn looks_worse(&self, base: &Replications, arm: &Replications) -> bool {
        let same = first(base, arm);
        let less = figure(&same, arm, &self.goodput, 1).is_some_and(|it| it.difference < -HARM);
        less || self.ended_well(arm).count < self.ended_well(&same).count
    }

    /// The most that a cure can do: nothing is left to be cured where all is well.
    pub(super) fn best_effect(&self) -> Effect {
        if self.is_well { Effect::Helps } else { Effect::Cures }
    }

    /// What `arm` did, compared with the runs of `base`; as many as `others` are.
    pub(super) fn effect_of(&self, base: &Arm, arm: &Arm, others: usize) -> Effect {
        self.effect(&self.figures(base, base, others), &self.figures(base, arm, others))
    }

    /// What the figures of a cure say, beside those as it stands.
    pub(super) fn effect(&self, base: &Figures, cured: &Figures) -> Effect {
        // A better end does not count where users get less: the twin may have come down, too. Where users have said what
        // they expect, a little less is no harm by itself.
        let harm = if self.model.expectations.is_empty() { NOTICED } else { HARM };
        let gets_less = cured.goodput.as_ref().is_some_and(|it| it.difference < -harm);
        // How runs end comes first: it needs no mean over runs that ended differently.
        match shift(base.ended_well, cured.ended_well, (cured.gained, cured.lost)) {
            Ordering::Greater if !gets_less => {
                let after = cured.ended_well;
                return if after.count == after.of { Effect::Cures } else { Effect::Helps };
            }
            Ordering::Less => return Effect::Worse,
            _ => {}
        }
        let clear = |it: &Figure, noticed: f64| it.is_clear && it.difference.abs() > noticed;
        if let Some(it) = cured.goodput.as_ref().filter(|it| clear(it, NOTICED)) {
            return if it.difference > 0.0 { Effect::Helps } else { Effect::Worse };
        }
        let mut shifts = vec![shift(base.recovered, cured.recovered, (0, 0))];
        shifts.extend(base.expectations.iter().zip(&cured.expectations).map(|(a, b)| shift(*a, *b, (0, 0))));
        match (shifts.contains(&Ordering::Greater), shifts.contains(&Ordering::Less)) {
            (true, false) if !gets_less => return Effect::Helps,
            (false, true) => return Effect::Worse,
            _ => {}
        }
        let noticed = |it: &Figure| NOTICED_LATENCY * (it.mean - it.difference);
        match cured.latency.as_ref().filter(|it| self.is_well && clear(it, noticed(it))) {
            Some(it) if it.difference < 0.0 => Effect::Helps,
            Some(_) => Effect::Worse,
            None => Effect::Nothing,
        }
    }

    /// The better one first: by what it does, how many runs end well and how many expectations hold; then what may be done
    /// without a proviso; then by what users get, and then what takes less, but the other way round where all runs end
    /// well, since there nothing is left to be had; then what everybody believes in comes after what removes the cause; then
    /// how soon users get it.
    pub(super) fn order(&self, a: &Tried, b: &Tried) -> Ordering {
        let well = |it: &Tried| it.figures.ended_well.share().unwrap_or(0.0);
        let held = |it: &Tried| {
            let shares = it.figures.expectations.iter().filter_map(ShareEstimate::share);
            libm::round(shares.sum::<f64>() / it.figures.expectations.len().max(1) as f64 / SAME_HELD)
        };
        // Where something has to be paid for it, a little more is not enough.
        let is_well = well(a) == 1.0;
        let goodput = |it: &Tried| coarse(it.figures.goodput.as_ref(), if is_well { NOTICED } else { SAME });
        let latency = |it: &Tried| it.figures.latency.as_ref().map_or(0.0, |it| it.mean);
        let (gets, takes) = (goodput(b).total_cmp(&goodput(a)), a.figures.capacity.total_cmp(&b.figures.capacity));
        b.effect
            .cmp(&a.effect)
            .then(well(b).total_cmp(&well(a)))
            .then(held(b).total_cmp(&held(a)))
            .then((!a.cure.proviso.is_empty()).cmp(&!b.cure.proviso.is_empty()))
            .then(if is_well { takes.then(gets) } else { gets.then(takes) })
            .then(a.is_pair.cmp(&b.is_pair))
            .then(a.cure.belief.is_some().cmp(&b.cure.belief.is_some()))
            .then(latency(a).total_cmp(&latency(b)))
    }

    /// The best one that is worth it: two changes only where they do more than one.
    pub(super) fn winner(&self, sorted: &[Tried]) -> Option<usize> {
        let helps = |it: &&Tried| it.effect > Effect::Nothing;
        let best = sorted.iter().position(|it| helps(&it))?;
        if !sorted[best].is_pair {
            return Some(best);
        }
        let Some(single) = sorted.iter().position(|it| !it.is_pair && helps(&it)) else { return Some(best) };
        let (pair, one) = (&sorted[best].figures, &sorted[single].figures);
        let more = pair.ended_well.share() > one.ended_well.share();
        let mean = |it: &super::Figures| it.goodput.as_ref().map_or(0.0, |it| it.mean);
        Some(if more || mean(pair) > mean(one) + WORTH { best } else { single })
    }
}

/// Whether more runs end so than before, or fewer, beyond chance: the intervals of both shares do not meet, or, of the pairs
/// that `turned` there and back, too many went one way.
fn shift(before: ShareEstimate, after: ShareEstimate, turned: (u32, u32)) -> Ordering {
    let is_no_chance = mcnemar(turned.0, turned.1) < 1.0 - CONFIDENCE;
    if after.low > before.high || (is_no_chance && turned.0 > turned.1) {
        Ordering::Greater
    } else if after.high < before.low || (is_no_chance && turned.0 < turned.1) {
        Ordering::Less
    } else {
        Ordering::Equal
    }
}

fn coarse(it: Option<&Figure>, step: f64) -> f64 {
    it.map_or(0.0, |it| libm::round(it.mean / step))
}

/// As many of the runs as `arm` has.
fn first(base: &Replications, arm: &Replications) -> Replications {
    let runs = base.runs.iter().take(arm.runs.len()).cloned().collect();
    Replications { measures: base.measures.clone(), runs }
}

/// A figure of the pairs that both have.
fn figure(base: &Replications, arm: &Replications, name: &str, others: usize) -> Option<Figure> {
    let (before, after) = (base.place(name)?, arm.place(name)?);
    let pairs = base.runs.iter().zip(&arm.runs);
    let values: Vec<(f64, f64)> =
        pairs.clone().filter_map(|(one, other)| Some((one.values[before]?, other.values[after]?))).collect();
    let paired = Paired::of(&values)?;
    // By how both ended.
    let mut endings: BTreeMap<(bool, bool), Vec<(f64, f64)>> = BTreeMap::new();
    for (one, other) in pairs {
        let is_good = |run: &Replication| run.verdict.is_some_and(|it| it <= Verdict::Recovered);
        let of_ending = endings.entry((is_good(one), is_good(other))).or_default();
        of_ending.extend(one.values[before].zip(other.values[after]));
    }
    let is_mixed = endings.len() > 1;
    let endings: Vec<Vec<(f64, f64)>> = endings.into_values().filter(|values| !values.is_empty()).collect();
    let confidence = 1.0 - (1.0 - CONFIDENCE) / others.max(1) as f64;
    Some(Figure {
        name: name.to_owned(),
        mean: values.iter().map(|it| it.1).sum::<f64>() / values.len() as f64,
        difference: paired.difference.mean,
        half_width: paired.difference.half_width_at(confidence, values.len()).filter(|_| !is_mixed),
        is_clear: is_clear(&endings, others),
    })
}

/// Whether the second of the pairs differ from the first beyond chance in each of `endings`, and everywhere in the same
/// direction. All of them together, and `others`, are right in 95% of all experiments (Bonferroni).
fn is_clear(endings: &[Vec<(f64, f64)>], others: usize) -> bool {
    let confidence = 1.0 - (1.0 - CONFIDENCE) / (others.max(1) * endings.len().max(1)) as f64;
    let mut clear = false;
    let mut is_gain = None;
    for values in endings {
        let Some(Paired { difference, .. }) = Paired::of(values) else { continue };
        let width = difference.half_width_at(confidence, values.len());
        let is_beyond = width.is_some_and(|width| difference.mean.abs() > width);
        let goes_on = *is_gain.get_or_insert(difference.mean > 0.0) == (difference.mean > 0.0);
        if !goes_on || (values.len() >= PAIRS_MIN && !is_beyond) {
            return false;
        }
        clear |= is_beyond;
    }
    clear
}

/// Replicas times what each can do at once; what is unlimited counts as nothing that costs.
fn capacity(model: &Model) -> f64 {
    let of = |it: &crate::model::Service| {
        let wide = it.cores_in_all().or(it.threads_in_all()).unwrap_or(u64::from(it.replicas));
        wide as f64
    };
    (0..model.services.len()).map(|id| of(&model.services[crate::model::ServiceId::new(id)])).sum()
}

#[cfg(test)]
mod tests {
    use super::super::super::replicate::made_up;
    use super::*;
    use Verdict::{Metastable, Recovered};

    fn share(count: u32, of: u32) -> ShareEstimate {
        ShareEstimate::of(count, of)
    }

    #[test]
    fn more_runs_end_well_where_intervals_do_not_meet_or_pairs_turn_one_way() {
        assert_eq!(shift(share(0, 5), share(3, 3), (3, 0)), Ordering::Greater, "0 to 43.4% and 43.8 to 100%");
        assert_eq!(shift(share(3, 3), share(0, 5), (0, 3)), Ordering::Less);
        // The intervals meet, 11 to 60% and 60 to 98%; six changes of six are 2 / 2^6 = 3.1%, five of five 6.3%.
        assert_eq!(shift(share(3, 10), share(9, 10), (6, 0)), Ordering::Greater);
        assert_eq!(shift(share(4, 10), share(9, 10), (5, 0)), Ordering::Equal);
        assert_eq!(shift(share(5, 10), share(5, 10), (3, 3)), Ordering::Equal);
    }

    /// How a run ended, and its goodput.
    type Run = (Verdict, f64);

    fn of(pairs: &[(Run, Run)]) -> Figure {
        let [base, arm]: [Vec<Run>; 2] = [pairs.iter().map(|it| it.0).collect(), pairs.iter().map(|it| it.1).collect()];
        figure(&made_up(&base), &made_up(&arm), "goodput(users)", 1).unwrap()
    }

    #[test]
    fn where_runs_ended_differently_the_pairs_of_each_ending_say_what_is_clear() {
        let (bad, good) = (|it| (Metastable, it), |it| (Recovered, it));
        let much = [
            (bad(0.0), good(0.91)),
            (bad(0.01), good(0.92)),
            (bad(0.0), good(0.93)),
            (bad(0.02), bad(0.88)),
            (bad(0.01), bad(0.89)),
            (bad(0.0), bad(0.87)),
        ];
        let it = of(&much);
        assert!(it.half_width.is_none() && it.is_clear, "{it:?}");
        // Those that end well get more by that alone; the others get nothing.
        let mut chance = much;
        (3..6).for_each(|n| chance[n].1 = bad(chance[n].0.1 + [0.01, -0.01, 0.0][n - 3]));
        assert!(!of(&chance).is_clear);
        // What goes the other way in a single run is no chance that may be left out.
        let mut against = much.to_vec();
        against.push((good(0.95), bad(0.1)));
        assert!(!of(&against).is_clear);
        against[6] = (good(0.8), good(0.9));
        assert!(of(&against).is_clear);
    }
}
