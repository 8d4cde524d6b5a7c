//! Tipping points: up to where a system still ends well. Along one thing a bisection finds the `boundary`, along two the
//! `phase` diagram is refined where its phases meet; a `point` is judged by a sequential test over replications.
//!
//! Run number `k` of every point has the same random numbers, so that neighbouring points differ by what is varied and
//! not by luck. Nothing depends on how many runs go at once.

mod boundary;
mod phase;
mod point;

pub use boundary::{Boundary, Direction, Spread, boundary};
pub use phase::{PhaseDiagram, PhaseMap, phase_diagram};
pub use point::{Criterion, Outcome, Phase, Point};

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Stage;
use super::replicate::Watch;
use crate::model::Model;

/// How sure an answer is, unless somebody says otherwise.
pub const TIP_CONFIDENCE: f64 = 0.95;
/// So many runs of a point at most, unless somebody says otherwise.
pub const TIP_REPLICATIONS: u32 = 40;

/// The scenario at a place of each lattice; what is wrong with it, as text.
pub type ModelAt<'m> = &'m (dyn Fn(&[u32]) -> Result<Model, String> + Sync);

/// How a tipping point is searched.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TipPlan {
    /// Which runs end well.
    pub criterion: Criterion,
    /// What this share of the runs does is how a point ends.
    pub share: f64,
    /// How sure the answer is.
    pub confidence: f64,
    /// The most runs of a point; where they do not say enough, the point is left open.
    pub replications: u32,
}

/// Why there is no result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TipEnded {
    /// Whoever watched has ended it.
    Interrupted,
    /// A scenario is wrong; what is wrong with it, as text.
    Wrong(String),
    /// As few runs of a point as the plan allows are never sure, whatever they say; so many may be.
    TooFew(u32),
}

/// Counts runs, and asks whether to go on.
struct Progress<'w> {
    done: AtomicU32,
    of: AtomicU32,
    watch: Watch<'w>,
}

impl<'w> Progress<'w> {
    fn new(watch: Watch<'w>) -> Progress<'w> {
        Progress { done: AtomicU32::new(0), of: AtomicU32::new(0), watch }
    }

    /// That so many runs are still to come is the best guess.
    fn expect(&self, more: u32) {
        self.of.store(self.done.load(Ordering::Relaxed).saturating_add(more), Ordering::Relaxed);
    }

    fn tell(&self, ended: u32) -> ControlFlow<()> {
        let done = self.done.fetch_add(ended, Ordering::Relaxed) + ended;
        (self.watch)(Stage { done, of: self.of.load(Ordering::Relaxed).max(done) })
    }
}
