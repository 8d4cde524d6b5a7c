//! Running what is tried: run `k` of each has the same seed, and all of a round go side by side.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;

use super::Cure;
use crate::experiment::Stage;
use crate::experiment::replicate::{Ran, Replications, Wanted, Watch, run};
use crate::model::Model;

/// A scenario, and its runs so far.
pub(super) struct Arm {
    pub model: Model,
    pub runs: Replications,
}

impl Arm {
    pub(super) fn new(model: Model) -> Arm {
        Arm { model, runs: Replications::default() }
    }
}

/// All runs of an advice.
pub(super) struct Trial<'w> {
    watch: Watch<'w>,
    done: AtomicU32,
    planned: u32,
}

impl<'w> Trial<'w> {
    pub(super) fn new(watch: Watch<'w>) -> Trial<'w> {
        Trial { watch, done: AtomicU32::new(0), planned: 0 }
    }

    /// How many runs there have been.
    pub(super) fn done(&self) -> u32 {
        self.done.load(Ordering::Relaxed)
    }

    /// Runs `numbers` of each of the cured that `is_wanted`; `None` when it has been ended.
    pub(super) fn run(
        &mut self,
        arms: &mut [(Cure, Arm)],
        numbers: Range<u32>,
        is_wanted: &dyn Fn(&Cure, &Arm) -> bool,
    ) -> Option<()> {
        let mut wanted: Vec<&mut Arm> =
            arms.iter_mut().filter(|(cure, arm)| is_wanted(cure, arm)).map(|(_, arm)| arm).collect();
        self.each(&mut wanted, numbers)
    }

    /// Runs `numbers` of each.
    pub(super) fn extend(&mut self, arms: &mut [Arm], numbers: Range<u32>) -> Option<()> {
        self.each(&mut arms.iter_mut().collect::<Vec<_>>(), numbers)
    }

    /// Runs `numbers` of each.
    pub(super) fn each(&mut self, arms: &mut [&mut Arm], numbers: Range<u32>) -> Option<()> {
        self.planned += arms.len() as u32 * numbers.len() as u32;
        let of = self.planned;
        let tasks: Vec<(usize, u32)> =
            numbers.flat_map(|number| (0..arms.len()).map(move |arm| (arm, number))).collect();
        let models: Vec<&Model> = arms.iter().map(|arm| &arm.model).collect();
        let one = |(arm, number): (usize, u32)| {
            let go_on = || (self.watch)(Stage { done: self.done(), of });
            let ran = run(models[arm], number, Wanted::FIGURES, &go_on)?;
            let stage = Stage { done: self.done.fetch_add(1, Ordering::Relaxed) + 1, of };
            (self.watch)(stage).is_continue().then_some((arm, ran))
        };
        let ran: Option<Vec<(usize, Ran)>> = tasks.into_par_iter().with_max_len(1).map(one).collect();
        for (arm, ran) in ran? {
            arms[arm].runs.extend(Replications { measures: ran.measures, runs: vec![ran.replication] });
        }
        Some(())
    }
}
