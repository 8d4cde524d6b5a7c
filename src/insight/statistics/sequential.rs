//! A test that may be looked at after every run: whether more than a given share of all runs ends so, or less. It ends as
//! soon as it is sure, and needs nobody to say beforehand how sharp the difference is.
//!
//! The evidence is a mean of likelihood ratios against the share in question, over shares on one side of it (Robbins,
//! "Statistical methods related to the law of the iterated logarithm", 1970). While the truth lies on the other side that
//! is a supermartingale that begins at 1: by Ville's inequality it ever reaches `1 / error` with a probability of at most
//! `error`, however often somebody looks and whenever they stop.

/// So many shares on each side are held against the one in question.
const NODES: u32 = 256;

/// On which side of the share in question the truth lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// More runs end so than that share.
    More,
    /// Fewer do.
    Fewer,
}

/// The test.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sequential {
    share: f64,
    error: f64,
}

impl Sequential {
    /// Whether more or fewer than `share` of all runs end so, either said wrongly with a probability of at most `error`.
    /// Both lie between 0 and 1.
    pub fn new(share: f64, error: f64) -> Sequential {
        Sequential { share: share.clamp(0.001, 0.999), error: error.clamp(1e-12, 0.5) }
    }

    /// What `count` of `of` runs say; `None` while they do not say enough.
    pub fn decide(&self, count: u32, of: u32) -> Option<Side> {
        let limit = -libm::log(self.error);
        if self.evidence(Side::More, count, of) >= limit {
            Some(Side::More)
        } else if self.evidence(Side::Fewer, count, of) >= limit {
            Some(Side::Fewer)
        } else {
            None
        }
    }

    /// The fewest runs that can say anything: so many of which all end so, or of which none does.
    pub fn fewest(&self) -> u32 {
        self.fewest_for(Side::More).min(self.fewest_for(Side::Fewer))
    }

    /// The fewest runs that can say that the truth lies on `side`.
    pub fn fewest_for(&self, side: Side) -> u32 {
        // All runs alike multiply the evidence: it is there at the latest when even the nearest shares are ruled out.
        const MANY: u32 = 1_000_000;
        let count = |of: u32| if side == Side::More { of } else { 0 };
        (1..MANY).find(|of| self.decide(count(*of), *of) == Some(side)).unwrap_or(MANY)
    }

    /// The logarithm of the evidence that the truth lies on `side`.
    fn evidence(&self, side: Side, count: u32, of: u32) -> f64 {
        let (yes, no) = (f64::from(count), f64::from(of - count));
        let (low, high) = match side {
            Side::More => (self.share, 1.0),
            Side::Fewer => (0.0, self.share),
        };
        let ratio = |node: u32| {
            let share = low + (high - low) * (f64::from(node) + 0.5) / f64::from(NODES);
            yes * libm::log(share / self.share) + no * libm::log((1.0 - share) / (1.0 - self.share))
        };
        let ratios: Vec<f64> = (0..NODES).map(ratio).collect();
        let largest = ratios.iter().copied().fold(f64::MIN, f64::max);
        let sum: f64 = ratios.iter().map(|ratio| libm::exp(ratio - largest)).sum();
        largest + libm::log(sum / f64::from(NODES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Stream;

    /// When the test ends and what it says, of runs that end so with `share`; looked at after every run.
    fn outcome(test: &Sequential, share: f64, seed: u64, runs: u32) -> (u32, Option<Side>) {
        let mut draws = Stream::new(seed, "sequential test");
        let mut count = 0;
        for of in 1..=runs {
            count += u32::from(draws.uniform() < share);
            if let Some(side) = test.decide(count, of) {
                return (of, Some(side));
            }
        }
        (runs, None)
    }

    #[test]
    fn unanimous_runs_decide_early() {
        // The mean of (2 share)^n over the upper half is (2^(n+1) - 1) / (n+1): 1/0.05 is passed between n = 6 and 7.
        let test = Sequential::new(0.5, 0.05);
        assert_eq!(test.fewest(), 7);
        assert_eq!((test.decide(7, 7), test.decide(0, 7)), (Some(Side::More), Some(Side::Fewer)));
        assert_eq!((test.decide(6, 6), test.decide(20, 40), test.decide(0, 0)), (None, None, None));
        let most = Sequential::new(0.9, 0.05);
        assert!(most.fewest() < 7, "few failures are enough against 90%");
        assert_eq!((most.fewest_for(Side::Fewer), test.fewest_for(Side::More)), (most.fewest(), 7));
        assert!(most.fewest_for(Side::More) > 30, "and many runs without one for it");
    }

    #[test]
    fn it_is_wrong_no_oftener_than_it_says() {
        // At the share itself either answer is wrong: over 2000 tests of 200 looks each, of which 5% for each side is the
        // most there may be. Three standard errors of a share of 5% over 2000 are 1.5%.
        let test = Sequential::new(0.5, 0.05);
        let wrong = |side| (0..2000).filter(|seed| outcome(&test, 0.5, *seed, 200).1 == Some(side)).count();
        for side in [Side::More, Side::Fewer] {
            let wrong = wrong(side);
            assert!((1..=130).contains(&wrong), "{side:?}: {wrong}");
        }
        // Where the share is another, it finds out.
        let found: Vec<(u32, Option<Side>)> = (0..500).map(|seed| outcome(&test, 0.8, seed, 200)).collect();
        assert!(found.iter().filter(|it| it.1 == Some(Side::More)).count() >= 495);
        assert!(found.iter().map(|it| it.0).sum::<u32>() / 500 < 30, "and soon");
    }
}
