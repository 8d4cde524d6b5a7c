//! How often each cure is tried. Most do nothing, and those are the dearest ones to run, for they leave the storm as it is:
//! everything is tried once, what shows nothing is dropped, what shows something is tried some times, and only what is not
//! settled by then as often as was asked for. Which runs there are depends on earlier runs alone, never on the clock.

use std::ops::Range;

use super::Cure;
use super::rank::{Effect, Ruler};
use super::trial::{Arm, Trial};

/// Of so many runs as it stands none, and of so many cured ones all, are beyond chance: their Wilson intervals, 0 to 43.4%
/// and 43.8 to 100%, do not meet.
const SOME: u32 = 5;
const FEW: u32 = 3;
/// Where fewer than so many show something, everything else gets a second look, too.
const ENOUGH: usize = 3;

/// See the module.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    /// So often what shows something is tried.
    pub some: u32,
    /// And so often at most.
    most: u32,
}

impl Plan {
    pub(super) fn new(replications: u32) -> Plan {
        Plan { some: SOME.min(replications), most: replications }
    }

    /// Tries everything, and what shows something some times; `None` when it has been ended.
    pub(super) fn screen(
        self,
        trial: &mut Trial<'_>,
        ruler: &Ruler<'_>,
        base: &Arm,
        arms: &mut [(Cure, Arm)],
    ) -> Option<()> {
        let promising = |arm: &Arm| ruler.is_promising(&base.runs, &arm.runs);
        let shows = |arm: &Arm| promising(arm) || ruler.looks_worse(&base.runs, &arm.runs);
        let first = ruler.first_look(&base.runs);
        trial.run(arms, 0..first, &|_, _| true)?;
        let second = (2 * first).min(self.some);
        let is_scarce = arms.iter().filter(|(_, arm)| promising(arm)).count() < ENOUGH;
        trial.run(arms, first..second, &|cure, arm| is_scarce || cure.belief.is_some() || shows(arm))?;
        let few = FEW.clamp(second, self.some);
        trial.run(arms, second..few, &|_, arm| shows(arm))?;
        let (best, others) = (ruler.best_effect(), arms.len());
        trial.run(arms, few..self.some, &|_, arm| shows(arm) && ruler.effect_of(base, arm, others) < best)
    }

    /// Tries again what is not settled yet, unless so many cures are known that it could not win; the runs as it stands
    /// become as many. `None` when it has been ended.
    pub(super) fn settle(
        self,
        trial: &mut Trial<'_>,
        ruler: &Ruler<'_>,
        base: &mut Arm,
        arms: &mut [(Cure, Arm)],
    ) -> Option<()> {
        let (best, others) = (ruler.best_effect(), arms.len());
        let of = |arm: &Arm| ruler.effect_of(base, arm, others);
        let settled = arms.iter().filter(|(_, arm)| of(arm) == best).count();
        if settled >= ENOUGH || self.some == self.most {
            return Some(());
        }
        let is_open: Vec<bool> = arms
            .iter()
            .map(|(_, arm)| {
                let is_tried = arm.runs.runs.len() as u32 == self.some;
                is_tried && ruler.is_promising(&base.runs, &arm.runs) && of(arm) != Effect::Worse
            })
            .collect();
        if !is_open.contains(&true) {
            return Some(());
        }
        let rest: Range<u32> = self.some..self.most;
        trial.extend(std::slice::from_mut(base), rest.clone())?;
        let mut open: Vec<&mut Arm> =
            arms.iter_mut().zip(is_open).filter(|(_, is_open)| *is_open).map(|((_, arm), _)| arm).collect();
        trial.each(&mut open, rest)
    }

    /// Tries `pairs`, as far as it takes to say what they do; where no cure alone is enough, as often as those, so that a
    /// pair does not win by a few lucky runs. `None` when it has been ended.
    pub(super) fn pairs(
        self,
        trial: &mut Trial<'_>,
        ruler: &Ruler<'_>,
        base: &Arm,
        arms: &mut [(Cure, Arm)],
        singles: usize,
    ) -> Option<()> {
        let (others, best) = (arms.len(), ruler.best_effect());
        let (alone, pairs) = arms.split_at_mut(singles);
        let is_enough = alone.iter().any(|(_, arm)| ruler.effect_of(base, arm, others) == best);
        let all = base.runs.runs.len() as u32;
        trial.run(pairs, 0..FEW.min(all), &|_, _| true)?;
        trial.run(pairs, FEW.min(all)..all, &|_, arm| !is_enough || ruler.effect_of(base, arm, others) < best)
    }

    /// Runs both, as it stands and cured, with seeds that had no part in choosing: until it is beyond chance that more end
    /// well, or as often as was asked for. `None` when it has been ended.
    pub(super) fn confirm(self, trial: &mut Trial<'_>, ruler: &Ruler<'_>, both: &mut [Arm; 2]) -> Option<()> {
        trial.extend(both, self.most..self.most + self.some)?;
        let [again, cured] = &*both;
        if ruler.effect_of(again, cured, 1) == ruler.best_effect() {
            return Some(());
        }
        trial.extend(both, self.most + self.some..2 * self.most)
    }
}
