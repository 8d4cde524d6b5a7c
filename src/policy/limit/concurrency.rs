//! So many at a time: a law says how many, and while there are as many, nobody else comes in, unless his class of
//! priorities has a share of the limit that it does not use (Netflix's `AbstractPartitionedLimiter`).

use crate::base::random::Stream;
use crate::base::time::Time;
use crate::base::units::Share;
use crate::policy::Outcome;

use super::{
    Aimd, AimdSettings, DROPPED, Ended, Gradient, Gradient2, Gradient2Settings, GradientSettings, Limiter, Newcomer,
    SampleWindow, Vegas, VegasSettings,
};

/// The knobs of [`Concurrency`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConcurrencySettings {
    /// How many.
    pub law: LawSettings,
    /// What each class of priorities gets for sure.
    pub shares: Option<PriorityShares>,
}

/// How many may be in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LawSettings {
    /// Always the same number, at least 1.
    Fixed(u32),
    /// One more, or a tenth less.
    Aimd(AimdSettings),
    /// By the queue.
    Vegas(VegasSettings),
    /// By the time that requests take lately and in the long run.
    Gradient2(Gradient2Settings),
    /// By the time that requests take with and without a queue.
    Gradient(GradientSettings),
}

/// Shares of a limit by the lowest priority of each class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PriorityShares([Option<Share>; 10]);

impl PriorityShares {
    /// `of` holds the share of the class that begins at each priority, if one does; at least one must.
    pub fn new(of: [Option<Share>; 10]) -> Option<PriorityShares> {
        of.iter().any(Option::is_some).then_some(PriorityShares(of))
    }

    /// The class of a priority, which is its lowest one, and its share. What is less important than all classes belongs to
    /// the lowest of them.
    fn class(&self, priority: u8) -> (usize, f64) {
        let at = |n: usize| self.0[n].map(|share| (n, share.as_f64()));
        let from = usize::from(priority).min(9);
        let found = (0..=from).rev().find_map(at).or_else(|| (from..10).find_map(at));
        found.unwrap_or((0, 0.0))
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Concurrency {
    law: Law,
    window: Option<SampleWindow>,
    shares: Option<PriorityShares>,
    /// Those that are in, by class.
    in_class: [u32; 10],
}

#[derive(Clone, Debug)]
enum Law {
    Fixed(u32),
    Aimd(Aimd),
    Vegas(Vegas),
    Gradient2(Gradient2),
    Gradient(Gradient),
}

impl Concurrency {
    /// At its start; `stream` is its own.
    pub fn new(settings: &ConcurrencySettings, now: Time, stream: Stream) -> Concurrency {
        let window = match &settings.law {
            LawSettings::Aimd(AimdSettings { window, .. })
            | LawSettings::Vegas(VegasSettings { window, .. })
            | LawSettings::Gradient2(Gradient2Settings { window, .. }) => Some(*window),
            // Envoy's keeps its windows itself.
            LawSettings::Fixed(_) | LawSettings::Gradient(_) => None,
        };
        let law = match &settings.law {
            LawSettings::Fixed(limit) => Law::Fixed(*limit),
            LawSettings::Aimd(settings) => Law::Aimd(Aimd::new(settings)),
            LawSettings::Vegas(settings) => Law::Vegas(Vegas::new(settings, stream)),
            LawSettings::Gradient2(settings) => Law::Gradient2(Gradient2::new(settings)),
            LawSettings::Gradient(settings) => Law::Gradient(Gradient::new(settings, now, stream)),
        };
        let window = window.filter(|window| !window.is_zero()).map(SampleWindow::new);
        Concurrency { law, window, shares: settings.shares, in_class: [0; 10] }
    }

    fn current(&self) -> u32 {
        match &self.law {
            Law::Fixed(limit) => *limit,
            Law::Aimd(law) => law.limit(),
            Law::Vegas(law) => law.limit(),
            Law::Gradient2(law) => law.limit(),
            Law::Gradient(law) => law.limit(),
        }
    }
}

impl Limiter for Concurrency {
    fn admit(&mut self, now: Time, newcomer: &Newcomer) -> bool {
        if let Law::Gradient(law) = &mut self.law {
            law.advance(now);
        }
        let limit = self.current();
        let has_room = newcomer.in_flight < limit;
        let Some(shares) = &self.shares else { return has_room };
        let (class, share) = shares.class(newcomer.priority);
        let own = (f64::from(limit) * share).ceil().max(1.0) as u32;
        let is_in = has_room || self.in_class[class] < own;
        self.in_class[class] += u32::from(is_in);
        is_in
    }

    fn ended(&mut self, now: Time, ended: &Ended) {
        if let Some(shares) = &self.shares {
            let (class, _) = shares.class(ended.priority);
            // One who was let in by another limit, which this one has replaced, is not counted.
            self.in_class[class] = self.in_class[class].saturating_sub(1);
        }
        if let Law::Gradient(law) = &mut self.law {
            if ended.outcome != Outcome::Cancelled {
                law.sample(now, ended.rtt);
            }
            return;
        }
        let dropped = DROPPED.has(ended.outcome);
        if !dropped && !ended.outcome.is_ok() {
            return;
        }
        let sample = match &mut self.window {
            None => Some((ended.rtt, ended.in_flight, dropped)),
            Some(window) => window.add(now, ended.rtt, ended.in_flight, dropped),
        };
        let Some((rtt, in_flight, dropped)) = sample else { return };
        match &mut self.law {
            Law::Aimd(law) => law.sample(rtt, in_flight, dropped),
            Law::Vegas(law) => law.sample(rtt, in_flight, dropped),
            Law::Gradient2(law) => law.sample(rtt, in_flight),
            Law::Fixed(_) | Law::Gradient(_) => {}
        }
    }

    fn limit(&self) -> Option<u32> {
        Some(self.current())
    }
}
